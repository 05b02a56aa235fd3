/* A restore, as a story:
 *
 *   1 find      the set: in the directory, in `new`, or in `old`
 *   2 verify    every file of it against the manifest, every log file by itself and as a chain; that the databases need
 *               these log files, and nobody uses those that they replace; that the log files of the instance, where
 *               there are any, are of the same stream and follow without a gap
 *   3 copy      the databases to where they go; their headers say "backup copy", so nobody can attach them yet
 *   4 recover   redo from the set's low generation through the set's log files and on through those of the instance,
 *               to the last committed transaction; undo; databases clean; stop
 *
 * Nothing is changed before 2 has passed. Interrupted later, it is started again (P13): 3 overwrites, 4 is recovery. */
#include <stdio.h>
#include <stdlib.h>

#include "backup/backup.h"
#include "backup/copy.h"
#include "backup/set.h"
#include "backup/verify.h"
#include "recovery/recovery.h"

struct restore {
    const struct inst_config *config;
    const struct event_sink *events;
    const struct restore_options *options;
    struct set set;
    struct restore_logs logs;
    struct path_map *map; /* one per database */
    uint64_t done_bytes, total_bytes;
    uint32_t reported;
    struct log_chain chain; /* of the set */
    JET_ERR stop;           /* what the callback said where nobody can listen */
};

static JET_ERR status(struct restore *r, JET_SNT snt, uint32_t percent) {
    r->reported = percent;
    return r->options->status ? r->options->status(r->options->context, snt, percent, 100) : JET_errSuccess;
}

/* Where nothing is left that could be stopped. */
static void report(struct restore *r, JET_SNT snt, uint32_t percent) {
    JET_ERR ignored = status(r, snt, percent);
    (void)ignored;
}

/* Verifying and copying are 60 percent, redo the rest. */
static JET_ERR advance(void *context, uint64_t bytes) {
    struct restore *r = context;
    r->done_bytes += bytes;
    uint32_t percent = r->total_bytes ? (uint32_t)(r->done_bytes * 60 / r->total_bytes) : 0;
    percent = percent > 60 ? 60 : percent;
    return percent > r->reported ? status(r, JET_sntProgress, percent) : JET_errSuccess;
}

static void generation_done(void *context, lggen_t gen) {
    struct restore *r = context;
    lggen_t count = r->set.high - r->set.low + 1, done = gen < r->set.low ? 0 : gen - r->set.low + 1;
    uint32_t percent = 60 + (uint32_t)((uint64_t)(done < count ? done : count) * 39 / count);
    JET_ERR err = percent > r->reported ? status(r, JET_sntProgress, percent) : JET_errSuccess;
    if (r->stop >= JET_errSuccess && err < JET_errSuccess)
        r->stop = err;
}

/* ---- 2 ---- */

static JET_ERR own_log_does_not_follow(struct restore *r, const char *path) {
    event_write(r->events, EVENT_EXISTING_LOG_NOT_CONTIGUOUS, EVENT_ERROR,
                "log file %s of the instance does not follow generation %u of the backup set", path, r->set.high);
    return RAISE(JET_errExistingLogFileIsNotContiguous);
}

/* Where the instance's log reaches beyond the set's, it must go on from there without a gap. An instance that was
 * restored to an earlier moment has other log files under the same signature and numbers. */
static JET_ERR verify_next_logs(struct restore *r, const struct log_range *range, struct log_header *header) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    JET_LOGTIME created = r->chain.last_created;
    const lggen_t top = range->high > range->current ? range->high : range->current;

    CALL(log_path_current(&r->config->log_dir, path));
    if (range->current && range->current <= r->set.high)
        return own_log_does_not_follow(r, path);
    for (lggen_t gen = r->set.high + 1; gen <= top; gen++) {
        CALL(gen == range->current ? log_path_current(&r->config->log_dir, path)
                                   : log_path_archive(&r->config->log_dir, gen, path));
        err = log_header_read(path, header);
        if (err == JET_errFileNotFound && gen == range->current) /* it has its temporary name: redo looks at it */
            return JET_errSuccess;
        if (err == JET_errFileNotFound) {
            event_write(r->events, EVENT_CURRENT_LOG_MISSING, EVENT_ERROR, "log file %s of the instance is missing",
                        path);
            FAIL(JET_errMissingCurrentLogFiles);
        }
        CALL(err);
        if (memcmp(&header->previous_created, &created, sizeof created) != 0)
            return own_log_does_not_follow(r, path);
        created = header->created;
    }
