/* Which file recovery may touch: databases that were detached, moved, replaced by an older copy or taken to another
 * instance while the log still speaks of them. A file that does not fit to the log is left as it is, and that is an
 * error only where the log ends with the database attached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fault.h"
#include "tests/lib/test.h"

/* ---- an instance with one session ---- */

struct place {
    char system[512];
    JET_INSTANCE instance;
    JET_SESID session;
};

static void make(struct place *p, const char *name, bool circular) {
    static unsigned count;
    char unique[32];
    snprintf(p->system, sizeof p->system, "%s", test_path(name));
    snprintf(unique, sizeof unique, "attach%u", count++);
    CHECK_OK(JetCreateInstance(&p->instance, unique));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramSystemPath, 0, p->system));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramLogFilePath, 0, p->system));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCircularLog, circular, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCheckpointDepthMax, 64 << 20, NULL)); /* it stays behind */
}

static void start(struct place *p, const char *name) {
    make(p, name, false);
    CHECK_OK(JetInit(&p->instance));
    CHECK_OK(JetBeginSession(p->instance, &p->session, NULL, NULL));
}

static void stop(struct place *p) {
    CHECK_OK(JetTerm(p->instance));
}
static void crash(struct place *p) {
    CHECK_OK(JetTerm2(p->instance, JET_bitTermDirty));
}

/* A start that must fail. */
static void start_fails(const char *name, JET_ERR expected) {
    struct place p;
    make(&p, name, false);
    CHECK_ERR(JetInit(&p.instance), expected);
    CHECK_OK(JetTerm(p.instance));
}

/* ---- tables of numbers ---- */

static void make_table(struct place *p, JET_DBID db, const char *name) {
    JET_COLUMNCREATE columns[2] = {
        {.cbStruct = sizeof *columns, .szColumnName = "key", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypLong},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+key\0",
                             .cbKey = 6,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = (char *)(uintptr_t)name,
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    CHECK_OK(JetCreateTableColumnIndex(p->session, db, &table));
    CHECK_OK(JetCloseTable(p->session, table.tableid));
}

static bool seek(struct place *p, JET_DBID db, const char *table, int32_t key, JET_GRBIT grbit, JET_TABLEID *out) {
    CHECK_OK(JetOpenTable(p->session, db, table, NULL, 0, grbit, out));
    CHECK_OK(JetMakeKey(p->session, *out, &key, sizeof key, JET_bitNewKey));
    return JetSeek(p->session, *out, JET_bitSeekEQ) == JET_errSuccess;
}

static void put(struct place *p, JET_DBID db, const char *table, int32_t key, int32_t value) {
    JET_TABLEID t;
    CHECK_OK(JetBeginTransaction(p->session));
    const bool there = seek(p, db, table, key, 0, &t);
    CHECK_OK(JetPrepareUpdate(p->session, t, there ? JET_prepReplace : JET_prepInsert));
    if (!there)
        CHECK_OK(JetSetColumn(p->session, t, 1, &key, sizeof key, 0, NULL));
    CHECK_OK(JetSetColumn(p->session, t, 2, &value, sizeof value, 0, NULL));
    CHECK_OK(JetUpdate(p->session, t, NULL, 0, NULL));
    CHECK_OK(JetCommitTransaction(p->session, 0));
    CHECK_OK(JetCloseTable(p->session, t));
}

/* 0: no such row. */
static int32_t get(struct place *p, JET_DBID db, const char *table, int32_t key) {
    JET_TABLEID t;
    int32_t value = 0;
    uint32_t bytes;
    if (seek(p, db, table, key, JET_bitTableReadOnly, &t))
        CHECK_OK(JetRetrieveColumn(p->session, t, 2, &value, sizeof value, &bytes, 0, NULL));
    CHECK_OK(JetCloseTable(p->session, t));
    return value;
}

static JET_DBID create(struct place *p, const char *path) {
    JET_DBID db;
    CHECK_OK(JetCreateDatabase(p->session, path, NULL, &db, 0));
    make_table(p, db, "a");
    make_table(p, db, "b");
    put(p, db, "a", 1, 1);
    put(p, db, "b", 1, 1);
    return db;
}

static JET_DBID attach(struct place *p, const char *path) {
    JET_DBID db;
    CHECK_OK(JetAttachDatabase(p->session, path, 0));
    CHECK_OK(JetOpenDatabase(p->session, path, NULL, &db, 0));
    return db;
}

static void detach(struct place *p, JET_DBID db, const char *path) {
    CHECK_OK(JetCloseDatabase(p->session, db, 0));
    CHECK_OK(JetDetachDatabase(p->session, path));
}

/* The rows that one attach later finds, and that the file is sound. */
static void check_values(const char *name, const char *path, int32_t a, int32_t b) {
    struct place p;
    start(&p, name);
    JET_DBID db = attach(&p, path);
    CU_ASSERT_EQUAL(get(&p, db, "a", 1), a);
    CU_ASSERT_EQUAL(get(&p, db, "b", 1), b);
    detach(&p, db, path);
    stop(&p);
    CU_ASSERT_TRUE(test_edbcheck(path) <= 0 && test_check(path) <= 0);
}

/* ---- files ---- */

static uint8_t *read_all(const char *path, size_t *bytes) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, 0, SEEK_END);
    *bytes = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*bytes + 1);
    CU_ASSERT_EQUAL_FATAL(fread(data, 1, *bytes, f), *bytes);
    fclose(f);
    return data;
}

