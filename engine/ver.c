/* Versions: who may change a node, what a change leaves for those who must not see it, and what a reader sees.
 *
 * A change holds the tree latch alone from the look at the chain to the new version's link, so checks and change are
 * one step to others. The version is allocated, accounted for and filled before the page is changed: a failure on the
 * way leaves nothing.
 *
 * A second change of a node by the same transaction at the same level needs no before-image when the first one's
 * version already takes all of it back (insert or replace, then replace): it is logged without undo. */
#include <assert.h>
#include <stdlib.h>

#include "engine/inst.h"
#include "engine/space.h"
#include "engine/ver_priv.h"

/* ---- identity of a chain ---- */

struct chain_id {
    struct tree *tree;
    struct slice prefix, suffix; /* the key in two parts, as a page has it */
    bool whole_tree;             /* the chain of UNDO_DELETE_TREE; no key */
    uint32_t hash;
};

static uint64_t hash_bytes(uint64_t h, struct slice s) {
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * 0x100000001b3u; /* FNV-1a: the same for every cut of a key in two */
    return h;
}

static struct chain_id chain_id(struct tree *tree, struct slice prefix, struct slice suffix, bool whole_tree) {
    uint64_t h = 0xcbf29ce484222325u ^ (tree->fdp * 0x9e3779b97f4a7c15u) ^ (uint64_t)tree->db->dbid << 1 ^ whole_tree;
    h = hash_bytes(hash_bytes(h, prefix), suffix) * 0x9e3779b97f4a7c15u;
    return (struct chain_id){tree, prefix, suffix, whole_tree, (uint32_t)(h >> 32)};
}

static const struct slice nothing = {NULL, 0};

static struct chain_id node_id(struct tree *tree, struct slice key) {
    return chain_id(tree, nothing, key, false);
}
static struct chain_id tree_id(struct tree *tree) {
    return chain_id(tree, nothing, nothing, true);
}

static bool same(const void *a, const void *b, size_t n) {
    return n == 0 || memcmp(a, b, n) == 0;
}

static bool is_of(const struct version *v, const struct chain_id *id) {
    return v->hash == id->hash && v->tree == id->tree && (v->op == UNDO_DELETE_TREE) == id->whole_tree &&
           v->key_bytes == id->prefix.n + id->suffix.n && same(v->bytes, id->prefix.p, id->prefix.n) &&
           same(v->bytes + id->prefix.n, id->suffix.p, id->suffix.n);
}

/* ---- buckets ---- */

static _Atomic(struct version *) *bucket_of(struct trx_system *system, uint32_t hash) {
    return &system->buckets[hash & system->bucket_mask];
}

static struct os_mutex *stripe_of(struct trx_system *system, uint32_t hash) {
    return &system->stripes[hash & system->bucket_mask & (VERSION_STRIPES - 1)];
}

/* Newest version of the chain, NULL if there is none. previous: the chain before it in the bucket. */
static struct version *chain_find(struct trx_system *system, const struct chain_id *id, struct version **previous) {
    assert(os_mutex_held(stripe_of(system, id->hash)));
    struct version *at = atomic_load_explicit(bucket_of(system, id->hash), memory_order_relaxed);
    *previous = NULL;
    while (at && !is_of(at, id)) {
        *previous = at;
        at = at->hash_next;
    }
    return at;
}

static void set_chain(struct trx_system *system, uint32_t hash, struct version *previous, struct version *newest) {
    if (previous)
        previous->hash_next = newest;
    else
        atomic_store_explicit(bucket_of(system, hash), newest, memory_order_relaxed);
}

static void version_link(struct trx_system *system, struct version *v, const struct chain_id *id) {
    struct version *previous;

    assert(os_mutex_held(stripe_of(system, id->hash)));
    v->hash = id->hash;
    v->older = chain_find(system, id, &previous);
    if (v->older) {
        v->hash_next = v->older->hash_next;
        v->older->newer = v;
    } else {
        previous = NULL;
        v->hash_next = atomic_load_explicit(bucket_of(system, id->hash), memory_order_relaxed);
    }
    set_chain(system, v->hash, previous, v);
}

