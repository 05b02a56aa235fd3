/* Power cuts. A scenario is played once from a seed, on a disk that records every change; then the power goes off at
 * any of them, something is lost, and what comes back is checked against what was acknowledged before that change.
 *
 *     struct torture *t = torture_play(torture_find("backup"), seed);
 *     good = torture_cut(t, 17, 0);        at change 17, draw 0 of what is lost
 *     torture_free(t);
 *
 * The same scenario, seed, cut and draw are the same state, except in scenarios whose name begins with "threads". */
#ifndef ESENT_TESTS_TORTURE_H
#define ESENT_TESTS_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

struct torture;

unsigned torture_count(void); /* of scenarios */
const char *torture_name(unsigned scenario);
unsigned torture_find(const char *name); /* torture_count(): there is none */

/* NULL: it failed without any fault; printed. One at a time: disk.h has one disk. */
struct torture *torture_play(unsigned scenario, uint64_t seed);
void torture_free(struct torture *t);
uint64_t torture_changes(const struct torture *t);
/* Of what was changed and in what order: equal for equal plays. */
uint64_t torture_digest(const struct torture *t);

/* The power goes off at change `cut` (1 .. torture_changes() + 1: after the last). `draw` chooses what survives, how
 * many more cuts follow while it recovers (up to two), and where. Then: the instance starts; rows, tables, columns are
 * what one moment between acknowledged and begun made; it goes on; each database passes the checker; a backup set is
 * whole or was never acknowledged. False: it did not; printed. */
bool torture_cut(struct torture *t, uint64_t cut, uint64_t draw);
extern bool torture_says; /* each loss is printed */

struct torture_counts {
    uint64_t states, lost;
    uint64_t nested; /* cuts while one of them came back */
};
/* Plays, and cuts at every change, or at as many as `states` allow, some draws each. Adds to the counts; false at the
 * first state that is lost, which is printed with what repeats it. */
bool torture_sweep(unsigned scenario, uint64_t seed, uint64_t states, struct torture_counts *counts);

#endif
