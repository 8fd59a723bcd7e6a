/* One sentence by flite's slt voice (English, Latin script). */
#ifndef ISHOW_ENGINE_VOICE_FLITE_H
#define ISHOW_ENGINE_VOICE_FLITE_H

#include "audio/pcm.h"
#include "base/buf.h"
#include "base/error.h"

/* Appends to `out` what is left for flite of valid UTF-8: ASCII words, digits and the punctuation that
 * shapes a sentence, single spaces between. Latin letters lose their diacritics, everything else becomes
 * a space, and words longer than flite can take are broken. 0 or E_NOMEM. */
int flite_plain_text(const char *text, size_t len, struct buf *out);

/* Speaks flite_plain_text's output into `ret`, which is replaced, at flite's own rate. A text without
 * letters and digits gives no samples. */
int flite_speak(const char *text, float speed, struct pcm *ret, struct error *err);

#endif
