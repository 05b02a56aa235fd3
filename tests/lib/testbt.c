#include "tests/lib/testbt.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

#define DATA_MAX PAGE_SIZE_MAX

static struct slice make_data(uint64_t seed, size_t bytes, uint8_t *out) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(seed >> i % 8 * 8) ^ (uint8_t)(i >> 3);
    return slice(out, bytes);
}

static struct slice entry_key(const struct entry *e) {
    return slice(e->key, e->key_bytes);
}

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

struct model model_new(uint32_t page_size) {
    struct model m = {.t = testdb_new(&(struct testdb_options){.page_size = page_size})};
    m.tree = testdb_table(m.t, 1);
    return m;
}

void model_free(struct model *m) {
    for (size_t i = 0; i < m->count; i++)
        free(m->at[i].key);
    free(m->at);
    testdb_free(m->t);
}

static void change_begin(struct model *m, struct bt_change *change) {
    *change = (struct bt_change){.trx = NULL};
    os_rwlock_write(&m->tree->latch);
}

static void change_end(struct model *m) {
    os_rwlock_unlock(&m->tree->latch);
}

JET_ERR do_insert(struct model *m, struct slice key, struct slice data, unsigned flags) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_insert(m->tree, key, data, flags, &change);
    change_end(m);
    return err;
}

JET_ERR do_update(struct model *m, struct slice key, const struct slice *data, unsigned flags) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_update(m->tree, key, data, flags, &change);
    change_end(m);
    return err;
}

JET_ERR do_remove(struct model *m, struct slice key) {
    struct bt_change change;
    change_begin(m, &change);
    JET_ERR err = bt_remove(m->tree, key, &change);
    change_end(m);
    return err;
}

void model_insert(struct model *m, struct slice key, size_t data_bytes, unsigned flags) {
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
    m->at[at] = (struct entry){
        .key = malloc(key.n + 1), .key_bytes = key.n, .data_bytes = data_bytes, .seed = seed, .flags = flags};
    memcpy(m->at[at].key, key.p, key.n);
}

void model_update(struct model *m, size_t at, size_t data_bytes, unsigned flags) {
    static uint8_t data[DATA_MAX];
    struct entry *e = &m->at[at];
    uint64_t seed = test_random();
    struct slice bytes = make_data(seed, data_bytes, data);
    CHECK_OK(do_update(m, entry_key(e), &bytes, flags));
    e->seed = seed;
    e->data_bytes = data_bytes;
    e->flags = flags;
}

void model_remove(struct model *m, size_t at) {
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

void model_check(struct model *m) {
    os_rwlock_read(&m->tree->latch);
    check_scan(m);
    os_rwlock_unlock(&m->tree->latch);
    testdb_check(m->t);
}

/* ---- keys and data ---- */

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
        store_be32(out + 1, (uint32_t)(kind == KEY_ASCENDING    ? m->next++
                                       : kind == KEY_DESCENDING ? ~m->next++
                                                                : test_random()));
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

void model_insert_one(struct model *m, enum key_kind keys, enum data_kind data) {
    uint8_t key[KEY_BUFFER];
    struct slice k = make_key(m, keys, key);
    model_insert(m, k, make_size(m, data, k.n), test_random_below(8) == 0 ? NODE_DELETED : 0);
}

void model_change_one(struct model *m, enum key_kind keys, enum data_kind data) {
    size_t at = test_random_below(m->count);
    unsigned what = (unsigned)test_random_below(5);
    if (m->count == 0 || what <= 1) {
        model_insert_one(m, keys, data);
    } else if (what == 2) {
        model_remove(m, at);
    } else if (what == 3) {
        model_update(m, at, make_size(m, data, m->at[at].key_bytes), (unsigned)test_random_below(4));
    } else {
        m->at[at].flags ^= NODE_DELETED;
        CHECK_OK(do_update(m, entry_key(&m->at[at]), NULL, m->at[at].flags));
    }
}

unsigned depth_of(struct tree *tree) {
    struct bt_id id = bt_id_of(tree);
    struct bt_path path;
    CHECK_OK(bt_walk(NULL, &id, BT_FIRST, slice(NULL, 0), &path));
    return path.depth;
}

struct slice number_key(uint32_t number, uint8_t *out) {
    store_be32(out, number);
    return slice(out, 4);
}

struct model numbers(uint32_t end) {
    struct model m = model_new(4096);
    uint8_t key[4];
    for (uint32_t i = 0; i < end; i += 10)
        model_insert(&m, number_key(i, key), 40, 0);
    return m;
}

uint32_t number_at(const struct bt_place *place) {
    struct node n;
    uint8_t key[KEY_BUFFER];
    page_node(&place->leaf.page, place->line, &n);
    CU_ASSERT_EQUAL_FATAL(node_key(&n, key), 4);
    return load_be32(key);
}
