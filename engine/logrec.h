/* Records of the engine in the log, and their printers' names. Payload layouts; all integers little-endian.
 *
 * LOGREC_CHANGE: one atomic change of one or more pages of one database, with at most one undo. Redo is idempotent and
 * local (P4): each page is brought from below `dbtime` to `dbtime`, if it is below.
 *     0 u8 dbid  1 u8 flags (1 has undo, 2 compensates: pops the newest undo of trx, 4 has trx)  2 u16 page count
 *     4 u32 0    8 u64 dbtime   16 u64 trx (0: system)
 *     [undo: u32 total bytes of this part with these four, then struct undo as undo_encode() writes it]
 *     page count times: u32 pgno, u32 bytes of ops, u64 dbtime before (0 with an image), ops...
 *   ops, each u8 code then:
 *     1 IMAGE     u32 bytes, page_image_pack() bytes (the page after the change; the only op of its page)
 *     2 INSERT    u16 line, u8 node flags, u16 key bytes, u16 data bytes, key, data
 *     3 REPLACE   u16 line, u16 data bytes, data
 *     4 FLAGS     u16 line, u8 node flags
 *     5 DELETE    u16 line, u16 count
 *     6 HEADER    u16 bytes, external header
 *     7 LINKS     u32 prev, u32 next
 *     8 PAGEFLAGS u32 flags
 * LOGREC_COMMIT: u64 trx.   LOGREC_ROLLBACK: u64 trx (all its undos are done, but for those in
 *     databases that a recovery was told to go on without: redo keeps them until the database is there).
 * LOGREC_CREATE_DB: u8 dbid, 3 zero, u32 page size, 28 signature of the database, u16 path bytes, path (UTF-8).
 * LOGREC_ATTACH_DB: the same.  LOGREC_DETACH_DB: u8 dbid.
 * LOGREC_BACKUP: u8 phase (1 begin, 2 stamp), u8 kind (enum backup_stamp), u8 dbid, 0, BKINFO 24.
 * LOGREC_INIT / LOGREC_TERM: 8 LOGTIME; the last record of a clean stop is LOGREC_TERM. */
#ifndef ESENT_ENGINE_LOGREC_H
#define ESENT_ENGINE_LOGREC_H

#include "engine/page.h"

enum logrec_type {
    LOGREC_CHANGE = 2,
    LOGREC_COMMIT,
    LOGREC_ROLLBACK,
    LOGREC_CREATE_DB,
    LOGREC_ATTACH_DB,
    LOGREC_DETACH_DB,
    LOGREC_BACKUP,
    LOGREC_INIT,
    LOGREC_TERM,
};

enum backup_stamp {
    STAMP_FULL = 1,     /* bkinfoFullPrev */
    STAMP_INCREMENTAL,  /* bkinfoIncPrev */
    STAMP_COPY,         /* bkinfoCopyPrev: full, the log was not truncated */
    STAMP_DIFFERENTIAL, /* bkinfoDiffPrev: log files only, not truncated */
};

/* ---- undo: what takes one change of a transaction back, by key and not by place (P6) ---- */

enum undo_op {
    UNDO_INSERT = 1, /* the node was inserted: remove it. before: data of the deleted node it replaced, if had_before */
    UNDO_REPLACE,    /* before: the old data */
    UNDO_DELETE,     /* the node was flagged deleted: clear the flag */
    UNDO_CREATE_TREE, /* fdp: give its space back to parent */
    UNDO_DELETE_TREE, /* nothing to take back; when the transaction has committed and nobody can see the table, the
                         space is given back: LOGREC_CHANGE of a system transaction with UNDO_TREE_FREED */
    UNDO_TREE_FREED,  /* only a note for recovery: the pending free of fdp is done */
};

struct undo {
    uint8_t op;
    bool had_before;
    uint8_t dbid;
    pgno_t fdp;        /* tree */
    pgno_t parent_fdp; /* of the tree's space; for CREATE/DELETE_TREE */
    objid_t objid;
    struct slice key;
    struct slice before;
};
/*     0 u8 op  1 u8 had_before  2 u8 dbid  3 zero  4 u32 fdp  8 u32 parent  12 u32 objid  16 u32 key bytes
 *     20 u32 before bytes  24 key, before */
#define UNDO_HEAD_BYTES 24u
size_t undo_encoded_bytes(const struct undo *u);
void undo_encode_head(const struct undo *u, uint8_t out[UNDO_HEAD_BYTES]); /* without key and before */
void undo_encode(const struct undo *u, uint8_t *out);
/* Slices point into `in`. JET_errLogFileCorrupt. */
MUST_CHECK JET_ERR undo_decode(struct slice in, struct undo *out);

/* ---- reading a LOGREC_CHANGE ---- */

enum change_flags { CHANGE_HAS_UNDO = 1, CHANGE_COMPENSATES = 2, CHANGE_HAS_TRX = 4 };
enum page_op {
    OP_IMAGE = 1,
    OP_INSERT,
    OP_REPLACE,
    OP_FLAGS,
    OP_DELETE,
    OP_HEADER,
    OP_LINKS,
    OP_PAGEFLAGS,
};
#define CHANGE_HEAD_BYTES 24u
#define CHANGE_PAGE_HEAD_BYTES 16u

struct change {
    uint8_t dbid;
    bool compensates, has_undo;
    uint16_t page_count;
    dbtime_t dbtime;
    trxid_t trx;
    struct undo undo;
    struct slice pages; /* the page parts */
};
MUST_CHECK JET_ERR change_decode(struct slice payload, struct change *out);
/* Takes the next page part from *pages. */
struct change_page {
    pgno_t pgno;
    dbtime_t before;
    bool has_image;
    struct slice ops;
};
MUST_CHECK JET_ERR change_next_page(struct slice *pages, struct change_page *out);
/* Applies ops to a page (exclusive latch or private buffer) and sets its dbtime. Without an image the page must be one
 * that passed page_check. Every byte is checked before it is used; after JET_errLogFileCorrupt the page is half changed
 * and must not be kept. */
MUST_CHECK JET_ERR change_apply(struct page *page, pgno_t pgno, const struct change_page *part, dbtime_t dbtime);

/* One line of text for esentutl: returns snprintf's result. */
int logrec_print(uint8_t type, struct slice payload, char *out, size_t bytes);

#endif
