/* A workload whose every state is known: each worker has a table and a stream of transactions that its number and the
 * seed decide. The row of id -1 says how many of them the table holds. The last worker also makes a table in every 16th
 * transaction and deletes the one before, and rolls others back. What was promised stands in a ledger that
 * outlives the process: so whatever is found after a crash or in a restored backup can be checked row by row. */
#ifndef ESENT_TESTS_WORKLOAD_H
#define ESENT_TESTS_WORKLOAD_H

#include <esent.h>
#include <stdatomic.h>
#include <stdbool.h>

#define WORKERS 4
#define WORKLOAD_KEYS 400

struct ledger {                        /* in memory shared with the child */
    _Atomic uint64_t started[WORKERS]; /* transactions that may be in the table */
    _Atomic uint64_t durable[WORKERS]; /* transactions that must be */
    _Atomic bool stop;
    _Atomic int32_t error; /* the first that a worker met and did not expect */
};
struct ledger *ledger_new(void);

struct model { /* of one worker's table after n transactions */
    uint64_t n;
    uint32_t values[WORKLOAD_KEYS]; /* 0: no row */
};
/* Goes on to n (n >= model->n). */
void model_advance(struct model *model, uint64_t seed, unsigned worker, uint64_t n);

struct workload_dirs {
    const char *system, *log, *database;
};
/* An instance with these directories (log: 64 KiB files if small_logs), not started. With small_logs the cache is as
 * small as it gets, too, when `tight` was set: then pages are evicted all the time. */
void workload_tight_cache(bool tight);
JET_ERR workload_instance(const struct workload_dirs *dirs, bool circular, bool small_logs, JET_INSTANCE *out);
/* Makes database and tables; the instance runs. */
JET_ERR workload_create(JET_INSTANCE instance, const char *database);
JET_ERR workload_attach(JET_INSTANCE instance, const char *database);
/* Runs the workers on threads until ledger->stop, each from `from[w]` on. An error ends them all, in ledger->error. */
void workload_start(JET_INSTANCE instance, const char *database, uint64_t seed, const uint64_t from[WORKERS],
                    struct ledger *ledger);
void workload_join(void);
/* Every row of every table is what one moment between low[w] and high[w] transactions made; n[w]: which. Advances the
 * models. Prints the first difference; false then. */
bool workload_check(JET_INSTANCE instance, const char *database, uint64_t seed, struct model models[WORKERS],
                    const uint64_t low[WORKERS], const uint64_t high[WORKERS]);
extern bool workload_quiet;             /* errors of workers are not printed: they are expected */
extern uint64_t workload_rows_compared; /* so far */

#endif
