/* Instances, sessions, databases, and what of them survives: restarts, crashes, backups, through the public API. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/testapi.h"

#define PAGE_SIZES 4
static const uint32_t page_sizes[PAGE_SIZES] = {4096, 8192, 16384, 32768};

/* A global parameter: no instance may be running. */
static void set_page_size(uint32_t bytes) {
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, bytes, NULL));
}

static void fill(struct testapi *t, JET_TABLEID table, int32_t first, int32_t last, const char *tag) {
    char text[128];
    CHECK_OK(JetBeginTransaction(t->ses));
    for (int32_t id = first; id <= last; id++) {
        snprintf(text, sizeof text, "%s %d %.*s", tag, id, (int)(id % 60),
                 "............................................................");
        testapi_put(t, table, id, text);
    }
    CHECK_OK(JetCommitTransaction(t->ses, 0));
}

static void check_filled(struct testapi *t, JET_TABLEID table, int32_t first, int32_t last, const char *tag) {
    char text[128];
    for (int32_t id = first; id <= last; id++) {
        snprintf(text, sizeof text, "%s %d %.*s", tag, id, (int)(id % 60),
                 "............................................................");
        CU_ASSERT_STRING_EQUAL(testapi_text(t->ses, table, id), text);
    }
}

/* Archived log files in a directory. */
static unsigned log_files(const char *dir) {
    unsigned count = 0;
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));)
        count += strlen(e->d_name) == 12 && strncmp(e->d_name, "edb", 3) == 0 && strcmp(e->d_name + 8, ".log") == 0;
    closedir(d);
    return count;
}

/* ---- instances and sessions ---- */

static void instance__names_are_unique_and_handles_end_with_it(void) {
    JET_INSTANCE a = 0, b = 0, c = 0, d = 0;
    JET_SESID ses;
    CHECK_OK(JetCreateInstance(&a, "one"));
    CHECK_ERR(JetCreateInstance(&b, "one"), JET_errInstanceNameInUse);
    CHECK_OK(JetCreateInstance2(&b, "two", "Display", 0));
    CHECK_OK(JetCreateInstance(&c, NULL));
    CHECK_ERR(JetCreateInstance(&d, NULL), JET_errInstanceNameInUse);
    CHECK_ERR(JetBeginSession(a, &ses, NULL, NULL), JET_errNotInitialized);
    CHECK_OK(JetTerm(a));
    CHECK_ERR(JetTerm(a), JET_errInvalidInstance);
    CHECK_ERR(JetInit(&a), JET_errInvalidInstance);
    CHECK_OK(JetCreateInstance(&d, "one"));
    CU_ASSERT_NOT_EQUAL(a, d);
    CHECK_ERR(JetTerm(a), JET_errInvalidInstance);
    CHECK_OK(JetTerm(b));
    CHECK_OK(JetTerm(c));
    CHECK_OK(JetTerm(d));
}

static void instances__run_side_by_side_each_with_its_own(void) {
    struct testapi a = testapi_start("a"), b = testapi_start("b");
    struct testapi c = testapi_new("a"); /* the directory of a */
    testapi_create(&a, "x.edb");
    testapi_create(&b, "x.edb");
    JET_TABLEID ta = testapi_table(&a, "t"), tb = testapi_table(&b, "t");
    testapi_put(&a, ta, 1, "a");
    testapi_put(&b, tb, 1, "b");
    CU_ASSERT_STRING_EQUAL(testapi_text(a.ses, ta, 1), "a");
    CHECK_ERR(JetMove(a.ses, tb, 0, 0), JET_errSesidTableIdMismatch);
    CHECK_ERR(JetAttachDatabase(b.ses, testapi_path(&a, "x.edb"), 0), JET_errDatabaseSharingViolation);
    CHECK_ERR(JetCreateDatabase(b.ses, testapi_path(&a, "x.edb"), NULL, &b.db, JET_bitDbOverwriteExisting),
              JET_errDatabaseSharingViolation);
    CHECK_ERR(JetInit(&c.inst), JET_errSystemPathInUse);
    testapi_stop(&a);
    CHECK_OK(JetInit(&c.inst)); /* now it is free */
    CU_ASSERT_STRING_EQUAL(testapi_text(b.ses, tb, 1), "b");
    testapi_stop(&b);
    testapi_stop(&c);
}

