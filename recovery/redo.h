/* Redo: the state that is built up while the log is read. */
#ifndef ESENT_RECOVERY_REDO_H
#define ESENT_RECOVERY_REDO_H

#include "recovery/recovery.h"

/* A database as the log knows it. */
struct redo_db {
    bool attached; /* by the attachment list, CREATE_DB or ATTACH_DB, and not yet detached */
    bool creating; /* CREATE_DB seen, its ATTACH_DB not yet */
    bool
        finished; /* its file is clean: if the log has more changes for it, it is another copy than they were made to */
    bool carried; /* redo went on with it over a detach */
    bool unwanted;                   /* not in the map: not looked for */
    struct db_attachment attachment; /* path: where it is looked for */
    struct db *db;                   /* NULL: not opened yet, or missing */
    JET_ERR missing;                 /* why it could not be opened; success: not tried or open */
    lgpos_t skip_until;              /* records before this are in the file already */
    lgpos_t detached_at;             /* not attached: the record that said so, if the file is not beyond it; else 0 */
};

/* One change of a transaction that has not ended. */
struct redo_undo {
    struct redo_undo *older;
    struct undo undo; /* slices into bytes */
    uint8_t bytes[];
};

struct redo_trx {
    struct redo_trx *next; /* hash chain */
    trxid_t id;
    lgpos_t last; /* position of the newest change: undo runs newest first over all */
    struct redo_undo *newest;
};

/* A page that a record needed and that cannot be read: an error unless an image of it follows. */
struct redo_damage {
    struct redo_damage *next;
    uint8_t dbid;
    pgno_t pgno;
    JET_ERR err;
};

/* A file that redo itself made clean: if the log attaches it again, redo goes on from there; if the log makes another
 * one in its place, it had been deleted. */
struct redo_closed {
    struct redo_closed *next;
    lgpos_t at;
    char path[OS_PATH_MAX];
};

#define REDO_BUCKETS 1024
#define REDO_LEFT_OUT (UINT64_C(1) << 63) /* in a transaction's number: rolled back but for databases left out */

struct redo {
    struct inst *inst;
    const struct recovery_options *options;
    JET_SIGNATURE signature; /* of the log that is read */
    lggen_t first;           /* generation in which redo began */
    struct redo_db dbs[DB_MAX + 1];
    struct redo_trx *trxs[REDO_BUCKETS];
    struct redo_damage *damaged;
    struct redo_closed *closed;
    struct redo_undo *committed_deletes; /* nodes to purge, trees to free, when redo is done */
    uint64_t records, changes;
    lgpos_t end;
};

MUST_CHECK JET_ERR redo_record(struct redo *redo, const struct log_record *record);
/* Adds what an attachment list says: databases that were attached when redo's first record was written. */
MUST_CHECK JET_ERR redo_attachments(struct redo *redo, struct slice list);
/* At the end of the log: what is not attached is stamped clean and closed. */
MUST_CHECK JET_ERR redo_close_detached(struct redo *redo);
/* At the end of a recovery without undo: all pages go to their files, and the headers stay as they are. */
MUST_CHECK JET_ERR redo_write(struct redo *redo);
void redo_free(struct redo *redo);

#endif
