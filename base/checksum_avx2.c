/* Rows of 32 bytes. */
#if defined(__x86_64__)

#include <stdint.h>

typedef uint64_t vec __attribute__((vector_size(32)));
#define FOLD_TARGET __attribute__((target("avx2,popcnt")))
#define FOLD_AHEAD 0

#include "base/checksum_fold.h"

FOLD_TARGET uint64_t sum_avx2(const void *block, size_t bytes, uint32_t pgno, bool is_header) {
    vec level[FOLD_LEVELS];
    vec all = fold_block(block, bytes, is_header, level);
    return fold_finish(all, level, bytes, pgno);
}

#endif
