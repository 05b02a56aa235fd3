/* Changes of one node. Each tries its leaf first; without room (or when the leaf would become empty) the structure of
 * the tree is changed, and the walk starts again until the node's change is done. */
#include <assert.h>
#include <stdatomic.h>

#include "engine/bt_priv.h"
#include "engine/db.h"
#include "engine/space.h"

/* A change needs at most a few splits per level; more are a loop through a page that lies about its room. */
#define TRIES_MAX (4 * BT_DEPTH_MAX)

void bt_begin_change(struct mtr *m, const struct bt_change *change) {
    if (change->undo)
        mtr_set_undo(m, change->undo);
    if (change->compensates)
        mtr_set_compensates(m);
}

/* The leaf of key, latched in a new mini-transaction. */
static JET_ERR open_leaf(struct mtr *m, const struct bt_id *id, struct slice key, const struct bt_change *change,
                         struct bt_path *path, struct page **leaf) {
    JET_ERR err = JET_errSuccess;

    mtr_begin(m, id->db, change->trx);
    if (id->type & PAGE_NON_UNIQUE)
        FAIL(JET_errFeatureNotAvailable);
    CALL(bt_walk(NULL, id, BT_KEY, key, path));
    if (!path->plain)
        FAIL(JET_errFeatureNotAvailable);
    bt_begin_change(m, change);
    CALL(bt_latch(m, id, bt_path_leaf(path), leaf));
    if (!page_is_leaf(*leaf))
        FAIL(JET_errBadParentPageLink);
cleanup:
    return err;
}

/* ---- insert ---- */

static JET_ERR insert_once(struct tree *tree, struct bt_edit *edit, struct bt_change *change, bool *done) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_path path;
    struct page *leaf;
    struct mtr m;
    bool exact;

    *done = false;
    CALL(open_leaf(&m, &id, edit->key, change, &path, &leaf));
    edit->line = page_find(leaf, edit->key, &exact);
    if (exact)
        FAIL(JET_errKeyDuplicate);
    if (page_fits(leaf, edit->key, edit->data.n)) {
        CALL(mtr_insert(&m, leaf, edit->line, edit->flags, edit->key, edit->data));
        CALL(mtr_commit(&m, NULL, &change->end));
        *done = true;
    }
cleanup:
    mtr_end(&m);
    if (err >= JET_errSuccess && !*done)
        err = bt_split_once(tree, &path, edit, change, done);
    return err;
}

JET_ERR bt_insert(struct tree *tree, struct slice key, struct slice data, unsigned node_flags,
                  struct bt_change *change) {
    JET_ERR err = JET_errSuccess;
    struct bt_edit edit = {.kind = BT_EDIT_INSERT, .flags = node_flags, .key = key, .data = data};
    bool done = false;

    assert(data.n > 0);
    if (key.n > key_max(tree->db->page_size) || data.n > page_record_max(tree->db->page_size, (uint32_t)key.n))
        FAIL(JET_errRecordTooBig);
    for (unsigned tries = 0; !done; tries++) {
        if (tries == TRIES_MAX)
            FAIL(JET_errDatabaseCorrupted);
        CALL(insert_once(tree, &edit, change, &done));
    }
cleanup:
    return err;
}

/* ---- update ---- */

static JET_ERR update_in_place(struct mtr *m, struct page *leaf, const struct slice *data, const struct bt_edit *edit,
                               lgpos_t *end) {
    JET_ERR err = JET_errSuccess;
    struct node node;

    if (data)
        CALL(mtr_replace(m, leaf, edit->line, *data));
    page_node(leaf, edit->line, &node);
    if ((node.flags & ~(unsigned)NODE_COMPRESSED) != edit->flags)
        CALL(mtr_set_node_flags(m, leaf, edit->line, edit->flags));
    CALL(mtr_commit(m, NULL, end));
cleanup:
    return err;
}

/* The only node of a leaf whose prefix has become a burden: it is made anew without. */
static JET_ERR update_alone(struct mtr *m, struct page *leaf, const struct bt_edit *edit, lgpos_t *end) {
    JET_ERR err = JET_errSuccess;
    CALL(mtr_delete(m, leaf, 0, 1));
    CALL(mtr_set_external_header(m, leaf, slice("", 0)));
    CALL(mtr_insert(m, leaf, 0, edit->flags, edit->key, edit->data));
    CALL(mtr_commit(m, NULL, end));
cleanup:
    return err;
}

