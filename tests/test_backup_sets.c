/* Which set goes with which log: restored instances that went on from an earlier moment, databases that came, went and
 * changed places after the backup, and failures at the moment in which a set becomes one. P9 P10 P13. */
#include <stdlib.h>
#include <unistd.h>

#include "backup/set.h"
#include "tests/lib/fault.h"
#include "tests/lib/testapi.h"

/* ---- rows ---- */

static void put(struct testapi *t, JET_DBID db, int32_t id) {
    JET_TABLEID table;
    CHECK_OK(JetOpenTable(t->ses, db, "t", NULL, 0, 0, &table));
    CHECK_OK(testapi_insert(t->ses, table, id, "row"));
    CHECK_OK(JetCloseTable(t->ses, table));
}

static uint32_t count_rows(struct testapi *t, JET_DBID db) {
    JET_TABLEID table;
    uint32_t count = 0;
    CHECK_OK(JetOpenTable(t->ses, db, "t", NULL, 0, 0, &table));
    for (JET_ERR err = JetMove(t->ses, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(t->ses, table, JET_MoveNext, 0))
        count++;
    CHECK_OK(JetCloseTable(t->ses, table));
    return count;
}

static JET_DBID create(struct testapi *t, const char *name) {
    testapi_create(t, name);
    CHECK_OK(JetCloseTable(t->ses, testapi_table(t, "t")));
    return t->db;
}

static JET_DBID attach(struct testapi *t, const char *name) {
    testapi_attach(t, name);
    return t->db;
}

static void detach(struct testapi *t, JET_DBID db, const char *name) {
    CHECK_OK(JetCloseDatabase(t->ses, db, 0));
    CHECK_OK(JetDetachDatabase(t->ses, testapi_path(t, name)));
}

static void crash(struct testapi *t) {
    CHECK_OK(JetTerm2(t->inst, JET_bitTermDirty));
}

/* Starts, and finds so many rows in the database. */
static void check_rows(struct testapi *t, const char *name, uint32_t rows) {
    testapi_run(t);
    JET_DBID db = attach(t, name);
    CU_ASSERT_EQUAL(count_rows(t, db), rows);
    detach(t, db, name);
    testapi_stop(t);
    CU_ASSERT_TRUE(test_edbcheck(testapi_path(t, name)) <= 0 && test_check(testapi_path(t, name)) <= 0);
}

/* The set in a fresh instance: so many rows in its x.edb. */
static void check_set(const char *set, const char *name, uint32_t rows) {
    struct testapi t = testapi_new(name);
    CHECK_OK(JetRestoreInstance(t.inst, set, t.dir, NULL));
    check_rows(&t, "x.edb", rows);
}

/* Good for the test. */
static const char *keep_path(const char *name) {
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s", test_path(name));
    return out;
}

static const char *make_dir(const char *name) {
    const char *path = keep_path(name);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0777), 0);
    return path;
}

static void backup(struct testapi *t, const char *set, JET_GRBIT grbit) {
    CHECK_OK(JetBackupInstance(t->inst, set, grbit, NULL));
}

/* ---- an instance that went on from an earlier moment ---- */

struct fork {
    struct testapi live, restored;
    const char *set, *earlier;
};

/* The set has two incremental backups more than the copy from which the second instance was restored. */
static struct fork make_fork(void) {
    struct fork f = {.live = testapi_start("live")};
    char command[2048];

    JET_DBID db = create(&f.live, "x.edb");
    put(&f.live, db, 1);
    backup(&f.live, make_dir("first"), 0); /* so that the copies of the next one know of a full backup */
    f.set = make_dir("set");
    backup(&f.live, f.set, 0);
    f.earlier = keep_path("earlier");
    snprintf(command, sizeof command, "cp -r '%s' '%s'", f.set, f.earlier);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    for (int32_t id = 2; id <= 3; id++) {
        put(&f.live, db, id);
        backup(&f.live, f.set, JET_bitBackupIncremental);
    }
    f.restored = testapi_new("restored");
    CHECK_OK(JetRestoreInstance(f.restored.inst, f.earlier, f.restored.dir, NULL));
    testapi_run(&f.restored);
    put(&f.restored, attach(&f.restored, "x.edb"), 9);
    return f;
}

