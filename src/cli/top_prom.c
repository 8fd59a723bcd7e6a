/* See top_prom.h. A cursor runs along one line at a time; each step takes what it expects or says that it is not
 * there. */
#include "cli/top_prom.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64 /* bytes */

struct cursor {
    const char *at, *end; /* `end` is the line's */
};

static void skip_spaces(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static int take_char(struct cursor *c, char wanted)
{
    skip_spaces(c);
    if (c->at == c->end || *c->at != wanted)
        return 0;
    c->at++;
    return 1;
}

static int is_name(char ch, int first)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || ch == ':' ||
           (!first && ch >= '0' && ch <= '9');
}

static int take_name(struct cursor *c, struct slice *ret)
{
    skip_spaces(c);
    const char *from = c->at;
    while (c->at < c->end && is_name(*c->at, c->at == from))
        c->at++;
    *ret = (struct slice){from, (size_t)(c->at - from)};
    return ret->len > 0;
}

static int take_string(struct cursor *c, struct slice *ret)
{
    if (!take_char(c, '"'))
        return 0;
    const char *from = c->at;
    for (; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\' && ++c->at == c->end)
            return 0;
    *ret = (struct slice){from, (size_t)(c->at - from)};
    return take_char(c, '"');
}

static int take_labels(struct cursor *c, struct prom_sample *s)
{
    if (!take_char(c, '{'))
        return 1; /* none */
    while (!take_char(c, '}')) {
        if (s->label_count == PROM_LABELS_MAX)
            return 0;
        struct prom_label *l = &s->labels[s->label_count++];
        if (!take_name(c, &l->name) || !take_char(c, '=') || !take_string(c, &l->value))
            return 0;
        if (take_char(c, ','))
            continue; /* one may stand before the end, too */
        if (!take_char(c, '}'))
            return 0;
        break;
    }
    return 1;
}

/* A number as Go writes it; what follows (a time, an exemplar) is of no interest. */
static int take_number(struct cursor *c, double *ret)
{
    char text[NUMBER_MAX], *end;
    size_t n = 0;
    skip_spaces(c);
    while (c->at < c->end && *c->at != ' ' && *c->at != '\t' && n < sizeof text - 1)
        text[n++] = *c->at++;
    text[n] = '\0';
    *ret = strtod(text, &end); /* knows NaN and +Inf */
    return n > 0 && *end == '\0';
}

size_t prom_each(const char *text, size_t len, void (*fn)(void *user, const struct prom_sample *s), void *user)
{
    size_t odd = 0;
    for (const char *at = text, *const end = text + len; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            line_end = end;
        struct cursor c = {at, line_end};
        struct prom_sample s = {0};
        at = line_end < end ? line_end + 1 : end;
        if (c.end > c.at && c.end[-1] == '\r')
            c.end--;
        skip_spaces(&c);
        if (c.at == c.end || *c.at == '#')
            continue;
        if (take_name(&c, &s.name) && take_labels(&c, &s) && take_number(&c, &s.value))
            fn(user, &s);
        else
            odd++;
    }
    return odd;
}

void prom_value(const struct prom_sample *s, const char *label, char *out, size_t size)
{
    size_t n = 0;
    int i = 0;
    while (i < s->label_count && !slice_eq_str(s->labels[i].name, label))
        i++;
    if (i < s->label_count) {
        const struct slice v = s->labels[i].value;
        for (size_t k = 0; k < v.len && n + 1 < size; k++) {
            if (v.ptr[k] == '\\' && k + 1 < v.len)
                out[n++] = v.ptr[++k] == 'n' ? '\n' : v.ptr[k];
            else
                out[n++] = v.ptr[k];
        }
    }
    out[n] = '\0';
}
