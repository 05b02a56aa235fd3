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

/* Sees a file piece by piece, in order. A piece is whole pages of any size, but for the file's last. */
struct copy_viewer {
    void (*see)(void *context, uint64_t offset, void *data, size_t bytes);
    void *context;
};
/* A plain file, only read. viewer may be NULL. */
MUST_CHECK JET_ERR copy_view(const char *from, const struct copy_viewer *viewer, const struct copy_progress *progress,
                             bool sha256, struct file_sum *sum);
/* A plain file of any kind; `to` NULL: only the hash. Synced. to_flags: OS_CREATE, or with OS_TRUNCATE to replace. */
MUST_CHECK JET_ERR copy_file(const char *from, const char *to, unsigned to_flags, const struct copy_progress *progress,
                             bool sha256, struct file_sum *sum);

#endif