static void copy(const char *from, const char *to) {
    size_t bytes;
    uint8_t *data = read_all(from, &bytes);
    FILE *f = fopen(to, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
    free(data);
}

static bool same_bytes(const char *a, const char *b) {
    size_t a_bytes, b_bytes;
    uint8_t *x = read_all(a, &a_bytes), *y = read_all(b, &b_bytes);
    bool same = a_bytes == b_bytes && memcmp(x, y, a_bytes) == 0;
    free(x);
    free(y);
    return same;
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

/* ---- older copies ---- */

/* a.edb with a = 2 in an attach that the checkpoint is past, old.edb with a = 1; the instance runs, not attached. */
static void make_old_copy(struct place *p, char path[512], char old[512]) {
    snprintf(path, 512, "%s", test_path("a.edb"));
    snprintf(old, 512, "%s", test_path("old.edb"));
    start(p, "system");
    detach(p, create(p, path), path);
    copy(path, old);
    JET_DBID db = attach(p, path);
    put(p, db, "a", 1, 2);
    stop(p);
    start(p, "system");
}

static void replaced_by_an_older_clean_copy__start_refuses_and_leaves_it_alone(void) {
    struct place p;
    char path[512], old[512];
    make_old_copy(&p, path, old);
    put(&p, attach(&p, path), "b", 1, 2);
    crash(&p);
    copy(old, path);
    start_fails("system", JET_errAttachedDatabaseMismatch);
    CU_ASSERT_TRUE(same_bytes(path, old));
}

static void replaced_by_an_older_clean_copy_while_detached__stays_as_it_is(void) {
    struct place p;
    char path[512], old[512];
    make_old_copy(&p, path, old);
    JET_DBID db = attach(&p, path);
    put(&p, db, "b", 1, 2);
    detach(&p, db, path);
    copy(old, path);
    crash(&p);
    start(&p, "system");
    CU_ASSERT_TRUE(same_bytes(path, old));
    stop(&p);
    check_values("system", path, 1, 1);
}

/* Copied while it was attached, as no one should. */
static void replaced_by_a_copy_from_an_earlier_attach__start_refuses(void) {
    struct place p;
    char path[512], old[512], running[512];
    make_old_copy(&p, path, old);
    snprintf(running, sizeof running, "%s", test_path("running.edb"));
    put(&p, attach(&p, path), "b", 1, 2);
    copy(path, running);
    stop(&p);
    start(&p, "system");
    put(&p, attach(&p, path), "b", 1, 3);
    crash(&p);
    copy(running, path);
    start_fails("system", JET_errAttachedDatabaseMismatch);
    CU_ASSERT_TRUE(same_bytes(path, running));
}

static void replaced_by_a_copy_that_the_log_reaches_back_to__is_brought_up_to_date(void) {
    struct place p;
    char path[512], old[512], running[512];
    make_old_copy(&p, path, old);
    snprintf(running, sizeof running, "%s", test_path("running.edb"));
    JET_DBID db = attach(&p, path);
    put(&p, db, "b", 1, 2);
    copy(path, running);
    detach(&p, db, path);
    put(&p, attach(&p, path), "b", 1, 3);
    crash(&p);
    copy(running, path);
    check_values("system", path, 2, 3);
}

static void replaced_by_an_older_copy_and_attached_again__has_what_was_done_since(void) {
    struct place p;
    char path[512], old[512];
    make_old_copy(&p, path, old);
    JET_DBID db = attach(&p, path);
    put(&p, db, "b", 1, 2);
    detach(&p, db, path);
    copy(old, path);
    put(&p, attach(&p, path), "b", 1, 7);
    crash(&p);
    check_values("system", path, 1, 7);
}

/* ---- other instances ---- */

static void taken_to_another_instance__does_not_keep_the_first_from_starting(void) {
    struct place one, two;
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&one, "one");
    start(&two, "two");
    JET_DBID db = create(&one, path);
    put(&one, db, "a", 1, 2);
    detach(&one, db, path);
    crash(&one);
    db = attach(&two, path);
    put(&two, db, "a", 1, 3);
    start(&one, "one"); /* it has the file locked */
    stop(&one);
    detach(&two, db, path);
    stop(&two);
    check_values("two", path, 3, 1);
}

static void changed_by_another_instance__is_not_taken_back_by_the_first(void) {
    struct place one, two;
    char path[512], after[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    snprintf(after, sizeof after, "%s", test_path("after.edb"));
    start(&one, "one");
    start(&two, "two");
    detach(&one, create(&one, path), path);
    JET_DBID db = attach(&two, path);
    put(&two, db, "a", 1, 3);
    detach(&two, db, path);
    copy(path, after);
    crash(&one);
    start(&one, "one");
    CU_ASSERT_TRUE(same_bytes(path, after));
    put(&one, attach(&one, path), "b", 1, 4);
    crash(&one);
    stop(&two);
    check_values("one", path, 3, 4);
}

/* The log of the first ends with the database attached, and the file has been elsewhere. */
static void a_copy_that_another_instance_closed__start_refuses(void) {
    struct place one, two;
    char path[512], old[512];
    make_old_copy(&one, path, old);
    put(&one, attach(&one, path), "b", 1, 2);
    crash(&one);
    copy(old, path);
    start(&two, "two");
    detach(&two, attach(&two, path), path);
    stop(&two);
    copy(path, old);
    start_fails("system", JET_errAttachedDatabaseMismatch);
    CU_ASSERT_TRUE(same_bytes(path, old));
}

/* ---- moved, deleted, made again ---- */

static void moved_and_attached_there__is_recovered_there(void) {
    struct place p;
    char path[512], moved[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    snprintf(moved, sizeof moved, "%s", test_path("moved.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    put(&p, db, "a", 1, 2);
    detach(&p, db, path);
    CU_ASSERT_EQUAL_FATAL(rename(path, moved), 0);
    put(&p, attach(&p, moved), "b", 1, 3);
    crash(&p);
    check_values("system", moved, 2, 3);
    CU_ASSERT_FALSE(exists(path));
}

static void deleted_after_detach__does_not_come_back(void) {
    struct place p;
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    detach(&p, create(&p, path), path);
    CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
    crash(&p);
    start(&p, "system");
    CU_ASSERT_FALSE(exists(path));
    detach(&p, create(&p, path), path);
    stop(&p);
    check_values("system", path, 1, 1);
}

static void deleted_and_made_again_at_the_same_path__the_new_one_counts(void) {
    struct place p;
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    put(&p, db, "a", 1, 2);
    detach(&p, db, path);
    CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
    put(&p, create(&p, path), "b", 1, 5);
    crash(&p);
    check_values("system", path, 1, 5);
}

static void two_databases_that_change_places__are_both_recovered(void) {
    struct place p;
    char one[512], two[512];
    snprintf(one, sizeof one, "%s", test_path("one.edb"));
    snprintf(two, sizeof two, "%s", test_path("two.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, one); /* dbid 1 */
    put(&p, db, "a", 1, 11);
    detach(&p, db, one);
    db = create(&p, two); /* dbid 1 */
    put(&p, db, "a", 1, 21);
    db = attach(&p, one); /* dbid 2 */
    put(&p, db, "b", 1, 12);
    crash(&p);
    check_values("system", one, 11, 12);
    check_values("system", two, 21, 1);
}

/* ---- the log is not whole ---- */

static void without_checkpoint_and_a_required_log_file__start_refuses(void) {
    struct place p;
    char path[512], file[600];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    for (int32_t i = 2; i < 400; i++)
        put(&p, db, "a", i, i);
    crash(&p);
    snprintf(file, sizeof file, "%s/edb.chk", p.system);
    CU_ASSERT_EQUAL_FATAL(unlink(file), 0);
    snprintf(file, sizeof file, "%s/edb00001.log", p.system);
    CU_ASSERT_EQUAL_FATAL(unlink(file), 0);
    start_fails("system", JET_errRequiredLogFilesMissing);
}

static void log_older_than_its_checkpoint__start_refuses(void) {
    struct place p;
    char path[512], older[512], file[600];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    snprintf(older, sizeof older, "%s", test_path("older.log"));
    start(&p, "system");
    snprintf(file, sizeof file, "%s/edb.log", p.system);
    JET_DBID db = create(&p, path);
    copy(file, older);
    for (int32_t i = 2; i < 20; i++)
        put(&p, db, "a", i, i);
    CHECK_OK(JetStopServiceInstance(p.instance)); /* the checkpoint moves to the tip, in the same generation */
    crash(&p);
    copy(older, file);
    start_fails("system", JET_errLogFileCorrupt);
}

static void without_checkpoint__all_of_the_log_is_redone(void) {
    struct place p;
    char path[512], file[600];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    put(&p, db, "a", 1, 2);
    detach(&p, db, path);
    put(&p, attach(&p, path), "b", 1, 3);
    crash(&p);
    snprintf(file, sizeof file, "%s/edb.chk", p.system);
    CU_ASSERT_EQUAL_FATAL(unlink(file), 0);
    check_values("system", path, 2, 3);
}

/* ---- counters ---- */

static uint64_t header_dbtime(const char *path) {
    uint64_t dbtime;
    size_t bytes;
    uint8_t *data = read_all(path, &bytes);
    memcpy(&dbtime, data + 16, 8);
    free(data);
    return dbtime;
}

/* Of all pages; those beyond what is used are zero. */
static uint64_t highest_dbtime(const char *path) {
    uint64_t highest = 0, dbtime;
    uint32_t page_size;
    size_t bytes;
    uint8_t *data = read_all(path, &bytes);
    memcpy(&page_size, data + 236, 4);
    for (size_t at = 2 * page_size; at + page_size <= bytes; at += page_size) {
        memcpy(&dbtime, data + at + 8, 8);
        highest = dbtime > highest ? dbtime : highest;
    }
    free(data);
    return highest;
}

static void crash_right_after_a_checkpoint__dbtime_goes_on(void) {
    struct place p;
    char path[512];
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    for (int32_t i = 2; i < 50; i++)
        put(&p, db, "a", i, i);
    CHECK_OK(JetStopServiceInstance(p.instance)); /* everything written, the checkpoint at the tip */
    crash(&p);
    CU_ASSERT_TRUE(header_dbtime(path) >= highest_dbtime(path));
    check_values("system", path, 1, 1);
    CU_ASSERT_TRUE(header_dbtime(path) >= highest_dbtime(path));
}

/* ---- failures on the way ---- */

static void detach_whose_header_cannot_be_written__no_change_is_lost_after_it(void) {
    struct place p;
    char path[512];
    fault_install();
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    start(&p, "system");
    JET_DBID db = create(&p, path);
    put(&p, db, "a", 1, 2);
    CHECK_OK(JetCloseDatabase(p.session, db, 0));
    fault_add(
        (struct fault){.op = FAULT_SYNC, .name = "a.edb", .nth = 2, .error = JET_errDiskIO}); /* after the pages' */
    CHECK_ERR(JetDetachDatabase(p.session, path), JET_errDiskIO);
    fault_clear();
    /* The log says that it is detached: what came behind that would not be redone. */
    CHECK_ERR(JetOpenDatabase(p.session, path, NULL, &db, 0), JET_errInstanceUnavailable);
    crash(&p);
    check_values("system", path, 2, 1);
    fault_done();
}

static void creation_that_failed__is_forgotten(void) {
    struct place p;
    char path[512], other[512];
    JET_DBID db;
    fault_install();
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    snprintf(other, sizeof other, "%s", test_path("b.edb"));
    start(&p, "system");
    fault_add((struct fault){.op = FAULT_SYNC, .name = "a.edb", .nth = 3, .error = JET_errDiskIO}); /* pages */
    CHECK_ERR(JetCreateDatabase(p.session, path, NULL, &db, 0), JET_errDiskIO);
    CU_ASSERT_FALSE(exists(path));
    fault_clear();
    db = create(&p, other); /* the same dbid */
    put(&p, db, "a", 1, 2);
    crash(&p);
    check_values("system", other, 2, 1);
    CU_ASSERT_FALSE(exists(path));
    fault_done();
}

static void creation_that_failed_when_it_was_logged__is_forgotten(void) {
    struct place p;
    char path[512];
    JET_DBID db;
    fault_install();
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    for (unsigned nth = 4; nth <= 5; nth++) { /* the header's two copies, after the file's and the pages' syncs */
        start(&p, "system");
        fault_add((struct fault){.op = FAULT_SYNC, .name = "a.edb", .nth = nth, .error = JET_errDiskIO});
        CHECK_ERR(JetCreateDatabase(p.session, path, NULL, &db, 0), JET_errDiskIO);
        CU_ASSERT_FALSE(exists(path));
        fault_clear();
        crash(&p);
    }
    start(&p, "system");
    CU_ASSERT_FALSE(exists(path));
    detach(&p, create(&p, path), path);
    stop(&p);
    check_values("system", path, 1, 1);
    fault_done();
}

static void creation_whose_log_fails__is_all_or_nothing(void) {
    struct place p;
    char path[512];
    JET_DBID db;
    fault_install();
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    for (unsigned nth = 1; nth <= 3; nth++) { /* CREATE_DB, pages, ATTACH_DB */
        start(&p, "system");
        fault_add((struct fault){.op = FAULT_SYNC, .name = "edb.log", .nth = nth, .error = JET_errDiskIO});
        CHECK_ERR(JetCreateDatabase(p.session, path, NULL, &db, 0), JET_errLogWriteFail);
        fault_clear();
        crash(&p);
    }
    start(&p, "system");
    if (exists(path))
        CHECK_OK(JetAttachDatabase(p.session, path, 0));
    else
        create(&p, path);
    stop(&p);
    CU_ASSERT_TRUE(test_edbcheck(path) <= 0 && test_check(path) <= 0);
    fault_done();
}

static void attach_whose_header_cannot_be_written__can_be_tried_again(void) {
    struct place p;
    char path[512], other[512];
    fault_install();
    snprintf(path, sizeof path, "%s", test_path("a.edb"));
    snprintf(other, sizeof other, "%s", test_path("b.edb"));
    start(&p, "system");
    detach(&p, create(&p, path), path);
    detach(&p, create(&p, other), other);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fault_add((struct fault){.op = FAULT_SYNC, .name = "a.edb", .nth = nth, .error = JET_errDiskIO});
        CHECK_ERR(JetAttachDatabase(p.session, path, 0), JET_errDiskIO);
        fault_clear();
        JET_DBID db = attach(&p, other);
        put(&p, db, "a", 1, 10 + (int32_t)nth);
        detach(&p, db, other);
        db = attach(&p, path);
        put(&p, db, "b", 1, (int32_t)nth);
        detach(&p, db, path);
    }
    crash(&p);
    check_values("system", path, 1, 2);
    check_values("system", other, 12, 1);
    fault_done();
}

TEST_MAIN(TEST(replaced_by_an_older_clean_copy__start_refuses_and_leaves_it_alone),
          TEST(replaced_by_an_older_clean_copy_while_detached__stays_as_it_is),
          TEST(replaced_by_a_copy_from_an_earlier_attach__start_refuses),
          TEST(replaced_by_a_copy_that_the_log_reaches_back_to__is_brought_up_to_date),
          TEST(replaced_by_an_older_copy_and_attached_again__has_what_was_done_since),
          TEST(taken_to_another_instance__does_not_keep_the_first_from_starting),
          TEST(changed_by_another_instance__is_not_taken_back_by_the_first),
          TEST(a_copy_that_another_instance_closed__start_refuses), TEST(moved_and_attached_there__is_recovered_there),
          TEST(deleted_after_detach__does_not_come_back),
          TEST(deleted_and_made_again_at_the_same_path__the_new_one_counts),
          TEST(two_databases_that_change_places__are_both_recovered),
          TEST(without_checkpoint_and_a_required_log_file__start_refuses),
          TEST(log_older_than_its_checkpoint__start_refuses), TEST(without_checkpoint__all_of_the_log_is_redone),
          TEST(crash_right_after_a_checkpoint__dbtime_goes_on),
          TEST(detach_whose_header_cannot_be_written__no_change_is_lost_after_it),
          TEST(creation_that_failed__is_forgotten), TEST(creation_that_failed_when_it_was_logged__is_forgotten),
          TEST(creation_whose_log_fails__is_all_or_nothing),
          TEST(attach_whose_header_cannot_be_written__can_be_tried_again))
