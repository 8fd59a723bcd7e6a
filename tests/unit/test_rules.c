/* What is said of a chat: hand-written messages with the words that are heard (tests/chat/danmaku.txt), and what a
 * message alone does not show: memory, rules as JSON, no memory left. */
#include "test.h"

#include "base/utf8.h"
#include "chat/rules.h"
#include "chat/rules_memory.h"
#include "failing_heap.h"

#include <stdio.h>

/* -------- helpers -------- */

static struct rules *rules_of(const char *json)
{
    struct rules *r = NULL;
    struct error err;
    json_error_t e;
    json_t *doc = json_loads(json, 0, &e);
    if (!doc)
        fail_msg("%s: %s", json, e.text);
    if (rules_parse(doc, &r, &err))
        fail_msg("%s: %s", json, err.text);
    json_decref(doc);
    return r;
}

/* -------- the corpus -------- */

struct corpus {
    struct rules *rules;
    json_t *fields; /* of the messages that follow */
    char *written;  /* the message before, unescaped */
    size_t messages, failures, line;
};

/* "\u{200B}" is that character, "\n{500 ha}" the text so many times. */
static char *unescape_characters(const char *from)
{
    struct buf out = BUF_INIT;
    for (; *from; from++) {
        char bytes[UTF8_MAX], *end;
        if (strncmp(from, "\\u{", 3) == 0) {
            const size_t n = utf8_encode((uint32_t)strtoul(from + 3, &end, 16), bytes);
            assert_int_equal(*end, '}');
            assert_int_equal(buf_add(&out, bytes, n), 0);
            from = end;
        } else {
            assert_int_equal(buf_add_char(&out, *from), 0);
        }
    }
    assert_int_equal(buf_reserve(&out, 0), 0);
    return out.ptr;
}

static char *unescape(const char *escaped)
{
    struct buf out = BUF_INIT;
    char *plain = unescape_characters(escaped);
    for (const char *from = plain; *from; from++) {
        if (strncmp(from, "\\n{", 3) == 0) {
            char *text;
            const unsigned long times = strtoul(from + 3, &text, 10);
            const char *end = strchr(text, '}');
            assert_non_null(end);
            for (unsigned long i = 0; i < times; i++)
                assert_int_equal(buf_add(&out, text + 1, (size_t)(end - text) - 1), 0);
            from = end;
        } else {
            assert_int_equal(buf_add_char(&out, *from), 0);
        }
    }
    assert_int_equal(buf_reserve(&out, 0), 0);
    free(plain);
    return out.ptr;
}

static void expect(struct corpus *c, const char *want_verdict, const char *want_text)
{
    struct rules_decision d;
    struct chat_message *m = NULL;
    struct error err;
    json_t *fields = json_deep_copy(c->fields);
    if (*c->written)
        json_object_set_new(fields, "text", json_string(c->written));
    if (chat_message_read(fields, &m, &err))
        fail_msg("line %zu: %s", c->line, err.text);
    assert_int_equal(rules_decide(c->rules, NULL, m, "somechannel", 0, &d), 0);
    const char *verdict = rules_verdict_name(d.verdict), *text = d.verdict == RULES_SAY ? d.text.ptr : "";
    c->messages++;
    if (strcmp(verdict, want_verdict) != 0 || (want_text && strcmp(text, want_text) != 0)) {
        c->failures++;
        print_error("danmaku.txt:%zu: \"%.200s\"\n    is      %s \"%s\" %s\n    and not %s \"%s\"\n", c->line, m->text,
                    verdict, text, d.because, want_verdict, want_text ? want_text : "");
    }
    rules_decision_release(&d);
    chat_message_unref(m);
    json_decref(fields);
}

static void take_line(struct corpus *c, char *line)
{
    char *value = line[0] ? line + 2 : line;
    free(line[0] == '<' || line[0] == '=' ? c->written : NULL);
    switch (line[0]) {
    case '\0':
    case '#': break;
    case 'r':
        rules_free(c->rules);
        c->rules = rules_of(strchr(line, '{'));
        break;
    case 'm':
        json_decref(c->fields);
        c->fields = json_loads(strchr(line, '{'), 0, NULL);
        assert_non_null(c->fields);
        break;
    case '<': c->written = unescape(value); break;
    case '=':
        c->written = unescape(value);
        expect(c, "say", c->written);
        break;
    case '>': expect(c, "say", value); break;
    case '!': expect(c, value, NULL); break;
    default: fail_msg("line %zu: \"%s\"", c->line, line);
    }
}

