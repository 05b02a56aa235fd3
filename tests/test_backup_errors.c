/* Every error of backup and restore, and what reaches it: one table, which is printed, and compared with
 * docs/errors.md. Each is reached through the public functions, on a disk on which things go wrong. The other tests of
 * backups and restores say what else holds then; here it counts that the list is complete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/set.h"
#include "base/checksum.h"
#include "base/le.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

#define PAGE 4096u

/* ---- where the rows of the table begin ---- */

enum { IN_FULL = 12, IN_SET = 24, AT_CRASH = 50 }; /* transactions */

static struct disk_image
    *image; /* /d: an instance that crashed; /set: of it, full and incremental; /foreign: another's */
static struct script crashed, live; /* live: that of the row */
static lggen_t low, high;           /* of the set */

static void make_set(struct script *s, const char *dir, const char *set) {
    script_init(s, test_random(), dir);
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, IN_FULL));
    CHECK_OK(JetBackupInstance(s->instance, set, 0, NULL));
    CHECK_OK(script_run(s, IN_SET));
    CHECK_OK(JetBackupInstance(s->instance, set, JET_bitBackupIncremental, NULL));
}

static void make_place(void) {
    struct script foreign;
    struct set set;
    disk_install(test_random());
    make_set(&foreign, "/other", "/foreign");
    CHECK_OK(script_stop(&foreign, 0));
    make_set(&crashed, "/d", "/set");
    CHECK_OK(script_run(&crashed, AT_CRASH));
    CHECK_OK(script_stop(&crashed, JET_bitTermDirty));
    CHECK_OK(set_read("/set", &set));
    low = set.low;
    high = set.high;
    set_done(&set);
    disk_make_dir("/empty");
    image = disk_save();
}

static void begin_row(void) {
    disk_load(image);
    live = crashed;
}

static void end_row(void) {
    disk_no_fault();
    if (live.running)
        CHECK_OK(JetTerm2(live.instance, JET_bitTermDirty | JET_bitTermStopBackup));
    live.running = false;
    CU_ASSERT_EQUAL_FATAL(disk_open_files(), 0);
}

/* ---- what rows do ---- */

static void start(void) {
    CHECK_OK(script_start_all(&live));
}

static void make_instance(const char *dir) {
    snprintf(live.dir, sizeof live.dir, "%s", dir);
    CHECK_OK(script_instance(&live));
    live.running = true; /* end_row() frees it */
}

static JET_ERR full(const char *set) {
    return JetBackupInstance(live.instance, set, 0, NULL);
}

static JET_ERR incremental(const char *set) {
    return JetBackupInstance(live.instance, set, JET_bitBackupIncremental, NULL);
}

static const char *log_in(const char *dir, lggen_t gen) {
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/edb%05X.log", dir, (unsigned)gen);
    return path;
}

static const char *own_log(lggen_t gen) {
    return log_in("/d/system", gen);
}

static void delete_own_logs(lggen_t up_to) {
    for (lggen_t gen = 1; gen <= up_to; gen++)
        if (disk_exists(own_log(gen)))
            disk_delete(own_log(gen));
}

static JET_ERR inner; /* what a call got that was made in a callback */

static JET_ERR JET_API back_up_inside(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)snt, (void)data;
    if (inner >= JET_errSuccess)
        inner = full("/new");
    return JET_errSuccess;
}

/* ---- JetBackupInstance ---- */

static JET_ERR backup__while_another_runs(void) {
    start();
    CHECK_OK(JetBackupInstance(live.instance, "/first", 0, back_up_inside));
    return inner;
}

static JET_ERR backup__while_the_instance_starts(void) {
    make_instance("/d");
    JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = back_up_inside};
    CHECK_OK(JetInit3(&live.instance, &info, 0));
    return inner;
}

static JET_ERR backup__while_the_instance_is_restored(void) {
    make_instance("/elsewhere");
    CHECK_OK(JetRestoreInstance(live.instance, "/set", "/elsewhere/data", back_up_inside));
    return inner;
}

