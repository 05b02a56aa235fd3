/* A restore, as a story:
 *
 *   1 find      the set: in the directory, in `new`, or in `old`. External: the log files
 *   2 verify    every file of it against the manifest, every log file by itself and as a chain; that the databases need
 *               these log files, and nobody uses those that they replace; that the log files of the instance, where
 *               there are any, are of the same stream and follow without a gap
 *   3 copy      the databases to where they go (external: they are there); their headers say "backup copy", so nobody
 *               can attach them yet
 *   4 recover   redo from the set's low generation through the set's log files and on through those of the instance,
 *               to the last committed transaction, or to the end of the generation that was asked for; log files
 *               behind that go; undo; databases clean; stop
 *
 * External, with a running instance as target: 2 ends with copies of its later log files, which go again if that fails.
 * Nothing else is changed before 2 has passed. Interrupted later, it is started again (P13): 3 overwrites, 4 is
 * recovery. */
#include <stdio.h>
#include <stdlib.h>

#include "backup/copy.h"
#include "backup/restore_priv.h"

static JET_ERR status(struct restore *r, JET_SNT snt, uint32_t percent) {
    r->begun = true;
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

static JET_ERR generation_done(void *context, lggen_t first, lggen_t done, lggen_t last) {
    struct restore *r = context;
    uint32_t before = r->total_bytes ? 60 : 0, count = last - first + 1, n = done - first + 1;
    uint32_t percent = before + (uint32_t)((uint64_t)(n < count ? n : count) * (99 - before) / count);
    return percent > r->reported ? status(r, JET_sntProgress, percent) : JET_errSuccess;
}

/* ---- 1 ---- */

/* The log files of an external restore: those asked for, or all there are. */
static JET_ERR find_logs(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct log_range range;
    char path[OS_PATH_MAX];
    struct log_header *header = calloc(1, sizeof *header);

    if (!header)
        FAIL(JET_errOutOfMemory);
    snprintf(r->set.dir, sizeof r->set.dir, "%s", r->options->set);
    snprintf(r->chain.dir.path, sizeof r->chain.dir.path, "%s", r->options->set);
    CALL(log_dir_scan(&r->chain.dir, &range));
    if (!range.low)
        FAIL(JET_errFileNotFound);
    r->set.low = r->options->low ? r->options->low : range.low;
    r->set.high = r->options->high ? r->options->high : range.high;
    if (r->set.low > r->set.high)
        FAIL(JET_errInvalidParameter);
    CALL(log_path_archive(&r->chain.dir, r->set.low, path));
    err = log_header_read(path, header);
    if (err == JET_errFileNotFound) {
        event_write(r->events, EVENT_RESTORE_LOG_MISSING, EVENT_ERROR, "log file %s of the backup is missing", path);
        FAIL(JET_errMissingRestoreLogFiles);
    }
    if (err < JET_errSuccess)
        log_report_unreadable(r->events, path, err);
    if (err == JET_errLogFileCorrupt)
        FAIL(JET_errLogCorruptDuringHardRestore);
    CALL(err);
    r->set.signature = header->signature;
    r->set.page_size = header->page_size;
    r->set.log_file_bytes = header->file_bytes;
    memcpy(r->set.base, r->config->log_dir.base, sizeof r->set.base);
cleanup:
    free(header);
    return err;
}

static JET_ERR check_target(struct restore *r) {
    const struct restore_target *target = r->options->target;
    if (memcmp(&target->signature, &r->set.signature, sizeof target->signature) != 0) {
        event_write(r->events, EVENT_EXISTING_LOG_BAD_SIGNATURE, EVENT_ERROR,
                    "the log in %s is another one than that of the backup set", target->log_dir.path);
        return RAISE(JET_errExistingLogFileHasBadSignature);
    }
    if (target->high > r->set.high)
        r->total_bytes += (uint64_t)(target->high - r->set.high) * r->set.log_file_bytes;
    return JET_errSuccess;
}

static JET_ERR find(struct restore *r) {
    JET_ERR err = JET_errSuccess;

    r->chain.dir = r->config->log_dir;
    CALL(r->options->external ? find_logs(r) : set_find(r->options->set, &r->set));
    snprintf(r->chain.dir.path, sizeof r->chain.dir.path, "%s", r->set.dir);
    if (r->options->target)
        CALL(check_target(r));
    CALL(restore_find_until(r));
    const lggen_t until = r->until;
    r->chain.low = r->set.low;
    r->chain.high = until && until < r->set.high ? until : r->set.high;
    r->chain.signature = r->set.signature;
    if (r->chain.high < r->chain.low) {
        event_write(r->events, EVENT_RESTORE_ENDING_LOG_TOO_LOW, EVENT_ERROR,
                    "the backup set begins with log generation %u, so it cannot be restored to %u", r->set.low, until);
        FAIL(JET_errEndingRestoreLogTooLow);
    }
cleanup:
    return err;
}

/* ---- 2 ---- */

/* Nothing is written over a database that somebody uses. */
static JET_ERR check_unused(struct restore *r, const char *path) {
    struct os_file *file = NULL;
    JET_ERR err = os_open(path, OS_WRITE | OS_LOCK, &file);
    os_close(file);
    if (err == JET_errFileAccessDenied)
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s is in use and cannot be restored", path);
    return err == JET_errFileNotFound ? JET_errSuccess : err;
}

/* The name that was asked for; else its own in the directory that was asked for, or in that where databases are
 * recovered; else where it was. */
static JET_ERR choose_place(const struct restore *r, const struct set_file *f, char *to, unsigned *named) {
    const char *dir = r->options->dest             ? r->options->dest
                      : *r->config->alternate_path ? r->config->alternate_path
                                                   : NULL;
    for (unsigned i = 0; i < r->options->map_count; i++)
        if (strcmp(r->options->map[i].from, f->original) == 0) {
            ++*named;
            memcpy(to, r->options->map[i].to, OS_PATH_MAX);
            return JET_errSuccess;
        }
    if (dir)
        return os_path_join(to, dir, f->name);
    return (size_t)snprintf(to, OS_PATH_MAX, "%s", f->original) < OS_PATH_MAX ? JET_errSuccess
                                                                              : RAISE(JET_errInvalidPath);
}

static JET_ERR is_same(const char *a, const char *b, bool *out) {
    JET_ERR err = JET_errSuccess;
    struct os_stat x, y;

    CALL(os_stat(a, &x));
    CALL(os_stat(b, &y));
    *out = x.kind != OS_MISSING && y.kind != OS_MISSING && x.device == y.device && x.inode == y.inode;
cleanup:
    return err;
}

/* Nothing is written over the set, whose files may have other names too. */
static JET_ERR check_outside(const struct restore *r, const char *to) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    bool inside;

    CALL(os_path_parent(path, to));
    CALL(is_same(path, r->set.dir, &inside));
    for (uint32_t i = 0; i < r->set.file_count && !r->set.files[i].is_log && !inside; i++) {
        CALL(os_path_join(path, r->set.dir, r->set.files[i].name));
        CALL(is_same(path, to, &inside));
    }
    if (inside) {
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s is part of the backup set that is restored", to);
        FAIL(JET_errInvalidPath);
    }
cleanup:
    return err;
}

