/* What the service manager hears, at a socket of the test's own. */
#include "server/notify.h"

#include "net/loop.h"
#include "test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager;
static char heard[1024];

static int setup(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/ishow-notify-%ld", (long)getpid());
    unlink(address.sun_path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (manager < 0 || bind(manager, (struct sockaddr *)&address, sizeof address))
        return -1;
    return setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static int teardown(void **state)
{
    (void)state;
    unlink(getenv("NOTIFY_SOCKET"));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(manager);
    return 0;
}

/* The next message; "" if there is none. */
static const char *hear(void)
{
    const ssize_t n = recv(manager, heard, sizeof heard - 1, 0);
    heard[n > 0 ? n : 0] = '\0';
    return heard;
}

static void test_states_and_sentences(void **state)
{
    (void)state;
    notify_state(NOTIFY_READY, "listening on %s", "127.0.0.1:27121");
    assert_string_equal(hear(), "READY=1\nSTATUS=listening on 127.0.0.1:27121");
    notify_status("%d waiting", 3);
    assert_string_equal(hear(), "STATUS=3 waiting");
    notify_state(NOTIFY_RELOADING, "reading the configuration");
    assert_int_equal(strncmp(hear(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    assert_non_null(strstr(heard, "\nSTATUS=reading the configuration"));
    notify_main_pid(4711);
    assert_string_equal(hear(), "MAINPID=4711");
    notify_state(NOTIFY_STOPPING, "finishing %d", 2);
    assert_string_equal(hear(), "STOPPING=1\nSTATUS=finishing 2");
}

static void test_a_sentence_is_one_line_and_has_an_end(void **state)
{
    (void)state;
    notify_status("%s", "no\nREADY=1");
    assert_string_equal(hear(), "STATUS=no READY=1");
    char longest[1000] = "";
    memset(longest, 'x', sizeof longest - 1);
    notify_status("%s", longest);
    assert_int_equal(strlen(hear()), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
}

static void test_without_a_manager_nothing_happens(void **state)
{
    (void)state;
    char *path = strdup(getenv("NOTIFY_SOCKET"));
    unsetenv("NOTIFY_SOCKET");
    notify_state(NOTIFY_READY, "x");
    notify_status("x");
    setenv("NOTIFY_SOCKET", path, 1);
    free(path);
    assert_string_equal(hear(), "");
}

static int beats;

static void on_beat(void *user, uint32_t events)
{
    (void)events;
    assert_string_equal(hear(), "WATCHDOG=1");
    if (++beats == 3)
        loop_stop(user);
}

static void test_the_loop_tells_that_it_is_alive(void **state)
{
    (void)state;
    setenv("WATCHDOG_USEC", "20000", 1);
    struct loop *loop;
    struct loop_watch *watch;
    struct notify_watchdog w = {0};
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(loop_watch(loop, manager, EPOLLIN, on_beat, loop, &watch, NULL), 0);
    notify_watchdog_start(loop, &w);
    assert_int_equal(loop_run(loop, NULL), 0);
    assert_int_equal(beats, 3);
    notify_watchdog_stop(&w);
    loop_unwatch(watch);
    loop_free(loop);
}

static void test_a_manager_that_does_not_ask_hears_no_beat(void **state)
{
    (void)state;
    struct loop *loop;
    struct notify_watchdog w = {0};
    assert_int_equal(loop_create(&loop, NULL), 0);
    notify_watchdog_start(loop, &w);
    assert_null(w.timer.loop);
    notify_watchdog_stop(&w);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_states_and_sentences, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_sentence_is_one_line_and_has_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_manager_nothing_happens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_loop_tells_that_it_is_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_manager_that_does_not_ask_hears_no_beat, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
