/* Backups of every kind, truncation, crashes and restores in random order: what a set must hold is known at any time,
 * and transactions run in the middle of each copy. P9 to P13. ESENT_BACKUP_ROUNDS: how many rounds (12). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/set.h"
#include "tests/lib/testexternal.h"

enum { SETS_MAX = 48, LINKS_MAX = 64, STEPS = 40, WORK_MAX = 600 };

/* The end of a backup: restored to this generation, a set holds a moment from low to high transactions. */
struct link {
    lggen_t gen;
    uint32_t low, high;
};

struct set_record {
    char path[64];
    bool external, a, b; /* which databases it has */
    bool follows;        /* of the history that the instance has now */
    unsigned count;
    struct link links[LINKS_MAX];
};

struct world {
    struct script s;
    struct set_record sets[SETS_MAX];
    unsigned count, names;
    bool log_trace;
};

static struct world w;

static bool chance(unsigned in) {
    return test_random_below(in) == 0;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
    va_list args;
    if (!w.log_trace)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- work, also in the middle of a copy ---- */

static void work(uint32_t most) {
    if (w.s.started < WORK_MAX && w.s.a.dbid != JET_dbidNil &&
        (w.s.b.dbid != JET_dbidNil || !w.s.b.durable)) /* both must see all of them */
        CHECK_OK(script_run(&w.s, w.s.started + 1 + (uint32_t)test_random_below(most)));
}

static bool work_in_callback;
static JET_ERR JET_API status(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)data;
    if (work_in_callback && snt == JET_sntProgress && chance(6))
        work(4);
    return JET_errSuccess;
}

/* ---- sets ---- */

static struct set_record *new_set(const char *name, bool external) {
    for (unsigned i = 0; i < w.count; i++) /* it is replaced */
        if (strcmp(w.sets[i].path, name) == 0) {
            w.sets[i].count = 0;
            return &w.sets[i];
        }
    if (w.count == SETS_MAX)
        return NULL;
    struct set_record *set = &w.sets[w.count++];
    memset(set, 0, sizeof *set);
    snprintf(set->path, sizeof set->path, "%s", name);
    set->external = external;
    return set;
}

static void add_link(struct set_record *set, lggen_t gen, uint32_t low, uint32_t high) {
    CU_ASSERT_FATAL(set->count < LINKS_MAX);
    set->links[set->count++] = (struct link){gen, low, high};
    say("    %s: generation %u has %u to %u", set->path, gen, low, high);
}

static struct set_record *any_set(bool external) {
    unsigned at = w.count ? (unsigned)test_random_below(w.count) : 0;
    for (unsigned i = 0; i < w.count; i++) {
        struct set_record *set = &w.sets[(at + i) % w.count];
        if (set->external == external && set->count && set->count < LINKS_MAX)
            return set;
    }
    return NULL;
}

static lggen_t last_of(const char *dir) {
    struct log_dir place = {.base = "edb"};
    struct log_range range = {0};
    static const char *const below[] = {"", "/new", "/old"};
    for (unsigned i = 0; i < 3 && !range.high; i++) {
        snprintf(place.path, sizeof place.path, "%s%s", dir, below[i]);
        JET_ERR err = log_dir_scan(&place, &range);
        if (err < JET_errSuccess)
            range.high = 0;
    }
    return range.high;
}

static void internal_full(void) {
    char name[64];
    const bool atomic = chance(2);
    snprintf(name, sizeof name, atomic ? "/atomic" : "/set%u", w.names++);
    struct set_record *set = new_set(name, false);
    if (!set)
        return;
    const uint32_t low = w.s.started;
    set->count = 0;
    set->a = w.s.a.dbid != JET_dbidNil;
    set->b = w.s.b.dbid != JET_dbidNil;
    set->follows = true;
    say("full to %s at %u", name, low);
    CHECK_OK(JetBackupInstance(w.s.instance, name, atomic ? JET_bitBackupAtomic : 0, status));
    add_link(set, last_of(name), low, w.s.started);
}

static void internal_incremental(void) {
    struct set_record *set = any_set(false);
    if (!set)
        return;
    const uint32_t low = w.s.started;
    const uint64_t digest = disk_digest(set->path);
    const lggen_t last = set->links[set->count - 1].gen, lowest = logs().low;
    JET_ERR err = JetBackupInstance(w.s.instance, set->path, JET_bitBackupIncremental, status);
    say("incremental to %s at %u: %s", set->path, low, err_name(err));
    if (err >= JET_errSuccess) {
        CU_ASSERT(set->follows && !w.s.circular && (!lowest || lowest <= last + 1));
        add_link(set, last_of(set->path), low, w.s.started);
        return;
    }
    CU_ASSERT(err == JET_errInvalidLogSequence || err == JET_errMissingFullBackup || err == JET_errInvalidBackup);
    CU_ASSERT(w.s.circular || err != JET_errInvalidBackup || !set->follows);
    CU_ASSERT_EQUAL(disk_digest(set->path), digest);
}

