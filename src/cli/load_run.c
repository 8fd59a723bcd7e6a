/* Sends what `ishowtts load` has planned, and counts what comes back. See load.h.
 *
 * Open loop: arrivals have intended times that do not wait for answers, and latency counts from them, so that a server
 * that stalls is charged for everyone who would have come meanwhile (no coordinated omission). Closed loop: so many
 * clients, each sending when its answer has come. The times are the same in every run: their random numbers have
 * a fixed seed. */
#include "cli/load.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOK_EVERY 0.1       /* seconds between looks for Ctrl-C */
#define HANGUP_BYTES 65536   /* clients hang up within so many bytes of the body */

struct sent { /* a request under way */
    struct run *run;
    double intended, first; /* clock_seconds(); `first` 0: no sound yet */
    uint64_t bytes, hang_up_at;
    struct load_audio audio;
    struct sent *next;      /* of those not in use */
    struct sent *made_next; /* of all */
};

struct run {
    const struct load_options *options;
    const struct load_plan *plan;
    struct load_result *result;
    struct loop *loop;
    struct http_client *client;
    struct sent *idle, *made;
    int timer_fd;
    struct loop_watch *arrivals;
    struct loop_timer look;
    struct progress bar;
    double began, end, next, last_answer;
    uint64_t random;
    struct error failure; /* that ended the run */
};

/* splitmix64 */
static uint64_t next_random(struct run *r)
{
    uint64_t z = r->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double random_part(struct run *r) /* [0, 1) */
{
    return (double)(next_random(r) >> 11) * 0x1p-53;
}

static uint64_t microseconds(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * 1e6 + 0.5) : 0;
}

static void stop(struct run *r, int code, const char *words)
{
    if (code && !r->failure.code)
        error_set(&r->failure, code, "%s", words);
    loop_stop(r->loop);
}

/* -------- counting -------- */

static struct load_status *status_of(struct load_result *r, int status)
{
    for (int i = 0; i < r->status_count; i++)
        if (r->statuses[i]->status == status)
            return r->statuses[i];
    if (r->status_count == LOAD_STATUSES_MAX)
        return r->statuses[LOAD_STATUSES_MAX - 1];
    struct load_status *s = calloc(1, sizeof *s);
    if (s) {
        s->status = status;
        r->statuses[r->status_count++] = s;
    }
    return s;
}

static void count_failure(struct load_result *r, const char *words)
{
    int i = 0;
    while (i < r->failure_count && strcmp(r->failures[i].words, words) != 0)
        i++;
    if (i == LOAD_FAILURES_MAX)
        i--;
    else if (i == r->failure_count)
        r->failures[r->failure_count++] = (struct load_failure){.words = words};
    r->failures[i].count++;
    r->failed++;
}

static void count_answer(struct run *r, const struct sent *s, int status, double now)
{
    struct load_result *res = r->result;
    struct load_status *by = status_of(res, status);
    if (!by) {
        stop(r, E_NOMEM, "out of memory");
        return;
    }
    res->answered++;
    histogram_add(&by->latency, microseconds(now - s->intended));
    if (status < 200 || status > 299)
        return;
    res->ok++;
    res->audio_seconds += load_audio_seconds(&s->audio);
    if (s->first > 0)
        histogram_add(&res->first, microseconds(s->first - s->intended));
}

/* -------- one request -------- */

static int on_data(void *user, int status, const void *data, size_t len)
{
    struct sent *s = user;
    s->bytes += len;
    if (status < 200 || status > 299)
        return 0;
    load_audio_add(&s->audio, data, len);
    if (!(s->first > 0) && load_audio_begun(&s->audio))
        s->first = clock_seconds();
    return s->bytes >= s->hang_up_at;
}

static int is_over(const struct run *r, double intended)
{
    return intended >= r->end || (r->options->requests && r->result->requests >= r->options->requests);
}

static void send_next(struct run *r, double intended);

static void on_done(void *user, const struct http_outcome *o)
{
    struct sent *s = user;
    struct run *r = s->run;
    const double now = clock_seconds();
    r->result->bytes += s->bytes;
    r->last_answer = now;
    if (o->hung_up)
        r->result->hung_up++;
    else if (o->error)
        count_failure(r->result, o->error);
    else
        count_answer(r, s, o->status, now);
    s->next = r->idle;
    r->idle = s;
    if (r->options->rate <= 0 && !is_over(r, now))
        send_next(r, now);
    else if (http_client_busy(r->client) == 0 && is_over(r, r->options->rate > 0 ? r->next : now))
        loop_stop(r->loop);
}

static struct sent *take_sent(struct run *r)
{
    struct sent *s = r->idle;
    if (s) {
        r->idle = s->next;
    } else if ((s = malloc(sizeof *s))) {
        s->made_next = r->made;
        r->made = s;
    }
    return s;
}

