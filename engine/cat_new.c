/* The catalog of a new database: what Windows puts there, page for page and record for record (ese-facts 2.14).
 *
 *     1 database root, 2 OE, 3 AE
 *     4 MSysObjects, 5 OE, 6 AE; its 20 pages 4..23 hold its indexes:
 *         7 Name, 8 OE, 9 AE;  10 RootObjects, 11 OE, 12 AE
 *    24 MSysObjectsShadow, 25 OE, 26 AE; 5 pages 24..28
 *    29 MSysObjids   30 MSysLocales
 *
 * All of it is made by system changes; a crash in between leaves a file that recovery removes. */
#include <stdlib.h>

#include "engine/cat_priv.h"
#include "engine/db.h"
#include "engine/space.h"

#define OBJIDS_OBJID 6u
#define LOCALES_OBJID 7u
#define OBJID_LAST LOCALES_OBJID

struct new_index {
    const char *name;
    objid_t objid;
    pgno_t fdp;
    uint32_t flags;
    uint16_t segments[3]; /* 0: none */
};

struct new_table {
    const char *name;
    objid_t objid;
    pgno_t fdp;
    uint32_t pages, density, flags;
    uint16_t code_page;
    const struct column *columns; /* NULL: those of the catalog itself */
    unsigned column_count;
    const struct new_index *indexes;
    unsigned index_count;
};

#define COLUMN(fid_, name_, type_, bytes_, offset_, flags_)                                                            \
    {                                                                                                                  \
        .fid = fid_, .name = name_, .type = JET_coltyp##type_, .max_bytes = bytes_, .record_offset = offset_,          \
        .flags = flags_                                                                                                \
    }

static const struct column objids_columns[] = {
    COLUMN(256, "objid", Long, 4, 0, 0),
    COLUMN(257, "objidTable", Long, 4, 0, 0),
    COLUMN(258, "type", Short, 2, 0, 0),
};

static const struct column locales_columns[] = {
    COLUMN(1, "Type", UnsignedByte, 1, 4, COLUMN_NOT_NULL),
    {.fid = 2,
     .name = "iValue",
     .type = JET_coltypLong,
     .max_bytes = 4,
     .record_offset = 5,
     .flags = COLUMN_DEFAULT | COLUMN_ESCROW,
     .default_value = {(const uint8_t *)"\0\0\0\0", 4}},
    COLUMN(128, "Key", Binary, 255, 0, 0),
};

#define ALL_NULLS (INDEX_ALLOW_ALL_NULLS | INDEX_ALLOW_FIRST_NULL | INDEX_ALLOW_SOME_NULLS)

static const struct new_index objects_indexes[] = {
    {"Id", CAT_OBJID, CAT_FDP, INDEX_UNIQUE | INDEX_PRIMARY | INDEX_NO_NULL_SEGMENT, {1, 2, 3}},
    {"Name", CAT_NAME_OBJID, CAT_NAME_FDP, INDEX_UNIQUE | INDEX_NO_NULL_SEGMENT, {1, 2, 128}},
    {"RootObjects", CAT_ROOT_OBJECTS_OBJID, CAT_ROOT_OBJECTS_FDP, INDEX_UNIQUE | INDEX_ALLOW_SOME_NULLS, {8, 128}},
};
static const struct new_index shadow_indexes[] = {
    {"Id", CAT_SHADOW_OBJID, CAT_SHADOW_FDP, INDEX_UNIQUE | INDEX_PRIMARY | INDEX_NO_NULL_SEGMENT, {1, 2, 3}},
};
static const struct new_index objids_indexes[] = {
    {"primary", OBJIDS_OBJID, 0, INDEX_UNIQUE | INDEX_PRIMARY | ALL_NULLS, {256}},
};
static const struct new_index locales_indexes[] = {
    {"KeyPrimary", LOCALES_OBJID, 0, INDEX_UNIQUE | INDEX_PRIMARY | ALL_NULLS | INDEX_DISALLOW_TRUNCATION, {128}},
};

