/* Redo of one record, by its type.
 *
 * Pages: physical, by dbtime (P4). A page with an image in the record is not read. A page that cannot be read is
 * remembered; an image that comes later makes it whole (P5), and only what is left at the end is an error.
 * Transactions: each change that can be undone is kept until its transaction commits, is compensated, or has rolled
 * back; what is left at the end of the log is undone. */
#include "recovery/redo.h"
#include "base/breaks.h"

#include <stdlib.h>

#define PAGES_MAX 0x7ffffffeu

/* ---- transactions ---- */

static struct redo_trx **trx_slot(struct redo *redo, trxid_t id) {
    struct redo_trx **slot = &redo->trxs[id % REDO_BUCKETS];
    while (*slot && (*slot)->id != id)
        slot = &(*slot)->next;
    return slot;
}

static JET_ERR push_undo(struct redo *redo, const struct change *change, lgpos_t begin) {
    JET_ERR err = JET_errSuccess;
    const struct undo *u = &change->undo;
    struct redo_undo *entry = calloc(1, sizeof *entry + u->key.n + u->before.n);
    struct redo_trx **slot = trx_slot(redo, change->trx);

    if (!entry)
        FAIL(JET_errOutOfMemory);
    if (!*slot) {
        *slot = calloc(1, sizeof **slot);
        if (!*slot)
            FAIL(JET_errOutOfMemory);
        (*slot)->id = change->trx;
    }
    entry->undo = *u;
    entry->undo.dbid = change->dbid;
    if (u->key.n)
        memcpy(entry->bytes, u->key.p, u->key.n);
    if (u->before.n)
        memcpy(entry->bytes + u->key.n, u->before.p, u->before.n);
    entry->undo.key = slice(entry->bytes, u->key.n);
    entry->undo.before = slice(entry->bytes + u->key.n, u->before.n);
    entry->older = (*slot)->newest;
    (*slot)->newest = entry;
    (*slot)->last = begin;
    entry = NULL;
cleanup:
    free(entry);
    return err;
}

/* The newest of its database: those of one that was left out have not been taken back. */
static void pop_undo(struct redo *redo, trxid_t id, uint8_t dbid) {
    struct redo_trx *trx = *trx_slot(redo, id);
    struct redo_undo **at = trx ? &trx->newest : NULL;
    while (at && *at && (*at)->undo.dbid != dbid)
        at = &(*at)->older;
    if (!at || !*at)
        return; /* the change it compensates is older than redo's start: then so is its effect */
    struct redo_undo *top = *at;
    *at = top->older;
    free(top);
}

static void end_trx(struct redo *redo, trxid_t id, bool committed) {
    struct redo_trx **slot = trx_slot(redo, id), *trx = *slot;
    if (!trx)
        return;
    for (struct redo_undo *u = trx->newest, *older; u; u = older) {
        older = u->older;
        if (committed && (u->undo.op == UNDO_DELETE || u->undo.op == UNDO_DELETE_TREE)) {
            u->older = redo->committed_deletes;
            redo->committed_deletes = u;
        } else {
            free(u);
        }
    }
    *slot = trx->next;
    free(trx);
}

/* A rollback takes back every change, each in a record of its own. Changes that are still here were made to a database
 * that a recovery had been told to go on without. They are undone at the end, if the database is here now; but not
 * under the number of their transaction, which is given again after each start. */
static void roll_back_trx(struct redo *redo, trxid_t id) {
    struct redo_trx **slot = trx_slot(redo, id), *trx = *slot;
    if (!trx || !trx->newest) {
        end_trx(redo, id, false);
        return;
    }
    if (id & REDO_LEFT_OUT)
        return;
    *slot = trx->next;
    struct redo_trx **kept = trx_slot(redo, id | REDO_LEFT_OUT);
    if (!*kept) {
        trx->id |= REDO_LEFT_OUT;
        trx->next = NULL;
        *kept = trx;
        return;
    }
    struct redo_undo **oldest = &trx->newest;
    while (*oldest)
        oldest = &(*oldest)->older;
    *oldest = (*kept)->newest;
    (*kept)->newest = trx->newest;
    free(trx);
}

