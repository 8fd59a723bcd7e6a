/* See live_keep.h. */
#include "server/live_keep.h"

#include "store/store_notes.h"
#include "store/store_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 512 /* bytes: "twitch name" */

static const char *const kinds[] = {"live_rules", "live_channel", "live_paid"};

/* -------- putting -------- */

struct putting {
    struct store_job job;
    struct server *server;
    const char *kind, *key, *value; /* in `bytes`; value may be NULL */
    int rc;
    struct error err;
    char bytes[];
};

static void run_put(struct store *s, struct store_job *job)
{
    struct putting *p = (struct putting *)(void *)job;
    p->rc = s ? store_note_put(s, p->kind, p->key, p->value, &p->err)
              : error_set(&p->err, E_IO, "the folder for data cannot be used");
}

static void done_put(struct store_job *job)
{
    struct putting *p = (struct putting *)(void *)job;
    if (p->rc)
        log_event(p->server->log, LOG_ERROR, "not_kept", log_str("what", p->kind), log_str("key", p->key),
                  log_str("why", p->err.text));
    free(p);
}

static void put(struct server *s, const char *kind, const char *key, const char *value)
{
    const size_t n = strlen(key) + 1, m = value ? strlen(value) + 1 : 0;
    struct putting *p = malloc(sizeof *p + n + m);
    struct error err = {.text = "out of memory"};
    if (p) {
        *p = (struct putting){
            .job = {.run = run_put, .done = done_put, .bytes = sizeof *p + n + m}, .server = s, .kind = kind};
        p->key = memcpy(p->bytes, key, n);
        p->value = value ? memcpy(p->bytes + n, value, m) : NULL;
    }
    if (!p || store_submit(s->store, &p->job, &err)) {
        log_event(s->log, LOG_ERROR, "not_kept", log_str("what", kind), log_str("key", key), log_str("why", err.text));
        free(p);
    }
}

static void keep_paid(void *user, const char *id, const char *json)
{
    put(user, "live_paid", id, json);
}

static void keep_channel(void *user, const char *platform, const char *channel, const char *json)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "%s %s", platform, channel);
    put(user, "live_channel", key, json);
}

static void keep_rules(void *user, const char *platform, const char *channel, const char *json)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "%s %s", platform, channel);
    put(user, "live_rules", key, json);
}

struct live_keeper live_keeper_of(struct server *s)
{
    return (struct live_keeper){keep_paid, keep_channel, keep_rules, s};
}

/* -------- restoring -------- */

struct restoring {
    struct store_job job;
    struct server *server;
    json_t *found[3]; /* of each kind: [[key, value], …] */
    int rc;
    struct error err;
};

static int collect(void *user, const char *key, const char *value, struct error *err)
{
    json_t *list = user, *json = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return 0; /* not ours to repair */
    return json_array_append_new(list, json_pack("[s,o]", key, json)) ? error_nomem(err) : 0;
}

static void run_restore(struct store *s, struct store_job *job)
{
    struct restoring *r = (struct restoring *)(void *)job;
    for (int i = 0; s && !r->rc && i < 3; i++)
        r->rc = store_notes_each(s, kinds[i], collect, r->found[i], &r->err);
}

static void give(struct server *s, int kind, const char *key, const json_t *value)
{
    struct error err = {0};
    char platform[KEY_MAX];
    const size_t n = strcspn(key, " ");
    snprintf(platform, sizeof platform, "%.*s", (int)n, key);
    const int rc = kind == 0   ? live_restore_rules(s->live, platform, key[n] ? key + n + 1 : "", value, &err)
                   : kind == 1 ? live_restore_channel(s->live, value, &err)
                               : live_restore_paid(s->live, value, &err);
    if (rc)
        log_event(s->log, LOG_WARN, "not_restored", log_str("what", kinds[kind]), log_str("key", key),
                  log_str("why", err.text));
}

static void done_restore(struct store_job *job)
{
    struct restoring *r = (struct restoring *)(void *)job;
    struct server *s = r->server;
    const json_t *pair;
    size_t i;
    if (r->rc)
        log_event(s->log, LOG_ERROR, "not_restored", log_str("why", r->err.text));
    for (int kind = 0; kind < 3; kind++) {
        json_array_foreach(r->found[kind], i, pair)
            if (s->live)
                give(s, kind, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
        json_decref(r->found[kind]);
    }
    free(r);
}

int live_keep_restore(struct server *s)
{
    struct restoring *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    *r = (struct restoring){.job = {.run = run_restore, .done = done_restore}, .server = s};
    for (int i = 0; i < 3; i++)
        r->found[i] = json_array();
    struct error err;
    if (r->found[0] && r->found[1] && r->found[2] && store_submit(s->store, &r->job, &err) == 0)
        return 0;
    for (int i = 0; i < 3; i++)
        json_decref(r->found[i]);
    free(r);
    return E_NOMEM;
}
