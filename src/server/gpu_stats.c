/* NVML's functions are declared here as its documentation gives them, so that neither its header nor the library is
 * needed to build or to run. */
#include "server/gpu_stats.h"

#include <dlfcn.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct nvml_device *nvml_device;
struct nvml_utilization {
    unsigned gpu, memory; /* percent of the last sampling period */
};
struct nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

struct nvml {
    void *library; /* NULL: not there */
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *ret);
    int (*handle)(unsigned index, nvml_device *ret);
    int (*utilization)(nvml_device device, struct nvml_utilization *ret);
    int (*memory)(nvml_device device, struct nvml_memory *ret);
};

struct gpu_stats {
    struct nvml nvml;
    nvml_device devices[GPU_STATS_MAX];
    char *load_file; /* of a Jetson: thousandths; or NULL */
    int count;
    double read_at; /* 0: never */
    struct gpu_reading readings[GPU_STATS_MAX];
};

static void nvml_release(struct nvml *n)
{
    if (n->library)
        dlclose(n->library);
    *n = (struct nvml){0};
}

/* All or nothing: a driver that lacks one of the functions is too old to bother. */
static int nvml_load(struct nvml *n, const char *path)
{
    const struct {
        const char *name;
        void *slot;
    } functions[] = {
        {"nvmlInit_v2", &n->init},
        {"nvmlShutdown", &n->shutdown},
        {"nvmlDeviceGetCount_v2", &n->count},
        {"nvmlDeviceGetHandleByIndex_v2", &n->handle},
        {"nvmlDeviceGetUtilizationRates", &n->utilization},
        {"nvmlDeviceGetMemoryInfo", &n->memory},
    };
    n->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int ok = n->library != NULL;
    for (size_t i = 0; ok && i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(n->library, functions[i].name);
        memcpy(functions[i].slot, &f, sizeof f); /* ISO C has no cast from an object's pointer to a function's */
        ok = f != NULL;
    }
    if (ok && n->init() == 0)
        return 0;
    nvml_release(n);
    return E_UNSUPPORTED;
}

static void find_nvidia(struct gpu_stats *g, const char *library)
{
    if (nvml_load(&g->nvml, library))
        return;
    unsigned n = 0;
    if (g->nvml.count(&n))
        n = 0;
    for (unsigned i = 0; i < n && g->count < GPU_STATS_MAX; i++)
        if (g->nvml.handle(i, &g->devices[g->count]) == 0)
            g->count++;
}

/* The GPU's name differs from one Jetson to the next, and its device moved between releases; under devfreq it is always
 * to be found. */
static int find_jetson(struct gpu_stats *g, const char *sysfs)
{
    static const char *const names[] = {"*gpu*", "*ga10b*", "*gv11b*", "*gp10b*", "*gm20b*"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !g->load_file; i++) {
        char *pattern;
        if (asprintf(&pattern, "%s/class/devfreq/%s/device/load", sysfs, names[i]) < 0)
            return E_NOMEM;
        glob_t found;
        const int rc = glob(pattern, 0, NULL, &found);
        free(pattern);
        if (rc == GLOB_NOSPACE)
            return E_NOMEM;
        if (rc)
            continue;
        g->load_file = strdup(found.gl_pathv[0]);
        globfree(&found);
        if (!g->load_file)
            return E_NOMEM;
        g->count = 1;
    }
    return 0;
}

int gpu_stats_create(const char *nvml, const char *sysfs, struct gpu_stats **ret)
{
    struct gpu_stats *g = calloc(1, sizeof *g);
    if (!g)
        return E_NOMEM;
    if (find_jetson(g, sysfs)) {
        gpu_stats_free(g);
        return E_NOMEM;
    }
    if (!g->load_file) /* newer Jetsons have the library too, but it cannot tell how busy they are */
        find_nvidia(g, nvml);
    *ret = g;
    return 0;
}

void gpu_stats_free(struct gpu_stats *g)
{
    if (!g)
        return;
    if (g->nvml.library)
        g->nvml.shutdown();
    nvml_release(&g->nvml);
    free(g->load_file);
    free(g);
}

static double read_load(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NAN;
    double thousandths;
    const int n = fscanf(f, "%lf", &thousandths);
    fclose(f);
    return n == 1 && thousandths >= 0 && thousandths <= 1000 ? thousandths / 10 : NAN;
}

static struct gpu_reading read_nvidia(const struct nvml *n, nvml_device device)
{
    struct gpu_reading r = {NAN, NAN, NAN};
    struct nvml_utilization busy;
    if (n->utilization(device, &busy) == 0)
        r.utilization = busy.gpu;
    struct nvml_memory memory;
    if (n->memory(device, &memory) == 0) {
        r.memory_used = (double)memory.used;
        r.memory_total = (double)memory.total;
    }
    return r;
}

int gpu_stats_read(struct gpu_stats *g, double now, const struct gpu_reading **ret)
{
    if (!g->read_at || now - g->read_at >= GPU_STATS_KEPT) {
        g->read_at = now;
        for (int i = 0; i < g->count; i++)
            g->readings[i] = g->load_file ? (struct gpu_reading){read_load(g->load_file), NAN, NAN}
                                          : read_nvidia(&g->nvml, g->devices[i]);
    }
    *ret = g->readings;
    return g->count;
}
