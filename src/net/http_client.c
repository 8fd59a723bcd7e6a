/* See http_client.h. Transfers are recycled: a libcurl handle costs more to make than to use. */
#include "net/http_client.h"

#include "net/curl_loop.h"

#include <stdlib.h>

#define RECEIVE_BUFFER 16384 /* bytes a transfer */

struct transfer {
    CURL *curl;
    struct http_client *client;
    struct http_call call;
    int hung_up;
    struct transfer *prev, *next; /* in `busy`; `next` alone in `idle` */
};

struct http_client {
    struct curl_loop *curl;
    struct transfer *busy, *idle;
    size_t busy_count, most;
};

/* -------- calls -------- */

static void unlink_busy(struct transfer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        t->client->busy = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->client->busy_count--;
}

static void on_done(void *user, CURL *easy, CURLcode code)
{
    struct http_client *c = user;
    struct transfer *t = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(curl_loop_multi(c->curl), easy);
    unlink_busy(t);
    t->next = c->idle;
    c->idle = t;
    const struct http_outcome o = {(int)status, code && !t->hung_up ? curl_words(code) : NULL, t->hung_up};
    const struct http_call call = t->call; /* on_done may start another in the same transfer */
    call.on_done(call.user, &o);
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    long status = 0;
    if (!t->call.on_data)
        return size * count;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->hung_up = t->call.on_data(t->call.user, (int)status, data, size * count) != 0;
    return t->hung_up ? 0 : size * count;
}

static void transfer_free(struct transfer *t)
{
    if (t)
        curl_easy_cleanup(t->curl);
    free(t);
}

static struct transfer *transfer_create(struct http_client *c)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t || !(t->curl = curl_easy_init())) {
        free(t);
        return NULL;
    }
    t->client = c;
    int bad = curl_set_common(t->curl);
    bad |= curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t);
    bad |= curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(t->curl, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_data);
    bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    if (bad) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

static int set_call(struct transfer *t, const struct http_call *call)
{
    CURL *c = t->curl;
    t->call = *call;
    t->hung_up = 0;
    int bad = curl_easy_setopt(c, CURLOPT_URL, call->url);
    if (call->body) {
        bad |= curl_easy_setopt(c, CURLOPT_POST, 1L);
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    } else {
        bad |= curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, (struct curl_slist *)call->headers);
    bad |= curl_easy_setopt(c, CURLOPT_INTERFACE, call->source);
    bad |= curl_easy_setopt(c, CURLOPT_PROXY, call->proxy ? call->proxy : "");
    bad |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)(call->fresh != 0));
    bad |= curl_easy_setopt(c, CURLOPT_FORBID_REUSE, (long)(call->fresh != 0));
    bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    return bad;
}

int http_client_call(struct http_client *c, const struct http_call *call, struct error *err)
{
    if (c->busy_count >= c->most)
        return error_set(err, E_LIMIT, "%zu requests are under way, and more than that are not wanted", c->busy_count);
    struct transfer *t = c->idle;
    if (t)
        c->idle = t->next;
    else if (!(t = transfer_create(c)))
        return error_nomem(err);
    if (set_call(t, call) || curl_multi_add_handle(curl_loop_multi(c->curl), t->curl)) {
        transfer_free(t);
        return error_nomem(err);
    }
    t->prev = NULL;
    t->next = c->busy;
    if (t->next)
        t->next->prev = t;
    c->busy = t;
    c->busy_count++;
    return 0;
}

size_t http_client_busy(const struct http_client *c)
{
    return c->busy_count;
}

/* -------- life -------- */

int http_client_create(struct loop *l, size_t most, struct http_client **ret, struct error *err)
{
    if (most < 1 || most > HTTP_CALLS_MAX)
        return error_set(err, E_ARG, "1 to %d requests can be under way at a time, not %zu", HTTP_CALLS_MAX, most);
    struct http_client *c = calloc(1, sizeof *c);
    if (!c)
        return error_nomem(err);
    c->most = most;
    const int rc = curl_loop_create(l, on_done, c, &c->curl, err);
    if (rc) {
        free(c);
        return rc;
    }
    curl_multi_setopt(curl_loop_multi(c->curl), CURLMOPT_MAXCONNECTS, (long)most);
    *ret = c;
    return 0;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    for (struct transfer *t = c->busy, *next; t; t = next) {
        next = t->next;
        const struct http_call call = t->call;
        curl_multi_remove_handle(curl_loop_multi(c->curl), t->curl);
        transfer_free(t);
        if (call.on_freed)
            call.on_freed(call.user);
    }
    for (struct transfer *t = c->idle, *next; t; t = next) {
        next = t->next;
        transfer_free(t);
    }
    curl_loop_free(c->curl);
    free(c);
}

int http_headers_add(struct http_headers **h, const char *line)
{
    struct curl_slist *longer = curl_slist_append((struct curl_slist *)*h, line);
    if (!longer)
        return E_NOMEM;
    *h = (struct http_headers *)longer;
    return 0;
}

void http_headers_free(struct http_headers *h)
{
    curl_slist_free_all((struct curl_slist *)h);
}
