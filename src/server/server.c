/* See server.h. Puts the parts together, and routes each request to its handler. */
#include "server/server.h"

#include "base/clock.h"
#include "server/data.h"
#include "server/measure.h"
#include "server/notify.h"
#include "server/routes.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_head(void *user, struct http_request *r)
{
    struct route_args args;
    char allow[64];
    int status;
    (void)user;
    const struct route *route = route_find(http_method(r), http_path(r), &args, &status, allow, sizeof allow);
    if (!route) {
        reply_error(r, status, NULL, status == 404 ? "not_found" : "method_not_allowed",
                    status == 404 ? "there is no %s here" : "%s takes other methods: %s", http_path(r), allow);
        return;
    }
    http_set_context(r, (void *)(uintptr_t)route);
    if (route->body_max)
        http_set_body_max(r, route->body_max);
}

static void on_request(void *user, struct http_request *r)
{
    struct server *s = user;
    const struct route *route = http_context(r);
    struct route_args args;
    char allow[64];
    int status;
    route_find(route->method, http_path(r), &args, &status, allow, sizeof allow);
    route->handle(s, r, &args);
}

static void on_done(void *user, struct http_request *r, const struct http_done *done)
{
    struct server *s = user;
    const struct route *route = http_context(r);
    measure_request(s->measure, route ? route->name : NULL, done->status);
    log_event(s->log, LOG_INFO, "request", log_str("id", http_id(r)), log_str("peer", http_peer(r)),
              log_str("method", http_method(r)), log_str("path", http_path(r)),
              log_str("route", route ? route->name : ""), log_int("status", done->status),
              log_int("bytes", (int64_t)done->body_bytes), log_num("seconds", done->seconds),
              log_int("aborted", done->aborted));
}

static void on_signal(void *user, uint32_t events)
{
    struct server *s = user;
    (void)events;
    notify_state(NOTIFY_STOPPING, "stopping");
    loop_stop(s->loop);
}

/* Warnings of a configuration wait until the log has the form that the same configuration gives it. */
static void keep_warning(void *user, const char *sentence)
{
    (void)buf_addf(user, "%s\n", sentence);
}

static void log_warnings(struct server *s, struct buf *kept)
{
    char *save = NULL;
    for (char *line = strtok_r(kept->ptr, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        log_event(s->log, LOG_WARN, "configuration", log_str("message", line));
    buf_release(kept);
}

static int load_config(struct server *s, const struct server_options *options, struct error *err)
{
    struct buf warnings = BUF_INIT;
    int rc = config_load(options->config, options->settings, &s->config, keep_warning, &warnings, err);
    if (!rc)
        log_set(s->log, (enum log_format)s->config->log.format, (enum log_level)s->config->log.level);
    if (warnings.len)
        log_warnings(s, &warnings);
    return rc;
}

static int start_speech(struct server *s, struct error *err)
{
    const struct config *c = s->config;
    struct speech_params p = {.engine = c->speech.engine,
                              .workers = c->speech.workers,
                              .queue_capacity = c->queue.capacity,
                              .per_client = c->queue.per_client,
                              .timeout = c->server.request_timeout,
                              .measure = s->measure};
    ishow_open_params_init(&p.open);
    p.open.model = c->speech.model;
    p.open.vocab = c->speech.vocab;
    p.open.vocoder = c->speech.vocoder;
    p.open.arch = c->speech.arch;
    p.open.precision = c->speech.precision;
    p.open.threads = c->speech.threads;
    return speech_create(s->loop, s->log, &p, &s->speech, err);
}

static struct http_limits http_limits(const struct config *c)
{
    return (struct http_limits){.header_max = (size_t)c->server.header_max,
                                .body_max = (size_t)c->server.body_max,
                                .connections_max = (unsigned)c->server.connections_max,
                                .connections_per_address = (unsigned)c->server.connections_per_address,
                                .head_timeout = c->server.head_timeout,
                                .idle_timeout = c->server.idle_timeout};
}

static int start_http(struct server *s, struct error *err)
{
    const struct config *c = s->config;
    const struct http_server_params p = {.limits = http_limits(c),
                                         .on_head = on_head,
                                         .on_request = on_request,
                                         .on_done = on_done,
                                         .user = s,
                                         .log = s->log};
    int fd, rc = http_server_create(s->loop, &p, &s->http, err);
    if (!rc && c->server.tls_certificate)
        rc = http_server_set_tls(s->http, c->server.tls_certificate, c->server.tls_key, err);
    for (size_t i = 0; i < c->server.bind.count && !rc; i++) {
        if (!(rc = http_listen_open(c->server.bind.items[i], c->server.reuse_port, &fd, err)) &&
            !(rc = http_server_listen(s->http, fd, err)))
            log_event(s->log, LOG_INFO, "listening", log_str("address", c->server.bind.items[i]));
    }
    return rc;
}

int server_run(const struct server_options *options, struct error *err)
{
    struct server s = {.started = clock_seconds()};
    struct loop_watch *signals = NULL;
    struct notify_watchdog watchdog = {0};
    sigset_t set, old;
    int sfd = -1;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, &old); /* before there are threads, which inherit it */
    int rc = log_create(STDERR_FILENO, LOG_TEXT, LOG_INFO, &s.log, err);
    if (!rc)
        rc = load_config(&s, options, err);
    if (!rc)
        rc = loop_create(&s.loop, err);
    if (!rc && measure_create(&s.measure))
        rc = error_nomem(err);
    if (!rc && (sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        rc = error_errno(err, errno, "cannot wait for signals");
    if (!rc)
        rc = loop_watch(s.loop, sfd, EPOLLIN, on_signal, &s, &signals, err);
    if (!rc)
        rc = data_open(&s, s.config, err);
    if (!rc)
        rc = start_speech(&s, err);
    if (!rc)
        rc = start_http(&s, err);
    if (!rc) {
        notify_state(NOTIFY_READY, "listening on %s", s.config->server.bind.items[0]);
        notify_watchdog_start(s.loop, &watchdog);
        rc = loop_run(s.loop, err);
    }
    notify_watchdog_stop(&watchdog);
    http_server_free(s.http);
    speech_free(s.speech);
    data_close(&s);
    measure_free(s.measure);
    loop_unwatch(signals);
    loop_free(s.loop);
    if (sfd >= 0)
        close(sfd);
    config_free(s.config);
    log_free(s.log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}
