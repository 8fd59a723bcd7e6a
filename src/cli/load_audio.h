/* How much sound an answer holds, told while its bytes pass by. */
#ifndef ISHOW_CLI_LOAD_AUDIO_H
#define ISHOW_CLI_LOAD_AUDIO_H

#include <stddef.h>
#include <stdint.h>

enum load_audio_kind {
    LOAD_AUDIO_NONE, /* no sound in it */
    LOAD_AUDIO_SOME, /* sound of a length that cannot be told without decoding it */
    LOAD_AUDIO_PCM,  /* 16 bit, mono, 24 kHz, as OpenAI has it */
    LOAD_AUDIO_WAV,  /* with a header of 44 bytes */
    LOAD_AUDIO_JSON, /* /api/tts: "sample_rate" and "waveform_len" stand in it */
};

struct load_scan { /* for one whole number in a JSON text that comes in pieces */
    const char *key; /* with its quotes */
    unsigned at;     /* characters of it that have been met */
    int begun, done; /* the number's digits */
    double value;
};

struct load_audio {
    enum load_audio_kind kind;
    uint64_t bytes; /* so far */
    unsigned char header[44];
    struct load_scan rate, length;
};

void load_audio_init(struct load_audio *a, enum load_audio_kind kind);
void load_audio_add(struct load_audio *a, const void *data, size_t len);
int load_audio_begun(const struct load_audio *a);      /* more than a header has come */
double load_audio_seconds(const struct load_audio *a); /* 0 when it cannot be told */

#endif
