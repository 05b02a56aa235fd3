/* Space: who owns which pages. After each story the page accounts of the whole database must close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/space_priv.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testdb.h"

static struct testdb *new_db(uint32_t page_size) {
    return testdb_new(&(struct testdb_options){.page_size = page_size});
}

struct extents {
    unsigned count;
    struct {
        pgno_t first;
        uint32_t count;
        bool available;
    } at[64];
};

static void add(void *context, pgno_t first, uint32_t count, bool available) {
    struct extents *e = context;
    if (e->count < 64) {
        e->at[e->count].first = first;
        e->at[e->count].count = count;
        e->at[e->count].available = available;
    }
    e->count++;
}

static struct extents extents_of(struct tree *tree) {
    struct extents e = {.count = 0};
    CHECK_OK(space_extents(tree, add, NULL, &e));
    return e;
}

#define CHECK_EXTENT(e, i, f, n, a)                                                                                    \
    do {                                                                                                               \
        CU_ASSERT_EQUAL((e).at[i].first, (f));                                                                         \
        CU_ASSERT_EQUAL((e).at[i].count, (n));                                                                         \
        CU_ASSERT_EQUAL((e).at[i].available, (a));                                                                     \
    } while (0)

static pgno_t alloc_page(struct tree *tree) {
    struct mtr m;
    struct page *p;
    mtr_begin(&m, tree->db, NULL);
    CHECK_OK(space_alloc(&m, tree, PAGE_LEAF, &p));
    pgno_t pgno = mtr_pgno(p);
    CU_ASSERT_EQUAL(page_lines(p), 0);
    CU_ASSERT_EQUAL(page_objid(p), tree->objid);
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    return pgno;
}

static void free_page(struct tree *tree, pgno_t pgno) {
    struct mtr m;
    mtr_begin(&m, tree->db, NULL);
    CHECK_OK(space_free(&m, tree, pgno));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
}

/* ---- creation ---- */

static void space_create_root__owns_the_file(void) {
    for (uint32_t page_size = PAGE_SIZE_MIN; page_size <= PAGE_SIZE_MAX; page_size *= 2) {
        struct testdb *t = new_db(page_size);
        struct extents e = extents_of(&t->db->root);
        pgno_t end;
        CU_ASSERT_EQUAL_FATAL(e.count, 2);
        CHECK_EXTENT(e, 0, 1, 46, false);
        CHECK_EXTENT(e, 1, 4, 43, true);
        CHECK_OK(space_owned_end(t->db, &end));
        CU_ASSERT_EQUAL(end, 46);
        testdb_check(t);
        testdb_free(t);
    }
}

static void create_fixed(struct testdb *t, struct tree *parent, pgno_t fdp, uint32_t pages, objid_t objid,
                         struct tree **out) {
    struct mtr m;
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(space_create_fixed_tree(&m, t->db, parent, fdp, pages, objid, 0));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    CHECK_OK(db_tree(t->db, fdp, objid, 0, parent, out));
}

static void space_create_fixed_tree__makes_the_layout_of_a_new_database(void) {
    struct testdb *t = new_db(8192);
    struct tree *catalog, *name, *objects, *shadow;
    create_fixed(t, &t->db->root, 4, 20, 2, &catalog);
    create_fixed(t, catalog, 7, 3, 4, &name);
    create_fixed(t, catalog, 10, 3, 5, &objects);
    create_fixed(t, &t->db->root, 24, 5, 3, &shadow);
    struct extents e = extents_of(catalog);
    CU_ASSERT_EQUAL_FATAL(e.count, 2);
    CHECK_EXTENT(e, 0, 4, 20, false);
    CHECK_EXTENT(e, 1, 13, 11, true);
    e = extents_of(name);
    CU_ASSERT_EQUAL_FATAL(e.count, 1);
    CHECK_EXTENT(e, 0, 7, 3, false);
    e = extents_of(shadow);
    CHECK_EXTENT(e, 1, 27, 2, true);
    e = extents_of(&t->db->root);
    CHECK_EXTENT(e, 1, 29, 18, true);
    testdb_check(t);
    testdb_free(t);
}

