/* Cursors: moves, seeks, ranges, keys, updates, against a sorted array and against what is known of the original. */
#include <strings.h>

#include "tests/lib/testcat.h"

/* ---- helpers ---- */

static struct testcat f;
static struct db *db;

static void begin(uint32_t page_size) {
    f = testcat_new(page_size);
    db = testcat_create(&f, "cursor.edb");
}

static void end(void) {
    testcat_check(&f, db);
    testcat_free(&f);
}

struct column_spec { const char *name; JET_COLTYP type; uint32_t flags; uint16_t code_page; bool fixed, tagged; uint32_t max; struct slice value; };

static struct cursor *make_table(const char *name, const struct column_spec *columns, unsigned count, const char *key, size_t key_bytes) {
    struct cursor *c;
    objid_t objid;
    uint16_t fid;

    CHECK_OK(cat_create_table(f.s[0], db, name, 1, 0, &objid));
    CHECK_OK(cursor_open(f.s[0], db, name, 0, &c));
    for (unsigned i = 0; i < count; i++) {
        const struct column_spec *s = &columns[i];
        struct cat_new_column column = {.name = s->name, .type = s->type, .flags = s->flags, .code_page = s->code_page, .fixed = s->fixed,
                                        .tagged = s->tagged, .max_bytes = s->max, .default_value = s->value};
        CHECK_OK(cursor_add_column(c, &column, &fid));
    }
    if (key)
        CHECK_OK(cursor_create_primary(c, &(struct cat_new_index){.name = "p", .key = key, .key_bytes = key_bytes, .flags = INDEX_PRIMARY | 0xe}));
    return c;
}
#define TABLE(name, columns, key) make_table((name), (columns), sizeof(columns) / sizeof(columns)[0], (key "\0"), sizeof(key "\0"))

/* Long key (fid 1), Long data (fid 2). */
static const struct column_spec numbers[] = {{.name = "key", .type = JET_coltypLong}, {.name = "data", .type = JET_coltypLong}};
static struct cursor *number_table(void) { return TABLE("numbers", numbers, "+key\0"); }

static JET_ERR set(struct cursor *c, uint32_t fid, const void *p, size_t n) {
    return cursor_set(c, &(struct set_column){.fid = fid, .itag = 1, .value = slice(p, n)});
}
static JET_ERR set_long(struct cursor *c, uint32_t fid, int32_t value) { return set(c, fid, &value, 4); }

static JET_ERR insert2(struct cursor *c, int32_t key, int32_t data) {
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
static void insert(struct cursor *c, int32_t key) { CHECK_OK(insert2(c, key, 10 * key)); }

static JET_ERR get(struct cursor *c, uint32_t fid, JET_GRBIT grbit, void *out, uint32_t n, uint32_t *actual) {
    struct retrieve r = {.fid = fid, .grbit = grbit, .itag = 1, .out = out, .out_bytes = n};
    JET_ERR err = cursor_retrieve(c, &r);
    if (actual)
        *actual = r.actual;
    return err;
}

static int32_t long_of(struct cursor *c, uint32_t fid, JET_GRBIT grbit) {
    int32_t value = 0;
    CHECK_OK(get(c, fid, grbit, &value, 4, NULL));
    return value;
}

static JET_ERR at(struct cursor *c, int32_t *key) { return get(c, 1, 0, key, 4, NULL); }
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

static JET_ERR move(struct cursor *c, int32_t count) { return cursor_move(c, count, 0); }
#define FIRST ((int32_t)JET_MoveFirst)
#define LAST JET_MoveLast

static void key_long(struct cursor *c, int32_t key, JET_GRBIT grbit) { CHECK_OK(cursor_make_key(c, slice(&key, 4), JET_bitNewKey | grbit)); }

static JET_ERR seek(struct cursor *c, int32_t key, JET_GRBIT grbit) {
    key_long(c, key, 0);
    return cursor_seek(c, grbit);
}

static JET_ERR range(struct cursor *c, int32_t key, JET_GRBIT grbit) {
    key_long(c, key, 0);
    return cursor_set_range(c, grbit);
}

static pgno_t cursor_def_fdp(struct cursor *c) {
    const struct table_def *def;
    CHECK_OK(cursor_table(c, &def));
    return def->fdp;
}

/* ---- the place ---- */

static void new_cursor__is_on_the_first_record_whichever_that_is(void) {
    begin(4096);
    struct cursor *c = number_table(), *other;
    CHECK_AT_ERR(c, JET_errNoCurrentRecord);
    CHECK_OK(trx_begin(f.s[0], false));
    insert(c, 3);
    insert(c, 1);
    CHECK_AT(c, 1);
    insert(c, 0);
    CHECK_AT(c, 1);
    CHECK_OK(cursor_dup(c, &other));
    CHECK_AT(other, 0);
    CHECK_OK(move(other, 1));
    CHECK_AT(other, 1);
    cursor_close(other);
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(cursor_open(f.s[1], db, "NUMBERS", 0, &other));
    CHECK_OK(move(other, 2));
    CHECK_AT(other, 3);
    cursor_close(other);
    cursor_close(c);
    end();
}

static void move__beyond_an_end_stays_there_whatever_is_inserted(void) {
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(move(c, FIRST), JET_errNoCurrentRecord);
    CHECK_ERR(move(c, LAST), JET_errNoCurrentRecord);
    CHECK_ERR(move(c, -1), JET_errNoCurrentRecord);
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    insert(c, 5);
    insert(c, 6);
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 6);
    CHECK_ERR(move(c, -5), JET_errNoCurrentRecord);
    CHECK_AT_ERR(c, JET_errNoCurrentRecord);
    insert(c, 4);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 4);
    CHECK_OK(move(c, 0));
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void delete__leaves_the_cursor_at_the_place_of_the_record(void) {
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    for (int32_t key = 1; key <= 3; key++)
        insert(c, key);
    CHECK_OK(seek(c, 1, JET_bitSeekEQ));
    CHECK_OK(cursor_delete(c));
    CHECK_AT_ERR(c, JET_errRecordDeleted);
    CHECK_ERR(move(c, 0), JET_errRecordDeleted);
    CHECK_ERR(cursor_delete(c), JET_errRecordDeleted);
    insert(c, 1);
    CHECK_AT(c, 1);
    CHECK_OK(cursor_delete(c));
    CHECK_ERR(move(c, -1), JET_errNoCurrentRecord);
    insert(c, 1);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 1);
    CHECK_OK(cursor_delete(c));
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 2);
    insert(c, 1);
    CHECK_OK(cursor_delete(c));
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 1);
    insert(c, 2);
    CHECK_OK(move(c, LAST));
    CHECK_OK(cursor_delete(c));
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_AT_ERR(c, JET_errNoCurrentRecord);
    insert(c, 3);
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 3);
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_ERR(cursor_delete(c), JET_errNotInTransaction);
    cursor_close(c);
    end();
}

