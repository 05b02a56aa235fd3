/* Databases: open trees, growth, and the life cycle with its states (ese-facts 1.6).
 *
 *   create  file, header JustCreated, its name -> CREATE_DB logged -> root and catalog, synced -> ATTACH_DB logged ->
 * header Dirty attach  ATTACH_DB logged -> header Dirty                     (so a dirty header is always known to the
 * log) detach  pages written and synced -> DETACH_DB logged -> header Clean
 *
 * A crash between two steps is finished by recovery, which sees the records: a database whose CREATE_DB has no
 * ATTACH_DB is removed, one with DETACH_DB is stamped clean. */
#include "engine/db.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/cat.h"
#include "engine/inst.h"
#include "engine/space.h"

/* ---- trees ---- */

static void tree_init(struct tree *tree, struct db *db, pgno_t fdp, objid_t objid, uint32_t type, struct tree *parent) {
    tree->db = db;
    tree->fdp = fdp;
    tree->objid = objid;
    tree->type = type & (PAGE_INDEX | PAGE_LONG_VALUE | PAGE_NON_UNIQUE);
    tree->parent = parent;
    os_rwlock_init(&tree->latch, OS_RANK_TREE | OS_RANK_MULTI);
    os_mutex_init(&tree->space, OS_RANK_SPACE | OS_RANK_MULTI);
    os_mutex_init(&tree->auto_mutex, OS_RANK_AUTO);
}

static void tree_done(struct tree *tree) {
    os_rwlock_done(&tree->latch);
    os_mutex_done(&tree->space);
    os_mutex_done(&tree->auto_mutex);
}

static struct tree **tree_slot(struct db *db, pgno_t fdp) {
    struct tree **slot = &db->trees[fdp % DB_TREE_BUCKETS];
    while (*slot && (*slot)->fdp != fdp)
        slot = &(*slot)->next;
    return slot;
}

struct tree *db_tree_find(struct db *db, pgno_t fdp) {
    if (fdp == db->root.fdp)
        return &db->root;
    os_mutex_lock(&db->trees_mutex);
    struct tree *tree = *tree_slot(db, fdp);
    os_mutex_unlock(&db->trees_mutex);
    return tree;
}

/* The page of a deleted table may become the root of a new one: the object of the old tree is then made that of the
 * new one. Nobody uses it any more: it was freed after its last cursor and version. */
static void tree_reuse(struct tree *tree, objid_t objid, uint32_t type, struct tree *parent) {
    tree->objid = objid;
    tree->type = type & (PAGE_INDEX | PAGE_LONG_VALUE | PAGE_NON_UNIQUE);
    tree->parent = parent;
    atomic_store(&tree->deleted, false);
    atomic_store(&tree->next_auto, 0);
    atomic_fetch_add(&tree->ddl, 1);
}

JET_ERR db_tree(struct db *db, pgno_t fdp, objid_t objid, uint32_t type, struct tree *parent, struct tree **out) {
    JET_ERR err = JET_errSuccess;

    if (fdp == db->root.fdp) {
        *out = &db->root;
        return JET_errSuccess;
    }
    os_mutex_lock(&db->trees_mutex);
    struct tree **slot = tree_slot(db, fdp);
    if (!*slot) {
        struct tree *tree = calloc(1, sizeof *tree);
        if (!tree)
            FAIL(JET_errOutOfMemory);
        tree_init(tree, db, fdp, objid, type, parent);
        *slot = tree;
    } else if ((*slot)->objid != objid) {
        tree_reuse(*slot, objid, type, parent);
    }
    *out = *slot;
cleanup:
    os_mutex_unlock(&db->trees_mutex);
    return err;
}

static void trees_free(struct db *db) {
    for (unsigned i = 0; i < DB_TREE_BUCKETS; i++)
        for (struct tree *tree = db->trees[i], *next; tree; tree = next) {
            next = tree->next;
            tree_done(tree);
            free(tree);
        }
    tree_done(&db->root);
}

