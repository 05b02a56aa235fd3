/* A million rows after random inserts, updates and deletes, in every page size: our own walk, the independent checker
 * and another reader's export all give exactly the rows of the model.
 * ESENT_SCALE_ROWS: how many (a million; 20,000 under sanitizers). The other reader's time grows with the square of the
 * file, half an hour for all four: it gets 50,000 rows unless ESENT_SCALE_EXPORT is set. */
#include <dirent.h>
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEFAULT_ROWS 20000
#else
#define DEFAULT_ROWS 1000000
#endif

struct scale {
    uint32_t rows, ids;
    uint32_t *values; /* by id; 0: no row */
    uint32_t live;
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID group, id, value, text;
    unsigned uncommitted;
};

/* The key is (group ascending, id descending). */
static int32_t group_of(uint32_t id) {
    return (int32_t)(id % 97) - 48;
}

static uint32_t text_of(uint32_t id, uint32_t value, char out[128]) {
    return (uint32_t)snprintf(out, 128, "row %u holds %u%.*s", id, value, (int)(value % 60),
                              "............................................................");
}

static void begin(struct scale *s, uint32_t page_size, const char *dir, const char *database) {
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof *columns, .szColumnName = "grp", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypUnsignedLong},
        {.cbStruct = sizeof *columns, .szColumnName = "text", .coltyp = JET_coltypText, .cbMax = 200, .cp = 1252},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+grp\0-id\0",
                             .cbKey = 10,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "scale",
                             .rgcolumncreate = columns,
                             .cColumns = 4,
                             .rgindexcreate = &index,
                             .cIndexes = 1};

    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, page_size, NULL));
    CHECK_OK(JetCreateInstance(&s->instance, "scale"));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramSystemPath, 0, dir));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramLogFilePath, 0, dir));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramCircularLog, 1, NULL));
    CHECK_OK(JetInit(&s->instance));
    CHECK_OK(JetBeginSession(s->instance, &s->session, NULL, NULL));
    CHECK_OK(JetCreateDatabase(s->session, database, NULL, &s->db, 0));
    CHECK_OK(JetCreateTableColumnIndex(s->session, s->db, &table));
    s->table = table.tableid;
    s->group = columns[0].columnid;
    s->id = columns[1].columnid;
    s->value = columns[2].columnid;
    s->text = columns[3].columnid;
    CHECK_OK(JetBeginTransaction(s->session));
}

static void seek(struct scale *s, uint32_t id) {
    int32_t group = group_of(id), number = (int32_t)id;
    CHECK_OK(JetMakeKey(s->session, s->table, &group, sizeof group, JET_bitNewKey));
    CHECK_OK(JetMakeKey(s->session, s->table, &number, sizeof number, 0));
    CHECK_OK(JetSeek(s->session, s->table, JET_bitSeekEQ));
}

/* value 0: delete. */
static void put(struct scale *s, uint32_t id, uint32_t value) {
    char text[128];
    int32_t group = group_of(id), number = (int32_t)id;
    uint32_t n = text_of(id, value, text);
    const bool there = s->values[id] != 0;

    if (there)
        seek(s, id);
    if (value == 0) {
        CHECK_OK(JetDelete(s->session, s->table));
    } else {
        CHECK_OK(JetPrepareUpdate(s->session, s->table, there ? JET_prepReplace : JET_prepInsert));
        if (!there) {
            CHECK_OK(JetSetColumn(s->session, s->table, s->group, &group, sizeof group, 0, NULL));
            CHECK_OK(JetSetColumn(s->session, s->table, s->id, &number, sizeof number, 0, NULL));
        }
        CHECK_OK(JetSetColumn(s->session, s->table, s->value, &value, sizeof value, 0, NULL));
        CHECK_OK(JetSetColumn(s->session, s->table, s->text, text, n, 0, NULL));
        CHECK_OK(JetUpdate(s->session, s->table, NULL, 0, NULL));
    }
    s->live += (value != 0) - there;
    s->values[id] = value;
    if (++s->uncommitted == 500) {
        CHECK_OK(JetCommitTransaction(s->session, JET_bitCommitLazyFlush));
        CHECK_OK(JetBeginTransaction(s->session));
        s->uncommitted = 0;
    }
}

static uint32_t new_value(void) {
    return (uint32_t)test_random() | 1;
}

static void churn(struct scale *s) {
    for (uint64_t i = 0; i < (uint64_t)s->ids * 2 || s->live != s->rows; i++) {
        uint32_t id = (uint32_t)test_random_below(s->ids);
        if (i >= (uint64_t)s->ids * 2) /* to the number that is asked for */
            while ((s->values[id] != 0) != (s->live > s->rows))
                id = (id + 1) % s->ids;
        bool shrink = i >= (uint64_t)s->ids * 2 ? s->live > s->rows : s->values[id] && test_random_below(5) == 0;
        put(s, id, shrink ? 0 : new_value());
    }
    CHECK_OK(JetCommitTransaction(s->session, 0));
}

