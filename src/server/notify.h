/* What the server tells the service manager (systemd, Type=notify): ready, reloading, stopping, alive, and one sentence
 * for `systemctl status`. Without a manager that listens, or built without libsystemd, all of it does nothing. */
#ifndef ISHOW_SERVER_NOTIFY_H
#define ISHOW_SERVER_NOTIFY_H

#include "net/loop.h"

#include <sys/types.h>

#define NOTIFY_STATUS_MAX 256 /* bytes of the sentence; a longer one is cut */

enum notify_state { NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING };

/* Tells a change of state, with a sentence. After NOTIFY_RELOADING comes NOTIFY_READY again. From any thread. */
__attribute__((format(printf, 2, 3))) void notify_state(enum notify_state state, const char *fmt, ...);

/* Another process of the service, which serves already, is its main one from now on: systemd watches that one, and what
 * this one tells does not count any more. */
void notify_main_pid(pid_t pid);

/* The sentence alone. */
__attribute__((format(printf, 1, 2))) void notify_status(const char *fmt, ...);

/* Says at half the time that the manager allows that the loop still goes round, if it wants to know (WatchdogSec=).
 * Embed it zeroed; on the loop's thread. */
struct notify_watchdog {
    struct loop *loop;
    double period; /* seconds */
    struct loop_timer timer;
};
void notify_watchdog_start(struct loop *l, struct notify_watchdog *w);
void notify_watchdog_stop(struct notify_watchdog *w); /* accepts one that is not started */

#endif
