/* Amounts of something: money, percentages, measures, thousands written as k. */
#include "text/normalize_parts.h"

#include <string.h>

/* -------- money -------- */

struct currency {
    uint32_t sign;
    const char *one, *many, *cent, *cents, *zh; /* cent NULL: is not divided in speech */
};

static const struct currency currencies[] = {
    {'$', "dollar", "dollars", "cent", "cents", "美元"},
    {0x20AC, "euro", "euros", "cent", "cents", "欧元"},
    {0xA3, "pound", "pounds", "penny", "pence", "英镑"},
    {0xA5, "yuan", "yuan", NULL, NULL, "元"}, /* the yen's sign too; in a chat it is mostly yuan */
    {0x20A9, "won", "won", NULL, NULL, "韩元"},
    {0x20B9, "rupee", "rupees", NULL, NULL, "卢比"},
    {0x20BD, "rouble", "roubles", NULL, NULL, "卢布"},
    {0x20BF, "bitcoin", "bitcoins", NULL, NULL, "比特币"},
};

static const struct currency *currency_at(const struct norm *s, size_t i)
{
    for (size_t k = 0; k < sizeof currencies / sizeof *currencies; k++)
        if (currencies[k].sign == s->c[i])
            return &currencies[k];
    return NULL;
}

/* Thousands and more: k, M, B, w (万). */
struct scale {
    const char *sign, *en, *zh;
    int zeros; /* in Chinese, where the words for 10³ⁿ are few, the digits are moved by so many instead */
};

static const struct scale scales[] = {
    {"k", "thousand", NULL, 3}, {"K", "thousand", NULL, 3}, {"M", "million", NULL, 6},
    {"B", "billion", NULL, 9},  {"bn", "billion", NULL, 9}, {"w", NULL, "万", 0},
    {"W", NULL, "万", 0},       {"e", NULL, "亿", 0},
};

static const char *const scale_words[] = {"hundred", "thousand", "million", "billion", "trillion"};
static const uint32_t scale_han[] = {U'十', U'百', U'千', U'万', U'亿'};

static size_t scale_at(const struct norm *s, size_t i, const struct scale **ret)
{
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        size_t n = strlen(scales[k].sign);
        if (s->c[i] == (unsigned char)scales[k].sign[0] &&
            (n == 1 || s->c[i + 1] == (unsigned char)scales[k].sign[1]) && !cp_is_latin(s->c[i + n]) &&
            !cp_is_digit(s->c[i + n]) &&
            (s->lang == NORM_ZH ? scales[k].zh || scales[k].zeros : scales[k].en != NULL)) {
            *ret = &scales[k];
            return n;
        }
    }
    return 0;
}

/* 1.5k in Chinese: 一千五百. Digits behind the point move before it. 0 when that is too large. */
static int add_moved(struct norm *s, const struct num *v, int zeros)
{
    int64_t value = v->value;
    size_t at = v->frac;
    for (int k = 0; k < zeros; k++, at++) {
        if (value < 0 || value > SPELL_MAX / 10 - 1)
            return 0;
        value = value * 10 + (at < v->end ? (int64_t)(s->c[at] - '0') : 0);
    }
    norm_spell(s, SPELL_EN, value >= 1000 ? SPELL_ZH_COUNT : SPELL_ZH, value);
    if (at < v->end) {
        norm_add(s, NULL, "点");
        norm_digits(s, at, v->end);
    }
    return 1;
}

static const char *zh_of_zeros(int zeros)
{
    return zeros == 3 ? "千" : zeros == 6 ? "百万" : "十亿";
}

static void add_scaled(struct norm *s, const struct num *v, const struct scale *scale)
{
    if (s->lang == NORM_ZH && scale->zeros && add_moved(s, v, scale->zeros))
        return;
    norm_number(s, v, 1);
    norm_add(s, scale->en, scale->zh ? scale->zh : zh_of_zeros(scale->zeros));
}

/* The number without zeros behind the point that mean nothing: 3.50 is 3.5, 3.00 is 3. */
static struct num without_zeros(const struct norm *s, struct num v)
{
    while (v.end > v.frac && s->c[v.end - 1] == '0')
        v.end--;
    if (v.end == v.frac && v.frac > v.whole_end)
        v.end = v.frac = v.whole_end;
    return v;
}