/* Nor does a log begin there: what recovery writes and deletes would be the set's. */
static JET_ERR check_not_set(const struct restore *r, const char *dir) {
    bool same;
    JET_ERR err = is_same(dir, r->set.dir, &same);
    if (err >= JET_errSuccess && same) {
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s is the backup set that is restored", dir);
        err = RAISE(JET_errInvalidPath);
    }
    return err;
}

static JET_ERR check_places(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < r->recovery.map_count; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (strcmp(r->map[i].to, r->map[k].to) == 0)
                FAIL(JET_errInvalidParameter);
            if (memcmp(&r->map[i].signature, &r->map[k].signature, sizeof r->map[i].signature) == 0)
                FAIL(JET_errDatabaseSignInUse);
        }
        if (!r->options->external)
            CALL(check_outside(r, r->map[i].to));
        CALL(check_unused(r, r->map[i].to));
    }
cleanup:
    return err;
}

static JET_ERR map_databases(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    unsigned named = 0;

    r->map = calloc(r->set.file_count + 1, sizeof *r->map);
    if (!r->map)
        FAIL(JET_errOutOfMemory);
    for (uint32_t i = 0; i < r->set.file_count; i++) {
        const struct set_file *f = &r->set.files[i];
        if (f->is_log)
            continue;
        struct path_map *m = &r->map[r->recovery.map_count++];
        CALL(os_path_join(path, r->set.dir, f->name));
        CALL(restore_check_copy(r, path, &m->signature));
        m->has_signature = true;
        CALL(choose_place(r, f, m->to, &named));
    }
    if (named < r->options->map_count) /* a name for a database that the set does not have */
        FAIL(JET_errDatabaseNotFound);
    r->recovery.in_place = !r->options->dest;
cleanup:
    return err;
}