JET_ERR db_new_objid(struct db *db, objid_t *out) {
    objid_t last = atomic_load(&db->objid_last);
    do {
        if (last >= 0x7fffffff)
            return RAISE(JET_errOutOfObjectIDs);
    } while (!atomic_compare_exchange_weak(&db->objid_last, &last, last + 1));
    *out = last + 1;
    return JET_errSuccess;
}

JET_ERR db_grow_file(struct db *db, uint32_t page_count) {
    if (db->pages_max && page_count > db->pages_max)
        return RAISE(JET_errOutOfDatabaseSpace);
    if (page_count <= atomic_load(&db->file_pages))
        return JET_errSuccess;
    JET_ERR err = os_resize(db->file, ((uint64_t)page_count + 2) * db->page_size);
    if (err == JET_errDiskFull)
        event_write(&db->inst->events, EVENT_DISK_FULL, EVENT_ERROR,
                    "database %s cannot grow to %u pages: the disk is full", db->path, page_count);
    if (err >= JET_errSuccess)
        atomic_store(&db->file_pages, page_count);
    return err;
}

/* ---- header ---- */

JET_ERR db_write_header(struct db *db) {
    assert(os_mutex_held(&db->header_mutex));
    store64(&db->header->dbtime_dirtied, atomic_load(&db->dbtime));
    db->header->objid_last = to_le32(atomic_load(&db->objid_last));
    uint64_t corrected = db->pages ? cache_file_corrected(db->pages) : 0;
    if (corrected > db->corrected_stamped) {
        JET_LOGTIME now = clock_logtime();
        db->header->ecc_fix_success =
            to_le32(le32(db->header->ecc_fix_success) + (uint32_t)(corrected - db->corrected_stamped));
        disk_logtime_store(&db->header->time_ecc_fix_success, &now);
        db->corrected_stamped = corrected;
    }
    return dbheader_write(db->file, db->header);
}

JET_ERR db_stamp_backup(struct db *db, enum backup_stamp stamp, const struct disk_bkinfo *info) {
    JET_ERR err = JET_errSuccess;
    struct dbheader *h = db->header;
    struct disk_bkinfo *const places[] = {
        [STAMP_FULL] = &h->full_prev,
        [STAMP_INCREMENTAL] = &h->inc_prev,
        [STAMP_COPY] = &h->copy_prev,
        [STAMP_DIFFERENTIAL] = &h->diff_prev,
    };
    struct disk_bkinfo *at = places[stamp];

    os_mutex_lock(&db->header_mutex);
    if (disk_lgpos_get(&at->mark) <= disk_lgpos_get(&info->mark)) {
        *at = *info;
        if (stamp == STAMP_FULL) {
            memset(&h->inc_prev, 0, sizeof h->inc_prev);
            memset(&h->diff_prev, 0, sizeof h->diff_prev);
        }
        err = db_write_header(db);
    }
    os_mutex_unlock(&db->header_mutex);
    return err;
}

/* Before a page that needs generation gen is written: the header says so. */
static JET_ERR db_before_write(void *context, lggen_t gen) {
    struct db *db = context;
    JET_ERR err = JET_errSuccess;

    os_mutex_lock(&db->header_mutex);
    if (le32(db->header->gen_max_required) < gen && le32(db->header->state) == JET_dbstateDirtyShutdown) {
        db->header->gen_max_required = to_le32(gen);
        db->header->gen_max_committed = to_le32(gen);
        if (db->inst->log && log_current_gen(db->inst->log) == gen) {
            JET_LOGTIME created = log_created(db->inst->log);
            disk_logtime_store(&db->header->time_gen_max_create, &created);
        }
        err = db_write_header(db);
    }
    os_mutex_unlock(&db->header_mutex);
    return err;
}

/* ---- open and close ---- */

static void db_free(struct db *db) {
    if (!db)
        return;
    if (db->pages)
        cache_detach(db->pages);
    os_close(db->file);
    trees_free(db);
    os_mutex_done(&db->header_mutex);
    os_mutex_done(&db->trees_mutex);
    free(db->header);
    free(db);
}

