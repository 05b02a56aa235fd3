/* Sessions on threads of their own: writers that get into each other's way, a reader that checks what holds in every
 * snapshot, backups, tables that come and go; and calls that race with the end of what they use.
 * test-label: threads */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/lib/testapi.h"

#define WRITERS 4
#define ACCOUNTS 40
#define BALANCE 1000
#define TRANSFERS 500

static struct testapi t;
static const char *db_path, *set_path; /* made before the threads start */
static _Atomic bool done;
static _Atomic unsigned transfers, conflicts, snapshots, backups, tables;

/* One session with the table of accounts. */
struct client {
    JET_SESID ses;
    JET_DBID db;
    JET_TABLEID table;
};

static struct client client_begin(void) {
    struct client c;
    CHECK_OK(JetBeginSession(t.inst, &c.ses, NULL, NULL));
    CHECK_OK(JetOpenDatabase(c.ses, db_path, NULL, &c.db, 0));
    CHECK_OK(JetOpenTable(c.ses, c.db, "accounts", NULL, 0, 0, &c.table));
    return c;
}

static JET_ERR add(struct client *c, int32_t id, int amount) {
    char text[32];
    JET_ERR err = testapi_seek(c->ses, c->table, id);
    if (err < JET_errSuccess)
        return err;
    snprintf(text, sizeof text, "%d", atoi(testapi_get(c->ses, c->table, TESTAPI_TEXT)) + amount);
    return testapi_replace(c->ses, c->table, id, text);
}

/* Moves money from one account to another, and now and then closes one account and opens it again. */
static JET_ERR transfer(struct client *c, uint64_t random) {
    int32_t from = (int32_t)(random % ACCOUNTS), to = (int32_t)(random / ACCOUNTS % ACCOUNTS);
    int amount = (int)(random >> 40) % 50;
    JET_ERR err = JET_errSuccess;
    CALL(JetBeginTransaction(c->ses));
    CALL(add(c, from, -amount));
    if (random >> 60 == 0) {
        char text[32];
        snprintf(text, sizeof text, "%s", testapi_text(c->ses, c->table, from));
        CALL(testapi_delete(c->ses, c->table, from));
        CALL(testapi_insert(c->ses, c->table, from, text));
    }
    CALL(add(c, to, amount));
    CALL(JetCommitTransaction(c->ses, random & 1 << 20 ? JET_bitCommitLazyFlush : 0));
    return JET_errSuccess;
cleanup:
    CHECK_OK(JetRollback(c->ses, JET_bitRollbackAll));
    return err;
}

static void *write_accounts(void *seed) {
    struct client c = client_begin();
    uint64_t state = (uint64_t)(uintptr_t)seed;
    for (unsigned n = 0; n < TRANSFERS;) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        JET_ERR err = transfer(&c, state ^ state >> 29);
        if (err == JET_errWriteConflict)
            atomic_fetch_add(&conflicts, 1);
        else
            CHECK_OK(err);
        n += err >= JET_errSuccess;
    }
    atomic_fetch_add(&transfers, TRANSFERS);
    CHECK_OK(JetEndSession(c.ses, 0));
    return NULL;
}

static void check_sum(struct client *c) {
    int sum = 0;
    unsigned count = 0;
    JET_ERR err = JetMove(c->ses, c->table, (int32_t)JET_MoveFirst, 0);
    for (; err >= JET_errSuccess; err = JetMove(c->ses, c->table, JET_MoveNext, 0), count++)
        sum += atoi(testapi_get(c->ses, c->table, TESTAPI_TEXT));
    CHECK_ERR(err, JET_errNoCurrentRecord);
    if (count != ACCOUNTS || sum != ACCOUNTS * BALANCE) {
        fprintf(stderr, "%u accounts with %d\n", count, sum);
        abort();
    }
}

static void *read_snapshots(void *unused) {
    struct client c = client_begin();
    while (!atomic_load(&done)) {
        CHECK_OK(JetBeginTransaction2(c.ses, JET_bitTransactionReadOnly));
        check_sum(&c);
        check_sum(&c); /* and it stays so */
        CHECK_OK(JetCommitTransaction(c.ses, 0));
        atomic_fetch_add(&snapshots, 1);
    }
    CHECK_OK(JetEndSession(c.ses, 0));
    return unused;
}

