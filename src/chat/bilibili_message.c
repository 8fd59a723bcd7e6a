/* See bilibili_message.h. Prices are in thousandths of a yuan; a super chat's in yuan. */
#include "chat/bilibili_message.h"

#include <stdio.h>
#include <string.h>

#define MICROS       1000000
#define MICROS_MILLI 1000 /* of a thousandth */
#define WHOLE_MAX    (INT64_MAX / MICROS / 1000) /* of a number that is told, and of thousandths that are counted up */
#define PREFIX       "LIVE_OPEN_PLATFORM_"

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static int64_t whole(const json_t *o, const char *key)
{
    const json_int_t v = json_integer_value(json_object_get(o, key));
    return v > 0 && v < WHOLE_MAX ? v : 0;
}

/* WHOLE_MAX at most: nobody pays millions, but anybody can write them. */
static int64_t times(int64_t each, int64_t count)
{
    return each > WHOLE_MAX / count ? WHOLE_MAX : each * count;
}

static void price(struct chat_message *m, int64_t micros, char shown[32])
{
    m->amount_micros = micros;
    m->currency = "CNY";
    if (micros % MICROS)
        snprintf(shown, 32, "¥%.2f", (double)micros / MICROS);
    else
        snprintf(shown, 32, "¥%lld", (long long)(micros / MICROS));
    m->amount_text = shown;
}

static const char *guard_name(int64_t level)
{
    return level == 1 ? "总督" : level == 2 ? "提督" : level == 3 ? "舰长" : "";
}

void bilibili_superchat_id(int64_t number, char ret[32])
{
    snprintf(ret, 32, "sc%lld", (long long)number);
}

/* 0 for a command that says nothing. */
static int fill(struct chat_message *m, const char *name, const json_t *data, char id[32], char amount[32])
{
    const json_t *user = json_object_get(data, "user_info");
    m->id = text(data, "msg_id");
    m->user_name = text(user ? user : data, "uname");
    m->user_id = text(user ? user : data, "open_id");
    m->time_ms = whole(data, "timestamp") * 1000;
    if (whole(data, "guard_level") || whole(data, "fans_medal_level"))
        m->roles |= ROLE_MEMBER;
    if (whole(data, "is_admin"))
        m->roles |= ROLE_MODERATOR;
    if (strcmp(name, "DM") == 0) {
        m->text = text(data, "msg");
        m->reply_to = text(data, "reply_uname");
    } else if (strcmp(name, "SEND_GIFT") == 0) {
        m->kind = CHAT_GIFT;
        m->item = text(data, "gift_name");
        m->count = whole(data, "gift_num");
        if (json_is_true(json_object_get(data, "paid")))
            price(m, times(whole(data, "price"), m->count ? m->count : 1) * MICROS_MILLI, amount);
    } else if (strcmp(name, "SUPER_CHAT") == 0) {
        bilibili_superchat_id(whole(data, "message_id"), id);
        m->id = id;
        m->text = text(data, "message");
        price(m, whole(data, "rmb") * MICROS, amount);
    } else if (strcmp(name, "GUARD") == 0) {
        m->kind = CHAT_MEMBER;
        m->item = guard_name(whole(data, "guard_level"));
        m->count = whole(data, "guard_num");
        price(m, whole(data, "price") * MICROS_MILLI, amount);
    } else if (strcmp(name, "LIKE") == 0) {
        m->kind = CHAT_LIKED;
        m->count = whole(data, "like_count");
    } else if (strcmp(name, "LIVE_ROOM_ENTER") == 0) {
        m->kind = CHAT_ENTERED;
    } else {
        return 0;
    }
    return 1;
}

int bilibili_command_read(const json_t *command, const char *channel, struct bilibili_command *ret)
{
    const char *name = text(command, "cmd");
    const json_t *data = json_object_get(command, "data");
    struct chat_message m = {.platform = CHAT_BILIBILI, .channel = channel};
    char id[32] = "", amount[32] = "";
    *ret = (struct bilibili_command){.event = BILIBILI_NOTHING};
    if (!*name || !json_is_object(data))
        return E_FORMAT;
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0)
        return 0;
    name += sizeof PREFIX - 1;
    if (strcmp(name, "SUPER_CHAT_DEL") == 0) {
        ret->event = BILIBILI_REMOVAL;
        ret->removed = json_object_get(data, "message_ids");
    } else if (strcmp(name, "INTERACTION_END") == 0) {
        ret->event = BILIBILI_END;
    } else if (fill(&m, name, data, id, amount)) {
        struct chat_pieces pieces = {.count = 0};
        chat_pieces_add_marked(&pieces, slice_str(m.text ? m.text : ""), '[', ']');
        if (chat_message_create(&m, &pieces, &ret->message))
            return E_NOMEM;
        ret->message->priority = chat_priority_of(ret->message, NULL);
        if (m.kind == CHAT_GIFT && m.amount_micros == 0) /* for silver, which is free */
            ret->message->priority = CHAT_NORMAL;
        ret->event = BILIBILI_SAID;
    }
    return 0;
}
