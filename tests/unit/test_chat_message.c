/* Messages: from Twitch's lines, from JSON, taken apart. */
#include "test.h"

#include "chat/twitch_message.h"

static struct chat_message *from_line(const char *text, int *ret_rc)
{
    static char line[IRC_LINE_MAX]; /* parsed where it stands */
    struct irc_line l;
    struct chat_message *m = NULL;
    strcpy(line, text);
    *ret_rc = irc_parse(line, strlen(line), &l);
    if (*ret_rc == 0)
        *ret_rc = twitch_message(&l, "somechannel", &m);
    return m;
}

static void emotes_are_counted_in_characters(void **state)
{
    int rc;
    (void)state;
    /* 你好 is two characters of three bytes each, 😀 one of four */
    struct chat_message *m = from_line("@emotes=25:3-7/1902:11-15;id=a;display-name=Ann :ann!a@b PRIVMSG #c :你好 Kappa 😀 "
                                       "Keepo ok", &rc);
    static const struct {
        enum chat_fragment_kind kind;
        const char *text, *id;
    } expected[] = {{FRAGMENT_TEXT, "你好 ", ""}, {FRAGMENT_EMOTE, "Kappa", "25"}, {FRAGMENT_TEXT, " 😀 ", ""},
                    {FRAGMENT_EMOTE, "Keepo", "1902"}, {FRAGMENT_TEXT, " ok", ""}};
    assert_int_equal(rc, 1);
    assert_int_equal(m->fragment_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(m->fragments[i].kind, expected[i].kind);
        assert_string_equal(m->fragments[i].text, expected[i].text);
        assert_string_equal(m->fragments[i].id, expected[i].id);
    }
    chat_message_unref(m);
}

static void emotes_outside_the_text_are_no_emotes(void **state)
{
    static const char *const tags[] = {"25:3-99", "25:90-99", "25:4-1", "25:", ":", "25:a-b", "25:0-4,2-3", "25:99999999999-3"};
    (void)state;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char line[256];
        int rc;
        snprintf(line, sizeof line, "@emotes=%s;id=a :ann!a@b PRIVMSG #c :Kappa ok", tags[i]);
        struct chat_message *m = from_line(line, &rc);
        assert_int_equal(rc, 1);
        assert_string_equal(m->text, "Kappa ok");
        size_t len = 0; /* nothing is lost or said twice */
        for (size_t k = 0; k < m->fragment_count; k++)
            len += strlen(m->fragments[k].text);
        assert_int_equal(len, strlen(m->text));
        chat_message_unref(m);
    }
}

static void tags_are_unescaped(void **state)
{
    int rc;
    (void)state;
    struct chat_message *m =
        from_line("@display-name=A\\sB\\:C\\\\D\\;id=x;reply-parent-display-name=Bob :a!a@a PRIVMSG #c :@Bob hi", &rc);
    assert_int_equal(rc, 1);
    assert_string_equal(m->user_name, "A B;C\\D");
    assert_string_equal(m->reply_to, "Bob");
    assert_string_equal(m->login, "a");
    chat_message_unref(m);
}