static void session__ends_take_their_cursors_databases_and_transaction(void) {
    struct testapi t = testapi_new("i");
    JET_SESID extra[64];
    JET_DBID db;
    JET_TABLEID table;
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramMaxSessions, 4, NULL));
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID own = testapi_table(&t, "t");
    unsigned n = 0;
    JET_ERR err;
    while ((err = JetBeginSession(t.inst, &extra[n], NULL, NULL)) >= JET_errSuccess && n < 63)
        n++;
    CHECK_ERR(err, JET_errOutOfSessions);
    CU_ASSERT_EQUAL(n, 3);
    CHECK_OK(JetOpenDatabase(extra[0], testapi_path(&t, "x.edb"), NULL, &db, 0));
    CHECK_OK(JetOpenTable(extra[0], db, "t", NULL, 0, 0, &table));
    CHECK_OK(JetBeginTransaction(extra[0]));
    CHECK_OK(testapi_insert(extra[0], table, 1, "gone"));
    CHECK_ERR(JetTerm2(t.inst, JET_bitTermComplete), JET_errTooManyActiveUsers);
    CHECK_OK(JetEndSession(extra[0], 0));
    CHECK_ERR(JetRollback(extra[0], 0), JET_errInvalidSesid);
    CHECK_ERR(JetCloseTable(t.ses, table), JET_errInvalidTableId);
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, own, 1), "-");
    CHECK_OK(JetDupSession(t.ses, &extra[0]));
    CHECK_OK(JetCloseTable(t.ses, own));
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetDetachDatabase(t.ses, testapi_path(&t, "x.edb"))); /* nobody has it open any more */
    testapi_stop(&t);
}

static void stop_service__lets_sessions_only_give_things_back(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    JET_SESID other;
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 1, "x");
    CHECK_OK(JetStopServiceInstance(t.inst));
    CHECK_ERR(JetBeginSession(t.inst, &other, NULL, NULL), JET_errClientRequestToStopJetService);
    CHECK_ERR(testapi_insert(t.ses, table, 2, "y"), JET_errClientRequestToStopJetService);
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errClientRequestToStopJetService);
    CHECK_ERR(JetBackupInstance(t.inst, test_path("b"), 0, NULL), JET_errClientRequestToStopJetService);
    CHECK_OK(JetRollback(t.ses, 0));
    CHECK_OK(JetCloseTable(t.ses, table));
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetDetachDatabase(t.ses, NULL));
    CHECK_OK(JetEndSession(t.ses, 0));
    testapi_stop(&t);
}

static void parameters__freeze_when_what_they_belong_to_runs(void) {
    struct testapi t = testapi_new("i");
    JET_API_PTR value = 0;
    char text[1100], small[4];
    uint32_t version;

    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramMaxCursors, 2000, NULL));
    JET_INSTANCE later;
    CHECK_OK(JetCreateInstance(&later, "later"));
    CHECK_OK(JetGetSystemParameter(later, 0, JET_paramMaxCursors, &value, NULL, 0));
    CU_ASSERT_EQUAL(value, 2000);
    CHECK_OK(JetTerm(later));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramMaxCursors, 1024, NULL));
    testapi_run(&t);
    CHECK_ERR(JetSetSystemParameter(&t.inst, 0, JET_paramLogFileSize, 128, NULL), JET_errAlreadyInitialized);
    CHECK_ERR(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 8192, NULL), JET_errAlreadyInitialized);
    CHECK_OK(JetSetSystemParameter(NULL, t.ses, JET_paramCommitDefault, JET_bitCommitLazyFlush, NULL));
    CHECK_OK(JetGetSystemParameter(t.inst, 0, JET_paramCommitDefault, &value, NULL, 0));
    CU_ASSERT_EQUAL(value, JET_bitCommitLazyFlush);
    CHECK_OK(JetGetSystemParameter(0, t.ses, JET_paramLogFilePath, NULL, text, sizeof text));
    CU_ASSERT_EQUAL(strncmp(text, t.dir, strlen(t.dir)), 0);
    CHECK_ERR(JetGetSystemParameter(t.inst, 0, JET_paramLogFilePath, NULL, small, sizeof small), JET_errBufferTooSmall);
    value = (JET_API_PTR)(int64_t)JET_errKeyDuplicate;
    CHECK_OK(JetGetSystemParameter(t.inst, 0, JET_paramErrorToString, &value, text, sizeof text));
    CU_ASSERT_EQUAL(strncmp(text, "JET_errKeyDuplicate,", 20), 0);
    CHECK_OK(JetGetVersion(t.ses, &version));
    CU_ASSERT((version & 0xffffff) >> 8 >= 9900);
    CHECK_ERR(JetInit(&t.inst), JET_errAlreadyInitialized);
    testapi_stop(&t);
}

