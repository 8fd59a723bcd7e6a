/* The names of the formats that can be written. */
#include "audio/sound_file.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *mime;
} formats[] = {
    [SOUND_WAV] = {"wav", "audio/wav"},  [SOUND_FLAC] = {"flac", "audio/flac"},
    [SOUND_OGG] = {"ogg", "audio/ogg"},  [SOUND_OPUS] = {"opus", "audio/ogg"},
    [SOUND_MP3] = {"mp3", "audio/mpeg"}, [SOUND_PCM] = {"pcm", "audio/pcm"},
};

#define FORMAT_LIST "wav, flac, ogg, opus, mp3, pcm"

int sound_format_parse(const char *name, enum sound_format *ret, struct error *err)
{
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash ? slash : name, '.');
    const char *ext = dot ? dot + 1 : name;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(ext, formats[i].name)) {
            *ret = (enum sound_format)i;
            return 0;
        }
    if (slash && !dot)
        return error_set(err, E_UNSUPPORTED,
                         "%s does not end in a sound format's name; there are " FORMAT_LIST, name);
    return error_set(err, E_UNSUPPORTED, "no sound format is called \"%s\"; there are " FORMAT_LIST, ext);
}

const char *sound_format_name(enum sound_format f)
{
    return formats[f].name;
}

const char *sound_format_mime(enum sound_format f)
{
    return formats[f].mime;
}
