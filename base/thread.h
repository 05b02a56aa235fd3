/* Mutexes, condition variables, reader-writer locks, threads.
 *
 * Mutexes and reader-writer locks have ranks. A thread may take a lock only if its rank is above that of each it
 * holds (equal ranks: only where OS_RANK_MULTI says so); debug builds (no NDEBUG) assert it. This table is the whole
 * lock order. */
#ifndef ESENT_BASE_THREAD_H
#define ESENT_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum os_rank {
    OS_RANK_API = 10,        /* handle tables; never held while work is done */
    OS_RANK_BACKUP = 15,     /* one call of an external backup at a time */
    OS_RANK_INST = 20,       /* attach, detach, backup, term */
    OS_RANK_CHECKPOINT = 25, /* one checkpoint at a time */
    OS_RANK_CLEANUP = 30,    /* one version cleaner at a time */
    OS_RANK_AUTO = 35,       /* first number of an auto-increment column */
    OS_RANK_TREE = 40,       /* tree latch; MULTI: child before parent */
    OS_RANK_SPACE = 50,      /* a tree's space trees; MULTI: child before parent */
    OS_RANK_TREES = 55,      /* table of open trees of a database */
    OS_RANK_VERSION = 60,    /* a bucket of the version store */
    OS_RANK_TRX = 65,        /* list of transactions, commit order */
    OS_RANK_CACHE = 70,      /* clock hand, segment creation */
    OS_RANK_HEADER = 75,     /* a database header; writes the header file pages */
    OS_RANK_LOG_FLUSH = 80,
    OS_RANK_LOG_BUFFER = 85,
    OS_RANK_LATCH_WAIT = 90, /* stripes that wait for page latches */
    OS_RANK_LEAF = 95,       /* takes nothing else */
    /* An event's callback may ask for parameters, with any lock held by its thread: */
    OS_RANK_ENGINE = 96,  /* list of instances, parameters */
    OS_RANK_HANDLES = 97, /* which handles are free */
};
#define OS_RANK_MULTI 0x1000 /* or-ed to a rank: several of it may be held */

struct os_mutex {
    pthread_mutex_t m;
    unsigned rank;
};
struct os_cond {
    pthread_cond_t c;
};
struct os_rwlock {
    pthread_rwlock_t l;
    unsigned rank;
};

#define OS_MUTEX_INIT(its_rank)                                                                                        \
    { .m = PTHREAD_MUTEX_INITIALIZER, .rank = (its_rank) }
void os_mutex_init(struct os_mutex *m, unsigned rank);
void os_mutex_done(struct os_mutex *m);
void os_mutex_lock(struct os_mutex *m);
bool os_mutex_trylock(struct os_mutex *m);
void os_mutex_unlock(struct os_mutex *m);
bool os_mutex_held(const struct os_mutex *m); /* by this thread; for asserts; always true with NDEBUG */

void os_cond_init(struct os_cond *c);
void os_cond_done(struct os_cond *c);
void os_cond_wait(struct os_cond *c, struct os_mutex *m);
bool os_cond_wait_ms(struct os_cond *c, struct os_mutex *m, uint32_t ms); /* false: timed out */
void os_cond_signal(struct os_cond *c);
void os_cond_broadcast(struct os_cond *c);

void os_rwlock_init(struct os_rwlock *l, unsigned rank);
void os_rwlock_done(struct os_rwlock *l);
void os_rwlock_read(struct os_rwlock *l);
void os_rwlock_write(struct os_rwlock *l);
void os_rwlock_unlock(struct os_rwlock *l);

typedef pthread_t os_thread_t;
MUST_CHECK JET_ERR os_thread_start(os_thread_t *t, void *(*fn)(void *), void *arg);
void os_thread_join(os_thread_t t);
/* Of the calling thread, whoever made it; never 0, never given out again. */
uint64_t os_thread_number(void);

#endif
