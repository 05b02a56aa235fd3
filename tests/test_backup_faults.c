/* Backups and restores in which something goes wrong: every call to the disk fails once, the power goes off at every
 * change, the callback says no, the instance ends, pages and log files are damaged, sets are damaged in every way.
 * P9 P10 P11 P13 P14. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "backup/set.h"
#include "base/checksum.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

#define DIR "/d" /* of the instance */

/* ---- a place with backup sets ---- */

enum kind { FULL_NEW, FULL_EMPTY, ATOMIC_NEW, ATOMIC, INCREMENTAL, ATOMIC_INCREMENTAL, KINDS };

static const struct {
    const char *set;
    JET_GRBIT grbit;
    bool replaces;
} kinds[KINDS] = {
    [FULL_NEW] = {"/backup/new", 0, false},
    [FULL_EMPTY] = {"/empty", 0, false},
    [ATOMIC_NEW] = {"/backup/atomic", JET_bitBackupAtomic, false},
    [ATOMIC] = {"/atomic", JET_bitBackupAtomic, true},
    [INCREMENTAL] = {"/set", JET_bitBackupIncremental, true},
    [ATOMIC_INCREMENTAL] = {"/atomic", JET_bitBackupIncremental | JET_bitBackupAtomic, true},
};

struct place {
    struct script script;     /* stopped, after 20 transactions */
    struct disk_image *image; /* with two sets, of 12 and of 16 transactions, and log files since then */
};

static void place_begin(struct place *p) {
    struct script *s = &p->script;
    disk_install(test_random());
    disk_make_dir("/empty");
    script_init(s, test_random(), DIR);
    CHECK_OK(script_start(s)); /* the checkpoint stays, so the second backup takes no log file from the first */
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, 12));
    CHECK_OK(JetBackupInstance(s->instance, "/set", 0, NULL));
    CHECK_OK(script_run(s, 16));
    CHECK_OK(JetBackupInstance(s->instance, "/atomic", JET_bitBackupAtomic, NULL));
    CHECK_OK(script_run(s, 20));
    CHECK_OK(script_stop(s, 0));
    s->depth = 64 << 10;
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

/* ---- what a failed backup leaves ---- */

struct before {
    uint64_t set; /* digest of the set that is there; 0: none */
    lggen_t logs_low;
    JET_DBINFOMISC a, b;
};

static lggen_t lowest_log(void) {
    struct log_dir dir = {.path = DIR "/system", .base = "edb"};
    struct log_range range = {0};
    return log_dir_scan(&dir, &range) >= JET_errSuccess && range.low ? range.low : range.current;
}

static JET_ERR get_stamps(struct script *s, JET_DBINFOMISC *a, JET_DBINFOMISC *b) {
    JET_ERR err = JetGetDatabaseFileInfo(s->a.path, a, sizeof *a, JET_DbInfoMisc);
    return err < JET_errSuccess ? err : JetGetDatabaseFileInfo(s->b.path, b, sizeof *b, JET_DbInfoMisc);
}

static bool same_stamps(const JET_DBINFOMISC *x, const JET_DBINFOMISC *y) {
    return memcmp(&x->bkinfoFullPrev, &y->bkinfoFullPrev, sizeof x->bkinfoFullPrev) == 0 &&
           memcmp(&x->bkinfoIncPrev, &y->bkinfoIncPrev, sizeof x->bkinfoIncPrev) == 0;
}

/* Of the set that a restore would take; 0: none. */
static uint64_t set_digest(enum kind kind) {
    struct set set;
    JET_ERR err = set_find(kinds[kind].set, &set);
    uint64_t digest = err < JET_errSuccess ? 0 : disk_digest(set.dir);
    set_done(&set);
    return digest;
}

static bool note_before(struct script *s, enum kind kind, struct before *out) {
    out->set = set_digest(kind);
    out->logs_low = lowest_log();
    SUCCEEDS(get_stamps(s, &out->a, &out->b));
    return true;
}

