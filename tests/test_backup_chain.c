/* A chain of one full backup and 50 incremental ones, each made while four threads write. After each link a copy of the
 * set is restored elsewhere and must be a moment of that backup: everything that was acknowledged before it began,
 * nothing that began after it ended, and not behind the link before. Then each file of the chain is missed once. P9 P10
 * P13. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/log.h"
#include "tests/lib/test.h"
#include "tests/lib/workload.h"

#define LINKS 50
#define GENERATIONS_A_LINK 2 /* at least */
#define LOG_KIB 128

struct chain {
    char system[512], set[512];
    char copy[512];     /* of the set */
    char database[512]; /* that the workers write */
    char counted[512];  /* row n is written before link n */
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    struct ledger *ledger;
    struct model *models; /* what the last restored link was */
    uint64_t seed;
};

static void shell(const char *format, const char *a, const char *b) {
    char command[2048];
    snprintf(command, sizeof command, format, a, b);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

/* ---- the database that is counted ---- */

static void create_counted(struct chain *c) {
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong};
    JET_COLUMNID column;
    CHECK_OK(JetBeginSession(c->instance, &c->session, NULL, NULL));
    CHECK_OK(JetCreateDatabase(c->session, c->counted, NULL, &c->db, 0));
    CHECK_OK(JetCreateTable(c->session, c->db, "links", 0, 0, &c->table));
    CHECK_OK(JetAddColumn(c->session, c->table, "number", &number, NULL, 0, &column));
    CHECK_OK(JetCreateIndex(c->session, c->table, "primary", JET_bitIndexPrimary, "+number\0", 9, 0));
}

static JET_COLUMNID number_column(JET_SESID session, JET_TABLEID table) {
    JET_COLUMNDEF def;
    CHECK_OK(JetGetTableColumnInfo(session, table, "number", &def, sizeof def, JET_ColInfo));
    return def.columnid;
}

static void count_link(struct chain *c, int32_t link) {
    CHECK_OK(JetBeginTransaction(c->session));
    CHECK_OK(JetPrepareUpdate(c->session, c->table, JET_prepInsert));
    CHECK_OK(JetSetColumn(c->session, c->table, number_column(c->session, c->table), &link, sizeof link, 0, NULL));
    CHECK_OK(JetUpdate(c->session, c->table, NULL, 0, NULL));
    CHECK_OK(JetCommitTransaction(c->session, 0));
}

/* Rows 0 .. link, and no other. */
static void check_counted(JET_INSTANCE instance, const char *path, int32_t link) {
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    int32_t number, next = 0;

    CHECK_OK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK_OK(JetAttachDatabase(session, path, 0));
    CHECK_OK(JetOpenDatabase(session, path, NULL, &db, 0));
    CHECK_OK(JetOpenTable(session, db, "links", NULL, 0, JET_bitTableReadOnly, &table));
    const JET_COLUMNID column = number_column(session, table);
    for (JET_ERR err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(session, table, JET_MoveNext, 0)) {
        CHECK_OK(JetRetrieveColumn(session, table, column, &number, sizeof number, NULL, 0, NULL));
        CU_ASSERT_EQUAL_FATAL(number, next++);
    }
    CU_ASSERT_EQUAL_FATAL(next, link + 1);
    CHECK_OK(JetEndSession(session, 0));
}

/* ---- the instance and its workers ---- */

