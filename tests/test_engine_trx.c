/* Transactions: levels, what they log, what a rollback takes back, trees, and the log that fails under them. */
#include <stdlib.h>

#include "tests/lib/fault.h"
#include "tests/lib/testtrx.h"

#define PLENTY (64u << 20)

/* ---- levels ---- */

static void trx_begin__nests_to_level_seven(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct session *s = f.s[0];
    for (unsigned level = 1; level <= TRX_LEVEL_MAX; level++) {
        CHECK_OK(trx_begin(s, false));
        CU_ASSERT_EQUAL(session_level(s), level);
        CHECK_OK(insert(s, f.tree, level, "x"));
    }
    CHECK_ERR(trx_begin(s, false), JET_errTransTooDeep);
    CU_ASSERT_EQUAL(session_level(s), TRX_LEVEL_MAX);
    for (unsigned level = TRX_LEVEL_MAX; level > 1; level--) {
        CHECK_OK(trx_commit(s, false));
        CHECK_SEES(f.s[1], f.tree, TRX_LEVEL_MAX, "-"); /* not before the outermost */
    }
    CHECK_OK(trx_commit(s, false));
    CHECK_SEES(f.s[1], f.tree, TRX_LEVEL_MAX, "x");
    CU_ASSERT_EQUAL(session_level(s), 0);
    check_clean(&f, TRX_LEVEL_MAX);
    testtrx_free(&f);
}

static void trx__calls_outside_of_a_transaction_are_refused(void) {
    struct testtrx f = testtrx_new(PLENTY);
    pgno_t fdp;
    CHECK_ERR(trx_commit(f.s[0], false), JET_errNotInTransaction);
    CHECK_ERR(trx_rollback(f.s[0], false), JET_errNotInTransaction);
    CHECK_ERR(trx_rollback(f.s[0], true), JET_errNotInTransaction);
    CHECK_ERR(insert(f.s[0], f.tree, 1, "x"), JET_errNotInTransaction);
    CHECK_ERR(claim(f.s[0], f.tree, 1), JET_errNotInTransaction);
    CHECK_ERR(ver_delete_tree(f.s[0], f.tree), JET_errNotInTransaction);
    CHECK_ERR(ver_create_tree(f.s[0], f.t->db, NULL, 99, 0, 1, &fdp), JET_errNotInTransaction);
    CHECK_OK(trx_begin(f.s[0], true));
    CHECK_OK(trx_begin(f.s[0], false)); /* the outermost decides */
    CHECK_ERR(insert(f.s[0], f.tree, 1, "x"), JET_errTransReadOnly);
    CHECK_ERR(claim(f.s[0], f.tree, 1), JET_errTransReadOnly);
    CHECK_ERR(ver_delete_tree(f.s[0], f.tree), JET_errTransReadOnly);
    CHECK_OK(trx_rollback(f.s[0], true));
    check_clean(&f, 0);
    testtrx_free(&f);
}

static void trx_rollback__undoes_the_innermost_level_only(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct session *s = f.s[0];
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(insert(s, f.tree, 1, "outer"));
    CHECK_OK(insert(s, f.tree, 2, "outer"));
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(replace(s, f.tree, 1, "middle"));
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(replace(s, f.tree, 1, "inner"));
    CHECK_OK(delete (s, f.tree, 2));
    CHECK_OK(insert(s, f.tree, 2, "again"));
    CHECK_OK(insert(s, f.tree, 3, "inner"));
    CHECK_OK(trx_commit(s, false)); /* now of the middle level */
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(delete (s, f.tree, 3));
    CHECK_SEES(s, f.tree, 3, "-");
    CHECK_OK(trx_rollback(s, false));
    CHECK_SEES(s, f.tree, 1, "inner");
    CHECK_SEES(s, f.tree, 2, "again");
    CHECK_SEES(s, f.tree, 3, "inner");
    CHECK_OK(trx_rollback(s, false));
    CU_ASSERT_EQUAL(session_level(s), 1);
    CHECK_SEES(s, f.tree, 1, "outer");
    CHECK_SEES(s, f.tree, 2, "outer");
    CHECK_SEES(s, f.tree, 3, "-");
    CHECK_OK(trx_commit(s, false));
    CHECK_SEES(f.s[1], f.tree, 1, "outer");
    check_clean(&f, 2);
    testtrx_free(&f);
}

