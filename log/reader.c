/* The reader: generation after generation, frame after frame, until the log ends.
 *
 * What a file may contain, and what each thing means (P14: nothing in it is believed before it is checked):
 *
 *   1. A valid frame that is a whole record: returned.
 *   2. A valid first piece: the record goes on at the start of the next generation, and LOG_END must follow here.
 *   3. A valid later piece at the start of a generation: joined; or passed over where reading began after its record.
 *   4. A valid first piece at the start of a generation while another record is incomplete: a crash came before the
 *      last piece of that one was durable, and the log went on here. The incomplete one never happened.
 *   5. LOG_END: the next generation. None: the end of the log.
 *   6. No valid frame, and later generations exist, or a later frame says that the log was durable here or was written
 *      together with what should be here, or the file belongs to a backup set: corruption.
 *   7. No valid frame otherwise: the end of the log. A crash tore it off here.
 *   Anything else is corruption.
 *
 * A generation is the archive of that number, or edb.log, or, where a roll was cut between its renames, edbtmp.log. */
#include <stdlib.h>

#include "log/log_priv.h"

struct log_reader {
    struct log_reader_config config; /* signature: points to the member below */
    JET_SIGNATURE signature;
    struct log_image image; /* of the generation being read */
    char path[OS_PATH_MAX];
    bool from_backup_set, is_current;
    uint32_t offset;   /* of the next frame */
    lgpos_t end;       /* of the last record returned */
    bool end_expected; /* the last frame was a piece with more to come: LOG_END must follow */
    bool skip_orphans; /* pieces of a record that began before the first generation read */
    bool at_end;       /* nothing more will come */
    JET_ERR failure;   /* sticky */
    /* a record that is being joined from pieces; begin 0: none */
    struct {
        lgpos_t begin;
        uint8_t type;
        uint8_t *data;
        size_t bytes, room;
    } joined;
};

/* ---- finding files ---- */

/* May generation gen be in this directory? */
static bool is_home(const struct log_reader *reader, unsigned i, lggen_t gen) {
    lggen_t high = reader->config.dirs0_high;
    return reader->config.dirs[i].path[0] != '\0' && (high == 0 || (gen <= high) == (i == 0));
}

/* The current log of a directory, if it is this generation. An edb.log that cannot be read is an error: it had a valid
 * header before it had its name. */
static JET_ERR find_current(const struct log_dir *dir, lggen_t gen, const struct event_sink *events, char *path,
                            bool *found) {
    JET_ERR err = JET_errSuccess;
    bool exists;
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_path_current(dir, path));
    CALL(log_file_exists(path, &exists));
    if (exists) {
        err = log_header_read(path, header);
        if (err < JET_errSuccess)
            log_report_unreadable(events, path, err);
        CALL(err);
        *found = header->gen == gen;
    } else {
        CALL(log_path_temp(dir, path));
        *found = log_header_read(path, header) >= JET_errSuccess && header->gen == gen;
    }
cleanup:
    free(header);
    return err;
}

static JET_ERR find_current_anywhere(struct log_reader *reader, lggen_t gen, bool *found) {
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < 2 && !*found; i++) {
        if (is_home(reader, i, gen))
            CALL(find_current(&reader->config.dirs[i], gen, reader->config.events, reader->path, found));
    }
    reader->is_current = *found;
cleanup:
    return err;
}

/* Sets path, from_backup_set and is_current. found false: no such generation. */
static JET_ERR find_generation(struct log_reader *reader, lggen_t gen, bool *found) {
    JET_ERR err = JET_errSuccess;
    bool set_only = gen <= reader->config.dirs0_high;
    *found = reader->is_current = false;
    if (gen == reader->config.last && !set_only)
        CALL(find_current_anywhere(reader, gen, found));
    for (unsigned i = 0; i < 2 && !*found; i++) {
        if (!is_home(reader, i, gen))
            continue;
        err = log_find_archive(&reader->config.dirs[i], gen, reader->path);
        *found = err >= JET_errSuccess;
        if (err == JET_errFileNotFound)
            err = JET_errSuccess;
        CALL(err);
    }
    reader->from_backup_set = set_only;
    if (!*found && !set_only)
        CALL(find_current_anywhere(reader, gen, found));
cleanup:
    return err;
}

