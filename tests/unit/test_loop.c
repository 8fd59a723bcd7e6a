/* The event loop: descriptors, timers in their order, messages of other threads. */
#include "test.h"

#include "base/clock.h"
#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define POSTS   5000 /* of each thread */

struct scene {
    struct loop *loop;
    struct loop_watch *watch[2];
    struct loop_timer timer[4];
    int pair[2], other[2];
    char order[32];
    size_t n;
    int count, last[THREADS];
};

static void note(struct scene *s, char c)
{
    assert_true(s->n < sizeof s->order - 1);
    s->order[s->n++] = c;
    s->order[s->n] = '\0';
}

static void open_scene(struct scene *s)
{
    *s = (struct scene){.count = 0};
    assert_int_equal(loop_create(&s->loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s->pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s->other), 0);
}

static void close_scene(struct scene *s)
{
    loop_free(s->loop);
    for (int i = 0; i < 2; i++) {
        close(s->pair[i]);
        close(s->other[i]);
    }
}

static void stop(void *user)
{
    struct scene *s = user;
    note(s, '.');
    loop_stop(s->loop);
}

/* -------- timers -------- */

static void note_a(void *user)
{
    note(user, 'a');
}

static void note_b(void *user)
{
    struct scene *s = user;
    note(s, 'b');
    loop_timer_stop(&s->timer[2]);
    if (s->n < 4) /* itself anew, three times in all */
        loop_timer_start(s->loop, &s->timer[1], 0, note_b, s);
    else
        loop_timer_start(s->loop, &s->timer[3], 0.01, stop, s);
}

static void timers_come_in_their_order(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    loop_timer_start(s.loop, &s.timer[3], 20, stop, &s); /* brought forward by the last b */
    loop_timer_start(s.loop, &s.timer[2], 0.03, note_a, &s); /* stopped by b */
    loop_timer_start(s.loop, &s.timer[1], 0.02, note_b, &s);
    loop_timer_start(s.loop, &s.timer[0], 10, note_a, &s);
    loop_timer_start(s.loop, &s.timer[0], 0.01, note_a, &s); /* moved */
    const double begin = clock_seconds();
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_string_equal(s.order, "abbb.");
    assert_true(clock_seconds() - begin >= 0.03);
    assert_true(loop_now(s.loop) >= begin + 0.03);
    loop_timer_stop(&s.timer[3]); /* not started any more */
    close_scene(&s);
}

