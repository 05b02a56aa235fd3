/* A database of few pages whose every state has a number, on a disk of disk.h: transaction n of SMALLDB_ROWS changes
 * three rows, and row 0 says n. Everything is looked at through the public API, and each row that is read is judged,
 * also where an error follows. */
#ifndef ESENT_TESTS_SMALLDB_H
#define ESENT_TESTS_SMALLDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SMALLDB_ROWS 40

struct smalldb {
    const char *dir; /* holds `system`, and `data` with a.edb */
    uint32_t page_size;
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID dbid;
    JET_TABLEID table;
    bool running;
    unsigned corrected; /* bits that the instance corrected (events 399) */
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
