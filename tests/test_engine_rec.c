/* Records: read from files that Windows wrote and compared with what the independent checker reads; written and
 * compared with the bytes of the format; damaged and still safe to read. */
#include "engine/rec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/edb_file.h"

/* ---- a table of its own ---- */

static const uint8_t long_default[4] = {7, 0, 0, 0};

static struct column all_columns[] = {
    {.fid = 1, .type = JET_coltypBit, .max_bytes = 1, .record_offset = 4, .name = "bit"},
    {.fid = 2,
     .type = JET_coltypLong,
     .max_bytes = 4,
     .record_offset = 5,
     .flags = COLUMN_DEFAULT,
     .name = "long",
     .default_value = {long_default, 4}},
    {.fid = 3, .type = JET_coltypText, .max_bytes = 5, .record_offset = 9, .code_page = 1252, .name = "text5"},
    {.fid = 4, .type = JET_coltypText, .max_bytes = 6, .record_offset = 14, .code_page = 1200, .name = "unicode6"},
    {.fid = 6, .type = JET_coltypBinary, .max_bytes = 3, .record_offset = 24, .name = "binary3"}, /* 5 was deleted */
    {.fid = 128, .type = JET_coltypText, .max_bytes = 20, .code_page = 1252, .name = "var"},
    {.fid = 129,
     .type = JET_coltypBinary,
     .max_bytes = 20,
     .flags = COLUMN_DEFAULT,
     .name = "vardef",
     .default_value = {(const uint8_t *)"xyz", 3}},
    {.fid = 131, .type = JET_coltypBinary, .max_bytes = 255, .name = "var2"},
    {.fid = 256, .type = JET_coltypLong, .max_bytes = 4, .flags = COLUMN_MULTI_VALUED, .name = "tlong"},
    {.fid = 257,
     .type = JET_coltypText,
     .max_bytes = 40,
     .flags = COLUMN_DEFAULT,
     .code_page = 1252,
     .name = "tdef",
     .default_value = {(const uint8_t *)"dflt", 4}},
    {.fid = 300, .type = JET_coltypLongBinary, .flags = COLUMN_MULTI_VALUED, .name = "tlv"},
    {.fid = 301, .type = JET_coltypLongText, .max_bytes = 300, .code_page = 1200, .name = "tlt"},
    {.fid = 400, .type = JET_coltypBit, .max_bytes = 1, .flags = COLUMN_MULTI_VALUED, .name = "tbits"},
};
enum { ALL_COLUMNS = sizeof all_columns / sizeof all_columns[0] };

static struct table_def def = {.name = "t", .columns = all_columns, .column_count = ALL_COLUMNS};

static const struct column *col(unsigned fid) {
    const struct column *column = table_column(&def, fid);
    CU_ASSERT_PTR_NOT_NULL_FATAL(column);
    return column;
}

static struct rec_edit *new_edit(uint32_t page_size) {
    struct rec_edit *edit = NULL;
    CHECK_OK(rec_edit_new(&def, page_size, slice(NULL, 0), &edit));
    return edit;
}

static void set(struct rec_edit *edit, unsigned fid, unsigned itag, const void *value, size_t n) {
    CHECK_OK(rec_edit_set(edit, col(fid), itag, slice(value, n), false));
}

static size_t from_hex(const char *text, uint8_t *out) {
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        unsigned byte;
        if (*p == ' ')
            continue;
        CU_ASSERT_EQUAL_FATAL(sscanf(p++, "%2x", &byte), 1);
        out[n++] = (uint8_t)byte;
    }
    return n;
}

static void check_record(const struct rec_edit *edit, const char *hex) {
    uint8_t out[PAGE_SIZE_MAX], expected[512];
    size_t bytes, n = from_hex(hex, expected);
    CHECK_OK(rec_edit_finish(edit, out, &bytes));
    CHECK_OK(rec_check(slice(out, bytes)));
    bool equal = bytes == n && memcmp(out, expected, n) == 0;
    CU_ASSERT(equal);
    if (!equal) {
        printf("\n    got      ");
        for (size_t i = 0; i < bytes; i++)
            printf("%02x", out[i]);
        printf("\n    expected %s\n", hex);
    }
}

/* ---- writing ---- */

static void rec_edit__a_new_record_has_the_defaults_of_fixed_and_variable_columns(void) {
    struct rec_edit *edit = new_edit(4096);
    check_record(edit, "02 81 0a00 2a 07000000 fd 0080 0300 78797a");
    rec_edit_free(edit);
}

static void rec_edit__fixed_text_and_binary_are_padded(void) {
    struct rec_edit *edit = new_edit(4096);
    set(edit, 3, 1, "ab", 2);
    set(edit, 4, 1, "a\0", 2);
    set(edit, 6, 1, "\1", 1);
    check_record(edit, "06 81 1c00 2a 07000000 6162202020 610020002000 2a2a2a2a 010000 d1 0080 0300 78797a");
    set(edit, 6, 0, NULL, 0);
    set(edit, 3, 1, "", 0); /* no value of no bytes in a fixed column */
    set(edit, 2, 1, NULL, 0);
    set(edit, 1, 1, "\5", 1);
    check_record(edit, "06 81 1c00 ff 2a2a2a2a 2a2a2a2a2a 610020002000 2a2a2a2a 2a2a2a f6 0080 0300 78797a");
    rec_edit_free(edit);
}