static void JET_API back_up_in_event(const JET_EVENTINFO *event, void *context) {
    (void)context;
    if (event->idEvent == 103) /* JetTerm is at its end */
        inner = full("/new");
}

static JET_ERR backup__while_the_instance_ends(void) {
    make_instance("/d");
    CHECK_OK(JetSetSystemParameter(&live.instance, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
    CHECK_OK(JetSetEventCallback(live.instance, back_up_in_event, NULL));
    CHECK_OK(JetInit(&live.instance));
    CHECK_OK(JetTerm(live.instance));
    live.running = false;
    return inner;
}

static JET_ERR backup__after_stop_service(void) {
    start();
    CHECK_OK(JetStopServiceInstance(live.instance));
    return full("/new");
}

static JET_ERR backup__before_init(void) {
    make_instance("/d");
    return full("/new");
}

static JET_ERR backup__of_no_instance(void) {
    start();
    return JetBackupInstance(live.instance + 1, "/new", 0, NULL);
}

static JET_ERR backup__with_the_reserved_snapshot_option(void) {
    start();
    return JetBackupInstance(live.instance, "/new", JET_bitBackupSnapshot, NULL);
}

static JET_ERR backup__to_a_path_that_is_too_long(void) {
    static char path[OS_PATH_MAX + 2];
    memset(path, 'x', sizeof path - 1);
    start();
    return full(path);
}

static JET_ERR backup__whose_own_record_cannot_be_logged(void) {
    start();
    disk_fail(1, "/d/system/", JET_errDiskIO);
    return full("/new");
}

static JET_ERR backup__after_the_log_failed(void) {
    CHECK_ERR(backup__whose_own_record_cannot_be_logged(), JET_errLogWriteFail);
    return full("/new");
}

static JET_ERR backup__whose_own_record_finds_the_disk_full(void) {
    start();
    disk_fail(1, "/d/system/", JET_errDiskFull);
    return full("/new");
}

static JET_ERR backup__after_the_log_found_the_disk_full(void) {
    CHECK_ERR(backup__whose_own_record_finds_the_disk_full(), JET_errLogDiskFull);
    return full("/new");
}

static JET_ERR backup__incremental_with_circular_logging(void) {
    live.circular = true;
    start();
    return incremental("/set");
}

static JET_ERR backup__incremental_without_a_full_one(void) {
    start();
    return incremental("/empty");
}

static JET_ERR backup__incremental_whose_log_files_are_gone(void) {
    start();
    CHECK_OK(script_stop(&live, 0));
    delete_own_logs(high + 1);
    start();
    return incremental("/set");
}

static JET_ERR backup__a_log_file_is_gone(void) {
    start();
    while (!disk_exists(own_log(high + 2)))
        CHECK_OK(script_run(&live, live.started + 10));
    disk_delete(own_log(high + 2));
    return incremental("/set");
}

static JET_ERR backup__a_log_file_is_damaged(void) {
    start();
    disk_flip(own_log(high + 1), 4096 + 40, 1);
    return incremental("/set");
}

static JET_ERR backup__the_first_log_file_has_no_header(void) {
    start();
    disk_flip(own_log(high + 1), 50, 1);
    return incremental("/set");
}

/* The file with its page `at`, counted from its end (0: the last), or from its start (-1: the first), replaced. */
static void replace_page(const char *path, long at, const void *page) {
    size_t bytes;
    const uint8_t *file = disk_get(path, &bytes);
    uint8_t *changed = malloc(bytes);
    memcpy(changed, file, bytes);
    memcpy(changed + (at < 0 ? (size_t)(-at - 1) * PAGE : bytes - (size_t)(at + 1) * PAGE), page, PAGE);
    disk_put(path, changed, bytes);
    free(changed);
}

static uint32_t last_page(const char *path) {
    size_t bytes;
    const uint8_t *file = disk_get(path, &bytes);
    for (uint32_t pgno = (uint32_t)(bytes / PAGE) - 2; pgno > 0; pgno--) {
        uint8_t page[PAGE];
        memcpy(page, file + (size_t)(pgno + 1) * PAGE, PAGE);
        if (page_sum_check(page, PAGE, pgno, false) == PAGE_GOOD)
            return pgno;
    }
    return 0;
}

static JET_ERR backup__a_page_is_damaged(void) {
    start();
    CHECK_OK(script_stop(&live, 0));
    const size_t at = (size_t)(last_page(live.b.path) + 1) * PAGE;
    disk_flip(live.b.path, at + 100, 0x40); /* two bits: not to be corrected */
    disk_flip(live.b.path, at + 2002, 0x02);
    start();
    return full("/new");
}

/* What was written of databases that are larger than the cache did not stay on the disk. */
static JET_ERR backup__a_page_is_not_as_it_was_written(void) {
    size_t bytes;
    script_init(&live, 1, "/wide");
    live.wide = true;
    CHECK_OK(script_start(&live));
    CHECK_OK(script_create(&live, &live.a));
    CHECK_OK(script_create(&live, &live.b));
    CHECK_OK(script_run(&live, 1));
    disk_get(live.a.path, &bytes);
    disk_cut(live.a.path, 20 * PAGE);
    disk_cut(live.a.path, bytes);
    return full("/new");
}

/* Before its ECC checksum ESE wrote the page number, and an XOR. Such a page says that it is another one. */
static JET_ERR backup__a_page_is_another_one(void) {
    uint8_t page[PAGE];
    start();
    CHECK_OK(script_stop(&live, 0));
    const uint32_t pgno = last_page(live.b.path);
    memcpy(page, disk_get(live.b.path, NULL) + (size_t)(pgno + 1) * PAGE, PAGE);
    store32(page + 36, load32(page + 36) & ~0x2000u);
    store32(page + 4, pgno + 1);
    store32(page, sum_header(page, PAGE));
    replace_page(live.b.path, -(long)(pgno + 2), page);
    start();
    return full("/new");
}

static JET_ERR backup__into_a_directory_with_something_in_it(void) {
    start();
    return full("/set");
}

static JET_ERR backup__that_cannot_remove_what_an_earlier_one_left(void) {
    start();
    disk_put("/atomic/temp/x", "x", 1);
    disk_fail(1, "/atomic/temp/x", JET_errFileAccessDenied);
    return JetBackupInstance(live.instance, "/atomic", JET_bitBackupAtomic, NULL);
}

static JET_ERR backup__that_cannot_make_its_directory(void) {
    start();
    disk_fail(2, "/new", JET_errFileAccessDenied); /* the first looks whether it is there */
    return full("/new");
}

static JET_ERR backup__onto_a_full_disk(void) {
    start();
    disk_fail(1, "/new/b.edb", JET_errDiskFull);
    return full("/new");
}

static JET_ERR JET_API stop_backup(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)snt, (void)data;
    return JetStopBackupInstance(live.instance);
}

static JET_ERR backup__that_is_stopped(void) {
    start();
    return JetBackupInstance(live.instance, "/new", 0, stop_backup);
}

static JET_ERR JET_API refuse(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)snt, (void)data;
    return JET_errCallbackFailed;
}

