/* Recovery, as a story:
 *
 *   1  find the log: none at all starts a new stream
 *   2  read the checkpoint: where redo begins, and which databases were attached there; without a usable one redo
 *      begins with the lowest log file and the attachments in its header (a restore always does, with the set's)
 *   3  redo every record to the end of the log
 *   4  check that nothing is missing: generations that a header requires, databases, damaged pages
 *   5  make the log writable behind its last record
 *   6  undo the transactions that did not end, newest change first; each undo is logged (P6)
 *   7  finish what committed deletes left: nodes to remove, trees to free
 *   8  write everything, stamp the databases clean, move the checkpoint to the end
 *
 * A crash at any point repeats this from 1: until 8 the checkpoint stays where it was, and redo is idempotent (P4).
 * A recovery without undo is the same: it ends before 4 as a crash would, with all pages written. Log files behind the
 * end that the caller set go in 5, when it is known that nothing needs them. */
#include "recovery/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/breaks.h"
#include "engine/cat.h"
#include "recovery/redo.h"

/* Where redo begins. */
struct start {
    lgpos_t from;
    bool has_checkpoint;
    struct log_checkpoint checkpoint;
};

static JET_ERR find_start(struct inst *inst, const struct recovery_options *options, const struct log_range *range,
                          struct start *out) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    lggen_t lowest = range->low ? range->low : range->current;

    if (options->set_high) {
        out->from = lgpos_make(options->set_low, 0);
        return JET_errSuccess;
    }
    CALL(checkpoint_path(&inst->config, path));
    err = log_checkpoint_read(path, &out->checkpoint, NULL);
    if (err >= JET_errSuccess) {
        out->has_checkpoint = true;
        out->from = out->checkpoint.position;
        return JET_errSuccess;
    }
    if (err != JET_errCheckpointFileNotFound && err != JET_errCheckpointCorrupt)
        goto cleanup;
    err = JET_errSuccess;
    out->from = lgpos_make(lowest, 0);
cleanup:
    return err;
}

/* A log that is to end before redo begins is not the one that the checkpoint speaks of. */
static JET_ERR check_start(struct inst *inst, const struct recovery_options *options, const struct start *start) {
    if (!options->last || lgpos_gen(start->from) <= options->last)
        return JET_errSuccess;
    event_write(&inst->events, EVENT_LOG_RANGE_MISSING, EVENT_ERROR,
                "recovery begins with log generation %u, but the log in %s ends with %u", lgpos_gen(start->from),
                inst->config.log_dir.path, options->last);
    return RAISE(JET_errRequiredLogFilesMissing);
}

static JET_ERR remove_checkpoint(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct os_stat st;

    CALL(checkpoint_path(&inst->config, path));
    CALL(os_stat(path, &st));
    if (st.kind != OS_FILE)
        goto cleanup;
    CALL(os_remove(path));
    CALL(os_sync_parent(path));
cleanup:
    return err;
}

static JET_ERR open_reader(struct inst *inst, const struct recovery_options *options, const struct start *start,
                           struct log_reader **out) {
    struct log_reader_config config = {.last = options->last, .from = start->from, .events = &inst->events};
    if (options->stop)
        config.last = lgpos_gen(options->stop);
    config.dirs[0] = inst->config.log_dir;
    if (options->set_high) {
        snprintf(config.dirs[0].path, sizeof config.dirs[0].path, "%s", options->set_dir);
        config.dirs[1] = inst->config.log_dir;
        config.dirs0_high = options->set_high;
    } else {
        config.signature = start->has_checkpoint ? &start->checkpoint.signature : NULL;
    }
    return log_reader_open(&config, out);
}

static JET_ERR check_log_fits(const struct inst *inst, const struct log_header *header) {
    if (header->page_size != inst->config.page_size)
        return RAISE(JET_errPageSizeMismatch);
    return JET_errSuccess;
}

/* What a process left that died before it had synced is read all the same, so it must be durable before a page that it
 * changes is (P1): the end of the log, and the names of its files. */
static JET_ERR make_durable(const struct log_dir *dir) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    char path[OS_PATH_MAX];

    CALL(log_path_current(dir, path));
    err = os_open(path, OS_READ, &file);
    if (err >= JET_errSuccess)
        CALL(os_sync(file));
    else if (err != JET_errFileNotFound)
        goto cleanup;
    CALL(os_sync_dir(dir->path));
