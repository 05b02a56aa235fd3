/* Backups while four threads write, restored and compared row by row (P10 to P13, P9).
 * test-label: threads */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/workload.h"

struct place {
    char system[512], database[512], backup[512];
    JET_INSTANCE instance;
    struct ledger *ledger;
    struct model *models;
    uint64_t seed;
};

static void place_begin(struct place *p, bool circular) {
    memset(p, 0, sizeof *p);
    snprintf(p->system, sizeof p->system, "%s", test_path("system"));
    snprintf(p->database, sizeof p->database, "%s", test_path("a.edb"));
    snprintf(p->backup, sizeof p->backup, "%s", test_path("backup"));
    p->ledger = ledger_new();
    p->models = calloc(WORKERS, sizeof *p->models);
    p->seed = test_random();
    struct workload_dirs dirs = {p->system, p->system, p->database};
    CHECK_OK(workload_instance(&dirs, circular, true, &p->instance));
    CHECK_OK(JetInit(&p->instance));
    CHECK_OK(workload_create(p->instance, p->database));
}

static void place_work(struct place *p) {
    static const uint64_t from[WORKERS];
    workload_start(p->instance, p->database, p->seed, from, p->ledger);
}

static uint64_t begun(const struct place *p) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        sum += atomic_load(&p->ledger->started[w]);
    return sum;
}

/* Lets the workers begin so many more transactions. */
static void wait_for_work(struct place *p, uint64_t more) {
    uint64_t target = begun(p) + more;
    while (begun(p) < target && !atomic_load(&p->ledger->error))
        usleep(100);
    CU_ASSERT_EQUAL_FATAL(atomic_load(&p->ledger->error), 0);
}

static void place_stop(struct place *p) {
    atomic_store(&p->ledger->stop, true);
    workload_join();
    CU_ASSERT_EQUAL_FATAL(atomic_load(&p->ledger->error), 0);
}

static void place_end(struct place *p) {
    CHECK_OK(JetTerm(p->instance));
    free(p->models);
}

static void durable_now(const struct place *p, uint64_t out[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        out[w] = atomic_load(&p->ledger->durable[w]);
}

static void started_now(const struct place *p, uint64_t out[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        out[w] = atomic_load(&p->ledger->started[w]);
}

/* Restores the set into a fresh place and checks that it is a moment between low and high. */
static void restore_elsewhere_and_check(const struct place *p, const char *name, const uint64_t low[WORKERS],
                                        const uint64_t high[WORKERS]) {
    char system[600], database[600], dir[512];
    JET_INSTANCE instance;
    struct model *models = calloc(WORKERS, sizeof *models);
    snprintf(dir, sizeof dir, "%s", test_path(name));
    snprintf(system, sizeof system, "%s/system", dir);
    snprintf(database, sizeof database, "%s/a.edb", dir);
    struct workload_dirs dirs = {system, system, database};
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, p->backup, dir, NULL));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, database, p->seed, models, low, high));
    CHECK_OK(JetTerm(instance));
    CU_ASSERT_TRUE_FATAL(test_edbcheck(database) <= 0 && test_check(database) == 0);
    free(models);
}

/* The stamps that a database's header has. */
static void get_stamps(const struct place *p, JET_DBINFOMISC *live, JET_DBINFOMISC *file) {
    JET_SESID session;
    JET_DBID db;
    CHECK_OK(JetBeginSession(p->instance, &session, NULL, NULL));
    CHECK_OK(JetOpenDatabase(session, p->database, NULL, &db, 0));
    CHECK_OK(JetGetDatabaseInfo(session, db, live, sizeof *live, JET_DbInfoMisc));
    CHECK_OK(JetGetDatabaseFileInfo(p->database, file, sizeof *file, JET_DbInfoMisc));
    CHECK_OK(JetEndSession(session, 0));
}

static void full_backup__restores_to_a_moment_during_it_with_all_that_was_acknowledged_before(void) {
    struct place p;
    uint64_t low[WORKERS], high[WORKERS];
    JET_DBINFOMISC live, file;
    place_begin(&p, false);
    place_work(&p);
    wait_for_work(&p, 500);
    durable_now(&p, low);
    CHECK_OK(JetBackupInstance(p.instance, p.backup, 0, NULL));
    started_now(&p, high);
    wait_for_work(&p, 200);
    place_stop(&p);
    get_stamps(&p, &live, &file);
    CU_ASSERT_TRUE(live.bkinfoFullPrev.genLow >= 1);
    CU_ASSERT_TRUE(live.bkinfoFullPrev.genHigh >= live.bkinfoFullPrev.genLow);
    CU_ASSERT_EQUAL(memcmp(&live.bkinfoFullPrev, &file.bkinfoFullPrev, sizeof file.bkinfoFullPrev), 0);
    CU_ASSERT_EQUAL(live.bkinfoIncPrev.genHigh, 0);
    restore_elsewhere_and_check(&p, "elsewhere", low, high);
    place_end(&p);
}

