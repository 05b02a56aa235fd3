/* Restore as a caller sees it: to a generation, under other names, with the instance's own log files before, in and
 * behind the set, external restore, and every refusal of the arguments. On the simulated disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/trailer.h"
#include "base/clock.h"
#include "base/os.h"
#include "engine/dbheader.h"
#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

/* ---- a set of a full and two incremental backups; how far the script was at the end of each ---- */

struct place {
    struct script live; /* stopped clean after AT_END transactions */
    lggen_t ends[3];    /* last generation of each backup */
    struct disk_image *image;
};
enum { AT_FULL = 6, AT_FIRST = 14, AT_SECOND = 22, AT_END = 110 };

static lggen_t last_in_set(void) {
    struct log_dir dir = {.path = "/set", .base = "edb"};
    struct log_range range;
    CHECK_OK(log_dir_scan(&dir, &range));
    return range.high;
}

/* Transactions may be lazy: everything is durable with the roll of the log that a backup does. */
static void make_set(struct place *p, const char *dir) {
    static const struct {
        uint32_t at;
        JET_GRBIT grbit;
    } steps[] = {{AT_FULL, 0}, {AT_FIRST, JET_bitBackupIncremental}, {AT_SECOND, JET_bitBackupIncremental}};
    struct script *s = &p->live;
    script_init(s, test_random(), dir);
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(script_run(s, steps[i].at));
        CHECK_OK(JetBackupInstance(s->instance, "/set", steps[i].grbit, NULL));
        p->ends[i] = last_in_set();
    }
    CHECK_OK(script_run(s, AT_END));
    CHECK_OK(script_stop(s, 0));
    s->durable = s->started = AT_END;
}

static void place_begin(struct place *p) {
    disk_install(test_random());
    make_set(p, "/live");
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

static struct script at(const struct script *of, const char *dir, uint32_t n) {
    struct script s;
    script_init(&s, of->seed, dir);
    s.durable = s.started = n;
    return s;
}

static JET_ERR restore2(struct script *s, const char *dest, const JET_RSTINFO *info, bool delete_others) {
    JET_ERR err = script_instance(s);
    if (err < JET_errSuccess)
        return err;
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramDeleteOutOfRangeLogs, delete_others, NULL));
    err = JetRestoreInstance2(s->instance, "/set", dest, info, 0);
    JET_ERR ended = JetTerm(s->instance);
    return err < JET_errSuccess ? err : ended;
}

static JET_ERR restore_until(struct script *s, const char *dest, lggen_t gen, bool delete_others) {
    JET_RSTINFO info = {.cbStruct = sizeof info, .lgposStop.lGeneration = (int32_t)gen};
    return restore2(s, dest, &info, delete_others);
}

static void check_state(struct script *s) {
    CHECK_OK(script_start_all(s));
    CU_ASSERT_TRUE_FATAL(script_check(s));
    CHECK_OK(script_stop(s, 0));
}

/* ---- to a generation ---- */

static void until_each_link__gives_the_state_at_its_end_and_the_log_goes_on(void) {
    static const uint32_t states[] = {AT_FULL, AT_FIRST, AT_SECOND};
    struct place p;
    place_begin(&p);
    for (unsigned i = 0; i < 3; i++) {
        struct script s = at(&p.live, "/new", states[i]);
        disk_load(p.image);
        CHECK_OK(restore_until(&s, "/new/data", p.ends[i], false));
        CHECK_OK(restore_until(&s, "/new/data", p.ends[i], false)); /* again: there is a log now, without a commit */
        CHECK_OK(script_start_all(&s));
        CU_ASSERT_TRUE_FATAL(script_check(&s));
        CHECK_OK(script_run(&s, AT_END)); /* another history, which is the instance's now */
        CHECK_OK(JetBackupInstance(s.instance, "/set2", 0, NULL));
        CU_ASSERT_TRUE_FATAL(script_check(&s));
        CHECK_ERR(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL),
                  i == 2 ? 0 : JET_errInvalidBackup);
        CHECK_OK(script_stop(&s, 0));
        check_state(&s);
    }
    place_end(&p);
}

