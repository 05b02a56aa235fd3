/* The page cache: files, segments, and what a reader and a changer of a page call. */
#include "engine/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "engine/cache_priv.h"

#define GRANTED_MIN (64ull * PAGE_SIZE_MAX)

/* ---- cache and files ---- */

JET_ERR cache_new(const struct cache_config *config, struct cache **out) {
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        return RAISE(JET_errOutOfMemory);
    c->bytes_max = config->bytes_max > GRANTED_MIN ? config->bytes_max : GRANTED_MIN;
    c->events = config->events;
    atomic_init(&c->log, config->log);
    os_mutex_init(&c->mutex, OS_RANK_CACHE);
    os_cond_init(&c->evicted);
    for (unsigned i = 0; i < STRIPES; i++) {
        os_mutex_init(&c->stripes[i].mutex, OS_RANK_LATCH_WAIT);
        os_cond_init(&c->stripes[i].cond);
    }
    *out = c;
    return JET_errSuccess;
}

void cache_free(struct cache *c) {
    if (!c)
        return;
    assert(!c->files);
    for (unsigned i = 0; i < STRIPES; i++) {
        os_mutex_done(&c->stripes[i].mutex);
        os_cond_done(&c->stripes[i].cond);
    }
    os_cond_done(&c->evicted);
    os_mutex_done(&c->mutex);
    free(c);
}

void cache_set_log(struct cache *c, struct log *log) {
    atomic_store(&c->log, log);
}

static void segment_free(const struct cache_file *f, struct segment *s) {
    if (!s)
        return;
    memory_release(s->bytes, (size_t)CACHE_SEGMENT_PAGES * f->page_size);
    memory_release(s->pages, CACHE_SEGMENT_PAGES * sizeof *s->pages);
    free(s);
}

static struct segment *segment_new(const struct cache_file *f) {
    struct segment *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->bytes = memory_reserve((size_t)CACHE_SEGMENT_PAGES * f->page_size);
    s->pages = memory_reserve(CACHE_SEGMENT_PAGES * sizeof *s->pages);
    if (s->bytes && s->pages)
        return s;
    segment_free(f, s);
    return NULL;
}

static JET_ERR segment_make(struct cache_file *f, pgno_t pgno, struct segment **out) {
    JET_ERR err = JET_errSuccess;
    uint32_t index = pgno / CACHE_SEGMENT_PAGES;
    os_mutex_lock(&f->cache->mutex);
    *out = segment_of(f, pgno);
    if (!*out) {
        if (!(*out = segment_new(f)))
            FAIL(JET_errOutOfMemory);
        atomic_store_explicit(&f->segments[index], *out, memory_order_release);
        if (index >= atomic_load(&f->segments_end))
            atomic_store(&f->segments_end, index + 1);
    }
cleanup:
    os_mutex_unlock(&f->cache->mutex);
    return err;
}

JET_ERR cache_attach(struct cache *cache, const struct cache_file_config *config, struct cache_file **out) {
    JET_ERR err = JET_errSuccess;
    assert(page_size_valid(config->page_size));
    struct cache_file *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(config->path)) || !(f->segments = calloc(SEGMENT_COUNT, sizeof *f->segments)))
        FAIL(JET_errOutOfMemory);
    f->cache = cache;
    f->file = config->file;
    f->page_size = config->page_size;
    f->read_only = config->read_only;
    f->before_write = config->before_write;
    f->context = config->context;
    f->unsynced[0] = f->unsynced[1] = UINT64_MAX;
    os_mutex_init(&f->io_mutex, OS_RANK_LEAF);
    os_cond_init(&f->io_cond);
    os_mutex_lock(&cache->mutex);
    f->next = cache->files;
    cache->files = f;
    os_mutex_unlock(&cache->mutex);
    *out = f;
cleanup:
    if (err < JET_errSuccess && f) {
        free(f->path);
        free(f);
    }
    return err;
}

/* Is the page in the file a good one of another version than was written? b: room for it. */
static bool is_lost(const struct cache_file *f, pgno_t pgno, uint8_t *b) {
    if (!segment_of(f, pgno) || cache_file_has(f, pgno, 0) ||
        os_read(f->file, page_offset(f, pgno), b, f->page_size) < JET_errSuccess)
        return false;
    enum page_verdict verdict = page_sum_check(b, f->page_size, pgno, true);
    return verdict != PAGE_BAD_SUM && verdict != PAGE_BAD_PGNO &&
           !cache_file_has(f, pgno, page_dbtime(&(struct page){b, f->page_size}));
}

/* One write was lost, and perhaps others were: when this cache is gone nobody knows. So each page that is older than
 * it should be gets a sum that does not hold, as if it were damaged; redo of an image makes it whole. */
