/* CPU, kernels, memory and clock. */
#include "engine/doctor.h"

#include "base/pool.h"
#include "dev/dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPUS_MAX 4096
#define F5_MEMORY 1e9 /* bytes resident for v1 Base and 8 s: 0.91 in f32, 0.53 in bf16 (docs/PERFORMANCE.md) */

/* Instruction sets that kernels use, or will, as /proc/cpuinfo calls them on x86-64 and on aarch64. */
static const char *const features[] = {"avx2",      "fma",      "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
                                       "avx_vnni",  "amx_bf16", "amx_int8", "asimd",   "fphp",        "asimddp",
                                       "i8mm",      "bf16",     "sve",     "sve2"};

static int has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return 1;
    return 0;
}

static void tell_cpu(struct doctor *d)
{
    char name[256], flags[DOCTOR_TEXT_MAX * 8], used[256] = "";
    if (doctor_field(d, "/proc/cpuinfo", "model name", name, sizeof name) &&
        doctor_line(d, "/proc/device-tree/model", name, sizeof name) &&
        doctor_field(d, "/proc/cpuinfo", "Hardware", name, sizeof name))
        strcpy(name, "a CPU without a name");
    if (doctor_field(d, "/proc/cpuinfo", "flags", flags, sizeof flags) &&
        doctor_field(d, "/proc/cpuinfo", "Features", flags, sizeof flags))
        flags[0] = '\0';
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (has_word(flags, features[i]))
            snprintf(used + strlen(used), sizeof used - strlen(used), " %s", features[i]);
    doctor_tell(d, "cpu", ISHOW_GOOD, NULL, "%s:%s", name,
                *used ? used : " no vector instructions that are used here");

    int usable = pool_cpu_count();
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (usable < online)
        doctor_tell(d, "cores", ISHOW_NOTE, NULL, "%d of %ld CPUs may be used (affinity or a container's limit)",
                    usable, online);
    else
        doctor_tell(d, "cores", usable > 1 ? ISHOW_GOOD : ISHOW_NOTE, NULL, "%d CPU%s", usable, usable == 1 ? "" : "s");
}

static void tell_kernels(struct doctor *d)
{
    static const char unset[] = "unset ISHOW_KERNELS";
    const char *forced = getenv("ISHOW_KERNELS");
    struct dev *dev = NULL;
    struct dev_info info;
    struct error err;
    if (dev_open_cpu(1, &dev, &err)) {
        doctor_tell(d, "kernels", ISHOW_BAD, forced ? unset : NULL, "%s", err.text);
        return;
    }
    dev_describe(dev, &info);
    if (forced && *forced)
        doctor_tell(d, "kernels", ISHOW_NOTE, unset, "%s, as ISHOW_KERNELS asks for", info.kernels);
    else if (strcmp(info.kernels, "c") == 0)
        doctor_tell(d, "kernels", ISHOW_NOTE, NULL,
                    "plain C: this CPU has neither AVX2 with FMA nor NEON, and F5 will be slow");
    else
        doctor_tell(d, "kernels", ISHOW_GOOD, NULL, "%s", info.kernels);
    dev_close(dev);
}

/* A field of /proc/meminfo in bytes, or -1. */
static double meminfo(const struct doctor *d, const char *key)
{
    char text[64];
    return doctor_field(d, "/proc/meminfo", key, text, sizeof text) ? -1 : strtod(text, NULL) * 1024;
}

static void tell_memory(struct doctor *d)
{
    char text[64], all[32], now[32], need[32];
    double total = meminfo(d, "MemTotal"), available = meminfo(d, "MemAvailable");
    if (total < 0) {
        doctor_tell(d, "memory", ISHOW_NOTE, NULL, "cannot tell: /proc/meminfo is missing");
        return;
    }
    if (doctor_line(d, "/sys/fs/cgroup/memory.max", text, sizeof text) == 0 && text[0] >= '0' && text[0] <= '9') {
        double limit = strtod(text, NULL);
        total = limit < total ? limit : total;
    }
    if (available < 0 || available > total)
        available = total;
    doctor_size(total, all);
    doctor_size(available, now);
    doctor_size(F5_MEMORY, need);
    if (total < F5_MEMORY)
        doctor_tell(d, "memory", d->models ? ISHOW_BAD : ISHOW_NOTE, d->models ? "ishowtts say --model builtin" : NULL,
                    "%s in all, and F5 needs about %s: only the built-in voices will do", all, need);
    else if (available < F5_MEMORY)
        doctor_tell(d, "memory", ISHOW_NOTE, "ps -eo rss,comm --sort=-rss | head",
                    "%s of %s free, and F5 needs about %s: close something large", now, all, need);
    else
        doctor_tell(d, "memory", ISHOW_GOOD, NULL, "%s of %s free; F5 needs about %s", now, all, need);
}

static void tell_clock(struct doctor *d)
{
    static const char mend[] = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
    char path[DOCTOR_PATH_MAX], governor[64], driver[64], slow[64] = "", any[64] = "";
    for (int i = 0; i < CPUS_MAX; i++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", i);
        if (doctor_line(d, path, governor, sizeof governor)) {
            snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d", d->root, i);
            if (i > 0 && access(path, F_OK) < 0)
                break;
            continue;
        }
        strcpy(any, governor);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_driver", i);
        /* These two drivers leave the clock to the CPU, whose "powersave" runs at full speed under load. */
        int own = !doctor_line(d, path, driver, sizeof driver) &&
                  (strcmp(driver, "intel_pstate") == 0 || strcmp(driver, "amd-pstate-epp") == 0);
        if (strcmp(governor, "performance") != 0 && strcmp(governor, "schedutil") != 0 && !own)
            strcpy(slow, governor);
    }
    if (*slow)
        doctor_tell(d, "clock", ISHOW_NOTE, mend, "governor \"%s\" is slow to raise the clock", slow);
    else if (*any)
        doctor_tell(d, "clock", ISHOW_GOOD, NULL, "governor \"%s\"", any);
    else
        doctor_tell(d, "clock", ISHOW_GOOD, NULL, "not ours to choose (a virtual machine, or fixed)");
}

void doctor_machine(struct doctor *d)
{
    tell_cpu(d);
    tell_kernels(d);
    tell_memory(d);
    tell_clock(d);
}
