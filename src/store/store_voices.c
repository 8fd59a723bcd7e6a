/* See store_voices.h. */
#include "store/store_voices.h"

#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

/* NULL stays NULL, unlike in query_text. */
static const char *text_or_null(const struct query *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? NULL : query_text(q, column);
}

static int each_voice(struct store *s, int (*fn)(void *user, const struct store_voice *v, struct error *err),
                      void *user, struct error *err)
{
    struct query q;
    int rc = query_begin(
        &q, s->state, err,
        "SELECT id, label, language, text, clip, type, consent, created, updated FROM voice ORDER BY id", "");
    while (!rc && (rc = query_row(&q, err)) == 1) {
        const struct store_voice v = {
            .id = query_text(&q, 0),
            .label = query_text(&q, 1),
            .language = query_text(&q, 2),
            .text = query_text(&q, 3),
            .clip = query_text(&q, 4),
            .type = query_text(&q, 5),
            .consent = query_text(&q, 6),
            .created = query_int(&q, 7),
            .updated = query_int(&q, 8),
        };
        rc = fn(user, &v, err);
    }
    query_end(&q);
    return rc;
}

static int each_override(struct store *s, int (*fn)(void *user, const struct store_override *o, struct error *err),
                         void *user, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->state, err, "SELECT voice, text, clip, type, updated FROM override ORDER BY voice", "");
    while (!rc && (rc = query_row(&q, err)) == 1) {
        const struct store_override o = {
            .voice = query_text(&q, 0),
            .text = text_or_null(&q, 1),
            .clip = text_or_null(&q, 2),
            .type = text_or_null(&q, 3),
            .updated = query_int(&q, 4),
        };
        rc = fn(user, &o, err);
    }
    query_end(&q);
    return rc;
}

int store_voices_each(struct store *s, int (*on_voice)(void *user, const struct store_voice *v, struct error *err),
                      int (*on_override)(void *user, const struct store_override *o, struct error *err), void *user,
                      struct error *err)
{
    int rc = each_voice(s, on_voice, user, err);
    return rc ? rc : each_override(s, on_override, user, err);
}

/* -------- uploaded voices -------- */

/* A copy of the one text that a query finds; NULL in *ret when it finds nothing. */
static int find_text(struct store *s, const char *sql, const char *key, char **ret, struct error *err)
{
    struct query q;
    char *found = NULL;
    int rc = query_begin(&q, s->state, err, sql, "t", key);
    if (!rc && (rc = query_row(&q, err)) == 1) {
        const char *text = text_or_null(&q, 0);
        found = text ? strdup(text) : NULL;
        rc = text && !found ? error_nomem(err) : 0;
    }
    query_end(&q);
    if (!rc)
        *ret = found;
    return rc;
}

static int count_voices(struct store *s, int64_t *ret, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->state, err, "SELECT count(*) FROM voice", "");
    if (!rc && (rc = query_row(&q, err)) == 1) {
        *ret = query_int(&q, 0);
        rc = 0;
    }
    query_end(&q);
    return rc;
}

static int add_voice(struct store *s, const struct store_voice *v, enum store_added *ret, char **ret_id,
                     struct error *err)
{
    char *taken = NULL;
    int rc = find_text(s, "SELECT id FROM voice WHERE clip = ?", v->clip, ret_id, err);
    if (!rc && *ret_id) {
        *ret = STORE_SAME_CLIP;
        return 0;
    }
    if (!rc)
        rc = find_text(s, "SELECT id FROM voice WHERE id = ?", v->id, &taken, err);
    if (!rc && taken) {
        free(taken);
        *ret = STORE_ID_TAKEN;
        return 0;
    }
    int64_t count = 0;
    if (!rc)
        rc = count_voices(s, &count, err);
    if (!rc && count >= STORE_VOICES_MAX) {
        *ret = STORE_TOO_MANY;
        return 0;
    }
    if (!rc)
        rc = query_run(s->state, err, "DELETE FROM override WHERE voice = ?", "t", v->id);
    if (!rc)
        rc = query_run(s->state, err, "INSERT INTO voice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", "tttttttii", v->id,
                       v->label, v->language, v->text, v->clip, v->type, v->consent, v->created, v->updated);
    if (!rc)
        *ret = STORE_ADDED;
    return rc;
}

int store_voice_add(struct store *s, struct store_voice *v, enum store_added *ret, char **ret_id, struct error *err)
{
    enum store_added added = STORE_ADDED;
    char *id = NULL;
    v->created = v->updated = store_now();
    int rc = database_begin(s->state, err);
    if (rc)
        return rc;
    rc = database_end(s->state, add_voice(s, v, &added, &id, err), err);
    if (rc) {
        free(id);
        return rc;
    }
    *ret = added;
    *ret_id = id;
    return 0;
}

