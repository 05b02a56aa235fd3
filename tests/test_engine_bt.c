/* B+trees against a model, after each phase of insertions, changes and removals; and what the log says of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/lib/testbt.h"

/* Fills, changes, drains from the front, the back or anywhere, fills again. */
static void run(uint32_t page_size, enum key_kind keys, enum data_kind data, unsigned count) {
    struct model m = model_new(page_size);
    for (unsigned i = 0; i < count; i++)
        model_insert_one(&m, keys, data);
    model_check(&m);
    for (unsigned i = 0; i < count; i++)
        model_change_one(&m, keys, data);
    model_check(&m);
    for (unsigned direction = 0; direction < 3; direction++) {
        while (m.count > 0)
            model_remove(&m, direction == 0 ? test_random_below(m.count) : direction == 1 ? 0 : m.count - 1);
        model_check(&m);
        for (unsigned i = 0; i < count / 2; i++)
            model_insert_one(&m, keys, data);
        model_check(&m);
    }
    testdb_reread(m.t);
    model_check(&m);
    model_free(&m);
}

static void run_sizes(enum key_kind keys, enum data_kind data, unsigned count) {
    for (uint32_t page_size = PAGE_SIZE_MIN; page_size <= PAGE_SIZE_MAX; page_size *= 2)
        run(page_size, keys, data, count);
}

static void bt__ascending_keys_match_the_model(void) {
    run_sizes(KEY_ASCENDING, DATA_SMALL, 1500);
}
static void bt__descending_keys_match_the_model(void) {
    run_sizes(KEY_DESCENDING, DATA_SMALL, 1500);
}
static void bt__random_keys_match_the_model(void) {
    run_sizes(KEY_RANDOM, DATA_SMALL, 1500);
}
static void bt__texts_match_the_model(void) {
    run_sizes(KEY_TEXT, DATA_ANY, 500);
}
static void bt__common_prefixes_match_the_model(void) {
    run_sizes(KEY_PREFIXED, DATA_ANY, 400);
}
static void bt__long_keys_match_the_model(void) {
    run_sizes(KEY_LONG, DATA_SMALL, 400);
}
static void bt__large_records_match_the_model(void) {
    run_sizes(KEY_TEXT, DATA_LARGE, 200);
}
static void bt__short_keys_beside_long_prefixes_match_the_model(void) {
    run_sizes(KEY_MIXED, DATA_ANY, 500);
}

/* ---- shape ---- */

static void bt__deep_trees_shrink_to_an_empty_root(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 600; i++)
        model_insert_one(&m, KEY_LONG, DATA_SMALL);
    CU_ASSERT(depth_of(m.tree) >= 4);
    model_check(&m);
    while (m.count > 0) {
        model_remove(&m, test_random_below(m.count));
        if (m.count % 97 == 0)
            model_check(&m);
    }
    CU_ASSERT_EQUAL(depth_of(m.tree), 1);
    model_check(&m);
    model_free(&m);
}

static void bt_insert__ascending_keys_fill_their_pages(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 4000; i++)
        model_insert_one(&m, KEY_ASCENDING, DATA_SMALL);
    size_t bytes = 0;
    for (size_t i = 0; i < m.count; i++)
        bytes += m.at[i].key_bytes + m.at[i].data_bytes + 6;
    uint32_t used = testdb_owned(m.tree) - testdb_available(m.tree);
    CU_ASSERT(bytes * 100 / (used * 4096u) >= 90);
    model_check(&m);
    model_free(&m);
}

static void bt__space_of_removed_records_is_used_again(void) {
    struct model m = model_new(4096);
    uint32_t after_first = 0;
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 1500; i++)
            model_insert_one(&m, KEY_RANDOM, DATA_SMALL);
        if (round == 0)
            after_first = testdb_owned(m.tree);
        while (m.count > 0)
            model_remove(&m, test_random_below(m.count));
    }
    CU_ASSERT(testdb_owned(m.tree) <= after_first + after_first / 4);
    model_check(&m);
    model_free(&m);
}

/* ---- the log says the same ---- */

