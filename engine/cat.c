/* Reading the catalog: where a table is, and what it looks like to a session.
 *
 * A table's name leads through RootObjects to the bookmark of its record in MSysObjects; all records of the table stand
 * there in one run of the Id key {table, type, id}. They are versioned nodes like any others, so each session sees the
 * definitions of its snapshot. */
#include "engine/cat.h"

#include <stdlib.h>

#include "engine/cat_priv.h"
#include "engine/db.h"

/* ---- trees ---- */

JET_ERR cat_tree(struct db *db, pgno_t fdp, struct tree **out) {
    *out = db_tree_find(db, fdp);
    return *out ? JET_errSuccess : RAISE(JET_errCatalogCorrupted);
}

objid_t cat_key_table(struct slice id_key) {
    return id_key.n >= 5 && id_key.p[0] == 0x7f ? load_be32(id_key.p + 1) ^ 0x80000000u : 0;
}

static uint16_t key_type(struct slice id_key) {
    return id_key.n >= 8 && id_key.p[5] == 0x7f ? (uint16_t)((id_key.p[6] ^ 0x80) << 8 | id_key.p[7]) : 0;
}

/* The header may be older than the newest table: it is written at attach, and redo goes on from there. */
static JET_ERR raise_objid_last(struct db *db, struct tree *objects) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    uint8_t key[KEY_BUFFER];

    os_rwlock_read(&objects->latch);
    CALL(bt_last(objects, &place));
    if (page_lines(&place.leaf.page) == 0)
        FAIL(JET_errCatalogCorrupted);
    page_node(&place.leaf.page, place.line, &node);
    objid_t table = cat_key_table(slice(key, node_key(&node, key)));
    objid_t last = atomic_load(&db->objid_last);
    while (last < table && table < 0x80000000u && !atomic_compare_exchange_weak(&db->objid_last, &last, table))
        continue;
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&objects->latch);
    return err;
}

JET_ERR cat_open(struct db *db) {
    JET_ERR err = JET_errSuccess;
    struct tree *objects, *other;

    CALL(db_tree(db, CAT_FDP, CAT_OBJID, 0, &db->root, &objects));
    CALL(db_tree(db, CAT_SHADOW_FDP, CAT_SHADOW_OBJID, 0, &db->root, &other));
    CALL(db_tree(db, CAT_NAME_FDP, CAT_NAME_OBJID, PAGE_INDEX, objects, &other));
    CALL(db_tree(db, CAT_ROOT_OBJECTS_FDP, CAT_ROOT_OBJECTS_OBJID, PAGE_INDEX, objects, &other));
    CALL(raise_objid_last(db, objects));
cleanup:
    return err;
}

/* ---- nodes ---- */

static JET_ERR copy_visible(struct session *session, struct tree *tree, const struct bt_place *place, bool *visible,
                            uint8_t *data, size_t *bytes) {
    struct slice seen;
    JET_ERR err = ver_read(session, tree, place, visible, &seen, data);
    if (err >= JET_errSuccess && *visible) {
        memmove(data, seen.p, seen.n);
        *bytes = seen.n;
    }
    return err;
}

JET_ERR cat_read(struct session *session, struct tree *tree, struct slice key, uint8_t *data, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    bool visible = false;

    os_rwlock_read(&tree->latch);
    CALL(bt_find(tree, key, LATCH_SHARED, &place));
    if (place.exact)
        CALL(copy_visible(session, tree, &place, &visible, data, bytes));
    if (!visible)
        err = JET_errRecordNotFound;
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}

JET_ERR cat_read_beside(struct session *session, struct tree *tree, enum cat_side side, uint8_t *key, size_t *key_bytes,
                        uint8_t *data, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    bool visible = false;

    os_rwlock_read(&tree->latch);
    CALL(bt_find(tree, slice(key, *key_bytes), LATCH_SHARED, &place));
    if (side == CAT_ABOVE && !place.exact)
        CALL(bt_settle(tree, &place));
    else
        CALL(side == CAT_ABOVE ? bt_next(tree, &place) : bt_prev(tree, &place));
    for (;;) {
        CALL(copy_visible(session, tree, &place, &visible, data, bytes));
        if (visible)
            break;
        CALL(side == CAT_ABOVE ? bt_next(tree, &place) : bt_prev(tree, &place));
    }
    page_node(&place.leaf.page, place.line, &node);
    int order = node_compare(&node, slice(key, *key_bytes));
    if (side == CAT_ABOVE ? order <= 0 : order >= 0)
        FAIL(JET_errDatabaseCorrupted); /* a page out of order must not lead in a circle */
    *key_bytes = node_key(&node, key);
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}

