/* See sweep.h. */
#include "tests/lib/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk.h"
#include "tests/lib/test.h"

struct sweep_totals {
    uint64_t calls;                               /* that the scenarios make, about */
    uint64_t faults;                              /* calls that failed */
    uint64_t worked_on, unavailable, not_started; /* what the instance was afterwards */
    uint64_t unnoticed;                           /* the scenario succeeded all the same */
};

static bool says_unavailable(JET_ERR err) {
    return err == JET_errInstanceUnavailable || err == JET_errInstanceUnavailableDueToFatalLogDiskFull ||
           err == JET_errLogWriteFail || err == JET_errLogDiskFull || err == JET_errRollbackError;
}

/* The same, said if it is not one of the errors that say that an instance is down. */
#define STEP(expr)                                                                                                     \
    do {                                                                                                               \
        JET_ERR step_ = (expr);                                                                                        \
        if (step_ < 0 && !says_unavailable(step_))                                                                     \
            fprintf(stderr, "    %s gave %s\n", #expr, err_name(step_));                                               \
        if (step_ < 0)                                                                                                 \
            return step_;                                                                                              \
    } while (0)

/* ---- the scenarios ---- */

struct scenario {
    JET_ERR (*play)(struct script *s);
    bool wide;
    struct script script;     /* as it begins */
    struct disk_image *image; /* of the disk then */
};

static JET_ERR play_bulk(struct script *s) {
    TRY(script_start(s));
    TRY(script_create(s, &s->a));
    TRY(script_run(s, s->started + 2));
    return script_stop(s, 0);
}

static JET_ERR play_updates(struct script *s) {
    TRY(script_start_all(s));
    TRY(script_run(s, s->started + 24));
    return script_stop(s, 0);
}

static JET_ERR play_eviction(struct script *s) {
    TRY(script_start(s));
    TRY(script_attach(s, &s->a));
    TRY(script_run(s, s->started + 10));
    return script_stop(s, 0);
}

static JET_ERR play_databases(struct script *s) {
    TRY(script_start(s));
    TRY(script_create(s, &s->a));
    TRY(script_run(s, 4));
    TRY(script_create(s, &s->b));
    TRY(script_run(s, 8));
    TRY(script_detach(s, &s->a));
    TRY(script_attach(s, &s->a));
    TRY(script_run(s, 12));
    TRY(script_stop(s, 0));
    TRY(script_start_all(s));
    return script_stop(s, 0);
}

static JET_ERR play_backup(struct script *s, const char *set, JET_GRBIT grbit) {
    TRY(script_start_all(s));
    TRY(script_run(s, s->started + 2));
    TRY(JetBackupInstance(s->instance, set, grbit, NULL));
    return script_stop(s, 0);
}

static JET_ERR play_full(struct script *s) {
    return play_backup(s, "/new", 0);
}
static JET_ERR play_atomic(struct script *s) {
    return play_backup(s, "/atomic", JET_bitBackupAtomic);
}
static JET_ERR play_incremental(struct script *s) {
    return play_backup(s, "/set", JET_bitBackupIncremental);
}

static JET_ERR play_restore(struct script *s) {
    char data[300];
    snprintf(data, sizeof data, "%s/data", s->dir);
    TRY(script_instance(s));
    s->running = true;
    TRY(JetRestoreInstance(s->instance, "/set", data, NULL));
    TRY(script_stop(s, 0));
    TRY(script_start_all(s));
    return script_stop(s, 0);
}

static JET_ERR play_recovery(struct script *s) {
    TRY(script_start_all(s));
    return script_stop(s, 0);
}

const char *const sweep_names[SWEEP_SCENARIOS] = {"bulk load", "updates",     "circular",      "eviction",
                                                  "databases", "full backup", "atomic backup", "incremental backup",
                                                  "restore",   "recovery"};

/* Two databases after 12 transactions and a backup of them in /set, then more of both. */
static void prepare_databases(struct script *s) {
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, 12));
    CHECK_OK(JetBackupInstance(s->instance, "/set", 0, NULL));
    CHECK_OK(JetBackupInstance(s->instance, "/atomic", JET_bitBackupAtomic, NULL));
    CHECK_OK(script_run(s, 16));
}