static void the_corpus_is_spoken_as_it_should_be(void **state)
{
    struct corpus c = {.rules = rules_of("{}"), .fields = json_object()};
    char path[4096], line[8192];
    (void)state;
    snprintf(path, sizeof path, "%s/chat/danmaku.txt", getenv("ISHOW_TESTS"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        c.line++;
        take_line(&c, line);
    }
    fclose(f);
    rules_free(c.rules);
    json_decref(c.fields);
    free(c.written);
    if (c.failures || c.messages < 300)
        fail_msg("%zu of %zu messages", c.failures, c.messages);
}

/* -------- memory -------- */

struct stage {
    struct rules *rules;
    struct rules_memory *memory;
    struct rules_decision d;
    int said; /* ids */
    int lost; /* what is decided now is not heard: there is no room */
};

static void open_stage(struct stage *s, const char *rules)
{
    *s = (struct stage){.rules = rules_of(rules)};
    assert_int_equal(rules_memory_create(&s->memory), 0);
}

static void close_stage(struct stage *s)
{
    rules_decision_release(&s->d);
    rules_memory_free(s->memory);
    rules_free(s->rules);
}

static const char *decide(struct stage *s, struct chat_message m, double now)
{
    struct chat_message *made;
    char id[16];
    snprintf(id, sizeof id, "m%d", ++s->said);
    m.id = id;
    rules_decision_release(&s->d);
    assert_int_equal(chat_message_create(&m, NULL, &made), 0);
    if (m.priority == CHAT_PAID)
        made->priority = chat_priority_of(made, "somechannel");
    assert_int_equal(rules_decide(s->rules, s->memory, made, "somechannel", now, &s->d), 0);
    if (!s->lost)
        rules_remember(s->memory, made, &s->d, now);
    chat_message_unref(made);
    return s->d.verdict == RULES_SAY ? s->d.text.ptr : rules_verdict_name(s->d.verdict);
}

static const char *hears(struct stage *s, const char *name, const char *text, double now)
{
    return decide(s, (struct chat_message){.user_name = name, .text = text}, now);
}

static void a_name_is_said_once_in_a_burst(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"burst_seconds\": 10}");
    assert_string_equal(hears(&s, "Ann", "one", 0), "Ann says: one");
    assert_string_equal(hears(&s, "Ann", "two", 9), "two");
    assert_string_equal(hears(&s, "Ann", "three", 18), "three");
    assert_string_equal(hears(&s, "Ann", "four", 29), "Ann says: four");
    assert_string_equal(hears(&s, "Bob", "five", 30), "Bob says: five");
    assert_string_equal(hears(&s, "Ann", "six", 31), "Ann says: six");
    close_stage(&s);
}

static void equal_messages_are_merged(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"merge_seconds\": 20, \"say_names\": false}");
    assert_string_equal(hears(&s, "Ann", "Good Game!", 0), "Good Game!");
    assert_string_equal(hears(&s, "Bob", "good  game", 19), "merge");
    assert_string_equal(s.d.merged_id, "m1");
    assert_string_equal(hears(&s, "Cy", "ＧＯＯＤ GAME!!!", 20), "merge");
    assert_string_equal(hears(&s, "Dee", "good game", 21), "good game"); /* the first is too long ago */
    assert_string_equal(hears(&s, "Ann", "\xF0\x9F\x98\x82", 22), "\xF0\x9F\x98\x82");
    assert_string_equal(hears(&s, "Bob", "\xF0\x9F\x98\xAD", 22), "\xF0\x9F\x98\xAD"); /* another face */
    assert_string_equal(hears(&s, "Bob", "\xF0\x9F\x98\x82", 22), "merge");
    close_stage(&s);
}

static void free_gifts_of_a_user_are_merged_and_paid_ones_are_not(void **state)
{
    struct stage s;
    const struct chat_message free_gift = {
        .kind = CHAT_GIFT, .user_name = "Ann", .item = "rose", .priority = CHAT_NORMAL};
    struct chat_message from_bob = free_gift, paid = free_gift;
    from_bob.user_name = "Bob";
    paid.priority = CHAT_PAID;
    (void)state;
    open_stage(&s, "{}");
    assert_string_equal(decide(&s, free_gift, 0), "Ann sent rose");
    assert_string_equal(decide(&s, free_gift, 1), "merge");
    assert_string_equal(decide(&s, from_bob, 2), "Bob sent rose");
    assert_string_equal(decide(&s, paid, 3), "Ann sent rose");
    assert_string_equal(decide(&s, paid, 4), "Ann sent rose");
    close_stage(&s);
}

