/* The catalog: what a new database holds, and definitions as versioned changes. */
#include <strings.h>

#include "engine/cat_priv.h"
#include "tests/lib/testcat.h"

static const uint32_t page_sizes[] = {4096, 8192, 16384, 32768};
#define EACH_PAGE_SIZE(size)                                                                                           \
    for (unsigned size##_i = 0, size; size##_i < 4 && (size = page_sizes[size##_i], true); size##_i++)

/* ---- helpers ---- */

static struct table_def *find(struct session *s, struct db *db, const char *name) {
    struct table_def *def = NULL;
    CHECK_OK(cat_find_table(s, db, name, &def));
    return def;
}

static JET_ERR add(struct session *s, struct db *db, const char *table, const struct cat_new_column *column) {
    struct table_def *def = find(s, db, table);
    uint16_t fid;
    JET_ERR err = cat_add_column(s, db, def, column, &fid);
    table_def_free(def);
    return err;
}

static JET_ERR add_typed(struct session *s, struct db *db, const char *table, const char *name, JET_COLTYP type) {
    return add(s, db, table, &(struct cat_new_column){.name = name, .type = type});
}

static JET_ERR make_primary(struct session *s, struct db *db, const char *table, const char *key, size_t key_bytes) {
    struct table_def *def = find(s, db, table);
    JET_ERR err = cat_create_primary(
        s, db, def,
        &(struct cat_new_index){
            .name = "primary", .key = key, .key_bytes = key_bytes, .flags = INDEX_PRIMARY | INDEX_UNIQUE | 0xe});
    table_def_free(def);
    return err;
}
#define PRIMARY(s, db, table, key) make_primary((s), (db), (table), (key "\0"), sizeof(key "\0"))

static JET_ERR create(struct session *s, struct db *db, const char *name) {
    objid_t objid;
    return cat_create_table(s, db, name, 1, 0, &objid);
}

static bool exists(struct session *s, struct db *db, const char *name) {
    struct table_def *def = NULL;
    JET_ERR err = cat_find_table(s, db, name, &def);
    table_def_free(def);
    if (err != JET_errObjectNotFound)
        CHECK_OK(err);
    return err >= JET_errSuccess;
}

struct counted {
    unsigned count;
    char last[65];
};
static JET_ERR count_table(void *context, const struct cat_record *table) {
    struct counted *c = context;
    char name[65] = {0};
    memcpy(name, table->name.p, table->name.n);
    CU_ASSERT_TRUE(strcasecmp(name, c->last) > 0);
    memcpy(c->last, name, sizeof name);
    c->count++;
    return JET_errSuccess;
}

static unsigned tables(struct session *s, struct db *db) {
    struct counted c = {0};
    CHECK_OK(cat_each_table(s, db, count_table, &c));
    return c.count;
}

/* A row of random bytes in Text columns and what the table needs else. */
static void insert_rows(struct session *s, struct db *db, const char *table, unsigned count) {
    struct cursor *c;
    const struct table_def *def;

    CHECK_OK(trx_begin(s, false));
    CHECK_OK(cursor_open(s, db, table, 0, &c));
    CHECK_OK(cursor_table(c, &def));
    for (unsigned i = 0; i < count; i++) {
        char text[200];
        memset(text, 'a' + (int)(i % 26), sizeof text);
        CHECK_OK(cursor_prepare(c, JET_prepInsert));
        for (unsigned k = 0; k < def->column_count; k++) {
            struct set_column set = {.fid = def->columns[k].fid, .itag = 1};
            set.value = def->columns[k].type == JET_coltypLong ? slice(&i, 4) : slice(text, sizeof text);
            CHECK_OK(cursor_set(c, &set));
        }
        CHECK_OK(cursor_update(c, NULL));
    }
    cursor_close(c);
    CHECK_OK(trx_commit(s, true));
}

/* ---- a new database ---- */

static void new_database__is_clean_in_every_page_size(void) {
    EACH_PAGE_SIZE(size) {
        char name[32];
        snprintf(name, sizeof name, "new%u.edb", size);
        struct testcat f = testcat_new(size);
        struct db *db = testcat_create(&f, name);
        CU_ASSERT_EQUAL(tables(f.s[0], db), 4);
        db = testcat_check(&f, db);
        CU_ASSERT_EQUAL(tables(f.s[0], db), 4);
        testcat_free(&f);
    }
}

/* Node after node of one tree; those of user tables (key above the given one) are left out. */
static unsigned compare_trees(struct testcat *f, struct tree *ours, struct tree *theirs, const uint8_t *end,
                              size_t end_bytes) {
    static uint8_t data[2][PAGE_SIZE_MAX], key[2][KEY_BUFFER];
    size_t bytes[2], key_bytes[2] = {0, 0};

    for (unsigned count = 0;; count++) {
        JET_ERR a = cat_read_beside(f->s[0], ours, CAT_ABOVE, key[0], &key_bytes[0], data[0], &bytes[0]);
        JET_ERR b = cat_read_beside(f->s[0], theirs, CAT_ABOVE, key[1], &key_bytes[1], data[1], &bytes[1]);
        bool over = b >= JET_errSuccess && slice_compare(slice(key[1], key_bytes[1]), slice(end, end_bytes)) >= 0;
        if (a == JET_errNoCurrentRecord && (over || b == JET_errNoCurrentRecord))
            return count;
        CHECK_OK(a);
        CHECK_OK(b);
        CU_ASSERT_EQUAL_FATAL(slice_compare(slice(key[0], key_bytes[0]), slice(key[1], key_bytes[1])), 0);
        CU_ASSERT_EQUAL_FATAL(slice_compare(slice(data[0], bytes[0]), slice(data[1], bytes[1])), 0);
    }
}

static void new_database__holds_what_windows_writes(void) {
    static const struct {
        pgno_t fdp;
        unsigned count;
        bool by_table;
    } trees[] = {
        {4, 72, true}, {24, 72, true}, {7, 72, true}, {29, 6, true}, {30, 7, false},
    };
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    struct testcat f = testcat_new(4096);
    struct db *ours = testcat_create(&f, "new.edb"), *theirs = testcat_attach(&f, path, true);
    uint8_t end[KEY_BUFFER];
    size_t end_bytes;

    for (unsigned i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        struct tree *a, *b;
        objid_t objid = trees[i].fdp == 4 ? 2 : trees[i].fdp == 24 ? 3 : trees[i].fdp == 7 ? 4 : trees[i].fdp - 23;
        CHECK_OK(db_tree(ours, trees[i].fdp, objid, 0, &ours->root, &a));
        CHECK_OK(db_tree(theirs, trees[i].fdp, objid, 0, &theirs->root, &b));
        cat_key_id(8, 0, 0, end, &end_bytes);
        if (trees[i].by_table)
            CU_ASSERT_EQUAL(compare_trees(&f, a, b, end, 5), trees[i].count);
        if (!trees[i].by_table)
            CU_ASSERT_EQUAL(compare_trees(&f, a, b, (const uint8_t *)"\xff", 1), trees[i].count);
    }
    testcat_free(&f);
}

/* ---- tables ---- */

static void create_tables__two_hundred_of_them_read_the_same_after_attach(void) {
    struct testcat f = testcat_new(page_sizes[test_random_below(4)]);
    struct db *db = testcat_create(&f, "many.edb");
    char name[32];

    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "table%03u", i);
        if (i % 10 == 0)
            CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(create(f.s[0], db, name));
        CHECK_OK(add_typed(f.s[0], db, name, "id", JET_coltypLong));
        CHECK_OK(add_typed(f.s[0], db, name, "text", JET_coltypText));
        CHECK_OK(add(f.s[0], db, name,
                     &(struct cat_new_column){.name = "auto", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}));
        CHECK_OK(add(f.s[0], db, name,
                     &(struct cat_new_column){.name = "tagged",
                                              .type = JET_coltypText,
                                              .tagged = true,
                                              .code_page = 1200,
                                              .default_value = slice("d\0", 2)}));
        if (i % 2)
            CHECK_OK(PRIMARY(f.s[0], db, name, "+id\0-text\0"));
        if (i % 10 == 9)
            CHECK_OK(trx_commit(f.s[0], true));
    }
    db = testcat_check(&f, db);
    CU_ASSERT_EQUAL(tables(f.s[0], db), 204);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "TABLE%03u", i);
        struct table_def *def = find(f.s[0], db, name);
        CU_ASSERT_EQUAL(def->column_count, 4);
        CU_ASSERT_EQUAL(def->has_primary, i % 2 == 1);
        CU_ASSERT_EQUAL(table_column_by_name(def, "auto")->fid, 2);
        CU_ASSERT_EQUAL(table_column_by_name(def, "auto")->record_offset, 8);
        CU_ASSERT_EQUAL(table_column_by_name(def, "text")->fid, 128);
        CU_ASSERT_EQUAL(table_column_by_name(def, "tagged")->default_value.n, 2);
        if (def->has_primary)
            CU_ASSERT_TRUE(def->primary.segments[1].descending && def->primary.segments[1].fid == 128);
        table_def_free(def);
    }
    testcat_free(&f);
}

