/* kill -9 while backups run, while sessions write, and while a restore runs: the last set that was acknowledged can be
 * restored, and a restore that was cut off can be done again. P9 P10 P13. ESENT_KILL_ROUNDS: how many (30). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/killing.h"
#include "tests/lib/test.h"

static void kill9__leaves_the_last_acknowledged_set_and_a_restore_that_can_be_repeated(void) {
    const char *rounds_text = getenv("ESENT_KILL_ROUNDS");
    unsigned rounds = rounds_text ? (unsigned)atoi(rounds_text) : 30;
    struct place p;
    place_begin(&p);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begun = atomic_load(&p.promises->begun) + 1 + test_random_below(3), dice = test_random();
        pid_t pid = place_backs_up(&p, dice);
        while (atomic_load(&p.promises->begun) < begun && !atomic_load(&p.ledger->error))
            usleep(100);
        usleep((useconds_t)test_random_below(15000));
        place_kill(&p, pid);
        place_check_set(&p, SET_ATOMIC);
        if (round % 3 == 2)
            place_restore_in_place(&p);
        place_check_live(&p, false);
    }
    printf("kill -9: %u rounds, %llu backups begun, %llu done\n", rounds,
           (unsigned long long)atomic_load(&p.promises->begun), (unsigned long long)atomic_load(&p.promises->done));
    place_end(&p);
}

TEST_MAIN(TEST(kill9__leaves_the_last_acknowledged_set_and_a_restore_that_can_be_repeated))
