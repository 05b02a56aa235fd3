/* Inside of the page cache.
 *
 * A page's word holds its latch, whether it is resident, and its reference bit, so that a hit is one compare-and-swap.
 * Its other fields change only under a latch: `resident` and the bytes under an exclusive one; first_dirty and the
 * flags also by the one writer that owns STATE_WRITING, under a shared latch.
 *
 * Who waits for what, so that nobody waits in a circle: an evicting thread, which may hold latches of its caller,
 * only tries. A writer waits for a latch or for another's STATE_WRITING only while its own batch is empty.
 *
 * Files
 *     cache.c        attach, detach; latching, reading, copying pages
 *     cache_latch.c  the latch word: spin, then park in a stripe
 *     cache_write.c  dirty pages: batches, sync, the bound for the checkpoint
 *     cache_evict.c  the clock */
#ifndef ESENT_ENGINE_CACHE_PRIV_H
#define ESENT_ENGINE_CACHE_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "engine/cache.h"

#define SEGMENT_COUNT 65536u /* of all page numbers */
#define SEGMENT_WORDS (CACHE_SEGMENT_PAGES / 64)
#define STRIPES 64u
#define BATCH_PAGES 64u
#define BATCH_BYTES (256u * 1024)
#define NOT_DIRTY 0u                       /* of first_dirty */
#define DIRTY_WITHOUT_LOG (UINT64_MAX - 1) /* corrected on read: the log need not be kept for it */

enum {
    WORD_SHARED = 0xffff, /* count */
    WORD_EXCLUSIVE = 1 << 16,
    WORD_WAITERS = 1 << 17,
    WORD_RESIDENT = 1 << 18,
    WORD_REFERENCED = 1 << 19,
};
enum {
    STATE_WRITING = 1,      /* a copy is on its way to the file: no second writer, no eviction */
    STATE_IMAGE_LOGGED = 2, /* since the last write began */
    STATE_NEW = 4,          /* from cache_latch_new and not yet changed: forgotten when unlatched */
};

struct cache_page {
    _Atomic uint32_t word;
    _Atomic uint32_t flags;
    _Atomic uint64_t first_dirty; /* NOT_DIRTY, or the bound */
    _Atomic uint64_t last_change;
    _Atomic uint64_t dbtime_in_file; /* of the page as last read or written; 0: not known. Survives eviction */
};

struct segment {
    uint8_t *bytes;                        /* CACHE_SEGMENT_PAGES pages, reserved */
    struct cache_page *pages;              /* reserved */
    _Atomic uint64_t dirty[SEGMENT_WORDS]; /* a superset of first_dirty != NOT_DIRTY: set before, cleared after */
    _Atomic uint64_t resident[SEGMENT_WORDS];
};

struct cache_file {
    /* constant */
    struct cache *cache;
    struct os_file *file;
    char *path;
    uint32_t page_size;
    bool read_only;
    JET_ERR (*before_write)(void *context, lggen_t gen);
    void *context;
    /* atomic */
    _Atomic(struct segment *) *segments; /* SEGMENT_COUNT; made under cache->mutex */
    _Atomic uint32_t segments_end;       /* one past the last that exists */
    _Atomic uint64_t resident_bytes, dirty_pages, corrected;
    _Atomic uint32_t gen_seen; /* highest that before_write was called for */
    _Atomic int32_t failure;
    /* io_mutex (OS_RANK_LEAF); io_cond: a write ended or a sync ended */
    struct os_mutex io_mutex;
    struct os_cond io_cond;
    unsigned epoch;        /* that batches join now */
    unsigned in_flight[2]; /* batches */
    lgpos_t unsynced[2];   /* lower bound of what batches of the epoch have taken; UINT64_MAX: nothing */
    bool syncing;
    /* cache->mutex */
    struct cache_file *next;
    unsigned evictors; /* threads that evict from it */
};

struct cache {
    uint64_t bytes_max;
    const struct event_sink *events;
    _Atomic(struct log *) log;
    _Atomic uint64_t resident_bytes;
    struct os_mutex mutex;  /* OS_RANK_CACHE: files, segment creation, clock hand */
    struct os_cond evicted; /* evictors became 0 */
    struct cache_file *files;
    struct cache_file *hand_file; /* NULL: start over */
    uint64_t hand_page;           /* number of a page from 0, over all segments of hand_file */
    struct {
        struct os_mutex mutex;
        struct os_cond cond;
    } stripes[STRIPES];
};

static inline struct segment *segment_of(const struct cache_file *f, pgno_t pgno) {
    return atomic_load_explicit(&f->segments[pgno / CACHE_SEGMENT_PAGES], memory_order_acquire);
}
static inline uint8_t *segment_page(const struct cache_file *f, const struct segment *s, pgno_t pgno) {
    return s->bytes + (size_t)(pgno % CACHE_SEGMENT_PAGES) * f->page_size;
}
static inline uint64_t page_offset(const struct cache_file *f, pgno_t pgno) {
    return ((uint64_t)pgno + 1) * f->page_size;
}
static inline void map_set(_Atomic uint64_t *map, pgno_t pgno) {
    atomic_fetch_or(&map[pgno % CACHE_SEGMENT_PAGES / 64], 1ull << pgno % 64);
}
static inline void map_clear(_Atomic uint64_t *map, pgno_t pgno) {
    atomic_fetch_and(&map[pgno % CACHE_SEGMENT_PAGES / 64], ~(1ull << pgno % 64));
}

/* cache_latch.c */
void latch_word(struct cache *c, struct cache_page *page, enum latch_mode mode);
bool latch_word_try(struct cache_page *page, enum latch_mode mode);
void unlatch_word(struct cache *c, struct cache_page *page, enum latch_mode mode);
void latch_word_downgrade(struct cache *c, struct cache_page *page);

/* cache.c: under an exclusive latch and not STATE_WRITING; the page is no longer resident, dirty or not. */
void page_drop(struct cache_file *f, pgno_t pgno);

/* cache_evict.c: makes sure that one more page of f may become resident (and counts it). JET_errOutOfBuffers. */
MUST_CHECK JET_ERR evict_for(struct cache_file *f);
void evict_uncount(struct cache_file *f);

/* cache_write.c */
void fail_file(struct cache_file *f, JET_ERR err);                /* for good: nothing is written or synced any more */
void dirty_set(struct cache_file *f, pgno_t pgno, lgpos_t bound); /* exclusive latch or STATE_WRITING */
void dirty_forget(struct cache_file *f, pgno_t pgno);
void wait_written(struct cache_file *f, pgno_t pgno);
/* Writes up to a batch of dirty neighbours from pgno on without waiting for any latch. False: nothing was written. */
bool write_try(struct cache_file *f, pgno_t pgno);

#endif
