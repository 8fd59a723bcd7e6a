/* Encoders. wav and raw PCM are written here; flac, ogg vorbis, opus and mp3 by libsndfile into a
 * virtual file whose bytes go on to the caller's sink.
 *
 * A sink takes bytes once and in order, while some containers are mended at the end: flac's header
 * receives its length and checksum, so a flac is held back until it is finished. mp3 at a constant rate
 * is complete without the statistics that would replace its first, silent frame, so that rewrite is
 * dropped. Ogg is only ever appended to. */
#include "audio/sound_file.h"

#include "audio/shape.h"
#include "base/buf.h"

#include <math.h>
#include <sndfile.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ENCODE_BLOCK     2048       /* samples */
#define ENCODE_HELD_MAX  (1u << 30) /* bytes of a flac until its end: over nine hours */
#define WAV_HEADER_BYTES 44
#define WAV_SAMPLES_MAX  ((UINT32_MAX - WAV_HEADER_BYTES) / 2)
#define OPUS_PAGE_MS     100.0                /* sound in one page: what a listener waits for */
#define OPUS_LEVEL       ((256 - 48) / 250.0) /* libsndfile's scale from 256 kbit/s to 6; this is 48 */
#define MP3_LEVEL        ((160 - 96) / 152.0) /* from 160 kbit/s to 8; this is 96 */

struct sound_encoder {
    enum sound_format format;
    size_t total;   /* samples promised; 0: unknown */
    size_t written; /* samples so far */
    sound_sink sink;
    void *user;
    struct error *err; /* of the call that is running, for the sink */
    int failed;        /* code of the first failure: nothing goes out after it */
    int finished;

    SNDFILE *sf;         /* NULL for wav and pcm */
    sf_count_t pos, len; /* of the virtual file */
    struct buf held;     /* all of a flac */
};

static int encoder_holds(const struct sound_encoder *e)
{
    return e->format == SOUND_FLAC;
}

/* -------- the virtual file -------- */

static sf_count_t out_len(void *user)
{
    return ((struct sound_encoder *)user)->len;
}

static sf_count_t out_tell(void *user)
{
    return ((struct sound_encoder *)user)->pos;
}

static sf_count_t out_seek(sf_count_t offset, int whence, void *user)
{
    struct sound_encoder *e = user;
    sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? e->pos : e->len;
    if (offset < -base || offset > e->len - base)
        return -1;
    e->pos = base + offset;
    return e->pos;
}

static sf_count_t out_read(void *data, sf_count_t n, void *user)
{
    (void)data;
    (void)n;
    (void)user;
    return 0;
}

static int hold(struct sound_encoder *e, const void *data, size_t n)
{
    size_t pos = (size_t)e->pos;
    if (n > ENCODE_HELD_MAX - pos)
        return error_set(e->err, E_LIMIT, "the flac is larger than %zu bytes", (size_t)ENCODE_HELD_MAX);
    size_t over = n < e->held.len - pos ? n : e->held.len - pos;
    if (buf_add(&e->held, (const char *)data + over, n - over))
        return error_nomem(e->err);
    memcpy(e->held.ptr + pos, data, over);
    return 0;
}

/* Always takes everything, because libsndfile's own ways out of a failed write leak; after a failure the
 * bytes go nowhere, and e->failed tells. */
static sf_count_t out_write(const void *data, sf_count_t n, void *user)
{
    struct sound_encoder *e = user;
    if (n <= 0)
        return 0;
    if (!e->failed && encoder_holds(e))
        e->failed = hold(e, data, (size_t)n);
    else if (!e->failed && e->pos == e->len)
        e->failed = e->sink(e->user, data, (size_t)n, e->err);
    e->pos += n;
    if (e->len < e->pos)
        e->len = e->pos;
    return n;
}

