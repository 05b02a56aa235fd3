/* An update in progress: the values that the record will have.
 *
 * Fixed columns are kept as the bytes they will be; variable columns as slices; tagged columns as the bytes of the base
 * record until they are touched, so that what nobody sets (compressed, encrypted, separated values, values of deleted
 * columns) goes to the new record unchanged. Slices point into the copy of the base record or to memory of their own.
 *
 * What is written is what ESE writes (ese-facts 2.11): the place of a NULL fixed column is filled with 0x2a, unused
 * bits of the null bitmap are 1, fixed and variable columns between the last one present and the one being set get
 * their defaults, a variable column is never NULL at the end of the record (unless it has a default, which its absence
 * would bring back), two values of a column are a pair on small pages and a list on large ones. */
#include <assert.h>
#include <stdlib.h>

#include "engine/page.h"
#include "engine/rec_priv.h"

#define VAR_BYTES_MAX JET_cbColumnMost
#define PAIR_VALUE_MAX 255
#define DBK_BYTES 4 /* key of a table without primary index */

struct value {
    struct slice bytes;
    uint8_t *own; /* NULL: bytes are the base record's */
    enum rec_value_kind kind;
};

struct tagged {
    struct rec_tag base; /* as the base record has it; fid and word hold in any case */
    bool set;            /* by rec_edit_set */
    bool changed;        /* not base but what follows is the column's value */
    bool null;           /* explicit NULL; else a column without values is absent */
    unsigned count;
    struct value *values;
};

struct rec_edit {
    const struct table_def *def;
    uint32_t page_size;
    unsigned fixed_last, var_last;
    size_t fixed_end; /* end of the fixed columns in fixed[] */
    uint8_t nulls[(FIXED_COLUMNS + 7) / 8];
    bool changed[FID_TAGGED_FIRST]; /* fixed and variable columns */
    struct tagged *tagged;          /* by fid */
    unsigned tagged_count, tagged_size;
    uint8_t *fixed;     /* record offsets; room for all fixed columns */
    struct value var[]; /* those up to var_last; then the memory of fixed, then the base record */
};

/* ---- values ---- */

static void value_free(struct value *v) {
    free(v->own);
    *v = (struct value){.kind = REC_ABSENT};
}

static JET_ERR value_copy(struct slice bytes, struct value *out) {
    uint8_t *own = malloc(bytes.n ? bytes.n : 1);
    if (!own)
        return RAISE(JET_errOutOfMemory);
    if (bytes.n)
        memcpy(own, bytes.p, bytes.n);
    *out = (struct value){.bytes = slice(own, bytes.n), .own = own, .kind = REC_VALUE};
    return JET_errSuccess;
}

static void values_free(struct value *values, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        free(values[i].own);
    free(values);
}

/* ---- fixed columns ---- */

static void set_null_bit(struct rec_edit *e, unsigned fid, bool null) {
    uint8_t bit = (uint8_t)(1u << (fid - 1) % 8);
    if (null)
        e->nulls[(fid - 1) / 8] |= bit;
    else
        e->nulls[(fid - 1) / 8] &= (uint8_t)~bit;
}

static bool fixed_is_null(const struct rec_edit *e, unsigned fid) {
    return e->nulls[(fid - 1) / 8] >> (fid - 1) % 8 & 1;
}

/* value.p NULL: NULL. value.n <= size of the column. */
static void store_fixed(struct rec_edit *e, const struct column *column, struct slice value) {
    uint8_t *at = e->fixed + column->record_offset;
    size_t bytes = column_fixed_bytes(column);
    set_null_bit(e, column->fid, !value.p);
    if (!value.p) {
        memset(at, REC_FILL, bytes);
        return;
    }
    assert(value.n <= bytes);
    memmove(at, value.p, value.n); /* value may be what rec_edit_get gave */
    memset(at + value.n, column->type == JET_coltypText ? ' ' : 0, bytes - value.n);
    if (column->type == JET_coltypText && column->code_page == 1200)
        for (size_t i = value.n | 1; i < bytes; i += 2)
            at[i] = 0;
}

/* Columns up to fid become part of the record: with their defaults, or NULL. */
static JET_ERR extend_fixed(struct rec_edit *e, unsigned fid) {
    size_t end = e->fixed_end;
    for (unsigned f = e->fixed_last + 1; f <= fid; f++) {
        const struct column *column = table_column(e->def, f);
        if (!column) /* deleted: its place is the gap before the next column */
            continue;
        if (column->record_offset < end)
            return RAISE(JET_errDatabaseCorrupted);
        memset(e->fixed + end, REC_FILL, column->record_offset - end);
        store_fixed(e, column, column->default_value);
        end = column->record_offset + column_fixed_bytes(column);
    }
    if (fid > e->fixed_last) {
        e->fixed_last = fid;
        e->fixed_end = end;
    }
    return JET_errSuccess;
}

