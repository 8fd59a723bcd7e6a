/* History over HTTP: pages of what was said, one generation with its sound, and deleting. Everything is read and
 * deleted on the store's thread. */
#include "server/routes.h"

#include "base/utf8.h"
#include "store/store_history.h"
#include "store/store_thread.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DEFAULT 50

enum history_call_kind { HISTORY_PAGE, HISTORY_ONE, HISTORY_SOUND, HISTORY_DELETE, HISTORY_CLEAR };

struct call {
    struct store_job job;
    struct http_request *http; /* NULL: it has gone */
    enum history_call_kind kind;
    int64_t id;
    char search[HISTORY_SEARCH_MAX * UTF8_MAX + 1];
    struct store_history_query query;
    json_t *json; /* the answer, or the list that is to be part of it */
    int64_t last; /* id of the last of a page */
    struct buf sound;
    char format[16];
    struct error err;
    int rc;
};

/* -------- on the store's thread -------- */

static json_t *generation_json(const struct store_generation *g)
{
    json_t *params = json_loads(g->params, 0, NULL);
    if (!params)
        params = json_object();
    return json_pack("{s:I,s:s,s:I,s:s,s:s,s:s,s:o,s:f,s:f,s:f,s:f,s:f,s:s,s:I}", "id", (json_int_t)g->id, "request_id",
                     g->request, "time_ms", (json_int_t)g->time, "voice_id", g->voice, "engine", g->engine, "text",
                     g->text, "params", params, "queue_seconds", g->queue_seconds, "first_audio_seconds",
                     g->first_audio_seconds, "seconds", g->seconds, "audio_seconds", g->audio_seconds, "rtf",
                     g->audio_seconds > 0 ? round(g->seconds / g->audio_seconds * 1e6) / 1e6 : 0.0, "format", g->format,
                     "audio_bytes", (json_int_t)g->audio_len);
}

static int add_to_page(void *user, const struct store_generation *g, struct error *err)
{
    struct call *c = user;
    c->last = g->id;
    return json_array_append_new(c->json, generation_json(g)) ? error_nomem(err) : 0;
}

static int keep_one(void *user, const struct store_generation *g, struct error *err)
{
    struct call *c = user;
    c->json = generation_json(g);
    return c->json ? 0 : error_nomem(err);
}

static int read_page(struct store *s, struct call *c)
{
    struct store_history_totals t;
    if (!(c->json = json_array()))
        return error_nomem(&c->err);
    const int rc = store_history_page(s, &c->query, add_to_page, c, &t, &c->err);
    if (rc)
        return rc;
    json_t *whole = json_pack("{s:O,s:o,s:I,s:I}", "items", c->json, "next",
                              t.more ? json_integer((json_int_t)c->last) : json_null(), "total", (json_int_t)t.count,
                              "total_bytes", (json_int_t)t.bytes);
    json_decref(c->json);
    c->json = whole;
    return whole ? 0 : error_nomem(&c->err);
}

static int delete_all(struct store *s, struct call *c)
{
    int64_t n = 0;
    const int rc = store_history_clear(s, &n, &c->err);
    if (!rc)
        c->json = json_pack("{s:I}", "deleted", (json_int_t)n);
    return rc;
}

static int delete_one(struct store *s, struct call *c)
{
    const int rc = store_history_delete(s, c->id, &c->err);
    if (!rc)
        c->json = json_pack("{s:i}", "deleted", 1);
    return rc;
}

static void run(struct store *s, struct store_job *job)
{
    struct call *c = (struct call *)(void *)job;
    if (!s)
        c->rc = error_set(&c->err, E_IO, "there is no history: the folder for data cannot be used; the log says why");
    else if (c->kind == HISTORY_PAGE)
        c->rc = read_page(s, c);
    else if (c->kind == HISTORY_ONE)
        c->rc = store_history_find(s, c->id, keep_one, c, &c->err);
    else if (c->kind == HISTORY_SOUND)
        c->rc = store_history_audio(s, c->id, &c->sound, c->format, &c->err);
    else if (c->kind == HISTORY_DELETE)
        c->rc = delete_one(s, c);
    else
        c->rc = delete_all(s, c);
}

/* -------- on the loop's thread -------- */

