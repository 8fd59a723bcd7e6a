/* See speak.h. One chunk of text at a time: tokens, length, noise, sampling, vocoder, loudness. What has been made
 * is held back by the length of a cross-fade, because the next chunk may still be mixed into it. */
#include "engine/speak.h"

#include "audio/shape.h"
#include "audio/spectrum.h"
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

/* -------- voices -------- */

static int ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* The words ending as upstream wants them: ". " or "。". */
static char *finish_words(const char *words)
{
    const char *tail = ends_with(words, ". ") || ends_with(words, "。") ? "" : ends_with(words, ".") ? " " : ". ";
    size_t n = strlen(words);
    char *s = malloc(n + 3);
    if (s) {
        memcpy(s, words, n);
        memcpy(s + n, tail, strlen(tail) + 1);
    }
    return s;
}

int voice_create(struct pcm *clip, const char *words, struct ishow_voice **ret, struct error *err)
{
    if (words[strspn(words, " \t\r\n")] == '\0')
        return error_set(err, E_ARG, "the words of the reference clip are missing: the model needs the text that is "
                                     "spoken in it");
    if (strlen(words) > VOICE_MAX_WORDS)
        return error_set(err, E_LIMIT, "the words of the reference clip take %zu bytes, at most %d", strlen(words),
                         VOICE_MAX_WORDS);
    struct ishow_voice *v = calloc(1, sizeof *v);
    if (!v || !(v->words = finish_words(words)) || !(v->kept = calloc(1, sizeof *v->kept))) {
        ishow_voice_free(v);
        return error_nomem(err);
    }
    int rc = reference_prepare(clip, 0, &v->rms, err);
    if (rc) {
        ishow_voice_free(v);
        return rc;
    }
    v->clip = *clip;
    *clip = (struct pcm){0};
    *ret = v;
    return 0;
}

void ishow_voice_free(ishow_voice *v)
{
    if (!v)
        return;
    pcm_release(&v->clip);
    free(v->words);
    if (v->kept)
        free(v->kept->mel);
    free(v->kept);
    free(v);
}

int voice_prepare(const struct ishow_voice *v, float target, const struct voice_features **ret, struct error *err)
{
    struct voice_features *f = v->kept;
    const size_t n = v->clip.len;
    if (f->mel && f->target == target) {
        *ret = f;
        return 0;
    }
    const int raise = v->rms < target, frames = (int)mel_frames(n);
    float *mel = malloc(sizeof *mel * (size_t)frames * MEL_BANDS);
    float *raised = malloc(sizeof *raised * n);
    int rc = mel && raised ? 0 : error_nomem(err);
    if (!rc) {
        for (size_t i = 0; i < n; i++)
            raised[i] = raise ? v->clip.samples[i] * target / v->rms : v->clip.samples[i];
        rc = mel_compute(raised, n, mel, err);
    }
    free(raised);
    if (rc) {
        free(mel);
        return rc;
    }
    free(f->mel);
    *f = (struct voice_features){target, raise ? v->rms / target : 1.0f, frames, mel};
    *ret = f;
    return 0;
}

/* -------- one request -------- */

struct speech {
    struct f5 *f;
    const struct ishow_voice *voice;
    const ishow_say_params *params;
    ishow_audio_fn on_audio;
    void *user;

    char *words;       /* the voice's words as they stand before a chunk: a space follows ASCII */
    size_t word_bytes;
    const struct voice_features *clip; /* the voice's, raised to target_rms */
    struct torch_random random;
    size_t overlap;    /* samples */
    struct pcm held;   /* made but not given out yet */
    struct pcm wave;   /* of the current chunk */
    struct arena arena; /* of the current chunk */

