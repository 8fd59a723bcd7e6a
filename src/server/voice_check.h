/* What kind of sound file a clip is, and whether it and its words are good to clone a voice from. For any thread but
 * the loop's: a clip is decoded. */
#ifndef ISHOW_SERVER_VOICE_CHECK_H
#define ISHOW_SERVER_VOICE_CHECK_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

/* By its first bytes: "audio/wav", …; NULL for what is no sound file that could be read. */
const char *voice_clip_type(struct slice clip);

/* Judges a clip and its words (NULL: not looked at). *ret receives [{topic, verdict, text, mend}], to be freed with
 * json_decref, whenever the clip could be judged, and is untouched otherwise. E_FORMAT, with all that is bad in one
 * sentence, when it is of no use. */
int voice_check(struct slice clip, const char *words, json_t **ret, struct error *err);

/* The same for new words of a clip that is there, at `path`: only bad words are refused. */
int voice_check_words(const char *path, const char *words, json_t **ret, struct error *err);

#endif
