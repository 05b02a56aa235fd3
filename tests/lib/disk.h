/* A disk in memory that can fail, lose power, and be put back to an earlier state.
 *
 * What is written reaches the disk for certain only with a sync of its file; that a file exists, has a new name or is
 * gone, only with a sync of its directory. disk_power_on(DISK_LOSES) therefore keeps of each file what was synced and
 * of the rest whatever it likes: a write is kept, dropped, or torn at 512 bytes; of a directory's changes a first part
 * is kept, or any. DISK_KEEPS is the crash of a process: nothing is lost, but nothing is synced by it either.
 *
 *     disk_install(seed);
 *     disk_power_off_at(17);        the 17th change from now on fails, and every call after it
 *     ...                           until it has failed and everything is closed
 *     disk_power_on(DISK_LOSES);
 *     disk_done();
 *
 * Paths are absolute. Directories: "/" exists. Thread-safe. */
#ifndef ESENT_TESTS_DISK_H
#define ESENT_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Only while no file is open. seed: of what a power cut keeps. */
void disk_install(uint64_t seed);
void disk_done(void);
unsigned disk_open_files(void);

enum disk_loss { DISK_KEEPS, DISK_LOSES };
void disk_power_off_at(uint64_t change); /* from 1; 0: never */
bool disk_power_is_off(void);
void disk_power_on(enum disk_loss loss); /* nothing is open */
uint64_t disk_changes(void);             /* since disk_install() or disk_power_off_at() */

/* The nth call from now on that is made for a path that contains `part` (NULL: any) fails. A write that fails may have
 * written a part. */
struct disk_fault {
    uint64_t nth; /* from 1; 0: none */
    const char *part;
    JET_ERR error;
    bool forever;     /* and all that follow */
    bool all_threads; /* not only those of this thread count */
    bool needs_room;  /* only calls that need room on the disk count */
    bool loses;       /* only syncs count; it loses what it should have made durable, later ones succeed */
};
void disk_fault(struct disk_fault fault);
void disk_fail(uint64_t nth, const char *part, JET_ERR error); /* once, of this thread */
uint64_t disk_fault_calls(void);                               /* that could have failed since disk_fault() */
void disk_no_fault(void);                                      /* if it has not failed yet, it will not */
const char *disk_failed(void); /* what did, since disk_fail(): "write /d/a.edb"; NULL: nothing */

/* ---- the files, as a test sees and changes them: durable at once ---- */

bool disk_exists(const char *path);
/* The file's bytes, valid until it is changed; NULL: there is none. */
const uint8_t *disk_get(const char *path, size_t *bytes);
void disk_put(const char *path, const void *bytes, size_t count); /* made if missing, as are its directories */
void disk_flip(const char *path, size_t offset, unsigned mask);
void disk_cut(const char *path, size_t bytes); /* shorter or, with zeros, longer */
void disk_delete(const char *path);            /* a directory with all that is in it */
void disk_move(const char *from, const char *to);
void disk_copy(const char *from, const char *to);
void disk_make_dir(const char *path);
/* Of all names and bytes below a path, lock files (.lck) excepted; 0: there is nothing. */
uint64_t disk_digest(const char *path);
void disk_export(const char *path, const char *real_path); /* to a file of the real disk */

/* The whole disk, nothing being open. */
struct disk_image;
struct disk_image *disk_save(void);
void disk_load(const struct disk_image *image);
void disk_image_free(struct disk_image *image);

/* Every change through the table, recorded, so that the power can go off at each without running again what made them.
 * Nothing is open when it begins, ends and plays. */
struct disk_tape;
struct disk_tape *disk_record(void); /* also sets disk_changes() to 0 */
void disk_record_end(void);
/* The disk as it is when the power goes off at this change (from 1; one more than there are: after the last). Next
 * comes disk_power_on(). Ascending numbers are fast. */
void disk_play(struct disk_tape *tape, uint64_t change);
uint64_t disk_tape_digest(const struct disk_tape *tape); /* of what was changed in what order, not of the bytes */
void disk_tape_free(struct disk_tape *tape);

#endif