static JET_ERR db_alloc(struct inst *inst, const char *path, uint8_t dbid, struct db **out) {
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return RAISE(JET_errOutOfMemory);
    db->inst = inst;
    db->dbid = dbid;
    db->page_size = inst->config.page_size;
    os_mutex_init(&db->header_mutex, OS_RANK_HEADER);
    os_mutex_init(&db->trees_mutex, OS_RANK_TREES);
    tree_init(&db->root, db, 1, 1, 0, NULL);
    db->header = calloc(1, PAGE_SIZE_MAX);
    if (!db->header || strlen(path) >= sizeof db->path) {
        JET_ERR err = db->header ? JET_errInvalidPath : JET_errOutOfMemory;
        db_free(db);
        return RAISE(err);
    }
    memcpy(db->path, path, strlen(path) + 1);
    *out = db;
    return JET_errSuccess;
}

/* Opens the pages of a file whose header is in db->header. */
static JET_ERR db_open_pages(struct db *db) {
    JET_ERR err = JET_errSuccess;
    uint64_t bytes;

    CALL(os_size(db->file, &bytes));
    uint64_t pages = bytes / db->page_size;
    atomic_store(&db->file_pages, pages > 2 ? (uint32_t)(pages - 2) : 0);
    atomic_store(&db->dbtime, le64(db->header->dbtime_dirtied));
    atomic_store(&db->objid_last, le32(db->header->objid_last));
    struct cache_file_config config = {
        .file = db->file,
        .path = db->path,
        .page_size = db->page_size,
        .read_only = db->read_only,
        .before_write = db_before_write,
        .context = db,
    };
    CALL(cache_attach(db->inst->cache, &config, &db->pages));
cleanup:
    return err;
}

static JET_ERR free_dbid(struct inst *inst, uint8_t *out) {
    for (uint8_t id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (!inst->dbs[id]) {
            *out = id;
            return JET_errSuccess;
        }
    return RAISE(JET_errTooManyAttachedDatabases);
}

/* As it is when `coming` has been attached and `going` is no more. Both may be NULL. */
static uint32_t attach_list(const struct inst *inst, const struct db *coming, const struct db *going,
                            uint8_t out[LOG_ATTACH_MAX]) {
    uint32_t used = 0;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        const struct db *db = coming && coming->dbid == id ? coming : inst->dbs[id];
        if (!db || db->read_only || db == going)
            continue;
        size_t path_bytes = strlen(db->path);
        out[used] = (uint8_t)id;
        memcpy(out + used + 1, &db->header->sign_db, 28);
        store16(out + used + 29, (uint16_t)path_bytes);
        memcpy(out + used + 31, db->path, path_bytes);
        used += 31 + (uint32_t)path_bytes;
    }
    return used;
}

uint32_t db_attach_list(struct inst *inst, uint8_t out[LOG_ATTACH_MAX]) {
    return attach_list(inst, NULL, NULL, out);
}

JET_ERR db_attach_list_next(struct slice *list, struct db_attachment *out) {
    if (list->n < 31)
        return RAISE(JET_errLogFileCorrupt);
    size_t path_bytes = load16(list->p + 29);
    if (path_bytes == 0 || path_bytes >= sizeof out->path || list->n - 31 < path_bytes ||
        memchr(list->p + 31, 0, path_bytes) || list->p[0] < DB_FIRST_DBID || list->p[0] > DB_MAX)
        return RAISE(JET_errLogFileCorrupt);
    out->dbid = list->p[0];
    memcpy(&out->signature, list->p + 1, 28);
    memcpy(out->path, list->p + 31, path_bytes);
    out->path[path_bytes] = 0;
    *list = slice(list->p + 31 + path_bytes, list->n - 31 - path_bytes);
    return JET_errSuccess;
}

static JET_ERR check_attach_room(struct inst *inst, const char *path) {
    uint8_t list[LOG_ATTACH_MAX];
    return db_attach_list(inst, list) + 31 + strlen(path) > LOG_ATTACH_MAX ? RAISE(JET_errInvalidPath) : JET_errSuccess;
}