static void directories__are_made_only_on_request(void) {
    struct testapi t = testapi_new("i");
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramSystemPath, 0, testapi_path(&t, "sys/deep")));
    CHECK_ERR(JetInit(&t.inst), JET_errInvalidSystemPath);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramLogFilePath, 0, testapi_path(&t, "log/deep")));
    CHECK_ERR(JetInit(&t.inst), JET_errInvalidLogDirectory);
    CHECK_ERR(JetInit2(&t.inst, 0x40000000), JET_errInvalidGrbit);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK_ERR(JetInit2(&t.inst, JET_bitLogStreamMustExist), JET_errFileNotFound);
    testapi_run(&t);
    CU_ASSERT(testapi_exists(testapi_path(&t, "log/deep/edb.log")));
    CHECK_OK(JetCreateDatabase(t.ses, testapi_path(&t, "db/deep/x.edb"), NULL, &t.db, 0));
    testapi_stop(&t);
    t = testapi_new("i");
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramLogFilePath, 0, testapi_path(&t, "log/deep")));
    CHECK_OK(JetInit2(&t.inst, JET_bitLogStreamMustExist));
    testapi_stop(&t);
}

/* ---- databases ---- */

static void database__is_created_attached_opened_closed_and_detached(void) {
    struct testapi t = testapi_start("i");
    JET_SESID two;
    JET_DBID db, again;
    const char *path = test_path("i/x.edb");

    testapi_create(&t, "x.edb");
    CHECK_ERR(JetCreateDatabase(t.ses, path, NULL, &db, 0), JET_errDatabaseDuplicate);
    CHECK_ERR(JetCreateDatabase(t.ses, path, NULL, &db, JET_bitDbOverwriteExisting), JET_errDatabaseDuplicate);
    CHECK_ERR(JetAttachDatabase(t.ses, path, 0), JET_wrnDatabaseAttached);
    CHECK_ERR(JetDetachDatabase(t.ses, path), JET_errDatabaseInUse);
    CHECK_OK(JetOpenDatabase(t.ses, path, NULL, &again, 0));
    CU_ASSERT_EQUAL(again, t.db);
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    JET_TABLEID table = testapi_table(&t, "t");
    testapi_put(&t, table, 1, "one");
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0)); /* the last */
    CHECK_ERR(JetMove(t.ses, table, 0, 0), JET_errInvalidTableId);
    CHECK_ERR(JetCloseDatabase(t.ses, t.db, 0), JET_errInvalidDatabaseId);
    CHECK_OK(JetBeginSession(t.inst, &two, NULL, NULL));
    CHECK_OK(JetOpenDatabase(two, path, NULL, &db, JET_bitDbExclusive));
    CHECK_ERR(JetOpenDatabase(t.ses, path, NULL, &db, 0), JET_errDatabaseLocked);
    CHECK_OK(JetEndSession(two, 0));
    CHECK_OK(JetOpenDatabase(t.ses, path, NULL, &db, 0));
    CHECK_OK(JetBeginSession(t.inst, &two, NULL, NULL));
    CHECK_ERR(JetOpenDatabase(two, path, NULL, &again, JET_bitDbExclusive), JET_errDatabaseInUse);
    CHECK_OK(JetCloseDatabase(t.ses, db, 0));
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_ERR(JetDetachDatabase(t.ses, path), JET_errInTransaction);
    CHECK_ERR(JetAttachDatabase(t.ses, path, 0), JET_errInTransaction);
    CHECK_ERR(JetCreateDatabase(t.ses, test_path("i/y.edb"), NULL, &db, 0), JET_errInTransaction);
    CHECK_OK(JetRollback(t.ses, 0));
    CHECK_OK(JetDetachDatabase(t.ses, path));
    CHECK_ERR(JetDetachDatabase(t.ses, path), JET_errDatabaseNotFound);
    CHECK_ERR(JetOpenDatabase(t.ses, path, NULL, &db, 0), JET_errDatabaseNotFound);
    CHECK_ERR(JetCreateDatabase(t.ses, path, NULL, &db, 0), JET_errDatabaseDuplicate);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(path), 1);
    CHECK_OK(JetAttachDatabase(t.ses, path, JET_bitDbReadOnly));
    CHECK_ERR(JetOpenDatabase(t.ses, path, NULL, &t.db, 0), JET_wrnFileOpenReadOnly);
    table = testapi_open(&t, "t");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1), "one");
    CHECK_ERR(testapi_insert(t.ses, table, 2, "two"), JET_errPermissionDenied);
    CHECK_ERR(JetCreateTable(t.ses, t.db, "n", 1, 80, &table), JET_errDatabaseFileReadOnly);
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetDetachDatabase(t.ses, ""));
    CHECK_OK(JetCreateDatabase(t.ses, path, NULL, &t.db, JET_bitDbOverwriteExisting));
    CHECK_ERR(JetOpenTable(t.ses, t.db, "t", NULL, 0, 0, &table), JET_errObjectNotFound);
    testapi_stop(&t);
}

