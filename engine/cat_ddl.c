/* Changing the catalog on behalf of a session: ordinary versioned changes of its trees, always in the order
 * MSysObjects, shadow, Name, RootObjects, MSysObjids; so a definition rolls back and is isolated like a row.
 *
 * Others may have a table open or open it meanwhile. What must not happen under them (deletion; another kind of key)
 * first changes the catalog and then looks who has the table open; who opens a table first enters itself and then
 * looks at the catalog as it stands, seen or not (cat_load_table). So one of the two always notices the other. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/cat_priv.h"
#include "engine/db.h"
#include "engine/inst.h"

/* ---- one step ---- */

static JET_ERR step_begin(struct session *session, struct db *db) {
    JET_ERR err = JET_errSuccess;

    if (db->read_only)
        FAIL(JET_errDatabaseFileReadOnly);
    CALL(inst_usable(db->inst));
    CALL(trx_begin(session, false));
cleanup:
    return err;
}

static JET_ERR step_end(struct session *session, JET_ERR err) {
    if (err < JET_errSuccess)
        CALL_KEEP_FIRST(trx_rollback(session, false));
    else
        CALL_KEEP_FIRST(trx_commit(session, false));
    return err;
}

/* ---- records ---- */

struct cat_trees {
    struct tree *objects, *shadow, *names, *roots;
};

static JET_ERR open_trees(struct db *db, struct cat_trees *t) {
    JET_ERR err = JET_errSuccess;
    CALL(cat_tree(db, CAT_FDP, &t->objects));
    CALL(cat_tree(db, CAT_SHADOW_FDP, &t->shadow));
    CALL(cat_tree(db, CAT_NAME_FDP, &t->names));
    CALL(cat_tree(db, CAT_ROOT_OBJECTS_FDP, &t->roots));
cleanup:
    return err;
}

static JET_ERR insert_named(struct session *session, struct tree *tree, struct slice key, struct slice id,
                            JET_ERR duplicate) {
    JET_ERR err = ver_insert(session, tree, key, id);
    return err == JET_errKeyDuplicate ? RAISE(duplicate) : err;
}

/* duplicate: what it is called when the name is taken. */
static JET_ERR insert_record(struct session *session, struct db *db, const struct cat_record *r, JET_ERR duplicate) {
    JET_ERR err = JET_errSuccess;
    struct cat_trees t;
    uint8_t id[KEY_BUFFER], key[KEY_BUFFER], *data = NULL;
    size_t id_bytes, key_bytes, bytes;

    CALL(open_trees(db, &t));
    data = malloc(PAGE_SIZE_MAX);
    if (!data)
        FAIL(JET_errOutOfMemory);
    CALL(cat_record_encode(r, db->page_size, data, &bytes));
    if (bytes > page_record_max(db->page_size, JET_cbKeyMost))
        FAIL(JET_errRecordTooBig);
    cat_key_id(r->table, r->type, r->id, id, &id_bytes);
    CALL(insert_named(session, t.objects, slice(id, id_bytes), slice(data, bytes), duplicate));
    CALL(insert_named(session, t.shadow, slice(id, id_bytes), slice(data, bytes), duplicate));
    CALL(cat_key_name(r->table, r->type, r->name, key, &key_bytes));
    CALL(insert_named(session, t.names, slice(key, key_bytes), slice(id, id_bytes), duplicate));
    if (r->root_flag) {
        CALL(cat_key_root(r->name, key, &key_bytes));
        CALL(insert_named(session, t.roots, slice(key, key_bytes), slice(id, id_bytes), duplicate));
    }
cleanup:
    free(data);
    return err;
}

static JET_ERR delete_record(struct session *session, struct cat_trees *t, struct slice id,
                             const struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    uint8_t key[KEY_BUFFER];
    size_t key_bytes;

    CALL(ver_delete(session, t->objects, id));
    err = ver_delete(session, t->shadow, id);
    CALL(err == JET_errRecordDeleted ? JET_errSuccess
                                     : err); /* the shadow of a file from elsewhere may be incomplete */
    CALL(cat_key_name(r->table, r->type, r->name, key, &key_bytes));
    CALL(ver_delete(session, t->names, slice(key, key_bytes)));
    if (r->root_flag) {
        CALL(cat_key_root(r->name, key, &key_bytes));
        CALL(ver_delete(session, t->roots, slice(key, key_bytes)));
    }
cleanup:
    return err;
}

