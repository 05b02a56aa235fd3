/* What stands behind the handles of the API.
 *
 * A handle is a slot number and a tag that changes with each use of the slot: a stale, foreign or invented handle finds
 * nothing. Slots are never freed, so looking at one is always safe; what stands behind it may be freed by another
 * thread at any moment, unless the slot is claimed. Who frees it claims the slot first. A claim is a word in the slot,
 * and there are two: others wait for the end of one that is held for a moment, and are turned away by one that is kept.
 *
 *     session    claimed for a moment, until it is known that the call may enter; then kept until the call ends. So
 *                a call that is refused does not disturb the thread that the session belongs to
 *     instance   claimed for the moment in which a call is counted
 *     cursor     not claimed: the slot itself says whose it is, and only calls of that session free it
 *
 * Entering: a call that works on an instance or a session says so (api_enter_*) and leaves again. Termination refuses
 * new entries and waits for those under way. Calls on an instance are counted. Those on a session are not, since each
 * row that is read is one: termination claims each session, and gets it when its call is over. The claim comes before
 * the look whether the instance ends, and that it ends is said before its sessions are claimed (both seq_cst): one of
 * the two sees the other. */
#ifndef ESENT_API_HANDLES_H
#define ESENT_API_HANDLES_H

#include <stdatomic.h>

#include "api/params.h"
#include "engine/cursor.h"
#include "engine/inst.h"

enum handle_kind { HANDLE_INSTANCE = 1, HANDLE_SESSION, HANDLE_TABLE };

/* object: what is found by it. owner: the handle of a session's instance, of a cursor's session. JET_errOutOfMemory. */
MUST_CHECK JET_ERR handle_new(enum handle_kind kind, void *object, JET_API_PTR owner, JET_API_PTR *out);
/* Without a claim. NULL: not a handle of this kind. owner, which may be NULL, is as given to handle_new. */
void *handle_find(enum handle_kind kind, JET_API_PTR handle, JET_API_PTR *owner);
/* Claims, for a moment. NULL: not a handle of this kind, or *busy: somebody else keeps it. */
void *handle_try_claim(enum handle_kind kind, JET_API_PTR handle, bool *busy);
/* The same for kinds of which nobody keeps one. */
void *handle_claim(enum handle_kind kind, JET_API_PTR handle);
void handle_keep(JET_API_PTR handle); /* what is claimed, until it is released or freed */
void handle_release(JET_API_PTR handle);
void handle_free(JET_API_PTR handle); /* and its claim, if it is claimed */

/* What has an instance to itself. */
enum busy { BUSY_NOT, BUSY_INIT, BUSY_TERM, BUSY_RESTORE };

struct api_inst {
    JET_INSTANCE handle;
    struct params params;
    char name[64], display[64];
    bool named;
    bool only;                /* the one instance of single-instance mode */
    _Atomic bool running;     /* between JetInit and JetTerm */
    _Atomic int busy;         /* enum busy */
    _Atomic bool terminating; /* no more entries */
    _Atomic bool stopped;     /* JetStopServiceInstance */
    _Atomic uint32_t calls;   /* of threads that work on the instance, without a session */
    _Atomic uint32_t cursors;
    struct inst *inst;     /* while running */
    struct os_mutex mutex; /* OS_RANK_API: the list of sessions */
    struct api_session *sessions;
    uint32_t session_count;
    struct api_inst *next; /* all instances, under the engine's mutex */
};

struct api_session {
    JET_SESID handle;
    struct api_inst *owner;
    struct session *session;
    _Atomic unsigned level; /* of its transaction after the last call; without a claim for JetTerm2 only */
    /* Whose it is, as thread numbers: 0 and context 0 mean nobody's. What JetSetSessionContext said, and what a
     * transaction began with, which stays until it ends. */
    uint64_t context_thread, trx_thread;
    JET_API_PTR context, trx_context;
    struct api_table *tables;
    struct {
        uint32_t opens;
        bool exclusive, writes;
    } dbs[DB_MAX + 1]; /* writes: not only with JET_bitDbReadOnly */
    struct api_session *prev, *next;
};

/* A cursor, or the rows of a list that JetGetTableColumnInfo and JetGetObjectInfo hand out as a temporary table. */
struct api_table {
    JET_TABLEID handle;
    struct api_session *owner;
    struct cursor *cursor; /* NULL: list */
    struct list *list;
    uint8_t dbid;
    unsigned level; /* of the transaction it was opened in; 0: none */
    struct api_table *prev, *next;
};

/* The engine: parameters without an instance, all instances. */
extern struct params *engine_params(void);
void engine_lock(void);
void engine_unlock(void);
struct api_inst *engine_instances(void); /* locked */
uint32_t engine_running(void);           /* instances that run; locked */
/* Locked. JET_errInstanceNameInUse, JET_errTooManyInstances, JET_errRunningInOneInstanceMode (also for a second one),
 * JET_errRunningInMultiInstanceMode (an `only` one beside others). */
MUST_CHECK JET_ERR engine_add(struct api_inst *inst);
void engine_remove(struct api_inst *inst); /* locked */