static void databases__are_limited_in_number_and_size(void) {
    struct testapi t = testapi_start("i");
    char name[16];
    JET_ERR err = JET_errSuccess;

    CHECK_OK(JetCreateDatabase2(t.ses, testapi_path(&t, "small.edb"), 60, &t.db, 0));
    JET_TABLEID table = testapi_table(&t, "t");
    char text[201];
    memset(text, 'x', 200);
    text[200] = 0;
    for (int32_t id = 0; id < 2000 && err >= JET_errSuccess; id++)
        err = testapi_insert(t.ses, table, id, text);
    CHECK_ERR(err, JET_errOutOfDatabaseSpace);
    CU_ASSERT(testapi_count(t.ses, table) > 100);
    for (int i = 1; i < 6; i++) {
        snprintf(name, sizeof name, "%d.edb", i);
        testapi_create(&t, name);
    }
    CHECK_ERR(JetCreateDatabase(t.ses, testapi_path(&t, "7.edb"), NULL, &t.db, 0), JET_errTooManyAttachedDatabases);
    CU_ASSERT(!testapi_exists(testapi_path(&t, "7.edb")));
    testapi_stop(&t);
}

static void facts__about_databases_and_files(void) {
    struct testapi t = testapi_start("i");
    JET_DBINFOMISC7 misc, of_file;
    char path[1024];
    uint32_t n, owned, available;
    uint64_t bytes;
    const char *file = test_path("i/x.edb");
    struct stat st;

    testapi_create(&t, "x.edb");
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, path, sizeof path, JET_DbInfoFilename));
    CU_ASSERT_STRING_EQUAL(path, file);
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &n, 4, JET_DbInfoPageSize));
    CU_ASSERT_EQUAL(n, 4096);
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &n, 4, JET_DbInfoFilesize));
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &owned, 4, JET_DbInfoSpaceOwned));
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &available, 4, JET_DbInfoSpaceAvailable));
    CU_ASSERT(owned <= n && available < owned && available > 0);
    CU_ASSERT_EQUAL(stat(file, &st), 0);
    CU_ASSERT_EQUAL((uint64_t)st.st_size, (uint64_t)n * 4096);
    static const struct {
        uint32_t level, value;
    } constants[] = {{JET_DbInfoLCID, 0x409},   {JET_DbInfoCountry, 1}, {JET_DbInfoCp, 1252},
                     {JET_DbInfoCollate, 0},    {JET_DbInfoOptions, 0}, {JET_DbInfoTransactions, 7},
                     {JET_DbInfoVersion, 0x620}};
    for (unsigned i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &n, 4, constants[i].level));
        CU_ASSERT_EQUAL(n, constants[i].value);
        CHECK_ERR(JetGetDatabaseInfo(t.ses, t.db, &n, 3, constants[i].level), JET_errInvalidBufferSize);
    }
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(misc.dbstate, JET_dbstateDirtyShutdown);
    CHECK_OK(JetGetDatabaseFileInfo(file, &n, 4, JET_DbInfoDBInUse));
    CU_ASSERT_EQUAL(n, 1);
    testapi_stop(&t);
    CHECK_OK(JetGetDatabaseFileInfo(file, &of_file, sizeof of_file, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(of_file.dbstate, JET_dbstateCleanShutdown);
    CU_ASSERT_EQUAL(of_file.ulVersion, 0x620);
    CU_ASSERT_EQUAL(of_file.cbPageSize, 4096);
    CU_ASSERT_EQUAL(memcmp(&of_file.signDb, &misc.signDb, sizeof misc.signDb), 0);
    CHECK_OK(JetGetDatabaseFileInfo(file, &bytes, 8, JET_DbInfoFilesize));
    CU_ASSERT_EQUAL(bytes, (uint64_t)st.st_size);
    CHECK_OK(JetGetDatabaseFileInfo(file, &n, 4, JET_DbInfoDBInUse));
    CU_ASSERT_EQUAL(n, 0);
    CHECK_OK(JetGetDatabaseFileInfo(file, &n, 4, JET_DbInfoPageSize));
    CU_ASSERT_EQUAL(n, 4096);
    static const struct {
        const char *name;
        uint32_t type;
    } files[] = {
        {"i/x.edb", JET_filetypeDatabase}, {"i/edb.log", JET_filetypeLog}, {"i/edb.chk", JET_filetypeCheckpoint}};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(JetGetDatabaseFileInfo(test_path(files[i].name), &n, 4, JET_DbInfoFileType));
        CU_ASSERT_EQUAL(n, files[i].type);
    }
    CHECK_ERR(JetGetDatabaseFileInfo(test_path("i/edb.chk"), &misc, sizeof misc, JET_DbInfoMisc),
              JET_errDatabaseCorrupted);
    CHECK_ERR(JetGetDatabaseFileInfo(test_path("i/none"), &n, 4, JET_DbInfoFileType), JET_errFileNotFound);
}

