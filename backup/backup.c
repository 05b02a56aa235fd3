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
 * (P10); after it the set is good, and what fails then is reported by an event only.
 *
 * 1, 3 to 5, 7 and 8 are those of session.h, which a program may also go through by itself (external backup). */
#include "backup/backup.h"

#include <stdio.h>
#include <stdlib.h>

#include "backup/session.h"
#include "backup/set.h"
#include "base/breaks.h"
#include "base/clock.h"

#define PIECE_BYTES (1u << 20)

struct job {
    struct inst *inst;
    const struct backup_options *options;
    struct backup *backup;
    struct set set;
    char target[OS_PATH_MAX];
    bool wrote;        /* there may be something to remove */
    lggen_t low, high; /* of the log files that are copied */
    uint8_t *buffer;   /* PIECE_BYTES, page aligned */
    uint64_t done_bytes, total_bytes;
    bool begun; /* JET_sntBegin was reported */
    uint32_t reported;
};

/* ---- progress ---- */

static JET_ERR status(struct job *j, JET_SNT snt, uint32_t percent) {
    j->begun = true;
    j->reported = percent;
    return j->options->status ? j->options->status(j->options->context, snt, percent, 100) : JET_errSuccess;
}

/* Where nothing is left that could be stopped. */
static void report(struct job *j, JET_SNT snt, uint32_t percent) {
    JET_ERR ignored = status(j, snt, percent);
    (void)ignored;
}

static JET_ERR advance(struct job *j, uint64_t bytes) {
    j->done_bytes += bytes;
    uint32_t percent = j->total_bytes ? (uint32_t)(j->done_bytes * 99 / j->total_bytes) : 0;
    percent = percent > 99 ? 99 : percent;
    return percent > j->reported ? status(j, JET_sntProgress, percent) : JET_errSuccess;
}

/* How many log files there will be is known for certain only after the roll. */
static void count_work(struct job *j) {
    const lggen_t low = j->options->incremental ? j->low : atomic_load(&j->inst->backup_gen_low);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = j->inst->dbs[id];
        if (backup_covers(db) && !j->options->incremental)
            j->total_bytes += ((uint64_t)atomic_load(&db->page_count) + 3) * db->page_size;
    }
    lggen_t current = log_current_gen(j->inst->log);
    j->total_bytes += (uint64_t)(current - low + 1) * j->inst->config.log_file_bytes;
}

/* ---- 2 ---- */

static JET_ERR begin_set(struct job *j) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = j->inst;

    CALL(set_prepare(j->options->path, j->options->atomic, inst->config.create_paths, j->target));
    j->wrote = true;
    snprintf(j->set.dir, sizeof j->set.dir, "%s", j->target);
    memcpy(j->set.base, inst->config.log_dir.base, sizeof j->set.base);
    j->set.signature = log_signature(inst->log);
    j->set.page_size = inst->config.page_size;
    j->set.log_file_bytes = inst->config.log_file_bytes;
    j->set.full_begin = backup_time(j->backup);
    j->set.sha256 = j->options->sha256;
cleanup:
    return err;
}

static bool is_in_set(const struct set *set, const struct db *db) {
    for (uint32_t i = 0; i < set->file_count; i++)
        if (!set->files[i].is_log &&
            memcmp(&set->files[i].signature, &db->header->sign_db, sizeof set->files[i].signature) == 0)
            return true;
    return false;
}

/* The full backup of a database may be in another set: then this one could not be restored without it. */
static JET_ERR check_full_is_here(struct job *j) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = j->inst->dbs[id];
        if (!backup_covers(db) || is_in_set(&j->set, db))
            continue;
        event_write(&j->inst->events, EVENT_MISS_FULL_BACKUP, EVENT_ERROR,
                    "the full backup of database %s is not in %s: an incremental one is refused", db->path, j->set.dir);
        return RAISE(JET_errMissingFullBackup);
    }
    return JET_errSuccess;
}

/* An incremental backup goes to the set that is there, if it is ours and ends where this one begins. */
static JET_ERR find_own_set(struct job *j) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = j->inst;
    JET_SIGNATURE signature = log_signature(inst->log);

    err = set_find(j->options->path, &j->set);
    if (err == JET_errFileNotFound)
        FAIL(JET_errMissingFullBackup);
    CALL(err);
    if (memcmp(&j->set.signature, &signature, sizeof signature) != 0 ||
        strcmp(j->set.base, inst->config.log_dir.base) != 0 || j->set.high >= log_current_gen(inst->log))
        FAIL(JET_errInvalidBackup);
    CALL(check_full_is_here(j));
    j->set.incremental = true;
    j->set.sha256 |= j->options->sha256;
    j->set.incremental_begin = backup_time(j->backup);
    j->low = j->set.high + 1;
    snprintf(j->target, sizeof j->target, "%s", j->set.dir);
    if (log_lowest_gen(inst->log) > j->low) {
        event_write(&inst->events, EVENT_BACKUP_FILE_MISSING, EVENT_ERROR,
                    "log generations from %u on are needed to continue the set in %s; the lowest that exists is %u",
                    j->low, j->target, log_lowest_gen(inst->log));
        FAIL(JET_errInvalidLogSequence);
    }
