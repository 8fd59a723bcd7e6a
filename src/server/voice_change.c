/* See voice_change.h. */
#include "server/voice_change.h"

#include "base/utf8.h"
#include "server/voice_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A change under way. */
struct work {
    struct store_job job;
    struct voices *voices;
    struct store_thread *thread;
    enum voice_change_kind kind;
    char *id, *label, *language, *text, *consent; /* owned, as all below */
    struct buf clip;
    char *check_text, *check_clip; /* what an override of one alone is judged with */
    int uploaded;                  /* an override of an uploaded voice */
    struct store_override override;
    struct store_voice row; /* borrows */
    char hash[CLIP_HASH_MAX];
    const char *type;
    json_t *checks;
    struct error err;
    int status;
    const char *param, *code;
    voice_outcome_fn fn;
    void *user;
};

static void work_free(struct work *w)
{
    free(w->id);
    free(w->label);
    free(w->language);
    free(w->text);
    free(w->consent);
    free(w->check_text);
    free(w->check_clip);
    buf_release(&w->clip);
    store_override_release(&w->override);
    json_decref(w->checks);
    free(w);
}

/* What a code means to a client of HTTP, where nothing more precise has been said. */
static int status_of(int code)
{
    switch (code) {
    case E_ARG:
    case E_UNSUPPORTED:
        return 400;
    case E_NOTFOUND:
        return 404;
    case E_LIMIT:
        return 503;
    case E_IO:
        return 507;
    default:
        return 500;
    }
}

static const char *code_of(int code)
{
    return code == E_IO ? "not_stored" : code == E_LIMIT ? "overloaded" : NULL;
}

/* Ends the change badly. The sentence is in w->err. */
static void refuse(struct work *w, int status, const char *param, const char *code)
{
    w->status = status;
    w->param = param;
    w->code = code;
}

static void tell(struct work *w, struct voice *voice)
{
    const struct voice_outcome outcome = {
        .status = w->status,
        .param = w->param,
        .code = w->code,
        .message = w->status < 300 ? "" : w->err.text,
        .voice = w->status < 300 ? voice : NULL,
        .checks = w->checks,
    };
    w->fn(w->user, &outcome);
    work_free(w);
}

/* -------- on the store's thread -------- */

/* Words and clip are judged together, whichever of them is new. When the clip that is there cannot be read, new words
 * are taken as they are. */
static int judge(struct work *w)
{
    if (!w->clip.len) {
        const int rc = w->check_clip ? voice_check_words(w->check_clip, w->text, &w->checks, &w->err) : 0;
        return rc == E_NOMEM || w->checks ? rc : 0;
    }
    w->type = voice_clip_type(buf_slice(&w->clip));
    if (!w->type)
        return error_set(&w->err, E_FORMAT,
                         "the clip is no sound file that can be read; wav, flac, ogg, opus and mp3 can");
    return voice_check(buf_slice(&w->clip), w->text ? w->text : w->check_text, &w->checks, &w->err);
}

static int add(struct store *s, struct work *w)
{
    enum store_added added;
    char *other = NULL;
    w->row = (struct store_voice){
        .id = w->id,
        .label = w->label,
        .language = w->language ? w->language : "",
        .text = w->text,
        .clip = w->hash,
        .type = w->type,
        .consent = w->consent ? w->consent : "",
    };
    int rc = store_voice_add(s, &w->row, &added, &other, &w->err);
    if (rc)
        return rc;
    w->status = added == STORE_ADDED ? 201 : 200;
    if (added == STORE_SAME_CLIP) {
        free(w->id);
        w->id = other;
    } else if (added == STORE_ID_TAKEN) {
        error_set(&w->err, E_ARG, "there is a voice \"%s\" already", w->id);
        refuse(w, 409, "id", "voice_exists");
    } else if (added == STORE_TOO_MANY) {
        error_set(&w->err, E_LIMIT, "there are %d uploaded voices, which is the limit; delete one first",
                  STORE_VOICES_MAX);
        refuse(w, 409, NULL, "too_many_voices");
    }
    return 0;
}

static int override(struct store *s, struct work *w)
{
    struct store_override o = {.voice = w->id, .text = w->text};
    if (w->clip.len) {
        o.clip = w->hash;
        o.type = w->type;
    }
    const int rc = store_override_put(s, &o, w->uploaded, &w->err);
    if (!rc)
        w->override = o;
    return rc;
}

static int write_change(struct store *s, struct work *w)
{
    int rc;
    if (w->clip.len && (rc = store_clip_put(s, w->clip.ptr, w->clip.len, w->hash, &w->err)))
        return rc;
    switch (w->kind) {
    case VOICE_ADD:
        return add(s, w);
    case VOICE_OVERRIDE:
        return override(s, w);
    case VOICE_RESET:
        return store_override_remove(s, w->id, &w->err);
    case VOICE_RENAME:
        return store_voice_rename(s, w->id, w->label, &w->err);
    default:
        return store_voice_remove(s, w->id, &w->err);
    }
}