static void rollback__leaves_nothing_of_new_tables(void) {
    EACH_PAGE_SIZE(size) {
        struct testcat f = testcat_new(size);
        char file[32], name[32];
        snprintf(file, sizeof file, "rb%u.edb", size);
        struct db *db = testcat_create(&f, file);

        CHECK_OK(create(f.s[0], db, "kept"));
        CHECK_OK(trx_begin(f.s[0], false));
        for (unsigned i = 0; i < 50; i++) {
            snprintf(name, sizeof name, "gone%u", i);
            CHECK_OK(create(f.s[0], db, name));
            CHECK_OK(add_typed(f.s[0], db, name, "a", JET_coltypLong));
            CHECK_OK(PRIMARY(f.s[0], db, name, "+a\0"));
            if (i % 5 == 0)
                insert_rows(f.s[0], db, name, 60);
        }
        CHECK_OK(add_typed(f.s[0], db, "kept", "gone", JET_coltypLong));
        CU_ASSERT_EQUAL(tables(f.s[0], db), 55);
        CHECK_OK(trx_rollback(f.s[0], true));
        CU_ASSERT_EQUAL(tables(f.s[0], db), 5);
        struct table_def *def = find(f.s[0], db, "kept");
        CU_ASSERT_EQUAL(def->column_count, 0);
        table_def_free(def);
        db = testcat_check(&f, db);
        CHECK_OK(create(f.s[0], db, "gone1"));
        testcat_check(&f, db);
        testcat_free(&f);
    }
}

