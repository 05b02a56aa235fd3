/* A backup set as a tar stream (docs/format-set.md): `backup DIR -` writes one, `restore - DIR` reads one. */
#ifndef ESENT_TOOLS_TAR_H
#define ESENT_TOOLS_TAR_H

#include "backup/set.h"
#include "tools/instance.h"
#include "tools/until.h"

/* The extended attribute of a database's entry: its original path. The manifest says the same, but comes last. */
#define TAR_ORIGINAL "user.esent.original"
#define TAR_PIECE_BYTES (1u << 20) /* a multiple of every page size */

struct tar_backup {
    bool incremental, sha256;
    const char *base; /* of the log files */
    /* Full: where to leave a copy of the manifest; may be NULL. Incremental: the manifest that is continued, and
     * replaced. */
    const char *manifest;
    char *const *databases; /* attached ones, absolute paths */
    size_t database_count;
};
/* Backs up a running instance to standard output. Until all was written nothing is stamped and no log truncated. */
int tar_backup(JET_INSTANCE instance, const struct tar_backup *options);

struct tar_restore {
    const char *dir;  /* of the instance, absolute; it is not running */
    const char *dest; /* of the databases, absolute; NULL: where they were */
    const char *base; /* NULL: that of the set */
    struct until until;
    bool delete_later_logs;
};
/* Restores from standard input. On EXIT_DONE set is what was restored. */
int tar_restore(const struct tar_restore *options, struct set *set);

/* Names of entries are UTF-8, whatever the user's locale. */
void tar_use_utf8(void);

#endif
