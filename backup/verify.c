/* What a set must be before anything is restored from it. */
#include "backup/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/trailer.h"
#include "base/checksum.h"

/* The first thing that is wrong with a file. What is found later is kept to itself. */
struct finding {
    JET_ERR err; /* JET_errSuccess: nothing */
    enum event_id event;
    char text[OS_PATH_MAX + 256];
};

static void find(struct finding *f, JET_ERR err, enum event_id event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void find(struct finding *f, JET_ERR err, enum event_id event, const char *format, ...) {
    va_list args;
    if (f->err < JET_errSuccess)
        return;
    f->err = err;
    f->event = event;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

static JET_ERR report(const struct finding *f, const struct event_sink *events) {
    if (f->err >= JET_errSuccess)
        return JET_errSuccess;
    event_write(events, f->event, EVENT_ERROR, "%s", f->text);
    return RAISE(f->err);
}

/* ---- a file and the manifest ---- */

static JET_ERR check_size(const struct set_file *file, const char *path, struct finding *f) {
    JET_ERR err = JET_errSuccess;
    struct os_stat st;

    CALL(os_stat(path, &st));
    if (st.kind != OS_FILE)
        find(f, file->is_log ? JET_errMissingRestoreLogFiles : JET_errFileNotFound,
             file->is_log ? EVENT_RESTORE_LOG_MISSING : EVENT_RESTORE_FAILED, "%s of the backup set is missing", path);
    else if (st.bytes != file->sum.bytes)
        find(f, file->is_log ? JET_errLogReadVerifyFailure : JET_errBadBackupDatabaseSize,
             EVENT_BAD_BACKUP_DATABASE_SIZE, "%s of the backup set has %llu bytes, should have %llu", path,
             (unsigned long long)st.bytes, (unsigned long long)file->sum.bytes);
cleanup:
    return err;
}

/* A content that is not the manifest's comes before what is wrong with it, which then says only where. */
static void check_sum(const struct set_file *file, const char *path, const struct file_sum *sum, struct finding *f) {
    const JET_ERR err = file->is_log ? JET_errLogReadVerifyFailure : JET_errReadVerifyFailure;
    if (file_sum_equal(sum, &file->sum))
        return;
    find(f, err, EVENT_RESTORE_FAILED, "%s of the backup set is damaged: it is not what the manifest says", path);
    f->err = err;
}

/* What the system says of a file is no finding, but it has a name. */
static void name_unreadable(const struct set *set, const struct set_file *file, JET_ERR err,
                            const struct event_sink *events) {
    if (err == JET_errDiskIO || err == JET_errFileAccessDenied || err == JET_errFileIOBeyondEOF)
        event_write(events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s/%s of the backup set cannot be read: error %d (%s)",
                    set->dir, file->name, (int)err, err_name(err));
}

JET_ERR verify_sizes(const struct set *set, const struct event_sink *events) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct finding f = {.err = JET_errSuccess};

    for (uint32_t i = 0; i < set->file_count; i++) {
        CALL(os_path_join(path, set->dir, set->files[i].name));
        err = check_size(&set->files[i], path, &f);
        name_unreadable(set, &set->files[i], err, events);
        CALL(err);
        CALL(report(&f, events));
    }
cleanup:
    return err;
}

JET_ERR verify_file(const struct set *set, const struct set_file *file, const struct event_sink *events,
                    const struct copy_progress *progress) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct finding f = {.err = JET_errSuccess};
    struct file_sum sum;

    CALL(os_path_join(path, set->dir, file->name));
    CALL(copy_view(path, NULL, progress, file->sum.has_sha256, &sum));
    check_sum(file, path, &sum, &f);
    CALL(report(&f, events));
cleanup:
    return err;
}

/* ---- log files ---- */

/* The next one of the chain, by itself and after the one before. */
static JET_ERR check_generation(struct log_chain *chain, lggen_t gen, const char *path, struct finding *f) {
    JET_ERR err = JET_errSuccess;
    struct log_file_check *check = calloc(1, sizeof *check);

    if (!check)
        FAIL(JET_errOutOfMemory);
    err = log_file_verify(path, true, check);
    if (err == JET_errFileNotFound)
        find(f, JET_errMissingRestoreLogFiles, EVENT_RESTORE_LOG_MISSING, "log file %s of the backup set is missing",
             path);
    else if (err == JET_errLogFileCorrupt)
        find(f, JET_errLogCorruptDuringHardRestore, EVENT_LOG_CORRUPTION_HARD_RESTORE,
             "log file %s of the backup set is damaged at offset %u", path, check->bad_offset);
    else if (err == JET_errLogFileSizeMismatch || err == JET_errBadLogVersion)
        find(f, err, err == JET_errBadLogVersion ? EVENT_LOG_BAD_VERSION : EVENT_LOG_CORRUPTION_HARD_RESTORE,
             err == JET_errBadLogVersion ? "log file %s of the backup set is of another format"
                                         : "log file %s of the backup set has not the size that its header says",
             path);
    else
        CALL(err);
    err = JET_errSuccess;
    if (f->err < JET_errSuccess)
        goto cleanup;
    if (memcmp(&check->header.signature, &chain->signature, sizeof chain->signature) != 0)
        find(f, JET_errGivenLogFileHasBadSignature, EVENT_RESTORE_LOG_BAD_SIGNATURE, "log file %s is of another log",
             path);
    if (check->header.gen != gen || (gen > chain->low && memcmp(&check->header.previous_created, &chain->last_created,
                                                                sizeof chain->last_created) != 0))
        find(f, JET_errGivenLogFileIsNotContiguous, EVENT_RESTORE_LOG_NOT_CONTIGUOUS,
             "log file %s does not follow the one before", path);
    chain->last_created = check->header.created;
cleanup:
    free(check);
    return err;
}

