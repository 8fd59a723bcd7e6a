/* See degrade.h. */
#include "speech/degrade.h"

#include <math.h>

#define LEARN 0.2 /* weight of the newest figure in a running mean */

const char *degrade_text(unsigned steps)
{
    static const char *const texts[] = {"",        "nfe",         "seed",         "nfe,seed",
                                        "builtin", "nfe,builtin", "seed,builtin", "nfe,seed,builtin"};
    return texts[steps & 7];
}

int degrade_nfe(const struct config_rung *ladder, size_t n, int depth, int nfe)
{
    for (size_t i = 0; i < n; i++)
        if (depth >= ladder[i].depth && nfe > ladder[i].nfe)
            nfe = ladder[i].nfe;
    return nfe;
}

static void learn(double *mean, double value)
{
    *mean = *mean > 0 ? *mean + LEARN * (value - *mean) : value;
}

void tempo_learn(struct tempo *p, double units, int jobs, double seconds)
{
    if (!(seconds > 0) || jobs < 1)
        return;
    if (units > 0)
        learn(&p->unit, seconds / units);
    learn(&p->job, seconds / jobs);
}

double tempo_expect(const struct tempo *p, double units)
{
    return p->unit * units;
}

int tempo_retry_after(const struct tempo *p, int waiting, int workers)
{
    const double seconds = ceil(p->job * waiting / (workers > 0 ? workers : 1));
    return seconds < 1 ? 1 : seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : (int)seconds;
}
