#include "base/memory.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void *memory_reserve(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    /* A huge page for one touched byte would make nonsense of the callers' accounts; where unsupported, no matter. */
    (void)madvise(p, bytes, MADV_NOHUGEPAGE);
    return p;
}

void memory_release(void *p, size_t bytes) {
    if (p)
        munmap(p, bytes);
}

void memory_discard(void *p, size_t bytes) {
    assert((uintptr_t)p % MEMORY_ALIGN == 0 && bytes % MEMORY_ALIGN == 0);
    if (madvise(p, bytes, MADV_DONTNEED) != 0)
        memset(p, 0, bytes); /* locked memory (mlockall) cannot be given back */
}
