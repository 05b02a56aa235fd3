/* See crowd.h. */
#include "tests/lib/crowd.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 2000 };

static uint64_t draw(uint64_t *random, uint64_t end) {
    uint64_t z = *random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % end;
}

/* ---- tables and rows ---- */

static uint32_t bytes_of(const struct crowd *c, uint32_t value) {
    return 4 + (value % 4 == 0 ? (value >> 3) % c->style->bytes : (value >> 3) % (c->style->bytes / 8 + 1));
}

static const char *name_of(unsigned table, char out[16]) {
    snprintf(out, 16, "crowd%u", table);
    return out;
}

static JET_ERR make_table(JET_SESID session, JET_DBID db, unsigned table) {
    char name[16];
    JET_COLUMNCREATE columns[2] = {
        {.cbStruct = sizeof *columns, .szColumnName = "key", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypLongBinary},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+key\0",
                             .cbKey = 6,
                             .grbit = JET_bitIndexPrimary};
    name_of(table, name);
    JET_TABLECREATE create = {.cbStruct = sizeof create,
                              .szTableName = name,
                              .rgcolumncreate = columns,
                              .cColumns = 2,
                              .rgindexcreate = &index,
                              .cIndexes = 1};
    TRY(JetCreateTableColumnIndex(session, db, &create));
    return JetCloseTable(session, create.tableid);
}

static JET_ERR open_table(JET_SESID session, JET_DBID db, unsigned table, JET_TABLEID *out) {
    char name[16];
    return JetOpenTable(session, db, name_of(table, name), NULL, 0, 0, out);
}

/* value 0: deleted, or JET_errRecordNotFound */
static JET_ERR put_row(const struct crowd *c, JET_SESID session, JET_TABLEID table, int32_t key, uint32_t value) {
    uint8_t bytes[BYTES_MAX + 4];
    TRY(JetMakeKey(session, table, &key, sizeof key, JET_bitNewKey));
    JET_ERR found = JetSeek(session, table, JET_bitSeekEQ);
    if (found != JET_errRecordNotFound)
        TRY(found);
    if (value == 0)
        return found < 0 ? found : JetDelete(session, table);
    TRY(JetPrepareUpdate(session, table, found < 0 ? JET_prepInsert : JET_prepReplace));
    if (found < 0)
        TRY(JetSetColumn(session, table, 1, &key, sizeof key, 0, NULL));
    memset(bytes, (int)(value >> 8), sizeof bytes);
    memcpy(bytes, &value, 4);
    TRY(JetSetColumn(session, table, 256, bytes, bytes_of(c, value), 0, NULL));
    return JetUpdate(session, table, NULL, 0, NULL);
}

/* ---- the history ---- */

static void *grow(void *items, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return items;
    *room = 2 * *room + 64;
    items = realloc(items, *room * size);
    if (!items)
        abort();
    return items;
}

static void append(struct crowd *c, const struct crowd_player *p) {
    for (unsigned i = 0; i < p->count; i++) {
        c->changes = grow(c->changes, c->change_count, &c->change_room, sizeof *c->changes);
        c->changes[c->change_count++] = p->changes[i];
    }
    c->ends = grow(c->ends, c->end_count, &c->end_room, sizeof *c->ends);
    c->ends[c->end_count++] = (uint32_t)c->change_count;
}

static void apply(struct crowd_state *state, const struct crowd_change *change) {
    if (change->key >= 0) {
        state->rows[change->table][change->key] = change->value;
        return;
    }
    state->tables[change->table] = change->value;
    memset(state->rows[change->table], 0, sizeof state->rows[0]);
}

/* Goes from the state after `from` transactions to that after n. */
static void advance(const struct crowd *c, struct crowd_state *state, uint32_t from, uint32_t n) {
    for (size_t i = from ? c->ends[from - 1] : 0; n > 0 && i < c->ends[n - 1]; i++)
        apply(state, &c->changes[i]);
}

static bool exists(const struct crowd *c, const struct crowd_player *p, unsigned table) {
    bool there = table == 0;
    for (size_t i = 0; i < c->change_count; i++)
        if (c->changes[i].key < 0 && c->changes[i].table == (int)table)
            there = c->changes[i].value;
    for (unsigned i = 0; i < p->count; i++)
        if (p->changes[i].key < 0 && p->changes[i].table == (int)table)
            there = p->changes[i].value;
    return there;
}

/* ---- playing ---- */

void crowd_init(struct crowd *c, const struct crowd_style *style, struct script *script) {
    memset(c, 0, sizeof *c);
    c->style = style;
    c->script = script;
    c->random = script->seed;
}

void crowd_free(struct crowd *c) {
    free(c->changes);
    free(c->ends);
}

JET_ERR crowd_create(struct crowd *c) {
    struct script *s = c->script;
    TRY(JetCreateDatabase(s->session, s->a.path, NULL, &s->a.dbid, 0));
    return make_table(s->session, s->a.dbid, 0);
}

