/* Workers, their models, and the ledger between them. */
#include "tests/lib/workload.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ledger *ledger_new(void) {
    struct ledger *ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return ledger == MAP_FAILED ? NULL : ledger;
}

/* ---- the streams ---- */

static uint64_t mix(uint64_t x) { /* splitmix64's finish */
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

struct operation {
    uint32_t key, value;
}; /* value 0: delete */

struct plan {
    unsigned count;
    bool rolled_back; /* does everything and takes it back, before the real ones */
    bool lazy;
    struct operation operations[8];
};

/* Transaction n (from 1) of a worker. */
static void make_plan(uint64_t seed, unsigned worker, uint64_t n, struct plan *plan) {
    uint64_t r = mix(seed ^ mix(worker + 1) ^ mix(n << 8));
    plan->count = 1 + r % 8;
    plan->rolled_back = (r >> 8) % 5 == 0;
    plan->lazy = (r >> 16) % 4 == 0;
    for (unsigned i = 0; i < plan->count; i++) {
        r = mix(r);
        plan->operations[i].key = (uint32_t)((r >> 20) % WORKLOAD_KEYS);
        plan->operations[i].value = r % 3 == 0 ? 0 : (uint32_t)(r >> 32) | 1;
    }
}

void model_advance(struct model *model, uint64_t seed, unsigned worker, uint64_t n) {
    while (model->n < n) {
        struct plan plan;
        make_plan(seed, worker, ++model->n, &plan);
        for (unsigned i = 0; i < plan.count; i++)
            model->values[plan.operations[i].key] = plan.operations[i].value;
    }
}

/* A text whose length and bytes follow from the value. */
static uint32_t text_of(uint32_t value, char out[800]) {
    uint32_t n = value % 7 == 0 ? value % 700 : value % 60;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (char)('a' + (value + i * 7) % 26);
    return n;
}

/* ---- the database ---- */

static const char *table_name(unsigned worker) {
    static const char *const names[WORKERS] = {"worker0", "worker1", "worker2", "worker3"};
    return names[worker];
}

bool workload_quiet;

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        JET_ERR try_ = (expr);                                                                                         \
        if (try_ < 0) {                                                                                                \
            if (!workload_quiet)                                                                                       \
                fprintf(stderr, "%s:%d: %s gave %d\n", __FILE__, __LINE__, #expr, (int)try_);                          \
            return try_;                                                                                               \
        }                                                                                                              \
    } while (0)

void workload_tight_cache(bool tight) {
    JetSetSystemParameter(NULL, 0, JET_paramCacheSizeMax, tight ? 64 : 100000, NULL);
}

JET_ERR workload_instance(const struct workload_dirs *dirs, bool circular, bool small_logs, JET_INSTANCE *out) {
    static _Atomic unsigned counter;
    char name[32];
    snprintf(name, sizeof name, "workload%u", atomic_fetch_add(&counter, 1));
    TRY(JetCreateInstance(out, name));
    TRY(JetSetSystemParameter(out, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    TRY(JetSetSystemParameter(out, 0, JET_paramSystemPath, 0, dirs->system));
    TRY(JetSetSystemParameter(out, 0, JET_paramLogFilePath, 0, dirs->log));
    TRY(JetSetSystemParameter(out, 0, JET_paramCircularLog, circular, NULL));
    if (small_logs)
        TRY(JetSetSystemParameter(out, 0, JET_paramLogFileSize, 64, NULL));
    TRY(JetSetSystemParameter(out, 0, JET_paramCheckpointDepthMax, small_logs ? 256 << 10 : 4 << 20, NULL));
    return JET_errSuccess;
}

static JET_ERR create_table(JET_SESID session, JET_DBID db, unsigned worker) {
    JET_COLUMNCREATE columns[3] = {
        {.cbStruct = sizeof *columns, .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypUnsignedLong},
        {.cbStruct = sizeof *columns, .szColumnName = "text", .coltyp = JET_coltypLongText, .cp = 1252},
    };
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "primary", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = (char *)(uintptr_t)table_name(worker),
                             .rgcolumncreate = columns,
                             .cColumns = 3,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    TRY(JetCreateTableColumnIndex(session, db, &table));
    return JetCloseTable(session, table.tableid);
}

JET_ERR workload_create(JET_INSTANCE instance, const char *database) {
    JET_SESID session;
    JET_DBID db;
    TRY(JetBeginSession(instance, &session, NULL, NULL));
    TRY(JetCreateDatabase(session, database, NULL, &db, 0));
    for (unsigned w = 0; w < WORKERS; w++)
        TRY(create_table(session, db, w));
    return JetEndSession(session, 0);
}

JET_ERR workload_attach(JET_INSTANCE instance, const char *database) {
    JET_SESID session;
    TRY(JetBeginSession(instance, &session, NULL, NULL));
    TRY(JetAttachDatabase(session, database, 0));
    return JetEndSession(session, 0);
}

/* ---- the workers ---- */

struct columns {
    JET_COLUMNID id, value, text;
};

static JET_ERR find_columns(JET_SESID session, JET_TABLEID table, struct columns *out) {
    JET_COLUMNDEF def;
    TRY(JetGetTableColumnInfo(session, table, "id", &def, sizeof def, JET_ColInfo));
    out->id = def.columnid;
    TRY(JetGetTableColumnInfo(session, table, "value", &def, sizeof def, JET_ColInfo));
    out->value = def.columnid;
    TRY(JetGetTableColumnInfo(session, table, "text", &def, sizeof def, JET_ColInfo));
    out->text = def.columnid;
    return JET_errSuccess;
}

static JET_ERR put_row(JET_SESID session, JET_TABLEID table, const struct columns *c, int32_t id, uint32_t value) {
    char text[800];
    uint32_t n = text_of(value, text);

    TRY(JetMakeKey(session, table, &id, sizeof id, JET_bitNewKey));
    JET_ERR found = JetSeek(session, table, JET_bitSeekEQ);
    if (found == JET_errRecordNotFound && value == 0 && id >= 0)
        return JET_errSuccess;
    if (found != JET_errRecordNotFound)
        TRY(found);
    if (found >= 0 && value == 0 && id >= 0)
        return JetDelete(session, table);
    TRY(JetPrepareUpdate(session, table, found >= 0 ? JET_prepReplace : JET_prepInsert));
    if (found < 0)
        TRY(JetSetColumn(session, table, c->id, &id, sizeof id, 0, NULL));
    TRY(JetSetColumn(session, table, c->value, &value, sizeof value, 0, NULL));
    TRY(JetSetColumn(session, table, c->text, n ? text : NULL, n, 0, NULL));
    return JetUpdate(session, table, NULL, 0, NULL);
}

/* ---- tables that come and go ---- */

#define EXTRA_EVERY 16
#define EXTRA_ROWS 60

static void extra_name(uint64_t n, char out[32]) {
    snprintf(out, 32, "extra%llu", (unsigned long long)n);
}

static JET_ERR make_extra(JET_SESID session, JET_DBID db, uint64_t n) {
    char name[32];
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypBinary, .cbMax = 255};
    uint8_t bytes[200];

    extra_name(n, name);
    memset(bytes, (int)n, sizeof bytes);
    TRY(JetCreateTable(session, db, name, 1, 80, &table));
    TRY(JetAddColumn(session, table, "bytes", &def, NULL, 0, &column));
    for (unsigned i = 0; i < EXTRA_ROWS; i++) {
        TRY(JetPrepareUpdate(session, table, JET_prepInsert));
        TRY(JetSetColumn(session, table, column, bytes, sizeof bytes, 0, NULL));
        TRY(JetUpdate(session, table, NULL, 0, NULL));
    }
    return JetCloseTable(session, table);
}

static JET_ERR change_extras(JET_SESID session, JET_DBID db, uint64_t n) {
    char name[32];
    TRY(make_extra(session, db, n));
    extra_name(n - EXTRA_EVERY, name);
    return n > EXTRA_EVERY ? JetDeleteTable(session, db, name) : JET_errSuccess;
}

/* The table of the newest 16th transaction is there, with its rows, and no other. */
static bool check_extras(JET_SESID session, JET_DBID db, uint64_t n) {
    char want[32] = "", name[65];
    JET_OBJECTLIST list;
    unsigned found = 0;
    if (n >= EXTRA_EVERY)
        extra_name(n / EXTRA_EVERY * EXTRA_EVERY, want);
    if (JetGetObjectInfo(session, db, JET_objtypTable, NULL, NULL, &list, sizeof list, JET_ObjInfoListNoStats) < 0)
        return false;
    for (JET_ERR err = JetMove(session, list.tableid, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(session, list.tableid, JET_MoveNext, 0)) {
        uint32_t bytes = 0;
        if (JetRetrieveColumn(session, list.tableid, list.columnidobjectname, name, sizeof name - 1, &bytes, 0, NULL) <
            0)
            return false;
        name[bytes] = 0;
        if (strncmp(name, "extra", 5) == 0 && (found++, strcmp(name, want) != 0)) {
            fprintf(stderr, "table %s is there after %llu transactions\n", name, (unsigned long long)n);
            return false;
        }
    }
    if (JetCloseTable(session, list.tableid) < 0 || found != (n >= EXTRA_EVERY))
        return false;
    JET_TABLEID table;
    if (!found)
        return true;
    unsigned rows = 0;
    if (JetOpenTable(session, db, want, NULL, 0, 0, &table) < 0)
        return false;
    for (JET_ERR err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(session, table, JET_MoveNext, 0))
        rows++;
    return JetCloseTable(session, table) >= 0 && rows == EXTRA_ROWS;
}

/* db: where to make tables; 0: this worker makes none. */
static JET_ERR run_plan(JET_SESID session, JET_DBID db, JET_TABLEID table, const struct columns *c,
                        const struct plan *plan, uint64_t n) {
    if (plan->rolled_back) {
        TRY(JetBeginTransaction(session));
        if (db && n % 4 == 0)
            TRY(make_extra(session, db, n + 1000000000));
        for (unsigned i = plan->count; i-- > 0;)
            TRY(put_row(session, table, c, (int32_t)plan->operations[i].key, plan->operations[i].value ^ 0x5555));
        TRY(JetRollback(session, 0));
    }
    TRY(JetBeginTransaction(session));
    for (unsigned i = 0; i < plan->count; i++)
        TRY(put_row(session, table, c, (int32_t)plan->operations[i].key, plan->operations[i].value));
    if (db && n % EXTRA_EVERY == 0)
        TRY(change_extras(session, db, n));
    TRY(put_row(session, table, c, -1, (uint32_t)n));
    return JetCommitTransaction(session, plan->lazy ? JET_bitCommitLazyFlush : 0);
}

struct worker {
    JET_INSTANCE instance;
    const char *database;
    uint64_t seed, from;
    unsigned number;
    struct ledger *ledger;
    pthread_t thread;
};
static struct worker workers[WORKERS];

static JET_ERR work(struct worker *w, JET_SESID session) {
    JET_DBID db;
    JET_TABLEID table;
    struct columns columns;
    struct ledger *ledger = w->ledger;

    TRY(JetOpenDatabase(session, w->database, NULL, &db, 0));
    TRY(JetOpenTable(session, db, table_name(w->number), NULL, 0, 0, &table));
    TRY(find_columns(session, table, &columns));
    for (uint64_t n = w->from + 1; !atomic_load(&ledger->stop); n++) {
        struct plan plan;
        make_plan(w->seed, w->number, n, &plan);
        atomic_store(&ledger->started[w->number], n);
        TRY(run_plan(session, w->number == WORKERS - 1 ? db : 0, table, &columns, &plan, n));
        if (!plan.lazy)
            atomic_store(&ledger->durable[w->number], n);
    }
    TRY(JetCommitTransaction(session, JET_bitWaitLastLevel0Commit));
    atomic_store(&ledger->durable[w->number], atomic_load(&ledger->started[w->number]));
    return JET_errSuccess;
}

static void *worker_main(void *arg) {
    struct worker *w = arg;
    JET_SESID session;
    JET_ERR err = JetBeginSession(w->instance, &session, NULL, NULL);
    if (err >= 0) {
        err = work(w, session);
        if (err < 0)
            JetRollback(session, JET_bitRollbackAll); /* the instance may be usable: nothing stays behind */
        JET_ERR ended = JetEndSession(session, 0);
        err = err < 0 ? err : ended;
    }
    if (err < 0) {
        int32_t none = 0;
        atomic_compare_exchange_strong(&w->ledger->error, &none, err);
        atomic_store(&w->ledger->stop, true);
    }
    return NULL;
}

void workload_start(JET_INSTANCE instance, const char *database, uint64_t seed, const uint64_t from[WORKERS],
                    struct ledger *ledger) {
    atomic_store(&ledger->stop, false);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){instance, database, seed, from[i], i, ledger, 0};
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
            abort();
    }
}

void workload_join(void) {
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
}

/* ---- the check ---- */

uint64_t workload_rows_compared;

static bool check_row(JET_SESID session, JET_TABLEID table, const struct columns *c, const struct model *model,
                      unsigned worker, unsigned *rows) {
    int32_t id;
    uint32_t value, actual, n;
    char text[800], expected[800];

    if (JetRetrieveColumn(session, table, c->id, &id, sizeof id, NULL, 0, NULL) != JET_errSuccess ||
        JetRetrieveColumn(session, table, c->value, &value, sizeof value, NULL, 0, NULL) != JET_errSuccess)
        return false;
    uint32_t want = id == -1 ? (uint32_t)model->n : id >= 0 && id < WORKLOAD_KEYS ? model->values[id] : 0;
    n = text_of(want, expected);
    actual = 0;
    if (JetRetrieveColumn(session, table, c->text, text, sizeof text, &actual, 0, NULL) < 0)
        return false;
    if (value != want || actual != n || memcmp(text, expected, n) != 0) {
        fprintf(stderr, "worker %u row %d: value %u, should be %u after %llu transactions\n", worker, (int)id, value,
                want, (unsigned long long)model->n);
        return false;
    }
    *rows += id >= 0;
    workload_rows_compared++;
    return true;
}

static bool check_table(JET_SESID session, JET_DBID db, unsigned worker, uint64_t seed, struct model *model,
                        uint64_t low, uint64_t high) {
    JET_TABLEID table;
    struct columns c;
    int32_t marker = -1;
    uint32_t n = 0;
    unsigned rows = 0, want = 0;
    JET_ERR err;

    if (JetOpenTable(session, db, table_name(worker), NULL, 0, 0, &table) < 0 || find_columns(session, table, &c) < 0)
        return false;
    JetMakeKey(session, table, &marker, sizeof marker, JET_bitNewKey);
    if (JetSeek(session, table, JET_bitSeekEQ) >= 0)
        JetRetrieveColumn(session, table, c.value, &n, sizeof n, NULL, 0, NULL);
    if (n < low || n > high || n < model->n) {
        fprintf(stderr, "worker %u: %u transactions found, %llu to %llu expected\n", worker, n, (unsigned long long)low,
                (unsigned long long)high);
        return false;
    }
    model_advance(model, seed, worker, n);
    for (err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(session, table, JET_MoveNext, 0))
        if (!check_row(session, table, &c, model, worker, &rows))
            return false;
    for (unsigned i = 0; i < WORKLOAD_KEYS; i++)
        want += model->values[i] != 0;
    if (err != JET_errNoCurrentRecord || rows != want) {
        fprintf(stderr, "worker %u: %u rows, should be %u; the walk ended with %d\n", worker, rows, want, (int)err);
        return false;
    }
    return JetCloseTable(session, table) >= 0;
}

bool workload_check(JET_INSTANCE instance, const char *database, uint64_t seed, struct model models[WORKERS],
                    const uint64_t low[WORKERS], const uint64_t high[WORKERS]) {
    JET_SESID session;
    JET_DBID db;
    bool good = true;

    if (JetBeginSession(instance, &session, NULL, NULL) < 0 || JetOpenDatabase(session, database, NULL, &db, 0) < 0)
        return false;
    for (unsigned w = 0; w < WORKERS; w++)
        good &= check_table(session, db, w, seed, &models[w], low[w], high[w]);
    good = good && check_extras(session, db, models[WORKERS - 1].n);
    return JetEndSession(session, 0) >= 0 && good;
}
