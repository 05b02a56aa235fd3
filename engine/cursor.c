/* Cursors: open, close, the place, and moving it.
 *
 * The place is a copy of the key, so it outlives whatever happens to the record and its page; page number, dbtime and
 * line beside it make the way back cheap while nobody has changed the page. A move is one walk under the tree's shared
 * latch past the nodes that the session does not see.
 *
 * Moves beyond an end leave the cursor before the first or behind the last record, so does a move that leaves an index
 * range, which is over then. After a deletion the cursor stays at the key: next and previous go on from there, and the
 * record is current again if somebody inserts one with this key. (All this is what the original does.) */
#include "engine/cursor.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/cursor_priv.h"
#include "engine/inst.h"

/* ---- open and close ---- */

static void cursor_free(struct cursor *c) {
    if (!c)
        return;
    cursor_cancel(c);
    cat_leave(&c->user);
    table_def_free(c->def);
    free(c->update.base);
    free(c->record);
    free(c);
}

static JET_ERR cursor_new(struct session *session, struct db *db, pgno_t fdp, objid_t objid, JET_GRBIT grbit,
                          struct cursor **out) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = calloc(1, sizeof *c);

    if (!c)
        FAIL(JET_errOutOfMemory);
    c->session = session;
    c->db = db;
    c->objid = objid;
    c->grbit = grbit;
    c->record = malloc(db->page_size);
    c->update.base = malloc(db->page_size);
    if (!c->record || !c->update.base)
        FAIL(JET_errOutOfMemory);
    c->user.session = session;
    c->user.writes = !(grbit & JET_bitTableReadOnly) && !db->read_only;
    c->user.denies_read = grbit & JET_bitTableDenyRead;
    c->user.denies_write = grbit & JET_bitTableDenyWrite;
    CALL(db_tree(db, fdp, objid, 0, &db->root, &c->tree));
    CALL(cat_enter(c->tree, &c->user)); /* before the catalog is read: see cat_ddl.c */
    CALL(cursor_refresh(c));
    if (c->state.deleted)
        FAIL(JET_errTableInUse);
    *out = c;
    c = NULL;
cleanup:
    cursor_free(c);
    return err;
}

JET_ERR cursor_open(struct session *session, struct db *db, const char *table, JET_GRBIT grbit, struct cursor **out) {
    JET_ERR err = JET_errSuccess;
    const JET_GRBIT known = JET_bitTableDenyWrite | JET_bitTableDenyRead | JET_bitTableReadOnly |
                            JET_bitTableUpdatable | JET_bitTablePermitDDL | JET_bitTableNoCache | JET_bitTablePreread |
                            JET_bitTableOpportuneRead | JET_bitTableAllowOutOfDate | JET_bitTableSequential |
                            JET_bitTableClassMask;
    objid_t objid;
    pgno_t fdp;
    bool began = false;

    if ((grbit & ~known) || ((grbit & JET_bitTablePermitDDL) && !(grbit & JET_bitTableDenyRead)) ||
        ((grbit & JET_bitTableReadOnly) && (grbit & JET_bitTableUpdatable)))
        FAIL(JET_errInvalidGrbit);
    if (session_level(session) == 0) { /* while it lasts, the root found is not given to another table */
        CALL(trx_begin(session, true));
        began = true;
    }
    CALL(cat_find_root(session, db, table, &objid, &fdp));
    CALL(cursor_new(session, db, fdp, objid, grbit, out));
cleanup:
    if (began)
        CALL_KEEP_FIRST(trx_commit(session, true));
    return err;
}

JET_ERR cursor_dup(struct cursor *cursor, struct cursor **out) {
    return cursor_new(cursor->session, cursor->db, cursor->tree->fdp, cursor->objid, cursor->grbit, out);
}

void cursor_close(struct cursor *cursor) {
    cursor_free(cursor);
}
struct session *cursor_session(const struct cursor *cursor) {
    return cursor->session;
}
struct db *cursor_db(const struct cursor *cursor) {
    return cursor->db;
}

/* ---- definition ---- */

static const struct column *column_with(const struct table_def *def, uint32_t flag) {
    for (unsigned i = 0; i < def->column_count && def->columns[i].fid <= FID_FIXED_LAST; i++)
        if (def->columns[i].flags & flag)
            return &def->columns[i];
    return NULL;
}

JET_ERR cursor_refresh(struct cursor *c) {
    JET_ERR err = JET_errSuccess;
    struct table_def *def;
    struct cat_state state;
    uint64_t ddl = atomic_load(&c->tree->ddl);
    struct stamp stamp = cursor_stamp(c);

    if (c->def && ((c->state.settled && c->def_ddl == ddl) || stamp_equal(c->def_stamp, stamp)))
        return JET_errSuccess;
    CALL(cat_load_table(c->session, c->db, c->objid, &def, &state));
    if (c->update.def != c->def)
        table_def_free(c->def);
    c->def = def;
    c->state = state;
    c->def_ddl = ddl;
    c->def_stamp = cursor_stamp(c);
    c->auto_column = column_with(def, COLUMN_AUTO_INCREMENT);
    c->version_column = column_with(def, COLUMN_VERSION);
cleanup:
    return err;
}

