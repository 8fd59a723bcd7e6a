/* What the handlers of a running server share. Owned by server.c, used on the loop's thread. */
#ifndef ISHOW_SERVER_SERVER_STATE_H
#define ISHOW_SERVER_SERVER_STATE_H

#include "base/log.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "server/auth.h"
#include "config/config.h"
#include "speech/speech.h"

struct server {
    struct config *config; /* in force; a reload puts another in its place, so hold a reference beyond a call */
    struct config *started_with; /* decides what only a start can change */
    struct config_texts listening; /* where, as server.bind would have it; empty before the sockets are open */
    struct auth_limiter limiter;
    struct loop *loop;
    struct log *log;
    struct http_server *http;
    struct speech *speech;
    struct voices *voices;
    struct store_thread *store; /* never NULL, but without a store when its folder cannot be used */
    struct history *history;
    struct measure *measure;
    struct http_client *client; /* for the chats that are asked by HTTP */
    struct live *live;
    struct live_play *play; /* NULL: nothing sounds on this machine */
    double started; /* clock_seconds() */
};

#endif
