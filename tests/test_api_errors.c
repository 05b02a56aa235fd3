/* P14 at the API: whatever arguments a function gets, it answers with the error that its description names, and nothing
 * has changed. A canary record is read after every refusal. */
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "base/err.h"
#include "base/os.h"
#include "tests/lib/testapi.h"

static struct testapi t, other; /* other: a second instance */
static JET_TABLEID canary;      /* a cursor of t.ses on the table of the canary */
static JET_TABLEID table;       /* another one there, for what is tried */
static JET_TABLEID list;        /* a list of t.ses */
static JET_SESID second;        /* another session of t, */
static JET_TABLEID foreign;     /* and its cursor */
static JET_SESID stale_session;
static JET_TABLEID stale_table;
static JET_INSTANCE stale_instance;

static void begin(void) {
    JET_DBID db;
    JET_OBJECTLIST objects;
    t = testapi_start("i");
    other = testapi_start("o");
    testapi_create(&t, "x.edb");
    canary = testapi_table(&t, "t");
    testapi_put(&t, canary, 1, "canary");
    table = testapi_open(&t, "t");
    CHECK_OK(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, NULL, &objects, sizeof objects, JET_ObjInfoList));
    list = objects.tableid;
    CHECK_OK(JetBeginSession(t.inst, &second, NULL, NULL));
    CHECK_OK(JetOpenDatabase(second, testapi_path(&t, "x.edb"), NULL, &db, 0));
    CHECK_OK(JetOpenTable(second, db, "t", NULL, 0, 0, &foreign));
    stale_table = testapi_open(&t, "t");
    CHECK_OK(JetCloseTable(t.ses, stale_table));
    CHECK_OK(JetBeginSession(t.inst, &stale_session, NULL, NULL));
    CHECK_OK(JetEndSession(stale_session, 0));
    CHECK_OK(JetCreateInstance(&stale_instance, "stale"));
    CHECK_OK(JetTerm(stale_instance));
}

static void check_canary(void) {
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, canary, 1), "canary");
}

static void end(void) {
    JET_OBJECTLIST objects;
    CHECK_OK(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, NULL, &objects, sizeof objects, JET_ObjInfoList));
    CU_ASSERT_EQUAL(objects.cRecord, 5); /* t and the four of the system */
    CU_ASSERT_EQUAL(testapi_count(t.ses, canary), 1);
    testapi_stop(&t);
    testapi_stop(&other);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("i/x.edb")), 1);
}

static void refused_at(JET_ERR got, JET_ERR expected, const char *what, int line) {
    if (got != expected)
        printf("\n    line %d: %s: %s, not %s", line, what, err_name(got), err_name(expected));
    CU_ASSERT_EQUAL(got, expected);
    check_canary();
}
#define REFUSED(expr, expected) refused_at((expr), (expected), #expr, __LINE__)

/* ---- every function, by what handles it takes ---- */

struct handles {
    JET_INSTANCE inst;
    JET_SESID ses;
    JET_DBID db;
    JET_TABLEID table;
};
enum { INSTANCE = 1, SESSION = 2, DATABASE = 4, TABLE = 8, NO_LIST = 16, BACKUP = 32 };

static uint8_t out[4096];
static uint32_t out_u32;
static JET_API_PTR out_handle;
static char long_path[6000];

#define CALL_OF(name, expr)                                                                                            \
    static JET_ERR name(struct handles h) {                                                                            \
        (void)h;                                                                                                       \
        return expr;                                                                                                   \
    }
CALL_OF(begin_session, JetBeginSession(h.inst, &out_handle, NULL, NULL))
CALL_OF(stop_service, JetStopServiceInstance(h.inst))
CALL_OF(term, JetTerm2(h.inst, JET_bitTermComplete))
CALL_OF(init, JetInit2(&h.inst, 0))
CALL_OF(backup, JetBackupInstance(h.inst, test_path("set"), 0, NULL))
CALL_OF(begin_backup, JetBeginExternalBackupInstance(h.inst, 0))
CALL_OF(attach_info, JetGetAttachInfoInstance(h.inst, (char *)out, sizeof out, NULL))
CALL_OF(open_file, JetOpenFileInstance(h.inst, "x", &out_handle, &out_u32, &out_u32))
CALL_OF(read_file, JetReadFileInstance(h.inst, 1, out, sizeof out, NULL))
CALL_OF(close_file, JetCloseFileInstance(h.inst, 1))
CALL_OF(log_info, JetGetLogInfoInstance(h.inst, (char *)out, sizeof out, NULL))
CALL_OF(log_info2, JetGetLogInfoInstance2(h.inst, (char *)out, sizeof out, NULL, NULL))
CALL_OF(truncate_info, JetGetTruncateLogInfoInstance(h.inst, (char *)out, sizeof out, NULL))
CALL_OF(truncate_log, JetTruncateLogInstance(h.inst))
CALL_OF(end_backup, JetEndExternalBackupInstance(h.inst))
CALL_OF(end_backup2, JetEndExternalBackupInstance2(h.inst, JET_bitBackupEndAbort))
CALL_OF(stop_backup, JetStopBackupInstance(h.inst))
CALL_OF(restore, JetRestoreInstance(h.inst, test_path("set"), NULL, NULL))
CALL_OF(version, JetGetVersion(h.ses, &out_u32))
CALL_OF(end_session, JetEndSession(h.ses, 0))
CALL_OF(dup_session, JetDupSession(h.ses, &out_handle))
CALL_OF(begin_trx, JetBeginTransaction2(h.ses, 0))
CALL_OF(commit, JetCommitTransaction(h.ses, 0))
CALL_OF(rollback, JetRollback(h.ses, 0))
CALL_OF(create_db, JetCreateDatabase(h.ses, test_path("n.edb"), NULL, &out_u32, 0))
CALL_OF(attach, JetAttachDatabase(h.ses, test_path("i/x.edb"), 0))
CALL_OF(open_db, JetOpenDatabase(h.ses, test_path("i/x.edb"), NULL, &out_u32, 0))
CALL_OF(detach, JetDetachDatabase(h.ses, test_path("i/x.edb")))
CALL_OF(close_db, JetCloseDatabase(h.ses, h.db, 0))
CALL_OF(db_info, JetGetDatabaseInfo(h.ses, h.db, out, 4, JET_DbInfoPageSize))
CALL_OF(create_table, JetCreateTable(h.ses, h.db, "n", 1, 80, &out_handle))
CALL_OF(create_table2,
        JetCreateTableColumnIndex(h.ses, h.db,
                                  &(JET_TABLECREATE){.cbStruct = sizeof(JET_TABLECREATE), .szTableName = "n"}))
