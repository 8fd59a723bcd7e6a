/* See load_histogram.h. A value of up to HISTOGRAM_BITS + 1 bits has a bucket of its own; of a longer one the
 * HISTOGRAM_BITS + 1 leading bits and their position are the bucket. */
#include "cli/load_histogram.h"

#include <math.h>

static unsigned bucket_of(uint64_t v)
{
    const unsigned shift = v >> (HISTOGRAM_BITS + 1) ? 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(v) : 0;
    return shift * HISTOGRAM_PRECISION + (unsigned)(v >> shift);
}

static uint64_t top_of(unsigned bucket)
{
    const unsigned shift = bucket < 2 * HISTOGRAM_PRECISION ? 0 : bucket / HISTOGRAM_PRECISION - 1;
    return (((uint64_t)bucket - shift * HISTOGRAM_PRECISION + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    if (value > HISTOGRAM_MOST)
        value = HISTOGRAM_MOST;
    h->counts[bucket_of(value)]++;
    if (h->total == 0 || value < h->least)
        h->least = value;
    if (value > h->most)
        h->most = value;
    h->total++;
    h->sum += (double)value;
}

uint64_t histogram_percentile(const struct histogram *h, double part)
{
    const double wanted = ceil(part * (double)h->total);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen && (double)seen >= wanted) {
            const uint64_t top = top_of(i);
            return top > h->most ? h->most : top;
        }
    }
    return h->most;
}

double histogram_mean(const struct histogram *h)
{
    return h->total ? h->sum / (double)h->total : 0;
}
