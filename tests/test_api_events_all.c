/* Every event that docs/events.md lists is heard: a scene for each, which brings about what the event tells of through
 * the public API, on a simulated disk. A scene's event says which file it is about. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/checksum.h"
#include "base/event.h"
#include "base/os.h"
#include "engine/dbheader.h"
#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"
#include "tests/lib/testevents.h"

/* ---- what is heard ---- */

static struct {
    uint32_t id, severity;
    char text[2048];
} heard[512]; /* in this scene */
static unsigned heard_count;
static bool ever[TESTEVENTS_IDS];
static char documented[TESTEVENTS_IDS][32];

static void JET_API hear(const JET_EVENTINFO *event, void *context) {
    (void)context;
    CU_ASSERT_FATAL(event->idEvent < TESTEVENTS_IDS);
    ever[event->idEvent] = true;
    if (heard_count == sizeof heard / sizeof heard[0])
        return;
    heard[heard_count].id = event->idEvent;
    heard[heard_count].severity = event->severity;
    snprintf(heard[heard_count++].text, sizeof heard[0].text, "%s", event->szText);
}

void syslog(int priority, const char *format, ...) { /* in front of libc's: the system's log is not for this */
    (void)priority, (void)format;
}

/* ---- a world: an instance with databases a and b, a set, more log files behind it; and another instance ---- */

static struct disk_image *crashed, *stopped; /* how /live ended */
static lggen_t set_low, set_high, own_low, own_high;
static bool wide; /* of the next instance: pages are written while it runs */

static const char *log_path(const char *dir, lggen_t gen) {
    static char ring[4][256];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], gen ? "%.200s/edb%05X.log" : "%.200s/edb.log", dir, gen);
    return out;
}
static const char *own(lggen_t gen) {
    return log_path("/live/system", gen);
}
static const char *in_set(lggen_t gen) {
    return log_path("/set", gen);
}

static void instance(struct script *s, const char *dir) {
    script_init(s, 1, dir);
    s->wide = wide;
    CHECK_OK(script_instance(s));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
}

static bool hears(uint32_t id) {
    for (unsigned i = 0; i < heard_count; i++)
        if (heard[i].id == id)
            return true;
    return false;
}

static JET_ERR run(struct script *s, const char *dir) {
    instance(s, dir);
    JET_ERR err = JetInit(&s->instance);
    if (err < JET_errSuccess)
        return err;
    s->running = true;
    return JetBeginSession(s->instance, &s->session, NULL, NULL);
}

/* As a clean start of /live; transactions go on with the n-th. */
static void run_live(struct script *s, uint32_t n) {
    CHECK_OK(run(s, "/live"));
    CHECK_OK(script_attach(s, &s->a));
    CHECK_OK(script_attach(s, &s->b));
    s->started = s->durable = n;
}

enum { AT_OLD = 6, AT_FULL = 60, AT_SET = 120, AT_END = 280 };

