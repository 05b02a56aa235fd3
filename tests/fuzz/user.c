/* What a user does with files that he was given. Errors are what he expects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/reader.h"
#include "tools/tool.h"

#define TABLES_MAX 24
#define COLUMNS_MAX 80
#define ROWS_MAX 1000000u /* more nodes than FUZZ_BYTES_MAX can hold */

/* ---- esentutl ---- */

static void run_tool(const struct command *command, const char *a, const char *b, const char *option) {
    struct args args;
    char *argv[3], words[3][OS_PATH_MAX];
    const char *given[] = {a, b, option};
    int argc = 0;
    for (int i = 0; i < 3; i++)
        if (given[i]) {
            snprintf(words[argc], sizeof words[argc], "%s", given[i]);
            argv[argc] = words[argc];
            argc++;
        }
    if (args_parse(&args, command, argc, argv))
        command->run(&args);
    args_done(&args);
}

void user_tool(const struct command *command, const char *a, const char *b) {
    run_tool(command, a, b, NULL);
}

struct names {
    char names[TABLES_MAX][65];
    unsigned count;
};

static JET_ERR note_name(void *context, const struct cat_record *table) {
    struct names *n = context;
    if (n->count == TABLES_MAX)
        return RAISE(JET_errTooManyActiveUsers); /* enough */
    size_t bytes = table->name.n < 64 ? table->name.n : 64;
    memcpy(n->names[n->count], table->name.p, bytes);
    n->names[n->count++][bytes] = 0;
    return JET_errSuccess;
}

static void find_names(const char *path, struct names *out) {
    struct reader *r = NULL;
    JET_ERR err = reader_open(path, &r);
    if (err >= JET_errSuccess)
        err = reader_begin_session(r);
    if (err >= JET_errSuccess)
        err = trx_begin(r->session, true);
    if (err >= JET_errSuccess)
        err = cat_each_table(r->session, r->db, note_name, out);
    reader_close(r);
}

void user_tools(const char *path) {
    struct names tables = {0};
    user_tool(&command_header, path, NULL);
    user_tool(&command_verify, path, NULL);
    user_tool(&command_check, path, NULL);
    run_tool(&command_tables, path, NULL, "--json");
    find_names(path, &tables);
    for (unsigned i = 0; i < tables.count; i++)
        run_tool(&command_export, path, tables.names[i], i % 2 ? "--format=csv" : NULL);
}

/* ---- the API ---- */

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        JET_ERR try_ = (expr);                                                                                         \
        if (try_ < JET_errSuccess)                                                                                     \
            return try_;                                                                                               \
    } while (0)

