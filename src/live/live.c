/* Channels and messages: what comes in, what becomes of it, and what is kept. The stage is in live_stage.c. */
#include "live/live_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RATE_BURST  2.0 /* seconds' worth of messages that may come at once */
#define FLOOD_CALM  0.5 /* of flood_seconds: below it the summary is said */
#define SUMMARY_LEAST 5 /* messages left out that are worth a sentence */
#define JOIN_PAUSE    0.55 /* seconds: Twitch allows 20 logins and joins in ten */
#define SAMPLE_ONE_IN 4 /* normal messages that still get through a flood */

/* -------- parameters -------- */

#define TEXTS 12
static void list_texts(struct live_params *p, const char **texts[TEXTS])
{
    const char **const all[TEXTS] = {&p->proxy,           &p->twitch_url,          &p->twitch_login,
                                     &p->twitch_token,    &p->youtube_url,         &p->youtube_key,
                                     &p->bilibili_url,    &p->bilibili_app_id,     &p->bilibili_access_key,
                                     &p->bilibili_access_secret, NULL,             NULL};
    memcpy(texts, all, sizeof all);
}

static int copy_texts(struct live_params *p)
{
    const char **texts[TEXTS];
    int rc = 0;
    list_texts(p, texts);
    for (int i = 0; texts[i]; i++)
        if (!(*texts[i] = strdup(*texts[i] ? *texts[i] : "")))
            rc = E_NOMEM;
    return rc;
}

static void free_texts(struct live_params *p)
{
    const char **texts[TEXTS];
    list_texts(p, texts);
    for (int i = 0; texts[i]; i++)
        free((char *)(uintptr_t)*texts[i]);
}

/* -------- what is kept -------- */

static void keep_paid(struct live *l, const struct chat_item *item)
{
    json_t *o =
        item->message->priority == CHAT_PAID && l->params.keeper.paid ? live_item_json(item, item->since) : NULL;
    char *text = NULL;
    if (o) {
        json_object_set_new(o, "spoken", json_string(item->text));
        json_object_set_new(o, "text", json_incref(json_object_get(o, "original")));
        text = json_dumps(o, JSON_COMPACT);
    }
    if (text)
        l->params.keeper.paid(l->params.keeper.user, item->message->id, text);
    free(text);
    json_decref(o);
}

void live_item_gone(struct live *l, const struct chat_item *item)
{
    if (item->message->priority == CHAT_PAID && l->params.keeper.paid)
        l->params.keeper.paid(l->params.keeper.user, item->message->id, NULL);
}

static void keep_channel(struct live *l, const struct channel *c, int on)
{
    if (!l->params.keeper.channel)
        return;
    json_t *o = on ? json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "platform", chat_platform_name(c->platform), "channel",
                               c->name, "voice", c->voice, "engine", c->engine, "url", c->url, "code", c->code)
                   : NULL;
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (text || !on)
        l->params.keeper.channel(l->params.keeper.user, chat_platform_name(c->platform), c->name, text);
    free(text);
    json_decref(o);
}

/* -------- life -------- */

/* In a flood a page is told what stands out, and of the rest as much as can be read; the numbers of all come with the
 * queue. */
static int may_tell(struct live *l, int stands_out)
{
    const double now = loop_now(l->params.loop);
    l->told += (now - l->told_at) * LIVE_READABLE;
    l->told_at = now;
    if (l->told > LIVE_READABLE)
        l->told = LIVE_READABLE;
    if (stands_out || l->told >= 1) {
        l->told -= l->told >= 1;
        return 1;
    }
    live_tell_queue(l);
    return 0;
}

static void on_dropped(void *user, const struct chat_item *item, const char *reason)
{
    struct live *l = user;
    if (strcmp(reason, "full") == 0) {
        const struct channel *c = live_channel(l, item->message->platform, item->message->channel);
        memory_forget_text(c ? c->memory : l->memory, item->message->id); /* so that its repeats may be heard */
        l->dropped_full++;
    }
    if (l->reader_count && may_tell(l, item->message->priority != CHAT_NORMAL))
        live_tell(l, "ended", json_pack("{s:I,s:s}", "number", (json_int_t)item->number, "reason", reason));
    live_item_gone(l, item);
    live_tell_queue(l);
}

