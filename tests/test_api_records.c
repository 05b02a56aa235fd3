/* Values of records through the public API: column types, defaults, counters, several values, long ones. */
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

static JET_ERR set_tag(JET_TABLEID table, JET_COLUMNID column, uint32_t itag, const char *value, JET_GRBIT grbit) {
    JET_SETINFO info = {.cbStruct = sizeof info, .itagSequence = itag};
    return JetSetColumn(t.ses, table, column, value, value ? (uint32_t)strlen(value) : 0, grbit, &info);
}

static const char *get_tag(JET_TABLEID table, JET_COLUMNID column, uint32_t itag, JET_GRBIT grbit) {
    static char ring[4][256];
    static unsigned next;
    char *out = ring[next++ % 4];
    uint32_t actual = 0;
    JET_RETINFO info = {.cbStruct = sizeof info, .itagSequence = itag};
    JET_ERR err = JetRetrieveColumn(t.ses, table, column, out, 255, &actual, grbit, &info);
    CHECK_OK(err < 0 ? err : JET_errSuccess);
    if (err == JET_wrnColumnNull)
        return "(null)";
    out[actual] = 0;
    return out;
}

/* ---- columns ---- */

static const struct {
    const char *name;
    JET_COLTYP type;
    JET_GRBIT grbit;
    uint32_t cp, bytes;
    const char *value;
} kinds[] = {
    {"Bit", JET_coltypBit, 0, 0, 1, "\xff"},
    {"UnsignedByte", JET_coltypUnsignedByte, 0, 0, 1, "\x81"},
    {"Short", JET_coltypShort, 0, 0, 2, "\x01\x82"},
    {"Long", JET_coltypLong, 0, 0, 4, "\x01\x02\x03\x84"},
    {"Currency", JET_coltypCurrency, 0, 0, 8, "\x01\x02\x03\x04\x05\x06\x07\x88"},
    {"Single", JET_coltypIEEESingle, 0, 0, 4, "\x00\x00\xc0\xbf"},
    {"Double", JET_coltypIEEEDouble, 0, 0, 8, "\x00\x00\x00\x00\x00\x00\xf8\xbf"},
    {"DateTime", JET_coltypDateTime, 0, 0, 8, "\x00\x00\x00\x00\x00\xe1\xe5\x40"},
    {"UnsignedLong", JET_coltypUnsignedLong, 0, 0, 4, "\xff\xff\xff\xff"},
    {"LongLong", JET_coltypLongLong, 0, 0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f"},
    {"GUID", JET_coltypGUID, 0, 0, 16, "0123456789abcdef"},
    {"UnsignedShort", JET_coltypUnsignedShort, 0, 0, 2, "\xff\xfe"},
    {"UnsignedLongLong", JET_coltypUnsignedLongLong, 0, 0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff"},
    {"Binary", JET_coltypBinary, 0, 0, 5, "\0\1\2\0\xff"},
    {"FixedBinary", JET_coltypBinary, JET_bitColumnFixed, 0, 6, "\5\4\3\2\1\0"},
    {"Text", JET_coltypText, 0, 1252, 4, "Gr\xfc\xdf"},
    {"Unicode", JET_coltypText, 0, 1200, 8, "G\0r\0\xfc\0\xdf\0"},
    {"LongBinary", JET_coltypLongBinary, 0, 0, 7, "\1\0\2\0\3\0\4"},
    {"LongText", JET_coltypLongText, 0, 1252, 9, "long text"},
    {"LongUnicode", JET_coltypLongText, 0, 1200, 6, "l\0o\0n\0"},
    {"TaggedLong", JET_coltypLong, JET_bitColumnTagged, 0, 4, "\x01\x02\x03\x04"},
    {"TaggedText", JET_coltypText, JET_bitColumnTagged, 1252, 3, "tag"},
    {"TaggedBit", JET_coltypBit, JET_bitColumnTagged, 0, 1, "\xff"},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static JET_TABLEID table_of_all_kinds(JET_COLUMNID id[KINDS]) {
    JET_COLUMNCREATE columns[KINDS];
    for (unsigned i = 0; i < KINDS; i++)
        columns[i] = (JET_COLUMNCREATE){.cbStruct = sizeof columns[0],
                                        .szColumnName = (char *)kinds[i].name,
                                        .coltyp = kinds[i].type,
                                        .grbit = kinds[i].grbit,
                                        .cp = kinds[i].cp,
                                        .cbMax = kinds[i].grbit & JET_bitColumnFixed ? kinds[i].bytes : 0};
    JET_TABLEID table = testapi_make_table(&t, "kinds", columns, KINDS, "+Long\0", 7);
    for (unsigned i = 0; i < KINDS; i++)
        id[i] = columns[i].columnid;
    return table;
}

static void columns__of_every_type_give_back_what_was_set(void) {
    begin();
    JET_COLUMNID id[KINDS];
    JET_TABLEID table = table_of_all_kinds(id);

    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    for (unsigned i = 0; i < KINDS; i++)
        set(table, id[i], kinds[i].value, kinds[i].bytes);
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert)); /* a record of NULLs */
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    for (int round = 0; round < 2; round++) {
        CHECK_OK(JetMove(t.ses, table, round == 0 ? JET_MoveLast : (int32_t)JET_MoveFirst, 0));
        for (unsigned i = 0; i < KINDS; i++) {
            uint8_t got[64];
            uint32_t actual = 77;
            CHECK_ERR(JetRetrieveColumn(t.ses, table, id[i], got, sizeof got, &actual, 0, NULL),
                      round == 0 ? JET_errSuccess : JET_wrnColumnNull);
            CU_ASSERT_EQUAL(actual, round == 0 ? kinds[i].bytes : 0);
            CU_ASSERT(round == 1 || memcmp(got, kinds[i].value, kinds[i].bytes) == 0);
        }
    }
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void columns__are_described_as_they_were_made(void) {
    begin();
    JET_COLUMNID id[KINDS];
    JET_TABLEID table = table_of_all_kinds(id);

    for (unsigned i = 0; i < KINDS; i++) {
        JET_COLUMNDEF def, by_id;
        JET_COLUMNBASE base, base_by_id;
        CHECK_OK(JetGetTableColumnInfo(t.ses, table, kinds[i].name, &def, sizeof def, JET_ColInfo));
        CHECK_OK(JetGetTableColumnInfo(t.ses, table, (char *)&id[i], &by_id, sizeof by_id, JET_ColInfoByColid));
        CHECK_OK(JetGetTableColumnInfo(t.ses, table, kinds[i].name, &base, sizeof base, JET_ColInfoBase));
        CHECK_OK(JetGetTableColumnInfo(t.ses, table, (char *)&id[i], &base_by_id, sizeof base_by_id,
                                       JET_ColInfoBaseByColid));
        CU_ASSERT_EQUAL(memcmp(&def, &by_id, sizeof def), 0);
        CU_ASSERT_EQUAL(memcmp(&base, &base_by_id, sizeof base), 0);
        CU_ASSERT_EQUAL(def.cbStruct, sizeof def);
        CU_ASSERT_EQUAL(def.columnid, id[i]);
        CU_ASSERT_EQUAL(def.coltyp, kinds[i].type);
        CU_ASSERT_EQUAL(def.cp, kinds[i].cp);
        CU_ASSERT_EQUAL(def.grbit & JET_bitColumnTagged, kinds[i].grbit & JET_bitColumnTagged ||
                                                                 kinds[i].type == JET_coltypLongBinary ||
                                                                 kinds[i].type == JET_coltypLongText
                                                             ? JET_bitColumnTagged
                                                             : 0);
        CU_ASSERT_STRING_EQUAL(base.szBaseColumnName, kinds[i].name);
        CU_ASSERT_STRING_EQUAL(base.szBaseTableName, "kinds");
    }
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void column_lists__name_every_column_once_in_order(void) {
    begin();
    JET_COLUMNID id[KINDS];
    JET_TABLEID table = table_of_all_kinds(id);
    static const uint32_t levels[] = {JET_ColInfoList, JET_ColInfoListSortColumnid, JET_ColInfoListCompact,
                                      JET_ColInfoList | JET_ColInfoGrbitSortByColumnid,
                                      JET_ColInfoList | JET_ColInfoGrbitMinimalInfo |
                                          JET_ColInfoGrbitNonDerivedColumnsOnly};

    for (unsigned k = 0; k < sizeof levels / sizeof levels[0]; k++) {
        JET_COLUMNLIST list;
        JET_COLUMNDEF def;
        CHECK_OK(JetGetTableColumnInfo(t.ses, table, NULL, &list, sizeof list, levels[k]));
        CU_ASSERT_EQUAL(list.cbStruct, sizeof list);
        CU_ASSERT_EQUAL(list.cRecord, KINDS);
        CHECK_OK(JetGetTableColumnInfo(t.ses, list.tableid, (char *)&list.columnidcolumnname, &def, sizeof def,
                                       JET_ColInfoByColid));
        CU_ASSERT_EQUAL(def.coltyp, JET_coltypText);
        CU_ASSERT_EQUAL(testapi_count(t.ses, list.tableid), KINDS);
        char last_name[64] = "";
        uint32_t last_id = 0;
        for (JET_ERR err = JetMove(t.ses, list.tableid, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
             err = JetMove(t.ses, list.tableid, JET_MoveNext, 0)) {
            uint32_t column = 0;
            const char *name = testapi_get(t.ses, list.tableid, list.columnidcolumnname);
            CHECK_OK(JetRetrieveColumn(t.ses, list.tableid, list.columnidcolumnid, &column, 4, NULL, 0, NULL));
            CU_ASSERT(k == 1 || k == 3 ? column > last_id : strcasecmp(name, last_name) > 0);
            last_id = column;
            snprintf(last_name, sizeof last_name, "%s", name);
            CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, list.tableid, list.columnidBaseTableName),
                                   k == 4 ? "(null)" : "kinds");
            CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, list.tableid, list.columnidDefinitionName),
                                   k == 4 ? "(null)" : name);
        }
        CHECK_ERR(JetSetIndexRange(t.ses, list.tableid, JET_bitRangeRemove), JET_errInvalidOnSort);
        CHECK_ERR(JetPrepareUpdate(t.ses, list.tableid, JET_prepInsert), JET_errInvalidOnSort);
        CHECK_OK(JetCloseTable(t.ses, list.tableid));
        CHECK_ERR(JetMove(t.ses, list.tableid, JET_MoveNext, 0), JET_errInvalidTableId);
    }
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void defaults__are_seen_until_a_value_or_null_is_set(void) {
    begin();
    int32_t seven = 7, got = 0;
    uint32_t actual;
    JET_COLUMNCREATE columns[] = {COLUMN("id", Long, JET_bitColumnNotNULL), COLUMN("n", Long, 0), COLUMN("s", Text, 0),
                                  COLUMN("l", LongText, 0)};
    columns[1].pvDefault = &seven, columns[1].cbDefault = 4;
    columns[2].pvDefault = "some", columns[2].cbDefault = 4;
    columns[3].pvDefault = "longer", columns[3].cbDefault = 6;
    JET_TABLEID table = TABLE("d", columns, "+id\0");
    JET_COLUMNID n = columns[1].columnid, s = columns[2].columnid, l = columns[3].columnid;

    for (int32_t id = 1; id <= 2; id++) {
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
        set(table, columns[0].columnid, &id, 4);
        if (id == 2)
            set(table, n, NULL, 0), set(table, s, NULL, 0), set(table, l, NULL, 0);
        CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    }
    CHECK_OK(testapi_seek(t.ses, table, 1));
    CHECK_OK(JetRetrieveColumn(t.ses, table, n, &got, 4, NULL, 0, NULL));
    CU_ASSERT_EQUAL(got, 7);
    CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, s), "some");
    CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, l), "longer");
    CHECK_ERR(JetRetrieveColumn(t.ses, table, l, NULL, 0, &actual, JET_bitRetrieveIgnoreDefault, NULL),
              JET_wrnColumnNull);
    CHECK_OK(testapi_seek(t.ses, table, 2));
    CHECK_ERR(JetRetrieveColumn(t.ses, table, n, &got, 4, NULL, 0, NULL), JET_wrnColumnNull);
    CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, s), "(null)");
    CU_ASSERT_STRING_EQUAL(testapi_get(t.ses, table, l), "(null)");
    /* a column that comes later has its default in the records that are there */
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypShort};
    int16_t nine = 9, short_got = 0;
    JET_COLUMNID later;
    CHECK_OK(JetAddColumn(t.ses, table, "later", &def, &nine, 2, &later));
    CHECK_OK(testapi_seek(t.ses, table, 2));
    CHECK_OK(JetRetrieveColumn(t.ses, table, later, &short_got, 2, NULL, 0, NULL));
    CU_ASSERT_EQUAL(short_got, 9);
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void not_null__columns_must_get_a_value(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t");
    int32_t id = 3;

    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errNullInvalid);
    CHECK_ERR(JetSetColumn(t.ses, table, TESTAPI_ID, NULL, 0, 0, NULL), JET_errNullInvalid);
    set(table, TESTAPI_ID, &id, 4); /* it is still prepared */
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 3), "(null)");
    end();
}

