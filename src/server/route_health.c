/* GET /api/health: is it alive, and what speaks. Whoever watches the server may ask without a token, so nothing here
 * tells more than that. */
#include "server/routes.h"

#include "base/clock.h"
#include "speech/voices.h"

static void health(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct speech_state state;
    (void)args;
    speech_describe(s->speech, &state);
    reply_json(r, 200,
               json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:{s:i,s:i,s:i,s:i}}", "status", "ok", "voices",
                         (int)voices_count(s->voices), "default_voice", voices_default(s->voices), "version",
                         ishow_version(), "engine", state.engine, "trouble", state.trouble, "precision",
                         state.precision, "kernels", state.kernels, "uptime_seconds", clock_seconds() - s->started,
                         "queue", "queued", state.queued, "running", state.running, "capacity", state.capacity,
                         "workers", state.workers));
}

const struct route routes_health[] = {
    {"GET", "/api/health", "health", SCOPE_NONE, 0, health},
    {0},
};
