/* Tables through the public API: keys and their order, seeking, ranges, bookmarks, transactions, the schema. */
#include <stdlib.h>

#include "tests/lib/testapi.h"

static struct testapi t;

static void begin(void) {
    t = testapi_start("inst");
    testapi_create(&t, "x.edb");
}

static void end(void) {
    testapi_stop(&t);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(testapi_path(&t, "x.edb")), 1);
}

#define COLUMN TESTAPI_COLUMN
#define TABLE(name, columns, key) TESTAPI_TABLE(&t, name, columns, key)

static void set(JET_TABLEID table, JET_COLUMNID column, const void *value, uint32_t bytes) {
    CHECK_OK(JetSetColumn(t.ses, table, column, value, bytes, 0, NULL));
}

/* ---- keys, seeking, ranges ---- */

static void keys__of_several_columns_order_the_table(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("a", Long, 0), COLUMN("b", Text, 0), COLUMN("c", IEEEDouble, 0)};
    JET_TABLEID table = TABLE("k", columns, "+a\0-b\0+c\0");
    static const struct {
        int a;
        const char *b;
        double c;
    } rows[] = {/* in the order they come back */
                {-1000000, NULL, 0}, {-5, "z", 1.5}, {-5, "Y", -1.5}, {-5, "y", 2.5},
                {-5, "", 0},         {-5, NULL, 0},  {7, "abc", 0},   {7, "ab", 0},
                {7, "a", -1e300},    {7, "A", 0},    {7, "a", 1e300}, {2147483647, "a", 0}};
    enum { COUNT = sizeof rows / sizeof rows[0] };
    unsigned order[COUNT];

    for (unsigned i = 0; i < COUNT; i++) {
        unsigned j = (unsigned)test_random_below(i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
        set(table, columns[0].columnid, &rows[order[i]].a, 4);
        const char *b = rows[order[i]].b;
        CHECK_OK(JetSetColumn(t.ses, table, columns[1].columnid, b, b ? (uint32_t)strlen(b) : 0, JET_bitSetZeroLength,
                              NULL));
        if (!b)
            set(table, columns[1].columnid, NULL, 0);
        set(table, columns[2].columnid, &rows[order[i]].c, 8);
        CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    }
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    uint8_t last[256], key[256];
    uint32_t last_bytes = 0, bytes;
    for (unsigned i = 0; i < COUNT; i++) {
        int32_t a;
        double c;
        CHECK_OK(JetRetrieveColumn(t.ses, table, columns[0].columnid, &a, 4, NULL, 0, NULL));
        CHECK_OK(JetRetrieveColumn(t.ses, table, columns[2].columnid, &c, 8, NULL, 0, NULL));
        CU_ASSERT_EQUAL(a, rows[i].a);
        CU_ASSERT_EQUAL(c, rows[i].c);
        CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, columns[1].columnid), rows[i].b ? rows[i].b : "(null)");
        CHECK_OK(JetRetrieveKey(t.ses, table, key, sizeof key, &bytes, 0));
        CU_ASSERT(memcmp(last, key, last_bytes < bytes ? last_bytes : bytes) <= 0);
        memcpy(last, key, last_bytes = bytes);
        CHECK_ERR(JetMove(t.ses, table, JET_MoveNext, 0), i + 1 < COUNT ? JET_errSuccess : JET_errNoCurrentRecord);
    }
    /* all with a = 7, by a limit in the middle of the key */
    int32_t seven = 7;
    CHECK_OK(JetMakeKey(t.ses, table, &seven, 4, JET_bitNewKey | JET_bitFullColumnStartLimit));
    CHECK_ERR(JetSeek(t.ses, table, JET_bitSeekGE), JET_wrnSeekNotEqual);
    CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, columns[1].columnid), "abc");
    CHECK_OK(JetMakeKey(t.ses, table, &seven, 4, JET_bitNewKey | JET_bitFullColumnEndLimit));
    CHECK_ERR(JetMakeKey(t.ses, table, "x", 1, 0), JET_errKeyIsMade);
    CHECK_OK(JetSetIndexRange(t.ses, table, JET_bitRangeUpperLimit | JET_bitRangeInclusive));
    unsigned in_range = 1;
    while (JetMove(t.ses, table, JET_MoveNext, 0) >= JET_errSuccess)
        in_range++;
    CU_ASSERT_EQUAL(in_range, 5);
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void unicode__text_is_kept_and_sorted_without_regard_to_case(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("u", Text, 0), COLUMN("n", Long, 0)};
    columns[0].cp = 1200;
    JET_TABLEID table = TABLE("u", columns, "+u\0");
    static const uint16_t words[][4] = {{'z', 0},      {0xe4, 'b', 0}, {'B', 0},
                                        {'a', 'a', 0}, {0x42f, 0},     {0xd83e, 0xdd8a, 0}}; /* z äb B aa Я fox */
    static const int order[] = {5, 3, 1, 2, 0, 4}; /* a symbol, aa äb B z Я */

    for (int32_t i = 0; i < 6; i++) {
        uint32_t n = 0;
        while (words[i][n])
            n++;
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
        set(table, columns[0].columnid, words[i], 2 * n);
        set(table, columns[1].columnid, &i, 4);
        CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    }
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    for (unsigned i = 0; i < 6; i++) {
        int32_t n;
        uint16_t text[4];
        uint32_t actual;
        CHECK_OK(JetRetrieveColumn(t.ses, table, columns[1].columnid, &n, 4, NULL, 0, NULL));
        CHECK_OK(JetRetrieveColumn(t.ses, table, columns[0].columnid, text, sizeof text, &actual, 0, NULL));
        CU_ASSERT_EQUAL(n, order[i]);
        CU_ASSERT_EQUAL(memcmp(text, words[order[i]], actual), 0);
        JetMove(t.ses, table, JET_MoveNext, 0);
    }
    CHECK_OK(JetMakeKey(t.ses, table, "b\0", 2, JET_bitNewKey));
    CHECK_OK(JetSeek(t.ses, table, JET_bitSeekEQ)); /* finds B */
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    set(table, columns[0].columnid, "b\0", 2);
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errKeyDuplicate);
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void seek__finds_the_neighbour_that_was_asked_for(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t");
    for (int32_t id = 10; id <= 30; id += 10)
        testapi_put(&t, table, id, "x");
    static const struct {
        int32_t key;
        JET_GRBIT how;
        JET_ERR err;
        int32_t found;
    } cases[] = {
        {20, JET_bitSeekEQ, 0, 20},
        {20, JET_bitSeekEQ | JET_bitCheckUniqueness, JET_wrnUniqueKey, 20},
        {15, JET_bitSeekEQ, JET_errRecordNotFound, 0},
        {20, JET_bitSeekGE, 0, 20},
        {15, JET_bitSeekGE, JET_wrnSeekNotEqual, 20},
        {20, JET_bitSeekGT, 0, 30},
        {30, JET_bitSeekGT, JET_errRecordNotFound, 0},
        {20, JET_bitSeekLE, 0, 20},
        {15, JET_bitSeekLE, JET_wrnSeekNotEqual, 10},
        {20, JET_bitSeekLT, 0, 10},
        {10, JET_bitSeekLT, JET_errRecordNotFound, 0},
        {20, JET_bitSeekEQ | JET_bitSeekGE, JET_errInvalidGrbit, 0},
        {20, 0, JET_errInvalidGrbit, 0},
        {20, 0x80, JET_errInvalidGrbit, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_OK(JetMakeKey(t.ses, table, &cases[i].key, 4, JET_bitNewKey));
        CHECK_ERR(JetSeek(t.ses, table, cases[i].how), cases[i].err);
        if (cases[i].err >= JET_errSuccess)
            CU_ASSERT_EQUAL(testapi_get_id(t.ses, table), cases[i].found);
    }
    CHECK_ERR(testapi_seek(t.ses, table, 15), JET_errRecordNotFound);
    CHECK_ERR(JetSeek(t.ses, table, JET_bitSeekEQ), JET_errKeyNotMade); /* used up */
    CHECK_OK(JetMove(t.ses, table, JET_MoveNext, 0));                   /* from where the record would be */
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, table), 20);
    end();
}

