/* See log.h. A line is built on the stack, so that logging works when memory has run out. */
#include "base/log.h"

#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct log {
    int fd;
    int journal; /* 1: systemd's journal reads it, and takes a line's priority from its start */
    atomic_int format, level;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* systemd names the stream that it gave a service in $JOURNAL_STREAM, "device:inode". */
static int is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

int log_create(int fd, enum log_format format, enum log_level level, struct log **ret, struct error *err)
{
    struct log *log = malloc(sizeof *log);
    if (!log)
        return error_nomem(err);
    log->fd = fd;
    log->journal = is_journal(fd);
    atomic_init(&log->format, format);
    atomic_init(&log->level, level);
    *ret = log;
    return 0;
}

void log_free(struct log *log)
{
    free(log);
}

void log_set(struct log *log, enum log_format format, enum log_level level)
{
    atomic_store(&log->format, format);
    atomic_store(&log->level, level);
}

int log_wants(const struct log *log, enum log_level level)
{
    return log && (int)level >= atomic_load(&log->level);
}

struct line {
    char text[LOG_LINE_MAX];
    size_t len;
};

#define LINE_TAIL 8 /* kept free for the end of a line: "\"}\n" */

static void add(struct line *l, const char *s, size_t n)
{
    if (l->len + n > sizeof l->text - LINE_TAIL)
        return; /* this piece is left out; what follows may be shorter */
    memcpy(l->text + l->len, s, n);
    l->len += n;
}

static void add_str(struct line *l, const char *s)
{
    add(l, s, strlen(s));
}

/* Inside quotes: JSON's escapes serve both formats. Bytes that are no UTF-8 become U+FFFD. */
static void add_escaped(struct line *l, const char *s)
{
    const size_t n = strlen(s);
    char code[8];
    uint32_t cp;
    for (size_t i = 0, w; i < n; i += w) {
        w = utf8_decode(s + i, n - i, &cp);
        if (w == 0) {
            add_str(l, "\xEF\xBF\xBD");
            w = 1;
        } else if (cp == '"' || cp == '\\') {
            code[0] = '\\';
            code[1] = (char)cp;
            add(l, code, 2);
        } else if (cp < 0x20 || cp == 0x7F || (cp >= 0x80 && cp < 0xA0) || cp == 0x2028 || cp == 0x2029) {
            snprintf(code, sizeof code, "\\u%04x", (unsigned)cp);
            add_str(l, code);
        } else {
            add(l, s + i, w);
        }
    }
}

static int is_plain(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:%")] == '\0';
}

static void add_value(struct line *l, const struct log_field *f, int json)
{
    char number[40];
    switch (f->kind) {
    case LOG_FIELD_STR:
        if (!json && f->str && is_plain(f->str)) {
            add_str(l, f->str);
        } else {
            add_str(l, "\"");
            add_escaped(l, f->str ? f->str : "");
            add_str(l, "\"");
        }
        break;
    case LOG_FIELD_INT:
        snprintf(number, sizeof number, "%lld", (long long)f->integer);
        add_str(l, number);
        break;
    case LOG_FIELD_NUM:
        snprintf(number, sizeof number, "%.6g", f->number);
        add_str(l, isfinite(f->number) ? number : "null");
        break;
    }
}

void log_fields(struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
    struct line l = {.len = 0};
    struct timespec now;
    struct tm utc;
    char stamp[40];
    if (!log_wants(log, level))
        return;
    if (log->journal)
        add_str(&l, (const char *const[]){"<7>", "<6>", "<4>", "<3>"}[level]);
    const int json = atomic_load(&log->format) == LOG_JSON;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    const size_t n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + n, sizeof stamp - n, ".%03ldZ", now.tv_nsec / 1000000);
    if (json) {
        add_str(&l, "{\"time\":\"");
        add_str(&l, stamp);
        add_str(&l, "\",\"level\":\"");
        add_str(&l, level_names[level]);
        add_str(&l, "\",\"event\":\"");
        add_escaped(&l, event);
        add_str(&l, "\"");
    } else {
        add_str(&l, stamp);
        add_str(&l, " ");
        add_str(&l, level_names[level]);
        add_str(&l, " ");
        add_escaped(&l, event);
    }
    for (; fields->key; fields++) {
        const size_t before = l.len;
        add_str(&l, json ? ",\"" : " ");
        add_str(&l, fields->key);
        add_str(&l, json ? "\":" : "=");
        const size_t head = l.len;
        add_value(&l, fields, json);
        if (l.len == head)
            l.len = before; /* no room for the value: no key either */
    }
    memcpy(l.text + l.len, json ? "}\n" : "\n", json ? 2 : 1);
    l.len += json ? 2 : 1;
    /* a log that cannot be written has nobody to be told to */
    while (write(log->fd, l.text, l.len) < 0 && errno == EINTR)
        ;
}

int log_level_parse(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return -1;
}

int log_format_parse(const char *name)
{
    return strcmp(name, "text") == 0 ? LOG_TEXT : strcmp(name, "json") == 0 ? LOG_JSON : -1;
}
