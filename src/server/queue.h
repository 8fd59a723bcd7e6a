/* Who is served next. A bounded queue with priorities, in which no client waits behind another's many requests.
 *
 * The highest priority goes first, but what has waited `ageing` seconds longer than it a level is even with it, so that
 * nothing waits for ever. Inside a priority clients take turns, and each client's own items go in the order in which
 * they came. Items are embedded in what they stand for; the queue allocates only a little a client.
 *
 * A plain data structure: no locks, and the time is told to it. */
#ifndef ISHOW_SERVER_QUEUE_H
#define ISHOW_SERVER_QUEUE_H

#include <stddef.h>

#define QUEUE_PRIORITIES 3
#define QUEUE_CLIENT_MAX 128 /* bytes of a client's name that count */

struct queue_flow;

/* Zeroed before its first use, and owned by the caller. */
struct queue_item {
    struct queue_flow *flow;          /* NULL: it is in no queue */
    double since;                     /* when it came */
    struct queue_item *prev, *next;   /* of the same client and priority */
    struct queue_item *older, *newer; /* of the same priority */
};

struct queue_class {
    struct queue_flow *turn; /* a ring of clients; whose turn it is */
    struct queue_item *oldest, *newest;
};

struct queue {
    int capacity, per_client; /* items; both may be changed at any time */
    double ageing;            /* seconds that make up for one level of priority */
    int count;
    struct queue_class classes[QUEUE_PRIORITIES]; /* from the lowest */
};

enum queue_verdict { QUEUE_OK, QUEUE_FULL, QUEUE_CLIENT_FULL, QUEUE_NOMEM };

/* A queue is initialised by setting its limits in a zeroed one. Items that are still in it are forgotten. */
void queue_release(struct queue *q);

/* `client` is copied. 0 <= priority < QUEUE_PRIORITIES. */
enum queue_verdict queue_push(struct queue *q, struct queue_item *item, const char *client, int priority, double now);

/* What comes next; NULL when there is nothing. queue_peek leaves it where it is. */
struct queue_item *queue_peek(const struct queue *q, double now);
struct queue_item *queue_pop(struct queue *q, double now);

void queue_remove(struct queue *q, struct queue_item *item);

int queue_client_count(const struct queue *q, const char *client);

#endif
