/* What a running server has in its data folder and its configuration: the registry of voices, the store, the
 * history. */
#ifndef ISHOW_SERVER_DATA_H
#define ISHOW_SERVER_DATA_H

#include "config/config.h"
#include "server/server_state.h"

/* Sets s->voices, s->store and s->history; needs s->loop and s->log. A folder that cannot be used is told to the log,
 * and the server serves without: changes of voices are refused and nothing is kept. */
int data_open(struct server *s, const struct config *c, struct error *err);

/* Takes voices and whether there is a history from another configuration. On failure everything stays as it was. */
int data_reload(struct server *s, const struct config *c, struct error *err);

/* Before the loop is freed. Accepts a server without data. */
void data_close(struct server *s);

#endif
