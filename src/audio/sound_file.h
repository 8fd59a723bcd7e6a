/* Sound files in and out, by libsndfile: wav, flac, ogg vorbis, opus, mp3 and what else it reads. */
#ifndef ISHOW_AUDIO_SOUND_FILE_H
#define ISHOW_AUDIO_SOUND_FILE_H

#include "audio/pcm.h"
#include "base/error.h"

#define SOUND_MAX_SECONDS  900                 /* of a file that is read: longer is E_LIMIT */
#define SOUND_MAX_FRAMES   (900u * 96000u)     /* the same at rates above 96 kHz */
#define SOUND_MAX_BYTES    ((size_t)512 << 20) /* of a sound in memory or from a pipe */
#define SOUND_MAX_CHANNELS 64
#define SOUND_MIN_RATE     4000
#define SOUND_MAX_RATE     384000

/* Decodes a whole file (or bytes) at its own rate, channels averaged to one, whatever libsndfile knows
 * by its content: wav, flac, ogg vorbis, opus, mp3, aiff, au, caf, w64, no m4a. Of a truncated file it
 * takes what is there. Values are limited to ±1; NaN and Inf become 0 and more than 1 % of them is
 * E_FORMAT, as is a file without sound. */
int sound_read(const char *path, struct pcm *ret, struct error *err);

/* The same with narrower limits than SOUND_MAX_…, for files from strangers; E_LIMIT is found before more than that much
 * sound is in memory. `traits` receives what averaging the channels hides. */
struct sound_limits {
    int seconds;
    size_t bytes; /* of the file */
};
struct sound_traits {
    int channels;
    float peak;     /* of all channels, 0..1 */
    size_t clipped; /* samples of all channels at full scale */
    double differ;  /* rms of what channels have apart from their mean, over the rms of the mean; 0 for mono */
};
int sound_read_within(const char *path, struct sound_limits limits, struct pcm *ret, struct sound_traits *traits,
                      struct error *err);
int sound_read_memory_within(const void *data, size_t len, struct sound_limits limits, struct pcm *ret,
                             struct sound_traits *traits, struct error *err);
int sound_read_memory(const void *data, size_t len, struct pcm *ret, struct error *err);

enum sound_format { SOUND_WAV, SOUND_FLAC, SOUND_OGG, SOUND_OPUS, SOUND_MP3, SOUND_PCM /* raw s16le */ };

/* By a file name's extension or a bare name ("mp3"); E_UNSUPPORTED lists what there is. */
int sound_format_parse(const char *name, enum sound_format *ret, struct error *err);
const char *sound_format_name(enum sound_format f); /* "mp3" */
const char *sound_format_mime(enum sound_format f);

/* An encoder: PCM in, container bytes out through `sink`, in order. 16-bit for wav and flac.
 *
 * When `total` (samples) is known the wav header has exact sizes from its first byte, and giving more
 * or fewer is E_ARG; otherwise (0) a wav is streamed with the sizes at their maximum, as OpenAI does.
 * All formats go out while they are written but flac, which comes whole at the end, because its header
 * is completed last. NaN and Inf in the input become 0 and values are clipped to ±1. Everything is mono
 * at AUDIO_RATE, which opus codes natively; opus at 48 kbit/s, mp3 at a constant 96 kbit/s.
 *
 * A sink returns 0 or an error code, which then is what the encoder returns. After a failure nothing
 * more goes out and every call fails. Finishing without a single sample is E_ARG. */
struct sound_encoder;
typedef int (*sound_sink)(void *user, const void *bytes, size_t len, struct error *err);
int sound_encoder_create(enum sound_format f, size_t total, sound_sink sink, void *user,
                         struct sound_encoder **ret, struct error *err);
int sound_encoder_write(struct sound_encoder *e, const float *samples, size_t n, struct error *err);
int sound_encoder_finish(struct sound_encoder *e, struct error *err); /* flushes the trailer */
void sound_encoder_free(struct sound_encoder *e); /* accepts NULL; unfinished ones are abandoned */

#endif
