/* Loads, reads, backups and durable commits, beside LMDB: same keys, same values, same durability, checked results.
 *
 * A key is a number of 8 bytes, a value 84 to 115 bytes that follow from the key. A round is four stories, each of
 * which both engines run in a fresh directory before the next begins; who goes first alternates:
 *
 *   load        `rows` ascending keys, 1000 a transaction, none of them synced; one sync at the end. Closed, opened
 *               again, scanned, looked up in random order, scanned again, backed up while it is open.
 *   load random the same with keys in random order, without the reading.
 *   commit      one thread, a row a transaction, each durable before the next begins
 *   commit 4    four threads do that
 *
 * After each story the store is opened anew and read to its end, and so is what the backup restores to: number of
 * rows, order and content must be those that were written, or the benchmark fails. A figure is the median of the
 * rounds; a ratio is ours to LMDB's of the same round, and its median is taken. Ours is used through the public header
 * alone.
 *
 * A child process does the work, so that the directory goes away however it ends. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <esent.h>
#include <fcntl.h>
#include <ftw.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 99
#define BATCH 1000
#define THREADS 4
#define VALUE_MAX 120

static struct options {
    uint32_t rows, commits, rounds;
    const char *dir, *only; /* only: the one engine to run, for profiles; NULL: both */
    bool csv;
} options = {.rows = 200000, .commits = 400, .rounds = 5};

static void fail(const char *who, const char *what, long code, const char *text) {
    fprintf(stderr, "bench_store: %s: %s: %ld %s\n", who, what, code, text);
    exit(1);
}

/* ---- rows ---- */

/* A bijection, so that different rows have different keys. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

struct value {
    uint64_t words[VALUE_MAX / 8];
    uint32_t bytes;
};

static void value_of(uint64_t key, struct value *v) {
    uint64_t x = mix(key + 1);
    v->bytes = 84 + (uint32_t)(x & 31);
    for (unsigned i = 0; i < VALUE_MAX / 8; i++)
        v->words[i] = x += 0x9e3779b97f4a7c15u;
}

/* What a row adds to the checksum of a store, in any order. */
static uint64_t row_sum(uint64_t key, const void *data, uint32_t bytes) {
    uint64_t sum = key ^ bytes, word;
    for (uint32_t at = 0; at < bytes; at += 8) {
        uint32_t n = bytes - at < 8 ? bytes - at : 8;
        word = 0;
        memcpy(&word, (const char *)data + at, n);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    return sum;
}

static uint64_t expected_sum(uint64_t key) {
    struct value v;
    value_of(key, &v);
    return row_sum(key, v.words, v.bytes);
}

/* ---- engines ---- */

struct store;
struct session; /* of one thread */

struct scan {
    uint64_t rows, sum;
};

struct engine {
    const char *name;
    /* durable: every commit is; else none, until sync */
    struct store *(*open)(const char *dir, bool durable);
    void (*close)(struct store *store);
    struct session *(*session)(struct store *store);
    void (*end)(struct session *s);
    void (*begin)(struct session *s, bool read_only);
    void (*commit)(struct session *s);
    void (*sync)(struct session *s); /* what was committed becomes durable */
    void (*insert)(struct session *s, uint64_t key, const struct value *v);
    uint64_t (*look_up)(struct session *s, uint64_t key); /* row_sum of what is found */
    struct scan (*scan)(struct session *s);               /* checks the order */
    void (*backup)(struct store *store, const char *to);  /* an empty directory; durable on return */
    void (*restore)(const char *from, const char *to);    /* so that `to` can be opened */
};

/* ---- ours ---- */

struct esent_store {
    JET_INSTANCE instance;
    bool durable;
    char database[512];
};
struct esent_session {
    JET_SESID session;
    JET_TABLEID table;
    JET_COLUMNID key, value;
    JET_DBID db;
    bool durable;
};

static void check_jet(JET_ERR err, const char *what) {
    char text[200] = "";
    JET_API_PTR number = (JET_API_PTR)(int64_t)err;
    if (err >= JET_errSuccess)
        return;
    JetGetSystemParameter(0, 0, JET_paramErrorToString, &number, text, sizeof text);
    fail("esent", what, err, text);
}
#define JET(call) check_jet((call), #call)

static void esent_create(JET_SESID session, const char *database) {
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof *columns,
         .szColumnName = "key",
         .coltyp = JET_coltypLongLong,
         .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypBinary, .cbMax = 255},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+key\0",
                             .cbKey = 6,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "rows",
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    JET_DBID db;
    JET(JetCreateDatabase(session, database, NULL, &db, 0));
    JET(JetCreateTableColumnIndex(session, db, &table));
    JET(JetCloseTable(session, table.tableid));
    JET(JetCloseDatabase(session, db, 0));
}

