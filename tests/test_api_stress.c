/* Everything at once, and JetTerm in the middle of it, again and again: writers with rows of their own and counters
 * that they fight for, a reader of snapshots, tables that come and go, a second database that is attached and detached,
 * backups by the engine and by a client. Each thread goes on until its session or the instance is gone. After each
 * restart every row is compared with the ledger, and at the end those of a restored backup are.
 * test-label: threads */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/lib/testapi.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRANSACTIONS 150 /* in a round, at least */
#else
#define TRANSACTIONS 600
#endif
#define ROUNDS 12 /* ESENT_STRESS_ROUNDS */
#define WRITERS 3
#define SCHEMA WRITERS /* who else has a number of transactions in a row */
#define NUMBERS (WRITERS + 1)
#define KEYS 40
#define MARKER 999 /* the row with the number of transactions; writer w has the ids from 1000 w */
#define COUNTERS 4

static char dir[512], set[512]; /* of the instance, of the backups */
static JET_INSTANCE inst;

/* Of each one who counts, and of the second database: transactions that may be there, that were acknowledged, that
 * were acknowledged without JET_bitCommitLazyFlush. */
#define SECOND NUMBERS
static _Atomic int32_t started[NUMBERS + 1], acknowledged[NUMBERS + 1], durable[NUMBERS + 1];
static _Atomic unsigned transactions, conflicts, snapshots, schemas, attaches, backups, externals, turned_away;

struct client {
    unsigned number;
    uint64_t random;
    JET_SESID ses;
    JET_DBID db;
    JET_TABLEID rows, counters;
    bool in_transaction;
    unsigned stage; /* of attach and detach */
};

static uint64_t draw(struct client *c) {
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return c->random >> 33;
}

static const char *path(const char *name) {
    static _Thread_local char ring[4][600];
    static _Thread_local unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", dir, name);
    return out;
}

/* ---- a step, until it is done or nothing is there to do it with ---- */

static bool is_over(JET_ERR err) {
    return err == JET_errInvalidSesid || err == JET_errInvalidInstance || err == JET_errNotInitialized ||
           err == JET_errInvalidParameter; /* of a backup, for an instance that is not there */
}

/* What threads that each do right may get, because of others. Not JET_errSessionSharingViolation. */
static bool is_others_fault(JET_ERR err) {
    return err == JET_errWriteConflict || err == JET_errTableInUse || err == JET_errTableLocked ||
           err == JET_errObjectNotFound || err == JET_errBackupInProgress || err == JET_errBackupAbortByServer ||
           err == JET_errTermInProgress;
}

static bool insist(JET_ERR (*step)(struct client *), struct client *c) {
    for (;;) {
        JET_ERR err = step(c);
        if (err >= JET_errSuccess)
            return true;
        if (is_over(err))
            return false;
        if (!is_others_fault(err)) {
            fprintf(stderr, "client %u: %s\n", c->number, err_name(err));
            abort();
        }
        atomic_fetch_add(err == JET_errWriteConflict ? &conflicts : &turned_away, 1);
        sched_yield();
    }
}

/* Each part of a step that is repeated has been done or not. */
static JET_ERR open_session(struct client *c) {
    JET_ERR err = JET_errSuccess;
    if (!c->ses)
        CALL(JetBeginSession(inst, &c->ses, NULL, NULL));
    if (!c->db)
        CALL(JetOpenDatabase(c->ses, path("a.edb"), NULL, &c->db, 0));
    if (!c->rows)
        CALL(JetOpenTable(c->ses, c->db, "rows", NULL, 0, 0, &c->rows));
    if (!c->counters)
        CALL(JetOpenTable(c->ses, c->db, "counters", NULL, 0, 0, &c->counters));
cleanup:
    return err;
}

static JET_ERR end_session(struct client *c) {
    JET_ERR err = JetEndSession(c->ses, 0);
    if (err >= JET_errSuccess)
        *c = (struct client){.number = c->number, .random = c->random};
    return err;
}

/* What an earlier try has left, when it met the end of an instance that then did not end, is rolled back. */
static JET_ERR begin(struct client *c, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    if (c->in_transaction)
        CALL(JetRollback(c->ses, JET_bitRollbackAll));
    c->in_transaction = false;
    CALL(JetBeginTransaction2(c->ses, grbit));
    c->in_transaction = true;
cleanup:
    return err;
}

static JET_ERR commit(struct client *c, JET_GRBIT grbit) {
    JET_ERR err = JetCommitTransaction(c->ses, grbit);
    c->in_transaction &= err < JET_errSuccess;
    return err;
}

