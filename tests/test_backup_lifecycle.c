/* Databases that are made, grow, come and go, are deleted and made again, between backups, restarts and crashes, in
 * random order. Now and then the files are lost: the set and the log make them again. P13, and that nothing committed
 * is lost. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/testapi.h"

#define DATABASES 3
#define STEPS 250

/* rows: ids 1..rows are there. made: which of the databases that had this name it is; 0: none is there. */
struct database {
    JET_DBID dbid;
    uint32_t rows;
    unsigned made;
    bool attached;
};
/* In the set; made 0: it is not. last: rows that it had when it was seen last, which the next incremental adds. */
struct copy {
    uint32_t rows, last;
    unsigned made;
};

struct world {
    struct testapi t;
    const char *set;
    struct database db[DATABASES];
    struct copy copy[DATABASES];
    bool since[DATABASES]; /* made since the full backup */
    bool has_set;
    unsigned made, restores;
};

static const char *name_of(unsigned i) {
    static const char *const names[DATABASES] = {"x.edb", "y.edb", "z.edb"};
    return names[i];
}

static const char *file_of(const struct world *w, unsigned i) {
    return testapi_path(&w->t, name_of(i));
}

static void check_rows(struct testapi *t, JET_DBID dbid, uint32_t rows) {
    JET_TABLEID table;
    CHECK_OK(JetOpenTable(t->ses, dbid, "t", NULL, 0, 0, &table));
    CU_ASSERT_EQUAL(testapi_count(t->ses, table), rows);
    CHECK_OK(JetCloseTable(t->ses, table));
}

/* ---- one database ---- */

static void create(struct world *w, unsigned i) {
    struct database *db = &w->db[i];
    testapi_create(&w->t, name_of(i));
    CHECK_OK(JetCloseTable(w->t.ses, testapi_table(&w->t, "t")));
    *db = (struct database){.dbid = w->t.db, .made = ++w->made, .attached = true};
    w->since[i] = true;
}

static void attach(struct world *w, unsigned i) {
    testapi_attach(&w->t, name_of(i));
    w->db[i].dbid = w->t.db;
    w->db[i].attached = true;
    check_rows(&w->t, w->t.db, w->db[i].rows);
}

static void detach(struct world *w, unsigned i) {
    CHECK_OK(JetCloseDatabase(w->t.ses, w->db[i].dbid, 0));
    CHECK_OK(JetDetachDatabase(w->t.ses, file_of(w, i)));
    w->db[i].attached = false;
}

static void delete (struct world *w, unsigned i) {
    CU_ASSERT_EQUAL_FATAL(unlink(file_of(w, i)), 0);
    w->db[i].made = 0;
}

static void put_rows(struct world *w, unsigned i) {
    JET_TABLEID table;
    CHECK_OK(JetOpenTable(w->t.ses, w->db[i].dbid, "t", NULL, 0, 0, &table));
    for (uint64_t n = 1 + test_random_below(test_random_below(4) ? 10 : 400); n > 0; n--)
        CHECK_OK(testapi_insert(w->t.ses, table, (int32_t)++w->db[i].rows, "a row of some thirty characters"));
    CHECK_OK(JetCloseTable(w->t.ses, table));
    if (w->copy[i].made == w->db[i].made)
        w->copy[i].last = w->db[i].rows;
}

static void change_database(struct world *w) {
    unsigned i = (unsigned)test_random_below(DATABASES);
    if (!w->db[i].made)
        create(w, i);
    else if (w->db[i].attached && test_random_below(3))
        put_rows(w, i);
    else if (w->db[i].attached)
        detach(w, i);
    else if (test_random_below(4))
        attach(w, i);
    else
        delete (w, i);
}

/* ---- the instance ---- */

static void stop(struct world *w, bool clean) {
    CHECK_OK(JetTerm2(w->t.inst, clean ? JET_bitTermComplete : JET_bitTermDirty));
    for (unsigned i = 0; i < DATABASES; i++)
        w->db[i].attached = false;
}

static void backup(struct world *w, JET_GRBIT grbit) {
    JET_ERR err = JetBackupInstance(w->t.inst, w->set, grbit | JET_bitBackupAtomic, NULL);
    if (err == JET_errMissingFullBackup && grbit)
        return;
    CHECK_OK(err);
    for (unsigned i = 0; i < DATABASES; i++) {
        const struct database *db = &w->db[i];
        if (!grbit)
            w->copy[i] = (struct copy){.last = db->rows, .made = db->attached ? db->made : 0};
        w->copy[i].rows = w->copy[i].last;
        w->since[i] = grbit && w->since[i];
    }
    w->has_set = true;
}

static void backup_any(struct world *w) {
    backup(w, w->has_set && test_random_below(3) ? JET_bitBackupIncremental : 0);
}

/* Loses the files that can be made again, and makes them again. */
static void restore_in_place(struct world *w) {
    bool lost[DATABASES] = {false};
    stop(w, test_random_below(2));
    for (unsigned i = 0; i < DATABASES; i++) {
        lost[i] = w->db[i].made && (w->copy[i].made == w->db[i].made || w->since[i]);
        if (lost[i])
            CU_ASSERT_EQUAL_FATAL(unlink(file_of(w, i)), 0);
    }
    w->t = testapi_new("a");
    CHECK_OK(JetRestoreInstance(w->t.inst, w->set, NULL, NULL));
    testapi_run(&w->t);
    for (unsigned i = 0; i < DATABASES; i++) {
        if (!w->db[i].made && testapi_exists(file_of(w, i)))
            CU_ASSERT_EQUAL_FATAL(unlink(file_of(w, i)), 0); /* it was detached and deleted since */
        if (w->db[i].made)
            attach(w, i);
    }
    w->restores++;
}

/* The set alone, somewhere else: what was there when it was made. */
static void restore_elsewhere(struct world *w) {
    char dir[32];
    snprintf(dir, sizeof dir, "elsewhere%u", w->restores++);
    struct testapi t = testapi_new(dir);
    CHECK_OK(JetRestoreInstance(t.inst, w->set, t.dir, NULL));
    testapi_run(&t);
    for (unsigned i = 0; i < DATABASES; i++) {
        CU_ASSERT_EQUAL(testapi_exists(testapi_path(&t, name_of(i))), w->copy[i].made != 0);
        if (!w->copy[i].made)
            continue;
        testapi_attach(&t, name_of(i));
        check_rows(&t, t.db, w->copy[i].rows);
    }
    testapi_stop(&t);
}

static void play(struct world *w) {
    switch (test_random_below(24)) {
    case 0:
        backup_any(w);
        break;
    case 1:
        if (w->has_set)
            restore_in_place(w);
        break;
    case 2:
        if (w->has_set)
            restore_elsewhere(w);
        break;
    case 3:
        stop(w, test_random_below(2));
        w->t = testapi_start("a");
        break;
    default:
        change_database(w);
    }
}

static void databases_that_come_and_go__are_in_the_set_and_the_log(void) {
    struct world w = {.t = testapi_start("a")};
    char set[512];
    snprintf(set, sizeof set, "%s", test_path("set"));
    mkdir(set, 0777);
    w.set = set;
    for (unsigned step = 0; step < STEPS; step++)
        play(&w);
    stop(&w, true);
    for (unsigned i = 0; i < DATABASES; i++)
        if (w.db[i].made)
            CU_ASSERT_TRUE(test_edbcheck(file_of(&w, i)) <= 0 && test_check(file_of(&w, i)) <= 0);
    printf("%u databases made, %u restores\n", w.made, w.restores);
}

TEST_MAIN(TEST(databases_that_come_and_go__are_in_the_set_and_the_log))