/* CREATE_DB, and ATTACH_DB, from which on the log's headers have it in their list; durable on return. */
static JET_ERR log_db_record(struct db *db, uint8_t type, lgpos_t *begin) {
    uint8_t fixed[38] = {db->dbid}, list[LOG_ATTACH_MAX];
    uint32_t list_bytes = attach_list(db->inst, type == LOGREC_ATTACH_DB ? db : NULL, NULL, list);
    lgpos_t end;
    JET_ERR err = JET_errSuccess;

    store32(fixed + 4, db->page_size);
    memcpy(fixed + 8, &db->header->sign_db, 28);
    store16(fixed + 36, (uint16_t)strlen(db->path));
    struct log_part parts[] = {{fixed, sizeof fixed}, {db->path, strlen(db->path)}};
    CALL(log_append_attachments(db->inst->log, type, parts, 2, list, list_bytes, begin, &end));
    CALL(log_flush(db->inst->log, end));
cleanup:
    return err;
}

/* DETACH_DB; durable on return. */
static JET_ERR log_detach(struct db *db, lgpos_t *begin) {
    JET_ERR err = JET_errSuccess;
    struct log *log = db->inst->log;
    uint8_t list[LOG_ATTACH_MAX];
    uint32_t list_bytes = attach_list(db->inst, NULL, db, list);
    struct log_part part = {&db->dbid, 1};
    lgpos_t end;

    CALL(log_append_attachments(log, LOGREC_DETACH_DB, &part, 1, list, list_bytes, begin, &end));
    CALL(log_flush(log, end));
cleanup:
    return err;
}

JET_ERR db_record_decode(struct slice payload, struct db_attachment *out, uint32_t *page_size) {
    uint8_t entry[31 + OS_PATH_MAX];
    if (payload.n < 38 || payload.n - 38 != load16(payload.p + 36) || payload.n - 38 >= OS_PATH_MAX)
        return RAISE(JET_errLogFileCorrupt);
    *page_size = load32(payload.p + 4);
    entry[0] = payload.p[0];
    memcpy(entry + 1, payload.p + 8, payload.n - 8);
    struct slice list = slice(entry, payload.n - 7);
    return db_attach_list_next(&list, out);
}

static void mark_dirty_header(struct db *db, lgpos_t attach) {
    struct inst *inst = db->inst;
    JET_LOGTIME now = clock_logtime(), gen_created = log_created(inst->log);
    JET_SIGNATURE sign_log = log_signature(inst->log);
    struct dbheader *h = db->header;

    if (memcmp(&h->sign_log, &sign_log, 28) != 0) {
        memset(&h->full_prev, 0, sizeof h->full_prev);
        memset(&h->inc_prev, 0, sizeof h->inc_prev);
        memset(&h->copy_prev, 0, sizeof h->copy_prev);
        memset(&h->diff_prev, 0, sizeof h->diff_prev);
        h->type_full_prev = h->type_inc_prev = h->type_copy_prev = h->type_diff_prev = to_le32(0);
        disk_signature_store(&h->sign_log, &sign_log);
    }
    memset(&h->full_cur, 0, sizeof h->full_cur);
    memset(&h->snapshot_cur, 0, sizeof h->snapshot_cur);
    h->dbid = to_le32(db->dbid);
    dbheader_set_state(h, JET_dbstateDirtyShutdown, lgpos_gen(attach), &gen_created);
    disk_lgpos_store(&h->lgpos_attach, attach);
    disk_logtime_store(&h->time_attach, &now);
    memset(&h->lgpos_detach, 0, sizeof h->lgpos_detach);
    memset(&h->time_detach, 0, sizeof h->time_detach);
}

/* ATTACH_DB, then the header. If that cannot be written, the log must not end with the database attached. */
static JET_ERR become_dirty(struct db *db) {
    JET_ERR err = JET_errSuccess;
    lgpos_t attach, detach;

    CALL(log_db_record(db, LOGREC_ATTACH_DB, &attach));
    os_mutex_lock(&db->header_mutex);
    mark_dirty_header(db, attach);
    err = db_write_header(db);
    os_mutex_unlock(&db->header_mutex);
    if (err < JET_errSuccess && log_detach(db, &detach) >= JET_errSuccess) {
        JET_ERR ignored = db_write_clean(db, detach);
        (void)ignored;
    }
cleanup:
    return err;
}

