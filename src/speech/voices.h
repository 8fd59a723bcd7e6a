/* The voices that can be asked for: those of the configuration, those uploaded, and overrides of either.
 *
 * The registry belongs to the loop's thread. What it hands out are snapshots: a `struct voice` never changes, may be
 * used on any thread, and lives until its last reference goes. A change makes a new snapshot with a new version, so a
 * worker may keep what it made of a clip under (id, version).
 *
 * A clip that is not used any more stays on the disk for CLIP_GRACE seconds (store_clips.h), so that speech that was
 * asked for before the change can still be made. Changes are made by voice_change.h. */
#ifndef ISHOW_SPEECH_VOICES_H
#define ISHOW_SPEECH_VOICES_H

#include "base/error.h"
#include "config/config.h"
#include "store/store_voices.h"

#include <stddef.h>
#include <stdint.h>

#define VOICE_ID_MAX    64 /* characters */
#define VOICE_ID_BYTES  (VOICE_ID_MAX * 4)
#define VOICE_LABEL_MAX 100       /* characters */
#define VOICE_TEXT_MAX  2000      /* bytes of the words of a clip */

enum voice_kind { VOICE_OF_CONFIG, VOICE_UPLOADED, VOICE_OF_PROGRAM };

/* Where words and sound come from: the voice's own, or what was laid over them. NULL: there is none. */
struct voice_source {
    const char *text;
    const char *clip; /* path */
    const char *type; /* media type of the clip, "audio/wav" */
};

struct voice {
    const char *id;
    const char *engine;   /* "f5" or "builtin" */
    const char *label;    /* engine_label, for people */
    const char *language; /* "" when not told */
    enum voice_kind kind;
    int preload;
    uint64_t version; /* of the active words and clip; unique in this process */
    int64_t created;  /* of an uploaded one, ms since 1970; else 0 */
    int64_t updated;  /* of the override, ms since 1970; 0: there is none */
    struct voice_source active, baseline, override;
};

struct voice *voice_ref(struct voice *v); /* returns it; accepts NULL. Any thread */
void voice_unref(struct voice *v);        /* accepts NULL. Any thread */

struct voices;

/* A registry with the built-in voice alone. */
int voices_create(struct voices **ret, struct error *err);
void voices_free(struct voices *v); /* accepts NULL; snapshots live on */

/* Takes [[f5.voices]] in place of those of before; voices whose clip and words are the same keep their snapshots. One
 * that is called like an uploaded voice hides it. A clip that cannot be found is none. `default_id` NULL: the built-in
 * voice. E_ARG for an id that is given twice or is VOICE_BUILTIN: then nothing has changed. */
int voices_configure(struct voices *v, const struct config_voice *list, size_t n, const char *default_id,
                     struct error *err);

/* What a store has (store_voices.h), with the path of the clip in place of its hash. An uploaded voice or an override
 * that is there already is replaced. E_NOMEM leaves everything as it was. */
int voices_put_upload(struct voices *v, const struct store_voice *row, const char *path, struct error *err);
int voices_put_override(struct voices *v, const struct store_override *row, const char *path, struct error *err);
/* Fine when there is none. */
int voices_drop_upload(struct voices *v, const char *id, struct error *err);
int voices_drop_override(struct voices *v, const char *id, struct error *err);

size_t voices_count(const struct voices *v);
struct voice *voices_at(const struct voices *v, size_t i); /* borrowed; sorted by id */

/* The id of the configured default voice, or VOICE_BUILTIN as long as there is no voice of that name. */
const char *voices_default(const struct voices *v);

/* By id; NULL, "" and OpenAI's names (alloy, ash, …) are the default voice, unless a voice is called so.
 * Borrowed; NULL when there is none. */
struct voice *voices_find(const struct voices *v, const char *name);

/* For ids of uploads; the operator's may be anything. Letters A to Z of either case, digits, "-", "_", "." and Chinese,
 * Japanese and Korean letters; not a dot first, not VOICE_BUILTIN; 1..VOICE_ID_MAX characters. E_ARG says what is
 * wrong. */
int voice_id_check(const char *id, struct error *err);
/* An id out of a name: what may not be in one becomes "-". "" when nothing is left of it. */
void voice_id_from(const char *name, char ret[VOICE_ID_BYTES + 1]);

#endif
