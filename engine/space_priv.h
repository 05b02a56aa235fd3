/* Inside of space: what space.c, space_tree.c and space_check.c share. */
#ifndef ESENT_ENGINE_SPACE_PRIV_H
#define ESENT_ENGINE_SPACE_PRIV_H

#include "engine/bt_priv.h"
#include "engine/space.h"

struct extent {
    pgno_t first;
    uint32_t count;
}; /* count 0: none */
static inline pgno_t extent_last(struct extent e) {
    return e.first + e.count - 1;
}

/* The 16 bytes in tag 0 of a tree's root (ese-facts 2.8). */
enum space_flags { SPACE_MULTIPLE = 1, SPACE_NON_UNIQUE = 2, SPACE_V2 = 4 };
struct space_header {
    uint32_t primary; /* pages of the first extent (V2: of the last one that was asked for) */
    pgno_t parent;
    uint32_t flags;
    uint32_t
        pointer; /* single extent: bit k: page fdp + 1 + k is free; multiple: root of OE; that of AE is the next page */
};
/* Of the 16-byte form, or the 25-byte one if `plain` is not asked for; every field in range for the tree.
 * JET_errFeatureNotAvailable (not plain), JET_errDatabaseCorrupted. */
MUST_CHECK JET_ERR space_header_load(const struct tree *tree, const struct page *root, bool plain,
                                     struct space_header *out);

/* ---- space_tree.c: OE and AE as sets of extents ---- */

struct space_tree {
    struct bt_id id;
    JET_ERR corrupted; /* the error that says so */
};
struct space_tree space_tree_of(const struct bt_id *owner, pgno_t root, bool available);

/* Walks the extents in order; dead nodes (deleted, or of 0 pages) are skipped. m may be NULL. */
struct space_cursor {
    struct bt_peek peek; /* of leaf */
    pgno_t leaf;
    unsigned line;
    bool pools; /* accept 5-byte keys (AE of newer Windows files); else they are JET_errFeatureNotAvailable */
    struct extent extent;
};
/* At the first extent whose last page is `from` or later. found: false at the end. Close it in any case. */
MUST_CHECK JET_ERR space_cursor_open(struct mtr *m, const struct space_tree *st, pgno_t from, struct space_cursor *c,
                                     bool *found);
MUST_CHECK JET_ERR space_cursor_next(struct mtr *m, const struct space_tree *st, struct space_cursor *c, bool *found);
static inline void space_cursor_close(struct space_cursor *c) {
    bt_unpeek(&c->peek);
}
/* The same with open and close: one extent, count 0 if there is none. */
MUST_CHECK JET_ERR space_tree_seek(struct mtr *m, const struct space_tree *st, pgno_t from, struct extent *out);
/* The last extent. JET_err... if there is none. */
MUST_CHECK JET_ERR space_tree_last(struct mtr *m, const struct space_tree *st, struct extent *out);
/* Newer Windows files have AE nodes with 5-byte keys, which sort last: JET_errFeatureNotAvailable. */
MUST_CHECK JET_ERR space_tree_plain(struct mtr *m, const struct space_tree *st);
/* How many pages adding one node may take. */
MUST_CHECK JET_ERR space_tree_reserve(struct mtr *m, const struct space_tree *st, uint32_t *pages);

/* Adds a node. Pages for splits are taken from the end of *spare, and when the node is to say *spare (which is then
 * what is left of it) pass node NULL: nothing is added if nothing is left. JET_errOutOfDatabaseSpace. */
MUST_CHECK JET_ERR space_tree_add(struct mtr *m, const struct space_tree *st, const struct extent *node,
                                  struct extent *spare);
/* The node with that last page gets another count. */
MUST_CHECK JET_ERR space_tree_set_count(struct mtr *m, const struct space_tree *st, pgno_t last, uint32_t count);
/* Pages that the tree no longer needs are appended to freed. */
MUST_CHECK JET_ERR space_tree_remove(struct mtr *m, const struct space_tree *st, pgno_t last, struct bt_freed *freed);

/* An empty root for OE or AE. */
MUST_CHECK JET_ERR space_tree_make(struct mtr *m, const struct space_tree *st);
/* A page of free space becomes one of the tree id. It may have been given up in the same m. */
MUST_CHECK JET_ERR space_make_page(struct mtr *m, const struct bt_id *id, pgno_t pgno, uint32_t flags,
                                   struct page **out);
/* A page in use becomes an emptied one. */
MUST_CHECK JET_ERR space_empty_page(struct mtr *m, const struct bt_id *id, pgno_t pgno);

#endif
