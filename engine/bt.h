/* B+trees: search, insert, replace, delete; splits, and merges of emptied pages.
 *
 * One latch per tree: readers of a tree share it, a change holds it alone, for the length of one operation and never
 * over a wait for the log. Under it a walk latches one page at a time. A structure change (split, empty page) is one
 * mini-transaction, of its own or with the change that needs it; so at each moment between records the tree is whole.
 * An undo goes by key and never takes a structure change back.
 *
 * Append at the right edge splits off one node instead of half (pages stay full under ascending keys). The prefix of a
 * new page is chosen at the split. Parent of leaf, separators, sibling links and flags as ESE has them (ese-facts 2.6).
 */
#ifndef ESENT_ENGINE_BT_H
#define ESENT_ENGINE_BT_H

#include "base/thread.h"
#include "engine/cache.h"
#include "engine/mtr.h"

/* One open tree; one object per (database, fdp) while the database is attached. */
struct tree {
    struct db *db;
    pgno_t fdp;
    objid_t objid;
    uint32_t type;          /* PAGE_INDEX | PAGE_LONG_VALUE | PAGE_NON_UNIQUE of its pages */
    struct tree *parent;    /* where its space comes from; NULL: database root */
    struct os_rwlock latch; /* OS_RANK_TREE | OS_RANK_MULTI */
    struct os_mutex space;  /* OS_RANK_SPACE | OS_RANK_MULTI: its OE and AE trees */
    struct tree *next;      /* hash chain, under the database's trees mutex */
    struct cat_user *users; /* who has the table open (cat.h); under the database's trees mutex */
    _Atomic uint32_t open_cursors;
    _Atomic bool deleted;       /* a committed delete awaits its clean-up, or is done */
    _Atomic uint64_t next_auto; /* next autoincrement value; 0: not yet looked up */
    _Atomic uint64_t next_key;  /* the same for the sequence keys of a table without primary index */
    _Atomic uint64_t ddl;       /* counts changes of the table's definition: cursors reload it */
    struct os_mutex auto_mutex; /* OS_RANK_AUTO: */
};

/* A place in a tree: a latched leaf and a line. */
struct bt_place {
    struct page_ref leaf;
    unsigned line; /* may be page_lines(): behind the last */
    bool exact;
};

/* All of the following: the caller holds tree->latch, shared for reads (mode shared) and alone for changes. */

/* Leaf of key, line = first >= key. The line may lie behind the page's last node; bt_next then steps on. */
MUST_CHECK JET_ERR bt_find(struct tree *tree, struct slice key, enum latch_mode mode, struct bt_place *out);
MUST_CHECK JET_ERR bt_first(struct tree *tree, struct bt_place *out); /* an empty tree: line 0 of 0 */
MUST_CHECK JET_ERR bt_last(struct tree *tree, struct bt_place *out);  /* an empty tree: line 0 of 0 */
/* To the next / previous node whatever its flags; JET_errNoCurrentRecord at the ends (place stays latched where it
 * was; after any other error it is released). bt_settle: if line is behind the last node of the leaf, to the first of
 * the next leaf. */
MUST_CHECK JET_ERR bt_next(struct tree *tree, struct bt_place *place);
MUST_CHECK JET_ERR bt_prev(struct tree *tree, struct bt_place *place);
MUST_CHECK JET_ERR bt_settle(struct tree *tree, struct bt_place *place);
/* Cheap return to a place: true and latched if page pgno still has this dbtime. */
bool bt_revisit(struct tree *tree, pgno_t pgno, dbtime_t dbtime, unsigned line, struct bt_place *out);
void bt_release(struct bt_place *place); /* an unlatched place is ignored */

/* A change of one node with its undo, trx and compensation as in mtr.h. Splits first when there is no room.
 * end: of the record. */
struct bt_change {
    struct trx *trx;
    const struct undo *undo;
    bool compensates;
    lgpos_t end; /* out */
};
/* All of them: JET_errFeatureNotAvailable for a tree of a kind we do not write: PAGE_NON_UNIQUE, or from a newer
 * Windows (external header of more than 16 bytes, AE with pools). JET_errRecordTooBig, JET_errDiskFull,
 * JET_errOutOfDatabaseSpace, and, of a damaged tree, JET_errBadPageLink, JET_errBadParentPageLink,
 * JET_errDatabaseCorrupted, JET_errSPOwnExtCorrupted, JET_errSPAvailExtCorrupted. After an error the tree is as it was.
 */
/* Inserts a node that is not there; JET_errKeyDuplicate if it is (deleted or not). */
MUST_CHECK JET_ERR bt_insert(struct tree *tree, struct slice key, struct slice data, unsigned node_flags,
                             struct bt_change *change);
/* New data and flags for the node of key. JET_errRecordNotFound. data.p NULL: keep the data. */
MUST_CHECK JET_ERR bt_update(struct tree *tree, struct slice key, const struct slice *data, unsigned node_flags,
                             struct bt_change *change);
/* Removes the node of key; frees its page when that is now empty. A missing node: JET_errRecordNotFound, nothing
 * logged. */
MUST_CHECK JET_ERR bt_remove(struct tree *tree, struct slice key, struct bt_change *change);
/* Logs undo / compensation without touching a page. */
MUST_CHECK JET_ERR bt_note(struct db *db, struct bt_change *change);

/* Structure check of one tree with its space trees, for esentutl check and the tests: order, separators, links, flags,
 * levels, objid, extents. Each finding goes to report, an unreadable page too; visit (may be NULL) sees every page of
 * the tree and of its space trees. Errors: JET_errOutOfMemory, JET_errOutOfBuffers. The page accounts: space.h. */
typedef void (*bt_report_fn)(void *context, pgno_t pgno, const char *what);
typedef void (*bt_visit_fn)(void *context, pgno_t pgno);
MUST_CHECK JET_ERR bt_check(struct tree *tree, bt_report_fn report, bt_visit_fn visit, void *context);

#endif
