/* JetRetrieveColumn: a value of the current record, or of the update in progress. */
#include <limits.h>
#include <stdlib.h>

#include "engine/cursor_priv.h"

/* Where values come from. */
struct source {
    const struct table_def *def;
    const struct rec_edit *edit; /* NULL: record */
    struct slice record;
    uint32_t page_size;
};

static JET_ERR source_open(struct cursor *c, JET_GRBIT grbit, struct source *out) {
    JET_ERR err = JET_errSuccess;

    *out = (struct source){.page_size = c->db->page_size};
    if ((grbit & JET_bitRetrieveCopy) && c->update.edit) {
        out->edit = c->update.edit;
        out->def = c->update.def;
        return JET_errSuccess;
    }
    CALL(cursor_refresh(c));
    out->def = c->def;
    CALL(cursor_current(c, &out->record));
cleanup:
    return err;
}

static JET_ERR source_get(const struct source *s, const struct column *column, unsigned itag, struct rec_value *out) {
    return s->edit ? rec_edit_get(s->edit, column, itag, out) : rec_get(s->record, s->page_size, column, itag, out);
}

/* columnid 0: all tagged values of the record are numbered as if they were one column's. *column NULL: not so many. */
static JET_ERR find_tagged(const struct source *s, unsigned itag, const struct column **column, unsigned *own_itag) {
    JET_ERR err = JET_errSuccess;
    struct rec_value value;

    *column = NULL;
    *own_itag = itag; /* what is left of it, if there are not so many */
    for (unsigned i = 0; i < s->def->column_count; i++) {
        const struct column *candidate = &s->def->columns[i];
        if (candidate->fid < FID_TAGGED_FIRST)
            continue;
        CALL(source_get(s, candidate, 1, &value));
        unsigned count = value.kind == REC_NULL ? 1 : value.count;
        if (itag <= count) {
            *column = candidate;
            break;
        }
        *own_itag = itag -= count;
    }
cleanup:
    return err;
}

static JET_ERR give(struct slice value, struct retrieve *r) {
    size_t n = value.n < r->out_bytes ? value.n : r->out_bytes;
    if (n)
        memcpy(r->out, value.p, n);
    r->actual = (uint32_t)value.n;
    return n < value.n ? JET_wrnBufferTruncated : JET_errSuccess;
}

static JET_ERR give_from(struct slice value, uint32_t offset, struct retrieve *r) {
    return give(offset < value.n ? slice(value.p + offset, value.n - offset) : slice("", 0), r);
}

static JET_ERR give_compressed(struct slice value, uint32_t offset, struct retrieve *r) {
    JET_ERR err = JET_errSuccess;
    uint8_t *bytes = NULL;
    size_t n;

    CALL(rec_decompress(value, NULL, 0, &n));
    bytes = malloc(n + 1);
    if (!bytes)
        FAIL(JET_errOutOfMemory);
    CALL(rec_decompress(value, bytes, n, &n));
    err = give_from(slice(bytes, n), offset, r);
cleanup:
    free(bytes);
    return err;
}

static JET_ERR give_null(struct retrieve *r) {
    r->actual = 0;
    return JET_wrnColumnNull;
}

static JET_ERR give_value(const struct column *column, const struct rec_value *value, unsigned itag,
                          struct retrieve *r) {
    bool is_long = column->type == JET_coltypLongBinary || column->type == JET_coltypLongText;
    uint32_t offset = is_long ? r->offset : 0;

    switch (value->kind) {
    case REC_VALUE:
        return give_from(value->bytes, offset, r);
    case REC_COMPRESSED:
        return give_compressed(value->bytes, offset, r);
    case REC_SEPARATED:
        return RAISE(JET_errFeatureNotAvailable);
    case REC_ENCRYPTED:
        return RAISE(JET_errColumnNoEncryptionKey);
    case REC_ABSENT: {
        bool no_default = (r->grbit & JET_bitRetrieveIgnoreDefault) && column->fid >= FID_TAGGED_FIRST;
        if (itag == 1 && value->count == 0 && column->default_value.p && !no_default)
            return give_from(column->default_value, offset, r);
        return give_null(r);
    }
    case REC_NULL:
        return give_null(r);
    }
    return give_null(r);
}

static JET_ERR check_retrieve(const struct retrieve *r) {
    const JET_GRBIT index = JET_bitRetrieveFromIndex | JET_bitRetrieveFromPrimaryBookmark; /* the record is the entry */
    const JET_GRBIT known =
        index | JET_bitRetrieveCopy | JET_bitRetrieveTag | JET_bitRetrieveNull | JET_bitRetrieveIgnoreDefault;
    if ((r->grbit & ~known) || (r->grbit & index) == index)
        return RAISE(JET_errInvalidGrbit);
    return r->fid > FID_TAGGED_LAST ? RAISE(JET_errBadColumnId) : JET_errSuccess;
}

static JET_ERR give_count(unsigned count, struct retrieve *r) {
    r->itag = count;
    r->actual = 0;
    return JET_errSuccess;
}

JET_ERR cursor_retrieve(struct cursor *cursor, struct retrieve *r) {
    JET_ERR err = JET_errSuccess;
    struct source source;
    struct rec_value value;
    unsigned itag = r->itag;
    const struct column *column;

    CALL(check_retrieve(r));
    CALL(source_open(cursor, r->grbit, &source));
    if (r->fid == 0 && r->itag == 0) {
        CALL(find_tagged(&source, UINT_MAX, &column, &itag));
        return give_count(UINT_MAX - itag, r);
    }
    if (r->fid == 0) {
        CALL(find_tagged(&source, itag, &column, &itag));
        r->next_fid = column ? column->fid : 0;
        if (!column)
            return give_null(r);
    } else {
        column = table_column(source.def, r->fid);
        r->next_fid = r->fid;
        if (!column)
            FAIL(JET_errColumnNotFound);
    }
    CALL(source_get(&source, column, itag, &value));
    if (r->itag == 0)
        return give_count(value.count, r);
    err = give_value(column, &value, itag, r);
cleanup:
    return err;
}
