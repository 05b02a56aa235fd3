/* One table: the structure of its trees, then what stands in them. Every record decodes and has the key that it should;
 * every entry of an index leads to a record. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/rec.h"
#include "tools/check.h"

struct table_check {
    struct checker *c;
    const struct table_def *def; /* NULL: the catalog's records of it do not fit together */
    struct tree *tree;           /* NULL: cannot be looked into */
};

/* The first bytes of a key. */
static const char *hex(struct slice s, char out[64]) {
    size_t n = s.n < 28 ? s.n : 28;
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", s.p[i]);
    snprintf(out + 2 * n, 4, "%s", n < s.n ? "..." : "");
    return out;
}

/* ---- records ---- */

/* Decompresses to see whether it can be. */
static JET_ERR check_compressed(struct slice in) {
    JET_ERR err = JET_errSuccess;
    uint8_t *out = NULL;
    size_t bytes;
    CALL(rec_decompress(in, NULL, 0, &bytes));
    out = malloc(bytes + 1);
    if (!out)
        FAIL(JET_errOutOfMemory);
    CALL(rec_decompress(in, out, bytes, &bytes));
cleanup:
    free(out);
    return err;
}

static JET_ERR check_column(struct table_check *t, struct slice record, const struct column *column) {
    JET_ERR err = JET_errSuccess;
    struct rec_value v;
    unsigned itag = 1;
    do {
        CALL(rec_get(record, t->c->db->page_size, column, itag, &v));
        if (v.kind == REC_COMPRESSED) {
            err = check_compressed(v.bytes);
            if (err == JET_errFeatureNotAvailable) {
                t->c->stats.values_unknown++;
                err = JET_errSuccess;
            }
            CALL(err);
        }
    } while (++itag <= v.count);
cleanup:
    return err;
}

static JET_ERR check_columns(struct table_check *t, const struct walked *node) {
    JET_ERR err = JET_errSuccess;
    CALL(rec_check(node->data));
    for (unsigned i = 0; i < t->def->column_count; i++) {
        err = check_column(t, node->data, &t->def->columns[i]);
        if (err >= JET_errSuccess)
            continue;
        if (!is_fatal(err))
            check_finding(t->c, node->pgno, (int)node->line, "column %s cannot be decoded: %s", t->def->columns[i].name,
                          err_name(err));
        return is_fatal(err) ? err : JET_errSuccess;
    }
cleanup:
    return err;
}

static JET_ERR check_key(struct table_check *t, const struct walked *node) {
    JET_ERR err = JET_errSuccess;
    uint8_t key[KEY_BUFFER];
    char have[64], want[64];
    size_t bytes;

    if (!t->def->has_primary) {
        if (node->key.n != 4)
            check_finding(t->c, node->pgno, (int)node->line, "the key is no sequence number: %s", hex(node->key, have));
        return JET_errSuccess;
    }
    if (t->def->primary.foreign_sort) {
        t->c->stats.keys_unknown++;
        return JET_errSuccess;
    }
    err = rec_key(node->data, t->c->db->page_size, t->def, &t->def->primary, key, &bytes);
    if (err == JET_errFeatureNotAvailable) {
        t->c->stats.keys_unknown++;
        return JET_errSuccess;
    }
    CALL(err);
    if (slice_compare(node->key, slice(key, bytes)) != 0)
        check_finding(t->c, node->pgno, (int)node->line, "the key is %s, the record says %s", hex(node->key, have),
                      hex(slice(key, bytes), want));
    t->c->stats.keys++;
cleanup:
    return err;
}

static JET_ERR check_record(void *context, const struct walked *node) {
    JET_ERR err = JET_errSuccess;
    struct table_check *t = context;

    if (node->deleted) {
        t->c->stats.deleted++;
        return JET_errSuccess;
    }
    t->c->stats.records++;
    if (!t->def)
        return JET_errSuccess;
    CALL(check_columns(t, node));
    CALL(check_key(t, node));
cleanup:
    if (err < JET_errSuccess && !is_fatal(err)) {
        check_finding(t->c, node->pgno, (int)node->line, "the record is damaged: %s", err_name(err));
        err = JET_errSuccess;
    }
    return err;
}

/* ---- index entries ---- */

static JET_ERR record_exists(struct tree *tree, struct slice key, bool *exists) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct node node;

    *exists = false;
    os_rwlock_read(&tree->latch);
    CALL(bt_find(tree, key, LATCH_SHARED, &place));
    if (place.exact) {
        page_node(&place.leaf.page, place.line, &node);
        *exists = !(node.flags & NODE_DELETED);
    }
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&tree->latch);
    return err;
}

