/* The catalog as a list of records, and the same list once more in the shadow. */
#include <stdlib.h>

#include "tools/check.h"

struct loader { struct checker *c; struct cat_rows *rows; };

static JET_ERR load_row(void *context, const struct walked *node) {
    JET_ERR err = JET_errSuccess;
    struct loader *l = context;
    struct cat_rows *list = l->rows;

    if (node->deleted)
        goto cleanup;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 256;
        struct cat_row *grown = realloc(list->rows, room * sizeof *grown);
        if (!grown)
            FAIL(JET_errOutOfMemory);
        list->rows = grown;
        list->room = room;
    }
    uint8_t *copy = malloc(node->key.n + node->data.n + 1);
    if (!copy)
        FAIL(JET_errOutOfMemory);
    memcpy(copy, node->key.p, node->key.n);
    memcpy(copy + node->key.n, node->data.p, node->data.n);
    struct cat_row *row = &list->rows[list->count++];
    *row = (struct cat_row){
        .key = slice(copy, node->key.n),
        .data = slice(copy + node->key.n, node->data.n),
        .pgno = node->pgno,
        .line = node->line,
    };
    err = cat_record_decode(row->data, l->c->db->page_size, &row->record);
    row->good = err >= JET_errSuccess;
    if (!row->good && !is_fatal(err)) {
        check_finding(l->c, row->pgno, (int)row->line, "a catalog record cannot be decoded: %s", err_name(err));
        err = JET_errSuccess;
    }
cleanup:
    return err;
}

JET_ERR check_load_catalog(struct checker *c, pgno_t fdp, objid_t objid, const char *name, struct cat_rows *rows) {
    JET_ERR err = JET_errSuccess;
    struct loader loader = {c, rows};
    struct tree *tree;

    *rows = (struct cat_rows){0};
    c->tree = name;
    CALL(db_tree(c->db, fdp, objid, 0, &c->db->root, &tree));
    err = walk_tree(tree, load_row, &loader);
    if (err < JET_errSuccess && !is_fatal(err)) {
        check_finding(c, 0, -1, "cannot be read to its end: %s", err_name(err));
        err = JET_errSuccess;
    }
cleanup:
    return err;
}

void cat_rows_free(struct cat_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        free((void *)rows->rows[i].key.p);
    free(rows->rows);
    *rows = (struct cat_rows){0};
}

static void name_row(struct checker *c, const struct cat_row *row, const char *what) {
    const struct cat_record *r = &row->record;
    if (row->good)
        check_finding(c, row->pgno, (int)row->line, "%s: object %u, type %u, id %u, %.*s", what, r->table, r->type, r->id,
                      (int)r->name.n, (const char *)r->name.p);
    else
        check_finding(c, row->pgno, (int)row->line, "%s", what);
}

/* Two ascending lists side by side. */
static void compare_rows(struct checker *c, const struct cat_rows *catalog, const struct cat_rows *shadow) {
    size_t i = 0, k = 0;
    while (i < catalog->count || k < shadow->count) {
        int order = i == catalog->count  ? 1
                    : k == shadow->count ? -1
                                         : slice_compare(catalog->rows[i].key, shadow->rows[k].key);
        if (order < 0)
            name_row(c, &catalog->rows[i], "a catalog record is missing in the shadow");
        else if (order > 0)
            name_row(c, &shadow->rows[k], "a record of the shadow is missing in the catalog");
        else if (slice_compare(catalog->rows[i].data, shadow->rows[k].data) != 0)
            name_row(c, &shadow->rows[k], "a record of the shadow differs from that of the catalog");
        i += order <= 0;
        k += order >= 0;
    }
}

JET_ERR check_shadow(struct checker *c, const struct cat_rows *catalog) {
    struct cat_rows shadow = {0};
    JET_ERR err = check_load_catalog(c, CAT_SHADOW_FDP, CAT_SHADOW_OBJID, "MSysObjectsShadow", &shadow);
    if (err >= JET_errSuccess && shadow.count == 0 && catalog->count > 0)
        check_finding(c, CAT_SHADOW_FDP, -1, "the shadow catalog is empty; the catalog has %zu records", catalog->count);
    else if (err >= JET_errSuccess)
        compare_rows(c, catalog, &shadow);
    cat_rows_free(&shadow);
    return err;
}