static void space_create_tree__small_ones_keep_free_pages_in_a_bitmap(void) {
    struct testdb *t = new_db(4096);
    for (uint32_t pages = 1; pages <= 40; pages++) {
        struct tree *tree = testdb_table(t, pages);
        struct extents e = extents_of(tree);
        bool multiple = pages > SPACE_SINGLE_MAX;
        CHECK_EXTENT(e, 0, tree->fdp, pages, false);
        CU_ASSERT_EQUAL(testdb_available(tree), pages - (multiple ? 3 : 1));
    }
    testdb_check(t);
    testdb_free(t);
}

static void space_create_tree__more_pages_than_the_file_has(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 5000);
    CU_ASSERT_EQUAL(testdb_owned(tree), 5000);
    CU_ASSERT_EQUAL(testdb_available(tree), 4997);
    testdb_check(t);
    testdb_free(t);
}

/* ---- pages ---- */

static void space_alloc__a_single_extent_is_used_up_and_refilled(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 5);
    pgno_t pages[4];
    for (unsigned i = 0; i < 4; i++) {
        pages[i] = alloc_page(tree);
        CU_ASSERT_EQUAL(pages[i], tree->fdp + 1 + i);
    }
    free_page(tree, pages[2]);
    free_page(tree, pages[0]);
    CU_ASSERT_EQUAL(alloc_page(tree), pages[0]);
    CU_ASSERT_EQUAL(alloc_page(tree), pages[2]);
    for (unsigned i = 0; i < 4; i++)
        free_page(tree, pages[i]);
    CU_ASSERT_EQUAL(testdb_available(tree), 4);
    testdb_check(t);
    testdb_free(t);
}

static void space_alloc__a_tree_grows_in_small_steps_first(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.pages = 20000});
    struct tree *tree = testdb_table(t, 1);
    pgno_t *pages = calloc(4000, sizeof *pages);
    for (unsigned i = 0; i < 4000; i++)
        pages[i] = alloc_page(tree);
    struct extents e = extents_of(tree);
    static const uint32_t sizes[] = {1, 6, 4, 4, 4, 16, 16};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        CU_ASSERT_EQUAL(e.at[i].count, sizes[i]);
    CU_ASSERT(e.count < 64); /* and in large ones later */
    for (unsigned i = 0; i < 4000; i++)
        free_page(tree, pages[i]);
    CU_ASSERT_EQUAL(testdb_available(tree), testdb_owned(tree) - 3);
    testdb_check(t);
    free(pages);
    testdb_free(t);
}

static void space_free__neighbours_merge_inside_an_owned_extent_only(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.pages = 200});
    struct tree *tree = testdb_table(t, 1);
    pgno_t pages[60];
    for (unsigned i = 0; i < 60; i++)
        pages[i] = alloc_page(tree);
    for (unsigned i = 0; i < 60; i++) {
        unsigned k = (unsigned)test_random_below(60 - i);
        free_page(tree, pages[k]);
        pages[k] = pages[59 - i];
    }
    struct extents e = extents_of(tree);
    unsigned owned = 0;
    while (!e.at[owned].available)
        owned++;
    CU_ASSERT_EQUAL(e.count - owned, owned - 1); /* all of each but the first, of one page */
    testdb_check(t);
    testdb_free(t);
}

static void space_free__a_page_that_is_free_already_is_corruption(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 1);
    struct mtr m;
    pgno_t pages[10];
    for (unsigned i = 0; i < 10; i++)
        pages[i] = alloc_page(tree);
    free_page(tree, pages[9]);
    mtr_begin(&m, t->db, NULL);
    CU_ASSERT(space_free(&m, tree, pages[9]) < JET_errSuccess);
    mtr_end(&m);
    mtr_begin(&m, t->db, NULL);
    CU_ASSERT(space_free(&m, tree, 2) < JET_errSuccess); /* not its own */
    mtr_end(&m);
    for (unsigned i = 0; i < 9; i++)
        free_page(tree, pages[i]);
    testdb_check(t);
    testdb_free(t);
}

