/* Tokens against those of the reference, recorded by tools/compare_tokens.py.
 *
 * `test_tokens FILE` compares with another recorded file and prints what differs. */
#include "test.h"

#include "base/file.h"
#include "text/tokens.h"

#include <stdio.h>

#define RECORDED_MAX (1u << 30)

struct record {
    struct buf text;   /* as it was before escaping */
    struct buf tokens; /* each followed by '\0' */
    size_t count;
};

/* Appends one line of a recorded file without its escapes; "|" becomes '\0'. */
static void unescape(struct buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '\\' && i + 1 < len) {
            static const char from[] = "\\ptnr", to[] = "\\|\t\n\r";
            const char *at = strchr(from, s[++i]);
            assert_non_null(at);
            c = to[at - from];
        } else if (c == '|') {
            c = '\0';
        }
        assert_int_equal(buf_add_char(out, c), 0);
    }
}

static const char *line_end(const char *s, const char *end)
{
    const char *eol = memchr(s, '\n', (size_t)(end - s));
    return eol ? eol : end;
}

/* Reads the two lines at *s; 0 at the end of the file. */
static int record_next(const char **s, const char *end, struct record *r)
{
    if (*s >= end)
        return 0;
    r->text.len = r->tokens.len = r->count = 0;
    const char *eol = line_end(*s, end);
    unescape(&r->text, *s, (size_t)(eol - *s));
    assert_true(eol < end);
    const char *next = line_end(eol + 1, end);
    unescape(&r->tokens, eol + 1, (size_t)(next - eol - 1));
    assert_int_equal(buf_add_char(&r->tokens, '\0'), 0);
    for (size_t i = 0; next > eol + 1 && i < r->tokens.len; i++)
        r->count += r->tokens.ptr[i] == '\0';
    *s = next + 1;
    return 1;
}

/* The fewest insertions, deletions and changes between the two sequences. */
static size_t edit_distance(struct slice *a, size_t n, struct slice *b, size_t m)
{
    size_t *row = malloc((m + 1) * sizeof *row);
    assert_non_null(row);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + !slice_eq(a[i - 1], b[j - 1]);
            diagonal = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    size_t d = row[m];
    free(row);
    return d;
}

struct figures {
    size_t lines, tokens, wrong_lines, wrong_tokens;
};

static void compare_file(const char *path, int show, struct figures *f)
{
    struct buf file = BUF_INIT;
    struct error err = {0};
    if (file_read(path, RECORDED_MAX, &file, &err) < 0)
        fail_msg("%s", err.text);
    const char *s = file.ptr, *end = file.ptr + file.len;
    if (s < end && *s == '#') /* the comment on top */
        s = line_end(s, end) + 1;
    struct record r = {0};
    while (record_next(&s, end, &r)) {
        struct arena arena = {0};
        struct tokens got;
        if (tokens_split(r.text.ptr ? r.text.ptr : "", r.text.len, &arena, &got, &err) < 0)
            fail_msg("%s", err.text);
        struct slice *want = arena_alloc(&arena, (r.count + 1) * sizeof *want);
        assert_non_null(want);
        const char *t = r.tokens.ptr;
        for (size_t i = 0; i < r.count; t += want[i++].len + 1)
            want[i] = slice_str(t);
        size_t d = edit_distance(want, r.count, got.items, got.count);
        f->lines++;
        f->tokens += r.count;
        f->wrong_lines += d > 0;
        f->wrong_tokens += d;
        if (d > 0 && show) {
            printf("%.*s\n  reference", (int)r.text.len, r.text.ptr);
            for (size_t i = 0; i < r.count; i++)
                printf(" %.*s", (int)want[i].len, want[i].ptr);
            printf("\n  ours     ");
            for (size_t i = 0; i < got.count; i++)
                printf(" %.*s", (int)got.items[i].len, got.items[i].ptr);
            printf("\n");
        }
        arena_release(&arena);
    }
    buf_release(&r.text);
    buf_release(&r.tokens);
    buf_release(&file);
}

static double agreement(const struct figures *f)
{
    return f->tokens ? 100.0 * (1.0 - (double)f->wrong_tokens / (double)f->tokens) : 0;
}

static void recorded_lines_agree(void **state)
{
    (void)state;
    const char *tests = getenv("ISHOW_TESTS"); /* meson sets it */
    char *path = path_join(tests ? tests : "tests", "unit/data/tokens/recorded.txt");
    assert_non_null(path);
    struct figures f = {0};
    compare_file(path, 0, &f);
    free(path);
    print_message("# %zu lines, %zu tokens: %.3f %% agree, %zu lines differ\n", f.lines, f.tokens,
                  agreement(&f), f.wrong_lines);
    assert_true(f.lines >= 3000);
    assert_int_equal(f.wrong_tokens, 0); /* 99.9 % is asked for; there is no known reason for less than all */
}

