/* What a speech recogniser hears, and how many words of it are wrong. The recogniser is pocketsphinx, which knows
 * English; it is run when it is installed. */
#ifndef ISHOW_CLI_RECOGNISER_H
#define ISHOW_CLI_RECOGNISER_H

#include "ishowtts.h"

#define RECOGNISER "pocketsphinx_continuous"
#define RECOGNISER_PACKAGES "pocketsphinx pocketsphinx-en-us"

int recogniser_installed(void);

/* The share of words that a listener got wrong: insertions, losses and replacements over the words of `text`, from the
 * sound file `wav` at ISHOW_RATE. NaN for a text that is not English words alone. ISHOW_E_UNSUPPORTED when the
 * recogniser cannot be run. */
int recogniser_errors(const char *wav, const char *text, double *ret, ishow_error *err);

/* The arithmetic of it; NaN when `text` has no words. -1 when memory has run out. */
int word_error_rate(const char *text, const char *heard, double *ret);

#endif