/* ---- rows of MSysObjids and MSysLocales; a database without such a table needs none ---- */

struct row_place {
    struct table_def *def;
    struct tree *tree;
    uint8_t *record;
    size_t record_bytes, key_bytes;
    uint8_t key[KEY_BUFFER];
};

static JET_ERR row_open(struct session *session, struct db *db, const char *table, struct row_place *row) {
    JET_ERR err = JET_errSuccess;

    CALL(cat_find_table(session, db, table, &row->def));
    CALL(db_tree(db, row->def->fdp, row->def->objid, 0, &db->root, &row->tree));
    row->record = malloc(PAGE_SIZE_MAX);
    if (!row->record)
        FAIL(JET_errOutOfMemory);
cleanup:
    return err;
}

static void row_close(struct row_place *row) {
    table_def_free(row->def);
    free(row->record);
}

static JET_ERR change_objid(struct session *session, struct db *db, objid_t objid, objid_t table, uint16_t type,
                            bool insert) {
    JET_ERR err = JET_errSuccess;
    struct row_place row = {0};
    struct cat_objid_row values_of;
    struct cat_value values[3];

    err = row_open(session, db, CAT_OBJIDS, &row);
    if (err == JET_errObjectNotFound) {
        err = JET_errSuccess;
        goto cleanup;
    }
    CALL(err);
    unsigned count = cat_objid_values(&values_of, objid, table, type, values);
    CALL(cat_build_row(row.def, db->page_size, values, count, row.record, &row.record_bytes, row.key, &row.key_bytes));
    struct slice key = slice(row.key, row.key_bytes);
    if (insert) {
        CALL(ver_insert(session, row.tree, key, slice(row.record, row.record_bytes)));
    } else {
        err = ver_delete(session, row.tree, key);
        CALL(err == JET_errRecordDeleted ? JET_errSuccess : err);
        err = JET_errSuccess;
    }
cleanup:
    row_close(&row);
    return err;
}

static void locale_key(char out[128]) {
    const uint8_t *g = key_sort_id;
    snprintf(out, 128, "LocaleName=%s,SortID=%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x,Ver=%llx",
             KEY_LOCALE_NAME, load32(g), load16(g + 4), load16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14],
             g[15], (unsigned long long)key_sort_version());
}

/* The row of our sort order counts the indexes ever made with it. */
static JET_ERR count_locale(struct session *session, struct db *db) {
    JET_ERR err = JET_errSuccess;
    struct row_place row = {0};
    struct cat_locale_row values_of;
    struct cat_value values[3];
    struct rec_value old;
    char name[128];

    err = row_open(session, db, CAT_LOCALES, &row);
    if (err == JET_errObjectNotFound) {
        err = JET_errSuccess;
        goto cleanup;
    }
    CALL(err);
    locale_key(name);
    unsigned count = cat_locale_values(&values_of, 2, 1, name, values);
    CALL(cat_build_row(row.def, db->page_size, values, count, row.record, &row.record_bytes, row.key, &row.key_bytes));
    struct slice key = slice(row.key, row.key_bytes);
    err = cat_read(session, row.tree, key, row.record, &row.record_bytes);
    if (err == JET_errRecordNotFound) {
        CALL(cat_build_row(row.def, db->page_size, values, count, row.record, &row.record_bytes, row.key,
                           &row.key_bytes));
        err = ver_insert(session, row.tree, key, slice(row.record, row.record_bytes));
        goto cleanup;
    }
    CALL(err);
    CALL(rec_get(slice(row.record, row.record_bytes), db->page_size, table_column(row.def, 2), 1, &old));
    int32_t times = old.kind == REC_VALUE && old.bytes.n == 4 ? (int32_t)load32(old.bytes.p) : 0;
    count = cat_locale_values(&values_of, 2, times + 1, name, values);
    CALL(cat_build_row(row.def, db->page_size, values, count, row.record, &row.record_bytes, row.key, &row.key_bytes));
    CALL(ver_replace(session, row.tree, key, slice(row.record, row.record_bytes)));
cleanup:
    row_close(&row);
    return err;
}