static void roles_and_priorities(void **state)
{
    static const struct {
        const char *tags, *text;
        unsigned roles;
        enum chat_priority priority;
    } cases[] = {
        {"badges=broadcaster/1", "hi", ROLE_OWNER, CHAT_MODERATOR},
        {"badges=moderator/1,subscriber/12;mod=1", "hi", ROLE_MODERATOR | ROLE_MEMBER, CHAT_MODERATOR},
        {"badges=vip/1", "hi", ROLE_VIP, CHAT_NORMAL},
        {"badges=vip/1", "hi @SomeChannel", ROLE_VIP, CHAT_MENTION},
        {"first-msg=1", "hi", ROLE_FIRST_TIME, CHAT_NORMAL},
        {"bits=5", "Cheer5 hi", 0, CHAT_PAID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[256];
        int rc;
        snprintf(line, sizeof line, "@%s;id=a :ann!a@b PRIVMSG #c :%s", cases[i].tags, cases[i].text);
        struct chat_message *m = from_line(line, &rc);
        assert_int_equal(rc, 1);
        assert_int_equal(m->roles, cases[i].roles);
        assert_int_equal(m->priority, cases[i].priority);
        chat_message_unref(m);
    }
}

static void bits_are_an_amount_and_not_words(void **state)
{
    int rc;
    (void)state;
    struct chat_message *m = from_line("@bits=150;id=a :a!a@a PRIVMSG #c :Cheer100 nice PogChamp50 4Head", &rc);
    assert_int_equal(rc, 1);
    assert_int_equal(m->amount_micros, 150000000);
    assert_string_equal(m->currency, "bits");
    assert_string_equal(m->amount_text, "150 bits");
    assert_int_equal(m->fragment_count, 2); /* "nice " and "4Head" */
    assert_string_equal(m->fragments[0].text, "nice ");
    assert_string_equal(m->fragments[1].text, "4Head");
    chat_message_unref(m);
}

static void notices_have_their_kinds(void **state)
{
    static const struct {
        const char *tags;
        int rc;
        enum chat_kind kind;
        int64_t count;
        const char *item;
    } cases[] = {
        {"msg-id=sub;msg-param-cumulative-months=1;msg-param-sub-plan=1000", 1, CHAT_MEMBER, 1, ""},
        {"msg-id=resub;msg-param-cumulative-months=6;msg-param-sub-plan=Prime", 1, CHAT_MEMBER, 6, "Prime"},
        {"msg-id=submysterygift;msg-param-mass-gift-count=5;msg-param-sub-plan=2000", 1, CHAT_GIFTED, 5, "Tier 2"},
        {"msg-id=subgift;msg-param-community-gift-id=77", 0, 0, 0, ""}, /* told with the five */
        {"msg-id=subgift", 1, CHAT_GIFTED, 1, ""},
        {"msg-id=raid;msg-param-viewerCount=15", 1, CHAT_RAID, 15, ""},
        {"msg-id=announcement", 1, CHAT_ANNOUNCED, 1, ""},
        {"msg-id=unheardof", 0, 0, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[256];
        int rc;
        snprintf(line, sizeof line, "@%s;login=ann;id=a :tmi.twitch.tv USERNOTICE #c :words", cases[i].tags);
        struct chat_message *m = from_line(line, &rc);
        assert_int_equal(rc, cases[i].rc);
        if (rc == 1) {
            assert_int_equal(m->kind, cases[i].kind);
            assert_int_equal(m->count, cases[i].count);
            assert_string_equal(m->item, cases[i].item);
            assert_string_equal(m->login, "ann");
        }
        chat_message_unref(m);
    }
}

static void actions_and_shared_chats(void **state)
{
    int rc;
    (void)state;
    struct chat_message *m = from_line("@source-room-id=6;room-id=5;id=a :a!a@a PRIVMSG #c :\x01" "ACTION waves\x01", &rc);
    assert_int_equal(rc, 1);
    assert_string_equal(m->text, "waves");
    assert_true(m->shared);
    chat_message_unref(m);
    m = from_line("@source-room-id=5;room-id=5;id=a :a!a@a PRIVMSG #c :hi", &rc);
    assert_false(m->shared);
    chat_message_unref(m);
}

static void removals(void **state)
{
    static const struct {
        const char *line;
        int rc;
        const char *channel, *message, *user;
    } cases[] = {
        {":tmi.twitch.tv CLEARCHAT #dallas", 1, "dallas", "", ""},
        {"@target-user-id=87;ban-duration=350 :tmi.twitch.tv CLEARCHAT #dallas :ronni", 1, "dallas", "", "87"},
        {"@login=foo;target-msg-id=abc-123 :tmi.twitch.tv CLEARMSG #bar :what a great day", 1, "bar", "abc-123", ""},
        {":tmi.twitch.tv CLEARMSG #bar :x", 0, "bar", "", ""},
        {":a!a@a PRIVMSG #c :CLEARCHAT", 0, "", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[256];
        struct irc_line l;
        struct twitch_removal r = {0};
        strcpy(line, cases[i].line);
        assert_int_equal(irc_parse(line, strlen(line), &l), 0);
        assert_int_equal(twitch_removal(&l, &r), cases[i].rc);
        assert_string_equal(r.channel, cases[i].channel);
        assert_string_equal(r.message_id, cases[i].message);
        assert_string_equal(r.user_id, cases[i].user);
    }
}

static void what_is_no_irc_is_refused(void **state)
{
    static const char *const lines[] = {"", "@tags", "@a=b ", ":prefix", ":prefix ", "\xff PRIVMSG", "PRIVMSG #c :\xc3"};
    struct irc_line l;
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[64];
        strcpy(line, lines[i]);
        assert_int_equal(irc_parse(line, strlen(line), &l), -1);
    }
    char nul[] = "PING\0x";
    assert_int_equal(irc_parse(nul, sizeof nul - 1, &l), -1);
}

static void lines_are_taken_one_by_one(void **state)
{
    size_t n = 99;
    (void)state;
    assert_int_equal(irc_next_line("PING\r\nPO", 8, &n), 6);
    assert_int_equal(n, 4);
    assert_int_equal(irc_next_line("\n", 1, &n), 1);
    assert_int_equal(n, 0);
    assert_int_equal(irc_next_line("PING\r", 5, &n), 0);
}

/* -------- JSON -------- */

static struct chat_message *from_json(const char *json)
{
    struct chat_message *m = NULL;
    struct error err;
    if (chat_message_parse(json, strlen(json), &m, &err))
        fail_msg("%s", err.text);
    return m;
}

static void the_originals_messages(void **state)
{
    (void)state;
    struct chat_message *m = from_json("{\"id\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\",\"platform\":\"Twitch\",\"channel\":\"c\","
                                       "\"user_id\":null,\"username\":\"Ann\",\"priority\":\"Gift\",\"content\":{\"Text\":\"hi\"},"
                                       "\"metadata\":{\"color\":\"#FF0000\"},\"timestamp\":\"2024-05-01T12:00:00.5+02:00\"}");
    assert_int_equal(m->platform, CHAT_TWITCH);
    assert_int_equal(m->priority, CHAT_PAID);
    assert_int_equal(m->kind, CHAT_SAID);
    assert_string_equal(m->user_name, "Ann");
    assert_string_equal(m->text, "hi");
    assert_string_equal(m->color, "#FF0000");
    assert_int_equal(m->time_ms, 1714557600500);
    chat_message_unref(m);
    m = from_json("{\"content\":{\"System\":\"raid\"},\"username\":\"\"}");
    assert_int_equal(m->kind, CHAT_NOTICE);
    assert_true(strlen(m->id) == 32);
    chat_message_unref(m);
}

static void our_own_come_back_as_they_went(void **state)
{
    (void)state;
    struct chat_message *m =
        from_json("{\"id\":\"7\",\"platform\":\"bilibili\",\"channel\":\"22\",\"kind\":\"gift\",\"user\":{\"id\":\"1\",\"name\":"
                  "\"小明\",\"login\":\"ming\",\"roles\":[\"member\",\"vip\"]},\"text\":\"看 https://a.com\",\"item\":\"辣条\","
                  "\"count\":3,\"amount\":{\"micros\":300000,\"currency\":\"CNY\",\"text\":\"¥0.30\"},\"color\":\"#00FF00\","
                  "\"reply_to\":\"x\",\"time_ms\":5,\"shared\":true}");
    json_t *first = chat_message_json(m);
    char *text = json_dumps(first, 0);
    struct chat_message *again = from_json(text);
    json_t *second = chat_message_json(again);
    assert_int_equal(m->priority, CHAT_PAID);
    assert_int_equal(m->fragments[1].kind, FRAGMENT_LINK);
    assert_true(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    free(text);
    chat_message_unref(m);
    chat_message_unref(again);
}

static void bad_json_is_refused_in_words(void **state)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"", "no JSON"},
        {"[]", "no JSON object"},
        {"{}", "\"text\" is missing"},
        {"{\"text\":5}", "\"text\" is no text"},
        {"{\"text\":\"a\",\"platform\":\"icq\"}", "\"platform\": \"icq\""},
        {"{\"text\":\"a\",\"user\":{\"roles\":[\"king\"]}}", "roles"},
        {"{\"text\":\"a\",\"count\":-1}", "\"count\""},
        {"{\"text\":\"a\",\"fragments\":[{\"type\":\"x\",\"text\":\"a\"}]}", "fragment 0"},
        {"{\"content\":{},\"username\":\"a\"}", "\"content\""},
        {"{\"text\":\"a\\u0000b\"}", "no JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chat_message *m = NULL;
        struct error err;
        assert_int_equal(chat_message_parse(cases[i].json, strlen(cases[i].json), &m, &err), E_FORMAT);
        if (!strstr(err.text, cases[i].words))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].words);
        assert_null(m);
    }
}

