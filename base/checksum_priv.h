/* The kernels; only checksum*.c and its list know them. */
#ifndef ESENT_BASE_CHECKSUM_PRIV_H
#define ESENT_BASE_CHECKSUM_PRIV_H

#include "base/checksum.h"

uint64_t sum_portable(const void *block, size_t bytes, uint32_t pgno, bool is_header);
#if defined(__x86_64__)
uint64_t sum_sse2(const void *block, size_t bytes, uint32_t pgno, bool is_header);
uint64_t sum_avx2(const void *block, size_t bytes, uint32_t pgno, bool is_header);
uint64_t sum_avx512(const void *block, size_t bytes, uint32_t pgno, bool is_header);
#endif

#endif
