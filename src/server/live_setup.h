/* The stage of a running server, as its configuration wants it. */
#ifndef ISHOW_SERVER_LIVE_SETUP_H
#define ISHOW_SERVER_LIVE_SETUP_H

#include "server/server_state.h"

/* E_FORMAT when live_open would refuse what the configuration has for chats. */
int live_check(const struct config *c, struct error *err);

/* Sets s->client and s->live (and s->play, if `play`). Needs speech, voices and store. */
int live_open(struct server *s, int play, struct error *err);
/* Starts reading the configured chats; what was kept comes back a little later. Only while no other process does, or
 * both would say the same. E_NOMEM. */
int live_begin(struct server *s);
void live_shut(struct server *s); /* accepts a server without a stage */

#endif
