/* Messages of strangers as JSON: what is taken is written and read again as the same. */
#include "base/utf8.h"
#include "chat/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_message *m = NULL, *again = NULL;
    struct error err = {0};
    if (size > INPUT_MAX)
        return 0;
    if (chat_message_parse((const char *)data, size, &m, &err)) {
        if (!err.text[0] || m)
            abort();
        return 0;
    }
    json_t *first = chat_message_json(m);
    char *text = json_dumps(first, 0);
    if (!text || chat_message_parse(text, strlen(text), &again, &err))
        abort();
    json_t *second = chat_message_json(again);
    if (!json_equal(first, second))
        abort();
    json_decref(first);
    json_decref(second);
    free(text);
    chat_message_unref(m);
    chat_message_unref(again);
    return 0;
}
