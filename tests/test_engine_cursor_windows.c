/* Every row of every table of the files that Windows wrote, read through cursors, against what edbcheck.py --rows says.
 */
#include <math.h>

#include "tests/lib/testcat.h"

/* ---- one line of JSON, token by token ---- */

static const char *json;

static void expect(const char *text) {
    size_t n = strlen(text);
    if (strncmp(json, text, n) != 0)
        printf("expected %s at %.60s\n", text, json);
    CU_ASSERT_FATAL(strncmp(json, text, n) == 0);
    json += n;
}

static unsigned hex4(const char *p) {
    char digits[5] = {p[0], p[1], p[2], p[3], 0};
    return (unsigned)strtoul(digits, NULL, 16);
}

/* One UTF-16 unit of a string (the dumps are ASCII: everything else is escaped); false at its end. */
static bool string_unit(unsigned *out) {
    if (*json == '"') {
        json++;
        return false;
    }
    if (*json != '\\') {
        *out = (unsigned char)*json++;
        return true;
    }
    char c = json[1];
    json += 2;
    if (c == 'u') {
        *out = hex4(json);
        json += 4;
    } else {
        *out = c == 'n'   ? '\n'
               : c == 't' ? '\t'
               : c == 'r' ? '\r'
               : c == 'b' ? '\b'
               : c == 'f' ? '\f'
                          : (unsigned char)c;
    }
    return true;
}

static void skip_string(void) {
    unsigned unit;
    expect("\"");
    while (string_unit(&unit))
        continue;
}

static void skip_value(void) {
    if (*json == '"') {
        skip_string();
    } else if (*json == '[') {
        do {
            json++;
            while (*json == ' ')
                json++;
            skip_value();
        } while (*json == ',');
        expect("]");
    } else if (*json == '{') {
        expect("{");
        skip_string();
        expect(": ");
        skip_value();
        expect("}");
    } else {
        json += strcspn(json, ",]}");
    }
}

/* ---- values ---- */

static void expect_hex(struct slice value) {
    expect("\"");
    for (size_t i = 0; i < value.n; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", value.p[i]);
        expect(digits);
    }
    expect("\"");
}

static void expect_integer(int64_t value) {
    char *end;
    int64_t got = strtoll(json, &end, 10);
    CU_ASSERT_TRUE_FATAL(end != json && got == value);
    json = end;
}

static void expect_number(double value, struct slice bytes) {
    if (!isfinite(value)) {
        expect_hex(bytes);
        return;
    }
    char *end;
    double got = strtod(json, &end);
    CU_ASSERT_TRUE_FATAL(end != json && got == value);
    json = end;
}

static void expect_guid(const uint8_t *g) {
    char text[64];
    snprintf(text, sizeof text, "\"%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x\"", load32(g), load16(g + 4),
             load16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
    expect(text);
}

/* Code page 1252 beyond ASCII is not compared unit by unit. */
static void expect_text(struct slice value, uint16_t code_page) {
    unsigned unit;
    size_t step = code_page == 1200 ? 2 : 1, i = 0;
    if (*json == '{') {
        expect("{\"hex\": ");
        expect_hex(value);
        expect("}");
        return;
    }
    expect("\"");
    for (; string_unit(&unit); i += step) {
        CU_ASSERT_FATAL(i + step <= value.n);
        unsigned own = step == 2 ? load16(value.p + i) : value.p[i];
        CU_ASSERT_FATAL(own == unit || (step == 1 && own >= 0x80 && unit >= 0x80));
    }
    CU_ASSERT_EQUAL_FATAL(i, value.n);
}

static void expect_value(const struct column *column, struct slice v) {
    float single;
    double number;
    switch (column->type) {
    case JET_coltypBit:
        expect(v.p[0] ? "true" : "false");
        break;
    case JET_coltypUnsignedByte:
        expect_integer(v.p[0]);
        break;
    case JET_coltypShort:
        expect_integer((int16_t)load16(v.p));
        break;
    case JET_coltypUnsignedShort:
        expect_integer(load16(v.p));
        break;
    case JET_coltypLong:
        expect_integer((int32_t)load32(v.p));
        break;
    case JET_coltypUnsignedLong:
        expect_integer(load32(v.p));
        break;
    case JET_coltypCurrency:
    case JET_coltypLongLong:
        expect_integer((int64_t)load64(v.p));
        break;
    case JET_coltypIEEESingle:
        memcpy(&single, v.p, 4);
        expect_number(single, v);
        break;
    case JET_coltypIEEEDouble:
    case JET_coltypDateTime:
        memcpy(&number, v.p, 8);
        expect_number(number, v);
        break;
    case JET_coltypGUID:
        expect_guid(v.p);
        break;
    case JET_coltypText:
    case JET_coltypLongText:
        expect_text(v, column->code_page);
        break;
    default:
        expect_hex(v);
        break;
    }
}

struct tally {
    unsigned tables, rows, values, unread;
};

/* Everything of a column in the current row. */
static void compare_column(struct cursor *c, const struct column *column, struct tally *tally) {
    static uint8_t bytes[1 << 20];
    struct retrieve r = {.fid = column->fid, .itag = 1, .out = bytes, .out_bytes = sizeof bytes};
    struct retrieve count = {.fid = column->fid};

    JET_ERR err = cursor_retrieve(c, &r);
    if (err == JET_errFeatureNotAvailable) { /* a long value outside of the record */
        skip_value();
        tally->unread++;
        return;
    }
    tally->values++;
    if (err == JET_wrnColumnNull) {
        expect("null");
        return;
    }
    CHECK_OK(err);
    CHECK_OK(cursor_retrieve(c, &count));
    if (count.itag <= 1) {
        expect_value(column, slice(bytes, r.actual));
        return;
    }
    expect("[");
    for (r.itag = 1; r.itag <= count.itag; r.itag++) {
        err = cursor_retrieve(c, &r);
        if (err == JET_errFeatureNotAvailable)
            skip_value();
        else
            expect_value(column, slice(bytes, r.actual));
        if (r.itag < count.itag)
            expect(", ");
    }
    expect("]");
}

static void compare_row(struct cursor *c, const struct table_def *def, struct tally *tally) {
    expect("{");
    for (unsigned i = 0; i < def->column_count; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s\"%s\": ", i ? ", " : "", def->columns[i].name);
        expect(name);
        compare_column(c, &def->columns[i], tally);
    }
    expect("}");
}

