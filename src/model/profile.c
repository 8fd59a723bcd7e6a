/* See profile.h. */
#include "model/profile.h"

#include "base/clock.h"
#include "dev/dev.h"

#include <time.h>

static const char *const names[PROFILE_STAGES] = {
    [PROFILE_TEXT] = "text",           [PROFILE_INPUT] = "input",     [PROFILE_QKV] = "qkv",
    [PROFILE_ATTENTION] = "attention", [PROFILE_OUT] = "out",         [PROFILE_FF] = "ff",
    [PROFILE_ADALN] = "adaln",         [PROFILE_VOCODER] = "vocoder", [PROFILE_HOST] = "host"};

const char *profile_stage_name(enum profile_stage s)
{
    return names[s];
}

double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void profile_start(struct profile *p)
{
    if (p)
        *p = (struct profile){.at = clock_seconds(), .cpu_at = cpu_seconds()};
}

void profile_mark(struct profile *p, enum profile_stage done, double ops)
{
    if (!p)
        return;
    const double at = clock_seconds(), cpu_at = cpu_seconds();
    struct profile_time *t = &p->stage[done];
    t->seconds += at - p->at;
    t->cpu_seconds += cpu_at - p->cpu_at;
    t->ops += ops;
    p->at = at;
    p->cpu_at = cpu_at;
}

void profile_frames(struct profile *p, long frames)
{
    if (p)
        p->frames += frames;
}

double ops_attention(const int *start, int seqs, int heads)
{
    double sum = 0;
    for (int s = 0; s < seqs; s++) {
        const double n = start[s + 1] - start[s];
        sum += n * n;
    }
    return 4 * sum * heads * DEV_HEAD_DIM;
}
