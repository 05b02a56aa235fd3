/* The catalog as it stands in its tree, read by nothing but the catalog's own rules. */
#ifndef ESENT_TOOLS_CATALOG_H
#define ESENT_TOOLS_CATALOG_H

#include "tools/reader.h"

/* One record, with copies of its key and data. */
struct cat_row {
    struct slice key, data;
    JET_ERR err; /* of decoding; record is empty then */
    struct cat_record record;
    pgno_t pgno;
    unsigned line;
};
struct cat_rows {
    struct cat_row *rows;
    size_t count, room;
};

/* The catalog, or its shadow. In key order: all records of a table stand together, the table's own first. After an
 * error rows holds what could be read. */
MUST_CHECK JET_ERR cat_rows_load(struct db *db, pgno_t fdp, objid_t objid, struct cat_rows *rows);
void cat_rows_free(struct cat_rows *rows);
/* Where the records end that belong to the same table as the one at `from`. */
size_t cat_rows_table_end(const struct cat_rows *rows, size_t from);

#endif
