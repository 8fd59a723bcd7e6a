/* Sound from strangers: bytes through the reader and, when they are sound, through the preparation of a
 * reference clip. Long results go no further than the reader, so that a run stays fast. */
#include "audio/shape.h"
#include "audio/sound_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define INPUT_MAX 65536
#define PREPARE_MAX 500000 /* samples */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pcm clip = {0};
    struct error err;
    if (size > INPUT_MAX || sound_read_memory(data, size, &clip, &err))
        return 0;
    for (size_t i = 0; i < clip.len; i++)
        if (!(fabsf(clip.samples[i]) <= 1))
            abort();
    float rms;
    if (clip.len <= PREPARE_MAX && !reference_prepare(&clip, 0.1f, &rms, &err)) {
        if (clip.rate != AUDIO_RATE || !(rms > 0) || clip.len > (REFERENCE_MAX_SECONDS + 1) * AUDIO_RATE)
            abort();
        for (size_t i = 0; i < clip.len; i++)
            if (!isfinite(clip.samples[i]))
                abort();
    }
    pcm_release(&clip);
    return 0;
}
