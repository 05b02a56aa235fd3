/* Who hears of events, and what he may do: the program's callback, the parameters that choose, syslog. */
#include <stdarg.h>
#include <syslog.h>

#include "tests/lib/testapi.h"
#include "tests/lib/testevents.h"

static JET_ERR refuse(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    return snt == JET_sntProgress ? JET_errCallbackFailed : JET_errSuccess;
}

/* ---- the callback ---- */

static void count(const JET_EVENTINFO *event, void *context) {
    CU_ASSERT(event->cbStruct == sizeof *event && event->idEvent > 0);
    ++*(unsigned *)context;
}

static void callback__is_the_instances_or_the_engines_and_set_before_the_start(void) {
    enum { HEIR, OWN, DEAF, LATE, INSTANCES };
    unsigned counts[INSTANCES] = {0};
    struct testapi t[INSTANCES];
    CHECK_OK(JetSetEventCallback(0, count, &counts[HEIR]));
    t[HEIR] = testapi_new("heir");
    t[OWN] = testapi_new("own");
    t[DEAF] = testapi_new("deaf");
    CHECK_OK(JetSetEventCallback(JET_instanceNil, NULL, NULL));
    t[LATE] = testapi_new("late");
    CHECK_OK(JetSetEventCallback(t[OWN].inst, count, &counts[OWN]));
    CHECK_OK(JetSetEventCallback(t[DEAF].inst, NULL, NULL));
    for (unsigned i = 0; i < INSTANCES; i++) {
        unsigned before = counts[HEIR] + counts[OWN], own = counts[i];
        CHECK_OK(JetSetSystemParameter(&t[i].inst, 0, JET_paramEventLoggingLevel, 100, NULL));
        testapi_run(&t[i]);
        CHECK_ERR(JetSetEventCallback(t[i].inst, count, NULL), JET_errAlreadyInitialized);
        testapi_stop(&t[i]);
        CHECK_ERR(JetSetEventCallback(t[i].inst, count, NULL), JET_errInvalidInstance);
        CU_ASSERT_EQUAL(counts[i] > own, i == HEIR || i == OWN);
        CU_ASSERT_EQUAL(counts[HEIR] + counts[OWN] - before, counts[i] - own); /* and nobody else */
    }
}

static unsigned heard_with(uint32_t level, bool no_information) {
    struct testapi t = testapi_listening("i", testevents_hear);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramEventLoggingLevel, level, NULL));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramNoInformationEvent, no_information, NULL));
    testevents_forget();
    testapi_run(&t);
    CHECK_ERR(JetAttachDatabase(t.ses, testapi_path(&t, "none.edb"), 0), JET_errFileNotFound);
    mkdir(test_path("none"), 0777);
    CHECK_ERR(JetBackupInstance(t.inst, test_path("none"), 0, refuse), JET_errCallbackFailed);
    testapi_stop(&t);
    return testevents_count();
}

static void parameters__decide_what_is_heard(void) {
    CU_ASSERT_EQUAL(heard_with(JET_EventLoggingDisable, false), 0);
    CU_ASSERT(heard_with(JET_EventLoggingLevelMin, false) > 0);
    CU_ASSERT_TRUE(testevents_was_heard(214)); /* the error */
    CU_ASSERT_FALSE(testevents_was_heard(102) || testevents_was_heard(210) || testevents_was_heard(103));
    CU_ASSERT(heard_with(JET_EventLoggingLevelMax, true) > 0);
    CU_ASSERT_FALSE(testevents_was_heard(102) || testevents_was_heard(210) || testevents_was_heard(103));
    CU_ASSERT(heard_with(JET_EventLoggingLevelMax, false) > 0);
    CU_ASSERT_TRUE(testevents_was_heard(102) && testevents_was_heard(210) && testevents_was_heard(214) &&
                   testevents_was_heard(103));
}

/* What a callback that does what it must not gets, by event: of a backup, a session, the end, a start, a restore;
 * behind these, of what needs no instance. */
enum { TRIES = 10 };
static struct {
    uint32_t id;
    JET_ERR errs[TRIES];
} tried[256];
static unsigned tried_count;
static JET_SESID tried_session;

static void meddle(const JET_EVENTINFO *event, void *context) {
    JET_INSTANCE inst = event->instance;
    JET_SESID ses;
    char dir[512];
    JET_RSTMAP map = {dir, dir};
    (void)context;
    snprintf(dir, sizeof dir, "%s", test_path("set"));
    if (tried_count == sizeof tried / sizeof tried[0])
        return;
    tried[tried_count].id = event->idEvent;
    JET_ERR errs[TRIES] = {JetBackupInstance(inst, NULL, 0, NULL),
                           JetBeginSession(inst, &ses, NULL, NULL),
                           JetTerm(inst),
                           JetInit(&inst),
                           JetRestoreInstance(inst, test_path("set"), NULL, NULL),
                           JetBeginTransaction(tried_session),
                           JetStopServiceInstance(inst),
                           JetInit(NULL),
                           JetRestore(test_path("set"), NULL),
                           JetExternalRestore(dir, dir, &map, 1, dir, 0, 0, NULL)};
    memcpy(tried[tried_count++].errs, errs, sizeof errs);
}

