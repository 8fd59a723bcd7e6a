/* See http_server.h.
 *
 * libmicrohttpd runs without threads of its own: its epoll descriptor is one of those the loop watches, and before each
 * wait it does what became ready otherwise (resumed connections, data of TLS that is decrypted already, its timeouts).
 * One of its servers speaks plainly, a second one TLS. */
#include "net/http_server_parts.h"

#include "base/clock.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS       16      /* of libmicrohttpd in a row, before others have their turn */
#define CALM_ROUNDS  1000    /* of it wanting to go on without anything happening: it has lost its way */
#define MHD_MANY     1000000 /* connections: the limit is kept here */
#define MEMORY_LEAST 16384   /* bytes of a connection's buffer */

static void set_defaults(struct http_limits *l)
{
    if (!l->header_max)
        l->header_max = 16384;
    if (!l->body_max)
        l->body_max = 1u << 20;
    if (!l->connections_max)
        l->connections_max = 4096;
    if (l->head_timeout <= 0)
        l->head_timeout = 10;
    if (l->idle_timeout <= 0)
        l->idle_timeout = 60;
}

/* -------- libmicrohttpd's callbacks -------- */

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_daemon *d = cls;
    d->server->calm_rounds = 0;
    return request_begin(info->socket_context, uri ? uri : "");
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **ctx, enum MHD_RequestTerminationCode why)
{
    struct http_daemon *d = cls;
    struct http_request *r = *ctx;
    (void)mhd;
    d->server->calm_rounds = 0;
    if (r)
        request_end(r, why != MHD_REQUEST_TERMINATED_COMPLETED_OK);
    *ctx = NULL;
}

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *fmt, va_list ap)
{
    struct http_daemon *d = cls;
    char text[512];
    if (!log_wants(d->server->params.log, LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    log_event(d->server->params.log, LOG_DEBUG, "libmicrohttpd", log_str("says", text));
}

/* Called by GnuTLS within a handshake. */
static int on_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *asked, gnutls_pcert_st **ret,
                          unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp, unsigned *ret_ocsp_count,
                          gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(gnutls_session_get_ptr(session), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_conn *c = info->socket_context;
    (void)asked;
    if (!c->pair)
        c->pair = tls_pair_ref(tls_files_pair(c->daemon->server->tls_files));
    *ret = c->pair->chain;
    *ret_count = c->pair->count;
    *ret_key = c->pair->key;
    *ret_ocsp = NULL;
    *ret_ocsp_count = 0;
    *ret_flags = 0;
    return 0;
}

/* -------- rounds -------- */

static void on_daemon(void *user, uint32_t events)
{
    struct http_daemon *d = user;
    (void)events;
    MHD_run(d->mhd);
}

/* Lets it do what is due. Milliseconds until something is due again, -1 for never. */
static int run_daemon(struct http_daemon *d, int at_once)
{
    const int rounds = d->server->lost ? 1 : ROUNDS;
    MHD_UNSIGNED_LONG_LONG ms;
    if (!d->mhd)
        return -1;
    if (at_once)
        MHD_run(d->mhd);
    for (int i = 0; i < rounds; i++) {
        if (MHD_get_timeout(d->mhd, &ms) != MHD_YES)
            return -1;
        if (ms > 0)
            return ms > 60000 ? 60000 : (int)ms;
        d->server->calm_rounds++;
        MHD_run(d->mhd);
    }
    return 0;
}

static int prepare(void *user)
{
    struct http_server *s = user;
    const int resumed = s->resumed;
    s->resumed = 0;
    int ms = run_daemon(&s->plain, resumed);
    const int tls_ms = run_daemon(&s->tls, resumed);
    if (ms < 0 || (tls_ms >= 0 && tls_ms < ms))
        ms = tls_ms;
    s->lost = ms == 0 && (s->lost || s->calm_rounds > CALM_ROUNDS);
    if (s->lost) {
        conn_check_spinning(s);
        ms = 1;
    }
    if (s->half_closed && ms != 0)
        conn_check_half_closed(s);
    if (s->resumed)
        ms = 0;
    if (s->drained_fn && !s->conns && !s->lingerers) {
        void (*fn)(void *user) = s->drained_fn;
        s->drained_fn = NULL;
        fn(s->drained_user);
    }
    return ms;
}

/* -------- the server -------- */

static int start_daemon(struct http_server *s, struct http_daemon *d, int tls, struct error *err)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
                           MHD_USE_ERROR_LOG;
    const struct MHD_OptionItem with_tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)on_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    /* what it takes from the headers needs as much again, and the answer's headers some */
    const size_t memory =
        s->params.limits.header_max < MEMORY_LEAST / 2 ? MEMORY_LEAST : 2 * s->params.limits.header_max;
    d->tls = tls;
    d->mhd =
        MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, request_access, d, MHD_OPTION_EXTERNAL_LOGGER,
                         on_log, d, MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_NOTIFY_CONNECTION,
                         conn_notify, d, MHD_OPTION_URI_LOG_CALLBACK, on_uri, d, MHD_OPTION_UNESCAPE_CALLBACK,
                         request_unescape, d, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_LIMIT,
                         MHD_MANY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->params.limits.idle_timeout + 1,
                         MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, tls ? with_tls : none, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = d->mhd ? MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return error_set(err, E_IO, "cannot start the HTTP server");
    return loop_watch(s->loop, info->epoll_fd, EPOLLIN, on_daemon, d, &d->watch, err);
}

