/* Rules of strangers over messages of strangers: a line of JSON with the rules, and a line for each message. What is
 * said is UTF-8, and without controls unless the rules' own templates have them. */
#include "base/utf8.h"
#include "chat/rules.h"
#include "chat/rules_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX    16384
#define MESSAGES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int has_control(const char *s)
{
    while (*s && (unsigned char)*s >= ' ')
        s++;
    return *s != '\0';
}

static int templates_have_control(const json_t *rules)
{
    const char *key;
    json_t *templates = json_object_get(rules, "templates"), *template;
    json_object_foreach(templates, key, template)
        if (has_control(json_string_value(template)))
            return 1;
    return 0;
}

static void check(const struct rules_decision *d, int controls)
{
    if (!*rules_verdict_name(d->verdict) || d->priority >= CHAT_PRIORITIES)
        abort();
    if (d->verdict != RULES_SAY)
        return;
    if (d->text.len == 0 || d->text.ptr[d->text.len] || utf8_valid_prefix(d->text.ptr, d->text.len) != d->text.len ||
        !d->lang[0] || !(d->seconds >= 0) || (!controls && has_control(d->text.ptr)))
        abort();
}

static void say(const struct rules *r, struct rules_memory *memory, const char *text, double now, int controls)
{
    static const char *const names[] = {"Ann", "u***", "xX_Bob_1987", "小明"};
    const int64_t paid = text[0] == '$' ? 5000000 : 0;
    const struct chat_message m = {.kind = text[0] == '#' ? CHAT_GIFT : CHAT_SAID,
                                   .user_name = names[strlen(text) % 4], .text = text, .item = text,
                                   .amount_micros = paid, .currency = "EUR", .priority = paid ? CHAT_PAID : CHAT_NORMAL,
                                   .reply_to = text[0] == '@' ? "Bob" : ""};
    struct chat_message *made;
    struct rules_decision d;
    if (chat_message_create(&m, NULL, &made))
        abort();
    if (rules_decide(r, memory, made, "somechannel", now, &d))
        abort();
    check(&d, controls);
    rules_remember(memory, made, &d, now);
    rules_decision_release(&d);
    chat_message_unref(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[INPUT_MAX + 1];
    struct rules *r = NULL, *again = NULL;
    struct rules_memory *memory;
    struct error err = {0};
    if (size > INPUT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    const size_t head = strcspn(text, "\n");
    json_t *doc = json_loadb(text, head, 0, NULL);
    if (!doc)
        doc = json_object();
    if (rules_parse(doc, &r, &err)) {
        if (!err.text[0])
            abort();
        json_decref(doc);
        return 0;
    }
    json_decref(doc);
    doc = rules_json(r);
    if (rules_parse(doc, &again, &err) || rules_memory_create(&memory))
        abort();
    const int controls = templates_have_control(doc);
    json_decref(doc);
    rules_free(again);
    char *line = text + head;
    for (int i = 0; i < MESSAGES_MAX && *line; i++) {
        line++;
        char *next = line + strcspn(line, "\n");
        const char end = *next;
        *next = '\0';
        if (utf8_valid_prefix(line, strlen(line)) == strlen(line)) /* as all sources give it */
            say(r, memory, line, i, controls);
        *next = end;
        line = next;
    }
    rules_memory_free(memory);
    rules_free(r);
    return 0;
}
