/* B+trees against a model: a sorted array that says what must be in the tree, in order, after each phase. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bt_priv.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testdb.h"

#define DATA_MAX PAGE_SIZE_MAX

/* ---- the model ---- */

/* Data is not kept: its bytes follow from its seed. */
struct entry {
    uint8_t *key;
    size_t key_bytes, data_bytes;
    uint64_t seed;
    unsigned flags;
};

struct model {
    struct testdb *t;
    struct tree *tree;
    struct entry *at;
    size_t count, size;
    uint64_t next; /* of ascending keys */
};

static struct slice make_data(uint64_t seed, size_t bytes, uint8_t *out) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(seed >> i % 8 * 8) ^ (uint8_t)(i >> 3);
    return slice(out, bytes);
}

static struct slice entry_key(const struct entry *e) { return slice(e->key, e->key_bytes); }

static size_t model_find(const struct model *m, struct slice key, bool *exact) {
    size_t low = 0, high = m->count;
    *exact = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = slice_compare(entry_key(&m->at[middle]), key);
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
        *exact = *exact || c == 0;
    }
    return low;
}

static struct model model_new(uint32_t page_size) {
    struct model m = {.t = testdb_new(&(struct testdb_options){.page_size = page_size})};
    m.tree = testdb_table(m.t, 1);
    return m;
}

static void model_free(struct model *m) {
    for (size_t i = 0; i < m->count; i++)
        free(m->at[i].key);
    free(m->at);
    testdb_free(m->t);
}

static void change_begin(struct model *m, struct bt_change *change) {
    *change = (struct bt_change){.trx = NULL};
    os_rwlock_write(&m->tree->latch);
}

static void change_end(struct model *m) { os_rwlock_unlock(&m->tree->latch); }

static JET_ERR do_insert(struct model *m, struct slice key, struct slice data, unsigned flags) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_insert(m->tree, key, data, flags, &change);
    change_end(m);
    return err;
}

static JET_ERR do_update(struct model *m, struct slice key, const struct slice *data, unsigned flags) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_update(m->tree, key, data, flags, &change);
    change_end(m);
    return err;
}

static JET_ERR do_remove(struct model *m, struct slice key) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_remove(m->tree, key, &change);
    change_end(m);
    return err;
}

/* Into the tree and into the model. */
static void insert(struct model *m, struct slice key, size_t data_bytes, unsigned flags) {
    static uint8_t data[DATA_MAX];
    bool exact;
    uint64_t seed = test_random();
    size_t at = model_find(m, key, &exact);
    JET_ERR err = do_insert(m, key, make_data(seed, data_bytes, data), flags);
    if (exact) {
        CHECK_ERR(err, JET_errKeyDuplicate);
        return;
    }
    CHECK_OK(err);
    if (m->count == m->size) {
        m->size = m->size ? 2 * m->size : 256;
        m->at = realloc(m->at, m->size * sizeof *m->at);
    }
    memmove(m->at + at + 1, m->at + at, (m->count - at) * sizeof *m->at);
    m->count++;
    m->at[at] = (struct entry){.key = malloc(key.n + 1), .key_bytes = key.n, .data_bytes = data_bytes, .seed = seed, .flags = flags};
    memcpy(m->at[at].key, key.p, key.n);
}

static void update(struct model *m, size_t at, size_t data_bytes, unsigned flags) {
    static uint8_t data[DATA_MAX];
    struct entry *e = &m->at[at];
    uint64_t seed = test_random();
    struct slice bytes = make_data(seed, data_bytes, data);
    CHECK_OK(do_update(m, entry_key(e), &bytes, flags));
    e->seed = seed;
    e->data_bytes = data_bytes;
    e->flags = flags;
}

static void drop(struct model *m, size_t at) {
    CHECK_OK(do_remove(m, entry_key(&m->at[at])));
    free(m->at[at].key);
    memmove(m->at + at, m->at + at + 1, (m->count - at - 1) * sizeof *m->at);
    m->count--;
}

static bool node_is(const struct bt_place *place, const struct entry *e) {
    static uint8_t data[DATA_MAX];
    struct node n;
    page_node(&place->leaf.page, place->line, &n);
    make_data(e->seed, e->data_bytes, data);
    return node_compare(&n, entry_key(e)) == 0 && (n.flags & 3u) == e->flags && n.data.n == e->data_bytes &&
           memcmp(n.data.p, data, n.data.n) == 0;
}

