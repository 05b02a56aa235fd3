/* A disk that fails when told to: passes every call on to os_posix, except those that a test has condemned.
 *
 *     fault_install();
 *     fault_add((struct fault){.op = FAULT_SYNC, .name = "edb.log", .nth = 2, .error = JET_errDiskIO});
 *     ...
 *     fault_done();
 *
 * Files are known by their name without the directory, which follows renames while they are open. Thread-safe. */
#ifndef ESENT_TESTS_FAULT_H
#define ESENT_TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum fault_op {
    FAULT_OPEN,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_SIZE,
    FAULT_RESIZE,
    FAULT_RENAME,
    FAULT_REMOVE,
    FAULT_MAKE_DIR,
    FAULT_REMOVE_DIR,
    FAULT_SYNC_DIR,
    FAULT_STAT,
    FAULT_LIST,
    FAULT_OPS
};

struct fault {
    enum fault_op op;
    const char *name; /* the call must be for a name that contains this; NULL: any. A rename counts as its source */
    unsigned nth;     /* which matching call from now on; 0 and 1: the next */
    bool forever;     /* and all that follow */
    JET_ERR error;
    size_t partial; /* FAULT_WRITE: so many bytes reach the file all the same */
};

/* Only while no file is open. fault_done() also forgets everything. */
void fault_install(void);
void fault_done(void);

void fault_add(struct fault fault);                       /* name must outlive it; up to 16 */
void fault_clear(void);                                   /* drops all faults, keeps the counts */
unsigned fault_hits(void);                                /* calls that were made to fail since fault_install() */
unsigned fault_calls(enum fault_op op, const char *name); /* calls since fault_install(), failed ones too; NULL: any */

/* A gate: matching calls stop before they do anything, until the gate is opened. One gate at a time. */
void fault_gate_close(enum fault_op op, const char *name);
void fault_gate_wait(void); /* until a call stands at the gate */
void fault_gate_open(void);

#endif