static void space_alloc__after_a_failure_nothing_has_changed(void) {
    fault_install();
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 1);
    struct mtr m;
    struct page *p;
    fault_add((struct fault){.op = FAULT_RESIZE, .name = "test.edb", .forever = true, .error = JET_errDiskFull});
    JET_ERR err = JET_errSuccess;
    pgno_t pages[200];
    unsigned count = 0;
    while (err == JET_errSuccess) {
        mtr_begin(&m, t->db, NULL);
        err = space_alloc(&m, tree, PAGE_LEAF, &p);
        if (err == JET_errSuccess) {
            pages[count++] = mtr_pgno(p);
            CHECK_OK(mtr_commit(&m, NULL, NULL));
        }
        mtr_end(&m);
    }
    CHECK_ERR(err, JET_errDiskFull);
    CU_ASSERT_EQUAL(testdb_available(&t->db->root), 0);
    while (count > 0)
        free_page(tree, pages[--count]);
    testdb_check(t);
    fault_clear();
    for (unsigned i = 0; i < 100; i++)
        pages[i] = alloc_page(tree);
    for (unsigned i = 0; i < 100; i++)
        free_page(tree, pages[i]);
    testdb_check(t);
    testdb_free(t);
    fault_done();
}

/* ---- trees in trees ---- */

static void space__children_take_from_their_parent(void) {
    struct testdb *t = new_db(4096);
    struct tree *table = testdb_table(t, 4);
    struct tree *index = testdb_tree(t, table, PAGE_INDEX, 1); /* a bit of the table's bitmap */
    CU_ASSERT_EQUAL(index->fdp, table->fdp + 1);
    CU_ASSERT_EQUAL(testdb_available(table), 2);
    struct tree *values = testdb_tree(t, table, PAGE_LONG_VALUE, 1);
    testdb_check(t);
    pgno_t pages[90];
    for (unsigned i = 0; i < 90; i++)
        pages[i] = alloc_page(i % 3 == 0 ? index : i % 3 == 1 ? values : table);
    for (unsigned i = 0; i < 90; i++)
        free_page(i % 3 == 0 ? index : i % 3 == 1 ? values : table, pages[i]);
    testdb_check(t);
    testdb_drop(t, index);
    testdb_check(t);
    testdb_drop(t, table);
    testdb_check(t);
    testdb_free(t);
}

static void space_free_tree__of_a_child_sets_the_bits_again(void) {
    struct testdb *t = new_db(4096);
    struct tree *table = testdb_table(t, 6);
    struct tree *first = testdb_tree(t, table, PAGE_INDEX, 2), *second = testdb_tree(t, table, PAGE_INDEX, 1);
    CU_ASSERT_EQUAL(testdb_available(table), 2);
    testdb_drop(t, first);
    CU_ASSERT_EQUAL(testdb_available(table), 4);
    testdb_check(t);
    testdb_drop(t, second);
    CU_ASSERT_EQUAL(testdb_available(table), 5);
    testdb_check(t);
    testdb_free(t);
}

static void space_free_tree__the_parent_gets_everything_back(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.pages = 3000});
    struct tree *trees[40];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 40; i++) {
            trees[i] = testdb_table(t, 1 + (uint32_t)test_random_below(40));
            for (uint64_t n = test_random_below(50); n > 0; n--)
                (void)alloc_page(trees[i]);
        }
        for (unsigned i = 0; i < 40; i++) {
            unsigned k = (unsigned)test_random_below(40 - i);
            testdb_drop(t, trees[k]);
            trees[k] = trees[39 - i];
        }
        struct extents e = extents_of(&t->db->root);
        CU_ASSERT_EQUAL_FATAL(e.count, 2);
        CHECK_EXTENT(e, 1, 4, 2997, true);
    }
    testdb_check(t);
    testdb_free(t);
}

/* ---- many extents ---- */