static void range__limits_moves_until_it_is_left(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t");
    int32_t key = 5;
    for (int32_t id = 1; id <= 9; id++)
        testapi_put(&t, table, id, "x");
    for (unsigned inclusive = 0; inclusive < 2; inclusive++)
        for (unsigned up = 0; up < 2; up++) {
            JET_GRBIT how = (inclusive ? JET_bitRangeInclusive : 0) | (up ? JET_bitRangeUpperLimit : 0);
            CHECK_OK(testapi_seek(t.ses, table, up ? 2 : 8));
            CHECK_OK(JetMakeKey(t.ses, table, &key, 4, JET_bitNewKey));
            CHECK_OK(JetSetIndexRange(t.ses, table, how));
            unsigned n = 1;
            while (JetMove(t.ses, table, up ? JET_MoveNext : JET_MovePrevious, 0) >= JET_errSuccess)
                n++;
            CU_ASSERT_EQUAL(n, 3 + inclusive);
        }
    CHECK_OK(testapi_seek(t.ses, table, 7));
    CHECK_OK(JetMakeKey(t.ses, table, &key, 4, JET_bitNewKey));
    CHECK_ERR(JetSetIndexRange(t.ses, table, JET_bitRangeUpperLimit), JET_errNoCurrentRecord); /* 7 is behind 5 */
    CHECK_OK(JetMakeKey(t.ses, table, &key, 4, JET_bitNewKey));
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    CHECK_OK(JetSetIndexRange(t.ses, table, JET_bitRangeUpperLimit | JET_bitRangeInstantDuration));
    CHECK_ERR(JetSetIndexRange(t.ses, table, JET_bitRangeUpperLimit), JET_errKeyNotMade);
    CHECK_ERR(JetSetIndexRange(t.ses, table, JET_bitRangeRemove), JET_errInvalidOperation);
    CHECK_OK(JetMakeKey(t.ses, table, &key, 4, JET_bitNewKey));
    CHECK_OK(JetSetIndexRange(t.ses, table, JET_bitRangeUpperLimit));
    CHECK_OK(JetSetIndexRange(t.ses, table, JET_bitRangeRemove));
    CHECK_OK(JetMove(t.ses, table, 8, 0));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, table), 9);
    CHECK_ERR(JetMove(t.ses, table, JET_MoveNext, 0), JET_errNoCurrentRecord);
    CHECK_OK(JetMove(t.ses, table, JET_MovePrevious, 0));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, table), 9);
    end();
}

