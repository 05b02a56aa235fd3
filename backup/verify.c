/* What a set must be before anything is restored from it. */
#include "backup/verify.h"

#include <stdlib.h>

JET_ERR verify_file(const struct set *set, const struct set_file *file, const struct event_sink *events,
                    const struct copy_progress *progress) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct file_sum sum;
    struct os_stat st;

    CALL(os_path_join(path, set->dir, file->name));
    CALL(os_stat(path, &st));
    if (st.kind != OS_FILE) {
        event_write(events, file->is_log ? EVENT_RESTORE_LOG_MISSING : EVENT_RESTORE_FAILED, EVENT_ERROR,
                    "%s of the backup set is missing", path);
        FAIL(file->is_log ? JET_errMissingRestoreLogFiles : JET_errFileNotFound);
    }
    if (st.bytes != file->sum.bytes || (!file->is_log && file->sum.bytes % set->page_size != 0)) {
        event_write(events, EVENT_BAD_BACKUP_DATABASE_SIZE, EVENT_ERROR,
                    "%s of the backup set has %llu bytes, should have %llu", path, (unsigned long long)st.bytes,
                    (unsigned long long)file->sum.bytes);
        FAIL(file->is_log ? JET_errLogReadVerifyFailure : JET_errBadBackupDatabaseSize);
    }
    CALL(copy_file(path, NULL, 0, progress, file->sum.has_sha256, &sum));
    if (!file_sum_equal(&sum, &file->sum)) {
        event_write(events, EVENT_RESTORE_FAILED, EVENT_ERROR,
                    "%s of the backup set is damaged: it is not what the manifest says", path);
        FAIL(file->is_log ? JET_errLogReadVerifyFailure : JET_errReadVerifyFailure);
    }
cleanup:
    return err;
}

JET_ERR verify_chain(struct log_chain *chain, const struct event_sink *events) {
    JET_ERR err = JET_errSuccess;
    struct log_file_check *check = calloc(1, sizeof *check);
    char path[OS_PATH_MAX];
    JET_LOGTIME created = {0};

    if (!check)
        FAIL(JET_errOutOfMemory);
    for (lggen_t gen = chain->low; gen <= chain->high; gen++) {
        CALL(log_path_archive(&chain->dir, gen, path));
        err = log_file_verify(path, true, check);
        if (err == JET_errFileNotFound) {
            event_write(events, EVENT_RESTORE_LOG_MISSING, EVENT_ERROR, "log file %s of the backup set is missing",
                        path);
            FAIL(JET_errMissingRestoreLogFiles);
        }
        if (err == JET_errLogFileCorrupt) {
            event_write(events, EVENT_LOG_CORRUPTION_HARD_RESTORE, EVENT_ERROR,
                        "log file %s of the backup set is damaged at offset %u", path, check->bad_offset);
            FAIL(JET_errLogCorruptDuringHardRestore);
        }
        CALL(err);
        if (memcmp(&check->header.signature, &chain->signature, sizeof chain->signature) != 0) {
            event_write(events, EVENT_RESTORE_LOG_BAD_SIGNATURE, EVENT_ERROR, "log file %s is of another log", path);
            FAIL(JET_errGivenLogFileHasBadSignature);
        }
        if (check->header.gen != gen ||
            (gen > chain->low && memcmp(&check->header.previous_created, &created, sizeof created) != 0)) {
            event_write(events, EVENT_RESTORE_LOG_NOT_CONTIGUOUS, EVENT_ERROR,
                        "log file %s does not follow the one before", path);
            FAIL(JET_errGivenLogFileIsNotContiguous);
        }
        created = check->header.created;
    }
    chain->last_created = created;
cleanup:
    free(check);
    return err;
}

/* The header of a copy says which log files it needs. */
static JET_ERR check_needs(const char *path, uint32_t page_size, const struct log_chain *chain,
                           const struct event_sink *events, const struct dbheader *header) {
    const lggen_t low = le32(header->full_cur.gen_low), high = le32(header->gen_max_required);
    if (le32(header->page_size) != page_size)
        return RAISE(JET_errPageSizeMismatch);
    if (low == 0)
        return RAISE(JET_errRestoreOfNonBackupDatabase);
    if (memcmp(&header->sign_log, &chain->signature, sizeof chain->signature) != 0) {
        event_write(events, EVENT_RESTORE_LOG_BAD_SIGNATURE, EVENT_ERROR,
                    "%s belongs to another log than that of the backup set", path);
        return RAISE(JET_errGivenLogFileHasBadSignature);
    }
    if (low < chain->low) {
        event_write(events, EVENT_RESTORE_STARTING_LOG_TOO_HIGH, EVENT_ERROR,
                    "%s needs log generation %u, the set begins with %u", path, low, chain->low);
        return RAISE(JET_errStartingRestoreLogTooHigh);
    }
    if (high > chain->high) {
        event_write(events, EVENT_RESTORE_ENDING_LOG_TOO_LOW, EVENT_ERROR,
                    "%s needs log generation %u, the set ends with %u", path, high, chain->high);
        return RAISE(JET_errEndingRestoreLogTooLow);
    }
    return JET_errSuccess;
}

JET_ERR verify_needs(const char *path, uint32_t page_size, const struct log_chain *chain,
                     const struct event_sink *events, JET_SIGNATURE *sign_db) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ, &file));
    CALL(dbheader_read(file, header, NULL));
    CALL(check_needs(path, page_size, chain, events, header));
    *sign_db = disk_signature_load(&header->sign_db);
cleanup:
    os_close(file);
    free(header);
    return err;
}
