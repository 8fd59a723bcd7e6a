/* See failing_heap.h. */
#include "test.h"

#include "failing_heap.h"

#include <errno.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int __real_posix_memalign(void **ret, size_t align, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
int __wrap_posix_memalign(void **ret, size_t align, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);

#define LIVE_SLOTS 65536 /* a power of two, far above what a small model needs */

struct failing_heap heap;
static void *live[LIVE_SLOTS]; /* open addressing */

static size_t slot_of(const void *p)
{
    size_t i = ((uintptr_t)p >> 4) * 11400714819323198485u >> 48 & (LIVE_SLOTS - 1);
    while (live[i] && live[i] != p)
        i = (i + 1) & (LIVE_SLOTS - 1);
    return i;
}

static void *remember(void *p)
{
    if (p && heap.armed) {
        live[slot_of(p)] = p;
        if (++heap.live > LIVE_SLOTS / 2)
            abort();
    }
    return p;
}

/* Linear probing: what follows the hole may have been pushed past it. */
static void forget(void *p)
{
    size_t i = slot_of(p);
    if (!p || !live[i])
        return;
    live[i] = NULL;
    heap.live--;
    for (size_t j = (i + 1) & (LIVE_SLOTS - 1); live[j]; j = (j + 1) & (LIVE_SLOTS - 1)) {
        void *moved = live[j];
        live[j] = NULL;
        live[slot_of(moved)] = moved;
    }
}

static int refuse(void)
{
    return heap.armed && ++heap.calls == heap.fail_at;
}

void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : remember(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : remember(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
    if (refuse())
        return NULL;
    forget(p);
    return remember(__real_realloc(p, n));
}

int __wrap_posix_memalign(void **ret, size_t align, size_t n)
{
    if (refuse())
        return ENOMEM;
    int rc = __real_posix_memalign(ret, align, n);
    if (!rc)
        remember(*ret);
    return rc;
}

char *__wrap_strdup(const char *s)
{
    return refuse() ? NULL : remember(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
    return refuse() ? NULL : remember(__real_strndup(s, n));
}

void __wrap_free(void *p)
{
    forget(p);
    __real_free(p);
}

void heap_fail_each(int (*work)(struct error *err))
{
    for (size_t n = 1;; n++) {
        struct error err = {0};
        heap.calls = 0;
        heap.fail_at = n;
        heap.armed = 1;
        int rc = work(&err);
        heap.armed = 0;
        assert_int_equal(heap.live, 0);
        if (heap.calls < n) {
            assert_int_equal(rc, 0);
            assert_true(n > 1); /* something was made to fail */
            return;
        }
        assert_int_equal(rc, E_NOMEM);
        assert_int_equal(err.code, E_NOMEM);
    }
}
