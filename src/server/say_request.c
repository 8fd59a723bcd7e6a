/* See say_request.h. */
#include "server/say_request.h"

#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct say_request, member)
#define FORMATS    "mp3|opus|flac|wav|pcm|ogg"
#define QUOTED_MAX 64 /* bytes */

const struct say_field say_fields[] = {
    {"input", SAY_OPENAI, SAY_TEXT, 1, SAY_TEXT_MAX, NULL, AT(text)},
    {"voice", SAY_OPENAI, SAY_NAMED, 1, SAY_WORD_MAX, NULL, AT(voice)},
    {"model", SAY_OPENAI, SAY_TEXT, 1, SAY_WORD_MAX, NULL, AT(model)},
    {"instructions", SAY_OPENAI, SAY_TEXT, 0, SAY_TEXT_MAX, NULL, AT(instructions)},
    {"response_format", SAY_OPENAI, SAY_CHOICE, 0, 0, FORMATS, AT(format)},
    {"stream_format", SAY_OPENAI, SAY_CHOICE, 0, 0, "audio|sse", AT(stream_format)},
    {"speed", SAY_OPENAI, SAY_REAL, 0.25, 4, NULL, AT(speed)},

    {"text", SAY_ORIGINAL, SAY_TEXT, 1, SAY_TEXT_MAX, NULL, AT(text)},
    {"voice_id", SAY_ORIGINAL, SAY_TEXT, 1, SAY_WORD_MAX, NULL, AT(voice)},
    {"engine", SAY_ORIGINAL, SAY_CHOICE, 0, 0, "f5|builtin|shimmy", AT(engine)},
    {"shimmy_model", SAY_ORIGINAL, SAY_TEXT, 0, SAY_WORD_MAX, NULL, AT(model)},
    {"format", SAY_ORIGINAL, SAY_CHOICE, 0, 0, FORMATS, AT(format)},
    {"speed", SAY_ORIGINAL, SAY_REAL, 0.1, 10, NULL, AT(speed)},

    {"target_rms", SAY_BOTH, SAY_REAL, 0.001, 1, NULL, AT(target_rms)},
    {"cross_fade_duration", SAY_BOTH, SAY_REAL, 0, 10, NULL, AT(cross_fade)},
    {"sway_sampling_coef", SAY_BOTH, SAY_REAL, -1, 1, NULL, AT(sway)},
    {"cfg_strength", SAY_BOTH, SAY_REAL, 0, 10, NULL, AT(cfg_strength)},
    {"nfe_step", SAY_BOTH, SAY_INT, 1, ISHOW_NFE_MAX, NULL, AT(nfe)},
    {"fix_duration", SAY_BOTH, SAY_REAL, 0, 87, NULL, AT(fix_duration)},
    {"remove_silence", SAY_BOTH, SAY_BOOL, 0, 0, NULL, AT(remove_silence)},
    {"seed", SAY_BOTH, SAY_INT, -1, 9007199254740991.0, NULL, AT(seed)},
    {"stream", SAY_BOTH, SAY_BOOL, 0, 0, NULL, AT(stream)},
    {"timeout_ms", SAY_BOTH, SAY_INT, 1, 3600000, NULL, AT(timeout_ms)},
    {"priority", SAY_BOTH, SAY_CHOICE, 0, 0, "normal|high|urgent", AT(priority_name)},
    {0},
};

/* Opus comes in Ogg, whose type players know. */
const struct say_format say_formats[] = {
    {"mp3", "audio/mpeg"}, {"opus", "audio/ogg"}, {"flac", "audio/flac"},
    {"wav", "audio/wav"},  {"pcm", "audio/pcm"},  {"ogg", "audio/ogg"},
    {0},
};

const struct say_format *say_format_find(const char *name)
{
    for (const struct say_format *f = say_formats; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

int say_quoted(const char *word)
{
    const size_t n = strlen(word);
    return (int)utf8_floor(word, n < QUOTED_MAX ? n : QUOTED_MAX);
}

int say_fault_set(struct say_fault *f, const char *param, const char *code, const char *fmt, ...)
{
    va_list ap;
    f->param = param;
    f->code = code;
    va_start(ap, fmt);
    const int n = vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof f->text) /* not in the middle of a character: it goes into JSON */
        f->text[utf8_floor(f->text, sizeof f->text - 1)] = '\0';
    return -1;
}

/* -------- one field -------- */

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "a list";
    case JSON_STRING: return "a text";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: break;
    }
    return "null";
}

