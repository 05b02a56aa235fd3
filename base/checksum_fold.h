/* The folding of checksum_portable.c for rows of one vector each: the shape all vector kernels share. A kernel defines
 * `vec` (a vector of 64-bit words), FOLD_TARGET (its target attribute) and FOLD_AHEAD (how many bytes ahead to
 * prefetch; 0: the hardware does it well enough) and includes this once.
 *
 * Twice the same step: 16 rows fold into one, which leaves at most 32 rows of an 8 KiB block, and these fold again.
 * Missing rows of a smaller block are zero and count for nothing. */
#ifndef ESENT_BASE_CHECKSUM_FOLD_H
#define ESENT_BASE_CHECKSUM_FOLD_H

#include "base/checksum_priv.h"
#include "base/le.h"

#define FOLD_INLINE static inline __attribute__((always_inline)) FOLD_TARGET

/* Without it the compiler reassociates XORs across rows and does many of them, and their loads, twice. */
#define FOLD_KEEP(v) __asm__("" : "+v"(v))
/* And loads in an order of its own, which the hardware's prefetcher does not follow: a third slower from memory. */
#define FOLD_KEEP_ORDER(v) __asm__ volatile("" : "+v"(v))

enum {
    FOLD_ROW = sizeof(vec),
    FOLD_LANES = FOLD_ROW / 8,
    FOLD_GROUP = 16,                            /* rows */
    FOLD_GROUPS = 8192 / FOLD_ROW / FOLD_GROUP, /* of the largest block: 8, 16, 32 */
    FOLD_LEVELS = FOLD_ROW == 64   ? 7
                  : FOLD_ROW == 32 ? 8
                                   : 9,
};

FOLD_INLINE vec fold_load(const char *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    FOLD_KEEP_ORDER(v);
    return v;
}

/* XOR of four rows; adds those with index bit 0 to level[0], those with bit 1 to level[1]. */
FOLD_INLINE vec fold4(vec a, vec b, vec c, vec d, vec *level) {
    vec cd = c ^ d;
    FOLD_KEEP(cd);
    level[0] ^= b ^ d;
    level[1] ^= cd;
    vec all = a ^ b ^ cd;
    FOLD_KEEP(all);
    return all;
}

FOLD_INLINE vec fold4_rows(const char *p, vec *level) {
    for (unsigned i = 0; FOLD_AHEAD > 0 && i < 4 * FOLD_ROW; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)p + FOLD_AHEAD + i), 0, 2);
    vec a = fold_load(p), b = fold_load(p + FOLD_ROW);
    vec c = fold_load(p + 2 * FOLD_ROW), d = fold_load(p + 3 * FOLD_ROW);
    return fold4(a, b, c, d, level);
}

FOLD_INLINE vec fold16_rows(const char *p, vec *level) {
    vec a = fold4_rows(p, level), b = fold4_rows(p + 4 * FOLD_ROW, level);
    vec c = fold4_rows(p + 8 * FOLD_ROW, level), d = fold4_rows(p + 12 * FOLD_ROW, level);
    return fold4(a, b, c, d, level + 2);
}

FOLD_INLINE vec fold4_of(const vec *v, vec *level) {
    return fold4(v[0], v[1], v[2], v[3], level);
}

FOLD_INLINE vec fold16_of(const vec *v, vec *level) {
    return fold4(fold4_of(v, level), fold4_of(v + 4, level), fold4_of(v + 8, level), fold4_of(v + 12, level),
                 level + 2);
}

FOLD_INLINE vec fold_groups(const vec *v, vec *level) {
    if (FOLD_GROUPS == 16)
        return fold16_of(v, level);
    vec a = FOLD_GROUPS == 8 ? fold4_of(v, level) : fold16_of(v, level);
    vec b = FOLD_GROUPS == 8 ? fold4_of(v + 4, level) : fold16_of(v + 16, level);
    level[FOLD_GROUPS == 8 ? 2 : 4] ^= b;
    return a ^ b;
}

/* XOR of all rows; level[k]: XOR of the rows whose index has bit k set. */
FOLD_INLINE vec fold_block(const char *p, size_t bytes, bool is_header, vec *level) {
    vec group[FOLD_GROUPS], zero = {0};
    FOLD_KEEP(zero); /* or the loops become calls of memset(), which costs more than both */
#pragma GCC unroll 16
    for (unsigned k = 0; k < FOLD_LEVELS; k++)
        level[k] = zero;
#pragma GCC unroll 32
    for (unsigned i = 0; i < FOLD_GROUPS; i++)
        group[i] = zero;
    for (size_t i = 0; i < bytes / (FOLD_GROUP * FOLD_ROW); i++)
        group[i] = fold16_rows(p + i * FOLD_GROUP * FOLD_ROW, level);
    vec all = fold_groups(group, level + 4);
    if (is_header)
        all[0] ^= load64(p); /* word 0 counts in no level: this takes it out again */
    return all;
}

/* low: the XOR of the indices of all bits that are set. word: the XOR of all words. */
FOLD_INLINE uint64_t fold_sum(uint64_t low, uint64_t word, bool odd, size_t bytes, uint32_t pgno) {
    uint64_t high = odd ? low ^ (8 * bytes - 1) : low;
    return high << 48 | low << 32 | ((uint32_t)(word ^ word >> 32) ^ pgno);
}

FOLD_INLINE uint64_t fold_word(vec v) {
    uint64_t x = v[0];
#pragma GCC unroll 8
    for (unsigned i = 1; i < FOLD_LANES; i++)
        x ^= v[i];
    return x;
}

FOLD_INLINE uint64_t fold_parity(uint64_t x) {
    return (uint64_t)__builtin_parityll(x);
}

/* Word by word; a kernel with better means has its own. */
FOLD_INLINE uint64_t fold_finish(vec all, const vec *level, size_t bytes, uint32_t pgno) {
    static const uint64_t in_word[6] = {0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0,
                                        0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000};
    uint64_t word = fold_word(all), low = 0;
    unsigned bit = 0;
#pragma GCC unroll 6
    for (; bit < 6; bit++)
        low |= fold_parity(word & in_word[bit]) << bit;
#pragma GCC unroll 2
    for (unsigned distance = 1; distance < FOLD_LANES; distance *= 2) {
        uint64_t x = 0;
#pragma GCC unroll 4
        for (unsigned i = 0; i < FOLD_LANES; i++)
            x ^= i & distance ? all[i] : 0;
        low |= fold_parity(x) << bit++;
    }
#pragma GCC unroll 16
    for (unsigned k = 0; k < FOLD_LEVELS; k++)
        low |= fold_parity(fold_word(level[k])) << bit++;
    return fold_sum(low, word, fold_parity(word), bytes, pgno);
}

#endif
