/* A stream's voice: chats are read, what is said of them is decided, queued, spoken ahead of time, and sent to
 * whoever listens.
 *
 *     source ─ message ─> rules ─ words ─> queue ─ next ─> speech ─ clip ─> stage ─> listeners
 *
 * There is one stage. On it one clip sounds at a time, and the next is made while it does. The server is the
 * conductor, because listeners (an overlay in OBS, the page, a sound card) come and go: a clip is sent when the one
 * before has had its time, whether or not anybody listens.
 *
 * Everything here belongs to the loop's thread. */
#ifndef ISHOW_LIVE_LIVE_H
#define ISHOW_LIVE_LIVE_H

#include "chat/chat_queue.h"
#include "chat/rules.h"
#include "chat/source.h"
#include "net/websocket.h"
#include "speech/speech.h"
#include "speech/voices.h"

#define LIVE_CHANNELS_MAX  64
#define LIVE_LISTENERS_MAX 4000
#define LIVE_LOG_MAX       200  /* messages with their verdicts, for a page that is opened later */
#define LIVE_CLIPS_MAX     32   /* spoken clips kept for replay and for their URLs */
#define LIVE_PEAKS         64   /* of a clip's waveform */
#define LIVE_GAP           0.15 /* seconds between clips */
#define LIVE_QUEUE_TOLD    100  /* messages of the queue that a page is told */
#define LIVE_READABLE      20   /* messages a second that a page is told; more than that nobody reads */
#define LIVE_GRACE         10.0 /* seconds for which what was restored waits for somebody who listens */

struct live;

/* What must survive the process. NULL functions are not called; none of them may wait. */
struct live_keeper {
    void (*paid)(void *user, const char *id, const char *json); /* NULL json: it was spoken, or given up */
    void (*channel)(void *user, const char *platform, const char *channel, const char *json); /* NULL json: stopped */
    void (*rules)(void *user, const char *platform, const char *channel, const char *json);
    void *user;
};

/* Who counts. NULL functions are not called. */
struct live_watcher {
    void (*message)(void *user, enum chat_platform platform, const char *verdict);
    /* A message's clip goes out, so many seconds after the message came; only where nothing was before it. */
    void (*clip)(void *user, double seconds);
    void *user;
};

/* Strings are copied. NULL and "" are the same. */
struct live_params {
    struct loop *loop;
    struct log *log; /* may be NULL */
    struct http_client *http;
    struct speech *speech;
    struct voices *voices;
    size_t queue_capacity;
    double ageing;        /* seconds, chat_queue.h */
    double rate;          /* normal messages a second that are let through at most; 0: all */
    double flood_seconds; /* of queued speech from which on normal messages are sampled; 0: never */
    const char *proxy;
    const char *twitch_url, *twitch_login, *twitch_token;
    const char *youtube_url, *youtube_key;
    int64_t youtube_quota;
    const char *bilibili_url, *bilibili_app_id, *bilibili_access_key, *bilibili_access_secret;
    const json_t *rules; /* of channels that have none of their own; NULL: the built-in defaults */
    struct live_keeper keeper;
    struct live_watcher watcher;
};

int live_create(const struct live_params *params, struct live **ret, struct error *err);
void live_free(struct live *l); /* accepts NULL */

/* -------- channels -------- */

struct live_channel_params {
    enum chat_platform platform;
    const char *channel;        /* as typed */
    const char *voice, *engine; /* "" and NULL: the rules' and the server's */
    const char *url;            /* of the chat, in place of the site's */
    const char *code;           /* Bilibili: of the room */
    int configured;             /* it stands in the configuration: the keeper is not told */
};

/* 1 when it is there already. `ret_name` (NULL) receives the channel as the site calls it, which lives as long as it
 * is on. */
int live_start(struct live *l, const struct live_channel_params *params, const char **ret_name, struct error *err);
/* 0, or E_NOTFOUND. What was queued of it goes. */
int live_stop(struct live *l, enum chat_platform platform, const char *channel, struct error *err);
int live_is_on(const struct live *l, enum chat_platform platform, const char *channel);

/* What the keeper was told, rules first: those of a chat that is not read wait until it is. */
int live_restore_rules(struct live *l, const char *platform, const char *channel, const json_t *rules,
                       struct error *err);
int live_restore_channel(struct live *l, const json_t *channel, struct error *err);
/* The first one has the stage wait for a player, LIVE_GRACE at most. One that is there already does not come twice. */
int live_restore_paid(struct live *l, const json_t *paid, struct error *err);

