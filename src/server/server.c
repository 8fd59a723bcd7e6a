/* See server.h. Puts the parts together, and routes each request to its handler. */
#include "server/server.h"

#include "base/clock.h"
#include "base/file.h"
#include "server/data.h"
#include "server/lifecycle.h"
#include "server/live_setup.h"
#include "server/measure.h"
#include "server/reload.h"
#include "server/visitor.h"
#include "server/warm.h"

#include <pthread.h>
#include <unistd.h>

#define FORM_OVERHEAD (64u << 10) /* bytes around a clip in a form */
struct running {
    struct server server;
    const struct server_options *options;
    struct lifecycle life;
};

static void on_head(void *user, struct http_request *r)
{
    struct server *s = user;
    if (!visitor_admit(s, r))
        return;
    const size_t form_max = (size_t)s->config->server.upload_max + FORM_OVERHEAD;
    const struct route *route = visitor_of(r)->route;
    if (route->body_max)
        http_set_body_max(r, route->body_max < form_max ? route->body_max : form_max);
}

static void on_request(void *user, struct http_request *r)
{
    struct server *s = user;
    const struct route *route = visitor_of(r)->route;
    struct route_args args;
    char allow[64];
    int status;
    route_find(route->method, http_path(r), &args, &status, allow, sizeof allow);
    route->handle(s, r, &args);
}

static void on_done(void *user, struct http_request *r, const struct http_done *done)
{
    struct server *s = user;
    const struct visitor *v = visitor_of(r);
    const char *route = v && v->route ? v->route->name : "";
    measure_request(s->measure, *route ? route : NULL, done->status);
    if (s->config->log.access)
        log_event(s->log, LOG_INFO, "request", log_str("id", http_id(r)),
                  log_str("peer", v ? v->address : http_peer(r)), log_str("token", v ? v->token : ""),
                  log_str("method", http_method(r)), log_str("path", http_path(r)), log_str("route", route),
                  log_int("status", done->status), log_int("bytes", (int64_t)done->body_bytes),
                  log_num("seconds", done->seconds), log_int("aborted", done->aborted));
    visitor_free(r);
}

static int read_config(struct server *s, const struct server_options *options, struct error *err)
{
    const int rc = reload_read(s, options, &s->config, err);
    if (rc)
        return rc;
    s->started_with = config_ref(s->config);
    const char *cache = s->config->f5.hf_cache_dir; /* the engine looks where the hub's own tools are told to */
    if (cache && dir_exists(cache))
        setenv("HF_HUB_CACHE", cache, 0);
    return 0;
}

static int start_speech(struct server *s, struct error *err)
{
    struct speech_params p;
    speech_params_read(s->config, &p);
    p.observer = measure_speech(s->measure);
    return speech_create(s->loop, s->log, &p, &s->speech, err);
}

static int create_http(struct server *s, struct error *err)
{
    const struct config *c = s->config;
    const struct http_server_params p = {.limits = reload_http_limits(c),
                                         .on_head = on_head,
                                         .on_request = on_request,
                                         .on_done = on_done,
                                         .user = s,
                                         .log = s->log};
    const int rc = http_server_create(s->loop, &p, &s->http, err);
    if (rc || !c->server.tls_certificate)
        return rc;
    return http_server_set_tls(s->http, c->server.tls_certificate, c->server.tls_key, err);
}

/* After the warm-up. */
static void on_warm(void *user)
{
    struct running *running = user;
    if (lifecycle_open(&running->life, &running->life.failure))
        loop_stop(running->server.loop);
}

static int open_doors(struct running *running, struct error *err)
{
    const int warmup = running->options->warmup;
    const int rc = warmup ? 0 : lifecycle_open(&running->life, err);
    if (!rc && warm_start(&running->server, warmup, warmup ? on_warm : NULL, running))
        return error_nomem(err);
    return rc;
}

int server_run(const struct server_options *options, struct error *err)
{
    struct running running = {.server = {.started = clock_seconds()}, .options = options};
    struct lifecycle *life = &running.life;
    struct server *s = &running.server;
    sigset_t old;
    lifecycle_block_signals(&old);
    int rc = log_create(STDERR_FILENO, LOG_TEXT, LOG_INFO, &s->log, err);
    if (!rc)
        rc = read_config(s, options, err);
    if (!rc)
        rc = loop_create(&s->loop, err);
    if (!rc && measure_create(&s->measure))
        rc = error_nomem(err);
    if (!rc)
        rc = lifecycle_init(life, s, options, &old, err);
    if (!rc)
        rc = data_open(s, s->config, err);
    if (!rc)
        rc = start_speech(s, err);
    if (!rc)
        rc = live_open(s, options->play, err);
    if (!rc)
        rc = create_http(s, err);
    if (!rc)
        rc = open_doors(&running, err);
    if (!rc)
        rc = loop_run(s->loop, err);
    if (!rc && life->failure.code) {
        *err = life->failure;
        rc = err->code;
    }
    if (rc)
        upgrade_report_failure(err->text);
    live_shut(s);
    http_server_free(s->http);
    speech_free(s->speech);
    data_close(s);
    measure_free(s->measure);
    lifecycle_release(life);
    loop_free(s->loop);
    config_free(s->config);
    config_free(s->started_with);
    log_free(s->log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}
