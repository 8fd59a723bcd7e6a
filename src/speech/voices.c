/* See voices.h. Three lists are given to the registry: what is configured, what was uploaded, what overrides them. A
 * fourth, which is what everybody sees, is made of them anew after every change: voices are few and change rarely. */
#include "speech/voices.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* A snapshot with the strings that it points to. */
struct kept {
    struct voice voice;
    atomic_uint refs;
    uint64_t stamp; /* of the baseline's file: changes when it does */
    char strings[];
};

struct list {
    struct voice **items; /* references, sorted by id */
    size_t n, cap;
};

struct lists {
    struct list configured, uploads, overrides, served;
};

struct voices {
    struct lists lists;
    char *default_id;  /* NULL: the built-in one */
    uint64_t versions; /* given so far */
};

/* -------- snapshots -------- */

static struct kept *kept_of(struct voice *v)
{
    return (struct kept *)(void *)((char *)v - offsetof(struct kept, voice));
}

struct voice *voice_ref(struct voice *v)
{
    if (v)
        atomic_fetch_add_explicit(&kept_of(v)->refs, 1, memory_order_relaxed);
    return v;
}

void voice_unref(struct voice *v)
{
    if (v && atomic_fetch_sub_explicit(&kept_of(v)->refs, 1, memory_order_acq_rel) == 1)
        free(kept_of(v));
}

/* The string members of a voice, so that they need not be told one by one. */
#define VOICE_STRINGS 13

static void strings_of(struct voice *v, const char **ret[VOICE_STRINGS])
{
    const char **all[VOICE_STRINGS] = {
        &v->id,
        &v->engine,
        &v->label,
        &v->language,
        &v->active.text,
        &v->active.clip,
        &v->active.type,
        &v->baseline.text,
        &v->baseline.clip,
        &v->baseline.type,
        &v->override.text,
        &v->override.clip,
        &v->override.type,
    };
    memcpy(ret, all, sizeof all);
}

/* A copy of `plan` in one piece of memory. */
static int voice_make(const struct voice *plan, uint64_t stamp, struct voice **ret, struct error *err)
{
    struct voice v = *plan;
    const char **strings[VOICE_STRINGS];
    size_t size = 0;
    strings_of(&v, strings);
    for (int i = 0; i < VOICE_STRINGS; i++)
        size += *strings[i] ? strlen(*strings[i]) + 1 : 0;
    struct kept *k = malloc(sizeof *k + size);
    if (!k)
        return error_nomem(err);
    char *at = k->strings;
    for (int i = 0; i < VOICE_STRINGS; i++) {
        if (!*strings[i])
            continue;
        const size_t len = strlen(*strings[i]) + 1;
        *strings[i] = memcpy(at, *strings[i], len);
        at += len;
    }
    k->voice = v;
    k->stamp = stamp;
    atomic_init(&k->refs, 1);
    *ret = &k->voice;
    return 0;
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether a worker may go on with what it made of `old`. */
static int sounds_same(struct voice *old, const struct voice *plan, uint64_t stamp)
{
    return same_text(old->active.text, plan->active.text) && same_text(old->active.clip, plan->active.clip) &&
           (plan->override.clip || kept_of(old)->stamp == stamp);
}

static int is_same(struct voice *old, struct voice *plan, uint64_t stamp)
{
    const char **a[VOICE_STRINGS], **b[VOICE_STRINGS];
    strings_of(old, a);
    strings_of(plan, b);
    for (int i = 0; i < VOICE_STRINGS; i++)
        if (!same_text(*a[i], *b[i]))
            return 0;
    return old->kind == plan->kind && old->preload == plan->preload && old->created == plan->created &&
           old->updated == plan->updated && kept_of(old)->stamp == stamp;
}

/* -------- lists -------- */

static void list_release(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        voice_unref(l->items[i]);
    free(l->items);
    *l = (struct list){0};
}

/* Takes over the reference, in any case. */
static int list_add(struct list *l, struct voice *v, struct error *err)
{
    if (ARRAY_GROW(l->items, l->n, l->cap)) {
        voice_unref(v);
        return error_nomem(err);
    }
    l->items[l->n++] = v;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct voice *const *)a)->id, (*(struct voice *const *)b)->id);
}

/* After additions and before searches. */
static void list_sort(struct list *l)
{
    if (l->n)
        qsort(l->items, l->n, sizeof *l->items, by_id);
}

