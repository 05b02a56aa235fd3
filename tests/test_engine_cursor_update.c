/* Updates through cursors: their steps, conflicts, numbers that the table gives, values, and who may. */
#include "tests/lib/testcursor.h"

/* ---- updates ---- */

static void update__goes_by_the_documented_steps(void) {
    begin(4096);
    struct cursor *c = number_table();
    int32_t value;

    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_long(c, 1, 77));
    CHECK_ERR(cursor_update(c, NULL), JET_errNotInTransaction);
    CHECK_OK(cursor_prepare(c, JET_prepCancel));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(set_long(c, 1, 1), JET_errUpdateNotPrepared);
    CHECK_ERR(cursor_update(c, NULL), JET_errUpdateNotPrepared);
    CHECK_ERR(cursor_prepare(c, JET_prepCancel), JET_errUpdateNotPrepared);
    CHECK_ERR(cursor_prepare(c, JET_prepReplace), JET_errNoCurrentRecord);
    CHECK_ERR(cursor_prepare(c, 77), JET_errInvalidParameter);
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_ERR(cursor_prepare(c, JET_prepInsert), JET_errAlreadyPrepared);
    CHECK_ERR(set_long(c, 0, 1), JET_errBadColumnId);
    CHECK_ERR(set_long(c, 65249, 1), JET_errBadColumnId);
    CHECK_ERR(set_long(c, 9, 1), JET_errColumnNotFound);
    CHECK_ERR(set(c, 1, "123", 3), JET_errInvalidBufferSize);
    CHECK_OK(set_long(c, 1, 7));
    CU_ASSERT_EQUAL(long_of(c, 1, JET_bitRetrieveCopy), 7);
    CHECK_ERR(get(c, 1, 0, &value, 4, NULL), JET_errNoCurrentRecord);
    CHECK_OK(cursor_update(c, NULL));
    insert(c, 8);

    CHECK_OK(seek(c, 7, JET_bitSeekEQ));
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(set_long(c, 2, 70));
    CU_ASSERT_EQUAL(long_of(c, 2, JET_bitRetrieveCopy), 70);
    CHECK_ERR(get(c, 2, 0, &value, 4, NULL), JET_wrnColumnNull);
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_EQUAL(long_of(c, 2, 0), 70);
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(set_long(c, 1, 9));
    CHECK_ERR(cursor_update(c, NULL), JET_errRecordPrimaryChanged);
    CHECK_OK(set_long(c, 1, 7)); /* still prepared */
    CHECK_OK(cursor_update(c, NULL));

    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_long(c, 1, 8));
    CHECK_ERR(cursor_update(c, NULL), JET_errKeyDuplicate);
    CHECK_OK(set_long(c, 1, 6));
    CHECK_OK(cursor_update(c, NULL));

    CHECK_OK(cursor_prepare(c, JET_prepReplace)); /* a move cancels */
    CHECK_OK(set_long(c, 2, 71));
    CHECK_OK(move(c, 0));
    CHECK_ERR(cursor_update(c, NULL), JET_errUpdateNotPrepared);
    CU_ASSERT_EQUAL(long_of(c, 2, 0), 70);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void insert_copy__starts_from_the_current_record(void) {
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert2(c, 1, 100));
    CHECK_OK(seek(c, 1, JET_bitSeekEQ));
    CHECK_OK(cursor_prepare(c, JET_prepInsertCopy));
    CHECK_ERR(cursor_update(c, NULL), JET_errKeyDuplicate);
    CHECK_OK(set_long(c, 1, 2));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_AT(c, 1);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 2);
    CU_ASSERT_EQUAL(long_of(c, 2, 0), 100);
    CHECK_OK(cursor_prepare(c, JET_prepInsertCopyDeleteOriginal));
    CHECK_OK(set_long(c, 1, 1));
    CHECK_ERR(cursor_update(c, NULL), JET_errKeyDuplicate);
    CHECK_AT(c, 2);
    CHECK_OK(set_long(c, 1, 5));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_AT_ERR(c, JET_errRecordDeleted);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 5);
    CU_ASSERT_EQUAL(long_of(c, 2, 0), 100);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void replace__conflicts_at_prepare_or_without_lock_at_update(void) {
    begin(4096);
    struct cursor *a = number_table(), *b;
    CHECK_OK(trx_begin(f.s[0], false));
    insert(a, 1);
    insert(a, 2);
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(cursor_open(f.s[1], db, "numbers", 0, &b));

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(move(a, FIRST));
    CHECK_OK(move(b, FIRST));
    CHECK_OK(cursor_prepare(a, JET_prepReplace));
    CHECK_ERR(cursor_prepare(b, JET_prepReplace), JET_errWriteConflict);
    CHECK_ERR(cursor_delete(b), JET_errWriteConflict);
    CHECK_OK(set_long(a, 2, 11));
    CHECK_OK(cursor_update(a, NULL));
    CHECK_OK(trx_commit(f.s[0], true));
    CU_ASSERT_EQUAL(long_of(b, 2, 0), 10);
    CHECK_ERR(cursor_prepare(b, JET_prepReplace), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[1], true));
    CU_ASSERT_EQUAL(long_of(b, 2, 0), 11);

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(cursor_prepare(a, JET_prepReplaceNoLock));
    CHECK_OK(cursor_prepare(b, JET_prepReplaceNoLock));
    CHECK_OK(set_long(a, 2, 12));
    CHECK_OK(set_long(b, 2, 13));
    CHECK_OK(cursor_update(b, NULL));
    CHECK_ERR(cursor_update(a, NULL), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_commit(f.s[1], true));
    CU_ASSERT_EQUAL(long_of(a, 2, 0), 13);
    CHECK_OK(trx_begin(f.s[0], false)); /* the prepared one began from what is no longer there */
    CHECK_ERR(cursor_update(a, NULL), JET_errWriteConflict);
    CHECK_OK(cursor_prepare(a, JET_prepCancel));
    CHECK_OK(trx_commit(f.s[0], true));

    cursor_close(b); /* two cursors of one session */
    CHECK_OK(cursor_open(f.s[0], db, "numbers", 0, &b));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(a, JET_prepReplace));
    CHECK_OK(cursor_delete(b));
    CHECK_OK(set_long(a, 2, 14));
    CHECK_ERR(cursor_update(a, NULL), JET_errRecordDeleted);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(a);
    cursor_close(b);
    end();
}