CALL_OF(open_table, JetOpenTable(h.ses, h.db, "t", NULL, 0, 0, &out_handle))
CALL_OF(delete_table, JetDeleteTable(h.ses, h.db, "t"))
CALL_OF(object_info, JetGetObjectInfo(h.ses, h.db, JET_objtypTable, NULL, "t", out, sizeof out, JET_ObjInfo))
CALL_OF(close_table, JetCloseTable(h.ses, h.table))
CALL_OF(column_info, JetGetTableColumnInfo(h.ses, h.table, "id", out, sizeof out, JET_ColInfo))
CALL_OF(add_column,
        JetAddColumn(h.ses, h.table, "n", &(JET_COLUMNDEF){.cbStruct = sizeof(JET_COLUMNDEF), .coltyp = JET_coltypLong},
                     NULL, 0, NULL))
CALL_OF(create_index, JetCreateIndex(h.ses, h.table, "n", JET_bitIndexPrimary, "+id\0", 5, 80))
CALL_OF(prepare, JetPrepareUpdate(h.ses, h.table, JET_prepInsert))
CALL_OF(set_column, JetSetColumn(h.ses, h.table, TESTAPI_ID, out, 4, 0, NULL))
CALL_OF(set_columns, JetSetColumns(h.ses, h.table, NULL, 0))
CALL_OF(update, JetUpdate(h.ses, h.table, NULL, 0, NULL))
CALL_OF(delete_record, JetDelete(h.ses, h.table))
CALL_OF(retrieve, JetRetrieveColumn(h.ses, h.table, TESTAPI_ID, out, 4, NULL, 0, NULL))
CALL_OF(retrieves, JetRetrieveColumns(h.ses, h.table, NULL, 0))
CALL_OF(make_key, JetMakeKey(h.ses, h.table, out, 4, JET_bitNewKey))
CALL_OF(seek, JetSeek(h.ses, h.table, JET_bitSeekEQ))
CALL_OF(move, JetMove(h.ses, h.table, JET_MoveNext, 0))
CALL_OF(set_range, JetSetIndexRange(h.ses, h.table, JET_bitRangeUpperLimit))
CALL_OF(retrieve_key, JetRetrieveKey(h.ses, h.table, out, sizeof out, NULL, 0))
CALL_OF(get_bookmark, JetGetBookmark(h.ses, h.table, out, sizeof out, NULL))
CALL_OF(goto_bookmark, JetGotoBookmark(h.ses, h.table, out, 4))
CALL_OF(dup_cursor, JetDupCursor(h.ses, h.table, &out_handle, 0))

static const struct {
    const char *name;
    JET_ERR (*call)(struct handles h);
    unsigned takes;
} functions[] = {{"JetBeginSession", begin_session, INSTANCE},
                 {"JetStopServiceInstance", stop_service, INSTANCE},
                 {"JetTerm2", term, INSTANCE},
                 {"JetInit2", init, INSTANCE},
                 {"JetBackupInstance", backup, BACKUP},
                 {"JetBeginExternalBackupInstance", begin_backup, BACKUP},
                 {"JetGetAttachInfoInstance", attach_info, BACKUP},
                 {"JetOpenFileInstance", open_file, BACKUP},
                 {"JetReadFileInstance", read_file, BACKUP},
                 {"JetCloseFileInstance", close_file, BACKUP},
                 {"JetGetLogInfoInstance", log_info, BACKUP},
                 {"JetGetLogInfoInstance2", log_info2, BACKUP},
                 {"JetGetTruncateLogInfoInstance", truncate_info, BACKUP},
                 {"JetTruncateLogInstance", truncate_log, BACKUP},
                 {"JetEndExternalBackupInstance", end_backup, BACKUP},
                 {"JetEndExternalBackupInstance2", end_backup2, BACKUP},
                 {"JetStopBackupInstance", stop_backup, BACKUP},
                 {"JetRestoreInstance", restore, INSTANCE},
                 {"JetGetVersion", version, SESSION},
                 {"JetEndSession", end_session, SESSION},
                 {"JetDupSession", dup_session, SESSION},
                 {"JetBeginTransaction2", begin_trx, SESSION},
                 {"JetCommitTransaction", commit, SESSION},
                 {"JetRollback", rollback, SESSION},
                 {"JetCreateDatabase", create_db, SESSION},
                 {"JetAttachDatabase", attach, SESSION},
                 {"JetOpenDatabase", open_db, SESSION},
                 {"JetDetachDatabase", detach, SESSION},
                 {"JetCloseDatabase", close_db, SESSION | DATABASE},
                 {"JetGetDatabaseInfo", db_info, SESSION | DATABASE},
                 {"JetCreateTable", create_table, SESSION | DATABASE},
                 {"JetCreateTableColumnIndex", create_table2, SESSION | DATABASE},
                 {"JetOpenTable", open_table, SESSION | DATABASE},
                 {"JetDeleteTable", delete_table, SESSION | DATABASE},
                 {"JetGetObjectInfo", object_info, SESSION | DATABASE},
                 {"JetCloseTable", close_table, SESSION | TABLE},
                 {"JetGetTableColumnInfo", column_info, SESSION | TABLE},
                 {"JetAddColumn", add_column, SESSION | TABLE | NO_LIST},
                 {"JetCreateIndex", create_index, SESSION | TABLE | NO_LIST},
                 {"JetPrepareUpdate", prepare, SESSION | TABLE | NO_LIST},
                 {"JetSetColumn", set_column, SESSION | TABLE | NO_LIST},
                 {"JetSetColumns", set_columns, SESSION | TABLE | NO_LIST},
                 {"JetUpdate", update, SESSION | TABLE | NO_LIST},
                 {"JetDelete", delete_record, SESSION | TABLE | NO_LIST},
                 {"JetRetrieveColumn", retrieve, SESSION | TABLE},
                 {"JetRetrieveColumns", retrieves, SESSION | TABLE},
                 {"JetMakeKey", make_key, SESSION | TABLE | NO_LIST},
                 {"JetSeek", seek, SESSION | TABLE | NO_LIST},
                 {"JetMove", move, SESSION | TABLE},
                 {"JetSetIndexRange", set_range, SESSION | TABLE | NO_LIST},
                 {"JetRetrieveKey", retrieve_key, SESSION | TABLE | NO_LIST},
                 {"JetGetBookmark", get_bookmark, SESSION | TABLE | NO_LIST},
                 {"JetGotoBookmark", goto_bookmark, SESSION | TABLE | NO_LIST},
                 {"JetDupCursor", dup_cursor, SESSION | TABLE | NO_LIST}};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

static void try_handles(unsigned which, struct handles h, JET_ERR expected) {
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        bool makes = functions[i].call == init && (h.inst == 0 || h.inst == JET_instanceNil);
        if ((functions[i].takes & which) == which)
            refused_at(functions[i].call(h), makes ? JET_errRunningInMultiInstanceMode : expected, functions[i].name,
                       __LINE__);
    }
}

