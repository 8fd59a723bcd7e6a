/* YouTube's live chat by the official API: which chat a video or channel has, then its messages page by page, at the
 * pace the server asks for.
 *
 * Each question costs units of a daily quota that ends at midnight Pacific time: they are counted and shown, and when
 * none is left the source waits for the next day instead of asking in vain. The first page is what was said before:
 * it is not told. */
#include "chat/source.h"
#include "chat/youtube_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENDPOINT     "https://www.googleapis.com/youtube/v3"
#define REPLY_MAX    (8u << 20) /* bytes of one answer */
#define CALL_TIMEOUT 20000      /* ms */
#define PAUSE_LEAST  1.0        /* seconds between pages, whatever the server says */
#define PAUSE_MOST   60.0
#define PAUSE_SEARCH 900.0 /* seconds until a channel is looked for again that is not live: 96 times a day */
#define COST_LIST    1   /* units of videos.list and channels.list */
#define COST_SEARCH  100
#define COST_PAGE    5
#define QUOTA_USUAL  10000
#define ID_MAX       256 /* bytes of a chat's id, a page's token */
#define SEEN         512 /* ids of messages that were told: a page may bring one again */

enum step { STEP_HANDLE, STEP_SEARCH, STEP_VIDEO, STEP_PAGE };

struct youtube {
    struct chat_source source; /* the first member */
    enum step step;
    struct call *call; /* under way; NULL: none */
    struct loop_timer next;
    char channel_id[ID_MAX], video[ID_MAX], chat[ID_MAX], page[ID_MAX];
    int first_page;
    uint64_t seen[SEEN];
    size_t seen_next;
    int64_t day; /* that the quota is counted for */
};

/* One question; outlives its source when that is freed meanwhile. */
struct call {
    struct youtube *owner; /* NULL: nobody waits any more */
    struct buf url, reply;
};

static void ask(struct youtube *y);

/* -------- quota -------- */

/* Days since 1970 in Pacific time, near enough without a time zone file: an hour off in summer only delays the new
 * day. */
static int64_t pacific_day(void)
{
    return ((int64_t)time(NULL) - 8 * 3600) / 86400;
}

/* 1 when the units are there. */
static int spend(struct youtube *y, int64_t units)
{
    struct source_status *st = &y->source.status;
    if (y->day != pacific_day()) {
        y->day = pacific_day();
        st->quota_used = 0;
    }
    if (st->quota_used + units > st->quota_limit)
        return 0;
    st->quota_used += units;
    return 1;
}

/* -------- answers -------- */

static void put(char *out, const json_t *text)
{
    snprintf(out, ID_MAX, "%s",
             json_is_string(text) && json_string_length(text) < ID_MAX ? json_string_value(text) : "");
}

static const json_t *first_item(const json_t *reply)
{
    return json_array_get(json_object_get(reply, "items"), 0);
}

static uint64_t hash_id(const char *id)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211u;
    return h;
}

static int was_seen(struct youtube *y, const char *id)
{
    const uint64_t h = hash_id(id);
    for (size_t i = 0; i < SEEN; i++)
        if (y->seen[i] == h)
            return 1;
    y->seen[y->seen_next++ % SEEN] = h;
    return 0;
}

/* 0 when the source is over. */
static int tell_items(struct youtube *y, const json_t *items)
{
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item) {
        struct youtube_item read;
        if (youtube_item_read(item, y->source.params.channel, &read)) {
            y->source.status.malformed++;
            continue;
        }
        switch (read.event) {
        case YOUTUBE_NOTHING: break;
        case YOUTUBE_MESSAGE:
            if (was_seen(y, read.message->id) || y->first_page)
                chat_message_unref(read.message);
            else
                source_tell(&y->source, read.message);
            break;
        case YOUTUBE_REMOVAL: source_remove(&y->source, read.message_id, read.user_id); break;
        case YOUTUBE_END: source_over(&y->source, SOURCE_ENDED, "the live chat has ended"); return 0;
        }
    }
    return 1;
}

static void on_pause(void *user)
{
    ask(user);
}

