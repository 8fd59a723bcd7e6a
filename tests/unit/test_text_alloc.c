/* Each allocation of tokens, chunks and the vocabulary fails in turn: E_NOMEM, results untouched, no leak. */
#include "test.h"

#include "failing_heap.h"

#include "base/file.h"
#include "text/chunks.h"
#include "text/tokens.h"

#include <unistd.h>

/* Long enough for several blocks of the arena. */
#define TEXT_BYTES 30000

static char text[TEXT_BYTES];
static char vocab_path[] = "/tmp/ishow-vocab-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "Hello, chat! "[i % 13];
    int fd = mkstemp(vocab_path);
    return fd < 0 || close(fd) || file_write(vocab_path, " \na\nb\n", 6, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(vocab_path);
}

static int try_tokens(struct error *err)
{
    struct arena arena = {0};
    struct tokens t = {NULL, 42};
    int r = tokens_split(text, sizeof text, &arena, &t, err);
    assert_int_equal(r == 0, t.count != 42);
    arena_release(&arena);
    return r;
}

static int try_chunks(struct error *err)
{
    struct arena arena = {0};
    struct chunks c = {NULL, 42};
    int r = chunks_split(text, sizeof text, 12, &arena, &c, err);
    assert_int_equal(r == 0, c.count != 42);
    arena_release(&arena);
    return r;
}

static int try_vocab(struct error *err)
{
    struct vocab *v = NULL;
    int r = vocab_open(vocab_path, &v, err);
    assert_int_equal(r == 0, v != NULL);
    vocab_free(v);
    return r;
}

static void each_allocation_fails_in_turn(void **state)
{
    (void)state;
    static int (*const tries[])(struct error *) = {try_tokens, try_chunks, try_vocab};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        heap_fail_each(tries[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("text_alloc", tests, set_up, tear_down);
}
