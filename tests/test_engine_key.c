/* Keys sort as their values do, and the non-Unicode ones are the bytes that the format prescribes. */
#include "engine/key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uchar.h>

#include "tests/lib/test.h"

struct key {
    uint8_t b[KEY_BUFFER];
    size_t n;
    bool truncated;
};

static const struct key_segment unicode = {.type = JET_coltypText, .code_page = 1200};
static const struct key_segment ascii = {.type = JET_coltypText, .code_page = 1252};
static const struct key_segment binary = {.type = JET_coltypBinary};

static struct key make_max(const struct key_segment *segment, const void *value, size_t n, size_t max) {
    struct key k = {.n = 0};
    CHECK_OK(key_append(segment, slice(value, n), max, k.b, &k.n, &k.truncated));
    return k;
}

static struct key make(const struct key_segment *segment, const void *value, size_t n) {
    return make_max(segment, value, n, KEY_MAX);
}

static int compare(const struct key *a, const struct key *b) {
    return slice_compare(slice(a->b, a->n), slice(b->b, b->n));
}

static void check_bytes(const struct key *k, const void *expected, size_t n) {
    CU_ASSERT_EQUAL(k->n, n);
    CU_ASSERT(k->n == n && memcmp(k->b, expected, n) == 0);
}
#define CHECK_KEY(key, text) check_bytes(key, text, sizeof text - 1)

