/* Versions: what sessions see of each other's changes, who may change what, and that nothing is left afterwards. */
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/lib/testtrx.h"

#define PLENTY (64u << 20)

/* ---- visibility ---- */

static void ver_read__takes_back_what_others_have_not_committed(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "one"));
    CHECK_SEES(f.s[0], f.tree, 1, "one");
    CHECK_SEES(f.s[1], f.tree, 1, "-");
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_SEES(f.s[1], f.tree, 1, "one");

    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "uno"));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_SEES(f.s[0], f.tree, 1, "-");
    CHECK_SEES(f.s[1], f.tree, 1, "one");
    CHECK_OK(insert(f.s[0], f.tree, 1, "ein"));
    CHECK_SEES(f.s[0], f.tree, 1, "ein");
    CHECK_SEES(f.s[1], f.tree, 1, "one");
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_SEES(f.s[1], f.tree, 1, "ein");
    check_clean(&f, 1);
    testtrx_free(&f);
}

static void ver_read__a_snapshot_stays_as_it_was(void) {
    struct testtrx f = testtrx_new(PLENTY);
    for (unsigned i = 0; i < 4; i++) {
        char data[8];
        snprintf(data, sizeof data, "v%u", i);
        CHECK_OK(trx_begin(f.s[5], false));
        CHECK_OK(i == 0 ? insert(f.s[5], f.tree, 7, data) : replace(f.s[5], f.tree, 7, data));
        CHECK_OK(trx_commit(f.s[5], false));
        CHECK_OK(trx_begin(f.s[i], false)); /* sees v<i> */
    }
    for (unsigned i = 0; i < 4; i++) {
        char data[8];
        snprintf(data, sizeof data, "v%u", i);
        CHECK_SEES(f.s[i], f.tree, 7, data);
    }
    /* The oldest first, then the newest: the ones between keep theirs. */
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_commit(f.s[3], false));
    CHECK_SEES(f.s[1], f.tree, 7, "v1");
    CHECK_SEES(f.s[2], f.tree, 7, "v2");
    CHECK_SEES(f.s[3], f.tree, 7, "v3");
    CHECK_OK(trx_commit(f.s[1], false));
    CHECK_OK(trx_rollback(f.s[2], false));
    check_clean(&f, 1);
    testtrx_free(&f);
}

static void ver_insert__over_a_deleted_node_keeps_older_snapshots(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "first"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false)); /* first */
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[2], false)); /* nothing */
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "second, longer"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[3], false)); /* second */
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_OK(insert(f.s[0], f.tree, 1, "undone"));
    for (unsigned round = 0; round < 2; round++) {
        CHECK_SEES(f.s[1], f.tree, 1, "first");
        CHECK_SEES(f.s[2], f.tree, 1, "-");
        CHECK_SEES(f.s[3], f.tree, 1, "second, longer");
        if (round == 0)
            CHECK_OK(trx_rollback(f.s[0], false));
    }
    CHECK_OK(trx_commit(f.s[1], false));
    CHECK_SEES(f.s[2], f.tree, 1, "-");
    CHECK_OK(trx_commit(f.s[3], false));
    CHECK_SEES(f.s[2], f.tree, 1, "-");
    CHECK_OK(trx_commit(f.s[2], false));
    check_clean(&f, 1);
    testtrx_free(&f);
}

static void ver_insert__rolled_back_after_the_old_delete_was_cleaned_leaves_no_node(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "old"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false)); /* holds the delete's version */
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[2], false));
    CHECK_OK(insert(f.s[2], f.tree, 1, "new"));
    CHECK_OK(trx_commit(f.s[1], false)); /* the delete's version goes, the node is in use */
    CHECK_SEES(f.s[2], f.tree, 1, "new");
    CHECK_SEES(f.s[0], f.tree, 1, "-");
    CHECK_OK(trx_rollback(f.s[2], false));
    check_clean(&f, 0);
    testtrx_free(&f);
}