static void handles__that_were_never_given_out_or_are_closed_are_refused(void) {
    begin();
    const struct handles good = {t.inst, t.ses, t.db, table};
    const JET_API_PTR bad[] = {0,
                               1,
                               ~(JET_API_PTR)0,
                               ~(JET_API_PTR)0 >> 1,
                               0x1000000100000000,
                               0x2000000100000000,
                               0x3000000100000001,
                               0x1fffffffffffffff,
                               0x2fffffffffffffff,
                               0x3fffffffffffffff,
                               (JET_API_PTR)(uintptr_t)&good};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct handles h = good;
        h.inst = bad[i];
        try_handles(INSTANCE, h, JET_errInvalidInstance);
        try_handles(BACKUP, h, JET_errInvalidParameter);
        h = good, h.ses = bad[i];
        try_handles(SESSION, h, JET_errInvalidSesid);
        h = good, h.table = bad[i];
        try_handles(TABLE, h, JET_errInvalidTableId);
        h = good, h.db = (JET_DBID)bad[i] == t.db ? 77 : (JET_DBID)bad[i];
        try_handles(DATABASE, h, JET_errInvalidDatabaseId);
    }
    /* stale ones, and one of a kind for another */
    try_handles(INSTANCE, (struct handles){stale_instance, t.ses, t.db, table}, JET_errInvalidInstance);
    try_handles(BACKUP, (struct handles){stale_instance, t.ses, t.db, table}, JET_errInvalidParameter);
    try_handles(BACKUP, (struct handles){t.ses, t.ses, t.db, table}, JET_errInvalidParameter);
    try_handles(INSTANCE, (struct handles){t.ses, t.ses, t.db, table}, JET_errInvalidInstance);
    try_handles(SESSION, (struct handles){t.inst, stale_session, t.db, table}, JET_errInvalidSesid);
    try_handles(SESSION, (struct handles){t.inst, t.inst, t.db, table}, JET_errInvalidSesid);
    try_handles(SESSION, (struct handles){t.inst, table, t.db, table}, JET_errInvalidSesid);
    try_handles(TABLE, (struct handles){t.inst, t.ses, t.db, stale_table}, JET_errInvalidTableId);
    try_handles(TABLE, (struct handles){t.inst, t.ses, t.db, t.ses}, JET_errInvalidTableId);
    /* of somebody else */
    try_handles(TABLE, (struct handles){t.inst, t.ses, t.db, foreign}, JET_errSesidTableIdMismatch);
    try_handles(TABLE, (struct handles){t.inst, other.ses, t.db, table}, JET_errSesidTableIdMismatch);
    try_handles(DATABASE, (struct handles){t.inst, other.ses, t.db, table}, JET_errInvalidDatabaseId);
    try_handles(TABLE | NO_LIST, (struct handles){t.inst, t.ses, t.db, list}, JET_errInvalidOnSort);
    end();
}

static void handles__chosen_at_random_are_refused(void) {
    begin();
    for (unsigned k = 0; k < 2000; k++) {
        struct handles h = {t.inst, t.ses, t.db, table};
        unsigned i = (unsigned)test_random_below(FUNCTIONS);
        unsigned which = functions[i].takes & BACKUP             ? BACKUP
                         : functions[i].takes & INSTANCE         ? INSTANCE
                         : functions[i].takes & TABLE && (k & 1) ? TABLE
                                                                 : SESSION;
        JET_API_PTR *at = which & (INSTANCE | BACKUP) ? &h.inst : which == SESSION ? &h.ses : &h.table;
        *at = k & 2 ? test_random() : *at ^ (UINT64_C(1) << test_random_below(64));
        if (*at == table || *at == canary || *at == list || *at == foreign || *at == t.ses || *at == second ||
            *at == t.inst || *at == other.inst || *at == other.ses)
            continue;
        refused_at(functions[i].call(h),
                   which == BACKUP     ? JET_errInvalidParameter
                   : which == INSTANCE ? JET_errInvalidInstance
                   : which == SESSION  ? JET_errInvalidSesid
                                       : JET_errInvalidTableId,
                   functions[i].name, __LINE__);
    }
    end();
}

static void instance__that_does_not_run_refuses_work(void) {
    begin();
    struct testapi idle = testapi_new("idle");
    REFUSED(JetBeginSession(idle.inst, &out_handle, NULL, NULL), JET_errNotInitialized);
    REFUSED(JetStopServiceInstance(idle.inst), JET_errNotInitialized);
    REFUSED(JetBackupInstance(idle.inst, NULL, 0, NULL), JET_errNotInitialized);
    CHECK_OK(JetTerm(idle.inst));
    end();
}

static _Atomic bool disk_broken;

static JET_ERR write_unless_broken(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    return atomic_load(&disk_broken) ? JET_errDiskIO : os_posix.write(file, offset, buffer, bytes);
}

/* P3. */
static void instance__whose_log_failed_refuses_everything_but_the_end(void) {
    static struct os_table table_of_disk;
    table_of_disk = os_posix;
    table_of_disk.write = write_unless_broken;
    os_install(&table_of_disk);
    begin();
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 2, "lost");
    atomic_store(&disk_broken, true);
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errLogWriteFail);
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errInstanceUnavailable);
    CHECK_ERR(JetMove(t.ses, table, 0, 0), JET_errInstanceUnavailable);
    CHECK_ERR(JetBeginTransaction(t.ses), JET_errInstanceUnavailable);
    CHECK_ERR(JetBeginSession(t.inst, &out_handle, NULL, NULL), JET_errInstanceUnavailable);
    CHECK_ERR(JetBackupInstance(t.inst, NULL, 0, NULL), JET_errInstanceUnavailable);
    CHECK_ERR(JetRollback(t.ses, 0), JET_errNotInTransaction); /* over, as it says */
    CHECK_OK(JetCloseTable(t.ses, table));
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetEndSession(second, 0));
    CHECK_ERR(JetTerm(t.inst), JET_errInstanceUnavailable);
    CHECK_ERR(JetBeginSession(t.inst, &out_handle, NULL, NULL), JET_errInvalidInstance);
    atomic_store(&disk_broken, false);
    t = testapi_start("i"); /* recovers */
    testapi_attach(&t, "x.edb");
    canary = testapi_open(&t, "t");
    check_canary();
    testapi_stop(&t);
    testapi_stop(&other);
    os_install(NULL);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("i/x.edb")), 1);
}

/* ---- pointers and sizes ---- */

