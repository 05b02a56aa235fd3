/* A workload of one thread, step by step, whose every state is known: transaction n of a seed is always the same one.
 * Database a has a table of rows, tables that come and go, and columns that are added; database b, once it is there,
 * gets the same rows in the same transactions. The row of id -1 says how many transactions there have been. Steps
 * return the first error: what was acknowledged before it stands in `durable`. */
#ifndef ESENT_TESTS_SCRIPT_H
#define ESENT_TESTS_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct script_db {
    char path[512];
    JET_DBID dbid; /* JET_dbidNil: not open */
    JET_TABLEID table;
    JET_COLUMNID id, value, text;
    bool durable; /* its table was acknowledged */
};

struct script {
    uint64_t seed;
    char dir[256]; /* holds `system`, and `data` with the databases; both are made by the instance */
    bool circular;
    uint32_t depth; /* JET_paramCheckpointDepthMax; 0: its default */
    bool wide;      /* 700 rows of a page each, all made by transaction 1, and the smallest cache: it evicts */
    JET_INSTANCE instance;
    char name[32]; /* its */
    bool running;
    JET_SESID session;
    struct script_db a, b;
    uint32_t started;                /* transactions that may be there */
    uint32_t durable;                /* transactions that must */
    void (*noted)(struct script *s); /* called when what must or may be there has changed; may be NULL */
};

void script_init(struct script *s, uint64_t seed, const char *dir);
/* An instance with log files of 64 KiB, its parameters set; not started. */
JET_ERR script_instance(struct script *s);
JET_ERR script_start(struct script *s); /* the same, and JetInit, and a session */
/* Also where the database is attached but its table is not there: the creation was cut between the two. */
JET_ERR script_create(struct script *s, struct script_db *db);
JET_ERR script_attach(struct script *s, struct script_db *db); /* JET_errObjectNotFound: attached, without its table */
JET_ERR script_start_all(struct script *s);                    /* script_start, and both are attached */
JET_ERR script_detach(struct script *s, struct script_db *db);
/* Transactions up to the n-th, from the one after `started`. */
JET_ERR script_run(struct script *s, uint32_t n);
/* Ends the instance in any case. */
JET_ERR script_stop(struct script *s, JET_GRBIT grbit);
/* Both databases, as far as they are open, hold what one moment from `durable` to `started` made. Sets both to that
 * moment. Prints the first difference; false then. */
bool script_check(struct script *s);
/* What a failure has left of the instance, if anything, ends as a crash does. */
void script_drop(struct script *s);

/* With a disk of disk.h: the backup set, restored to a new place, is what one moment from low to high transactions
 * made. Leaves nothing behind. */
bool script_restores(const struct script *of, const char *set, uint32_t low, uint32_t high);

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        JET_ERR try_ = (expr);                                                                                         \
        if (try_ < 0)                                                                                                  \
            return try_;                                                                                               \
    } while (0)
/* For functions that check something and return whether it was good: print what was not, and return false. */
#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            return false;                                                                                              \
        }                                                                                                              \
    } while (0)
#define SUCCEEDS(expr)                                                                                                 \
    do {                                                                                                               \
        JET_ERR succeeds_ = (expr);                                                                                    \
        if (succeeds_ < 0) {                                                                                           \
            fprintf(stderr, "%s:%d: %s gave %s\n", __FILE__, __LINE__, #expr, err_name(succeeds_));                    \
            return false;                                                                                              \
        }                                                                                                              \
    } while (0)

#endif
