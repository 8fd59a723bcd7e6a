/* See queue.h. Each priority has a list of all its items by age and a ring of flows, one a client that waits. A flow
 * comes to life with its first item and ends with its last, so there are never more of them than items. */
#include "server/queue.h"

#include <stdlib.h>
#include <string.h>

struct queue_flow {
    struct queue_flow *prev, *next; /* the ring */
    struct queue_item *first, *last;
    int count, priority;
    char client[];
};

void queue_release(struct queue *q)
{
    for (int p = 0; p < QUEUE_PRIORITIES; p++) {
        struct queue_class *c = &q->classes[p];
        while (c->oldest)
            queue_remove(q, c->oldest);
    }
}

static struct queue_flow *flow_find(const struct queue_class *c, const char *client)
{
    struct queue_flow *f = c->turn;
    if (f)
        do {
            if (strncmp(f->client, client, QUEUE_CLIENT_MAX) == 0)
                return f;
            f = f->next;
        } while (f != c->turn);
    return NULL;
}

/* Behind all who wait: just before the one whose turn it is. */
static struct queue_flow *flow_create(struct queue_class *c, const char *client, int priority)
{
    const size_t n = strnlen(client, QUEUE_CLIENT_MAX);
    struct queue_flow *f = malloc(sizeof *f + n + 1);
    if (!f)
        return NULL;
    *f = (struct queue_flow){.prev = f, .next = f, .priority = priority};
    memcpy(f->client, client, n);
    f->client[n] = '\0';
    if (c->turn) {
        f->prev = c->turn->prev;
        f->next = c->turn;
        f->prev->next = f->next->prev = f;
    } else {
        c->turn = f;
    }
    return f;
}

static void flow_free(struct queue_class *c, struct queue_flow *f)
{
    if (c->turn == f)
        c->turn = f->next == f ? NULL : f->next;
    f->prev->next = f->next;
    f->next->prev = f->prev;
    free(f);
}

int queue_client_count(const struct queue *q, const char *client)
{
    int n = 0;
    for (int p = 0; p < QUEUE_PRIORITIES; p++) {
        const struct queue_flow *f = flow_find(&q->classes[p], client);
        n += f ? f->count : 0;
    }
    return n;
}

enum queue_verdict queue_push(struct queue *q, struct queue_item *item, const char *client, int priority, double now)
{
    struct queue_class *c = &q->classes[priority];
    if (q->count >= q->capacity)
        return QUEUE_FULL;
    if (queue_client_count(q, client) >= q->per_client)
        return QUEUE_CLIENT_FULL;
    struct queue_flow *f = flow_find(c, client);
    if (!f && !(f = flow_create(c, client, priority)))
        return QUEUE_NOMEM;
    *item = (struct queue_item){.flow = f, .since = now, .prev = f->last, .older = c->newest};
    *(f->last ? &f->last->next : &f->first) = item;
    f->last = item;
    *(c->newest ? &c->newest->newer : &c->oldest) = item;
    c->newest = item;
    f->count++;
    q->count++;
    return QUEUE_OK;
}

void queue_remove(struct queue *q, struct queue_item *item)
{
    struct queue_flow *f = item->flow;
    struct queue_class *c = &q->classes[f->priority];
    *(item->prev ? &item->prev->next : &f->first) = item->next;
    *(item->next ? &item->next->prev : &f->last) = item->prev;
    *(item->older ? &item->older->newer : &c->oldest) = item->newer;
    *(item->newer ? &item->newer->older : &c->newest) = item->older;
    item->flow = NULL;
    f->count--;
    q->count--;
    if (!f->first)
        flow_free(c, f);
}

/* The priority that comes next, or -1. One below the highest comes when its oldest has waited long enough. */
static int class_next(const struct queue *q, double now)
{
    int best = -1;
    double best_score = 0;
    for (int p = QUEUE_PRIORITIES - 1; p >= 0; p--) {
        const struct queue_item *oldest = q->classes[p].oldest;
        if (!oldest)
            continue;
        const double score = p * q->ageing + (now - oldest->since);
        if (best < 0 || score > best_score) {
            best = p;
            best_score = score;
        }
    }
    return best;
}

static int class_highest(const struct queue *q)
{
    int p = QUEUE_PRIORITIES - 1;
    while (p > 0 && !q->classes[p].oldest)
        p--;
    return p;
}

struct queue_item *queue_peek(const struct queue *q, double now)
{
    const int p = class_next(q, now);
    if (p < 0)
        return NULL;
    const struct queue_class *c = &q->classes[p];
    return p < class_highest(q) ? c->oldest : c->turn->first; /* what is due for its age is just that one */
}

struct queue_item *queue_pop(struct queue *q, double now)
{
    struct queue_item *item = queue_peek(q, now);
    if (!item)
        return NULL;
    struct queue_class *c = &q->classes[item->flow->priority];
    if (c->turn == item->flow)
        c->turn = c->turn->next;
    queue_remove(q, item);
    return item;
}
