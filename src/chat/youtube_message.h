/* What YouTube's live chat says (liveChatMessages of the Data API v3), as messages and removals. Pure functions. */
#ifndef ISHOW_CHAT_YOUTUBE_MESSAGE_H
#define ISHOW_CHAT_YOUTUBE_MESSAGE_H

#include "chat/message.h"

#include <jansson.h>

enum youtube_event { YOUTUBE_NOTHING, YOUTUBE_MESSAGE, YOUTUBE_REMOVAL, YOUTUBE_END };

struct youtube_item {
    enum youtube_event event;
    struct chat_message *message;   /* a reference, of YOUTUBE_MESSAGE */
    const char *message_id, *user_id; /* of YOUTUBE_REMOVAL; "" for the other; of the item */
};

/* One of "items". E_FORMAT for what is none, E_NOMEM. */
int youtube_item_read(const json_t *item, const char *channel, struct youtube_item *ret);

#endif
