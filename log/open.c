/* Starting a stream, going on with one after recovery, and the two ways to stop.
 *
 * Going on means: what the reader took for the end becomes the end. A torn record, an incomplete one and a LOG_END
 * whose successor never came into being lie behind it; they are zeroed and synced before anything is appended, so
 * that no stale frame can ever stand behind a new one. Closed generations are left as they are, with one exception:
 * an archive that is the last file of the stream and does not end where the reader stopped gets its LOG_END there. */
#include <stdlib.h>

#include "base/clock.h"
#include "log/log_priv.h"

static bool config_is_valid(const struct log_config *config) {
    const struct log_dir *dir = &config->dir;
    return dir->path[0] != '\0' && memchr(dir->path, '\0', sizeof dir->path) && dir->base[0] && dir->base[1] &&
           dir->base[2] && !dir->base[3] && config->file_bytes % LOG_SECTOR == 0 &&
           config->file_bytes >= LOG_FILE_BYTES_MIN && config->file_bytes <= LOG_FILE_BYTES_MAX &&
           config->page_size >= 4096 && config->page_size <= 32768 &&
           (config->page_size & (config->page_size - 1)) == 0;
}

static void log_free(struct log *log) {
    if (!log)
        return;
    log_next_close(log->next);
    os_close(log->file);
    os_cond_done(&log->room);
    os_mutex_done(&log->buffer_lock);
    os_cond_done(&log->flushed);
    os_mutex_done(&log->flush_lock);
    free(log->image);
    free(log->stage);
    free(log);
}

static JET_ERR log_new(const struct log_config *config, const struct log_header *header, struct log **out) {
    JET_ERR err = JET_errSuccess;
    struct log *log = NULL;
    if (!config_is_valid(config))
        FAIL(JET_errInvalidParameter);
    log = calloc(1, sizeof *log);
    if (!log)
        FAIL(JET_errOutOfMemory);
    log->config = *config;
    log->header = *header;
    log->signature = header->signature;
    os_mutex_init(&log->buffer_lock, OS_RANK_LOG_BUFFER);
    os_cond_init(&log->room);
    os_mutex_init(&log->flush_lock, OS_RANK_LOG_FLUSH);
    os_cond_init(&log->flushed);
    log->image = malloc(config->file_bytes > header->file_bytes ? config->file_bytes : header->file_bytes);
    log->stage = malloc(LOG_STAGE_BYTES + LOG_SECTOR);
    if (!log->image || !log->stage)
        FAIL(JET_errOutOfMemory);
    CALL(log_next_open(&log->config, &log->next));
    *out = log;
    log = NULL;
cleanup:
    log_free(log);
    return err;
}

static void set_tip(struct log *log) {
    atomic_store(&log->tip, lgpos_make(log->header.gen, log->fill));
}

/* ---- a new stream ---- */

static JET_ERR check_no_log(const struct log_dir *dir) {
    JET_ERR err = JET_errSuccess;
    struct log_range range;
    bool exists;
    char path[OS_PATH_MAX];
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_path_current(dir, path));
    CALL(log_file_exists(path, &exists));
    if (exists)
        CALL(log_header_read(path, header)); /* what is wrong with it says more than that it exists */
    CALL(log_dir_scan(dir, &range));
    if (exists || range.high != 0)
        FAIL(JET_errFileAlreadyExists);
cleanup:
    free(header);
    return err;
}

JET_ERR log_create(const struct log_config *config, struct log **out) {
    JET_ERR err = JET_errSuccess;
    struct log *log = NULL;
    struct log_header *before_first = calloc(1, sizeof *before_first);
    if (!before_first)
        FAIL(JET_errOutOfMemory);
    before_first->signature = clock_signature();
    if (!config_is_valid(config))
        FAIL(JET_errInvalidParameter);
    CALL(check_no_log(&config->dir));
    CALL(log_new(config, before_first, &log));
    CALL(log_start_generation(log, false));
    set_tip(log);
    *out = log;
    log = NULL;
cleanup:
    log_free(log);
    free(before_first);
    return err;
}

/* ---- going on ---- */

static bool same_generation(const struct log_header *a, const struct log_header *b) {
    return a->gen == b->gen && a->file_bytes == b->file_bytes &&
           memcmp(&a->signature, &b->signature, sizeof a->signature) == 0 &&
           memcmp(&a->created, &b->created, sizeof a->created) == 0;
}

/* Makes the last generation edb.log where a roll was cut between its renames: it stands in edbtmp.log and not in the
 * highest archive. current: there is an edb.log. */
static JET_ERR finish_roll(const struct log_dir *dir, const struct log_header *last, lggen_t high, bool *current) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX], temp[OS_PATH_MAX];
    struct os_file *file = NULL;
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_path_current(dir, path));
    CALL(log_file_exists(path, current));
    if (*current || high == last->gen)
        goto cleanup;
    CALL(log_path_temp(dir, temp));
    if (log_header_read(temp, header) >= JET_errSuccess && same_generation(header, last)) {
        CALL(os_open(temp, OS_READ, &file)); /* a process that died may not have come to that */
        CALL(os_sync(file));
        CALL(os_rename(temp, path));
        CALL(os_sync_dir(dir->path));
        *current = true;
    }
