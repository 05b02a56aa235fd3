/* Cursors: a place in a table's primary tree, and the update in progress there. What Jet* calls do after api/ has
 * checked handles and mapped structs. One session's thread at a time. */
#ifndef ESENT_ENGINE_CURSOR_H
#define ESENT_ENGINE_CURSOR_H

#include "engine/cat.h"

struct cursor;

/* JET_errObjectNotFound, JET_errTableLocked (deny flags), JET_errTooManyOpenTables is api's. grbit: JET_bitTable*. */
MUST_CHECK JET_ERR cursor_open(struct session *session, struct db *db, const char *table, JET_GRBIT grbit,
                               struct cursor **out);
MUST_CHECK JET_ERR cursor_dup(struct cursor *cursor, struct cursor **out);
void cursor_close(struct cursor *cursor);
struct session *cursor_session(const struct cursor *cursor);
struct db *cursor_db(const struct cursor *cursor);
/* Current definition, reloaded if the table was changed since. Valid until the next call on this cursor. */
MUST_CHECK JET_ERR cursor_table(struct cursor *cursor, const struct table_def **out);
/* Its own DDL (JetAddColumn, JetCreateIndex); JET_errNotInTransaction is handled: they run in a transaction of their
 * own. */
MUST_CHECK JET_ERR cursor_add_column(struct cursor *cursor, const struct cat_new_column *column, uint16_t *fid);
MUST_CHECK JET_ERR cursor_create_primary(struct cursor *cursor, const struct cat_new_index *index);

/* JET_MoveFirst, JET_MoveLast, JET_MoveNext, JET_MovePrevious, any other count. JET_errNoCurrentRecord: the cursor is
 * then before the first or behind the last record. */
MUST_CHECK JET_ERR cursor_move(struct cursor *cursor, int32_t count, JET_GRBIT grbit);
/* Search key: JET_bitNewKey, limits, JET_bitNormalizedKey, JET_bitKeyDataZeroLength. JET_errKeyIsMade,
 * JET_errKeyNotMade... */
MUST_CHECK JET_ERR cursor_make_key(struct cursor *cursor, struct slice value, JET_GRBIT grbit);
/* JET_bitSeekEQ/LT/LE/GE/GT, JET_bitSetIndexRange, JET_bitCheckUniqueness; JET_wrnSeekNotEqual, JET_errRecordNotFound,
 * JET_errKeyNotMade. */
MUST_CHECK JET_ERR cursor_seek(struct cursor *cursor, JET_GRBIT grbit);
MUST_CHECK JET_ERR cursor_set_range(struct cursor *cursor, JET_GRBIT grbit);
/* Key of the current record (or of the made search key with JET_bitRetrieveCopy). */
MUST_CHECK JET_ERR cursor_retrieve_key(struct cursor *cursor, JET_GRBIT grbit, void *out, size_t out_bytes,
                                       size_t *actual);
MUST_CHECK JET_ERR cursor_bookmark(struct cursor *cursor, struct slice *bookmark); /* JET_errNoCurrentRecord */
MUST_CHECK JET_ERR cursor_goto(struct cursor *cursor,
                               struct slice bookmark); /* JET_errRecordDeleted, JET_errInvalidBookmark */

/* Value of a column of the current record, or of the update in progress (JET_bitRetrieveCopy). Writes up to out_bytes
 * from `offset` (long values), *actual the whole rest. JET_wrnColumnNull, JET_wrnBufferTruncated,
 * JET_errNoCurrentRecord, JET_errRecordDeleted, JET_errColumnNotFound, JET_errBadColumnId, JET_errFeatureNotAvailable,
 * JET_errDecompressionFailed. fid 0: the tagged values of the record numbered as one column's; next_fid: whose it is
 * (0: not so many). itag 0: no value, itag becomes the number of values in the record, of all tagged ones with fid 0
 * (JetRetrieveColumns; JetRetrieveColumn does not allow it). */
struct retrieve {
    uint32_t fid;
    JET_GRBIT grbit;
    uint32_t offset;
    uint32_t itag;
    void *out;
    uint32_t out_bytes;
    uint32_t actual;
    uint32_t next_fid;
};
MUST_CHECK JET_ERR cursor_retrieve(struct cursor *cursor, struct retrieve *r);

/* JET_prepInsert, JET_prepReplace, JET_prepReplaceNoLock, JET_prepInsertCopy, JET_prepInsertCopyDeleteOriginal,
 * JET_prepCancel. JET_errAlreadyPrepared, JET_errUpdateNotPrepared, JET_errNoCurrentRecord, JET_errWriteConflict,
 * JET_errPermissionDenied (read-only cursor or database, system table), JET_errSecondaryIndexCorrupted (foreign sort
 * order), JET_errFeatureNotAvailable (secondary indexes, long values). Outside of a transaction JET_prepReplace is
 * JET_prepReplaceNoLock. */
MUST_CHECK JET_ERR cursor_prepare(struct cursor *cursor, uint32_t prep);
/* JET_errUpdateNotPrepared, JET_errBadColumnId, JET_errColumnNotFound, JET_errInvalidGrbit, JET_errInvalidColumnType
 * (an autoincrement column; a version column in a replace), JET_errMultiValuedDuplicate, JET_errNullInvalid,
 * JET_errRecordTooBig (alone larger than a page), and those of rec_edit_set. JET_wrnColumnMaxTruncated: what did not
 * fit in Text or Binary was cut off. Hints on where and how a long value is stored are ignored. */
struct set_column {
    uint32_t fid;
    JET_GRBIT grbit;
    uint32_t offset;
    uint32_t itag;
    struct slice value;
};
MUST_CHECK JET_ERR cursor_set(struct cursor *cursor, const struct set_column *set);
/* Inserts or replaces; bookmark (may be NULL): of the record, in the cursor's memory. JET_errKeyDuplicate,
 * JET_errRecordPrimaryChanged, JET_errNullInvalid, JET_errRecordTooBig, JET_errWriteConflict,
 * JET_errNotInTransaction... The update stays prepared after a failure. */
MUST_CHECK JET_ERR cursor_update(struct cursor *cursor, struct slice *bookmark);
/* Before it: JET_errBufferTooSmall if the bookmark will be longer than room. Changes nothing. */
MUST_CHECK JET_ERR cursor_bookmark_fits(struct cursor *cursor, size_t room);
MUST_CHECK JET_ERR cursor_delete(struct cursor *cursor);
/* An update prepared in a level that was rolled back is cancelled; the place stays. */
void cursor_after_rollback(struct cursor *cursor, unsigned new_level);

#endif
