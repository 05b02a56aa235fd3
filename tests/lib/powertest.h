/* What test_crash_power.c and test_crash_power_backup.c share. */
#ifndef ESENT_TESTS_POWERTEST_H
#define ESENT_TESTS_POWERTEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk.h"
#include "tests/lib/test.h"
#include "tests/lib/torture.h"

static inline uint64_t power_cut_states(void) {
    const char *text = getenv("ESENT_POWER_CUTS");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return text ? strtoull(text, NULL, 0) : 120;
#else
    return text ? strtoull(text, NULL, 0) : 1200;
#endif
}

/* The checker that shares no code with us. */
static inline void check_with_python(unsigned scenario, uint64_t seed) {
    const char *path = test_path("copy.edb");
    struct torture *t = torture_play(scenario, seed);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_TRUE_FATAL(torture_cut(t, 1 + test_random_below(torture_changes(t)), 0));
    if (disk_exists("/d/data/a.edb")) {
        disk_export("/d/data/a.edb", path);
        CU_ASSERT_TRUE(test_edbcheck(path) <= 0);
    }
    torture_free(t);
}

static inline void power_cuts(const char *name) {
    const uint64_t states = power_cut_states();
    const unsigned scenario = torture_find(name);
    struct torture_counts counts = {0};
    CU_ASSERT_FATAL(scenario < torture_count());
    while (counts.states < states && counts.lost == 0)
        torture_sweep(scenario, test_random(), states - counts.states, &counts);
    test_figure("power cut", counts.states, "states", counts.lost, "lost");
    printf("    %s; %llu more cuts while they came back\n", name, (unsigned long long)counts.nested);
    CU_ASSERT_EQUAL_FATAL(counts.lost, 0);
    check_with_python(scenario, test_random());
}

#endif
