/* Everything that is no letter and no number: punctuation stays, signs are read where they would be
 * read aloud and dropped where they are ornament, a few emoji have a word, the others are dropped. */
#include "text/normalize_parts.h"

#include <string.h>
#include <unicode/uchar.h>

/* Pictures that say something which the words around them may not say. The list is ours; what is not in
 * it is dropped, because a chat reader that reads out pictures is soon switched off. */
static const struct {
    uint32_t cp;
    const char *en, *zh;
} pictures[] = {
    {0x2764, "love", "爱心"},          {0x2665, "love", "爱心"},       {0x1F495, "love", "爱心"},
    {0x1F496, "love", "爱心"},         {0x1F497, "love", "爱心"},      {0x1F49B, "love", "爱心"},
    {0x1F49A, "love", "爱心"},         {0x1F499, "love", "爱心"},      {0x1F49C, "love", "爱心"},
    {0x1F494, "broken heart", "心碎"}, {0x1F44D, "thumbs up", "点赞"}, {0x1F44E, "thumbs down", "点踩"},
    {0x1F44F, "applause", "鼓掌"},     {0x1F64F, "please", "拜托"},    {0x1F44B, "waves", "挥手"},
    {0x1F389, "hooray", "撒花"},       {0x1F38A, "hooray", "撒花"},    {0x1F525, "fire", "火"},
    {0x1F4AF, "one hundred", "满分"},  {0x1F602, "laughing", "笑哭"},  {0x1F923, "laughing", "笑哭"},
    {0x1F62D, "crying", "大哭"},       {0x1F621, "angry", "生气"},     {0x1F631, "shocked", "震惊"},
    {0x1F914, "thinking", "思考"},     {0x1F480, "dead", "笑死"},      {0x1F382, "birthday cake", "生日蛋糕"},
    {0x1F339, "rose", "玫瑰"},         {0x1F680, "rocket", "火箭"},    {0x2705, "check", "对"},
    {0x2714, "check", "对"},           {0x2713, "check", "对"},        {0x274C, "wrong", "错"},
    {0x2B50, "star", "星星"},          {0x1F31F, "star", "星星"},      {0x1F4AA, "strong", "加油"},
};

/* Signs that stand between two things that are spoken. */
static const struct {
    uint32_t cp;
    const char *en, *zh;
    int numbers; /* read only when there is a number on one side at least */
} between[] = {
    {'=', "equals", "等于", 0},
    {0xD7, "times", "乘", 1},
    {'*', "times", "乘", 2},
    {0xF7, "divided by", "除以", 1},
    {0x2260, "is not equal to", "不等于", 0},
    {0x2248, "is about", "约等于", 0},
    {0x2264, "is at most", "小于等于", 0},
    {0x2265, "is at least", "大于等于", 0},
    {'<', "is less than", "小于", 1},
    {'>', "is greater than", "大于", 1},
    {'&', "and", "和", 0},
    {0xFF06, "and", "和", 0},
};

static const char *const emoticons[] = {
    ":)",  ":(",  ":D",  ":P",  ":p",  ";)",  ":-)", ":-(", ":-D", ":'(", ":')", ":3",
    ":o",  ":O",  ":/",  ">:(", "=)",  "=(",  "=D",  "^_^", "^^",  "^.^", "-_-", "T_T",
    "T.T", "o_O", "O_O", "o_o", ">_<", ">.<", ":|",  "xD",  "XD",  "<3",  ";-)",
};

static uint32_t beside(const struct norm *s, size_t i, int step)
{
    size_t at = step < 0 ? i - 1 : i + 1;
    return s->c[at] == ' ' ? s->c[step < 0 ? at - 1 : at + 1] : s->c[at];
}

static int is_operand(uint32_t cp)
{
    return cp_is_word(cp) || cp == 0xB2 || cp == 0xB3;
}

static int is_open_place(uint32_t cp)
{
    return cp == 0 || cp == ' ' || cp == '\n' || cp == ',' || cp == '.' || cp == '!' || cp == '?' ||
           cp >= 0x2E80;
}

static size_t take_emoticon(struct norm *s, size_t i)
{
    if (!is_open_place(s->c[i - 1]))
        return 0;
    for (size_t k = 0; k < sizeof emoticons / sizeof *emoticons; k++) {
        size_t n = 0;
        while (emoticons[k][n] && s->c[i + n] == (unsigned char)emoticons[k][n])
            n++;
        if (emoticons[k][n] || !is_open_place(s->c[i + n]))
            continue;
        if (emoticons[k][0] == '<')
            norm_add(s, "love", "爱心");
        else
            norm_gap(s, GAP_SOFT);
        return n;
    }
    return 0;
}

static size_t take_picture(struct norm *s, size_t i)
{
    for (size_t k = 0; k < sizeof pictures / sizeof *pictures; k++)
        if (pictures[k].cp == s->c[i]) {
            norm_add(s, pictures[k].en, pictures[k].zh);
            return 1;
        }
    return 0;
}

static size_t take_between(struct norm *s, size_t i)
{
    uint32_t a = beside(s, i, -1), b = beside(s, i, 1);
    for (size_t k = 0; k < sizeof between / sizeof *between; k++) {
        if (between[k].cp != s->c[i])
            continue;
        int numbers = cp_is_digit(a) + cp_is_digit(b);
        if (!is_operand(a) || !(cp_is_word(b) || b == '-' || b == '.' || b == '?') ||
            numbers < between[k].numbers)
            return 0;
        norm_add(s, between[k].en, between[k].zh);
        return 1;
    }
    return 0;
}