static void build_live(void) {
    struct script s;
    struct log_range range;
    struct log_dir live = {.path = "/live/system", .base = "edb"}, set = {.path = "/set", .base = "edb"};

    CHECK_OK(run(&s, "/live"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, AT_OLD));
    CHECK_OK(script_stop(&s, 0));
    disk_copy("/live/data/a.edb", "/old/clean.edb");
    run_live(&s, AT_OLD);
    CHECK_OK(script_run(&s, AT_FULL));
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    CHECK_OK(script_run(&s, AT_SET));
    CHECK_OK(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
    disk_copy("/live/data/a.edb", "/old/a.edb");
    CHECK_OK(script_stop(&s, 0));
    run_live(&s, AT_SET); /* recovery of what follows begins here: no checkpoint is due before the end */
    CHECK_OK(script_run(&s, AT_END));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    crashed = disk_save();
    CHECK_OK(log_dir_scan(&set, &range));
    set_low = range.low, set_high = range.high;
    CHECK_OK(log_dir_scan(&live, &range));
    own_low = range.low, own_high = range.high;
    CU_ASSERT_FATAL(set_high >= set_low + 2 && own_high >= set_high + 4 && own_low + 1 < set_high);
    CHECK_OK(run(&s, "/live"));
    CHECK_OK(script_stop(&s, 0));
    stopped = disk_save();
}

static void build(void) {
    struct script s;
    disk_install(test_random());
    CHECK_OK(JetSetEventCallback(0, hear, NULL));
    CHECK_OK(run(&s, "/foreign"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_run(&s, AT_END));
    CHECK_OK(script_stop(&s, 0));
    build_live();
}

static void take_down(void) {
    disk_image_free(crashed);
    disk_image_free(stopped);
    CHECK_OK(JetSetEventCallback(0, NULL, NULL));
    disk_done();
}

/* ---- scenes of a start ---- */

static JET_ERR start_with(JET_GRBIT grbit) {
    struct script s;
    instance(&s, "/live");
    JET_ERR err = JetInit2(&s.instance, grbit);
    JET_ERR ended = JetTerm(s.instance);
    return err < JET_errSuccess ? err : ended < JET_errSuccess ? ended : err;
}
static JET_ERR start(void) {
    return start_with(0);
}

static JET_ERR start_without_undo(void) {
    disk_delete(own(0));
    return start_with(JET_bitRecoveryWithoutUndo);
}
static JET_ERR start_without_current(void) {
    disk_delete(own(0));
    return start();
}
static JET_ERR start_without_lost(void) {
    disk_delete(own(0));
    return start_with(JET_bitReplayIgnoreLostLogs);
}
static JET_ERR start_with_other_version(void) {
    size_t bytes;
    const uint8_t *now = disk_get(own(0), &bytes);
    uint8_t *file = malloc(bytes);
    memcpy(file, now, bytes);
    file[32]++; /* the major version */
    const le32_t sum = to_le32(sum_header(file, LOG_SECTOR));
    memcpy(file, &sum, sizeof sum);
    disk_put(own(0), file, bytes);
    free(file);
    return start();
}
static JET_ERR start_with_broken_header(void) {
    disk_flip(own(0), 600, 1);
    return start();
}
static JET_ERR start_with_short_file(void) {
    disk_cut(own(own_high), 8192);
    return start();
}
static JET_ERR start_with_foreign_log(void) {
    disk_copy(log_path("/foreign/system", 2), own(own_high));
    return start();
}
static JET_ERR start_with_repeated_log(void) {
    disk_copy(own(own_high - 1), own(own_high));
    return start();
}
static JET_ERR start_with_damaged_log(void) {
    disk_flip(own(own_high), 5000, 1);
    return start();
}
static JET_ERR start_with_gap(void) {
    disk_delete(own(own_high));
    return start();
}
static JET_ERR start_with_late_log(void) {
    for (lggen_t gen = own_low; gen < own_high; gen++)
        disk_delete(own(gen));
    return start();
}
static JET_ERR start_with_old_database(void) {
    disk_copy("/old/a.edb", "/live/data/a.edb");
    return start();
}
static JET_ERR start_without_database(void) {
    disk_delete("/live/data/a.edb");
    return start();
}
static JET_ERR start_without_unwanted_database(void) {
    disk_delete("/live/data/a.edb");
    return start_with(JET_bitReplayIgnoreMissingDB);
}
static JET_ERR start_with_older_database(void) {
    disk_copy("/old/clean.edb", "/live/data/a.edb");
    return start();
}

static void say_that_pages_are_written(const char *path, lggen_t before) {
    struct os_file *file;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    CHECK_OK(os_open(path, OS_WRITE, &file));
    CHECK_OK(dbheader_read(file, header, NULL));
    header->gen_min_required = to_le32(before);
    CHECK_OK(dbheader_write(file, header));
    os_close(file);
    free(header);
}

/* As if the pages had been written, and the checkpoint moved, but the disk had lost the pages. */
static JET_ERR start_with_lost_writes(void) {
    const lggen_t first = own_high - 1;
    for (lggen_t gen = own_low; gen < first; gen++)
        disk_delete(own(gen));
    disk_delete("/live/system/edb.chk");
    say_that_pages_are_written("/live/data/a.edb", first);
    say_that_pages_are_written("/live/data/b.edb", first);
    return start();
}

/* Pages were written that need later log files than there are. */
static JET_ERR start_with_early_end(void) {
    struct script s;
    struct log_range range;
    const struct log_dir dir = {.path = "/plain/system", .base = "edb"};
    wide = true;
    CHECK_OK(run(&s, "/plain"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, 2 * AT_OLD));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    CHECK_OK(log_dir_scan(&dir, &range));
    disk_delete(log_path(dir.path, 0));
    while (range.high > range.low + 1)
        disk_delete(log_path(dir.path, range.high--));
    instance(&s, "/plain");
    JET_ERR err = JetInit2(&s.instance, JET_bitReplayIgnoreLostLogs);
    CHECK_OK(JetTerm(s.instance));
    wide = false;
    return err;
}

/* ---- scenes of a restore ---- */

static JET_ERR restore_with(const char *dir, const char *set, const char *dest, lggen_t until) {
    struct script s;
    JET_RSTINFO info = {.cbStruct = sizeof info, .lgposStop.lGeneration = (int32_t)until};
    instance(&s, dir);
    JET_ERR err = JetRestoreInstance2(s.instance, set, dest, &info, 0);
    CHECK_OK(JetTerm(s.instance));
    return err;
}
static JET_ERR restore(void) {
    return restore_with("/new", "/set", "/new/data", 0);
}
static JET_ERR restore_damaged_page(void) {
    disk_flip("/set/a.edb", 5 * 4096 + 100, 3);
    return restore();
}
static JET_ERR restore_cut_database(void) {
    disk_cut("/set/a.edb", 8 * 4096);
    return restore();
}
static JET_ERR restore_without_log(void) {
    disk_delete(in_set(set_low + 1));
    return restore();
}
static JET_ERR restore_to_full_disk(void) {
    disk_fail(4, "/new/data/a.edb", JET_errDiskFull); /* after looks at whose it is, and the open */
    return restore();
}
static JET_ERR restore_over_foreign_log(void) {
    return restore_with("/foreign", "/set", "/new/data", 0);
}
static JET_ERR restore_with_log_behind(void) {
    return restore_with("/live", "/set", NULL, set_high);
}
static JET_ERR restore_with_gap(void) {
    disk_delete(own(set_high + 1));
    return restore_with("/live", "/set", NULL, 0);
}
static JET_ERR restore_with_own_log_damaged(void) {
    disk_flip(own(set_high + 2), 5000, 1);
    return restore_with("/live", "/set", NULL, 0);
}
static JET_ERR restore_with_own_header_damaged(void) {
    disk_flip(own(set_high + 2), 600, 1);
    return restore_with("/live", "/set", NULL, 0);
}

/* An external restore has no manifest that would find every damage. */
static JET_ERR external(lggen_t low, lggen_t high) {
    static char from[] = "/live/data/a.edb", to[] = "/ext/a.edb", b_from[] = "/live/data/b.edb", b_to[] = "/ext/b.edb",
                log[] = "/log", set[] = "/set";
    JET_RSTMAP map[] = {{from, to}, {b_from, b_to}};
    disk_make_dir("/log");
    if (!disk_exists(to))
        disk_copy("/set/a.edb", to);
    disk_copy("/set/b.edb", b_to);
    return JetExternalRestore(log, log, map, 2, set, (int32_t)low, (int32_t)high, NULL);
}
static JET_ERR external_late_log(void) {
    return external(set_low + 1, 0);
}
static JET_ERR external_early_end(void) {
    return external(0, set_low);
}
static JET_ERR external_foreign_log(void) {
    disk_copy(log_path("/foreign/system", 2), in_set(set_low + 1));
    return external(0, 0);
}
static JET_ERR external_repeated_log(void) {
    disk_copy(in_set(set_low), in_set(set_low + 1));
    return external(0, 0);
}
static JET_ERR external_damaged_log(void) {
    disk_flip(in_set(set_low + 1), 5000, 1);
    return external(0, 0);
}
static JET_ERR external_cut_trailer(void) {
    size_t bytes;
    disk_copy("/set/a.edb", "/ext/a.edb");
    disk_get("/ext/a.edb", &bytes);
    disk_cut("/ext/a.edb", bytes - 4096);
    return external(0, 0);
}
static JET_ERR external_other_trailer(void) {
    size_t bytes, b_bytes;
    const uint8_t *a = disk_get("/set/a.edb", &bytes), *b = disk_get("/set/b.edb", &b_bytes);
    uint8_t *mixed = malloc(bytes);
    memcpy(mixed, a, bytes);
    memcpy(mixed + bytes - 4096, b + b_bytes - 4096, 4096);
    disk_put("/ext/a.edb", mixed, bytes);
    free(mixed);
    return external(0, 0);
}

/* ---- scenes of a running instance ---- */

/* Ends it as well as it can, and gives the error of the scene. */
static JET_ERR end(struct script *s, JET_ERR err) {
    disk_no_fault();
    script_drop(s);
    return err;
}

static JET_ERR run_and_stop(void) {
    struct script s;
    run_live(&s, AT_END);
    CHECK_OK(script_detach(&s, &s.a));
    return script_stop(&s, 0);
}
static JET_ERR attach_copy(void) {
    struct script s;
    CHECK_OK(run(&s, "/live"));
    return end(&s, JetAttachDatabase(s.session, "/set/a.edb", 0));
}
static JET_ERR start_on_full_disk(void) {
    struct script s;
    disk_delete("/live/system/edbres00001.jrs");
    disk_fail(1, "edbres00001", JET_errDiskFull);
    JET_ERR err = run(&s, "/live");
    return end(&s, err);
}
static JET_ERR commit_without_disk(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_fail(1, "edb.log", JET_errDiskIO);
    return end(&s, script_run(&s, AT_END + 40));
}
static JET_ERR roll_without_disk(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_fail(1, "edbtmp.log", JET_errDiskIO);
    return end(&s, JetBackupInstance(s.instance, "/set2", 0, NULL));
}
static JET_ERR attach_a(struct script *s);

static JET_ERR grow_on_full_disk(void) { /* nothing is read of a new database */
    struct script s;
    CHECK_OK(run(&s, "/plain"));
    CHECK_OK(script_create(&s, &s.a));
    disk_fail(1, "a.edb", JET_errDiskFull);
    return end(&s, script_run(&s, AT_END));
}

/* The disk fails at one call for database a after the other, until it is the one that the event is about. */
static JET_ERR fail_until(uint32_t id, JET_ERR error, JET_ERR (*work)(struct script *s)) {
    JET_ERR err = JET_errSuccess;
    for (uint64_t nth = 1; !hears(id); nth++) {
        struct script s;
        CU_ASSERT_FATAL(nth < 100);
        disk_load(stopped);
        heard_count = 0;
        CHECK_OK(run(&s, "/live"));
        CHECK_OK(script_attach(&s, &s.b));
        if (work != attach_a)
            CHECK_OK(script_attach(&s, &s.a));
        s.started = s.durable = AT_END;
        disk_fail(nth, "live/data/a.edb", error);
        err = end(&s, work(&s));
    }
    return err;
}
static JET_ERR attach_a(struct script *s) {
    return script_attach(s, &s->a);
}
static JET_ERR attach_unreadable(void) {
    return fail_until(481, JET_errDiskIO, attach_a);
}
static JET_ERR change_and_detach(struct script *s) {
    JET_ERR err = script_run(s, AT_END + 10);
    return err < JET_errSuccess ? err : script_detach(s, &s->a);
}
static JET_ERR write_without_disk(void) {
    return fail_until(482, JET_errDiskIO, change_and_detach);
}

/* Of what was written, not all stays. */
static JET_ERR back_up_what_is_lost(void) {
    struct script s;
    size_t bytes;
    wide = true;
    CHECK_OK(run(&s, "/plain"));
    wide = false;
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, 1));
    disk_get(s.a.path, &bytes);
    disk_cut(s.a.path, 20 * 4096);
    disk_cut(s.a.path, bytes);
    return end(&s, JetBackupInstance(s.instance, "/set2", 0, NULL));
}