static void rollback__cancels_updates_of_its_levels_and_keeps_the_place(void) {
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    insert(c, 1);
    CHECK_OK(move(c, FIRST));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_rollback(f.s[0], false));
    cursor_after_rollback(c, session_level(f.s[0]));
    CHECK_OK(set_long(c, 1, 2));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(set_long(c, 2, 5));
    CHECK_OK(trx_rollback(f.s[0], false));
    cursor_after_rollback(c, session_level(f.s[0]));
    CHECK_ERR(cursor_update(c, NULL), JET_errUpdateNotPrepared);
    CHECK_AT(c, 1);
    CHECK_OK(trx_rollback(f.s[0], false));
    cursor_after_rollback(c, 0);
    CHECK_AT_ERR(c, JET_errRecordDeleted);
    cursor_close(c);
    end();
}

static void not_null_and_size__are_checked(void) {
    static const struct column_spec columns[] = {
        {.name = "id", .type = JET_coltypLong, .flags = COLUMN_NOT_NULL},
        {.name = "short", .type = JET_coltypText, .max = 3},
        {.name = "blob", .type = JET_coltypLongBinary},
    };
    static uint8_t big[40000];
    begin(4096);
    struct cursor *c = TABLE("t", columns, "+id\0");
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_ERR(cursor_update(c, NULL), JET_errNullInvalid);
    CHECK_ERR(set(c, 128, "four", 4), JET_wrnColumnMaxTruncated);
    CHECK_OK(set_long(c, 1, 1));
    JET_ERR err = set(c, 256, big, sizeof big);
    if (err >= JET_errSuccess)
        err = cursor_update(c, NULL);
    CHECK_ERR(err, JET_errRecordTooBig);
    CHECK_OK(set(c, 256, big, 0));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

/* ---- numbers that the table gives ---- */

static int32_t insert_auto(struct cursor *c, uint32_t auto_fid) {
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    int32_t value = long_of(c, auto_fid, JET_bitRetrieveCopy);
    CHECK_OK(cursor_update(c, NULL));
    return value;
}

static void autoincrement__gives_each_number_once(void) {
    static const struct column_spec columns[] = {
        {.name = "auto", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT},
        {.name = "x", .type = JET_coltypLong}};
    static const struct {
        const char *name, *key;
        size_t bytes;
    } tables[] = {
        {"ascending", "+auto\0\0", 7},
        {"descending", "-auto\0\0", 7},
        {"second", "+x\0+auto\0\0", 10},
        {"none", NULL, 0},
    };
    begin(4096);
    for (unsigned i = 0; i < 4; i++) {
        struct cursor *c = make_table(tables[i].name, columns, 2, tables[i].key, tables[i].bytes), *other;
        CHECK_OK(cursor_open(f.s[1], db, tables[i].name, 0, &other));
        CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(trx_begin(f.s[1], false));
        CU_ASSERT_EQUAL(insert_auto(c, 1), 1);
        CU_ASSERT_EQUAL(insert_auto(other, 1), 2);
        CU_ASSERT_EQUAL(insert_auto(c, 1), 3);
        CHECK_OK(cursor_prepare(c, JET_prepInsert));
        CHECK_ERR(set_long(c, 1, 50), JET_errInvalidColumnType);
        CHECK_OK(cursor_prepare(c, JET_prepCancel));
        CHECK_OK(trx_rollback(f.s[1], false));
        cursor_after_rollback(other, 0);
        CU_ASSERT_EQUAL(insert_auto(c, 1), 5);
        CHECK_OK(cursor_prepare(c, JET_prepInsertCopy));
        CU_ASSERT_EQUAL(long_of(c, 1, JET_bitRetrieveCopy), 6);
        CHECK_OK(cursor_update(c, NULL));
        CHECK_OK(cursor_prepare(c, JET_prepReplace));
        CHECK_ERR(set_long(c, 1, 50), JET_errInvalidColumnType);
        CHECK_OK(trx_commit(f.s[0], true));
        cursor_close(c);
        cursor_close(other);
    }
    db = testcat_check(&f, db);
    for (unsigned i = 0; i < 4; i++) { /* looked up anew, while an uncommitted row is there */
        struct cursor *c, *other;
        CHECK_OK(cursor_open(f.s[0], db, tables[i].name, 0, &c));
        CHECK_OK(cursor_open(f.s[1], db, tables[i].name, 0, &other));
        CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(trx_begin(f.s[1], false));
        CU_ASSERT_EQUAL(insert_auto(c, 1), 7);
        atomic_store(&db_tree_find(db, cursor_def_fdp(c))->next_auto, 0);
        CU_ASSERT_EQUAL(insert_auto(other, 1), 8);
        CHECK_OK(trx_rollback(f.s[0], false));
        CHECK_OK(trx_commit(f.s[1], true));
        cursor_close(c);
        cursor_close(other);
    }
    end();
}

static void autoincrement__ends_with_the_type(void) {
    static const struct column_spec columns[] = {
        {.name = "auto", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}};
    static const struct column_spec wide[] = {
        {.name = "auto", .type = JET_coltypCurrency, .flags = COLUMN_AUTO_INCREMENT}};
    begin(4096);
    struct cursor *c = TABLE("t", columns, "+auto\0");
    CHECK_OK(trx_begin(f.s[0], false));
    CU_ASSERT_EQUAL(insert_auto(c, 1), 1);
    atomic_store(&db_tree_find(db, cursor_def_fdp(c))->next_auto, INT32_MAX);
    CU_ASSERT_EQUAL(insert_auto(c, 1), INT32_MAX);
    CHECK_ERR(cursor_prepare(c, JET_prepInsert), JET_errOutOfAutoincrementValues);
    cursor_close(c);
    c = TABLE("wide", wide, "+auto\0");
    uint64_t value;
    atomic_store(&db_tree_find(db, cursor_def_fdp(c))->next_auto, (uint64_t)UINT32_MAX + 5);
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(get(c, 1, JET_bitRetrieveCopy, &value, 8, NULL));
    CU_ASSERT_EQUAL(value, (uint64_t)UINT32_MAX + 5);
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void version_column__counts_replaces(void) {
    static const struct column_spec columns[] = {{.name = "v", .type = JET_coltypLong, .flags = COLUMN_VERSION},
                                                 {.name = "x", .type = JET_coltypLong}};
    begin(4096);
    struct cursor *c = make_table("t", columns, 2, NULL, 0);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_EQUAL(long_of(c, 1, 0), 0);
    for (int32_t i = 1; i < 4; i++) {
        CHECK_OK(cursor_prepare(c, JET_prepReplace));
        CHECK_ERR(set_long(c, 1, 9), JET_errInvalidColumnType);
        CU_ASSERT_EQUAL(long_of(c, 1, JET_bitRetrieveCopy), i);
        CHECK_OK(cursor_update(c, NULL));
        CU_ASSERT_EQUAL(long_of(c, 1, 0), i);
    }
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(cursor_prepare(c, JET_prepCancel));
    CU_ASSERT_EQUAL(long_of(c, 1, 0), 3);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void table_without_primary__keeps_rows_in_the_order_of_insertion(void) {
    static const struct column_spec columns[] = {{.name = "x", .type = JET_coltypLong}};
    begin(4096);
    struct cursor *c = make_table("t", columns, 1, NULL, 0), *other;
    uint8_t bookmark[4] = {0, 0, 1, 0x2c}; /* 300 */
    int32_t x;

    CHECK_ERR(cursor_make_key(c, slice("abcd", 4), JET_bitNewKey), JET_errNoCurrentIndex);
    CHECK_ERR(cursor_set_range(c, 0), JET_errNoCurrentIndex);
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &other));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    for (x = 1; x <= 500; x++) {
        struct cursor *by = x % 2 ? c : other;
        CHECK_OK(cursor_prepare(by, JET_prepInsert));
        CHECK_OK(set_long(by, 1, x));
        CHECK_OK(cursor_update(by, NULL));
    }
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_commit(f.s[1], true));
    JET_ERR err = move(c, FIRST);
    for (x = 1; x <= 500; x++, err = move(c, 1)) {
        CHECK_OK(err);
        CU_ASSERT_EQUAL(long_of(c, 1, 0), x);
    }
    CHECK_OK(cursor_goto(c, slice(bookmark, 4)));
    CU_ASSERT_EQUAL(long_of(c, 1, 0), 300);
    CHECK_OK(cursor_make_key(c, slice(bookmark, 4), JET_bitNormalizedKey));
    CHECK_OK(cursor_seek(c, JET_bitSeekEQ));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(set_long(c, 1, -300));
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_EQUAL(long_of(c, 1, 0), -300);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    cursor_close(other);
    db = testcat_check(&f, db);
    CHECK_OK(cursor_open(f.s[0], db, "t", 0, &c));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    struct slice mark;
    CHECK_OK(cursor_update(c, &mark));
    CU_ASSERT_TRUE(mark.n == 4 && load_be32(mark.p) == 501);
    atomic_store(&db_tree_find(db, cursor_def_fdp(c))->next_key, UINT32_MAX);
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_ERR(cursor_update(c, NULL), JET_errOutOfSequentialIndexValues);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

/* ---- values ---- */

static void defaults__stand_for_what_is_absent(void) {
    static const uint8_t seven[4] = {7};
    static const struct column_spec columns[] = {
        {.name = "id", .type = JET_coltypLong},
        {.name = "fixed", .type = JET_coltypLong, .value = {seven, 4}},
        {.name = "var", .type = JET_coltypText, .value = {(const uint8_t *)"v", 1}},
        {.name = "tagged", .type = JET_coltypText, .tagged = true, .value = {(const uint8_t *)"t", 1}},
    };
    begin(4096);
    struct cursor *c = TABLE("t", columns, "+id\0");
    char text[8];
    uint32_t actual;
    uint16_t fid;

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CU_ASSERT_EQUAL(long_of(c, 2, JET_bitRetrieveCopy), 7);
    CHECK_OK(get(c, 256, JET_bitRetrieveCopy, text, 8, &actual));
    CU_ASSERT_TRUE(actual == 1 && text[0] == 't');
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_long(c, 1, 1));
    CHECK_OK(set(c, 2, NULL, 0));
    CHECK_OK(set(c, 128, NULL, 0));
    CHECK_OK(set(c, 256, NULL, 0));
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_EQUAL(long_of(c, 2, 0), 7);
    CHECK_OK(get(c, 128, 0, text, 8, &actual));
    CU_ASSERT_TRUE(actual == 1 && text[0] == 'v');
    CHECK_OK(get(c, 256, 0, text, 8, &actual));
    CU_ASSERT_TRUE(actual == 1 && text[0] == 't');
    CHECK_ERR(get(c, 256, JET_bitRetrieveIgnoreDefault, text, 8, &actual), JET_wrnColumnNull);
    CHECK_OK(move(c, 1));
    CHECK_ERR(get(c, 2, 0, text, 8, &actual), JET_wrnColumnNull);
    CHECK_ERR(get(c, 128, 0, text, 8, &actual), JET_wrnColumnNull);
    CHECK_ERR(get(c, 256, 0, text, 8, &actual), JET_wrnColumnNull);
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 256, .itag = 1, .grbit = JET_bitSetRevertToDefaultValue}));
    CHECK_OK(cursor_update(c, NULL));
    CHECK_OK(get(c, 256, 0, text, 8, &actual));

    CHECK_OK(cursor_add_column(
        c, &(struct cat_new_column){.name = "later", .type = JET_coltypLong, .default_value = slice(seven, 4)}, &fid));
    CU_ASSERT_EQUAL(long_of(c, fid, 0), 7);
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    CHECK_OK(set_long(c, fid, 8));
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_EQUAL(long_of(c, fid, 0), 8);
    CHECK_OK(move(c, -1));
    CU_ASSERT_EQUAL(long_of(c, fid, 0), 7);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static const struct column_spec values[] = {
    {.name = "id", .type = JET_coltypLong},
    {.name = "multi", .type = JET_coltypText, .tagged = true, .flags = COLUMN_MULTI_VALUED},
    {.name = "long", .type = JET_coltypLongBinary},
    {.name = "number", .type = JET_coltypLong, .tagged = true, .flags = COLUMN_MULTI_VALUED},
};

