/* See load_audio.h. Nothing is kept but a wav's header and two numbers: a load test must not be about its own
 * memory. */
#include "cli/load_audio.h"

#include <string.h>

#define PCM_BYTES_PER_SECOND 48000

void load_audio_init(struct load_audio *a, enum load_audio_kind kind)
{
    *a = (struct load_audio){.kind = kind, .rate.key = "\"sample_rate\"", .length.key = "\"waveform_len\""};
}

static void scan(struct load_scan *s, const char *p, size_t len)
{
    const unsigned whole = (unsigned)strlen(s->key);
    for (const char *const end = p + len; p < end && !s->done; p++) {
        if (s->at == 0) { /* a second of base64 without quotes is passed over at memchr's speed */
            if (!(p = memchr(p, '"', (size_t)(end - p))))
                return;
            s->at = 1;
        } else if (s->at < whole) {
            s->at = *p == s->key[s->at] ? s->at + 1 : *p == '"';
        } else if (*p >= '0' && *p <= '9') {
            s->value = s->value * 10 + (*p - '0');
            s->begun = 1;
        } else {
            s->done = s->begun || (*p != ' ' && *p != ':');
        }
    }
}

void load_audio_add(struct load_audio *a, const void *data, size_t len)
{
    if (a->kind == LOAD_AUDIO_JSON) {
        scan(&a->rate, data, len);
        scan(&a->length, data, len);
    } else if (a->kind == LOAD_AUDIO_WAV && a->bytes < sizeof a->header) {
        const size_t room = sizeof a->header - (size_t)a->bytes;
        memcpy(a->header + a->bytes, data, len < room ? len : room);
    }
    a->bytes += len;
}

int load_audio_begun(const struct load_audio *a)
{
    return a->bytes > (a->kind == LOAD_AUDIO_WAV ? sizeof a->header : 0);
}

/* By the bytes that came: a streamed wav's header does not know its length. */
static double wav_seconds(const struct load_audio *a)
{
    const unsigned char *h = a->header;
    if (a->bytes <= sizeof a->header || memcmp(h, "RIFF", 4) != 0 || memcmp(h + 8, "WAVE", 4) != 0)
        return 0;
    const uint32_t per_second = h[28] | (uint32_t)h[29] << 8 | (uint32_t)h[30] << 16 | (uint32_t)h[31] << 24;
    return per_second ? (double)(a->bytes - sizeof a->header) / per_second : 0;
}

double load_audio_seconds(const struct load_audio *a)
{
    switch (a->kind) {
    case LOAD_AUDIO_PCM:
        return (double)a->bytes / PCM_BYTES_PER_SECOND;
    case LOAD_AUDIO_WAV:
        return wav_seconds(a);
    case LOAD_AUDIO_JSON:
        return a->rate.value > 0 ? a->length.value / a->rate.value : 0;
    default:
        return 0;
    }
}
