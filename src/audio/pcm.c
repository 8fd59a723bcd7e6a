/* See pcm.h. Growth doubles, so that appending in small blocks stays linear. */
#include "audio/pcm.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define PCM_CAP_MIN 4096

void pcm_release(struct pcm *p)
{
    free(p->samples);
    *p = (struct pcm){0};
}

int pcm_reserve(struct pcm *p, size_t extra)
{
    if (extra <= p->cap - p->len)
        return 0;
    if (extra > PCM_MAX_SAMPLES - p->len)
        return E_NOMEM;
    size_t need = p->len + extra;
    size_t cap = p->cap < PCM_CAP_MIN ? PCM_CAP_MIN : p->cap;
    while (cap < need)
        cap *= 2;
    float *samples = realloc(p->samples, cap * sizeof *samples);
    if (!samples)
        return E_NOMEM;
    p->samples = samples;
    p->cap = cap;
    return 0;
}

int pcm_append(struct pcm *p, const float *samples, size_t n)
{
    if (pcm_reserve(p, n))
        return E_NOMEM;
    if (n)
        memcpy(p->samples + p->len, samples, n * sizeof *samples);
    p->len += n;
    return 0;
}

int pcm_append_silence(struct pcm *p, size_t n)
{
    if (pcm_reserve(p, n))
        return E_NOMEM;
    if (n)
        memset(p->samples + p->len, 0, n * sizeof *p->samples);
    p->len += n;
    return 0;
}
