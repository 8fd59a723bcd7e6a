/* From what happens in the server to what the metrics say: the one place that knows which event counts where. On the
 * loop's thread. */
#ifndef ISHOW_SERVER_MEASURE_H
#define ISHOW_SERVER_MEASURE_H

#include "base/buf.h"
#include "speech/speech.h"

#include <stdint.h>

struct measure;

int measure_create(struct measure **ret); /* E_NOMEM */
void measure_free(struct measure *m);     /* accepts NULL */

/* Counts what becomes of speech; lives as long as `m`. */
struct speech_observer measure_speech(struct measure *m);

/* Each accepts a NULL `m`, and then does nothing. */

/* A request was answered; `route` is its name, NULL when there is none, status 0 when the client left first. */
void measure_request(struct measure *m, const char *route, int status);
void measure_submit(struct measure *m, enum submit_verdict verdict);
void measure_job(struct measure *m, const struct job_result *result); /* it came to an end */
/* It was spoken once more with another seed, for a reason of METRIC_RETRIES. */
void measure_retry(struct measure *m, const char *reason);
void measure_cancel(struct measure *m); /* its client left first */
void measure_reload(struct measure *m, int ok);
void measure_chat_message(struct measure *m, const char *platform, const char *verdict);
void measure_chat_latency(struct measure *m, double seconds); /* from a message to its clip, nothing before it */

/* What is only known at the moment. */
struct measure_now {
    const struct speech_state *speech;
    size_t voices;
    size_t chat_queue, chat_listeners;
    unsigned connections;
    double tls_end; /* seconds since 1970; NaN: no TLS */
    uint64_t history_dropped;
};

/* Appends the metrics page, with what the process and the graphics cards use. 0 or E_NOMEM. */
int measure_page(struct measure *m, const struct measure_now *now, struct buf *out);

#endif