static void session_changes__moves_with_changes_and_rollbacks(void) {
    struct testtrx f = testtrx_new(PLENTY);
    uint64_t at[5];
    CHECK_OK(trx_begin(f.s[0], false));
    at[0] = session_changes(f.s[0]);
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    at[1] = session_changes(f.s[0]);
    CHECK_OK(replace(f.s[0], f.tree, 1, "b"));
    at[2] = session_changes(f.s[0]);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    at[3] = session_changes(f.s[0]);
    CHECK_OK(trx_rollback(f.s[0], false));
    at[4] = session_changes(f.s[0]);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT(at[i] < at[i + 1]);
    uint64_t others = session_snapshot(f.s[1]);
    CHECK_OK(trx_begin(f.s[2], false));
    uint64_t held = session_snapshot(f.s[2]);
    CHECK_OK(trx_commit(f.s[0], false));
    CU_ASSERT(others < session_snapshot(f.s[1]));
    CU_ASSERT_EQUAL(held, session_snapshot(f.s[2]));
    testtrx_free(&f);
}

static void session_end__rolls_back(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CU_ASSERT_EQUAL(trx_session_count(f.system), TESTTRX_SESSIONS);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    CHECK_OK(session_end(f.s[0]));
    CHECK_OK(session_end(f.s[2]));
    CU_ASSERT_EQUAL(trx_session_count(f.system), TESTTRX_SESSIONS - 2);
    check_clean(&f, 0);
    testtrx_free(&f);
}

/* ---- the log ---- */

static struct log_reader *read_log(struct testtrx *f, lgpos_t from) {
    struct log_reader_config config = {.from = from};
    struct log_reader *reader;
    CHECK_OK(log_flush(f->t->inst.log, log_tip(f->t->inst.log)));
    config.dirs[0] = f->t->inst.config.log_dir;
    CHECK_OK(log_reader_open(&config, &reader));
    return reader;
}

static unsigned count_records(struct testtrx *f, lgpos_t from, uint8_t type) {
    struct log_reader *reader = read_log(f, from);
    struct log_record record;
    unsigned count = 0;
    JET_ERR err;
    while ((err = log_reader_next(reader, &record)) >= JET_errSuccess)
        count += record.type == type;
    CHECK_ERR(err, JET_errNoCurrentRecord);
    log_reader_close(reader);
    return count;
}

static void trx_commit__logs_one_record_and_only_for_changes(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct session *s = f.s[0];
    lgpos_t from = log_tip(f.t->inst.log);
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(insert(s, f.tree, 1, "a"));
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(insert(s, f.tree, 2, "b"));
    CHECK_OK(trx_commit(s, false));
    CHECK_OK(trx_commit(s, false));
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(insert(s, f.tree, 3, "c"));
    CHECK_OK(trx_rollback(s, false));
    CU_ASSERT_EQUAL(count_records(&f, from, LOGREC_COMMIT), 1);
    CU_ASSERT_EQUAL(count_records(&f, from, LOGREC_ROLLBACK), 1);
    lgpos_t tip = log_tip(f.t->inst.log);
    CHECK_OK(trx_begin(s, false));
    CHECK_SEES(s, f.tree, 1, "a");
    CHECK_OK(claim(s, f.tree, 1));
    CHECK_OK(trx_commit(s, false));
    CHECK_OK(trx_begin(s, false));
    CHECK_OK(claim(s, f.tree, 1));
    CHECK_OK(trx_rollback(s, false));
    CU_ASSERT_EQUAL(log_tip(f.t->inst.log), tip);
    testtrx_free(&f);
}

