/* What the process and the graphics cards use, as the metrics page tells it. */
#include "server/gpu_stats.h"
#include "server/process_stats.h"

#include "base/clock.h"
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void test_process_is_as_the_system_says(void **state)
{
    (void)state;
    struct process_stats s = {0};
    assert_int_equal(process_stats_refresh(&s, clock_seconds()), 0);
    assert_true(s.resident_bytes > 100000 && s.resident_bytes < s.virtual_bytes);
    assert_true(s.threads >= 1 && s.threads <= 3); /* sanitizers may start one of their own */
    assert_true(s.open_fds >= 3);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    assert_int_equal(s.max_fds, files.rlim_cur);
    /* The start lies before now and after the machine's. */
    assert_true(s.start_time <= (double)time(NULL) + 1);
    assert_true(s.start_time > (double)time(NULL) - clock_seconds() - 3600);
}

static void test_readings_are_kept_for_a_second(void **state)
{
    (void)state;
    struct process_stats s = {0};
    assert_int_equal(process_stats_refresh(&s, 100), 0);
    const struct process_stats first = s;
    const int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(process_stats_refresh(&s, 100.9), 0);
    assert_memory_equal(&s, &first, sizeof s);
    assert_int_equal(process_stats_refresh(&s, 101.1), 0);
    assert_int_equal(s.open_fds, first.open_fds + 1);
    assert_true(s.start_time == first.start_time);
    close(fd);
}

static void test_cards_of_the_driver(void **state)
{
    (void)state;
    struct gpu_stats *g;
    const struct gpu_reading *r;
    assert_int_equal(gpu_stats_create(FAKE_NVML, "/nonexistent", &g), 0);
    assert_int_equal(gpu_stats_read(g, 100, &r), 2);
    assert_true(r[0].utilization == 1);
    assert_true(r[0].memory_total == (double)(80ull << 30) && r[0].memory_used == (double)(6ull << 30));
    assert_true(isnan(r[1].utilization));
    assert_true(r[1].memory_total == (double)(24ull << 30));
    gpu_stats_read(g, 100.5, &r);
    assert_true(r[0].utilization == 1); /* the driver was not asked again */
    gpu_stats_read(g, 101.5, &r);
    assert_true(r[0].utilization == 2);
    gpu_stats_free(g);
}

static void make_dirs(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void test_a_jetson_tells_by_a_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/ishow-jetson-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[128];
    snprintf(path, sizeof path, "%s/class/devfreq/17000000.ga10b/device/load", dir);
    make_dirs(path);
    const struct {
        const char *text;
        double percent;
    } cases[] = {{"437\n", 43.7}, {"0\n", 0},      {"1000\n", 100}, {"", NAN},
                 {"much\n", NAN}, {"1001\n", NAN}, {"-1\n", NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(cases[i].text, f);
        fclose(f);
        struct gpu_stats *g;
        const struct gpu_reading *r;
        assert_int_equal(gpu_stats_create("/nonexistent.so", dir, &g), 0);
        assert_int_equal(gpu_stats_read(g, 1, &r), 1);
        assert_true(isnan(cases[i].percent) ? isnan(r[0].utilization) : r[0].utilization == cases[i].percent);
        assert_true(isnan(r[0].memory_used) && isnan(r[0].memory_total));
        gpu_stats_free(g);
    }
    unlink(path);
    for (char *slash; (slash = strrchr(path, '/')) && slash - path >= (ptrdiff_t)strlen(dir);) {
        *slash = '\0';
        rmdir(path);
    }
}

static void test_no_card_is_no_error(void **state)
{
    (void)state;
    struct gpu_stats *g;
    const struct gpu_reading *r;
    assert_int_equal(gpu_stats_create("/nonexistent.so", "/nonexistent", &g), 0);
    assert_int_equal(gpu_stats_read(g, 1, &r), 0);
    gpu_stats_free(g);
    gpu_stats_free(NULL);
    /* a library that is none of the driver's */
    assert_int_equal(gpu_stats_create("libm.so.6", "/nonexistent", &g), 0);
    assert_int_equal(gpu_stats_read(g, 1, &r), 0);
    gpu_stats_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process_is_as_the_system_says), cmocka_unit_test(test_readings_are_kept_for_a_second),
        cmocka_unit_test(test_cards_of_the_driver),           cmocka_unit_test(test_a_jetson_tells_by_a_file),
        cmocka_unit_test(test_no_card_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
