/* See http_multipart.h. One pass over the body: boundary, headers, data, boundary. `at` is always an offset into the
 * body, which is what complaints name. */
#include "net/http_multipart.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Where the next "--boundary" is looked for, and what it is. */
struct form {
    const char *p;
    size_t len;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* "\r\n--boundary" */
    size_t delimiter_len;
    struct error *err;
};

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* What a name of a type or a parameter is made of (RFC 9110 5.6.2). */
static int is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* -------- values of headers: word; name=value; name="value" -------- */

struct param {
    struct slice name, value; /* value without its quotes */
    int quoted;
};

/* Spaces, and line ends that a space follows: a folded header. */
static size_t skip_space(struct slice v, size_t i)
{
    for (;; i++) {
        if (i + 2 < v.len && v.ptr[i] == '\r' && v.ptr[i + 1] == '\n' && is_space(v.ptr[i + 2]))
            i += 2;
        else if (i >= v.len || !is_space(v.ptr[i]))
            return i;
    }
}

/* The next "; name=value" from *i on. 1: found; 0: the value ends here; -1: neither, and *i is where. */
static int next_param(struct slice v, size_t *i, struct param *ret)
{
    *i = skip_space(v, *i);
    while (*i < v.len && v.ptr[*i] == ';') /* some write one too many */
        *i = skip_space(v, *i + 1);
    if (*i == v.len)
        return 0;
    ret->name = (struct slice){v.ptr + *i, 0};
    for (; *i < v.len && is_token(v.ptr[*i]); ++*i)
        ret->name.len++;
    *i = skip_space(v, *i);
    if (!ret->name.len || *i == v.len || v.ptr[*i] != '=')
        return -1;
    *i = skip_space(v, *i + 1);
    ret->quoted = *i < v.len && v.ptr[*i] == '"';
    *i += (size_t)ret->quoted;
    ret->value = (struct slice){v.ptr + *i, 0};
    for (; *i < v.len; ++*i) {
        const char c = v.ptr[*i];
        if (ret->quoted ? c == '"' : c == ';' || is_space(c) || c == '\r')
            break;
        if (ret->quoted && c == '\\' && *i + 1 < v.len && (v.ptr[*i + 1] == '"' || v.ptr[*i + 1] == '\\'))
            ++*i;
    }
    ret->value.len = (size_t)(v.ptr + *i - ret->value.ptr);
    if (ret->quoted && *i == v.len)
        return -1;
    *i += (size_t)ret->quoted;
    const size_t after = skip_space(v, *i);
    if (after < v.len && v.ptr[after] != ';')
        return -1;
    return 1;
}

static int is_word(struct slice s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.ptr, word, s.len) == 0;
}

/* The word before the parameters: "form-data". *i is behind it. */
static struct slice first_word(struct slice v, size_t *i)
{
    *i = skip_space(v, 0);
    struct slice word = {v.ptr + *i, 0};
    for (; *i < v.len && (is_token(v.ptr[*i]) || v.ptr[*i] == '/'); ++*i)
        word.len++;
    return word;
}

static int parse_type(const char *content_type, struct form *f)
{
    const struct slice v = slice_str(content_type ? content_type : "");
    struct param param, boundary = {.name.len = 0};
    size_t i;
    int more;
    const struct slice type = first_word(v, &i);
    if (!is_word(type, "multipart/form-data"))
        return error_set(f->err, E_UNSUPPORTED, "Content-Type: expected multipart/form-data, found \"%.*s\"",
                         (int)(type.len < 60 ? type.len : 60), type.ptr);
    while ((more = next_param(v, &i, &param)) > 0)
        if (is_word(param.name, "boundary")) {
            if (boundary.name.len)
                return error_set(f->err, E_FORMAT, "Content-Type: the boundary is given twice");
            boundary = param;
        }
    if (more < 0)
        return error_set(f->err, E_FORMAT, "Content-Type: expected name=value at its character %zu", i + 1);
    const struct slice b = boundary.value;
    if (!boundary.name.len || !b.len || b.len > MULTIPART_BOUNDARY_MAX)
        return error_set(f->err, E_FORMAT, "Content-Type: expected a boundary of 1 to %d characters, found %zu",
                         MULTIPART_BOUNDARY_MAX, boundary.name.len ? b.len : 0);
    for (i = 0; i < b.len; i++) /* RFC 2046 5.1.1, and what a token may have */
        if (!is_token(b.ptr[i]) && !memchr("'()+_,-./:=? ", b.ptr[i], 13))
            return error_set(f->err, E_FORMAT, "Content-Type: character %zu of the boundary cannot be in one", i + 1);
    if (b.ptr[b.len - 1] == ' ')
        return error_set(f->err, E_FORMAT, "Content-Type: the boundary ends with a space");
    f->delimiter_len = (size_t)snprintf(f->delimiter, sizeof f->delimiter, "\r\n--%.*s", (int)b.len, b.ptr);
    return 0;
}

