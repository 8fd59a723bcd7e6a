/* Who may do what: tokens and their scopes, and what keeps a hostile web page from using a server that has none.
 *
 * A server without tokens trusts whoever is on its machine, so it listens on nothing but loopback addresses and Unix
 * sockets (auth_check_exposure). A browser on that machine runs pages of strangers, though. Two checks keep those out:
 *   Host      must be a loopback name or address, one that is listened on, or one of server.allowed_hosts. A page whose
 *             own name has been pointed at 127.0.0.1 (DNS rebinding) still sends its own name.
 *   Origin    of a request that changes something, costs work or opens a WebSocket must be the server's own or one of
 *             server.cors_origins; Sec-Fetch-Site tells where the browser sends no Origin.
 * With tokens, a page would need one, which no browser adds by itself; Origin is checked all the same.
 *
 * A token comes as "Authorization: Bearer", as "x-api-key", or, for EventSource, WebSocket and <audio>, which cannot
 * set headers, as ?access_token= of a GET. All of them are compared in constant time, by their SHA-256. An address that
 * keeps sending wrong ones is answered 429 without a look; loopback and Unix sockets are not, because behind a proxy on
 * this machine all clients look like that.
 *
 * Everything works on a request's data, without sockets; the loop's thread owns the limiter. */
#ifndef ISHOW_SERVER_AUTH_H
#define ISHOW_SERVER_AUTH_H

#include "net/http_server.h"
#include "config/config.h"

#define AUTH_FAILURES_MAX    20  /* wrong tokens of an address in a row; then ... */
#define AUTH_FAILURE_SECONDS 3.0 /* ... one more every so often */
#define AUTH_ADDRESSES       256 /* that are remembered; the one that is longest silent makes room */
#define AUTH_QUERY_TOKEN     "access_token"
#define AUTH_HEADERS_MAX     10
#define AUTH_ADDRESS_MAX     48 /* bytes of an address as text, '\0' included */

/* What a request says about itself; NULL: it does not say. */
struct auth_request {
    const char *method;
    const char *peer;                             /* "192.0.2.1", "2001:db8::1", "unix" */
    const char *host, *origin, *fetch_site;       /* Host, Origin, Sec-Fetch-Site */
    const char *authorization, *api_key;          /* Authorization, x-api-key */
    const char *query_token;                      /* ?access_token= */
    const char *request_method, *request_headers; /* Access-Control-Request-Method, -Headers: of a preflight */
    int websocket;                                /* it asks to become one */
    unsigned needs;                               /* of enum config_scope; 0: open to all */
};

struct auth_verdict {
    int status;           /* 0: go on; else 400, 401, 403 or 429 */
    const char *reason;   /* static: "" or a word for metrics and clients, "bad_token" */
    const char *sentence; /* static: "" or for people */
    int retry_after;      /* seconds, with 429 */
    const char *name;     /* of the token, or "" ; lives as long as the configuration */
};

/* Wrong tokens per address. Zero-initialise. */
struct auth_limiter {
    struct auth_failures {
        char address[AUTH_ADDRESS_MAX];
        double count, at; /* at `at` seconds so many counted; one less every AUTH_FAILURE_SECONDS */
    } entries[AUTH_ADDRESSES];
};

/* `now` in seconds of a clock that never jumps. */
struct auth_verdict auth_check(const struct config *c, struct auth_limiter *limiter, const struct auth_request *r,
                               double now);

/* E_FORMAT with a sentence that says how to make a token, when an address reaches beyond this machine without
 * one. `addresses` are as in server.bind. */
int auth_check_exposure(const struct config *c, const struct config_texts *addresses, struct error *err);

/* The address that the limits count by and the log names: the peer, or what trusted proxies say in X-Forwarded-For
 * (`forwarded`, or NULL) stood before them. */
void auth_client_address(const struct config *c, const char *peer, const char *forwarded, char ret[AUTH_ADDRESS_MAX]);

/* -------- headers of answers -------- */

struct auth_headers {
    struct http_header items[AUTH_HEADERS_MAX + 1]; /* values are static, or the request's; ended by a NULL name */
    size_t count;
};

/* May pages of this origin read answers? 1 for the server's own, too. */
int auth_origin_allowed(const struct config *c, const char *origin, const char *host);

/* Adds what lets a page of an allowed origin read the answer; Vary in any case. */
void auth_add_cors(const struct config *c, const struct auth_request *r, struct auth_headers *h);

/* Is this a CORS preflight? Then it is answered with the status (204 or 403) and those headers. */
int auth_is_preflight(const struct auth_request *r);
int auth_preflight(const struct config *c, const struct auth_request *r, struct auth_headers *h);

/* What every answer carries; pages add a policy of their own. */
void auth_add_security(struct auth_headers *h);

#endif