static struct voice *list_find(const struct list *l, const char *id)
{
    struct voice key = {.id = id}, *const k = &key;
    struct voice **found = l->n ? bsearch(&k, l->items, l->n, sizeof k, by_id) : NULL;
    return found ? *found : NULL;
}

/* `from` without the voice `id`, and with `v` (whose reference is taken over; NULL: none). */
static int list_replace(const struct list *from, const char *id, struct voice *v, struct list *ret, struct error *err)
{
    struct list l = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < from->n; i++)
        if (strcmp(from->items[i]->id, id))
            rc = list_add(&l, voice_ref(from->items[i]), err);
    if (v && rc)
        voice_unref(v);
    else if (v)
        rc = list_add(&l, v, err);
    list_sort(&l);
    if (rc)
        list_release(&l);
    else
        *ret = l;
    return rc;
}

/* -------- what is served -------- */

/* Adds `base` with what is laid over it to `out`; the snapshot there is, if nothing has changed. */
static int serve(struct voices *v, const struct lists *lists, struct voice *base, struct list *out, struct error *err)
{
    const struct voice *over = list_find(&lists->overrides, base->id);
    struct voice plan = *base, *made, *old = list_find(&v->lists.served, base->id);
    const uint64_t stamp = kept_of(base)->stamp;
    if (over && base->kind != VOICE_OF_PROGRAM) {
        plan.override = over->override;
        plan.updated = over->updated;
    }
    plan.active.text = plan.override.text ? plan.override.text : plan.baseline.text;
    plan.active.clip = plan.override.clip ? plan.override.clip : plan.baseline.clip;
    plan.active.type = plan.override.clip ? plan.override.type : plan.baseline.type;
    if (old && is_same(old, &plan, stamp))
        return list_add(out, voice_ref(old), err);
    plan.version = old && sounds_same(old, &plan, stamp) ? old->version : ++v->versions;
    const int rc = voice_make(&plan, stamp, &made, err);
    return rc ? rc : list_add(out, made, err);
}

/* Puts `fresh` in place of one of the four lists (it is taken over in any case) and makes the list that is seen. */
static int change(struct voices *v, struct list *which, struct list *fresh, struct error *err)
{
    struct list before = *which, served = {0};
    int rc = 0;
    *which = *fresh;
    const struct lists *l = &v->lists;
    for (size_t i = 0; !rc && i < l->configured.n; i++)
        rc = serve(v, l, l->configured.items[i], &served, err);
    for (size_t i = 0; !rc && i < l->uploads.n; i++)
        if (!list_find(&l->configured, l->uploads.items[i]->id))
            rc = serve(v, l, l->uploads.items[i], &served, err);
    if (rc) {
        list_release(which);
        *which = before;
        list_release(&served);
        return rc;
    }
    list_sort(&served);
    list_release(&before);
    list_release(&v->lists.served);
    v->lists.served = served;
    return 0;
}

static int replace_one(struct voices *v, struct list *which, const char *id, struct voice *with, struct error *err)
{
    struct list fresh;
    const int rc = list_replace(which, id, with, &fresh, err);
    return rc ? rc : change(v, which, &fresh, err);
}

/* -------- what is given -------- */

static int add_builtin(struct list *l, struct error *err)
{
    static const struct voice plan = {
        .id = VOICE_BUILTIN, .engine = "builtin", .label = "Built-in voice", .language = "", .kind = VOICE_OF_PROGRAM};
    struct voice *made;
    const int rc = voice_make(&plan, 0, &made, err);
    return rc ? rc : list_add(l, made, err);
}

