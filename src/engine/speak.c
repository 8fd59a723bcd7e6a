/* See speak.h. A chunk of text becomes tokens, a length and noise; one run of the sampler takes the chunks of all
 * requests of a round; then each goes through the vocoder and to its receiver. What has been made is held back by the
 * length of a cross-fade, because the next chunk may still be mixed into it. */
#include "engine/speak.h"

#include "audio/shape.h"
#include "audio/spectrum.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "model/torch_random.h"
#include "text/chunks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK_SECONDS 22.0   /* clip and speech of one chunk together, as upstream plans them */
#define SHORT_TEXT_BYTES 10  /* shorter texts are spoken slowly, or they come out clipped */
#define SHORT_TEXT_SPEED 0.3
#define CHUNK_MIN_BYTES 16   /* a clip near CHUNK_SECONDS must still leave room for words */

/* Of one run of the sampler: what the longest single request may have, so that a batch takes no more memory. */
#define RUN_MAX_FRAMES DIT_MAX_FRAMES

/* -------- one request -------- */

struct speech {
    struct f5 *f;
    struct speak_job *job;
    int ended; /* spoken, failed or stopped */

    char *words;       /* the voice's words as they stand before a chunk: a space follows ASCII */
    size_t word_bytes;
    struct voice_features *clip; /* the voice's, raised to target_rms */
    struct torch_random random;
    size_t overlap;    /* samples */
    struct pcm held;   /* made but not given out yet */
    struct arena arena; /* of the chunks' texts */
    struct chunks chunks;
    size_t chunk;      /* under way */
    struct slice text; /* its */

    int growing;       /* chunks.items[0] is the whole text, and chunks are taken off it as time allows */
    struct slice rest; /* of it */
    size_t first_bytes, chunk_max;
    uint64_t given;    /* samples */
    double heard;      /* when the first of them was given out */

    struct sample_request request; /* of the chunk under way */
    float *mel, *noise;            /* its own, or NULL */
    struct arena chunk_arena;
    struct pcm wave;
};

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t speech_frames(size_t ref_samples, size_t ref_bytes, size_t gen_bytes, double speed, double fix_duration,
                      size_t tokens)
{
    const double ref_len = (double)(ref_samples / MEL_HOP);
    const double local_speed = gen_bytes < SHORT_TEXT_BYTES ? SHORT_TEXT_SPEED : speed;
    const double frames = fix_duration > 0
                              ? floor(fix_duration * AUDIO_RATE / MEL_HOP)
                              : ref_len + floor(ref_len / (double)ref_bytes * (double)gen_bytes / local_speed);
    const int64_t least = max64((int64_t)tokens, (int64_t)mel_frames(ref_samples)) + 1;
    return frames > (double)least ? (int64_t)frames : least;
}

static uint64_t draw_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = 5489; /* before the kernel has entropy; MT19937's own default */
    return seed;
}

/* All of a speech but its chunks. */
static int speech_init(struct speech *s, struct f5 *f, struct speak_job *job)
{
    const struct ishow_voice *v = job->voice;
    const size_t bytes = strlen(v->words);
    const int ascii_end = ((unsigned char)v->words[bytes - 1] & 0x80) == 0;
    s->f = f;
    s->job = job;
    s->held.rate = AUDIO_RATE;
    s->overlap = (size_t)(job->params->cross_fade * AUDIO_RATE);
    s->words = malloc(bytes + 2);
    if (!s->words)
        return error_nomem(job->err);
    memcpy(s->words, v->words, bytes);
    s->words[bytes] = ascii_end ? ' ' : '\0';
    s->words[bytes + 1] = '\0';
    s->word_bytes = bytes + (size_t)ascii_end;
    job->stats->seed = job->params->seed == ISHOW_SEED_RANDOM ? draw_seed() : job->params->seed;
    torch_manual_seed(&s->random, job->stats->seed);
    return voice_prepare(v, (float)job->params->target_rms, &s->clip, job->err);
}

static void chunk_release(struct speech *s)
{
    free(s->mel);
    free(s->noise);
    s->mel = s->noise = NULL;
    arena_release(&s->chunk_arena);
}

static void speech_release(struct speech *s)
{
    chunk_release(s);
    free(s->words);
    voice_features_release(s->clip);
    pcm_release(&s->held);
    pcm_release(&s->wave);
    arena_release(&s->arena);
}

