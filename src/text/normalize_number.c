/* Numbers as such, and what people make of two of them: ranges, scores, fractions, 1v5, 1.2.3. */
#include "text/normalize_parts.h"

#include <string.h>

#define LONG_DIGITS 13 /* and more are read one by one: no one counts so far */
#define GROUPS_MAX  8  /* of 1-2-3-4 */

int num_parse(const struct norm *s, size_t i, struct num *ret)
{
    const uint32_t *c = s->c;
    if (!cp_is_digit(c[i]))
        return 0;
    struct num v = {.start = i};
    size_t j = i;
    while (cp_is_digit(c[j]))
        j++;
    if (j - i <= 3 && c[i] != '0')
        while (c[j] == ',' && cp_is_digit(c[j + 1]) && cp_is_digit(c[j + 2]) && cp_is_digit(c[j + 3]) &&
               !cp_is_digit(c[j + 4])) {
            j += 4;
            v.commas = 1;
        }
    v.whole_end = v.end = v.frac = j;
    for (size_t k = i; k < j; k++)
        if (cp_is_digit(c[k])) {
            v.digits++;
            v.value = v.value < 0 || v.digits >= LONG_DIGITS ? -1 : v.value * 10 + (int64_t)(c[k] - '0');
        }
    v.zero = c[i] == '0' && v.digits > 1;
    if (c[j] == '.' && cp_is_digit(c[j + 1])) {
        v.frac = j + 1;
        for (j++; cp_is_digit(c[j]);)
            j++;
        v.end = j;
    }
    *ret = v;
    return 1;
}

int num_is_whole(const struct num *v)
{
    return v->frac == v->end;
}

void norm_number(struct norm *s, const struct num *v, int counted)
{
    if (v->value < 0 || (v->zero && num_is_whole(v)))
        norm_digits(s, v->start, v->whole_end);
    else
        norm_spell(s, SPELL_EN,
                   v->value >= 1000 || (counted && v->value == 2 && num_is_whole(v)) ? SPELL_ZH_COUNT
                                                                                     : SPELL_ZH,
                   v->value);
    if (num_is_whole(v))
        return;
    norm_add(s, "point", "点");
    norm_digits(s, v->frac, v->end);
}

int norm_counts(const struct norm *s, size_t i)
{
    static const uint32_t measures[] = {
        U'个', U'個', U'只', U'块', U'塊', U'条', U'位', U'次', U'年', U'天', U'点', U'點', U'小',
        U'分', U'秒', U'岁', U'歲', U'人', U'件', U'张', U'張', U'本', U'把', U'杯', U'瓶', U'辆',
        U'台', U'部', U'场', U'場', U'局', U'盘', U'套', U'双', U'对', U'份', U'种', U'種', U'样',
        U'倍', U'百', U'千', U'万', U'萬', U'亿', U'億', U'元', U'斤', U'公', U'米', U'句', U'下',
        U'遍', U'回', U'家', U'口', U'头', U'匹', U'棵', U'朵', U'首', U'篇', U'章', U'集', U'季',
        U'周', U'包', U'箱', U'袋', U'支', U'枝', U'根', U'颗', U'粒', U'片', U'间', U'座', U'架',
        U'代', U'刀', U'毛', U'边', U'秒', U'帧', U'轮',
    };
    uint32_t cp = s->c[i];
    if (cp == U'年' && s->c[i + 1] == U'级')
        return 0;
    for (size_t k = 0; k < sizeof measures / sizeof *measures; k++)
        if (measures[k] == cp)
            return 1;
    return 0;
}

/* Numbers that Chinese chat reads digit by digit: laughter, pet names, well-known lines. */
static int is_slang(const struct norm *s, const struct num *v)
{
    static const char *const known[] = {"233", "2333", "520", "521", "1314",  "5201314", "886",  "996",
                                        "985", "211",  "110", "119", "10086", "12306",   "9527", "88"};
    const uint32_t *c = s->c;
    int same = v->digits >= 3;
    for (size_t i = v->start + 1; i < v->end; i++)
        same &= c[i] == c[v->start];
    if (same)
        return 1;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        size_t n = strlen(known[k]), i = 0;
        while (i < n && n == v->digits && c[v->start + i] == (unsigned char)known[k][i])
            i++;
        if (i == n)
            return 1;
    }
    return 0;
}

