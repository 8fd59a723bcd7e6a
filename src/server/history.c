/* See history.h. */
#include "server/history.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

struct history {
    struct store_thread *store;
    struct log *log;
    int enabled;
    uint64_t dropped;
    double told; /* clock_seconds() of the last line about it; 0: never */
};

/* A generation on its way, in one piece of memory with its strings and its sound. */
struct adding {
    struct store_job job;
    struct history *history;
    struct store_generation generation;
    int rc;
    struct error err;
    char bytes[];
};

void history_drop(struct history *h, const char *why)
{
    const double now = clock_seconds();
    h->dropped++;
    if (h->told != 0 && now - h->told < HISTORY_LOG_EVERY)
        return;
    h->told = now;
    log_event(h->log, LOG_WARN, "history_dropped", log_int("since_start", (int64_t)h->dropped), log_str("why", why));
}

static void run(struct store *s, struct store_job *job)
{
    struct adding *a = (struct adding *)(void *)job;
    a->rc = s ? store_history_add(s, &a->generation, &a->err) : E_IO;
    if (!s)
        error_set(&a->err, E_IO, "the folder for data cannot be used");
}

static void done(struct store_job *job)
{
    struct adding *a = (struct adding *)(void *)job;
    if (a->rc)
        history_drop(a->history, a->err.text);
    free(a);
}

static struct adding *pack(const struct store_generation *g)
{
    struct store_generation copy = *g;
    const char **strings[] = {&copy.request, &copy.voice, &copy.engine, &copy.text, &copy.params, &copy.format};
    size_t size = g->audio_len;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        size += strlen(*strings[i]) + 1;
    struct adding *a = malloc(sizeof *a + size);
    if (!a)
        return NULL;
    *a = (struct adding){.job = {.run = run, .done = done, .bytes = sizeof *a + size, .may_drop = 1}};
    char *at = a->bytes;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        const size_t len = strlen(*strings[i]) + 1;
        *strings[i] = memcpy(at, *strings[i], len);
        at += len;
    }
    if (g->audio_len)
        copy.audio = memcpy(at, g->audio, g->audio_len);
    a->generation = copy;
    return a;
}

void history_add(struct history *h, const struct store_generation *g)
{
    struct error err;
    if (!h->enabled)
        return;
    struct adding *a = pack(g);
    if (!a) {
        history_drop(h, "out of memory");
        return;
    }
    a->history = h;
    if (store_submit(h->store, &a->job, &err)) {
        history_drop(h, err.text);
        free(a);
    }
}

int history_create(struct store_thread *store, struct log *log, struct history **ret, struct error *err)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return error_nomem(err);
    h->store = store;
    h->log = log;
    h->enabled = 1;
    *ret = h;
    return 0;
}

void history_free(struct history *h)
{
    free(h);
}

void history_set_enabled(struct history *h, int enabled)
{
    h->enabled = enabled;
}

int history_enabled(const struct history *h)
{
    return h->enabled;
}

uint64_t history_dropped(const struct history *h)
{
    return h->dropped;
}
