/* See voice_check.h. */
#include "server/voice_check.h"

#include "ishowtts.h"

#include <string.h>

const char *voice_clip_type(struct slice clip)
{
    static const struct {
        size_t at;
        const char *magic, *type;
    } kinds[] = {
        {8, "WAVE", "audio/wav"},  {0, "fLaC", "audio/flac"}, {0, "OggS", "audio/ogg"},   {0, "ID3", "audio/mpeg"},
        {8, "AIFF", "audio/aiff"}, {8, "AIFC", "audio/aiff"}, {0, ".snd", "audio/basic"}, {0, "caff", "audio/x-caf"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t n = strlen(kinds[i].magic);
        if (clip.len >= kinds[i].at + n && memcmp(clip.ptr + kinds[i].at, kinds[i].magic, n) == 0)
            return kinds[i].type;
    }
    const unsigned char *p =
        (const unsigned char *)clip.ptr; /* an MPEG frame without a tag before it: layer II or III */
    return clip.len >= 4 && p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x06) && (p[2] & 0xf0) != 0xf0
               ? "audio/mpeg"
               : NULL;
}

/* What is found, gathered. */
struct findings {
    json_t *list;
    struct buf bad; /* sentences that refuse the clip */
    int words_only, failed;
};

static void add_finding(void *user, const ishow_finding *f)
{
    static const char *const verdicts[] = {"good", "note", "bad"};
    struct findings *all = user;
    all->failed |= json_array_append_new(all->list, json_pack("{s:s,s:s,s:s,s:s*}", "topic", f->topic, "verdict",
                                                              verdicts[f->verdict], "text", f->text, "mend",
                                                              *f->mend ? f->mend : NULL));
    if (f->verdict == ISHOW_BAD && (!all->words_only || strcmp(f->topic, "words") == 0))
        all->failed |= buf_addf(&all->bad, "%s%s", all->bad.len ? "; " : "", f->text);
}

/* Turns what the checker found, or its `rc`, into a verdict. */
static int conclude(struct findings *all, int rc, json_t **ret, struct error *err)
{
    if (rc == E_LIMIT)
        rc = error_set(err, E_FORMAT, "%s", err->text);
    if (!rc && all->failed)
        rc = error_nomem(err);
    if (!rc) {
        *ret = all->list;
        all->list = NULL;
        if (all->bad.len)
            rc = error_set(err, E_FORMAT, "%s", all->bad.ptr);
    }
    json_decref(all->list);
    buf_release(&all->bad);
    return rc;
}

int voice_check_words(const char *path, const char *words, json_t **ret, struct error *err)
{
    struct findings all = {.list = json_array(), .words_only = 1};
    int rc = all.list ? ishow_clip_check(path, words, add_finding, &all, NULL, (ishow_error *)err) : error_nomem(err);
    return conclude(&all, rc, ret, err);
}

int voice_check(struct slice clip, const char *words, json_t **ret, struct error *err)
{
    struct findings all = {.list = json_array()};
    int rc = all.list ? ishow_clip_check_memory(clip.ptr, clip.len, words, add_finding, &all, NULL, (ishow_error *)err)
                      : error_nomem(err);
    return conclude(&all, rc, ret, err);
}
