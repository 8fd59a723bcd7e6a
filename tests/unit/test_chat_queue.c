/* The order in which a chat is spoken. */
#include "test.h"

#include "chat/chat_queue.h"

#include <stdio.h>

struct heard {
    char text[512]; /* "id:reason " */
};

static void on_dropped(void *user, const struct chat_item *item, const char *reason)
{
    struct heard *h = user;
    const size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "%s:%s ", item->message->id, reason);
}

static struct chat_item *item(const char *id, enum chat_priority priority, const char *user)
{
    const struct chat_message m = {.id = id, .text = "x", .user_id = user, .login = user, .channel = "c"};
    struct chat_item *i = calloc(1, sizeof *i);
    assert_int_equal(chat_message_create(&m, NULL, &i->message), 0);
    i->message->priority = priority;
    i->seconds = 2;
    return i;
}

static void push(struct chat_queue *q, const char *id, enum chat_priority priority, double now)
{
    assert_int_equal(chat_queue_push(q, item(id, priority, "u"), now), 0);
}

static const char *order(const struct chat_queue *q, char out[256])
{
    out[0] = '\0';
    for (const struct chat_item *i = chat_queue_first(q); i; i = i->next)
        strcat(strcat(out, i->message->id), " ");
    return out;
}

static struct chat_queue *make(size_t capacity, double ageing, struct heard *h)
{
    struct chat_queue *q;
    h->text[0] = '\0';
    assert_int_equal(chat_queue_create(capacity, ageing, on_dropped, h, &q), 0);
    return q;
}

static void paid_before_moderators_before_mentions(void **state)
{
    struct heard h;
    char out[256];
    struct chat_queue *q = make(10, 60, &h);
    (void)state;
    push(q, "n1", CHAT_NORMAL, 0);
    push(q, "m1", CHAT_MENTION, 1);
    push(q, "p1", CHAT_PAID, 2);
    push(q, "n2", CHAT_NORMAL, 3);
    push(q, "o1", CHAT_MODERATOR, 4);
    push(q, "p2", CHAT_PAID, 5);
    push(q, "m2", CHAT_MENTION, 6);
    assert_string_equal(order(q, out), "p1 p2 o1 m1 m2 n1 n2 ");
    assert_int_equal(chat_queue_count(q), 7);
    assert_float_equal(chat_queue_seconds(q), 14, 1e-9);
    chat_queue_free(q);
    assert_string_equal(h.text, "");
}

static void who_has_waited_is_not_overtaken(void **state)
{
    struct heard h;
    char out[256];
    struct chat_queue *q = make(10, 10, &h);
    (void)state;
    push(q, "n1", CHAT_NORMAL, 0);
    push(q, "m1", CHAT_MENTION, 9);   /* n1 has not waited long enough */
    push(q, "m2", CHAT_MENTION, 10);  /* now it has, but m1 stands before it */
    assert_string_equal(order(q, out), "m1 n1 m2 ");
    push(q, "o1", CHAT_MODERATOR, 19); /* m1 is as good as a moderator's by now, n1 not yet */
    assert_string_equal(order(q, out), "m1 o1 n1 m2 ");
    push(q, "o2", CHAT_MODERATOR, 20); /* now both are */
    assert_string_equal(order(q, out), "m1 o1 n1 m2 o2 ");
    push(q, "p1", CHAT_PAID, 1000); /* money always passes */
    assert_string_equal(order(q, out), "p1 m1 o1 n1 m2 o2 ");
    chat_queue_free(q);
}

static void the_oldest_of_the_least_goes_when_it_is_full(void **state)
{
    struct heard h;
    char out[256];
    struct chat_queue *q = make(3, 60, &h);
    (void)state;
    push(q, "n1", CHAT_NORMAL, 0);
    push(q, "n2", CHAT_NORMAL, 1);
    push(q, "m1", CHAT_MENTION, 2);
    push(q, "n3", CHAT_NORMAL, 3);
    assert_string_equal(h.text, "n1:full ");
    push(q, "p1", CHAT_PAID, 4);
    push(q, "p2", CHAT_PAID, 5);
    push(q, "p3", CHAT_PAID, 6);
    assert_string_equal(h.text, "n1:full n2:full n3:full m1:full ");
    struct chat_item *late = item("n4", CHAT_NORMAL, "u");
    assert_int_equal(chat_queue_push(q, late, 7), E_LIMIT);
    chat_item_free(late);
    push(q, "p4", CHAT_PAID, 7); /* money finds room */
    assert_string_equal(order(q, out), "p1 p2 p3 p4 ");
    chat_queue_free(q);
}

static void a_mention_does_not_go_for_a_normal_one(void **state)
{
    struct heard h;
    struct chat_queue *q = make(1, 60, &h);
    (void)state;
    push(q, "m1", CHAT_MENTION, 0);
    struct chat_item *n = item("n1", CHAT_NORMAL, "u");
    assert_int_equal(chat_queue_push(q, n, 1), E_LIMIT);
    chat_item_free(n);
    chat_queue_free(q);
}

