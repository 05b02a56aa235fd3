/* Events: each step of backup, restore and recovery is told, with ESE's number and the facts that a user needs. The
 * severity of every event that is expected is compared with docs/events.md. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/fault.h"
#include "tests/lib/testapi.h"
#include "tests/lib/testevents.h"

#define PAGE 4096u

static const char *number(unsigned long long n) {
    static char ring[8][24];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%llu", n);
    return out;
}

/* ---- instances and databases ---- */

static void instance__tells_its_start_its_databases_and_its_stop(void) {
    testevents_forget();
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    JET_INSTANCE inst = t.inst;
    const struct testevent *h = testevents_expect(102, NULL);
    CU_ASSERT_EQUAL(h->instance, inst);
    CU_ASSERT_EQUAL(strncmp(h->name, "test", 4), 0); /* testapi_new named it */
    testapi_create(&t, "x.edb");
    testevents_expect(326, testapi_path(&t, "x.edb"), NULL);
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetDetachDatabase(t.ses, NULL));
    testevents_expect(327, testapi_path(&t, "x.edb"), NULL);
    testapi_stop(&t);
    h = testevents_expect(103, NULL);
    CU_ASSERT_EQUAL(h->instance, inst);
    CU_ASSERT_FALSE(testevents_was_heard(104));

    struct testapi again = testapi_listening("i", testevents_hear);
    CHECK_OK(JetSetSystemParameter(&again.inst, 0, JET_paramLogFilePath, 0, test_path("missing")));
    CHECK_ERR(JetInit(&again.inst), JET_errInvalidLogDirectory);
    testevents_expect(104, "JET_errInvalidLogDirectory", NULL);
    CHECK_OK(JetTerm(again.inst));
}

/* ---- backup ---- */

static void backup__tells_each_step_with_files_sizes_and_ranges(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    testapi_fill(&t, table, 1, 2000); /* more than one log file */
    mkdir(test_path("set"), 0777);

    testevents_forget();
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    struct stat copy;
    unsigned first = 0, last = 0, more = 0;
    CU_ASSERT_EQUAL_FATAL(stat(test_path("set/x.edb"), &copy), 0);
    testevents_expect(210, test_path("set"), NULL);
    testevents_expect(220, testapi_path(&t, "x.edb"), number((unsigned long long)copy.st_size), NULL);
    testevents_expect(221, testapi_path(&t, "x.edb"), NULL);
    const struct testevent *range = testevents_expect(223, NULL);
    const char *digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &first, &last) == 2);
    CU_ASSERT(first >= 1 && last >= first);
    testevents_expect(testevents_was_heard(224) ? 224 : 225, NULL);
    testevents_expect(213, NULL);

    testapi_fill(&t, table, 2001, 6000);
    testevents_forget();
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL));
    testevents_expect(211, test_path("set"), NULL);
    range = testevents_expect(223, number(last + 1), NULL); /* follows the full one */
    digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &first, &more) == 2);
    CU_ASSERT(first == last + 1 && more > last);
    testevents_expect(testevents_was_heard(224) ? 224 : 225, NULL);
    testevents_expect(213, NULL);
    CU_ASSERT_FALSE(testevents_was_heard(220));
    testapi_stop(&t);
}

/* Nothing to delete, and then, when the checkpoint has moved on, something. */
static void truncation__tells_what_it_deletes(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    testevents_forget();
    CHECK_OK(JetBackupInstance(t.inst, NULL, 0, NULL));
    testevents_expect(225, NULL);
    testevents_expect(213, NULL);
    testapi_fill(&t, table, 1, 4000);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    testapi_fill(&t, table, 4001, 8000);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL));
    testapi_stop(&t);

    t = testapi_listening("i", testevents_hear); /* from here on the checkpoint is at the end */
    testapi_run(&t);
    testapi_attach(&t, "x.edb");
    unsigned low = 0, high = 0;
    testevents_forget();
    CHECK_OK(JetBackupInstance(t.inst, NULL, 0, NULL));
    const struct testevent *range = testevents_expect(224, NULL);
    const char *digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &low, &high) == 2);
    char name[32];
    snprintf(name, sizeof name, "edb%05X.log", high);
    CU_ASSERT(low >= 1 && high >= low);
    CU_ASSERT_FALSE(testapi_exists(testapi_path(&t, name)));
    testapi_stop(&t);
}

