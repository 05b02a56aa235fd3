/* The writer: records go into a memory image of the current generation, and one thread at a time carries the image
 * to the file.
 *
 * Two locks, and neither is held during I/O:
 *
 *   buffer_lock   the image from `fill` on, and who may append. An append is a copy and a CRC under it. When a record
 *                 needs the next generation, its thread sets `held` (the others wait for `room`), lets the lock go and
 *                 rolls; so the pieces of a record are never interleaved with other records.
 *   flush_lock    who leads. The leader (`flushing`) alone uses the file. All who come meanwhile wait, and of those
 *                 the leader did not cover one leads next, for everybody: N commits share one write and one sync.
 *
 * The image below `fill` never changes, so the leader reads it without a lock. Only the block in which `fill` lies is
 * copied under buffer_lock, as appends go on in it. That block is written again by later flushes, each time with the
 * same bytes and more behind them.
 *
 * A roll is done by a leader. At any crash the directory holds one of
 *   edb.log (and perhaps edbtmp.log)            until the first rename, with all records of the old generation
 *   archives and edbtmp.log, which is complete  between the renames
 *   archives and edb.log                        after the second
 * The first failure of a write, a sync or a roll is final (P3): `failure` is set once and never cleared. */
#include <assert.h>
#include <stdlib.h>

#include "base/breaks.h"
#include "base/clock.h"
#include "log/log_priv.h"

/* ---- going down ---- */

static JET_ERR go_down(struct log *log, JET_ERR err, enum event_id event, const char *what) {
    JET_ERR none = JET_errSuccess;
    JET_ERR failure = err == JET_errDiskFull || err == JET_errLogDiskFull ? JET_errLogDiskFull
                      : err == JET_errLogSequenceEnd                      ? JET_errLogSequenceEnd
                                                                          : JET_errLogWriteFail;
    if (atomic_compare_exchange_strong(&log->failure, &none, failure))
        event_write(log->config.events, event, EVENT_ERROR,
                    "%s failed in %s at generation %u: error %d (%s); the log is down", what, log->config.dir.path,
                    (unsigned)log->gen, (int)err, err_name(err));
    return RAISE(log_failure(log));
}

bool log_is_down(const struct log *log) {
    return log_failure(log) < JET_errSuccess;
}
JET_ERR log_failure(const struct log *log) {
    return atomic_load(&log->failure);
}

/* ---- leading ---- */

static JET_ERR lead_begin(struct log *log) {
    os_mutex_lock(&log->flush_lock);
    while (log->flushing)
        os_cond_wait(&log->flushed, &log->flush_lock);
    JET_ERR err = log_failure(log);
    if (err >= JET_errSuccess)
        log->flushing = true;
    os_mutex_unlock(&log->flush_lock);
    return err;
}

static void lead_end(struct log *log) {
    os_mutex_lock(&log->flush_lock);
    log->flushing = false;
    os_cond_broadcast(&log->flushed);
    os_mutex_unlock(&log->flush_lock);
}

static void publish_durable(struct log *log, lgpos_t durable) {
    os_mutex_lock(&log->flush_lock);
    atomic_store(&log->durable, durable);
    os_cond_broadcast(&log->flushed);
    os_mutex_unlock(&log->flush_lock);
}

/* What the blocks of one flush are made of: full ones from the image, the last one from a copy. */
static JET_ERR write_blocks(struct log *log, uint32_t from, uint32_t tail, uint32_t end) {
    JET_ERR err = JET_errSuccess;
    uint32_t full_bytes = tail - from, tail_bytes = end > tail ? LOG_SECTOR : 0;
    if (full_bytes <= LOG_STAGE_BYTES) {
        memcpy(log->stage, log->image + from, full_bytes);
        CALL(os_write(log->file, from, log->stage, full_bytes + tail_bytes));
    } else {
        CALL(os_write(log->file, from, log->image + from, full_bytes));
        if (tail_bytes > 0)
            CALL(os_write(log->file, tail, log->stage, tail_bytes));
    }
    if (!BROKEN(log_no_sync))
        CALL(os_sync(log->file));
cleanup:
    return err;
}