/* Another database has the number now, or the same one, made whole elsewhere. Was there anything? */
static bool forget_left_out(struct redo *redo, uint8_t dbid) {
    bool found = false;
    for (unsigned i = 0; i < REDO_BUCKETS; i++)
        for (struct redo_trx *trx = redo->trxs[i]; trx; trx = trx->next)
            for (struct redo_undo **at = &trx->newest, *u; (u = *at) && trx->id & REDO_LEFT_OUT;) {
                if (u->undo.dbid == dbid) {
                    *at = u->older;
                    free(u);
                    found = true;
                } else {
                    at = &u->older;
                }
            }
    return found;
}

static void tree_freed(struct redo *redo, uint8_t dbid, const struct undo *freed) {
    for (struct redo_undo **at = &redo->committed_deletes; *at;) {
        struct redo_undo *u = *at;
        if (u->undo.dbid == dbid && u->undo.fdp == freed->fdp && u->undo.objid == freed->objid) {
            *at = u->older;
            free(u);
        } else {
            at = &u->older;
        }
    }
}

/* The database is closed: what a number means in it is over. */
static void forget_deletes(struct redo *redo, uint8_t dbid) {
    for (struct redo_undo **at = &redo->committed_deletes; *at;) {
        struct redo_undo *u = *at;
        if (u->undo.dbid == dbid) {
            *at = u->older;
            free(u);
        } else {
            at = &u->older;
        }
    }
}

/* ---- damaged pages ---- */

static JET_ERR note_damage(struct redo *redo, uint8_t dbid, pgno_t pgno, JET_ERR cause) {
    for (struct redo_damage *d = redo->damaged; d; d = d->next)
        if (d->dbid == dbid && d->pgno == pgno)
            return JET_errSuccess;
    struct redo_damage *d = calloc(1, sizeof *d);
    if (!d)
        return RAISE(JET_errOutOfMemory);
    *d = (struct redo_damage){redo->damaged, dbid, pgno, cause};
    redo->damaged = d;
    return JET_errSuccess;
}

static void heal_damage(struct redo *redo, uint8_t dbid, pgno_t pgno) {
    for (struct redo_damage **at = &redo->damaged; *at; at = &(*at)->next)
        if ((*at)->dbid == dbid && (*at)->pgno == pgno) {
            struct redo_damage *d = *at;
            *at = d->next;
            free(d);
            return;
        }
}

static bool is_damaged(const struct redo *redo, uint8_t dbid, pgno_t pgno) {
    for (const struct redo_damage *d = redo->damaged; d; d = d->next)
        if (d->dbid == dbid && d->pgno == pgno)
            return true;
    return false;
}

static bool has_damage(const struct redo *redo, uint8_t dbid) {
    for (const struct redo_damage *d = redo->damaged; d; d = d->next)
        if (d->dbid == dbid)
            return true;
    return false;
}

static bool page_is_unreadable(JET_ERR err) {
    return err == JET_errReadVerifyFailure || err == JET_errReadPgnoVerifyFailure ||
           err == JET_errReadLostFlushVerifyFailure || err == JET_errPageNotInitialized ||
           err == JET_errFileIOBeyondEOF || err == JET_errDatabaseCorrupted;
}

/* ---- pages ---- */

static JET_ERR redo_page(struct redo *redo, struct db *db, const struct change *change, const struct change_page *part,
                         const struct log_record *record) {
    JET_ERR err = JET_errSuccess;
    struct page_ref ref = {0};

    if (part->pgno == 0 || part->pgno > PAGES_MAX)
        FAIL(JET_errLogFileCorrupt);
    if (!part->has_image && is_damaged(redo, change->dbid, part->pgno))
        goto cleanup;
    err = part->has_image ? cache_latch_new(db->pages, part->pgno, &ref)
                          : cache_latch(db->pages, part->pgno, LATCH_EXCLUSIVE, &ref);
    if (page_is_unreadable(err)) {
        err = note_damage(redo, change->dbid, part->pgno, err);
        goto cleanup;
    }
    CALL(err);
    if (!part->has_image && !BROKEN(redo_again)) {
        dbtime_t now = page_dbtime(&ref.page);
        if (now >= change->dbtime)
            goto cleanup;
        if (now != part->before) {
            event_write(&redo->inst->events, EVENT_DBTIME_MISMATCH, EVENT_ERROR,
                        "database %s page %u has dbtime %llu where the log expects %llu: a write of this page was lost",
                        db->path, part->pgno, (unsigned long long)now, (unsigned long long)part->before);
            FAIL(now < part->before ? JET_errDbTimeTooOld : JET_errDbTimeTooNew);
        }
    }
    cache_mark_dirty(&ref, record->begin);
    err = change_apply(&ref.page, part->pgno, part, change->dbtime);
    if (err < JET_errSuccess) {
        cache_discard(&ref);
        goto cleanup;
    }
    cache_set_change(&ref, record->end);
    if (part->has_image)
        heal_damage(redo, change->dbid, part->pgno);
    objid_t objid = page_objid(&ref.page);
    if (objid > atomic_load(&db->objid_last))
        atomic_store(&db->objid_last, objid);
cleanup:
    cache_unlatch(&ref);
    return err;
}

