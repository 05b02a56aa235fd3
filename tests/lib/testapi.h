/* For the tests of api/: an instance in a directory of the test, with one session, and short ways to what every test
 * does through the public API.
 *
 *     struct testapi t = testapi_start("a");            instance in <test_dir>/a, running, one session
 *     testapi_create(&t, "x.edb");                      t.db
 *     JET_TABLEID tab = testapi_table(&t, "t");         columns id (Long, primary key) and text
 *     testapi_put(&t, tab, 1, "one");
 *     testapi_stop(&t); */
#ifndef ESENT_TESTS_TESTAPI_H
#define ESENT_TESTS_TESTAPI_H

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/test.h"

#include <esent.h>

struct testapi {
    char dir[512], base[8];
    JET_INSTANCE inst;
    JET_SESID ses;
    JET_DBID db;
};

#define TESTAPI_ID 1u /* columns of testapi_table */
#define TESTAPI_TEXT 128u

static inline const char *testapi_path(const struct testapi *t, const char *name) {
    static _Thread_local char ring[8][1024];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", t->dir, name);
    return out;
}

/* Made, with its parameters set, not running. The directory is made if it is missing. */
static inline struct testapi testapi_new(const char *name) {
    static unsigned count;
    struct testapi t = {.ses = JET_sesidNil};
    char unique[32];

    snprintf(t.dir, sizeof t.dir, "%.500s", test_path(name));
    mkdir(t.dir, 0777);
    snprintf(unique, sizeof unique, "test%u", ++count);
    CHECK_OK(JetCreateInstance(&t.inst, unique));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramLogFilePath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramDbExtensionSize, 16, NULL));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramMaxSessions, 64, NULL));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramEventLoggingLevel, 0, NULL));
    return t;
}

/* The same, and fn hears of everything. */
static inline struct testapi testapi_listening(const char *name, JET_PFNEVENT fn) {
    struct testapi t = testapi_new(name);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
    CHECK_OK(JetSetEventCallback(t.inst, fn, NULL));
    return t;
}

static inline void testapi_run(struct testapi *t) {
    CHECK_OK(JetInit(&t->inst));
    CHECK_OK(JetBeginSession(t->inst, &t->ses, NULL, NULL));
}

static inline struct testapi testapi_start(const char *name) {
    struct testapi t = testapi_new(name);
    testapi_run(&t);
    return t;
}

static inline void testapi_stop(struct testapi *t) {
    CHECK_OK(JetTerm2(t->inst, JET_bitTermComplete));
}

static inline void testapi_create(struct testapi *t, const char *name) {
    CHECK_OK(JetCreateDatabase(t->ses, testapi_path(t, name), NULL, &t->db, 0));
}

static inline void testapi_attach(struct testapi *t, const char *name) {
    CHECK_OK(JetAttachDatabase(t->ses, testapi_path(t, name), 0));
    CHECK_OK(JetOpenDatabase(t->ses, testapi_path(t, name), NULL, &t->db, 0));
}

/* A table of these columns and, if key is not NULL, this primary key. Its cursor keeps other sessions out. */
static inline JET_TABLEID testapi_make_table(struct testapi *t, const char *name, JET_COLUMNCREATE *columns,
                                             uint32_t count, const char *key, uint32_t key_bytes) {
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = (char *)key,
                             .cbKey = key_bytes,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE create = {.cbStruct = sizeof create,
                              .szTableName = (char *)name,
                              .rgcolumncreate = columns,
                              .cColumns = count,
                              .rgindexcreate = &index,
                              .cIndexes = key != NULL};
    CHECK_OK(JetCreateTableColumnIndex(t->ses, t->db, &create));
    CU_ASSERT_EQUAL(create.cCreated, 1 + count + (key != NULL));
    return create.tableid;
}
#define TESTAPI_COLUMN(name, type, options)                                                                            \
    { .cbStruct = sizeof(JET_COLUMNCREATE), .szColumnName = name, .coltyp = JET_coltyp##type, .grbit = options }
#define TESTAPI_TABLE(t, name, columns, key)                                                                           \
    testapi_make_table(t, name, columns, sizeof columns / sizeof columns[0], key, sizeof key)

/* id Long, the primary key; text Text. The cursor is open for changes and denies nothing. */
static inline JET_TABLEID testapi_table(struct testapi *t, const char *name) {
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof columns[0], .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof columns[0], .szColumnName = "text", .coltyp = JET_coltypText},
    };
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "primary", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE create = {.cbStruct = sizeof create,
                              .szTableName = (char *)name,
                              .rgcolumncreate = columns,
                              .cColumns = 2,
                              .rgindexcreate = &index,
                              .cIndexes = 1};
    JET_TABLEID table;

    CHECK_OK(JetCreateTableColumnIndex(t->ses, t->db, &create));
    CU_ASSERT_EQUAL_FATAL(columns[0].columnid, TESTAPI_ID);
    CU_ASSERT_EQUAL_FATAL(columns[1].columnid, TESTAPI_TEXT);
    CHECK_OK(JetCloseTable(t->ses, create.tableid));
    CHECK_OK(JetOpenTable(t->ses, t->db, name, NULL, 0, 0, &table));
    return table;
}