static int no_such_voice(const char *id, struct error *err)
{
    return error_set(err, E_NOTFOUND, "no uploaded voice \"%s\"", id);
}

int store_voice_rename(struct store *s, const char *id, const char *label, struct error *err)
{
    const int rc =
        query_run(s->state, err, "UPDATE voice SET label = ?, updated = ? WHERE id = ?", "tit", label, store_now(), id);
    return rc ? rc : sqlite3_changes(s->state) ? 0 : no_such_voice(id, err);
}

/* The clips are let go after the rows are, so that a failure leaves a clip too many and never one too few. */
int store_voice_remove(struct store *s, const char *id, struct error *err)
{
    char *clip = NULL, *override = NULL;
    int rc = database_begin(s->state, err);
    if (rc)
        return rc;
    rc = find_text(s, "SELECT clip FROM voice WHERE id = ?", id, &clip, err);
    if (!rc && !clip)
        rc = no_such_voice(id, err);
    if (!rc)
        rc = find_text(s, "SELECT clip FROM override WHERE voice = ?", id, &override, err);
    if (!rc)
        rc = query_run(s->state, err, "DELETE FROM override WHERE voice = ?", "t", id);
    if (!rc)
        rc = query_run(s->state, err, "DELETE FROM voice WHERE id = ?", "t", id);
    rc = database_end(s->state, rc, err);
    if (!rc)
        store_clip_dropped(s, clip);
    if (!rc && override)
        store_clip_dropped(s, override);
    free(clip);
    free(override);
    return rc;
}

/* -------- overrides -------- */

void store_override_release(struct store_override *o)
{
    free((void *)o->voice);
    free((void *)o->text);
    free((void *)o->clip);
    free((void *)o->type);
    *o = (struct store_override){0};
}

static int copy(const char *s, const char **ret)
{
    *ret = s ? strdup(s) : NULL;
    return s && !*ret;
}

static int read_override(struct store *s, const char *voice, struct store_override *ret, struct error *err)
{
    struct query q;
    struct store_override o = {0};
    int rc = query_begin(&q, s->state, err, "SELECT voice, text, clip, type, updated FROM override WHERE voice = ?",
                         "t", voice);
    if (!rc && (rc = query_row(&q, err)) == 1) {
        rc = copy(query_text(&q, 0), &o.voice) | copy(text_or_null(&q, 1), &o.text) |
                     copy(text_or_null(&q, 2), &o.clip) | copy(text_or_null(&q, 3), &o.type)
                 ? error_nomem(err)
                 : 0;
        o.updated = query_int(&q, 4);
    }
    query_end(&q);
    if (rc)
        store_override_release(&o);
    else
        *ret = o;
    return rc;
}

int store_override_put(struct store *s, struct store_override *o, int uploaded, struct error *err)
{
    struct store_override now = {0};
    char *before = NULL, *voice = NULL;
    int rc = database_begin(s->state, err);
    if (rc)
        return rc;
    if (uploaded)
        rc = find_text(s, "SELECT id FROM voice WHERE id = ?", o->voice, &voice, err);
    if (!rc && uploaded && !voice)
        rc = no_such_voice(o->voice, err);
    free(voice);
    if (!rc)
        rc = find_text(s, "SELECT clip FROM override WHERE voice = ?", o->voice, &before, err);
    if (!rc)
        rc = query_run(s->state, err,
                       "INSERT INTO override VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (voice) DO UPDATE SET"
                       " text = coalesce(?2, text), clip = coalesce(?3, clip), type = coalesce(?4, type), updated = ?5",
                       "tttti", o->voice, o->text, o->clip, o->type, store_now());
    if (!rc)
        rc = read_override(s, o->voice, &now, err);
    rc = database_end(s->state, rc, err);
    if (!rc && before && now.clip && strcmp(before, now.clip))
        store_clip_dropped(s, before);
    free(before);
    if (rc)
        store_override_release(&now);
    else
        *o = now;
    return rc;
}

int store_override_remove(struct store *s, const char *voice, struct error *err)
{
    char *clip = NULL;
    int rc = database_begin(s->state, err);
    if (rc)
        return rc;
    rc = find_text(s, "SELECT clip FROM override WHERE voice = ?", voice, &clip, err);
    if (!rc)
        rc = query_run(s->state, err, "DELETE FROM override WHERE voice = ?", "t", voice);
    rc = database_end(s->state, rc, err);
    if (!rc && clip)
        store_clip_dropped(s, clip);
    free(clip);
    return rc;
}
