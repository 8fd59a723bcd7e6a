/* What the sites send, as messages: YouTube's items, Bilibili's packets and commands; and what users type for a
 * channel. */
#include "test.h"

#include "chat/bilibili_frame.h"
#include "chat/bilibili_message.h"
#include "chat/source.h"
#include "chat/youtube_message.h"

#include <stdio.h>
#include <zlib.h>

/* -------- YouTube -------- */

static json_t *parse(const char *text)
{
    json_error_t e;
    json_t *o = json_loads(text, 0, &e);
    if (!o)
        fail_msg("%s: %s", text, e.text);
    return o;
}

static void youtubes_items(void **state)
{
    static const struct {
        const char *snippet, *author;
        enum chat_kind kind;
        enum chat_priority priority;
        unsigned roles;
        const char *name, *text, *item;
        int64_t count, micros;
        const char *currency;
    } cases[] = {
        {"{\"type\":\"textMessageEvent\",\"textMessageDetails\":{\"messageText\":\"hi\"}}",
         "{\"displayName\":\"@ann\"}", CHAT_SAID, CHAT_NORMAL, 0, "ann", "hi", "", 1, 0, ""},
        {"{\"type\":\"textMessageEvent\",\"displayMessage\":\"shown\"}",
         "{\"displayName\":\"Ann\",\"isChatOwner\":true,\"isChatModerator\":true,\"isChatSponsor\":true}", CHAT_SAID,
         CHAT_MODERATOR, ROLE_OWNER | ROLE_MODERATOR | ROLE_MEMBER, "Ann", "shown", "", 1, 0, ""},
        {"{\"type\":\"superChatEvent\",\"superChatDetails\":{\"amountMicros\":\"5000000\",\"currency\":\"EUR\","
         "\"amountDisplayString\":\"€5.00\",\"userComment\":\"go\"}}",
         "{\"displayName\":\"Ann\"}", CHAT_SAID, CHAT_PAID, 0, "Ann", "go", "", 1, 5000000, "EUR"},
        {"{\"type\":\"superChatEvent\",\"superChatDetails\":{\"amountMicros\":2000000,\"currency\":\"USD\"}}",
         "{\"displayName\":\"Ann\"}", CHAT_SAID, CHAT_PAID, 0, "Ann", "", "", 1, 2000000, "USD"},
        {"{\"type\":\"superStickerEvent\",\"superStickerDetails\":{\"amountMicros\":\"1000000\",\"currency\":\"USD\","
         "\"superStickerMetadata\":{\"altText\":\"a bear\"}}}",
         "{\"displayName\":\"Ann\"}", CHAT_STICKER, CHAT_PAID, 0, "Ann", "a bear", "", 1, 1000000, "USD"},
        {"{\"type\":\"newSponsorEvent\",\"newSponsorDetails\":{\"memberLevelName\":\"Gold\"}}",
         "{\"displayName\":\"Ann\"}", CHAT_MEMBER, CHAT_PAID, 0, "Ann", "", "Gold", 1, 0, ""},
        {"{\"type\":\"memberMilestoneChatEvent\",\"memberMilestoneChatDetails\":{\"memberLevelName\":\"Gold\","
         "\"memberMonth\":6,\"userComment\":\"half a year\"}}",
         "{\"displayName\":\"Ann\"}", CHAT_MEMBER, CHAT_PAID, 0, "Ann", "half a year", "Gold", 6, 0, ""},
        {"{\"type\":\"membershipGiftingEvent\",\"membershipGiftingDetails\":{\"giftMembershipsCount\":5,"
         "\"giftMembershipsLevelName\":\"Gold\"}}",
         "{\"displayName\":\"Ann\"}", CHAT_GIFTED, CHAT_PAID, 0, "Ann", "", "Gold", 5, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        struct youtube_item item;
        snprintf(text, sizeof text, "{\"id\":\"x\",\"snippet\":%s,\"authorDetails\":%s}", cases[i].snippet,
                 cases[i].author);
        json_t *o = parse(text);
        assert_int_equal(youtube_item_read(o, "video", &item), 0);
        assert_int_equal(item.event, YOUTUBE_MESSAGE);
        const struct chat_message *m = item.message;
        if (m->kind != cases[i].kind || m->priority != cases[i].priority || m->roles != cases[i].roles)
            fail_msg("case %zu: kind %d, priority %d, roles %u", i, m->kind, m->priority, m->roles);
        assert_string_equal(m->id, "x");
        assert_string_equal(m->user_name, cases[i].name);
        assert_string_equal(m->text, cases[i].text);
        assert_string_equal(m->item, cases[i].item);
        assert_int_equal(m->count, cases[i].count);
        assert_int_equal(m->amount_micros, cases[i].micros);
        assert_string_equal(m->currency, cases[i].currency);
        chat_message_unref(item.message);
        json_decref(o);
    }
}

static void youtubes_emoji_and_times(void **state)
{
    struct youtube_item item;
    (void)state;
    json_t *o = parse(
        "{\"id\":\"x\",\"snippet\":{\"type\":\"textMessageEvent\",\"publishedAt\":\"2024-05-01T12:00:00.5Z\","
        "\"textMessageDetails\":{\"messageText\":\"at 12:30:45 :hand-waving::_cat: @Bob\"}},\"authorDetails\":{}}");
    assert_int_equal(youtube_item_read(o, "video", &item), 0);
    static const char *const expected[] = {"at 12:30:45 ", ":hand-waving:", ":_cat:", " ", "@Bob"};
    assert_int_equal(item.message->fragment_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(item.message->fragments[i].text, expected[i]);
    assert_int_equal(item.message->fragments[1].kind, FRAGMENT_EMOTE);
    assert_int_equal(item.message->fragments[4].kind, FRAGMENT_MENTION);
    assert_int_equal(item.message->time_ms, 1714564800000);
    chat_message_unref(item.message);
    json_decref(o);
}

static void youtubes_removals_and_ends(void **state)
{
    static const struct {
        const char *item;
        int rc;
        enum youtube_event event;
        const char *message, *user;
    } cases[] = {
        {"{\"snippet\":{\"type\":\"messageDeletedEvent\",\"messageDeletedDetails\":{\"deletedMessageId\":\"m\"}}}", 0,
         YOUTUBE_REMOVAL, "m", ""},
        {"{\"snippet\":{\"type\":\"userBannedEvent\",\"userBannedDetails\":{\"bannedUserDetails\":{\"channelId\":\"u\"}"
         "}}}",
         0, YOUTUBE_REMOVAL, "", "u"},
        {"{\"snippet\":{\"type\":\"userBannedEvent\"}}", 0, YOUTUBE_NOTHING, "", ""},
        {"{\"snippet\":{\"type\":\"chatEndedEvent\"}}", 0, YOUTUBE_END, "", ""},
        {"{\"snippet\":{\"type\":\"giftMembershipReceivedEvent\"}}", 0, YOUTUBE_NOTHING, "", ""},
        {"{\"snippet\":{\"type\":\"unheardOf\"}}", 0, YOUTUBE_NOTHING, "", ""},
        {"{\"snippet\":{}}", E_FORMAT, YOUTUBE_NOTHING, "", ""},
        {"{\"snippet\":5}", E_FORMAT, YOUTUBE_NOTHING, "", ""},
        {"{}", E_FORMAT, YOUTUBE_NOTHING, "", ""},
        {"[]", E_FORMAT, YOUTUBE_NOTHING, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct youtube_item item;
        json_t *o = parse(cases[i].item);
        assert_int_equal(youtube_item_read(o, "video", &item), cases[i].rc);
        assert_int_equal(item.event, cases[i].event);
        assert_string_equal(item.message_id, cases[i].message);
        assert_string_equal(item.user_id, cases[i].user);
        json_decref(o);
    }
}

/* -------- Bilibili's packets -------- */

struct seen {
    size_t count, bytes, stop_at;
    char text[256]; /* bodies, one behind the other */
};

static int see(void *user, uint32_t op, struct slice body)
{
    struct seen *s = user;
    const size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%u:%.*s ", op, (int)body.len, body.ptr);
    s->bytes += body.len;
    return ++s->count == s->stop_at ? 77 : 0;
}

static void add_packet(struct buf *out, unsigned version, unsigned op, const void *body, size_t len)
{
    const size_t at = out->len;
    assert_int_equal(bilibili_packet_write(out, (enum bilibili_op)op, body, len), 0);
    out->ptr[at + 7] = (char)version;
}

static void add_zlib(struct buf *out, const struct buf *plain)
{
    uLongf len = compressBound(plain->len);
    Bytef *packed = malloc(len);
    assert_int_equal(compress(packed, &len, (const Bytef *)plain->ptr, plain->len), Z_OK);
    add_packet(out, 2, BILIBILI_MESSAGE, packed, len);
    free(packed);
}

/* Brotli without compression (RFC 7932): a window of 16 bits, a meta-block as it is, and an empty last one. Only the
 * decoder is linked. */
static void add_brotli(struct buf *out, const struct buf *plain)
{
    struct buf packed = BUF_INIT;
    const unsigned long size = plain->len - 1; /* of at most 65536 */
    const unsigned bits =
        0u | (unsigned)size << 4 | 1u << 20; /* WBITS 16: 0; ISLAST 0; MNIBBLES 4: 00; MLEN - 1; stored */
    const unsigned char head[] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16)};
    assert_true(plain->len <= 65536);
    assert_int_equal(buf_add(&packed, head, 3), 0);
    assert_int_equal(buf_add(&packed, plain->ptr, plain->len), 0);
    assert_int_equal(buf_add_char(&packed, 3), 0); /* ISLAST, ISLASTEMPTY */
    add_packet(out, 3, BILIBILI_MESSAGE, packed.ptr, packed.len);
    buf_release(&packed);
}

static int walk(const struct buf *b, struct seen *s, struct error *err)
{
    return bilibili_packets(b->ptr, b->len, see, s, err);
}

static void packets_come_out_in_order(void **state)
{
    struct buf plain = BUF_INIT, b = BUF_INIT;
    struct seen s = {0};
    struct error err;
    (void)state;
    add_packet(&plain, 0, BILIBILI_MESSAGE, "two", 3);
    add_packet(&plain, 1, BILIBILI_AUTH_REPLY, "three", 5);
    add_packet(&b, 0, BILIBILI_MESSAGE, "one", 3);
    add_zlib(&b, &plain);
    add_brotli(&b, &plain);
    add_packet(&b, 0, BILIBILI_MESSAGE, "", 0);
    assert_int_equal(walk(&b, &s, &err), 0);
    assert_string_equal(s.text, "5:one 5:two 8:three 5:two 8:three 5: ");
    s = (struct seen){.stop_at = 2};
    assert_int_equal(walk(&b, &s, &err), 77);
    assert_int_equal(s.count, 2);
    buf_release(&plain);
    buf_release(&b);
}

static void what_follows_a_heartbeats_answer_is_not_looked_at(void **state)
{
    struct buf b = BUF_INIT;
    struct seen s = {0};
    struct error err;
    (void)state;
    add_packet(&b, 1, BILIBILI_HEARTBEAT_REPLY, "\0\0\x30\x39", 4);
    assert_int_equal(buf_add_str(&b, "[object Object]"), 0);
    assert_int_equal(walk(&b, &s, &err), 0);
    assert_int_equal(s.count, 1);
    buf_release(&b);
}

/* Every beginning of good bytes ends in an error that says where, never in a read past the end. */
static void cut_packets_are_refused(void **state)
{
    struct buf plain = BUF_INIT, b = BUF_INIT;
    (void)state;
    add_packet(&plain, 0, BILIBILI_MESSAGE, "some words that are told twice: some words", 42);
    add_zlib(&b, &plain);
    const size_t first = b.len;
    add_brotli(&b, &plain);
    for (size_t n = 1; n < b.len; n++) {
        char *exact = malloc(n);
        struct seen s = {0};
        struct error err = {0};
        memcpy(exact, b.ptr, n);
        const int rc = bilibili_packets(exact, n, see, &s, &err);
        if (rc != (n == first ? 0 : E_FORMAT) || s.count != (n >= first))
            fail_msg("%zu bytes: %d, %zu packets", n, rc, s.count);
        if (rc)
            assert_non_null(strstr(err.text, "byte"));
        free(exact);
    }
    buf_release(&plain);
    buf_release(&b);
}

static void broken_packets_are_refused(void **state)
{
    static const struct {
        unsigned char header[BILIBILI_HEADER];
        const char *words;
    } cases[] = {
        {{0, 0, 0, 15, 0, 16, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1}, "15 bytes"},
        {{0, 0, 0, 16, 0, 15, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1}, "header of 15"},
        {{0, 0, 0, 16, 0, 17, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1}, "header of 17"},
        {{0xFF, 0xFF, 0xFF, 0xFF, 0, 16, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1}, "4294967295"},
        {{0, 0, 0, 16, 0, 16, 0, 2, 0, 0, 0, 5, 0, 0, 0, 1}, "zlib"},
        {{0, 0, 0, 16, 0, 16, 0, 3, 0, 0, 0, 5, 0, 0, 0, 1}, "brotli"},
    };
    struct buf plain = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
    struct seen s = {0};
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(bilibili_packets(cases[i].header, BILIBILI_HEADER, see, &s, &err), E_FORMAT);
        if (!strstr(err.text, cases[i].words))
            fail_msg("\"%s\" instead of \"%s\"", err.text, cases[i].words);
    }
    add_packet(&plain, 0, BILIBILI_MESSAGE, "x", 1);
    add_zlib(&once, &plain);
    add_zlib(&twice, &once);
    assert_int_equal(walk(&twice, &s, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "twice"));
    assert_int_equal(s.count, 0);
    buf_release(&plain);
    buf_release(&once);
    buf_release(&twice);
}