/* ---- a client ---- */

static void copy_one(const char *path, const char *dir) {
    char to[OS_PATH_MAX];
    JET_HANDLE handle;
    uint32_t bytes, high, got, at = 0;
    CHECK_OK(JetOpenFileInstance(w.s.instance, path, &handle, &bytes, &high));
    uint8_t *copy = malloc(bytes);
    do {
        if (chance(8))
            work(3);
        CHECK_OK(JetReadFileInstance(w.s.instance, handle, chunk, PAGE * (1 + (uint32_t)test_random_below(32)), &got));
        CU_ASSERT_FATAL(got <= bytes - at);
        memcpy(copy + at, chunk, got);
        at += got;
    } while (got);
    CU_ASSERT_EQUAL(at, bytes);
    CHECK_OK(JetCloseFileInstance(w.s.instance, handle));
    snprintf(to, sizeof to, "%s/%s", dir, os_path_name(path));
    disk_put(to, copy, bytes);
    free(copy);
}

static lggen_t client_logs(const char *dir, lggen_t *low) {
    JET_LOGINFO info = {.cbSize = sizeof info};
    char *copy = malloc(LIST_BYTES);
    CHECK_OK(JetGetLogInfoInstance2(w.s.instance, copy, LIST_BYTES, &list_size, &info));
    CU_ASSERT_FATAL(list_size <= LIST_BYTES);
    for (const char *path = copy; *path; path += strlen(path) + 1)
        copy_one(path, dir);
    free(copy);
    *low = info.ulGenLow;
    return info.ulGenHigh;
}

static void client_end(bool truncates) {
    if (truncates)
        CHECK_OK(JetTruncateLogInstance(w.s.instance));
    if (chance(4))
        work(3);
    CHECK_OK(JetEndExternalBackupInstance2(w.s.instance, JET_bitBackupEndNormal));
}

static void external_full(void) {
    char name[64];
    snprintf(name, sizeof name, "/ext%u", w.names++);
    struct set_record *set = new_set(name, true);
    if (!set)
        return;
    const bool truncates = chance(2);
    lggen_t low;
    set->follows = true;
    CHECK_OK(JetBeginExternalBackupInstance(w.s.instance, 0));
    if (w.s.a.dbid != JET_dbidNil && !chance(5)) {
        copy_one(w.s.a.path, name);
        set->a = true;
    }
    if (w.s.b.dbid != JET_dbidNil && !chance(5)) {
        copy_one(w.s.b.path, name);
        set->b = true;
    }
    work(2);
    CHECK_OK(JetGetLogInfoInstance(w.s.instance, NULL, 0, &list_size)); /* the roll */
    const uint32_t at = w.s.started;
    lggen_t high = client_logs(name, &low);
    say("external full of%s%s to %s at %u%s", set->a ? " a" : "", set->b ? " b" : "", name, at,
        truncates ? ", truncates" : "");
    client_end(truncates);
    if (set->a || set->b)
        add_link(set, high, at, at);
}

static void external_incremental(void) {
    const bool truncates = chance(2);
    char name[64];
    lggen_t low, high;
    JET_ERR err = JetBeginExternalBackupInstance(w.s.instance, JET_bitBackupIncremental);
    if (err < JET_errSuccess) {
        CU_ASSERT(err == (w.s.circular ? JET_errInvalidBackup : JET_errMissingFullBackup));
        return;
    }
    err = JetGetLogInfoInstance(w.s.instance, NULL, 0, &list_size);
    if (err < JET_errSuccess) { /* an internal backup has truncated: the databases' stamps are of that one */
        say("external incremental: %s", err_name(err));
        CU_ASSERT_EQUAL(err, JET_errMissingFileToBackup);
        return;
    }
    const uint32_t at = w.s.started;
    snprintf(name, sizeof name, "/inc%u", w.names++);
    high = client_logs(name, &low);
    say("external incremental %u to %u at %u%s", low, high, at, truncates ? ", truncates" : "");
    client_end(truncates);
    for (unsigned i = 0; i < w.count; i++) {
        struct set_record *set = &w.sets[i];
        if (!set->external || !set->count || !set->follows || set->count == LINKS_MAX ||
            set->links[set->count - 1].gen + 1 < low)
            continue;
        for (lggen_t gen = set->links[set->count - 1].gen + 1; gen <= high; gen++) {
            char from[128], to[128];
            snprintf(from, sizeof from, "%s/edb%05X.log", name, (unsigned)gen);
            snprintf(to, sizeof to, "%s/edb%05X.log", set->path, (unsigned)gen);
            disk_copy(from, to);
        }
        add_link(set, high, at, at);
    }
    disk_delete(name);
}