static void who_was_just_heard_waits(void **state)
{
    static const struct {
        const char *exempt;
        unsigned roles;
        int waits;
    } cases[] = {{"nobody", ROLE_OWNER, 1},      {"moderators", ROLE_OWNER, 0}, {"moderators", ROLE_MODERATOR, 0},
                 {"moderators", ROLE_VIP, 1},    {"moderators", 0, 1},          {"vips", ROLE_VIP, 0},
                 {"vips", ROLE_MEMBER, 1},       {"members", ROLE_MEMBER, 0},   {"members", ROLE_VIP, 0},
                 {"members", ROLE_FIRST_TIME, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s;
        struct chat_message m = {.user_name = "Ann", .text = "one", .roles = cases[i].roles, .priority = CHAT_NORMAL};
        char rules[128];
        snprintf(rules, sizeof rules, "{\"user_cooldown\": 10, \"cooldown_exempt\": \"%s\"}", cases[i].exempt);
        open_stage(&s, rules);
        assert_string_equal(decide(&s, m, 100), "Ann says: one");
        m.text = "two";
        if (strcmp(decide(&s, m, 102.5), cases[i].waits ? "cooldown" : "two") != 0)
            fail_msg("case %zu", i);
        if (cases[i].waits)
            assert_string_equal(s.d.because, "8 s");
        m.text = "three";
        assert_string_equal(decide(&s, m, 111), "three");
        m.amount_micros = 1000000;
        m.amount_text = "$1";
        m.priority = CHAT_PAID;
        m.text = "four";
        assert_string_equal(decide(&s, m, 112), "Ann sent $1: four"); /* money does not wait */
        close_stage(&s);
    }
}

/* Neither its repeats nor its user's next words wait for it, and the name is still to be said. */
static void what_was_not_heard_was_not_said(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"user_cooldown\": 10, \"cooldown_exempt\": \"nobody\"}");
    s.lost = 1;
    assert_string_equal(hears(&s, "Ann", "hello everyone", 100), "Ann says: hello everyone");
    s.lost = 0;
    assert_string_equal(hears(&s, "Bob", "hello everyone", 101), "Bob says: hello everyone");
    assert_string_equal(hears(&s, "Cy", "hello everyone", 102), "merge");
    assert_string_equal(s.d.merged_id, "m2");
    assert_string_equal(hears(&s, "Cy", "well then", 103), "Cy says: well then"); /* a merged one was not heard */
    assert_string_equal(hears(&s, "Ann", "and now", 104), "Ann says: and now");
    assert_string_equal(hears(&s, "Ann", "and then", 105), "cooldown");
    memory_forget_text(s.memory, "m2"); /* it has made room for others */
    assert_string_equal(hears(&s, "Dee", "hello everyone", 106), "Dee says: hello everyone");
    assert_string_equal(hears(&s, "Eve", "well then", 107), "merge");
    close_stage(&s);
}

static void memory_is_bounded(void **state)
{
    struct rules_memory *m;
    char user[32];
    (void)state;
    assert_int_equal(rules_memory_create(&m), 0);
    for (int i = 0; i < 3 * MEMORY_USERS; i++) {
        snprintf(user, sizeof user, "u%d", i);
        memory_user_spoke(m, user, i);
        memory_keep_text(m, (uint64_t)i + 1, user, i);
    }
    snprintf(user, sizeof user, "u%d", 3 * MEMORY_USERS - 1);
    assert_true(memory_user_age(m, user, 3 * MEMORY_USERS) == 1);
    assert_string_equal(memory_find_text(m, 3 * MEMORY_USERS, 3 * MEMORY_USERS, 10), user);
    assert_null(memory_find_text(m, 1, 3 * MEMORY_USERS, 1e9));
    assert_true(memory_user_age(m, "nobody", 5) > 1e9);
    rules_memory_free(m);
}

/* -------- voices -------- */

