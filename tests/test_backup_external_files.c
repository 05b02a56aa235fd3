/* External backup, the files: what the headers of databases say afterwards, which log files go, what damage does, and
 * that what a client copied with these calls restores. P9 P11. test-label: threads */
#include <pthread.h>

#include "base/checksum.h"
#include "base/le.h"
#include "engine/types.h"
#include "tests/lib/testexternal.h"

/* ---- what the headers say afterwards, and which log files go ---- */

static bool is_zero(const JET_BKINFO *info) {
    static const JET_BKINFO zero;
    return memcmp(info, &zero, sizeof zero) == 0;
}

static bool same(const JET_BKINFO *x, const JET_BKINFO *y) {
    return memcmp(x, y, sizeof *x) == 0;
}

static void file_closed_before_its_end__does_not_count_as_copied(void) {
    struct script s;
    uint32_t got;
    begin(&s);
    full_backup(&s);
    const JET_DBINFOMISC4 a = stamps(&s, &s.a), b = stamps(&s, &s.b);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    JET_HANDLE handle = open_file(&s, s.a.path);
    CHECK_OK(JetReadFileInstance(s.instance, handle, chunk, 2 * PAGE, &got));
    CHECK_OK(JetCloseFileInstance(s.instance, handle));
    CHECK_OK(copy_file_to(&s, s.b.path, NULL));
    get_list(&s, JetGetLogInfoInstance);
    for (const char *path = list; *path; path += strlen(path) + 1) {
        handle = open_file(&s, path);
        CHECK_OK(JetReadFileInstance(s.instance, handle, chunk, PAGE, &got));
        CHECK_OK(JetCloseFileInstance(s.instance, handle));
        CHECK_ERR(JetTruncateLogInstance(s.instance), JET_errLogFileNotCopied);
        CHECK_OK(copy_file_to(&s, path, NULL));
        CHECK_OK(copy_file_to(&s, path, NULL)); /* twice is not two */
    }
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    const JET_DBINFOMISC4 a2 = stamps(&s, &s.a), b2 = stamps(&s, &s.b);
    CU_ASSERT_TRUE(same_stamps(&a, &a2)); /* its last full backup is the one before */
    CU_ASSERT_TRUE(b2.bkinfoFullPrev.genHigh > b.bkinfoFullPrev.genHigh);
    CU_ASSERT_TRUE(logs().low <= a2.bkinfoFullPrev.genHigh + 1); /* and its next incremental has its log files */
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    end(&s);
}

static void full_backup__of_one_database_of_two_leaves_the_other_without_incremental(void) {
    struct script s;
    begin(&s);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    CHECK_OK(copy_file_to(&s, s.a.path, NULL));
    copy_logs(&s, NULL);
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    const JET_DBINFOMISC4 a = stamps(&s, &s.a), b = stamps(&s, &s.b);
    CU_ASSERT_TRUE(!is_zero(&a.bkinfoFullPrev) && is_zero(&b.bkinfoFullPrev));
    CHECK_ERR(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental), JET_errMissingFullBackup);
    CHECK_ERR(JetTruncateLogInstance(s.instance), JET_errNoBackup);
    full_backup(&s);
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    end(&s);
}

/* Which log file the next incremental backup begins with is what the notes are for. */
static lggen_t next_incremental_begins(struct script *s) {
    JET_LOGINFO info = {.cbSize = sizeof info};
    CHECK_OK(JetBeginExternalBackupInstance(s->instance, JET_bitBackupIncremental));
    CHECK_OK(JetGetLogInfoInstance2(s->instance, NULL, 0, NULL, &info));
    CHECK_OK(JetEndExternalBackupInstance2(s->instance, JET_bitBackupEndAbort));
    return info.ulGenLow;
}

