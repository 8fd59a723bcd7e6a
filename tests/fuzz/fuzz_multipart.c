/* A form from anyone: the first line is the Content-Type, the rest the body. What is accepted lies in the body, and its
 * texts can be written into JSON; what is refused is refused with a sentence. */
#include "base/utf8.h"
#include "net/http_multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t max)
{
    const size_t n = strlen(s);
    if (n > max || utf8_valid_prefix(s, n) != n)
        abort();
    for (; *s; s++)
        if ((unsigned char)*s < ' ')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (!end)
        return 0;
    const struct slice body = {(const char *)end + 1, size - (size_t)(end + 1 - data)};
    char *type = strndup((const char *)data, (size_t)(end - data));
    struct multipart *m = malloc(sizeof *m);
    struct error err = {0};
    if (type && m && !multipart_parse(body, type, m, &err)) {
        for (size_t i = 0; i < m->count; i++) {
            const struct multipart_part *p = &m->parts[i];
            check_text(p->name, MULTIPART_NAME_MAX);
            check_text(p->filename, MULTIPART_FILENAME_MAX);
            check_text(p->content_type, MULTIPART_TYPE_MAX);
            if (p->data.ptr < body.ptr || p->data.len > (size_t)(body.ptr + body.len - p->data.ptr) || !p->name[0])
                abort();
        }
    } else if (type && m && (!err.text[0] || utf8_valid_prefix(err.text, strlen(err.text)) != strlen(err.text))) {
        abort();
    }
    free(m);
    free(type);
    return 0;
}
