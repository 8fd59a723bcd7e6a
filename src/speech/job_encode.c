/* See job_encode.h. The encoder's bytes are gathered in one buffer, which then goes to the loop as it is. */
#include "speech/job_encode.h"

#include "speech/speech_mail.h"

#include <stdlib.h>
#include <string.h>

#define WAV_HEADER 44 /* bytes, as the encoder writes it */
#define WAV_RIFF   4  /* where the sizes stand in it */
#define WAV_DATA   40

static int take_bytes(void *user, const void *bytes, size_t n)
{
    return buf_add(user, bytes, n);
}

/* A history that cannot be kept is no reason to break off a stream. */
static void keep(struct job *job, const struct buf *bytes)
{
    if (job->keep && buf_add(&job->sound, bytes->ptr, bytes->len)) {
        job->keep = 0;
        buf_release(&job->sound);
    }
}

static int hand_over(struct job_encode *e, struct error *err)
{
    if (!e->job->stream || !e->out.len)
        return 0;
    struct job_piece *piece = malloc(sizeof *piece);
    if (!piece)
        return error_nomem(err);
    keep(e->job, &e->out);
    *piece = (struct job_piece){.bytes = e->out, .so_far = e->job->result};
    e->out = (struct buf)BUF_INIT;
    speech_mail_send(e->job, piece, 0);
    return 0;
}

/* All that our sink can lack is memory. */
static int encoder_error(int rc, struct error *err)
{
    return rc == E_IO ? error_nomem(err) : rc;
}

int job_encode_write(struct job_encode *e, const float *samples, size_t n, uint64_t total, struct error *err)
{
    ishow_error *apierr = (ishow_error *)err;
    int rc = e->encoder ? 0 : ishow_encoder_create(e->job->format, total, take_bytes, &e->out, &e->encoder, apierr);
    if (!rc)
        rc = ishow_encoder_write(e->encoder, samples, n, apierr);
    return rc ? encoder_error(rc, err) : hand_over(e, err);
}

static void put_size(char *at, size_t size)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(size >> 8 * i & 0xff);
}

/* A streamed wav says that it is endless; what is kept of it need not. */
static void mend_wav(struct buf *wav)
{
    if (wav->len < WAV_HEADER || wav->len > UINT32_MAX || memcmp(wav->ptr + WAV_DATA - 4, "data", 4) != 0)
        return;
    put_size(wav->ptr + WAV_RIFF, wav->len - WAV_RIFF - 4);
    put_size(wav->ptr + WAV_DATA, wav->len - WAV_HEADER);
}

int job_encode_finish(struct job_encode *e, struct error *err)
{
    struct job *job = e->job;
    int rc = encoder_error(ishow_encoder_finish(e->encoder, (ishow_error *)err), err);
    if (rc || (rc = hand_over(e, err)))
        return rc;
    if (!job->stream) {
        job->sound = e->out;
        e->out = (struct buf)BUF_INIT;
    } else if (job->keep && strcmp(job->format, "wav") == 0) {
        mend_wav(&job->sound);
    }
    return 0;
}

void job_encode_release(struct job_encode *e)
{
    ishow_encoder_free(e->encoder);
    buf_release(&e->out);
}