static void stamps__say_which_kind_of_backup_it_was(void) {
    struct script s;
    begin(&s);
    back_up(&s, 0, false, 0, NULL); /* a copy backup */
    const JET_DBINFOMISC4 copy = stamps(&s, &s.a);
    CU_ASSERT_TRUE(!is_zero(&copy.bkinfoCopyPrev) && is_zero(&copy.bkinfoFullPrev));
    CHECK_ERR(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental), JET_errMissingFullBackup);

    full_backup(&s);
    const JET_DBINFOMISC4 full = stamps(&s, &s.a);
    CU_ASSERT_TRUE(full.bkinfoFullPrev.genHigh > copy.bkinfoCopyPrev.genHigh);
    CU_ASSERT_TRUE(same(&full.bkinfoCopyPrev, &copy.bkinfoCopyPrev) && is_zero(&full.bkinfoDiffPrev));

    CHECK_OK(script_run(&s, 30));
    back_up(&s, JET_bitBackupIncremental, false, 0, NULL); /* differential */
    const JET_DBINFOMISC4 diff = stamps(&s, &s.a);
    CU_ASSERT_EQUAL(diff.bkinfoDiffPrev.genLow, full.bkinfoFullPrev.genHigh + 1);
    CU_ASSERT_TRUE(diff.bkinfoDiffPrev.genHigh >= diff.bkinfoDiffPrev.genLow);
    CU_ASSERT_TRUE(is_zero(&diff.bkinfoIncPrev) && same(&diff.bkinfoFullPrev, &full.bkinfoFullPrev));
    CU_ASSERT_EQUAL(next_incremental_begins(&s), full.bkinfoFullPrev.genHigh + 1);

    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    const JET_DBINFOMISC4 inc = stamps(&s, &s.a);
    CU_ASSERT_EQUAL(inc.bkinfoIncPrev.genLow, full.bkinfoFullPrev.genHigh + 1);
    CU_ASSERT_TRUE(inc.bkinfoIncPrev.genHigh > diff.bkinfoDiffPrev.genHigh);
    CU_ASSERT_EQUAL(next_incremental_begins(&s), inc.bkinfoIncPrev.genHigh + 1);

    back_up(&s, JET_bitBackupIncremental, true, JET_bitBackupNoDbHeaderUpdate, NULL);
    back_up(&s, 0, false, JET_bitBackupNoDbHeaderUpdate, NULL);
    const JET_DBINFOMISC4 none = stamps(&s, &s.a);
    CU_ASSERT_TRUE(same_stamps(&inc, &none));
    CHECK_OK(script_stop(&s, 0));
    CHECK_OK(script_start_all(&s));
    const JET_DBINFOMISC4 none_after = stamps(&s, &s.a);
    CU_ASSERT_TRUE(same_stamps(&inc, &none_after)); /* on disk too */
    end(&s);
}

static void second_full_backup__is_noted_and_forgets_the_incrementals_of_the_first(void) {
    struct script s;
    begin(&s);
    full_backup(&s);
    CHECK_OK(script_run(&s, 20));
    back_up(&s, JET_bitBackupIncremental, false, 0, NULL);
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    const JET_DBINFOMISC4 first = stamps(&s, &s.a);
    CHECK_OK(script_run(&s, 30));
    back_up(&s, 0, false, JET_bitBackupTruncateDone, NULL); /* the client says that it truncated */
    const JET_DBINFOMISC4 second = stamps(&s, &s.a);
    CU_ASSERT_TRUE(second.bkinfoFullPrev.genHigh > first.bkinfoIncPrev.genHigh);
    CU_ASSERT_TRUE(second.bkinfoFullPrev.genLow >= first.bkinfoFullPrev.genLow);
    CU_ASSERT_TRUE(second.bkinfoFullPrev.lgposMark.lGeneration > first.bkinfoIncPrev.lgposMark.lGeneration);
    CU_ASSERT_TRUE(is_zero(&second.bkinfoIncPrev) && is_zero(&second.bkinfoDiffPrev));
    CU_ASSERT_TRUE(is_zero(&second.bkinfoCopyPrev));
    CU_ASSERT_EQUAL(next_incremental_begins(&s), second.bkinfoFullPrev.genHigh + 1);
    end(&s);
}