cleanup:
    os_close(file);
    return err;
}

/* 3. last: the highest generation that there is. */
static JET_ERR redo_all(struct redo *redo, struct log_reader *reader, lggen_t last) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = redo->inst;
    const struct recovery_options *options = redo->options;
    lggen_t gen = 0;

    for (;;) {
        struct log_record record;
        err = log_reader_next(reader, &record);
        if (lgpos_gen(log_reader_end(reader)) != gen || log_reader_header(reader)->gen > gen) {
            JET_ERR stopped = JET_errSuccess;
            if (gen && options->progress)
                stopped = options->progress(options->context, redo->first, gen, last);
            if (stopped < JET_errSuccess)
                return stopped;
            gen = log_reader_header(reader)->gen;
            event_write(&inst->events, EVENT_STATUS_REDO, EVENT_INFO, "redoing log file %s", log_reader_path(reader));
        }
        if (err == JET_errNoCurrentRecord)
            break;
        CALL(err);
        if (options->stop && record.begin >= options->stop)
            break;
        CALL(redo_record(redo, &record));
    }
    redo->end = log_reader_end(reader);
    err = check_log_fits(inst, log_reader_header(reader));
cleanup:
    return err;
}

/* Instead of 4 to 8. */
static JET_ERR end_without_undo(struct redo *redo) {
    JET_ERR err = redo_write(redo);
    if (err < JET_errSuccess)
        return err;
    event_write(&redo->inst->events, EVENT_STOP_REDO_WITHOUT_UNDO, EVENT_INFO,
                "recovery ended at %08X:%08X without undo", lgpos_gen(redo->end), lgpos_offset(redo->end));
    return RAISE(JET_errRecoveredWithoutUndo);
}

/* 4 */
static JET_ERR check_complete(struct redo *redo, lggen_t last_gen) {
    const struct event_sink *events = &redo->inst->events;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct redo_db *r = &redo->dbs[id];
        if (!r->attached || r->creating || r->unwanted)
            continue;
        if (!r->db && r->missing == JET_errDatabaseNotFound && redo->options->ignore_missing_dbs) {
            event_write(events, EVENT_ATTACHED_DB_MISMATCH, EVENT_WARNING,
                        "database %s is missing; recovery goes on without it", r->attachment.path);
            continue;
        }
        if (!r->db) {
            event_write(events, EVENT_ATTACHED_DB_MISMATCH, EVENT_ERROR,
                        "database %s is attached at the end of the log but cannot be recovered: error %d (%s)",
                        r->attachment.path, (int)r->missing, err_name(r->missing));
            return RAISE(r->missing == JET_errDatabaseNotFound ? JET_errAttachedDatabaseMismatch : r->missing);
        }
        if (le32(r->db->header->gen_max_required) > last_gen || r->skip_until > redo->end) {
            event_write(events, EVENT_REDO_MISSING_HIGH_LOG, EVENT_ERROR,
                        "database %s requires log generation %u; the last one found is %u", r->db->path,
                        le32(r->db->header->gen_max_required), last_gen);
            return RAISE(JET_errRequiredLogFilesMissing);
        }
    }
    for (struct redo_damage *d = redo->damaged; d; d = d->next) {
        event_write(events, EVENT_PAGE_READ_ERROR, EVENT_ERROR,
                    "database %u page %u is damaged (error %d) and the log holds no image of it", d->dbid, d->pgno,
                    (int)d->err);
        return RAISE(d->err);
    }
    return JET_errSuccess;
}

/* A creation whose end is not in the log was never acknowledged. */
static JET_ERR drop_unfinished(struct redo *redo) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct redo_db *r = &redo->dbs[id];
        if (!r->db || !r->creating)
            continue;
        char path[OS_PATH_MAX];
        memcpy(path, r->db->path, sizeof path);
        db_abandon(r->db);
        memset(r, 0, sizeof *r);
        CALL(os_remove(path));
    }
cleanup:
    return err;
}

