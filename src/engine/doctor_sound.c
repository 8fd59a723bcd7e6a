/* Sound libraries, tried rather than asked: each format is encoded, each built-in voice says a word. */
#include "engine/doctor.h"

#include "audio/sound_file.h"
#include "engine/voice_espeak.h"
#include "engine/voice_flite.h"

#include <ctype.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int drop(void *user, const void *bytes, size_t len, struct error *err)
{
    (void)bytes, (void)err;
    *(size_t *)user += len;
    return 0;
}

static int can_write(enum sound_format format)
{
    static const float silence[2400];
    struct sound_encoder *e = NULL;
    size_t bytes = 0;
    int ok = !sound_encoder_create(format, 2400, drop, &bytes, &e, NULL) &&
             !sound_encoder_write(e, silence, 2400, NULL) && !sound_encoder_finish(e, NULL) && bytes > 0;
    sound_encoder_free(e);
    return ok;
}

static void tell_formats(struct doctor *d)
{
    static const enum sound_format all[] = {SOUND_WAV, SOUND_FLAC, SOUND_OGG, SOUND_OPUS, SOUND_MP3};
    char can[64] = "", cannot[64] = "";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *list = can_write(all[i]) ? can : cannot;
        snprintf(list + strlen(list), 64 - strlen(list), " %s", sound_format_name(all[i]));
    }
    if (!*cannot)
        doctor_tell(d, "sound files", ISHOW_GOOD, NULL, "%s writes%s", sf_version_string(), can);
    else
        doctor_tell(d, "sound files", strstr(cannot, "wav") ? ISHOW_BAD : ISHOW_NOTE,
                    "sudo apt-get install libsndfile1",
                    "%s writes%s, but not%s: mp3 takes libsndfile 1.1 or newer", sf_version_string(),
                    *can ? can : " nothing", cannot);
    doctor_tell(d, "resampling", ISHOW_GOOD, NULL, "%s", soxr_version());
}

static void tell_voices(struct doctor *d)
{
    struct pcm pcm = {0};
    struct error err;
    int rc = flite_speak("ok", 1, &pcm, &err);
    if (rc || pcm.len == 0)
        doctor_tell(d, "flite", ISHOW_BAD, "sudo apt-get install --reinstall libflite1", "%s",
                    rc ? err.text : "the voice slt says nothing");
    else
        doctor_tell(d, "flite", ISHOW_GOOD, NULL, "voice slt speaks English");
    rc = espeak_speak("zh", "好", 1, &pcm, &err);
    if (rc || pcm.len == 0)
        doctor_tell(d, "espeak-ng", ISHOW_NOTE, "sudo apt-get install " ESPEAK_PACKAGES,
                    "%s: without a model, only English is spoken", rc ? err.text : "its Mandarin voice says nothing");
    else
        doctor_tell(d, "espeak-ng", ISHOW_GOOD, NULL, "voice %s speaks Mandarin; other languages have theirs",
                    espeak_voice_name("zh"));
    pcm_release(&pcm);
}

static int in_path(const char *program)
{
    const char *path = getenv("PATH");
    char full[DOCTOR_PATH_MAX];
    for (const char *p = path; p && *p;) {
        size_t n = strcspn(p, ":");
        snprintf(full, sizeof full, "%.*s/%s", (int)n, p, program);
        if (n > 0 && access(full, X_OK) == 0)
            return 1;
        p += n + (p[n] == ':');
    }
    return 0;
}

/* The first line of /proc/asound/cards is " 0 [PCH            ]: HDA-Intel - HDA Intel PCH". */
static int sound_card(const struct doctor *d, char *name, size_t size)
{
    char line[256];
    if (doctor_line(d, "/proc/asound/cards", line, sizeof line) || !isdigit((unsigned char)line[strspn(line, " ")]))
        return 0;
    const char *at = strstr(line, " - ");
    snprintf(name, size, "%s", at ? at + 3 : line);
    return 1;
}

static void tell_device(struct doctor *d)
{
    static const char *const players[] = {"pw-play", "paplay", "aplay"};
    char card[256] = "";
    const char *player = NULL;
    for (size_t i = 0; i < sizeof players / sizeof *players && !player; i++)
        if (in_path(players[i]))
            player = players[i];
    int device = sound_card(d, card, sizeof card);
    if (!device && getenv("PULSE_SERVER")) {
        device = 1;
        snprintf(card, sizeof card, "the sound server in PULSE_SERVER");
    }
    if (!device)
        doctor_tell(d, "playing", ISHOW_GOOD, NULL, "no sound device: speech goes into files");
    else if (player)
        doctor_tell(d, "playing", ISHOW_GOOD, NULL, "%s, by %s", card, player);
    else
        doctor_tell(d, "playing", ISHOW_NOTE, "sudo apt-get install alsa-utils", "%s, but no player for it", card);
}

void doctor_sound(struct doctor *d)
{
    tell_formats(d);
    tell_voices(d);
    tell_device(d);
}
