/* What the manifest says of a file's content: its size, its CRC-32C, on request its SHA-256. */
#ifndef ESENT_BACKUP_SUM_H
#define ESENT_BACKUP_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SHA256_BYTES 32

struct file_sum {
    uint64_t bytes;
    uint32_t crc32c;
    bool has_sha256;
    uint8_t sha256[SHA256_BYTES];
};

/* Same size and CRC, and same SHA-256 where both have one. */
bool file_sum_equal(const struct file_sum *a, const struct file_sum *b);

/* A sum that grows with what is added. Zeroed it may be freed. */
struct summer {
    struct file_sum sum;
    struct evp_md_ctx_st *sha; /* NULL: no SHA-256 */
};
MUST_CHECK JET_ERR summer_begin(struct summer *s, bool sha256);
MUST_CHECK JET_ERR summer_add(struct summer *s, const void *data, size_t bytes);
MUST_CHECK JET_ERR summer_end(struct summer *s, struct file_sum *out);
void summer_free(struct summer *s);

#endif