/* A tree that is gone since needs nothing. */
static JET_ERR purge(struct redo *redo, const struct undo *undo) {
    struct db *db = inst_db(redo->inst, undo->dbid);
    struct tree *tree = NULL;
    if (!db)
        return JET_errSuccess;
    JET_ERR err = undo_open_tree(db, undo, &tree);
    if (err == JET_errObjectNotFound)
        return JET_errSuccess;
    return err < JET_errSuccess ? err : undo_purge_deleted(tree, undo->key);
}

/* 6 */
static JET_ERR undo_transaction(struct redo *redo, struct redo_trx *trx) {
    JET_ERR err = JET_errSuccess;
    for (struct redo_undo *u = trx->newest; u; u = u->older) {
        struct db *db = inst_db(redo->inst, u->undo.dbid);
        if (db)
            CALL(undo_apply(db, trx->id, &u->undo));
    }
    le64_t id = to_le64(trx->id);
    struct log_part part = {&id, sizeof id};
    lgpos_t begin, end;
    CALL(log_append(redo->inst->log, LOGREC_ROLLBACK, &part, 1, &begin, &end));
    for (struct redo_undo *u = trx->newest; u; u = u->older) /* deleted nodes that the transaction had brought back */
        if (u->undo.op == UNDO_INSERT && u->undo.had_before)
            CALL(purge(redo, &u->undo));
cleanup:
    return err;
}

static JET_ERR undo_all(struct redo *redo, unsigned *count) {
    JET_ERR err = JET_errSuccess;
    *count = 0;
    for (unsigned i = 0; i < REDO_BUCKETS; i++)
        for (struct redo_trx *trx = redo->trxs[i]; trx; trx = trx->next) {
            CALL(undo_transaction(redo, trx));
            ++*count;
        }
cleanup:
    return err;
}

/* 7 */
static JET_ERR finish_deletes(struct redo *redo) {
    JET_ERR err = JET_errSuccess;
    for (struct redo_undo *u = redo->committed_deletes; u; u = u->older)
        if (u->undo.op == UNDO_DELETE)
            CALL(purge(redo, &u->undo));
    for (struct redo_undo *u = redo->committed_deletes; u; u = u->older) {
        struct db *db = inst_db(redo->inst, u->undo.dbid);
        if (db && u->undo.op == UNDO_DELETE_TREE)
            CALL(undo_free_deleted_tree(db, &u->undo));
    }
cleanup:
    return err;
}

/* Before 5. A restore leaves no checkpoint of what was before it: that may be in a log file that goes. */
static JET_ERR cut_log(struct inst *inst, const struct recovery_options *options) {
    JET_ERR err = JET_errSuccess;
    uint32_t count;

    if (!options->last)
        return JET_errSuccess;
    if (options->set_high)
        CALL(remove_checkpoint(inst));
    CALL(log_dir_cut(&inst->config.log_dir, options->set_high, options->last, options->keep, &count));
    if (count)
        event_write(&inst->events, EVENT_BACKUP_TRUNCATE, EVENT_INFO,
                    "%u log files behind generation %u were deleted from %s", count, options->keep,
                    inst->config.log_dir.path);
cleanup:
    return err;
}

/* 5 */
static JET_ERR make_writable(struct inst *inst, const struct log_header *last, lgpos_t end) {
    JET_ERR err = JET_errSuccess;
    struct log_config config = {
        .dir = inst->config.log_dir,
        .file_bytes = last->file_bytes,
        .page_size = inst->config.page_size,
        .circular = inst->config.circular,
        .events = &inst->events,
    };
    CALL(log_continue(&config, last, end, &inst->log));
    inst->config.log_file_bytes = last->file_bytes; /* a stream keeps the size it began with */
    cache_set_log(inst->cache, inst->log);
    uint8_t list[LOG_ATTACH_MAX];
    log_set_attachments(inst->log, list, db_attach_list(inst, list));
cleanup:
    return err;
}

