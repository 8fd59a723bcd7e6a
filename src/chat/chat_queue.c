/* See chat_queue.h. One list in the order of speaking: a new item walks forward from the end past everything that it
 * may overtake at that moment, so ageing needs no reordering later. */
#include "chat/chat_queue.h"

#include "chat/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct chat_queue {
    struct chat_item *first, *last;
    size_t count, capacity;
    double ageing;
    double seconds; /* of all in it */
    uint64_t numbers; /* given so far */
    chat_dropped_fn on_dropped;
    void *user;
};

void chat_item_free(struct chat_item *item)
{
    if (!item)
        return;
    chat_message_unref(item->message);
    free(item->text);
    free(item->voice);
    free(item);
}

int chat_queue_create(size_t capacity, double ageing, chat_dropped_fn on_dropped, void *user, struct chat_queue **ret)
{
    struct chat_queue *q = calloc(1, sizeof *q);
    if (!q)
        return E_NOMEM;
    *q = (struct chat_queue){.capacity = capacity, .ageing = ageing, .on_dropped = on_dropped, .user = user};
    *ret = q;
    return 0;
}

void chat_queue_free(struct chat_queue *q)
{
    if (!q)
        return;
    while (q->first) {
        struct chat_item *item = q->first;
        chat_queue_take(q, item);
        chat_item_free(item);
    }
    free(q);
}

static void insert_after(struct chat_queue *q, struct chat_item *item, struct chat_item *before)
{
    item->prev = before;
    item->next = before ? before->next : q->first;
    *(before ? &before->next : &q->first) = item;
    *(item->next ? &item->next->prev : &q->last) = item;
    q->count++;
    q->seconds += item->seconds;
}

void chat_queue_take(struct chat_queue *q, struct chat_item *item)
{
    *(item->prev ? &item->prev->next : &q->first) = item->next;
    *(item->next ? &item->next->prev : &q->last) = item->prev;
    item->prev = item->next = NULL;
    q->count--;
    q->seconds = q->first ? q->seconds - item->seconds : 0; /* an empty one forgets what rounding has left */
}

static void drop(struct chat_queue *q, struct chat_item *item, const char *reason)
{
    chat_queue_take(q, item);
    q->on_dropped(q->user, item, reason);
    chat_item_free(item);
}

/* The priority that an item has by now. */
static int rank(const struct chat_queue *q, const struct chat_item *item, double now)
{
    const int own = (int)item->message->priority;
    if (own == CHAT_PAID)
        return own;
    const double steps = q->ageing > 0 ? floor((now - item->since) / q->ageing) : 0;
    return steps >= own - CHAT_MODERATOR ? CHAT_MODERATOR : own - (int)steps;
}

/* The one that has to go before `priority` does; NULL if none is worth as little. */
static struct chat_item *least(const struct chat_queue *q, enum chat_priority priority)
{
    struct chat_item *found = NULL;
    for (struct chat_item *i = q->first; i; i = i->next) {
        const enum chat_priority p = i->message->priority;
        if (p == CHAT_PAID || p < priority)
            continue;
        if (!found || p > found->message->priority || (p == found->message->priority && i->since < found->since))
            found = i;
    }
    return found;
}

int chat_queue_push(struct chat_queue *q, struct chat_item *item, double now)
{
    const enum chat_priority priority = item->message->priority;
    if (q->count >= q->capacity) {
        struct chat_item *victim = least(q, priority);
        if (victim)
            drop(q, victim, "full");
        else if (priority != CHAT_PAID || q->count >= CHAT_QUEUE_CAPACITY_MAX)
            return E_LIMIT;
    }
    item->since = now;
    item->number = ++q->numbers;
    struct chat_item *before = q->last;
    while (before && !before->pinned && rank(q, before, now) > (int)priority)
        before = before->prev;
    insert_after(q, item, before);
    return 0;
}

void chat_queue_limit(struct chat_queue *q, size_t capacity, double ageing)
{
    struct chat_item *victim;
    q->capacity = capacity;
    q->ageing = ageing;
    while (q->count > capacity && (victim = least(q, CHAT_MODERATOR)))
        drop(q, victim, "full");
}

struct chat_item *chat_queue_first(const struct chat_queue *q)
{
    return q->first;
}

struct chat_item *chat_queue_find(const struct chat_queue *q, uint64_t number)
{
    struct chat_item *i = q->first;
    while (i && i->number != number)
        i = i->next;
    return i;
}

struct chat_item *chat_queue_find_message(const struct chat_queue *q, const char *message_id)
{
    struct chat_item *i = q->first;
    while (i && strcmp(i->message->id, message_id) != 0)
        i = i->next;
    return i;
}

int chat_match(const struct chat_message *m, const struct chat_match *match)
{
    return (match->paid_too || m->priority != CHAT_PAID) &&
           (match->platform < 0 || (int)m->platform == match->platform) &&
           (!match->channel || strcmp(m->channel, match->channel) == 0) &&
           (!match->message_id || strcmp(m->id, match->message_id) == 0) &&
           (!match->user || rules_is_user(m, match->user));
}

size_t chat_queue_remove(struct chat_queue *q, const struct chat_match *match, const char *reason)
{
    size_t gone = 0;
    for (struct chat_item *i = q->first, *next; i; i = next) {
        next = i->next;
        if (chat_match(i->message, match)) {
            drop(q, i, reason);
            gone++;
        }
    }
    return gone;
}

void chat_queue_move(struct chat_queue *q, struct chat_item *item, struct chat_item *before)
{
    if (item == before)
        return;
    chat_queue_take(q, item);
    insert_after(q, item, before ? before->prev : q->last);
    item->pinned = 1;
}

size_t chat_queue_count(const struct chat_queue *q)
{
    return q->count;
}

double chat_queue_seconds(const struct chat_queue *q)
{
    return q->seconds;
}
