/* Rows in memory, behind a JET_TABLEID. */
#include "api/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct value {
    uint8_t *bytes;
    uint32_t count;
};

struct list {
    JET_COLTYP *types;
    unsigned column_count;
    struct value *values; /* row after row */
    uint32_t rows, rows_size;
    int64_t at; /* -1: before the first, rows: behind the last */
};

JET_ERR list_new(const JET_COLTYP *types, unsigned column_count, struct list **out) {
    struct list *list = calloc(1, sizeof *list);
    if (!list)
        return RAISE(JET_errOutOfMemory);
    list->types = calloc(column_count, sizeof *list->types);
    if (!list->types) {
        free(list);
        return RAISE(JET_errOutOfMemory);
    }
    memcpy(list->types, types, column_count * sizeof *types);
    list->column_count = column_count;
    *out = list;
    return JET_errSuccess;
}

void list_free(struct list *list) {
    if (!list)
        return;
    for (size_t i = 0; i < (size_t)list->rows * list->column_count; i++)
        free(list->values[i].bytes);
    free(list->values);
    free(list->types);
    free(list);
}

JET_ERR list_add_row(struct list *list) {
    if (list->rows == list->rows_size) {
        uint32_t size = list->rows_size ? list->rows_size * 2 : 16;
        struct value *grown = realloc(list->values, (size_t)size * list->column_count * sizeof *grown);
        if (!grown)
            return RAISE(JET_errOutOfMemory);
        list->values = grown;
        list->rows_size = size;
    }
    memset(&list->values[(size_t)list->rows * list->column_count], 0, list->column_count * sizeof *list->values);
    list->rows++;
    return JET_errSuccess;
}

JET_ERR list_set(struct list *list, unsigned column, const void *value, uint32_t bytes) {
    struct value *v = &list->values[(size_t)(list->rows - 1) * list->column_count + column - 1];
    v->bytes = malloc(bytes ? bytes : 1);
    if (!v->bytes)
        return RAISE(JET_errOutOfMemory);
    memcpy(v->bytes, value, bytes);
    v->count = bytes;
    return JET_errSuccess;
}

uint32_t list_rows(const struct list *list) {
    return list->rows;
}

void list_rewind(struct list *list) {
    list->at = 0;
}

static bool on_row(const struct list *list) {
    return list->at >= 0 && list->at < list->rows;
}

JET_ERR list_move(struct list *list, int32_t count) {
    int64_t to = count == (int32_t)JET_MoveFirst ? 0
                 : count == JET_MoveLast         ? (int64_t)list->rows - 1
                                                 : list->at + count;
    list->at = to < 0 ? -1 : to > list->rows ? list->rows : to;
    return on_row(list) ? JET_errSuccess : JET_errNoCurrentRecord;
}

JET_ERR list_retrieve(const struct list *list, JET_COLUMNID column, void *out, uint32_t out_bytes, uint32_t *actual) {
    if (!on_row(list))
        return JET_errNoCurrentRecord;
    if (column < 1 || column > list->column_count)
        return RAISE(JET_errBadColumnId);
    const struct value *v = &list->values[(size_t)list->at * list->column_count + column - 1];
    *actual = v->count;
    if (!v->bytes)
        return JET_wrnColumnNull;
    uint32_t n = v->count < out_bytes ? v->count : out_bytes;
    if (n)
        memcpy(out, v->bytes, n);
    return n < v->count ? JET_wrnBufferTruncated : JET_errSuccess;
}

JET_ERR list_column(const struct list *list, JET_COLUMNID column, JET_COLUMNDEF *out) {
    if (column < 1 || column > list->column_count)
        return RAISE(JET_errBadColumnId);
    *out = (JET_COLUMNDEF){.cbStruct = sizeof *out, .columnid = column, .coltyp = list->types[column - 1], .cp = 1252};
    return JET_errSuccess;
}