static void incremental_backup__refuses_a_set_that_is_ahead_of_a_restored_instance(void) {
    struct fork f = make_fork();
    CHECK_ERR(JetBackupInstance(f.restored.inst, f.set, JET_bitBackupIncremental, NULL), JET_errInvalidBackup);
    for (unsigned i = 0; i < 6; i++) /* its log passes the set's */
        backup(&f.restored, f.earlier, JET_bitBackupIncremental);
    CHECK_ERR(JetBackupInstance(f.restored.inst, f.set, JET_bitBackupIncremental, NULL), JET_errInvalidBackup);
    testapi_stop(&f.restored);
    backup(&f.live, f.set, JET_bitBackupIncremental);
    testapi_stop(&f.live);
    check_set(f.set, "ofset", 3);
    check_set(f.earlier, "ofearlier", 2);
}

static void restore__refuses_logs_of_an_instance_that_went_another_way_and_changes_nothing(void) {
    struct fork f = make_fork();
    for (unsigned i = 0; i < 6; i++)
        backup(&f.restored, f.earlier, JET_bitBackupIncremental);
    testapi_stop(&f.restored);
    testapi_stop(&f.live);
    struct testapi again = testapi_new("restored");
    CHECK_ERR(JetRestoreInstance(again.inst, f.set, again.dir, NULL), JET_errExistingLogFileIsNotContiguous);
    check_rows(&again, "x.edb", 2);
}

static void restore__refuses_a_log_that_ends_before_the_set(void) {
    struct testapi t = testapi_start("a");
    char command[2048];
    const char *set = make_dir("set");

    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    snprintf(command, sizeof command, "cp '%s' '%s'", testapi_path(&t, "edb.log"), test_path("old.log"));
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    backup(&t, set, 0);
    testapi_stop(&t);
    struct testapi other = testapi_new("other");
    snprintf(command, sizeof command, "cp '%s' '%s'", test_path("old.log"), testapi_path(&other, "edb.log"));
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    CHECK_ERR(JetRestoreInstance(other.inst, set, other.dir, NULL), JET_errExistingLogFileIsNotContiguous);
    CU_ASSERT_NOT_EQUAL(access(testapi_path(&other, "x.edb"), F_OK), 0);
    CHECK_OK(JetTerm(other.inst));
}

