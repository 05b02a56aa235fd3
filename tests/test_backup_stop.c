/* Stops and ends that come while a backup begins: none is missed, whichever of the two is first; and those that come
 * from the backup's own callback. test-label: threads */
#include <pthread.h>
#include <sched.h>

#include "api/handles.h"
#include "backup/backup.h"
#include "backup/session.h"
#include "tests/lib/testexternal.h"

static struct api_inst *api_of(const struct script *s) {
    return handle_find(HANDLE_INSTANCE, s->instance, NULL);
}

struct term {
    JET_INSTANCE instance;
    JET_GRBIT grbit;
    JET_ERR err;
};

static void *end_instance(void *context) {
    struct term *term = context;
    term->err = JetTerm2(term->instance, term->grbit);
    return NULL;
}

/* The call of a backup, cut in two: it has entered, JetTerm2 begins, it goes on. */
static void backup__that_has_entered_before_term_does_not_begin_any_more(void) {
    static const JET_GRBIT grbits[] = {JET_bitTermAbrupt, JET_bitTermComplete, JET_bitTermStopBackup,
                                       JET_bitTermDirty | JET_bitTermStopBackup};
    for (unsigned i = 0; i < sizeof grbits / sizeof grbits[0]; i++) {
        struct script s;
        struct api_inst *inst;
        struct backup *external;
        pthread_t thread;
        begin(&s);
        struct term term = {.instance = s.instance, .grbit = grbits[i]};
        CHECK_OK(api_enter_instance(s.instance, 0, &inst));
        const struct backup_options options = {.path = "/set", .stops = atomic_load(&inst->inst->backup_stops)};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, end_instance, &term), 0);
        while (!atomic_load(&inst->terminating)) /* it waits for the call */
            sched_yield();
        CHECK_ERR(backup_run(inst->inst, &options), JET_errTermInProgress);
        CHECK_ERR(backup_begin(inst->inst, BACKUP_FULL, options.stops, true, "", &external), JET_errTermInProgress);
        CU_ASSERT_FALSE(disk_exists("/set"));
        api_leave_instance(inst);
        pthread_join(thread, NULL);
        CHECK_OK(term.err);
        CU_ASSERT_EQUAL(disk_open_files(), 0);
        disk_done();
    }
}

/* Likewise with JetStopBackupInstance between the two. */
static void backup__that_has_entered_before_a_stop_is_stopped(void) {
    struct script s;
    struct backup *external;
    begin(&s);
    struct inst *inst = api_of(&s)->inst;
    const struct backup_options options = {.path = "/set", .stops = atomic_load(&inst->backup_stops)};
    CHECK_OK(JetStopBackupInstance(s.instance));
    CHECK_ERR(backup_run(inst, &options), JET_errBackupAbortByServer);
    CHECK_ERR(backup_begin(inst, BACKUP_FULL, options.stops, true, "", &external), JET_errBackupAbortByServer);
    CU_ASSERT_FALSE(disk_exists("/set"));
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL)); /* not one that comes later */
    end(&s);
}

/* ---- in a status callback ---- */

static struct {
    JET_INSTANCE instance, other; /* other: backed up in the callback of instance's backup */
    unsigned calls;
} meddler;

static void try_to_end(JET_INSTANCE instance, JET_ERR expected) {
    static const JET_GRBIT grbits[] = {JET_bitTermComplete, JET_bitTermAbrupt, JET_bitTermDirty};
    CHECK_ERR(JetTerm(instance), expected);
    CHECK_ERR(JetTerm2(instance, JET_bitTermStopBackup), expected);
    for (unsigned i = 0; i < sizeof grbits / sizeof grbits[0]; i++) {
        CHECK_ERR(JetTerm2(instance, grbits[i]), expected);
        CHECK_ERR(JetTerm2(instance, grbits[i] | JET_bitTermStopBackup), expected);
    }
}

static JET_ERR JET_API end_the_outer_one(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)snt, (void)data;
    meddler.calls++;
    try_to_end(meddler.instance, JET_errBackupInProgress);
    try_to_end(meddler.other, JET_errBackupInProgress);
    return JET_errSuccess;
}

static JET_ERR JET_API meddle(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    JET_INSTANCE instance = meddler.instance;
    (void)session, (void)snt, (void)data;
    meddler.calls++;
    if (snp == JET_snpBackup) {
        try_to_end(instance, JET_errBackupInProgress);
        CHECK_ERR(JetBackupInstance(instance, "/other", 0, meddle), JET_errBackupInProgress);
        CHECK_ERR(JetBackupInstance(instance, NULL, 0, NULL), JET_errBackupInProgress);
        CHECK_ERR(JetBeginExternalBackupInstance(instance, 0), JET_errBackupInProgress);
        CHECK_ERR(JetInit(&instance), JET_errAlreadyInitialized);
        CHECK_ERR(JetRestoreInstance(instance, "/set", NULL, NULL), JET_errAfterInitialization);
        CHECK_OK(JetBackupInstance(meddler.other, NULL, 0, end_the_outer_one));
    } else {
        const bool starts = !meddler.other;
        try_to_end(instance, starts ? JET_errInitInProgress : JET_errRestoreInProgress);
        CHECK_ERR(JetBackupInstance(instance, NULL, 0, NULL),
                  starts ? JET_errBackupNotAllowedYet : JET_errRestoreInProgress);
        CHECK_ERR(JetRestoreInstance(instance, "/set", NULL, NULL),
                  starts ? JET_errInitInProgress : JET_errRestoreInProgress);
    }
    return JET_errSuccess;
}

