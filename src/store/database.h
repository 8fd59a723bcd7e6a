/* One SQLite file: opened with its schema, checked, set aside; and queries in one line.
 *
 * Codes: E_FORMAT for a file that is damaged or no database, E_UNSUPPORTED for one that a newer version has written,
 * E_LIMIT when it stays locked, E_NOMEM, E_IO for everything else that the disk refuses. */
#ifndef ISHOW_STORE_DATABASE_H
#define ISHOW_STORE_DATABASE_H

#include "base/error.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct schema {
    const char *const *steps; /* SQL from version i to i + 1 (PRAGMA user_version) */
    int versions;
    const char *settings; /* PRAGMAs of the connection, run first */
    const char *full;     /* NULL, or those to try when the disk refuses: it may be full */
};

/* Opens or makes the file, checks every page of it and brings it to the newest version. */
int database_open(const char *path, const struct schema *schema, sqlite3 **ret, struct error *err);

/* The sentence and code of what just failed on `db`; returns the code. */
int database_fail(sqlite3 *db, struct error *err);

int database_exec(sqlite3 *db, const char *sql, struct error *err);

/* A query under way. Begin, then rows until 0, then end; or query_run for one without rows.
 * `types` has a letter for each ? in `sql`: t `const char *` (NULL: NULL), i int64_t, d double,
 * b `const void *, size_t`. What they point to must stay until the query ends. */
struct query {
    sqlite3 *db;
    sqlite3_stmt *stmt;
};
int query_begin(struct query *q, sqlite3 *db, struct error *err, const char *sql, const char *types, ...);
int query_row(struct query *q, struct error *err); /* 1: a row is there; 0: no more; or an error */
void query_end(struct query *q);                   /* accepts a zeroed one */
int query_run(sqlite3 *db, struct error *err, const char *sql, const char *types, ...);

/* Of the row that is there: UTF-8 until the next row; "" stands for NULL. */
const char *query_text(const struct query *q, int column);
int64_t query_int(const struct query *q, int column);

/* One transaction, which takes the write lock at once. database_end commits when `rc` is 0, otherwise takes all back;
 * it returns `rc`, or what went wrong in committing. */
int database_begin(sqlite3 *db, struct error *err);
int database_end(sqlite3 *db, int rc, struct error *err);

#endif
