/* Every event of a running instance and of a backup is heard with what it is about: a scene for each. */
#include "base/os.h"
#include "tests/lib/testscenes.h"

/* ---- scenes of a running instance ---- */

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
    for (uint64_t nth = 1; !testevents_was_heard(id); nth++) {
        struct script s;
        CU_ASSERT_FATAL(nth < 100);
        disk_load(stopped);
        testevents_forget();
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

/* ---- all of them ---- */

static const struct scene scenes[] = {
    {102, STOPPED, run_and_stop, JET_errSuccess, "script"},
    {103, STOPPED, run_and_stop, JET_errSuccess, "script"},
    {105, STOPPED, run_and_stop, JET_errSuccess, "script"},
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
    {326, STOPPED, run_and_stop, JET_errSuccess, "/live/data/a.edb"},
    {327, STOPPED, run_and_stop, JET_errSuccess, "/live/data/a.edb"},
    {399, STOPPED, attach_with_flipped_bit, JET_errSuccess, "/live/data/a.edb"},
    {408, STOPPED, commit_without_disk, JET_errLogWriteFail, "/live/system"},
    {413, STOPPED, roll_without_disk, JET_errLogWriteFail, "/live/system"},
    {424, STOPPED, grow_on_full_disk, JET_errDiskFull, "/plain/data/a.edb"},
    {429, STOPPED, start_on_full_disk, JET_errSuccess, "/live/system"},
    {459, STOPPED, backup_with_gap, JET_errMissingFileToBackup, "/live/system/edb"},
    {474, STOPPED, attach_with_damaged_page, JET_errReadVerifyFailure, "/live/data/a.edb"},
    {475, STOPPED, attach_with_misplaced_page, JET_errReadPgnoVerifyFailure, "/plain/data/a.edb"},
    {476, STOPPED, attach_cut, JET_errFileIOBeyondEOF, "/live/data/a.edb"},
    {481, STOPPED, attach_unreadable, JET_errDiskIO, "/live/data/a.edb"},
    {482, STOPPED, write_without_disk, JET_errDiskIO, "/live/data/a.edb"},
    {482, STOPPED, backup_to_full_disk, JET_errDiskFull, "/set2/a.edb"},
    {520, STOPPED, external_backup_closed_early, JET_errLogFileNotCopied, " to "},
    {530, STOPPED, back_up_what_is_lost, JET_errReadLostFlushVerifyFailure, "/plain/data/a.edb"},
    {619, STOPPED, attach_copy, JET_errSoftRecoveryOnBackupDatabase, "/set/a.edb"},
};

static void every_event_of_an_instance_or_backup__is_heard_with_what_it_is_about(void) {
    PLAY_ALL(scenes);
}

TEST_MAIN(TEST(every_event_of_an_instance_or_backup__is_heard_with_what_it_is_about))