static void truncate__deletes_what_its_list_says(void) {
    struct script s;
    begin(&s);
    CHECK_OK(script_run(&s, 60));
    full_backup(&s);
    CHECK_OK(script_run(&s, 160));
    CHECK_OK(script_stop(&s, 0)); /* the checkpoint comes to the end */
    CHECK_OK(script_start_all(&s));
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    copy_databases(&s, NULL);
    copy_logs(&s, NULL);
    get_list(&s, JetGetTruncateLogInfoInstance);
    CU_ASSERT_TRUE(count_of_list() > 1);
    for (const char *path = list; *path; path += strlen(path) + 1)
        CU_ASSERT_TRUE(disk_exists(path));
    const lggen_t high = logs().high;
    CHECK_OK(JetTruncateLogInstance(s.instance));
    unsigned left = 0;
    for (const char *path = list; *path; path += strlen(path) + 1)
        left += disk_exists(path);
    CU_ASSERT_EQUAL(left, 0);
    CU_ASSERT_EQUAL(logs().high, high);
    CU_ASSERT_EQUAL(logs().low, (lggen_t)(strtoul(strstr(list, "/edb") + 4, NULL, 16) + count_of_list()));
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort)); /* nothing is noted all the same */
    CU_ASSERT_TRUE(stamps(&s, &s.a).bkinfoFullPrev.genHigh < high);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental)); /* what it builds on is gone */
    CHECK_ERR(JetGetLogInfoInstance(s.instance, NULL, 0, NULL), JET_errMissingFileToBackup);
    full_backup(&s);
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    end(&s);
}

static void circular_logging__keeps_what_a_full_backup_needs_and_refuses_an_incremental(void) {
    struct script s;
    begin_with(&s, true);
    s.depth = 64 << 10;
    CHECK_OK(script_stop(&s, 0));
    CHECK_OK(script_start_all(&s));
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    JET_HANDLE handle = open_file(&s, s.a.path);
    const lggen_t first = logs().current;
    CHECK_OK(script_run(&s, 300)); /* many generations */
    CU_ASSERT_TRUE(logs().current > first + 3);
    CHECK_OK(JetCloseFileInstance(s.instance, handle));
    copy_databases(&s, NULL);
    copy_logs(&s, NULL);
    CU_ASSERT_TRUE(count_of_list() >= logs().current - first);
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    CHECK_ERR(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental), JET_errInvalidBackup);
    CHECK_ERR(JetGetLogInfoInstance(s.instance, NULL, 0, NULL), JET_errNoBackup);
    end(&s);
}

/* ---- damage ---- */

static bool page_is_good(const char *file, pgno_t pgno) {
    uint8_t page[PAGE];
    memcpy(page, disk_get(file, NULL) + (size_t)(pgno + 1) * PAGE, PAGE);
    return page_sum_check(page, PAGE, pgno, false) == PAGE_GOOD;
}

/* Stops the instance, damages the last page of b that is in use and not needed to attach it, and starts it. */
static pgno_t start_damaged(struct script *s, bool correctable) {
    size_t bytes;
    CHECK_OK(script_stop(s, 0));
    struct disk_image *image = disk_save();
    const struct script stopped = *s;
    disk_get(s->b.path, &bytes);
    for (pgno_t pgno = (pgno_t)(bytes / PAGE) - 2; pgno > 0; pgno--) {
        if (!page_is_good(s->b.path, pgno)) /* blank */
            continue;
        disk_flip(s->b.path, (size_t)(pgno + 1) * PAGE + 100, 0x40);
        if (!correctable)
            disk_flip(s->b.path, (size_t)(pgno + 1) * PAGE + 2002, 0x02);
        if (script_start_all(s) >= JET_errSuccess) {
            disk_image_free(image);
            return pgno;
        }
        script_drop(s);
        disk_load(image);
        *s = stopped;
    }
    disk_image_free(image);
    CU_FAIL_FATAL("no page to damage");
    return 0;
}