JET_ERR user_instance(const char *dir, uint32_t page_size, JET_INSTANCE *out) {
    static unsigned counter;
    char name[32], path[512];
    snprintf(name, sizeof name, "fuzz%u", counter++);
    snprintf(path, sizeof path, "%s/system", dir);
    TRY(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, page_size ? page_size : 4096, NULL));
    TRY(JetSetSystemParameter(NULL, 0, JET_paramCacheSizeMax, 1, NULL));
    TRY(JetCreateInstance(out, name));
    TRY(JetSetSystemParameter(out, 0, JET_paramBaseName, 0, "edb"));
    TRY(JetSetSystemParameter(out, 0, JET_paramCircularLog, 0, NULL));
    TRY(JetSetSystemParameter(out, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    TRY(JetSetSystemParameter(out, 0, JET_paramSystemPath, 0, path));
    TRY(JetSetSystemParameter(out, 0, JET_paramLogFilePath, 0, path));
    TRY(JetSetSystemParameter(out, 0, JET_paramEventLoggingLevel, JET_EventLoggingDisable, NULL));
    TRY(JetSetSystemParameter(out, 0, JET_paramLogFileSize, FUZZ_LOG_BYTES / 1024, NULL));
    return JetSetSystemParameter(out, 0, JET_paramDbExtensionSize, 4, NULL);
}

struct columns {
    struct {
        JET_COLUMNID id;
        uint32_t type;
    } all[COLUMNS_MAX];
    unsigned count;
};

static void find_columns(JET_SESID session, JET_TABLEID table, struct columns *out) {
    JET_COLUMNLIST list = {.cbStruct = sizeof list};
    out->count = 0;
    if (JetGetTableColumnInfo(session, table, NULL, &list, sizeof list, JET_ColInfoList) < JET_errSuccess)
        return;
    for (JET_ERR err = JetMove(session, list.tableid, (int32_t)JET_MoveFirst, 0);
         err >= JET_errSuccess && out->count < COLUMNS_MAX; err = JetMove(session, list.tableid, JET_MoveNext, 0)) {
        JetRetrieveColumn(session, list.tableid, list.columnidcolumnid, &out->all[out->count].id, 4, NULL, 0, NULL);
        JetRetrieveColumn(session, list.tableid, list.columnidcoltyp, &out->all[out->count].type, 4, NULL, 0, NULL);
        out->count++;
    }
    JetCloseTable(session, list.tableid);
}

static void read_row(JET_SESID session, JET_TABLEID table, const struct columns *columns) {
    static uint8_t buffer[40000];
    for (unsigned i = 0; i < columns->count; i++) {
        uint32_t actual = 0;
        JET_RETINFO info = {.cbStruct = sizeof info, .itagSequence = 1};
        JET_ERR err = JetRetrieveColumn(session, table, columns->all[i].id, buffer, sizeof buffer, &actual, 0, &info);
        for (info.itagSequence = 2; err == JET_errSuccess && info.itagSequence < 4; info.itagSequence++)
            err = JetRetrieveColumn(session, table, columns->all[i].id, buffer, 3, &actual, 0, &info);
    }
}

static void read_table(JET_SESID session, JET_TABLEID table) {
    struct columns columns;
    uint32_t rows = 0;
    JET_ERR err;
    find_columns(session, table, &columns);
    for (err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(session, table, JET_MoveNext, 0)) {
        read_row(session, table, &columns);
        if (++rows > ROWS_MAX)
            fuzz_die("a table without end");
    }
    rows = 0;
    for (err = JetMove(session, table, JET_MoveLast, 0); err >= JET_errSuccess;
         err = JetMove(session, table, JET_MovePrevious, 0))
        if (++rows > ROWS_MAX)
            fuzz_die("a table without beginning");
    for (uint32_t key = 0; key < 0x8000; key = 2 * key + 1) {
        JetMakeKey(session, table, &key, 4, JET_bitNewKey);
        if (JetSeek(session, table, key % 2 ? JET_bitSeekGE : JET_bitSeekLE) >= JET_errSuccess)
            read_row(session, table, &columns);
    }
}

static void find_tables(JET_SESID session, JET_DBID db, struct names *out) {
    JET_OBJECTLIST list = {.cbStruct = sizeof list};
    out->count = 0;
    if (JetGetObjectInfo(session, db, JET_objtypTable, NULL, NULL, &list, sizeof list, JET_ObjInfoListNoStats) <
        JET_errSuccess)
        return;
    for (JET_ERR err = JetMove(session, list.tableid, (int32_t)JET_MoveFirst, 0);
         err >= JET_errSuccess && out->count < TABLES_MAX; err = JetMove(session, list.tableid, JET_MoveNext, 0)) {
        uint32_t bytes = 0;
        if (JetRetrieveColumn(session, list.tableid, list.columnidobjectname, out->names[out->count], 64, &bytes, 0,
                              NULL) >= JET_errSuccess)
            out->names[out->count++][bytes < 64 ? bytes : 64] = 0;
    }
    JetCloseTable(session, list.tableid);
}

void user_reads(JET_SESID session, JET_DBID db) {
    struct names tables;
    JET_TABLEID table;
    find_tables(session, db, &tables);
    for (unsigned i = 0; i < tables.count; i++)
        if (JetOpenTable(session, db, tables.names[i], NULL, 0, JET_bitTableReadOnly, &table) >= JET_errSuccess) {
            read_table(session, table);
            JetCloseTable(session, table);
        }
}

static JET_ERR put_row(JET_SESID session, JET_TABLEID table, const struct columns *columns, uint32_t n) {
    uint8_t value[600];
    memset(value, (int)n, sizeof value);
    for (unsigned i = 0; i < columns->count; i++) {
        const uint32_t type = columns->all[i].type;
        const bool text = type == JET_coltypText || type == JET_coltypBinary || type == JET_coltypLongText ||
                          type == JET_coltypLongBinary;
        const uint32_t sizes[] = {text ? n * 13 % 500 : 1, 1, 2, 4, 8, 16};
        for (unsigned k = 0; k < 6; k++)
            if (JetSetColumn(session, table, columns->all[i].id, value, sizes[k], 0, NULL) >= JET_errSuccess)
                break;
    }
    return JetUpdate(session, table, NULL, 0, NULL);
}

static void write_table(JET_SESID session, JET_TABLEID table, bool commits) {
    struct columns columns;
    find_columns(session, table, &columns);
    if (JetBeginTransaction(session) < JET_errSuccess)
        return;
    for (uint32_t n = 1; n <= 4; n++)
        if (JetPrepareUpdate(session, table, JET_prepInsert) >= JET_errSuccess &&
            put_row(session, table, &columns, n * 53) < JET_errSuccess)
            JetPrepareUpdate(session, table, JET_prepCancel);
    if (JetMove(session, table, (int32_t)JET_MoveFirst, 0) >= JET_errSuccess &&
        JetPrepareUpdate(session, table, JET_prepReplace) >= JET_errSuccess &&
        put_row(session, table, &columns, 77) < JET_errSuccess)
        JetPrepareUpdate(session, table, JET_prepCancel);
    for (int i = 0; i < 3; i++)
        if (JetMove(session, table, i ? JET_MoveNext : JET_MoveLast, 0) >= JET_errSuccess)
            JetDelete(session, table);
    if (!commits || JetCommitTransaction(session, JET_bitCommitLazyFlush) < JET_errSuccess)
        JetRollback(session, 0);
}

static void make_table(JET_SESID session, JET_DBID db) {
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong};
    JET_COLUMNID column;
    JET_TABLEID table;
    if (JetCreateTable(session, db, "made", 0, 0, &table) < JET_errSuccess)
        return;
    if (JetAddColumn(session, table, "n", &number, NULL, 0, &column) >= JET_errSuccess &&
        JetCreateIndex(session, table, "primary", JET_bitIndexPrimary, "+n\0", 4, 0) >= JET_errSuccess)
        write_table(session, table, true);
    JetCloseTable(session, table);
}