static JET_ERR set_fixed(struct rec_edit *e, const struct column *column, struct slice value) {
    JET_ERR err = JET_errSuccess;
    size_t bytes = column_fixed_bytes(column);
    if (value.n == 0)
        value.p = NULL;
    if (value.n > bytes || (value.p && coltyp_bytes(column->type) && value.n != bytes))
        FAIL(JET_errInvalidBufferSize);
    CALL(extend_fixed(e, column->fid));
    store_fixed(e, column, value);
cleanup:
    return err;
}

/* ---- variable columns ---- */

static struct value *var_value(struct rec_edit *e, unsigned fid) {
    return &e->var[fid - FID_VAR_FIRST];
}

static void extend_variable(struct rec_edit *e, unsigned fid) {
    for (unsigned f = e->var_last + 1; f <= fid; f++) {
        const struct column *column = table_column(e->def, f);
        struct slice value = column ? column->default_value : slice(NULL, 0);
        *var_value(e, f) = (struct value){.bytes = value, .kind = value.p ? REC_VALUE : REC_NULL};
    }
    if (fid > e->var_last)
        e->var_last = fid;
}

static JET_ERR set_variable(struct rec_edit *e, const struct column *column, struct slice value) {
    JET_ERR err = JET_errSuccess;
    struct value new_value = {.kind = REC_NULL};
    if (value.p) {
        if (value.n > (column->max_bytes ? column->max_bytes : VAR_BYTES_MAX) || !column_size_fits(column, value.n))
            FAIL(JET_errInvalidBufferSize);
        CALL(value_copy(value, &new_value));
    }
    extend_variable(e, column->fid);
    value_free(var_value(e, column->fid));
    *var_value(e, column->fid) = new_value;
cleanup:
    return err;
}

/* ---- tagged columns ---- */

static unsigned find_tagged(const struct rec_edit *e, unsigned fid, bool *found) {
    unsigned low = 0, end = e->tagged_count;
    while (low < end) {
        unsigned middle = low + (end - low) / 2;
        if (e->tagged[middle].base.fid < fid)
            low = middle + 1;
        else
            end = middle;
    }
    *found = low < e->tagged_count && e->tagged[low].base.fid == fid;
    return low;
}

/* The entry of a column, made if need be: then absent. */
static JET_ERR need_tagged(struct rec_edit *e, unsigned fid, struct tagged **out) {
    bool found;
    unsigned at = find_tagged(e, fid, &found);
    if (!found) {
        if (e->tagged_count == e->tagged_size) {
            unsigned size = e->tagged_size ? 2 * e->tagged_size : 8;
            struct tagged *bigger = realloc(e->tagged, size * sizeof *bigger);
            if (!bigger)
                return RAISE(JET_errOutOfMemory);
            e->tagged = bigger;
            e->tagged_size = size;
        }
        struct tagged *t = e->tagged + at;
        memmove(t + 1, t, (e->tagged_count - at) * sizeof *t);
        *t = (struct tagged){.base.fid = (uint16_t)fid, .changed = true};
        e->tagged_count++;
    }
    *out = e->tagged + at;
    return JET_errSuccess;
}

/* Takes an entry of the base record apart. */
static JET_ERR open_tagged(struct tagged *t, const struct column *column) {
    JET_ERR err = JET_errSuccess;
    unsigned count = 0;
    struct value *values = NULL;
    if (t->changed)
        return err;
    CALL(rec_tag_count(&t->base, &count));
    if (count && !(values = calloc(count, sizeof *values)))
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < count; i++) {
        struct rec_value v = {0};
        CALL(rec_tag_value(&t->base, column, i + 1, &v));
        if (v.kind == REC_ENCRYPTED)
            FAIL(JET_errFeatureNotAvailable);
        values[i] = (struct value){.bytes = v.bytes, .kind = v.kind};
    }
    t->changed = true;
    t->null = count == 0;
    t->count = count;
    t->values = values;
    values = NULL;
cleanup:
    free(values);
    return err;
}