/* UTF-16 from the basic plane. */
static struct key make_text(const struct key_segment *segment, const char16_t *text) {
    size_t n = 0;
    while (text[n])
        n++;
    return make(segment, text, 2 * n);
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

/* ---- bytes ---- */

static void key__integers_have_the_prescribed_bytes(void) {
    static const struct {
        JET_COLTYP type;
        const char *value, *key;
        size_t n;
    } cases[] = {
        {JET_coltypBit, "\x01", "\x7f\xff", 1},
        {JET_coltypBit, "\x00", "\x7f\x00", 1},
        {JET_coltypUnsignedByte, "\x9a", "\x7f\x9a", 1},
        {JET_coltypShort, "\x02\x01", "\x7f\x81\x02", 2},
        {JET_coltypUnsignedShort, "\x02\x01", "\x7f\x01\x02", 2},
        {JET_coltypLong, "\xff\xff\xff\xff", "\x7f\x7f\xff\xff\xff", 4},
        {JET_coltypLong, "\x02\x00\x00\x00", "\x7f\x80\x00\x00\x02", 4},
        {JET_coltypUnsignedLong, "\x02\x00\x00\x80", "\x7f\x80\x00\x00\x02", 4},
        {JET_coltypLongLong, "\x01\x02\x03\x04\x05\x06\x07\x08", "\x7f\x88\x07\x06\x05\x04\x03\x02\x01", 8},
        {JET_coltypCurrency, "\x01\x02\x03\x04\x05\x06\x07\x88", "\x7f\x08\x07\x06\x05\x04\x03\x02\x01", 8},
        {JET_coltypUnsignedLongLong, "\x01\x02\x03\x04\x05\x06\x07\x08", "\x7f\x08\x07\x06\x05\x04\x03\x02\x01", 8},
        {JET_coltypIEEESingle, "\x00\x00\x80\x3f", "\x7f\xbf\x80\x00\x00", 4},
        {JET_coltypIEEESingle, "\x00\x00\x80\xbf", "\x7f\x40\x7f\xff\xff", 4},
        {JET_coltypGUID, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
         "\x7f\x0a\x0b\x0c\x0d\x0e\x0f\x08\x09\x06\x07\x04\x05\x00\x01\x02\x03", 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key_segment segment = {.type = cases[i].type};
        struct key k = make(&segment, cases[i].value, cases[i].n);
        check_bytes(&k, cases[i].key, cases[i].n + 1);
        CU_ASSERT_EQUAL(coltyp_bytes(cases[i].type), cases[i].n);
    }
}

static void key__binary_goes_in_counted_chunks_unless_fixed(void) {
    struct key k = make(&binary, "abc", 3);
    CHECK_KEY(&k, "\x7f"
                  "abc\0\0\0\0\0\x03");
    k = make(&binary, "abcdefgh", 8);
    CHECK_KEY(&k, "\x7f"
                  "abcdefgh\x08");
    k = make(&binary, "abcdefghi", 9);
    CHECK_KEY(&k, "\x7f"
                  "abcdefgh\x09i\0\0\0\0\0\0\0\x01");
    struct key_segment fixed = {.type = JET_coltypBinary, .fixed = true};
    k = make(&fixed, "abcdefghi", 9);
    CHECK_KEY(&k, "\x7f"
                  "abcdefghi");
}

static void key__text_1252_is_upper_cased_up_to_the_first_nul(void) {
    struct key k = make(&ascii, "BackupSet \xe4z\0zz", 15);
    CHECK_KEY(&k, "\x7f"
                  "BACKUPSET \xe4Z\0");
    struct key_segment long_text = {.type = JET_coltypLongText, .code_page = 1252};
    k = make(&long_text, "\0x", 2);
    CHECK_KEY(&k, "\x7f\0");
}

static void key__null_and_zero_length(void) {
    static const struct key_segment high = {.type = JET_coltypLong, .nulls_high = true};
    static const struct key_segment descending = {.type = JET_coltypText, .code_page = 1200, .descending = true};
    struct key k = make(&ascii, NULL, 0);
    CHECK_KEY(&k, "\0");
    k = make(&unicode, "", 0);
    CHECK_KEY(&k, "\x40");
    k = make(&unicode, "x", 1); /* half a character */
    CHECK_KEY(&k, "\x40");
    k = make(&high, NULL, 0);
    CHECK_KEY(&k, "\xc0");
    k = make(&descending, NULL, 0);
    CHECK_KEY(&k, "\xff");
    k = make(&descending, "", 0);
    CHECK_KEY(&k, "\xbf");
}

static void key__is_cut_at_the_limit_and_says_so(void) {
    struct key whole = make(&binary, "abcdefghijkl", 12);
    for (size_t max = 1; max <= whole.n + 1; max++) {
        struct key k = make_max(&binary, "abcdefghijkl", 12, max);
        CU_ASSERT_EQUAL(k.truncated, max < whole.n);
        CU_ASSERT(k.n == (max < whole.n ? max : whole.n) && memcmp(k.b, whole.b, k.n) == 0);
    }
    char *big = calloc(1, 100000);
    struct key k = make_max(&binary, big, 100000, 255);
    CU_ASSERT(k.n == 255 && k.truncated);
    memset(big, 'a', 100000);
    k = make_max(&ascii, big, 100000, 255);
    CU_ASSERT(k.n == 255 && k.truncated);
    k = make_max(&unicode, big, 100000, KEY_MAX);
    CU_ASSERT(k.n == KEY_MAX && k.truncated);
    k = make_max(&unicode, NULL, 0, 1);
    CU_ASSERT(k.n == 1 && !k.truncated);
    size_t used = k.n; /* nothing fits any more */
    CHECK_OK(key_append(&ascii, slice("a", 1), 1, k.b, &used, &k.truncated));
    CU_ASSERT(used == 1 && k.truncated);
    free(big);
}

static void key__a_value_of_the_wrong_size_is_refused(void) {
    struct key_segment segment = {.type = JET_coltypLong};
    struct key k = {.n = 0};
    CHECK_ERR(key_append(&segment, slice("abc", 3), 255, k.b, &k.n, &k.truncated), JET_errInvalidBufferSize);
    segment.type = 13;
    CHECK_ERR(key_append(&segment, slice("abc", 3), 255, k.b, &k.n, &k.truncated), JET_errInvalidColumnType);
    segment = unicode;
    segment.lcmap_flags = 0x7;
    CHECK_ERR(key_append(&segment, slice("ab", 2), 255, k.b, &k.n, &k.truncated),
              JET_errUnicodeNormalizationNotSupported);
    CU_ASSERT_EQUAL(k.n, 0);
}

/* ---- order ---- */

static int compare_numbers(JET_COLTYP type, const uint8_t *a, const uint8_t *b) {
#define COMPARE(T)                                                                                                     \
    {                                                                                                                  \
        T x, y;                                                                                                        \
        memcpy(&x, a, sizeof x);                                                                                       \
        memcpy(&y, b, sizeof y);                                                                                       \
        return (x > y) - (x < y);                                                                                      \
    }
    switch (type) {
    case JET_coltypShort:
        COMPARE(int16_t)
    case JET_coltypUnsignedShort:
        COMPARE(uint16_t)
    case JET_coltypLong:
        COMPARE(int32_t)
    case JET_coltypUnsignedLong:
        COMPARE(uint32_t)
    case JET_coltypLongLong:
    case JET_coltypCurrency:
        COMPARE(int64_t)
    case JET_coltypUnsignedLongLong:
        COMPARE(uint64_t)
    case JET_coltypIEEESingle:
        COMPARE(float)
    case JET_coltypIEEEDouble:
    case JET_coltypDateTime:
        COMPARE(double)
    default:
        COMPARE(uint8_t)
    }
#undef COMPARE
}

static bool is_finite(JET_COLTYP type, const uint8_t *v) {
    float f;
    double d;
    memcpy(&f, v, sizeof f);
    memcpy(&d, v, sizeof d);
    if (type == JET_coltypIEEESingle)
        return __builtin_isfinite(f);
    return (type != JET_coltypIEEEDouble && type != JET_coltypDateTime) || __builtin_isfinite(d);
}

static void key__numbers_sort_as_numbers_both_ways(void) {
    static const JET_COLTYP types[] = {2, 3, 4, 5, 6, 7, 8, 14, 15, 17, 18};
    for (int i = 0; i < 20000; i++) {
        struct key_segment segment = {.type = types[test_random_below(11)]};
        uint64_t a = test_random(), b = test_random_below(2) ? test_random() : a ^ 1ull << test_random_below(64);
        if (!is_finite(segment.type, (uint8_t *)&a) || !is_finite(segment.type, (uint8_t *)&b))
            continue;
        size_t n = coltyp_bytes(segment.type);
        int expected = compare_numbers(segment.type, (uint8_t *)&a, (uint8_t *)&b);
        struct key ka = make(&segment, &a, n), kb = make(&segment, &b, n);
        CU_ASSERT_EQUAL(sign(compare(&ka, &kb)), expected);
        segment.descending = true;
        ka = make(&segment, &a, n), kb = make(&segment, &b, n);
        CU_ASSERT_EQUAL(sign(compare(&ka, &kb)), -expected);
    }
}

static size_t random_bytes(uint8_t *out, uint64_t values) {
    size_t n = test_random_below(20);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)test_random_below(values);
    return n;
}

static void key__binary_sorts_as_bytes_and_segments_do_not_run_into_each_other(void) {
    for (int i = 0; i < 20000; i++) {
        uint8_t a[2][20], b[2][20];
        size_t an[2], bn[2];
        struct key_segment segments[2] = {binary, binary};
        struct key ka = {.n = 0}, kb = {.n = 0};
        int expected = 0;
        for (int s = 0; s < 2; s++) {
            segments[s].descending = test_random_below(2);
            an[s] = random_bytes(a[s], 2);
            bn[s] = random_bytes(b[s], 2);
            CHECK_OK(key_append(&segments[s], slice(a[s], an[s]), KEY_MAX, ka.b, &ka.n, &ka.truncated));
            CHECK_OK(key_append(&segments[s], slice(b[s], bn[s]), KEY_MAX, kb.b, &kb.n, &kb.truncated));
            int c = sign(slice_compare(slice(a[s], an[s]), slice(b[s], bn[s])));
            expected = expected ? expected : segments[s].descending ? -c : c;
        }
        CU_ASSERT_EQUAL(sign(compare(&ka, &kb)), expected);
    }
}

static void key_prefix__is_above_every_continuation_and_below_what_follows(void) {
    for (int i = 0; i < 20000; i++) {
        struct key_segment segment = test_random_below(2) ? binary : ascii;
        uint8_t value[48], values = 255;
        size_t n = 1 + random_bytes(value + 1, values), max = 20 + test_random_below(200);
        value[0] = 1;
        for (size_t k = 0; k < n; k++)
            value[k] += value[k] == 0; /* text ends at a NUL */
        struct key limit = {.n = 0};
        CHECK_OK(key_append_prefix(&segment, slice(value, n), max, limit.b, &limit.n));
        CU_ASSERT_EQUAL(limit.n, max + 1);
        size_t more = test_random_below(20);
        for (size_t k = 0; k < more; k++)
            value[n + k] = test_random_below(2) ? 0xff : (uint8_t)(1 + test_random_below(255));
        struct key inside = make_max(&segment, value, n + more, max);
        CU_ASSERT(compare(&inside, &limit) < 0);
        uint8_t *last = &value[n - 1];
        if (n + 6 > max || *last == 0xff || (*last >= 'A' - 1 && *last <= 'z' && segment.type == JET_coltypText))
            continue;
        ++*last;
        struct key outside = make_max(&segment, value, n, max);
        CU_ASSERT(compare(&outside, &limit) > 0);
    }
}

static void key_prefix__unicode(void) {
    static const char16_t *const inside[] = {u"abc",       u"ABC",     u"\u00e4bc",      u"abcde",    u"abc-",
                                             u"abc\u0430", u"abczzzz", u"abc\U0001F98A", u"abc\u9fa0"};
    static const char16_t *const outside[] = {u"abd", u"b", u"\u0430", u"abd\u0301"};
    struct key limit = {.n = 0};
    CHECK_OK(key_append_prefix(&unicode, slice(u"abc", 6), 255, limit.b, &limit.n));
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        struct key k = make_text(&unicode, inside[i]);
        CU_ASSERT(compare(&k, &limit) < 0);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct key k = make_text(&unicode, outside[i]);
        CU_ASSERT(compare(&k, &limit) > 0);
    }
}

