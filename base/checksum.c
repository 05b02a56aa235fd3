/* Checksums of headers and pages, the correction of single bits, and the choice of kernel.
 *
 * A page of 4 or 8 KiB is one block; its sum stands in its first eight bytes, which count as zero. A page of 16 or
 * 32 KiB is four blocks: the sums of blocks 1..3 stand in rgChecksum (offset 40), which block 0's sum covers.
 *
 * The difference of stored and computed sum is linear in the damage. A single flipped bit i gives ECC (~i, i) and one
 * bit, i mod 32, in the XOR: flipped_bit() accepts exactly those. What the code promises, per block:
 *   - any two flipped bits are reported (parity), and so is a burst of up to 32 bits, which can hit each of the XOR's
 *     32 columns only once;
 *   - an odd number of flips that cancel in all columns but one looks like a single bit and is "corrected" wrongly.
 *     Three flips, two of them a multiple of 32 bits apart, do that; random damage does in one of 2^27 blocks.
 * This is the format's limit, not a choice: after a correction the caller checks the page's structure, and a page that
 * fails there counts as damaged. */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <isa-l.h>

#include "base/checksum_priv.h"
#include "base/le.h"

#define HEADER_SEED 0x89abcdefu

enum { /* in a page */
       OFFSET_SUM = 0,
       OFFSET_FLAGS = 36,
       OFFSET_BLOCK_SUMS = 40,
       OFFSET_PGNO = 64, /* large pages only */
       FLAG_NEW_SUM = 0x2000,
       FLAG_NEW_SUM_BIT = 8 * OFFSET_FLAGS + 13,
};

enum { BLOCKS_MAX = 4 };

uint32_t sum_header(const void *block, size_t bytes) {
    const char *p = block;
    uint32_t sum = HEADER_SEED;
    for (size_t i = 4; i + 4 <= bytes; i += 4)
        sum ^= load32(p + i);
    return sum;
}

/* ---- choice of kernel ---- */

static bool always(void) {
    return true;
}
#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq") &&
           __builtin_cpu_supports("popcnt");
}
#endif

/* Slowest first. */
const struct sum_kernel sum_kernels[] = {
    {"portable", always, sum_portable},
#if defined(__x86_64__)
    {"sse2", always, sum_sse2},
    {"avx2", has_avx2, sum_avx2},
    {"avx512", has_avx512, sum_avx512},
#endif
};
const size_t sum_kernel_count = sizeof sum_kernels / sizeof sum_kernels[0];

const struct sum_kernel *sum_kernel_chosen(void) {
    static const struct sum_kernel *_Atomic chosen;
    const struct sum_kernel *kernel = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!kernel) {
        for (size_t i = 0; i < sum_kernel_count; i++) {
            if (sum_kernels[i].usable())
                kernel = &sum_kernels[i];
        }
        atomic_store_explicit(&chosen, kernel, memory_order_relaxed);
    }
    return kernel;
}

uint64_t sum_block(const void *block, size_t bytes, uint32_t pgno, bool is_header) {
    return sum_kernel_chosen()->sum(block, bytes, pgno, is_header);
}

/* ---- pages ---- */

static unsigned block_count(size_t page_bytes) {
    return page_bytes > 8192 ? 4 : 1;
}

/* Where the sum of a block stands. */
static size_t sum_offset(unsigned block) {
    return block == 0 ? OFFSET_SUM : OFFSET_BLOCK_SUMS + 8 * (block - 1);
}

static uint64_t compute_sum(const char *page, size_t block_bytes, unsigned block, uint32_t pgno) {
    return sum_block(page + block * block_bytes, block_bytes, pgno, block == 0);
}

void page_sum_set(void *page, size_t page_bytes, uint32_t pgno) {
    char *p = page;
    unsigned count = block_count(page_bytes);
    store32(p + OFFSET_FLAGS, load32(p + OFFSET_FLAGS) | FLAG_NEW_SUM);
    for (unsigned i = count; i-- > 0;) /* block 0 last: it covers the others' sums */
        store64(p + sum_offset(i), compute_sum(p, page_bytes / count, i, pgno));
}

static bool is_blank(const char *page, size_t page_bytes) {
    return load64(page) == 0 && memcmp(page, page + 8, page_bytes - 8) == 0;
}

/* What flipping bit i does to a block's sum. */
static uint64_t sum_of_bit(unsigned i, size_t block_bytes) {
    uint64_t mask = 8 * block_bytes - 1;
    return (~i & mask) << 48 | (uint64_t)i << 32 | UINT64_C(1) << (i & 31);
}