static void add_money_en(struct norm *s, const struct num *v, const struct currency *cur)
{
    size_t places = v->end - v->frac;
    if (!cur->cent || places == 0 || places > 2) {
        norm_number(s, v, 0);
        norm_add(s, v->value == 1 && places == 0 ? cur->one : cur->many, NULL);
        return;
    }
    int cents = (int)(s->c[v->frac] - '0') * 10 + (places == 2 ? (int)(s->c[v->frac + 1] - '0') : 0);
    struct num whole = *v;
    whole.end = whole.frac = whole.whole_end;
    whole.zero = 0;
    if (v->value != 0 || cents == 0) {
        norm_number(s, &whole, 0);
        norm_add(s, v->value == 1 ? cur->one : cur->many, NULL);
        if (cents)
            norm_add(s, "and", NULL);
    }
    if (cents) {
        norm_spell(s, SPELL_EN, SPELL_ZH, cents);
        norm_add(s, cents == 1 ? cur->cent : cur->cents, NULL);
    }
}

/* Word of scale ("million", 万) at i, a space before it allowed: says it and returns its length. */
static size_t add_scale_word(struct norm *s, size_t i)
{
    size_t at = i + (s->c[i] == ' ');
    if (s->lang == NORM_ZH) {
        for (size_t k = 0; k < sizeof scale_han / sizeof *scale_han; k++)
            if (s->c[i] == scale_han[k]) {
                static const char *const zh[] = {"十", "百", "千", "万", "亿"};
                norm_add(s, NULL, zh[k]);
                return 1;
            }
        return 0;
    }
    for (size_t k = 0; k < sizeof scale_words / sizeof *scale_words; k++)
        if (norm_word_at(s, at, scale_words[k])) {
            norm_add(s, scale_words[k], NULL);
            return at + strlen(scale_words[k]) - i;
        }
    return 0;
}

/* One amount after its sign; returns its end. */
static size_t add_amount(struct norm *s, const struct num *v, const struct currency *cur, int last)
{
    const struct scale *scale;
    size_t n = scale_at(s, v->end, &scale);
    size_t end = v->end + n;
    struct num plain = s->lang == NORM_ZH ? without_zeros(s, *v) : *v;
    if (n > 0) {
        add_scaled(s, &plain, scale);
    } else if (s->lang != NORM_ZH && last) {
        size_t i = v->end + (s->c[v->end] == ' '); /* million dollars, not dollars million */
        int word = 0;
        for (size_t k = 0; k < sizeof scale_words / sizeof *scale_words; k++)
            word |= norm_word_at(s, i, scale_words[k]);
        if (!word) {
            add_money_en(s, v, cur);
            return end;
        }
        norm_number(s, v, 0);
        end += add_scale_word(s, v->end);
    } else {
        norm_number(s, &plain, 1);
        end += add_scale_word(s, v->end);
    }
    if (last)
        norm_add(s, cur->many, cur->zh);
    return end;
}

/* The end of a range's first amount with its scale, if a range it is: $5-10, $5-$10, $100k-200k. */
static size_t money_range(const struct norm *s, const struct num *v, const struct currency *cur,
                          struct num *ret)
{
    const struct scale *scale;
    size_t at = v->end + scale_at(s, v->end, &scale);
    if (s->c[at] != '-' && s->c[at] != '~' && s->c[at] != 0x2013)
        return 0;
    at++;
    at += currency_at(s, at) == cur;
    return num_parse(s, at, ret) && !(s->c[ret->end] == '-' && cp_is_digit(s->c[ret->end + 1]));
}

size_t norm_money(struct norm *s, size_t i)
{
    size_t at = i;
    int hong_kong = s->c[i] == 'H' && s->c[i + 1] == 'K' && s->c[i + 2] == '$';
    if (!cp_is_latin(s->c[i - 1]) &&
        (hong_kong || (s->c[i] == 'U' && s->c[i + 1] == 'S' && s->c[i + 2] == '$')))
        at += 2;
    static const struct currency hkd = {'$',   "Hong Kong dollar", "Hong Kong dollars", "cent", "cents",
                                        "港元"};
    const struct currency *cur = hong_kong && at > i ? &hkd : currency_at(s, at);
    struct num v, b;
    if (!cur || !num_parse(s, at + 1 + (s->c[at + 1] == ' '), &v))
        return 0;
    if (!money_range(s, &v, currency_at(s, at), &b))
        return add_amount(s, &v, cur, 1) - i;
    add_amount(s, &v, cur, 0);
    norm_add(s, "to", "到");
    return add_amount(s, &b, cur, 1) - i;
}