/* ---- tables ---- */

static JET_ERR create_table(struct session *session, struct db *db, const char *name, uint32_t pages, uint32_t density,
                            objid_t *objid) {
    JET_ERR err = JET_errSuccess;
    pgno_t fdp;
    objid_t other;
    struct tree *tree;

    err = cat_find_root(session, db, name, &other, &fdp);
    if (err >= JET_errSuccess)
        FAIL(JET_errTableDuplicate);
    CALL(err == JET_errObjectNotFound ? JET_errSuccess : err);
    CALL(db_new_objid(db, objid));
    CALL(ver_create_tree(session, db, &db->root, *objid, 0, pages ? pages : 1, &fdp));
    CALL(db_tree(db, fdp, *objid, 0, &db->root, &tree));
    atomic_store(&tree->next_key, 0);
    struct cat_record r = {
        .table = *objid,
        .type = CAT_TABLE,
        .id = *objid,
        .coltyp_or_fdp = fdp,
        .space_usage = density,
        .pages_or_locale = pages,
        .root_flag = true,
        .name = slice(name, strlen(name)),
    };
    CALL(insert_record(session, db, &r, JET_errTableDuplicate));
    CALL(change_objid(session, db, *objid, *objid, CAT_TABLE, true));
cleanup:
    return err;
}

JET_ERR cat_create_table(struct session *session, struct db *db, const char *name, uint32_t pages, uint32_t density,
                         objid_t *objid) {
    JET_ERR err = JET_errSuccess;

    CALL(cat_check_name(name));
    if (density == 0)
        density = CAT_DENSITY_DEFAULT;
    if (density < 20 || density > 100)
        FAIL(JET_errDensityInvalid);
    CALL(step_begin(session, db));
    err = step_end(session, create_table(session, db, name, pages, density, objid));
cleanup:
    return err;
}

static JET_ERR delete_records(struct session *session, struct db *db, objid_t table) {
    JET_ERR err = JET_errSuccess;
    struct cat_trees t;
    struct cat_record r;
    uint8_t key[KEY_BUFFER], *data = NULL;
    size_t key_bytes, bytes;

    CALL(open_trees(db, &t));
    data = malloc(db->page_size);
    if (!data)
        FAIL(JET_errOutOfMemory);
    cat_key_id(table, 0, 0, key, &key_bytes);
    for (;;) {
        err = cat_read_beside(session, t.objects, CAT_ABOVE, key, &key_bytes, data, &bytes);
        if (err == JET_errNoCurrentRecord || (err >= JET_errSuccess && cat_key_table(slice(key, key_bytes)) != table))
            break;
        CALL(err);
        CALL(cat_record_decode(slice(data, bytes), db->page_size, &r));
        CALL(delete_record(session, &t, slice(key, key_bytes), &r));
        bool has_objid = r.type == CAT_TABLE || r.type == CAT_LONG_VALUES || (r.type == CAT_INDEX && r.id != table);
        if (has_objid)
            CALL(change_objid(session, db, r.id, table, r.type, false));
    }
    err = JET_errSuccess;
cleanup:
    free(data);
    return err;
}

static JET_ERR delete_table(struct session *session, struct db *db, const char *name) {
    JET_ERR err = JET_errSuccess;
    struct table_def *def = NULL;
    struct tree *tree;

    CALL(cat_find_table(session, db, name, &def));
    if (def->flags & CAT_FLAG_SYSTEM)
        FAIL(JET_errCannotDeleteSystemTable);
    if (def->flags & JET_bitTableCreateTemplateTable)
        FAIL(JET_errCannotDeleteTemplateTable);
    CALL(db_tree(db, def->fdp, def->objid, 0, &db->root, &tree));
    if (cat_is_open(tree, NULL))
        FAIL(JET_errTableInUse);
    CALL(delete_records(session, db, def->objid));
    if (cat_is_open(tree, NULL))
        FAIL(JET_errTableInUse);
    CALL(ver_delete_tree(session, tree));
cleanup:
    table_def_free(def);
    return err;
}

JET_ERR cat_delete_table(struct session *session, struct db *db, const char *name) {
    JET_ERR err = JET_errSuccess;

    CALL(step_begin(session, db));
    err = step_end(session, delete_table(session, db, name));
cleanup:
    return err;
}