/* Also an explicit NULL goes. */
static JET_ERR remove_all_tagged(struct tagged *t) {
    for (unsigned i = 0; i < t->count; i++) {
        if (t->values[i].kind == REC_SEPARATED)
            return RAISE(JET_errFeatureNotAvailable);
    }
    values_free(t->values, t->count);
    t->values = NULL;
    t->count = 0;
    t->null = false;
    return JET_errSuccess;
}

/* at == count: append. */
static JET_ERR put_tagged(struct tagged *t, unsigned at, struct slice bytes) {
    JET_ERR err = JET_errSuccess;
    struct value new_value = {0};
    if (at < t->count && t->values[at].kind == REC_SEPARATED)
        FAIL(JET_errFeatureNotAvailable);
    if (at == t->count) {
        struct value *bigger = realloc(t->values, (t->count + 1) * sizeof *bigger);
        if (!bigger)
            FAIL(JET_errOutOfMemory);
        t->values = bigger;
        bigger[at] = (struct value){.kind = REC_ABSENT};
    }
    CALL(value_copy(bytes, &new_value));
    value_free(&t->values[at]);
    t->values[at] = new_value;
    t->count += at == t->count;
    t->null = false;
cleanup:
    return err;
}

static JET_ERR remove_tagged(struct tagged *t, unsigned at) {
    if (t->values[at].kind == REC_SEPARATED)
        return RAISE(JET_errFeatureNotAvailable);
    value_free(&t->values[at]);
    t->count--;
    memmove(t->values + at, t->values + at + 1, (t->count - at) * sizeof *t->values);
    return JET_errSuccess;
}

static JET_ERR set_tagged(struct rec_edit *e, const struct column *column, unsigned itag, struct slice value,
                          bool revert) {
    JET_ERR err = JET_errSuccess;
    struct tagged *t = NULL;
    bool multi = column->flags & COLUMN_MULTI_VALUED;
    uint32_t max = column->max_bytes || coltyp_is_long(column->type) ? column->max_bytes : VAR_BYTES_MAX;
    if (value.p && max && value.n > max)
        FAIL(JET_errColumnTooBig);
    if (value.p && coltyp_bytes(column->type) && value.n != coltyp_bytes(column->type))
        FAIL(JET_errInvalidBufferSize);
    CALL(need_tagged(e, column->fid, &t));
    CALL(open_tagged(t, column));
    unsigned at = !multi ? 0 : itag == 0 || itag > t->count ? t->count : itag - 1;
    if (revert) {
        CALL(remove_all_tagged(t));
    } else if (value.p) {
        CALL(put_tagged(t, at, value));
    } else if (at < t->count) {
        CALL(remove_tagged(t, at));
        t->null = t->count == 0 && column->default_value.p;
    } else if (t->count == 0 && (itag == 1 || !multi)) {
        t->null = column->default_value.p;
    }
    t->set = true;
cleanup:
    return err;
}

/* ---- begin, set, get ---- */

static size_t fixed_room(const struct table_def *def, size_t base_end) {
    size_t room = base_end;
    for (unsigned i = 0; i < def->column_count && fid_is_fixed(def->columns[i].fid); i++) {
        size_t end = def->columns[i].record_offset + column_fixed_bytes(&def->columns[i]);
        room = end > room ? end : room;
    }
    return room;
}

/* Variable columns of the table and of the base record. */
static unsigned var_room(const struct table_def *def, unsigned base_last) {
    unsigned last = base_last;
    for (unsigned i = 0; i < def->column_count && !fid_is_tagged(def->columns[i].fid); i++)
        last = def->columns[i].fid > last ? def->columns[i].fid : last;
    return last - FID_VAR_NONE;
}