static void check_scan(struct model *m) {
    struct bt_place place;
    size_t good = 0;
    CHECK_OK(bt_first(m->tree, &place));
    JET_ERR err = page_lines(&place.leaf.page) ? JET_errSuccess : JET_errNoCurrentRecord;
    for (size_t i = 0; i < m->count && err == JET_errSuccess; i++, err = bt_next(m->tree, &place))
        good += node_is(&place, &m->at[i]);
    CHECK_ERR(err, JET_errNoCurrentRecord);
    bt_release(&place);
    CU_ASSERT_EQUAL_FATAL(good, m->count);

    CHECK_OK(bt_last(m->tree, &place));
    err = page_lines(&place.leaf.page) ? JET_errSuccess : JET_errNoCurrentRecord;
    for (size_t i = m->count; i > 0 && err == JET_errSuccess; i--, err = bt_prev(m->tree, &place))
        good += node_is(&place, &m->at[i - 1]);
    CHECK_ERR(err, JET_errNoCurrentRecord);
    bt_release(&place);
    CU_ASSERT_EQUAL_FATAL(good, 2 * m->count);
}

static void check(struct model *m) {
    os_rwlock_read(&m->tree->latch);
    check_scan(m);
    os_rwlock_unlock(&m->tree->latch);
    testdb_check(m->t);
}

/* ---- keys and data ---- */

enum key_kind { KEY_ASCENDING, KEY_DESCENDING, KEY_RANDOM, KEY_TEXT, KEY_PREFIXED, KEY_LONG, KEY_MIXED };
enum data_kind { DATA_SMALL, DATA_LARGE, DATA_ANY };

static size_t random_bytes(uint8_t *out, size_t bytes, unsigned alphabet) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)('a' + test_random_below(alphabet));
    return bytes;
}

static size_t family_key(uint8_t *out, size_t most) {
    uint32_t x = 1 + (uint32_t)test_random_below(60);
    size_t body = most - 20 - x, n = 0;
    for (; n < body; n++) {
        x = x * 1664525 + 1013904223;
        out[n] = (uint8_t)(x >> 24);
    }
    return n + random_bytes(out + n, 1 + test_random_below(20), 3);
}

static struct slice make_key(struct model *m, enum key_kind kind, uint8_t *out) {
    uint32_t most = key_max(m->t->db->page_size);
    size_t n = 0;
    switch (kind) {
    case KEY_ASCENDING:
    case KEY_DESCENDING:
    case KEY_RANDOM:
        out[0] = 0x7f;
        store_be32(out + 1, (uint32_t)(kind == KEY_ASCENDING ? m->next++ : kind == KEY_DESCENDING ? ~m->next++ : test_random()));
        return slice(out, 5);
    case KEY_TEXT:
        return slice(out, random_bytes(out, 1 + test_random_below(40), 3));
    case KEY_PREFIXED:
        memset(out, 'x', most - 30);
        n = most - 30 - (test_random_below(4) == 0 ? test_random_below(100) : 0);
        return slice(out, n + random_bytes(out + n, 1 + test_random_below(30), 4));
    case KEY_LONG: /* 60 families that differ early and agree for long: separators as long as keys */
        return slice(out, family_key(out, most));
    case KEY_MIXED:
        break;
    }
    return slice(out, random_bytes(out, 1 + test_random_below(test_random_below(3) ? 12 : most), 2));
}

static size_t make_size(struct model *m, enum data_kind kind, size_t key_bytes) {
    uint32_t most = page_record_max(m->t->db->page_size, (uint32_t)key_bytes);
    if (kind == DATA_SMALL || (kind == DATA_ANY && test_random_below(3)))
        return 1 + test_random_below(60);
    return test_random_below(4) == 0 ? most : 1 + test_random_below(most);
}

static void insert_one(struct model *m, enum key_kind keys, enum data_kind data) {
    uint8_t key[KEY_BUFFER];
    struct slice k = make_key(m, keys, key);
    insert(m, k, make_size(m, data, k.n), test_random_below(8) == 0 ? NODE_DELETED : 0);
}