/* ---- columns ---- */

static bool is_long_type(JET_COLTYP type) {
    return type == JET_coltypLongBinary || type == JET_coltypLongText;
}
static bool is_text(JET_COLTYP type) {
    return type == JET_coltypText || type == JET_coltypLongText;
}
static bool is_sized(JET_COLTYP type) {
    return type == JET_coltypText || type == JET_coltypBinary;
}

enum column_class { CLASS_FIXED, CLASS_VARIABLE, CLASS_TAGGED };

static enum column_class class_of(const struct cat_new_column *c) {
    if (c->tagged || is_long_type(c->type))
        return CLASS_TAGGED;
    return c->fixed || !is_sized(c->type) ? CLASS_FIXED : CLASS_VARIABLE;
}

static JET_ERR check_column_flags(const struct table_def *def, const struct cat_new_column *c) {
    uint32_t special = c->flags & (COLUMN_VERSION | COLUMN_AUTO_INCREMENT);
    bool tagged = class_of(c) == CLASS_TAGGED;

    if (c->flags &
        ~(uint32_t)(COLUMN_NOT_NULL | COLUMN_VERSION | COLUMN_AUTO_INCREMENT | COLUMN_MULTI_VALUED | COLUMN_COMPRESSED))
        return RAISE(JET_errFeatureNotAvailable);
    if (c->fixed && tagged)
        return RAISE(JET_errInvalidGrbit);
    if (tagged && (c->flags & COLUMN_NOT_NULL))
        return RAISE(JET_errTaggedNotNULL);
    if (!tagged && (c->flags & COLUMN_MULTI_VALUED))
        return RAISE(JET_errMultiValuedColumnMustBeTagged);
    if ((c->flags & COLUMN_COMPRESSED) && !is_long_type(c->type))
        return RAISE(JET_errColumnCannotBeCompressed);
    if (!special)
        return JET_errSuccess;
    if (tagged)
        return RAISE(JET_errCannotBeTagged);
    bool counts =
        c->type == JET_coltypLong ||
        ((special == COLUMN_AUTO_INCREMENT) &&
         (c->type == JET_coltypCurrency || c->type == JET_coltypLongLong || c->type == JET_coltypUnsignedLong));
    if (!counts || special == (COLUMN_VERSION | COLUMN_AUTO_INCREMENT))
        return RAISE(JET_errInvalidGrbit);
    for (unsigned i = 0; i < def->column_count; i++)
        if (def->columns[i].flags & special)
            return RAISE(JET_errColumnRedundant);
    return JET_errSuccess;
}

/* Fills what the catalog stores of a column; *truncated: max_bytes was cut. */
static JET_ERR describe_column(const struct table_def *def, const struct cat_new_column *c, struct cat_record *r,
                               bool *truncated) {
    JET_ERR err = JET_errSuccess;
    size_t bytes = coltyp_bytes(c->type);

    CALL(cat_check_name(c->name));
    if (!bytes && !is_sized(c->type) && !is_long_type(c->type))
        FAIL(JET_errInvalidColumnType);
    if (is_text(c->type) && c->code_page != 0 && c->code_page != 1252 && c->code_page != 1200)
        FAIL(JET_errInvalidCodePage);
    CALL(check_column_flags(def, c));
    if (table_column_by_name(def, c->name))
        FAIL(JET_errColumnDuplicate);
    uint32_t max = bytes ? (uint32_t)bytes : c->max_bytes;
    if (is_sized(c->type)) {
        *truncated = max > JET_cbColumnMost;
        max = max == 0 || *truncated ? JET_cbColumnMost : max;
    }
    size_t default_max = max && max < JET_cbLVDefaultValueMost ? max : JET_cbLVDefaultValueMost;
    if (c->default_value.n > default_max)
        FAIL(JET_errDefaultValueTooBig);
    if (bytes && c->default_value.n && c->default_value.n != bytes)
        FAIL(JET_errInvalidBufferSize);
    *r = (struct cat_record){
        .table = def->objid,
        .type = CAT_COLUMN,
        .coltyp_or_fdp = c->type,
        .space_usage = max,
        .flags = c->flags | (c->default_value.n ? COLUMN_DEFAULT : 0u),
        .pages_or_locale = is_text(c->type) ? (c->code_page ? c->code_page : 1252u) : 0u,
        .name = slice(c->name, strlen(c->name)),
        .default_value = c->default_value.n ? c->default_value : (struct slice){0},
    };
cleanup:
    return err;
}

