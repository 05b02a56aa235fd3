/* Every call to the disk fails, in every scenario: once, for ever, because the disk is full, or as a sync that loses
 * what it should have made durable. P2 P3 P10 P13.
 * ESENT_ERROR_POINTS: how many calls of each scenario and kind at most (0: all). */
#include <stdio.h>

#include "tests/lib/disk.h"
#include "tests/lib/sweep.h"
#include "tests/lib/test.h"

static void arm_once(uint64_t nth) {
    disk_fault((struct disk_fault){.nth = nth, .error = JET_errDiskIO, .all_threads = true});
}
static void arm_forever(uint64_t nth) {
    disk_fault((struct disk_fault){.nth = nth, .error = JET_errDiskIO, .all_threads = true, .forever = true});
}
static void arm_full(uint64_t nth) {
    disk_fault((struct disk_fault){.nth = nth, .error = JET_errDiskFull, .needs_room = true, .all_threads = true});
}
static void arm_full_forever(uint64_t nth) {
    disk_fault((struct disk_fault){
        .nth = nth, .error = JET_errDiskFull, .needs_room = true, .all_threads = true, .forever = true});
}
static void arm_sync(uint64_t nth) {
    disk_fault((struct disk_fault){.nth = nth, .error = JET_errDiskIO, .all_threads = true, .loses = true});
}

static bool failed(void) {
    return disk_failed() != NULL;
}
static void print(void) {
    fprintf(stderr, "    %s failed\n", disk_failed() ? disk_failed() : "nothing");
}

static bool is_common(JET_ERR err) {
    return err == JET_errInstanceUnavailable || err == JET_errRollbackError || err == JET_errLogWriteFail ||
           err == JET_errMakeBackupDirectoryFail || err == JET_errDeleteBackupFileFail;
}
static bool is_io(JET_ERR err) {
    return err == JET_errDiskIO || is_common(err);
}
static bool is_full(JET_ERR err) {
    return err == JET_errDiskFull || err == JET_errLogDiskFull ||
           err == JET_errInstanceUnavailableDueToFatalLogDiskFull || is_common(err);
}

static const struct sweep_fault io_once = {.arm = arm_once,
                                           .disarm = disk_no_fault,
                                           .met = failed,
                                           .print = print,
                                           .calls = disk_fault_calls,
                                           .allowed = is_io};
static const struct sweep_fault io_forever = {.arm = arm_forever,
                                              .disarm = disk_no_fault,
                                              .met = failed,
                                              .print = print,
                                              .calls = disk_fault_calls,
                                              .allowed = is_io,
                                              .stays = true};
static const struct sweep_fault full_once = {.arm = arm_full,
                                             .disarm = disk_no_fault,
                                             .met = failed,
                                             .print = print,
                                             .calls = disk_fault_calls,
                                             .allowed = is_full};
static const struct sweep_fault full_forever = {.arm = arm_full_forever,
                                                .disarm = disk_no_fault,
                                                .met = failed,
                                                .print = print,
                                                .calls = disk_fault_calls,
                                                .allowed = is_full,
                                                .stays = true};
static const struct sweep_fault sync_loses = {.arm = arm_sync,
                                              .disarm = disk_no_fault,
                                              .met = failed,
                                              .print = print,
                                              .calls = disk_fault_calls,
                                              .allowed = is_io,
                                              .power_cut = true};

static void call__that_fails_once_loses_nothing(void) {
    sweep_all(&io_once, 100);
}
static void calls__that_fail_for_ever_lose_nothing(void) {
    sweep_all(&io_forever, 60);
}
static void disk__that_is_full_once_loses_nothing(void) {
    sweep_all(&full_once, 60);
}
static void disk__that_stays_full_loses_nothing(void) {
    sweep_all(&full_forever, 60);
}
static void sync__that_fails_and_loses_its_data_loses_nothing_acknowledged(void) {
    sweep_all(&sync_loses, 60);
}

TEST_MAIN(TEST(call__that_fails_once_loses_nothing), TEST(calls__that_fail_for_ever_lose_nothing),
          TEST(disk__that_is_full_once_loses_nothing), TEST(disk__that_stays_full_loses_nothing),
          TEST(sync__that_fails_and_loses_its_data_loses_nothing_acknowledged))