static JET_ERR update_once(struct tree *tree, const struct slice *data, struct bt_edit *edit, struct bt_change *change,
                           bool *done) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_path path;
    struct page *leaf;
    struct mtr m;
    bool exact;

    *done = false;
    CALL(open_leaf(&m, &id, edit->key, change, &path, &leaf));
    edit->line = page_find(leaf, edit->key, &exact);
    if (!exact)
        FAIL(JET_errRecordNotFound);
    if (!data || page_replace_fits(leaf, edit->line, data->n)) {
        CALL(update_in_place(&m, leaf, data, edit, &change->end));
        *done = true;
    } else if (page_lines(leaf) == 1 && path.depth > 1) {
        CALL(update_alone(&m, leaf, edit, &change->end));
        *done = true;
    }
cleanup:
    mtr_end(&m);
    if (err >= JET_errSuccess && !*done)
        err = bt_split_once(tree, &path, edit, change, done);
    return err;
}

JET_ERR bt_update(struct tree *tree, struct slice key, const struct slice *data, unsigned node_flags,
                  struct bt_change *change) {
    JET_ERR err = JET_errSuccess;
    struct bt_edit edit = {.kind = BT_EDIT_UPDATE, .flags = node_flags & ~(unsigned)NODE_COMPRESSED, .key = key};
    bool done = false;

    if (data && !data->p)
        data = NULL;
    if (data)
        edit.data = *data;
    assert(!data || data->n > 0);
    if (data && data->n > page_record_max(tree->db->page_size, (uint32_t)key.n))
        FAIL(JET_errRecordTooBig);
    for (unsigned tries = 0; !done; tries++) {
        if (tries == TRIES_MAX)
            FAIL(JET_errDatabaseCorrupted);
        CALL(update_once(tree, data, &edit, change, &done));
    }
cleanup:
    return err;
}

/* ---- remove ---- */

/* The leaf's only node goes, and with it the leaf. *crowded: see bt_unlink; depth 0: it worked. */
static JET_ERR remove_leaf(struct tree *tree, const struct bt_path *path, struct bt_change *change,
                           struct bt_path *crowded) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_freed freed;
    struct mtr m;

    mtr_begin(&m, tree->db, change->trx);
    bt_begin_change(&m, change);
    mtr_lock_space(&m, tree); /* before the first page latch */
    CALL(bt_unlink(&m, &id, path, &freed, crowded));
    crowded->depth = 0;
    for (unsigned i = 0; i < freed.count; i++)
        CALL(space_free(&m, tree, freed.pgno[i]));
    CALL(mtr_commit(&m, NULL, &change->end));
cleanup:
    mtr_end(&m);
    return err == JET_errRecordTooBig && crowded->depth > 0 ? JET_errSuccess : err;
}

static JET_ERR remove_once(struct tree *tree, struct slice key, struct bt_change *change, bool *done) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_path path, crowded = {.depth = 0};
    struct page *leaf;
    struct mtr m;
    bool exact;

    *done = false;
    CALL(open_leaf(&m, &id, key, change, &path, &leaf));
    unsigned line = page_find(leaf, key, &exact);
    if (!exact)
        FAIL(JET_errRecordNotFound);
    if (page_lines(leaf) > 1 || path.depth == 1) {
        CALL(mtr_delete(&m, leaf, line, 1));
        CALL(mtr_commit(&m, NULL, &change->end));
        *done = true;
    }
cleanup:
    mtr_end(&m);
    if (err < JET_errSuccess || *done)
        return err;
    err = remove_leaf(tree, &path, change, &crowded);
    *done = err >= JET_errSuccess && crowded.depth == 0;
    if (err >= JET_errSuccess && !*done) {
        struct bt_edit room = {.kind = BT_EDIT_NONE, .line = crowded.at[crowded.depth - 1].line};
        bool unused;
        err = bt_split_once(tree, &crowded, &room, NULL, &unused);
    }
    return err;
}

JET_ERR bt_remove(struct tree *tree, struct slice key, struct bt_change *change) {
    JET_ERR err = JET_errSuccess;
    bool done = false;

    for (unsigned tries = 0; !done; tries++) {
        if (tries == TRIES_MAX)
            FAIL(JET_errDatabaseCorrupted);
        CALL(remove_once(tree, key, change, &done));
    }
cleanup:
    return err;
}

JET_ERR bt_note(struct db *db, struct bt_change *change) {
    struct mtr m;
    mtr_begin(&m, db, change->trx);
    bt_begin_change(&m, change);
    JET_ERR err = mtr_commit(&m, NULL, &change->end);
    mtr_end(&m);
    return err;
}
