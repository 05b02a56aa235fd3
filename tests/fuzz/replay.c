/* A target without libFuzzer, as a test: every input of its corpus, then mutations of them, in children that may die.
 * An input that kills its child is kept, in build/fuzz/crash-TARGET-... .
 * ESENT_FUZZ_EXECUTIONS: how many mutations. Arguments that are paths of files: only these, in this process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/lib/test.h"

#ifndef FUZZ_TARGET
#error "the build defines FUZZ_TARGET, the name"
#endif
#define INPUTS_MAX 4000
#define INPUT_BYTES_MAX (1u << 20) /* packed */
#define CHILD_SECONDS 120          /* without an end of an execution: it hangs */
#define CRASHES_MAX 5
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHARE 10
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "halt_on_error=1:print_stacktrace=1";
}
#else
#define SHARE 1
#endif

struct file {
    char name[256];
    uint8_t *bytes;
    size_t count;
};
static struct file inputs[INPUTS_MAX];
static unsigned input_count;

/* Seen by parent and child: what runs now. */
static struct shared {
    volatile uint64_t done;
    volatile size_t bytes;
    uint8_t input[INPUT_BYTES_MAX];
} * shared;

/* ---- inputs ---- */

static void add_file(const char *path, const char *name) {
    struct file *f = &inputs[input_count];
    struct stat st;
    const int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > INPUT_BYTES_MAX ||
        input_count == INPUTS_MAX)
        fuzz_die("%s is no input", path);
    f->count = (size_t)st.st_size;
    f->bytes = malloc(f->count + 1);
    snprintf(f->name, sizeof f->name, "%s", name);
    if (!f->bytes || read(fd, f->bytes, f->count) != st.st_size)
        fuzz_die("%s cannot be read", path);
    close(fd);
    input_count++;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void add_directory(const char *directory) {
    DIR *dir = opendir(directory);
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (e->d_name[0] != '.')
            add_file(path, e->d_name);
    }
    closedir(dir);
    qsort(inputs, input_count, sizeof *inputs, by_name);
}

static void add_windows_files(void) {
    static const char *const names[] = {"basic.edb", "binary.edb", "default.edb", "index.edb",
                                        "multi.edb", "text.edb",   "SRUDB.dat",   "Current.mdb"};
    char command[8192], directory[4096];
    size_t n = (size_t)snprintf(command, sizeof command, "%s/bin/fuzz_seeds %s", ESENT_BINARY_DIR, test_dir());
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = test_windows_file(names[i]);
        if (!path)
            return;
        n += (size_t)snprintf(command + n, sizeof command - n, " %s", path);
    }
    CU_ASSERT_EQUAL(system(command), 0);
    snprintf(directory, sizeof directory, "%s/" FUZZ_TARGET, test_dir());
    add_directory(directory);
}

static void load(bool windows) {
    for (unsigned i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    input_count = 0;
    add_directory(ESENT_SOURCE_DIR "/tests/fuzz/corpus/" FUZZ_TARGET);
    if (windows)
        add_windows_files();
    CU_ASSERT_FATAL(input_count > 0);
}

/* ---- executions, in a child ---- */

typedef void (*input_fn)(uint64_t n);

static void give_file(uint64_t n) {
    shared->bytes = inputs[n].count;
    memcpy(shared->input, inputs[n].bytes, inputs[n].count);
}

/* Mutation n of the run is the same one whatever came before. */
static uint64_t run_seed;
static void give_mutation(uint64_t n) {
    const uint64_t r = (run_seed + n) * UINT64_C(0x9E3779B97F4A7C15);
    unsigned times = 1 + (unsigned)(r >> 60) % 4;
    give_file((r >> 32) % input_count);
    for (unsigned i = 0; i < times; i++)
        shared->bytes = LLVMFuzzerCustomMutator(shared->input, shared->bytes, sizeof shared->input, (unsigned)r + i);
}

static void child(input_fn give, uint64_t end, const char *report) {
    const int out = open("/dev/null", O_WRONLY), err = open(report, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    while (shared->done < end) {
        alarm(CHILD_SECONDS);
        give(shared->done);
        LLVMFuzzerTestOneInput(shared->input, shared->bytes);
        if (lseek(err, 0, SEEK_CUR) > 1 << 20) /* complaints, of which only the last ones may matter */
            ftruncate(err, 0), lseek(err, 0, SEEK_SET);
        shared->done++;
    }
    fflush(NULL);
    exit(0); /* so that leaks are looked for */
}

static void keep(const char *report) {
    char path[4096], command[4200];
    snprintf(path, sizeof path, "%s/crash-" FUZZ_TARGET "-%llu-%llu", ESENT_BINARY_DIR, (unsigned long long)run_seed,
             (unsigned long long)shared->done);
    FILE *f = fopen(path, "wb");
    if (f && fwrite(shared->input, 1, shared->bytes, f) == shared->bytes && fclose(f) == 0)
        fprintf(stderr, "\n    a crash or a hang; the input is %s\n", path);
    snprintf(command, sizeof command, "tail -c 6000 %s >&2", report);
    if (system(command) != 0)
        fprintf(stderr, "    no report\n");
}

static void run(input_fn give, uint64_t end) {
    uint64_t crashes = 0;
    const char *report = test_path("report");
    for (shared->done = 0; shared->done < end && crashes < CRASHES_MAX;) {
        int status;
        fflush(NULL);
        const pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0)
            child(give, end, report);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        keep(report);
        crashes++;
        shared->done++;
    }
    test_figure("fuzz", shared->done, "executions", crashes, "crashes");
    CU_ASSERT_EQUAL(crashes, 0);
}

static void corpus__is_survived(void) {
    load(false);
    run(give_file, input_count);
}

static void mutations__are_survived(void) {
    const char *given = getenv("ESENT_FUZZ_EXECUTIONS");
    load(true);
    run_seed = test_random();
    run(give_mutation, given ? strtoull(given, NULL, 10) : FUZZ_EXECUTIONS / SHARE);
}

int main(int argc, char **argv) {
    static const struct test_case cases[] = {TEST(corpus__is_survived), TEST(mutations__are_survived)};
    struct stat st;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    if (argc < 2 || stat(argv[1], &st) != 0)
        return test_main(argc, argv, cases, sizeof cases / sizeof *cases);
    for (int i = 1; i < argc; i++) {
        add_file(argv[i], argv[i]);
        LLVMFuzzerTestOneInput(inputs[i - 1].bytes, inputs[i - 1].count);
        printf("%s: survived\n", argv[i]);
    }
    return 0;
}
