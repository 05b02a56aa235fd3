/* See alloc_own.h. Where the linker wraps malloc, __real_malloc is the system's; elsewhere it does not exist. */
#include <stdlib.h>

void *own_realloc(void *old, size_t bytes);
void *own_calloc(size_t count, size_t bytes);
void own_free(void *p);

void *__real_realloc(void *old, size_t bytes) __attribute__((weak));
void *__real_calloc(size_t count, size_t bytes) __attribute__((weak));

static void *must(void *p) {
    if (!p)
        abort();
    return p;
}

void *own_realloc(void *old, size_t bytes) {
    return must(__real_realloc ? __real_realloc(old, bytes) : realloc(old, bytes));
}

void *own_calloc(size_t count, size_t bytes) {
    return must(__real_calloc ? __real_calloc(count, bytes) : calloc(count, bytes));
}

void own_free(void *p) {
    free(p);
}