static JET_ERR set_tag(struct cursor *c, uint32_t fid, unsigned itag, const char *value, JET_GRBIT grbit) {
    return cursor_set(
        c, &(struct set_column){.fid = fid, .itag = itag, .value = slice(value, strlen(value)), .grbit = grbit});
}

static const char *get_tag(struct cursor *c, uint32_t fid, unsigned itag, JET_GRBIT grbit) {
    static char text[64];
    struct retrieve r = {.fid = fid, .grbit = grbit, .itag = itag, .out = text, .out_bytes = 63};
    JET_ERR err = cursor_retrieve(c, &r);
    if (err == JET_wrnColumnNull)
        return "-";
    CHECK_OK(err);
    text[r.actual] = 0;
    return text;
}

static void multi_values__are_numbered_from_one(void) {
    begin(16384);
    struct cursor *c = TABLE("t", values, "+id\0");
    struct retrieve r = {.fid = 256};

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_tag(c, 256, 0, "one", 0));
    CHECK_OK(set_tag(c, 256, 0, "two", 0));
    CHECK_OK(set_tag(c, 256, 7, "three", 0));
    CHECK_ERR(set_tag(c, 256, 0, "two", JET_bitSetUniqueMultiValues), JET_errMultiValuedDuplicate);
    CHECK_OK(set_tag(c, 256, 0, "TWO", JET_bitSetUniqueMultiValues));
    CHECK_ERR(set_tag(c, 256, 0, "tWo", JET_bitSetUniqueNormalizedMultiValues), JET_errMultiValuedDuplicate);
    CHECK_OK(set_tag(c, 256, 4, "four", JET_bitSetUniqueNormalizedMultiValues));
    CHECK_ERR(set_tag(c, 1, 2, "1234", 0), JET_errMultiValuedColumnMustBeTagged);
    CHECK_OK(set_tag(c, 258, 0, "1234", 0));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 256, 3, JET_bitRetrieveCopy), "three");
    CU_ASSERT_STRING_EQUAL(get_tag(c, 0, 5, JET_bitRetrieveCopy), "1234");
    CHECK_OK(cursor_update(c, NULL));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 256, 1, 0), "one");
    CU_ASSERT_STRING_EQUAL(get_tag(c, 256, 4, 0), "four");
    CU_ASSERT_STRING_EQUAL(get_tag(c, 256, 5, 0), "-");
    CHECK_OK(cursor_retrieve(c, &r));
    CU_ASSERT_EQUAL(r.itag, 4);
    CU_ASSERT_STRING_EQUAL(get_tag(c, 0, 4, 0), "four");
    CU_ASSERT_STRING_EQUAL(get_tag(c, 0, 5, 0), "1234");
    CU_ASSERT_STRING_EQUAL(get_tag(c, 0, 6, 0), "-");
    r = (struct retrieve){.fid = 0, .itag = 5};
    CHECK_ERR(cursor_retrieve(c, &r), JET_wrnBufferTruncated);
    CU_ASSERT_TRUE(r.next_fid == 258 && r.actual == 4);
    CHECK_ERR(get(c, 1, 0x80000000, NULL, 0, NULL), JET_errInvalidGrbit);
    CHECK_ERR(get(c, 99, 0, NULL, 0, NULL), JET_errColumnNotFound);
    CHECK_ERR(get(c, 65249, 0, NULL, 0, NULL), JET_errBadColumnId);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void long_value__can_be_set_and_read_in_parts(void) {
    begin(8192);
    struct cursor *c = TABLE("t", values, "+id\0");
    char text[16] = {0};
    uint32_t size = 3;

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_tag(c, 257, 1, "hello", JET_bitSetAppendLV));
    CHECK_OK(set_tag(c, 257, 1, " world", JET_bitSetAppendLV));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "hello world");
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 257, .itag = 1, .offset = 6, .value = slice("W", 1)}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "hello World");
    CHECK_OK(cursor_set(
        c, &(struct set_column){.fid = 257, .itag = 1, .value = slice("J", 1), .grbit = JET_bitSetOverwriteLV}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "Jello World");
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 257,
                                                .itag = 1,
                                                .offset = 5,
                                                .value = slice("!", 1),
                                                .grbit = JET_bitSetOverwriteLV | JET_bitSetSizeLV}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "Jello!");
    CHECK_OK(cursor_set(
        c, &(struct set_column){.fid = 257, .itag = 1, .value = slice(&size, 4), .grbit = JET_bitSetSizeLV}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "Jel");
    CHECK_ERR(set_tag(c, 1, 1, "1234", JET_bitSetAppendLV), JET_errInvalidGrbit);
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 257, .itag = 1, .offset = 5, .value = slice("x", 1)}));
    CHECK_OK(cursor_update(c, NULL));
    struct retrieve r = {.fid = 257, .itag = 1, .offset = 1, .out = text, .out_bytes = 3};
    CHECK_ERR(cursor_retrieve(c, &r), JET_wrnBufferTruncated);
    CU_ASSERT_EQUAL(r.actual, 5);
    CU_ASSERT_EQUAL(memcmp(text, "el\0", 3), 0);
    r.offset = 5;
    CHECK_OK(cursor_retrieve(c, &r));
    CU_ASSERT_TRUE(r.actual == 1 && text[0] == 'x');
    r.offset = 50;
    CHECK_OK(cursor_retrieve(c, &r));
    CU_ASSERT_EQUAL(r.actual, 0);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

