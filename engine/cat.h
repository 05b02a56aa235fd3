/* The catalog: MSysObjects and its shadow, the tables that describe all tables (ese-facts 2.14). */
#ifndef ESENT_ENGINE_CAT_H
#define ESENT_ENGINE_CAT_H

#include "engine/rec.h"
#include "engine/trx.h"

#define CAT_FDP 4
#define CAT_NAME_FDP 7
#define CAT_ROOT_OBJECTS_FDP 10
#define CAT_SHADOW_FDP 24
#define CAT_OBJID 2
#define CAT_SHADOW_OBJID 3
#define CAT_NAME_OBJID 4
#define CAT_ROOT_OBJECTS_OBJID 5

enum cat_type { CAT_TABLE = 1, CAT_COLUMN, CAT_INDEX, CAT_LONG_VALUES, CAT_CALLBACK };

/* One catalog record, decoded. Slices point into the record. Fields that are absent are 0 / empty. */
struct cat_record {
    objid_t table;
    uint16_t type; /* enum cat_type */
    uint32_t id;   /* objid or column id */
    uint32_t coltyp_or_fdp;
    uint32_t space_usage, flags, pages_or_locale;
    bool root_flag;
    uint16_t record_offset;
    uint32_t lcmap_flags;
    uint16_t key_max; /* 0: absent */
    struct slice name, default_value, segments, var_seg_mac, version, sort_id, locale, template_table, conditional,
        tuple_limits;
};

/* ---- cat_record.c: pure ---- */
MUST_CHECK JET_ERR cat_record_decode(struct slice record, uint32_t page_size, struct cat_record *out);
/* out: PAGE_SIZE_MAX bytes. Exactly the shapes of ese-facts 2.14. */
MUST_CHECK JET_ERR cat_record_encode(const struct cat_record *in, uint32_t page_size, uint8_t *out, size_t *bytes);
/* Columns of MSysObjects and its shadow, by fid, with the offsets that their records really have (the catalog says 4
 * for all of them). Static. */
const struct column *cat_columns(unsigned *count);
/* Keys of the three catalog trees for a record: Id {table, type, id}; Name {table, type, name}; RootObjects {root,
 * name}. */
void cat_key_id(objid_t table, uint16_t type, uint32_t id, uint8_t *key, size_t *bytes);
MUST_CHECK JET_ERR cat_key_name(objid_t table, uint16_t type, struct slice name, uint8_t *key, size_t *bytes);
MUST_CHECK JET_ERR cat_key_root(struct slice name, uint8_t *key, size_t *bytes);
/* Builds a table definition from the records of one table in Id order (a table record, columns, indexes, LV): feed them
 * one by one. */
struct table_def_builder;
MUST_CHECK JET_ERR table_def_builder_new(struct table_def_builder **out);
MUST_CHECK JET_ERR table_def_builder_add(struct table_def_builder *builder, const struct cat_record *record);
MUST_CHECK JET_ERR table_def_builder_finish(struct table_def_builder *builder,
                                            struct table_def **out); /* JET_errCatalogCorrupted */
void table_def_builder_free(struct table_def_builder *builder);
/* Names: 1..64 bytes, no control characters, none of ! . [ ] , no leading space. JET_errInvalidName. */
MUST_CHECK JET_ERR cat_check_name(const char *name);

/* ---- cat_new.c: a new database ---- */
/* Root, catalog and shadow, MSysObjids, MSysLocales, with exactly the records of ese-facts 2.14, as system changes. */
MUST_CHECK JET_ERR cat_create_database(struct db *db, uint32_t page_count);

/* ---- cat.c: on behalf of a session, versioned ---- */
/* JET_errObjectNotFound. System tables are found too. */
MUST_CHECK JET_ERR cat_find_table(struct session *session, struct db *db, const char *name, struct table_def **out);
MUST_CHECK JET_ERR cat_reload_table(struct session *session, struct db *db, objid_t objid, struct table_def **out);
/* Where a table of this name is. JET_errObjectNotFound, JET_errInvalidName. */
MUST_CHECK JET_ERR cat_find_root(struct session *session, struct db *db, const char *name, objid_t *objid, pgno_t *fdp);
/* As cat_reload_table, with what the catalog holds beyond what the session sees of it. */
struct cat_state {
    bool settled;      /* the definition is the same for everybody: it holds until tree->ddl changes */
    bool deleted;      /* the table is deleted for others, or will be when a transaction commits */
    bool index_hidden; /* an index was created that this session does not see */
};
MUST_CHECK JET_ERR cat_load_table(struct session *session, struct db *db, objid_t objid, struct table_def **out,
                                  struct cat_state *state);
