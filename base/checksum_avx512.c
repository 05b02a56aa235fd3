/* Rows of 64 bytes, 64 or 128 to a block. At this speed a parity taken word by word at the end would cost as much as
 * the block: the seven levels and the whole are transposed into one vector, a word each, and counted at once. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

typedef uint64_t vec __attribute__((vector_size(64)));
#define FOLD_TARGET __attribute__((target("avx512f,avx512vpopcntdq,popcnt")))
#define FOLD_AHEAD 1024

#include "base/checksum_fold.h"

/* Lane i: XOR of the eight words of v[i]. */
FOLD_INLINE __m512i fold_eight(const vec *v) {
    __m512i pair[4], quad[2];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* words 0 2 4 6 of a pair hold v[2i], words 1 3 5 7 v[2i + 1] */
        pair[i] = _mm512_xor_si512(_mm512_unpacklo_epi64((__m512i)v[2 * i], (__m512i)v[2 * i + 1]),
                                   _mm512_unpackhi_epi64((__m512i)v[2 * i], (__m512i)v[2 * i + 1]));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) { /* 128-bit lanes: 0 1 hold pair 2i, 2 3 hold pair 2i + 1 */
        quad[i] = _mm512_xor_si512(_mm512_shuffle_i64x2(pair[2 * i], pair[2 * i + 1], 0x88),
                                   _mm512_shuffle_i64x2(pair[2 * i], pair[2 * i + 1], 0xDD));
    }
    return _mm512_xor_si512(_mm512_shuffle_i64x2(quad[0], quad[1], 0x88), _mm512_shuffle_i64x2(quad[0], quad[1], 0xDD));
}

/* Bit i: parity of word i. */
FOLD_INLINE unsigned fold_parities(__m512i v) {
    return _mm512_test_epi64_mask(_mm512_popcnt_epi64(v), _mm512_set1_epi64(1));
}

FOLD_TARGET uint64_t sum_avx512(const void *block, size_t bytes, uint32_t pgno, bool is_header) {
    vec rows[FOLD_LEVELS + 1];
    vec all = fold_block(block, bytes, is_header, rows);
    rows[FOLD_LEVELS] = all;

    const __m512i in_word =
        _mm512_set_epi64(0, -1, (int64_t)0xFFFFFFFF00000000, (int64_t)0xFFFF0000FFFF0000, (int64_t)0xFF00FF00FF00FF00,
                         (int64_t)0xF0F0F0F0F0F0F0F0, (int64_t)0xCCCCCCCCCCCCCCCC, (int64_t)0xAAAAAAAAAAAAAAAA);
    __m512i words = fold_eight(rows);
    __m512i word = _mm512_permutexvar_epi64(_mm512_set1_epi64(7), words);

    unsigned bits = fold_parities(_mm512_and_si512(word, in_word)); /* 0..5 of the index, then the whole */
    unsigned lanes = fold_parities((__m512i)all);
    unsigned levels = fold_parities(words) & 0x7F;
    uint64_t low = bits & 0x3F;
    low |= fold_parity(lanes & 0xAA) << 6 | fold_parity(lanes & 0xCC) << 7 | fold_parity(lanes & 0xF0) << 8;
    low |= (uint64_t)levels << 9;
    return fold_sum(low, (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(word)), bits & 0x40, bytes, pgno);
}

#endif