/* ---- what survives ---- */

static void restart__finds_everything_in_every_page_size(void) {
    for (unsigned k = 0; k < PAGE_SIZES; k++) {
        char dir[8];
        snprintf(dir, sizeof dir, "p%u", k);
        set_page_size(page_sizes[k]);
        struct testapi t = testapi_start(dir);
        testapi_create(&t, "x.edb");
        fill(&t, testapi_table(&t, "t"), 1, 500, "first");
        testapi_stop(&t);
        CU_ASSERT_NOT_EQUAL(test_edbcheck(testapi_path(&t, "x.edb")), 1);
        t = testapi_start(dir);
        testapi_attach(&t, "x.edb");
        JET_TABLEID table = testapi_open(&t, "t");
        check_filled(&t, table, 1, 500, "first");
        CU_ASSERT_EQUAL(testapi_count(t.ses, table), 500);
        fill(&t, table, 501, 600, "second");
        CHECK_OK(JetTerm(t.inst));
        set_page_size(page_sizes[(k + 1) % PAGE_SIZES]); /* not that of the log */
        t = testapi_new(dir);
        CHECK_ERR(JetInit(&t.inst), JET_errPageSizeMismatch);
        CHECK_OK(JetTerm(t.inst));
        set_page_size(page_sizes[k]);
        t = testapi_start(dir);
        testapi_attach(&t, "x.edb");
        check_filled(&t, testapi_open(&t, "t"), 501, 600, "second");
        testapi_stop(&t);
    }
    set_page_size(4096);
}

/* What a process that dies leaves: 300 records committed, one transaction open, one lazy commit waited for. */
static struct testapi work_to_the_middle(void) {
    struct testapi t = testapi_start("i");
    JET_SESID two;
    JET_DBID db;
    JET_TABLEID other;
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    fill(&t, table, 1, 300, "kept");
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 1000, "lazy");
    CHECK_OK(JetCommitTransaction(t.ses, JET_bitCommitLazyFlush));
    CHECK_OK(JetCommitTransaction(t.ses, JET_bitWaitLastLevel0Commit));
    CHECK_OK(JetBeginSession(t.inst, &two, NULL, NULL));
    CHECK_OK(JetOpenDatabase(two, testapi_path(&t, "x.edb"), NULL, &db, 0));
    CHECK_OK(JetOpenTable(two, db, "t", NULL, 0, 0, &other));
    CHECK_OK(JetBeginTransaction(two));
    CHECK_OK(testapi_delete(two, other, 1));
    CHECK_OK(testapi_insert(two, other, 2000, "never committed"));
    testapi_put(&t, table, 1001, "last"); /* brings the log of both to the disk */
    return t;
}