/* ---- restores ---- */

static void check_restored(struct script *s, const struct set_record *set, const struct link *link) {
    s->durable = link->low;
    s->started = link->high;
    CHECK_OK(script_start(s));
    if (set->a)
        CHECK_OK(script_attach(s, &s->a));
    if (set->b)
        CHECK_OK(script_attach(s, &s->b));
    CU_ASSERT_TRUE_FATAL(script_check(s));
    if (chance(3) && set->a) { /* it goes on */
        CHECK_OK(script_run(s, s->started + 3));
        CU_ASSERT_TRUE_FATAL(script_check(s));
    }
    CHECK_OK(script_stop(s, chance(2) ? JET_bitTermDirty : 0));
    disk_delete(s->dir);
}

static void restore_internal(const struct set_record *set) {
    const struct link *link = &set->links[test_random_below(set->count)];
    const bool last = link == &set->links[set->count - 1];
    JET_RSTINFO info = {.cbStruct = sizeof info, .lgposStop.lGeneration = last ? 0 : (int32_t)link->gen};
    struct script s;
    script_init(&s, w.s.seed, "/restored");
    s.wide = w.s.wide;
    say("restore %s until %u", set->path, link->gen);
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetRestoreInstance2(s.instance, set->path, "/restored/data", &info, 0));
    CHECK_OK(JetTerm(s.instance));
    check_restored(&s, set, link);
}

static void restore_external(const struct set_record *set) {
    const struct link *link = &set->links[test_random_below(set->count)];
    struct script s;
    char system[] = "/restored/system", a[] = "/restored/data/a.edb", b[] = "/restored/data/b.edb", from[128],
         logs_at[64];
    JET_RSTMAP map[2] = {{NULL, set->a ? a : b}, {NULL, b}};
    script_init(&s, w.s.seed, "/restored");
    s.wide = w.s.wide;
    say("external restore of %s until %u", set->path, link->gen);
    disk_make_dir(system);
    if (set->a) {
        snprintf(from, sizeof from, "%s/a.edb", set->path);
        disk_copy(from, a);
    }
    if (set->b) {
        snprintf(from, sizeof from, "%s/b.edb", set->path);
        disk_copy(from, b);
    }
    snprintf(logs_at, sizeof logs_at, "%s", set->path);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetExternalRestore(system, system, map, set->a + set->b, logs_at, 0, (int32_t)link->gen, NULL));
    check_restored(&s, set, link);
}

static void restore_elsewhere(void) {
    const bool external = chance(2);
    const struct set_record *set = any_set(external);
    if (set && set->links[0].gen)
        external ? restore_external(set) : restore_internal(set);
}

/* ---- the instance ---- */

static void start_all(void) {
    CHECK_OK(script_start(&w.s));
    CHECK_OK(script_attach(&w.s, &w.s.a));
    if (w.s.b.durable)
        CHECK_OK(script_attach(&w.s, &w.s.b));
    CU_ASSERT_TRUE_FATAL(script_check(&w.s));
}

static void stop_live(void) {
    const bool crash = chance(2);
    CHECK_OK(script_stop(&w.s, crash ? JET_bitTermDirty : 0));
    if (crash && chance(2)) {
        disk_power_off_at(0);
        disk_power_on(DISK_LOSES);
    }
    say("%s; %u to %u", crash ? "crash" : "stop", w.s.durable, w.s.started);
}

static void restart(void) {
    stop_live();
    start_all();
    say("restarted at %u", w.s.started);
}

/* What the set in a directory ends with; 0: there is none. */
static lggen_t end_of_set(const char *dir) {
    struct set set;
    lggen_t high = set_find(dir, &set) >= JET_errSuccess ? set.high : 0;
    set_done(&set);
    return high;
}

/* The power goes in the middle of a backup: its set is what it was, or complete. */
static void cut_off(void) {
    struct set_record *set = any_set(false);
    if (!set || !w.s.a.durable)
        return;
    const bool full = strcmp(set->path, "/atomic") == 0 && chance(2);
    const lggen_t before = set->links[set->count - 1].gen;
    const uint32_t low = w.s.started;
    work_in_callback = false;
    disk_power_off_at(1 + test_random_below(200));
    JET_ERR err =
        JetBackupInstance(w.s.instance, set->path, full ? JET_bitBackupAtomic : JET_bitBackupIncremental, status);
    JET_ERR ended = script_stop(&w.s, JET_bitTermDirty);
    (void)ended;
    if (disk_power_is_off())
        disk_power_on(DISK_LOSES);
    disk_power_off_at(0);
    const lggen_t after = end_of_set(set->path);
    say("%s backup to %s cut off: %s, ends with %u, did with %u", full ? "full" : "incremental", set->path,
        err_name(err), after, before);
    CU_ASSERT_FATAL(after >= before || (full && after && !set->follows));
    CU_ASSERT(err < JET_errSuccess || after != before);
    if (after != before) {
        if (full) {
            set->count = 0;
            set->a = true;
            set->b = w.s.b.durable;
            set->follows = true;
        }
        add_link(set, after, low, w.s.started);
    }
    start_all();
}