/* What is wrong with the pages of a is met when it is attached. */
static JET_ERR attach(void) {
    struct script s;
    CHECK_OK(run(&s, "/live"));
    return end(&s, script_attach(&s, &s.a));
}
static JET_ERR attach_with_flipped_bit(void) {
    disk_flip("/live/data/a.edb", 2 * 4096 + 100, 1);
    return attach();
}
static JET_ERR attach_with_damaged_page(void) {
    for (size_t i = 0; i < 6; i++)
        disk_flip("/live/data/a.edb", 2 * 4096 + 100 + i * 451, 1u << i);
    return attach();
}
/* Small pages do not hold their number. */
static JET_ERR attach_with_misplaced_page(void) {
    enum { PAGE = 16384 };
    struct script s;
    size_t bytes;
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, PAGE, NULL));
    CHECK_OK(run(&s, "/plain"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_stop(&s, 0));
    const uint8_t *now = disk_get("/plain/data/a.edb", &bytes);
    uint8_t *mixed = malloc(bytes);
    memcpy(mixed, now, bytes);
    memcpy(mixed + 2 * PAGE, now + 5 * PAGE, PAGE);
    disk_put("/plain/data/a.edb", mixed, bytes);
    free(mixed);
    CHECK_OK(run(&s, "/plain"));
    JET_ERR err = end(&s, script_attach(&s, &s.a));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 4096, NULL));
    return err;
}
static JET_ERR attach_cut(void) {
    disk_cut("/live/data/a.edb", 3 * 4096);
    return attach();
}

