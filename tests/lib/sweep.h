/* Error sweeps: a scenario runs until the nth call of some kind fails, for n = 1 until it runs clean. Each time: the
 * call that met it returns a documented error; the instance then works on, or says that it is unavailable and keeps to
 * that; it ends; and after a restart every database is in a state between what was acknowledged and what had begun. */
#ifndef ESENT_TESTS_SWEEP_H
#define ESENT_TESTS_SWEEP_H

#include "tests/lib/script.h"

enum sweep_scenario {
    SWEEP_BULK,      /* a large load into an empty database */
    SWEEP_UPDATES,   /* updates, rollbacks, splits, merges, drops; the log rolls; the checkpoint moves */
    SWEEP_CIRCULAR,  /* the same with circular logging */
    SWEEP_EVICTION,  /* a database larger than the cache */
    SWEEP_DATABASES, /* create, detach, attach, clean stop and start */
    SWEEP_FULL,      /* backup, full: it also truncates the log */
    SWEEP_ATOMIC,
    SWEEP_INCREMENTAL,
    SWEEP_RESTORE,
    SWEEP_RECOVERY, /* with a transaction to undo */
    SWEEP_SCENARIOS
};
extern const char *const sweep_names[SWEEP_SCENARIOS];

/* How calls fail. */
struct sweep_fault {
    void (*arm)(uint64_t nth);
    void (*disarm)(void);
    bool (*met)(void);       /* a call has failed since arm() */
    void (*print)(void);     /* which */
    uint64_t (*calls)(void); /* that could have failed since arm() */
    bool (*allowed)(JET_ERR err);
    bool stays;     /* armed until the instance has ended */
    bool power_cut; /* follows, before the restart */
};

/* Every scenario, each with at most `points` values of n, spread over it: what ESENT_ERROR_POINTS says instead (0:
 * all), a tenth under sanitizers. Asserts that nothing is lost or wrong. A figure for ./dev test, and what came of the
 * faults. */
void sweep_all(const struct sweep_fault *fault, unsigned points);

#endif
