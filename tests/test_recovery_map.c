/* JetInit3 and the options of recovery: databases that have been moved, a stop before the end of the log, missing
 * databases and log files, progress; and the two parameters that delete log files. On the simulated disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/os.h"
#include "engine/logrec.h"
#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

enum { AT_CRASH = 40 };

static const struct log_dir logs = {.path = "/live/system", .base = "edb"};

struct place {
    struct script s; /* in /live, crashed after AT_CRASH transactions */
    struct disk_image *image;
};

static void place_begin(struct place *p) {
    struct script *s = &p->s;
    disk_install(test_random());
    script_init(s, test_random(), "/live");
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, AT_CRASH));
    CHECK_OK(script_stop(s, JET_bitTermDirty));
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

static struct log_range range_of(void) {
    struct log_range range;
    CHECK_OK(log_dir_scan(&logs, &range));
    return range;
}

/* JetInit3 with the parameter set (0: none), and the end of the instance, if it ran. */
static JET_ERR init3(struct script *s, JET_RSTINFO *info, JET_GRBIT grbit) {
    CHECK_OK(script_instance(s));
    JET_ERR err = JetInit3(&s->instance, info, grbit);
    CHECK_OK(JetTerm(s->instance));
    return err;
}

static void check_all(struct script *s) {
    CHECK_OK(script_start_all(s));
    CU_ASSERT_TRUE_FATAL(script_check(s));
    CHECK_OK(script_stop(s, 0));
}

static void set_paths(struct script *s, const char *a, const char *b) {
    snprintf(s->a.path, sizeof s->a.path, "%s", a);
    snprintf(s->b.path, sizeof s->b.path, "%s", b);
}

/* A file of the disk that outlives disk_load(). */
struct kept {
    char path[OS_PATH_MAX];
    uint8_t *bytes;
    size_t count;
};
static void keep(struct kept *k, const char *path) {
    snprintf(k->path, sizeof k->path, "%s", path);
    const uint8_t *bytes = disk_get(path, &k->count);
    CU_ASSERT_FATAL(bytes != NULL);
    k->bytes = malloc(k->count);
    memcpy(k->bytes, bytes, k->count);
}

/* ---- places ---- */

static void map__finds_databases_that_were_moved(void) {
    struct place p;
    char a[] = "/moved/x.edb", b[] = "/moved/y.edb", old[] = "/live/data/b.edb";
    JET_RSTMAP map[] = {{NULL, a}, {old, b}};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = map, .crstmap = 2};
    place_begin(&p);
    struct script s = p.s;
    disk_make_dir("/moved");
    disk_move("/live/data/a.edb", a);
    disk_move("/live/data/b.edb", b);
    CHECK_ERR(init3(&s, NULL, 0), JET_errAttachedDatabaseMismatch);
    CHECK_OK(init3(&s, &info, 0));
    set_paths(&s, a, b);
    check_all(&s);
    place_end(&p);
}

static void database_that_is_not_in_the_map__is_not_looked_for_unless_asked(void) {
    struct place p;
    char a[] = "/live/data/a.edb";
    JET_RSTMAP map[] = {{NULL, a}};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = map, .crstmap = 1};
    place_begin(&p);
    struct script s = p.s;
    CHECK_OK(init3(&s, &info, JET_bitReplayMissingMapEntryDB));
    check_all(&s);
    disk_load(p.image);
    s = p.s;
    uint64_t b = disk_digest("/live/data/b.edb");
    CHECK_OK(init3(&s, &info, 0));
    CU_ASSERT_EQUAL(disk_digest("/live/data/b.edb"), b);
    CHECK_OK(script_start(&s));
    CHECK_OK(script_attach(&s, &s.a));
    CU_ASSERT_TRUE(script_check(&s));
    CHECK_ERR(JetAttachDatabase(s.session, s.b.path, 0), JET_errDatabaseDirtyShutdown);
    CHECK_OK(script_stop(&s, 0));
    place_end(&p);
}

/* Not to find what the map names is no reason to go on without it. */
static void map__to_another_database_ends_recovery(void) {
    struct place p;
    char a[] = "/live/data/a.edb", b[] = "/live/data/b.edb", other[] = "/other.edb";
    JET_RSTMAP map[] = {{a, a}, {b, other}};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = map, .crstmap = 2};
    place_begin(&p);
    struct script s = p.s;
    struct script o = s; /* a database of another signature */
    script_init(&o, test_random(), "/elsewhere");
    CHECK_OK(script_start(&o));
    CHECK_OK(script_create(&o, &o.a));
    CHECK_OK(script_stop(&o, 0));
    disk_copy(o.a.path, other);
    CHECK_ERR(init3(&s, &info, 0), JET_errBadDbSignature);
    map[1].szNewDatabaseName = b;
    CHECK_OK(init3(&s, &info, 0));
    check_all(&s);
    place_end(&p);
}