/* The rows of a table with forward moves, then their number backwards. */
static void compare_table(struct session *s, struct db *db, const char *path, const char *name, struct tally *tally) {
    char command[2 * OS_PATH_MAX];
    struct cursor *c;
    const struct table_def *def;
    char *line = NULL;
    size_t size = 0;
    unsigned rows = 0;

    const char *script = test_edbcheck_script();
    if (!script) {
        test_skip("no edbcheck.py here");
        return;
    }
    snprintf(command, sizeof command, "python3 %s --rows '%s' %s", script, name, path);
    FILE *dump = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(dump);
    CHECK_OK(trx_begin(s, true));
    CHECK_OK(cursor_open(s, db, name, 0, &c));
    CHECK_OK(cursor_table(c, &def));
    JET_ERR err = cursor_move(c, (int32_t)JET_MoveFirst, 0);
    for (; getline(&line, &size, dump) > 0; rows++, err = cursor_move(c, 1, 0)) {
        CHECK_OK(err);
        json = line;
        compare_row(c, def, tally);
    }
    CHECK_ERR(err, JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL_FATAL(pclose(dump), 0);
    for (unsigned i = 0; i < rows; i++)
        CHECK_OK(cursor_move(c, -1, 0));
    CHECK_ERR(cursor_move(c, -1, 0), JET_errNoCurrentRecord);
    cursor_close(c);
    CHECK_OK(trx_commit(s, true));
    free(line);
    tally->tables++;
    tally->rows += rows;
}

struct table_names {
    char name[64][65];
    unsigned count;
};
static JET_ERR take_name(void *context, const struct cat_record *table) {
    struct table_names *names = context;
    memcpy(names->name[names->count], table->name.p, table->name.n);
    names->name[names->count++][table->name.n] = 0;
    return JET_errSuccess;
}

static void compare_file(const char *name, uint32_t page_size) {
    const char *path = test_windows_file(name);
    struct table_names names = {.count = 0};
    struct tally tally = {0};
    if (!path)
        return;
    struct testcat f = testcat_new(page_size);
    struct db *db = testcat_attach(&f, path, true);
    CHECK_OK(cat_each_table(f.s[0], db, take_name, &names));
    for (unsigned i = 0; i < names.count; i++)
        if (page_size == 4096 ||
            strncmp(names.name[i], "MSys", 4) != 0) /* 65,068 columns in large.edb: one table is enough */
            compare_table(f.s[0], db, path, names.name[i], &tally);
    printf("%s: %u tables, %u rows, %u values equal, %u long values not read\n", name, tally.tables, tally.rows,
           tally.values, tally.unread);
    CU_ASSERT_TRUE(tally.tables >= 1);
    testcat_free(&f);
}

static void basic__reads_as_it_is(void) {
    compare_file("basic.edb", 4096);
}
static void default__reads_as_it_is(void) {
    compare_file("default.edb", 4096);
}
static void multi__reads_as_it_is(void) {
    compare_file("multi.edb", 4096);
}
static void text__reads_as_it_is(void) {
    compare_file("text.edb", 4096);
}
static void binary__reads_as_it_is(void) {
    compare_file("binary.edb", 4096);
}
static void index__reads_as_it_is(void) {
    compare_file("index.edb", 4096);
}
static void large__reads_as_it_is(void) {
    compare_file("large.edb", 32768);
}
static void srudb__reads_as_it_is(void) {
    compare_file("SRUDB.dat", 4096);
}
static void current__reads_as_it_is(void) {
    compare_file("Current.mdb", 4096);
}
static void catalog1__reads_as_it_is(void) {
    compare_file("Catalog1.edb", 4096);
}

/* ---- writing to one ---- */

static void windows_tables__can_be_written_where_that_is_safe(void) {
    const char *path = test_windows_file("basic.edb");
    struct cursor *c;
    objid_t objid;
    uint16_t fid;
    if (!path)
        return;
    struct testcat f = testcat_new(4096);
    struct db *db = testcat_attach(&f, path, false);
    struct session *s = f.s[0];

    CHECK_OK(trx_begin(s, false));
    CHECK_OK(cat_create_table(s, db, "ours", 1, 0, &objid));
    CHECK_OK(cursor_open(s, db, "ours", 0, &c));
    CHECK_OK(
        cursor_add_column(c, &(struct cat_new_column){.name = "u", .type = JET_coltypText, .code_page = 1200}, &fid));
    CHECK_OK(cursor_create_primary(
        c, &(struct cat_new_index){.name = "p", .key = "+u\0", .key_bytes = 4, .flags = INDEX_PRIMARY | 0xe}));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = fid, .itag = 1, .value = slice("a\0", 2)}));
    CHECK_OK(cursor_update(c, NULL));
    cursor_close(c);
    CHECK_OK(cursor_open(s, db, "basic", 0, &c));
    JET_ERR err = cursor_prepare(c, JET_prepInsert);
    if (err >= JET_errSuccess)
        CHECK_OK(cursor_update(c, NULL));
    else
        CHECK_ERR(err, JET_errFeatureNotAvailable); /* Windows keeps its autoincrement counter there */
    CHECK_OK(cursor_move(c, (int32_t)JET_MoveFirst, 0));
    CHECK_OK(cursor_prepare(c, JET_prepReplace));
    int16_t value = -5;
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 4, .itag = 1, .value = slice(&value, 2)}));
    CHECK_OK(cursor_update(c, NULL));
    cursor_close(c);
    CHECK_OK(trx_commit(s, true));
    db = testcat_check(&f, db);
    CHECK_OK(cat_delete_table(s, db, "basic"));
    testcat_check(&f, db);
    testcat_free(&f);
}

