/* The frame of every test executable: one CUnit suite, named after its file, run by test_main().
 *
 *     static void page_insert__keeps_lines_in_key_order(void) { ... CU_ASSERT_EQUAL(...); }
 *     TEST_MAIN(TEST(page_insert__keeps_lines_in_key_order), TEST(...))
 *
 * Exit code 0 only if at least one test ran and no assertion failed; 77 if everything was skipped. */
#ifndef ESENT_TESTS_TEST_H
#define ESENT_TESTS_TEST_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
    const char *name;
    void (*fn)(void);
};
#define TEST(fn)                                                                                                       \
    { #fn, fn }
#define TEST_MAIN(...)                                                                                                 \
    int main(int argc, char **argv) {                                                                                  \
        static const struct test_case cases[] = {__VA_ARGS__};                                                         \
        return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);                                           \
    }
/* Arguments: names of tests to run (none: all). Environment: ESENT_TEST_SEED repeats a random run. */
int test_main(int argc, char **argv, const struct test_case *cases, size_t count);

/* A fresh directory for the running test; removed when the test passes, kept and printed when it fails. */
const char *test_dir(void);
/* "<test_dir>/<name>" in a static ring of 16 buffers. */
const char *test_path(const char *name);
bool test_remove(const char *path); /* a directory and what is in it */

/* Unpacks shared/edb/NAME.gz (found at ../shared from the source root) to the test directory and returns its path;
 * NULL where absent, and the test is reported as skipped: `if (!path) return;` */
const char *test_windows_file(const char *name);
/* Runs edbcheck.py on a file: 0 clean, 1 problems (printed), -1 absent (reported as skipped). */
int test_edbcheck(const char *path);
const char *test_edbcheck_script(void); /* NULL: absent */
/* Runs our own `esentutl check` of this build: its exit code, 0 clean. */
int test_check(const char *path);
void test_skip(const char *why);

/* One line of what `./dev test` sums up at its end: "power cut: 1200 states, 0 lost". Printed, and appended to the file
 * that ESENT_TEST_FIGURES names. The caller asserts that nothing was bad. */
void test_figure(const char *kind, uint64_t count, const char *of, uint64_t bad, const char *how);

/* Random numbers of the run: the seed is printed at the start, ESENT_TEST_SEED sets it. */
uint64_t test_random(void);
uint64_t test_random_below(uint64_t end);

#define CHECK_OK(expr)                                                                                                 \
    do {                                                                                                               \
        JET_ERR check_err_ = (expr);                                                                                   \
        test_check_err(check_err_, 0, #expr, __FILE__, __LINE__);                                                      \
    } while (0)
#define CHECK_ERR(expr, expected)                                                                                      \
    do {                                                                                                               \
        JET_ERR check_err_ = (expr);                                                                                   \
        test_check_err(check_err_, (expected), #expr, __FILE__, __LINE__);                                             \
    } while (0)
/* Fatal to the test (longjmp out) when it does not hold; prints the error's name. */
void test_check_err(int32_t got, int32_t expected, const char *expr, const char *file, int line);

#endif
