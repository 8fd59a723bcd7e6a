/* The files of web/, which are in the program itself: mapped with it, nothing to find at run time.
 *
 * A new one is a line in web_files.c and one in meson.build. */
#ifndef ISHOW_SERVER_WEB_FILES_H
#define ISHOW_SERVER_WEB_FILES_H

#include "net/http_server.h"

struct web_file {
    const char *name; /* "docs.html" */
    const char *type; /* media type */
    const char *begin, *end;
};

const struct web_file *web_file_find(const char *name); /* NULL when there is none */

/* Answers with the file, or 304 if the client has this one already. Pages may load what is on this server, and nothing
 * else. */
void reply_web_file(struct http_request *r, const struct web_file *f);

#endif
