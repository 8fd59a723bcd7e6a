/* From a text to encoded audio, off the loop: bounded queues, workers that own engines, and what to do when synthesis
 * fails or there is too much of it. Then gives, in this order and told in the result: the number of evaluations when
 * many wait ("nfe"), the seed when the sound cannot be right ("seed"), the model when it fails or would be too late
 * ("builtin").
 *
 * Everything here is called on the loop's thread, and so are a job's events. */
#ifndef ISHOW_SPEECH_SPEECH_H
#define ISHOW_SPEECH_SPEECH_H

#include "ishowtts.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "net/loop.h"

#include <stdint.h>

struct config;
struct config_rung;
struct speech;
struct job;
struct job_result;
struct voice; /* speech/voices.h: a snapshot, reference-counted; NULL: the built-in voice */

enum job_priority { JOB_NORMAL, JOB_HIGH, JOB_URGENT, JOB_PRIORITIES };

/* What is to be said, and how. Strings and the voice are taken over as copies or references. */
struct job_request {
    const char *id;     /* of the HTTP request, for the log */
    const char *client; /* who asks, for fairness between clients: a token's name or an address */
    const char *text;   /* UTF-8, at most ISHOW_TEXT_MAX bytes */
    const char *engine; /* "f5", "builtin", or "" for the configured one */
    struct voice *voice;
    ishow_say_params say; /* its callbacks are not used; the ladder may lower nfe */
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
    const void *audio;   /* all of it, encoded as `format`: when not streamed, or with `keep`; as long as the call */
    size_t audio_len;
    struct buf *sound;   /* the same, and may be taken over; NULL when there is none */
};

enum submit_verdict {
    SUBMIT_OK,
    SUBMIT_FULL,    /* the queue, or this client's share of it: 503 with Retry-After */
    SUBMIT_STOPPING, /* 503 */
    SUBMIT_NOMEM,
};

#define SPEECH_RETRIES_MAX 8

/* Told what becomes of jobs, for whoever counts. All there, or all NULL. */
struct speech_observer {
    void (*submitted)(void *user, enum submit_verdict verdict);
    void (*ended)(void *user, const struct job_result *result);
    void (*retried)(void *user, const char *reason); /* with another seed; a name of sound_check.h */
    void (*cancelled)(void *user);                   /* its client left first */
    void *user;
};

struct speech_params {
    const char *engine;     /* "auto", "f5", "builtin" */
    ishow_open_params open; /* copied; its callbacks are not used */
    int workers;            /* 0: one for the model, one a CPU for the built-in voices */
    int max_parallel;       /* jobs that are spoken at once, of each engine; 0: as many as there are workers */
    int queue_capacity, per_client;
    double ageing;          /* seconds of waiting that make up for one level of priority; 0: 10 */
    double timeout;         /* seconds */
    int fallback;           /* the built-in voices speak when the model cannot, or not in time */
    int retries;            /* with other seeds, at most SPEECH_RETRIES_MAX */
    int batch_max;          /* jobs that the model speaks together; 0 and 1: each alone */
    double batch_window;    /* seconds to wait for others, once there are two */
    int first_chunk;        /* of streams, as ishow_say_params has it, unless the job says so itself */
    double hang_seconds;    /* a worker that does not move for so long hangs; 0: 60 */
    const struct config_rung *ladder; /* config/config.h; copied */
    size_t ladder_count;
    struct speech_observer observer;
    const struct engine_calls *calls; /* speech/speech_engine.h; NULL: the engine itself */
};

/* What the configuration says, borrowed from it. */
void speech_params_read(const struct config *c, struct speech_params *ret);

/* Opens the model, on a thread of its own, and waits a moment for that. A model that cannot be opened is no failure:
 * the built-in voices stand in for it, and speech_describe says so. */
int speech_create(struct loop *loop, struct log *log, const struct speech_params *params, struct speech **ret,
                  struct error *err);
/* Jobs that are left get JOB_STOPPED; waits for the workers, which stop within one evaluation. Accepts NULL. */
void speech_free(struct speech *s);

/* Takes on new limits, and tries once more to open a model that could not be. Engine, model, workers and what counts
 * them stay as they are. E_NOMEM leaves everything as it was. */
int speech_reload(struct speech *s, const struct speech_params *params, struct error *err);

/* From now on every request is SUBMIT_STOPPING; what has been taken on is finished. */
void speech_stop(struct speech *s);
int speech_pending(const struct speech *s); /* jobs that have been taken on and are not over */

/* `ret_retry` (seconds) is set with SUBMIT_FULL. */
enum submit_verdict speech_submit(struct speech *s, const struct job_request *request, struct job **ret,
                                  int *ret_retry);
/* The job stops within one evaluation; no event comes after this call. `job` is gone after on_done or this. */
void speech_cancel(struct speech *s, struct job *job);

/* The strings live until the next call. */
struct speech_state {
    const char *engine;      /* that new jobs get: "f5" or "builtin" */
    const char *trouble;     /* "", or what is wrong, as a sentence: for /api/health */
    const char *model, *precision, *kernels; /* "" without a model */
    int workers, queued, running, capacity;
    int loading;             /* the model is being opened; jobs for it wait */
    int hung;                /* workers that do not move */
};
void speech_describe(const struct speech *s, struct speech_state *ret);

#endif