static void *make_backups(void *unused) {
    while (!atomic_load(&done) || atomic_load(&backups) < 3) {
        JET_GRBIT grbit =
            atomic_load(&backups) % 3 == 0 ? JET_bitBackupAtomic : JET_bitBackupAtomic | JET_bitBackupIncremental;
        CHECK_OK(JetBackupInstance(t.inst, set_path, grbit, NULL));
        atomic_fetch_add(&backups, 1);
    }
    return unused;
}

static void *make_tables(void *unused) {
    struct client c = client_begin();
    while (!atomic_load(&done)) {
        JET_TABLEID table;
        JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLongText};
        JET_COLUMNID column;
        char name[32];
        unsigned n = atomic_fetch_add(&tables, 1);
        snprintf(name, sizeof name, "table%u", n % 3);
        CHECK_OK(JetBeginTransaction(c.ses));
        CHECK_OK(JetCreateTable(c.ses, c.db, name, 2, 80, &table));
        CHECK_OK(JetAddColumn(c.ses, table, "text", &def, NULL, 0, &column));
        for (int i = 0; i < 20; i++) {
            CHECK_OK(JetPrepareUpdate(c.ses, table, JET_prepInsert));
            CHECK_OK(JetSetColumn(c.ses, table, column, name, (uint32_t)sizeof name, 0, NULL));
            CHECK_OK(JetUpdate(c.ses, table, NULL, 0, NULL));
        }
        if (n % 4 == 3) {
            CHECK_OK(JetRollback(c.ses, 0));
            continue;
        }
        CHECK_OK(JetCommitTransaction(c.ses, JET_bitCommitLazyFlush));
        CHECK_OK(JetCloseTable(c.ses, table));
        CHECK_OK(JetDeleteTable(c.ses, c.db, name));
    }
    CHECK_OK(JetEndSession(c.ses, 0));
    return unused;
}

static void start(pthread_t *thread, void *(*fn)(void *), void *argument) {
    CU_ASSERT_EQUAL_FATAL(pthread_create(thread, NULL, fn, argument), 0);
}

static void join(pthread_t thread) {
    CU_ASSERT_EQUAL_FATAL(pthread_join(thread, NULL), 0);
}

static void threads__writers_readers_backups_and_schema_changes_keep_the_sum(void) {
    pthread_t writers[WRITERS], reader, backup, schema;
    t = testapi_start("i");
    testapi_create(&t, "x.edb");
    db_path = test_path("i/x.edb");
    set_path = test_path("set");
    mkdir(set_path, 0777);
    JET_TABLEID table = testapi_table(&t, "accounts");
    for (int32_t id = 0; id < ACCOUNTS; id++)
        testapi_put(&t, table, id, "1000");
    CHECK_OK(JetBackupInstance(t.inst, set_path, JET_bitBackupAtomic, NULL));

    start(&reader, read_snapshots, NULL);
    start(&backup, make_backups, NULL);
    start(&schema, make_tables, NULL);
    for (uintptr_t i = 0; i < WRITERS; i++)
        start(&writers[i], write_accounts, (void *)(uintptr_t)test_random());
    for (unsigned i = 0; i < WRITERS; i++)
        join(writers[i]);
    atomic_store(&done, true);
    join(reader), join(backup), join(schema);
    struct client own = {t.ses, t.db, table};
    check_sum(&own);
    CHECK_OK(JetBackupInstance(t.inst, set_path, JET_bitBackupAtomic | JET_bitBackupIncremental, NULL));
    testapi_stop(&t);
    printf("[%u transfers, %u conflicts, %u snapshots, %u backups, %u tables] ", transfers, conflicts, snapshots,
           backups, tables);
    CU_ASSERT_EQUAL(transfers, WRITERS * TRANSFERS);
    CU_ASSERT(snapshots > 0 && backups >= 3 && tables > 0);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(db_path), 1);

    struct testapi r = testapi_new("restored"); /* what the backups hold keeps the sum, too */
    CHECK_OK(JetRestoreInstance(r.inst, set_path, r.dir, NULL));
    testapi_run(&r);
    testapi_attach(&r, "x.edb");
    struct client restored = {r.ses, r.db, testapi_open(&r, "accounts")};
    check_sum(&restored);
    testapi_stop(&r);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("restored/x.edb")), 1);
}

/* ---- calls that race with the end of what they use ---- */

static _Atomic JET_SESID shared;
static _Atomic JET_TABLEID shared_table;
static _Atomic unsigned calls;

static bool may_be(JET_ERR err) {
    return err >= JET_errSuccess || err == JET_errInvalidSesid || err == JET_errInvalidTableId ||
           err == JET_errSesidTableIdMismatch || err == JET_errSessionSharingViolation ||
           err == JET_errTermInProgress || err == JET_errInvalidInstance || err == JET_errNotInitialized ||
           err == JET_errSessionInUse;
}

