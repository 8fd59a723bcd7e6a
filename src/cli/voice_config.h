/* The voices of the configuration file, for commands that speak without a server. */
#ifndef ISHOW_CLI_VOICE_CONFIG_H
#define ISHOW_CLI_VOICE_CONFIG_H

#include "config/config.h"

/* Finds voice `id` in the TOML file at `path`; NULL: config_default_path(). The voice belongs to ret_config, which the
 * caller frees; it has a clip and the words in it. E_NOTFOUND lists the voices there are. */
int config_voice_find(const char *path, const char *id, struct config **ret_config, const struct config_voice **ret,
                      struct error *err);

#endif