static double cpu_seconds(void)
{
    struct timespec ts;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void waiting_costs_nothing(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    loop_timer_start(s.loop, &s.timer[0], 0.1003, stop, &s); /* no whole number of milliseconds */
    const double before = cpu_seconds();
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_true(cpu_seconds() - before < 0.02);
    close_scene(&s);
}

static int count_rounds(void *user)
{
    struct scene *s = user;
    if (++s->count == 3)
        loop_stop(s->loop);
    return 1;
}

static void a_library_may_keep_time_of_its_own(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    loop_set_prepare(s.loop, count_rounds, &s);
    loop_timer_start(s.loop, &s.timer[0], 3600, note_a, &s);
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_int_equal(s.count, 3);
    loop_timer_stop(&s.timer[0]);
    close_scene(&s);
}

/* -------- descriptors -------- */

static void on_first(void *user, uint32_t events)
{
    struct scene *s = user;
    char c;
    assert_true(events & EPOLLIN);
    assert_int_equal(read(s->pair[0], &c, 1), 1);
    note(s, c);
    if (c == '3')
        loop_stop(s->loop);
}

static void on_writable(void *user, uint32_t events)
{
    struct scene *s = user;
    assert_true(events & EPOLLOUT);
    note(s, 'w');
    assert_int_equal(loop_watch_change(s->watch[1], EPOLLIN, NULL), 0); /* writable for ever: no more of that */
    assert_int_equal(write(s->pair[1], "3", 1), 1);
}

static void descriptors_are_heard(void **state)
{
    struct scene s;
    struct error err;
    struct loop_watch *none;
    (void)state;
    open_scene(&s);
    assert_int_equal(write(s.pair[1], "12", 2), 2);
    assert_int_equal(loop_watch(s.loop, s.pair[0], EPOLLIN, on_first, &s, &s.watch[0], &err), 0);
    assert_int_equal(loop_watch(s.loop, s.other[0], EPOLLOUT, on_writable, &s, &s.watch[1], &err), 0);
    assert_int_equal(loop_watch(s.loop, s.pair[0], EPOLLIN, on_first, &s, &none, &err), E_IO); /* twice */
    assert_int_equal(loop_watch(s.loop, -1, EPOLLIN, on_first, &s, &none, &err), E_IO);
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_string_equal(s.order, "1w23");
    loop_unwatch(s.watch[0]);
    loop_unwatch(s.watch[1]);
    loop_unwatch(NULL);
    close_scene(&s);
}

/* Both are ready in one round; who is first takes the other back. */
static void on_rivals(void *user, uint32_t events)
{
    struct scene *s = user;
    (void)events;
    note(s, 'r');
    loop_unwatch(s->watch[0]);
    loop_unwatch(s->watch[1]);
    loop_stop(s->loop);
}

static void who_is_taken_back_is_not_called(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    assert_int_equal(write(s.pair[1], "1", 1), 1);
    assert_int_equal(write(s.other[1], "1", 1), 1);
    assert_int_equal(loop_watch(s.loop, s.pair[0], EPOLLIN, on_rivals, &s, &s.watch[0], NULL), 0);
    assert_int_equal(loop_watch(s.loop, s.other[0], EPOLLIN, on_rivals, &s, &s.watch[1], NULL), 0);
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_string_equal(s.order, "r");
    close_scene(&s);
}

/* -------- messages -------- */

struct message {
    struct scene *scene;
    int thread, number;
};

static void take_message(void *arg)
{
    struct message *m = arg;
    struct scene *s = m->scene;
    assert_int_equal(m->number, s->last[m->thread] + 1); /* each thread's in their order */
    s->last[m->thread] = m->number;
    free(m);
    if (++s->count == THREADS * POSTS)
        loop_stop(s->loop);
}

struct sender {
    struct scene *scene;
    int thread;
    pthread_t id;
};

static void *send_messages(void *arg)
{
    const struct sender *x = arg;
    for (int i = 1; i <= POSTS; i++) {
        struct message *m = malloc(sizeof *m);
        if (!m)
            abort();
        *m = (struct message){.scene = x->scene, .thread = x->thread, .number = i};
        if (loop_post(x->scene->loop, take_message, m))
            abort();
    }
    return NULL;
}

static void messages_of_all_threads_arrive(void **state)
{
    struct sender senders[THREADS];
    struct scene s;
    (void)state;
    open_scene(&s);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.scene = &s, .thread = i};
        assert_int_equal(pthread_create(&senders[i].id, NULL, send_messages, &senders[i]), 0);
    }
    assert_int_equal(loop_run(s.loop, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(senders[i].id, NULL);
    assert_int_equal(s.count, THREADS * POSTS);
    close_scene(&s);
}

static void post_again(void *arg)
{
    struct scene *s = arg;
    note(s, 'p');
    if (s->n < 3)
        assert_int_equal(loop_post(s->loop, post_again, s), 0);
    else
        loop_stop(s->loop);
}

static void messages_may_send_messages(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    assert_int_equal(loop_post(s.loop, post_again, &s), 0);
    assert_int_equal(loop_run(s.loop, NULL), 0);
    assert_string_equal(s.order, "ppp");
    close_scene(&s);
}

static void messages_are_not_lost_at_the_end(void **state)
{
    struct scene s;
    (void)state;
    open_scene(&s);
    s.n = 1; /* two are left to do */
    assert_int_equal(loop_post(s.loop, post_again, &s), 0);
    close_scene(&s);
    assert_int_equal(s.n, 3);
}

static struct loop *interrupted; /* a signal handler has no other way to know */

static void on_signal(int number)
{
    (void)number;
    loop_stop(interrupted);
}

static void *interrupt(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void a_signal_handler_may_stop_it(void **state)
{
    const struct sigaction action = {.sa_handler = on_signal};
    pthread_t self = pthread_self(), other;
    struct scene s;
    (void)state;
    open_scene(&s);
    interrupted = s.loop;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&other, NULL, interrupt, &self), 0);
    assert_int_equal(loop_run(s.loop, NULL), 0);
    pthread_join(other, NULL);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_in_their_order),         cmocka_unit_test(waiting_costs_nothing),
        cmocka_unit_test(a_library_may_keep_time_of_its_own), cmocka_unit_test(descriptors_are_heard),
        cmocka_unit_test(who_is_taken_back_is_not_called),    cmocka_unit_test(messages_of_all_threads_arrive),
        cmocka_unit_test(messages_may_send_messages),         cmocka_unit_test(messages_are_not_lost_at_the_end),
        cmocka_unit_test(a_signal_handler_may_stop_it),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