static JET_INSTANCE esent_instance(const char *dir) {
    JET_INSTANCE instance;
    JET(JetCreateInstance(&instance, "bench"));
    JET(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, dir));
    JET(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, dir));
    return instance;
}

static struct store *esent_open(const char *dir, bool durable) {
    struct esent_store *store = calloc(1, sizeof *store);
    JET_SESID session;
    snprintf(store->database, sizeof store->database, "%s/bench.edb", dir);
    store->durable = durable;
    store->instance = esent_instance(dir);
    JET(JetInit(&store->instance));
    JET(JetBeginSession(store->instance, &session, NULL, NULL));
    if (access(store->database, F_OK) == 0)
        JET(JetAttachDatabase(session, store->database, 0));
    else
        esent_create(session, store->database);
    JET(JetEndSession(session, 0));
    return (struct store *)store;
}

static void esent_close(struct store *any) {
    struct esent_store *store = (struct esent_store *)any;
    JET(JetTerm(store->instance));
    free(store);
}

static struct session *esent_session(struct store *any) {
    struct esent_store *store = (struct esent_store *)any;
    struct esent_session *s = calloc(1, sizeof *s);
    JET_COLUMNDEF def;
    s->durable = store->durable;
    JET(JetBeginSession(store->instance, &s->session, NULL, NULL));
    JET(JetOpenDatabase(s->session, store->database, NULL, &s->db, 0));
    JET(JetOpenTable(s->session, s->db, "rows", NULL, 0, 0, &s->table));
    JET(JetGetTableColumnInfo(s->session, s->table, "key", &def, sizeof def, JET_ColInfo));
    s->key = def.columnid;
    JET(JetGetTableColumnInfo(s->session, s->table, "value", &def, sizeof def, JET_ColInfo));
    s->value = def.columnid;
    return (struct session *)s;
}

static void esent_end(struct session *any) {
    struct esent_session *s = (struct esent_session *)any;
    JET(JetEndSession(s->session, 0));
    free(s);
}

static void esent_begin(struct session *any, bool read_only) {
    struct esent_session *s = (struct esent_session *)any;
    JET(JetBeginTransaction2(s->session, read_only ? JET_bitTransactionReadOnly : 0));
}

static void esent_commit(struct session *any) {
    struct esent_session *s = (struct esent_session *)any;
    JET(JetCommitTransaction(s->session, s->durable ? 0 : JET_bitCommitLazyFlush));
}

static void esent_sync(struct session *any) {
    struct esent_session *s = (struct esent_session *)any;
    JET(JetCommitTransaction(s->session, JET_bitWaitLastLevel0Commit));
}

static void esent_insert(struct session *any, uint64_t key, const struct value *v) {
    struct esent_session *s = (struct esent_session *)any;
    JET_SETCOLUMN columns[] = {
        {.columnid = s->key, .pvData = &key, .cbData = sizeof key, .itagSequence = 1},
        {.columnid = s->value, .pvData = v->words, .cbData = v->bytes, .itagSequence = 1},
    };
    JET(JetPrepareUpdate(s->session, s->table, JET_prepInsert));
    JET(JetSetColumns(s->session, s->table, columns, 2));
    JET(JetUpdate(s->session, s->table, NULL, 0, NULL));
}

static uint64_t esent_look_up(struct session *any, uint64_t key) {
    struct esent_session *s = (struct esent_session *)any;
    struct value v;
    JET(JetMakeKey(s->session, s->table, &key, sizeof key, JET_bitNewKey));
    JET(JetSeek(s->session, s->table, JET_bitSeekEQ));
    JET(JetRetrieveColumn(s->session, s->table, s->value, v.words, sizeof v.words, &v.bytes, 0, NULL));
    return row_sum(key, v.words, v.bytes);
}

