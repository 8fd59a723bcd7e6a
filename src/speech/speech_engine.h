/* What one worker speaks with: a model or none, the built-in voices, and the clips that it has prepared. Of one thread,
 * except where noted. */
#ifndef ISHOW_SPEECH_SPEECH_ENGINE_H
#define ISHOW_SPEECH_SPEECH_ENGINE_H

#include "ishowtts.h"

#include "base/error.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdint.h>

struct voice;

/* The engine's functions as they are called here, so that a test can have them fail. */
struct engine_calls {
    int (*open)(const ishow_open_params *params, ishow_engine **ret, ishow_error *err);
    void (*close)(ishow_engine *engine);
    void (*describe)(const ishow_engine *engine, ishow_info *ret);
    int (*voice_from_file)(ishow_engine *engine, const char *path, const char *words, ishow_voice **ret,
                           ishow_error *err);
    void (*voice_free)(ishow_voice *voice);
    int (*say)(ishow_engine *engine, const ishow_voice *voice, const char *text, const ishow_say_params *params,
               ishow_audio_fn on_audio, void *user, ishow_stats *stats, ishow_error *err);
    int (*say_many)(ishow_engine *engine, ishow_request *const *requests, int n, ishow_error *err);
};
extern const struct engine_calls engine_calls; /* those of ishowtts.h */

/* Prepared clips that are kept, those used last; about 1 MB for five seconds of clip. Not fewer than the requests that
 * are spoken together. */
#define SPEECH_CLIPS_MAX 16

struct speech_clip {
    uint64_t version; /* of the voice; 0: an empty place */
    uint64_t used;    /* grows; the least is the first to go */
    ishow_voice *voice;
};

struct speech_engine {
    const struct engine_calls *calls;   /* these four are the owner's to set */
    const ishow_open_params *params;    /* of the model; its callbacks are not used */
    struct log *log;
    const char *name;                   /* "f5-1" in the log */

    ishow_engine *model, *builtin; /* NULL: not open */
    struct error trouble;          /* why the model is not open; code 0: nobody has tried, or it is */
    struct speech_clip clips[SPEECH_CLIPS_MAX];
    uint64_t uses;
    atomic_llong beat; /* ms of clock_seconds() when it last was seen to move; any thread */
};

/* Opens the built-in voices; they need next to nothing. */
int speech_engine_init(struct speech_engine *e, struct error *err);
void speech_engine_release(struct speech_engine *e); /* accepts a zeroed one */

/* Opens the model. What goes wrong is kept in `trouble`; E_NOTFOUND when none is installed and `params` names none. */
int speech_engine_open(struct speech_engine *e);
void speech_engine_close(struct speech_engine *e); /* the model and its clips; accepts that there is none */

/* The clip of a voice, for the model; made when it is not there. Borrowed until SPEECH_CLIPS_MAX others have been asked
 * for. */
int speech_engine_clip(struct speech_engine *e, const struct voice *voice, ishow_voice **ret, struct error *err);

void speech_engine_beat(struct speech_engine *e); /* it moves */

#endif