static inline JET_TABLEID testapi_open(struct testapi *t, const char *name) {
    JET_TABLEID table;
    CHECK_OK(JetOpenTable(t->ses, t->db, name, NULL, 0, 0, &table));
    return table;
}

static inline JET_ERR testapi_insert(JET_SESID ses, JET_TABLEID table, int32_t id, const char *text) {
    JET_ERR err = JetPrepareUpdate(ses, table, JET_prepInsert);
    if (err >= JET_errSuccess)
        err = JetSetColumn(ses, table, TESTAPI_ID, &id, sizeof id, 0, NULL);
    if (err >= JET_errSuccess)
        err = JetSetColumn(ses, table, TESTAPI_TEXT, text, (uint32_t)strlen(text), 0, NULL);
    if (err >= JET_errSuccess)
        err = JetUpdate(ses, table, NULL, 0, NULL);
    if (err < JET_errSuccess)
        JetPrepareUpdate(ses, table, JET_prepCancel);
    return err;
}

static inline JET_ERR testapi_seek(JET_SESID ses, JET_TABLEID table, int32_t id) {
    JET_ERR err = JetMakeKey(ses, table, &id, sizeof id, JET_bitNewKey);
    return err < JET_errSuccess ? err : JetSeek(ses, table, JET_bitSeekEQ);
}

static inline JET_ERR testapi_replace(JET_SESID ses, JET_TABLEID table, int32_t id, const char *text) {
    JET_ERR err = testapi_seek(ses, table, id);
    if (err >= JET_errSuccess)
        err = JetPrepareUpdate(ses, table, JET_prepReplace);
    if (err < JET_errSuccess)
        return err;
    err = JetSetColumn(ses, table, TESTAPI_TEXT, text, (uint32_t)strlen(text), 0, NULL);
    if (err >= JET_errSuccess)
        err = JetUpdate(ses, table, NULL, 0, NULL);
    if (err < JET_errSuccess)
        JetPrepareUpdate(ses, table, JET_prepCancel);
    return err;
}

static inline JET_ERR testapi_delete(JET_SESID ses, JET_TABLEID table, int32_t id) {
    JET_ERR err = testapi_seek(ses, table, id);
    return err < JET_errSuccess ? err : JetDelete(ses, table);
}

static inline void testapi_put(struct testapi *t, JET_TABLEID table, int32_t id, const char *text) {
    CHECK_OK(testapi_insert(t->ses, table, id, text));
}

/* Rows with these ids, some fifty bytes each, in one transaction. */
static inline void testapi_fill(struct testapi *t, JET_TABLEID table, int32_t first, int32_t last) {
    char text[200];
    CHECK_OK(JetBeginTransaction(t->ses));
    for (int32_t id = first; id <= last; id++) {
        snprintf(text, sizeof text, "row number %d, with some more text so that pages fill", (int)id);
        testapi_put(t, table, id, text);
    }
    CHECK_OK(JetCommitTransaction(t->ses, 0));
}

/* A column of the current record as text; "(null)". In a static ring. */
static inline const char *testapi_get(JET_SESID ses, JET_TABLEID table, JET_COLUMNID column) {
    static _Thread_local char ring[8][4096];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 8];
    uint32_t actual = 0;
    JET_ERR err = JetRetrieveColumn(ses, table, column, out, sizeof ring[0] - 1, &actual, 0, NULL);
    CHECK_OK(err == JET_wrnColumnNull ? JET_errSuccess : err);
    if (err == JET_wrnColumnNull)
        return "(null)";
    out[actual] = 0;
    return out;
}

static inline int32_t testapi_get_id(JET_SESID ses, JET_TABLEID table) {
    int32_t id = 0;
    CHECK_OK(JetRetrieveColumn(ses, table, TESTAPI_ID, &id, sizeof id, NULL, 0, NULL));
    return id;
}

/* What the session sees under id; "-": no record. */
static inline const char *testapi_text(JET_SESID ses, JET_TABLEID table, int32_t id) {
    JET_ERR err = testapi_seek(ses, table, id);
    if (err == JET_errRecordNotFound)
        return "-";
    CHECK_OK(err);
    return testapi_get(ses, table, TESTAPI_TEXT);
}

static inline uint32_t testapi_count(JET_SESID ses, JET_TABLEID table) {
    uint32_t n = 0;
    JET_ERR err;
    for (err = JetMove(ses, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(ses, table, JET_MoveNext, 0))
        n++;
    CHECK_ERR(err, JET_errNoCurrentRecord);
    return n;
}

static inline bool testapi_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

#endif
