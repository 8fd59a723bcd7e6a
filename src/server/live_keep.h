/* What the stage must not lose, in the store: chats that are read, rules, and what was paid for until it is spoken. */
#ifndef ISHOW_SERVER_LIVE_KEEP_H
#define ISHOW_SERVER_LIVE_KEEP_H

#include "live/live.h"
#include "server/server_state.h"

/* For live_params. Changes go to the store's thread in their order; one that fails is told to the log. */
struct live_keeper live_keeper_of(struct server *s);

/* What the store has is given to s->live: rules, chats, paid messages, in this order. Comes back at once; it happens
 * as the store answers. E_NOMEM. */
int live_keep_restore(struct server *s);

#endif
