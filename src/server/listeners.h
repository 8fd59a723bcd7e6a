/* The sockets that a server listens on, wherever they come from, in this order of preference:
 *
 *   the process before this one   hands its own over (upgrade.h); addresses that the configuration does not name any
 *                                 more are closed, new ones opened
 *   systemd                       has opened them (socket activation, sd_listen_fds(3)); server.bind does not count
 *   the configuration             names them in server.bind
 *
 * Both hand over by LISTEN_FDS and LISTEN_PID; LISTENERS_NAMES is this program's own, and says which is which. */
#ifndef ISHOW_SERVER_LISTENERS_H
#define ISHOW_SERVER_LISTENERS_H

#include "base/error.h"
#include "config/config.h"

#define LISTENERS_FIRST_FD 3 /* the protocol's: sockets are numbered from here on */
#define LISTENERS_MAX      64
#define LISTENERS_TEXT_MAX 160
#define LISTENERS_NAMES    "ISHOWTTS_LISTEN" /* the addresses as server.bind has them, a line each */

struct listeners {
    size_t count;
    int fd[LISTENERS_MAX];     /* owned until given to http_server_listen, which closes them */
    char *name[LISTENERS_MAX]; /* "127.0.0.1:27121", "unix:/run/x.sock" */
    int activated;             /* systemd has opened them */
};

/* Looks at the environment, and takes from it what it has used, so that no child takes it for its own. */
int listeners_open(struct listeners *l, const struct config *c, struct error *err);
void listeners_release(struct listeners *l); /* the names; accepts a zeroed one */

/* "127.0.0.1:27121", with the port that the system has chosen for port 0. */
void listeners_describe(int fd, char ret[LISTENERS_TEXT_MAX]);

/* What is listened on, as server.bind would have it; lives as long as `l`. */
struct config_texts listeners_addresses(const struct listeners *l);

#endif
