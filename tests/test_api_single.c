/* Single-instance mode: JetInit without an instance, and what 0 and JET_instanceNil mean then. */
#include <pthread.h>

#include "tests/lib/testapi.h"

static const JET_INSTANCE nils[] = {0, JET_instanceNil};

/* What the one instance will use: in the engine's parameters. */
static void set_engine(const char *name) {
    mkdir(test_path(name), 0777);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, test_path(name)));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFilePath, 0, test_path(name)));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramEventLoggingLevel, 0, NULL));
}

static JET_API_PTR number(JET_INSTANCE instance, uint32_t id) {
    JET_API_PTR value = ~(JET_API_PTR)0;
    CHECK_OK(JetGetSystemParameter(instance, 0, id, &value, NULL, 0));
    return value;
}

/* A session, a database, a row, a backup, the end; all without a handle of the instance. */
static void init__with_null_serves_a_program_that_knows_no_instances(void) {
    struct testapi t = {.ses = JET_sesidNil};
    set_engine("i");
    snprintf(t.dir, sizeof t.dir, "%s", test_path("i"));
    CHECK_OK(JetInit(NULL));
    CU_ASSERT(testapi_exists(test_path("i/edb.log"))); /* the engine's directories */
    CHECK_OK(JetBeginSession(0, &t.ses, NULL, NULL));
    testapi_create(&t, "x.edb");
    testapi_put(&t, testapi_table(&t, "t"), 1, "one");
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackup(test_path("set"), 0, NULL));
    CHECK_OK(JetBackup(NULL, 0, NULL));
    CHECK_ERR(JetBackup(NULL, JET_bitBackupSnapshot, NULL), JET_errInvalidGrbit);
    CHECK_OK(JetTerm(0));

    CHECK_OK(JetInit(NULL));
    CHECK_OK(JetBeginSession(JET_instanceNil, &t.ses, NULL, NULL));
    testapi_attach(&t, "x.edb");
    CU_ASSERT_STRING_EQUAL(testapi_text(t.ses, testapi_open(&t, "t"), 1), "one");
    CHECK_OK(JetStopService());
    CHECK_ERR(JetBackup(NULL, 0, NULL), JET_errClientRequestToStopJetService);
    CHECK_OK(JetTerm2(JET_instanceNil, JET_bitTermComplete));
}

static void init__hands_back_a_handle_that_means_the_same_instance(void) {
    JET_SESID ses;
    set_engine("i");
    for (unsigned i = 0; i < 2; i++) {
        JET_INSTANCE inst = nils[i], again = nils[i];
        CHECK_OK(JetInit2(&inst, 0));
        CU_ASSERT(inst != 0 && inst != JET_instanceNil);
        CHECK_OK(JetBeginSession(inst, &ses, NULL, NULL));
        CHECK_OK(JetBeginSession(nils[i], &ses, NULL, NULL));
        CHECK_ERR(JetInit(NULL), JET_errAlreadyInitialized);
        CHECK_ERR(JetInit(&inst), JET_errAlreadyInitialized);
        CHECK_ERR(JetInit(&again), JET_errAlreadyInitialized);
        CU_ASSERT_EQUAL(again, nils[i]);
        CHECK_OK(JetBackupInstance(nils[i], NULL, 0, NULL));
        CHECK_OK(JetStopServiceInstance(nils[i]));
        CHECK_OK(i ? JetTerm(inst) : JetTerm(0));
        CHECK_ERR(JetTerm(inst), JET_errInvalidInstance);
        CHECK_ERR(JetTerm(0), JET_errNotInitialized);
    }
}

static void parameters__without_an_instance_are_the_engines_before_and_the_instances_after(void) {
    JET_INSTANCE inst = 0;
    set_engine("i");
    JET_API_PTR before = number(0, JET_paramDbExtensionSize);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramMaxSessions, 3, NULL));
    CHECK_OK(JetInit(&inst));
    CU_ASSERT_EQUAL(number(inst, JET_paramMaxSessions), 3);
    CHECK_ERR(JetSetSystemParameter(NULL, 0, JET_paramMaxSessions, 4, NULL), JET_errAlreadyInitialized);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDbExtensionSize, before + 1, NULL));
    CU_ASSERT_EQUAL(number(0, JET_paramDbExtensionSize), before + 1);
    CU_ASSERT_EQUAL(number(inst, JET_paramDbExtensionSize), before + 1);
    CHECK_OK(JetTerm(0));
    CU_ASSERT_EQUAL(number(0, JET_paramDbExtensionSize), before); /* what was the instance's is gone with it */
    CU_ASSERT_EQUAL(number(0, JET_paramMaxSessions), 3);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramMaxSessions, 16, NULL));
}

