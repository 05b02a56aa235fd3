/* That the attacks bite: the library is built once more with promises that can be broken one at a time (base/breaks.h),
 * and each that is broken is noticed by the attack that stands beside it below. With none broken all attacks hold; the
 * other tests of this label say so at length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"
#include "tests/lib/torture.h"

enum broken broken_now;

#define SET "/set"
#define ATTEMPTS 1000u /* until a break is taken for unnoticed */

static struct script new_script(void) {
    struct script s;
    uint64_t seed = test_random();
    script_init(&s, seed, "/d");
    s.circular = seed % 2;
    s.depth = 8 << 10;
    disk_install(seed);
    disk_make_dir("/d");
    return s;
}

static bool begin(struct script *s, uint32_t transactions) {
    return script_start(s) >= 0 && script_create(s, &s->a) >= 0 && script_create(s, &s->b) >= 0 &&
           script_run(s, transactions) >= 0;
}

static bool attach(struct script *s, struct script_db *db) {
    JET_ERR err = script_attach(s, db);
    return err >= 0 || (!db->durable && (err == JET_errFileNotFound || err == JET_errDatabaseCorrupted ||
                                         err == JET_errObjectNotFound));
}

/* What was acknowledged is there and nothing else is. */
static bool recovers(struct script *s) {
    bool good = script_start(s) >= 0 && attach(s, &s->a) && attach(s, &s->b) && script_check(s);
    script_drop(s);
    return good;
}

/* ---- attacks: true where the promise held ---- */

/* The power goes off in one of the scenarios of test_crash_power. */
static bool power_cut(void) {
    struct torture *t = torture_play((unsigned)test_random_below(torture_count()), test_random());
    bool held = t != NULL; /* even without a fault: noticed */
    for (unsigned i = 0; held && i < 20; i++)
        held = torture_cut(t, 1 + test_random_below(torture_changes(t)), test_random());
    if (t)
        torture_free(t);
    return held;
}

/* From some change on every call fails: what was acknowledged before is there. */
static bool failed_write(void) {
    struct script s = new_script();
    disk_power_off_at(40 + test_random_below(1500));
    if (begin(&s, 12) && script_stop(&s, 0) >= 0 && script_start_all(&s) >= 0 && script_run(&s, 60) >= 0)
        disk_changes();
    script_drop(&s);
    disk_power_on(DISK_KEEPS);
    return recovers(&s);
}

static JET_ERR back_up(struct script *s, JET_GRBIT grbit) {
    return JetBackupInstance(s->instance, SET, grbit, NULL);
}

/* Full, then what writes log files and lets the checkpoint go on, truncation, incremental. */
static bool truncation(void) {
    struct script s = new_script();
    s.circular = false;
    bool good = begin(&s, 10) && back_up(&s, 0) >= 0 && script_run(&s, 80) >= 0 &&
                JetBackupInstance(s.instance, NULL, 0, NULL) >= 0 && script_run(&s, 85) >= 0 &&
                back_up(&s, JET_bitBackupIncremental) >= 0;
    script_drop(&s);
    return good && script_restores(&s, SET, 85, 85);
}

static struct script *working; /* the script that goes on during a backup */

static JET_ERR JET_API work_on(JET_SESID sesid, JET_SNP snp, JET_SNT snt, void *pv) {
    (void)sesid, (void)snp, (void)pv;
    return snt == JET_sntProgress || snt == JET_sntBegin ? script_run(working, working->started + 30) : JET_errSuccess;
}

static bool circular_backup(void) {
    struct script s = new_script();
    s.circular = true;
    working = &s;
    bool good = begin(&s, 10) && JetBackupInstance(s.instance, SET, 0, work_on) >= 0;
    uint32_t n = s.started;
    script_drop(&s);
    return good && script_restores(&s, SET, 10, n);
}

/* The power goes off at some change of the second of two backups, or just after it. */
static bool cut_backup(void) {
    struct script s = new_script();
    bool good = begin(&s, 10) && back_up(&s, JET_bitBackupAtomic) >= 0 && script_run(&s, 20) >= 0;
    disk_power_off_at(1 + test_random_below(80));
    JET_ERR err = good ? back_up(&s, JET_bitBackupAtomic) : 0;
    script_drop(&s);
    disk_power_on(DISK_LOSES);
    return good && script_restores(&s, SET, err < 0 ? 10 : 20, 20);
}

