/* Bilibili's open platform (open-live.bilibili.com): an application of the streamer's own, started with the code of
 * the room.
 *
 * `start` is a signed request that gives addresses of websockets and what to say there first; the websocket then
 * brings packets. Two heartbeats keep it alive: one packet each 30 s, and a signed request each 20 s, without which
 * the platform ends the session. `end` is said on the way out, so that the next start is not refused for a while. */
#include "base/clock.h"
#include "chat/bilibili_frame.h"
#include "chat/bilibili_message.h"
#include "chat/source.h"
#include "net/websocket.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define ENDPOINT       "https://live-open.biliapi.com"
#define REPLY_MAX      (1u << 20) /* bytes of one answer */
#define CALL_TIMEOUT   15000      /* ms */
#define SOCKET_BEAT    30.0       /* seconds */
#define SESSION_BEAT   20.0
#define AUTH_WAIT      10.0       /* seconds for the answer to the first packet */
#define GAME_ID_MAX    128        /* bytes */

struct call;

struct bilibili {
    struct chat_source source; /* the first member */
    struct call *call;         /* of `start` or a heartbeat under way; NULL: none */
    struct websocket *socket;
    struct loop_timer socket_beat, session_beat;
    char game_id[GAME_ID_MAX]; /* of the session; "": there is none */
    char *auth_body;           /* owned */
    int ready;
};

/* A signed request; outlives its source when that is freed meanwhile. */
struct call {
    struct bilibili *owner; /* NULL: nobody waits any more */
    void (*take)(struct bilibili *b, const json_t *data);
    struct buf url, body, reply;
    struct http_headers *headers;
};

/* -------- signed requests -------- */