static void rollback__of_an_inner_level_keeps_what_was_before_it(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "inner.edb");

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(create(f.s[0], db, "outer"));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(create(f.s[0], db, "inner"));
    CHECK_OK(add_typed(f.s[0], db, "outer", "inner", JET_coltypLong));
    CHECK_OK(cat_delete_table(f.s[0], db, "inner"));
    CHECK_OK(trx_rollback(f.s[0], false));
    CHECK_OK(add_typed(f.s[0], db, "outer", "second", JET_coltypShort));
    CHECK_OK(trx_commit(f.s[0], false));
    CU_ASSERT_FALSE(exists(f.s[0], db, "inner"));
    struct table_def *def = find(f.s[0], db, "outer");
    CU_ASSERT_EQUAL(def->column_count, 1);
    CU_ASSERT_EQUAL(def->columns[0].fid, 1);
    table_def_free(def);
    testcat_check(&f, db);
    testcat_free(&f);
}

static void create_table__is_seen_by_others_after_commit_only(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "iso.edb");

    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(create(f.s[0], db, "t"));
    CU_ASSERT_TRUE(exists(f.s[0], db, "t"));
    CU_ASSERT_FALSE(exists(f.s[1], db, "t"));
    CU_ASSERT_FALSE(exists(f.s[2], db, "t"));
    CHECK_ERR(create(f.s[1], db, "T"), JET_errWriteConflict);
    CHECK_ERR(create(f.s[0], db, "T"), JET_errTableDuplicate);
    CHECK_OK(trx_commit(f.s[0], false));
    CU_ASSERT_FALSE(exists(f.s[1], db, "t"));
    CU_ASSERT_TRUE(exists(f.s[2], db, "t"));
    CHECK_ERR(create(f.s[1], db, "t"), JET_errWriteConflict);
    CHECK_OK(trx_rollback(f.s[1], false));
    CHECK_ERR(create(f.s[1], db, "t"), JET_errTableDuplicate);
    CU_ASSERT_TRUE(exists(f.s[1], db, "t"));
    testcat_check(&f, db);
    testcat_free(&f);
}

