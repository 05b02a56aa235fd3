/* Space of trees: giving pages, taking them back, growing. See space.h for the ideas, space_tree.c for OE and AE.
 *
 * How much a tree asks its parent for: 4 pages while it owns fewer than 16, then 16, from 128 on an eighth of what it
 * owns, at most 1024; two more when it gets its OE and AE. The parent gives that much in one piece from the lowest
 * extent that is large enough, else its largest one, if it is large enough for the need at hand; else the parent grows
 * first. The root grows by JET_paramDbExtensionSize.
 *
 * Locks: a tree's space mutex, then its root page and the pages of OE and AE; then its parent's. Whoever changes the
 * structure of a tree locks its space before it latches any of its pages, so a child that waits for a page of its
 * parent, with the parent's space locked, waits only for somebody who needs nothing more.
 *
 * db->page_count is raised while the mini-transaction that grows the root is still open: nobody may see a page before
 * page_count covers it. If that mini-transaction fails, page_count stays too high, which is harmless: it bounds what a
 * link may say, the file has the room, and the next growth starts from the end of OE. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/inst.h"
#include "engine/space_priv.h"

#define BITMAP_PAGES 32u
#define SMALL_GROWTH 4u
#define SMALL_TREE 16u
#define GROWTH 16u
#define GROWTH_MAX 1024u
#define PAGES_MAX 0x7ffffffeu

/* One tree's space, opened in a mini-transaction. */
struct space {
    struct mtr *m;
    struct tree *tree;
    struct bt_id id;
    struct page *root;
    struct space_header header;
    struct space_tree owned, available; /* multiple extents only */
    struct bt_freed freed;              /* pages of OE and AE that are to go to AE */
};

/* ---- header ---- */

JET_ERR space_header_load(const struct tree *tree, const struct page *root, bool plain, struct space_header *out) {
    JET_ERR err = JET_errSuccess;
    struct slice raw = page_external_header(root);
    uint32_t limit = atomic_load(&tree->db->page_count);

    if (raw.n != 16 && plain)
        FAIL(JET_errFeatureNotAvailable);
    if (raw.n != 16) { /* one byte says which fields follow: bit 0 the space header, bit 1 an auto-increment */
        if (raw.n < 17 || !(raw.p[0] & 1))
            FAIL(JET_errDatabaseCorrupted);
        raw = slice(raw.p + 1, 16);
    }
    *out = (struct space_header){load32(raw.p), load32(raw.p + 4), load32(raw.p + 8), load32(raw.p + 12)};
    bool good = !(out->flags & ~(uint32_t)(SPACE_MULTIPLE | SPACE_NON_UNIQUE | SPACE_V2)) &&
                out->parent == (tree->parent ? tree->parent->fdp : 0);
    if (out->flags & SPACE_MULTIPLE)
        good = good && out->pointer > 1 && out->pointer < PAGES_MAX && (limit == 0 || out->pointer < limit);
    else
        good = good && tree->parent && out->primary >= 1 && out->primary <= PAGES_MAX &&
               (limit == 0 || out->primary <= limit) && (limit == 0 || tree->fdp <= limit - out->primary + 1) &&
               (out->primary > BITMAP_PAGES || !(out->pointer >> (out->primary - 1)));
    if (!good)
        FAIL(JET_errDatabaseCorrupted);
cleanup:
    return err;
}

static struct slice header_bytes(const struct space_header *h, uint8_t out[16]) {
    store32(out, h->primary);
    store32(out + 4, h->parent);
    store32(out + 8, h->flags);
    store32(out + 12, h->pointer);
    return slice(out, 16);
}

static JET_ERR header_store(struct space *s) {
    uint8_t bytes[16];
    return mtr_set_external_header(s->m, s->root, header_bytes(&s->header, bytes));
}

static bool is_multiple(const struct space *s) {
    return s->header.flags & SPACE_MULTIPLE;
}

static void set_space_trees(struct space *s) {
    s->owned = space_tree_of(&s->id, s->header.pointer, false);
    s->available = space_tree_of(&s->id, s->header.pointer + 1, true);
}