#define COUNT(a) (unsigned)(sizeof(a) / sizeof(a)[0])

static const struct new_table tables[] = {
    {"MSysObjects", CAT_OBJID, CAT_FDP, 20, 80, 0xc0000000u, 1252, NULL, 0, objects_indexes, COUNT(objects_indexes)},
    {"MSysObjectsShadow", CAT_SHADOW_OBJID, CAT_SHADOW_FDP, 5, 80, 0xc0000000u, 1252, NULL, 0, shadow_indexes,
     COUNT(shadow_indexes)},
    {CAT_OBJIDS, OBJIDS_OBJID, 0, 0, 100, 0xc8000000u, 0, objids_columns, COUNT(objids_columns), objids_indexes, 1},
    {CAT_LOCALES, LOCALES_OBJID, 0, 0, 92, 0x88000000u, 0, locales_columns, COUNT(locales_columns), locales_indexes, 1},
};

static const char locale_schema[6][32] = {
    ".Schema\\External\\Major", ".Schema\\External\\Minor", ".Schema\\External\\Update",
    ".Schema\\Internal\\Major", ".Schema\\Internal\\Minor", ".Schema\\Internal\\Update",
};
static const uint8_t locale_name[] = {'e', 0, 'n', 0, '-', 0, 'U', 0, 'S', 0};

/* ---- records ---- */

struct new_catalog {
    struct db *db;
    uint8_t *record;
    pgno_t fdp[COUNT(tables)];
    struct table_def_builder *builder; /* of the table at hand */
};

static JET_ERR put(struct tree *tree, struct slice key, struct slice data) {
    struct bt_change change = {0};
    os_rwlock_write(&tree->latch);
    JET_ERR err = bt_insert(tree, key, data, 0, &change);
    os_rwlock_unlock(&tree->latch);
    return err;
}

/* To the catalog, its shadow and its indexes. */
static JET_ERR put_record(struct new_catalog *nc, const struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    uint8_t id[KEY_BUFFER], key[KEY_BUFFER];
    size_t id_bytes, key_bytes, bytes;
    struct tree *objects, *shadow, *names, *roots;

    CALL(cat_tree(nc->db, CAT_FDP, &objects));
    CALL(cat_tree(nc->db, CAT_SHADOW_FDP, &shadow));
    CALL(cat_tree(nc->db, CAT_NAME_FDP, &names));
    CALL(cat_tree(nc->db, CAT_ROOT_OBJECTS_FDP, &roots));
    CALL(table_def_builder_add(nc->builder, r));
    CALL(cat_record_encode(r, nc->db->page_size, nc->record, &bytes));
    cat_key_id(r->table, r->type, r->id, id, &id_bytes);
    CALL(put(objects, slice(id, id_bytes), slice(nc->record, bytes)));
    CALL(put(shadow, slice(id, id_bytes), slice(nc->record, bytes)));
    CALL(cat_key_name(r->table, r->type, r->name, key, &key_bytes));
    CALL(put(names, slice(key, key_bytes), slice(id, id_bytes)));
    if (r->root_flag) {
        CALL(cat_key_root(r->name, key, &key_bytes));
        CALL(put(roots, slice(key, key_bytes), slice(id, id_bytes)));
    }
cleanup:
    return err;
}

static struct slice text(const char *s) {
    return slice(s, strlen(s));
}

/* The catalog says 4 of every fixed column of its own. */
static uint16_t stated_offset(const struct new_table *t, const struct column *c) {
    return t->columns || c->fid > FID_FIXED_LAST ? c->record_offset : 4;
}