static void take_page(struct youtube *y, const json_t *reply)
{
    const double ms = json_number_value(json_object_get(reply, "pollingIntervalMillis"));
    double pause = ms > 0 ? ms / 1000 : 5;
    if (y->source.status.state != SOURCE_READY)
        source_ready(&y->source);
    if (!tell_items(y, json_object_get(reply, "items")))
        return;
    y->first_page = 0;
    put(y->page, json_object_get(reply, "nextPageToken"));
    if (json_is_string(json_object_get(reply, "offlineAt"))) {
        source_over(&y->source, SOURCE_ENDED, "the stream has ended");
        return;
    }
    pause = pause < PAUSE_LEAST ? PAUSE_LEAST : pause > PAUSE_MOST ? PAUSE_MOST : pause;
    loop_timer_start(y->source.params.loop, &y->next, pause, on_pause, y);
}

static void take_reply(struct youtube *y, const json_t *reply)
{
    const json_t *item = first_item(reply);
    switch (y->step) {
    case STEP_HANDLE:
        put(y->channel_id, json_object_get(item, "id"));
        if (!*y->channel_id) {
            source_over(&y->source, SOURCE_REFUSED, "YouTube knows no channel %s", y->source.params.channel);
            return;
        }
        y->step = STEP_SEARCH;
        break;
    case STEP_SEARCH:
        put(y->video, json_object_get(json_object_get(item, "id"), "videoId"));
        if (!*y->video) {
            source_wait(&y->source, PAUSE_SEARCH, "the channel is not live");
            return;
        }
        y->step = STEP_VIDEO;
        break;
    case STEP_VIDEO:
        put(y->chat, json_object_get(json_object_get(item, "liveStreamingDetails"), "activeLiveChatId"));
        if (!*y->chat) {
            source_over(&y->source, SOURCE_REFUSED, "%s",
                        item ? "the video has no live chat now" : "YouTube knows no such video");
            return;
        }
        y->step = STEP_PAGE;
        y->first_page = 1;
        break;
    case STEP_PAGE: take_page(y, reply); return;
    }
    ask(y);
}

static const char *reason_of(const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");
    const json_t *reason = json_object_get(json_array_get(json_object_get(error, "errors"), 0), "reason");
    return json_is_string(reason) ? json_string_value(reason) : "";
}

static void take_refusal(struct youtube *y, int status, const json_t *reply)
{
    const char *reason = reason_of(reply);
    const json_t *message = json_object_get(json_object_get(reply, "error"), "message");
    if (strcmp(reason, "quotaExceeded") == 0 || strcmp(reason, "dailyLimitExceeded") == 0) {
        y->source.status.quota_used = y->source.status.quota_limit;
        source_failed(&y->source, "today's quota of the YouTube API is used up");
    } else if (strcmp(reason, "liveChatEnded") == 0) {
        source_over(&y->source, SOURCE_ENDED, "the live chat has ended");
    } else if (status == 400 || status == 401 || (status == 403 && strcmp(reason, "rateLimitExceeded") != 0) ||
               strcmp(reason, "liveChatNotFound") == 0 || strcmp(reason, "liveChatDisabled") == 0) {
        source_over(&y->source, SOURCE_REFUSED, "YouTube answers %d: %.150s", status,
                    json_is_string(message) ? json_string_value(message) : reason);
    } else {
        source_failed(&y->source, "YouTube answers %d %s", status, reason);
    }
}

/* -------- questions -------- */

static void call_free(void *user)
{
    struct call *c = user;
    buf_release(&c->url);
    buf_release(&c->reply);
    free(c);
}

static int on_data(void *user, int status, const void *data, size_t len)
{
    struct call *c = user;
    (void)status;
    return !c->owner || c->reply.len + len > REPLY_MAX || buf_add(&c->reply, data, len);
}

static void on_done(void *user, const struct http_outcome *o)
{
    struct call *c = user;
    struct youtube *y = c->owner;
    if (y) {
        y->call = NULL;
        json_t *reply = json_loadb(c->reply.ptr ? c->reply.ptr : "", c->reply.len, 0, NULL);
        if (o->error || o->hung_up)
            source_failed(&y->source, "no answer from YouTube: %s", o->error ? o->error : "it is too long");
        else if (o->status != 200)
            take_refusal(y, o->status, reply);
        else if (!json_is_object(reply))
            source_failed(&y->source, "YouTube's answer is no JSON");
        else
            take_reply(y, reply);
        json_decref(reply);
    }
    call_free(c);
}

