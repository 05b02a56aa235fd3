/* Inside of the catalog: cat.c reads, cat_ddl.c changes, cat_new.c makes the first one. */
#ifndef ESENT_ENGINE_CAT_PRIV_H
#define ESENT_ENGINE_CAT_PRIV_H

#include "engine/cat.h"

#define CAT_FLAG_SYSTEM 0x80000000u
#define CAT_INDEX_EXTENDED 0x00010000u /* set in the flags of every index record */
#define CAT_DENSITY_DEFAULT 80u
#define CAT_OBJIDS "MSysObjids"
#define CAT_LOCALES "MSysLocales"

/* ---- cat.c ---- */

MUST_CHECK JET_ERR cat_tree(struct db *db, pgno_t fdp, struct tree **out); /* of the four; JET_errCatalogCorrupted */
objid_t cat_key_table(struct slice id_key);                                /* of an Id key; 0: it is none */
/* A node as the session sees it, copied to data (page-size bytes). JET_errRecordNotFound. */
MUST_CHECK JET_ERR cat_read(struct session *session, struct tree *tree, struct slice key, uint8_t *data, size_t *bytes);
/* The nearest node that the session sees whose key is above or below *key; key (KEY_BUFFER bytes) becomes its key.
 * JET_errNoCurrentRecord. */
enum cat_side { CAT_ABOVE, CAT_BELOW };
MUST_CHECK JET_ERR cat_read_beside(struct session *session, struct tree *tree, enum cat_side side, uint8_t *key,
                                   size_t *key_bytes, uint8_t *data, size_t *bytes);

/* ---- cat_row.c: rows of the two system tables that list objects and locales ---- */

struct cat_value {
    uint16_t fid;
    struct slice bytes;
};
/* A record of def and its key, from the values given. record: page-size bytes; key: KEY_BUFFER. */
MUST_CHECK JET_ERR cat_build_row(const struct table_def *def, uint32_t page_size, const struct cat_value *values,
                                 unsigned count, uint8_t *record, size_t *record_bytes, uint8_t *key,
                                 size_t *key_bytes);
struct cat_objid_row {
    le32_t objid, table;
    le16_t type;
};
unsigned cat_objid_values(struct cat_objid_row *row, objid_t objid, objid_t table, uint16_t type,
                          struct cat_value out[3]);
struct cat_locale_row {
    uint8_t type;
    le32_t value;
    uint8_t key[256];
};
unsigned cat_locale_values(struct cat_locale_row *row, uint8_t type, int32_t value, const char *key,
                           struct cat_value out[3]);

#endif
