/* Handles, and who may enter. */
#include "api/handles.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#include "api/list.h"

/* ---- slots: in chunks that are made on demand and stay, so that a look-up needs no lock ---- */

#define CHUNK_SLOTS 1024u
#define CHUNKS 4096u

enum claim { FREE, CLAIMED, KEPT };

struct slot {
    _Atomic uint64_t handle; /* 0: free */
    void *_Atomic object;
    _Atomic uint64_t owner;
    _Atomic int claim; /* enum claim */
    uint32_t uses;
    uint32_t next_free; /* slot number + 1 */
};

static struct slot *_Atomic chunks[CHUNKS];
static struct os_mutex slots_mutex = OS_MUTEX_INIT(OS_RANK_HANDLES);
static uint32_t slot_count, first_free;

static struct slot *slot_at(uint32_t number) {
    struct slot *chunk = number / CHUNK_SLOTS < CHUNKS
                             ? atomic_load_explicit(&chunks[number / CHUNK_SLOTS], memory_order_acquire)
                             : NULL;
    return chunk ? &chunk[number % CHUNK_SLOTS] : NULL;
}

/* NULL: nothing of this kind has this handle, at this moment. */
static struct slot *slot_of(enum handle_kind kind, JET_API_PTR handle) {
    if (handle >> 60 != (uint64_t)kind || (uint32_t)handle == 0)
        return NULL;
    struct slot *slot = slot_at((uint32_t)handle - 1);
    return slot && atomic_load(&slot->handle) == handle ? slot : NULL;
}

static JET_ERR take_slot(uint32_t *number) {
    if (first_free) {
        *number = first_free - 1;
        first_free = slot_at(*number)->next_free;
        return JET_errSuccess;
    }
    if (slot_count == CHUNKS * CHUNK_SLOTS)
        return RAISE(JET_errOutOfMemory);
    if (slot_count % CHUNK_SLOTS == 0) {
        struct slot *chunk = calloc(CHUNK_SLOTS, sizeof *chunk);
        if (!chunk)
            return RAISE(JET_errOutOfMemory);
        atomic_store_explicit(&chunks[slot_count / CHUNK_SLOTS], chunk, memory_order_release);
    }
    *number = slot_count++;
    return JET_errSuccess;
}

JET_ERR handle_new(enum handle_kind kind, void *object, JET_API_PTR owner, JET_API_PTR *out) {
    uint32_t number = 0;
    os_mutex_lock(&slots_mutex);
    JET_ERR err = take_slot(&number);
    if (err >= JET_errSuccess) {
        struct slot *slot = slot_at(number);
        *out = (uint64_t)kind << 60 | (uint64_t)(++slot->uses & 0xfffffff) << 32 | (number + 1);
        atomic_store(&slot->object, object);
        atomic_store(&slot->owner, owner);
        atomic_store(&slot->handle, *out);
    }
    os_mutex_unlock(&slots_mutex);
    return err;
}

void *handle_find(enum handle_kind kind, JET_API_PTR handle, JET_API_PTR *owner) {
    struct slot *slot = slot_of(kind, handle);
    if (!slot)
        return NULL;
    void *object = atomic_load(&slot->object);
    JET_API_PTR its_owner = atomic_load(&slot->owner);
    if (atomic_load(&slot->handle) != handle)
        return NULL;
    if (owner)
        *owner = its_owner;
    return object;
}

void *handle_try_claim(enum handle_kind kind, JET_API_PTR handle, bool *busy) {
    struct slot *slot = slot_of(kind, handle);
    *busy = false;
    if (!slot)
        return NULL;
    for (int was = FREE; !atomic_compare_exchange_strong(&slot->claim, &was, CLAIMED); was = FREE) {
        *busy = was == KEPT;
        if (*busy)
            return NULL;
        sched_yield();
    }
    if (atomic_load(&slot->handle) == handle)
        return atomic_load(&slot->object);
    handle_release(handle); /* freed between look and claim */
    return NULL;
}

void *handle_claim(enum handle_kind kind, JET_API_PTR handle) {
    bool busy;
    void *object = handle_try_claim(kind, handle, &busy);
    assert(!busy);
    return object;
}

void handle_keep(JET_API_PTR handle) {
    atomic_store_explicit(&slot_at((uint32_t)handle - 1)->claim, KEPT, memory_order_relaxed);
}