static void seek__finds_by_each_relation(void) {
    static const struct { int32_t key; JET_GRBIT how; JET_ERR err; int32_t found; } cases[] = {
        {0, JET_bitSeekEQ, JET_errRecordNotFound, 0},  {1, JET_bitSeekEQ, JET_errSuccess, 1},
        {2, JET_bitSeekEQ, JET_errRecordNotFound, 0},  {0, JET_bitSeekLT, JET_errRecordNotFound, 0},
        {1, JET_bitSeekLT, JET_errRecordNotFound, 0},  {2, JET_bitSeekLT, JET_errSuccess, 1},
        {3, JET_bitSeekLT, JET_errSuccess, 1},         {5, JET_bitSeekLT, JET_errSuccess, 3},
        {0, JET_bitSeekLE, JET_errRecordNotFound, 0},  {1, JET_bitSeekLE, JET_errSuccess, 1},
        {2, JET_bitSeekLE, JET_wrnSeekNotEqual, 1},    {4, JET_bitSeekLE, JET_wrnSeekNotEqual, 3},
        {0, JET_bitSeekGT, JET_errSuccess, 1},         {1, JET_bitSeekGT, JET_errSuccess, 3},
        {3, JET_bitSeekGT, JET_errRecordNotFound, 0},  {0, JET_bitSeekGE, JET_wrnSeekNotEqual, 1},
        {1, JET_bitSeekGE, JET_errSuccess, 1},         {2, JET_bitSeekGE, JET_wrnSeekNotEqual, 3},
        {4, JET_bitSeekGE, JET_errRecordNotFound, 0},  {1, JET_bitSeekEQ | JET_bitCheckUniqueness, JET_wrnUniqueKey, 1},
    };
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(seek(c, 1, JET_bitSeekGE), JET_errRecordNotFound);
    insert(c, 1);
    insert(c, 3);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_ERR(seek(c, cases[i].key, cases[i].how), cases[i].err);
        if (cases[i].err >= JET_errSuccess)
            CHECK_AT(c, cases[i].found);
        else
            CHECK_AT_ERR(c, JET_errNoCurrentRecord);
    }
    CHECK_ERR(seek(c, 2, JET_bitSeekEQ), JET_errRecordNotFound); /* between them */
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 1);
    CHECK_ERR(seek(c, 2, JET_bitSeekEQ), JET_errRecordNotFound);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 3);
    CHECK_ERR(cursor_seek(c, JET_bitSeekEQ), JET_errKeyNotMade);
    key_long(c, 1, 0);
    CHECK_ERR(cursor_seek(c, 0), JET_errInvalidGrbit);
    CHECK_ERR(cursor_seek(c, JET_bitSeekEQ | JET_bitSeekGT), JET_errInvalidGrbit);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void range__ends_moves_and_is_over_when_left(void) {
    begin(4096);
    struct cursor *c = number_table();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(range(c, 1, 0), JET_errNoCurrentRecord);
    for (int32_t key = 1; key <= 4; key++)
        insert(c, key);
    CHECK_OK(seek(c, 3, JET_bitSeekEQ));
    CHECK_OK(range(c, 1, 0));
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 2);
    CHECK_ERR(move(c, -1), JET_errNoCurrentRecord);
    CHECK_AT_ERR(c, JET_errNoCurrentRecord);
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 1);

    CHECK_OK(seek(c, 2, JET_bitSeekEQ));
    CHECK_OK(range(c, 4, JET_bitRangeUpperLimit));
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 3);
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_OK(move(c, -1));
    CHECK_AT(c, 4);
    CHECK_OK(move(c, -1));
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 4);

    CHECK_OK(seek(c, 2, JET_bitSeekEQ));
    CHECK_OK(range(c, 3, JET_bitRangeUpperLimit | JET_bitRangeInclusive));
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 3);
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);

    CHECK_OK(seek(c, 3, JET_bitSeekEQ));
    CHECK_ERR(cursor_set_range(c, JET_bitRangeRemove), JET_errInvalidOperation);
    CHECK_OK(range(c, 3, JET_bitRangeUpperLimit | JET_bitRangeInclusive));
    CHECK_OK(cursor_set_range(c, JET_bitRangeRemove));
    CHECK_OK(move(c, 1));
    CHECK_AT(c, 4);
    CHECK_OK(seek(c, 3, JET_bitSeekEQ));
    CHECK_OK(range(c, 1, JET_bitRangeInstantDuration));
    CHECK_OK(move(c, -2));
    CHECK_AT(c, 1);
    CHECK_OK(seek(c, 3, JET_bitSeekEQ));
    CHECK_ERR(range(c, 3, JET_bitRangeUpperLimit | JET_bitRangeInstantDuration), JET_errNoCurrentRecord);
    CHECK_AT(c, 3);
    CHECK_OK(move(c, FIRST));
    CHECK_ERR(cursor_set_range(c, 0), JET_errKeyNotMade);
    CHECK_OK(seek(c, 2, JET_bitSeekEQ | JET_bitSetIndexRange));
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