static void run(struct store *s, struct store_job *job)
{
    struct work *w = (struct work *)(void *)job;
    int rc = 0;
    w->status = 200;
    if (!s)
        rc = error_set(&w->err, E_IO,
                       "the folder for data cannot be used, so voices cannot be changed; the log says why");
    else if (w->kind == VOICE_ADD || w->kind == VOICE_OVERRIDE)
        rc = judge(w);
    if (rc == E_FORMAT) {
        refuse(w, 422, w->clip.len ? "audio" : "text", "bad_clip");
    } else if (rc || (rc = write_change(s, w))) {
        rc = rc == E_FORMAT ? E_IO : rc; /* a database that turns out to be damaged is nothing a client can mend */
        refuse(w, status_of(rc), NULL, code_of(rc));
    }
}

/* -------- on the loop's thread -------- */

static int show_added(struct work *w, const char *path)
{
    const struct voice *there = voices_find(w->voices, w->id);
    if (w->status == 200) /* the clip was there */
        return !there || (there->kind == VOICE_UPLOADED && strcmp(there->baseline.text, w->text)) ? E_ARG : 0;
    const int rc = voices_drop_override(w->voices, w->id, &w->err);
    return rc ? rc : voices_put_upload(w->voices, &w->row, path, &w->err);
}

static int show_renamed(struct work *w)
{
    const struct voice *v = voices_find(w->voices, w->id);
    if (!v || v->kind != VOICE_UPLOADED)
        return 0;
    const struct store_voice row = {
        .id = v->id,
        .label = w->label,
        .language = v->language,
        .text = v->baseline.text,
        .type = v->baseline.type,
        .created = v->created,
    };
    return voices_put_upload(w->voices, &row, v->baseline.clip, &w->err);
}

/* What was written is shown. When memory runs out here, it is shown at the next start. */
static int show(struct work *w)
{
    const char *hash = w->kind == VOICE_ADD ? w->hash : w->override.clip;
    char *path = hash && *hash ? store_clip_path(store_thread_store(w->thread), hash) : NULL;
    int rc = 0;
    if (hash && *hash && !path)
        return error_nomem(&w->err);
    switch (w->kind) {
    case VOICE_ADD:
        rc = show_added(w, path);
        break;
    case VOICE_OVERRIDE:
        rc = voices_put_override(w->voices, &w->override, path, &w->err);
        break;
    case VOICE_RESET:
        rc = voices_drop_override(w->voices, w->id, &w->err);
        break;
    case VOICE_RENAME:
        rc = show_renamed(w);
        break;
    case VOICE_REMOVE:
        rc = voices_drop_override(w->voices, w->id, &w->err);
        if (!rc)
            rc = voices_drop_upload(w->voices, w->id, &w->err);
    }
    free(path);
    return rc;
}

static void done(struct store_job *job)
{
    struct work *w = (struct work *)(void *)job;
    const int rc = w->status < 300 ? show(w) : 0;
    struct voice *now = w->kind == VOICE_REMOVE ? NULL : voices_find(w->voices, w->id);
    if (rc == E_ARG) {
        error_set(&w->err, rc, "this clip is the voice \"%s\" already, with other words: change those instead", w->id);
        refuse(w, 409, "audio", "clip_exists");
    } else if (rc) {
        refuse(w, 500, NULL, NULL);
    } else if (w->status < 300 && !now && w->kind != VOICE_REMOVE) {
        error_set(&w->err, E_NOTFOUND, "the voice \"%s\" has gone in the meantime", w->id);
        refuse(w, 404, NULL, "voice_not_found");
    }
    tell(w, now);
}

/* -------- what can be refused at once -------- */

static int check_length(struct work *w, const char *field, const char *s, size_t count, size_t max)
{
    if (!s)
        return 0;
    if (utf8_valid_prefix(s, strlen(s)) != strlen(s)) {
        error_set(&w->err, E_ARG, "\"%s\" is not UTF-8", field);
    } else if (count > max) {
        error_set(&w->err, E_ARG, "\"%s\" has %zu characters, %zu are allowed", field, count, max);
    } else {
        return 0;
    }
    refuse(w, 400, field, NULL);
    return E_ARG;
}

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

static int check_fields(struct work *w)
{
    if (check_length(w, "text", w->text, length(w->text), VOICE_TEXT_MAX) ||
        check_length(w, "name", w->label, w->label ? utf8_count(w->label, strlen(w->label)) : 0, VOICE_LABEL_MAX) ||
        check_length(w, "language", w->language, length(w->language), VOICE_LANGUAGE_MAX) ||
        check_length(w, "consent", w->consent, length(w->consent), VOICE_CONSENT_MAX))
        return E_ARG;
    if (w->clip.len > VOICE_CLIP_BYTES) {
        error_set(&w->err, E_ARG, "the clip has %zu bytes, %u are allowed", w->clip.len, VOICE_CLIP_BYTES);
        refuse(w, 413, "audio", NULL);
        return E_ARG;
    }
    return 0;
}

static int fixed(struct work *w, const char *why)
{
    refuse(w, 409, NULL, "voice_fixed");
    return error_set(&w->err, E_ARG, "%s", why);
}

