/* The models that are here, and the room for more. */
#include "engine/doctor.h"

#include "base/hub_cache.h"
#include "base/known_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define F5_DOWNLOAD 1.42e9 /* bytes of `ishowtts pull f5`, vocoder included */

static double size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

/* Finds the files of one thing; *ret_found counts them, *ret_size their bytes. */
static int find(const char *repo, const char *const files[2], int *ret_found, double *ret_size, struct error *err)
{
    *ret_found = 0;
    *ret_size = 0;
    for (int i = 0; i < 2; i++) {
        char *path = NULL;
        int rc = hub_locate(repo, files[i], NULL, &path, err);
        if (rc == E_NOMEM)
            return rc;
        if (rc)
            continue;
        ++*ret_found;
        *ret_size += size_of(path);
        free(path);
    }
    return 0;
}

/* One known model, with the vocoder if that is here. */
static int tell_model(struct doctor *d, const struct known_model *m, int vocoder, struct error *err)
{
    char topic[64], pull[64], text[32];
    int found;
    double size;
    const char *const files[2] = {m->checkpoint, m->vocab};
    int rc = find(m->repo, files, &found, &size, err);
    if (rc)
        return rc;
    snprintf(topic, sizeof topic, "model %s", m->name);
    snprintf(pull, sizeof pull, "ishowtts pull %s", m->name);
    doctor_size(size, text);
    if (found == 2 && vocoder) {
        d->models++;
        doctor_tell(d, topic, ISHOW_GOOD, NULL, "%s, %s", m->title, text);
    } else if (found == 2) {
        doctor_tell(d, topic, ISHOW_BAD, pull, "%s, %s, but no vocoder to go with it", m->title, text);
    } else if (found == 1) {
        doctor_tell(d, topic, ISHOW_BAD, pull, "%s is here in part: checkpoint and vocabulary belong together",
                    m->title);
    } else if (m == known_models) {
        doctor_tell(d, topic, ISHOW_NOTE, pull, "%s is not here: the built-in voices speak instead", m->title);
    } else {
        doctor_tell(d, topic, ISHOW_GOOD, NULL, "%s is not here, and only its own fine-tunes need it", m->title);
    }
    return 0;
}

static int tell_room(struct doctor *d, struct error *err)
{
    char *cache = NULL;
    char room_text[32];
    uint64_t room;
    int rc = hub_cache_dir(&cache, err);
    if (rc == E_NOMEM)
        return rc;
    if (rc) {
        doctor_tell(d, "disk", ISHOW_NOTE, "export HF_HOME=/a/folder/for/models", "%s", err->text);
        return 0;
    }
    rc = hub_free_bytes(cache, &room, err);
    if (rc == E_NOMEM) {
        free(cache);
        return rc;
    }
    if (rc) {
        doctor_tell(d, "disk", ISHOW_NOTE, NULL, "%s", err->text);
    } else {
        doctor_size((double)room, room_text);
        int little = d->models == 0 && (double)room < F5_DOWNLOAD;
        doctor_tell(d, "disk", little ? ISHOW_NOTE : ISHOW_GOOD,
                    little ? "export HF_HOME=/a/folder/on/a/larger/disk" : NULL,
                    "%s free for models in %s%s", room_text, cache, little ? ", and F5 takes 1.42 GB" : "");
    }
    free(cache);
    return 0;
}

int doctor_models(struct doctor *d, struct error *err)
{
    struct error unread;
    if (!err)
        err = &unread;
    static const char *const vocos[2] = {VOCOS_CONFIG_FILE, VOCOS_WEIGHTS_FILE};
    char text[32];
    int found;
    double size;
    int rc = find(VOCOS_REPO, vocos, &found, &size, err);
    for (const struct known_model *m = known_models; !rc && m->name; m++)
        rc = tell_model(d, m, found == 2, err);
    if (!rc && found == 2) {
        doctor_size(size, text);
        doctor_tell(d, "vocoder", ISHOW_GOOD, NULL, "Vocos, %s", text);
    }
    return rc ? rc : tell_room(d, err);
}