static void change_one(struct model *m, enum key_kind keys, enum data_kind data) {
    size_t at = test_random_below(m->count);
    unsigned what = (unsigned)test_random_below(5);
    if (m->count == 0 || what <= 1) {
        insert_one(m, keys, data);
    } else if (what == 2) {
        drop(m, at);
    } else if (what == 3) {
        update(m, at, make_size(m, data, m->at[at].key_bytes), (unsigned)test_random_below(4));
    } else {
        m->at[at].flags ^= NODE_DELETED;
        CHECK_OK(do_update(m, entry_key(&m->at[at]), NULL, m->at[at].flags));
    }
}

/* Fills, changes, drains from the front, the back or anywhere, fills again. */
static void run(uint32_t page_size, enum key_kind keys, enum data_kind data, unsigned count) {
    struct model m = model_new(page_size);
    for (unsigned i = 0; i < count; i++)
        insert_one(&m, keys, data);
    check(&m);
    for (unsigned i = 0; i < count; i++)
        change_one(&m, keys, data);
    check(&m);
    for (unsigned direction = 0; direction < 3; direction++) {
        while (m.count > 0)
            drop(&m, direction == 0 ? test_random_below(m.count) : direction == 1 ? 0 : m.count - 1);
        check(&m);
        for (unsigned i = 0; i < count / 2; i++)
            insert_one(&m, keys, data);
        check(&m);
    }
    testdb_reread(m.t);
    check(&m);
    model_free(&m);
}

static void run_sizes(enum key_kind keys, enum data_kind data, unsigned count) {
    for (uint32_t page_size = PAGE_SIZE_MIN; page_size <= PAGE_SIZE_MAX; page_size *= 2)
        run(page_size, keys, data, count);
}

static void bt__ascending_keys_match_the_model(void) { run_sizes(KEY_ASCENDING, DATA_SMALL, 1500); }
static void bt__descending_keys_match_the_model(void) { run_sizes(KEY_DESCENDING, DATA_SMALL, 1500); }
static void bt__random_keys_match_the_model(void) { run_sizes(KEY_RANDOM, DATA_SMALL, 1500); }
static void bt__texts_match_the_model(void) { run_sizes(KEY_TEXT, DATA_ANY, 500); }
static void bt__common_prefixes_match_the_model(void) { run_sizes(KEY_PREFIXED, DATA_ANY, 400); }
static void bt__long_keys_match_the_model(void) { run_sizes(KEY_LONG, DATA_SMALL, 400); }
static void bt__large_records_match_the_model(void) { run_sizes(KEY_TEXT, DATA_LARGE, 200); }
static void bt__short_keys_beside_long_prefixes_match_the_model(void) { run_sizes(KEY_MIXED, DATA_ANY, 500); }

/* ---- shape ---- */

static unsigned depth_of(struct tree *tree) {
    struct bt_id id = bt_id_of(tree);
    struct bt_path path;
    CHECK_OK(bt_walk(NULL, &id, BT_FIRST, slice(NULL, 0), &path));
    return path.depth;
}

static void bt__deep_trees_shrink_to_an_empty_root(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 600; i++)
        insert_one(&m, KEY_LONG, DATA_SMALL);
    CU_ASSERT(depth_of(m.tree) >= 4);
    check(&m);
    while (m.count > 0) {
        drop(&m, test_random_below(m.count));
        if (m.count % 97 == 0)
            check(&m);
    }
    CU_ASSERT_EQUAL(depth_of(m.tree), 1);
    check(&m);
    model_free(&m);
}

static void bt_insert__ascending_keys_fill_their_pages(void) {
    struct model m = model_new(4096);
    for (unsigned i = 0; i < 4000; i++)
        insert_one(&m, KEY_ASCENDING, DATA_SMALL);
    size_t bytes = 0;
    for (size_t i = 0; i < m.count; i++)
        bytes += m.at[i].key_bytes + m.at[i].data_bytes + 6;
    uint32_t used = testdb_owned(m.tree) - testdb_available(m.tree);
    CU_ASSERT(bytes * 100 / (used * 4096u) >= 90);
    check(&m);
    model_free(&m);
}

