/* See script.h. */
#include "tests/lib/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk.h"

#define KEYS 60
#define KEYS_WIDE 700
#define TEXT_BYTES 3000
#define EXTRA_EVERY 8
#define EXTRA_ROWS 12
#define COLUMN_EVERY 20

/* ---- the plan ---- */

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

struct plan {
    unsigned count;
    bool rolled_back, nested, lazy;
    struct {
        int32_t key;
        uint32_t value;
    } rows[KEYS_WIDE]; /* value 0: deleted */
};

static void make_plan(const struct script *s, uint32_t n, struct plan *plan) {
    uint64_t r = mix(s->seed ^ mix(n));
    bool fill = s->wide && n == 1;
    plan->count = fill ? KEYS_WIDE : 1 + r % 6;
    plan->rolled_back = !fill && (r >> 8) % 4 == 0;
    plan->nested = !fill && (r >> 16) % 4 == 0;
    plan->lazy = (r >> 24) % 4 == 0;
    for (unsigned i = 0; i < plan->count; i++) {
        r = mix(r);
        plan->rows[i].key = fill ? (int32_t)i : (int32_t)((r >> 20) % (s->wide ? KEYS_WIDE : KEYS));
        plan->rows[i].value = r % 4 == 0 ? 0 : (uint32_t)(r >> 32) | 1;
    }
}

static uint32_t text_of(const struct script *s, uint32_t value, char out[TEXT_BYTES]) {
    uint32_t n = s->wide ? TEXT_BYTES - value % 100 : value % 3 == 0 ? value % 800 : value % 60;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (char)('a' + (value + i * 7) % 26);
    return n;
}

static void note(struct script *s) {
    if (s->noted)
        s->noted(s);
}

/* ---- instance and databases ---- */

void script_init(struct script *s, uint64_t seed, const char *dir) {
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->a.dbid = s->b.dbid = JET_dbidNil;
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    snprintf(s->a.path, sizeof s->a.path, "%s/data/a.edb", dir);
    snprintf(s->b.path, sizeof s->b.path, "%s/data/b.edb", dir);
}

JET_ERR script_instance(struct script *s) {
    static unsigned counter;
    char path[512];
    snprintf(s->name, sizeof s->name, "script%u", counter++);
    snprintf(path, sizeof path, "%s/system", s->dir);
    TRY(JetSetSystemParameter(NULL, 0, JET_paramCacheSizeMax, s->wide ? 1 : 100000, NULL));
    TRY(JetCreateInstance(&s->instance, s->name));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramSystemPath, 0, path));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramLogFilePath, 0, path));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramEventLoggingLevel, JET_EventLoggingDisable, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramCircularLog, s->circular, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramLogFileSize, 64, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramDbExtensionSize, 4, NULL));
    if (s->depth)
        TRY(JetSetSystemParameter(&s->instance, 0, JET_paramCheckpointDepthMax, s->depth, NULL));
    return JET_errSuccess;
}

JET_ERR script_start(struct script *s) {
    TRY(script_instance(s));
    s->running = true;
    s->a.dbid = s->b.dbid = JET_dbidNil;
    TRY(JetInit(&s->instance));
    return JetBeginSession(s->instance, &s->session, NULL, NULL);
}

JET_ERR script_start_all(struct script *s) {
    TRY(script_start(s));
    TRY(script_attach(s, &s->a));
    return script_attach(s, &s->b);
}

static JET_ERR open_table(struct script *s, struct script_db *db) {
    JET_COLUMNDEF def;
    TRY(JetOpenTable(s->session, db->dbid, "t", NULL, 0, 0, &db->table));
    TRY(JetGetTableColumnInfo(s->session, db->table, "id", &def, sizeof def, JET_ColInfo));
    db->id = def.columnid;
    TRY(JetGetTableColumnInfo(s->session, db->table, "value", &def, sizeof def, JET_ColInfo));
    db->value = def.columnid;
    TRY(JetGetTableColumnInfo(s->session, db->table, "text", &def, sizeof def, JET_ColInfo));
    db->text = def.columnid;
    return JET_errSuccess;
}

static JET_ERR put_row(struct script *s, struct script_db *db, int32_t id, uint32_t value) {
    char text[TEXT_BYTES];
    uint32_t n = text_of(s, value, text);
    JET_SESID session = s->session;

    TRY(JetMakeKey(session, db->table, &id, sizeof id, JET_bitNewKey));
    JET_ERR found = JetSeek(session, db->table, JET_bitSeekEQ);
    if (found == JET_errRecordNotFound && value == 0 && id >= 0)
        return JET_errSuccess;
    if (found != JET_errRecordNotFound)
        TRY(found);
    if (value == 0 && id >= 0)
        return JetDelete(session, db->table);
    TRY(JetPrepareUpdate(session, db->table, found >= 0 ? JET_prepReplace : JET_prepInsert));
    if (found < 0)
        TRY(JetSetColumn(session, db->table, db->id, &id, sizeof id, 0, NULL));
    TRY(JetSetColumn(session, db->table, db->value, &value, sizeof value, 0, NULL));
    TRY(JetSetColumn(session, db->table, db->text, n ? text : NULL, n, 0, NULL));
    return JetUpdate(session, db->table, NULL, 0, NULL);
}