cleanup:
    return err;
}

/* ---- 3, 5: what the session hands out goes into a file of the set ---- */

/* What the disk of the set says is told with the name of the file. */
static JET_ERR told(const struct job *j, const char *path, JET_ERR err) {
    if (err < JET_errSuccess)
        event_write(&j->inst->events, EVENT_DATABASE_WRITE_ERROR, EVENT_ERROR,
                    "%s of the backup set cannot be written: error %d (%s)", path, (int)err, err_name(err));
    return err;
}

static JET_ERR write_file(struct job *j, JET_HANDLE handle, const char *name, unsigned flags, struct file_sum *sum) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct summer summer = {0};
    char to[OS_PATH_MAX];
    uint32_t n;

    CALL(summer_begin(&summer, j->set.sha256));
    CALL(os_path_join(to, j->target, name));
    /* Direct: what lay in the page cache until the sync would go to the disk in one piece, and commits wait behind it.
     */
    CALL(told(j, to, os_open(to, OS_WRITE | OS_DIRECT | OS_CREATE | flags, &file)));
    for (;;) {
        CALL(backup_read(j->backup, handle, j->buffer, PIECE_BYTES, &n));
        if (n == 0)
            break;
        CALL(told(j, to, os_write(file, summer.sum.bytes, j->buffer, n)));
        CALL(summer_add(&summer, j->buffer, n));
        CALL(advance(j, n));
    }
    if (!BROKEN(set_no_sync))
        CALL(told(j, to, os_sync(file)));
    CALL(summer_end(&summer, sum));
cleanup:
    os_close(file);
    summer_free(&summer);
    return err;
}

static JET_ERR copy_database(struct job *j, struct db *db) {
    JET_ERR err = JET_errSuccess;
    char name[256];
    JET_HANDLE handle;
    struct file_sum sum;
    uint64_t bytes;

    snprintf(name, sizeof name, "%s", os_path_name(db->path));
    if (!set_name_fits(&j->set, name))
        snprintf(name, sizeof name, "%u-%.200s", db->dbid, os_path_name(db->path));
    CALL(backup_open(j->backup, db->path, &handle, &bytes));
    CALL(write_file(j, handle, name, 0, &sum));
    JET_SIGNATURE signature = disk_signature_load(&backup_copy_header(j->backup)->sign_db);
    CALL(set_add_database(&j->set, name, db->path, &signature, backup_copy_pages(j->backup), &sum));
    CALL(backup_close(j->backup, handle));
cleanup:
    return err;
}

/* Databases are not attached or detached while a backup runs, so they stay. */
static JET_ERR copy_databases(struct job *j) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (backup_covers(j->inst->dbs[id]))
            CALL(copy_database(j, j->inst->dbs[id]));
cleanup:
    return err;
}

static JET_ERR copy_log(struct job *j, lggen_t gen) {
    JET_ERR err = JET_errSuccess;
    char from[OS_PATH_MAX];
    JET_HANDLE handle;
    struct file_sum sum;
    uint64_t bytes;

    CALL(log_path_archive(&j->inst->config.log_dir, gen, from));
    CALL(backup_open(j->backup, from, &handle, &bytes));
    CALL(write_file(j, handle, os_path_name(from), OS_TRUNCATE, &sum));
    CALL(set_add_log(&j->set, os_path_name(from), &sum));
    CALL(backup_close(j->backup, handle));
cleanup:
    return err;
}

/* An instance that was restored to before the end of this set, and went on from there, has other log files under the
 * same signature and numbers. */
static JET_ERR check_follows(const struct job *j) {
    JET_ERR err = JET_errSuccess;
    struct log_dir dir = j->inst->config.log_dir;
    struct log_header *last = calloc(2, sizeof *last);
    char path[OS_PATH_MAX];

    if (!last)
        FAIL(JET_errOutOfMemory);
    CALL(log_path_archive(&dir, j->low, path));
    err = log_header_read(path, &last[1]);
    if (err == JET_errFileNotFound)
        err = JET_errMissingFileToBackup;
    CALL(err);
    snprintf(dir.path, sizeof dir.path, "%s", j->target);
    CALL(log_path_archive(&dir, j->low - 1, path));
    if (log_header_read(path, &last[0]) < JET_errSuccess ||
        memcmp(&last[0].created, &last[1].previous_created, sizeof last[0].created) != 0)
        FAIL(JET_errInvalidBackup);
cleanup:
    free(last);
    return err;
}

/* 4 and 5 */
static JET_ERR copy_logs(struct job *j) {
    JET_ERR err = JET_errSuccess;

    CALL(backup_logs(j->backup, j->low, &j->low, &j->high));
    j->total_bytes = j->done_bytes + (uint64_t)(j->high - j->low + 1) * j->inst->config.log_file_bytes;
    if (j->options->incremental)
        CALL(check_follows(j));
    j->wrote = true;
    for (lggen_t gen = j->low; gen <= j->high; gen++)
        CALL(copy_log(j, gen));
    if (!j->options->incremental)
        j->set.low = j->low;
    j->set.high = j->high;
cleanup:
    return err;
}