struct redo {
    struct testdb *t;
    uint8_t **pages;
    uint32_t count;
    unsigned ops;
};

static void redo_page(struct redo *r, const struct change_page *part, dbtime_t dbtime) {
    CU_ASSERT_FATAL(part->pgno <= r->count);
    uint8_t **b = &r->pages[part->pgno];
    if (!*b)
        *b = calloc(1, r->t->db->page_size);
    struct page page = {*b, r->t->db->page_size};
    if (!part->has_image) {
        CU_ASSERT_EQUAL_FATAL(page_dbtime(&page), part->before);
        r->ops++;
    }
    CHECK_OK(change_apply(&page, part->pgno, part, dbtime));
    CHECK_OK(page_check(&page, NULL));
}

static void redo_all(struct redo *r) {
    struct log_reader_config config = {.dirs = {r->t->inst.config.log_dir}, .from = lgpos_make(1, 0)};
    struct log_reader *reader;
    struct log_record record;
    CHECK_OK(log_flush(r->t->inst.log, log_tip(r->t->inst.log)));
    CHECK_OK(log_reader_open(&config, &reader));
    JET_ERR err;
    while ((err = log_reader_next(reader, &record)) == JET_errSuccess) {
        struct change change;
        struct change_page part;
        if (record.type != LOGREC_CHANGE)
            continue;
        CHECK_OK(change_decode(slice(record.data, record.bytes), &change));
        for (unsigned i = 0; i < change.page_count; i++) {
            CHECK_OK(change_next_page(&change.pages, &part));
            redo_page(r, &part, change.dbtime);
        }
    }
    CHECK_ERR(err, JET_errNoCurrentRecord);
    log_reader_close(reader);
}

static void bt__redo_of_the_log_makes_the_same_pages(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 500; i++)
        model_insert_one(&m, i % 2 ? KEY_LONG : KEY_MIXED, DATA_ANY);
    for (unsigned i = 0; i < 500; i++)
        model_change_one(&m, KEY_LONG, DATA_ANY);
    while (m.count > 100)
        model_remove(&m, test_random_below(m.count));
    struct redo r = {.t = m.t, .count = atomic_load(&m.t->db->page_count)};
    r.pages = calloc(r.count + 1, sizeof *r.pages);
    redo_all(&r);
    CU_ASSERT(r.ops > 1000);
    for (pgno_t p = 1; p <= r.count; p++) {
        struct page_ref ref;
        if (!r.pages[p])
            continue;
        CHECK_OK(cache_latch(m.t->db->pages, p, LATCH_SHARED, &ref));
        struct page redone = {r.pages[p], 4096};
        CU_ASSERT(page_dbtime(&redone) == page_dbtime(&ref.page) && page_lines(&redone) == page_lines(&ref.page) &&
                  page_free(&redone) == page_free(&ref.page) && memcmp(redone.b + 16, ref.page.b + 16, 12) == 0 &&
                  page_flags(&redone) == page_flags(&ref.page));
        for (unsigned i = 0; i < page_lines(&redone); i++) {
            struct node a, b;
            uint8_t key[KEY_BUFFER];
            page_node(&redone, i, &a);
            page_node(&ref.page, i, &b);
            CU_ASSERT(node_compare(&b, slice(key, node_key(&a, key))) == 0 && slice_compare(a.data, b.data) == 0 &&
                      a.flags == b.flags);
        }
        cache_unlatch(&ref);
        free(r.pages[p]);
    }
    free(r.pages);
    model_free(&m);
}

/* ---- reading ---- */

static void bt_find__settles_on_the_first_key_not_below(void) {
    struct model m = numbers(5000);
    uint8_t key[4];
    struct bt_place place;
    for (uint32_t i = 0; i <= 4990; i++) {
        CHECK_OK(bt_find(m.tree, number_key(i, key), LATCH_SHARED, &place));
        CU_ASSERT_EQUAL(place.exact, i % 10 == 0);
        CHECK_OK(bt_settle(m.tree, &place));
        CU_ASSERT_EQUAL(number_at(&place), (i + 9) / 10 * 10);
        bt_release(&place);
    }
    CHECK_OK(bt_find(m.tree, number_key(4991, key), LATCH_EXCLUSIVE, &place));
    CHECK_ERR(bt_settle(m.tree, &place), JET_errNoCurrentRecord);
    CHECK_ERR(bt_next(m.tree, &place), JET_errNoCurrentRecord);
    CHECK_OK(bt_prev(m.tree, &place));
    CU_ASSERT_EQUAL(number_at(&place), 4990);
    bt_release(&place);
    model_free(&m);
}