static void bookmark__leads_back_to_its_record_while_that_exists(void) {
    begin(4096);
    struct cursor *c = number_table();
    struct slice bookmark;
    uint8_t kept[8], key[8];
    size_t actual;

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(cursor_bookmark(c, &bookmark), JET_errNoCurrentRecord);
    for (int32_t k = 1; k <= 3; k++)
        insert(c, k);
    CHECK_OK(seek(c, 2, JET_bitSeekEQ));
    CHECK_OK(cursor_bookmark(c, &bookmark));
    CU_ASSERT_EQUAL_FATAL(bookmark.n, 5);
    memcpy(kept, bookmark.p, 5);
    CHECK_OK(cursor_retrieve_key(c, 0, key, sizeof key, &actual));
    CU_ASSERT_TRUE(actual == 5 && memcmp(key, kept, 5) == 0);
    CHECK_ERR(cursor_retrieve_key(c, 0, key, 3, &actual), JET_wrnBufferTruncated);
    CU_ASSERT_EQUAL(actual, 5);
    CHECK_OK(move(c, LAST));
    CHECK_OK(cursor_goto(c, slice(kept, 5)));
    CHECK_AT(c, 2);
    CHECK_OK(cursor_bookmark(c, &bookmark));
    CHECK_OK(cursor_goto(c, bookmark));
    CHECK_OK(cursor_delete(c));
    CHECK_OK(move(c, FIRST));
    CHECK_ERR(cursor_goto(c, slice(kept, 5)), JET_errRecordDeleted);
    CHECK_AT(c, 1);
    CHECK_ERR(cursor_goto(c, slice(kept, 0)), JET_errInvalidBookmark);
    CHECK_ERR(cursor_goto(c, (struct slice){0}), JET_errInvalidBookmark);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

/* ---- search keys ---- */

static const struct column_spec names[] = {
    {.name = "n", .type = JET_coltypLong}, {.name = "t", .type = JET_coltypText}, {.name = "b", .type = JET_coltypBinary},
    {.name = "fixed", .type = JET_coltypText, .fixed = true, .max = 4},
};

static void make_key__checks_what_it_is_given(void) {
    begin(4096);
    struct cursor *c = TABLE("keys", names, "+n\0+t\0-fixed\0");
    int32_t n = 1;
    uint8_t key[300];
    size_t actual;

    CHECK_ERR(cursor_make_key(c, slice(&n, 4), 0), JET_errKeyNotMade);
    CHECK_ERR(cursor_retrieve_key(c, JET_bitRetrieveCopy, key, sizeof key, &actual), JET_errKeyNotMade);
    CHECK_ERR(cursor_make_key(c, slice(&n, 3), JET_bitNewKey), JET_errInvalidBufferSize);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitPartialColumnEndLimit), JET_errInvalidGrbit);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitFullColumnEndLimit | JET_bitFullColumnStartLimit), JET_errInvalidGrbit);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitStrLimit | JET_bitFullColumnStartLimit), JET_errInvalidGrbit);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | 0x8000), JET_errInvalidGrbit);
    CHECK_OK(cursor_make_key(c, slice(&n, 4), JET_bitNewKey));
    CHECK_OK(cursor_make_key(c, slice("abc", 3), 0));
    CHECK_ERR(cursor_make_key(c, slice("12345", 5), 0), JET_errInvalidBufferSize);
    CHECK_OK(cursor_make_key(c, slice("1", 1), 0));
    CHECK_ERR(cursor_make_key(c, slice("x", 1), 0), JET_errKeyIsMade);
    CHECK_OK(cursor_retrieve_key(c, JET_bitRetrieveCopy, key, sizeof key, &actual));
    const uint8_t expected[] = {0x7f, 0x80, 0, 0, 1, 0x7f, 'A', 'B', 'C', 0, 0x80, (uint8_t)~'1', (uint8_t)~' ', (uint8_t)~' ', (uint8_t)~' ', 0xff};
    CU_ASSERT_EQUAL(slice_compare(slice(key, actual), slice(expected, sizeof expected)), 0);
    CHECK_OK(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitStrLimit));
    CHECK_ERR(cursor_make_key(c, slice("x", 1), 0), JET_errKeyIsMade);
    CHECK_OK(cursor_make_key(c, slice(expected, sizeof expected), JET_bitNormalizedKey));
    CHECK_ERR(cursor_make_key(c, slice("x", 1), 0), JET_errKeyIsMade);
    CHECK_ERR(cursor_make_key(c, slice(key, 257), JET_bitNormalizedKey), JET_errInvalidParameter);
    cursor_close(c);
    end();
}

