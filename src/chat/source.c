/* See source.h. Pauses between attempts double from backoff_least to BACKOFF_MOST, each drawn from its upper half, so
 * that a thousand programs that lost the same server do not come back in the same second. */
#include "chat/source.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define BACKOFF_LEAST 1.0   /* seconds */
#define BACKOFF_MOST  120.0 /* seconds */

static const struct chat_site *const sites[] = {&twitch_site, &youtube_site, &bilibili_site, &websocket_site};

const char *source_state_name(enum source_state s)
{
    static const char *const names[] = {"connecting", "ready", "waiting", "refused", "ended"};
    return names[s];
}

static void tell_state(struct chat_source *s)
{
    s->params.events.on_state(s->params.events.user, &s->status);
}

static void connect_now(void *user)
{
    struct chat_source *s = user;
    s->status.state = SOURCE_CONNECTING;
    s->site->connect(s);
}

/* -------- strings of the parameters -------- */

#define TEXTS 10
static void list_texts(struct source_params *p, const char **texts[TEXTS])
{
    const char **const all[TEXTS] = {&p->channel, &p->url,        &p->proxy,         &p->login, &p->token,
                                     &p->app_id,  &p->access_key, &p->access_secret, &p->code,  NULL};
    memcpy(texts, all, sizeof all);
}

static int copy_texts(struct source_params *p)
{
    const char **texts[TEXTS];
    int rc = 0;
    list_texts(p, texts);
    for (int i = 0; texts[i]; i++) {
        *texts[i] = strdup(*texts[i] ? *texts[i] : "");
        if (!*texts[i])
            rc = E_NOMEM;
    }
    return rc;
}

static void free_texts(struct source_params *p)
{
    const char **texts[TEXTS];
    list_texts(p, texts);
    for (int i = 0; texts[i]; i++)
        free((char *)(uintptr_t)*texts[i]);
}

/* -------- life -------- */

int source_create(enum chat_platform platform, const struct source_params *params, struct chat_source **ret,
                  struct error *err)
{
    const struct chat_site *site = sites[platform];
    int rc = site->check ? site->check(params, err) : 0;
    if (rc)
        return rc;
    struct chat_source *s = calloc(1, site->size);
    if (!s)
        return error_nomem(err);
    s->site = site;
    s->params = *params;
    s->status.quota_limit = params->quota_limit;
    if (copy_texts(&s->params)) {
        free_texts(&s->params);
        free(s);
        return error_nomem(err);
    }
    loop_timer_start(params->loop, &s->retry, params->delay, connect_now, s); /* the caller has its pointer first */
    *ret = s;
    return 0;
}

void source_free(struct chat_source *s)
{
    if (!s)
        return;
    loop_timer_stop(&s->retry);
    s->site->disconnect(s);
    free_texts(&s->params);
    free(s);
}

void source_describe(const struct chat_source *s, struct source_status *ret)
{
    *ret = s->status;
}

/* -------- what the sites tell -------- */

void source_ready(struct chat_source *s)
{
    s->status.state = SOURCE_READY;
    s->status.trouble[0] = '\0';
    s->failures = 0;
    tell_state(s);
}

static double jitter(void)
{
    unsigned short r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
        r = 32768;
    return 0.5 + r / 131072.0; /* 0.5 to 1 */
}

static void connect_in(struct chat_source *s, double pause)
{
    s->status.reconnects++;
    s->status.state = SOURCE_WAITING;
    s->status.retry_at = clock_seconds() + pause;
    s->site->disconnect(s);
    loop_timer_start(s->params.loop, &s->retry, pause, connect_now, s);
    tell_state(s);
}

void source_failed(struct chat_source *s, const char *fmt, ...)
{
    const double least = s->params.backoff_least > 0 ? s->params.backoff_least : BACKOFF_LEAST;
    double pause = least * (double)(1u << (s->failures < 16 ? s->failures : 16));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->status.trouble, sizeof s->status.trouble, fmt, ap);
    va_end(ap);
    pause = (pause > BACKOFF_MOST ? BACKOFF_MOST : pause) * jitter();
    s->failures++;
    connect_in(s, pause);
}

void source_wait(struct chat_source *s, double pause, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->status.trouble, sizeof s->status.trouble, fmt, ap);
    va_end(ap);
    s->failures = 0;
    connect_in(s, pause);
}

