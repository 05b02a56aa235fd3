/* Databases that Windows wrote: attached, backed up, restored; what another reader exports of them stays the same byte
 * for byte (P11, P13). */
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/test.h"

static uint32_t page_size_of(const char *path) {
    uint32_t size = 0;
    CHECK_OK(JetGetDatabaseFileInfo(path, &size, sizeof size, JET_DbInfoPageSize));
    return size;
}

static JET_INSTANCE instance_at(const char *dir, const char *name) {
    JET_INSTANCE instance;
    CHECK_OK(JetCreateInstance(&instance, name));
    CHECK_OK(JetSetSystemParameter(&instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK_OK(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, dir));
    CHECK_OK(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, dir));
    return instance;
}

static void run(const char *command) {
    int status = system(command);
    if (status != 0)
        printf("%s: status %d\n", command, status);
    CU_ASSERT_EQUAL_FATAL(status, 0);
}

#ifndef __SANITIZE_ADDRESS__
static bool have_esedbexport(void) {
    if (system("command -v esedbexport >/dev/null 2>&1") == 0)
        return true;
    test_skip("esedbexport is not installed");
    return false;
}

/* Exports every table with libesedb's program, two files side by side (it is slow), and compares. */
static void check_exports_agree(const char *one, const char *other) {
    char command[4000];
    snprintf(command, sizeof command,
             "esedbexport -t '%s' '%s' >/dev/null 2>&1 & esedbexport -t '%s' '%s' >/dev/null 2>&1; wait; test -d "
             "'%s.export' && diff -r '%s.export' '%s.export'",
             test_path("a"), one, test_path("b"), other, test_path("a"), test_path("a"), test_path("b"));
    run(command);
}

#endif

/* Everything but the two headers, as far as the restored file goes. */
static void check_pages_are_equal(const char *one, const char *other, uint32_t page_size) {
    char command[3000];
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(stat(other, &st), 0);
    snprintf(command, sizeof command, "cmp -n %lld -i %u '%s' '%s'", (long long)st.st_size - 2 * (long long)page_size,
             2 * page_size, one, other);
    run(command);
}

static void check_round_trip(const char *name) {
    const char *windows = test_windows_file(name);
    char original[512], live[512], command[3000];
    JET_SESID session;
    JET_INSTANCE instance;

    if (!windows)
        return;
    snprintf(original, sizeof original, "%s", windows);
    snprintf(live, sizeof live, "%s", test_path("live.edb"));
    snprintf(command, sizeof command, "cp '%s' '%s' && chmod u+w '%s'", original, live, live);
    run(command);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, page_size_of(live), NULL));
    instance = instance_at(test_path("system"), "windows");
    CHECK_OK(JetInit(&instance));
    CHECK_OK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK_OK(JetAttachDatabase(session, live, 0));
    CHECK_OK(JetBackupInstance(instance, test_path("backup"), 0, NULL));
    CHECK_OK(JetDetachDatabase(session, live));
    CHECK_OK(JetTerm(instance));
    instance = instance_at(test_path("other"), "restored");
    CHECK_OK(JetRestoreInstance(instance, test_path("backup"), test_path("restored"), NULL));
    CHECK_OK(JetTerm(instance));
    JET_DBINFOMISC misc;
    CHECK_OK(JetGetDatabaseFileInfo(test_path("restored/live.edb"), &misc, sizeof misc, JET_DbInfoMisc));
    CU_ASSERT_EQUAL(misc.dbstate, JET_dbstateCleanShutdown);
    check_pages_are_equal(original, live, page_size_of(original));
    check_pages_are_equal(original, test_path("restored/live.edb"), page_size_of(original));
#ifndef __SANITIZE_ADDRESS__ /* the other reader does not run faster or slower for it */
    if (have_esedbexport())
        check_exports_agree(original, test_path("restored/live.edb"));
#endif
}

static void srudb__survives_backup_and_restore(void) {
    check_round_trip("SRUDB.dat");
}
static void large__survives_backup_and_restore(void) {
    check_round_trip("large.edb");
}
static void current__survives_backup_and_restore(void) {
    check_round_trip("Current.mdb");
}
static void index__survives_backup_and_restore(void) {
    check_round_trip("index.edb");
}

TEST_MAIN(TEST(srudb__survives_backup_and_restore), TEST(large__survives_backup_and_restore),
          TEST(current__survives_backup_and_restore), TEST(index__survives_backup_and_restore))
