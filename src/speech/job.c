/* See job.h. */
#include "speech/job.h"

#include "speech/voices.h"

#include <stdlib.h>
#include <string.h>

static const char *put(char **at, const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = memcpy(*at, s, n);
    *at += n;
    return copy;
}

int job_create(const struct job_request *r, struct job **ret)
{
    const size_t strings = strlen(r->id) + strlen(r->client) + strlen(r->text) + strlen(r->format) + 4;
    struct job *job = malloc(sizeof *job + strings);
    if (!job)
        return E_NOMEM;
    char *at = (char *)(job + 1);
    *job = (struct job){.id = put(&at, r->id),
                        .client = put(&at, r->client),
                        .text = put(&at, r->text),
                        .format = put(&at, r->format),
                        .voice = voice_ref(r->voice),
                        .say = r->say,
                        .stream = r->stream,
                        .keep = r->keep,
                        .priority = (int)r->priority,
                        .length = speech_length_expect(r->text, r->say.speed),
                        .on_start = r->on_start,
                        .on_audio = r->on_audio,
                        .on_done = r->on_done,
                        .user = r->user};
    job->pieces_end = &job->pieces;
    atomic_init(&job->stop, 0);
    *ret = job;
    return 0;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    while (job->pieces) {
        struct job_piece *p = job->pieces;
        job->pieces = p->next;
        buf_release(&p->bytes);
        free(p);
    }
    buf_release(&job->sound);
    voice_unref(job->voice);
    free(job);
}

double job_units(const struct job *job, int nfe)
{
    const int evaluations = job->say.cfg_strength > 0 ? 2 * nfe : nfe; /* guided: with and without the text */
    return job->length.usual * evaluations;
}
