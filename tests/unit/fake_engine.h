/* An engine that does as it is told: a model that is silent, clipped, lost, slow or hanging when a test wants it to be.
 *
 * It stands in for the model alone; the built-in voices are the real ones. Its behaviour is a list, one entry a synthesis, over and
 * over. */
#ifndef ISHOW_TESTS_FAKE_ENGINE_H
#define ISHOW_TESTS_FAKE_ENGINE_H

#include "speech/speech_engine.h"

#include <stdatomic.h>

enum fake_act {
    FAKE_SPEAKS,     /* a second and a half of a tone, in two pieces */
    FAKE_SILENT,
    FAKE_CLIPS,
    FAKE_NO_NUMBERS, /* fails as the engine does when it meets NaN */
    FAKE_SHORT,
    FAKE_LONG,
    FAKE_LOST,       /* its model cannot be read any more */
    FAKE_BREAKS,     /* any other failure */
    FAKE_LATER_BAD,  /* the first piece is good, the second silent */
    FAKE_HANGS       /* calls nobody until the gate is open */
};

#define FAKE_ACTS_MAX 32

extern struct fake {
    enum fake_act acts[FAKE_ACTS_MAX]; /* of each synthesis in turn; set before it is asked for */
    atomic_int says;                   /* syntheses so far */
    atomic_int inside;                 /* that are being made */
    atomic_int gate;                   /* 0: every synthesis waits before its first sound */
    atomic_int second_gate;            /* 0: and again before its second piece */
    atomic_int cannot_open;            /* opening the model fails */
    atomic_int opens, closes, clips;
    atomic_int together[FAKE_ACTS_MAX], manys; /* calls of say_many, and how many were in each */
    atomic_int nfe, first_chunk;       /* of the last one */
    atomic_ullong seed;
} fake;

extern const struct engine_calls fake_calls;

void fake_reset(void); /* both gates open */

#endif