JET_ERR crowd_enter(struct crowd *c) {
    struct script *s = c->script;
    for (unsigned i = 0; i < c->style->sessions; i++) {
        struct crowd_player *p = &c->players[i];
        p->level = p->count = 0;
        TRY(JetBeginSession(s->instance, &p->session, NULL, NULL));
        if (i == 0)
            TRY(JetAttachDatabase(p->session, s->a.path, 0));
        TRY(JetOpenDatabase(p->session, s->a.path, NULL, &s->a.dbid, 0));
    }
    return JET_errSuccess;
}

JET_ERR crowd_leave(struct crowd *c) {
    for (unsigned i = 0; i < c->style->sessions; i++) {
        struct crowd_player *p = &c->players[i];
        if (p->level > 0)
            TRY(JetRollback(p->session, JET_bitRollbackAll));
        p->level = p->count = 0;
        TRY(JetEndSession(p->session, 0));
    }
    return JET_errSuccess;
}

static bool is_conflict(JET_ERR err) {
    return err == JET_errWriteConflict || err == JET_errKeyDuplicate || err == JET_errTableInUse ||
           err == JET_errTableLocked;
}

static JET_ERR commit(struct crowd *c, struct crowd_player *p) {
    struct script *s = c->script;
    const bool lazy = draw(&c->random, 4) == 0;
    if (p->level == 1 && p->count > 0) {
        append(c, p);
        s->started++;
        if (s->noted)
            s->noted(s);
    }
    TRY(JetCommitTransaction(p->session, lazy ? JET_bitCommitLazyFlush : 0));
    if (--p->level > 0)
        return JET_errSuccess;
    if (p->count > 0 && !lazy)
        s->durable = s->started;
    p->count = 0;
    if (s->noted)
        s->noted(s);
    return JET_errSuccess;
}

static JET_ERR roll_back(struct crowd_player *p, bool all) {
    TRY(JetRollback(p->session, all ? JET_bitRollbackAll : 0));
    p->level = all ? 0 : p->level - 1;
    p->count = p->marks[p->level];
    return JET_errSuccess;
}

static JET_ERR put_run(struct crowd *c, struct crowd_player *p, unsigned table, JET_TABLEID id) {
    const struct crowd_style *style = c->style;
    const bool deletes = draw(&c->random, 100) < style->deletes;
    unsigned n = 1 + (unsigned)draw(&c->random, style->run), key = (unsigned)draw(&c->random, CROWD_KEYS);
    if (style->ascending && !deletes) {
        key = c->next_key;
        c->next_key = (c->next_key + n) % CROWD_KEYS;
    }
    for (; n > 0 && p->count < CROWD_CHANGES; n--, key = (key + 1) % CROWD_KEYS) {
        uint32_t value = deletes ? 0 : (uint32_t)draw(&c->random, 1u << 30) + 1;
        JET_ERR err = put_row(c, p->session, id, (int32_t)key, value);
        if (err == JET_errRecordNotFound) /* another's, perhaps, and not seen */
            continue;
        TRY(err);
        p->changes[p->count++] = (struct crowd_change){(int16_t)table, (int16_t)key, value};
    }
    return JET_errSuccess;
}

static JET_ERR change_rows(struct crowd *c, struct crowd_player *p) {
    unsigned own = (unsigned)(p - c->players);
    unsigned table = draw(&c->random, 2) && exists(c, p, own) ? own : 0;
    JET_TABLEID id;
    TRY(open_table(p->session, c->script->a.dbid, table, &id));
    JET_ERR err = put_run(c, p, table, id);
    JET_ERR closed = JetCloseTable(p->session, id);
    return err < 0 ? err : closed;
}

static JET_ERR change_table(struct crowd *c, struct crowd_player *p) {
    char name[16];
    unsigned own = (unsigned)(p - c->players);
    const bool there = exists(c, p, own);
    if (own == 0 || p->count == CROWD_CHANGES)
        return JET_errSuccess;
    if (there)
        TRY(JetDeleteTable(p->session, c->script->a.dbid, name_of(own, name)));
    else
        TRY(make_table(p->session, c->script->a.dbid, own));
    p->changes[p->count++] = (struct crowd_change){(int16_t)own, -1, !there};
    return JET_errSuccess;
}

static JET_ERR step(struct crowd *c) {
    const struct crowd_style *style = c->style;
    struct crowd_player *p = &c->players[draw(&c->random, style->sessions)];
    unsigned dice = (unsigned)draw(&c->random, 100);
    if (p->level == 0 || (dice < style->nests && p->level < 3)) {
        TRY(JetBeginTransaction(p->session));
        p->marks[p->level++] = p->count;
        return JET_errSuccess;
    }
    if ((dice -= style->nests) < style->commits)
        return commit(c, p);
    if ((dice -= style->commits) < style->rollbacks)
        return roll_back(p, draw(&c->random, 3) == 0);
    JET_ERR err = (dice -= style->rollbacks) < style->tables ? change_table(c, p) : change_rows(c, p);
    return is_conflict(err) ? roll_back(p, true) : err;
}

