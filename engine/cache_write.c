/* Dirty pages and their way to the file.
 *
 * A batch is a run of neighbours. Each page is copied under a shared latch; in that moment its first_dirty moves to
 * the batch's epoch (unsynced), it is clean, and its next change will log an image (P5). Then the log is flushed up to
 * the last change of the batch (P1), the header learns of a new generation, and the run is written.
 *
 * A sync closes the epoch: batches that start later join the other one. It waits for the batches of the closed epoch,
 * syncs, and then the bound of that epoch is gone. A batch always adds to unsynced before it clears first_dirty, and
 * the sync reads first_dirty before unsynced, so no change is ever in neither (P7). */
#include <assert.h>
#include <stdlib.h>

#include "base/breaks.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "engine/cache_priv.h"

static struct cache_page *state_of(const struct cache_file *f, pgno_t pgno) {
    return &segment_of(f, pgno)->pages[pgno % CACHE_SEGMENT_PAGES];
}

/* ---- marks ---- */

/* The bit in the map is set first and cleared last, so that a scan of the map misses no dirty page. */
void dirty_set(struct cache_file *f, pgno_t pgno, lgpos_t bound) {
    struct cache_page *page = state_of(f, pgno);
    lgpos_t old = atomic_load(&page->first_dirty);
    bound = bound == NOT_DIRTY ? 1 : bound;
    do {
        if (old != NOT_DIRTY && old <= bound)
            return;
        if (old == NOT_DIRTY)
            map_set(segment_of(f, pgno)->dirty, pgno);
    } while (!atomic_compare_exchange_weak(&page->first_dirty, &old, bound));
    if (old == NOT_DIRTY)
        atomic_fetch_add(&f->dirty_pages, 1);
}

void dirty_forget(struct cache_file *f, pgno_t pgno) {
    if (atomic_exchange(&state_of(f, pgno)->first_dirty, NOT_DIRTY) == NOT_DIRTY)
        return;
    map_clear(segment_of(f, pgno)->dirty, pgno);
    atomic_fetch_sub(&f->dirty_pages, 1);
}

void cache_mark_dirty(struct page_ref *ref, lgpos_t lower_bound) {
    assert(ref->mode == LATCH_EXCLUSIVE && !ref->file->read_only);
    atomic_fetch_and(&ref->state->flags, ~(uint32_t)STATE_NEW);
    dirty_set(ref->file, ref->pgno, lower_bound);
}

void cache_set_change(struct page_ref *ref, lgpos_t end) {
    assert(ref->mode == LATCH_EXCLUSIVE);
    atomic_store(&ref->state->last_change, end);
}

/* ---- batches ---- */

struct batch {
    struct cache_file *file;
    uint8_t *buffer;
    pgno_t first;
    unsigned count, max;
    unsigned epoch;
    lgpos_t last_change;              /* highest */
    lgpos_t first_dirty[BATCH_PAGES]; /* as taken, to be put back after a failure */
};

static JET_ERR batch_init(struct batch *b, struct cache_file *f) {
    *b = (struct batch){.file = f};
    b->max = BATCH_BYTES / f->page_size < BATCH_PAGES ? BATCH_BYTES / f->page_size : BATCH_PAGES;
    b->buffer = aligned_alloc(MEMORY_ALIGN, (size_t)b->max * f->page_size);
    return b->buffer ? JET_errSuccess : RAISE(JET_errOutOfMemory);
}

void fail_file(struct cache_file *f, JET_ERR err) {
    int32_t none = JET_errSuccess;
    atomic_compare_exchange_strong(&f->failure, &none, err);
}

static JET_ERR prepare_log_and_header(struct batch *b) {
    JET_ERR err = JET_errSuccess;
    struct cache_file *f = b->file;
    struct log *log = atomic_load(&f->cache->log);
    if (log && b->last_change && !BROKEN(page_before_log))
        CALL(log_flush(log, b->last_change));
    lggen_t gen = lgpos_gen(b->last_change), seen = atomic_load(&f->gen_seen);
    if (f->before_write && gen > seen) {
        CALL(f->before_write(f->context, gen));
        while (seen < gen && !atomic_compare_exchange_weak(&f->gen_seen, &seen, gen))
            ;
    }
cleanup:
    return err;
}

static void batch_begin(struct batch *b, pgno_t pgno) {
    struct cache_file *f = b->file;
    b->first = pgno;
    b->last_change = 0;
    os_mutex_lock(&f->io_mutex);
    b->epoch = f->epoch;
    f->in_flight[b->epoch]++;
    os_mutex_unlock(&f->io_mutex);
}