static void map__that_cannot_be_right_is_refused(void) {
    struct place p;
    char a[] = "/live/data/a.edb", b[] = "/live/data/b.edb", c[] = "/live/data/c.edb";
    JET_RSTMAP map[] = {{a, c}, {b, c}};
    JET_RSTINFO info = {.cbStruct = sizeof info, .rgrstmap = map, .crstmap = 2};
    place_begin(&p);
    struct script s = p.s;
    uint64_t live = disk_digest("/live");
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter); /* two to one place */
    map[1] = (JET_RSTMAP){a, b};
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter); /* one to two */
    map[1] = (JET_RSTMAP){b, NULL};
    CHECK_ERR(init3(&s, &info, 0), JET_errDatabaseInvalidName);
    map[1].szNewDatabaseName = (char[]){""};
    CHECK_ERR(init3(&s, &info, 0), JET_errDatabaseInvalidName);
    info.rgrstmap = NULL;
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter);
    info.cbStruct = 8;
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter);
    info = (JET_RSTINFO){.cbStruct = sizeof info, .logtimeStop.bMonth = 1};
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter);
    info = (JET_RSTINFO){.cbStruct = sizeof info, .lgposStop.lGeneration = -1};
    CHECK_ERR(init3(&s, &info, 0), JET_errInvalidParameter);
    CHECK_ERR(init3(&s, NULL, JET_bitReplayReplicatedLogFiles), JET_errInvalidGrbit);
    CHECK_ERR(init3(&s, NULL, JET_bitKeepDbAttachedAtEndOfRecovery), JET_errInvalidGrbit);
    CU_ASSERT_EQUAL(disk_digest("/live"), live);
    disk_copy(a, c);
    JET_RSTMAP twice[] = {{NULL, a}, {NULL, c}};
    info = (JET_RSTINFO){.cbStruct = sizeof info, .rgrstmap = twice, .crstmap = 2};
    CHECK_ERR(init3(&s, &info, 0), JET_errDatabaseSignInUse);
    place_end(&p);
}

static void alternate_path__is_where_databases_are_looked_for(void) {
    struct place p;
    place_begin(&p);
    struct script s = p.s;
    disk_make_dir("/moved");
    disk_move("/live/data/a.edb", "/moved/a.edb");
    disk_move("/live/data/b.edb", "/moved/b.edb");
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetSetSystemParameter(&s.instance, 0, JET_paramAlternateDatabaseRecoveryPath, 0, "/moved"));
    CHECK_OK(JetInit(&s.instance));
    CHECK_OK(JetTerm(s.instance));
    set_paths(&s, "/moved/a.edb", "/moved/b.edb");
    check_all(&s);
    place_end(&p);
}

static void missing_database__is_passed_over_when_asked(void) {
    struct place p;
    place_begin(&p);
    struct script s = p.s;
    disk_delete("/live/data/b.edb");
    CHECK_ERR(init3(&s, NULL, 0), JET_errAttachedDatabaseMismatch);
    CHECK_OK(init3(&s, NULL, JET_bitReplayIgnoreMissingDB));
    CHECK_OK(script_start(&s));
    CHECK_OK(script_attach(&s, &s.a));
    CU_ASSERT_TRUE(script_check(&s));
    CHECK_OK(script_stop(&s, 0));
    place_end(&p);
}

/* A row of its own in both databases, by a transaction that is open when the log and all pages are on the disk. */
static void leave_open(struct script *s) {
    struct script_db *dbs[] = {&s->a, &s->b, &s->a};
    CHECK_OK(JetBeginTransaction(s->session));
    for (int32_t i = 0; i < 3; i++) {
        const int32_t id = 1000000 + i;
        CHECK_OK(JetPrepareUpdate(s->session, dbs[i]->table, JET_prepInsert));
        CHECK_OK(JetSetColumn(s->session, dbs[i]->table, dbs[i]->id, &id, sizeof id, 0, NULL));
        CHECK_OK(JetUpdate(s->session, dbs[i]->table, NULL, 0, NULL));
    }
    CHECK_OK(JetStopServiceInstance(s->instance));
}

