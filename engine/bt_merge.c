/* Taking an emptied leaf out of its tree.
 *
 * The leaf's neighbours are linked to each other, and every ancestor for which it was the only child goes with it. In
 * the lowest ancestor that has other children (the survivor), the keys that the removed child was for fall to a
 * neighbour:
 *
 *     [k: A] [K: gone] [L: B]   the gone one is not the last: its node is deleted, B's range begins earlier
 *     [k: A] [K: gone]          it is the last: A becomes the last
 *
 * In the second case the last separator of the survivor must stay equal to what its own parent says, and the last
 * separators down A's right edge to what A's node says. Above a parent of leaves there is no right edge below: A just
 * takes over the node with K. Else one bound S with k <= S <= K is chosen for both sides: k itself if it is a prefix of
 * K (then only K's places change, and k is not longer), otherwise the shortest prefix of K above k. S is never longer
 * than K; it can need one byte more than k did only where k was wholly covered by its page's prefix. When that byte is
 * not there the caller splits that page and starts again. */
#include <assert.h>

#include "engine/bt_priv.h"

static JET_ERR unlink_siblings(struct mtr *m, const struct bt_id *id, pgno_t leaf) {
    JET_ERR err = JET_errSuccess;
    struct page *page, *other;

    CALL(bt_latch(m, id, leaf, &page));
    if (!page_is_leaf(page))
        FAIL(JET_errBadParentPageLink);
    pgno_t prev = page_prev(page), next = page_next(page);
    if (prev) {
        CALL(bt_latch_sibling(m, id, prev, leaf, false, &other));
        CALL(mtr_set_links(m, other, page_prev(other), next));
    }
    if (next) {
        CALL(bt_latch_sibling(m, id, next, leaf, true, &other));
        CALL(mtr_set_links(m, other, prev, page_next(other)));
    }
cleanup:
    return err;
}

static struct slice key_of(const struct page *p, unsigned line, uint8_t *buffer) {
    struct node node;
    page_node(p, line, &node);
    return slice(buffer, node_key(&node, buffer));
}

static pgno_t child_of(const struct page *p, unsigned line) {
    struct node node;
    page_node(p, line, &node);
    return node_child(&node);
}

static JET_ERR set_key(struct mtr *m, struct page *p, unsigned line, struct slice key) {
    JET_ERR err = JET_errSuccess;
    uint8_t child[4];
    struct node node;

    page_node(p, line, &node);
    if (node_compare(&node, key) == 0)
        return JET_errSuccess;
    store32(child, node_child(&node));
    CALL(mtr_delete(m, p, line, 1));
    CALL(mtr_insert(m, p, line, 0, key, slice(child, 4)));
cleanup:
    return err;
}

/* The separators above `level` that repeat its last one: up to the first ancestor where the path is not the last node.
 */
static JET_ERR set_bound_above(struct mtr *m, const struct bt_id *id, const struct bt_path *path, unsigned level,
                               struct slice key) {
    JET_ERR err = JET_errSuccess;
    struct page *page;

    while (level-- > 0) {
        unsigned line = path->at[level].line;
        CALL(bt_latch(m, id, path->at[level].pgno, &page));
        CALL(set_key(m, page, line, key));
        if (line + 1 < page_lines(page))
            break;
    }
cleanup:
    return err;
}

/* The last separators down the right edge of the last child of path; path grows to the page that is looked at. */
static JET_ERR set_bound_below(struct mtr *m, const struct bt_id *id, struct bt_path *path, struct slice key) {
    JET_ERR err = JET_errSuccess;
    struct page *page;

    CALL(bt_latch(m, id, path->at[path->depth - 1].pgno, &page));
    while (!(page_flags(page) & PAGE_PARENT_OF_LEAF)) {
        pgno_t child = child_of(page, path->at[path->depth - 1].line);
        if (path->depth == BT_DEPTH_MAX - 1)
            FAIL(JET_errBadParentPageLink);
        CALL(bt_latch(m, id, child, &page));
        if (page_is_leaf(page))
            FAIL(JET_errBadParentPageLink);
        path->at[path->depth].pgno = child;
        path->at[path->depth].line = page_lines(page) - 1;
        path->depth++;
        CALL(set_key(m, page, page_lines(page) - 1, key));
    }
cleanup:
    return err;
}

/* The child of the survivor's last node is gone; at[level] is the survivor, with at least one other node. */
static JET_ERR remove_last_child(struct mtr *m, const struct bt_id *id, const struct bt_path *path, unsigned level,
                                 struct page *survivor, struct bt_path *edge) {
    JET_ERR err = JET_errSuccess;
    uint8_t removed_buffer[KEY_BUFFER], left_buffer[KEY_BUFFER], child[4];
    unsigned left = path->at[level].line - 1;
    struct slice removed = key_of(survivor, left + 1, removed_buffer), bound = key_of(survivor, left, left_buffer);

    if (page_flags(survivor) & PAGE_PARENT_OF_LEAF) {
        store32(child, child_of(survivor, left));
        CALL(mtr_replace(m, survivor, left + 1, slice(child, 4)));
        CALL(mtr_delete(m, survivor, left, 1));
        goto cleanup;
    }
    *edge = *path;
    edge->depth = level + 1;
    edge->at[level].line = left;
    size_t shared = 0;
    while (shared < bound.n && shared < removed.n && bound.p[shared] == removed.p[shared])
        shared++;
    bool below = removed.n == 0 || shared < bound.n;
    if (below)
        bound = slice(removed.p, removed.n ? shared + 1 : 0);
    CALL(mtr_delete(m, survivor, left + 1, 1));
    CALL(set_key(m, survivor, left, bound));
    if (removed.n > 0)
        CALL(set_bound_above(m, id, path, level, bound));
    if (below)
        CALL(set_bound_below(m, id, edge, bound));
cleanup:
    return err;
}

static JET_ERR make_root_empty(struct mtr *m, struct page *root) {
    JET_ERR err = JET_errSuccess;
    CALL(mtr_delete(m, root, 0, page_lines(root)));
    CALL(mtr_set_page_flags(m, root, (page_flags(root) & ~(uint32_t)PAGE_PARENT_OF_LEAF) | PAGE_LEAF));
cleanup:
    return err;
}

JET_ERR bt_unlink(struct mtr *m, const struct bt_id *id, const struct bt_path *path, struct bt_freed *freed,
                  struct bt_path *crowded) {
    JET_ERR err = JET_errSuccess;
    struct page *page;
    unsigned level = path->depth - 1;

    assert(level > 0);
    freed->count = 0;
    CALL(unlink_siblings(m, id, path->at[level].pgno));
    do {
        freed->pgno[freed->count++] = path->at[level].pgno;
        level--;
        CALL(bt_latch(m, id, path->at[level].pgno, &page));
        if (page_is_leaf(page) || child_of(page, path->at[level].line) != path->at[level + 1].pgno)
            FAIL(JET_errBadParentPageLink);
    } while (page_lines(page) == 1 && level > 0);

    if (page_lines(page) == 1)
        CALL(make_root_empty(m, page));
    else if (path->at[level].line + 1 < page_lines(page))
        CALL(mtr_delete(m, page, path->at[level].line, 1));
    else
        CALL(remove_last_child(m, id, path, level, page, crowded));
cleanup:
    return err;
}
