/* A backup by a program that moves the bytes itself: each file is read through the engine, verified, while sessions
 * write, and may go anywhere. Here it goes to a directory. Then the files are laid out elsewhere and restored.
 *
 *     backup_stream DIRECTORY     a new directory: DIRECTORY/live holds the instance, DIRECTORY/backup what was read,
 *                                 DIRECTORY/restored what it was restored to */
#include <esent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_BYTES (256 * 1024) /* a multiple of every page size */

static char live[1000], backup[1000], restored[1000], database[1100], restored_database[1100];
static void *chunk;                /* CHUNK_BYTES, aligned to 4096 */
static uint32_t gen_low, gen_high; /* of the log files in the backup */

static void check(JET_ERR err, const char *call) {
    if (err < JET_errSuccess) {
        fprintf(stderr, "%s: error %d\n", call, (int)err);
        exit(1);
    }
}
#define CHECK(call) check(call, #call)

static void fail(const char *path) {
    perror(path);
    exit(1);
}

/* ---- the backup ---- */

static const char *name_of(const char *path) {
    return strrchr(path, '/') + 1; /* the lists have full paths */
}

/* Reads a file of the backup; every page or log record is verified on the way. */
static void read_file(JET_INSTANCE instance, const char *path) {
    char to[1200];
    JET_HANDLE handle;
    uint32_t low, high, bytes;
    uint64_t left;

    CHECK(JetOpenFileInstance(instance, path, &handle, &low, &high));
    snprintf(to, sizeof to, "%s/%s", backup, name_of(path));
    FILE *out = fopen(to, "wb");
    if (!out)
        fail(to);
    for (left = (uint64_t)high << 32 | low; left > 0; left -= bytes) {
        CHECK(JetReadFileInstance(instance, handle, chunk, CHUNK_BYTES, &bytes));
        if (bytes == 0 || fwrite(chunk, 1, bytes, out) != bytes)
            fail(to);
    }
    if (fclose(out) != 0)
        fail(to);
    CHECK(JetCloseFileInstance(instance, handle));
}

typedef JET_ERR(JET_API *list_fn)(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

/* Paths behind each other, the last one empty. The caller frees it. */
static char *get_list(list_fn list, JET_INSTANCE instance) {
    uint32_t bytes;
    CHECK(list(instance, NULL, 0, &bytes));
    char *paths = malloc(bytes);
    if (!paths)
        fail("malloc");
    CHECK(list(instance, paths, bytes, NULL));
    return paths;
}

static void read_databases(JET_INSTANCE instance) {
    char *paths = get_list(JetGetAttachInfoInstance, instance);
    for (const char *path = paths; *path; path += strlen(path) + 1)
        read_file(instance, path);
    free(paths);
}

/* edb0001F.log is generation 0x1F. */
static void read_logs(JET_INSTANCE instance) {
    char *paths = get_list(JetGetLogInfoInstance, instance);
    for (const char *path = paths; *path; path += strlen(path) + 1) {
        read_file(instance, path);
        gen_high = (uint32_t)strtoul(name_of(path) + 3, NULL, 16);
        gen_low = gen_low ? gen_low : gen_high;
    }
    free(paths);
}

/* The log files are those that are closed now: what was committed before is in them. */
static void finish_backup(JET_INSTANCE instance) {
    read_logs(instance);
    CHECK(JetTruncateLogInstance(instance)); /* what the next incremental backup does not need goes */
    CHECK(JetEndExternalBackupInstance2(instance, JET_bitBackupEndNormal));
}

/* ---- the work ---- */

static JET_INSTANCE start_instance(const char *dir) {
    JET_INSTANCE instance;
    CHECK(JetCreateInstance(&instance, "stream"));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, dir));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, dir));
    CHECK(JetInit(&instance));
    return instance;
}