static void damaged_page__leaves_its_database_out_and_the_backup_goes_on(void) {
    struct script s;
    uint32_t got;
    begin(&s);
    full_backup(&s);
    CHECK_OK(script_run(&s, 40));
    start_damaged(&s, false);
    const JET_DBINFOMISC4 a = stamps(&s, &s.a), b = stamps(&s, &s.b);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    CHECK_ERR(copy_file_to(&s, s.b.path, NULL), JET_errReadVerifyFailure);
    JET_HANDLE handle = open_file(&s, s.b.path); /* the one before is closed */
    JET_ERR err;
    while ((err = JetReadFileInstance(s.instance, handle, chunk, CHUNK, &got)) >= JET_errSuccess && got)
        ;
    CHECK_ERR(err, JET_errReadVerifyFailure);
    CHECK_ERR(JetReadFileInstance(s.instance, handle, chunk, CHUNK, &got), JET_errInvalidParameter);
    CHECK_ERR(JetCloseFileInstance(s.instance, handle), JET_errInvalidParameter);
    CHECK_OK(copy_file_to(&s, s.a.path, NULL));
    copy_logs(&s, NULL);
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    const JET_DBINFOMISC4 a2 = stamps(&s, &s.a), b2 = stamps(&s, &s.b);
    CU_ASSERT_TRUE(a2.bkinfoFullPrev.genHigh > a.bkinfoFullPrev.genHigh);
    CU_ASSERT_TRUE(same_stamps(&b, &b2));
    CU_ASSERT_TRUE(logs().low <= b.bkinfoFullPrev.genHigh + 1); /* what can bring its last copy up to date stays */
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    disk_done();
}

static void read_that_fails__closes_the_file_which_can_be_read_again(void) {
    struct script s;
    begin(&s);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    disk_fail(1, "/d/data/b.edb", JET_errDiskIO);
    CHECK_ERR(copy_file_to(&s, s.b.path, NULL), JET_errDiskIO);
    copy_databases(&s, NULL);
    copy_logs(&s, NULL);
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    CU_ASSERT_TRUE(stamps(&s, &s.b).bkinfoFullPrev.genHigh > 0);
    end(&s);
}

static void read_only_database__is_not_backed_up(void) {
    struct script s;
    JET_HANDLE handle;
    uint32_t low, high;
    begin(&s);
    CHECK_OK(script_detach(&s, &s.b));
    CHECK_OK(JetAttachDatabase(s.session, s.b.path, JET_bitDbReadOnly));
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    get_list(&s, JetGetAttachInfoInstance);
    CU_ASSERT_EQUAL(count_of_list(), 1);
    CU_ASSERT_STRING_EQUAL(list, s.a.path);
    CHECK_ERR(JetOpenFileInstance(s.instance, s.b.path, &handle, &low, &high), JET_errDatabaseNotFound);
    copy_databases(&s, NULL);
    copy_logs(&s, NULL);
    CHECK_OK(JetTruncateLogInstance(s.instance));
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL); /* nobody asks for a full one of it */
    end(&s);
}

static void flipped_bit__is_corrected_in_the_copy_and_in_the_database(void) {
    struct script s;
    begin(&s);
    const pgno_t pgno = start_damaged(&s, true);
    const uint32_t before = stamps(&s, &s.b).ulECCFixSuccess;
    CU_ASSERT_FALSE(page_is_good(s.b.path, pgno));
    back_up(&s, 0, true, 0, "/backup");
    CU_ASSERT_TRUE(page_is_good("/backup/b.edb", pgno));
    CU_ASSERT_EQUAL(stamps(&s, &s.b).ulECCFixSuccess, before + 1);
    CHECK_OK(script_stop(&s, 0));
    CU_ASSERT_TRUE(page_is_good(s.b.path, pgno));
    disk_done();
}

enum log_damage { FLIPPED, SHORT, OTHER, GONE, LOG_DAMAGES };

