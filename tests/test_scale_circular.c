/* A gibibyte of changes: with circular logging the number of log files stays bounded all the way; without it every file
 * stays until a backup truncates them. ESENT_SCALE_MIB: how many MiB (1024; 16 under sanitizers). */
#include <dirent.h>
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEFAULT_MIB 16
#else
#define DEFAULT_MIB 1024
#endif
#define VALUE_BYTES 3000
#define LOG_KIB 1024

struct place {
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID id, value;
    char dir[512];
};

static void begin(struct place *p, bool circular) {
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof *columns, .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypLongBinary},
    };
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "primary", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "t",
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    snprintf(p->dir, sizeof p->dir, "%s", test_path("system"));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 8192, NULL));
    CHECK_OK(JetCreateInstance(&p->instance, "circular"));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramSystemPath, 0, p->dir));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramLogFilePath, 0, p->dir));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCircularLog, circular, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramLogFileSize, LOG_KIB, NULL));
    CHECK_OK(JetSetSystemParameter(&p->instance, 0, JET_paramCheckpointDepthMax, 4 << 20, NULL));
    CHECK_OK(JetInit(&p->instance));
    CHECK_OK(JetBeginSession(p->instance, &p->session, NULL, NULL));
    CHECK_OK(JetCreateDatabase(p->session, test_path("a.edb"), NULL, &p->db, 0));
    CHECK_OK(JetCreateTableColumnIndex(p->session, p->db, &table));
    p->table = table.tableid;
    p->id = columns[0].columnid;
    p->value = columns[1].columnid;
}

/* One transaction of about 300 KB. */
static void change(struct place *p) {
    static uint8_t value[VALUE_BYTES];
    CHECK_OK(JetBeginTransaction(p->session));
    for (unsigned i = 0; i < 100; i++) {
        int32_t id = (int32_t)test_random_below(2000);
        memset(value, (int)test_random(), sizeof value);
        CHECK_OK(JetMakeKey(p->session, p->table, &id, sizeof id, JET_bitNewKey));
        JET_ERR found = JetSeek(p->session, p->table, JET_bitSeekEQ);
        CHECK_OK(
            JetPrepareUpdate(p->session, p->table, found == JET_errRecordNotFound ? JET_prepInsert : JET_prepReplace));
        if (found == JET_errRecordNotFound)
            CHECK_OK(JetSetColumn(p->session, p->table, p->id, &id, sizeof id, 0, NULL));
        CHECK_OK(JetSetColumn(p->session, p->table, p->value, value, sizeof value, 0, NULL));
        CHECK_OK(JetUpdate(p->session, p->table, NULL, 0, NULL));
    }
    CHECK_OK(JetCommitTransaction(p->session, JET_bitCommitLazyFlush));
}

static unsigned count_logs(const char *dir) {
    unsigned count = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        count += strlen(e->d_name) == 12 && strncmp(e->d_name, "edb", 3) == 0 && strcmp(e->d_name + 8, ".log") == 0;
    closedir(d);
    return count;
}

static void circular_logging__stays_bounded_through_a_gibibyte_of_changes(void) {
    const char *mib = getenv("ESENT_SCALE_MIB");
    uint64_t bytes = (uint64_t)(mib ? atoi(mib) : DEFAULT_MIB) << 20, written = 0;
    struct place p;
    unsigned most = 0;
    begin(&p, true);
    for (; written < bytes; written += 100 * VALUE_BYTES) {
        change(&p);
        unsigned now = count_logs(p.dir);
        most = now > most ? now : most;
    }
    printf("%llu MiB of values changed, at most %u log files of %u KiB ", (unsigned long long)(written >> 20), most,
           LOG_KIB);
    CU_ASSERT_TRUE(
        most <=
        40); /* four times the depth of 4 MiB is when committers help; a record image may double what is logged */
    CHECK_OK(JetTerm(p.instance));
    CU_ASSERT_TRUE(test_edbcheck(test_path("a.edb")) <= 0 && test_check(test_path("a.edb")) == 0);
}

static void plain_logging__keeps_every_file_until_a_backup(void) {
    struct place p;
    begin(&p, false);
    unsigned before = 0;
    while (count_logs(p.dir) < 60) {
        change(&p);
        unsigned now = count_logs(p.dir);
        CU_ASSERT_TRUE(now >= before);
        before = now;
    }
    CHECK_OK(JetBackupInstance(p.instance, test_path("backup"), 0, NULL));
    CU_ASSERT_TRUE(count_logs(p.dir) < 30);
    CHECK_OK(JetTerm(p.instance));
}

TEST_MAIN(TEST(circular_logging__stays_bounded_through_a_gibibyte_of_changes),
          TEST(plain_logging__keeps_every_file_until_a_backup))
