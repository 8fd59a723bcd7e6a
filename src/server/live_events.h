/* Those who listen to the stage over the network: pages by server-sent events, players by WebSocket. */
#ifndef ISHOW_SERVER_LIVE_EVENTS_H
#define ISHOW_SERVER_LIVE_EVENTS_H

#include "server/server_state.h"

#define LIVE_PING_SECONDS  20.0 /* between signs of life to each listener */
#define LIVE_QUIET_SECONDS 60.0 /* a player that has said nothing for so long is gone */
#define LIVE_BEHIND_MAX                                                                                                \
    (4u << 20) /* bytes that one may be behind; a page then gets a fresh state, a player is dropped */

void live_events_stream(struct server *s, struct http_request *r);    /* answers with events */
void live_events_websocket(struct server *s, struct http_request *r); /* upgrades */

#endif