static void insert_name(struct cursor *c, int32_t n, const char *t, const char *b) {
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_OK(set_long(c, 1, n));
    CHECK_OK(set(c, 128, t, strlen(t)));
    if (b)
        CHECK_OK(set(c, 129, b, strlen(b)));
    CHECK_OK(cursor_update(c, NULL));
}

/* Walks from the start key to the end key and gives the values of a column, concatenated. */
static const char *walk(struct cursor *c, uint32_t fid, struct slice *parts, unsigned count, JET_GRBIT start, JET_GRBIT limit) {
    static char out[512];
    char value[64];
    uint32_t actual;

    out[0] = 0;
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(cursor_make_key(c, parts[i], (i ? 0 : JET_bitNewKey) | (i + 1 == count ? start : 0)));
    JET_ERR err = cursor_seek(c, JET_bitSeekGE);
    if (err == JET_errRecordNotFound)
        return out;
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(cursor_make_key(c, parts[i], (i ? 0 : JET_bitNewKey) | (i + 1 == count ? limit : 0)));
    for (err = cursor_set_range(c, JET_bitRangeUpperLimit); err >= JET_errSuccess; err = move(c, 1)) {
        CHECK_OK(get(c, fid, 0, value, sizeof value, &actual));
        snprintf(out + strlen(out), sizeof out - strlen(out), "%.*s,", (int)actual, value);
    }
    CHECK_ERR(err, JET_errNoCurrentRecord);
    return out;
}