JET_ERR verify_chain(struct log_chain *chain, const struct event_sink *events) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct finding f = {.err = JET_errSuccess};

    for (lggen_t gen = chain->low; gen <= chain->high; gen++) {
        CALL(log_path_archive(&chain->dir, gen, path));
        CALL(check_generation(chain, gen, path, &f));
        CALL(report(&f, events));
    }
cleanup:
    return err;
}

/* ---- databases ---- */

/* The header of a copy says with which log file redo begins. */
static void check_needs(const struct dbheader *header, const char *path, uint32_t page_size,
                        const struct log_chain *chain, struct finding *f) {
    const lggen_t low = le32(header->full_cur.gen_low), high = le32(header->gen_max_required);
    if (le32(header->page_size) != page_size)
        find(f, JET_errPageSizeMismatch, EVENT_RESTORE_FAILED, "%s has pages of %u bytes, the backup set of %u", path,
             le32(header->page_size), page_size);
    else if (low == 0)
        find(f, JET_errRestoreOfNonBackupDatabase, EVENT_RESTORE_FAILED, "%s is not a copy that a backup made", path);
    else if (memcmp(&header->sign_log, &chain->signature, sizeof chain->signature) != 0)
        find(f, JET_errGivenLogFileHasBadSignature, EVENT_RESTORE_LOG_BAD_SIGNATURE,
             "%s belongs to another log than that of the backup set", path);
    else if (low < chain->low)
        find(f, JET_errStartingRestoreLogTooHigh, EVENT_RESTORE_STARTING_LOG_TOO_HIGH,
             "%s needs log generation %u, the set begins with %u", path, low, chain->low);
    else if (high > chain->high)
        find(f, JET_errEndingRestoreLogTooLow, EVENT_RESTORE_ENDING_LOG_TOO_LOW,
             "%s needs log generation %u, the set ends with %u", path, high, chain->high);
}

/* The trailer says how far redo must come. */
static void check_trailer(const void *page, const struct dbheader *header, const char *path,
                          const struct log_chain *chain, struct finding *f) {
    lggen_t current = 0;
    JET_ERR err = trailer_check(page, header, &current);
    if (err < JET_errSuccess)
        find(f, err, err == JET_errBadPatchPage ? EVENT_BACKUP_TRAILER_BAD : EVENT_BACKUP_TRAILER_MISMATCH,
             err == JET_errBadPatchPage ? "the trailer of %s is damaged" : "the trailer of %s is that of another copy",
             path);
    else if (current > chain->high)
        find(f, JET_errEndingRestoreLogTooLow, EVENT_RESTORE_ENDING_LOG_TOO_LOW,
             "%s needs log generation %u, the set ends with %u", path, current, chain->high);
}

static JET_ERR check_last_page(struct os_file *file, const struct dbheader *header, const char *path,
                               const struct log_chain *chain, struct finding *f) {
    JET_ERR err = JET_errSuccess;
    const uint32_t page_size = le32(header->page_size);
    uint64_t bytes;
    uint8_t *page = malloc(page_size);

    if (!page)
        FAIL(JET_errOutOfMemory);
    CALL(os_size(file, &bytes));
    if (bytes % page_size != 0 || bytes < 3 * (uint64_t)page_size) {
        find(f, JET_errBadBackupDatabaseSize, EVENT_BAD_BACKUP_DATABASE_SIZE,
             "%s has %llu bytes, which a copy cannot have", path, (unsigned long long)bytes);
        goto cleanup;
    }
    CALL(os_read(file, bytes - page_size, page, page_size));
    check_trailer(page, header, path, chain, f);
cleanup:
    free(page);
    return err;
}

JET_ERR verify_needs(const char *path, uint32_t page_size, const struct log_chain *chain,
                     const struct event_sink *events, JET_SIGNATURE *sign_db) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct finding f = {.err = JET_errSuccess};
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ, &file));
    err = dbheader_read(file, header, NULL);
    if (err == JET_errDatabaseCorrupted)
        find(&f, err, EVENT_RESTORE_FAILED, "both headers of %s are damaged", path);
    else
        CALL(err);
    CALL(report(&f, events));
    check_needs(header, path, page_size, chain, &f);
    CALL(report(&f, events));
    if (le32(header->full_cur.gen_high) == 0) /* else a restore has taken the trailer off */
        CALL(check_last_page(file, header, path, chain, &f));
    CALL(report(&f, events));
    *sign_db = disk_signature_load(&header->sign_db);