static void batch_end(struct batch *b, bool failed) {
    struct cache_file *f = b->file;
    for (unsigned i = 0; failed && i < b->count; i++)
        dirty_set(f, b->first + i, b->first_dirty[i]); /* so that it stays in memory: the file has an older one */
    os_mutex_lock(&f->io_mutex);
    for (unsigned i = 0; i < b->count; i++)
        atomic_fetch_and(&state_of(f, b->first + i)->flags, ~(uint32_t)STATE_WRITING);
    f->in_flight[b->epoch]--;
    os_cond_broadcast(&f->io_cond);
    os_mutex_unlock(&f->io_mutex);
    b->count = 0;
}

void wait_written(struct cache_file *f, pgno_t pgno) {
    os_mutex_lock(&f->io_mutex);
    while (atomic_load(&state_of(f, pgno)->flags) & STATE_WRITING)
        os_cond_wait(&f->io_cond, &f->io_mutex);
    os_mutex_unlock(&f->io_mutex);
}

enum taken { TAKEN, NOT_DUE, BUSY };

/* Under a shared latch: the page joins the batch (as its first page or the next neighbour). */
static enum taken take_latched(struct batch *b, pgno_t pgno, lgpos_t older_than) {
    struct cache_file *f = b->file;
    struct cache_page *page = state_of(f, pgno);
    lgpos_t bound = atomic_load(&page->first_dirty);
    if (bound == NOT_DIRTY || bound >= older_than)
        return NOT_DUE;
    if (atomic_fetch_or(&page->flags, STATE_WRITING) & STATE_WRITING)
        return BUSY;
    bound = atomic_load(&page->first_dirty); /* another writer may have been here before we owned the flag */
    if (bound == NOT_DIRTY) {
        atomic_fetch_and(&page->flags, ~(uint32_t)STATE_WRITING);
        return NOT_DUE;
    }
    if (b->count == 0)
        batch_begin(b, pgno);
    os_mutex_lock(&f->io_mutex);
    if (bound < f->unsynced[b->epoch])
        f->unsynced[b->epoch] = bound;
    os_mutex_unlock(&f->io_mutex);
    dirty_forget(f, pgno);
    atomic_fetch_and(&page->flags, ~(uint32_t)STATE_IMAGE_LOGGED);
    memcpy(b->buffer + (size_t)b->count * f->page_size, segment_page(f, segment_of(f, pgno), pgno), f->page_size);
    lgpos_t change = atomic_load(&page->last_change);
    b->last_change = change > b->last_change ? change : b->last_change;
    b->first_dirty[b->count++] = bound;
    return TAKEN;
}

static enum taken take(struct batch *b, pgno_t pgno, lgpos_t older_than, bool wait) {
    struct cache *c = b->file->cache;
    struct cache_page *page = state_of(b->file, pgno);
    assert(b->count < b->max && (b->count == 0 || (!wait && pgno == b->first + b->count)));
    if (wait)
        latch_word(c, page, LATCH_SHARED);
    else if (!latch_word_try(page, LATCH_SHARED))
        return BUSY;
    enum taken result = take_latched(b, pgno, older_than);
    unlatch_word(c, page, LATCH_SHARED);
    return result;
}

static void note_written(const struct batch *b) {
    for (unsigned i = 0; i < b->count; i++) {
        const struct page page = {b->buffer + (size_t)i * b->file->page_size, b->file->page_size};
        atomic_store(&state_of(b->file, b->first + i)->dbtime_in_file, page_dbtime(&page));
    }
}

/* Writes what is in the batch, if anything. */
static JET_ERR batch_write(struct batch *b) {
    struct cache_file *f = b->file;
    if (b->count == 0)
        return JET_errSuccess;
    for (unsigned i = 0; i < b->count; i++)
        page_sum_set(b->buffer + (size_t)i * f->page_size, f->page_size, b->first + i);
    JET_ERR err = prepare_log_and_header(b);
    if (err >= JET_errSuccess)
        err = cache_file_failure(f);
    if (err >= JET_errSuccess) {
        err = os_write(f->file, page_offset(f, b->first), b->buffer, (size_t)b->count * f->page_size);
        if (err < JET_errSuccess)
            event_write(f->cache->events, EVENT_DATABASE_WRITE_ERROR, EVENT_ERROR,
                        "%s: pages %u to %u cannot be written: error %d (%s)", f->path, b->first,
                        b->first + b->count - 1, (int)err, err_name(err));
    }
    if (err < JET_errSuccess)
        fail_file(f, err);
    else
        note_written(b);
    batch_end(b, err < JET_errSuccess);
    return err;
}