static void add_records(JET_SESID session, JET_TABLEID table, JET_COLUMNID column, int32_t from, int32_t to) {
    CHECK(JetBeginTransaction(session));
    for (int32_t number = from; number < to; number++) {
        CHECK(JetPrepareUpdate(session, table, JET_prepInsert));
        CHECK(JetSetColumn(session, table, column, &number, sizeof number, 0, NULL));
        CHECK(JetUpdate(session, table, NULL, 0, NULL));
    }
    CHECK(JetCommitTransaction(session, 0));
}

static void work_and_back_up(void) {
    JET_INSTANCE instance = start_instance(live);
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong};

    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetCreateDatabase(session, database, NULL, &db, 0));
    CHECK(JetCreateTable(session, db, "numbers", 0, 0, &table));
    CHECK(JetAddColumn(session, table, "number", &number, NULL, 0, &column));
    add_records(session, table, column, 0, 1000);

    CHECK(JetBeginExternalBackupInstance(instance, 0));
    read_databases(instance);
    add_records(session, table, column, 1000, 2000); /* the log files will have them */
    finish_backup(instance);

    add_records(session, table, column, 2000, 3000);
    CHECK(JetBeginExternalBackupInstance(instance, JET_bitBackupIncremental));
    finish_backup(instance);
    CHECK(JetTerm(instance));
}

/* ---- the restore ---- */

static void copy_database_back(void) {
    char from[1200];
    size_t bytes;
    snprintf(from, sizeof from, "%s/%s", backup, name_of(database));
    FILE *in = fopen(from, "rb"), *out = fopen(restored_database, "wb");
    if (!in || !out)
        fail(from);
    while ((bytes = fread(chunk, 1, CHUNK_BYTES, in)) > 0)
        if (fwrite(chunk, 1, bytes, out) != bytes)
            fail(restored_database);
    if (ferror(in) || fclose(out) != 0)
        fail(restored_database);
    fclose(in);
}

/* The database is where it shall be, the log files are where they were read to: this makes it consistent. */
static void restore(void) {
    JET_RSTMAP map = {.szDatabaseName = database, .szNewDatabaseName = restored_database};
    copy_database_back();
    CHECK(JetExternalRestore(restored, restored, &map, 1, backup, (int32_t)gen_low, (int32_t)gen_high, NULL));
}

/* How many of the numbers 0, 1, 2 ... are there, in the order in which they were written. */
static int32_t count_records(void) {
    JET_INSTANCE instance = start_instance(restored);
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNDEF def;
    int32_t number, count = 0;
    JET_ERR err;

    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetAttachDatabase(session, restored_database, 0));
    CHECK(JetOpenDatabase(session, restored_database, NULL, &db, 0));
    CHECK(JetOpenTable(session, db, "numbers", NULL, 0, JET_bitTableReadOnly, &table));
    CHECK(JetGetTableColumnInfo(session, table, "number", &def, sizeof def, JET_ColInfo));
    for (err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(session, table, JET_MoveNext, 0)) {
        CHECK(JetRetrieveColumn(session, table, def.columnid, &number, sizeof number, NULL, 0, NULL));
        if (number != count)
            break;
        count++;
    }
    if (err != JET_errNoCurrentRecord)
        CHECK(err);
    CHECK(JetTerm(instance));
    return count;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: backup_stream DIRECTORY\n");
        return 2;
    }
    snprintf(live, sizeof live, "%s/live", argv[1]);
    snprintf(backup, sizeof backup, "%s/backup", argv[1]);
    snprintf(restored, sizeof restored, "%s/restored", argv[1]);
    snprintf(database, sizeof database, "%s/numbers.edb", live);
    snprintf(restored_database, sizeof restored_database, "%s/numbers.edb", restored);
    chunk = aligned_alloc(4096, CHUNK_BYTES);
    if (!chunk || mkdir(backup, 0777) != 0 || mkdir(restored, 0777) != 0)
        fail(argv[1]);
    work_and_back_up();
    restore();
    int32_t count = count_records();
    printf("%d of 3000 records are back, from log files %u to %u\n", (int)count, (unsigned)gen_low, (unsigned)gen_high);
    free(chunk);
    return count == 3000 ? 0 : 1;
}
