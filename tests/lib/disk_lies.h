/* Writes that succeed, are synced, and are not there: on top of whatever disk is installed.
 *
 *     lies_begin();
 *     disk_lose_write("a.edb", 0, 3);     of the writes to it from now on, the third is lost
 *     ...
 *     lies_end();
 *
 * A write counts if its file's path contains `part` and it begins at `from` or behind. Thread-safe. */
#ifndef ESENT_TESTS_DISK_LIES_H
#define ESENT_TESTS_DISK_LIES_H

#include <stdbool.h>
#include <stdint.h>

/* Only while no file is open. */
void lies_begin(void);
void lies_end(void);

void disk_lose_write(const char *part, uint64_t from, uint64_t nth);
/* The nth goes to this offset instead; what is there is overwritten. */
void disk_misdirect(const char *part, uint64_t from, uint64_t nth, uint64_t to);
void disk_no_lie(void); /* if it has not been told yet, it will not be */

struct lie {
    uint64_t offset, bytes; /* where the write should have gone */
};
bool disk_lied(struct lie *out); /* since the last order; out may be NULL */

#endif
