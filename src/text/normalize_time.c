/* Dates, times of day and telephone numbers: numbers whose form says what they are. */
#include "text/normalize_parts.h"

#include <string.h>

#define PHONE_MIN    7  /* digits */
#define PHONE_MAX    15 /* ITU-T E.164 */
#define PHONE_GROUPS 6

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* -------- telephone numbers -------- */

struct phone {
    struct {
        size_t from, to;
    } groups[PHONE_GROUPS];
    size_t n, digits;
};

static size_t add_group(const struct norm *s, struct phone *p, size_t i)
{
    size_t end = i;
    while (cp_is_digit(s->c[end]) && end - i <= PHONE_MAX)
        end++;
    if (end == i || end - i > PHONE_MAX || p->n == PHONE_GROUPS)
        return 0;
    p->groups[p->n].from = i;
    p->groups[p->n++].to = end;
    p->digits += end - i;
    return end;
}

/* +86 138 1234 5678, (555) 123-4567, 010-12345678, 1-800-555-1234, 13812345678: the end, or 0. */
static size_t parse_phone(const struct norm *s, size_t i, struct phone *p)
{
    const uint32_t *c = s->c;
    int plus = c[i] == '+', paren = 0;
    size_t end = i + (size_t)plus;
    *p = (struct phone){.n = 0};
    if (c[end] == '(') {
        size_t close = add_group(s, p, end + 1);
        if (close != end + 4 || c[close] != ')')
            return 0;
        end = close + 1;
        paren = 1;
        end = add_group(s, p, end + (c[end] == ' '));
    } else {
        end = add_group(s, p, end);
    }
    if (end == 0)
        return 0;
    while ((c[end] == '-' || ((plus || paren) && c[end] == ' ')) && cp_is_digit(c[end + 1])) {
        end = add_group(s, p, end + 1);
        if (end == 0)
            return 0;
    }
    if (cp_is_digit(c[end]) ||
        ((c[end] == '.' || c[end] == ':' || c[end] == '/') && cp_is_digit(c[end + 1])) ||
        p->digits < PHONE_MIN || p->digits > PHONE_MAX)
        return 0;
    size_t first = p->groups[0].to - p->groups[0].from,
           last = p->groups[p->n - 1].to - p->groups[p->n - 1].from;
    if (plus)
        return p->digits >= 8 ? end : 0;
    if (paren || p->n >= 3)
        return last >= 3 || p->digits >= 10 ? end : 0;
    if (p->n == 2) /* 555-1234, 010-12345678 */
        return (first == 3 && last == 4) || (c[i] == '0' && first <= 4 && last >= 7) ? end : 0;
    return 0;
}

static int is_mobile(const struct norm *s, size_t i)
{
    size_t n = 0;
    while (n <= 11 && cp_is_digit(s->c[i + n]))
        n++;
    return n == 11 && s->c[i] == '1' && s->c[i + 1] >= '3' &&
           !(s->c[i + 11] == '.' && cp_is_digit(s->c[i + 12])) &&
           !(s->c[i + 10] == '0' && s->c[i + 9] == '0' && s->c[i + 8] == '0');
}

size_t norm_phone(struct norm *s, size_t i)
{
    uint32_t cp = s->c[i];
    if (cp != '+' && cp != '(' && !cp_is_digit(cp))
        return 0;
    if (is_mobile(s, i)) { /* of China, said in three breaths */
        norm_digits(s, i, i + 3);
        norm_add(s, ",", "，");
        norm_digits(s, i + 3, i + 7);
        norm_add(s, ",", "，");
        norm_digits(s, i + 7, i + 11);
        return 11;
    }
    struct phone p;
    size_t end = parse_phone(s, i, &p);
    if (end == 0)
        return 0;
    if (cp == '+')
        norm_add(s, "plus", "加");
    for (size_t g = 0; g < p.n; g++) {
        if (g > 0)
            norm_add(s, ",", "，");
        norm_digits(s, p.groups[g].from, p.groups[g].to);
    }
    return end - i;
}

/* -------- times -------- */

/* One or two digits at i as a number within [lo, hi]; *ret_end after them. 0 when there is none. */
static int small_number(const struct norm *s, size_t i, int lo, int hi, size_t *ret_end)
{
    int v = 0;
    size_t end = i;
    for (; end - i < 2 && cp_is_digit(s->c[end]); end++)
        v = v * 10 + (int)(s->c[end] - '0');
    if (end == i || cp_is_digit(s->c[end]) || v < lo || v > hi)
        return 0;
    *ret_end = end;
    return v;
}

