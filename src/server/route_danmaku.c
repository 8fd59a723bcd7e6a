/* The live chat's routes. They are here already so that the original's page is told plainly what it cannot have yet. */
#include "server/routes.h"

static void not_yet(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_error(r, 501, NULL, "not_implemented", "this version speaks, but does not read live chats yet");
}

const struct route routes_danmaku[] = {
    {"POST", "/api/danmaku/start", "danmaku_start", SCOPE_MANAGE, 0, not_yet},
    {"POST", "/api/danmaku/stop", "danmaku_stop", SCOPE_MANAGE, 0, not_yet},
    {"POST", "/api/danmaku/enqueue", "danmaku_enqueue", SCOPE_SPEAK, 0, not_yet},
    {"GET", "/api/danmaku/stream", "danmaku_stream", SCOPE_READ, 0, not_yet},
    {0},
};
