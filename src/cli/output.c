/* See output.h. A file's samples are kept until all are there, because headers want the exact length. */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_bytes(void *user, const void *bytes, size_t n)
{
    struct output *o = user;
    const int to_stdout = strcmp(o->path, "-") == 0;
    return fd_write_all(to_stdout ? STDOUT_FILENO : o->file.fd, bytes, n, to_stdout ? "stdout" : o->path, o->err);
}

/* An encoder's error, or the write error behind it, which says more. */
static int settle(struct output *o, int rc, const ishow_error *from_encoder, const struct error *from_write,
                  ishow_error *err)
{
    o->err = NULL;
    if (rc && err)
        *err = from_write->code ? *(const ishow_error *)from_write : *from_encoder;
    return rc;
}

static int check_format(const char *format, ishow_error *err)
{
    ishow_encoder *probe = NULL;
    int rc = ishow_encoder_create(format, 0, write_bytes, NULL, &probe, err);
    ishow_encoder_free(probe);
    return rc;
}

int output_open(struct output *o, const char *path, const char *format, ishow_error *err)
{
    const int to_stdout = strcmp(path, "-") == 0;
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    o->path = path;
    if (!format && !to_stdout && !dot)
        return error_set((struct error *)err, E_ARG,
                         "%s has no extension that tells the format: .wav, .flac, .ogg, .opus, .mp3, or --format",
                         path);
    snprintf(o->format, sizeof o->format, "%s", format ? format : to_stdout ? "wav" : dot + 1);
    int rc = check_format(o->format, err);
    if (rc)
        return rc;
    if (to_stdout)
        return ishow_encoder_create(o->format, 0, write_bytes, o, &o->encoder, err);
    return atomic_open(&o->file, path, (struct error *)err);
}

int output_write(struct output *o, const float *samples, size_t n, ishow_error *err)
{
    struct error write_err = {0};
    ishow_error why = {0};
    if (!o->encoder)
        return buf_add(&o->samples, samples, n * sizeof *samples) ? error_nomem((struct error *)err) : 0;
    o->err = &write_err;
    return settle(o, ishow_encoder_write(o->encoder, samples, n, &why), &why, &write_err, err);
}

int output_finish(struct output *o, ishow_error *err)
{
    struct error write_err = {0};
    ishow_error why = {0};
    int rc = 0;
    o->err = &write_err;
    if (!o->encoder) {
        const size_t n = o->samples.len / sizeof(float);
        rc = ishow_encoder_create(o->format, n, write_bytes, o, &o->encoder, &why);
        if (!rc)
            rc = ishow_encoder_write(o->encoder, (const float *)(const void *)o->samples.ptr, n, &why);
    }
    if (!rc)
        rc = ishow_encoder_finish(o->encoder, &why);
    rc = settle(o, rc, &why, &write_err, err);
    if (!rc && o->file.target)
        rc = atomic_commit(&o->file, (struct error *)err);
    return rc;
}

void output_release(struct output *o)
{
    ishow_encoder_free(o->encoder);
    atomic_abandon(&o->file);
    buf_release(&o->samples);
}
