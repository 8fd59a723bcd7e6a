/* What YouTube's API answers: items of a live chat. */
#include "chat/youtube_message.h"

#include <stdint.h>
#include <stdlib.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_item(const json_t *item)
{
    struct youtube_item i = {0};
    if (youtube_item_read(item, "somevideo", &i))
        return;
    if ((i.event == YOUTUBE_MESSAGE) != (i.message != NULL) ||
        (i.event == YOUTUBE_REMOVAL && !*i.message_id && !*i.user_id))
        abort();
    chat_message_unref(i.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const json_t *item;
    size_t i;
    if (size > INPUT_MAX)
        return 0;
    json_t *answer = json_loadb((const char *)data, size, 0, NULL);
    read_item(answer);
    json_array_foreach(json_object_get(answer, "items"), i, item)
        read_item(item);
    json_decref(answer);
    return 0;
}
