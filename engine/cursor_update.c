/* Updates: prepare, set columns, update; and delete. The record is built in a rec_edit beside the cursor; the table
 * sees it in one versioned change when JetUpdate comes. */
#include <stdlib.h>

#include "engine/cursor_priv.h"

static bool is_insert(uint32_t prep) {
    return prep == JET_prepInsert || prep == JET_prepInsertCopy || prep == JET_prepInsertCopyDeleteOriginal;
}

void cursor_cancel(struct cursor *c) {
    struct update *u = &c->update;
    rec_edit_free(u->edit);
    u->edit = NULL;
    if (u->def != c->def)
        table_def_free(u->def);
    u->def = NULL;
}

/* ---- prepare ---- */

/* May this cursor change rows of its table at all? */
static JET_ERR check_writable(struct cursor *c) {
    JET_ERR err = JET_errSuccess;

    CALL(cursor_refresh(c));
    const struct table_def *def = c->def;
    if ((c->grbit & JET_bitTableReadOnly) || c->db->read_only || (def->flags & JET_bitTableCreateSystemTable))
        FAIL(JET_errPermissionDenied);
    if (def->secondary_count || def->has_long_values || def->has_template)
        FAIL(JET_errFeatureNotAvailable);
    if (def->has_primary && def->primary.foreign_sort)
        FAIL(JET_errSecondaryIndexCorrupted);
cleanup:
    return err;
}

static JET_ERR begin_edit(struct cursor *c, uint32_t prep, struct slice base) {
    struct update *u = &c->update;
    JET_ERR err = rec_edit_new(c->def, c->db->page_size, base, &u->edit);
    if (err >= JET_errSuccess) {
        u->def = c->def;
        u->prep = prep;
        u->level = session_level(c->session);
    }
    return err;
}

static JET_ERR set_number(struct cursor *c, const struct column *column, const void *value, size_t bytes) {
    return rec_edit_set(c->update.edit, column, 1, slice(value, bytes), false);
}

static JET_ERR init_insert(struct cursor *c) {
    JET_ERR err = JET_errSuccess;
    uint8_t value[8];
    size_t bytes;

    if (c->auto_column) {
        CALL(cursor_next_auto(c, value, &bytes));
        CALL(set_number(c, c->auto_column, value, bytes));
    }
    if (c->version_column) {
        store32(value, 0);
        CALL(set_number(c, c->version_column, value, 4));
    }
cleanup:
    return err;
}

static JET_ERR init_replace(struct cursor *c) {
    JET_ERR err = JET_errSuccess;
    struct rec_value old;
    uint8_t value[4];

    if (!c->version_column)
        return JET_errSuccess;
    CALL(rec_edit_get(c->update.edit, c->version_column, 1, &old));
    store32(value, old.kind == REC_VALUE && old.bytes.n == 4 ? load32(old.bytes.p) + 1 : 0);
    CALL(set_number(c, c->version_column, value, 4));
cleanup:
    return err;
}

/* Copies the current record to base, claiming it first if it is to be locked. */
static JET_ERR take_base(struct cursor *c, bool lock) {
    JET_ERR err = JET_errSuccess;
    struct slice record;

    CALL(cursor_current(c, &record));
    if (lock && session_level(c->session) > 0) { /* outside of a transaction nothing could hold it until the update */
        CALL(ver_lock(c->session, c->tree, cursor_key(c)));
        CALL(cursor_current(c, &record));
    }
    memcpy(c->update.base, record.p, record.n);
    c->update.base_bytes = record.n;
cleanup:
    return err;
}

JET_ERR cursor_prepare(struct cursor *cursor, uint32_t prep) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = cursor;
    struct update *u = &c->update;

    if (prep == JET_prepCancel) {
        if (!u->edit)
            FAIL(JET_errUpdateNotPrepared);
        cursor_cancel(c);
        return JET_errSuccess;
    }
    if (!is_insert(prep) && prep != JET_prepReplace && prep != JET_prepReplaceNoLock)
        FAIL(prep == JET_prepReadOnlyCopy || prep == JET_prepInsertCopyReplaceOriginal ||
                     prep == JET_prepInsertMustSetAutoIncrement
                 ? JET_errFeatureNotAvailable
                 : JET_errInvalidParameter);
    if (u->edit)
        FAIL(JET_errAlreadyPrepared);
    CALL(check_writable(c));
    if (prep == JET_prepInsert) {
        CALL(begin_edit(c, prep, (struct slice){0}));
    } else {
        CALL(take_base(c, prep == JET_prepReplace || prep == JET_prepInsertCopyDeleteOriginal));
        CALL(begin_edit(c, prep, slice(u->base, u->base_bytes)));
    }
    if (prep == JET_prepInsert || prep == JET_prepInsertCopy)
        err = init_insert(c);
    else if (!is_insert(prep))
        err = init_replace(c);
    if (err < JET_errSuccess)
        cursor_cancel(c);
