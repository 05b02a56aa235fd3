/* What the status callback of a backup, a restore and a start is told: one beginning and one end, units that never fall
 * and say how much of the work is done, on the thread of the call, without a lock; and nothing at all of what was
 * refused before it began. */
#include <pthread.h>

#include "base/os.h"
#include "base/thread.h"
#include "tests/lib/testexternal.h"

static struct {
    unsigned calls, begins, ends; /* ends: JET_sntComplete, JET_sntFail */
    JET_SNT last;
    uint32_t done[200];  /* by call */
    uint64_t bytes[200]; /* that were in the set then */
    bool wrong;
} heard;

static JET_ERR add_size(void *context, const char *name, enum os_kind kind) {
    char path[64];
    size_t bytes = 0;
    snprintf(path, sizeof path, "/set/%.40s", name);
    if (kind == OS_FILE && disk_get(path, &bytes))
        *(uint64_t *)context += bytes;
    return JET_errSuccess;
}

static uint64_t set_bytes(void) {
    uint64_t bytes = 0;
    if (disk_exists("/set"))
        CHECK_OK(os_list("/set", add_size, &bytes));
    return bytes;
}

/* Below all ranks: a debug build aborts if this thread holds any lock. */
static void check_no_lock_is_held(void) {
    struct os_mutex lowest;
    os_mutex_init(&lowest, 1);
    os_mutex_lock(&lowest);
    os_mutex_unlock(&lowest);
    os_mutex_done(&lowest);
}

static pthread_t caller;

static JET_ERR JET_API hear(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    const JET_SNPROG *progress = data;
    check_no_lock_is_held();
    const uint32_t before = heard.calls ? heard.done[heard.calls - 1] : 0;
    heard.begins += snt == JET_sntBegin;
    heard.wrong |= !pthread_equal(pthread_self(), caller) || session != JET_sesidNil ||
                   (snp != JET_snpBackup && snp != JET_snpRestore) || heard.ends > 0 ||
                   (heard.calls == 0) != (snt == JET_sntBegin) || progress->cbStruct != sizeof *progress ||
                   progress->cunitTotal != 100 || progress->cunitDone < before || progress->cunitDone > 100 ||
                   (progress->cunitDone == 100) != (snt == JET_sntComplete);
    heard.ends += snt == JET_sntComplete || snt == JET_sntFail;
    heard.last = snt;
    heard.bytes[heard.calls] = set_bytes();
    heard.done[heard.calls] = progress->cunitDone;
    heard.calls += heard.calls < 199;
    return JET_errSuccess;
}

static void begin_to_listen(void) {
    memset(&heard, 0, sizeof heard);
    caller = pthread_self();
}

static void check_heard(JET_SNT end) {
    CU_ASSERT_FALSE(heard.wrong);
    CU_ASSERT_EQUAL(heard.begins, 1);
    CU_ASSERT_EQUAL(heard.ends, 1);
    CU_ASSERT_EQUAL(heard.last, end);
    memset(&heard, 0, sizeof heard);
}

/* The part of the set that is there, but for the piece that is under way. */
static void check_truthful(uint64_t piece) {
    const uint64_t all = heard.bytes[heard.calls - 1];
    CU_ASSERT_TRUE(heard.calls > 5);
    for (unsigned i = 0; i < heard.calls; i++) {
        const uint64_t should = heard.bytes[i] * 100 / all, off = piece * 100 / all + 3;
        if (heard.done[i] > should + 1 || heard.done[i] + off < should)
            printf("call %u: %u percent, and %u of the set\n", i, heard.done[i], (unsigned)should);
        CU_ASSERT_TRUE(heard.done[i] <= should + 1 && heard.done[i] + off >= should);
    }
}

static JET_ERR restore(const struct script *of, const char *set) {
    struct script s = *of;
    const JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = hear};
    snprintf(s.dir, sizeof s.dir, "/elsewhere");
    CHECK_OK(script_instance(&s));
    JET_ERR err = JetRestoreInstance2(s.instance, set, "/elsewhere/data", &info, 0);
    CHECK_OK(JetTerm(s.instance));
    return err;
}

