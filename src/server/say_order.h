/* What a speech request means on this server: which voice, which engine, which sound. */
#ifndef ISHOW_SERVER_SAY_ORDER_H
#define ISHOW_SERVER_SAY_ORDER_H

#include "server/say_request.h"
#include "server/server_state.h"

struct voice;

enum say_form {
    SAY_SOUND,         /* the encoded sound itself, whole */
    SAY_STREAM,        /* the same, as it is made */
    SAY_OPENAI_EVENTS, /* speech.audio.delta, speech.audio.done */
    SAY_EVENTS,        /* start, audio, done, error */
    SAY_JSON,          /* {"request_id", ..., "audio_base64"} */
    SAY_JSON_WRAPPED   /* {"response": the same} */
};

/* What it points to is borrowed from the request and the registry of voices. */
struct say_order {
    const struct say_request *request;
    enum say_api api;
    enum say_form form;
    struct voice *voice;
    const char *engine; /* for the queue: "builtin", or "" for the one that is configured */
    const struct say_format *format;
};

/* `engine` is the one that was asked for, "f5" or "builtin", or "" when any will do. A voice that was not named is the
 * default one, or one that this engine speaks with. `form` and `format` are the caller's business. -1: no such voice,
 * or not with this engine; why is in `fault`. */
int say_order_voice(const struct server *s, const char *engine, struct say_order *order, struct say_fault *fault);

#endif
