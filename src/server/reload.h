/* A new configuration into a running server (SIGHUP): voices, limits, tokens, certificate, origins and the log's level
 * are swapped between two requests; requests under way finish under what they began with. A file that is wrong changes
 * nothing. What only a start can change is named in the log. */
#ifndef ISHOW_SERVER_RELOAD_H
#define ISHOW_SERVER_RELOAD_H

#include "server/server.h"
#include "server/server_state.h"

/* Reads options->config, says in the log what is odd about it, and sets ret. Refuses what would let strangers in. */
int reload_read(struct server *s, const struct server_options *options, struct config **ret, struct error *err);

/* On the loop's thread. What came of it is in the log. */
void reload_config(struct server *s, const struct server_options *options);

/* What of a configuration the HTTP server can take on. */
struct http_limits reload_http_limits(const struct config *c);

#endif