static JET_LOGTIME created(const char *dir_path, lggen_t gen) {
    struct log_dir dir = {.base = "edb"};
    char path[OS_PATH_MAX];
    struct log_header *header = calloc(1, sizeof *header);
    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    snprintf(dir.path, sizeof dir.path, "%s", dir_path);
    CHECK_OK(log_path_archive(&dir, gen, path));
    CHECK_OK(log_header_read(path, header));
    JET_LOGTIME time = header->created;
    free(header);
    return time;
}

/* To the end of the last log file that was created by then. */
static void until_time__of_each_link_gives_at_least_its_state(void) {
    static const uint32_t states[] = {AT_FULL, AT_FIRST, AT_SECOND};
    struct place p;
    place_begin(&p);
    for (unsigned i = 0; i < 3; i++) {
        JET_RSTINFO info = {.cbStruct = sizeof info, .logtimeStop = created("/set", p.ends[i])};
        lggen_t last = p.ends[i];
        for (JET_LOGTIME next; last < p.ends[2]; last++) { /* created in the same millisecond */
            next = created("/set", last + 1);
            if (clock_logtime_ms(&next) > clock_logtime_ms(&info.logtimeStop))
                break;
        }
        struct script s = at(&p.live, "/new", states[i]);
        if (last != p.ends[i])
            s.started = AT_SECOND;
        disk_load(p.image);
        CHECK_OK(restore2(&s, "/new/data", &info, false));
        CHECK_OK(script_start_all(&s));
        CU_ASSERT_TRUE_FATAL(script_check(&s));
        CHECK_OK(script_stop(&s, 0));
    }
    JET_RSTINFO early = {.cbStruct = sizeof early, .logtimeStop = created("/set", 1)};
    early.logtimeStop.bYear--;
    struct script s = at(&p.live, "/new", AT_FULL);
    disk_load(p.image);
    CHECK_ERR(restore2(&s, "/new/data", &early, false), JET_errEndingRestoreLogTooLow);
    early.logtimeStop.bYear = (char)(early.logtimeStop.bYear + 2);
    s = at(&p.live, "/new", AT_SECOND);
    CHECK_OK(restore2(&s, "/new/data", &early, false));
    check_state(&s);
    place_end(&p);
}

static void until__within_the_log_of_the_instance(void) {
    struct place p;
    struct log_dir dir = {.path = "/live/system", .base = "edb"};
    struct log_range range;
    place_begin(&p);
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT_TRUE_FATAL(range.current > p.ends[2] + 1);
    for (lggen_t gen = p.ends[2] + 1; gen < range.current; gen++) {
        struct script s = at(&p.live, "/live", AT_SECOND);
        s.started = AT_END;
        disk_load(p.image);
        CHECK_ERR(restore_until(&s, NULL, gen, false), JET_errExistingLogFileIsNotContiguous);
        CHECK_OK(restore_until(&s, NULL, gen, true));
        check_state(&s);
        CU_ASSERT_TRUE(s.started >= AT_SECOND && s.started <= AT_END);
    }
    disk_load(p.image);
    struct script s = at(&p.live, "/live", AT_END);
    CHECK_OK(restore_until(&s, NULL, range.current, false)); /* there is nothing behind it */
    check_state(&s);
    CHECK_ERR(restore_until(&s, NULL, 1000, true), JET_errMissingCurrentLogFiles);
    place_end(&p);
}

static void until__before_the_end_of_the_copies_is_refused(void) {
    struct place p;
    place_begin(&p);
    struct script s = at(&p.live, "/new", AT_FULL);
    uint64_t disk = disk_digest("/live");
    for (lggen_t gen = 1; gen < p.ends[0]; gen++)
        CHECK_ERR(restore_until(&s, "/new/data", gen, true), JET_errEndingRestoreLogTooLow);
    CHECK_ERR(restore_until(&s, "/new/data", p.ends[2] + 1, true), JET_errMissingCurrentLogFiles);
    CU_ASSERT_FALSE(disk_exists("/new/data/a.edb"));
    s = at(&p.live, "/live", AT_FULL);
    CHECK_ERR(restore_until(&s, NULL, p.ends[0], false), JET_errExistingLogFileIsNotContiguous);
    CU_ASSERT_EQUAL(disk_digest("/live"), disk);
    CHECK_OK(restore_until(&s, NULL, p.ends[0], true));
    check_state(&s);
    place_end(&p);
}

/* ---- names, size, several databases ---- */

