/* B+trees that cannot be changed, or that a disk has spoilt: refusals, failures, and what the check says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testbt.h"

/* ---- refusals ---- */

static void bt__what_cannot_be_done_changes_nothing(void) {
    struct model m = numbers(3000);
    static uint8_t data[PAGE_SIZE_MAX], long_key[KEY_BUFFER];
    uint8_t key[4];
    struct slice large = slice(data, page_record_max(4096, 4) + 1);
    dbtime_t before = atomic_load(&m.t->db->dbtime);
    CHECK_ERR(do_insert(&m, number_key(10, key), slice(data, 1), 0), JET_errKeyDuplicate);
    CHECK_ERR(do_remove(&m, number_key(11, key)), JET_errRecordNotFound);
    CHECK_ERR(do_update(&m, number_key(11, key), &large, 0), JET_errRecordTooBig);
    large.n--;
    CHECK_ERR(do_update(&m, number_key(11, key), &large, 0), JET_errRecordNotFound);
    large.n++;
    CHECK_ERR(do_insert(&m, number_key(11, key), large, 0), JET_errRecordTooBig);
    CHECK_ERR(do_insert(&m, slice(long_key, 1001), slice(data, 1), 0), JET_errRecordTooBig);
    CU_ASSERT_EQUAL(atomic_load(&m.t->db->dbtime), before);
    model_check(&m);
    model_free(&m);
}

static void bt__trees_of_newer_windows_are_not_written_to(void) {
    struct model m = numbers(3000);
    static const uint8_t external[25] = {3};
    uint8_t key[4], header[25];
    struct mtr mtr;
    struct page *root;
    memcpy(header, external, 25);
    mtr_begin(&mtr, m.t->db, NULL);
    CHECK_OK(mtr_latch(&mtr, m.tree->fdp, &root));
    memcpy(header + 1, page_external_header(root).p, 16);
    CHECK_OK(mtr_set_external_header(&mtr, root, slice(header, 25)));
    CHECK_OK(mtr_commit(&mtr, NULL, NULL));
    mtr_end(&mtr);
    CHECK_ERR(do_insert(&m, number_key(11, key), slice("x", 1), 0), JET_errFeatureNotAvailable);
    CHECK_ERR(do_update(&m, number_key(10, key), &(struct slice){key, 1}, 0), JET_errFeatureNotAvailable);
    CHECK_ERR(do_remove(&m, number_key(10, key)), JET_errFeatureNotAvailable);
    model_check(&m);
    model_free(&m);
}

static void bt__a_full_disk_leaves_the_tree_whole(void) {
    fault_install();
    struct model m = model_new(4096);
    uint8_t key[4];
    static const uint8_t data[200];
    unsigned refused = 0;
    fault_add(
        (struct fault){.op = FAULT_RESIZE, .name = "test.edb", .nth = 4, .forever = true, .error = JET_errDiskFull});
    for (uint32_t i = 0; i < 4000 && refused < 20; i++) {
        uint32_t number = (uint32_t)test_random_below(1000000);
        JET_ERR err = do_insert(&m, number_key(number, key), slice(data, sizeof data), 0);
        if (err == JET_errDiskFull) {
            refused++;
        } else if (err != JET_errKeyDuplicate) {
            CHECK_OK(err);
        }
        if (err == JET_errDiskFull && refused < 3)
            testdb_check(m.t);
    }
    CU_ASSERT_EQUAL(refused, 20);
    testdb_check(m.t);
    fault_clear();
    CHECK_OK(do_insert(&m, number_key(1000001, key), slice("x", 1), 0));
    testdb_check(m.t);
    model_free(&m);
    fault_done();
}

static void bt__a_dead_log_leaves_the_tree_whole(void) {
    fault_install();
    struct model m = numbers(3000);
    uint8_t key[4];
    static const uint8_t filler[2000];
    fault_add((struct fault){.op = FAULT_WRITE, .name = "edb", .nth = 1, .forever = true, .error = JET_errDiskIO});
    CHECK_ERR(log_flush(m.t->inst.log, log_tip(m.t->inst.log)), JET_errLogWriteFail);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t number = 10 * (uint32_t)test_random_below(300);
        CU_ASSERT(do_insert(&m, number_key(number + 1, key), slice(filler, sizeof filler), 0) < 0);
        CU_ASSERT(do_remove(&m, number_key(number, key)) < 0);
    }
    model_check(&m);
    fault_clear();
    model_free(&m);
    fault_done();
}