static JET_ERR backup__whose_callback_refuses(void) {
    start();
    return JetBackupInstance(live.instance, "/new", 0, refuse);
}

static JET_ERR backup__without_an_instance_beside_instances(void) {
    start();
    return JetBackup("/new", 0, NULL);
}

/* ---- external backup ---- */

static JET_HANDLE handle;
static uint32_t size_low, size_high;

static JET_ERR open_file(const char *path) {
    return JetOpenFileInstance(live.instance, path, &handle, &size_low, &size_high);
}

static JET_ERR external__without_a_backup(void) {
    start();
    return JetGetAttachInfoInstance(live.instance, NULL, 0, NULL);
}

static JET_ERR external__a_database_after_the_log_files(void) {
    start();
    CHECK_OK(JetBeginExternalBackupInstance(live.instance, 0));
    CHECK_OK(JetGetLogInfoInstance(live.instance, NULL, 0, NULL));
    return open_file(live.a.path);
}

static JET_ERR external__truncate_before_the_log_files_are_read(void) {
    start();
    CHECK_OK(JetBeginExternalBackupInstance(live.instance, 0));
    CHECK_OK(JetGetLogInfoInstance(live.instance, NULL, 0, NULL));
    return JetTruncateLogInstance(live.instance);
}

static JET_ERR external__what_is_no_database(void) {
    start();
    CHECK_OK(JetBeginExternalBackupInstance(live.instance, 0));
    return open_file("/d/data/none.edb");
}

