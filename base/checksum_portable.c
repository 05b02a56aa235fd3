/* The reference kernel, in 64-bit words.
 *
 * Bit i of the block contributes i to the ECC's low half, so ECC bit b is the parity of all bits whose index has bit b
 * set. Bits 0..5 choose a bit in a word, the others choose a word. Taking words in pairs, (a, b) at distance 1: the
 * XOR of all b holds what index bit 6 needs, and the block made of all a ^ b, half as long, holds what every other
 * index bit needs. Repeating that until one word is left costs two XORs a word in all, and parities are taken at the
 * end: one for each halving, and six of the last word. */
#include "base/checksum_priv.h"
#include "base/le.h"

#define FOLD_LEVELS 10 /* words of an 8 KiB block: 2^10 */

static inline uint64_t fold4(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *level) {
    level[0] ^= b ^ d;
    level[1] ^= c ^ d;
    return a ^ b ^ c ^ d;
}

static inline uint64_t fold4_words(const char *p, uint64_t *level) {
    return fold4(load64(p), load64(p + 8), load64(p + 16), load64(p + 24), level);
}

/* XOR of `count` words at p (a power of two, at least 16); level[k]: XOR of those whose index has bit k set. */
static uint64_t fold(const char *p, size_t count, uint64_t *level) {
    uint64_t pending[FOLD_LEVELS]; /* [k]: XOR of 2^k words whose partner, the next 2^k, has not been seen */
    uint64_t x = 0;
    for (size_t i = 0; i < count; i += 16, p += 128) {
        x = fold4(fold4_words(p, level), fold4_words(p + 32, level), fold4_words(p + 64, level),
                  fold4_words(p + 96, level), level + 2);
        unsigned k = 4;
        for (size_t group = i / 16; group & 1; group >>= 1, k++) { /* as a carry goes up in binary addition */
            level[k] ^= x;
            x ^= pending[k];
        }
        if (k < FOLD_LEVELS)
            pending[k] = x;
    }
    return x;
}

static inline uint64_t parity(uint64_t x) {
    return (uint64_t)__builtin_parityll(x);
}

uint64_t sum_portable(const void *block, size_t bytes, uint32_t pgno, bool is_header) {
    static const uint64_t in_word[6] = {0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0,
                                        0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000};
    uint64_t level[FOLD_LEVELS] = {0};
    uint64_t all = fold(block, bytes / 8, level);
    if (is_header)
        all ^= load64(block); /* word 0 counts in no level: this takes it out again */

    uint64_t low = 0;
    for (unsigned b = 0; b < 6; b++)
        low |= parity(all & in_word[b]) << b;
    for (unsigned k = 0; k < FOLD_LEVELS; k++)
        low |= parity(level[k]) << (6 + k);
    uint64_t high = parity(all) ? low ^ (8 * bytes - 1) : low;
    return high << 48 | low << 32 | ((uint32_t)(all ^ all >> 32) ^ pgno);
}
