/* kill -9 at random moments: no acknowledged commit is lost, nothing rolled back is visible, the file is sound.
 * P2 P4 P5 P6 P7 P8; circular logging on and off in turn. ESENT_KILL_ROUNDS: how many (200). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/workload.h"

static uint64_t total(const struct ledger *ledger) {
    uint64_t sum = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        sum += atomic_load(&ledger->started[w]);
    return sum;
}

/* The child: starts the instance (which recovers), works until it is killed. from NULL: it only recovers. */
static void child(const struct workload_dirs *dirs, bool circular, uint64_t seed, const uint64_t *from,
                  struct ledger *ledger) {
    JET_INSTANCE instance;
    if (workload_instance(dirs, circular, true, &instance) < 0 || JetInit(&instance) < 0 ||
        workload_attach(instance, dirs->database) < 0) {
        atomic_store(&ledger->error, -1);
        _exit(1);
    }
    if (from) {
        workload_start(instance, dirs->database, seed, from, ledger);
        workload_join();
        _exit(1);
    }
    for (;;)
        pause();
}

/* Runs the child until it has begun `work` more transactions, then kills it. */
static void run_and_kill(const struct workload_dirs *dirs, bool circular, uint64_t seed, const uint64_t *from,
                         struct ledger *ledger, uint64_t work) {
    uint64_t target = total(ledger) + work;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(dirs, circular, seed, from, ledger);
    if (!from)
        usleep((useconds_t)test_random_below(20000)); /* somewhere in its recovery, or behind it */
    while (total(ledger) < target && !atomic_load(&ledger->error))
        usleep(50);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void check_after(const struct workload_dirs *dirs, bool circular, uint64_t seed, struct model models[WORKERS],
                        struct ledger *ledger) {
    JET_INSTANCE instance;
    uint64_t low[WORKERS], high[WORKERS];
    for (unsigned w = 0; w < WORKERS; w++) {
        low[w] = atomic_load(&ledger->durable[w]);
        high[w] = atomic_load(&ledger->started[w]);
    }
    CHECK_OK(workload_instance(dirs, circular, true, &instance));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, dirs->database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, dirs->database, seed, models, low, high));
    CHECK_OK(JetTerm(instance));
    for (unsigned w = 0; w < WORKERS; w++) { /* what is there now is the new beginning */
        atomic_store(&ledger->started[w], models[w].n);
        atomic_store(&ledger->durable[w], models[w].n);
    }
}

static void kill9__loses_no_acknowledged_commit_and_shows_no_other(void) {
    const char *rounds_text = getenv("ESENT_KILL_ROUNDS");
    unsigned rounds = rounds_text ? (unsigned)atoi(rounds_text) : 200;
    char system[512], database[512];
    snprintf(system, sizeof system, "%s", test_path("system"));
    snprintf(database, sizeof database, "%s", test_path("a.edb"));
    struct workload_dirs dirs = {system, system, database};
    struct ledger *ledger = ledger_new();
    struct model *models = calloc(WORKERS, sizeof *models);
    uint64_t seed = test_random();
    JET_INSTANCE instance;

    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_create(instance, database));
    CHECK_OK(JetTerm(instance));
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t from[WORKERS];
        for (unsigned w = 0; w < WORKERS; w++)
            from[w] = models[w].n;
        bool circular = round / 10 % 2;
        workload_tight_cache(round % 3 == 0);
        run_and_kill(&dirs, circular, seed, from, ledger, 1 + test_random_below(300));
        CU_ASSERT_EQUAL_FATAL(atomic_load(&ledger->error), 0);
        if (test_random_below(4) == 0) /* recovery itself is killed, too */
            run_and_kill(&dirs, circular, seed, NULL, ledger, 0);
        workload_tight_cache(round % 3 == 1);
        check_after(&dirs, !circular, seed, models, ledger);
        if (round % 10 == 9)
            CU_ASSERT_TRUE_FATAL(test_edbcheck(database) <= 0 && test_check(database) == 0);
    }
    printf("kill -9: %u rounds, %llu transactions, 0 lost\n", rounds, (unsigned long long)total(ledger));
    free(models);
}

TEST_MAIN(TEST(kill9__loses_no_acknowledged_commit_and_shows_no_other))
