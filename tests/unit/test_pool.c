/* The pool: every index once, with any number of threads, loop after loop. */
#include "test.h"

#include "base/pool.h"

#include <stdatomic.h>

struct tally {
    int threads;
    atomic_int seen[1000];
    atomic_int bad_thread;
};

static void count(void *user, size_t index, int thread)
{
    struct tally *t = user;
    atomic_fetch_add(&t->seen[index], 1);
    if (thread < 0 || thread >= t->threads)
        atomic_store(&t->bad_thread, 1);
}

static void every_index_once(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 17};
    static const size_t sizes[] = {0, 1, 2, 5, 1000};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct pool *p;
        assert_int_equal(pool_create(threads[i], &p, NULL), 0);
        assert_int_equal(pool_threads(p), threads[i]);
        for (int loop = 0; loop < 200; loop++) {
            size_t n = sizes[(size_t)loop % 5];
            struct tally t = {.threads = threads[i]};
            pool_run(p, n, count, &t);
            for (size_t k = 0; k < 1000; k++)
                assert_int_equal(atomic_load(&t.seen[k]), k < n);
            assert_int_equal(atomic_load(&t.bad_thread), 0);
        }
        pool_free(p);
    }
}

static void own_places(void *user, size_t index, int thread)
{
    ((int *)user)[thread]++; /* a data race if two threads had one number: the sanitizer build sees it */
    (void)index;
}

static void thread_numbers_are_exclusive(void **state)
{
    (void)state;
    struct pool *p;
    int places[4] = {0};
    assert_int_equal(pool_create(4, &p, NULL), 0);
    for (int loop = 0; loop < 50; loop++)
        pool_run(p, 100, own_places, places);
    assert_int_equal(places[0] + places[1] + places[2] + places[3], 5000);
    pool_free(p);
}

static void counts_are_sane(void **state)
{
    (void)state;
    struct pool *p = NULL;
    struct error err;
    assert_in_range(pool_cpu_count(), 1, 65536);
    assert_int_equal(pool_create(-1, &p, &err), E_ARG);
    assert_int_equal(pool_create(POOL_MAX_THREADS + 1, &p, &err), E_ARG);
    assert_null(p);
    assert_int_equal(pool_create(0, &p, &err), 0);
    assert_in_range(pool_threads(p), 1, POOL_MAX_THREADS);
    pool_free(p);
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once),
        cmocka_unit_test(thread_numbers_are_exclusive),
        cmocka_unit_test(counts_are_sane),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
