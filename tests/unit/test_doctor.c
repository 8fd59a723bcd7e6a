/* The doctor reads a machine's files and draws the right conclusions: fake trees of several machines. */
#include "test.h"

#include "base/file.h"
#include "engine/doctor.h"

#include <stdio.h>
#include <unistd.h>

static char dir[64];

#define FINDINGS_MAX 64
static struct {
    char topic[64], text[DOCTOR_TEXT_MAX], mend[256];
    ishow_verdict verdict;
} found[FINDINGS_MAX];
static size_t found_count;

static void keep(void *user, const ishow_finding *f)
{
    (void)user;
    assert_true(found_count < FINDINGS_MAX);
    assert_true(*f->topic && *f->text && f->mend);
    snprintf(found[found_count].topic, sizeof found->topic, "%s", f->topic);
    snprintf(found[found_count].text, sizeof found->text, "%s", f->text);
    snprintf(found[found_count].mend, sizeof found->mend, "%s", f->mend);
    found[found_count++].verdict = f->verdict;
}

static void examine(void)
{
    found_count = 0;
    assert_int_equal(doctor_run(dir, keep, NULL, NULL), 0);
}

/* The finding on `topic` has this verdict, and text and mend contain these words. */
static void expect(const char *topic, ishow_verdict verdict, const char *text, const char *mend)
{
    for (size_t i = 0; i < found_count; i++) {
        if (strcmp(found[i].topic, topic) != 0)
            continue;
        if (!strstr(found[i].text, text) || (mend ? !strstr(found[i].mend, mend) : found[i].mend[0] != '\0'))
            fail_msg("%s: found \"%s\" -> \"%s\"", topic, found[i].text, found[i].mend);
        assert_int_equal(found[i].verdict, verdict);
        return;
    }
    fail_msg("no finding on %s", topic);
}

static int told(const char *topic)
{
    for (size_t i = 0; i < found_count; i++)
        if (strcmp(found[i].topic, topic) == 0)
            return 1;
    return 0;
}