static void pointers__that_are_required_are_missed(void) {
    begin();
    static uint8_t some[8];
    REFUSED(JetCreateInstance(NULL, "n"), JET_errInvalidParameter);
    REFUSED(JetCreateInstance2(NULL, "n", "n", 0), JET_errInvalidParameter);
    REFUSED(JetGetSystemParameter(t.inst, 0, JET_paramMaxSessions, NULL, NULL, 0), JET_errInvalidParameter);
    REFUSED(JetGetSystemParameter(t.inst, 0, JET_paramBaseName, NULL, NULL, 10), JET_errInvalidParameter);
    REFUSED(JetGetVersion(t.ses, NULL), JET_errInvalidParameter);
    REFUSED(JetBeginSession(t.inst, NULL, NULL, NULL), JET_errInvalidParameter);
    REFUSED(JetDupSession(t.ses, NULL), JET_errInvalidParameter);
    REFUSED(JetCreateDatabase(t.ses, test_path("n.edb"), NULL, NULL, 0), JET_errInvalidParameter);
    REFUSED(JetOpenDatabase(t.ses, test_path("i/x.edb"), NULL, NULL, 0), JET_errInvalidParameter);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, NULL, 4, JET_DbInfoPageSize), JET_errInvalidParameter);
    REFUSED(JetGetDatabaseFileInfo(test_path("i/x.edb"), NULL, 4, JET_DbInfoPageSize), JET_errInvalidParameter);
    REFUSED(JetCreateTable(t.ses, t.db, "n", 1, 80, NULL), JET_errInvalidParameter);
    REFUSED(JetCreateTable(t.ses, t.db, NULL, 1, 80, &out_handle), JET_errInvalidParameter);
    REFUSED(JetCreateTableColumnIndex(t.ses, t.db, NULL), JET_errInvalidParameter);
    REFUSED(JetOpenTable(t.ses, t.db, NULL, NULL, 0, 0, &out_handle), JET_errInvalidParameter);
    REFUSED(JetOpenTable(t.ses, t.db, "t", NULL, 0, 0, NULL), JET_errInvalidParameter);
    REFUSED(JetDeleteTable(t.ses, t.db, NULL), JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, "id", NULL, 0, JET_ColInfo), JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, NULL, out, sizeof out, JET_ColInfo), JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, NULL, out, sizeof out, JET_ColInfoByColid), JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, list, NULL, out, sizeof out, JET_ColInfoByColid), JET_errInvalidParameter);
    REFUSED(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, "t", NULL, 0, JET_ObjInfo), JET_errInvalidParameter);
    REFUSED(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, NULL, out, sizeof out, JET_ObjInfo),
            JET_errInvalidName);
    REFUSED(JetAddColumn(t.ses, table, "n", NULL, NULL, 0, NULL), JET_errInvalidParameter);
    REFUSED(JetAddColumn(t.ses, table, NULL, &(JET_COLUMNDEF){.cbStruct = sizeof(JET_COLUMNDEF)}, NULL, 0, NULL),
            JET_errInvalidParameter);
    REFUSED(JetCreateIndex(t.ses, table, NULL, JET_bitIndexPrimary, "+id\0", 5, 80), JET_errInvalidParameter);
    REFUSED(JetCreateIndex(t.ses, table, "n", JET_bitIndexPrimary, NULL, 5, 80), JET_errInvalidParameter);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_TEXT, NULL, 4, 0, NULL), JET_errInvalidParameter);
    REFUSED(JetSetColumns(t.ses, table, NULL, 1), JET_errInvalidParameter);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepCancel));
    REFUSED(JetRetrieveColumns(t.ses, table, NULL, 1), JET_errInvalidParameter);
    REFUSED(JetMakeKey(t.ses, table, NULL, 4, JET_bitNewKey), JET_errInvalidParameter);
    REFUSED(JetGotoBookmark(t.ses, table, NULL, 4), JET_errInvalidBookmark);
    REFUSED(JetGotoBookmark(t.ses, table, some, 0), JET_errInvalidBookmark);
    REFUSED(JetDupCursor(t.ses, table, NULL, 0), JET_errInvalidParameter);
    REFUSED(JetRestoreInstance(other.inst, NULL, NULL, NULL), JET_errInvalidPath);
    end();
}

static void sizes__zero_and_huge_are_refused_or_cut(void) {
    begin();
    static uint8_t big[70000];
    uint32_t actual = 0;
    char text[8];
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 0, JET_DbInfoPageSize), JET_errInvalidBufferSize);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, UINT32_MAX, JET_DbInfoPageSize), JET_errInvalidBufferSize);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 0, JET_DbInfoFilename), JET_errBufferTooSmall);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 5, JET_DbInfoFilename), JET_errBufferTooSmall);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 10, JET_DbInfoMisc), JET_errBufferTooSmall);
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, UINT32_MAX, JET_DbInfoMisc), JET_errSuccess);
    REFUSED(JetGetDatabaseFileInfo(test_path("i/x.edb"), out, 4, JET_DbInfoFilesize), JET_errInvalidBufferSize);
    REFUSED(JetGetTableColumnInfo(t.ses, table, "id", out, sizeof(JET_COLUMNDEF) - 1, JET_ColInfo),
            JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, "id", out, sizeof(JET_COLUMNBASE) - 1, JET_ColInfoBase),
            JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, NULL, out, sizeof(JET_COLUMNLIST) - 1, JET_ColInfoList),
            JET_errInvalidParameter);
    REFUSED(JetGetObjectInfo(t.ses, t.db, 0, NULL, "t", out, sizeof(JET_OBJECTINFO) - 1, JET_ObjInfo),
            JET_errBufferTooSmall);
    REFUSED(JetGetObjectInfo(t.ses, t.db, 0, NULL, "", out, sizeof(JET_OBJECTLIST) - 1, JET_ObjInfoList),
            JET_errBufferTooSmall);
    REFUSED(JetGetSystemParameter(t.inst, 0, JET_paramBaseName, NULL, text, 0), JET_errInvalidParameter);
    REFUSED(JetGetSystemParameter(t.inst, 0, JET_paramBaseName, NULL, text, 3), JET_errBufferTooSmall);
    REFUSED(JetCreateDatabase2(t.ses, test_path("n.edb"), 0x7fffffff, &out_u32, 0), JET_errDatabaseInvalidPages);
    REFUSED(JetAttachDatabase2(t.ses, test_path("n.edb"), UINT32_MAX, 0), JET_errDatabaseInvalidPages);
    REFUSED(JetCreateTable(t.ses, t.db, "n", UINT32_MAX, 80, &out_handle), JET_errInvalidParameter);
    REFUSED(JetCreateTable(t.ses, t.db, "n", 1, 19, &out_handle), JET_errDensityInvalid);
    REFUSED(JetCreateTable(t.ses, t.db, "n", 1, 101, &out_handle), JET_errDensityInvalid);
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    REFUSED(JetRetrieveColumn(t.ses, table, TESTAPI_TEXT, text, 0, &actual, 0, NULL), JET_wrnBufferTruncated);
    CU_ASSERT_EQUAL(actual, 6);
    REFUSED(JetRetrieveColumn(t.ses, table, TESTAPI_TEXT, text, UINT32_MAX, &actual, 0, NULL), JET_errSuccess);
    REFUSED(JetRetrieveColumn(t.ses, table, TESTAPI_TEXT, text, 1, NULL, 0,
                              &(JET_RETINFO){.cbStruct = 3, .itagSequence = 1}),
            JET_errInvalidParameter);
    REFUSED(JetRetrieveColumn(t.ses, table, TESTAPI_TEXT, text, 1, NULL, 0,
                              &(JET_RETINFO){.cbStruct = sizeof(JET_RETINFO)}),
            JET_errBadItagSequence);
    REFUSED(JetRetrieveColumn(t.ses, table, 77, text, 1, NULL, 0, NULL), JET_errColumnNotFound);
    REFUSED(JetRetrieveColumn(t.ses, table, UINT32_MAX, text, 1, NULL, 0, NULL), JET_errBadColumnId);
    REFUSED(JetRetrieveColumn(t.ses, list, 77, text, 1, NULL, 0, NULL), JET_errBadColumnId);
    REFUSED(JetMakeKey(t.ses, table, big, 3, JET_bitNewKey), JET_errInvalidBufferSize);
    REFUSED(JetMakeKey(t.ses, table, big, sizeof big, JET_bitNewKey), JET_errInvalidBufferSize);
    REFUSED(JetMakeKey(t.ses, table, big, sizeof big, JET_bitNormalizedKey), JET_errInvalidParameter);
    REFUSED(JetMakeKey(t.ses, table, big, 4, 0), JET_errKeyNotMade);
    REFUSED(JetGotoBookmark(t.ses, table, big, sizeof big), JET_errInvalidBookmark);
    REFUSED(JetGotoBookmark(t.ses, table, big, 200), JET_errRecordDeleted);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_ID, big, 5, 0, NULL), JET_errInvalidBufferSize);
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_ID, big, sizeof big, 0, NULL), JET_errInvalidBufferSize);
    REFUSED(JetSetColumn(t.ses, table, 0, big, 4, 0, NULL), JET_errBadColumnId);
    REFUSED(JetSetColumn(t.ses, table, 77, big, 4, 0, NULL), JET_errColumnNotFound);
    REFUSED(JetSetColumn(t.ses, table, UINT32_MAX, big, 4, 0, NULL), JET_errBadColumnId);
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_TEXT, big, sizeof big, 0, NULL), JET_wrnColumnMaxTruncated);
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_TEXT, big, 1, 0, &(JET_SETINFO){.cbStruct = 1}),
            JET_errInvalidParameter);
    REFUSED(JetSetColumn(t.ses, table, TESTAPI_TEXT, big, 1, 0,
                         &(JET_SETINFO){.cbStruct = sizeof(JET_SETINFO), .itagSequence = 2}),
            JET_errMultiValuedColumnMustBeTagged);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepCancel));
    REFUSED(JetMove(t.ses, table, INT32_MAX - 1, 0), JET_errNoCurrentRecord);
    REFUSED(JetMove(t.ses, table, INT32_MIN + 1, 0), JET_errNoCurrentRecord);
    REFUSED(JetMove(t.ses, list, INT32_MAX - 1, 0), JET_errNoCurrentRecord);
    REFUSED(JetMove(t.ses, list, INT32_MIN + 1, 0), JET_errNoCurrentRecord);
    end();
}

