/* See routes.h. Patterns are matched part by part; there are few enough to try them all. */
#include "server/routes.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_TEXT_MAX 1024 /* bytes of one error sentence */

const struct route *const route_tables[] = {
    routes_health, routes_openai, routes_tts, routes_voice, routes_history, routes_shimmy, routes_danmaku, routes_live,
    routes_docs,
    routes_metrics, NULL,
};

static int pattern_matches(const char *pattern, const char *path, struct route_args *args)
{
    int n = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return 0;
            continue;
        }
        const size_t len = strcspn(path, "/");
        if (len == 0 || len >= ROUTE_ARG_MAX || n == ROUTE_ARGS_MAX)
            return 0;
        memcpy(args->value[n], path, len);
        args->value[n++][len] = '\0';
        path += len;
        pattern += strcspn(pattern, "}") + 1;
    }
    return *path == '\0';
}

const struct route *route_find(const char *method, const char *path, struct route_args *args, int *ret_status,
                               char *ret_allow, size_t size)
{
    size_t used = 0;
    *ret_status = 404;
    ret_allow[0] = '\0';
    for (const struct route *const *table = route_tables; *table; table++)
        for (const struct route *r = *table; r->method; r++) {
            if (!pattern_matches(r->pattern, path, args))
                continue;
            if (strcmp(r->method, method) == 0)
                return r;
            *ret_status = 405;
            const int n = snprintf(ret_allow + used, size - used, "%s%s", used ? ", " : "", r->method);
            if (n > 0 && (size_t)n < size - used)
                used += (size_t)n;
        }
    return NULL;
}

static const struct http_header json_headers[] = {{"Content-Type", "application/json"}, {0}};

/* Takes over `json`; NULL: memory has run out. */
static void reply_with(struct http_request *r, int status, const struct http_header *headers, json_t *json)
{
    struct buf body = BUF_INIT;
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(json);
    if (!text || buf_add_str(&body, text) || buf_add_char(&body, '\n')) {
        static const char sorry[] =
            "{\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n";
        http_respond_static(r, 500, json_headers, sorry, sizeof sorry - 1);
        buf_release(&body);
    } else {
        http_respond_buf(r, status, headers, &body);
    }
    free(text);
}

void reply_json(struct http_request *r, int status, json_t *json)
{
    reply_with(r, status, json_headers, json);
}

static const char *error_type(int status)
{
    return status == 401   ? "authentication_error"
           : status == 403 ? "permission_error"
           : status == 429 ? "rate_limit_error"
           : status >= 500 ? "server_error"
                           : "invalid_request_error";
}

json_t *error_json(int status, const char *param, const char *code, const char *message)
{
    return json_pack("{s:{s:s,s:s,s:s?,s:s?}}", "error", "message", message, "type", error_type(status), "param", param,
                     "code", code);
}

/* JSON takes nothing but UTF-8, and a message may quote what a client sent: it ends before the first byte that is
 * none. */
__attribute__((format(printf, 2, 0), nonnull(2))) static void format_message(char message[REPLY_TEXT_MAX],
                                                                             const char *fmt, va_list ap)
{
    vsnprintf(message, REPLY_TEXT_MAX, fmt, ap);
    message[utf8_valid_prefix(message, strlen(message))] = '\0';
}

void reply_error(struct http_request *r, int status, const char *param, const char *code, const char *fmt, ...)
{
    char message[REPLY_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    format_message(message, fmt, ap);
    va_end(ap);
    reply_json(r, status, error_json(status, param, code, message));
}

void reply_retry(struct http_request *r, int seconds, const char *code, const char *fmt, ...)
{
    char message[REPLY_TEXT_MAX], after[16];
    const struct http_header headers[] = {{"Content-Type", "application/json"}, {"Retry-After", after}, {0}};
    va_list ap;
    va_start(ap, fmt);
    format_message(message, fmt, ap);
    va_end(ap);
    snprintf(after, sizeof after, "%d", seconds);
    reply_with(r, 503, headers, error_json(503, NULL, code, message));
}

json_t *request_json(struct http_request *r)
{
    const struct slice body = http_body(r);
    json_error_t e;
    json_t *json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &e);
    if (!json)
        reply_error(r, 400, NULL, "invalid_json", "the body is no JSON: line %d, column %d: %s", e.line, e.column,
                    e.text);
    else if (!json_is_object(json))
        reply_error(r, 400, NULL, "invalid_json", "the body is JSON, but no object");
    if (json && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}