static JET_ERR load_base(struct rec_edit *e, const struct rec_areas *a) {
    JET_ERR err = JET_errSuccess;
    struct rec_tags tags = {0};
    memcpy(e->fixed, a->record.p, a->bitmap);
    e->fixed_end = a->bitmap;
    e->fixed_last = a->fixed_last;
    for (unsigned fid = 1; fid <= a->fixed_last; fid++)
        set_null_bit(e, fid, rec_fixed_is_null(a, fid));
    for (unsigned i = 0; i < e->def->column_count && e->def->columns[i].fid <= a->fixed_last; i++) {
        const struct column *column = &e->def->columns[i];
        if (column->record_offset < REC_HEADER_BYTES || column->record_offset + column_fixed_bytes(column) > a->bitmap)
            FAIL(JET_errDatabaseCorrupted);
    }
    for (unsigned fid = FID_VAR_FIRST; fid <= a->var_last; fid++) {
        bool null = false;
        struct slice bytes = {0};
        CALL(rec_var_get(a, fid, &null, &bytes));
        *var_value(e, fid) = (struct value){.bytes = bytes, .kind = null ? REC_NULL : REC_VALUE};
    }
    e->var_last = a->var_last;

    CALL(rec_tags_read(a, e->page_size, &tags));
    if (tags.count && !(e->tagged = malloc(tags.count * sizeof *e->tagged)))
        FAIL(JET_errOutOfMemory);
    e->tagged_size = tags.count;
    for (unsigned i = 0; i < tags.count; i++) {
        struct tagged *t = &e->tagged[i];
        *t = (struct tagged){.changed = false};
        CALL(rec_tag_at(&tags, i, &t->base));
        if (t->base.fid < FID_TAGGED_FIRST || (i > 0 && t->base.fid <= t[-1].base.fid))
            FAIL(JET_errDatabaseCorrupted);
        e->tagged_count++;
    }
cleanup:
    return err;
}

/* A new record begins with the columns up to the last one that has a default. */
static JET_ERR load_defaults(struct rec_edit *e) {
    JET_ERR err = JET_errSuccess;
    unsigned fixed_last = 0, var_last = FID_VAR_NONE;
    for (unsigned i = 0; i < e->def->column_count; i++) {
        const struct column *column = &e->def->columns[i];
        if (fid_is_tagged(column->fid))
            break;
        if (column->default_value.p && fid_is_fixed(column->fid))
            fixed_last = column->fid;
        else if (column->default_value.p)
            var_last = column->fid;
    }
    e->fixed_end = REC_HEADER_BYTES;
    CALL(extend_fixed(e, fixed_last));
    extend_variable(e, var_last);
cleanup:
    return err;
}

JET_ERR rec_edit_new(const struct table_def *def, uint32_t page_size, struct slice base, struct rec_edit **out) {
    JET_ERR err = JET_errSuccess;
    struct rec_edit *e = NULL;
    struct rec_areas areas = {.bitmap = REC_HEADER_BYTES, .var_last = FID_VAR_NONE};
    if (base.p)
        CALL(rec_areas_read(base, &areas));
    size_t var_count = var_room(def, areas.var_last), room = fixed_room(def, areas.bitmap);
    if (!(e = malloc(sizeof *e + var_count * sizeof *e->var + room + base.n)))
        FAIL(JET_errOutOfMemory);
    *e = (struct rec_edit){.def = def, .page_size = page_size, .var_last = FID_VAR_NONE};
    e->fixed = (uint8_t *)(e->var + var_count);
    memset(e->nulls, 0xff, sizeof e->nulls);
    if (base.p) {
        memcpy(e->fixed + room, base.p, base.n);
        areas.record.p = e->fixed + room;
        CALL(load_base(e, &areas));
    } else {
        CALL(load_defaults(e));
    }
    *out = e;
    e = NULL;
cleanup:
    rec_edit_free(e);
    return err;
}

void rec_edit_free(struct rec_edit *edit) {
    if (!edit)
        return;
    for (unsigned i = 0; i < edit->var_last - FID_VAR_NONE; i++)
        free(edit->var[i].own);
    for (unsigned i = 0; i < edit->tagged_count; i++)
        values_free(edit->tagged[i].values, edit->tagged[i].count);
    free(edit->tagged);
    free(edit);
}

JET_ERR rec_edit_set(struct rec_edit *edit, const struct column *column, unsigned itag, struct slice value,
                     bool revert) {
    JET_ERR err = JET_errSuccess;
    static const uint8_t bits[2] = {0, 0xff};
    bool tagged = fid_is_tagged(column->fid);
    if (itag > 1 && !(tagged && column->flags & COLUMN_MULTI_VALUED))
        FAIL(tagged ? JET_errBadItagSequence : JET_errMultiValuedColumnMustBeTagged);
    if (column->type == JET_coltypBit && value.p && value.n == 1)
        value.p = &bits[value.p[0] != 0];
    if (tagged) {
        CALL(set_tagged(edit, column, itag, revert ? slice(NULL, 0) : value, revert));
    } else {
        if (revert)
            value = column->default_value;
        CALL(fid_is_fixed(column->fid) ? set_fixed(edit, column, value) : set_variable(edit, column, value));
        edit->changed[column->fid] = true;
    }
cleanup:
    return err;
}

