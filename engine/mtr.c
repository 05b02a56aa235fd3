/* Mini-transactions. See mtr.h.
 *
 * Order of a commit, with all changed pages exclusively latched:
 *   1 dbtime onto the pages          2 the log's tip becomes their first_dirty (and their transaction's lower bound)
 *   3 the record is appended         4 its end becomes their last change, and those with an image are marked so
 * 2 before 3 is P7: a checkpoint that reads the tip and then the pages sees either the bound or a tip before the
 * record. Nothing can fail after 3.
 *
 * A thread keeps the slots of its last mini-transactions, with their buffers, so the usual change allocates nothing. */
#include "engine/mtr.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"
#include "engine/db.h"
#include "engine/inst.h"
#include "engine/trx.h"

/* ---- slots kept by the thread ---- */

#define KEPT_SLOTS 8u
#define KEPT_OPS_BYTES (64u * 1024)

struct slot_pool {
    struct mtr_page *slots[KEPT_SLOTS];
    unsigned count;
};

static pthread_key_t pool_key;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;
static bool pool_usable;
static _Thread_local struct slot_pool *pool;

static void slot_free(struct mtr_page *slot) {
    free(slot->before);
    free(slot->ops);
    free(slot);
}

static void pool_free(void *arg) {
    struct slot_pool *p = arg;
    while (p->count)
        slot_free(p->slots[--p->count]);
    free(p);
    pool = NULL;
}

static void pool_init(void) {
    pool_usable = pthread_key_create(&pool_key, pool_free) == 0;
}

/* NULL when there is no memory for one; then slots are simply not kept. */
static struct slot_pool *pool_of_thread(void) {
    if (pool)
        return pool;
    pthread_once(&pool_once, pool_init);
    struct slot_pool *p = pool_usable ? calloc(1, sizeof *p) : NULL;
    if (p && pthread_setspecific(pool_key, p) != 0) {
        free(p);
        p = NULL;
    }
    pool = p;
    return p;
}

static struct mtr_page *slot_new(void) {
    struct slot_pool *p = pool_of_thread();
    return p && p->count ? p->slots[--p->count] : calloc(1, sizeof(struct mtr_page));
}

static void slot_give_back(struct mtr_page *slot) {
    struct slot_pool *p = pool_of_thread();
    if (!p || p->count == KEPT_SLOTS || slot->ops_size > KEPT_OPS_BYTES) {
        slot_free(slot);
        return;
    }
    *slot = (struct mtr_page){
        .ops = slot->ops, .ops_size = slot->ops_size, .before = slot->before, .before_size = slot->before_size};
    p->slots[p->count++] = slot;
}

/* ---- latching ---- */

void mtr_begin(struct mtr *m, struct db *db, struct trx *trx) {
    m->db = db;
    m->trx = trx;
    m->pages = m->inline_pages;
    m->page_count = 0;
    m->page_size_slots = MTR_PAGES_INLINE;
    m->undo = NULL;
    m->compensates = m->committed = false;
    m->space_locked_count = 0;
}

static struct mtr_page *slot_of(struct page *p) {
    return (struct mtr_page *)(void *)p;
}
pgno_t mtr_pgno(const struct page *p) {
    return ((const struct mtr_page *)(const void *)p)->ref.pgno;
}

static struct mtr_page *find_slot(const struct mtr *m, pgno_t pgno) {
    for (unsigned i = 0; i < m->page_count; i++) {
        if (m->pages[i]->ref.pgno == pgno)
            return m->pages[i];
    }
    return NULL;
}

/* A slot at the end of m->pages, not counted yet. */
static JET_ERR add_slot(struct mtr *m, struct mtr_page **out) {
    if (m->page_count == m->page_size_slots) {
        bool is_inline = m->pages == m->inline_pages;
        size_t bytes = m->page_size_slots * sizeof(struct mtr_page *);
        struct mtr_page **more = realloc(is_inline ? NULL : m->pages, 2 * bytes);
        if (!more)
            return RAISE(JET_errOutOfMemory);
        if (is_inline)
            memcpy(more, m->pages, bytes);
        m->pages = more;
        m->page_size_slots *= 2;
    }
    struct mtr_page *slot = slot_new();
    if (!slot)
        return RAISE(JET_errOutOfMemory);
    *out = m->pages[m->page_count] = slot;
    return JET_errSuccess;
}