void source_over(struct chat_source *s, enum source_state state, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->status.trouble, sizeof s->status.trouble, fmt, ap);
    va_end(ap);
    s->status.state = state;
    s->site->disconnect(s);
    loop_timer_stop(&s->retry);
    tell_state(s);
}

void source_tell(struct chat_source *s, struct chat_message *m)
{
    s->status.received++;
    s->params.events.on_message(s->params.events.user, m);
    chat_message_unref(m);
}

void source_remove(struct chat_source *s, const char *message_id, const char *user_id)
{
    const struct chat_removal removal = {message_id, user_id};
    s->params.events.on_removal(s->params.events.user, &removal);
}

/* -------- what a user types -------- */

/* What follows the host in a link to one of the site's pages; `typed` itself when it is no link. */
static const char *after_host(const char *typed, const char *host)
{
    const char *at = typed;
    if (strncasecmp(at, "https://", 8) == 0)
        at += 8;
    else if (strncasecmp(at, "http://", 7) == 0)
        at += 7;
    if (strncasecmp(at, "www.", 4) == 0 || strncasecmp(at, "m.", 2) == 0)
        at = strchr(at, '.') + 1;
    const size_t n = strlen(host);
    return strncasecmp(at, host, n) == 0 && (at[n] == '/' || !at[n]) ? at + n + (at[n] == '/') : typed;
}

static int take(const char *from, size_t len, char **ret, struct error *err)
{
    char *s = strndup(from, len);
    if (!s)
        return error_nomem(err);
    *ret = s;
    return 0;
}

static int twitch_channel(const char *typed, char **ret, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *name = after_host(typed, "twitch.tv");
    if (strncmp(name, "popout/", 7) == 0)
        name += 7;
    name += *name == '#' || *name == '@';
    const size_t n = strspn(name, letters);
    if (n < 1 || n > 25 || !strchr("/?#", name[n]))
        return error_set(err, E_ARG,
                         "\"%.60s\": expected the name of a Twitch channel (letters, digits and _, at most 25) or "
                         "a link to it",
                         typed);
    int rc = take(name, n, ret, err);
    for (size_t i = 0; !rc && i < n; i++)
        if ((*ret)[i] >= 'A' && (*ret)[i] <= 'Z')
            (*ret)[i] += 'a' - 'A';
    return rc;
}

/* A video's id of 11 characters, a channel's of 24 that begins with UC, or "@handle". */
static int youtube_channel(const char *typed, char **ret, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *id = after_host(after_host(typed, "youtube.com"), "youtu.be"), *v = strstr(id, "v=");
    if (strncmp(id, "watch", 5) == 0 && v)
        id = v + 2;
    else if (strncmp(id, "live/", 5) == 0 || strncmp(id, "chat/", 5) == 0)
        id += 5;
    else if (strncmp(id, "channel/", 8) == 0)
        id += 8;
    if (*id == '@') {
        const size_t n = 1 + strcspn(id + 1, "/?#& ");
        if (n >= 4 && n <= 31)
            return take(id, n, ret, err);
    }
    const size_t n = strspn(id, letters);
    if ((n == 11 || (n == 24 && strncmp(id, "UC", 2) == 0)) && strchr("/?#&", id[n]))
        return take(id, n, ret, err);
    return error_set(err, E_ARG, "\"%.60s\": expected a link to a YouTube video or channel, a video's id, or @handle",
                     typed);
}

static int plain_channel(const char *typed, const char *what, char **ret, struct error *err)
{
    const size_t n = strlen(typed);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)typed[i] <= ' ' || typed[i] == 0x7F)
            return error_set(err, E_ARG, "\"%.60s\": expected %s without spaces", typed, what);
    if (n < 1 || n > CHAT_NAME_MAX)
        return error_set(err, E_ARG, "expected %s of 1 to %d bytes", what, CHAT_NAME_MAX);
    return take(typed, n, ret, err);
}

int source_channel(enum chat_platform platform, const char *typed, char **ret, struct error *err)
{
    while (*typed == ' ')
        typed++;
    switch (platform) {
    case CHAT_TWITCH: return twitch_channel(typed, ret, err);
    case CHAT_YOUTUBE: return youtube_channel(typed, ret, err);
    case CHAT_BILIBILI:
        return plain_channel(after_host(typed, "live.bilibili.com"), "the number of a Bilibili room", ret, err);
    case CHAT_OTHER: break;
    }
    return plain_channel(typed, "a name", ret, err);
}
