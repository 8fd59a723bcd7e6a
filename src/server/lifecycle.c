/* See lifecycle.h. */
#include "server/lifecycle.h"

#include "live/live.h"
#include "net/http_client.h"
#include "server/auth.h"
#include "server/live_setup.h"
#include "server/reload.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RELOAD_DELAY 0.05 /* seconds from a SIGHUP to what it asks for */
#define LOAD_DELAY   0.05 /* seconds between looks at whether the model is there */
#define OTHER_FILES  256  /* descriptors beside connections */

static const int heard[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2};

static sigset_t heard_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof heard / sizeof *heard; i++)
        sigaddset(&set, heard[i]);
    return set;
}

void lifecycle_block_signals(sigset_t *ret)
{
    const sigset_t set = heard_set();
    pthread_sigmask(SIG_BLOCK, &set, ret);
}

/* -------- the end -------- */

#define GOODBYE_PAUSE 0.05 /* seconds between looks at whether everybody has heard */
#define GOODBYE_LOOKS 40

/* A chat site may still have to hear that nobody reads any more: it is given a moment for that. */
static void on_drained(void *user)
{
    struct lifecycle *l = user;
    struct server *s = l->server;
    if (http_client_busy(s->client) && l->goodbyes++ < GOODBYE_LOOKS)
        loop_timer_start(s->loop, &l->goodbye, GOODBYE_PAUSE, on_drained, l);
    else
        loop_stop(s->loop);
}

static void on_drain_end(void *user)
{
    struct lifecycle *l = user;
    log_event(l->server->log, LOG_WARN, "drain timeout",
              log_int("connections", http_server_connections(l->server->http)));
    loop_stop(l->server->loop);
}

static void begin_drain(struct lifecycle *l)
{
    struct server *s = l->server;
    l->draining = 1;
    log_event(s->log, LOG_INFO, "draining", log_int("connections", http_server_connections(s->http)),
              log_num("timeout", s->config->server.drain_timeout));
    loop_timer_stop(&l->load);
    live_close(s->live);
    http_server_drain(s->http, on_drained, l);
    loop_timer_start(s->loop, &l->drain, s->config->server.drain_timeout, on_drain_end, l);
}

static void end(struct lifecycle *l, int at_once)
{
    if (at_once) {
        loop_stop(l->server->loop);
    } else if (!l->draining) {
        notify_state(NOTIFY_STOPPING, "answering what has come");
        begin_drain(l);
    }
}

static void run_last_kept(struct store *s, struct store_job *job)
{
    (void)s;
    (void)job;
}

static void done_last_kept(struct store_job *job)
{
    upgrade_let_go(&((struct last_kept *)(void *)job)->lifecycle->upgrade);
}

/* The new process restores what this one's stage has kept, so it has to wait until that is on the disk. When the store
 * has no room, it waits for this one's end. */
static void leave_stage(struct lifecycle *l)
{
    struct error err;
    l->last_kept = (struct last_kept){.job = {.run = run_last_kept, .done = done_last_kept}, .lifecycle = l};
    if (store_submit(l->server->store, &l->last_kept.job, &err))
        log_event(l->server->log, LOG_WARN, "stage left late", log_str("why", err.text));
}

static void on_successor(void *user, pid_t successor)
{
    struct lifecycle *l = user;
    log_event(l->server->log, LOG_INFO, "upgraded", log_int("pid", successor));
    notify_main_pid(successor);
    notify_watchdog_stop(&l->watchdog);
    begin_drain(l);
    leave_stage(l);
}

/* -------- signals -------- */

/* Hundreds of SIGHUPs are one: those that come while one is pending do not count, nor those of the next moment. */
static void reload(void *user)
{
    struct lifecycle *l = user;
    reload_config(l->server, l->options);
}

static void upgrade(struct lifecycle *l)
{
    struct error err = {0};
    if (!l->draining && upgrade_start(&l->upgrade, &l->listeners, &err))
        log_event(l->server->log, LOG_ERROR, "upgrade failed", log_str("message", err.text));
}