JET_ERR mtr_latch(struct mtr *m, pgno_t pgno, struct page **out) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = find_slot(m, pgno);
    if (!slot) {
        CALL(add_slot(m, &slot));
        err = cache_latch(m->db->pages, pgno, LATCH_EXCLUSIVE, &slot->ref);
        if (err < JET_errSuccess) {
            slot_give_back(slot);
            goto cleanup;
        }
        m->page_count++;
    }
    *out = &slot->ref.page;
cleanup:
    return err;
}

/* ---- changing ---- */

static void keep(struct mtr_page *slot, uint32_t begin, uint32_t end) {
    memcpy(slot->before + begin, slot->ref.page.b + begin, end - begin);
}

/* The first change of a page is ahead: keeps what it will change. */
static JET_ERR touch_first(struct mtr *m, struct mtr_page *slot, uint32_t header_end, uint32_t data_begin,
                           uint32_t data_end, uint32_t tags_begin) {
    struct page *p = &slot->ref.page;
    if (m->db->read_only)
        return RAISE(JET_errDatabaseFileReadOnly);
    if (slot->before_size < p->size) {
        uint8_t *before = realloc(slot->before, p->size);
        if (!before)
            return RAISE(JET_errOutOfMemory);
        slot->before = before;
        slot->before_size = p->size;
    }
    keep(slot, 0, header_end);
    keep(slot, data_begin, data_end);
    keep(slot, tags_begin, p->size);
    slot->kept.header_end = header_end;
    slot->kept.data_begin = data_begin;
    slot->kept.data_end = data_end;
    slot->kept.tags_begin = tags_begin;
    slot->before_dbtime = page_dbtime(p);
    slot->image = cache_needs_image(&slot->ref) && !BROKEN(no_image);
    slot->changed = true;
    return JET_errSuccess;
}

/* Before a change of any kind: what is not kept is as it was and joins what is. */
static JET_ERR touch(struct mtr *m, struct mtr_page *slot) {
    uint32_t size = slot->ref.page.size;
    if (!slot->changed)
        return touch_first(m, slot, size, size, size, size);
    if (slot->fresh || slot->kept.header_end == size)
        return JET_errSuccess;
    keep(slot, slot->kept.header_end, slot->kept.data_begin);
    keep(slot, slot->kept.data_end, slot->kept.tags_begin);
    slot->kept.header_end = slot->kept.data_begin = slot->kept.data_end = slot->kept.tags_begin = size;
    return JET_errSuccess;
}

/* Most changes are one insert into a page that has room, and most of the time would go into copying that page. */
static JET_ERR touch_for_insert(struct mtr *m, struct mtr_page *slot, struct slice key, size_t data_bytes) {
    const struct page *p = &slot->ref.page;
    uint32_t begin, end;
    if (slot->changed || !page_insert_place(p, key, data_bytes, &begin, &end))
        return touch(m, slot);
    return touch_first(m, slot, page_header_bytes(p->size), begin, end, p->size - 4 * (page_lines(p) + 2));
}

static void take_back(const struct mtr_page *slot) {
    const struct page *p = &slot->ref.page;
    memcpy(p->b, slot->before, slot->kept.header_end);
    memcpy(p->b + slot->kept.data_begin, slot->before + slot->kept.data_begin,
           slot->kept.data_end - slot->kept.data_begin);
    memcpy(p->b + slot->kept.tags_begin, slot->before + slot->kept.tags_begin, p->size - slot->kept.tags_begin);
}

JET_ERR mtr_new_page(struct mtr *m, pgno_t pgno, objid_t objid, uint32_t flags, struct page **out) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = find_slot(m, pgno);
    if (!slot) {
        bool resident;
        if (m->db->read_only)
            FAIL(JET_errDatabaseFileReadOnly);
        CALL(add_slot(m, &slot));
        err = cache_latch_init(m->db->pages, pgno, &slot->ref, &resident);
        if (err < JET_errSuccess) {
            slot_give_back(slot);
            goto cleanup;
        }
        m->page_count++;
        slot->fresh = slot->changed = !resident;
    }
    CALL(touch(m, slot));
    slot->image = true;
    slot->ops_bytes = 0;
    page_init(&slot->ref.page, pgno, objid, flags);
    *out = &slot->ref.page;
