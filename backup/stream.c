/* The bytes of a backup's files: a database as it is read while sessions write, a log file as it was verified. */
#include <stdio.h>
#include <stdlib.h>

#include "backup/session_priv.h"
#include "backup/trailer.h"
#include "base/breaks.h"
#include "base/checksum.h"

#define LOG_ALIGN 4096u

void stream_close(struct stream *stream) {
    free(stream->header);
    free(stream->image);
    *stream = (struct stream){0};
}

/* ---- open ---- */

static struct db *database_at(struct backup *s, const char *path) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = s->inst->dbs[id];
        if (backup_covers(db) && strcmp(db->path, path) == 0)
            return db;
    }
    return NULL;
}

/* Taken before the number of pages: what the file has grown by since is made again by redo. */
static JET_ERR make_header(struct backup *s, struct db *db, struct dbheader **out) {
    struct dbheader *h = calloc(1, db->page_size);
    if (!h)
        return RAISE(JET_errOutOfMemory);
    os_mutex_lock(&db->header_mutex);
    memcpy(h, db->header, db->page_size);
    os_mutex_unlock(&db->header_mutex);
    h->full_cur = BROKEN(copy_attachable) ? (struct disk_bkinfo){0} : s->info;
    h->full_cur.gen_high = to_le32(0);
    h->gen_min_required = h->gen_min_consistent = to_le32(s->low);
    store64(&h->dbtime_dirtied, atomic_load(&db->dbtime));
    h->checksum = to_le32(sum_header(h, db->page_size));
    *out = h;
    return JET_errSuccess;
}

static JET_ERR open_database(struct backup *s, struct db *db) {
    JET_ERR err = JET_errSuccess;
    struct stream *f = &s->stream;

    CALL(make_header(s, db, &f->header));
    f->db = db;
    f->page_count = atomic_load(&db->page_count);
    f->bytes = ((uint64_t)f->page_count + 3) * db->page_size;
    event_write(&s->inst->events, EVENT_BACKUP_FILE_START, EVENT_INFO, "copying database %s, %llu bytes", db->path,
                (unsigned long long)f->bytes);
cleanup:
    return err;
}

/* The generation that a path names, if it is one of those to copy; else 0. */
static lggen_t generation_at(const struct backup *s, const char *path) {
    char own[OS_PATH_MAX];
    lggen_t gen = log_name_gen(s->inst->config.log_dir.base, os_path_name(path));
    if (!gen || gen < s->low || gen > s->high || log_path_archive(&s->inst->config.log_dir, gen, own) < JET_errSuccess)
        return 0;
    return strcmp(own, path) == 0 ? gen : 0;
}

static JET_ERR missing(struct backup *s, const char *path, const char *why) {
    event_write(&s->inst->events, EVENT_BACKUP_FILE_MISSING, EVENT_ERROR, "%s %s", path, why);
    return RAISE(JET_errMissingFileToBackup);
}

/* It is read whole and verified, so that what is handed out is what was verified (P11). */
static JET_ERR open_log(struct backup *s, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct stream *f = &s->stream;
    struct log_file_check *check = calloc(1, sizeof *check);
    JET_SIGNATURE signature = log_signature(s->inst->log);

    if (!check)
        FAIL(JET_errOutOfMemory);
    f->gen = generation_at(s, path);
    if (!f->gen) {
        err = missing(s, path, "does not belong to the backup");
        goto cleanup;
    }
    err = log_file_load(path, true, check, &f->image);
    if (err == JET_errFileNotFound) {
        err = missing(s, path, "is missing");
        goto cleanup;
    }
    if (err == JET_errOutOfMemory)
        goto cleanup;
    if (err >= JET_errSuccess &&
        (check->header.gen != f->gen || memcmp(&check->header.signature, &signature, sizeof signature) != 0))
        err = JET_errLogFileCorrupt;
    if (err < JET_errSuccess) {
        event_write(&s->inst->events, EVENT_BACKUP_ERROR_READ_FILE, EVENT_ERROR,
                    "log file %s is damaged at offset %u: error %d (%s)", path, check->bad_offset, (int)err,
                    err_name(err));
        FAIL(JET_errLogReadVerifyFailure);
    }
    f->bytes = check->header.file_bytes;
cleanup:
    free(check);
    return err;
}

/* The next one: none is given out twice, so that of another backup or instance finds nothing. */
static _Atomic JET_HANDLE handles = 1;

JET_ERR backup_open(struct backup *s, const char *path, JET_HANDLE *handle, uint64_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct db *db = database_at(s, path);

    CALL(backup_may(s, db ? CALL_OPEN_DATABASE : CALL_OPEN_LOG));
    snprintf(s->stream.path, sizeof s->stream.path, "%s", path);
    err = db ? open_database(s, db) : open_log(s, path);
    if (err < JET_errSuccess) {
        s->broken = !db;
        stream_close(&s->stream);
        return err;
    }
    s->state = db ? DATABASE_OPEN : LOG_OPEN;
    s->stream.handle = *handle = atomic_fetch_add(&handles, 1);
    *bytes = s->stream.bytes;
cleanup:
    return err;
}

