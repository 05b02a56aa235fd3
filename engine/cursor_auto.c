/* Numbers that a table gives out: autoincrement values and the keys of tables without primary index. The next one is
 * kept with the tree; it is looked up once, from the nodes as they stand, whoever may see them: so a number that an
 * open transaction or a deleted record has is not given out again. */
#include "engine/cursor_priv.h"

/* Windows keeps a high-water mark of its own in the root of some trees. We do not raise it, so we must not give out
 * numbers there: Windows would give them out again. Tree latch held. */
static JET_ERR check_root(struct tree *tree) {
    JET_ERR err = JET_errSuccess;
    struct page_ref ref = {0};

    CALL(cache_latch(tree->db->pages, tree->fdp, LATCH_SHARED, &ref));
    if (page_external_header(&ref.page).n > 16)
        FAIL(JET_errFeatureNotAvailable);
cleanup:
    cache_unlatch(&ref);
    return err;
}

static uint64_t auto_max(JET_COLTYP type) {
    return type == JET_coltypLong ? INT32_MAX : type == JET_coltypUnsignedLong ? UINT32_MAX : INT64_MAX;
}

/* Raises *largest to the value in the node's record. */
static JET_ERR look_at(const struct bt_place *place, uint32_t page_size, const struct column *column,
                       uint64_t *largest) {
    JET_ERR err = JET_errSuccess;
    struct node node;
    struct rec_value value;

    page_node(&place->leaf.page, place->line, &node);
    CALL(rec_get(node.data, page_size, column, 1, &value));
    if (value.kind != REC_VALUE || value.bytes.n != coltyp_bytes(column->type))
        return err;
    uint64_t number = value.bytes.n == 8 ? load64(value.bytes.p) : load32(value.bytes.p);
    if (number <= auto_max(column->type) && number > *largest) /* above: negative */
        *largest = number;
cleanup:
    return err;
}

static JET_ERR find_largest(struct cursor *c, uint64_t *largest) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    const struct index_def *x = &c->def->primary;
    bool last_has_it = c->def->has_primary && x->segments[0].fid == c->auto_column->fid && !x->segments[0].descending;

    *largest = 0;
    os_rwlock_read(&c->tree->latch);
    CALL(check_root(c->tree));
    CALL(last_has_it ? bt_last(c->tree, &place) : bt_first(c->tree, &place));
    if (page_lines(&place.leaf.page) == 0)
        goto cleanup;
    do {
        CALL(look_at(&place, c->db->page_size, c->auto_column, largest));
        err = last_has_it ? JET_errNoCurrentRecord : bt_next(c->tree, &place);
    } while (err >= JET_errSuccess);
    if (err == JET_errNoCurrentRecord)
        err = JET_errSuccess;
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&c->tree->latch);
    return err;
}

JET_ERR cursor_next_auto(struct cursor *c, uint8_t out[8], size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree = c->tree;
    uint64_t largest, next;

    os_mutex_lock(&tree->auto_mutex);
    next = atomic_load(&tree->next_auto);
    if (next == 0) {
        CALL(find_largest(c, &largest));
        next = largest + 1;
    }
    if (next > auto_max(c->auto_column->type))
        FAIL(JET_errOutOfAutoincrementValues);
    atomic_store(&tree->next_auto, next + 1);
    store64(out, next);
    *bytes = coltyp_bytes(c->auto_column->type);
cleanup:
    os_mutex_unlock(&tree->auto_mutex);
    return err;
}

static JET_ERR find_last_key(struct tree *tree, uint32_t *last) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    uint8_t key[KEY_BUFFER];

    *last = 0;
    os_rwlock_read(&tree->latch);
    CALL(check_root(tree));
    CALL(bt_last(tree, &place));
    if (page_lines(&place.leaf.page) == 0)
        goto cleanup;
    page_node(&place.leaf.page, place.line, &node);
    if (node_key(&node, key) != 4)
        FAIL(JET_errDatabaseCorrupted);
    *last = load_be32(key);
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}

JET_ERR cursor_next_key(struct cursor *c, uint8_t out[4]) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree = c->tree;
    uint64_t next;
    uint32_t last;

    os_mutex_lock(&tree->auto_mutex);
    next = atomic_load(&tree->next_key);
    if (next == 0) {
        CALL(find_last_key(tree, &last));
        next = (uint64_t)last + 1;
    }
    if (next > UINT32_MAX)
        FAIL(JET_errOutOfSequentialIndexValues);
    atomic_store(&tree->next_key, next + 1);
    store_be32(out, (uint32_t)next);
cleanup:
    os_mutex_unlock(&tree->auto_mutex);
    return err;
}