JET_ERR crowd_play(struct crowd *c, unsigned steps) {
    while (steps-- > 0)
        TRY(step(c));
    return JET_errSuccess;
}

/* ---- the check ---- */

static bool read_row(const struct crowd *c, JET_SESID session, JET_TABLEID table, uint32_t rows[CROWD_KEYS]) {
    uint8_t bytes[BYTES_MAX + 4];
    int32_t key;
    uint32_t value, actual;
    SUCCEEDS(JetRetrieveColumn(session, table, 1, &key, sizeof key, NULL, 0, NULL));
    SUCCEEDS(JetRetrieveColumn(session, table, 256, bytes, sizeof bytes, &actual, 0, NULL));
    memcpy(&value, bytes, 4);
    HOLDS(key >= 0 && key < CROWD_KEYS && rows[key] == 0 && value != 0 && actual == bytes_of(c, value));
    for (uint32_t i = 4; i < actual; i++)
        HOLDS(bytes[i] == (uint8_t)(value >> 8));
    rows[key] = value;
    return true;
}

static bool read_state(const struct crowd *c, struct script *s, struct crowd_state *out) {
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < CROWD_TABLES; i++) {
        JET_TABLEID table;
        JET_ERR err = open_table(s->session, s->a.dbid, i, &table);
        if (err == JET_errObjectNotFound)
            continue;
        SUCCEEDS(err);
        out->tables[i] = true;
        for (err = JetMove(s->session, table, (int32_t)JET_MoveFirst, 0); err >= 0;
             err = JetMove(s->session, table, JET_MoveNext, 0))
            if (!read_row(c, s->session, table, out->rows[i]))
                return false;
        HOLDS(err == JET_errNoCurrentRecord);
        SUCCEEDS(JetCloseTable(s->session, table));
    }
    return true;
}

static bool same(const struct crowd_state *x, const struct crowd_state *y) {
    return memcmp(x->tables, y->tables, sizeof x->tables) == 0 && memcmp(x->rows, y->rows, sizeof x->rows) == 0;
}

static void print_differences(const struct crowd_state *want, const struct crowd_state *found) {
    unsigned shown = 0;
    for (unsigned i = 0; i < CROWD_TABLES; i++) {
        if (want->tables[i] != found->tables[i])
            fprintf(stderr, "    table %u is %sthere\n", i, found->tables[i] ? "" : "not ");
        for (unsigned k = 0; k < CROWD_KEYS; k++)
            if (want->rows[i][k] != found->rows[i][k] && shown++ < 20)
                fprintf(stderr, "    table %u row %u: %u, should be %u\n", i, k, found->rows[i][k], want->rows[i][k]);
    }
}

bool crowd_is(const struct crowd *c, struct script *s, const struct crowd_state *state) {
    struct crowd_state found;
    HOLDS(read_state(c, s, &found));
    if (!same(&found, state))
        print_differences(state, &found);
    HOLDS(same(&found, state));
    return true;
}

bool crowd_check(const struct crowd *c, struct script *s, struct crowd_state *out) {
    struct crowd_state state = {.tables = {true}};
    HOLDS(read_state(c, s, out));
    advance(c, &state, 0, s->durable);
    for (uint32_t n = s->durable;; n++) {
        if (same(&state, out)) {
            s->durable = s->started = n;
            return true;
        }
        if (n == s->started)
            break;
        advance(c, &state, n, n + 1);
    }
    fprintf(stderr, "%s: no state from %u to %u transactions; not the last one:\n", s->a.path, s->durable, s->started);
    print_differences(&state, out);
    return false;
}

bool crowd_goes_on(const struct crowd *c, struct script *s, struct crowd_state *state, uint64_t random) {
    JET_TABLEID table;
    SUCCEEDS(JetBeginTransaction(s->session));
    for (unsigned i = 0; i < CROWD_TABLES; i++) {
        char name[16];
        struct crowd_change made = {(int16_t)i, -1, 1};
        if (i > 0 && state->tables[i] && draw(&random, 2)) {
            SUCCEEDS(JetDeleteTable(s->session, s->a.dbid, name_of(i, name)));
            made.value = 0;
            apply(state, &made);
        } else if (!state->tables[i] && draw(&random, 2)) {
            SUCCEEDS(make_table(s->session, s->a.dbid, i));
            apply(state, &made);
        }
        if (!state->tables[i])
            continue;
        SUCCEEDS(open_table(s->session, s->a.dbid, i, &table));
        for (unsigned k = 0; k < 12; k++) {
            struct crowd_change change = {(int16_t)i, (int16_t)draw(&random, CROWD_KEYS),
                                          draw(&random, 3) ? (uint32_t)draw(&random, 1u << 30) + 1 : 0};
            JET_ERR err = put_row(c, s->session, table, change.key, change.value);
            if (err == JET_errRecordNotFound)
                continue;
            SUCCEEDS(err);
            apply(state, &change);
        }
        SUCCEEDS(JetCloseTable(s->session, table));
    }
    SUCCEEDS(JetCommitTransaction(s->session, 0));
    return true;
}
