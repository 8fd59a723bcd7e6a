/* What Bilibili sends: packets, compressed and not, and the commands in them. */
#include "chat/bilibili_frame.h"
#include "chat/bilibili_message.h"

#include <stdint.h>
#include <stdlib.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_packet(void *user, uint32_t op, struct slice body)
{
    json_t *command = op == BILIBILI_MESSAGE ? json_loadb(body.ptr, body.len, 0, NULL) : NULL;
    struct bilibili_command c = {0};
    size_t *packets = user;
    if (command && bilibili_command_read(command, "22", &c) == 0 && (c.event == BILIBILI_SAID) != (c.message != NULL))
        abort();
    chat_message_unref(c.message);
    json_decref(command);
    return ++*packets > 10000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t packets = 0;
    struct error err = {0};
    struct bilibili_command c = {0};
    if (size > INPUT_MAX)
        return 0;
    if (bilibili_packets(data, size, on_packet, &packets, &err) < 0 && !err.text[0])
        abort();
    json_t *command =
        json_loadb((const char *)data, size, 0, NULL); /* most inputs are no packets: a command as it is */
    if (command)
        (void)bilibili_command_read(command, "22", &c);
    chat_message_unref(c.message);
    json_decref(command);
    return 0;
}