static JET_ERR check_entry(void *context, const struct walked *node) {
    struct table_check *t = context;
    char key[64], bookmark[64];
    bool exists;

    if (node->deleted)
        return JET_errSuccess;
    t->c->stats.entries++;
    if (!t->tree)
        return JET_errSuccess;
    JET_ERR err = record_exists(t->tree, node->data, &exists);
    if (is_fatal(err))
        return err;
    if (err < JET_errSuccess)
        check_finding(t->c, node->pgno, (int)node->line, "the record of entry %s cannot be looked up: %s",
                      hex(node->key, key), err_name(err));
    else if (!exists)
        check_finding(t->c, node->pgno, (int)node->line, "entry %s has no record: %s", hex(node->key, key),
                      hex(node->data, bookmark));
    return JET_errSuccess;
}

static JET_ERR walk(struct table_check *t, struct tree *tree, walk_fn fn) {
    JET_ERR err = walk_tree(tree, fn, t);
    if (err >= JET_errSuccess || is_fatal(err))
        return err;
    check_finding(t->c, 0, -1, "cannot be read to its end: %s", err_name(err));
    return JET_errSuccess;
}

/* ---- the table ---- */

/* *out NULL: the records do not make a definition; that was reported. */
static JET_ERR build_def(struct checker *c, const struct cat_row *rows, size_t count, struct table_def **out) {
    JET_ERR err = JET_errSuccess;
    struct table_def_builder *builder = NULL;
    const struct cat_row *at = rows;

    *out = NULL;
    CALL(table_def_builder_new(&builder));
    for (; at < rows + count; at++)
        CALL(table_def_builder_add(builder, &at->record));
    at = rows;
    CALL(table_def_builder_finish(builder, out));
cleanup:
    if (err < JET_errSuccess && !is_fatal(err)) {
        check_finding(c, at->pgno, (int)at->line, "this catalog record does not fit: %s", err_name(err));
        err = JET_errSuccess;
    }
    table_def_builder_free(builder);
    return err;
}

#define NAME_BYTES 200

static void name_text(const struct cat_record *record, const char *table, char out[NAME_BYTES]) {
    int n = record->name.n < 64 ? (int)record->name.n : 64;
    const char *name = (const char *)record->name.p;
    if (!table)
        snprintf(out, NAME_BYTES, "%.*s", n, name);
    else if (record->type == CAT_INDEX)
        snprintf(out, NAME_BYTES, "%.64s index %.*s", table, n, name);
    else
        snprintf(out, NAME_BYTES, "%.64s long values", table);
}

static JET_ERR check_other_tree(struct table_check *t, const struct cat_record *record, const char *table,
                                struct tree *parent) {
    JET_ERR err = JET_errSuccess;
    char name[NAME_BYTES];
    struct tree *tree;
    uint32_t type = PAGE_LONG_VALUE;

    if (record->type == CAT_INDEX)
        type = PAGE_INDEX | (record->flags & INDEX_UNIQUE ? 0 : PAGE_NON_UNIQUE);
    name_text(record, table, name);
    CALL(check_tree(t->c, name, record->coltyp_or_fdp, record->id, type, parent, &tree));
    if (record->type == CAT_INDEX)
        t->c->stats.indexes++;
    if (tree && record->type == CAT_INDEX)
        CALL(walk(t, tree, check_entry));
cleanup:
    return err;
}

JET_ERR check_table(struct checker *c, const struct cat_row *rows, size_t count) {
    JET_ERR err = JET_errSuccess;
    struct table_check t = {.c = c};
    struct table_def *def = NULL;
    char name[NAME_BYTES];

    if (rows->record.type != CAT_TABLE) {
        check_finding(c, rows->pgno, (int)rows->line, "catalog records of object %u, which is no table",
                      rows->record.table);
        return JET_errSuccess;
    }
    name_text(&rows->record, NULL, name);
    c->tree = name;
    c->stats.tables++;
    CALL(build_def(c, rows, count, &def));
    t.def = def;
    CALL(check_tree(c, name, rows->record.coltyp_or_fdp, rows->record.table, 0, NULL, &t.tree));
    if (t.tree)
        CALL(walk(&t, t.tree, check_record));
    for (size_t i = 1; i < count && t.tree; i++) {
        const struct cat_record *r = &rows[i].record;
        if ((r->type == CAT_INDEX && !(r->flags & INDEX_PRIMARY)) || r->type == CAT_LONG_VALUES)
            CALL(check_other_tree(&t, r, name, t.tree));
    }
cleanup:
    c->tree = NULL;
    table_def_free(def);
    return err;
}
