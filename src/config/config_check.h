/* What no single key can tell: keys that must fit each other, and what follows from them. Internal to config_*.c. */
#ifndef ISHOW_CONFIG_CONFIG_CHECK_H
#define ISHOW_CONFIG_CONFIG_CHECK_H

#include "config/config_read.h"

/* Completes a configuration whose keys have all been read, and refuses one that makes no sense. */
int config_finish(struct config_reader *r);

/* The tokens' part of it: leaves digests of those that stand in the file. */
int config_finish_tokens(struct config_reader *r);

/* Digests of those that stand in files of their own. */
int config_read_token_files(struct config_reader *r);

/* Looks for the files that the configuration names: a clip that cannot be read is worth a warning, a certificate that
 * cannot be an error. */
int config_check_files(struct config_reader *r);

#endif