/* ---- options ---- */

CALL_OF(g_create_instance, JetCreateInstance2(&out_handle, "n", NULL, h.db))
CALL_OF(g_init, JetInit2(&other.inst, h.db))
CALL_OF(g_term, JetTerm2(other.inst, h.db))
CALL_OF(g_end_session, JetEndSession(second, h.db))
CALL_OF(g_begin, JetBeginTransaction2(t.ses, h.db))
CALL_OF(g_commit, JetCommitTransaction(t.ses, h.db))
CALL_OF(g_rollback, JetRollback(t.ses, h.db))
CALL_OF(g_create_db, JetCreateDatabase(t.ses, test_path("n.edb"), NULL, &out_u32, h.db))
CALL_OF(g_attach, JetAttachDatabase(t.ses, test_path("n.edb"), h.db))
CALL_OF(g_open_db, JetOpenDatabase(t.ses, test_path("i/x.edb"), NULL, &out_u32, h.db))
CALL_OF(g_close_db, JetCloseDatabase(t.ses, t.db, h.db))
CALL_OF(g_detach, JetDetachDatabase2(t.ses, test_path("i/x.edb"), h.db))
CALL_OF(g_open_table, JetOpenTable(t.ses, t.db, "t", NULL, 0, h.db, &out_handle))
CALL_OF(g_create_table,
        JetCreateTableColumnIndex(
            t.ses, t.db, &(JET_TABLECREATE){.cbStruct = sizeof(JET_TABLECREATE), .szTableName = "n", .grbit = h.db}))
CALL_OF(g_add_column,
        JetAddColumn(t.ses, table, "n",
                     &(JET_COLUMNDEF){.cbStruct = sizeof(JET_COLUMNDEF), .coltyp = JET_coltypLong, .grbit = h.db}, NULL,
                     0, NULL))
CALL_OF(g_create_index, JetCreateIndex(t.ses, table, "n", h.db | JET_bitIndexPrimary, "+id\0", 5, 80))
CALL_OF(g_set_column, JetSetColumn(t.ses, table, TESTAPI_TEXT, "x", 1, h.db, NULL))
CALL_OF(g_retrieve, JetRetrieveColumn(t.ses, table, TESTAPI_TEXT, out, 4, NULL, h.db, NULL))
CALL_OF(g_make_key, JetMakeKey(t.ses, table, out, 4, h.db | JET_bitNewKey))
CALL_OF(g_seek, JetSeek(t.ses, table, h.db))
CALL_OF(g_move, JetMove(t.ses, table, 0, h.db))
CALL_OF(g_set_range, JetSetIndexRange(t.ses, table, h.db))
CALL_OF(g_retrieve_key, JetRetrieveKey(t.ses, table, out, sizeof out, NULL, h.db))
CALL_OF(g_dup_cursor, JetDupCursor(t.ses, table, &out_handle, h.db))
CALL_OF(g_backup, JetBackupInstance(t.inst, test_path("set"), h.db, NULL))

