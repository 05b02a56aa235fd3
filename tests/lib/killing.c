#define _GNU_SOURCE
#include "tests/lib/killing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

static void start(const struct place *p, JET_INSTANCE *out) {
    CHECK_OK(workload_instance(&p->dirs, p->circular, true, out));
    CHECK_OK(JetInit(out));
    CHECK_OK(workload_attach(*out, p->database));
}

static void read_counts(const _Atomic uint64_t from[WORKERS], uint64_t out[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        out[w] = atomic_load(&from[w]);
}

static void promise(struct set_promise *set, const uint64_t rows[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        atomic_store(&set->rows[w], rows[w]);
    atomic_store(&set->there, true);
}

void place_begin(struct place *p) {
    static const uint64_t none[WORKERS];
    memset(p, 0, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "%s", test_dir());
    snprintf(p->system, sizeof p->system, "%s/system", p->dir);
    snprintf(p->database, sizeof p->database, "%s/a.edb", p->dir);
    snprintf(p->sets[SET_ATOMIC], sizeof p->sets[0], "%s/set", p->dir);
    snprintf(p->sets[SET_PLAIN], sizeof p->sets[0], "%s/plain", p->dir);
    p->dirs = (struct workload_dirs){p->system, p->system, p->database};
    p->ledger = ledger_new();
    p->promises = mmap(NULL, sizeof *p->promises, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(p->promises != MAP_FAILED);
    p->models = calloc(WORKERS, sizeof *p->models);
    p->seed = test_random();
    JET_INSTANCE instance;
    CHECK_OK(workload_instance(&p->dirs, false, true, &instance));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_create(instance, p->database));
    CHECK_OK(JetBackupInstance(instance, p->sets[SET_ATOMIC], JET_bitBackupAtomic, NULL));
    promise(&p->promises->sets[SET_ATOMIC], none);
    CHECK_OK(JetTerm(instance));
}

void place_end(struct place *p) {
    munmap(p->promises, sizeof *p->promises);
    munmap(p->ledger, sizeof *p->ledger);
    free(p->models);
}

uint64_t place_started(const struct place *p) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        sum += atomic_load(&p->ledger->started[w]);
    return sum;
}

/* ---- children ---- */

static void fail_child(struct place *p, JET_ERR err, const char *what) {
    fprintf(stderr, "child: %s gave %d\n", what, (int)err);
    atomic_store(&p->ledger->error, err);
    _exit(1);
}

static JET_INSTANCE child_starts(struct place *p) {
    JET_INSTANCE instance;
    JET_ERR err = workload_instance(&p->dirs, p->circular, true, &instance);
    if (err >= JET_errSuccess)
        err = JetInit(&instance);
    if (err >= JET_errSuccess)
        err = workload_attach(instance, p->database);
    if (err < JET_errSuccess)
        fail_child(p, err, "start");
    return instance;
}

static JET_INSTANCE child_works(struct place *p) {
    uint64_t from[WORKERS];
    read_counts(p->ledger->started, from);
    JET_INSTANCE instance = child_starts(p);
    workload_start(instance, p->database, p->seed, from, p->ledger);
    return instance;
}

static void back_up(struct place *p, JET_INSTANCE instance, unsigned set, bool incremental) {
    uint64_t durable[WORKERS];
    struct set_promise *promised = &p->promises->sets[set];
    JET_GRBIT grbit = (set == SET_ATOMIC ? JET_bitBackupAtomic : 0) | (incremental ? JET_bitBackupIncremental : 0);
    read_counts(p->ledger->durable, durable);
    if (set == SET_PLAIN && !incremental) {
        atomic_store(&promised->there, false);
        test_remove(p->sets[set]);
    }
    atomic_fetch_add(&p->promises->begun, 1);
    JET_ERR err = JetBackupInstance(instance, p->sets[set], grbit, NULL);
    if (err < JET_errSuccess)
        fail_child(p, err, "backup");
    promise(promised, durable);
    atomic_fetch_add(&p->promises->done, 1);
}

static pid_t fork_child(void) {
    fflush(NULL);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    return pid;
}

pid_t place_works(struct place *p) {
    pid_t pid = fork_child();
    if (pid > 0)
        return pid;
    child_works(p);
    workload_join();
    _exit(1);
}

pid_t place_backs_up(struct place *p, uint64_t dice) {
    pid_t pid = fork_child();
    if (pid > 0)
        return pid;
    JET_INSTANCE instance = child_works(p);
    for (;; dice = dice * 6364136223846793005u + 1442695040888963407u)
        back_up(p, instance, SET_ATOMIC, (dice >> 40) % 3 != 0);
}

pid_t place_backs_up_both(struct place *p, uint64_t dice) {
    pid_t pid = fork_child();
    if (pid > 0)
        return pid;
    JET_INSTANCE instance = child_works(p);
    for (unsigned i = 0;; i++)
        back_up(p, instance, dice % SETS, i % 8 != 0 && !p->circular);
}

pid_t place_recovers(struct place *p) {
    pid_t pid = fork_child();
    if (pid > 0)
        return pid;
    child_starts(p);
    for (;;)
        pause();
}

pid_t place_restores(struct place *p) {
    pid_t pid = fork_child();
    if (pid > 0)
        return pid;
    JET_INSTANCE instance;
    JET_ERR err = workload_instance(&p->dirs, false, true, &instance);
    if (err >= JET_errSuccess)
        err = JetRestoreInstance(instance, p->sets[SET_ATOMIC], NULL, NULL);
    if (err < JET_errSuccess)
        fail_child(p, err, "restore");
    _exit(0);
}

void place_kill(struct place *p, pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(atomic_load(&p->ledger->error), 0);
}

/* ---- what must be there ---- */

void place_check_live(struct place *p, bool back_up) {
    JET_INSTANCE instance;
    uint64_t low[WORKERS], high[WORKERS];
    read_counts(p->ledger->durable, low);
    read_counts(p->ledger->started, high);
    start(p, &instance);
    CU_ASSERT_TRUE_FATAL(workload_check(instance, p->database, p->seed, p->models, low, high));
    for (unsigned w = 0; w < WORKERS; w++) {
        atomic_store(&p->ledger->started[w], p->models[w].n);
        atomic_store(&p->ledger->durable[w], p->models[w].n);
    }
    if (back_up) {
        CHECK_OK(JetBackupInstance(instance, p->sets[SET_ATOMIC], JET_bitBackupAtomic, NULL));
        read_counts(p->ledger->durable, low);
        promise(&p->promises->sets[SET_ATOMIC], low);
    }
    CHECK_OK(JetTerm(instance));
}

void place_check_set(struct place *p, unsigned set) {
    char dir[400], system[500], database[500];
    uint64_t low[WORKERS], high[WORKERS];
    JET_INSTANCE instance;
    struct model *models = calloc(WORKERS, sizeof *models);
    snprintf(dir, sizeof dir, "%s/restored", p->dir);
    snprintf(system, sizeof system, "%s/system", dir);
    snprintf(database, sizeof database, "%s/a.edb", dir);
    struct workload_dirs dirs = {system, system, database};
    read_counts(p->promises->sets[set].rows, low);
    read_counts(p->ledger->started, high);
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, p->sets[set], dir, NULL));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, database, p->seed, models, low, high));
    CHECK_OK(JetTerm(instance));
    CU_ASSERT_TRUE_FATAL(test_check(database) <= 0);
    test_remove(dir);
    free(models);
}

void place_restore_in_place(struct place *p) {
    CU_ASSERT_EQUAL_FATAL(unlink(p->database), 0);
    for (uint64_t tries = 1 + test_random_below(2); tries > 0; tries--) {
        pid_t pid = place_restores(p);
        usleep((useconds_t)test_random_below(15000));
        place_kill(p, pid);
    }
    JET_INSTANCE instance;
    CHECK_OK(workload_instance(&p->dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, p->sets[SET_ATOMIC], NULL, NULL));
    CHECK_OK(JetTerm(instance));
}