/* -------- messages -------- */

/* From wherever: decides, and queues what is to be said. `ret` (may be NULL; else release it) tells what the rules say,
 * ret_reason (may be NULL) why what they would say is not queued: "rate", "flood", "full", "memory"; NULL, or static;
 * and ret_number (may be NULL) the number in the queue, 0 if it is not there. E_NOMEM. */
int live_take(struct live *l, struct chat_message *m, struct rules_decision *ret, const char **ret_reason,
              uint64_t *ret_number);
void live_remove(struct live *l, enum chat_platform platform, const char *channel, const struct chat_removal *removal);

/* -------- rules -------- */

/* Of a channel, or (channel NULL) of those that have none of their own. Borrowed. */
const struct rules *live_rules(const struct live *l, enum chat_platform platform, const char *channel);
/* Takes over `rules`. E_NOMEM. */
int live_set_rules(struct live *l, enum chat_platform platform, const char *channel, struct rules *rules);
/* Mutes, nicknames and voices of a user, kept in the rules; channel NULL: in all. `what` is "mute", "unmute",
 * "nickname" or "voice". */
int live_set_user(struct live *l, int platform, const char *channel, const char *user, const char *what,
                  const char *value, struct error *err);

/* -------- the stage -------- */

enum live_action { LIVE_PAUSE, LIVE_RESUME, LIVE_SKIP, LIVE_CLEAR, LIVE_REPLAY, LIVE_PANIC };
int live_action_parse(const char *name); /* -1 */

/* PANIC stops the sound, empties the queue of all but what was paid for, and pauses. */
void live_control(struct live *l, enum live_action action);
void live_set_volume(struct live *l, double volume);   /* 0..1: what listeners are told */
int live_set_voice(struct live *l, const char *voice); /* of all channels that name none; 0, E_NOTFOUND, E_NOMEM */
int live_queue_remove(struct live *l, uint64_t number);                   /* 0 or E_NOTFOUND */
int live_queue_move(struct live *l, uint64_t number, uint64_t before);    /* before 0: to the end */

/* A clip as a listener gets it; reference-counted. */
struct live_clip {
    unsigned refs;
    uint64_t number;
    struct chat_item *item; /* what it says; owned */
    struct buf wav;
    double seconds;
    double asked, made; /* clock_seconds() when it was asked for, and when it was there */
    float peaks[LIVE_PEAKS]; /* 0..1 */
    struct ws_frame *packet; /* the original's: header length, header, WAV */
};
struct live_clip *live_find_clip(const struct live *l, uint64_t number); /* borrowed, NULL when it is gone */
void live_clip_unref(struct live_clip *clip);                            /* accepts NULL */

/* -------- who listens -------- */

/* Events are JSON objects for the page; packets the original's binary frames, and controls as JSON for those who play
 * them. */
struct live_listener {
    void (*event)(void *user, const char *name, const char *json, size_t len); /* NULL: no events */
    void (*packet)(void *user, struct ws_frame *packet);                       /* NULL: no sound */
    void (*clip)(void *user, struct live_clip *clip);                          /* the same, not as a packet; or NULL */
    void (*control)(void *user, const char *json, size_t len);                 /* NULL: not told */
    void (*closing)(void *user); /* NULL, or: the server goes down; it may leave */
    void *user;
    struct live_listener *prev, *next; /* of live.c */
    int listed;
};
/* Embedded and owned by the caller. A "state" event, and the rest of the clip that sounds, come at once. E_LIMIT, also
 * after live_close: a page that comes back on the connection it has would keep a server from ending. */
int live_listen(struct live *l, struct live_listener *who);
void live_leave(struct live *l, struct live_listener *who); /* fine when it does not listen */

/* The server goes down: no chat is read any more, all listeners are told, nothing new is spoken. What sounds counts as
 * spoken when players have it. */
void live_close(struct live *l);
int live_is_closed(const struct live *l);

size_t live_queued(const struct live *l);    /* messages that wait to sound */
size_t live_listeners(const struct live *l); /* players and pages */

json_t *live_state(const struct live *l); /* GET /api/live; a new reference, NULL without memory */
json_t *live_controls(const struct live *l); /* {"paused", "volume", "voice"} */
json_t *live_decision_json(const struct rules_decision *d);

#endif
