/* See data.h. */
#include "server/data.h"

#include "server/history.h"
#include "speech/voices.h"
#include "store/store_thread.h"

#include <stdlib.h>
#include <string.h>

static void on_notice(void *user, const char *text)
{
    log_event(user, LOG_WARN, "store", log_str("notice", text));
}

static int post(void *user, void (*fn)(void *arg), void *arg)
{
    return loop_post(user, fn, arg);
}

/* -------- what the store has is given to the registry -------- */

struct loading {
    struct voices *voices;
    struct store *store;
};

static int load_voice(void *user, const struct store_voice *row, struct error *err)
{
    const struct loading *l = user;
    char *path = store_clip_path(l->store, row->clip);
    const int rc = path ? voices_put_upload(l->voices, row, path, err) : error_nomem(err);
    free(path);
    return rc;
}

static int load_override(void *user, const struct store_override *row, struct error *err)
{
    const struct loading *l = user;
    char *path = row->clip ? store_clip_path(l->store, row->clip) : NULL;
    const int rc = row->clip && !path ? error_nomem(err) : voices_put_override(l->voices, row, path, err);
    free(path);
    return rc;
}

static struct store *open_store(struct server *s, const struct config *c)
{
    const struct store_params params = {
        .dir = c->data_dir,
        .history_count = c->history.keep,
        .history_bytes = c->history.max_bytes,
        .on_notice = on_notice,
        .user = s->log,
    };
    struct store *store = NULL;
    struct error err;
    int rc = store_open(&params, &store, &err);
    if (!rc)
        rc = store_voices_each(store, load_voice, load_override, &(struct loading){s->voices, store}, &err);
    if (!rc)
        return store;
    log_event(s->log, LOG_ERROR, "data_unusable", log_str("folder", c->data_dir), log_str("why", err.text),
              log_str("so", "uploaded voices and overrides are missing, and nothing is kept"));
    store_close(store);
    return NULL;
}

int data_reload(struct server *s, const struct config *c, struct error *err)
{
    const int rc = voices_configure(s->voices, c->f5.voices, c->f5.voice_count, c->default_voice, err);
    if (rc)
        return rc;
    history_set_enabled(s->history, c->history.enabled && c->history.keep > 0);
    if (c->default_voice && strcmp(voices_default(s->voices), c->default_voice))
        log_event(s->log, LOG_WARN, "default_voice_missing", log_str("voice", c->default_voice),
                  log_str("instead", voices_default(s->voices)));
    return 0;
}

int data_open(struct server *s, const struct config *c, struct error *err)
{
    int rc = voices_create(&s->voices, err);
    if (rc)
        return rc;
    struct store *store = open_store(s, c);
    rc = store_thread_create(store, post, s->loop, &s->store, err);
    if (rc)
        store_close(store);
    else
        rc = history_create(s->store, s->log, &s->history, err);
    if (!rc)
        rc = data_reload(s, c, err);
    if (rc)
        data_close(s);
    return rc;
}

void data_close(struct server *s)
{
    store_thread_free(s->store);
    history_free(s->history);
    voices_free(s->voices);
    s->store = NULL;
    s->history = NULL;
    s->voices = NULL;
}