static void map__puts_each_database_where_it_says(void) {
    struct place p;
    place_begin(&p);
    struct script s = at(&p.live, "/new", AT_SECOND);
    char a[] = "/live/data/a.edb", to[] = "/new/other/x.edb", none[] = "/live/data/c.edb";
    JET_RSTMAP map[] = {{a, to}, {none, a}};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = map, .crstmap = 1};
    size_t bytes, original;
    CHECK_OK(restore2(&s, "/new/data", &info, false));
    CU_ASSERT_FALSE(disk_exists("/new/data/a.edb"));
    snprintf(s.a.path, sizeof s.a.path, "%s", to);
    disk_get("/live/data/b.edb", &original);
    disk_get("/new/data/b.edb", &bytes);
    CU_ASSERT_TRUE(bytes <= original); /* no trailer is left */
    check_state(&s);
    info.crstmap = 2;
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errDatabaseNotFound);
    map[1].szDatabaseName = a;
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errInvalidParameter);
    map[1].szNewDatabaseName = NULL;
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errDatabaseInvalidName);
    info.crstmap = -1;
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errInvalidParameter);
    info = (JET_RSTINFO){.cbStruct = sizeof info - 1};
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errInvalidParameter);
    info = (JET_RSTINFO){.cbStruct = sizeof info, .lgposStop = {.lGeneration = 3, .isec = 1}};
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errInvalidParameter);
    info = (JET_RSTINFO){.cbStruct = sizeof info, .logtimeStop.bYear = 1};
    CHECK_ERR(restore2(&s, "/new/data", &info, false), JET_errInvalidParameter);
    place_end(&p);
}

static void alternate_path__is_where_a_restore_without_destination_goes(void) {
    struct place p;
    place_begin(&p);
    struct script s = at(&p.live, "/new", AT_SECOND);
    uint64_t live = disk_digest("/live");
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetSetSystemParameter(&s.instance, 0, JET_paramAlternateDatabaseRecoveryPath, 0, "/new/data"));
    CHECK_OK(JetRestoreInstance(s.instance, "/set", NULL, NULL));
    CHECK_OK(JetTerm(s.instance));
    CU_ASSERT_EQUAL(disk_digest("/live"), live);
    check_state(&s);
    place_end(&p);
}

/* ---- the instance's own log files ---- */

static void current_path(char out[OS_PATH_MAX], const char *dir, lggen_t gen) {
    struct log_dir log = {.base = "edb"};
    snprintf(log.path, sizeof log.path, "%s", dir);
    CHECK_OK(gen ? log_path_archive(&log, gen, out) : log_path_current(&log, out));
}

static void own_logs_that_do_not_follow__are_an_error_or_go(void) {
    struct place p;
    char path[OS_PATH_MAX];
    place_begin(&p);
    struct script s = at(&p.live, "/live", AT_SECOND);
    current_path(path, "/live/system", p.ends[2] + 1);
    disk_delete(path);
    CHECK_ERR(restore_until(&s, NULL, 0, false), JET_errMissingCurrentLogFiles);
    CHECK_OK(restore_until(&s, NULL, 0, true));
    check_state(&s);

    disk_load(p.image); /* an instance that went another way from the first link on */
    s = at(&p.live, "/live", AT_FIRST);
    CHECK_OK(restore_until(&s, NULL, p.ends[1], true));
    CHECK_OK(script_start_all(&s));
    CHECK_OK(script_run(&s, AT_END + 10));
    CHECK_OK(script_stop(&s, 0));
    s = at(&p.live, "/live", AT_SECOND);
    CHECK_ERR(restore_until(&s, NULL, 0, false), JET_errExistingLogFileIsNotContiguous);
    CHECK_OK(restore_until(&s, NULL, 0, true));
    check_state(&s);
    place_end(&p);
}

static void own_log_of_another_stream__is_never_deleted(void) {
    struct place p;
    struct script other;
    disk_install(test_random());
    script_init(&other, 1, "/other");
    CHECK_OK(script_start(&other));
    CHECK_OK(script_stop(&other, 0));
    make_set(&p, "/live");
    struct script s = at(&p.live, "/other", AT_SECOND);
    uint64_t before = disk_digest("/other");
    CHECK_ERR(restore_until(&s, "/other/data", 0, true), JET_errExistingLogFileHasBadSignature);
    CHECK_ERR(restore_until(&s, "/other/data", p.ends[0], true), JET_errExistingLogFileHasBadSignature);
    CU_ASSERT_EQUAL(disk_digest("/other"), before);
    disk_done();
}