/* ---- 6 ---- */

static JET_ERR finish(struct job *j) {
    JET_ERR err = JET_errSuccess;

    CALL(set_write(&j->set));
    if (j->options->atomic && !j->options->incremental)
        CALL(set_promote(j->options->path));
    j->wrote = false; /* from here it is a set */
cleanup:
    return err;
}

/* The manifest has its name, though not for certain durably, when what failed is the last sync. */
static bool set_is_written(const struct job *j) {
    struct set set;
    bool written = set_read(j->target, &set) >= JET_errSuccess && set.high == j->high;
    set_done(&set);
    return written;
}

/* P10. An incremental leaves the set as it was: its manifest does not name the new files, which go. */
static void take_back(struct job *j) {
    if (!j->wrote || BROKEN(failed_backup_stays))
        return;
    if (!j->options->incremental) {
        set_remove(j->target, j->options->atomic);
        return;
    }
    if (set_is_written(j))
        return;
    for (lggen_t gen = j->low; gen <= j->high; gen++) {
        char from[OS_PATH_MAX], path[OS_PATH_MAX];
        if (log_path_archive(&j->inst->config.log_dir, gen, from) >= JET_errSuccess &&
            os_path_join(path, j->target, os_path_name(from)) >= JET_errSuccess && os_remove(path) < JET_errSuccess)
            continue;
    }
}

/* ---- 7, 8 ---- */

/* What fails when the set is complete does not make it less good; without a stamp no log is truncated. */
static void after(struct job *j) {
    if (backup_stamp(j->backup, true) < JET_errSuccess)
        return;
    JET_ERR err = backup_truncate(j->backup);
    if (err < JET_errSuccess)
        event_write(&j->inst->events, EVENT_BACKUP_NO_TRUNCATE, EVENT_WARNING,
                    "the backup is good, but log files could not be truncated: error %d (%s)", (int)err, err_name(err));
}

static JET_ERR to_directory(struct job *j) {
    JET_ERR err = JET_errSuccess;

    CALL(j->options->incremental ? find_own_set(j) : begin_set(j));
    count_work(j);
    CALL(status(j, JET_sntBegin, 0));
    if (!j->options->incremental)
        CALL(copy_databases(j));
    CALL(copy_logs(j));
    CALL(finish(j));
    after(j);
    report(j, JET_sntComplete, 100);
cleanup:
    return err;
}

static JET_ERR truncate_only(struct job *j) {
    JET_ERR err = JET_errSuccess;

    CALL(status(j, JET_sntBegin, 0));
    CALL(backup_truncate(j->backup));
    report(j, JET_sntComplete, 100);
cleanup:
    return err;
}

JET_ERR backup_run(struct inst *inst, const struct backup_options *options) {
    JET_ERR err = JET_errSuccess;
    const bool truncate = !options->path || !*options->path;
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return RAISE(JET_errOutOfMemory);
    j->inst = inst;
    j->options = options;
    set_init(&j->set);
    j->buffer = aligned_alloc(4096, PIECE_BYTES);
    if (!j->buffer)
        FAIL(JET_errOutOfMemory);
    CALL(backup_begin(inst,
                      truncate               ? BACKUP_TRUNCATE
                      : options->incremental ? BACKUP_INCREMENTAL
                                             : BACKUP_FULL,
                      options->stops, false, options->path, &j->backup));
    err = truncate ? truncate_only(j) : to_directory(j);
    if (err < JET_errSuccess)
        take_back(j);
    if (err < JET_errSuccess && j->begun)
        report(j, JET_sntFail, j->reported);
    backup_end(j->backup, err);
cleanup:
    set_done(&j->set);
    free(j->buffer);
    free(j);
    return err;
}

void backup_stop(struct inst *inst) {
    atomic_fetch_add(&inst->backup_stops, 1);
}

JET_ERR backup_refuse(struct inst *inst, bool stop) {
    os_mutex_lock(&inst->mutex);
    const bool in_the_way = inst->backup_running && !stop;
    inst->backup_refused = !in_the_way;
    os_mutex_unlock(&inst->mutex);
    if (stop)
        backup_stop(inst);
    return in_the_way ? RAISE(JET_errBackupInProgress) : JET_errSuccess;
}

void backup_wait(struct inst *inst) {
    struct backup *external;

    os_mutex_lock(&inst->backup_mutex);
    if (backup_external(inst, &external) >= JET_errSuccess)
        backup_end(external, JET_errBackupAbortByServer);
    os_mutex_unlock(&inst->backup_mutex);
    os_mutex_lock(&inst->mutex);
    while (inst->backup_running)
        os_cond_wait(&inst->backup_ended, &inst->mutex);
    os_mutex_unlock(&inst->mutex);
}