static void hex(const unsigned char *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* Headers in the order of their names, each line "name:value", signed with HMAC-SHA256. */
static int sign(struct call *c, const struct source_params *p)
{
    unsigned char digest[EVP_MAX_MD_SIZE], nonce[16];
    char md5[33], unique[33], signature[65], line[600];
    unsigned n = 0;
    struct buf text = BUF_INIT;
    if (EVP_Digest(c->body.ptr, c->body.len, digest, NULL, EVP_md5(), NULL) != 1 ||
        getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return E_NOMEM;
    hex(digest, 16, md5);
    hex(nonce, sizeof nonce, unique);
    const struct {
        const char *name;
        const char *value;
    } fields[] = {{"x-bili-accesskeyid", p->access_key}, {"x-bili-content-md5", md5},
                  {"x-bili-signature-method", "HMAC-SHA256"}, {"x-bili-signature-nonce", unique},
                  {"x-bili-signature-version", "1.0"}};
    int bad = 0;
    for (size_t i = 0; !bad && i < sizeof fields / sizeof *fields; i++) {
        snprintf(line, sizeof line, "%s: %s", fields[i].name, fields[i].value);
        bad = buf_addf(&text, "%s:%s\n", fields[i].name, fields[i].value) || http_headers_add(&c->headers, line);
    }
    const long long now = (long long)time(NULL);
    snprintf(line, sizeof line, "x-bili-timestamp: %lld", now);
    bad = bad || buf_addf(&text, "x-bili-timestamp:%lld", now) || http_headers_add(&c->headers, line);
    bad = bad || !HMAC(EVP_sha256(), p->access_secret, (int)strlen(p->access_secret), (const unsigned char *)text.ptr,
                       text.len, digest, &n);
    if (!bad) {
        hex(digest, 32, signature);
        snprintf(line, sizeof line, "Authorization: %s", signature);
        bad = http_headers_add(&c->headers, line) || http_headers_add(&c->headers, "Content-Type: application/json") ||
              http_headers_add(&c->headers, "Accept: application/json");
    }
    buf_release(&text);
    return bad ? E_NOMEM : 0;
}

static void call_free(void *user)
{
    struct call *c = user;
    buf_release(&c->url);
    buf_release(&c->body);
    buf_release(&c->reply);
    http_headers_free(c->headers);
    free(c);
}

static int on_data(void *user, int status, const void *data, size_t len)
{
    struct call *c = user;
    (void)status;
    return !c->owner || c->reply.len + len > REPLY_MAX || buf_add(&c->reply, data, len);
}

static void take_refusal(struct bilibili *b, json_int_t code, const char *message)
{
    /* signature, keys, code of the room, rights: nothing that trying again would mend */
    if ((code >= 4000 && code < 5000 && code != 4004 && code != 4009) || code == 7007)
        source_over(&b->source, SOURCE_REFUSED, "Bilibili answers %lld: %.150s", (long long)code, message);
    else
        source_failed(&b->source, "Bilibili answers %lld: %.150s", (long long)code, message);
}

static void on_done(void *user, const struct http_outcome *o)
{
    struct call *c = user;
    struct bilibili *b = c->owner;
    if (b) {
        json_t *reply = json_loadb(c->reply.ptr ? c->reply.ptr : "", c->reply.len, 0, NULL);
        const json_t *code = json_object_get(reply, "code");
        const char *message = json_string_value(json_object_get(reply, "message"));
        b->call = NULL;
        if (o->error || o->hung_up)
            source_failed(&b->source, "no answer from Bilibili: %s", o->error ? o->error : "it is too long");
        else if (!json_is_integer(code))
            source_failed(&b->source, "Bilibili answers %d, and no JSON with a code", o->status);
        else if (json_integer_value(code) != 0)
            take_refusal(b, json_integer_value(code), message ? message : "");
        else
            c->take(b, json_object_get(reply, "data"));
        json_decref(reply);
    }
    call_free(c);
}

/* Takes over `body`. With `take` NULL nobody waits for the answer. */
static int ask(struct bilibili *b, const char *path, json_t *body, void (*take)(struct bilibili *b, const json_t *data),
               struct error *err)
{
    const struct source_params *p = &b->source.params;
    struct call *c = calloc(1, sizeof *c);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int rc = !c || !text || buf_add_str(&c->body, text) || buf_add_str(&c->url, *p->url ? p->url : ENDPOINT) ||
                     buf_add_str(&c->url, path) || sign(c, p)
                 ? error_nomem(err)
                 : 0;
    if (!rc) {
        c->owner = take ? b : NULL;
        c->take = take;
        const struct http_call call = {.url = c->url.ptr,
                                       .body = c->body.ptr,
                                       .body_len = c->body.len,
                                       .headers = c->headers,
                                       .proxy = *p->proxy ? p->proxy : NULL,
                                       .timeout_ms = CALL_TIMEOUT,
                                       .on_data = on_data,
                                       .on_done = on_done,
                                       .on_freed = call_free,
                                       .user = c};
        rc = http_client_call(p->http, &call, err);
    }
    if (rc && c)
        call_free(c);
    else if (take)
        b->call = c;
    free(text);
    json_decref(body);
    return rc;
}

/* -------- heartbeats -------- */

static void on_socket_beat(void *user)
{
    struct bilibili *b = user;
    struct buf packet = BUF_INIT;
    if (!b->ready) {
        source_failed(&b->source, "Bilibili did not answer the first packet");
        return;
    }
    if (clock_seconds() - websocket_last_heard(b->socket) > 2 * SOCKET_BEAT) { /* it answers each beat */
        source_failed(&b->source, "Bilibili has stopped answering");
        return;
    }
    if (bilibili_packet_write(&packet, BILIBILI_HEARTBEAT, "", 0) == 0)
        (void)websocket_send(b->socket, 1, packet.ptr, packet.len); /* what is lost is noticed at a later beat */
    buf_release(&packet);
    loop_timer_start(b->source.params.loop, &b->socket_beat, SOCKET_BEAT, on_socket_beat, b);
}

static void on_beat_answer(struct bilibili *b, const json_t *data)
{
    (void)b;
    (void)data;
}

static void on_session_beat(void *user)
{
    struct bilibili *b = user;
    struct error err;
    loop_timer_start(b->source.params.loop, &b->session_beat, SESSION_BEAT, on_session_beat, b);
    if (!b->call && ask(b, "/v2/app/heartbeat", json_pack("{s:s}", "game_id", b->game_id), on_beat_answer, &err))
        source_failed(&b->source, "%s", err.text);
}

/* -------- the websocket -------- */

static int on_auth_answer(struct bilibili *b, struct slice body)
{
    json_t *reply = json_loadb(body.ptr, body.len, 0, NULL);
    const json_int_t code = json_integer_value(json_object_get(reply, "code"));
    const int fine = json_is_integer(json_object_get(reply, "code")) && code == 0;
    json_decref(reply);
    if (!fine) {
        source_failed(&b->source, "Bilibili refuses the websocket (code %lld)", (long long)code);
        return 1;
    }
    b->ready = 1;
    loop_timer_start(b->source.params.loop, &b->socket_beat, SOCKET_BEAT, on_socket_beat, b);
    source_ready(&b->source);
    return 0;
}

static int on_command(struct bilibili *b, struct slice body)
{
    struct bilibili_command command = {.event = BILIBILI_NOTHING};
    json_t *json = json_loadb(body.ptr, body.len, 0, NULL), *id;
    size_t i;
    int over = 0;
    if (bilibili_command_read(json, b->source.params.channel, &command))
        b->source.status.malformed++;
    switch (command.event) {
    case BILIBILI_NOTHING: break;
    case BILIBILI_SAID: source_tell(&b->source, command.message); break;
    case BILIBILI_REMOVAL:
        json_array_foreach(command.removed, i, id) {
            char name[32];
            bilibili_superchat_id(json_integer_value(id), name);
            source_remove(&b->source, name, "");
        }
        break;
    case BILIBILI_END:
        b->game_id[0] = '\0';
        source_failed(&b->source, "Bilibili has ended the session");
        over = 1;
        break;
    }
    json_decref(json);
    return over;
}

static int on_packet(void *user, uint32_t op, struct slice body)
{
    struct bilibili *b = user;
    return op == BILIBILI_AUTH_REPLY ? on_auth_answer(b, body) : op == BILIBILI_MESSAGE ? on_command(b, body) : 0;
}

static void on_message(void *user, int binary, const void *data, size_t len)
{
    struct bilibili *b = user;
    struct error err;
    const int rc = binary ? bilibili_packets(data, len, on_packet, b, &err) : 0;
    if (rc < 0)
        b->source.status.malformed++;
}

static void on_open(void *user)
{
    struct bilibili *b = user;
    struct buf packet = BUF_INIT;
    if (bilibili_packet_write(&packet, BILIBILI_AUTH, b->auth_body, strlen(b->auth_body)) == 0)
        (void)websocket_send(b->socket, 1, packet.ptr, packet.len);
    buf_release(&packet);
    loop_timer_start(b->source.params.loop, &b->socket_beat, AUTH_WAIT, on_socket_beat, b);
}

static void on_close(void *user, int code, const char *why)
{
    struct bilibili *b = user;
    b->socket = NULL;
    source_failed(&b->source, "the connection to Bilibili is lost (%d%s%s)", code, *why ? ": " : "", why);
}

/* -------- start and end -------- */

static void on_started(struct bilibili *b, const json_t *data)
{
    const json_t *info = json_object_get(data, "websocket_info"), *links = json_object_get(info, "wss_link");
    const char *game = json_string_value(json_object_get(json_object_get(data, "game_info"), "game_id"));
    const char *auth = json_string_value(json_object_get(info, "auth_body"));
    const size_t n = json_array_size(links);
    const char *link = n ? json_string_value(json_array_get(links, (size_t)b->source.failures % n)) : NULL;
    const struct websocket_events events = {on_open, on_message, on_close, b};
    struct error err = {.text = "Bilibili's answer to the start lacks auth_body or wss_link"};
    snprintf(b->game_id, sizeof b->game_id, "%s", game ? game : "");
    free(b->auth_body);
    b->auth_body = auth ? strdup(auth) : NULL;
    if (!b->auth_body || !link ||
        websocket_connect(b->source.params.loop, link, *b->source.params.proxy ? b->source.params.proxy : NULL, NULL,
                          &events, &b->socket, &err)) {
        source_failed(&b->source, "%s", err.text);
        return;
    }
    if (*b->game_id)
        loop_timer_start(b->source.params.loop, &b->session_beat, SESSION_BEAT, on_session_beat, b);
}

static int bilibili_check(const struct source_params *p, struct error *err)
{
    if (!p->app_id || !*p->app_id || !p->access_key || !*p->access_key || !p->access_secret || !*p->access_secret ||
        !p->code || !*p->code)
        return error_set(err, E_ARG,
                         "Bilibili's open platform wants an application of yours: danmaku.bilibili.app_id, "
                         "access_key_id, access_key_secret and the room's code%s",
                         p->url && *p->url
                             ? "; they are used with danmaku.bilibili.url, never with the \"url\" of a request"
                             : "");
    return 0;
}

static void bilibili_connect(struct chat_source *s)
{
    struct bilibili *b = (struct bilibili *)s;
    struct error err;
    json_t *body = json_pack("{s:s,s:I}", "code", s->params.code, "app_id",
                             (json_int_t)strtoll(s->params.app_id, NULL, 10));
    if (ask(b, "/v2/app/start", body, on_started, &err))
        source_failed(s, "%s", err.text);
}

static void bilibili_disconnect(struct chat_source *s)
{
    struct bilibili *b = (struct bilibili *)s;
    struct error err;
    if (b->call)
        b->call->owner = NULL;
    b->call = NULL;
    websocket_free(b->socket);
    b->socket = NULL;
    b->ready = 0;
    loop_timer_stop(&b->socket_beat);
    loop_timer_stop(&b->session_beat);
    if (*b->game_id) /* a courtesy: nobody waits for the answer */
        (void)ask(
            b, "/v2/app/end",
            json_pack("{s:s,s:I}", "game_id", b->game_id, "app_id", (json_int_t)strtoll(s->params.app_id, NULL, 10)),
            NULL, &err);
    b->game_id[0] = '\0';
    free(b->auth_body);
    b->auth_body = NULL;
}

const struct chat_site bilibili_site = {sizeof(struct bilibili), bilibili_check, bilibili_connect, bilibili_disconnect};