static const char *type_of(const char *format)
{
    static const char *const types[][2] = {
        {"wav", "audio/wav"},  {"flac", "audio/flac"}, {"ogg", "audio/ogg"},
        {"opus", "audio/ogg"}, {"mp3", "audio/mpeg"},  {"pcm", "audio/pcm"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(format, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static void reply_sound(struct call *c)
{
    char name[64];
    snprintf(name, sizeof name, "inline; filename=\"speech-%lld.%s\"", (long long)c->id, c->format);
    const struct http_header headers[] = {
        {"Content-Type", type_of(c->format)},
        {"Cache-Control", "no-store"},
        {"Content-Disposition", name},
        {"X-Content-Type-Options", "nosniff"},
        {0},
    };
    http_respond_buf(c->http, 200, headers, &c->sound);
}

static void reply_failure(struct call *c)
{
    if (c->rc == E_NOTFOUND)
        reply_error(c->http, 404, NULL, "not_found", "%s", c->err.text);
    else if (c->rc == E_NOMEM)
        reply_error(c->http, 500, NULL, NULL, "%s", c->err.text);
    else
        reply_retry(c->http, (int)HISTORY_RETRY, "history_off", "%s", c->err.text);
}

static void reply(struct call *c)
{
    if (c->rc)
        reply_failure(c);
    else if (c->kind == HISTORY_SOUND && !*c->format)
        reply_error(c->http, 404, NULL, "no_audio", "generation %lld was kept without its sound", (long long)c->id);
    else if (c->kind == HISTORY_SOUND)
        reply_sound(c);
    else
        reply_json(c->http, 200, json_incref(c->json));
}

static void done(struct store_job *job)
{
    struct call *c = (struct call *)(void *)job;
    if (c->http)
        reply(c);
    json_decref(c->json);
    buf_release(&c->sound);
    free(c);
}

static void gone(void *user)
{
    struct call *c = user;
    c->http = NULL;
}

/* Takes over `c`; NULL: memory has run out. */
static void submit(struct server *s, struct http_request *r, struct call *c)
{
    struct error err;
    if (!c) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return;
    }
    c->job = (struct store_job){.run = run, .done = done, .bytes = sizeof *c};
    c->http = r;
    if (store_submit(s->store, &c->job, &err)) {
        reply_retry(r, 1, "overloaded", "%s", err.text);
        free(c);
        return;
    }
    http_on_gone(r, gone, c);
}

/* 1..max in decimal digits, or 0. */
static int64_t number(const char *text, int64_t max)
{
    char *end;
    const int64_t n = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    return n >= 1 && n <= max && !*end ? n : 0;
}

static void submit_kind(struct server *s, struct http_request *r, const struct route_args *args,
                        enum history_call_kind kind)
{
    const int64_t id = kind == HISTORY_CLEAR ? 0 : number(args->value[0], INT64_MAX - 1);
    if (kind != HISTORY_CLEAR && !id) {
        reply_error(r, 404, NULL, "not_found", "no generation \"%s\" in the history: they have numbers",
                    args->value[0]);
        return;
    }
    struct call *c = calloc(1, sizeof *c);
    if (c) {
        c->kind = kind;
        c->id = id;
    }
    submit(s, r, c);
}

/* A whole number from the query, or `usual` when there is none. */
static int take_number(struct http_request *r, const char *name, int64_t usual, int64_t max, int64_t *ret)
{
    const char *text = http_query(r, name);
    *ret = text ? number(text, max) : usual;
    if (!text || *ret)
        return 0;
    reply_error(r, 400, name, NULL, "\"%s\": expected a whole number from 1 to %lld", name, (long long)max);
    return -1;
}

static void page(struct server *s, struct http_request *r, const struct route_args *args)
{
    const char *search = http_query(r, "q");
    int64_t limit, before;
    (void)args;
    if (take_number(r, "limit", PAGE_DEFAULT, HISTORY_PAGE_MAX, &limit) ||
        take_number(r, "before", 0, INT64_MAX - 1, &before))
        return;
    if (search && utf8_count(search, strlen(search)) > HISTORY_SEARCH_MAX) { /* all of a request's target is UTF-8 */
        reply_error(r, 400, "q", NULL, "\"q\": expected up to %d characters", HISTORY_SEARCH_MAX);
        return;
    }
    struct call *c = calloc(1, sizeof *c);
    if (c) {
        c->kind = HISTORY_PAGE;
        c->query = (struct store_history_query){.limit = (int)limit, .before = before};
        snprintf(c->search, sizeof c->search, "%s", search ? search : "");
        c->query.search = *c->search ? c->search : NULL;
    }
    submit(s, r, c);
}

static void show(struct server *s, struct http_request *r, const struct route_args *args)
{
    submit_kind(s, r, args, HISTORY_ONE);
}

static void sound(struct server *s, struct http_request *r, const struct route_args *args)
{
    submit_kind(s, r, args, HISTORY_SOUND);
}

static void delete_generation(struct server *s, struct http_request *r, const struct route_args *args)
{
    submit_kind(s, r, args, HISTORY_DELETE);
}

static void clear(struct server *s, struct http_request *r, const struct route_args *args)
{
    submit_kind(s, r, args, HISTORY_CLEAR);
}

const struct route routes_history[] = {
    {"GET", "/api/history", "history", SCOPE_READ, 0, page},
    {"DELETE", "/api/history", "history_clear", SCOPE_MANAGE, 0, clear},
    {"GET", "/api/history/{id}", "history_one", SCOPE_READ, 0, show},
    {"DELETE", "/api/history/{id}", "history_delete", SCOPE_MANAGE, 0, delete_generation},
    {"GET", "/api/history/{id}/audio", "history_audio", SCOPE_READ, 0, sound},
    {0},
};
