/* For the tests of cursors: one database, tables made of column_specs, and short names for what is done most. The table
 * of most tests has a Long key (fid 1) and Long data (fid 2). */
#ifndef ESENT_TESTS_TESTCURSOR_H
#define ESENT_TESTS_TESTCURSOR_H

#include "tests/lib/testcat.h"

static struct testcat f; /* of the running test */
static struct db *db;

static inline void begin(uint32_t page_size) {
    f = testcat_new(page_size);
    db = testcat_create(&f, "cursor.edb");
}

static inline void end(void) {
    testcat_check(&f, db);
    testcat_free(&f);
}

struct column_spec {
    const char *name;
    JET_COLTYP type;
    uint32_t flags;
    uint16_t code_page;
    bool fixed, tagged;
    uint32_t max;
    struct slice value;
};

static inline struct cursor *make_table(const char *name, const struct column_spec *columns, unsigned count,
                                        const char *key, size_t key_bytes) {
    struct cursor *c;
    objid_t objid;
    uint16_t fid;

    CHECK_OK(cat_create_table(f.s[0], db, name, 1, 0, &objid));
    CHECK_OK(cursor_open(f.s[0], db, name, 0, &c));
    for (unsigned i = 0; i < count; i++) {
        const struct column_spec *s = &columns[i];
        struct cat_new_column column = {.name = s->name,
                                        .type = s->type,
                                        .flags = s->flags,
                                        .code_page = s->code_page,
                                        .fixed = s->fixed,
                                        .tagged = s->tagged,
                                        .max_bytes = s->max,
                                        .default_value = s->value};
        CHECK_OK(cursor_add_column(c, &column, &fid));
    }
    if (key)
        CHECK_OK(cursor_create_primary(
            c, &(struct cat_new_index){.name = "p", .key = key, .key_bytes = key_bytes, .flags = INDEX_PRIMARY | 0xe}));
    return c;
}
#define TABLE(name, columns, key)                                                                                      \
    make_table((name), (columns), sizeof(columns) / sizeof(columns)[0], (key "\0"), sizeof(key "\0"))

/* Long key (fid 1), Long data (fid 2). */
static inline struct cursor *number_table(void) {
    static const struct column_spec numbers[] = {{.name = "key", .type = JET_coltypLong},
                                                 {.name = "data", .type = JET_coltypLong}};
    return TABLE("numbers", numbers, "+key\0");
}

static inline JET_ERR set(struct cursor *c, uint32_t fid, const void *p, size_t n) {
    return cursor_set(c, &(struct set_column){.fid = fid, .itag = 1, .value = slice(p, n)});
}
static inline JET_ERR set_long(struct cursor *c, uint32_t fid, int32_t value) {
    return set(c, fid, &value, 4);
}

static inline JET_ERR insert2(struct cursor *c, int32_t key, int32_t data) {
    JET_ERR err = JET_errSuccess;
    CALL(cursor_prepare(c, JET_prepInsert));
    CALL(set_long(c, 1, key));
    CALL(set_long(c, 2, data));
    err = cursor_update(c, NULL);
    if (err < JET_errSuccess)
        CHECK_OK(cursor_prepare(c, JET_prepCancel));
cleanup:
    return err;
}
static inline void insert(struct cursor *c, int32_t key) {
    CHECK_OK(insert2(c, key, 10 * key));
}

static inline JET_ERR get(struct cursor *c, uint32_t fid, JET_GRBIT grbit, void *out, uint32_t n, uint32_t *actual) {
    struct retrieve r = {.fid = fid, .grbit = grbit, .itag = 1, .out = out, .out_bytes = n};
    JET_ERR err = cursor_retrieve(c, &r);
    if (actual)
        *actual = r.actual;
    return err;
}

static inline int32_t long_of(struct cursor *c, uint32_t fid, JET_GRBIT grbit) {
    int32_t value = 0;
    CHECK_OK(get(c, fid, grbit, &value, 4, NULL));
    return value;
}

static inline JET_ERR at(struct cursor *c, int32_t *key) {
    return get(c, 1, 0, key, 4, NULL);
}
#define CHECK_AT(c, expected)                                                                                          \
    do {                                                                                                               \
        int32_t key_ = 0;                                                                                              \
        CHECK_OK(at((c), &key_));                                                                                      \
        CU_ASSERT_EQUAL_FATAL(key_, (expected));                                                                       \
    } while (0)
#define CHECK_AT_ERR(c, expected)                                                                                      \
    do {                                                                                                               \
        int32_t key_;                                                                                                  \
        CHECK_ERR(at((c), &key_), (expected));                                                                         \
    } while (0)

static inline JET_ERR move(struct cursor *c, int32_t count) {
    return cursor_move(c, count, 0);
}
#define FIRST ((int32_t)JET_MoveFirst)
#define LAST JET_MoveLast

static inline void key_long(struct cursor *c, int32_t key, JET_GRBIT grbit) {
    CHECK_OK(cursor_make_key(c, slice(&key, 4), JET_bitNewKey | grbit));
}

static inline JET_ERR seek(struct cursor *c, int32_t key, JET_GRBIT grbit) {
    key_long(c, key, 0);
    return cursor_seek(c, grbit);
}

static inline JET_ERR range(struct cursor *c, int32_t key, JET_GRBIT grbit) {
    key_long(c, key, 0);
    return cursor_set_range(c, grbit);
}

static inline pgno_t cursor_def_fdp(struct cursor *c) {
    const struct table_def *def;
    CHECK_OK(cursor_table(c, &def));
    return def->fdp;
}

#endif