static void *use_shared(void *unused) {
    int32_t id;
    while (!atomic_load(&done)) {
        JET_SESID ses = atomic_load(&shared);
        JET_TABLEID table = atomic_load(&shared_table);
        JET_API_PTR value = 0;
        uint32_t version;
        JET_SESID own = 0;
        JET_ERR errs[] = {
            JetMove(ses, table, 0, 0), JetRetrieveColumn(ses, table, TESTAPI_ID, &id, sizeof id, NULL, 0, NULL),
            JetGetVersion(ses, &version), JetGetSystemParameter(0, ses, JET_paramMaxSessions, &value, NULL, 0),
            JetBeginSession(t.inst, &own, NULL, NULL)};
        if (errs[4] >= JET_errSuccess)
            errs[4] = JetEndSession(own, 0);
        for (unsigned i = 0; i < sizeof errs / sizeof errs[0]; i++)
            if (!may_be(errs[i])) {
                fprintf(stderr, "call %u: %s\n", i, err_name(errs[i]));
                abort();
            }
        atomic_fetch_add(&calls, 1);
    }
    return unused;
}

static void threads__that_use_what_another_ends_get_an_error(void) {
    pthread_t users[3];
    atomic_store(&done, false);
    t = testapi_start("i");
    testapi_create(&t, "x.edb");
    db_path = test_path("i/x.edb");
    testapi_put(&t, testapi_table(&t, "accounts"), 1, "one");
    for (unsigned i = 0; i < 3; i++)
        start(&users[i], use_shared, NULL);
    for (unsigned n = 0; n < 200; n++) {
        JET_ERR err;
        JET_SESID ses;
        JET_DBID db;
        JET_TABLEID table;
        CHECK_OK(JetBeginSession(t.inst, &ses, NULL, NULL));
        CHECK_OK(JetOpenDatabase(ses, db_path, NULL, &db, 0));
        CHECK_OK(JetOpenTable(ses, db, "accounts", NULL, 0, 0, &table));
        atomic_store(&shared_table, table);
        atomic_store(&shared, ses); /* from here on the others are in the way */
        unsigned seen = atomic_load(&calls);
        while (atomic_load(&calls) - seen < 3)
            sched_yield();
        if (n % 3 == 0)
            while ((err = JetCloseTable(ses, table)) == JET_errSessionSharingViolation)
                sched_yield();
        while ((err = JetEndSession(ses, 0)) == JET_errSessionInUse)
            sched_yield();
        CHECK_OK(err);
    }
    CHECK_OK(JetTerm(t.inst)); /* while they call */
    atomic_store(&done, true);
    for (unsigned i = 0; i < 3; i++)
        join(users[i]);
}

/* ---- a backup that is stopped ---- */

static _Atomic bool copying, stopping;

static JET_ERR wait_in_the_middle(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    if (snt == JET_sntProgress) {
        atomic_store(&copying, true);
        while (!atomic_load(&stopping))
            sched_yield();
    }
    return JET_errSuccess;
}

static void *back_up_once(void *result) {
    *(JET_ERR *)result = JetBackupInstance(t.inst, set_path, 0, wait_in_the_middle);
    return NULL;
}

static void threads__that_terminate_may_stop_a_backup(void) {
    pthread_t thread;
    JET_ERR result = 0;
    t = testapi_start("i");
    testapi_create(&t, "x.edb");
    set_path = test_path("set");
    CU_ASSERT_EQUAL(mkdir(set_path, 0777), 0);
    start(&thread, back_up_once, &result);
    while (!atomic_load(&copying))
        sched_yield();
    CHECK_ERR(JetTerm2(t.inst, JET_bitTermAbrupt), JET_errBackupInProgress);
    atomic_store(&stopping, true);
    CHECK_OK(JetTerm2(t.inst, JET_bitTermAbrupt | JET_bitTermStopBackup));
    join(thread);
    if (result < JET_errSuccess) { /* else it was faster */
        CHECK_ERR(result, JET_errBackupAbortByServer);
        CU_ASSERT_EQUAL(rmdir(set_path), 0); /* nothing is left */
    }
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("i/x.edb")), 1);
}

TEST_MAIN(TEST(threads__writers_readers_backups_and_schema_changes_keep_the_sum),
          TEST(threads__that_use_what_another_ends_get_an_error), TEST(threads__that_terminate_may_stop_a_backup))
