/* GET /metrics, for Prometheus and `ishowtts top`. */
#include "live/live.h"
#include "server/history.h"
#include "server/measure.h"
#include "server/metrics.h"
#include "server/routes.h"
#include "speech/voices.h"

static void metrics(struct server *s, struct http_request *r, const struct route_args *args)
{
    static const struct http_header headers[] = {
        {"Content-Type", METRICS_CONTENT_TYPE}, {"Cache-Control", "no-store"}, {NULL, NULL}};
    struct speech_state speech;
    struct buf page = BUF_INIT;
    (void)args;
    speech_describe(s->speech, &speech);
    const struct measure_now now = {.speech = &speech,
                                    .voices = voices_count(s->voices),
                                    .chat_queue = live_queued(s->live),
                                    .chat_listeners = live_listeners(s->live),
                                    .connections = http_server_connections(s->http),
                                    .tls_end = http_server_tls_end(s->http),
                                    .history_dropped = history_dropped(s->history)};
    if (measure_page(s->measure, &now, &page)) {
        buf_release(&page);
        reply_error(r, 500, NULL, "no_memory", "there is no memory for the metrics");
        return;
    }
    http_respond_buf(r, 200, headers, &page);
}

const struct route routes_metrics[] = {
    {"GET", "/metrics", "metrics", SCOPE_READ, 0, metrics},
    {0},
};
