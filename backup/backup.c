/* An online backup, as a story:
 *
 *   1 begin     refuse what cannot be; fix the low generation (that of the checkpoint file: every change that is not in
 *               the database files is logged from there on); log that a backup begins
 *   2 prepare   the target directory
 *   3 copy      each database, front to back, while writers write: header stamped "backup copy", every page verified
 *   4 roll      the log: the generations that hold the changes made during 3 are closed now
 *   5 logs      verify and copy low .. current-1
 *   6 finish    sync, manifest, promote: from here the set exists
 *   7 stamp     bkinfoFullPrev or bkinfoIncPrev in the live headers, logged
 *   8 truncate  the log files that neither crash recovery nor the next incremental needs
 *
 * An incremental backup is 1, 4, 5 (from the generation after the last backed up), 6, 7, 8 into the set that is there.
 * Without a path: 8. Pages are copied fuzzily and once: redo from the low generation brings each to one state, by its
 * dbtime. No writer waits but for the roll (P12). A failure before 6 removes what was written and changes nothing else
 * (P10); after it the set is good, and what fails then is reported by an event only. */
#include "backup/backup.h"

#include <stdio.h>
#include <stdlib.h>

#include "backup/copy.h"
#include "backup/set.h"
#include "base/checksum.h"
#include "base/clock.h"

struct backup {
    struct inst *inst;
    const struct backup_options *options;
    struct set set;
    char target[OS_PATH_MAX];
    bool wrote;              /* there may be something to remove */
    struct disk_bkinfo info; /* mark, time, generations of this backup */
    lggen_t low, high;       /* of the log files it holds (an incremental: adds) */
    uint64_t done_bytes, total_bytes;
    uint32_t reported;
};

/* ---- progress ---- */

static JET_ERR status(struct backup *b, JET_SNT snt, uint32_t percent) {
    b->reported = percent;
    return b->options->status ? b->options->status(b->options->context, snt, percent, 100) : JET_errSuccess;
}

static JET_ERR advance(void *context, uint64_t bytes) {
    struct backup *b = context;
    b->done_bytes += bytes;
    if (atomic_load(&b->inst->backup_stop))
        return RAISE(JET_errBackupAbortByServer);
    uint32_t percent = b->total_bytes ? (uint32_t)(b->done_bytes * 99 / b->total_bytes) : 0;
    percent = percent > 99 ? 99 : percent;
    return percent > b->reported ? status(b, JET_sntProgress, percent) : JET_errSuccess;
}

/* ---- 1 ---- */

static bool backs_up(const struct db *db) {
    return db && !db->read_only;
}

static JET_ERR missing_full(struct inst *inst, const struct db *db) {
    event_write(&inst->events, EVENT_MISS_FULL_BACKUP, EVENT_ERROR,
                "database %s has had no full backup: an incremental one is refused", db->path);
    return RAISE(JET_errMissingFullBackup);
}

static JET_ERR check_full_exists(struct inst *inst) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = inst->dbs[id];
        if (backs_up(db) && le32(db->header->full_prev.gen_low) == 0)
            return missing_full(inst, db);
    }
    return JET_errSuccess;
}

static JET_ERR log_backup(struct inst *inst, uint8_t phase, bool incremental, uint8_t dbid,
                          const struct disk_bkinfo *info, lgpos_t *begin) {
    JET_ERR err = JET_errSuccess;
    uint8_t record[28] = {phase, incremental ? 2 : 1, dbid};
    lgpos_t at, end;

    memcpy(record + 4, info, 24);
    struct log_part part = {record, sizeof record};
    CALL(log_append(inst->log, LOGREC_BACKUP, &part, 1, &at, &end));
    CALL(log_flush(inst->log, end));
    if (begin)
        *begin = at;
cleanup:
    return err;
}

