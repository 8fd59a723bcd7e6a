/* Twitch's chat over IRC with TLS (dev.twitch.tv/docs/chat/irc): anonymous unless an account is given.
 *
 * The order is CAP, PASS, NICK, then JOIN once the server has ended its greeting with 376. A NOTICE that a login is
 * wrong is for good; RECONNECT asks to come again. Both sides ping: the server about every five minutes, and this one
 * when it has heard nothing for QUIET seconds, because a dead line looks like a quiet chat. */
#include "chat/source.h"
#include "chat/twitch_message.h"
#include "net/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ENDPOINT    "tls://irc.chat.twitch.tv:6697"
#define QUIET       60.0 /* seconds without a word until a PING */
#define PING_ANSWER 10.0 /* seconds for its PONG */
#define LOGIN_WAIT  20.0 /* seconds from the connection to 376 */

struct twitch {
    struct chat_source source; /* the first member */
    struct stream *stream;
    struct buf in; /* what has not been a whole line yet */
    struct loop_timer quiet;
    int pinged;
    int joined;
};

static void on_quiet(void *user);

static void rest(struct twitch *t, double seconds)
{
    loop_timer_start(t->source.params.loop, &t->quiet, seconds, on_quiet, t);
}

static void send_line(struct twitch *t, const char *line)
{
    if (t->stream)
        (void)stream_send(t->stream, line, strlen(line)); /* a server that does not read is found out by the ping */
}

static void on_quiet(void *user)
{
    struct twitch *t = user;
    if (!t->joined) {
        source_failed(&t->source, "Twitch did not answer the login");
    } else if (t->pinged) {
        source_failed(&t->source, "Twitch has stopped answering");
    } else {
        t->pinged = 1;
        send_line(t, "PING :ishowtts\r\n");
        rest(t, PING_ANSWER);
    }
}

/* A token as people paste it: "oauth:…", "Bearer …", or the end of a link, "#access_token=…&scope=…". */
static struct slice bare_token(const char *token)
{
    const char *in_link = strstr(token, "access_token=");
    if (in_link)
        token = in_link + strlen("access_token=");
    else if (strncmp(token, "oauth:", 6) == 0)
        token += 6;
    else if (strncmp(token, "Bearer ", 7) == 0)
        token += 7;
    return (struct slice){token, strcspn(token, "& \r\n")};
}

static void on_open(void *user)
{
    struct twitch *t = user;
    const struct source_params *p = &t->source.params;
    char line[600];
    unsigned r = 0;
    send_line(t, "CAP REQ :twitch.tv/tags twitch.tv/commands\r\n");
    if (*p->token && *p->login) {
        const struct slice token = bare_token(p->token);
        snprintf(line, sizeof line, "PASS oauth:%.*s\r\nNICK %.*s\r\n", (int)token.len, token.ptr,
                 (int)strcspn(p->login, " \r\n"), p->login);
    } else {
        if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
            r = 12345;
        snprintf(line, sizeof line, "PASS SCHMOOPIIE\r\nNICK justinfan%u\r\n", 10000 + r % 89999);
    }
    send_line(t, line);
    rest(t, LOGIN_WAIT);
}

static int is_refusal(struct slice text)
{
    static const char *const words[] = {"Login authentication failed", "Login unsuccessful",
                                        "Improperly formatted auth", "Invalid NICK"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.len >= strlen(words[i]) && memcmp(text.ptr, words[i], strlen(words[i])) == 0)
            return 1;
    return 0;
}

/* 0 when the source has ended meanwhile. */
static int on_line(struct twitch *t, char *text, size_t len)
{
    struct irc_line line;
    struct chat_message *m = NULL;
    struct twitch_removal removal;
    char reply[600];
    if (len == 0)
        return 1;
    if (irc_parse(text, len, &line)) {
        t->source.status.malformed++;
        return 1;
    }
    const struct slice last = line.param_count ? line.params[line.param_count - 1] : (struct slice){"", 0};
    if (slice_eq_str(line.command, "PING")) {
        snprintf(reply, sizeof reply, "PONG :%.*s\r\n", (int)(last.len < 500 ? last.len : 500), last.ptr);
        send_line(t, reply);
    } else if (slice_eq_str(line.command, "376")) {
        snprintf(reply, sizeof reply, "JOIN #%s\r\n", t->source.params.channel);
        send_line(t, reply);
    } else if (slice_eq_str(line.command, "ROOMSTATE") || slice_eq_str(line.command, "366")) {
        if (!t->joined) {
            t->joined = 1;
            source_ready(&t->source);
        }
    } else if (slice_eq_str(line.command, "RECONNECT")) {
        source_failed(&t->source, "Twitch asked to reconnect");
        return 0;
    } else if (slice_eq_str(line.command, "NOTICE") && is_refusal(last)) {
        source_over(&t->source, SOURCE_REFUSED, "Twitch refuses the account: %.*s", (int)last.len, last.ptr);
        return 0;
    } else if (slice_eq_str(line.command, "NOTICE") &&
               slice_eq_str(irc_tag(&line, "msg-id"), "msg_channel_suspended")) {
        source_over(&t->source, SOURCE_REFUSED, "Twitch says that the channel is suspended or does not exist");
        return 0;
    } else if (twitch_removal(&line, &removal)) {
        source_remove(&t->source, removal.message_id, removal.user_id);
    } else if (twitch_message(&line, t->source.params.channel, &m) == 1) {
        source_tell(&t->source, m);
    }
    return 1;
}

static void on_data(void *user, const char *data, size_t len)
{
    struct twitch *t = user;
    size_t at = 0, used, n = 0;
    t->pinged = 0;
    if (t->joined)
        rest(t, QUIET);
    if (buf_add(&t->in, data, len)) {
        source_failed(&t->source, "out of memory");
        return;
    }
    struct buf in = t->in; /* a line may end the source, and its buffer with it */
    t->in = (struct buf)BUF_INIT;
    while ((used = irc_next_line(in.ptr + at, in.len - at, &n))) {
        if (!on_line(t, in.ptr + at, n)) {
            buf_release(&in);
            return;
        }
        at += used;
    }
    memmove(in.ptr, in.ptr + at, in.len - at);
    in.len -= at;
    if (in.len > IRC_LINE_MAX) {
        buf_release(&in);
        source_failed(&t->source, "Twitch sent a line of more than %d bytes", IRC_LINE_MAX);
        return;
    }
    t->in = in;
}

static void on_close(void *user, const char *why)
{
    struct twitch *t = user;
    t->stream = NULL;
    source_failed(&t->source, "%s%s", *why ? "no connection to Twitch: " : "Twitch closed the connection", why);
}

static void twitch_connect(struct chat_source *s)
{
    struct twitch *t = (struct twitch *)s;
    const struct stream_events events = {on_open, on_data, on_close, t};
    struct error err;
    if (stream_connect(s->params.loop, *s->params.url ? s->params.url : ENDPOINT,
                       *s->params.proxy ? s->params.proxy : NULL, &events, &t->stream, &err))
        source_failed(s, "%s", err.text);
}

static void twitch_disconnect(struct chat_source *s)
{
    struct twitch *t = (struct twitch *)s;
    stream_free(t->stream);
    t->stream = NULL;
    buf_release(&t->in);
    loop_timer_stop(&t->quiet);
    t->pinged = t->joined = 0;
}

const struct chat_site twitch_site = {sizeof(struct twitch), NULL, twitch_connect, twitch_disconnect};