static void bt_find__an_empty_tree_has_no_place(void) {
    struct model m = model_new(8192);
    struct bt_place place;
    CHECK_OK(bt_first(m.tree, &place));
    CU_ASSERT(place.line == 0 && !place.exact);
    CHECK_ERR(bt_next(m.tree, &place), JET_errNoCurrentRecord);
    CHECK_ERR(bt_prev(m.tree, &place), JET_errNoCurrentRecord);
    CHECK_ERR(bt_settle(m.tree, &place), JET_errNoCurrentRecord);
    bt_release(&place);
    bt_release(&place);
    model_free(&m);
}

static void bt_revisit__only_while_the_page_is_unchanged(void) {
    struct model m = numbers(100);
    struct bt_place place;
    uint8_t key[4];
    CHECK_OK(bt_find(m.tree, number_key(50, key), LATCH_SHARED, &place));
    pgno_t pgno = place.leaf.pgno;
    unsigned line = place.line;
    dbtime_t dbtime = page_dbtime(&place.leaf.page);
    bt_release(&place);
    CU_ASSERT_FATAL(bt_revisit(m.tree, pgno, dbtime, line, &place));
    CU_ASSERT_EQUAL(number_at(&place), 50);
    bt_release(&place);
    model_insert(&m, number_key(45, key), 4, 0);
    CU_ASSERT(!bt_revisit(m.tree, pgno, dbtime, line, &place));
    CU_ASSERT(!bt_revisit(m.tree, 1 << 20, dbtime, line, &place));
    CU_ASSERT(!bt_revisit(m.tree, 2, dbtime, line, &place));
    model_free(&m);
}

/* ---- a full page on the right edge (bt_merge.c) ---- */

struct builder {
    struct mtr mtr;
    struct tree *tree;
    struct page *last_leaf;
};

static struct page *build_page(struct builder *b, uint32_t flags) {
    struct page *p;
    CHECK_OK(space_alloc(&b->mtr, b->tree, flags, &p));
    return p;
}

static struct page *build_leaf(struct builder *b, const char *key) {
    struct page *p = build_page(b, PAGE_LEAF);
    CHECK_OK(mtr_insert(&b->mtr, p, 0, 0, slice(key, strlen(key)), slice("data", 4)));
    if (b->last_leaf) {
        CHECK_OK(mtr_set_links(&b->mtr, p, mtr_pgno(b->last_leaf), 0));
        CHECK_OK(mtr_set_links(&b->mtr, b->last_leaf, page_prev(b->last_leaf), mtr_pgno(p)));
    }
    return b->last_leaf = p;
}

static void build_child(struct builder *b, struct page *parent, struct slice key, const struct page *child) {
    uint8_t data[4];
    store32(data, mtr_pgno(child));
    CHECK_OK(mtr_insert(&b->mtr, parent, page_lines(parent), 0, key, slice(data, 4)));
}

/* root: [mmz: survivor] [: other]    survivor: [m..m: full] [mmz: gone]    full: no byte free, prefix m..m
 * gone: one leaf of one node         other: one child, its leaves at the same level */