static JET_ERR begin(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = b->inst;
    const bool incremental = b->options->incremental;
    lgpos_t mark = 0;

    os_mutex_lock(&inst->mutex);
    if (inst->backup_running) {
        os_mutex_unlock(&inst->mutex);
        return RAISE(JET_errBackupInProgress);
    }
    CALL(inst_usable(inst));
    if (incremental && inst->config.circular)
        FAIL(JET_errInvalidBackup);
    if (incremental && b->options->path && *b->options->path)
        CALL(check_full_exists(inst));
    inst->backup_running = true;
    atomic_store(&inst->backup_stop, false);
    b->low = lgpos_gen(atomic_load(&inst->checkpoint));
    atomic_store(&inst->backup_gen_low, b->low);
cleanup:
    os_mutex_unlock(&inst->mutex);
    if (err < JET_errSuccess || !b->options->path || !*b->options->path)
        return err;
    JET_LOGTIME now = clock_logtime();
    disk_logtime_store(&b->info.time, &now);
    b->info.gen_low = to_le32(b->low);
    event_write(&inst->events, incremental ? EVENT_START_INCREMENTAL_BACKUP : EVENT_START_FULL_BACKUP, EVENT_INFO,
                "%s backup to %s begins", incremental ? "incremental" : "full", b->options->path);
    err = log_backup(inst, 1, incremental, 0, &b->info, &mark);
    disk_lgpos_store(&b->info.mark, mark);
    return err;
}

static void end(struct inst *inst) {
    os_mutex_lock(&inst->mutex);
    inst->backup_running = false;
    atomic_store(&inst->backup_gen_low, 0);
    os_cond_broadcast(&inst->backup_ended);
    os_mutex_unlock(&inst->mutex);
}

void backup_stop(struct inst *inst) {
    os_mutex_lock(&inst->mutex);
    atomic_store(&inst->backup_stop, true);
    while (inst->backup_running)
        os_cond_wait(&inst->backup_ended, &inst->mutex);
    os_mutex_unlock(&inst->mutex);
}

/* ---- 2 ---- */

static JET_ERR is_in_set(const struct backup *b, const struct db *db, struct dbheader *header, bool *found) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    char path[OS_PATH_MAX];

    *found = false;
    for (uint32_t i = 0; i < b->set.file_count && !*found; i++) {
        if (b->set.files[i].is_log)
            continue;
        CALL(os_path_join(path, b->set.dir, b->set.files[i].name));
        CALL(os_open(path, OS_READ, &file));
        CALL(dbheader_read(file, header, NULL));
        os_close(file);
        file = NULL;
        *found = memcmp(&header->sign_db, &db->header->sign_db, sizeof header->sign_db) == 0;
    }
cleanup:
    os_close(file);
    return err;
}

/* Its full backup may be in another set: then this one could not be restored without it. */
static JET_ERR check_full_is_here(const struct backup *b) {
    JET_ERR err = JET_errSuccess;
    bool found;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = b->inst->dbs[id];
        if (!backs_up(db))
            continue;
        CALL(is_in_set(b, db, header, &found));
        if (!found)
            CALL(missing_full(b->inst, db));
    }
cleanup:
    free(header);
    return err;
}

/* An incremental backup goes to the set that is there, if it is ours and ends where this one begins. */
static JET_ERR find_own_set(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = b->inst;
    JET_SIGNATURE signature = log_signature(inst->log);

    err = set_find(b->options->path, &b->set);
    if (err == JET_errFileNotFound)
        FAIL(JET_errMissingFullBackup);
    CALL(err);
    if (memcmp(&b->set.signature, &signature, sizeof signature) != 0 ||
        strcmp(b->set.base, inst->config.log_dir.base) != 0)
        FAIL(JET_errInvalidBackup);
    CALL(check_full_is_here(b));
    b->low = b->set.high + 1;
    b->set.incremental = true;
    b->set.incremental_begin = disk_logtime_load(&b->info.time);
    snprintf(b->target, sizeof b->target, "%s", b->set.dir);
    if (log_lowest_gen(inst->log) > b->low) {
        event_write(&inst->events, EVENT_BACKUP_FILE_MISSING, EVENT_ERROR,
                    "log generations from %u on are needed to continue the set in %s; the lowest that exists is %u",
                    b->low, b->target, log_lowest_gen(inst->log));
        FAIL(JET_errInvalidLogSequence);
    }
cleanup:
    return err;
}

