/* Copying out of a set, and reading one: a single pass over each file, summed on the way. */
#ifndef ESENT_BACKUP_COPY_H
#define ESENT_BACKUP_COPY_H

#include "backup/backup.h"
#include "backup/set.h"

/* Counts bytes for the caller's progress, and asks whether to go on: a negative return ends the copy. */
struct copy_progress {
    JET_ERR (*advance)(void *context, uint64_t bytes);
    void *context;
};

/* A plain file of any kind; `to` NULL: only the hash. Synced. to_flags: OS_CREATE, or with OS_TRUNCATE to replace. */
MUST_CHECK JET_ERR copy_file(const char *from, const char *to, unsigned to_flags, const struct copy_progress *progress,
                             bool sha256, struct file_sum *sum);

#endif