/* ---- databases ---- */

static bool same_signature(const JET_SIGNATURE *a, const JET_SIGNATURE *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* By its path also where another database is in its new place, if what is not in the map is left out: that must be an
 * error then. Not in a restore, whose map is of the set's databases and not of those that were made in their places. */
static const struct path_map *find_map(const struct redo *redo, const struct db_attachment *attachment) {
    const struct path_map *by_path = NULL;
    const bool always = redo->options->map_only && !redo->options->set_high;
    for (unsigned i = 0; i < redo->options->map_count; i++) {
        const struct path_map *m = &redo->options->map[i];
        if (m->has_signature && same_signature(&m->signature, &attachment->signature))
            return m;
        if ((!m->has_signature || always) && strcmp(m->from, attachment->path) == 0)
            by_path = m;
    }
    return by_path;
}

/* Where the database of a record is looked for: as the map says, or in JET_paramAlternateDatabaseRecoveryPath. */
static JET_ERR locate(const struct redo *redo, struct db_attachment *attachment, bool *wanted) {
    char path[OS_PATH_MAX];
    const char *alternate = redo->inst->config.alternate_path;
    const struct path_map *map = find_map(redo, attachment);

    *wanted = map || !redo->options->map_only;
    if (map) {
        memcpy(attachment->path, map->to, sizeof attachment->path);
    } else if (*alternate) {
        JET_ERR err = os_path_join(path, alternate, os_path_name(attachment->path));
        if (err < JET_errSuccess)
            return err;
        memcpy(attachment->path, path, sizeof attachment->path);
    }
    return JET_errSuccess;
}

static bool closed_by_redo(const struct redo *redo, lgpos_t consistent) {
    for (const struct redo_closed *c = redo->closed; c; c = c->next)
        if (c->at == consistent)
            return true;
    return false;
}

/* Which records the file already holds: a clean file all before its last clean stop, a dirty one all before its last
 * attach. An attach makes the header dirty, and the log's own, before any page changes; so a clean file needs nothing
 * of the log, or it is not the file that was changed. */
static JET_ERR place_in_log(struct redo *redo, struct redo_db *r) {
    const struct dbheader *h = r->db->header;
    JET_SIGNATURE ours = redo->signature;
    bool clean = le32(h->state) == JET_dbstateCleanShutdown;
    bool same_log = memcmp(&h->sign_log, &ours, 28) == 0;

    if (!redo->options->set_high && le32(h->full_cur.gen_low) != 0 && !clean) {
        event_write(&redo->inst->events, EVENT_ATTACH_TO_BACKUP_SET_DATABASE, EVENT_ERROR,
                    "database %s is an unrestored copy from a backup set", r->db->path);
        return RAISE(JET_errSoftRecoveryOnBackupDatabase);
    }
    r->skip_until = 0;
    r->finished = r->carried = false;
    if (le32(h->state) == JET_dbstateJustCreated)
        return JET_errSuccess;
    if (clean) {
        r->skip_until = same_log ? disk_lgpos_get(&h->lgpos_consistent) : 0;
        r->finished = !closed_by_redo(redo, r->skip_until);
        return JET_errSuccess;
    }
    if (!same_log)
        return RAISE(JET_errBadLogSignature);
    if (le32(h->gen_min_required) < redo->first) {
        event_write(&redo->inst->events, EVENT_REDO_MISSING_LOW_LOG, EVENT_ERROR,
                    "database %s requires log generations %u to %u; recovery begins with %u", r->db->path,
                    le32(h->gen_min_required), le32(h->gen_max_required), redo->first);
        return RAISE(JET_errRequiredLogFilesMissing);
    }
    r->skip_until = disk_lgpos_get(&h->lgpos_attach);
    return JET_errSuccess;
}

/* The file is not the one of which the log speaks. */
static void set_missing(struct redo_db *r, JET_ERR why) {
    r->missing = why;
    if (r->db)
        db_abandon(r->db);
    r->db = NULL;
}

static void set_mismatched(const struct redo *redo, struct redo_db *r, lgpos_t at) {
    event_write(&redo->inst->events, EVENT_DB_MISMATCH_DURING_RECOVERY, EVENT_ERROR,
                "database %s is an older or another copy than the log expects at %08X:%08X", r->attachment.path,
                lgpos_gen(at), lgpos_offset(at));
    set_missing(r, RAISE(JET_errAttachedDatabaseMismatch));
}

/* A process may have died between the two copies of the header, and before the first was durable. The log will not say
 * again what the header says now, so it is written whole. */
static JET_ERR settle_header(struct db *db) {
    os_mutex_lock(&db->header_mutex);
    JET_ERR err = db_write_header(db);
    os_mutex_unlock(&db->header_mutex);
    return err;
}

/* Has the restore put a database there? */
static bool is_restored(const struct redo *redo, const char *path) {
    for (unsigned i = 0; i < redo->options->map_count; i++)
        if (strcmp(redo->options->map[i].to, path) == 0)
            return true;
    for (const struct redo_closed *c = redo->closed; c; c = c->next)
        if (strcmp(c->path, path) == 0)
            return true;
    return false;
}

/* Opens the database of a record, once. A file that is not there (any more) or is another one is remembered as
 * missing: only if the log ends with it attached that is an error. */
static JET_ERR open_db(struct redo *redo, struct redo_db *r, bool may_make) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = redo->inst;
    const char *path = r->attachment.path;

    if (r->db || r->missing < JET_errSuccess || !r->attached || r->unwanted)
        return JET_errSuccess;
    err = db_open_for_redo(inst, path, r->attachment.dbid, &r->attachment.signature, &r->db);
    if (err == JET_errBadDbSignature && may_make && is_restored(redo, path)) { /* one that was there before it */
        CALL(os_remove(path));
        err = JET_errDatabaseNotFound;
    }
    if (err == JET_errDatabaseNotFound && may_make)
        err = db_recreate_for_redo(inst, path, r->attachment.dbid, &r->attachment.signature, &r->db);
    if (err == JET_errInvalidPath) /* its directory is gone, too */
        err = JET_errDatabaseNotFound;
    if (err >= JET_errSuccess)
        err = place_in_log(redo, r);
    if (err == JET_errDatabaseNotFound || err == JET_errBadDbSignature || err == JET_errBadLogSignature ||
        err == JET_errDatabaseCorrupted || err == JET_errFileAccessDenied || err == JET_errRequiredLogFilesMissing) {
        set_missing(r, err);
        return JET_errSuccess;
    }
    CALL(err);
    inst->dbs[r->attachment.dbid] = r->db;
    CALL(settle_header(r->db));
cleanup:
    if (err < JET_errSuccess && r->db) {
        db_abandon(r->db);
        r->db = NULL;
    }
    return err;
}