static void spoil_lost_pages(const struct cache_file *f) {
    JET_ERR err = JET_errSuccess;
    uint8_t *b = aligned_alloc(MEMORY_ALIGN, f->page_size);
    for (uint32_t i = 0; b && i < atomic_load(&f->segments_end); i++)
        for (pgno_t pgno = i * CACHE_SEGMENT_PAGES; pgno < (i + 1) * CACHE_SEGMENT_PAGES; pgno++) {
            if (!is_lost(f, pgno, b))
                continue;
            store64(b, ~load64(b));
            CALL_KEEP_FIRST(os_write(f->file, page_offset(f, pgno), b, f->page_size));
        }
    CALL_KEEP_FIRST(os_sync(f->file));
    free(b); /* err: the event has been written, and a disk that fails now fails again later */
}

void cache_detach(struct cache_file *f) {
    struct cache *c = f->cache;
    if (cache_file_failure(f) == JET_errReadLostFlushVerifyFailure && !f->read_only)
        spoil_lost_pages(f);
    os_mutex_lock(&c->mutex);
    struct cache_file **link = &c->files;
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    if (c->hand_file == f)
        c->hand_file = NULL;
    while (f->evictors)
        os_cond_wait(&c->evicted, &c->mutex);
    os_mutex_unlock(&c->mutex);

    atomic_fetch_sub(&c->resident_bytes, atomic_load(&f->resident_bytes));
    for (uint32_t i = 0; i < atomic_load(&f->segments_end); i++)
        segment_free(f, atomic_load(&f->segments[i]));
    os_cond_done(&f->io_cond);
    os_mutex_done(&f->io_mutex);
    free((void *)f->segments);
    free(f->path);
    free(f);
}

/* ---- reading ---- */

static JET_ERR bad_page(const struct cache_file *f, enum event_id id, pgno_t pgno, JET_ERR err, const char *what) {
    event_write(f->cache->events, id, EVENT_ERROR, "%s: page %u at offset %llu: %s: error %d (%s)", f->path, pgno,
                (unsigned long long)page_offset(f, pgno), what, (int)err, err_name(err));
    return RAISE(err);
}

/* Reads a page and judges it. A blank one is success here. *corrected: a bit was flipped back. */
static JET_ERR read_page(struct cache_file *f, pgno_t pgno, uint8_t *b, bool *blank, bool *corrected) {
    struct page page = {b, f->page_size};
    const char *why;
    JET_ERR err = os_read(f->file, page_offset(f, pgno), b, f->page_size);
    if (err < JET_errSuccess)
        return bad_page(f, err == JET_errFileIOBeyondEOF ? EVENT_PAGE_MISSING : EVENT_DATABASE_READ_ERROR, pgno, err,
                        "cannot be read");
    enum page_verdict verdict = BROKEN(page_trusted) ? PAGE_GOOD : page_sum_check(b, f->page_size, pgno, true);
    *blank = verdict == PAGE_BLANK;
    *corrected = verdict == PAGE_CORRECTED;
    if (*blank)
        return JET_errSuccess;
    bool number_bad = f->page_size > 8192 && load32(b + 64) != pgno;
    if (verdict == PAGE_BAD_PGNO || (verdict == PAGE_GOOD && number_bad))
        return bad_page(f, EVENT_PAGE_NUMBER_MISMATCH, pgno, JET_errReadPgnoVerifyFailure, "is another page");
    if (verdict == PAGE_BAD_SUM || number_bad)
        return bad_page(f, EVENT_PAGE_READ_ERROR, pgno, JET_errReadVerifyFailure, "checksum does not hold");
    if (page_check(&page, &why) < JET_errSuccess)
        return bad_page(f, EVENT_PAGE_READ_ERROR, pgno,
                        *corrected ? JET_errReadVerifyFailure : JET_errDatabaseCorrupted, why);
    if (*corrected) {
        atomic_fetch_add(&f->corrected, 1);
        event_write(f->cache->events, EVENT_PAGE_CORRECTED, EVENT_WARNING,
                    "%s: page %u at offset %llu: a flipped bit was corrected", f->path, pgno,
                    (unsigned long long)page_offset(f, pgno));
    }
    return JET_errSuccess;
}

/* Is the page another version of itself than the one that this cache last wrote or read? Then a write was lost, though
 * it had succeeded. As after one that failed, the file is not made clean and the checkpoint stays: the next recovery
 * makes the page again from the log. */