static void chain_begin(struct chain *c) {
    memset(c, 0, sizeof *c);
    snprintf(c->system, sizeof c->system, "%s", test_path("live"));
    snprintf(c->set, sizeof c->set, "%s", test_path("set"));
    snprintf(c->copy, sizeof c->copy, "%s", test_path("copy"));
    snprintf(c->database, sizeof c->database, "%s", test_path("live/worked.edb"));
    snprintf(c->counted, sizeof c->counted, "%s", test_path("live/counted.edb"));
    c->ledger = ledger_new();
    c->models = calloc(WORKERS, sizeof *c->models);
    c->seed = test_random();
    struct workload_dirs dirs = {c->system, c->system, c->database};
    CHECK_OK(workload_instance(&dirs, false, true, &c->instance));
    CHECK_OK(JetSetSystemParameter(&c->instance, 0, JET_paramLogFileSize, LOG_KIB, NULL));
    CHECK_OK(JetInit(&c->instance));
    CHECK_OK(workload_create(c->instance, c->database));
    create_counted(c);
}

static void chain_end(struct chain *c) {
    CHECK_OK(JetTerm(c->instance));
    free(c->models);
}

static void all_now(_Atomic uint64_t from[WORKERS], uint64_t out[WORKERS]) {
    for (unsigned w = 0; w < WORKERS; w++)
        out[w] = atomic_load(&from[w]);
}

static void work(struct chain *c) {
    uint64_t from[WORKERS];
    all_now(c->ledger->started, from);
    workload_start(c->instance, c->database, c->seed, from, c->ledger);
}

static void stop_work(struct chain *c) {
    atomic_store(&c->ledger->stop, true);
    workload_join();
    CU_ASSERT_EQUAL_FATAL(atomic_load(&c->ledger->error), 0);
}

static lggen_t highest_closed(const char *path) {
    struct log_dir dir = {.base = "edb"};
    struct log_range range;
    snprintf(dir.path, sizeof dir.path, "%s", path);
    CHECK_OK(log_dir_scan(&dir, &range));
    return range.high;
}

static void wait_for_generation(struct chain *c, lggen_t gen) {
    while (highest_closed(c->system) < gen && !atomic_load(&c->ledger->error))
        usleep(100);
    CU_ASSERT_EQUAL_FATAL(atomic_load(&c->ledger->error), 0);
}

/* ---- a link ---- */

struct moment {
    uint64_t low[WORKERS], high[WORKERS];
};

/* The workers write before, during and after the backup, and rest while its copy is restored: so the chain is of the
 * same length on a slow machine. */
static struct moment make_link(struct chain *c, int32_t link) {
    struct moment m;
    const lggen_t before = highest_closed(c->set);
    count_link(c, link);
    work(c);
    wait_for_generation(c, highest_closed(c->system) + GENERATIONS_A_LINK);
    all_now(c->ledger->durable, m.low);
    CHECK_OK(JetBackupInstance(c->instance, c->set, link == 0 ? 0 : JET_bitBackupIncremental, NULL));
    all_now(c->ledger->started, m.high);
    stop_work(c);
    CU_ASSERT_TRUE_FATAL(highest_closed(c->set) >= before + GENERATIONS_A_LINK);
    return m;
}

static JET_INSTANCE make_instance(const char *dir) {
    JET_INSTANCE instance;
    char system[600];
    snprintf(system, sizeof system, "%s/log", dir);
    struct workload_dirs dirs = {system, system, NULL};
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    return instance;
}

static void path_in(char out[600], const char *dir, const char *name) {
    snprintf(out, 600, "%s/%s", dir, name);
}

/* The restored databases in dir are the link's moment. */
static void check_restored(struct chain *c, JET_INSTANCE instance, const char *dir, int32_t link,
                           const struct moment *m) {
    char path[600];
    CHECK_OK(JetInit(&instance));
    path_in(path, dir, "worked.edb");
    CHECK_OK(workload_attach(instance, path));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, path, c->seed, c->models, m->low, m->high));
    path_in(path, dir, "counted.edb");
    check_counted(instance, path, link);
    CHECK_OK(JetTerm(instance));
}

static void check_files(const char *dir) {
    char path[600];
    path_in(path, dir, "worked.edb");
    CU_ASSERT_TRUE_FATAL(test_edbcheck(path) <= 0 && test_check(path) == 0);
    path_in(path, dir, "counted.edb");
    CU_ASSERT_TRUE_FATAL(test_edbcheck(path) <= 0 && test_check(path) == 0);
}

