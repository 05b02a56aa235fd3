/* Inside of the B+trees: what bt*.c and space*.c share.
 *
 * The OE and AE trees of space.h are B+trees like any other, but their changes are part of somebody's mini-transaction
 * and their pages come from elsewhere. So the parts below know a tree by its struct bt_id and work inside a given mtr:
 *
 *     bt_walk       from the root to a leaf, remembering the way
 *     bt_plan       what one split on that way would look like
 *     bt_split      does it, with a page that the caller provides
 *     bt_unlink     takes an emptied leaf out of its tree and tells which pages became free
 *
 * Files
 *     bt.c          reading: walk, find, step
 *     bt_change.c   insert, update, remove of one node
 *     bt_split.c    bt_plan, bt_split
 *     bt_merge.c    bt_unlink
 *     bt_check.c    the structure check
 *     space.c       trees and their extents; space_tree.c: OE and AE; space_check.c: the page accounts */
#ifndef ESENT_ENGINE_BT_PRIV_H
#define ESENT_ENGINE_BT_PRIV_H

#include "engine/bt.h"

#define BT_DEPTH_MAX 16

struct bt_id {
    struct db *db;
    pgno_t root;
    objid_t objid;
    uint32_t type; /* PAGE_TYPE_MASK bits of its pages */
};
struct bt_id bt_id_of(const struct tree *tree);

/* ---- bt.c ---- */

/* A page as it is now: m's own if m (may be NULL) has it latched, else under a shared latch. */
struct bt_peek {
    struct page_ref ref;
    struct page page;
};
/* Latched and checked to be a page of the tree: objid, type, root flag, not emptied, not blank.
 * JET_errBadParentPageLink, JET_errDatabaseCorrupted (the root), and what cache_latch gives. */
MUST_CHECK JET_ERR bt_peek(struct mtr *m, const struct bt_id *id, pgno_t pgno, struct bt_peek *out);
static inline void bt_unpeek(struct bt_peek *peek) {
    cache_unlatch(&peek->ref);
}
/* The same for a page that is to be changed. */
MUST_CHECK JET_ERR bt_latch(struct mtr *m, const struct bt_id *id, pgno_t pgno, struct page **out);
/* As bt_latch, for a leaf that `from` is linked to; checks that it links back. */
MUST_CHECK JET_ERR bt_latch_sibling(struct mtr *m, const struct bt_id *id, pgno_t pgno, pgno_t from, bool is_next,
                                    struct page **out);
struct page *bt_latched(const struct mtr *m, pgno_t pgno); /* NULL: m (may be NULL) does not have it */

/* The way from the root to a leaf. at[depth - 1] is the leaf, its line 0 and the page itself not yet looked at unless
 * it is the root. */
struct bt_path {
    unsigned depth;
    bool plain; /* the root's external header is a space header and nothing else: the tree may be written to */
    struct {
        pgno_t pgno;
        unsigned line;
    } at[BT_DEPTH_MAX];
};
enum bt_aim { BT_KEY, BT_FIRST, BT_LAST };
MUST_CHECK JET_ERR bt_walk(struct mtr *m, const struct bt_id *id, enum bt_aim aim, struct slice key,
                           struct bt_path *path);
static inline pgno_t bt_path_leaf(const struct bt_path *path) {
    return path->at[path->depth - 1].pgno;
}

/* ---- bt_change.c ---- */

void bt_begin_change(struct mtr *m, const struct bt_change *change); /* undo and compensation */

/* ---- bt_split.c ---- */

/* The change of a leaf that finds no room. */
enum bt_edit_kind {
    BT_EDIT_NONE,   /* only make room near line */
    BT_EDIT_INSERT, /* a node at line */
    BT_EDIT_UPDATE, /* new data and flags for the node at line */
};
struct bt_edit {
    enum bt_edit_kind kind;
    unsigned line, flags;
    struct slice key, data;
};

struct bt_plan {
    unsigned level;      /* of the page to split, in the path */
    struct bt_edit edit; /* done together with the split; BT_EDIT_NONE: afterwards there is room, try again */
    unsigned at;         /* first node of the new page, counting with the edit; unused for the root */
    uint32_t page_flags; /* of the new page */
    size_t prefix_bytes, separator_bytes;
    uint8_t prefix[KEY_BUFFER], separator[KEY_BUFFER];
};
/* The next split that must happen before or with the edit in the last page of path: of that page, or of the lowest
 * ancestor that has no room for what a split below puts into it. JET_errRecordTooBig: no split can help. */
MUST_CHECK JET_ERR bt_plan(struct mtr *m, const struct bt_id *id, const struct bt_path *path,
                           const struct bt_edit *edit, struct bt_plan *plan);
/* fresh: an empty page of the tree with plan->page_flags, latched in m. */
MUST_CHECK JET_ERR bt_split(struct mtr *m, const struct bt_id *id, const struct bt_path *path,
                            const struct bt_plan *plan, struct page *fresh);
/* Plans and does one split of a tree in a mini-transaction. *done: the edit was part of it, logged as change says; else
 * the split was a system change (change may be NULL for BT_EDIT_NONE), and the caller walks and tries again. */
MUST_CHECK JET_ERR bt_split_once(struct tree *tree, const struct bt_path *path, const struct bt_edit *edit,
                                 struct bt_change *change, bool *done);

/* ---- bt_merge.c ---- */

struct bt_freed {
    unsigned count;
    pgno_t pgno[BT_DEPTH_MAX];
};
/* Removes the leaf of path, whose nodes are all to go, and the ancestors that are left without children. The pages in
 * freed are then part of no tree and as they were. A tree without a leaf gets an empty root.
 * JET_errRecordTooBig: page `crowded` is too full for a longer separator: split it and start again. */
MUST_CHECK JET_ERR bt_unlink(struct mtr *m, const struct bt_id *id, const struct bt_path *path, struct bt_freed *freed,
                             struct bt_path *crowded);

#endif
