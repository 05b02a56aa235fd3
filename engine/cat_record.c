/* Catalog records and what they add up to (ese-facts 2.14). Pure functions over bytes.
 *
 * A catalog record is a record of a table whose columns are fixed by the format, so decoding and encoding are those of
 * any record; which columns a kind of record has is in is_present(). */
#include "engine/cat.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/rec_priv.h"

#define CODE_PAGE 1252
#define SEGMENT_BYTES 4 /* IDXSEG: u8 flags, u8 0, u16 fid */
enum { SEGMENT_DESCENDING = 0x40, SEGMENT_TEMPLATE = 0x80 };
#define KEY_MAX_DEFAULT 255

enum { /* fids that need a rule of their own */
       FID_COLTYP_OR_FDP = 4,
       FID_PAGES_OR_LOCALE = 7,
       FID_ROOT_FLAG = 8,
       FID_RECORD_OFFSET = 9,
       FID_LCMAP_FLAGS = 10,
       FID_KEY_MAX = 11,
       FID_NAME = 128,
};

#define FIXED(fid_, name_, type_, bytes_, offset_, flags_)                                                             \
    {                                                                                                                  \
        .fid = fid_, .type = JET_coltyp##type_, .max_bytes = bytes_, .record_offset = offset_, .flags = flags_,        \
        .code_page = CODE_PAGE, .name = name_                                                                          \
    }
#define OTHER(fid_, name_, type_, bytes_, flags_) FIXED(fid_, name_, type_, bytes_, 0, flags_)