static JET_ERR roll_back(struct client *c, JET_ERR why) {
    if (c->in_transaction && JetRollback(c->ses, JET_bitRollbackAll) >= JET_errSuccess)
        c->in_transaction = false;
    return why;
}

/* ---- rows: numbers, as texts of some length ---- */

static JET_ERR get(JET_SESID ses, JET_TABLEID table, int32_t id, int32_t *out) {
    char text[256] = "";
    JET_ERR err = testapi_seek(ses, table, id);
    *out = 0;
    if (err == JET_errRecordNotFound)
        return JET_errSuccess;
    if (err >= JET_errSuccess)
        err = JetRetrieveColumn(ses, table, TESTAPI_TEXT, text, sizeof text - 1, NULL, 0, NULL);
    *out = atoi(text);
    return err;
}

static JET_ERR put(JET_SESID ses, JET_TABLEID table, int32_t id, int32_t number) {
    char text[256];
    snprintf(text, sizeof text, "%d %*s", (int)number, number % 200, ".");
    JET_ERR err = testapi_replace(ses, table, id, text);
    return err == JET_errRecordNotFound ? testapi_insert(ses, table, id, text) : err;
}

/* ---- writers, and the reader ---- */

static JET_ERR write_rows(struct client *c) {
    const int32_t n = atomic_load(&started[c->number]) + 1, first = (int32_t)c->number * 1000;
    const int32_t counter = (int32_t)(draw(c) % COUNTERS);
    const JET_GRBIT lazy = draw(c) % 3 ? JET_bitCommitLazyFlush : 0;
    JET_ERR err = JET_errSuccess;
    int32_t count;

    CALL(begin(c, 0));
    CALL(put(c->ses, c->rows, first + n % KEYS, n));
    CALL(get(c->ses, c->counters, counter, &count));
    CALL(put(c->ses, c->counters, counter, count + 1));
    CALL(put(c->ses, c->rows, first + MARKER, n));
    if (draw(c) % 8 == 0)
        return roll_back(c, JET_errSuccess);
    /* From the call on it may be there; if it was refused, it is not. */
    atomic_store(&started[c->number], n);
    err = commit(c, lazy);
    if (err < JET_errSuccess)
        atomic_store(&started[c->number], n - 1);
    CALL(err);
    atomic_store(&acknowledged[c->number], n);
    if (!lazy)
        atomic_store(&durable[c->number], n);
    atomic_fetch_add(&transactions, 1);
    return JET_errSuccess;
cleanup:
    return roll_back(c, err);
}

static void *writer_main(void *client) {
    struct client *c = client;
    bool goes_on = true;
    while (goes_on) {
        goes_on = insist(open_session, c);
        for (unsigned i = 0; goes_on && i < 25; i++)
            goes_on = insist(write_rows, c);
        goes_on = goes_on && insist(end_session, c);
    }
    return NULL;
}

static JET_ERR read_sums(JET_SESID ses, JET_TABLEID rows, JET_TABLEID counters, int32_t *markers, int32_t *counts) {
    JET_ERR err = JET_errSuccess;
    *markers = *counts = 0;
    for (int32_t i = 0, n; i < WRITERS; i++, *markers += n)
        CALL(get(ses, rows, i * 1000 + MARKER, &n));
    for (int32_t i = 0, n; i < COUNTERS; i++, *counts += n)
        CALL(get(ses, counters, i, &n));
cleanup:
    return err;
}

/* Also gets into the way of who deletes a table, by having it open. */
static JET_ERR read_snapshot(struct client *c) {
    JET_ERR err = JET_errSuccess;
    int32_t markers, counts;
    JET_TABLEID table;
    char name[32];

    CALL(begin(c, JET_bitTransactionReadOnly));
    snprintf(name, sizeof name, "extra%d", (int)atomic_load(&acknowledged[SCHEMA]));
    err = JetOpenTable(c->ses, c->db, name, NULL, 0, JET_bitTableReadOnly, &table);
    if (err < JET_errSuccess && !is_others_fault(err))
        goto cleanup;
    CALL(read_sums(c->ses, c->rows, c->counters, &markers, &counts));
    if (markers != counts) {
        fprintf(stderr, "%d transactions, but %d counted\n", markers, counts);
        abort();
    }
    atomic_fetch_add(&snapshots, 1);
cleanup:
    return roll_back(c, err); /* and closes the table */
}

static void *reader_main(void *client) {
    if (insist(open_session, client))
        while (insist(read_snapshot, client))
            ;
    return NULL;
}

/* ---- tables that come and go ---- */