static bool is_empty_dir(const char *path) {
    return !disk_exists(path) || disk_digest(path) == disk_digest("/empty_for_comparison");
}

/* P10. A set that was there is as it was; or the new one is whole, if what failed came after the moment in which it
 * was there. */
static bool target_is_good(struct script *s, enum kind kind, const struct before *before) {
    const char *set = kinds[kind].set;
    uint64_t now = set_digest(kind);
    HOLDS(now != 0 || !kinds[kind].replaces);
    HOLDS(now != 0 || is_empty_dir(set));
    HOLDS(now == 0 || kind != FULL_EMPTY);
    HOLDS(!disk_exists("/atomic/temp") && !disk_exists("/backup/atomic/temp"));
    return now == before->set || script_restores(s, set, s->durable, s->started);
}

static bool check_failed(struct script *s, enum kind kind, const struct before *before) {
    JET_DBINFOMISC a, b;
    HOLDS(target_is_good(s, kind, before));
    HOLDS(lowest_log() == before->logs_low);
    SUCCEEDS(get_stamps(s, &a, &b));
    HOLDS(same_stamps(&a, &before->a) && same_stamps(&b, &before->b));
    return true;
}

static bool check_succeeded(struct script *s, enum kind kind, uint32_t low) {
    HOLDS(script_restores(s, kinds[kind].set, low, s->started));
    return true;
}

/* The instance works on, or it is down because its own files failed, and a start brings all back. Then a backup
 * succeeds. */
static bool check_goes_on(struct script *s, enum kind kind, bool own_file_failed) {
    JET_ERR err = script_run(s, s->started + 2);
    if (err < JET_errSuccess) {
        HOLDS(own_file_failed);
        script_drop(s);
        SUCCEEDS(script_start_all(s));
        HOLDS(script_check(s));
    }
    uint32_t low = s->durable;
    SUCCEEDS(JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, NULL));
    return check_succeeded(s, kind, low);
}

static bool begin_try(struct place *p, struct script *s, enum kind kind, struct before *before) {
    *s = p->script;
    disk_load(p->image);
    disk_make_dir("/empty_for_comparison");
    SUCCEEDS(script_start_all(s));
    SUCCEEDS(script_run(s, 22));
    return note_before(s, kind, before);
}

/* ---- every call to the disk fails once ---- */

static bool try_fault(struct place *p, struct script *s, enum kind kind, uint64_t nth, JET_ERR error, bool *through) {
    struct before before;
    HOLDS(begin_try(p, s, kind, &before));
    uint32_t low = s->durable;
    disk_fail(nth, NULL, error);
    JET_ERR err = JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, NULL);
    const char *failed = disk_failed();
    *through = !failed;
    HOLDS(failed || err >= JET_errSuccess);
    bool own_file_failed = failed && strstr(failed, " " DIR "/");
    disk_no_fault();
    if (err >= JET_errSuccess) {
        HOLDS(check_succeeded(s, kind, low));
        script_drop(s);
        return true;
    }
    HOLDS(check_failed(s, kind, &before));
    HOLDS(check_goes_on(s, kind, own_file_failed));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void fail_everywhere(enum kind kind) {
    struct place p;
    uint64_t nth = 0;
    place_begin(&p);
    for (bool through = false; !through;) {
        struct script s;
        nth++;
        JET_ERR error = nth % 3 == 0 ? JET_errDiskFull : JET_errDiskIO;
        bool good = try_fault(&p, &s, kind, nth, error, &through);
        script_drop(&s);
        if (!good)
            printf("\n    call %llu failed: %s (%s)\n", (unsigned long long)nth, disk_failed(), err_name(error));
        CU_ASSERT_TRUE_FATAL(good);
    }
    printf("%llu calls failed ", (unsigned long long)nth - 1);
    place_end(&p);
}