bool version_unlink(struct trx_system *system, struct version *v) {
    if (v->op == UNDO_CREATE_TREE)
        return true;
    struct os_mutex *stripe = stripe_of(system, v->hash);
    os_mutex_lock(stripe);
    bool gone = !v->older && !v->newer;
    if (v->older)
        v->older->newer = v->newer;
    if (v->newer) {
        v->newer->older = v->older;
    } else {
        struct version *previous = NULL;
        struct version *at = atomic_load_explicit(bucket_of(system, v->hash), memory_order_relaxed);
        for (; at != v; at = at->hash_next)
            previous = at;
        if (v->older)
            v->older->hash_next = v->hash_next;
        set_chain(system, v->hash, previous, v->older ? v->older : v->hash_next);
    }
    os_mutex_unlock(stripe);
    v->older = v->newer = NULL;
    if (v->op == UNDO_DELETE_TREE)
        atomic_fetch_sub(&system->tree_deletes, 1);
    return gone;
}

/* ---- versions ---- */

static size_t version_bytes(const struct version *v) {
    return sizeof *v + v->key_bytes + v->before_bytes;
}

JET_ERR version_new(struct session *session, uint8_t op, struct db *db, struct tree *tree, struct slice key,
                    const struct slice *before, struct version **out) {
    struct trx_system *system = session->system;
    size_t before_bytes = before ? before->n : 0, bytes = sizeof **out + key.n + before_bytes;

    assert(key.n <= UINT16_MAX);
    if (atomic_fetch_add(&system->bytes, bytes) + bytes > system->bytes_max) {
        atomic_fetch_sub(&system->bytes, bytes);
        return RAISE(JET_errVersionStoreOutOfMemory);
    }
    struct version *v = malloc(bytes);
    if (!v) {
        atomic_fetch_sub(&system->bytes, bytes);
        return RAISE(JET_errOutOfMemory);
    }
    *v = (struct version){
        .op = op,
        .level = (uint8_t)session->level,
        .had_before = op == UNDO_INSERT && before,
        .dbid = db->dbid,
        .trx = session->trx,
        .db = db,
        .tree = tree,
        .key_bytes = (uint16_t)key.n,
        .before_bytes = (uint32_t)before_bytes,
    };
    if (key.n)
        memcpy(v->bytes, key.p, key.n);
    if (before_bytes)
        memcpy(v->bytes + key.n, before->p, before_bytes);
    atomic_fetch_add(&system->db_versions[db->dbid], 1);
    *out = v;
    return JET_errSuccess;
}

void version_free(struct trx_system *system, struct version *v) {
    if (!v)
        return;
    atomic_fetch_sub(&system->bytes, version_bytes(v));
    atomic_fetch_sub(&system->db_versions[v->dbid], 1);
    free(v);
}

void version_push(struct trx *trx, struct version *v) {
    v->trx_older = trx->newest;
    v->trx_newer = NULL;
    *(trx->newest ? &trx->newest->trx_newer : &trx->oldest) = v;
    trx->newest = v;
}

void version_drop(struct trx *trx, struct version *v) {
    *(v->trx_newer ? &v->trx_newer->trx_older : &trx->newest) = v->trx_older;
    *(v->trx_older ? &v->trx_older->trx_newer : &trx->oldest) = v->trx_newer;
    v->trx_older = v->trx_newer = NULL;
}

static struct slice version_key(const struct version *v) {
    return slice(v->bytes, v->key_bytes);
}
static struct slice version_before(const struct version *v) {
    return slice(v->bytes + v->key_bytes, v->before_bytes);
}

struct undo version_undo(const struct version *v) {
    struct undo undo = {.op = v->op, .had_before = v->had_before, .dbid = v->dbid, .key = version_key(v)};

    if (v->op == UNDO_CREATE_TREE || v->op == UNDO_DELETE_TREE) {
        struct tree_name name;
        memcpy(&name, v->bytes, sizeof name);
        undo.fdp = name.fdp;
        undo.parent_fdp = name.parent_fdp;
        undo.objid = name.objid;
        return undo;
    }
    undo.fdp = v->tree->fdp;
    undo.parent_fdp = v->tree->parent ? v->tree->parent->fdp : 0;
    undo.objid = v->tree->objid;
    undo.before = version_before(v);
    return undo;
}

/* ---- writers ---- */

/* What the chain of a node says to a transaction that wants to change it. */
struct chain_top {
    bool any;
    bool conflict; /* newest is of another transaction that is active or that its snapshot does not include */
    bool own;
    uint8_t op, level;
};

