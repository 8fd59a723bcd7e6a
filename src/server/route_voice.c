/* Voices over HTTP: what there is, what each is made of, and changes of it; the original's routes, OpenAI's, and
 * ours. */
#include "server/routes.h"

#include "base/file.h"
#include "base/utf8.h"
#include "net/http_multipart.h"
#include "server/voice_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORM_MAX      (VOICE_CLIP_BYTES + (64u << 10)) /* bytes: a clip and the words around it */
#define CLIP_READ_MAX (64u << 20)                      /* bytes of a clip of the operator's that is shown */

/* -------- as JSON -------- */

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

static json_t *voice_item(const struct server *s, const struct voice *v)
{
    static const char *const kinds[] = {"config", "upload", "builtin"};
    return json_pack("{s:s,s:s,s:s,s:s*,s:s*,s:s,s:b,s:b}", "id", v->id, "engine", v->engine, "engine_label", v->label,
                     "language", or_null(v->language), "reference_text", v->active.text, "kind", kinds[v->kind],
                     "default", strcmp(voices_default(s->voices), v->id) == 0, "overridden", v->updated != 0);
}

/* RFC 3339 in UTC, or NULL for 0. */
static const char *time_text(int64_t ms, char out[32])
{
    struct tm tm;
    const time_t t = (time_t)(ms / 1000);
    if (!ms || !gmtime_r(&t, &tm))
        return NULL;
    char seconds[24];
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", seconds, (int)(ms % 1000));
    return out;
}

static json_t *voice_reference(const struct voice *v)
{
    char updated[32];
    return json_pack("{s:s,s:s,s:s,s:s*,s:s*,s:s*,s:s*,s:b,s:b,s:s*}", "voice_id", v->id, "engine", v->engine,
                     "engine_label", v->label, "language", or_null(v->language), "active_reference_text",
                     v->active.text, "baseline_reference_text", v->baseline.text, "override_reference_text",
                     v->override.text, "baseline_audio_available", v->baseline.clip != NULL, "override_audio_available",
                     v->override.clip != NULL, "override_updated_at", time_text(v->updated, updated));
}

/* People tell voices by these names: an uploaded one has its own, of others the id is what differs. */
static const char *voice_name(const struct voice *v)
{
    return v->kind == VOICE_OF_CONFIG ? v->id : v->label;
}

static json_t *voice_openai(const struct voice *v)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:s*}", "object", "audio.voice", "id", v->id, "name", voice_name(v),
                     "created_at", (json_int_t)(v->created / 1000), "language", or_null(v->language));
}

/* -------- showing -------- */

static void list_voices(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *list = json_array();
    (void)args;
    for (size_t i = 0; list && i < voices_count(s->voices); i++)
        if (json_array_append_new(list, voice_item(s, voices_at(s->voices, i)))) {
            json_decref(list);
            list = NULL;
        }
    reply_json(r, 200, list);
}

static void list_openai(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *list = json_array();
    (void)args;
    for (size_t i = 0; list && i < voices_count(s->voices); i++)
        if (json_array_append_new(list, voice_openai(voices_at(s->voices, i)))) {
            json_decref(list);
            list = NULL;
        }
    reply_json(r, 200, list ? json_pack("{s:s,s:o}", "object", "list", "voices", list) : NULL);
}

/* The voice of exactly that id, or NULL after a 404. */
static struct voice *need_voice(struct server *s, struct http_request *r, const char *id)
{
    struct voice *v = voices_find(s->voices, id);
    if (v && strcmp(v->id, id) == 0)
        return v;
    reply_error(r, 404, NULL, "voice_not_found", "there is no voice \"%s\"", id);
    return NULL;
}

static void show_reference(struct server *s, struct http_request *r, const struct route_args *args)
{
    const struct voice *v = need_voice(s, r, args->value[0]);
    if (v)
        reply_json(r, 200, voice_reference(v));
}

/* -------- a clip -------- */

/* A clip that is read off the loop. */
struct reading {
    struct store_job job;
    struct http_request *http; /* NULL: it has gone */
    struct voice *voice;
    int overridden;
    struct buf bytes;
    struct error err;
    int rc;
};

static const struct voice_source *source_of(const struct reading *c)
{
    return c->overridden ? &c->voice->override : &c->voice->baseline;
}

static void read_clip(struct store *store, struct store_job *job)
{
    struct reading *c = (struct reading *)(void *)job;
    (void)store;
    c->rc = file_read(source_of(c)->clip, CLIP_READ_MAX, &c->bytes, &c->err);
}