    size_t chunk, chunk_count;
    struct spoken *keep; /* its mel is asked for; NULL: not */
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

static int speech_init(struct speech *s, struct error *err)
{
    const struct ishow_voice *v = s->voice;
    const size_t bytes = strlen(v->words);
    const int ascii_end = ((unsigned char)v->words[bytes - 1] & 0x80) == 0;
    s->overlap = (size_t)(s->params->cross_fade * AUDIO_RATE);
    s->words = malloc(bytes + 2);
    if (!s->words)
        return error_nomem(err);
    memcpy(s->words, v->words, bytes);
    s->words[bytes] = ascii_end ? ' ' : '\0';
    s->words[bytes + 1] = '\0';
    s->word_bytes = bytes + (size_t)ascii_end;
    return voice_prepare(v, (float)s->params->target_rms, &s->clip, err);
}

static void speech_release(struct speech *s)
{
    free(s->words);
    pcm_release(&s->held);
    pcm_release(&s->wave);
    arena_release(&s->arena);
}

/* Progress over all chunks, as if each took the same number of evaluations. */
static int on_step(void *user, int done, int total)
{
    struct speech *s = user;
    const ishow_say_params *p = s->params;
    if (!p->on_progress)
        return 0;
    return p->on_progress(p->progress_user, (int)s->chunk * total + done, (int)s->chunk_count * total);
}

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* Makes s->wave from one chunk of text. */
static int speak_chunk(struct speech *s, struct slice text, struct error *err)
{
    const size_t ref_samples = s->voice->clip.len;
    const int ref_len = (int)(ref_samples / MEL_HOP);
    struct buf full = BUF_INIT;
    struct sample_request r = {.ref_mel = s->clip->mel, .ref_frames = s->clip->frames};
    const struct sampler_params sampling = {.nfe = s->params->nfe,
                                            .cfg = (float)s->params->cfg_strength,
                                            .sway = (float)s->params->sway,
                                            .progress = on_step,
                                            .user = s};
    float *mel = NULL, *noise = NULL;
    int32_t *ids;
    int rc = 0;

    arena_release(&s->arena);
    if (buf_add(&full, s->words, s->word_bytes) || buf_add(&full, text.ptr, text.len)) {
        rc = error_nomem(err);
        goto done;
    }
    if ((rc = f5_tokenize(s->f, full.ptr, full.len, &s->arena, &ids, &r.id_count, err)))
        goto done;
    r.ids = ids;
    const int64_t frames = speech_frames(ref_samples, s->word_bytes, text.len, s->params->speed,
                                         s->params->fix_duration, r.id_count);
    if (frames > DIT_MAX_FRAMES) {
        rc = error_set(err, E_LIMIT, "clip and speech would be %.1f s long together, the model speaks at most %.1f s",
                       (double)frames * MEL_HOP / AUDIO_RATE, (double)DIT_MAX_FRAMES * MEL_HOP / AUDIO_RATE);
        goto done;
    }
    r.frames = (int)frames;
    const size_t count = (size_t)frames * MEL_BANDS;
    mel = malloc(sizeof *mel * count);
    noise = malloc(sizeof *noise * count);
    if (!mel || !noise) {
        rc = error_nomem(err);
        goto done;
    }
    torch_randn(&s->random, noise, count);
    r.noise = noise;
    r.mel = mel;
    if ((rc = sampler_run(s->f->sampler, &r, 1, &sampling, err)) ||
        (rc = f5_vocode(s->f, mel + (size_t)ref_len * MEL_BANDS, r.frames - ref_len, &s->wave, NULL, err)))
        goto done;
    if (!all_finite(mel, count) || !all_finite(s->wave.samples, s->wave.len)) {
        rc = error_set(err, E_FORMAT, "the model answered with values that are no numbers; its weights are damaged or "
                                      "were never trained");
        goto done;
    }
    for (size_t i = 0; i < s->wave.len; i++)
        s->wave.samples[i] *= s->clip->gain;
    if (s->keep) {
        s->keep->frames = r.frames - ref_len;
        memmove(mel, mel + (size_t)ref_len * MEL_BANDS, sizeof *mel * (size_t)s->keep->frames * MEL_BANDS);
        s->keep->mel = mel;
        mel = NULL;
    }
done:
    free(mel);
    free(noise);
    buf_release(&full);
    return rc;
}

/* Gives out all but the last `keep` samples of what is held. */
static int give_out(struct speech *s, size_t keep, struct error *err)
{
    if (s->held.len <= keep)
        return 0;
    const size_t n = s->held.len - keep;
    pcm_sanitize(s->held.samples, n);
    if (s->on_audio(s->user, s->held.samples, n))
        return error_set(err, E_CANCELLED, "cancelled by the receiver of the audio");
    memmove(s->held.samples, s->held.samples + n, sizeof *s->held.samples * keep);
    s->held.len = keep;
    return 0;
}

static int speak_all(struct speech *s, const struct chunks *chunks, struct error *err)
{
    const int remove = s->params->remove_silence;
    int rc = 0;
    s->chunk_count = chunks->count;
    s->held.rate = AUDIO_RATE;
    for (s->chunk = 0; s->chunk < chunks->count && !rc; s->chunk++) {
        if ((rc = speak_chunk(s, chunks->items[s->chunk], err)))
            break;
        if (crossfade_append(&s->held, s->wave.samples, s->wave.len, s->overlap))
            rc = error_nomem(err);
        else if (!remove)
            rc = give_out(s, s->overlap, err);
    }
    if (!rc && remove)
        rc = silence_remove(&s->held, err);
    return rc ? rc : give_out(s, 0, err);
}

/* Bytes of text that one chunk may have (infer_process). */
static size_t chunk_bytes(const struct ishow_voice *v, double speed)
{
    const double seconds = (double)v->clip.len / AUDIO_RATE;
    const double bytes = (double)strlen(v->words) / seconds * (CHUNK_SECONDS - seconds) * speed;
    return bytes > CHUNK_MIN_BYTES ? (size_t)bytes : CHUNK_MIN_BYTES;
}

static uint64_t draw_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = 5489; /* before the kernel has entropy; MT19937's own default */
    return seed;
}