static void rec_edit__the_last_variable_column_is_never_null(void) {
    struct rec_edit *edit = new_edit(4096);
    set(edit, 131, 1, "ab", 2);
    check_record(edit, "02 83 0a00 2a 07000000 fd 0080 0300 0380 0500 78797a 6162");
    set(edit, 131, 1, NULL, 0);
    check_record(edit, "02 81 0a00 2a 07000000 fd 0080 0300 78797a");
    set(edit, 129, 1, NULL, 0); /* absent would be the default */
    check_record(edit, "02 81 0a00 2a 07000000 fd 0080 0080");
    set(edit, 131, 1, "", 0);
    check_record(edit, "02 83 0a00 2a 07000000 fd 0080 0080 0080 0000");
    rec_edit_free(edit);
}

static void rec_edit__tagged_values_on_small_pages(void) {
    struct rec_edit *edit = new_edit(4096);
    const char *head = "02 81 0a00 2a 07000000 fd 0080 0300 78797a ";
    char hex[512];
    set(edit, 256, 1, "\1\0\0\0", 4);
    snprintf(hex, sizeof hex, "%s 0001 0400 01000000", head);
    check_record(edit, hex);
    set(edit, 256, 0, "\2\0\0\0", 4);
    snprintf(hex, sizeof hex, "%s 0001 0440 18 04 01000000 02000000", head);
    check_record(edit, hex);
    set(edit, 256, 9, "\3\0\0\0", 4);
    snprintf(hex, sizeof hex, "%s 0001 0440 08 0600 0a00 0e00 01000000 02000000 03000000", head);
    check_record(edit, hex);
    set(edit, 256, 2, NULL, 0);
    set(edit, 257, 1, NULL, 0); /* explicit: it has a default */
    set(edit, 301, 1, "a\0", 2);
    snprintf(hex, sizeof hex, "%s 0001 0c40 0101 1620 2d01 1640 18 04 01000000 03000000 01 6100", head);
    check_record(edit, hex);
    CHECK_OK(rec_edit_set(edit, col(257), 1, slice(NULL, 0), true));
    CHECK_OK(rec_edit_set(edit, col(256), 1, slice(NULL, 0), true));
    set(edit, 301, 1, NULL, 0);
    set(edit, 300, 1, "a", 1);
    set(edit, 300, 2, "", 0);
    snprintf(hex, sizeof hex, "%s 2c01 0440 09 0400 0500 61", head);
    check_record(edit, hex);
    rec_edit_free(edit);
}

static void rec_edit__tagged_values_on_large_pages_always_have_a_header(void) {
    struct rec_edit *edit = new_edit(16384);
    set(edit, 256, 1, "\1\0\0\0", 4);
    set(edit, 257, 1, NULL, 0);
    set(edit, 400, 1, "\0", 1);
    set(edit, 400, 2, "\1", 1); /* no pairs here */
    check_record(edit, "02 81 0a00 2a 07000000 fd 0080 0300 78797a "
                       "0001 0c00 0101 1100 9001 1200 00 01000000 20 08 0400 0500 00 ff");
    rec_edit_free(edit);
}

static void rec_edit__what_does_not_fit_the_column_is_refused(void) {
    struct rec_edit *edit = new_edit(4096);
    struct rec_value v;
    CHECK_ERR(rec_edit_set(edit, col(2), 1, slice("abc", 3), false), JET_errInvalidBufferSize);
    CHECK_ERR(rec_edit_set(edit, col(3), 1, slice("abcdef", 6), false), JET_errInvalidBufferSize);
    CHECK_ERR(rec_edit_set(edit, col(128), 1, slice("abcdefghijklmnopqrstu", 21), false), JET_errInvalidBufferSize);
    CHECK_ERR(rec_edit_set(edit, col(257), 1, slice(all_columns, 41), false), JET_errColumnTooBig);
    CHECK_ERR(rec_edit_set(edit, col(256), 1, slice("abc", 3), false), JET_errInvalidBufferSize);
    CHECK_ERR(rec_edit_set(edit, col(256), 1, slice("abcde", 5), false), JET_errColumnTooBig);
    CHECK_ERR(rec_edit_set(edit, col(2), 2, slice("abcd", 4), false), JET_errMultiValuedColumnMustBeTagged);
    CHECK_ERR(rec_edit_set(edit, col(128), 2, slice("abcd", 4), false), JET_errMultiValuedColumnMustBeTagged);
    CHECK_ERR(rec_edit_set(edit, col(257), 2, slice("abcd", 4), false), JET_errBadItagSequence);
    for (unsigned i = 0; i < ALL_COLUMNS; i++)
        CU_ASSERT(!rec_edit_changed(edit, &all_columns[i]));
    CHECK_OK(rec_edit_get(edit, col(2), 1, &v));
    CU_ASSERT(v.kind == REC_VALUE && v.bytes.p[0] == 7);
    rec_edit_free(edit);
}

