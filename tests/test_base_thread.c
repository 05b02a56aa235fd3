/* Locks that exclude, waits that end, and a lock order that is enforced in debug builds.
 * test-label: threads */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"

#define THREADS 4
#define STEPS 20000

static struct os_mutex mutex;
static struct os_rwlock rwlock;
static struct os_cond cond;
static uint64_t counter, mirror;

static void *count_under_mutex(void *arg) {
    (void)arg;
    for (int i = 0; i < STEPS; i++) {
        os_mutex_lock(&mutex);
        counter++;
        os_mutex_unlock(&mutex);
    }
    return NULL;
}

static void run_threads(void *(*fn)(void *)) {
    os_thread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_OK(os_thread_start(&threads[i], fn, NULL));
    for (int i = 0; i < THREADS; i++)
        os_thread_join(threads[i]);
}

static void os_mutex__excludes(void) {
    counter = 0;
    os_mutex_init(&mutex, OS_RANK_LEAF);
    run_threads(count_under_mutex);
    CU_ASSERT_EQUAL(counter, THREADS * STEPS);
    os_mutex_done(&mutex);
}

static atomic_uint torn;

static void *write_and_read(void *arg) {
    (void)arg;
    for (int i = 0; i < STEPS / 4; i++) {
        if (i % 8 == 0) {
            os_rwlock_write(&rwlock);
            counter++;
            mirror++;
        } else {
            os_rwlock_read(&rwlock);
            if (counter != mirror)
                atomic_fetch_add(&torn, 1);
        }
        os_rwlock_unlock(&rwlock);
    }
    return NULL;
}

static void os_rwlock__readers_see_no_half_of_a_write(void) {
    counter = mirror = 0;
    os_rwlock_init(&rwlock, OS_RANK_TREE);
    run_threads(write_and_read);
    CU_ASSERT_EQUAL(counter, THREADS * STEPS / 4 / 8);
    CU_ASSERT_EQUAL(atomic_load(&torn), 0);
    os_rwlock_done(&rwlock);
}

static void *take_all(void *arg) {
    (void)arg;
    os_mutex_lock(&mutex);
    while (counter < STEPS / 10) {
        while (mirror == 0)
            os_cond_wait(&cond, &mutex);
        mirror = 0;
        counter++;
        os_cond_broadcast(&cond);
    }
    os_mutex_unlock(&mutex);
    return NULL;
}

static void os_cond__hands_over_every_item(void) {
    os_thread_t thread;
    counter = mirror = 0;
    os_mutex_init(&mutex, OS_RANK_LEAF);
    os_cond_init(&cond);
    CHECK_OK(os_thread_start(&thread, take_all, NULL));
    os_mutex_lock(&mutex);
    for (int i = 0; i < STEPS / 10; i++) {
        while (mirror != 0)
            os_cond_wait(&cond, &mutex);
        mirror = 1;
        os_cond_broadcast(&cond);
    }
    os_mutex_unlock(&mutex);
    os_thread_join(thread);
    CU_ASSERT_EQUAL(counter, STEPS / 10);
    os_cond_done(&cond);
    os_mutex_done(&mutex);
}

static void os_cond_wait_ms__ends_without_a_signal(void) {
    os_mutex_init(&mutex, OS_RANK_LEAF);
    os_cond_init(&cond);
    os_mutex_lock(&mutex);
    while (os_cond_wait_ms(&cond, &mutex, 1)) /* it may also wake for nothing */
        ;
    while (os_cond_wait_ms(&cond, &mutex, 0))
        ;
    CU_ASSERT(os_mutex_held(&mutex));
    os_mutex_unlock(&mutex);
    os_cond_done(&cond);
    os_mutex_done(&mutex);
}

static void *try_lock(void *arg) {
    bool *got = arg;
    *got = os_mutex_trylock(&mutex);
    if (*got)
        os_mutex_unlock(&mutex);
    return NULL;
}

static bool other_thread_gets_it(void) {
    os_thread_t thread;
    bool got = false;
    CHECK_OK(os_thread_start(&thread, try_lock, &got));
    os_thread_join(thread);
    return got;
}

static void os_mutex_trylock__fails_while_another_thread_holds_it(void) {
    os_mutex_init(&mutex, OS_RANK_LEAF);
    os_mutex_lock(&mutex);
    CU_ASSERT(!other_thread_gets_it());
    os_mutex_unlock(&mutex);
    CU_ASSERT(other_thread_gets_it());
    os_mutex_done(&mutex);
}