/* Names of all tables the session sees, in name order; fn's error ends the walk. */
typedef JET_ERR (*cat_table_fn)(void *context, const struct cat_record *table);
MUST_CHECK JET_ERR cat_each_table(struct session *session, struct db *db, cat_table_fn fn, void *context);

/* flags: enum column_flags without COLUMN_DEFAULT. max_bytes 0: 255 for Text and Binary. fixed, tagged: as asked for;
 * types of one size are fixed, others variable, long types tagged by themselves. */
struct cat_new_column {
    const char *name;
    JET_COLTYP type;
    uint32_t flags;
    uint32_t max_bytes;
    uint16_t code_page;
    struct slice default_value;
    bool fixed, tagged;
};
/* flags: enum index_flags; PRIMARY and UNIQUE are implied. density 0: 80. key_max 0: 255. lcmap_flags 0:
 * the default. */
struct cat_new_index {
    const char *name;
    const char *key;
    size_t key_bytes; /* "+a\0-b\0\0" */
    uint32_t flags;
    uint32_t density;
    uint16_t key_max;
    uint32_t lcmap_flags;
};
/* The caller has the table of def open. Each is one step: what it did is taken back when it fails, by a transaction of
 * its own inside that of the session (if the session has none, it is committed). Errors: JET_errTableDuplicate,
 * JET_errColumnDuplicate, JET_errTooManyColumns, JET_errColumnRedundant, JET_errIndexHasPrimary,
 * JET_errIndexInvalidDef, JET_errColumnNotFound, JET_errInvalidColumnType, JET_errInvalidCodePage, JET_errInvalidGrbit,
 * JET_errTaggedNotNULL, JET_errCannotBeTagged, JET_errDensityInvalid, JET_errMultiValuedColumnMustBeTagged,
 * JET_errDefaultValueTooBig, JET_errRecordTooBig (too many bytes of fixed columns), JET_errTableNotEmpty,
 * JET_errTableInUse, JET_errFixedDDL, JET_errWriteConflict, JET_errDatabaseFileReadOnly, JET_errTransTooDeep.
 * JET_wrnColumnMaxTruncated: max_bytes was above 255. */
MUST_CHECK JET_ERR cat_create_table(struct session *session, struct db *db, const char *name, uint32_t pages,
                                    uint32_t density, objid_t *objid);
MUST_CHECK JET_ERR cat_add_column(struct session *session, struct db *db, struct table_def *def,
                                  const struct cat_new_column *column, uint16_t *fid);
/* Primary only; the table must be empty. Others: JET_errFeatureNotAvailable. */
MUST_CHECK JET_ERR cat_create_primary(struct session *session, struct db *db, struct table_def *def,
                                      const struct cat_new_index *index);
/* JET_errTableInUse, JET_errCannotDeleteSystemTable, JET_errCannotDeleteTemplateTable. */
MUST_CHECK JET_ERR cat_delete_table(struct session *session, struct db *db, const char *name);

/* ---- cat_user.c: who has a table open ---- */
struct cat_user {
    struct tree *tree; /* NULL: entered nowhere */
    struct session *session;
    bool writes, denies_read, denies_write; /* denies: to other sessions */
    struct cat_user *next, *previous;
};
/* Fills tree. JET_errTableLocked: somebody denies what this one wants, or does what this one denies. */
MUST_CHECK JET_ERR cat_enter(struct tree *tree, struct cat_user *user);
void cat_leave(struct cat_user *user);
bool cat_is_open(struct tree *tree, const struct session *but_by); /* by anybody else; NULL: by anybody */

/* Opens the trees of the catalog; raises db->objid_last to the newest table. After attach, create, redo. */
MUST_CHECK JET_ERR cat_open(struct db *db);

#endif