static JET_ERR external__a_second_file(void) {
    start();
    CHECK_OK(JetBeginExternalBackupInstance(live.instance, 0));
    CHECK_OK(open_file(live.a.path));
    return open_file(live.b.path);
}

/* ---- restore of a set ---- */

static JET_ERR restore__where_no_set_is(void) {
    make_instance("/elsewhere");
    return JetRestoreInstance(live.instance, "/empty", NULL, NULL);
}

static JET_ERR restore__of_an_instance_that_runs(void) {
    start();
    return JetRestoreInstance(live.instance, "/set", NULL, NULL);
}

static JET_ERR restore__over_a_database_in_use(void) {
    JET_INSTANCE running;
    start();
    running = live.instance;
    CHECK_OK(script_detach(&live, &live.a));
    make_instance("/elsewhere");
    JET_ERR err = JetRestoreInstance(live.instance, "/set", NULL, NULL);
    CHECK_OK(JetTerm2(running, JET_bitTermDirty));
    return err;
}

static JET_ERR restore__with_another_page_size(void) {
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 8192, NULL));
    make_instance("/elsewhere");
    JET_ERR err = JetRestoreInstance(live.instance, "/set", "/elsewhere/data", NULL);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, PAGE, NULL));
    return err;
}

static JET_ERR restore__beside_log_files_of_another_instance(void) {
    make_instance("/other");
    return JetRestoreInstance(live.instance, "/set", "/elsewhere/data", NULL);
}

static JET_ERR restore__beside_a_log_that_ends_before_the_set(void) {
    disk_copy(log_in("/set", low), "/short/system/edb.log");
    make_instance("/short");
    return JetRestoreInstance(live.instance, "/set", "/short/data", NULL);
}

static JET_ERR restore__beside_a_log_that_begins_too_late(void) {
    delete_own_logs(high + 1);
    make_instance("/d");
    return JetRestoreInstance(live.instance, "/set", NULL, NULL);
}

/* ---- restore of files that a client has laid out ---- */

static JET_RSTMAP map[] = {{NULL, "/restored/data/a.edb"}, {NULL, "/restored/data/b.edb"}};

static const char *set_log(lggen_t gen) {
    return log_in("/backup", gen);
}

static void lay_out(void) {
    disk_copy("/set/a.edb", map[0].szNewDatabaseName);
    disk_copy("/set/b.edb", map[1].szNewDatabaseName);
    for (lggen_t gen = low; gen <= high; gen++)
        disk_copy(log_in("/set", gen), set_log(gen));
    disk_make_dir("/restored/system");
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramEventLoggingLevel, JET_EventLoggingDisable, NULL));
}

static JET_ERR restore_from(lggen_t from, lggen_t to) {
    return JetExternalRestore("/restored/system", "/restored/system", map, 2, "/backup", (int32_t)from, (int32_t)to,
                              NULL);
}

static JET_ERR restore__a_log_file_is_missing(void) {
    lay_out();
    disk_delete(set_log(low + 1));
    return restore_from(low, high);
}

static JET_ERR restore__a_log_file_of_another_instance(void) {
    lay_out();
    disk_copy(log_in("/foreign", low), set_log(low));
    return restore_from(low, high);
}

static JET_ERR restore__a_log_file_under_the_number_of_another(void) {
    lay_out();
    disk_copy(log_in("/set", low), set_log(low + 1));
    return restore_from(low, high);
}

static JET_ERR restore__a_damaged_log_file(void) {
    lay_out();
    disk_flip(set_log(low), 5000, 1);
    return restore_from(low, high);
}

