/* Rules of channels as they change while the stream goes on: by the page, and by moderators in the chat. */
#include "live/live_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX 4 /* of a command */

static int keep_rules(struct live *l, const struct channel *c, const struct rules *rules)
{
    json_t *json = rules_json(rules);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL, key[LIVE_KEY_MAX];
    int rc = text ? 0 : E_NOMEM;
    if (text && l->params.keeper.rules)
        l->params.keeper.rules(l->params.keeper.user, c ? chat_platform_name(c->platform) : "", c ? c->name : "", text);
    if (c) {
        live_channel_key(key, sizeof key, chat_platform_name(c->platform), c->name);
        if (json_object_set(l->kept_rules, key, json))
            rc = E_NOMEM;
    }
    free(text);
    json_decref(json);
    return rc;
}

int live_set_rules(struct live *l, enum chat_platform platform, const char *channel, struct rules *rules)
{
    struct channel *c = channel ? live_channel(l, platform, channel) : NULL;
    if (channel && !c) {
        rules_free(rules);
        return E_NOTFOUND;
    }
    struct rules **place = c ? &c->rules : &l->rules;
    rules_free(*place);
    *place = rules;
    if (c)
        live_tell(l, "channel", live_channel_json(c));
    return keep_rules(l, c, rules);
}

/* Takes a user out of a list of names, or of entries with "user". */
static void without(json_t *list, const char *user)
{
    for (size_t i = json_array_size(list); i-- > 0;) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_is_object(item) ? json_object_get(item, "user") : item);
        if (name && strcasecmp(name, user) == 0)
            json_array_remove(list, i);
    }
}

/* The entry of a user in "users", made if it is not there. */
static json_t *user_entry(json_t *list, const char *user)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        const char *name = json_string_value(json_object_get(item, "user"));
        if (name && strcasecmp(name, user) == 0)
            return item;
    }
    item = json_pack("{s:s}", "user", user);
    return item && json_array_append_new(list, item) == 0 ? item : NULL;
}

static int change_user(const struct rules *from, const char *user, const char *what, const char *value,
                       struct rules **ret, struct error *err)
{
    json_t *doc = rules_json(from), *muted = json_object_get(doc, "muted_users"),
           *users = json_object_get(doc, "users");
    int rc = doc ? 0 : error_nomem(err);
    if (!rc && strcmp(what, "mute") == 0) {
        without(muted, user);
        rc = json_array_append_new(muted, json_string(user)) ? error_nomem(err) : 0;
    } else if (!rc && strcmp(what, "unmute") == 0) {
        without(muted, user);
    } else if (!rc && (strcmp(what, "nickname") == 0 || strcmp(what, "voice") == 0)) {
        json_t *entry = user_entry(users, user);
        rc = !entry || json_object_set_new(entry, what, json_string(value)) ? error_nomem(err) : 0;
    } else if (!rc) {
        rc = error_set(err, E_ARG, "\"%.40s\": expected mute, unmute, nickname or voice", what);
    }
    if (!rc)
        rc = rules_parse(doc, ret, err);
    json_decref(doc);
    return rc;
}

int live_set_user(struct live *l, int platform, const char *channel, const char *user, const char *what,
                  const char *value, struct error *err)
{
    struct rules *fresh = NULL;
    int rc = 0, found = 0, common = !channel; /* the rules of all chats without their own */
    for (struct channel *c = l->channels; !rc && c; c = c->next) {
        const int named = channel && (int)c->platform == platform && strcmp(c->name, channel) == 0;
        found |= named;
        common |= named && !c->rules; /* a copy for this chat would not follow later changes, a blocked word say */
        if (!c->rules || (channel && !named))
            continue;
        rc = change_user(c->rules, user, what, value, &fresh, err);
        if (!rc && live_set_rules(l, c->platform, c->name, fresh))
            rc = error_nomem(err);
    }
    if (!rc && channel && !found)
        return error_set(err, E_NOTFOUND, "the chat \"%.100s\" is not read", channel);
    if (!rc && common) {
        rc = change_user(l->rules, user, what, value, &fresh, err);
        if (!rc && live_set_rules(l, CHAT_OTHER, NULL, fresh))
            rc = error_nomem(err);
    }
    if (!rc && strcmp(what, "mute") == 0) {
        const struct chat_match match = {.user = user, .channel = channel, .platform = channel ? platform : -1};
        stage_remove(l, &match, "muted");
    }
    return rc;
}

/* -------- commands in the chat -------- */

/* The next word of a text, and the text moved behind it. */
static struct slice next_word(const char **at)
{
    *at += strspn(*at, " ");
    const struct slice word = {*at, strcspn(*at, " ")};
    *at += word.len;
    return word;
}

static const char *name_in(struct slice word, char *out, size_t size)
{
    if (word.len && *word.ptr == '@')
        word = (struct slice){word.ptr + 1, word.len - 1};
    const size_t n = word.len < size ? word.len : size - 1;
    memcpy(out, word.ptr, n);
    out[n] = '\0';
    return out;
}

int live_command(struct live *l, const struct channel *c, const struct chat_message *m)
{
    const char *command = rules_command(c->rules ? c->rules : l->rules);
    const size_t n = strlen(command);
    const int ours = m->kind == CHAT_SAID && (m->roles & (ROLE_OWNER | ROLE_MODERATOR)) &&
                     strncasecmp(m->text, command, n) == 0 && m->text[n] == ' ';
    const char *at = m->text + (ours ? n : 0);
    char verb[16], user[RULES_WORD_MAX + 1];
    if (!ours)
        return 0;
    name_in(next_word(&at), verb, sizeof verb);
    const int action = live_action_parse(verb);
    if (action >= 0 && !at[strspn(at, " ")]) {
        live_control(l, (enum live_action)action);
        return 1;
    }
    if (strcmp(verb, "volume") == 0) {
        char *end;
        const double percent = strtod(at, &end);
        if (end != at && !end[strspn(end, " ")] && percent >= 0 && percent <= 100) /* which "nan" is not */
            live_set_volume(l, percent / 100);
        return 1;
    }
    const char *what = strcmp(verb, "nick") == 0 ? "nickname" : verb;
    if (strcmp(what, "mute") && strcmp(what, "unmute") && strcmp(what, "nickname") && strcmp(what, "voice"))
        return 0; /* a text to be spoken */
    const struct slice who = next_word(&at);
    at += strspn(at, " ");
    if (who.len == 0 || who.len > RULES_WORD_MAX)
        return 1;
    (void)live_set_user(l, (int)c->platform, c->name, name_in(who, user, sizeof user), what, at, NULL);
    return 1;
}
