/* What Bilibili's open platform says (live-open, "LIVE_OPEN_PLATFORM_…"), as messages and removals. Pure functions. */
#ifndef ISHOW_CHAT_BILIBILI_MESSAGE_H
#define ISHOW_CHAT_BILIBILI_MESSAGE_H

#include "chat/message.h"

#include <jansson.h>

enum bilibili_event { BILIBILI_NOTHING, BILIBILI_SAID, BILIBILI_REMOVAL, BILIBILI_END };

struct bilibili_command {
    enum bilibili_event event;
    struct chat_message *message; /* a reference, of BILIBILI_SAID */
    const json_t *removed;        /* ids, of BILIBILI_REMOVAL: see bilibili_superchat_id; of the command */
};

/* E_FORMAT for what is no command, E_NOMEM. */
int bilibili_command_read(const json_t *command, const char *channel, struct bilibili_command *ret);

/* Super chats are told by number; ours begin with "sc". */
void bilibili_superchat_id(int64_t number, char ret[32]);

#endif