static const char *type_of_name(const char *path)
{
    static const char *const types[][2] = {
        {".wav", "audio/wav"},  {".flac", "audio/flac"}, {".ogg", "audio/ogg"},  {".opus", "audio/ogg"},
        {".mp3", "audio/mpeg"}, {".aiff", "audio/aiff"}, {".aif", "audio/aiff"}, {".au", "audio/basic"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static int add_configured(struct list *l, const struct config_voice *c, struct error *err)
{
    struct stat st;
    struct voice *made;
    uint64_t stamp = 0;
    struct voice plan = {
        .id = c->id,
        .engine = "f5",
        .label = c->engine_label ? c->engine_label : "F5-TTS",
        .language = c->language ? c->language : "",
        .kind = VOICE_OF_CONFIG,
        .preload = c->preload,
        .baseline = {.text = c->reference_text},
    };
    if (strcmp(c->id, VOICE_BUILTIN) == 0)
        return error_set(err, E_ARG, "\"%s\" is the voice that needs no model; no other may be called so", c->id);
    if (stat(c->reference_audio, &st) == 0 && S_ISREG(st.st_mode)) {
        plan.baseline.clip = c->reference_audio;
        plan.baseline.type = type_of_name(c->reference_audio);
        stamp = ((uint64_t)st.st_mtim.tv_sec * 1000000007u + (uint64_t)st.st_mtim.tv_nsec) * 1000000007u +
                (uint64_t)st.st_size * 31 + (uint64_t)st.st_ino;
    }
    const int rc = voice_make(&plan, stamp, &made, err);
    return rc ? rc : list_add(l, made, err);
}

int voices_configure(struct voices *v, const struct config_voice *list, size_t n, const char *default_id,
                     struct error *err)
{
    struct list fresh = {0};
    char *id = default_id ? strdup(default_id) : NULL;
    int rc = default_id && !id ? error_nomem(err) : add_builtin(&fresh, err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = add_configured(&fresh, &list[i], err);
    list_sort(&fresh);
    for (size_t i = 1; !rc && i < fresh.n; i++)
        if (strcmp(fresh.items[i - 1]->id, fresh.items[i]->id) == 0)
            rc = error_set(err, E_ARG, "there are two voices \"%s\"", fresh.items[i]->id);
    if (rc)
        list_release(&fresh);
    else
        rc = change(v, &v->lists.configured, &fresh, err);
    if (rc) {
        free(id);
        return rc;
    }
    free(v->default_id);
    v->default_id = id;
    return 0;
}

int voices_put_upload(struct voices *v, const struct store_voice *row, const char *path, struct error *err)
{
    struct voice *made;
    const struct voice plan = {
        .id = row->id,
        .engine = "f5",
        .label = row->label,
        .language = row->language,
        .kind = VOICE_UPLOADED,
        .created = row->created,
        .baseline = {row->text, path, row->type},
    };
    const int rc = voice_make(&plan, 0, &made, err);
    return rc ? rc : replace_one(v, &v->lists.uploads, row->id, made, err);
}

int voices_put_override(struct voices *v, const struct store_override *row, const char *path, struct error *err)
{
    struct voice *made;
    const struct voice plan = {.id = row->voice, .updated = row->updated, .override = {row->text, path, row->type}};
    const int rc = voice_make(&plan, 0, &made, err);
    return rc ? rc : replace_one(v, &v->lists.overrides, row->voice, made, err);
}

int voices_drop_upload(struct voices *v, const char *id, struct error *err)
{
    return replace_one(v, &v->lists.uploads, id, NULL, err);
}

int voices_drop_override(struct voices *v, const char *id, struct error *err)
{
    return replace_one(v, &v->lists.overrides, id, NULL, err);
}

/* -------- life, and what is seen -------- */

int voices_create(struct voices **ret, struct error *err)
{
    struct voices *v = calloc(1, sizeof *v);
    if (!v)
        return error_nomem(err);
    const int rc = voices_configure(v, NULL, 0, NULL, err);
    if (rc) {
        voices_free(v);
        return rc;
    }
    *ret = v;
    return 0;
}

void voices_free(struct voices *v)
{
    if (!v)
        return;
    list_release(&v->lists.configured);
    list_release(&v->lists.uploads);
    list_release(&v->lists.overrides);
    list_release(&v->lists.served);
    free(v->default_id);
    free(v);
}

size_t voices_count(const struct voices *v)
{
    return v->lists.served.n;
}

struct voice *voices_at(const struct voices *v, size_t i)
{
    return v->lists.served.items[i];
}

const char *voices_default(const struct voices *v)
{
    return v->default_id && list_find(&v->lists.served, v->default_id) ? v->default_id : VOICE_BUILTIN;
}

struct voice *voices_find(const struct voices *v, const char *name)
{
    static const char *const openai[] = {"alloy", "ash",  "ballad", "cedar", "coral",   "echo", "fable",
                                         "marin", "nova", "onyx",   "sage",  "shimmer", "verse"};
    if (!name || !*name)
        return list_find(&v->lists.served, voices_default(v));
    struct voice *found = list_find(&v->lists.served, name);
    for (size_t i = 0; !found && i < sizeof openai / sizeof *openai; i++)
        if (strcmp(name, openai[i]) == 0)
            found = list_find(&v->lists.served, voices_default(v));
    return found;
}
