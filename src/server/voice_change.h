/* Changes of voices: looked at, written, and only then shown to everybody.
 *
 * A change is begun on the loop's thread. The clip is judged and the store written on the store's; when that is done,
 * the registry is changed and the outcome told on the loop's thread again. Changes happen one after another, in the
 * order in which they were begun. */
#ifndef ISHOW_SERVER_VOICE_CHANGE_H
#define ISHOW_SERVER_VOICE_CHANGE_H

#include "base/buf.h"
#include "speech/voices.h"
#include "store/store_thread.h"

#include <jansson.h>

#define VOICE_CLIP_BYTES   (10u << 20)
#define VOICE_CONSENT_MAX  2000 /* bytes */
#define VOICE_LANGUAGE_MAX 35   /* bytes: a tag of RFC 5646 */

enum voice_change_kind {
    VOICE_ADD,      /* label, text and clip; id NULL: made from the label; language and consent if given */
    VOICE_OVERRIDE, /* text, clip or both, over what the voice has */
    VOICE_RESET,    /* back to the baseline */
    VOICE_RENAME,   /* label */
    VOICE_REMOVE    /* an uploaded one */
};

/* NULL: not given. All of it is copied. */
struct voice_change {
    enum voice_change_kind kind;
    const char *id, *label, *language, *text, *consent;
    struct slice clip;
};

struct voice_outcome {
    int status;          /* of HTTP: 200, 201 for a new voice, or 4xx, 5xx */
    const char *param;   /* which field is at fault, or NULL */
    const char *code;    /* for programs, or NULL */
    const char *message; /* one sentence, "" when it went well */
    struct voice *voice; /* as it is now, borrowed; NULL after a removal or a failure */
    json_t *checks;      /* borrowed: [{topic, verdict, text}] about the clip; NULL: none was looked at */
};
typedef void (*voice_outcome_fn)(void *user, const struct voice_outcome *outcome);

/* Calls `fn` exactly once, maybe before it returns. */
void voice_change_begin(struct voices *voices, struct store_thread *store, const struct voice_change *change,
                        voice_outcome_fn fn, void *user);

#endif