static void put(const char *path, const char *text)
{
    char full[256], parent[256];
    snprintf(full, sizeof full, "%s%s", dir, path);
    strcpy(parent, full);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(dir_make(parent, NULL), 0);
    assert_int_equal(file_write(full, text, strlen(text), NULL), 0);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ishow-doctor-XXXXXX");
    unsetenv("ISHOW_KERNELS");
    unsetenv("PULSE_SERVER");
    return mkdtemp(dir) ? setenv("HF_HUB_CACHE", dir, 1) : -1;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static void an_empty_machine(void **state)
{
    (void)state;
    examine();
    expect("model f5", ISHOW_NOTE, "built-in voices", "ishowtts pull f5");
    expect("memory", ISHOW_NOTE, "cannot tell", NULL);
    expect("gpu", ISHOW_GOOD, "none", NULL);
    expect("clock", ISHOW_GOOD, "not ours", NULL);
    expect("flite", ISHOW_GOOD, "slt", NULL);
    expect("playing", ISHOW_GOOD, "no sound device", NULL);
    assert_false(told("nvpmodel") || told("devfreq") || told("vocoder"));
}

static void a_desktop(void **state)
{
    (void)state;
    put("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Fast CPU 9000\n"
                         "flags\t\t: fpu avx avx2 fma avx512fx avx512_bf16\n");
    put("/proc/meminfo", "MemTotal:       32000000 kB\nMemFree: 1 kB\nMemAvailable:     500000 kB\n");
    put("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 2024\n");
    put("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA GeForce RTX 3090\nIRQ: 1\n");
    put("/dev/nvidia0", "");
    put("/proc/asound/cards", " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "ondemand\n");
    examine();
    expect("cpu", ISHOW_GOOD, "Fast CPU 9000: avx2 fma avx512_bf16", NULL);
    expect("memory", ISHOW_NOTE, "512 MB of 32.77 GB", "ps ");
    expect("gpu", ISHOW_NOTE, "RTX 3090, driver 550.54.14:", NULL);
    expect("clock", ISHOW_NOTE, "ondemand", "performance");
    assert_true(told("playing"));

    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_driver", "intel_pstate\n");
    put("/sys/fs/cgroup/memory.max", "900000000\n");
    put("/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n");
    examine();
    expect("clock", ISHOW_GOOD, "powersave", NULL);
    expect("memory", ISHOW_NOTE, "900 MB in all", NULL);
    expect("gpu", ISHOW_NOTE, "driver 570.86.15:", NULL);
}

static void a_card_without_its_driver(void **state)
{
    (void)state;
    put("/sys/class/drm/card1/device/vendor", "0x10de\n");
    put("/proc/asound/cards", "--- no soundcards ---\n");
    examine();
    expect("gpu", ISHOW_NOTE, "without", NULL);
    expect("playing", ISHOW_GOOD, "no sound device", NULL);
}

static void a_jetson(void **state)
{
    (void)state;
    static const char conf[] = "# comment\n< PARAM TYPE=FILE NAME=CPU_ONLINE >\n"
                               "< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n"
                               "< POWER_MODEL ID=2 NAME=MODE_30W >\n< PM_CONFIG DEFAULT=2 >\n";
    put("/proc/device-tree/model", "NVIDIA Jetson AGX Orin Developer Kit");
    put("/proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd fphp asimddp\n");
    put("/etc/nvpmodel.conf", conf);
    put("/var/lib/nvpmodel/status", "pmode:0002 fmode:quiet\n");
    put("/sys/class/devfreq/17000000.ga10b/governor", "nvhost_podgov\n");
    put("/sys/class/devfreq/17000000.ga10b/cur_freq", "306000000\n");
    put("/sys/class/devfreq/17000000.ga10b/max_freq", "1300500000\n");
    put("/sys/class/devfreq/other/governor", "userspace\n");
    examine();
    expect("cpu", ISHOW_GOOD, "NVIDIA Jetson AGX Orin Developer Kit: asimd fphp asimddp", NULL);
    expect("gpu", ISHOW_NOTE, "Jetson AGX Orin", NULL);
    expect("nvpmodel", ISHOW_NOTE, "MODE_30W", "sudo nvpmodel -m 0");
    expect("devfreq", ISHOW_NOTE, "306 of 1300 MHz", "jetson_clocks");

    put("/var/lib/nvpmodel/status", "pmode:0000\n");
    put("/sys/class/devfreq/17000000.ga10b/cur_freq", "1300500000\n");
    examine();
    expect("nvpmodel", ISHOW_GOOD, "MAXN", NULL);
    expect("devfreq", ISHOW_GOOD, "1300 of 1300 MHz", NULL);

    put("/var/lib/nvpmodel/status", "nonsense\n");
    put("/sys/class/devfreq/17000000.ga10b/governor", "");
    examine();
    expect("nvpmodel", ISHOW_NOTE, "cannot tell", "nvpmodel -q");
    expect("devfreq", ISHOW_NOTE, "cannot tell", NULL);
}

static void models(void **state)
{
    (void)state;
    put("/models--SWivid--F5-TTS/snapshots/c/F5TTS_v1_Base/model_1250000.safetensors", "12345678");
    put("/proc/meminfo", "MemTotal: 800000 kB\nMemAvailable: 800000 kB\n");
    examine();
    expect("model f5", ISHOW_BAD, "in part", "ishowtts pull f5");
    put("/models--SWivid--F5-TTS/snapshots/c/F5TTS_v1_Base/vocab.txt", "a");
    examine();
    expect("model f5", ISHOW_BAD, "no vocoder", "ishowtts pull f5");
    put("/models--charactr--vocos-mel-24khz/snapshots/c/config.yaml", "a");
    put("/models--charactr--vocos-mel-24khz/snapshots/c/pytorch_model.bin", "a");
    examine();
    expect("model f5", ISHOW_GOOD, "F5-TTS v1 Base", NULL);
    expect("model f5-v0", ISHOW_GOOD, "not here", NULL);
    expect("vocoder", ISHOW_GOOD, "Vocos", NULL);
    expect("memory", ISHOW_BAD, "819 MB in all", "builtin");
    expect("disk", ISHOW_GOOD, dir, NULL);
}

static void forced_kernels(void **state)
{
    (void)state;
    setenv("ISHOW_KERNELS", "c", 1);
    examine();
    expect("kernels", ISHOW_NOTE, "c, as ISHOW_KERNELS", "unset ISHOW_KERNELS");
    setenv("ISHOW_KERNELS", "mmx", 1);
    examine();
    expect("kernels", ISHOW_BAD, "mmx", "unset ISHOW_KERNELS");
    unsetenv("ISHOW_KERNELS");
    examine();
    assert_true(told("kernels"));
}

static void long_and_binary_files_do_no_harm(void **state)
{
    (void)state;
    char longer[40000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer, "model name\t: ", 13);
    put("/proc/cpuinfo", longer);
    put("/proc/meminfo", "MemTotal: 99999999999999999999999999 kB\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", longer);
    put("/proc/device-tree/model", "\xff\xfe Jetson \x80");
    put("/etc/nvpmodel.conf", longer);
    put("/proc/asound/cards", longer);
    examine();
    assert_true(told("cpu") && told("gpu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(a_desktop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_card_without_its_driver, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jetson, setup, teardown),
        cmocka_unit_test_setup_teardown(models, setup, teardown),
        cmocka_unit_test_setup_teardown(forced_kernels, setup, teardown),
        cmocka_unit_test_setup_teardown(long_and_binary_files_do_no_harm, setup, teardown),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