static void wildcards__take_in_what_they_say_in_both_directions(void) {
    static const struct { const char *key; size_t bytes; const char *one, *prefix, *binary; } tables[] = {
        {"+n\0+t\0+b\0\0", 11, "a,ab,abc,b,", "a,ab,abc,", "12345678,123456789,"},
        {"+n\0-t\0-b\0\0", 11, "b,abc,ab,a,", "abc,ab,a,", "123456789,12345678,"},
        {"-n\0-t\0+b\0\0", 11, "b,abc,ab,a,", "abc,ab,a,", "12345678,123456789,"},
    };
    begin(4096);
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%u", i);
        struct cursor *c = make_table(name, names, 4, tables[i].key, tables[i].bytes);
        int32_t n = 1;
        struct slice parts[3] = {slice(&n, 4), slice("a", 1), slice("12345678", 8)};

        CHECK_OK(trx_begin(f.s[0], false));
        insert_name(c, 0, "zzz", NULL);
        insert_name(c, 1, "a", NULL);
        insert_name(c, 1, "ab", NULL);
        insert_name(c, 1, "abc", NULL);
        insert_name(c, 1, "b", NULL);
        insert_name(c, 2, "a", "1234567");
        insert_name(c, 2, "a", "12345678");
        insert_name(c, 2, "a", "123456789");
        insert_name(c, 2, "a", "2");
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 1, JET_bitFullColumnStartLimit, JET_bitFullColumnEndLimit), tables[i].one);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 1, JET_bitFullColumnStartLimit, JET_bitStrLimit), tables[i].one);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitPartialColumnStartLimit, JET_bitPartialColumnEndLimit), tables[i].prefix);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitPartialColumnStartLimit, JET_bitSubStrLimit), tables[i].prefix);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitFullColumnStartLimit, JET_bitFullColumnEndLimit), "a,");
        n = 2;
        CU_ASSERT_STRING_EQUAL(walk(c, 129, parts, 3, JET_bitPartialColumnStartLimit, JET_bitPartialColumnEndLimit), tables[i].binary);
        CHECK_OK(trx_commit(f.s[0], true));
        cursor_close(c);
    }
    end();
}

/* ---- random walks against a sorted array ---- */

/* Key: a ascending (NULL first), t descending (NULL last), b ascending. */
struct row { int64_t a; char t[12]; int t_bytes; uint8_t b; int32_t data; };
enum { NONE = -1 };
static const struct column_spec model_columns[] = {
    {.name = "a", .type = JET_coltypLong}, {.name = "b", .type = JET_coltypUnsignedByte}, {.name = "data", .type = JET_coltypLong},
    {.name = "t", .type = JET_coltypText}, {.name = "pad", .type = JET_coltypBinary},
};
enum { FID_A = 1, FID_B = 2, FID_DATA = 3, FID_T = 128, FID_PAD = 129 };

struct model { struct row rows[3000]; unsigned count; };
static struct model model, before;

static int compare_rows(const struct row *x, const struct row *y) {
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if ((x->t_bytes == NONE) != (y->t_bytes == NONE))
        return x->t_bytes == NONE ? 1 : -1;
    int order = x->t_bytes == NONE ? 0 : strcasecmp(x->t, y->t);
    if (order)
        return -order;
    return (x->b > y->b) - (x->b < y->b);
}

