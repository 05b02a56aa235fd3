/* Stops that come while a backup begins: none is missed, whichever of the two is first. test-label: threads */
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

/* ---- at any moment ---- */

static _Atomic unsigned calls;

static void *back_up_again_and_again(void *context) {
    const struct script *s = context;
    JET_ERR err = JET_errSuccess;
    while (err >= JET_errSuccess) {
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
        CU_ASSERT_TRUE(err == JET_errTermInProgress || err == JET_errNotInitialized || err == JET_errInvalidParameter ||
                       (stop && err == JET_errBackupAbortByServer));
        CU_ASSERT_EQUAL(disk_open_files(), 0);
        disk_done();
    }
}

TEST_MAIN(TEST(backup__that_has_entered_before_term_does_not_begin_any_more),
          TEST(backup__that_has_entered_before_a_stop_is_stopped),
          TEST(term__ends_backups_that_begin_at_the_same_moment))
