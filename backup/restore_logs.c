/* Which log files of the instance follow those of the set, and which are in the way. */
#include <stdlib.h>

#include "backup/restore_priv.h"
#include "engine/logrec.h"

static JET_ERR does_not_follow(const struct restore *r, const char *path) {
    event_write(r->events, EVENT_EXISTING_LOG_NOT_CONTIGUOUS, EVENT_ERROR,
                "log file %s of the instance does not follow generation %u of the backup set", path, r->chain.high);
    return RAISE(JET_errExistingLogFileIsNotContiguous);
}

static JET_ERR is_missing(const struct restore *r, lggen_t gen) {
    event_write(r->events, EVENT_CURRENT_LOG_MISSING, EVENT_ERROR,
                "log generation %u is neither in the backup set nor in %s", gen, r->config->log_dir.path);
    return RAISE(JET_errMissingCurrentLogFiles);
}

/* Generation gen is there and goes on from the one before, which was created at *created. An instance that was restored
 * to an earlier moment has other log files under the same signature and numbers. */
static JET_ERR check_next(const struct restore *r, const struct log_range *range, lggen_t gen,
                          struct log_header *header, JET_LOGTIME *created) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];

    CALL(gen == range->current ? log_path_current(&r->config->log_dir, path)
                               : log_path_archive(&r->config->log_dir, gen, path));
    err = log_header_read(path, header);
    if (err == JET_errFileNotFound && gen == range->current) /* it has its temporary name: redo looks at it */
        return JET_errSuccess;
    if (err == JET_errFileNotFound)
        return is_missing(r, gen);
    CALL(err);
    if (memcmp(&header->previous_created, created, sizeof *created) != 0)
        return does_not_follow(r, path);
    *created = header->created;
cleanup:
    return err;
}

static JET_ERR check_signature(const struct restore *r, const struct log_range *range, struct log_header *header) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];

    if (!range->low && !range->current)
        return JET_errSuccess;
    CALL(range->low ? log_path_archive(&r->config->log_dir, range->low, path)
                    : log_path_current(&r->config->log_dir, path));
    err = log_header_read(path, header);
    if (err == JET_errFileNotFound && !range->low) /* as above */
        return JET_errSuccess;
    CALL(err);
    if (memcmp(&header->signature, &r->chain.signature, sizeof header->signature) != 0) {
        event_write(r->events, EVENT_EXISTING_LOG_BAD_SIGNATURE, EVENT_ERROR,
                    "log file %s of the instance is of another log than the backup set", path);
        FAIL(JET_errExistingLogFileHasBadSignature);
    }
cleanup:
    return err;
}

/* Was anything promised in the instance's log files from `first` on? A restore that was interrupted leaves some in
 * which it only took changes back. */
static bool holds_work(const struct restore *r, lggen_t first) {
    struct log_reader_config config = {.dirs[0] = r->config->log_dir, .from = lgpos_make(first, 0)};
    struct log_reader *reader = NULL;
    struct log_record record;
    bool found = false;

    JET_ERR err = log_reader_open(&config, &reader);
    while (err >= JET_errSuccess && !found) {
        err = log_reader_next(reader, &record);
        found = err >= JET_errSuccess &&
                (record.type == LOGREC_COMMIT || record.type == LOGREC_CREATE_DB || record.type == LOGREC_ATTACH_DB);
    }
    log_reader_close(reader);
    return found || err != JET_errNoCurrentRecord;
}

JET_ERR restore_find_end(struct restore *r) {
    JET_ERR err = JET_errSuccess, broken = JET_errSuccess;
    struct log_range range;
    const lggen_t until = r->options->until, high = r->chain.high;
    JET_LOGTIME created = r->chain.last_created;
    struct log_header *header = calloc(1, sizeof *header);
    char path[OS_PATH_MAX];

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_dir_scan(&r->config->log_dir, &range));
    CALL(check_signature(r, &range, header));
    CALL(log_path_current(&r->config->log_dir, path));
    const lggen_t top = range.high > range.current ? range.high : range.current;
    lggen_t end = high;
    if (range.current && range.current <= high)
        broken = does_not_follow(r, path);
    while (broken >= JET_errSuccess && end < top && (!until || end < until)) {
        broken = check_next(r, &range, end + 1, header, &created);
        end += broken >= JET_errSuccess;
    }
    if (broken < JET_errSuccess &&
        (!r->config->delete_out_of_range ||
         (broken != JET_errExistingLogFileIsNotContiguous && broken != JET_errMissingCurrentLogFiles)))
        CALL(broken);
    if (until > end)
        CALL(is_missing(r, end + 1));
    if (until && top > end && !r->config->delete_out_of_range && holds_work(r, end + 1))
        CALL(does_not_follow(r, path));
    r->recovery.last = until || broken < JET_errSuccess ? end : 0;
cleanup:
    free(header);
    return err;
}