static void full_backup__any_call_that_fails_leaves_nothing(void) {
    fail_everywhere(FULL_NEW);
}
static void full_backup__any_call_that_fails_leaves_an_empty_directory(void) {
    fail_everywhere(FULL_EMPTY);
}
static void atomic_backup__any_call_that_fails_leaves_nothing(void) {
    fail_everywhere(ATOMIC_NEW);
}
static void atomic_backup__any_call_that_fails_leaves_the_set_before(void) {
    fail_everywhere(ATOMIC);
}
static void incremental_backup__any_call_that_fails_leaves_the_set_as_it_was(void) {
    fail_everywhere(INCREMENTAL);
}
static void atomic_incremental_backup__any_call_that_fails_leaves_the_set_as_it_was(void) {
    fail_everywhere(ATOMIC_INCREMENTAL);
}

/* ---- the power goes off ---- */

/* After it the set is there whole, or not at all; one that was there before is there. */
static bool check_set_after_cut(struct script *s, enum kind kind, bool succeeded, uint32_t low) {
    struct set found;
    JET_ERR err = set_find(kinds[kind].set, &found);
    set_done(&found);
    HOLDS(err >= JET_errSuccess || (err == JET_errFileNotFound && !succeeded && !kinds[kind].replaces));
    return err < JET_errSuccess || script_restores(s, kinds[kind].set,
                                                   succeeded || !kinds[kind].replaces ? low
                                                   : kind == INCREMENTAL              ? 12
                                                                                      : 16,
                                                   s->started);
}

static bool try_power_cut(struct place *p, struct script *s, enum kind kind, uint64_t change, bool *through) {
    struct before before;
    HOLDS(begin_try(p, s, kind, &before));
    uint32_t low = s->durable;
    disk_power_off_at(change);
    JET_ERR err = JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, NULL);
    *through = !disk_power_is_off();
    script_drop(s);
    disk_power_on(DISK_LOSES);
    HOLDS(check_set_after_cut(s, kind, err >= JET_errSuccess, low));
    SUCCEEDS(script_start_all(s));
    HOLDS(script_check(s));
    if (!kinds[kind].replaces && disk_exists(kinds[kind].set)) {
        disk_delete(kinds[kind].set);
        disk_make_dir(kinds[kind].set);
    }
    low = s->durable;
    SUCCEEDS(JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, NULL));
    HOLDS(check_succeeded(s, kind, low));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void power_cut__during_a_backup_leaves_a_whole_set_or_none(void) {
    struct place p;
    unsigned points = 0;
    place_begin(&p);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        bool through = false;
        for (uint64_t change = 1; !through; change++) {
            struct script s;
            bool good = try_power_cut(&p, &s, kind, change, &through);
            script_drop(&s);
            points++;
            if (!good)
                printf("\n    kind %d: power off at change %llu\n", kind, (unsigned long long)change);
            CU_ASSERT_TRUE_FATAL(good);
        }
    }
    printf("%u points ", points);
    place_end(&p);
}

/* ---- the callback ---- */

static struct {
    unsigned calls, fails_at;
    JET_SNT last;
} callback;

static JET_ERR JET_API count_and_fail(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)data;
    callback.calls++;
    callback.last = snt;
    return callback.calls == callback.fails_at ? JET_errCallbackFailed : JET_errSuccess;
}

static bool try_callback(struct place *p, struct script *s, enum kind kind, unsigned call, bool *through) {
    struct before before;
    HOLDS(begin_try(p, s, kind, &before));
    uint32_t low = s->durable;
    memset(&callback, 0, sizeof callback);
    callback.fails_at = call;
    JET_ERR err = JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, count_and_fail);
    *through = err >= JET_errSuccess;
    if (*through) { /* at the end there is nothing left to refuse */
        HOLDS(callback.last == JET_sntComplete && callback.calls == call);
        HOLDS(check_succeeded(s, kind, low));
    } else {
        HOLDS(err == JET_errCallbackFailed && callback.last == JET_sntFail);
        HOLDS(check_failed(s, kind, &before));
        HOLDS(check_goes_on(s, kind, false));
    }
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void callback__that_fails_at_any_step_ends_the_backup_and_leaves_nothing(void) {
    struct place p;
    unsigned calls = 0;
    place_begin(&p);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        bool through = false;
        for (unsigned call = 1; !through; call++) {
            struct script s;
            bool good = try_callback(&p, &s, kind, call, &through);
            script_drop(&s);
            calls++;
            if (!good)
                printf("\n    kind %d: call %u\n", kind, call);
            CU_ASSERT_TRUE_FATAL(good);
        }
    }
    printf("%u calls ", calls);
    place_end(&p);
}

