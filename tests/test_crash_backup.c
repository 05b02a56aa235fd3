/* kill -9 while backups run, while sessions write, and while a restore runs: the last set that was acknowledged can be
 * restored, and a restore that was cut off can be done again. P9 P10 P13. ESENT_KILL_ROUNDS: how many (30). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/workload.h"

/* What backups promised, in memory shared with the children. */
struct promises {
    _Atomic uint64_t rows[WORKERS]; /* that the last set acknowledged must hold */
    _Atomic uint64_t begun, done;   /* backups */
};

struct place {
    char system[400], database[420], set[400];
    struct workload_dirs dirs;
    struct ledger *ledger;
    struct promises *promises;
    struct model *models; /* of the live database */
    uint64_t seed;
};

static void place_begin(struct place *p) {
    memset(p, 0, sizeof *p);
    snprintf(p->system, sizeof p->system, "%s", test_path("system"));
    snprintf(p->database, sizeof p->database, "%s", test_path("a.edb"));
    snprintf(p->set, sizeof p->set, "%s", test_path("set"));
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
    CHECK_OK(JetBackupInstance(instance, p->set, JET_bitBackupAtomic, NULL));
    CHECK_OK(JetTerm(instance));
}

static void place_end(struct place *p) {
    munmap(p->promises, sizeof *p->promises);
    free(p->models);
}

static void read_counts(const _Atomic uint64_t from[WORKERS], uint64_t out[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        out[w] = atomic_load(&from[w]);
}

/* ---- children ---- */

static void fail_child(struct place *p, JET_ERR err, const char *what) {
    fprintf(stderr, "child: %s gave %d\n", what, (int)err);
    atomic_store(&p->ledger->error, err);
    _exit(1);
}

static void child_works(struct place *p, uint64_t dice) {
    JET_INSTANCE instance;
    uint64_t from[WORKERS], durable[WORKERS];
    read_counts(p->ledger->started, from);
    JET_ERR err = workload_instance(&p->dirs, false, true, &instance);
    if (err >= JET_errSuccess)
        err = JetInit(&instance);
    if (err >= JET_errSuccess)
        err = workload_attach(instance, p->database);
    if (err < JET_errSuccess)
        fail_child(p, err, "start");
    workload_start(instance, p->database, p->seed, from, p->ledger);
    for (;; dice = dice * 6364136223846793005u + 1442695040888963407u) {
        read_counts(p->ledger->durable, durable);
        atomic_fetch_add(&p->promises->begun, 1);
        err = JetBackupInstance(instance, p->set,
                                JET_bitBackupAtomic | ((dice >> 40) % 3 ? JET_bitBackupIncremental : 0), NULL);
        if (err < JET_errSuccess)
            fail_child(p, err, "backup");
        for (unsigned w = 0; w < WORKERS; w++)
            atomic_store(&p->promises->rows[w], durable[w]);
        atomic_fetch_add(&p->promises->done, 1);
    }
}

static void child_restores(struct place *p) {
    JET_INSTANCE instance;
    JET_ERR err = workload_instance(&p->dirs, false, true, &instance);
    if (err >= JET_errSuccess)
        err = JetRestoreInstance(instance, p->set, NULL, NULL);
    if (err < JET_errSuccess)
        fail_child(p, err, "restore");
    _exit(0);
}

/* Lets a child go on for a while after something has begun, then kills it. */
static void kill_soon(struct place *p, pid_t pid, uint64_t begun) {
    while (atomic_load(&p->promises->begun) < begun && !atomic_load(&p->ledger->error))
        usleep(100);
    usleep((useconds_t)test_random_below(15000));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(atomic_load(&p->ledger->error), 0);
}

/* ---- what must be there ---- */

static void check_set(const struct place *p, unsigned round) {
    char name[32], dir[400], system[500], database[500];
    uint64_t low[WORKERS], high[WORKERS];
    JET_INSTANCE instance;
    struct model *models = calloc(WORKERS, sizeof *models);
    snprintf(name, sizeof name, "restored%u", round);
    snprintf(dir, sizeof dir, "%s", test_path(name));
    snprintf(system, sizeof system, "%s/system", dir);
    snprintf(database, sizeof database, "%s/a.edb", dir);
    struct workload_dirs dirs = {system, system, database};
    read_counts(p->promises->rows, low);
    read_counts(p->ledger->started, high);
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, p->set, dir, NULL));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, database, p->seed, models, low, high));
    CHECK_OK(JetTerm(instance));
    CU_ASSERT_TRUE_FATAL(test_check(database) <= 0);
    free(models);
}

static void check_live(struct place *p) {
    uint64_t low[WORKERS], high[WORKERS];
    JET_INSTANCE instance;
    read_counts(p->ledger->durable, low);
    read_counts(p->ledger->started, high);
    CHECK_OK(workload_instance(&p->dirs, false, true, &instance));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, p->database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, p->database, p->seed, p->models, low, high));
    CHECK_OK(JetTerm(instance));
    for (unsigned w = 0; w < WORKERS; w++) {
        atomic_store(&p->ledger->started[w], p->models[w].n);
        atomic_store(&p->ledger->durable[w], p->models[w].n);
    }
}

/* The database is lost; the set and the log make it again, at the second or third attempt. */
static void restore_in_place(struct place *p) {
    CU_ASSERT_EQUAL_FATAL(unlink(p->database), 0);
    for (uint64_t tries = 1 + test_random_below(2); tries > 0; tries--) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            child_restores(p);
        kill_soon(p, pid, 0);
    }
    JET_INSTANCE instance;
    CHECK_OK(workload_instance(&p->dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, p->set, NULL, NULL));
    CHECK_OK(JetTerm(instance));
}

static void kill9__leaves_the_last_acknowledged_set_and_a_restore_that_can_be_repeated(void) {
    const char *rounds_text = getenv("ESENT_KILL_ROUNDS");
    unsigned rounds = rounds_text ? (unsigned)atoi(rounds_text) : 30;
    struct place p;
    place_begin(&p);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begun = atomic_load(&p.promises->begun) + 1 + test_random_below(3), dice = test_random();
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            child_works(&p, dice);
        kill_soon(&p, pid, begun);
        check_set(&p, round);
        if (round % 3 == 2)
            restore_in_place(&p);
        check_live(&p);
    }
    printf("kill -9: %u rounds, %llu backups begun, %llu done\n", rounds,
           (unsigned long long)atomic_load(&p.promises->begun), (unsigned long long)atomic_load(&p.promises->done));
    place_end(&p);
}

TEST_MAIN(TEST(kill9__leaves_the_last_acknowledged_set_and_a_restore_that_can_be_repeated))
