/* GET /api/health: is it alive, and what speaks. */
#include "server/routes.h"

#include "base/clock.h"

static void health(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct speech_state state;
    (void)args;
    speech_describe(s->speech, &state);
    reply_json(r, 200, json_pack("{s:s,s:i,s:s,s:s,s:s,s:f,s:{s:i,s:i,s:i,s:i}}", "status", "ok", "voices", 1,
                                 "default_voice", "builtin", "engine", state.engine, "trouble", state.trouble,
                                 "uptime_seconds", clock_seconds() - s->started, "queue", "queued", state.queued,
                                 "running", state.running, "capacity", state.capacity, "workers", state.workers));
}

const struct route routes_health[] = {
    {"GET", "/api/health", "health", SCOPE_NONE, 0, health},
    {0},
};
