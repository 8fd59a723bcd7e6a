/* A log of events for people (text) or programs (JSON): one line an event, with named fields.
 *
 *     log_event(log, LOG_INFO, "request", log_str("id", id), log_int("status", 200), log_num("seconds", 0.12));
 *
 * One line is one write(2), so that lines of several threads never mix. Control characters are escaped: a
 * client cannot forge a line. Every function may be called from any thread. A NULL log swallows everything. */
#ifndef ISHOW_BASE_LOG_H
#define ISHOW_BASE_LOG_H

#include "base/error.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

#define LOG_LINE_MAX 8192 /* bytes; a longer field is cut */

struct log;

/* Writes to `fd`, which is borrowed. Where systemd's journal reads it, lines begin with their priority, "<4>", which
 * the journal takes off: `journalctl -p warning` finds what it should. */
int log_create(int fd, enum log_format format, enum log_level level, struct log **ret, struct error *err);
void log_free(struct log *log); /* accepts NULL */
void log_set(struct log *log, enum log_format format, enum log_level level);
int log_wants(const struct log *log, enum log_level level);

struct log_field {
    const char *key; /* NULL ends a list */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_NUM } kind;
    union {
        const char *str; /* NULL is written as an empty string */
        int64_t integer;
        double number;
    };
};

static inline struct log_field log_str(const char *key, const char *v)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_STR, .str = v};
}
static inline struct log_field log_int(const char *key, int64_t v)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_INT, .integer = v};
}
static inline struct log_field log_num(const char *key, double v)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_NUM, .number = v};
}

/* `fields` ends with a field whose key is NULL. */
void log_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields);

#define log_event(log, level, event, ...) \
    log_fields((log), (level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

/* "debug", "info", "warn", "error"; "text", "json". -1 for other words. */
int log_level_parse(const char *name);
int log_format_parse(const char *name);

#endif