static bool conflicts(const struct version *v, const struct trx *trx) {
    uint64_t commit = atomic_load_explicit(&v->trx->commit, memory_order_acquire);
    return v->trx != trx && (commit == 0 || commit > trx->snapshot);
}

static struct chain_top look_locked(struct trx_system *system, const struct chain_id *id, const struct trx *trx) {
    struct version *previous, *v = chain_find(system, id, &previous);
    if (!v)
        return (struct chain_top){0};
    const bool own = v->trx == trx; /* the level of another's version is that session's to change */
    return (struct chain_top){true, conflicts(v, trx), own, v->op, own ? v->level : 0};
}

static struct chain_top look(struct trx_system *system, const struct chain_id *id, const struct trx *trx) {
    struct os_mutex *stripe = stripe_of(system, id->hash);
    os_mutex_lock(stripe);
    struct chain_top top = look_locked(system, id, trx);
    os_mutex_unlock(stripe);
    return top;
}

/* One change of a node, and what is known of it so far. */
struct write {
    struct session *session;
    struct tree *tree;
    struct slice key, data;
    struct chain_id id;
    struct chain_top top;
};
typedef JET_ERR (*write_fn)(struct write *w);

static JET_ERR check_writable(const struct session *session) {
    if (session->level == 0)
        return RAISE(JET_errNotInTransaction);
    if (session->trx->read_only)
        return RAISE(JET_errTransReadOnly);
    JET_ERR err = inst_usable(session->inst);
    return err >= JET_errSuccess && log_disk_full(session->inst->log) ? RAISE(JET_errLogDiskFull) : err;
}

/* Under the tree latch: may the session change this node now? */
static JET_ERR check_conflict(struct write *w) {
    struct trx_system *system = w->session->system;
    struct trx *trx = w->session->trx;

    if (atomic_load(&system->tree_deletes)) {
        struct chain_id id = tree_id(w->tree);
        struct chain_top deletion = look(system, &id, trx);
        if (deletion.any)
            return RAISE(deletion.conflict ? JET_errWriteConflict : JET_errObjectNotFound);
    }
    w->top = look(system, &w->id, trx);
    return w->top.conflict ? RAISE(JET_errWriteConflict) : JET_errSuccess;
}

/* The store is full, and cleaning did not help. */
static JET_ERR full_error(const struct session *session) {
    struct trx_system *system = session->system;
    os_mutex_lock(&system->mutex);
    bool own = system->active.first == session->trx;
    os_mutex_unlock(&system->mutex);
    return RAISE(own ? JET_errVersionStoreOutOfMemory : JET_errVersionStoreOutOfMemoryAndCleanupTimedOut);
}

/* Runs fn under the tree latch, held alone or shared; when the store is full, cleans and tries once more. */
static JET_ERR write_node(struct write *w, write_fn fn, bool shared) {
    JET_ERR err = check_writable(w->session);

    for (unsigned tries = 0; err >= JET_errSuccess; tries++) {
        (shared ? os_rwlock_read : os_rwlock_write)(&w->tree->latch);
        err = check_conflict(w);
        if (err >= JET_errSuccess)
            err = fn(w);
        os_rwlock_unlock(&w->tree->latch);
        if (err != JET_errVersionStoreOutOfMemory)
            return err;
        if (tries == 1)
            return full_error(w->session);
        JET_ERR cleaned = trx_cleanup(w->session->system);
        (void)cleaned;
        err = JET_errSuccess;
    }
    return err;
}

/* The page shows the change; v makes it known. */
static void make_known(struct write *w, struct version *v) {
    struct trx_system *system = w->session->system;
    struct os_mutex *stripe = stripe_of(system, w->id.hash);

    os_mutex_lock(stripe);
    version_link(system, v, &w->id);
    os_mutex_unlock(stripe);
    version_push(v->trx, v);
    w->session->changes++;
    if (w->top.own && w->top.op == VER_LOCK && w->top.level == v->level) {
        struct version *claim = v->older; /* own, so nobody else takes it away */
        version_unlink(system, claim);
        version_drop(v->trx, claim);
        version_free(system, claim);
    }
}

/* Latches the leaf of w's node; JET_errRecordDeleted if there is none that is not deleted. deleted (NULL: an error):
 * flagged so. */
