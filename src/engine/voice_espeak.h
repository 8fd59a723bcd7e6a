/* One sentence by espeak-ng, in any language it has a voice for.
 *
 * espeak-ng is under the GPL: the program neither links nor ships it, but opens the library that the
 * user has installed, at run time. */
#ifndef ISHOW_ENGINE_VOICE_ESPEAK_H
#define ISHOW_ENGINE_VOICE_ESPEAK_H

#include "audio/pcm.h"
#include "base/error.h"

#define ESPEAK_PACKAGES "libespeak-ng1 espeak-ng-data"

/* Speaks `text` (UTF-8) with the voice for `lang` ("zh", "ja", …) into `ret`, which is replaced, at
 * espeak-ng's own rate. E_NOTFOUND when the library or its data are not installed, E_UNSUPPORTED when it has
 * no voice for the language. An absent library is looked for again on the next call. */
int espeak_speak(const char *lang, const char *text, float speed, struct pcm *ret, struct error *err);

/* espeak-ng's name for the language: "cmn" for "zh", mostly the same. */
const char *espeak_voice_name(const char *lang);

#endif
