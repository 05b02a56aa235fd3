/* A database whose process is killed: children work on it, back it up, recover it and restore it, and are killed with
 * -9; what was acknowledged stands in memory that outlives them, and the parent checks it row by row. */
#ifndef ESENT_TESTS_KILLING_H
#define ESENT_TESTS_KILLING_H

#include <sys/types.h>

#include "tests/lib/workload.h"

enum { SET_ATOMIC, SET_PLAIN, SETS };

struct set_promise {
    _Atomic bool there;             /* a set was acknowledged, and no one has begun to replace it since */
    _Atomic uint64_t rows[WORKERS]; /* that it must hold */
};

struct promises {
    struct set_promise sets[SETS];
    _Atomic uint64_t begun, done; /* backups */
};

struct place {
    char dir[300], system[400], database[420], sets[SETS][400];
    struct workload_dirs dirs;
    bool circular;
    struct ledger *ledger;
    struct promises *promises;
    struct model *models; /* of the live database */
    uint64_t seed;
};

/* In the test's directory: a database with its tables, and an atomic set of it. The instance has ended. */
void place_begin(struct place *p);
void place_end(struct place *p);
uint64_t place_started(const struct place *p); /* transactions, of all workers */

/* Children; each recovers first. They end by place_kill only, except that a restore ends when it is done. */
pid_t place_works(struct place *p);                        /* the workers */
pid_t place_backs_up(struct place *p, uint64_t dice);      /* the workers, and atomic sets one after the other */
pid_t place_backs_up_both(struct place *p, uint64_t dice); /* one full backup of either kind, then increments */
pid_t place_recovers(struct place *p);
pid_t place_restores(struct place *p);
void place_kill(struct place *p, pid_t pid);

/* The parent recovers, and every row is what was acknowledged, or what had begun by then. That is the new beginning.
 * back_up: an atomic full backup, too. */
void place_check_live(struct place *p, bool back_up);
/* The set, restored elsewhere, is what was acknowledged of it. Leaves nothing behind. */
void place_check_set(struct place *p, unsigned set);
/* The database is lost; the atomic set and the log make it again, at the second or third attempt. */
void place_restore_in_place(struct place *p);

#endif