void user_writes(JET_SESID session, JET_DBID db) {
    struct names tables;
    JET_TABLEID table;
    find_tables(session, db, &tables);
    for (unsigned i = 0; i < tables.count; i++) {
        if (JetOpenTable(session, db, tables.names[i], NULL, 0, 0, &table) < JET_errSuccess)
            continue;
        write_table(session, table, i % 2 == 0);
        JetCloseTable(session, table);
    }
    make_table(session, db);
    if (tables.count > 0)
        JetDeleteTable(session, db, tables.names[tables.count - 1]);
}

static void work(JET_SESID session, JET_INSTANCE instance, const char *path, unsigned what) {
    JET_DBID db;
    const JET_GRBIT grbit = what & USER_WRITES ? 0 : JET_bitDbReadOnly;
    if (JetAttachDatabase(session, path, grbit) < JET_errSuccess)
        return;
    if (JetOpenDatabase(session, path, NULL, &db, grbit) >= JET_errSuccess) {
        user_reads(session, db);
        if (what & USER_WRITES)
            user_writes(session, db);
        JetCloseDatabase(session, db, 0);
    }
    if (what & USER_BACKS_UP)
        JetBackupInstance(instance, "/set", 0, NULL);
    JetDetachDatabase(session, path);
}

void user_works(const char *dir, const char *path, uint32_t page_size, unsigned what) {
    JET_INSTANCE instance = JET_instanceNil;
    JET_SESID session;
    if (user_instance(dir, page_size, &instance) < JET_errSuccess)
        fuzz_die("the parameters are refused");
    if (JetInit(&instance) >= JET_errSuccess && JetBeginSession(instance, &session, NULL, NULL) >= JET_errSuccess)
        work(session, instance, path, what);
    JetTerm(instance);
}