static JET_ERR space_open(struct space *s, struct mtr *m, struct tree *tree) {
    JET_ERR err = JET_errSuccess;

    *s = (struct space){.m = m, .tree = tree, .id = bt_id_of(tree)};
    mtr_lock_space(m, tree);
    CALL(bt_latch(m, &s->id, tree->fdp, &s->root));
    CALL(space_header_load(tree, s->root, true, &s->header));
    if (is_multiple(s)) {
        set_space_trees(s);
        CALL(space_tree_plain(m, &s->available));
    }
cleanup:
    return err;
}

/* ---- available extents ---- */

/* The owned extent that holds all of e. */
static JET_ERR owner_of(struct space *s, struct extent e, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    CALL(space_tree_seek(s->m, &s->owned, e.first, out));
    if (out->count == 0 || e.first < out->first || extent_last(e) > extent_last(*out))
        FAIL(s->available.corrupted);
cleanup:
    return err;
}

/* Adds e, merged with its free neighbours inside the same owned extent. */
static JET_ERR add_merged(struct space *s, struct extent e) {
    JET_ERR err = JET_errSuccess;
    struct extent owner, before = {0, 0}, after;

    CALL(owner_of(s, e, &owner));
    CALL(space_tree_seek(s->m, &s->available, e.first, &after));
    if (after.count > 0 && after.first <= extent_last(e))
        FAIL(s->available.corrupted); /* free already */
    if (e.first > owner.first)
        CALL(space_tree_seek(s->m, &s->available, e.first - 1, &before));
    if (before.count > 0 && extent_last(before) == e.first - 1) {
        CALL(space_tree_remove(s->m, &s->available, extent_last(before), &s->freed));
        e = (struct extent){before.first, before.count + e.count};
    }
    if (after.count > 0 && after.first == extent_last(e) + 1 && after.first <= extent_last(owner))
        CALL(space_tree_set_count(s->m, &s->available, extent_last(after), after.count + e.count));
    else
        CALL(space_tree_add(s->m, &s->available, NULL, &e));
cleanup:
    return err;
}

static JET_ERR add_freed(struct space *s) {
    JET_ERR err = JET_errSuccess;
    while (s->freed.count > 0)
        CALL(add_merged(s, (struct extent){s->freed.pgno[--s->freed.count], 1}));
cleanup:
    return err;
}

static JET_ERR add_available(struct space *s, struct extent e) {
    JET_ERR err = JET_errSuccess;
    CALL(add_merged(s, e));
    CALL(add_freed(s));
cleanup:
    return err;
}

/* The lowest extent of at least `want` pages, else the largest, if that has at least `min`. */
static JET_ERR choose_available(struct space *s, uint32_t want, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = false};
    bool found;

    *out = (struct extent){0, 0};
    for (err = space_cursor_open(s->m, &s->available, 0, &c, &found); err >= JET_errSuccess && found;
         err = space_cursor_next(s->m, &s->available, &c, &found)) {
        if (c.extent.count >= min && c.extent.count > out->count)
            *out = c.extent;
        if (c.extent.count >= want)
            break;
    }
    space_cursor_close(&c);
    return err;
}

/* Takes up to `want` pages in one piece. out->count 0: there are no `min`. */
static JET_ERR take_available(struct space *s, uint32_t want, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct extent e, owner;

    CALL(choose_available(s, want, min, &e));
    *out = e;
    if (e.count == 0)
        goto cleanup;
    CALL(owner_of(s, e, &owner));
    if (e.count > want) {
        out->count = want;
        CALL(space_tree_set_count(s->m, &s->available, extent_last(e), e.count - want));
    } else {
        CALL(space_tree_remove(s->m, &s->available, extent_last(e), &s->freed));
        CALL(add_freed(s));
    }
cleanup:
    return err;
}

/* The same from a single extent's bitmap. */
static JET_ERR take_bits(struct space *s, uint32_t want, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    uint32_t bits = s->header.pointer;

    *out = (struct extent){0, 0};
    for (uint32_t k = 0; k < BITMAP_PAGES; k++) {
        uint32_t run = 0;
        while (k + run < BITMAP_PAGES && (bits >> (k + run) & 1))
            run++;
        if (run >= min && run > out->count)
            *out = (struct extent){s->id.root + 1 + k, run};
        if (run >= want)
            break;
        k += run;
    }
    out->count = out->count < want ? out->count : want;
    if (out->count > 0) {
        for (uint32_t i = 0; i < out->count; i++)
            s->header.pointer &= ~(1u << (out->first + i - s->id.root - 1));
        CALL(header_store(s));
    }
cleanup:
    return err;
}

