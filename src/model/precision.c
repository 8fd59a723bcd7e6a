/* See precision.h. */
#include "model/precision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const layer_names[LAYER_KINDS] = {"qkv", "out", "up", "down"};

/* "first2" -> 2 for name "first"; -1 when it is something else. */
static int counted(const char *item, size_t len, const char *name)
{
    const size_t n = strlen(name);
    int value = 0;
    if (len <= n || len > n + 3 || strncmp(item, name, n) != 0)
        return -1;
    for (size_t i = n; i < len; i++) {
        if (item[i] < '0' || item[i] > '9')
            return -1;
        value = value * 10 + (item[i] - '0');
    }
    return value;
}

static int parse_kept(const char *text, struct precision_plan *p)
{
    if (strcmp(text, "none") == 0)
        return 0;
    for (;;) {
        const size_t len = strcspn(text, ",");
        int kind = 0, count;
        while (kind < LAYER_KINDS && !(strlen(layer_names[kind]) == len && strncmp(text, layer_names[kind], len) == 0))
            kind++;
        if (kind < LAYER_KINDS)
            p->keep |= 1u << kind;
        else if ((count = counted(text, len, "first")) >= 0)
            p->first = count;
        else if ((count = counted(text, len, "last")) >= 0)
            p->last = count;
        else
            return -1;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

int precision_parse(const char *text, const struct dev *d, struct precision_plan *ret, struct error *err)
{
    struct precision_plan p = {.base = DEV_F32};
    p.kept = dev_supports(d, DEV_BF16) ? DEV_BF16 : DEV_F32;
    if (strcmp(text, "bf16") == 0)
        p.base = DEV_BF16;
    else if (strcmp(text, "int8") == 0)
        return precision_parse(PRECISION_INT8, d, ret, err);
    else if (strncmp(text, "int8:", 5) == 0 && parse_kept(text + 5, &p) == 0)
        p.base = DEV_INT8;
    else if (strcmp(text, "f32") != 0)
        return error_set(err, E_ARG, "there is no precision \"%.100s\"; there are auto, f32, bf16, int8, and "
                                     "int8:KEEP with KEEP of qkv, out, up, down, firstN, lastN, or none", text);
    if (p.base == DEV_F32)
        p.kept = DEV_F32;
    if (!dev_supports(d, p.base))
        return error_set(err, E_UNSUPPORTED, "this CPU has no kernels for %s that pay; f32 works everywhere",
                         p.base == DEV_BF16 ? "bf16" : "int8");
    *ret = p;
    return 0;
}

void precision_text(const struct precision_plan *p, char out[PRECISION_TEXT])
{
    static const char *const names[] = {"f32", "bf16", "int8"};
    size_t at = (size_t)snprintf(out, PRECISION_TEXT, "%s", names[p->base]);
    const char *before = ":";
    if (p->base != DEV_INT8)
        return;
    for (int i = 0; i < LAYER_KINDS; i++)
        if (p->keep >> i & 1) {
            at += (size_t)snprintf(out + at, PRECISION_TEXT - at, "%s%s", before, layer_names[i]);
            before = ",";
        }
    if (p->first)
        at += (size_t)snprintf(out + at, PRECISION_TEXT - at, "%sfirst%d", before, p->first), before = ",";
    if (p->last)
        at += (size_t)snprintf(out + at, PRECISION_TEXT - at, "%slast%d", before, p->last), before = ",";
    if (*before == ':')
        snprintf(out + at, PRECISION_TEXT - at, ":none");
}

enum dev_precision precision_of(const struct precision_plan *p, enum layer layer, int block, int depth)
{
    if (p->base != DEV_INT8)
        return p->base;
    if (layer == LAYER_TEXT || p->keep >> layer & 1 || block < p->first || block >= depth - p->last)
        return p->kept;
    return DEV_INT8;
}