static JET_ERR find_node(struct write *w, struct bt_place *place, struct node *node, bool *deleted) {
    JET_ERR err = JET_errSuccess;

    CALL(bt_find(w->tree, w->key, LATCH_SHARED, place));
    if (!place->exact)
        FAIL(JET_errRecordDeleted);
    page_node(&place->leaf.page, place->line, node);
    if (deleted)
        *deleted = node->flags & NODE_DELETED;
    else if (node->flags & NODE_DELETED)
        FAIL(JET_errRecordDeleted);
cleanup:
    return err;
}

/* A deleted node that older snapshots may see: what it held becomes the before-image. */
static JET_ERR insert_over_deleted(struct write *w) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    struct version *v = NULL;
    bool deleted = false;

    CALL(find_node(w, &place, &node, &deleted));
    if (!deleted)
        FAIL(JET_errKeyDuplicate);
    CALL(version_new(w->session, UNDO_INSERT, w->tree->db, w->tree, w->key, &node.data, &v));
    bt_release(&place);
    struct undo undo = version_undo(v);
    struct bt_change change = {.trx = w->session->trx, .undo = &undo};
    CALL(bt_update(w->tree, w->key, &w->data, NODE_VERSION, &change));
    make_known(w, v);
    v = NULL;
cleanup:
    bt_release(&place);
    version_free(w->session->system, v);
    return err;
}

/* bt_insert says that the node is there; with no version, all see it, unless it is a deleted one that a crash left. */
static JET_ERR insert_over_left(struct write *w, struct bt_change *change) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    bool deleted = false;

    CALL(find_node(w, &place, &node, &deleted));
    bt_release(&place);
    if (!deleted)
        FAIL(JET_errKeyDuplicate);
    CALL(bt_update(w->tree, w->key, &w->data, NODE_VERSION, change));
cleanup:
    bt_release(&place);
    return err;
}

static JET_ERR insert_latched(struct write *w) {
    JET_ERR err = JET_errSuccess;
    struct version *v = NULL;

    if (w->top.any)
        return w->top.op == UNDO_DELETE ? insert_over_deleted(w) : RAISE(JET_errKeyDuplicate);
    CALL(version_new(w->session, UNDO_INSERT, w->tree->db, w->tree, w->key, NULL, &v));
    struct undo undo = version_undo(v);
    struct bt_change change = {.trx = w->session->trx, .undo = &undo};
    err = bt_insert(w->tree, w->key, w->data, NODE_VERSION, &change);
    if (err == JET_errKeyDuplicate)
        err = insert_over_left(w, &change);
    CALL(err);
    make_known(w, v);
    v = NULL;
cleanup:
    version_free(w->session->system, v);
    return err;
}

JET_ERR ver_insert(struct session *session, struct tree *tree, struct slice key, struct slice data) {
    struct write w = {.session = session, .tree = tree, .key = key, .data = data, .id = node_id(tree, key)};
    return write_node(&w, insert_latched, false);
}

static JET_ERR replace_latched(struct write *w) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    struct version *v = NULL;
    struct bt_change change = {.trx = w->session->trx};

    if (w->top.any && w->top.op == UNDO_DELETE)
        FAIL(JET_errRecordDeleted);
    if (w->top.own && w->top.level == w->session->level && w->top.op != VER_LOCK) {
        w->session->changes++;
        CALL(bt_update(w->tree, w->key, &w->data, NODE_VERSION, &change));
        goto cleanup;
    }
    CALL(find_node(w, &place, &node, NULL));
    CALL(version_new(w->session, UNDO_REPLACE, w->tree->db, w->tree, w->key, &node.data, &v));
    bt_release(&place);
    struct undo undo = version_undo(v);
    change.undo = &undo;
    CALL(bt_update(w->tree, w->key, &w->data, NODE_VERSION, &change));
    make_known(w, v);
    v = NULL;
cleanup:
    bt_release(&place);
    version_free(w->session->system, v);
    return err;
}

JET_ERR ver_replace(struct session *session, struct tree *tree, struct slice key, struct slice data) {
    struct write w = {.session = session, .tree = tree, .key = key, .data = data, .id = node_id(tree, key)};
    return write_node(&w, replace_latched, false);
}