/* ---- damage: pages that a disk could give us, with good checksums ---- */

struct damage {
    pgno_t first, middle, last;
}; /* leaves of a tree with at least three */

static void find_leaves(struct model *m, struct damage *d) {
    struct bt_place place;
    CHECK_OK(bt_first(m->tree, &place));
    d->first = place.leaf.pgno;
    d->middle = page_next(&place.leaf.page);
    bt_release(&place);
    CHECK_OK(bt_last(m->tree, &place));
    d->last = place.leaf.pgno;
    bt_release(&place);
    CU_ASSERT_FATAL(d->first != d->last && d->middle != d->last);
}

static void set_links(struct model *m, pgno_t pgno, pgno_t prev, pgno_t next) {
    struct mtr mtr;
    struct page *p;
    mtr_begin(&mtr, m->t->db, NULL);
    CHECK_OK(mtr_latch(&mtr, pgno, &p));
    CHECK_OK(mtr_set_links(&mtr, p, prev == ~0u ? page_prev(p) : prev, next == ~0u ? page_next(p) : next));
    CHECK_OK(mtr_commit(&mtr, NULL, NULL));
    mtr_end(&mtr);
}

static JET_ERR scan(struct tree *tree, size_t *steps) {
    struct bt_place place;
    JET_ERR err = bt_first(tree, &place);
    for (*steps = 0; err == JET_errSuccess; ++*steps)
        err = bt_next(tree, &place);
    bt_release(&place);
    return err;
}

static void count_finding(void *context, pgno_t pgno, const char *what) {
    (void)pgno, (void)what;
    ++*(unsigned *)context;
}

static unsigned findings(struct tree *tree) {
    unsigned count = 0;
    CHECK_OK(bt_check(tree, count_finding, NULL, &count));
    return count;
}

static void bt_next__a_ring_of_leaves_ends_with_an_error(void) {
    struct model m = numbers(5000);
    struct damage d;
    size_t steps;
    find_leaves(&m, &d);
    set_links(&m, d.last, ~0u, d.first);
    set_links(&m, d.first, d.last, ~0u);
    CHECK_ERR(scan(m.tree, &steps), JET_errBadPageLink);
    CU_ASSERT_EQUAL(steps, m.count);
    CU_ASSERT(findings(m.tree) > 0);
    model_free(&m);
}

static void bt_next__a_link_to_anything_else_is_an_error(void) {
    struct model m = numbers(5000);
    struct damage d;
    size_t steps;
    find_leaves(&m, &d);
    pgno_t wrong[] = {d.last, d.first, m.tree->fdp, 1, 2, 100000, 0x7fffffff};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_links(&m, d.first, ~0u, wrong[i]);
        JET_ERR err = scan(m.tree, &steps);
        CU_ASSERT(err == JET_errBadPageLink || err == JET_errBadParentPageLink || err == JET_errDatabaseCorrupted);
        CU_ASSERT(findings(m.tree) > 0);
    }
    model_free(&m);
}

/* The first node of the root leads elsewhere. */
static void set_first_child(struct model *m, pgno_t child) {
    struct mtr mtr;
    struct page *root;
    uint8_t data[4];
    store32(data, child);
    mtr_begin(&mtr, m->t->db, NULL);
    CHECK_OK(mtr_latch(&mtr, m->tree->fdp, &root));
    CHECK_OK(mtr_replace(&mtr, root, 0, slice(data, 4)));
    CHECK_OK(mtr_commit(&mtr, NULL, NULL));
    mtr_end(&mtr);
}

static void bt_walk__a_wrong_child_is_an_error(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 200; i++)
        model_insert_one(&m, KEY_LONG, DATA_SMALL);
    CU_ASSERT_FATAL(depth_of(m.tree) >= 3);
    struct bt_place place;
    CHECK_OK(bt_first(m.tree, &place));
    pgno_t leaf = place.leaf.pgno;
    bt_release(&place);
    pgno_t wrong[] = {m.tree->fdp, leaf, 1, 2, 0, 100000, 0xffffffff};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_first_child(&m, wrong[i]);
        JET_ERR err = bt_find(m.tree, slice("", 1), LATCH_SHARED, &place);
        bt_release(&place);
        CU_ASSERT(err == JET_errBadParentPageLink || err == JET_errDatabaseCorrupted);
        err = do_insert(&m, slice("", 1), slice("x", 1), 0);
        CU_ASSERT(err == JET_errBadParentPageLink || err == JET_errDatabaseCorrupted);
        CU_ASSERT(findings(m.tree) > 0);
    }
    model_free(&m);
}