static void create_table__refuses_bad_arguments(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "bad.edb");
    objid_t objid;
    char longest[66];

    memset(longest, 'n', 65);
    longest[65] = 0;
    CHECK_ERR(create(f.s[0], db, ""), JET_errInvalidName);
    CHECK_ERR(create(f.s[0], db, " a"), JET_errInvalidName);
    CHECK_ERR(create(f.s[0], db, "a!b"), JET_errInvalidName);
    CHECK_ERR(create(f.s[0], db, longest), JET_errInvalidName);
    longest[64] = 0;
    CHECK_OK(create(f.s[0], db, longest));
    CHECK_ERR(cat_create_table(f.s[0], db, "d", 1, 19, &objid), JET_errDensityInvalid);
    CHECK_ERR(cat_create_table(f.s[0], db, "d", 1, 101, &objid), JET_errDensityInvalid);
    CHECK_ERR(create(f.s[0], db, "msysobjects"), JET_errTableDuplicate);
    CHECK_OK(trx_begin(f.s[0], true));
    CHECK_ERR(create(f.s[0], db, "readonly"), JET_errTransReadOnly);
    CHECK_OK(trx_rollback(f.s[0], false));
    CU_ASSERT_EQUAL(tables(f.s[0], db), 5);
    testcat_check(&f, db);
    testcat_free(&f);
}

static void delete_table__gives_its_space_back(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "del.edb");
    uint32_t pages = 0;

    for (unsigned round = 0; round < 12; round++) {
        objid_t objid;
        CHECK_OK(cat_create_table(f.s[0], db, "big", round % 2 ? 1 : 50, 0, &objid));
        CHECK_OK(add_typed(f.s[0], db, "big", "id", JET_coltypLong));
        CHECK_OK(add_typed(f.s[0], db, "big", "text", JET_coltypText));
        CHECK_OK(PRIMARY(f.s[0], db, "big", "+id\0"));
        insert_rows(f.s[0], db, "big", 1500);
        if (round == 3)
            pages = atomic_load(&db->page_count);
        CHECK_OK(cat_delete_table(f.s[0], db, "big"));
        CU_ASSERT_FALSE(exists(f.s[0], db, "big"));
        if (round % 6 == 5)
            db = testcat_check(&f, db);
    }
    CU_ASSERT_EQUAL(atomic_load(&db->page_count), pages);
    CU_ASSERT_EQUAL(tables(f.s[0], db), 4);
    testcat_free(&f);
}

static void delete_table__is_refused_while_open_and_for_system_tables(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "use.edb");
    struct cursor *c, *other;

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &c));
    CHECK_ERR(cat_delete_table(f.s[0], db, "t"), JET_errTableInUse);
    cursor_close(c);
    CHECK_OK(cursor_open(f.s[0], db, "t", 0, &c));
    CHECK_ERR(cat_delete_table(f.s[0], db, "t"), JET_errTableInUse);
    CHECK_OK(cursor_dup(c, &other));
    cursor_close(c);
    CHECK_ERR(cat_delete_table(f.s[0], db, "t"), JET_errTableInUse);
    cursor_close(other);
    CHECK_ERR(cat_delete_table(f.s[0], db, "none"), JET_errObjectNotFound);
    CHECK_ERR(cat_delete_table(f.s[0], db, "MSysObjects"), JET_errCannotDeleteSystemTable);
    CHECK_ERR(cat_delete_table(f.s[0], db, "MSysLocales"), JET_errCannotDeleteSystemTable);
    CHECK_OK(cat_delete_table(f.s[0], db, "t"));
    testcat_check(&f, db);
    testcat_free(&f);
}

