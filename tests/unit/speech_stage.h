/* What the tests of speech share: a loop that runs until something has come true, listeners that note what they hear,
 * and a speech with the engine of fake_engine.h. All of it is made anew for each test. */
#ifndef ISHOW_TESTS_SPEECH_STAGE_H
#define ISHOW_TESTS_SPEECH_STAGE_H

#include "fake_engine.h"
#include "config/config.h"
#include "speech/speech.h"
#include "speech/voices.h"

#define PATIENCE 20.0 /* seconds for what takes milliseconds: a test that fails says so instead of hanging */
#define TEXT     "Hello chat, how are you today?"

/* A listener, and what it has heard. */
struct heard {
    int starts, pieces, done, left;
    struct job_result so_far, result;
    char message[512], degraded[64], spoken_by[256];
    struct buf sound; /* as it came */
    struct buf kept;  /* what the result had of it */
    struct job *job;
};

extern struct loop *loop;
extern struct speech *speech;
extern struct voices *voices;
extern struct heard heard[32];

/* -------- a test's course -------- */

int setup(void **state); /* before each */
struct speech_params usual(void);
void start(const struct speech_params *p);
void stop(void);
void configure_voices(size_t n); /* "v0", "v1", ... */

/* A request of listener `i`, to be changed and submitted. */
struct job_request request(int i);
enum submit_verdict submit(int i, const struct job_request *r);
void ask(int i);    /* both */
void occupy(int i); /* holds the model up with a job of listener `i`, until fake.gate is opened */

/* Runs the loop until fn() is true, or patience ends. Its last value. */
int await(int (*fn)(void));
#define await_true(fn)                          \
    do {                                        \
        if (!await(fn))                         \
            fail_msg("it never came: %s", #fn); \
    } while (0)

int all_over(void); /* no job is left */
int first_done(void);
int second_done(void);
int first_piece(void);

/* -------- a listener's ears -------- */

void on_start(void *user, const struct job_result *so_far);
void on_audio(void *user, const void *bytes, size_t n);
void on_done(void *user, const struct job_result *result);
void cancel_from_within(void *user, const void *bytes, size_t n); /* leaves when it hears something */

#endif
