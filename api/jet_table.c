/* Tables, columns, the primary index; and lists of them. */
#include <stdlib.h>

#include "api/handles.h"
#include "api/list.h"

#define OPEN_TABLE_GRBITS                                                                                              \
    (JET_bitTableDenyWrite | JET_bitTableDenyRead | JET_bitTableReadOnly | JET_bitTableUpdatable |                     \
     JET_bitTablePermitDDL | JET_bitTableNoCache | JET_bitTablePreread | JET_bitTableOpportuneRead |                   \
     JET_bitTableSequential | JET_bitTableClassMask | JET_bitTableTryPurgeOnClose)

/* On the first record, if there is one, and with a handle. The cursor is the handle's then, or closed. */
static JET_ERR hand_out(struct api_session *session, struct cursor *cursor, JET_TABLEID *out) {
    JET_ERR err = cursor_move(cursor, (int32_t)JET_MoveFirst, 0);
    if (err >= JET_errSuccess || err == JET_errNoCurrentRecord)
        err = api_table_open(session, cursor_db(cursor)->dbid, cursor, NULL, out);
    if (err < JET_errSuccess)
        cursor_close(cursor);
    return err;
}

static JET_ERR check_writable(struct api_session *session, const struct db *db) {
    if (db->read_only)
        return RAISE(JET_errDatabaseFileReadOnly);
    return session->dbs[db->dbid].writes ? JET_errSuccess : RAISE(JET_errPermissionDenied);
}

static JET_ERR check_density(uint32_t density) {
    return density == 0 || (density >= 20 && density <= 100) ? JET_errSuccess : RAISE(JET_errDensityInvalid);
}

JET_ERR JetOpenTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName, const void *pvParameters,
                     uint32_t cbParameters, JET_GRBIT grbit, JET_TABLEID *ptableid) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct cursor *cursor;
    struct db *db;

    (void)pvParameters, (void)cbParameters;
    if (!ptableid || !szTableName)
        return RAISE(JET_errInvalidParameter);
    if (grbit & ~(JET_GRBIT)OPEN_TABLE_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    if (!session->dbs[dbid].writes && (grbit & JET_bitTableUpdatable))
        FAIL(JET_errPermissionDenied);
    if (!session->dbs[dbid].writes)
        grbit |= JET_bitTableReadOnly;
    CALL(api_table_room(session));
    CALL(cursor_open(session->session, db, szTableName, grbit & ~(JET_GRBIT)JET_bitTableTryPurgeOnClose, &cursor));
    CALL(hand_out(session, cursor, ptableid));
cleanup:
    api_leave_session(session);
    return err;
}

JET_ERR JetCloseTable(JET_SESID sesid, JET_TABLEID tableid) {
    struct api_session *session;
    struct api_table *table;
    JET_ERR err = api_enter_table(sesid, tableid, ENTER_ENDING, &session, &table);
    if (err < JET_errSuccess)
        return err;
    api_table_close(table);
    api_leave_session(session);
    return JET_errSuccess;
}

JET_ERR JetDupCursor(JET_SESID sesid, JET_TABLEID tableid, JET_TABLEID *ptableid, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session;
    struct api_table *table;
    struct cursor *copy;

    if (!ptableid)
        return RAISE(JET_errInvalidParameter);
    if (grbit)
        return RAISE(JET_errInvalidGrbit);
    err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    CALL(api_table_room(session));
    CALL(cursor_dup(table->cursor, &copy));
    CALL(hand_out(session, copy, ptableid));
cleanup:
    api_leave_session(session);
    return err;
}

/* ---- create and delete ---- */

JET_ERR JetCreateTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName, uint32_t lPages, uint32_t lDensity,
                       JET_TABLEID *ptableid) {
    JET_TABLECREATE create = {.cbStruct = sizeof create,
                              .szTableName = (char *)(uintptr_t)szTableName,
                              .ulPages = lPages,
                              .ulDensity = lDensity};

    if (!ptableid)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = JetCreateTableColumnIndex(sesid, dbid, &create);
    if (err >= JET_errSuccess)
        *ptableid = create.tableid;
    return err;
}