/* Something fails while a backup is written: the directory is as it was. */
static bool failed_backup(void) {
    struct script s = new_script();
    bool good = begin(&s, 10);
    disk_make_dir(SET);
    uint64_t before = disk_digest(SET);
    disk_fail(1 + test_random_below(25), SET "/", JET_errDiskIO);
    JET_ERR err = good ? back_up(&s, 0) : 0;
    disk_no_fault();
    good &= err >= 0 || disk_digest(SET) == before;
    script_drop(&s);
    return good;
}

static void flip_twice(const char *path, size_t from) {
    size_t bytes;
    if (!disk_get(path, &bytes) || bytes < from + 16)
        return;
    size_t at = from + test_random_below(bytes - from - 8);
    disk_flip(path, at, 0x11);
    disk_flip(path, at + 5, 0x42);
}

/* A page is damaged beyond correction: no set with it is taken for good. */
static bool damaged_page(void) {
    struct script s = new_script();
    bool good = begin(&s, 30) && script_stop(&s, 0) >= 0;
    flip_twice(s.a.path, 3 * 4096);
    good =
        good && script_start(&s) >= 0 && script_attach(&s, &s.b) >= 0 && JetAttachDatabase(s.session, s.a.path, 0) >= 0;
    if (!good) { /* the damage was noticed earlier */
        script_drop(&s);
        return true;
    }
    JET_ERR err = back_up(&s, 0);
    script_drop(&s);
    return err < 0 || script_restores(&s, SET, s.durable, s.started);
}

/* The same of a log file. */
static bool damaged_log(void) {
    struct script s = new_script();
    s.circular = false;
    bool good = begin(&s, 10) && back_up(&s, 0) >= 0 && script_run(&s, 60) >= 0;
    flip_twice("/d/system/edb00003.log", 4096);
    JET_ERR err = good ? back_up(&s, JET_bitBackupIncremental) : JET_errSuccess;
    script_drop(&s);
    return good && (err < 0 || script_restores(&s, SET, 60, 60));
}

/* A copy is put where its database was: recovery is not for it. */
static bool attached_copy(void) {
    struct script s = new_script();
    bool good = begin(&s, 10) && back_up(&s, 0) >= 0;
    script_drop(&s);
    disk_copy(SET "/a.edb", s.a.path);
    JET_ERR err = script_start(&s);
    script_drop(&s);
    return good && err == JET_errSoftRecoveryOnBackupDatabase;
}

