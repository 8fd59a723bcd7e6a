/* Mapped files that shrink under a running program.
 *
 * When somebody truncates a file that is mapped, the next look at a lost page is a SIGBUS, which ends the program.
 * With the guard installed, zeros are put in the place of the lost page and of all behind it, and the map is marked
 * as lost: whoever works with it asks file_map_lost() when a piece of work is done, throws the result away and says
 * so. A SIGBUS from anywhere else does what it did before.
 *
 * The handler is the program's to install, once, not a library's; threads that read maps must not block SIGBUS.
 * file_map and file_unmap keep the list of maps. */
#ifndef ISHOW_BASE_MAP_GUARD_H
#define ISHOW_BASE_MAP_GUARD_H

#include "base/error.h"

#include <stddef.h>

#define MAP_GUARD_MAX 256 /* maps at a time; those beyond are not guarded */

int map_guard_install(struct error *err);

void map_guard_add(const void *map, size_t len);
void map_guard_remove(const void *map); /* before it is unmapped; fine when it is not in the list */
int map_guard_lost(const void *map);    /* 1: pages of it were lost */

#endif
