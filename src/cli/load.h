/* `ishowtts load`: requests to a speech server, and what became of them.
 *
 * cmd_load.c reads the options, load_plan.c makes of them what is sent, load_run.c sends it and counts, load_report.c
 * tells. One thread, on the loop of net/. */
#ifndef ISHOW_CLI_LOAD_H
#define ISHOW_CLI_LOAD_H

#include "cli/load_audio.h"
#include "cli/load_histogram.h"
#include "net/http_client.h"

#include <stdio.h>

#define LOAD_RATE_MAX 100000    /* requests a second */
#define LOAD_SECONDS_MAX 604800 /* a week */
#define LOAD_REQUESTS_MAX 1000000000
#define LOAD_CLIENTS_MAX 10000
#define LOAD_TEXTS_MAX 10000         /* lines of a text file */
#define LOAD_TEXT_BYTES_MAX 16777216 /* of a text file */
#define LOAD_AT_A_TIME_MAX HTTP_CALLS_MAX

struct load_options {
    const char *url, *endpoint;
    double rate;                  /* a second; 0: closed loop */
    int uniform;                  /* arrivals evenly spaced instead of Poisson's */
    int concurrency;              /* of the closed loop */
    double duration;              /* seconds; 0: until `requests` are sent */
    uint64_t requests;            /* 0: until `duration` is over */
    const char *text_file, *voice, *format, *token;
    int stream;
    double hangup; /* share of the requests, 0..1 */
    int timeout_ms;
    int fresh; /* a connection a request */
    int clients;
    int json, allow_remote;
};

/* What is sent. Zero-initialise. */
struct load_plan {
    char *url;
    char **bodies; /* [body_count], NULL for GET; bodies take turns */
    size_t body_count;
    char **urls; /* [body_count] instead of `url`, when the text is in the address */
    struct http_headers **headers; /* [clients] */
    char (*sources)[16];           /* [clients] loopback addresses to come from, or NULL: there is one client, or no
                                      loopback address of IPv4 to send to */
    size_t clients;
    enum load_audio_kind audio;
};

int load_plan_make(const struct load_options *o, struct load_plan *plan, struct error *err);
void load_plan_release(struct load_plan *plan);

/* Answers with one status. */
struct load_status {
    int status;
    struct histogram latency; /* microseconds from the intended time until the last byte */
};
struct load_failure {
    const char *words;
    uint64_t count;
};

#define LOAD_STATUSES_MAX 24
#define LOAD_FAILURES_MAX 16

struct load_result { /* zeroed at first; large */
    double seconds;  /* from the first intended time until the last answer */
    double cpu_seconds; /* of this program */
    uint64_t requests; /* due so far: sent, or not */
    uint64_t not_sent; /* LOAD_AT_A_TIME_MAX were under way */
    uint64_t answered, ok, hung_up, failed, unfinished, bytes;
    double audio_seconds;
    struct histogram first; /* microseconds from the intended time until the first audio of an answer that is ok */
    struct histogram lag;   /* microseconds that requests left later than intended, because this program was busy */
    /* in the order of their coming; owned; the last takes all others */
    struct load_status *statuses[LOAD_STATUSES_MAX];
    int status_count;
    struct load_failure failures[LOAD_FAILURES_MAX];
    int failure_count;
    int interrupted;
};

void load_result_release(struct load_result *r);

/* Sends until all is sent or `interrupted()`, and waits for the answers. */
int load_run(const struct load_options *o, const struct load_plan *plan, struct load_result *r, struct error *err);

/* 0, or -1 when it could not be written. */
int load_report_text(FILE *out, const struct load_options *o, const struct load_plan *plan,
                     const struct load_result *r);
int load_report_json(FILE *out, const struct load_options *o, const struct load_plan *plan,
                     const struct load_result *r);

#endif