/* Rows that are deleted and replaced in a transaction that a crash ends. */
static void leave_open(struct script *s) {
    JET_SESID other;
    JET_DBID db;
    JET_TABLEID table;
    CHECK_OK(JetBeginTransaction(s->session));
    CHECK_OK(JetMove(s->session, s->a.table, JET_MoveLast, 0));
    for (unsigned i = 0; i < 6; i++) {
        if (i % 2) {
            CHECK_OK(JetDelete(s->session, s->a.table));
        } else {
            CHECK_OK(JetPrepareUpdate(s->session, s->a.table, JET_prepReplace));
            CHECK_OK(JetSetColumn(s->session, s->a.table, s->a.text, NULL, 0, 0, NULL));
            CHECK_OK(JetUpdate(s->session, s->a.table, NULL, 0, NULL));
        }
        CHECK_OK(JetMove(s->session, s->a.table, JET_MovePrevious, 0));
    }
    CHECK_OK(JetBeginSession(s->instance, &other, NULL, NULL));
    CHECK_OK(JetBeginTransaction(other));
    CHECK_OK(JetOpenDatabase(other, s->a.path, NULL, &db, 0));
    CHECK_OK(JetCreateTable(other, db, "flushes the log", 1, 80, &table));
    CHECK_OK(JetCommitTransaction(other, 0));
}

static void scenario_begin(struct scenario *c, enum sweep_scenario kind) {
    static JET_ERR (*const plays[])(struct script *) = {play_bulk,      play_updates, play_updates, play_eviction,
                                                        play_databases, play_full,    play_atomic,  play_incremental,
                                                        play_restore,   play_recovery};
    struct script *s = &c->script;
    disk_install(test_random());
    script_init(s, test_random(), "/d");
    s->wide = kind == SWEEP_BULK || kind == SWEEP_EVICTION;
    s->circular = kind == SWEEP_CIRCULAR;
    c->play = plays[kind];
    if (kind == SWEEP_EVICTION) {
        CHECK_OK(script_start(s));
        CHECK_OK(script_create(s, &s->a));
        CHECK_OK(script_run(s, 1));
        CHECK_OK(script_stop(s, 0));
    } else if (kind != SWEEP_BULK && kind != SWEEP_DATABASES) {
        bool circular = s->circular;
        s->circular = false;
        prepare_databases(s);
        if (kind == SWEEP_RECOVERY)
            leave_open(s);
        CHECK_OK(script_stop(s, kind == SWEEP_RECOVERY ? JET_bitTermDirty : 0));
        s->circular = circular;
    }
    if (kind == SWEEP_RESTORE) {
        script_init(s, s->seed, "/restored");
        s->durable = 12;
        s->started = 12;
        s->a.durable = s->b.durable = true;
    }
    s->depth = s->wide ? 128 << 10 : 8 << 10;
    disk_make_dir(s->dir);
    c->image = disk_save();
}

static void scenario_end(struct scenario *c) {
    disk_image_free(c->image);
    disk_done();
}

/* ---- what comes after ---- */

static struct {
    JET_ERR err;
    unsigned count;
} met[64];

static void count_error(JET_ERR err) {
    unsigned i = 0;
    while (met[i].count && met[i].err != err && i < 63)
        i++;
    met[i].err = err;
    met[i].count++;
}

static void sweep_report(const struct sweep_totals *t, bool good) {
    printf("\n    %llu faults in %llu calls: %llu unnoticed; then %llu worked on, %llu unavailable, %llu not started\n",
           (unsigned long long)t->faults, (unsigned long long)t->calls, (unsigned long long)t->unnoticed,
           (unsigned long long)t->worked_on, (unsigned long long)t->unavailable, (unsigned long long)t->not_started);
    for (unsigned i = 0; i < 64 && met[i].count; i++)
        printf("    %6u %s\n", met[i].count, err_name(met[i].err));
    test_figure("errors", t->faults, "faults", !good, "lost");
}

/* Opened, or not there as far as nobody was told that it is. */
static bool attach(struct script *s, struct script_db *db, JET_ERR *out) {
    if (!db->durable) /* open perhaps, and without its table */
        db->dbid = JET_dbidNil;
    *out = db->dbid == JET_dbidNil ? script_attach(s, db) : JET_errSuccess;
    if (*out >= 0)
        return true;
    return !db->durable &&
           (*out == JET_errFileNotFound || *out == JET_errDatabaseCorrupted || *out == JET_errObjectNotFound);
}

