/* The structure check of one tree: what a reader of the tree relies on, page by page, and nothing about what the nodes
 * mean. The tree is walked from its root with copies of the pages; every page is looked at once (a map of seen pages
 * stops rings), keys are compared with the bounds that the separators above give them, and the leaves' links with the
 * order in which the walk met them. OE and AE are walked in the same way; their extents must be sane, apart, and each
 * available one inside one owned one. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/space_priv.h"

#define TEXT_BYTES 160

struct check {
    /* of the caller */
    struct tree *tree;
    bt_report_fn report;
    bt_visit_fn visit;
    void *context;
    /* of the walk */
    struct bt_id id;
    bool unique;
    uint8_t *seen;                 /* a bit per page of the database */
    uint8_t *copies[BT_DEPTH_MAX]; /* page per level */
    bool broken;                   /* a page could not be read: the leaf chain is not judged */
    unsigned leaf_depth;           /* of the first leaf; 0: none yet */
    pgno_t last_leaf, last_next;
};

/* A key bound; none: the end of the key space. */
struct bound {
    bool some;
    struct slice key;
};

__attribute__((format(printf, 3, 4))) static void finding(struct check *c, pgno_t pgno, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->report(c->context, pgno, text);
}

static bool mark_seen(struct check *c, pgno_t pgno) {
    uint8_t bit = (uint8_t)(1u << pgno % 8);
    bool fresh = !(c->seen[pgno / 8] & bit);
    c->seen[pgno / 8] |= bit;
    return fresh;
}

/* ---- one page ---- */

/* What nodes are compared by: the key, in trees with equal keys followed by the data. */
static struct slice compared(const struct check *c, const struct node *n, uint8_t *buffer) {
    size_t bytes = node_key(n, buffer);
    if (!c->unique) {
        memcpy(buffer + bytes, n->data.p, n->data.n);
        bytes += n->data.n;
    }
    return slice(buffer, bytes);
}

static void check_identity(struct check *c, pgno_t pgno, const struct page *p, unsigned depth) {
    uint32_t flags = page_flags(p);
    if (page_objid(p) != c->id.objid)
        finding(c, pgno, "objid is %u, should be %u", page_objid(p), c->id.objid);
    if ((flags & PAGE_TYPE_MASK) != c->id.type)
        finding(c, pgno, "type flags are %#x, should be %#x", flags & PAGE_TYPE_MASK, c->id.type);
    if (page_is_root(p) != (depth == 0))
        finding(c, pgno, "root flag is %s", depth == 0 ? "missing" : "set on an inner page");
    if (flags & PAGE_EMPTY)
        finding(c, pgno, "a page in use is marked as emptied");
}

static void check_links(struct check *c, pgno_t pgno, const struct page *p) {
    if (page_prev(p) != c->last_leaf || (c->last_leaf && c->last_next != pgno))
        finding(c, pgno, "leaf links are wrong: previous is %u, should be %u, whose next is %u", page_prev(p),
                c->last_leaf, c->last_next);
    c->last_leaf = pgno;
    c->last_next = page_next(p);
}

/* low <= first, last < high, strictly rising between. */
static void check_leaf(struct check *c, pgno_t pgno, const struct page *p, unsigned depth, struct bound low,
                       struct bound high) {
    uint8_t buffers[2][KEY_BUFFER + PAGE_SIZE_MAX];
    struct slice before = {NULL, 0};
    unsigned lines = page_lines(p);

    if (!c->broken)
        check_links(c, pgno, p);
    if (c->leaf_depth == 0)
        c->leaf_depth = depth + 1;
    else if (c->leaf_depth != depth + 1)
        finding(c, pgno, "leaf at level %u, others at %u", depth + 1, c->leaf_depth);
    if (lines == 0 && depth > 0)
        finding(c, pgno, "a leaf below the root has no nodes");
    for (unsigned i = 0; i < lines; i++) {
        struct node n;
        page_node(p, i, &n);
        struct slice key = compared(c, &n, buffers[i % 2]);
        if (i > 0 && slice_compare(before, key) >= 0)
            finding(c, pgno, "line %u is not above the line before it", i);
        if (i == 0 && low.some && slice_compare(key, low.key) < 0)
            finding(c, pgno, "first key is below the separator before it");
        if (i + 1 == lines && high.some && slice_compare(key, high.key) >= 0)
            finding(c, pgno, "last key is not below its separator");
        before = key;
    }
}

