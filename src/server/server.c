/* See server.h. Puts the parts together, and routes each request to its handler. */
#include "server/server.h"

#include "base/clock.h"
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
    loop_stop(s->loop);
}

int server_run(const struct server_options *options, struct error *err)
{
    struct server s = {.started = clock_seconds()};
    const struct http_server_params http = {.on_head = on_head, .on_request = on_request, .on_done = on_done, .user = &s};
    const struct speech_params speech = {.engine = "auto", .queue_capacity = 64, .per_client = 16, .timeout = 60};
    struct loop_watch *signals = NULL;
    sigset_t set, old;
    int fd = -1, sfd = -1;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, &old); /* before there are threads, which inherit it */
    int rc = log_create(STDERR_FILENO, LOG_TEXT, LOG_INFO, &s.log, err);
    if (!rc)
        rc = loop_create(&s.loop, err);
    if (!rc && (sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        rc = error_errno(err, errno, "cannot wait for signals");
    if (!rc)
        rc = loop_watch(s.loop, sfd, EPOLLIN, on_signal, &s, &signals, err);
    if (!rc)
        rc = speech_create(s.loop, s.log, &speech, &s.speech, err);
    if (!rc)
        rc = http_server_create(s.loop, &http, &s.http, err);
    if (!rc)
        rc = http_listen_open(options->bind, &fd, err);
    if (!rc)
        rc = http_server_listen(s.http, fd, err);
    if (!rc) {
        log_event(s.log, LOG_INFO, "listening", log_str("address", options->bind));
        rc = loop_run(s.loop, err);
    }
    http_server_free(s.http);
    speech_free(s.speech);
    loop_unwatch(signals);
    loop_free(s.loop);
    if (sfd >= 0)
        close(sfd);
    log_free(s.log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}