/* Its open transactions are not rolled back in it: a later recovery that has it must do that. */
static void database_that_was_left_out__is_undone_when_it_is_back(void) {
    struct place p;
    struct kept b;
    place_begin(&p);
    struct script s = p.s;
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE_FATAL(script_check(&s));
    leave_open(&s);
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    keep(&b, s.b.path);
    for (unsigned round = 0; round < 2; round++) {
        disk_delete(s.b.path);
        CHECK_OK(init3(&s, NULL, JET_bitReplayIgnoreMissingDB));
        disk_delete("/live/system/edb.chk"); /* from where b was whole, as a restore */
        disk_put(b.path, b.bytes, b.count);
        if (round == 0)
            CHECK_ERR(init3(&s, NULL, JET_bitRecoveryWithoutUndo), JET_errRecoveredWithoutUndo);
    }
    free(b.bytes);
    check_all(&s);
    place_end(&p);
}

/* ---- stops ---- */

static void stop_anywhere__leaves_what_a_later_start_goes_on_from(void) {
    struct place p;
    place_begin(&p);
    const struct log_range range = range_of();
    CU_ASSERT_TRUE_FATAL(range.current > 2);
    for (unsigned i = 0; i < 24; i++) {
        struct script s = p.s;
        JET_RSTINFO info = {.cbStruct = sizeof info};
        info.lgposStop.lGeneration = (int32_t)(1 + test_random_below(range.current + 1));
        info.lgposStop.isec = (uint16_t)(i % 4 == 0 ? 0xffff : test_random_below(17));
        info.lgposStop.ib = (uint16_t)test_random_below(4096);
        disk_load(p.image);
        CHECK_ERR(init3(&s, &info, 0), JET_errRecoveredWithoutUndo);
        CU_ASSERT_TRUE(disk_open_files() == 0);
        CHECK_ERR(init3(&s, &info, JET_bitRecoveryWithoutUndo), JET_errRecoveredWithoutUndo);
        check_all(&s);
    }
    place_end(&p);
}

/* As a program does that ships log files: to the state of an early crash the later ones are added one by one. */
static void stop_at_a_time__is_before_the_first_log_file_made_later(void) {
    struct place p;
    JET_RSTINFO info = {.cbStruct = sizeof info};
    place_begin(&p);
    struct script s = p.s;
    info.logtimeStop = clock_logtime();
    info.logtimeStop.bYear--;
    CHECK_ERR(init3(&s, &info, 0), JET_errRecoveredWithoutUndo);
    info.logtimeStop.bYear = (char)(info.logtimeStop.bYear + 2);
    CHECK_OK(init3(&s, &info, 0));
    check_all(&s);
    place_end(&p);
}

static void recovery_without_undo__goes_on_as_log_files_are_added(void) {
    enum { LATER = 120, FILES = 100 };
    static struct kept files[FILES];
    unsigned count = 0;
    struct place p;
    char current[OS_PATH_MAX], path[OS_PATH_MAX];
    place_begin(&p);
    const lggen_t first = range_of().current;
    struct script s = p.s;
    CHECK_OK(log_path_current(&logs, current));
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE(script_check(&s));
    CHECK_OK(script_run(&s, LATER));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    const lggen_t last = range_of().current;
    CU_ASSERT_TRUE_FATAL(last > first + 1 && last - first < FILES);
    for (lggen_t gen = first; gen < last; gen++) {
        CHECK_OK(log_path_archive(&logs, gen, path));
        keep(&files[count++], path);
    }
    keep(&files[count++], current);
    disk_load(p.image);
    disk_delete(current);
    for (unsigned i = 0; i < count; i++) {
        disk_put(files[i].path, files[i].bytes, files[i].count);
        free(files[i].bytes);
        if (i + 1 < count)
            CHECK_ERR(init3(&s, NULL, 0), JET_errMissingLogFile);
        CHECK_ERR(init3(&s, NULL, JET_bitRecoveryWithoutUndo), JET_errRecoveredWithoutUndo);
    }
    check_all(&s);
    disk_delete("/live/system");
    CHECK_ERR(init3(&s, NULL, JET_bitRecoveryWithoutUndo), JET_errFileNotFound);
    place_end(&p);
}

static struct {
    unsigned calls, fails_at;
    JET_SNT last;
    uint32_t done;
    bool falls;
} callback;