static void refused__before_it_begins_is_told_by_its_error_alone(void) {
    struct script s;
    begin(&s);
    begin_to_listen();
    CHECK_ERR(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, hear), JET_errMissingFullBackup);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    CHECK_ERR(JetBackupInstance(s.instance, "/set", 0, hear), JET_errBackupInProgress);
    CHECK_ERR(JetBackupInstance(s.instance, NULL, 0, hear), JET_errBackupInProgress);
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
    disk_put("/full/file", "x", 1);
    CHECK_ERR(JetBackupInstance(s.instance, "/full", 0, hear), JET_errBackupDirectoryNotEmpty);
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    CHECK_ERR(JetBackupInstance(s.instance, "/full", JET_bitBackupIncremental, hear), JET_errMissingFullBackup);
    CHECK_ERR(restore(&s, "/none"), JET_errFileNotFound);
    CHECK_ERR(restore(&s, "/full"), JET_errFileNotFound);
    CU_ASSERT_EQUAL(heard.calls, 0);
    end(&s);
}

static void failed__after_it_began_ends_with_fail(void) {
    struct script s;
    begin(&s);
    begin_to_listen();
    disk_fail(1, "/set/b.edb", JET_errDiskFull);
    CHECK_ERR(JetBackupInstance(s.instance, "/set", 0, hear), JET_errDiskFull);
    check_heard(JET_sntFail);
    disk_fail(1, "/set/backup.manifest.tmp", JET_errDiskFull);
    CHECK_ERR(JetBackupInstance(s.instance, "/set", 0, hear), JET_errDiskFull);
    CU_ASSERT_PTR_NOT_NULL_FATAL(disk_failed());
    check_heard(JET_sntFail);
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    disk_flip("/set/b.edb", 5 * PAGE + 100, 3);
    CHECK_ERR(restore(&s, "/set"), JET_errReadVerifyFailure);
    check_heard(JET_sntFail);
    end(&s);
}

static void every_kind__begins_once_and_completes_once(void) {
    struct script s;
    begin(&s);
    begin_to_listen();
    CHECK_OK(JetBackupInstance(s.instance, NULL, 0, hear));
    check_heard(JET_sntComplete);
    CHECK_OK(JetBackupInstance(s.instance, "/atomic", JET_bitBackupAtomic, hear));
    check_heard(JET_sntComplete);
    CHECK_OK(script_run(&s, 40));
    CHECK_OK(JetBackupInstance(s.instance, "/atomic", JET_bitBackupAtomic | JET_bitBackupIncremental, hear));
    check_heard(JET_sntComplete);
    CHECK_OK(restore(&s, "/atomic"));
    check_heard(JET_sntComplete);
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = hear};
    CHECK_OK(script_instance(&s));
    CHECK_OK(JetInit3(&s.instance, &info, 0));
    check_heard(JET_sntComplete);
    CHECK_OK(JetTerm2(s.instance, JET_bitTermDirty));
    CHECK_OK(script_instance(&s));
    disk_delete("/d/system/edb.log");
    CHECK_ERR(JetInit3(&s.instance, &info, 0), JET_errMissingLogFile);
    check_heard(JET_sntFail);
    CHECK_OK(JetTerm(s.instance));
    disk_done();
}

/* The checkpoint is far behind the first log file. */
static void units__are_the_part_of_the_set_that_is_there(void) {
    struct script s;
    disk_install(test_random());
    script_init(&s, test_random(), "/d");
    s.wide = true;
    CHECK_OK(script_start(&s));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, 20));
    CHECK_OK(script_stop(&s, 0));
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE(logs().low == 1 && logs().current > 60);
    begin_to_listen();
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, hear));
    check_truthful(1u << 20);
    check_heard(JET_sntComplete);
    CHECK_OK(script_stop(&s, 0));
    disk_done();
}

TEST_MAIN(TEST(refused__before_it_begins_is_told_by_its_error_alone), TEST(failed__after_it_began_ends_with_fail),
          TEST(every_kind__begins_once_and_completes_once), TEST(units__are_the_part_of_the_set_that_is_there))