static void ver_read__gives_short_and_large_before_images(void) {
    struct testtrx f = testtrx_new(PLENTY);
    static char large[1500];
    memset(large, 'x', sizeof large - 1);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, large));
    CHECK_OK(insert(f.s[0], f.tree, 2, "s"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "s"));
    CHECK_OK(replace(f.s[0], f.tree, 2, large));
    CHECK_SEES(f.s[1], f.tree, 1, large);
    CHECK_SEES(f.s[1], f.tree, 2, "s");
    CHECK_SEES(f.s[0], f.tree, 1, "s");
    CHECK_SEES(f.s[0], f.tree, 2, large);
    CHECK_OK(trx_rollback(f.s[0], false));
    CHECK_SEES(f.s[0], f.tree, 1, large);
    CHECK_SEES(f.s[0], f.tree, 2, "s");
    check_clean(&f, 2);
    testtrx_free(&f);
}

/* ---- conflicts ---- */

static void ver_write__the_first_writer_wins(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    CHECK_OK(insert(f.s[0], f.tree, 2, "b"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "A"));
    CHECK_OK(insert(f.s[0], f.tree, 3, "C"));
    CHECK_OK(delete (f.s[0], f.tree, 2));
    for (unsigned round = 0; round < 2; round++) { /* while active, and when committed after the snapshot */
        CHECK_ERR(replace(f.s[1], f.tree, 1, "x"), JET_errWriteConflict);
        CHECK_ERR(delete (f.s[1], f.tree, 1), JET_errWriteConflict);
        CHECK_ERR(claim(f.s[1], f.tree, 1), JET_errWriteConflict);
        CHECK_ERR(insert(f.s[1], f.tree, 1, "x"), JET_errWriteConflict);
        CHECK_ERR(insert(f.s[1], f.tree, 3, "x"), JET_errWriteConflict);
        CHECK_ERR(insert(f.s[1], f.tree, 2, "x"), JET_errWriteConflict);
        CHECK_ERR(replace(f.s[1], f.tree, 2, "x"), JET_errWriteConflict);
        if (round == 0)
            CHECK_OK(trx_commit(f.s[0], false));
    }
    CHECK_OK(trx_rollback(f.s[1], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_ERR(insert(f.s[1], f.tree, 1, "x"), JET_errKeyDuplicate);
    CHECK_ERR(replace(f.s[1], f.tree, 2, "x"), JET_errRecordDeleted);
    CHECK_ERR(delete (f.s[1], f.tree, 2), JET_errRecordDeleted);
    CHECK_ERR(claim(f.s[1], f.tree, 2), JET_errRecordDeleted);
    CHECK_OK(replace(f.s[1], f.tree, 3, "x"));
    CHECK_OK(delete (f.s[1], f.tree, 3));
    CHECK_ERR(delete (f.s[1], f.tree, 3), JET_errRecordDeleted);
    CHECK_ERR(replace(f.s[1], f.tree, 3, "x"), JET_errRecordDeleted);
    CHECK_ERR(claim(f.s[1], f.tree, 3), JET_errRecordDeleted);
    CHECK_OK(trx_commit(f.s[1], false));
    check_clean(&f, 1);
    testtrx_free(&f);
}

static void ver_lock__keeps_others_out_and_changes_nothing(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    CHECK_OK(trx_commit(f.s[0], false));
    lgpos_t tip = log_tip(f.t->inst.log);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(claim(f.s[0], f.tree, 1));
    CHECK_OK(claim(f.s[0], f.tree, 1));
    CHECK_SEES(f.s[1], f.tree, 1, "a");
    CHECK_ERR(claim(f.s[1], f.tree, 1), JET_errWriteConflict);
    CHECK_ERR(replace(f.s[1], f.tree, 1, "x"), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_ERR(replace(f.s[1], f.tree, 1, "x"), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[1], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(claim(f.s[1], f.tree, 1));
    CHECK_OK(trx_rollback(f.s[1], false)); /* gives the claim up */
    CU_ASSERT_EQUAL(log_tip(f.t->inst.log), tip);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(claim(f.s[0], f.tree, 1));
    CHECK_OK(replace(f.s[0], f.tree, 1, "b"));
    CHECK_SEES(f.s[1], f.tree, 1, "a");
    CHECK_OK(trx_rollback(f.s[0], false));
    CHECK_SEES(f.s[0], f.tree, 1, "a");
    CHECK_OK(trx_commit(f.s[1], false));
    check_clean(&f, 1);
    testtrx_free(&f);
}

/* ---- against a model: the history of all committed states ---- */

#define KEYS 12
#define ABSENT (-1)
#define STEPS 8000
#define PLAYERS 5

struct view {
    int value[KEYS];
};
struct player {
    unsigned level;    /* of the session */
    unsigned snapshot; /* index of the committed state it began with */
    struct view seen[TRX_LEVEL_MAX + 1];
    bool claimed[TRX_LEVEL_MAX + 1][KEYS]; /* at this level or below */
};
struct model {
    struct view *committed; /* of each commit */
    unsigned now;
    unsigned changed[KEYS]; /* state in which the key was last claimed by a commit */
    struct player players[PLAYERS];
};

static bool model_conflict(const struct model *m, unsigned who, unsigned key) {
    for (unsigned i = 0; i < PLAYERS; i++)
        if (i != who && m->players[i].level && m->players[i].claimed[m->players[i].level][key])
            return true;
    return m->changed[key] > m->players[who].snapshot;
}

static void model_end(struct model *m, unsigned who, bool commit) {
    struct player *p = &m->players[who];
    if (commit && p->level > 1) {
        p->seen[p->level - 1] = p->seen[p->level];
        memcpy(p->claimed[p->level - 1], p->claimed[p->level], sizeof p->claimed[0]);
    } else if (commit) {
        bool any = false;
        for (unsigned k = 0; k < KEYS; k++)
            any |= p->claimed[1][k];
        if (any) {
            m->committed[m->now + 1] = m->committed[m->now];
            m->now++;
            for (unsigned k = 0; k < KEYS; k++)
                if (p->claimed[1][k]) {
                    m->committed[m->now].value[k] = p->seen[1].value[k];
                    m->changed[k] = m->now;
                }
        }
    }
    p->level--;
}

static void model_begin(struct model *m, unsigned who) {
    struct player *p = &m->players[who];
    p->level++;
    if (p->level > 1) {
        p->seen[p->level] = p->seen[p->level - 1];
        memcpy(p->claimed[p->level], p->claimed[p->level - 1], sizeof p->claimed[0]);
    } else {
        p->snapshot = m->now;
        p->seen[1] = m->committed[m->now];
        memset(p->claimed[1], 0, sizeof p->claimed[1]);
    }
}

static void value_text(int value, char out[600]) {
    if (value == ABSENT)
        strcpy(out, "-");
    else
        snprintf(out, 600, "%0*d", value % 7 * 80 + 1, value); /* of many lengths */
}

static void check_view(struct testtrx *f, const struct model *m, unsigned who) {
    const struct player *p = &m->players[who];
    const struct view *view = p->level ? &p->seen[p->level] : &m->committed[m->now];
    for (unsigned k = 0; k < KEYS; k++) {
        char expected[600];
        value_text(view->value[k], expected);
        CHECK_SEES(f->s[who], f->tree, k, expected);
    }
}

static void play_change(struct testtrx *f, struct model *m, unsigned who, int value) {
    struct player *p = &m->players[who];
    unsigned k = (unsigned)test_random_below(KEYS);
    int *seen = &p->seen[p->level].value[k];
    bool there = *seen != ABSENT;
    char data[600];
    JET_ERR expected = model_conflict(m, who, k) ? JET_errWriteConflict : JET_errSuccess;

    value_text(value, data);
    switch (test_random_below(4)) {
    case 0:
        if (!expected && there)
            expected = JET_errKeyDuplicate;
        CHECK_ERR(insert(f->s[who], f->tree, k, data), expected);
        break;
    case 1:
        if (!expected && !there)
            expected = JET_errRecordDeleted;
        CHECK_ERR(replace(f->s[who], f->tree, k, data), expected);
        break;
    case 2:
        if (!expected && !there)
            expected = JET_errRecordDeleted;
        CHECK_ERR(delete (f->s[who], f->tree, k), expected);
        value = ABSENT;
        break;
    default:
        if (!expected && !there)
            expected = JET_errRecordDeleted;
        CHECK_ERR(claim(f->s[who], f->tree, k), expected);
        value = *seen;
    }
    if (expected)
        return;
    *seen = value;
    p->claimed[p->level][k] = true;
}

static void play(struct testtrx *f, struct model *m, unsigned who, int value) {
    struct player *p = &m->players[who];
    uint64_t what = test_random_below(20);

    if (p->level == 0 && what < 18) {
        CHECK_OK(trx_begin(f->s[who], false));
        model_begin(m, who);
    } else if (p->level == 0) {
        check_view(f, m, who);
    } else if (what < 13) {
        play_change(f, m, who, value);
    } else if (what == 13) {
        check_view(f, m, who);
    } else if (what < 16) {
        CHECK_ERR(trx_begin(f->s[who], false), p->level == TRX_LEVEL_MAX ? JET_errTransTooDeep : JET_errSuccess);
        if (p->level < TRX_LEVEL_MAX)
            model_begin(m, who);
    } else if (what < 18) {
        CHECK_OK(trx_commit(f->s[who], true));
        model_end(m, who, true);
    } else if (what == 18) {
        CHECK_OK(trx_rollback(f->s[who], false));
        model_end(m, who, false);
    } else {
        CHECK_OK(trx_rollback(f->s[who], true));
        while (p->level)
            model_end(m, who, false);
    }
}

static unsigned count_present(const struct view *view) {
    unsigned n = 0;
    for (unsigned k = 0; k < KEYS; k++)
        n += view->value[k] != ABSENT;
    return n;
}

static void versions__random_sessions_match_the_history_of_commits(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct model *m = calloc(1, sizeof *m);
    m->committed = calloc(STEPS + 1, sizeof *m->committed);
    for (unsigned k = 0; k < KEYS; k++)
        m->committed[0].value[k] = ABSENT;
    for (unsigned step = 0; step < STEPS; step++) {
        play(&f, m, (unsigned)test_random_below(PLAYERS), (int)step);
        if (step % 16 == 0)
            for (unsigned i = 0; i < PLAYERS; i++)
                check_view(&f, m, i);
    }
    for (unsigned i = 0; i < PLAYERS; i++)
        for (bool commit; m->players[i].level; model_end(m, i, commit)) {
            commit = test_random_below(2);
            CHECK_OK(commit ? trx_commit(f.s[i], true) : trx_rollback(f.s[i], false));
        }
    for (unsigned i = 0; i < PLAYERS; i++)
        check_view(&f, m, i);
    check_clean(&f, count_present(&m->committed[m->now]));
    testdb_check(f.t);
    free(m->committed);
    free(m);
    testtrx_free(&f);
}

/* Buckets with several chains, and neighbours that come and go in another order than their versions were made. */
static void versions__chains_that_share_a_bucket_stay_apart(void) {
    enum { NODES = 3000 };
    struct testtrx f = testtrx_new(2u << 20); /* 4096 buckets */
    char old[32], new[32];
    CHECK_OK(trx_begin(f.s[4], true)); /* sees nothing, and keeps all versions */
    CHECK_OK(trx_begin(f.s[0], false));
    for (uint32_t key = 0; key < NODES; key++) {
        snprintf(old, sizeof old, "old %u", key);
        CHECK_OK(insert(f.s[0], f.tree, key, old));
    }
    CHECK_OK(trx_commit(f.s[0], true));
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(trx_begin(f.s[i], false));
    for (uint32_t key = 0; key < NODES; key++) {
        snprintf(new, sizeof new, "new %u", key);
        CHECK_OK(replace(f.s[key % 2], f.tree, key, new));
    }
    for (unsigned ended = 0; ended < 3; ended++) {
        for (uint32_t key = 0; key < NODES; key++) {
            snprintf(old, sizeof old, "old %u", key);
            snprintf(new, sizeof new, "new %u", key);
            CHECK_SEES(f.s[4], f.tree, key, "-");
            CHECK_SEES(f.s[2], f.tree, key, old);
            CHECK_SEES(f.s[1], f.tree, key, ended < 2 && key % 2 == 1 ? new : old);
        }
        if (ended < 2)
            CHECK_OK(trx_rollback(f.s[ended], false));
    }
    CHECK_OK(trx_commit(f.s[4], true));
    check_clean(&f, NODES);
    testtrx_free(&f);
}

/* ---- bounds ---- */

static JET_ERR fill(struct session *s, struct tree *tree, uint32_t from) {
    JET_ERR err = JET_errSuccess;
    for (uint32_t key = from; err >= JET_errSuccess && key < from + 100000; key++)
        err = insert(s, tree, key, "data");
    return err;
}

static void version_store__full_is_an_error_that_changes_nothing(void) {
    struct testtrx f = testtrx_new(64 << 10);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(fill(f.s[0], f.tree, 0), JET_errVersionStoreOutOfMemory);
    CU_ASSERT(trx_version_bytes(f.system) <= 64 << 10);
    CHECK_ERR(claim(f.s[0], f.tree, 0), JET_errSuccess); /* own already */
    CHECK_OK(trx_rollback(f.s[0], false));
    check_clean(&f, 0);
    testdb_check(f.t);
    testtrx_free(&f);
}

static void version_store__held_by_an_old_transaction_says_so(void) {
    struct testtrx f = testtrx_new(64 << 10);
    CHECK_OK(trx_begin(f.s[1], false)); /* reads nothing, holds everything */
    for (uint32_t key = 0;; key++) {
        CHECK_OK(trx_begin(f.s[0], false));
        JET_ERR err = insert(f.s[0], f.tree, key, "data");
        if (err < JET_errSuccess) {
            CHECK_ERR(err, JET_errVersionStoreOutOfMemoryAndCleanupTimedOut);
            break;
        }
        CHECK_OK(trx_commit(f.s[0], true));
    }
    CHECK_ERR(claim(f.s[0], f.tree, 0), JET_errVersionStoreOutOfMemoryAndCleanupTimedOut);
    CHECK_OK(trx_commit(f.s[1], true));
    CHECK_ERR(claim(f.s[0], f.tree, 0), JET_errSuccess);
    CHECK_OK(insert(f.s[0], f.tree, 1000000, "data"));
    CHECK_OK(trx_commit(f.s[0], true));
    CU_ASSERT_EQUAL(trx_version_bytes(f.system), 0);
    testtrx_free(&f);
}

static void replace__of_an_own_record_needs_no_second_version(void) {
    struct testtrx f = testtrx_new(16 << 10);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    for (unsigned i = 0; i < 2000; i++)
        CHECK_OK(replace(f.s[0], f.tree, 1, i % 2 ? "b" : "c"));
    CHECK_SEES(f.s[1], f.tree, 1, "-");
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_begin(f.s[0], false));
    for (unsigned i = 0; i < 2000; i++)
        CHECK_OK(replace(f.s[0], f.tree, 1, i % 2 ? "d" : "e"));
    CHECK_SEES(f.s[1], f.tree, 1, "b");
    CHECK_OK(trx_rollback(f.s[0], false));
    CHECK_SEES(f.s[1], f.tree, 1, "b");
    check_clean(&f, 1);
    testtrx_free(&f);
}

/* ---- clean-up ---- */

static void cleanup__removes_deleted_nodes_when_the_last_snapshot_ends(void) {
    struct testtrx f = testtrx_new(PLENTY);
    unsigned nodes, deleted;
    CHECK_OK(trx_begin(f.s[0], false));
    for (uint32_t key = 0; key < 3000; key++)
        CHECK_OK(insert(f.s[0], f.tree, key, "some data in it"));
    CHECK_OK(trx_commit(f.s[0], true));
    check_clean(&f, 3000);
    CHECK_OK(trx_begin(f.s[1], true));
    CHECK_OK(trx_begin(f.s[0], false));
    for (uint32_t key = 0; key < 3000; key++)
        CHECK_OK(delete (f.s[0], f.tree, key));
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_cleanup(f.system));
    count_nodes(f.tree, &nodes, &deleted);
    CU_ASSERT_EQUAL(nodes, 3000);
    CU_ASSERT_EQUAL(deleted, 3000);
    CHECK_SEES(f.s[1], f.tree, 2999, "some data in it");
    CHECK_OK(trx_begin(f.s[2], true));  /* newer than the deletes: does not hold them */
    CHECK_OK(trx_commit(f.s[1], true)); /* a share is done */
    CHECK_OK(trx_commit(f.s[2], true)); /* the rest */
    check_clean(&f, 0);
    testdb_check(f.t);
    CU_ASSERT_EQUAL(testdb_owned(f.tree) - testdb_available(f.tree), 1 + 2 * (testdb_owned(f.tree) > 1));
    testtrx_free(&f);
}

static void cleanup__of_a_database_before_detach(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    CHECK_OK(insert(f.s[0], f.tree, 2, "b"));
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_ERR(trx_forget_db(f.system, f.t->db), JET_errDatabaseInUse);
    CHECK_SEES(f.s[2], f.tree, 1, "a");
    CHECK_SEES(f.s[1], f.tree, 1, "-"); /* refused, it has dropped nothing that a snapshot needs */
    CHECK_OK(trx_commit(f.s[0], true));
    CHECK_OK(trx_forget_db(f.system, f.t->db)); /* whatever session 1 might see */
    check_clean(&f, 1);
    CHECK_OK(trx_commit(f.s[1], true));
    check_clean(&f, 1);
    testtrx_free(&f);
}

/* ---- threads ---- */

#define THREADS 4
#define ACCOUNTS 12
#define TURNS 400

struct teller {
    struct testtrx *f;
    struct session *session;
    uint64_t random;
    unsigned moved, torn;
    JET_ERR err;
};

static uint64_t draw(struct teller *t, uint64_t end) {
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (t->random >> 33) % end;
}

static void add_balance(void *context, uint32_t key, struct slice data) {
    int *sum = context, balance;
    (void)key;
    memcpy(&balance, data.p, sizeof balance);
    *sum += balance;
}

static JET_ERR get_balance(struct session *s, struct tree *tree, struct slice key, int *balance) {
    uint8_t scratch[PAGE_SIZE_MAX];
    struct bt_place place = {0};
    bool visible = false;
    struct slice data = {0};

    os_rwlock_read(&tree->latch);
    JET_ERR err = bt_find(tree, key, LATCH_SHARED, &place);
    if (err >= JET_errSuccess && place.exact)
        err = ver_read(s, tree, &place, &visible, &data, scratch);
    if (visible)
        memcpy(balance, data.p, sizeof *balance);
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err < JET_errSuccess ? err : visible ? JET_errSuccess : JET_errRecordNotFound;
}

/* Adds to an account; one of zero is deleted, a missing one is made. */
static JET_ERR change_balance(struct teller *t, uint32_t account, int by) {
    struct testkey k = testkey(account);
    struct slice key = slice(k.b, 4);
    int balance = 0;
    JET_ERR err = get_balance(t->session, t->f->tree, key, &balance);
    bool there = err >= JET_errSuccess;

    if (!there && err != JET_errRecordNotFound)
        return err;
    if (there && draw(t, 4) == 0) {
        err = ver_lock(t->session, t->f->tree, key);
        if (err < JET_errSuccess)
            return err;
    }
    balance += by;
    if (there && balance == 0)
        return ver_delete(t->session, t->f->tree, key);
    if (balance == 0)
        return JET_errSuccess;
    return there ? ver_replace(t->session, t->f->tree, key, slice(&balance, sizeof balance))
                 : ver_insert(t->session, t->f->tree, key, slice(&balance, sizeof balance));
}

static JET_ERR transfer(struct teller *t) {
    uint32_t from = (uint32_t)draw(t, ACCOUNTS), to = (uint32_t)draw(t, ACCOUNTS);
    int amount = (int)draw(t, 3) + 1;
    JET_ERR err = change_balance(t, from, -amount);
    return err < JET_errSuccess ? err : change_balance(t, to, amount);
}

/* One transaction: a snapshot's balances add up to zero, before and after its own transfer. */
static JET_ERR turn(struct teller *t) {
    int before = 0, after = 0;
    JET_ERR err = trx_begin(t->session, false);
    if (err >= JET_errSuccess)
        err = scan(t->session, t->f->tree, add_balance, &before);
    if (err < JET_errSuccess)
        return err;
    t->torn += before != 0;
    err = transfer(t);
    if (err == JET_errWriteConflict)
        return trx_rollback(t->session, false);
    if (err < JET_errSuccess)
        return err;
    err = scan(t->session, t->f->tree, add_balance, &after);
    t->torn += after != 0;
    t->moved++;
    if (err < JET_errSuccess)
        return err;
    return draw(t, 8) == 0 ? trx_rollback(t->session, false) : trx_commit(t->session, true);
}

static void *tell(void *arg) {
    struct teller *t = arg;
    for (unsigned i = 0; i < TURNS && t->err >= JET_errSuccess; i++)
        t->err = turn(t);
    return NULL;
}

static void versions__threads_never_see_half_a_transfer(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct teller tellers[THREADS];
    os_thread_t threads[THREADS];
    unsigned moved = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        tellers[i] = (struct teller){.f = &f, .session = f.s[i], .random = test_random()};
        CHECK_OK(os_thread_start(&threads[i], tell, &tellers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        os_thread_join(threads[i]);
        CHECK_OK(tellers[i].err);
        CU_ASSERT_EQUAL(tellers[i].torn, 0);
        moved += tellers[i].moved;
    }
    CU_ASSERT(moved > 0);
    int sum = 0;
    CHECK_OK(scan(f.s[0], f.tree, add_balance, &sum));
    CU_ASSERT_EQUAL(sum, 0);
    unsigned nodes, deleted;
    count_nodes(f.tree, &nodes, &deleted);
    check_clean(&f, nodes);
    testdb_check(f.t);
    testtrx_free(&f);
}

struct claimer {
    struct testtrx *f;
    struct session *session;
    _Atomic int *inside;
    unsigned together, got;
    JET_ERR err;
};

static void ignore_node(void *context, uint32_t key, struct slice data) {
    (void)context, (void)key, (void)data;
}

static void *claim_often(void *arg) {
    struct claimer *c = arg;
    for (unsigned i = 0; i < 3000 && c->err >= JET_errSuccess; i++) {
        c->err = trx_begin(c->session, false);
        JET_ERR err = c->err < JET_errSuccess ? c->err : claim(c->session, c->f->tree, 1);
        if (err >= JET_errSuccess) {
            c->got++;
            c->together += atomic_fetch_add(c->inside, 1) != 0;
            for (unsigned look = 0; look < 8 && c->err >= JET_errSuccess; look++)
                c->err = scan(c->session, c->f->tree, ignore_node, NULL);
            atomic_fetch_sub(c->inside, 1);
        } else if (err != JET_errWriteConflict) {
            c->err = err;
        }
        if (session_level(c->session) > 0) {
            err = i % 2 ? trx_commit(c->session, true) : trx_rollback(c->session, false);
            c->err = c->err < JET_errSuccess ? c->err : err;
        }
    }
    return NULL;
}

static void ver_lock__is_given_to_one_thread_at_a_time(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct claimer claimers[THREADS];
    os_thread_t threads[THREADS];
    _Atomic int inside = 0;
    unsigned got = 0;
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "one"));
    CHECK_OK(trx_commit(f.s[0], true));
    for (unsigned i = 0; i < THREADS; i++) {
        claimers[i] = (struct claimer){.f = &f, .session = f.s[i], .inside = &inside};
        CHECK_OK(os_thread_start(&threads[i], claim_often, &claimers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        os_thread_join(threads[i]);
        CHECK_OK(claimers[i].err);
        CU_ASSERT_EQUAL(claimers[i].together, 0);
        got += claimers[i].got;
    }
    CU_ASSERT(got > 0);
    check_clean(&f, 1);
    testtrx_free(&f);
}

TEST_MAIN(TEST(ver_read__takes_back_what_others_have_not_committed), TEST(ver_read__a_snapshot_stays_as_it_was),
          TEST(ver_insert__over_a_deleted_node_keeps_older_snapshots),
          TEST(ver_insert__rolled_back_after_the_old_delete_was_cleaned_leaves_no_node),
          TEST(ver_read__gives_short_and_large_before_images), TEST(ver_write__the_first_writer_wins),
          TEST(ver_lock__keeps_others_out_and_changes_nothing),
          TEST(versions__random_sessions_match_the_history_of_commits),
          TEST(version_store__full_is_an_error_that_changes_nothing),
          TEST(version_store__held_by_an_old_transaction_says_so),
          TEST(replace__of_an_own_record_needs_no_second_version),
          TEST(cleanup__removes_deleted_nodes_when_the_last_snapshot_ends), TEST(cleanup__of_a_database_before_detach),
          TEST(versions__threads_never_see_half_a_transfer), TEST(versions__chains_that_share_a_bucket_stay_apart),
          TEST(ver_lock__is_given_to_one_thread_at_a_time))
