/* How fast pages are verified, beside merely reading them and beside the checksums others use.
 *
 * Each row is one function over pages of one size, from cache (512 KiB, over and over) and from memory (a buffer far
 * larger than the last cache, once). Rounds alternate between the functions, so that a machine that slows down slows
 * all of them; a figure is the median of seven, and so is a ratio, taken within each round. Ratios are to the row named
 * xor64 (plain 64-bit XOR of the words) for memory and xor256 (the same with AVX2) for cache; targets are judged by the
 * worst page size. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <isa-l.h>
#include <openssl/evp.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/le.h"

#define CACHE_BYTES ((size_t)1 << 19)
#define MEMORY_BYTES ((size_t)384 << 20)
#define ROUNDS 7
#define CACHE_NS 20000000 /* at least this long per round */

static volatile uint64_t sink;

/* Sums every page of [p, p + bytes). */
typedef uint64_t (*pages_fn)(const char *p, size_t bytes, size_t page_bytes);

/* ---- peers ---- */

__attribute__((optimize("no-tree-vectorize"))) static uint64_t xor64(const char *p, size_t bytes, size_t page_bytes) {
    uint64_t a = 0, b = 0, c = 0, d = 0;
    (void)page_bytes;
    for (size_t i = 0; i < bytes; i += 32) {
        a ^= load64(p + i);
        b ^= load64(p + i + 8);
        c ^= load64(p + i + 16);
        d ^= load64(p + i + 24);
    }
    return a ^ b ^ c ^ d;
}

#if defined(__x86_64__)
typedef uint64_t vec256 __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static uint64_t xor256(const char *p, size_t bytes, size_t page_bytes) {
    vec256 x[4] = {{0}};
    (void)page_bytes;
    for (size_t i = 0; i < bytes; i += 128) {
        for (unsigned k = 0; k < 4; k++) {
            vec256 v;
            memcpy(&v, p + i + 32 * k, sizeof v);
            x[k] ^= v;
        }
    }
    x[0] ^= x[1] ^ x[2] ^ x[3];
    return x[0][0] ^ x[0][1] ^ x[0][2] ^ x[0][3];
}
#endif

static uint64_t crc32c_pages(const char *p, size_t bytes, size_t page_bytes) {
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i += page_bytes)
        x ^= crc32c(0, p + i, page_bytes);
    return x;
}

static uint64_t sha256_pages(const char *p, size_t bytes, size_t page_bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i += page_bytes) {
        EVP_Digest(p + i, page_bytes, digest, NULL, EVP_sha256(), NULL);
        x ^= load64(digest);
    }
    return x;
}

/* ---- ours ---- */

static const struct sum_kernel *kernel; /* the one kernel_pages() runs */

static uint64_t kernel_pages(const char *p, size_t bytes, size_t page_bytes) {
    size_t block_bytes = page_bytes > 8192 ? page_bytes / 4 : page_bytes;
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i += page_bytes) {
        for (size_t at = 0; at < page_bytes; at += block_bytes)
            x ^= kernel->sum(p + i + at, block_bytes, (uint32_t)(i / page_bytes), at == 0);
    }
    return x;
}

/* Page numbers start anew every CACHE_BYTES, so that the first of these ranges can also stand alone. */
static uint64_t check_pages(const char *p, size_t bytes, size_t page_bytes) {
    uint64_t bad = 0;
    for (size_t i = 0; i < bytes; i += page_bytes) {
        uint32_t pgno = 1 + (uint32_t)(i % CACHE_BYTES / page_bytes);
        bad += page_sum_check((char *)p + i, page_bytes, pgno, false) != PAGE_GOOD;
    }
    if (bad > 0) {
        fprintf(stderr, "bench_verify: %llu pages are bad\n", (unsigned long long)bad);
        exit(1);
    }
    return bad;
}

/* ---- rows and rounds ---- */

struct row {
    const char *name;
    pages_fn fn;
    const struct sum_kernel *kernel;
    double cache[ROUNDS], memory[ROUNDS]; /* GB/s; sorted once all rounds are run */
    double cache_ratio, memory_ratio;     /* medians */
};

static double gb_per_s(size_t bytes, uint64_t ns) {
    return (double)bytes / (double)(ns ? ns : 1);
}

static double time_memory(const struct row *row, const char *p, size_t page_bytes) {
    kernel = row->kernel;
    uint64_t begin = clock_monotonic_ns();
    sink ^= row->fn(p, MEMORY_BYTES, page_bytes);
    return gb_per_s(MEMORY_BYTES, clock_monotonic_ns() - begin);
}

static double time_cache(const struct row *row, const char *p, size_t page_bytes) {
    kernel = row->kernel;
    sink ^= row->fn(p, CACHE_BYTES, page_bytes);
    uint64_t begin = clock_monotonic_ns(), ns;
    size_t passes = 0;
    do {
        sink ^= row->fn(p, CACHE_BYTES, page_bytes);
        passes++;
        ns = clock_monotonic_ns() - begin;
    } while (ns < CACHE_NS);
    return gb_per_s(passes * CACHE_BYTES, ns);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *figures) {
    qsort(figures, ROUNDS, sizeof *figures, by_value);
    return figures[ROUNDS / 2];
}

static const struct row *find(const struct row *rows, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return &rows[0];
}

