/* What `ishowtts load` sends: addresses, bodies, headers, and where its clients come from. See load.h. */
#include "cli/load.h"

#include "base/file.h"
#include "base/utf8.h"
#include "net/http_fetch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What a chat says: about three seconds each. */
static const char *const chat[] = {
    "Hello chat, thanks for the follow, welcome to the stream!",
    "That was the cleanest dodge I have seen all week.",
    "Can you show us the settings again before the next match?",
    "First time here, and this place is already my favourite.",
    "The boss has a second phase, do not use your potions yet.",
    "Happy birthday from everyone over here in the kitchen!",
    "I missed the beginning, what is the goal for tonight?",
    "Your microphone is a little quiet, could you turn it up?",
    "Nobody told me that the dog would be the main character.",
    "We believe in you, one more try and then dinner.",
    "The map is behind the waterfall, on the left hand side.",
    "Greetings from the night shift, you keep us awake.",
    "That song takes me right back to school, what is it called?",
    "Please drink some water, it has been three hours.",
    "I raced this track for years and never saw that shortcut.",
    "Ten months already, time really flies in this channel.",
};

/* -------- texts -------- */

struct texts {
    struct buf file;
    const char *lines[LOAD_TEXTS_MAX];
    size_t count;
};

static int read_texts(const char *path, struct texts *t, struct error *err)
{
    if (!path) {
        t->count = sizeof chat / sizeof *chat;
        memcpy(t->lines, chat, sizeof chat);
        return 0;
    }
    int rc = file_read(path, LOAD_TEXT_BYTES_MAX, &t->file, err);
    if (rc)
        return rc;
    size_t number = 0;
    for (char *line = t->file.ptr, *next; line && *line; line = next) {
        next = strchrnul(line, '\n');
        if (*next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (utf8_valid_prefix(line, strlen(line)) != strlen(line))
            return error_set(err, E_FORMAT, "%s: line %zu is not UTF-8", path, number);
        if (t->count == LOAD_TEXTS_MAX)
            return error_set(err, E_LIMIT, "%s has more than %d lines", path, LOAD_TEXTS_MAX);
        t->lines[t->count++] = line;
    }
    return t->count ? 0 : error_set(err, E_ARG, "%s has no text in it", path);
}

/* -------- requests -------- */

enum endpoint { TO_SPEECH, TO_TTS, TO_TTS_STREAM, TO_GET };

static enum endpoint endpoint_of(const struct load_options *o)
{
    if (strcmp(o->endpoint, "speech") == 0)
        return TO_SPEECH;
    if (strcmp(o->endpoint, "tts") == 0)
        return o->stream ? TO_TTS_STREAM : TO_TTS;
    return TO_GET;
}

static const char *path_of(const struct load_options *o)
{
    static const char *const paths[] = {"/v1/audio/speech", "/api/tts", "/api/tts/stream"};
    const enum endpoint e = endpoint_of(o);
    if (e != TO_GET)
        return paths[e];
    return strcmp(o->endpoint, "health") == 0 ? "/api/health"
           : strcmp(o->endpoint, "voices") == 0 ? "/api/voices"
                                                : o->endpoint;
}

static enum load_audio_kind audio_of(const struct load_options *o)
{
    switch (endpoint_of(o)) {
    case TO_SPEECH:
        return strcmp(o->format, "wav") == 0   ? LOAD_AUDIO_WAV
               : strcmp(o->format, "pcm") == 0 ? LOAD_AUDIO_PCM
                                               : LOAD_AUDIO_SOME;
    case TO_TTS:
        return LOAD_AUDIO_JSON;
    case TO_TTS_STREAM:
        return LOAD_AUDIO_SOME;
    default:
        return LOAD_AUDIO_NONE;
    }
}

/* `text` as the value in an address's query. */
static int add_query(struct buf *out, const char *name, const char *text)
{
    int bad = buf_addf(out, "%c%s=", memchr(out->ptr, '?', out->len) ? '&' : '?', name);
    for (; *text && !bad; text++) {
        const int plain =
            (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        bad = plain ? buf_add_char(out, *text) : buf_addf(out, "%%%02X", (unsigned char)*text);
    }
    return bad;
}

/* The address with the text in it, for what is asked by GET. */
static char *stream_url(const struct load_options *o, const char *base, const char *text)
{
    struct buf b = BUF_INIT;
    int bad = buf_add_str(&b, base) || add_query(&b, "text", text);
    if (o->voice)
        bad = bad || add_query(&b, "voice_id", o->voice);
    if (bad)
        buf_release(&b);
    return b.ptr;
}

static char *body_of(const struct load_options *o, const char *text)
{
    json_t *body;
    if (endpoint_of(o) == TO_SPEECH)
        body = json_pack("{s:s, s:s, s:s, s:s, s:s*}", "model", "tts-1", "input", text, "voice",
                         o->voice ? o->voice : "alloy", "response_format", o->format, "stream_format",
                         o->stream ? "audio" : NULL);
    else
        body = json_pack("{s:s, s:s*}", "text", text, "voice_id", o->voice);
    char *dump = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return dump;
}

/* 127.0.0.2, 127.0.0.3, …: what a server on this machine takes for as many machines. */
static void name_source(char out[16], size_t client)
{
    snprintf(out, 16, "127.0.%zu.%zu", client / 250 % 250, client % 250 + 2);
}

static int make_clients(const struct load_options *o, struct load_plan *p)
{
    char host[256];
    http_host(o->url, host, NULL);
    const int by_address = o->clients > 1 && strncmp(host, "127.", 4) == 0;
    p->clients = (size_t)o->clients;
    p->headers = calloc(p->clients, sizeof *p->headers);
    p->sources = by_address ? calloc(p->clients, sizeof *p->sources) : NULL;
    if (!p->headers || (by_address && !p->sources))
        return E_NOMEM;
    struct buf line = BUF_INIT;
    int bad = 0;
    for (size_t i = 0; i < p->clients && !bad; i++) {
        if (by_address)
            name_source(p->sources[i], i);
        bad = http_headers_add(&p->headers[i], "Content-Type: application/json") ||
              http_headers_add(&p->headers[i], "Expect:");
        line.len = 0;
        if (!bad && o->token)
            bad = buf_addf(&line, "Authorization: Bearer %s", o->token) || http_headers_add(&p->headers[i], line.ptr);
        line.len = 0;
        if (!bad && o->clients > 1)
            bad = buf_addf(&line, "X-Client-Id: load-%zu", i + 1) || http_headers_add(&p->headers[i], line.ptr);
    }
    buf_release(&line);
    return bad ? E_NOMEM : 0;
}

static int make_requests(const struct load_options *o, const struct texts *t, struct load_plan *p)
{
    const enum endpoint e = endpoint_of(o);
    size_t base = strlen(o->url);
    while (base && o->url[base - 1] == '/')
        base--;
    struct buf url = BUF_INIT;
    if (buf_addf(&url, "%.*s%s", (int)base, o->url, path_of(o)))
        return E_NOMEM;
    p->url = url.ptr;
    if (e == TO_GET)
        return 0;
    char **list = calloc(t->count, sizeof *list);
    if (!list)
        return E_NOMEM;
    if (e == TO_TTS_STREAM)
        p->urls = list;
    else
        p->bodies = list;
    for (; p->body_count < t->count; p->body_count++) {
        const char *text = t->lines[p->body_count];
        list[p->body_count] = e == TO_TTS_STREAM ? stream_url(o, p->url, text) : body_of(o, text);
        if (!list[p->body_count])
            return E_NOMEM;
    }
    return 0;
}

int load_plan_make(const struct load_options *o, struct load_plan *plan, struct error *err)
{
    struct texts *t = calloc(1, sizeof *t);
    if (!t)
        return error_nomem(err);
    plan->audio = audio_of(o);
    int rc = read_texts(o->text_file, t, err);
    if (!rc && (make_requests(o, t, plan) || make_clients(o, plan)))
        rc = error_nomem(err);
    buf_release(&t->file);
    free(t);
    return rc;
}

void load_plan_release(struct load_plan *p)
{
    for (size_t i = 0; i < p->body_count; i++)
        free(p->bodies ? p->bodies[i] : p->urls[i]);
    for (size_t i = 0; p->headers && i < p->clients; i++)
        http_headers_free(p->headers[i]);
    free(p->url);
    free(p->bodies);
    free(p->urls);
    free(p->headers);
    free(p->sources);
    *p = (struct load_plan){0};
}