static void trx_commit__waits_for_the_disk_unless_lazy(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct log *log = f.t->inst.log;
    for (uint32_t key = 0; key < 3; key++) {
        CHECK_OK(trx_begin(f.s[0], false));
        CHECK_OK(insert(f.s[0], f.tree, key, "a"));
        CHECK_OK(trx_commit(f.s[0], key == 1));
        CU_ASSERT_EQUAL(log_durable(log) == log_tip(log), key != 1);
    }
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(insert(f.s[1], f.tree, 7, "a"));
    CHECK_OK(trx_commit(f.s[1], true));
    CU_ASSERT(log_durable(log) < log_tip(log));
    CHECK_OK(trx_wait_last_commit(f.s[2])); /* has none */
    CU_ASSERT(log_durable(log) < log_tip(log));
    CHECK_OK(trx_wait_last_commit(f.s[1]));
    CU_ASSERT_EQUAL(log_durable(log), log_tip(log));
    testtrx_free(&f);
}

static void trx_oldest_logged__is_a_bound_of_what_is_open(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct log *log = f.t->inst.log;
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CU_ASSERT_EQUAL(trx_oldest_logged(f.system), UINT64_MAX);
    lgpos_t first = log_tip(log);
    CHECK_OK(insert(f.s[1], f.tree, 1, "a"));
    lgpos_t second = log_tip(log);
    CHECK_OK(insert(f.s[0], f.tree, 2, "a"));
    CU_ASSERT_EQUAL(trx_oldest_logged(f.system), first);
    CHECK_OK(trx_commit(f.s[1], true));
    CU_ASSERT_EQUAL(trx_oldest_logged(f.system), second);
    CHECK_OK(trx_rollback(f.s[0], false));
    CU_ASSERT_EQUAL(trx_oldest_logged(f.system), UINT64_MAX);
    testtrx_free(&f);
}

/* ---- trees ---- */

static struct tree *create_tree(struct testtrx *f, struct session *s, uint32_t pages) {
    struct tree *tree;
    objid_t objid;
    pgno_t fdp;
    CHECK_OK(db_new_objid(f->t->db, &objid));
    CHECK_OK(ver_create_tree(s, f->t->db, NULL, objid, 0, pages, &fdp));
    CHECK_OK(db_tree(f->t->db, fdp, objid, 0, &f->t->db->root, &tree));
    return tree;
}

static void ver_create_tree__gives_its_space_back_on_rollback(void) {
    struct testtrx f = testtrx_new(PLENTY);
    uint32_t free_before = testdb_available(&f.t->db->root);
    CHECK_OK(trx_begin(f.s[0], false));
    struct tree *tree = create_tree(&f, f.s[0], 4);
    for (uint32_t key = 0; key < 500; key++) /* more pages than it began with */
        CHECK_OK(insert(f.s[0], tree, key, "what is in the new tree goes with it"));
    CHECK_OK(trx_rollback(f.s[0], false));
    CU_ASSERT(testdb_available(&f.t->db->root) >= free_before);
    CU_ASSERT(atomic_load(&tree->deleted));
    check_clean(&f, 0);
    testdb_check(f.t);
    CHECK_OK(trx_begin(f.s[0], false));
    tree = create_tree(&f, f.s[0], 4);
    CHECK_OK(insert(f.s[0], tree, 1, "kept"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_SEES(f.s[1], tree, 1, "kept");
    testdb_check(f.t);
    testtrx_free(&f);
}

static void ver_delete_tree__frees_it_when_no_snapshot_sees_it(void) {
    struct testtrx f = testtrx_new(PLENTY);
    uint32_t free_before = testdb_available(&f.t->db->root);
    CHECK_OK(trx_begin(f.s[0], false));
    struct tree *tree = create_tree(&f, f.s[0], 4);
    CHECK_OK(insert(f.s[0], tree, 1, "a"));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], true));
    CHECK_OK(trx_begin(f.s[0], false));
    lgpos_t first = log_tip(f.t->inst.log);
    CHECK_OK(ver_delete_tree(f.s[0], tree));
    CU_ASSERT(!atomic_load(&tree->deleted));
    CHECK_OK(trx_commit(f.s[0], false));
    CU_ASSERT(atomic_load(&tree->deleted));
    CHECK_SEES(f.s[1], tree, 1, "a");
    CU_ASSERT_EQUAL(trx_oldest_logged(f.system), first); /* recovery must find the deletion */
    CU_ASSERT(testdb_available(&f.t->db->root) < free_before);
    CHECK_OK(trx_commit(f.s[1], false));
    CU_ASSERT_EQUAL(testdb_available(&f.t->db->root), free_before);
    check_clean(&f, 0);
    testdb_check(f.t);
    testtrx_free(&f);
}

