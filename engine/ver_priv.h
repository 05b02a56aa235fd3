/* Inside of sessions, transactions and versions: shared by trx.c, ver.c, ver_cleanup.c and undo.c.
 *
 *   bucket -> newest version of a node -> older -> older      (chain: commit order, since the first writer wins)
 *               | hash_next
 *             newest version of another node -> ...
 *   trx    -> newest version -> trx_older -> ...              (for rollback; from the oldest for clean-up)
 *
 * A transaction is on one list of the system: active, then ended (committed, in commit order, versions not yet cleaned)
 * and then it is freed. A transaction that could be neither committed nor rolled back, because the log is down, is
 * lost: its versions stay, so that nobody sees its changes, and so does its lower bound for the checkpoint.
 *
 * What a chain says about its node, whenever the tree latch is free: newest is UNDO_DELETE: the node is flagged
 * deleted; newest is anything else: it is there. No chain: it is absent or seen by all (or left deleted by a crash, or
 * by a purge that failed). Clean-up takes versions from the old end; who empties a chain whose node is flagged deleted
 * removes the node, under the tree latch held alone. */
#ifndef ESENT_ENGINE_VER_PRIV_H
#define ESENT_ENGINE_VER_PRIV_H

#include "engine/db.h"
#include "engine/trx.h"

#define VER_LOCK 0x40 /* version.op beside enum undo_op: a claim, nothing to undo */
#define NOT_LOGGED UINT64_MAX
#define VERSION_STRIPES 128u

struct version {
    /* under the bucket's mutex */
    struct version *hash_next; /* the bucket's next chain; good in the newest of a chain only */
    struct version *older, *newer;
    /* the transaction's thread while it is active, then the cleaner */
    struct version *trx_older, *trx_newer;
    uint8_t level;
    /* constant */
    uint8_t op;
    bool had_before; /* UNDO_INSERT over a deleted node: before is what that held */
    uint8_t dbid;
    uint16_t key_bytes;
    uint32_t before_bytes;
    uint32_t hash;
    struct trx *trx;
    struct db *db;
    struct tree *tree; /* NULL: UNDO_CREATE_TREE, which is on no chain */
    uint8_t bytes[];   /* key, before; tree operations: no key, struct tree_name */
};

struct tree_name {
    pgno_t fdp, parent_fdp;
    objid_t objid;
};

struct trx {
    /* constant */
    trxid_t id;
    uint64_t snapshot; /* commits up to this time are seen */
    bool read_only;
    /* atomic */
    _Atomic uint64_t commit;       /* time; 0: not committed. Stored before the system's time shows it. */
    _Atomic uint64_t first_logged; /* lower bound of the first record (seq_cst, with log_tip); NOT_LOGGED */
    /* as in struct version */
    struct version *oldest, *newest;
    /* system->mutex */
    struct trx *previous, *next;
    uint32_t tree_deletes; /* versions of UNDO_DELETE_TREE whose space is not yet given back */
};

struct trx_list {
    struct trx *first, *last;
};

struct session {
    struct inst *inst;
    struct trx_system *system;
    struct trx *trx; /* NULL at level 0 */
    unsigned level;
    uint64_t changes;
    lgpos_t last_commit;             /* end of its record; 0: none */
    struct session *previous, *next; /* system->mutex */
};

struct trx_system {
    /* constant */
    struct inst *inst;
    uint64_t bytes_max;
    uint32_t bucket_mask;
    _Atomic(struct version *) *buckets;       /* changed under the stripe's mutex; a look at NULL needs none */
    struct os_mutex stripes[VERSION_STRIPES]; /* OS_RANK_VERSION */
    /* atomic */
    _Atomic uint64_t bytes;        /* of all versions */
    _Atomic uint64_t time;         /* of the newest commit; written under mutex */
    _Atomic uint32_t tree_deletes; /* linked versions of UNDO_DELETE_TREE: while 0, writers need not look */
    _Atomic uint32_t db_versions[DB_MAX + 1];
    struct os_mutex cleaning; /* OS_RANK_CLEANUP: the cleaner */
    /* mutex */
    struct os_mutex mutex; /* OS_RANK_TRX */
    trxid_t last_id;
    struct trx_list active; /* oldest snapshot first */
    struct trx_list ended;  /* in commit order; taken off by the cleaner only */
    struct trx_list lost;
    struct session *sessions;
    unsigned session_count;
};

/* ---- ver.c ---- */

/* Accounts for it; JET_errVersionStoreOutOfMemory (no clean-up here: latches are held), JET_errOutOfMemory. */
MUST_CHECK JET_ERR version_new(struct session *session, uint8_t op, struct db *db, struct tree *tree, struct slice key,
                               const struct slice *before, struct version **out);
void version_free(struct trx_system *system, struct version *version); /* linked nowhere; NULL is ignored */
void version_push(struct trx *trx, struct version *version);           /* becomes the transaction's newest */
void version_drop(struct trx *trx, struct version *version);           /* off the transaction's list */
/* Off its node's chain (if it is on one). True: the chain is gone with it. */
bool version_unlink(struct trx_system *system, struct version *version);
struct undo version_undo(const struct version *version); /* slices point into version */

/* ---- ver_cleanup.c ---- */

/* After the end of a transaction: a bounded share of the work if others are active, else all of it. */
void ver_cleanup_some(struct trx_system *system);

/* ---- trx.c ---- */

void trx_list_append(struct trx_list *list, struct trx *trx);
void trx_list_remove(struct trx_list *list, struct trx *trx);

/* ---- undo.c: the caller holds tree->latch alone ---- */

MUST_CHECK JET_ERR undo_node(struct tree *tree, trxid_t trx, const struct undo *undo);
MUST_CHECK JET_ERR undo_purge_node(struct tree *tree, struct slice key);

#endif
