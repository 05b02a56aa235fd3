/* Checksums of ESE's files.
 *
 * header: XOR of all dwords but the first, seeded 0x89abcdef.
 * page: an error-correcting code that is linear over GF(2) plus an XOR, both with the page number (ese-facts 2.2;
 *   docs/format-edb.md). The portable kernel is the reference; faster ones are chosen by CPU at run time. */
#ifndef ESENT_BASE_CHECKSUM_H
#define ESENT_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t sum_header(const void *block, size_t bytes); /* bytes: a multiple of 4 */

/* ECC in the high and XOR in the low dword. bytes: 4096 or 8192 (2048 allowed); any alignment. is_header: the first
 * eight bytes count as zero. */
uint64_t sum_block(const void *block, size_t bytes, uint32_t pgno, bool is_header);

enum page_verdict {
    PAGE_GOOD,
    PAGE_BLANK,       /* all zero: never used */
    PAGE_CORRECTED,   /* one bit per damaged block was flipped back (only with fix) */
    PAGE_CORRECTABLE, /* the same, but fix was not asked for: the page is unchanged */
    PAGE_BAD_SUM,     /* JET_errReadVerifyFailure */
    PAGE_BAD_PGNO,    /* sum holds for another page number stored in the page: JET_errReadPgnoVerifyFailure */
};

/* page: page_bytes (4096, 8192, 16384, 32768) bytes. Sets the checksum format flag and all checksums. Large pages
 * must hold their own number already. */
void page_sum_set(void *page, size_t page_bytes, uint32_t pgno);
enum page_verdict page_sum_check(void *page, size_t page_bytes, uint32_t pgno, bool fix);

/* Kernels, for the tests and the benchmark. */
struct sum_kernel {
    const char *name; /* portable, sse2, avx2, avx512 */
    bool (*usable)(void);
    uint64_t (*sum)(const void *block, size_t bytes, uint32_t pgno, bool is_header);
};
extern const struct sum_kernel sum_kernels[];
extern const size_t sum_kernel_count;
const struct sum_kernel *sum_kernel_chosen(void);

/* CRC-32C (ISA-L), chainable: crc32c(crc32c(0, a), b) == crc32c(0, ab). */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
