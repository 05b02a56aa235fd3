/* Eviction: a clock over the resident pages of all files, turned by the thread that needs room.
 *
 * A dirty page under the hand is written together with its dirty neighbours, so the next turns find clean pages. */
#include <assert.h>

#include "engine/cache_priv.h"

/* From page number *page (from 0) on: the next resident page of f. False: none. */
static bool next_resident(const struct cache_file *f, uint64_t *page) {
    uint64_t end = (uint64_t)atomic_load(&f->segments_end) * CACHE_SEGMENT_PAGES;
    for (uint64_t p = *page; p < end;) {
        const struct segment *s = segment_of(f, (pgno_t)p);
        if (!s) {
            p = (p / CACHE_SEGMENT_PAGES + 1) * CACHE_SEGMENT_PAGES;
            continue;
        }
        uint64_t word = atomic_load(&s->resident[p % CACHE_SEGMENT_PAGES / 64]) >> p % 64;
        if (word) {
            *page = p + (uint64_t)__builtin_ctzll(word);
            return true;
        }
        p = (p / 64 + 1) * 64;
    }
    return false;
}

/* Moves the hand to the next resident page. cache->mutex held. */
static bool clock_next(struct cache *c, struct cache_file **file, pgno_t *pgno) {
    for (unsigned wraps = 0; wraps < 2;) {
        if (!c->hand_file) {
            c->hand_file = c->files;
            c->hand_page = 0;
            wraps++;
            if (!c->hand_file)
                return false;
        }
        if (next_resident(c->hand_file, &c->hand_page)) {
            *file = c->hand_file;
            *pgno = (pgno_t)c->hand_page++;
            return true;
        }
        c->hand_file = c->hand_file->next;
        c->hand_page = 0;
    }
    return false;
}

/* Second chance, then an exclusive latch if nobody has one. */
static bool claim(struct cache_page *page) {
    uint32_t word = atomic_load(&page->word);
    if (!(word & WORD_RESIDENT) || (word & (WORD_EXCLUSIVE | WORD_SHARED)))
        return false;
    if (word & WORD_REFERENCED) {
        atomic_fetch_and(&page->word, ~(uint32_t)WORD_REFERENCED);
        return false;
    }
    return latch_word_try(page, LATCH_EXCLUSIVE);
}

/* Finds a page and takes it out, or writes it and its neighbours. */
static bool evict_one(struct cache *c) {
    bool done = false;
    struct cache_file *f = NULL;
    pgno_t pgno = 0;
    struct cache_page *page = NULL;
    uint64_t turns = 3 * atomic_load(&c->resident_bytes) / PAGE_SIZE_MIN + 64;

    while (!done) {
        os_mutex_lock(&c->mutex);
        for (page = NULL; turns > 0 && !page; turns--) {
            if (!clock_next(c, &f, &pgno))
                break;
            page = &segment_of(f, pgno)->pages[pgno % CACHE_SEGMENT_PAGES];
            if (!claim(page))
                page = NULL;
        }
        if (page)
            f->evictors++;
        os_mutex_unlock(&c->mutex);
        if (!page)
            return false;

        bool writing = atomic_load(&page->flags) & STATE_WRITING;
        bool dirty = atomic_load(&page->first_dirty) != NOT_DIRTY;
        if ((atomic_load(&page->word) & WORD_RESIDENT) && !writing && !dirty) {
            page_drop(f, pgno);
            done = true;
        }
        unlatch_word(c, page, LATCH_EXCLUSIVE);
        if (dirty && !writing && write_try(f, pgno) && latch_word_try(page, LATCH_EXCLUSIVE)) {
            if ((atomic_load(&page->word) & WORD_RESIDENT) && atomic_load(&page->first_dirty) == NOT_DIRTY &&
                !(atomic_load(&page->flags) & STATE_WRITING)) {
                page_drop(f, pgno);
                done = true;
            }
            unlatch_word(c, page, LATCH_EXCLUSIVE);
        }

        os_mutex_lock(&c->mutex);
        if (--f->evictors == 0)
            os_cond_broadcast(&c->evicted);
        os_mutex_unlock(&c->mutex);
    }
    return done;
}

JET_ERR evict_for(struct cache_file *f) {
    struct cache *c = f->cache;
    atomic_fetch_add(&f->resident_bytes, f->page_size);
    atomic_fetch_add(&c->resident_bytes, f->page_size);
    while (atomic_load(&c->resident_bytes) > c->bytes_max) {
        if (evict_one(c))
            continue;
        evict_uncount(f);
        return RAISE(JET_errOutOfBuffers);
    }
    return JET_errSuccess;
}

void evict_uncount(struct cache_file *f) {
    atomic_fetch_sub(&f->resident_bytes, f->page_size);
    atomic_fetch_sub(&f->cache->resident_bytes, f->page_size);
}
