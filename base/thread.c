/* Locks over pthreads. A failing pthread call here is a bug or a corrupted lock, and going on would lose mutual
 * exclusion: it aborts, in release builds too.
 *
 * Debug builds keep, per thread, the list of locks held, and abort on the first acquisition that is out of order,
 * whether or not it deadlocks this time. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"

static void must(int rc, const char *what) {
    if (rc == 0)
        return;
    fprintf(stderr, "esent: %s: %s\n", what, strerror(rc));
    abort();
}

/* ---- what this thread holds ---- */

#ifndef NDEBUG

#define HELD_MAX 64

static _Thread_local struct {
    const void *lock;
    unsigned rank;
} held[HELD_MAX];
static _Thread_local unsigned held_count;

static void violation(const char *what, unsigned rank) {
    fprintf(stderr, "esent: lock order: %s (rank %u); this thread holds ranks", what, rank & ~OS_RANK_MULTI);
    for (unsigned i = 0; i < held_count; i++)
        fprintf(stderr, " %u", held[i].rank & ~OS_RANK_MULTI);
    fprintf(stderr, "\n");
    abort();
}

static bool holds(const void *lock) {
    for (unsigned i = 0; i < held_count; i++) {
        if (held[i].lock == lock)
            return true;
    }
    return false;
}

/* Before blocking. A trylock cannot deadlock and is not asked. */
static void held_check(const void *lock, unsigned rank) {
    if (holds(lock))
        violation("lock is already held", rank);
    for (unsigned i = 0; i < held_count; i++) {
        unsigned have = held[i].rank & ~OS_RANK_MULTI, want = rank & ~OS_RANK_MULTI;
        bool multi = rank & held[i].rank & OS_RANK_MULTI;
        if (want < have || (want == have && !multi))
            violation("rank is not above all held", rank);
    }
}

static void held_add(const void *lock, unsigned rank) {
    if (held_count == HELD_MAX)
        violation("too many locks", rank);
    held[held_count].lock = lock;
    held[held_count++].rank = rank;
}

static void held_remove(const void *lock, unsigned rank) {
    for (unsigned i = held_count; i-- > 0;) {
        if (held[i].lock == lock) {
            memmove(&held[i], &held[i + 1], (held_count - i - 1) * sizeof held[0]);
            held_count--;
            return;
        }
    }
    violation("lock is not held", rank);
}

#else

static inline void held_check(const void *lock, unsigned rank) {
    (void)lock, (void)rank;
}
static inline void held_add(const void *lock, unsigned rank) {
    (void)lock, (void)rank;
}
static inline void held_remove(const void *lock, unsigned rank) {
    (void)lock, (void)rank;
}

#endif

/* ---- mutexes ---- */

void os_mutex_init(struct os_mutex *m, unsigned rank) {
    must(pthread_mutex_init(&m->m, NULL), "mutex init");
    m->rank = rank;
}

void os_mutex_done(struct os_mutex *m) {
    must(pthread_mutex_destroy(&m->m), "mutex destroy");
}

void os_mutex_lock(struct os_mutex *m) {
    held_check(m, m->rank);
    must(pthread_mutex_lock(&m->m), "mutex lock");
    held_add(m, m->rank);
}

bool os_mutex_trylock(struct os_mutex *m) {
    int rc = pthread_mutex_trylock(&m->m);
    if (rc == EBUSY)
        return false;
    must(rc, "mutex trylock");
    held_add(m, m->rank);
    return true;
}

void os_mutex_unlock(struct os_mutex *m) {
    held_remove(m, m->rank);
    must(pthread_mutex_unlock(&m->m), "mutex unlock");
}

bool os_mutex_held(const struct os_mutex *m) {
#ifdef NDEBUG
    (void)m;
    return true;
#else
    return holds(m);
#endif
}

/* ---- condition variables ---- */

void os_cond_init(struct os_cond *c) {
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "condattr init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr clock");
    must(pthread_cond_init(&c->c, &attr), "cond init");
    pthread_condattr_destroy(&attr);
}

void os_cond_done(struct os_cond *c) {
    must(pthread_cond_destroy(&c->c), "cond destroy");
}

void os_cond_wait(struct os_cond *c, struct os_mutex *m) {
    held_remove(m, m->rank);
    must(pthread_cond_wait(&c->c, &m->m), "cond wait");
    held_add(m, m->rank);
}

bool os_cond_wait_ms(struct os_cond *c, struct os_mutex *m, uint32_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    held_remove(m, m->rank);
    int rc = pthread_cond_timedwait(&c->c, &m->m, &until);
    held_add(m, m->rank);
    if (rc == ETIMEDOUT)
        return false;
    must(rc, "cond timedwait");
    return true;
}

void os_cond_signal(struct os_cond *c) {
    must(pthread_cond_signal(&c->c), "cond signal");
}
void os_cond_broadcast(struct os_cond *c) {
    must(pthread_cond_broadcast(&c->c), "cond broadcast");
}

/* ---- reader-writer locks ---- */

void os_rwlock_init(struct os_rwlock *l, unsigned rank) {
    pthread_rwlockattr_t attr;
    must(pthread_rwlockattr_init(&attr), "rwlockattr init");
#ifdef __GLIBC__
    /* The default lets a stream of readers starve a writer. Ranks forbid recursion, which this kind cannot do. */
    must(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), "rwlockattr kind");
#endif
    must(pthread_rwlock_init(&l->l, &attr), "rwlock init");
    pthread_rwlockattr_destroy(&attr);
    l->rank = rank;
}

void os_rwlock_done(struct os_rwlock *l) {
    must(pthread_rwlock_destroy(&l->l), "rwlock destroy");
}

void os_rwlock_read(struct os_rwlock *l) {
    held_check(l, l->rank);
    must(pthread_rwlock_rdlock(&l->l), "rwlock read");
    held_add(l, l->rank);
}

void os_rwlock_write(struct os_rwlock *l) {
    held_check(l, l->rank);
    must(pthread_rwlock_wrlock(&l->l), "rwlock write");
    held_add(l, l->rank);
}

void os_rwlock_unlock(struct os_rwlock *l) {
    held_remove(l, l->rank);
    must(pthread_rwlock_unlock(&l->l), "rwlock unlock");
}

/* ---- threads ---- */

JET_ERR os_thread_start(os_thread_t *t, void *(*fn)(void *), void *arg) {
    /* The application's signal handlers run in the application's threads. */
    sigset_t all, old;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &old), "sigmask");
    int rc = pthread_create(t, NULL, fn, arg);
    must(pthread_sigmask(SIG_SETMASK, &old, NULL), "sigmask");
    return rc == 0 ? JET_errSuccess : RAISE(JET_errOutOfThreads);
}

void os_thread_join(os_thread_t t) {
    must(pthread_join(t, NULL), "thread join");
}

uint64_t os_thread_number(void) {
    static _Atomic uint64_t last;
    static _Thread_local uint64_t mine;
    if (mine == 0)
        mine = atomic_fetch_add(&last, 1) + 1;
    return mine;
}