cleanup:
    return err;
}

/* The instance's own log files: none, or of the same stream and without a gap above the set. */
static JET_ERR verify_own_logs(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct log_range range;
    struct log_header *header = calloc(1, sizeof *header);
    char path[OS_PATH_MAX];

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_dir_scan(&r->config->log_dir, &range));
    lggen_t lowest = range.low ? range.low : range.current;
    if (!lowest)
        goto cleanup;
    CALL(range.low ? log_path_archive(&r->config->log_dir, range.low, path)
                   : log_path_current(&r->config->log_dir, path));
    CALL(log_header_read(path, header));
    if (memcmp(&header->signature, &r->set.signature, sizeof r->set.signature) != 0) {
        event_write(r->events, EVENT_EXISTING_LOG_BAD_SIGNATURE, EVENT_ERROR,
                    "log file %s of the instance is of another log than the backup set", path);
        FAIL(JET_errExistingLogFileHasBadSignature);
    }
    if (lowest > r->set.high + 1) {
        event_write(r->events, EVENT_CURRENT_LOG_MISSING, EVENT_ERROR,
                    "log generations %u to %u are neither in the backup set nor in %s", r->set.high + 1, lowest - 1,
                    r->config->log_dir.path);
        FAIL(JET_errMissingCurrentLogFiles);
    }
    CALL(verify_next_logs(r, &range, header));
cleanup:
    free(header);
    return err;
}

/* Nothing is written over a database that somebody uses. */
static JET_ERR check_unused(struct restore *r, const char *path) {
    struct os_file *file = NULL;
    JET_ERR err = os_open(path, OS_WRITE | OS_LOCK, &file);
    os_close(file);
    if (err == JET_errFileAccessDenied)
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s is in use and cannot be restored", path);
    return err == JET_errFileNotFound ? JET_errSuccess : err;
}

/* A database goes to its original path, or under its own name to dest. */
static JET_ERR map_databases(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    unsigned count = 0;

    for (uint32_t i = 0; i < r->set.file_count; i++)
        count += !r->set.files[i].is_log;
    r->map = calloc(count ? count : 1, sizeof *r->map);
    if (!r->map)
        FAIL(JET_errOutOfMemory);
    count = 0;
    for (uint32_t i = 0; i < r->set.file_count; i++) {
        const struct set_file *f = &r->set.files[i];
        if (f->is_log)
            continue;
        struct path_map *m = &r->map[count++];
        CALL(os_path_join(path, r->set.dir, f->name));
        CALL(verify_needs(path, r->set.page_size, &r->chain, r->events, &m->signature));
        if (r->options->dest)
            CALL(os_path_join(m->path, r->options->dest, f->name));
        else if ((size_t)snprintf(m->path, sizeof m->path, "%s", f->original) >= sizeof m->path)
            FAIL(JET_errInvalidPath);
        CALL(check_unused(r, m->path));
    }
    r->logs.map = r->map;
    r->logs.map_count = count;
    r->logs.in_place = !r->options->dest;
cleanup:
    return err;
}

static JET_ERR verify(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct copy_progress progress = {advance, r};

    if (strcmp(r->set.base, r->config->log_dir.base) != 0)
        FAIL(JET_errInvalidBackup);
    if (r->set.page_size != r->config->page_size)
        FAIL(JET_errPageSizeMismatch);
    r->chain = (struct log_chain){
        .dir = r->config->log_dir, .low = r->set.low, .high = r->set.high, .signature = r->set.signature};
    snprintf(r->chain.dir.path, sizeof r->chain.dir.path, "%s", r->set.dir);
    for (uint32_t i = 0; i < r->set.file_count; i++)
        r->total_bytes += r->set.files[i].sum.bytes * (r->set.files[i].is_log ? 1 : 2);
    for (uint32_t i = 0; i < r->set.file_count; i++)
        CALL(verify_file(&r->set, &r->set.files[i], r->events, &progress));
    CALL(verify_chain(&r->chain, r->events));
    CALL(verify_own_logs(r));
    CALL(map_databases(r));
cleanup:
    return err;
}