JET_ERR cursor_table(struct cursor *cursor, const struct table_def **out) {
    JET_ERR err = cursor_refresh(cursor);
    if (err >= JET_errSuccess)
        *out = cursor->def;
    return err;
}

static JET_ERR check_ddl(struct cursor *c) {
    if ((c->grbit & JET_bitTableReadOnly) || c->db->read_only)
        return RAISE(JET_errPermissionDenied);
    JET_ERR err = cursor_refresh(c);
    if (err >= JET_errSuccess && (c->def->flags & JET_bitTableCreateFixedDDL) && !(c->grbit & JET_bitTablePermitDDL))
        err = RAISE(JET_errFixedDDL);
    return err;
}

JET_ERR cursor_add_column(struct cursor *cursor, const struct cat_new_column *column, uint16_t *fid) {
    JET_ERR err = check_ddl(cursor);
    return err < JET_errSuccess ? err : cat_add_column(cursor->session, cursor->db, cursor->def, column, fid);
}

JET_ERR cursor_create_primary(struct cursor *cursor, const struct cat_new_index *index) {
    JET_ERR err = check_ddl(cursor);
    return err < JET_errSuccess ? err : cat_create_primary(cursor->session, cursor->db, cursor->def, index);
}

void cursor_after_rollback(struct cursor *cursor, unsigned new_level) {
    if (cursor->update.edit && cursor->update.level > new_level)
        cursor_cancel(cursor);
    cursor->state.settled = false; /* it may have been seen with what is undone now */
    cursor->def_stamp = (struct stamp){0};
    cursor->record_good = false;
}

/* ---- steps ---- */

/* The cursor is where place is: a node the session sees, as data. stamp: from before it was read. */
static void land(struct cursor *c, const struct bt_place *place, struct slice data, struct stamp stamp) {
    struct node node;

    page_node(&place->leaf.page, place->line, &node);
    c->where = AT_RECORD;
    c->key_bytes = node_key(&node, c->key);
    c->pgno = place->leaf.pgno;
    c->dbtime = page_dbtime(&place->leaf.page);
    c->line = place->line;
    memmove(c->record, data.p, data.n);
    c->record_bytes = data.n;
    c->record_stamp = stamp;
    c->record_good = true;
}

/* A page out of order must not lead in a circle. */
static JET_ERR check_order(const struct bt_place *place, enum cursor_step step, struct slice key) {
    struct node node;

    if (step == STEP_FIRST || step == STEP_LAST)
        return JET_errSuccess;
    page_node(&place->leaf.page, place->line, &node);
    int order = node_compare(&node, key);
    bool good = step == STEP_EQ   ? order == 0
                : step == STEP_GT ? order > 0
                : step == STEP_GE ? order >= 0
                : step == STEP_LT ? order < 0
                                  : order <= 0;
    return good ? JET_errSuccess : RAISE(JET_errDatabaseCorrupted);
}

/* To where a walk begins; *look: the node there is already a candidate. */
static JET_ERR walk_begin(struct cursor *c, enum cursor_step step, struct slice key, struct bt_place *place,
                          bool *look) {
    JET_ERR err = JET_errSuccess;

    *look = true;
    if (step == STEP_FIRST || step == STEP_LAST) {
        CALL(step == STEP_FIRST ? bt_first(c->tree, place) : bt_last(c->tree, place));
        if (page_lines(&place->leaf.page) == 0)
            err = JET_errNoCurrentRecord;
        return err;
    }
    bool here = c->where == AT_RECORD && key.p == c->key;
    if (here && bt_revisit(c->tree, c->pgno, c->dbtime, c->line, place))
        place->exact = true;
    else
        CALL(bt_find(c->tree, key, LATCH_SHARED, place));
    if (step == STEP_EQ && !place->exact)
        return JET_errNoCurrentRecord;
    if (step == STEP_GT || step == STEP_LT || (step == STEP_LE && !place->exact))
        *look = false;
    if ((step == STEP_GE || step == STEP_GT) && !place->exact) {
        CALL(bt_settle(c->tree, place));
        *look = true;
    }
cleanup:
    return err;
}

