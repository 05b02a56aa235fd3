/* One session and two threads: whose a transaction is, and how a context lends a session to another thread.
 * test-label: threads */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/lib/testapi.h"

static struct testapi t;
static JET_TABLEID table;

static void begin(void) {
    t = testapi_start("i");
    testapi_create(&t, "x.edb");
    table = testapi_table(&t, "t");
    testapi_put(&t, table, 1, "one");
}

/* ---- single calls on a thread of their own ---- */

static JET_ERR move(void) {
    return JetMove(t.ses, table, (int32_t)JET_MoveFirst, 0);
}
static JET_ERR insert(void) {
    return testapi_insert(t.ses, table, 2, "two");
}
static JET_ERR open_table(void) {
    JET_TABLEID other;
    return JetOpenTable(t.ses, t.db, "t", NULL, 0, 0, &other);
}
static JET_ERR version(void) {
    uint32_t number;
    return JetGetVersion(t.ses, &number);
}
static JET_ERR begin_transaction(void) {
    return JetBeginTransaction(t.ses);
}
static JET_ERR commit(void) {
    return JetCommitTransaction(t.ses, 0);
}
static JET_ERR roll_back(void) {
    return JetRollback(t.ses, JET_bitRollbackAll);
}
static JET_ERR set_one(void) {
    return JetSetSessionContext(t.ses, 1);
}
static JET_ERR set_two(void) {
    return JetSetSessionContext(t.ses, 2);
}
static JET_ERR reset(void) {
    return JetResetSessionContext(t.ses);
}
static JET_ERR end(void) {
    return JetEndSession(t.ses, 0);
}
static JET_ERR go_on(void) {
    JET_ERR err = JET_errSuccess;
    CALL(set_one());
    CALL(testapi_seek(t.ses, table, 2)); /* sees what the other thread inserted */
    CALL(commit());
    err = reset();
cleanup:
    return err;
}

struct call {
    JET_ERR (*fn)(void);
    JET_ERR result;
};

static void *call_main(void *call) {
    struct call *c = call;
    c->result = c->fn();
    return NULL;
}

static JET_ERR elsewhere(JET_ERR (*fn)(void)) {
    struct call call = {.fn = fn};
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_main, &call), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_join(thread, NULL), 0);
    return call.result;
}

static void transaction__belongs_to_the_thread_that_began_it(void) {
    static JET_ERR (*const calls[])(void) = {move, insert, open_table, version, begin_transaction, commit, roll_back};
    begin();
    CHECK_OK(elsewhere(move)); /* outside a transaction a session may go from thread to thread */
    CHECK_OK(elsewhere(begin_transaction));
    CHECK_ERR(move(), JET_errSessionSharingViolation);
    CHECK_ERR(elsewhere(move), JET_errSessionSharingViolation); /* another thread, though it may look like the first */
    CHECK_ERR(roll_back(), JET_errSessionSharingViolation);
    CHECK_OK(elsewhere(end)); /* rolls back */

    CHECK_OK(JetBeginSession(t.inst, &t.ses, NULL, NULL));
    CHECK_OK(JetOpenDatabase(t.ses, testapi_path(&t, "x.edb"), NULL, &t.db, 0));
    table = testapi_open(&t, "t");
    for (unsigned depth = 1; depth <= 2; depth++) {
        CHECK_OK(begin_transaction());
        for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
            CHECK_ERR(elsewhere(calls[i]), JET_errSessionSharingViolation);
    }
    CHECK_OK(insert());
    CHECK_OK(commit());
    CHECK_ERR(elsewhere(commit), JET_errSessionSharingViolation); /* the outermost level is still open */
    CHECK_OK(commit());
    CHECK_OK(elsewhere(begin_transaction)); /* and now it is anybody's */
    CHECK_ERR(commit(), JET_errSessionSharingViolation);
    CHECK_OK(JetTerm2(t.inst, JET_bitTermAbrupt)); /* also of what is another thread's */
}

