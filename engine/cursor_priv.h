/* Inside of a cursor: shared by cursor.c, cursor_key.c, cursor_retrieve.c, cursor_update.c and cursor_auto.c. */
#ifndef ESENT_ENGINE_CURSOR_PRIV_H
#define ESENT_ENGINE_CURSOR_PRIV_H

#include "engine/cursor.h"
#include "engine/db.h"

enum cursor_where {
    AT_START,  /* opened and not yet moved: the first record, whichever that is when it is asked for */
    AT_RECORD, /* on the record of key, which may have been deleted since */
    AT_GAP,    /* where the record of key would be: next is the first above, previous the last below */
    BEFORE_FIRST,
    AFTER_LAST,
};

/* While this is unchanged a session sees the same: its own changes and ends of transactions, and what it sees of
 * others. */
struct stamp {
    uint64_t changes, snapshot;
};

/* A key being made (JetMakeKey). */
struct search_key {
    bool made;     /* at least one column, or a whole normalised key */
    bool complete; /* takes no further column */
    unsigned segments;
    size_t bytes;
    uint8_t key[KEY_BUFFER];
};

struct range {
    bool active, upper, inclusive;
    size_t bytes;
    uint8_t key[KEY_BUFFER];
};

/* An update in progress. */
struct update {
    struct rec_edit *edit; /* NULL: none */
    struct table_def *def; /* what edit refers to; the cursor's, or its own when that was loaded anew meanwhile */
    uint32_t prep;
    unsigned level; /* of the session when it was prepared */
    uint8_t *base;  /* the record as it was; page-size bytes */
    size_t base_bytes;
};

struct cursor {
    /* constant */
    struct session *session;
    struct db *db;
    struct tree *tree;
    objid_t objid;
    JET_GRBIT grbit;
    struct cat_user user;
    /* definition */
    struct table_def *def;
    struct cat_state state;
    uint64_t def_ddl;
    struct stamp def_stamp;
    const struct column *auto_column, *version_column; /* NULL: none */
    /* place; page, dbtime and line are a hint where key was */
    enum cursor_where where;
    pgno_t pgno;
    dbtime_t dbtime;
    unsigned line;
    size_t key_bytes;
    uint8_t key[KEY_BUFFER];
    /* copy of the record at key */
    bool record_good;
    struct stamp record_stamp;
    size_t record_bytes;
    uint8_t *record; /* page-size bytes */
    struct search_key search;
    struct range range;
    struct update update;
    size_t bookmark_bytes; /* of the last record inserted or replaced */
    uint8_t bookmark[KEY_BUFFER];
};

static inline struct stamp cursor_stamp(const struct cursor *c) {
    return (struct stamp){session_changes(c->session), session_snapshot(c->session)};
}
static inline bool stamp_equal(struct stamp a, struct stamp b) {
    return a.changes == b.changes && a.snapshot == b.snapshot;
}
static inline struct slice cursor_key(const struct cursor *c) {
    return slice(c->key, c->key_bytes);
}

/* ---- cursor.c ---- */

MUST_CHECK JET_ERR cursor_refresh(struct cursor *c); /* c->def is what the session sees now */
/* The record the cursor is on. JET_errNoCurrentRecord, JET_errRecordDeleted. Good until the next call. */
MUST_CHECK JET_ERR cursor_current(struct cursor *c, struct slice *record);
enum cursor_step { STEP_FIRST, STEP_LAST, STEP_EQ, STEP_GE, STEP_GT, STEP_LE, STEP_LT };
/* To the nearest record that the session sees; the last five from key. JET_errNoCurrentRecord: none, and the cursor is
 * where it was. */
MUST_CHECK JET_ERR cursor_go(struct cursor *c, enum cursor_step step, struct slice key);

/* ---- cursor_update.c ---- */

void cursor_cancel(struct cursor *c); /* the update in progress, if any */

/* ---- cursor_auto.c ---- */

/* Next value of the autoincrement column: out gets *bytes (4 or 8). JET_errOutOfAutoincrementValues. */
MUST_CHECK JET_ERR cursor_next_auto(struct cursor *c, uint8_t out[8], size_t *bytes);
/* Next key of a table without primary index. JET_errOutOfSequentialIndexValues. */
MUST_CHECK JET_ERR cursor_next_key(struct cursor *c, uint8_t out[4]);

#endif