void handle_release(JET_API_PTR handle) {
    atomic_store_explicit(&slot_at((uint32_t)handle - 1)->claim, FREE, memory_order_release);
}

void handle_free(JET_API_PTR handle) {
    uint32_t number = (uint32_t)handle - 1;
    os_mutex_lock(&slots_mutex);
    struct slot *slot = slot_at(number);
    atomic_store(&slot->handle, 0);
    atomic_store(&slot->object, NULL);
    handle_release(handle);
    slot->next_free = first_free;
    first_free = number + 1;
    os_mutex_unlock(&slots_mutex);
}

/* ---- the engine ---- */

static struct params global_params;
static struct api_inst *instances;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static struct os_mutex engine_mutex = OS_MUTEX_INIT(OS_RANK_ENGINE);

static void engine_init(void) {
    params_init(&global_params, NULL);
}

struct params *engine_params(void) {
    pthread_once(&engine_once, engine_init);
    return &global_params;
}

void engine_lock(void) {
    os_mutex_lock(&engine_mutex);
}

void engine_unlock(void) {
    os_mutex_unlock(&engine_mutex);
}

struct api_inst *engine_instances(void) {
    return instances;
}

uint32_t engine_running(void) {
    uint32_t count = 0;
    for (struct api_inst *i = instances; i; i = i->next)
        count += atomic_load(&i->running) || atomic_load(&i->busy) != BUSY_NOT;
    return count;
}

JET_ERR engine_add(struct api_inst *inst) {
    uint32_t count = 0;
    if (engine_only())
        return RAISE(JET_errRunningInOneInstanceMode);
    if (instances && inst->only)
        return RAISE(JET_errRunningInMultiInstanceMode);
    for (struct api_inst *i = instances; i; i = i->next, count++)
        if (i->named == inst->named && strcmp(i->name, inst->name) == 0)
            return RAISE(JET_errInstanceNameInUse);
    if (count >= params_int(engine_params(), JET_paramMaxInstances))
        return RAISE(JET_errTooManyInstances);
    inst->next = instances;
    instances = inst;
    return JET_errSuccess;
}

void engine_remove(struct api_inst *inst) {
    struct api_inst **at = &instances;
    while (*at != inst)
        at = &(*at)->next;
    *at = inst->next;
}

/* ---- single-instance mode ---- */

struct api_inst *engine_only(void) {
    return instances && instances->only ? instances : NULL;
}

bool api_is_nil(JET_INSTANCE instance) {
    return instance == 0 || instance == JET_instanceNil;
}

JET_ERR api_need_one_instance(void) {
    engine_lock();
    JET_ERR err = engine_only() ? JET_errSuccess
                  : instances   ? JET_errRunningInMultiInstanceMode
                                : JET_errNotInitialized;
    engine_unlock();
    return err < JET_errSuccess ? RAISE(err) : err;
}

static JET_ERR find_only(JET_INSTANCE *out) {
    engine_lock();
    struct api_inst *only = engine_only();
    JET_ERR err = only ? JET_errSuccess : instances ? JET_errInvalidInstance : JET_errNotInitialized;
    if (only)
        *out = only->handle;
    engine_unlock();
    return err < JET_errSuccess ? RAISE(err) : err;
}

JET_ERR api_claim_instance(JET_INSTANCE instance, struct api_inst **out) {
    JET_ERR err = api_is_nil(instance) ? find_only(&instance) : JET_errSuccess;
    if (err < JET_errSuccess)
        return err;
    struct api_inst *inst = handle_claim(HANDLE_INSTANCE, instance);
    if (!inst)
        return RAISE(JET_errInvalidInstance);
    *out = inst;
    return JET_errSuccess;
}

/* ---- whose a session is ---- */

/* A transaction that began in a context goes on in it, on whichever thread; any other on its thread. */
static bool is_mine(const struct api_session *s) {
    if (atomic_load_explicit(&s->level, memory_order_relaxed) == 0)
        return true;
    const uint64_t thread = os_thread_number();
    return s->trx_context ? s->trx_context == s->context && s->context_thread == thread : s->trx_thread == thread;
}

/* ---- entering ---- */

static JET_ERR not_running(const struct api_inst *inst) {
    int busy = atomic_load(&inst->busy);
    return busy == BUSY_INIT      ? JET_errInitInProgress
           : busy == BUSY_RESTORE ? JET_errRestoreInProgress
                                  : JET_errNotInitialized;
}