static JET_ERR get_tagged(const struct rec_edit *e, const struct column *column, unsigned itag, struct rec_value *out) {
    bool found;
    const struct tagged *t = e->tagged + find_tagged(e, column->fid, &found);
    if (found && !t->changed)
        return rec_tag_get(&t->base, column, itag, out);
    unsigned count = found ? t->count : 0, at = itag ? itag - 1 : 0;
    *out = (struct rec_value){.kind = found && t->null && at == 0 ? REC_NULL : REC_ABSENT, .count = count};
    if (at < count) {
        out->kind = t->values[at].kind;
        out->bytes = t->values[at].bytes;
    }
    return JET_errSuccess;
}

JET_ERR rec_edit_get(const struct rec_edit *edit, const struct column *column, unsigned itag, struct rec_value *out) {
    unsigned fid = column->fid;
    if (fid_is_tagged(fid))
        return get_tagged(edit, column, itag, out);
    struct rec_value v = {.kind = REC_ABSENT};
    if (fid_is_fixed(fid) && fid <= edit->fixed_last) {
        v.kind = fixed_is_null(edit, fid) ? REC_NULL : REC_VALUE;
        v.bytes = slice(edit->fixed + column->record_offset, column_fixed_bytes(column));
    } else if (!fid_is_fixed(fid) && fid <= edit->var_last) {
        v.kind = edit->var[fid - FID_VAR_FIRST].kind;
        v.bytes = edit->var[fid - FID_VAR_FIRST].bytes;
    }
    v.count = v.kind == REC_VALUE;
    if (v.kind != REC_VALUE || itag > 1)
        v.bytes = slice(NULL, 0);
    if (itag > 1)
        v.kind = REC_ABSENT;
    *out = v;
    return JET_errSuccess;
}

bool rec_edit_changed(const struct rec_edit *edit, const struct column *column) {
    bool found;
    if (!fid_is_tagged(column->fid))
        return edit->changed[column->fid];
    unsigned at = find_tagged(edit, column->fid, &found);
    return found && edit->tagged[at].set;
}

/* ---- the record ---- */

static JET_ERR check_not_null(const struct rec_edit *e) {
    JET_ERR err = JET_errSuccess;
    for (unsigned i = 0; i < e->def->column_count; i++) {
        const struct column *column = &e->def->columns[i];
        struct rec_value v = {0};
        if (!(column->flags & COLUMN_NOT_NULL))
            continue;
        CALL(rec_edit_get(e, column, 1, &v));
        if (v.kind == REC_NULL || (v.kind == REC_ABSENT && !column->default_value.p))
            FAIL(JET_errNullInvalid);
    }
cleanup:
    return err;
}

static bool is_present(const struct tagged *t) {
    return !t->changed || t->null || t->count > 0;
}

static bool is_pair(const struct tagged *t, bool is_long, bool small) {
    return small && !is_long && t->count == 2 && t->values[0].kind == REC_VALUE &&
           t->values[0].bytes.n <= PAIR_VALUE_MAX && t->values[1].bytes.n <= PAIR_VALUE_MAX;
}

/* Header byte of a changed column; on small pages a plain value (0) and NULL have none. */
static uint8_t header_of(const struct tagged *t, bool is_long, bool small) {
    if (t->count == 0)
        return REC_V_NULL;
    uint8_t header = is_long ? REC_V_LONG : 0;
    if (t->values[0].kind == REC_COMPRESSED)
        header |= REC_V_COMPRESSED;
    if (is_pair(t, is_long, small))
        return REC_V_MULTI | REC_V_TWO;
    if (t->count > 1)
        return header | REC_V_MULTI;
    return header | (t->values[0].kind == REC_SEPARATED ? REC_V_SEPARATED : 0);
}

static bool has_header(uint8_t header, bool small) {
    return !small || (header != 0 && header != REC_V_NULL);
}

/* Data of a changed column; the header byte is counted. */
static size_t tagged_bytes(const struct tagged *t, bool is_long, bool small) {
    uint8_t header = header_of(t, is_long, small);
    size_t n = has_header(header, small);
    for (unsigned i = 0; i < t->count; i++)
        n += t->values[i].bytes.n;
    return n + (header & REC_V_TWO ? 1 : header & REC_V_MULTI ? 2 * (size_t)t->count : 0);
}

static uint8_t *write_bytes(uint8_t *at, struct slice bytes) {
    if (bytes.n)
        memcpy(at, bytes.p, bytes.n);
    return at + bytes.n;
}