/* The running instance rolls back, opens what it had, holds what it must and makes more. The first error; -1: wrong. */
static JET_ERR work_on(struct script *s, bool both) {
    JET_ERR err, attached;
    while ((err = JetRollback(s->session, 0)) >= 0)
        ;
    if (err != JET_errNotInTransaction)
        return err;
    if (!attach(s, &s->a, &attached) || (both && !attach(s, &s->b, &attached)))
        STEP(attached);
    if (s->a.dbid != JET_dbidNil)
        STEP(JetMove(s->session, s->a.table, (int32_t)JET_MoveFirst, 0));
    uint32_t durable = s->durable;
    if (!script_check(s))
        return -1;
    s->durable = durable; /* what is there need not be durable yet */
    if (s->a.dbid == JET_dbidNil)
        STEP(script_create(s, &s->a));
    if (both && s->b.dbid == JET_dbidNil)
        STEP(script_create(s, &s->b));
    STEP(script_run(s, s->started + 4));
    durable = s->durable;
    if (!script_check(s))
        return -1;
    s->durable = durable;
    JET_ERR stopped = script_stop(s, 0);
    return stopped < 0 && says_unavailable(stopped) ? stopped : stopped < 0 ? JET_errInstanceUnavailable : stopped;
}

static bool stays_unavailable(struct script *s) {
    JET_DBID db;
    while (JetRollback(s->session, 0) >= 0) /* it may have failed in the middle of work */
        ;
    JET_ERR err = JetCreateDatabase(s->session, "/never.edb", NULL, &db, 0);
    if (!says_unavailable(err))
        fprintf(stderr, "    creating a database gave %s\n", err_name(err));
    HOLDS(says_unavailable(err));
    return true;
}

/* After the failure, nothing failing any more. */
static bool check_running(struct script *s, bool both, struct sweep_totals *totals) {
    JET_INSTANCE instance = s->instance;
    JET_SESID session;
    if (!s->running || JetBeginSession(instance, &session, NULL, NULL) == JET_errNotInitialized) {
        totals->not_started++;
        return true;
    }
    if (!s->session)
        s->session = session;
    JET_ERR err = work_on(s, both);
    HOLDS(err != -1);
    if (err >= 0) {
        totals->worked_on++;
        return true;
    }
    count_error(err);
    if (!says_unavailable(err))
        fprintf(stderr, "    going on gave %s\n", err_name(err));
    HOLDS(says_unavailable(err));
    totals->unavailable++;
    if (err == JET_errLogDiskFull) /* it notices by and by that there is room again */
        return true;
    return !s->running || stays_unavailable(s);
}

/* While calls go on failing, so does this, or it succeeds. */
static bool try_more(struct script *s, const struct sweep_fault *fault, struct sweep_totals *totals) {
    JET_DBID db;
    if (!s->running || !s->session) {
        totals->not_started++;
        return true;
    }
    while (JetRollback(s->session, 0) >= 0)
        ;
    JET_ERR err = JetCreateDatabase(s->session, "/never.edb", NULL, &db, 0);
    if (err < 0)
        count_error(err);
    HOLDS(err >= 0 || fault->allowed(err));
    totals->worked_on += err >= 0;
    totals->unavailable += err < 0;
    return true;
}

static bool check_files(struct script *s) {
    const char *path = test_path("copy.edb");
    for (unsigned i = 0; i < 2; i++) {
        const char *from = i ? s->b.path : s->a.path;
        if (!disk_exists(from))
            continue;
        disk_export(from, path);
        HOLDS(test_check(path) == 0);
    }
    return true;
}

static bool check_restart(struct script *s, bool both, bool files) {
    JET_ERR attached;
    SUCCEEDS(script_start(s));
    for (unsigned i = 0; i < 1u + both; i++) {
        bool good = attach(s, i ? &s->b : &s->a, &attached);
        if (!good)
            fprintf(stderr, "    attaching %c gave %s\n", 'a' + (int)i, err_name(attached));
        HOLDS(good);
    }
    HOLDS(script_check(s));
    SUCCEEDS(work_on(s, both));
    SUCCEEDS(script_start(s));
    SUCCEEDS(script_attach(s, &s->a));
    if (both)
        SUCCEEDS(script_attach(s, &s->b));
    HOLDS(script_check(s));
    SUCCEEDS(script_stop(s, 0));
    HOLDS(disk_open_files() == 0);
    return !files || check_files(s);
}