static JET_ERR check_below(struct check *c, pgno_t pgno, unsigned depth, struct bound low, struct bound high,
                           int *height);

static void check_last_separator(struct check *c, pgno_t pgno, struct slice key, struct bound high) {
    if (high.some ? slice_compare(key, high.key) != 0 : key.n != 0)
        finding(c, pgno, "the last separator is not that of the parent");
}

static JET_ERR check_internal(struct check *c, pgno_t pgno, const struct page *p, unsigned depth, struct bound low,
                              struct bound high, int *height) {
    JET_ERR err = JET_errSuccess;
    unsigned lines = page_lines(p);
    uint8_t buffers[2][KEY_BUFFER];
    struct bound before = low;

    if (page_prev(p) || page_next(p))
        finding(c, pgno, "an internal page has siblings");
    for (unsigned i = 0; i < lines; i++) {
        struct node n;
        int child_height = -1;
        page_node(p, i, &n);
        struct slice key = slice(buffers[i % 2], node_key(&n, buffers[i % 2]));
        struct bound bound = {true, key};
        if (i + 1 == lines) {
            check_last_separator(c, pgno, key, high);
            bound = high;
        } else if (key.n == 0 || (before.some && slice_compare(before.key, key) >= 0) ||
                   (high.some && slice_compare(key, high.key) >= 0)) {
            finding(c, pgno, "separator %u is out of order", i);
        }
        CALL(check_below(c, node_child(&n), depth + 1, before, bound, &child_height));
        if (child_height >= 0 && *height >= 0 && *height != child_height + 1)
            finding(c, pgno, "children of different heights");
        if (child_height >= 0)
            *height = child_height + 1;
        before = bound;
    }
    if (*height >= 0 && (*height == 1) != !!(page_flags(p) & PAGE_PARENT_OF_LEAF))
        finding(c, pgno, "the parent-of-leaf flag is wrong");
cleanup:
    return err;
}

/* ---- the walk ---- */

/* A copy, so that no latch is held on the way down. */
static JET_ERR copy_page(struct check *c, pgno_t pgno, unsigned depth, struct page *out, bool *readable) {
    JET_ERR err = JET_errSuccess;
    struct page_ref ref = {.state = NULL};
    uint32_t bytes = c->id.db->page_size;

    if (!c->copies[depth] && !(c->copies[depth] = malloc(bytes)))
        FAIL(JET_errOutOfMemory);
    err = cache_latch(c->id.db->pages, pgno, LATCH_SHARED, &ref);
    if (err == JET_errOutOfMemory || err == JET_errOutOfBuffers)
        goto cleanup;
    *readable = err >= JET_errSuccess;
    if (*readable)
        memcpy(c->copies[depth], ref.page.b, bytes);
    else
        finding(c, pgno, "cannot be read: %s", err_name(err));
    cache_unlatch(&ref);
    *out = (struct page){c->copies[depth], bytes};
    err = JET_errSuccess;
cleanup:
    return err;
}

/* height: of the page above the leaves; stays -1 when it cannot be known. */
static JET_ERR check_below(struct check *c, pgno_t pgno, unsigned depth, struct bound low, struct bound high,
                           int *height) {
    JET_ERR err = JET_errSuccess;
    struct page page;
    bool readable = false;

    if (pgno < 1 || pgno > atomic_load(&c->id.db->page_count))
        finding(c, pgno, "a link leads outside of the database");
    else if (depth >= BT_DEPTH_MAX)
        finding(c, pgno, "more than %u levels", BT_DEPTH_MAX);
    else if (!mark_seen(c, pgno))
        finding(c, pgno, "reached twice in one tree");
    else
        CALL(copy_page(c, pgno, depth, &page, &readable));
    if (!readable) {
        c->broken = true;
        goto cleanup;
    }
    if (c->visit)
        c->visit(c->context, pgno);
    check_identity(c, pgno, &page, depth);
    if (page_is_leaf(&page)) {
        *height = 0;
        check_leaf(c, pgno, &page, depth, low, high);
    } else if (page_lines(&page) == 0) {
        finding(c, pgno, "an internal page has no nodes");
        c->broken = true;
    } else {
        CALL(check_internal(c, pgno, &page, depth, low, high, height));
    }
cleanup:
    return err;
}

