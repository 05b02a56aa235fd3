/* A database whose every state has a number, on a disk of disk.h: transaction n changes three rows, and row 0 says n.
 * Small, or `wide`: rows of most of a page, fifty in a transaction, and more of them than the cache holds. Everything
 * is looked at through the public API, and each row that is read is judged, also where an error follows. */
#ifndef ESENT_TESTS_SMALLDB_H
#define ESENT_TESTS_SMALLDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct smalldb {
    const char *dir; /* holds `system`, and `data` with a.edb */
    uint32_t page_size;
    bool wide;
    uint32_t depth; /* JET_paramCheckpointDepthMax; 0: its default */
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID dbid;
    JET_TABLEID table;
    bool running;
    unsigned corrected; /* bits that the instance corrected (events 399) */
    unsigned lost;      /* pages that came back older (events 530, 516) */
};

JET_ERR smalldb_instance(struct smalldb *s); /* made, its parameters set, not started */
JET_ERR smalldb_start(struct smalldb *s);
JET_ERR smalldb_create(struct smalldb *s);
JET_ERR smalldb_attach(struct smalldb *s);
JET_ERR smalldb_change(struct smalldb *s, uint32_t n);
JET_ERR smalldb_stop(struct smalldb *s, JET_GRBIT grbit); /* ends the instance in any case */

/* Reads every row, forwards and by its key. *n: the state that the database is in; *wrong: a row is not of that state,
 * or is missing, or is one too many. With an error *wrong speaks of the rows before it. */
JET_ERR smalldb_read(struct smalldb *s, uint32_t *n, bool *wrong);

/* Starts, attaches and reads: the first error. The instance is to be stopped in any case. */
JET_ERR smalldb_use(struct smalldb *s, uint32_t *n, bool *wrong);
/* Restores a set to dir; nothing runs then. */
JET_ERR smalldb_restore(struct smalldb *s, const char *set);

#endif