cleanup:
    os_close(file);
    free(header);
    return err;
}

/* ---- a whole set ---- */

/* A database on its way through one pass. */
struct database {
    const struct set_file *file;
    const char *path;
    uint32_t page_size;
    const struct log_chain *chain;
    struct dbheader *header; /* good when a page behind it is looked at */
    struct finding finding;
};

static void see_header(struct database *d, const void *block) {
    JET_ERR err = dbheader_check(block, d->page_size);
    if (err < JET_errSuccess) {
        find(&d->finding, err, EVENT_RESTORE_FAILED,
             err == JET_errInvalidDatabaseVersion ? "%s is of a version that is not known"
                                                  : "the header of %s is damaged",
             d->path);
        return;
    }
    memcpy(d->header, block, d->page_size);
    check_needs(d->header, d->path, d->page_size, d->chain, &d->finding);
    if (memcmp(&d->header->sign_db, &d->file->signature, sizeof d->file->signature) != 0)
        find(&d->finding, JET_errBadDbSignature, EVENT_RESTORE_FAILED, "%s is another database than the manifest says",
             d->path);
}

static void see_page(struct database *d, void *page, pgno_t pgno) {
    const unsigned long long offset = ((unsigned long long)pgno + 1) * d->page_size;
    switch (page_sum_check(page, d->page_size, pgno, false)) {
    case PAGE_GOOD:
    case PAGE_BLANK:
        break;
    case PAGE_BAD_PGNO:
        find(&d->finding, JET_errReadPgnoVerifyFailure, EVENT_PAGE_NUMBER_MISMATCH,
             "page %u of %s at offset %llu is another page", pgno, d->path, offset);
        break;
    default: /* a copy has nothing to correct: the backup did */
        find(&d->finding, JET_errReadVerifyFailure, EVENT_PAGE_READ_ERROR, "page %u of %s at offset %llu is damaged",
             pgno, d->path, offset);
    }
}

static void see(void *context, uint64_t offset, void *data, size_t bytes) {
    struct database *d = context;
    const uint64_t pages_end = (uint64_t)d->file->page_count + 2;
    uint8_t *block = data;
    for (uint64_t at = offset / d->page_size; bytes >= d->page_size && d->finding.err >= JET_errSuccess; at++) {
        if (at == 0)
            see_header(d, block);
        else if (at == 1 && memcmp(block, d->header, d->page_size) != 0)
            find(&d->finding, JET_errDatabaseCorrupted, EVENT_RESTORE_FAILED,
                 "the second header of %s is not what the first is", d->path);
        else if (at > 1 && at < pages_end)
            see_page(d, block, (pgno_t)(at - 1));
        else if (at == pages_end)
            check_trailer(block, d->header, d->path, d->chain, &d->finding);
        block += d->page_size;
        bytes -= d->page_size;
    }
}

static JET_ERR verify_database(const struct set *set, const struct set_file *file, const struct log_chain *chain,
                               const struct event_sink *events, const struct copy_progress *progress) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct file_sum sum;
    struct database d = {.file = file, .path = path, .page_size = set->page_size, .chain = chain};
    struct copy_viewer viewer = {see, &d};

    d.header = calloc(1, PAGE_SIZE_MAX);
    if (!d.header)
        FAIL(JET_errOutOfMemory);
    CALL(os_path_join(path, set->dir, file->name));
    CALL(copy_view(path, &viewer, progress, file->sum.has_sha256, &sum));
    check_sum(file, path, &sum, &d.finding);
    CALL(report(&d.finding, events));
cleanup:
    free(d.header);
    return err;
}

static JET_ERR verify_log(const struct set *set, const struct set_file *file, lggen_t gen, struct log_chain *chain,
                          const struct event_sink *events, const struct copy_progress *progress) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct finding f = {.err = JET_errSuccess};

    CALL(verify_file(set, file, events, progress));
    CALL(os_path_join(path, set->dir, file->name));
    CALL(check_generation(chain, gen, path, &f));
    CALL(report(&f, events));
cleanup:
    return err;
}

JET_ERR verify_set(const struct set *set, const struct event_sink *events, const struct copy_progress *progress,
                   struct log_chain *chain) {
    JET_ERR err = JET_errSuccess;
    lggen_t gen = set->low;

    *chain = (struct log_chain){.low = set->low, .high = set->high, .signature = set->signature};
    memcpy(chain->dir.base, set->base, sizeof chain->dir.base);
    snprintf(chain->dir.path, sizeof chain->dir.path, "%s", set->dir);
    CALL(verify_sizes(set, events));
    for (uint32_t i = 0; i < set->file_count; i++) {
        const struct set_file *file = &set->files[i];
        err = file->is_log ? verify_log(set, file, gen++, chain, events, progress)
                           : verify_database(set, file, chain, events, progress);
        name_unreadable(set, file, err, events);
        CALL(err);
    }
cleanup:
    return err;
}