static void removals_match_what_is_given(void **state)
{
    struct heard h;
    char out[256];
    struct chat_queue *q = make(10, 60, &h);
    (void)state;
    assert_int_equal(chat_queue_push(q, item("a", CHAT_NORMAL, "ann"), 0), 0);
    assert_int_equal(chat_queue_push(q, item("b", CHAT_NORMAL, "bob"), 0), 0);
    assert_int_equal(chat_queue_push(q, item("c", CHAT_PAID, "ann"), 0), 0);
    assert_int_equal(chat_queue_remove(q, &(struct chat_match){.message_id = "b", .platform = -1}, "removed"), 1);
    assert_int_equal(chat_queue_remove(q, &(struct chat_match){.user = "ANN", .platform = -1}, "muted"), 1);
    assert_string_equal(order(q, out), "c ");
    assert_int_equal(chat_queue_remove(q, &(struct chat_match){.platform = CHAT_YOUTUBE, .paid_too = 1}, "x"), 0);
    assert_int_equal(chat_queue_remove(q, &(struct chat_match){.platform = -1, .paid_too = 1}, "cleared"), 1);
    assert_string_equal(h.text, "b:removed a:muted c:cleared ");
    assert_null(chat_queue_first(q));
    chat_queue_free(q);
}

/* YouTube and Bilibili tell no login: a moderator writes the name that is seen. */
static void a_user_is_who_the_rules_say(void **state)
{
    static const char *const names[] = {"Bob", "@bob", "UC-1", "ÄNNE", "@änne"};
    struct heard h;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct chat_message bob = {.id = "b", .user_id = "UC-1", .user_name = i < 3 ? "Bob" : "Änne"},
                                  nobody = {.id = "n"};
        struct chat_queue *q = make(10, 60, &h);
        struct chat_item *one = item("a", CHAT_NORMAL, "u"), *other = item("a", CHAT_NORMAL, "u");
        chat_message_unref(one->message);
        chat_message_unref(other->message);
        assert_int_equal(chat_message_create(&bob, NULL, &one->message), 0);
        assert_int_equal(chat_message_create(&nobody, NULL, &other->message), 0);
        one->message->priority = other->message->priority = CHAT_NORMAL;
        assert_int_equal(chat_queue_push(q, one, 0), 0);
        assert_int_equal(chat_queue_push(q, other, 0), 0);
        assert_int_equal(chat_queue_remove(q, &(struct chat_match){.user = "Bobby", .platform = -1}, "muted"), 0);
        assert_int_equal(chat_queue_remove(q, &(struct chat_match){.user = names[i], .platform = -1}, "muted"), 1);
        assert_string_equal(h.text, "b:muted ");
        chat_queue_free(q);
    }
}

static void what_is_put_by_hand_stays(void **state)
{
    struct heard h;
    char out[256];
    struct chat_queue *q = make(10, 60, &h);
    (void)state;
    push(q, "n1", CHAT_NORMAL, 0);
    push(q, "n2", CHAT_NORMAL, 0);
    push(q, "n3", CHAT_NORMAL, 0);
    chat_queue_move(q, chat_queue_find_message(q, "n3"), chat_queue_first(q));
    assert_string_equal(order(q, out), "n3 n1 n2 ");
    push(q, "o1", CHAT_MODERATOR, 1);
    assert_string_equal(order(q, out), "n3 o1 n1 n2 ");
    chat_queue_move(q, chat_queue_first(q), NULL);
    assert_string_equal(order(q, out), "o1 n1 n2 n3 ");
    const uint64_t number = chat_queue_find_message(q, "n1")->number;
    struct chat_item *taken = chat_queue_find(q, number);
    chat_queue_take(q, taken);
    assert_null(chat_queue_find(q, number));
    chat_item_free(taken);
    chat_queue_free(q);
}

static void a_smaller_queue_lets_go(void **state)
{
    struct heard h;
    struct chat_queue *q = make(4, 60, &h);
    (void)state;
    push(q, "p1", CHAT_PAID, 0);
    push(q, "n1", CHAT_NORMAL, 0);
    push(q, "n2", CHAT_NORMAL, 1);
    push(q, "p2", CHAT_PAID, 2);
    chat_queue_limit(q, 1, 60);
    assert_string_equal(h.text, "n1:full n2:full ");
    assert_int_equal(chat_queue_count(q), 2); /* paid ones are never let go */
    chat_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paid_before_moderators_before_mentions),
        cmocka_unit_test(who_has_waited_is_not_overtaken),
        cmocka_unit_test(the_oldest_of_the_least_goes_when_it_is_full),
        cmocka_unit_test(a_mention_does_not_go_for_a_normal_one),
        cmocka_unit_test(removals_match_what_is_given),
        cmocka_unit_test(a_user_is_who_the_rules_say),
        cmocka_unit_test(what_is_put_by_hand_stays),
        cmocka_unit_test(a_smaller_queue_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