int live_create(const struct live_params *params, struct live **ret, struct error *err)
{
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return error_nomem(err);
    l->params = *params;
    l->params.rules = NULL;
    l->volume = 1;
    int rc = copy_texts(&l->params) || !(l->voice = strdup("")) || !(l->kept_rules = json_object()) ||
                     rules_memory_create(&l->memory) ||
                     chat_queue_create(params->queue_capacity, params->ageing, on_dropped, l, &l->queue)
                 ? error_nomem(err)
                 : 0;
    if (!rc)
        rc = params->rules                 ? rules_parse(params->rules, &l->rules, err)
             : rules_default(&l->rules) ? error_nomem(err)
                                           : 0;
    if (rc) {
        live_free(l);
        return rc;
    }
    l->tokens = params->rate * RATE_BURST;
    l->tokens_at = clock_seconds();
    *ret = l;
    return 0;
}

static void channel_free(struct channel *c)
{
    source_free(c->source);
    rules_free(c->rules);
    rules_memory_free(c->memory);
    free(c->name);
    free(c->voice);
    free(c->engine);
    free(c->url);
    free(c->code);
    free(c);
}

static void entry_release(struct entry *e)
{
    chat_message_unref(e->message);
    free(e->text);
    *e = (struct entry){0};
}

int live_is_closed(const struct live *l)
{
    return l->closed;
}

void live_close(struct live *l)
{
    l->closed = 1;
    stage_close(l);
    while (l->channels) {
        struct channel *c = l->channels;
        l->channels = c->next;
        channel_free(c);
    }
    l->channel_count = 0;
    for (struct live_listener *who = l->listeners, *next; who; who = next) {
        next = who->next;
        if (who->closing)
            who->closing(who->user);
    }
}

void live_free(struct live *l)
{
    if (!l)
        return;
    while (l->channels) {
        struct channel *c = l->channels;
        l->channels = c->next;
        channel_free(c);
    }
    stage_release(l);
    chat_queue_free(l->queue);
    for (size_t i = 0; i < LIVE_LOG_MAX; i++)
        entry_release(&l->log[i]);
    loop_timer_stop(&l->queue_told);
    rules_free(l->rules);
    rules_memory_free(l->memory);
    json_decref(l->kept_rules);
    free(l->voice);
    free_texts(&l->params);
    free(l);
}

/* -------- messages -------- */

struct channel *live_channel(const struct live *l, enum chat_platform platform, const char *name)
{
    struct channel *c = l->channels;
    while (c && (c->platform != platform || strcmp(c->name, name) != 0))
        c = c->next;
    return c;
}

const struct rules *live_rules(const struct live *l, enum chat_platform platform, const char *channel)
{
    const struct channel *c = channel ? live_channel(l, platform, channel) : NULL;
    return c && c->rules ? c->rules : l->rules;
}

/* 1 when the rate allows one more. */
static int take_token(struct live *l, double now)
{
    if (l->params.rate <= 0)
        return 1;
    l->tokens += (now - l->tokens_at) * l->params.rate;
    l->tokens_at = now;
    if (l->tokens > l->params.rate * RATE_BURST + 1)
        l->tokens = l->params.rate * RATE_BURST + 1;
    if (l->tokens < 1)
        return 0;
    l->tokens -= 1;
    return 1;
}

/* In a flood one message of some gets through; the others are counted. */
static int is_flooded_out(struct live *l)
{
    if (l->params.flood_seconds <= 0 || chat_queue_seconds(l->queue) < l->params.flood_seconds)
        return 0;
    if (++l->sampled % SAMPLE_ONE_IN == 0)
        return 0;
    l->flooded++;
    return 1;
}

static struct chat_item *make_item(struct chat_message *m, const struct rules_decision *d)
{
    struct chat_item *item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->message = chat_message_ref(m);
    item->text = strdup(d->text.ptr);
    item->voice = strdup(d->voice);
    item->seconds = d->seconds;
    snprintf(item->lang, sizeof item->lang, "%s", d->lang);
    if (item->text && item->voice)
        return item;
    chat_item_free(item);
    return NULL;
}