static void restore__notices_a_missing_log_file_before_it_writes(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    char missing[64];
    JET_DBINFOMISC info;

    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    CHECK_OK(JetGetDatabaseInfo(t.ses, db, &info, sizeof info, JET_DbInfoMisc));
    for (int32_t id = 2; id < 2000; id++)
        put(&t, db, id);
    testapi_stop(&t);
    snprintf(missing, sizeof missing, "edb%05X.log", (unsigned)info.bkinfoFullPrev.genHigh + 2);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, missing)), 0);
    t = testapi_new("a");
    CHECK_ERR(JetRestoreInstance(t.inst, set, NULL, NULL), JET_errMissingCurrentLogFiles);
    CHECK_OK(JetGetDatabaseFileInfo(testapi_path(&t, "x.edb"), &info, sizeof info, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(info.dbstate, JET_dbstateCleanShutdown);
    CHECK_OK(JetTerm(t.inst));
}

/* ---- the manifest, as other tools read it ---- */

static int shell(const char *dir, const char *command) {
    char line[2048];
    fflush(NULL);
    snprintf(line, sizeof line, "cd '%.500s' && %.1400s", dir, command);
    return system(line);
}

/* The commands of docs/format-set.md. */
static void manifest__with_sha256_is_checked_by_sha256sum(void) {
    struct testapi t = testapi_start("a");
    const char *dir = make_dir("set");
    put(&t, create(&t, "x y.edb"), 1);
    backup(&t, dir, JET_bitBackupSha256);
    backup(&t, dir, JET_bitBackupIncremental);
    testapi_stop(&t);
    static const char files[] =
        "awk '$1 == \"sha256\" && $3 != \"backup.manifest\" {gsub(\"%20\", \" \", $3); print $2 \"  \" $3}' "
        "backup.manifest | sha256sum --check --strict --status";
    static const char itself[] = "test \"$(head -n -2 backup.manifest | sha256sum | cut -d ' ' -f 1)\" = "
                                 "\"$(tail -n 2 backup.manifest | head -n 1 | cut -d ' ' -f 2)\"";
    CU_ASSERT_EQUAL(shell(dir, files), 0);
    CU_ASSERT_EQUAL(shell(dir, itself), 0);
    CU_ASSERT_EQUAL(shell(dir, "test $(grep -c ^sha256 backup.manifest) = $(ls | wc -l)"), 0);
    CU_ASSERT_EQUAL(shell(dir, "printf x >> 'x y.edb'"), 0);
    CU_ASSERT_NOT_EQUAL(shell(dir, files), 0);
    CU_ASSERT_EQUAL(shell(dir, "sed -i s/full-begin/FULL-begin/ backup.manifest"), 0);
    CU_ASSERT_NOT_EQUAL(shell(dir, itself), 0);
}

static void manifest__has_the_sha256_that_an_incremental_backup_asked_for(void) {
    struct testapi t = testapi_start("a");
    const char *dir = make_dir("set");
    struct set full, set;
    put(&t, create(&t, "x.edb"), 1);
    backup(&t, dir, 0);
    CHECK_OK(set_read(dir, &full));
    backup(&t, dir, JET_bitBackupIncremental | JET_bitBackupSha256);
    CHECK_OK(set_read(dir, &set));
    testapi_stop(&t);
    CU_ASSERT(!full.sha256 && set.sha256 && set.file_count > full.file_count);
    for (uint32_t i = 0; i < set.file_count; i++)
        CU_ASSERT_EQUAL(set.files[i].sum.has_sha256, i >= full.file_count);
    set_done(&full);
    set_done(&set);
    check_set(dir, "restored", 1);
}

/* An incremental backup keeps what the full one said. */
static void manifest__says_when_each_backup_was_made(void) {
    struct testapi t = testapi_start("a");
    const char *dir = make_dir("set");
    struct set full, incremental;
    JET_DBINFOMISC info;
    put(&t, create(&t, "x.edb"), 1);
    backup(&t, dir, 0);
    CHECK_OK(set_read(dir, &full));
    backup(&t, dir, JET_bitBackupIncremental);
    CHECK_OK(set_read(dir, &incremental));
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &info, sizeof info, JET_DbInfoMisc));
    CU_ASSERT(!full.incremental && incremental.incremental);
    CU_ASSERT_EQUAL(memcmp(&full.full_begin, &info.bkinfoFullPrev.logtimeMark, 6), 0); /* to the second */
    CU_ASSERT_EQUAL(memcmp(&full.full_begin, &incremental.full_begin, sizeof full.full_begin), 0);
    CU_ASSERT_EQUAL(memcmp(&full.full_end, &incremental.full_end, sizeof full.full_end), 0);
    CU_ASSERT_EQUAL(memcmp(&incremental.incremental_begin, &info.bkinfoIncPrev.logtimeMark, 6), 0);
    CU_ASSERT(incremental.low == full.low && incremental.high > full.high);
    set_done(&full);
    set_done(&incremental);
    testapi_stop(&t);
}

/* ---- databases that came and went ---- */