/* Two bits in each half of the page that holds the text: more than the checksum can correct. */
static unsigned damage_page_with(const char *path, const char *text) {
    static char bytes[8u << 20];
    FILE *f = fopen(path, "r+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    const char *at = memmem(bytes, n, text, strlen(text));
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    long page = (at - bytes) / (long)PAGE * (long)PAGE;
    for (unsigned i = 0; i < 8; i++) {
        long offset = page + 100 + (long)i * 451;
        fseek(f, offset, SEEK_SET);
        fputc(bytes[offset] ^ (1 << i), f);
    }
    fclose(f);
    return (unsigned)(page / (long)PAGE) - 1;
}

static void backup__that_fails_names_the_page_the_file_and_the_error(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    testapi_fill(&t, testapi_table(&t, "t"), 1, 1000);
    testapi_stop(&t);
    unsigned pgno = damage_page_with(test_path("i/x.edb"), "row number 500,");
    mkdir(test_path("set"), 0777);

    t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_attach(&t, "x.edb");
    testevents_forget();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, NULL), JET_errReadVerifyFailure);
    testevents_expect(474, testapi_path(&t, "x.edb"), number(pgno), number((pgno + 1ull) * PAGE),
                      "JET_errReadVerifyFailure", NULL);
    testevents_expect(217, testapi_path(&t, "x.edb"), "JET_errReadVerifyFailure", NULL);
    testevents_expect(214, "JET_errReadVerifyFailure", NULL);
    CU_ASSERT_FALSE(testevents_was_heard(213) || testevents_was_heard(219) || testevents_was_heard(224));

    testevents_forget();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL), JET_errMissingFullBackup);
    testevents_expect(206, testapi_path(&t, "x.edb"), NULL);
    testapi_stop(&t);
}

static JET_ERR refuse(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    return snt == JET_sntProgress ? JET_errCallbackFailed : JET_errSuccess;
}

static void backup__that_its_callback_ends_says_so(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    testevents_forget();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, refuse), JET_errCallbackFailed);
    testevents_expect(214, "JET_errCallbackFailed", NULL);
    testapi_stop(&t);
}

static JET_INSTANCE to_stop;

static JET_ERR stop_it(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    return snt == JET_sntProgress ? JetStopBackupInstance(to_stop) : JET_errSuccess;
}

static void backup__that_is_stopped_says_by_whom(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    to_stop = t.inst;
    testevents_forget();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, stop_it), JET_errBackupAbortByServer);
    testevents_expect(226, NULL);
    testevents_forget();
    CHECK_OK(JetBeginExternalBackupInstance(t.inst, 0));
    testevents_expect(210, NULL);
    CHECK_OK(JetEndExternalBackupInstance2(t.inst, JET_bitBackupEndAbort));
    testevents_expect(215, NULL);
    CU_ASSERT_FALSE(testevents_was_heard(213) || testevents_was_heard(214));
    testapi_stop(&t);
}

static void external_backup__tells_what_its_client_left_out(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    JET_HANDLE file;
    uint32_t low, high, got;
    void *buffer = aligned_alloc(4096, 16 * PAGE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    testevents_forget();
    CHECK_OK(JetBeginExternalBackupInstance(t.inst, 0));
    CHECK_OK(JetOpenFileInstance(t.inst, testapi_path(&t, "x.edb"), &file, &low, &high));
    testevents_expect(220, testapi_path(&t, "x.edb"), number(low), NULL);
    CHECK_OK(JetReadFileInstance(t.inst, file, buffer, 16 * PAGE, &got));
    CU_ASSERT(got == 16 * PAGE && low > got);
    CHECK_OK(JetCloseFileInstance(t.inst, file));
    testevents_expect(222, testapi_path(&t, "x.edb"), number(got), number(low), NULL);
    CHECK_OK(JetGetLogInfoInstance(t.inst, NULL, 0, NULL));
    testevents_expect(223, NULL);
    CHECK_ERR(JetTruncateLogInstance(t.inst), JET_errLogFileNotCopied);
    testevents_expect(520, NULL);
    CHECK_ERR(JetEndExternalBackupInstance(t.inst), JET_errInvalidBackupSequence);
    testevents_expect(214, "JET_errInvalidBackupSequence", NULL);
    CU_ASSERT_FALSE(testevents_was_heard(221) || testevents_was_heard(213));
    testapi_stop(&t);
    free(buffer);
}

/* ---- restore and recovery ---- */

static void recovery__tells_where_it_begins_each_log_file_and_its_end(void) {
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    testapi_fill(&t, testapi_table(&t, "t"), 1, 2000);
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));

    t = testapi_listening("i", testevents_hear);
    testevents_forget();
    testapi_run(&t);
    testevents_expect(102, NULL);
    testevents_expect(300, NULL);
    testevents_expect(301, testapi_path(&t, "edb"), ".log", NULL);
    testevents_expect(302, NULL);
    testapi_attach(&t, "x.edb");
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));

    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "edb.log")), 0);
    t = testapi_listening("i", testevents_hear);
    testevents_forget();
    CHECK_ERR(JetInit(&t.inst), JET_errMissingLogFile);
    testevents_expect(450, testapi_path(&t, "edb.log"), NULL);
    testevents_expect(104, "JET_errMissingLogFile", NULL);
    CHECK_OK(JetTerm(t.inst));
}

