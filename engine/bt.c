/* Reading trees.
 *
 * Everything that says where to go next (child numbers, sibling links) was read from a disk. A walk down is bounded by
 * BT_DEPTH_MAX; a walk along the leaves by the keys, which must rise from leaf to leaf, so that no ring of links can
 * hold it. Each page must carry the tree's objid and type, and be where its parent's flags say. */
#include <assert.h>
#include <stdatomic.h>

#include "engine/bt_priv.h"
#include "engine/db.h"

struct bt_id bt_id_of(const struct tree *tree) {
    return (struct bt_id){.db = tree->db, .root = tree->fdp, .objid = tree->objid, .type = tree->type};
}

/* ---- pages of a tree ---- */

static JET_ERR check_page(const struct bt_id *id, pgno_t pgno, const struct page *p) {
    uint32_t flags = page_flags(p);
    bool root = pgno == id->root;
    bool good = page_objid(p) == id->objid && (flags & PAGE_TYPE_MASK) == id->type && !(flags & PAGE_EMPTY) &&
                page_is_root(p) == root && (page_lines(p) > 0 || (root && page_is_leaf(p)));
    return good ? JET_errSuccess : RAISE(root ? JET_errDatabaseCorrupted : JET_errBadParentPageLink);
}

static JET_ERR check_number(const struct bt_id *id, pgno_t pgno) {
    uint32_t count = atomic_load_explicit(&id->db->page_count, memory_order_relaxed); /* 0: not yet known */
    return pgno >= 1 && (pgno <= count || count == 0) ? JET_errSuccess : RAISE(JET_errBadParentPageLink);
}

struct page *bt_latched(const struct mtr *m, pgno_t pgno) {
    if (m)
        for (unsigned i = 0; i < m->page_count; i++)
            if (m->pages[i]->ref.pgno == pgno)
                return &m->pages[i]->ref.page;
    return NULL;
}

JET_ERR bt_peek(struct mtr *m, const struct bt_id *id, pgno_t pgno, struct bt_peek *out) {
    JET_ERR err = JET_errSuccess;
    struct page *own = bt_latched(m, pgno);

    out->ref.state = NULL;
    if (own) {
        out->page = *own;
    } else {
        CALL(check_number(id, pgno));
        CALL(cache_latch(id->db->pages, pgno, LATCH_SHARED, &out->ref));
        out->page = out->ref.page;
    }
    CALL(check_page(id, pgno, &out->page));
cleanup:
    if (err < JET_errSuccess)
        bt_unpeek(out);
    return err;
}

JET_ERR bt_latch(struct mtr *m, const struct bt_id *id, pgno_t pgno, struct page **out) {
    JET_ERR err = JET_errSuccess;
    CALL(check_number(id, pgno));
    CALL(mtr_latch(m, pgno, out));
    CALL(check_page(id, pgno, *out));
cleanup:
    return err;
}

JET_ERR bt_latch_sibling(struct mtr *m, const struct bt_id *id, pgno_t pgno, pgno_t from, bool is_next,
                         struct page **out) {
    JET_ERR err = JET_errSuccess;
    CALL(bt_latch(m, id, pgno, out));
    if (!page_is_leaf(*out) || (is_next ? page_prev(*out) : page_next(*out)) != from)
        FAIL(JET_errBadPageLink);
cleanup:
    return err;
}

/* ---- down ---- */

static unsigned aim_line(const struct page *p, enum bt_aim aim, struct slice key) {
    if (aim == BT_KEY)
        return page_find_child(p, key);
    return aim == BT_FIRST ? 0 : page_lines(p) - 1;
}

JET_ERR bt_walk(struct mtr *m, const struct bt_id *id, enum bt_aim aim, struct slice key, struct bt_path *path) {
    JET_ERR err = JET_errSuccess;
    struct bt_peek peek = {0};
    pgno_t pgno = id->root;
    bool leaf = false;

    for (path->depth = 0; !leaf; path->depth++) {
        if (path->depth == BT_DEPTH_MAX - 1)
            FAIL(JET_errBadParentPageLink);
        CALL(bt_peek(m, id, pgno, &peek));
        path->at[path->depth].pgno = pgno;
        path->at[path->depth].line = 0;
        if (path->depth == 0)
            path->plain = page_external_header(&peek.page).n == 16;
        if (page_is_leaf(&peek.page)) {
            if (path->depth > 0)
                FAIL(JET_errBadParentPageLink); /* its parent says that its children are no leaves */
            leaf = true;
        } else {
            struct node node;
            unsigned line = path->at[path->depth].line = aim_line(&peek.page, aim, key);
            page_node(&peek.page, line, &node);
            pgno = node_child(&node);
            if (page_flags(&peek.page) & PAGE_PARENT_OF_LEAF) {
                path->depth++;
                path->at[path->depth].pgno = pgno;
                path->at[path->depth].line = 0;
                leaf = true;
            }
        }
        bt_unpeek(&peek);
    }
cleanup:
    bt_unpeek(&peek);
    return err;
}

/* ---- places ---- */