/* "and 40 more messages", once the flood has gone down. */
static void say_summary(struct live *l, const struct channel *c, double now)
{
    struct rules_decision d = {.lang = ""};
    const struct chat_message note = {.platform = c ? c->platform : CHAT_OTHER, .channel = c ? c->name : "",
                                      .kind = CHAT_NOTICE, .priority = CHAT_NORMAL};
    struct chat_message *m = NULL;
    if (l->flooded < SUMMARY_LEAST || chat_queue_seconds(l->queue) > l->params.flood_seconds * FLOOD_CALM)
        return;
    if (rules_summary(c && c->rules ? c->rules : l->rules, (size_t)l->flooded, &d.text) == 0 &&
        chat_message_create(&note, NULL, &m) == 0) {
        struct chat_item *item = make_item(m, &d);
        if (item && chat_queue_push(l->queue, item, now))
            chat_item_free(item);
        l->flooded = 0;
    }
    chat_message_unref(m);
    rules_decision_release(&d);
}

/* Adds what became of a message to the log, and tells the page. */
static void note(struct live *l, struct chat_message *m, const struct rules_decision *d, const char *reason,
                 uint64_t number)
{
    struct entry *e = &l->log[l->log_next++ % LIVE_LOG_MAX];
    entry_release(e);
    *e = (struct entry){.message = chat_message_ref(m), .verdict = d->verdict, .reason = reason, .cut = d->cut,
                        .text = d->text.ptr ? strdup(d->text.ptr) : NULL, .number = number};
    snprintf(e->because, sizeof e->because, "%s", d->because);
    if (l->params.watcher.message)
        l->params.watcher.message(l->params.watcher.user, m->platform,
                                  reason ? reason : rules_verdict_name(d->verdict));
    if (l->reader_count && may_tell(l, d->priority != CHAT_NORMAL))
        live_tell(l, "message", live_entry_json(e));
}

/* What is said goes into the queue; gives why not, or NULL. */
static const char *enqueue(struct live *l, struct chat_message *m, const struct rules_decision *d, double now,
                           uint64_t *ret_number)
{
    const int normal = d->priority == CHAT_NORMAL;
    if (normal && !take_token(l, now)) {
        l->dropped_rate++;
        return "rate";
    }
    if (normal && is_flooded_out(l)) {
        l->dropped_flood++;
        return "flood";
    }
    struct chat_item *item = make_item(m, d);
    if (!item)
        return "memory";
    item->alone = !l->playing && !l->paused && live_queued(l) == 0;
    keep_paid(l, item); /* before it can be lost */
    if (chat_queue_push(l->queue, item, now)) {
        chat_item_free(item); /* a paid one stays on the disk, for the next start */
        l->dropped_full++;
        return "full";
    }
    *ret_number = item->number;
    live_tell_queue(l);
    return NULL;
}

int live_take(struct live *l, struct chat_message *m, struct rules_decision *ret, const char **ret_reason,
              uint64_t *ret_number)
{
    struct channel *c = live_channel(l, m->platform, m->channel);
    struct rules_decision d;
    const double now = clock_seconds();
    const char *reason = NULL;
    uint64_t number = 0;
    if (ret_reason)
        *ret_reason = NULL;
    if (ret_number)
        *ret_number = 0;
    l->received++;
    if (c)
        c->received++;
    const struct rules *rules = c && c->rules ? c->rules : l->rules;
    int rc = rules_decide(rules, c ? c->memory : l->memory, m, m->channel, now, &d);
    if (rc)
        return rc;
    struct chat_item *like = d.verdict == RULES_MERGE ? chat_queue_find_message(l->queue, d.merged_id) : NULL;
    if (d.verdict == RULES_SAY) {
        m->priority = d.priority;
        reason = enqueue(l, m, &d, now, &number);
        if (!reason)
            rules_remember(c ? c->memory : l->memory, m, &d, now);
    } else if (like) {
        like->merged++;
        number = like->number;
        live_tell_queue(l);
    } else {
        l->dropped[d.verdict]++;
    }
    if (c && !number)
        c->dropped++;
    say_summary(l, c, now);
    note(l, m, &d, reason, number);
    stage_work(l);
    if (ret_reason)
        *ret_reason = reason;
    if (ret_number)
        *ret_number = number;
    if (ret)
        *ret = d;
    else
        rules_decision_release(&d);
    return 0;
}