static JET_ERR column_of(const char *name, JET_COLTYP type, JET_GRBIT grbit, uint32_t max_bytes, uint32_t code_page,
                         const void *default_value, uint32_t default_bytes, struct cat_new_column *out) {
    static const struct {
        JET_GRBIT grbit;
        uint32_t flag;
    } map[] = {
        {JET_bitColumnNotNULL, COLUMN_NOT_NULL},
        {JET_bitColumnVersion, COLUMN_VERSION},
        {JET_bitColumnAutoincrement, COLUMN_AUTO_INCREMENT},
        {JET_bitColumnMultiValued, COLUMN_MULTI_VALUED},
    };
    const JET_GRBIT known = JET_bitColumnFixed | JET_bitColumnTagged | JET_bitColumnNotNULL | JET_bitColumnVersion |
                            JET_bitColumnAutoincrement | JET_bitColumnMultiValued | JET_bitColumnMaybeNull |
                            JET_bitColumnUpdatable;
    const JET_GRBIT later = JET_bitColumnEscrowUpdate | JET_bitColumnUnversioned | JET_bitColumnFinalize |
                            JET_bitColumnUserDefinedDefault | JET_bitColumnDeleteOnZero | JET_bitColumnCompressed |
                            JET_bitColumnEncrypted;

    if (!name || (!default_value && default_bytes))
        return RAISE(JET_errInvalidParameter);
    if (grbit & ~(known | later))
        return RAISE(JET_errInvalidGrbit);
    if (grbit & later)
        return RAISE(JET_errFeatureNotAvailable);
    if ((grbit & JET_bitColumnFixed) && (grbit & JET_bitColumnTagged))
        return RAISE(JET_errInvalidGrbit);
    *out = (struct cat_new_column){
        .name = name,
        .type = type,
        .max_bytes = max_bytes,
        .code_page = (uint16_t)(code_page > 0xffff ? 1 : code_page),
        .default_value = slice(default_bytes ? default_value : NULL, default_bytes),
        .fixed = grbit & JET_bitColumnFixed,
        .tagged = grbit & JET_bitColumnTagged,
    };
    for (unsigned i = 0; i < sizeof map / sizeof *map; i++)
        out->flags |= grbit & map[i].grbit ? map[i].flag : 0;
    return JET_errSuccess;
}

JET_ERR JetAddColumn(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName, const JET_COLUMNDEF *pcolumndef,
                     const void *pvDefault, uint32_t cbDefault, JET_COLUMNID *pcolumnid) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session;
    struct api_table *table;
    struct cat_new_column column;
    uint16_t fid;

    if (!pcolumndef || pcolumndef->cbStruct != sizeof *pcolumndef || !szColumnName)
        return RAISE(JET_errInvalidParameter);
    err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    CALL(check_writable(session, cursor_db(table->cursor)));
    CALL(column_of(szColumnName, pcolumndef->coltyp, pcolumndef->grbit, pcolumndef->cbMax, pcolumndef->cp, pvDefault,
                   cbDefault, &column));
    CALL(cursor_add_column(table->cursor, &column, &fid));
    if (pcolumnid)
        *pcolumnid = fid;
cleanup:
    api_leave_session(session);
    return err;
}

