/* Undo: takes one logged change back, by key. The same for rollback and for recovery, and logged as compensation in one
 * record with the change of the page, so a crash in the middle goes on where this stopped (P6).
 *
 * In recovery there are no versions. An insert over a deleted node goes back to the deleted node, since the delete may
 * be the same transaction's and be undone next; recovery purges those that stay. */
#include "engine/inst.h"
#include "engine/space.h"
#include "engine/ver_priv.h"

/* ---- finding the tree ---- */

#define SPACE_HEADER_BYTES 16u
#define TREE_DEPTH_MAX 4u /* database root, table, index or long values */

/* Type and parent of the tree at fdp, from its root page. JET_errObjectNotFound: not the root of objid (0: of any). */
static JET_ERR read_root(struct db *db, pgno_t fdp, objid_t *objid, uint32_t *type, pgno_t *parent) {
    JET_ERR err = JET_errSuccess;
    struct page_ref ref = {0};

    if (fdp == 0 || fdp > atomic_load(&db->page_count))
        FAIL(JET_errObjectNotFound);
    err = cache_latch(db->pages, fdp, LATCH_SHARED, &ref);
    if (err == JET_errPageNotInitialized || err == JET_errFileIOBeyondEOF)
        err = RAISE(JET_errObjectNotFound);
    CALL(err);
    struct slice header = page_external_header(&ref.page);
    if (!page_is_root(&ref.page) || (*objid && page_objid(&ref.page) != *objid))
        FAIL(JET_errObjectNotFound);
    if (header.n > SPACE_HEADER_BYTES && (header.p[0] & 1)) /* the long form: a byte says what follows */
        header = slice(header.p + 1, header.n - 1);
    if (header.n < SPACE_HEADER_BYTES)
        FAIL(JET_errDatabaseCorrupted);
    *objid = page_objid(&ref.page);
    *type = page_flags(&ref.page) & PAGE_TYPE_MASK;
    *parent = load32(header.p + 4);
cleanup:
    cache_unlatch(&ref);
    return err;
}

static JET_ERR open_tree(struct db *db, pgno_t fdp, objid_t objid, unsigned depth, struct tree **out) {
    JET_ERR err = JET_errSuccess;
    struct tree *parent = NULL;
    pgno_t parent_fdp = 0;
    uint32_t type = 0;

    *out = fdp <= db->root.fdp ? &db->root : db_tree_find(db, fdp);
    if (*out && (!objid || (*out)->objid == objid))
        goto cleanup;
    if (depth == TREE_DEPTH_MAX)
        FAIL(JET_errDatabaseCorrupted);
    CALL(read_root(db, fdp, &objid, &type, &parent_fdp));
    CALL(open_tree(db, parent_fdp, 0, depth + 1, &parent));
    CALL(db_tree(db, fdp, objid, type, parent, out));
cleanup:
    return err;
}

JET_ERR undo_open_tree(struct db *db, const struct undo *undo, struct tree **out) {
    return open_tree(db, undo->fdp, undo->objid, 0, out);
}

/* ---- nodes ---- */

static JET_ERR note(struct db *db, trxid_t id) {
    struct trx trx = {.id = id, .first_logged = NOT_LOGGED};
    struct bt_change change = {.trx = &trx, .compensates = true};
    return bt_note(db, &change);
}

JET_ERR undo_node(struct tree *tree, trxid_t id, const struct undo *undo) {
    JET_ERR err = JET_errSuccess;
    struct trx trx = {.id = id, .first_logged = NOT_LOGGED};
    struct bt_change change = {.trx = &trx, .compensates = true};

    if ((undo->op == UNDO_REPLACE || undo->had_before) && undo->before.n == 0)
        return RAISE(JET_errLogFileCorrupt); /* no node is empty */
    if (undo->op == UNDO_INSERT && undo->had_before)
        err = bt_update(tree, undo->key, &undo->before, NODE_VERSION | NODE_DELETED, &change);
    else if (undo->op == UNDO_INSERT)
        err = bt_remove(tree, undo->key, &change);
    else if (undo->op == UNDO_REPLACE)
        err = bt_update(tree, undo->key, &undo->before, NODE_VERSION, &change);
    else
        err = bt_update(tree, undo->key, NULL, NODE_VERSION, &change);
    return err == JET_errRecordNotFound ? note(tree->db, id) : err;
}

JET_ERR undo_purge_node(struct tree *tree, struct slice key) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct bt_change change = {0};
    struct node node = {0};

    CALL(inst_usable(tree->db->inst));
    CALL(bt_find(tree, key, LATCH_SHARED, &place));
    if (place.exact)
        page_node(&place.leaf.page, place.line, &node);
    bt_release(&place);
    if (node.flags & NODE_DELETED)
        CALL(bt_remove(tree, key, &change));
cleanup:
    bt_release(&place);
    return err;
}

JET_ERR undo_purge_deleted(struct tree *tree, struct slice key) {
    os_rwlock_write(&tree->latch);
    JET_ERR err = undo_purge_node(tree, key);
    os_rwlock_unlock(&tree->latch);
    return err;
}

/* ---- trees ---- */

/* Gives the tree's space back. trx: as its compensation; NULL: as the end of its committed deletion. */
static JET_ERR free_tree(struct db *db, struct trx *trx, const struct undo *undo) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree, *parent;
    struct mtr m;
    struct undo freed = {.op = UNDO_TREE_FREED,
                         .dbid = db->dbid,
                         .fdp = undo->fdp,
                         .parent_fdp = undo->parent_fdp,
                         .objid = undo->objid};

    CALL(open_tree(db, undo->parent_fdp, 0, 0, &parent));
    CALL(undo_open_tree(db, undo, &tree));
    os_rwlock_write(&tree->latch);
    atomic_store(&tree->deleted, true);
    mtr_begin(&m, db, trx);
    if (trx)
        mtr_set_compensates(&m);
    else
        mtr_set_undo(&m, &freed);
    err = space_free_tree(&m, tree, parent);
    if (err >= JET_errSuccess)
        err = mtr_commit(&m, NULL, NULL);
    mtr_end(&m);
    os_rwlock_unlock(&tree->latch);
cleanup:
    return err;
}

JET_ERR undo_free_deleted_tree(struct db *db, const struct undo *undo) {
    return free_tree(db, NULL, undo);
}

static JET_ERR undo_create_tree(struct db *db, trxid_t id, const struct undo *undo) {
    struct trx trx = {.id = id, .first_logged = NOT_LOGGED};
    JET_ERR err = free_tree(db, &trx, undo);
    return err == JET_errObjectNotFound ? note(db, id) : err;
}

JET_ERR undo_apply(struct db *db, trxid_t trx, const struct undo *undo) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree;

    switch (undo->op) {
    case UNDO_CREATE_TREE:
        return undo_create_tree(db, trx, undo);
    case UNDO_DELETE_TREE:
        return note(db, trx);
    case UNDO_INSERT:
    case UNDO_REPLACE:
    case UNDO_DELETE:
        break;
    default:
        FAIL(JET_errLogFileCorrupt);
    }
    CALL(undo_open_tree(db, undo, &tree));
    os_rwlock_write(&tree->latch);
    err = undo_node(tree, trx, undo);
    os_rwlock_unlock(&tree->latch);
cleanup:
    return err;
}
