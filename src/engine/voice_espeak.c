/* See voice_espeak.h. The library works for one caller at a time and hands its samples to a callback
 * without a pointer of ours, so all of it lives under one lock. Declarations below are the part of its
 * binary interface (API revision 12) that is used. */
#include "engine/voice_espeak.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ESPEAK_LIBRARY       "libespeak-ng.so.1"
#define SYNCHRONOUS          2      /* espeak_AUDIO_OUTPUT: samples to the callback before the call returns */
#define DONT_EXIT            0x8000 /* espeak_Initialize: absent data are an error, not exit() */
#define RATE                 1      /* espeak_PARAMETER: words a minute */
#define RATE_NORMAL          175
#define RATE_MIN             80 /* slower is refused; faster than 450 is done by time compression */
#define POS_CHARACTER        1
#define CHARS_UTF8           1
#define BUFFER_MS            200
#define SENTENCE_MAX_SECONDS 600

typedef int synth_callback(short *wav, int n, void *events);

struct espeak {
    int (*initialize)(int output, int buffer_ms, const char *data_path, int options);
    void (*set_callback)(synth_callback *fn);
    int (*set_voice)(const char *name);
    int (*set_parameter)(int parameter, int value, int relative);
    int (*synth)(const void *text, size_t size, unsigned position, int position_type, unsigned end_position,
                 unsigned flags, unsigned *id, void *user);
    int (*terminate)(void);
    int rate;        /* Hz; 0: not open */
    struct pcm *out; /* of the sentence being made; borrowed */
    int failed;      /* out of memory in the callback */
    char voice[16];  /* set last */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct espeak lib; /* opened once, under the lock; lives as long as the process */

const char *espeak_voice_name(const char *lang)
{
    return strcmp(lang, "zh") == 0 ? "cmn" : lang;
}

static int on_samples(short *wav, int n, void *events)
{
    (void)events;
    if (!wav || n <= 0)
        return 0;
    if (lib.out->len > (size_t)lib.rate * SENTENCE_MAX_SECONDS || pcm_reserve(lib.out, (size_t)n)) {
        lib.failed = 1;
        return 1;
    }
    float *to = lib.out->samples + lib.out->len;
    for (int i = 0; i < n; i++)
        to[i] = (float)wav[i] / 32768.0f;
    lib.out->len += (size_t)n;
    return 0;
}

static int find(void *handle, const char *name, void *ret)
{
    void *symbol = dlsym(handle, name);
    memcpy(ret, &symbol, sizeof symbol); /* ISO C has no cast from data to function pointers */
    return symbol ? 0 : -1;
}

static int open_library(struct error *err)
{
    void *handle = dlopen(ESPEAK_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return error_set(err, E_NOTFOUND, "espeak-ng is not installed (apt-get install " ESPEAK_PACKAGES ")");
    if (find(handle, "espeak_Initialize", &lib.initialize) ||
        find(handle, "espeak_SetSynthCallback", &lib.set_callback) ||
        find(handle, "espeak_SetVoiceByName", &lib.set_voice) ||
        find(handle, "espeak_SetParameter", &lib.set_parameter) || find(handle, "espeak_Synth", &lib.synth) ||
        find(handle, "espeak_Terminate", &lib.terminate)) {
        dlclose(handle);
        return error_set(err, E_UNSUPPORTED, ESPEAK_LIBRARY " lacks functions that espeak-ng 1.49 has");
    }
    int rate = lib.initialize(SYNCHRONOUS, BUFFER_MS, NULL, DONT_EXIT);
    if (rate <= 0) {
        dlclose(handle);
        return error_set(err, E_NOTFOUND,
                         "espeak-ng does not find its data (apt-get install espeak-ng-data)");
    }
    lib.set_callback(on_samples);
    lib.rate = rate;
    lib.voice[0] = '\0';
    return 0;
}

static int speak_locked(const char *lang, const char *text, float speed, struct pcm *ret, struct error *err)
{
    int rc = lib.rate ? 0 : open_library(err);
    if (rc)
        return rc;
    const char *name = espeak_voice_name(lang);
    if (strcmp(name, lib.voice) != 0) {
        lib.voice[0] = '\0';
        if (strlen(name) >= sizeof lib.voice || lib.set_voice(name) != 0)
            return error_set(err, E_UNSUPPORTED, "espeak-ng has no voice for language \"%s\"", lang);
        strcpy(lib.voice, name);
    }
    float words = RATE_NORMAL * speed;
    lib.set_parameter(RATE, words < RATE_MIN ? RATE_MIN : (int)words, 0);
    lib.out = ret;
    lib.failed = 0;
    ret->rate = lib.rate;
    int ec = lib.synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, CHARS_UTF8, NULL, NULL);
    lib.out = NULL;
    if (lib.failed)
        return error_nomem(err);
    if (ec != 0)
        return error_set(err, E_INTERNAL, "espeak-ng could not speak a sentence (its error %d)", ec);
    return 0;
}

int espeak_speak(const char *lang, const char *text, float speed, struct pcm *ret, struct error *err)
{
    ret->len = 0;
    pthread_mutex_lock(&lock);
    int rc = speak_locked(lang, text, speed, ret, err);
    pthread_mutex_unlock(&lock);
    return rc;
}