static void voices_are_chosen(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"voice\": \"main\", \"voices\": {\"zh\": \"mei\", \"other\": \"globe\", \"en\": \"\"},"
                   " \"users\": [{\"user\": \"ann\", \"voice\": \"hers\", \"nickname\": \"Annie\"}]}");
    assert_string_equal(hears(&s, "Ann", "hello", 0), "Annie says: hello");
    assert_string_equal(s.d.voice, "hers");
    hears(&s, "Bob", "你好", 1);
    assert_string_equal(s.d.voice, "mei");
    assert_string_equal(s.d.lang, "zh");
    hears(&s, "Bob", "привет", 2);
    assert_string_equal(s.d.voice, "globe");
    hears(&s, "Bob", "hello all", 3);
    assert_string_equal(s.d.voice, "main"); /* none is named for English */
    close_stage(&s);
}

static void a_viewer_keeps_the_voice_that_was_drawn(void **state)
{
    struct stage s;
    int heard[3] = {0};
    (void)state;
    open_stage(&s, "{\"voice\": \"main\", \"voice_pool\": [\"0\", \"1\", \"2\"], \"voices\": {\"zh\": \"mei\"}, "
                   "\"merge_seconds\": 0}");
    for (int i = 0; i < 60; i++) {
        char name[32], first[8];
        snprintf(name, sizeof name, "viewer%c%d", 'a' + i % 26, i);
        hears(&s, name, "hello", i);
        snprintf(first, sizeof first, "%.7s", s.d.voice);
        heard[s.d.voice[0] - '0']++;
        hears(&s, name, "again", i);
        assert_string_equal(s.d.voice, first);
        hears(&s, name, "你好", i);
        assert_string_equal(s.d.voice, "mei"); /* a language's own goes before */
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(heard[i], 5, 40);
    close_stage(&s);
}

/* -------- patterns -------- */

static void a_pattern_that_never_ends_is_given_up(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"blocked_patterns\": [\"(a+)+$\", \"(x+x+)+y\", \"\\\\bbad\\\\w*\"], \"say_names\": false, "
                   "\"collapse\": false,"
                   " \"max_chars\": 0, \"max_words\": 0, \"max_seconds\": 0}");
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    assert_string_equal(hears(&s, "Ann", text, 0), text);
    assert_string_equal(hears(&s, "Ann", "really BADness", 0), "pattern");
    assert_string_equal(s.d.because, "\\bbad\\w*");
    close_stage(&s);
}

/* -------- words about floods -------- */