static void check_after_death(void) {
    struct testapi t = testapi_new("other"); /* it is dirty: nobody else can have it */
    testapi_run(&t);
    CHECK_ERR(JetAttachDatabase(t.ses, test_path("i/x.edb"), 0), JET_errDatabaseDirtyShutdown);
    testapi_stop(&t);
    t = testapi_start("i");
    testapi_attach(&t, "x.edb");
    JET_TABLEID table = testapi_open(&t, "t");
    check_filled(&t, table, 1, 300, "kept");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1000), "lazy");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1001), "last");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 2000), "-");
    CU_ASSERT_EQUAL(testapi_count(t.ses, table), 302);
    testapi_stop(&t);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("i/x.edb")), 1);
}

static void crash__keeps_what_was_committed_and_nothing_else(void) {
    test_dir();
    fflush(NULL);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        work_to_the_middle();
        _exit(CU_get_number_of_failures() ? 1 : 0);
    }
    int status = -1;
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL_FATAL(status, 0);
    check_after_death();
}

static void term__dirty_ends_like_a_crash(void) {
    struct testapi t = work_to_the_middle();
    CHECK_ERR(JetTerm2(t.inst, 0), JET_errTooManyActiveUsers);
    CHECK_ERR(JetTerm2(t.inst, JET_bitTermDirty | JET_bitTermAbrupt), JET_errInvalidGrbit);
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errInvalidSesid);
    check_after_death();
}

static void term__abrupt_rolls_back_and_leaves_clean_databases(void) {
    struct testapi t = work_to_the_middle();
    JET_DBINFOMISC7 misc;
    CHECK_OK(JetTerm(t.inst));
    CHECK_OK(JetGetDatabaseFileInfo(test_path("i/x.edb"), &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(misc.dbstate, JET_dbstateCleanShutdown);
    t = testapi_start("other");
    CHECK_OK(JetAttachDatabase(t.ses, test_path("i/x.edb"), 0));
    CHECK_OK(JetOpenDatabase(t.ses, test_path("i/x.edb"), NULL, &t.db, 0));
    CU_ASSERT_EQUAL(testapi_count(t.ses, testapi_open(&t, "t")), 302);
    testapi_stop(&t);
}

static void backup__full_and_incremental_sets_restore_to_the_last_commit(void) {
    struct testapi t = testapi_start("i");
    const char *set = test_path("set");
    JET_DBINFOMISC7 misc;

    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    fill(&t, table, 1, 200, "full");
    CHECK_ERR(JetBackupInstance(t.inst, set, 0, NULL),
              JET_errInvalidPath); /* not made unless JET_paramCreatePathIfNotExist */
    CU_ASSERT_EQUAL(mkdir(set, 0777), 0);
    CHECK_ERR(JetBackupInstance(t.inst, set, JET_bitBackupIncremental, NULL), JET_errMissingFullBackup);
    CHECK_OK(JetBackupInstance(t.inst, set, 0, NULL));
    CHECK_ERR(JetBackupInstance(t.inst, set, 0, NULL), JET_errBackupDirectoryNotEmpty);
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT(misc.bkinfoFullPrev.genLow > 0 && misc.bkinfoFullPrev.genHigh >= misc.bkinfoFullPrev.genLow);
    CU_ASSERT_EQUAL(misc.bkinfoIncPrev.genLow, 0);
    CU_ASSERT_EQUAL(misc.bkinfoFullCur.genLow, 0);
    fill(&t, table, 201, 300, "incremental");
    CHECK_OK(JetBackupInstance(t.inst, set, JET_bitBackupIncremental, NULL));
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(misc.bkinfoIncPrev.genLow, misc.bkinfoFullPrev.genHigh + 1);
    fill(&t, table, 301, 350, "after");
    testapi_stop(&t);

    /* to another place, with no log of its own: the state of the last backup */
    struct testapi r = testapi_new("restored");
    CHECK_OK(JetRestoreInstance(r.inst, set, r.dir, NULL));
    testapi_run(&r);
    testapi_attach(&r, "x.edb");
    table = testapi_open(&r, "t");
    check_filled(&r, table, 1, 200, "full");
    check_filled(&r, table, 201, 300, "incremental");
    CU_ASSERT_EQUAL(testapi_count(r.ses, table), 300);
    CHECK_ERR(JetRestoreInstance(r.inst, set, NULL, NULL), JET_errAfterInitialization);
    testapi_stop(&r);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(testapi_path(&r, "x.edb")), 1);

    /* where it was, with the log that is there: the last commit, although the database is lost; and a second time */
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(unlink(testapi_path(&t, "x.edb")), 0);
        struct testapi again = testapi_new("i");
        CHECK_OK(JetRestoreInstance(again.inst, set, NULL, NULL));
        testapi_run(&again);
        testapi_attach(&again, "x.edb");
        table = testapi_open(&again, "t");
        check_filled(&again, table, 301, 350, "after");
        CU_ASSERT_EQUAL(testapi_count(again.ses, table), 350);
        testapi_stop(&again);
    }
}

