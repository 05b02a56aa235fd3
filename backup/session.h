/* A backup under way: what JetBackupInstance and the functions for external backup have in common. It knows which step
 * may follow which, hands out verified bytes, and in the end stamps the headers. Where the bytes go is its client's
 * matter: backup.c writes a set into a directory, a program may send them anywhere.
 *
 *     backup_begin()           full: databases may be read; incremental: nothing yet
 *       backup_open / read / close    each database, then
 *     backup_logs()            rolls the log: the generations to copy are closed now
 *       backup_open / read / close    each of them
 *     backup_stamp()           the live headers say that there is a backup
 *     backup_truncate()        log files that neither crash recovery nor the next incremental backup needs go
 *     backup_end()
 *
 * An instance has one at a time (inst->backup). One call at a time: a client that several threads may use holds
 * inst->backup_mutex. No function calls back. */
#ifndef ESENT_BACKUP_SESSION_H
#define ESENT_BACKUP_SESSION_H

#include "engine/inst.h"

enum backup_kind { BACKUP_FULL = 1, BACKUP_INCREMENTAL, BACKUP_TRUNCATE };

struct backup;

/* Read-only attachments have no changes and no log: they are not backed up. */
static inline bool backup_covers(const struct db *db) {
    return db && !db->read_only;
}

/* stops: inst->backup_stops when the call came. where: for the event. external: backup_external() finds it.
 * JET_errBackupInProgress, JET_errTermInProgress, JET_errBackupAbortByServer (a stop since), JET_errInvalidBackup
 * (incremental with circular logging), JET_errMissingFullBackup, errors of inst_usable and of the log. */
MUST_CHECK JET_ERR backup_begin(struct inst *inst, enum backup_kind kind, uint32_t stops, bool external,
                                const char *where, struct backup **out);
/* The external backup that is under way, inst->backup_mutex held. JET_errNoBackup. */
MUST_CHECK JET_ERR backup_external(struct inst *inst, struct backup **out);

/* Strings behind each other, each with its NUL, and a NUL behind the last: as JET returns lists of files. */
struct multi_string {
    char *text;   /* the caller's to free */
    size_t bytes; /* with all NULs */
};
JET_LOGTIME backup_time(const struct backup *s); /* when it began */

/* Databases to copy (full backup); log files to copy; log files that backup_truncate() would delete. The latter two
 * roll the log first as backup_logs() does. JET_errInvalidBackupSequence, JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_list_databases(struct backup *s, struct multi_string *out);
MUST_CHECK JET_ERR backup_list_logs(struct backup *s, struct multi_string *out);
MUST_CHECK JET_ERR backup_list_truncatable(struct backup *s, struct multi_string *out);

/* Opens a database, or after backup_logs() one of its generations; path is absolute. One file at a time
 * (JET_errOutOfMemory). A database has two header pages, which say that it is a copy, its pages, and a trailer.
 * JET_errInvalidBackupSequence, JET_errDatabaseNotFound, JET_errMissingFileToBackup, JET_errLogReadVerifyFailure,
 * JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_open(struct backup *s, const char *path, JET_HANDLE *handle, uint64_t *bytes);
/* The next bytes, verified; 0 at the end. buffer is 4096 aligned, room a multiple of the page size (a log file: of
 * 4096). Damage that ECC corrects is corrected, here and in the database (P11). After an error the file is closed.
 * JET_errInvalidParameter (also: no such file is open), JET_errReadVerifyFailure and the like,
 * JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_read(struct backup *s, JET_HANDLE handle, void *buffer, uint32_t room, uint32_t *got);
/* A file that was not read to its end does not count as copied. JET_errInvalidParameter. */
MUST_CHECK JET_ERR backup_close(struct backup *s, JET_HANDLE handle);

/* What is in the header of the database's copy; valid while it is open. */
const struct dbheader *backup_copy_header(const struct backup *s);
uint32_t backup_copy_pages(const struct backup *s);

/* Ends the generation that is current, once, and says which closed ones belong to the backup. from: an incremental
 * begins here and not where the headers say (0). JET_errInvalidBackupSequence, JET_errMissingFileToBackup,
 * JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_logs(struct backup *s, lggen_t from, lggen_t *low, lggen_t *high);

/* Stamps what was copied whole. truncates: the log is, or is going to be, truncated: full or incremental, else copy or
 * differential backup. */
MUST_CHECK JET_ERR backup_stamp(struct backup *s, bool truncates);
/* P9. JET_errInvalidBackupSequence, JET_errLogFileNotCopied, JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_truncate(struct backup *s);
bool backup_truncated(const struct backup *s);
/* A step failed that the whole backup needs: all but a database of several. Nothing is left but to end it. */
bool backup_broken(const struct backup *s);
/* Every log file of the backup was read: with the databases that were, it can be restored.
 * JET_errInvalidBackupSequence, JET_errBackupAbortByServer. */
MUST_CHECK JET_ERR backup_check_complete(const struct backup *s);

/* JET_errSuccess: it was done. An error: the backup is given up because of it. Frees the session. */
void backup_end(struct backup *s, JET_ERR why);
/* Given up by the client. */
void backup_abandon(struct backup *s);

#endif