/* ---- JetTerm2 stops a backup ---- */

static struct {
    JET_INSTANCE instance;
    unsigned calls, at;
    JET_ERR plain, stopped;
    pthread_t thread;
    bool started;
} stop;

static void *stop_backup(void *arg) {
    (void)arg;
    stop.stopped = JetTerm2(stop.instance, JET_bitTermAbrupt | JET_bitTermStopBackup);
    return NULL;
}

static JET_ERR JET_API stop_at(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)snt, (void)data;
    if (++stop.calls != stop.at)
        return JET_errSuccess;
    stop.plain = JetTerm2(stop.instance, JET_bitTermAbrupt);
    struct api_inst *inst = handle_find(HANDLE_INSTANCE, stop.instance, NULL);
    struct inst *engine = inst->inst;
    stop.started = pthread_create(&stop.thread, NULL, stop_backup, NULL) == 0;
    while (stop.started && !atomic_load(&engine->backup_stops))
        sched_yield();
    return JET_errSuccess;
}

/* *stopped: the backup had not yet ended. */
static bool try_stop(struct place *p, struct script *s, enum kind kind, unsigned call, bool *stopped) {
    struct before before;
    HOLDS(begin_try(p, s, kind, &before));
    uint32_t low = s->durable;
    memset(&stop, 0, sizeof stop);
    stop.instance = s->instance;
    stop.at = call;
    JET_ERR err = JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, stop_at);
    if (stop.started)
        pthread_join(stop.thread, NULL);
    s->running = !stop.started;
    *stopped = err < JET_errSuccess;
    HOLDS(!*stopped || err == JET_errBackupAbortByServer);
    HOLDS(!stop.started || stop.plain == JET_errBackupInProgress);
    SUCCEEDS(stop.stopped);
    if (!s->running)
        SUCCEEDS(script_start_all(s));
    HOLDS(script_check(s));
    if (*stopped) {
        HOLDS(check_failed(s, kind, &before));
        HOLDS(check_goes_on(s, kind, false));
    } else {
        HOLDS(check_succeeded(s, kind, low));
    }
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void term__stops_a_backup_at_any_step_and_leaves_nothing(void) {
    struct place p;
    unsigned stops = 0;
    place_begin(&p);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        bool stopped = true;
        for (unsigned call = 1; stopped; call++) {
            struct script s;
            bool good = try_stop(&p, &s, kind, call, &stopped);
            script_drop(&s);
            stops += stopped;
            if (!good)
                printf("\n    kind %d: call %u\n", kind, call);
            CU_ASSERT_TRUE_FATAL(good);
        }
    }
    CU_ASSERT_TRUE(stops >= KINDS);
    printf("%u stops ", stops);
    place_end(&p);
}

/* ---- damage in what is backed up ---- */

#define PAGE 4096u