static JET_ERR begin_stream(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    struct log_config config = {
        .dir = inst->config.log_dir,
        .file_bytes = inst->config.log_file_bytes,
        .page_size = inst->config.page_size,
        .circular = inst->config.circular,
        .events = &inst->events,
    };
    CALL(remove_checkpoint(inst)); /* one of an earlier stream would not fit */
    CALL(log_create(&config, &inst->log));
    cache_set_log(inst->cache, inst->log);
    os_mutex_lock(&inst->mutex);
    atomic_store(&inst->checkpoint, 0);
    err = checkpoint_update(inst, 0);
    os_mutex_unlock(&inst->mutex);
cleanup:
    return err;
}

/* 8 */
static JET_ERR shut_clean(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    os_mutex_lock(&inst->mutex);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id])
            CALL(db_detach(inst->dbs[id]));
    log_set_attachments(inst->log, "", 0);
    CALL(checkpoint_update(inst, 0));
cleanup:
    os_mutex_unlock(&inst->mutex);
    return err;
}

/* The generation with which the next incremental backup of the recovered databases begins. 0: there are none. */
static lggen_t next_incremental(const struct inst *inst) {
    lggen_t lowest = 0;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        const struct dbheader *h = inst->dbs[id] ? inst->dbs[id]->header : NULL;
        if (!h)
            continue;
        lggen_t full = le32(h->full_prev.gen_high), inc = le32(h->inc_prev.gen_high);
        lggen_t next = le32(h->full_prev.gen_low) ? (full > inc ? full : inc) + 1 : LOG_GEN_MAX;
        lowest = !lowest || next < lowest ? next : lowest;
    }
    return lowest;
}

/* A database that is not here may need the log files when it is back. */
static bool left_out(const struct redo *redo) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (redo->dbs[id].attached && !redo->dbs[id].db)
            return true;
    return false;
}

static JET_ERR finish(struct redo *redo, unsigned *undone) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (redo->dbs[id].db)
            CALL(db_after_redo(redo->dbs[id].db));
    if (!BROKEN(open_not_undone))
        CALL(undo_all(redo, undone));
    CALL(finish_deletes(redo));
    const lggen_t next = next_incremental(redo->inst);
    CALL(shut_clean(redo->inst));
    const lggen_t low = lgpos_gen(atomic_load(&redo->inst->checkpoint));
    if (redo->options->truncate && !left_out(redo))
        CALL(log_truncate(redo->inst->log, next < low ? next : low, NULL));
cleanup:
    /* A record speaks of a tree that the database does not have: it is no record of ours. */
    return err == JET_errObjectNotFound ? RAISE(JET_errLogFileCorrupt) : err;
}

static lggen_t last_generation(const struct recovery_options *options, const struct log_range *range) {
    lggen_t last = range->high > range->current ? range->high : range->current;
    last = options->set_high > last ? options->set_high : last;
    lggen_t limit = options->stop ? lgpos_gen(options->stop) : options->last;
    return limit && limit < last ? limit : last;
}

static JET_ERR recover(struct inst *inst, const struct recovery_options *options, const struct log_range *range) {
    JET_ERR err = JET_errSuccess;
    struct log_reader *reader = NULL;
    struct start *start = calloc(1, sizeof *start);
    struct redo *redo = calloc(1, sizeof *redo);
    unsigned undone = 0;

    if (!start || !redo)
        FAIL(JET_errOutOfMemory);
    CALL(find_start(inst, options, range, start));
    CALL(check_start(inst, options, start));
    CALL(open_reader(inst, options, start, &reader));
    CALL(check_log_fits(inst, log_reader_header(reader)));
    redo->inst = inst;
    redo->options = options;
    redo->signature = log_reader_header(reader)->signature;
    redo->first = lgpos_gen(start->from);
    event_write(&inst->events, EVENT_START_REDO, EVENT_INFO, "recovery begins at %08X:%08X", lgpos_gen(start->from),
                lgpos_offset(start->from));
    if (start->has_checkpoint)
        CALL(redo_attachments(redo, slice(start->checkpoint.attach, start->checkpoint.attach_bytes)));
    else
        CALL(redo_attachments(redo, slice(log_reader_header(reader)->attach, log_reader_header(reader)->attach_bytes)));
    CALL(make_durable(&inst->config.log_dir));
    CALL(redo_all(redo, reader, last_generation(options, range)));
    if (options->no_undo || options->stop)
        CALL(end_without_undo(redo));
    CALL(redo_close_detached(redo));
    CALL(drop_unfinished(redo));
    CALL(check_complete(redo, log_reader_header(reader)->gen)); /* in which no record need have ended */
    CALL(cut_log(inst, options));
    CALL(make_writable(inst, log_reader_header(reader), redo->end));
    atomic_store(&inst->checkpoint, options->set_high ? 0 : start->from);
    CALL(finish(redo, &undone));
    event_write(&inst->events, EVENT_STOP_REDO, EVENT_INFO,
                "recovery ended: %llu records read, %llu changes, %u transactions undone",
                (unsigned long long)redo->records, (unsigned long long)redo->changes, undone);
cleanup:
    log_reader_close(reader);
    if (redo)
        redo_free(redo);
    free(redo);
    free(start);
    return err;
}

