/* Every allocation is refused, in every scenario, and every start of a thread: once, and from one on for ever. The
 * call says so, nothing is lost; that nothing leaks is seen where LeakSanitizer is (preset asan).
 * ESENT_ERROR_POINTS: how many calls of each scenario and kind at most (0: all).
 * test-wrap: malloc calloc realloc strdup aligned_alloc mmap pthread_create */
#include <stdio.h>

#include "tests/lib/alloc.h"
#include "tests/lib/disk.h"
#include "tests/lib/sweep.h"
#include "tests/lib/test.h"

static void arm_once(uint64_t nth) {
    alloc_fail(nth, false);
}
static void arm_forever(uint64_t nth) {
    alloc_fail(nth, true);
}

static bool is_memory(JET_ERR err) {
    return err == JET_errOutOfMemory || err == JET_errOutOfThreads || err == JET_errInstanceUnavailable ||
           err == JET_errRollbackError || err == JET_errLogWriteFail;
}

static const struct sweep_fault once = {.arm = arm_once,
                                        .disarm = alloc_no_fault,
                                        .met = alloc_failed,
                                        .print = alloc_print,
                                        .calls = alloc_calls,
                                        .allowed = is_memory},
                                forever = {.arm = arm_forever,
                                           .disarm = alloc_no_fault,
                                           .met = alloc_failed,
                                           .print = alloc_print,
                                           .calls = alloc_calls,
                                           .allowed = is_memory,
                                           .stays = true};

static void allocation__that_is_refused_once_loses_nothing(void) {
    sweep_all(&once, 150);
}
static void allocations__that_are_refused_for_ever_lose_nothing(void) {
    sweep_all(&forever, 60);
}

TEST_MAIN(TEST(allocation__that_is_refused_once_loses_nothing),
          TEST(allocations__that_are_refused_for_ever_lose_nothing))