static JET_ERR JET_API see(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    const JET_SNPROG *progress = data;
    (void)session;
    callback.calls++;
    callback.last = snt;
    callback.falls |= snt == JET_sntProgress && progress->cunitDone < callback.done;
    callback.done = progress->cunitDone;
    return snp == JET_snpRestore && callback.calls != callback.fails_at ? JET_errSuccess : JET_errCallbackFailed;
}

static void callback__that_fails_ends_recovery_which_a_later_start_does_again(void) {
    struct place p;
    JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = see};
    place_begin(&p);
    for (unsigned call = 1;; call++) {
        struct script s = p.s;
        disk_load(p.image);
        memset(&callback, 0, sizeof callback);
        callback.fails_at = call;
        JET_ERR err = init3(&s, &info, 0);
        CU_ASSERT_FALSE(callback.falls);
        if (err >= JET_errSuccess) {
            CU_ASSERT_EQUAL(callback.last, JET_sntComplete);
            CU_ASSERT_TRUE(callback.calls >= 4);
            break;
        }
        CU_ASSERT_EQUAL_FATAL(err, JET_errCallbackFailed);
        CU_ASSERT_EQUAL(callback.last, JET_sntFail);
        check_all(&s);
    }
    place_end(&p);
}

/* ---- log files ---- */

static void lost_current_log__is_ignored_when_asked_unless_a_database_needs_it(void) {
    struct place p;
    char path[OS_PATH_MAX];
    place_begin(&p);
    CHECK_OK(log_path_current(&logs, path));
    struct script s = p.s;
    disk_delete(path);
    CHECK_ERR(init3(&s, NULL, 0), JET_errMissingLogFile);
    CHECK_ERR(init3(&s, NULL, JET_bitReplayIgnoreLostLogs), JET_wrnCommittedLogFilesLost);
    s.durable = 1;
    check_all(&s);
    disk_load(p.image);
    s = p.s;
    CHECK_OK(script_start_all(&s)); /* clean as of the current log, which is lost then */
    CHECK_OK(script_stop(&s, 0));
    disk_delete(path);
    CHECK_ERR(init3(&s, NULL, JET_bitReplayIgnoreLostLogs), JET_errMissingLogFile);
    place_end(&p);
}

static void truncation_after_recovery__keeps_what_a_backup_needs(void) {
    struct place p;
    place_begin(&p);
    struct script s = p.s;
    CHECK_OK(init3(&s, NULL, JET_bitTruncateLogsAfterRecovery));
    struct log_range range = range_of();
    CU_ASSERT_EQUAL(range.low, 0); /* no backup: none is needed below the checkpoint */
    check_all(&s);

    disk_load(p.image);
    s = p.s;
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE_FATAL(script_check(&s)); /* a lazy commit may be lost: it goes on from what is there */
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    const lggen_t first = range_of().current;
    CHECK_OK(script_run(&s, AT_CRASH + 60));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    CU_ASSERT_TRUE_FATAL(range_of().current > first);
    CHECK_OK(init3(&s, NULL, JET_bitTruncateLogsAfterRecovery));
    CU_ASSERT_EQUAL(range_of().low, first);
    CHECK_OK(script_start_all(&s));
    CHECK_OK(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
    CHECK_OK(script_stop(&s, 0));

    disk_load(p.image); /* a database that is not here needs its log files when it is back */
    s = p.s;
    disk_delete(s.b.path);
    range = range_of();
    CHECK_OK(init3(&s, NULL, JET_bitReplayIgnoreMissingDB | JET_bitTruncateLogsAfterRecovery));
    CU_ASSERT_EQUAL(range_of().low, range.low);
    place_end(&p);
}

/* As esent.h says of JET_bitReplayIgnoreMissingDB. */
static void circular_logging__does_not_wait_for_a_database_that_was_left_out(void) {
    struct place p;
    struct kept b;
    place_begin(&p);
    for (unsigned circular = 0; circular < 2; circular++) {
        struct script s = p.s;
        disk_load(p.image);
        const struct log_range before = range_of();
        keep(&b, s.b.path);
        disk_delete(s.b.path);
        s.circular = circular;
        CHECK_OK(init3(&s, NULL, JET_bitReplayIgnoreMissingDB));
        CU_ASSERT_EQUAL(range_of().low == before.low, !circular);
        disk_put(b.path, b.bytes, b.count);
        free(b.bytes);
        CHECK_OK(script_start(&s)); /* its file is back: it needs the log, which goes on without it */
        CHECK_OK(script_attach(&s, &s.a));
        CHECK_ERR(JetAttachDatabase(s.session, s.b.path, 0), JET_errDatabaseDirtyShutdown);
        CHECK_OK(script_stop(&s, 0));
    }
    place_end(&p);
}

static void set_flag(struct script *s, unsigned id, uint32_t size) {
    CHECK_OK(script_instance(s));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, id, 1, NULL));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramLogFileSize, size, NULL));
}