static void delete_table__uncommitted_keeps_others_out(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "pend.edb");
    struct cursor *c;

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(add_typed(f.s[0], db, "t", "a", JET_coltypLong));
    insert_rows(f.s[0], db, "t", 10);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cat_delete_table(f.s[0], db, "t"));
    CHECK_ERR(cursor_open(f.s[1], db, "t", 0, &c), JET_errTableInUse);
    CHECK_ERR(cursor_open(f.s[0], db, "t", 0, &c), JET_errObjectNotFound);
    CHECK_ERR(cat_delete_table(f.s[1], db, "t"), JET_errWriteConflict);
    CHECK_OK(trx_rollback(f.s[0], false));
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &c));
    CHECK_OK(cursor_move(c, JET_MoveLast, 0));
    cursor_close(c);
    CHECK_OK(trx_begin(f.s[2], false)); /* a snapshot from before the deletion */
    CU_ASSERT_TRUE(exists(f.s[2], db, "t"));
    CHECK_OK(cat_delete_table(f.s[0], db, "t"));
    CU_ASSERT_TRUE(exists(f.s[2], db, "t"));
    CHECK_ERR(cursor_open(f.s[2], db, "t", 0, &c), JET_errTableInUse);
    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(trx_commit(f.s[2], false));
    CHECK_OK(cursor_open(f.s[2], db, "t", 0, &c));
    CHECK_ERR(cursor_move(c, (int32_t)JET_MoveFirst, 0), JET_errNoCurrentRecord);
    cursor_close(c);
    testcat_check(&f, db);
    testcat_free(&f);
}

/* ---- columns ---- */

static void add_column__checks_what_it_is_given(void) {
    static const struct {
        struct cat_new_column c;
        JET_ERR err;
    } cases[] = {
        {{.name = "x", .type = 0}, JET_errInvalidColumnType},
        {{.name = "x", .type = 13}, JET_errInvalidColumnType},
        {{.name = "x", .type = 19}, JET_errInvalidColumnType},
        {{.name = "A", .type = JET_coltypLong}, JET_errColumnDuplicate},
        {{.name = "x[", .type = JET_coltypLong}, JET_errInvalidName},
        {{.name = "x", .type = JET_coltypText, .code_page = 437}, JET_errInvalidCodePage},
        {{.name = "x", .type = JET_coltypLongText, .fixed = true}, JET_errInvalidGrbit},
        {{.name = "x", .type = JET_coltypText, .fixed = true, .tagged = true}, JET_errInvalidGrbit},
        {{.name = "x", .type = JET_coltypText, .tagged = true, .flags = COLUMN_NOT_NULL}, JET_errTaggedNotNULL},
        {{.name = "x", .type = JET_coltypText, .flags = COLUMN_MULTI_VALUED}, JET_errMultiValuedColumnMustBeTagged},
        {{.name = "x", .type = JET_coltypLong, .tagged = true, .flags = COLUMN_AUTO_INCREMENT}, JET_errCannotBeTagged},
        {{.name = "x", .type = JET_coltypShort, .flags = COLUMN_AUTO_INCREMENT}, JET_errInvalidGrbit},
        {{.name = "x", .type = JET_coltypCurrency, .flags = COLUMN_VERSION}, JET_errInvalidGrbit},
        {{.name = "x", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT | COLUMN_VERSION}, JET_errInvalidGrbit},
        {{.name = "x", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}, JET_errColumnRedundant},
        {{.name = "x", .type = JET_coltypLong, .flags = COLUMN_ESCROW}, JET_errFeatureNotAvailable},
        {{.name = "x", .type = JET_coltypText, .flags = COLUMN_COMPRESSED}, JET_errColumnCannotBeCompressed},
        {{.name = "x", .type = JET_coltypLong, .default_value = {(const uint8_t *)"123", 3}}, JET_errInvalidBufferSize},
        {{.name = "x", .type = JET_coltypText, .max_bytes = 2, .default_value = {(const uint8_t *)"123", 3}},
         JET_errDefaultValueTooBig},
        {{.name = "x", .type = JET_coltypText, .max_bytes = 256}, JET_wrnColumnMaxTruncated},
    };
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "col.edb");

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(add(f.s[0], db, "t",
                 &(struct cat_new_column){.name = "a", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}));
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_ERR(add(f.s[0], db, "t", &cases[i].c), cases[i].err);
    CHECK_ERR(add_typed(f.s[0], db, "MSysObjects", "x", JET_coltypLong), JET_errFixedDDL);
    struct table_def *def = find(f.s[0], db, "t");
    CU_ASSERT_EQUAL(def->column_count, 2);
    CU_ASSERT_EQUAL(table_column_by_name(def, "x")->max_bytes, 255);
    table_def_free(def);
    testcat_check(&f, db);
    testcat_free(&f);
}

