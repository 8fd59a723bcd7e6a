/* A management library of two graphics cards, for test_usage_stats: the second tells nothing but its memory. */
struct device {
    unsigned busy;
    int tells;
    unsigned long long total, used;
};
struct utilization {
    unsigned gpu, memory;
};
struct memory {
    unsigned long long total, free, used;
};

static struct device devices[] = {{0, 1, 80ull << 30, 6ull << 30}, {0, 0, 24ull << 30, 1ull << 30}};

#define EXPORT __attribute__((visibility("default")))
EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlDeviceGetCount_v2(unsigned *ret);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **ret);
EXPORT int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *ret);
EXPORT int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *ret);

int nvmlInit_v2(void)
{
    return 0;
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *ret)
{
    *ret = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **ret)
{
    *ret = &devices[index];
    return 0;
}

/* One percent more each time it is asked. */
int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *ret)
{
    if (!device->tells)
        return 3; /* not supported */
    *ret = (struct utilization){++device->busy, 1};
    return 0;
}

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *ret)
{
    *ret = (struct memory){device->total, device->total - device->used, device->used};
    return 0;
}
