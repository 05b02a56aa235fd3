/* The power goes off at every change that a scenario makes to the disk, and again while it comes back: what was
 * acknowledged is there, and nothing else. P1 P2 P4 P5 P6 P7 P8 P9. test_crash_power_backup.c has the other scenarios.
 * ESENT_POWER_CUTS: states of each scenario (1200). */
#include "tests/lib/powertest.h"

static void power_cut__during_bulk_load_loses_nothing(void) {
    power_cuts("bulk load");
    power_cuts("bulk load, circular");
}
static void power_cut__among_sessions_that_commit_and_roll_back_loses_nothing(void) {
    power_cuts("sessions");
}
static void power_cut__during_splits_merges_and_table_drops_loses_nothing(void) {
    power_cuts("splits and merges");
}
static void power_cut__during_rollback_leaves_nothing_of_the_transaction(void) {
    power_cuts("rollback");
}
/* P6 */
static void power_cut__during_undo_after_a_crash_leaves_nothing_of_the_transactions(void) {
    power_cuts("undo");
}
static void power_cut__while_log_files_roll_loses_nothing(void) {
    power_cuts("logs");
    power_cuts("logs, circular");
}
static void power_cut__while_databases_are_made_attached_and_detached_loses_nothing(void) {
    power_cuts("files");
}
/* P7 */
static void power_cut__while_the_checkpoint_moves_loses_nothing(void) {
    power_cuts("checkpoint");
}

/* P4 P6 */
static void power_cut__during_recovery_loses_nothing(void) {
    power_cuts("recovery");
}
/* P1 */
static void power_cut__while_pages_are_evicted_loses_nothing(void) {
    power_cuts("eviction");
    power_cuts("eviction, redo");
}

static void same_seed__makes_the_same_changes_in_the_same_order(void) {
    for (unsigned i = 0; i < torture_count(); i++) {
        const uint64_t seed = test_random();
        uint64_t digests[2];
        for (unsigned k = 0; k < 2; k++) {
            struct torture *t = torture_play(i, seed);
            CU_ASSERT_PTR_NOT_NULL_FATAL(t);
            digests[k] = torture_digest(t);
            torture_free(t);
        }
        if (strncmp(torture_name(i), "threads", 7) != 0 && digests[0] != digests[1]) {
            printf("\n    %s, seed %llu ", torture_name(i), (unsigned long long)seed);
            CU_FAIL("not the same changes");
        }
    }
}

TEST_MAIN(TEST(power_cut__during_bulk_load_loses_nothing),
          TEST(power_cut__among_sessions_that_commit_and_roll_back_loses_nothing),
          TEST(power_cut__during_splits_merges_and_table_drops_loses_nothing),
          TEST(power_cut__during_rollback_leaves_nothing_of_the_transaction),
          TEST(power_cut__during_undo_after_a_crash_leaves_nothing_of_the_transactions),
          TEST(power_cut__while_log_files_roll_loses_nothing),
          TEST(power_cut__while_databases_are_made_attached_and_detached_loses_nothing),
          TEST(power_cut__while_the_checkpoint_moves_loses_nothing), TEST(power_cut__during_recovery_loses_nothing),
          TEST(power_cut__while_pages_are_evicted_loses_nothing),
          TEST(same_seed__makes_the_same_changes_in_the_same_order))