static JET_ERR change_schema(struct client *c) {
    const int32_t n = atomic_load(&started[SCHEMA]) + 1;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLongText};
    JET_ERR err = JET_errSuccess;
    char name[32];
    JET_TABLEID table;
    JET_COLUMNID column;

    snprintf(name, sizeof name, "extra%d", (int)n);
    CALL(begin(c, 0));
    CALL(JetCreateTable(c->ses, c->db, name, 1, 80, &table));
    CALL(JetAddColumn(c->ses, table, "text", &def, NULL, 0, &column));
    for (int i = 0; i < 3; i++) {
        CALL(JetPrepareUpdate(c->ses, table, JET_prepInsert));
        CALL(JetSetColumn(c->ses, table, column, name, sizeof name, 0, NULL));
        CALL(JetUpdate(c->ses, table, NULL, 0, NULL));
    }
    CALL(JetAddColumn(c->ses, table, "more", &def, NULL, 0, &column));
    CALL(JetCloseTable(c->ses, table));
    snprintf(name, sizeof name, "extra%d", (int)n - 1);
    if (n > 1)
        CALL(JetDeleteTable(c->ses, c->db, name));
    CALL(put(c->ses, c->rows, SCHEMA * 1000 + MARKER, n));
    atomic_store(&started[SCHEMA], n);
    err = commit(c, JET_bitCommitLazyFlush);
    if (err < JET_errSuccess)
        atomic_store(&started[SCHEMA], n - 1);
    CALL(err);
    atomic_store(&acknowledged[SCHEMA], n);
    atomic_fetch_add(&schemas, 1);
    return JET_errSuccess;
cleanup:
    return roll_back(c, err);
}

static void *schema_main(void *client) {
    if (insist(open_session, client))
        while (insist(change_schema, client))
            ;
    return NULL;
}

/* ---- a second database, attached for one row at a time ---- */

static JET_ERR attach_and_detach(struct client *c) {
    const int32_t n = atomic_load(&started[SECOND]) + 1;
    JET_ERR err = JET_errSuccess;

    if (!c->ses)
        CALL(JetBeginSession(inst, &c->ses, NULL, NULL));
    if (c->stage == 0)
        CALL(JetAttachDatabase(c->ses, path("b.edb"), 0));
    c->stage = c->stage ? c->stage : 1;
    if (c->stage == 1) {
        if (!c->db)
            CALL(JetOpenDatabase(c->ses, path("b.edb"), NULL, &c->db, 0));
        if (!c->rows)
            CALL(JetOpenTable(c->ses, c->db, "rows", NULL, 0, 0, &c->rows));
        CALL(begin(c, 0));
        CALL(put(c->ses, c->rows, n, n));
        atomic_store(&started[SECOND], n);
        err = commit(c, 0);
        if (err < JET_errSuccess)
            atomic_store(&started[SECOND], n - 1);
        CALL(err);
        atomic_store(&acknowledged[SECOND], n);
        atomic_store(&durable[SECOND], n);
        c->stage = 2;
    }
    if (c->stage == 2) { /* with the session go its cursor and its use of the database */
        CALL(JetEndSession(c->ses, 0));
        *c = (struct client){.number = c->number, .random = c->random, .stage = 3};
        CALL(JetBeginSession(inst, &c->ses, NULL, NULL));
    }
    CALL(JetDetachDatabase(c->ses, path("b.edb")));
    c->stage = 0;
    atomic_fetch_add(&attaches, 1);
    return JET_errSuccess;
cleanup:
    return roll_back(c, err);
}

static void *attach_main(void *client) {
    while (insist(attach_and_detach, client))
        ;
    return NULL;
}

/* ---- backups ---- */

/* An incremental one is refused after the other client truncated the log, or when the set was made without b.edb. */
static JET_ERR back_up(struct client *c) {
    const bool full = draw(c) % 3 == 0;
    JET_ERR err = JetBackupInstance(inst, set, JET_bitBackupAtomic | (full ? 0 : JET_bitBackupIncremental), NULL);
    if (!full && (err == JET_errMissingFullBackup || err == JET_errInvalidLogSequence))
        err = JetBackupInstance(inst, set, JET_bitBackupAtomic, NULL);
    if (err >= JET_errSuccess)
        atomic_fetch_add(&backups, 1);
    return err;
}

static void *backup_main(void *client) {
    while (insist(back_up, client))
        ;
    return NULL;
}

