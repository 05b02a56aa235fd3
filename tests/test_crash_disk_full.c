/* A disk that is really full, a small tmpfs: under the log, under the database, under a backup. Nothing acknowledged
 * is lost, and work goes on when there is room again. P2 P3 P10. */
#include <stdbool.h>

#include "tests/lib/fulldisk.h"
#include "tests/lib/test.h"

static bool permitted(void) {
    static int state; /* 0: not asked */
    if (!state)
        state = full_disk_begin() ? 1 : 2;
    if (state == 2)
        test_skip("a mount namespace with a tmpfs is not permitted here");
    return state == 1;
}

static void full_disk__under_the_log_and_a_restart_lose_nothing(void) {
    if (permitted())
        full_disk_log(true);
}

static void full_disk__under_the_log_fails_updates_until_there_is_room(void) {
    if (permitted())
        full_disk_log(false);
}

static void full_disk__under_a_database_fails_updates_until_there_is_room(void) {
    if (permitted())
        full_disk_database();
}

static void full_disk__under_a_backup_leaves_the_set_before_it(void) {
    if (permitted())
        full_disk_set();
}

TEST_MAIN(TEST(full_disk__under_the_log_and_a_restart_lose_nothing),
          TEST(full_disk__under_the_log_fails_updates_until_there_is_room),
          TEST(full_disk__under_a_database_fails_updates_until_there_is_room),
          TEST(full_disk__under_a_backup_leaves_the_set_before_it))