/* Is there anything that must come after this generation? An edb.log that cannot be read does, as this one was read. */
static JET_ERR later_exists(struct log_reader *reader, lggen_t gen, bool *out) {
    JET_ERR err = JET_errSuccess;
    *out = gen < reader->config.dirs0_high;
    for (unsigned i = 0; i < 2 && !*out; i++) {
        struct log_range range;
        bool current_exists;
        char path[OS_PATH_MAX];
        if (!is_home(reader, i, gen + 1))
            continue;
        CALL(log_dir_scan(&reader->config.dirs[i], &range));
        CALL(log_path_current(&reader->config.dirs[i], path));
        CALL(log_file_exists(path, &current_exists));
        *out = range.high > gen || range.current > gen || (current_exists && range.current == 0);
    }
cleanup:
    return err;
}

/* ---- opening generations ---- */

/* The error of a file that is no part of the log, under the number that it has where it lies: in the set of a restore,
 * or with the instance. */
static JET_ERR refuse(const struct log_reader *reader, enum event_id of_set, enum event_id own, const char *why,
                      JET_ERR err) {
    event_write(reader->config.events, reader->from_backup_set ? of_set : own, EVENT_ERROR,
                "log file %s %s: error %d (%s)", reader->path, why, (int)err, err_name(err));
    return RAISE(err);
}

static JET_ERR check_chain(const struct log_reader *reader, const struct log_header *previous, lggen_t gen) {
    const struct log_header *header = &reader->image.header;
    if (memcmp(&header->signature, &reader->signature, sizeof reader->signature) != 0)
        return refuse(reader, EVENT_RESTORE_LOG_BAD_SIGNATURE, EVENT_LOG_BAD_SIGNATURE, "is of another log",
                      JET_errBadLogSignature);
    if (header->gen != gen)
        return refuse(reader, EVENT_RESTORE_LOG_NOT_CONTIGUOUS, EVENT_LOG_NOT_CONTIGUOUS,
                      "has another generation than its name", JET_errLogGenerationMismatch);
    if (previous && memcmp(&header->previous_created, &previous->created, sizeof previous->created) != 0)
        return refuse(reader, EVENT_RESTORE_LOG_NOT_CONTIGUOUS, EVENT_LOG_NOT_CONTIGUOUS,
                      "does not follow the one before", JET_errInvalidLogSequence);
    return JET_errSuccess;
}

/* A file of a backup set, and one of the instance while a set is restored, have errors of their own. */
static JET_ERR corrupt(struct log_reader *reader) {
    enum event_id event = EVENT_LOG_CORRUPTION_SOFT_RECOVERY;
    JET_ERR err = JET_errLogFileCorrupt;
    if (reader->from_backup_set) {
        event = EVENT_LOG_CORRUPTION_HARD_RESTORE;
        err = JET_errLogCorruptDuringHardRestore;
    } else if (reader->config.dirs0_high) {
        event = EVENT_LOG_CORRUPTION_HARD_RECOVERY;
        err = JET_errLogCorruptDuringHardRecovery;
    }
    event_write(reader->config.events, event, EVENT_ERROR, "log file %s is corrupt at offset %u", reader->path,
                (unsigned)reader->offset);
    return RAISE(err);
}

static JET_ERR load(struct log_reader *reader) {
    reader->offset = 0;
    JET_ERR err = log_image_load(&reader->image, reader->path);
    if (err == JET_errLogFileCorrupt)
        return corrupt(reader);
    if (err < JET_errSuccess)
        log_report_unreadable(reader->config.events, reader->path, err);
    return err;
}

