/* See auth.h: tokens, hosts and origins. What goes into answers is in auth_headers.c. */
#include "server/auth.h"

#include "config/host_name.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

/* -------- who asks -------- */

static int is_trusted(const struct config *c, const char *address)
{
    for (size_t i = 0; i < c->server.trusted_proxies.count; i++) {
        const char *range = c->server.trusted_proxies.items[i];
        if (strcmp(range, address) == 0 || host_in_range(address, range) == 1)
            return 1;
    }
    return 0;
}

/* "1.2.3.4", "1.2.3.4:80", "[::1]:80" or "::1", blanks around it, as an address. */
static int parse_forwarded(const char *from, size_t n, struct host_name *ret)
{
    char text[AUTH_ADDRESS_MAX + 16];
    while (n && strchr(" \t\"", *from)) {
        from++;
        n--;
    }
    while (n && strchr(" \t\"", from[n - 1]))
        n--;
    if (n == 0 || n >= sizeof text)
        return -1;
    memcpy(text, from, n);
    text[n] = '\0';
    if (host_parse_address(text, ret) == 0)
        return 0;
    return host_parse(text, ret) || !ret->family ? -1 : 0;
}

static void set_address(char ret[AUTH_ADDRESS_MAX], const char *address)
{
    size_t n = strnlen(address, AUTH_ADDRESS_MAX - 1);
    memcpy(ret, address, n);
    ret[n] = '\0';
}

/* From the right: each proxy adds whom it was asked by, so what stands left of an untrusted one may be invented. */
void auth_client_address(const struct config *c, const char *peer, const char *forwarded, char ret[AUTH_ADDRESS_MAX])
{
    size_t end = forwarded ? strlen(forwarded) : 0;
    struct host_name h;
    set_address(ret, host_parse_address(peer, &h) ? peer : h.name);
    while (end > 0 && is_trusted(c, ret)) {
        size_t start = end;
        while (start > 0 && forwarded[start - 1] != ',')
            start--;
        if (parse_forwarded(forwarded + start, end - start, &h))
            return;
        set_address(ret, h.name);
        end = start ? start - 1 : 0;
    }
}

/* -------- hosts and origins -------- */

static int is_our_host(const struct config *c, const struct host_name *host)
{
    struct host_name known;
    if (host_is_loopback(host))
        return 1;
    for (size_t i = 0; i < c->server.allowed_hosts.count; i++)
        if (!host_parse(c->server.allowed_hosts.items[i], &known) && host_same(host, &known))
            return 1;
    for (size_t i = 0; i < c->server.bind.count; i++)
        if (!host_parse(c->server.bind.items[i], &known) && !host_is_any(&known) && host_same(host, &known))
            return 1;
    return 0;
}

int auth_origin_allowed(const struct config *c, const char *origin, const char *host)
{
    struct host_name from, other;
    int secure, other_secure;
    if (host_parse_origin(origin, &from, &secure))
        return 0;
    /* a proxy may have taken TLS away, so the scheme does not tell: Host's port, if it has one, must be the origin's */
    if (host && !host_parse(host, &other) && host_same(&from, &other) &&
        (other.port < 0 ? from.port == (secure ? 443 : 80) : from.port == other.port))
        return 1;
    for (size_t i = 0; i < c->server.cors_origins.count; i++)
        if (!host_parse_origin(c->server.cors_origins.items[i], &other, &other_secure) && host_same(&from, &other) &&
            from.port == other.port && secure == other_secure)
            return 1;
    return 0;
}

