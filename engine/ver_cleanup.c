/* Clean-up: versions that no snapshot needs are dropped, deleted nodes removed, the space of deleted trees given back.
 *
 * There is no thread for it. Whoever ends a transaction takes a share, one at a time. Transactions are cleaned in
 * commit order up to the oldest active snapshot, their versions from the oldest on, so a chain always loses its old
 * end. While others are active the share is bounded: they will come by themselves. So when the last active transaction
 * has ended, nothing is left.
 *
 * What fails here (a page cannot be read) is skipped: a deleted node stays, seen by nobody, or a tree's space is lost
 * to the file; the session whose turn it was has its own result. */
#include <stdlib.h>

#include "engine/inst.h"
#include "engine/ver_priv.h"

#define SHARE 1024u /* versions */

/* ---- one version ---- */

static JET_ERR clean_deleted_node(struct trx_system *system, struct version *v) {
    JET_ERR err = JET_errSuccess;
    struct undo undo = version_undo(v);

    os_rwlock_write(&v->tree->latch);
    if (version_unlink(system, v))
        err = undo_purge_node(v->tree, undo.key);
    os_rwlock_unlock(&v->tree->latch);
    return err;
}

static JET_ERR clean_deleted_tree(struct trx_system *system, struct trx *trx, struct version *v) {
    struct undo undo = version_undo(v);

    version_unlink(system, v); /* first: when the space is free the tree's object may become that of a new tree */
    JET_ERR err = undo_free_deleted_tree(v->db, &undo);
    if (inst_usable(system->inst) < JET_errSuccess)
        return err; /* still to do, for recovery: the checkpoint stays */
    os_mutex_lock(&system->mutex);
    trx->tree_deletes--;
    os_mutex_unlock(&system->mutex);
    return err;
}

/* The version is visible to all and the oldest of trx. */
static JET_ERR clean_version(struct trx_system *system, struct trx *trx, struct version *v) {
    JET_ERR err = JET_errSuccess;

    if (v->op == UNDO_DELETE)
        err = clean_deleted_node(system, v);
    else if (v->op == UNDO_DELETE_TREE)
        err = clean_deleted_tree(system, trx, v);
    else
        version_unlink(system, v);
    version_drop(trx, v);
    version_free(system, v);
    return err;
}

/* ---- all that is due ---- */

/* Committed, and in every snapshot that is in use. */
static struct trx *next_due(struct trx_system *system) {
    struct trx *due = system->ended.first;
    const struct trx *oldest = system->active.first;

    return due && oldest && atomic_load(&due->commit) > oldest->snapshot ? NULL : due;
}

static struct trx *next_due_locking(struct trx_system *system) {
    os_mutex_lock(&system->mutex);
    struct trx *due = next_due(system);
    os_mutex_unlock(&system->mutex);
    return due;
}

/* All versions of trx are gone. Trees that only recovery can free now still hold the checkpoint back. */
static void forget(struct trx_system *system, struct trx *trx) {
    os_mutex_lock(&system->mutex);
    trx_list_remove(&system->ended, trx);
    if (trx->tree_deletes) {
        trx_list_append(&system->lost, trx);
        trx = NULL;
    }
    os_mutex_unlock(&system->mutex);
    free(trx);
}

static JET_ERR clean(struct trx_system *system, uint64_t share) {
    JET_ERR err = JET_errSuccess;
    struct trx *trx;

    while ((trx = next_due_locking(system)) != NULL) {
        for (; trx->oldest; share--) {
            if (share == 0)
                return err;
            CALL_KEEP_FIRST(clean_version(system, trx, trx->oldest));
        }
        forget(system, trx);
    }
    return err;
}

JET_ERR trx_cleanup(struct trx_system *system) {
    os_mutex_lock(&system->cleaning);
    JET_ERR err = clean(system, UINT64_MAX);
    os_mutex_unlock(&system->cleaning);
    return err;
}

/* Whoever finds another cleaning leaves; the cleaner looks once more after it let go, so what ended in between is not
 * left behind. */
void ver_cleanup_some(struct trx_system *system) {
    bool more = true;

    while (more) {
        if (!next_due_locking(system) || !os_mutex_trylock(&system->cleaning))
            return;
        JET_ERR err = clean(system, SHARE);
        (void)err;
        os_mutex_unlock(&system->cleaning);
        os_mutex_lock(&system->mutex);
        more = !system->active.first; /* if not, whoever is active comes here later */
        os_mutex_unlock(&system->mutex);
    }
}

/* ---- detach ---- */

static struct trx *ended_after(struct trx_system *system, struct trx *trx) {
    os_mutex_lock(&system->mutex);
    struct trx *next = trx ? trx->next : system->ended.first;
    os_mutex_unlock(&system->mutex);
    return next;
}

static uint32_t ended_versions(struct trx_system *system, const struct db *db) {
    uint32_t count = 0;
    for (struct trx *trx = ended_after(system, NULL); trx; trx = ended_after(system, trx))
        for (struct version *v = trx->oldest; v; v = v->trx_newer)
            count += v->dbid == db->dbid;
    return count;
}

JET_ERR trx_forget_db(struct trx_system *system, const struct db *db) {
    JET_ERR err = JET_errSuccess;

    os_mutex_lock(&system->cleaning);
    CALL_KEEP_FIRST(clean(system, UINT64_MAX));
    if (atomic_load(&system->db_versions[db->dbid]) > ended_versions(system, db)) {
        os_mutex_unlock(&system->cleaning);
        return RAISE(JET_errDatabaseInUse);
    }
    for (struct trx *trx = ended_after(system, NULL); trx; trx = ended_after(system, trx))
        for (struct version *v = trx->oldest, *newer; v; v = newer) {
            newer = v->trx_newer;
            if (v->dbid == db->dbid)
                CALL_KEEP_FIRST(clean_version(system, trx, v));
        }
    os_mutex_unlock(&system->cleaning);
    return err;
}