static JET_ERR index_of(const char *name, JET_GRBIT grbit, const char *key, uint32_t key_bytes, uint32_t density,
                        struct cat_new_index *out) {
    const JET_GRBIT known = JET_bitIndexPrimary | JET_bitIndexUnique | JET_bitIndexDisallowNull |
                            JET_bitIndexSortNullsHigh | JET_bitIndexDisallowTruncation | JET_bitIndexLazyFlush;
    const JET_GRBIT later = JET_bitIndexUnversioned | JET_bitIndexDotNetGuid | JET_bitIndexImmutableStructure;
    const JET_GRBIT ignore_nulls = JET_bitIndexIgnoreNull | JET_bitIndexIgnoreAnyNull | JET_bitIndexIgnoreFirstNull;

    if (!name || !key)
        return RAISE(JET_errInvalidParameter);
    if (!(grbit & JET_bitIndexPrimary))
        return RAISE(JET_errFeatureNotAvailable);
    if ((grbit & ignore_nulls) || (grbit & ~(known | later)))
        return RAISE(JET_errInvalidGrbit);
    if (grbit & later)
        return RAISE(JET_errFeatureNotAvailable);
    if (check_density(density) < JET_errSuccess)
        return RAISE(JET_errDensityInvalid);
    *out = (struct cat_new_index){.name = name, .key = key, .key_bytes = key_bytes, .density = density};
    out->flags = INDEX_PRIMARY | INDEX_UNIQUE;
    out->flags |= grbit & JET_bitIndexDisallowNull
                      ? INDEX_NO_NULL_SEGMENT
                      : INDEX_ALLOW_ALL_NULLS | INDEX_ALLOW_FIRST_NULL | INDEX_ALLOW_SOME_NULLS;
    out->flags |= grbit & JET_bitIndexSortNullsHigh ? INDEX_SORT_NULLS_HIGH : 0;
    out->flags |= grbit & JET_bitIndexDisallowTruncation ? INDEX_DISALLOW_TRUNCATION : 0;
    return JET_errSuccess;
}

JET_ERR JetCreateIndex(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName, JET_GRBIT grbit, const char *szKey,
                       uint32_t cbKey, uint32_t lDensity) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session;
    struct api_table *table;
    struct cat_new_index index;

    if (!szIndexName || !szKey)
        return RAISE(JET_errInvalidParameter);
    err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    CALL(check_writable(session, cursor_db(table->cursor)));
    CALL(index_of(szIndexName, grbit, szKey, cbKey, lDensity, &index));
    CALL(cursor_create_primary(table->cursor, &index));
cleanup:
    api_leave_session(session);
    return err;
}

static JET_ERR create_columns(struct cursor *cursor, JET_TABLECREATE *create) {
    JET_ERR err = JET_errSuccess;
    for (uint32_t i = 0; i < create->cColumns; i++) {
        JET_COLUMNCREATE *c = &create->rgcolumncreate[i];
        struct cat_new_column column;
        uint16_t fid = 0;
        if (c->cbStruct != sizeof *c)
            FAIL(JET_errInvalidParameter);
        c->err = column_of(c->szColumnName, c->coltyp, c->grbit, c->cbMax, c->cp, c->pvDefault, c->cbDefault, &column);
        if (c->err >= JET_errSuccess)
            c->err = cursor_add_column(cursor, &column, &fid);
        c->columnid = fid;
        CALL(c->err);
        create->cCreated++;
    }
cleanup:
    return err;
}

/* What JET_INDEXCREATE says beyond the arguments of JetCreateIndex. */
static JET_ERR index_of_create(const JET_INDEXCREATE *x, uint32_t page_size, struct cat_new_index *out) {
    const JET_GRBIT here = JET_bitIndexUnicode | JET_bitIndexKeyMost;
    JET_ERR err = index_of(x->szIndexName, x->grbit & ~here, x->szKey, x->cbKey, x->ulDensity, out);
    if (err < JET_errSuccess)
        return err;
    if (((x->grbit & JET_bitIndexUnicode) && !x->pidxunicode) || (x->cConditionalColumn && !x->rgconditionalcolumn))
        return RAISE(JET_errInvalidParameter);
    if (x->cConditionalColumn)
        return RAISE(JET_errIndexInvalidDef); /* a primary index has all records */
    if (x->cbVarSegMac)
        return RAISE(JET_errFeatureNotAvailable);
    if (x->grbit & JET_bitIndexUnicode)
        out->lcmap_flags = x->pidxunicode->dwMapFlags;
    if (!(x->grbit & JET_bitIndexKeyMost))
        return JET_errSuccess;
    if (x->cbKeyMost < JET_cbKeyMostMin || x->cbKeyMost > key_max(page_size))
        return RAISE(JET_errIndexInvalidDef);
    out->key_max = (uint16_t)x->cbKeyMost;
    return JET_errSuccess;
}

