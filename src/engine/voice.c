/* See voice.h. */
#include "engine/voice.h"

#include "audio/shape.h"
#include "audio/spectrum.h"

#include <stdlib.h>
#include <string.h>

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
    if (!v || !(v->words = finish_words(words))) {
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
    voice_features_release(v->kept);
    free(v);
}

void voice_features_release(struct voice_features *f)
{
    if (!f || --f->refs)
        return;
    free(f->mel);
    free(f);
}

static struct voice_features *features_create(int frames)
{
    struct voice_features *f = calloc(1, sizeof *f);
    if (!f || !(f->mel = malloc(sizeof *f->mel * (size_t)frames * MEL_BANDS))) {
        free(f);
        return NULL;
    }
    f->refs = 1;
    f->frames = frames;
    return f;
}

int voice_prepare(const struct ishow_voice *voice, float target, struct voice_features **ret, struct error *err)
{
    struct ishow_voice *v = (struct ishow_voice *)voice; /* what it keeps is nothing that a caller could see */
    const size_t n = v->clip.len;
    struct voice_features *f = v->kept;
    if (!f || f->target != target) {
        const int raise = v->rms < target;
        f = features_create((int)mel_frames(n));
        float *raised = malloc(sizeof *raised * n);
        int rc = f && raised ? 0 : error_nomem(err);
        if (!rc) {
            for (size_t i = 0; i < n; i++)
                raised[i] = raise ? v->clip.samples[i] * target / v->rms : v->clip.samples[i];
            rc = mel_compute(raised, n, f->mel, err);
        }
        free(raised);
        if (rc) {
            voice_features_release(f);
            return rc;
        }
        f->target = target;
        f->gain = raise ? v->rms / target : 1.0f;
        voice_features_release(v->kept);
        v->kept = f;
    }
    f->refs++;
    *ret = f;
    return 0;
}