/* known: options with a meaning; later: JET_errFeatureNotAvailable, or what else is said. */
static const struct {
    const char *name;
    JET_ERR (*call)(struct handles h);
    JET_GRBIT known, later;
    JET_ERR err;
} options[] = {
    {"JetCreateInstance2", g_create_instance, 0, 0, 0},
    {"JetInit2", g_init,
     JET_bitLogStreamMustExist | JET_bitReplayIgnoreMissingDB | JET_bitReplayMissingMapEntryDB |
         JET_bitReplayIgnoreLostLogs | JET_bitRecoveryWithoutUndo | JET_bitTruncateLogsAfterRecovery,
     0, 0},
    {"JetTerm2", g_term, 0xf, 0, 0},
    {"JetEndSession", g_end_session, JET_bitForceSessionClosed, 0, 0},
    {"JetBeginTransaction2", g_begin, JET_bitTransactionReadOnly, 0, 0},
    {"JetCommitTransaction", g_commit,
     JET_bitCommitLazyFlush | JET_bitWaitLastLevel0Commit | JET_bitWaitAllLevel0Commit, 0, 0},
    {"JetRollback", g_rollback, JET_bitRollbackAll, 0, 0},
    {"JetCreateDatabase", g_create_db, JET_bitDbOverwriteExisting, 0, 0},
    {"JetAttachDatabase", g_attach,
     JET_bitDbReadOnly | JET_bitDbUpgrade | JET_bitDbEnableBackgroundMaintenance | JET_bitDbPurgeCacheOnAttach, 0, 0},
    {"JetOpenDatabase", g_open_db, JET_bitDbReadOnly | JET_bitDbExclusive, 0, 0},
    {"JetCloseDatabase", g_close_db, 0, 0, 0},
    {"JetDetachDatabase2", g_detach, 0, JET_bitForceCloseAndDetach, JET_errForceDetachNotAllowed},
    {"JetOpenTable", g_open_table, 0xff | JET_bitTableSequential | JET_bitTableClassMask | JET_bitTableTryPurgeOnClose,
     0, 0},
    {"JetCreateTableColumnIndex", g_create_table, 0,
     JET_bitTableCreateFixedDDL | JET_bitTableCreateTemplateTable | JET_bitTableCreateNoFixedVarColumnsInDerivedTables |
         JET_bitTableCreateImmutableStructure,
     JET_errFeatureNotAvailable},
    {"JetAddColumn", g_add_column,
     JET_bitColumnFixed | JET_bitColumnTagged | JET_bitColumnNotNULL | JET_bitColumnVersion |
         JET_bitColumnAutoincrement | JET_bitColumnMultiValued | JET_bitColumnMaybeNull | JET_bitColumnUpdatable,
     JET_bitColumnEscrowUpdate | JET_bitColumnUnversioned | JET_bitColumnFinalize | JET_bitColumnUserDefinedDefault |
         JET_bitColumnDeleteOnZero | JET_bitColumnCompressed | JET_bitColumnEncrypted,
     JET_errFeatureNotAvailable},
    {"JetCreateIndex", g_create_index,
     JET_bitIndexUnique | JET_bitIndexPrimary | JET_bitIndexDisallowNull | JET_bitIndexSortNullsHigh |
         JET_bitIndexDisallowTruncation | JET_bitIndexLazyFlush,
     JET_bitIndexUnversioned | JET_bitIndexDotNetGuid | JET_bitIndexImmutableStructure, JET_errFeatureNotAvailable},
    {"JetSetColumn", g_set_column, 0x704ad | JET_bitSetUniqueNormalizedMultiValues, JET_bitSetSeparateLV,
     JET_errFeatureNotAvailable},
    {"JetRetrieveColumn", g_retrieve, 0x3f, 0, 0},
    {"JetMakeKey", g_make_key, 0x1f | 0xf00, 0, 0},
    {"JetSeek", g_seek, 0x7f, 0, 0},
    {"JetMove", g_move, JET_bitMoveKeyNE, 0, 0},
    {"JetSetIndexRange", g_set_range, 0xf, 0, 0},
    {"JetRetrieveKey", g_retrieve_key, JET_bitRetrieveCopy, 0, 0},
    {"JetDupCursor", g_dup_cursor, 0, 0, 0},
    {"JetBackupInstance", g_backup, JET_bitBackupIncremental | JET_bitBackupAtomic | JET_bitBackupSha256, 0, 0}};

static void options__that_are_unknown_are_refused(void) {
    begin();
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
        for (unsigned bit = 0; bit < 32; bit++) {
            JET_GRBIT grbit = 1u << bit;
            if (!(options[i].known & grbit))
                refused_at(options[i].call((struct handles){.db = grbit}),
                           options[i].later & grbit ? options[i].err : JET_errInvalidGrbit, options[i].name, (int)bit);
        }
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepCancel));
    REFUSED(JetTerm2(other.inst, JET_bitTermComplete | JET_bitTermAbrupt), JET_errInvalidGrbit);
    REFUSED(JetCommitTransaction(t.ses, JET_bitWaitLastLevel0Commit | JET_bitCommitLazyFlush), JET_errInvalidGrbit);
    REFUSED(JetOpenTable(t.ses, t.db, "t", NULL, 0, JET_bitTableReadOnly | JET_bitTableUpdatable, &out_handle),
            JET_errInvalidGrbit);
    REFUSED(JetRetrieveColumn(t.ses, table, 1, out, 4, NULL,
                              JET_bitRetrieveFromIndex | JET_bitRetrieveFromPrimaryBookmark, NULL),
            JET_errInvalidGrbit);
    REFUSED(JetMakeKey(t.ses, table, out, 4, JET_bitNewKey | JET_bitFullColumnStartLimit | JET_bitFullColumnEndLimit),
            JET_errInvalidGrbit);
    REFUSED(JetMakeKey(t.ses, table, out, 4, JET_bitNewKey | JET_bitPartialColumnEndLimit), JET_errInvalidGrbit);
    end();
}

static void levels__that_are_not_listed_are_refused(void) {
    begin();
    JET_COLUMNID bad = 0;
    for (uint32_t level = 0; level < 40; level++) {
        if (level == JET_DbInfoConnect || level == JET_DbInfoUpgrade || level == 16 || level >= 18)
            REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 4, level),
                    level == JET_DbInfoFilesizeOnDisk ? JET_errSuccess : JET_errInvalidParameter);
        if (level == JET_ColInfoSysTabCursor || level == 2 || level > 8)
            REFUSED(JetGetTableColumnInfo(t.ses, table, "id", out, sizeof out, level),
                    level == JET_ColInfoSysTabCursor ? JET_errFeatureNotAvailable : JET_errInvalidParameter);
        if (level > JET_ObjInfoList && level != JET_ObjInfoNoStats)
            REFUSED(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, "t", out, sizeof out, level),
                    level < JET_ObjInfoMax ? JET_errFeatureNotAvailable : JET_errInvalidParameter);
    }
    REFUSED(JetGetDatabaseInfo(t.ses, t.db, out, 4, JET_DbInfoIsam), JET_errFeatureNotAvailable);
    REFUSED(JetGetTableColumnInfo(t.ses, table, "id", out, sizeof out, JET_ColInfo | JET_ColInfoGrbitMinimalInfo),
            JET_errInvalidParameter);
    REFUSED(JetGetTableColumnInfo(t.ses, table, (char *)&bad, out, sizeof out, JET_ColInfoByColid), JET_errBadColumnId);
    bad = 200;
    REFUSED(JetGetTableColumnInfo(t.ses, table, (char *)&bad, out, sizeof out, JET_ColInfoByColid),
            JET_errColumnNotFound);
    REFUSED(JetGetObjectInfo(t.ses, t.db, JET_objtypDb, NULL, "t", out, sizeof out, JET_ObjInfo),
            JET_errInvalidParameter);
    REFUSED(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, "Databases", "t", out, sizeof out, JET_ObjInfo),
            JET_errObjectNotFound);
    REFUSED(JetGetDatabaseFileInfo(test_path("i/x.edb"), out, 4, JET_DbInfoUpgrade), JET_errInvalidParameter);
    REFUSED(JetSetSystemParameter(&t.inst, 0, 9999, 0, NULL), JET_errInvalidParameter);
    REFUSED(JetSetSystemParameter(&t.inst, stale_session, JET_paramCommitDefault, 0, NULL), JET_errInvalidSesid);
    REFUSED(JetSetSystemParameter(&stale_instance, 0, JET_paramCommitDefault, 0, NULL), JET_errInvalidInstance);
    REFUSED(JetGetSystemParameter(stale_instance, 0, JET_paramCommitDefault, &out_handle, NULL, 0),
            JET_errInvalidInstance);
    end();
}