static void speech_end(struct speech *s, int rc)
{
    s->ended = 1;
    s->job->rc = rc;
    chunk_release(s);
}

/* -------- a chunk -------- */

/* What a frame costs in a chunk, for pace.h. */
static double frame_work(const ishow_say_params *p)
{
    return (double)p->nfe * sampler_branches((float)p->cfg_strength);
}

/* Bytes of the next chunk of a growing speech, one of `sharing` that take turns: see pace.h. */
static size_t growing_bytes(const struct speech *s, int sharing)
{
    const ishow_say_params *p = s->job->params;
    const double frames_a_byte = (double)(s->job->voice->clip.len / MEL_HOP) / (double)s->word_bytes / p->speed;
    const double ahead = (double)s->given / AUDIO_RATE - (clock_seconds() - s->heard);
    const struct pace_piece piece = {.clip = s->clip->frames,
                                     .first = (double)s->first_bytes * frames_a_byte,
                                     .last = (double)s->text.len * frames_a_byte,
                                     .load = frame_work(p) * sharing,
                                     .ahead = ahead};
    const double bytes = pace_frames(&s->f->pace, &piece) / frames_a_byte;
    return bytes < (double)s->first_bytes ? s->first_bytes
           : bytes > (double)s->chunk_max ? s->chunk_max : (size_t)bytes;
}

static void next_text(struct speech *s, int sharing)
{
    if (!s->growing)
        s->text = s->chunks.items[s->chunk];
    else
        s->text = chunks_take(&s->rest, s->chunk ? growing_bytes(s, sharing) : s->first_bytes, s->chunk_max);
}

/* Chunks behind the one under way; of a growing speech an estimate that is 0 only after the last. */
static size_t chunks_left(const struct speech *s)
{
    return s->growing ? (s->rest.len + s->chunk_max - 1) / s->chunk_max : s->chunks.count - s->chunk - 1;
}

/* Fills s->request from s->text. */
static int chunk_prepare(struct speech *s)
{
    const ishow_say_params *p = s->job->params;
    const struct slice text = s->text;
    struct error *err = s->job->err;
    struct buf full = BUF_INIT;
    struct sample_request *r = &s->request;
    int32_t *ids;
    *r = (struct sample_request){.ref_mel = s->clip->mel, .ref_frames = s->clip->frames};
    int rc = buf_add(&full, s->words, s->word_bytes) || buf_add(&full, text.ptr, text.len) ? error_nomem(err) : 0;
    if (!rc)
        rc = f5_tokenize(s->f, full.ptr, full.len, &s->chunk_arena, &ids, &r->id_count, err);
    buf_release(&full);
    if (rc)
        return rc;
    r->ids = ids;
    const int64_t frames = speech_frames(s->job->voice->clip.len, s->word_bytes, text.len, p->speed, p->fix_duration,
                                         r->id_count);
    if (frames > DIT_MAX_FRAMES)
        return error_set(err, E_LIMIT, "clip and speech would be %.1f s long together, the model speaks at most %.1f s",
                         (double)frames * MEL_HOP / AUDIO_RATE, (double)DIT_MAX_FRAMES * MEL_HOP / AUDIO_RATE);
    const size_t count = (size_t)frames * MEL_BANDS;
    s->mel = malloc(sizeof *s->mel * count);
    s->noise = malloc(sizeof *s->noise * count);
    if (!s->mel || !s->noise)
        return error_nomem(err);
    torch_randn(&s->random, s->noise, count);
    r->frames = (int)frames;
    r->noise = s->noise;
    r->mel = s->mel;
    return 0;
}

/* Non-zero stops. Progress over all chunks, as if each took the same number of evaluations. */
static int tell(const struct speech *s, int done)
{
    const ishow_say_params *p = s->job->params;
    return p->on_progress && p->on_progress(p->progress_user, (int)s->chunk * p->nfe + done,
                                            (int)(s->chunk + 1 + chunks_left(s)) * p->nfe);
}

static int on_step(void *user, int request, int done, int total)
{
    struct speech *s = ((struct speech **)user)[request];
    int rc = f5_intact(s->f, s->job->err);
    if (!rc && tell(s, done))
        rc = error_set(s->job->err, E_CANCELLED, "cancelled after %d of %d evaluations", done, total);
    if (rc)
        speech_end(s, rc);
    return rc;
}

