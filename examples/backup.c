/* A backup and its restore: records, a full backup, more records, an incremental one, still more; then the database
 * file is gone, and all of them come back: the last ones from the instance's own log.
 *
 *     backup DIRECTORY     a new directory: DIRECTORY/live holds the instance, DIRECTORY/backup the set */
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char live[1000], set[1000], database[1100];

static void check(JET_ERR err, const char *call) {
    if (err < JET_errSuccess) {
        fprintf(stderr, "%s: error %d\n", call, (int)err);
        exit(1);
    }
}
#define CHECK(call) check(call, #call)

/* What a long operation reports; it goes on when this returns, and stops with the error if it is one. */
static JET_ERR show_progress(JET_SESID session, JET_SNP snp, JET_SNT snt, void *pv) {
    const char *what = snp == JET_snpRestore ? "restore" : "backup";
    const JET_SNPROG *progress = pv;
    (void)session;
    if (snt == JET_sntBegin)
        printf("%s begins\n", what);
    else if (snt == JET_sntProgress)
        printf("%s: %u of %u\n", what, (unsigned)progress->cunitDone, (unsigned)progress->cunitTotal);
    else if (snt == JET_sntComplete)
        printf("%s is complete\n", what);
    else if (snt == JET_sntFail)
        printf("%s has failed\n", what);
    return JET_errSuccess;
}

/* Made and not started: what a restore needs, and JetInit. */
static JET_INSTANCE make_instance(void) {
    JET_INSTANCE instance;
    CHECK(JetCreateInstance(&instance, "backup"));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, live));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, live));
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
    JET_INSTANCE instance = make_instance();
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong};

    CHECK(JetInit(&instance));
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetCreateDatabase(session, database, NULL, &db, 0));
    CHECK(JetCreateTable(session, db, "numbers", 0, 0, &table));
    CHECK(JetAddColumn(session, table, "number", &number, NULL, 0, &column));
    add_records(session, table, column, 0, 1000);
    CHECK(JetBackupInstance(instance, set, 0, show_progress)); /* sessions may go on meanwhile */
    add_records(session, table, column, 1000, 2000);
    CHECK(JetBackupInstance(instance, set, JET_bitBackupIncremental, show_progress));
    add_records(session, table, column, 2000, 3000);
    CHECK(JetTerm(instance));
}

/* How many of the numbers 0, 1, 2 ... are there, in the order in which they were written. */
static int32_t count_records(JET_SESID session, JET_TABLEID table) {
    JET_COLUMNDEF def;
    int32_t number, count = 0;
    JET_ERR err;

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
    return count;
}

static int32_t restore_and_count(void) {
    JET_INSTANCE instance = make_instance();
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;

    CHECK(JetRestoreInstance(instance, set, NULL, show_progress)); /* verifies the whole set first */
    CHECK(JetInit(&instance));
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetAttachDatabase(session, database, 0));
    CHECK(JetOpenDatabase(session, database, NULL, &db, 0));
    CHECK(JetOpenTable(session, db, "numbers", NULL, 0, JET_bitTableReadOnly, &table));
    int32_t count = count_records(session, table);
    CHECK(JetTerm(instance));
    return count;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: backup DIRECTORY\n");
        return 2;
    }
    snprintf(live, sizeof live, "%s/live", argv[1]);
    snprintf(set, sizeof set, "%s/backup", argv[1]);
    snprintf(database, sizeof database, "%s/numbers.edb", live);
    work_and_back_up();
    unlink(database);
    int32_t count = restore_and_count();
    printf("%d of 3000 records are back\n", (int)count);
    return count == 3000 ? 0 : 1;
}
