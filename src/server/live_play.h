/* The stage on this machine's sound device (`serve --play`): a player of the desktop or of ALSA, kept running and fed
 * with samples. On the loop's thread, which never waits for it. Without a device the log says so, and the rest goes
 * on. */
#ifndef ISHOW_SERVER_LIVE_PLAY_H
#define ISHOW_SERVER_LIVE_PLAY_H

#include "server/server_state.h"

struct live_play;

/* Listens to s->live from now on. */
int live_play_create(struct server *s, struct live_play **ret, struct error *err);
void live_play_free(struct live_play *p); /* silence at once; accepts NULL */

#endif