static void space__a_scattered_root_is_used_and_healed(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.pages = 3, .extension_pages = 2600});
    struct tree *small[2500], *large;
    for (unsigned i = 0; i < 2500; i++)
        small[i] = testdb_table(t, 1);
    for (unsigned i = 0; i < 2500; i += 2)
        testdb_drop(t, small[i]);
    CU_ASSERT(extents_of(&t->db->root).count > 1200); /* AE has two levels */
    testdb_check(t);
    large = testdb_table(t, 1);
    for (unsigned i = 0; i < 1100; i++)
        (void)alloc_page(large); /* one page at a time from the root, until its OE has two levels and it wants more */
    CU_ASSERT(extents_of(large).count > 280);
    testdb_drop(t, large);
    testdb_check(t);
    for (unsigned i = 1; i < 2500; i += 2)
        testdb_drop(t, small[i]);
    struct extents e = extents_of(&t->db->root);
    unsigned owned = 0;
    while (!e.at[owned].available)
        owned++;
    CU_ASSERT(e.count - owned < 20); /* whole again but for the pages that AE itself uses */
    testdb_check(t);
    testdb_free(t);
}

/* The sets of extents themselves, far larger than a test could make them by using space: OE of one extent, AE of up to
 * tens of thousands of single pages, three levels deep. Pages for AE come from the front of the file. */
#define SET_PAGES 400000u
#define SET_FIRST 10000u

struct set {
    struct testdb *t;
    struct space_tree st;
    bool *has; /* by page */
    unsigned count;
};

static void set_add(struct set *s, pgno_t pgno, struct extent *spare) {
    struct mtr m;
    struct extent e = {pgno, 1};
    mtr_begin(&m, s->t->db, NULL);
    CHECK_OK(space_tree_add(&m, &s->st, &e, spare));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    s->has[pgno] = true;
    s->count++;
}

static void set_remove(struct set *s, pgno_t pgno, unsigned *freed) {
    struct mtr m;
    struct bt_freed pages = {.count = 0};
    mtr_begin(&m, s->t->db, NULL);
    CHECK_OK(space_tree_remove(&m, &s->st, pgno, &pages));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    s->has[pgno] = false;
    s->count--;
    *freed += pages.count;
}

static void set_check(struct set *s) {
    struct space_cursor c = {.pools = false};
    bool found;
    unsigned seen = 0, wrong = 0;
    pgno_t before = 0;
    JET_ERR err = space_cursor_open(NULL, &s->st, 0, &c, &found);
    for (; err == JET_errSuccess && found; err = space_cursor_next(NULL, &s->st, &c, &found)) {
        wrong += !s->has[c.extent.first] || c.extent.first <= before;
        before = c.extent.first;
        seen++;
    }
    space_cursor_close(&c);
    CHECK_OK(err);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(seen, s->count);
}

static unsigned set_depth(struct set *s) {
    struct bt_path path;
    CHECK_OK(bt_walk(NULL, &s->st.id, BT_FIRST, slice(NULL, 0), &path));
    return path.depth;
}

static void space_tree__three_levels_grow_and_shrink(void) {
    struct testdb *t = new_db(4096);
    struct set s = {.t = t, .has = calloc(SET_PAGES + 1, 1)};
    struct bt_id id = bt_id_of(&t->db->root);
    struct extent spare = {50, SET_FIRST - 100};
    pgno_t *order = calloc(SET_PAGES, sizeof *order);
    unsigned count = 0, freed = 0;
    s.st = space_tree_of(&id, 3, true);
    atomic_store(&t->db->page_count, SET_PAGES);
    struct mtr m;
    struct bt_freed none = {.count = 0};
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(space_tree_remove(&m, &s.st, 46, &none));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    for (pgno_t p = SET_FIRST; p < SET_PAGES; p += 4)
        order[count++] = p;
    for (unsigned i = count; i > 1; i--) {
        unsigned k = (unsigned)test_random_below(i);
        pgno_t p = order[k];
        order[k] = order[i - 1];
        order[i - 1] = p;
    }
    uint32_t spare_before = spare.count;
    for (unsigned i = 0; i < count; i++)
        set_add(&s, order[i], &spare);
    unsigned used = spare_before - spare.count;
    CU_ASSERT_EQUAL(set_depth(&s), 3);
    set_check(&s);
    for (unsigned i = 0; i < count / 2; i++)
        set_remove(&s, order[i], &freed);
    set_check(&s);
    for (unsigned i = count / 2; i < count; i++)
        set_remove(&s, order[i], &freed);
    CU_ASSERT_EQUAL(set_depth(&s), 1);
    CU_ASSERT_EQUAL(freed, used);
    set_check(&s);
    free(order);
    free(s.has);
    testdb_free(t);
}

