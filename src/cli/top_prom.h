/* Prometheus' text format 0.0.4, read with tolerance: what is no sample is passed over, whatever it is. */
#ifndef ISHOW_CLI_TOP_PROM_H
#define ISHOW_CLI_TOP_PROM_H

#include "base/buf.h"

#define PROM_LABELS_MAX 16 /* of one sample; one with more is passed over */

struct prom_label {
    struct slice name;
    struct slice value; /* as written: prom_value undoes the escapes */
};

struct prom_sample { /* its slices point into the text */
    struct slice name;
    struct prom_label labels[PROM_LABELS_MAX];
    int label_count;
    double value; /* may be NaN or infinite */
};

/* Calls `fn` with each sample of text[0, len), in their order. Returns how many lines were neither sample, comment nor
 * empty. */
size_t prom_each(const char *text, size_t len, void (*fn)(void *user, const struct prom_sample *s), void *user);

/* The value of a label, cut to fit `out` (never inside an escape), '\0' after it; "" when there is no such label. */
void prom_value(const struct prom_sample *s, const char *label, char *out, size_t size);

#endif