static void floods_in_one_sentence(void **state)
{
    static const struct {
        const char *rules, *summary, *times;
    } cases[] = {{"{}", "and 40 more messages", "lol, times 12"}, {"{\"words\":\"zh\"}", "还有40条弹幕", "lol，12次"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rules *r = rules_of(cases[i].rules);
        struct buf b = BUF_INIT;
        assert_int_equal(rules_summary(r, 40, &b), 0);
        assert_string_equal(b.ptr, cases[i].summary);
        b.len = 0;
        assert_int_equal(rules_times(r, "lol", 12, &b), 0);
        assert_string_equal(b.ptr, cases[i].times);
        buf_release(&b);
        rules_free(r);
    }
}

static void the_decision_tells_what_it_will_take(void **state)
{
    struct stage s;
    (void)state;
    open_stage(&s, "{\"say_names\": false, \"max_words\": 3, \"collapse\": false}");
    assert_string_equal(hears(&s, "Ann", "one two three four", 0), "one two three");
    assert_true(s.d.cut);
    assert_true(s.d.seconds > 0.3 && s.d.seconds < 2);
    hears(&s, "Ann", "one two", 0);
    assert_false(s.d.cut);
    close_stage(&s);
}

/* -------- rules as JSON -------- */

static void rules_come_back_as_they_went(void **state)
{
    (void)state;
    struct rules *r = rules_of(
        "{\"mode\":\"mention\",\"minimum_amounts\":{\"JPY\":500},\"voice_pool\":[\"a\"],\"templates\":{\"said\":"
        "\"%text%\"},\"users\":[{\"user\":\"ann\",\"nickname\":\"A\",\"voice\":\"v\"}],\"blocked_words\":[\"x\"]}");
    json_t *first = rules_json(r);
    struct rules *again = NULL;
    assert_int_equal(rules_parse(first, &again, NULL), 0);
    json_t *second = rules_json(again);
    assert_true(json_equal(first, second));
    assert_string_equal(json_string_value(json_object_get(first, "mode")), "mention");
    assert_string_equal(rules_command(again), "!tts");
    json_decref(first);
    json_decref(second);
    rules_free(r);
    rules_free(again);
}

/* API.md tells of every key. */
static void every_key_is_explained(void **state)
{
    struct buf guide = BUF_INIT;
    char path[4096], word[64];
    struct rules *r = rules_of("{}");
    json_t *all = rules_json(r), *value;
    const char *key;
    (void)state;
    snprintf(path, sizeof path, "%s/../docs/API.md", getenv("ISHOW_TESTS"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        assert_int_equal(buf_add_char(&guide, (char)c), 0);
    fclose(f);
    json_object_foreach(all, key, value) {
        snprintf(word, sizeof word, "`%s`", key);
        if (!strstr(guide.ptr, word))
            fail_msg("docs/API.md says nothing of the rule %s", word);
    }
    buf_release(&guide);
    json_decref(all);
    rules_free(r);
}

static void bad_rules_are_refused_in_words(void **state)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"[]", "object"},
        {"{\"mod\": \"all\"}", "did you mean \"mode\""},
        {"{\"something_else_entirely\": 1}", "no rule"},
        {"{\"enabled\": 1}", "\"enabled\": expected true or false"},
        {"{\"mode\": \"some\"}", "all|command|mention"},
        {"{\"max_words\": 1.5}", "whole number"},
        {"{\"max_words\": -1}", "0 to 1000"},
        {"{\"max_seconds\": 1e9}", "0 to 600"},
        {"{\"command\": \"\"}", "1 to 200 bytes"},
        {"{\"voice\": \"a\\u0000b\"}", "\"voice\""},
        {"{\"bots\": \"nightbot\"}", "a list of at most"},
        {"{\"bots\": [\"\"]}", "item 1"},
        {"{\"blocked_words\": [\"a\", 5]}", "item 2"},
        {"{\"blocked_patterns\": [\"(\"]}", "no regular expression"},
        {"{\"templates\": {\"sung\": \"\"}}", "no \"sung\""},
        {"{\"templates\": {\"said\": 5}}", "\"said\""},
        {"{\"voices\": []}", "expected an object"},
        {"{\"minimum_amounts\": {\"EUR\": \"5\"}}", "\"EUR\""},
        {"{\"minimum_amounts\": {\"EUR\": -5}}", "0 to 1e+09"},
        {"{\"minimum_amounts\": 5}", "currencies"},
        {"{\"cooldown_exempt\": \"everyone\"}", "nobody|members"},
        {"{\"users\": {\"user\": \"a\"}}", "a list of at most"},
        {"{\"users\": [{}]}", "item 1"},
        {"{\"users\": [{\"user\": \"a\", \"voice\": 5}]}", "item 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rules *r = NULL;
        struct error err;
        json_t *doc = json_loads(cases[i].json, JSON_ALLOW_NUL, NULL);
        assert_non_null(doc);
        assert_int_equal(rules_parse(doc, &r, &err), E_FORMAT);
        if (!strstr(err.text, cases[i].words))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].words);
        assert_null(r);
        json_decref(doc);
    }
}

/* {KEY: VALUE} is taken, or not. */
static int takes(const char *key, json_t *value)
{
    struct rules *r = NULL;
    json_t *doc = json_pack("{s:o}", key, value);
    assert_non_null(doc);
    const int rc = rules_parse(doc, &r, NULL);
    rules_free(r);
    json_decref(doc);
    assert_true(rc == 0 || rc == E_FORMAT);
    return rc == 0;
}

static json_t *text_of(size_t bytes)
{
    char text[1024];
    assert_true(bytes < sizeof text);
    memset(text, 'x', bytes);
    return json_stringn(text, bytes);
}

static json_t *list_of(size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_sprintf("u%zu", i));
    return list;
}

static json_t *amounts_of(size_t count)
{
    json_t *amounts = json_object();
    char name[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "C%zu", i);
        json_object_set_new(amounts, name, json_integer(5));
    }
    return amounts;
}

static json_t *users_of(size_t count, size_t user, size_t nickname, size_t voice)
{
    json_t *users = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(users, json_pack("{s:o, s:o, s:o}", "user", text_of(user), "nickname",
                                               text_of(nickname), "voice", text_of(voice)));
    return users;
}