static void rec_edit_finish__null_in_a_not_null_column_and_too_big_a_record(void) {
    struct column columns[] = {all_columns[0], all_columns[10]};
    struct table_def small = {.columns = columns, .column_count = 2, .has_primary = true, .primary.key_max = 255};
    uint8_t out[PAGE_SIZE_MAX], *big = calloc(1, PAGE_SIZE_MAX);
    size_t bytes;
    struct rec_edit *edit = NULL;
    columns[0].flags = columns[1].flags = COLUMN_NOT_NULL;
    CHECK_OK(rec_edit_new(&small, 4096, slice(NULL, 0), &edit));
    CHECK_OK(rec_edit_set(edit, &columns[1], 1, slice("", 0), false));
    CHECK_ERR(rec_edit_finish(edit, out, &bytes), JET_errNullInvalid);
    CHECK_OK(rec_edit_set(edit, &columns[0], 1, slice("\1", 1), false));
    CHECK_OK(rec_edit_finish(edit, out, &bytes));
    size_t max = page_record_max(4096, 255), overhead = bytes;
    CHECK_OK(rec_edit_set(edit, &columns[1], 1, slice(big, max - overhead), false));
    CHECK_OK(rec_edit_finish(edit, out, &bytes));
    CU_ASSERT_EQUAL(bytes, max);
    CHECK_OK(rec_edit_set(edit, &columns[1], 1, slice(big, max - overhead + 1), false));
    CHECK_ERR(rec_edit_finish(edit, out, &bytes), JET_errRecordTooBig);
    CHECK_OK(rec_edit_set(edit, &columns[1], 1, slice(NULL, 0), false));
    CHECK_ERR(rec_edit_finish(edit, out, &bytes), JET_errNullInvalid);
    rec_edit_free(edit);
    free(big);
}

static void rec_edit__a_column_added_later_is_absent_until_one_behind_it_is_set(void) {
    /* as written when the table had columns 1 and 128 only */
    static const uint8_t old[] = {1, 0x80, 6, 0, 0xff, 0xfe, 1, 0, 'v'};
    struct rec_value v;
    struct rec_edit *edit = NULL;
    CHECK_OK(rec_get(slice(old, sizeof old), 4096, col(2), 1, &v));
    CU_ASSERT(v.kind == REC_ABSENT && v.count == 0);
    CHECK_OK(rec_get(slice(old, sizeof old), 4096, col(129), 1, &v));
    CU_ASSERT(v.kind == REC_ABSENT);
    CHECK_OK(rec_edit_new(&def, 4096, slice(old, sizeof old), &edit));
    check_record(edit, "01 80 0600 ff fe 0100 76");
    set(edit, 3, 1, "abcde", 5);
    set(edit, 131, 1, "!", 1);
    check_record(edit, "03 83 0f00 ff 07000000 6162636465 f8 0100 0400 0480 0500 76 78797a 21");
    rec_edit_free(edit);
}

static void rec_edit__untouched_tagged_columns_keep_their_bytes(void) {
    /* 256 a list of one, 300 separated, 301 compressed, 302 of a deleted column, encrypted and derived */
    static const char *const base = "00 7f 0400 0001 1040 2c01 1740 2d01 1c40 2e01 1fc0 08 0200 01000000 05 04000000 "
                                    "0b 1084 "
                                    "40 00112233";
    uint8_t bytes[128];
    struct rec_value v;
    struct rec_edit *edit = NULL;
    size_t n = from_hex(base, bytes);
    CHECK_OK(rec_edit_new(&def, 4096, slice(bytes, n), &edit));
    check_record(edit, base);
    CHECK_OK(rec_edit_get(edit, col(300), 1, &v));
    CU_ASSERT(v.kind == REC_SEPARATED && v.count == 1 && v.bytes.n == 4);
    CHECK_ERR(rec_edit_set(edit, col(300), 1, slice("x", 1), false), JET_errFeatureNotAvailable);
    CHECK_ERR(rec_edit_set(edit, col(300), 1, slice(NULL, 0), false), JET_errFeatureNotAvailable);
    CHECK_ERR(rec_edit_set(edit, col(300), 1, slice(NULL, 0), true), JET_errFeatureNotAvailable);
    CU_ASSERT(!rec_edit_changed(edit, col(300)));
    set(edit, 300, 2, "x", 1);
    CU_ASSERT(rec_edit_changed(edit, col(300)));
    CHECK_OK(rec_edit_get(edit, col(300), 1, &v));
    CU_ASSERT(v.kind == REC_SEPARATED && v.count == 2);
    CHECK_OK(rec_edit_get(edit, col(300), 2, &v));
    CU_ASSERT(v.kind == REC_VALUE && v.bytes.n == 1);
    rec_edit_free(edit);
}

/* ---- a model ---- */

struct model_value {
    uint8_t bytes[300];
    size_t n;
};
struct model {
    bool absent, null;
    unsigned count;
    struct model_value values[6];
};

static void model_check(const struct model *m, const struct column *column, const struct rec_value *v, unsigned itag) {
    if (m->count == 0) {
        CU_ASSERT_EQUAL(v->kind, itag > 1 || (!m->null) ? REC_ABSENT : REC_NULL);
    } else if (itag > m->count) {
        CU_ASSERT(v->kind == REC_ABSENT && v->count == (column->fid < 256 ? 1 : m->count));
    } else {
        const struct model_value *mv = &m->values[itag - 1];
        CU_ASSERT_EQUAL_FATAL(v->kind, REC_VALUE);
        CU_ASSERT(v->count == m->count && v->bytes.n == mv->n && memcmp(v->bytes.p, mv->bytes, mv->n) == 0);
    }
}

