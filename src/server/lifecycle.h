/* A server from its first connection to its last, and what signals do to it:
 *
 *   SIGHUP            reads the configuration again
 *   SIGTERM, SIGINT   stop accepting, answer what has come, end with code 0; after server.drain_timeout at the latest.
 *                     A second SIGINT ends at once
 *   SIGUSR2           starts a new program in this one's place (upgrade.h) */
#ifndef ISHOW_SERVER_LIFECYCLE_H
#define ISHOW_SERVER_LIFECYCLE_H

#include "server/listeners.h"
#include "server/notify.h"
#include "server/server.h"
#include "server/server_state.h"
#include "server/upgrade.h"
#include "store/store_thread.h"

struct lifecycle {
    struct server *server;
    const struct server_options *options;
    struct listeners listeners;
    struct upgrade upgrade;
    int signals; /* signalfd */
    struct loop_watch *watch;
    struct loop_timer reload, drain, load;
    struct loop_timer goodbye; /* chat sites are told that nobody reads any more */
    int goodbyes;
    struct last_kept {
        struct store_job job; /* first */
        struct lifecycle *lifecycle;
    } last_kept; /* after all that the stage has kept */
    struct notify_watchdog watchdog;
    int draining;
    struct error failure; /* of what happened while the loop ran */
};

/* Before there are threads, which inherit it. Fills `ret` with what was blocked before. */
void lifecycle_block_signals(sigset_t *ret);

/* Opens the sockets, so that who comes early waits in their queues, and begins to hear signals. Needs the server's
 * loop, log and configuration. */
int lifecycle_init(struct lifecycle *l, struct server *s, const struct server_options *options, const sigset_t *old,
                   struct error *err);

/* From here on there are requests, once the model is there if another process serves meanwhile; and chats are read, once
 * that other one has left the stage. A failure of then ends the loop, and is in l->failure. */
int lifecycle_open(struct lifecycle *l, struct error *err);

void lifecycle_release(struct lifecycle *l); /* accepts a zeroed one */

#endif