static void ver_delete_tree__conflicts_with_changes_of_others(void) {
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "a"));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_ERR(ver_delete_tree(f.s[1], f.tree), JET_errWriteConflict);
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_ERR(ver_delete_tree(f.s[1], f.tree), JET_errWriteConflict); /* its snapshot is older */
    CHECK_OK(trx_rollback(f.s[1], false));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(ver_delete_tree(f.s[1], f.tree));
    CHECK_ERR(replace(f.s[1], f.tree, 1, "b"), JET_errObjectNotFound);
    CHECK_ERR(ver_delete_tree(f.s[1], f.tree), JET_errObjectNotFound);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_ERR(replace(f.s[0], f.tree, 1, "b"), JET_errWriteConflict);
    CHECK_ERR(insert(f.s[0], f.tree, 2, "b"), JET_errWriteConflict);
    CHECK_ERR(claim(f.s[0], f.tree, 1), JET_errWriteConflict);
    CHECK_ERR(ver_delete_tree(f.s[0], f.tree), JET_errWriteConflict);
    CHECK_OK(trx_rollback(f.s[1], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "b"));
    CHECK_OK(trx_commit(f.s[0], false));
    check_clean(&f, 1);
    testdb_check(f.t);
    testtrx_free(&f);
}

/* ---- undo from the log, as recovery does it ---- */

struct entry {
    struct undo undo;
    uint8_t *bytes;
};
struct undo_stack {
    struct entry *entries;
    unsigned count;
    trxid_t trx;
};

static void push_undo(struct undo_stack *stack, const struct undo *undo) {
    struct entry *e = &stack->entries[stack->count++];
    e->undo = *undo;
    e->bytes = malloc(undo->key.n + undo->before.n + 1);
    memcpy(e->bytes, undo->key.p, undo->key.n);
    if (undo->before.n)
        memcpy(e->bytes + undo->key.n, undo->before.p, undo->before.n);
    e->undo.key = slice(e->bytes, undo->key.n);
    e->undo.before = slice(e->bytes + undo->key.n, undo->before.n);
}

/* What the log says is open of the one transaction that ran since `from`. */
static void collect_undo(struct testtrx *f, lgpos_t from, struct undo_stack *stack) {
    struct log_reader *reader = read_log(f, from);
    struct log_record record;
    while (log_reader_next(reader, &record) >= JET_errSuccess) {
        struct change change;
        if (record.type != LOGREC_CHANGE)
            continue;
        CHECK_OK(change_decode(slice(record.data, record.bytes), &change));
        if (change.trx)
            stack->trx = change.trx;
        if (change.compensates)
            free(stack->entries[--stack->count].bytes);
        if (change.has_undo)
            push_undo(stack, &change.undo);
    }
    log_reader_close(reader);
}

static void random_change(struct session *s, struct tree *tree, uint32_t keys) {
    uint32_t key = (uint32_t)test_random_below(keys);
    char data[400];
    snprintf(data, sizeof data, "%*u", (int)test_random_below(380) + 1, key);
    switch (test_random_below(8)) {
    case 0:
        if (session_level(s) < TRX_LEVEL_MAX)
            CHECK_OK(trx_begin(s, false));
        break;
    case 1:
        if (session_level(s) > 1)
            CHECK_OK(test_random_below(2) ? trx_commit(s, true) : trx_rollback(s, false));
        break;
    case 2:
    case 3:
        if (read_text(s, tree, key)[0] != '-')
            CHECK_OK(delete (s, tree, key));
        break;
    default:
        CHECK_OK(read_text(s, tree, key)[0] == '-' ? insert(s, tree, key, data) : replace(s, tree, key, data));
    }
}

static void restart(struct testtrx *f) {
    trx_system_free(f->system);
    CHECK_OK(trx_system_new(&f->t->inst, PLENTY, &f->t->inst.trx));
    f->system = f->t->inst.trx;
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(session_begin(&f->t->inst, &f->s[i]));
}