static void build_full_edge(struct model *m) {
    static const char bound[] = "mmmmmmmmmmmmmmmmmmmm";
    static uint8_t filler[1000];
    struct builder b = {.tree = m->tree};
    struct slice k = slice(bound, 20), removed = slice("mmz", 3), none = slice("", 0);
    mtr_begin(&b.mtr, m->t->db, NULL);
    struct page *survivor = build_page(&b, 0), *other = build_page(&b, 0), *edge = build_page(&b, PAGE_PARENT_OF_LEAF),
                *root;
    struct page *full = build_page(&b, PAGE_PARENT_OF_LEAF), *gone = build_page(&b, PAGE_PARENT_OF_LEAF);
    CHECK_OK(mtr_set_external_header(&b.mtr, full, k));
    for (char c = 'a'; page_free(full) > 12; c++) {
        char key[2] = {c, 0};
        size_t bytes = page_free(full) - 12 - 10 > 980 ? 900 : page_free(full) - 12 - 10;
        memset(filler, c, sizeof filler);
        filler[1] = 'x'; /* above the leaf's key, below the next letter */
        build_child(&b, full, slice(filler, bytes), build_leaf(&b, key));
    }
    build_child(&b, full, k, build_leaf(&b, "l"));
    CU_ASSERT_EQUAL_FATAL(page_free(full), 0);
    build_child(&b, gone, removed, build_leaf(&b, "mmy"));
    build_child(&b, survivor, k, full);
    build_child(&b, survivor, removed, gone);
    build_child(&b, edge, none, build_leaf(&b, "z"));
    build_child(&b, other, none, edge);
    CHECK_OK(mtr_latch(&b.mtr, m->tree->fdp, &root));
    CHECK_OK(mtr_set_page_flags(&b.mtr, root, page_flags(root) & ~(uint32_t)PAGE_LEAF));
    build_child(&b, root, removed, survivor);
    build_child(&b, root, none, other);
    CHECK_OK(mtr_commit(&b.mtr, NULL, NULL));
    mtr_end(&b.mtr);
}

static void bt_remove__a_separator_that_does_not_fit_splits_its_page(void) {
    struct model m = model_new(4096);
    build_full_edge(&m);
    CU_ASSERT_EQUAL(depth_of(m.tree), 4);
    testdb_check(m.t);
    uint32_t used = testdb_owned(m.tree) - testdb_available(m.tree);
    CHECK_OK(do_remove(&m, slice("mmy", 3)));
    testdb_check(m.t);
    CU_ASSERT_EQUAL(testdb_owned(m.tree) - testdb_available(m.tree), used - 1); /* two pages less, one more */
    CHECK_OK(do_insert(&m, slice("mmmmmmmmmmmmmmmmmmmmm", 21), slice("x", 1), 0));
    CHECK_OK(do_insert(&m, slice("mmy", 3), slice("x", 1), 0));
    testdb_check(m.t);
    model_free(&m);
}

static void bt_note__is_logged_without_a_page(void) {
    struct model m = numbers(100);
    uint8_t key[4];
    struct undo undo = {.op = UNDO_TREE_FREED, .dbid = 1, .fdp = m.tree->fdp, .key = number_key(1, key)};
    struct bt_change change = {.undo = &undo};
    lgpos_t tip = log_tip(m.t->inst.log);
    CHECK_OK(bt_note(m.t->db, &change));
    CU_ASSERT(log_tip(m.t->inst.log) > tip && change.end > tip);
    model_check(&m);
    model_free(&m);
}

TEST_MAIN(TEST(bt__ascending_keys_match_the_model), TEST(bt__descending_keys_match_the_model),
          TEST(bt__random_keys_match_the_model), TEST(bt__texts_match_the_model),
          TEST(bt__common_prefixes_match_the_model), TEST(bt__long_keys_match_the_model),
          TEST(bt__large_records_match_the_model), TEST(bt__short_keys_beside_long_prefixes_match_the_model),
          TEST(bt__deep_trees_shrink_to_an_empty_root), TEST(bt_insert__ascending_keys_fill_their_pages),
          TEST(bt__space_of_removed_records_is_used_again), TEST(bt__redo_of_the_log_makes_the_same_pages),
          TEST(bt_find__settles_on_the_first_key_not_below), TEST(bt_find__an_empty_tree_has_no_place),
          TEST(bt_revisit__only_while_the_page_is_unchanged),
          TEST(bt_remove__a_separator_that_does_not_fit_splits_its_page), TEST(bt_note__is_logged_without_a_page))