static JET_ERR check_version(struct cache_file *f, struct cache_page *state, pgno_t pgno, uint8_t *b) {
    const dbtime_t expected = atomic_load(&state->dbtime_in_file);
    const dbtime_t found = page_dbtime(&(struct page){b, f->page_size});
    if (expected && found != expected) {
        event_write(f->cache->events, EVENT_PAGE_LOST_FLUSH, EVENT_ERROR,
                    "%s: page %u at offset %llu has dbtime %llu instead of %llu: a write was lost: error %d (%s)",
                    f->path, pgno, (unsigned long long)page_offset(f, pgno), (unsigned long long)found,
                    (unsigned long long)expected, (int)JET_errReadLostFlushVerifyFailure,
                    err_name(JET_errReadLostFlushVerifyFailure));
        fail_file(f, JET_errReadLostFlushVerifyFailure);
        return RAISE(JET_errReadLostFlushVerifyFailure);
    }
    atomic_store(&state->dbtime_in_file, found);
    return JET_errSuccess;
}

static void set_resident(struct segment *s, pgno_t pgno, uint32_t flags) {
    struct cache_page *page = &s->pages[pgno % CACHE_SEGMENT_PAGES];
    atomic_store(&page->flags, flags);
    atomic_store(&page->last_change, 0);
    map_set(s->resident, pgno);
    atomic_fetch_or(&page->word, WORD_RESIDENT | WORD_REFERENCED);
}

/* Exclusive latch held, page not resident. */
static JET_ERR load(struct cache_file *f, struct segment *s, pgno_t pgno) {
    JET_ERR err = JET_errSuccess;
    bool blank = false, corrected = false, counted = false;
    uint8_t *b = segment_page(f, s, pgno);
    CALL(evict_for(f));
    counted = true;
    CALL(read_page(f, pgno, b, &blank, &corrected));
    CALL(check_version(f, &s->pages[pgno % CACHE_SEGMENT_PAGES], pgno, b));
    if (blank)
        FAIL(JET_errPageNotInitialized);
    set_resident(s, pgno, 0);
    if (corrected && !f->read_only)
        dirty_set(f, pgno, DIRTY_WITHOUT_LOG);
cleanup:
    if (err < JET_errSuccess && counted) {
        memory_discard(b, f->page_size);
        evict_uncount(f);
    }
    return err;
}

void page_drop(struct cache_file *f, pgno_t pgno) {
    struct segment *s = segment_of(f, pgno);
    struct cache_page *page = &s->pages[pgno % CACHE_SEGMENT_PAGES];
    assert(atomic_load(&page->word) & WORD_EXCLUSIVE);
    if (!(atomic_load(&page->word) & WORD_RESIDENT))
        return;
    dirty_forget(f, pgno);
    map_clear(s->resident, pgno);
    atomic_fetch_and(&page->word, ~(uint32_t)(WORD_RESIDENT | WORD_REFERENCED));
    memory_discard(segment_page(f, s, pgno), f->page_size);
    evict_uncount(f);
}

/* ---- latching ---- */

static void fill_ref(struct cache_file *f, struct segment *s, pgno_t pgno, enum latch_mode mode, struct page_ref *out) {
    *out = (struct page_ref){
        .page = {segment_page(f, s, pgno), f->page_size},
        .pgno = pgno,
        .mode = mode,
        .state = &s->pages[pgno % CACHE_SEGMENT_PAGES],
        .file = f,
    };
}

/* The segment of a page that is to be read: none is made for pages beyond the end of the file. */
static JET_ERR segment_for_read(struct cache_file *f, pgno_t pgno, struct segment **out) {
    uint64_t bytes;
    if (pgno == 0)
        return bad_page(f, EVENT_PAGE_READ_ERROR, pgno, JET_errDatabaseCorrupted, "no such page");
    *out = segment_of(f, pgno);
    if (*out)
        return JET_errSuccess;
    JET_ERR err = os_size(f->file, &bytes);
    if (err < JET_errSuccess)
        return err;
    if (page_offset(f, pgno) + f->page_size > bytes)
        return bad_page(f, EVENT_PAGE_MISSING, pgno, JET_errFileIOBeyondEOF, "beyond the end of the file");
    return segment_make(f, pgno, out);
}

JET_ERR cache_latch(struct cache_file *f, pgno_t pgno, enum latch_mode mode, struct page_ref *out) {
    JET_ERR err = JET_errSuccess;
    struct segment *s = segment_of(f, pgno);
    out->state = NULL;
    if (!s || pgno == 0)
        CALL(segment_for_read(f, pgno, &s));
    struct cache_page *page = &s->pages[pgno % CACHE_SEGMENT_PAGES];
    latch_word(f->cache, page, mode);
    uint32_t word = atomic_load_explicit(&page->word, memory_order_relaxed);
    if (!(word & WORD_RESIDENT)) {
        if (mode == LATCH_SHARED) {
            unlatch_word(f->cache, page, LATCH_SHARED);
            latch_word(f->cache, page, LATCH_EXCLUSIVE);
        }
        if (!(atomic_load(&page->word) & WORD_RESIDENT))
            err = load(f, s, pgno);
        if (err < JET_errSuccess)
            unlatch_word(f->cache, page, LATCH_EXCLUSIVE);
        else if (mode == LATCH_SHARED)
            latch_word_downgrade(f->cache, page);
        CALL(err);
    } else if (!(word & WORD_REFERENCED)) {
        atomic_fetch_or_explicit(&page->word, WORD_REFERENCED, memory_order_relaxed);
    }
    fill_ref(f, s, pgno, mode, out);
cleanup:
    return err;
}