static void windows_tables__with_secondary_indexes_or_long_values_are_read_only(void) {
    static const struct {
        const char *file, *table;
    } cases[] = {
        {"index.edb", "index"},
        {"multi.edb", "multi"},
        {"SRUDB.dat", "SruDbIdMapTable"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = test_windows_file(cases[i].file);
        struct cursor *c;
        if (!path)
            return;
        struct testcat f = testcat_new(4096);
        struct db *db = testcat_attach(&f, path, false);
        CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(cursor_open(f.s[0], db, cases[i].table, 0, &c));
        CHECK_ERR(cursor_prepare(c, JET_prepInsert), JET_errFeatureNotAvailable);
        CHECK_ERR(cursor_delete(c), JET_errFeatureNotAvailable);
        cursor_close(c);
        CHECK_OK(cat_delete_table(f.s[0], db, cases[i].table));
        CHECK_OK(trx_commit(f.s[0], true));
        testcat_check(&f, db);
        testcat_free(&f);
    }
}

TEST_MAIN(TEST(basic__reads_as_it_is), TEST(default__reads_as_it_is), TEST(multi__reads_as_it_is),
          TEST(text__reads_as_it_is), TEST(binary__reads_as_it_is), TEST(index__reads_as_it_is),
          TEST(large__reads_as_it_is), TEST(srudb__reads_as_it_is), TEST(current__reads_as_it_is),
          TEST(catalog1__reads_as_it_is), TEST(windows_tables__can_be_written_where_that_is_safe),
          TEST(windows_tables__with_secondary_indexes_or_long_values_are_read_only))
