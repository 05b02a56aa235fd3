/* Start-up and stop of an instance: where to begin, redo, undo, and the clean end.
 *
 *     inst_start()    reads the checkpoint, redoes the log from there, undoes what did not end, shuts the databases
 *                     clean, starts a checkpointer: the instance runs
 *     inst_stop()     ends clean: everything written, databases clean, checkpoint behind the last record
 *     inst_abandon()  what a crash leaves behind */
#ifndef ESENT_RECOVERY_RECOVERY_H
#define ESENT_RECOVERY_RECOVERY_H

#include "engine/inst.h"

/* A database is looked for at `to`, wherever the log says that it was: it may have been moved since. The log's database
 * is known by its signature or, where that is not known, by its path. */
struct path_map {
    char from[OS_PATH_MAX]; /* as the log has it; "": not known */
    char to[OS_PATH_MAX];
    JET_SIGNATURE signature;
    bool has_signature;
};

/* Sets the signatures of entries whose files are in their places. JET_errDatabaseSignInUse: two are one database. */
MUST_CHECK JET_ERR path_map_read(struct path_map *map, unsigned count);

/* What a recovery is to do differently. All zero: redo to the end of the instance's log, undo. */
struct recovery_options {
    const struct path_map *map;
    unsigned map_count;
    bool map_only; /* databases that are not in the map are not looked for */
    /* A restore: generations set_low..set_high in set_dir come before those of the instance. set_high 0: none. */
    const char *set_dir;
    lggen_t set_low, set_high;
    bool in_place; /* databases go to where they were: so do those that the set's own log files made */
    /* The log ends with generation `last`. When redo has come there, the instance's own log files beyond it, and those
     * beyond `keep`, are deleted. 0: it ends where the files do. */
    lggen_t last, keep;
    lgpos_t stop; /* records that begin here or later are not redone, and nothing is undone; 0: none */
    bool no_undo; /* JET_errRecoveredWithoutUndo when redo is done: databases stay dirty, a later start goes on */
    bool ignore_missing_dbs; /* a file that is not there is no error */
    bool ignore_lost_logs;   /* nor a log whose current file is lost: JET_wrnCommittedLogFilesLost */
    bool truncate;           /* afterwards, log files that neither recovery nor an incremental backup needs go */
    /* After each generation from first to last; may be NULL. A negative return ends the recovery, which can be
     * repeated. */
    JET_ERR (*progress)(void *context, lggen_t first, lggen_t done, lggen_t last);
    void *context;
};

/* config is copied. options may be NULL. Errors: JET_errMissingLogFile, JET_errLogFileCorrupt and the others of
 * log/log.h, JET_errRequiredLogFilesMissing, JET_errAttachedDatabaseMismatch (a database that must be redone is not
 * there), JET_errDbTimeTooOld / New, JET_errReadVerifyFailure (a damaged page without an image in range),
 * JET_errPageSizeMismatch, JET_errLogFileSizeMismatch, JET_errInvalidSystemPath, JET_errInvalidLogDirectory,
 * JET_errSystemPathInUse (another instance runs there), and those of the options. JET_wrnCommittedLogFilesLost. */
MUST_CHECK JET_ERR inst_start(const struct inst_config *config, const struct event_sink *events,
                              const struct recovery_options *options, struct inst **out);
JET_ERR inst_stop(struct inst *inst);
void inst_abandon(struct inst *inst);

/* ---- recovery.c, used by start.c ---- */

/* Brings the databases up to the end of the log and leaves inst->log ready to go on. inst->log is set on success. */
MUST_CHECK JET_ERR recovery_run(struct inst *inst, const struct recovery_options *options);

/* ---- checkpoint.c ---- */

/* <system path>/<base>.chk; out has OS_PATH_MAX bytes. */
MUST_CHECK JET_ERR checkpoint_path(const struct inst_config *config, char *out);
/* P7: the checkpoint moves to the oldest change that is not in a synced file, or the begin of the oldest open
 * transaction. write_older_than: pages whose oldest change is older are written first (0: none, UINT64_MAX: all).
 * Then headers, checkpoint file, and with circular logging the files below it go. inst->mutex held. */
MUST_CHECK JET_ERR checkpoint_update(struct inst *inst, lgpos_t write_older_than);
/* Bytes of log behind the checkpoint. */
uint64_t checkpoint_distance(struct inst *inst);
/* A committer's share when the checkpointer does not keep up: does nothing while the distance is below four times the
 * allowed depth. No lock held. */
void checkpoint_help(struct inst *inst);
MUST_CHECK JET_ERR checkpointer_start(struct inst *inst);
void checkpointer_stop(struct inst *inst); /* no lock held; joins the thread */

#endif