static void key_prefix__of_other_values_is_the_whole_segment(void) {
    struct key_segment segment = {.type = JET_coltypLong};
    struct key k = {.n = 0};
    CHECK_OK(key_append_prefix(&segment, slice("\1\0\0\0", 4), 6, k.b, &k.n));
    CHECK_KEY(&k, "\x7f\x80\0\0\x01\xff\xff");
    k.n = 0;
    CHECK_OK(key_append_prefix(&ascii, slice(NULL, 0), 2, k.b, &k.n));
    CHECK_KEY(&k, "\0\xff\xff");
}

/* ---- Unicode ---- */

static int compare_texts(uint32_t lcmap_flags, const char16_t *a, const char16_t *b) {
    struct key_segment segment = unicode;
    segment.lcmap_flags = lcmap_flags;
    struct key ka = make_text(&segment, a), kb = make_text(&segment, b);
    CU_ASSERT(ka.b[0] == 0x7f && ka.b[ka.n - 1] == 0 && !memchr(ka.b, 0, ka.n - 1));
    return sign(compare(&ka, &kb));
}

static void key_unicode__default_ignores_case_kana_and_width_but_not_accents(void) {
    CHECK_OK(key_unicode_check());
    CU_ASSERT_EQUAL(compare_texts(0, u"Strasse", u"sTRASSE"), 0);
    CU_ASSERT_EQUAL(compare_texts(0, u"\u3042", u"\u30a2"), 0);               /* hiragana, katakana */
    CU_ASSERT_EQUAL(compare_texts(0, u"A", u"\uff21"), 0);                    /* full width */
    CU_ASSERT_EQUAL(compare_texts(0, u"\u00e9", u"e\u0301"), 0);              /* composed, decomposed */
    CU_ASSERT_EQUAL(compare_texts(0, u"e\u0323\u0301", u"e\u0301\u0323"), 0); /* order of marks */
    CU_ASSERT_EQUAL(compare_texts(0, u"resume", u"r\u00e9sum\u00e9"), -1);
    CU_ASSERT_EQUAL(compare_texts(0, u"r\u00e9sum\u00e9", u"resumes"), -1); /* letters before accents */
    CU_ASSERT_EQUAL(compare_texts(0, u"a", u"b"), -1);
    CU_ASSERT_EQUAL(compare_texts(0, u"z", u"\u0430"), -1);
    CU_ASSERT_EQUAL(compare_texts(0, u"9", u"a"), -1);
    CU_ASSERT_EQUAL(compare_texts(0, u"co-op", u"coop"), -1); /* punctuation counts */
    CU_ASSERT_EQUAL(compare_texts(KEY_LCMAP_DEFAULT, u"A", u"a"), 0);
    struct key a = make(&unicode, u"ab\0", 6), b = make(&unicode, u"ab", 4);
    CU_ASSERT_EQUAL(compare(&a, &b), 0); /* NUL has no weight */
}