/* What must come out of a set, in the words of the contract. */
static void model_set(struct model *m, const struct column *column, unsigned itag, const uint8_t *p, size_t n) {
    bool multi = column->flags & COLUMN_MULTI_VALUED, tagged = column->fid >= 256;
    unsigned at = !multi ? 0 : itag == 0 || itag > m->count ? m->count : itag - 1;
    if (p) {
        struct model_value *v = &m->values[at];
        size_t size = tagged || column->fid >= 128 ? n : coltyp_bytes(column->type) ? n : column->max_bytes;
        for (size_t i = 0; i < size; i++)
            v->bytes[i] = i < n                                                                    ? p[i]
                          : column->type != JET_coltypText || (column->code_page == 1200 && i % 2) ? 0
                                                                                                   : ' ';
        if (column->type == JET_coltypBit && n)
            v->bytes[0] = p[0] ? 0xff : 0;
        v->n = size;
        m->count = at == m->count ? at + 1 : m->count;
        m->null = false;
    } else if (at < m->count) {
        memmove(&m->values[at], &m->values[at + 1], (m->count - at - 1) * sizeof m->values[0]);
        m->count--;
        m->null = m->count == 0 && (!tagged || column->default_value.p);
    } else if (m->count == 0 && (!multi || itag == 1)) {
        m->null = !tagged || column->default_value.p;
    }
}

static void model_test(uint32_t page_size) {
    for (int round = 0; round < 300; round++) {
        struct model model[ALL_COLUMNS];
        memset(model, 0, sizeof model);
        struct rec_edit *edit = new_edit(page_size);
        uint8_t record[PAGE_SIZE_MAX];
        size_t bytes;
        model[0].null = true;
        model_set(&model[1], &all_columns[1], 1, long_default, 4);
        model[5].null = true;
        model_set(&model[6], &all_columns[6], 1, (const uint8_t *)"xyz", 3);
        unsigned fixed_last = 2, var_last = 129;
        for (int step = 0; step < 30; step++) {
            unsigned i = (unsigned)test_random_below(ALL_COLUMNS), itag = (unsigned)test_random_below(2);
            const struct column *column = &all_columns[i];
            uint8_t value[300];
            size_t n = coltyp_bytes(column->type);
            if (n == 0)
                n = test_random_below((column->max_bytes ? column->max_bytes : 300) + 1);
            for (size_t k = 0; k < n; k++)
                value[k] = (uint8_t)test_random_below(3);
            bool null = test_random_below(4) == 0 || (n == 0 && column->fid < 128);
            if (column->flags & COLUMN_MULTI_VALUED)
                itag = model[i].count == 6 ? 1 : (unsigned)test_random_below(8);
            CHECK_OK(rec_edit_set(edit, column, itag, null ? slice(NULL, 0) : slice(value, n), false));
            model_set(&model[i], column, itag, null ? NULL : value, n);
            if (column->fid < 128)
                fixed_last = column->fid > fixed_last ? column->fid : fixed_last;
            else if (column->fid < 256)
                var_last = column->fid > var_last ? column->fid : var_last;
            for (unsigned c = 0; c < ALL_COLUMNS; c++) /* those that have become part of the record */
                model[c].null |= model[c].count == 0 && (all_columns[c].fid < 128   ? all_columns[c].fid <= fixed_last
                                                         : all_columns[c].fid < 256 ? all_columns[c].fid <= var_last
                                                                                    : false);
        }
        CHECK_OK(rec_edit_finish(edit, record, &bytes));
        CHECK_OK(rec_check(slice(record, bytes)));
        for (unsigned i = 0; i < ALL_COLUMNS; i++) {
            for (unsigned itag = 1; itag <= 7; itag++) {
                struct rec_value v;
                CHECK_OK(rec_edit_get(edit, &all_columns[i], itag, &v));
                model_check(&model[i], &all_columns[i], &v, itag);
                CHECK_OK(rec_get(slice(record, bytes), page_size, &all_columns[i], itag, &v));
                if (all_columns[i].fid == 131 && model[i].count == 0 && v.kind == REC_ABSENT)
                    continue; /* trimmed */
                model_check(&model[i], &all_columns[i], &v, itag);
            }
        }
        struct rec_edit *again = NULL;
        uint8_t *base = malloc(bytes), copy[PAGE_SIZE_MAX];
        size_t copy_bytes;
        memcpy(base, record, bytes);
        CHECK_OK(rec_edit_new(&def, page_size, slice(base, bytes), &again));
        free(base); /* the edit has its own */
        CHECK_OK(rec_edit_finish(again, copy, &copy_bytes));
        CU_ASSERT(copy_bytes == bytes && memcmp(copy, record, bytes) == 0);
        rec_edit_free(again);
        rec_edit_free(edit);
    }
}

static void rec_edit__agrees_with_a_model_on_small_pages(void) {
    model_test(8192);
}
static void rec_edit__agrees_with_a_model_on_large_pages(void) {
    model_test(32768);
}

/* ---- compression ---- */

static void check_decompresses(const char *hex, const char *expected, size_t n) {
    uint8_t in[256], out[5000];
    size_t in_bytes = from_hex(hex, in), bytes;
    CHECK_OK(rec_decompress(slice(in, in_bytes), NULL, 0, &bytes));
    CU_ASSERT_EQUAL(bytes, n);
    CHECK_OK(rec_decompress(slice(in, in_bytes), out, sizeof out, &bytes));
    CU_ASSERT(bytes == n && memcmp(out, expected, n) == 0);
    memset(out, 0xee, sizeof out);
    CHECK_OK(rec_decompress(slice(in, in_bytes), out, n / 2, &bytes)); /* a part */
    CU_ASSERT(bytes == n && memcmp(out, expected, n / 2) == 0 && out[n / 2] == 0xee);
}