static struct scan esent_scan(struct session *any) {
    struct esent_session *s = (struct esent_session *)any;
    struct scan scan = {0};
    struct value v;
    int64_t key, last = INT64_MIN;
    JET_RETRIEVECOLUMN columns[] = {
        {.columnid = s->key, .pvData = &key, .cbData = sizeof key, .itagSequence = 1},
        {.columnid = s->value, .pvData = v.words, .cbData = sizeof v.words, .itagSequence = 1},
    };
    JET_ERR err = JetMove(s->session, s->table, (int32_t)JET_MoveFirst, 0);
    for (; err >= JET_errSuccess; err = JetMove(s->session, s->table, JET_MoveNext, 0)) {
        JET(JetRetrieveColumns(s->session, s->table, columns, 2));
        if (scan.rows++ > 0 && key <= last)
            fail("esent", "scan", (long)key, "is out of order");
        last = key;
        scan.sum += row_sum((uint64_t)key, v.words, columns[1].cbActual);
    }
    if (err != JET_errNoCurrentRecord)
        JET(err);
    return scan;
}

static void esent_backup(struct store *any, const char *to) {
    struct esent_store *store = (struct esent_store *)any;
    JET(JetBackupInstance(store->instance, to, 0, NULL));
}

static void esent_restore(const char *from, const char *to) {
    JET_INSTANCE instance = esent_instance(to);
    JET(JetRestoreInstance(instance, from, to, NULL));
    JET(JetTerm(instance));
}

static const struct engine esent_engine = {
    "esent",    esent_open,   esent_close,   esent_session, esent_end,    esent_begin,   esent_commit,
    esent_sync, esent_insert, esent_look_up, esent_scan,    esent_backup, esent_restore,
};

/* ---- LMDB ---- */

struct lmdb_store {
    MDB_env *env;
    MDB_dbi dbi;
};
struct lmdb_session {
    struct lmdb_store *store;
    MDB_txn *txn;
};

static void check_lmdb(int rc, const char *what) {
    if (rc != MDB_SUCCESS)
        fail("lmdb", what, rc, mdb_strerror(rc));
}
#define LMDB(call) check_lmdb((call), #call)

static struct store *lmdb_open(const char *dir, bool durable) {
    struct lmdb_store *store = calloc(1, sizeof *store);
    MDB_txn *txn;
    LMDB(mdb_env_create(&store->env));
    LMDB(mdb_env_set_mapsize(store->env, ((size_t)1 << 30) + (size_t)options.rows * 512));
    LMDB(mdb_env_open(store->env, dir, durable ? 0 : MDB_NOSYNC, 0600));
    LMDB(mdb_txn_begin(store->env, NULL, 0, &txn));
    LMDB(mdb_dbi_open(txn, NULL, 0, &store->dbi));
    LMDB(mdb_txn_commit(txn));
    return (struct store *)store;
}

static void lmdb_close(struct store *any) {
    struct lmdb_store *store = (struct lmdb_store *)any;
    mdb_env_close(store->env);
    free(store);
}

static struct session *lmdb_session(struct store *any) {
    struct lmdb_session *s = calloc(1, sizeof *s);
    s->store = (struct lmdb_store *)any;
    return (struct session *)s;
}

static void lmdb_end(struct session *any) {
    free(any);
}

static void lmdb_begin(struct session *any, bool read_only) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    LMDB(mdb_txn_begin(s->store->env, NULL, read_only ? MDB_RDONLY : 0, &s->txn));
}

static void lmdb_commit(struct session *any) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    LMDB(mdb_txn_commit(s->txn));
}

static void lmdb_sync(struct session *any) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    LMDB(mdb_env_sync(s->store->env, 1));
}

/* Ascending bytes are ascending signed numbers. */
static uint64_t lmdb_key(uint64_t key) {
    return htobe64(key ^ (uint64_t)1 << 63);
}

static void lmdb_insert(struct session *any, uint64_t key, const struct value *v) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    uint64_t bytes = lmdb_key(key);
    MDB_val k = {sizeof bytes, &bytes}, data = {v->bytes, (void *)(uintptr_t)v->words};
    LMDB(mdb_put(s->txn, s->store->dbi, &k, &data, MDB_NOOVERWRITE));
}

/* Copies the value, as a program does that keeps it. */
static uint64_t lmdb_row_sum(uint64_t key, const MDB_val *data) {
    struct value v;
    v.bytes = (uint32_t)data->mv_size;
    if (data->mv_size > sizeof v.words)
        fail("lmdb", "value", (long)data->mv_size, "bytes");
    memcpy(v.words, data->mv_data, v.bytes);
    return row_sum(key, v.words, v.bytes);
}