cleanup:
    return err;
}

/* ---- set ---- */

#define LONG_VALUE_SETS (JET_bitSetAppendLV | JET_bitSetOverwriteLV | JET_bitSetSizeLV)
#define UNIQUE_SETS (JET_bitSetUniqueMultiValues | JET_bitSetUniqueNormalizedMultiValues)

static bool is_long_type(JET_COLTYP type) {
    return type == JET_coltypLongBinary || type == JET_coltypLongText;
}

static JET_ERR check_set(struct cursor *c, const struct set_column *set, const struct column **out) {
    const JET_GRBIT known = LONG_VALUE_SETS | UNIQUE_SETS | JET_bitSetZeroLength | JET_bitSetSeparateLV |
                            JET_bitSetRevertToDefaultValue | JET_bitSetIntrinsicLV | JET_bitSetUncompressed |
                            JET_bitSetCompressed | JET_bitSetContiguousLV;
    JET_GRBIT how = set->grbit & LONG_VALUE_SETS;
    const bool one_way = (how & (how - 1)) == 0 || how == (JET_bitSetOverwriteLV | JET_bitSetSizeLV);

    if (!c->update.edit)
        return RAISE(JET_errUpdateNotPrepared);
    if (set->fid == 0 || set->fid > FID_TAGGED_LAST)
        return RAISE(JET_errBadColumnId);
    const struct column *column = table_column(c->update.def, set->fid);
    if (!column)
        return RAISE(JET_errColumnNotFound);
    if ((set->grbit & ~known) || (how && (set->grbit & UNIQUE_SETS)) || !one_way ||
        ((how & (JET_bitSetAppendLV | JET_bitSetSizeLV)) && !is_long_type(column->type)) ||
        ((set->grbit & JET_bitSetRevertToDefaultValue) && column->fid < FID_TAGGED_FIRST))
        return RAISE(JET_errInvalidGrbit);
    if ((column->flags & COLUMN_AUTO_INCREMENT) || ((column->flags & COLUMN_VERSION) && !is_insert(c->update.prep)))
        return RAISE(JET_errInvalidColumnType);
    *out = column;
    return JET_errSuccess;
}

/* The value as it is; NULL reads as empty. bytes: allocated, room for `room` bytes at least. */
static JET_ERR copy_value(struct cursor *c, const struct column *column, unsigned itag, size_t room, uint8_t **bytes,
                          size_t *n) {
    JET_ERR err = JET_errSuccess;
    struct rec_value old = {0};

    *n = 0;
    if (itag > 0)
        CALL(rec_edit_get(c->update.edit, column, itag, &old));
    if (old.kind == REC_SEPARATED || old.kind == REC_ENCRYPTED)
        FAIL(JET_errFeatureNotAvailable);
    if (old.kind == REC_COMPRESSED)
        CALL(rec_decompress(old.bytes, NULL, 0, n));
    else if (old.kind == REC_VALUE)
        *n = old.bytes.n;
    *bytes = malloc((*n > room ? *n : room) + 1);
    if (!*bytes)
        FAIL(JET_errOutOfMemory);
    if (old.kind == REC_COMPRESSED)
        CALL(rec_decompress(old.bytes, *bytes, *n, n));
    else if (*n)
        memcpy(*bytes, old.bytes.p, *n);
cleanup:
    return err;
}

/* JetSetColumn on a part of a long value: append, write over what is at an offset (and end there), or its size. */
static JET_ERR set_part(struct cursor *c, const struct column *column, const struct set_column *set) {
    JET_ERR err = JET_errSuccess;
    uint8_t *bytes = NULL;
    size_t n, offset = set->offset, count = set->value.n;
    const bool ends = set->grbit & JET_bitSetSizeLV;

    if (ends && !(set->grbit & JET_bitSetOverwriteLV)) {
        if (count != 4)
            FAIL(JET_errInvalidBufferSize);
        offset = load32(set->value.p);
        count = 0;
    }
    if (offset > c->db->page_size || count > c->db->page_size)
        FAIL(JET_errRecordTooBig);
    CALL(copy_value(c, column, set->itag, c->db->page_size + offset + count, &bytes, &n));
    if (set->grbit & JET_bitSetAppendLV)
        offset = n;
    if (offset > n)
        memset(bytes + n, 0, offset - n);
    if (count)
        memcpy(bytes + offset, set->value.p, count);
    if (ends || offset + count > n)
        n = offset + count;
    CALL(rec_edit_set(c->update.edit, column, set->itag, slice(bytes, n), false));
cleanup:
    free(bytes);
    return err;
}