static int wrong_type(const struct say_field *f, const json_t *v, const char *expected, struct say_fault *fault)
{
    return say_fault_set(fault, f->name, "invalid_type", "\"%s\" is %s, expected %s", f->name, type_name(v), expected);
}

static int read_text(const struct say_field *f, const json_t *v, const char **ret, struct say_fault *fault)
{
    if (f->type == SAY_NAMED && json_is_object(v)) { /* {"id": "..."} */
        const json_t *id = json_object_get(v, "id");
        if (!json_is_string(id))
            return say_fault_set(fault, f->name, "invalid_type", "\"%s\" is an object, expected a text \"id\" in it",
                                 f->name);
        v = id;
    }
    if (!json_is_string(v))
        return wrong_type(f, v, f->type == SAY_NAMED ? "a text or {\"id\": ...}" : "a text", fault);
    const char *s = json_string_value(v);
    const size_t n = utf8_count(s, json_string_length(v));
    if (n > (size_t)f->most)
        return say_fault_set(fault, f->name, "string_above_max_length",
                             "\"%s\" has %zu characters, expected at most %g", f->name, n, f->most);
    if (strspn(s, " \t\r\n\v\f") == strlen(s) && f->least > 0)
        return say_fault_set(fault, f->name, "string_below_min_length", "\"%s\" is empty", f->name);
    *ret = s;
    return 0;
}

/* The choice as it stands in the list, whose letters are small. */
static int read_choice(const struct say_field *f, const json_t *v, const char **ret, struct say_fault *fault)
{
    if (!json_is_string(v))
        return wrong_type(f, v, "a text", fault);
    const char *s = json_string_value(v);
    const size_t len = strlen(s);
    for (const char *c = f->choices; *c; c += strcspn(c, "|"), c += *c == '|')
        if (strcspn(c, "|") == len && strncmp(c, s, len) == 0) {
            *ret = s;
            return 0;
        }
    if (f->offset == AT(format) && strcmp(s, "aac") == 0)
        return say_fault_set(fault, f->name, "unsupported_format",
                             "\"%s\": this server has no encoder for aac; it has " FORMATS, f->name);
    return say_fault_set(fault, f->name, "invalid_value", "\"%s\" is \"%.*s\", expected one of %s", f->name,
                         say_quoted(s), s, f->choices);
}

static int out_of_range(const struct say_field *f, struct say_fault *fault)
{
    return say_fault_set(fault, f->name, "out_of_range", "\"%s\": expected %.16g to %.16g", f->name, f->least, f->most);
}

static int read_value(struct say_request *q, const struct say_field *f, const json_t *v, struct say_fault *fault)
{
    void *to = (char *)q + f->offset;
    double number;
    switch (f->type) {
    case SAY_TEXT:
    case SAY_NAMED: return read_text(f, v, to, fault);
    case SAY_CHOICE: return read_choice(f, v, to, fault);
    case SAY_BOOL:
        if (!json_is_boolean(v))
            return wrong_type(f, v, "true or false", fault);
        *(int64_t *)to = json_is_true(v);
        return 0;
    case SAY_REAL:
    case SAY_INT: break;
    }
    if (!json_is_number(v))
        return wrong_type(f, v, f->type == SAY_INT ? "a whole number" : "a number", fault);
    number = json_number_value(v);
    if (!(number >= f->least && number <= f->most))
        return out_of_range(f, fault);
    if (f->type == SAY_REAL)
        *(double *)to = number;
    else if (number != floor(number))
        return say_fault_set(fault, f->name, "invalid_type", "\"%s\" is %g, expected a whole number", f->name, number);
    else
        *(int64_t *)to = (int64_t)number; /* exact: the limits are below 2^53 */
    return 0;
}

/* -------- all of them -------- */