/* A set is whole or not there; a backup or a restore is made now. */
static bool check_sets(struct script *s, enum sweep_scenario kind) {
    if (kind == SWEEP_RESTORE)
        return true;
    if (kind < SWEEP_FULL || kind > SWEEP_INCREMENTAL)
        return true;
    const char *set = kind == SWEEP_FULL ? "/new" : kind == SWEEP_ATOMIC ? "/atomic" : "/set";
    JET_GRBIT grbit = kind == SWEEP_FULL ? 0 : kind == SWEEP_ATOMIC ? JET_bitBackupAtomic : JET_bitBackupIncremental;
    if (kind != SWEEP_FULL)
        HOLDS(script_restores(s, set, 12, s->started));
    SUCCEEDS(script_start_all(s));
    JET_ERR err = JetBackupInstance(s->instance, set, grbit, NULL);
    if (err == JET_errBackupDirectoryNotEmpty &&
        kind == SWEEP_FULL) /* it had succeeded, or was cut off by more faults */
        err = JET_errSuccess;
    SUCCEEDS(err);
    SUCCEEDS(script_stop(s, 0));
    return kind == SWEEP_FULL || script_restores(s, set, s->durable, s->started);
}

/* The last transaction may have failed: then its end makes nothing of it durable. */
static void end(struct script *s) {
    const uint32_t durable = s->durable;
    JET_ERR ignored = s->running ? script_stop(s, 0) : JET_errSuccess;
    (void)ignored;
    s->durable = durable;
}

static bool after_failure(struct scenario *c, struct script *s, enum sweep_scenario kind,
                          const struct sweep_fault *fault, uint64_t nth, struct sweep_totals *totals) {
    const bool both = !s->wide;
    if (fault->stays) {
        HOLDS(try_more(s, fault, totals));
        end(s);
        fault->disarm();
    } else {
        fault->disarm();
        HOLDS(check_running(s, both, totals));
        if (nth % 3 == 0)
            script_drop(s);
        end(s);
    }
    HOLDS(disk_open_files() == 0);
    if (fault->power_cut || nth / 2 % 2)
        disk_power_on(nth % 2 ? DISK_LOSES : DISK_KEEPS);
    if (kind == SWEEP_RESTORE && s->durable == 12 && s->started == 12) { /* it is repeated */
        *s = c->script;
        SUCCEEDS(c->play(s));
    }
    return true;
}

static bool try_point(struct scenario *c, struct script *s, enum sweep_scenario kind, const struct sweep_fault *fault,
                      uint64_t nth, bool files, bool *through, struct sweep_totals *totals) {
    disk_load(c->image);
    fault->arm(nth);
    JET_ERR err = c->play(s);
    *through = !fault->met();
    if (err < 0)
        count_error(err);
    if (err < 0 && !fault->allowed(err))
        fprintf(stderr, "    it gave %s\n", err_name(err));
    HOLDS(err >= 0 || (fault->met() && fault->allowed(err)));
    totals->faults += !*through;
    totals->unnoticed += !*through && err >= 0;
    if (err < 0)
        HOLDS(after_failure(c, s, kind, fault, nth, totals));
    fault->disarm();
    HOLDS(disk_open_files() == 0);
    HOLDS(check_restart(s, !s->wide, files));
    return check_sets(s, kind);
}

static uint64_t count_calls(const struct scenario *c, const struct sweep_fault *fault) {
    struct script s = c->script;
    fault->arm(UINT64_MAX);
    CHECK_OK(c->play(&s));
    uint64_t calls = fault->calls();
    fault->disarm();
    return calls;
}

static bool sweep(enum sweep_scenario kind, const struct sweep_fault *fault, unsigned max,
                  struct sweep_totals *totals) {
    struct scenario c;
    bool good = true, through = false;
    scenario_begin(&c, kind);
    uint64_t calls = count_calls(&c, fault), step = max ? calls / max + 1 : 1;
    totals->calls += calls;
    for (uint64_t nth = 1 + test_random_below(step), points = 0; good && !through; nth += step, points++) {
        struct script s = c.script;
        good = try_point(&c, &s, kind, fault, nth, points % 50 == 49, &through, totals);
        if (!good) {
            fprintf(stderr, "    %s, call %llu:\n", sweep_names[kind], (unsigned long long)nth);
            fault->print();
        }
        fault->disarm();
        script_drop(&s);
    }
    scenario_end(&c);
    return good;
}

static unsigned sweep_points(unsigned otherwise) {
    const char *text = getenv("ESENT_ERROR_POINTS");
    if (text)
        return (unsigned)atoi(text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return otherwise / 10;
#else
    return otherwise;
#endif
}

void sweep_all(const struct sweep_fault *fault, unsigned points) {
    struct sweep_totals totals = {0};
    bool good = true;
    for (enum sweep_scenario i = 0; good && i < SWEEP_SCENARIOS; i++)
        good = sweep(i, fault, sweep_points(points), &totals);
    sweep_report(&totals, good);
    CU_ASSERT_TRUE(good);
}