struct clock_time {
    int hour, minute, second; /* second -1: none */
    int half;                 /* 0, 'a' or 'p' */
};

/* Length of "am", "p.m." … at i, a space before it allowed; 0 for none. */
static size_t half_length(const struct norm *s, size_t i, int *ret_half)
{
    size_t at = i + (s->c[i] == ' ');
    uint32_t half = s->c[at] | 32;
    if (half != 'a' && half != 'p')
        return 0;
    *ret_half = (int)half;
    if ((s->c[at + 1] | 32) == 'm' && !cp_is_latin(s->c[at + 2]) && !cp_is_digit(s->c[at + 2]))
        return at + 2 - i;
    if (s->c[at + 1] == '.' && (s->c[at + 2] | 32) == 'm' && s->c[at + 3] == '.')
        return at + 4 - i;
    return 0;
}

static int is_colon(uint32_t cp)
{
    return cp == ':' || cp == 0xFF1A;
}

static int two_digits(const struct norm *s, size_t i, int max)
{
    size_t end;
    int v = small_number(s, i, 0, max, &end);
    return cp_is_digit(s->c[i]) && cp_is_digit(s->c[i + 1]) && !cp_is_digit(s->c[i + 2]) && v <= max &&
                   (s->c[i] - '0') * 10 + s->c[i + 1] - '0' <= (uint32_t)max
               ? v
               : -1;
}

/* End of the time at i, or 0. */
static size_t parse_time(const struct norm *s, size_t i, struct clock_time *t)
{
    size_t end = i;
    int hour = 0;
    for (; end - i < 2 && cp_is_digit(s->c[end]); end++)
        hour = hour * 10 + (int)(s->c[end] - '0');
    if (end == i || cp_is_digit(s->c[end]) || hour > 24)
        return 0;
    *t = (struct clock_time){.hour = hour, .second = -1};
    int minutes = is_colon(s->c[end]) ? two_digits(s, end + 1, 59) : -1;
    if (minutes >= 0) {
        t->minute = minutes;
        end += 3;
        if (is_colon(s->c[end])) {
            t->second = two_digits(s, end + 1, 59);
            if (t->second < 0)
                return 0;
            end += 3;
            if (is_colon(s->c[end]))
                return 0;
        }
    }
    size_t half = hour >= 1 && hour <= 12 ? half_length(s, end, &t->half) : 0;
    if (half == 0)
        t->half = 0;
    return minutes < 0 && half == 0 ? 0 : end + half;
}

static void add_time_zh(struct norm *s, const struct clock_time *t, int half_is_said)
{
    if (t->half && !half_is_said)
        norm_add(s, NULL, t->half == 'a' ? "上午" : "下午");
    norm_spell(s, SPELL_EN, t->hour == 2 ? SPELL_ZH_COUNT : SPELL_ZH, t->hour);
    norm_add(s, NULL, "点");
    if (t->minute || t->second > 0) {
        if (t->minute < 10)
            norm_add(s, NULL, "零");
        if (t->minute)
            norm_spell(s, SPELL_EN, SPELL_ZH, t->minute);
        norm_add(s, NULL, "分");
    }
    if (t->second > 0) {
        norm_spell(s, SPELL_EN, t->second == 2 ? SPELL_ZH_COUNT : SPELL_ZH, t->second);
        norm_add(s, NULL, "秒");
    }
}

static void add_time(struct norm *s, const struct clock_time *t)
{
    if (s->lang == NORM_ZH) {
        /* 下午3pm: the last character written is 午 or 上 */
        add_time_zh(s, t, s->last == 0x5348 || s->last == 0x4E0A);
        return;
    }
    int whole = t->minute == 0 && t->second <= 0;
    if (whole && t->hour % 24 == 0) {
        norm_add(s, "midnight", NULL);
        return;
    }
    norm_spell(s, SPELL_EN, SPELL_ZH, t->hour);
    if (whole && !t->half)
        norm_add(s, t->hour <= 12 ? "o'clock" : "hundred", NULL);
    if (!whole) {
        if (t->minute < 10)
            norm_add(s, t->minute == 0 ? "hundred" : "oh", NULL);
        if (t->minute)
            norm_spell(s, SPELL_EN, SPELL_ZH, t->minute);
    }
    if (t->second > 0) {
        norm_add(s, "and", NULL);
        norm_spell(s, SPELL_EN, SPELL_ZH, t->second);
        norm_add(s, t->second == 1 ? "second" : "seconds", NULL);
    }
    if (t->half)
        norm_add(s, t->half == 'a' ? "AM" : "PM", NULL);
}