/* Runs the sampler on the chunks that n speeches have prepared; those that fail or are stopped are ended. */
static void sample(struct speech **speeches, int n)
{
    struct speech *first = speeches[0];
    const ishow_say_params *p = first->job->params;
    const struct sampler_params sampling = {.nfe = p->nfe,
                                            .cfg = (float)p->cfg_strength,
                                            .sway = (float)p->sway,
                                            .progress = on_step,
                                            .user = speeches};
    struct sample_request requests[SAMPLER_MAX_BATCH];
    struct error why;
    const double start = clock_seconds();
    double frames = 0;
    for (int i = 0; i < n; i++)
        requests[i] = speeches[i]->request;
    int rc = sampler_run(first->f->sampler, requests, n, &sampling, &why);
    if (!rc)
        rc = f5_intact(first->f, &why);
    for (int i = 0; i < n; i++) {
        struct speech *s = speeches[i];
        frames += s->ended ? 0 : s->request.frames;
        if (rc && !s->ended)
            speech_end(s, error_set(s->job->err, rc, "%s", why.text));
        s->job->stats->evaluations += s->ended ? 0 : (uint64_t)p->nfe;
    }
    if (!rc)
        pace_note(&first->f->pace, clock_seconds() - start, frames * frame_work(p));
}

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* Makes s->wave from s->mel. */
static int chunk_voice(struct speech *s)
{
    const int ref_len = (int)(s->job->voice->clip.len / MEL_HOP), frames = s->request.frames;
    struct error *err = s->job->err;
    if (tell(s, s->job->params->nfe))
        return error_set(err, E_CANCELLED, "cancelled before the vocoder");
    int rc = f5_vocode(s->f, s->mel + (size_t)ref_len * MEL_BANDS, frames - ref_len, &s->wave, NULL, err);
    if (rc)
        return rc;
    if (!all_finite(s->mel, (size_t)frames * MEL_BANDS) || !all_finite(s->wave.samples, s->wave.len))
        return error_set(err, E_FORMAT, "the model answered with values that are no numbers; its weights are damaged "
                                        "or were never trained");
    for (size_t i = 0; i < s->wave.len; i++)
        s->wave.samples[i] *= s->clip->gain;
    return 0;
}

/* -------- many requests -------- */

/* Gives out all but the last `keep` samples of what is held. */
static int give_out(struct speech *s, size_t keep)
{
    if (s->held.len <= keep)
        return 0;
    const size_t n = s->held.len - keep;
    pcm_sanitize(s->held.samples, n);
    if (!s->given)
        s->heard = clock_seconds();
    s->given += n;
    if (s->job->on_audio(s->job->user, s->held.samples, n))
        return error_set(s->job->err, E_CANCELLED, "cancelled by the receiver of the audio");
    memmove(s->held.samples, s->held.samples + n, sizeof *s->held.samples * keep);
    s->held.len = keep;
    return 0;
}

/* Bytes of text that one chunk may have (infer_process). */
static size_t chunk_bytes(const struct ishow_voice *v, double speed)
{
    const double seconds = (double)v->clip.len / AUDIO_RATE;
    const double bytes = (double)strlen(v->words) / seconds * (CHUNK_SECONDS - seconds) * speed;
    return bytes > CHUNK_MIN_BYTES ? (size_t)bytes : CHUNK_MIN_BYTES;
}

/* Bytes of the first `chars` characters. */
static size_t bytes_of(struct slice s, int chars)
{
    size_t at = 0, n;
    uint32_t cp;
    while (chars-- > 0 && (n = utf8_decode(s.ptr + at, s.len - at, &cp)))
        at += n;
    return at;
}

static int speech_begin(struct speech *s, struct f5 *f, struct speak_job *job)
{
    const ishow_say_params *p = job->params;
    int rc = speech_init(s, f, job);
    s->growing = p->first_chunk && !p->remove_silence && !(p->fix_duration > 0);
    s->chunk_max = chunk_bytes(job->voice, p->speed);
    if (!rc) /* what grows is split later: here its white space is put in order */
        rc = chunks_split(job->text, job->len, s->growing ? CHUNKS_MAX_BYTES : s->chunk_max, &s->arena, &s->chunks,
                          job->err);
    if (!rc && s->chunks.count == 0)
        rc = error_set(job->err, E_ARG, "there is nothing to speak in this text");
    if (!rc && s->growing) {
        s->rest = s->chunks.items[0];
        s->first_bytes = bytes_of(s->rest, p->first_chunk);
    }
    return rc;
}

