/* The power goes off at every single change that a scenario makes to the disk, and again during the recovery. Then
 * everything that was acknowledged is there, nothing else is, and the instance goes on. P1 P2 P4 P5 P6 P7 P8.
 * ESENT_CRASH_POINTS: how many points of each test at most (0: all). */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

/* ---- the scenarios ---- */

/* Log files roll, the checkpoint moves all the time, tables and columns come and go, databases are made, detached and
 * attached, and the instance is stopped and started. */
static JET_ERR play(struct script *s) {
    JET_ERR err = script_start(s);
    if (err >= 0)
        err = script_create(s, &s->a);
    if (err >= 0)
        err = script_run(s, 12);
    if (err >= 0)
        err = script_create(s, &s->b);
    if (err >= 0)
        err = script_run(s, 22);
    if (err >= 0)
        err = script_detach(s, &s->a);
    if (err >= 0)
        err = script_attach(s, &s->a);
    if (err >= 0)
        err = script_run(s, 34);
    if (err >= 0)
        err = script_stop(s, 0);
    if (err >= 0)
        err = script_start(s);
    if (err >= 0)
        err = script_attach(s, &s->a);
    if (err >= 0)
        err = script_attach(s, &s->b);
    if (err >= 0)
        err = script_run(s, 42);
    if (err >= 0)
        err = script_stop(s, 0);
    return err;
}

/* The database is larger than the cache: pages reach it by eviction, in any order. */
static JET_ERR play_wide(struct script *s) {
    JET_ERR err = script_start(s);
    if (err >= 0)
        err = script_attach(s, &s->a);
    if (err >= 0)
        err = script_run(s, s->started + 14);
    if (err >= 0)
        err = script_stop(s, 0);
    return err;
}

/* The same, and so much to redo that redo evicts, too. */
static JET_ERR play_fill(struct script *s) {
    JET_ERR err = script_start(s);
    if (err >= 0)
        err = script_create(s, &s->a);
    if (err >= 0)
        err = script_run(s, 14);
    if (err >= 0)
        err = script_stop(s, 0);
    return err;
}

enum kind { NARROW, WIDE, FILL };

struct scenario {
    JET_ERR (*play)(struct script *s);
    struct script script;     /* as it begins */
    struct disk_image *image; /* of the disk then */
};

static void scenario_begin(struct scenario *c, enum kind kind) {
    static JET_ERR (*const plays[])(struct script *) = {play, play_wide, play_fill};
    static const uint32_t depths[] = {8 << 10, 128 << 10, 16 << 20};
    struct script *s = &c->script;
    script_init(s, test_random(), "/d");
    s->circular = s->seed % 2;
    s->wide = kind != NARROW;
    s->depth = depths[kind];
    c->play = plays[kind];
    disk_install(0);
    disk_make_dir("/d");
    if (kind == WIDE) {
        CHECK_OK(script_start(s));
        CHECK_OK(script_create(s, &s->a));
        CHECK_OK(script_run(s, 1));
        CHECK_OK(script_stop(s, 0));
    }
    c->image = disk_save();
}

/* How many changes it makes. */
static uint64_t scenario_changes(const struct scenario *c) {
    struct script s = c->script;
    disk_power_off_at(0);
    CHECK_OK(c->play(&s));
    return disk_changes();
}

static void scenario_end(struct scenario *c) {
    disk_image_free(c->image);
    disk_done();
}

/* ---- a point ---- */

struct point {
    uint64_t first, second; /* changes at which the power goes off: in the scenario, in the recovery (0: never) */
    enum disk_loss first_loss, second_loss;
};

static struct { unsigned points, recoveries_cut, checked; } totals;

static void print_point(const struct point *p) {
    printf("\n    power off at change %llu (%s), then %llu (%s)\n", (unsigned long long)p->first,
           p->first_loss == DISK_LOSES ? "loses" : "keeps", (unsigned long long)p->second,
           p->second_loss == DISK_LOSES ? "loses" : "keeps");
}

/* What a database may be whose creation was not acknowledged: not there, begun, or without its table. */
static bool attach(struct script *s, struct script_db *db) {
    JET_ERR err = script_attach(s, db);
    if (!db->durable && (err == JET_errFileNotFound || err == JET_errDatabaseCorrupted || err == JET_errObjectNotFound))
        return true;
    SUCCEEDS(err);
    return true;
}

static bool check_files(struct script *s) {
    const char *path = test_path("copy.edb");
    disk_export(s->a.path, path);
    if (test_edbcheck(path) > 0 || test_check(path) != 0)
        return false;
    if (!disk_exists(s->b.path))
        return true;
    disk_export(s->b.path, path);
    return test_edbcheck(path) <= 0 && test_check(path) == 0;
}

/* Recovers, checks, goes on, stops, and checks again. */
static bool check_after(struct script *s, bool files) {
    SUCCEEDS(script_start(s));
    HOLDS(attach(s, &s->a) && (s->wide || attach(s, &s->b)));
    HOLDS(script_check(s));
    if (s->a.dbid == JET_dbidNil)
        SUCCEEDS(script_create(s, &s->a));
    if (s->b.dbid == JET_dbidNil && !s->wide)
        SUCCEEDS(script_create(s, &s->b));
    SUCCEEDS(script_run(s, s->started + 4));
    SUCCEEDS(script_stop(s, 0));
    SUCCEEDS(script_start(s));
    HOLDS(attach(s, &s->a) && (s->wide || attach(s, &s->b)) && script_check(s));
    SUCCEEDS(script_stop(s, 0));
    HOLDS(disk_open_files() == 0);
    return !files || check_files(s);
}

