/* What gives when there is too much to do or a synthesis fails, in this order: fewer evaluations, another seed, the
 * built-in engine. And how fast the workers are, so that what cannot be in time is known before it is late. Pure. */
#ifndef ISHOW_SPEECH_DEGRADE_H
#define ISHOW_SPEECH_DEGRADE_H

#include "config/config.h"

#include <stddef.h>

enum degrade_step { DEGRADE_NFE = 1, DEGRADE_SEED = 2, DEGRADE_BUILTIN = 4 };

/* "", "nfe", "nfe,seed,builtin"; lives for ever. */
const char *degrade_text(unsigned steps);

/* What `nfe` becomes with `depth` requests waiting: the least of it and of all rungs that are reached. */
int degrade_nfe(const struct config_rung *ladder, size_t n, int depth, int nfe);

/* Running means of what work takes; zeroed: nothing is known. */
struct tempo {
    double unit; /* seconds of work for one unit of it */
    double job;  /* the same for one request */
};

/* `jobs` requests of `units` together took `seconds` of one worker. */
void tempo_learn(struct tempo *p, double units, int jobs, double seconds);
double tempo_expect(const struct tempo *p, double units); /* seconds; 0: nothing is known */

#define RETRY_AFTER_MAX 120 /* seconds; what OpenAI's clients wait at most */

/* Seconds until what waits now is done, at least 1. */
int tempo_retry_after(const struct tempo *p, int waiting, int workers);

#endif
