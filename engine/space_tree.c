/* OE and AE: B+trees of extents, keyed by the last page (big-endian), with the page count as data.
 *
 * They must not need space to say where space is. Adding a node can split pages; each page for that is taken from the
 * extent at hand, one at a time, with the tree whole after each split. So an extent that is added to AE may be used up
 * by AE itself, and then there is nothing left to add. Taking and shrinking extents needs no room at all. */
#include <assert.h>
#include <stdatomic.h>

#include "engine/db.h"
#include "engine/space_priv.h"

struct space_tree space_tree_of(const struct bt_id *owner, pgno_t root, bool available) {
    struct space_tree st = {.id = *owner,
                            .corrupted = available ? JET_errSPAvailExtCorrupted : JET_errSPOwnExtCorrupted};
    st.id.root = root;
    st.id.type |= PAGE_SPACE;
    return st;
}

struct extent_key {
    uint8_t b[4];
};
static struct extent_key key_of(pgno_t last) {
    struct extent_key key;
    store_be32(key.b, last);
    return key;
}

/* ---- reading ---- */

/* live false: a dead node. */
static JET_ERR decode(const struct space_tree *st, const struct page *p, unsigned line, bool pools, struct extent *out,
                      bool *live) {
    JET_ERR err = JET_errSuccess;
    struct node node;
    uint8_t key[KEY_BUFFER];
    uint32_t limit = atomic_load(&st->id.db->page_count);

    page_node(p, line, &node);
    size_t key_bytes = node_key(&node, key);
    if (key_bytes == 5 && key[0] >= 0x80 && key[0] <= 0x82 && !pools)
        FAIL(JET_errFeatureNotAvailable);
    bool pool = key_bytes == 5 && key[0] >= 0x80 && key[0] <= 0x82;
    if ((key_bytes != 4 && !pool) || node.data.n != 4)
        FAIL(st->corrupted);
    pgno_t last = load_be32(key + (pool ? 1 : 0));
    uint32_t count = load32(node.data.p);
    *live = !(node.flags & NODE_DELETED) && count > 0;
    if (*live && (count > last || last > 0x7fffffff || (limit && last > limit)))
        FAIL(st->corrupted);
    *out = (struct extent){last - count + 1, count};
cleanup:
    return err;
}

/* To the first line of the next leaf; at the end the cursor stays where it is. */
static JET_ERR next_leaf(struct mtr *m, const struct space_tree *st, struct space_cursor *c, bool *found) {
    JET_ERR err = JET_errSuccess;
    const struct page *p = &c->peek.page;
    pgno_t next = page_next(p), from = c->leaf;
    uint8_t edge[KEY_BUFFER];
    struct node node;

    *found = false;
    if (next == 0 || page_lines(p) == 0)
        return JET_errSuccess;
    page_node(p, page_lines(p) - 1, &node);
    size_t edge_bytes = node_key(&node, edge);
    bt_unpeek(&c->peek);
    CALL(bt_peek(m, &st->id, next, &c->peek));
    if (!page_is_leaf(p) || page_prev(p) != from)
        FAIL(JET_errBadPageLink);
    page_node(p, 0, &node);
    if (node_compare(&node, slice(edge, edge_bytes)) <= 0) /* no ring of links holds us */
        FAIL(JET_errBadPageLink);
    c->leaf = next;
    c->line = 0;
    *found = true;
cleanup:
    return err;
}

/* To the first live node from the cursor's line on. */
static JET_ERR settle(struct mtr *m, const struct space_tree *st, struct space_cursor *c, bool *found) {
    JET_ERR err = JET_errSuccess;

    for (;; c->line++) {
        *found = true;
        if (c->line >= page_lines(&c->peek.page))
            CALL(next_leaf(m, st, c, found));
        if (!*found)
            break;
        bool live;
        CALL(decode(st, &c->peek.page, c->line, c->pools, &c->extent, &live));
        if (live)
            break;
    }
cleanup:
    return err;
}

static JET_ERR open_leaf(struct mtr *m, const struct space_tree *st, enum bt_aim aim, pgno_t from,
                         struct space_cursor *c) {
    JET_ERR err = JET_errSuccess;
    struct bt_path path;
    struct extent_key key = key_of(from);
    bool exact;

    c->peek.ref.state = NULL;
    CALL(bt_walk(m, &st->id, aim, slice(key.b, 4), &path));
    c->leaf = bt_path_leaf(&path);
    CALL(bt_peek(m, &st->id, c->leaf, &c->peek));
    if (!page_is_leaf(&c->peek.page))
        FAIL(JET_errBadParentPageLink);
    c->line = page_find(&c->peek.page, slice(key.b, 4), &exact);
cleanup:
    return err;
}