/* -------- one part -------- */

/* Takes a value into a field: \" and %22 are quotes (browsers write the second), other backslashes themselves. */
static int take_text(struct form *f, size_t at, const struct param *p, const char *what, char *to, size_t max)
{
    size_t n = 0;
    char decoded[MULTIPART_HEAD_MAX];
    for (size_t i = 0; i < p->value.len; i++, n++) {
        char c = p->value.ptr[i];
        const char next = i + 1 < p->value.len ? p->value.ptr[i + 1] : '\0';
        if (p->quoted && c == '\\' && (next == '"' || next == '\\')) {
            c = next;
            i++;
        } else if (p->quoted && i + 2 < p->value.len && memcmp(p->value.ptr + i, "%22", 3) == 0) {
            c = '"';
            i += 2;
        }
        if ((unsigned char)c < ' ' || c == 0x7F)
            return error_set(f->err, E_FORMAT, "byte %zu: a control character in the %s", at, what);
        decoded[n] = c;
    }
    if (n > max)
        return error_set(f->err, E_LIMIT, "byte %zu: the %s has %zu bytes, the limit is %zu", at, what, n, max);
    if (utf8_valid_prefix(decoded, n) != n)
        return error_set(f->err, E_FORMAT, "byte %zu: the %s is not UTF-8", at, what);
    memcpy(to, decoded, n);
    to[n] = '\0';
    return 0;
}

/* filename*=utf-8''%E5%A5%BD.wav (RFC 8187), which no form should have and some clients send. */
static int take_extended(struct form *f, size_t at, struct param *p, char *to, size_t max)
{
    char decoded[MULTIPART_HEAD_MAX];
    size_t n = 0, i = 5;
    if (p->value.len < 7 || strncasecmp(p->value.ptr, "utf-8'", 6) != 0)
        return error_set(f->err, E_FORMAT, "byte %zu: expected filename* to begin with utf-8''", at);
    do /* past the language */
        i++;
    while (i < p->value.len && p->value.ptr[i] != '\'');
    for (i++; i < p->value.len; i++, n++) {
        decoded[n] = p->value.ptr[i];
        if (decoded[n] == '%') {
            const int high = i + 2 < p->value.len ? hex(p->value.ptr[i + 1]) : -1;
            const int low = high >= 0 ? hex(p->value.ptr[i + 2]) : -1;
            if (low < 0)
                return error_set(f->err, E_FORMAT, "byte %zu: \"%%\" without two hexadecimal digits in the file's name",
                                 at);
            decoded[n] = (char)(high << 4 | low);
            i += 2;
        }
    }
    p->value = (struct slice){decoded, n};
    p->quoted = 0;
    return take_text(f, at, p, "file's name", to, max);
}

static int take_disposition(struct form *f, size_t at, struct slice v, struct multipart_part *part)
{
    struct param p;
    size_t i;
    int more, rc = 0, named = 0, filename = 0, extended = 0;
    if (!is_word(first_word(v, &i), "form-data"))
        return error_set(f->err, E_FORMAT, "byte %zu: expected Content-Disposition: form-data", at);
    while (!rc && (more = next_param(v, &i, &p)) > 0) {
        if (is_word(p.name, "name") && !named++) {
            rc = take_text(f, at, &p, "field's name", part->name, MULTIPART_NAME_MAX);
        } else if (is_word(p.name, "filename*") && !extended++) {
            rc = take_extended(f, at, &p, part->filename, MULTIPART_FILENAME_MAX);
        } else if (is_word(p.name, "filename") && !filename++) {
            if (!extended) /* which is said to be the better one */
                rc = take_text(f, at, &p, "file's name", part->filename, MULTIPART_FILENAME_MAX);
        } else if (named > 1 || filename > 1 || extended > 1) {
            return error_set(f->err, E_FORMAT, "byte %zu: a parameter of Content-Disposition is given twice", at);
        }
    }
    part->is_file = filename || extended;
    if (rc)
        return rc;
    if (more < 0)
        return error_set(f->err, E_FORMAT, "byte %zu: expected name=\"value\" in Content-Disposition",
                         (size_t)(v.ptr - f->p) + i);
    if (!part->name[0])
        return error_set(f->err, E_FORMAT, "byte %zu: a part without a name", at);
    return 0;
}

static int take_header(struct form *f, size_t at, struct slice name, struct slice value, struct multipart_part *part)
{
    if (is_word(name, "content-disposition")) {
        if (part->name[0])
            return error_set(f->err, E_FORMAT, "byte %zu: a second Content-Disposition in one part", at);
        return take_disposition(f, at, value, part);
    }
    if (is_word(name, "content-type")) {
        const struct param p = {.value = value};
        return take_text(f, at, &p, "Content-Type of a part", part->content_type, MULTIPART_TYPE_MAX);
    }
    if (is_word(name, "content-transfer-encoding") && !is_word(value, "binary") && !is_word(value, "8bit") &&
        !is_word(value, "7bit"))
        return error_set(f->err, E_UNSUPPORTED, "byte %zu: a part comes encoded; send its bytes as they are", at);
    return 0;
}