static JET_ERR check_walk(struct check *c, const struct bt_id *id) {
    JET_ERR err = JET_errSuccess;
    struct bound none = {.some = false};
    int height = -1;

    c->id = *id;
    c->unique = !(id->type & PAGE_NON_UNIQUE) || (id->type & PAGE_SPACE);
    c->broken = false;
    c->leaf_depth = 0;
    c->last_leaf = c->last_next = 0;
    CALL(check_below(c, id->root, 0, none, none, &height));
    if (!c->broken && c->last_next != 0)
        finding(c, c->last_leaf, "the last leaf has a next one: %u", c->last_next);
cleanup:
    return err;
}

/* ---- space ---- */

struct extent_check {
    struct check *c;
    struct extent *owned;
    size_t count, size;
    pgno_t end; /* of the extent before, of the same kind */
    bool available, out_of_memory;
};

static bool inside_one_owned(const struct extent_check *e, pgno_t first, uint32_t count) {
    size_t low = 0, high = e->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (extent_last(e->owned[middle]) < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < e->count && e->owned[low].first <= first && first + count - 1 <= extent_last(e->owned[low]);
}

static void check_extent(void *context, pgno_t first, uint32_t count, bool available) {
    struct extent_check *e = context;
    const char *kind = available ? "available" : "owned";

    if (available != e->available)
        e->end = 0;
    e->available = available;
    if (first <= e->end)
        finding(e->c, first, "%s extent of %u pages overlaps the one before it", kind, count);
    e->end = first + count - 1;
    if (available && !inside_one_owned(e, first, count))
        finding(e->c, first, "available extent of %u pages is not inside one owned extent", count);
    if (available)
        return;
    if (e->count == e->size) {
        size_t size = e->size ? 2 * e->size : 64;
        struct extent *owned = realloc(e->owned, size * sizeof *owned);
        if (!owned) {
            e->out_of_memory = true;
            return;
        }
        e->owned = owned;
        e->size = size;
    }
    e->owned[e->count++] = (struct extent){first, count};
}

static JET_ERR check_space(struct check *c) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree = c->tree;
    struct bt_id id = bt_id_of(tree);
    struct extent_check e = {.c = c};
    struct space_header header;
    struct bt_peek peek = {0};

    err = bt_peek(NULL, &id, id.root, &peek);
    if (err >= JET_errSuccess)
        err = space_header_load(tree, &peek.page, false, &header);
    bt_unpeek(&peek);
    if (err < JET_errSuccess) {
        finding(c, id.root, "the space header cannot be used: %s", err_name(err));
        err = JET_errSuccess;
        goto cleanup;
    }
    if (!!(header.flags & SPACE_NON_UNIQUE) != !!(tree->type & PAGE_NON_UNIQUE))
        finding(c, id.root, "the space header's flags are %#x", header.flags);
    if (header.flags & SPACE_MULTIPLE) {
        struct space_tree owned = space_tree_of(&id, header.pointer, false);
        struct space_tree available = space_tree_of(&id, header.pointer + 1, true);
        CALL(check_walk(c, &owned.id));
        CALL(check_walk(c, &available.id));
    }
    err = space_extents(tree, check_extent, NULL, &e);
    if (err < JET_errSuccess && err != JET_errOutOfMemory && err != JET_errOutOfBuffers) {
        finding(c, id.root, "the extents cannot be read: %s", err_name(err));
        err = JET_errSuccess;
    }
    CALL(err);
    if (e.out_of_memory)
        FAIL(JET_errOutOfMemory);
cleanup:
    free(e.owned);
    return err;
}

JET_ERR bt_check(struct tree *tree, bt_report_fn report, bt_visit_fn visit, void *context) {
    JET_ERR err = JET_errSuccess;
    struct check c = {.tree = tree, .report = report, .visit = visit, .context = context};
    struct bt_id id = bt_id_of(tree);

    c.seen = calloc(1, (size_t)atomic_load(&tree->db->page_count) / 8 + 1);
    if (!c.seen)
        FAIL(JET_errOutOfMemory);
    CALL(check_walk(&c, &id));
    CALL(check_space(&c));
cleanup:
    free(c.seen);
    for (unsigned i = 0; i < BT_DEPTH_MAX; i++)
        free(c.copies[i]);
    return err;
}