static void backup__atomic_replaces_the_old_set_when_the_new_one_is_complete(void) {
    struct testapi t = testapi_start("i");
    const char *set = test_path("set");
    CU_ASSERT_EQUAL(mkdir(set, 0777), 0);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    fill(&t, table, 1, 50, "one");
    CHECK_OK(JetBackupInstance(t.inst, set, JET_bitBackupAtomic, NULL));
    fill(&t, table, 51, 100, "two");
    CHECK_OK(JetBackupInstance(t.inst, set, JET_bitBackupAtomic, NULL));
    fill(&t, table, 101, 150, "three");
    CHECK_OK(JetBackupInstance(t.inst, set, JET_bitBackupAtomic | JET_bitBackupIncremental, NULL));
    CU_ASSERT(testapi_exists(test_path("set/new/x.edb")));
    fill(&t, table, 151, 200, "lost");
    testapi_stop(&t);
    struct testapi r = testapi_new("restored");
    CHECK_OK(JetRestoreInstance(r.inst, set, r.dir, NULL));
    testapi_run(&r);
    CHECK_ERR(JetAttachDatabase(r.ses, test_path("set/new/x.edb"), 0), JET_errSoftRecoveryOnBackupDatabase);
    testapi_attach(&r, "x.edb");
    CU_ASSERT_EQUAL(testapi_count(r.ses, testapi_open(&r, "t")), 150);
    testapi_stop(&r);
}

static unsigned calls;
static uint32_t last_done;
static JET_ERR fail_from;
static struct testapi *caller; /* whose backup or restore it is */

static JET_ERR count_progress(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    const JET_SNPROG *progress = data;
    JET_DBID db;
    CU_ASSERT_EQUAL(ses, JET_sesidNil);
    CU_ASSERT(snp == JET_snpBackup || snp == JET_snpRestore);
    if (snt == JET_sntBegin || snt == JET_sntProgress || snt == JET_sntComplete) {
        CU_ASSERT(progress->cbStruct == sizeof *progress && progress->cunitDone <= progress->cunitTotal);
        CU_ASSERT(snt == JET_sntBegin || progress->cunitDone >= last_done);
        last_done = progress->cunitDone;
    }
    if (caller && snp == JET_snpBackup) {
        CHECK_ERR(JetBackupInstance(caller->inst, NULL, 0, NULL), JET_errBackupInProgress);
        CHECK_ERR(JetAttachDatabase(caller->ses, test_path("i/y.edb"), 0), JET_errBackupInProgress);
        CHECK_ERR(JetDetachDatabase(caller->ses, NULL), JET_errBackupInProgress);
        CHECK_ERR(JetCreateDatabase(caller->ses, test_path("i/z.edb"), NULL, &db, 0), JET_errBackupInProgress);
        CU_ASSERT_FALSE(testapi_exists(test_path("i/z.edb")));
        CHECK_ERR(JetTerm(caller->inst), JET_errBackupInProgress);
    } else if (caller) {
        CHECK_ERR(JetInit(&caller->inst), JET_errRestoreInProgress);
        CHECK_ERR(JetTerm(caller->inst), JET_errRestoreInProgress);
        CHECK_ERR(JetBeginSession(caller->inst, &ses, NULL, NULL), JET_errRestoreInProgress);
        CHECK_ERR(JetRestoreInstance(caller->inst, "x", NULL, NULL), JET_errRestoreInProgress);
    }
    calls++;
    return snt == JET_sntProgress ? fail_from : JET_errSuccess;
}

