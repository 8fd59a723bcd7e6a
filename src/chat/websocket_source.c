/* A chat of any other kind: a websocket that sends messages as JSON, one object or a list of them a text frame
 * (message_json.c). {"type": "remove", "id": …, "user_id": …} takes back what was sent. */
#include "chat/source.h"
#include "net/websocket.h"

#include <stdlib.h>
#include <string.h>

#define QUIET 30.0 /* seconds without a word until a ping; as many again for its answer */

struct generic {
    struct chat_source source; /* the first member */
    struct websocket *socket;
    struct loop_timer quiet;
    int pinged;
};

static void on_quiet(void *user)
{
    struct generic *g = user;
    if (g->pinged) {
        source_failed(&g->source, "the server has stopped answering");
        return;
    }
    g->pinged = 1;
    (void)websocket_ping(g->socket);
    loop_timer_start(g->source.params.loop, &g->quiet, QUIET, on_quiet, g);
}

static void on_open(void *user)
{
    struct generic *g = user;
    loop_timer_start(g->source.params.loop, &g->quiet, QUIET, on_quiet, g);
    source_ready(&g->source);
}

static void take(struct generic *g, const json_t *o)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    if (type && strcmp(type, "remove") == 0) {
        const char *id = json_string_value(json_object_get(o, "id")),
                   *user = json_string_value(json_object_get(o, "user_id"));
        source_remove(&g->source, id ? id : "", user ? user : "");
        return;
    }
    struct chat_message *m = NULL;
    if (chat_message_read(o, &m, NULL))
        g->source.status.malformed++;
    else
        source_tell(&g->source, m);
}

static void on_message(void *user, int binary, const void *data, size_t len)
{
    struct generic *g = user;
    json_t *json = binary ? NULL : json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL), *item;
    size_t i;
    g->pinged = 0;
    loop_timer_start(g->source.params.loop, &g->quiet, QUIET, on_quiet, g);
    if (json_is_array(json))
        json_array_foreach(json, i, item)
            take(g, item);
    else if (json_is_object(json))
        take(g, json);
    else
        g->source.status.malformed++;
    json_decref(json);
}

static void on_close(void *user, int code, const char *why)
{
    struct generic *g = user;
    g->socket = NULL;
    source_failed(&g->source, "the connection is lost (%d%s%s)", code, *why ? ": " : "", why);
}

static int generic_check(const struct source_params *params, struct error *err)
{
    if (!params->url || !*params->url)
        return error_set(err, E_ARG, "a chat of another kind wants the address of its websocket: \"url\"");
    return 0;
}

static void generic_connect(struct chat_source *s)
{
    struct generic *g = (struct generic *)s;
    const struct websocket_events events = {on_open, on_message, on_close, g};
    struct error err;
    g->pinged = 0;
    if (websocket_connect(s->params.loop, s->params.url, *s->params.proxy ? s->params.proxy : NULL, NULL, &events,
                          &g->socket, &err))
        source_failed(s, "%s", err.text);
}

static void generic_disconnect(struct chat_source *s)
{
    struct generic *g = (struct generic *)s;
    websocket_free(g->socket);
    g->socket = NULL;
    loop_timer_stop(&g->quiet);
}

const struct chat_site websocket_site = {sizeof(struct generic), generic_check, generic_connect, generic_disconnect};