static void bt__space_of_removed_records_is_used_again(void) {
    struct model m = model_new(4096);
    uint32_t after_first = 0;
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 1500; i++)
            insert_one(&m, KEY_RANDOM, DATA_SMALL);
        if (round == 0)
            after_first = testdb_owned(m.tree);
        while (m.count > 0)
            drop(&m, test_random_below(m.count));
    }
    CU_ASSERT(testdb_owned(m.tree) <= after_first + after_first / 4);
    check(&m);
    model_free(&m);
}

/* ---- the log says the same ---- */

struct redo { struct testdb *t; uint8_t **pages; uint32_t count; unsigned ops; };

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
        insert_one(&m, i % 2 ? KEY_LONG : KEY_MIXED, DATA_ANY);
    for (unsigned i = 0; i < 500; i++)
        change_one(&m, KEY_LONG, DATA_ANY);
    while (m.count > 100)
        drop(&m, test_random_below(m.count));
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
            CU_ASSERT(node_compare(&b, slice(key, node_key(&a, key))) == 0 && slice_compare(a.data, b.data) == 0 && a.flags == b.flags);
        }
        cache_unlatch(&ref);
        free(r.pages[p]);
    }
    free(r.pages);
    model_free(&m);
}

/* ---- reading ---- */

static struct slice number_key(uint32_t number, uint8_t *out) {
    store_be32(out, number);
    return slice(out, 4);
}

/* Keys 0, 10, 20 .. below end. */
static struct model numbers(uint32_t end) {
    struct model m = model_new(4096);
    uint8_t key[4];
    for (uint32_t i = 0; i < end; i += 10)
        insert(&m, number_key(i, key), 40, 0);
    return m;
}

static uint32_t number_at(const struct bt_place *place) {
    struct node n;
    uint8_t key[KEY_BUFFER];
    page_node(&place->leaf.page, place->line, &n);
    CU_ASSERT_EQUAL_FATAL(node_key(&n, key), 4);
    return load_be32(key);
}

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
    insert(&m, number_key(45, key), 4, 0);
    CU_ASSERT(!bt_revisit(m.tree, pgno, dbtime, line, &place));
    CU_ASSERT(!bt_revisit(m.tree, 1 << 20, dbtime, line, &place));
    CU_ASSERT(!bt_revisit(m.tree, 2, dbtime, line, &place));
    model_free(&m);
}

/* ---- refusals ---- */

static void bt__what_cannot_be_done_changes_nothing(void) {
    struct model m = numbers(3000);
    static uint8_t data[DATA_MAX], long_key[KEY_BUFFER];
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
    check(&m);
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
    check(&m);
    model_free(&m);
}

static void bt__a_full_disk_leaves_the_tree_whole(void) {
    fault_install();
    struct model m = model_new(4096);
    uint8_t key[4];
    static const uint8_t data[200];
    unsigned refused = 0;
    fault_add((struct fault){.op = FAULT_RESIZE, .name = "test.edb", .nth = 4, .forever = true, .error = JET_errDiskFull});
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
    check(&m);
    fault_clear();
    model_free(&m);
    fault_done();
}

/* ---- damage: pages that a disk could give us, with good checksums ---- */

struct damage { pgno_t first, middle, last; }; /* leaves of a tree with at least three */

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
        insert_one(&m, KEY_LONG, DATA_SMALL);
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
    DAMAGE_ORDER, DAMAGE_FIRST_KEY, DAMAGE_LAST_KEY, DAMAGE_EMPTY_FLAG, DAMAGE_TYPE_FLAG, DAMAGE_LEVEL_FLAG, DAMAGE_SIBLING,
    DAMAGE_SEPARATOR, DAMAGE_LAST_SEPARATOR, DAMAGE_KINDS
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

/* ---- a full page on the right edge (bt_merge.c) ---- */

struct builder { struct mtr mtr; struct tree *tree; struct page *last_leaf; };

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
    struct page *survivor = build_page(&b, 0), *other = build_page(&b, 0), *edge = build_page(&b, PAGE_PARENT_OF_LEAF), *root;
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
    check(&m);
    model_free(&m);
}

/* ---- many threads ---- */

#define THREADS 4
#define PER_THREAD 1500

