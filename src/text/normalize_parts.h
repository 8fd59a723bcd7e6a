/* What the parts of the normaliser share.
 *
 * A text goes through them in this order, as an array of code points:
 *   normalize_clean.c   full-width and styled letters to plain ones, invisible characters away
 *   normalize_repeat.c  links to marks, runs of the same thing to three of it
 *   normalize.c         finds each sentence's language and walks through the text; at each place it asks
 *     normalize_time.c    dates, times, telephone numbers
 *     normalize_unit.c    money, percentages, units
 *     normalize_number.c  what other numbers there are
 *     normalize_symbol.c  emoji, emoticons, signs
 *   in turn. Each takes what it knows how to read, or nothing. */
#ifndef ISHOW_TEXT_NORMALIZE_PARTS_H
#define ISHOW_TEXT_NORMALIZE_PARTS_H

#include "base/buf.h"
#include "base/error.h"
#include "text/normalize_spell.h"

#include <stdint.h>

#define NORM_PAD   16       /* zeros before and after the code points, so that a look aside needs no check */
#define MARK_LINK  0xF0001u /* private-use characters that stand for what was there; */
#define MARK_EMAIL 0xF0002u /* those of the input are taken out before */

/* The text is c[NORM_PAD, n); NORM_PAD zeros stand before it and after it. */
struct cps {
    uint32_t *c; /* owned */
    size_t n, cap;
};
int cps_create(struct cps *t, size_t cap); /* empty, with room for cap; 0 or E_NOMEM */
void cps_release(struct cps *t);           /* accepts a zeroed one */

/* Decodes and cleans; `t` is created. E_FORMAT on invalid UTF-8. */
int norm_clean(const char *text, size_t len, struct cps *t, struct error *err);

/* Links and runs, in place: the text only gets shorter. */
void norm_collapse(struct cps *t);

enum norm_lang { NORM_EN, NORM_ZH, NORM_OTHER };

struct norm {
    const uint32_t *c; /* the text is c[NORM_PAD, n), see struct cps */
    size_t n;
    enum norm_lang lang; /* of the sentence at hand */
    struct buf *out;
    struct buf word; /* being put together by a part, see norm_add */
    uint32_t last;   /* character written last; 0 at the start */
    int gap;         /* what stands between it and the next one: */
    int rc;          /* first failure; then everything else does nothing */
};
enum {
    GAP_NONE,
    GAP_SOFT /* something was left out */,
    GAP_SPACE,
    GAP_WORD /* after an English word of ours */
};

/* Writing: a character of the text as it is, or a space (`gap`), or words of ours. */
void norm_copy(struct norm *s, uint32_t cp);
void norm_gap(struct norm *s, int gap);

/* Putting words together: each appends to s->word, with spaces between in English and none in Chinese;
 * norm_say writes the lot. NULL adds nothing. */
void norm_add(struct norm *s, const char *en, const char *zh);
void norm_spell(struct norm *s, enum spell en, enum spell zh, int64_t value);
void norm_digits(struct norm *s, size_t from, size_t to); /* one by one; other characters are passed over */
void norm_say(struct norm *s);

/* A number as it stands in the text: 1,234.50 */
struct num {
    size_t start, end; /* of all of it */
    size_t whole_end;  /* of the digits before the point, with their commas */
    size_t frac;       /* first digit after the point; == end when there are none */
    size_t digits;     /* before the point */
    int64_t value;     /* of those digits; -1 when they are too many for SPELL_MAX */
    int commas;        /* it has grouping commas */
    int zero;          /* it starts with a superfluous zero: 007 */
};
int num_parse(const struct norm *s, size_t i, struct num *ret); /* 1 when there is one at i */
int num_is_whole(const struct num *v);
void norm_number(struct norm *s, const struct num *v, int counted); /* adds its words; 两 for 2 if counted */
int norm_counts(const struct norm *s, size_t i);                    /* a Chinese measure word stands at i */

/* The parts: each looks at c[i], says what it can and returns how many characters that took, or 0. */
size_t norm_phone(struct norm *s, size_t i);
size_t norm_date(struct norm *s, size_t i);
size_t norm_time(struct norm *s, size_t i);
size_t norm_money(struct norm *s, size_t i);
size_t norm_unit(struct norm *s, size_t i); /* number with percent sign or unit, or a range of those */
size_t norm_any_number(struct norm *s, size_t i);
size_t norm_symbol(struct norm *s, size_t i);

/* Unit names: what follows a number at i (one space may be between). Returns its length, 0 for none. */
struct unit_name {
    const char *sign, *one, *many, *zh;
};
size_t unit_find(const struct norm *s, size_t i, const struct unit_name **ret);

int cp_is_digit(uint32_t cp); /* ASCII */
int cp_is_latin(uint32_t cp); /* a letter of the Latin script */
int cp_is_ascii_letter(uint32_t cp);
int cp_is_han(uint32_t cp);
int cp_is_word(uint32_t cp); /* letter, digit or mark of any script */
/* Does ASCII `word` (lower case) stand at i, in any case, and not go on with another letter? */
int norm_word_at(const struct norm *s, size_t i, const char *word);

#endif