/* ---- scenes of a backup ---- */

static JET_ERR backup_with(const char *set, JET_GRBIT grbit, JET_PFNSTATUS status) {
    struct script s;
    run_live(&s, AT_END);
    CHECK_OK(script_run(&s, AT_END + 5));
    return end(&s, JetBackupInstance(s.instance, set, grbit, status));
}
static JET_ERR backup(void) {
    return backup_with("/set2", 0, NULL);
}
static JET_ERR backup_incremental(void) {
    return backup_with("/set", JET_bitBackupIncremental, NULL);
}
static JET_ERR backup_incremental_first(void) {
    struct script s;
    run_live(&s, AT_END);
    JET_DBID db;
    CHECK_OK(JetCreateDatabase(s.session, "/live/data/c.edb", NULL, &db, 0));
    return end(&s, JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
}
static JET_ERR truncate_twice(void) {
    struct script s;
    run_live(&s, AT_END);
    CHECK_OK(JetBackupInstance(s.instance, NULL, 0, NULL));
    return end(&s, JetBackupInstance(s.instance, NULL, 0, NULL));
}
static JET_ERR truncate_with_gap(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_delete(own(own_low + 1));
    return end(&s, JetBackupInstance(s.instance, NULL, 0, NULL));
}
static JET_INSTANCE to_stop;
static JET_ERR JET_API stop_it(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)data;
    return snt == JET_sntProgress ? JetStopBackupInstance(to_stop) : JET_errSuccess;
}
static JET_ERR backup_stopped(void) {
    struct script s;
    run_live(&s, AT_END);
    to_stop = s.instance;
    return end(&s, JetBackupInstance(s.instance, "/set2", 0, stop_it));
}
static JET_ERR backup_of_unreadable_database(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_fail(1, "live/data/a.edb", JET_errDiskIO);
    return end(&s, JetBackupInstance(s.instance, "/set2", 0, NULL));
}
static JET_ERR backup_to_full_disk(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_fail(1, "set2/a.edb", JET_errDiskFull);
    return end(&s, JetBackupInstance(s.instance, "/set2", 0, NULL));
}
static JET_ERR backup_of_damaged_log(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_flip(own(own_high), 5000, 1);
    return end(&s, JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
}
static JET_ERR backup_with_gap(void) {
    struct script s;
    run_live(&s, AT_END);
    disk_delete(own(own_high));
    return end(&s, JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
}

static JET_ERR read_part(JET_INSTANCE instance, const char *path, bool whole) {
    JET_HANDLE file;
    uint32_t low, high, got = 0;
    void *buffer = aligned_alloc(4096, 65536);
    JET_ERR err = JetOpenFileInstance(instance, path, &file, &low, &high);
    if (err >= JET_errSuccess) {
        do
            err = JetReadFileInstance(instance, file, buffer, 65536, &got);
        while (err >= JET_errSuccess && got > 0 && whole);
        CHECK_OK(JetCloseFileInstance(instance, file));
    }
    free(buffer);
    return err;
}
static JET_ERR external_backup_closed_early(void) {
    struct script s;
    run_live(&s, AT_END);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    CHECK_OK(read_part(s.instance, s.a.path, false));
    CHECK_OK(JetGetLogInfoInstance(s.instance, NULL, 0, NULL));
    JET_ERR err = JetTruncateLogInstance(s.instance);
    CHECK_ERR(JetEndExternalBackupInstance(s.instance), JET_errInvalidBackupSequence);
    return end(&s, err);
}
static JET_ERR external_backup_given_up(void) {
    struct script s;
    run_live(&s, AT_END);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    return end(&s, JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
}
static JET_ERR external_backup_without_stamp(void) {
    struct script s;
    char logs[65536];
    run_live(&s, AT_END);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    CHECK_OK(read_part(s.instance, s.a.path, true));
    CHECK_OK(read_part(s.instance, s.b.path, true));
    CHECK_OK(JetGetLogInfoInstance(s.instance, logs, sizeof logs, NULL));
    for (const char *log = logs; *log; log += strlen(log) + 1)
        CHECK_OK(read_part(s.instance, log, true));
    disk_fail(1, "a.edb", JET_errDiskIO);
    return end(&s, JetEndExternalBackupInstance(s.instance));
}

/* ---- all of them ---- */

enum from { CRASHED, STOPPED };

static const struct scene {
    uint32_t id;
    enum from from;
    JET_ERR (*play)(void);
    JET_ERR err;
    const char *fact; /* in the event's text */
} scenes[] = {
    {102, STOPPED, run_and_stop, JET_errSuccess, "script"},
    {103, STOPPED, run_and_stop, JET_errSuccess, "script"},
    {104, CRASHED, start_without_current, JET_errMissingLogFile, "JET_errMissingLogFile"},
    {105, STOPPED, run_and_stop, JET_errSuccess, "script"},
    {204, STOPPED, restore, JET_errSuccess, "/set"},
    {205, STOPPED, restore, JET_errSuccess, ""},
    {206, STOPPED, backup_incremental_first, JET_errMissingFullBackup, "/live/data/c.edb"},
    {210, STOPPED, backup, JET_errSuccess, "/set2"},
    {211, STOPPED, backup_incremental, JET_errSuccess, "/set"},
    {213, STOPPED, backup, JET_errSuccess, "/set2"},
    {214, STOPPED, backup_to_full_disk, JET_errDiskFull, "JET_errDiskFull"},
    {215, STOPPED, external_backup_given_up, JET_errSuccess, ""},
    {217, STOPPED, backup_of_unreadable_database, JET_errDiskIO, "/live/data/a.edb"},
    {218, STOPPED, backup_of_damaged_log, JET_errLogReadVerifyFailure, "/live/system/edb"},
    {219, STOPPED, external_backup_without_stamp, JET_errSuccess, "JET_errDiskIO"},
    {220, STOPPED, backup, JET_errSuccess, "/live/data/a.edb"},
    {221, STOPPED, backup, JET_errSuccess, "/live/data/a.edb"},
    {222, STOPPED, external_backup_closed_early, JET_errLogFileNotCopied, "/live/data/a.edb"},
    {223, STOPPED, backup, JET_errSuccess, " to "},
    {224, STOPPED, truncate_twice, JET_errSuccess, " to "},
    {225, STOPPED, truncate_twice, JET_errSuccess, ""},
    {226, STOPPED, backup_stopped, JET_errBackupAbortByServer, "/set2"},
    {227, STOPPED, truncate_with_gap, JET_errSuccess, "1 of"},
    {300, CRASHED, start, JET_errSuccess, ":"},
    {301, CRASHED, start, JET_errSuccess, "/live/system/edb"},
    {302, CRASHED, start, JET_errSuccess, "records"},
    {304, CRASHED, start_without_undo, JET_errRecoveredWithoutUndo, ":"},
    {326, STOPPED, run_and_stop, JET_errSuccess, "/live/data/a.edb"},
    {327, STOPPED, run_and_stop, JET_errSuccess, "/live/data/a.edb"},
    {399, STOPPED, attach_with_flipped_bit, JET_errSuccess, "/live/data/a.edb"},
    {408, STOPPED, commit_without_disk, JET_errLogWriteFail, "/live/system"},
    {411, CRASHED, start_with_other_version, JET_errBadLogVersion, "/live/system/edb.log"},
    {412, CRASHED, start_with_broken_header, JET_errLogFileCorrupt, "/live/system/edb.log"},
    {412, CRASHED, start_with_short_file, JET_errLogFileSizeMismatch, "/live/system/edb"},
    {412, CRASHED, restore_with_own_header_damaged, JET_errLogFileCorrupt, "/live/system/edb"},
    {413, STOPPED, roll_without_disk, JET_errLogWriteFail, "/live/system"},
    {424, STOPPED, grow_on_full_disk, JET_errDiskFull, "/plain/data/a.edb"},
    {429, STOPPED, start_on_full_disk, JET_errSuccess, "/live/system"},
    {430, STOPPED, external_other_trailer, JET_errDatabasePatchFileMismatch, "/ext/a.edb"},
    {431, STOPPED, external_late_log, JET_errStartingRestoreLogTooHigh, "/ext/a.edb"},
    {432, STOPPED, external_early_end, JET_errEndingRestoreLogTooLow, "/ext/a.edb"},
    {433, STOPPED, external_foreign_log, JET_errGivenLogFileHasBadSignature, "/set/edb"},
    {434, STOPPED, external_repeated_log, JET_errGivenLogFileIsNotContiguous, "/set/edb"},
    {435, STOPPED, restore_without_log, JET_errMissingRestoreLogFiles, "/set/edb"},
    {436, STOPPED, restore_over_foreign_log, JET_errExistingLogFileHasBadSignature, "/foreign/system/edb"},
    {437, STOPPED, restore_with_log_behind, JET_errExistingLogFileIsNotContiguous, "/live/system"},
    {438, STOPPED, restore_cut_database, JET_errBadBackupDatabaseSize, "/set/a.edb"},
    {450, CRASHED, start_without_current, JET_errMissingLogFile, "/live/system/edb.log"},
    {450, CRASHED, restore_with_gap, JET_errMissingCurrentLogFiles, "/live/system"},
    {452, CRASHED, start_with_old_database, JET_errRequiredLogFilesMissing, "/live/data/a.edb"},
    {453, CRASHED, start_with_early_end, JET_errRequiredLogFilesMissing, ".edb"},
    {454, STOPPED, restore_damaged_page, JET_errReadVerifyFailure, "/set/a.edb"},
    {454, STOPPED, restore_to_full_disk, JET_errDiskFull, "/new/data/a.edb"},
    {457, CRASHED, start_with_foreign_log, JET_errBadLogSignature, "/live/system/edb"},
    {458, CRASHED, start_with_repeated_log, JET_errLogGenerationMismatch, "/live/system/edb"},
    {459, STOPPED, backup_with_gap, JET_errMissingFileToBackup, "/live/system/edb"},
    {463, STOPPED, external_damaged_log, JET_errLogCorruptDuringHardRestore, "/set/edb"},
    {464, CRASHED, restore_with_own_log_damaged, JET_errLogFileCorrupt, "/live/system/edb"},
    {465, CRASHED, start_with_damaged_log, JET_errLogFileCorrupt, "/live/system/edb"},
    {474, STOPPED, attach_with_damaged_page, JET_errReadVerifyFailure, "/live/data/a.edb"},
    {475, STOPPED, attach_with_misplaced_page, JET_errReadPgnoVerifyFailure, "/plain/data/a.edb"},
    {476, STOPPED, attach_cut, JET_errFileIOBeyondEOF, "/live/data/a.edb"},
    {481, STOPPED, attach_unreadable, JET_errDiskIO, "/live/data/a.edb"},
    {482, STOPPED, write_without_disk, JET_errDiskIO, "/live/data/a.edb"},
    {482, STOPPED, backup_to_full_disk, JET_errDiskFull, "/set2/a.edb"},
    {494, CRASHED, start_without_database, JET_errAttachedDatabaseMismatch, "/live/data/a.edb"},
    {494, CRASHED, start_without_unwanted_database, JET_errSuccess, "/live/data/a.edb"},
    {495, CRASHED, start_with_older_database, JET_errAttachedDatabaseMismatch, "/live/data/a.edb"},
    {516, CRASHED, start_with_lost_writes, JET_errDbTimeTooOld, "/live/data/"},
    {518, CRASHED, start_with_gap, JET_errMissingLogFile, "/live/system/edb"},
    {519, CRASHED, start_with_late_log, JET_errMissingLogFile, "/live/system"},
    {520, STOPPED, external_backup_closed_early, JET_errLogFileNotCopied, " to "},
    {524, CRASHED, start_without_lost, JET_wrnCommittedLogFilesLost, "/live/system"},
    {530, STOPPED, back_up_what_is_lost, JET_errReadLostFlushVerifyFailure, "/plain/data/a.edb"},
    {619, STOPPED, attach_copy, JET_errSoftRecoveryOnBackupDatabase, "/set/a.edb"},
    {645, STOPPED, external_cut_trailer, JET_errBadPatchPage, "/ext/a.edb"},
};

static void print_heard(const struct scene *scene, JET_ERR err) {
    fprintf(stderr, "scene of event %u: %s; heard\n", scene->id, err_name(err));
    for (unsigned i = 0; i < heard_count; i++)
        fprintf(stderr, "    %u %s\n", heard[i].id, heard[i].text);
}

static void play(const struct scene *scene) {
    static const char *const severities[] = {"", "error", "warning", "information"};
    bool found = false;
    disk_load(scene->from == CRASHED ? crashed : stopped);
    heard_count = 0;
    JET_ERR err = scene->play();
    for (unsigned i = 0; i < heard_count; i++) {
        const uint32_t severity = heard[i].severity;
        CU_ASSERT_FATAL(severity >= JET_EventError && severity <= JET_EventInformation);
        CU_ASSERT_PTR_NOT_NULL(strstr(documented[heard[i].id], severities[severity]));
        found |= heard[i].id == scene->id && strstr(heard[i].text, scene->fact);
    }
    if (!found || err != scene->err)
        print_heard(scene, err);
    CU_ASSERT_TRUE(found);
    CU_ASSERT_EQUAL(err, scene->err);
    CU_ASSERT_EQUAL_FATAL(disk_open_files(), 0);
}

static void every_event_of_the_document__is_heard_with_what_it_is_about(void) {
    testevents_read_document(documented);
    build();
    memset(ever, 0, sizeof ever);
    for (unsigned i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        play(&scenes[i]);
    take_down();
    for (unsigned id = 0; id < TESTEVENTS_IDS; id++) {
        if (documented[id][0] && !ever[id])
            fprintf(stderr, "event %u is documented and was not heard\n", id);
        CU_ASSERT(!documented[id][0] || ever[id]);
    }
}

TEST_MAIN(TEST(every_event_of_the_document__is_heard_with_what_it_is_about))
