/* The voices of the configuration file: [[f5.voices]] with id, reference_audio, reference_text. */
#ifndef ISHOW_CLI_VOICE_CONFIG_H
#define ISHOW_CLI_VOICE_CONFIG_H

#include "base/error.h"

struct config_voice {
    char *reference_audio; /* owned; relative paths are from the configuration's folder */
    char *reference_text;  /* owned */
};

/* Finds voice `id` in the TOML file at `path`; NULL: $XDG_CONFIG_HOME/ishowtts/ishowtts.toml, else
 * ~/.config/ishowtts/ishowtts.toml. E_NOTFOUND lists the voices there are. */
int config_voice_find(const char *path, const char *id, struct config_voice *ret, struct error *err);
void config_voice_release(struct config_voice *v); /* accepts a zeroed one */

#endif
