/* The server as a whole: `ishowtts serve`. */
#ifndef ISHOW_SERVER_SERVER_H
#define ISHOW_SERVER_SERVER_H

#include "config/config.h"

struct server_options {
    const char *config;                    /* path; NULL: the default one, which need not exist */
    const struct config_setting *settings; /* of the command line, ended by a NULL key; they outlast reloads */
    int warmup; /* 1: the default voice has spoken before anybody is let in */
    int play;   /* 1: what the stage plays sounds on this machine, too */
};

/* Serves until SIGTERM or SIGINT, or until a newer program has taken its place (lifecycle.h). */
int server_run(const struct server_options *options, struct error *err);

#endif