static JET_ERR make_clean(struct redo *redo, struct redo_db *r) {
    JET_ERR err = JET_errSuccess;
    lgpos_t oldest;
    struct redo_closed *closed = calloc(1, sizeof *closed);

    if (!closed)
        FAIL(JET_errOutOfMemory);
    CALL(db_fit_file(r->db));
    CALL(cache_write(r->db->pages, UINT64_MAX));
    CALL(cache_sync(r->db->pages, &oldest));
    CALL(db_write_clean(r->db, r->detached_at));
    closed->at = r->detached_at;
    memcpy(closed->path, r->db->path, sizeof closed->path);
    closed->next = redo->closed;
    redo->closed = closed;
    closed = NULL;
cleanup:
    free(closed);
    return err;
}

/* A database that the log leaves detached is clean as of that record. It is made so only when the log says no more
 * about it: a restored one cannot be attached before (P13). A creation that was given up leaves no file. */
static JET_ERR close_detached(struct redo *redo, struct redo_db *r) {
    JET_ERR err = JET_errSuccess;

    if (r->db) {
        const unsigned state = le32(r->db->header->state);
        const bool given_up = r->creating && state == JET_dbstateJustCreated;
        char path[OS_PATH_MAX];
        memcpy(path, r->db->path, sizeof path);
        if (r->detached_at && state == JET_dbstateDirtyShutdown && !has_damage(redo, r->db->dbid))
            CALL(make_clean(redo, r));
        db_abandon(r->db);
        r->db = NULL;
        if (given_up)
            CALL(os_remove(path));
    }
    memset(r, 0, sizeof *r);
cleanup:
    return err;
}

