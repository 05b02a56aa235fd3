/* The frame of every test executable, over CUnit's basic interface. CUnit calls begin_test() and end_test() around
 * each test, also when a fatal assertion jumped out of it. CUnit's own result is not enough: it reports success for a
 * run in which assertions failed, so the exit code is made of the counters. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#ifndef ESENT_SOURCE_DIR
#error "the build defines ESENT_SOURCE_DIR, the root of the sources"
#endif

#define PATH_BYTES 4096
#define EXIT_SKIPPED 77

static const char *suite_name;
static pthread_t main_thread;
static uint64_t run_seed;
static atomic_uint_fast64_t random_state;
static unsigned tests_skipped;

/* The running test. */
static char dir[PATH_BYTES / 2]; /* "" until asked for */
static unsigned failures_before;
static bool skipped;

static void die(const char *what, const char *detail) {
    fprintf(stderr, "test: %s: %s: %s\n", what, detail, strerror(errno));
    exit(2);
}

/* ---- random numbers ---- */

/* splitmix64: any thread may draw. */
uint64_t test_random(void) {
    uint64_t z = atomic_fetch_add(&random_state, UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t test_random_below(uint64_t end) {
    return end ? test_random() % end : 0;
}

static uint64_t choose_seed(void) {
    const char *given = getenv("ESENT_TEST_SEED");
    if (given)
        return strtoull(given, NULL, 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000003 ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 20) & 0xFFFFFFFFFF;
}

/* A test draws the same numbers whether it runs alone or among others. */
static uint64_t seed_of_test(const char *name) {
    uint64_t h = UINT64_C(14695981039346656037) ^ run_seed;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return h;
}

/* ---- the test's directory ---- */

const char *test_dir(void) {
    if (!dir[0]) {
        const char *tmp = getenv("TMPDIR");
        int n = snprintf(dir, sizeof dir, "%s/%s-XXXXXX", tmp && tmp[0] ? tmp : "/tmp", suite_name);
        if (n >= (int)sizeof dir || !mkdtemp(dir))
            die("cannot make a directory", dir);
    }
    return dir;
}

const char *test_path(const char *name) {
    static char ring[16][PATH_BYTES];
    static unsigned next;
    char *out = ring[next++ % 16];
    if (snprintf(out, PATH_BYTES, "%s/%s", test_dir(), name) >= PATH_BYTES)
        die("path is too long", name);
    return out;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st, (void)where;
    if (kind == FTW_DNR)
        chmod(path, 0700);
    return remove(path);
}

bool test_remove(const char *path) {
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

static void begin_test(void) {
    dir[0] = '\0';
    skipped = false;
    failures_before = CU_get_number_of_failures();
    atomic_store(&random_state, seed_of_test(CU_get_current_test()->pName));
}

static void end_test(void) {
    if (skipped)
        tests_skipped++;
    if (!dir[0])
        return;
    if (CU_get_number_of_failures() > failures_before)
        printf("\n    kept: %s", dir);
    else if (!test_remove(dir))
        printf("\n    could not remove %s: %s", dir, strerror(errno));
}

void test_skip(const char *why) {
    if (!skipped)
        printf("\n    skipped: %s", why);
    skipped = true;
}

void test_figure(const char *kind, uint64_t count, const char *of, uint64_t bad, const char *how) {
    const char *path = getenv("ESENT_TEST_FIGURES");
    char line[200];
    int n = snprintf(line, sizeof line, "%s: %llu %s, %llu %s\n", kind, (unsigned long long)count, of,
                     (unsigned long long)bad, how);
    printf("\n    %s", line);
    if (!path || n >= (int)sizeof line)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666); /* one write: tests run side by side */
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        die("cannot write", path);
    close(fd);
}

/* ---- other programs ---- */

/* Runs argv with its output to a file (NULL: ours). The exit code; 127 if it could not be started or was killed. */
static int run(char *const argv[], const char *output) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("fork", argv[0]);
    if (pid == 0) {
        if (output) {
            int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
            if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
                _exit(127);
        }
        execvp(argv[0], argv);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            die("waitpid", argv[0]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static void shared_path(char out[PATH_BYTES], const char *folder, const char *name, const char *suffix) {
    const char *shared = getenv("ESENT_SHARED");
    int n = shared ? snprintf(out, PATH_BYTES, "%s/%s/%s%s", shared, folder, name, suffix)
                   : snprintf(out, PATH_BYTES, "%s/../shared/%s/%s%s", ESENT_SOURCE_DIR, folder, name, suffix);
    if (n >= PATH_BYTES)
        die("path is too long", name);
}

const char *test_windows_file(const char *name) {
    char packed[PATH_BYTES];
    shared_path(packed, "edb", name, ".gz");
    if (access(packed, R_OK) != 0) {
        test_skip("no files from Windows here");
        return NULL;
    }
    const char *path = test_path(name);
    char *argv[] = {"gzip", "-dc", packed, NULL};
    if (run(argv, path) != 0)
        die("cannot unpack", packed);
    return path;
}

const char *test_edbcheck_script(void) {
    static char script[PATH_BYTES];
    shared_path(script, "edbcheck", "edbcheck.py", "");
    return access(script, R_OK) == 0 ? script : NULL;
}

int test_edbcheck(const char *path) {
    const char *script = test_edbcheck_script();
    int rc = 127;
    if (script) {
        char *argv[] = {"python3", (char *)script, (char *)path, NULL};
        rc = run(argv, NULL);
    }
    if (rc == 127) {
        test_skip("no edbcheck.py here");
        return -1;
    }
    return rc == 0 ? 0 : 1;
}

int test_check(const char *path) {
    char tool[PATH_BYTES];
    snprintf(tool, sizeof tool, "%s/bin/esentutl", ESENT_BINARY_DIR);
    char *argv[] = {tool, "check", (char *)path, NULL};
    return run(argv, NULL);
}

/* ---- assertions and main ---- */

void test_check_err(int32_t got, int32_t expected, const char *expr, const char *file, int line) {
    char text[1024];
    snprintf(text, sizeof text, "%s: got %s (%d), expected %s (%d)", expr, err_name(got), (int)got, err_name(expected),
             (int)expected);
    if (got != expected && !pthread_equal(pthread_self(), main_thread)) {
        fprintf(stderr, "%s:%d: %s\n", file, line,
                text); /* a longjmp to another thread's stack is worse than the end */
        abort();
    }
    CU_assertImplementation(got == expected, (unsigned)line, text, file, "", CU_TRUE);
}

static bool selected(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc < 2;
}

int test_main(int argc, char **argv, const struct test_case *cases, size_t count) {
    const char *slash = strrchr(argv[0], '/');
    suite_name = slash ? slash + 1 : argv[0];
    main_thread = pthread_self();
    run_seed = choose_seed();
    printf("%s: ESENT_TEST_SEED=%llu repeats this run\n", suite_name, (unsigned long long)run_seed);

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, begin_test, end_test);
    if (!suite)
        return 2;
    for (size_t i = 0; i < count; i++) {
        if (selected(cases[i].name, argc, argv) && !CU_add_test(suite, cases[i].name, cases[i].fn))
            return 2;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_ErrorCode rc = CU_basic_run_tests();
    unsigned ran = CU_get_number_of_tests_run();
    bool failed = rc != CUE_SUCCESS || CU_get_number_of_failures() > 0 || CU_get_number_of_failure_records() > 0;
    CU_cleanup_registry();

    if (tests_skipped > 0)
        printf("%u of %u tests were skipped\n", tests_skipped, ran);
    if (failed || ran == 0) {
        printf("%s: %s\n", suite_name, failed ? "FAILED" : "FAILED: no test ran");
        return 1;
    }
    return tests_skipped == ran ? EXIT_SKIPPED : 0;
}