/* ---- paths and names ---- */

static void paths__that_are_empty_too_long_or_lead_nowhere_are_refused(void) {
    begin();
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    static const char *const kinds[] = {NULL, "", "long", "long name", "no/such/directory/x.edb", "i", "i/x.edb/below"};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char name[1200];
        const char *path = i < 2 ? kinds[i] : i == 2 ? long_path : i == 3 ? name : test_path(kinds[i]);
        memset(name, 'n', sizeof name);
        snprintf(name + 300, sizeof name - 300, "%s", "");
        memcpy(name, "/tmp/", 5);
        JET_ERR err = i < 3 ? JET_errDatabaseInvalidPath : 0;
        REFUSED(JetCreateDatabase(t.ses, path, NULL, &out_u32, 0), err      ? err
                                                                   : i == 3 ? JET_errInvalidPath
                                                                   : i == 5 ? JET_errDatabaseDuplicate
                                                                            : JET_errInvalidPath);
        REFUSED(JetCreateDatabase(t.ses, path, NULL, &out_u32, JET_bitDbOverwriteExisting),
                err      ? err
                : i == 3 ? JET_errInvalidPath
                : i == 5 ? JET_errDatabaseDuplicate
                         : JET_errInvalidPath);
        REFUSED(JetAttachDatabase(t.ses, path, 0), err      ? err
                                                   : i == 3 ? JET_errInvalidPath
                                                   : i == 5 ? JET_errFileAccessDenied
                                                            : JET_errFileNotFound);
        REFUSED(JetOpenDatabase(t.ses, path, NULL, &out_u32, 0), err ? err : JET_errDatabaseNotFound);
        if (i >= 2)
            REFUSED(JetDetachDatabase(t.ses, path), err ? err : JET_errDatabaseNotFound);
        REFUSED(JetGetDatabaseFileInfo(path, out, 8, JET_DbInfoFilesize), err      ? err
                                                                          : i == 3 ? JET_errInvalidPath
                                                                          : i == 5 ? JET_errFileAccessDenied
                                                                                   : JET_errFileNotFound);
        if (i >= 2)
            REFUSED(JetBackupInstance(t.inst, path, 0, NULL),
                    i == 5 ? JET_errBackupDirectoryNotEmpty : JET_errInvalidPath);
        REFUSED(JetBackupInstance(t.inst, path, JET_bitBackupIncremental, NULL), i < 2    ? JET_errSuccess
                                                                                 : i == 2 ? JET_errInvalidPath
                                                                                          : JET_errMissingFullBackup);
        struct testapi idle = testapi_new("idle");
        JET_ERR restored = JetRestoreInstance(idle.inst, path, NULL, NULL);
        REFUSED(restored, i < 4 ? JET_errInvalidPath : JET_errFileNotFound);
        if (i != 1)
            REFUSED(JetSetSystemParameter(&idle.inst, 0, JET_paramLogFilePath, 0, path),
                    i == 0   ? JET_errInvalidParameter
                    : i == 2 ? JET_errInvalidPath
                    : i == 3 ? JET_errInvalidParameter
                             : JET_errSuccess);
        CHECK_OK(JetTerm(idle.inst));
    }
    end();
}

static void names__that_are_no_names_are_refused(void) {
    begin();
    char too_long[66], longest[65];
    memset(too_long, 'n', 65), too_long[65] = 0;
    memset(longest, 'n', 64), longest[64] = 0;
    const char *const names[] = {"", too_long, "a!b", "a.b", "[a", "a]", " a", "a\tb", "\x1f"};
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        REFUSED(JetCreateTable(t.ses, t.db, names[i], 1, 80, &out_handle), JET_errInvalidName);
        REFUSED(JetOpenTable(t.ses, t.db, names[i], NULL, 0, 0, &out_handle), JET_errInvalidName);
        REFUSED(JetDeleteTable(t.ses, t.db, names[i]), JET_errInvalidName);
        REFUSED(JetGetObjectInfo(t.ses, t.db, 0, NULL, names[i], out, sizeof out, JET_ObjInfo), JET_errInvalidName);
        REFUSED(JetAddColumn(t.ses, table, names[i], &def, NULL, 0, NULL), JET_errInvalidName);
        REFUSED(JetGetTableColumnInfo(t.ses, table, names[i], out, sizeof out, JET_ColInfo), JET_errInvalidName);
        CHECK_OK(JetBeginTransaction(t.ses));
        JET_TABLEID fresh;
        CHECK_OK(JetCreateTable(t.ses, t.db, longest, 1, 80, &fresh));
        CHECK_OK(JetAddColumn(t.ses, fresh, longest, &def, NULL, 0, NULL));
        REFUSED(JetCreateIndex(t.ses, fresh, names[i], JET_bitIndexPrimary, "+n\0", 4, 80), JET_errInvalidName);
        CHECK_OK(JetRollback(t.ses, 0));
    }
    REFUSED(JetCreateInstance(&out_handle, too_long), JET_errInvalidParameter);
    REFUSED(JetOpenTable(t.ses, t.db, "none", NULL, 0, 0, &out_handle), JET_errObjectNotFound);
    REFUSED(JetDeleteTable(t.ses, t.db, "none"), JET_errObjectNotFound);
    REFUSED(JetAddColumn(t.ses, table, "ID", &def, NULL, 0, NULL), JET_errColumnDuplicate);
    REFUSED(JetCreateTable(t.ses, t.db, "T", 1, 80, &out_handle), JET_errTableDuplicate);
    end();
}

/* ---- definitions ---- */