static JET_ERR create_table(struct script *s, struct script_db *db) {
    JET_COLUMNCREATE columns[3] = {
        {.cbStruct = sizeof *columns, .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypUnsignedLong},
        {.cbStruct = sizeof *columns, .szColumnName = "text", .coltyp = JET_coltypLongText, .cp = 1252},
    };
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "primary", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "t",
                             .rgcolumncreate = columns,
                             .cColumns = 3,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    TRY(JetBeginTransaction(s->session));
    TRY(JetCreateTableColumnIndex(s->session, db->dbid, &table));
    TRY(JetCloseTable(s->session, table.tableid));
    TRY(open_table(s, db));
    TRY(put_row(s, db, -1, s->started));
    TRY(put_row(s, db, -2, s->started)); /* rows of earlier transactions are not here */
    return JetCommitTransaction(s->session, 0);
}

JET_ERR script_create(struct script *s, struct script_db *db) {
    JET_ERR err = JetCreateDatabase(s->session, db->path, NULL, &db->dbid, 0);
    if (err == JET_errDatabaseDuplicate)
        err = JetOpenDatabase(s->session, db->path, NULL, &db->dbid, 0);
    TRY(err);
    TRY(create_table(s, db));
    db->durable = true;
    s->durable = s->started;
    note(s);
    return JET_errSuccess;
}

JET_ERR script_attach(struct script *s, struct script_db *db) {
    TRY(JetAttachDatabase(s->session, db->path, 0));
    TRY(JetOpenDatabase(s->session, db->path, NULL, &db->dbid, 0));
    JET_ERR err = open_table(s, db);
    if (err < 0)
        db->dbid = JET_dbidNil;
    return err;
}

JET_ERR script_detach(struct script *s, struct script_db *db) {
    JET_DBID dbid = db->dbid;
    db->dbid = JET_dbidNil;
    TRY(JetCloseTable(s->session, db->table));
    TRY(JetCloseDatabase(s->session, dbid, 0));
    TRY(JetDetachDatabase(s->session, db->path));
    s->durable = s->started;
    note(s);
    return JET_errSuccess;
}

JET_ERR script_stop(struct script *s, JET_GRBIT grbit) {
    JET_ERR err = JetTerm2(s->instance, grbit ? grbit : JET_bitTermAbrupt);
    s->running = false;
    if (err >= JET_errSuccess && grbit != JET_bitTermDirty)
        s->durable = s->started;
    note(s);
    return err;
}

void script_drop(struct script *s) {
    JET_ERR ignored = s->running ? script_stop(s, JET_bitTermDirty) : JET_errSuccess;
    (void)ignored;
}

/* ---- transactions ---- */

static JET_ERR make_extra(struct script *s, uint32_t n) {
    char name[32];
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypBinary, .cbMax = 255};
    uint8_t bytes[200];

    snprintf(name, sizeof name, "extra%u", n);
    memset(bytes, (int)n, sizeof bytes);
    TRY(JetCreateTable(s->session, s->a.dbid, name, 1, 80, &table));
    TRY(JetAddColumn(s->session, table, "bytes", &def, NULL, 0, &column));
    for (unsigned i = 0; i < EXTRA_ROWS; i++) {
        TRY(JetPrepareUpdate(s->session, table, JET_prepInsert));
        TRY(JetSetColumn(s->session, table, column, bytes, sizeof bytes, 0, NULL));
        TRY(JetUpdate(s->session, table, NULL, 0, NULL));
    }
    return JetCloseTable(s->session, table);
}

static JET_ERR add_column(struct script *s, uint32_t n) {
    char name[32];
    JET_COLUMNID column;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLong};
    snprintf(name, sizeof name, "c%u", n);
    return JetAddColumn(s->session, s->a.table, name, &def, NULL, 0, &column);
}

static JET_ERR put_rows(struct script *s, const struct plan *plan, uint32_t flip) {
    for (unsigned i = 0; i < plan->count; i++) {
        uint32_t value = plan->rows[i].value ^ flip;
        if (s->a.dbid != JET_dbidNil)
            TRY(put_row(s, &s->a, plan->rows[i].key, value));
        if (s->b.dbid != JET_dbidNil)
            TRY(put_row(s, &s->b, plan->rows[i].key, value));
    }
    return JET_errSuccess;
}