size_t norm_time(struct norm *s, size_t i)
{
    struct clock_time t;
    size_t end = cp_is_digit(s->c[i]) ? parse_time(s, i, &t) : 0;
    if (end == 0)
        return 0;
    add_time(s, &t);
    uint32_t dash = s->c[end];
    size_t until = dash == '-' || dash == '~' || dash == 0x2013 ? parse_time(s, end + 1, &t) : 0;
    if (until == 0)
        return end - i;
    norm_add(s, "to", "到");
    add_time(s, &t);
    return until - i;
}

/* -------- dates -------- */

/* The "T12:30:00Z" of a time stamp, at i: its length, 0 for none. */
static size_t add_time_of_stamp(struct norm *s, size_t i)
{
    struct clock_time t;
    size_t end = s->c[i] == 'T' ? parse_time(s, i + 1, &t) : 0;
    if (end == 0)
        return 0;
    norm_add(s, ",", NULL);
    add_time(s, &t);
    return end + (s->c[end] == 'Z') - i;
}

static int digits_at(const struct norm *s, size_t i)
{
    int n = 0;
    while (n < 5 && cp_is_digit(s->c[i + (size_t)n]))
        n++;
    return n;
}

static int year_at(const struct norm *s, size_t i)
{
    int v = 0;
    for (size_t k = i; cp_is_digit(s->c[k]) && k < i + 4; k++)
        v = v * 10 + (int)(s->c[k] - '0');
    return v < 100 ? v + 2000 : v;
}