static void restore_copy_and_check(struct chain *c, int32_t link, const struct moment *m) {
    char dir[512];
    snprintf(dir, sizeof dir, "%s", test_path("elsewhere"));
    shell("mkdir -p '%2$s' && cp -u '%1$s'/* '%2$s'", c->set, c->copy);
    JET_INSTANCE instance = make_instance(dir);
    CHECK_OK(JetRestoreInstance(instance, c->copy, dir, NULL));
    check_restored(c, instance, dir, link, m);
    if (link % 25 == 0)
        check_files(dir);
    shell("rm -r '%s'%s", dir, "");
}

/* ---- one file is missing ---- */

static unsigned count_entries(const char *path) {
    unsigned count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        count += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

/* dest: where nothing is, or where databases are, which stay as they are. */
static void check_refused(const char *set, const char *dest, JET_ERR expected) {
    char none[512], log[600];
    snprintf(none, sizeof none, "%s", test_path("none"));
    JET_INSTANCE instance = make_instance(none); /* without log files */
    CHECK_ERR(JetRestoreInstance(instance, set, dest ? dest : none, NULL), expected);
    CHECK_OK(JetTerm(instance));
    path_in(log, none, "log");
    CU_ASSERT_EQUAL_FATAL(count_entries(log), 0);
    rmdir(log);
    CU_ASSERT_EQUAL_FATAL(count_entries(none), 0);
}

static JET_ERR error_without(const char *name) {
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".log") == 0 ? JET_errMissingRestoreLogFiles : JET_errFileNotFound;
}

/* Returns how many files there were. full: databases, kept: a copy of them. */
static unsigned miss_each_file(const char *set, const char *full, const char *kept) {
    char path[900], aside[600];
    unsigned count = 0;
    struct dirent **names;
    const int n = scandir(set, &names, NULL, alphasort);
    snprintf(aside, sizeof aside, "%s", test_path("aside"));
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", set, names[i]->d_name);
            CU_ASSERT_EQUAL_FATAL(rename(path, aside), 0);
            const JET_ERR expected = error_without(names[i]->d_name);
            if (count % 2 || expected == JET_errFileNotFound)
                check_refused(set, full, expected);
            if (count % 2 == 0 || expected == JET_errFileNotFound)
                check_refused(set, NULL, expected);
            CU_ASSERT_EQUAL_FATAL(rename(aside, path), 0);
            count++;
        }
        free(names[i]);
    }
    free(names);
    shell("diff -r '%s' '%s'", full, kept);
    return count;
}

static void chain__restores_after_each_link_and_not_at_all_without_one_of_its_files(void) {
    struct chain c;
    struct moment m;
    char full[512], kept[512];
    chain_begin(&c);
    for (int32_t link = 0; link <= LINKS; link++) {
        m = make_link(&c, link);
        restore_copy_and_check(&c, link, &m);
    }
    shell("diff -r '%s' '%s'", c.set, c.copy); /* restoring only reads a set */
    snprintf(full, sizeof full, "%s", test_path("full"));
    snprintf(kept, sizeof kept, "%s", test_path("kept"));
    JET_INSTANCE instance = make_instance(full);
    CHECK_OK(JetRestoreInstance(instance, c.copy, full, NULL));
    CHECK_OK(JetTerm(instance));
    shell("cp -r '%s' '%s'", full, kept);
    unsigned count = miss_each_file(c.copy, full, kept);
    CU_ASSERT_TRUE(count >= 3 + (LINKS + 1) * GENERATIONS_A_LINK);
    check_restored(&c, make_instance(full), full, LINKS, &m); /* what was there is still good */
    chain_end(&c);
}

TEST_MAIN(TEST(chain__restores_after_each_link_and_not_at_all_without_one_of_its_files))