static JET_ERR begin_set(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = b->inst;

    CALL(set_prepare(b->options->path, b->options->atomic, inst->config.create_paths, b->target));
    b->wrote = true;
    set_init(&b->set);
    snprintf(b->set.dir, sizeof b->set.dir, "%s", b->target);
    memcpy(b->set.base, inst->config.log_dir.base, sizeof b->set.base);
    b->set.signature = log_signature(inst->log);
    b->set.page_size = inst->config.page_size;
    b->set.log_file_bytes = inst->config.log_file_bytes;
    b->set.low = b->low;
    b->set.full_begin = disk_logtime_load(&b->info.time);
cleanup:
    return err;
}

/* ---- 3 ---- */

static void header_for_copy(struct backup *b, struct db *db, struct dbheader *out) {
    os_mutex_lock(&db->header_mutex);
    memcpy(out, db->header, db->page_size);
    os_mutex_unlock(&db->header_mutex);
    out->full_cur = b->info;
    out->full_cur.gen_high = to_le32(0);
    out->gen_min_required = out->gen_min_consistent = to_le32(b->low);
    store64(&out->dbtime_dirtied, atomic_load(&db->dbtime));
    out->checksum = to_le32(sum_header(out, db->page_size));
}

static bool name_taken(const struct set *set, const char *name) {
    for (uint32_t i = 0; i < set->file_count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return true;
    return false;
}

static JET_ERR copy_one(struct backup *b, struct db *db) {
    JET_ERR err = JET_errSuccess;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    char name[256], to[OS_PATH_MAX];
    struct file_sum sum;
    struct copy_progress progress = {advance, b};

    if (!header)
        FAIL(JET_errOutOfMemory);
    snprintf(name, sizeof name, "%s", os_path_name(db->path));
    if (name_taken(&b->set, name))
        snprintf(name, sizeof name, "%u-%.200s", db->dbid, os_path_name(db->path));
    CALL(os_path_join(to, b->target, name));
    header_for_copy(b, db, header);
    uint32_t page_count = atomic_load(&db->page_count);
    event_write(&b->inst->events, EVENT_BACKUP_FILE_START, EVENT_INFO, "copying database %s, %llu bytes", db->path,
                ((unsigned long long)page_count + 2) * db->page_size);
    CALL(copy_database(db, header, page_count, to, &progress, false, &sum));
    JET_SIGNATURE signature = disk_signature_load(&header->sign_db);
    CALL(set_add_database(&b->set, name, db->path, &signature, page_count, &sum));
    event_write(&b->inst->events, EVENT_BACKUP_FILE_STOP_OK, EVENT_INFO, "copied database %s", db->path);
cleanup:
    free(header);
    if (err < JET_errSuccess)
        event_write(&b->inst->events, EVENT_BACKUP_ERROR_FOR_ONE_DATABASE, EVENT_ERROR,
                    "the copy of database %s failed: error %d (%s)", db->path, (int)err, err_name(err));
    return err;
}

/* Databases are not attached or detached while a backup runs, so they stay. */
static JET_ERR copy_databases(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (backs_up(b->inst->dbs[id]))
            CALL(copy_one(b, b->inst->dbs[id]));
cleanup:
    return err;
}

static void count_work(struct backup *b) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = b->inst->dbs[id];
        if (backs_up(db) && !b->options->incremental)
            b->total_bytes += ((uint64_t)atomic_load(&db->page_count) + 2) * db->page_size;
    }
    lggen_t current = log_current_gen(b->inst->log);
    b->total_bytes += (uint64_t)(current - b->low + 1) * b->inst->config.log_file_bytes;
}

/* ---- 4, 5 ---- */