/* Index of the first row that is not below r. */
static unsigned lower(const struct row *r) {
    unsigned low = 0, high = model.count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (compare_rows(&model.rows[middle], r) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool present(unsigned i, const struct row *r) { return i < model.count && compare_rows(&model.rows[i], r) == 0; }

static struct row random_row(void) {
    struct row r = {.a = (int64_t)test_random_below(40) - 20, .b = (uint8_t)test_random_below(3), .data = (int32_t)test_random()};
    if (test_random_below(20) == 0)
        r.a = INT64_MIN; /* NULL */
    r.t_bytes = (int)test_random_below(6) - 1;
    for (int i = 0; i < r.t_bytes; i++)
        r.t[i] = "abAB"[test_random_below(4)];
    return r;
}

static void row_keys(struct cursor *c, const struct row *r) {
    int32_t a = (int32_t)r->a;
    CHECK_OK(cursor_make_key(c, r->a == INT64_MIN ? (struct slice){0} : slice(&a, 4), JET_bitNewKey));
    CHECK_OK(cursor_make_key(c, slice(r->t, r->t_bytes < 0 ? 0 : (size_t)r->t_bytes), r->t_bytes == 0 ? JET_bitKeyDataZeroLength : 0));
    CHECK_OK(cursor_make_key(c, slice(&r->b, 1), 0));
}

static void check_row(struct cursor *c, const struct row *r) {
    char t[16] = {0};
    uint32_t actual;
    int32_t a;
    uint8_t b;
    JET_ERR err = get(c, FID_T, 0, t, sizeof t, &actual);
    CHECK_ERR(err, r->t_bytes == NONE ? JET_wrnColumnNull : JET_errSuccess);
    CU_ASSERT_EQUAL_FATAL(actual, r->t_bytes == NONE ? 0 : (uint32_t)r->t_bytes);
    CU_ASSERT_EQUAL_FATAL(memcmp(t, r->t, actual), 0);
    CHECK_ERR(get(c, FID_A, 0, &a, 4, NULL), r->a == INT64_MIN ? JET_wrnColumnNull : JET_errSuccess);
    CU_ASSERT_FATAL(r->a == INT64_MIN || a == r->a);
    CHECK_OK(get(c, FID_B, 0, &b, 1, NULL));
    CU_ASSERT_EQUAL_FATAL(b, r->b);
    CU_ASSERT_EQUAL_FATAL(long_of(c, FID_DATA, 0), r->data);
}

static void fill(struct cursor *c, const struct row *r) {
    static uint8_t pad[255];
    int32_t a = (int32_t)r->a;
    if (r->a != INT64_MIN)
        CHECK_OK(set(c, FID_A, &a, 4));
    if (r->t_bytes >= 0)
        CHECK_OK(cursor_set(c, &(struct set_column){.fid = FID_T, .itag = 1, .value = slice(r->t, (size_t)r->t_bytes), .grbit = JET_bitSetZeroLength}));
    CHECK_OK(set(c, FID_B, &r->b, 1));
    CHECK_OK(set_long(c, FID_DATA, r->data));
    CHECK_OK(set(c, FID_PAD, pad, test_random_below(256)));
}

static void try_insert(struct cursor *c) {
    struct row r = random_row();
    unsigned i = lower(&r);
    if (model.count == sizeof model.rows / sizeof model.rows[0])
        return;
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    fill(c, &r);
    JET_ERR err = cursor_update(c, NULL);
    if (present(i, &r)) {
        CHECK_ERR(err, JET_errKeyDuplicate);
        CHECK_OK(cursor_prepare(c, JET_prepCancel));
        return;
    }
    CHECK_OK(err);
    memmove(&model.rows[i + 1], &model.rows[i], (model.count++ - i) * sizeof r);
    model.rows[i] = r;
}

/* Puts the cursor on a row of the model. */
static bool seek_random(struct cursor *c, unsigned *i) {
    struct row r = random_row();
    *i = lower(&r);
    row_keys(c, &r);
    JET_ERR err = cursor_seek(c, JET_bitSeekGE);
    if (*i == model.count) {
        CHECK_ERR(err, JET_errRecordNotFound);
        return false;
    }
    CHECK_ERR(err, present(*i, &r) ? JET_errSuccess : JET_wrnSeekNotEqual);
    check_row(c, &model.rows[*i]);
    return true;
}

static void try_change(struct cursor *c) {
    unsigned i;
    if (!seek_random(c, &i))
        return;
    if (test_random_below(2)) {
        CHECK_OK(cursor_delete(c));
        CHECK_AT_ERR(c, JET_errRecordDeleted);
        memmove(&model.rows[i], &model.rows[i + 1], (--model.count - i) * sizeof model.rows[0]);
        JET_ERR err = move(c, 1);
        CHECK_ERR(err, i < model.count ? JET_errSuccess : JET_errNoCurrentRecord);
        if (i < model.count)
            check_row(c, &model.rows[i]);
        return;
    }
    model.rows[i].data = (int32_t)test_random();
    CHECK_OK(cursor_prepare(c, test_random_below(2) ? JET_prepReplace : JET_prepReplaceNoLock));
    CHECK_OK(set_long(c, FID_DATA, model.rows[i].data));
    CHECK_OK(set(c, FID_PAD, "pad", test_random_below(4)));
    CHECK_OK(cursor_update(c, NULL));
    check_row(c, &model.rows[i]);
}

static void try_moves(struct cursor *c) {
    unsigned at_row;
    if (!seek_random(c, &at_row))
        return;
    int64_t i = at_row;
    for (unsigned n = 0; n < 8; n++) {
        int32_t count = (int32_t)test_random_below(9) - 4;
        i += count;
        JET_ERR err = move(c, count);
        bool inside = i >= 0 && i < model.count;
        CHECK_ERR(err, inside ? JET_errSuccess : JET_errNoCurrentRecord);
        if (inside)
            check_row(c, &model.rows[i]);
        else
            i = i < 0 ? -1 : (int64_t)model.count;
    }
}

static void try_range(struct cursor *c) {
    struct row limit = random_row();
    unsigned i;
    bool upper = test_random_below(2), inclusive = test_random_below(2);
    if (!seek_random(c, &i))
        return;
    row_keys(c, &limit);
    JET_ERR err = cursor_set_range(c, (upper ? JET_bitRangeUpperLimit : 0) | (inclusive ? JET_bitRangeInclusive : 0));
    for (int64_t k = i;; k += upper ? 1 : -1) {
        int order = k >= 0 && k < model.count ? compare_rows(&model.rows[k], &limit) : upper ? 1 : -1;
        bool inside = (order == 0 && inclusive) || (upper ? order < 0 : order > 0);
        CHECK_ERR(err, inside ? JET_errSuccess : JET_errNoCurrentRecord);
        if (!inside)
            break;
        check_row(c, &model.rows[k]);
        err = move(c, upper ? 1 : -1);
    }
}

static void check_all(struct cursor *c) {
    JET_ERR err = move(c, FIRST);
    for (unsigned i = 0; i < model.count; i++, err = move(c, 1)) {
        CHECK_OK(err);
        check_row(c, &model.rows[i]);
    }
    CHECK_ERR(err, JET_errNoCurrentRecord);
    for (unsigned i = model.count; i-- > 0;) {
        CHECK_OK(move(c, -1));
        check_row(c, &model.rows[i]);
    }
    CHECK_ERR(move(c, -1), JET_errNoCurrentRecord);
}

static void random_operations__match_a_sorted_array(void) {
    static const uint32_t sizes[] = {4096, 8192, 16384, 32768};
    begin(sizes[test_random_below(4)]);
    struct cursor *c = TABLE("model", model_columns, "+a\0-t\0+b\0"), *reader;
    model.count = 0;
    CHECK_OK(cursor_open(f.s[1], db, "model", 0, &reader));
    for (unsigned round = 0; round < 25; round++) {
        before = model;
        CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(trx_begin(f.s[1], true));
        unsigned deep = 0;
        struct model middle;
        for (unsigned n = 0; n < 120; n++) {
            uint64_t what = test_random_below(10);
            if (what < 5)
                try_insert(c);
            else if (what < 7)
                try_change(c);
            else if (what < 9)
                try_moves(c);
            else
                try_range(c);
            if (n == 40 && test_random_below(2)) {
                middle = model;
                CHECK_OK(trx_begin(f.s[0], false));
                deep = 1;
            }
            if (n == 80 && deep && test_random_below(2)) {
                CHECK_OK(trx_rollback(f.s[0], false));
                cursor_after_rollback(c, 1);
                model = middle;
                deep = 0;
            }
        }
        check_all(c);
        if (deep)
            CHECK_OK(trx_commit(f.s[0], true));
        struct model after = model;
        model = before; /* the other session's snapshot */
        check_all(reader);
        CHECK_OK(trx_commit(f.s[1], true));
        if (test_random_below(4) == 0) {
            CHECK_OK(trx_rollback(f.s[0], true));
            cursor_after_rollback(c, 0);
        } else {
            CHECK_OK(trx_commit(f.s[0], true));
            model = after;
        }
        check_all(reader);
    }
    check_all(c);
    cursor_close(reader);
    cursor_close(c);
    db = testcat_check(&f, db);
    CHECK_OK(cursor_open(f.s[0], db, "model", 0, &c));
    check_all(c);
    cursor_close(c);
    testcat_free(&f);
}

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
        {.name = "id", .type = JET_coltypLong, .flags = COLUMN_NOT_NULL}, {.name = "short", .type = JET_coltypText, .max = 3},
        {.name = "blob", .type = JET_coltypLongBinary},
    };
    static uint8_t big[40000];
    begin(4096);
    struct cursor *c = TABLE("t", columns, "+id\0");
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(cursor_prepare(c, JET_prepInsert));
    CHECK_ERR(cursor_update(c, NULL), JET_errNullInvalid);
    CHECK_ERR(set(c, 128, "four", 4), JET_errInvalidBufferSize);
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
    static const struct column_spec columns[] = {{.name = "auto", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}, {.name = "x", .type = JET_coltypLong}};
    static const struct { const char *name, *key; size_t bytes; } tables[] = {
        {"ascending", "+auto\0\0", 7}, {"descending", "-auto\0\0", 7}, {"second", "+x\0+auto\0\0", 10}, {"none", NULL, 0},
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
    static const struct column_spec columns[] = {{.name = "auto", .type = JET_coltypLong, .flags = COLUMN_AUTO_INCREMENT}};
    static const struct column_spec wide[] = {{.name = "auto", .type = JET_coltypCurrency, .flags = COLUMN_AUTO_INCREMENT}};
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
    static const struct column_spec columns[] = {{.name = "v", .type = JET_coltypLong, .flags = COLUMN_VERSION}, {.name = "x", .type = JET_coltypLong}};
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
        {.name = "id", .type = JET_coltypLong}, {.name = "fixed", .type = JET_coltypLong, .value = {seven, 4}},
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

    CHECK_OK(cursor_add_column(c, &(struct cat_new_column){.name = "later", .type = JET_coltypLong, .default_value = slice(seven, 4)}, &fid));
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
    {.name = "id", .type = JET_coltypLong}, {.name = "multi", .type = JET_coltypText, .tagged = true, .flags = COLUMN_MULTI_VALUED},
    {.name = "long", .type = JET_coltypLongBinary}, {.name = "number", .type = JET_coltypLong, .tagged = true, .flags = COLUMN_MULTI_VALUED},
};

static JET_ERR set_tag(struct cursor *c, uint32_t fid, unsigned itag, const char *value, JET_GRBIT grbit) {
    return cursor_set(c, &(struct set_column){.fid = fid, .itag = itag, .value = slice(value, strlen(value)), .grbit = grbit});
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
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 257, .itag = 1, .offset = 5, .value = slice("!", 1), .grbit = JET_bitSetOverwriteLV}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "hello!");
    CHECK_OK(cursor_set(c, &(struct set_column){.fid = 257, .itag = 1, .value = slice(&size, 4), .grbit = JET_bitSetSizeLV}));
    CU_ASSERT_STRING_EQUAL(get_tag(c, 257, 1, JET_bitRetrieveCopy), "hel");
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
    CHECK_ERR(cursor_add_column(c, &(struct cat_new_column){.name = "x", .type = JET_coltypLong}, &fid), JET_errFixedDDL);
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

