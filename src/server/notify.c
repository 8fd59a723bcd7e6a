/* sd_notify(3) sends datagrams to the socket named by $NOTIFY_SOCKET, and does nothing without one. */
#include "server/notify.h"

#ifdef HAVE_LIBSYSTEMD
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* The manager reads lines of NAME=value: the sentence may have no second one. */
__attribute__((format(printf, 2, 0))) static void send_state(const char *assignment, const char *fmt, va_list args)
{
    char status[NOTIFY_STATUS_MAX];
    vsnprintf(status, sizeof status, fmt, args);
    for (char *c = status; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    sd_notifyf(0, "%sSTATUS=%s", assignment, status);
}

void notify_state(enum notify_state state, const char *fmt, ...)
{
    va_list args;
    char assignment[64] = "READY=1\n";
    if (state == NOTIFY_STOPPING) {
        snprintf(assignment, sizeof assignment, "STOPPING=1\n");
    } else if (state == NOTIFY_RELOADING) {
        struct timespec now; /* Type=notify-reload wants to know since when */
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(assignment, sizeof assignment, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
                 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    }
    va_start(args, fmt);
    send_state(assignment, fmt, args);
    va_end(args);
}

void notify_main_pid(pid_t pid)
{
    sd_notifyf(0, "MAINPID=%lld", (long long)pid);
}

void notify_status(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    send_state("", fmt, args);
    va_end(args);
}

/* Sent from the loop itself, so that a loop that hangs falls silent. */
static void on_time(void *user)
{
    struct notify_watchdog *w = user;
    sd_notify(0, "WATCHDOG=1");
    loop_timer_start(w->loop, &w->timer, w->period, on_time, w);
}

void notify_watchdog_start(struct loop *l, struct notify_watchdog *w)
{
    uint64_t allowed; /* microseconds */
    if (sd_watchdog_enabled(0, &allowed) <= 0)
        return;
    w->loop = l;
    w->period = (double)allowed * 1e-6 / 2;
    loop_timer_start(l, &w->timer, 0, on_time, w);
}

#else

void notify_state(enum notify_state state, const char *fmt, ...)
{
    (void)state;
    (void)fmt;
}

void notify_main_pid(pid_t pid)
{
    (void)pid;
}

void notify_status(const char *fmt, ...)
{
    (void)fmt;
}

void notify_watchdog_start(struct loop *l, struct notify_watchdog *w)
{
    (void)l;
    (void)w;
}

#endif

void notify_watchdog_stop(struct notify_watchdog *w)
{
    loop_timer_stop(&w->timer);
}