/* ---- growth ---- */

static JET_ERR count_owned(struct space *s, uint32_t *pages) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = false};
    uint64_t sum = 0;
    bool found;

    for (err = space_cursor_open(s->m, &s->owned, 0, &c, &found); err >= JET_errSuccess && found;
         err = space_cursor_next(s->m, &s->owned, &c, &found))
        sum += c.extent.count;
    space_cursor_close(&c);
    *pages = sum < PAGES_MAX ? (uint32_t)sum : PAGES_MAX;
    return err;
}

static uint32_t growth_of(uint32_t owned) {
    if (owned < SMALL_TREE)
        return SMALL_GROWTH;
    uint32_t share = owned / 8;
    return share < GROWTH ? GROWTH : share > GROWTH_MAX ? GROWTH_MAX : share;
}

static JET_ERR take(struct space *s, uint32_t want, uint32_t min, struct extent *out);

/* From the parent, which may have to grow for it. */
static JET_ERR take_from_parent(struct space *s, uint32_t want, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct space parent;
    CALL(space_open(&parent, s->m, s->tree->parent));
    CALL(take(&parent, want, min, out));
cleanup:
    return err;
}

/* From the end of the file. */
static JET_ERR take_from_file(struct space *s, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = s->id.db;
    struct extent last;

    CALL(space_tree_last(s->m, &s->owned, &last));
    uint32_t end = extent_last(last), count = db->inst->config.extension_pages;
    count = count > min ? count : min;
    if (count > PAGES_MAX - end)
        FAIL(JET_errOutOfDatabaseSpace);
    CALL(db_grow_file(db, end + count));
    if (atomic_load(&db->page_count) < end + count)
        atomic_store(&db->page_count, end + count);
    *out = (struct extent){end + 1, count};
cleanup:
    return err;
}

/* Another owned extent, of which at least `min` pages become available in one piece. */
static JET_ERR extend(struct space *s, uint32_t want, uint32_t min) {
    JET_ERR err = JET_errSuccess;
    uint32_t owned_reserve, available_reserve, owned;
    struct extent e;

    CALL(space_tree_reserve(s->m, &s->owned, &owned_reserve));
    CALL(space_tree_reserve(s->m, &s->available, &available_reserve));
    min += owned_reserve + available_reserve;
    if (s->tree->parent) {
        CALL(count_owned(s, &owned));
        want = want > growth_of(owned) ? want : growth_of(owned);
        CALL(take_from_parent(s, want > min ? want : min, min, &e));
    } else {
        CALL(take_from_file(s, min, &e));
    }
    struct extent rest = e;
    CALL(space_tree_add(s->m, &s->owned, &e, &rest));
    CALL(add_available(s, rest));
cleanup:
    return err;
}

/* A single-extent tree gets OE and AE, in an extent that also has `min` pages more. */
static JET_ERR become_multiple(struct space *s, uint32_t want, uint32_t min) {
    JET_ERR err = JET_errSuccess;
    struct extent first = {s->id.root, s->header.primary}, e, none = {0, 0};
    uint32_t bits = s->header.pointer;

    want = want > growth_of(first.count) ? want : growth_of(first.count);
    CALL(take_from_parent(s, want + 2, min + 2, &e));
    s->header.flags |= SPACE_MULTIPLE;
    s->header.pointer = e.first;
    set_space_trees(s);
    CALL(header_store(s));
    CALL(space_tree_make(s->m, &s->owned));
    CALL(space_tree_make(s->m, &s->available));
    CALL(space_tree_add(s->m, &s->owned, &first, &none));
    CALL(space_tree_add(s->m, &s->owned, &e, &none));
    CALL(add_available(s, (struct extent){e.first + 2, e.count - 2}));
    for (uint32_t k = 0; k < BITMAP_PAGES; k++)
        if (bits >> k & 1)
            CALL(add_available(s, (struct extent){s->id.root + 1 + k, 1}));
cleanup:
    return err;
}

