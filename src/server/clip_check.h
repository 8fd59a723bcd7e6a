/* What kind of sound file a clip is, and whether it is good to clone a voice from. Pure work, for any thread but the
 * loop's: a clip is decoded. */
#ifndef ISHOW_SERVER_CLIP_CHECK_H
#define ISHOW_SERVER_CLIP_CHECK_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

/* By its first bytes: "audio/wav", …; NULL for what is no sound that can be read. */
const char *clip_media_type(struct slice clip);

/* Judges a clip and its words. *ret receives [{topic, verdict, text}] (to be freed with json_decref) whenever the clip could
 * be judged; E_FORMAT, with all bad findings in one sentence, when it is not good enough. */
int clip_check(struct slice clip, const char *words, json_t **ret, struct error *err);

#endif