/* inline; filename="…"; filename*=UTF-8''…: plain for old clients, and as it is for others. */
static int disposition(const struct reading *c, struct buf *out)
{
    static const char *const endings[][2] = {
        {"audio/wav", "wav"},  {"audio/flac", "flac"}, {"audio/ogg", "ogg"},
        {"audio/mpeg", "mp3"}, {"audio/aiff", "aiff"},
    };
    const char *type = source_of(c)->type, *ending = "bin", *id = c->voice->id;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcmp(type, endings[i][0]) == 0)
            ending = endings[i][1];
    int rc = buf_add_str(out, "inline; filename=\"");
    for (const char *p = id; !rc && *p; p++)
        rc = buf_add_char(
            out, strchr("-_.", *p) || (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') ? *p : '_');
    rc = rc || buf_addf(out, ".%s\"; filename*=UTF-8''", ending);
    for (const char *p = id; !rc && *p; p++)
        rc = strchr("-_.", *p) || (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z')
                 ? buf_add_char(out, *p)
                 : buf_addf(out, "%%%02X", (unsigned char)*p);
    return rc || buf_addf(out, ".%s", ending);
}

static void give_clip(struct store_job *job)
{
    struct reading *c = (struct reading *)(void *)job;
    struct buf name = BUF_INIT;
    if (!c->http) {
        ;
    } else if (c->rc) {
        reply_error(c->http, c->rc == E_NOTFOUND ? 404 : 500, NULL, "no_audio", "the clip cannot be read: %s",
                    c->err.text);
    } else if (disposition(c, &name)) {
        reply_error(c->http, 500, NULL, NULL, "out of memory");
    } else {
        const struct http_header headers[] = {
            {"Content-Type", source_of(c)->type},
            {"Cache-Control", "no-store"},
            {"Content-Disposition", name.ptr},
            {"X-Content-Type-Options", "nosniff"},
            {"X-Voice-Reference-Source", c->overridden ? "override" : "baseline"},
            {0},
        };
        http_respond_buf(c->http, 200, headers, &c->bytes);
    }
    buf_release(&name);
    buf_release(&c->bytes);
    voice_unref(c->voice);
    free(c);
}

static void reader_gone(void *user)
{
    struct reading *c = user;
    c->http = NULL;
}

static void show_clip(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct voice *v = need_voice(s, r, args->value[0]);
    const char *source = http_query(r, "source");
    struct error err;
    if (!v)
        return;
    const int overridden = source ? strcmp(source, "override") == 0 : v->override.clip != NULL;
    if (source && !overridden && strcmp(source, "baseline")) {
        reply_error(r, 400, "source", NULL, "expected \"baseline\" or \"override\" as source");
        return;
    }
    if (!(overridden ? v->override.clip : v->baseline.clip)) {
        reply_error(r, 404, NULL, "no_audio", "the voice \"%s\" has no clip of its %s", v->id,
                    overridden ? "override" : "baseline");
        return;
    }
    struct reading *c = calloc(1, sizeof *c);
    if (!c) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return;
    }
    *c = (struct reading){
        .job = {.run = read_clip, .done = give_clip}, .http = r, .voice = voice_ref(v), .overridden = overridden};
    if (store_submit(s->store, &c->job, &err)) {
        reply_retry(r, 1, "overloaded", "%s", err.text);
        voice_unref(v);
        free(c);
        return;
    }
    http_on_gone(r, reader_gone, c);
}

/* -------- changes -------- */

/* A request that waits for a change. */
struct waiting {
    struct server *server;
    struct http_request *http; /* NULL: it has gone; the change is made all the same */
    json_t *(*shape)(const struct server *s, const struct voice *v);
    int half; /* of begin and on_outcome one has passed: the other frees this */
};

static json_t *reference_shape(const struct server *s, const struct voice *v)
{
    (void)s;
    return voice_reference(v);
}

static json_t *openai_shape(const struct server *s, const struct voice *v)
{
    (void)s;
    return voice_openai(v);
}

static void reply_outcome(struct waiting *w, const struct voice_outcome *o)
{
    json_t *json;
    if (o->status == 503) {
        reply_retry(w->http, 1, o->code, "%s", o->message);
        return;
    }
    if (o->status >= 300)
        json = error_json(o->status, o->param, o->code, o->message);
    else if (o->voice)
        json = w->shape(w->server, o->voice);
    else
        json = json_pack("{s:b}", "deleted", 1);
    if (json && o->checks && json_object_set(json, "checks", o->checks)) {
        json_decref(json);
        json = NULL;
    }
    reply_json(w->http, w->shape == openai_shape && o->status == 201 ? 200 : o->status, json);
}

static void on_outcome(void *user, const struct voice_outcome *o)
{
    struct waiting *w = user;
    if (w->http)
        reply_outcome(w, o);
    w->http = NULL;
    if (w->half)
        free(w);
    else
        w->half = 1;
}

static void changer_gone(void *user)
{
    struct waiting *w = user;
    w->http = NULL;
}

static void begin(struct server *s, struct http_request *r, const struct voice_change *change,
                  json_t *(*shape)(const struct server *s, const struct voice *v))
{
    struct waiting *w = calloc(1, sizeof *w);
    if (!w) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return;
    }
    *w = (struct waiting){.server = s, .http = r, .shape = shape};
    voice_change_begin(s->voices, s->store, change, on_outcome, w);
    if (w->half) { /* it was refused at once */
        free(w);
        return;
    }
    w->half = 1;
    http_on_gone(r, changer_gone, w);
}