static JET_ERR may_enter(struct api_inst *inst, unsigned flags) {
    if (atomic_load(&inst->terminating))
        return RAISE(JET_errTermInProgress);
    if (!atomic_load(&inst->running))
        return RAISE(not_running(inst));
    if (!(flags & ENTER_ENDING)) {
        if (atomic_load(&inst->stopped))
            return RAISE(JET_errClientRequestToStopJetService);
        JET_ERR err = inst_usable(inst->inst);
        if (err < JET_errSuccess)
            return err;
    }
    return event_in_callback() ? RAISE(JET_errInvalidOperation) : JET_errSuccess; /* this thread may hold any lock */
}

JET_ERR api_enter_instance(JET_INSTANCE instance, unsigned flags, struct api_inst **out) {
    struct api_inst *inst;
    JET_ERR err = api_claim_instance(instance, &inst);
    if (err < JET_errSuccess)
        return err;
    atomic_fetch_add(&inst->calls, 1); /* before the checks: whoever ends the instance sees it */
    err = may_enter(inst, flags);
    if (err < JET_errSuccess)
        api_leave_instance(inst);
    handle_release(inst->handle);
    *out = inst;
    return err;
}

void api_leave_instance(struct api_inst *inst) {
    atomic_fetch_sub(&inst->calls, 1);
}

/* Another thread's call keeps it, or termination does; or one of them kept it, and it is gone by now. */
static JET_ERR why_busy(JET_SESID sesid) {
    JET_API_PTR instance = 0;
    if (!handle_find(HANDLE_SESSION, sesid, &instance))
        return JET_errInvalidSesid;
    struct api_inst *inst = handle_claim(HANDLE_INSTANCE, instance);
    if (!inst)
        return JET_errInvalidSesid;
    const bool ends = atomic_load(&inst->terminating);
    handle_release(instance);
    return ends ? JET_errTermInProgress : JET_errSessionSharingViolation;
}

JET_ERR api_claim_session(JET_SESID sesid, unsigned flags, struct api_session **out) {
    bool busy;
    *out = handle_try_claim(HANDLE_SESSION, sesid, &busy);
    if (!*out)
        return RAISE(busy ? why_busy(sesid) : JET_errInvalidSesid);
    JET_ERR err = may_enter((*out)->owner, flags);
    if (err < JET_errSuccess)
        handle_release(sesid);
    return err;
}

JET_ERR api_enter_session(JET_SESID sesid, unsigned flags, struct api_session **out) {
    JET_ERR err = api_claim_session(sesid, flags, out);
    if (err < JET_errSuccess)
        return err;
    if (!is_mine(*out)) {
        handle_release(sesid);
        return RAISE(JET_errSessionSharingViolation);
    }
    handle_keep(sesid);
    return JET_errSuccess;
}

void api_leave_session(struct api_session *session) {
    atomic_store_explicit(&session->level, session_level(session->session), memory_order_relaxed);
    handle_release(session->handle);
}

JET_ERR api_enter_table(JET_SESID sesid, JET_TABLEID tableid, unsigned flags, struct api_session **session,
                        struct api_table **out) {
    JET_ERR err = api_enter_session(sesid, flags, session);
    if (err < JET_errSuccess)
        return err;
    JET_API_PTR owner = 0;
    struct api_table *table = handle_find(HANDLE_TABLE, tableid, &owner);
    err = !table ? JET_errInvalidTableId : owner != sesid ? JET_errSesidTableIdMismatch : JET_errSuccess;
    if (err < JET_errSuccess) {
        api_leave_session(*session);
        return RAISE(err);
    }
    *out = table;
    return JET_errSuccess;
}

JET_ERR api_enter_cursor(JET_SESID sesid, JET_TABLEID tableid, struct api_session **session, struct api_table **out) {
    JET_ERR err = api_enter_table(sesid, tableid, 0, session, out);
    if (err >= JET_errSuccess && !(*out)->cursor) {
        api_leave_session(*session);
        return RAISE(JET_errInvalidOnSort);
    }
    return err;
}

