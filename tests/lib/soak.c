#define _GNU_SOURCE
#include "tests/lib/soak.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/fulldisk.h"
#include "tests/lib/killing.h"
#include "tests/lib/test.h"

double soak_seconds = 60;

#define MEASURE_EVERY 10 /* rounds */
#define WARM_UP 5        /* measurements until memory is what it stays */

struct size { /* at a point where the instance has ended after a full backup */
    uint64_t rss_kib, descriptors, files;
};

struct figures {
    double seconds;
    uint64_t commits, kills, backups, restores, bytes, full_disks;
    uint64_t child_rss_kib; /* the most of any child, at its end */
    unsigned measured;
    struct size first, last;
};
static struct figures figures; /* a failed assertion leaves the case by longjmp; they are shown afterwards */

/* ---- measures ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The number behind a name in a file of /proc; 0: there is none. */
static uint64_t proc_value(pid_t pid, const char *file, const char *name) {
    char path[64], line[200];
    unsigned long long value = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), " %llu", &value) == 1)
            break;
    fclose(f);
    return value;
}

static uint64_t entries_of(const char *path) {
    uint64_t n = 0;
    DIR *dir = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void measure(const struct place *p, struct figures *f) {
    malloc_trim(0);
    f->last = (struct size){proc_value(getpid(), "status", "VmRSS:"), entries_of("/proc/self/fd"),
                            entries_of(p->system) + entries_of(p->dir) + entries_of(p->sets[SET_ATOMIC])};
    if (++f->measured <= WARM_UP)
        f->first = f->last;
    CU_ASSERT_TRUE_FATAL(f->last.rss_kib <= f->first.rss_kib + (16 << 10));
    CU_ASSERT_EQUAL_FATAL(f->last.descriptors, f->first.descriptors);
    CU_ASSERT_TRUE_FATAL(f->last.files <= f->first.files + 10);
}

/* ---- a round ---- */

static void end_child(struct place *p, pid_t pid, struct figures *f) {
    uint64_t rss = proc_value(pid, "status", "VmRSS:");
    f->bytes += proc_value(pid, "io", "wchar:");
    f->child_rss_kib = rss > f->child_rss_kib ? rss : f->child_rss_kib;
    f->kills++;
    place_kill(p, pid);
}

/* Until it has begun some more transactions or backups; then a moment of up to 15 ms, and it is killed. */
static void work_and_kill(struct place *p, struct figures *f) {
    bool backups = test_random_below(4) > 0;
    uint64_t work = 1 + test_random_below(2000), begun = 1 + test_random_below(10);
    work = backups ? 0 : place_started(p) + work;
    begun = backups ? atomic_load(&p->promises->begun) + begun : 0;
    pid_t pid = backups ? place_backs_up_both(p, test_random()) : place_works(p);
    while ((place_started(p) < work || atomic_load(&p->promises->begun) < begun) && !atomic_load(&p->ledger->error))
        usleep(100);
    usleep((useconds_t)test_random_below(15000));
    end_child(p, pid, f);
}

static void recover_and_kill(struct place *p, struct figures *f) {
    pid_t pid = place_recovers(p);
    usleep((useconds_t)test_random_below(20000));
    end_child(p, pid, f);
}

static void check_sets(struct place *p, struct figures *f) {
    for (unsigned set = 0; set < SETS; set++) {
        if (!atomic_load(&p->promises->sets[set].there))
            continue;
        place_check_set(p, set);
        f->restores++;
    }
}

static void fill_disks(struct figures *f) {
    full_disk_log(test_random_below(2));
    full_disk_database();
    full_disk_set();
    f->full_disks += 3;
}

void soak_show(unsigned lost) {
    const struct figures *f = &figures;
    printf("\n    soak: %.1f minutes, %llu commits, %llu kills, %llu backups, %llu restores, %llu full disks, "
           "%llu bytes, %llu rows compared, %u lost\n",
           f->seconds / 60, (unsigned long long)f->commits, (unsigned long long)f->kills,
           (unsigned long long)f->backups, (unsigned long long)f->restores, (unsigned long long)f->full_disks,
           (unsigned long long)f->bytes, (unsigned long long)workload_rows_compared, lost);
    printf("    soak: memory %llu to %llu KiB (a child: %llu at most), descriptors %llu to %llu, files %llu to %llu\n",
           (unsigned long long)f->first.rss_kib, (unsigned long long)f->last.rss_kib,
           (unsigned long long)f->child_rss_kib, (unsigned long long)f->first.descriptors,
           (unsigned long long)f->last.descriptors, (unsigned long long)f->first.files,
           (unsigned long long)f->last.files);
    fflush(stdout);
}

/* Works, is killed, perhaps once more in its recovery; what is there then, and what can be restored. */
static void play_round(struct place *p, unsigned round, struct figures *f) {
    p->circular = round / 20 % 2;
    workload_tight_cache(round % 3 == 0);
    work_and_kill(p, f);
    if (test_random_below(4) == 0)
        recover_and_kill(p, f);
    workload_tight_cache(round % 3 == 1);
    place_check_live(p, round % MEASURE_EVERY == 0);
    check_sets(p, f);
    if (round % MEASURE_EVERY == 0)
        measure(p, f);
    f->backups = atomic_load(&p->promises->done);
    f->commits = place_started(p);
}

void soak(void) {
    const double start = now();
    double shown = 0;
    struct place p;
    struct figures *f = &figures;
    bool disks = full_disk_begin();
    if (!disks)
        printf("\n    no full disks: a mount namespace with a tmpfs is not permitted here\n");
    place_begin(&p);
    for (unsigned round = 0; round == 0 || f->seconds < soak_seconds; round++) {
        play_round(&p, round, f);
        if (disks && round % 50 == 0)
            fill_disks(f);
        f->seconds = now() - start;
        if (f->seconds - shown >= 60) {
            shown = f->seconds;
            soak_show(0);
        }
    }
    CU_ASSERT_TRUE(f->child_rss_kib <= 128 << 10);
    place_end(&p);
}
