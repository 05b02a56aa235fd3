/* Catalog records: byte for byte what Windows writes, and what they add up to. */
#include "engine/cat.h"

#include "tests/edb_file.h"

/* ---- helpers ---- */

static size_t from_hex(const char *text, uint8_t *out) {
    size_t n = 0;
    for (const char *p = text; *p;) {
        unsigned byte;
        if (*p == ' ' || *p == '|') {
            p++;
        } else if (*p == '\'') { /* 'text' */
            for (p++; *p != '\''; p++)
                out[n++] = (uint8_t)*p;
            p++;
        } else if (*p == '"') { /* "text" in UTF-16 */
            for (p++; *p != '"'; p++) {
                out[n++] = (uint8_t)*p;
                out[n++] = 0;
            }
            p++;
        } else {
            CU_ASSERT_EQUAL_FATAL(sscanf(p, "%2x", &byte), 1);
            out[n++] = (uint8_t)byte;
            p += 2;
        }
    }
    return n;
}

static void check_encodes(const struct cat_record *record, const char *hex) {
    uint8_t expected[512], got[PAGE_SIZE_MAX];
    size_t n = from_hex(hex, expected), bytes = 0;
    CHECK_OK(cat_record_encode(record, 4096, got, &bytes));
    CU_ASSERT_EQUAL(bytes, n);
    CU_ASSERT(bytes == n && memcmp(got, expected, n) == 0);
}

static struct slice text(const char *s) {
    return slice(s, strlen(s));
}
static const uint8_t en_us[] = {'e', 0, 'n', 0, '-', 0, 'U', 0, 'S', 0};

/* ---- the shapes of 2.14 ---- */

static void cat_record_encode__table(void) {
    struct cat_record r = {.table = 2,
                           .type = CAT_TABLE,
                           .id = 2,
                           .coltyp_or_fdp = 4,
                           .space_usage = 80,
                           .flags = 0xC0000000,
                           .pages_or_locale = 20,
                           .root_flag = true,
                           .name = text("MSysObjects")};
    check_encodes(&r, "0880 2000 | 02000000 0100 02000000 04000000 50000000 000000c0 14000000 ff | 00 "
                      "| 0b00 | 'MSysObjects'");
}

static void cat_record_encode__fixed_column(void) {
    struct cat_record r = {.table = 2,
                           .type = CAT_COLUMN,
                           .id = 1,
                           .coltyp_or_fdp = JET_coltypLong,
                           .space_usage = 4,
                           .flags = 1,
                           .pages_or_locale = 1252,
                           .record_offset = 4,
                           .name = text("ObjidTable")};
    check_encodes(&r, "0980 2300 | 02000000 0200 01000000 04000000 04000000 01000000 e4040000 2a 0400 | 80fe "
                      "| 0a00 | 'ObjidTable'");
}

static void cat_record_encode__variable_column(void) {
    struct cat_record r = {.table = 2,
                           .type = CAT_COLUMN,
                           .id = 128,
                           .coltyp_or_fdp = JET_coltypText,
                           .space_usage = 255,
                           .flags = 1,
                           .pages_or_locale = 1252,
                           .name = text("Name")};
    check_encodes(&r, "0780 1f00 | 02000000 0200 80000000 0a000000 ff000000 01000000 e4040000 | 80 | 0400 | 'Name'");
}

static void cat_record_encode__column_with_default(void) {
    static const uint8_t zero[4];
    struct cat_record r = {.table = 7,
                           .type = CAT_COLUMN,
                           .id = 2,
                           .coltyp_or_fdp = JET_coltypLong,
                           .space_usage = 4,
                           .flags = 0x30,
                           .record_offset = 5,
                           .name = text("iValue"),
                           .default_value = slice(zero, 4)};
    check_encodes(&r, "0983 2300 | 07000000 0200 02000000 04000000 04000000 30000000 00000000 2a 0500 | 80fe "
                      "| 0600 0680 0680 0a00 | 'iValue' 00000000");
}