/* Leader: everything appended so far becomes durable. */
static JET_ERR write_out(struct log *log) {
    uint32_t from = log->written & ~(LOG_SECTOR - 1);

    os_mutex_lock(&log->buffer_lock);
    uint32_t end = log->fill, tail = end & ~(LOG_SECTOR - 1);
    uint8_t *tail_copy = log->stage + (tail - from <= LOG_STAGE_BYTES ? tail - from : 0);
    memcpy(tail_copy, log->image + tail, end - tail);
    os_mutex_unlock(&log->buffer_lock);

    if (end == log->written)
        return JET_errSuccess;
    memset(tail_copy + (end - tail), 0, LOG_SECTOR - (end - tail));
    JET_ERR err = write_blocks(log, from, tail, end);
    if (err < JET_errSuccess && !BROKEN(failed_write_forgiven))
        return go_down(log, err, EVENT_LOG_WRITE_ERROR, "writing the log");
    log->written = end;
    publish_durable(log, lgpos_make(log->gen, end));
    return JET_errSuccess;
}

JET_ERR log_flush(struct log *log, lgpos_t upto) {
    lgpos_t tip = atomic_load(&log->tip);
    if (upto > tip)
        upto = tip; /* nothing is there that could be waited for */
    if (atomic_load(&log->durable) >= upto)
        return JET_errSuccess;

    os_mutex_lock(&log->flush_lock);
    while (atomic_load(&log->durable) < upto && !log_is_down(log)) {
        if (log->flushing) {
            os_cond_wait(&log->flushed, &log->flush_lock);
            continue;
        }
        log->flushing = true;
        os_mutex_unlock(&log->flush_lock);
        JET_ERR err = write_out(log);
        (void)err; /* the loop asks log_is_down() */
        os_mutex_lock(&log->flush_lock);
        log->flushing = false;
        os_cond_broadcast(&log->flushed);
    }
    os_mutex_unlock(&log->flush_lock);
    return atomic_load(&log->durable) >= upto ? JET_errSuccess : log_failure(log);
}

/* ---- generations ---- */

/* The file of the next generation gets its header and its name; with archive the current file gets the archive's
 * first. Only the header of `log` changes here. */
static JET_ERR create_generation(struct log *log, const struct log_header *header, struct os_file *file,
                                 const char *archive) {
    JET_ERR err = JET_errSuccess;
    char temp[OS_PATH_MAX], current[OS_PATH_MAX];
    uint8_t block[LOG_SECTOR];
    CALL(log_path_temp(&log->config.dir, temp));
    CALL(log_path_current(&log->config.dir, current));
    log_header_encode(header, block);
    CALL(os_write(file, 0, block, sizeof block));
    if (!BROKEN(generation_name_first))
        CALL(os_sync(file));
    if (archive) { /* durable before the name is taken again: a disk need not keep the order of the two */
        CALL(os_rename(current, archive));
        CALL(os_sync_dir(log->config.dir.path));
    }
    CALL(os_rename(temp, current));
    if (!BROKEN(generation_no_dir_sync))
        CALL(os_sync_dir(log->config.dir.path));
cleanup:
    return err;
}

void log_enter_generation(struct log *log, const struct log_header *header, struct os_file *file, uint32_t fill) {
    os_close(log->file);
    log->file = file;
    os_mutex_lock(&log->buffer_lock);
    log->header.gen = header->gen;
    log->header.file_bytes = header->file_bytes;
    log->header.created = header->created;
    log->header.previous_created = header->previous_created;
    log->seed = log_frame_seed(&log->signature, header->gen);
    log->fill = log->written = fill;
    log->next_wanted = false;
    atomic_store(&log->gen, header->gen);
    atomic_store(&log->created, load64(&header->created));
    os_mutex_unlock(&log->buffer_lock);
    publish_durable(log, lgpos_make(header->gen, fill));
}

JET_ERR log_start_generation(struct log *log, bool rename_current) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    bool reserve_used = false;
    char archive[OS_PATH_MAX];
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    if (log->header.gen >= LOG_GEN_MAX)
        FAIL(JET_errLogSequenceEnd);
    CALL(log_path_archive(&log->config.dir, log->header.gen, archive));
    CALL(log_next_take(log->next, &file, &reserve_used));

    os_mutex_lock(&log->buffer_lock); /* attachments */
    *header = log->header;
    os_mutex_unlock(&log->buffer_lock);
    header->gen++;
    header->file_bytes = log->config.file_bytes;
    header->page_size = log->config.page_size;
    header->circular = log->config.circular;
    header->reserve_used = reserve_used;
    header->previous_created = header->created;
    header->created = clock_logtime();
    header->checkpoint = atomic_load(&log->checkpoint);
    CALL(create_generation(log, header, file, rename_current ? archive : NULL));
    log_enter_generation(log, header, file, LOG_SECTOR);
    file = NULL;