static const JET_ERR *tried_at(uint32_t id) {
    for (unsigned i = 0; i < tried_count; i++)
        if (tried[i].id == id)
            return tried[i].errs;
    fprintf(stderr, "event %u was not heard\n", id);
    CU_FAIL_FATAL("event");
    return NULL;
}

static void callback__that_calls_the_engine_is_refused_and_blocks_nobody(void) {
    tried_count = 0;
    tried_session = 0;
    struct testapi t = testapi_listening("i", testevents_hear);
    CHECK_OK(JetSetEventCallback(t.inst, meddle, NULL));
    testapi_run(&t);
    CHECK_OK(JetBeginSession(t.inst, &tried_session, NULL, NULL)); /* idle */
    testapi_create(&t, "x.edb");
    testapi_fill(&t, testapi_table(&t, "t"), 1, 2000);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    CHECK_OK(JetTerm(t.inst));

    struct testapi r = testapi_listening("r", testevents_hear);
    CHECK_OK(JetSetEventCallback(r.inst, meddle, NULL));
    CHECK_OK(JetRestoreInstance(r.inst, test_path("set"), r.dir, NULL));
    CHECK_OK(JetTerm(r.inst));

    CU_ASSERT_EQUAL(tried_at(102)[0], JET_errBackupNotAllowedYet);
    CU_ASSERT_EQUAL(tried_at(102)[1], JET_errInitInProgress);
    for (unsigned k = 0; k < TRIES; k++)
        CU_ASSERT_EQUAL(tried_at(210)[k], JET_errInvalidOperation);
    CU_ASSERT_EQUAL(tried_at(326)[5], JET_errInvalidOperation);
    CU_ASSERT_EQUAL(tried_at(103)[0], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[1], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[2], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[3], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(204)[0], JET_errRestoreInProgress);
    CU_ASSERT_EQUAL(tried_at(204)[4], JET_errRestoreInProgress);
    for (unsigned i = 0; i < tried_count; i++)
        for (unsigned k = 0; k < TRIES; k++)
            CU_ASSERT(tried[i].errs[k] < JET_errSuccess);

    JET_INSTANCE next; /* the thread may enter again */
    CHECK_OK(JetCreateInstance(&next, "next"));
    CHECK_OK(JetTerm(next));
}

/* ---- syslog ---- */

static char logged[512][3000];
static int logged_priority[512];
static unsigned logged_count, logs_opened;

/* In front of libc's. */
void syslog(int priority, const char *format, ...) {
    va_list args;
    if (logged_count == sizeof logged / sizeof logged[0])
        return;
    logged_priority[logged_count] = priority;
    va_start(args, format);
    vsnprintf(logged[logged_count++], sizeof logged[0], format, args);
    va_end(args);
}

void openlog(const char *ident, int option, int facility) {
    (void)ident, (void)option, (void)facility;
    logs_opened++;
}

static unsigned find_logged(const char *begin) {
    for (unsigned i = 0; i < logged_count; i++)
        if (strncmp(logged[i], begin, strlen(begin)) == 0)
            return i;
    fprintf(stderr, "syslog was not told \"%s...\"\n", begin);
    CU_FAIL_FATAL("syslog");
    return 0;
}

static void syslog__gets_source_instance_number_and_priority(void) {
    JET_INSTANCE inst;
    struct testapi t = {.ses = JET_sesidNil};
    snprintf(t.dir, sizeof t.dir, "%s", test_path("i"));
    mkdir(t.dir, 0777);
    logged_count = logs_opened = 0;
    CHECK_OK(JetCreateInstance2(&inst, "technical", "till 3", 0));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramLogFilePath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramEventSource, 0, "shop"));
    CHECK_OK(JetInit(&inst));
    mkdir(test_path("set"), 0777);
    CHECK_ERR(JetBackupInstance(inst, test_path("set"), 0, refuse), JET_errCallbackFailed);
    CHECK_OK(JetTerm(inst));
    CU_ASSERT_EQUAL(logged_priority[find_logged("shop: till 3: event 102: ")], LOG_DAEMON | LOG_INFO);
    CU_ASSERT_EQUAL(logged_priority[find_logged("shop: till 3: event 214: ")], LOG_DAEMON | LOG_ERR);

    logged_count = 0;
    CHECK_OK(JetCreateInstance(&inst, NULL));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramLogFilePath, 0, t.dir));
    CHECK_OK(JetInit(&inst));
    CHECK_OK(JetTerm(inst));
    find_logged("ESENT: event 103: ");
    CU_ASSERT_EQUAL(logs_opened, 0); /* the identity is the program's */
}

TEST_MAIN(TEST(callback__is_the_instances_or_the_engines_and_set_before_the_start),
          TEST(parameters__decide_what_is_heard), TEST(callback__that_calls_the_engine_is_refused_and_blocks_nobody),
          TEST(syslog__gets_source_instance_number_and_priority))