/* Nothing to begin with, or a reason why there is not: a current log that cannot be read, archives without one. */
static JET_ERR check_current(struct inst *inst, const struct recovery_options *options, const struct log_range *range,
                             bool *lost) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct os_stat st;
    struct log_header *header = NULL;

    *lost = false;
    if (range->current)
        return JET_errSuccess;
    CALL(log_path_current(&inst->config.log_dir, path));
    CALL(os_stat(path, &st));
    if (st.kind == OS_MISSING && range->low) {
        *lost = options->ignore_lost_logs;
        if (*lost || options->no_undo || options->stop)
            goto cleanup;
        event_write(&inst->events, EVENT_CURRENT_LOG_MISSING, EVENT_ERROR, "the current log file %s is missing", path);
        FAIL(JET_errMissingLogFile);
    }
    if (st.kind != OS_MISSING) {
        header = calloc(1, sizeof *header);
        if (!header)
            FAIL(JET_errOutOfMemory);
        err = log_header_read(path, header);
        if (err < JET_errSuccess)
            log_report_unreadable(&inst->events, path, err);
    }
cleanup:
    free(header);
    return err;
}

/* JET_paramCleanupMismatchedLogFiles: the databases are clean, so the log is no longer needed. Interrupted, it leaves
 * the end of the old stream, or none. */
static JET_ERR begin_anew(struct inst *inst, uint32_t file_bytes) {
    JET_ERR err = JET_errSuccess;

    event_write(&inst->events, EVENT_BACKUP_TRUNCATE, EVENT_INFO,
                "the log in %s begins anew: its files have %u bytes and should have %u", inst->config.log_dir.path,
                inst->config.log_file_bytes, file_bytes);
    cache_set_log(inst->cache, NULL);
    log_close(inst->log);
    inst->log = NULL;
    CALL(remove_checkpoint(inst));
    CALL(log_dir_clear(&inst->config.log_dir));
    inst->config.log_file_bytes = file_bytes;
    CALL(begin_stream(inst));
cleanup:
    return err;
}

static JET_ERR run(struct inst *inst, struct recovery_options *options) {
    JET_ERR err = JET_errSuccess;
    struct log_range range;
    bool lost = false;
    const uint32_t file_bytes = inst->config.log_file_bytes;
    const bool restores = options->set_high != 0;

    CALL(log_dir_scan(&inst->config.log_dir, &range));
    if (!restores)
        CALL(check_current(inst, options, &range, &lost));
    if (!restores && inst->config.delete_out_of_range && range.current && range.high >= range.current) {
        options->last = range.current;
        options->keep = range.current - 1;
    }
    if (!range.low && !range.current && !restores) {
        CALL(begin_stream(inst));
        return JET_errSuccess;
    }
    CALL(recover(inst, options, &range));
    if (!restores && inst->config.cleanup_mismatched && inst->config.log_file_bytes != file_bytes)
        CALL(begin_anew(inst, file_bytes));
    if (lost) {
        event_write(&inst->events, EVENT_LOST_LOGS_IGNORED, EVENT_WARNING,
                    "the current log file in %s is lost; recovery ended with generation %u", inst->config.log_dir.path,
                    range.high);
        err = JET_wrnCommittedLogFilesLost;
    }
cleanup:
    return err;
}

JET_ERR recovery_run(struct inst *inst, const struct recovery_options *options) {
    struct recovery_options own = options ? *options : (struct recovery_options){0};
    return run(inst, &own);
}
