/* Files and directories of the real system: whole transfers, locks, sizes, and which error means what. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"

static struct os_file *make_file(const char *path, const char *text) {
    struct os_file *file;
    CHECK_OK(os_open(path, OS_WRITE | OS_CREATE, &file));
    CHECK_OK(os_write(file, 0, text, strlen(text)));
    return file;
}

static void make_closed_file(const char *name) {
    os_close(make_file(test_path(name), name));
}

static uint64_t size_of(const char *path) {
    struct os_stat st;
    CHECK_OK(os_stat(path, &st));
    return st.bytes;
}

/* ---- open ---- */

static void os_open__create_never_replaces_unless_it_may_truncate(void) {
    const char *path = test_path("f");
    struct os_file *file = make_file(path, "text");
    os_close(file);
    CHECK_ERR(os_open(path, OS_WRITE | OS_CREATE, &file), JET_errFileAlreadyExists);
    CU_ASSERT_EQUAL(size_of(path), 4);
    CHECK_OK(os_open(path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    os_close(file);
    CU_ASSERT_EQUAL(size_of(path), 0);
    CHECK_OK(os_open(test_path("new"), OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    os_close(file);
    os_close(NULL);
}

static void os_open__what_is_not_a_plain_file_is_denied(void) {
    struct os_file *file;
    CHECK_ERR(os_open(test_dir(), OS_READ, &file), JET_errFileAccessDenied);
    CHECK_ERR(os_open(test_dir(), OS_WRITE, &file), JET_errFileAccessDenied);
    CU_ASSERT_EQUAL_FATAL(mkfifo(test_path("fifo"), 0666), 0);
    CHECK_ERR(os_open(test_path("fifo"), OS_READ, &file), JET_errFileAccessDenied); /* and does not hang */
    CHECK_ERR(os_open(test_path("fifo"), OS_WRITE, &file), JET_errFileAccessDenied);
}

static void os_open__names_what_is_wrong_with_the_path(void) {
    static char name[300];
    struct os_file *file;
    memset(name, 'x', sizeof name - 1);
    CHECK_ERR(os_open(test_path("none"), OS_READ, &file), JET_errFileNotFound);
    CHECK_ERR(os_open(test_path("none/f"), OS_WRITE, &file), JET_errFileNotFound);
    CHECK_ERR(os_open(test_path("none/f"), OS_WRITE | OS_CREATE, &file), JET_errInvalidPath);
    CHECK_ERR(os_open(test_path(name), OS_WRITE | OS_CREATE, &file), JET_errInvalidPath);
    CHECK_ERR(os_open("", OS_READ, &file), JET_errFileNotFound);
    make_closed_file("f");
    CHECK_ERR(os_open(test_path("f/g"), OS_READ, &file), JET_errFileNotFound);
    CU_ASSERT_EQUAL_FATAL(symlink("loop", test_path("loop")), 0);
    CHECK_ERR(os_open(test_path("loop"), OS_READ, &file), JET_errInvalidPath);
}

static void os_open__running_out_of_descriptors_has_its_own_error(void) {
    struct os_file *file;
    struct rlimit old, low;
    make_closed_file("f");
    const char *path = test_path("f");
    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    JET_ERR err = os_open(path, OS_READ, &file);
    setrlimit(RLIMIT_NOFILE, &old);
    CHECK_ERR(err, JET_errOutOfFileHandles);
}

static void os_open__a_child_program_does_not_inherit_files(void) {
    struct os_file *file = make_file(test_path("f"), "x");
    int found = 0;
    for (int fd = 3; fd < 64; fd++) {
        char link[32], target[4096];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        if (strcmp(os_path_name(target), "f") == 0) {
            found++;
            CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
    }
    CU_ASSERT_EQUAL(found, 1);
    os_close(file);
}

/* ---- locks ---- */

static void os_lock__one_writer_or_many_readers_within_one_process(void) {
    const char *path = test_path("f");
    struct os_file *a, *b, *c;
    os_close(make_file(path, "text"));
    CHECK_OK(os_open(path, OS_WRITE | OS_LOCK, &a));
    CHECK_ERR(os_open(path, OS_WRITE | OS_LOCK, &b), JET_errFileAccessDenied);
    CHECK_ERR(os_open(path, OS_READ | OS_LOCK, &b), JET_errFileAccessDenied);
    CHECK_OK(os_open(path, OS_READ, &b)); /* who does not ask is not stopped */
    os_close(b);
    os_close(a);
    CHECK_OK(os_open(path, OS_READ | OS_LOCK, &a));
    CHECK_OK(os_open(path, OS_READ | OS_LOCK, &b));
    CHECK_ERR(os_open(path, OS_WRITE | OS_LOCK, &c), JET_errFileAccessDenied);
    os_close(a);
    os_close(b);
    CHECK_OK(os_open(path, OS_WRITE | OS_LOCK, &c));
    os_close(c);
}

static void os_lock__a_locked_file_is_not_truncated(void) {
    const char *path = test_path("f");
    struct os_file *a, *b;
    os_close(make_file(path, "text"));
    CHECK_OK(os_open(path, OS_WRITE | OS_LOCK, &a));
    CHECK_ERR(os_open(path, OS_WRITE | OS_CREATE | OS_TRUNCATE | OS_LOCK, &b), JET_errFileAccessDenied);
    CU_ASSERT_EQUAL(size_of(path), 4);
    os_close(a);
}

static void os_lock__dies_with_its_process(void) {
    const char *path = test_path("f");
    os_close(make_file(path, "text"));
    int ready[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct os_file *file;
        char locked = os_open(path, OS_WRITE | OS_LOCK, &file) == JET_errSuccess;
        (void)!write(ready[1], &locked, 1);
        for (;;)
            pause();
    }
    char locked = 0;
    CU_ASSERT_EQUAL(read(ready[0], &locked, 1), 1);
    CU_ASSERT(locked);
    struct os_file *file;
    JET_ERR while_alive = os_open(path, OS_WRITE | OS_LOCK, &file);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    CHECK_ERR(while_alive, JET_errFileAccessDenied);
    CHECK_OK(os_open(path, OS_WRITE | OS_LOCK, &file));
    os_close(file);
}

/* ---- transfers and sizes ---- */

static void os_read__is_whole_or_past_the_end(void) {
    char buffer[8] = {0};
    struct os_file *file = make_file(test_path("f"), "0123456789");
    CHECK_OK(os_read(file, 2, buffer, 8));
    CU_ASSERT_EQUAL(memcmp(buffer, "23456789", 8), 0);
    CHECK_ERR(os_read(file, 3, buffer, 8), JET_errFileIOBeyondEOF);
    CHECK_ERR(os_read(file, 10, buffer, 1), JET_errFileIOBeyondEOF);
    CHECK_ERR(os_read(file, UINT64_MAX, buffer, 1), JET_errFileIOBeyondEOF);
    CHECK_ERR(os_read(file, INT64_MAX, buffer, 8), JET_errFileIOBeyondEOF);
    CHECK_OK(os_read(file, 10, buffer, 0));
    os_close(file);
}

static void os_write__past_the_end_leaves_zeros_between(void) {
    char buffer[6];
    struct os_file *file = make_file(test_path("f"), "ab");
    CHECK_OK(os_write(file, 5, "z", 1));
    CHECK_OK(os_read(file, 0, buffer, 6));
    CU_ASSERT_EQUAL(memcmp(buffer, "ab\0\0\0z", 6), 0);
    CHECK_ERR(os_write(file, INT64_MAX, "zz", 2), JET_errDiskFull);
    CHECK_OK(os_sync(file));
    os_close(file);
}

static void os_write__is_refused_on_a_file_opened_for_reading(void) {
    struct os_file *file;
    make_closed_file("f");
    CHECK_OK(os_open(test_path("f"), OS_READ, &file));
    CU_ASSERT(os_write(file, 0, "z", 1) < JET_errSuccess);
    os_close(file);
    CU_ASSERT_EQUAL(size_of(test_path("f")), 1);
}

static void os_write__a_full_disk_has_its_own_error(void) {
    struct rlimit old, low;
    struct os_file *file = make_file(test_path("f"), "x");
    char text[500] = {0};
    JET_ERR write_err, resize_err;
    uint64_t bytes;
    getrlimit(RLIMIT_FSIZE, &old);
    low = (struct rlimit){.rlim_cur = 8192, .rlim_max = old.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &low);                       /* EFBIG, which counts as full */
    write_err = os_write(file, 8000, text, sizeof text); /* a part of it fits */
    resize_err = os_resize(file, 1 << 20);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    CHECK_ERR(write_err, JET_errDiskFull);
    CHECK_ERR(resize_err, JET_errDiskFull);
    CHECK_OK(os_size(file, &bytes));
    CU_ASSERT(bytes <= 8192);
    CHECK_ERR(os_resize(file, UINT64_MAX), JET_errDiskFull);
    os_close(file);
}

static void os_resize__grows_with_reserved_zeros_and_shrinks(void) {
    static char buffer[65536];
    static const char zeros[65536];
    const char *path = test_path("f");
    struct os_file *file = make_file(path, "0123456789");
    uint64_t bytes;
    struct stat st;
    CHECK_OK(os_resize(file, 10 + sizeof buffer));
    CHECK_OK(os_size(file, &bytes));
    CU_ASSERT_EQUAL(bytes, 10 + sizeof buffer);
    CHECK_OK(os_read(file, 10, buffer, sizeof buffer));
    CU_ASSERT_EQUAL(memcmp(buffer, zeros, sizeof buffer), 0);
    CHECK_OK(os_sync(file));
    CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
    CU_ASSERT(st.st_blocks * 512 >= (off_t)sizeof buffer);
    CHECK_OK(os_resize(file, 4));
    CHECK_OK(os_resize(file, 10)); /* what was cut off does not come back */
    CHECK_OK(os_read(file, 0, buffer, 10));
    CU_ASSERT_EQUAL(memcmp(buffer, "0123\0\0\0\0\0\0", 10), 0);
    CHECK_OK(os_resize(file, 10));
    os_close(file);
}

static void os_direct__reads_and_writes_aligned_pages_and_the_unaligned_tail(void) {
    struct os_file *file;
    char *buffer = aligned_alloc(4096, 16384), *copy = aligned_alloc(4096, 16384);
    CU_ASSERT_FATAL(buffer && copy);
    for (size_t i = 0; i < 16384; i++)
        buffer[i] = (char)test_random();
    CHECK_OK(os_open(test_path("f"), OS_WRITE | OS_CREATE | OS_DIRECT, &file));
    CHECK_OK(os_write(file, 0, buffer, 16384));
    CHECK_OK(os_read(file, 4096, copy, 8192));
    CU_ASSERT_EQUAL(memcmp(copy, buffer + 4096, 8192), 0);
    CHECK_OK(os_write(file, 16384, buffer, 100)); /* falls back, silently */
    CHECK_OK(os_read(file, 101, copy + 1, 16283 + 50));
    CU_ASSERT_EQUAL(memcmp(copy + 1, buffer + 101, 16283), 0);
    CHECK_OK(os_sync(file));
    os_close(file);
    CU_ASSERT_EQUAL(size_of(test_path("f")), 16484);
    CHECK_OK(os_open(test_path("f"), OS_READ | OS_DIRECT | OS_SEQUENTIAL, &file));
    CHECK_ERR(os_read(file, 12288, copy, 8192), JET_errFileIOBeyondEOF);
    os_close(file);
    free(buffer);
    free(copy);
}

/* ---- directories ---- */

static void os_rename__replaces_and_says_when_there_is_nothing_to_rename(void) {
    make_closed_file("from");
    make_closed_file("longer-name");
    CHECK_OK(os_rename(test_path("from"), test_path("longer-name")));
    CU_ASSERT_EQUAL(size_of(test_path("longer-name")), 4);
    CHECK_ERR(os_rename(test_path("from"), test_path("x")), JET_errFileNotFound);
    CHECK_OK(os_sync_dir(test_dir()));
    CHECK_OK(os_sync_parent(test_path("longer-name")));
    CHECK_ERR(os_sync_dir(test_path("none")), JET_errFileNotFound);
}

static void os_remove__files_and_directories_each_by_their_own_call(void) {
    make_closed_file("f");
    CHECK_OK(os_make_dir(test_path("d")));
    make_closed_file("d/g");
    CHECK_ERR(os_make_dir(test_path("d")), JET_errFileAlreadyExists);
    CHECK_ERR(os_make_dir(test_path("none/d")), JET_errInvalidPath);
    CHECK_ERR(os_remove(test_path("d")), JET_errFileAccessDenied);
    CHECK_ERR(os_remove_dir(test_path("d")), JET_errFileAlreadyExists); /* not empty */
    CHECK_OK(os_remove(test_path("d/g")));
    CHECK_OK(os_remove_dir(test_path("d")));
    CHECK_OK(os_remove(test_path("f")));
    CHECK_ERR(os_remove(test_path("f")), JET_errFileNotFound);
    CHECK_ERR(os_remove_dir(test_path("d")), JET_errFileNotFound);
}

static void os_stat__tells_files_directories_others_and_nothing(void) {
    struct os_stat st;
    make_closed_file("name");
    CU_ASSERT_EQUAL_FATAL(mkfifo(test_path("fifo"), 0666), 0);
    CHECK_OK(os_stat(test_path("name"), &st));
    CU_ASSERT(st.kind == OS_FILE && st.bytes == 4);
    CHECK_OK(os_stat(test_dir(), &st));
    CU_ASSERT(st.kind == OS_DIRECTORY);
    CHECK_OK(os_stat(test_path("fifo"), &st));
    CU_ASSERT(st.kind == OS_OTHER);
    CHECK_OK(os_stat(test_path("none/none"), &st));
    CU_ASSERT(st.kind == OS_MISSING && st.bytes == 0);
    CHECK_OK(os_stat(test_path("name/below-a-file"), &st));
    CU_ASSERT(st.kind == OS_MISSING);
}

struct seen {
    unsigned files, directories, others, calls;
    JET_ERR stop;
};

static JET_ERR count_entry(void *context, const char *name, enum os_kind kind) {
    struct seen *seen = context;
    seen->calls++;
    seen->files += kind == OS_FILE && (strcmp(name, "a") == 0 || strcmp(name, "link") == 0);
    seen->directories += kind == OS_DIRECTORY && strcmp(name, "d") == 0;
    seen->others += kind == OS_OTHER;
    return seen->stop;
}

static void os_list__names_every_entry_and_stops_when_told(void) {
    struct seen seen = {0}, stopped = {.stop = JET_errDiskFull};
    make_closed_file("a");
    CHECK_OK(os_make_dir(test_path("d")));
    CU_ASSERT_EQUAL_FATAL(symlink("a", test_path("link")), 0);
    CU_ASSERT_EQUAL_FATAL(symlink("nowhere", test_path("dangling")), 0);
    CHECK_OK(os_list(test_dir(), count_entry, &seen));
    CU_ASSERT(seen.calls == 4 && seen.files == 2 && seen.directories == 1 && seen.others == 1);
    CHECK_ERR(os_list(test_dir(), count_entry, &stopped), JET_errDiskFull);
    CU_ASSERT_EQUAL(stopped.calls, 1);
    CHECK_ERR(os_list(test_path("none"), count_entry, &seen), JET_errFileNotFound);
    CHECK_ERR(os_list(test_path("a"), count_entry, &seen), JET_errFileNotFound);
}

static void os_make_dirs__makes_parents_and_accepts_what_is_there(void) {
    struct os_stat st;
    CHECK_OK(os_make_dirs(test_path("a/b//c/")));
    CHECK_OK(os_stat(test_path("a/b/c"), &st));
    CU_ASSERT(st.kind == OS_DIRECTORY);
    CHECK_OK(os_make_dirs(test_path("a/b/c")));
    CHECK_OK(os_make_dirs("/"));
    make_closed_file("f");
    CHECK_ERR(os_make_dirs(test_path("f")), JET_errInvalidPath);
    CHECK_ERR(os_make_dirs(test_path("f/g")), JET_errInvalidPath);
    CHECK_ERR(os_make_dirs(""), JET_errInvalidPath);
}

static void os_remove_tree_files__leaves_directories_alone(void) {
    struct seen seen = {0};
    CHECK_OK(os_make_dirs(test_path("x/d")));
    make_closed_file("x/d/keep");
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "x/f%d", i);
        make_closed_file(name);
    }
    CHECK_OK(os_remove_tree_files(test_path("x")));
    CHECK_OK(os_list(test_path("x"), count_entry, &seen));
    CU_ASSERT(seen.calls == 1 && seen.directories == 1);
    CU_ASSERT_EQUAL(size_of(test_path("x/d/keep")), 8);
    CHECK_OK(os_remove_tree_files(test_path("x")));
    CHECK_ERR(os_remove_tree_files(test_path("none")), JET_errFileNotFound);
}

/* ---- the seam ---- */

static unsigned stats_seen;

static JET_ERR full_disk_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    (void)file, (void)offset, (void)buffer, (void)bytes;
    return JET_errDiskFull;
}

static JET_ERR counted_stat(const char *path, struct os_stat *out) {
    stats_seen++;
    return os_posix.stat(path, out);
}

static void os_install__puts_another_table_under_everything(void) {
    struct os_table faulty = os_posix;
    struct os_file *file;
    faulty.write = full_disk_write;
    faulty.stat = counted_stat;
    const char *path = test_path("f"), *dir = test_path("d");
    os_install(&faulty);
    JET_ERR open_err = os_open(path, OS_WRITE | OS_CREATE, &file);
    JET_ERR write_err = os_write(file, 0, "x", 1);
    JET_ERR dirs_err = os_make_dirs(dir);
    os_close(file);
    os_install(NULL);
    CHECK_OK(open_err);
    CHECK_ERR(write_err, JET_errDiskFull);
    CHECK_OK(dirs_err);
    CU_ASSERT(stats_seen > 0);
    CHECK_OK(os_open(path, OS_WRITE, &file));
    CHECK_OK(os_write(file, 0, "x", 1));
    os_close(file);
}

TEST_MAIN(TEST(os_open__create_never_replaces_unless_it_may_truncate),
          TEST(os_open__what_is_not_a_plain_file_is_denied), TEST(os_open__names_what_is_wrong_with_the_path),
          TEST(os_open__running_out_of_descriptors_has_its_own_error),
          TEST(os_open__a_child_program_does_not_inherit_files),
          TEST(os_lock__one_writer_or_many_readers_within_one_process), TEST(os_lock__a_locked_file_is_not_truncated),
          TEST(os_lock__dies_with_its_process), TEST(os_read__is_whole_or_past_the_end),
          TEST(os_write__past_the_end_leaves_zeros_between), TEST(os_write__is_refused_on_a_file_opened_for_reading),
          TEST(os_write__a_full_disk_has_its_own_error), TEST(os_resize__grows_with_reserved_zeros_and_shrinks),
          TEST(os_direct__reads_and_writes_aligned_pages_and_the_unaligned_tail),
          TEST(os_rename__replaces_and_says_when_there_is_nothing_to_rename),
          TEST(os_remove__files_and_directories_each_by_their_own_call),
          TEST(os_stat__tells_files_directories_others_and_nothing),
          TEST(os_list__names_every_entry_and_stops_when_told),
          TEST(os_make_dirs__makes_parents_and_accepts_what_is_there),
          TEST(os_remove_tree_files__leaves_directories_alone), TEST(os_install__puts_another_table_under_everything))