JET_ERR redo_close_detached(struct redo *redo) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (!redo->dbs[id].attached)
            CALL(close_detached(redo, &redo->dbs[id]));
cleanup:
    return err;
}

static void detach_db(struct redo *redo, uint8_t dbid, lgpos_t begin) {
    struct redo_db *r = &redo->dbs[dbid];
    r->attached = false;
    r->missing = JET_errSuccess;
    r->detached_at = r->db && begin >= r->skip_until ? begin : 0;
    forget_deletes(redo, dbid);
}

/* The file was clean just before it was attached, and has been attached since then only by this log. */
static bool is_older(const struct redo_db *r, lgpos_t attach) {
    const struct dbheader *h = r->db->header;
    return le32(h->state) == JET_dbstateDirtyShutdown && !r->carried && disk_lgpos_get(&h->lgpos_attach) < attach;
}

/* As in an attach: the pages first, since a dirty header says that all before it is there. */
static JET_ERR make_dirty(struct redo *redo, struct redo_db *r, lgpos_t attach) {
    JET_ERR err = JET_errSuccess;
    lgpos_t oldest;

    if (le32(r->db->header->state) == JET_dbstateDirtyShutdown)
        return JET_errSuccess;
    CALL(cache_write(r->db->pages, UINT64_MAX));
    CALL(cache_sync(r->db->pages, &oldest));
    CALL(db_attach_for_redo(r->db, attach, &redo->signature));
cleanup:
    return err;
}

/* Redo keeps a detached database open, in case it is attached again: here it comes under another number. */
static JET_ERR close_elsewhere(struct redo *redo, const struct db_attachment *attachment) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct redo_db *r = &redo->dbs[id];
        if (id != attachment->dbid && !r->attached && r->db &&
            (same_signature(&r->attachment.signature, &attachment->signature) ||
             strcmp(r->db->path, attachment->path) == 0))
            CALL(close_detached(redo, r));
    }
cleanup:
    return err;
}

/* attachment: as the log has it. begin: of the record; 0: from an attachment list. */
static JET_ERR attach_db(struct redo *redo, struct db_attachment *attachment, bool creating, lgpos_t begin) {
    JET_ERR err = JET_errSuccess;
    bool wanted;

    CALL(locate(redo, attachment, &wanted));
    struct redo_db *r = &redo->dbs[attachment->dbid];
    const bool same = same_signature(&r->attachment.signature, &attachment->signature) &&
                      strcmp(r->attachment.path, attachment->path) == 0;
    /* Creation makes the file before it is logged. So a file that is gone was deleted since; but a restore goes back to
     * before that. */
    const lggen_t set_high = redo->options->set_high;
    const bool may_make = creating && set_high && (redo->options->in_place || lgpos_gen(begin) > set_high);

    if (!same && r->attached && !r->creating)
        detach_db(redo, attachment->dbid, begin); /* its attach failed when it had been logged, or it was left out */
    if (begin && forget_left_out(redo, attachment->dbid))
        r->detached_at = 0; /* not clean */
    if (!same || !r->db)
        CALL(close_detached(redo, r));
    CALL(close_elsewhere(redo, attachment));
    r->attached = true;
    r->creating = creating;
    r->carried |= r->detached_at != 0;
    r->detached_at = 0;
    r->attachment = *attachment;
    r->unwanted = !wanted;
    CALL(open_db(redo, r, may_make));
    if (r->db && begin && is_older(r, begin))
        set_mismatched(redo, r, begin);
    if (r->db && !creating && !r->finished && begin && begin >= r->skip_until)
        CALL(make_dirty(redo, r, begin));
cleanup:
    return err;
}

JET_ERR redo_attachments(struct redo *redo, struct slice list) {
    JET_ERR err = JET_errSuccess;
    while (list.n > 0) {
        struct db_attachment attachment;
        CALL(db_attach_list_next(&list, &attachment));
        CALL(attach_db(redo, &attachment, false, 0));
    }
cleanup:
    return err;
}

/* ---- records ---- */

