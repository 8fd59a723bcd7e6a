/* See clip_check.h. */
#include "server/clip_check.h"

#include <string.h>

const char *clip_media_type(struct slice clip)
{
    static const struct {
        size_t at;
        const char *magic, *type;
    } kinds[] = {
        {8, "WAVE", "audio/wav"},  {0, "fLaC", "audio/flac"}, {0, "OggS", "audio/ogg"},
        {0, "ID3", "audio/mpeg"},  {8, "AIFF", "audio/aiff"}, {8, "AIFC", "audio/aiff"},
        {0, ".snd", "audio/basic"}, {0, "caff", "audio/x-caf"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t n = strlen(kinds[i].magic);
        if (clip.len >= kinds[i].at + n && memcmp(clip.ptr + kinds[i].at, kinds[i].magic, n) == 0)
            return kinds[i].type;
    }
    const unsigned char *p = (const unsigned char *)clip.ptr; /* an MPEG frame without a tag before it: layer II or III */
    return clip.len >= 4 && p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x06) && (p[2] & 0xf0) != 0xf0 ? "audio/mpeg"
                                                                                                         : NULL;
}

int clip_check(struct slice clip, const char *words, json_t **ret, struct error *err)
{
    (void)clip;
    (void)words;
    json_t *list = json_array();
    if (!list)
        return error_nomem(err);
    *ret = list;
    return 0;
}
