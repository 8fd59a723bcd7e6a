/* What becomes of a tile of sums, over any vector width: included after vec_act.h and the definitions of MR and NV.
 * `out`'s vectors and c start at the tile. */

static inline __attribute__((always_inline)) void v_finish(vf t[MR][NV], const struct kern_out *out, int rows,
                                                           int cols, float *c, size_t ldc)
{
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j * VL < cols; j++) {
            size_t at = (size_t)j * VL, left = (size_t)cols - at;
            vf y = t[i][j];
            if (out->bias)
                y = v_add(y, v_get(out->bias + at, left));
            if (out->add && out->gate)
                y = v_fma(v_get(out->gate + at, left), y, v_get(c + at, left));
            else if (out->add)
                y = v_add(v_get(c + at, left), y);
            else if (out->act)
                y = v_act(out->act, y);
            v_put(c + at, y, left);
        }
}

/* Asks for the lines of c that v_finish will touch, while there is a product to compute. */
static inline void v_expect(int rows, int cols, const float *c, size_t ldc)
{
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j < cols; j += 16)
            __builtin_prefetch(c + j, 1);
}
