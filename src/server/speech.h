/* From a text to encoded audio, off the loop: a bounded queue, workers that own engines, and what to do when synthesis
 * fails or there is too much of it.
 *
 * Everything here is called on the loop's thread, and so are a job's events. */
#ifndef ISHOW_SERVER_SPEECH_H
#define ISHOW_SERVER_SPEECH_H

#include "ishowtts.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "net/loop.h"

#include <stdint.h>

struct speech;
struct job;
struct job_result;
struct measure;
struct voice; /* server/voices.h: a snapshot, reference-counted; NULL: the built-in voice */

enum job_priority { JOB_NORMAL, JOB_HIGH, JOB_URGENT, JOB_PRIORITIES };

/* What is to be said, and how. Strings and the voice are taken over as copies or references. */
struct job_request {
    const char *id;     /* of the HTTP request, for the log */
    const char *client; /* who asks, for fairness between clients: a token's name or an address */
    const char *text;   /* UTF-8, at most ISHOW_TEXT_MAX bytes */
    const char *engine; /* "f5", "builtin", or "" for the configured one */
    struct voice *voice;
    ishow_say_params say; /* its callbacks are not used */
    int nfe_given;        /* the caller asked for say.nfe: the ladder may still lower it */
    const char *format;   /* "wav", "mp3", "opus", "ogg", "flac", "pcm" */
    int stream;           /* 1: pieces as they are made; 0: all at once, with exact sizes in a wav's header */
    int keep;             /* 1: the whole audio comes with the result as well, for the history */
    enum job_priority priority;
    double timeout; /* seconds from now until the answer must be complete; the wait counts; 0: the configured one */
    /* NULL, or called once before the first on_audio, for the headers of a stream: engine, nfe, seed, degraded and
     * queue_seconds of the result are known by then, the rest is 0. */
    void (*on_start)(void *user, const struct job_result *so_far);
    void (*on_audio)(void *user, const void *bytes, size_t n);
    void (*on_done)(void *user, const struct job_result *result); /* once, unless cancelled */
    void *user;
};

enum job_failure {
    JOB_OK,
    JOB_TIMEOUT,  /* its deadline passed: 504 */
    JOB_BAD,      /* the text or a parameter is at fault: 400 */
    JOB_BROKEN,   /* every engine failed: 502 */
    JOB_STOPPED,  /* the server is going down: 503 */
};

struct job_result {
    enum job_failure failure;
    const char *message; /* one sentence; "" when it went well */
    const char *engine;  /* that spoke: "f5" or "builtin" */
    const char *spoken_by; /* ishow_stats.voice */
    double queue_seconds, first_audio_seconds, seconds; /* of waiting; from submission; of synthesis alone */
    uint64_t samples;    /* at ISHOW_RATE */
    uint64_t seed;
    int nfe;             /* used, 0 for the built-in engine */
    int batch;           /* jobs that ran together with it */
    int retries;         /* with other seeds */
    const char *degraded; /* "" or the steps taken, "nfe,seed,builtin" */
    const void *audio;   /* with `keep`: encoded as `format`; lives as long as the call */
    size_t audio_len;
};

enum submit_verdict {
    SUBMIT_OK,
    SUBMIT_FULL,    /* the queue, or this client's share of it: 503 with Retry-After */
    SUBMIT_STOPPING, /* 503 */
    SUBMIT_NOMEM,
};

struct speech_params {
    const char *engine;  /* "auto", "f5", "builtin" */
    ishow_open_params open;
    int workers;         /* 0: one for f5, one a CPU for the built-in engine */
    int queue_capacity, per_client;
    double timeout;      /* seconds */
    struct measure *measure; /* server/measure.h, borrowed: counts what becomes of jobs; may be NULL */
};

int speech_create(struct loop *loop, struct log *log, const struct speech_params *params, struct speech **ret,
                  struct error *err);
void speech_free(struct speech *s); /* waits for the workers; accepts NULL */

/* `ret_retry` (seconds) is set with SUBMIT_FULL. */
enum submit_verdict speech_submit(struct speech *s, const struct job_request *request, struct job **ret,
                                  int *ret_retry);
/* The job stops within one evaluation; no event comes after this call. `job` is gone after on_done or this. */
void speech_cancel(struct speech *s, struct job *job);

struct speech_state {
    const char *engine;      /* that new jobs get: "f5" or "builtin" */
    const char *trouble;     /* "", or why it is not the configured one: for /api/health */
    const char *model, *precision, *kernels;
    int workers, queued, running, capacity;
};
void speech_describe(const struct speech *s, struct speech_state *ret);

#endif