static void commit_changes(struct session *s, struct tree *tree, uint32_t keys) {
    CHECK_OK(trx_begin(s, false));
    for (unsigned i = 0; i < 60; i++)
        random_change(s, tree, keys);
    while (session_level(s))
        CHECK_OK(trx_commit(s, true));
}

/* A transaction is cut off in the middle (and in the middle of its savepoint rollbacks); undo runs in two halves, as if
 * recovery itself had been cut off, the second from what the log then says. */
static void undo_apply__brings_back_the_committed_state_from_the_log(void) {
    enum { KEYS = 40 };
    struct testtrx f = testtrx_new(PLENTY);
    struct undo_stack stack = {.entries = calloc(1000, sizeof(struct entry))};
    char *expected[KEYS];

    for (unsigned round = 0; round < 8; round++) {
        commit_changes(f.s[0], f.tree, KEYS);
        for (uint32_t k = 0; k < KEYS; k++)
            expected[k] = strdup(read_text(f.s[0], f.tree, k));
        lgpos_t from = log_tip(f.t->inst.log);
        CHECK_OK(trx_begin(f.s[1], false));
        for (unsigned i = 0; i < 150; i++)
            random_change(f.s[1], f.tree, KEYS);
        restart(&f);
        for (unsigned half = 0; half < 2; half++) {
            stack.count = 0;
            collect_undo(&f, from, &stack);
            for (unsigned i = stack.count; i-- > (half ? 0 : stack.count / 2);)
                CHECK_OK(undo_apply(f.t->db, stack.trx, &stack.entries[i].undo));
            for (unsigned i = 0; i < stack.count; i++)
                free(stack.entries[i].bytes);
        }
        for (uint32_t k = 0; k < KEYS; k++) {
            CHECK_SEES(f.s[0], f.tree, k, expected[k]);
            free(expected[k]);
        }
        testdb_check(f.t);
    }
    testtrx_free(&f);
    free(stack.entries);
}

static void undo_open_tree__knows_a_tree_by_its_objid(void) {
    struct testtrx f = testtrx_new(PLENTY);
    struct tree *tree;
    struct undo undo = {.op = UNDO_DELETE, .fdp = f.tree->fdp, .objid = f.tree->objid};
    CHECK_OK(undo_open_tree(f.t->db, &undo, &tree));
    CU_ASSERT_PTR_EQUAL(tree, f.tree);
    undo.objid++;
    CHECK_ERR(undo_open_tree(f.t->db, &undo, &tree), JET_errObjectNotFound);
    undo.fdp = f.t->db->page_count + 100;
    CHECK_ERR(undo_open_tree(f.t->db, &undo, &tree), JET_errObjectNotFound);
    testtrx_free(&f);
}

/* ---- the log fails ---- */

static struct testtrx new_on_bad_disk(void) {
    fault_install();
    struct testtrx f = testtrx_new(PLENTY);
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "old"));
    CHECK_OK(insert(f.s[0], f.tree, 2, "old"));
    CHECK_OK(trx_commit(f.s[0], false));
    return f;
}

static void end_on_bad_disk(struct testtrx *f) {
    fault_clear();
    testtrx_free(f);
    fault_done();
}

static void trx_commit__fails_when_the_log_cannot_be_written(void) {
    struct testtrx f = new_on_bad_disk();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "new"));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(replace(f.s[1], f.tree, 2, "new"));
    CHECK_OK(trx_begin(f.s[2], true));
    fault_add((struct fault){.op = FAULT_WRITE, .name = "edb.log", .forever = true, .error = JET_errDiskIO});
    CHECK_ERR(trx_commit(f.s[0], false), JET_errLogWriteFail);
    CU_ASSERT_EQUAL(session_level(f.s[0]), 0);
    CHECK_ERR(inst_usable(&f.t->inst), JET_errInstanceUnavailable);

    /* The next one cannot even append: nobody ever sees its change, and the checkpoint must not pass it. */
    CU_ASSERT(trx_commit(f.s[1], true) < JET_errSuccess);
    CU_ASSERT_EQUAL(session_level(f.s[1]), 0);
    CHECK_SEES(f.s[1], f.tree, 2, "old");
    CHECK_SEES(f.s[3], f.tree, 2, "old");
    CU_ASSERT(trx_oldest_logged(f.system) < log_tip(f.t->inst.log));

    CHECK_OK(trx_begin(f.s[4], false));
    CHECK_ERR(insert(f.s[4], f.tree, 3, "x"), JET_errInstanceUnavailable);
    CHECK_ERR(claim(f.s[4], f.tree, 1), JET_errInstanceUnavailable);
    CHECK_OK(trx_commit(f.s[4], false)); /* nothing to commit */
    CHECK_OK(trx_commit(f.s[2], false));
    CHECK_OK(session_end(f.s[1]));
    end_on_bad_disk(&f);
}

