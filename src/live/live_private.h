/* What the files of the stage share: live.c (channels, messages), live_stage.c (what sounds), live_json.c (what is
 * told). */
#ifndef ISHOW_LIVE_LIVE_PRIVATE_H
#define ISHOW_LIVE_LIVE_PRIVATE_H

#include "chat/rules_memory.h"
#include "live/live.h"

#define LIVE_KEY_MAX 512 /* bytes of "platform channel" */
#define LIVE_CLIENT "live" /* who asks for speech, where clients are told apart */

struct channel {
    struct channel *next;
    struct live *live;
    enum chat_platform platform;
    char *name, *voice, *engine, *url, *code; /* never NULL */
    struct chat_source *source;
    struct rules *rules; /* of its own, or NULL */
    struct rules_memory *memory;
    uint64_t received, spoken, dropped;
};

/* A message with what became of it. */
struct entry {
    struct chat_message *message; /* NULL: free */
    enum rules_verdict verdict;
    const char *reason; /* instead of the verdict's name: "full", "rate", "flood"; or NULL */
    char *text;
    char because[RULES_WORD_MAX + 1];
    unsigned cut : 1;
    unsigned deleted : 1; /* taken back by its writer or the site's moderators */
    uint64_t number;
};

/* What is being made into a clip. */
struct making {
    struct chat_item *item; /* owned; NULL: nothing is made */
    struct job *job;
    int tries;
    double since; /* when it was asked for first */
};

struct live {
    struct live_params params; /* its strings are copies */
    struct rules *rules;       /* of channels without their own */
    struct rules_memory *memory; /* of what comes from no channel */
    json_t *kept_rules;          /* "platform channel" → rules, of all channels that ever had some */
    struct channel *channels;
    size_t channel_count;
    double next_join; /* clock_seconds() before which no other Twitch chat is joined */
    struct chat_queue *queue;
    struct entry log[LIVE_LOG_MAX];
    size_t log_next;

    struct making making;
    struct live_clip *ready;   /* made, and next */
    struct live_clip *playing; /* NULL: silence */
    double playing_since;
    struct loop_timer end_of_clip, retry;
    struct loop_timer grace; /* running: nothing sounds before somebody listens, or it has ended */
    struct live_clip *clips[LIVE_CLIPS_MAX]; /* a ring of what was on the stage */
    size_t clip_next;
    int paused, closed;
    double volume;
    char *voice; /* of channels that name none */

    struct live_listener *listeners;
    size_t listener_count, reader_count; /* of all, and of those that want events */
    struct loop_timer queue_told; /* running: the queue is told when it ends */
    int queue_changed;

    double tokens, tokens_at; /* of the rate limit */
    double told, told_at;     /* messages that may be told still, LIVE_READABLE a second */
    uint64_t sampled;         /* messages that came in a flood, left out or not */
    uint64_t flooded;         /* messages left out since the last summary */
    uint64_t received, spoken, failed;
    uint64_t dropped[RULES_COOLDOWN + 1];
    uint64_t dropped_full, dropped_rate, dropped_flood;
};

/* -------- live.c -------- */

void live_item_gone(struct live *l, const struct chat_item *item); /* spoken or given up: a paid one is forgotten */
void live_channel_key(char *out, size_t size, const char *platform, const char *channel);
struct channel *live_channel(const struct live *l, enum chat_platform platform, const char *name);

/* -------- live_people.c -------- */

/* A moderator's command in the chat `c`: 1 when it was one, and is done. It believes the message's roles, so it is for
 * messages of the chat's own source only. */
int live_command(struct live *l, const struct channel *c, const struct chat_message *m);

/* -------- live_stage.c -------- */

void stage_work(struct live *l); /* does what can be done: plays what is ready, makes what is next */
/* Takes back what matches, wherever it is on its way, also while it sounds. */
void stage_remove(struct live *l, const struct chat_match *match, const char *reason);
/* Forgets the sound of what was spoken already, and marks it in the log: nobody can hear it again. */
void stage_forget(struct live *l, const struct chat_match *match);
int stage_has(const struct live *l, const char *message_id); /* is it on its way, or does it sound? */
void stage_hold(struct live *l);     /* what comes from the disk waits for those who will listen */
void stage_listened(struct live *l); /* somebody does */
void stage_close(struct live *l);
void stage_release(struct live *l);

/* -------- live_json.c -------- */

/* Tells all listeners. Takes over `json`; NULL is not told. */
void live_tell(struct live *l, const char *event, json_t *json);
void live_tell_control(struct live *l, const char *type);
void live_tell_queue(struct live *l); /* a little later, once for many changes */
json_t *live_entry_json(const struct entry *e);
json_t *live_channel_json(const struct channel *c);
json_t *live_item_json(const struct chat_item *item, double now);
json_t *live_clip_json(const struct live_clip *clip);
/* The original's packet. `offset`: seconds of the clip that have passed. */
struct ws_frame *live_packet(const struct live_clip *clip, double offset);

#endif