cleanup:
    return err;
}

/* Notes an operation: a head and up to two byte strings. Nothing is noted for a page that will be an image. */
static JET_ERR note(struct mtr_page *slot, const uint8_t *head, size_t head_bytes, struct slice a, struct slice b) {
    if (slot->image)
        return JET_errSuccess;
    size_t need = slot->ops_bytes + head_bytes + a.n + b.n;
    if (need > slot->ops_size) {
        size_t size = need < 512 ? 1024 : 2 * need;
        uint8_t *ops = realloc(slot->ops, size);
        if (!ops)
            return RAISE(JET_errOutOfMemory);
        slot->ops = ops;
        slot->ops_size = (uint32_t)size;
    }
    uint8_t *o = slot->ops + slot->ops_bytes;
    memcpy(o, head, head_bytes);
    if (a.n)
        memcpy(o + head_bytes, a.p, a.n);
    if (b.n)
        memcpy(o + head_bytes + a.n, b.p, b.n);
    slot->ops_bytes = (uint32_t)need;
    if (need >= page_image_bytes(&slot->ref.page))
        slot->image = true; /* which is the shorter one */
    return JET_errSuccess;
}

static const struct slice nothing = {NULL, 0};

JET_ERR mtr_insert(struct mtr *m, struct page *p, unsigned line, unsigned flags, struct slice key, struct slice data) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[8] = {OP_INSERT};
    CALL(touch_for_insert(m, slot, key, data.n));
    if (data.n > p->size || !page_insert(p, line, flags, key, data))
        FAIL(JET_errRecordTooBig);
    store16(head + 1, (uint16_t)line);
    head[3] = (uint8_t)flags & (NODE_VERSION | NODE_DELETED);
    store16(head + 4, (uint16_t)key.n);
    store16(head + 6, (uint16_t)data.n);
    CALL(note(slot, head, sizeof head, key, data));
cleanup:
    return err;
}

JET_ERR mtr_replace(struct mtr *m, struct page *p, unsigned line, struct slice data) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[5] = {OP_REPLACE};
    CALL(touch(m, slot));
    if (!page_replace(p, line, data))
        FAIL(JET_errRecordTooBig);
    store16(head + 1, (uint16_t)line);
    store16(head + 3, (uint16_t)data.n);
    CALL(note(slot, head, sizeof head, data, nothing));
cleanup:
    return err;
}

JET_ERR mtr_set_node_flags(struct mtr *m, struct page *p, unsigned line, unsigned flags) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[4] = {OP_FLAGS};
    CALL(touch(m, slot));
    page_set_node_flags(p, line, flags);
    store16(head + 1, (uint16_t)line);
    head[3] = (uint8_t)flags & (NODE_VERSION | NODE_DELETED);
    CALL(note(slot, head, sizeof head, nothing, nothing));
cleanup:
    return err;
}

JET_ERR mtr_delete(struct mtr *m, struct page *p, unsigned line, unsigned count) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[5] = {OP_DELETE};
    if (count == 0)
        goto cleanup;
    CALL(touch(m, slot));
    page_delete(p, line, count);
    store16(head + 1, (uint16_t)line);
    store16(head + 3, (uint16_t)count);
    CALL(note(slot, head, sizeof head, nothing, nothing));
cleanup:
    return err;
}

JET_ERR mtr_set_external_header(struct mtr *m, struct page *p, struct slice header) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[3] = {OP_HEADER};
    CALL(touch(m, slot));
    if (!page_set_external_header(p, header))
        FAIL(JET_errRecordTooBig);
    store16(head + 1, (uint16_t)header.n);
    CALL(note(slot, head, sizeof head, header, nothing));
cleanup:
    return err;
}

JET_ERR mtr_set_links(struct mtr *m, struct page *p, pgno_t prev, pgno_t next) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[9] = {OP_LINKS};
    CALL(touch(m, slot));
    page_set_prev(p, prev);
    page_set_next(p, next);
    store32(head + 1, prev);
    store32(head + 5, next);
    CALL(note(slot, head, sizeof head, nothing, nothing));
