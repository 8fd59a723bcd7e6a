/* See database.h. */
#include "store/database.h"

#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int database_fail(sqlite3 *db, struct error *err)
{
    const char *file = db ? sqlite3_db_filename(db, "main") : NULL;
    const char *name = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : "a database";
    const int errnum = db ? sqlite3_system_errno(db) : 0;
    switch (db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM) {
    case SQLITE_NOMEM:
        return error_nomem(err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, E_FORMAT, "%s: %s", name, sqlite3_errmsg(db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, E_LIMIT, "%s: locked by another process for more than %d s", name, STORE_BUSY_MS / 1000);
    case SQLITE_FULL:
        return error_set(err, E_IO, "%s: the disk is full", name);
    default:
        return error_set(err, E_IO, "%s: %s%s%s", name, sqlite3_errmsg(db), errnum ? ": " : "",
                         errnum ? strerror(errnum) : "");
    }
}

int database_exec(sqlite3 *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : database_fail(db, err);
}

/* -------- queries -------- */

static int bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++) {
        const void *bytes;
        switch (types[i - 1]) {
        case 't':
            rc = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
            break;
        case 'i':
            rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
            break;
        case 'd':
            rc = sqlite3_bind_double(stmt, i, va_arg(ap, double));
            break;
        case 'b':
            bytes = va_arg(ap, const void *);
            rc = sqlite3_bind_blob64(stmt, i, bytes, va_arg(ap, size_t), SQLITE_STATIC);
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

static int begin(struct query *q, sqlite3 *db, struct error *err, const char *sql, const char *types, va_list ap)
{
    *q = (struct query){.db = db};
    if (sqlite3_prepare_v2(db, sql, -1, &q->stmt, NULL) == SQLITE_OK && bind_all(q->stmt, types, ap) == SQLITE_OK)
        return 0;
    const int rc = database_fail(db, err);
    query_end(q);
    return rc;
}

int query_begin(struct query *q, sqlite3 *db, struct error *err, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    const int rc = begin(q, db, err, sql, types, ap);
    va_end(ap);
    return rc;
}

int query_row(struct query *q, struct error *err)
{
    switch (sqlite3_step(q->stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return database_fail(q->db, err);
    }
}

void query_end(struct query *q)
{
    sqlite3_finalize(q->stmt);
    *q = (struct query){0};
}

int query_run(sqlite3 *db, struct error *err, const char *sql, const char *types, ...)
{
    struct query q;
    va_list ap;
    va_start(ap, types);
    int rc = begin(&q, db, err, sql, types, ap);
    va_end(ap);
    while (!rc && (rc = query_row(&q, err)) == 1)
        rc = 0;
    query_end(&q);
    return rc;
}

const char *query_text(const struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    return text ? (const char *)text : "";
}

int64_t query_int(const struct query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

int database_begin(sqlite3 *db, struct error *err)
{
    return database_exec(db, "BEGIN IMMEDIATE", err);
}

int database_end(sqlite3 *db, int rc, struct error *err)
{
    if (!rc)
        rc = database_exec(db, "COMMIT", err);
    if (rc && !sqlite3_get_autocommit(db)) /* a full disk may have taken all back already */
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* -------- opening -------- */

/* The first complaint, if there is any: what is on its last line. */
static int check_pages(sqlite3 *db, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, db, err, "PRAGMA quick_check(1)", "");
    if (!rc && (rc = query_row(&q, err)) == 1) {
        const char *text = query_text(&q, 0), *line = strrchr(text, '\n');
        rc = strcmp(text, "ok") ? error_set(err, E_FORMAT, "damaged: %s", line ? line + 1 : text) : 0;
    }
    query_end(&q);
    return rc;
}

static int read_version(sqlite3 *db, int *ret, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, db, err, "PRAGMA user_version", "");
    if (!rc && (rc = query_row(&q, err)) == 1) {
        *ret = (int)query_int(&q, 0);
        rc = 0;
    }
    query_end(&q);
    return rc;
}

/* The version is read again under the write lock: two processes may start at once. */
static int migrate(sqlite3 *db, const struct schema *schema, struct error *err)
{
    int version = 0, rc = read_version(db, &version, err);
    if (rc || version == schema->versions)
        return rc;
    if ((rc = database_begin(db, err)))
        return rc;
    rc = read_version(db, &version, err);
    if (!rc && version > schema->versions)
        rc = error_set(err, E_UNSUPPORTED, "version %d, written by a newer program; this one knows %d", version,
                       schema->versions);
    for (int i = version; !rc && i < schema->versions; i++)
        rc = database_exec(db, schema->steps[i], err);
    if (!rc) {
        char sql[64];
        snprintf(sql, sizeof sql, "PRAGMA user_version = %d", schema->versions);
        rc = database_exec(db, sql, err);
    }
    return database_end(db, rc, err);
}

static int try_open(const char *path, const struct schema *schema, const char *settings, sqlite3 **ret,
                    struct error *err)
{
    sqlite3 *db = NULL;
    int rc = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        rc = database_fail(db, err);
    if (!rc) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_busy_timeout(db, STORE_BUSY_MS);
        rc = database_exec(db, settings, err);
    }
    if (!rc)
        rc = check_pages(db, err);
    if (!rc)
        rc = migrate(db, schema, err);
    if (rc)
        sqlite3_close(db);
    else
        *ret = db;
    return rc;
}

int database_open(const char *path, const struct schema *schema, sqlite3 **ret, struct error *err)
{
    int rc = try_open(path, schema, schema->settings, ret, err);
    if (rc == E_IO && schema->full)
        rc = try_open(path, schema, schema->full, ret, err);
    if (rc)
        error_prefix(err, "%s", path);
    return rc;
}
