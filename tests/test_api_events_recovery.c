/* Every event of a start and of a restore is heard with what it is about: a scene for each. */
#include "base/checksum.h"
#include "base/os.h"
#include "engine/dbheader.h"
#include "tests/lib/testscenes.h"

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

/* ---- all of them ---- */

static const struct scene scenes[] = {
    {104, CRASHED, start_without_current, JET_errMissingLogFile, "JET_errMissingLogFile"},
    {204, STOPPED, restore, JET_errSuccess, "/set"},
    {205, STOPPED, restore, JET_errSuccess, ""},
    {300, CRASHED, start, JET_errSuccess, ":"},
    {301, CRASHED, start, JET_errSuccess, "/live/system/edb"},
    {302, CRASHED, start, JET_errSuccess, "records"},
    {304, CRASHED, start_without_undo, JET_errRecoveredWithoutUndo, ":"},
    {411, CRASHED, start_with_other_version, JET_errBadLogVersion, "/live/system/edb.log"},
    {412, CRASHED, start_with_broken_header, JET_errLogFileCorrupt, "/live/system/edb.log"},
    {412, CRASHED, start_with_short_file, JET_errLogFileSizeMismatch, "/live/system/edb"},
    {412, CRASHED, restore_with_own_header_damaged, JET_errLogCorruptDuringHardRecovery, "/live/system/edb"},
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
    {463, STOPPED, external_damaged_log, JET_errLogCorruptDuringHardRestore, "/set/edb"},
    {464, CRASHED, restore_with_own_log_damaged, JET_errLogCorruptDuringHardRecovery, "/live/system/edb"},
    {465, CRASHED, start_with_damaged_log, JET_errLogFileCorrupt, "/live/system/edb"},
    {494, CRASHED, start_without_database, JET_errAttachedDatabaseMismatch, "/live/data/a.edb"},
    {494, CRASHED, start_without_unwanted_database, JET_errSuccess, "/live/data/a.edb"},
    {495, CRASHED, start_with_older_database, JET_errAttachedDatabaseMismatch, "/live/data/a.edb"},
    {516, CRASHED, start_with_lost_writes, JET_errDbTimeTooOld, "/live/data/"},
    {518, CRASHED, start_with_gap, JET_errMissingLogFile, "/live/system/edb"},
    {519, CRASHED, start_with_late_log, JET_errMissingLogFile, "/live/system"},
    {524, CRASHED, start_without_lost, JET_wrnCommittedLogFilesLost, "/live/system"},
    {645, STOPPED, external_cut_trailer, JET_errBadPatchPage, "/ext/a.edb"},
};

static void every_event_of_a_start_or_restore__is_heard_with_what_it_is_about(void) {
    PLAY_ALL(scenes);
}

TEST_MAIN(TEST(every_event_of_a_start_or_restore__is_heard_with_what_it_is_about))