static JET_ERR create_indexes(struct cursor *cursor, JET_TABLECREATE *create) {
    JET_ERR err = JET_errSuccess;
    for (uint32_t i = 0; i < create->cIndexes; i++) {
        JET_INDEXCREATE *x = &create->rgindexcreate[i];
        struct cat_new_index index;
        if (x->cbStruct != sizeof *x)
            FAIL(JET_errInvalidParameter);
        x->err = index_of_create(x, cursor_db(cursor)->page_size, &index);
        if (x->err >= JET_errSuccess)
            x->err = cursor_create_primary(cursor, &index);
        CALL(x->err);
        create->cCreated++;
    }
cleanup:
    return err;
}

/* All of it in one level, so that a failure leaves nothing. */
static JET_ERR create_in_level(struct api_session *session, struct db *db, JET_TABLECREATE *create,
                               struct cursor **out) {
    JET_ERR err = JET_errSuccess;
    objid_t objid;

    CALL(cat_create_table(session->session, db, create->szTableName, create->ulPages ? create->ulPages : 1,
                          create->ulDensity ? create->ulDensity : 80, &objid));
    CALL(cursor_open(session->session, db, create->szTableName, JET_bitTableDenyRead, out));
    create->cCreated = 1;
    CALL(create_columns(*out, create));
    CALL(create_indexes(*out, create));
cleanup:
    return err;
}

static JET_ERR create_table(struct api_session *session, struct db *db, JET_TABLECREATE *create) {
    JET_ERR err = JET_errSuccess;
    struct cursor *cursor = NULL;
    bool in_level = false;

    CALL(check_writable(session, db));
    CALL(api_table_room(session));
    CALL(trx_begin(session->session, false));
    in_level = true;
    CALL(create_in_level(session, db, create, &cursor));
    CALL(trx_commit(session->session, false));
    in_level = false;
    CALL(api_table_open(session, db->dbid, cursor, NULL, &create->tableid));
    cursor = NULL;
cleanup:
    if (cursor)
        cursor_close(cursor);
    if (in_level)
        CALL_KEEP_FIRST(trx_rollback(session->session, false));
    return err;
}

JET_ERR JetCreateTableColumnIndex(JET_SESID sesid, JET_DBID dbid, JET_TABLECREATE *ptablecreate) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct db *db;

    if (!ptablecreate || ptablecreate->cbStruct != sizeof *ptablecreate || !ptablecreate->szTableName ||
        (ptablecreate->cColumns && !ptablecreate->rgcolumncreate))
        return RAISE(JET_errInvalidParameter);
    ptablecreate->tableid = JET_tableidNil;
    ptablecreate->cCreated = 0;
    if (ptablecreate->cIndexes && !ptablecreate->rgindexcreate)
        return RAISE(JET_errInvalidCreateIndex);
    if (ptablecreate->szTemplateTableName ||
        (ptablecreate->grbit & (JET_bitTableCreateTemplateTable | JET_bitTableCreateNoFixedVarColumnsInDerivedTables)))
        return RAISE(JET_errFeatureNotAvailable);
    if (ptablecreate->grbit & ~(JET_GRBIT)(JET_bitTableCreateFixedDDL | JET_bitTableCreateImmutableStructure))
        return RAISE(JET_errInvalidGrbit);
    if (ptablecreate->grbit)
        return RAISE(JET_errFeatureNotAvailable);
    if (ptablecreate->ulPages > 0x10000)
        return RAISE(JET_errInvalidParameter);
    CALL(check_density(ptablecreate->ulDensity));
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    CALL(create_table(session, db, ptablecreate));
cleanup:
    if (session)
        api_leave_session(session);
    return err;
}