/* Goes on to the next generation. found false: the log ends here. */
static JET_ERR open_next(struct log_reader *reader, bool *found) {
    JET_ERR err = JET_errSuccess;
    bool later;
    struct log_header *previous = malloc(sizeof *previous);
    if (!previous)
        FAIL(JET_errOutOfMemory);
    *previous = reader->image.header;
    lggen_t gen = previous->gen + 1;
    char path[OS_PATH_MAX];
    *found = false;
    if (reader->config.last && gen > reader->config.last)
        goto cleanup;
    memcpy(path, reader->path, sizeof path);
    CALL(find_generation(reader, gen, found));
    if (!*found) {
        memcpy(reader->path, path, sizeof path);
        CALL(later_exists(reader, previous->gen, &later));
        if (later) {
            event_write(reader->config.events, EVENT_LOG_FILE_MISSING, EVENT_ERROR,
                        "log generation %u is missing after %s", (unsigned)gen, path);
            FAIL(JET_errMissingLogFile);
        }
        goto cleanup;
    }
    CALL(load(reader));
    CALL(check_chain(reader, previous, gen));
    reader->offset = LOG_SECTOR;
cleanup:
    free(previous);
    return err;
}

/* Does the run of frames from the header on come to where reading is to begin? A checkpoint is not written before the
 * log is durable up to it: a file that ends before has lost what it had. */
static bool leads_here(const struct log_image *image, uint32_t offset) {
    struct log_frame frame = {.next = LOG_SECTOR};
    while (frame.next < offset &&
           log_frame_get(image->bytes, image->header.file_bytes, frame.next, image->seed, &frame))
        continue;
    return frame.next == offset;
}

/* Reading was to begin with gen: the log begins later, or ends before. */
static JET_ERR report_missing_first(const struct log_reader *reader, lggen_t gen) {
    struct log_range range;
    JET_ERR err = log_dir_scan(&reader->config.dirs[0], &range);
    if (err < JET_errSuccess)
        return err;
    if (range.low > gen + 1)
        event_write(reader->config.events, EVENT_LOG_RANGE_MISSING, EVENT_ERROR,
                    "log generations %u to %u are missing in %s", gen, range.low - 1, reader->config.dirs[0].path);
    else
        event_write(reader->config.events, EVENT_LOG_FILE_MISSING, EVENT_ERROR, "log generation %u is missing in %s",
                    gen, reader->config.dirs[0].path);
    return JET_errSuccess;
}

static JET_ERR open_first(struct log_reader *reader) {
    JET_ERR err = JET_errSuccess;
    bool found;
    lggen_t gen = lgpos_gen(reader->config.from);
    uint32_t offset = lgpos_offset(reader->config.from);
    CALL(find_generation(reader, gen, &found));
    if (!found) {
        CALL(report_missing_first(reader, gen));
        FAIL(JET_errMissingLogFile);
    }
    CALL(load(reader));
    reader->signature = reader->config.signature ? *reader->config.signature : reader->image.header.signature;
    reader->config.signature = &reader->signature;
    CALL(check_chain(reader, NULL, gen));
    reader->skip_orphans = offset == 0;
    reader->offset = offset == 0 ? LOG_SECTOR : offset;
    if (reader->offset > log_frames_end(reader->image.header.file_bytes) || !leads_here(&reader->image, reader->offset))
        CALL(corrupt(reader));
    reader->end = lgpos_make(gen, reader->offset);
cleanup:
    return err;
}

JET_ERR log_reader_open(const struct log_reader_config *config, struct log_reader **out) {
    JET_ERR err = JET_errSuccess;
    struct log_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        FAIL(JET_errOutOfMemory);
    reader->config = *config;
    CALL(open_first(reader));
    *out = reader;
    reader = NULL;
cleanup:
    log_reader_close(reader);
    return err;
}

/* ---- records ---- */

static JET_ERR join(struct log_reader *reader, const struct log_frame *frame) {
    size_t need = reader->joined.bytes + frame->bytes;
    if (need > reader->joined.room) {
        size_t room = 2 * need;
        uint8_t *grown = realloc(reader->joined.data, room);
        if (!grown)
            return RAISE(JET_errOutOfMemory);
        reader->joined.data = grown;
        reader->joined.room = room;
    }
    if (frame->bytes > 0)
        memcpy(reader->joined.data + reader->joined.bytes, frame->data, frame->bytes);
    reader->joined.bytes = need;
    return JET_errSuccess;
}

static void give(struct log_reader *reader, struct log_record *out, struct log_record record) {
    record.end = lgpos_make(reader->image.header.gen, reader->offset);
    reader->end = record.end;
    reader->joined.begin = 0;
    *out = record;
}

