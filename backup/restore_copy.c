/* The copy of a database: what it needs, and how it is made ready for redo.
 *
 * Between the copy and the clean end its header says "backup copy", so that nobody can attach it (P13); the generation
 * in full_cur says that the trailer has been taken into account. */
#include <stdlib.h>

#include "backup/restore_priv.h"
#include "backup/trailer.h"

struct copy {
    struct os_file *file;
    struct dbheader *header;
    uint8_t *page; /* the last one */
    bool has_trailer;
    uint64_t pages_end; /* offset of the trailer; without one: end of the file */
};

static void copy_close(struct copy *c) {
    os_close(c->file);
    free(c->header);
    free(c->page);
}

/* An external restore that was interrupted has cut the trailer off. */
static bool is_prepared(const struct copy *c) {
    return le32(c->header->full_cur.gen_high) != 0;
}

static JET_ERR copy_open(struct copy *c, const char *path, unsigned flags) {
    JET_ERR err = JET_errSuccess;
    uint64_t bytes;
    lggen_t current;

    *c = (struct copy){.header = calloc(1, PAGE_SIZE_MAX), .page = malloc(PAGE_SIZE_MAX)};
    if (!c->header || !c->page)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, flags, &c->file));
    CALL(dbheader_read(c->file, c->header, NULL));
    CALL(os_size(c->file, &bytes));
    const uint32_t page_size = le32(c->header->page_size);
    c->pages_end = bytes;
    if (bytes % page_size != 0 || bytes < 3 * (uint64_t)page_size) {
        if (!is_prepared(c)) /* else redo was cut off while the file grew */
            FAIL(JET_errBadBackupDatabaseSize);
        goto cleanup;
    }
    CALL(os_read(c->file, bytes - page_size, c->page, page_size));
    c->has_trailer = trailer_check(c->page, c->header, &current) >= JET_errSuccess;
    if (c->has_trailer)
        c->pages_end = bytes - page_size;
cleanup:
    return err;
}

JET_ERR restore_check_copy(struct restore *r, const char *path, JET_SIGNATURE *sign_db) {
    JET_ERR err = JET_errSuccess;
    struct copy copy = {0};

    CALL(verify_needs(path, r->set.page_size, &r->chain, r->events, sign_db));
    CALL(copy_open(&copy, path, OS_READ));
    if (is_prepared(&copy) && !r->options->external) {
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "%s is no longer the copy that a backup made", path);
        FAIL(JET_errRestoreOfNonBackupDatabase);
    }
cleanup:
    copy_close(&copy);
    return err;
}

JET_ERR restore_prepare_copy(struct restore *r, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct copy copy = {0};

    CALL(copy_open(&copy, path, OS_WRITE | OS_LOCK));
    struct dbheader *h = copy.header;
    const lggen_t high = r->chain.high;
    h->full_cur.gen_high = to_le32(high);
    if (le32(h->gen_max_required) < high) {
        h->gen_max_required = h->gen_max_committed = to_le32(high);
        memset(&h->time_gen_max_create, 0, sizeof h->time_gen_max_create);
    }
    CALL(dbheader_write(copy.file, h));
    if (copy.has_trailer) {
        CALL(os_resize(copy.file, copy.pages_end));
        CALL(os_sync(copy.file));
    }
cleanup:
    copy_close(&copy);
    return err;
}

JET_ERR restore_check_clean(struct restore *r) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < r->recovery.map_count; i++) {
        CALL(os_open(r->map[i].to, OS_READ, &file));
        CALL(dbheader_read(file, header, NULL));
        os_close(file);
        file = NULL;
        if (le32(header->state) == JET_dbstateCleanShutdown)
            continue;
        event_write(r->events, EVENT_RESTORE_FAILED, EVENT_ERROR, "the log files do not lead to a consistent %s",
                    r->map[i].to);
        FAIL(JET_errAttachedDatabaseMismatch);
    }
cleanup:
    os_close(file);
    free(header);
    return err;
}