/* Does something like transaction n, and more, and takes it back. */
static JET_ERR run_in_vain(struct script *s, const struct plan *plan, uint32_t n) {
    TRY(JetBeginTransaction(s->session));
    TRY(put_rows(s, plan, 0x5555));
    if (n % 3 == 0) {
        TRY(make_extra(s, n + 1000));
        TRY(add_column(s, n + 1000));
    }
    TRY(put_rows(s, plan, 0x3333));
    return JetRollback(s->session, 0);
}

static JET_ERR change_schema(struct script *s, uint32_t n) {
    char name[32];
    if (n % EXTRA_EVERY == 0) {
        TRY(make_extra(s, n));
        snprintf(name, sizeof name, "extra%u", n - EXTRA_EVERY);
        if (n > EXTRA_EVERY)
            TRY(JetDeleteTable(s->session, s->a.dbid, name));
    }
    return n % COLUMN_EVERY == 0 ? add_column(s, n) : JET_errSuccess;
}

static JET_ERR run_one(struct script *s, uint32_t n) {
    struct plan plan;
    make_plan(s, n, &plan);
    if (plan.rolled_back)
        TRY(run_in_vain(s, &plan, n));
    TRY(JetBeginTransaction(s->session));
    if (plan.nested) {
        TRY(JetBeginTransaction(s->session));
        TRY(put_rows(s, &plan, 0x1111));
        TRY(JetRollback(s->session, 0));
    }
    TRY(put_rows(s, &plan, 0));
    TRY(change_schema(s, n));
    if (s->a.dbid != JET_dbidNil)
        TRY(put_row(s, &s->a, -1, n));
    if (s->b.dbid != JET_dbidNil)
        TRY(put_row(s, &s->b, -1, n));
    TRY(JetCommitTransaction(s->session, plan.lazy ? JET_bitCommitLazyFlush : 0));
    if (!plan.lazy)
        s->durable = n;
    note(s);
    return JET_errSuccess;
}

JET_ERR script_run(struct script *s, uint32_t n) {
    while (s->started < n) {
        s->started++;
        note(s);
        TRY(run_one(s, s->started));
    }
    return JET_errSuccess;
}

/* ---- the check ---- */

static void model_at(const struct script *s, uint32_t from, uint32_t n, uint32_t values[KEYS_WIDE]) {
    memset(values, 0, KEYS_WIDE * sizeof *values);
    for (uint32_t i = from + 1; i <= n; i++) {
        struct plan plan;
        make_plan(s, i, &plan);
        for (unsigned k = 0; k < plan.count; k++)
            values[plan.rows[k].key] = plan.rows[k].value;
    }
}

static bool get_value(struct script *s, const struct script_db *db, int32_t id, uint32_t *out) {
    JetMakeKey(s->session, db->table, &id, sizeof id, JET_bitNewKey);
    return JetSeek(s->session, db->table, JET_bitSeekEQ) >= 0 &&
           JetRetrieveColumn(s->session, db->table, db->value, out, sizeof *out, NULL, 0, NULL) >= 0;
}

static bool check_row(struct script *s, const struct script_db *db, uint32_t from, uint32_t n,
                      const uint32_t values[KEYS_WIDE], unsigned *rows) {
    int32_t id;
    uint32_t value = 0, actual = 0;
    char text[TEXT_BYTES], expected[TEXT_BYTES];

    JET_ERR err = JetRetrieveColumn(s->session, db->table, db->id, &id, sizeof id, NULL, 0, NULL);
    if (err >= 0)
        err = JetRetrieveColumn(s->session, db->table, db->value, &value, sizeof value, NULL, 0, NULL);
    if (err >= 0)
        err = JetRetrieveColumn(s->session, db->table, db->text, text, sizeof text, &actual, 0, NULL);
    uint32_t want = id == -1 ? n : id == -2 ? from : id >= 0 && id < KEYS_WIDE ? values[id] : 0;
    uint32_t bytes = text_of(s, want, expected);
    *rows += id >= 0;
    if (err >= 0 && value == want && actual == bytes && memcmp(text, expected, bytes) == 0 && (id < 0 || value != 0))
        return true;
    fprintf(stderr, "%s row %d: value %u, should be %u after %u transactions (error %d)\n", db->path, (int)id, value,
            want, n, (int)err);
    return false;
}