/* ---- create ---- */

/* What stands at path may be replaced: nothing, a database when overwriting, or the rest of an interrupted creation. */
static JET_ERR make_room(const char *path, bool overwrite) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = NULL;
    struct os_stat st;
    bool replace = overwrite;

    CALL(os_stat(path, &st));
    if (st.kind == OS_MISSING)
        return JET_errSuccess;
    if (st.kind != OS_FILE)
        FAIL(JET_errDatabaseDuplicate);
    CALL(os_open(path, OS_WRITE | OS_LOCK, &file));
    if (!replace) {
        header = calloc(1, PAGE_SIZE_MAX);
        if (!header)
            FAIL(JET_errOutOfMemory);
        replace = dbheader_read(file, header, NULL) >= JET_errSuccess && le32(header->state) == JET_dbstateJustCreated;
    }
    if (!replace)
        FAIL(JET_errDatabaseDuplicate);
    CALL(os_remove(path));
cleanup:
    free(header);
    os_close(file);
    return err;
}

/* Under another name until its header is durable: so a crash leaves a database under this name, or nothing. */
static JET_ERR db_create_file(struct db *db, const JET_SIGNATURE *signature, uint32_t page_count) {
    JET_ERR err = JET_errSuccess;
    char making[OS_PATH_MAX + 4];
    struct os_stat st;

    snprintf(making, sizeof making, "%s.new", db->path);
    CALL(os_stat(db->path, &st));
    if (st.kind != OS_MISSING)
        FAIL(JET_errDatabaseDuplicate);
    CALL(os_open(making, OS_WRITE | OS_CREATE | OS_TRUNCATE | OS_LOCK, &db->file));
    CALL(os_resize(db->file, ((uint64_t)page_count + 2) * db->page_size));
    dbheader_init(db->header, db->page_size, signature);
    db->header->objid_last = to_le32(1);
    CALL(dbheader_write(db->file, db->header));
    CALL(os_rename(making, db->path));
    CALL(os_sync_parent(db->path));
    CALL(db_open_pages(db));
cleanup:
    if (err < JET_errSuccess && db->file) {
        JET_ERR ignored = os_remove(making); /* not there if it has its name already: the caller removes that */
        (void)ignored;
    }
    return err;
}

JET_ERR db_create(struct inst *inst, const char *path, const struct db_create_options *options, struct db **out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = NULL;
    uint8_t dbid = 0;
    bool made = false, attaching = false;
    uint32_t extension = inst->config.extension_pages;
    uint32_t page_count = 30 + (extension < 224 ? extension : 224);

    assert(os_mutex_held(&inst->mutex));
    CALL(inst_usable(inst));
    CALL(check_attach_room(inst, path));
    CALL(free_dbid(inst, &dbid));
    CALL(make_room(path, options->overwrite));
    CALL(db_alloc(inst, path, dbid, &db));
    JET_SIGNATURE signature = clock_signature();
    err = db_create_file(db, &signature, page_count);
    made = err != JET_errDatabaseDuplicate && db->file;
    CALL(err);
    lgpos_t begin, oldest;
    CALL(log_db_record(db, LOGREC_CREATE_DB, &begin));
    inst->dbs[dbid] = db;
    CALL(cat_create_database(db, page_count));
    CALL(cat_open(db));
    CALL(cache_write(db->pages, UINT64_MAX)); /* redo skips what lies before an attach */
    CALL(cache_sync(db->pages, &oldest));
    attaching = true;
    CALL(become_dirty(db));
    event_write(&inst->events, EVENT_ATTACH_DATABASE, EVENT_INFO, "created and attached database %s as %u", path, dbid);
    *out = db;
    db = NULL;
cleanup:
    if (db) {
        inst->dbs[db->dbid] = NULL;
        db_free(db);
        if (made && !(attaching && log_is_down(inst->log))) /* else the log may say that it is attached */
            CALL_KEEP_FIRST(os_remove(path));
    }
    return err;
}

