/* A connection to one chat, and what it tells. One file a site implements `struct chat_site`.
 *
 * Everything runs on the loop's thread. A source connects by itself, again and again with growing, jittered pauses,
 * until it is freed, the stream is over, or the site has refused it for good. Reading never waits for what is done
 * with the messages. */
#ifndef ISHOW_CHAT_SOURCE_H
#define ISHOW_CHAT_SOURCE_H

#include "base/log.h"
#include "chat/message.h"
#include "net/http_client.h"
#include "net/loop.h"

#define SOURCE_TROUBLE_MAX 256 /* bytes of a sentence */

enum source_state {
    SOURCE_CONNECTING,
    SOURCE_READY,
    SOURCE_WAITING, /* to connect again */
    SOURCE_REFUSED, /* by the site, for good */
    SOURCE_ENDED,   /* the stream is over */
};
const char *source_state_name(enum source_state s); /* "ready", … */

struct source_status {
    enum source_state state;
    char trouble[SOURCE_TROUBLE_MAX]; /* the last failure in a sentence, or "" */
    double retry_at;                  /* clock_seconds() of the next attempt, in SOURCE_WAITING */
    int64_t quota_used, quota_limit;  /* YouTube's units since midnight Pacific; 0: there are none */
    uint64_t received, malformed, reconnects;
};

/* Whom a removal concerns: a message, or all of a user's, or (both "") everything of the channel. */
struct chat_removal {
    const char *message_id, *user_id;
};

struct source_events {
    void (*on_message)(void *user, struct chat_message *m); /* borrowed; take a reference to keep it */
    void (*on_removal)(void *user, const struct chat_removal *removal);
    void (*on_state)(void *user, const struct source_status *status);
    void *user;
};

/* Strings are copied. NULL and "" are the same. */
struct source_params {
    struct loop *loop;
    struct http_client *http; /* for sites that are asked by HTTP */
    struct log *log;          /* may be NULL */
    const char *channel;      /* as source_channel gives it */
    const char *url;          /* endpoint in place of the site's own */
    const char *proxy;        /* "socks5h://…", "http://…" */
    const char *login, *token; /* Twitch: an account of one's own. YouTube: `token` is the API key */
    const char *app_id, *access_key, *access_secret, *code; /* Bilibili's open platform */
    int64_t quota_limit;      /* YouTube: units a day */
    double delay;             /* seconds before the first attempt */
    double backoff_least;     /* seconds before the first new attempt; 0: 1 */
    struct source_events events;
};

struct chat_source;
int source_create(enum chat_platform platform, const struct source_params *params, struct chat_source **ret,
                  struct error *err);
void source_free(struct chat_source *s); /* accepts NULL; no event comes after it. Not to be called in one */
void source_describe(const struct chat_source *s, struct source_status *ret);

/* What a user typed for a channel ("https://www.twitch.tv/Name", "@name", a watch link) as the site calls it. E_ARG
 * says what was expected. `ret` is malloc'd. */
int source_channel(enum chat_platform platform, const char *typed, char **ret, struct error *err);

/* -------- for the files of the sites -------- */

/* What every source has; the first member of each site's own. */
struct chat_source {
    const struct chat_site *site;
    struct source_params params;
    struct source_status status;
    struct loop_timer retry;
    int failures; /* in a row */
};

struct chat_site {
    size_t size;                                      /* of the site's struct, which begins with a chat_source */
    int (*check)(const struct source_params *params, struct error *err); /* what must be there; may be NULL */
    void (*connect)(struct chat_source *s);           /* tells of failure by source_failed */
    void (*disconnect)(struct chat_source *s);        /* drops what connect made; may be called twice */
};
extern const struct chat_site twitch_site, youtube_site, bilibili_site, websocket_site;

void source_ready(struct chat_source *s);
/* Disconnects and tries again later; "" when the other side ended it in peace. */
__attribute__((format(printf, 2, 3))) void source_failed(struct chat_source *s, const char *fmt, ...);
/* The same after `pause` seconds, however often it has been so: nothing is wrong, only not there yet. */
__attribute__((format(printf, 3, 4))) void source_wait(struct chat_source *s, double pause, const char *fmt, ...);
/* Disconnects for good: SOURCE_REFUSED or SOURCE_ENDED. */
__attribute__((format(printf, 3, 4))) void source_over(struct chat_source *s, enum source_state state, const char *fmt,
                                                       ...);
void source_tell(struct chat_source *s, struct chat_message *m); /* takes over the reference */
void source_remove(struct chat_source *s, const char *message_id, const char *user_id);

#endif