static void backup__stops_with_the_error_of_its_callback_and_leaves_nothing(void) {
    struct testapi t = testapi_start("i");
    const char *set = test_path("set");
    JET_DBINFOMISC7 misc;
    CU_ASSERT_EQUAL(mkdir(set, 0777), 0);
    testapi_create(&t, "x.edb");
    fill(&t, testapi_table(&t, "t"), 1, 50, "one");
    fail_from = JET_errOutOfMemory;
    CHECK_ERR(JetBackupInstance(t.inst, set, 0, count_progress), JET_errOutOfMemory);
    CU_ASSERT_EQUAL(rmdir(set), 0); /* it is empty */
    CHECK_OK(JetGetDatabaseInfo(t.ses, t.db, &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(misc.bkinfoFullPrev.genLow, 0);
    CU_ASSERT_EQUAL(mkdir(set, 0777), 0);
    fail_from = JET_errSuccess;
    calls = 0;
    caller = &t;
    CHECK_OK(JetBackupInstance(t.inst, set, 0, count_progress));
    CU_ASSERT(calls >= 3 && last_done == 100);
    testapi_stop(&t);
    struct testapi r = testapi_new("restored");
    calls = last_done = 0;
    caller = &r;
    CHECK_OK(JetRestoreInstance(r.inst, set, r.dir, count_progress));
    CU_ASSERT(calls >= 2);
    caller = NULL;
    CHECK_OK(JetTerm(r.inst));
}

static void logs__stay_few_when_circular_and_go_by_truncation_otherwise(void) {
    for (int circular = 0; circular < 2; circular++) {
        struct testapi t = testapi_new(circular ? "c" : "n");
        CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramCircularLog, (JET_API_PTR)circular, NULL));
        CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramCheckpointDepthMax, 256 << 10, NULL));
        testapi_run(&t);
        testapi_create(&t, "x.edb");
        JET_TABLEID table = testapi_table(&t, "t");
        unsigned most = 0;
        for (int32_t i = 0; i < 60; i++) {
            fill(&t, table, 1 + i * 200, 200 + i * 200, "x");
            unsigned now = log_files(t.dir);
            most = now > most ? now : most;
        }
        CU_ASSERT(circular ? most <= 20
                           : most > 20); /* the depth is four files; a committer helps at four times that */
        if (!circular) {
            CHECK_OK(JetBackupInstance(t.inst, NULL, 0, NULL));
            CU_ASSERT(log_files(t.dir) < most / 2);
        }
        testapi_stop(&t);
        t = testapi_start(circular ? "c" : "n");
        testapi_attach(&t, "x.edb");
        CU_ASSERT_EQUAL(testapi_count(t.ses, testapi_open(&t, "t")), 12000);
        testapi_stop(&t);
    }
}

TEST_MAIN(TEST(instance__names_are_unique_and_handles_end_with_it), TEST(instances__run_side_by_side_each_with_its_own),
          TEST(session__ends_take_their_cursors_databases_and_transaction),
          TEST(stop_service__lets_sessions_only_give_things_back),
          TEST(parameters__freeze_when_what_they_belong_to_runs), TEST(directories__are_made_only_on_request),
          TEST(database__is_created_attached_opened_closed_and_detached),
          TEST(databases__are_limited_in_number_and_size), TEST(facts__about_databases_and_files),
          TEST(restart__finds_everything_in_every_page_size), TEST(crash__keeps_what_was_committed_and_nothing_else),
          TEST(term__dirty_ends_like_a_crash), TEST(term__abrupt_rolls_back_and_leaves_clean_databases),
          TEST(backup__full_and_incremental_sets_restore_to_the_last_commit),
          TEST(backup__atomic_replaces_the_old_set_when_the_new_one_is_complete),
          TEST(backup__stops_with_the_error_of_its_callback_and_leaves_nothing),
          TEST(logs__stay_few_when_circular_and_go_by_truncation_otherwise))