/* ---- what newer versions of Windows write ---- */

static void space__pools_are_read_and_not_written(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 40);
    struct mtr m;
    struct page *p;
    static const uint8_t key[5] = {0x81, 0, 0, 0, 0}, zero[4] = {0, 0, 0, 0};
    pgno_t fdp;
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(mtr_latch(&m, tree->fdp + 2, &p));
    CHECK_OK(mtr_insert(&m, p, page_lines(p), 0, slice(key, 5), slice(zero, 4))); /* no pages in it: transient in ESE */
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    testdb_check(t);
    mtr_begin(&m, t->db, NULL);
    CHECK_ERR(space_alloc(&m, tree, PAGE_LEAF, &p), JET_errFeatureNotAvailable);
    mtr_end(&m);
    mtr_begin(&m, t->db, NULL);
    CHECK_ERR(space_create_tree(&m, t->db, tree, 99, 0, 1, &fdp), JET_errFeatureNotAvailable);
    mtr_end(&m);
    testdb_check(t);
    testdb_free(t);
}

static void space__deleted_nodes_are_ignored_and_written_over(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 40);
    struct mtr m;
    struct page *p;
    pgno_t first = alloc_page(tree), second = alloc_page(tree);
    uint8_t key[4], one[4] = {1, 0, 0, 0};
    store_be32(key, first);
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(mtr_latch(&m, tree->fdp + 2, &p));
    CHECK_OK(mtr_insert(&m, p, 0, NODE_DELETED, slice(key, 4), slice(one, 4)));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    CU_ASSERT_EQUAL(alloc_page(tree), second + 1);
    free_page(tree, second + 1);
    free_page(tree, first);
    CU_ASSERT_EQUAL(alloc_page(tree), first);
    free_page(tree, first);
    free_page(tree, second);
    CU_ASSERT_EQUAL(testdb_available(tree), 37);
    testdb_check(t);
    testdb_free(t);
}

static void space__split_buffers_are_accounted_and_kept(void) {
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 40);
    struct mtr m;
    struct page *p;
    uint8_t buffers[16] = {0};
    pgno_t kept = alloc_page(tree);
    store32(buffers + 8, kept);
    store32(buffers + 12, 1);
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(mtr_latch(&m, tree->fdp + 2, &p));
    CHECK_OK(mtr_set_external_header(&m, p, slice(buffers, 16)));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    testdb_check(t);
    for (unsigned i = 0; i < 200; i++)
        free_page(tree, alloc_page(tree));
    testdb_check(t);
    testdb_free(t);
}

/* ---- damage ---- */

