/* What a set must be before anything is restored from it. Each function names the first thing that is wrong in an event
 * (events may be NULL) and gives the error that ESE documents for it. */
#ifndef ESENT_BACKUP_VERIFY_H
#define ESENT_BACKUP_VERIFY_H

#include "backup/copy.h"
#include "base/event.h"

/* Log files low..high of one stream. */
struct log_chain {
    struct log_dir dir;
    lggen_t low, high;
    JET_SIGNATURE signature;
    JET_LOGTIME last_created; /* of generation high; set by verify_chain */
};

/* All files of the set are there and have the manifest's sizes: cheap, and so before anything is read. Errors as below.
 */
MUST_CHECK JET_ERR verify_sizes(const struct set *set, const struct event_sink *events);
/* A file of the set is what the manifest says. JET_errMissingRestoreLogFiles / JET_errFileNotFound,
 * JET_errBadBackupDatabaseSize, JET_errLogReadVerifyFailure / JET_errReadVerifyFailure. */
MUST_CHECK JET_ERR verify_file(const struct set *set, const struct set_file *file, const struct event_sink *events,
                               const struct copy_progress *progress);
/* Every generation is there, whole, of one stream, each created after the one before. JET_errMissingRestoreLogFiles,
 * JET_errLogCorruptDuringHardRestore, JET_errGivenLogFileHasBadSignature, JET_errGivenLogFileIsNotContiguous. */
MUST_CHECK JET_ERR verify_chain(struct log_chain *chain, const struct event_sink *events);
/* The database's copy at path can be brought up to date with the chain. JET_errPageSizeMismatch,
 * JET_errRestoreOfNonBackupDatabase, JET_errGivenLogFileHasBadSignature, JET_errStartingRestoreLogTooHigh,
 * JET_errEndingRestoreLogTooLow; JET_errDatabaseCorrupted (no header); JET_errBadBackupDatabaseSize,
 * JET_errBadPatchPage, JET_errDatabasePatchFileMismatch (its trailer). */
MUST_CHECK JET_ERR verify_needs(const char *path, uint32_t page_size, const struct log_chain *chain,
                                const struct event_sink *events, JET_SIGNATURE *sign_db);
/* Everything about a set by itself, each file in one pass: what verify_file, verify_chain and verify_needs say of it,
 * and every page of each database, of which not even what could be corrected may be damaged. In the set's order of
 * files; that a file is not what the manifest says comes before what else it is. Also JET_errBadDbSignature (a database
 * is not the manifest's). A file that cannot be read has an event too (JET_errDiskIO, JET_errFileAccessDenied). chain:
 * becomes that of the set. */
MUST_CHECK JET_ERR verify_set(const struct set *set, const struct event_sink *events,
                              const struct copy_progress *progress, struct log_chain *chain);

#endif