JET_ERR space_cursor_open(struct mtr *m, const struct space_tree *st, pgno_t from, struct space_cursor *c,
                          bool *found) {
    JET_ERR err = JET_errSuccess;
    CALL(open_leaf(m, st, BT_KEY, from, c));
    CALL(settle(m, st, c, found));
cleanup:
    return err;
}

JET_ERR space_cursor_next(struct mtr *m, const struct space_tree *st, struct space_cursor *c, bool *found) {
    c->line++;
    return settle(m, st, c, found);
}

JET_ERR space_tree_seek(struct mtr *m, const struct space_tree *st, pgno_t from, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = false};
    bool found;

    CALL(space_cursor_open(m, st, from, &c, &found));
    *out = found ? c.extent : (struct extent){0, 0};
cleanup:
    space_cursor_close(&c);
    return err;
}

JET_ERR space_tree_last(struct mtr *m, const struct space_tree *st, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = false};
    bool live = false;

    CALL(open_leaf(m, st, BT_LAST, 0, &c));
    unsigned lines = page_lines(&c.peek.page);
    if (lines > 0)
        CALL(decode(st, &c.peek.page, lines - 1, false, out, &live));
    if (!live)
        FAIL(st->corrupted);
cleanup:
    space_cursor_close(&c);
    return err;
}

JET_ERR space_tree_plain(struct mtr *m, const struct space_tree *st) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = false};
    struct extent unused;
    bool live;

    CALL(open_leaf(m, st, BT_LAST, 0, &c));
    unsigned lines = page_lines(&c.peek.page);
    if (lines > 0)
        CALL(decode(st, &c.peek.page, lines - 1, false, &unused, &live));
cleanup:
    space_cursor_close(&c);
    return err;
}

JET_ERR space_tree_reserve(struct mtr *m, const struct space_tree *st, uint32_t *pages) {
    JET_ERR err = JET_errSuccess;
    struct bt_peek peek = {0};
    struct bt_path path;
    struct extent_key key = key_of(0);

    CALL(bt_walk(m, &st->id, BT_FIRST, slice(NULL, 0), &path));
    *pages = path.depth + 1;
    if (path.depth == 1) {
        CALL(bt_peek(m, &st->id, st->id.root, &peek));
        if (page_fits(&peek.page, slice(key.b, 4), 4))
            *pages = 0;
    }
cleanup:
    bt_unpeek(&peek);
    return err;
}

/* ---- changing ---- */

JET_ERR space_make_page(struct mtr *m, const struct bt_id *id, pgno_t pgno, uint32_t flags, struct page **out) {
    const struct page *own = bt_latched(m, pgno);
    if (own && !(page_flags(own) & PAGE_EMPTY)) /* a page in use was said to be free */
        return RAISE(JET_errSPAvailExtCorrupted);
    return mtr_new_page(m, pgno, id->objid, flags | id->type, out);
}

JET_ERR space_empty_page(struct mtr *m, const struct bt_id *id, pgno_t pgno) {
    JET_ERR err = JET_errSuccess;
    struct page *p;

    CALL(mtr_latch(m, pgno, &p));
    if (page_objid(p) != id->objid || (page_flags(p) & (PAGE_EMPTY | PAGE_ROOT)))
        FAIL(JET_errInternalError);
    if (page_lines(p) > 0)
        CALL(mtr_delete(m, p, 0, page_lines(p)));
    if (page_external_header(p).n > 0)
        CALL(mtr_set_external_header(m, p, slice("", 0)));
    CALL(mtr_set_page_flags(m, p, (page_flags(p) & ~(uint32_t)PAGE_PARENT_OF_LEAF) | PAGE_EMPTY));
cleanup:
    return err;
}

JET_ERR space_tree_make(struct mtr *m, const struct space_tree *st) {
    JET_ERR err = JET_errSuccess;
    static const uint8_t split_buffers[16];
    struct page *p;

    CALL(space_make_page(m, &st->id, st->id.root, PAGE_ROOT | PAGE_LEAF, &p));
    CALL(mtr_set_external_header(m, p, slice(split_buffers, sizeof split_buffers)));
cleanup:
    return err;
}