/* ---- attach ---- */

static JET_ERR check_attachable(struct db *db) {
    const struct dbheader *h = db->header;
    if (le32(h->page_size) != db->inst->config.page_size)
        return RAISE(JET_errPageSizeMismatch);
    if (le32(h->state) != JET_dbstateCleanShutdown) {
        if (le32(h->full_cur.gen_low) != 0) {
            event_write(&db->inst->events, EVENT_ATTACH_TO_BACKUP_SET_DATABASE, EVENT_ERROR,
                        "database %s is part of a backup set and must be restored before it can be attached", db->path);
            return RAISE(JET_errSoftRecoveryOnBackupDatabase);
        }
        return RAISE(le32(h->state) == JET_dbstateJustCreated ? JET_errDatabaseCorrupted
                                                              : JET_errDatabaseDirtyShutdown);
    }
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *other = db->inst->dbs[id];
        if (other && memcmp(&other->header->sign_db, &h->sign_db, 28) == 0)
            return RAISE(JET_errDatabaseSignInUse);
    }
    return JET_errSuccess;
}

static JET_ERR open_file(struct db *db) {
    JET_ERR err = os_open(db->path, (db->read_only ? OS_READ : OS_WRITE) | OS_LOCK, &db->file);
    return err == JET_errFileNotFound ? RAISE(JET_errDatabaseNotFound) : err;
}

/* What the space trees say; a file shorter than that has lost pages. */
static JET_ERR db_load_page_count(struct db *db) {
    JET_ERR err = JET_errSuccess;
    pgno_t last;

    CALL(space_owned_end(db, &last));
    if (last > atomic_load(&db->file_pages))
        FAIL(JET_errDatabaseCorrupted);
    atomic_store(&db->page_count, last);
cleanup:
    return err;
}

JET_ERR db_attach(struct inst *inst, const char *path, bool read_only, struct db **out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = NULL;
    uint8_t dbid = 0;

    assert(os_mutex_held(&inst->mutex));
    CALL(inst_usable(inst));
    CALL(check_attach_room(inst, path));
    CALL(free_dbid(inst, &dbid));
    CALL(db_alloc(inst, path, dbid, &db));
    db->read_only = read_only;
    CALL(open_file(db));
    CALL(dbheader_read(db->file, db->header, NULL));
    CALL(check_attachable(db));
    CALL(db_open_pages(db));
    CALL(db_load_page_count(db));
    CALL(cat_open(db));
    if (!read_only)
        CALL(become_dirty(db));
    inst->dbs[dbid] = db;
    event_write(&inst->events, EVENT_ATTACH_DATABASE, EVENT_INFO, "attached database %s as %u", path, dbid);
    *out = db;
    db = NULL;
cleanup:
    db_free(db);
    return err;
}

JET_ERR db_open_for_redo(struct inst *inst, const char *path, uint8_t dbid, const JET_SIGNATURE *expected,
                         struct db **out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = NULL;

    CALL(db_alloc(inst, path, dbid, &db));
    CALL(open_file(db));
    CALL(dbheader_read(db->file, db->header, NULL));
    if (le32(db->header->page_size) != inst->config.page_size)
        FAIL(JET_errPageSizeMismatch);
    if (expected && memcmp(&db->header->sign_db, expected, 28) != 0)
        FAIL(JET_errBadDbSignature);
    CALL(db_open_pages(db));
    *out = db;
    db = NULL;
cleanup:
    db_free(db);
    return err;
}

JET_ERR db_open_for_reading(struct inst *inst, const char *path, struct db **out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = NULL;
    uint8_t dbid = 0;

    CALL(free_dbid(inst, &dbid));
    CALL(db_alloc(inst, path, dbid, &db));
    db->read_only = true;
    CALL(open_file(db));
    CALL(dbheader_read(db->file, db->header, NULL));
    if (le32(db->header->page_size) != inst->config.page_size)
        FAIL(JET_errPageSizeMismatch);
    CALL(db_open_pages(db));
    inst->dbs[dbid] = db;
    *out = db;
    db = NULL;
cleanup:
    db_free(db);
    return err;
}