static void columns__that_cannot_be_are_refused(void) {
    begin();
    static const struct {
        JET_COLUMNDEF def;
        JET_ERR err;
    } bad[] = {
        {{.coltyp = JET_coltypNil}, JET_errInvalidColumnType},
        {{.coltyp = JET_coltypSLV}, JET_errInvalidColumnType},
        {{.coltyp = JET_coltypMax}, JET_errInvalidColumnType},
        {{.coltyp = UINT32_MAX}, JET_errInvalidColumnType},
        {{.coltyp = JET_coltypText, .cp = 850}, JET_errInvalidCodePage},
        {{.coltyp = JET_coltypText, .cp = 65001}, JET_errInvalidCodePage},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnTagged | JET_bitColumnFixed}, JET_errInvalidGrbit},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnTagged | JET_bitColumnNotNULL}, JET_errTaggedNotNULL},
        {{.coltyp = JET_coltypLongText, .grbit = JET_bitColumnNotNULL}, JET_errTaggedNotNULL},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnMultiValued}, JET_errMultiValuedColumnMustBeTagged},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnTagged | JET_bitColumnAutoincrement}, JET_errCannotBeTagged},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnTagged | JET_bitColumnVersion}, JET_errCannotBeTagged},
        {{.coltyp = JET_coltypText, .grbit = JET_bitColumnAutoincrement}, JET_errInvalidGrbit},
        {{.coltyp = JET_coltypShort, .grbit = JET_bitColumnVersion}, JET_errInvalidGrbit},
        {{.coltyp = JET_coltypLong, .grbit = JET_bitColumnVersion | JET_bitColumnAutoincrement}, JET_errInvalidGrbit},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        JET_COLUMNDEF def = bad[i].def;
        REFUSED(JetAddColumn(t.ses, table, "n", &def, NULL, 0, NULL), JET_errInvalidParameter);
        def.cbStruct = sizeof def;
        refused_at(JetAddColumn(t.ses, table, "n", &def, NULL, 0, NULL), bad[i].err, "JetAddColumn", (int)i);
    }
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    REFUSED(JetAddColumn(t.ses, table, "n", &def, "123", 3, NULL), JET_errInvalidBufferSize);
    REFUSED(JetAddColumn(t.ses, table, "n", &def, NULL, 4, NULL), JET_errInvalidParameter);
    end();
}

static void keys__that_cannot_be_are_refused(void) {
    begin();
    CHECK_OK(JetBeginTransaction(t.ses));
    JET_TABLEID fresh;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    CHECK_OK(JetCreateTable(t.ses, t.db, "n", 1, 80, &fresh));
    CHECK_OK(JetAddColumn(t.ses, fresh, "id", &def, NULL, 0, NULL));
    static const struct {
        const char *key;
        uint32_t bytes;
        JET_ERR err;
    } bad[] = {{"", 0, JET_errIndexInvalidDef},          {"\0", 2, JET_errIndexInvalidDef},
               {"+id", 3, JET_errIndexInvalidDef},       {"+id", 4, JET_errIndexInvalidDef},
               {"id\0", 4, JET_errIndexInvalidDef},      {"+\0", 3, JET_errIndexInvalidDef},
               {"+none\0", 7, JET_errColumnNotFound},    {"*id\0", 5, JET_errIndexInvalidDef},
               {"+id\0+id\0", 9, JET_errIndexInvalidDef}};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused_at(JetCreateIndex(t.ses, fresh, "p", JET_bitIndexPrimary, bad[i].key, bad[i].bytes, 80), bad[i].err,
                   "JetCreateIndex", (int)i);
    REFUSED(JetCreateIndex(t.ses, fresh, "p", 0, "+id\0", 5, 80), JET_errFeatureNotAvailable);
    REFUSED(JetCreateIndex(t.ses, fresh, "p", JET_bitIndexPrimary | JET_bitIndexIgnoreNull, "+id\0", 5, 80),
            JET_errInvalidGrbit);
    REFUSED(JetCreateIndex(t.ses, fresh, "p", JET_bitIndexPrimary, "+id\0", 5, 101), JET_errDensityInvalid);
    CHECK_OK(JetCreateIndex(t.ses, fresh, "p", JET_bitIndexPrimary, "+id\0", 5, 0));
    REFUSED(JetCreateIndex(t.ses, fresh, "q", JET_bitIndexPrimary, "+id\0", 5, 0), JET_errIndexHasPrimary);
    CHECK_OK(JetRollback(t.ses, 0));
    end();
}

static void structs__of_another_size_are_refused(void) {
    begin();
    JET_COLUMNCREATE column = {.cbStruct = sizeof column, .szColumnName = "id", .coltyp = JET_coltypLong};
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "p", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    const JET_TABLECREATE good = {.cbStruct = sizeof good,
                                  .szTableName = "n",
                                  .rgcolumncreate = &column,
                                  .cColumns = 1,
                                  .rgindexcreate = &index,
                                  .cIndexes = 1};
    JET_CONDITIONALCOLUMN condition = {.cbStruct = sizeof condition, .szColumnName = "id"};
    JET_TABLECREATE c = good;
#define CREATE(expected)                                                                                               \
    REFUSED(JetCreateTableColumnIndex(t.ses, t.db, &c), expected);                                                     \
    c = good
    c.cbStruct--;
    CREATE(JET_errInvalidParameter);
    c.rgcolumncreate = NULL;
    CREATE(JET_errInvalidParameter);
    c.rgindexcreate = NULL;
    CREATE(JET_errInvalidCreateIndex);
    c.szTemplateTableName = "t";
    CREATE(JET_errFeatureNotAvailable);
    column.cbStruct = 1;
    CREATE(JET_errInvalidParameter);
    column.cbStruct = sizeof column, column.szColumnName = NULL;
    CREATE(JET_errInvalidParameter);
    column.szColumnName = "id", index.cbStruct = 1;
    CREATE(JET_errInvalidParameter);
    index.cbStruct = sizeof index, index.cbKeyMost = 100, index.grbit |= JET_bitIndexKeyMost;
    CREATE(JET_errIndexInvalidDef);
    index.cbKeyMost = 1001;
    CREATE(JET_errIndexInvalidDef);
    index.grbit = JET_bitIndexPrimary | JET_bitIndexUnicode, index.pidxunicode = NULL;
    CREATE(JET_errInvalidParameter);
    index.grbit = JET_bitIndexPrimary, index.cbVarSegMac = 10;
    CREATE(JET_errFeatureNotAvailable);
    index.cbVarSegMac = 0, index.cConditionalColumn = 1;
    CREATE(JET_errInvalidParameter);
    index.rgconditionalcolumn = &condition;
    CREATE(JET_errIndexInvalidDef);
    end();
}

TEST_MAIN(TEST(handles__that_were_never_given_out_or_are_closed_are_refused),
          TEST(handles__chosen_at_random_are_refused), TEST(instance__that_does_not_run_refuses_work),
          TEST(instance__whose_log_failed_refuses_everything_but_the_end), TEST(pointers__that_are_required_are_missed),
          TEST(sizes__zero_and_huge_are_refused_or_cut), TEST(options__that_are_unknown_are_refused),
          TEST(levels__that_are_not_listed_are_refused),
          TEST(paths__that_are_empty_too_long_or_lead_nowhere_are_refused), TEST(names__that_are_no_names_are_refused),
          TEST(columns__that_cannot_be_are_refused), TEST(keys__that_cannot_be_are_refused),
          TEST(structs__of_another_size_are_refused))
