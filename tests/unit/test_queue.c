/* Who is served next: told as what comes, at which second, and in which order it leaves. */
#include "test.h"

#include "speech/queue.h"

#include <stdio.h>

#define ITEMS_MAX 32

struct arrival {
    char name;
    const char *client;
    int priority;
    double at;
};

struct scene {
    const char *what;
    double ageing;
    double now; /* when the first leaves; the others follow a second apart */
    struct arrival arrivals[ITEMS_MAX];
    const char *order;
};

static const struct scene scenes[] = {
    {"one client: in the order in which they came", 10, 100, {{'a', "x"}, {'b', "x"}, {'c', "x"}}, "abc"},
    {"clients take turns",
     10, 100,
     {{'a', "x"}, {'b', "x"}, {'c', "x"}, {'d', "x"}, {'e', "y"}, {'f', "z"}, {'g', "y"}}, "aefbgcd"},
    {"one request is not behind a hundred of another",
     10, 100,
     {{'a', "x"}, {'b', "x"}, {'c', "x"}, {'d', "x"}, {'e', "x"}, {'f', "x"}, {'1', "y"}}, "a1bcdef"},
    {"the higher priority first", 10, 100, {{'a', "x", 0}, {'b', "x", 1}, {'c', "x", 2}, {'d', "y", 1}}, "cbda"},
    {"what has waited long enough is even with a level more",
     10, 105,
     {{'a', "x", 0, 90}, {'b', "y", 1, 99}, {'c', "y", 1, 101}}, "bac"},
    {"and with two after twice as long", 10, 130, {{'a', "x", 0, 90}, {'b', "y", 2, 112}, {'c', "y", 2, 109}}, "abc"},
    {"never, when the higher came as early", 10, 9000, {{'a', "x", 0, 1}, {'b', "y", 1, 1}}, "ba"},
    {"age brings forward that item alone, not its client's turn",
     10, 50,
     {{'a', "x", 0, 0}, {'b', "y", 0, 1}, {'c', "z", 1, 45}, {'d', "z", 1, 45}, {'e', "z", 1, 45}}, "abcde"},
};

static void they_leave_in_this_order(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        const struct scene *scene = &scenes[s];
        struct queue q = {.capacity = 100, .per_client = 100, .ageing = scene->ageing};
        struct queue_item items[ITEMS_MAX] = {0};
        char order[ITEMS_MAX + 1] = "";
        size_t n = 0;
        for (; scene->arrivals[n].name; n++) {
            const struct arrival *a = &scene->arrivals[n];
            queue_push(&q, &items[n], a->client, a->priority, a->at);
        }
        for (size_t i = 0; i < n; i++) {
            struct queue_item *peeked = queue_peek(&q, scene->now + (double)i);
            struct queue_item *item = queue_pop(&q, scene->now + (double)i);
            assert_ptr_equal(item, peeked);
            assert_false(item->queued);
            order[i] = scene->arrivals[item - items].name;
        }
        if (strcmp(order, scene->order))
            fail_msg("%s: %s, not %s", scene->what, order, scene->order);
        assert_int_equal(q.count, 0);
        assert_null(queue_pop(&q, 0));
    }
}

static void there_is_room_for_so_many(void **state)
{
    (void)state;
    struct queue q = {.capacity = 4, .per_client = 2, .ageing = 10};
    struct queue_item items[5] = {0};
    static const char *const clients[] = {"x", "x", "y", "z"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(queue_admits(&q, clients[i]), QUEUE_OK);
        queue_push(&q, &items[i], clients[i], i % 2, 0); /* a share counts over all priorities */
        if (i == 1) {
            assert_int_equal(queue_client_count(&q, "x"), 2);
            assert_int_equal(queue_admits(&q, "x"), QUEUE_CLIENT_FULL);
        }
    }
    assert_int_equal(queue_admits(&q, "w"), QUEUE_FULL);
    queue_remove(&q, &items[0]);
    assert_int_equal(queue_admits(&q, "x"), QUEUE_OK);
    q.capacity = 3; /* a reload */
    assert_int_equal(queue_admits(&q, "x"), QUEUE_FULL);
    q.capacity = 10;
    q.per_client = 1;
    assert_int_equal(queue_admits(&q, "x"), QUEUE_CLIENT_FULL);
    assert_int_equal(queue_admits(&q, "w"), QUEUE_OK);
}

/* Whatever is taken out of the middle, in whichever order: the rest stays together. */
static void anything_may_leave_at_any_time(void **state)
{
    (void)state;
    enum { N = 24 };
    uint32_t random = 1;
    for (int round = 0; round < 2000; round++) {
        struct queue q = {.capacity = 100, .per_client = 100, .ageing = 3};
        struct queue_item items[N] = {0};
        int inside = 0, last_of[4][3];
        memset(last_of, -1, sizeof last_of);
        static const char *const clients[] = {"a", "b", "c", "d"};
        int pushed = 0;
        for (int step = 0; step < 3 * N; step++) {
            random = random * 1664525 + 1013904223;
            const unsigned r = random >> 16;
            if (pushed < N && r % 3) {
                queue_push(&q, &items[pushed++], clients[r % 4], (int)(r / 4 % 3), step);
                inside++;
            } else if (inside && r % 2) {
                const struct queue_item *i = queue_pop(&q, step);
                assert_non_null(i);
                inside--;
            } else if (inside) {
                unsigned k = r % (unsigned)pushed;
                while (!items[k].queued)
                    k = (k + 1) % (unsigned)pushed;
                queue_remove(&q, &items[k]);
                inside--;
            }
            assert_int_equal(q.count, inside);
            assert_int_equal(inside, queue_client_count(&q, "a") + queue_client_count(&q, "b") +
                                         queue_client_count(&q, "c") + queue_client_count(&q, "d"));
        }
        /* what is left leaves, each client's in its own order within a priority */
        while (q.count) {
            struct queue_item copy = *queue_peek(&q, 0), *i = queue_pop(&q, 0);
            const int client = copy.client[0] - 'a', at = (int)(i - items);
            assert_true(at > last_of[client][copy.priority]);
            last_of[client][copy.priority] = at;
            inside--;
        }
        assert_int_equal(inside, 0);
    }
}

/* Under a load that never ends, a normal request is served within a bounded time among urgent ones. */
static void nothing_starves(void **state)
{
    (void)state;
    enum { URGENT = 60 };
    struct queue q = {.capacity = 100, .per_client = 100, .ageing = 5};
    struct queue_item normal = {0}, urgent[URGENT] = {0};
    queue_push(&q, &normal, "x", 0, 0);
    queue_push(&q, &urgent[0], "y", 2, 0);
    for (int second = 1; second < URGENT; second++) { /* two urgent ones are always there */
        queue_push(&q, &urgent[second], "y", 2, second);
        if (queue_pop(&q, second) == &normal) {
            assert_in_range(second, 10, 12);
            return;
        }
    }
    fail_msg("it was never served");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_leave_in_this_order),
        cmocka_unit_test(there_is_room_for_so_many),
        cmocka_unit_test(anything_may_leave_at_any_time),
        cmocka_unit_test(nothing_starves),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
