/* A heap that fails on request, and tells what is still on it.
 *
 * Link with failing_heap_dep: the linker's --wrap puts these functions in place of malloc and friends in our own code
 * only, so that libraries are not tested for what they do without memory. */
#ifndef ISHOW_TESTS_FAILING_HEAP_H
#define ISHOW_TESTS_FAILING_HEAP_H

#include "base/error.h"

#include <stddef.h>

extern struct failing_heap {
    int armed;      /* 1: allocations are counted, remembered, and may fail */
    size_t calls;   /* since it was set to 0 */
    size_t fail_at; /* the call that fails, from 1; 0: none */
    size_t live;    /* allocations made while armed and not freed yet */
} heap;

/* Runs `work` with its first allocation failing, then its second, and so on until none is left to fail: each time it
 * must answer E_NOMEM in its error too, and free what it took; at the end it must succeed. */
void heap_fail_each(int (*work)(struct error *err));

#endif
