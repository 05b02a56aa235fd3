/* Disks that are really full: a small tmpfs at "<test_dir>/disk", seen by this process and its children only. Each
 * scene fills it while sessions work, looks at what it was told, makes room, and sees every row. CUnit assertions.
 * full_disk_begin first, and before the process has threads. */
#ifndef ESENT_TESTS_FULLDISK_H
#define ESENT_TESTS_FULLDISK_H

#include <stdbool.h>

/* A mount namespace of this process; false: not permitted here. The mount ends with the process. */
bool full_disk_begin(void);

void full_disk_log(
    bool restart); /* updates fail; with room, or after a restart with it, all that was acknowledged is there */
void full_disk_database(void); /* updates fail, the instance stays usable, and goes on when there is room */
void full_disk_set(void);      /* a backup fails, the set before it stays whole, the next one succeeds */

#endif