static void assert_tokens(const char *text, const char *want)
{
    struct arena arena = {0};
    struct tokens t;
    char *copy = strdup(text);
    assert_non_null(copy);
    assert_int_equal(tokens_split(copy, strlen(copy), &arena, &t, NULL), 0);
    memset(copy, 'x', strlen(copy)); /* tokens must not point into the text */
    free(copy);
    struct buf got = BUF_INIT;
    for (size_t i = 0; i < t.count; i++) {
        assert_int_equal(buf_add_str(&got, i ? "|" : ""), 0);
        assert_int_equal(buf_add(&got, t.items[i].ptr, t.items[i].len), 0);
    }
    assert_string_equal(got.len ? got.ptr : "", want);
    buf_release(&got);
    arena_release(&arena);
}

static void named_cases(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" ", " "},
        {"a", "a"},
        /* No space before a word at the start, after a space, a colon or a quote, or of one letter. */
        {"Hello, chat", "H|e|l|l|o|,| |c|h|a|t"},
        {"Hello world; it's fine", "H|e|l|l|o| |w|o|r|l|d|,| |i|t|'|s| |f|i|n|e"},
        {"say \"hi there\" now: ok", "s|a|y| |\"|h|i| |t|h|e|r|e|\"| |n|o|w|:| |o|k"},
        {"GG--WP", "G|G| |-|-| |W|P"},
        {"x\r\ny", "x| |\r|\n|y"},
        /* A syllable is one token, with a space before it; the full-width semicolon stays. */
        {"你好", " |ni2| |hao3"},
        {"我爱你chat很多", " |wo3| |ai4| |ni3| |c|h|a|t| |hen3| |duo1"},
        {"你 uh", " |ni3| |u|h"},
        {"你 好", " |ni3| | |hao3"},
        {"“你好”；‘嗯’", "\"| |ni2| |hao3|\"|；|'| |n2|'"},
        {"重庆银行行长", " |chong2| |qing4| |yin2| |hang2| |hang2| |zhang3"},
        /* A mixed word goes character by character. */
        {"第1次买T恤", " |di4|1| |ci4| |mai3|T| |xu4"},
        {"好AT&T好", " |hao3| |A|T|&|T| |hao3"},
        {"𠀀㐀㐁", "𠀀| |qiu1| |tian4"},
        /* Three bytes a character on average is what the reference asks for. */
        {"&𠀀𠀁", "&|he1|qi1"},
        /* Where it fails, each character stands for itself. */
        {".&𠀀𠀁𠀂𠀃", ".|&|he1|qi1|𠀂|qie3"},
        /* Spaces go before U+3100 to U+9FFF only. */
        {"〇一", "ling2| |yi1"},
        {"ㄅㄆ", " |ㄅ| |ㄆ"},
        {"\uFA18\uF900\u66F4", "li3|\uF900| |geng4"},
        {"ひらがな한국", "ひ|ら|が|な|한|국"},
        {"，。ａＢ", "，|。|ａ|Ｂ"},
        {"é😀👍🏻", "é|😀|👍|🏻"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_tokens(cases[i][0], cases[i][1]);
}

static void bad_text_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct tokens t;
    struct error err = {0};
    assert_int_equal(tokens_split("ab\xE4\xBD", 4, &arena, &t, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "byte 2"));
    char *longest = malloc(TEXT_MAX_BYTES + 1);
    assert_non_null(longest);
    memset(longest, 'a', TEXT_MAX_BYTES + 1);
    assert_int_equal(tokens_split(longest, TEXT_MAX_BYTES + 1, &arena, &t, &err), E_LIMIT);
    assert_int_equal(tokens_split(longest, TEXT_MAX_BYTES, &arena, &t, &err), 0);
    assert_int_equal(t.count, TEXT_MAX_BYTES);
    for (size_t i = 0; i < TEXT_MAX_BYTES; i++)
        longest[i] = i % 2 ? '#' : '!';
    assert_int_equal(tokens_split(longest, TEXT_MAX_BYTES, &arena, &t, &err), 0);
    free(longest);
    arena_release(&arena);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        struct figures f = {0};
        compare_file(argv[1], 1, &f);
        printf("%zu lines, %zu tokens: %.4f %% agree, %zu lines differ\n", f.lines, f.tokens, agreement(&f),
               f.wrong_lines);
        return f.wrong_lines > 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_lines_agree),
        cmocka_unit_test(named_cases),
        cmocka_unit_test(bad_text_is_refused),
    };
    return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