static void cat_record_encode__index(void) {
    static const uint8_t segments[] = {0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0};
    struct cat_record r = {.table = 2,
                           .type = CAT_INDEX,
                           .id = 2,
                           .coltyp_or_fdp = 4,
                           .space_usage = 80,
                           .flags = 0x00010031,
                           .lcmap_flags = 0x30401,
                           .name = text("Id"),
                           .segments = slice(segments, sizeof segments),
                           .locale = slice(en_us, sizeof en_us)};
    check_encodes(&r, "0a84 2700 | 02000000 0300 02000000 04000000 50000000 31000100 00000000 2a 2a2a 01040300 | 80fd "
                      "| 0200 0280 0280 0280 0e00 | 'Id' 00000100 00000200 00000300 | 0501 0440 01 \"en-US\"");
    r.table = r.id = 16;
    r.coltyp_or_fdp = 43;
    r.space_usage = 99;
    r.flags = 0x0001002f;
    r.name = text("pkIndex");
    r.segments = slice(segments, 4);
    check_encodes(&r, "0a84 2700 10000000 0300 10000000 2b000000 63000000 2f000100 00000000 2a 2a2a 01040300 | 80fd "
                      "| 0700 0780 0780 0780 0b00 | 'pkIndex' 00000100 | 0501 0440 01 \"en-US\"");
}