static void missing_directory__is_refused_before_anything_is_written(void) {
    struct place p;
    place_begin(&p);
    struct script s = at(&p.live, "/new", AT_SECOND);
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetSetSystemParameter(&s.instance, 0, JET_paramCreatePathIfNotExist, 0, NULL));
    disk_make_dir("/dest");
    CHECK_ERR(JetRestoreInstance(s.instance, "/set", "/dest", NULL), JET_errInvalidSystemPath);
    CU_ASSERT_FALSE(disk_exists("/dest/a.edb"));
    CHECK_ERR(JetRestoreInstance(s.instance, "", "/dest", NULL), JET_errInvalidPath);
    CHECK_ERR(JetRestoreInstance(s.instance, "/nothing", "/dest", NULL), JET_errFileNotFound);
    CHECK_ERR(JetRestoreInstance2(s.instance, "/set", "/dest", NULL, 1), JET_errInvalidGrbit);
    CHECK_OK(JetTerm(s.instance));
    place_end(&p);
}

/* ---- JetRestore ---- */

static void jet_restore__works_for_an_engine_without_instances(void) {
    struct place p;
    JET_INSTANCE instance = 0;
    place_begin(&p);
    struct script s = at(&p.live, "/live", AT_END);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFilePath, 0, "/live/system"));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, "/live/system"));
    CHECK_OK(JetRestore("/set", NULL));
    check_state(&s);
    disk_load(p.image);
    disk_make_dir("/new");
    disk_make_dir("/new/data");
    CHECK_OK(JetRestore2("/set", "/new/data", NULL));
    CHECK_ERR(JetRestore2(NULL, "/new/data", NULL), JET_errInvalidPath);
    CHECK_OK(JetCreateInstance(&instance, "other"));
    CHECK_ERR(JetRestore("/set", NULL), JET_errRunningInMultiInstanceMode);
    CHECK_OK(JetTerm(instance));
    instance = 0;
    CHECK_OK(JetInit(&instance));
    CHECK_ERR(JetRestore("/set", NULL), JET_errAfterInitialization);
    CHECK_OK(JetTerm(instance));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFilePath, 0, ""));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, ""));
    place_end(&p);
}

/* ---- external restore: what its client copies before ---- */

static char a_from[] = "/live/data/a.edb", a_to[] = "/ext/a.edb", b_from[] = "/live/data/b.edb", b_to[] = "/ext/b.edb";
static JET_RSTMAP both[] = {{a_from, a_to}, {b_from, b_to}};

static void put_files(void) {
    disk_copy("/set/a.edb", a_to);
    disk_copy("/set/b.edb", b_to);
    disk_make_dir("/log");
}

static JET_ERR external(const char *log, JET_RSTMAP *map, int32_t count, const char *logs, lggen_t low, lggen_t high) {
    return JetExternalRestore((char *)(uintptr_t)log, (char *)(uintptr_t)log, map, count, (char *)(uintptr_t)logs,
                              (int32_t)low, (int32_t)high, NULL);
}

/* The databases can be attached to any instance. */
static void check_external(const struct place *p, uint32_t n) {
    struct script s = at(&p->live, "/reader", n);
    snprintf(s.a.path, sizeof s.a.path, "%s", a_to);
    snprintf(s.b.path, sizeof s.b.path, "%s", b_to);
    check_state(&s);
}

static unsigned heard; /* bit 0: a restore began, bit 1: it ended */

static void JET_API hear(const JET_EVENTINFO *event, void *context) {
    (void)context;
    heard |= event->idEvent == 204 ? 1u : event->idEvent == 205 ? 2u : 0u;
}

