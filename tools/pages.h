/* Every page of a database file, by its checksum and its structure. */
#ifndef ESENT_TOOLS_PAGES_H
#define ESENT_TOOLS_PAGES_H

#include "base/os.h"
#include "engine/types.h"
#include "tools/tool.h"

enum page_fault {
    FAULT_CORRECTABLE, /* one flipped bit a block: readers correct it */
    FAULT_SUM,
    FAULT_PGNO,       /* what page `other` should hold */
    FAULT_STRUCTURE,  /* why */
    FAULT_UNREADABLE, /* err */
    FAULT_NEWER,      /* changed after dbtime_max; not a bad page */
};

struct page_finding {
    pgno_t pgno;
    enum page_fault fault;
    pgno_t other;
    JET_ERR err;
    const char *why; /* static */
};

struct page_counts {
    uint64_t good, blank, correctable, bad;
};

struct page_scan {
    /* in */
    struct os_file *file;
    uint32_t page_size;
    pgno_t last;         /* of the file */
    pgno_t owned_last;   /* of the database: findings are about pages up to this one */
    dbtime_t dbtime_max; /* UINT64_MAX: any */
    /* out */
    struct page_counts owned, beyond;
    struct page_finding *findings; /* by page */
    size_t finding_count;
};

/* JET_errOutOfMemory; a page that cannot be read is a finding. */
MUST_CHECK JET_ERR pages_scan(struct page_scan *scan);
void pages_done(struct page_scan *scan);
void page_finding_text(const struct page_finding *finding, char out[256]);
static inline uint64_t page_offset(const struct page_scan *scan, pgno_t pgno) {
    return ((uint64_t)pgno + 1) * scan->page_size;
}

#endif
