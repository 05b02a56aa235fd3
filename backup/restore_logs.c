/* Which log files of the instance follow those of the set, and which are in the way. */
#include <stdlib.h>

#include "backup/restore_priv.h"
#include "engine/logrec.h"

JET_ERR restore_find_until(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    const int64_t when = r->options->until_time;
    lggen_t after = 0;

    r->until = r->options->target ? r->options->target->high : r->options->until;
    if (!when)
        return JET_errSuccess;
    CALL(log_dir_first_after(&r->chain.dir, r->set.low, r->set.high, when, &after));
    if (!after)
        CALL(log_dir_first_after(&r->config->log_dir, r->set.high + 1, LOG_GEN_MAX, when, &after));
    if (after == r->set.low) {
        event_write(r->events, EVENT_RESTORE_ENDING_LOG_TOO_LOW, EVENT_ERROR,
                    "the backup set is younger than the time that was asked for");
        FAIL(JET_errEndingRestoreLogTooLow);
    }
    if (after && (!r->until || after <= r->until))
        r->until = after - 1;
cleanup:
    return err;
}

static JET_ERR does_not_follow(const struct restore *r, lggen_t gen) {
    event_write(r->events, EVENT_EXISTING_LOG_NOT_CONTIGUOUS, EVENT_ERROR,
                "log generation %u in %s does not follow the backup set, or what of it is replayed", gen,
                r->config->log_dir.path);
    return RAISE(JET_errExistingLogFileIsNotContiguous);
}

static JET_ERR is_missing(const struct restore *r, lggen_t gen) {
    event_write(r->events, EVENT_CURRENT_LOG_MISSING, EVENT_ERROR,
                "log generation %u is neither in the backup set nor in %s", gen, r->config->log_dir.path);
    return RAISE(JET_errMissingCurrentLogFiles);
}

JET_ERR restore_fetch(struct restore *r, const struct copy_progress *progress) {
    const struct restore_target *target = r->options->target;
    struct log_range range;
    struct file_sum sum;
    char from[OS_PATH_MAX], to[OS_PATH_MAX];
    lggen_t gen = r->chain.high + 1;

    JET_ERR err = log_dir_scan(&r->config->log_dir, &range);
    if (err < JET_errSuccess)
        return err;
    if (range.current || range.high > r->chain.high)
        return does_not_follow(r, range.current ? range.current : range.high);
    for (; gen <= target->high; gen++) {
        CALL(log_path_archive(&target->log_dir, gen, from));
        CALL(log_path_archive(&r->config->log_dir, gen, to));
        err = copy_file(from, to, OS_CREATE, progress, false, &sum);
        if (err == JET_errFileNotFound)
            CALL(is_missing(r, gen));
        CALL(err);
    }
    CALL(os_sync_dir(r->config->log_dir.path));
cleanup:
    gen -= err == JET_errFileAlreadyExists; /* somebody else's */
    for (; err < JET_errSuccess && gen > r->chain.high; gen--) {
        JET_ERR ignored = log_path_archive(&r->config->log_dir, gen, to);
        if (ignored >= JET_errSuccess)
            ignored = os_remove(to);
    }
    return err;
}

static JET_ERR read_own(const struct restore *r, const char *path, struct log_header *header) {
    JET_ERR err = log_header_read(path, header);
    if (err < JET_errSuccess && err != JET_errFileNotFound)
        log_report_unreadable(r->events, path, err);
    return err == JET_errLogFileCorrupt ? RAISE(JET_errLogCorruptDuringHardRecovery) : err;
}

/* Generation gen is there and goes on from the one before, which was created at *created. An instance that was restored
 * to an earlier moment has other log files under the same signature and numbers. */
static JET_ERR check_next(const struct restore *r, const struct log_range *range, lggen_t gen,
                          struct log_header *header, JET_LOGTIME *created) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];

    CALL(gen == range->current ? log_path_current(&r->config->log_dir, path)
                               : log_path_archive(&r->config->log_dir, gen, path));
    err = read_own(r, path, header);
    if (err == JET_errFileNotFound && gen == range->current) /* it has its temporary name: redo looks at it */
        return JET_errSuccess;
    if (err == JET_errFileNotFound)
        return is_missing(r, gen);
    CALL(err);
    if (memcmp(&header->previous_created, created, sizeof *created) != 0)
        return does_not_follow(r, gen);
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
    err = read_own(r, path, header);
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

/* The first of the instance's log files, among those that the set has too, that is another one: 0 for none. The current
 * one always is: in the set it is closed. */
static JET_ERR find_other(const struct restore *r, const struct log_range *range, struct log_header header[2],
                          lggen_t *out) {
    JET_ERR err = JET_errSuccess;
    char own[OS_PATH_MAX], set[OS_PATH_MAX];

    *out = range->current && range->current <= r->chain.high ? range->current : 0;
    lggen_t from = range->low > r->chain.low ? range->low : r->chain.low;
    for (lggen_t gen = from; range->low && gen <= r->chain.high && gen <= range->high && (!*out || gen < *out); gen++) {
        CALL(log_path_archive(&r->config->log_dir, gen, own));
        CALL(log_path_archive(&r->chain.dir, gen, set));
        err = read_own(r, own, &header[0]);
        if (err == JET_errFileNotFound)
            continue;
        CALL(err);
        CALL(log_header_read(set, &header[1]));
        if (memcmp(&header[0].created, &header[1].created, sizeof header[0].created) != 0)
            *out = gen;
    }
    err = JET_errSuccess;
cleanup:
    return err;
}

/* From generation `from` on the instance's log files go, if that was allowed or nobody misses them. */
static JET_ERR in_the_way(struct restore *r, lggen_t from, JET_ERR why) {
    if (!r->config->delete_out_of_range && holds_work(r, from))
        return why < JET_errSuccess ? why : does_not_follow(r, from);
    r->recovery.keep = from - 1 < r->recovery.last ? from - 1 : r->recovery.last;
    return JET_errSuccess;
}

JET_ERR restore_find_end(struct restore *r) {
    JET_ERR err = JET_errSuccess, broken = JET_errSuccess;
    struct log_range range;
    const lggen_t until = r->until;
    lggen_t other = 0, end = r->chain.high;
    JET_LOGTIME created = r->chain.last_created;
    struct log_header *header = calloc(2, sizeof *header);

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_dir_scan(&r->config->log_dir, &range));
    CALL(check_signature(r, &range, header));
    CALL(find_other(r, &range, header, &other));
    const lggen_t top = range.high > range.current ? range.high : range.current;
    while (broken >= JET_errSuccess && !other && end < top && (!until || end < until)) {
        broken = check_next(r, &range, end + 1, header, &created);
        end += broken >= JET_errSuccess;
    }
    if (broken != JET_errExistingLogFileIsNotContiguous && broken != JET_errMissingCurrentLogFiles)
        CALL(broken);
    if (until > end)
        CALL(is_missing(r, end + 1));
    r->recovery.last = r->recovery.keep = until || broken < JET_errSuccess || other ? end : 0;
    if (r->recovery.last && (other || top > end))
        CALL(in_the_way(r, other ? other : end + 1, broken));
cleanup:
    free(header);
    return err;
}