static uint64_t lmdb_look_up(struct session *any, uint64_t key) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    uint64_t bytes = lmdb_key(key);
    MDB_val k = {sizeof bytes, &bytes}, data;
    LMDB(mdb_get(s->txn, s->store->dbi, &k, &data));
    return lmdb_row_sum(key, &data);
}

static struct scan lmdb_scan(struct session *any) {
    struct lmdb_session *s = (struct lmdb_session *)any;
    struct scan scan = {0};
    MDB_cursor *cursor;
    MDB_val k, data;
    uint64_t key, last = 0;
    int rc;
    LMDB(mdb_cursor_open(s->txn, s->store->dbi, &cursor));
    for (rc = mdb_cursor_get(cursor, &k, &data, MDB_FIRST); rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &k, &data, MDB_NEXT)) {
        memcpy(&key, k.mv_data, sizeof key);
        key = be64toh(key);
        if (scan.rows++ > 0 && key <= last)
            fail("lmdb", "scan", (long)key, "is out of order");
        last = key;
        scan.sum += lmdb_row_sum(key ^ (uint64_t)1 << 63, &data);
    }
    if (rc != MDB_NOTFOUND)
        LMDB(rc);
    mdb_cursor_close(cursor);
    return scan;
}

/* mdb_env_copy does not sync. */
static void lmdb_backup(struct store *any, const char *to) {
    struct lmdb_store *store = (struct lmdb_store *)any;
    char path[512];
    snprintf(path, sizeof path, "%s/data.mdb", to);
    LMDB(mdb_env_copy(store->env, to));
    int file = open(path, O_RDWR);
    if (file < 0 || fsync(file) != 0)
        fail("lmdb", "fsync", errno, path);
    close(file);
}

static void lmdb_restore(const char *from, const char *to) {
    char old[512], new[512];
    snprintf(old, sizeof old, "%s/data.mdb", from);
    snprintf(new, sizeof new, "%s/data.mdb", to);
    if (rename(old, new) != 0)
        fail("lmdb", "rename", errno, new);
}

static const struct engine lmdb_engine = {
    "lmdb",    lmdb_open,   lmdb_close,   lmdb_session, lmdb_end,    lmdb_begin,   lmdb_commit,
    lmdb_sync, lmdb_insert, lmdb_look_up, lmdb_scan,    lmdb_backup, lmdb_restore,
};

/* ---- figures ---- */

enum figure {
    LOAD,
    LOAD_CLOSED,
    LOAD_RANDOM,
    LOAD_RANDOM_CLOSED,
    SCAN_OPENED,
    SCAN,
    LOOK_UP,
    BACKUP,
    COMMIT,
    COMMIT_4,
    FIGURES
};

static const char *const figure_names[FIGURES] = {
    "load, ascending",
    "load, ascending, and close",
    "load, random",
    "load, random, and close",
    "scan after opening",
    "scan",
    "look-up",
    "backup",
    "durable commit",
    "durable commit, 4 threads",
};

/* Per second, by engine (0 ours) and round. */
static double figures[FIGURES][2][ROUNDS_MAX];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a story is told with: one engine, its column of the round. */
struct run {
    const struct engine *engine;
    unsigned column, round;
    char dir[400];
};

static void note(const struct run *run, enum figure figure, uint64_t count, double since) {
    figures[figure][run->column][run->round] = (double)count / (now() - since);
}

/* ---- stories ---- */

static uint64_t ascending(uint64_t i) {
    return i;
}
static uint64_t scattered(uint64_t i) {
    return mix(i + 0x1000);
}

static void compare(const struct run *run, struct scan scan, uint64_t (*key_of)(uint64_t), uint64_t rows) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rows; i++)
        sum += expected_sum(key_of(i));
    if (scan.rows != rows)
        fail(run->engine->name, "rows", (long)scan.rows, "are there, and not as many as were written");
    if (scan.sum != sum)
        fail(run->engine->name, "contents", (long)scan.rows, "rows are not those that were written");
}

static struct scan scan(const struct engine *e, struct session *s) {
    e->begin(s, true);
    struct scan result = e->scan(s);
    e->commit(s);
    return result;
}

