/* Threads on trees that share the space of one database.
 * test-label: threads */
#include "tests/lib/test.h"
#include "tests/lib/testbt.h"

#define THREADS 4
#define PER_THREAD 1500

struct worker {
    struct testdb *t;
    struct tree *tree;
    uint64_t seed;
    JET_ERR err;
};

static JET_ERR work_once(struct worker *w, uint32_t number) {
    uint8_t key[4];
    struct bt_change change = {.trx = NULL};
    os_rwlock_write(&w->tree->latch);
    JET_ERR err = bt_insert(w->tree, number_key(number, key), slice("data of some length", 19), 0, &change);
    if (err == JET_errKeyDuplicate)
        err = bt_remove(w->tree, number_key(number, key), &change);
    os_rwlock_unlock(&w->tree->latch);
    if (err < JET_errSuccess)
        return err;
    struct bt_place place;
    os_rwlock_read(&w->tree->latch);
    err = bt_find(w->tree, number_key(number, key), LATCH_SHARED, &place);
    for (unsigned i = 0; i < 20 && err == JET_errSuccess; i++)
        err = bt_next(w->tree, &place);
    bt_release(&place);
    os_rwlock_unlock(&w->tree->latch);
    return err == JET_errNoCurrentRecord ? JET_errSuccess : err;
}

static void *work(void *arg) {
    struct worker *w = arg;
    for (unsigned i = 0; i < PER_THREAD && w->err == JET_errSuccess; i++) {
        w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
        w->err = work_once(w, (uint32_t)(w->seed >> 33) % 4000);
    }
    return NULL;
}

static void bt__threads_share_a_tree_and_the_space(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.page_size = 4096});
    struct tree *shared = testdb_table(t, 1), *child = testdb_tree(t, shared, PAGE_LONG_VALUE, 1);
    struct worker workers[THREADS];
    os_thread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.t = t,
                                     .tree = i < 2    ? shared
                                             : i == 2 ? child
                                                      : testdb_table(t, 1),
                                     .seed = test_random()};
        CHECK_OK(os_thread_start(&threads[i], work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        os_thread_join(threads[i]);
        CHECK_OK(workers[i].err);
    }
    testdb_check(t);
    testdb_free(t);
}

TEST_MAIN(TEST(bt__threads_share_a_tree_and_the_space))