/* The column with the highest id in a class, deleted ones (type 0, whose ids and bytes stay taken) included; id 0:
 * none. */
static JET_ERR last_of_class(struct session *session, struct db *db, objid_t table, uint32_t first, uint32_t last,
                             struct cat_record *out, uint8_t *data) {
    JET_ERR err = JET_errSuccess;
    struct tree *objects;
    uint8_t key[KEY_BUFFER];
    size_t key_bytes, bytes;

    CALL(cat_tree(db, CAT_FDP, &objects));
    cat_key_id(table, CAT_COLUMN, last + 1, key, &key_bytes);
    err = cat_read_beside(session, objects, CAT_BELOW, key, &key_bytes, data, &bytes);
    if (err != JET_errNoCurrentRecord) {
        CALL(err);
        CALL(cat_record_decode(slice(data, bytes), db->page_size, out));
    }
    if (err == JET_errNoCurrentRecord || out->table != table || out->type != CAT_COLUMN || out->id < first)
        *out = (struct cat_record){0};
    err = JET_errSuccess;
cleanup:
    return err;
}

/* Id, and the offset of a fixed column. */
static JET_ERR place_column(struct session *session, struct db *db, enum column_class class, struct cat_record *r) {
    static const uint32_t first[] = {FID_FIXED_FIRST, FID_VAR_FIRST, FID_TAGGED_FIRST};
    static const uint32_t last[] = {FID_FIXED_LAST, FID_VAR_LAST, FID_TAGGED_LAST};
    JET_ERR err = JET_errSuccess;
    struct cat_record before;
    uint8_t *data = malloc(db->page_size);

    if (!data)
        FAIL(JET_errOutOfMemory);
    CALL(last_of_class(session, db, r->table, first[class], last[class], &before, data));
    if (before.id == last[class])
        FAIL(JET_errTooManyColumns);
    r->id = before.id ? before.id + 1 : first[class];
    if (class == CLASS_FIXED) {
        size_t before_bytes = coltyp_bytes(before.coltyp_or_fdp);
        uint32_t offset =
            before.id ? before.record_offset + (before_bytes ? (uint32_t)before_bytes : before.space_usage) : 4;
        if (offset + r->space_usage + (r->id + 7) / 8 > page_record_max(db->page_size, JET_cbKeyMost))
            FAIL(JET_errRecordTooBig);
        r->record_offset = (uint16_t)offset;
    }
cleanup:
    free(data);
    return err;
}

static JET_ERR check_ddl_allowed(const struct table_def *def) {
    return def->flags & CAT_FLAG_SYSTEM ? RAISE(JET_errFixedDDL) : JET_errSuccess;
}

/* One transaction at a time changes what a table is: another's column is not seen by who deletes the table. */
static JET_ERR claim_table(struct session *session, struct db *db, objid_t table) {
    JET_ERR err = JET_errSuccess;
    struct tree *objects;
    uint8_t key[KEY_BUFFER];
    size_t key_bytes;

    CALL(cat_tree(db, CAT_FDP, &objects));
    cat_key_id(table, CAT_TABLE, table, key, &key_bytes);
    CALL(ver_lock(session, objects, slice(key, key_bytes)));
cleanup:
    return err;
}

/* Whoever holds a definition of the table loads it anew. */
static JET_ERR note_ddl(struct db *db, const struct table_def *def) {
    struct tree *tree;
    JET_ERR err = db_tree(db, def->fdp, def->objid, 0, &db->root, &tree);
    if (err >= JET_errSuccess)
        atomic_fetch_add(&tree->ddl, 1);
    return err;
}

static JET_ERR add_column(struct session *session, struct db *db, struct table_def *def, const struct cat_new_column *c,
                          struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    CALL(claim_table(session, db, def->objid));
    CALL(place_column(session, db, class_of(c), r));
    CALL(insert_record(session, db, r, JET_errColumnDuplicate));
    CALL(note_ddl(db, def));
cleanup:
    return err;
}

