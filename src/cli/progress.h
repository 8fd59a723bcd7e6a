/* A line that shows how far a long task has come: bar, bytes, rate and time left.
 *
 * On a terminal one line is redrawn a few times a second; elsewhere a plain line appears at every tenth of
 * the way. */
#ifndef ISHOW_CLI_PROGRESS_H
#define ISHOW_CLI_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#define PROGRESS_SAMPLES 16

struct progress {
    FILE *out;
    int live, utf8;
    int drawn;        /* a line stands there that must be cleared */
    double drawn_at;
    int tenth;        /* last one that a plain line told of */
    size_t samples;   /* in the ring below */
    double time[PROGRESS_SAMPLES];
    uint64_t bytes[PROGRESS_SAMPLES];
};

void progress_init(struct progress *p, FILE *out);

/* `done` of `total` bytes; `label` says of what. `total` 0 shows the label alone. */
void progress_show(struct progress *p, const char *label, uint64_t done, uint64_t total);

/* Forgets the rate: what came before was no work of the same kind. */
void progress_restart(struct progress *p);

/* Prints a line of its own above the bar. */
__attribute__((format(printf, 2, 3))) void progress_say(struct progress *p, const char *fmt, ...);

void progress_clear(struct progress *p);

/* "13.8 kB", "54 MB", "1.35 GB". */
void format_bytes(uint64_t bytes, char out[32]);

#endif
