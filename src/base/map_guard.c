/* See map_guard.h. The list is the process's, because a signal handler can be given nothing else. It lies behind a spin
 * lock: what is done under it touches no mapped file, so a fault that wants the lock cannot be what holds it, and a
 * SIGBUS that was sent does not ask for it. */
#include "base/map_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    uintptr_t start, end; /* whole pages; 0: free */
    int lost;
} maps[MAP_GUARD_MAX];
static atomic_flag busy = ATOMIC_FLAG_INIT;
static uintptr_t page; /* bytes; written before the handler is installed */
static struct sigaction before;

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        ;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

/* Puts zeros over the rest of the map that `at` lies in. 0 when it lies in none. */
static int cover(uintptr_t at)
{
    int covered = 0;
    lock();
    for (size_t i = 0; i < MAP_GUARD_MAX && !covered; i++) {
        if (at < maps[i].start || at >= maps[i].end)
            continue;
        const uintptr_t from = at / page * page;
        covered = mmap((void *)from, maps[i].end - from, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
                  MAP_FAILED;
        maps[i].lost |= covered;
    }
    unlock();
    return covered;
}

/* Called in the thread that faulted. When the cause is gone, it goes on where it was; when not, it faults again and
 * meets what was there before. */
static void on_bus(int signal_number, siginfo_t *info, void *context)
{
    const int saved = errno;
    const int sent = info->si_code <= 0; /* by a process: there is no address */
    (void)context;
    if (sent || !cover((uintptr_t)info->si_addr)) {
        sigaction(SIGBUS, &before, NULL);
        if (sent)
            raise(signal_number);
    }
    errno = saved;
}

int map_guard_install(struct error *err)
{
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_RESTART};
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, &before) < 0)
        return error_errno(err, errno, "cannot guard mapped files");
    return 0;
}

void map_guard_add(const void *map, size_t len)
{
    const uintptr_t start = (uintptr_t)map, size = (uintptr_t)sysconf(_SC_PAGESIZE);
    lock();
    for (size_t i = 0; i < MAP_GUARD_MAX; i++)
        if (!maps[i].start) {
            maps[i].start = start;
            maps[i].end = start + (len + size - 1) / size * size;
            maps[i].lost = 0;
            break;
        }
    unlock();
}

static size_t find(uintptr_t start)
{
    size_t i = 0;
    while (i < MAP_GUARD_MAX && maps[i].start != start)
        i++;
    return i;
}

void map_guard_remove(const void *map)
{
    lock();
    const size_t i = find((uintptr_t)map);
    if (i < MAP_GUARD_MAX)
        maps[i].start = maps[i].end = 0;
    unlock();
}

int map_guard_lost(const void *map)
{
    lock();
    const size_t i = find((uintptr_t)map);
    const int lost = i < MAP_GUARD_MAX && maps[i].lost;
    unlock();
    return lost;
}
