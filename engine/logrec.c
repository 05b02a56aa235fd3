/* Decoding and applying of the engine's log records. The encoder of LOGREC_CHANGE is mtr_commit(). */
#include "engine/logrec.h"

#include <assert.h>

/* Takes fields off the front of a slice; once something is missing it stays failed and gives zeros. */
struct taker {
    struct slice rest;
    bool failed;
};

static const uint8_t *take(struct taker *t, size_t n) {
    static const uint8_t zeros[8];
    if (t->failed || n > t->rest.n) {
        t->failed = true;
        return zeros; /* only the fixed-size takers below look at it */
    }
    const uint8_t *p = t->rest.p;
    t->rest = slice(p + n, t->rest.n - n);
    return p;
}

static uint8_t take8(struct taker *t) {
    return *take(t, 1);
}
static uint16_t take16(struct taker *t) {
    return load16(take(t, 2));
}
static uint32_t take32(struct taker *t) {
    return load32(take(t, 4));
}
static uint64_t take64(struct taker *t) {
    return load64(take(t, 8));
}
static struct slice take_slice(struct taker *t, size_t n) {
    const uint8_t *p = take(t, n);
    return t->failed ? slice(NULL, 0) : slice(p, n);
}

/* ---- undo ---- */

size_t undo_encoded_bytes(const struct undo *u) {
    return UNDO_HEAD_BYTES + u->key.n + u->before.n;
}

void undo_encode_head(const struct undo *u, uint8_t out[UNDO_HEAD_BYTES]) {
    out[0] = u->op;
    out[1] = u->had_before;
    out[2] = u->dbid;
    out[3] = 0;
    store32(out + 4, u->fdp);
    store32(out + 8, u->parent_fdp);
    store32(out + 12, u->objid);
    store32(out + 16, (uint32_t)u->key.n);
    store32(out + 20, (uint32_t)u->before.n);
}

void undo_encode(const struct undo *u, uint8_t *out) {
    undo_encode_head(u, out);
    if (u->key.n)
        memcpy(out + UNDO_HEAD_BYTES, u->key.p, u->key.n);
    if (u->before.n)
        memcpy(out + UNDO_HEAD_BYTES + u->key.n, u->before.p, u->before.n);
}

JET_ERR undo_decode(struct slice in, struct undo *out) {
    JET_ERR err = JET_errSuccess;
    struct taker t = {in, false};
    struct undo u = {.op = take8(&t)};
    uint8_t had_before = take8(&t);
    u.dbid = take8(&t);
    uint8_t zero = take8(&t);
    u.fdp = take32(&t);
    u.parent_fdp = take32(&t);
    u.objid = take32(&t);
    uint32_t key_bytes = take32(&t), before_bytes = take32(&t);
    u.had_before = had_before;
    u.key = take_slice(&t, key_bytes);
    u.before = take_slice(&t, before_bytes);
    if (t.failed || t.rest.n || zero || had_before > 1 || u.op < UNDO_INSERT || u.op > UNDO_TREE_FREED)
        FAIL(JET_errLogFileCorrupt);
    if (key_bytes > KEY_BUFFER || before_bytes > PAGE_SIZE_MAX)
        FAIL(JET_errLogFileCorrupt);
    *out = u;
cleanup:
    return err;
}

/* ---- change ---- */

JET_ERR change_decode(struct slice payload, struct change *out) {
    JET_ERR err = JET_errSuccess;
    struct taker t = {payload, false};
    struct change c = {.dbid = take8(&t)};
    uint8_t flags = take8(&t);
    c.page_count = take16(&t);
    uint32_t zero = take32(&t);
    c.dbtime = take64(&t);
    c.trx = take64(&t);
    if (t.failed || zero || (flags & ~(CHANGE_HAS_UNDO | CHANGE_COMPENSATES | CHANGE_HAS_TRX)))
        FAIL(JET_errLogFileCorrupt);
    if (!(flags & CHANGE_HAS_TRX) != (c.trx == 0) || ((flags & CHANGE_COMPENSATES) && c.trx == 0))
        FAIL(JET_errLogFileCorrupt);
    c.compensates = flags & CHANGE_COMPENSATES;
    c.has_undo = flags & CHANGE_HAS_UNDO;
    if (c.has_undo) {
        uint32_t bytes = take32(&t);
        struct slice undo = take_slice(&t, bytes >= 4 ? bytes - 4 : 0);
        CALL(undo_decode(undo, &c.undo));
    }
    c.pages = t.rest;
    struct slice rest = c.pages;
    for (unsigned i = 0; i < c.page_count; i++) {
        struct change_page page;
        CALL(change_next_page(&rest, &page));
    }
    if (rest.n)
        FAIL(JET_errLogFileCorrupt);
    *out = c;
cleanup:
    return err;
}

