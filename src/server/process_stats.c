/* /proc/self/stat holds all but two: open files are the entries of /proc/self/fd, their limit is a call. */
#include "server/process_stats.h"

#include "base/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STAT_MAX 4096 /* bytes of /proc/self/stat: 52 numbers and a name of 16 bytes */

static int read_text(const char *path, char text[STAT_MAX])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    const ssize_t n = read(fd, text, STAT_MAX - 1);
    close(fd);
    if (n <= 0)
        return E_IO;
    text[n] = '\0';
    return 0;
}

static uint64_t count_open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    uint64_t n = 0;
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n - 1; /* without the folder itself */
}

/* When the machine started, in seconds since 1970. /proc counts a process' start from there. */
static double boot_time(void)
{
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + 1e-9 * (double)(wall.tv_nsec - boot.tv_nsec);
}

int process_stats_refresh(struct process_stats *s, double now)
{
    if (s->read_at && now - s->read_at < PROCESS_STATS_KEPT)
        return 0;
    char text[STAT_MAX];
    if (read_text("/proc/self/stat", text))
        return E_IO;
    /* The second field is the program's name, in parentheses that it may contain too: fields count from the last. */
    const char *after = strrchr(text, ')');
    uint64_t user, system, threads, start, bytes_virtual;
    int64_t pages_resident;
    if (!after || sscanf(after + 1,
                         " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %" SCNu64
                         " %*d %" SCNu64 " %" SCNu64 " %" SCNd64,
                         &user, &system, &threads, &start, &bytes_virtual, &pages_resident) != 6)
        return E_IO;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return E_IO;
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    /* Computed once: it would move when the clock is set. */
    const double start_time = s->read_at ? s->start_time : boot_time() + (double)start / ticks;
    *s = (struct process_stats){
        .read_at = now,
        .cpu_seconds = (double)(user + system) / ticks,
        .start_time = start_time,
        .resident_bytes = (uint64_t)pages_resident * (uint64_t)sysconf(_SC_PAGESIZE),
        .virtual_bytes = bytes_virtual,
        .threads = threads,
        .open_fds = count_open_files(),
        .max_fds = (uint64_t)files.rlim_cur,
    };
    return 0;
}