/* The bit whose flip explains diff, -1 if no single one does. */
static int flipped_bit(uint64_t diff, size_t block_bytes) {
    unsigned i = diff >> 32 & 0xFFFF;
    return i < 8 * block_bytes && diff == sum_of_bit(i, block_bytes) ? (int)i : -1;
}

/* Blocks are right but for the XOR with the page number, which is the one the page itself holds. */
static bool holds_other_pgno(const char *page, const uint64_t *diff, unsigned count, uint32_t pgno) {
    if (count == 1)
        return false; /* small pages do not hold their number */
    uint32_t stored = load32(page + OFFSET_PGNO);
    for (unsigned i = 0; i < count; i++) {
        if (diff[i] != (stored ^ pgno))
            return false;
    }
    return true; /* stored == pgno would have been no difference at all */
}

/* Fills bit[] with the bit to flip in each block, -1 for none. False: some block is beyond repair. */
static bool find_flips(uint64_t *diff, unsigned count, size_t block_bytes, int *bit) {
    for (unsigned i = 0; i < count; i++) {
        bit[i] = -1;
        if (diff[i] == 0)
            continue;
        bit[i] = flipped_bit(diff[i], block_bytes);
        if (bit[i] < 0)
            return false;
        if (i > 0)
            continue;
        int first = 8 * OFFSET_BLOCK_SUMS, end = 8 * OFFSET_PGNO;
        if (bit[0] == FLAG_NEW_SUM_BIT || bit[0] < 64) /* 64: the sum itself, which counts as zero */
            return false;
        /* The flip is in another block's stored sum: that block is judged by the sum as it was. */
        if (count > 1 && bit[0] >= first && bit[0] < end)
            diff[1 + (bit[0] - first) / 64] ^= UINT64_C(1) << (bit[0] - first) % 64;
    }
    return true;
}

/* Before ESE's ECC: an XOR, and the number in place of the ECC. Never written by us, still found in old databases. */
static enum page_verdict check_old_sum(const char *page, size_t page_bytes, uint32_t pgno) {
    if (block_count(page_bytes) > 1 || load32(page) != sum_header(page, page_bytes))
        return PAGE_BAD_SUM;
    return load32(page + 4) == pgno ? PAGE_GOOD : PAGE_BAD_PGNO;
}

static enum page_verdict judge_damage(char *page, size_t page_bytes, uint32_t pgno, uint64_t *diff, bool fix) {
    unsigned count = block_count(page_bytes);
    size_t block_bytes = page_bytes / count;
    int bit[BLOCKS_MAX];
    if (!(load32(page + OFFSET_FLAGS) & FLAG_NEW_SUM))
        return check_old_sum(page, page_bytes, pgno);
    if (holds_other_pgno(page, diff, count, pgno))
        return PAGE_BAD_PGNO;
    if (!find_flips(diff, count, block_bytes, bit))
        return PAGE_BAD_SUM;
    if (!fix)
        return PAGE_CORRECTABLE;
    for (unsigned i = 0; i < count; i++) {
        if (bit[i] >= 0)
            page[i * block_bytes + (unsigned)bit[i] / 8] ^= (char)(1 << bit[i] % 8);
    }
    return PAGE_CORRECTED;
}

enum page_verdict page_sum_check(void *page, size_t page_bytes, uint32_t pgno, bool fix) {
    char *p = page;
    unsigned count = block_count(page_bytes);
    uint64_t diff[BLOCKS_MAX], any = 0;
    if (is_blank(p, page_bytes))
        return PAGE_BLANK;
    for (unsigned i = 0; i < count; i++) {
        diff[i] = load64(p + sum_offset(i)) ^ compute_sum(p, page_bytes / count, i, pgno);
        any |= diff[i];
    }
    if (any == 0 && (load32(p + OFFSET_FLAGS) & FLAG_NEW_SUM))
        return PAGE_GOOD;
    return judge_damage(p, page_bytes, pgno, diff, fix);
}

/* ---- CRC-32C ---- */

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes) {
    const unsigned char *p = data;
    crc = ~crc;
    while (bytes > 0) {
        int n = bytes > INT_MAX ? INT_MAX : (int)bytes;
        crc = crc32_iscsi((unsigned char *)p, n, crc); /* not const in ISA-L, but only read */
        p += n;
        bytes -= (size_t)n;
    }
    return ~crc;
}
