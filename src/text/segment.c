/* See segment.h.
 *
 * 1. Text falls into blocks of Han characters, ASCII letters and digits and a few signs; what lies
 *    between them is cut into characters.
 * 2. In a block, the route of dictionary words with the greatest product of frequencies is found from
 *    the right; of equal routes the one with the longer first word wins.
 * 3. Runs that the route leaves as single characters are joined again: Han by a hidden Markov model
 *    with the states begin, end, middle, single; alphanumerics by a pattern.
 *
 * Sums of logarithms are formed in the reference's order, so that what ties there ties here. */
#include "text/segment.h"

struct cutter {
    const struct lexicon *lx;
    const uint32_t *cps;
    uint32_t *ends; /* the words so far */
    size_t count;
    double *prob;                  /* of the best route from a character to its block's end */
    uint32_t *next;                /* where the first word of that route ends */
    unsigned char (*from)[HMM_STATES]; /* best state before, for each state at a character */
    double hmm[1 + HMM_STATES][HMM_STATES];
};

static void push_end(struct cutter *c, size_t end)
{
    c->ends[c->count++] = (uint32_t)end;
}

static int is_alnum(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_joint(uint32_t c)
{
    return c == '.' || c == '_' || c == '-';
}

static int is_block(uint32_t c)
{
    if (c < 0x80)
        return is_alnum(c) || is_joint(c) || c == '+' || c == '#' || c == '&' || c == '%';
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
           (c >= 0x2CEB0 && c <= 0x2EBEF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static int is_hmm_han(uint32_t c)
{
    return c >= HMM_FIRST && c <= HMM_LAST;
}

static int is_word(const struct cutter *c, size_t begin, size_t end)
{
    uint32_t node = 0;
    for (size_t i = begin; i < end; i++)
        if ((node = trie_child(&c->lx->words, node, c->cps[i])) == 0)
            return 0;
    return trie_value(&c->lx->words, node) != 0;
}

static void find_route(struct cutter *c, size_t begin, size_t end)
{
    const struct lexicon *lx = c->lx;
    c->prob[end] = 0;
    for (size_t i = end; i-- > begin;) {
        uint32_t node = 0;
        uint16_t value;
        c->prob[i] = lexicon_f64(&lx->log_freq, 0) + c->prob[i + 1];
        c->next[i] = (uint32_t)i + 1;
        int found = 0;
        for (size_t j = i; j < end && (node = trie_child(&lx->words, node, c->cps[j])); j++) {
            if ((value = trie_value(&lx->words, node)) == 0)
                continue;
            double p = lexicon_f64(&lx->log_freq, value) + c->prob[j + 1];
            if (!found || p >= c->prob[i]) {
                c->prob[i] = p;
                c->next[i] = (uint32_t)j + 1;
                found = 1;
            }
        }
    }
}

/* Length of the alphanumeric word at c[0, n): runs joined by one '.', '_' or '-' each, then maybe '%'. */
static size_t alnum_length(const uint32_t *c, size_t n)
{
    size_t i = 0;
    while (i < n && is_alnum(c[i])) {
        i++;
        if (i + 1 < n && is_joint(c[i]) && is_alnum(c[i + 1]))
            i++;
    }
    return i + (i < n && c[i] == '%');
}

static void cut_alnum(struct cutter *c, size_t begin, size_t end)
{
    for (size_t i = begin; i < end;) {
        size_t j = i;
        while (j < end && !is_alnum(c->cps[j]))
            j++;
        if (j > i)
            push_end(c, j);
        if (j < end) {
            j += alnum_length(c->cps + j, end - j);
            push_end(c, j);
        }
        i = j;
    }
}

static double emission(const struct lexicon *lx, uint32_t cp, int state)
{
    size_t row = lexicon_u16(&lx->emit_rows, (size_t)(cp - HMM_FIRST) * HMM_STATES + (size_t)state);
    return lexicon_f64(&lx->emit_values, row);
}

/* Viterbi over two characters or more. Of two equal predecessors the second wins. */
static void cut_hmm(struct cutter *c, size_t begin, size_t end)
{
    static const unsigned char before[HMM_STATES][2] = {
        [HMM_BEGIN] = {HMM_END, HMM_SINGLE},
        [HMM_END] = {HMM_BEGIN, HMM_MIDDLE},
        [HMM_MIDDLE] = {HMM_BEGIN, HMM_MIDDLE},
        [HMM_SINGLE] = {HMM_END, HMM_SINGLE},
    };
    double v[HMM_STATES], w[HMM_STATES];
    for (int s = 0; s < HMM_STATES; s++)
        v[s] = c->hmm[0][s] + emission(c->lx, c->cps[begin], s);
    for (size_t i = begin + 1; i < end; i++) {
        for (int s = 0; s < HMM_STATES; s++) {
            unsigned char a = before[s][0], b = before[s][1];
            double e = emission(c->lx, c->cps[i], s);
            double pa = v[a] + c->hmm[1 + a][s] + e, pb = v[b] + c->hmm[1 + b][s] + e;
            c->from[i][s] = pa > pb ? a : b;
            w[s] = pa > pb ? pa : pb;
        }
        for (int s = 0; s < HMM_STATES; s++)
            v[s] = w[s];
    }
    /* Back along the best states; from[i][0] then holds the state of character i itself. */
    unsigned char state = v[HMM_END] > v[HMM_SINGLE] ? HMM_END : HMM_SINGLE;
    for (size_t i = end; i-- > begin;) {
        unsigned char own = state;
        if (i > begin)
            state = c->from[i][state];
        c->from[i][0] = own;
    }
    for (size_t i = begin; i < end; i++)
        if (c->from[i][0] == HMM_END || c->from[i][0] == HMM_SINGLE)
            push_end(c, i + 1);
}

/* A run of characters that the route left single. */
static void cut_singles(struct cutter *c, size_t begin, size_t end)
{
    if (end - begin > 1 && is_word(c, begin, end)) { /* a word that the route advises against */
        for (size_t i = begin; i < end; i++)
            push_end(c, i + 1);
        return;
    }
    for (size_t i = begin; i < end;) {
        size_t j = i + 1;
        while (j < end && is_hmm_han(c->cps[j]) == is_hmm_han(c->cps[i]))
            j++;
        if (j - i == 1)
            push_end(c, j);
        else if (is_hmm_han(c->cps[i]))
            cut_hmm(c, i, j);
        else
            cut_alnum(c, i, j);
        i = j;
    }
}

static void cut_block(struct cutter *c, size_t begin, size_t end)
{
    find_route(c, begin, end);
    size_t single = begin; /* start of the singles before i */
    for (size_t i = begin; i < end;) {
        size_t next = c->next[i];
        if (next - i > 1) {
            cut_singles(c, single, i);
            push_end(c, next);
            single = next;
        }
        i = next;
    }
    cut_singles(c, single, end);
}

int segment_words(const struct lexicon *lx, const uint32_t *cps, size_t n, struct arena *arena,
                  uint32_t **ret_ends, size_t *ret_count, struct error *err)
{
    struct cutter c = {.lx = lx, .cps = cps};
    c.ends = arena_alloc(arena, (n + 1) * sizeof *c.ends);
    c.prob = arena_alloc(arena, (n + 1) * sizeof *c.prob);
    c.next = arena_alloc(arena, (n + 1) * sizeof *c.next);
    c.from = arena_alloc(arena, (n + 1) * sizeof *c.from);
    if (!c.ends || !c.prob || !c.next || !c.from)
        return error_nomem(err);
    for (int a = 0; a < 1 + HMM_STATES; a++)
        for (int b = 0; b < HMM_STATES; b++)
            c.hmm[a][b] = lexicon_f64(&lx->hmm_steps, (size_t)(a * HMM_STATES + b));
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && is_block(cps[j]))
            j++;
        if (j > i) {
            cut_block(&c, i, j);
        } else {
            j += 1 + (cps[i] == '\r' && i + 1 < n && cps[i + 1] == '\n');
            push_end(&c, j);
        }
        i = j;
    }
    *ret_ends = c.ends;
    *ret_count = c.count;
    return 0;
}