static JET_ERR redo_change(struct redo *redo, const struct log_record *record) {
    JET_ERR err = JET_errSuccess;
    struct change change;

    CALL(change_decode(slice(record->data, record->bytes), &change));
    if (change.dbid < DB_FIRST_DBID || change.dbid > DB_MAX)
        FAIL(JET_errLogFileCorrupt);
    if (change.compensates)
        pop_undo(redo, change.trx, change.dbid);
    else if (change.has_undo && change.undo.op == UNDO_TREE_FREED)
        tree_freed(redo, change.dbid, &change.undo);
    else if (change.has_undo)
        CALL(push_undo(redo, &change, record->begin));
    struct redo_db *r = &redo->dbs[change.dbid];
    CALL(open_db(redo, r, false));
    if (!r->attached || !r->db || record->begin < r->skip_until)
        goto cleanup;
    if (r->finished) {
        set_mismatched(redo, r, record->begin);
        goto cleanup;
    }
    if (change.dbtime > atomic_load(&r->db->dbtime))
        atomic_store(&r->db->dbtime, change.dbtime);
    struct slice pages = change.pages;
    for (unsigned i = 0; i < change.page_count; i++) {
        struct change_page part;
        CALL(change_next_page(&pages, &part));
        CALL(redo_page(redo, r->db, &change, &part, record));
    }
    redo->changes++;
cleanup:
    return err;
}

/* The stamp that a finished backup left in the header. */
static JET_ERR redo_backup(struct redo *redo, const struct log_record *record) {
    JET_ERR err = JET_errSuccess;

    if (record->bytes != 28 || record->data[1] < STAMP_FULL || record->data[1] > STAMP_DIFFERENTIAL ||
        record->data[2] > DB_MAX)
        FAIL(JET_errLogFileCorrupt);
    struct redo_db *r = &redo->dbs[record->data[2]];
    if (record->data[0] != 2 || !r->attached)
        goto cleanup;
    CALL(open_db(redo, r, false));
    if (r->db && !r->finished && record->begin >= r->skip_until)
        CALL(
            db_stamp_backup(r->db, (enum backup_stamp)record->data[1], (const struct disk_bkinfo *)(record->data + 4)));
cleanup:
    return err;
}

JET_ERR redo_record(struct redo *redo, const struct log_record *record) {
    JET_ERR err = JET_errSuccess;
    struct db_attachment attachment;
    uint32_t page_size;

    redo->records++;
    switch (record->type) {
    case LOGREC_CHANGE:
        CALL(redo_change(redo, record));
        break;
    case LOGREC_COMMIT:
    case LOGREC_ROLLBACK:
        if (record->bytes != 8)
            FAIL(JET_errLogFileCorrupt);
        if (record->type == LOGREC_COMMIT)
            end_trx(redo, load64(record->data), true);
        else
            roll_back_trx(redo, load64(record->data));
        break;
    case LOGREC_CREATE_DB:
    case LOGREC_ATTACH_DB:
        CALL(db_record_decode(slice(record->data, record->bytes), &attachment, &page_size));
        if (page_size != redo->inst->config.page_size)
            FAIL(JET_errPageSizeMismatch);
        CALL(attach_db(redo, &attachment, record->type == LOGREC_CREATE_DB, record->begin));
        break;
    case LOGREC_DETACH_DB:
        if (record->bytes != 1 || record->data[0] < DB_FIRST_DBID || record->data[0] > DB_MAX)
            FAIL(JET_errLogFileCorrupt);
        detach_db(redo, record->data[0], record->begin);
        break;
    case LOGREC_BACKUP:
        CALL(redo_backup(redo, record));
        break;
    case LOGREC_INIT:
    case LOGREC_TERM:
        break;
    default:
        FAIL(JET_errLogFileCorrupt);
    }
cleanup:
    return err;
}

JET_ERR redo_write(struct redo *redo) {
    JET_ERR err = JET_errSuccess;
    lgpos_t oldest;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = redo->dbs[id].db;
        if (!db)
            continue;
        CALL(cache_write(db->pages, UINT64_MAX));
        CALL(cache_sync(db->pages, &oldest));
    }
cleanup:
    return err;
}

void redo_free(struct redo *redo) {
    for (unsigned i = 0; i < REDO_BUCKETS; i++)
        while (redo->trxs[i])
            end_trx(redo, redo->trxs[i]->id, false);
    for (struct redo_undo *u = redo->committed_deletes, *older; u; u = older) {
        older = u->older;
        free(u);
    }
    for (struct redo_damage *d = redo->damaged, *next; d; d = next) {
        next = d->next;
        free(d);
    }
    for (struct redo_closed *c = redo->closed, *next; c; c = next) {
        next = c->next;
        free(c);
    }
}
