/* Who a request is from and what it may do: from its headers, by auth.h, to an answer that refuses it or to the route
 * that it takes. A request's visitor is its context from visitor_admit until visitor_free. */
#ifndef ISHOW_SERVER_VISITOR_H
#define ISHOW_SERVER_VISITOR_H

#include "server/auth.h"
#include "server/routes.h"

struct visitor {
    const struct route *route; /* NULL: none was found, or it was refused before */
    struct config *config;     /* that was in force when it came; a reference */
    const char *token;         /* name of its token, or "" */
    char address[AUTH_ADDRESS_MAX];
};

/* In on_head: 1 when the request may go on to its route, 0 when it has been answered. */
int visitor_admit(struct server *s, struct http_request *r);

/* In on_done. */
void visitor_free(struct http_request *r);

/* Of an admitted request; NULL when memory ran out for it. */
const struct visitor *visitor_of(const struct http_request *r);

/* Whom a share of the queue belongs to: the token's name, else the address. Lives as long as the request. */
const char *visitor_name(const struct http_request *r);

#endif