/* -------- units -------- */

/* Longer signs before those that they begin with. Chinese NULL: said as it is written. */
static const struct unit_name units[] = {
    {"km/h", "kilometer per hour", "kilometers per hour", "公里每小时"},
    {"m/s", "meter per second", "meters per second", "米每秒"},
    {"Mbps", "megabit per second", "megabits per second", "兆每秒"},
    {"kbps", "kilobit per second", "kilobits per second", NULL},
    {"km²", "square kilometer", "square kilometers", "平方公里"},
    {"m²", "square meter", "square meters", "平方米"},
    {"m³", "cubic meter", "cubic meters", "立方米"},
    {"cm", "centimeter", "centimeters", "厘米"},
    {"km", "kilometer", "kilometers", "公里"},
    {"mm", "millimeter", "millimeters", "毫米"},
    {"m", "meter", "meters", "米"},
    {"kg", "kilogram", "kilograms", "公斤"},
    {"mg", "milligram", "milligrams", "毫克"},
    {"g", "gram", "grams", "克"},
    {"lbs", "pound", "pounds", "磅"},
    {"lb", "pound", "pounds", "磅"},
    {"oz", "ounce", "ounces", "盎司"},
    {"ft", "foot", "feet", "英尺"},
    {"mph", "mile per hour", "miles per hour", "英里每小时"},
    {"fps", "frame per second", "frames per second", "帧"},
    {"ml", "milliliter", "milliliters", "毫升"},
    {"L", "liter", "liters", "升"},
    {"kHz", "kilohertz", "kilohertz", "千赫兹"},
    {"MHz", "megahertz", "megahertz", "兆赫兹"},
    {"GHz", "gigahertz", "gigahertz", "吉赫兹"},
    {"Hz", "hertz", "hertz", "赫兹"},
    {"kWh", "kilowatt hour", "kilowatt hours", "千瓦时"},
    {"kW", "kilowatt", "kilowatts", "千瓦"},
    {"mAh", "milliamp hour", "milliamp hours", "毫安时"},
    {"W", "watt", "watts", "瓦"},
    {"V", "volt", "volts", "伏"},
    {"KB", "kilobyte", "kilobytes", NULL},
    {"MB", "megabyte", "megabytes", NULL},
    {"GB", "gigabyte", "gigabytes", NULL},
    {"TB", "terabyte", "terabytes", NULL},
    {"dB", "decibel", "decibels", "分贝"},
    {"px", "pixel", "pixels", "像素"},
    {"ms", "millisecond", "milliseconds", "毫秒"},
    {"mins", "minute", "minutes", "分钟"},
    {"min", "minute", "minutes", "分钟"},
    {"hrs", "hour", "hours", "小时"},
    {"hr", "hour", "hours", "小时"},
    {"h", "hour", "hours", "小时"},
    {"secs", "second", "seconds", "秒"},
    {"sec", "second", "seconds", "秒"},
    {"s", "second", "seconds", "秒"},
    {"°C", "degree Celsius", "degrees Celsius", "摄氏度"},
    {"°F", "degree Fahrenheit", "degrees Fahrenheit", "华氏度"},
    {"°", "degree", "degrees", "度"},
    {"$", "dollar", "dollars", "美元"},
    {"€", "euro", "euros", "欧元"},
    {"£", "pound", "pounds", "英镑"},
    {"¥", "yuan", "yuan", "元"},
};

/* Does the sign (UTF-8, case as written but for hz, fps and other words of three letters) stand at i? */
static size_t sign_at(const struct norm *s, size_t i, const char *sign)
{
    size_t k = 0;
    int fold = strlen(sign) >= 2 && sign[0] < 0x7F && strcmp(sign, "ms") != 0 && strcmp(sign, "mm") != 0 &&
               strcmp(sign, "mg") != 0;
    for (const unsigned char *u = (const unsigned char *)sign; *u; u++, k++) {
        uint32_t want = *u;
        if (*u >= 0xE0) {
            want = (uint32_t)(*u & 15) << 12 | (uint32_t)(u[1] & 63) << 6 | (u[2] & 63);
            u += 2;
        } else if (*u >= 0xC0) {
            want = (uint32_t)(*u & 31) << 6 | (u[1] & 63);
            u++;
        }
        uint32_t have = s->c[i + k];
        if (have != want && !(fold && cp_is_ascii_letter(have) && (have | 32) == (want | 32)))
            return 0;
    }
    return k;
}

