/* An instance of as little as reading needs: a cache, transactions for cursors, and no log. */
#include "tools/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/space.h"
#include "tools/tool.h"

#define CACHE_BYTES (64u << 20)
#define VERSIONS_BYTES (1u << 20)

static JET_ERR read_header(const char *path, struct reader *r) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    CALL(os_open(path, OS_READ | OS_LOCK, &file));
    CALL(dbheader_read(file, r->header, &r->copies_bad));
cleanup:
    os_close(file);
    return err;
}

/* How far the database reaches. What the space trees say of more pages than the file has, the caller reports. */
static void load_owned_last(struct reader *r) {
    pgno_t in_file = atomic_load(&r->db->file_pages);
    r->space_err = space_owned_end(r->db, &r->owned_last);
    if (r->space_err < JET_errSuccess)
        r->owned_last = 0;
    bool known = r->space_err >= JET_errSuccess;
    atomic_store(&r->db->page_count, known && r->owned_last < in_file ? r->owned_last : in_file);
}

JET_ERR reader_open(const char *path, struct reader **out) {
    JET_ERR err = JET_errSuccess;
    char absolute[OS_PATH_MAX];
    struct reader *r = calloc(1, sizeof *r);

    *out = r;
    if (!r)
        FAIL(JET_errOutOfMemory);
    os_mutex_init(&r->inst.mutex, OS_RANK_INST);
    os_cond_init(&r->inst.backup_ended);
    atomic_store(&r->inst.state, INST_RUNNING);
    r->header = calloc(1, PAGE_SIZE_MAX);
    if (!r->header)
        FAIL(JET_errOutOfMemory);
    CALL(os_path_absolute(absolute, path));
    CALL(read_header(path, r));
    r->inst.config.page_size = le32(r->header->page_size);
    struct cache_config cache = {.bytes_max = CACHE_BYTES, .events = &r->inst.events};
    CALL(cache_new(&cache, &r->inst.cache));
    CALL(trx_system_new(&r->inst, VERSIONS_BYTES, &r->inst.trx));
    CALL(db_open_for_reading(&r->inst, absolute, &r->db));
    load_owned_last(r);
cleanup:
    return err;
}

JET_ERR reader_begin_session(struct reader *r) {
    JET_ERR err = JET_errSuccess;
    if (le32(r->header->state) != JET_dbstateCleanShutdown)
        FAIL(JET_errDatabaseDirtyShutdown);
    CALL(cat_open(r->db));
    CALL(session_begin(&r->inst, &r->session));
cleanup:
    return err;
}

static void show_event(void *context, int id, enum event_severity severity, const char *text) {
    (void)context, (void)id, (void)severity;
    fprintf(stderr, "esentutl: %s\n", text);
}

void reader_show_events(struct reader *r) {
    r->inst.events = (struct event_sink){.source = "esentutl", .level = 1, .fn = show_event};
}

void reader_close(struct reader *r) {
    if (!r)
        return;
    if (r->session) {
        JET_ERR ignored = session_end(r->session); /* nothing was changed */
        (void)ignored;
    }
    if (r->db)
        db_abandon(r->db);
    trx_system_free(r->inst.trx);
    cache_free(r->inst.cache);
    os_cond_done(&r->inst.backup_ended);
    os_mutex_done(&r->inst.mutex);
    free(r->header);
    free(r);
}

/* ---- words ---- */

const char *dbstate_words(uint32_t state) {
    switch (state) {
    case JET_dbstateJustCreated:
        return "just created, not finished";
    case JET_dbstateDirtyShutdown:
        return "dirty shutdown";
    case JET_dbstateCleanShutdown:
        return "clean shutdown";
    case JET_dbstateBeingConverted:
        return "being converted";
    case JET_dbstateForceDetach:
        return "detached by force";
    default:
        return "unknown";
    }
}

int reader_complain(const char *path, const struct reader *r, JET_ERR err) {
    if (err == JET_errInvalidDatabaseVersion && r && r->header) {
        complain(path, "format version %#x revision %u is not one that this program knows (up to %#x revision %u)",
                 le32(r->header->version), le32(r->header->revision), DB_VERSION, DB_REVISION);
        return EXIT_FAILED;
    }
    if (err == JET_errDatabaseCorrupted) {
        complain(path, "neither copy of the header is good");
        return EXIT_DAMAGE;
    }
    complain(path, "%s", file_open_words(path, err));
    return EXIT_FAILED;
}

int reader_open_or_complain(const char *path, struct reader **out, char why[256]) {
    enum file_kind kind;
    uint64_t bytes;
    int code = file_identify(path, &kind, &bytes, why);

    *out = NULL;
    if (code == EXIT_DONE && kind != FILE_DATABASE) {
        code = EXIT_FAILED;
        snprintf(why, 256, "is no database");
    }
    if (code != EXIT_DONE) {
        complain(path, "%s", why);
        return code;
    }
    JET_ERR err = reader_open(path, out);
    if (err >= JET_errSuccess)
        return EXIT_DONE;
    snprintf(why, 256, "%s", err_name(err));
    return reader_complain(path, *out, err);
}

void complain_dirty(const char *path) {
    complain(path, "was not shut down clean and needs recovery first: esentutl recover DIR, where its log files are");
}

/* ---- walking ---- */

static JET_ERR give(const struct bt_place *place, uint8_t *key, walk_fn fn, void *context) {
    struct node node;
    page_node(&place->leaf.page, place->line, &node);
    struct walked w = {
        .pgno = place->leaf.pgno,
        .line = place->line,
        .deleted = node.flags & NODE_DELETED,
        .key = slice(key, node_key(&node, key)),
        .data = node.data,
    };
    return fn(context, &w);
}

JET_ERR walk_tree(struct tree *tree, walk_fn fn, void *context) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    uint8_t key[KEY_BUFFER];
    uint32_t pages_left = atomic_load(&tree->db->page_count);
    pgno_t pgno = 0;

    os_rwlock_read(&tree->latch);
    CALL(bt_first(tree, &place));
    if (page_lines(&place.leaf.page) == 0)
        goto cleanup;
    do {
        if (place.leaf.pgno != pgno && pages_left-- == 0)
            FAIL(JET_errDatabaseCorrupted);
        pgno = place.leaf.pgno;
        CALL(give(&place, key, fn, context));
        err = bt_next(tree, &place);
    } while (err >= JET_errSuccess);
    if (err == JET_errNoCurrentRecord)
        err = JET_errSuccess;
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}