/* The end of a header from `line` on: its "\r\n", unless the next line continues it. `end` if there is none. */
static size_t header_end(const struct form *f, size_t line, size_t end)
{
    for (size_t i = line; i + 1 < end; i++)
        if (f->p[i] == '\r' && f->p[i + 1] == '\n' && (i == line || i + 2 >= end || !is_space(f->p[i + 2])))
            return i;
    return end;
}

/* Headers from *at on, and the empty line after them. */
static int parse_headers(struct form *f, size_t *at, struct multipart_part *part)
{
    const size_t begin = *at;
    const size_t end = f->len - begin > MULTIPART_HEAD_MAX ? begin + MULTIPART_HEAD_MAX : f->len;
    for (;;) {
        const size_t line = *at, stop = header_end(f, line, end);
        const struct slice text = {f->p + line, stop - line};
        size_t colon = 0;
        if (stop == end)
            break;
        *at = stop + 2;
        if (!text.len) {
            if (part->name[0])
                return 0;
            return error_set(f->err, E_FORMAT, "byte %zu: a part without Content-Disposition", begin);
        }
        while (colon < text.len && is_token(text.ptr[colon]))
            colon++;
        if (!colon || colon == text.len || text.ptr[colon] != ':')
            return error_set(f->err, E_FORMAT, "byte %zu: expected a header, \"Name: value\"", line + colon);
        const size_t first = skip_space(text, colon + 1);
        struct slice value = {text.ptr + first, text.len - first};
        while (value.len && is_space(value.ptr[value.len - 1]))
            value.len--;
        const int rc = take_header(f, line, (struct slice){text.ptr, colon}, value, part);
        if (rc)
            return rc;
    }
    if (end == f->len)
        return error_set(f->err, E_FORMAT, "byte %zu: the body ends in the headers of a part", f->len);
    return error_set(f->err, E_LIMIT, "byte %zu: more than %d bytes of headers in one part", begin, MULTIPART_HEAD_MAX);
}

/* -------- the body -------- */

/* What follows a boundary that ends at *at: 1: a part, which begins at the new *at; 0: it was the last one. */
static int after_boundary(struct form *f, size_t *at)
{
    size_t i = *at;
    if (f->len - i >= 2 && memcmp(f->p + i, "--", 2) == 0)
        return 0;
    while (i < f->len && is_space(f->p[i]))
        i++;
    if (f->len - i < 2 || memcmp(f->p + i, "\r\n", 2) != 0)
        return error_set(f->err, E_FORMAT, "byte %zu: expected the end of the line, or \"--\", after the boundary", i);
    *at = i + 2;
    return 1;
}

/* The next delimiter from `at` on; NULL if there is none. */
static const char *find_delimiter(const struct form *f, size_t at)
{
    return memmem(f->p + at, f->len - at, f->delimiter, f->delimiter_len);
}

int multipart_parse(struct slice body, const char *content_type, struct multipart *ret, struct error *err)
{
    struct form f = {.p = body.ptr, .len = body.len, .err = err};
    struct multipart m = {.count = 0};
    int rc = parse_type(content_type, &f);
    if (rc)
        return rc;
    size_t at; /* behind a boundary */
    if (f.len >= f.delimiter_len - 2 && memcmp(f.p, f.delimiter + 2, f.delimiter_len - 2) == 0) {
        at = f.delimiter_len - 2;
    } else {
        const char *first = f.len ? find_delimiter(&f, 0) : NULL;
        if (!first)
            return error_set(err, E_FORMAT,
                             "byte 0: expected \"%s\", the boundary of the Content-Type; it is nowhere "
                             "at the beginning of a line",
                             f.delimiter + 2);
        at = (size_t)(first - f.p) + f.delimiter_len;
    }
    while ((rc = after_boundary(&f, &at)) > 0) {
        if (m.count == MULTIPART_PARTS_MAX)
            return error_set(err, E_LIMIT, "byte %zu: more than %d parts", at, MULTIPART_PARTS_MAX);
        struct multipart_part *part = &m.parts[m.count++];
        rc = parse_headers(&f, &at, part);
        if (rc)
            return rc;
        const char *next = find_delimiter(&f, at - 2); /* without data the empty line may be the boundary's */
        if (!next)
            return error_set(err, E_FORMAT, "byte %zu: the body ends before the boundary that ends part %zu, \"%s\"",
                             f.len, m.count, part->name);
        part->data = (struct slice){f.p + at, next > f.p + at ? (size_t)(next - (f.p + at)) : 0};
        at = (size_t)(next - f.p) + f.delimiter_len;
    }
    if (rc < 0)
        return rc;
    *ret = m;
    return 0;
}

const struct multipart_part *multipart_find(const struct multipart *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->parts[i].name, name) == 0)
            return &m->parts[i];
    return NULL;
}