static void bookmarks__lead_back_and_say_when_the_record_is_gone(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t"), copy;
    uint8_t mark[300], small[2];
    uint32_t bytes = 0, actual = 0;
    int32_t id = 2;

    testapi_put(&t, table, 1, "one");
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    set(table, TESTAPI_ID, &id, 4);
    CHECK_ERR(JetUpdate(t.ses, table, small, sizeof small, &actual), JET_errBufferTooSmall);
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 2), "-"); /* and seeking has cancelled the update */
    CHECK_ERR(JetUpdate(t.ses, table, mark, sizeof mark, &bytes), JET_errUpdateNotPrepared);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    set(table, TESTAPI_ID, &id, 4);
    CHECK_ERR(JetUpdate(t.ses, table, small, sizeof small, &actual), JET_errBufferTooSmall);
    CHECK_OK(JetUpdate(t.ses, table, mark, sizeof mark, &bytes));
    CHECK_OK(JetGotoBookmark(t.ses, table, mark, bytes));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, table), 2);
    CHECK_ERR(JetGetBookmark(t.ses, table, small, sizeof small, &actual), JET_errBufferTooSmall);
    CU_ASSERT(actual == bytes && memcmp(small, mark, sizeof small) == 0);
    CHECK_OK(JetDupCursor(t.ses, table, &copy, 0));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, copy), 1); /* on the first record, independent */
    CHECK_OK(JetGotoBookmark(t.ses, copy, mark, bytes));
    CHECK_OK(JetDelete(t.ses, table));
    CHECK_ERR(JetGotoBookmark(t.ses, table, mark, bytes), JET_errRecordDeleted);
    CHECK_ERR(JetRetrieveColumn(t.ses, copy, TESTAPI_ID, &id, 4, NULL, 0, NULL), JET_errRecordDeleted);
    CHECK_OK(JetMove(t.ses, copy, JET_MovePrevious, 0));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, copy), 1);
    CHECK_OK(JetCloseTable(t.ses, table));
    CU_ASSERT_EQUAL(testapi_get_id(t.ses, copy), 1);
    end();
}