JET_ERR api_db(struct api_session *session, JET_DBID dbid, struct db **out) {
    if (dbid < DB_FIRST_DBID || dbid > DB_MAX || !session->dbs[dbid].opens)
        return RAISE(JET_errInvalidDatabaseId);
    *out = inst_db(session->owner->inst, (uint8_t)dbid);
    return *out ? JET_errSuccess : RAISE(JET_errInvalidDatabaseId);
}

/* ---- sessions ---- */

JET_ERR api_session_open(struct api_inst *inst, JET_SESID *out) {
    JET_ERR err = JET_errSuccess;
    struct api_session *s = calloc(1, sizeof *s);
    bool counted = false;

    if (!s)
        FAIL(JET_errOutOfMemory);
    s->owner = inst;
    os_mutex_lock(&inst->mutex);
    counted = inst->session_count < params_int(&inst->params, JET_paramMaxSessions);
    inst->session_count += counted;
    os_mutex_unlock(&inst->mutex);
    if (!counted)
        FAIL(JET_errOutOfSessions);
    CALL(session_begin(inst->inst, &s->session));
    CALL(handle_new(HANDLE_SESSION, s, inst->handle, &s->handle));
    os_mutex_lock(&inst->mutex);
    s->next = inst->sessions;
    if (s->next)
        s->next->prev = s;
    inst->sessions = s;
    os_mutex_unlock(&inst->mutex);
    *out = s->handle;
    return JET_errSuccess;
cleanup:
    if (s && s->session)
        CALL_KEEP_FIRST(session_end(s->session));
    if (counted) {
        os_mutex_lock(&inst->mutex);
        inst->session_count--;
        os_mutex_unlock(&inst->mutex);
    }
    free(s);
    return err;
}

static void close_databases(struct api_session *s) {
    struct inst *inst = s->owner->inst;
    os_mutex_lock(&inst->mutex);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (s->dbs[id].opens && inst->dbs[id]) {
            inst->dbs[id]->open_count -= s->dbs[id].opens;
            if (s->dbs[id].exclusive)
                inst->dbs[id]->exclusive = false;
        }
    os_mutex_unlock(&inst->mutex);
}

JET_ERR api_session_close(struct api_session *s) {
    struct api_inst *inst = s->owner;
    atomic_fetch_add(&inst->calls, 1); /* it stays until this is done, also when the session is not in its list */
    while (s->tables)
        api_table_close(s->tables);
    JET_ERR err = session_end(s->session);
    close_databases(s);
    handle_free(s->handle);
    os_mutex_lock(&inst->mutex);
    if (s->prev)
        s->prev->next = s->next;
    else
        inst->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    inst->session_count--;
    os_mutex_unlock(&inst->mutex);
    free(s);
    api_leave_instance(inst);
    return err;
}

/* ---- tables ---- */

JET_ERR api_table_room(struct api_session *session) {
    struct api_inst *inst = session->owner;
    if (atomic_load(&inst->cursors) >= params_int(&inst->params, JET_paramMaxCursors))
        return RAISE(JET_errOutOfCursors);
    if (atomic_load(&inst->cursors) >= params_int(&inst->params, JET_paramMaxOpenTables))
        return RAISE(JET_errTooManyOpenTables);
    return JET_errSuccess;
}

JET_ERR api_table_open(struct api_session *session, uint8_t dbid, struct cursor *cursor, struct list *list,
                       JET_TABLEID *out) {
    JET_ERR err = JET_errSuccess;
    struct api_table *t = calloc(1, sizeof *t);

    if (!t)
        FAIL(JET_errOutOfMemory);
    *t = (struct api_table){
        .owner = session, .cursor = cursor, .list = list, .dbid = dbid, .level = session_level(session->session)};
    CALL(handle_new(HANDLE_TABLE, t, session->handle, &t->handle));
    t->next = session->tables;
    if (t->next)
        t->next->prev = t;
    session->tables = t;
    atomic_fetch_add(&session->owner->cursors, 1);
    *out = t->handle;
    return JET_errSuccess;
cleanup:
    free(t);
    return err;
}

void api_table_close(struct api_table *t) {
    handle_free(t->handle);
    if (t->prev)
        t->prev->next = t->next;
    else
        t->owner->tables = t->next;
    if (t->next)
        t->next->prev = t->prev;
    atomic_fetch_sub(&t->owner->owner->cursors, 1);
    if (t->cursor)
        cursor_close(t->cursor);
    list_free(t->list);
    free(t);
}