static void key_unicode__flags_choose_what_counts(void) {
    CU_ASSERT_EQUAL(compare_texts(0x400, u"a", u"A"), -1);
    CU_ASSERT_EQUAL(compare_texts(0x30400, u"a", u"A"), -1);
    CU_ASSERT_EQUAL(compare_texts(0x30400, u"A", u"\uff21"), 0);
    CU_ASSERT_EQUAL(compare_texts(0x30402, u"a", u"A"), -1);
    CU_ASSERT_EQUAL(compare_texts(0x30402, u"a", u"\u00e4"), 0);
    CU_ASSERT_EQUAL(compare_texts(0x30403, u"a", u"\u00c4"), 0);
    CU_ASSERT_EQUAL(compare_texts(0x30403, u"a", u"b"), -1);
    CU_ASSERT(key_lcmap_supported(KEY_LCMAP_DEFAULT) && key_lcmap_supported(0x400));
    CU_ASSERT(!key_lcmap_supported(0) && !key_lcmap_supported(0x1) && !key_lcmap_supported(0x30405));
    CU_ASSERT(!key_lcmap_supported(0x401) && !key_lcmap_supported(0x80000401));
}

static void key_unicode__any_bytes_have_a_key(void) {
    for (int i = 0; i < 2000; i++) {
        size_t n = 1 + test_random_below(700);
        uint8_t *value = malloc(n);
        for (size_t k = 0; k < n; k++)
            value[k] = test_random_below(4) ? (uint8_t)test_random() : 0xd8 + (k & 1) * 4; /* stray surrogates, too */
        struct key k = make_max(&unicode, value, n, 255), again = make_max(&unicode, value, n, 255);
        CU_ASSERT_EQUAL(compare(&k, &again), 0);
        free(value);
    }
}