/* The copy is what is verified: so it is known to hold what was read. */
static JET_ERR copy_log(struct backup *b, lggen_t gen) {
    JET_ERR err = JET_errSuccess;
    char from[OS_PATH_MAX], to[OS_PATH_MAX];
    struct file_sum sum;
    struct log_file_check *check = calloc(1, sizeof *check);
    struct copy_progress progress = {advance, b};

    if (!check)
        FAIL(JET_errOutOfMemory);
    CALL(log_path_archive(&b->inst->config.log_dir, gen, from));
    CALL(os_path_join(to, b->target, os_path_name(from)));
    err = copy_file(from, to, OS_CREATE | OS_TRUNCATE, &progress, false, &sum);
    if (err == JET_errFileNotFound) {
        event_write(&b->inst->events, EVENT_BACKUP_FILE_MISSING, EVENT_ERROR, "log file %s is missing", from);
        FAIL(JET_errMissingFileToBackup);
    }
    CALL(err);
    CALL(set_add_log(&b->set, os_path_name(from), &sum));
    JET_SIGNATURE signature = log_signature(b->inst->log);
    err = log_file_verify(to, true, check);
    if (err >= JET_errSuccess &&
        (check->header.gen != gen || memcmp(&check->header.signature, &signature, sizeof signature) != 0))
        err = JET_errLogFileCorrupt;
    if (err < JET_errSuccess) {
        event_write(&b->inst->events, EVENT_BACKUP_ERROR_READ_FILE, EVENT_ERROR,
                    "log file %s is damaged at offset %u: error %d (%s)", from, check->bad_offset, (int)err,
                    err_name(err));
        FAIL(JET_errLogReadVerifyFailure);
    }
cleanup:
    free(check);
    return err;
}

/* An instance that was restored to before the end of this set, and went on from there, has other log files under the
 * same signature and numbers. */
static JET_ERR check_follows(const struct backup *b) {
    JET_ERR err = JET_errSuccess;
    struct log_dir dir = b->inst->config.log_dir;
    struct log_header *last = calloc(2, sizeof *last);
    char path[OS_PATH_MAX];

    if (!last)
        FAIL(JET_errOutOfMemory);
    if (b->low > b->high)
        FAIL(JET_errInvalidBackup);
    CALL(log_path_archive(&dir, b->low, path));
    err = log_header_read(path, &last[1]);
    if (err == JET_errFileNotFound)
        err = JET_errMissingFileToBackup;
    CALL(err);
    snprintf(dir.path, sizeof dir.path, "%s", b->target);
    CALL(log_path_archive(&dir, b->low - 1, path));
    if (log_header_read(path, &last[0]) < JET_errSuccess ||
        memcmp(&last[0].created, &last[1].previous_created, sizeof last[0].created) != 0)
        FAIL(JET_errInvalidBackup);
cleanup:
    free(last);
    return err;
}

static JET_ERR copy_logs(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    lggen_t current;

    CALL(log_roll(b->inst->log, &current));
    b->high = current - 1;
    if (b->options->incremental)
        CALL(check_follows(b));
    b->wrote = true;
    event_write(&b->inst->events, EVENT_BACKUP_LOG_FILES_START, EVENT_INFO, "copying log generations %u to %u", b->low,
                b->high);
    for (lggen_t gen = b->low; gen <= b->high; gen++)
        CALL(copy_log(b, gen));
    b->set.high = b->high;
    b->info.gen_low = to_le32(b->low);
    b->info.gen_high = to_le32(b->high);
cleanup:
    return err;
}

/* ---- 6 ---- */

static JET_ERR finish(struct backup *b) {
    JET_ERR err = JET_errSuccess;

    CALL(set_write(&b->set));
    if (b->options->atomic && !b->options->incremental)
        CALL(set_promote(b->options->path));
    b->wrote = false; /* from here it is a set */
cleanup:
    return err;
}

/* The manifest has its name, though not for certain durably, when what failed is the last sync. */
static bool set_is_written(const struct backup *b) {
    struct set set;
    bool written = set_read(b->target, &set) >= JET_errSuccess && set.high == b->high;
    set_done(&set);
    return written;
}

/* P10. An incremental leaves the set as it was: its manifest does not name the new files, which go. */
static void take_back(struct backup *b) {
    if (!b->wrote)
        return;
    if (!b->options->incremental) {
        set_remove(b->target, b->options->atomic);
        return;
    }
    if (set_is_written(b))
        return;
    for (lggen_t gen = b->low; gen <= b->high; gen++) {
        char from[OS_PATH_MAX], path[OS_PATH_MAX];
        if (log_path_archive(&b->inst->config.log_dir, gen, from) >= JET_errSuccess &&
            os_path_join(path, b->target, os_path_name(from)) >= JET_errSuccess && os_remove(path) < JET_errSuccess)
            continue;
    }
}

