/* Reading, moving and changing records. */
#include <stdlib.h>

#include "api/handles.h"
#include "api/list.h"
#include "recovery/recovery.h"

/* ---- moving ---- */

JET_ERR JetMove(JET_SESID sesid, JET_TABLEID tableid, int32_t cRow, JET_GRBIT grbit) {
    struct api_session *session;
    struct api_table *table;
    if (grbit & ~(JET_GRBIT)JET_bitMoveKeyNE)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_table(sesid, tableid, 0, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = table->cursor ? cursor_move(table->cursor, cRow, grbit) : list_move(table->list, cRow);
    api_leave_session(session);
    return err;
}

JET_ERR JetMakeKey(JET_SESID sesid, JET_TABLEID tableid, const void *pvData, uint32_t cbData, JET_GRBIT grbit) {
    const JET_GRBIT known = JET_bitNewKey | JET_bitStrLimit | JET_bitSubStrLimit | JET_bitNormalizedKey |
                            JET_bitKeyDataZeroLength | JET_bitFullColumnStartLimit | JET_bitFullColumnEndLimit |
                            JET_bitPartialColumnStartLimit | JET_bitPartialColumnEndLimit;
    struct api_session *session;
    struct api_table *table;
    if (grbit & ~known)
        return RAISE(JET_errInvalidGrbit);
    if (!pvData && cbData)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    const bool zero_length = cbData == 0 && (grbit & JET_bitKeyDataZeroLength);
    err = cursor_make_key(table->cursor, slice(cbData ? pvData : zero_length ? "" : NULL, cbData), grbit);
    api_leave_session(session);
    return err;
}

JET_ERR JetSeek(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit) {
    const JET_GRBIT known = JET_bitSeekEQ | JET_bitSeekLT | JET_bitSeekLE | JET_bitSeekGE | JET_bitSeekGT |
                            JET_bitSetIndexRange | JET_bitCheckUniqueness;
    struct api_session *session;
    struct api_table *table;
    if (grbit & ~known)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = cursor_seek(table->cursor, grbit);
    api_leave_session(session);
    return err;
}

JET_ERR JetSetIndexRange(JET_SESID sesid, JET_TABLEID tableidSrc, JET_GRBIT grbit) {
    const JET_GRBIT known =
        JET_bitRangeInclusive | JET_bitRangeUpperLimit | JET_bitRangeInstantDuration | JET_bitRangeRemove;
    struct api_session *session;
    struct api_table *table;
    if (grbit & ~known)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_cursor(sesid, tableidSrc, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = cursor_set_range(table->cursor, grbit);
    api_leave_session(session);
    return err;
}

JET_ERR JetRetrieveKey(JET_SESID sesid, JET_TABLEID tableid, void *pvData, uint32_t cbMax, uint32_t *pcbActual,
                       JET_GRBIT grbit) {
    struct api_session *session;
    struct api_table *table;
    size_t actual = 0;
    if (grbit & ~(JET_GRBIT)JET_bitRetrieveCopy)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = cursor_retrieve_key(table->cursor, grbit, pvData, pvData ? cbMax : 0, &actual);
    if (err >= JET_errSuccess && pcbActual)
        *pcbActual = (uint32_t)actual;
    api_leave_session(session);
    return err;
}

/* As much of a bookmark as fits. */
static JET_ERR put_bookmark(struct slice bookmark, void *out, uint32_t out_bytes, uint32_t *actual) {
    uint32_t n = !out ? 0 : bookmark.n < out_bytes ? (uint32_t)bookmark.n : out_bytes;
    if (n)
        memcpy(out, bookmark.p, n);
    if (actual)
        *actual = (uint32_t)bookmark.n;
    return out && n < bookmark.n ? RAISE(JET_errBufferTooSmall) : JET_errSuccess;
}

JET_ERR JetGetBookmark(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbMax, uint32_t *pcbActual) {
    struct api_session *session;
    struct api_table *table;
    struct slice bookmark;
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = cursor_bookmark(table->cursor, &bookmark);
    if (err >= JET_errSuccess)
        err = put_bookmark(bookmark, pvBookmark, cbMax, pcbActual);
    api_leave_session(session);
    return err;
}

JET_ERR JetGotoBookmark(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbBookmark) {
    struct api_session *session;
    struct api_table *table;
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (!pvBookmark || cbBookmark == 0 || cbBookmark > KEY_MAX)
        err = RAISE(JET_errInvalidBookmark);
    else
        err = cursor_goto(table->cursor, slice(pvBookmark, cbBookmark));
    api_leave_session(session);
    return err;
}

/* ---- reading ---- */

#define RETRIEVE_GRBITS                                                                                                \
    (JET_bitRetrieveCopy | JET_bitRetrieveFromIndex | JET_bitRetrieveFromPrimaryBookmark | JET_bitRetrieveTag |        \
     JET_bitRetrieveNull | JET_bitRetrieveIgnoreDefault)

static JET_ERR retrieve(struct api_table *table, struct retrieve *r) {
    if (r->grbit & ~(JET_GRBIT)RETRIEVE_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    if ((r->grbit & JET_bitRetrieveFromIndex) && (r->grbit & JET_bitRetrieveFromPrimaryBookmark))
        return RAISE(JET_errInvalidGrbit);
    if (table->cursor)
        return cursor_retrieve(table->cursor, r);
    return list_retrieve(table->list, r->fid, r->out, r->out_bytes, &r->actual);
}

JET_ERR JetRetrieveColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid, void *pvData, uint32_t cbData,
                          uint32_t *pcbActual, JET_GRBIT grbit, JET_RETINFO *pretinfo) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session;
    struct api_table *table;
    struct retrieve r = {.fid = columnid, .grbit = grbit, .itag = 1, .out = pvData, .out_bytes = pvData ? cbData : 0};

    if (pretinfo && pretinfo->cbStruct < sizeof *pretinfo)
        return RAISE(JET_errInvalidParameter);
    err = api_enter_table(sesid, tableid, 0, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (pretinfo) {
        r.itag = pretinfo->itagSequence;
        r.offset = pretinfo->ibLongValue;
    }
    if (r.itag == 0)
        FAIL(JET_errBadItagSequence);
    err = retrieve(table, &r);
    if (err < JET_errSuccess)
        goto cleanup;
    if (pcbActual)
        *pcbActual = r.actual;
    if (pretinfo) {
        pretinfo->columnidNextTagged = r.next_fid;
        if (grbit & JET_bitRetrieveTag)
            pretinfo->itagSequence = r.itag;
    }
cleanup:
    api_leave_session(session);
    return err;
}

JET_ERR JetRetrieveColumns(JET_SESID sesid, JET_TABLEID tableid, JET_RETRIEVECOLUMN *pretrievecolumn,
                           uint32_t cretrievecolumn) {
    struct api_session *session;
    struct api_table *table;
    JET_ERR result = JET_errSuccess;

    if (!pretrievecolumn && cretrievecolumn)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_table(sesid, tableid, 0, &session, &table);
    if (err < JET_errSuccess)
        return err;
    for (uint32_t i = 0; i < cretrievecolumn; i++) {
        JET_RETRIEVECOLUMN *c = &pretrievecolumn[i];
        struct retrieve r = {.fid = c->columnid,
                             .grbit = c->grbit,
                             .offset = c->ibLongValue,
                             .itag = c->itagSequence,
                             .out = c->pvData,
                             .out_bytes = c->pvData ? c->cbData : 0};
        c->err = retrieve(table, &r);
        if (c->err < JET_errSuccess) {
            result = c->err;
            break;
        }
        c->cbActual = r.actual;
        c->columnidNextTagged = r.next_fid;
        if (c->itagSequence == 0 || (c->grbit & JET_bitRetrieveTag))
            c->itagSequence = r.itag;
        if (c->err == JET_wrnBufferTruncated)
            result = c->err;
    }
    api_leave_session(session);
    return result;
}

/* ---- changing ---- */

JET_ERR JetPrepareUpdate(JET_SESID sesid, JET_TABLEID tableid, uint32_t prep) {
    struct api_session *session;
    struct api_table *table;
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (prep != JET_prepCancel && cursor_db(table->cursor)->read_only)
        err = RAISE(JET_errPermissionDenied);
    else
        err = cursor_prepare(table->cursor, prep);
    api_leave_session(session);
    return err;
}

#define SET_GRBITS                                                                                                     \
    (JET_bitSetAppendLV | JET_bitSetOverwriteLV | JET_bitSetSizeLV | JET_bitSetZeroLength | JET_bitSetSeparateLV |     \
     JET_bitSetUniqueMultiValues | JET_bitSetUniqueNormalizedMultiValues | JET_bitSetRevertToDefaultValue |            \
     JET_bitSetIntrinsicLV | JET_bitSetUncompressed | JET_bitSetCompressed | JET_bitSetContiguousLV)

static JET_ERR set(struct api_table *table, JET_COLUMNID columnid, const void *data, uint32_t bytes, JET_GRBIT grbit,
                   uint32_t itag, uint32_t offset) {
    if (grbit & ~(JET_GRBIT)SET_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    if (grbit & JET_bitSetSeparateLV)
        return RAISE(JET_errFeatureNotAvailable);
    const bool size_only = (grbit & (JET_bitSetSizeLV | JET_bitSetOverwriteLV)) == JET_bitSetSizeLV;
    if (!data && bytes && !size_only)
        return RAISE(JET_errInvalidParameter);
    const le32_t size = to_le32(bytes); /* the engine takes the new size as a value, ESE's callers give it as cbData */
    const bool zero_length = bytes == 0 && (grbit & JET_bitSetZeroLength);
    struct set_column s = {.fid = columnid,
                           .grbit = grbit,
                           .offset = offset,
                           .itag = itag,
                           .value = size_only ? slice(&size, sizeof size)
                                              : slice(bytes         ? data
                                                      : zero_length ? ""
                                                                    : NULL,
                                                      bytes)};
    return cursor_set(table->cursor, &s);
}

JET_ERR JetSetColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid, const void *pvData, uint32_t cbData,
                     JET_GRBIT grbit, JET_SETINFO *psetinfo) {
    struct api_session *session;
    struct api_table *table;
    if (psetinfo && psetinfo->cbStruct < sizeof *psetinfo)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    err = set(table, columnid, pvData, cbData, grbit, psetinfo ? psetinfo->itagSequence : 1,
              psetinfo ? psetinfo->ibLongValue : 0);
    api_leave_session(session);
    return err;
}

JET_ERR JetSetColumns(JET_SESID sesid, JET_TABLEID tableid, JET_SETCOLUMN *psetcolumn, uint32_t csetcolumn) {
    struct api_session *session;
    struct api_table *table;
    if (!psetcolumn && csetcolumn)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    for (uint32_t i = 0; i < csetcolumn && err >= JET_errSuccess; i++) {
        JET_SETCOLUMN *c = &psetcolumn[i];
        err = c->err = set(table, c->columnid, c->pvData, c->cbData, c->grbit, c->itagSequence, c->ibLongValue);
    }
    api_leave_session(session);
    return err;
}

/* Outside of a transaction a change is one of its own, committed as JET_paramCommitDefault says. */
static JET_ERR begin_alone(struct api_session *session, bool *alone) {
    *alone = session_level(session->session) == 0;
    return *alone ? trx_begin(session->session, false) : JET_errSuccess;
}

static JET_ERR end_alone(struct api_session *session, bool alone, JET_ERR err) {
    if (!alone)
        return err;
    if (err < JET_errSuccess) {
        JET_ERR undone = trx_rollback(session->session, true);
        return undone < JET_errSuccess ? undone : err;
    }
    JET_ERR committed = trx_commit(session->session, params_int(&session->owner->params, JET_paramCommitDefault) &
                                                         JET_bitCommitLazyFlush);
    if (committed < JET_errSuccess)
        return committed;
    checkpoint_help(session->owner->inst);
    return err;
}

JET_ERR JetUpdate(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbBookmark, uint32_t *pcbActual) {
    struct api_session *session;
    struct api_table *table;
    struct slice bookmark;
    bool alone;
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (pvBookmark)
        err = cursor_bookmark_fits(table->cursor, cbBookmark);
    if (err >= JET_errSuccess)
        err = begin_alone(session, &alone);
    if (err >= JET_errSuccess)
        err = end_alone(session, alone, cursor_update(table->cursor, &bookmark));
    if (err >= JET_errSuccess)
        err = put_bookmark(bookmark, pvBookmark, cbBookmark, pcbActual);
    api_leave_session(session);
    return err;
}

JET_ERR JetDelete(JET_SESID sesid, JET_TABLEID tableid) {
    struct api_session *session;
    struct api_table *table;
    bool alone;
    JET_ERR err = api_enter_cursor(sesid, tableid, &session, &table);
    if (err < JET_errSuccess)
        return err;
    if (cursor_db(table->cursor)->read_only)
        err = RAISE(JET_errPermissionDenied);
    else
        err = begin_alone(session, &alone);
    if (err >= JET_errSuccess)
        err = end_alone(session, alone, cursor_delete(table->cursor));
    api_leave_session(session);
    return err;
}
