/* See say_order.h. */
#include "server/say_order.h"

#include "speech/voices.h"

#include <string.h>

/* The default voice, or else the first that this engine speaks with. */
static struct voice *unnamed_voice(const struct voices *voices, const char *engine)
{
    struct voice *v = voices_find(voices, NULL);
    if (v && (!engine[0] || strcmp(v->engine, engine) == 0))
        return v;
    for (size_t i = 0; i < voices_count(voices); i++)
        if (strcmp(voices_at(voices, i)->engine, engine) == 0)
            return voices_at(voices, i);
    return NULL;
}

int say_order_voice(const struct server *s, const char *engine, struct say_order *order, struct say_fault *fault)
{
    const char *name = order->request->voice;
    const char *param = order->api == SAY_OPENAI ? "voice" : "voice_id";
    struct voice *v = name ? voices_find(s->voices, name) : unnamed_voice(s->voices, engine);
    if (!v && name)
        return say_fault_set(fault, param, "voice_not_found", "there is no voice \"%.*s\"; GET /api/voices lists them",
                             say_quoted(name), name);
    if (!v)
        return say_fault_set(fault, param, "voice_not_found", "there is no voice that the engine \"%s\" speaks with",
                             engine);
    if (engine[0] && strcmp(v->engine, engine) != 0)
        return say_fault_set(fault, order->api == SAY_OPENAI ? "model" : "engine", "wrong_engine",
                             "the voice \"%s\" belongs to the engine \"%s\", not to \"%s\"", v->id, v->engine, engine);
    order->voice = v;
    order->engine = strcmp(v->engine, "builtin") == 0 ? "builtin" : "";
    return 0;
}