bool write_try(struct cache_file *f, pgno_t pgno) {
    struct batch b = {0};
    bool written = false;
    if (cache_file_failure(f) < JET_errSuccess || batch_init(&b, f) < JET_errSuccess)
        return false;
    for (pgno_t p = pgno; b.count < b.max && p >= pgno && segment_of(f, p); p++) {
        if (take(&b, p, UINT64_MAX, false) != TAKEN)
            break;
    }
    if (b.count > 0)
        written = batch_write(&b) >= JET_errSuccess;
    free(b.buffer);
    return written;
}

/* Adds one page; never waits for anything while pages of the batch are marked as being written. */
static JET_ERR write_page(struct batch *b, pgno_t pgno, lgpos_t older_than) {
    JET_ERR err = JET_errSuccess;
    if (b->count > 0 && (b->count == b->max || pgno != b->first + b->count))
        CALL(batch_write(b));
    enum taken result = take(b, pgno, older_than, b->count == 0);
    if (result == BUSY && b->count > 0) {
        CALL(batch_write(b));
        result = take(b, pgno, older_than, true);
    }
    while (result == BUSY) {
        wait_written(b->file, pgno);
        result = take(b, pgno, older_than, true);
    }
cleanup:
    return err;
}

JET_ERR cache_write(struct cache_file *f, lgpos_t older_than) {
    struct batch b = {0};
    JET_ERR err = JET_errSuccess;
    CALL(cache_file_failure(f));
    CALL(batch_init(&b, f));
    for (uint32_t i = 0; i < atomic_load(&f->segments_end); i++) {
        struct segment *s = segment_of(f, i * CACHE_SEGMENT_PAGES);
        for (unsigned word = 0; s && word < SEGMENT_WORDS; word++) {
            for (uint64_t bits = atomic_load(&s->dirty[word]); bits; bits &= bits - 1)
                CALL(write_page(&b, i * CACHE_SEGMENT_PAGES + word * 64 + (pgno_t)__builtin_ctzll(bits), older_than));
        }
    }
    CALL(batch_write(&b));
cleanup:
    free(b.buffer);
    return err;
}

/* ---- sync ---- */

static lgpos_t oldest_dirty(const struct cache_file *f) {
    lgpos_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < atomic_load(&f->segments_end); i++) {
        struct segment *s = segment_of(f, i * CACHE_SEGMENT_PAGES);
        for (unsigned word = 0; s && word < SEGMENT_WORDS; word++) {
            for (uint64_t bits = atomic_load(&s->dirty[word]); bits; bits &= bits - 1) {
                lgpos_t bound = atomic_load(&s->pages[word * 64 + (unsigned)__builtin_ctzll(bits)].first_dirty);
                if (bound != NOT_DIRTY && bound < oldest)
                    oldest = bound;
            }
        }
    }
    return oldest;
}

/* Closes the epoch and waits for its batches; the caller is the only syncing thread from then on. */
static unsigned sync_begin(struct cache_file *f) {
    os_mutex_lock(&f->io_mutex);
    while (f->syncing)
        os_cond_wait(&f->io_cond, &f->io_mutex);
    f->syncing = true;
    unsigned closed = f->epoch;
    f->epoch = !closed;
    while (f->in_flight[closed])
        os_cond_wait(&f->io_cond, &f->io_mutex);
    os_mutex_unlock(&f->io_mutex);
    return closed;
}

JET_ERR cache_sync(struct cache_file *f, lgpos_t *oldest) {
    unsigned closed = sync_begin(f);
    JET_ERR err = cache_file_failure(f);
    if (err >= JET_errSuccess) {
        err = BROKEN(database_no_sync) ? JET_errSuccess : os_sync(f->file);
        if (err < JET_errSuccess) {
            fail_file(f, err);
            event_write(f->cache->events, EVENT_DATABASE_WRITE_ERROR, EVENT_ERROR,
                        "%s: cannot be synced: error %d (%s)", f->path, (int)err, err_name(err));
        }
    }
    lgpos_t bound = oldest_dirty(f);
    os_mutex_lock(&f->io_mutex);
    if (err >= JET_errSuccess)
        f->unsynced[closed] = UINT64_MAX;
    for (unsigned i = 0; i < 2; i++)
        bound = f->unsynced[i] < bound ? f->unsynced[i] : bound;
    f->syncing = false;
    os_cond_broadcast(&f->io_cond);
    os_mutex_unlock(&f->io_mutex);
    if (err >= JET_errSuccess)
        *oldest = bound == DIRTY_WITHOUT_LOG ? UINT64_MAX : bound;
    return err;
}