JET_ERR change_next_page(struct slice *pages, struct change_page *out) {
    JET_ERR err = JET_errSuccess;
    struct taker t = {*pages, false};
    struct change_page page = {.pgno = take32(&t)};
    uint32_t bytes = take32(&t);
    page.before = take64(&t);
    page.ops = take_slice(&t, bytes);
    if (t.failed || bytes == 0 || page.pgno == 0)
        FAIL(JET_errLogFileCorrupt);
    page.has_image = page.ops.p[0] == OP_IMAGE;
    *pages = t.rest;
    *out = page;
cleanup:
    return err;
}

/* ---- applying; each returns false if the operation cannot be one that we logged ---- */

static bool apply_image(struct page *p, pgno_t pgno, struct taker *t) {
    struct slice image = take_slice(t, take32(t));
    if (t->failed || t->rest.n || page_image_unpack(p, image) < JET_errSuccess)
        return false;
    return p->size <= 8192 || load32(p->b + 64) == pgno;
}

static bool node_flags_valid(const struct page *p, unsigned flags) {
    return page_is_leaf(p) ? !(flags & ~(unsigned)(NODE_VERSION | NODE_DELETED)) : flags == 0;
}

static bool data_valid(const struct page *p, struct slice data) {
    return page_is_leaf(p) ? data.n > 0 : data.n == 4;
}

static bool apply_insert(struct page *p, struct taker *t) {
    unsigned line = take16(t), flags = take8(t);
    size_t key_bytes = take16(t), data_bytes = take16(t);
    struct slice key = take_slice(t, key_bytes), data = take_slice(t, data_bytes);
    if (t->failed || line > page_lines(p) || key.n > KEY_BUFFER || !node_flags_valid(p, flags) || !data_valid(p, data))
        return false;
    return page_insert(p, line, flags, key, data);
}

static bool apply_replace(struct page *p, struct taker *t) {
    unsigned line = take16(t);
    struct slice data = take_slice(t, take16(t));
    return !t->failed && line < page_lines(p) && data_valid(p, data) && page_replace(p, line, data);
}

static bool apply_flags(struct page *p, struct taker *t) {
    unsigned line = take16(t), flags = take8(t);
    if (t->failed || line >= page_lines(p) || !page_is_leaf(p) || !node_flags_valid(p, flags))
        return false;
    page_set_node_flags(p, line, flags);
    return true;
}

static bool apply_delete(struct page *p, struct taker *t) {
    unsigned line = take16(t), count = take16(t);
    if (t->failed || count == 0 || line + count > page_lines(p))
        return false;
    page_delete(p, line, count);
    return true;
}

static bool apply_header(struct page *p, struct taker *t) {
    struct slice header = take_slice(t, take16(t));
    if (t->failed)
        return false;
    for (unsigned line = 0; line < page_lines(p); line++) {
        struct node n;
        page_node(p, line, &n);
        if (n.prefix.n > header.n)
            return false;
    }
    return page_set_external_header(p, header);
}

static bool apply_links(struct page *p, struct taker *t) {
    pgno_t prev = take32(t), next = take32(t);
    if (t->failed)
        return false;
    page_set_prev(p, prev);
    page_set_next(p, next);
    return true;
}

static bool apply_page_flags(struct page *p, struct taker *t) {
    uint32_t flags = take32(t);
    if (!t->failed)
        page_set_flags(p, flags);
    return !t->failed;
}

static bool apply_op(struct page *p, uint8_t op, struct taker *t) {
    switch ((enum page_op)op) {
    case OP_IMAGE:
        return false; /* only ever alone */
    case OP_INSERT:
        return apply_insert(p, t);
    case OP_REPLACE:
        return apply_replace(p, t);
    case OP_FLAGS:
        return apply_flags(p, t);
    case OP_DELETE:
        return apply_delete(p, t);
    case OP_HEADER:
        return apply_header(p, t);
    case OP_LINKS:
        return apply_links(p, t);
    case OP_PAGEFLAGS:
        return apply_page_flags(p, t);
    }
    return false;
}

JET_ERR change_apply(struct page *p, pgno_t pgno, const struct change_page *part, dbtime_t dbtime) {
    JET_ERR err = JET_errSuccess;
    struct taker t = {part->ops, false};
    bool whole_page = false; /* an operation that says something about all nodes */
    if (part->has_image) {
        take8(&t);
        if (!apply_image(p, pgno, &t))
            FAIL(JET_errLogFileCorrupt);
    } else if ((load16(p->b + 34) & 0xfff) == 0) {
        FAIL(JET_errLogFileCorrupt); /* nothing to apply operations to */
    }
    while (t.rest.n) {
        uint8_t op = take8(&t);
        if (!apply_op(p, op, &t))
            FAIL(JET_errLogFileCorrupt);
        whole_page = whole_page || op == OP_HEADER || op == OP_PAGEFLAGS;
    }
    page_set_dbtime(p, dbtime);
    if ((whole_page || page_lines(p) == 0) && page_check(p, NULL) < JET_errSuccess)
        FAIL(JET_errLogFileCorrupt);
    assert(page_check(p, NULL) >= JET_errSuccess);
cleanup:
    return err;
}