/* Calls next for each row of the model in key order. */
static void each_row(const struct scale *s, void (*fn)(void *context, uint32_t id, uint32_t value), void *context) {
    for (int32_t group = -48; group <= 48; group++)
        for (int64_t id = (int64_t)s->ids - 1; id >= 0; id--)
            if (group_of((uint32_t)id) == group && s->values[id])
                fn(context, (uint32_t)id, s->values[id]);
}

struct walk {
    struct scale *s;
    uint64_t rows, wrong;
    bool started;
};

static void compare_row(void *context, uint32_t id, uint32_t value) {
    struct walk *w = context;
    struct scale *s = w->s;
    uint32_t got_id = 0, got_value = 0, n, got_n = 0;
    char text[128], got[256];

    CHECK_OK(JetMove(s->session, s->table, w->started ? JET_MoveNext : (int32_t)JET_MoveFirst, 0));
    w->started = true;
    CHECK_OK(JetRetrieveColumn(s->session, s->table, s->id, &got_id, sizeof got_id, NULL, 0, NULL));
    CHECK_OK(JetRetrieveColumn(s->session, s->table, s->value, &got_value, sizeof got_value, NULL, 0, NULL));
    CHECK_OK(JetRetrieveColumn(s->session, s->table, s->text, got, sizeof got, &got_n, 0, NULL));
    n = text_of(id, value, text);
    w->wrong += got_id != id || got_value != value || got_n != n || memcmp(got, text, n) != 0;
    w->rows++;
}

/* ---- the other reader ---- */

struct export {
    FILE *f;
    uint64_t wrong;
};

static void compare_line(void *context, uint32_t id, uint32_t value) {
    struct export *e = context;
    char line[512] = "", want[300], text[128];
    text_of(id, value, text);
    snprintf(want, sizeof want, "%d\t%u\t%u\t%s", group_of(id), id, value, text);
    if (!fgets(line, sizeof line, e->f))
        line[0] = 0;
    line[strcspn(line, "\r\n")] = 0;
    size_t n = strlen(line);
    if (n && line[n - 1] == '\t')
        line[n - 1] = 0;
    if (strcmp(line, want) != 0 && e->wrong++ < 3)
        printf("exported: %s\nexpected: %s\n", line, want);
}

static FILE *open_export(const char *dir) {
    DIR *d = opendir(dir);
    FILE *f = NULL;
    for (struct dirent *entry; d && !f && (entry = readdir(d));)
        if (strncmp(entry->d_name, "scale.", 6) == 0) {
            char path[900];
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
            f = fopen(path, "r");
        }
    if (d)
        closedir(d);
    return f;
}

static void check_export(const struct scale *s, const char *database) {
    char command[2000], line[512];
    if (system("command -v esedbexport >/dev/null 2>&1") != 0) {
        test_skip("esedbexport is not installed");
        return;
    }
    snprintf(command, sizeof command, "esedbexport -T scale -t '%s' '%s' >/dev/null 2>&1", test_path("out"), database);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
    struct export e = {open_export(test_path("out.export")), 0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(e.f);
    CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, e.f)); /* the names */
    each_row(s, compare_line, &e);
    CU_ASSERT_EQUAL(e.wrong, 0);
    CU_ASSERT_PTR_NULL(fgets(line, sizeof line, e.f));
    fclose(e.f);
}

#define EXPORT_ROWS 50000

static void run_rows(uint32_t page_size, uint32_t rows, bool with_export) {
    struct scale s = {.rows = rows};
    char database[512];
    remove(test_path("scale.edb"));
    s.ids = s.rows / 4 * 5;
    s.values = calloc(s.ids, sizeof *s.values);
    snprintf(database, sizeof database, "%s", test_path("scale.edb"));
    begin(&s, page_size, test_path("system"), database);
    churn(&s);
    struct walk walk = {.s = &s};
    each_row(&s, compare_row, &walk);
    CU_ASSERT_EQUAL(walk.rows, s.rows);
    CU_ASSERT_EQUAL(walk.wrong, 0);
    CHECK_ERR(JetMove(s.session, s.table, JET_MoveNext, 0), JET_errNoCurrentRecord);
    CHECK_OK(JetTerm(s.instance));
    CU_ASSERT_TRUE(test_edbcheck(database) <= 0 && test_check(database) == 0);
    if (with_export)
        check_export(&s, database);
    free(s.values);
}

static void run(uint32_t page_size) {
    const char *given = getenv("ESENT_SCALE_ROWS");
    uint32_t rows = given ? (uint32_t)atoi(given) : DEFAULT_ROWS;
    bool all = getenv("ESENT_SCALE_EXPORT") || rows <= EXPORT_ROWS;
    if (!all)
        run_rows(page_size, EXPORT_ROWS, true);
    run_rows(page_size, rows, all);
}

static void million_rows__in_pages_of_4_kib(void) {
    run(4096);
}
static void million_rows__in_pages_of_8_kib(void) {
    run(8192);
}
static void million_rows__in_pages_of_16_kib(void) {
    run(16384);
}
static void million_rows__in_pages_of_32_kib(void) {
    run(32768);
}

TEST_MAIN(TEST(million_rows__in_pages_of_4_kib), TEST(million_rows__in_pages_of_8_kib),
          TEST(million_rows__in_pages_of_16_kib), TEST(million_rows__in_pages_of_32_kib))