static JET_ERR restore__a_log_file_that_is_cut(void) {
    lay_out();
    disk_cut(set_log(high), 8192);
    return restore_from(low, high);
}

static JET_ERR restore__log_files_that_begin_too_late(void) {
    lay_out();
    return restore_from(low + 1, high);
}

static JET_ERR restore__log_files_that_end_too_early(void) {
    lay_out();
    return restore_from(low, low);
}

static JET_ERR restore__a_database_that_is_no_copy(void) {
    lay_out();
    disk_copy("/other/data/b.edb", map[1].szNewDatabaseName);
    return restore_from(low, high);
}

static JET_ERR restore__a_copy_with_a_damaged_trailer(void) {
    size_t bytes;
    lay_out();
    disk_get(map[0].szNewDatabaseName, &bytes);
    disk_flip(map[0].szNewDatabaseName, bytes - PAGE + 44, 1);
    return restore_from(low, high);
}

static JET_ERR restore__a_copy_with_the_trailer_of_another(void) {
    size_t bytes;
    lay_out();
    const uint8_t *other = disk_get("/foreign/a.edb", &bytes);
    replace_page(map[0].szNewDatabaseName, 0, other + bytes - PAGE);
    return restore_from(low, high);
}

static JET_ERR restore__a_copy_that_ends_within_a_page(void) {
    size_t bytes;
    lay_out();
    disk_get(map[0].szNewDatabaseName, &bytes);
    disk_cut(map[0].szNewDatabaseName, bytes - 100);
    return restore_from(low, high);
}

static JET_ERR restore__a_copy_without_a_header(void) {
    static const uint8_t nothing[PAGE];
    lay_out();
    replace_page(map[0].szNewDatabaseName, -1, nothing);
    replace_page(map[0].szNewDatabaseName, -2, nothing);
    return restore_from(low, high);
}

static JET_ERR restore__one_database_twice(void) {
    lay_out();
    disk_copy("/set/a.edb", map[1].szNewDatabaseName);
    return restore_from(low, high);
}

static JET_ERR restore__a_map_without_a_path(void) {
    JET_RSTMAP nowhere = {"/d/data/a.edb", NULL};
    lay_out();
    return JetExternalRestore("/restored/system", "/restored/system", &nowhere, 1, "/backup", 0, 0, NULL);
}

/* The last one of the set is among those of the instance now. */
static JET_ERR restore__a_damaged_log_file_of_the_instance(void) {
    char own[64];
    lay_out();
    snprintf(own, sizeof own, "/restored/system/edb%05X.log", high);
    disk_move(set_log(high), own);
    disk_flip(own, 5000, 1);
    return restore_from(low, high - 1);
}
static JET_ERR restore__with_the_log_of_a_target_that_does_not_run(void) {
    JET_LOGINFO info = {.cbSize = sizeof info, .szBaseName = "edb"};
    lay_out();
    return JetExternalRestore2("/restored/system", "/restored/system", map, 2, "/backup", &info, "nobody", NULL, NULL,
                               NULL);
}

/* ---- what is not restored ---- */

static JET_ERR attach__a_copy_that_was_not_restored(void) {
    start();
    CHECK_OK(script_detach(&live, &live.a));
    return JetAttachDatabase(live.session, "/set/a.edb", 0);
}

static JET_ERR init__without_the_log_files_since_the_checkpoint(void) {
    delete_own_logs(1000);
    disk_delete("/d/system/edb.chk");
    return script_start(&live);
}

static JET_ERR init__without_the_current_log_file(void) {
    disk_delete("/d/system/edb.log");
    return script_start(&live);
}

static JET_ERR init__without_a_database(void) {
    disk_delete(live.a.path);
    return script_start(&live);
}

static JET_ERR init__without_undo(void) {
    make_instance("/d");
    return JetInit2(&live.instance, JET_bitRecoveryWithoutUndo);
}

/* ---- the table ---- */

