/* The C API of ishowtts.h but for speech (api_say.c): checks what comes in and passes the work on. */
#include "engine/api.h"

#include "audio/sound_file.h"
#include "base/pool.h"
#include "base/utf8.h"
#include "engine/bench.h"
#include "engine/voice.h"
#include "model/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(ishow_error) == sizeof(struct error), "ishow_error is struct error under its public name");
_Static_assert(ISHOW_E_INTERNAL == (int)E_INTERNAL && ISHOW_E_ARG == (int)E_ARG, "the codes are the same");
_Static_assert(ISHOW_NFE_MAX == SCHEDULE_MAX_NFE && ISHOW_CHUNK_FRAMES_MAX == DIT_MAX_FRAMES, "limits are the same");
_Static_assert(ISHOW_RATE == AUDIO_RATE, "one rate");

const char *ishow_version(void)
{
    return ISHOW_VERSION;
}

/* -------- engine -------- */

void ishow_open_params_init(ishow_open_params *p)
{
    *p = (ishow_open_params){.size = sizeof *p};
}

int take_params(void *full, size_t full_size, const void *given, const char *name, struct error *err)
{
    size_t size = *(const size_t *)given;
    if (size < sizeof size || size > full_size)
        return error_set(err, E_ARG, "%s says it is %zu bytes long, expected at most %zu: initialise it with %s_init",
                         name, size, full_size, name);
    memcpy(full, given, size);
    *(size_t *)full = full_size;
    return 0;
}

int ishow_open(const ishow_open_params *given, ishow_engine **ret, ishow_error *e)
{
    struct error *err = inner(e);
    ishow_open_params p;
    ishow_open_params_init(&p);
    int rc = 0;
    if (!ret)
        return error_set(err, E_ARG, "ishow_open: ret is NULL");
    if (given && (rc = take_params(&p, sizeof p, given, "ishow_open_params", err)))
        return rc;
    if (p.threads < 0 || p.threads > POOL_MAX_THREADS)
        return error_set(err, E_ARG, "threads is %d, expected 0 (automatic) to %d", p.threads, POOL_MAX_THREADS);
    if (p.arch < ISHOW_ARCH_AUTO || p.arch > ISHOW_ARCH_V0)
        return error_set(err, E_ARG, "arch is %d, expected ISHOW_ARCH_AUTO, _V1 or _V0", (int)p.arch);

    ishow_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return error_nomem(err);
    struct model_files files = {0};
    struct error why;
    const int builtin = p.model && strcmp(p.model, "builtin") == 0;
    if (!builtin && !(rc = model_locate(p.model, p.vocab, p.vocoder, &files, &why))) {
        const struct f5_options options = {.switches = {p.arch, -1, -1},
                                           .threads = p.threads,
                                           .precision = p.precision,
                                           .packs = {p.cache, 0, {p.on_load, p.user}, p.on_notice, p.user}};
        rc = f5_open_with(&files, &options, &engine->f5, err);
        engine->checkpoint = files.checkpoint;
        files.checkpoint = NULL;
    } else if (!builtin && !p.model && rc == E_NOTFOUND) {
        rc = 0; /* nothing installed: the built-in voices speak */
    } else if (rc) {
        error_set(err, rc, "%s", why.text);
    }
    model_files_release(&files);
    if (rc) {
        ishow_close(engine);
        return rc;
    }
    *ret = engine;
    return 0;
}

void ishow_close(ishow_engine *engine)
{
    if (!engine)
        return;
    f5_close(engine->f5);
    free(engine->checkpoint);
    free(engine);
}

void ishow_describe(const ishow_engine *engine, ishow_info *ret)
{
    ishow_info info = {.size = ret->size, .engine = "builtin", .model = "", .arch = "", .kernels = "", .threads = 1,
                       .precision = ""};
    if (engine->f5) {
        struct dev_info dev;
        dev_describe(engine->f5->dev, &dev);
        info.engine = "f5";
        info.model = engine->checkpoint;
        info.arch = engine->f5->arch_text;
        info.kernels = dev.kernels;
        info.threads = dev.threads;
        info.parameters = arch_parameters(dit_arch(engine->f5->dit));
        info.precision = engine->f5->precision;
    }
    memcpy(ret, &info, ret->size < sizeof info ? ret->size : sizeof info);
}

void engine_set_profile(ishow_engine *engine, struct profile *p)
{
    dit_set_profile(engine->f5->dit, p);
}

/* -------- voices -------- */