/* Single-instance mode: JetInit without an instance makes the only one. While it lives no other can be made, and an
 * instance of 0 or JET_instanceNil is it, in every call. The mode is nothing but what stands in the list of instances.
 *
 * A legacy function, which has no instance, asks for the mode and calls its successor with the instance 0. */
MUST_CHECK JET_ERR api_need_one_instance(void); /* JET_errRunningInMultiInstanceMode, JET_errNotInitialized */
struct api_inst *engine_only(void);             /* locked; NULL: not in this mode */
bool api_is_nil(JET_INSTANCE instance);         /* 0 or JET_instanceNil */
/* Claims the instance for a moment; handle_release(inst->handle) ends it. JET_errInvalidInstance; for 0 and
 * JET_instanceNil JET_errNotInitialized when there is no instance at all. */
MUST_CHECK JET_ERR api_claim_instance(JET_INSTANCE instance, struct api_inst **out);

/* JetInit, JetTerm and restores have the instance to themselves. JET_errInvalidInstance, JET_errInitInProgress,
 * JET_errTermInProgress, JET_errRestoreInProgress. */
MUST_CHECK JET_ERR api_begin_exclusive(JET_INSTANCE instance, enum busy why, struct api_inst **out);
void api_end_exclusive(struct api_inst *inst);
/* What its parameters say now. */
void api_get_config(struct api_inst *inst, struct inst_config *config, struct event_sink *events);

enum enter_flags {
    ENTER_ENDING = 1, /* only gives things back: also after JetStopServiceInstance, and when the log has failed */
};
/* JET_errInvalidInstance / JET_errInvalidSesid, JET_errNotInitialized, JET_errInitInProgress, JET_errRestoreInProgress,
 * JET_errTermInProgress, JET_errSessionSharingViolation, and unless ending JET_errClientRequestToStopJetService,
 * JET_errInstanceUnavailable. */
MUST_CHECK JET_ERR api_enter_instance(JET_INSTANCE instance, unsigned flags, struct api_inst **out);
void api_leave_instance(struct api_inst *inst);
MUST_CHECK JET_ERR api_enter_session(JET_SESID sesid, unsigned flags, struct api_session **out);
/* The same for a moment, which handle_release(sesid) ends, and also while it is in a transaction of another thread. */
MUST_CHECK JET_ERR api_claim_session(JET_SESID sesid, unsigned flags, struct api_session **out);
void api_leave_session(struct api_session *session);
/* With a table of the session: JET_errInvalidTableId, JET_errSesidTableIdMismatch. */
MUST_CHECK JET_ERR api_enter_table(JET_SESID sesid, JET_TABLEID tableid, unsigned flags, struct api_session **session,
                                   struct api_table **out);
/* The same for calls that a list does not have: JET_errInvalidOnSort there. */
MUST_CHECK JET_ERR api_enter_cursor(JET_SESID sesid, JET_TABLEID tableid, struct api_session **session,
                                    struct api_table **out);
/* The database of a handle, if the session has it open. JET_errInvalidDatabaseId. */
MUST_CHECK JET_ERR api_db(struct api_session *session, JET_DBID dbid, struct db **out);

/* The status callback of backup, restore and recovery. */
struct api_status {
    JET_PFNSTATUS fn;
    JET_SNP snp;
    const struct api_inst *inst; /* whose operation it is; NULL: that of an instance without a handle */
    uint32_t done;               /* as it was told last */
    const struct api_status *outer;
};
JET_ERR api_status_call(void *context, JET_SNT snt, uint32_t done, uint32_t total); /* context: struct api_status */
/* This thread is in a status callback of the instance: what waits for the instance's calls would wait for itself. */
bool api_in_status_call(const struct api_inst *inst);
/* Of a JET_RSTMAP array: absolute paths, no two the same; from is "" where none was given. The caller frees *out, NULL
 * for no entries. JET_errDatabaseInvalidName (no new path), JET_errInvalidParameter. */
struct path_map;
MUST_CHECK JET_ERR api_map(const JET_RSTMAP *given, int32_t count, struct path_map **out);
/* Size, stop position, stop time. JET_errInvalidParameter. */
MUST_CHECK JET_ERR api_check_rstinfo(const JET_RSTINFO *info);
/* Absolute, links left as they are; NULL and "" become "". JET_errInvalidPath. */
MUST_CHECK JET_ERR api_path(const char *given, char out[OS_PATH_MAX]);

/* Sessions and tables come and go through these. */
MUST_CHECK JET_ERR api_session_open(struct api_inst *inst, JET_SESID *out);
MUST_CHECK JET_ERR api_session_close(struct api_session *session); /* its claim is kept by the caller; gone on return */
MUST_CHECK JET_ERR api_table_open(struct api_session *session, uint8_t dbid, struct cursor *cursor, struct list *list,
                                  JET_TABLEID *out);
void api_table_close(struct api_table *table);
/* JET_errOutOfCursors, JET_errTooManyOpenTables: before a cursor is opened. */
MUST_CHECK JET_ERR api_table_room(struct api_session *session);

#endif