static void damaged_log_file__ends_the_backup(void) {
    struct script s;
    JET_HANDLE handle;
    uint32_t low, high;
    begin(&s);
    full_backup(&s);
    CHECK_OK(script_run(&s, 60));
    for (enum log_damage damage = 0; damage < LOG_DAMAGES; damage++) {
        const JET_DBINFOMISC4 before = stamps(&s, &s.a);
        JET_LOGINFO info = {.cbSize = sizeof info};
        CHECK_OK(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental));
        CHECK_OK(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &info));
        CU_ASSERT_FATAL(info.ulGenHigh > info.ulGenLow);
        const char *path = log_of(info.ulGenLow);
        disk_copy(path, "/kept");
        if (damage == FLIPPED)
            disk_flip(path, 4096 + 40, 1);
        else if (damage == SHORT)
            disk_cut(path, 5000);
        else if (damage == OTHER)
            disk_copy(log_of(info.ulGenHigh), path);
        else
            disk_delete(path);
        CHECK_ERR(JetOpenFileInstance(s.instance, path, &handle, &low, &high),
                  damage == GONE ? JET_errMissingFileToBackup : JET_errLogReadVerifyFailure);
        CHECK_ERR(JetGetLogInfoInstance(s.instance, NULL, 0, NULL), JET_errNoBackup);
        CHECK_ERR(JetEndExternalBackupInstance(s.instance), JET_errNoBackup);
        const JET_DBINFOMISC4 after = stamps(&s, &s.a);
        CU_ASSERT_TRUE(same_stamps(&before, &after));
        disk_copy("/kept", path);
    }
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental));
    copy_logs(&s, NULL);
    CHECK_ERR(JetOpenFileInstance(s.instance, "/d/system/edb.log", &handle, &low, &high), JET_errMissingFileToBackup);
    CHECK_ERR(JetTruncateLogInstance(s.instance), JET_errNoBackup);
    back_up(&s, JET_bitBackupIncremental, true, 0, NULL);
    end(&s);
}

static void missing_log_files__end_an_incremental_backup_before_it_rolls(void) {
    struct script s;
    begin(&s);
    full_backup(&s);
    const lggen_t next = stamps(&s, &s.a).bkinfoFullPrev.genHigh + 1;
    CHECK_OK(script_run(&s, 60));
    CHECK_OK(script_stop(&s, 0));
    for (lggen_t gen = logs().low; gen <= next; gen++)
        disk_delete(log_of(gen));
    CHECK_OK(script_start_all(&s));
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental));
    const lggen_t current = logs().current;
    CHECK_ERR(JetGetLogInfoInstance(s.instance, NULL, 0, NULL), JET_errMissingFileToBackup);
    CHECK_ERR(JetGetLogInfoInstance(s.instance, NULL, 0, NULL), JET_errNoBackup);
    CU_ASSERT_EQUAL(logs().current, current);
    full_backup(&s);
    end(&s);
}

/* ---- the copy ---- */

static const uint8_t *page_of(const char *file, size_t at) {
    return disk_get(file, NULL) + at * PAGE;
}

/* ese-facts 5.4: read by offsets, as another reader would. */
static void trailer__says_which_copy_it_ends_and_how_far_redo_must_come(void) {
    struct script s;
    JET_DBINFOMISC4 copy;
    size_t bytes;
    begin(&s);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    const lggen_t before = logs().current;
    CHECK_OK(copy_file_to(&s, s.a.path, "/backup"));
    const lggen_t after = logs().current;
    copy_databases(&s, "/backup");
    copy_logs(&s, "/backup");
    CHECK_OK(JetEndExternalBackupInstance(s.instance));
    CHECK_OK(JetGetDatabaseFileInfo("/backup/b.edb", &copy, sizeof copy, JET_DbInfoMisc));
    disk_get("/backup/b.edb", &bytes);
    const uint8_t *t = page_of("/backup/b.edb", bytes / PAGE - 1);
    uint8_t none[36] = {0};
    CU_ASSERT_EQUAL(load32(t), sum_header(t, PAGE));
    CU_ASSERT_EQUAL(memcmp(t + 4, none, sizeof none), 0);
    CU_ASSERT_EQUAL(memcmp(t + 40, &copy.bkinfoFullCur, 16), 0); /* mark and time */
    CU_ASSERT_EQUAL(load32(t + 56), copy.bkinfoFullCur.genLow);
    CU_ASSERT_TRUE(load32(t + 60) >= before && load32(t + 60) <= after);
    CU_ASSERT_EQUAL(memcmp(t + 64, &copy.signDb, 28), 0);
    CU_ASSERT_EQUAL(memcmp(t + 92, &copy.signLog, 28), 0);
    CU_ASSERT_EQUAL(load32(t + 120), copy.genMinRequired);
    CU_ASSERT_EQUAL(load32(t + 124), copy.genMaxRequired);
    CU_ASSERT_EQUAL(load32(t + 128), copy.genCommitted);
    CU_ASSERT_EQUAL(copy.genMinRequired, copy.bkinfoFullCur.genLow);
    CU_ASSERT_EQUAL(copy.bkinfoFullCur.genHigh, 0);
    CU_ASSERT_EQUAL(memcmp(page_of("/backup/b.edb", 0), page_of("/backup/b.edb", 1), PAGE), 0);
    end(&s);
}

