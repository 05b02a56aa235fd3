/* Transactions and versions: snapshot isolation with before-images, as in ESE.
 *
 * A session has one transaction at a time, nested to level 7. The transaction sees what was committed before it began,
 * and its own changes. Every change of a node puts a version (before-image) in front of the node's chain, keyed by
 * (tree, key). A reader starts from the node on the page and takes back, newest first, each version it must not see.
 * The first writer of a node wins; another whose snapshot does not include the newest version gets
 * JET_errWriteConflict. A deleted node stays on its page, flagged, until no snapshot can see it.
 *
 * Versions of a tree change only under its latch held alone; commit makes all versions of a transaction visible by one
 * store (commit time in struct trx). Times come from one counter; commit order is log order.
 *
 * Outside a transaction (level 0) a read sees the newest committed state; changes need a transaction. */
#ifndef ESENT_ENGINE_TRX_H
#define ESENT_ENGINE_TRX_H

#include "engine/bt.h"

struct inst;
struct session;
struct trx_system; /* one per instance */
struct trx;        /* opaque but for mtr.c (trx_id, trx_note_logged) and recovery */

/* versions_max: bytes (JET_paramMaxVerPages * JET_paramVerPageSize). */
MUST_CHECK JET_ERR trx_system_new(struct inst *inst, uint64_t versions_max, struct trx_system **out);
/* Also what sessions and transactions are left: takes nothing back, touches no database. NULL is ignored. */
void trx_system_free(struct trx_system *system);

MUST_CHECK JET_ERR session_begin(struct inst *inst, struct session **out);
/* Rolls back what is open; the session is gone in any case. */
MUST_CHECK JET_ERR session_end(struct session *session);
struct inst *session_inst(const struct session *session);
unsigned session_level(const struct session *session);
/* Counts this session's own changes; a cursor's copy of a record is good while this, its snapshot and page are
 * unchanged. */
uint64_t session_changes(const struct session *session);
/* Commit time up to which the session sees others' changes; at level 0 it moves with every commit. */
uint64_t session_snapshot(const struct session *session);

#define TRX_LEVEL_MAX 7
/* JET_errTransTooDeep. read_only (JET_bitTransactionReadOnly, outermost level): changes get JET_errTransReadOnly. */
MUST_CHECK JET_ERR trx_begin(struct session *session, bool read_only);
/* Level 0: logs the commit if there is anything, makes it visible, and unless lazy waits until it is durable (P2).
 * JET_errNotInTransaction. On a log failure at level 0 the transaction is over; its fate is decided by recovery. */
MUST_CHECK JET_ERR trx_commit(struct session *session, bool lazy);
/* Waits for the session's last level-0 commit (JET_bitWaitLastLevel0Commit; not in a transaction). */
MUST_CHECK JET_ERR trx_wait_last_commit(struct session *session);
/* Undoes the innermost level, or all. After an error (the instance has failed) the session is at level 0, and recovery
 * undoes the rest. */
MUST_CHECK JET_ERR trx_rollback(struct session *session, bool all);

/* Node changes on behalf of a session; take and release the tree latch, and clean up when the store is full: the caller
 * holds no lock of rank OS_RANK_CLEANUP or above. Data is not empty. JET_errNotInTransaction, JET_errTransReadOnly,
 * JET_errWriteConflict, JET_errVersionStoreOutOfMemory (also ...AndCleanupTimedOut when one old transaction holds all),
 * JET_errInstanceUnavailable, and what bt.h gives. */
MUST_CHECK JET_ERR ver_insert(struct session *session, struct tree *tree, struct slice key,
                              struct slice data); /* JET_errKeyDuplicate */
MUST_CHECK JET_ERR ver_replace(struct session *session, struct tree *tree, struct slice key,
                               struct slice data);                                           /* JET_errRecordDeleted */
MUST_CHECK JET_ERR ver_delete(struct session *session, struct tree *tree, struct slice key); /* JET_errRecordDeleted */
/* Claims the node for this transaction (JET_prepReplace): conflicts now, changes nothing, logs nothing.
 * JET_errRecordDeleted. */
MUST_CHECK JET_ERR ver_lock(struct session *session, struct tree *tree, struct slice key);
/* Makes a tree below parent (NULL: database root); it goes with a rollback. */
MUST_CHECK JET_ERR ver_create_tree(struct session *session, struct db *db, struct tree *parent, objid_t objid,
                                   uint32_t type, uint32_t pages, pgno_t *fdp);
/* The tree goes when the transaction has committed and nobody can see it any more. From now on others cannot change it;
 * JET_errWriteConflict if somebody has. Trees whose space comes from this one: delete them first. tree->deleted is set
 * by the commit. */
MUST_CHECK JET_ERR ver_delete_tree(struct session *session, struct tree *tree);

/* What the session sees of the node at place (leaf latched, tree latch held by the caller, shared is enough).
 * *visible false: for this session there is no such record. data: on the page, or in scratch (page-size bytes, the
 * caller's) when a before-image is seen. */
MUST_CHECK JET_ERR ver_read(struct session *session, struct tree *tree, const struct bt_place *place, bool *visible,
                            struct slice *data, uint8_t *scratch);

/* ---- for checkpoint and term ---- */

/* Lower bound of the first logged change of every transaction that is open or whose committed tree deletions are not
 * yet done; UINT64_MAX: none. Read log_tip() before. A transaction that is not counted has appended its commit (or
 * rollback) record, perhaps behind that tip and not yet durable: before a checkpoint file says so, flush the log to a
 * tip read after this call. */
lgpos_t trx_oldest_logged(struct trx_system *system);
/* Drops versions that nobody can see, removes their deleted nodes, frees deleted trees. Runs by itself at the end of
 * transactions; term calls it last. */
MUST_CHECK JET_ERR trx_cleanup(struct trx_system *system);
/* Before a database is detached: drops its versions, whoever might want to read them. JET_errDatabaseInUse: an active
 * transaction has changed it. */
MUST_CHECK JET_ERR trx_forget_db(struct trx_system *system, const struct db *db);
unsigned trx_session_count(struct trx_system *system);
uint64_t trx_version_bytes(struct trx_system *system);

/* ---- for mtr.c ---- */
trxid_t trx_id(const struct trx *trx);
void trx_before_append(struct trx *trx, lgpos_t tip); /* first call publishes the lower bound */

/* ---- for recovery (engine/undo.c) ---- */

/* Takes one change back: under the tree latch, logged as compensation for trx (id as logged). The tree is found by
 * db and undo->fdp. In normal rollback the same function is used. An undone insert leaves the node flagged deleted if
 * it was put over a deleted one (had_before); recovery purges such nodes afterwards. */
MUST_CHECK JET_ERR undo_apply(struct db *db, trxid_t trx, const struct undo *undo);
/* The tree of an undo entry, opened from its root page if need be. JET_errObjectNotFound: that page is no (longer the)
 * root of a tree with this objid. */
MUST_CHECK JET_ERR undo_open_tree(struct db *db, const struct undo *undo, struct tree **out);
/* Frees the space of a tree whose deletion was committed; logged with UNDO_TREE_FREED. */
MUST_CHECK JET_ERR undo_free_deleted_tree(struct db *db, const struct undo *undo);
/* Removes the flag-deleted node of key if it is still there and still deleted (system change). */
MUST_CHECK JET_ERR undo_purge_deleted(struct tree *tree, struct slice key);

#endif