static double median_ratio(const double *figures, const double *limits) {
    double ratios[ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        ratios[round] = figures[round] / limits[round];
    return median(ratios);
}

static void measure(struct row *rows, size_t count, const char *p, size_t page_bytes) {
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++)
            rows[i].memory[round] = time_memory(&rows[i], p, page_bytes);
        for (size_t i = 0; i < count; i++)
            rows[i].cache[round] = time_cache(&rows[i], p, page_bytes);
    }
    const struct row *memory_limit = find(rows, count, "xor64"), *cache_limit = find(rows, count, "xor256");
    for (size_t i = 0; i < count; i++) {
        rows[i].memory_ratio = median_ratio(rows[i].memory, memory_limit->memory);
        rows[i].cache_ratio = median_ratio(rows[i].cache, cache_limit->cache);
    }
    for (size_t i = 0; i < count; i++) {
        median(rows[i].memory);
        median(rows[i].cache);
    }
}

struct target {
    const char *name;     /* of the row */
    double cache, memory; /* least ratios; 0: none */
    double cache_worst, memory_worst;
};

static struct target targets[] = {
    {"sse2", .cache = 0.33},
    {"avx2", .cache = 0.45},
    {"avx512", .cache = 0.7},
    {"page_check", .memory = 0.9},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

static double worse(double have, double next) {
    return have == 0 || next < have ? next : have;
}

static void note_worst(const struct row *row) {
    for (size_t i = 0; i < TARGETS; i++) {
        if (strcmp(targets[i].name, row->name) != 0)
            continue;
        targets[i].cache_worst = worse(targets[i].cache_worst, row->cache_ratio);
        targets[i].memory_worst = worse(targets[i].memory_worst, row->memory_ratio);
    }
}

static void print_target(const char *name, const char *where, double ratio, double least) {
    if (least > 0 && ratio > 0) /* 0: this CPU has no such row */
        printf("%s from %s, worst page size: ratio %.2f of at least %.2f: %s\n", name, where, ratio, least,
               ratio >= least ? "reached" : "not reached");
}

static void print(const struct row *row, size_t page_bytes, bool csv) {
    const double *c = row->cache, *m = row->memory;
    const char *format = csv ? "%zu,%s,%.2f,%.2f,%.2f,%.3f,%.2f,%.2f,%.2f,%.3f\n"
                             : "%5zu  %-12s %8.2f (%6.2f..%6.2f) %6.2f %8.2f (%6.2f..%6.2f) %6.2f\n";
    printf(format, page_bytes, row->name, c[ROUNDS / 2], c[0], c[ROUNDS - 1], row->cache_ratio, m[ROUNDS / 2], m[0],
           m[ROUNDS - 1], row->memory_ratio);
}

static size_t add_rows(struct row *rows) {
    size_t count = 0;
    rows[count++] = (struct row){"xor64", xor64};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        rows[count++] = (struct row){"xor256", xor256};
#endif
    for (size_t k = 0; k < sum_kernel_count; k++) {
        if (sum_kernels[k].usable())
            rows[count++] = (struct row){sum_kernels[k].name, kernel_pages, &sum_kernels[k]};
    }
    rows[count++] = (struct row){"page_check", check_pages};
    rows[count++] = (struct row){"crc32c", crc32c_pages};
    rows[count++] = (struct row){"sha256", sha256_pages};
    return count;
}

/* Every range of CACHE_BYTES holds the same pages, numbered from 1. */
static void fill_pages(char *p, size_t page_bytes) {
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < CACHE_BYTES; i += 8) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        store64(p + i, x);
    }
    for (size_t i = 0; i < CACHE_BYTES; i += page_bytes)
        page_sum_set(p + i, page_bytes, 1 + (uint32_t)(i / page_bytes));
    for (size_t i = CACHE_BYTES; i < MEMORY_BYTES; i += CACHE_BYTES)
        memcpy(p + i, p, CACHE_BYTES);
}

int main(int argc, char **argv) {
    static struct row rows[16];
    bool csv = argc > 1 && strcmp(argv[1], "--csv") == 0;
    if (argc > 1 && !csv) {
        fprintf(stderr, "usage: bench_verify [--csv]\n");
        return 2;
    }
    char *p = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("bench_verify: mmap");
        return 1;
    }
    if (csv)
        printf("page_bytes,name,cache_gbps,cache_min,cache_max,cache_ratio,memory_gbps,memory_min,memory_max,"
               "memory_ratio\n");
    else
        printf("GB/s, median (min..max) of %d rounds; cache: %zu KiB, ratio to xor256; memory: %zu MiB, ratio to xor64;"
               " chosen: %s\n page  function        cache                    ratio   memory                   ratio\n",
               ROUNDS, CACHE_BYTES >> 10, MEMORY_BYTES >> 20, sum_kernel_chosen()->name);
    for (size_t page_bytes = 4096; page_bytes <= 32768; page_bytes *= 2) {
        size_t count = add_rows(rows);
        fill_pages(p, page_bytes);
        measure(rows, count, p, page_bytes);
        for (size_t i = 0; i < count; i++) {
            print(&rows[i], page_bytes, csv);
            note_worst(&rows[i]);
        }
    }
    for (size_t i = 0; i < TARGETS && !csv; i++) {
        print_target(targets[i].name, "cache", targets[i].cache_worst, targets[i].cache);
        print_target(targets[i].name, "memory", targets[i].memory_worst, targets[i].memory);
    }
    munmap(p, MEMORY_BYTES);
    return 0;
}
