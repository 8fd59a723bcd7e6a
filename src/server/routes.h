/* The table of what this server answers, and what the handlers share. */
#ifndef ISHOW_SERVER_ROUTES_H
#define ISHOW_SERVER_ROUTES_H

#include "net/http_server.h"
#include "server/server_state.h"

#include <jansson.h>

#define ROUTE_ARGS_MAX 2
#define ROUTE_ARG_MAX  256 /* bytes of one part of a path */

enum scope { SCOPE_NONE, SCOPE_READ, SCOPE_SPEAK, SCOPE_MANAGE };

/* What stood in the place of {…} in the pattern, percent-decoded. */
struct route_args {
    char value[ROUTE_ARGS_MAX][ROUTE_ARG_MAX];
};

struct route {
    const char *method, *pattern; /* "/api/voices/{id}/reference" */
    const char *name;             /* in metrics and logs: "voice_reference" */
    enum scope scope;
    size_t body_max; /* 0: the server's usual limit */
    void (*handle)(struct server *s, struct http_request *r, const struct route_args *args);
};

/* Each file of handlers has one table, ended by a NULL method. */
extern const struct route routes_health[], routes_openai[], routes_tts[], routes_voice[], routes_history[],
    routes_shimmy[], routes_danmaku[], routes_live[], routes_docs[], routes_metrics[];

/* All of them, ended by NULL. */
extern const struct route *const route_tables[];

/* The route of a request; NULL with 404 or 405 in ret_status. `ret_allow` [size] receives the methods for 405. */
const struct route *route_find(const char *method, const char *path, struct route_args *args, int *ret_status,
                               char *ret_allow, size_t size);

/* -------- answers -------- */

/* Takes over `json`; NULL (memory has run out) is answered with 500. */
void reply_json(struct http_request *r, int status, json_t *json);

/* {"error":{"message","type","param","code"}}; param and code may be NULL. */
__attribute__((format(printf, 5, 6))) void reply_error(struct http_request *r, int status, const char *param,
                                                       const char *code, const char *fmt, ...);

/* The same, with Retry-After: 503 because it is too much now. */
__attribute__((format(printf, 4, 5))) void reply_retry(struct http_request *r, int seconds, const char *code,
                                                       const char *fmt, ...);

/* The object that those two send; NULL when memory has run out. */
json_t *error_json(int status, const char *param, const char *code, const char *message);

/* The body as a JSON object, or NULL after a 400 that says where it is none. */
json_t *request_json(struct http_request *r);

#endif