static JET_ERR delete_latched(struct write *w) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    struct version *v = NULL;

    if (w->top.any && w->top.op == UNDO_DELETE)
        FAIL(JET_errRecordDeleted);
    if (!w->top.any) {
        CALL(find_node(w, &place, &node, NULL));
        bt_release(&place);
    }
    CALL(version_new(w->session, UNDO_DELETE, w->tree->db, w->tree, w->key, NULL, &v));
    struct undo undo = version_undo(v);
    struct bt_change change = {.trx = w->session->trx, .undo = &undo};
    CALL(bt_update(w->tree, w->key, NULL, NODE_VERSION | NODE_DELETED, &change));
    make_known(w, v);
    v = NULL;
cleanup:
    bt_release(&place);
    version_free(w->session->system, v);
    return err;
}

JET_ERR ver_delete(struct session *session, struct tree *tree, struct slice key) {
    struct write w = {.session = session, .tree = tree, .key = key, .id = node_id(tree, key)};
    return write_node(&w, delete_latched, false);
}

/* Under the latch, shared: others may claim at the same time, so the last look and the link are one step under the
 * bucket's mutex. A claim is only put on a node that is there. */
static JET_ERR lock_latched(struct write *w) {
    JET_ERR err = JET_errSuccess;
    struct trx_system *system = w->session->system;
    struct os_mutex *stripe = stripe_of(system, w->id.hash);
    struct bt_place place = {0};
    struct node node;
    struct version *v = NULL;

    if (w->top.any && w->top.op == UNDO_DELETE)
        FAIL(JET_errRecordDeleted);
    if (w->top.own)
        goto cleanup;
    if (!w->top.any)
        CALL(find_node(w, &place, &node, NULL));
    bt_release(&place);
    CALL(version_new(w->session, VER_LOCK, w->tree->db, w->tree, w->key, NULL, &v));
    os_mutex_lock(stripe);
    if (look_locked(system, &w->id, v->trx).conflict)
        err = RAISE(JET_errWriteConflict);
    else
        version_link(system, v, &w->id);
    os_mutex_unlock(stripe);
    CALL(err);
    version_push(v->trx, v);
    v = NULL;
cleanup:
    bt_release(&place);
    version_free(system, v);
    return err;
}

JET_ERR ver_lock(struct session *session, struct tree *tree, struct slice key) {
    struct write w = {.session = session, .tree = tree, .key = key, .id = node_id(tree, key)};
    return write_node(&w, lock_latched, true);
}

/* ---- trees ---- */

/* version_new where no latch is held. */
static JET_ERR new_unlatched(struct session *session, uint8_t op, struct db *db, struct tree *tree, struct slice key,
                             const struct slice *before, struct version **out) {
    JET_ERR err = version_new(session, op, db, tree, key, before, out);
    if (err != JET_errVersionStoreOutOfMemory)
        return err;
    JET_ERR cleaned = trx_cleanup(session->system);
    (void)cleaned;
    err = version_new(session, op, db, tree, key, before, out);
    return err == JET_errVersionStoreOutOfMemory ? full_error(session) : err;
}

static void count_tree_deletes(struct session *session, int by) {
    os_mutex_lock(&session->system->mutex);
    session->trx->tree_deletes += (uint32_t)by;
    os_mutex_unlock(&session->system->mutex);
}

static JET_ERR log_new_tree(struct session *session, struct version *v, struct tree *parent, uint32_t type,
                            uint32_t pages, pgno_t *fdp) {
    JET_ERR err = JET_errSuccess;
    struct mtr m;
    struct tree_name name;

    memcpy(&name, v->bytes, sizeof name);
    mtr_begin(&m, v->db, session->trx);
    CALL(space_create_tree(&m, v->db, parent, name.objid, type, pages, &name.fdp));
    memcpy(v->bytes, &name, sizeof name);
    struct undo undo = version_undo(v);
    mtr_set_undo(&m, &undo);
    CALL(mtr_commit(&m, NULL, NULL));
    *fdp = name.fdp;
cleanup:
    mtr_end(&m);
    return err;
}

JET_ERR ver_create_tree(struct session *session, struct db *db, struct tree *parent, objid_t objid, uint32_t type,
                        uint32_t pages, pgno_t *fdp) {
    JET_ERR err = JET_errSuccess;
    struct version *v = NULL;
    struct tree_name name = {0, parent ? parent->fdp : db->root.fdp, objid};
    struct slice bytes = slice(&name, sizeof name);

    CALL(check_writable(session));
    CALL(new_unlatched(session, UNDO_CREATE_TREE, db, NULL, nothing, &bytes, &v));
    CALL(log_new_tree(session, v, parent, type, pages, fdp));
    version_push(session->trx, v);
    session->changes++;
    v = NULL;
cleanup:
    version_free(session->system, v);
    return err;
}