static JET_ERR put_column(struct new_catalog *nc, const struct new_table *t, const struct column *c) {
    struct cat_record r = {
        .table = t->objid,
        .type = CAT_COLUMN,
        .id = c->fid,
        .coltyp_or_fdp = c->type,
        .space_usage = c->max_bytes,
        .flags = c->flags,
        .pages_or_locale = t->code_page,
        .record_offset = stated_offset(t, c),
        .name = text(c->name),
        .default_value = c->default_value,
    };
    return put_record(nc, &r);
}

static JET_ERR put_index(struct new_catalog *nc, const struct new_table *t, const struct new_index *x, pgno_t fdp) {
    uint8_t segments[12] = {0};
    unsigned count = 0;
    for (; count < COUNT(x->segments) && x->segments[count]; count++)
        store16(segments + 4 * count + 2, x->segments[count]);
    struct cat_record r = {
        .table = t->objid,
        .type = CAT_INDEX,
        .id = x->objid,
        .coltyp_or_fdp = x->fdp ? x->fdp : fdp,
        .space_usage = t->density,
        .flags = CAT_INDEX_EXTENDED | x->flags,
        .lcmap_flags = KEY_LCMAP_DEFAULT,
        .name = text(x->name),
        .segments = slice(segments, 4 * count),
        .locale = slice(locale_name, sizeof locale_name),
    };
    return put_record(nc, &r);
}

static JET_ERR put_table(struct new_catalog *nc, const struct new_table *t, pgno_t fdp, struct table_def **def) {
    JET_ERR err = JET_errSuccess;
    struct cat_record r = {
        .table = t->objid,
        .type = CAT_TABLE,
        .id = t->objid,
        .coltyp_or_fdp = fdp,
        .space_usage = t->density,
        .flags = t->flags,
        .pages_or_locale = t->pages,
        .root_flag = true,
        .name = text(t->name),
    };

    CALL(table_def_builder_new(&nc->builder));
    CALL(put_record(nc, &r));
    unsigned column_count = t->column_count;
    const struct column *columns = t->columns ? t->columns : cat_columns(&column_count);
    for (unsigned i = 0; i < column_count; i++)
        CALL(put_column(nc, t, &columns[i]));
    for (unsigned i = 0; i < t->index_count; i++)
        CALL(put_index(nc, t, &t->indexes[i], fdp));
    CALL(table_def_builder_finish(nc->builder, def));
cleanup:
    table_def_builder_free(nc->builder);
    nc->builder = NULL;
    return err;
}

/* ---- rows ---- */

static JET_ERR put_row(struct new_catalog *nc, const struct table_def *def, const struct cat_value *values,
                       unsigned count) {
    JET_ERR err = JET_errSuccess;
    uint8_t key[KEY_BUFFER];
    size_t bytes, key_bytes;
    struct tree *tree;

    CALL(db_tree(nc->db, def->fdp, def->objid, 0, &nc->db->root, &tree));
    CALL(cat_build_row(def, nc->db->page_size, values, count, nc->record, &bytes, key, &key_bytes));
    CALL(put(tree, slice(key, key_bytes), slice(nc->record, bytes)));
cleanup:
    return err;
}

static JET_ERR put_objids(struct new_catalog *nc, const struct table_def *def) {
    JET_ERR err = JET_errSuccess;
    struct cat_objid_row row;
    struct cat_value values[3];

    for (unsigned i = 0; i < COUNT(tables); i++)
        for (unsigned j = 0; j < tables[i].index_count; j++) {
            const struct new_index *x = &tables[i].indexes[j];
            uint16_t type = x->objid == tables[i].objid ? CAT_TABLE : CAT_INDEX;
            unsigned count = cat_objid_values(&row, x->objid, tables[i].objid, type, values);
            CALL(put_row(nc, def, values, count));
        }
cleanup:
    return err;
}

