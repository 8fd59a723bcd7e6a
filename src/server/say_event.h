/* Speech as server-sent events: the words of each event. All append to `out`; 0 or E_NOMEM. */
#ifndef ISHOW_SERVER_SAY_EVENT_H
#define ISHOW_SERVER_SAY_EVENT_H

#include "base/buf.h"
#include "speech/speech.h"

#include <stdint.h>

/* GET /api/tts/stream */
int say_event_start(struct buf *out, const char *request_id, const char *voice_id, const char *type);
int say_event_audio(struct buf *out, uint64_t seq, const void *bytes, size_t n);
int say_event_done(struct buf *out, const char *request_id, const char *voice_id, const struct job_result *result);

/* OpenAI's, which have no names. Tokens are the text's characters and the sound's mel frames (256 samples). */
int say_event_delta(struct buf *out, const void *bytes, size_t n);
int say_event_speech_done(struct buf *out, size_t characters, const struct job_result *result);

/* Of both; `named` for the first. */
int say_event_error(struct buf *out, int named, int status, const char *code, const char *message);

#endif