JET_ERR JetDeleteTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct db *db;

    if (!szTableName)
        return RAISE(JET_errInvalidParameter);
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    CALL(check_writable(session, db));
    CALL(cat_delete_table(session->session, db, szTableName));
cleanup:
    api_leave_session(session);
    return err;
}

/* ---- facts ---- */

static JET_GRBIT column_grbit(const struct column *c) {
    JET_GRBIT g = c->fid <= FID_FIXED_LAST ? JET_bitColumnFixed : c->fid >= FID_TAGGED_FIRST ? JET_bitColumnTagged : 0;
    g |= c->flags & COLUMN_NOT_NULL ? JET_bitColumnNotNULL : 0;
    g |= c->flags & COLUMN_VERSION ? JET_bitColumnVersion : 0;
    g |= c->flags & COLUMN_AUTO_INCREMENT ? JET_bitColumnAutoincrement : 0;
    g |= c->flags & COLUMN_MULTI_VALUED ? JET_bitColumnMultiValued : 0;
    g |= c->flags & COLUMN_ESCROW ? JET_bitColumnEscrowUpdate : 0;
    g |= c->flags & COLUMN_COMPRESSED ? JET_bitColumnCompressed : 0;
    return g;
}

static uint16_t column_code_page(const struct column *c) {
    return c->type == JET_coltypText || c->type == JET_coltypLongText ? c->code_page : 0;
}

static void fill_columndef(const struct column *c, JET_COLUMNDEF *out) {
    *out = (JET_COLUMNDEF){.cbStruct = sizeof *out,
                           .columnid = c->fid,
                           .coltyp = c->type,
                           .cp = column_code_page(c),
                           .cbMax = c->max_bytes,
                           .grbit = column_grbit(c)};
}

enum {
    LIST_ORDER = 1,
    LIST_NAME,
    LIST_ID,
    LIST_TYPE,
    LIST_COUNTRY,
    LIST_LANGUAGE,
    LIST_CODE_PAGE,
    LIST_COLLATE,
    LIST_MAX,
    LIST_GRBIT,
    LIST_DEFAULT,
    LIST_TABLE,
    LIST_BASE_NAME,
    LIST_DEFINITION,
    LIST_COLUMNS = LIST_DEFINITION
};

static JET_ERR add_column_row(struct list *list, const struct table_def *def, const struct column *c, bool minimal) {
    JET_ERR err = JET_errSuccess;
    uint32_t id = c->fid, type = c->type, max = c->max_bytes, grbit = column_grbit(c);
    uint16_t country = 1, language = 0x0409, code_page = column_code_page(c), collate = 0;

    CALL(list_add_row(list));
    CALL(list_set(list, LIST_NAME, c->name, (uint32_t)strlen(c->name)));
    CALL(list_set(list, LIST_ID, &id, sizeof id));
    if (minimal)
        goto cleanup;
    CALL(list_set(list, LIST_ORDER, &id, sizeof id));
    CALL(list_set(list, LIST_TYPE, &type, sizeof type));
    CALL(list_set(list, LIST_COUNTRY, &country, sizeof country));
    CALL(list_set(list, LIST_LANGUAGE, &language, sizeof language));
    CALL(list_set(list, LIST_CODE_PAGE, &code_page, sizeof code_page));
    CALL(list_set(list, LIST_COLLATE, &collate, sizeof collate));
    CALL(list_set(list, LIST_MAX, &max, sizeof max));
    CALL(list_set(list, LIST_GRBIT, &grbit, sizeof grbit));
    if (c->default_value.n)
        CALL(list_set(list, LIST_DEFAULT, c->default_value.p, (uint32_t)c->default_value.n));
    CALL(list_set(list, LIST_TABLE, def->name, (uint32_t)strlen(def->name)));
    CALL(list_set(list, LIST_BASE_NAME, c->name, (uint32_t)strlen(c->name)));
    CALL(list_set(list, LIST_DEFINITION, c->name, (uint32_t)strlen(c->name)));
cleanup:
    return err;
}

