/* See voice_flite.h. flite keeps its voice, and the speed in it, in static memory, so one sentence is
 * made at a time. It gives up by longjmp when cst_errjmp is set and by exit() when it is not: it is
 * set here, and what the sentence had allocated is then lost.
 *
 * Why not a voice a thread, and no lock: flite 2.2 would bear it (register_cmu_us_slt makes another voice
 * once cmu_us_slt_cg is NULL, the counts of references are then a thread's own, the lexicon is only read, and
 * neither helgrind nor drd finds a race between two such threads), but cst_errjmp is one pointer for the
 * process. A thread that runs out of memory would jump into the stack of another, or, without it, end the
 * program. Whoever wants more than one core's worth of sentences runs more than one process. */
#include "engine/voice_flite.h"

#include "base/utf8.h"

#include <flite/flite.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#define FLITE_WORD_MAX    40 /* letters and digits in a row; the longest English words have 29 */
#define DECOMPOSITION_MAX 18 /* UTF-16 units: the longest there is in Unicode */

cst_voice *register_cmu_us_slt(const char *voxdir);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cst_voice *slt; /* made once, under the lock; lives as long as the process */

/* Latin letters that Unicode does not take apart. */
static const struct {
    uint16_t letter;
    char ascii[3];
} latin[] = {
    {0xC6, "AE"}, {0xD0, "D"},  {0xD8, "O"},  {0xDE, "Th"},  {0xDF, "ss"},   {0xE6, "ae"},  {0xF0, "d"},
    {0xF8, "o"},  {0xFE, "th"}, {0x110, "D"}, {0x111, "d"},  {0x126, "H"},   {0x127, "h"},  {0x131, "i"},
    {0x138, "k"}, {0x141, "L"}, {0x142, "l"}, {0x14A, "Ng"}, {0x14B, "ng"},  {0x152, "OE"}, {0x153, "oe"},
    {0x166, "T"}, {0x167, "t"}, {0x18F, "E"}, {0x259, "e"},  {0x1E9E, "SS"},
};

struct plain {
    struct buf *out;
    size_t word; /* letters and digits in a row so far */
};

static int add_ascii(struct plain *p, char c)
{
    int alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    struct buf *out = p->out;
    char last = out->len ? out->ptr[out->len - 1] : ' ';
    if (alnum) {
        if (p->word == FLITE_WORD_MAX) {
            p->word = 0;
            if (buf_add_char(out, ' '))
                return E_NOMEM;
        }
        p->word++;
        return buf_add_char(out, c);
    }
    if (c == '\'' && p->word > 0) /* don't; quotes before a word are dropped */
        return buf_add_char(out, c);
    p->word = 0;
    if (c && strchr(".,!?;:", c))
        /* several in a row say no more than the first; one after a space belongs to no word */
        return last == ' ' || strchr(".,!?;:", last) ? 0 : buf_add_char(out, c);
    return last == ' ' ? 0 : buf_add_char(out, ' ');
}

static const char *latin_letter(uint32_t cp)
{
    for (size_t i = 0; i < sizeof latin / sizeof *latin; i++)
        if (latin[i].letter == cp)
            return latin[i].ascii;
    return NULL;
}

static int add_char(struct plain *p, const UNormalizer2 *nfkd, uint32_t cp)
{
    if (cp < 0x80)
        return add_ascii(p, (char)cp);
    if (cp == 0x2018 || cp == 0x2019 || cp == 0x2BC)
        return add_ascii(p, '\'');
    if (u_charType((UChar32)cp) == U_NON_SPACING_MARK)
        return 0;
    const char *ascii = latin_letter(cp);
    if (ascii) {
        for (; *ascii; ascii++)
            if (add_ascii(p, *ascii))
                return E_NOMEM;
        return 0;
    }
    UChar parts[DECOMPOSITION_MAX];
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = unorm2_getDecomposition(nfkd, (UChar32)cp, parts, DECOMPOSITION_MAX, &ec);
    if (U_FAILURE(ec) || n < 0)
        return add_ascii(p, ' ');
    for (int32_t i = 0; i < n; i++)
        if (u_charType(parts[i]) != U_NON_SPACING_MARK)
            if (add_ascii(p, parts[i] < 0x80 ? (char)parts[i] : ' '))
                return E_NOMEM;
    return 0;
}

int flite_plain_text(const char *text, size_t len, struct buf *out)
{
    UErrorCode ec = U_ZERO_ERROR;
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&ec);
    if (U_FAILURE(ec))
        return E_NOMEM;
    struct plain p = {out, 0};
    size_t before = out->len;
    uint32_t cp;
    for (size_t i = 0, w; i < len && (w = utf8_decode(text + i, len - i, &cp)) > 0; i += w)
        if (add_char(&p, nfkd, cp)) {
            out->len = before;
            return E_NOMEM;
        }
    return buf_reserve(out, 0); /* a '\0' even when nothing was added */
}

static int has_word(const char *text)
{
    return text[strcspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] != '\0';
}

/* Between setjmp and longjmp live only what is volatile or never changed. */
static cst_wave *synthesize(const char *text, float speed)
{
    jmp_buf failed, *outer = cst_errjmp;
    cst_wave *volatile wave = NULL;
    cst_errjmp = &failed;
    if (setjmp(failed) == 0) {
        if (!slt) {
            flite_init();
            slt = register_cmu_us_slt(NULL);
        }
        if (slt) {
            flite_feat_set_float(slt->features, "duration_stretch", 1.0f / speed);
            wave = flite_text_to_wave(text, slt);
        }
    }
    cst_errjmp = outer;
    return wave;
}

int flite_speak(const char *text, float speed, struct pcm *ret, struct error *err)
{
    ret->len = 0;
    if (!has_word(text))
        return 0;
    pthread_mutex_lock(&lock);
    cst_wave *wave = synthesize(text, speed);
    pthread_mutex_unlock(&lock);
    if (!wave)
        return error_set(err, E_INTERNAL, "flite could not speak a sentence");
    int rc = 0;
    int n = wave->num_channels == 1 ? wave->num_samples : 0;
    if (n > 0 && pcm_reserve(ret, (size_t)n)) {
        rc = error_nomem(err);
    } else {
        for (int i = 0; i < n; i++)
            ret->samples[i] = (float)wave->samples[i] / 32768.0f;
        ret->len = (size_t)n;
        ret->rate = wave->sample_rate;
    }
    delete_wave(wave);
    return rc;
}
