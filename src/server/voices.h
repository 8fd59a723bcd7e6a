/* The voices that can be asked for: those of the configuration, those uploaded, and overrides of either.
 *
 * The registry belongs to the loop's thread. What it hands out are snapshots: a `struct voice` never changes, may be used
 * on any thread, and lives until its last reference goes. A change makes a new snapshot with a new version, so a
 * worker may keep what it made of a clip under (id, version).
 *
 * A clip that is not used any more stays on the disk for CLIP_GRACE seconds (store_voices.h), so that speech that was
 * asked for before the change can still be made.
 *
 * Without a store (its folder cannot be used) the configured voices are served and every change is refused. */
#ifndef ISHOW_SERVER_VOICES_H
#define ISHOW_SERVER_VOICES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define VOICE_ID_MAX    64   /* characters */
#define VOICE_ID_BYTES  (VOICE_ID_MAX * 4)
#define VOICE_LABEL_MAX 100  /* characters */
#define VOICE_TEXT_MAX  2000 /* bytes of the words of a clip */
#define VOICE_BUILTIN   "builtin" /* the voice that needs no model */

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
    uint64_t version;     /* of text and clip; unique in this process */
    int64_t created, updated; /* ms since 1970; `updated` of the override; 0 when unknown */
    struct voice_source active, baseline, override;
};

struct voice *voice_ref(struct voice *v); /* returns it; accepts NULL. Any thread */
void voice_unref(struct voice *v);        /* accepts NULL. Any thread */

/* One [[f5.voices]]. Strings are copied. */
struct voice_config {
    const char *id, *reference_audio, *reference_text;
    const char *language, *engine_label; /* NULL: "" and a label made from the id */
    int preload;
};

struct voices;

/* `default_id` NULL: the first configured voice, else VOICE_BUILTIN. */
int voices_create(struct voices **ret, struct error *err);
void voices_free(struct voices *v); /* accepts NULL; snapshots live on */

/* Takes the place of what was configured before; voices whose clip and words are the same keep their versions.
 * E_ARG for a bad or repeated id: then nothing has changed. `default_id` NULL: the first configured voice, or the
 * built-in one. A default that does not exist is E_NOTFOUND. */
int voices_configure(struct voices *v, const struct voice_config *list, size_t n, const char *default_id,
                     struct error *err);

size_t voices_count(const struct voices *v);
struct voice *voices_at(const struct voices *v, size_t i); /* borrowed; sorted by id */
const char *voices_default(const struct voices *v);

/* By id; "" , NULL, "default" and OpenAI's names (alloy, ash, …) are the default voice unless a voice is called so.
 * Borrowed; NULL when there is none. */
struct voice *voices_find(const struct voices *v, const char *name);

/* Letters, digits, "-", "_", "." and CJK letters, not only dots, 1..VOICE_ID_MAX characters. E_ARG says what is wrong. */
int voice_id_check(const char *id, struct error *err);
/* An id out of a name: what may not be in one becomes "-". "" when nothing is left. */
void voice_id_from(const char *name, char ret[VOICE_ID_BYTES + 1]);

#endif
