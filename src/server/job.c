/* See job.h. */
#include "server/job.h"

#include <stdlib.h>
#include <string.h>

static const char *put(char **at, const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = memcpy(*at, s, n);
    *at += n;
    return copy;
}

int job_create(struct speech *s, const struct job_request *r, struct job **ret)
{
    const size_t strings = strlen(r->id) + strlen(r->client) + strlen(r->text) + strlen(r->format) + 4;
    struct job *job = malloc(sizeof *job + strings);
    if (!job)
        return E_NOMEM;
    char *at = (char *)(job + 1);
    *job = (struct job){.speech = s,
                        .id = put(&at, r->id),
                        .client = put(&at, r->client),
                        .text = put(&at, r->text),
                        .format = put(&at, r->format),
                        .say = r->say,
                        .stream = r->stream,
                        .keep = r->keep,
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
    free(job);
}
