/* Start-up and stop of an instance: where to begin, redo, undo, and the clean end.
 *
 *     inst_start()    reads the checkpoint, redoes the log from there, undoes what did not end, shuts the databases
 *                     clean, starts a checkpointer: the instance runs
 *     inst_stop()     ends clean: everything written, databases clean, checkpoint behind the last record
 *     inst_abandon()  what a crash leaves behind */
#ifndef ESENT_RECOVERY_RECOVERY_H
#define ESENT_RECOVERY_RECOVERY_H

#include "engine/inst.h"

/* A database is looked for here, wherever the log says that it was: it may have been moved since. */
struct path_map {
    JET_SIGNATURE signature;
    char path[OS_PATH_MAX];
};

/* A restore: log files low..high in dir come before those of the instance. */
struct restore_logs {
    char dir[OS_PATH_MAX];
    lggen_t low, high;
    const struct path_map *map;
    unsigned map_count;
    bool in_place; /* databases go to where they were: so do those that the set's own log files made */
    void (*progress)(void *context, lggen_t done); /* after each generation of the set; may be NULL */
    void *context;
};

/* config is copied. Errors: JET_errMissingLogFile, JET_errLogFileCorrupt and the others of log/log.h,
 * JET_errRequiredLogFilesMissing, JET_errAttachedDatabaseMismatch (a database that must be redone is not there),
 * JET_errDbTimeTooOld / New, JET_errReadVerifyFailure (a damaged page without an image in range),
 * JET_errPageSizeMismatch, JET_errLogFileSizeMismatch, JET_errInvalidSystemPath, JET_errInvalidLogDirectory,
 * JET_errSystemPathInUse (another instance runs there). restore: NULL for soft recovery. */
MUST_CHECK JET_ERR inst_start(const struct inst_config *config, const struct event_sink *events,
                              const struct restore_logs *restore, struct inst **out);
/* All sessions have ended. On failure the instance is gone all the same; the next start recovers. */
JET_ERR inst_stop(struct inst *inst);
void inst_abandon(struct inst *inst);

/* ---- recovery.c, used by start.c ---- */

/* Brings the databases up to the end of the log and leaves inst->log ready to go on. inst->log is set on success. */
MUST_CHECK JET_ERR recovery_run(struct inst *inst, const struct restore_logs *restore);

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