static int refuse_voice(const ishow_engine *engine, struct error *err)
{
    return engine->f5 ? 0
                      : error_set(err, E_UNSUPPORTED,
                                  "the built-in voices cannot be cloned; a model can: fetch one with "
                                  "`ishowtts pull f5`");
}

static int check_words(const char *words, struct error *err)
{
    size_t len = strlen(words), good = utf8_valid_prefix(words, len);
    return good == len ? 0 : error_set(err, E_FORMAT, "the words of the clip are not valid UTF-8 at byte %zu", good);
}

int ishow_voice_from_file(ishow_engine *engine, const char *path, const char *words, ishow_voice **ret, ishow_error *e)
{
    struct error *err = inner(e);
    struct pcm clip = {0};
    int rc;
    if (!engine || !path || !words || !ret)
        return error_set(err, E_ARG, "ishow_voice_from_file: engine, path, words and ret must not be NULL");
    if ((rc = refuse_voice(engine, err)) || (rc = check_words(words, err)) || (rc = sound_read(path, &clip, err)))
        return rc;
    if ((rc = voice_create(&clip, words, ret, err)) == E_FORMAT)
        error_prefix(err, "%s", path);
    pcm_release(&clip);
    return rc;
}

int ishow_voice_from_pcm(ishow_engine *engine, const float *pcm, size_t n, int channels, int rate, const char *words,
                         ishow_voice **ret, ishow_error *e)
{
    struct error *err = inner(e);
    struct pcm clip = {.rate = rate};
    int rc;
    if (!engine || !pcm || !words || !ret)
        return error_set(err, E_ARG, "ishow_voice_from_pcm: engine, pcm, words and ret must not be NULL");
    if (channels < 1 || channels > SOUND_MAX_CHANNELS)
        return error_set(err, E_ARG, "%d channels, expected 1 to %d", channels, SOUND_MAX_CHANNELS);
    if (rate < SOUND_MIN_RATE || rate > SOUND_MAX_RATE)
        return error_set(err, E_ARG, "a rate of %d Hz, expected %d to %d", rate, SOUND_MIN_RATE, SOUND_MAX_RATE);
    if (n < 1 || n > (size_t)rate * SOUND_MAX_SECONDS)
        return error_set(err, E_LIMIT, "%zu frames of sound, expected 1 to %zu", n, (size_t)rate * SOUND_MAX_SECONDS);
    if ((rc = refuse_voice(engine, err)) || (rc = check_words(words, err)))
        return rc;
    if (pcm_reserve(&clip, n))
        return error_nomem(err);
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int c = 0; c < channels; c++)
            sum += pcm[i * (size_t)channels + (size_t)c];
        clip.samples[i] = sum / (float)channels;
        if (!isfinite(clip.samples[i])) {
            pcm_release(&clip);
            return error_set(err, E_FORMAT, "frame %zu of the reference sound is not a finite number", i);
        }
    }
    clip.len = n;
    rc = voice_create(&clip, words, ret, err);
    pcm_release(&clip);
    return rc;
}

/* -------- sound encoding -------- */

struct ishow_encoder {
    struct sound_encoder *encoder;
    ishow_bytes_fn sink;
    void *user;
};

static int pass_bytes(void *user, const void *bytes, size_t len, struct error *err)
{
    const struct ishow_encoder *e = user;
    return e->sink(e->user, bytes, len) ? error_set(err, E_IO, "the receiver of the encoded sound failed") : 0;
}

int ishow_encoder_create(const char *format, uint64_t total, ishow_bytes_fn sink, void *user, ishow_encoder **ret,
                         ishow_error *e)
{
    struct error *err = inner(e);
    enum sound_format f;
    if (!format || !sink || !ret)
        return error_set(err, E_ARG, "ishow_encoder_create: format, sink and ret must not be NULL");
    int rc = sound_format_parse(format, &f, err);
    if (rc)
        return rc;
    struct ishow_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder)
        return error_nomem(err);
    encoder->sink = sink;
    encoder->user = user;
    if ((rc = sound_encoder_create(f, total, pass_bytes, encoder, &encoder->encoder, err))) {
        free(encoder);
        return rc;
    }
    *ret = encoder;
    return 0;
}

int ishow_encoder_write(ishow_encoder *e, const float *samples, size_t n, ishow_error *err)
{
    return sound_encoder_write(e->encoder, samples, n, inner(err));
}

int ishow_encoder_finish(ishow_encoder *e, ishow_error *err)
{
    return sound_encoder_finish(e->encoder, inner(err));
}

void ishow_encoder_free(ishow_encoder *e)
{
    if (!e)
        return;
    sound_encoder_free(e->encoder);
    free(e);
}