static void space__a_damaged_header_is_an_error(void) {
    static const uint32_t headers[][4] = {
        {5, 1, 8, 0},          /* unknown flag */
        {5, 2, 0, 0},          /* another parent */
        {0, 1, 0, 0},          /* no pages */
        {5, 1, 0, 0xf0},       /* bits beyond the extent */
        {0x7fffffff, 1, 0, 0}, /* beyond the file */
        {5, 1, 1, 0},          /* OE on no page */
        {5, 1, 1, 1},          /* OE is the root's root */
        {5, 1, 1, 2},          /* OE of another tree */
        {5, 1, 1, 0x7fffffff}, {5, 1, 1, 46},
    };
    struct testdb *t = new_db(4096);
    struct tree *tree = testdb_table(t, 5);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct mtr m;
        struct page *p;
        uint8_t raw[16];
        for (unsigned k = 0; k < 4; k++)
            store32(raw + 4 * k, headers[i][k]);
        mtr_begin(&m, t->db, NULL);
        CHECK_OK(mtr_latch(&m, tree->fdp, &p));
        CHECK_OK(mtr_set_external_header(&m, p, slice(raw, 16)));
        CHECK_OK(mtr_commit(&m, NULL, NULL));
        mtr_end(&m);
        mtr_begin(&m, t->db, NULL);
        CU_ASSERT(space_alloc(&m, tree, PAGE_LEAF, &p) < JET_errSuccess);
        mtr_end(&m);
        struct extents e = {.count = 0};
        CU_ASSERT(space_extents(tree, add, NULL, &e) < JET_errSuccess);
        mtr_begin(&m, t->db, NULL);
        CU_ASSERT(space_free_tree(&m, tree, &t->db->root) < JET_errSuccess);
        mtr_end(&m);
    }
    testdb_free(t);
}

static void note(void *context, pgno_t pgno, const char *what) {
    (void)pgno, (void)what;
    ++*(unsigned *)context;
}

static unsigned judge(struct testdb *t, struct tree **trees, unsigned count) {
    struct space_accounts *accounts;
    unsigned findings = 0;
    CHECK_OK(space_accounts_new(t->db, &accounts));
    for (unsigned i = 0; i < count; i++)
        CHECK_OK(space_accounts_add(accounts, trees[i], note, &findings));
    space_accounts_finish(accounts, note, &findings);
    space_accounts_free(accounts);
    return findings;
}

static void space_accounts__notice_leaks_and_double_use(void) {
    struct testdb *t = new_db(4096);
    struct tree *trees[] = {&t->db->root, testdb_table(t, 40), NULL};
    trees[2] = testdb_tree(t, trees[1], PAGE_INDEX, 2);
    CU_ASSERT_EQUAL(judge(t, trees, 3), 0);
    CU_ASSERT_EQUAL(judge(t, trees, 2), 2);      /* the index's pages have no use */
    CU_ASSERT_EQUAL(judge(t, trees + 1, 2), 40); /* nothing above the table owns its pages */
    pgno_t lost = alloc_page(trees[1]);
    CU_ASSERT_EQUAL(judge(t, trees, 3), 1);
    free_page(trees[1], lost);
    struct mtr m;
    struct extent stolen = {trees[1]->fdp + 1, 1}, none = {0, 0}; /* its OE is called free */
    struct bt_id id = bt_id_of(trees[1]);
    struct space_tree available = space_tree_of(&id, trees[1]->fdp + 2, true);
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(space_tree_add(&m, &available, &stolen, &none));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    CU_ASSERT_EQUAL(judge(t, trees, 3), 1);
    testdb_free(t);
}

TEST_MAIN(TEST(space_create_root__owns_the_file), TEST(space_create_fixed_tree__makes_the_layout_of_a_new_database),
          TEST(space_create_tree__small_ones_keep_free_pages_in_a_bitmap),
          TEST(space_create_tree__more_pages_than_the_file_has),
          TEST(space_alloc__a_single_extent_is_used_up_and_refilled),
          TEST(space_alloc__a_tree_grows_in_small_steps_first),
          TEST(space_free__neighbours_merge_inside_an_owned_extent_only),
          TEST(space_free__a_page_that_is_free_already_is_corruption),
          TEST(space_alloc__after_a_failure_nothing_has_changed), TEST(space__children_take_from_their_parent),
          TEST(space_free_tree__the_parent_gets_everything_back), TEST(space__a_scattered_root_is_used_and_healed),
          TEST(space_tree__three_levels_grow_and_shrink), TEST(space__pools_are_read_and_not_written),
          TEST(space__split_buffers_are_accounted_and_kept), TEST(space_free_tree__of_a_child_sets_the_bits_again),
          TEST(space__deleted_nodes_are_ignored_and_written_over), TEST(space__a_damaged_header_is_an_error),
          TEST(space_accounts__notice_leaks_and_double_use))