static const struct column columns[] = {
    FIXED(1, "ObjidTable", Long, 4, 4, COLUMN_NOT_NULL),
    FIXED(2, "Type", Short, 2, 8, COLUMN_NOT_NULL),
    FIXED(3, "Id", Long, 4, 10, COLUMN_NOT_NULL),
    FIXED(FID_COLTYP_OR_FDP, "ColtypOrPgnoFDP", Long, 4, 14, COLUMN_NOT_NULL),
    FIXED(5, "SpaceUsage", Long, 4, 18, COLUMN_NOT_NULL),
    FIXED(6, "Flags", Long, 4, 22, COLUMN_NOT_NULL),
    FIXED(FID_PAGES_OR_LOCALE, "PagesOrLocale", Long, 4, 26, COLUMN_NOT_NULL),
    FIXED(FID_ROOT_FLAG, "RootFlag", Bit, 1, 30, 0),
    FIXED(FID_RECORD_OFFSET, "RecordOffset", Short, 2, 31, 0),
    FIXED(FID_LCMAP_FLAGS, "LCMapFlags", Long, 4, 33, 0),
    FIXED(FID_KEY_MAX, "KeyMost", UnsignedShort, 2, 37, 0),
    FIXED(12, "LVChunkMax", Long, 4, 39, 0),
    OTHER(FID_NAME, "Name", Text, 255, COLUMN_NOT_NULL),
    OTHER(129, "Stats", Binary, 255, 0),
    OTHER(130, "TemplateTable", Text, 255, 0),
    OTHER(131, "DefaultValue", Binary, 255, 0),
    OTHER(132, "KeyFldIDs", Binary, 255, 0),
    OTHER(133, "VarSegMac", Binary, 255, 0),
    OTHER(134, "ConditionalColumns", Binary, 255, 0),
    OTHER(135, "TupleLimits", Binary, 255, 0),
    OTHER(136, "Version", Binary, 255, 0),
    OTHER(137, "SortID", Binary, 255, 0),
    OTHER(256, "CallbackData", LongBinary, 0, 0),
    OTHER(257, "CallbackDependencies", LongBinary, 0, 0),
    OTHER(258, "SeparateLV", LongBinary, 0, 0),
    OTHER(259, "SpaceHints", LongBinary, 0, 0),
    OTHER(260, "SpaceDeferredLVHints", LongBinary, 0, 0),
    OTHER(261, "LocaleName", LongBinary, 0, 0),
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static const struct table_def catalog = {
    .columns = (struct column *)columns, /* never written through */
    .column_count = COLUMNS,
    .has_primary = true,
    .primary.key_max = KEY_MAX_DEFAULT,
};

const struct column *cat_columns(unsigned *count) {
    *count = COLUMNS;
    return columns;
}

/* ---- one record ---- */

/* Where a column stands in struct cat_record. bytes 0: a slice. */
static const struct field {
    uint16_t fid;
    uint8_t at, bytes;
} fields[] = {
#define NUMBER(fid, member)                                                                                            \
    { fid, offsetof(struct cat_record, member), sizeof(((struct cat_record *)0)->member) }
#define SLICE(fid, member)                                                                                             \
    { fid, offsetof(struct cat_record, member), 0 }
    NUMBER(1, table),
    NUMBER(2, type),
    NUMBER(3, id),
    NUMBER(FID_COLTYP_OR_FDP, coltyp_or_fdp),
    NUMBER(5, space_usage),
    NUMBER(6, flags),
    NUMBER(FID_PAGES_OR_LOCALE, pages_or_locale),
    NUMBER(FID_RECORD_OFFSET, record_offset),
    NUMBER(FID_LCMAP_FLAGS, lcmap_flags),
    NUMBER(FID_KEY_MAX, key_max),
    SLICE(FID_NAME, name),
    SLICE(130, template_table),
    SLICE(131, default_value),
    SLICE(132, segments),
    SLICE(133, var_seg_mac),
    SLICE(134, conditional),
    SLICE(135, tuple_limits),
    SLICE(136, version),
    SLICE(137, sort_id),
    SLICE(261, locale),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };
_Static_assert(sizeof(struct cat_record) <= UINT8_MAX, "field.at");

JET_ERR cat_record_decode(struct slice record, uint32_t page_size, struct cat_record *out) {
    JET_ERR err = JET_errSuccess;
    struct cat_record r = {0};
    struct rec_value v = {0};
    CALL(rec_check(record));
    for (int i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        CALL(rec_get(record, page_size, table_column(&catalog, f->fid), 1, &v));
        if (v.kind != REC_VALUE) { /* a locale that is kept elsewhere is as good as none */
            if (f->fid <= FID_COLTYP_OR_FDP || f->fid == FID_NAME)
                FAIL(JET_errCatalogCorrupted);
            continue;
        }
        assert(!f->bytes || f->bytes == v.bytes.n);
        if (f->bytes)
            memcpy((uint8_t *)&r + f->at, v.bytes.p, f->bytes);
        else
            memcpy((uint8_t *)&r + f->at, &v.bytes, sizeof v.bytes);
    }
    CALL(rec_get(record, page_size, table_column(&catalog, FID_ROOT_FLAG), 1, &v));
    r.root_flag = v.kind == REC_VALUE && v.bytes.p[0];
    *out = r;
cleanup:
    return err;
}

static bool is_present(const struct cat_record *r, const struct field *f) {
    switch (f->fid) {
    case FID_RECORD_OFFSET:
        return r->record_offset;
    case FID_LCMAP_FLAGS:
        return r->type == CAT_INDEX;
    case FID_KEY_MAX:
        return r->key_max;
    default:
        return f->fid <= FID_PAGES_OR_LOCALE || ((const struct slice *)((const uint8_t *)r + f->at))->p;
    }
}

JET_ERR cat_record_encode(const struct cat_record *in, uint32_t page_size, uint8_t *out, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct rec_edit *edit = NULL;
    static const uint8_t yes = 0xff;
    CALL(rec_edit_new(&catalog, page_size, slice(NULL, 0), &edit));
    for (int i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        const uint8_t *at = (const uint8_t *)in + f->at;
        struct slice value = f->bytes ? slice(at, f->bytes) : *(const struct slice *)at;
        if (is_present(in, f))
            CALL(rec_edit_set(edit, table_column(&catalog, f->fid), 1, value, false));
    }
    if (in->root_flag)
        CALL(rec_edit_set(edit, table_column(&catalog, FID_ROOT_FLAG), 1, slice(&yes, 1), false));
    CALL(rec_edit_finish(edit, out, bytes));
cleanup:
    rec_edit_free(edit);
    return err;
}

/* ---- keys ---- */

static void append_number(JET_COLTYP type, uint32_t value, uint8_t *key, size_t *bytes) {
    bool truncated = false;
    struct key_segment segment = {.type = type};
    JET_ERR err = key_append(&segment, slice(&value, coltyp_bytes(type)), KEY_MAX_DEFAULT, key, bytes, &truncated);
    assert(err == JET_errSuccess && !truncated);
    (void)err;
}

static JET_ERR append_name(struct slice name, uint8_t *key, size_t *bytes) {
    bool truncated = false;
    struct key_segment segment = {.type = JET_coltypText, .code_page = CODE_PAGE};
    return key_append(&segment, name, KEY_MAX_DEFAULT, key, bytes, &truncated);
}

void cat_key_id(objid_t table, uint16_t type, uint32_t id, uint8_t *key, size_t *bytes) {
    *bytes = 0;
    append_number(JET_coltypLong, table, key, bytes);
    append_number(JET_coltypShort, type, key, bytes);
    append_number(JET_coltypLong, id, key, bytes);
}

JET_ERR cat_key_name(objid_t table, uint16_t type, struct slice name, uint8_t *key, size_t *bytes) {
    *bytes = 0;
    append_number(JET_coltypLong, table, key, bytes);
    append_number(JET_coltypShort, type, key, bytes);
    return append_name(name, key, bytes);
}

JET_ERR cat_key_root(struct slice name, uint8_t *key, size_t *bytes) {
    *bytes = 0;
    append_number(JET_coltypBit, 1, key, bytes);
    return append_name(name, key, bytes);
}

/* ---- table definitions ---- */

struct table_def_builder {
    struct table_def *def;
    bool has_table, sort_is_ours;
    size_t fixed_end; /* of the last fixed column */
    struct pending {
        struct column column;
        size_t default_at; /* in defaults */
    } * pending;
    unsigned count, size;
    uint8_t *defaults;
    size_t defaults_bytes;
};

JET_ERR table_def_builder_new(struct table_def_builder **out) {
    struct table_def_builder *b = calloc(1, sizeof *b);
    struct table_def *def = calloc(1, sizeof *def);
    if (!b || !def) {
        free(b);
        free(def);
        return RAISE(JET_errOutOfMemory);
    }
    b->def = def;
    b->fixed_end = REC_HEADER_BYTES;
    *out = b;
    return JET_errSuccess;
}

void table_def_builder_free(struct table_def_builder *builder) {
    if (!builder)
        return;
    table_def_free(builder->def);
    free(builder->pending);
    free(builder->defaults);
    free(builder);
}

static JET_ERR copy_name(struct slice name, char out[65]) {
    if (name.n == 0 || name.n > JET_cbNameMost || memchr(name.p, 0, name.n))
        return RAISE(JET_errCatalogCorrupted);
    memcpy(out, name.p, name.n);
    out[name.n] = 0;
    return JET_errSuccess;
}

static JET_ERR add_table(struct table_def_builder *b, const struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    struct table_def *def = b->def;
    if (b->has_table || r->table != r->id || r->coltyp_or_fdp == 0)
        FAIL(JET_errCatalogCorrupted);
    CALL(copy_name(r->name, def->name));
    def->objid = r->table;
    def->fdp = r->coltyp_or_fdp;
    def->flags = r->flags;
    def->pages = r->pages_or_locale;
    def->density = r->space_usage;
    def->has_template = r->template_table.n > 0;
    b->has_table = true;
cleanup:
    return err;
}

static bool type_fits(JET_COLTYP type, unsigned fid) {
    if (coltyp_bytes(type))
        return fid_is_fixed(fid) || fid_is_tagged(fid);
    return type == JET_coltypBinary || type == JET_coltypText || (coltyp_is_long(type) && fid_is_tagged(fid));
}

/* Fixed columns follow each other; deleted ones leave gaps. */
static JET_ERR place_fixed(struct table_def_builder *b, struct column *column) {
    size_t bytes = column_fixed_bytes(column);
    if (b->def->objid == CAT_OBJID || b->def->objid == CAT_SHADOW_OBJID)
        column->record_offset = (uint16_t)b->fixed_end; /* what the catalog says of itself is of no use */
    if (column->record_offset < b->fixed_end || bytes == 0 || column->record_offset + bytes > REC_OFFSET_MASK)
        return RAISE(JET_errCatalogCorrupted);
    b->fixed_end = column->record_offset + bytes;
    return JET_errSuccess;
}

static JET_ERR add_default(struct table_def_builder *b, struct column *column, struct slice value, size_t *at) {
    *at = b->defaults_bytes;
    if (!value.p || column->flags & COLUMN_USER_DEFAULT || (value.n == 0 && fid_is_fixed(column->fid)))
        return JET_errSuccess;
    if (!column_size_fits(column, value.n) || (fid_is_fixed(column->fid) && value.n > column_fixed_bytes(column)))
        return RAISE(JET_errCatalogCorrupted);
    uint8_t *bigger = realloc(b->defaults, b->defaults_bytes + value.n + 1);
    if (!bigger)
        return RAISE(JET_errOutOfMemory);
    b->defaults = bigger;
    memcpy(bigger + b->defaults_bytes, value.p, value.n);
    b->defaults_bytes += value.n;
    column->default_value = slice(bigger, value.n); /* p says only that there is one, until finish */
    return JET_errSuccess;
}

static JET_ERR add_column(struct table_def_builder *b, const struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    struct column c = {
        .fid = (uint16_t)r->id,
        .type = r->coltyp_or_fdp,
        .flags = r->flags,
        .max_bytes = r->space_usage,
        .code_page = (uint16_t)r->pages_or_locale,
        .record_offset = r->record_offset,
    };
    size_t default_at = 0;
    unsigned previous = b->count ? b->pending[b->count - 1].column.fid : 0;
    if (c.type == JET_coltypNil) /* the place of a deleted column */
        return err;
    if (r->id <= previous || r->id > FID_TAGGED_LAST || !type_fits(c.type, r->id))
        FAIL(JET_errCatalogCorrupted);
    CALL(copy_name(r->name, c.name));
    if (fid_is_fixed(c.fid))
        CALL(place_fixed(b, &c));
    CALL(add_default(b, &c, r->default_value, &default_at));
    if (b->count == b->size) {
        unsigned size = b->size ? 2 * b->size : 16;
        struct pending *bigger = realloc(b->pending, size * sizeof *bigger);
        if (!bigger)
            FAIL(JET_errOutOfMemory);
        b->pending = bigger;
        b->size = size;
    }
    b->pending[b->count++] = (struct pending){c, default_at};
cleanup:
    return err;
}

static bool sort_is_ours(const struct cat_record *r) {
    return r->sort_id.n == sizeof key_sort_id && memcmp(r->sort_id.p, key_sort_id, sizeof key_sort_id) == 0 &&
           r->version.n == sizeof(uint64_t) && load64(r->version.p) == key_sort_version() &&
           key_lcmap_supported(r->lcmap_flags);
}

static JET_ERR add_index(struct table_def_builder *b, const struct cat_record *r) {
    JET_ERR err = JET_errSuccess;
    struct table_def *def = b->def;
    struct index_def index = {
        .objid = r->id,
        .fdp = r->coltyp_or_fdp,
        .flags = r->flags & 0xffff,
        .density = r->space_usage,
        .key_max = r->key_max ? r->key_max : KEY_MAX_DEFAULT,
        .segment_count = (unsigned)(r->segments.n / SEGMENT_BYTES),
        .lcmap_flags = r->lcmap_flags,
    };
    if (!(index.flags & INDEX_PRIMARY)) {
        def->secondary_count++;
        return err;
    }
    if (def->has_primary || index.objid != def->objid || index.fdp != def->fdp || index.key_max > KEY_MAX ||
        r->segments.n % SEGMENT_BYTES || index.segment_count == 0 || index.segment_count > INDEX_SEGMENTS_MAX)
        FAIL(JET_errCatalogCorrupted);
    CALL(copy_name(r->name, index.name));
    for (unsigned i = 0; i < index.segment_count; i++) {
        const uint8_t *segment = r->segments.p + SEGMENT_BYTES * i;
        index.segments[i].descending = segment[0] & SEGMENT_DESCENDING;
        index.segments[i].fid = load16(segment + 2);
        def->has_template |= (segment[0] & SEGMENT_TEMPLATE) != 0;
    }
    index.foreign_sort = r->var_seg_mac.n >= 2 && load16(r->var_seg_mac.p) < index.key_max;
    b->sort_is_ours = sort_is_ours(r);
    def->primary = index;
    def->has_primary = true;
cleanup:
    return err;
}

JET_ERR table_def_builder_add(struct table_def_builder *builder, const struct cat_record *record) {
    if (record->type == CAT_TABLE)
        return add_table(builder, record);
    if (!builder->has_table || record->table != builder->def->objid)
        return RAISE(JET_errCatalogCorrupted);
    switch (record->type) {
    case CAT_COLUMN:
        return add_column(builder, record);
    case CAT_INDEX:
        return add_index(builder, record);
    case CAT_LONG_VALUES:
        builder->def->has_long_values = true;
        return JET_errSuccess;
    case CAT_CALLBACK:
        builder->def->has_template = true;
        return JET_errSuccess;
    default:
        return RAISE(JET_errCatalogCorrupted);
    }
}

static JET_ERR check_primary(const struct table_def_builder *b) {
    struct index_def *index = &b->def->primary;
    for (unsigned i = 0; i < index->segment_count; i++) {
        const struct column *column = table_column(b->def, index->segments[i].fid);
        if (!column)
            return RAISE(JET_errCatalogCorrupted);
        bool unicode = coltyp_bytes(column->type) == 0 && column->type != JET_coltypBinary &&
                       column->type != JET_coltypLongBinary && column->code_page == 1200;
        index->foreign_sort |= unicode && !b->sort_is_ours;
    }
    return JET_errSuccess;
}

JET_ERR table_def_builder_finish(struct table_def_builder *builder, struct table_def **out) {
    JET_ERR err = JET_errSuccess;
    struct table_def *def = builder->def;
    size_t columns_bytes = builder->count * sizeof(struct column);
    if (!builder->has_table || def->memory)
        FAIL(JET_errCatalogCorrupted);
    uint8_t *memory = malloc(columns_bytes + builder->defaults_bytes + 1);
    if (!memory)
        FAIL(JET_errOutOfMemory);
    def->memory = memory;
    def->columns = (struct column *)memory;
    def->column_count = builder->count;
    if (builder->defaults_bytes)
        memcpy(memory + columns_bytes, builder->defaults, builder->defaults_bytes);
    for (unsigned i = 0; i < builder->count; i++) {
        struct column *column = &def->columns[i];
        *column = builder->pending[i].column;
        if (column->default_value.p)
            column->default_value.p = memory + columns_bytes + builder->pending[i].default_at;
    }
    CALL(check_primary(builder));
    *out = def;
    builder->def = NULL;
cleanup:
    return err;
}

JET_ERR cat_check_name(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n > JET_cbNameMost || name[0] == ' ')
        return RAISE(JET_errInvalidName);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < ' ' || c == 0x7f || strchr("!.[]", c))
            return RAISE(JET_errInvalidName);
    }
    return JET_errSuccess;
}