static int add_escaped(struct buf *b, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    for (; *s; s++)
        if (strchr(plain, *s) ? buf_add_char(b, *s) : buf_addf(b, "%%%02X", (unsigned char)*s))
            return E_NOMEM;
    return 0;
}

static int make_url(struct youtube *y, struct buf *b)
{
    static const struct {
        const char *path;
        int64_t cost;
    } steps[] = {{"/channels?part=id&forHandle=", COST_LIST},
                 {"/search?part=id&type=video&eventType=live&channelId=", COST_SEARCH},
                 {"/videos?part=liveStreamingDetails&id=", COST_LIST},
                 {"/liveChat/messages?part=id,snippet,authorDetails&maxResults=500&liveChatId=", COST_PAGE}};
    const char *const subject[] = {y->source.params.channel, y->channel_id, y->video, y->chat};
    if (!spend(y, steps[y->step].cost))
        return E_LIMIT;
    return buf_add_str(b, *y->source.params.url ? y->source.params.url : ENDPOINT) ||
                   buf_add_str(b, steps[y->step].path) || add_escaped(b, subject[y->step]) ||
                   (y->step == STEP_PAGE && *y->page && (buf_add_str(b, "&pageToken=") || add_escaped(b, y->page))) ||
                   buf_add_str(b, "&key=") || add_escaped(b, y->source.params.token)
               ? E_NOMEM
               : 0;
}

static void ask(struct youtube *y)
{
    struct call *c = calloc(1, sizeof *c);
    struct error err = {.text = "out of memory"};
    int rc = c ? make_url(y, &c->url) : E_NOMEM;
    if (!rc) {
        c->owner = y;
        const struct http_call call = {.url = c->url.ptr,
                                       .proxy = *y->source.params.proxy ? y->source.params.proxy : NULL,
                                       .timeout_ms = CALL_TIMEOUT,
                                       .on_data = on_data,
                                       .on_done = on_done,
                                       .on_freed = call_free,
                                       .user = c};
        rc = http_client_call(y->source.params.http, &call, &err);
    }
    if (!rc) {
        y->call = c;
        return;
    }
    if (c)
        call_free(c);
    source_failed(&y->source, "%s",
                  rc == E_LIMIT && !err.code ? "today's quota of the YouTube API is used up" : err.text);
}

static int youtube_check(const struct source_params *params, struct error *err)
{
    if (!params->token || !*params->token)
        return error_set(err, E_ARG,
                         "YouTube's official API wants a key: make one at console.cloud.google.com (YouTube Data "
                         "API v3) and set it as danmaku.youtube.api_key%s",
                         params->url && *params->url
                             ? "; it is sent to danmaku.youtube.url, never to the \"url\" of a request"
                             : "");
    return 0;
}

static void youtube_connect(struct chat_source *s)
{
    struct youtube *y = (struct youtube *)s;
    const char *channel = s->params.channel;
    if (!s->status.quota_limit)
        s->status.quota_limit = QUOTA_USUAL;
    if (*y->chat && y->step == STEP_PAGE) { /* again, where it was left */
        ask(y);
        return;
    }
    if (*channel == '@') {
        y->step = *y->channel_id ? STEP_SEARCH : STEP_HANDLE; /* whose a handle is was paid for once */
    } else {
        y->step = strlen(channel) == 24 ? STEP_SEARCH : STEP_VIDEO;
        snprintf(y->channel_id, sizeof y->channel_id, "%s", channel);
    }
    snprintf(y->video, sizeof y->video, "%s", channel);
    ask(y);
}

static void youtube_disconnect(struct chat_source *s)
{
    struct youtube *y = (struct youtube *)s;
    if (y->call)
        y->call->owner = NULL;
    y->call = NULL;
    loop_timer_stop(&y->next);
}

const struct chat_site youtube_site = {sizeof(struct youtube), youtube_check, youtube_connect, youtube_disconnect};