static void unicode_key__sorts_and_finds_without_regard_to_case(void) {
    static const struct column_spec columns[] = {{.name = "u", .type = JET_coltypText, .code_page = 1200}};
    static const char *const words[] = {"pear", "Apple", "banana", "apricot", "Cherry"};
    static const char order[] = "AabCp";
    begin(4096);
    struct cursor *c = TABLE("t", columns, "+u\0");
    uint8_t wide[64];

    CHECK_OK(trx_begin(f.s[0], false));
    for (unsigned i = 0; i < 5; i++) {
        for (size_t k = 0; k <= strlen(words[i]); k++)
            store16(wide + 2 * k, (uint16_t)words[i][k]);
        CHECK_OK(cursor_prepare(c, JET_prepInsert));
        CHECK_OK(set(c, 128, wide, 2 * strlen(words[i])));
        CHECK_OK(cursor_update(c, NULL));
    }
    JET_ERR err = move(c, FIRST);
    for (unsigned i = 0; i < 5; i++, err = move(c, 1)) {
        CHECK_OK(err);
        CHECK_ERR(get(c, 128, 0, wide, 2, NULL), JET_wrnBufferTruncated);
        CU_ASSERT_EQUAL(wide[0], order[i]);
    }
    CHECK_OK(cursor_make_key(c, slice("A\0P\0R\0I\0C\0O\0T\0", 14), JET_bitNewKey));
    CHECK_OK(cursor_seek(c, JET_bitSeekEQ));
    CHECK_OK(cursor_make_key(c, slice("a\0p\0", 4), JET_bitNewKey | JET_bitPartialColumnStartLimit));
    CHECK_OK(cursor_seek(c, JET_bitSeekGE) == JET_wrnSeekNotEqual ? JET_errSuccess : JET_errInternalError);
    CHECK_OK(cursor_make_key(c, slice("a\0p\0", 4), JET_bitNewKey | JET_bitPartialColumnEndLimit));
    CHECK_OK(cursor_set_range(c, JET_bitRangeUpperLimit));
    CHECK_OK(move(c, 1));
    CHECK_ERR(move(c, 1), JET_errNoCurrentRecord);
    CHECK_OK(trx_commit(f.s[0], true));
    cursor_close(c);
    end();
}