static void log_files_behind_the_current_one__go_when_allowed(void) {
    struct place p;
    char path[OS_PATH_MAX], from[OS_PATH_MAX];
    place_begin(&p);
    const struct log_range range = range_of();
    CHECK_OK(log_path_archive(&logs, range.high, from));
    for (lggen_t gen = range.current; gen < range.current + 3; gen++) {
        CHECK_OK(log_path_archive(&logs, gen, path));
        disk_copy(from, path);
    }
    struct disk_image *image = disk_save();
    struct script s = p.s;
    CU_ASSERT_TRUE(init3(&s, NULL, 0) < JET_errSuccess);
    CU_ASSERT_EQUAL(range_of().high, range.current + 2);
    disk_load(image);
    set_flag(&s, JET_paramDeleteOutOfRangeLogs, 64);
    CHECK_OK(JetInit(&s.instance));
    CHECK_OK(JetTerm(s.instance));
    CU_ASSERT_TRUE(range_of().high < range_of().current);
    check_all(&s);
    disk_image_free(image);
    place_end(&p);
}

/* A roll leaves a generation without a record, and the headers may say that they need it before the checkpoint file
 * says that redo begins there. */
static void power_cut_as_the_checkpoint_enters_an_empty_log_file__loses_nothing(void) {
    struct place p;
    char list[4096];
    uint32_t bytes;
    place_begin(&p);
    unsigned points = 0;
    for (bool through = false; !through; points++) {
        struct script s = p.s;
        disk_load(p.image);
        CHECK_OK(script_start_all(&s));
        CU_ASSERT_TRUE_FATAL(script_check(&s));
        CHECK_OK(script_run(&s, AT_CRASH + 3));
        CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
        CHECK_OK(JetGetLogInfoInstance(s.instance, list, sizeof list, &bytes));
        disk_power_off_at(points + 1);
        JET_ERR err = JetStopServiceInstance(s.instance);
        through = !disk_power_is_off();
        CU_ASSERT_TRUE(!through || err >= JET_errSuccess);
        JET_ERR ended = JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort);
        (void)ended;
        script_drop(&s);
        disk_no_fault();
        disk_power_on(DISK_LOSES);
        check_all(&s);
    }
    printf("%u points ", points);
    place_end(&p);
}

/* The files that go are those behind the current one: never those in which redo begins. */
static void log_files_that_recovery_needs__stay_even_when_they_are_behind_the_current_one(void) {
    struct place p;
    char current[OS_PATH_MAX], path[OS_PATH_MAX];
    size_t bytes;
    place_begin(&p);
    struct script s = p.s;
    CHECK_OK(log_path_current(&logs, current));
    CHECK_OK(log_path_archive(&logs, range_of().low, path));
    uint8_t *stale = malloc(64 * 1024);
    memcpy(stale, disk_get(path, &bytes), 64 * 1024);
    s.depth = 128 * 1024;
    CHECK_OK(script_start_all(&s)); /* redo will begin behind the first file */
    CU_ASSERT_TRUE_FATAL(script_check(&s));
    CHECK_OK(script_run(&s, AT_CRASH + 60));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    struct disk_image *image = disk_save();
    disk_put(current, stale, 64 * 1024); /* somebody put an old file in its place */
    free(stale);
    const struct log_range range = range_of();
    set_flag(&s, JET_paramDeleteOutOfRangeLogs, 64);
    CHECK_ERR(JetInit(&s.instance), JET_errRequiredLogFilesMissing);
    CHECK_OK(JetTerm(s.instance));
    CU_ASSERT_EQUAL(range_of().high, range.high);
    disk_image_free(image);
    place_end(&p);
}