static JET_ERR read_files(const char *names) {
    static _Alignas(4096) char buffer[1 << 16];
    JET_ERR err = JET_errSuccess;
    for (; *names; names += strlen(names) + 1) {
        JET_HANDLE file;
        uint32_t low, high, got;
        CALL(JetOpenFileInstance(inst, names, &file, &low, &high));
        do
            CALL(JetReadFileInstance(inst, file, buffer, sizeof buffer, &got));
        while (got > 0 && (low -= got) > 0);
        CALL(JetCloseFileInstance(inst, file));
    }
cleanup:
    return err;
}

static JET_ERR back_up_file_by_file(struct client *c) {
    static char names[1 << 16];
    JET_ERR err = JET_errSuccess;
    if (c->in_transaction) /* so to say: an earlier try is still open */
        CALL(JetEndExternalBackupInstance2(inst, JET_bitBackupEndAbort));
    c->in_transaction = false;
    CALL(JetBeginExternalBackupInstance(inst, 0));
    c->in_transaction = true;
    CALL(JetGetAttachInfoInstance(inst, names, sizeof names, NULL));
    CALL(read_files(names));
    CALL(JetGetLogInfoInstance(inst, names, sizeof names, NULL));
    CALL(read_files(names));
    CALL(JetTruncateLogInstance(inst));
    CALL(JetEndExternalBackupInstance2(inst, JET_bitBackupEndNormal));
    c->in_transaction = false;
    atomic_fetch_add(&externals, 1);
    return JET_errSuccess;
cleanup:
    if (c->in_transaction && JetEndExternalBackupInstance2(inst, JET_bitBackupEndAbort) != JET_errTermInProgress)
        c->in_transaction = false;
    return err;
}

static void *external_main(void *client) {
    while (insist(back_up_file_by_file, client))
        ;
    return NULL;
}

/* ---- the check ---- */

static void check_writer(struct testapi *t, JET_TABLEID rows, int32_t number, bool dirty) {
    const int32_t low = atomic_load(dirty ? &durable[number] : &acknowledged[number]);
    int32_t n, value;
    CHECK_OK(get(t->ses, rows, number * 1000 + MARKER, &n));
    CU_ASSERT(n >= low && n <= atomic_load(&started[number]));
    for (int32_t k = 0; k < KEYS && number < WRITERS; k++) {
        const int32_t last = n - (n % KEYS - k + KEYS) % KEYS; /* transaction that wrote row k */
        CHECK_OK(get(t->ses, rows, number * 1000 + k, &value));
        CU_ASSERT_EQUAL(value, last > 0 ? last : 0);
    }
    atomic_store(&started[number], n);
    atomic_store(&acknowledged[number], n);
    atomic_store(&durable[number], n);
}

static void check_tables(struct testapi *t, int32_t newest) {
    JET_OBJECTLIST list;
    char name[65], want[32];
    unsigned found = 0;
    snprintf(want, sizeof want, "extra%d", (int)newest);
    CHECK_OK(JetGetObjectInfo(t->ses, t->db, JET_objtypTable, NULL, NULL, &list, sizeof list, JET_ObjInfoListNoStats));
    for (uint32_t i = 0; i < list.cRecord; i++) {
        uint32_t bytes;
        CHECK_OK(JetMove(t->ses, list.tableid, i ? JET_MoveNext : (int32_t)JET_MoveFirst, 0));
        CHECK_OK(
            JetRetrieveColumn(t->ses, list.tableid, list.columnidobjectname, name, sizeof name - 1, &bytes, 0, NULL));
        name[bytes] = 0;
        if (strncmp(name, "extra", 5) == 0) {
            CU_ASSERT_STRING_EQUAL(name, want);
            found++;
        }
    }
    CHECK_OK(JetCloseTable(t->ses, list.tableid));
    CU_ASSERT_EQUAL(found, newest > 0);
    if (newest > 0)
        CU_ASSERT_EQUAL(testapi_count(t->ses, testapi_open(t, want)), 3);
}

static void check_sums(struct testapi *t) {
    int32_t markers, counts;
    CHECK_OK(read_sums(t->ses, testapi_open(t, "rows"), testapi_open(t, "counters"), &markers, &counts));
    CU_ASSERT_EQUAL(markers, counts);
}