static void rec_decompress__known_streams(void) {
    check_decompresses("0e 61", "a", 1); /* 7 bits used of one byte: n = 6 */
    check_decompresses("16 61", "a\0", 2);
    check_decompresses("0d 61 31", "ab", 2); /* 0x61 | 0x62 << 7 */
    check_decompresses("0f 61f1985c369fd1 69f59add76bfe1", "abcdefghijklmnop", 16);
    check_decompresses("18 0c00 ffffff1f 616263 1600", "abcabcabcabc", 12);
    char runs[16 + 21 + 41 + 3001]; /* lengths of every form, nibbles shared */
    memset(runs, 'a', 16);
    memset(runs + 16, 'b', 21);
    memset(runs + 37, 'c', 41);
    memset(runs + 78, 'd', 3001);
    check_decompresses("18 070c ffffff55 61 0700 a5 62 0700 63 0700 ff 0f 64 0700 ff b50b", runs, sizeof runs);
}

static void rec_decompress__damage_is_an_error(void) {
    static const char *const bad[] = {"",
                                      "08",
                                      "0f 61",
                                      "0e e1",
                                      "18",
                                      "18 0100",
                                      "18 0300 00000000 6162",
                                      "18 0100 80000000 0000",
                                      "18 0500 40000000 61 0000",
                                      "18 0100 00000000 61 62"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t in[64], out[64];
        size_t bytes, n = from_hex(bad[i], in);
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, in, n);
        CHECK_ERR(rec_decompress(slice(copy, n), out, sizeof out, &bytes), JET_errDecompressionFailed);
        free(copy);
    }
    static const uint8_t unknown[] = {5 << 3, 0, 0};
    uint8_t out[8];
    size_t bytes;
    CHECK_ERR(rec_decompress(slice(unknown, 3), out, 8, &bytes), JET_errFeatureNotAvailable);
}

static void rec_decompress__random_bytes_never_lead_outside(void) {
    unsigned good = 0;
    for (int i = 0; i < 20000; i++) {
        size_t n = 1 + test_random_below(60), bytes = 0, room = test_random_below(3000);
        uint8_t *in = malloc(n), *out = malloc(room ? room : 1);
        for (size_t k = 0; k < n; k++)
            in[k] = test_random_below(3) ? (uint8_t)test_random() : 0;
        in[0] = (uint8_t)(test_random_below(4) << 3 | test_random_below(8));
        if (n > 3)
            in[2] &= 0x03;
        good += rec_decompress(slice(in, n), out, room, &bytes) == JET_errSuccess;
        free(in);
        free(out);
    }
    CU_ASSERT(good > 0);
}

/* ---- the rows of Windows, against the independent checker ---- */

/* Reads one JSON value; returns behind it. */
static const char *skip_json(const char *p) {
    int depth = 0;
    do {
        if (*p == '"') {
            for (p++; *p != '"'; p++)
                p += *p == '\\';
            p++;
        } else if (*p == '[' || *p == '{' || *p == ']' || *p == '}') {
            depth += *p == '[' || *p == '{' ? 1 : -1;
            p++;
        } else {
            p += strcspn(p, ",]}[{\"");
            if (depth > 0 && *p == ',')
                p++;
        }
    } while (depth > 0);
    return p;
}

static void put_unit(char *out, unsigned unit) {
    static const char plain[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = plain; *p; p += 2) {
        if ((unsigned)*p == unit) {
            sprintf(out, "\\%c", p[1]);
            return;
        }
    }
    sprintf(out, unit >= 0x20 && unit < 0x7f ? "%c" : "\\u%04x", unit);
}

static unsigned from_1252(uint8_t c) {
    static const uint16_t high[32] = {0x20ac, 0,      0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                      0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0,      0x17d,  0,
                                      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                      0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0,      0x17e,  0x178};
    return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

static void hex_to_json(struct slice v, char *out) {
    *out++ = '"';
    for (size_t i = 0; i < v.n; i++, out += 2)
        sprintf(out, "%02x", v.p[i]);
    strcpy(out, "\"");
}

static void text_to_json(const struct column *column, struct slice v, char *out) {
    size_t step = column->code_page == 1200 ? 2 : 1;
    if (v.n % step) {
        out += sprintf(out, "{\"hex\": ");
        hex_to_json(v, out);
        strcat(out, "}");
        return;
    }
    *out++ = '"';
    for (size_t i = 0; i < v.n; i += step, out += strlen(out))
        put_unit(out, step == 2 ? load16(v.p + i) : from_1252(v.p[i]));
    strcpy(out, "\"");
}

static void to_json(const struct column *column, struct slice v, char *out) {
    uint64_t number = 0;
    memcpy(&number, v.p, v.n < 8 ? v.n : 8);
    switch (column->type) {
    case JET_coltypBit:
        strcpy(out, v.p[0] ? "true" : "false");
        return;
    case JET_coltypShort:
        sprintf(out, "%d", (int16_t)number);
        return;
    case JET_coltypLong:
        sprintf(out, "%d", (int32_t)number);
        return;
    case JET_coltypCurrency:
    case JET_coltypLongLong:
        sprintf(out, "%lld", (long long)number);
        return;
    case JET_coltypUnsignedByte:
    case JET_coltypUnsignedShort:
    case JET_coltypUnsignedLong:
    case JET_coltypUnsignedLongLong:
        sprintf(out, "%llu", (unsigned long long)number);
        return;
    case JET_coltypGUID:
        sprintf(out, "\"%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x\"", load32(v.p), load16(v.p + 4),
                load16(v.p + 6), v.p[8], v.p[9], v.p[10], v.p[11], v.p[12], v.p[13], v.p[14], v.p[15]);
        return;
    case JET_coltypText:
    case JET_coltypLongText:
        text_to_json(column, v, out);
        return;
    default:
        hex_to_json(v, out);
    }
}

struct rows {
    const struct edb_file *file;
    const struct table_def *def;
    FILE *json;
    unsigned values, skipped;
};

/* Compares one value with the JSON at *p and moves behind it. */
static void check_value(struct rows *r, const struct column *column, const struct rec_value *v, const char **p) {
    static char text[8 * 70000];
    uint8_t decompressed[70000];
    struct slice bytes = v->bytes;
    if (v->kind == REC_SEPARATED) {
        *p = skip_json(*p);
        r->skipped++;
        return;
    }
    if (v->kind == REC_COMPRESSED) {
        CHECK_OK(rec_decompress(v->bytes, decompressed, sizeof decompressed, &bytes.n));
        bytes.p = decompressed;
    }
    r->values++;
    bool is_single = column->type == JET_coltypIEEESingle;
    if (is_single || column->type == JET_coltypIEEEDouble || column->type == JET_coltypDateTime) {
        float single;
        double number;
        memcpy(is_single ? (void *)&single : &number, bytes.p, bytes.n);
        number = is_single ? (double)single : number;
        if (isfinite(number)) {
            char *end;
            CU_ASSERT_EQUAL(strtod(*p, &end), number);
            *p = end;
            return;
        }
    }
    to_json(column, bytes, text);
    size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0)
        printf("\n    %s.%s: %.200s\n    got %.200s", r->def->name, column->name, *p, text);
    CU_ASSERT_FATAL(strncmp(*p, text, n) == 0);
    *p += n;
}