size_t unit_find(const struct norm *s, size_t i, const struct unit_name **ret)
{
    size_t space = s->c[i] == ' ';
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        size_t n = sign_at(s, i + space, units[k].sign);
        if (n == 0 || (space && n == 1))
            continue;
        uint32_t after = s->c[i + space + n], last = s->c[i + space + n - 1];
        if (cp_is_latin(last) && (cp_is_latin(after) || cp_is_digit(after) || after == 0xB2 || after == 0xB3))
            continue;
        if (!cp_is_latin(last) && (cp_is_digit(after) || cp_is_latin(after)))
            continue;
        *ret = &units[k];
        return space + n;
    }
    return 0;
}

static size_t percent_at(const struct norm *s, size_t i)
{
    size_t space = s->c[i] == ' ';
    if (s->c[i + space] != '%' && s->c[i + space] != 0x2030)
        return 0;
    return space && cp_is_word(s->c[i + 2]) ? 0 : space + 1;
}

static int is_range_dash(uint32_t cp)
{
    return cp == '-' || cp == '~' || cp == 0x2013 || cp == 0x2014;
}

/* The numbers of "5", "5-10" and "5kg-10kg" before what they are amounts of. */
struct amount {
    struct num a, b;
    int range;
    size_t end; /* of the last number */
};

static int parse_amount(const struct norm *s, size_t i, struct amount *ret)
{
    const struct unit_name *unit;
    struct amount v = {.range = 0};
    if (!num_parse(s, i, &v.a) ||
        (!num_is_whole(&v.a) && s->c[v.a.end] == '.' && cp_is_digit(s->c[v.a.end + 1])))
        return 0;
    v.end = v.a.end;
    size_t dash = v.end + percent_at(s, v.end);
    if (dash == v.end)
        dash += unit_find(s, v.end, &unit);
    if (is_range_dash(s->c[dash]) && num_parse(s, dash + 1, &v.b)) {
        const struct unit_name *other;
        int same =
            dash == v.end || (s->c[dash - 1] == '%' ? percent_at(s, v.b.end) > 0
                                                    : unit_find(s, v.b.end, &other) > 0 && other == unit);
        if (same) {
            v.range = 1;
            v.end = v.b.end;
        }
    }
    *ret = v;
    return 1;
}

static void add_amounts(struct norm *s, const struct amount *v, int counted)
{
    norm_number(s, &v->a, counted);
    if (!v->range)
        return;
    norm_add(s, "to", "到");
    norm_number(s, &v->b, counted);
}

static int is_one(const struct amount *v)
{
    return !v->range && v->a.value == 1 && num_is_whole(&v->a);
}

/* 4K is a picture, 4k is four thousand. */
static int is_picture(const struct norm *s, const struct amount *v)
{
    return !v->range && s->c[v->end] == 'K' && v->a.digits == 1 && num_is_whole(&v->a) &&
           (v->a.value == 2 || v->a.value == 4 || v->a.value == 8);
}

size_t norm_unit(struct norm *s, size_t i)
{
    struct amount v;
    const struct unit_name *unit;
    const struct scale *scale;
    if (!parse_amount(s, i, &v))
        return 0;
    size_t n = percent_at(s, v.end);
    if (n > 0) {
        int mille = s->c[v.end + n - 1] == 0x2030;
        norm_add(s, NULL, mille ? "千分之" : "百分之");
        add_amounts(s, &v, 0);
        norm_add(s, mille ? "per mille" : "percent", NULL);
        return v.end + n - i;
    }
    n = is_picture(s, &v) ? 0 : scale_at(s, v.end, &scale);
    if (n > 0) {
        if (v.range) {
            norm_number(s, &v.a, 1);
            if (s->lang == NORM_ZH)
                norm_add(s, NULL, scale->zh ? scale->zh : zh_of_zeros(scale->zeros));
            norm_add(s, "to", "到");
        }
        add_scaled(s, v.range ? &v.b : &v.a, scale);
        return v.end + n - i;
    }
    n = unit_find(s, v.end, &unit);
    if (n == 0 || (s->lang == NORM_ZH && !unit->zh))
        return 0;
    add_amounts(s, &v, strchr(unit->sign, 'C') == NULL && (unsigned char)unit->sign[0] != 0xC2);
    norm_add(s, is_one(&v) ? unit->one : unit->many, unit->zh);
    return v.end + n - i;
}