TEST_MAIN(TEST(new_cursor__is_on_the_first_record_whichever_that_is), TEST(move__beyond_an_end_stays_there_whatever_is_inserted),
          TEST(delete__leaves_the_cursor_at_the_place_of_the_record), TEST(seek__finds_by_each_relation),
          TEST(range__ends_moves_and_is_over_when_left), TEST(bookmark__leads_back_to_its_record_while_that_exists),
          TEST(make_key__checks_what_it_is_given), TEST(wildcards__take_in_what_they_say_in_both_directions),
          TEST(random_operations__match_a_sorted_array), TEST(update__goes_by_the_documented_steps),
          TEST(insert_copy__starts_from_the_current_record), TEST(replace__conflicts_at_prepare_or_without_lock_at_update),
          TEST(rollback__cancels_updates_of_its_levels_and_keeps_the_place), TEST(not_null_and_size__are_checked),
          TEST(autoincrement__gives_each_number_once), TEST(autoincrement__ends_with_the_type), TEST(version_column__counts_replaces),
          TEST(table_without_primary__keeps_rows_in_the_order_of_insertion), TEST(defaults__stand_for_what_is_absent),
          TEST(multi_values__are_numbered_from_one), TEST(long_value__can_be_set_and_read_in_parts),
          TEST(deny_flags__keep_other_sessions_out), TEST(read_only__cursors_tables_and_databases_refuse_updates),
          TEST(unicode_key__sorts_and_finds_without_regard_to_case))