static JET_ERR same_key(const struct column *column, struct slice a, struct slice b, bool *same) {
    JET_ERR err = JET_errSuccess;
    struct key_segment segment = {.type = column->type, .code_page = column->code_page};
    uint8_t key_a[KEY_BUFFER], key_b[KEY_BUFFER];
    size_t a_bytes = 0, b_bytes = 0;
    bool truncated = false;

    CALL(key_append(&segment, a, KEY_MAX, key_a, &a_bytes, &truncated));
    CALL(key_append(&segment, b, KEY_MAX, key_b, &b_bytes, &truncated));
    *same = slice_compare(slice(key_a, a_bytes), slice(key_b, b_bytes)) == 0;
cleanup:
    return err;
}

static JET_ERR check_unique(struct cursor *c, const struct column *column, const struct set_column *set) {
    JET_ERR err = JET_errSuccess;
    struct rec_value other;
    unsigned count = 1;

    if (!set->value.p)
        return JET_errSuccess;
    for (unsigned itag = 1; itag <= count; itag++) {
        CALL(rec_edit_get(c->update.edit, column, itag, &other));
        count = other.count;
        if (itag == set->itag || other.kind != REC_VALUE)
            continue;
        bool same = slice_compare(other.bytes, set->value) == 0;
        if (!same && (set->grbit & JET_bitSetUniqueNormalizedMultiValues))
            CALL(same_key(column, other.bytes, set->value, &same));
        if (same)
            FAIL(JET_errMultiValuedDuplicate);
    }
cleanup:
    return err;
}

/* Text and Binary that are longer than their column: as much as it holds. */
static bool cut_to_max(const struct column *column, struct slice *value) {
    size_t max = column->max_bytes ? column->max_bytes : JET_cbColumnMost;
    if ((column->type != JET_coltypText && column->type != JET_coltypBinary) || value->n <= max)
        return false;
    value->n = column->type == JET_coltypText && column->code_page == 1200 ? max & ~(size_t)1 : max;
    return true;
}

JET_ERR cursor_set(struct cursor *cursor, const struct set_column *set) {
    JET_ERR err = JET_errSuccess;
    const struct column *column = NULL;
    struct set_column s = *set;

    CALL(check_set(cursor, set, &column));
    if (s.grbit & JET_bitSetRevertToDefaultValue) {
        err = rec_edit_set(cursor->update.edit, column, s.itag, (struct slice){0}, true);
        goto cleanup;
    }
    if (is_long_type(column->type) && ((s.grbit & LONG_VALUE_SETS) || s.offset > 0)) {
        err = set_part(cursor, column, &s);
        goto cleanup;
    }
    if (s.value.n == 0)
        s.value = s.grbit & JET_bitSetZeroLength ? slice("", 0) : (struct slice){0};
    else if (!s.value.p)
        FAIL(JET_errInvalidParameter);
    if (!s.value.p && (column->flags & COLUMN_NOT_NULL))
        FAIL(JET_errNullInvalid);
    bool cut = cut_to_max(column, &s.value);
    if (s.value.n > cursor->db->page_size && is_long_type(column->type))
        FAIL(JET_errRecordTooBig);
    if (s.grbit & UNIQUE_SETS)
        CALL(check_unique(cursor, column, &s));
    CALL(rec_edit_set(cursor->update.edit, column, s.itag, s.value, false));
    if (cut)
        err = JET_wrnColumnMaxTruncated;
cleanup:
    return err;
}

/* ---- update ---- */

/* The record and its key. */
static JET_ERR finish_record(struct cursor *c, uint8_t *record, size_t *bytes, uint8_t *key, size_t *key_bytes) {
    JET_ERR err = JET_errSuccess;
    const struct table_def *def = c->update.def;
    uint32_t page_size = c->db->page_size;

    CALL(rec_edit_finish(c->update.edit, record, bytes));
    if (*bytes > page_record_max(page_size, def->has_primary ? def->primary.key_max : JET_cbKeyMost))
        FAIL(JET_errRecordTooBig);
    if (def->has_primary)
        CALL(rec_key(slice(record, *bytes), page_size, def, &def->primary, key, key_bytes));
cleanup:
    return err;
}

