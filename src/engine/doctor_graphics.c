/* GPU, and the power modes of a Jetson, where the same board is several times slower in the wrong one. */
#include "engine/doctor.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_USED "this build works on the CPU and does not use it"

/* The name of the first GPU that NVIDIA's driver knows. */
static int nvidia_model(const struct doctor *d, char *text, size_t size)
{
    char path[DOCTOR_PATH_MAX], file[DOCTOR_PATH_MAX];
    doctor_path(d, "/proc/driver/nvidia/gpus", path);
    DIR *dir = opendir(path);
    int found = 0;
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        if (e->d_name[0] == '.' || strlen(e->d_name) > 64)
            continue;
        snprintf(file, sizeof file, "/proc/driver/nvidia/gpus/%.64s/information", e->d_name);
        found = doctor_field(d, file, "Model", text, size) == 0;
    }
    if (dir)
        closedir(dir);
    return found ? 0 : -1;
}

/* 1 when a PCI display device carries NVIDIA's number. */
static int nvidia_on_bus(const struct doctor *d)
{
    char path[DOCTOR_PATH_MAX], vendor[32];
    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof path, "/sys/class/drm/card%d/device/vendor", i);
        if (doctor_line(d, path, vendor, sizeof vendor) == 0 && strcmp(vendor, "0x10de") == 0)
            return 1;
    }
    return 0;
}

static int exists(const struct doctor *d, const char *path)
{
    char full[DOCTOR_PATH_MAX];
    doctor_path(d, path, full);
    return access(full, F_OK) == 0;
}

static int jetson(const struct doctor *d, char *board, size_t size)
{
    if (doctor_line(d, "/proc/device-tree/model", board, size) == 0 && strstr(board, "Jetson"))
        return 1;
    snprintf(board, size, "Jetson");
    return exists(d, "/etc/nv_tegra_release");
}

static void tell_gpu(struct doctor *d)
{
    char model[256], version[DOCTOR_TEXT_MAX], board[256];
    if (jetson(d, board, sizeof board)) {
        doctor_tell(d, "gpu", ISHOW_NOTE, NULL, "%s: " NOT_USED, board);
    } else if (nvidia_model(d, model, sizeof model) == 0) {
        const char *driver = "";
        if (doctor_field(d, "/proc/driver/nvidia/version", "NVRM version", version, sizeof version) == 0) {
            /* "NVIDIA UNIX x86_64 Kernel Module  550.54.14  …" or "… for x86_64  550.…  Release Build" */
            for (char *s = strtok(version, " "); s; s = strtok(NULL, " "))
                if (s[0] >= '0' && s[0] <= '9' && strchr(s, '.')) {
                    driver = s;
                    break;
                }
        }
        doctor_tell(d, "gpu", ISHOW_NOTE, NULL, "%s, driver %s%s: " NOT_USED, model, *driver ? driver : "loaded",
                    exists(d, "/dev/nvidia0") ? "" : ", not passed into this container");
    } else if (nvidia_on_bus(d)) {
        doctor_tell(d, "gpu", ISHOW_NOTE, NULL, "an NVIDIA GPU without NVIDIA's driver: " NOT_USED);
    } else {
        doctor_tell(d, "gpu", ISHOW_GOOD, NULL, "none from NVIDIA: the CPU does the work");
    }
}

/* One "< POWER_MODEL ID=0 NAME=MAXN >" of /etc/nvpmodel.conf at a time. */
static int next_power_mode(FILE *f, int *id, char name[64])
{
    char line[512];
    while (fgets(line, sizeof line, f))
        if (sscanf(line, " < POWER_MODEL ID=%d NAME=%63[^ >\r\n]", id, name) == 2)
            return 1;
    return 0;
}

static void tell_power_mode(struct doctor *d)
{
    char path[DOCTOR_PATH_MAX], status[64], name[64], now_name[64] = "", mend[64];
    int id, now = -1, full = -1;
    /* the tool leaves "pmode:0002 fmode:fanNull" */
    if (doctor_line(d, "/var/lib/nvpmodel/status", status, sizeof status) == 0)
        sscanf(status, "pmode:%d", &now);
    doctor_path(d, "/etc/nvpmodel.conf", path);
    FILE *f = fopen(path, "re");
    while (f && next_power_mode(f, &id, name)) {
        if (strncmp(name, "MAXN", 4) == 0 && full < 0)
            full = id;
        if (id == now)
            strcpy(now_name, name);
    }
    if (f)
        fclose(f);
    snprintf(mend, sizeof mend, "sudo nvpmodel -m %d", full < 0 ? 0 : full);
    if (now < 0)
        doctor_tell(d, "nvpmodel", ISHOW_NOTE, "sudo nvpmodel -q", "cannot tell the power mode");
    else if (now == full)
        doctor_tell(d, "nvpmodel", ISHOW_GOOD, NULL, "mode %d (%s), the fastest", now, now_name);
    else
        doctor_tell(d, "nvpmodel", ISHOW_NOTE, mend, "mode %d (%s) caps clocks and cores", now,
                    *now_name ? now_name : "unknown");
}

static int is_gpu_clock(const char *name)
{
    static const char *const marks[] = {"gpu", "ga10b", "gv11b", "gp10b", "gm20b"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(name, marks[i]))
            return 1;
    return 0;
}

static void tell_gpu_clock(struct doctor *d)
{
    char path[DOCTOR_PATH_MAX], name[128] = "", governor[64], now[32], max[32];
    doctor_path(d, "/sys/class/devfreq", path);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (is_gpu_clock(e->d_name))
            snprintf(name, sizeof name, "%.127s", e->d_name);
    if (dir)
        closedir(dir);
    snprintf(path, sizeof path, "/sys/class/devfreq/%s/governor", name);
    if (!*name || doctor_line(d, path, governor, sizeof governor)) {
        doctor_tell(d, "devfreq", ISHOW_NOTE, NULL, "cannot tell the GPU's clock");
        return;
    }
    snprintf(path, sizeof path, "/sys/class/devfreq/%s/cur_freq", name);
    int told = !doctor_line(d, path, now, sizeof now);
    snprintf(path, sizeof path, "/sys/class/devfreq/%s/max_freq", name);
    told = told && !doctor_line(d, path, max, sizeof max);
    double mhz = told ? strtod(now, NULL) / 1e6 : 0, top = told ? strtod(max, NULL) / 1e6 : 0;
    if (strcmp(governor, "performance") == 0 || (told && mhz >= top))
        doctor_tell(d, "devfreq", ISHOW_GOOD, NULL, "GPU governor \"%s\", %.0f of %.0f MHz", governor, mhz, top);
    else
        doctor_tell(d, "devfreq", ISHOW_NOTE, "sudo jetson_clocks", "GPU governor \"%s\", %.0f of %.0f MHz", governor,
                    mhz, top);
}

void doctor_graphics(struct doctor *d)
{
    char board[256];
    tell_gpu(d);
    if (!jetson(d, board, sizeof board))
        return;
    tell_power_mode(d);
    tell_gpu_clock(d);
}
