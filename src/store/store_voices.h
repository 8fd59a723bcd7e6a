/* Uploaded voices, and overrides: other words or another clip for any voice, uploaded or configured.
 *
 * Every change is one transaction, on the disk when the function returns 0. */
#ifndef ISHOW_STORE_STORE_VOICES_H
#define ISHOW_STORE_STORE_VOICES_H

#include "store/store_clips.h"

#define STORE_VOICES_MAX 500 /* uploaded */

struct store_voice {
    const char *id, *label, *language, *text;
    const char *clip, *type; /* its hash and media type */
    const char *consent;     /* what the uploader declared, may be "" */
    int64_t created, updated;
};

struct store_override {
    const char *voice;
    const char *text;        /* NULL: as before */
    const char *clip, *type; /* both NULL: as before */
    int64_t updated;
};

/* Calls one of the two for every row; strings live as long as the call. A callback's non-zero ends it and is what comes
 * back; it has set `err` then. */
int store_voices_each(struct store *s, int (*on_voice)(void *user, const struct store_voice *v, struct error *err),
                      int (*on_override)(void *user, const struct store_override *o, struct error *err), void *user,
                      struct error *err);

enum store_added {
    STORE_ADDED,
    STORE_SAME_CLIP, /* a voice of that clip is there already; ret_id names it */
    STORE_ID_TAKEN,
    STORE_TOO_MANY /* STORE_VOICES_MAX are there */
};

/* Adds an uploaded voice; `created` and `updated` are set to now. An override that an earlier voice of that id left
 * goes. ret_id is to be freed, NULL unless STORE_SAME_CLIP. */
int store_voice_add(struct store *s, struct store_voice *v, enum store_added *ret, char **ret_id, struct error *err);

/* E_NOTFOUND when there is no such uploaded voice. */
int store_voice_rename(struct store *s, const char *id, const char *label, struct error *err);
int store_voice_remove(struct store *s, const char *id, struct error *err); /* its override too */

/* Lays `o` over what there is: a NULL in it keeps what an earlier override says. On success it is what is now stored,
 * with strings that are freed by store_override_release. `uploaded`: E_NOTFOUND unless there is an uploaded voice of
 * that id. */
int store_override_put(struct store *s, struct store_override *o, int uploaded, struct error *err);
void store_override_release(struct store_override *o);
int store_override_remove(struct store *s, const char *voice, struct error *err); /* fine if there is none */

#endif