/* At most one sign of these before a number: minus, about, plus or minus, root. */
static size_t take_before_number(struct norm *s, size_t i)
{
    uint32_t cp = s->c[i], before = s->c[i - 1], after = s->c[i + 1];
    int number = cp_is_digit(after) || (after == '.' && cp_is_digit(s->c[i + 2])) ||
                 (u_charType((UChar32)after) == U_CURRENCY_SYMBOL && cp_is_digit(s->c[i + 2]));
    if (!number || (cp_is_word(before) && !cp_is_han(before)))
        return 0;
    if (cp == '-' && before != '-')
        norm_add(s, "minus", "负");
    else if (cp == '~')
        norm_add(s, "about", "大约");
    else if (cp == 0xB1)
        norm_add(s, "plus or minus", "正负");
    else if (cp == 0x2248)
        norm_add(s, "about", "约等于");
    else if (cp == 0x221A)
        norm_add(s, "the square root of", "根号");
    else if (cp == '<' && before != '<')
        norm_add(s, "less than", "小于");
    else if (cp == '>' && (before == ' ' || before == 0))
        norm_add(s, "greater than", "大于");
    else
        return 0;
    return 1;
}

static size_t take_sign(struct norm *s, size_t i)
{
    uint32_t cp = s->c[i], before = s->c[i - 1], after = s->c[i + 1];
    switch (cp) {
    case MARK_LINK:
        norm_add(s, "link", "链接");
        return 1;
    case MARK_EMAIL:
        norm_add(s, "email", "邮箱");
        return 1;
    case '+': /* a+b, a + b, A+, C++, +1 */
        if (!is_operand(before) && !cp_is_word(after) && before != '+' &&
            !(is_operand(beside(s, i, -1)) && cp_is_word(beside(s, i, 1))))
            return 0;
        norm_add(s, "plus", "加");
        return 1;
    case '%':
        norm_add(s, "percent", "百分号");
        return 1;
    case '@':
        if (!cp_is_word(after) && after != '_')
            return 0;
        norm_add(s, "at", "艾特");
        return 1;
    case '#':
        if (cp_is_latin(before) && !cp_is_word(after))
            norm_add(s, "sharp", "sharp");
        else if (cp_is_word(after) && s->lang == NORM_EN)
            norm_add(s, "hashtag", NULL);
        else
            return 0;
        return 1;
    case 0xB2:
    case 0xB3:
        norm_add(s, cp == 0xB2 ? "squared" : "cubed", cp == 0xB2 ? "的平方" : "的立方");
        return 1;
    case 0x221E:
        norm_add(s, "infinity", "无穷");
        return 1;
    case 0x3C0:
        if ((cp_is_word(before) && !cp_is_digit(before)) || cp_is_word(after))
            return 0;
        norm_add(s, "pi", "派");
        return 1;
    default:
        return 0;
    }
}

/* w/ and w/o at the beginning of a word. */
static size_t take_with(struct norm *s, size_t i)
{
    if ((s->c[i] != 'w' && s->c[i] != 'W') || s->c[i + 1] != '/' || cp_is_word(s->c[i - 1]) ||
        s->lang != NORM_EN)
        return 0;
    if (norm_word_at(s, i + 2, "o")) {
        norm_add(s, "without", NULL);
        return 3;
    }
    norm_add(s, "with", NULL);
    return 2;
}

static size_t take_slash(struct norm *s, size_t i)
{
    if (cp_is_word(s->c[i + 1]) && (cp_is_digit(s->c[i - 1]) || s->gap == GAP_WORD))
        norm_add(s, "per", "每");
    else if (cp_is_han(s->c[i - 1]) && cp_is_han(s->c[i + 1]))
        norm_copy(s, 0x3001);
    else
        norm_gap(s, cp_is_word(s->c[i - 1]) && cp_is_word(s->c[i + 1]) ? GAP_SPACE : GAP_SOFT);
    return 1;
}

/* Punctuation that shapes speech stays. */
static int is_kept(const struct norm *s, size_t i)
{
    uint32_t cp = s->c[i];
    if (cp == '-')
        return cp_is_word(s->c[i - 1]) && cp_is_word(s->c[i + 1]) &&
               !(cp_is_latin(s->c[i - 1]) && cp_is_digit(s->c[i + 1]));
    if (cp < 0x80)
        return strchr(".,!?;:'\"()", (int)cp) != NULL;
    return cp != 0x2022 && cp != 0x2027 && cp != 0x203B && cp != 0xA7 && cp != 0xB6;
}

size_t norm_symbol(struct norm *s, size_t i)
{
    uint32_t cp = s->c[i];
    int8_t type = u_charType((UChar32)cp);
    size_t n;
    if (cp_is_word(cp) && cp != 0xB2 && cp != 0xB3 && cp != 0x3C0 && s->lang == NORM_OTHER)
        return 0;
    if ((n = take_emoticon(s, i)) > 0 || (n = take_with(s, i)) > 0 || (n = take_sign(s, i)) > 0)
        return n;
    if (cp_is_word(cp) || cp == 0x200C || cp == 0x200D || type == U_ENCLOSING_MARK)
        return 0;
    if ((n = take_before_number(s, i)) > 0 || (n = take_between(s, i)) > 0 || (n = take_picture(s, i)) > 0)
        return n;
    if (cp == '/')
        return take_slash(s, i);
    if (u_ispunct((UChar32)cp) && is_kept(s, i))
        return 0;
    norm_gap(s, cp == '_' || cp == '|' || cp == '\\' ? GAP_SPACE : GAP_SOFT);
    return 1;
}