static void check_column(struct rows *r, struct slice data, const struct column *column, const char **p) {
    struct rec_value v;
    CHECK_OK(rec_get(data, r->file->page_size, column, 1, &v));
    if (v.kind == REC_ABSENT && column->default_value.p)
        v = (struct rec_value){.kind = REC_VALUE, .bytes = column->default_value, .count = 1};
    if (v.kind == REC_ABSENT || v.kind == REC_NULL) {
        CU_ASSERT_FATAL(strncmp(*p, "null", 4) == 0);
        *p += 4;
        return;
    }
    if (v.count > 1)
        CU_ASSERT_EQUAL_FATAL(*(*p)++, '[');
    for (unsigned itag = 1; itag <= v.count; itag++) {
        if (itag > 1) {
            CHECK_OK(rec_get(data, r->file->page_size, column, itag, &v));
            CU_ASSERT_FATAL(strncmp(*p, ", ", 2) == 0);
            *p += 2;
        }
        check_value(r, column, &v, p);
    }
    if (v.count > 1)
        CU_ASSERT_EQUAL_FATAL(*(*p)++, ']');
}

static void check_row(void *context, struct slice key, struct slice data) {
    struct rows *r = context;
    char *line = NULL, name[80];
    size_t size = 0;
    (void)key;
    CU_ASSERT_FATAL(getline(&line, &size, r->json) > 0);
    CHECK_OK(rec_check(data));
    const char *p = line;
    for (unsigned i = 0; i < r->def->column_count; i++) {
        const struct column *column = &r->def->columns[i];
        snprintf(name, sizeof name, "%s\"%s\": ", i ? ", " : "{", column->name);
        CU_ASSERT_FATAL(strncmp(p, name, strlen(name)) == 0);
        p += strlen(name);
        check_column(r, data, column, &p);
    }
    CU_ASSERT(strcmp(p, "}\n") == 0);
    free(line);
}

/* fn for every table of a file from Windows; false: there are none here. */
static bool each_table(const char *name,
                       void (*fn)(const struct edb_file *f, const char *path, const struct table_def *table)) {
    const char *path = test_windows_file(name);
    if (!path)
        return false;
    struct edb_file f;
    struct edb_tables t;
    edb_open(&f, path);
    edb_read_tables(&f, &t);
    for (unsigned i = 0; i < t.count; i++)
        fn(&f, path, t.defs[i]);
    edb_free_tables(&t);
    edb_close(&f);
    return true;
}

static unsigned total_rows, total_values, total_skipped, total_keys;

static void check_rows(const struct edb_file *f, const char *path, const struct table_def *table) {
    const char *shared = getenv("ESENT_SHARED");
    char command[3 * 4096];
    if (table->objid <= 7 && !strstr(path, "basic.edb"))
        return; /* system tables: those of one file will do */
    snprintf(command, sizeof command, "python3 '%s%s/edbcheck/edbcheck.py' --rows '%s' '%s'",
             shared ? shared : ESENT_SOURCE_DIR, shared ? "" : "/../shared", table->name, path);
    struct rows r = {.file = f, .def = table, .json = popen(command, "r")};
    total_rows += edb_each(f, table->fdp, check_row, &r);
    CU_ASSERT_EQUAL(fgetc(r.json), EOF);
    CU_ASSERT_EQUAL(pclose(r.json), 0);
    total_values += r.values;
    total_skipped += r.skipped;
}

static void rec_get__rows_of_windows_are_what_the_checker_reads(void) {
    static const char *const names[] = {"basic.edb", "binary.edb",  "text.edb",
                                        "multi.edb", "default.edb", "Current.mdb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!each_table(names[i], check_rows))
            return;
    }
    printf("\n    %u rows, %u values equal, %u long values not read ", total_rows, total_values, total_skipped);
}

struct keys {
    const struct edb_file *file;
    const struct table_def *def;
    unsigned rounds;
};