/* ---- tables ---- */

/* No record of a table leads to the trees of the database root and of the catalog, but for their own. */
static bool root_fits(objid_t objid, pgno_t fdp) {
    switch (fdp) {
    case CAT_FDP:
        return objid == CAT_OBJID;
    case CAT_SHADOW_FDP:
        return objid == CAT_SHADOW_OBJID;
    default:
        return fdp > CAT_FDP && fdp != CAT_NAME_FDP && fdp != CAT_ROOT_OBJECTS_FDP;
    }
}

JET_ERR cat_find_root(struct session *session, struct db *db, const char *name, objid_t *objid, pgno_t *fdp) {
    JET_ERR err = JET_errSuccess;
    struct tree *roots, *objects;
    uint8_t key[KEY_BUFFER], *data = NULL;
    size_t key_bytes, bytes;
    struct cat_record record;

    CALL(cat_check_name(name));
    CALL(cat_tree(db, CAT_ROOT_OBJECTS_FDP, &roots));
    CALL(cat_tree(db, CAT_FDP, &objects));
    data = malloc(db->page_size);
    if (!data)
        FAIL(JET_errOutOfMemory);
    CALL(cat_key_root(slice(name, strlen(name)), key, &key_bytes));
    err = cat_read(session, roots, slice(key, key_bytes), data, &bytes);
    if (err == JET_errRecordNotFound)
        err = JET_errObjectNotFound;
    CALL(err);
    if (bytes > sizeof key)
        FAIL(JET_errCatalogCorrupted);
    memcpy(key, data, bytes);
    err = cat_read(session, objects, slice(key, bytes), data, &bytes);
    if (err == JET_errRecordNotFound)
        err = session_level(session) ? RAISE(JET_errCatalogCorrupted) : JET_errObjectNotFound; /* deleted in between */
    CALL(err);
    CALL(cat_record_decode(slice(data, bytes), db->page_size, &record));
    if (record.type != CAT_TABLE || !root_fits(record.table, record.coltyp_or_fdp))
        FAIL(JET_errCatalogCorrupted);
    *objid = record.table;
    *fdp = record.coltyp_or_fdp;
cleanup:
    free(data);
    return err;
}

/* One node of a table's run: to the builder if it is seen; notes where the session's view is not everybody's. */
static JET_ERR load_node(struct session *session, struct tree *objects, const struct bt_place *place, struct slice key,
                         uint8_t *scratch, struct table_def_builder *builder, struct cat_state *state, bool *any) {
    JET_ERR err = JET_errSuccess;
    struct node node;
    struct slice seen;
    struct cat_record record;
    bool visible;

    page_node(&place->leaf.page, place->line, &node);
    bool there = !(node.flags & NODE_DELETED);
    CALL(ver_read(session, objects, place, &visible, &seen, scratch));
    if (visible != there || (visible && seen.p == scratch))
        state->settled = false;
    if (!there && key_type(key) == CAT_TABLE)
        state->deleted = true;
    if (there && !visible && key_type(key) == CAT_INDEX)
        state->index_hidden = true;
    if (visible) {
        *any = true;
        CALL(cat_record_decode(seen, objects->db->page_size, &record));
        CALL(table_def_builder_add(builder, &record));
    }
cleanup:
    return err;
}