static void stop_daemon(struct http_daemon *d)
{
    loop_unwatch(d->watch);
    if (d->mhd)
        MHD_stop_daemon(d->mhd);
    d->watch = NULL;
    d->mhd = NULL;
}

int http_server_create(struct loop *loop, const struct http_server_params *params, struct http_server **ret,
                       struct error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->loop = loop;
    s->params = *params;
    s->plain.server = s->tls.server = s;
    s->refusal_told = -1e9;
    set_defaults(&s->params.limits);
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int rc = start_daemon(s, &s->plain, 0, err);
    if (rc) {
        http_server_free(s);
        return rc;
    }
    loop_set_prepare(loop, prepare, s);
    *ret = s;
    return 0;
}

int http_server_set_tls(struct http_server *s, const char *certificate, const char *key, struct error *err)
{
    if (s->tls_files)
        return tls_files_set(s->tls_files, certificate, key, err);
    int rc = tls_files_create(s->loop, s->params.log, certificate, key, &s->tls_files, err);
    if (rc)
        return rc;
    rc = start_daemon(s, &s->tls, 1, err);
    if (rc) {
        stop_daemon(&s->tls);
        tls_files_free(s->tls_files);
        s->tls_files = NULL;
    }
    return rc;
}

void http_server_set_limits(struct http_server *s, const struct http_limits *limits)
{
    const size_t header_max = s->params.limits.header_max;
    s->params.limits = *limits;
    set_defaults(&s->params.limits);
    s->params.limits.header_max = header_max;
}

void http_server_drain(struct http_server *s, void (*fn)(void *user), void *user)
{
    s->draining = 1;
    s->drained_fn = fn;
    s->drained_user = user;
    listen_stop(s, 1);
}

double http_server_tls_end(const struct http_server *s)
{
    return s->tls_files ? tls_files_end(s->tls_files) : NAN;
}

unsigned http_server_connections(const struct http_server *s)
{
    return s->conn_count;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    listen_stop(s, 0);
    loop_set_prepare(s->loop, NULL, NULL);
    for (struct http_conn *c = s->conns; c; c = c->next)
        if (c->request.live) {
            request_tell_gone(&c->request);
            answer_resume(&c->request); /* libmicrohttpd must not be stopped with suspended connections */
        }
    stop_daemon(&s->plain);
    stop_daemon(&s->tls);
    conn_free_lingerers(s);
    loop_timer_stop(&s->tick);
    tls_files_free(s->tls_files);
    if (s->reserve >= 0)
        close(s->reserve);
    free(s);
}