static void counters__autoincrement_and_version_are_kept_by_the_engine(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("auto", Long, JET_bitColumnAutoincrement),
                                  COLUMN("version", Long, JET_bitColumnVersion), COLUMN("s", Text, 0)};
    JET_TABLEID table = TABLE("c", columns, "+auto\0");
    JET_COLUMNID automatic = columns[0].columnid, version = columns[1].columnid;
    int32_t got, before = 0;

    for (int i = 0; i < 5; i++) {
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
        CHECK_OK(JetRetrieveColumn(t.ses, table, automatic, &got, 4, NULL, JET_bitRetrieveCopy, NULL));
        CU_ASSERT(got > before);
        before = got;
        CHECK_ERR(JetSetColumn(t.ses, table, automatic, &got, 4, 0, NULL), JET_errInvalidColumnType);
        if (i == 2)
            CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepCancel));
        else
            CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    }
    CU_ASSERT_EQUAL(testapi_count(t.ses, table), 4);
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    for (int32_t i = 0; i < 3; i++) {
        CHECK_OK(JetRetrieveColumn(t.ses, table, version, &got, 4, NULL, 0, NULL));
        CU_ASSERT_EQUAL(got, i);
        CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepReplace));
        CHECK_ERR(JetSetColumn(t.ses, table, version, &got, 4, 0, NULL), JET_errInvalidColumnType);
        CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    }
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsertCopy));
    CHECK_OK(JetRetrieveColumn(t.ses, table, automatic, &got, 4, NULL, JET_bitRetrieveCopy, NULL));
    CU_ASSERT(got > before);
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void tagged__columns_hold_many_values(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("id", Long, 0),
                                  COLUMN("many", Text, JET_bitColumnTagged | JET_bitColumnMultiValued),
                                  COLUMN("other", Long, JET_bitColumnTagged)};
    JET_TABLEID table = TABLE("m", columns, "+id\0");
    JET_COLUMNID many = columns[1].columnid, other = columns[2].columnid;
    int32_t id = 1;

    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    set(table, columns[0].columnid, &id, 4);
    set(table, other, &id, 4);
    for (int i = 0; i < 3; i++)
        CHECK_OK(set_tag(table, many, 0, i == 0 ? "a" : i == 1 ? "b" : "c", 0));
    CHECK_ERR(set_tag(table, many, 0, "b", JET_bitSetUniqueMultiValues), JET_errMultiValuedDuplicate);
    CHECK_ERR(set_tag(table, many, 0, "B", JET_bitSetUniqueNormalizedMultiValues), JET_errMultiValuedDuplicate);
    CHECK_OK(set_tag(table, many, 0, "B", JET_bitSetUniqueMultiValues));
    CHECK_OK(set_tag(table, many, 2, NULL, 0)); /* removes b: c and B move up */
    CHECK_OK(set_tag(table, many, 1, "A", 0));
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 2, JET_bitRetrieveCopy), "c");
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 1, 0), "A");
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 2, 0), "c");
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 3, 0), "B");
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 4, 0), "(null)");
    JET_RETRIEVECOLUMN r[] = {
        {.columnid = many}, {.columnid = 0}, {.columnid = many, .itagSequence = 2, .pvData = &id, .cbData = 4}};
    CHECK_OK(JetRetrieveColumns(t.ses, table, r, 1));
    CU_ASSERT_EQUAL(r[0].itagSequence, 3);
    CHECK_OK(JetRetrieveColumns(t.ses, table, r + 2, 1));
    CU_ASSERT(r[2].cbActual == 1 && *(char *)&id == 'c');
    JET_RETINFO info = {.cbStruct = sizeof info};
    unsigned seen = 0;
    for (info.itagSequence = 1; info.itagSequence < 10; info.itagSequence++) { /* all tagged values of the record */
        JET_ERR err = JetRetrieveColumn(t.ses, table, 0, NULL, 0, NULL, 0, &info);
        if (info.columnidNextTagged == 0)
            break;
        CHECK_OK(err == JET_wrnBufferTruncated ? JET_errSuccess : err);
        CU_ASSERT_EQUAL(info.columnidNextTagged, seen < 3 ? many : other);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 4);
    CHECK_OK(JetRetrieveColumns(t.ses, table, r + 1, 1));
    CU_ASSERT_EQUAL(r[1].itagSequence, 4);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepReplace));
    CHECK_OK(JetSetColumn(t.ses, table, many, NULL, 0, JET_bitSetRevertToDefaultValue, NULL));
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CU_ASSERT_STRING_EQUAL(get_tag(table, many, 1, 0), "(null)");
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void long_values__are_written_and_read_in_parts(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("id", Long, 0), COLUMN("l", LongBinary, 0)};
    JET_TABLEID table = TABLE("l", columns, "+id\0");
    JET_COLUMNID l = columns[1].columnid;
    JET_SETINFO at = {.cbStruct = sizeof at, .ibLongValue = 6, .itagSequence = 1};
    char buffer[64] = {0};
    uint32_t actual;

    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    CHECK_OK(JetSetColumn(t.ses, table, l, "hello ", 6, JET_bitSetAppendLV, NULL));
    CHECK_OK(JetSetColumn(t.ses, table, l, "world", 5, JET_bitSetAppendLV, NULL));
    CHECK_OK(JetSetColumn(t.ses, table, l, "W", 1, JET_bitSetOverwriteLV, &at));
    CHECK_OK(JetRetrieveColumn(t.ses, table, l, buffer, sizeof buffer, &actual, JET_bitRetrieveCopy, NULL));
    CU_ASSERT(actual == 11 && memcmp(buffer, "hello World", 11) == 0);
    CHECK_OK(JetSetColumn(t.ses, table, l, "!", 1, JET_bitSetOverwriteLV | JET_bitSetSizeLV, &at));
    CHECK_OK(JetSetColumn(t.ses, table, l, NULL, 9, JET_bitSetSizeLV, NULL));
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0));
    CHECK_OK(JetRetrieveColumn(t.ses, table, l, buffer, sizeof buffer, &actual, 0, NULL));
    CU_ASSERT(actual == 9 && memcmp(buffer, "hello !\0\0", 9) == 0);
    JET_RETINFO from = {.cbStruct = sizeof from, .ibLongValue = 4, .itagSequence = 1};
    CHECK_ERR(JetRetrieveColumn(t.ses, table, l, buffer, 2, &actual, 0, &from), JET_wrnBufferTruncated);
    CU_ASSERT(actual == 5 && memcmp(buffer, "o ", 2) == 0);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepReplace));
    static char big[8192];
    CHECK_ERR(JetSetColumn(t.ses, table, l, big, sizeof big, 0, NULL), JET_errRecordTooBig);
    CHECK_ERR(JetSetColumn(t.ses, table, l, NULL, UINT32_MAX, JET_bitSetSizeLV, NULL), JET_errRecordTooBig);
    CHECK_ERR(JetSetColumn(t.ses, table, l, "x", 1, JET_bitSetAppendLV | JET_bitSetSizeLV, NULL), JET_errInvalidGrbit);
    CHECK_ERR(JetSetColumn(t.ses, table, l, "x", 1, JET_bitSetSeparateLV, NULL), JET_errFeatureNotAvailable);
    CHECK_OK(JetSetColumn(t.ses, table, l, big, 4096, 0, NULL));
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errRecordTooBig);
    CHECK_OK(JetSetColumn(t.ses, table, l, big, 2000, 0, NULL));
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void text__that_is_too_long_for_its_column_is_cut_with_a_warning(void) {
    begin();
    JET_COLUMNCREATE columns[] = {COLUMN("id", Long, 0), COLUMN("v", Text, 0), COLUMN("f", Text, JET_bitColumnFixed),
                                  COLUMN("g", Binary, JET_bitColumnTagged), COLUMN("u", Text, 0)};
    columns[1].cbMax = 3, columns[2].cbMax = 3, columns[3].cbMax = 3, columns[4].cbMax = 5, columns[4].cp = 1200;
    JET_TABLEID table = TABLE("s", columns, "+id\0");

    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsert));
    for (unsigned i = 1; i < 4; i++) {
        CHECK_ERR(JetSetColumn(t.ses, table, columns[i].columnid, "abcd", 4, 0, NULL), JET_wrnColumnMaxTruncated);
        CU_ASSERT_STRING_EQUAL(get_tag(table, columns[i].columnid, 1, JET_bitRetrieveCopy), "abc");
    }
    CHECK_ERR(JetSetColumn(t.ses, table, columns[4].columnid, "a\0b\0c\0", 6, 0, NULL), JET_wrnColumnMaxTruncated);
    uint32_t actual;
    CHECK_OK(
        JetRetrieveColumn(t.ses, table, columns[4].columnid, NULL, 0, &actual, JET_bitRetrieveCopy, NULL) > 0 ? 0 : -1);
    CU_ASSERT_EQUAL(actual, 4);
    CHECK_OK(JetSetColumn(t.ses, table, columns[2].columnid, "x", 1, 0, NULL));
    CU_ASSERT_STRING_EQUAL(get_tag(table, columns[2].columnid, 1, JET_bitRetrieveCopy), "x  ");
    CHECK_ERR(JetSetColumn(t.ses, table, columns[0].columnid, "12345", 5, 0, NULL), JET_errInvalidBufferSize);
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetCloseTable(t.ses, table));
    end();
}

