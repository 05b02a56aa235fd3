/* Several sessions, each with its thread, that define, open, fill and delete the same few tables. test-label: threads
 */
#include <pthread.h>

#include "tests/lib/testcat.h"

#define WORKERS TESTCAT_SESSIONS
#define TABLES 4

struct worker {
    struct session *s;
    struct db *db;
    uint64_t random;
    unsigned rounds, inserted, created, deleted, conflicts;
    JET_ERR err; /* one that must not happen */
};

static uint64_t below(struct worker *w, uint64_t n) {
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (w->random >> 33) % n;
}

/* What another session may cause. */
static bool is_conflict(JET_ERR err) {
    return err == JET_errWriteConflict || err == JET_errTableDuplicate || err == JET_errObjectNotFound ||
           err == JET_errTableInUse || err == JET_errColumnDuplicate || err == JET_errColumnRedundant ||
           err == JET_errIndexHasPrimary || err == JET_errTableNotEmpty;
}

static JET_ERR define(struct worker *w, const char *name) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = NULL;
    objid_t objid;
    uint16_t fid;

    CALL(cat_create_table(w->s, w->db, name, 1, 0, &objid));
    CALL(cursor_open(w->s, w->db, name, 0, &c));
    CALL(cursor_add_column(
        c, &(struct cat_new_column){.name = "id", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}, &fid));
    CALL(cursor_add_column(c, &(struct cat_new_column){.name = "text", .type = JET_coltypText}, &fid));
    if (below(w, 2))
        CALL(cursor_create_primary(
            c, &(struct cat_new_index){.name = "p", .key = "+id\0", .key_bytes = 5, .flags = INDEX_PRIMARY | 0xe}));
    w->created++;
cleanup:
    if (c)
        cursor_close(c);
    return err;
}

static JET_ERR fill(struct worker *w, const char *name) {
    static const char text[] = "some text that fills pages before long, so that the table grows and splits";
    JET_ERR err = JET_errSuccess;
    struct cursor *c = NULL;
    const struct table_def *def;

    CALL(cursor_open(w->s, w->db, name, 0, &c));
    CALL(cursor_table(c, &def));
    if (def->column_count < 2)
        goto cleanup;
    for (unsigned i = 0; i < 20; i++) {
        CALL(cursor_prepare(c, JET_prepInsert));
        CALL(cursor_set(c, &(struct set_column){.fid = 128, .itag = 1, .value = slice(text, sizeof text)}));
        CALL(cursor_update(c, NULL)); /* JET_errKeyDuplicate: a number was given out twice */
        w->inserted++;
    }
cleanup:
    if (c)
        cursor_close(c);
    return err;
}

static JET_ERR look(struct worker *w, const char *name) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = NULL;
    struct slice before = {0}, bookmark;
    uint8_t kept[16];

    CALL(cursor_open(w->s, w->db, name, JET_bitTableReadOnly, &c));
    for (err = cursor_move(c, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess; err = cursor_move(c, 1, 0)) {
        CALL(cursor_bookmark(c, &bookmark));
        if (bookmark.n > sizeof kept || (before.n && slice_compare(before, bookmark) >= 0))
            FAIL(JET_errInternalError);
        memcpy(kept, bookmark.p, bookmark.n);
        before = slice(kept, bookmark.n);
    }
    if (err == JET_errNoCurrentRecord)
        err = JET_errSuccess;
cleanup:
    if (c)
        cursor_close(c);
    return err;
}

static JET_ERR extend(struct worker *w, const char *name) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = NULL;
    uint16_t fid;
    char column[16];

    snprintf(column, sizeof column, "c%u", (unsigned)below(w, 50));
    CALL(cursor_open(w->s, w->db, name, 0, &c));
    CALL(cursor_add_column(c, &(struct cat_new_column){.name = column, .type = JET_coltypLong, .tagged = true}, &fid));
cleanup:
    if (c)
        cursor_close(c);
    return err;
}

static JET_ERR act(struct worker *w) {
    char name[8];
    snprintf(name, sizeof name, "t%u", (unsigned)below(w, TABLES));
    uint64_t what = below(w, 40);
    JET_ERR err = JET_errSuccess;
    if (what == 0) {
        err = cat_delete_table(w->s, w->db, name);
        w->deleted += err >= JET_errSuccess;
    } else {
        err = what < 3 ? extend(w, name) : what < 12 ? look(w, name) : fill(w, name);
    }
    return err == JET_errObjectNotFound ? define(w, name) : err;
}

static JET_ERR one_transaction(struct worker *w) {
    JET_ERR err = trx_begin(w->s, false);
    for (unsigned i = 0; err >= JET_errSuccess && i < 2; i++)
        err = act(w);
    if (is_conflict(err)) {
        w->conflicts++;
        return trx_rollback(w->s, true);
    }
    if (err < JET_errSuccess)
        return err;
    return below(w, 5) == 0 ? trx_rollback(w->s, true) : trx_commit(w->s, true);
}

static void *work(void *arg) {
    struct worker *w = arg;
    for (unsigned i = 0; i < w->rounds && w->err >= JET_errSuccess; i++)
        w->err = one_transaction(w);
    return NULL;
}

static void sessions__that_change_the_same_tables_get_documented_errors_only(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "threads.edb");
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];

    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.s = f.s[i], .db = db, .random = test_random(), .rounds = 150};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    unsigned inserted = 0, created = 0, deleted = 0, conflicts = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        inserted += workers[i].inserted;
        created += workers[i].created;
        deleted += workers[i].deleted;
        conflicts += workers[i].conflicts;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK_OK(workers[i].err);
    printf("%u rows, %u tables made, %u deleted, %u conflicts\n", inserted, created, deleted, conflicts);
    testcat_check(&f, db);
    testcat_free(&f);
}

TEST_MAIN(TEST(sessions__that_change_the_same_tables_get_documented_errors_only))