static void key_unicode__a_key_does_not_depend_on_alignment_or_on_the_buffer(void) {
    uint8_t value[1 + 2 * 600];
    for (size_t i = 0; i < 600; i++)
        store16(value + 1 + 2 * i, (uint16_t)('a' + i % 26));
    struct key whole = make(&unicode, value + 1, 2 * 600);
    CU_ASSERT(whole.n > 255 && !whole.truncated);
    memmove(value, value + 1, 2 * 600);
    for (size_t max = 2; max < whole.n; max += 37) {
        struct key k = make_max(&unicode, value, 2 * 600, max);
        CU_ASSERT(k.n == max && k.truncated && memcmp(k.b, whole.b, max) == 0);
    }
}

static void *make_many(void *context) {
    const struct key *expected = context;
    for (int i = 0; i < 500; i++) {
        struct key k = {.n = 0};
        if (key_append(&unicode, slice(u"Gr\u00fc\u00dfe", 10), KEY_MAX, k.b, &k.n, &k.truncated) ||
            k.n != expected->n || memcmp(k.b, expected->b, k.n) != 0)
            return context;
        struct key_segment other = unicode;
        other.lcmap_flags = i % 2 ? 0x400 : 0x30403;
        k.n = 0;
        if (key_append(&other, slice(u"Gr\u00fc\u00dfe", 10), KEY_MAX, k.b, &k.n, &k.truncated))
            return context;
    }
    return NULL;
}

static void key_unicode__threads_get_the_same_keys(void) {
    pthread_t threads[4];
    struct key expected = make_text(&unicode, u"Gr\u00fc\u00dfe");
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, make_many, &expected), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
}

static void key_sort_version__names_the_collator_and_the_rule(void) {
    CU_ASSERT(key_sort_version() >> 32 == 1 && (uint32_t)key_sort_version() != 0);
    CU_ASSERT_EQUAL(key_sort_version(), key_sort_version());
}

TEST_MAIN(TEST(key_unicode__threads_get_the_same_keys), TEST(key__integers_have_the_prescribed_bytes),
          TEST(key__binary_goes_in_counted_chunks_unless_fixed),
          TEST(key__text_1252_is_upper_cased_up_to_the_first_nul), TEST(key__null_and_zero_length),
          TEST(key__is_cut_at_the_limit_and_says_so), TEST(key__a_value_of_the_wrong_size_is_refused),
          TEST(key__numbers_sort_as_numbers_both_ways),
          TEST(key__binary_sorts_as_bytes_and_segments_do_not_run_into_each_other),
          TEST(key_prefix__is_above_every_continuation_and_below_what_follows), TEST(key_prefix__unicode),
          TEST(key_prefix__of_other_values_is_the_whole_segment),
          TEST(key_unicode__default_ignores_case_kana_and_width_but_not_accents),
          TEST(key_unicode__flags_choose_what_counts), TEST(key_unicode__any_bytes_have_a_key),
          TEST(key_unicode__a_key_does_not_depend_on_alignment_or_on_the_buffer),
          TEST(key_sort_version__names_the_collator_and_the_rule))