static void restore__a_database_that_was_attached_again_since_has_all(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");

    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    put(&t, db, 2);
    detach(&t, db, "x.edb");
    db = attach(&t, "x.edb");
    put(&t, db, 3);
    detach(&t, db, "x.edb");
    put(&t, attach(&t, "x.edb"), 4);
    crash(&t);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "x.edb")), 0);
    t = testapi_new("a");
    CHECK_OK(JetRestoreInstance(t.inst, set, NULL, NULL));
    check_rows(&t, "x.edb", 4);
}

/* The last of its new pages were never written, so the log does not have them. */
static void restore__a_database_that_grew_and_was_detached_has_its_size(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");

    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    for (int32_t id = 2; id <= 1000; id++)
        put(&t, db, id);
    testapi_stop(&t);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "x.edb")), 0);
    t = testapi_new("a");
    CHECK_OK(JetRestoreInstance(t.inst, set, NULL, NULL));
    check_rows(&t, "x.edb", 1000);
}

static void restore__databases_that_changed_places_since_have_all(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");

    JET_DBID x = create(&t, "x.edb"), y = create(&t, "y.edb");
    put(&t, x, 1);
    put(&t, y, 1);
    backup(&t, set, 0);
    put(&t, x, 2);
    put(&t, y, 2);
    detach(&t, x, "x.edb");
    detach(&t, y, "y.edb");
    JET_DBID y_before = y, x_before = x;
    y = attach(&t, "y.edb");
    x = attach(&t, "x.edb");
    CU_ASSERT(x == y_before && y == x_before);
    put(&t, x, 3);
    put(&t, y, 3);
    put(&t, y, 4);
    crash(&t);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "x.edb")), 0);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "y.edb")), 0);
    t = testapi_new("a");
    CHECK_OK(JetRestoreInstance(t.inst, set, NULL, NULL));
    check_rows(&t, "x.edb", 3);
    t = testapi_new("a");
    check_rows(&t, "y.edb", 4);
}

static void restore__makes_a_database_again_that_was_made_since(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");

    put(&t, create(&t, "x.edb"), 1);
    backup(&t, set, 0);
    JET_DBID y = create(&t, "y.edb");
    put(&t, y, 1);
    put(&t, y, 2);
    detach(&t, y, "y.edb");
    put(&t, attach(&t, "y.edb"), 3);
    crash(&t);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "x.edb")), 0);
    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "y.edb")), 0);
    t = testapi_new("a");
    CHECK_OK(JetRestoreInstance(t.inst, set, NULL, NULL));
    check_rows(&t, "x.edb", 1);
    t = testapi_new("a");
    check_rows(&t, "y.edb", 3);
}

/* However far it came: a file that it made must not look more complete than it is. */
static void restore__that_failed_while_it_made_a_database_can_be_repeated(void) {
    fault_install();
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    unsigned failures = 0;

    put(&t, create(&t, "x.edb"), 1);
    backup(&t, set, 0);
    JET_DBID y = create(&t, "y.edb");
    put(&t, y, 1);
    detach(&t, y, "y.edb");
    put(&t, attach(&t, "y.edb"), 2);
    crash(&t);
    for (bool failed = true; failed; failures += failed) {
        unlink(testapi_path(&t, "y.edb"));
        t = testapi_new("a");
        fault_add((struct fault){.op = FAULT_WRITE, .name = "y.edb", .nth = failures + 1, .error = JET_errDiskIO});
        failed = JetRestoreInstance(t.inst, set, NULL, NULL) < JET_errSuccess;
        fault_clear();
        if (failed)
            CHECK_OK(JetRestoreInstance(t.inst, set, NULL, NULL));
        check_rows(&t, "y.edb", 2);
    }
    CU_ASSERT(failures >= 5);
    fault_done();
}

