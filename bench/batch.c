/* Does it pay to speak several texts together? Says n texts one after another and in one ishow_say_many, in turns, and
 * tells how much more speech a second of the machine gives together.
 *
 *     batch MODEL [PRECISION [N,… [ROUNDS]]]
 *
 * CPU seconds are those of the process over its threads: on a busy machine they tell more than the wall's. */
#include "ishowtts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS "Some call me nature, others call me mother nature."

static const char *const texts[] = {
    "Hello chat, thanks for the follow, and welcome to the stream!",
    "Tonight we try the last boss again, and this time it works.",
    "What was the name of that song you played at the beginning?",
    "Happy birthday, and greetings to everybody from the north!",
};
#define TEXT_COUNT (sizeof texts / sizeof *texts)

struct sound {
    float *samples;
    size_t n;
};

static int collect(void *user, const float *samples, size_t n)
{
    struct sound *s = user;
    float *more = realloc(s->samples, sizeof *more * (s->n + n));
    if (!more)
        return 1;
    memcpy(more + s->n, samples, sizeof *more * n);
    *s = (struct sound){more, s->n + n};
    return 0;
}

static int count(void *user, const float *samples, size_t n)
{
    (void)samples;
    *(size_t *)user += n;
    return 0;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct cost {
    double wall, cpu, audio; /* seconds */
};

/* n texts in calls of `together`. */
static int measure(ishow_engine *engine, const ishow_voice *voice, int n, int together, struct cost *cost,
                   ishow_error *err)
{
    ishow_request requests[ISHOW_BATCH_MAX], *list[ISHOW_BATCH_MAX];
    ishow_say_params say;
    size_t samples = 0;
    int rc = 0;
    ishow_say_params_init(&say);
    say.seed = 1;
    const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < n && !rc; i++) {
        ishow_request *r = list[i] = &requests[i];
        ishow_request_init(r);
        r->voice = voice;
        r->text = texts[(size_t)i % TEXT_COUNT];
        r->params = &say;
        r->on_audio = count;
        r->user = &samples;
        r->err = err;
    }
    for (int i = 0; i < n && !rc; i += together)
        rc = ishow_say_many(engine, list + i, together, err);
    for (int i = 0; i < n && !rc; i++)
        rc = requests[i].result;
    cost->wall += seconds(CLOCK_MONOTONIC) - wall;
    cost->cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    cost->audio += (double)samples / ISHOW_RATE;
    return rc;
}

static int make_voice(ishow_engine *engine, ishow_voice **ret, ishow_error *err)
{
    struct sound clip = {0};
    ishow_engine *builtin = NULL;
    ishow_open_params p;
    ishow_open_params_init(&p);
    p.model = "builtin";
    int rc = ishow_open(&p, &builtin, err);
    if (!rc)
        rc = ishow_say(builtin, NULL, WORDS, NULL, collect, &clip, NULL, err);
    if (!rc)
        rc = ishow_voice_from_pcm(engine, clip.samples, clip.n, 1, ISHOW_RATE, WORDS, ret, err);
    ishow_close(builtin);
    free(clip.samples);
    return rc;
}

int main(int argc, char **argv)
{
    ishow_engine *engine = NULL;
    ishow_voice *voice = NULL;
    ishow_error err;
    ishow_open_params p;
    struct cost warm = {0};
    ishow_open_params_init(&p);
    p.model = argc > 1 ? argv[1] : NULL;
    p.precision = argc > 2 ? argv[2] : NULL;
    const char *sizes = argc > 3 ? argv[3] : "2,4";
    const int rounds = argc > 4 ? atoi(argv[4]) : 3;
    int rc = ishow_open(&p, &engine, &err);
    if (!rc)
        rc = make_voice(engine, &voice, &err);
    if (!rc)
        rc = measure(engine, voice, 1, 1, &warm, &err);
    while (!rc && *sizes) {
        char *end;
        const int n = (int)strtol(sizes, &end, 10);
        struct cost alone = {0}, together = {0};
        if (n < 1 || n > ISHOW_BATCH_MAX || (*end && *end != ','))
            break;
        for (int i = 0; i < rounds && !rc; i++) {
            rc = measure(engine, voice, n, 1, &alone, &err);
            if (!rc)
                rc = measure(engine, voice, n, n, &together, &err);
        }
        if (!rc)
            printf("%d texts, %.1f s of speech, %d rounds: one after another %.2f s (CPU %.2f), together %.2f s "
                   "(CPU %.2f); throughput %.3f times by the clock, %.3f times by CPU time\n",
                   n, alone.audio / rounds, rounds, alone.wall / rounds, alone.cpu / rounds, together.wall / rounds,
                   together.cpu / rounds, alone.wall / together.wall, alone.cpu / together.cpu);
        sizes = *end ? end + 1 : end;
    }
    if (rc)
        fprintf(stderr, "batch: %s\n", err.text);
    ishow_voice_free(voice);
    ishow_close(engine);
    return rc ? 1 : 0;
}