/* Takes the chunk that was sampled to the receiver, and goes on to the next. */
static int speech_step(struct speech *s)
{
    const int remove = s->job->params->remove_silence;
    int rc = chunk_voice(s);
    if (!rc && crossfade_append(&s->held, s->wave.samples, s->wave.len, s->overlap))
        rc = error_nomem(s->job->err);
    chunk_release(s);
    s->job->stats->chunks++;
    const int more = chunks_left(s) > 0;
    s->chunk++;
    if (!rc && more)
        return remove ? 0 : give_out(s, s->overlap);
    if (!rc && remove)
        rc = silence_remove(&s->held, s->job->err);
    if (!rc)
        rc = give_out(s, 0);
    s->ended = 1;
    return rc;
}

/* One chunk of each speech that has not ended, as many at a time as memory is planned for. */
static void speak_round(struct speech *all, int n)
{
    struct speech *run[SAMPLER_MAX_BATCH];
    int sharing = 0;
    for (int i = 0; i < n; i++)
        sharing += !all[i].ended;
    for (int next = 0; next < n;) {
        int count = 0, frames = 0;
        for (; next < n; next++) {
            struct speech *s = &all[next];
            if (s->ended)
                continue;
            int rc = 0;
            if (!s->mel) { /* else it had no room in the last run */
                next_text(s, sharing);
                rc = chunk_prepare(s);
            }
            if (rc) {
                speech_end(s, rc);
                continue;
            }
            if (count && frames + s->request.frames > RUN_MAX_FRAMES)
                break;
            frames += s->request.frames;
            run[count++] = s;
        }
        if (count)
            sample(run, count);
        for (int i = 0; i < count; i++) {
            int rc = run[i]->ended ? 0 : speech_step(run[i]);
            if (rc)
                speech_end(run[i], rc);
        }
    }
}

static int any_left(const struct speech *all, int n)
{
    for (int i = 0; i < n; i++)
        if (!all[i].ended)
            return 1;
    return 0;
}

int speak_match(const ishow_say_params *a, const ishow_say_params *b)
{
    return a->nfe == b->nfe && a->sway == b->sway && a->cfg_strength == b->cfg_strength;
}

void f5_speak(struct f5 *f, struct speak_job *jobs, int n)
{
    struct speech *all = calloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++) {
        int rc = all ? speech_begin(&all[i], f, &jobs[i]) : error_nomem(jobs[i].err);
        jobs[i].rc = rc;
        if (rc && all)
            all[i].ended = 1;
    }
    while (all && any_left(all, n))
        speak_round(all, n);
    for (int i = 0; i < n && all; i++)
        speech_release(&all[i]);
    free(all);
}

/* -------- for comparing -------- */

void spoken_release(struct spoken *s)
{
    free(s->mel);
    pcm_release(&s->wave);
    *s = (struct spoken){0};
}

int f5_speak_once(struct f5 *f, const struct ishow_voice *voice, const char *text, size_t len,
                  const ishow_say_params *params, struct spoken *ret, struct error *err)
{
    ishow_stats stats = {0};
    struct slice whole = {text, len};
    struct speak_job job = {.voice = voice, .params = params, .stats = &stats, .err = err};
    struct speech s = {.chunks = {&whole, 1}, .text = whole}, *one = &s;
    if (!(job.rc = speech_init(&s, f, &job)) && !(job.rc = chunk_prepare(&s)))
        sample(&one, 1);
    if (!job.rc)
        job.rc = chunk_voice(&s);
    if (!job.rc) {
        const size_t clip = (voice->clip.len / MEL_HOP) * MEL_BANDS, count = (size_t)s.request.frames * MEL_BANDS;
        memmove(s.mel, s.mel + clip, sizeof *s.mel * (count - clip));
        *ret = (struct spoken){s.mel, (int)((count - clip) / MEL_BANDS), s.wave};
        s.mel = NULL;
        s.wave = (struct pcm){0};
    }
    speech_release(&s);
    return job.rc;
}