static JET_ERR move_record(struct cursor *c, struct slice key, struct slice record) {
    JET_ERR err = JET_errSuccess;
    bool began = false;

    CALL(trx_begin(c->session, false));
    began = true;
    CALL(ver_delete(c->session, c->tree, cursor_key(c)));
    CALL(ver_insert(c->session, c->tree, key, record));
cleanup:
    if (began && err < JET_errSuccess)
        CALL_KEEP_FIRST(trx_rollback(c->session, false));
    else if (began)
        err = trx_commit(c->session, false);
    return err;
}

/* The record the update began with is still the current one. */
static JET_ERR check_base(struct cursor *c) {
    JET_ERR err = JET_errSuccess;
    struct slice now;

    CALL(cursor_current(c, &now));
    if (slice_compare(now, slice(c->update.base, c->update.base_bytes)) != 0)
        FAIL(JET_errWriteConflict);
cleanup:
    return err;
}

static JET_ERR insert_record(struct cursor *c, struct slice record, uint8_t *key, size_t *key_bytes) {
    JET_ERR err = JET_errSuccess;

    if (!c->update.def->has_primary) {
        CALL(cursor_next_key(c, key));
        *key_bytes = 4;
    }
    if (c->update.prep == JET_prepInsertCopyDeleteOriginal) {
        CALL(check_base(c));
        CALL(move_record(c, slice(key, *key_bytes), record));
    } else {
        CALL(ver_insert(c->session, c->tree, slice(key, *key_bytes), record));
    }
cleanup:
    return err;
}

static JET_ERR replace_record(struct cursor *c, struct slice record, uint8_t *key, size_t *key_bytes) {
    JET_ERR err = JET_errSuccess;

    CALL(check_base(c));
    if (!c->update.def->has_primary) {
        *key_bytes = c->key_bytes;
        memcpy(key, c->key, c->key_bytes);
    } else if (slice_compare(slice(key, *key_bytes), cursor_key(c)) != 0) {
        FAIL(JET_errRecordPrimaryChanged);
    }
    CALL(ver_replace(c->session, c->tree, slice(key, *key_bytes), record));
cleanup:
    return err;
}

/* A primary index made since the update was prepared, or one that somebody is making, changes what a key is. */
static JET_ERR check_key_kind(struct cursor *c) {
    JET_ERR err = cursor_refresh(c);
    if (err >= JET_errSuccess && (c->def->has_primary != c->update.def->has_primary || c->state.index_hidden))
        err = RAISE(JET_errWriteConflict);
    return err;
}

JET_ERR cursor_bookmark_fits(struct cursor *cursor, size_t room) {
    JET_ERR err = JET_errSuccess;
    const struct table_def *def = cursor->update.def;
    uint8_t record[PAGE_SIZE_MAX], key[KEY_BUFFER];
    size_t bytes, key_bytes = 4;

    if (!cursor->update.edit)
        FAIL(JET_errUpdateNotPrepared);
    if (room > (def->has_primary ? def->primary.key_max : key_bytes))
        return JET_errSuccess;
    CALL(finish_record(cursor, record, &bytes, key, &key_bytes));
    if (key_bytes > room)
        FAIL(JET_errBufferTooSmall);
cleanup:
    return err;
}

JET_ERR cursor_update(struct cursor *cursor, struct slice *bookmark) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = cursor;
    uint8_t record[PAGE_SIZE_MAX];
    size_t bytes;

    if (!c->update.edit)
        FAIL(JET_errUpdateNotPrepared);
    if (session_level(c->session) == 0)
        FAIL(JET_errNotInTransaction);
    CALL(check_key_kind(c));
    CALL(finish_record(c, record, &bytes, c->bookmark, &c->bookmark_bytes));
    if (is_insert(c->update.prep))
        CALL(insert_record(c, slice(record, bytes), c->bookmark, &c->bookmark_bytes));
    else
        CALL(replace_record(c, slice(record, bytes), c->bookmark, &c->bookmark_bytes));
    cursor_cancel(c);
    if (bookmark)
        *bookmark = slice(c->bookmark, c->bookmark_bytes);
cleanup:
    return err;
}

/* ---- delete ---- */

JET_ERR cursor_delete(struct cursor *cursor) {
    JET_ERR err = JET_errSuccess;
    struct slice record;

    CALL(check_writable(cursor));
    if (session_level(cursor->session) == 0)
        FAIL(JET_errNotInTransaction);
    cursor_cancel(cursor);
    CALL(cursor_current(cursor, &record));
    CALL(ver_delete(cursor->session, cursor->tree, cursor_key(cursor)));
cleanup:
    return err;
}