static void check_key(void *context, struct slice key, struct slice data) {
    const struct keys *k = context;
    uint8_t computed[KEY_BUFFER];
    size_t bytes;
    CHECK_OK(rec_key(data, k->file->page_size, k->def, &k->def->primary, computed, &bytes));
    CU_ASSERT(slice_compare(slice(computed, bytes), key) == 0);
    unsigned fixed = rec_key_fixed_bytes(k->def, &k->def->primary);
    CU_ASSERT(fixed == 0 || key.n <= fixed);
    total_keys++;
}

/* An edit of nothing gives the same record, but for what older engines wrote in unused places. */
static void check_same(void *context, struct slice key, struct slice data) {
    const struct keys *k = context;
    struct rec_edit *edit = NULL;
    uint8_t out[PAGE_SIZE_MAX];
    size_t bytes;
    (void)key;
    CHECK_OK(rec_edit_new(k->def, k->file->page_size, data, &edit));
    CHECK_OK(rec_edit_finish(edit, out, &bytes));
    CU_ASSERT(bytes == data.n && memcmp(out, data.p, bytes) == 0);
    rec_edit_free(edit);
}

static unsigned total_rebuilt;

/* All values set one by one in a new record give the same bytes, unless one is kept in a way that we do not write. */
static void check_rebuilt(void *context, struct slice key, struct slice data) {
    const struct keys *k = context;
    struct rec_edit *edit = NULL;
    uint8_t out[PAGE_SIZE_MAX];
    size_t bytes;
    bool plain = true;
    (void)key;
    CHECK_OK(rec_edit_new(k->def, k->file->page_size, slice(NULL, 0), &edit));
    for (unsigned i = 0; i < k->def->column_count && plain; i++) {
        const struct column *column = &k->def->columns[i];
        struct rec_value v = {.count = 1};
        for (unsigned itag = 1; itag <= v.count && plain; itag++) {
            CHECK_OK(rec_get(data, k->file->page_size, column, itag, &v));
            plain = v.kind == REC_VALUE || v.kind == REC_NULL || v.kind == REC_ABSENT;
            if (v.kind == REC_VALUE || v.kind == REC_NULL)
                CHECK_OK(rec_edit_set(edit, column, itag, v.bytes, false));
        }
    }
    if (plain) {
        CHECK_OK(rec_edit_finish(edit, out, &bytes));
        CU_ASSERT(bytes == data.n && memcmp(out, data.p, bytes) == 0);
        total_rebuilt++;
    }
    rec_edit_free(edit);
}

static void check_keys(const struct edb_file *f, const char *path, const struct table_def *table) {
    struct keys k = {f, table, 0};
    (void)path;
    if (table->column_count < 1000)
        edb_each(f, table->fdp, check_rebuilt, &k);
    total_rows += edb_each(f, table->fdp, check_same, &k);
    if (table->has_primary && !table->primary.foreign_sort)
        edb_each(f, table->fdp, check_key, &k);
}

static void rec_key__and_rec_edit__give_the_bytes_of_windows(void) {
    total_rows = total_keys = 0;
    for (int i = 0; i < EDB_FILES; i++) {
        if (!each_table(edb_names[i], check_keys))
            return;
    }
    printf("\n    %u records, %u of them rebuilt from their values, %u primary keys equal ", total_rows, total_rebuilt,
           total_keys);
}

static void rec_key__rules_for_null_and_length(void) {
    struct index_def index = {.key_max = 255, .segment_count = 2, .segments = {{.fid = 256}, {.fid = 257}}};
    uint8_t record[PAGE_SIZE_MAX], key[KEY_BUFFER];
    size_t bytes, key_bytes;
    struct rec_edit *edit = new_edit(4096);
    CHECK_OK(rec_edit_finish(edit, record, &bytes));
    CHECK_OK(rec_key(slice(record, bytes), 4096, &def, &index, key, &key_bytes));
    CU_ASSERT(key_bytes == 7 && memcmp(key,
                                       "\0\x7f"
                                       "DFLT\0",
                                       7) == 0);
    index.flags = INDEX_NO_NULL_SEGMENT;
    CHECK_ERR(rec_key(slice(record, bytes), 4096, &def, &index, key, &key_bytes), JET_errNullKeyDisallowed);
    index.flags = INDEX_DISALLOW_TRUNCATION;
    index.key_max = 6;
    CHECK_ERR(rec_key(slice(record, bytes), 4096, &def, &index, key, &key_bytes), JET_errKeyTruncated);
    index.flags = INDEX_SORT_NULLS_HIGH;
    CHECK_OK(rec_key(slice(record, bytes), 4096, &def, &index, key, &key_bytes));
    CU_ASSERT(key_bytes == 6 && memcmp(key,
                                       "\xc0\x7f"
                                       "DFLT",
                                       6) == 0);
    CU_ASSERT_EQUAL(rec_key_fixed_bytes(&def, &index), 0);
    index.segments[1].fid = 2;
    CU_ASSERT_EQUAL(rec_key_fixed_bytes(&def, &index), 10);
    rec_edit_free(edit);
}

/* ---- damage ---- */

static JET_ERR ignore_tag(void *context, uint16_t fid, unsigned count) {
    (void)fid;
    *(unsigned *)context += count;
    return JET_errSuccess;
}

static bool is_answer(JET_ERR err) {
    return err == JET_errSuccess || err == JET_errDatabaseCorrupted || err == JET_errDecompressionFailed ||
           err == JET_errFeatureNotAvailable || err == JET_errInvalidBufferSize || err == JET_errNullInvalid ||
           err == JET_errRecordTooBig || err == JET_errKeyTruncated || err == JET_errNullKeyDisallowed;
}