static void external_restore__brings_databases_up_to_date_where_they_are(void) {
    struct place p;
    size_t before, after;
    place_begin(&p);
    uint64_t live = disk_digest("/live"), set = disk_digest("/set");
    put_files();
    disk_get(a_to, &before);
    CHECK_OK(JetSetEventCallback(0, hear, NULL));
    CHECK_OK(external("/log", both, 2, "/set", 0, 0));
    CHECK_OK(JetSetEventCallback(0, NULL, NULL));
    CU_ASSERT_EQUAL(heard, 3);
    disk_get(a_to, &after);
    CU_ASSERT_TRUE(after >= before - 4096);
    CU_ASSERT_TRUE(disk_digest("/live") == live && disk_digest("/set") == set);
    check_external(&p, AT_SECOND);

    disk_load(p.image); /* fewer log files, known by signature alone, the log beside them */
    put_files();
    both[0].szDatabaseName = both[1].szDatabaseName = NULL;
    CHECK_OK(external("/set", both, 2, "/set", 0, p.ends[2]));
    check_external(&p, AT_SECOND);
    disk_load(p.image);
    put_files();
    CHECK_OK(external("/log", both, 2, "/set", 0, p.ends[1]));
    check_external(&p, AT_FIRST);
    both[0].szDatabaseName = a_from;
    both[1].szDatabaseName = b_from;
    place_end(&p);
}

static void external_restore__goes_on_with_later_log_files(void) {
    struct place p;
    place_begin(&p);
    put_files();
    disk_delete("/log");
    CHECK_OK(external("/live/system", both, 2, "/set", 0, 0));
    check_external(&p, AT_END);
    place_end(&p);
}

static void external_restore__of_one_database_leaves_the_other_alone(void) {
    struct place p;
    place_begin(&p);
    put_files();
    uint64_t b = disk_digest(b_to);
    CHECK_OK(external("/log", both, 1, "/set", 0, 0));
    CU_ASSERT_EQUAL(disk_digest(b_to), b);
    CHECK_ERR(external("/log", both, 2, "/set", 0, 0), JET_errRestoreOfNonBackupDatabase); /* a is finished */
    CHECK_OK(external("/log", both + 1, 1, "/set", 0, 0));
    check_external(&p, AT_SECOND);
    place_end(&p);
}

static void external_restore__refuses_and_changes_nothing(void) {
    static const struct {
        const char *what, *damage;
        lggen_t low, high;
        JET_ERR expected;
    } cases[] = {
        {"low above high", "", 3, 2, JET_errInvalidParameter},
        {"low too high", "", 2, 0, JET_errStartingRestoreLogTooHigh},
        {"high too low", "", 0, 1, JET_errEndingRestoreLogTooLow},
        {"a missing generation", "log", 0, 0, JET_errMissingRestoreLogFiles},
        {"a generation beyond", "", 0, 1000, JET_errMissingRestoreLogFiles},
        {"a missing database", "gone", 0, 0, JET_errFileNotFound},
        {"no header", "header", 0, 0, JET_errDatabaseCorrupted},
        {"no trailer", "cut", 0, 0, JET_errBadPatchPage},
        {"a damaged trailer", "trailer", 0, 0, JET_errBadPatchPage},
        {"the trailer of another copy", "mixed", 0, 0, JET_errDatabasePatchFileMismatch},
        {"a database in use", "live", 0, 0, JET_errRestoreOfNonBackupDatabase},
        {"a part of a page", "odd", 0, 0, JET_errBadBackupDatabaseSize},
    };
    struct place p;
    char path[OS_PATH_MAX];
    place_begin(&p);
    put_files();
    struct disk_image *image = disk_save();
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *damage = cases[i].damage;
        size_t bytes;
        disk_load(image);
        disk_get(b_to, &bytes);
        current_path(path, "/set", p.ends[1]);
        if (strcmp(damage, "log") == 0)
            disk_delete(path);
        else if (strcmp(damage, "gone") == 0)
            disk_delete(b_to);
        else if (strcmp(damage, "header") == 0)
            disk_flip(b_to, 0, 1), disk_flip(b_to, 4096, 1);
        else if (strcmp(damage, "cut") == 0)
            disk_cut(b_to, bytes - 4096);
        else if (strcmp(damage, "trailer") == 0)
            disk_flip(b_to, bytes - 4096 + 50, 1);
        else if (strcmp(damage, "live") == 0)
            disk_copy("/live/data/b.edb", b_to);
        else if (strcmp(damage, "odd") == 0)
            disk_cut(b_to, bytes + 100);
        else if (strcmp(damage, "mixed") == 0) {
            size_t a_bytes;
            uint8_t *mixed = malloc(bytes);
            memcpy(mixed, disk_get(b_to, &bytes), bytes);
            memcpy(mixed + bytes - 4096, disk_get(a_to, &a_bytes) + a_bytes - 4096, 4096);
            disk_put(b_to, mixed, bytes);
            free(mixed);
        }
        uint64_t before = disk_digest("/ext");
        JET_ERR err = external("/log", both, 2, "/set", cases[i].low, cases[i].high);
        if (err != cases[i].expected)
            printf("\n    %s: %s\n", cases[i].what, err_name(err));
        CU_ASSERT_EQUAL(err, cases[i].expected);
        CU_ASSERT_EQUAL(disk_digest("/ext"), before);
    }
    disk_load(image);
    CHECK_ERR(external("/log", both, 0, "/set", 0, 0), JET_errInvalidParameter);
    CHECK_ERR(external("/log", both, 15, "/set", 0, 0), JET_errInvalidParameter);
    CHECK_ERR(external("/log", NULL, 1, "/set", 0, 0), JET_errInvalidParameter);
    CHECK_ERR(external("/nowhere", both, 2, "/set", 0, 0), JET_errInvalidPath);
    CHECK_ERR(external("/log", both, 2, "/nowhere", 0, 0), JET_errInvalidPath);
    CHECK_ERR(external("/log", both, 2, "/ext", 0, 0), JET_errFileNotFound);
    JET_RSTMAP twice[] = {{NULL, a_to}, {NULL, b_to}}, nameless[] = {{a_from, NULL}};
    disk_copy(a_to, b_to);
    CHECK_ERR(external("/log", twice, 2, "/set", 0, 0), JET_errDatabaseSignInUse);
    CHECK_ERR(external("/log", nameless, 1, "/set", 0, 0), JET_errDatabaseInvalidName);
    disk_image_free(image);
    place_end(&p);
}

