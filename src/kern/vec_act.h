/* exp and the activations over any vector width: included by each instruction set's file after its
 * vec_ISA.h. Bounds, in units of 2^-23, which tests/kern holds over the whole range of floats:
 *
 *   SiLU        4 of the result, plus 1e-36
 *   GELU, erf   3 of |x|
 *   GELU, tanh  2 of |x|
 *   Mish        4 of the result
 *
 * Where the usual formulas subtract nearly equal numbers these do not: x/2 (1 + tanh u) is
 * x / (1 + exp(-2u)), and with e = exp x, x tanh(ln(1 + e)) is x e (e + 2) / (e (e + 2) + 2). */

/* Loads and stores that stop where the row does: `left` numbers from here. */
static inline vf v_get(const float *p, size_t left)
{
    return left >= VL ? v_load(p) : v_load_n(p, left);
}

static inline void v_put(float *p, vf a, size_t left)
{
    if (left >= VL)
        v_store(p, a);
    else
        v_store_n(p, a, left);
}

/* 2^n e^r with x = n ln 2 + r, |r| <= ln 2 / 2: 1 + r + r^2 q(r), q fitted to a relative error of
 * 3e-9 of the whole. */
static inline vf v_exp(vf x)
{
    x = v_max(v_set(-105.0f), v_min(v_set(89.0f), x)); /* beyond: 0 and infinity, by v_scale */
    vf n = v_round(v_mul(x, v_set(0x1.715476p0f)));
    vf r = v_fnma(n, v_set(0x1.62e4p-1f), x); /* ln 2 in two parts: n times the first is exact */
    r = v_fnma(n, v_set(0x1.7f7d1cp-20f), r);
    vf q = v_set(0x1.6a2434p-10f);
    q = v_fma(q, r, v_set(0x1.1239e2p-7f));
    q = v_fma(q, r, v_set(0x1.5558f2p-5f));
    q = v_fma(q, r, v_set(0x1.555492p-3f));
    q = v_fma(q, r, v_set(0x1.fffffcp-2f));
    return v_scale(v_add(v_fma(q, v_mul(r, r), r), v_set(1.0f)), n);
}

static inline vf v_silu(vf x)
{
    return v_div(x, v_add(v_set(1.0f), v_exp(v_sub(v_set(0.0f), x))));
}

/* c = erfc(|x| / sqrt 2) / 2 = exp(-x^2 / 2) p(t), t = 1 / (1 + |x| / 4): p, without constant term,
 * fitted to a relative error of 8e-9 for |x| <= 13.5, beyond which c is 0. */
static inline vf v_gelu_erf(vf x)
{
    static const float p[] = {0x1.80a19ap-5f, 0x1.1e5148p-5f, 0x1.ce7428p-8f, 0x1.6ffbbcp-4f,
                              0x1.22291ep-4f, 0x1.884f7ep-4f, 0x1.97621ep-4f, 0x1.989336p-4f};
    vf t = v_div(v_set(1.0f), v_fma(v_abs(x), v_set(0.25f), v_set(1.0f)));
    vf c = v_fma(v_set(0x1.09ffa8p-6f), t, v_set(-0x1.f2948ep-5f));
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        c = v_fma(c, t, v_set(p[i]));
    c = v_mul(v_mul(c, t), v_exp(v_mul(v_mul(x, v_set(-0.5f)), x)));
    return v_mul(x, v_negative(x, c, v_sub(v_set(1.0f), c)));
}

static inline vf v_gelu_tanh(vf x)
{
    /* -2 sqrt(2 / pi) (x + 0.044715 x^3) */
    vf u = v_mul(x, v_fma(v_mul(x, x), v_set(-0.0713548162726f), v_set(-1.5957691216057308f)));
    return v_div(x, v_add(v_set(1.0f), v_exp(u)));
}

static inline vf v_mish(vf x)
{
    vf e = v_exp(v_min(v_set(20.0f), x)); /* from there on the factor is 1 */
    vf n = v_mul(e, v_add(e, v_set(2.0f)));
    return v_mul(x, v_div(n, v_add(n, v_set(2.0f))));
}

static inline vf v_act(enum kern_act act, vf x)
{
    switch (act) {
    case KERN_ACT_SILU:
        return v_silu(x);
    case KERN_ACT_GELU_ERF:
        return v_gelu_erf(x);
    case KERN_ACT_GELU_TANH:
        return v_gelu_tanh(x);
    case KERN_ACT_MISH:
        return v_mish(x);
    default:
        return x;
    }
}