/* Five and more of one digit (not zero) in a row are laughter or cheers, kept to three. */
static int is_cheer(const struct norm *s, const struct num *v)
{
    size_t run = 1;
    for (size_t i = v->start + 1; i < v->end; i++) {
        run = s->c[i] == s->c[i - 1] && s->c[i] != '0' ? run + 1 : 1;
        if (run >= 5)
            return 1;
    }
    return 0;
}

/* One by one, at most three of the same in a row. */
static void say_cheer(struct norm *s, const struct num *v)
{
    size_t run = 0;
    for (size_t i = v->start; i < v->end; i++) {
        run = i > v->start && s->c[i] == s->c[i - 1] ? run + 1 : 1;
        if (run <= 3)
            norm_digits(s, i, i + 1);
    }
}

/* Start of the word that ends before i, past spaces and colons; i when there is none. */
static size_t word_before(const struct norm *s, size_t i)
{
    size_t limit = i > 16 ? i - 16 : 0;
    while (i > limit &&
           (s->c[i - 1] == ' ' || s->c[i - 1] == ':' || s->c[i - 1] == 0xFF1A || s->c[i - 1] == U'是'))
        i--;
    while (i > limit && cp_is_ascii_letter(s->c[i - 1]))
        i--;
    return i;
}

static int word_before_is(const struct norm *s, size_t i, const char *const *words, size_t n)
{
    size_t at = word_before(s, i);
    for (size_t k = 0; k < n; k++)
        if (norm_word_at(s, at, words[k]))
            return 1;
    return 0;
}

/* Is the number a name rather than an amount: QQ 12345678, code 4711, 房间号 545068? */
static int is_label(const struct norm *s, const struct num *v)
{
    static const char *const words[] = {"qq", "uid", "id", "code", "pin", "password", "wechat"};
    if (v->digits < 4)
        return 0;
    size_t at = v->start;
    while (at > 0 && v->start - at < 4 &&
           (s->c[at - 1] == ' ' || s->c[at - 1] == ':' || s->c[at - 1] == 0xFF1A || s->c[at - 1] == U'是'))
        at--;
    uint32_t b = s->c[at - 1];
    return b == U'群' || b == U'号' || b == U'码' || b == U'话' || b == U'信' ||
           word_before_is(s, v->start, words, sizeof words / sizeof *words);
}

static int is_year_size(const struct num *v)
{
    return v->digits == 4 && num_is_whole(v) && !v->commas && v->value >= 1900 && v->value <= 2099;
}

static int is_year(const struct norm *s, const struct num *v)
{
    static const char *const before[] = {"in", "since", "by", "until", "year", "early", "late"};
    static const char *const counted[] = {"people", "more", "bits", "times", "of"};
    if (v->digits != 4 || !num_is_whole(v) || v->commas || v->value < 1010 || v->value > 2099)
        return 0;
    if (s->lang == NORM_ZH)
        return is_year_size(v) &&
               (!cp_is_han(s->c[v->end]) || s->c[v->end] == U'年' || s->c[v->end] == U'届' ||
                s->c[v->end] == U'款' || s->c[v->end] == U'版' || s->c[v->end] == U'赛');
    if (word_before_is(s, v->start, before, sizeof before / sizeof *before))
        return 1;
    if (!is_year_size(v))
        return 0;
    /* "2000 viewers": an amount */
    size_t i = v->end + 1, end = i;
    if (s->c[v->end] != ' ')
        return 1;
    for (size_t k = 0; k < sizeof counted / sizeof *counted; k++)
        if (norm_word_at(s, i, counted[k]))
            return 0;
    while (cp_is_ascii_letter(s->c[end]) && end - i < 24)
        end++;
    return end - i < 4 || s->c[end - 1] != 's';
}