static void cat_record_encode__unicode_index_names_its_sort_order(void) {
    static const uint8_t segments[] = {0x40, 0, 0x80, 0}, version[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct cat_record r = {.table = 8,
                           .type = CAT_INDEX,
                           .id = 8,
                           .coltyp_or_fdp = 31,
                           .space_usage = 80,
                           .flags = 0x0001042f,
                           .lcmap_flags = KEY_LCMAP_DEFAULT,
                           .key_max = 1000,
                           .name = text("pk"),
                           .segments = slice(segments, sizeof segments),
                           .version = slice(version, 8),
                           .sort_id = slice(key_sort_id, 16),
                           .locale = slice(en_us, sizeof en_us)};
    check_encodes(&r, "0b89 2900 08000000 0300 08000000 1f000000 50000000 2f040100 00000000 2a 2a2a 01040300 e803 "
                      "| 80f9 | 0200 0280 0280 0280 0600 0680 0680 0680 0e00 1e00 | 'pk' 40008000 0102030405060708 "
                      "f1a3a58e0b2f1e4c9d576c1b62736534 | 0501 0440 01 \"en-US\"");
}

static void cat_record_encode__long_values(void) {
    struct cat_record r = {.table = 8,
                           .type = CAT_LONG_VALUES,
                           .id = 9,
                           .coltyp_or_fdp = 40,
                           .space_usage = 100,
                           .pages_or_locale = 1,
                           .name = text("LV")};
    check_encodes(&r, "0780 1f00 | 08000000 0400 09000000 28000000 64000000 00000000 01000000 | 80 | 0200 | 'LV'");
}

static void cat_record_encode__large_page_has_header_bytes(void) {
    struct cat_record r = {.table = 2,
                           .type = CAT_INDEX,
                           .id = 2,
                           .coltyp_or_fdp = 4,
                           .name = text("Id"),
                           .locale = slice(en_us, sizeof en_us)};
    uint8_t out[PAGE_SIZE_MAX], tail[32];
    size_t bytes, n = from_hex("0501 0400 01 \"en-US\"", tail);
    CHECK_OK(cat_record_encode(&r, 32768, out, &bytes));
    CU_ASSERT(bytes > n && memcmp(out + bytes - n, tail, n) == 0);
}

static void cat_keys__are_those_of_the_format(void) {
    uint8_t expected[256], key[KEY_BUFFER];
    size_t n, bytes;
    n = from_hex("7f80000002 7f8001 7f80000002", expected);
    cat_key_id(2, CAT_TABLE, 2, key, &bytes);
    CU_ASSERT(bytes == n && memcmp(key, expected, n) == 0);
    n = from_hex("7f80000002 7f8002 7f'NAME'00", expected);
    CHECK_OK(cat_key_name(2, CAT_COLUMN, text("Name"), key, &bytes));
    CU_ASSERT(bytes == n && memcmp(key, expected, n) == 0);
    n = from_hex("7fff 7f'MSYSOBJECTS'00", expected);
    CHECK_OK(cat_key_root(text("MSysObjects"), key, &bytes));
    CU_ASSERT(bytes == n && memcmp(key, expected, n) == 0);
}

/* ---- files from Windows ---- */

struct identity {
    const struct edb_file *file;
    unsigned records, equal, other;
};

static void check_identity(void *context, struct slice key, struct slice data) {
    struct identity *x = context;
    struct cat_record record;
    uint8_t out[PAGE_SIZE_MAX], id[KEY_BUFFER];
    size_t bytes, id_bytes;
    CHECK_OK(cat_record_decode(data, x->file->page_size, &record));
    cat_key_id(record.table, record.type, record.id, id, &id_bytes);
    CU_ASSERT(id_bytes == key.n && memcmp(id, key.p, key.n) == 0);
    x->records++;
    CHECK_OK(cat_record_encode(&record, x->file->page_size, out, &bytes));
    if (bytes == data.n && memcmp(out, data.p, bytes) == 0)
        x->equal++;
    else
        x->other++;
}

static void cat_record__every_record_from_windows_is_decoded_and_encoded_to_the_same_bytes(void) {
    unsigned records = 0;
    for (int i = 0; i < EDB_FILES; i++) {
        const char *path = test_windows_file(edb_names[i]);
        if (!path)
            return;
        struct edb_file f;
        edb_open(&f, path);
        struct identity x = {.file = &f};
        edb_each(&f, CAT_FDP, check_identity, &x);
        if (x.other)
            printf("\n    %s: %u of %u records differ", edb_names[i], x.other, x.records);
        CU_ASSERT_EQUAL(x.other, 0);
        records += x.equal;
        edb_close(&f);
    }
    printf("\n    %u records ", records);
}

struct key_search {
    const struct edb_file *file;
    struct slice wanted, data;
    bool found;
};

static void find_key(void *context, struct slice key, struct slice data) {
    struct key_search *s = context;
    if (slice_compare(key, s->wanted) == 0) {
        s->found = true;
        s->data = data;
    }
}

static void check_secondary_keys(void *context, struct slice bookmark, struct slice data) {
    const struct edb_file *f = context;
    struct cat_record record;
    uint8_t key[KEY_BUFFER];
    size_t bytes;
    CHECK_OK(cat_record_decode(data, f->page_size, &record));
    CHECK_OK(cat_key_name(record.table, record.type, record.name, key, &bytes));
    struct key_search s = {.file = f, .wanted = slice(key, bytes)};
    edb_each(f, CAT_NAME_FDP, find_key, &s);
    CU_ASSERT(s.found && slice_compare(s.data, bookmark) == 0);
    if (record.type == CAT_TABLE) {
        CHECK_OK(cat_key_root(record.name, key, &bytes));
        s = (struct key_search){.file = f, .wanted = slice(key, bytes)};
        edb_each(f, CAT_ROOT_OBJECTS_FDP, find_key, &s);
        CU_ASSERT(s.found && slice_compare(s.data, bookmark) == 0);
    }
}

static void cat_keys__are_found_in_the_catalog_indexes_of_windows(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    struct edb_file f;
    edb_open(&f, path);
    edb_each(&f, CAT_FDP, check_secondary_keys, &f);
    edb_close(&f);
}

static void table_def__of_the_catalog_itself_has_real_offsets(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    struct edb_file f;
    struct edb_tables t;
    edb_open(&f, path);
    edb_read_tables(&f, &t);
    unsigned count;
    const struct column *columns = cat_columns(&count);
    for (unsigned i = 0; i < t.count; i++) {
        if (t.defs[i]->objid > CAT_SHADOW_OBJID)
            continue;
        CU_ASSERT_EQUAL_FATAL(t.defs[i]->column_count, count);
        for (unsigned k = 0; k < count; k++) {
            const struct column *a = &t.defs[i]->columns[k], *b = &columns[k];
            CU_ASSERT(a->fid == b->fid && a->type == b->type && a->flags == b->flags && a->max_bytes == b->max_bytes);
            CU_ASSERT(a->code_page == b->code_page && a->record_offset == b->record_offset);
            CU_ASSERT(strcmp(a->name, b->name) == 0);
        }
    }
    CU_ASSERT_EQUAL(t.defs[0]->secondary_count, 2);
    CU_ASSERT(t.defs[0]->has_primary && t.defs[0]->primary.segment_count == 3);
    edb_free_tables(&t);
    edb_close(&f);
}

/* ---- table definitions ---- */

static const uint8_t segment_of_128[] = {0, 0, 128, 0};

static const struct cat_record a_table = {.table = 20,
                                          .type = CAT_TABLE,
                                          .id = 20,
                                          .coltyp_or_fdp = 50,
                                          .space_usage = 80,
                                          .pages_or_locale = 3,
                                          .root_flag = true,
                                          .name = {(const uint8_t *)"T", 1}};
static const struct cat_record a_fixed = {.table = 20,
                                          .type = CAT_COLUMN,
                                          .id = 1,
                                          .coltyp_or_fdp = JET_coltypLong,
                                          .space_usage = 4,
                                          .record_offset = 4,
                                          .name = {(const uint8_t *)"n", 1}};
static const struct cat_record a_unicode = {.table = 20,
                                            .type = CAT_COLUMN,
                                            .id = 128,
                                            .coltyp_or_fdp = JET_coltypText,
                                            .space_usage = 100,
                                            .pages_or_locale = 1200,
                                            .name = {(const uint8_t *)"u", 1}};
static const struct cat_record a_primary = {.table = 20,
                                            .type = CAT_INDEX,
                                            .id = 20,
                                            .coltyp_or_fdp = 50,
                                            .space_usage = 80,
                                            .flags = 0x0001042f,
                                            .lcmap_flags = KEY_LCMAP_DEFAULT,
                                            .name = {(const uint8_t *)"pk", 2},
                                            .segments = {segment_of_128, 4}};

static JET_ERR build(const struct cat_record *records, unsigned count, struct table_def **out) {
    JET_ERR err = JET_errSuccess;
    struct table_def_builder *b = NULL;
    CALL(table_def_builder_new(&b));
    for (unsigned i = 0; i < count; i++)
        CALL(table_def_builder_add(b, &records[i]));
    CALL(table_def_builder_finish(b, out));
cleanup:
    table_def_builder_free(b);
    return err;
}

static void table_def__our_sort_order_is_ours_and_another_is_foreign(void) {
    uint64_t version = key_sort_version();
    struct cat_record records[] = {a_table, a_fixed, a_unicode, a_primary};
    struct table_def *def;
    CU_ASSERT(version != 0);
    CHECK_OK(build(records, 4, &def)); /* no SortID at all */
    CU_ASSERT(def->primary.foreign_sort);
    table_def_free(def);
    records[3].sort_id = slice(key_sort_id, 16);
    records[3].version = slice(&version, 8);
    CHECK_OK(build(records, 4, &def));
    CU_ASSERT(!def->primary.foreign_sort);
    CU_ASSERT(def->primary.key_max == 255 && def->primary.flags == 0x042f && !def->primary.segments[0].descending);
    table_def_free(def);
    version++;
    CHECK_OK(build(records, 4, &def));
    CU_ASSERT(def->primary.foreign_sort);
    table_def_free(def);
    version--;
    records[3].lcmap_flags = 0x1; /* what the collator cannot do */
    CHECK_OK(build(records, 4, &def));
    CU_ASSERT(def->primary.foreign_sort);
    table_def_free(def);
    records[2].pages_or_locale = 1252;
    records[3].sort_id = slice(NULL, 0);
    CHECK_OK(build(records, 4, &def)); /* not Unicode: the locale does not matter */
    CU_ASSERT(!def->primary.foreign_sort);
    table_def_free(def);
}

static void table_def__defaults_and_names(void) {
    static const uint8_t three[] = {3, 0, 0, 0};
    struct cat_record records[] = {a_table, a_fixed, a_unicode};
    struct table_def *def;
    records[1].default_value = slice(three, 4);
    records[2].default_value = slice("a\0b", 4);
    CHECK_OK(build(records, 3, &def));
    const struct column *n = table_column_by_name(def, "N"), *u = table_column(def, 128);
    CU_ASSERT_PTR_NOT_NULL_FATAL(n);
    CU_ASSERT(n->fid == 1 && n->default_value.n == 4 && memcmp(n->default_value.p, three, 4) == 0);
    CU_ASSERT(u->default_value.n == 4 && memcmp(u->default_value.p, "a\0b", 4) == 0);
    CU_ASSERT_PTR_NULL(table_column(def, 2));
    CU_ASSERT_PTR_NULL(table_column_by_name(def, "nn"));
    CU_ASSERT(!def->has_primary && def->fdp == 50 && def->pages == 3 && def->density == 80);
    table_def_free(def);
}

static void table_def__a_deleted_column_leaves_its_place(void) {
    struct cat_record records[] = {a_table, a_fixed, a_fixed, a_fixed};
    struct table_def *def;
    records[2].id = 2;
    records[2].coltyp_or_fdp = JET_coltypNil;
    records[3].id = 3;
    records[3].record_offset = 16;
    CHECK_OK(build(records, 4, &def));
    CU_ASSERT(def->column_count == 2 && def->columns[1].fid == 3 && def->columns[1].record_offset == 16);
    table_def_free(def);
}

static void check_corrupted(const struct cat_record *records, unsigned count) {
    struct table_def *def = NULL;
    CU_ASSERT_EQUAL(build(records, count, &def), JET_errCatalogCorrupted);
}

static void table_def__contradictions_are_corruption(void) {
    struct cat_record r[4];
#define RESET() (r[0] = a_table, r[1] = a_fixed, r[2] = a_unicode, r[3] = a_primary)
    RESET();
    check_corrupted(r + 1, 1); /* no table */
    check_corrupted(r, 0);
    r[1] = a_table;
    check_corrupted(r, 2);
    RESET();
    r[2].table = 21;
    check_corrupted(r, 4);
    RESET();
    r[2] = a_fixed; /* twice */
    check_corrupted(r, 4);
    RESET();
    r[1].coltyp_or_fdp = 13;
    check_corrupted(r, 4);
    RESET();
    r[1].coltyp_or_fdp = JET_coltypLongText; /* must be tagged */
    check_corrupted(r, 4);
    RESET();
    r[1].record_offset = 3;
    check_corrupted(r, 4);
    RESET();
    r[1].coltyp_or_fdp = JET_coltypBinary;
    r[1].space_usage = 0xffffffff;
    check_corrupted(r, 4);
    RESET();
    r[1].default_value = slice("ab", 2); /* of a Long */
    check_corrupted(r, 4);
    RESET();
    r[1].name = slice("a\0b", 3);
    check_corrupted(r, 4);
    RESET();
    r[3].segments.n = 3;
    check_corrupted(r, 4);
    RESET();
    r[3].id = 22;
    check_corrupted(r, 4);
    RESET();
    r[3].key_max = 2001;
    check_corrupted(r, 4);
    RESET();
    check_corrupted((struct cat_record[]){r[0], r[1], r[3]}, 3); /* segment without column */
    r[1].type = 6;
    check_corrupted(r, 4);
#undef RESET
}

struct mutation {
    const struct edb_file *file;
    unsigned decoded, built, rejected;
    struct table_def_builder *builder;
};

static void mutate(void *context, struct slice key, struct slice data) {
    struct mutation *m = context;
    (void)key;
    for (int i = 0; i < 40; i++) {
        size_t n = test_random_below(4) ? data.n : test_random_below(data.n + 1);
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, data.p, n);
        for (uint64_t flips = 1 + test_random_below(4); n && flips > 0; flips--)
            copy[test_random_below(n)] = (uint8_t)test_random();
        struct cat_record record;
        JET_ERR err = cat_record_decode(slice(copy, n), m->file->page_size, &record);
        CU_ASSERT(err == JET_errSuccess || err == JET_errDatabaseCorrupted || err == JET_errCatalogCorrupted);
        if (err == JET_errSuccess) {
            m->decoded++;
            struct table_def_builder *b = NULL;
            struct table_def *def = NULL;
            struct cat_record table = a_table;
            table.table = table.id = record.table;
            CHECK_OK(table_def_builder_new(&b));
            if (record.type != CAT_TABLE)
                CHECK_OK(table_def_builder_add(b, &table));
            err = table_def_builder_add(b, &record);
            if (err == JET_errSuccess)
                err = table_def_builder_finish(b, &def);
            CU_ASSERT(err == JET_errSuccess || err == JET_errCatalogCorrupted);
            if (err == JET_errSuccess)
                m->built++;
            table_def_free(def);
            table_def_builder_free(b);
        } else {
            m->rejected++;
        }
        free(copy);
    }
}