JET_ERR db_recreate_for_redo(struct inst *inst, const char *path, uint8_t dbid, const JET_SIGNATURE *signature,
                             struct db **out) {
    JET_ERR err = JET_errSuccess;
    struct db *db = NULL;

    CALL(db_alloc(inst, path, dbid, &db));
    CALL(db_create_file(db, signature, 0));
    *out = db;
    db = NULL;
cleanup:
    db_free(db);
    return err;
}

JET_ERR db_attach_for_redo(struct db *db, lgpos_t attach, const JET_SIGNATURE *sign_log) {
    JET_ERR err = JET_errSuccess;
    struct dbheader *h = db->header;

    os_mutex_lock(&db->header_mutex);
    if (le32(h->state) != JET_dbstateDirtyShutdown) {
        dbheader_set_state(h, JET_dbstateDirtyShutdown, lgpos_gen(attach), NULL);
        disk_lgpos_store(&h->lgpos_attach, attach);
        disk_signature_store(&h->sign_log, sign_log);
        err = db_write_header(db);
    }
    os_mutex_unlock(&db->header_mutex);
    return err;
}

JET_ERR db_fit_file(struct db *db) {
    JET_ERR err = JET_errSuccess;
    uint64_t bytes;

    CALL(os_size(db->file, &bytes));
    pgno_t last;
    CALL(space_owned_end(db, &last));
    atomic_store(&db->page_count, last);
    uint64_t pages = bytes / db->page_size;
    atomic_store(&db->file_pages, pages > 2 ? (uint32_t)(pages - 2) : 0);
    CALL(db_grow_file(db, last));
cleanup:
    return err;
}

JET_ERR db_after_redo(struct db *db) {
    JET_ERR err = JET_errSuccess;
    CALL(db_fit_file(db));
    CALL(cat_open(db));
cleanup:
    return err;
}

/* ---- detach ---- */

JET_ERR db_write_clean(struct db *db, lgpos_t consistent) {
    JET_ERR err = JET_errSuccess;
    JET_LOGTIME now = clock_logtime();
    struct dbheader *h = db->header;

    os_mutex_lock(&db->header_mutex);
    dbheader_set_state(h, JET_dbstateCleanShutdown, 0, NULL);
    disk_lgpos_store(&h->lgpos_consistent, consistent);
    disk_logtime_store(&h->time_consistent, &now);
    if (db->inst->log) {
        JET_SIGNATURE sign_log = log_signature(db->inst->log);
        disk_signature_store(&h->sign_log, &sign_log);
    }
    disk_lgpos_store(&h->lgpos_detach, consistent);
    disk_logtime_store(&h->time_detach, &now);
    memset(&h->full_cur, 0, sizeof h->full_cur);
    err = db_write_header(db);
    os_mutex_unlock(&db->header_mutex);
    return err;
}

static JET_ERR write_and_detach(struct db *db) {
    JET_ERR err = JET_errSuccess;
    lgpos_t oldest, begin;

    CALL(cache_write(db->pages, UINT64_MAX));
    CALL(cache_sync(db->pages, &oldest));
    CALL(log_detach(db, &begin));
    CALL(db_write_clean(db, begin));
cleanup:
    return err;
}

JET_ERR db_detach(struct db *db) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = db->inst;

    assert(os_mutex_held(&inst->mutex));
    CALL(trx_forget_db(inst->trx, db));
    if (!db->read_only) {
        CALL(inst_usable(inst));
        err = write_and_detach(db);
        inst_fail(inst, err); /* pages may be lost, or the log says that nothing more will come: nothing may */
        CALL(err);
    }
    event_write(&inst->events, EVENT_DETACH_DATABASE, EVENT_INFO, "detached database %s", db->path);
    inst->dbs[db->dbid] = NULL;
    db_free(db);
cleanup:
    return err;
}

void db_abandon(struct db *db) {
    db->inst->dbs[db->dbid] = NULL;
    db_free(db);
}
