/* Buffers, slices and arenas. */
#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

static void appends_stay_terminated(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_true(slice_eq_str(buf_slice(&b), ""));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_addf(&b, "%d,", i), 0);
    assert_int_equal(strlen(b.ptr), b.len);
    assert_memory_equal(b.ptr, "0,1,2,", 6);
    assert_string_equal(b.ptr + b.len - 8, "998,999,");
    buf_release(&b);
    assert_null(b.ptr);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_int_equal(buf_add_str(&b, "x"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), E_NOMEM);
    assert_string_equal(b.ptr, "x");
    buf_release(&b);
    struct arena a = {0};
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_strndup(&a, "x", SIZE_MAX));
    arena_release(&a);
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena a = {0};
    for (size_t n = 1; n < 200000; n = n * 3 + 1) {
        unsigned char *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
    }
    assert_string_equal(arena_strndup(&a, "hello world", 5), "hello");
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_stay_terminated),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