static void trx_rollback__fails_when_the_log_is_down(void) {
    struct testtrx f = new_on_bad_disk();
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "new"));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(replace(f.s[0], f.tree, 1, "newer"));
    CHECK_OK(delete (f.s[0], f.tree, 2));
    CHECK_OK(trx_begin(f.s[1], false));
    CHECK_OK(insert(f.s[1], f.tree, 3, "x"));
    fault_add((struct fault){.op = FAULT_SYNC, .name = "edb.log", .forever = true, .error = JET_errDiskIO});
    CHECK_ERR(trx_commit(f.s[1], false), JET_errLogWriteFail);
    CHECK_ERR(trx_rollback(f.s[0], false), JET_errInstanceUnavailable);
    CU_ASSERT_EQUAL(session_level(f.s[0]), 0);
    CHECK_SEES(f.s[0], f.tree, 1, "old");
    CHECK_SEES(f.s[2], f.tree, 2, "old");
    CHECK_ERR(trx_rollback(f.s[0], false), JET_errNotInTransaction);
    end_on_bad_disk(&f);
}

static void cleanup__that_cannot_read_a_page_does_not_fail_the_commit(void) {
    fault_install();
    struct testtrx f = testtrx_new(PLENTY);
    static char data[1000];
    memset(data, 'x', sizeof data - 1);
    CHECK_OK(trx_begin(f.s[0], false));
    for (uint32_t key = 0; key < 40; key++)
        CHECK_OK(insert(f.s[0], f.tree, key, data));
    CHECK_OK(trx_commit(f.s[0], false));
    CHECK_OK(trx_begin(f.s[1], true));
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(delete (f.s[0], f.tree, 1));
    CHECK_OK(trx_commit(f.s[0], false));
    testdb_reread(f.t);
    fault_add((struct fault){.op = FAULT_READ, .name = "test.edb", .forever = true, .error = JET_errDiskIO});
    CHECK_OK(trx_commit(f.s[1], false));
    fault_clear();
    CU_ASSERT_EQUAL(trx_version_bytes(f.system), 0);
    CHECK_SEES(f.s[0], f.tree, 1, "-"); /* the node was left, and nobody sees it */
    CHECK_OK(trx_begin(f.s[0], false));
    CHECK_OK(insert(f.s[0], f.tree, 1, "again"));
    CHECK_SEES(f.s[1], f.tree, 1, "-");
    CHECK_OK(trx_rollback(f.s[0], false));
    check_clean(&f, 39);
    testtrx_free(&f);
    fault_done();
}

TEST_MAIN(TEST(trx_begin__nests_to_level_seven), TEST(trx__calls_outside_of_a_transaction_are_refused),
          TEST(trx_rollback__undoes_the_innermost_level_only), TEST(session_changes__moves_with_changes_and_rollbacks),
          TEST(session_end__rolls_back), TEST(trx_commit__logs_one_record_and_only_for_changes),
          TEST(trx_commit__waits_for_the_disk_unless_lazy), TEST(trx_oldest_logged__is_a_bound_of_what_is_open),
          TEST(ver_create_tree__gives_its_space_back_on_rollback),
          TEST(ver_delete_tree__frees_it_when_no_snapshot_sees_it),
          TEST(ver_delete_tree__conflicts_with_changes_of_others),
          TEST(undo_apply__brings_back_the_committed_state_from_the_log),
          TEST(undo_open_tree__knows_a_tree_by_its_objid), TEST(trx_commit__fails_when_the_log_cannot_be_written),
          TEST(trx_rollback__fails_when_the_log_is_down),
          TEST(cleanup__that_cannot_read_a_page_does_not_fail_the_commit))
