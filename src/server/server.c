/* See server.h. Puts the parts together, and routes each request to its handler. */
#include "server/server.h"

#include "base/clock.h"
#include "server/data.h"
#include "server/measure.h"
#include "server/notify.h"
#include "server/reload.h"
#include "server/visitor.h"
#include "server/warm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FORM_OVERHEAD (64u << 10) /* bytes around a clip in a form */
#define RELOAD_DELAY  0.05 /* seconds from a SIGHUP to what it asks for */

struct running {
    struct server server;
    const struct server_options *options;
    struct error *err; /* server_run's */
    int rc;            /* of what happened while the loop ran */
    int signals; /* signalfd */
    struct loop_watch *watch;
    struct loop_timer reload;
    struct notify_watchdog watchdog;
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

/* Hundreds of SIGHUPs are one: those that come while one is pending do not count, nor those of the next moment. */
static void reload(void *user)
{
    struct running *running = user;
    reload_config(&running->server, running->options);
}

static void on_signal(void *user, uint32_t events)
{
    struct running *running = user;
    struct signalfd_siginfo info;
    (void)events;
    while (read(running->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGHUP) {
            notify_state(NOTIFY_STOPPING, "stopping");
            loop_stop(running->server.loop);
        } else if (!running->reload.loop) {
            loop_timer_start(running->server.loop, &running->reload, RELOAD_DELAY, reload, running);
        }
    }
}

static int read_config(struct server *s, const struct server_options *options, struct error *err)
{
    const int rc = reload_read(s, options, &s->config, err);
    if (!rc)
        s->started_with = config_ref(s->config);
    return rc;
}

static int start_speech(struct server *s, struct error *err)
{
    struct speech_params p;
    speech_params_read(s->config, &p);
    p.measure = s->measure;
    return speech_create(s->loop, s->log, &p, &s->speech, err);
}

/* With the port that the system has chosen for port 0. */
static void log_listening(struct server *s, int fd, const char *address)
{
    struct sockaddr_storage to;
    socklen_t len = sizeof to;
    char host[INET6_ADDRSTRLEN], port[8], text[INET6_ADDRSTRLEN + 16];
    const int flags = NI_NUMERICHOST | NI_NUMERICSERV;
    if (getsockname(fd, (struct sockaddr *)&to, &len) == 0 && to.ss_family != AF_UNIX &&
        getnameinfo((struct sockaddr *)&to, len, host, sizeof host, port, sizeof port, flags) == 0) {
        snprintf(text, sizeof text, to.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
        address = text;
    }
    log_event(s->log, LOG_INFO, "listening", log_str("address", address));
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

/* From here on there are requests. */
static int listen_everywhere(struct server *s, struct error *err)
{
    const struct config *c = s->started_with;
    int fd, rc = 0;
    for (size_t i = 0; i < c->server.bind.count && !rc; i++) {
        if (!(rc = http_listen_open(c->server.bind.items[i], c->server.reuse_port, &fd, err)) &&
            !(rc = http_server_listen(s->http, fd, err)))
            log_listening(s, fd, c->server.bind.items[i]);
    }
    if (!rc)
        notify_state(NOTIFY_READY, "listening on %s", c->server.bind.items[0]);
    return rc;
}

/* After the warm-up. */
static void on_warm(void *user)
{
    struct running *running = user;
    running->rc = listen_everywhere(&running->server, running->err);
    if (running->rc)
        loop_stop(running->server.loop);
}

static int open_doors(struct running *running)
{
    struct server *s = &running->server;
    const int rc = running->options->warmup ? 0 : listen_everywhere(s, running->err);
    if (!rc && warm_start(s, running->options->warmup, running->options->warmup ? on_warm : NULL, running))
        return error_nomem(running->err);
    return rc;
}

static int watch_signals(struct running *running, const sigset_t *set, struct error *err)
{
    if ((running->signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return error_errno(err, errno, "cannot wait for signals");
    return loop_watch(running->server.loop, running->signals, EPOLLIN, on_signal, running, &running->watch, err);
}

int server_run(const struct server_options *options, struct error *err)
{
    struct running running = {
        .server = {.started = clock_seconds()}, .options = options, .err = err, .signals = -1};
    struct server *s = &running.server;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, &old); /* before there are threads, which inherit it */
    int rc = log_create(STDERR_FILENO, LOG_TEXT, LOG_INFO, &s->log, err);
    if (!rc)
        rc = read_config(s, options, err);
    if (!rc)
        rc = loop_create(&s->loop, err);
    if (!rc && measure_create(&s->measure))
        rc = error_nomem(err);
    if (!rc)
        rc = watch_signals(&running, &set, err);
    if (!rc)
        rc = data_open(s, s->config, err);
    if (!rc)
        rc = start_speech(s, err);
    if (!rc)
        rc = create_http(s, err);
    if (!rc)
        rc = open_doors(&running);
    if (!rc && !running.rc) {
        notify_watchdog_start(s->loop, &running.watchdog);
        rc = loop_run(s->loop, err);
    }
    notify_watchdog_stop(&running.watchdog);
    loop_timer_stop(&running.reload);
    http_server_free(s->http);
    speech_free(s->speech);
    data_close(s);
    measure_free(s->measure);
    loop_unwatch(running.watch);
    loop_free(s->loop);
    if (running.signals >= 0)
        close(running.signals);
    config_free(s->config);
    config_free(s->started_with);
    log_free(s->log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc ? rc : running.rc;
}