static void context__takes_a_transaction_from_thread_to_thread(void) {
    begin();
    CHECK_ERR(JetSetSessionContext(t.ses, 0), JET_errInvalidParameter);
    CHECK_ERR(JetSetSessionContext(t.ses, UINT64_MAX), JET_errInvalidParameter);
    CHECK_ERR(reset(), JET_errSessionContextNotSetByThisThread);
    CHECK_OK(set_one());
    CHECK_ERR(set_one(), JET_errSessionContextAlreadySet);
    CHECK_ERR(elsewhere(set_two), JET_errSessionContextAlreadySet);
    CHECK_ERR(elsewhere(reset), JET_errSessionContextNotSetByThisThread);
    CHECK_ERR(elsewhere(end), JET_errSessionInUse);
    CHECK_OK(begin_transaction());
    CHECK_OK(insert());
    CHECK_ERR(elsewhere(move), JET_errSessionSharingViolation);
    CHECK_OK(reset());
    CHECK_ERR(move(), JET_errSessionSharingViolation); /* the transaction is the context's */

    CHECK_OK(set_two());
    CHECK_ERR(move(), JET_errSessionSharingViolation);
    CHECK_OK(reset());
    CHECK_OK(elsewhere(go_on));
    CHECK_OK(move()); /* it is committed, and the session nobody's */

    CHECK_OK(begin_transaction());
    CHECK_OK(set_one()); /* too late for this one: it is the thread's */
    CHECK_OK(move());
    CHECK_OK(reset());
    CHECK_OK(move());
    CHECK_OK(commit());
    CHECK_OK(elsewhere(set_one)); /* that thread is gone with it */
    CHECK_ERR(end(), JET_errSessionInUse);
    CHECK_ERR(reset(), JET_errSessionContextNotSetByThisThread);
    testapi_stop(&t);
}

/* ---- a session for whoever gets it ---- */

#define THREADS 4
#define TURNS 100
static _Atomic unsigned refused;

static JET_ERR count_up(void) {
    char text[32];
    JET_ERR err = JetBeginTransaction(t.ses);
    if (err < JET_errSuccess)
        return err;
    snprintf(text, sizeof text, "%d", atoi(testapi_text(t.ses, table, 1)) + 1);
    CALL(testapi_replace(t.ses, table, 1, text));
    err = JetCommitTransaction(t.ses, JET_bitCommitLazyFlush);
cleanup:
    return err;
}

static void *take_turns(void *number) {
    for (unsigned turns = 0; turns < TURNS;) {
        JET_ERR err = JetSetSessionContext(t.ses, (JET_API_PTR)(uintptr_t)number);
        if (err == JET_errSessionContextAlreadySet) {
            atomic_fetch_add(&refused, 1);
            continue;
        }
        CHECK_OK(err); /* and from here on, however much the others try, it is ours */
        CHECK_OK(count_up());
        CHECK_OK(JetResetSessionContext(t.ses));
        turns++;
    }
    return NULL;
}

static void context__is_set_by_one_thread_of_many_that_try(void) {
    pthread_t threads[THREADS];
    begin();
    CHECK_OK(testapi_replace(t.ses, table, 1, "0"));
    for (uintptr_t i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_turns, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_join(threads[i], NULL), 0);
    printf("[%u turns, %u refused] ", THREADS * TURNS, atomic_load(&refused));
    CU_ASSERT_EQUAL(atoi(testapi_text(t.ses, table, 1)), THREADS * TURNS);
    testapi_stop(&t);
}

/* ---- one that owns a session is not disturbed by those that misuse it ---- */

static _Atomic bool done;
static _Atomic unsigned violations;

static void *misuse(void *unused) {
    while (!atomic_load(&done)) {
        CHECK_ERR(move(), JET_errSessionSharingViolation);
        CHECK_ERR(roll_back(), JET_errSessionSharingViolation);
        atomic_fetch_add(&violations, 1);
    }
    return unused;
}

static void transaction__is_not_disturbed_by_another_thread(void) {
    pthread_t threads[THREADS];
    begin();
    CHECK_OK(begin_transaction());
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, misuse, NULL), 0);
    for (unsigned n = 0; n < 2000 || atomic_load(&violations) < 1000; n++)
        CHECK_OK(move());
    atomic_store(&done, true);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_join(threads[i], NULL), 0);
    CHECK_OK(commit());
    testapi_stop(&t);
}

TEST_MAIN(TEST(transaction__belongs_to_the_thread_that_began_it),
          TEST(context__takes_a_transaction_from_thread_to_thread),
          TEST(context__is_set_by_one_thread_of_many_that_try), TEST(transaction__is_not_disturbed_by_another_thread))