cleanup:
    return err;
}

JET_ERR mtr_set_page_flags(struct mtr *m, struct page *p, uint32_t flags) {
    JET_ERR err = JET_errSuccess;
    struct mtr_page *slot = slot_of(p);
    uint8_t head[5] = {OP_PAGEFLAGS};
    CALL(touch(m, slot));
    page_set_flags(p, flags);
    store32(head + 1, flags);
    CALL(note(slot, head, sizeof head, nothing, nothing));
cleanup:
    return err;
}

void mtr_set_undo(struct mtr *m, const struct undo *undo) {
    m->undo = undo;
}
void mtr_set_compensates(struct mtr *m) {
    m->compensates = !BROKEN(undo_not_logged);
}

void mtr_lock_space(struct mtr *m, struct tree *tree) {
    for (unsigned i = 0; i < m->space_locked_count; i++) {
        if (m->space_locked[i] == tree)
            return;
    }
    assert(m->space_locked_count < sizeof m->space_locked / sizeof m->space_locked[0]);
    os_mutex_lock(&tree->space);
    m->space_locked[m->space_locked_count++] = tree;
}

/* ---- commit ---- */

#define PARTS_OF_CHANGE 4u /* head, undo head, key, before */
#define PARTS_OF_PAGE 3u   /* head, then operations, or an image's front and its tags */
#define PAGE_HEAD_MAX (CHANGE_PAGE_HEAD_BYTES + 5)
#define PARTS_INLINE (PARTS_OF_CHANGE + PARTS_OF_PAGE * MTR_PAGES_INLINE)

/* A record as it is put together: the bytes that are nowhere else, and the parts in order. */
struct record {
    uint8_t head[CHANGE_HEAD_BYTES + 4 + UNDO_HEAD_BYTES];
    uint8_t inline_page_heads[MTR_PAGES_INLINE][PAGE_HEAD_MAX];
    struct log_part inline_parts[PARTS_INLINE];
    uint8_t (*page_heads)[PAGE_HEAD_MAX];
    struct log_part *parts;
    void *memory; /* of page_heads and parts when there are many pages */
    size_t count;
};

static void add_part(struct record *r, const void *data, size_t bytes) {
    if (bytes)
        r->parts[r->count++] = (struct log_part){data, bytes};
}

static JET_ERR record_init(struct record *r, unsigned pages) {
    r->page_heads = r->inline_page_heads;
    r->parts = r->inline_parts;
    r->memory = NULL;
    r->count = 0;
    if (pages <= MTR_PAGES_INLINE)
        return JET_errSuccess;
    size_t parts_bytes = (PARTS_OF_CHANGE + (size_t)PARTS_OF_PAGE * pages) * sizeof(struct log_part);
    uint8_t *memory = malloc(parts_bytes + (size_t)pages * PAGE_HEAD_MAX);
    if (!memory)
        return RAISE(JET_errOutOfMemory);
    r->memory = memory;
    r->parts = (struct log_part *)(void *)memory;
    r->page_heads = (uint8_t(*)[PAGE_HEAD_MAX])(memory + parts_bytes);
    return JET_errSuccess;
}

static void record_head(struct record *r, const struct mtr *m, unsigned pages, dbtime_t dbtime) {
    size_t bytes = CHANGE_HEAD_BYTES;
    memset(r->head, 0, CHANGE_HEAD_BYTES);
    r->head[0] = m->db->dbid;
    r->head[1] = (uint8_t)((m->undo ? CHANGE_HAS_UNDO : 0) | (m->compensates ? CHANGE_COMPENSATES : 0) |
                           (m->trx ? CHANGE_HAS_TRX : 0));
    store16(r->head + 2, (uint16_t)pages);
    store64(r->head + 8, dbtime);
    store64(r->head + 16, m->trx ? trx_id(m->trx) : 0);
    if (m->undo) {
        store32(r->head + bytes, (uint32_t)(4 + undo_encoded_bytes(m->undo)));
        undo_encode_head(m->undo, r->head + bytes + 4);
        bytes += 4 + UNDO_HEAD_BYTES;
    }
    add_part(r, r->head, bytes);
    if (m->undo) {
        add_part(r, m->undo->key.p, m->undo->key.n);
        add_part(r, m->undo->before.p, m->undo->before.n);
    }
}