static void send_next(struct run *r, double intended)
{
    const struct load_options *o = r->options;
    const struct load_plan *p = r->plan;
    struct load_result *res = r->result;
    const uint64_t n = res->requests++;
    struct sent *s = take_sent(r);
    if (!s) {
        stop(r, E_NOMEM, "out of memory");
        return;
    }
    *s = (struct sent){.run = r, .intended = intended, .hang_up_at = UINT64_MAX, .made_next = s->made_next};
    load_audio_init(&s->audio, p->audio);
    if (o->hangup > 0 && random_part(r) < o->hangup)
        s->hang_up_at = next_random(r) % HANGUP_BYTES;
    const size_t text = p->body_count ? n % p->body_count : 0, client = n % p->clients;
    const struct http_call call = {
        .url = p->urls ? p->urls[text] : p->url,
        .body = p->bodies ? p->bodies[text] : NULL,
        .body_len = p->bodies ? strlen(p->bodies[text]) : 0,
        .headers = p->headers[client],
        .source = p->sources ? p->sources[client] : NULL,
        .fresh = o->fresh,
        .timeout_ms = o->timeout_ms,
        .on_data = on_data,
        .on_done = on_done,
        .user = s,
    };
    struct error err;
    const int rc = http_client_call(r->client, &call, &err);
    if (rc) {
        s->next = r->idle;
        r->idle = s;
        res->not_sent++;
        if (rc != E_LIMIT)
            stop(r, rc, err.text);
        return;
    }
    histogram_add(&res->lag, microseconds(clock_seconds() - intended));
}

/* -------- time -------- */

static void set_alarm(struct run *r)
{
    struct itimerspec t = {0};
    t.it_value.tv_sec = (time_t)r->next;
    t.it_value.tv_nsec = (long)((r->next - floor(r->next)) * 1e9);
    if (timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &t, NULL) < 0)
        stop(r, E_IO, "the system refuses a timer");
}

static void on_arrivals(void *user, uint32_t events)
{
    struct run *r = user;
    uint64_t expirations;
    (void)events;
    if (read(r->timer_fd, &expirations, sizeof expirations) < 0)
        return; /* set anew meanwhile */
    const double now = clock_seconds();
    while (r->next <= now && !is_over(r, r->next)) {
        send_next(r, r->next);
        r->next += (r->options->uniform ? 1 : -log1p(-random_part(r))) / r->options->rate;
    }
    if (!is_over(r, r->next))
        set_alarm(r);
    else if (http_client_busy(r->client) == 0)
        loop_stop(r->loop);
}

static void look(void *user)
{
    struct run *r = user;
    const struct load_result *res = r->result;
    char text[160];
    if (interrupted()) {
        r->result->interrupted = 1;
        stop(r, 0, "");
        return;
    }
    snprintf(text, sizeof text, "%.0f s: %llu requests, %llu ok, %llu refused, %llu failed, %zu under way",
             clock_seconds() - r->began, (unsigned long long)res->requests, (unsigned long long)res->ok,
             (unsigned long long)(res->answered - res->ok), (unsigned long long)res->failed,
             http_client_busy(r->client));
    progress_show(&r->bar, text, 0, 0);
    loop_timer_start(r->loop, &r->look, LOOK_EVERY, look, r);
}

/* -------- the run -------- */

static void allow_connections(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int begin(struct run *r, struct error *err)
{
    const struct load_options *o = r->options;
    r->began = r->last_answer = clock_seconds();
    r->end = o->duration > 0 ? r->began + o->duration : INFINITY;
    loop_timer_start(r->loop, &r->look, 0, look, r);
    if (o->rate <= 0) {
        for (int i = 0; i < o->concurrency && !is_over(r, r->began); i++)
            send_next(r, clock_seconds());
        return 0;
    }
    r->next = r->began;
    r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (r->timer_fd < 0)
        return error_set(err, E_IO, "the system refuses a timer");
    int rc = loop_watch(r->loop, r->timer_fd, EPOLLIN, on_arrivals, r, &r->arrivals, err);
    if (!rc)
        set_alarm(r);
    return rc;
}

int load_run(const struct load_options *o, const struct load_plan *plan, struct load_result *result,
             struct error *err)
{
    struct run r = {.options = o, .plan = plan, .result = result, .timer_fd = -1, .random = 1};
    const double cpu = cpu_seconds();
    allow_connections();
    progress_init(&r.bar, stderr);
    int rc = loop_create(&r.loop, err);
    if (!rc)
        rc = http_client_create(r.loop, LOAD_AT_A_TIME_MAX, &r.client, err);
    if (!rc)
        rc = begin(&r, err);
    if (!rc)
        rc = loop_run(r.loop, err);
    if (!rc && r.failure.code) {
        rc = r.failure.code;
        if (err)
            *err = r.failure;
    }
    progress_clear(&r.bar);
    result->unfinished = r.client ? http_client_busy(r.client) : 0;
    result->seconds = result->interrupted ? clock_seconds() - r.began : fmax(r.last_answer - r.began, o->duration);
    result->cpu_seconds = cpu_seconds() - cpu;
    loop_timer_stop(&r.look);
    loop_unwatch(r.arrivals);
    if (r.timer_fd >= 0)
        close(r.timer_fd);
    http_client_free(r.client);
    while (r.made) {
        struct sent *s = r.made;
        r.made = s->made_next;
        free(s);
    }
    loop_free(r.loop);
    return rc;
}

void load_result_release(struct load_result *r)
{
    for (int i = 0; i < r->status_count; i++)
        free(r->statuses[i]);
    r->status_count = 0;
}