/* Takes a valid frame that is not LOG_END. done: *out is a record. */
static JET_ERR take_frame(struct log_reader *reader, const struct log_frame *frame, struct log_record *out,
                          bool *done) {
    JET_ERR err = JET_errSuccess;
    lgpos_t begin = lgpos_make(reader->image.header.gen, reader->offset);
    bool first = frame->flags & LOG_FRAME_FIRST, last = frame->flags & LOG_FRAME_LAST;
    bool joins = !first && reader->joined.begin != 0;
    if (reader->end_expected || (!first && reader->offset != LOG_SECTOR) ||
        (joins ? frame->type != reader->joined.type : !first && !reader->skip_orphans))
        return corrupt(reader);

    reader->offset = frame->next;
    reader->end_expected = !last;
    if (first && last) {
        give(reader, out,
             (struct log_record){.type = frame->type, .begin = begin, .data = frame->data, .bytes = frame->bytes});
    } else if (first) {
        reader->joined.begin = begin;
        reader->joined.type = frame->type;
        reader->joined.bytes = 0;
        CALL(join(reader, frame));
    } else if (joins) {
        CALL(join(reader, frame));
        if (last)
            give(reader, out,
                 (struct log_record){.type = frame->type,
                                     .begin = reader->joined.begin,
                                     .data = reader->joined.data,
                                     .bytes = reader->joined.bytes});
    } else if (last) {
        reader->end = lgpos_make(reader->image.header.gen, reader->offset); /* its record is not for us, but whole */
    }
    *done = last && (first || joins);
    if (first || last)
        reader->skip_orphans = false;
cleanup:
    return err;
}

static JET_ERR take_log_end(struct log_reader *reader) {
    bool found;
    if (reader->offset == LOG_SECTOR) { /* no piece here: nothing goes on in the next generation */
        reader->joined.begin = 0;
        reader->skip_orphans = false;
    }
    reader->end_expected = false;
    JET_ERR err = open_next(reader, &found);
    if (err >= JET_errSuccess && !found)
        reader->at_end = true;
    return err;
}

static JET_ERR take_bad_frame(struct log_reader *reader) {
    const struct log_image *image = &reader->image;
    bool later;
    JET_ERR err = later_exists(reader, image->header.gen, &later);
    if (err < JET_errSuccess)
        return err;
    later = later && !(reader->is_current && image->header.gen == reader->config.last);
    if (later || reader->from_backup_set ||
        log_frames_say_damaged(image->bytes, image->header.file_bytes, reader->offset, image->seed))
        return corrupt(reader);
    reader->at_end = true;
    return JET_errSuccess;
}

static JET_ERR next_record(struct log_reader *reader, struct log_record *out) {
    JET_ERR err = JET_errSuccess;
    bool done = false;
    while (!done && !reader->at_end) {
        const struct log_image *image = &reader->image;
        struct log_frame frame;
        if (!log_frame_get(image->bytes, image->header.file_bytes, reader->offset, image->seed, &frame))
            CALL(take_bad_frame(reader));
        else if (frame.type == LOG_END)
            CALL(take_log_end(reader));
        else
            CALL(take_frame(reader, &frame, out, &done));
    }
    if (!done)
        err = JET_errNoCurrentRecord; /* an answer, not a failure: not raised */
cleanup:
    return err;
}

JET_ERR log_reader_next(struct log_reader *reader, struct log_record *out) {
    if (reader->failure < JET_errSuccess)
        return reader->failure;
    JET_ERR err = next_record(reader, out);
    if (err < JET_errSuccess)
        reader->failure = err;
    return err;
}

lgpos_t log_reader_end(const struct log_reader *reader) {
    return reader->end;
}
const struct log_header *log_reader_header(const struct log_reader *reader) {
    return &reader->image.header;
}
const char *log_reader_path(const struct log_reader *reader) {
    return reader->path;
}

void log_reader_close(struct log_reader *reader) {
    if (!reader)
        return;
    log_image_done(&reader->image);
    free(reader->joined.data);
    free(reader);
}