static void record_page(struct record *r, const struct mtr_page *slot, uint8_t *head) {
    const struct page *p = &slot->ref.page;
    store32(head, slot->ref.pgno);
    if (!slot->image) {
        store32(head + 4, slot->ops_bytes);
        store64(head + 8, slot->before_dbtime);
        add_part(r, head, CHANGE_PAGE_HEAD_BYTES);
        add_part(r, slot->ops, slot->ops_bytes);
        return;
    }
    size_t bytes = page_image_bytes(p), tags = 4 * (size_t)(page_lines(p) + 1);
    store32(head + 4, (uint32_t)bytes + 5);
    store64(head + 8, 0);
    head[CHANGE_PAGE_HEAD_BYTES] = OP_IMAGE;
    store32(head + CHANGE_PAGE_HEAD_BYTES + 1, (uint32_t)bytes);
    add_part(r, head, PAGE_HEAD_MAX);
    add_part(r, p->b, bytes - tags); /* as page_image_pack() puts it together */
    add_part(r, p->b + p->size - tags, tags);
}

/* Steps 1 to 4 of the commit. */
static JET_ERR append(struct mtr *m, struct record *r, unsigned pages, lgpos_t *begin, lgpos_t *end) {
    struct log *log = m->db->inst->log;
    dbtime_t dbtime = db_new_dbtime(m->db);
    lgpos_t tip = log_tip(log);
    record_head(r, m, pages, dbtime);
    for (unsigned i = 0, n = 0; i < m->page_count; i++) {
        struct mtr_page *slot = m->pages[i];
        if (!slot->changed)
            continue;
        page_set_dbtime(&slot->ref.page, dbtime);
        cache_mark_dirty(&slot->ref, tip);
        record_page(r, slot, r->page_heads[n++]);
    }
    if (m->trx)
        trx_before_append(m->trx, tip);
    JET_ERR err = log_append(log, LOGREC_CHANGE, r->parts, r->count, begin, end);
    if (err < JET_errSuccess) {
        inst_fail(m->db->inst, err);
        return err;
    }
    for (unsigned i = 0; i < m->page_count; i++) {
        struct mtr_page *slot = m->pages[i];
        if (!slot->changed)
            continue;
        cache_set_change(&slot->ref, *end);
        if (slot->image)
            cache_image_logged(&slot->ref);
    }
    return err;
}

JET_ERR mtr_commit(struct mtr *m, lgpos_t *begin, lgpos_t *end) {
    JET_ERR err = JET_errSuccess;
    struct record record;
    lgpos_t first = 0, last = 0;
    unsigned pages = 0;
    record.memory = NULL;
    assert(!m->committed);
    for (unsigned i = 0; i < m->page_count; i++)
        pages += m->pages[i]->changed;
    if (pages > 0 || m->undo || m->compensates) {
        inst_fail(m->db->inst, cache_file_failure(m->db->pages));
        CALL(inst_usable(m->db->inst));
        if (!m->db->inst->log)
            FAIL(JET_errInstanceUnavailable);
        if (m->db->read_only)
            FAIL(JET_errDatabaseFileReadOnly);
        if (pages > UINT16_MAX)
            FAIL(JET_errOutOfMemory);
        CALL(record_init(&record, pages));
        CALL(append(m, &record, pages, &first, &last));
    }
    m->committed = true;
    if (begin)
        *begin = first;
    if (end)
        *end = last;
cleanup:
    free(record.memory);
    return err;
}

void mtr_end(struct mtr *m) {
    for (unsigned i = m->page_count; i-- > 0;) {
        struct mtr_page *slot = m->pages[i];
        if (slot->changed && !m->committed && slot->fresh)
            cache_discard(&slot->ref);
        else if (slot->changed && !m->committed)
            take_back(slot);
        cache_unlatch(&slot->ref);
        slot_give_back(slot);
    }
    while (m->space_locked_count)
        os_mutex_unlock(&m->space_locked[--m->space_locked_count]->space);
    if (m->pages != m->inline_pages)
        free(m->pages);
    m->pages = m->inline_pages;
    m->page_count = 0;
}