/* Each call of it waits for itself otherwise. */
static void callback__that_ends_its_instance_is_refused_and_the_backup_goes_on(void) {
    struct script s, other;
    begin(&s);
    script_init(&other, 1, "/other_instance");
    CHECK_OK(script_start(&other));
    memset(&meddler, 0, sizeof meddler);
    meddler.instance = s.instance;
    meddler.other = other.instance;
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, meddle));
    CU_ASSERT_FALSE(disk_exists("/other"));
    CU_ASSERT_TRUE(meddler.calls > 6);
    CHECK_OK(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, meddle));
    CHECK_OK(script_stop(&s, JET_bitTermStopBackup));

    CHECK_OK(script_instance(&s));
    meddler.instance = s.instance;
    CHECK_OK(JetRestoreInstance(s.instance, "/set", NULL, meddle));
    JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = meddle};
    CHECK_OK(script_stop(&other, 0));
    meddler.other = 0;
    CHECK_OK(JetInit3(&s.instance, &info, 0));
    CHECK_OK(JetTerm2(s.instance, JET_bitTermStopBackup));
    CU_ASSERT_EQUAL(disk_open_files(), 0);
    disk_done();
}

/* ---- at any moment ---- */

static _Atomic unsigned calls;

static void *back_up_again_and_again(void *context) {
    const struct script *s = context;
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < 20 && err >= JET_errSuccess; i++) {
        atomic_fetch_add(&calls, 1);
        err = JetBackupInstance(s->instance, "/set", JET_bitBackupAtomic, NULL);
    }
    return (void *)(intptr_t)err;
}

static void term__ends_backups_that_begin_at_the_same_moment(void) {
    for (unsigned round = 0; round < 40; round++) {
        const bool stop = round % 2;
        struct script s;
        pthread_t client;
        void *result;
        JET_ERR err;
        begin(&s);
        atomic_store(&calls, 0);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&client, NULL, back_up_again_and_again, &s), 0);
        while (atomic_load(&calls) < 1 + round % 3)
            sched_yield();
        do
            err = JetTerm2(s.instance, JET_bitTermAbrupt | (stop ? JET_bitTermStopBackup : 0));
        while (err == JET_errBackupInProgress && !stop);
        CHECK_OK(err);
        pthread_join(client, &result);
        err = (JET_ERR)(intptr_t)result;
        CU_ASSERT_TRUE(err == JET_errSuccess || err == JET_errTermInProgress || err == JET_errNotInitialized ||
                       err == JET_errInvalidParameter || (stop && err == JET_errBackupAbortByServer));
        CU_ASSERT_EQUAL(disk_open_files(), 0);
        disk_done();
    }
}

static _Atomic unsigned begun;
static bool keeps; /* each backup until it is stopped; else it ends at once */

static void *begin_and_abort(void *context) {
    const struct script *s = context;
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < 20 && (err >= JET_errSuccess || err == JET_errNoBackup); i++) {
        err = JetBeginExternalBackupInstance(s->instance, 0);
        if (err < JET_errSuccess)
            break;
        atomic_fetch_add(&begun, 1);
        while (keeps && JetGetAttachInfoInstance(s->instance, NULL, 0, NULL) >= JET_errSuccess)
            sched_yield();
        do
            err = JetEndExternalBackupInstance2(s->instance, JET_bitBackupEndAbort);
        while (err == JET_errTermInProgress); /* until JetTerm has refused, or ended it */
    }
    return (void *)(intptr_t)err;
}

static void term__refuses_or_ends_external_backups_that_begin_at_the_same_moment(void) {
    disk_install(test_random());
    for (unsigned round = 0; round < 200; round++) {
        struct script s;
        pthread_t client;
        void *result;
        JET_ERR err;
        const bool stop = round % 2;
        keeps = stop;
        atomic_store(&begun, 0);
        script_init(&s, 1, "/d");
        CHECK_OK(script_start(&s));
        CU_ASSERT_EQUAL_FATAL(pthread_create(&client, NULL, begin_and_abort, &s), 0);
        while (atomic_load(&begun) == 0)
            sched_yield();
        do
            err = JetTerm2(s.instance, JET_bitTermAbrupt | (stop ? JET_bitTermStopBackup : 0));
        while (err == JET_errBackupInProgress && !stop);
        CHECK_OK(err);
        pthread_join(client, &result);
        err = (JET_ERR)(intptr_t)result;
        CU_ASSERT_TRUE(err == JET_errSuccess || err == JET_errTermInProgress || err == JET_errNotInitialized ||
                       err == JET_errInvalidParameter || (stop && err == JET_errNoBackup));
        CU_ASSERT_EQUAL(disk_open_files(), 0);
    }
    disk_done();
}

TEST_MAIN(TEST(backup__that_has_entered_before_term_does_not_begin_any_more),
          TEST(backup__that_has_entered_before_a_stop_is_stopped),
          TEST(callback__that_ends_its_instance_is_refused_and_the_backup_goes_on),
          TEST(term__ends_backups_that_begin_at_the_same_moment),
          TEST(term__refuses_or_ends_external_backups_that_begin_at_the_same_moment))
