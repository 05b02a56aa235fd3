/* Several sessions on one database, stepped by one thread in an order that follows from the seed: each moment's state
 * is known. Their transactions nest, conflict, roll back, make and drop tables. What commits are is kept in a history;
 * `started` and `durable` of the script count them. Steps return the first error that is not a conflict. */
#ifndef ESENT_TESTS_CROWD_H
#define ESENT_TESTS_CROWD_H

#include "tests/lib/script.h"

enum { CROWD_TABLES = 4, CROWD_KEYS = 500, CROWD_CHANGES = 700 };

/* What they like to do. Table 0 is shared by all; table i, if it is there, is session i's. */
struct crowd_style {
    unsigned sessions;
    unsigned run;   /* rows of one step: at most */
    unsigned bytes; /* of a row: at most */
    bool ascending; /* bulk load: a run goes on where the last ended */
    /* out of 100 steps */
    unsigned commits, rollbacks, nests, tables, deletes;
};

struct crowd_state {
    bool tables[CROWD_TABLES];
    uint32_t rows[CROWD_TABLES][CROWD_KEYS]; /* 0: none */
};

struct crowd_change { /* key -1: the table is made (value 1) or dropped (0) */
    int16_t table, key;
    uint32_t value;
};

struct crowd {
    const struct crowd_style *style;
    struct script *script; /* instance, directory, database a; its first session is session 0's */
    uint64_t random;
    unsigned next_key;
    struct crowd_player {
        JET_SESID session;
        unsigned level, count, marks[4];
        struct crowd_change changes[CROWD_CHANGES]; /* not committed */
    } players[CROWD_TABLES];
    /* committed: transaction n ends at ends[n - 1] */
    struct crowd_change *changes;
    uint32_t *ends;
    size_t change_count, change_room, end_count, end_room;
};

void crowd_init(struct crowd *c, const struct crowd_style *style, struct script *script);
void crowd_free(struct crowd *c);
JET_ERR crowd_create(struct crowd *c); /* the database, with table 0; the instance runs */
JET_ERR crowd_enter(struct crowd *c);  /* sessions on the database, which is attached or becomes so */
JET_ERR crowd_play(struct crowd *c, unsigned steps);
JET_ERR crowd_leave(struct crowd *c); /* open transactions are rolled back, sessions end */

/* The database is in a state of the history between `durable` and `started` of the script, to which both are set then.
 * Prints what differs; false then. *out: the state. */
bool crowd_check(const struct crowd *c, struct script *s, struct crowd_state *out);
/* Commits a few changes of all kinds to the database and the state. */
bool crowd_goes_on(const struct crowd *c, struct script *s, struct crowd_state *state, uint64_t random);
bool crowd_is(const struct crowd *c, struct script *s, const struct crowd_state *state);

#endif