static bool check_rows(struct script *s, const struct script_db *db, uint32_t n) {
    uint32_t values[KEYS_WIDE], from, now;
    unsigned rows = 0, want = 0;
    JET_ERR err;

    if (!get_value(s, db, -2, &from) || !get_value(s, db, -1, &now) || now != n) {
        fprintf(stderr, "%s: not after %u transactions\n", db->path, n);
        return false;
    }
    model_at(s, from, n, values);
    for (err = JetMove(s->session, db->table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(s->session, db->table, JET_MoveNext, 0))
        if (!check_row(s, db, from, n, values, &rows))
            return false;
    for (unsigned i = 0; i < KEYS_WIDE; i++)
        want += values[i] != 0;
    if (err != JET_errNoCurrentRecord || rows != want) {
        fprintf(stderr, "%s: %u rows, should be %u after %u transactions; the walk ended with %d\n", db->path, rows,
                want, n, (int)err);
        return false;
    }
    return true;
}

static bool has_column(struct script *s, uint32_t n) {
    char name[32];
    JET_COLUMNDEF def;
    snprintf(name, sizeof name, "c%u", n);
    return JetGetTableColumnInfo(s->session, s->a.table, name, &def, sizeof def, JET_ColInfo) >= 0;
}

static bool check_extra_rows(struct script *s, const char *name) {
    JET_TABLEID table;
    unsigned rows = 0;
    if (JetOpenTable(s->session, s->a.dbid, name, NULL, 0, 0, &table) < 0)
        return false;
    for (JET_ERR err = JetMove(s->session, table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(s->session, table, JET_MoveNext, 0))
        rows++;
    return JetCloseTable(s->session, table) >= 0 && rows == EXTRA_ROWS;
}

/* Tables and columns of a after n transactions: those and no other. */
static bool check_schema(struct script *s, uint32_t n) {
    char want[32] = "", name[65];
    JET_OBJECTLIST list;
    unsigned found = 0;
    uint32_t bytes = 0;

    if (n >= EXTRA_EVERY)
        snprintf(want, sizeof want, "extra%u", n / EXTRA_EVERY * EXTRA_EVERY);
    if (JetGetObjectInfo(s->session, s->a.dbid, JET_objtypTable, NULL, NULL, &list, sizeof list,
                         JET_ObjInfoListNoStats) < 0)
        return false;
    for (JET_ERR err = JetMove(s->session, list.tableid, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(s->session, list.tableid, JET_MoveNext, 0)) {
        if (JetRetrieveColumn(s->session, list.tableid, list.columnidobjectname, name, sizeof name - 1, &bytes, 0,
                              NULL) < 0)
            return false;
        name[bytes] = 0;
        if (strncmp(name, "extra", 5) == 0 && (found++, strcmp(name, want) != 0)) {
            fprintf(stderr, "table %s is there after %u transactions\n", name, n);
            return false;
        }
    }
    JetCloseTable(s->session, list.tableid);
    for (uint32_t i = 1; i <= n + COLUMN_EVERY; i++)
        if (has_column(s, i) != (i % COLUMN_EVERY == 0 && i <= n) || has_column(s, i + 1000)) {
            fprintf(stderr, "column c%u is %sthere after %u transactions\n", i, has_column(s, i) ? "" : "not ", n);
            return false;
        }
    if (found != (n >= EXTRA_EVERY) || (found && !check_extra_rows(s, want))) {
        fprintf(stderr, "table %s is not whole after %u transactions\n", want, n);
        return false;
    }
    return true;
}

bool script_check(struct script *s) {
    uint32_t n = 0;
    bool a = s->a.dbid != JET_dbidNil, b = s->b.dbid != JET_dbidNil;
    if (!a && !b)
        return true;
    if (!get_value(s, a ? &s->a : &s->b, -1, &n) || n < s->durable || n > s->started) {
        fprintf(stderr, "%u transactions found, %u to %u expected\n", n, s->durable, s->started);
        return false;
    }
    if ((a && (!check_rows(s, &s->a, n) || !check_schema(s, n))) || (b && !check_rows(s, &s->b, n)))
        return false;
    s->started = s->durable = n;
    return true;
}

/* ---- restoring ---- */

static JET_ERR restore(struct script *s, const char *set) {
    char data[300];
    snprintf(data, sizeof data, "%s/data", s->dir);
    TRY(script_instance(s));
    JET_ERR err = JetRestoreInstance(s->instance, set, data, NULL);
    TRY(JetTerm(s->instance));
    return err;
}

bool script_restores(const struct script *of, const char *set, uint32_t low, uint32_t high) {
    static unsigned counter;
    struct script s;
    char dir[32];
    snprintf(dir, sizeof dir, "/restored%u", counter++);
    script_init(&s, of->seed, dir);
    s.durable = low;
    s.started = high;
    SUCCEEDS(restore(&s, set));
    JET_ERR err = script_start_all(&s);
    bool good = err >= JET_errSuccess && script_check(&s);
    script_drop(&s);
    SUCCEEDS(err);
    disk_delete(dir);
    return good;
}
