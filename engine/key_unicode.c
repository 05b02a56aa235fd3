/* Sort keys of Unicode text, by ICU (docs/collation.md).
 *
 * A collator is opened once for each set of rules, published with one atomic store and never changed or closed after
 * that: making sort keys with a collator that nobody changes is safe from any number of threads. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unicode/ucol.h>

#include "engine/key_priv.h"

/* {8ea5a3f1-2f0b-4c1e-9d57-6c1b62736534} */
const uint8_t key_sort_id[16] = {0xf1, 0xa3, 0xa5, 0x8e, 0x0b, 0x2f, 0x1e, 0x4c,
                                 0x9d, 0x57, 0x6c, 0x1b, 0x62, 0x73, 0x65, 0x34};
#define SORT_RULE_VERSION 1u /* to be raised whenever this file gives other keys with the same ICU */

/* The bits of LCMapFlags, as Windows names them. */
enum {
    NORM_IGNORECASE = 0x1,
    NORM_IGNORENONSPACE = 0x2,
    LCMAP_SORTKEY = 0x400,
    NORM_IGNOREKANATYPE = 0x10000,
    NORM_IGNOREWIDTH = 0x20000,
};

/* ICU tells kana types and widths apart on the level of case only, so these are the combinations that it can give. */
static const struct rules {
    uint32_t lcmap_flags;
    UColAttributeValue strength, case_level;
} all_rules[] = {
    {LCMAP_SORTKEY | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH | NORM_IGNORECASE, UCOL_SECONDARY, UCOL_OFF},
    {LCMAP_SORTKEY | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH | NORM_IGNORECASE | NORM_IGNORENONSPACE, UCOL_PRIMARY,
     UCOL_OFF},
    {LCMAP_SORTKEY | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH, UCOL_SECONDARY, UCOL_ON},
    {LCMAP_SORTKEY | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH | NORM_IGNORENONSPACE, UCOL_PRIMARY, UCOL_ON},
    {LCMAP_SORTKEY, UCOL_TERTIARY, UCOL_OFF},
};
enum { RULES = sizeof all_rules / sizeof all_rules[0] };
_Static_assert(KEY_LCMAP_DEFAULT == 0x30401, "the first of all_rules");

static _Atomic(UCollator *) collators[RULES];

static int find_rules(uint32_t lcmap_flags) {
    for (int i = 0; i < RULES; i++) {
        if (all_rules[i].lcmap_flags == lcmap_flags)
            return i;
    }
    return -1;
}

bool key_lcmap_supported(uint32_t lcmap_flags) {
    return find_rules(lcmap_flags) >= 0;
}

static UCollator *open_collator(const struct rules *rules) {
    UErrorCode status = U_ZERO_ERROR;
    UCollator *collator = ucol_open("root", &status);
    ucol_setAttribute(collator, UCOL_STRENGTH, rules->strength, &status);
    ucol_setAttribute(collator, UCOL_CASE_LEVEL, rules->case_level, &status);
    ucol_setAttribute(collator, UCOL_NORMALIZATION_MODE, UCOL_ON, &status);
    if (U_FAILURE(status)) {
        ucol_close(collator);
        return NULL;
    }
    return collator;
}

static JET_ERR get_collator(uint32_t lcmap_flags, const UCollator **out) {
    int i = find_rules(lcmap_flags);
    if (i < 0)
        return RAISE(JET_errUnicodeNormalizationNotSupported);
    UCollator *collator = atomic_load_explicit(&collators[i], memory_order_acquire);
    if (!collator) {
        UCollator *first = NULL;
        collator = open_collator(&all_rules[i]);
        if (!collator)
            return RAISE(JET_errUnicodeTranslationFail);
        if (!atomic_compare_exchange_strong(&collators[i], &first, collator)) {
            ucol_close(collator);
            collator = first;
        }
    }
    *out = collator;
    return JET_errSuccess;
}

JET_ERR key_unicode_sort_key(uint32_t lcmap_flags, struct slice text, uint8_t *out, size_t room, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    const UCollator *collator = NULL;
    UChar units_here[256], *units = units_here;
    uint8_t key_here[KEY_BUFFER], *key = key_here;
    size_t count = text.n / 2;
    CALL(get_collator(lcmap_flags, &collator));
    if (count > INT32_MAX / 64)
        FAIL(JET_errUnicodeTranslationFail);
    if (count > sizeof units_here / sizeof units_here[0] && !(units = malloc(count * sizeof *units)))
        FAIL(JET_errOutOfMemory);
    memcpy(units, text.p, count * sizeof *units); /* text need not be aligned */

    int32_t n = ucol_getSortKey(collator, units, (int32_t)count, key, sizeof key_here);
    if (n > (int32_t)sizeof key_here) { /* what a too small buffer holds is not defined */
        if (!(key = malloc((size_t)n)))
            FAIL(JET_errOutOfMemory);
        if (ucol_getSortKey(collator, units, (int32_t)count, key, n) != n)
            FAIL(JET_errUnicodeTranslationFail);
    }
    if (n <= 0)
        FAIL(JET_errUnicodeTranslationFail);
    memcpy(out, key, (size_t)n < room ? (size_t)n : room);
    *bytes = (size_t)n;
cleanup:
    if (units != units_here)
        free(units);
    if (key != key_here)
        free(key);
    return err;
}

uint64_t key_sort_version(void) {
    const UCollator *collator = NULL;
    UVersionInfo version;
    if (get_collator(KEY_LCMAP_DEFAULT, &collator) < JET_errSuccess)
        return 0;
    ucol_getVersion(collator, version);
    return (uint64_t)SORT_RULE_VERSION << 32 | load_be32(version);
}

JET_ERR key_unicode_check(void) {
    static const uint8_t text[] = {'A', 0};
    uint8_t key[64];
    size_t bytes;
    return key_unicode_sort_key(KEY_LCMAP_DEFAULT, slice(text, sizeof text), key, sizeof key, &bytes);
}
