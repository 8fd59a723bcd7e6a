/* See store_history.h. The sound lies in a table of its own, so that going through texts does not go through sounds. */
#include "store/store_history.h"

#include "base/clock.h"
#include "store/store_private.h"

#include <stdio.h>
#include <string.h>

static const char *const history_steps[] = {
    "CREATE TABLE generation (id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, time INTEGER NOT NULL,"
    " voice TEXT NOT NULL, engine TEXT NOT NULL, text TEXT NOT NULL, params TEXT NOT NULL, queue_seconds REAL NOT NULL,"
    " first_audio_seconds REAL NOT NULL, seconds REAL NOT NULL, audio_seconds REAL NOT NULL, format TEXT NOT NULL,"
    " audio_bytes INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE sound (id INTEGER PRIMARY KEY REFERENCES generation ON DELETE CASCADE, audio BLOB NOT NULL) STRICT;"
    /* its one row is kept by triggers, so that the caps cost the same however long the history is */
    "CREATE TABLE total (count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "INSERT INTO total VALUES (0, 0);"
    "CREATE TRIGGER generation_added AFTER INSERT ON generation BEGIN"
    " UPDATE total SET count = count + 1, bytes = bytes + new.bytes; END;"
    "CREATE TRIGGER generation_gone AFTER DELETE ON generation BEGIN"
    " UPDATE total SET count = count - 1, bytes = bytes - old.bytes; END;",
};

static const struct schema history_schema = {
    history_steps,
    sizeof history_steps / sizeof *history_steps,
    /* auto_vacuum only counts before the first table is made; what is deleted is private: zeroed where that is free */
    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    "PRAGMA secure_delete=FAST; PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=8388608;",
    NULL,
};

/* -------- on and off -------- */

static void switch_off(struct store *s, const struct error *why)
{
    if (!s->history_off)
        store_notice(s, "history is off, and tried again every %.0f s: %s", HISTORY_RETRY, why->text);
    s->history_off = 1;
    s->history_retry = clock_seconds() + HISTORY_RETRY;
    sqlite3_close(s->history);
    s->history = NULL;
}

static int history_open(struct store *s, struct error *err)
{
    struct error why = {0};
    if (s->history)
        return 0;
    if (clock_seconds() < s->history_retry)
        return error_set(err, E_IO, "history is off, because it could not be written; it is tried again within %.0f s",
                         HISTORY_RETRY);
    const int rc = store_open_database(s, "history.db", NULL, &history_schema, &s->history, &why);
    if (!rc)
        return 0;
    if (rc != E_NOMEM)
        switch_off(s, &why);
    return error_set(err, rc, "%s", why.text);
}

/* What went wrong in using it, told to the caller; a disk that refuses switches history off, and a file that turns out
 * to be damaged is looked at again at once. */
static int judge(struct store *s, int rc, const struct error *why, struct error *err)
{
    if (rc == E_IO)
        switch_off(s, why);
    if (rc == E_FORMAT) {
        sqlite3_close(s->history);
        s->history = NULL;
        s->history_retry = 0;
    }
    return rc ? error_set(err, rc, "%s", why->text) : 0;
}

/* -------- adding -------- */

static int read_totals(struct store *s, struct store_history_totals *ret, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->history, err, "SELECT count, bytes FROM total", "");
    if (!rc && (rc = query_row(&q, err)) == 1) {
        ret->count = query_int(&q, 0);
        ret->bytes = query_int(&q, 1);
        rc = 0;
    }
    query_end(&q);
    return rc;
}

/* 1 when there was one to drop. */
static int drop_oldest(struct store *s, struct store_history_totals *t, struct error *err)
{
    struct query q;
    int dropped = 0, rc = query_begin(&q, s->history, err,
                                      "DELETE FROM generation WHERE id = (SELECT min(id) FROM generation)"
                                      " RETURNING bytes",
                                      "");
    while (!rc && (rc = query_row(&q, err)) == 1) {
        t->count--;
        t->bytes -= query_int(&q, 0);
        dropped = 1;
        rc = 0;
    }
    query_end(&q);
    return rc ? rc : dropped;
}

static int add(struct store *s, const struct store_generation *g, int64_t bytes, struct error *err)
{
    struct store_history_totals t = {0};
    int rc = query_run(s->history, err, "INSERT INTO generation VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "tittttddddtii", g->request, g->time, g->voice, g->engine, g->text, g->params, g->queue_seconds,
                       g->first_audio_seconds, g->seconds, g->audio_seconds, g->format, (int64_t)g->audio_len, bytes);
    if (!rc && g->audio_len)
        rc = query_run(s->history, err, "INSERT INTO sound VALUES (?, ?)", "ib",
                       (int64_t)sqlite3_last_insert_rowid(s->history), g->audio, g->audio_len);
    if (!rc)
        rc = read_totals(s, &t, err);
    int more = 1;
    while (!rc && more && (t.count > s->history_count || t.bytes > s->history_bytes)) {
        more = drop_oldest(s, &t, err);
        rc = more < 0 ? more : 0;
    }
    return rc;
}

int store_history_add(struct store *s, const struct store_generation *g, struct error *err)
{
    const int64_t bytes = (int64_t)(g->audio_len + strlen(g->text) + strlen(g->params));
    struct error why = {0};
    if (s->history_count <= 0)
        return 0;
    if (bytes > s->history_bytes)
        return error_set(err, E_LIMIT, "%s takes %lld bytes, all of history may take %lld", g->request,
                         (long long)bytes, (long long)s->history_bytes);
    int rc = history_open(s, err);
    if (rc)
        return rc;
    rc = database_begin(s->history, &why);
    if (!rc)
        rc = database_end(s->history, add(s, g, bytes, &why), &why);
    if (!rc && s->history_off) {
        s->history_off = 0;
        store_notice(s, "history is on again");
    }
    return judge(s, rc, &why, err);
}