/* ---- who may ---- */

static void deny_flags__keep_other_sessions_out(void) {
    begin(4096);
    struct cursor *a = number_table(), *b;
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", JET_bitTableDenyRead, &b), JET_errTableLocked);
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", JET_bitTableDenyWrite, &b), JET_errTableLocked);
    CHECK_OK(cursor_open(f.s[0], db, "numbers", JET_bitTableDenyRead, &b)); /* its own session's do not count */
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", JET_bitTableReadOnly, &a), JET_errTableLocked);
    cursor_close(a);
    cursor_close(b);
    CHECK_OK(cursor_open(f.s[0], db, "numbers", JET_bitTableDenyWrite | JET_bitTableReadOnly, &a));
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", 0, &b), JET_errTableLocked);
    CHECK_OK(cursor_open(f.s[1], db, "numbers", JET_bitTableReadOnly, &b));
    cursor_close(b);
    cursor_close(a);
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", JET_bitTablePermitDDL, &b), JET_errInvalidGrbit);
    CHECK_ERR(cursor_open(f.s[1], db, "numbers", 0x40000000, &b), JET_errInvalidGrbit);
    CHECK_ERR(cursor_open(f.s[1], db, "nothing", 0, &b), JET_errObjectNotFound);
    CHECK_ERR(cursor_open(f.s[1], db, "a!", 0, &b), JET_errInvalidName);
    end();
}