void live_remove(struct live *l, enum chat_platform platform, const char *channel, const struct chat_removal *removal)
{
    const struct chat_match match = {.message_id = *removal->message_id ? removal->message_id : NULL,
                                     .user = *removal->user_id ? removal->user_id : NULL,
                                     .channel = channel,
                                     .platform = (int)platform,
                                     .paid_too = *removal->message_id || *removal->user_id};
    stage_remove(l, &match, "removed");
    stage_forget(l, &match);
    live_tell(l, "removed",
              json_pack("{s:s,s:s,s:s,s:s}", "platform", chat_platform_name(platform), "channel", channel, "id",
                        removal->message_id, "user_id", removal->user_id));
}

/* -------- channels -------- */

static void on_message(void *user, struct chat_message *m)
{
    struct channel *c = user;
    struct live *l = c->live;
    /* Only a source knows who is a moderator: what is posted has the roles that its sender claims. */
    if (!live_command(l, c, m)) {
        (void)live_take(l, m, NULL, NULL, NULL); /* without memory it is not spoken */
        return;
    }
    l->received++;
    c->received++;
    if (l->params.watcher.message)
        l->params.watcher.message(l->params.watcher.user, m->platform, rules_verdict_name(RULES_COMMAND));
}

static void on_removal(void *user, const struct chat_removal *removal)
{
    struct channel *c = user;
    live_remove(c->live, c->platform, c->name, removal);
}

static void on_state(void *user, const struct source_status *status)
{
    struct channel *c = user;
    log_event(c->live->params.log, status->state == SOURCE_READY ? LOG_INFO : LOG_WARN, "chat",
              log_str("platform", chat_platform_name(c->platform)), log_str("channel", c->name),
              log_str("state", source_state_name(status->state)), log_str("why", status->trouble));
    live_tell(c->live, "channel", live_channel_json(c));
}

static char *copy_of(const char *s)
{
    return strdup(s ? s : "");
}

static int start_source(struct live *l, struct channel *c, struct error *err)
{
    const struct live_params *p = &l->params;
    struct source_params s = {.loop = p->loop,
                              .http = p->http,
                              .log = p->log,
                              .channel = c->name,
                              .url = c->url,
                              .proxy = p->proxy,
                              .code = c->code,
                              .quota_limit = c->platform == CHAT_YOUTUBE ? p->youtube_quota : 0,
                              .events = {on_message, on_removal, on_state, c}};
    const char *const urls[] = {p->twitch_url, p->youtube_url, p->bilibili_url, ""};
    if (!*c->url) { /* else what the operator keeps secret would go to an address that a client chose */
        s.url = urls[c->platform];
        s.app_id = p->bilibili_app_id;
        s.access_key = p->bilibili_access_key;
        s.access_secret = p->bilibili_access_secret;
        s.login = c->platform == CHAT_TWITCH ? p->twitch_login : "";
        s.token = c->platform == CHAT_TWITCH ? p->twitch_token : c->platform == CHAT_YOUTUBE ? p->youtube_key : "";
    }
    if (c->platform == CHAT_TWITCH && !(s.url && *s.url)) {
        const double now = clock_seconds(), at = l->next_join > now ? l->next_join : now;
        s.delay = at - now;
        l->next_join = at + JOIN_PAUSE;
    }
    return source_create(c->platform, &s, &c->source, err);
}

void live_channel_key(char *out, size_t size, const char *platform, const char *channel)
{
    snprintf(out, size, "%s %s", platform, channel);
}

int live_is_on(const struct live *l, enum chat_platform platform, const char *channel)
{
    return live_channel(l, platform, channel) != NULL;
}

/* The rules that the channel had when it was read before. */
static int take_kept_rules(struct live *l, struct channel *c)
{
    char key[LIVE_KEY_MAX];
    live_channel_key(key, sizeof key, chat_platform_name(c->platform), c->name);
    const json_t *kept = json_object_get(l->kept_rules, key);
    return kept && rules_parse(kept, &c->rules, NULL) == E_NOMEM ? E_NOMEM : 0;
}