/* P11. The page is not in memory: it was damaged before the start. */
static bool try_damaged_page(struct place *p, struct script *s, uint32_t pgno, bool *attached, bool *refused) {
    struct before before;
    *s = p->script;
    disk_load(p->image);
    disk_make_dir("/empty_for_comparison");
    disk_flip(s->a.path, (pgno + 1) * PAGE + 100, 0x40); /* two bits of two columns of the page's parity */
    disk_flip(s->a.path, (pgno + 1) * PAGE + 2002, 0x02);
    *attached = script_start_all(s) >= JET_errSuccess;
    *refused = false;
    if (!*attached) {
        script_drop(s);
        return true;
    }
    HOLDS(note_before(s, FULL_NEW, &before));
    JET_ERR err = JetBackupInstance(s->instance, kinds[FULL_NEW].set, 0, NULL);
    *refused = err < JET_errSuccess;
    HOLDS(!*refused || err == JET_errReadVerifyFailure);
    HOLDS(*refused ? check_failed(s, FULL_NEW, &before) : check_succeeded(s, FULL_NEW, s->durable));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void damaged_page__fails_the_backup_and_leaves_nothing(void) {
    struct place p;
    size_t bytes;
    unsigned refused = 0, attached = 0;
    place_begin(&p);
    disk_get(p.script.a.path, &bytes);
    uint32_t pages = (uint32_t)(bytes / PAGE) - 2;
    for (uint32_t pgno = 1; pgno <= pages; pgno++) {
        struct script s;
        bool was_attached, was_refused;
        bool good = try_damaged_page(&p, &s, pgno, &was_attached, &was_refused);
        script_drop(&s);
        attached += was_attached;
        refused += was_refused;
        if (!good)
            printf("\n    page %u\n", pgno);
        CU_ASSERT_TRUE_FATAL(good);
    }
    CU_ASSERT_TRUE(refused > pages / 2);
    CU_ASSERT_EQUAL(refused, attached);
    printf("%u of %u pages refused, with %u the database could not be attached ", refused, pages, pages - attached);
    place_end(&p);
}

static bool page_is_good(const uint8_t *file, uint32_t pgno) {
    uint8_t page[PAGE];
    memcpy(page, file + (pgno + 1) * PAGE, PAGE);
    enum page_verdict verdict = page_sum_check(page, PAGE, pgno, false);
    return verdict == PAGE_GOOD || verdict == PAGE_BLANK;
}

static bool try_flipped_bit(struct place *p, struct script *s, uint32_t pgno, unsigned *corrected) {
    JET_DBINFOMISC3 before, after;
    char path[64];
    *s = p->script;
    disk_load(p->image);
    disk_flip(s->a.path, (pgno + 1) * PAGE + 100 + pgno, 1u << pgno % 8);
    SUCCEEDS(script_start_all(s));
    SUCCEEDS(JetGetDatabaseInfo(s->session, s->a.dbid, &before, sizeof before, JET_DbInfoMisc));
    SUCCEEDS(JetBackupInstance(s->instance, kinds[FULL_NEW].set, 0, NULL));
    SUCCEEDS(JetGetDatabaseInfo(s->session, s->a.dbid, &after, sizeof after, JET_DbInfoMisc));
    *corrected = after.ulECCFixSuccess - before.ulECCFixSuccess;
    HOLDS(after.ulECCFixSuccess > 0);
    snprintf(path, sizeof path, "%s/a.edb", kinds[FULL_NEW].set);
    const uint8_t *copy = disk_get(path, NULL);
    HOLDS(page_is_good(copy, pgno));
    HOLDS(check_succeeded(s, FULL_NEW, s->durable));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void flipped_bit__is_corrected_in_the_copy_and_counted(void) {
    struct place p;
    size_t bytes;
    unsigned tried = 0;
    place_begin(&p);
    const uint8_t *file = disk_get(p.script.a.path, &bytes);
    bool used[4096] = {false};
    uint32_t pages = (uint32_t)(bytes / PAGE) - 2;
    for (uint32_t pgno = 1; pgno <= pages && pgno < 4096; pgno++)
        used[pgno] = load64(file + (pgno + 1) * PAGE) != 0;
    for (uint32_t pgno = 1; pgno <= pages && pgno < 4096; pgno++) {
        struct script s;
        unsigned corrected = 0;
        if (!used[pgno])
            continue;
        bool good = try_flipped_bit(&p, &s, pgno, &corrected);
        script_drop(&s);
        tried++;
        if (!good)
            printf("\n    page %u, %u corrected\n", pgno, corrected);
        CU_ASSERT_TRUE_FATAL(good);
    }
    printf("%u pages ", tried);
    place_end(&p);
}

static const char *live_log(lggen_t gen) {
    static char path[OS_PATH_MAX];
    struct log_dir dir = {.path = DIR "/system", .base = "edb"};
    CHECK_OK(log_path_archive(&dir, gen, path));
    return path;
}

enum log_damage { LOG_HEADER, LOG_FRAMES, LOG_SHORT, LOG_OTHER, LOG_GONE, LOG_DAMAGES };

static void damage_log(enum log_damage damage, lggen_t gen) {
    switch (damage) {
    case LOG_HEADER:
        disk_flip(live_log(gen), 50, 1);
        break;
    case LOG_FRAMES:
        disk_flip(live_log(gen), 4096 + 40, 1);
        break;
    case LOG_SHORT:
        disk_cut(live_log(gen), 5000);
        break;
    case LOG_OTHER: {
        char other[OS_PATH_MAX];
        snprintf(other, sizeof other, "%s", live_log(gen + 1));
        disk_copy(other, live_log(gen));
        break;
    }
    default:
        disk_delete(live_log(gen));
    }
}

/* The generation is one that both kinds of backup want, and the lowest or not the lowest. */
static bool try_damaged_log(struct place *p, struct script *s, enum kind kind, enum log_damage damage, bool lowest) {
    struct before before;
    HOLDS(begin_try(p, s, kind, &before));
    SUCCEEDS(script_run(s, 70));
    struct set set;
    SUCCEEDS(set_find(kinds[ATOMIC].set, &set));
    lggen_t gen = kind == INCREMENTAL || kind == ATOMIC_INCREMENTAL ? set.high + 1 : lowest_log();
    set_done(&set);
    gen += !lowest;
    damage_log(damage, gen);
    before.logs_low = lowest_log();
    JET_ERR err = JetBackupInstance(s->instance, kinds[kind].set, kinds[kind].grbit, NULL);
    HOLDS(err < JET_errSuccess);
    if (damage == LOG_GONE)
        HOLDS(err == JET_errMissingFileToBackup || (lowest && err == JET_errInvalidLogSequence));
    else
        HOLDS(err == JET_errLogReadVerifyFailure || (lowest && damage != LOG_FRAMES && err == JET_errInvalidBackup) ||
              (lowest && (err == JET_errLogFileCorrupt || err == JET_errLogFileSizeMismatch)));
    HOLDS(check_failed(s, kind, &before));
    SUCCEEDS(script_run(s, s->started + 2));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

static void damaged_log_file__fails_the_backup_and_leaves_nothing(void) {
    static const enum kind tried[] = {ATOMIC_INCREMENTAL};
    struct place p;
    place_begin(&p);
    for (unsigned k = 0; k < sizeof tried / sizeof *tried; k++)
        for (enum log_damage damage = 0; damage < LOG_DAMAGES; damage++)
            for (int lowest = 0; lowest < 2; lowest++) {
                struct script s;
                bool good = try_damaged_log(&p, &s, tried[k], damage, lowest);
                script_drop(&s);
                if (!good)
                    printf("\n    kind %d, damage %d, lowest %d\n", tried[k], damage, lowest);
                CU_ASSERT_TRUE_FATAL(good);
            }
    place_end(&p);
}

TEST_MAIN(TEST(full_backup__any_call_that_fails_leaves_nothing),
          TEST(full_backup__any_call_that_fails_leaves_an_empty_directory),
          TEST(atomic_backup__any_call_that_fails_leaves_nothing),
          TEST(atomic_backup__any_call_that_fails_leaves_the_set_before),
          TEST(incremental_backup__any_call_that_fails_leaves_the_set_as_it_was),
          TEST(atomic_incremental_backup__any_call_that_fails_leaves_the_set_as_it_was),
          TEST(power_cut__during_a_backup_leaves_a_whole_set_or_none),
          TEST(callback__that_fails_at_any_step_ends_the_backup_and_leaves_nothing),
          TEST(term__stops_a_backup_at_any_step_and_leaves_nothing),
          TEST(damaged_page__fails_the_backup_and_leaves_nothing),
          TEST(flipped_bit__is_corrected_in_the_copy_and_counted),
          TEST(damaged_log_file__fails_the_backup_and_leaves_nothing))