int f5_speak(struct f5 *f, const struct ishow_voice *voice, const char *text, size_t len,
             const ishow_say_params *params, ishow_audio_fn on_audio, void *user, ishow_stats *stats,
             struct error *err)
{
    struct speech s = {.f = f, .voice = voice, .params = params, .on_audio = on_audio, .user = user};
    struct arena arena = {0};
    struct chunks chunks;
    const uint64_t seed = params->seed == ISHOW_SEED_RANDOM ? draw_seed() : params->seed;
    torch_manual_seed(&s.random, seed);
    int rc = chunks_split(text, len, chunk_bytes(voice, params->speed), &arena, &chunks, err);
    if (!rc && chunks.count == 0)
        rc = error_set(err, E_ARG, "there is nothing to speak in this text");
    if (!rc)
        rc = speech_init(&s, err);
    if (!rc)
        rc = speak_all(&s, &chunks, err);
    stats->chunks = (int)chunks.count;
    stats->seed = seed;
    speech_release(&s);
    arena_release(&arena);
    return rc;
}

void spoken_release(struct spoken *s)
{
    free(s->mel);
    pcm_release(&s->wave);
    *s = (struct spoken){0};
}

int f5_speak_once(struct f5 *f, const struct ishow_voice *voice, const char *text, size_t len,
                  const ishow_say_params *params, struct spoken *ret, struct error *err)
{
    struct spoken made = {0};
    struct speech s = {.f = f, .voice = voice, .params = params, .chunk_count = 1, .keep = &made};
    torch_manual_seed(&s.random, params->seed);
    int rc = speech_init(&s, err);
    if (!rc)
        rc = speak_chunk(&s, (struct slice){text, len}, err);
    if (rc) {
        spoken_release(&made);
    } else {
        made.wave = s.wave;
        s.wave = (struct pcm){0};
        *ret = made;
    }
    speech_release(&s);
    return rc;
}
