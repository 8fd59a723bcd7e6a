/* See live_setup.h. */
#include "server/live_setup.h"

#include "live/live.h"
#include "server/live_keep.h"
#include "server/live_play.h"
#include "server/measure.h"

#include <string.h>

#define CALLS_MAX 64 /* questions to chats at a time */

/* The original's filter as rules: words, characters, links, and patterns that may not be said. */
static json_t *rules_of(const struct config *c)
{
    json_t *patterns = json_array();
    for (size_t i = 0; patterns && i < c->gateway.banned_keywords.count; i++)
        json_array_append_new(patterns, json_string(c->gateway.banned_keywords.items[i]));
    return json_pack("{s:i,s:i,s:s,s:o,s:s}", "max_words", c->gateway.max_words, "max_chars",
                     c->gateway.max_chars < CHAT_TEXT_MAX ? c->gateway.max_chars : CHAT_TEXT_MAX, "links",
                     c->gateway.allow_links ? "word" : "drop_message", "blocked_patterns", patterns, "voice",
                     c->gateway.voice_id ? c->gateway.voice_id : "");
}

int live_check(const struct config *c, struct error *err)
{
    struct rules *rules = NULL;
    struct error why;
    json_t *json = rules_of(c);
    int rc = json ? rules_parse(json, &rules, &why) : error_nomem(&why);
    if (rc)
        rc = error_set(err, rc, "[danmaku_gateway.filter], as rules: %.300s", why.text);
    rules_free(rules);
    json_decref(json);
    return rc;
}

static void start(struct server *s, enum chat_platform platform, const char *channel, const char *code)
{
    const struct live_channel_params p = {.platform = platform, .channel = channel, .code = code, .configured = 1};
    struct error err;
    if (live_start(s->live, &p, NULL, &err) < 0)
        log_event(s->log, LOG_ERROR, "chat_not_read", log_str("platform", chat_platform_name(platform)),
                  log_str("channel", channel), log_str("why", err.text));
}

static void start_configured(struct server *s)
{
    const struct config *c = s->config;
    for (size_t i = 0; c->danmaku.twitch.enabled && i < c->danmaku.twitch.channels.count; i++)
        start(s, CHAT_TWITCH, c->danmaku.twitch.channels.items[i], NULL);
    for (size_t i = 0; c->danmaku.youtube.enabled && i < c->danmaku.youtube.channels.count; i++)
        start(s, CHAT_YOUTUBE, c->danmaku.youtube.channels.items[i], NULL);
    if (c->danmaku.youtube.enabled && c->danmaku.youtube.channel_id)
        start(s, CHAT_YOUTUBE, c->danmaku.youtube.channel_id, NULL);
    if (c->danmaku.bilibili.enabled)
        start(s, CHAT_BILIBILI, c->danmaku.bilibili.room ? c->danmaku.bilibili.room : "live", c->danmaku.bilibili.code);
}

static void on_message(void *user, enum chat_platform platform, const char *verdict)
{
    measure_chat_message(user, chat_platform_name(platform), verdict);
}

static void on_clip(void *user, double seconds)
{
    measure_chat_latency(user, seconds);
}

int live_open(struct server *s, int play, struct error *err)
{
    const struct config *c = s->config;
    int rc = http_client_create(s->loop, CALLS_MAX, &s->client, err);
    if (rc)
        return rc;
    json_t *rules = rules_of(c);
    const struct live_params p = {
        .loop = s->loop,
        .log = s->log,
        .http = s->client,
        .speech = s->speech,
        .voices = s->voices,
        .queue_capacity = (size_t)c->gateway.capacity,
        .ageing = c->danmaku.ageing,
        .rate = c->gateway.rate_limit_per_sec,
        .flood_seconds = c->danmaku.flood,
        .proxy = c->danmaku.proxy,
        .twitch_url = c->danmaku.twitch.url,
        .twitch_login = c->danmaku.twitch.bot_username,
        .twitch_token = c->danmaku.twitch.oauth_token,
        .youtube_url = c->danmaku.youtube.url,
        .youtube_key = c->danmaku.youtube.api_key,
        .youtube_quota = c->danmaku.youtube.quota,
        .bilibili_url = c->danmaku.bilibili.url,
        .bilibili_app_id = c->danmaku.bilibili.app_id,
        .bilibili_access_key = c->danmaku.bilibili.access_key_id,
        .bilibili_access_secret = c->danmaku.bilibili.access_key_secret,
        .rules = rules,
        .keeper = live_keeper_of(s),
        .watcher = {on_message, on_clip, s->measure},
    };
    rc = rules ? live_create(&p, &s->live, err) : error_nomem(err);
    json_decref(rules);
    if (!rc && play)
        rc = live_play_create(s, &s->play, err);
    return rc;
}

int live_begin(struct server *s)
{
    start_configured(s);
    return live_keep_restore(s);
}

void live_shut(struct server *s)
{
    if (s->live)
        live_close(s->live);
    live_play_free(s->play);
    s->play = NULL;
    live_free(s->live);
    s->live = NULL;
    http_client_free(s->client);
    s->client = NULL;
}