static void a_limit_itself_is_within_it(void **state)
{
    (void)state;
    assert_true(takes("command", text_of(RULES_WORD_MAX)));
    assert_false(takes("command", text_of(RULES_WORD_MAX + 1)));
    assert_true(takes("bots", json_pack("[o]", text_of(RULES_WORD_MAX))));
    assert_false(takes("bots", json_pack("[o]", text_of(RULES_WORD_MAX + 1))));
    assert_true(takes("bots", list_of(RULES_LIST_MAX)));
    assert_false(takes("bots", list_of(RULES_LIST_MAX + 1)));
    assert_true(takes("templates", json_pack("{s:o}", "said", text_of(RULES_TEMPLATE_MAX))));
    assert_false(takes("templates", json_pack("{s:o}", "said", text_of(RULES_TEMPLATE_MAX + 1))));
    assert_true(takes("voices", json_pack("{s:o}", "en", text_of(RULES_VOICE_MAX))));
    assert_false(takes("voices", json_pack("{s:o}", "en", text_of(RULES_VOICE_MAX + 1))));
    assert_true(takes("minimum_amounts", json_pack("{s:i}", "EUR", 0)));
    assert_true(takes("minimum_amounts", amounts_of(RULES_LIST_MAX)));
    assert_false(takes("minimum_amounts", amounts_of(RULES_LIST_MAX + 1)));
    assert_true(takes("users", users_of(RULES_LIST_MAX, 1, 0, 0)));
    assert_false(takes("users", users_of(RULES_LIST_MAX + 1, 1, 0, 0)));
    assert_true(takes("users", users_of(1, RULES_WORD_MAX, RULES_WORD_MAX, RULES_VOICE_MAX)));
    assert_false(takes("users", users_of(1, RULES_WORD_MAX + 1, 0, 0)));
    assert_false(takes("users", users_of(1, 1, RULES_WORD_MAX + 1, 0)));
    assert_false(takes("users", users_of(1, 1, 0, RULES_VOICE_MAX + 1)));
}

/* -------- no memory left (for our own code: jansson and ICU are not made to fail) -------- */

static int parse_and_decide(struct rules_decision *ret)
{
    struct rules *r = NULL;
    struct chat_message *m = NULL;
    struct rules_memory *memory = NULL;
    json_t *doc = json_loads("{\"blocked_words\":[\"bad\",\"坏\"],\"blocked_patterns\":[\"x{9}\"]}", 0, NULL);
    int rc = rules_parse(doc, &r, NULL);
    if (!rc)
        rc = rules_memory_create(&memory);
    if (!rc)
        rc = chat_message_create(&(struct chat_message){.user_name = "Ann", .text = "hi @bob 见www.a.com",
                                                        .priority = CHAT_NORMAL}, NULL, &m);
    if (!rc)
        rc = rules_decide(r, memory, m, NULL, 0, ret);
    chat_message_unref(m);
    rules_memory_free(memory);
    rules_free(r);
    json_decref(doc);
    return rc;
}

/* What cannot be checked is not said, names included. */
static void without_memory_nothing_wrong_is_said(void **state)
{
    (void)state;
    for (size_t n = 1, calls = n; calls + 1 >= n; n++) { /* one more than there are: nothing fails */
        struct rules_decision d = {0};
        heap.calls = 0;
        heap.fail_at = n;
        heap.armed = 1;
        const int rc = parse_and_decide(&d);
        heap.armed = 0;
        calls = heap.calls;
        assert_true(rc == 0 || rc == E_NOMEM);
        if (rc == 0 && d.verdict == RULES_SAY && strcmp(d.text.ptr, "hi bob 见link") != 0)
            assert_string_equal(d.text.ptr, "Ann says: hi bob 见link");
        if (calls < n)
            assert_int_equal(rc, 0);
        rules_decision_release(&d);
        assert_int_equal(heap.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_is_spoken_as_it_should_be),
        cmocka_unit_test(a_name_is_said_once_in_a_burst),
        cmocka_unit_test(equal_messages_are_merged),
        cmocka_unit_test(free_gifts_of_a_user_are_merged_and_paid_ones_are_not),
        cmocka_unit_test(who_was_just_heard_waits),
        cmocka_unit_test(what_was_not_heard_was_not_said),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(voices_are_chosen),
        cmocka_unit_test(a_viewer_keeps_the_voice_that_was_drawn),
        cmocka_unit_test(a_pattern_that_never_ends_is_given_up),
        cmocka_unit_test(floods_in_one_sentence),
        cmocka_unit_test(the_decision_tells_what_it_will_take),
        cmocka_unit_test(rules_come_back_as_they_went),
        cmocka_unit_test(every_key_is_explained),
        cmocka_unit_test(bad_rules_are_refused_in_words),
        cmocka_unit_test(a_limit_itself_is_within_it),
        cmocka_unit_test(without_memory_nothing_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
