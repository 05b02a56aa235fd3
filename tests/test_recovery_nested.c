/* Nested transactions of several sessions, cut off by a crash. Each session's view is known at every moment (what was
 * committed when it began, and its own changes, level by level), each conflict is foreseen, and after the crash exactly
 * what was committed is there. P6; snapshot isolation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

#include <esent.h>

#define PLAYERS 4
#define KEYS 40
#define LEVELS 5
#define TOUCHES_MAX 4000
#define ROUNDS 25

/* The value of each row of the table that all share, 0 for none; and which players' own tables are there. */
struct view {
    uint32_t values[KEYS];
    bool tables[PLAYERS];
};

/* Outlives the process that works. */
struct shared {
    struct view committed;
    uint64_t random;
    bool failed;
};

struct player {
    JET_SESID session;
    JET_TABLEID table;
    unsigned level;
    uint64_t began;
    struct view views[LEVELS + 1]; /* views[level] is what it sees; those below are what it goes back to */
    struct {
        unsigned key, level;
    } touched[TOUCHES_MAX];
    unsigned touches;
};

static struct shared *shared;
static struct player players[PLAYERS];
static uint64_t now, changed_at[KEYS];
static JET_DBID db;
static const char *dir;

static uint64_t dice(uint64_t end) {
    shared->random = shared->random * 6364136223846793005u + 1442695040888963407u;
    return (shared->random >> 33) % end;
}

/* CUnit is of no use in a child. */
#define MUST(expr)                                                                                                     \
    do {                                                                                                               \
        JET_ERR must_ = (expr);                                                                                        \
        if (must_ < JET_errSuccess)                                                                                    \
            give_up(#expr, must_, __LINE__);                                                                           \
    } while (0)
#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            give_up(#condition, 0, __LINE__);                                                                          \
    } while (0)
static void give_up(const char *what, JET_ERR err, int line) {
    fprintf(stderr, "%s:%d: %s: %d\n", __FILE__, line, what, (int)err);
    shared->failed = true;
    _exit(1);
}

/* ---- the instance ---- */

static JET_INSTANCE start(bool tight) {
    static unsigned count;
    JET_INSTANCE instance;
    char name[32];
    snprintf(name, sizeof name, "nested%u", count++);
    MUST(JetSetSystemParameter(NULL, 0, JET_paramCacheSizeMax, tight ? 64 : 100000, NULL));
    MUST(JetCreateInstance(&instance, name));
    MUST(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, dir));
    MUST(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, dir));
    MUST(JetSetSystemParameter(&instance, 0, JET_paramLogFileSize, 64, NULL));
    MUST(JetSetSystemParameter(&instance, 0, JET_paramDbExtensionSize, 16, NULL));
    MUST(JetSetSystemParameter(&instance, 0, JET_paramCheckpointDepthMax, dice(2) ? 128 << 10 : 8 << 20, NULL));
    MUST(JetInit(&instance));
    return instance;
}

