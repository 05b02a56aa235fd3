/* Sessions, and the life of a transaction: begin, commit, rollback. What it changes is in ver.c.
 *
 * Commit order is log order: the commit record is appended and the commit time taken under one mutex. The time is
 * stored in the transaction before the system's time is raised to it, so whoever takes a snapshot that includes the
 * time finds all versions of the transaction committed. */
#include "engine/trx.h"

#include <assert.h>
#include <stdlib.h>

#include "base/breaks.h"
#include "engine/inst.h"
#include "engine/ver_priv.h"

/* ---- lists ---- */

void trx_list_append(struct trx_list *list, struct trx *trx) {
    trx->previous = list->last;
    trx->next = NULL;
    *(list->last ? &list->last->next : &list->first) = trx;
    list->last = trx;
}

void trx_list_remove(struct trx_list *list, struct trx *trx) {
    *(trx->previous ? &trx->previous->next : &list->first) = trx->next;
    *(trx->next ? &trx->next->previous : &list->last) = trx->previous;
    trx->previous = trx->next = NULL;
}

/* ---- the system ---- */

static uint32_t bucket_count(uint64_t bytes_max) {
    uint32_t count = 1024;
    while (count < 65536 && count < bytes_max / 512)
        count *= 2;
    return count;
}

JET_ERR trx_system_new(struct inst *inst, uint64_t versions_max, struct trx_system **out) {
    uint32_t buckets = bucket_count(versions_max);
    struct trx_system *system = calloc(1, sizeof *system);

    if (system)
        system->buckets = calloc(buckets, sizeof *system->buckets);
    if (!system || !system->buckets) {
        free(system);
        return RAISE(JET_errOutOfMemory);
    }
    system->inst = inst;
    system->bytes_max = versions_max;
    system->bucket_mask = buckets - 1;
    for (unsigned i = 0; i < VERSION_STRIPES; i++)
        os_mutex_init(&system->stripes[i], OS_RANK_VERSION);
    os_mutex_init(&system->cleaning, OS_RANK_CLEANUP);
    os_mutex_init(&system->mutex, OS_RANK_TRX);
    *out = system;
    return JET_errSuccess;
}

static void free_transactions(struct trx_system *system, struct trx *first) {
    for (struct trx *trx = first, *next; trx; trx = next) {
        next = trx->next;
        for (struct version *v = trx->newest, *older; v; v = older) {
            older = v->trx_older;
            version_free(system, v);
        }
        free(trx);
    }
}

