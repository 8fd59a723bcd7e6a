/* How a worker speaks jobs: with the model, again with another seed when the result cannot be right, with the
 * built-in voices when the model does not, and with an error when nothing does.
 *
 * Of a stream, each piece is checked before it leaves. One that is bad before any has left is made again like
 * everything else; a stream that has begun ends with JOB_BROKEN, which its client sees: a piece cannot be made again
 * alone, because where pieces end depends on how fast the engine is, and other voices do not take over in the middle
 * of a sentence. */
#ifndef ISHOW_SPEECH_JOB_SPEAK_H
#define ISHOW_SPEECH_JOB_SPEAK_H

#include "speech/job.h"
#include "speech/speech_engine.h"

/* Speaks 1..SPEECH_CLIPS_MAX jobs, together if there is more than one, and calls `on_end` for each when it is
 * settled; after that the job may be gone. */
void jobs_speak(struct speech_engine *e, struct job *const *jobs, int n, void (*on_end)(void *user, struct job *job),
                void *user);

#endif