JET_ERR cursor_go(struct cursor *c, enum cursor_step step, struct slice key) {
    JET_ERR err = JET_errSuccess;
    struct bt_place place = {0};
    struct slice data = {0};
    bool look, visible = false;
    bool back = step == STEP_LAST || step == STEP_LE || step == STEP_LT;
    struct stamp stamp = cursor_stamp(c);

    c->record_good = false;
    os_rwlock_read(&c->tree->latch);
    CALL(walk_begin(c, step, key, &place, &look));
    for (;;) {
        if (look)
            CALL(ver_read(c->session, c->tree, &place, &visible, &data, c->record));
        if (visible)
            break;
        if (step == STEP_EQ)
            err = JET_errNoCurrentRecord;
        else
            err = back ? bt_prev(c->tree, &place) : bt_next(c->tree, &place);
        CALL(err);
        look = true;
    }
    CALL(check_order(&place, step, key));
    land(c, &place, data, stamp);
cleanup:
    bt_release(&place);
    os_rwlock_unlock(&c->tree->latch);
    return err;
}

static JET_ERR resolve_start(struct cursor *c) {
    return c->where == AT_START ? cursor_go(c, STEP_FIRST, slice(NULL, 0)) : JET_errSuccess;
}

JET_ERR cursor_current(struct cursor *c, struct slice *record) {
    JET_ERR err = JET_errSuccess;

    CALL(resolve_start(c));
    if (c->where != AT_RECORD)
        FAIL(JET_errNoCurrentRecord);
    if (!c->record_good || !stamp_equal(c->record_stamp, cursor_stamp(c))) {
        err = cursor_go(c, STEP_EQ, cursor_key(c));
        if (err == JET_errNoCurrentRecord)
            err = RAISE(JET_errRecordDeleted);
        CALL(err);
    }
    *record = slice(c->record, c->record_bytes);
cleanup:
    return err;
}

/* ---- ranges ---- */

static bool in_range(const struct range *r, struct slice key) {
    int order = slice_compare(key, slice(r->key, r->bytes));
    return (order == 0 && r->inclusive) || (r->upper ? order < 0 : order > 0);
}

static void range_set(struct cursor *c, bool upper, bool inclusive) {
    c->range.active = true;
    c->range.upper = upper;
    c->range.inclusive = inclusive;
    c->range.bytes = c->search.bytes;
    memcpy(c->range.key, c->search.key, c->search.bytes);
}

/* Is there a record in the new range? The place stays as it is. */
static JET_ERR check_range(struct cursor *c) {
    JET_ERR err = JET_errSuccess;
    enum cursor_where where = c->where;
    size_t bytes = c->key_bytes;
    uint8_t key[KEY_BUFFER];
    bool upper = c->range.upper;

    if (where == AT_RECORD)
        return in_range(&c->range, cursor_key(c)) ? JET_errSuccess : RAISE(JET_errNoCurrentRecord);
    memcpy(key, c->key, bytes);
    if (where == (upper ? AFTER_LAST : BEFORE_FIRST))
        FAIL(JET_errNoCurrentRecord);
    if (where == AT_GAP)
        CALL(cursor_go(c, upper ? STEP_GE : STEP_LT, slice(key, bytes)));
    else
        CALL(cursor_go(c, upper || where == AT_START ? STEP_FIRST : STEP_LAST, slice(NULL, 0)));
    if (!in_range(&c->range, cursor_key(c)))
        FAIL(JET_errNoCurrentRecord);
cleanup:
    if (where != AT_START || err < JET_errSuccess) {
        c->where = where;
        c->key_bytes = bytes;
        memcpy(c->key, key, bytes);
        c->record_good = false;
    }
    return err;
}

JET_ERR cursor_set_range(struct cursor *cursor, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = cursor;
    const JET_GRBIT known =
        JET_bitRangeInclusive | JET_bitRangeUpperLimit | JET_bitRangeInstantDuration | JET_bitRangeRemove;

    if (grbit & ~known)
        FAIL(JET_errInvalidGrbit);
    if (grbit & JET_bitRangeRemove) {
        if (!c->range.active)
            FAIL(JET_errInvalidOperation);
        c->range.active = false;
        return JET_errSuccess;
    }
    c->range.active = false;
    CALL(cursor_refresh(c));
    if (!c->def->has_primary)
        FAIL(JET_errNoCurrentIndex);
    if (!c->search.made)
        FAIL(JET_errKeyNotMade);
    range_set(c, grbit & JET_bitRangeUpperLimit, grbit & JET_bitRangeInclusive);
    c->search.made = false;
    err = check_range(c);
    if ((grbit & JET_bitRangeInstantDuration) || (err < JET_errSuccess && err != JET_errNoCurrentRecord))
        c->range.active = false;
cleanup:
    return err;
}

/* ---- moves ---- */