static void heap__tables_without_a_key_keep_the_order_of_insertion(void) {
    begin();
    JET_TABLEID table;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    JET_COLUMNID id;
    uint8_t mark[16];
    uint32_t bytes;

    CHECK_OK(JetCreateTable(t.ses, t.db, "heap", 4, 80, &table));
    CHECK_OK(JetAddColumn(t.ses, table, "n", &def, NULL, 0, &id));
    for (int32_t n = 100; n > 0; n--) {
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
        set(table, id, &n, 4);
        CHECK_OK(JetUpdate(t.ses, table, mark, sizeof mark, &bytes));
    }
    CHECK_OK(JetGotoBookmark(t.ses, table, mark, bytes));
    CHECK_ERR(JetMove(t.ses, table, JET_MoveNext, 0), JET_errNoCurrentRecord);
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    for (int32_t n = 100, got; n > 0; n--) {
        CHECK_OK(JetRetrieveColumn(t.ses, table, id, &got, 4, NULL, 0, NULL));
        CU_ASSERT_EQUAL(got, n);
        CHECK_ERR(JetMove(t.ses, table, JET_MoveNext, 0), n > 1 ? JET_errSuccess : JET_errNoCurrentRecord);
    }
    CHECK_ERR(JetMakeKey(t.ses, table, &bytes, 4, JET_bitNewKey), JET_errNoCurrentIndex);
    CHECK_ERR(JetCreateIndex(t.ses, table, "p", JET_bitIndexPrimary, "+n\0", 4, 80), JET_errTableNotEmpty);
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

/* ---- transactions ---- */

static void transactions__nest_and_roll_back_level_by_level(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t"), inner;

    testapi_put(&t, table, 1, "one");
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(testapi_replace(t.ses, table, 1, "uno"));
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 2, "due");
    CHECK_OK(JetOpenTable(t.ses, t.db, "t", NULL, 0, 0, &inner));
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    CHECK_OK(JetRollback(t.ses, 0));
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errUpdateNotPrepared); /* cancelled */
    CHECK_ERR(JetMove(t.ses, inner, 0, 0), JET_errInvalidTableId);               /* closed */
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1), "uno");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 2), "-");
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(testapi_delete(t.ses, table, 1));
    CHECK_OK(JetOpenTable(t.ses, t.db, "t", NULL, 0, 0, &inner));
    CHECK_OK(JetCommitTransaction(t.ses, 0));
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1), "-");
    CHECK_OK(JetRollback(t.ses, JET_bitRollbackAll));
    CHECK_ERR(JetMove(t.ses, inner, 0, 0), JET_errInvalidTableId);
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1), "one");
    CHECK_ERR(JetRollback(t.ses, 0), JET_errNotInTransaction);
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errNotInTransaction);
    for (int i = 0; i < 7; i++)
        CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_ERR(JetBeginTransaction(t.ses), JET_errTransTooDeep);
    CHECK_ERR(JetCommitTransaction(t.ses, JET_bitWaitLastLevel0Commit), JET_errInTransaction);
    CHECK_OK(JetRollback(t.ses, JET_bitRollbackAll));
    CHECK_OK(JetBeginTransaction2(t.ses, JET_bitTransactionReadOnly));
    CHECK_ERR(testapi_insert(t.ses, table, 3, "x"), JET_errTransReadOnly);
    CHECK_OK(JetCommitTransaction(t.ses, 0));
    end();
}

static void snapshots__show_one_moment_and_the_first_writer_wins(void) {
    begin();
    JET_SESID two;
    JET_DBID db;
    JET_TABLEID a = testapi_table(&t, "t"), b;

    testapi_put(&t, a, 1, "one");
    testapi_put(&t, a, 2, "two");
    CHECK_OK(JetBeginSession(t.inst, &two, NULL, NULL));
    CHECK_OK(JetOpenDatabase(two, testapi_path(&t, "x.edb"), NULL, &db, 0));
    CHECK_OK(JetOpenTable(two, db, "t", NULL, 0, 0, &b));
    CHECK_OK(JetBeginTransaction(two));
    CU_ASSERT_STRING_EQUAL(testapi_text(two, b, 1), "one");
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(testapi_replace(t.ses, a, 1, "ONE"));
    CHECK_OK(testapi_delete(t.ses, a, 2));
    testapi_put(&t, a, 3, "three");
    CHECK_ERR(testapi_replace(two, b, 1, "eins"), JET_errWriteConflict); /* not committed yet */
    CHECK_ERR(testapi_insert(two, b, 3, "drei"), JET_errWriteConflict);
    CHECK_OK(JetCommitTransaction(t.ses, 0));
    CU_ASSERT_STRING_EQUAL(testapi_text(two, b, 1), "one"); /* as it was when the transaction began */
    CU_ASSERT_STRING_EQUAL(testapi_text(two, b, 2), "two");
    CU_ASSERT_STRING_EQUAL(testapi_text(two, b, 3), "-");
    CHECK_ERR(testapi_replace(two, b, 1, "eins"), JET_errWriteConflict); /* committed, but after the snapshot */
    CHECK_ERR(testapi_delete(two, b, 2), JET_errWriteConflict);
    CHECK_OK(JetRollback(two, 0));
    CU_ASSERT_STRING_EQUAL(testapi_text(two, b, 1), "ONE");
    CHECK_OK(testapi_replace(two, b, 1, "eins"));
    CHECK_ERR(testapi_insert(two, b, 3, "drei"), JET_errKeyDuplicate);
    /* JET_prepReplace claims the record before it is changed */
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(testapi_seek(t.ses, a, 1));
    CHECK_OK(JetPrepareUpdate(t.ses, a, JET_prepReplace));
    CHECK_OK(JetBeginTransaction(two));
    CHECK_ERR(testapi_replace(two, b, 1, "eins"), JET_errWriteConflict);
    CHECK_OK(JetRollback(two, 0));
    CHECK_OK(JetRollback(t.ses, 0));
    CHECK_OK(JetEndSession(two, 0));
    CHECK_ERR(JetMove(two, b, 0, 0), JET_errInvalidSesid);
    end();
}