static void copies__of_a_record_become_a_new_one_or_take_its_place(void) {
    begin();
    JET_TABLEID table = testapi_table(&t, "t");
    int32_t two = 2, three = 3;

    testapi_put(&t, table, 1, "one");
    CHECK_OK(testapi_seek(t.ses, table, 1));
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsertCopy));
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errKeyDuplicate);
    set(table, TESTAPI_ID, &two, 4);
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepReplace));
    set(table, TESTAPI_ID, &three, 4);
    CHECK_ERR(JetUpdate(t.ses, table, NULL, 0, NULL), JET_errRecordPrimaryChanged);
    CHECK_ERR(JetPrepareUpdate(t.ses, table, JET_prepReplace), JET_errAlreadyPrepared);
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepCancel));
    CHECK_OK(JetPrepareUpdate(t.ses, table, JET_prepInsertCopyDeleteOriginal));
    set(table, TESTAPI_ID, &three, 4);
    CHECK_OK(JetUpdate(t.ses, table, NULL, 0, NULL));
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 1), "-");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 2), "one");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, table, 3), "one");
    CHECK_ERR(JetPrepareUpdate(t.ses, table, JET_prepReadOnlyCopy), JET_errFeatureNotAvailable);
    CHECK_ERR(JetPrepareUpdate(t.ses, table, 99), JET_errInvalidParameter);
    end();
}

TEST_MAIN(TEST(columns__of_every_type_give_back_what_was_set), TEST(columns__are_described_as_they_were_made),
          TEST(column_lists__name_every_column_once_in_order), TEST(defaults__are_seen_until_a_value_or_null_is_set),
          TEST(not_null__columns_must_get_a_value), TEST(counters__autoincrement_and_version_are_kept_by_the_engine),
          TEST(tagged__columns_hold_many_values), TEST(long_values__are_written_and_read_in_parts),
          TEST(text__that_is_too_long_for_its_column_is_cut_with_a_warning),
          TEST(copies__of_a_record_become_a_new_one_or_take_its_place))