cleanup:
    os_close(file);
    free(header);
    return err;
}

static uint32_t durable_offset(const struct log *log) {
    lgpos_t durable = atomic_load(&log->durable);
    assert(lgpos_gen(durable) == log->header.gen);
    return lgpos_offset(durable);
}

/* With `held`, without locks: ends the current generation and starts the next. What was appended becomes durable even
 * if the next generation cannot be had. */
static JET_ERR roll(struct log *log) {
    JET_ERR err = lead_begin(log);
    if (err < JET_errSuccess)
        return err;
    os_mutex_lock(&log->buffer_lock);
    log->fill = log_frame_seal(log->image, log->fill, log->seed, 0, durable_offset(log), LOG_END,
                               LOG_FRAME_FIRST | LOG_FRAME_LAST);
    os_mutex_unlock(&log->buffer_lock);
    CALL(write_out(log));
    err = log_start_generation(log, true);
    if (err < JET_errSuccess)
        err = go_down(log, err, EVENT_NEW_LOG_ERROR, "starting a new log generation");
cleanup:
    lead_end(log);
    return err;
}

/* ---- appending ---- */

struct part_cursor {
    const struct log_part *part;
    size_t at;
};

static void copy_parts(struct part_cursor *from, uint8_t *to, size_t bytes) {
    while (bytes > 0) {
        size_t n = from->part->bytes - from->at;
        if (n > bytes)
            n = bytes;
        if (n > 0)
            memcpy(to, (const uint8_t *)from->part->data + from->at, n);
        to += n;
        bytes -= n;
        from->at += n;
        if (from->at == from->part->bytes) {
            from->part++;
            from->at = 0;
        }
    }
}

/* How much of `left` payload bytes fits here; false if the generation must end first. */
static bool piece_bytes(const struct log *log, size_t left, uint32_t *out) {
    uint32_t room = log_frames_end(log->header.file_bytes) - log->fill;
    if (room < LOG_FRAME_HEADER)
        return false;
    room -= LOG_FRAME_HEADER;
    if (left > 0 && room == 0)
        return false;
    *out = left <= room ? (uint32_t)left : room;
    return true;
}

static void put_piece(struct log *log, uint8_t type, uint8_t flags, struct part_cursor *from, uint32_t bytes) {
    assert(os_mutex_held(&log->buffer_lock));
    copy_parts(from, log->image + log->fill + LOG_FRAME_HEADER, bytes);
    log->fill = log_frame_seal(log->image, log->fill, log->seed, bytes, durable_offset(log), type, flags);
    if (!log->next_wanted && log->fill > log->header.file_bytes / 4) {
        log->next_wanted = true;
        log_next_want(log->next);
    }
}

/* Under buffer_lock: waits until nobody else rolls. */
static void wait_for_room(struct log *log) {
    while (log->held)
        os_cond_wait(&log->room, &log->buffer_lock);
}

static JET_ERR hold_and_roll(struct log *log) {
    log->held = true;
    os_mutex_unlock(&log->buffer_lock);
    JET_ERR err = roll(log);
    os_mutex_lock(&log->buffer_lock);
    return err;
}

/* Ends an append or a roll: unlocks, and lets the others in if this thread kept them out. */
static void release(struct log *log) {
    if (log->held) {
        log->held = false;
        os_cond_broadcast(&log->room);
    }
    os_mutex_unlock(&log->buffer_lock);
}

static void set_attachments(struct log *log, struct log_part attachments) {
    assert(os_mutex_held(&log->buffer_lock) && attachments.bytes <= LOG_ATTACH_MAX);
    memset(log->header.attach, 0, sizeof log->header.attach);
    if (attachments.bytes > 0)
        memcpy(log->header.attach, attachments.data, attachments.bytes);
    log->header.attach_bytes = (uint32_t)attachments.bytes;
}