static unsigned damaged, refused;

static void read_damaged(struct slice record, uint32_t page_size, const struct table_def *table) {
    unsigned values = 0;
    refused += rec_check(record) != JET_errSuccess;
    CU_ASSERT(is_answer(rec_each_tagged(record, page_size, ignore_tag, &values)));
    for (unsigned i = 0; i < table->column_count && i < 100; i++) {
        struct rec_value v;
        JET_ERR err = rec_get(record, page_size, &table->columns[i], 1 + (unsigned)test_random_below(3), &v);
        CU_ASSERT(is_answer(err));
        if (err == JET_errSuccess && v.bytes.p) {
            uint8_t out[1000];
            size_t bytes;
            CU_ASSERT(v.bytes.p >= record.p && v.bytes.p + v.bytes.n <= record.p + record.n);
            if (v.kind == REC_COMPRESSED)
                CU_ASSERT(is_answer(rec_decompress(v.bytes, out, sizeof out, &bytes)));
        }
    }
    uint8_t key[KEY_BUFFER], out[PAGE_SIZE_MAX];
    size_t bytes;
    if (table->has_primary)
        CU_ASSERT(is_answer(rec_key(record, page_size, table, &table->primary, key, &bytes)));
    struct rec_edit *edit = NULL;
    JET_ERR err = rec_edit_new(table, page_size, record, &edit);
    CU_ASSERT(is_answer(err));
    if (err != JET_errSuccess)
        return;
    for (int i = 0; i < 4; i++) {
        const struct column *column = &table->columns[test_random_below(table->column_count)];
        uint8_t value[16] = {1};
        size_t n = coltyp_bytes(column->type);
        bool null = test_random_below(3) == 0;
        CU_ASSERT(is_answer(rec_edit_set(edit, column, 1, null ? slice(NULL, 0) : slice(value, n ? n : 1), i == 3)));
    }
    CU_ASSERT(is_answer(rec_edit_finish(edit, out, &bytes)));
    rec_edit_free(edit);
}

static void damage_row(void *context, struct slice key, struct slice data) {
    const struct keys *k = context;
    (void)key;
    for (unsigned i = 0; i < k->rounds; i++) {
        size_t n = test_random_below(4) ? data.n : test_random_below(data.n + 1);
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, data.p, n);
        for (uint64_t flips = 1 + test_random_below(4); n && flips > 0; flips--)
            copy[test_random_below(n)] = test_random_below(2) ? (uint8_t)test_random() : 0xff;
        read_damaged(slice(copy, n), k->file->page_size, k->def);
        damaged++;
        free(copy);
    }
}

static void damage_table(const struct edb_file *f, const char *path, const struct table_def *table) {
    struct keys k = {f, table, 400};
    (void)path;
    if (table->objid > 7)
        edb_each(f, table->fdp, damage_row, &k);
}

static void rec__damaged_records_are_read_or_refused(void) {
    static const char *const names[] = {"basic.edb", "binary.edb", "text.edb", "multi.edb", "default.edb", "index.edb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!each_table(names[i], damage_table))
            return;
    }
    printf("\n    %u records, %u refused at once ", damaged, refused);
    CU_ASSERT(refused > 0 && refused < damaged);
}

static void rec__damaged_records_of_large_pages_are_read_or_refused(void) {
    for (int round = 0; round < 200; round++) {
        struct rec_edit *edit = new_edit(32768);
        uint8_t record[PAGE_SIZE_MAX];
        size_t bytes;
        for (int i = 0; i < 8; i++) {
            uint8_t value[16] = {0};
            const struct column *column = &all_columns[test_random_below(ALL_COLUMNS)];
            size_t n = coltyp_bytes(column->type);
            set(edit, column->fid, column->flags & COLUMN_MULTI_VALUED ? 0 : 1, value, n ? n : 2);
        }
        CHECK_OK(rec_edit_finish(edit, record, &bytes));
        rec_edit_free(edit);
        struct edb_file f = {.page_size = 32768};
        struct keys k = {&f, &def, 30};
        damage_row(&k, slice(NULL, 0), slice(record, bytes));
    }
}

TEST_MAIN(TEST(rec_edit__a_new_record_has_the_defaults_of_fixed_and_variable_columns),
          TEST(rec_edit__fixed_text_and_binary_are_padded), TEST(rec_edit__the_last_variable_column_is_never_null),
          TEST(rec_edit__tagged_values_on_small_pages),
          TEST(rec_edit__tagged_values_on_large_pages_always_have_a_header),
          TEST(rec_edit__what_does_not_fit_the_column_is_refused),
          TEST(rec_edit_finish__null_in_a_not_null_column_and_too_big_a_record),
          TEST(rec_edit__a_column_added_later_is_absent_until_one_behind_it_is_set),
          TEST(rec_edit__untouched_tagged_columns_keep_their_bytes), TEST(rec_edit__agrees_with_a_model_on_small_pages),
          TEST(rec_edit__agrees_with_a_model_on_large_pages), TEST(rec_decompress__known_streams),
          TEST(rec_decompress__damage_is_an_error), TEST(rec_decompress__random_bytes_never_lead_outside),
          TEST(rec_get__rows_of_windows_are_what_the_checker_reads),
          TEST(rec_key__and_rec_edit__give_the_bytes_of_windows), TEST(rec_key__rules_for_null_and_length),
          TEST(rec__damaged_records_are_read_or_refused), TEST(rec__damaged_records_of_large_pages_are_read_or_refused))
