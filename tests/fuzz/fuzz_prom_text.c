/* Pages of metrics as a server, or whoever answers in its place, may write them; seen as `ishowtts top` sees them: the bytes
 * are two pages, cut where the first zero byte stands, and an answer to /api/health after the next. */
#include "cli/top.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice next_part(const char **at, const char *end)
{
    const char *from = *at, *cut = memchr(from, '\0', (size_t)(end - from));
    if (!cut)
        cut = end;
    *at = cut < end ? cut + 1 : end;
    return (struct slice){from, (size_t)(cut - from)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct top_look looks[] = {{40, 120, 1, 1}, {5, 20, 0, 0}};
    struct top_watch w = {.url = "http://127.0.0.1:27121", .interval = 1};
    struct buf out = BUF_INIT;
    const char *at = (const char *)data, *const end = at + size;
    if (size == 0 || top_watch_init(&w))
        return 0;
    struct slice part = next_part(&at, end);
    top_watch_page(&w, part.ptr, part.len);
    part = next_part(&at, end);
    top_watch_page(&w, part.ptr, part.len);
    top_watch_health(&w, at, (size_t)(end - at));
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        int lines = 0;
        out.len = 0;
        if (top_screen(&out, &w, &looks[i]))
            break;
        for (size_t k = 0; k < out.len; k++) {
            const unsigned char c = (unsigned char)out.ptr[k];
            lines += c == '\n';
            if ((c < ' ' && c != '\n' && !(c == '\033' && looks[i].colour)) || c == 0x7f)
                abort(); /* what a server says would reach the terminal */
        }
        if (lines > looks[i].rows)
            abort();
    }
    out.len = 0;
    if (!top_line(&out, &w) && memchr(out.ptr, '\033', out.len))
        abort();
    FILE *f = fopen("/dev/null", "w");
    if (f) {
        if (top_json(f, &w, 0))
            abort();
        fclose(f);
    }
    buf_release(&out);
    top_watch_release(&w);
    return 0;
}
