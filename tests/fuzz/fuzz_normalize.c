/* Any bytes through the normaliser: an error or valid UTF-8 without control characters, and no crash. */
#include "base/utf8.h"
#include "text/normalize.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT;
    struct error err = {0};
    int rc = text_normalize((const char *)data, size, &out, &err);
    if (rc == 0 && utf8_valid_prefix(out.ptr ? out.ptr : "", out.len) != out.len)
        abort();
    if (rc != 0 && (out.len != 0 || err.text[0] == '\0'))
        abort();
    for (size_t i = 0; i < out.len; i++)
        if ((unsigned char)out.ptr[i] < ' ')
            abort();
    buf_release(&out);
    return 0;
}