JET_ERR cache_latch_init(struct cache_file *f, pgno_t pgno, struct page_ref *out, bool *resident) {
    JET_ERR err = JET_errSuccess;
    struct segment *s = segment_of(f, pgno);
    out->state = NULL;
    assert(!f->read_only);
    if (pgno == 0)
        FAIL(JET_errDatabaseCorrupted);
    if (!s)
        CALL(segment_make(f, pgno, &s));
    struct cache_page *page = &s->pages[pgno % CACHE_SEGMENT_PAGES];
    latch_word(f->cache, page, LATCH_EXCLUSIVE);
    *resident = atomic_load(&page->word) & WORD_RESIDENT;
    if (!*resident) {
        err = evict_for(f);
        if (err < JET_errSuccess) {
            unlatch_word(f->cache, page, LATCH_EXCLUSIVE);
            goto cleanup;
        }
        set_resident(s, pgno, STATE_NEW);
    }
    fill_ref(f, s, pgno, LATCH_EXCLUSIVE, out);
cleanup:
    return err;
}

JET_ERR cache_latch_new(struct cache_file *f, pgno_t pgno, struct page_ref *out) {
    bool resident;
    JET_ERR err = cache_latch_init(f, pgno, out, &resident);
    if (err >= JET_errSuccess && resident) {
        memset(out->page.b, 0, out->page.size);
        atomic_fetch_and(&out->state->flags, ~(uint32_t)STATE_IMAGE_LOGGED);
        atomic_fetch_or(&out->state->flags, STATE_NEW);
    }
    return err;
}

void cache_unlatch(struct page_ref *ref) {
    if (!ref->state)
        return;
    if (ref->mode == LATCH_EXCLUSIVE && (atomic_load_explicit(&ref->state->flags, memory_order_relaxed) & STATE_NEW)) {
        cache_discard(ref);
        return;
    }
    unlatch_word(ref->file->cache, ref->state, ref->mode);
    ref->state = NULL;
}

void cache_discard(struct page_ref *ref) {
    assert(ref->mode == LATCH_EXCLUSIVE);
    wait_written(ref->file, ref->pgno);
    page_drop(ref->file, ref->pgno);
    unlatch_word(ref->file->cache, ref->state, LATCH_EXCLUSIVE);
    ref->state = NULL;
}

bool cache_needs_image(const struct page_ref *ref) {
    return !(atomic_load(&ref->state->flags) & STATE_IMAGE_LOGGED);
}

void cache_image_logged(struct page_ref *ref) {
    assert(ref->mode == LATCH_EXCLUSIVE);
    atomic_fetch_or(&ref->state->flags, STATE_IMAGE_LOGGED);
}

bool cache_file_has(const struct cache_file *f, pgno_t pgno, dbtime_t dbtime) {
    const struct segment *s = segment_of(f, pgno);
    const dbtime_t expected = s ? atomic_load(&s->pages[pgno % CACHE_SEGMENT_PAGES].dbtime_in_file) : 0;
    return !expected || dbtime == expected;
}

JET_ERR cache_copy_page(struct cache_file *f, pgno_t pgno, uint8_t *out) {
    JET_ERR err = JET_errSuccess;
    struct log *log = atomic_load(&f->cache->log);
    struct page_ref ref = {0};

    err = cache_latch(f, pgno, LATCH_SHARED, &ref);
    if (err == JET_errPageNotInitialized) {
        memset(out, 0, f->page_size);
        return JET_errSuccess;
    }
    CALL(err);
    memcpy(out, ref.page.b, f->page_size);
    lgpos_t last_change = atomic_load(&ref.state->last_change);
    cache_unlatch(&ref);
    page_sum_set(out, f->page_size, pgno);
    if (log && last_change)
        CALL(log_flush(log, last_change));
cleanup:
    return err;
}

JET_ERR cache_file_failure(const struct cache_file *f) {
    return atomic_load(&f->failure);
}
uint64_t cache_file_corrected(const struct cache_file *f) {
    return atomic_load(&f->corrected);
}
uint64_t cache_resident_bytes(const struct cache *c) {
    return atomic_load(&c->resident_bytes);
}
uint64_t cache_dirty_pages(const struct cache_file *f) {
    return atomic_load(&f->dirty_pages);
}
