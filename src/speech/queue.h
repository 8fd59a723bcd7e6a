/* Who is served next. A bounded queue with priorities, in which no client waits behind another's many requests.
 *
 * The highest priority goes first, but what has waited `ageing` seconds longer than it a level is even with it, so that
 * nothing waits for ever. Inside a priority clients take turns, and each client's own items go in the order in which
 * they came.
 *
 * A plain data structure: no locks, no memory of its own, and the time is told to it. */
#ifndef ISHOW_SPEECH_QUEUE_H
#define ISHOW_SPEECH_QUEUE_H

#define QUEUE_PRIORITIES 3

/* Embedded, zeroed, in what it stands for. */
struct queue_item {
    int queued;                       /* it is in a queue */
    int priority;
    const char *client;               /* borrowed while it is queued */
    double since;                     /* when it came */
    struct queue_item *older, *newer; /* of the same priority */
    struct queue_item *prev, *next;   /* of the same client, too */
    /* of a client's first item, which has the client's place in the ring of those who take turns */
    struct queue_item *left, *right, *last;
    int count;
};

struct queue {
    int capacity, per_client; /* items; both may be changed at any time */
    double ageing;            /* seconds that make up for one level of priority */
    int count;
    struct queue_class {
        struct queue_item *turn; /* the first item of the client whose turn it is */
        struct queue_item *oldest, *newest;
    } classes[QUEUE_PRIORITIES]; /* from the lowest */
};

enum queue_verdict { QUEUE_OK, QUEUE_FULL, QUEUE_CLIENT_FULL };

/* Whether there is room for one more of this client's. */
enum queue_verdict queue_admits(const struct queue *q, const char *client);
int queue_client_count(const struct queue *q, const char *client);

/* Whether or not there is room. 0 <= priority < QUEUE_PRIORITIES. */
void queue_push(struct queue *q, struct queue_item *item, const char *client, int priority, double now);
void queue_remove(struct queue *q, struct queue_item *item);

/* What comes next; NULL when there is nothing. queue_peek leaves it where it is. */
struct queue_item *queue_peek(const struct queue *q, double now);
struct queue_item *queue_pop(struct queue *q, double now);

#endif
