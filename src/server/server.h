/* The server as a whole: `ishowtts serve`. */
#ifndef ISHOW_SERVER_SERVER_H
#define ISHOW_SERVER_SERVER_H

#include "base/error.h"

struct server_options {
    const char *bind; /* "127.0.0.1:27121" */
};

/* Serves until SIGTERM or SIGINT. */
int server_run(const struct server_options *options, struct error *err);

#endif
