/* A Twitch server's bytes: lines, messages and removals of them. What is made is UTF-8 within its limits, and its
 * fragments are of its text, one after the other. */
#include "base/utf8.h"
#include "chat/twitch_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t most)
{
    if (!s || strlen(s) > most || utf8_valid_prefix(s, strlen(s)) != strlen(s))
        abort();
}

static void check_message(const struct chat_message *m)
{
    check_text(m->id, CHAT_ID_MAX);
    check_text(m->user_name, CHAT_NAME_MAX);
    check_text(m->login, CHAT_NAME_MAX);
    check_text(m->text, CHAT_TEXT_MAX);
    check_text(m->amount_text, CHAT_NAME_MAX);
    if (m->fragment_count > CHAT_FRAGMENTS_MAX || m->count < 1 || m->amount_micros < 0 ||
        m->priority >= CHAT_PRIORITIES)
        abort();
    const char *rest = strlen(m->text) + UTF8_MAX <= CHAT_TEXT_MAX ? m->text : NULL; /* NULL: it may be cut */
    for (size_t i = 0; i < m->fragment_count; i++) {
        check_text(m->fragments[i].text, IRC_LINE_MAX);
        check_text(m->fragments[i].id, IRC_LINE_MAX);
        const char *at = rest ? strstr(rest, m->fragments[i].text) : NULL;
        if (rest && !at)
            abort();
        rest = rest ? at + strlen(m->fragments[i].text) : NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[INPUT_MAX];
    if (size > INPUT_MAX)
        return 0;
    memcpy(text, data, size);
    for (size_t at = 0, used, len; at < size && (used = irc_next_line(text + at, size - at, &len)); at += used) {
        struct irc_line line;
        struct twitch_removal removal = {0};
        struct chat_message *m = NULL;
        if (len > IRC_LINE_MAX || irc_parse(text + at, len, &line))
            continue;
        if (twitch_message(&line, "somechannel", &m) == 1)
            check_message(m);
        chat_message_unref(m);
        (void)twitch_removal(&line, &removal);
    }
    return 0;
}
