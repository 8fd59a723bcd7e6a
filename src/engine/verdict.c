/* See verdict.h. */
#include "engine/verdict.h"

#include "base/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".quality.json"
#define MAX_BYTES 65536
#define MAX_ENTRIES 64

/* "size-time-hash" of the checkpoint. */
static void identity(const struct packed_key *k, char out[80])
{
    snprintf(out, 80, "%" PRIu64 "-%" PRId64 "-%016" PRIx64, k->source_size, k->source_time, k->source_hash);
}

/* What is remembered about this checkpoint, or NULL in *ret. 0 or E_NOMEM. */
static int read_file(const char *path, const char *id, json_t **ret, struct error *err)
{
    struct buf text = BUF_INIT;
    struct error why;
    json_t *root = NULL;
    int rc = file_read(path, MAX_BYTES, &text, &why);
    if (!rc)
        root = json_loadb(text.ptr, text.len, 0, NULL);
    buf_release(&text);
    const char *of = json_string_value(json_object_get(root, "checkpoint"));
    if (of && strcmp(of, id) == 0 && json_is_array(json_object_get(root, "precisions"))) {
        *ret = root;
        return 0;
    }
    json_decref(root);
    return rc == E_NOMEM ? error_nomem(err) : 0;
}

static int entry_is(json_t *entry, const char *precision, const char *layout)
{
    const char *p = json_string_value(json_object_get(entry, "precision"));
    const char *l = json_string_value(json_object_get(entry, "kernels"));
    return p && l && strcmp(p, precision) == 0 && strcmp(l, layout) == 0;
}

/* -1 not measured, 0 not good, 1 good. */
static int measured(json_t *root, const char *precision, const char *layout)
{
    json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(root, "precisions"), i, entry)
        if (entry_is(entry, precision, layout)) {
            json_t *nmse = json_object_get(entry, "nmse");
            return json_is_number(nmse) && json_number_value(nmse) < VERDICT_GOOD;
        }
    return -1;
}

/* The precision that `name` stands for, if the device can do it and it was measured good. */
static int is_good(json_t *root, const char *name, const char *layout, const struct dev *d, char ret[PRECISION_TEXT])
{
    struct precision_plan plan;
    if (precision_parse(name, d, &plan, NULL))
        return 0;
    precision_text(&plan, ret);
    return measured(root, ret, layout) == 1;
}

static void choose(json_t *root, const char *layout, const struct dev *d, char ret[PRECISION_TEXT])
{
    json_t *entry;
    size_t i;
    if (is_good(root, "int8", layout, d, ret))
        return;
    json_array_foreach(json_object_get(root, "precisions"), i, entry) { /* mixtures that somebody tried */
        const char *name = json_string_value(json_object_get(entry, "precision"));
        if (name && strncmp(name, "int8", 4) == 0 && is_good(root, name, layout, d, ret))
            return;
    }
    strcpy(ret, dev_supports(d, DEV_BF16) && measured(root, "bf16", layout) != 0 ? "bf16" : "f32");
}

static int locate(const struct packs *packs, const char *checkpoint, char **ret, struct error *err)
{
    if (packs->dir && !*packs->dir)
        return error_set(err, E_NOTFOUND, "nothing is kept");
    return packs_path(packs, checkpoint, SUFFIX, ret, err);
}

int verdict_choose(const struct packs *packs, const char *checkpoint, const struct dev *d, char ret[PRECISION_TEXT],
                   struct error *err)
{
    const struct precision_plan any = {.base = DEV_F32};
    struct packed_key key;
    struct error why;
    char id[80], *path = NULL;
    int rc = packed_key_of(checkpoint, d, &any, &key, err);
    if (rc)
        return rc;
    json_t *root = NULL;
    rc = locate(packs, checkpoint, &path, &why);
    if (rc == E_NOMEM)
        return error_nomem(err);
    identity(&key, id);
    rc = rc ? 0 : read_file(path, id, &root, err);
    if (!rc)
        choose(root, key.layout, d, ret);
    json_decref(root);
    free(path);
    return rc;
}

int verdict_remember(const struct packs *packs, const char *checkpoint, const struct verdict *v, struct error *err)
{
    char id[80], *path = NULL, *text = NULL;
    int rc = locate(packs, checkpoint, &path, err);
    if (rc)
        return rc;
    identity(&v->key, id);
    json_t *root = NULL;
    if ((rc = read_file(path, id, &root, err))) {
        free(path);
        return rc;
    }
    if (!root)
        root = json_pack("{s:s, s:[]}", "checkpoint", id, "precisions");
    json_t *list = json_object_get(root, "precisions");
    for (size_t i = json_array_size(list); i-- > 0;)
        if (entry_is(json_array_get(list, i), v->key.plan, v->key.layout) || i >= MAX_ENTRIES)
            json_array_remove(list, i);
    json_t *nmse = isfinite(v->nmse) ? json_real(v->nmse) : json_null(); /* null is not good either */
    json_t *entry = json_pack("{s:s, s:s, s:o, s:i}", "precision", v->key.plan, "kernels", v->key.layout, "nmse", nmse,
                              "nfe", v->nfe);
    if (json_array_append_new(list, entry) || !(text = json_dumps(root, JSON_INDENT(2))))
        rc = error_nomem(err);
    char *slash = strrchr(path, '/');
    if (!rc) {
        *slash = '\0';
        rc = dir_make(path, err);
        *slash = '/';
    }
    if (!rc)
        rc = file_write(path, text, strlen(text), err);
    free(text);
    json_decref(root);
    free(path);
    return rc;
}
