/* What a hub, or whoever answers in its place, writes into its headers: the first line is an address, the second
 * where it redirects to, the rest a header. */
#include "net/hub_remote.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const struct http_reply *reply)
{
    static const char *const names[] = {"ETag", "X-Linked-Etag", "X-Linked-Size", "Content-Range", "Location"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *value = NULL, etag[DIGEST_HEX_MAX];
        uint64_t a, b, c;
        if (http_reply_header(reply, names[i], &value, NULL) || !value)
            continue;
        if (!hub_etag(value, etag) && digest_kind_of(etag) == DIGEST_NONE)
            abort();
        if (!http_number(value, HUB_FILE_MAX, &a) && a > HUB_FILE_MAX)
            abort();
        if (!http_content_range(value, &a, &b, &c) && (a > b || b >= c))
            abort();
        free(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *location = strchr(text, '\n'), *headers = NULL;
    if (location) {
        *location++ = '\0';
        headers = strchr(location, '\n');
    }
    if (headers) {
        *headers++ = '\0';
        struct http_reply reply = {0};
        if (!buf_add_str(&reply.headers, headers))
            read_values(&reply);
        http_reply_release(&reply);
        char *next = NULL, host[256];
        struct error err;
        if (!http_redirect(text, location, &next, &err)) {
            if (strncmp(next, "http://", 7) != 0 && strncmp(next, "https://", 8) != 0)
                abort();
            if (strncmp(text, "https://", 8) == 0 && strncmp(next, "https://", 8) != 0)
                abort();
            (void)http_same_origin(text, next);
            int secure;
            http_host(next, host, &secure);
        }
        free(next);
    }
    free(text);
    return 0;
}