void trx_system_free(struct trx_system *system) {
    if (!system)
        return;
    free_transactions(system, system->active.first);
    free_transactions(system, system->ended.first);
    free_transactions(system, system->lost.first);
    for (struct session *s = system->sessions, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    for (unsigned i = 0; i < VERSION_STRIPES; i++)
        os_mutex_done(&system->stripes[i]);
    os_mutex_done(&system->cleaning);
    os_mutex_done(&system->mutex);
    free(system->buckets);
    free(system);
}

unsigned trx_session_count(struct trx_system *system) {
    os_mutex_lock(&system->mutex);
    unsigned count = system->session_count;
    os_mutex_unlock(&system->mutex);
    return count;
}

uint64_t trx_version_bytes(struct trx_system *system) {
    return atomic_load(&system->bytes);
}

static lgpos_t oldest_of(const struct trx_list *list, bool deleters_only, lgpos_t oldest) {
    for (struct trx *trx = list->first; trx; trx = trx->next) {
        lgpos_t first = atomic_load(&trx->first_logged);
        if (first < oldest && (!deleters_only || trx->tree_deletes))
            oldest = first;
    }
    return oldest;
}

lgpos_t trx_oldest_logged(struct trx_system *system) {
    os_mutex_lock(&system->mutex);
    lgpos_t oldest = oldest_of(&system->active, false, NOT_LOGGED);
    oldest = oldest_of(&system->lost, false, oldest);
    oldest = oldest_of(&system->ended, true, oldest);
    os_mutex_unlock(&system->mutex);
    return oldest;
}

/* ---- sessions ---- */

JET_ERR session_begin(struct inst *inst, struct session **out) {
    struct trx_system *system = inst->trx;
    struct session *session = calloc(1, sizeof *session);

    if (!session)
        return RAISE(JET_errOutOfMemory);
    session->inst = inst;
    session->system = system;
    os_mutex_lock(&system->mutex);
    session->next = system->sessions;
    if (session->next)
        session->next->previous = session;
    system->sessions = session;
    system->session_count++;
    os_mutex_unlock(&system->mutex);
    *out = session;
    return JET_errSuccess;
}

JET_ERR session_end(struct session *session) {
    struct trx_system *system = session->system;
    JET_ERR err = session->level ? trx_rollback(session, true) : JET_errSuccess;

    os_mutex_lock(&system->mutex);
    *(session->previous ? &session->previous->next : &system->sessions) = session->next;
    if (session->next)
        session->next->previous = session->previous;
    system->session_count--;
    os_mutex_unlock(&system->mutex);
    free(session);
    return err;
}

struct inst *session_inst(const struct session *session) {
    return session->inst;
}
unsigned session_level(const struct session *session) {
    return session->level;
}
uint64_t session_changes(const struct session *session) {
    return session->changes;
}

uint64_t session_snapshot(const struct session *session) {
    return session->trx ? session->trx->snapshot : atomic_load(&session->system->time);
}

/* ---- begin ---- */

JET_ERR trx_begin(struct session *session, bool read_only) {
    struct trx_system *system = session->system;

    if (session->level == TRX_LEVEL_MAX)
        return RAISE(JET_errTransTooDeep);
    if (session->level++)
        return JET_errSuccess;
    struct trx *trx = calloc(1, sizeof *trx);
    if (!trx) {
        session->level = 0;
        return RAISE(JET_errOutOfMemory);
    }
    trx->read_only = read_only;
    atomic_init(&trx->first_logged, NOT_LOGGED);
    os_mutex_lock(&system->mutex);
    trx->id = ++system->last_id;
    trx->snapshot = atomic_load(&system->time);
    trx_list_append(&system->active, trx);
    os_mutex_unlock(&system->mutex);
    session->trx = trx;
    return JET_errSuccess;
}

trxid_t trx_id(const struct trx *trx) {
    return trx->id;
}

void trx_before_append(struct trx *trx, lgpos_t tip) {
    if (atomic_load(&trx->first_logged) == NOT_LOGGED)
        atomic_store(&trx->first_logged, tip);
}

/* ---- end ---- */

/* COMMIT or ROLLBACK of a transaction that logged something. */
static JET_ERR append_end(struct inst *inst, uint8_t type, const struct trx *trx, lgpos_t *end) {
    le64_t id = to_le64(trx->id);
    struct log_part part = {&id, sizeof id};
    lgpos_t begin;

    assert(os_mutex_held(&inst->trx->mutex));
    if (atomic_load(&inst->failure) < JET_errSuccess)
        return RAISE(inst_usable(inst));
    return log_append(inst->log, type, &part, 1, &begin, end);
}

/* err, or why the log is down where that is behind it. No lock is held. */
static void fail(struct inst *inst, JET_ERR err) {
    inst_fail(inst, err < JET_errSuccess && inst->log && log_is_down(inst->log) ? log_failure(inst->log) : err);
}

static bool has_logged(const struct trx *trx) {
    return atomic_load(&trx->first_logged) != NOT_LOGGED;
}

static void leave(struct session *session) {
    session->trx = NULL;
    session->level = 0;
    session->changes++;
}

/* The transaction can neither commit nor roll back. */
static void lose(struct session *session) {
    struct trx_system *system = session->system;

    os_mutex_lock(&system->mutex);
    trx_list_remove(&system->active, session->trx);
    trx_list_append(&system->lost, session->trx);
    os_mutex_unlock(&system->mutex);
    leave(session);
}

/* Makes the versions of trx visible, all at once. */
static void publish(struct trx_system *system, struct trx *trx) {
    uint64_t time = atomic_load(&system->time) + 1;

    assert(os_mutex_held(&system->mutex));
    for (struct version *v = trx->tree_deletes ? trx->newest : NULL; v; v = v->trx_older)
        if (v->op == UNDO_DELETE_TREE)
            atomic_store(&v->tree->deleted, true);
    atomic_store(&trx->commit, time);
    atomic_store(&system->time, time);
    trx_list_append(&system->ended, trx);
}

static JET_ERR commit_outermost(struct session *session, bool lazy) {
    JET_ERR err = JET_errSuccess;
    struct trx_system *system = session->system;
    struct trx *trx = session->trx;
    bool logged = has_logged(trx), changed = trx->newest;
    lgpos_t end = 0;

    os_mutex_lock(&system->mutex);
    if (logged)
        err = append_end(session->inst, LOGREC_COMMIT, trx, &end);
    if (err >= JET_errSuccess) {
        trx_list_remove(&system->active, trx);
        if (changed)
            publish(system, trx); /* the cleaner may free it from here on */
    }
    os_mutex_unlock(&system->mutex);
    if (err < JET_errSuccess) {
        lose(session);
        goto cleanup;
    }
    if (!changed)
        free(trx);
    leave(session);
    if (logged) {
        session->last_commit = end;
        if (!lazy)
            CALL(log_flush(session->inst->log, BROKEN(commit_no_wait) ? 0 : end));
    }
cleanup:
    fail(session->inst, err);
    ver_cleanup_some(system);
    return err;
}

JET_ERR trx_commit(struct session *session, bool lazy) {
    if (session->level == 0)
        return RAISE(JET_errNotInTransaction);
    if (session->level == 1)
        return commit_outermost(session, lazy);
    for (struct version *v = session->trx->newest; v && v->level == session->level; v = v->trx_older)
        v->level--;
    session->level--;
    return JET_errSuccess;
}

JET_ERR trx_wait_last_commit(struct session *session) {
    if (!session->last_commit)
        return JET_errSuccess;
    JET_ERR err = log_flush(session->inst->log, session->last_commit);
    fail(session->inst, err);
    return err;
}

/* ---- rollback ---- */

static JET_ERR take_back_node(struct trx_system *system, struct version *v) {
    JET_ERR err = JET_errSuccess;
    struct undo undo = version_undo(v);

    os_rwlock_write(&v->tree->latch);
    CALL(undo_node(v->tree, v->trx->id, &undo));
    if (version_unlink(system, v) && v->had_before) {
        /* The delete that this insert was put over was cleaned meanwhile. A failure leaves a deleted node, no harm. */
        JET_ERR purged = undo_purge_node(v->tree, undo.key);
        (void)purged;
    }
cleanup:
    os_rwlock_unlock(&v->tree->latch);
    return err;
}

static JET_ERR take_back_tree(struct trx_system *system, struct version *v) {
    JET_ERR err = JET_errSuccess;
    struct undo undo = version_undo(v);

    CALL(undo_apply(v->db, v->trx->id, &undo));
    version_unlink(system, v);
    if (v->op == UNDO_DELETE_TREE) {
        os_mutex_lock(&system->mutex);
        v->trx->tree_deletes--;
        os_mutex_unlock(&system->mutex);
    }
cleanup:
    return err;
}

static JET_ERR take_back(struct session *session, struct version *v) {
    JET_ERR err = JET_errSuccess;
    struct trx *trx = v->trx;

    if (v->op == VER_LOCK)
        version_unlink(session->system, v);
    else if (v->op == UNDO_CREATE_TREE || v->op == UNDO_DELETE_TREE)
        CALL(take_back_tree(session->system, v));
    else
        CALL(take_back_node(session->system, v));
    version_drop(trx, v);
    version_free(session->system, v);
    session->changes++;
cleanup:
    return err;
}

static JET_ERR rollback_outermost(struct session *session) {
    JET_ERR err = JET_errSuccess;
    struct trx_system *system = session->system;
    struct trx *trx = session->trx;
    lgpos_t end;

    os_mutex_lock(&system->mutex);
    if (has_logged(trx))
        err = append_end(session->inst, LOGREC_ROLLBACK, trx, &end);
    if (err >= JET_errSuccess)
        trx_list_remove(&system->active, trx);
    os_mutex_unlock(&system->mutex);
    if (err < JET_errSuccess) {
        lose(session);
    } else {
        free(trx);
        leave(session);
    }
    fail(session->inst, err);
    ver_cleanup_some(system);
    return err;
}

JET_ERR trx_rollback(struct session *session, bool all) {
    JET_ERR err = JET_errSuccess;

    if (session->level == 0)
        return RAISE(JET_errNotInTransaction);
    unsigned target = all ? 0 : session->level - 1;
    while (err >= JET_errSuccess && session->trx->newest && session->trx->newest->level > target) {
        if (has_logged(session->trx))
            CALL(inst_usable(session->inst));
        if (take_back(session, session->trx->newest) < JET_errSuccess)
            err = RAISE(JET_errRollbackError);
    }
    CALL(err);
    session->level = target;
    if (target == 0)
        return rollback_outermost(session);
cleanup:
    if (err < JET_errSuccess) {
        fail(session->inst, JET_errRollbackError);
        lose(session);
    }
    return err;
}