static JET_ERR put_locales(struct new_catalog *nc, const struct table_def *def) {
    JET_ERR err = JET_errSuccess;
    struct cat_locale_row row;
    struct cat_value values[3];

    for (unsigned i = 0; i < COUNT(locale_schema); i++) {
        unsigned count = cat_locale_values(&row, 1, i % 3 == 0, locale_schema[i], values);
        CALL(put_row(nc, def, values, count));
    }
    unsigned count = cat_locale_values(&row, 2, 1, "MSysLocalesConsistent", values);
    CALL(put_row(nc, def, values, count));
cleanup:
    return err;
}

/* ---- space ---- */

static JET_ERR create_root(struct db *db, uint32_t page_count) {
    JET_ERR err = JET_errSuccess;
    struct mtr m;

    mtr_begin(&m, db, NULL);
    CALL(space_create_root(&m, db, page_count));
    CALL(mtr_commit(&m, NULL, NULL));
cleanup:
    mtr_end(&m);
    return err;
}

static JET_ERR create_fixed(struct db *db, struct tree *parent, pgno_t fdp, uint32_t pages, objid_t objid,
                            uint32_t type) {
    JET_ERR err = JET_errSuccess;
    struct mtr m;
    struct tree *tree;

    mtr_begin(&m, db, NULL);
    CALL(space_create_fixed_tree(&m, db, parent, fdp, pages, objid, type));
    CALL(mtr_commit(&m, NULL, NULL));
    CALL(db_tree(db, fdp, objid, type, parent, &tree));
cleanup:
    mtr_end(&m);
    return err;
}

static JET_ERR create_small(struct db *db, objid_t objid, pgno_t *fdp) {
    JET_ERR err = JET_errSuccess;
    struct mtr m;

    mtr_begin(&m, db, NULL);
    CALL(space_create_tree(&m, db, &db->root, objid, 0, 1, fdp));
    CALL(mtr_commit(&m, NULL, NULL));
cleanup:
    mtr_end(&m);
    return err;
}

static JET_ERR create_trees(struct new_catalog *nc, uint32_t page_count) {
    JET_ERR err = JET_errSuccess;
    struct db *db = nc->db;
    struct tree *objects;

    CALL(create_root(db, page_count));
    CALL(create_fixed(db, &db->root, CAT_FDP, 20, CAT_OBJID, 0));
    CALL(cat_tree(db, CAT_FDP, &objects));
    CALL(create_fixed(db, objects, CAT_NAME_FDP, 3, CAT_NAME_OBJID, PAGE_INDEX));
    CALL(create_fixed(db, objects, CAT_ROOT_OBJECTS_FDP, 3, CAT_ROOT_OBJECTS_OBJID, PAGE_INDEX));
    CALL(create_fixed(db, &db->root, CAT_SHADOW_FDP, 5, CAT_SHADOW_OBJID, 0));
    nc->fdp[0] = CAT_FDP;
    nc->fdp[1] = CAT_SHADOW_FDP;
    CALL(create_small(db, OBJIDS_OBJID, &nc->fdp[2]));
    CALL(create_small(db, LOCALES_OBJID, &nc->fdp[3]));
cleanup:
    return err;
}

JET_ERR cat_create_database(struct db *db, uint32_t page_count) {
    JET_ERR err = JET_errSuccess;
    struct new_catalog nc = {.db = db};
    struct table_def *defs[COUNT(tables)] = {NULL};

    nc.record = malloc(PAGE_SIZE_MAX);
    if (!nc.record)
        FAIL(JET_errOutOfMemory);
    CALL(create_trees(&nc, page_count));
    for (unsigned i = 0; i < COUNT(tables); i++)
        CALL(put_table(&nc, &tables[i], nc.fdp[i], &defs[i]));
    CALL(put_objids(&nc, defs[2]));
    CALL(put_locales(&nc, defs[3]));
    if (atomic_load(&db->objid_last) < OBJID_LAST)
        atomic_store(&db->objid_last, OBJID_LAST);
cleanup:
    for (unsigned i = 0; i < COUNT(tables); i++)
        table_def_free(defs[i]);
    free(nc.record);
    return err;
}