static void incremental_backups__bring_the_set_up_to_their_own_moment(void) {
    struct place p;
    uint64_t low[WORKERS], high[WORKERS];
    JET_DBINFOMISC live, file;
    place_begin(&p, false);
    place_work(&p);
    wait_for_work(&p, 300);
    CHECK_OK(JetBackupInstance(p.instance, p.backup, 0, NULL));
    for (unsigned i = 0; i < 3; i++) {
        wait_for_work(&p, 300);
        durable_now(&p, low);
        CHECK_OK(JetBackupInstance(p.instance, p.backup, JET_bitBackupIncremental, NULL));
        started_now(&p, high);
        get_stamps(&p, &live, &file);
        CU_ASSERT_TRUE(live.bkinfoIncPrev.genLow > live.bkinfoFullPrev.genHigh);
        CU_ASSERT_EQUAL(memcmp(&live.bkinfoIncPrev, &file.bkinfoIncPrev, sizeof file.bkinfoIncPrev), 0);
    }
    place_stop(&p);
    restore_elsewhere_and_check(&p, "elsewhere", low, high);
    place_end(&p);
}

static void atomic_backup__replaces_the_set_and_is_found_by_restore(void) {
    struct place p;
    uint64_t low[WORKERS], high[WORKERS];
    struct stat st;
    place_begin(&p, false);
    place_work(&p);
    for (unsigned i = 0; i < 3; i++) {
        wait_for_work(&p, 200);
        durable_now(&p, low);
        CHECK_OK(JetBackupInstance(p.instance, p.backup, JET_bitBackupAtomic, NULL));
        started_now(&p, high);
    }
    place_stop(&p);
    CU_ASSERT_EQUAL(stat(test_path("backup/new/backup.manifest"), &st), 0);
    CU_ASSERT_NOT_EQUAL(stat(test_path("backup/old"), &st), 0);
    CU_ASSERT_NOT_EQUAL(stat(test_path("backup/temp"), &st), 0);
    restore_elsewhere_and_check(&p, "elsewhere", low, high);
    place_end(&p);
}

static void restore__goes_on_with_the_instances_own_logs_to_the_last_commit(void) {
    struct place p;
    uint64_t low[WORKERS], high[WORKERS];
    JET_INSTANCE instance;
    place_begin(&p, false);
    place_work(&p);
    wait_for_work(&p, 300);
    CHECK_OK(JetBackupInstance(p.instance, p.backup, 0, NULL));
    wait_for_work(&p, 300);
    place_stop(&p);
    durable_now(&p, low);
    started_now(&p, high);
    CHECK_OK(JetTerm2(p.instance, JET_bitTermDirty));
    CU_ASSERT_EQUAL_FATAL(unlink(p.database), 0);
    struct workload_dirs dirs = {p.system, p.system, p.database};
    for (unsigned i = 0; i < 2; i++) { /* a restore can be repeated */
        CHECK_OK(workload_instance(&dirs, false, true, &instance));
        CHECK_OK(JetRestoreInstance(instance, p.backup, NULL, NULL));
        CHECK_OK(JetTerm(instance));
    }
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, p.database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, p.database, p.seed, p.models, low, high));
    CHECK_OK(JetTerm(instance));
    CU_ASSERT_TRUE_FATAL(test_edbcheck(p.database) <= 0 && test_check(p.database) == 0);
    free(p.models);
}

static void backups_copy__cannot_be_attached_before_it_is_restored(void) {
    struct place p;
    char copy[600];
    JET_SESID session;
    place_begin(&p, false);
    CHECK_OK(JetBackupInstance(p.instance, p.backup, 0, NULL));
    snprintf(copy, sizeof copy, "%s/a.edb", p.backup);
    CHECK_OK(JetBeginSession(p.instance, &session, NULL, NULL));
    CHECK_ERR(JetAttachDatabase(session, copy, 0), JET_errSoftRecoveryOnBackupDatabase);
    CHECK_OK(JetEndSession(session, 0));
    place_end(&p);
}

static unsigned count_logs(const char *dir) {
    unsigned count = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        count += strlen(e->d_name) == 12 && strncmp(e->d_name, "edb", 3) == 0 && strcmp(e->d_name + 8, ".log") == 0;
    closedir(d);
    return count;
}

static void log_files__grow_until_a_backup_truncates_them(void) {
    struct place p;
    place_begin(&p, false);
    place_work(&p);
    while (count_logs(p.system) < 40 && !atomic_load(&p.ledger->error))
        wait_for_work(&p, 100);
    CHECK_OK(JetBackupInstance(p.instance, p.backup, 0, NULL));
    place_stop(&p);
    /* The checkpoint keeps 256 KiB of log, four files of 64 KiB, and what was being written. */
    CU_ASSERT_TRUE(count_logs(p.system) < 30);
    place_end(&p);
}

static void circular_logging__keeps_the_number_of_files_bounded(void) {
    struct place p;
    unsigned most = 0;
    place_begin(&p, true);
    place_work(&p);
    for (unsigned i = 0; i < 40; i++) {
        wait_for_work(&p, 200);
        unsigned now = count_logs(p.system);
        most = now > most ? now : most;
    }
    place_stop(&p);
    CU_ASSERT_TRUE(most <= 24);
    CHECK_ERR(JetBackupInstance(p.instance, p.backup, JET_bitBackupIncremental, NULL), JET_errInvalidBackup);
    place_end(&p);
}

TEST_MAIN(TEST(full_backup__restores_to_a_moment_during_it_with_all_that_was_acknowledged_before),
          TEST(incremental_backups__bring_the_set_up_to_their_own_moment),
          TEST(atomic_backup__replaces_the_set_and_is_found_by_restore),
          TEST(restore__goes_on_with_the_instances_own_logs_to_the_last_commit),
          TEST(backups_copy__cannot_be_attached_before_it_is_restored),
          TEST(log_files__grow_until_a_backup_truncates_them),
          TEST(circular_logging__keeps_the_number_of_files_bounded))
