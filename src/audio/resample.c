/* See resample.h. The whole clip goes through soxr in one call on the calling thread. */
#include "audio/resample.h"

#include "audio/sound_file.h"

#include <soxr.h>
#include <stdint.h>
#include <string.h>

int pcm_resample(struct pcm *p, int rate, struct error *err)
{
    if (rate < SOUND_MIN_RATE || rate > SOUND_MAX_RATE || p->rate < SOUND_MIN_RATE ||
        p->rate > SOUND_MAX_RATE)
        return error_set(err, E_ARG, "cannot convert %d Hz to %d Hz: sample rates go from %d to %d Hz",
                         p->rate, rate, SOUND_MIN_RATE, SOUND_MAX_RATE);
    if (rate == p->rate)
        return 0;
    if (p->len > SIZE_MAX / (2 * SOUND_MAX_RATE))
        return error_set(err, E_LIMIT, "%zu samples are too many to resample", p->len);

    size_t in_rate = (size_t)p->rate;
    size_t len = (p->len * (size_t)rate + in_rate / 2) / in_rate;
    struct pcm out = {.rate = rate};
    if (pcm_append_silence(&out, len)) /* zeros, should soxr end a sample early */
        return error_nomem(err);
    if (len) {
        soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        size_t done;
        soxr_error_t failed = soxr_oneshot(p->rate, rate, 1, p->samples, p->len, NULL, out.samples, len,
                                           &done, &io, &quality, &runtime);
        if (failed) {
            pcm_release(&out);
            return error_set(err, strstr(failed, "malloc") ? E_NOMEM : E_INTERNAL,
                             "cannot convert %d Hz to %d Hz: %s", p->rate, rate, failed);
        }
    }
    pcm_release(p);
    *p = out;
    return 0;
}
