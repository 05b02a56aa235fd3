/* Cursors: moves, seeks, ranges and keys, against what is known of the original and against a sorted array. */
#include <strings.h>

#include "tests/lib/testcursor.h"

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
    static const struct {
        int32_t key;
        JET_GRBIT how;
        JET_ERR err;
        int32_t found;
    } cases[] = {
        {0, JET_bitSeekEQ, JET_errRecordNotFound, 0}, {1, JET_bitSeekEQ, JET_errSuccess, 1},
        {2, JET_bitSeekEQ, JET_errRecordNotFound, 0}, {0, JET_bitSeekLT, JET_errRecordNotFound, 0},
        {1, JET_bitSeekLT, JET_errRecordNotFound, 0}, {2, JET_bitSeekLT, JET_errSuccess, 1},
        {3, JET_bitSeekLT, JET_errSuccess, 1},        {5, JET_bitSeekLT, JET_errSuccess, 3},
        {0, JET_bitSeekLE, JET_errRecordNotFound, 0}, {1, JET_bitSeekLE, JET_errSuccess, 1},
        {2, JET_bitSeekLE, JET_wrnSeekNotEqual, 1},   {4, JET_bitSeekLE, JET_wrnSeekNotEqual, 3},
        {0, JET_bitSeekGT, JET_errSuccess, 1},        {1, JET_bitSeekGT, JET_errSuccess, 3},
        {3, JET_bitSeekGT, JET_errRecordNotFound, 0}, {0, JET_bitSeekGE, JET_wrnSeekNotEqual, 1},
        {1, JET_bitSeekGE, JET_errSuccess, 1},        {2, JET_bitSeekGE, JET_wrnSeekNotEqual, 3},
        {4, JET_bitSeekGE, JET_errRecordNotFound, 0}, {1, JET_bitSeekEQ | JET_bitCheckUniqueness, JET_wrnUniqueKey, 1},
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
    {.name = "n", .type = JET_coltypLong},
    {.name = "t", .type = JET_coltypText},
    {.name = "b", .type = JET_coltypBinary},
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
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitFullColumnEndLimit | JET_bitFullColumnStartLimit),
              JET_errInvalidGrbit);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | JET_bitStrLimit | JET_bitFullColumnStartLimit),
              JET_errInvalidGrbit);
    CHECK_ERR(cursor_make_key(c, slice(&n, 4), JET_bitNewKey | 0x8000), JET_errInvalidGrbit);
    CHECK_OK(cursor_make_key(c, slice(&n, 4), JET_bitNewKey));
    CHECK_OK(cursor_make_key(c, slice("abc", 3), 0));
    CHECK_ERR(cursor_make_key(c, slice("12345", 5), 0), JET_errInvalidBufferSize);
    CHECK_OK(cursor_make_key(c, slice("1", 1), 0));
    CHECK_ERR(cursor_make_key(c, slice("x", 1), 0), JET_errKeyIsMade);
    CHECK_OK(cursor_retrieve_key(c, JET_bitRetrieveCopy, key, sizeof key, &actual));
    const uint8_t expected[] = {
        0x7f,           0x80,           0,   0, 1, 0x7f, 'A', 'B', 'C', 0, 0x80, (uint8_t) ~'1', (uint8_t) ~' ',
        (uint8_t) ~' ', (uint8_t) ~' ', 0xff};
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
static const char *walk(struct cursor *c, uint32_t fid, struct slice *parts, unsigned count, JET_GRBIT start,
                        JET_GRBIT limit) {
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
    static const struct {
        const char *key;
        size_t bytes;
        const char *one, *prefix, *binary;
    } tables[] = {
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
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 1, JET_bitFullColumnStartLimit, JET_bitFullColumnEndLimit),
                               tables[i].one);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 1, JET_bitFullColumnStartLimit, JET_bitStrLimit), tables[i].one);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitPartialColumnStartLimit, JET_bitPartialColumnEndLimit),
                               tables[i].prefix);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitPartialColumnStartLimit, JET_bitSubStrLimit),
                               tables[i].prefix);
        CU_ASSERT_STRING_EQUAL(walk(c, 128, parts, 2, JET_bitFullColumnStartLimit, JET_bitFullColumnEndLimit), "a,");
        n = 2;
        CU_ASSERT_STRING_EQUAL(walk(c, 129, parts, 3, JET_bitPartialColumnStartLimit, JET_bitPartialColumnEndLimit),
                               tables[i].binary);
        CHECK_OK(trx_commit(f.s[0], true));
        cursor_close(c);
    }
    end();
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

/* ---- random walks against a sorted array ---- */

/* Key: a ascending (NULL first), t descending (NULL last), b ascending. */
struct row {
    int64_t a;
    char t[12];
    int t_bytes;
    uint8_t b;
    int32_t data;
};
enum { NONE = -1 };
static const struct column_spec model_columns[] = {
    {.name = "a", .type = JET_coltypLong},     {.name = "b", .type = JET_coltypUnsignedByte},
    {.name = "data", .type = JET_coltypLong},  {.name = "t", .type = JET_coltypText},
    {.name = "pad", .type = JET_coltypBinary},
};
enum { FID_A = 1, FID_B = 2, FID_DATA = 3, FID_T = 128, FID_PAD = 129 };

struct model {
    struct row rows[3000];
    unsigned count;
};
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

static bool present(unsigned i, const struct row *r) {
    return i < model.count && compare_rows(&model.rows[i], r) == 0;
}

static struct row random_row(void) {
    struct row r = {
        .a = (int64_t)test_random_below(40) - 20, .b = (uint8_t)test_random_below(3), .data = (int32_t)test_random()};
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
    CHECK_OK(cursor_make_key(c, slice(r->t, r->t_bytes < 0 ? 0 : (size_t)r->t_bytes),
                             r->t_bytes == 0 ? JET_bitKeyDataZeroLength : 0));
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
        CHECK_OK(cursor_set(
            c, &(struct set_column){
                   .fid = FID_T, .itag = 1, .value = slice(r->t, (size_t)r->t_bytes), .grbit = JET_bitSetZeroLength}));
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

TEST_MAIN(TEST(new_cursor__is_on_the_first_record_whichever_that_is),
          TEST(move__beyond_an_end_stays_there_whatever_is_inserted),
          TEST(delete__leaves_the_cursor_at_the_place_of_the_record), TEST(seek__finds_by_each_relation),
          TEST(range__ends_moves_and_is_over_when_left), TEST(bookmark__leads_back_to_its_record_while_that_exists),
          TEST(make_key__checks_what_it_is_given), TEST(wildcards__take_in_what_they_say_in_both_directions),
          TEST(unicode_key__sorts_and_finds_without_regard_to_case), TEST(random_operations__match_a_sorted_array))
