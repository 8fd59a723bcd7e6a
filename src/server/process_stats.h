/* What this process uses, from /proc: for the metrics page. Costs some tens of microseconds (counting open files is the
 * most of it), so a reading is kept for a second. */
#ifndef ISHOW_SERVER_PROCESS_STATS_H
#define ISHOW_SERVER_PROCESS_STATS_H

#include <stdint.h>

#define PROCESS_STATS_KEPT 1.0 /* seconds */

struct process_stats {
    double read_at;     /* by clock_seconds(); 0: never */
    double cpu_seconds; /* user and system */
    double start_time;  /* seconds since 1970 */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t threads, open_fds, max_fds;
};

/* Zero-initialise; brings `s` up to date, `now` being clock_seconds(). 0, or E_IO where /proc is not to be had: `s` is
 * untouched. */
int process_stats_refresh(struct process_stats *s, double now);

#endif
