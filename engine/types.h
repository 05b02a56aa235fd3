/* Words that the whole engine uses. */
#ifndef ESENT_ENGINE_TYPES_H
#define ESENT_ENGINE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/le.h"
#include "log/log.h"

typedef uint32_t pgno_t;   /* physical page number, 1 .. ; 0: none */
typedef uint32_t objid_t;  /* of a tree; tables, indexes and long-value trees share one counter */
typedef uint64_t dbtime_t; /* one per logged change of a database */
typedef uint64_t trxid_t;  /* begin time of a transaction; unique within an instance's run */

struct slice {
    const uint8_t *p;
    size_t n;
}; /* bytes owned by somebody else */
static inline struct slice slice(const void *p, size_t n) {
    return (struct slice){p, n};
}
/* memcmp order, shorter first: the order of keys. */
static inline int slice_compare(struct slice a, struct slice b) {
    size_t n = a.n < b.n ? a.n : b.n;
    if (n >= 8) { /* most keys differ in their first bytes: no call for those */
        uint64_t x = load_be64(a.p), y = load_be64(b.p);
        if (x != y)
            return x < y ? -1 : 1;
    }
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

#define PAGE_SIZE_MIN 4096u
#define PAGE_SIZE_MAX 32768u
#define KEY_MAX 2000u /* JET_cbKeyMost of 8 KiB pages and larger; key_max() gives that of a page size */
#define KEY_BUFFER 2048u
static inline bool page_size_valid(uint32_t n) {
    return n == 4096 || n == 8192 || n == 16384 || n == 32768;
}

#endif