static void look_up_all(const struct run *run, struct session *s) {
    uint64_t wrong = 0;
    run->engine->begin(s, true);
    for (uint32_t i = 0; i < options.rows; i++) {
        uint64_t key = mix(i + run->round) % options.rows;
        wrong += run->engine->look_up(s, key) != expected_sum(key);
    }
    run->engine->commit(s);
    if (wrong > 0)
        fail(run->engine->name, "look-ups", (long)wrong, "found something else than what was written");
}

static void load(const struct run *run, uint64_t (*key_of)(uint64_t), enum figure synced, enum figure closed) {
    const struct engine *e = run->engine;
    struct store *store = e->open(run->dir, false);
    struct session *s = e->session(store);
    struct value v;
    double since = now();
    for (uint32_t i = 0; i < options.rows;) {
        uint32_t end = options.rows - i < BATCH ? options.rows : i + BATCH;
        e->begin(s, false);
        for (; i < end; i++) {
            value_of(key_of(i), &v);
            e->insert(s, key_of(i), &v);
        }
        e->commit(s);
    }
    e->sync(s);
    note(run, synced, options.rows, since);
    e->end(s);
    e->close(store);
    note(run, closed, options.rows, since);
}

static void make_dir(const struct run *run, const char *path) {
    if (mkdir(path, 0700) != 0)
        fail(run->engine->name, "mkdir", errno, path);
}

/* Opens the store anew for it. */
static void scan_and_compare(const struct run *run, const char *dir, uint64_t (*key_of)(uint64_t), uint64_t rows) {
    struct store *store = run->engine->open(dir, false);
    struct session *s = run->engine->session(store);
    compare(run, scan(run->engine, s), key_of, rows);
    run->engine->end(s);
    run->engine->close(store);
}

static void load_and_read(const struct run *run) {
    const struct engine *e = run->engine;
    load(run, ascending, LOAD, LOAD_CLOSED);

    struct store *store = e->open(run->dir, false);
    struct session *s = e->session(store);
    double since = now();
    struct scan result = scan(e, s);
    note(run, SCAN_OPENED, options.rows, since);
    compare(run, result, ascending, options.rows);
    since = now();
    look_up_all(run, s);
    note(run, LOOK_UP, options.rows, since);
    since = now();
    result = scan(e, s);
    note(run, SCAN, options.rows, since);
    compare(run, result, ascending, options.rows);
    e->end(s);

    char set[512], restored[512];
    snprintf(set, sizeof set, "%s/backup", run->dir);
    snprintf(restored, sizeof restored, "%s/restored", run->dir);
    make_dir(run, set);
    make_dir(run, restored);
    since = now();
    e->backup(store, set);
    note(run, BACKUP, options.rows, since);
    e->close(store);
    e->restore(set, restored);
    scan_and_compare(run, restored, ascending, options.rows);
}

static void load_random(const struct run *run) {
    load(run, scattered, LOAD_RANDOM, LOAD_RANDOM_CLOSED);
    scan_and_compare(run, run->dir, scattered, options.rows);
}

struct committer {
    const struct run *run;
    struct store *store;
    uint64_t from, end;
};

static void *committer_main(void *arg) {
    struct committer *c = arg;
    const struct engine *e = c->run->engine;
    struct session *s = e->session(c->store);
    struct value v;
    for (uint64_t key = c->from; key < c->end; key++) {
        value_of(key, &v);
        e->begin(s, false);
        e->insert(s, key, &v);
        e->commit(s);
    }
    e->end(s);
    return NULL;
}