static void say_year(struct norm *s, const struct num *v)
{
    if (s->lang == NORM_ZH)
        norm_digits(s, v->start, v->end);
    else
        norm_spell(s, SPELL_EN_YEAR, SPELL_ZH, v->value);
}

static int is_row_of_digits(const struct norm *s, const struct num *v)
{
    if (!num_is_whole(v) || v->commas)
        return 0;
    const uint32_t *c = s->c;
    int round = v->digits >= 3 && c[v->end - 1] == '0' && c[v->end - 2] == '0';
    int six = v->digits == 3 && v->value == 666;
    return six || v->digits >= LONG_DIGITS || (v->digits >= 10 && !round) || is_label(s, v) ||
           (s->lang == NORM_ZH && !norm_counts(s, v->end) && ((v->digits >= 7 && !round) || is_slang(s, v)));
}

/* A single number, whatever it is. */
static size_t say_single(struct norm *s, const struct num *v)
{
    uint32_t after = s->c[v->end];
    int ordinal = s->c[v->start - 1] == U'第';
    if (s->lang == NORM_ZH && v->digits == 2 && (after == U'月' || after == U'日' || after == U'号')) {
        norm_spell(s, SPELL_EN, SPELL_ZH, v->value); /* 05月 is no more than 5月 */
        return v->end - v->start;
    }
    if (num_is_whole(v) && !v->commas && is_cheer(s, v))
        say_cheer(s, v);
    else if (!ordinal && is_row_of_digits(s, v)) {
        if (s->lang == NORM_ZH && is_slang(s, v))
            say_cheer(s, v); /* 6666 has one six too many as well */
        else
            norm_digits(s, v->start, v->end);
    } else if (is_year(s, v))
        say_year(s, v);
    else
        norm_number(s, v, !ordinal && norm_counts(s, v->end));
    return v->end - v->start;
}

/* Digits within a name: PS5, RTX4090, v2.1, H2O. */
static size_t say_code(struct norm *s, const struct num *v)
{
    if (num_is_whole(v) && !v->commas && v->digits >= 3)
        norm_digits(s, v->start, v->end);
    else
        norm_number(s, v, 0);
    return v->end - v->start;
}

static size_t say_version(struct norm *s, struct num v)
{
    size_t start = v.start;
    norm_number(s, &v, 0);
    while (s->c[v.end] == '.' && cp_is_digit(s->c[v.end + 1])) {
        size_t part = v.end + 1;
        norm_add(s, "point", "点");
        for (v.end = part; cp_is_digit(s->c[v.end]);)
            v.end++;
        norm_digits(s, part, v.end);
    }
    return v.end - start;
}

static size_t say_ordinal(struct norm *s, const struct num *v)
{
    static const char *const endings[] = {"st", "nd", "rd", "th"};
    if (!num_is_whole(v) || v->value < 0)
        return 0;
    int known = 0;
    for (size_t i = 0; i < 4; i++)
        known |= norm_word_at(s, v->end, endings[i]);
    if (!known)
        return 0;
    norm_add(s, NULL, "第");
    norm_spell(s, SPELL_EN_ORDINAL, SPELL_ZH, v->value);
    return v->end + 2 - v->start;
}

static int is_dash(uint32_t cp)
{
    return cp == '-' || cp == '~' || cp == 0x2013 || cp == 0x2014;
}

static int equals_at(const struct norm *s, size_t i)
{
    return s->c[i] == '=' || (s->c[i] == ' ' && s->c[i + 1] == '=');
}

static int is_operator(uint32_t cp)
{
    return cp == '+' || cp == '*' || cp == '/' || cp == '=' || cp == 0xD7 || cp == 0xF7;
}

/* 1-2-3 and longer: no range, the numbers one after another. */
static size_t say_chain(struct norm *s, const struct num *a)
{
    struct num v = *a;
    int groups = 1;
    while (s->c[v.end] == '-' && cp_is_digit(s->c[v.end + 1]) && groups < GROUPS_MAX) {
        num_parse(s, v.end + 1, &v);
        groups++;
    }
    if (groups < 3)
        return 0;
    size_t end = v.end;
    for (v = *a;; num_parse(s, v.end + 1, &v)) {
        norm_number(s, &v, 0);
        if (v.end == end)
            break;
        norm_add(s, NULL, "，");
    }
    return end - a->start;
}

