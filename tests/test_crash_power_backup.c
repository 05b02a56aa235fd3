/* As test_crash_power.c: scenarios with backups and restores, and one with the engine's own threads.
 * P1 P7 P9 P10 P13. */
#include "tests/lib/powertest.h"

/* P10 */
static void power_cut__during_a_backup_leaves_whole_sets_or_none(void) {
    power_cuts("backup");
    power_cuts("backup, incremental");
}
/* P9 */
static void power_cut__during_truncation_loses_nothing(void) {
    power_cuts("truncation");
}
/* P13 */
static void power_cut__during_a_restore_lets_it_be_repeated(void) {
    power_cuts("restore elsewhere");
    power_cuts("restore in place");
}
static void power_cut__while_checkpointer_and_log_thread_run_loses_nothing(void) {
    power_cuts("threads");
}

TEST_MAIN(TEST(power_cut__during_a_backup_leaves_whole_sets_or_none), TEST(power_cut__during_truncation_loses_nothing),
          TEST(power_cut__during_a_restore_lets_it_be_repeated),
          TEST(power_cut__while_checkpointer_and_log_thread_run_loses_nothing))
