/* The records are copied, so that nothing of the tree stays latched while they are looked at. */
#include "tools/catalog.h"

#include <stdlib.h>

struct loader {
    struct db *db;
    struct cat_rows *rows;
};

static JET_ERR add_row(struct cat_rows *list, const struct walked *node, struct cat_row **out) {
    JET_ERR err = JET_errSuccess;
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
    *out = &list->rows[list->count++];
    **out = (struct cat_row){
        .key = slice(copy, node->key.n),
        .data = slice(copy + node->key.n, node->data.n),
        .pgno = node->pgno,
        .line = node->line,
    };
cleanup:
    return err;
}

static JET_ERR load_row(void *context, const struct walked *node) {
    JET_ERR err = JET_errSuccess;
    struct loader *l = context;
    struct cat_row *row = NULL;

    if (node->deleted)
        return JET_errSuccess;
    CALL(add_row(l->rows, node, &row));
    row->err = cat_record_decode(row->data, l->db->page_size, &row->record);
    if (row->err == JET_errOutOfMemory)
        err = row->err;
cleanup:
    return err;
}

JET_ERR cat_rows_load(struct db *db, pgno_t fdp, objid_t objid, struct cat_rows *rows) {
    JET_ERR err = JET_errSuccess;
    struct loader loader = {db, rows};
    struct tree *tree;

    *rows = (struct cat_rows){0};
    CALL(db_tree(db, fdp, objid, 0, &db->root, &tree));
    CALL(walk_tree(tree, load_row, &loader));
cleanup:
    return err;
}

void cat_rows_free(struct cat_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        free((void *)rows->rows[i].key.p);
    free(rows->rows);
    *rows = (struct cat_rows){0};
}

size_t cat_rows_table_end(const struct cat_rows *list, size_t from) {
    size_t end = from + 1;
    while (end < list->count && list->rows[end].err >= JET_errSuccess &&
           list->rows[end].record.table == list->rows[from].record.table)
        end++;
    return end;
}