static void make_table(JET_SESID session, const char *name) {
    JET_COLUMNCREATE columns[2] = {
        {.cbStruct = sizeof *columns, .szColumnName = "key", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypLongBinary},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+key\0",
                             .cbKey = 6,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = (char *)(uintptr_t)name,
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    MUST(JetCreateTableColumnIndex(session, db, &table));
    MUST(JetCloseTable(session, table.tableid));
}

/* ---- rows: a value is its number and as many bytes as follow from it ---- */

static uint32_t bytes_of(uint32_t value) {
    return 4 + (value * 2654435761u >> 20) % (value % 5 ? 60 : 1300);
}

static void set_value(JET_SESID session, JET_TABLEID table, uint32_t value) {
    uint8_t bytes[1400];
    memset(bytes, (int)value, sizeof bytes);
    memcpy(bytes, &value, 4);
    MUST(JetSetColumn(session, table, 256, bytes, bytes_of(value), 0, NULL));
}

static bool seek(JET_SESID session, JET_TABLEID table, uint32_t key) {
    MUST(JetMakeKey(session, table, &key, sizeof key, JET_bitNewKey));
    JET_ERR err = JetSeek(session, table, JET_bitSeekEQ);
    HOLDS(err == JET_errSuccess || err == JET_errRecordNotFound);
    return err == JET_errSuccess;
}

static void insert(JET_SESID session, JET_TABLEID table, uint32_t key, uint32_t value, JET_ERR expected) {
    MUST(JetPrepareUpdate(session, table, JET_prepInsert));
    MUST(JetSetColumn(session, table, 1, &key, sizeof key, 0, NULL));
    set_value(session, table, value);
    JET_ERR err = JetUpdate(session, table, NULL, 0, NULL);
    HOLDS(err == expected);
    if (err < JET_errSuccess)
        MUST(JetPrepareUpdate(session, table, JET_prepCancel));
}

static void check_row(JET_SESID session, JET_TABLEID table, const struct view *view, uint32_t *next) {
    uint8_t bytes[1400];
    uint32_t key, value, actual;
    MUST(JetRetrieveColumn(session, table, 1, &key, sizeof key, NULL, 0, NULL));
    MUST(JetRetrieveColumn(session, table, 256, bytes, sizeof bytes, &actual, 0, NULL));
    memcpy(&value, bytes, 4);
    HOLDS(key < KEYS && value == view->values[key] && actual == bytes_of(value));
    for (uint32_t i = 4; i < actual; i++)
        HOLDS(bytes[i] == (uint8_t)value);
    for (; *next < key; ++*next)
        HOLDS(view->values[*next] == 0);
    *next = key + 1;
}

static void check_rows(JET_SESID session, JET_TABLEID table, const struct view *view) {
    uint32_t next = 0;
    JET_ERR err = JetMove(session, table, (int32_t)JET_MoveFirst, 0);
    for (; err >= JET_errSuccess; err = JetMove(session, table, JET_MoveNext, 0))
        check_row(session, table, view, &next);
    HOLDS(err == JET_errNoCurrentRecord);
    for (; next < KEYS; next++)
        HOLDS(view->values[next] == 0);
}

static void table_name(unsigned who, char out[16]) {
    snprintf(out, 16, "own%u", who);
}

static void check_tables(JET_SESID session, const struct view *view) {
    for (unsigned i = 0; i < PLAYERS; i++) {
        char name[16];
        JET_TABLEID table;
        table_name(i, name);
        JET_ERR err = JetOpenTable(session, db, name, NULL, 0, JET_bitTableReadOnly, &table);
        if (err == JET_errTableInUse || err == JET_errTableLocked) /* its player is about to delete it */
            continue;
        HOLDS((err >= JET_errSuccess) == view->tables[i]);
        if (err < JET_errSuccess)
            continue;
        HOLDS(seek(session, table, 7));
        MUST(JetCloseTable(session, table));
    }
}

/* ---- playing ---- */

static struct view *view_of(struct player *p) {
    return &p->views[p->level];
}

/* The first writer wins: another has it, or had it after this one began. */
static bool conflicts(const struct player *p, unsigned key) {
    for (unsigned i = 0; i < PLAYERS; i++)
        for (unsigned t = 0; &players[i] != p && t < players[i].touches; t++)
            if (players[i].touched[t].key == key)
                return true;
    return changed_at[key] > p->began;
}

static void touch(struct player *p, unsigned key) {
    HOLDS(p->touches < TOUCHES_MAX);
    p->touched[p->touches].key = key;
    p->touched[p->touches++].level = p->level;
}

static void begin(struct player *p) {
    MUST(JetBeginTransaction(p->session));
    if (p->level == 0) {
        p->began = now;
        p->views[0] = shared->committed;
    }
    p->views[p->level + 1] = p->views[p->level];
    p->level++;
}

static void publish(struct player *p) {
    unsigned who = (unsigned)(p - players);
    now++;
    for (unsigned t = 0; t < p->touches; t++) {
        unsigned key = p->touched[t].key;
        changed_at[key] = now;
        shared->committed.values[key] = p->views[0].values[key];
    }
    shared->committed.tables[who] = p->views[0].tables[who];
    p->touches = 0;
}

static void commit(struct player *p) {
    MUST(JetCommitTransaction(p->session, dice(2) ? JET_bitCommitLazyFlush : 0));
    p->views[p->level - 1] = p->views[p->level];
    p->level--;
    for (unsigned t = 0; t < p->touches; t++)
        if (p->touched[t].level > p->level)
            p->touched[t].level = p->level;
    if (p->level == 0)
        publish(p);
}

static void roll_back(struct player *p, bool all) {
    MUST(JetRollback(p->session, all ? JET_bitRollbackAll : 0));
    p->level = all ? 0 : p->level - 1;
    while (p->touches > 0 && p->touched[p->touches - 1].level > p->level)
        p->touches--;
}

static JET_ERR replace(struct player *p, unsigned key, uint32_t value) {
    JET_ERR err = JetPrepareUpdate(p->session, p->table, JET_prepReplace);
    if (err < JET_errSuccess)
        return err;
    if (dice(6) == 0) { /* only the claim stays */
        MUST(JetPrepareUpdate(p->session, p->table, JET_prepCancel));
        return JET_errSuccess;
    }
    set_value(p->session, p->table, value);
    MUST(JetUpdate(p->session, p->table, NULL, 0, NULL));
    view_of(p)->values[key] = value;
    return JET_errSuccess;
}

static void change(struct player *p) {
    unsigned key = (unsigned)dice(KEYS);
    uint32_t value = (uint32_t)dice(1u << 30) + 1;
    const bool there = view_of(p)->values[key] != 0;
    const JET_ERR expected = conflicts(p, key) ? JET_errWriteConflict : JET_errSuccess;

    HOLDS(seek(p->session, p->table, key) == there);
    if (!there) {
        insert(p->session, p->table, key, value, expected);
        if (expected == JET_errSuccess)
            view_of(p)->values[key] = value;
    } else if (dice(3) == 0) {
        HOLDS(JetDelete(p->session, p->table) == expected);
        if (expected == JET_errSuccess)
            view_of(p)->values[key] = 0;
    } else {
        HOLDS(replace(p, key, value) == expected);
    }
    if (expected == JET_errSuccess)
        touch(p, key);
}

/* A table that only this player makes, with a row, and deletes. */
static void change_table(struct player *p) {
    unsigned who = (unsigned)(p - players);
    char name[16];
    JET_TABLEID table;
    table_name(who, name);
    if (view_of(p)->tables[who]) {
        MUST(JetDeleteTable(p->session, db, name));
    } else {
        make_table(p->session, name);
        MUST(JetOpenTable(p->session, db, name, NULL, 0, 0, &table));
        insert(p->session, table, 7, (uint32_t)dice(1000) + 1, JET_errSuccess);
        MUST(JetCloseTable(p->session, table));
    }
    view_of(p)->tables[who] = !view_of(p)->tables[who];
}

static void play(struct player *p) {
    uint64_t what = dice(24);
    if (p->level == 0 && what < 8)
        check_rows(p->session, p->table, &shared->committed);
    else if (p->level == 0)
        begin(p);
    else if (what < 2 && p->level < LEVELS)
        begin(p);
    else if (what < 4)
        commit(p);
    else if (what < 6)
        roll_back(p, dice(6) == 0);
    else if (what < 7)
        change_table(p);
    else if (what < 8)
        check_rows(p->session, p->table, view_of(p)), check_tables(p->session, view_of(p));
    else
        change(p);
}

/* Plays until it dies. What was appended to the log is made durable before, the open transactions' changes too, so that
 * it is known what recovery must find. */
static void child(const char *path, bool tight, unsigned steps) {
    JET_INSTANCE instance = start(tight);
    JET_SESID session;
    for (unsigned i = 0; i < PLAYERS; i++) {
        struct player *p = &players[i];
        MUST(JetBeginSession(instance, &p->session, NULL, NULL));
        if (i == 0)
            MUST(JetAttachDatabase(p->session, path, 0));
        MUST(JetOpenDatabase(p->session, path, NULL, &db, 0));
        MUST(JetOpenTable(p->session, db, "rows", NULL, 0, 0, &p->table));
    }
    check_rows(players[0].session, players[0].table, &shared->committed);
    check_tables(players[0].session, &shared->committed);
    for (unsigned step = 0; step < steps; step++)
        play(&players[dice(PLAYERS)]);
    MUST(JetBeginSession(instance, &session, NULL, NULL));
    MUST(JetCommitTransaction(session, JET_bitWaitAllLevel0Commit));
    if (dice(8) == 0)
        MUST(JetTerm2(instance, JET_bitTermAbrupt));
    _exit(0);
}

static void sessions__nested_and_cut_off_leave_what_was_committed(void) {
    static char where[400];
    char path[512];
    JET_SESID session;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(shared != MAP_FAILED);
    shared->random = test_random();
    snprintf(where, sizeof where, "%s", test_dir());
    dir = where;
    snprintf(path, sizeof path, "%s/a.edb", where);
    JET_INSTANCE instance = start(false);
    CHECK_OK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK_OK(JetCreateDatabase(session, path, NULL, &db, 0));
    make_table(session, "rows");
    CHECK_OK(JetTerm(instance));
    for (unsigned round = 0; round < ROUNDS; round++) {
        int status = 0;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            child(path, round % 2, 50 + (unsigned)dice(800));
        waitpid(pid, &status, 0);
        CU_ASSERT_TRUE_FATAL(status == 0 && !shared->failed);
    }
    CHECK_OK(JetTerm(start(false)));
    CU_ASSERT_TRUE(test_edbcheck(path) <= 0 && test_check(path) <= 0);
    munmap(shared, sizeof *shared);
}

TEST_MAIN(TEST(sessions__nested_and_cut_off_leave_what_was_committed))