static void on_signal(void *user, uint32_t events)
{
    struct lifecycle *l = user;
    struct signalfd_siginfo info;
    (void)events;
    while (read(l->signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGHUP:
            if (!l->reload.loop && !l->draining)
                loop_timer_start(l->server->loop, &l->reload, RELOAD_DELAY, reload, l);
            break;
        case SIGUSR2:
            upgrade(l);
            break;
        default:
            end(l, info.ssi_signo == SIGINT && l->draining);
        }
    }
}

static int watch_signals(struct lifecycle *l, struct error *err)
{
    const sigset_t set = heard_set();
    if ((l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return error_errno(err, errno, "cannot wait for signals");
    return loop_watch(l->server->loop, l->signals, EPOLLIN, on_signal, l, &l->watch, err);
}

/* -------- the begin -------- */

/* The usual 1,024 are for programs that use select. */
static void allow_descriptors(const struct server *s)
{
    struct rlimit limit;
    const rlim_t want = (rlim_t)s->config->server.connections_max + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < want)
        log_event(s->log, LOG_WARN, "few open files allowed", log_int("limit", (int64_t)limit.rlim_cur),
                  log_int("wanted", (int64_t)want));
}

int lifecycle_init(struct lifecycle *l, struct server *s, const struct server_options *options, const sigset_t *old,
                   struct error *err)
{
    *l = (struct lifecycle){.server = s, .options = options, .signals = -1};
    int rc = upgrade_init(&l->upgrade, s->loop, s->log, old, on_successor, l, err);
    if (!rc)
        rc = listeners_open(&l->listeners, s->config, err);
    if (!rc) {
        s->listening = listeners_addresses(&l->listeners);
        rc = auth_check_exposure(s->config, &s->listening, err);
    }
    if (!rc)
        rc = watch_signals(l, err);
    allow_descriptors(s);
    return rc;
}

static void on_alone(void *user)
{
    struct lifecycle *l = user;
    if (!l->draining && live_begin(l->server))
        log_event(l->server->log, LOG_ERROR, "not_restored", log_str("why", "out of memory"));
}

static int accept_connections(struct lifecycle *l, struct error *err)
{
    struct server *s = l->server;
    char address[LISTENERS_TEXT_MAX];
    for (size_t i = 0; i < l->listeners.count; i++) {
        const int rc = http_server_listen(s->http, l->listeners.fd[i], err);
        if (rc)
            return rc;
        listeners_describe(l->listeners.fd[i], address);
        log_event(s->log, LOG_INFO, "listening", log_str("address", address));
    }
    const int rc = upgrade_report_serving(&l->upgrade, on_alone, l, err);
    if (rc)
        return rc;
    notify_state(NOTIFY_READY, "listening on %s", address);
    notify_watchdog_start(s->loop, &l->watchdog);
    return 0;
}

static void look_at_load(void *user)
{
    struct lifecycle *l = user;
    struct speech_state state;
    speech_describe(l->server->speech, &state);
    if (state.loading)
        loop_timer_start(l->server->loop, &l->load, LOAD_DELAY, look_at_load, l);
    else if (accept_connections(l, &l->failure))
        loop_stop(l->server->loop);
}

int lifecycle_open(struct lifecycle *l, struct error *err)
{
    if (!upgrade_is_awaited())
        return accept_connections(l, err);
    look_at_load(l);
    if (l->failure.code)
        *err = l->failure;
    return l->failure.code;
}

void lifecycle_release(struct lifecycle *l)
{
    if (!l->server)
        return;
    notify_watchdog_stop(&l->watchdog);
    loop_timer_stop(&l->reload);
    loop_timer_stop(&l->drain);
    loop_timer_stop(&l->goodbye);
    loop_timer_stop(&l->load);
    upgrade_release(&l->upgrade);
    loop_unwatch(l->watch);
    if (l->signals >= 0)
        close(l->signals);
    listeners_release(&l->listeners);
}
