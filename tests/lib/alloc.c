/* See alloc.h. */
#include "tests/lib/alloc.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define FRAMES 24

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *text);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg);

static _Atomic uint64_t calls, nth; /* nth 0: never */
static _Atomic bool forever_after, failed;
static void *frames[FRAMES];
static int frame_count;

void alloc_fail(uint64_t n, bool forever) {
    atomic_store(&nth, 0);
    atomic_store(&calls, 0);
    atomic_store(&failed, false);
    atomic_store(&forever_after, forever);
    atomic_store(&nth, n);
}

void alloc_no_fault(void) {
    atomic_store(&nth, 0);
}

bool alloc_failed(void) {
    return atomic_load(&failed);
}

uint64_t alloc_calls(void) {
    return atomic_load(&calls);
}

void alloc_print(void) {
    if (alloc_failed())
        backtrace_symbols_fd(frames, frame_count, STDERR_FILENO);
}

static bool refused(void) {
    uint64_t call = atomic_fetch_add(&calls, 1) + 1, n = atomic_load(&nth);
    if (n == 0 || call < n || (call > n && !atomic_load(&forever_after)))
        return false;
    if (!atomic_exchange(&failed, true))
        frame_count = backtrace(frames, FRAMES);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t bytes) {
    return refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return refused() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes) {
    return refused() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *text) {
    return refused() ? NULL : __real_strdup(text);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return refused() ? NULL : __real_aligned_alloc(alignment, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
    return refused() ? MAP_FAILED : __real_mmap(at, bytes, protection, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *), void *arg) {
    return refused() ? EAGAIN : __real_pthread_create(thread, attributes, fn, arg);
}