static int by_name(const void *a, const void *b) {
    return strcasecmp((*(const struct column *const *)a)->name, (*(const struct column *const *)b)->name);
}

static JET_ERR column_list(struct api_session *session, struct api_table *table, const struct table_def *def,
                           bool sort_by_id, bool minimal, JET_COLUMNLIST *out) {
    static const JET_COLTYP types[] = {JET_coltypLong,  JET_coltypText,  JET_coltypLong,       JET_coltypLong,
                                       JET_coltypShort, JET_coltypShort, JET_coltypShort,      JET_coltypShort,
                                       JET_coltypLong,  JET_coltypLong,  JET_coltypLongBinary, JET_coltypText,
                                       JET_coltypText,  JET_coltypText};
    JET_ERR err = JET_errSuccess;
    struct list *list = NULL;
    const struct column **order = calloc(def->column_count ? def->column_count : 1, sizeof *order);

    if (!order)
        FAIL(JET_errOutOfMemory);
    CALL(api_table_room(session));
    CALL(list_new(types, LIST_COLUMNS, &list));
    for (unsigned i = 0; i < def->column_count; i++)
        order[i] = &def->columns[i];
    if (!sort_by_id)
        qsort(order, def->column_count, sizeof *order, by_name);
    for (unsigned i = 0; i < def->column_count; i++)
        CALL(add_column_row(list, def, order[i], minimal));
    *out = (JET_COLUMNLIST){
        .cbStruct = sizeof *out,
        .cRecord = list_rows(list),
        .columnidPresentationOrder = LIST_ORDER,
        .columnidcolumnname = LIST_NAME,
        .columnidcolumnid = LIST_ID,
        .columnidcoltyp = LIST_TYPE,
        .columnidCountry = LIST_COUNTRY,
        .columnidLangid = LIST_LANGUAGE,
        .columnidCp = LIST_CODE_PAGE,
        .columnidCollate = LIST_COLLATE,
        .columnidcbMax = LIST_MAX,
        .columnidgrbit = LIST_GRBIT,
        .columnidDefault = LIST_DEFAULT,
        .columnidBaseTableName = LIST_TABLE,
        .columnidBaseColumnName = LIST_BASE_NAME,
        .columnidDefinitionName = LIST_DEFINITION,
    };
    CALL(api_table_open(session, table->dbid, NULL, list, &out->tableid));
    list = NULL;
cleanup:
    free(order);
    list_free(list);
    return err;
}

static JET_ERR column_base(const struct table_def *def, const struct column *c, JET_COLUMNBASE *out) {
    *out = (JET_COLUMNBASE){.cbStruct = sizeof *out,
                            .columnid = c->fid,
                            .coltyp = c->type,
                            .cp = column_code_page(c),
                            .cbMax = c->max_bytes,
                            .grbit = column_grbit(c)};
    strncpy(out->szBaseTableName, def->name, sizeof out->szBaseTableName - 1);
    strncpy(out->szBaseColumnName, c->name, sizeof out->szBaseColumnName - 1);
    return JET_errSuccess;
}

static JET_ERR one_column(const struct table_def *def, const char *name, bool by_id, const struct column **out) {
    JET_COLUMNID id;
    if (!name)
        return RAISE(JET_errInvalidParameter);
    if (by_id) {
        memcpy(&id, name, sizeof id);
        if (id == 0 || id > FID_TAGGED_LAST)
            return RAISE(JET_errBadColumnId);
        *out = table_column(def, id);
    } else {
        JET_ERR err = cat_check_name(name);
        if (err < JET_errSuccess)
            return err;
        *out = table_column_by_name(def, name);
    }
    return *out ? JET_errSuccess : RAISE(JET_errColumnNotFound);
}

