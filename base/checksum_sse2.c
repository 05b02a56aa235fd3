/* Rows of 16 bytes: what every x86-64 can. */
#if defined(__x86_64__)

#include <stdint.h>

typedef uint64_t vec __attribute__((vector_size(16)));
#define FOLD_TARGET __attribute__((target("sse2")))
#define FOLD_AHEAD 0

#include "base/checksum_fold.h"

FOLD_TARGET uint64_t sum_sse2(const void *block, size_t bytes, uint32_t pgno, bool is_header) {
    vec level[FOLD_LEVELS];
    vec all = fold_block(block, bytes, is_header, level);
    return fold_finish(all, level, bytes, pgno);
}

#endif