static void log_of_another_file_size__begins_anew_when_allowed_and_a_power_cut_loses_nothing(void) {
    struct place p;
    unsigned points = 0;
    place_begin(&p);
    for (bool through = false; !through; points++) {
        struct script s = p.s;
        disk_load(p.image);
        set_flag(&s, JET_paramCleanupMismatchedLogFiles, 128);
        disk_power_off_at(points + 1);
        JET_ERR err = JetInit(&s.instance);
        JET_ERR ended = JetTerm(s.instance);
        through = !disk_power_is_off();
        CU_ASSERT_TRUE_FATAL(!through || (err >= JET_errSuccess && ended >= JET_errSuccess));
        disk_no_fault();
        disk_power_on(DISK_LOSES);
        if (through) {
            size_t bytes;
            const struct log_range range = range_of();
            CU_ASSERT_TRUE(range.low == 0 && range.current == 1);
            disk_get("/live/system/edb.log", &bytes);
            CU_ASSERT_EQUAL(bytes, 128 * 1024);
        }
        check_all(&s);
    }
    printf("%u points ", points);
    place_end(&p);
}

/* ---- a log of somebody who means ill ---- */

static void append(uint8_t type, const void *data, size_t bytes) {
    struct log_reader_config from = {.dirs[0] = logs, .from = lgpos_make(range_of().current, 0)};
    struct log_reader *reader;
    struct log_record record;
    struct log *log;
    lgpos_t begin, end;
    CHECK_OK(log_reader_open(&from, &reader));
    while (log_reader_next(reader, &record) >= JET_errSuccess)
        continue;
    const struct log_header *last = log_reader_header(reader);
    struct log_config config = {.dir = logs, .file_bytes = last->file_bytes, .page_size = last->page_size};
    CHECK_OK(log_continue(&config, last, log_reader_end(reader), &log));
    log_reader_close(reader);
    struct log_part part = {data, bytes};
    CHECK_OK(log_append(log, type, &part, 1, &begin, &end));
    CHECK_OK(log_flush(log, end));
    log_close(log);
}

static void record_of_a_tree_that_does_not_exist__is_a_corrupt_log(void) {
    static const uint8_t ops[] = {UNDO_INSERT, UNDO_REPLACE, UNDO_DELETE, UNDO_CREATE_TREE};
    struct place p;
    place_begin(&p);
    for (unsigned i = 0; i < sizeof ops; i++) {
        const struct undo undo = {
            .op = ops[i], .dbid = 1, .fdp = 20, .parent_fdp = 1, .objid = 99999, .key = slice("key", 3)};
        uint8_t record[256] = {1, CHANGE_HAS_UNDO | CHANGE_HAS_TRX};
        const size_t bytes = undo_encoded_bytes(&undo);
        struct script s = p.s;
        store64(record + 16, UINT64_C(0x7000000000));
        store32(record + CHANGE_HEAD_BYTES, (uint32_t)bytes + 4);
        undo_encode(&undo, record + CHANGE_HEAD_BYTES + 4);
        disk_load(p.image);
        append(LOGREC_CHANGE, record, CHANGE_HEAD_BYTES + 4 + bytes);
        JET_ERR err = init3(&s, NULL, 0);
        CU_ASSERT_NOT_EQUAL(err, JET_errObjectNotFound);
        if (ops[i] == UNDO_INSERT)
            CU_ASSERT_EQUAL(err, JET_errLogFileCorrupt);
    }
    place_end(&p);
}

TEST_MAIN(TEST(map__finds_databases_that_were_moved),
          TEST(database_that_is_not_in_the_map__is_not_looked_for_unless_asked),
          TEST(map__to_another_database_ends_recovery), TEST(map__that_cannot_be_right_is_refused),
          TEST(alternate_path__is_where_databases_are_looked_for), TEST(missing_database__is_passed_over_when_asked),
          TEST(database_that_was_left_out__is_undone_when_it_is_back),
          TEST(stop_anywhere__leaves_what_a_later_start_goes_on_from),
          TEST(stop_at_a_time__is_before_the_first_log_file_made_later),
          TEST(recovery_without_undo__goes_on_as_log_files_are_added),
          TEST(callback__that_fails_ends_recovery_which_a_later_start_does_again),
          TEST(lost_current_log__is_ignored_when_asked_unless_a_database_needs_it),
          TEST(truncation_after_recovery__keeps_what_a_backup_needs),
          TEST(circular_logging__does_not_wait_for_a_database_that_was_left_out),
          TEST(log_files_behind_the_current_one__go_when_allowed),
          TEST(power_cut_as_the_checkpoint_enters_an_empty_log_file__loses_nothing),
          TEST(log_files_that_recovery_needs__stay_even_when_they_are_behind_the_current_one),
          TEST(log_of_another_file_size__begins_anew_when_allowed_and_a_power_cut_loses_nothing),
          TEST(record_of_a_tree_that_does_not_exist__is_a_corrupt_log))