static void bombs_are_refused(void **state)
{
    struct buf plain = BUF_INIT, b = BUF_INIT;
    struct seen s = {0};
    struct error err;
    (void)state;
    assert_int_equal(buf_reserve(&plain, 4 * BILIBILI_PLAIN_MAX), 0);
    memset(plain.ptr, 0, 4 * BILIBILI_PLAIN_MAX);
    plain.len = 4 * BILIBILI_PLAIN_MAX;
    add_zlib(&b, &plain);
    assert_true(b.len < 65536);
    assert_int_equal(walk(&b, &s, &err), E_LIMIT);
    assert_int_equal(s.count, 0);
    buf_release(&plain);
    buf_release(&b);
}

/* -------- Bilibili's commands -------- */

static void bilibilis_commands(void **state)
{
    static const struct {
        const char *name, *data;
        enum chat_kind kind;
        enum chat_priority priority;
        unsigned roles;
        const char *id, *user, *text, *item;
        int64_t count, micros;
        const char *amount;
    } cases[] = {
        {"DM", "{\"uname\":\"小明\",\"open_id\":\"o\",\"msg\":\"你好\",\"msg_id\":\"m\"}", CHAT_SAID, CHAT_NORMAL, 0,
         "m", "小明", "你好", "", 1, 0, ""},
        {"DM", "{\"uname\":\"a\",\"msg\":\"hi\",\"msg_id\":\"m\",\"guard_level\":3,\"is_admin\":1}", CHAT_SAID,
         CHAT_MODERATOR, ROLE_MEMBER | ROLE_MODERATOR, "m", "a", "hi", "", 1, 0, ""},
        {"SEND_GIFT",
         "{\"uname\":\"a\",\"msg_id\":\"m\",\"gift_name\":\"辣条\",\"gift_num\":3,\"price\":100,\"paid\":false}",
         CHAT_GIFT, CHAT_NORMAL, 0, "m", "a", "", "辣条", 3, 0, ""},
        {"SEND_GIFT",
         "{\"uname\":\"a\",\"msg_id\":\"m\",\"gift_name\":\"花\",\"gift_num\":3,\"price\":1500,\"paid\":true}",
         CHAT_GIFT, CHAT_PAID, 0, "m", "a", "", "花", 3, 4500000, "¥4.50"},
        {"SUPER_CHAT", "{\"uname\":\"a\",\"message\":\"加油\",\"rmb\":30,\"message_id\":77}", CHAT_SAID, CHAT_PAID, 0,
         "sc77", "a", "加油", "", 1, 30000000, "¥30"},
        {"GUARD",
         "{\"user_info\":{\"uname\":\"a\",\"open_id\":\"o\"},\"msg_id\":\"m\",\"guard_level\":2,\"guard_num\":3,"
         "\"price\":1998000}",
         CHAT_MEMBER, CHAT_PAID, ROLE_MEMBER, "m", "a", "", "提督", 3, 1998000000, "¥1998"},
        {"LIKE", "{\"uname\":\"a\",\"msg_id\":\"m\",\"like_count\":9}", CHAT_LIKED, CHAT_NORMAL, 0, "m", "a", "", "", 9,
         0, ""},
        {"LIVE_ROOM_ENTER", "{\"uname\":\"a\",\"msg_id\":\"m\"}", CHAT_ENTERED, CHAT_NORMAL, 0, "m", "a", "", "", 1, 0,
         ""},
        {"DM", "{\"uname\":5,\"msg\":null,\"msg_id\":\"m\",\"guard_level\":-1,\"timestamp\":1e30}", CHAT_SAID,
         CHAT_NORMAL, 0, "m", "", "", "", 1, 0, ""},
        {"SEND_GIFT",
         "{\"uname\":\"a\",\"msg_id\":\"m\",\"gift_name\":\"x\",\"gift_num\":-5,\"price\":9223372036854775807,"
         "\"paid\":true}",
         CHAT_GIFT, CHAT_NORMAL, 0, "m", "a", "", "x", 1, 0, "¥0"},
        {"SEND_GIFT",
         "{\"uname\":\"a\",\"msg_id\":\"m\",\"gift_name\":\"x\",\"gift_num\":5000000000,\"price\":5000000000,"
         "\"paid\":true}",
         CHAT_GIFT, CHAT_PAID, 0, "m", "a", "", "x", 5000000000, 9223372036000, "¥9223372.04"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        struct bilibili_command c;
        snprintf(text, sizeof text, "{\"cmd\":\"LIVE_OPEN_PLATFORM_%s\",\"data\":%s}", cases[i].name, cases[i].data);
        json_t *o = parse(text);
        assert_int_equal(bilibili_command_read(o, "22", &c), 0);
        assert_int_equal(c.event, BILIBILI_SAID);
        const struct chat_message *m = c.message;
        if (m->kind != cases[i].kind || m->priority != cases[i].priority || m->roles != cases[i].roles)
            fail_msg("case %zu: kind %d, priority %d, roles %u", i, m->kind, m->priority, m->roles);
        assert_string_equal(m->id, cases[i].id);
        assert_string_equal(m->user_name, cases[i].user);
        assert_string_equal(m->text, cases[i].text);
        assert_string_equal(m->item, cases[i].item);
        assert_int_equal(m->count, cases[i].count);
        assert_int_equal(m->amount_micros, cases[i].micros);
        assert_string_equal(m->amount_text, cases[i].amount);
        chat_message_unref(c.message);
        json_decref(o);
    }
}

static void bilibilis_emotes_removals_and_ends(void **state)
{
    static const struct {
        const char *command;
        int rc;
        enum bilibili_event event;
    } cases[] = {
        {"{\"cmd\":\"LIVE_OPEN_PLATFORM_SUPER_CHAT_DEL\",\"data\":{\"message_ids\":[1,2]}}", 0, BILIBILI_REMOVAL},
        {"{\"cmd\":\"LIVE_OPEN_PLATFORM_INTERACTION_END\",\"data\":{}}", 0, BILIBILI_END},
        {"{\"cmd\":\"LIVE_OPEN_PLATFORM_UNHEARD_OF\",\"data\":{}}", 0, BILIBILI_NOTHING},
        {"{\"cmd\":\"SOMETHING_ELSE\",\"data\":{}}", 0, BILIBILI_NOTHING},
        {"{\"cmd\":\"LIVE_OPEN_PLATFORM_DM\"}", E_FORMAT, BILIBILI_NOTHING},
        {"{\"data\":{}}", E_FORMAT, BILIBILI_NOTHING},
        {"[]", E_FORMAT, BILIBILI_NOTHING},
    };
    struct bilibili_command c;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *o = parse(cases[i].command);
        assert_int_equal(bilibili_command_read(o, "22", &c), cases[i].rc);
        assert_int_equal(c.event, cases[i].event);
        if (c.event == BILIBILI_REMOVAL)
            assert_int_equal(json_array_size(c.removed), 2);
        json_decref(o);
    }
    json_t *o = parse("{\"cmd\":\"LIVE_OPEN_PLATFORM_DM\",\"data\":{\"msg\":\"笑死[笑哭][dog]看[a b]\",\"msg_id\":\"m\"}}");
    assert_int_equal(bilibili_command_read(o, "22", &c), 0);
    static const char *const expected[] = {"笑死", "[笑哭]", "[dog]", "看[a b]"};
    assert_int_equal(c.message->fragment_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(c.message->fragments[i].text, expected[i]);
    chat_message_unref(c.message);
    json_decref(o);
}

/* -------- what users type -------- */

static void channels_as_they_are_typed(void **state)
{
    static const struct {
        enum chat_platform platform;
        const char *typed, *channel; /* NULL: refused */
    } cases[] = {
        {CHAT_TWITCH, "Somebody", "somebody"},
        {CHAT_TWITCH, "  @Some_Body1", "some_body1"},
        {CHAT_TWITCH, "#somebody", "somebody"},
        {CHAT_TWITCH, "https://www.twitch.tv/Somebody", "somebody"},
        {CHAT_TWITCH, "http://m.twitch.tv/somebody?x=1", "somebody"},
        {CHAT_TWITCH, "twitch.tv/popout/somebody/chat", "somebody"},
        {CHAT_TWITCH, "", NULL},
        {CHAT_TWITCH, "https://www.twitch.tv/", NULL},
        {CHAT_TWITCH, "some body", NULL},
        {CHAT_TWITCH, "主播", NULL},
        {CHAT_TWITCH, "abcdefghijklmnopqrstuvwxyz", NULL},
        {CHAT_TWITCH, "https://example.com/somebody", NULL},
        {CHAT_TWITCH, "a\r\nJOIN #b", NULL},
        {CHAT_YOUTUBE, "dQw4w9WgXcQ", "dQw4w9WgXcQ"},
        {CHAT_YOUTUBE, "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=5", "dQw4w9WgXcQ"},
        {CHAT_YOUTUBE, "https://youtu.be/dQw4w9WgXcQ", "dQw4w9WgXcQ"},
        {CHAT_YOUTUBE, "youtube.com/live/dQw4w9WgXcQ?feature=share", "dQw4w9WgXcQ"},
        {CHAT_YOUTUBE, "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv", "UCabcdefghijklmnopqrstuv"},
        {CHAT_YOUTUBE, "@someone", "@someone"},
        {CHAT_YOUTUBE, "https://www.youtube.com/@someone/live", "@someone"},
        {CHAT_YOUTUBE, "@a", NULL},
        {CHAT_YOUTUBE, "tooshort", NULL},
        {CHAT_YOUTUBE, "", NULL},
        {CHAT_BILIBILI, "12345", "12345"},
        {CHAT_BILIBILI, "https://live.bilibili.com/12345", "12345"},
        {CHAT_BILIBILI, "1 2", NULL},
        {CHAT_BILIBILI, "", NULL},
        {CHAT_OTHER, "anything", "anything"},
        {CHAT_OTHER, "two words", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *channel = NULL;
        struct error err = {0};
        const int rc = source_channel(cases[i].platform, cases[i].typed, &channel, &err);
        if (rc != (cases[i].channel ? 0 : E_ARG) || (channel && strcmp(channel, cases[i].channel) != 0))
            fail_msg("\"%s\": %d, \"%s\" (%s)", cases[i].typed, rc, channel ? channel : "", err.text);
        if (rc)
            assert_non_null(strstr(err.text, "expected"));
        free(channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(youtubes_items),
        cmocka_unit_test(youtubes_emoji_and_times),
        cmocka_unit_test(youtubes_removals_and_ends),
        cmocka_unit_test(packets_come_out_in_order),
        cmocka_unit_test(what_follows_a_heartbeats_answer_is_not_looked_at),
        cmocka_unit_test(cut_packets_are_refused),
        cmocka_unit_test(broken_packets_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(bilibilis_commands),
        cmocka_unit_test(bilibilis_emotes_removals_and_ends),
        cmocka_unit_test(channels_as_they_are_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