/* The instance runs afterwards; its last end was dirty, or not. */
static void restart_and_check(bool dirty) {
    struct testapi t = testapi_start("i"), second;
    inst = t.inst;
    testapi_attach(&t, "a.edb");
    JET_TABLEID rows = testapi_open(&t, "rows");
    for (int32_t i = 0; i < NUMBERS; i++)
        check_writer(&t, rows, i, dirty);
    check_sums(&t);
    check_tables(&t, atomic_load(&started[SCHEMA]));
    second = t;
    testapi_attach(&second, "b.edb");
    const int32_t n = (int32_t)testapi_count(t.ses, rows = testapi_open(&second, "rows"));
    CU_ASSERT(n >= atomic_load(&durable[SECOND]) && n <= atomic_load(&started[SECOND]));
    for (int32_t i = 1, value; i <= n; i++) {
        CHECK_OK(get(t.ses, rows, i, &value));
        CU_ASSERT_EQUAL(value, i);
    }
    atomic_store(&started[SECOND], n);
    CHECK_OK(JetEndSession(t.ses, 0));
}

/* ---- a round ---- */

static void *(*const mains[])(void *) = {writer_main, writer_main, writer_main, reader_main,
                                         schema_main, attach_main, backup_main, external_main};
#define THREADS (sizeof mains / sizeof mains[0])

/* In all ways there are, while the threads are inside. */
static void terminate(unsigned how, unsigned *refused) {
    static const JET_GRBIT ways[] = {JET_bitTermAbrupt, JET_bitTermAbrupt | JET_bitTermStopBackup,
                                     JET_bitTermDirty | JET_bitTermStopBackup, JET_bitTermComplete};
    for (unsigned tries = 0; tries < 20; tries++, ++*refused) {
        JET_ERR err = JetTerm2(inst, ways[how]);
        if (err >= JET_errSuccess)
            return;
        if (err != JET_errBackupInProgress || (ways[how] & JET_bitTermStopBackup))
            CHECK_ERR(err, ways[how] & JET_bitTermComplete ? JET_errTooManyActiveUsers : JET_errSuccess);
        sched_yield();
    }
    CHECK_OK(JetTerm2(inst, JET_bitTermAbrupt | JET_bitTermStopBackup));
}

static bool run_until_it_ends(unsigned how, unsigned *refused) {
    struct client clients[THREADS];
    pthread_t threads[THREADS];
    const unsigned before = atomic_load(&transactions);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.number = i, .random = test_random()};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, mains[i], &clients[i]), 0);
    }
    while (atomic_load(&transactions) - before < TRANSACTIONS)
        sched_yield();
    terminate(how, refused);
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_join(threads[i], NULL), 0);
    return how == 2;
}

static void set_up(void) {
    struct testapi t = testapi_start("i"), second = t;
    snprintf(dir, sizeof dir, "%s", t.dir);
    snprintf(set, sizeof set, "%s", test_path("set"));
    mkdir(set, 0777);
    testapi_create(&t, "a.edb");
    testapi_table(&t, "rows");
    testapi_table(&t, "counters");
    testapi_create(&second, "b.edb");
    testapi_table(&second, "rows");
    CHECK_OK(JetBackupInstance(t.inst, set, JET_bitBackupAtomic, NULL));
    testapi_stop(&t);
}

static void check_backup(void) {
    struct testapi r = testapi_new("restored");
    CHECK_OK(JetRestoreInstance(r.inst, set, r.dir, NULL));
    testapi_run(&r);
    testapi_attach(&r, "a.edb");
    check_sums(&r);
    testapi_stop(&r);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(test_path("restored/a.edb")), 1);
}

static void threads__of_all_kinds_are_cut_by_termination_and_every_row_is_there(void) {
    const char *wanted = getenv("ESENT_STRESS_ROUNDS");
    const unsigned rounds = wanted ? (unsigned)atoi(wanted) : ROUNDS;
    unsigned refused = 0, first = (unsigned)test_random_below(4);
    bool dirty = false;
    set_up();
    for (unsigned round = 0; round < rounds; round++) {
        restart_and_check(dirty);
        dirty = run_until_it_ends((first + round) % 4, &refused);
    }
    restart_and_check(dirty);
    CHECK_OK(JetTerm(inst));
    CU_ASSERT_NOT_EQUAL(test_edbcheck(path("a.edb")), 1);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(path("b.edb")), 1);
    check_backup();
    printf("[%u transactions, %u conflicts, %u snapshots, %u schema changes, %u attaches, %u + %u backups, %u refused, "
           "%u terminations refused] ",
           transactions, conflicts, snapshots, schemas, attaches, backups, externals, turned_away, refused);
    CU_ASSERT(transactions >= rounds * TRANSACTIONS && snapshots > 0 && schemas > 0);
    test_figure("threads", rounds, "terminations", CU_get_number_of_failures(), "wrong");
}

TEST_MAIN(TEST(threads__of_all_kinds_are_cut_by_termination_and_every_row_is_there))