/* Each thread has its own stretch of keys. */
static void commit(const struct run *run, unsigned threads, enum figure figure) {
    struct committer committers[THREADS];
    pthread_t ids[THREADS];
    struct store *store = run->engine->open(run->dir, true);
    double since = now();
    for (unsigned i = 0; i < threads; i++) {
        committers[i] = (struct committer){run, store, i * options.commits, (i + 1) * options.commits};
        if (pthread_create(&ids[i], NULL, committer_main, &committers[i]) != 0)
            fail(run->engine->name, "pthread_create", i, "");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    note(run, figure, (uint64_t)threads * options.commits, since);
    run->engine->close(store);
    scan_and_compare(run, run->dir, ascending, (uint64_t)threads * options.commits);
}

static void commit_alone(const struct run *run) {
    commit(run, 1, COMMIT);
}
static void commit_together(const struct run *run) {
    commit(run, THREADS, COMMIT_4);
}

/* ---- rounds ---- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_dir(const char *dir) {
    if (nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        perror(dir);
}

static void tell(void (*story)(const struct run *run), unsigned round, const char *base) {
    static const struct engine *const engines[2] = {&esent_engine, &lmdb_engine};
    for (unsigned i = 0; i < 2; i++) {
        struct run run = {.column = (i + round) % 2, .round = round};
        run.engine = engines[run.column];
        if (options.only && strcmp(options.only, run.engine->name) != 0)
            continue;
        snprintf(run.dir, sizeof run.dir, "%s/%s", base, run.engine->name);
        make_dir(&run, run.dir);
        story(&run);
        remove_dir(run.dir);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sort(double *values) {
    qsort(values, options.rounds, sizeof *values, by_value);
    return values[options.rounds / 2];
}

static void print(enum figure figure) {
    double ratios[ROUNDS_MAX], *ours = figures[figure][0], *theirs = figures[figure][1];
    for (unsigned i = 0; i < options.rounds; i++)
        ratios[i] = theirs[i] > 0 ? ours[i] / theirs[i] : 0;
    double ratio = sort(ratios), median = sort(ours), their_median = sort(theirs);
    const char *format = options.csv ? "\"%s\",%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.3f\n"
                                     : "%-27s %9.0f (%9.0f ..%9.0f) %9.0f (%9.0f ..%9.0f) %6.2f\n";
    printf(format, figure_names[figure], median, ours[0], ours[options.rounds - 1], their_median, theirs[0],
           theirs[options.rounds - 1], ratio);
}

static int run_all(const char *base) {
    for (unsigned round = 0; round < options.rounds; round++) {
        tell(load_and_read, round, base);
        tell(load_random, round, base);
        tell(commit_alone, round, base);
        tell(commit_together, round, base);
    }
    if (options.csv)
        printf("case,esent,esent_min,esent_max,lmdb,lmdb_min,lmdb_max,ratio\n");
    else
        printf("per second, median (min .. max) of %u rounds; %u rows, %u commits a thread; ratio: esent to lmdb\n"
               "%-27s %-33s %-33s %6s\n",
               options.rounds, options.rows, options.commits, "", "esent", "lmdb", "ratio");
    for (unsigned figure = 0; figure < FIGURES; figure++)
        print((enum figure)figure);
    return 0;
}

/* ---- command line ---- */

static int usage(void) {
    fprintf(stderr, "usage: bench_store [--csv] [--dir DIRECTORY] [--rows N] [--commits N] [--rounds N]\n"
                    "                   [--only esent|lmdb]\n"
                    "  directory: for the stores, on the disk to be measured; $TMPDIR or /tmp\n");
    return 2;
}

static bool number(const char *text, uint32_t max, uint32_t *out) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return *text && !*end && n >= 1 && n <= max;
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--csv") == 0) {
            options.csv = true;
            continue;
        }
        if (++i == argc)
            return false;
        bool good = strcmp(name, "--rows") == 0      ? number(argv[i], 100000000, &options.rows)
                    : strcmp(name, "--commits") == 0 ? number(argv[i], 1000000, &options.commits)
                    : strcmp(name, "--rounds") == 0  ? number(argv[i], ROUNDS_MAX, &options.rounds)
                    : strcmp(name, "--dir") == 0     ? (options.dir = argv[i]) != NULL
                    : strcmp(name, "--only") == 0    ? (options.only = argv[i]) != NULL
                                                     : false;
        if (!good)
            return false;
    }
    return !options.only || strcmp(options.only, "esent") == 0 || strcmp(options.only, "lmdb") == 0;
}

static volatile pid_t child;

static void pass_on(int signal_number) {
    if (child > 0)
        kill(child, signal_number);
}

int main(int argc, char **argv) {
    char base[300];
    int status = 1;
    if (!parse(argc, argv))
        return usage();
    if (!options.dir)
        options.dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    if (snprintf(base, sizeof base, "%s/bench_store-XXXXXX", options.dir) >= (int)sizeof base || !mkdtemp(base)) {
        perror(options.dir);
        return 1;
    }
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        exit(run_all(base));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        perror("bench_store");
    remove_dir(base);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