static void *blocked_signals(void *arg) {
    pthread_sigmask(SIG_BLOCK, NULL, arg);
    return NULL;
}

static void os_thread__leaves_signals_to_the_application(void) {
    os_thread_t thread;
    sigset_t inside, outside;
    CHECK_OK(os_thread_start(&thread, blocked_signals, &inside));
    os_thread_join(thread);
    pthread_sigmask(SIG_BLOCK, NULL, &outside);
    CU_ASSERT(sigismember(&inside, SIGTERM) == 1 && sigismember(&inside, SIGALRM) == 1);
    CU_ASSERT(sigismember(&outside, SIGTERM) == 0);
}

/* ---- order; each case runs in a child, which aborts or not ---- */

static struct os_mutex low, high, leaf, multi_a, multi_b;

static void ascending(void) {
    os_mutex_lock(&low);
    os_mutex_lock(&high);
    os_mutex_lock(&leaf);
    os_mutex_unlock(&high); /* not the last taken */
    os_mutex_unlock(&leaf);
    os_mutex_lock(&high);
    os_mutex_unlock(&high);
    os_mutex_unlock(&low);
}

static void descending(void) {
    os_mutex_lock(&high);
    os_mutex_lock(&low);
}

static void below_one_that_is_not_the_last(void) {
    os_mutex_lock(&low);
    os_mutex_lock(&leaf);
    os_mutex_lock(&high);
}

static void twice(void) {
    os_mutex_lock(&multi_a);
    os_mutex_lock(&multi_a);
}

static void two_of_a_multi_rank(void) {
    os_mutex_lock(&multi_a);
    os_mutex_lock(&multi_b);
    os_mutex_unlock(&multi_a);
    os_mutex_unlock(&multi_b);
}

static void two_of_a_plain_rank(void) {
    struct os_mutex other;
    os_mutex_init(&other, OS_RANK_LEAF);
    os_mutex_lock(&leaf);
    os_mutex_lock(&other);
}

static void trylock_downwards(void) {
    os_mutex_lock(&high);
    if (os_mutex_trylock(&low))
        os_mutex_unlock(&low);
    os_mutex_unlock(&high);
}

static void rwlock_below_mutex(void) {
    os_mutex_lock(&leaf);
    os_rwlock_read(&rwlock);
}

static void unlock_of_what_is_not_held(void) {
    os_mutex_unlock(&low);
}

static bool aborts(void (*fn)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        fn();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void lock_order__violations_abort_in_debug_builds(void) {
    os_mutex_init(&low, OS_RANK_INST);
    os_mutex_init(&high, OS_RANK_CACHE);
    os_mutex_init(&leaf, OS_RANK_LEAF);
    os_mutex_init(&multi_a, OS_RANK_TREE | OS_RANK_MULTI);
    os_mutex_init(&multi_b, OS_RANK_TREE | OS_RANK_MULTI);
    os_rwlock_init(&rwlock, OS_RANK_TREE);
    CU_ASSERT(!aborts(ascending));
    CU_ASSERT(!aborts(two_of_a_multi_rank));
    CU_ASSERT(!aborts(trylock_downwards));
#ifndef NDEBUG
    CU_ASSERT(aborts(descending));
    CU_ASSERT(aborts(below_one_that_is_not_the_last));
    CU_ASSERT(aborts(twice));
    CU_ASSERT(aborts(two_of_a_plain_rank));
    CU_ASSERT(aborts(rwlock_below_mutex));
    CU_ASSERT(aborts(unlock_of_what_is_not_held));
    CU_ASSERT(!os_mutex_held(&low));
#else
    (void)descending, (void)below_one_that_is_not_the_last, (void)twice, (void)two_of_a_plain_rank;
    (void)rwlock_below_mutex, (void)unlock_of_what_is_not_held;
#endif
}

TEST_MAIN(TEST(os_mutex__excludes), TEST(os_rwlock__readers_see_no_half_of_a_write),
          TEST(os_cond__hands_over_every_item), TEST(os_cond_wait_ms__ends_without_a_signal),
          TEST(os_mutex_trylock__fails_while_another_thread_holds_it),
          TEST(os_thread__leaves_signals_to_the_application), TEST(lock_order__violations_abort_in_debug_builds))