/* What bt_check must say about each of these; every one is made in a fresh tree. */
enum damage_kind {
    DAMAGE_ORDER,
    DAMAGE_FIRST_KEY,
    DAMAGE_LAST_KEY,
    DAMAGE_EMPTY_FLAG,
    DAMAGE_TYPE_FLAG,
    DAMAGE_LEVEL_FLAG,
    DAMAGE_SIBLING,
    DAMAGE_SEPARATOR,
    DAMAGE_LAST_SEPARATOR,
    DAMAGE_KINDS
};

static JET_ERR replace_node(struct mtr *mtr, struct page *p, unsigned line, struct slice key) {
    uint8_t copy[256];
    struct node n;
    page_node(p, line, &n);
    size_t bytes = n.data.n;
    memcpy(copy, n.data.p, bytes);
    JET_ERR err = mtr_delete(mtr, p, line, 1);
    return err < JET_errSuccess ? err : mtr_insert(mtr, p, line, 0, key, slice(copy, bytes));
}

static JET_ERR make_damage(struct mtr *mtr, enum damage_kind kind, struct page *root, struct page *leaf) {
    uint8_t key[4];
    switch (kind) {
    case DAMAGE_ORDER:
        return replace_node(mtr, leaf, 3, number_key(0, key));
    case DAMAGE_FIRST_KEY:
        return replace_node(mtr, leaf, 0, number_key(0, key));
    case DAMAGE_LAST_KEY:
        return replace_node(mtr, leaf, page_lines(leaf) - 1, number_key(900000, key));
    case DAMAGE_EMPTY_FLAG:
        return mtr_set_page_flags(mtr, leaf, page_flags(leaf) | PAGE_EMPTY);
    case DAMAGE_TYPE_FLAG:
        return mtr_set_page_flags(mtr, leaf, page_flags(leaf) | PAGE_INDEX);
    case DAMAGE_LEVEL_FLAG:
        return mtr_set_page_flags(mtr, root, page_flags(root) & ~(uint32_t)PAGE_PARENT_OF_LEAF);
    case DAMAGE_SIBLING:
        return mtr_set_links(mtr, root, 0, 4);
    case DAMAGE_SEPARATOR:
        return replace_node(mtr, root, 1, number_key(0, key));
    case DAMAGE_LAST_SEPARATOR:
        return replace_node(mtr, root, page_lines(root) - 1, number_key(900000, key));
    case DAMAGE_KINDS:
        break;
    }
    return JET_errInternalError;
}

static void bt_check__notices_each_kind_of_damage(void) {
    for (enum damage_kind kind = 0; kind < DAMAGE_KINDS; kind++) {
        struct model m = numbers(5000);
        struct damage d;
        struct page *root, *leaf;
        struct mtr mtr;
        find_leaves(&m, &d);
        CU_ASSERT_EQUAL(findings(m.tree), 0);
        mtr_begin(&mtr, m.t->db, NULL);
        CHECK_OK(mtr_latch(&mtr, m.tree->fdp, &root));
        CHECK_OK(mtr_latch(&mtr, d.middle, &leaf));
        CHECK_OK(make_damage(&mtr, kind, root, leaf));
        CHECK_OK(mtr_commit(&mtr, NULL, NULL));
        mtr_end(&mtr);
        CU_ASSERT(findings(m.tree) > 0);
        model_free(&m);
    }
}

/* Changes some bytes of a page, as a disk could that also made the checksum right. False: page_check would refuse it.
 */
static bool spoil_page(struct testdb *t, pgno_t pgno) {
    static uint8_t copy[PAGE_SIZE_MAX];
    struct page_ref ref;
    uint32_t size = t->db->page_size;
    struct page spoilt = {copy, size};
    if (cache_latch(t->db->pages, pgno, LATCH_EXCLUSIVE, &ref) < JET_errSuccess)
        return false;
    memcpy(copy, ref.page.b, size);
    for (uint64_t n = 1 + test_random_below(3); n > 0; n--) {
        uint64_t where = test_random_below(3);
        size_t at = where == 0   ? 16 + test_random_below(24)
                    : where == 1 ? size - 1 - test_random_below(64)
                                 : 40 + test_random_below(200);
        copy[at] = test_random_below(2) ? (uint8_t)test_random() : copy[at] ^ (uint8_t)(1u << test_random_below(8));
    }
    bool good = page_check(&spoilt, NULL) >= JET_errSuccess;
    if (good)
        memcpy(ref.page.b, copy, size);
    cache_unlatch(&ref);
    return good;
}