static const struct say_field *find_field(enum say_api api, const char *name)
{
    for (const struct say_field *f = say_fields; f->name; f++)
        if (f->apis & api && strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

/* Names that could not stand in a header are passed over. */
static void note_ignored(struct say_request *q, const char *name)
{
    const size_t used = strlen(q->ignored), len = strlen(name);
    const size_t plain =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (len && plain == len && used + len + 3 < sizeof q->ignored)
        snprintf(q->ignored + used, sizeof q->ignored - used, "%s%s", used ? ", " : "", name);
}

int say_request_read(struct say_request *q, enum say_api api, json_t *fields, struct say_fault *fault)
{
    const char *name;
    json_t *value;
    *q = (struct say_request){.fields = fields, .speed = NAN, .target_rms = NAN, .cross_fade = NAN, .sway = NAN,
                              .cfg_strength = NAN, .fix_duration = NAN, .nfe = SAY_ABSENT, .seed = SAY_ABSENT,
                              .timeout_ms = SAY_ABSENT, .remove_silence = SAY_ABSENT, .stream = SAY_ABSENT};
    int rc = 0;
    json_object_foreach (fields, name, value) {
        const struct say_field *f = find_field(api, name);
        if (!f)
            note_ignored(q, name);
        else if (!json_is_null(value) && (rc = read_value(q, f, value, fault)))
            break;
    }
    if (!rc && !q->text) {
        const char *text = api == SAY_OPENAI ? "input" : "text";
        rc = say_fault_set(fault, text, "missing_required_parameter", "expected a text to speak in \"%s\"", text);
    }
    if (!rc && q->stream == 0 && q->stream_format && strcmp(q->stream_format, "sse") == 0)
        rc = say_fault_set(fault, "stream", "invalid_value", "\"stream\" is false, but events are a stream");
    if (rc)
        say_request_release(q);
    return rc;
}

void say_request_release(struct say_request *q)
{
    json_decref(q->fields);
    *q = (struct say_request){0};
}

/* -------- out of a query -------- */

/* NULL: not what the field takes, or no memory. */
static json_t *value_from_text(const struct say_field *f, const char *s)
{
    char *end;
    if (f->type == SAY_BOOL)
        return strcmp(s, "true") == 0 ? json_true() : strcmp(s, "false") == 0 ? json_false() : NULL;
    if (f->type != SAY_REAL && f->type != SAY_INT)
        return json_string(s); /* refuses what is no UTF-8 */
    if (strspn(s, "0123456789+-.eE") != strlen(s) || !*s)
        return NULL;
    const double number = strtod(s, &end);
    return *end ? NULL : json_real(number); /* refuses what is not finite */
}

json_t *say_fields_from_query(enum say_api api, const char *(*get)(const void *user, const char *name),
                              const void *user, struct say_fault *fault)
{
    json_t *fields = json_object();
    for (const struct say_field *f = say_fields; f->name && fields; f++) {
        const char *s = f->apis & api ? get(user, f->name) : NULL;
        if (!s)
            continue;
        json_t *value = value_from_text(f, s);
        if (!value || json_object_set_new(fields, f->name, value)) {
            say_fault_set(fault, f->name, "invalid_type", "\"%s\": expected %s", f->name,
                          f->type == SAY_BOOL                          ? "true or false"
                          : f->type == SAY_REAL || f->type == SAY_INT ? "a number"
                                                                       : "UTF-8");
            json_decref(fields);
            return NULL;
        }
    }
    if (!fields)
        say_fault_set(fault, NULL, "out_of_memory", "out of memory");
    return fields;
}

/* -------- what follows from it -------- */

void say_request_params(const struct say_request *q, int nfe, ishow_say_params *ret)
{
    ishow_say_params_init(ret);
    ret->nfe = q->nfe != SAY_ABSENT ? (int)q->nfe : nfe;
    ret->speed = isnan(q->speed) ? ret->speed : q->speed;
    ret->target_rms = isnan(q->target_rms) ? ret->target_rms : q->target_rms;
    ret->cross_fade = isnan(q->cross_fade) ? ret->cross_fade : q->cross_fade;
    ret->sway = isnan(q->sway) ? ret->sway : q->sway;
    ret->cfg_strength = isnan(q->cfg_strength) ? ret->cfg_strength : q->cfg_strength;
    ret->fix_duration = isnan(q->fix_duration) ? ret->fix_duration : q->fix_duration;
    if (q->remove_silence != SAY_ABSENT)
        ret->remove_silence = (int)q->remove_silence;
    ret->seed = q->seed == SAY_ABSENT || q->seed < 0 ? ISHOW_SEED_RANDOM : (uint64_t)q->seed;
}

enum job_priority say_request_priority(const struct say_request *q)
{
    const char *name = q->priority_name ? q->priority_name : "normal";
    return strcmp(name, "urgent") == 0 ? JOB_URGENT : strcmp(name, "high") == 0 ? JOB_HIGH : JOB_NORMAL;
}