static JET_ERR load_nodes(struct session *session, struct tree *objects, objid_t objid, uint8_t *scratch,
                          struct table_def_builder *builder, struct cat_state *state, bool *any) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    uint8_t key[KEY_BUFFER];
    size_t key_bytes;

    cat_key_id(objid, 0, 0, key, &key_bytes);
    os_rwlock_read(&objects->latch);
    CALL(bt_find(objects, slice(key, 5), LATCH_SHARED, &place));
    err = bt_settle(objects, &place);
    while (err >= JET_errSuccess) {
        page_node(&place.leaf.page, place.line, &node);
        key_bytes = node_key(&node, key);
        if (cat_key_table(slice(key, key_bytes)) != objid)
            break;
        CALL(load_node(session, objects, &place, slice(key, key_bytes), scratch, builder, state, any));
        err = bt_next(objects, &place);
    }
    if (err == JET_errNoCurrentRecord)
        err = JET_errSuccess;
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&objects->latch);
    return err;
}

/* Outside of a transaction records could be committed while they are read one by one: half a definition. */
static JET_ERR begin_reading(struct session *session, bool *began) {
    if (session_level(session) > 0)
        return JET_errSuccess;
    JET_ERR err = trx_begin(session, true);
    *began = err >= JET_errSuccess;
    return err;
}

JET_ERR cat_load_table(struct session *session, struct db *db, objid_t objid, struct table_def **out,
                       struct cat_state *state) {
    JET_ERR err = JET_errSuccess;
    struct tree *objects;
    struct table_def_builder *builder = NULL;
    uint8_t *scratch = NULL;
    bool began = false, any = false;

    *state = (struct cat_state){.settled = true};
    CALL(cat_tree(db, CAT_FDP, &objects));
    scratch = malloc(db->page_size);
    if (!scratch)
        FAIL(JET_errOutOfMemory);
    CALL(table_def_builder_new(&builder));
    CALL(begin_reading(session, &began));
    CALL(load_nodes(session, objects, objid, scratch, builder, state, &any));
    if (!any)
        FAIL(JET_errObjectNotFound);
    CALL(table_def_builder_finish(builder, out));
    if (!root_fits((*out)->objid, (*out)->fdp)) {
        table_def_free(*out);
        *out = NULL;
        FAIL(JET_errCatalogCorrupted);
    }
cleanup:
    if (began)
        CALL_KEEP_FIRST(trx_commit(session, true));
    table_def_builder_free(builder);
    free(scratch);
    return err;
}

JET_ERR cat_reload_table(struct session *session, struct db *db, objid_t objid, struct table_def **out) {
    struct cat_state state;
    return cat_load_table(session, db, objid, out, &state);
}

JET_ERR cat_find_table(struct session *session, struct db *db, const char *name, struct table_def **out) {
    JET_ERR err = JET_errSuccess;
    objid_t objid;
    pgno_t fdp;

    CALL(cat_find_root(session, db, name, &objid, &fdp));
    CALL(cat_reload_table(session, db, objid, out));
cleanup:
    return err;
}

JET_ERR cat_each_table(struct session *session, struct db *db, cat_table_fn fn, void *context) {
    JET_ERR err = JET_errSuccess;
    struct tree *roots, *objects;
    uint8_t key[KEY_BUFFER], *mark = NULL, *data = NULL;
    size_t key_bytes = 0, mark_bytes = 0, bytes = 0;
    struct cat_record record;
    bool began = false;

    CALL(cat_tree(db, CAT_ROOT_OBJECTS_FDP, &roots));
    CALL(cat_tree(db, CAT_FDP, &objects));
    mark = malloc(db->page_size);
    data = malloc(db->page_size);
    if (!mark || !data)
        FAIL(JET_errOutOfMemory);
    CALL(begin_reading(session, &began));
    for (;;) {
        err = cat_read_beside(session, roots, CAT_ABOVE, key, &key_bytes, mark, &mark_bytes);
        if (err == JET_errNoCurrentRecord) {
            err = JET_errSuccess;
            break;
        }
        CALL(err);
        err = cat_read(session, objects, slice(mark, mark_bytes), data, &bytes);
        if (err == JET_errRecordNotFound)
            err = RAISE(JET_errCatalogCorrupted);
        CALL(err);
        CALL(cat_record_decode(slice(data, bytes), db->page_size, &record));
        CALL(fn(context, &record));
    }
cleanup:
    if (began)
        CALL_KEEP_FIRST(trx_commit(session, true));
    free(mark);
    free(data);
    return err;
}
