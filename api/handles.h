/* What stands behind the handles of the API.
 *
 * A handle is a slot number and a tag that changes with each use of the slot: a stale, foreign or invented handle finds
 * nothing. Looking one up takes no lock.
 *
 * Entering: a call that works on an instance or a session says so (api_enter_*) and leaves again; termination refuses
 * new entries and waits for those under way. A session is entered by one call at a time. */
#ifndef ESENT_API_HANDLES_H
#define ESENT_API_HANDLES_H

#include <stdatomic.h>

#include "api/params.h"
#include "engine/cursor.h"
#include "engine/inst.h"

enum handle_kind { HANDLE_INSTANCE = 1, HANDLE_SESSION, HANDLE_TABLE };

/* object: where it is found by handle_find. JET_errOutOfMemory. */
MUST_CHECK JET_ERR handle_new(enum handle_kind kind, void *object, JET_API_PTR *out);
void *handle_find(enum handle_kind kind, JET_API_PTR handle); /* NULL: not a handle of this kind */
void handle_free(JET_API_PTR handle);

struct api_inst {
    JET_INSTANCE handle;
    struct params params;
    char name[64], display[64];
    bool named;
    _Atomic bool running;    /* between JetInit and JetTerm */
    _Atomic bool busy;       /* JetInit, JetTerm or JetRestoreInstance is under way */
    _Atomic bool terminating;
    _Atomic bool stopped;    /* JetStopServiceInstance */
    _Atomic uint32_t calls;  /* entered */
    _Atomic uint32_t cursors;
    struct inst *inst;       /* while running */
    struct os_mutex mutex;   /* OS_RANK_API: the list of sessions */
    struct api_session *sessions;
    uint32_t session_count;
    struct api_inst *next;   /* all instances, under the engine's mutex */
};

struct api_session {
    JET_SESID handle;
    struct api_inst *owner;
    struct session *session;
    _Atomic bool busy;       /* a call is under way */
    struct api_table *tables;
    struct { uint32_t opens; bool exclusive; } dbs[DB_MAX + 1];
    struct api_session *prev, *next;
};

/* A cursor, or the rows of a list that JetGetTableColumnInfo and JetGetObjectInfo hand out as a temporary table. */
struct api_table {
    JET_TABLEID handle;
    struct api_session *owner;
    struct cursor *cursor;   /* NULL: list */
    struct list *list;
    uint8_t dbid;
    unsigned level;          /* of the transaction it was opened in; 0: none */
    struct api_table *prev, *next;
};

/* The engine: parameters without an instance, all instances. */
extern struct params *engine_params(void);
void engine_lock(void);
void engine_unlock(void);
struct api_inst *engine_instances(void); /* locked */
uint32_t engine_running(void);           /* instances that run; locked */
MUST_CHECK JET_ERR engine_add(struct api_inst *inst);    /* locked; JET_errInstanceNameInUse, JET_errTooManyInstances */
void engine_remove(struct api_inst *inst);               /* locked */

enum enter_flags {
    ENTER_ENDING = 1, /* also after JetStopServiceInstance: only gives things back */
};
/* JET_errInvalidInstance / JET_errInvalidSesid, JET_errNotInitialized, JET_errTermInProgress,
 * JET_errClientRequestToStopJetService, JET_errSessionSharingViolation. */
MUST_CHECK JET_ERR api_enter_instance(JET_INSTANCE instance, unsigned flags, struct api_inst **out);
void api_leave_instance(struct api_inst *inst);
MUST_CHECK JET_ERR api_enter_session(JET_SESID sesid, unsigned flags, struct api_session **out);
void api_leave_session(struct api_session *session);
/* With a table of the session: JET_errInvalidTableId, JET_errSesidTableIdMismatch. */
MUST_CHECK JET_ERR api_enter_table(JET_SESID sesid, JET_TABLEID tableid, unsigned flags, struct api_session **session, struct api_table **out);
/* The same for calls that a list does not have: JET_errInvalidOnSort there. */
MUST_CHECK JET_ERR api_enter_cursor(JET_SESID sesid, JET_TABLEID tableid, struct api_session **session, struct api_table **out);
/* The database of a handle, if the session has it open. JET_errInvalidDatabaseId. */
MUST_CHECK JET_ERR api_db(struct api_session *session, JET_DBID dbid, struct db **out);

/* Sessions and tables come and go through these. */
MUST_CHECK JET_ERR api_session_open(struct api_inst *inst, JET_SESID *out);
MUST_CHECK JET_ERR api_session_close(struct api_session *session); /* entered by the caller; gone on return */
MUST_CHECK JET_ERR api_table_open(struct api_session *session, uint8_t dbid, struct cursor *cursor, struct list *list, JET_TABLEID *out);
void api_table_close(struct api_table *table);
/* JET_errOutOfCursors, JET_errTooManyOpenTables: before a cursor is opened. */
MUST_CHECK JET_ERR api_table_room(struct api_session *session);

#endif