static size_t say_range(struct norm *s, const struct num *a)
{
    struct num b;
    if (!is_dash(s->c[a->end]) || !num_parse(s, a->end + 1, &b))
        return 0;
    size_t chain = say_chain(s, a);
    if (chain)
        return chain;
    int counted = norm_counts(s, b.end);
    int minus = s->c[a->end] == '-' && (equals_at(s, b.end) || is_operator(s->c[a->start - 1]));
    int years = is_year_size(a) && is_year_size(&b);
    int score = s->c[a->end] == '-' && a->value >= b.value && a->value >= 0 && b.value < 100;
    int always = a->value == 24 && b.value == 7 && s->lang != NORM_ZH;
    if (years)
        say_year(s, a);
    else
        norm_number(s, a, counted);
    norm_add(s, always ? NULL : minus ? "minus" : "to", minus ? "减" : score && !counted ? "比" : "到");
    if (years)
        say_year(s, &b);
    else
        norm_number(s, &b, counted);
    return b.end - a->start;
}

static size_t say_score(struct norm *s, const struct num *a)
{
    struct num b;
    if ((s->c[a->end] != ':' && s->c[a->end] != 0xFF1A) || !num_is_whole(a) || !num_parse(s, a->end + 1, &b))
        return 0;
    norm_number(s, a, 0);
    norm_add(s, "to", "比");
    norm_number(s, &b, 0);
    return b.end - a->start;
}

static void add_fraction(struct norm *s, const struct num *a, const struct num *b)
{
    if (s->lang == NORM_ZH) {
        norm_number(s, b, 0);
        norm_add(s, NULL, "分之");
        norm_number(s, a, 0);
        return;
    }
    norm_number(s, a, 0);
    if (b->value == 2)
        norm_add(s, a->value == 1 ? "half" : "halves", NULL);
    else if (b->value == 4)
        norm_add(s, a->value == 1 ? "quarter" : "quarters", NULL);
    else {
        norm_spell(s, SPELL_EN_ORDINAL, SPELL_ZH, b->value);
        if (a->value != 1 && s->rc == 0)
            s->rc = buf_add_char(&s->word, 's');
    }
}

/* 1/2, 3/4; 9/10 is a verdict; 24/7 is what it is. */
static size_t say_fraction(struct norm *s, const struct num *a)
{
    struct num b;
    if (s->c[a->end] != '/' || !num_is_whole(a) || !num_parse(s, a->end + 1, &b) || !num_is_whole(&b))
        return 0;
    if (s->c[b.end] == '/' && cp_is_digit(s->c[b.end + 1])) { /* three of them are no fraction */
        norm_number(s, a, 0);
        return a->end + 1 - a->start;
    }
    if (a->value == 24 && b.value == 7) {
        norm_number(s, a, 0);
        norm_number(s, &b, 0);
    } else if (s->lang == NORM_ZH || (a->value < b.value && (b.value <= 4 || b.value == 8) && b.value > 0)) {
        add_fraction(s, a, &b);
    } else {
        norm_number(s, a, 0);
        norm_add(s, a->value <= b.value ? "out of" : "over", NULL);
        norm_number(s, &b, 0);
    }
    return b.end - a->start;
}

/* 1 1/2 */
static size_t say_mixed_fraction(struct norm *s, const struct num *a)
{
    struct num n, d;
    if (s->c[a->end] != ' ' || !num_is_whole(a) || a->digits > 3 || !num_parse(s, a->end + 1, &n) ||
        n.digits != 1 || s->c[n.end] != '/' || !num_parse(s, n.end + 1, &d) || !num_is_whole(&d) ||
        n.value >= d.value || n.value < 1 || (d.value > 4 && d.value != 8) || s->c[d.end] == '/')
        return 0;
    norm_number(s, a, 0);
    norm_add(s, "and", "又");
    add_fraction(s, &n, &d);
    return d.end - a->start;
}

