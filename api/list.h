/* A list of rows that stands for a temporary table: what JetGetTableColumnInfo and JetGetObjectInfo hand out. It is
 * read like a table: JetMove, JetRetrieveColumn(s), JetCloseTable. */
#ifndef ESENT_API_LIST_H
#define ESENT_API_LIST_H

#include "base/err.h"

struct list;

/* types: of its columns, whose ids are 1 .. column_count. */
MUST_CHECK JET_ERR list_new(const JET_COLTYP *types, unsigned column_count, struct list **out);
void list_free(struct list *list); /* NULL is ignored */
/* A row of NULLs; list_set fills it. */
MUST_CHECK JET_ERR list_add_row(struct list *list);
MUST_CHECK JET_ERR list_set(struct list *list, unsigned column, const void *value, uint32_t bytes);
uint32_t list_rows(const struct list *list);
void list_rewind(struct list *list); /* to the first row */

/* As JetMove and JetRetrieveColumn. */
MUST_CHECK JET_ERR list_move(struct list *list, int32_t count);
MUST_CHECK JET_ERR list_retrieve(const struct list *list, JET_COLUMNID column, void *out, uint32_t out_bytes,
                                 uint32_t *actual);
/* The columns' JET_COLUMNDEF. JET_errBadColumnId. */
MUST_CHECK JET_ERR list_column(const struct list *list, JET_COLUMNID column, JET_COLUMNDEF *out);

#endif