static void schema__changes_are_part_of_the_transaction(void) {
    begin();
    JET_TABLEID table, kept = testapi_table(&t, "kept");
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    JET_COLUMNID added;
    JET_OBJECTINFO info;

    testapi_put(&t, kept, 1, "one");
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(JetCreateTable(t.ses, t.db, "new", 1, 80, &table));
    CHECK_OK(JetAddColumn(t.ses, kept, "added", &def, NULL, 0, &added));
    CHECK_OK(JetRollback(t.ses, 0));
    CHECK_ERR(JetMove(t.ses, table, 0, 0), JET_errInvalidTableId);
    CHECK_ERR(JetOpenTable(t.ses, t.db, "new", NULL, 0, 0, &table), JET_errObjectNotFound);
    CHECK_ERR(JetGetTableColumnInfo(t.ses, kept, "added", &def, sizeof def, JET_ColInfo), JET_errColumnNotFound);
    CHECK_OK(JetCloseTable(t.ses, kept));
    CHECK_OK(JetBeginTransaction(t.ses));
    CHECK_OK(JetDeleteTable(t.ses, t.db, "kept"));
    CHECK_ERR(JetOpenTable(t.ses, t.db, "kept", NULL, 0, 0, &table), JET_errObjectNotFound);
    CHECK_OK(JetRollback(t.ses, 0));
    kept = testapi_open(&t, "KEPT"); /* names know no case */
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, kept, 1), "one");
    CHECK_ERR(JetDeleteTable(t.ses, t.db, "kept"), JET_errTableInUse);
    CHECK_OK(JetCloseTable(t.ses, kept));
    CHECK_OK(JetDeleteTable(t.ses, t.db, "kept"));
    CHECK_ERR(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, "kept", &info, sizeof info, JET_ObjInfo),
              JET_errObjectNotFound);
    CHECK_ERR(JetDeleteTable(t.ses, t.db, "MSysObjects"), JET_errCannotDeleteSystemTable);
    end();
}

