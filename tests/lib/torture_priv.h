/* What the scenarios see of the machine: see torture.h. */
#ifndef ESENT_TESTS_TORTURE_PRIV_H
#define ESENT_TESTS_TORTURE_PRIV_H

#include "tests/lib/crowd.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/steady.h"
#include "tests/lib/torture.h"

enum { SETS_MAX = 6 };

/* What is known at a moment of a scenario. */
struct world {
    struct script s; /* first: script.noted gets it */
    bool restoring;  /* from sets[0] to s.dir, and to be done again after a cut */
    bool in_place;   /* the restore */
    bool only_a;     /* there is no database b */
    unsigned set_count;
    struct {
        char path[32];
        bool atomic;
        bool whole;   /* acknowledged */
        uint32_t low; /* transactions that it must hold, if it is there */
    } sets[SETS_MAX];
};

struct torture {
    const struct scenario *scenario;
    uint64_t seed, random, changes, nested, digest;
    struct disk_tape *tape;
    struct world world; /* now, while it is played */
    struct crowd crowd;
    struct moment {
        uint64_t change; /* the last one before it */
        struct world world;
    } * moments;
    size_t moment_count, moment_room;
};

struct scenario {
    const char *name;
    JET_ERR (*prepare)(struct torture *t); /* not cut; may be NULL */
    JET_ERR (*play)(struct torture *t);
    const struct crowd_style *crowd; /* NULL: a script */
    bool circular, wide, threads;
    bool makes_dirs; /* its directories are not there before */
};

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

void torture_note(struct torture *t); /* what must or may be there has changed */
uint64_t torture_draw(uint64_t *random, uint64_t end);
JET_ERR torture_restore(struct world *w); /* from sets[0] */

#endif