/* ---- 3 ---- */

/* The copy's pages may be as new as the set's last generation: the header says that it is required. */
static JET_ERR require_generations(struct restore *r, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_WRITE | OS_LOCK, &file));
    CALL(dbheader_read(file, header, NULL));
    uint64_t bytes;
    CALL(os_size(file, &bytes));
    CALL(os_resize(file, bytes - r->set.page_size)); /* the trailer */
    if (le32(header->gen_max_required) < r->set.high) {
        header->gen_max_required = header->gen_max_committed = to_le32(r->set.high);
        CALL(dbheader_write(file, header));
    }
cleanup:
    os_close(file);
    free(header);
    return err;
}

static JET_ERR copy_databases(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct copy_progress progress = {advance, r};
    unsigned at = 0;

    for (uint32_t i = 0; i < r->set.file_count; i++) {
        const struct set_file *f = &r->set.files[i];
        char from[OS_PATH_MAX], parent[OS_PATH_MAX];
        struct file_sum sum;
        if (f->is_log)
            continue;
        const char *to = r->map[at++].path;
        CALL(os_path_join(from, r->set.dir, f->name));
        CALL(os_path_parent(parent, to));
        if (r->config->create_paths)
            CALL(os_make_dirs(parent));
        CALL(copy_file(from, to, OS_CREATE | OS_TRUNCATE | OS_LOCK, &progress, f->sum.has_sha256, &sum));
        if (!file_sum_equal(&sum, &f->sum))
            FAIL(JET_errReadVerifyFailure);
        CALL(require_generations(r, to));
        CALL(os_sync_parent(to));
    }
cleanup:
    return err;
}

/* ---- 4 ---- */

/* The set's databases must have been part of what was recovered. */
static JET_ERR check_clean(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < r->logs.map_count; i++) {
        CALL(os_open(r->map[i].path, OS_READ, &file));
        CALL(dbheader_read(file, header, NULL));
        os_close(file);
        file = NULL;
        if (le32(header->state) == JET_dbstateCleanShutdown)
            continue;
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "the log files do not lead to a consistent %s",
                    r->map[i].path);
        FAIL(JET_errAttachedDatabaseMismatch);
    }
cleanup:
    os_close(file);
    free(header);
    return err;
}

static JET_ERR recover(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = NULL;

    snprintf(r->logs.dir, sizeof r->logs.dir, "%s", r->set.dir);
    r->logs.low = r->set.low;
    r->logs.high = r->set.high;
    r->logs.progress = generation_done;
    r->logs.context = r;
    CALL(inst_start(r->config, r->events, &r->logs, &inst));
    CALL(inst_stop(inst));
    CALL(check_clean(r));
    CALL(r->stop);
cleanup:
    return err;
}

JET_ERR restore_run(const struct inst_config *config, const struct event_sink *events,
                    const struct restore_options *options) {
    JET_ERR err = JET_errSuccess;
    struct restore *r = calloc(1, sizeof *r);

    if (!r)
        return RAISE(JET_errOutOfMemory);
    r->config = config;
    r->events = events;
    r->options = options;
    event_write(events, EVENT_START_RESTORE, EVENT_INFO, "restore from %s begins; log files in %s", options->set,
                config->log_dir.path);
    CALL(set_find(options->set, &r->set));
    CALL(status(r, JET_sntBegin, 0));
    CALL(verify(r));
    CALL(copy_databases(r));
    CALL(recover(r));
    report(r, JET_sntComplete, 100);
cleanup:
    if (err < JET_errSuccess) {
        event_write(events, EVENT_RESTORE_FAILED, EVENT_ERROR, "restore from %s failed: error %d (%s)", options->set,
                    (int)err, err_name(err));
        report(r, JET_sntFail, r->reported);
    } else {
        event_write(events, EVENT_STOP_RESTORE, EVENT_INFO, "restore ended");
    }
    set_done(&r->set);
    free(r->map);
    free(r);
    return err;
}
