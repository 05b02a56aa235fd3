/* Latch words. A waiter sets WORD_WAITERS under its stripe's mutex, by a compare-and-swap that fails if the latch has
 * become free; whoever frees a latch and sees the bit takes the same mutex to clear it and wakes the stripe. So the
 * wake comes after the wait has begun, and none is lost. */
#include <assert.h>

#include "engine/cache_priv.h"

#define SPINS 100

static inline void spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static inline bool is_free(uint32_t word, enum latch_mode mode) {
    return !(word & (mode == LATCH_SHARED ? WORD_EXCLUSIVE : WORD_EXCLUSIVE | WORD_SHARED));
}

static inline uint32_t with_latch(uint32_t word, enum latch_mode mode) {
    return mode == LATCH_SHARED ? word + 1 : word | WORD_EXCLUSIVE;
}

bool latch_word_try(struct cache_page *page, enum latch_mode mode) {
    uint32_t word = atomic_load_explicit(&page->word, memory_order_relaxed);
    while (is_free(word, mode)) {
        assert(mode == LATCH_EXCLUSIVE || (word & WORD_SHARED) != WORD_SHARED);
        if (atomic_compare_exchange_weak_explicit(&page->word, &word, with_latch(word, mode), memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static unsigned stripe_of(const struct cache_page *page) {
    return ((uintptr_t)page / sizeof *page) % STRIPES;
}

static void park(struct cache *c, struct cache_page *page, enum latch_mode mode) {
    unsigned i = stripe_of(page);
    os_mutex_lock(&c->stripes[i].mutex);
    while (!latch_word_try(page, mode)) {
        uint32_t word = atomic_load_explicit(&page->word, memory_order_relaxed);
        if (is_free(word, mode) || !atomic_compare_exchange_strong(&page->word, &word, word | WORD_WAITERS))
            continue;
        os_cond_wait(&c->stripes[i].cond, &c->stripes[i].mutex);
    }
    os_mutex_unlock(&c->stripes[i].mutex);
}

void latch_word(struct cache *c, struct cache_page *page, enum latch_mode mode) {
    for (unsigned i = 0; i < SPINS; i++) {
        if (latch_word_try(page, mode))
            return;
        spin_pause();
    }
    park(c, page, mode);
}

static void wake(struct cache *c, struct cache_page *page) {
    unsigned i = stripe_of(page);
    os_mutex_lock(&c->stripes[i].mutex);
    atomic_fetch_and(&page->word, ~(uint32_t)WORD_WAITERS);
    os_cond_broadcast(&c->stripes[i].cond);
    os_mutex_unlock(&c->stripes[i].mutex);
}

void unlatch_word(struct cache *c, struct cache_page *page, enum latch_mode mode) {
    uint32_t old;
    if (mode == LATCH_SHARED) {
        old = atomic_fetch_sub_explicit(&page->word, 1, memory_order_release);
        assert(old & WORD_SHARED);
        if ((old & WORD_SHARED) > 1)
            return;
    } else {
        old = atomic_fetch_and_explicit(&page->word, ~(uint32_t)WORD_EXCLUSIVE, memory_order_release);
        assert(old & WORD_EXCLUSIVE);
    }
    if (old & WORD_WAITERS)
        wake(c, page);
}

void latch_word_downgrade(struct cache *c, struct cache_page *page) {
    uint32_t old = atomic_fetch_sub_explicit(&page->word, WORD_EXCLUSIVE - 1, memory_order_release);
    assert((old & WORD_EXCLUSIVE) && !(old & WORD_SHARED));
    if (old & WORD_WAITERS)
        wake(c, page);
}