/* A log file of a set; it has only those. */
static const char *log_file_of(const char *dir) {
    static char path[1024];
    *path = 0;
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, "edb", 3) == 0 && strstr(e->d_name, ".log"))
            snprintf(path, sizeof path, "%s/%.200s", dir, e->d_name);
    closedir(d);
    CU_ASSERT_NOT_EQUAL_FATAL(*path, 0);
    return path;
}

static void restore__tells_set_and_place_replay_and_end_and_what_is_missing(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    testapi_fill(&t, testapi_table(&t, "t"), 1, 100);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    testapi_stop(&t);

    t = testapi_listening("r", testevents_hear);
    testevents_forget();
    CHECK_OK(JetRestoreInstance(t.inst, test_path("set"), t.dir, NULL));
    const struct testevent *h = testevents_expect(204, test_path("set"), t.dir, NULL);
    CU_ASSERT_EQUAL(h->instance, t.inst);
    testevents_expect(300, NULL);
    testevents_expect(301, ".log", NULL);
    testevents_expect(302, NULL);
    testevents_expect(205, NULL);
    CU_ASSERT_FALSE(testevents_was_heard(454));
    CHECK_OK(JetTerm(t.inst));

    const char *lost = log_file_of(test_path("set"));
    CU_ASSERT_EQUAL_FATAL(unlink(lost), 0);
    t = testapi_listening("r2", testevents_hear);
    testevents_forget();
    CHECK_ERR(JetRestoreInstance(t.inst, test_path("set"), t.dir, NULL), JET_errMissingRestoreLogFiles);
    testevents_expect(204, NULL);
    testevents_expect(435, lost, NULL);
    testevents_expect(454, test_path("set"), "JET_errMissingRestoreLogFiles", NULL);
    CU_ASSERT_FALSE(testevents_was_heard(205));
    CHECK_OK(JetTerm(t.inst));
}

static void copy_of_a_set__that_is_attached_is_named(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    testapi_stop(&t);
    t = testapi_listening("j", testevents_hear);
    testapi_run(&t);
    testevents_forget();
    CHECK_ERR(JetAttachDatabase(t.ses, test_path("set/x.edb"), 0), JET_errSoftRecoveryOnBackupDatabase);
    testevents_expect(619, test_path("set/x.edb"), NULL);
    testapi_stop(&t);
}

/* ---- disks ---- */

static void disk__that_fails_is_named_with_what_could_not_be_done(void) {
    fault_install();
    struct testapi t = testapi_listening("i", testevents_hear);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    testevents_forget();
    fault_add((struct fault){.op = FAULT_RESIZE, .name = "x.edb", .forever = true, .error = JET_errDiskFull});
    JET_ERR err = JET_errSuccess;
    CHECK_OK(JetBeginTransaction(t.ses));
    for (int32_t id = 1; id < 100000 && err >= JET_errSuccess; id++)
        err =
            testapi_insert(t.ses, table, id, "until the file has to grow, which is after a few hundred rows of these");
    CHECK_ERR(err, JET_errDiskFull);
    testevents_expect(424, testapi_path(&t, "x.edb"), NULL);
    CHECK_OK(JetRollback(t.ses, 0));
    fault_clear();

    testevents_forget();
    fault_add((struct fault){.op = FAULT_WRITE, .name = "edb", .forever = true, .error = JET_errDiskIO});
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 1, "x");
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errLogWriteFail);
    testevents_expect(408, t.dir, "JET_errDiskIO", NULL);
    testevents_expect(104, "JET_errLogWriteFail", NULL);
    CHECK_ERR(JetTerm(t.inst), JET_errInstanceUnavailable);
    testevents_expect(104, number(1090), NULL);
    fault_done();
}

TEST_MAIN(TEST(instance__tells_its_start_its_databases_and_its_stop),
          TEST(backup__tells_each_step_with_files_sizes_and_ranges), TEST(truncation__tells_what_it_deletes),
          TEST(backup__that_fails_names_the_page_the_file_and_the_error), TEST(backup__that_its_callback_ends_says_so),
          TEST(backup__that_is_stopped_says_by_whom), TEST(external_backup__tells_what_its_client_left_out),
          TEST(recovery__tells_where_it_begins_each_log_file_and_its_end),
          TEST(restore__tells_set_and_place_replay_and_end_and_what_is_missing),
          TEST(copy_of_a_set__that_is_attached_is_named), TEST(disk__that_fails_is_named_with_what_could_not_be_done))