static void add_column__ends_at_the_limits_of_each_class(void) {
    struct testcat f = testcat_new(32768);
    struct db *db = testcat_create(&f, "limit.edb");
    char name[32];

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(trx_begin(f.s[0], false));
    for (unsigned i = 0; i < 127; i++) {
        snprintf(name, sizeof name, "f%u", i);
        CHECK_OK(add_typed(f.s[0], db, "t", name, i % 2 ? JET_coltypBit : JET_coltypGUID));
    }
    CHECK_ERR(add_typed(f.s[0], db, "t", "f127", JET_coltypLong), JET_errTooManyColumns);
    for (unsigned i = 0; i < 128; i++) {
        snprintf(name, sizeof name, "v%u", i);
        CHECK_OK(add_typed(f.s[0], db, "t", name, i % 2 ? JET_coltypText : JET_coltypBinary));
    }
    CHECK_ERR(add_typed(f.s[0], db, "t", "v128", JET_coltypText), JET_errTooManyColumns);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "t%u", i);
        CHECK_OK(add_typed(f.s[0], db, "t", name, i % 2 ? JET_coltypLongText : JET_coltypLongBinary));
    }
    CHECK_OK(trx_commit(f.s[0], true));
    struct table_def *def = find(f.s[0], db, "t");
    CU_ASSERT_EQUAL(def->column_count, 127 + 128 + 60);
    CU_ASSERT_EQUAL(table_column(def, 127)->record_offset, 4 + 63 * 17);
    table_def_free(def);
    testcat_check(&f, db);
    testcat_free(&f);
}

static void add_column__keeps_fixed_columns_to_what_a_record_holds(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "wide.edb");
    char name[32];

    CHECK_OK(create(f.s[0], db, "wide"));
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < 127 && err >= JET_errSuccess; i++) {
        snprintf(name, sizeof name, "w%u", i);
        err = add(f.s[0], db, "wide",
                  &(struct cat_new_column){.name = name, .type = JET_coltypBinary, .fixed = true, .max_bytes = 255});
    }
    CU_ASSERT_EQUAL(err, JET_errRecordTooBig);
    insert_rows(f.s[0], db, "wide", 20);
    testcat_check(&f, db);
    testcat_free(&f);
}

static void add_column__by_two_at_once_conflicts(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "two.edb");

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(add_typed(f.s[0], db, "t", "a", JET_coltypLong));
    CHECK_ERR(add_typed(f.s[1], db, "t", "a", JET_coltypLong), JET_errWriteConflict);
    CHECK_ERR(add_typed(f.s[1], db, "t", "b", JET_coltypLong), JET_errWriteConflict);
    CHECK_ERR(add_typed(f.s[1], db, "t", "c", JET_coltypText), JET_errWriteConflict);
    CHECK_ERR(cat_delete_table(f.s[1], db, "t"), JET_errWriteConflict); /* would not see the column */
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_ERR(cat_delete_table(f.s[1], db, "t"), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[1], true));
    CHECK_OK(add_typed(f.s[1], db, "t", "c", JET_coltypText));
    struct table_def *def = find(f.s[2], db, "t");
    CU_ASSERT_EQUAL(def->column_count, 2);
    table_def_free(def);
    testcat_check(&f, db);
    testcat_free(&f);
}