/* The copy of a database of which the log files never speak. */
static void log_files_that_do_not_name_a_database__are_an_error_and_it_stays_unattachable(void) {
    struct place p;
    struct os_file *file;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    uint8_t *page = calloc(1, PAGE_SIZE_MAX);
    JET_SESID session;
    uint64_t bytes;
    place_begin(&p);
    put_files();
    CHECK_OK(os_open(b_to, OS_WRITE, &file));
    CHECK_OK(dbheader_read(file, header, NULL));
    header->sign_db.random = to_le32(le32(header->sign_db.random) + 1);
    CHECK_OK(dbheader_write(file, header));
    CHECK_OK(os_size(file, &bytes));
    trailer_make(page, 4096, header, p.ends[0]);
    CHECK_OK(os_write(file, bytes - 4096, page, 4096));
    os_close(file);
    CHECK_ERR(external("/log", both + 1, 1, "/set", 0, 0), JET_errAttachedDatabaseMismatch);
    struct script s = at(&p.live, "/reader", 0);
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetInit(&s.instance));
    CHECK_OK(JetBeginSession(s.instance, &session, NULL, NULL));
    CHECK_ERR(JetAttachDatabase(session, b_to, 0), JET_errSoftRecoveryOnBackupDatabase);
    CHECK_OK(JetTerm(s.instance));
    free(page);
    free(header);
    place_end(&p);
}

static void external_restore2__names_and_targets(void) {
    struct place p;
    JET_LOGINFO info = {.cbSize = sizeof info, .szBaseName = "edb"};
    JET_INSTANCE instance = 0;
    char log[] = "/log", set[] = "/set", target[] = "/live/system";
    place_begin(&p);
    put_files();
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, NULL, NULL, NULL, NULL, NULL), JET_errInvalidParameter);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, target, NULL, NULL), JET_errInvalidParameter);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, NULL, target, NULL), JET_errInvalidParameter);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, target, target, target, NULL),
              JET_errInvalidParameter);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, target, NULL, NULL, NULL),
              JET_errBadRestoreTargetInstance);
    memcpy(info.szBaseName, "abc", 4);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, NULL, NULL, NULL), JET_errFileNotFound);
    memcpy(info.szBaseName, "ab", 3);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, NULL, NULL, NULL), JET_errInvalidParameter);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFilePath, 0, "/log"));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, "/log"));
    CHECK_OK(JetInit(&instance)); /* the only one */
    memcpy(info.szBaseName, "edb", 4);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, NULL, NULL, NULL),
              JET_errRunningInOneInstanceMode);
    CHECK_OK(JetTerm(instance));
    disk_delete("/log");
    disk_make_dir("/log");
    info.ulGenLow = 1;
    info.ulGenHigh = p.ends[1];
    CHECK_OK(JetExternalRestore2(log, log, both, 2, set, &info, NULL, NULL, NULL, NULL));
    check_external(&p, AT_FIRST);
    place_end(&p);
}