/* attachments: NULL, or what they are from the record's begin on. */
static JET_ERR append(struct log *log, uint8_t type, const struct log_part *parts, size_t count,
                      const struct log_part *attachments, lgpos_t *begin, lgpos_t *end) {
    assert(type >= LOG_FIRST_USER && type <= LOG_LAST_USER);
    JET_ERR err = JET_errSuccess;
    struct part_cursor from = {parts, 0};
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += parts[i].bytes;

    os_mutex_lock(&log->buffer_lock);
    wait_for_room(log);
    uint8_t flags = LOG_FRAME_FIRST;
    lgpos_t first = 0;
    do {
        uint32_t bytes;
        CALL(log_failure(log));
        if (!piece_bytes(log, left, &bytes)) {
            CALL(hold_and_roll(log));
            continue;
        }
        if (flags & LOG_FRAME_FIRST) {
            first = lgpos_make(log->header.gen, log->fill);
            if (attachments)
                set_attachments(log, *attachments);
        }
        left -= bytes;
        if (left == 0)
            flags |= LOG_FRAME_LAST;
        put_piece(log, type, flags, &from, bytes);
        flags &= LOG_FRAME_LAST;
    } while (!(flags & LOG_FRAME_LAST));

    lgpos_t tip = lgpos_make(log->header.gen, log->fill);
    atomic_store(&log->tip, tip);
    if (begin)
        *begin = first;
    if (end)
        *end = tip;
cleanup:
    release(log);
    return err;
}

JET_ERR log_append(struct log *log, uint8_t type, const struct log_part *parts, size_t count, lgpos_t *begin,
                   lgpos_t *end) {
    return append(log, type, parts, count, NULL, begin, end);
}

JET_ERR log_append_attachments(struct log *log, uint8_t type, const struct log_part *parts, size_t count,
                               const void *blob, uint32_t bytes, lgpos_t *begin, lgpos_t *end) {
    const struct log_part attachments = {blob, bytes};
    return append(log, type, parts, count, &attachments, begin, end);
}

/* Before anybody is held off: it takes as long as writing a whole file. */
static void prepare_next(struct log *log) {
    os_mutex_lock(&log->buffer_lock);
    wait_for_room(log);
    log->next_wanted = true;
    log_next_want(log->next);
    os_mutex_unlock(&log->buffer_lock);
    log_next_wait(log->next);
}

/* The file that was prepared is for whoever rolls first. That ends the generation for all who wanted it ended, so
 * nobody holds the others off to make a second file. */
JET_ERR log_roll(struct log *log, lggen_t *new_gen) {
    JET_ERR err = JET_errSuccess;
    const lggen_t gen = log_current_gen(log);
    prepare_next(log);
    os_mutex_lock(&log->buffer_lock);
    wait_for_room(log);
    CALL(log_failure(log));
    if (log->header.gen == gen) {
        CALL(hold_and_roll(log));
        atomic_store(&log->tip, lgpos_make(log->header.gen, log->fill));
    }
    if (new_gen)
        *new_gen = log->header.gen;
cleanup:
    release(log);
    return err;
}

/* ---- small ones ---- */

lgpos_t log_tip(const struct log *log) {
    return atomic_load(&log->tip);
}
lgpos_t log_durable(const struct log *log) {
    return atomic_load(&log->durable);
}
lggen_t log_current_gen(const struct log *log) {
    return atomic_load(&log->gen);
}
JET_SIGNATURE log_signature(const struct log *log) {
    return log->signature;
}
bool log_disk_full(struct log *log) {
    return log_next_disk_full(log->next);
}

JET_LOGTIME log_created(const struct log *log) {
    JET_LOGTIME created;
    store64(&created, atomic_load(&log->created));
    return created;
}

void log_set_checkpoint(struct log *log, lgpos_t checkpoint) {
    atomic_store(&log->checkpoint, checkpoint);
}

void log_set_attachments(struct log *log, const void *blob, uint32_t bytes) {
    os_mutex_lock(&log->buffer_lock);
    set_attachments(log, (struct log_part){blob, bytes});
    os_mutex_unlock(&log->buffer_lock);
}

lggen_t log_lowest_gen(struct log *log) {
    struct log_range range;
    lggen_t gen = log_current_gen(log);
    return log_dir_scan(&log->config.dir, &range) >= JET_errSuccess && range.low != 0 ? range.low : gen;
}

JET_ERR log_truncate(struct log *log, lggen_t end, uint32_t *count) {
    lggen_t gen = log_current_gen(log);
    end += BROKEN(truncate_one_more);
    return log_truncate_dir(&log->config.dir, end < gen ? end : gen, count);
}