static void long_strings_are_cut_at_a_character(void **state)
{
    (void)state;
    char *text = malloc(CHAT_TEXT_MAX + 10);
    memset(text, 'a', CHAT_TEXT_MAX - 1);
    strcpy(text + CHAT_TEXT_MAX - 1, "你好");
    struct chat_message *m;
    assert_int_equal(chat_message_create(&(struct chat_message){.text = text}, NULL, &m), 0);
    assert_int_equal(strlen(m->text), CHAT_TEXT_MAX - 1);
    chat_message_unref(m);
    free(text);
}

static void links_and_mentions_are_found(void **state)
{
    static const struct {
        const char *word;
        enum chat_fragment_kind kind;
    } cases[] = {{"https://a", FRAGMENT_LINK},  {"www.foo.bar", FRAGMENT_LINK}, {"example.com", FRAGMENT_LINK},
                 {"twitch.tv/x", FRAGMENT_LINK}, {"HTTP://X.Y", FRAGMENT_LINK},  {"@ann", FRAGMENT_MENTION},
                 {"@", FRAGMENT_TEXT},           {"no.where", FRAGMENT_TEXT},    {"3.5", FRAGMENT_TEXT},
                 {"https://", FRAGMENT_TEXT},    {".com", FRAGMENT_TEXT},        {"看example.com", FRAGMENT_TEXT}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chat_message *m;
        assert_int_equal(chat_message_create(&(struct chat_message){.text = cases[i].word}, NULL, &m), 0);
        assert_int_equal(m->fragment_count, 1);
        if (m->fragments[0].kind != cases[i].kind)
            fail_msg("%s", cases[i].word);
        chat_message_unref(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emotes_are_counted_in_characters),
        cmocka_unit_test(emotes_outside_the_text_are_no_emotes),
        cmocka_unit_test(tags_are_unescaped),
        cmocka_unit_test(roles_and_priorities),
        cmocka_unit_test(bits_are_an_amount_and_not_words),
        cmocka_unit_test(notices_have_their_kinds),
        cmocka_unit_test(actions_and_shared_chats),
        cmocka_unit_test(removals),
        cmocka_unit_test(what_is_no_irc_is_refused),
        cmocka_unit_test(lines_are_taken_one_by_one),
        cmocka_unit_test(the_originals_messages),
        cmocka_unit_test(our_own_come_back_as_they_went),
        cmocka_unit_test(bad_json_is_refused_in_words),
        cmocka_unit_test(long_strings_are_cut_at_a_character),
        cmocka_unit_test(links_and_mentions_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