static void end(struct script *s, JET_GRBIT grbit) {
    JET_ERR ignored = s->running ? script_stop(s, grbit) : JET_errSuccess;
    (void)ignored;
}

static bool try_point(const struct scenario *c, const struct point *p, struct script *s, bool files, bool *through) {
    disk_install(s->seed ^ p->first << 20 ^ p->second << 40);
    disk_load(c->image);
    if (p->first_loss == DISK_KEEPS && p->second) { /* a directory that is there is taken to be durable */
        disk_make_dir("/d/system");
        disk_make_dir("/d/data");
    }
    disk_power_off_at(p->first);
    JET_ERR err = c->play(s);
    *through = !disk_power_is_off();
    HOLDS(!*through || err >= 0);
    end(s, p->first % 3 == 0 ? JET_bitTermDirty : 0);
    HOLDS(disk_open_files() == 0);
    disk_power_on(p->first_loss);
    totals.points++;

    if (p->second) {
        disk_power_off_at(p->second);
        err = script_start(s);
        if (err >= 0 && attach(s, &s->a))
            disk_changes(); /* what follows the recovery is cut, too */
        bool cut = disk_power_is_off();
        HOLDS(cut || err >= 0);
        script_drop(s);
        HOLDS(disk_open_files() == 0);
        disk_power_on(p->second_loss);
        totals.recoveries_cut += cut;
    }
    totals.checked += files;
    return check_after(s, files);
}

/* *through: the scenario ended before the power went off. */
static bool check_point(const struct scenario *c, const struct point *p, bool files, bool *through) {
    struct script s = c->script;
    bool good = try_point(c, p, &s, files, through);
    script_drop(&s);
    return good;
}

/* ---- the tests ---- */

static unsigned points_max(unsigned otherwise) {
    const char *text = getenv("ESENT_CRASH_POINTS");
    unsigned max = text ? (unsigned)atoi(text) : otherwise;
    return max ? max : UINT32_MAX;
}

/* second_max: the second change is one up to this; 0: none. */
static void run_points(enum kind kind, enum disk_loss first, enum disk_loss second, unsigned second_max, unsigned max) {
    struct scenario c;
    bool through = false;
    scenario_begin(&c, kind);
    uint64_t count = scenario_changes(&c), step = count / points_max(max) + 1;
    totals.points = totals.recoveries_cut = totals.checked = 0;
    for (uint64_t n = 1 + test_random_below(step); !through; n += step) {
        struct point p = {n, second_max ? 1 + test_random_below(second_max) : 0, first, second};
        bool good = check_point(&c, &p, totals.points % 50 == 49, &through);
        if (!good)
            print_point(&p);
        CU_ASSERT_TRUE_FATAL(good);
    }
    printf("\n    %u points of about %llu, %u recoveries cut, files checked %u times, 0 lost ", totals.points,
           (unsigned long long)count, totals.recoveries_cut, totals.checked);
    scenario_end(&c);
}

static void process_crash__at_any_change_keeps_what_was_acknowledged_and_nothing_else(void) {
    run_points(NARROW, DISK_KEEPS, DISK_KEEPS, 0, 200);
}

/* P1 P2 P5 P7 P8 */
static void power_cut__at_any_change_keeps_what_was_acknowledged_and_nothing_else(void) {
    run_points(NARROW, DISK_LOSES, DISK_KEEPS, 0, 600);
}

static void power_cut__while_pages_are_evicted_keeps_what_was_acknowledged_and_nothing_else(void) {
    run_points(WIDE, DISK_LOSES, DISK_KEEPS, 0, 200);
}

/* P6 */
static void power_cut__during_recovery_from_a_power_cut_changes_nothing(void) {
    run_points(NARROW, DISK_LOSES, DISK_LOSES, 80, 400);
}

/* What recovery has read was perhaps never durable, and must not reach a database before it is. */
static void power_cut__during_recovery_from_a_process_crash_changes_nothing(void) {
    run_points(NARROW, DISK_KEEPS, DISK_LOSES, 80, 300);
}

static void power_cut__during_recovery_that_evicts_changes_nothing(void) {
    run_points(FILL, DISK_KEEPS, DISK_LOSES, 300, 200);
}

TEST_MAIN(TEST(process_crash__at_any_change_keeps_what_was_acknowledged_and_nothing_else),
          TEST(power_cut__at_any_change_keeps_what_was_acknowledged_and_nothing_else),
          TEST(power_cut__while_pages_are_evicted_keeps_what_was_acknowledged_and_nothing_else),
          TEST(power_cut__during_recovery_from_a_power_cut_changes_nothing),
          TEST(power_cut__during_recovery_from_a_process_crash_changes_nothing),
          TEST(power_cut__during_recovery_that_evicts_changes_nothing))