JET_ERR cat_add_column(struct session *session, struct db *db, struct table_def *def,
                       const struct cat_new_column *column, uint16_t *fid) {
    JET_ERR err = JET_errSuccess;
    struct cat_record r;
    bool truncated = false;

    CALL(check_ddl_allowed(def));
    CALL(describe_column(def, column, &r, &truncated));
    CALL(step_begin(session, db));
    CALL(step_end(session, add_column(session, db, def, column, &r)));
    *fid = (uint16_t)r.id;
    err = truncated ? JET_wrnColumnMaxTruncated : JET_errSuccess;
cleanup:
    return err;
}

/* ---- the primary index ---- */

static JET_ERR check_segment(const struct column *column) {
    if (!column)
        return RAISE(JET_errColumnNotFound);
    if (column->flags & COLUMN_MULTI_VALUED)
        return RAISE(JET_errIndexInvalidDef);
    if (column->flags & COLUMN_ENCRYPTED)
        return RAISE(JET_errCannotIndexOnEncryptedColumn);
    return column->flags & (COLUMN_ESCROW | COLUMN_FINALIZE) ? RAISE(JET_errCannotIndex) : JET_errSuccess;
}

/* "+a\0-b\0\0" */
static JET_ERR parse_key(const struct table_def *def, const char *key, size_t bytes, struct index_def *out) {
    JET_ERR err = JET_errSuccess;
    const char *end = key + bytes;

    while (key < end && *key) {
        size_t n = strnlen(key, (size_t)(end - key));
        if (n < 2 || key + n == end || (*key != '+' && *key != '-'))
            FAIL(JET_errIndexInvalidDef);
        if (out->segment_count == INDEX_SEGMENTS_MAX)
            FAIL(JET_errIndexInvalidDef);
        const struct column *column = table_column_by_name(def, key + 1);
        CALL(check_segment(column));
        for (unsigned i = 0; i < out->segment_count; i++)
            if (out->segments[i].fid == column->fid)
                FAIL(JET_errIndexInvalidDef);
        out->segments[out->segment_count].fid = column->fid;
        out->segments[out->segment_count++].descending = *key == '-';
        key += n + 1;
    }
    if (key >= end || out->segment_count == 0)
        FAIL(JET_errIndexInvalidDef);
cleanup:
    return err;
}

static bool has_unicode(const struct table_def *def, const struct index_def *x) {
    for (unsigned i = 0; i < x->segment_count; i++) {
        const struct column *column = table_column(def, x->segments[i].fid);
        if (is_text(column->type) && column->code_page == 1200)
            return true;
    }
    return false;
}

static JET_ERR describe_index(const struct table_def *def, const struct cat_new_index *index, uint32_t page_size,
                              struct index_def *x) {
    JET_ERR err = JET_errSuccess;
    const uint32_t allowed = INDEX_UNIQUE | INDEX_PRIMARY | INDEX_ALLOW_ALL_NULLS | INDEX_ALLOW_FIRST_NULL |
                             INDEX_ALLOW_SOME_NULLS | INDEX_NO_NULL_SEGMENT | INDEX_LOCALE_SET | INDEX_LOCALIZED_TEXT |
                             INDEX_SORT_NULLS_HIGH | INDEX_DISALLOW_TRUNCATION;

    CALL(cat_check_name(index->name));
    if (!(index->flags & INDEX_PRIMARY) || (index->flags & ~allowed))
        FAIL(JET_errFeatureNotAvailable);
    if (def->has_primary)
        FAIL(JET_errIndexHasPrimary);
    if (index->key_max && (index->key_max < JET_cbKeyMostMin || index->key_max > key_max(page_size)))
        FAIL(JET_errIndexInvalidDef);
    if (index->density && (index->density < 20 || index->density > 100))
        FAIL(JET_errDensityInvalid);
    x->flags = index->flags | INDEX_UNIQUE;
    x->lcmap_flags = index->lcmap_flags ? index->lcmap_flags : KEY_LCMAP_DEFAULT;
    CALL(parse_key(def, index->key, index->key_bytes, x));
    unsigned fixed = rec_key_fixed_bytes(def, x);
    x->key_max = index->key_max ? index->key_max : JET_cbKeyMost;
    if (fixed && fixed < x->key_max)
        x->key_max = (uint16_t)fixed;
    if (has_unicode(def, x)) {
        CALL(key_unicode_check());
        if (!key_lcmap_supported(x->lcmap_flags))
            FAIL(JET_errInvalidLCMapStringFlags);
        x->flags |= INDEX_LOCALIZED_TEXT;
    }
cleanup:
    return err;
}