struct worker {
    struct testdb *t;
    struct tree *tree;
    uint64_t seed;
    JET_ERR err;
};

static JET_ERR work_once(struct worker *w, uint32_t number) {
    uint8_t key[4];
    struct bt_change change = {.trx = NULL};
    os_rwlock_write(&w->tree->latch);
    JET_ERR err = bt_insert(w->tree, number_key(number, key), slice("data of some length", 19), 0, &change);
    if (err == JET_errKeyDuplicate)
        err = bt_remove(w->tree, number_key(number, key), &change);
    os_rwlock_unlock(&w->tree->latch);
    if (err < JET_errSuccess)
        return err;
    struct bt_place place;
    os_rwlock_read(&w->tree->latch);
    err = bt_find(w->tree, number_key(number, key), LATCH_SHARED, &place);
    for (unsigned i = 0; i < 20 && err == JET_errSuccess; i++)
        err = bt_next(w->tree, &place);
    bt_release(&place);
    os_rwlock_unlock(&w->tree->latch);
    return err == JET_errNoCurrentRecord ? JET_errSuccess : err;
}

static void *work(void *arg) {
    struct worker *w = arg;
    for (unsigned i = 0; i < PER_THREAD && w->err == JET_errSuccess; i++) {
        w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
        w->err = work_once(w, (uint32_t)(w->seed >> 33) % 4000);
    }
    return NULL;
}

static void bt__threads_share_a_tree_and_the_space(void) {
    struct testdb *t = testdb_new(&(struct testdb_options){.page_size = 4096});
    struct tree *shared = testdb_table(t, 1), *child = testdb_tree(t, shared, PAGE_LONG_VALUE, 1);
    struct worker workers[THREADS];
    os_thread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.t = t, .tree = i < 2 ? shared : i == 2 ? child : testdb_table(t, 1), .seed = test_random()};
        CHECK_OK(os_thread_start(&threads[i], work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        os_thread_join(threads[i]);
        CHECK_OK(workers[i].err);
    }
    testdb_check(t);
    testdb_free(t);
}

/* ---- files that Windows wrote ---- */

static void print_finding(void *context, pgno_t pgno, const char *what) {
    printf("\n    page %u: %s", pgno, what);
    ++*(unsigned *)context;
}

static void check_windows_file(const char *name) {
    const char *path = test_windows_file(name);
    static const struct { pgno_t fdp; objid_t objid; uint32_t type; } system_trees[] = {
        {4, 2, 0}, {7, 4, PAGE_INDEX}, {10, 5, PAGE_INDEX}, {24, 3, 0},
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

TEST_MAIN(TEST(bt__ascending_keys_match_the_model), TEST(bt__descending_keys_match_the_model),
          TEST(bt__random_keys_match_the_model), TEST(bt__texts_match_the_model), TEST(bt__common_prefixes_match_the_model),
          TEST(bt__long_keys_match_the_model), TEST(bt__large_records_match_the_model),
          TEST(bt__short_keys_beside_long_prefixes_match_the_model), TEST(bt__deep_trees_shrink_to_an_empty_root),
          TEST(bt_insert__ascending_keys_fill_their_pages), TEST(bt__space_of_removed_records_is_used_again),
          TEST(bt__redo_of_the_log_makes_the_same_pages),
          TEST(bt_find__settles_on_the_first_key_not_below), TEST(bt_find__an_empty_tree_has_no_place),
          TEST(bt_revisit__only_while_the_page_is_unchanged), TEST(bt__what_cannot_be_done_changes_nothing),
          TEST(bt__trees_of_newer_windows_are_not_written_to), TEST(bt__a_full_disk_leaves_the_tree_whole),
          TEST(bt__a_dead_log_leaves_the_tree_whole), TEST(bt_next__a_ring_of_leaves_ends_with_an_error),
          TEST(bt_next__a_link_to_anything_else_is_an_error), TEST(bt_walk__a_wrong_child_is_an_error),
          TEST(bt_check__notices_each_kind_of_damage), TEST(bt_remove__a_separator_that_does_not_fit_splits_its_page),
          TEST(bt_note__is_logged_without_a_page),
          TEST(bt__threads_share_a_tree_and_the_space), TEST(bt_check__finds_nothing_in_files_from_windows))