/* One split on the way to where a node is to go; its page is the last of *spare. */
static JET_ERR split(struct mtr *m, const struct space_tree *st, const struct bt_path *path, unsigned line,
                     struct extent *spare) {
    JET_ERR err = JET_errSuccess;
    struct bt_edit room = {.kind = BT_EDIT_NONE, .line = line};
    struct bt_plan plan;
    struct page *fresh;

    if (spare->count == 0)
        FAIL(JET_errOutOfDatabaseSpace);
    CALL(bt_plan(m, &st->id, path, &room, &plan));
    CALL(space_make_page(m, &st->id, extent_last(*spare), plan.page_flags, &fresh));
    CALL(bt_split(m, &st->id, path, &plan, fresh));
    spare->count--;
cleanup:
    return err;
}

/* *added false: a page was split, try again. */
static JET_ERR add_once(struct mtr *m, const struct space_tree *st, struct extent node, struct extent *spare,
                        bool *added) {
    JET_ERR err = JET_errSuccess;
    struct extent_key key = key_of(extent_last(node));
    struct bt_path path;
    struct page *leaf;
    uint8_t count[4];
    bool exact;

    store32(count, node.count);
    CALL(bt_walk(m, &st->id, BT_KEY, slice(key.b, 4), &path));
    CALL(bt_latch(m, &st->id, bt_path_leaf(&path), &leaf));
    if (!page_is_leaf(leaf))
        FAIL(JET_errBadParentPageLink);
    unsigned line = page_find(leaf, slice(key.b, 4), &exact);
    *added = true;
    if (exact) { /* a dead node: the callers have looked */
        CALL(mtr_replace(m, leaf, line, slice(count, 4)));
        CALL(mtr_set_node_flags(m, leaf, line, 0));
    } else if (page_fits(leaf, slice(key.b, 4), 4)) {
        CALL(mtr_insert(m, leaf, line, 0, slice(key.b, 4), slice(count, 4)));
    } else {
        *added = false;
        CALL(split(m, st, &path, line, spare));
    }
cleanup:
    return err;
}

JET_ERR space_tree_add(struct mtr *m, const struct space_tree *st, const struct extent *node, struct extent *spare) {
    JET_ERR err = JET_errSuccess;
    bool added = false;

    for (unsigned tries = 0; !added && (node || spare->count > 0); tries++) {
        if (tries > 2 * BT_DEPTH_MAX)
            FAIL(st->corrupted);
        CALL(add_once(m, st, node ? *node : *spare, spare, &added));
    }
cleanup:
    return err;
}

/* The leaf and line of a node that a cursor has seen. */
static JET_ERR latch_node(struct mtr *m, const struct space_tree *st, pgno_t last, struct bt_path *path,
                          struct page **leaf, unsigned *line) {
    JET_ERR err = JET_errSuccess;
    struct extent_key key = key_of(last);
    bool exact;

    CALL(bt_walk(m, &st->id, BT_KEY, slice(key.b, 4), path));
    CALL(bt_latch(m, &st->id, bt_path_leaf(path), leaf));
    *line = page_find(*leaf, slice(key.b, 4), &exact);
    if (!page_is_leaf(*leaf) || !exact)
        FAIL(st->corrupted);
cleanup:
    return err;
}

JET_ERR space_tree_set_count(struct mtr *m, const struct space_tree *st, pgno_t last, uint32_t count) {
    JET_ERR err = JET_errSuccess;
    struct bt_path path;
    struct page *leaf;
    unsigned line;
    uint8_t data[4];

    store32(data, count);
    CALL(latch_node(m, st, last, &path, &leaf, &line));
    CALL(mtr_replace(m, leaf, line, slice(data, 4)));
cleanup:
    return err;
}

JET_ERR space_tree_remove(struct mtr *m, const struct space_tree *st, pgno_t last, struct bt_freed *freed) {
    JET_ERR err = JET_errSuccess;
    struct bt_path path, crowded = {.depth = 0};
    struct bt_freed mine = {.count = 0};
    struct page *leaf;
    unsigned line;

    CALL(latch_node(m, st, last, &path, &leaf, &line));
    if (page_lines(leaf) > 1 || path.depth == 1) {
        CALL(mtr_delete(m, leaf, line, 1));
        goto cleanup;
    }
    err = bt_unlink(m, &st->id, &path, &mine, &crowded);
    if (err == JET_errRecordTooBig) /* only in a foreign tree of three levels, with prefixes in its internal pages */
        FAIL(JET_errFeatureNotAvailable);
    CALL(err);
    for (unsigned i = 0; i < mine.count; i++) {
        if (freed->count == BT_DEPTH_MAX)
            FAIL(JET_errInternalError);
        CALL(space_empty_page(m, &st->id, mine.pgno[i]));
        freed->pgno[freed->count++] = mine.pgno[i];
    }
cleanup:
    return err;
}