/* No row that anybody sees, or may see again after a rollback. */
static JET_ERR check_empty(struct session *session, struct tree *tree, uint8_t *scratch) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;
    struct slice seen;
    bool visible;

    os_rwlock_read(&tree->latch);
    CALL(bt_first(tree, &place));
    while (place.line < page_lines(&place.leaf.page)) {
        page_node(&place.leaf.page, place.line, &node);
        CALL(ver_read(session, tree, &place, &visible, &seen, scratch));
        if (visible || !(node.flags & NODE_DELETED))
            FAIL(JET_errTableNotEmpty);
        err = bt_next(tree, &place);
        if (err == JET_errNoCurrentRecord) {
            err = JET_errSuccess;
            break;
        }
        CALL(err);
    }
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}

static JET_ERR insert_index(struct session *session, struct db *db, const struct table_def *def,
                            const struct cat_new_index *index, const struct index_def *x) {
    static const char locale[] = KEY_LOCALE_NAME;
    uint8_t segments[4 * INDEX_SEGMENTS_MAX] = {0}, locale16[2 * sizeof locale] = {0};
    le64_t version = to_le64(key_sort_version());
    bool unicode = x->flags & INDEX_LOCALIZED_TEXT;

    for (unsigned i = 0; i < x->segment_count; i++) {
        segments[4 * i] = x->segments[i].descending ? 0x40 : 0;
        store16(segments + 4 * i + 2, x->segments[i].fid);
    }
    for (unsigned i = 0; i < sizeof locale - 1; i++)
        locale16[2 * i] = (uint8_t)locale[i];
    struct cat_record r = {
        .table = def->objid,
        .type = CAT_INDEX,
        .id = def->objid,
        .coltyp_or_fdp = def->fdp,
        .space_usage = index->density ? index->density : CAT_DENSITY_DEFAULT,
        .flags = CAT_INDEX_EXTENDED | x->flags,
        .lcmap_flags = x->lcmap_flags,
        .key_max = x->key_max == JET_cbKeyMost ? 0 : x->key_max,
        .name = slice(index->name, strlen(index->name)),
        .segments = slice(segments, 4 * x->segment_count),
        .version = unicode ? slice(&version, 8) : (struct slice){0},
        .sort_id = unicode ? slice(key_sort_id, 16) : (struct slice){0},
        .locale = slice(locale16, 2 * (sizeof locale - 1)),
    };
    return insert_record(session, db, &r, JET_errIndexHasPrimary);
}

static JET_ERR create_primary(struct session *session, struct db *db, struct table_def *def,
                              const struct cat_new_index *index, const struct index_def *x) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree;
    uint8_t *scratch = malloc(db->page_size);

    if (!scratch)
        FAIL(JET_errOutOfMemory);
    CALL(db_tree(db, def->fdp, def->objid, 0, &db->root, &tree));
    CALL(claim_table(session, db, def->objid));
    CALL(insert_index(session, db, def, index, x));
    CALL(note_ddl(db, def));
    if (cat_is_open(tree, session))
        FAIL(JET_errTableInUse);
    CALL(check_empty(session, tree, scratch));
    if (x->flags & INDEX_LOCALIZED_TEXT)
        CALL(count_locale(session, db));
cleanup:
    free(scratch);
    return err;
}

JET_ERR cat_create_primary(struct session *session, struct db *db, struct table_def *def,
                           const struct cat_new_index *index) {
    JET_ERR err = JET_errSuccess;
    struct index_def x = {0};

    CALL(check_ddl_allowed(def));
    CALL(describe_index(def, index, db->page_size, &x));
    CALL(step_begin(session, db));
    err = step_end(session, create_primary(session, db, def, index, &x));
cleanup:
    return err;
}
