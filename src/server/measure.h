/* From what happens in the server to what the metrics say: the one place that knows which event counts where. On the
 * loop's thread. */
#ifndef ISHOW_SERVER_MEASURE_H
#define ISHOW_SERVER_MEASURE_H

#include "base/buf.h"
#include "server/speech.h"

#include <stdint.h>

struct measure;

int measure_create(struct measure **ret); /* E_NOMEM */
void measure_free(struct measure *m);     /* accepts NULL */

/* Each accepts a NULL `m`, and then does nothing. */

/* A request was answered; `route` is its name, NULL when there is none, status 0 when the client left first. */
void measure_request(struct measure *m, const char *route, int status);
void measure_submit(struct measure *m, enum submit_verdict verdict);
void measure_job(struct measure *m, const struct job_result *result); /* it came to an end */
/* It was spoken once more with another seed, for a reason of METRIC_RETRIES. */
void measure_retry(struct measure *m, const char *reason);
void measure_cancel(struct measure *m); /* its client left first */
void measure_reload(struct measure *m, int ok);

/* What is only known at the moment. */
struct measure_now {
    const struct speech_state *speech;
    size_t voices;
    unsigned connections;
    double tls_end; /* seconds since 1970; NaN: no TLS */
    uint64_t history_dropped;
};

/* Appends the metrics page, with what the process and the graphics cards use. 0 or E_NOMEM. */
int measure_page(struct measure *m, const struct measure_now *now, struct buf *out);

#endif
