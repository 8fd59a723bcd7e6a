/* What answers tell browsers: which pages may read them, and how they are to be handled. See auth.h. */
#include "server/auth.h"

#include <string.h>

static void add(struct auth_headers *h, const char *name, const char *value)
{
    if (h->count < AUTH_HEADERS_MAX)
        h->items[h->count++] = (struct http_header){name, value};
    h->items[h->count] = (struct http_header){NULL, NULL};
}

void auth_add_cors(const struct config *c, const struct auth_request *r, struct auth_headers *h)
{
    add(h, "Vary", "Origin");
    if (!r->origin || !auth_origin_allowed(c, r->origin, r->host))
        return;
    add(h, "Access-Control-Allow-Origin", r->origin);
    add(h, "Access-Control-Expose-Headers", "*");
}

int auth_is_preflight(const struct auth_request *r)
{
    return strcmp(r->method, "OPTIONS") == 0 && r->origin && r->request_method;
}

/* No credentials are allowed for: a token in a header is none in the sense of CORS, and there are no cookies. The names
 * of headers are given back as they were asked for, because clients of OpenAI's API send many of their own. */
int auth_preflight(const struct config *c, const struct auth_request *r, struct auth_headers *h)
{
    add(h, "Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    if (!auth_origin_allowed(c, r->origin, r->host))
        return 403;
    add(h, "Access-Control-Allow-Origin", r->origin);
    add(h, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    add(h, "Access-Control-Allow-Headers", r->request_headers ? r->request_headers : "Authorization, Content-Type");
    add(h, "Access-Control-Allow-Private-Network", "true");
    add(h, "Access-Control-Max-Age", "600");
    return 204;
}

void auth_add_security(struct auth_headers *h)
{
    add(h, "X-Content-Type-Options", "nosniff");
    add(h, "Cross-Origin-Resource-Policy", "same-origin");
    add(h, "Referrer-Policy", "no-referrer");
}
