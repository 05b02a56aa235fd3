/* kill -9 at random moments: no acknowledged commit is lost, nothing rolled back is visible, the file is sound.
 * P2 P4 P5 P6 P7 P8; circular logging on and off in turn. ESENT_KILL_ROUNDS: how many (200). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/killing.h"
#include "tests/lib/test.h"

/* Runs the child until it has begun `work` more transactions, then kills it. work 0: it only recovers. */
static void run_and_kill(struct place *p, uint64_t work) {
    uint64_t target = place_started(p) + work;
    pid_t pid = work ? place_works(p) : place_recovers(p);
    if (!work)
        usleep((useconds_t)test_random_below(20000)); /* somewhere in its recovery, or behind it */
    while (place_started(p) < target && !atomic_load(&p->ledger->error))
        usleep(50);
    place_kill(p, pid);
}

static void kill9__loses_no_acknowledged_commit_and_shows_no_other(void) {
    const char *rounds_text = getenv("ESENT_KILL_ROUNDS");
    unsigned rounds = rounds_text ? (unsigned)atoi(rounds_text) : 200;
    struct place p;
    place_begin(&p);
    for (unsigned round = 0; round < rounds; round++) {
        p.circular = round / 10 % 2;
        workload_tight_cache(round % 3 == 0);
        run_and_kill(&p, 1 + test_random_below(300));
        if (test_random_below(4) == 0) /* recovery itself is killed, too */
            run_and_kill(&p, 0);
        workload_tight_cache(round % 3 == 1);
        p.circular = !p.circular;
        place_check_live(&p, false);
        if (round % 10 == 9)
            CU_ASSERT_TRUE_FATAL(test_edbcheck(p.database) <= 0 && test_check(p.database) == 0);
    }
    printf("kill -9: %u rounds, %llu transactions, 0 lost\n", rounds, (unsigned long long)place_started(&p));
    place_end(&p);
}

TEST_MAIN(TEST(kill9__loses_no_acknowledged_commit_and_shows_no_other))
