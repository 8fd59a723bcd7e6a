/* See job_encode.h. The encoder's bytes are gathered in one buffer, which then goes to the loop as it is. */
#include "server/job_encode.h"

#include <stdlib.h>

static int take_bytes(void *user, const void *bytes, size_t n)
{
    return buf_add(user, bytes, n);
}

static int hand_over(struct job_encode *e, struct error *err)
{
    if (!e->job->stream || !e->out.len)
        return 0;
    struct job_piece *piece = malloc(sizeof *piece);
    if (!piece)
        return error_nomem(err);
    *piece = (struct job_piece){.bytes = e->out};
    e->out = (struct buf)BUF_INIT;
    speech_post(e->job, piece, 0);
    return 0;
}

int job_encode_write(struct job_encode *e, const float *samples, size_t n, uint64_t total, struct error *err)
{
    ishow_error *apierr = (ishow_error *)err;
    int rc = e->encoder ? 0 : ishow_encoder_create(e->job->format, total, take_bytes, &e->out, &e->encoder, apierr);
    if (!rc)
        rc = ishow_encoder_write(e->encoder, samples, n, apierr);
    return rc ? rc : hand_over(e, err);
}

int job_encode_finish(struct job_encode *e, struct error *err)
{
    int rc = ishow_encoder_finish(e->encoder, (ishow_error *)err);
    if (!rc)
        rc = hand_over(e, err);
    if (!rc && !e->job->stream) {
        e->job->sound = e->out;
        e->out = (struct buf)BUF_INIT;
    }
    return rc;
}

void job_encode_release(struct job_encode *e)
{
    ishow_encoder_free(e->encoder);
    buf_release(&e->out);
}