static void read_only__cursors_tables_and_databases_refuse_updates(void) {
    begin(4096);
    struct cursor *c = number_table();
    uint16_t fid;
    CHECK_OK(trx_begin(f.s[0], false));
    insert(c, 1);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);

    CHECK_OK(cursor_open(f.s[0], db, "numbers", JET_bitTableReadOnly, &c));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_AT(c, 1);
    CHECK_ERR(cursor_prepare(c, JET_prepInsert), JET_errPermissionDenied);
    CHECK_ERR(cursor_delete(c), JET_errPermissionDenied);
    cursor_close(c);
    CHECK_OK(cursor_open(f.s[0], db, "MSysObjids", 0, &c));
    CHECK_OK(move(c, LAST));
    CHECK_ERR(cursor_prepare(c, JET_prepReplace), JET_errPermissionDenied);
    CHECK_ERR(cursor_add_column(c, &(struct cat_new_column){.name = "x", .type = JET_coltypLong}, &fid),
              JET_errFixedDDL);
    cursor_close(c);
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(cursor_open(f.s[0], db, "numbers", 0, &c));
    CHECK_OK(trx_begin(f.s[0], true));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_long(c, 1, 2));
    CHECK_ERR(cursor_update(c, NULL), JET_errTransReadOnly);
    cursor_close(c);
    CHECK_OK(trx_commit(f.s[0], true));

    char path[OS_PATH_MAX];
    memcpy(path, db->path, sizeof path);
    testcat_detach(&f, db);
    db = testcat_attach(&f, path, true);
    CHECK_OK(cursor_open(f.s[0], db, "numbers", 0, &c));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_AT(c, 1);
    CHECK_ERR(cursor_prepare(c, JET_prepInsert), JET_errPermissionDenied);
    objid_t objid;
    CHECK_ERR(cat_create_table(f.s[0], db, "x", 1, 0, &objid), JET_errDatabaseFileReadOnly);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    testcat_free(&f);
}

TEST_MAIN(TEST(update__goes_by_the_documented_steps), TEST(insert_copy__starts_from_the_current_record),
          TEST(replace__conflicts_at_prepare_or_without_lock_at_update),
          TEST(rollback__cancels_updates_of_its_levels_and_keeps_the_place), TEST(not_null_and_size__are_checked),
          TEST(autoincrement__gives_each_number_once), TEST(autoincrement__ends_with_the_type),
          TEST(version_column__counts_replaces), TEST(table_without_primary__keeps_rows_in_the_order_of_insertion),
          TEST(defaults__stand_for_what_is_absent), TEST(multi_values__are_numbered_from_one),
          TEST(long_value__can_be_set_and_read_in_parts), TEST(deny_flags__keep_other_sessions_out),
          TEST(read_only__cursors_tables_and_databases_refuse_updates))
