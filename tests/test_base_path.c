/* Paths as text. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <string.h>
#include <unistd.h>

#include "base/os.h"

static char long_path[OS_PATH_MAX + 16]; /* "/aaaa...", set by make_long() */

static const char *make_long(size_t length) {
    memset(long_path, 'a', length);
    long_path[0] = '/';
    long_path[length] = '\0';
    return long_path;
}

static void os_path_join__puts_exactly_one_slash_between(void) {
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"},
        {"", "b", "b"},    {"a", "", "a/"},    {"a/b", "c/d", "a/b/c/d"},
    };
    char out[OS_PATH_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_OK(os_path_join(out, cases[i][0], cases[i][1]));
        CU_ASSERT_STRING_EQUAL(out, cases[i][2]);
    }
    strcpy(out, "dir");
    CHECK_OK(os_path_join(out, out, "name")); /* in place */
    CU_ASSERT_STRING_EQUAL(out, "dir/name");
}

static void os_path_join__too_long_is_an_error_and_the_last_fit_is_not(void) {
    char out[OS_PATH_MAX];
    CHECK_OK(os_path_join(out, make_long(OS_PATH_MAX - 3), "b"));
    CU_ASSERT_EQUAL(strlen(out), OS_PATH_MAX - 1);
    CHECK_ERR(os_path_join(out, make_long(OS_PATH_MAX - 2), "b"), JET_errInvalidPath);
    CHECK_ERR(os_path_join(out, "b", make_long(OS_PATH_MAX)), JET_errInvalidPath);
}

static void os_path_absolute__resolves_dots_by_text(void) {
    static const char *const cases[][2] = {
        {"/", "/"},           {"//", "/"},       {"/a/b", "/a/b"},       {"/a//b/", "/a/b"},
        {"/a/./b/.", "/a/b"}, {"/a/../b", "/b"}, {"/a/b/../../c", "/c"}, {"/..", "/"},
        {"/../../a", "/a"},   {"/a/..", "/"},    {"/.../a", "/.../a"},   {"/a/..b/.c", "/a/..b/.c"},
    };
    char out[OS_PATH_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_OK(os_path_absolute(out, cases[i][0]));
        CU_ASSERT_STRING_EQUAL(out, cases[i][1]);
    }
    strcpy(out, "/x/../y");
    CHECK_OK(os_path_absolute(out, out)); /* in place */
    CU_ASSERT_STRING_EQUAL(out, "/y");
    CHECK_ERR(os_path_absolute(out, ""), JET_errInvalidPath);
}

static void os_path_absolute__starts_from_the_working_directory(void) {
    char out[OS_PATH_MAX], want[OS_PATH_MAX], old[OS_PATH_MAX], here[OS_PATH_MAX];
    CU_ASSERT_FATAL(getcwd(old, sizeof old) != NULL);
    CHECK_OK(os_make_dirs(test_path("d/e")));
    CU_ASSERT_EQUAL_FATAL(chdir(test_path("d/e")), 0);
    bool found = getcwd(here, sizeof here) != NULL;
    JET_ERR name = os_path_absolute(out, "./f/../g"), join = os_path_join(want, here, "g");
    char up[OS_PATH_MAX];
    JET_ERR above = os_path_absolute(up, "..");
    CU_ASSERT_EQUAL(chdir(old), 0);
    CU_ASSERT(found);
    CHECK_OK(name);
    CHECK_OK(join);
    CHECK_OK(above);
    CU_ASSERT_STRING_EQUAL(out, want);
    CU_ASSERT_STRING_EQUAL(os_path_name(up), "d");
}

static void os_path_absolute__too_long_is_an_error(void) {
    char out[OS_PATH_MAX];
    CHECK_OK(os_path_absolute(out, make_long(OS_PATH_MAX - 1)));
    CU_ASSERT_EQUAL(strlen(out), OS_PATH_MAX - 1);
    CHECK_ERR(os_path_absolute(out, make_long(OS_PATH_MAX)), JET_errInvalidPath);
    CHECK_ERR(os_path_absolute(out, make_long(OS_PATH_MAX) + 1), JET_errInvalidPath);
}

static void os_path_parent__is_the_directory_that_holds_it(void) {
    static const char *const cases[][2] = {
        {"a", "."}, {"a/b", "a"}, {"a/b/", "a"},  {"a//b", "a"},    {"/a", "/"},
        {"/", "/"}, {"//a", "/"}, {"/a/b", "/a"}, {"/a/b//", "/a"}, {"./a", "."},
    };
    char out[OS_PATH_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_OK(os_path_parent(out, cases[i][0]));
        CU_ASSERT_STRING_EQUAL(out, cases[i][1]);
    }
    CHECK_ERR(os_path_parent(out, ""), JET_errInvalidPath);
    CHECK_ERR(os_path_parent(out, make_long(OS_PATH_MAX)), JET_errInvalidPath);
}

static void os_path_name__is_what_follows_the_last_slash(void) {
    CU_ASSERT_STRING_EQUAL(os_path_name("/a/edb.log"), "edb.log");
    CU_ASSERT_STRING_EQUAL(os_path_name("edb.log"), "edb.log");
    CU_ASSERT_STRING_EQUAL(os_path_name("a/"), "");
    CU_ASSERT_STRING_EQUAL(os_path_name(""), "");
}

TEST_MAIN(TEST(os_path_join__puts_exactly_one_slash_between),
          TEST(os_path_join__too_long_is_an_error_and_the_last_fit_is_not),
          TEST(os_path_absolute__resolves_dots_by_text), TEST(os_path_absolute__starts_from_the_working_directory),
          TEST(os_path_absolute__too_long_is_an_error), TEST(os_path_parent__is_the_directory_that_holds_it),
          TEST(os_path_name__is_what_follows_the_last_slash))
