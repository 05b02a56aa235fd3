/* A database: file, header, cache, open trees. Life cycle: create, attach, detach. */
#ifndef ESENT_ENGINE_DB_H
#define ESENT_ENGINE_DB_H

#include <stdatomic.h>

#include "base/os.h"
#include "base/thread.h"
#include "engine/bt.h"
#include "engine/dbheader.h"

struct inst;

#define DB_FIRST_DBID 1
#define DB_MAX 6 /* attached at once, dbid 1..6 */
#define DB_TREE_BUCKETS 256

struct db {
    /* constant while attached */
    struct inst *inst;
    uint8_t dbid;
    char path[OS_PATH_MAX]; /* absolute */
    uint32_t page_size;
    bool read_only;
    uint32_t pages_max; /* cpgDatabaseSizeMax; 0: no limit */
    struct os_file *file;
    struct cache_file *pages;
    struct tree root; /* fdp 1, objid 1 */
    /* atomic */
    _Atomic uint64_t dbtime; /* of the newest change */
    _Atomic uint32_t objid_last;
    _Atomic uint32_t page_count; /* last page the root owns; grows under root.space */
    _Atomic uint32_t file_pages; /* pages the file has room for */
    /* header_mutex */
    struct os_mutex header_mutex; /* OS_RANK_HEADER */
    struct dbheader *header;      /* page_size bytes, as last written (plus changes in progress) */
    uint64_t corrected_stamped;   /* corrected bits that the header already counts */
    /* trees_mutex */
    struct os_mutex trees_mutex; /* OS_RANK_TREES */
    struct tree *trees[DB_TREE_BUCKETS];
    /* inst->mutex */
    unsigned open_count; /* JetOpenDatabase */
    bool exclusive;
};

/* The tree object of fdp, made on first call (objid, type, parent as given then; later calls return the same). Never
 * freed before detach. JET_errOutOfMemory. */
MUST_CHECK JET_ERR db_tree(struct db *db, pgno_t fdp, objid_t objid, uint32_t type, struct tree *parent,
                           struct tree **out);
struct tree *db_tree_find(struct db *db, pgno_t fdp); /* NULL: not open */
/* Next object number; JET_errOutOfObjectIDs. Durable through dbheader and redo (recovery takes the largest it sees). */
MUST_CHECK JET_ERR db_new_objid(struct db *db, objid_t *out);
static inline dbtime_t db_new_dbtime(struct db *db) {
    return atomic_fetch_add(&db->dbtime, 1) + 1;
}
/* Makes the file long enough for page_count pages (JET_errDiskFull); called by space growth under root.space. */
MUST_CHECK JET_ERR db_grow_file(struct db *db, uint32_t page_count);

/* ---- life cycle; inst->mutex held by the caller ---- */

struct db_create_options {
    bool overwrite;
};
/* Makes file, header, root, catalog; attached on return. JET_errDatabaseDuplicate (file exists), JET_errInvalidPath,
 * JET_errTooManyAttachedDatabases, JET_errDiskFull. A failure leaves no file. */
MUST_CHECK JET_ERR db_create(struct inst *inst, const char *path, const struct db_create_options *options,
                             struct db **out);
/* JET_errDatabaseNotFound, JET_errDatabaseDirtyShutdown,
 * JET_errInvalidDatabaseVersion, JET_errPageSizeMismatch, JET_errDatabaseCorrupted,
 * JET_errSoftRecoveryOnBackupDatabase, JET_errFileAccessDenied (in use elsewhere), JET_errDatabaseSignInUse,
 * JET_errTooManyAttachedDatabases. */
MUST_CHECK JET_ERR db_attach(struct inst *inst, const char *path, bool read_only, struct db **out);
/* Writes everything, stamps the header clean, logs the detach. */
MUST_CHECK JET_ERR db_detach(struct db *db);
/* For recovery. The file as it is, any state, no header change; JET_errDatabaseNotFound, JET_errBadDbSignature. */
MUST_CHECK JET_ERR db_open_for_redo(struct inst *inst, const char *path, uint8_t dbid, const JET_SIGNATURE *expected,
                                    struct db **out);
/* An empty file with a JustCreated header: its pages come from the log. */
MUST_CHECK JET_ERR db_recreate_for_redo(struct inst *inst, const char *path, uint8_t dbid,
                                        const JET_SIGNATURE *signature, struct db **out);
/* For tools, on an instance without log: the file as it is, any state, never written to. Only the header is looked at:
 * page_count is 0 until the caller knows better. Ends with db_abandon. */
MUST_CHECK JET_ERR db_open_for_reading(struct inst *inst, const char *path, struct db **out);
/* A clean file that the log attaches here: its header becomes dirty before its pages change. A dirty one stays as it
 * is. */
MUST_CHECK JET_ERR db_attach_for_redo(struct db *db, lgpos_t attach, const JET_SIGNATURE *sign_log);
/* When all pages are redone: the file is made as long as the space says. Pages that were never used are not in the log.
 */
MUST_CHECK JET_ERR db_fit_file(struct db *db);
/* The same, and opens the catalog. */
MUST_CHECK JET_ERR db_after_redo(struct db *db);
/* Header to clean, consistent as of that position. */
MUST_CHECK JET_ERR db_write_clean(struct db *db, lgpos_t consistent);
/* Drops everything unwritten: crash, abrupt term. */
void db_abandon(struct db *db);

/* A finished backup: bkinfoFullPrev (which clears bkinfoIncPrev) or bkinfoIncPrev, unless a newer one stands there. */
MUST_CHECK JET_ERR db_stamp_backup(struct db *db, enum backup_stamp stamp, const struct disk_bkinfo *info);

/* Header to disk, both copies, synced. header_mutex held. */
MUST_CHECK JET_ERR db_write_header(struct db *db);
struct db *inst_db(struct inst *inst, uint8_t dbid); /* NULL: none */

/* Attachment list as it stands in log headers and the checkpoint: per database u8 dbid, 28 signature, u16 path bytes,
 * path. Returns bytes; a path that would make the list longer than LOG_ATTACH_MAX is JET_errInvalidPath at attach. */
uint32_t db_attach_list(struct inst *inst, uint8_t out[LOG_ATTACH_MAX]);
struct db_attachment {
    uint8_t dbid;
    JET_SIGNATURE signature;
    char path[OS_PATH_MAX];
};
/* Takes the next one from a list. JET_errLogFileCorrupt. */
MUST_CHECK JET_ERR db_attach_list_next(struct slice *list, struct db_attachment *out);
/* LOGREC_CREATE_DB and LOGREC_ATTACH_DB. JET_errLogFileCorrupt. */
MUST_CHECK JET_ERR db_record_decode(struct slice payload, struct db_attachment *out, uint32_t *page_size);

#endif