int live_start(struct live *l, const struct live_channel_params *params, const char **ret_name, struct error *err)
{
    char *name = NULL;
    int rc = source_channel(params->platform, params->channel, &name, err);
    if (rc)
        return rc;
    struct channel *c = live_channel(l, params->platform, name);
    if (c) {
        free(name);
        if (ret_name)
            *ret_name = c->name;
        return 1;
    }
    if (l->channel_count == LIVE_CHANNELS_MAX) {
        free(name);
        return error_set(err, E_LIMIT, "%d chats are read already, and more are not possible", LIVE_CHANNELS_MAX);
    }
    if (params->voice && *params->voice && !voices_find(l->params.voices, params->voice)) {
        free(name);
        return error_set(err, E_NOTFOUND, "there is no voice \"%.100s\"", params->voice);
    }
    c = calloc(1, sizeof *c);
    if (!c) {
        free(name);
        return error_nomem(err);
    }
    *c = (struct channel){.live = l,
                          .platform = params->platform,
                          .name = name,
                          .voice = copy_of(params->voice),
                          .engine = copy_of(params->engine),
                          .url = copy_of(params->url),
                          .code = copy_of(params->code)};
    if (!c->voice || !c->engine || !c->url || !c->code || rules_memory_create(&c->memory) || take_kept_rules(l, c))
        rc = error_nomem(err);
    else
        rc = start_source(l, c, err);
    if (rc) {
        channel_free(c);
        return rc;
    }
    c->next = l->channels;
    l->channels = c;
    l->channel_count++;
    if (!params->configured)
        keep_channel(l, c, 1);
    live_tell(l, "channel", live_channel_json(c));
    if (ret_name)
        *ret_name = c->name;
    return 0;
}

int live_stop(struct live *l, enum chat_platform platform, const char *channel, struct error *err)
{
    char *name = NULL;
    int rc = source_channel(platform, channel, &name, err);
    if (rc)
        return rc;
    struct channel *c = live_channel(l, platform, name), **at = &l->channels;
    free(name);
    if (!c)
        return error_set(err, E_NOTFOUND, "this chat is not read");
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    l->channel_count--;
    keep_channel(l, c, 0);
    const struct chat_match match = {.channel = c->name, .platform = (int)platform, .paid_too = 0};
    stage_remove(l, &match, "stopped");
    live_tell(
        l, "channel",
        json_pack("{s:s,s:s,s:s}", "platform", chat_platform_name(platform), "channel", c->name, "state", "stopped"));
    channel_free(c);
    return 0;
}

/* -------- back from the disk -------- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

int live_restore_rules(struct live *l, const char *platform, const char *channel, const json_t *json, struct error *err)
{
    struct rules *rules = NULL;
    char key[LIVE_KEY_MAX];
    const int rc = rules_parse(json, &rules, err);
    if (rc)
        return rc;
    if (!*channel) {
        rules_free(l->rules);
        l->rules = rules;
        return 0;
    }
    rules_free(rules);
    live_channel_key(key, sizeof key, platform, channel);
    return json_object_set(l->kept_rules, key, (json_t *)(uintptr_t)json) ? error_nomem(err) : 0;
}

int live_restore_channel(struct live *l, const json_t *o, struct error *err)
{
    const int platform = chat_platform_parse(text_of(o, "platform"));
    if (platform < 0)
        return error_set(err, E_FORMAT, "a channel that was kept has no platform");
    const struct live_channel_params params = {.platform = (enum chat_platform)platform,
                                               .channel = text_of(o, "channel"),
                                               .voice = text_of(o, "voice"),
                                               .engine = text_of(o, "engine"),
                                               .url = text_of(o, "url"),
                                               .code = text_of(o, "code")};
    const int rc = live_start(l, &params, NULL, err);
    return rc > 0 ? 0 : rc;
}

int live_restore_paid(struct live *l, const json_t *o, struct error *err)
{
    struct chat_message *m = NULL;
    struct rules_decision d = {.seconds = json_number_value(json_object_get(o, "seconds"))};
    int rc = chat_message_read(o, &m, err);
    if (rc)
        return rc;
    if (stage_has(l, m->id)) {
        chat_message_unref(m);
        return 0;
    }
    stage_hold(l);
    m->priority = CHAT_PAID;
    snprintf(d.voice, sizeof d.voice, "%s", text_of(o, "voice"));
    snprintf(d.lang, sizeof d.lang, "%s", text_of(o, "lang"));
    struct chat_item *item = buf_add_str(&d.text, text_of(o, "spoken")) ? NULL : make_item(m, &d);
    rc = !item ? error_nomem(err) : 0;
    if (item && chat_queue_push(l->queue, item, clock_seconds())) {
        chat_item_free(item);
        rc = error_set(err, E_LIMIT, "the queue is full");
    }
    buf_release(&d.text);
    chat_message_unref(m);
    stage_work(l);
    return rc;
}