/* 5'11": feet and inches. */
static size_t say_height(struct norm *s, const struct num *a)
{
    struct num b;
    if ((s->c[a->end] != '\'' && s->c[a->end] != 0x2019) || !num_is_whole(a) ||
        !num_parse(s, a->end + 1, &b) || !num_is_whole(&b) || b.value < 0 || b.value > 11)
        return 0;
    norm_number(s, a, 1);
    norm_add(s, "foot", "英尺");
    norm_number(s, &b, 1);
    norm_add(s, NULL, "英寸");
    return b.end + (s->c[b.end] == '"' || s->c[b.end] == 0x201D) - a->start;
}

/* 1v5, 2 vs 2, 3x4, 5*6, 2x */
static size_t say_between(struct norm *s, const struct num *a)
{
    uint32_t op = s->c[a->end];
    struct num b;
    size_t at = a->end + 1;
    if (op == 'v' || op == 'V') {
        int vs = s->c[at] == 's' || s->c[at] == 'S';
        if (!num_parse(s, at + (size_t)vs, &b))
            return 0;
        norm_number(s, a, 0);
        norm_add(s, vs ? "versus" : "v", "V");
        norm_number(s, &b, 0);
        return b.end - a->start;
    }
    if (op != 'x' && op != 'X' && op != 0xD7 && op != '*')
        return 0;
    if (num_parse(s, at, &b) && !a->zero && !(a->value == 0 && op == 'x')) {
        norm_number(s, a, 0);
        norm_add(s, op == '*' || op == 0xD7 || equals_at(s, b.end) ? "times" : "by", "乘");
        norm_number(s, &b, 0);
        return b.end - a->start;
    }
    if (op == '*' || op == 0xD7 || cp_is_latin(s->c[at]) || cp_is_digit(s->c[at]))
        return 0;
    norm_number(s, a, 1);
    norm_add(s, "times", "倍");
    return at - a->start;
}

/* What may stand before a number: #1, No. 1, x2, .5 */
static size_t say_prefixed(struct norm *s, size_t i)
{
    const uint32_t *c = s->c;
    struct num v;
    size_t at = i + 1;
    uint32_t b = c[i - 1];
    if (c[i] == '.' && !cp_is_word(b) && b != '.' && num_parse(s, at, &v)) {
        norm_add(s, "point", "零点");
        norm_digits(s, v.start, v.whole_end);
        return v.whole_end - i;
    }
    if (cp_is_latin(b) || cp_is_digit(b))
        return 0;
    if ((c[i] == 'x' || c[i] == 'X' || c[i] == 0xD7) && num_parse(s, at, &v) && !cp_is_latin(c[v.end])) {
        norm_add(s, "times", "乘");
        norm_number(s, &v, 0);
        return v.end - i;
    }
    int number = c[i] == '#';
    if ((c[i] == 'N' || c[i] == 'n') && (c[at] | 32) == 'o' && c[at + 1] == '.') {
        number = 1;
        at += c[at + 2] == ' ' ? 3 : 2;
    }
    if (!number || !num_parse(s, at, &v) || !num_is_whole(&v) || cp_is_latin(c[v.end]))
        return 0;
    norm_add(s, "number", "第");
    norm_number(s, &v, 0);
    return v.end - i;
}

size_t norm_any_number(struct norm *s, size_t i)
{
    struct num v;
    size_t n = say_prefixed(s, i);
    if (n || !num_parse(s, i, &v))
        return n;
    if (cp_is_latin(s->c[i - 1]) && !(s->c[v.end] == '.' && cp_is_digit(s->c[v.end + 1])))
        return say_code(s, &v);
    if (!num_is_whole(&v) && s->c[v.end] == '.' && cp_is_digit(s->c[v.end + 1]))
        return say_version(s, v);
    if ((n = say_ordinal(s, &v)) || (n = say_height(s, &v)) || (n = say_between(s, &v)) ||
        (n = say_mixed_fraction(s, &v)) || (n = say_fraction(s, &v)) || (n = say_score(s, &v)) ||
        (n = say_range(s, &v)))
        return n;
    return say_single(s, &v);
}
