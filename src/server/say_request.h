/* What a client wants to have said: the fields of every speech route, checked one by one.
 *
 * say_fields in say_request.c is the list of all fields with their types and limits; openapi.json tells clients the
 * same, and a test holds the two together. Nothing is corrected silently: a value of another type or outside its
 * limits is refused with a sentence and the field's name. null is as good as absent. Fields that are not in the list
 * do no harm, but are remembered, so that a typing error can be pointed out. */
#ifndef ISHOW_SERVER_SAY_REQUEST_H
#define ISHOW_SERVER_SAY_REQUEST_H

#include "base/error.h"
#include "speech/speech.h"

#include <jansson.h>

#define SAY_TEXT_MAX    4096 /* characters */
#define SAY_WORD_MAX    256  /* characters of a name, of a voice or a model */
#define SAY_IGNORED_MAX 200  /* bytes of the list of fields without effect */

enum say_api {
    SAY_OPENAI = 1,   /* "input", "voice", "response_format", ... */
    SAY_ORIGINAL = 2, /* "text", "voice_id", "format", ... */
    SAY_BOTH = 3
};

enum say_field_type { SAY_TEXT, SAY_CHOICE, SAY_NAMED, SAY_REAL, SAY_INT, SAY_BOOL };

struct say_field {
    const char *name;
    unsigned apis; /* of enum say_api */
    enum say_field_type type;
    double least, most;  /* of a number; of a text, its characters */
    const char *choices; /* "mp3|opus|..." */
    size_t offset;       /* in struct say_request */
};

extern const struct say_field say_fields[]; /* ended by a NULL name */

struct say_request {
    json_t *fields; /* owned; the texts are in it. NULL: not given */
    const char *text, *voice, *model, *instructions, *engine, *format, *stream_format, *priority_name;
    double speed, target_rms, cross_fade, sway, cfg_strength, fix_duration; /* NaN: not given */
    int64_t nfe, seed, timeout_ms, remove_silence, stream;                  /* SAY_ABSENT: not given */
    char ignored[SAY_IGNORED_MAX]; /* "nfe_steps, foo" */
};

#define SAY_ABSENT INT64_MIN

struct say_fault {
    const char *param; /* the field; lives for ever */
    const char *code;  /* "invalid_type", "out_of_range", ...; the same */
    char text[ERROR_TEXT_MAX];
};

/* Takes over `fields`, an object, also on failure. -1 leaves `q` released and the reason in `fault`. */
int say_request_read(struct say_request *q, enum say_api api, json_t *fields, struct say_fault *fault);
void say_request_release(struct say_request *q); /* accepts a zeroed one */

/* An object out of a query's texts: numbers where numbers belong, true and false for switches. `get` gives the
 * value of a name, or NULL. NULL and the reason in `fault` when one is not what it should be. */
json_t *say_fields_from_query(enum say_api api, const char *(*get)(const void *user, const char *name),
                              const void *user, struct say_fault *fault);

/* How it is to be spoken; `nfe` is the number of evaluations when nothing is asked for. */
void say_request_params(const struct say_request *q, int nfe, ishow_say_params *ret);
enum job_priority say_request_priority(const struct say_request *q);

/* -------- sound formats -------- */

struct say_format {
    const char *name; /* "mp3": in requests, and for ishow_encoder_create */
    const char *type; /* media type */
};
extern const struct say_format say_formats[]; /* ended by a NULL name */
const struct say_format *say_format_find(const char *name); /* NULL when there is none */

/* How much of a client's word is quoted in a sentence, in bytes: for "%.*s". */
int say_quoted(const char *word);

__attribute__((format(printf, 4, 5))) int say_fault_set(struct say_fault *f, const char *param, const char *code,
                                                        const char *fmt, ...); /* -1 */

#endif
