/* Rows of MSysObjids and MSysLocales: ordinary records, built from their tables' own definitions. */
#include <stdlib.h>

#include "engine/cat_priv.h"

JET_ERR cat_build_row(const struct table_def *def, uint32_t page_size, const struct cat_value *values, unsigned count,
                      uint8_t *record, size_t *record_bytes, uint8_t *key, size_t *key_bytes) {
    JET_ERR err = JET_errSuccess;
    struct rec_edit *edit = NULL;

    if (!def->has_primary)
        FAIL(JET_errCatalogCorrupted);
    CALL(rec_edit_new(def, page_size, (struct slice){0}, &edit));
    for (unsigned i = 0; i < count; i++) {
        const struct column *column = table_column(def, values[i].fid);
        if (!column)
            FAIL(JET_errCatalogCorrupted);
        CALL(rec_edit_set(edit, column, 1, values[i].bytes, false));
    }
    CALL(rec_edit_finish(edit, record, record_bytes));
    CALL(rec_key(slice(record, *record_bytes), page_size, def, &def->primary, key, key_bytes));
cleanup:
    rec_edit_free(edit);
    return err;
}

unsigned cat_objid_values(struct cat_objid_row *row, objid_t objid, objid_t table, uint16_t type,
                          struct cat_value out[3]) {
    *row = (struct cat_objid_row){to_le32(objid), to_le32(table), to_le16(type)};
    out[0] = (struct cat_value){256, slice(&row->objid, 4)};
    out[1] = (struct cat_value){257, slice(&row->table, 4)};
    out[2] = (struct cat_value){258, slice(&row->type, 2)};
    return 3;
}

/* key: ASCII; stands in the row as UTF-16 with its NUL. */
unsigned cat_locale_values(struct cat_locale_row *row, uint8_t type, int32_t value, const char *key,
                           struct cat_value out[3]) {
    size_t n = 0;
    row->type = type;
    row->value = to_le32((uint32_t)value);
    do {
        row->key[2 * n] = (uint8_t)key[n];
        row->key[2 * n + 1] = 0;
    } while (key[n++] && n < sizeof row->key / 2);
    out[0] = (struct cat_value){1, slice(&row->type, 1)};
    out[1] = (struct cat_value){2, slice(&row->value, 4)};
    out[2] = (struct cat_value){128, slice(row->key, 2 * n)};
    return 3;
}