static void restore_elsewhere__leaves_databases_alone_that_are_not_in_the_set(void) {
    struct testapi t = testapi_start("a"), other = testapi_start("other");
    const char *set = make_dir("set");
    char deleted[1024], used[1024];

    snprintf(deleted, sizeof deleted, "%s", testapi_path(&t, "deleted.edb"));
    snprintf(used, sizeof used, "%s", testapi_path(&t, "used.edb"));
    put(&t, create(&t, "x.edb"), 1);
    JET_DBID db = create(&t, "deleted.edb");
    detach(&t, db, "deleted.edb");
    CU_ASSERT_EQUAL_FATAL(unlink(deleted), 0);
    db = create(&t, "used.edb");
    detach(&t, db, "used.edb");
    CHECK_OK(JetAttachDatabase(other.ses, used, 0)); /* locked by an instance that runs */
    backup(&t, set, 0);
    check_set(set, "elsewhere", 1);
    CU_ASSERT_NOT_EQUAL(access(deleted, F_OK), 0);
    testapi_stop(&other);
    testapi_stop(&t);
}

static void restore__does_not_write_over_a_database_in_use(void) {
    struct testapi t = testapi_start("a"), other = testapi_new("other");
    const char *set = make_dir("set");

    JET_DBID x = create(&t, "x.edb"), y = create(&t, "y.edb");
    put(&t, x, 1);
    put(&t, y, 1);
    backup(&t, set, 0);
    put(&t, x, 2);
    put(&t, y, 2);
    detach(&t, x, "x.edb");
    CHECK_ERR(JetRestoreInstance(other.inst, set, NULL, NULL), JET_errFileAccessDenied); /* for y */
    CU_ASSERT_EQUAL(count_rows(&t, y), 2);
    CU_ASSERT_EQUAL(count_rows(&t, attach(&t, "x.edb")), 2);
    testapi_stop(&t);
    CHECK_OK(JetTerm(other.inst));
}

/* ---- the moment in which a set becomes one ---- */

static void incremental_backup__whose_last_sync_fails_leaves_a_set(void) {
    fault_install();
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    put(&t, db, 2);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fault_add((struct fault){.op = FAULT_SYNC_DIR, .name = "set", .nth = nth, .error = JET_errDiskIO});
        CHECK_ERR(JetBackupInstance(t.inst, set, JET_bitBackupIncremental, NULL), JET_errDiskIO);
        fault_clear();
    }
    testapi_stop(&t);
    check_set(set, "restored", 2);
    fault_done();
}

static void incremental_backup__that_fails_in_a_copy_leaves_no_file(void) {
    fault_install();
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    char name[64];
    JET_DBINFOMISC info;
    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    CHECK_OK(JetGetDatabaseInfo(t.ses, db, &info, sizeof info, JET_DbInfoMisc));
    put(&t, db, 2);
    snprintf(name, sizeof name, "set/edb%05X.log", (unsigned)info.bkinfoFullPrev.genHigh + 1);
    fault_add((struct fault){.op = FAULT_WRITE, .name = name + 4, .error = JET_errDiskFull});
    CHECK_ERR(JetBackupInstance(t.inst, set, JET_bitBackupIncremental, NULL), JET_errDiskFull);
    fault_clear();
    CU_ASSERT_NOT_EQUAL(access(test_path(name), F_OK), 0);
    testapi_stop(&t);
    check_set(set, "restored", 1);
    fault_done();
}

static void atomic_backup__that_cannot_remove_the_one_before_is_complete(void) {
    fault_install();
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, JET_bitBackupAtomic);
    put(&t, db, 2);
    fault_add((struct fault){.op = FAULT_REMOVE, .name = "backup.manifest", .error = JET_errFileAccessDenied});
    backup(&t, set, JET_bitBackupAtomic);
    fault_clear();
    put(&t, db, 3);
    backup(&t, set, JET_bitBackupIncremental | JET_bitBackupAtomic);
    put(&t, db, 4);
    backup(&t, set, JET_bitBackupAtomic);
    CU_ASSERT_NOT_EQUAL(access(test_path("set/old"), F_OK), 0);
    testapi_stop(&t);
    check_set(set, "restored", 4);
    fault_done();
}

/* ---- where a set must not go ---- */

