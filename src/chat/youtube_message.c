/* See youtube_message.h. */
#include "chat/youtube_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The text at a path of keys; "" when there is none. */
static const char *text_at(const json_t *o, const char *key, const char *sub)
{
    const json_t *v = json_object_get(o, key);
    if (sub)
        v = json_object_get(v, sub);
    return json_is_string(v) ? json_string_value(v) : "";
}

/* Numbers come as numbers, and as texts where they have 64 bits. */
static int64_t whole_at(const json_t *o, const char *key, const char *sub)
{
    const json_t *v = json_object_get(json_object_get(o, key), sub);
    const int64_t n = json_is_string(v) ? strtoll(json_string_value(v), NULL, 10) : json_integer_value(v);
    return n > 0 ? n : 0;
}

static unsigned roles(const json_t *author)
{
    return (json_is_true(json_object_get(author, "isChatOwner")) ? ROLE_OWNER : 0) |
           (json_is_true(json_object_get(author, "isChatModerator")) ? ROLE_MODERATOR : 0) |
           (json_is_true(json_object_get(author, "isChatSponsor")) ? ROLE_MEMBER : 0);
}

static int64_t time_of(const char *published)
{
    struct tm t = {0};
    return strptime(published, "%Y-%m-%dT%H:%M:%S", &t) ? (int64_t)timegm(&t) * 1000 : 0;
}

static void set_paid(struct chat_message *m, const json_t *snippet, const char *details)
{
    m->amount_micros = whole_at(snippet, details, "amountMicros");
    m->currency = text_at(snippet, details, "currency");
    m->amount_text = text_at(snippet, details, "amountDisplayString");
}

/* 0 for a type that says nothing. */
static int set_kind(struct chat_message *m, const json_t *snippet, const char *type)
{
    static const char paid[] = "superChatDetails", sticker[] = "superStickerDetails", member[] = "newSponsorDetails",
                      milestone[] = "memberMilestoneChatDetails", gifting[] = "membershipGiftingDetails";
    if (strcmp(type, "textMessageEvent") == 0) {
        m->text = text_at(snippet, "textMessageDetails", "messageText");
        if (!*m->text)
            m->text = text_at(snippet, "displayMessage", NULL);
    } else if (strcmp(type, "superChatEvent") == 0) {
        set_paid(m, snippet, paid);
        m->text = text_at(snippet, paid, "userComment");
    } else if (strcmp(type, "superStickerEvent") == 0) {
        const json_t *meta = json_object_get(json_object_get(snippet, sticker), "superStickerMetadata");
        m->kind = CHAT_STICKER;
        set_paid(m, snippet, sticker);
        m->text = text_at(meta, "altText", NULL);
    } else if (strcmp(type, "newSponsorEvent") == 0) {
        m->kind = CHAT_MEMBER;
        m->item = text_at(snippet, member, "memberLevelName");
    } else if (strcmp(type, "memberMilestoneChatEvent") == 0) {
        m->kind = CHAT_MEMBER;
        m->item = text_at(snippet, milestone, "memberLevelName");
        m->count = whole_at(snippet, milestone, "memberMonth");
        m->text = text_at(snippet, milestone, "userComment");
    } else if (strcmp(type, "membershipGiftingEvent") == 0) {
        m->kind = CHAT_GIFTED;
        m->item = text_at(snippet, gifting, "giftMembershipsLevelName");
        m->count = whole_at(snippet, gifting, "giftMembershipsCount");
    } else {
        return 0; /* giftMembershipReceivedEvent: the giving was told */
    }
    return 1;
}

int youtube_item_read(const json_t *item, const char *channel, struct youtube_item *ret)
{
    const json_t *snippet = json_object_get(item, "snippet"), *author = json_object_get(item, "authorDetails");
    const char *type = text_at(snippet, "type", NULL);
    struct chat_message m = {.platform = CHAT_YOUTUBE, .channel = channel, .id = text_at(item, "id", NULL)};
    struct chat_pieces pieces = {.count = 0};
    *ret = (struct youtube_item){.message_id = "", .user_id = ""};
    if (!json_is_object(snippet) || !*type)
        return E_FORMAT;
    if (strcmp(type, "messageDeletedEvent") == 0 || strcmp(type, "userBannedEvent") == 0) {
        const json_t *banned = json_object_get(json_object_get(snippet, "userBannedDetails"), "bannedUserDetails");
        ret->message_id = text_at(snippet, "messageDeletedDetails", "deletedMessageId");
        ret->user_id = text_at(banned, "channelId", NULL);
        ret->event = *ret->message_id || *ret->user_id ? YOUTUBE_REMOVAL : YOUTUBE_NOTHING;
        return 0;
    }
    if (strcmp(type, "chatEndedEvent") == 0) {
        ret->event = YOUTUBE_END;
        return 0;
    }
    if (!set_kind(&m, snippet, type))
        return 0;
    m.user_id = text_at(author, "channelId", NULL);
    m.user_name = text_at(author, "displayName", NULL);
    if (*m.user_name == '@') /* a handle: the sign is not part of the name */
        m.user_name++;
    m.roles = roles(author);
    m.time_ms = time_of(text_at(snippet, "publishedAt", NULL));
    chat_pieces_add_marked(&pieces, slice_str(m.text ? m.text : ""), ':', ':');
    if (chat_message_create(&m, &pieces, &ret->message))
        return E_NOMEM;
    ret->message->priority = chat_priority_of(ret->message, NULL);
    ret->event = YOUTUBE_MESSAGE;
    return 0;
}