/* Gives away min..want free pages in one piece, whatever it takes. */
static JET_ERR take(struct space *s, uint32_t want, uint32_t min, struct extent *out) {
    JET_ERR err = JET_errSuccess;

    if (!is_multiple(s)) {
        CALL(take_bits(s, want, min, out));
        if (out->count > 0)
            goto cleanup;
        CALL(become_multiple(s, want, min));
    }
    CALL(take_available(s, want, min, out));
    if (out->count > 0)
        goto cleanup;
    CALL(extend(s, want, min));
    CALL(take_available(s, want, min, out));
    if (out->count == 0)
        FAIL(JET_errInternalError);
cleanup:
    return err;
}

/* ---- pages ---- */

JET_ERR space_alloc(struct mtr *m, struct tree *tree, uint32_t page_flags, struct page **out) {
    JET_ERR err = JET_errSuccess;
    struct space s;
    struct extent e;

    CALL(space_open(&s, m, tree));
    CALL(take(&s, 1, 1, &e));
    CALL(space_make_page(m, &s.id, e.first, page_flags, out));
cleanup:
    return err;
}

JET_ERR space_free(struct mtr *m, struct tree *tree, pgno_t pgno) {
    JET_ERR err = JET_errSuccess;
    struct space s;

    CALL(space_open(&s, m, tree));
    CALL(space_empty_page(m, &s.id, pgno));
    if (is_multiple(&s)) {
        CALL(add_available(&s, (struct extent){pgno, 1}));
    } else {
        if (pgno <= tree->fdp || pgno - tree->fdp >= s.header.primary || pgno - tree->fdp > BITMAP_PAGES)
            FAIL(JET_errDatabaseCorrupted);
        s.header.pointer |= 1u << (pgno - tree->fdp - 1);
        CALL(header_store(&s));
    }
cleanup:
    return err;
}

/* ---- trees ---- */

/* A new tree over extent e, whose first page is its root. */
static JET_ERR format_tree(struct mtr *m, const struct bt_id *id, pgno_t parent, struct extent e, bool multiple) {
    JET_ERR err = JET_errSuccess;
    struct page *root;
    uint8_t bytes[16];
    struct space_header header = {
        .primary = e.count, .parent = parent, .flags = id->type & PAGE_NON_UNIQUE ? SPACE_NON_UNIQUE : 0};
    struct extent none = {0, 0}, rest = {e.first + 3, e.count - 3};

    if (multiple) {
        header.flags |= SPACE_MULTIPLE;
        header.pointer = e.first + 1;
    } else {
        header.pointer = e.count > BITMAP_PAGES ? ~0u : (1u << (e.count - 1)) - 1;
    }
    CALL(space_make_page(m, id, e.first, PAGE_ROOT | PAGE_LEAF, &root));
    CALL(mtr_set_external_header(m, root, header_bytes(&header, bytes)));
    if (multiple) {
        struct space_tree owned = space_tree_of(id, e.first + 1, false),
                          available = space_tree_of(id, e.first + 2, true);
        CALL(space_tree_make(m, &owned));
        CALL(space_tree_make(m, &available));
        CALL(space_tree_add(m, &owned, &e, &none));
        if (rest.count > 0)
            CALL(space_tree_add(m, &available, NULL, &rest));
    }
cleanup:
    return err;
}

static JET_ERR create_tree(struct mtr *m, struct db *db, struct tree *parent, objid_t objid, uint32_t type,
                           uint32_t pages, bool multiple, pgno_t *fdp) {
    JET_ERR err = JET_errSuccess;
    struct space s;
    struct extent e;

    if (pages < 1 || pages > PAGES_MAX / 2)
        FAIL(JET_errOutOfDatabaseSpace);
    CALL(space_open(&s, m, parent ? parent : &db->root));
    CALL(take(&s, pages, pages, &e));
    struct bt_id id = {.db = db, .root = e.first, .objid = objid, .type = type & PAGE_TYPE_MASK};
    CALL(format_tree(m, &id, s.id.root, e, multiple));
    *fdp = e.first;
cleanup:
    return err;
}

JET_ERR space_create_tree(struct mtr *m, struct db *db, struct tree *parent, objid_t objid, uint32_t type,
                          uint32_t pages, pgno_t *fdp) {
    return create_tree(m, db, parent, objid, type, pages, pages > SPACE_SINGLE_MAX, fdp);
}