/* Whatever the answers are, there must be one. */
static void use_spoilt_tree(struct model *m) {
    static uint8_t data[600];
    uint8_t key[KEY_BUFFER];
    size_t steps;
    pgno_t fdp;
    (void)findings(m->tree);
    (void)scan(m->tree, &steps);
    for (unsigned i = 0; i < 60; i++) {
        struct slice k = number_key((uint32_t)test_random_below(3000), key),
                     d = slice(data, 1 + test_random_below(600));
        if (test_random_below(2) && m->count > 0) {
            const struct entry *e = &m->at[test_random_below(m->count)];
            k = slice(e->key, e->key_bytes);
        }
        (void)!(i % 3 == 0 ? do_insert(m, k, d, 0) : i % 3 == 1 ? do_remove(m, k) : do_update(m, k, &d, 0));
    }
    struct mtr mtr;
    mtr_begin(&mtr, m->t->db, NULL);
    (void)!space_create_tree(&mtr, m->t->db, m->tree, 1000, 0, 3, &fdp);
    mtr_end(&mtr);
    mtr_begin(&mtr, m->t->db, NULL);
    (void)!space_free_tree(&mtr, m->tree, &m->t->db->root);
    mtr_end(&mtr);
    (void)findings(m->tree);
}

static void bt__spoilt_pages_give_errors_and_no_more(void) {
    for (unsigned round = 0; round < 40; round++) {
        struct model m = round % 2 ? numbers(3000) : model_new(4096);
        for (unsigned i = 0; i < 80 && round % 2 == 0; i++)
            model_insert_one(&m, KEY_LONG, DATA_SMALL);
        unsigned spoilt = 0;
        for (unsigned tries = 0; tries < 2000 && spoilt < 1 + round % 3; tries++)
            spoilt += spoil_page(m.t, 1 + (pgno_t)test_random_below(atomic_load(&m.t->db->page_count)));
        use_spoilt_tree(&m);
        model_free(&m);
    }
}

/* ---- files that Windows wrote ---- */

static void print_finding(void *context, pgno_t pgno, const char *what) {
    printf("\n    page %u: %s", pgno, what);
    ++*(unsigned *)context;
}

static void check_windows_file(const char *name) {
    const char *path = test_windows_file(name);
    static const struct {
        pgno_t fdp;
        objid_t objid;
        uint32_t type;
    } system_trees[] = {
        {4, 2, 0},
        {7, 4, PAGE_INDEX},
        {10, 5, PAGE_INDEX},
        {24, 3, 0},
    };
    unsigned count = 0;
    if (!path)
        return;
    struct testdb *t = testdb_open(path);
    CHECK_OK(bt_check(&t->db->root, print_finding, NULL, &count));
    for (size_t i = 0; i < sizeof system_trees / sizeof system_trees[0]; i++) {
        struct tree *tree, *parent = i == 1 || i == 2 ? db_tree_find(t->db, 4) : &t->db->root;
        CHECK_OK(db_tree(t->db, system_trees[i].fdp, system_trees[i].objid, system_trees[i].type, parent, &tree));
        CHECK_OK(bt_check(tree, print_finding, NULL, &count));
    }
    CU_ASSERT_EQUAL(count, 0);
    testdb_free(t);
}

static void bt_check__finds_nothing_in_files_from_windows(void) {
    static const char *names[] = {"basic.edb", "large.edb", "SRUDB.dat", "Current.mdb", "index.edb", "text.edb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_windows_file(names[i]);
}

TEST_MAIN(TEST(bt__what_cannot_be_done_changes_nothing), TEST(bt__trees_of_newer_windows_are_not_written_to),
          TEST(bt__a_full_disk_leaves_the_tree_whole), TEST(bt__a_dead_log_leaves_the_tree_whole),
          TEST(bt_next__a_ring_of_leaves_ends_with_an_error), TEST(bt_next__a_link_to_anything_else_is_an_error),
          TEST(bt_walk__a_wrong_child_is_an_error), TEST(bt_check__notices_each_kind_of_damage),
          TEST(bt__spoilt_pages_give_errors_and_no_more), TEST(bt_check__finds_nothing_in_files_from_windows))
