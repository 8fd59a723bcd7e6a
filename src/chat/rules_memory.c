/* See rules_memory.h. Users are in a table of buckets by hash, four a bucket, where a newcomer takes the place of the
 * one who was silent longest; texts in a ring. */
#include "chat/rules_memory.h"

#include "base/xxh64.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4

struct remembered_text {
    uint64_t hash;
    double at;
    char id[CHAT_ID_MAX + 1];
};

struct rules_memory {
    struct {
        uint64_t user; /* hash; 0: free */
        double at;
    } users[MEMORY_USERS / WAYS][WAYS];
    uint64_t last_user;
    double last_at;
    struct remembered_text texts[MEMORY_TEXTS];
    size_t next_text;
};

int rules_memory_create(struct rules_memory **ret)
{
    struct rules_memory *m = calloc(1, sizeof *m);
    if (!m)
        return E_NOMEM;
    *ret = m;
    return 0;
}

void rules_memory_free(struct rules_memory *m)
{
    free(m);
}

static uint64_t hash_user(const char *user)
{
    const uint64_t h = xxh64(user, strlen(user), 0);
    return h ? h : 1;
}

double memory_user_age(const struct rules_memory *m, const char *user, double now)
{
    const uint64_t h = hash_user(user);
    for (int w = 0; w < WAYS; w++)
        if (m->users[h % (MEMORY_USERS / WAYS)][w].user == h)
            return now - m->users[h % (MEMORY_USERS / WAYS)][w].at;
    return INFINITY;
}

void memory_user_spoke(struct rules_memory *m, const char *user, double now)
{
    const uint64_t h = hash_user(user);
    const size_t bucket = h % (MEMORY_USERS / WAYS);
    int place = 0;
    for (int w = 0; w < WAYS; w++) {
        if (m->users[bucket][w].user == h) {
            place = w;
            break;
        }
        if (m->users[bucket][w].at < m->users[bucket][place].at)
            place = w;
    }
    m->users[bucket][place].user = h;
    m->users[bucket][place].at = now;
    m->last_user = h;
    m->last_at = now;
}

int memory_is_burst(const struct rules_memory *m, const char *user, double now, double seconds)
{
    return m->last_user == hash_user(user) && now - m->last_at <= seconds;
}

const char *memory_find_text(const struct rules_memory *m, uint64_t hash, double now, double seconds)
{
    for (size_t i = 0; i < MEMORY_TEXTS; i++)
        if (m->texts[i].hash == hash && m->texts[i].id[0] && now - m->texts[i].at <= seconds)
            return m->texts[i].id;
    return NULL;
}

void memory_keep_text(struct rules_memory *m, uint64_t hash, const char *id, double now)
{
    struct remembered_text *t = &m->texts[m->next_text++ % MEMORY_TEXTS];
    t->hash = hash;
    t->at = now;
    snprintf(t->id, sizeof t->id, "%s", id);
}

void memory_forget_text(struct rules_memory *m, const char *id)
{
    for (size_t i = 0; i < MEMORY_TEXTS; i++)
        if (strcmp(m->texts[i].id, id) == 0)
            m->texts[i].id[0] = '\0';
}
