/* An event loop on epoll: one thread waits for file descriptors, timers and messages of other threads.
 *
 * Everything but loop_post and loop_stop belongs to the thread that runs the loop. */
#ifndef ISHOW_NET_LOOP_H
#define ISHOW_NET_LOOP_H

#include "base/error.h"

#include <stdint.h>
#include <sys/epoll.h>

struct loop;

int loop_create(struct loop **ret, struct error *err);
void loop_free(struct loop *l); /* accepts NULL; messages not yet run are run first */

/* Serves until loop_stop, which ends one call. 0, or E_IO when epoll itself fails. */
int loop_run(struct loop *l, struct error *err);
void loop_stop(struct loop *l); /* from any thread, or from a signal handler */

/* Calls fn(arg) on the loop's thread, in the order of the posts. From any thread. E_NOMEM leaves nothing behind. */
int loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* Calls fn(user, events) when `fd` (borrowed) is ready for `events` (EPOLLIN, …, EPOLLET). */
struct loop_watch;
int loop_watch(struct loop *l, int fd, uint32_t events, void (*fn)(void *user, uint32_t events), void *user,
               struct loop_watch **ret, struct error *err);
int loop_watch_change(struct loop_watch *w, uint32_t events, struct error *err);
void loop_unwatch(struct loop_watch *w); /* accepts NULL; fn is not called again, not even for events already fetched */

/* Calls fn(user) once, `seconds` from now, on the loop's thread. Embed it zeroed; starting anew moves it. */
struct loop_timer {
    double at;
    void (*fn)(void *user);
    void *user;
    struct loop *loop; /* NULL: not started */
    struct loop_timer *prev, *next;
};
void loop_timer_start(struct loop *l, struct loop_timer *t, double seconds, void (*fn)(void *user), void *user);
void loop_timer_stop(struct loop_timer *t); /* accepts one that is not started */

/* Called before every wait; gives the longest time to wait in milliseconds, -1 for as long as nothing happens.
 * For libraries that keep time of their own. */
void loop_set_prepare(struct loop *l, int (*fn)(void *user), void *user);

double loop_now(const struct loop *l); /* seconds of clock_seconds() when this round began */

#endif
