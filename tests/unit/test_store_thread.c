/* The store's thread: order, a bounded queue, and that everything comes back to the loop exactly once. */
#include "test.h"

#include "store/store_thread.h"

#include <pthread.h>
#include <stdio.h>

/* A loop of sorts: messages wait until the test runs them. */
struct box {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void (*fn[64])(void *arg);
    void *arg[64];
    size_t n;
    int refuse; /* so many posts fail */
};

static int box_post(void *user, void (*fn)(void *arg), void *arg)
{
    struct box *b = user;
    pthread_mutex_lock(&b->lock);
    const int refused = b->refuse > 0;
    if (refused) {
        b->refuse--;
    } else {
        assert_true(b->n < 64);
        b->fn[b->n] = fn;
        b->arg[b->n++] = arg;
    }
    pthread_cond_signal(&b->filled);
    pthread_mutex_unlock(&b->lock);
    return refused;
}

static void box_run(struct box *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->n)
        pthread_cond_wait(&b->filled, &b->lock);
    const size_t n = b->n;
    void (*fn[64])(void *arg);
    void *arg[64];
    memcpy(fn, b->fn, sizeof fn);
    memcpy(arg, b->arg, sizeof arg);
    b->n = 0;
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < n; i++)
        fn[i](arg[i]);
}

struct step {
    struct store_job job;
    int number;
    int *ran, *told; /* counters that are shared */
    pthread_t by;
    pthread_mutex_t *gate; /* NULL, or waited for */
};

static void step_run(struct store *s, struct store_job *job)
{
    struct step *t = (struct step *)(void *)job;
    assert_null(s);
    if (t->gate) {
        pthread_mutex_lock(t->gate);
        pthread_mutex_unlock(t->gate);
    }
    assert_int_equal(*t->ran, t->number);
    ++*t->ran;
    t->by = pthread_self();
}

static void step_done(struct store_job *job)
{
    struct step *t = (struct step *)(void *)job;
    assert_int_equal(*t->told, t->number);
    ++*t->told;
    assert_false(pthread_equal(t->by, pthread_self()));
}

static struct box box = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static struct step step_make(int number, int *ran, int *told)
{
    return (struct step){.job = {.run = step_run, .done = step_done}, .number = number, .ran = ran, .told = told};
}

static void test_jobs_run_in_order_and_come_back(void **state)
{
    struct store_thread *t = NULL;
    struct step steps[40];
    int ran = 0, told = 0;
    (void)state;
    assert_int_equal(store_thread_create(NULL, box_post, &box, &t, NULL), 0);
    for (int i = 0; i < 40; i++) {
        steps[i] = step_make(i, &ran, &told);
        assert_int_equal(store_submit(t, &steps[i].job, NULL), 0);
    }
    while (told < 40)
        box_run(&box);
    assert_int_equal(ran, 40);
    store_thread_free(t);
    assert_int_equal(box.n, 0);
}

static void test_what_waits_is_done_at_the_end(void **state)
{
    struct store_thread *t = NULL;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct step steps[10];
    int ran = 0, told = 0;
    (void)state;
    assert_int_equal(store_thread_create(NULL, box_post, &box, &t, NULL), 0);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 10; i++) {
        steps[i] = step_make(i, &ran, &told);
        steps[i].gate = i ? NULL : &gate;
        assert_int_equal(store_submit(t, &steps[i].job, NULL), 0);
    }
    pthread_mutex_unlock(&gate);
    store_thread_free(t);
    assert_int_equal(told, 10);
    box_run(&box); /* the message that was under way does no harm */
    assert_int_equal(told, 10);
}

static void test_a_full_queue_refuses_history_first(void **state)
{
    struct store_thread *t = NULL;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    static struct step steps[STORE_QUEUE_MAX + 2];
    struct error err = {0};
    int ran = 0, told = 0, n = 0;
    (void)state;
    assert_int_equal(store_thread_create(NULL, box_post, &box, &t, NULL), 0);
    pthread_mutex_lock(&gate);
    steps[0] = step_make(0, &ran, &told);
    steps[0].gate = &gate;
    assert_int_equal(store_submit(t, &steps[0].job, NULL), 0);
    while (store_thread_waiting(t)) /* until it is being run */
        ;
    for (n = 1;; n++) {
        steps[n] = step_make(n, &ran, &told);
        steps[n].job.may_drop = 1;
        if (store_submit(t, &steps[n].job, &err))
            break;
    }
    assert_int_equal(err.code, E_LIMIT);
    assert_int_equal(n - 1, STORE_QUEUE_MAX - STORE_QUEUE_RESERVED);
    for (;; n++) {
        steps[n] = step_make(n, &ran, &told);
        if (store_submit(t, &steps[n].job, &err))
            break;
    }
    assert_int_equal(n - 1, STORE_QUEUE_MAX);
    pthread_mutex_unlock(&gate);
    while (told < n)
        box_run(&box);
    store_thread_free(t);
    assert_int_equal(ran, n);
}

static void test_bytes_are_bounded_too(void **state)
{
    struct store_thread *t = NULL;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct step steps[4];
    int ran = 0, told = 0;
    (void)state;
    assert_int_equal(store_thread_create(NULL, box_post, &box, &t, NULL), 0);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 4; i++)
        steps[i] = step_make(i, &ran, &told);
    steps[0].gate = &gate;
    steps[1].job.bytes = STORE_QUEUE_BYTES + 1; /* alone it may wait, however large */
    assert_int_equal(store_submit(t, &steps[0].job, NULL), 0);
    while (store_thread_waiting(t))
        ;
    assert_int_equal(store_submit(t, &steps[1].job, NULL), 0);
    assert_int_equal(store_submit(t, &steps[2].job, NULL), E_LIMIT);
    pthread_mutex_unlock(&gate);
    while (told < 2)
        box_run(&box);
    assert_int_equal(store_submit(t, &steps[2].job, NULL), 0);
    while (told < 3)
        box_run(&box);
    store_thread_free(t);
}

static void test_a_message_that_cannot_be_sent_is_sent_later(void **state)
{
    struct store_thread *t = NULL;
    struct step step;
    int ran = 0, told = 0;
    (void)state;
    assert_int_equal(store_thread_create(NULL, box_post, &box, &t, NULL), 0);
    box.refuse = 1;
    step = step_make(0, &ran, &told);
    assert_int_equal(store_submit(t, &step.job, NULL), 0);
    while (told < 1)
        box_run(&box);
    store_thread_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_run_in_order_and_come_back),
        cmocka_unit_test(test_what_waits_is_done_at_the_end),
        cmocka_unit_test(test_a_full_queue_refuses_history_first),
        cmocka_unit_test(test_bytes_are_bounded_too),
        cmocka_unit_test(test_a_message_that_cannot_be_sent_is_sent_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