/* ---- the primary index ---- */

static void create_primary__checks_its_definition(void) {
    struct testcat f = testcat_new(8192);
    struct db *db = testcat_create(&f, "index.edb");
    struct session *s = f.s[0];

    CHECK_OK(create(s, db, "t"));
    CHECK_OK(add_typed(s, db, "t", "a", JET_coltypLong));
    CHECK_OK(add_typed(s, db, "t", "g", JET_coltypGUID));
    CHECK_OK(add(
        s, db, "t",
        &(struct cat_new_column){.name = "m", .type = JET_coltypText, .tagged = true, .flags = COLUMN_MULTI_VALUED}));
    CHECK_OK(add(s, db, "t", &(struct cat_new_column){.name = "u", .type = JET_coltypText, .code_page = 1200}));
    CHECK_ERR(make_primary(s, db, "t", "+a\0", 3), JET_errIndexInvalidDef);
    CHECK_ERR(make_primary(s, db, "t", "\0", 2), JET_errIndexInvalidDef);
    CHECK_ERR(make_primary(s, db, "t", "a\0", 3), JET_errIndexInvalidDef);
    CHECK_ERR(make_primary(s, db, "t", "+", 1), JET_errIndexInvalidDef);
    CHECK_ERR(PRIMARY(s, db, "t", "+\0"), JET_errIndexInvalidDef);
    CHECK_ERR(PRIMARY(s, db, "t", "+a\0+A\0"), JET_errIndexInvalidDef);
    CHECK_ERR(PRIMARY(s, db, "t", "+none\0"), JET_errColumnNotFound);
    CHECK_ERR(PRIMARY(s, db, "t", "+m\0"), JET_errIndexInvalidDef);
    CHECK_OK(PRIMARY(s, db, "t", "+a\0-g\0"));
    CHECK_ERR(PRIMARY(s, db, "t", "+g\0"), JET_errIndexHasPrimary);
    struct table_def *def = find(s, db, "t");
    CU_ASSERT_EQUAL(def->primary.key_max, 22);
    CHECK_ERR(
        cat_create_primary(s, db, def,
                           &(struct cat_new_index){.name = "s", .key = "+a\0", .key_bytes = 4, .flags = INDEX_UNIQUE}),
        JET_errFeatureNotAvailable);
    table_def_free(def);

    CHECK_OK(create(s, db, "unicode"));
    CHECK_OK(add(s, db, "unicode", &(struct cat_new_column){.name = "u", .type = JET_coltypText, .code_page = 1200}));
    CHECK_OK(PRIMARY(s, db, "unicode", "+u\0"));
    CHECK_OK(create(s, db, "unicode2"));
    CHECK_OK(add(s, db, "unicode2", &(struct cat_new_column){.name = "u", .type = JET_coltypText, .code_page = 1200}));
    CHECK_OK(PRIMARY(s, db, "unicode2", "-u\0"));
    db = testcat_check(&f, db);
    def = find(s, db, "unicode");
    CU_ASSERT_TRUE(def->has_primary && !def->primary.foreign_sort);
    table_def_free(def);
    testcat_free(&f);
}