/* ---- 7 ---- */

static JET_ERR stamp(struct backup *b) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = b->inst->dbs[id];
        if (!backs_up(db))
            continue;
        CALL(log_backup(b->inst, 2, b->options->incremental, db->dbid, &b->info, NULL));
        CALL(db_stamp_backup(db, b->options->incremental, &b->info));
    }
cleanup:
    return err;
}

/* ---- 8 ---- */

/* P9: below the checkpoint, and below what the next incremental backup begins with (if there was a full one). */
static JET_ERR truncate_logs(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    uint32_t count;

    os_mutex_lock(&inst->mutex);
    lggen_t low = log_lowest_gen(inst->log), limit = lgpos_gen(atomic_load(&inst->checkpoint));
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = inst->dbs[id];
        if (!backs_up(db) || le32(db->header->full_prev.gen_low) == 0)
            continue;
        lggen_t full = le32(db->header->full_prev.gen_high), inc = le32(db->header->inc_prev.gen_high);
        lggen_t next = (full > inc ? full : inc) + 1;
        limit = next < limit ? next : limit;
    }
    CALL(log_path_archive(&inst->config.log_dir, limit, path));
    if (limit <= low) {
        event_write(&inst->events, EVENT_BACKUP_NO_TRUNCATE, EVENT_INFO, "no log file can be truncated");
        goto cleanup;
    }
    event_write(&inst->events, EVENT_BACKUP_TRUNCATE, EVENT_INFO, "truncating log generations %u to %u", low,
                limit - 1);
    CALL(log_truncate(inst->log, limit, &count));
cleanup:
    os_mutex_unlock(&inst->mutex);
    return err;
}

/* What fails when the set is complete does not make it less good. */
static void after(struct backup *b) {
    JET_ERR err = stamp(b);
    if (err < JET_errSuccess) {
        event_write(&b->inst->events, EVENT_BACKUP_ERROR_INFO_UPDATE, EVENT_WARNING,
                    "the backup is good, but the databases could not be stamped: error %d (%s)", (int)err,
                    err_name(err));
        return; /* and so no log is truncated */
    }
    err = truncate_logs(b->inst);
    if (err < JET_errSuccess)
        event_write(&b->inst->events, EVENT_BACKUP_NO_TRUNCATE, EVENT_WARNING,
                    "the backup is good, but log files could not be truncated: error %d (%s)", (int)err, err_name(err));
}

static JET_ERR to_directory(struct backup *b) {
    JET_ERR err = JET_errSuccess;

    CALL(b->options->incremental ? find_own_set(b) : begin_set(b));
    count_work(b);
    CALL(status(b, JET_sntBegin, 0));
    if (!b->options->incremental)
        CALL(copy_databases(b));
    CALL(copy_logs(b));
    CALL(finish(b));
    after(b);
    JET_ERR ignored = status(b, JET_sntComplete, 100); /* nothing is left that could be stopped */
    (void)ignored;
cleanup:
    return err;
}

static void report(struct backup *b, JET_ERR err) {
    if (err >= JET_errSuccess)
        event_write(&b->inst->events, EVENT_STOP_BACKUP, EVENT_INFO, "the backup ended");
    else
        event_write(&b->inst->events, EVENT_STOP_BACKUP_ERROR, EVENT_ERROR, "the backup stopped with error %d (%s)",
                    (int)err, err_name(err));
}

JET_ERR backup_run(struct inst *inst, const struct backup_options *options) {
    JET_ERR err = JET_errSuccess;
    struct backup *b = calloc(1, sizeof *b);

    if (!b)
        return RAISE(JET_errOutOfMemory);
    b->inst = inst;
    b->options = options;
    err = begin(b);
    if (err == JET_errBackupInProgress || (err < JET_errSuccess && !b->low))
        goto cleanup;
    if (err >= JET_errSuccess)
        err = options->path && *options->path ? to_directory(b) : truncate_logs(inst);
    if (err < JET_errSuccess) {
        take_back(b);
        JET_ERR ignored = status(b, JET_sntFail, b->reported);
        (void)ignored;
    }
    end(inst);
    report(b, err);
cleanup:
    set_done(&b->set);
    free(b);
    return err;
}