/* ---- a client, from begin to restore ---- */

struct writer {
    struct script *s;
    uint32_t until;
    JET_ERR err;
};

static void *write_on(void *context) {
    struct writer *w = context;
    w->err = script_run(w->s, w->until);
    return NULL;
}

/* The files of /backup, laid out and restored, are what one moment from low to high transactions made. */
static void check_restores(const struct script *of, lggen_t gen_low, lggen_t gen_high, uint32_t low, uint32_t high) {
    struct script s;
    script_init(&s, of->seed, "/restored");
    s.durable = low;
    s.started = high;
    disk_make_dir("/restored/system");
    disk_copy("/backup/a.edb", s.a.path);
    disk_copy("/backup/b.edb", s.b.path);
    JET_RSTMAP map[] = {{(char *)of->a.path, s.a.path}, {NULL, s.b.path}};
    CHECK_OK(JetExternalRestore("/restored/system", "/restored/system", map, 2, "/backup", (int32_t)gen_low,
                                (int32_t)gen_high, NULL));
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE(script_check(&s));
    CHECK_OK(script_stop(&s, 0));
    disk_delete("/restored");
}

static void copy_made_under_load__with_these_calls_only_restores(void) {
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFileSize, 64, NULL));
    for (int joined = 0; joined < 2; joined++) { /* the writer stops before the log files are listed, or goes on */
        struct script s;
        pthread_t thread;
        JET_LOGINFO full = {.cbSize = sizeof full}, incremental = full;
        begin(&s);
        const uint32_t before = s.durable;
        struct writer w = {&s, before + 150, 0};
        CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_on, &w), 0);
        copy_databases(&s, "/backup");
        if (joined)
            pthread_join(thread, NULL);
        copy_logs(&s, "/backup");
        CHECK_OK(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &full));
        CHECK_OK(JetTruncateLogInstance(s.instance));
        CHECK_OK(JetEndExternalBackupInstance(s.instance));
        if (!joined)
            pthread_join(thread, NULL);
        CHECK_OK(w.err);
        check_restores(&s, full.ulGenLow, full.ulGenHigh, joined ? s.durable : before, s.started);
        CHECK_OK(script_run(&s, s.started + 40));
        CHECK_OK(JetBeginExternalBackupInstance(s.instance, JET_bitBackupIncremental));
        copy_logs(&s, "/backup");
        CHECK_OK(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &incremental));
        CHECK_OK(JetTruncateLogInstance(s.instance));
        CHECK_OK(JetEndExternalBackupInstance(s.instance));
        CU_ASSERT_EQUAL(incremental.ulGenLow, full.ulGenHigh + 1);
        check_restores(&s, full.ulGenLow, incremental.ulGenHigh, s.durable, s.started);
        end(&s);
    }
}

TEST_MAIN(TEST(file_closed_before_its_end__does_not_count_as_copied),
          TEST(full_backup__of_one_database_of_two_leaves_the_other_without_incremental),
          TEST(stamps__say_which_kind_of_backup_it_was),
          TEST(second_full_backup__is_noted_and_forgets_the_incrementals_of_the_first),
          TEST(truncate__deletes_what_its_list_says),
          TEST(circular_logging__keeps_what_a_full_backup_needs_and_refuses_an_incremental),
          TEST(damaged_page__leaves_its_database_out_and_the_backup_goes_on),
          TEST(read_that_fails__closes_the_file_which_can_be_read_again), TEST(read_only_database__is_not_backed_up),
          TEST(flipped_bit__is_corrected_in_the_copy_and_in_the_database), TEST(damaged_log_file__ends_the_backup),
          TEST(missing_log_files__end_an_incremental_backup_before_it_rolls),
          TEST(trailer__says_which_copy_it_ends_and_how_far_redo_must_come),
          TEST(copy_made_under_load__with_these_calls_only_restores))
