/* For the tests of transactions: a testdb with a transaction system, a tree and sessions, and nodes whose key is a
 * number and whose data is a text. */
#ifndef ESENT_TESTS_TESTTRX_H
#define ESENT_TESTS_TESTTRX_H

#include <stdio.h>
#include <string.h>

#include "engine/inst.h"
#include "tests/lib/test.h"
#include "tests/lib/testdb.h"

#define TESTTRX_SESSIONS 6

struct testtrx {
    struct testdb *t;
    struct trx_system *system;
    struct tree *tree;
    struct session *s[TESTTRX_SESSIONS];
};

static inline struct testtrx testtrx_new(uint64_t versions_max) {
    struct testtrx f = {.t = testdb_new(&(struct testdb_options){0})};
    f.tree = testdb_table(f.t, 1);
    CHECK_OK(trx_system_new(&f.t->inst, versions_max, &f.t->inst.trx));
    f.system = f.t->inst.trx;
    for (unsigned i = 0; i < TESTTRX_SESSIONS; i++)
        CHECK_OK(session_begin(&f.t->inst, &f.s[i]));
    return f;
}

/* Sessions that are left are dropped as they are. */
static inline void testtrx_free(struct testtrx *f) {
    trx_system_free(f->system);
    f->t->inst.trx = NULL;
    testdb_free(f->t);
}

struct testkey {
    uint8_t b[4];
};
static inline struct testkey testkey(uint32_t n) {
    struct testkey k;
    store_be32(k.b, n);
    return k;
}
static inline struct slice text(const char *s) {
    return slice(s, strlen(s));
}

static inline JET_ERR insert(struct session *s, struct tree *tree, uint32_t key, const char *data) {
    struct testkey k = testkey(key);
    return ver_insert(s, tree, slice(k.b, 4), text(data));
}

static inline JET_ERR replace(struct session *s, struct tree *tree, uint32_t key, const char *data) {
    struct testkey k = testkey(key);
    return ver_replace(s, tree, slice(k.b, 4), text(data));
}

static inline JET_ERR delete (struct session *s, struct tree *tree, uint32_t key) {
    struct testkey k = testkey(key);
    return ver_delete(s, tree, slice(k.b, 4));
}

static inline JET_ERR claim(struct session *s, struct tree *tree, uint32_t key) {
    struct testkey k = testkey(key);
    return ver_lock(s, tree, slice(k.b, 4));
}

/* What the session sees, as text in a static ring; "-": nothing. */
static inline const char *read_text(struct session *s, struct tree *tree, uint32_t key) {
    static _Thread_local char ring[8][PAGE_SIZE_MAX + 1];
    static _Thread_local unsigned next;
    static _Thread_local uint8_t scratch[PAGE_SIZE_MAX];
    char *out = ring[next++ % 8];
    struct testkey k = testkey(key);
    struct bt_place place = {0};
    bool visible = false;
    struct slice data = {0};

    os_rwlock_read(&tree->latch);
    JET_ERR err = bt_find(tree, slice(k.b, 4), LATCH_SHARED, &place);
    if (err >= JET_errSuccess && place.exact)
        err = ver_read(s, tree, &place, &visible, &data, scratch);
    if (visible) {
        memcpy(out, data.p, data.n);
        out[data.n] = 0;
    } else {
        strcpy(out, "-");
    }
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    CHECK_OK(err);
    return out;
}
#define CHECK_SEES(session, tree, key, expected)                                                                       \
    CU_ASSERT_STRING_EQUAL_FATAL(read_text((session), (tree), (key)), (expected))

/* Calls fn for every node that the session sees, in key order. From any thread. */
static inline JET_ERR scan(struct session *s, struct tree *tree,
                           void (*fn)(void *context, uint32_t key, struct slice data), void *context) {
    static _Thread_local uint8_t scratch[PAGE_SIZE_MAX];
    struct bt_place place = {0};

    os_rwlock_read(&tree->latch);
    JET_ERR err = bt_first(tree, &place);
    if (err >= JET_errSuccess && !place.exact)
        err = JET_errNoCurrentRecord;
    while (err >= JET_errSuccess) {
        uint8_t key[KEY_BUFFER];
        bool visible;
        struct slice data;
        struct node node;
        page_node(&place.leaf.page, place.line, &node);
        node_key(&node, key);
        err = ver_read(s, tree, &place, &visible, &data, scratch);
        if (err >= JET_errSuccess && visible)
            fn(context, load_be32(key), data);
        if (err >= JET_errSuccess)
            err = bt_next(tree, &place);
    }
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err == JET_errNoCurrentRecord ? JET_errSuccess : err;
}

/* Nodes on the pages, whoever sees them. */
static inline void count_nodes(struct tree *tree, unsigned *nodes, unsigned *deleted) {
    struct bt_place place = {0};
    *nodes = *deleted = 0;
    os_rwlock_read(&tree->latch);
    JET_ERR err = bt_first(tree, &place);
    if (err >= JET_errSuccess && !place.exact)
        err = JET_errNoCurrentRecord;
    while (err >= JET_errSuccess) {
        struct node node;
        page_node(&place.leaf.page, place.line, &node);
        ++*nodes;
        *deleted += (node.flags & NODE_DELETED) != 0;
        err = bt_next(tree, &place);
    }
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    CHECK_ERR(err, JET_errNoCurrentRecord);
}

/* Nothing is left of versions: for when no transaction is active. */
static inline void check_clean(struct testtrx *f, unsigned nodes_expected) {
    unsigned nodes, deleted;
    count_nodes(f->tree, &nodes, &deleted);
    CU_ASSERT_EQUAL_FATAL(deleted, 0);
    CU_ASSERT_EQUAL_FATAL(nodes, nodes_expected);
    CU_ASSERT_EQUAL_FATAL(trx_version_bytes(f->system), 0);
    CU_ASSERT_EQUAL_FATAL(trx_oldest_logged(f->system), UINT64_MAX);
}

#endif
