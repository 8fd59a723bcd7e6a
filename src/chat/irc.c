/* See irc.h. */
#include "chat/irc.h"

#include "base/utf8.h"

#include <string.h>

static struct slice take_until(char **at, char *end, char stop)
{
    char *p = memchr(*at, stop, (size_t)(end - *at));
    struct slice s = {*at, (size_t)((p ? p : end) - *at)};
    *at = p ? p + 1 : end;
    return s;
}

/* \s \: \\ \r \n; a backslash before anything else is dropped, as is one at the end. */
static size_t unescape(char *s, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '\\') {
            s[out++] = s[i];
            continue;
        }
        if (++i == n)
            break;
        s[out++] = s[i] == 's' ? ' ' : s[i] == ':' ? ';' : s[i] == 'r' ? '\r' : s[i] == 'n' ? '\n' : s[i];
    }
    return out;
}

static void parse_tags(char *at, char *end, struct irc_line *ret)
{
    while (at < end && ret->tag_count < IRC_TAGS_MAX) {
        char *tag = at;
        const struct slice whole = take_until(&at, end, ';');
        char *value = tag, *tag_end = tag + whole.len;
        const struct slice key = take_until(&value, tag_end, '=');
        if (key.len == 0)
            continue;
        ret->tags[ret->tag_count++] =
            (struct irc_tag){key, {value, unescape(value, (size_t)(tag_end - value))}};
    }
}

static char *skip_spaces(char *at, char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at;
}

int irc_parse(char *line, size_t len, struct irc_line *ret)
{
    char *at = line, *end = line + len;
    ret->tag_count = ret->param_count = 0;
    ret->prefix = (struct slice){"", 0};
    if (memchr(line, '\0', len) || utf8_valid_prefix(line, len) != len)
        return -1;
    if (at < end && *at == '@') {
        char *tags = at + 1, *stop = memchr(tags, ' ', (size_t)(end - tags));
        if (!stop)
            return -1;
        parse_tags(tags, stop, ret);
        at = skip_spaces(stop, end);
    }
    if (at < end && *at == ':') {
        at++;
        ret->prefix = take_until(&at, end, ' ');
        at = skip_spaces(at, end);
    }
    ret->command = take_until(&at, end, ' ');
    if (ret->command.len == 0)
        return -1;
    for (at = skip_spaces(at, end); at < end && ret->param_count < IRC_PARAMS_MAX; at = skip_spaces(at, end)) {
        if (*at == ':' || ret->param_count == IRC_PARAMS_MAX - 1) { /* the last one may hold spaces */
            at += *at == ':';
            ret->params[ret->param_count++] = (struct slice){at, (size_t)(end - at)};
            break;
        }
        ret->params[ret->param_count++] = take_until(&at, end, ' ');
    }
    return 0;
}

struct slice irc_tag(const struct irc_line *line, const char *key)
{
    for (size_t i = 0; i < line->tag_count; i++)
        if (slice_eq_str(line->tags[i].key, key))
            return line->tags[i].value;
    return (struct slice){"", 0};
}

struct slice irc_nick(const struct irc_line *line)
{
    const char *bang = memchr(line->prefix.ptr, '!', line->prefix.len);
    return (struct slice){line->prefix.ptr, bang ? (size_t)(bang - line->prefix.ptr) : line->prefix.len};
}

size_t irc_next_line(const char *data, size_t len, size_t *ret_line)
{
    const char *lf = memchr(data, '\n', len);
    if (!lf)
        return 0;
    size_t n = (size_t)(lf - data);
    *ret_line = n > 0 && data[n - 1] == '\r' ? n - 1 : n;
    return n + 1;
}