#define ROW(code, function)                                                                                            \
    { JET_err##code, #function, function }

static const struct {
    JET_ERR code;
    const char *name;
    JET_ERR (*reach)(void);
} rows[] = {
    ROW(BackupInProgress, backup__while_another_runs),
    ROW(BackupNotAllowedYet, backup__while_the_instance_starts),
    ROW(ClientRequestToStopJetService, backup__after_stop_service),
    ROW(InstanceUnavailable, backup__after_the_log_failed),
    ROW(InvalidBackup, backup__incremental_with_circular_logging),
    ROW(InvalidGrbit, backup__with_the_reserved_snapshot_option),
    ROW(InvalidParameter, backup__of_no_instance),
    ROW(InvalidPath, backup__to_a_path_that_is_too_long),
    ROW(LogReadVerifyFailure, backup__a_log_file_is_damaged),
    ROW(LogWriteFail, backup__whose_own_record_cannot_be_logged),
    ROW(LogDiskFull, backup__whose_own_record_finds_the_disk_full),
    ROW(InstanceUnavailableDueToFatalLogDiskFull, backup__after_the_log_found_the_disk_full),
    ROW(NotInitialized, backup__before_init),
    ROW(ReadVerifyFailure, backup__a_page_is_damaged),
    ROW(ReadPgnoVerifyFailure, backup__a_page_is_another_one),
    ROW(ReadLostFlushVerifyFailure, backup__a_page_is_not_as_it_was_written),
    ROW(RestoreInProgress, backup__while_the_instance_is_restored),
    ROW(TermInProgress, backup__while_the_instance_ends),
    ROW(BackupDirectoryNotEmpty, backup__into_a_directory_with_something_in_it),
    ROW(DeleteBackupFileFail, backup__that_cannot_remove_what_an_earlier_one_left),
    ROW(MakeBackupDirectoryFail, backup__that_cannot_make_its_directory),
    ROW(MissingFullBackup, backup__incremental_without_a_full_one),
    ROW(InvalidLogSequence, backup__incremental_whose_log_files_are_gone),
    ROW(MissingFileToBackup, backup__a_log_file_is_gone),
    ROW(LogFileCorrupt, backup__the_first_log_file_has_no_header),
    ROW(DiskFull, backup__onto_a_full_disk),
    ROW(BackupAbortByServer, backup__that_is_stopped),
    ROW(CallbackFailed, backup__whose_callback_refuses),
    ROW(RunningInMultiInstanceMode, backup__without_an_instance_beside_instances),
    ROW(NoBackup, external__without_a_backup),
    ROW(InvalidBackupSequence, external__a_database_after_the_log_files),
    ROW(LogFileNotCopied, external__truncate_before_the_log_files_are_read),
    ROW(DatabaseNotFound, external__what_is_no_database),
    ROW(OutOfMemory, external__a_second_file),
    ROW(FileNotFound, restore__where_no_set_is),
    ROW(AfterInitialization, restore__of_an_instance_that_runs),
    ROW(FileAccessDenied, restore__over_a_database_in_use),
    ROW(PageSizeMismatch, restore__with_another_page_size),
    ROW(ExistingLogFileHasBadSignature, restore__beside_log_files_of_another_instance),
    ROW(ExistingLogFileIsNotContiguous, restore__beside_a_log_that_ends_before_the_set),
    ROW(MissingCurrentLogFiles, restore__beside_a_log_that_begins_too_late),
    ROW(MissingRestoreLogFiles, restore__a_log_file_is_missing),
    ROW(GivenLogFileHasBadSignature, restore__a_log_file_of_another_instance),
    ROW(GivenLogFileIsNotContiguous, restore__a_log_file_under_the_number_of_another),
    ROW(LogCorruptDuringHardRestore, restore__a_damaged_log_file),
    ROW(LogCorruptDuringHardRecovery, restore__a_damaged_log_file_of_the_instance),
    ROW(LogFileSizeMismatch, restore__a_log_file_that_is_cut),
    ROW(StartingRestoreLogTooHigh, restore__log_files_that_begin_too_late),
    ROW(EndingRestoreLogTooLow, restore__log_files_that_end_too_early),
    ROW(RestoreOfNonBackupDatabase, restore__a_database_that_is_no_copy),
    ROW(BadPatchPage, restore__a_copy_with_a_damaged_trailer),
    ROW(DatabasePatchFileMismatch, restore__a_copy_with_the_trailer_of_another),
    ROW(BadBackupDatabaseSize, restore__a_copy_that_ends_within_a_page),
    ROW(DatabaseCorrupted, restore__a_copy_without_a_header),
    ROW(DatabaseSignInUse, restore__one_database_twice),
    ROW(DatabaseInvalidName, restore__a_map_without_a_path),
    ROW(BadRestoreTargetInstance, restore__with_the_log_of_a_target_that_does_not_run),
    ROW(SoftRecoveryOnBackupDatabase, attach__a_copy_that_was_not_restored),
    ROW(RequiredLogFilesMissing, init__without_the_log_files_since_the_checkpoint),
    ROW(MissingLogFile, init__without_the_current_log_file),
    ROW(AttachedDatabaseMismatch, init__without_a_database),
    ROW(RecoveredWithoutUndo, init__without_undo),
};
#define ROWS (sizeof rows / sizeof *rows)

static void errors__are_each_reached(void) {
    make_place();
    printf("\n");
    for (unsigned i = 0; i < ROWS; i++) {
        begin_row();
        inner = JET_errSuccess;
        JET_ERR err = rows[i].reach();
        end_row();
        printf("    %-40s %5d  %s\n", err_name(rows[i].code), (int)rows[i].code, rows[i].name);
        if (err != rows[i].code)
            printf("    ^^^ got %s\n", err_name(err));
        CU_ASSERT_EQUAL(err, rows[i].code);
    }
    disk_image_free(image);
    disk_done();
}
/* ---- docs/errors.md, and what must be in one of its tables ---- */

static const JET_ERR required[] = {
    /* JetBackupInstance's documented return codes */
    JET_errBackupInProgress,
    JET_errBackupNotAllowedYet,
    JET_errClientRequestToStopJetService,
    JET_errInstanceUnavailable,
    JET_errInvalidBackup,
    JET_errInvalidGrbit,
    JET_errInvalidParameter,
    JET_errInvalidPath,
    JET_errLoggingDisabled,
    JET_errLogReadVerifyFailure,
    JET_errLogWriteFail,
    JET_errNotInitialized,
    JET_errReadVerifyFailure,
    JET_errRestoreInProgress,
    JET_errSessionSharingViolation,
    JET_errTermInProgress,
    /* those that ESE's source adds */
    JET_errBackupDirectoryNotEmpty,
    JET_errDeleteBackupFileFail,
    JET_errMakeBackupDirectoryFail,
    JET_errMissingFullBackup,
    JET_errMissingFileToBackup,
    JET_errBackupAbortByServer,
    JET_errCallbackFailed,
    JET_errSurrogateBackupInProgress,
    JET_errInvalidLogSequence,
    /* external backup */
    JET_errNoBackup,
    JET_errInvalidBackupSequence,
    JET_errLogFileNotCopied,
    JET_errDatabaseNotFound,
    JET_errOutOfMemory,
    /* restore: ese-facts 6 */
    JET_errAfterInitialization,
    JET_errFileNotFound,
    JET_errMissingRestoreLogFiles,
    JET_errGivenLogFileHasBadSignature,
    JET_errGivenLogFileIsNotContiguous,
    JET_errExistingLogFileHasBadSignature,
    JET_errExistingLogFileIsNotContiguous,
    JET_errMissingCurrentLogFiles,
    JET_errStartingRestoreLogTooHigh,
    JET_errEndingRestoreLogTooLow,
    JET_errRestoreOfNonBackupDatabase,
    JET_errBadPatchPage,
    JET_errDatabasePatchFileMismatch,
    JET_errBadBackupDatabaseSize,
    JET_errDatabaseCorrupted,
    JET_errLogCorruptDuringHardRestore,
    JET_errPatchFileMissing,
    JET_errRecoveredWithErrors,
    JET_errRecoveredWithoutUndo,
    JET_errDatabaseInvalidName,
    JET_errDatabaseSignInUse,
    JET_errSoftRecoveryOnBackupDatabase,
    JET_errRequiredLogFilesMissing,
    JET_errBadRestoreTargetInstance,
};

#define DOC_MAX 128

struct doc {
    JET_ERR arise[DOC_MAX], cannot[DOC_MAX];
    unsigned arise_count, cannot_count;
};

static bool contains(const JET_ERR *list, unsigned count, JET_ERR err) {
    for (unsigned i = 0; i < count; i++)
        if (list[i] == err)
            return true;
    return false;
}

/* "| JET_errNoBackup | -520 | when | what to do |": the number is the name's, no cell is empty, the order is kept. */
static void read_line(struct doc *doc, const char *line, bool cannot) {
    JET_ERR *list = cannot ? doc->cannot : doc->arise;
    unsigned *count = cannot ? &doc->cannot_count : &doc->arise_count;
    char name[64], third[400], fourth[400];
    int number;
    int cells = sscanf(line, "| %63[A-Za-z_] | %d | %399[^|] | %399[^|] |", name, &number, third, fourth);
    CU_ASSERT_EQUAL(cells, cannot ? 3 : 4);
    CU_ASSERT_FATAL(cells >= 2 && *count < DOC_MAX);
    CU_ASSERT_STRING_EQUAL(name, err_name(number));
    CU_ASSERT_TRUE(*count == 0 || list[*count - 1] > number);
    list[(*count)++] = number;
}

static void read_document(struct doc *doc) {
    char line[1200];
    bool cannot = false;
    FILE *f = fopen(ESENT_SOURCE_DIR "/docs/errors.md", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    memset(doc, 0, sizeof *doc);
    while (fgets(line, sizeof line, f)) {
        cannot |= strncmp(line, "## What cannot arise here", 25) == 0;
        if (strncmp(line, "| JET_", 6) == 0)
            read_line(doc, line, cannot);
    }
    fclose(f);
}

static void document__has_each_error_that_is_reached_and_a_reason_for_the_others(void) {
    struct doc doc;
    read_document(&doc);
    CU_ASSERT_EQUAL(doc.arise_count, ROWS);
    for (unsigned i = 0; i < ROWS; i++) {
        if (!contains(doc.arise, doc.arise_count, rows[i].code))
            printf("\n    %s is reached and not in docs/errors.md", err_name(rows[i].code));
        CU_ASSERT_TRUE(contains(doc.arise, doc.arise_count, rows[i].code));
        CU_ASSERT_FALSE(contains(doc.cannot, doc.cannot_count, rows[i].code));
    }
    for (unsigned i = 0; i < sizeof required / sizeof *required; i++) {
        bool found =
            contains(doc.arise, doc.arise_count, required[i]) || contains(doc.cannot, doc.cannot_count, required[i]);
        if (!found)
            printf("\n    %s is neither reached nor explained", err_name(required[i]));
        CU_ASSERT_TRUE(found);
    }
}

/* The reasons that can be tried. */
static void reasons__hold(void) {
    JET_INSTANCE instance;
    CHECK_OK(JetCreateInstance(&instance, "reasons"));
    CHECK_ERR(JetSetSystemParameter(&instance, 0, JET_paramRecovery, 0, "off"), JET_errInvalidParameter);
    CHECK_ERR(JetSetSystemParameter(&instance, 0, JET_paramRecovery, 0, "repair"), JET_errInvalidParameter);
    disk_install(test_random());
    make_instance("/reasons");
    CHECK_OK(JetInit(&live.instance));
    CHECK_ERR(JetBeginExternalBackupInstance(live.instance, JET_bitBackupSurrogate), JET_errInvalidGrbit);
    CHECK_ERR(JetBackupInstance(live.instance, "/set", JET_bitBackupSurrogate, NULL), JET_errInvalidGrbit);
    end_row();
    disk_done();
    CHECK_OK(JetTerm(instance));
}

TEST_MAIN(TEST(errors__are_each_reached), TEST(document__has_each_error_that_is_reached_and_a_reason_for_the_others),
          TEST(reasons__hold))