/* The log of an instance that runs on meanwhile; then its databases are exchanged for those that were restored. */
static void external_restore2__with_the_log_of_a_running_instance(void) {
    struct place p;
    JET_LOGINFO info = {.cbSize = sizeof info, .szBaseName = "edb"};
    char log[] = "/log", set[] = "/set", dir[] = "/live/system/", gone[OS_PATH_MAX];
    place_begin(&p);
    for (unsigned by_name = 0; by_name < 2; by_name++) {
        struct script s = at(&p.live, "/live", AT_END);
        disk_load(p.image);
        put_files();
        uint64_t nothing = disk_digest("/log");
        CHECK_OK(script_start_all(&s));
        CHECK_OK(script_run(&s, AT_END + 5));
        current_path(gone, "/live/system", p.ends[2] + 1);
        disk_move(gone, "/kept");
        CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, s.name, NULL, NULL, NULL),
                  JET_errMissingCurrentLogFiles);
        CU_ASSERT_EQUAL(disk_digest("/log"), nothing); /* so it can be done again */
        disk_move("/kept", gone);
        CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, by_name ? s.name : NULL, by_name ? NULL : dir,
                                      by_name ? NULL : dir, NULL),
                  JET_wrnTargetInstanceRunning);
        CHECK_OK(script_detach(&s, &s.a));
        CHECK_OK(script_detach(&s, &s.b));
        disk_move(a_to, a_from);
        disk_move(b_to, b_from);
        CHECK_OK(script_attach(&s, &s.a));
        CHECK_OK(script_attach(&s, &s.b));
        CU_ASSERT_TRUE(script_check(&s));
        CU_ASSERT_EQUAL(s.durable, AT_END + 5);
        CHECK_OK(script_run(&s, AT_END + 10));
        script_drop(&s);
        check_state(&s);
    }
    place_end(&p);
}

static void external_restore2__of_a_target_that_does_not_run_or_is_another(void) {
    struct place p;
    JET_LOGINFO info = {.cbSize = sizeof info, .szBaseName = "edb"};
    char log[] = "/log", set[] = "/set", target[] = "/live/system", other[] = "/other/system";
    place_begin(&p);
    put_files();
    uint64_t before = disk_digest("/ext");
    struct script s = at(&p.live, "/other", 0);
    CHECK_OK(script_start(&s));
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, other, other, NULL),
              JET_errExistingLogFileHasBadSignature);
    memcpy(info.szBaseName, "abc", 4);
    CHECK_ERR(JetExternalRestore2(log, log, both, 2, set, &info, NULL, other, other, NULL),
              JET_errBadRestoreTargetInstance);
    memcpy(info.szBaseName, "edb", 4);
    CHECK_OK(script_stop(&s, 0));
    CU_ASSERT_EQUAL(disk_digest("/ext"), before);
    CHECK_OK(JetExternalRestore2(log, log, both, 2, set, &info, NULL, target, target, NULL));
    check_external(&p, AT_END);
    place_end(&p);
}

TEST_MAIN(TEST(external_restore2__with_the_log_of_a_running_instance),
          TEST(external_restore2__of_a_target_that_does_not_run_or_is_another),
          TEST(until_each_link__gives_the_state_at_its_end_and_the_log_goes_on),
          TEST(until_time__of_each_link_gives_at_least_its_state), TEST(until__within_the_log_of_the_instance),
          TEST(until__before_the_end_of_the_copies_is_refused), TEST(map__puts_each_database_where_it_says),
          TEST(alternate_path__is_where_a_restore_without_destination_goes),
          TEST(own_logs_that_do_not_follow__are_an_error_or_go), TEST(own_log_of_another_stream__is_never_deleted),
          TEST(missing_directory__is_refused_before_anything_is_written),
          TEST(jet_restore__works_for_an_engine_without_instances),
          TEST(external_restore__brings_databases_up_to_date_where_they_are),
          TEST(external_restore__goes_on_with_later_log_files),
          TEST(external_restore__of_one_database_leaves_the_other_alone),
          TEST(external_restore__refuses_and_changes_nothing),
          TEST(log_files_that_do_not_name_a_database__are_an_error_and_it_stays_unattachable),
          TEST(external_restore2__names_and_targets))
