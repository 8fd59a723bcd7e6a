/* See visitor.h. */
#include "server/visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct visitor *visitor_of(const struct http_request *r)
{
    return http_context(r);
}

const char *visitor_name(const struct http_request *r)
{
    const struct visitor *v = visitor_of(r);
    return !v ? http_peer(r) : *v->token ? v->token : v->address;
}

void visitor_free(struct http_request *r)
{
    struct visitor *v = http_context(r);
    if (v)
        config_free(v->config);
    free(v);
    http_set_context(r, NULL);
}

static int is_websocket(const struct http_request *r)
{
    const char *upgrade = http_header(r, "Upgrade");
    return upgrade && strcasecmp(upgrade, "websocket") == 0;
}

static struct auth_request describe(const struct http_request *r, const struct visitor *v)
{
    static const unsigned bits[] = {
        [SCOPE_NONE] = 0, [SCOPE_READ] = MAY_READ, [SCOPE_SPEAK] = MAY_SPEAK, [SCOPE_MANAGE] = MAY_MANAGE};
    return (struct auth_request){.method = http_method(r),
                                 .peer = v->address,
                                 .host = http_header(r, "Host"),
                                 .origin = http_header(r, "Origin"),
                                 .fetch_site = http_header(r, "Sec-Fetch-Site"),
                                 .authorization = http_header(r, "Authorization"),
                                 .api_key = http_header(r, "x-api-key"),
                                 .query_token = http_query(r, AUTH_QUERY_TOKEN),
                                 .request_method = http_header(r, "Access-Control-Request-Method"),
                                 .request_headers = http_header(r, "Access-Control-Request-Headers"),
                                 .websocket = is_websocket(r),
                                 .needs = v->route ? bits[v->route->scope] : 0};
}

/* Every answer to this request carries these. */
static void add_headers(struct http_request *r, const struct auth_headers *h)
{
    for (size_t i = 0; i < h->count; i++)
        http_add_header(r, h->items[i].name, h->items[i].value);
}

static void refuse(struct server *s, struct http_request *r, const struct auth_verdict *v)
{
    char seconds[16];
    log_event(s->log, LOG_WARN, "refused", log_str("id", http_id(r)), log_str("client", visitor_name(r)),
              log_str("reason", v->reason));
    if (v->status == 401)
        http_add_header(r, "WWW-Authenticate", "Bearer");
    if (v->status == 429) {
        snprintf(seconds, sizeof seconds, "%d", v->retry_after);
        http_add_header(r, "Retry-After", seconds);
    }
    reply_error(r, v->status, NULL, v->reason, "%s", v->sentence);
}

static void refuse_path(struct http_request *r, int status, const char *allow)
{
    if (status == 405)
        http_add_header(r, "Allow", allow);
    if (status == 405)
        reply_error(r, status, NULL, "method_not_allowed", "%s takes other methods: %s", http_path(r), allow);
    else
        reply_error(r, status, NULL, "not_found", "there is no %s here", http_path(r));
}

int visitor_admit(struct server *s, struct http_request *r)
{
    struct visitor *v = calloc(1, sizeof *v);
    struct route_args args;
    struct auth_headers headers = {0};
    char allow[64];
    int status;
    if (!v) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return 0;
    }
    v->config = config_ref(s->config);
    v->token = "";
    auth_client_address(v->config, http_peer(r), http_header_last(r, "X-Forwarded-For"), v->address);
    http_set_context(r, v);
    v->route = route_find(http_method(r), http_path(r), &args, &status, allow, sizeof allow);
    const struct auth_request request = describe(r, v);
    auth_add_security(&headers);
    if (auth_is_preflight(&request)) {
        status = auth_preflight(v->config, &request, &headers);
        add_headers(r, &headers);
        http_respond_static(r, status, NULL, "", 0);
        return 0;
    }
    auth_add_cors(v->config, &request, &headers);
    add_headers(r, &headers);
    const struct auth_verdict verdict = auth_check(v->config, &s->limiter, &request, loop_now(s->loop));
    v->token = verdict.name;
    if (verdict.status)
        refuse(s, r, &verdict);
    else if (!v->route)
        refuse_path(r, status, allow);
    return !verdict.status && v->route;
}