/* A restore looks at the directory itself first: it would take the older set. */
static void atomic_backup__refuses_a_directory_that_is_a_set(void) {
    struct testapi t = testapi_start("a");
    const char *set = make_dir("set");
    JET_DBID db = create(&t, "x.edb");
    put(&t, db, 1);
    backup(&t, set, 0);
    put(&t, db, 2);
    CHECK_ERR(JetBackupInstance(t.inst, set, JET_bitBackupAtomic, NULL), JET_errBackupDirectoryNotEmpty);
    CU_ASSERT_NOT_EQUAL(access(test_path("set/temp"), F_OK), 0);
    backup(&t, set, JET_bitBackupIncremental);
    testapi_stop(&t);
    check_set(set, "restored", 2);
}

static void restore__over_the_set_itself_is_refused(void) {
    struct testapi t = testapi_start("a"), other = testapi_new("other");
    const char *set = make_dir("set"), *link = keep_path("link");
    char map_from[512], map_to[512];

    put(&t, create(&t, "x.edb"), 1);
    backup(&t, set, 0);
    testapi_stop(&t);
    CU_ASSERT_EQUAL_FATAL(symlink(set, link), 0);
    snprintf(map_from, sizeof map_from, "%s", testapi_path(&t, "x.edb"));
    snprintf(map_to, sizeof map_to, "%s/backup.manifest", set);
    JET_RSTMAP map = {map_from, map_to};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = &map, .crstmap = 1};
    CHECK_ERR(JetRestoreInstance(other.inst, set, set, NULL), JET_errInvalidPath);
    CHECK_ERR(JetRestoreInstance(other.inst, set, link, NULL), JET_errInvalidPath);
    CHECK_ERR(JetRestoreInstance2(other.inst, set, NULL, &info, 0), JET_errInvalidPath);
    CHECK_OK(JetSetSystemParameter(&other.inst, 0, JET_paramLogFilePath, 0, link));
    CHECK_ERR(JetRestoreInstance(other.inst, set, make_dir("place"), NULL), JET_errInvalidPath);
    CHECK_OK(JetSetSystemParameter(&other.inst, 0, JET_paramLogFilePath, 0, keep_path("log")));
    CHECK_OK(JetSetSystemParameter(&other.inst, 0, JET_paramSystemPath, 0, set));
    CHECK_ERR(JetRestoreInstance(other.inst, set, keep_path("place"), NULL), JET_errInvalidPath);
    CHECK_OK(JetTerm(other.inst));
    check_set(set, "restored", 1);
}

TEST_MAIN(TEST(incremental_backup__refuses_a_set_that_is_ahead_of_a_restored_instance),
          TEST(restore__refuses_logs_of_an_instance_that_went_another_way_and_changes_nothing),
          TEST(restore__refuses_a_log_that_ends_before_the_set),
          TEST(restore__notices_a_missing_log_file_before_it_writes),
          TEST(manifest__with_sha256_is_checked_by_sha256sum),
          TEST(manifest__has_the_sha256_that_an_incremental_backup_asked_for),
          TEST(manifest__says_when_each_backup_was_made),
          TEST(restore__a_database_that_was_attached_again_since_has_all),
          TEST(restore__a_database_that_grew_and_was_detached_has_its_size),
          TEST(restore__databases_that_changed_places_since_have_all),
          TEST(restore__makes_a_database_again_that_was_made_since),
          TEST(restore__that_failed_while_it_made_a_database_can_be_repeated),
          TEST(restore_elsewhere__leaves_databases_alone_that_are_not_in_the_set),
          TEST(restore__does_not_write_over_a_database_in_use),
          TEST(incremental_backup__whose_last_sync_fails_leaves_a_set),
          TEST(incremental_backup__that_fails_in_a_copy_leaves_no_file),
          TEST(atomic_backup__that_cannot_remove_the_one_before_is_complete),
          TEST(atomic_backup__refuses_a_directory_that_is_a_set), TEST(restore__over_the_set_itself_is_refused))
