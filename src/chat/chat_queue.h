/* What is to be spoken next: decided messages in the order of paid, moderator, mention, normal, bounded.
 *
 * Inside a priority first come, first served. A message that has waited `ageing` seconds is not overtaken by the
 * priority above its own any more, after twice that not by the next; only paid messages pass always. When the queue
 * is full the oldest normal one goes (then mention, then moderator). Paid ones never go, and find room beyond the
 * capacity, up to CHAT_QUEUE_CAPACITY_MAX of all. A plain data structure: no clock but the time given, no threads. */
#ifndef ISHOW_CHAT_CHAT_QUEUE_H
#define ISHOW_CHAT_CHAT_QUEUE_H

#include "chat/message.h"

#define CHAT_QUEUE_CAPACITY_MAX 10000
#define CHAT_LANG_MAX           8 /* bytes of a language's name, "zh-Hant" */

/* One message on its way to be spoken. Zero-initialised, the first three owned. */
struct chat_item {
    struct chat_message *message; /* a reference */
    char *text, *voice;           /* what is said, and by which voice ("" the default) */
    char lang[CHAT_LANG_MAX];
    double since;    /* when it came */
    double seconds;  /* it will take, estimated; not changed while it is in a queue */
    int merged;      /* how many more like it stand behind it */
    int alone;       /* nothing was before it when it came */
    uint64_t number; /* given by chat_queue_push: the page's and the API's name for it */
    int pinned;      /* put in its place by hand: nothing is put before it by itself */
    struct chat_item *prev, *next;
};

void chat_item_free(struct chat_item *item); /* accepts NULL */

struct chat_queue;

/* Called with an item that leaves unspoken, before it is freed, and a word for it: "full", or what the caller of
 * chat_queue_remove said. */
typedef void (*chat_dropped_fn)(void *user, const struct chat_item *item, const char *reason);

/* 1 <= capacity <= CHAT_QUEUE_CAPACITY_MAX. E_NOMEM. */
int chat_queue_create(size_t capacity, double ageing, chat_dropped_fn on_dropped, void *user, struct chat_queue **ret);
void chat_queue_free(struct chat_queue *q); /* what is in it is freed without a word; accepts NULL */
void chat_queue_limit(struct chat_queue *q, size_t capacity, double ageing); /* what is too much then goes */

/* Takes over `item`. E_LIMIT, leaving it to the caller, when there is nothing that may go in its place. */
int chat_queue_push(struct chat_queue *q, struct chat_item *item, double now);

/* In the order in which they will be spoken: for (i = chat_queue_first(q); i; i = i->next). */
struct chat_item *chat_queue_first(const struct chat_queue *q);
struct chat_item *chat_queue_find(const struct chat_queue *q, uint64_t number);
struct chat_item *chat_queue_find_message(const struct chat_queue *q, const char *message_id);

/* Takes an item out; it is the caller's then. */
void chat_queue_take(struct chat_queue *q, struct chat_item *item);

/* Removes what matches all that is given (NULL is any): a message's id, a user by rules_is_user, a
 * platform with a channel. Paid ones stay unless `paid_too`. Gives how many went. */
struct chat_match {
    const char *message_id, *user, *channel;
    int platform; /* -1: any */
    int paid_too;
};
size_t chat_queue_remove(struct chat_queue *q, const struct chat_match *match, const char *reason);
int chat_match(const struct chat_message *m, const struct chat_match *match);

/* Puts an item before another, or at the end (NULL), and keeps it there. */
void chat_queue_move(struct chat_queue *q, struct chat_item *item, struct chat_item *before);

size_t chat_queue_count(const struct chat_queue *q);
double chat_queue_seconds(const struct chat_queue *q); /* that all of it will take */

#endif