static void modes__exclude_each_other_until_the_last_instance_ends(void) {
    JET_INSTANCE a = 0, b = 0, nil = 0;
    JET_SESID ses;
    set_engine("i");
    CHECK_OK(JetInit(NULL));
    CHECK_ERR(JetCreateInstance(&a, "a"), JET_errRunningInOneInstanceMode);
    CHECK_ERR(JetCreateInstance2(&a, NULL, NULL, 0), JET_errRunningInOneInstanceMode);
    CU_ASSERT_EQUAL(a, 0);
    CHECK_OK(JetTerm(0));

    CHECK_OK(JetCreateInstance(&a, "a"));
    CHECK_OK(JetCreateInstance(&b, "b"));
    for (unsigned left = 2; left > 0; left--) {
        CHECK_ERR(JetInit(NULL), JET_errRunningInMultiInstanceMode);
        CHECK_ERR(JetInit(&nil), JET_errRunningInMultiInstanceMode);
        CHECK_ERR(JetBackup(test_path("set"), 0, NULL), JET_errRunningInMultiInstanceMode);
        CHECK_ERR(JetStopService(), JET_errRunningInMultiInstanceMode);
        CHECK_ERR(JetBeginSession(0, &ses, NULL, NULL), JET_errInvalidInstance);
        CHECK_ERR(JetTerm(JET_instanceNil), JET_errInvalidInstance);
        CHECK_OK(JetTerm(left == 2 ? a : b));
    }
    CHECK_ERR(JetBackup(test_path("set"), 0, NULL), JET_errNotInitialized);
    CHECK_ERR(JetStopService(), JET_errNotInitialized);
    CHECK_ERR(JetBeginSession(0, &ses, NULL, NULL), JET_errNotInitialized);
    CHECK_OK(JetInit(NULL));
    CHECK_OK(JetTerm(0));
}

/* Or the program could neither set parameters nor try again. */
static void init__that_fails_leaves_no_instance_behind(void) {
    JET_INSTANCE inst = 0;
    set_engine("i");
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, test_path("missing")));
    CHECK_ERR(JetInit(&inst), JET_errInvalidSystemPath);
    CU_ASSERT_EQUAL(inst, 0);
    CHECK_ERR(JetTerm(0), JET_errNotInitialized);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, test_path("i")));
    CHECK_ERR(JetInit2(&inst, JET_bitLogStreamMustExist), JET_errFileNotFound);
    CHECK_OK(JetCreateInstance(&inst, NULL)); /* the mode is open */
    CHECK_OK(JetTerm(inst));
    CHECK_OK(JetInit(NULL));
    CHECK_OK(JetTerm(0));
}

/* ---- many threads ---- */

static pthread_barrier_t together;

static void *init_once(void *err) {
    pthread_barrier_wait(&together);
    *(JET_ERR *)err = JetInit(NULL);
    return NULL;
}

static void init__of_many_threads_starts_one_instance(void) {
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    JET_ERR errs[THREADS];
    set_engine("i");
    for (unsigned round = 0; round < 20; round++) {
        unsigned started = 0;
        pthread_barrier_init(&together, NULL, THREADS);
        for (unsigned i = 0; i < THREADS; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, init_once, &errs[i]), 0);
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            started += errs[i] == JET_errSuccess;
            CU_ASSERT(errs[i] == JET_errSuccess || errs[i] == JET_errInitInProgress ||
                      errs[i] == JET_errAlreadyInitialized);
        }
        pthread_barrier_destroy(&together);
        CU_ASSERT_EQUAL(started, 1);
        CHECK_OK(JetTerm(0));
    }
}

/* test-label: threads */
TEST_MAIN(TEST(init__with_null_serves_a_program_that_knows_no_instances),
          TEST(init__hands_back_a_handle_that_means_the_same_instance),
          TEST(parameters__without_an_instance_are_the_engines_before_and_the_instances_after),
          TEST(modes__exclude_each_other_until_the_last_instance_ends),
          TEST(init__that_fails_leaves_no_instance_behind), TEST(init__of_many_threads_starts_one_instance))