static void add_date(struct norm *s, int year, int month, int day)
{
    if (s->lang == NORM_ZH) {
        static const char *const zh[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
        for (int place = 1000; place > 0; place /= 10)
            norm_add(s, NULL, zh[year / place % 10]);
        norm_add(s, NULL, "年");
        norm_spell(s, SPELL_EN, SPELL_ZH, month);
        norm_add(s, NULL, "月");
        if (day) {
            norm_spell(s, SPELL_EN, SPELL_ZH, day);
            norm_add(s, NULL, "日");
        }
        return;
    }
    norm_add(s, months[month - 1], NULL);
    if (day) {
        norm_spell(s, SPELL_EN_ORDINAL, SPELL_ZH, day);
        norm_add(s, ",", NULL);
    }
    norm_spell(s, SPELL_EN_YEAR, SPELL_ZH, year);
}

static int is_separator(uint32_t cp)
{
    return cp == '-' || cp == '/' || cp == '.';
}

/* Nothing that would make the date the beginning of something longer. */
static int date_ends(const struct norm *s, size_t i)
{
    return !cp_is_digit(s->c[i]) && !(is_separator(s->c[i]) && cp_is_digit(s->c[i + 1]));
}

static size_t year_first(struct norm *s, size_t i)
{
    uint32_t sep = s->c[i + 4];
    size_t m_end, d_end;
    int month = is_separator(sep) ? small_number(s, i + 5, 1, 12, &m_end) : 0;
    if (!month)
        return 0;
    int day = s->c[m_end] == sep ? small_number(s, m_end + 1, 1, 31, &d_end) : 0;
    if (day && date_ends(s, d_end)) {
        add_date(s, year_at(s, i), month, day);
        return d_end + add_time_of_stamp(s, d_end) - i;
    }
    if (sep != '-' || m_end != i + 7 || !date_ends(s, m_end) || s->c[i] > '2')
        return 0;
    add_date(s, year_at(s, i), month, 0);
    return m_end - i;
}

/* 5/1/2024 as in the United States, 1.5.2024 as in Europe. */
static size_t year_last(struct norm *s, size_t i)
{
    size_t a_end, b_end;
    int a = small_number(s, i, 1, 31, &a_end);
    if (!a || (s->c[a_end] != '/' && s->c[a_end] != '.'))
        return 0;
    uint32_t sep = s->c[a_end];
    int b = small_number(s, a_end + 1, 1, 31, &b_end);
    if (!b || s->c[b_end] != sep)
        return 0;
    int digits = digits_at(s, b_end + 1), year = year_at(s, b_end + 1);
    if (!(digits == 4 || (digits == 2 && sep == '/')) || year < 1000 ||
        !date_ends(s, b_end + 1 + (size_t)digits))
        return 0;
    int day_first = (sep == '.' && b <= 12) || a > 12;
    if ((day_first ? b : a) > 12)
        return 0;
    add_date(s, year, day_first ? b : a, day_first ? a : b);
    return b_end + 1 + (size_t)digits - i;
}

/* 1 to 12 when a month's name stands before i and a space. */
static int month_before(const struct norm *s, size_t i)
{
    if (i < 4 || s->c[i - 1] != ' ')
        return 0;
    size_t end = i - 1, start;
    if (s->c[end - 1] == '.')
        end--;
    for (start = end; start > 0 && end - start < 10 && cp_is_ascii_letter(s->c[start - 1]);)
        start--;
    if (s->c[start] < 'A' || s->c[start] > 'Z')
        return 0;
    for (int m = 0; m < 12; m++) {
        char three[4] = {0};
        memcpy(three, months[m], 3);
        if (norm_word_at(s, start, months[m]) || norm_word_at(s, start, three))
            return m + 1;
    }
    return 0;
}

/* May 1, May 1st; June 2024 is left to what knows of years. */
static size_t after_month(struct norm *s, size_t i)
{
    size_t end;
    int day = s->lang == NORM_EN ? small_number(s, i, 1, 31, &end) : 0;
    uint32_t next = day ? s->c[end] : 0;
    if (!day || !month_before(s, i) || next == ':' || next == '%' || next == '/' || cp_is_latin(next) ||
        ((next == '.' || next == ',') && cp_is_digit(s->c[end + 1])))
        return 0;
    norm_spell(s, SPELL_EN_ORDINAL, SPELL_ZH, day);
    return end - i;
}

/* 2024年: digit by digit; 1000年 and 3000年 are spans of time. 98年5月 too. */
static size_t before_nian(struct norm *s, size_t i)
{
    int n = digits_at(s, i);
    size_t end = i + (size_t)n;
    if (s->lang != NORM_ZH || s->c[end] != 0x5E74 || cp_is_digit(s->c[i - 1]) || s->c[i - 1] == '.')
        return 0;
    int year = year_at(s, i);
    int named = n == 4 ? year >= 1000 && year < 3000 && (year % 1000 != 0 || year == 2000)
                       : n == 2 && (s->c[i] == '0' || (cp_is_digit(s->c[end + 1]) && year > 0));
    if (!named)
        return 0;
    norm_digits(s, i, end);
    return (size_t)n;
}

/* The 1990s, the 90s. */
static size_t decade(struct norm *s, size_t i, int digits)
{
    size_t end = i + (size_t)digits;
    int short_one = digits == 2 && (s->c[i - 1] == '\'' || s->c[i - 1] == 0x2019 ||
                                    (i >= 4 && s->c[i - 1] == ' ' && norm_word_at(s, i - 4, "the")));
    int year = short_one ? (int)(s->c[i] - '0') * 10 : year_at(s, i);
    if (s->lang != NORM_EN || !(short_one || digits == 4) || s->c[end - 1] != '0' || year < 20 ||
        (digits == 4 && (year < 1100 || year > 2090)) || !norm_word_at(s, end, "s"))
        return 0;
    norm_spell(s, SPELL_EN_YEAR, SPELL_ZH, year);
    struct buf *w = &s->word;
    if (s->rc || w->len == 0)
        return 0;
    int y = w->ptr[w->len - 1] == 'y'; /* nineties, but nineteen hundreds */
    w->len -= (size_t)y;
    s->rc = buf_add_str(w, y ? "ies" : "s");
    return end + 1 - i;
}

size_t norm_date(struct norm *s, size_t i)
{
    size_t n = 0;
    if (!cp_is_digit(s->c[i]))
        return 0;
    int digits = digits_at(s, i);
    if ((n = decade(s, i, digits)) > 0)
        return n;
    if (digits == 4)
        n = year_first(s, i);
    else if (digits <= 2)
        n = year_last(s, i);
    if (n == 0)
        n = after_month(s, i);
    return n ? n : before_nian(s, i);
}
