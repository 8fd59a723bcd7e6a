/* Another program in this one's place without a moment of closed doors (SIGUSR2): the file that this process was
 * started from, which may be newer by now, is started with the same arguments and gets the listening sockets. When it
 * says that it serves, this process takes no more connections, and ends when it has answered what it had. If the new
 * one fails, nothing has changed.
 *
 * What only one process may do at a time, the new one begins when the old one has let go of it, or has ended. The pipe
 * tells it: the old one holds its end until then. */
#ifndef ISHOW_SERVER_UPGRADE_H
#define ISHOW_SERVER_UPGRADE_H

#include "base/log.h"
#include "net/loop.h"
#include "server/listeners.h"

#include <signal.h>
#include <sys/types.h>

#define UPGRADE_PATIENCE 600.0 /* seconds for the new program to say that it serves: it may convert a model */
#define UPGRADE_READY_FD "ISHOWTTS_READY_FD"
#define UPGRADE_SAID_MAX 512 /* bytes of what it says when it fails */

struct upgrade {
    struct loop *loop;
    struct log *log;
    char *program; /* path of the file */
    char *block;   /* the arguments, one after the other */
    char **argv;   /* into block */
    sigset_t mask; /* of signals, for the new program */
    pid_t child;   /* 0: none is being started */
    int handle;    /* pidfd of it when it is no child of this process, else -1 */
    int pipe;      /* on which it says how it is */
    int held;      /* the same, of one that serves and waits for this process to let go */
    struct loop_watch *watch;
    struct loop_timer patience;
    char said[UPGRADE_SAID_MAX];
    size_t said_len;
    void (*on_serving)(void *user, pid_t successor);
    void *user;
    int former; /* in the new process: the other end; -1 when the old one has let go, or there is none */
    struct loop_watch *former_watch;
    void (*on_alone)(void *user);
    void *alone_user;
};

/* At the start, while the arguments and the working directory are what they were. `mask`: of signals as it was then. */
int upgrade_init(struct upgrade *u, struct loop *loop, struct log *log, const sigset_t *mask,
                 void (*on_serving)(void *user, pid_t successor), void *user, struct error *err);
void upgrade_release(struct upgrade *u); /* ends a new program that does not serve yet; accepts a zeroed one */

/* Starts the new program; while one is being started that is told to the log, and nothing else happens. */
int upgrade_start(struct upgrade *u, const struct listeners *l, struct error *err);

void upgrade_let_go(struct upgrade *u); /* after on_serving: what only one may do is the new one's now */

/* In the new process, once: why it cannot serve; or that it does, and on_alone is called when the old one has let go.
 * In others nothing is told, and on_alone is called at once. */
void upgrade_report_failure(const char *failure);
int upgrade_report_serving(struct upgrade *u, void (*on_alone)(void *user), void *user, struct error *err);
int upgrade_is_awaited(void); /* is this the new process, and has not reported yet? */

#endif