JET_ERR space_create_fixed_tree(struct mtr *m, struct db *db, struct tree *parent, pgno_t fdp, uint32_t pages,
                                objid_t objid, uint32_t type) {
    JET_ERR err = JET_errSuccess;
    pgno_t got;

    assert(pages >= 3);
    CALL(create_tree(m, db, parent, objid, type, pages, true, &got));
    if (got != fdp)
        FAIL(JET_errInternalError); /* not the lowest free pages: no new database */
cleanup:
    return err;
}

JET_ERR space_create_root(struct mtr *m, struct db *db, uint32_t page_count) {
    struct bt_id id = bt_id_of(&db->root);
    assert(page_count >= 3);
    mtr_lock_space(m, &db->root);
    atomic_store(&db->page_count, page_count);
    return format_tree(m, &id, 0, (struct extent){1, page_count}, true);
}

/* ---- freeing a tree ---- */

struct extent_list {
    struct extent *at;
    size_t count, size;
};

static JET_ERR extent_list_add(struct extent_list *list, struct extent e) {
    if (list->count == list->size) {
        size_t size = list->size ? 2 * list->size : 16;
        struct extent *at = realloc(list->at, size * sizeof *at);
        if (!at)
            return RAISE(JET_errOutOfMemory);
        list->at = at;
        list->size = size;
    }
    list->at[list->count++] = e;
    return JET_errSuccess;
}

static JET_ERR list_owned(struct tree *tree, const struct space_header *header, struct extent_list *list) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct space_tree owned = space_tree_of(&id, header->pointer, false);
    struct space_cursor c = {.pools = false};
    bool found;

    if (!(header->flags & SPACE_MULTIPLE))
        return extent_list_add(list, (struct extent){tree->fdp, header->primary});
    for (err = space_cursor_open(NULL, &owned, 0, &c, &found); err >= JET_errSuccess && found;
         err = space_cursor_next(NULL, &owned, &c, &found))
        CALL(extent_list_add(list, c.extent));
cleanup:
    space_cursor_close(&c);
    return err;
}

/* Gives an extent back to a tree that may still have only one. */
static JET_ERR give_back(struct space *s, struct extent e) {
    JET_ERR err = JET_errSuccess;

    if (is_multiple(s)) {
        CALL(add_available(s, e));
        goto cleanup;
    }
    for (pgno_t p = e.first; p <= extent_last(e); p++) {
        if (p <= s->id.root || p - s->id.root >= s->header.primary || p - s->id.root > BITMAP_PAGES)
            FAIL(JET_errDatabaseCorrupted);
        s->header.pointer |= 1u << (p - s->id.root - 1);
    }
    CALL(header_store(s));
cleanup:
    return err;
}

JET_ERR space_free_tree(struct mtr *m, struct tree *tree, struct tree *parent) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_peek peek = {0};
    struct space_header header;
    struct extent_list list = {0};
    struct space s;

    mtr_lock_space(m, tree);
    CALL(bt_peek(m, &id, tree->fdp, &peek));
    CALL(space_header_load(tree, &peek.page, true, &header));
    bt_unpeek(&peek);
    CALL(list_owned(tree, &header, &list));
    CALL(space_open(&s, m, parent));
    for (size_t i = 0; i < list.count; i++)
        CALL(give_back(&s, list.at[i]));
cleanup:
    bt_unpeek(&peek);
    free(list.at);
    return err;
}

/* ---- questions ---- */

JET_ERR space_owned_end(struct db *db, pgno_t *last) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(&db->root);
    struct bt_peek peek = {0};
    struct space_header header;
    struct extent e;

    os_mutex_lock(&db->root.space);
    CALL(bt_peek(NULL, &id, id.root, &peek));
    CALL(space_header_load(&db->root, &peek.page, false, &header));
    bt_unpeek(&peek);
    struct space_tree owned = space_tree_of(&id, header.pointer, false);
    if (!(header.flags & SPACE_MULTIPLE))
        FAIL(JET_errDatabaseCorrupted);
    CALL(space_tree_last(NULL, &owned, &e));
    *last = extent_last(e);
cleanup:
    bt_unpeek(&peek);
    os_mutex_unlock(&db->root.space);
    return err;
}