static void cat_record__damaged_records_are_decoded_or_refused(void) {
    const char *path = test_windows_file("index.edb");
    if (!path)
        return;
    struct edb_file f;
    edb_open(&f, path);
    struct mutation m = {.file = &f};
    edb_each(&f, CAT_FDP, mutate, &m);
    printf("\n    %u decoded, %u of them built, %u refused ", m.decoded, m.built, m.rejected);
    CU_ASSERT(m.rejected > 0 && m.decoded > 0);
    edb_close(&f);
}

static void cat_check_name__rules(void) {
    char longest[66];
    memset(longest, 'x', 65);
    longest[65] = 0;
    CHECK_ERR(cat_check_name(longest), JET_errInvalidName);
    longest[64] = 0;
    CHECK_OK(cat_check_name(longest));
    CHECK_OK(cat_check_name("a b \xe4"));
    static const char *const bad[] = {"", " a", "a.b", "!", "[a", "a]", "a\tb", "\x7f"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(cat_check_name(bad[i]), JET_errInvalidName);
}

TEST_MAIN(TEST(cat_record_encode__table), TEST(cat_record_encode__fixed_column),
          TEST(cat_record_encode__variable_column), TEST(cat_record_encode__column_with_default),
          TEST(cat_record_encode__index), TEST(cat_record_encode__unicode_index_names_its_sort_order),
          TEST(cat_record_encode__long_values), TEST(cat_record_encode__large_page_has_header_bytes),
          TEST(cat_keys__are_those_of_the_format),
          TEST(cat_record__every_record_from_windows_is_decoded_and_encoded_to_the_same_bytes),
          TEST(cat_keys__are_found_in_the_catalog_indexes_of_windows),
          TEST(table_def__of_the_catalog_itself_has_real_offsets),
          TEST(table_def__our_sort_order_is_ours_and_another_is_foreign), TEST(table_def__defaults_and_names),
          TEST(table_def__a_deleted_column_leaves_its_place), TEST(table_def__contradictions_are_corruption),
          TEST(cat_record__damaged_records_are_decoded_or_refused), TEST(cat_check_name__rules))