cleanup:
    os_close(file);
    free(header);
    return err;
}

/* Zeroes what lies behind `end` in file and image. Synced in any case: what the reader saw may have been nowhere but in
 * the page cache. */
static JET_ERR cut_off(struct log_image *image, struct os_file *file, uint32_t end) {
    JET_ERR err = JET_errSuccess;
    uint32_t from = end & ~(LOG_SECTOR - 1), to = image->header.file_bytes;
    while (to >= end + 8 && load64(image->bytes + to - 8) == 0)
        to -= 8;
    while (to > end && image->bytes[to - 1] == 0)
        to--;
    if (to > end) {
        memset(image->bytes + end, 0, to - end);
        to = (to + LOG_SECTOR - 1) & ~(LOG_SECTOR - 1);
        CALL(os_write(file, from, image->bytes + from, to - from));
    }
    CALL(os_sync(file));
cleanup:
    return err;
}

static JET_ERR continue_current(struct log *log, const struct log_header *last, uint32_t end) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct log_image image = {0};
    char path[OS_PATH_MAX];
    CALL(log_path_current(&log->config.dir, path));
    CALL(log_image_load(&image, path));
    if (!same_generation(&image.header, last))
        FAIL(JET_errInvalidLogSequence);
    CALL(os_open(path, OS_WRITE, &file));
    CALL(cut_off(&image, file, end));
    memcpy(log->image, image.bytes, end);
    log_enter_generation(log, last, file, end);
    file = NULL;
cleanup:
    os_close(file);
    log_image_done(&image);
    return err;
}

static JET_ERR close_archive(const char *path, const struct log_header *last, uint32_t end) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct log_image image = {0};
    struct log_frame frame;
    CALL(log_image_load(&image, path));
    if (!same_generation(&image.header, last))
        FAIL(JET_errInvalidLogSequence);
    if (log_frame_get(image.bytes, last->file_bytes, end, image.seed, &frame) && frame.type == LOG_END)
        goto cleanup;
    CALL(os_open(path, OS_WRITE, &file));
    CALL(cut_off(&image, file, end));
    uint32_t to = log_frame_seal(image.bytes, end, image.seed, 0, end, LOG_END, LOG_FRAME_FIRST | LOG_FRAME_LAST);
    uint32_t from = end & ~(LOG_SECTOR - 1); /* it may lie across two blocks */
    to = (to + LOG_SECTOR - 1) & ~(LOG_SECTOR - 1);
    CALL(os_write(file, from, image.bytes + from, to - from));
    CALL(os_sync(file));
cleanup:
    os_close(file);
    log_image_done(&image);
    return err;
}

/* The archive need not be here: it may have been read from a backup set. */
static JET_ERR continue_after_archive(struct log *log, const struct log_header *last, uint32_t end) {
    char path[OS_PATH_MAX];
    JET_ERR err = log_find_archive(&log->config.dir, last->gen, path);
    if (err >= JET_errSuccess)
        err = close_archive(path, last, end);
    else if (err == JET_errFileNotFound)
        err = JET_errSuccess;
    return err < JET_errSuccess ? err : log_start_generation(log, false);
}

JET_ERR log_continue(const struct log_config *config, const struct log_header *last, lgpos_t end, struct log **out) {
    JET_ERR err = JET_errSuccess;
    struct log *log = NULL;
    struct log_range range;
    bool current;
    /* No record may have ended in the last generation; then it goes on at its begin. */
    uint32_t offset = lgpos_gen(end) == last->gen ? lgpos_offset(end) : LOG_SECTOR;
    if (!config_is_valid(config) || last->gen == 0 || lgpos_gen(end) > last->gen || offset % 8 != 0 ||
        offset < LOG_SECTOR || offset > log_frames_end(last->file_bytes))
        FAIL(JET_errInvalidParameter);
    CALL(log_dir_scan(&config->dir, &range));
    if (range.high > last->gen)
        FAIL(JET_errInvalidLogSequence);
    CALL(finish_roll(&config->dir, last, range.high, &current));
    if (current && range.high == last->gen)
        FAIL(JET_errInvalidLogSequence); /* the next roll would replace an archive */
    CALL(log_new(config, last, &log));
    if (current)
        CALL(continue_current(log, last, offset));
    else
        CALL(continue_after_archive(log, last, offset));
    set_tip(log);
    *out = log;
    log = NULL;
cleanup:
    log_free(log);
    return err;
}

/* ---- stopping ---- */

void log_close(struct log *log) {
    if (!log)
        return;
    JET_ERR err = log_flush(log, log_tip(log));
    (void)err; /* its event is written, and there is nobody to tell */
    log_free(log);
}

void log_abandon(struct log *log) {
    log_free(log);
}
