/* Where speech goes: a sound file that appears whole, or stdout while it is made. */
#ifndef ISHOW_CLI_OUTPUT_H
#define ISHOW_CLI_OUTPUT_H

#include "base/buf.h"
#include "base/file.h"
#include "ishowtts.h"

struct output {
    const char *path; /* borrowed; "-" is stdout */
    char format[16];
    struct atomic_file file;
    struct buf samples;     /* floats, of a file */
    ishow_encoder *encoder; /* of stdout */
    struct error *err;      /* of the write under way */
};

#define OUTPUT_INIT {.file = {.fd = -1}}

/* `format` NULL goes by the name's extension (wav for stdout). Opens the target, so that one that cannot be written is
 * found before anything is spoken. */
int output_open(struct output *o, const char *path, const char *format, ishow_error *err);
int output_write(struct output *o, const float *samples, size_t n, ishow_error *err);
int output_finish(struct output *o, ishow_error *err); /* the file is in place after this */
void output_release(struct output *o);                 /* unfinished: the target is as it was */

#endif
