/* Mini-transaction: one atomic change of pages, logged as one LOGREC_CHANGE.
 *
 *     mtr_begin(&m, db, trx or NULL);
 *     CALL(mtr_latch(&m, pgno, &page));               exclusive; remembered
 *     CALL(mtr_insert(&m, page, line, flags, key, data));   changes the page in the cache and notes the operation
 *     CALL(mtr_commit(&m, NULL));
 *   cleanup:
 *     mtr_end(&m);                                    after a failure: puts the pages back as they were; unlatches
 *
 * The pages stay exclusively latched until mtr_end, so nothing half-done reaches a file. A page whose first change
 * since it was last written this is goes to the log as an image (P5), others as the operations. */
#ifndef ESENT_ENGINE_MTR_H
#define ESENT_ENGINE_MTR_H

#include "engine/cache.h"
#include "engine/logrec.h"

struct db;
struct trx;
struct tree;

struct mtr_page {
    struct page_ref ref; /* first, so that struct page * of mtr_latch identifies its slot */
    uint8_t *before;     /* the page as it was, in the ranges kept; the memory stays from use to use */
    uint32_t before_size;
    /* header; data; tags up to the end of the page: an insert changes no more, anything else keeps all as header */
    struct {
        uint32_t header_end, data_begin, data_end, tags_begin;
    } kept;
    dbtime_t before_dbtime;
    bool fresh; /* was not initialised before: always an image */
    uint8_t *ops;
    uint32_t ops_bytes, ops_size;
    bool changed;
    bool image; /* logged as an image whatever its operations are, so these are not noted */
};

#define MTR_PAGES_INLINE 8

struct mtr {
    struct db *db;
    struct trx *trx;
    struct mtr_page **pages; /* of latched pages, in order of latching; slots do not move */
    unsigned page_count, page_size_slots;
    const struct undo *undo;
    bool compensates, committed;
    struct mtr_page *inline_pages[MTR_PAGES_INLINE]; /* `pages` until there are more */
    struct tree *space_locked[8];                    /* trees whose space mutex this holds, released by mtr_end */
    unsigned space_locked_count;
};

void mtr_begin(struct mtr *m, struct db *db, struct trx *trx);
/* Exclusive latch; a page latched before is returned again. *out stays valid until mtr_end. */
MUST_CHECK JET_ERR mtr_latch(struct mtr *m, pgno_t pgno, struct page **out);
/* A page that was free (or, once more in this mtr, one latched before): made empty by page_init(). */
MUST_CHECK JET_ERR mtr_new_page(struct mtr *m, pgno_t pgno, objid_t objid, uint32_t flags, struct page **out);
/* The same operations as page.h; no room is JET_errRecordTooBig (callers check with page_fits first). */
MUST_CHECK JET_ERR mtr_insert(struct mtr *m, struct page *p, unsigned line, unsigned flags, struct slice key,
                              struct slice data);
MUST_CHECK JET_ERR mtr_replace(struct mtr *m, struct page *p, unsigned line, struct slice data);
MUST_CHECK JET_ERR mtr_set_node_flags(struct mtr *m, struct page *p, unsigned line, unsigned flags);
MUST_CHECK JET_ERR mtr_delete(struct mtr *m, struct page *p, unsigned line, unsigned count);
MUST_CHECK JET_ERR mtr_set_external_header(struct mtr *m, struct page *p, struct slice header);
MUST_CHECK JET_ERR mtr_set_links(struct mtr *m, struct page *p, pgno_t prev, pgno_t next);
MUST_CHECK JET_ERR mtr_set_page_flags(struct mtr *m, struct page *p, uint32_t flags);
/* undo must live until mtr_commit. compensates: this change is the undo of trx's newest one. A change with an undo or
 * that compensates is logged even without pages. */
void mtr_set_undo(struct mtr *m, const struct undo *undo);
void mtr_set_compensates(struct mtr *m);
/* Locks the space of a tree until mtr_end (child before parent); again is fine. */
void mtr_lock_space(struct mtr *m, struct tree *tree);
/* Without a changed page, undo or compensation nothing is logged and *begin, *end are 0.
 * Errors of mtr_commit: those of inst_usable() (a file that could not be written fails the instance) and log_append(),
 * JET_errDatabaseFileReadOnly. */
/* Appends the record, sets the pages' dbtime. end (may be NULL): for log_flush. After an error mtr_end takes the
 * change back. begin (may be NULL): position of the record. */
MUST_CHECK JET_ERR mtr_commit(struct mtr *m, lgpos_t *begin, lgpos_t *end);
void mtr_end(struct mtr *m);
pgno_t mtr_pgno(const struct page *p); /* of a page got from an mtr */

#endif