/* To the end of the log, or back to a moment of the set, from where another history goes on. */
static void restore_in_place(void) {
    struct set_record *set = any_set(false);
    if (!set || !set->a || set->b != w.s.b.durable || !set->follows)
        return;
    stop_live();
    const struct link *link = &set->links[test_random_below(set->count)];
    const bool back = chance(3);
    JET_RSTINFO info = {.cbStruct = sizeof info, .lgposStop.lGeneration = back ? (int32_t)link->gen : 0};
    const uint64_t before = disk_digest("/d");
    CHECK_OK(script_instance(&w.s));
    CHECK_OK(JetSetSystemParameter(&w.s.instance, 0, JET_paramDeleteOutOfRangeLogs, back, NULL));
    JET_ERR err = JetRestoreInstance2(w.s.instance, set->path, NULL, &info, 0);
    CHECK_OK(JetTerm(w.s.instance));
    say("restore in place of %s%s until %u: %s", set->path, back ? " back" : "", link->gen, err_name(err));
    if (err < JET_errSuccess) {
        CU_ASSERT(err == JET_errMissingCurrentLogFiles || err == JET_errExistingLogFileIsNotContiguous);
        CU_ASSERT_EQUAL(disk_digest("/d"), before);
    } else if (back) {
        w.s.durable = link->low;
        w.s.started = link->high;
        for (unsigned i = 0; i < w.count; i++) {
            unsigned n = w.sets[i].count;
            if (n && w.sets[i].links[n - 1].gen > link->gen)
                w.sets[i].follows = false;
        }
    }
    start_all();
    say("goes on at %u", w.s.started);
}

static void come_and_go(void) {
    struct script_db *db = chance(2) ? &w.s.a : &w.s.b;
    if (!db->durable)
        return;
    CHECK_OK(script_detach(&w.s, db));
    say("detached %s", db->path);
    if (chance(2))
        internal_incremental();
    if (chance(3))
        CHECK_OK(JetBackupInstance(w.s.instance, NULL, 0, NULL));
    if (chance(4))
        external_full();
    CHECK_OK(script_attach(&w.s, db));
    CU_ASSERT_TRUE_FATAL(script_check(&w.s));
}

static void truncate_log(void) {
    say("truncate");
    CHECK_OK(JetBackupInstance(w.s.instance, NULL, 0, NULL));
}

static void step(void) {
    work_in_callback = chance(2);
    switch (test_random_below(15)) {
    case 0:
    case 1:
        internal_full();
        break;
    case 2:
    case 3:
    case 4:
        internal_incremental();
        break;
    case 5:
        external_full();
        break;
    case 6:
    case 7:
        external_incremental();
        break;
    case 8:
        truncate_log();
        break;
    case 9:
        restart();
        break;
    case 10:
        restore_in_place();
        break;
    case 11:
        come_and_go();
        break;
    case 12:
        cut_off();
        break;
    case 13:
        if (!w.s.b.durable)
            CHECK_OK(script_create(&w.s, &w.s.b));
        break;
    default:
        restore_elsewhere();
    }
    work(12);
}

static void play(void) {
    memset(&w, 0, sizeof w);
    w.log_trace = getenv("ESENT_BACKUP_TRACE");
    disk_install(test_random());
    script_init(&w.s, test_random(), "/d");
    w.s.circular = chance(6);
    w.s.wide = chance(4);
    w.s.depth = chance(2) ? 0 : 65536u << test_random_below(4);
    CHECK_OK(script_start(&w.s));
    CHECK_OK(script_create(&w.s, &w.s.a));
    if (chance(2))
        CHECK_OK(script_create(&w.s, &w.s.b));
    work(30);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    CU_ASSERT_TRUE_FATAL(script_check(&w.s));
    CHECK_OK(script_stop(&w.s, 0));
    for (unsigned i = 0; i < w.count; i++)
        if (w.sets[i].count)
            w.sets[i].external ? restore_external(&w.sets[i]) : restore_internal(&w.sets[i]);
    CU_ASSERT_EQUAL(disk_open_files(), 0);
    disk_done();
}

static void backups_of_every_kind__restore_to_what_they_held(void) {
    const char *rounds = getenv("ESENT_BACKUP_ROUNDS");
    const unsigned count = rounds ? (unsigned)atoi(rounds) : 12;
    for (unsigned i = 0; i < count && !CU_get_number_of_tests_failed(); i++)
        play();
}

TEST_MAIN(TEST(backups_of_every_kind__restore_to_what_they_held))