/* The texts of a form; owned. */
struct form {
    struct multipart parts;
    char *id, *name, *text, *language, *consent;
    struct slice clip;
};

static void form_release(struct form *f)
{
    free(f->id);
    free(f->name);
    free(f->text);
    free(f->language);
    free(f->consent);
}

/* Takes the field `name` of the form, if there is one. 0, or -1 after an answer. */
static int form_text(struct http_request *r, struct form *f, const char *name, char **ret)
{
    const struct multipart_part *part = multipart_find(&f->parts, name);
    if (!part || *ret)
        return 0;
    if (memchr(part->data.ptr, '\0', part->data.len) ||
        utf8_valid_prefix(part->data.ptr, part->data.len) != part->data.len) {
        reply_error(r, 400, name, NULL, "the field \"%s\" is not UTF-8 text", name);
        return -1;
    }
    *ret = strndup(part->data.ptr, part->data.len);
    if (!*ret)
        reply_error(r, 500, NULL, NULL, "out of memory");
    return *ret ? 0 : -1;
}

/* `audio` is what the clip's field is called. 0, or -1 after an answer. */
static int form_read(struct http_request *r, const char *audio, struct form *f)
{
    struct error err;
    *f = (struct form){0};
    const int rc = multipart_parse(http_body(r), http_header(r, "Content-Type"), &f->parts, &err);
    if (rc) {
        reply_error(r, rc == E_UNSUPPORTED ? 415 : 400, NULL, "invalid_form", "%s", err.text);
        return -1;
    }
    const struct multipart_part *clip = multipart_find(&f->parts, audio);
    if (clip)
        f->clip = clip->data;
    if (form_text(r, f, "id", &f->id) || form_text(r, f, "name", &f->name) || form_text(r, f, "label", &f->name) ||
        form_text(r, f, "text", &f->text) || form_text(r, f, "language", &f->language) ||
        form_text(r, f, "consent", &f->consent)) {
        form_release(f);
        return -1;
    }
    return 0;
}

static void put_override(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct form f;
    if (!need_voice(s, r, args->value[0]) || form_read(r, "audio", &f))
        return;
    begin(s, r, &(struct voice_change){.kind = VOICE_OVERRIDE, .id = args->value[0], .text = f.text, .clip = f.clip},
          reference_shape);
    form_release(&f);
}

static void reset(struct server *s, struct http_request *r, const struct route_args *args)
{
    begin(s, r, &(struct voice_change){.kind = VOICE_RESET, .id = args->value[0]}, reference_shape);
}

static void upload(struct server *s, struct http_request *r, const char *audio,
                   json_t *(*shape)(const struct server *s, const struct voice *v))
{
    struct form f;
    if (form_read(r, audio, &f))
        return;
    begin(s, r,
          &(struct voice_change){.kind = VOICE_ADD,
                                 .id = or_null(f.id),
                                 .label = f.name,
                                 .language = f.language,
                                 .text = f.text,
                                 .consent = f.consent,
                                 .clip = f.clip},
          shape);
    form_release(&f);
}

static void add_voice(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    upload(s, r, "audio", voice_item);
}

static void add_openai(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    upload(s, r, "audio_sample", openai_shape);
}

static void rename_voice(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *json = request_json(r);
    if (!json)
        return;
    const json_t *given = json_object_get(json, "label");
    if (!json_is_string(given))
        given = json_object_get(json, "name");
    if (json_is_string(given))
        begin(s, r,
              &(struct voice_change){.kind = VOICE_RENAME, .id = args->value[0], .label = json_string_value(given)},
              voice_item);
    else
        reply_error(r, 400, "label", NULL, "expected the voice's new name, a text, in \"label\"");
    json_decref(json);
}

static void remove_voice(struct server *s, struct http_request *r, const struct route_args *args)
{
    begin(s, r, &(struct voice_change){.kind = VOICE_REMOVE, .id = args->value[0]}, voice_item);
}

const struct route routes_voice[] = {
    {"GET", "/api/voices", "voices", SCOPE_READ, 0, list_voices},
    {"POST", "/api/voices", "voice_add", SCOPE_MANAGE, FORM_MAX, add_voice},
    {"PATCH", "/api/voices/{id}", "voice_rename", SCOPE_MANAGE, 0, rename_voice},
    {"DELETE", "/api/voices/{id}", "voice_remove", SCOPE_MANAGE, 0, remove_voice},
    {"GET", "/api/voices/{id}/reference", "voice_reference", SCOPE_READ, 0, show_reference},
    {"POST", "/api/voices/{id}/reference", "voice_override", SCOPE_MANAGE, FORM_MAX, put_override},
    {"DELETE", "/api/voices/{id}/reference", "voice_reset", SCOPE_MANAGE, 0, reset},
    {"GET", "/api/voices/{id}/reference/audio", "voice_audio", SCOPE_READ, 0, show_clip},
    {"GET", "/v1/audio/voices", "openai_voices", SCOPE_READ, 0, list_openai},
    {"POST", "/v1/audio/voices", "openai_voice_add", SCOPE_MANAGE, FORM_MAX, add_openai},
    {0},
};
