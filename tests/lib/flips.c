/* See flips.h. Change i of a file of n bytes: below n, byte i becomes another; then the cuts; then the growths. */
#include "tests/lib/flips.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/disk.h"
#include "tests/lib/test.h"

#define CUT_BYTES 512u
#define GROWTHS 16u
#define BATCH 2000u /* changes a child tries */
#define SECONDS 60u /* for one look: more is a hang */
#define MEMORY_KIB (8u << 10)
#define ERRORS_MAX 48
#define WRONG_PRINTED 20u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* What parent and child share. */
struct shared {
    uint64_t tried, outcomes[FLIP_OUTCOMES];
    uint64_t now; /* the change being looked at */
    bool greedy;
    struct {
        JET_ERR err;
        uint64_t count;
    } errors[ERRORS_MAX];
};

static uint64_t mix(uint64_t z) {
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t flips_count(uint64_t otherwise) {
    const char *text = getenv("ESENT_FLIPS");
    return text ? strtoull(text, NULL, 10) : SANITIZED ? otherwise / 10 : otherwise;
}

/* ---- a change ---- */

static void describe(uint64_t change, uint64_t bytes, uint64_t seed, char *out, size_t room) {
    const uint64_t cuts = (bytes + CUT_BYTES - 1) / CUT_BYTES, r = mix(seed ^ change);
    if (change < bytes)
        snprintf(out, room, "byte %llu ^ 0x%02x", (unsigned long long)change,
                 r % 2 ? 1u << (r >> 8) % 8 : 1 + (unsigned)((r >> 8) % 255));
    else if (change < bytes + cuts)
        snprintf(out, room, "cut to %llu", (unsigned long long)((change - bytes) * CUT_BYTES));
    else
        snprintf(out, room, "grown by %llu", (unsigned long long)(1 + r % 40000));
}

static void grow(const char *path, uint64_t r) {
    const size_t more = 1 + r % 40000;
    size_t bytes;
    const uint8_t *now = disk_get(path, &bytes);
    uint8_t *grown = malloc(bytes + more);
    if (!grown)
        abort();
    memcpy(grown, now, bytes);
    for (size_t i = 0; i < more; i++)
        grown[bytes + i] = (uint8_t)mix(r + i);
    disk_put(path, grown, bytes + more);
    free(grown);
}

static void make_change(const char *path, uint64_t change, uint64_t bytes, uint64_t seed) {
    const uint64_t cuts = (bytes + CUT_BYTES - 1) / CUT_BYTES, r = mix(seed ^ change);
    if (change < bytes)
        disk_flip(path, change, r % 2 ? 1u << (r >> 8) % 8 : 1 + (unsigned)((r >> 8) % 255));
    else if (change < bytes + cuts)
        disk_cut(path, (change - bytes) * CUT_BYTES);
    else
        grow(path, r);
}

/* ---- the child ---- */

static void count_error(struct shared *shared, JET_ERR err) {
    for (unsigned i = 0; i < ERRORS_MAX; i++)
        if (shared->errors[i].err == err || shared->errors[i].count == 0) {
            shared->errors[i].err = err;
            shared->errors[i].count++;
            return;
        }
}

static long memory_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void try_change(const struct flips *f, uint64_t change, uint64_t bytes, uint64_t seed, struct shared *shared) {
    JET_ERR err = JET_errSuccess;
    char text[64];
    shared->now = change;
    disk_load(f->image);
    make_change(f->path, change, bytes, seed);
    alarm(SECONDS);
    enum flip_outcome outcome = f->look(&err);
    alarm(0);
    if (outcome == FLIP_WRONG && shared->outcomes[FLIP_WRONG] < WRONG_PRINTED) {
        describe(change, bytes, seed, text, sizeof text);
        printf("    WRONG: %s, %s: %s\n", f->path, text, err_name(err));
    }
    shared->tried++;
    shared->outcomes[outcome]++;
    if (outcome == FLIP_ERROR)
        count_error(shared, err);
}

/* The changes from `first` on, every `step`th. */
static void child(const struct flips *f, uint64_t first, uint64_t end, uint64_t step, uint64_t bytes, uint64_t seed,
                  struct shared *shared) {
    JET_ERR err;
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    for (unsigned i = 0; i < 3; i++) { /* what it takes to look at the file as it is */
        disk_load(f->image);
        (void)f->look(&err);
    }
    const long before = memory_kib();
    for (uint64_t change = first; change < end && shared->outcomes[FLIP_WRONG] < WRONG_PRINTED; change += step)
        try_change(f, change, bytes, seed, shared);
    if (!SANITIZED && memory_kib() > before + (long)MEMORY_KIB) {
        printf("    WRONG: %s: %ld KiB of memory, %ld for the unchanged file\n", f->path, memory_kib(), before);
        shared->greedy = true;
    }
    fflush(stdout);
    _exit(0);
}

/* ---- the parent ---- */

/* Runs a child; returns the change with which the next one begins. */
static uint64_t run_child(const struct flips *f, uint64_t first, uint64_t end, uint64_t step, uint64_t bytes,
                          uint64_t seed, struct shared *shared) {
    int status;
    char text[64];
    fflush(stdout);
    shared->now = first;
    const pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0)
        child(f, first, end, step, bytes, seed, shared);
    if (waitpid(pid, &status, 0) != pid)
        abort();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return end;
    describe(shared->now, bytes, seed, text, sizeof text);
    printf("    WRONG: %s, %s: the child ended with %s %d\n", f->path, text, WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    shared->tried++;
    shared->outcomes[FLIP_WRONG]++;
    return shared->now + step;
}

static void print_result(const struct flips *f, uint64_t bytes, const struct shared *shared) {
    const uint64_t *n = shared->outcomes;
    printf("    %s: %llu bytes, %llu changes tried: %llu correct, %llu corrected, %llu tail, %llu errors, %llu wrong\n",
           f->what, (unsigned long long)bytes, (unsigned long long)shared->tried, (unsigned long long)n[FLIP_CORRECT],
           (unsigned long long)n[FLIP_CORRECTED], (unsigned long long)n[FLIP_TAIL], (unsigned long long)n[FLIP_ERROR],
           (unsigned long long)n[FLIP_WRONG]);
    for (unsigned i = 0; i < ERRORS_MAX && shared->errors[i].count; i++)
        printf("        %llu %s\n", (unsigned long long)shared->errors[i].count, err_name(shared->errors[i].err));
}

struct flips_result flips_run(const struct flips *f) {
    size_t bytes;
    const uint64_t seed = test_random();
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* zeros */
    disk_load(f->image);
    if (shared == MAP_FAILED || !disk_get(f->path, &bytes))
        abort();
    const uint64_t all = bytes + (bytes + CUT_BYTES - 1) / CUT_BYTES + GROWTHS;
    const uint64_t step = f->count && f->count < all ? all / f->count : 1;
    for (uint64_t next = test_random_below(step); next < all && shared->outcomes[FLIP_WRONG] < WRONG_PRINTED;) {
        const uint64_t end = next + step * BATCH;
        next = run_child(f, next, end < all ? end : all, step, bytes, seed, shared);
    }
    print_result(f, bytes, shared);
    struct flips_result result = {.bytes = bytes, .tried = shared->tried};
    memcpy(result.outcomes, shared->outcomes, sizeof result.outcomes);
    result.outcomes[FLIP_WRONG] += shared->greedy;
    test_figure("flips", result.tried, "tried", result.outcomes[FLIP_WRONG], "wrong");
    munmap(shared, sizeof *shared);
    return result;
}
