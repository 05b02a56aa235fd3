/* The example programs, run as a reader would: each in a new directory, where it compares what it restored with what it
 * wrote and says so by its exit code. What they leave behind is looked at as well. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

/* In the test's directory, which is also its first argument. The exit code; what it prints goes to the file `output`.
 */
static int run(const char *program, const char *second) {
    char command[2048];
    snprintf(command, sizeof command, "cd '%s' && '%s/bin/%s' '%s' %s >output", test_dir(), ESENT_BINARY_DIR, program,
             test_dir(), second);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool says(const char *words) {
    char command[2048];
    snprintf(command, sizeof command, "grep -q '%s' '%s'", words, test_path("output"));
    return system(command) == 0;
}

static void check_database(const char *name) {
    CU_ASSERT(test_edbcheck(test_path(name)) <= 0);
    CU_ASSERT_EQUAL(test_check(test_path(name)), 0);
}

static void embed__finds_the_record_it_committed(void) {
    CU_ASSERT_EQUAL(run("embed", ""), 0);
    CU_ASSERT(says("^42: hello$"));
    check_database("embed.edb");
}

static void backup__restores_every_record_and_reports_progress(void) {
    CU_ASSERT_EQUAL(run("backup", ""), 0);
    CU_ASSERT(says("^3000 of 3000 records are back$"));
    CU_ASSERT(says("^backup begins$") && says("^backup: .* of 100$") && says("^backup is complete$"));
    CU_ASSERT(says("^restore begins$") && says("^restore: .* of 100$") && says("^restore is complete$"));
    check_database("live/numbers.edb");
}

static void backup_stream__restores_every_record_from_what_it_read(void) {
    CU_ASSERT_EQUAL(run("backup_stream", ""), 0);
    CU_ASSERT(says("^3000 of 3000 records are back"));
    check_database("restored/numbers.edb");
}

static void demo__proves_that_every_acknowledged_row_is_back(void) {
    CU_ASSERT_EQUAL(run("demo", ESENT_SOURCE_DIR "/include/esent.h"), 0);
}

TEST_MAIN(TEST(embed__finds_the_record_it_committed), TEST(backup__restores_every_record_and_reports_progress),
          TEST(backup_stream__restores_every_record_from_what_it_read),
          TEST(demo__proves_that_every_acknowledged_row_is_back))