static void creation__of_a_table_that_fails_leaves_nothing(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("a", Long, 0), COLUMN("a", Text, 0)};
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "i", .szKey = "+nope\0", .cbKey = 7, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE create = {.cbStruct = sizeof create,
                              .szTableName = "half",
                              .rgcolumncreate = columns,
                              .cColumns = 2,
                              .rgindexcreate = &index,
                              .cIndexes = 1};
    JET_OBJECTLIST list;

    CHECK_ERR(JetCreateTableColumnIndex(t.ses, t.db, &create), JET_errColumnDuplicate);
    CU_ASSERT_EQUAL(create.cCreated, 2);
    CU_ASSERT_EQUAL(columns[1].err, JET_errColumnDuplicate);
    CU_ASSERT_EQUAL(create.tableid, JET_tableidNil);
    columns[1].szColumnName = "b";
    CHECK_ERR(JetCreateTableColumnIndex(t.ses, t.db, &create), JET_errColumnNotFound);
    CU_ASSERT_EQUAL(create.cCreated, 3);
    CU_ASSERT_EQUAL(index.err, JET_errColumnNotFound);
    index.szKey = "+b\0", index.cbKey = 4;
    CHECK_OK(JetCreateTableColumnIndex(t.ses, t.db, &create));
    CHECK_ERR(JetCreateTableColumnIndex(t.ses, t.db, &create), JET_errTableDuplicate);
    CHECK_OK(JetGetObjectInfo(t.ses, t.db, JET_objtypTable, NULL, NULL, &list, sizeof list, JET_ObjInfoListNoStats));
    unsigned seen = 0;
    for (JET_ERR err = JET_errSuccess; err >= JET_errSuccess; err = JetMove(t.ses, list.tableid, JET_MoveNext, 0)) {
        JET_OBJECTINFO info;
        const char *name = testapi_get(t.ses, list.tableid, list.columnidobjectname);
        seen += strcmp(name, "half") == 0 || strcmp(name, "MSysObjects") == 0;
        CHECK_OK(
            JetGetObjectInfo(t.ses, t.db, JET_objtypTable, "Tables", name, &info, sizeof info, JET_ObjInfoNoStats));
        CU_ASSERT_EQUAL(info.objtyp, JET_objtypTable);
    }
    CU_ASSERT_EQUAL(seen, 2);
    CU_ASSERT_EQUAL(testapi_count(t.ses, list.tableid), list.cRecord);
    end();
}

static void tables__can_be_kept_from_other_sessions(void) {
    begin();
    JET_SESID two;
    JET_DBID db;
    JET_TABLEID a, b;

    CHECK_OK(JetCloseTable(t.ses, testapi_table(&t, "t")));
    CHECK_OK(JetDupSession(t.ses, &two));
    CHECK_ERR(JetOpenTable(two, t.db, "t", NULL, 0, 0, &b), JET_errInvalidDatabaseId); /* nothing is taken over */
    CHECK_OK(JetOpenDatabase(two, testapi_path(&t, "x.edb"), NULL, &db, JET_bitDbReadOnly));
    CHECK_OK(JetOpenTable(t.ses, t.db, "t", NULL, 0, JET_bitTableDenyRead, &a));
    CHECK_ERR(JetOpenTable(two, db, "t", NULL, 0, 0, &b), JET_errTableLocked);
    CHECK_OK(JetCloseTable(t.ses, a));
    CHECK_OK(JetOpenTable(t.ses, t.db, "t", NULL, 0, JET_bitTableDenyWrite, &a));
    CHECK_OK(
        JetOpenTable(two, db, "t", NULL, 0, JET_bitTableSequential | JET_bitTableTryPurgeOnClose, &b)); /* reads only */
    CHECK_ERR(JetPrepareUpdate(two, b, JET_prepInsert), JET_errPermissionDenied);
    CHECK_ERR(JetDelete(two, b), JET_errPermissionDenied);
    CHECK_ERR(JetCreateTable(two, db, "n", 1, 80, &b), JET_errPermissionDenied);
    CHECK_ERR(JetDeleteTable(two, db, "t"), JET_errPermissionDenied);
    CHECK_ERR(JetMove(two, a, 0, 0), JET_errSesidTableIdMismatch);
    CHECK_OK(JetOpenDatabase(two, testapi_path(&t, "x.edb"), NULL, &db, 0)); /* now for writing too */
    CHECK_ERR(JetOpenTable(two, db, "t", NULL, 0, JET_bitTableUpdatable, &b), JET_errTableLocked);
    CHECK_OK(JetCloseTable(t.ses, a));
    CHECK_OK(JetOpenTable(two, db, "t", NULL, 0, JET_bitTableUpdatable, &b));
    CHECK_OK(testapi_insert(two, b, 1, "x"));
    end();
}

TEST_MAIN(TEST(keys__of_several_columns_order_the_table), TEST(unicode__text_is_kept_and_sorted_without_regard_to_case),
          TEST(seek__finds_the_neighbour_that_was_asked_for), TEST(range__limits_moves_until_it_is_left),
          TEST(bookmarks__lead_back_and_say_when_the_record_is_gone),
          TEST(heap__tables_without_a_key_keep_the_order_of_insertion),
          TEST(transactions__nest_and_roll_back_level_by_level),
          TEST(snapshots__show_one_moment_and_the_first_writer_wins), TEST(schema__changes_are_part_of_the_transaction),
          TEST(creation__of_a_table_that_fails_leaves_nothing), TEST(tables__can_be_kept_from_other_sessions))