static JET_ERR table_column_info(struct api_session *session, struct api_table *table, const char *name, void *out,
                                 uint32_t out_bytes, uint32_t level) {
    JET_ERR err = JET_errSuccess;
    const uint32_t options =
        JET_ColInfoGrbitNonDerivedColumnsOnly | JET_ColInfoGrbitMinimalInfo | JET_ColInfoGrbitSortByColumnid;
    const uint32_t base = level & ~options;
    const struct table_def *def;
    const struct column *column;

    if (base != level && base != JET_ColInfoList && base != JET_ColInfoListCompact &&
        base != JET_ColInfoListSortColumnid)
        FAIL(JET_errInvalidParameter);
    CALL(cursor_table(table->cursor, &def));
    switch (base) {
    case JET_ColInfo:
    case JET_ColInfoByColid:
        if (out_bytes < sizeof(JET_COLUMNDEF))
            FAIL(JET_errInvalidParameter);
        CALL(one_column(def, name, base == JET_ColInfoByColid, &column));
        fill_columndef(column, out);
        break;
    case JET_ColInfoBase:
    case JET_ColInfoBaseByColid:
        if (out_bytes < sizeof(JET_COLUMNBASE))
            FAIL(JET_errInvalidParameter);
        CALL(one_column(def, name, base == JET_ColInfoBaseByColid, &column));
        CALL(column_base(def, column, out));
        break;
    case JET_ColInfoList:
    case JET_ColInfoListCompact:
    case JET_ColInfoListSortColumnid:
        if (out_bytes < sizeof(JET_COLUMNLIST))
            FAIL(JET_errInvalidParameter);
        CALL(column_list(session, table, def,
                         base == JET_ColInfoListSortColumnid || (level & JET_ColInfoGrbitSortByColumnid),
                         level & JET_ColInfoGrbitMinimalInfo, out));
        break;
    case JET_ColInfoSysTabCursor:
        FAIL(JET_errFeatureNotAvailable);
    default:
        FAIL(JET_errInvalidParameter);
    }
cleanup:
    return err;
}