/* Returns the end; *word gets the flags of the offset word. */
static uint8_t *write_tagged(const struct tagged *t, bool is_long, bool small, uint8_t *at, uint16_t *word) {
    uint8_t header = header_of(t, is_long, small);
    *word = t->base.word & REC_TAG_DERIVED;
    if (has_header(header, small)) {
        *at++ = header;
        *word |= small ? REC_TAG_HEADER : 0;
    } else if (header == REC_V_NULL) {
        *word |= REC_TAG_NULL;
    }
    if (header & REC_V_TWO) {
        *at++ = (uint8_t)t->values[0].bytes.n;
    } else if (header & REC_V_MULTI) {
        size_t offset = 2 * (size_t)t->count;
        for (unsigned i = 0; i < t->count; i++) {
            bool separated = t->values[i].kind == REC_SEPARATED;
            store16(at, (uint16_t)(offset | (separated ? REC_MULTI_SEPARATED : 0)));
            at += 2;
            offset += t->values[i].bytes.n;
        }
    }
    for (unsigned i = 0; i < t->count; i++)
        at = write_bytes(at, t->values[i].bytes);
    return at;
}

static bool tagged_is_long(const struct rec_edit *e, const struct tagged *t) {
    const struct column *column = table_column(e->def, t->base.fid);
    return column && coltyp_is_long(column->type);
}

static uint8_t *write_all_tagged(const struct rec_edit *e, unsigned count, uint8_t *area) {
    uint8_t *entry = area, *at = area + (size_t)TAG_ENTRY_BYTES * count;
    for (unsigned i = 0; i < e->tagged_count; i++) {
        const struct tagged *t = &e->tagged[i];
        if (!is_present(t))
            continue;
        uint16_t offset = (uint16_t)(at - area), word = t->base.word;
        at = t->changed ? write_tagged(t, tagged_is_long(e, t), rec_small_page(e->page_size), at, &word)
                        : write_bytes(at, t->base.raw);
        store16(entry, t->base.fid);
        store16(entry + 2, offset | word);
        entry += TAG_ENTRY_BYTES;
    }
    return at;
}

/* The last variable column that has to be in the record. */
static unsigned trim_variable(const struct rec_edit *e) {
    unsigned last = e->var_last;
    for (; last > FID_VAR_NONE && e->var[last - FID_VAR_FIRST].kind == REC_NULL; last--) {
        const struct column *column = table_column(e->def, last);
        if (column && column->default_value.p)
            break;
    }
    return last;
}

static uint8_t *write_variable(const struct rec_edit *e, unsigned last, uint8_t *table) {
    uint8_t *data = table + 2 * (size_t)(last - FID_VAR_NONE), *at = data;
    for (unsigned i = 0; i < last - FID_VAR_NONE; i++) {
        at = write_bytes(at, e->var[i].bytes);
        store16(table + 2 * i, (uint16_t)((at - data) | (e->var[i].kind == REC_NULL ? REC_VAR_NULL : 0)));
    }
    return at;
}

JET_ERR rec_edit_finish(const struct rec_edit *edit, uint8_t *out, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    bool small = rec_small_page(edit->page_size);
    unsigned var_last = trim_variable(edit), tags = 0;
    size_t bitmap_bytes = (edit->fixed_last + 7) / 8;
    size_t total = edit->fixed_end + bitmap_bytes + 2 * (size_t)(var_last - FID_VAR_NONE);
    CALL(check_not_null(edit));
    for (unsigned i = 0; i < var_last - FID_VAR_NONE; i++)
        total += edit->var[i].bytes.n;
    for (unsigned i = 0; i < edit->tagged_count; i++) {
        const struct tagged *t = &edit->tagged[i];
        if (!is_present(t))
            continue;
        total += TAG_ENTRY_BYTES + (t->changed ? tagged_bytes(t, tagged_is_long(edit, t), small) : t->base.raw.n);
        tags++;
    }
    if (total > page_record_max(edit->page_size, edit->def->has_primary ? edit->def->primary.key_max : DBK_BYTES))
        FAIL(JET_errRecordTooBig);

    memcpy(out, edit->fixed, edit->fixed_end);
    out[0] = (uint8_t)edit->fixed_last;
    out[1] = (uint8_t)var_last;
    store16(out + 2, (uint16_t)(edit->fixed_end + bitmap_bytes));
    uint8_t *at = write_bytes(out + edit->fixed_end, slice(edit->nulls, bitmap_bytes));
    at = write_variable(edit, var_last, at);
    at = write_all_tagged(edit, tags, at);
    assert((size_t)(at - out) == total);
    *bytes = total;
cleanup:
    return err;
}
