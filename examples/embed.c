/* Makes a database, commits a record, finds it again by its key. */
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>

static void check(JET_ERR err, const char *call) {
    if (err < JET_errSuccess) { /* above: a warning */
        fprintf(stderr, "%s: error %d\n", call, (int)err);
        exit(1);
    }
}
#define CHECK(call) check(call, #call)

int main(void) {
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID id, text;
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL};
    JET_COLUMNDEF string = {.cbStruct = sizeof string, .coltyp = JET_coltypText};
    int32_t key = 42;
    char found[256];
    uint32_t bytes;

    CHECK(JetCreateInstance(&instance, "embed"));
    CHECK(JetInit(&instance)); /* the log and, after a crash, its recovery: in the working directory */
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetCreateDatabase(session, "embed.edb", NULL, &db, JET_bitDbOverwriteExisting));
    CHECK(JetCreateTable(session, db, "notes", 0, 0, &table));
    CHECK(JetAddColumn(session, table, "id", &number, NULL, 0, &id));
    CHECK(JetAddColumn(session, table, "text", &string, NULL, 0, &text));
    CHECK(JetCreateIndex(session, table, "primary", JET_bitIndexPrimary, "+id\0", 5, 0));

    CHECK(JetBeginTransaction(session));
    CHECK(JetPrepareUpdate(session, table, JET_prepInsert));
    CHECK(JetSetColumn(session, table, id, &key, sizeof key, 0, NULL));
    CHECK(JetSetColumn(session, table, text, "hello", 5, 0, NULL));
    CHECK(JetUpdate(session, table, NULL, 0, NULL));
    CHECK(JetCommitTransaction(session, 0)); /* on disk when it returns */

    CHECK(JetMakeKey(session, table, &key, sizeof key, JET_bitNewKey));
    CHECK(JetSeek(session, table, JET_bitSeekEQ));
    CHECK(JetRetrieveColumn(session, table, text, found, sizeof found, &bytes, 0, NULL));
    printf("%d: %.*s\n", (int)key, (int)bytes, found);
    CHECK(JetTerm(instance)); /* ends session and cursor, leaves the database clean */
    return 0;
}
