/* Speech that nobody hears: voices marked preload, and with `serve --warmup` the default voice, say a word when the
 * server starts, so that the first who asks does not wait for the model's pages and the voice's clip. */
#ifndef ISHOW_SERVER_WARM_H
#define ISHOW_SERVER_WARM_H

#include "server/server_state.h"

/* Speaks a voice at a time, and then calls done(user), if there is one: perhaps at once, never when the server stops
 * before. What goes wrong is in the log. E_NOMEM: nothing will happen. */
int warm_start(struct server *s, int default_voice, void (*done)(void *user), void *user);

#endif
