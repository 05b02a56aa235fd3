/* What the files of the restore share. */
#ifndef ESENT_BACKUP_RESTORE_PRIV_H
#define ESENT_BACKUP_RESTORE_PRIV_H

#include "backup/backup.h"
#include "backup/copy.h"
#include "backup/set.h"
#include "backup/verify.h"

struct restore {
    const struct inst_config *config;
    const struct event_sink *events;
    const struct restore_options *options;
    struct set set;         /* external: without files */
    lggen_t until;          /* the last generation to replay; 0: to the end */
    struct log_chain chain; /* of the set, as far as it is replayed */
    struct path_map *map;   /* one per database: where it goes, or external: is */
    struct recovery_options recovery;
    uint64_t done_bytes, total_bytes;
    bool begun; /* JET_sntBegin was reported */
    uint32_t reported;
};

/* ---- restore_logs.c ---- */

/* Sets r->until, of what was asked for. */
MUST_CHECK JET_ERR restore_find_until(struct restore *r);

/* Copies the log files of the target that follow the set's to where those of the instance are, which has none. */
MUST_CHECK JET_ERR restore_fetch(struct restore *r, const struct copy_progress *progress);

/* Checks the instance's own log files, and sets recovery.last where they, or what was asked for, end before their last
 * one. */
MUST_CHECK JET_ERR restore_find_end(struct restore *r);

/* ---- restore_copy.c: the copy of a database on its way to life ---- */

/* The log files that are replayed bring the copy at path up to date: its header and trailer say what it needs. */
MUST_CHECK JET_ERR restore_check_copy(struct restore *r, const char *path, JET_SIGNATURE *sign_db);
/* Header: the generations that redo must come to. Then the trailer goes. May be repeated. */
MUST_CHECK JET_ERR restore_prepare_copy(struct restore *r, const char *path);
/* The databases must have been part of what was recovered. */
MUST_CHECK JET_ERR restore_check_clean(struct restore *r);

#endif