/* Has somebody changed a node of the tree in a way that this transaction must not override? */
static bool tree_in_use(struct trx_system *system, const struct tree *tree, const struct trx *trx) {
    bool found = false;
    for (uint32_t i = 0; i <= system->bucket_mask && !found; i++) {
        os_mutex_lock(stripe_of(system, i));
        struct version *v = atomic_load_explicit(bucket_of(system, i), memory_order_relaxed);
        for (; v && !found; v = v->hash_next)
            found = v->tree == tree && conflicts(v, trx);
        os_mutex_unlock(stripe_of(system, i));
    }
    return found;
}

static JET_ERR delete_tree_latched(struct write *w, struct version *v) {
    JET_ERR err = JET_errSuccess;
    struct trx_system *system = w->session->system;
    struct undo undo = version_undo(v);
    struct bt_change change = {.trx = w->session->trx, .undo = &undo};

    CALL(check_conflict(w));
    if (tree_in_use(system, w->tree, w->session->trx))
        FAIL(JET_errWriteConflict);
    count_tree_deletes(w->session, 1); /* before the record, which the checkpoint must not pass */
    err = bt_note(w->tree->db, &change);
    if (err < JET_errSuccess) {
        count_tree_deletes(w->session, -1);
        goto cleanup;
    }
    atomic_fetch_add(&system->tree_deletes, 1);
    make_known(w, v);
cleanup:
    return err;
}

JET_ERR ver_delete_tree(struct session *session, struct tree *tree) {
    JET_ERR err = JET_errSuccess;
    struct write w = {.session = session, .tree = tree, .id = tree_id(tree)};
    struct tree_name name = {tree->fdp, tree->parent ? tree->parent->fdp : tree->db->root.fdp, tree->objid};
    struct slice bytes = slice(&name, sizeof name);
    struct version *v = NULL;

    CALL(check_writable(session));
    CALL(new_unlatched(session, UNDO_DELETE_TREE, tree->db, tree, nothing, &bytes, &v));
    os_rwlock_write(&tree->latch);
    err = delete_tree_latched(&w, v);
    os_rwlock_unlock(&tree->latch);
    CALL(err);
    v = NULL;
cleanup:
    version_free(session->system, v);
    return err;
}

/* ---- readers ---- */

/* Takes back, newest first, what the session must not see. From the chain's newest, the bucket's mutex held. */
static void take_back_unseen(const struct version *v, const struct trx *own, uint64_t snapshot, bool *visible,
                             struct slice *data) {
    for (; v; v = v->older) {
        uint64_t commit = atomic_load_explicit(&v->trx->commit, memory_order_acquire);
        if (v->trx == own || (commit && commit <= snapshot))
            return;
        if (v->op == UNDO_INSERT)
            *visible = false;
        else if (v->op == UNDO_DELETE)
            *visible = true;
        if (v->op == UNDO_REPLACE || v->had_before)
            *data = version_before(v);
    }
}

JET_ERR ver_read(struct session *session, struct tree *tree, const struct bt_place *place, bool *visible,
                 struct slice *data, uint8_t *scratch) {
    struct trx_system *system = session->system;
    uint64_t snapshot = session_snapshot(session);
    struct node node;

    page_node(&place->leaf.page, place->line, &node);
    *visible = !(node.flags & NODE_DELETED);
    *data = node.data;
    /* No version, no look: each that matters was accounted for and linked under this tree's latch. */
    if (!(node.flags & NODE_VERSION) || atomic_load_explicit(&system->bytes, memory_order_relaxed) == 0)
        return JET_errSuccess;
    struct chain_id id = chain_id(tree, node.prefix, node.suffix, false);
    if (!atomic_load_explicit(bucket_of(system, id.hash), memory_order_relaxed))
        return JET_errSuccess;
    struct os_mutex *stripe = stripe_of(system, id.hash);
    struct version *previous;
    os_mutex_lock(stripe);
    take_back_unseen(chain_find(system, &id, &previous), session->trx, snapshot, visible, data);
    if (data->p != node.data.p) {
        memcpy(scratch, data->p, data->n);
        *data = slice(scratch, data->n);
    }
    os_mutex_unlock(stripe);
    return JET_errSuccess;
}
