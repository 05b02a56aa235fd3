/* Online backup, backup sets, truncation, restore. Sees databases as page ranges and headers, never as trees. */
#ifndef ESENT_BACKUP_BACKUP_H
#define ESENT_BACKUP_BACKUP_H

#include "recovery/recovery.h"

/* JET_sntBegin, JET_sntProgress, then JET_sntComplete or JET_sntFail; nothing at all when the operation was refused
 * before it began. done counts up to total, never down. Called on the
 * caller's thread with no lock held. A negative return stops the operation and becomes its error; that of
 * JET_sntComplete and JET_sntFail is ignored. */
typedef JET_ERR (*backup_status_fn)(void *context, JET_SNT snt, uint32_t done, uint32_t total);

struct backup_options {
    const char *path; /* absolute; NULL or empty: only truncate logs */
    uint32_t stops;   /* inst->backup_stops when the call came */
    bool incremental, atomic;
    bool sha256;             /* the manifest has the SHA-256 of each file too */
    backup_status_fn status; /* may be NULL */
    void *context;
};

/* The whole of JetBackupInstance. JET_errBackupInProgress, JET_errInvalidBackup (incremental with circular logging; a
 * set that is not this instance's), JET_errMissingFullBackup, JET_errBackupDirectoryNotEmpty,
 * JET_errMakeBackupDirectoryFail, JET_errDeleteBackupFileFail, JET_errInvalidPath, JET_errReadVerifyFailure and its
 * like (a damaged page), JET_errLogReadVerifyFailure, JET_errMissingFileToBackup, JET_errInvalidLogSequence,
 * JET_errBackupAbortByServer, JET_errDiskFull, JET_errInstanceUnavailable. On failure: P10. */
MUST_CHECK JET_ERR backup_run(struct inst *inst, const struct backup_options *options);
/* Makes the backups whose calls came before it end with JET_errBackupAbortByServer, and does not wait. */
void backup_stop(struct inst *inst);
/* The instance is about to end: from here on no backup begins (JET_errTermInProgress). One that runs is
 * JET_errBackupInProgress and nothing changes, or with `stop` it is stopped. */
MUST_CHECK JET_ERR backup_refuse(struct inst *inst, bool stop);
void backup_wait(struct inst *inst); /* until the backup that was stopped has ended; ends an external one */

/* A running instance, whose log has what was done since the backup. */
struct restore_target {
    struct log_dir log_dir;
    JET_SIGNATURE signature;
    lggen_t high; /* up to this generation its files are closed */
};

struct restore_options {
    const char *set;            /* directory of the set, or external: of the log files; absolute */
    const char *dest;           /* directory for the databases, absolute; NULL: where they were */
    const struct path_map *map; /* where a database goes, by its original path; external: where each one is */
    unsigned map_count;
    bool external;     /* the databases are in their places, there is no manifest; others are left alone */
    lggen_t low, high; /* external: of the log files; 0: as found */
    const struct restore_target *target; /* external: its log files are replayed behind those of the set; may be NULL */
    lggen_t until;                       /* the last generation to replay; 0: to the end of the log */
    int64_t until_time;                  /* none is replayed that was created later (Unix milliseconds); 0: any */
    backup_status_fn status;
    void *context;
};

/* The whole of JetRestoreInstance and JetExternalRestore on an instance that is not started: config says where its log
 * is. Afterwards the databases are clean and the instance is stopped. JET_errFileNotFound (no set there),
 * JET_errInvalidBackup (a manifest that cannot be right), JET_errReadVerifyFailure, JET_errBadBackupDatabaseSize,
 * JET_errMissingRestoreLogFiles, JET_errLogReadVerifyFailure, JET_errLogCorruptDuringHardRestore,
 * JET_errGivenLogFileHasBadSignature, JET_errGivenLogFileIsNotContiguous, JET_errRestoreOfNonBackupDatabase,
 * JET_errStartingRestoreLogTooHigh, JET_errEndingRestoreLogTooLow, JET_errBadPatchPage,
 * JET_errDatabasePatchFileMismatch, JET_errExistingLogFileHasBadSignature, JET_errExistingLogFileIsNotContiguous,
 * JET_errMissingCurrentLogFiles, JET_errDatabaseNotFound, JET_errDatabaseSignInUse, JET_errInvalidParameter (the map),
 * JET_errInvalidPath (the set itself would be written over), and what recovery gives. */
MUST_CHECK JET_ERR restore_run(const struct inst_config *config, const struct event_sink *events,
                               const struct restore_options *options);

#endif
