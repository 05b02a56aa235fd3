/* Reading records. The layout is drawn in rec_priv.h. */
#include "engine/rec_priv.h"

#include <stdlib.h>

/* ---- table definitions ---- */

void table_def_free(struct table_def *def) {
    if (def) {
        free(def->memory);
        free(def);
    }
}

const struct column *table_column(const struct table_def *def, uint32_t fid) {
    unsigned low = 0, end = def->column_count;
    while (low < end) {
        unsigned middle = low + (end - low) / 2;
        if (def->columns[middle].fid == fid)
            return &def->columns[middle];
        if (def->columns[middle].fid < fid)
            low = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

static char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool same_name(const char *a, const char *b) {
    while (*a && ascii_lower(*a) == ascii_lower(*b))
        a++, b++;
    return *a == *b;
}

const struct column *table_column_by_name(const struct table_def *def, const char *name) {
    for (unsigned i = 0; i < def->column_count; i++) {
        if (same_name(def->columns[i].name, name))
            return &def->columns[i];
    }
    return NULL;
}

/* ---- fixed and variable columns ---- */

JET_ERR rec_areas_read(struct slice record, struct rec_areas *out) {
    if (record.n < REC_HEADER_BYTES)
        return RAISE(JET_errDatabaseCorrupted);
    struct rec_areas a = {.record = record, .fixed_last = record.p[0], .var_last = record.p[1]};
    a.var_table = load16(record.p + 2);
    size_t bitmap_bytes = (a.fixed_last + 7) / 8;
    if (a.fixed_last > FID_FIXED_LAST || a.var_last < FID_VAR_NONE || a.var_table > record.n ||
        a.var_table < REC_HEADER_BYTES + bitmap_bytes || (a.fixed_last == 0 && a.var_table != REC_HEADER_BYTES))
        return RAISE(JET_errDatabaseCorrupted);
    a.bitmap = a.var_table - bitmap_bytes;
    a.var_data = a.var_table + 2 * (a.var_last - FID_VAR_NONE);
    if (a.var_data > record.n)
        return RAISE(JET_errDatabaseCorrupted);
    size_t var_bytes = a.var_last > FID_VAR_NONE ? load16(record.p + a.var_data - 2) & REC_OFFSET_MASK : 0;
    a.tagged = a.var_data + var_bytes;
    if (a.tagged > record.n)
        return RAISE(JET_errDatabaseCorrupted);
    *out = a;
    return JET_errSuccess;
}

JET_ERR rec_var_get(const struct rec_areas *a, unsigned fid, bool *null, struct slice *out) {
    const uint8_t *entry = a->record.p + a->var_table + 2 * (fid - FID_VAR_FIRST);
    size_t start = fid > FID_VAR_FIRST ? load16(entry - 2) & REC_OFFSET_MASK : 0;
    size_t end = load16(entry) & REC_OFFSET_MASK;
    *null = load16(entry) & REC_VAR_NULL;
    if (end < start || end > a->tagged - a->var_data || (*null && end != start))
        return RAISE(JET_errDatabaseCorrupted);
    *out = slice(a->record.p + a->var_data + start, end - start);
    return JET_errSuccess;
}

JET_ERR rec_check(struct slice record) {
    JET_ERR err = JET_errSuccess;
    struct rec_areas a = {0};
    CALL(rec_areas_read(record, &a));
    for (unsigned fid = FID_VAR_FIRST; fid <= a.var_last; fid++) {
        bool null = false;
        struct slice value = {0};
        CALL(rec_var_get(&a, fid, &null, &value));
    }
    if (record.n - a.tagged > 0 && record.n - a.tagged < TAG_ENTRY_BYTES)
        FAIL(JET_errDatabaseCorrupted);
cleanup:
    return err;
}

/* ---- tagged columns ---- */

JET_ERR rec_tags_read(const struct rec_areas *a, uint32_t page_size, struct rec_tags *out) {
    struct rec_tags tags = {.small = rec_small_page(page_size)};
    tags.area = slice(a->record.p + a->tagged, a->record.n - a->tagged);
    if (tags.area.n > 0) {
        if (tags.area.n < TAG_ENTRY_BYTES)
            return RAISE(JET_errDatabaseCorrupted);
        size_t first = load16(tags.area.p + 2) & (tags.small ? 0x1fff : REC_OFFSET_MASK);
        if (first == 0 || first % TAG_ENTRY_BYTES || first > tags.area.n)
            return RAISE(JET_errDatabaseCorrupted);
        tags.count = (unsigned)(first / TAG_ENTRY_BYTES);
    }
    *out = tags;
    return JET_errSuccess;
}

JET_ERR rec_tag_at(const struct rec_tags *tags, unsigned i, struct rec_tag *out) {
    const uint8_t *entry = tags->area.p + TAG_ENTRY_BYTES * i;
    uint16_t mask = tags->small ? 0x1fff : REC_OFFSET_MASK, word = load16(entry + 2);
    size_t start = word & mask, end = i + 1 < tags->count ? (size_t)(load16(entry + 6) & mask) : tags->area.n;
    if (start < (size_t)TAG_ENTRY_BYTES * tags->count || end < start || end > tags->area.n)
        return RAISE(JET_errDatabaseCorrupted);
    struct rec_tag tag = {.fid = load16(entry), .word = (uint16_t)(word & ~mask)};
    tag.raw = tag.body = slice(tags->area.p + start, end - start);
    if (!tags->small || word & REC_TAG_HEADER) {
        if (tag.raw.n == 0 || tag.raw.p[0] & REC_V_UNKNOWN)
            return RAISE(JET_errDatabaseCorrupted);
        tag.header = tag.raw.p[0];
        tag.body = slice(tag.raw.p + 1, tag.raw.n - 1);
    }
    if (tags->small && word & REC_TAG_NULL)
        tag.header |= REC_V_NULL;
    *out = tag;
    return JET_errSuccess;
}

JET_ERR rec_tag_count(const struct rec_tag *tag, unsigned *count) {
    if (tag->header & REC_V_NULL) {
        *count = 0;
    } else if (tag->header & REC_V_TWO) {
        *count = 2;
    } else if (tag->header & REC_V_MULTI) {
        size_t first = tag->body.n >= 2 ? load16(tag->body.p) & REC_OFFSET_MASK : 0;
        if (first < 2 || first % 2 || first > tag->body.n)
            return RAISE(JET_errDatabaseCorrupted);
        *count = (unsigned)(first / 2);
    } else {
        *count = 1;
    }
    return JET_errSuccess;
}

/* Where value `itag` lies in the body, whatever the form. */
static JET_ERR find_value(const struct rec_tag *tag, unsigned itag, unsigned count, bool *separated,
                          struct slice *out) {
    const struct slice *body = &tag->body;
    size_t start, end;
    *separated = tag->header & REC_V_SEPARATED;
    if (tag->header & REC_V_TWO) {
        if (body->n == 0)
            return RAISE(JET_errDatabaseCorrupted);
        size_t second = 1 + (size_t)body->p[0];
        start = itag == 1 ? 1 : second;
        end = itag == 1 ? second : body->n;
    } else if (tag->header & REC_V_MULTI) {
        uint16_t word = load16(body->p + 2 * (itag - 1));
        start = word & REC_OFFSET_MASK;
        end = itag < count ? (size_t)(load16(body->p + 2 * itag) & REC_OFFSET_MASK) : body->n;
        *separated = word & REC_MULTI_SEPARATED;
    } else {
        start = 0;
        end = body->n;
    }
    if (end < start || end > body->n)
        return RAISE(JET_errDatabaseCorrupted);
    *out = slice(body->p + start, end - start);
    return JET_errSuccess;
}

JET_ERR rec_tag_value(const struct rec_tag *tag, const struct column *column, unsigned itag, struct rec_value *out) {
    JET_ERR err = JET_errSuccess;
    struct rec_value v = {.kind = REC_VALUE};
    bool separated, is_long = coltyp_is_long(column->type);
    CALL(rec_tag_count(tag, &v.count));
    CALL(find_value(tag, itag, v.count, &separated, &v.bytes));
    if (!(tag->header & REC_V_TWO) && (bool)(tag->header & REC_V_LONG) != is_long)
        FAIL(JET_errDatabaseCorrupted);
    if (separated) {
        if (!is_long || (v.bytes.n != 4 && v.bytes.n != 8))
            FAIL(JET_errDatabaseCorrupted);
        v.kind = REC_SEPARATED;
    } else if (tag->header & REC_V_ENCRYPTED) {
        v.kind = REC_ENCRYPTED;
    } else if (tag->header & REC_V_COMPRESSED && itag == 1) {
        v.kind = REC_COMPRESSED;
    } else if (!column_size_fits(column, v.bytes.n)) {
        FAIL(JET_errDatabaseCorrupted);
    }
    *out = v;
cleanup:
    return err;
}

JET_ERR rec_tag_get(const struct rec_tag *tag, const struct column *column, unsigned itag, struct rec_value *out) {
    JET_ERR err = JET_errSuccess;
    unsigned count = 0;
    CALL(rec_tag_count(tag, &count));
    if (count == 0 && itag <= 1)
        *out = (struct rec_value){.kind = REC_NULL};
    else if (itag > count)
        *out = (struct rec_value){.kind = REC_ABSENT, .count = count};
    else
        CALL(rec_tag_value(tag, column, itag ? itag : 1, out));
cleanup:
    return err;
}

static JET_ERR get_tagged(const struct rec_areas *a, uint32_t page_size, const struct column *column, unsigned itag,
                          struct rec_value *out) {
    JET_ERR err = JET_errSuccess;
    struct rec_tags tags = {0};
    CALL(rec_tags_read(a, page_size, &tags));
    unsigned low = 0, end = tags.count;
    while (low < end) {
        unsigned middle = low + (end - low) / 2;
        if (load16(tags.area.p + TAG_ENTRY_BYTES * middle) < column->fid)
            low = middle + 1;
        else
            end = middle;
    }
    *out = (struct rec_value){.kind = REC_ABSENT};
    if (low < tags.count && load16(tags.area.p + TAG_ENTRY_BYTES * low) == column->fid) {
        struct rec_tag tag = {0};
        CALL(rec_tag_at(&tags, low, &tag));
        CALL(rec_tag_get(&tag, column, itag, out));
    }
cleanup:
    return err;
}

JET_ERR rec_each_tagged(struct slice record, uint32_t page_size,
                        JET_ERR (*fn)(void *context, uint16_t fid, unsigned count), void *context) {
    JET_ERR err = JET_errSuccess;
    struct rec_areas a = {0};
    struct rec_tags tags = {0};
    unsigned previous = FID_TAGGED_FIRST - 1;
    CALL(rec_areas_read(record, &a));
    CALL(rec_tags_read(&a, page_size, &tags));
    for (unsigned i = 0; i < tags.count; i++) {
        struct rec_tag tag = {0};
        unsigned count = 0;
        CALL(rec_tag_at(&tags, i, &tag));
        CALL(rec_tag_count(&tag, &count));
        if (tag.fid <= previous)
            FAIL(JET_errDatabaseCorrupted);
        previous = tag.fid;
        CALL(fn(context, tag.fid, count));
    }
cleanup:
    return err;
}

/* ---- any column ---- */

static JET_ERR get_fixed(const struct rec_areas *a, const struct column *column, struct rec_value *out) {
    size_t bytes = column_fixed_bytes(column), start = column->record_offset;
    if (column->fid > a->fixed_last) {
        *out = (struct rec_value){.kind = REC_ABSENT};
    } else if (start < REC_HEADER_BYTES || start + bytes > a->bitmap) {
        return RAISE(JET_errDatabaseCorrupted);
    } else if (rec_fixed_is_null(a, column->fid)) {
        *out = (struct rec_value){.kind = REC_NULL};
    } else {
        *out = (struct rec_value){.kind = REC_VALUE, .bytes = slice(a->record.p + start, bytes), .count = 1};
    }
    return JET_errSuccess;
}

static JET_ERR get_variable(const struct rec_areas *a, const struct column *column, struct rec_value *out) {
    JET_ERR err = JET_errSuccess;
    bool null = false;
    struct slice value = {0};
    *out = (struct rec_value){.kind = REC_ABSENT};
    if (column->fid > a->var_last)
        return err;
    CALL(rec_var_get(a, column->fid, &null, &value));
    if (!null && !column_size_fits(column, value.n))
        FAIL(JET_errDatabaseCorrupted);
    out->kind = null ? REC_NULL : REC_VALUE;
    out->count = !null;
    if (!null)
        out->bytes = value;
cleanup:
    return err;
}

JET_ERR rec_get(struct slice record, uint32_t page_size, const struct column *column, unsigned itag,
                struct rec_value *out) {
    JET_ERR err = JET_errSuccess;
    struct rec_areas a = {0};
    CALL(rec_areas_read(record, &a));
    if (fid_is_tagged(column->fid)) {
        CALL(get_tagged(&a, page_size, column, itag, out));
    } else {
        CALL(fid_is_fixed(column->fid) ? get_fixed(&a, column, out) : get_variable(&a, column, out));
        if (itag > 1) {
            out->kind = REC_ABSENT;
            out->bytes = slice(NULL, 0);
        }
    }
cleanup:
    return err;
}