const struct dbheader *backup_copy_header(const struct backup *s) {
    return s->stream.header;
}

uint32_t backup_copy_pages(const struct backup *s) {
    return s->stream.page_count;
}

/* ---- read ---- */

/* What is not plainly good goes through the cache: it may be a page in the middle of a write, or an older one because
 * the disk lost a write; the cache corrects what can be corrected, counts it, and names what cannot. */
static JET_ERR verify_pages(struct db *db, pgno_t first, uint32_t count, uint8_t *buffer) {
    JET_ERR err = JET_errSuccess;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *page = buffer + (size_t)i * db->page_size;
        enum page_verdict verdict = page_sum_check(page, db->page_size, first + i, false);
        const bool good = (verdict == PAGE_GOOD || verdict == PAGE_BLANK) &&
                          cache_file_has(db->pages, first + i, page_dbtime(&(struct page){page, db->page_size}));
        if (!good && !BROKEN(pages_not_verified))
            CALL(cache_copy_page(db->pages, first + i, page));
    }
cleanup:
    return err;
}

/* Of header, shadow, pages 1.., trailer: what comes next and fits, at least one page. */
static JET_ERR read_database(struct backup *s, uint8_t *buffer, uint32_t room, uint32_t *got) {
    JET_ERR err = JET_errSuccess;
    struct stream *f = &s->stream;
    struct db *db = f->db;
    const uint32_t size = db->page_size;
    uint32_t n = 0;

    while (n < room && f->at + n < f->bytes) {
        const uint64_t at = (f->at + n) / size; /* in pages; the first page has number at - 1 */
        if (at < 2) {
            memcpy(buffer + n, f->header, size);
            n += size;
        } else if (at == (uint64_t)f->page_count + 2) {
            trailer_make(buffer + n, size, f->header, log_current_gen(s->inst->log));
            n += size;
        } else {
            const uint64_t left = (uint64_t)f->page_count + 2 - at;
            const uint32_t count = left < (room - n) / size ? (uint32_t)left : (room - n) / size;
            CALL(os_read(db->file, at * size, buffer + n, (size_t)count * size));
            CALL(verify_pages(db, (pgno_t)(at - 1), count, buffer + n));
            n += count * size;
        }
    }
    *got = n;
cleanup:
    if (err < JET_errSuccess)
        event_write(&s->inst->events, EVENT_BACKUP_ERROR_FOR_ONE_DATABASE, EVENT_ERROR,
                    "the copy of database %s failed: error %d (%s)", db->path, (int)err, err_name(err));
    return err;
}

static void read_log(struct stream *f, uint8_t *buffer, uint32_t room, uint32_t *got) {
    *got = f->bytes - f->at < room ? (uint32_t)(f->bytes - f->at) : room;
    memcpy(buffer, f->image + f->at, *got);
}

static void close_stream(struct backup *s) {
    s->state = s->stream.db ? DATABASES : LOGS;
    stream_close(&s->stream);
}

JET_ERR backup_read(struct backup *s, JET_HANDLE handle, void *buffer, uint32_t room, uint32_t *got) {
    JET_ERR err = JET_errSuccess;
    struct stream *f = &s->stream;

    CALL(backup_may(s, CALL_READ));
    const uint32_t align = f->db ? f->db->page_size : LOG_ALIGN;
    if (handle != f->handle || !buffer || (uintptr_t)buffer % 4096 != 0 || room == 0 || room % align != 0)
        FAIL(JET_errInvalidParameter);
    if (f->db)
        err = read_database(s, buffer, room, got);
    else
        read_log(f, buffer, room, got);
    if (err < JET_errSuccess)
        close_stream(s);
    else
        f->at += *got;
cleanup:
    return err;
}

/* ---- close ---- */

JET_ERR backup_close(struct backup *s, JET_HANDLE handle) {
    JET_ERR err = JET_errSuccess;
    struct stream *f = &s->stream;

    CALL(backup_may(s, CALL_CLOSE));
    if (handle != f->handle)
        FAIL(JET_errInvalidParameter);
    const bool whole = f->at == f->bytes;
    if (!whole)
        event_write(&s->inst->events, EVENT_BACKUP_FILE_STOP_BEFORE_END, EVENT_INFO,
                    "%s was closed after %llu of %llu bytes", f->path, (unsigned long long)f->at,
                    (unsigned long long)f->bytes);
    else if (f->db)
        event_write(&s->inst->events, EVENT_BACKUP_FILE_STOP_OK, EVENT_INFO, "copied database %s, %llu bytes", f->path,
                    (unsigned long long)f->bytes);
    if (f->db)
        s->database_read[f->db->dbid] |= whole;
    else
        s->log_read[f->gen - s->low] |= whole;
    close_stream(s);
cleanup:
    return err;
}