static JET_ERR latch_leaf(const struct bt_id *id, pgno_t pgno, enum latch_mode mode, struct bt_place *out) {
    JET_ERR err = JET_errSuccess;
    out->leaf.state = NULL;
    CALL(check_number(id, pgno));
    CALL(cache_latch(id->db->pages, pgno, mode, &out->leaf));
    CALL(check_page(id, pgno, &out->leaf.page));
    if (!page_is_leaf(&out->leaf.page))
        FAIL(JET_errBadParentPageLink);
cleanup:
    if (err < JET_errSuccess)
        bt_release(out);
    return err;
}

static JET_ERR latch_leaf_at(struct tree *tree, enum bt_aim aim, struct slice key, enum latch_mode mode,
                             struct bt_place *out) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_path path;

    out->leaf.state = NULL;
    CALL(bt_walk(NULL, &id, aim, key, &path));
    CALL(latch_leaf(&id, bt_path_leaf(&path), mode, out));
cleanup:
    return err;
}

JET_ERR bt_find(struct tree *tree, struct slice key, enum latch_mode mode, struct bt_place *out) {
    JET_ERR err = JET_errSuccess;
    CALL(latch_leaf_at(tree, BT_KEY, key, mode, out));
    out->line = page_find(&out->leaf.page, key, &out->exact);
cleanup:
    return err;
}

static void place_set(struct bt_place *place, unsigned line) {
    place->line = line;
    place->exact = line < page_lines(&place->leaf.page);
}

JET_ERR bt_first(struct tree *tree, struct bt_place *out) {
    JET_ERR err = JET_errSuccess;
    CALL(latch_leaf_at(tree, BT_FIRST, slice(NULL, 0), LATCH_SHARED, out));
    place_set(out, 0);
cleanup:
    return err;
}

JET_ERR bt_last(struct tree *tree, struct bt_place *out) {
    JET_ERR err = JET_errSuccess;
    CALL(latch_leaf_at(tree, BT_LAST, slice(NULL, 0), LATCH_SHARED, out));
    unsigned lines = page_lines(&out->leaf.page);
    place_set(out, lines ? lines - 1 : 0);
cleanup:
    return err;
}

/* Is the neighbour of `from`, whose nearest key was `edge`, really one? */
static bool neighbour_good(const struct bt_place *place, pgno_t from, struct slice edge, bool forward, bool unique) {
    const struct page *p = &place->leaf.page;
    struct node node;
    if (page_is_root(p) || (forward ? page_prev(p) : page_next(p)) != from)
        return false;
    page_node(p, forward ? 0 : page_lines(p) - 1, &node);
    int c = node_compare(&node, edge);
    return forward ? c > 0 || (c == 0 && !unique) : c < 0 || (c == 0 && !unique);
}

/* To the first line of the next leaf, or the last line of the previous one. */
static JET_ERR step_leaf(struct tree *tree, struct bt_place *place, bool forward) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    uint8_t edge[KEY_BUFFER];
    struct node node;
    const struct page *p = &place->leaf.page;
    pgno_t from = place->leaf.pgno, to = forward ? page_next(p) : page_prev(p);
    enum latch_mode mode = place->leaf.mode;

    if (to == 0 || page_lines(p) == 0)
        return JET_errNoCurrentRecord;
    page_node(p, forward ? page_lines(p) - 1 : 0, &node);
    size_t edge_bytes = node_key(&node, edge);
    bt_release(place);
    CALL(latch_leaf(&id, to, mode, place));
    if (!neighbour_good(place, from, slice(edge, edge_bytes), forward, !(tree->type & PAGE_NON_UNIQUE)))
        FAIL(JET_errBadPageLink);
    place_set(place, forward ? 0 : page_lines(&place->leaf.page) - 1);
cleanup:
    if (err < JET_errSuccess)
        bt_release(place);
    return err;
}

JET_ERR bt_next(struct tree *tree, struct bt_place *place) {
    if (place->line + 1 >= page_lines(&place->leaf.page))
        return step_leaf(tree, place, true);
    place_set(place, place->line + 1);
    return JET_errSuccess;
}

JET_ERR bt_prev(struct tree *tree, struct bt_place *place) {
    if (place->line == 0)
        return step_leaf(tree, place, false);
    place_set(place, place->line - 1);
    return JET_errSuccess;
}

JET_ERR bt_settle(struct tree *tree, struct bt_place *place) {
    return place->line < page_lines(&place->leaf.page) ? JET_errSuccess : step_leaf(tree, place, true);
}

bool bt_revisit(struct tree *tree, pgno_t pgno, dbtime_t dbtime, unsigned line, struct bt_place *out) {
    struct bt_id id = bt_id_of(tree);
    if (latch_leaf(&id, pgno, LATCH_SHARED, out) < JET_errSuccess)
        return false;
    if (page_dbtime(&out->leaf.page) != dbtime || line > page_lines(&out->leaf.page)) {
        bt_release(out);
        return false;
    }
    place_set(out, line);
    return true;
}

void bt_release(struct bt_place *place) {
    cache_unlatch(&place->leaf);
}