static JET_ERR step_once(struct cursor *c, bool forward) {
    JET_ERR err = JET_errSuccess;
    enum cursor_where beyond = forward ? AFTER_LAST : BEFORE_FIRST;

    CALL(resolve_start(c));
    if (c->where == beyond)
        err = JET_errNoCurrentRecord;
    else if (c->where == AT_RECORD)
        err = cursor_go(c, forward ? STEP_GT : STEP_LT, cursor_key(c));
    else if (c->where == AT_GAP)
        err = cursor_go(c, forward ? STEP_GE : STEP_LT, cursor_key(c));
    else
        err = cursor_go(c, forward ? STEP_FIRST : STEP_LAST, slice(NULL, 0));
    if (err >= JET_errSuccess && c->range.active && c->range.upper == forward && !in_range(&c->range, cursor_key(c)))
        err = JET_errNoCurrentRecord;
    if (err == JET_errNoCurrentRecord) {
        c->where = beyond;
        if (c->range.upper == forward)
            c->range.active = false;
    }
cleanup:
    return err;
}

static JET_ERR move_to_end(struct cursor *c, bool first) {
    c->range.active = false;
    JET_ERR err = cursor_go(c, first ? STEP_FIRST : STEP_LAST, slice(NULL, 0));
    if (err == JET_errNoCurrentRecord)
        c->where = first ? BEFORE_FIRST : AFTER_LAST;
    return err;
}

JET_ERR cursor_move(struct cursor *cursor, int32_t count, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct slice record;

    if (grbit & ~(JET_GRBIT)JET_bitMoveKeyNE) /* keys of a primary index are never equal */
        FAIL(JET_errInvalidGrbit);
    cursor_cancel(cursor);
    if (count == INT32_MIN || count == INT32_MAX)
        return move_to_end(cursor, count == INT32_MIN);
    if (count == 0)
        return cursor_current(cursor, &record);
    for (int32_t left = count < 0 ? -count : count; left > 0; left--)
        CALL(step_once(cursor, count > 0));
cleanup:
    return err;
}

/* ---- seeks ---- */

JET_ERR cursor_seek(struct cursor *cursor, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct cursor *c = cursor;
    const JET_GRBIT how = grbit & (JET_bitSeekEQ | JET_bitSeekLT | JET_bitSeekLE | JET_bitSeekGE | JET_bitSeekGT);
    struct slice key = slice(c->search.key, c->search.bytes);

    if (how == 0 || (how & (how - 1)) || (grbit & ~(how | JET_bitSetIndexRange | JET_bitCheckUniqueness)))
        FAIL(JET_errInvalidGrbit);
    if (!c->search.made)
        FAIL(JET_errKeyNotMade);
    cursor_cancel(c);
    c->range.active = false;
    c->search.made = false;
    err = cursor_go(c,
                    how == JET_bitSeekEQ   ? STEP_EQ
                    : how == JET_bitSeekLT ? STEP_LT
                    : how == JET_bitSeekLE ? STEP_LE
                    : how == JET_bitSeekGE ? STEP_GE
                                           : STEP_GT,
                    key);
    if (err == JET_errNoCurrentRecord) {
        if (how == JET_bitSeekEQ) {
            c->where = AT_GAP;
            c->key_bytes = key.n;
            memcpy(c->key, key.p, key.n);
        } else {
            c->where = how & (JET_bitSeekGE | JET_bitSeekGT) ? AFTER_LAST : BEFORE_FIRST;
        }
        return JET_errRecordNotFound;
    }
    CALL(err);
    if ((how & (JET_bitSeekGE | JET_bitSeekLE)) && slice_compare(cursor_key(c), key) != 0)
        err = JET_wrnSeekNotEqual;
    if (how == JET_bitSeekEQ && (grbit & JET_bitSetIndexRange))
        range_set(c, true, true);
    if (how == JET_bitSeekEQ && (grbit & JET_bitCheckUniqueness))
        err = JET_wrnUniqueKey;
cleanup:
    return err;
}

JET_ERR cursor_goto(struct cursor *cursor, struct slice bookmark) {
    JET_ERR err = JET_errSuccess;
    uint8_t key[KEY_BUFFER];

    if (!bookmark.p || bookmark.n == 0 || bookmark.n > KEY_MAX)
        FAIL(JET_errInvalidBookmark);
    memcpy(key, bookmark.p, bookmark.n); /* it may be the cursor's own */
    cursor_cancel(cursor);
    cursor->range.active = false;
    cursor->search.made = false;
    err = cursor_go(cursor, STEP_EQ, slice(key, bookmark.n));
    if (err == JET_errNoCurrentRecord)
        err = JET_errRecordDeleted;
cleanup:
    return err;
}

JET_ERR cursor_bookmark(struct cursor *cursor, struct slice *bookmark) {
    JET_ERR err = JET_errSuccess;
    CALL(resolve_start(cursor));
    if (cursor->where != AT_RECORD)
        FAIL(JET_errNoCurrentRecord);
    *bookmark = cursor_key(cursor);
cleanup:
    return err;
}
