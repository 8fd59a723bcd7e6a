/* See reload.h. */
#include "server/reload.h"

#include "server/auth.h"
#include "server/data.h"
#include "server/live_setup.h"
#include "server/measure.h"
#include "server/notify.h"

#include <string.h>

/* Warnings wait until the log has the form that the same configuration gives it. */
static void keep_warning(void *user, const char *sentence)
{
    (void)buf_addf(user, "%s\n", sentence);
}

static void log_warnings(struct server *s, struct buf *kept)
{
    char *save = NULL;
    for (char *line = strtok_r(kept->ptr, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        log_event(s->log, LOG_WARN, "configuration", log_str("message", line));
}

int reload_read(struct server *s, const struct server_options *options, struct config **ret, struct error *err)
{
    struct buf warnings = BUF_INIT;
    struct config *c = NULL;
    int rc = config_load(options->config, options->settings, &c, keep_warning, &warnings, err);
    if (!rc) /* whoever has opened the sockets: they must not be left without a token */
        rc = auth_check_exposure(c, &s->listening, err);
    if (!rc)
        rc = live_check(c, err);
    if (!rc)
        log_set(s->log, (enum log_format)c->log.format, (enum log_level)c->log.level);
    if (warnings.len)
        log_warnings(s, &warnings);
    if (rc)
        config_free(c);
    else
        *ret = c;
    buf_release(&warnings);
    return rc;
}

struct http_limits reload_http_limits(const struct config *c)
{
    return (struct http_limits){.header_max = (size_t)c->server.header_max,
                                .body_max = (size_t)c->server.body_max,
                                .connections_max = (unsigned)c->server.connections_max,
                                .connections_per_address = (unsigned)c->server.connections_per_address,
                                .head_timeout = c->server.head_timeout,
                                .idle_timeout = c->server.idle_timeout};
}

/* -------- into the running server -------- */

static void tell_restart(void *user, const char *key)
{
    struct server *s = user;
    log_event(s->log, LOG_WARN, "restart_needed", log_str("key", key));
}

/* Whether there is TLS is settled at the start; which certificate is not. */
static int take_certificate(struct server *s, const struct config *c, struct error *err)
{
    if (!c->server.tls_certificate != !s->started_with->server.tls_certificate) {
        tell_restart(s, "server.tls_certificate");
        return 0;
    }
    return c->server.tls_certificate ? http_server_set_tls(s->http, c->server.tls_certificate, c->server.tls_key, err)
                                     : 0;
}

/* First what may fail. */
static int apply(struct server *s, struct config *c, struct error *err)
{
    struct speech_params speech;
    int rc;
    speech_params_read(c, &speech);
    if ((rc = take_certificate(s, c, err)) || (rc = data_reload(s, c, err)) ||
        (rc = speech_reload(s->speech, &speech, err)))
        return rc;
    const struct http_limits limits = reload_http_limits(c);
    http_server_set_limits(s->http, &limits);
    config_need_restart(s->started_with, c, tell_restart, s);
    config_free(s->config);
    s->config = c;
    return 0;
}

void reload_config(struct server *s, const struct server_options *options)
{
    struct config *c = NULL;
    struct error err = {0};
    notify_state(NOTIFY_RELOADING, "reading the configuration");
    int rc = reload_read(s, options, &c, &err);
    if (!rc && (rc = apply(s, c, &err)))
        config_free(c);
    log_set(s->log, (enum log_format)s->config->log.format, (enum log_level)s->config->log.level);
    if (rc)
        log_event(s->log, LOG_ERROR, "reload_failed", log_str("message", err.text));
    else
        log_event(s->log, LOG_INFO, "reloaded", log_str("file", c->path ? c->path : ""));
    measure_reload(s->measure, !rc);
    notify_state(NOTIFY_READY, "serving");
}
