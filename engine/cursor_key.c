/* Search keys: JetMakeKey and JetRetrieveKey. */
#include "engine/cursor_priv.h"

#define LIMITS                                                                                                         \
    (JET_bitFullColumnStartLimit | JET_bitFullColumnEndLimit | JET_bitPartialColumnStartLimit |                        \
     JET_bitPartialColumnEndLimit)
#define OLD_LIMITS (JET_bitStrLimit | JET_bitSubStrLimit)

static bool is_text(JET_COLTYP type) {
    return type == JET_coltypText || type == JET_coltypLongText;
}
static bool is_binary(JET_COLTYP type) {
    return type == JET_coltypBinary || type == JET_coltypLongBinary;
}

/* Which one of the new limits is meant; 0: none. */
static JET_ERR choose_limit(const struct key_segment *segment, JET_GRBIT grbit, JET_GRBIT *out) {
    JET_GRBIT limit = grbit & LIMITS, old = grbit & OLD_LIMITS;
    bool prefixes = is_text(segment->type) || (is_binary(segment->type) && !segment->fixed);

    if ((limit & (limit - 1)) || (limit && old))
        return RAISE(JET_errInvalidGrbit);
    if ((limit & (JET_bitPartialColumnStartLimit | JET_bitPartialColumnEndLimit)) && !prefixes)
        return RAISE(JET_errInvalidGrbit);
    if (old)
        limit = (old & JET_bitSubStrLimit) && is_text(segment->type) ? JET_bitPartialColumnEndLimit
                : old & JET_bitStrLimit                              ? JET_bitFullColumnEndLimit
                                                                     : 0;
    *out = limit;
    return JET_errSuccess;
}

/* Fixed Text and Binary are compared at their full length. */
static JET_ERR pad_fixed(const struct column *column, struct slice *value, uint8_t out[JET_cbColumnMost + 1]) {
    if (column->fid > FID_FIXED_LAST || coltyp_bytes(column->type) || !value->p || value->n == column->max_bytes)
        return JET_errSuccess;
    if (value->n > column->max_bytes || column->max_bytes > JET_cbColumnMost)
        return RAISE(JET_errInvalidBufferSize);
    bool wide = is_text(column->type) && column->code_page == 1200;
    memset(out, is_text(column->type) && !wide ? ' ' : 0, column->max_bytes);
    for (size_t i = 0; wide && i + 1 < column->max_bytes; i += 2)
        out[i] = ' ';
    memcpy(out, value->p, value->n);
    *value = slice(out, column->max_bytes);
    return JET_errSuccess;
}

/* Of a descending segment the whole value sorts above its continuations: only what they share is a start. */
static JET_ERR append_start(const struct key_segment *segment, struct slice value, size_t max, uint8_t *key,
                            size_t *used) {
    JET_ERR err = JET_errSuccess;
    size_t before = *used;
    bool truncated = false;

    if (!segment->descending || !value.p || value.n == 0)
        return key_append(segment, value, max, key, used, &truncated);
    CALL(key_append_prefix(segment, value, max, key, used));
    size_t shared = 1 + value.n + (value.n - 1) / 8; /* Binary: a count follows each full chunk of 8 */
    if (is_binary(segment->type))
        *used = before + shared < max ? before + shared : max;
    else
        while (*used > before && key[*used - 1] == 0xff)
            --*used;
cleanup:
    return err;
}

static JET_ERR append_segment(const struct table_def *def, struct search_key *s, struct slice value, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    const struct index_def *x = &def->primary;
    const struct column *column = table_column(def, x->segments[s->segments].fid);
    struct key_segment segment = rec_key_segment(def, x, s->segments);
    size_t max = x->key_max;
    uint8_t padded[JET_cbColumnMost + 1];
    bool truncated = false;
    JET_GRBIT limit = 0;

    CALL(choose_limit(&segment, grbit, &limit));
    bool partial = limit == JET_bitPartialColumnStartLimit || limit == JET_bitPartialColumnEndLimit;
    if (!partial)
        CALL(pad_fixed(column, &value, padded));
    if (limit == JET_bitPartialColumnEndLimit)
        CALL(key_append_prefix(&segment, value, max, s->key, &s->bytes));
    else if (limit == JET_bitPartialColumnStartLimit)
        CALL(append_start(&segment, value, max, s->key, &s->bytes));
    else
        CALL(key_append(&segment, value, max, s->key, &s->bytes, &truncated));
    if (limit == JET_bitFullColumnEndLimit) { /* above whatever the other segments may be */
        memset(s->key + s->bytes, 0xff, max + 1 - s->bytes);
        s->bytes = max + 1;
    }
    s->made = true;
    s->segments++;
    s->complete = limit != 0 || s->segments == x->segment_count;
cleanup:
    return err;
}

static JET_ERR take_whole(struct search_key *s, struct slice key, size_t max) {
    s->made = false;
    if (key.n == 0 || key.n > max + 1)
        return RAISE(JET_errInvalidParameter);
    memcpy(s->key, key.p, key.n);
    s->bytes = key.n;
    s->made = s->complete = true;
    return JET_errSuccess;
}

JET_ERR cursor_make_key(struct cursor *cursor, struct slice value, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct search_key *s = &cursor->search;
    const JET_GRBIT known = JET_bitNewKey | JET_bitNormalizedKey | JET_bitKeyDataZeroLength | LIMITS | OLD_LIMITS;

    if (grbit & ~known)
        FAIL(JET_errInvalidGrbit);
    CALL(cursor_refresh(cursor));
    const struct table_def *def = cursor->def;
    if (grbit & JET_bitNormalizedKey)
        return take_whole(s, value, def->has_primary ? def->primary.key_max : JET_cbKeyMost);
    if (!def->has_primary)
        FAIL(JET_errNoCurrentIndex);
    if (!(grbit & JET_bitNewKey) && !s->made)
        FAIL(JET_errKeyNotMade);
    if (!(grbit & JET_bitNewKey) && s->complete)
        FAIL(JET_errKeyIsMade);
    if (grbit & JET_bitNewKey) {
        s->made = s->complete = false;
        s->segments = 0;
        s->bytes = 0;
    }
    const struct column *column = table_column(def, def->primary.segments[s->segments].fid);
    bool one_size = column->fid <= FID_FIXED_LAST || coltyp_bytes(column->type);
    if (value.n == 0)
        value = (grbit & JET_bitKeyDataZeroLength) && !one_size ? slice("", 0) : (struct slice){0};
    CALL(append_segment(def, s, value, grbit));
cleanup:
    return err;
}

JET_ERR cursor_retrieve_key(struct cursor *cursor, JET_GRBIT grbit, void *out, size_t out_bytes, size_t *actual) {
    JET_ERR err = JET_errSuccess;
    struct slice key, record;

    if (grbit & ~(JET_GRBIT)JET_bitRetrieveCopy)
        FAIL(JET_errInvalidGrbit);
    if (grbit & JET_bitRetrieveCopy) {
        if (!cursor->search.made)
            FAIL(JET_errKeyNotMade);
        key = slice(cursor->search.key, cursor->search.bytes);
    } else {
        CALL(cursor_current(cursor, &record));
        key = cursor_key(cursor);
    }
    size_t n = key.n < out_bytes ? key.n : out_bytes;
    if (n)
        memcpy(out, key.p, n);
    *actual = key.n;
    err = n < key.n ? JET_wrnBufferTruncated : JET_errSuccess;
cleanup:
    return err;
}