static int is_reading(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Does a page of strangers gain by sending this, even though it cannot read the answer? */
static int is_acting(const struct auth_request *r)
{
    return r->websocket || !is_reading(r->method) || (r->needs & (MAY_SPEAK | MAY_MANAGE));
}

static struct auth_verdict refuse(int status, const char *reason, const char *sentence)
{
    return (struct auth_verdict){.status = status, .reason = reason, .sentence = sentence, .name = ""};
}

static struct auth_verdict check_page(const struct config *c, const struct auth_request *r)
{
    struct host_name host;
    if (!r->host || host_parse(r->host, &host))
        return refuse(400, "bad_host", "the Host header names no host");
    if (c->auth.count == 0 && !is_our_host(c, &host))
        return refuse(403, "foreign_host",
                      "this server does not go by the name in the Host header; server.allowed_hosts is for more names");
    int foreign = r->origin ? !auth_origin_allowed(c, r->origin, r->host)
                            : r->fetch_site && (strcasecmp(r->fetch_site, "cross-site") == 0 ||
                                                strcasecmp(r->fetch_site, "same-site") == 0);
    if (foreign && is_acting(r))
        return refuse(403, "foreign_origin",
                      "pages of that origin may not use this server; server.cors_origins is for those that may");
    return (struct auth_verdict){.reason = "", .sentence = "", .name = ""};
}

/* -------- wrong tokens -------- */

/* Whom an address stands for: itself, or in IPv6 the network that a single customer has. "" for this machine. */
static void limited_as(const char *address, char ret[AUTH_ADDRESS_MAX])
{
    struct host_name h;
    unsigned char bytes[16];
    ret[0] = '\0';
    if (host_parse_address(address, &h) || host_is_loopback(&h))
        return;
    if (h.family == AF_INET6 && inet_pton(AF_INET6, h.name, bytes) == 1) {
        memset(bytes + 8, 0, 8);
        inet_ntop(AF_INET6, bytes, ret, AUTH_ADDRESS_MAX);
    } else {
        set_address(ret, h.name);
    }
}

static double failures_now(const struct auth_failures *f, double now)
{
    double left = f->count - (now - f->at) / AUTH_FAILURE_SECONDS;
    return left > 0 ? left : 0;
}

static struct auth_failures *find_failures(struct auth_limiter *limiter, const char *key)
{
    for (size_t i = 0; i < AUTH_ADDRESSES; i++)
        if (strcmp(limiter->entries[i].address, key) == 0)
            return &limiter->entries[i];
    return NULL;
}

static void count_failure(struct auth_limiter *limiter, const char *key, double now)
{
    struct auth_failures *f = find_failures(limiter, key);
    if (!f) {
        f = &limiter->entries[0];
        for (size_t i = 1; i < AUTH_ADDRESSES; i++)
            if (limiter->entries[i].at < f->at)
                f = &limiter->entries[i];
        *f = (struct auth_failures){.at = now};
        memcpy(f->address, key, strlen(key) + 1);
    }
    f->count = failures_now(f, now) + 1;
    f->at = now;
}

/* -------- tokens -------- */

/* What is given as a token, in the order in which it counts; NULL: nothing is. */
static const char *given_token(const struct auth_request *r)
{
    if (r->authorization) {
        size_t n = strcspn(r->authorization, " ");
        const char *token = r->authorization + n + strspn(r->authorization + n, " ");
        return n == 6 && strncasecmp(r->authorization, "Bearer", n) == 0 ? token : "";
    }
    if (r->api_key)
        return r->api_key;
    return is_reading(r->method) ? r->query_token : NULL;
}

/* All are compared, whichever it is. */
static const struct config_token *find_token(const struct config *c, const char *token)
{
    unsigned char digest[CONFIG_DIGEST];
    const struct config_token *found = NULL;
    SHA256((const unsigned char *)token, strlen(token), digest);
    for (size_t i = 0; i < c->auth.count; i++)
        if (CRYPTO_memcmp(digest, c->auth.items[i].digest, CONFIG_DIGEST) == 0)
            found = &c->auth.items[i];
    return found;
}

static const char *missing_scope(unsigned missing)
{
    return missing & MAY_MANAGE  ? "this token may not manage: its scopes lack \"manage\""
           : missing & MAY_SPEAK ? "this token may not speak: its scopes lack \"speak\""
                                 : "this token may not read: its scopes lack \"read\"";
}

static struct auth_verdict check_token(const struct config *c, struct auth_limiter *limiter,
                                       const struct auth_request *r, double now)
{
    const char *token = given_token(r);
    char key[AUTH_ADDRESS_MAX];
    if (!token)
        return refuse(401, "no_token", "this server wants a token: \"Authorization: Bearer TOKEN\", or x-api-key");
    limited_as(r->peer, key);
    const struct auth_failures *f = *key ? find_failures(limiter, key) : NULL;
    double failures = f ? failures_now(f, now) : 0;
    if (failures > AUTH_FAILURES_MAX - 1) {
        struct auth_verdict v = refuse(429, "too_many_bad_tokens", "too many wrong tokens came from this address");
        v.retry_after = 1 + (int)((failures - (AUTH_FAILURES_MAX - 1)) * AUTH_FAILURE_SECONDS);
        return v;
    }
    const struct config_token *t = find_token(c, token);
    if (!t) {
        if (*key)
            count_failure(limiter, key, now);
        return refuse(401, "bad_token", "the token is none of this server's");
    }
    struct auth_verdict v = {.reason = "", .sentence = "", .name = t->name};
    if ((t->scopes & r->needs) != r->needs) {
        v.status = 403;
        v.reason = "missing_scope";
        v.sentence = missing_scope(r->needs & ~t->scopes);
    }
    return v;
}

struct auth_verdict auth_check(const struct config *c, struct auth_limiter *limiter, const struct auth_request *r,
                               double now)
{
    struct auth_verdict v = check_page(c, r);
    if (v.status || c->auth.count == 0 || r->needs == 0)
        return v;
    return check_token(c, limiter, r, now);
}

int auth_check_exposure(const struct config *c, const struct config_texts *addresses, struct error *err)
{
    for (size_t i = 0; i < addresses->count && c->auth.count == 0; i++) {
        struct host_name host;
        if (strncmp(addresses->items[i], "unix:", 5) == 0)
            continue;
        if (host_parse(addresses->items[i], &host) || !host_is_loopback(&host))
            return error_set(
                err, E_FORMAT,
                "%.100s can be reached from other machines, but there is no token, so anybody could use this "
                "server; make one with `openssl rand -hex 32` and give it as token in [auth] of the "
                "configuration, or as ISHOWTTS__auth__token",
                addresses->items[i]);
    }
    return 0;
}
