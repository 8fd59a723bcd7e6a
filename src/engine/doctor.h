/* What `ishowtts doctor` looks at: each part tells its findings with a verdict and the command that mends it.
 *
 * GOOD: nothing to do. NOTE: it works, and could work better. BAD: something that is here cannot work. */
#ifndef ISHOW_ENGINE_DOCTOR_H
#define ISHOW_ENGINE_DOCTOR_H

#include "base/buf.h"
#include "base/error.h"
#include "ishowtts.h"

struct doctor {
    const char *root; /* before /proc, /sys, /dev, /etc and /var: "" on a live machine, a folder in tests */
    ishow_finding_fn on_finding;
    void *user;
    int models; /* known models that are here whole */
};

/* All of it. E_NOMEM is the only failure. */
int doctor_run(const char *root, ishow_finding_fn on_finding, void *user, struct error *err);

void doctor_machine(struct doctor *d); /* CPU, kernels, memory, clock */
void doctor_graphics(struct doctor *d); /* GPU, and the power modes of a Jetson */
int doctor_models(struct doctor *d, struct error *err);
void doctor_sound(struct doctor *d); /* libraries, built-in voices, sound device */

__attribute__((format(printf, 5, 6))) void doctor_tell(struct doctor *d, const char *topic, ishow_verdict verdict,
                                                       const char *mend, const char *fmt, ...);

/* The first line of root + path into `text`, without blanks at its end: 0, or -1 when there is none. */
int doctor_line(const struct doctor *d, const char *path, char *text, size_t size);

/* The rest of the first line in root + path that begins with `key`, after blanks and one colon; 0 or -1. */
int doctor_field(const struct doctor *d, const char *path, const char *key, char *text, size_t size);

/* root + path, in a buffer of its own size. */
#define DOCTOR_PATH_MAX 512
void doctor_path(const struct doctor *d, const char *path, char out[DOCTOR_PATH_MAX]);

#define DOCTOR_TEXT_MAX 1024 /* bytes of a finding */

/* "1.35 GB". */
void doctor_size(double bytes, char out[32]);

#endif
