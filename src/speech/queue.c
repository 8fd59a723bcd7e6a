/* See queue.h. Each priority has a list of all its items by age, one list a client, and a ring of clients. A client
 * has no record of its own: its first item stands in the ring, and when that leaves, the next takes its place. */
#include "speech/queue.h"

#include <stddef.h>
#include <string.h>

/* -------- the ring -------- */

static struct queue_item *find_client(const struct queue_class *c, const char *client)
{
    struct queue_item *i = c->turn;
    if (i)
        do {
            if (strcmp(i->client, client) == 0)
                return i;
            i = i->right;
        } while (i != c->turn);
    return NULL;
}

/* Behind all who wait: just before the one whose turn it is. */
static void join_ring(struct queue_class *c, struct queue_item *i)
{
    i->left = i->right = i;
    if (c->turn) {
        i->left = c->turn->left;
        i->right = c->turn;
        i->left->right = i->right->left = i;
    } else {
        c->turn = i;
    }
}

static void leave_ring(struct queue_class *c, struct queue_item *i)
{
    if (c->turn == i)
        c->turn = i->right == i ? NULL : i->right;
    i->left->right = i->right;
    i->right->left = i->left;
}

/* `heir` takes the place of `i` in the ring. */
static void hand_down(struct queue_class *c, struct queue_item *i, struct queue_item *heir)
{
    const int alone = i->right == i;
    heir->left = alone ? heir : i->left;
    heir->right = alone ? heir : i->right;
    heir->left->right = heir->right->left = heir;
    heir->last = i->last;
    heir->count = i->count;
    if (c->turn == i)
        c->turn = heir;
}

/* -------- items -------- */

int queue_client_count(const struct queue *q, const char *client)
{
    int n = 0;
    for (int p = 0; p < QUEUE_PRIORITIES; p++) {
        const struct queue_item *first = find_client(&q->classes[p], client);
        n += first ? first->count : 0;
    }
    return n;
}

enum queue_verdict queue_admits(const struct queue *q, const char *client)
{
    if (q->count >= q->capacity)
        return QUEUE_FULL;
    return queue_client_count(q, client) >= q->per_client ? QUEUE_CLIENT_FULL : QUEUE_OK;
}

void queue_push(struct queue *q, struct queue_item *item, const char *client, int priority, double now)
{
    struct queue_class *c = &q->classes[priority];
    struct queue_item *first = find_client(c, client);
    *item = (struct queue_item){.queued = 1, .priority = priority, .client = client, .since = now, .older = c->newest};
    *(c->newest ? &c->newest->newer : &c->oldest) = item;
    c->newest = item;
    if (first) {
        item->prev = first->last;
        first->last->next = item;
    } else {
        join_ring(c, first = item);
    }
    first->last = item;
    first->count++;
    q->count++;
}

void queue_remove(struct queue *q, struct queue_item *item)
{
    struct queue_class *c = &q->classes[item->priority];
    struct queue_item *first = item;
    if (!item->prev && item->next)
        hand_down(c, item, first = item->next);
    else if (!item->prev)
        leave_ring(c, item);
    else
        first = find_client(c, item->client);
    first->count--;
    if (first->last == item)
        first->last = item->prev;
    if (item->prev)
        item->prev->next = item->next;
    if (item->next)
        item->next->prev = item->prev;
    *(item->older ? &item->older->newer : &c->oldest) = item->newer;
    *(item->newer ? &item->newer->older : &c->newest) = item->older;
    *item = (struct queue_item){0};
    q->count--;
}

/* -------- whose turn it is -------- */

static int class_highest(const struct queue *q)
{
    int p = QUEUE_PRIORITIES - 1;
    while (p > 0 && !q->classes[p].oldest)
        p--;
    return p;
}

struct queue_item *queue_peek(const struct queue *q, double now)
{
    const int highest = class_highest(q);
    int best = highest;
    double best_score = 0;
    if (!q->count)
        return NULL;
    for (int p = highest; p >= 0; p--) {
        const struct queue_item *oldest = q->classes[p].oldest;
        const double score = oldest ? p * q->ageing + (now - oldest->since) : 0;
        if (oldest && (p == highest || score > best_score)) {
            best = p;
            best_score = score;
        }
    }
    /* what is due for its age is just that one; among the highest, clients take turns */
    return best < highest ? q->classes[best].oldest : q->classes[best].turn;
}

struct queue_item *queue_pop(struct queue *q, double now)
{
    struct queue_item *item = queue_peek(q, now);
    if (!item)
        return NULL;
    struct queue_class *c = &q->classes[item->priority];
    if (c->turn == item)
        c->turn = item->right;
    queue_remove(q, item);
    return item;
}