/* -------- reading -------- */

#define COLUMNS                                                                                                        \
    "id, request, time, voice, engine, text, params, queue_seconds, first_audio_seconds, seconds, audio_seconds, "     \
    "format, "                                                                                                         \
    "audio_bytes"

static int give(struct query *q, store_generation_fn fn, void *user, struct error *err)
{
    const struct store_generation g = {
        .id = query_int(q, 0),
        .request = query_text(q, 1),
        .time = query_int(q, 2),
        .voice = query_text(q, 3),
        .engine = query_text(q, 4),
        .text = query_text(q, 5),
        .params = query_text(q, 6),
        .queue_seconds = sqlite3_column_double(q->stmt, 7),
        .first_audio_seconds = sqlite3_column_double(q->stmt, 8),
        .seconds = sqlite3_column_double(q->stmt, 9),
        .audio_seconds = sqlite3_column_double(q->stmt, 10),
        .format = query_text(q, 11),
        .audio_len = (size_t)query_int(q, 12),
    };
    return fn(user, &g, err);
}

/* %search% with the signs that LIKE gives a meaning taken for themselves. */
static int like_pattern(const char *search, struct buf *out, struct error *err)
{
    int rc = buf_add_char(out, '%');
    for (const char *p = search; !rc && *p; p++)
        rc = (strchr("%_\\", *p) && buf_add_char(out, '\\')) || buf_add_char(out, *p);
    return rc || buf_add_char(out, '%') ? error_nomem(err) : 0;
}

static int read_page(struct store *s, const struct store_history_query *want, const char *pattern,
                     store_generation_fn fn, void *user, int *ret_more, struct error *err)
{
    struct query q;
    int n = 0, rc = query_begin(&q, s->history, err,
                                "SELECT " COLUMNS " FROM generation WHERE id < ?1 AND"
                                " (?2 IS NULL OR text LIKE ?2 ESCAPE '\\') ORDER BY id DESC LIMIT ?3",
                                "iti", want->before > 0 ? want->before : INT64_MAX, pattern, (int64_t)want->limit + 1);
    while (!rc && n <= want->limit && (rc = query_row(&q, err)) == 1)
        rc = n++ < want->limit ? give(&q, fn, user, err) : 0;
    query_end(&q);
    *ret_more = n > want->limit;
    return rc;
}

int store_history_page(struct store *s, const struct store_history_query *want, store_generation_fn fn, void *user,
                       struct store_history_totals *ret, struct error *err)
{
    struct store_history_totals t = {0};
    struct buf pattern = BUF_INIT;
    struct error why = {0};
    int rc = history_open(s, err);
    if (rc)
        return rc;
    if (want->search)
        rc = like_pattern(want->search, &pattern, &why);
    if (!rc)
        rc = read_totals(s, &t, &why);
    if (!rc)
        rc = read_page(s, want, pattern.ptr, fn, user, &t.more, &why);
    buf_release(&pattern);
    if (!rc)
        *ret = t;
    return judge(s, rc, &why, err);
}

static int none(int64_t id, struct error *err)
{
    return error_set(err, E_NOTFOUND, "no generation %lld in the history", (long long)id);
}

int store_history_find(struct store *s, int64_t id, store_generation_fn fn, void *user, struct error *err)
{
    struct query q;
    struct error why = {0};
    int rc = history_open(s, err);
    if (rc)
        return rc;
    rc = query_begin(&q, s->history, &why, "SELECT " COLUMNS " FROM generation WHERE id = ?", "i", id);
    if (!rc && (rc = query_row(&q, &why)) >= 0)
        rc = rc ? give(&q, fn, user, &why) : none(id, &why);
    query_end(&q);
    return judge(s, rc, &why, err);
}

int store_history_audio(struct store *s, int64_t id, struct buf *out, char ret_format[16], struct error *err)
{
    struct query q;
    struct error why = {0};
    int rc = history_open(s, err);
    if (rc)
        return rc;
    rc = query_begin(&q, s->history, &why,
                     "SELECT format, audio FROM generation LEFT JOIN sound USING (id) WHERE id = ?", "i", id);
    if (!rc && (rc = query_row(&q, &why)) >= 0) {
        if (!rc) {
            rc = none(id, &why);
        } else {
            const void *audio = sqlite3_column_blob(q.stmt, 1);
            const size_t len = (size_t)sqlite3_column_bytes(q.stmt, 1);
            rc = buf_add(out, audio ? audio : "", len) ? error_nomem(&why) : 0;
            if (!rc)
                snprintf(ret_format, 16, "%s", audio ? query_text(&q, 0) : "");
        }
    }
    query_end(&q);
    return judge(s, rc, &why, err);
}

/* -------- deleting -------- */

int store_history_delete(struct store *s, int64_t id, struct error *err)
{
    struct error why = {0};
    int rc = history_open(s, err);
    if (rc)
        return rc;
    rc = query_run(s->history, &why, "DELETE FROM generation WHERE id = ?", "i", id);
    if (!rc && !sqlite3_changes(s->history))
        rc = none(id, &why);
    return judge(s, rc, &why, err);
}

int store_history_clear(struct store *s, int64_t *ret_count, struct error *err)
{
    struct store_history_totals t = {0};
    struct error why = {0};
    int rc = history_open(s, err);
    if (rc)
        return rc;
    rc = read_totals(s, &t, &why);
    if (!rc)
        rc = database_exec(s->history,
                           "DELETE FROM generation; PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)", &why);
    if (!rc)
        *ret_count = t.count;
    return judge(s, rc, &why, err);
}