static int open_sndfile(struct sound_encoder *e, struct error *err)
{
    static const int formats[] = {
        [SOUND_FLAC] = SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        [SOUND_OGG] = SF_FORMAT_OGG | SF_FORMAT_VORBIS,
        [SOUND_OPUS] = SF_FORMAT_OGG | SF_FORMAT_OPUS,
        [SOUND_MP3] = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III,
    };
    SF_VIRTUAL_IO io = {out_len, out_seek, out_read, out_write, out_tell};
    SF_INFO info = {.samplerate = AUDIO_RATE, .channels = 1, .format = formats[e->format]};
    e->sf = sf_open_virtual(&io, SFM_WRITE, &info, e);
    if (e->failed)
        return e->failed;
    if (!e->sf)
        return error_set(err, E_UNSUPPORTED, "libsndfile (%s) cannot encode %s: %s", sf_version_string(),
                         sound_format_name(e->format), sf_strerror(NULL));
    if (e->format == SOUND_OPUS) {
        double page = OPUS_PAGE_MS, level = OPUS_LEVEL;
        sf_command(e->sf, SFC_SET_OGG_PAGE_LATENCY_MS, &page, sizeof page);
        sf_command(e->sf, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
    }
    if (e->format == SOUND_MP3) {
        int mode = SF_BITRATE_MODE_CONSTANT;
        double level = MP3_LEVEL;
        sf_command(e->sf, SFC_SET_BITRATE_MODE, &mode, sizeof mode);
        sf_command(e->sf, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
    }
    return 0;
}

/* -------- wav and pcm -------- */

static void put_u16(unsigned char *at, unsigned v)
{
    at[0] = (unsigned char)(v & 0xff);
    at[1] = (unsigned char)(v >> 8 & 0xff);
}

static void put_u32(unsigned char *at, uint32_t v)
{
    put_u16(at, v & 0xffff);
    put_u16(at + 2, v >> 16);
}

static int write_wav_header(struct sound_encoder *e, struct error *err)
{
    unsigned char h[WAV_HEADER_BYTES];
    uint32_t data = e->total ? (uint32_t)(e->total * 2) : UINT32_MAX;
    memcpy(h, "RIFF....WAVEfmt ", 16);
    put_u32(h + 4, e->total ? data + WAV_HEADER_BYTES - 8 : UINT32_MAX);
    put_u32(h + 16, 16);
    put_u16(h + 20, 1); /* PCM */
    put_u16(h + 22, 1); /* channels */
    put_u32(h + 24, AUDIO_RATE);
    put_u32(h + 28, AUDIO_RATE * 2); /* bytes a second */
    put_u16(h + 32, 2);              /* bytes a frame */
    put_u16(h + 34, 16);             /* bits */
    memcpy(h + 36, "data", 4);
    put_u32(h + 40, data);
    return e->sink(e->user, h, sizeof h, err);
}

static int16_t quantise(float x)
{
    long v = lrintf(x * 32768);
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v);
}

/* -------- the encoder -------- */

int sound_encoder_create(enum sound_format f, size_t total, sound_sink sink, void *user,
                         struct sound_encoder **ret, struct error *err)
{
    if (f == SOUND_WAV && total > WAV_SAMPLES_MAX)
        return error_set(err, E_LIMIT, "a wav holds at most %zu samples, not %zu", (size_t)WAV_SAMPLES_MAX,
                         total);
    struct sound_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return error_nomem(err);
    *e = (struct sound_encoder){.format = f, .total = total, .sink = sink, .user = user, .err = err};
    if (f != SOUND_WAV && f != SOUND_PCM) {
        int rc = open_sndfile(e, err);
        if (rc) {
            sound_encoder_free(e);
            return rc;
        }
    }
    *ret = e;
    return 0;
}

static int write_block(struct sound_encoder *e, float *block, size_t n, struct error *err)
{
    pcm_sanitize(block, n);
    if (e->format == SOUND_WAV || e->format == SOUND_PCM) {
        unsigned char bytes[2 * ENCODE_BLOCK];
        for (size_t i = 0; i < n; i++)
            put_u16(bytes + 2 * i, (uint16_t)quantise(block[i]));
        return e->sink(e->user, bytes, 2 * n, err);
    }
    sf_count_t done;
    if (e->format == SOUND_FLAC) {
        short words[ENCODE_BLOCK];
        for (size_t i = 0; i < n; i++)
            words[i] = quantise(block[i]);
        done = sf_writef_short(e->sf, words, (sf_count_t)n);
    } else {
        done = sf_writef_float(e->sf, block, (sf_count_t)n);
    }
    if (e->failed)
        return e->failed;
    if (done != (sf_count_t)n)
        return error_set(err, E_INTERNAL, "%s encoder: %s", sound_format_name(e->format), sf_strerror(e->sf));
    return 0;
}

/* Whether `e` may go on; wav's header goes out here, before the first sample. */
static int begin_call(struct sound_encoder *e, struct error *err)
{
    e->err = err;
    if (e->finished)
        return error_set(err, E_ARG, "the encoder has already been finished");
    if (e->failed)
        return error_set(err, e->failed, "the encoder has already failed");
    if (e->format == SOUND_WAV && !e->written)
        e->failed = write_wav_header(e, err);
    return e->failed;
}

int sound_encoder_write(struct sound_encoder *e, const float *samples, size_t n, struct error *err)
{
    if (!n)
        return 0;
    int rc = begin_call(e, err);
    if (rc)
        return rc;
    if (e->total && n > e->total - e->written)
        return e->failed =
                   error_set(err, E_ARG, "the encoder was promised %zu samples and is given more", e->total);
    if (e->format == SOUND_WAV && n > WAV_SAMPLES_MAX - e->written)
        return e->failed =
                   error_set(err, E_LIMIT, "a wav holds at most %zu samples", (size_t)WAV_SAMPLES_MAX);
    while (n) {
        float block[ENCODE_BLOCK];
        size_t now = n < ENCODE_BLOCK ? n : ENCODE_BLOCK;
        memcpy(block, samples, now * sizeof *block);
        rc = write_block(e, block, now, err);
        if (rc)
            return e->failed = rc;
        samples += now;
        n -= now;
        e->written += now;
    }
    return 0;
}

int sound_encoder_finish(struct sound_encoder *e, struct error *err)
{
    if (!e->written && !e->failed && !e->finished)
        return e->failed = error_set(err, E_ARG, "there is no sound to encode");
    int rc = begin_call(e, err);
    if (rc)
        return rc;
    if (e->written < e->total)
        return e->failed = error_set(err, E_ARG, "the encoder was promised %zu samples and was given %zu",
                                     e->total, e->written);
    if (e->sf) {
        int closed = sf_close(e->sf);
        e->sf = NULL;
        if (closed && !e->failed)
            e->failed = error_set(err, E_INTERNAL, "%s encoder: %s", sound_format_name(e->format),
                                  sf_error_number(closed));
    }
    if (!e->failed && e->held.len)
        e->failed = e->sink(e->user, e->held.ptr, e->held.len, err);
    e->finished = 1;
    return e->failed;
}

void sound_encoder_free(struct sound_encoder *e)
{
    if (!e)
        return;
    e->err = NULL;
    if (!e->failed)
        e->failed = E_CANCELLED; /* what closing still writes goes nowhere */
    if (e->sf)
        sf_close(e->sf);
    buf_release(&e->held);
    free(e);
}