static int missing(struct work *w, const char *field, const char *why)
{
    refuse(w, 400, field, NULL);
    return error_set(&w->err, E_ARG, "%s", why);
}

/* An id that is free, from the label. */
static int choose_id(struct work *w)
{
    char id[VOICE_ID_BYTES + 1], numbered[VOICE_ID_BYTES + 16];
    voice_id_from(w->label, id);
    if (!*id)
        snprintf(id, sizeof id, "voice");
    id[utf8_floor(id, strlen(id) > VOICE_ID_BYTES - 8 ? VOICE_ID_BYTES - 8 : strlen(id))] = '\0';
    snprintf(numbered, sizeof numbered, "%s", id);
    for (int i = 2; voices_find(w->voices, numbered); i++)
        snprintf(numbered, sizeof numbered, "%s-%d", id, i);
    w->id = strdup(numbered);
    return w->id ? 0 : error_nomem(&w->err);
}

static int check_add(struct work *w)
{
    if (!w->clip.len)
        return missing(w, "audio", "expected a clip of the voice, a sound file, in \"audio\"");
    if (!w->text)
        return missing(w, "text", "expected the words that are spoken in the clip in \"text\"");
    if (!w->label) {
        if (!w->id)
            return missing(w, "name", "expected what the voice is to be called in \"name\" or \"id\"");
        if (!(w->label = strdup(w->id)))
            return error_nomem(&w->err);
    }
    if (!w->id)
        return choose_id(w);
    if (voice_id_check(w->id, &w->err)) {
        refuse(w, 400, "id", NULL);
        return E_ARG;
    }
    const struct voice *there = voices_find(w->voices, w->id);
    if (there && strcmp(there->id, w->id) == 0 && there->kind != VOICE_UPLOADED) {
        refuse(w, 409, "id", "voice_exists");
        return error_set(&w->err, E_ARG, "there is a voice \"%s\" already", w->id);
    }
    return 0;
}

/* Changes of a voice that is there. */
static int check_change(struct work *w)
{
    struct voice *v = voices_find(w->voices, w->id);
    if (!v || strcmp(v->id, w->id)) {
        refuse(w, 404, NULL, "voice_not_found");
        return error_set(&w->err, E_NOTFOUND, "there is no voice \"%s\"", w->id);
    }
    if (v->kind == VOICE_OF_PROGRAM)
        return fixed(w, "the built-in voice is part of the program and cannot be changed");
    if ((w->kind == VOICE_RENAME || w->kind == VOICE_REMOVE) && v->kind != VOICE_UPLOADED)
        return fixed(w, "this voice is in the configuration and can only be changed there");
    if (w->kind == VOICE_RENAME && !w->label)
        return missing(w, "label", "expected the voice's new name in \"label\"");
    if (w->kind != VOICE_OVERRIDE)
        return 0;
    if (!w->clip.len && !w->text)
        return missing(w, NULL, "expected other words in \"text\", another clip in \"audio\", or both");
    w->uploaded = v->kind == VOICE_UPLOADED;
    w->check_text = v->active.text ? strdup(v->active.text) : NULL;
    w->check_clip = v->active.clip ? strdup(v->active.clip) : NULL;
    return (v->active.text && !w->check_text) || (v->active.clip && !w->check_clip) ? error_nomem(&w->err) : 0;
}

/* A copy without spaces around it; NULL for NULL, and for nothing but spaces. */
static int copy(char **to, const char *from)
{
    static const char spaces[] = " \t\r\n";
    *to = NULL;
    if (!from)
        return 0;
    from += strspn(from, spaces);
    size_t len = strlen(from);
    while (len && strchr(spaces, from[len - 1]))
        len--;
    if (!len)
        return 0;
    *to = strndup(from, len);
    return !*to;
}

static int take(struct work *w, const struct voice_change *c)
{
    w->id = c->id ? strdup(c->id) : NULL;
    if ((c->id && !w->id) || copy(&w->label, c->label) || copy(&w->language, c->language) || copy(&w->text, c->text) ||
        copy(&w->consent, c->consent) || buf_add(&w->clip, c->clip.ptr ? c->clip.ptr : "", c->clip.len))
        return error_nomem(&w->err);
    return 0;
}

void voice_change_begin(struct voices *voices, struct store_thread *store, const struct voice_change *change,
                        voice_outcome_fn fn, void *user)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w) {
        fn(user, &(struct voice_outcome){.status = 500, .message = "out of memory"});
        return;
    }
    w->job = (struct store_job){.run = run, .done = done};
    w->voices = voices;
    w->thread = store;
    w->kind = change->kind;
    w->fn = fn;
    w->user = user;
    int rc = take(w, change);
    if (!rc)
        rc = check_fields(w);
    if (!rc)
        rc = w->kind == VOICE_ADD ? check_add(w) : check_change(w);
    if (!rc) {
        w->job.bytes = sizeof *w + w->clip.len;
        rc = store_submit(store, &w->job, &w->err);
    }
    if (!rc)
        return;
    if (!w->status)
        refuse(w, status_of(rc), NULL, code_of(rc));
    tell(w, NULL);
}