JET_ERR JetGetTableColumnInfo(JET_SESID sesid, JET_TABLEID tableid, const char *szColumnName, void *pvResult,
                              uint32_t cbMax, uint32_t InfoLevel) {
    struct api_session *session;
    struct api_table *table;

    if (!pvResult)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_table(sesid, tableid, 0, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (table->cursor)
        err = table_column_info(session, table, szColumnName, pvResult, cbMax, InfoLevel);
    else if (InfoLevel != JET_ColInfoByColid || cbMax < sizeof(JET_COLUMNDEF) || !szColumnName)
        err = RAISE(JET_errInvalidParameter);
    else
        err = list_column(table->list, load32(szColumnName), pvResult);
    api_leave_session(session);
    return err;
}

enum {
    OBJECT_CONTAINER = 1,
    OBJECT_NAME,
    OBJECT_TYPE,
    OBJECT_GRBIT,
    OBJECT_FLAGS,
    OBJECT_RECORDS,
    OBJECT_PAGES,
    OBJECT_CREATED,
    OBJECT_UPDATED,
    OBJECT_COLUMNS = OBJECT_UPDATED
};

static const JET_GRBIT table_grbit = JET_bitTableInfoUpdatable | JET_bitTableInfoBookmark | JET_bitTableInfoRollback;

static JET_ERR add_object_row(void *context, const struct cat_record *record) {
    JET_ERR err = JET_errSuccess;
    struct list *list = context;
    uint32_t type = JET_objtypTable, grbit = table_grbit, flags = record->flags, zero = 0;

    CALL(list_add_row(list));
    CALL(list_set(list, OBJECT_CONTAINER, "Tables", 6));
    CALL(list_set(list, OBJECT_NAME, record->name.p, (uint32_t)record->name.n));
    CALL(list_set(list, OBJECT_TYPE, &type, sizeof type));
    CALL(list_set(list, OBJECT_GRBIT, &grbit, sizeof grbit));
    CALL(list_set(list, OBJECT_FLAGS, &flags, sizeof flags));
    CALL(list_set(list, OBJECT_RECORDS, &zero, sizeof zero));
    CALL(list_set(list, OBJECT_PAGES, &zero, sizeof zero));
cleanup:
    return err;
}

static JET_ERR object_list(struct api_session *session, struct db *db, JET_OBJECTLIST *out) {
    static const JET_COLTYP types[] = {JET_coltypText, JET_coltypText,     JET_coltypLong,
                                       JET_coltypLong, JET_coltypLong,     JET_coltypLong,
                                       JET_coltypLong, JET_coltypDateTime, JET_coltypDateTime};
    JET_ERR err = JET_errSuccess;
    struct list *list = NULL;

    CALL(api_table_room(session));
    CALL(list_new(types, OBJECT_COLUMNS, &list));
    CALL(cat_each_table(session->session, db, add_object_row, list));
    *out = (JET_OBJECTLIST){
        .cbStruct = sizeof *out,
        .cRecord = list_rows(list),
        .columnidcontainername = OBJECT_CONTAINER,
        .columnidobjectname = OBJECT_NAME,
        .columnidobjtyp = OBJECT_TYPE,
        .columniddtCreate = OBJECT_CREATED,
        .columniddtUpdate = OBJECT_UPDATED,
        .columnidgrbit = OBJECT_GRBIT,
        .columnidflags = OBJECT_FLAGS,
        .columnidcRecord = OBJECT_RECORDS,
        .columnidcPage = OBJECT_PAGES,
    };
    CALL(api_table_open(session, db->dbid, NULL, list, &out->tableid));
    list = NULL;
cleanup:
    list_free(list);
    return err;
}

static JET_ERR object_info(struct api_session *session, struct db *db, const char *name, JET_OBJECTINFO *out) {
    struct table_def *def = NULL;
    if (!name || !*name)
        return RAISE(JET_errInvalidName);
    JET_ERR err = cat_find_table(session->session, db, name, &def);
    if (err >= JET_errSuccess)
        *out = (JET_OBJECTINFO){
            .cbStruct = sizeof *out, .objtyp = JET_objtypTable, .grbit = table_grbit, .flags = def->flags};
    table_def_free(def);
    return err;
}

JET_ERR JetGetObjectInfo(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp, const char *szContainerName,
                         const char *szObjectName, void *pvResult, uint32_t cbMax, uint32_t InfoLevel) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct db *db;
    const bool list = InfoLevel == JET_ObjInfoList || InfoLevel == JET_ObjInfoListNoStats;

    if (!pvResult || (objtyp != JET_objtypNil && objtyp != JET_objtypTable) || InfoLevel >= JET_ObjInfoMax)
        return RAISE(JET_errInvalidParameter);
    if (szContainerName && *szContainerName && strcasecmp(szContainerName, "Tables") != 0)
        return RAISE(JET_errObjectNotFound);
    if (!list && InfoLevel != JET_ObjInfo && InfoLevel != JET_ObjInfoNoStats)
        return RAISE(JET_errFeatureNotAvailable);
    if (cbMax < (list ? sizeof(JET_OBJECTLIST) : sizeof(JET_OBJECTINFO)))
        return RAISE(JET_errBufferTooSmall);
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    CALL(list ? object_list(session, db, pvResult) : object_info(session, db, szObjectName, pvResult));
cleanup:
    api_leave_session(session);
    return err;
}