/* Pages of a space tree, without reading its leaves. budget: a tree cannot have more pages than there are. */
static JET_ERR visit_pages(const struct space_tree *st, pgno_t pgno, unsigned depth, uint32_t *budget,
                           bt_visit_fn visit, void *context) {
    JET_ERR err = JET_errSuccess;
    struct bt_peek peek = {0};
    pgno_t *children = NULL;
    unsigned count = 0;

    if (depth == BT_DEPTH_MAX || *budget == 0)
        FAIL(JET_errBadParentPageLink);
    --*budget;
    visit(context, pgno);
    CALL(bt_peek(NULL, &st->id, pgno, &peek));
    if (!page_is_leaf(&peek.page)) {
        count = page_lines(&peek.page);
        children = malloc(count * sizeof *children);
        if (!children)
            FAIL(JET_errOutOfMemory);
        for (unsigned i = 0; i < count; i++) {
            struct node node;
            page_node(&peek.page, i, &node);
            children[i] = node_child(&node);
        }
    }
    bt_unpeek(&peek);
    for (unsigned i = 0; i < count; i++)
        CALL(visit_pages(st, children[i], depth + 1, budget, visit, context));
cleanup:
    bt_unpeek(&peek);
    free(children);
    return err;
}

/* Pages that ESE keeps for splits of a space tree. */
static JET_ERR visit_split_buffers(const struct space_tree *st, bt_visit_fn visit, void *context) {
    JET_ERR err = JET_errSuccess;
    struct bt_peek peek = {0};
    struct extent buffers[2] = {{0, 0}, {0, 0}};
    uint32_t limit = atomic_load(&st->id.db->page_count);

    CALL(bt_peek(NULL, &st->id, st->id.root, &peek));
    struct slice raw = page_external_header(&peek.page);
    for (unsigned i = 0; i < 2 && raw.n == 16; i++) {
        pgno_t last = load32(raw.p + 8 * i);
        buffers[i] = (struct extent){last, load32(raw.p + 8 * i + 4)};
    }
    bt_unpeek(&peek);
    for (unsigned i = 0; i < 2; i++) {
        if (buffers[i].count > 0 && (buffers[i].count > buffers[i].first || buffers[i].first > limit))
            FAIL(st->corrupted);
        for (uint32_t k = 0; k < buffers[i].count; k++)
            visit(context, buffers[i].first - k);
    }
cleanup:
    bt_unpeek(&peek);
    return err;
}

static JET_ERR each_extent(const struct space_tree *st, bool available, space_extent_fn fn, bt_visit_fn space_page,
                           void *context) {
    JET_ERR err = JET_errSuccess;
    struct space_cursor c = {.pools = true};
    uint32_t budget = atomic_load(&st->id.db->page_count);
    bool found;

    for (err = space_cursor_open(NULL, st, 0, &c, &found); err >= JET_errSuccess && found;
         err = space_cursor_next(NULL, st, &c, &found))
        fn(context, c.extent.first, c.extent.count, available);
    space_cursor_close(&c);
    CALL(err);
    if (space_page) {
        CALL(visit_pages(st, st->id.root, 0, &budget, space_page, context));
        CALL(visit_split_buffers(st, space_page, context));
    }
cleanup:
    return err;
}

static void each_bit(const struct tree *tree, uint32_t bits, space_extent_fn fn, void *context) {
    for (uint32_t k = 0; k < BITMAP_PAGES; k++) {
        uint32_t run = 0;
        while (k + run < BITMAP_PAGES && (bits >> (k + run) & 1))
            run++;
        if (run > 0)
            fn(context, tree->fdp + 1 + k, run, true);
        k += run;
    }
}

JET_ERR space_extents(struct tree *tree, space_extent_fn fn, bt_visit_fn space_page, void *context) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_peek peek = {0};
    struct space_header header;

    os_mutex_lock(&tree->space);
    CALL(bt_peek(NULL, &id, id.root, &peek));
    CALL(space_header_load(tree, &peek.page, false, &header));
    bt_unpeek(&peek);
    if (header.flags & SPACE_MULTIPLE) {
        struct space_tree owned = space_tree_of(&id, header.pointer, false);
        struct space_tree available = space_tree_of(&id, header.pointer + 1, true);
        CALL(each_extent(&owned, false, fn, space_page, context));
        CALL(each_extent(&available, true, fn, space_page, context));
    } else {
        fn(context, tree->fdp, header.primary, false);
        each_bit(tree, header.pointer, fn, context);
    }
cleanup:
    bt_unpeek(&peek);
    os_mutex_unlock(&tree->space);
    return err;
}
