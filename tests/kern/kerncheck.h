/* kerncheck: holds every kernel variant that this CPU can run against the specification in C, and
 * times them. What its files share. */
#ifndef ISHOW_TESTS_KERNCHECK_H
#define ISHOW_TESTS_KERNCHECK_H

#include "kern/kern.h"

#include <stdint.h>

/* -------- a case: reports itself as one line of TAP -------- */

struct check {
    const struct kern *c, *v; /* the specification and the variant */
    int failed;
};

/* Notes a difference and prints the first of a case as a TAP comment. */
__attribute__((format(printf, 2, 3))) void check_fail(struct check *t, const char *fmt, ...);

/* |got - want| <= limit, where NaN equals NaN and an infinity itself. */
void check_close(struct check *t, const char *what, size_t at, float got, float want, double limit);

struct check_case {
    const char *name;
    void (*run)(struct check *t);
};
extern const struct check_case check_product_cases[], check_row_cases[]; /* end with a NULL name */

/* -------- memory whose edges bite -------- */

/* `n` floats that end where an unreadable page begins, so that a read or write past them kills the
 * program; before them stand guard bytes that guard_check wants unchanged. With `align` the start is
 * aligned to 64 bytes, and up to 60 guard bytes stand behind as well. All are freed after the case. */
float *guard_alloc(size_t n, int align);
void guard_check(struct check *t, const char *what); /* of every block allocated in this case */
void guard_free_all(void);

/* -------- random numbers, the same in every run -------- */

float random_float(float size); /* in [-size, size) */
void random_fill(float *p, size_t n, float size);

/* -------- timing -------- */

int bench_run(int max_threads, const char *only); /* `only`: name of an instruction set, or NULL */

#endif