static void create_primary__needs_an_empty_table_to_itself(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "empty.edb");
    struct cursor *c, *mine;
    struct cat_new_index index = {.name = "p", .key = "+a\0", .key_bytes = 4, .flags = INDEX_PRIMARY | 0xe};

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(add_typed(f.s[0], db, "t", "a", JET_coltypLong));
    insert_rows(f.s[0], db, "t", 1);
    CHECK_ERR(PRIMARY(f.s[0], db, "t", "+a\0"), JET_errTableNotEmpty);
    CHECK_OK(trx_begin(f.s[1], false)); /* an uncommitted deletion does not make it empty */
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &c));
    CHECK_OK(cursor_move(c, (int32_t)JET_MoveFirst, 0));
    CHECK_OK(cursor_delete(c));
    cursor_close(c);
    CHECK_ERR(PRIMARY(f.s[0], db, "t", "+a\0"), JET_errTableNotEmpty);
    CHECK_OK(trx_commit(f.s[1], true));
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &c));
    CHECK_OK(cursor_open(f.s[0], db, "t", 0, &mine));
    CHECK_ERR(cursor_create_primary(mine, &index), JET_errTableInUse);
    cursor_close(c);

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_create_primary(mine, &index));
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &c)); /* does not see it, and must not write keys of the old kind */
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_ERR(cursor_update(c, NULL), JET_errWriteConflict);
    CHECK_OK(trx_rollback(f.s[1], false));
    cursor_after_rollback(c, 0);
    CHECK_OK(trx_commit(f.s[0], true));
    uint32_t a = 5;
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 1, .itag = 1, .value = slice(&a, 4)}));
    struct slice bookmark;
    CHECK_OK(cursor_update(c, &bookmark));
    CU_ASSERT_EQUAL(bookmark.n, 5);
    CHECK_OK(trx_commit(f.s[1], true));
    cursor_close(c);
    cursor_close(mine);
    testcat_check(&f, db);
    testcat_free(&f);
}

/* ---- definitions that change while the table is open ---- */

static void open_cursor__sees_a_new_column_when_its_session_may(void) {
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_create(&f, "open.edb");
    struct cursor *a, *b;
    const struct table_def *def;
    uint16_t fid;

    CHECK_OK(create(f.s[0], db, "t"));
    CHECK_OK(cursor_open(f.s[0], db, "t", 0, &a));
    CHECK_OK(cursor_open(f.s[1], db, "t", 0, &b));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_add_column(a, &(struct cat_new_column){.name = "x", .type = JET_coltypLong}, &fid));
    CHECK_OK(cursor_table(a, &def));
    CU_ASSERT_EQUAL(def->column_count, 1);
    CHECK_OK(cursor_table(b, &def));
    CU_ASSERT_EQUAL(def->column_count, 0);
    CHECK_OK(trx_rollback(f.s[0], false));
    cursor_after_rollback(a, 0);
    CHECK_OK(cursor_table(a, &def));
    CU_ASSERT_EQUAL(def->column_count, 0);
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(cursor_add_column(a, &(struct cat_new_column){.name = "x", .type = JET_coltypLong}, &fid));
    CHECK_OK(cursor_table(b, &def));
    CU_ASSERT_EQUAL(def->column_count, 0);
    CHECK_OK(trx_commit(f.s[1], true));
    CHECK_OK(cursor_table(b, &def));
    CU_ASSERT_EQUAL(def->column_count, 1);
    cursor_close(a);
    cursor_close(b);
    testcat_check(&f, db);
    testcat_free(&f);
}

TEST_MAIN(TEST(new_database__is_clean_in_every_page_size), TEST(new_database__holds_what_windows_writes),
          TEST(create_tables__two_hundred_of_them_read_the_same_after_attach),
          TEST(rollback__leaves_nothing_of_new_tables), TEST(rollback__of_an_inner_level_keeps_what_was_before_it),
          TEST(create_table__is_seen_by_others_after_commit_only), TEST(create_table__refuses_bad_arguments),
          TEST(delete_table__gives_its_space_back), TEST(delete_table__is_refused_while_open_and_for_system_tables),
          TEST(delete_table__uncommitted_keeps_others_out), TEST(add_column__checks_what_it_is_given),
          TEST(add_column__ends_at_the_limits_of_each_class),
          TEST(add_column__keeps_fixed_columns_to_what_a_record_holds), TEST(add_column__by_two_at_once_conflicts),
          TEST(create_primary__checks_its_definition), TEST(create_primary__needs_an_empty_table_to_itself),
          TEST(open_cursor__sees_a_new_column_when_its_session_may))