static JET_ERR map_external(struct restore *r) {
    JET_ERR err = JET_errSuccess;

    r->map = calloc(r->options->map_count + 1, sizeof *r->map);
    if (!r->map)
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < r->options->map_count; i++) {
        struct path_map *m = &r->map[r->recovery.map_count++];
        *m = r->options->map[i];
        CALL(restore_check_copy(r, m->to, &m->signature));
        m->has_signature = true;
    }
    r->recovery.map_only = true;
cleanup:
    return err;
}

/* As JetInit will want them. */
static JET_ERR check_directories(const struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct os_stat st;

    if (!r->options->external) {
        CALL(check_not_set(r, r->config->system_path));
        CALL(check_not_set(r, r->config->log_dir.path));
    }
    if (r->config->create_paths)
        return JET_errSuccess;
    CALL(os_stat(r->config->system_path, &st));
    if (st.kind != OS_DIRECTORY)
        FAIL(JET_errInvalidSystemPath);
    CALL(os_stat(r->config->log_dir.path, &st));
    if (st.kind != OS_DIRECTORY)
        FAIL(JET_errInvalidLogDirectory);
cleanup:
    return err;
}

static JET_ERR verify(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct copy_progress progress = {advance, r};

    CALL(check_directories(r));

    if (strcmp(r->set.base, r->config->log_dir.base) != 0)
        FAIL(JET_errInvalidBackup);
    if (r->set.page_size != r->config->page_size)
        FAIL(JET_errPageSizeMismatch);
    for (uint32_t i = 0; i < r->set.file_count; i++)
        r->total_bytes += r->set.files[i].sum.bytes * (r->set.files[i].is_log ? 1 : 2);
    CALL(verify_sizes(&r->set, r->events));
    for (uint32_t i = 0; i < r->set.file_count; i++)
        CALL(verify_file(&r->set, &r->set.files[i], r->events, &progress));
    CALL(verify_chain(&r->chain, r->events));
    CALL(r->options->external ? map_external(r) : map_databases(r));
    CALL(check_places(r));
    if (r->options->target)
        CALL(restore_fetch(r, &progress));
    CALL(restore_find_end(r));
cleanup:
    return err;
}

/* ---- 3 ---- */

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
        const char *to = r->map[at++].to;
        CALL(os_path_join(from, r->set.dir, f->name));
        CALL(os_path_parent(parent, to));
        if (r->config->create_paths)
            CALL(os_make_dirs(parent));
        err = copy_file(from, to, OS_CREATE | OS_TRUNCATE | OS_LOCK, &progress, f->sum.has_sha256, &sum);
        if (err >= JET_errSuccess && !file_sum_equal(&sum, &f->sum))
            err = RAISE(JET_errReadVerifyFailure);
        if (err < JET_errSuccess)
            event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s could not be copied to %s: error %d (%s)",
                        from, to, (int)err, err_name(err));
        CALL(err);
        CALL(os_sync_parent(to));
    }
    for (unsigned i = 0; i < r->recovery.map_count; i++)
        CALL(restore_prepare_copy(r, r->map[i].to));
cleanup:
    return err;
}

/* ---- 4 ---- */

static JET_ERR recover(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = NULL;

    r->recovery.map = r->map;
    r->recovery.set_dir = r->set.dir;
    r->recovery.set_low = r->chain.low;
    r->recovery.set_high = r->chain.high;
    r->recovery.progress = generation_done;
    r->recovery.context = r;
    CALL(inst_start(r->config, r->events, &r->recovery, &inst));
    CALL(inst_stop(inst));
    CALL(restore_check_clean(r));
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
    CALL(find(r));
    CALL(status(r, JET_sntBegin, 0));
    CALL(verify(r));
    CALL(copy_databases(r));
    CALL(recover(r));
    report(r, JET_sntComplete, 100);
cleanup:
    if (err < JET_errSuccess) {
        event_write(events, EVENT_RESTORE_FAILED, EVENT_ERROR, "restore from %s failed: error %d (%s)", options->set,
                    (int)err, err_name(err));
        if (r->begun)
            report(r, JET_sntFail, r->reported);
    } else {
        event_write(events, EVENT_STOP_RESTORE, EVENT_INFO, "restore ended");
    }
    set_done(&r->set);
    free(r->map);
    free(r);
    return err;
}
