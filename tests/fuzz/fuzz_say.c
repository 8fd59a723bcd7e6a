/* Requests for speech from strangers: JSON as the body of either API, and the same bytes as the values of a query.
 * What is taken is within the limits of the list of fields, and what follows from it is something that an engine
 * accepts. */
#include "base/utf8.h"
#include "server/say_request.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t most)
{
    if (s && (utf8_valid_prefix(s, strlen(s)) != strlen(s) || utf8_count(s, strlen(s)) > most))
        abort();
}

static int within(double v, double least, double most)
{
    return v >= least && v <= most;
}

static void check(const struct say_request *q)
{
    ishow_say_params p;
    if (!q->text || !*q->text)
        abort();
    check_text(q->text, SAY_TEXT_MAX);
    check_text(q->voice, SAY_WORD_MAX);
    check_text(q->model, SAY_WORD_MAX);
    if (q->format && !say_format_find(q->format))
        abort();
    for (const char *c = q->ignored; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    say_request_params(q, 7, &p);
    if (!within(p.nfe, 1, ISHOW_NFE_MAX) || !within(p.cfg_strength, 0, 10) || !within(p.sway, -1, 1) ||
        !within(p.speed, 0.1, 10) || !within(p.target_rms, 0.001, 1) || !within(p.cross_fade, 0, 10) ||
        !within(p.fix_duration, 0, 87) || say_request_priority(q) >= JOB_PRIORITIES)
        abort();
}

static void read_fields(enum say_api api, json_t *fields)
{
    struct say_request q;
    struct say_fault fault = {0};
    if (say_request_read(&q, api, fields, &fault)) {
        if (!fault.param || !fault.code || !fault.text[0] ||
            utf8_valid_prefix(fault.text, strlen(fault.text)) != strlen(fault.text))
            abort();
        return;
    }
    check(&q);
    say_request_release(&q);
}

/* Every field has the text behind its name's letter, if there is one: "s1.5\ntHello". */
static const char *from_lines(const void *user, const char *name)
{
    static char value[INPUT_MAX + 1];
    for (const char *line = user; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (*line == *name) {
            const size_t n = strcspn(line + 1, "\n");
            memcpy(value, line + 1, n);
            value[n] = '\0';
            return value;
        }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum say_api apis[] = {SAY_OPENAI, SAY_ORIGINAL};
    static char text[INPUT_MAX + 1];
    json_error_t e;
    if (size > INPUT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (int i = 0; i < 2; i++) {
        struct say_fault fault;
        json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
        if (json_is_object(json))
            read_fields(apis[i], json);
        else
            json_decref(json);
        json_t *fields = say_fields_from_query(apis[i], from_lines, text, &fault);
        if (fields)
            read_fields(apis[i], fields);
    }
    return 0;
}
