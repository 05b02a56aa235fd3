/* The page cache.
 *
 * Page n of a database lives at a fixed address: databases are cut into segments of CACHE_SEGMENT_PAGES pages, each
 * one reserved range of address space with one state word block per page. No hash table, no indirection; a page that
 * is not resident costs no memory. Pages are read with os_read, verified on first touch (checksum, page number,
 * structure), and written back in page order.
 *
 * Latches: a page is read under a shared and changed under an exclusive latch. The tree latch above (bt.h) already
 * keeps writers of one tree apart; page latches keep changes apart from write-back and eviction, and pin the page.
 * Nobody waits for a page latch while holding one, except a structure change under its tree's exclusive latch.
 *
 * Write-ahead (P1): a page is written only after log_flush(last change). first_dirty is a lower bound of the position
 * of the oldest change that is not yet in a synced file; it is published before that change is appended, and the
 * checkpoint reads the log's tip before it looks at the pages: so the minimum it takes is never too high (P7).
 * Torn pages (P5): image_logged is cleared when a write of the page starts, so the next change logs an image.
 * Lost writes: the state of a page keeps the dbtime that its file has, as long as the file is attached; a page that
 * comes back with another one is not believed, and the file has failed as by a write. */
#ifndef ESENT_ENGINE_CACHE_H
#define ESENT_ENGINE_CACHE_H

#include "base/event.h"
#include "base/os.h"
#include "engine/page.h"

#define CACHE_SEGMENT_PAGES 65536u

struct cache;
struct cache_file;
struct cache_page; /* state of one page */

enum latch_mode { LATCH_SHARED = 1, LATCH_EXCLUSIVE = 2 };

struct page_ref {
    struct page page;
    pgno_t pgno;
    enum latch_mode mode;
    struct cache_page *state;
    struct cache_file *file;
};

struct cache_config {
    uint64_t bytes_max; /* of resident pages; at least 64 pages of the largest size are granted */
    struct log *log;    /* for write-ahead; NULL: nothing is logged (tools) */
    const struct event_sink *events;
};
MUST_CHECK JET_ERR cache_new(const struct cache_config *config, struct cache **out);
void cache_free(struct cache *cache);                     /* all files detached; NULL is ignored */
void cache_set_log(struct cache *cache, struct log *log); /* after redo, before any new change */

struct cache_file_config {
    struct os_file *file; /* stays the caller's */
    const char *path;     /* for events; copied */
    uint32_t page_size;
    bool read_only;
    /* Called before the first write of a page whose last change is in generation gen, when gen is above every one
     * seen so far: makes the header say that it is required. No page latch of ours conflicts; may do I/O. NULL: none.
     */
    JET_ERR (*before_write)(void *context, lggen_t gen);
    void *context;
};
MUST_CHECK JET_ERR cache_attach(struct cache *cache, const struct cache_file_config *config, struct cache_file **out);
/* Forgets all pages, written or not; if writes were lost, what is old in the file is made unreadable. No page may be
 * latched; the caller holds no lock that before_write takes. */
void cache_detach(struct cache_file *file);

/* Errors: JET_errPageNotInitialized (blank), JET_errReadVerifyFailure, JET_errReadPgnoVerifyFailure,
 * JET_errDatabaseCorrupted (structure), JET_errReadLostFlushVerifyFailure (not what was last written or read here),
 * JET_errFileIOBeyondEOF, JET_errDiskIO, each with an event that names file, page and offset; JET_errOutOfBuffers when
 * every resident page is latched; JET_errOutOfMemory. One flipped bit is corrected in memory, the page is marked dirty
 * (unless read_only) and counted. */
MUST_CHECK JET_ERR cache_latch(struct cache_file *file, pgno_t pgno, enum latch_mode mode, struct page_ref *out);
/* Exclusive, not read from the file, content as if never used (zeroed): for new pages and for redo of images. */
MUST_CHECK JET_ERR cache_latch_new(struct cache_file *file, pgno_t pgno, struct page_ref *out);
/* As cache_latch_new, but what memory holds of the page stays (*resident): it may be a dirty page that was freed. */
MUST_CHECK JET_ERR cache_latch_init(struct cache_file *file, pgno_t pgno, struct page_ref *out, bool *resident);
/* Under an exclusive latch: forgets the page, changed or not, and unlatches. A page of cache_latch_new that is
 * unlatched without cache_mark_dirty is forgotten too. */
void cache_discard(struct page_ref *ref);
void cache_unlatch(struct page_ref *ref); /* ref->state becomes NULL; a NULL state is ignored */

/* Under an exclusive latch. */
void cache_mark_dirty(struct page_ref *ref, lgpos_t lower_bound); /* before the change is appended; first call wins */
void cache_set_change(struct page_ref *ref, lgpos_t end);         /* after: the page needs the log up to `end` */
bool cache_needs_image(const struct page_ref *ref);
void cache_image_logged(struct page_ref *ref);

/* Writes dirty pages with first_dirty < older_than (UINT64_MAX: all), in page order; does not sync. A failed write or
 * sync makes the file failed for good (cache_file_failure) and writes EVENT_DATABASE_WRITE_ERROR. */
MUST_CHECK JET_ERR cache_write(struct cache_file *file, lgpos_t older_than);
/* Syncs what was written before the call. Then *oldest is a lower bound of every change that is not in the synced
 * file (UINT64_MAX: none). */
MUST_CHECK JET_ERR cache_sync(struct cache_file *file, lgpos_t *oldest);
JET_ERR cache_file_failure(const struct cache_file *file);
uint64_t cache_file_corrected(const struct cache_file *file); /* bits corrected so far */
uint64_t cache_resident_bytes(const struct cache *cache);
uint64_t cache_dirty_pages(const struct cache_file *file); /* about */

/* For who reads the file itself: may a page of this dbtime be what was last written or read here? No also for a moment
 * after a write. */
bool cache_file_has(const struct cache_file *file, pgno_t pgno, dbtime_t dbtime);
/* For backup: the page as a reader gets it, into out: verified, and corrected in the database too if it had to be. Its
 * checksum is set. A never-used page is all zero: success. Durable in the log up to its last change on return (WAL: a
 * copy of a page must not be ahead of the log). */
MUST_CHECK JET_ERR cache_copy_page(struct cache_file *file, pgno_t pgno, uint8_t *out);

#endif
