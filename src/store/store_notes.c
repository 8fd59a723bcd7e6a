/* See store_notes.h. */
#include "store/store_notes.h"

#include "store/store_private.h"

/* Of a kind, without `key`. */
static int count_others(struct store *s, const char *kind, const char *key, int64_t *ret, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->state, err, "SELECT count(*) FROM note WHERE kind = ? AND key <> ?", "tt",
                         kind, key);
    if (!rc && (rc = query_row(&q, err)) == 1) {
        *ret = query_int(&q, 0);
        rc = 0;
    }
    query_end(&q);
    return rc;
}

int store_note_put(struct store *s, const char *kind, const char *key, const char *value, struct error *err)
{
    int64_t n = 0;
    if (!value)
        return query_run(s->state, err, "DELETE FROM note WHERE kind = ? AND key = ?", "tt", kind, key);
    const int rc = count_others(s, kind, key, &n, err);
    if (rc)
        return rc;
    if (n >= STORE_NOTES_MAX)
        return error_set(err, E_LIMIT, "there are %d notes of %s already", STORE_NOTES_MAX, kind);
    return query_run(s->state, err,
                     "INSERT INTO note (kind, key, value) VALUES (?, ?, ?) "
                     "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
                     "ttt", kind, key, value);
}

int store_notes_each(struct store *s, const char *kind,
                     int (*fn)(void *user, const char *key, const char *value, struct error *err), void *user,
                     struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->state, err, "SELECT key, value FROM note WHERE kind = ? ORDER BY id", "t", kind);
    while (!rc && (rc = query_row(&q, err)) == 1)
        rc = fn(user, query_text(&q, 0), query_text(&q, 1), err);
    query_end(&q);
    return rc;
}