/* Of all rows of a. The error that ended the walk, else JET_errNoCurrentRecord. */
static JET_ERR read_rows(struct script *s, uint64_t *sum) {
    JET_ERR err = JetMove(s->session, s->a.table, (int32_t)JET_MoveFirst, 0);
    for (*sum = 0; err >= 0; err = JetMove(s->session, s->a.table, JET_MoveNext, 0)) {
        char text[4096];
        uint32_t bytes;
        err = JetRetrieveColumn(s->session, s->a.table, s->a.text, text, sizeof text, &bytes, 0, NULL);
        for (uint32_t i = 0; err >= 0 && i < bytes; i++)
            *sum = (*sum ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
        if (err < 0)
            break;
    }
    return err;
}

/* A page is damaged: an error, or the rows that were there. */
static bool damaged_row(void) {
    struct script s = new_script();
    uint64_t before, after;
    bool held = begin(&s, 30) && read_rows(&s, &before) == JET_errNoCurrentRecord && script_stop(&s, 0) >= 0;
    flip_twice(s.a.path, 3 * 4096);
    if (held && script_start(&s) >= 0 && script_attach(&s, &s.a) >= 0)
        held = read_rows(&s, &after) != JET_errNoCurrentRecord || after == before;
    script_drop(&s);
    return held;
}

/* A transaction that began long ago is open when the power goes off. */
static bool long_transaction(void) {
    struct script s = new_script();
    const int32_t id = 60;
    bool good = begin(&s, 10);
    struct script other = s;
    good = good && JetBeginSession(s.instance, &other.session, NULL, NULL) >= 0 &&
           JetOpenDatabase(other.session, s.a.path, NULL, &other.a.dbid, 0) >= 0 &&
           JetOpenTable(other.session, other.a.dbid, "t", NULL, 0, 0, &other.a.table) >= 0 &&
           JetBeginTransaction(other.session) >= 0 &&
           JetPrepareUpdate(other.session, other.a.table, JET_prepInsert) >= 0 &&
           JetSetColumn(other.session, other.a.table, s.a.id, &id, sizeof id, 0, NULL) >= 0 &&
           JetUpdate(other.session, other.a.table, NULL, 0, NULL) >= 0;
    disk_power_off_at(100 + test_random_below(400));
    JET_ERR err = good ? script_run(&s, 100) : JET_errSuccess;
    script_drop(&s);
    disk_power_on(DISK_LOSES);
    return good && (err < 0 || !disk_power_is_off()) && recovers(&s);
}

/* The power goes off while a database is attached and detached: each time its header is written. */
static bool cut_header(void) {
    struct script s = new_script();
    bool good = begin(&s, 2) && script_stop(&s, 0) >= 0;
    struct disk_image *image = disk_save();
    for (unsigned i = 0; good && i < 200; i++) {
        struct script again = s;
        disk_install(test_random());
        disk_load(image);
        disk_power_off_at(1 + test_random_below(40));
        if (script_start_all(&again) >= 0 && script_stop(&again, 0) >= 0)
            disk_changes();
        script_drop(&again);
        disk_power_on(DISK_LOSES);
        good = recovers(&again);
    }
    disk_image_free(image);
    return good;
}

/* ---- what notices what ---- */

static const struct attack {
    enum broken broken;
    bool (*attack)(void);
} attacks[] = {
    {BROKEN_page_before_log, power_cut},
    {BROKEN_commit_no_wait, power_cut},
    {BROKEN_log_no_sync, power_cut},
    {BROKEN_failed_write_forgiven, failed_write},
    {BROKEN_redo_again, power_cut},
    {BROKEN_no_image, power_cut},
    {BROKEN_undo_not_logged, power_cut},
    {BROKEN_open_not_undone, power_cut},
    {BROKEN_checkpoint_ignores_pages, power_cut},
    {BROKEN_checkpoint_ignores_trx, long_transaction},
    {BROKEN_database_no_sync, power_cut},
    {BROKEN_header_not_sure, cut_header},
    {BROKEN_generation_no_dir_sync, power_cut},
    {BROKEN_generation_name_first, power_cut},
    {BROKEN_truncate_one_more, circular_backup},
    {BROKEN_truncate_forgets_backup, truncation},
    {BROKEN_circular_forgets_backup, circular_backup},
    {BROKEN_set_no_sync, cut_backup},
    {BROKEN_set_old_first, cut_backup},
    {BROKEN_failed_backup_stays, failed_backup},
    {BROKEN_pages_not_verified, damaged_page},
    {BROKEN_logs_not_verified, damaged_log},
    {BROKEN_copy_attachable, attached_copy},
    {BROKEN_page_trusted, damaged_row},
};
#define ATTACKS (sizeof attacks / sizeof *attacks)

static const struct {
    const char *name, *promise, *what;
} breaks[] = {
#define B(name, promise, what) [BROKEN_##name] = {#name, #promise, what},
    BREAKS(B)
#undef B
};
#define BREAKS_END (sizeof breaks / sizeof *breaks)

/* Attacks at most `times`, until one is not withstood. How many were. */
static unsigned attack(bool (*how)(void), enum broken broken, unsigned times) {
    unsigned withstood = 0;
    bool held = true;
    broken_now = broken;
    for (; held && withstood < times; withstood += held) {
        held = how();
        disk_done();
    }
    broken_now = NOTHING_BROKEN;
    return withstood;
}

static bool is_first(unsigned i) {
    for (unsigned k = 0; k < i; k++)
        if (attacks[k].attack == attacks[i].attack)
            return false;
    return true;
}

static void promises__that_are_kept_withstand_every_attack(void) {
    for (unsigned i = 0; i < ATTACKS; i++)
        if (is_first(i))
            CU_ASSERT_EQUAL(attack(attacks[i].attack, NOTHING_BROKEN, 10), 10);
}

static void promises__that_are_broken_are_noticed(void) {
    unsigned seen[BREAKS_END] = {0};
    for (unsigned i = 0; i < ATTACKS; i++) {
        enum broken b = attacks[i].broken;
        unsigned withstood = attack(attacks[i].attack, b, ATTEMPTS);
        printf("\n    %s %s: %s after %u attacks", breaks[b].promise, breaks[b].what,
               withstood < ATTEMPTS ? "noticed" : "NOT noticed", withstood + 1);
        CU_ASSERT_NOT_EQUAL(withstood, ATTEMPTS);
        seen[b]++;
    }
    for (unsigned b = 1; b < BREAKS_END; b++)
        CU_ASSERT_EQUAL(seen[b], 1);
}

TEST_MAIN(TEST(promises__that_are_kept_withstand_every_attack), TEST(promises__that_are_broken_are_noticed))
