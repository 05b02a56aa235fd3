/* Include it last: from there on the file's memory is its own, never refused and not counted (alloc.h). For what stands
 * below the library in tests. Aborts instead of returning NULL. */
#ifndef ESENT_TESTS_ALLOC_OWN_H
#define ESENT_TESTS_ALLOC_OWN_H

#include <stdlib.h>

void *own_realloc(void *old, size_t bytes);
void *own_calloc(size_t count, size_t bytes);
void own_free(void *p);

#define malloc(bytes) own_realloc(NULL, bytes)
#define realloc(old, bytes) own_realloc(old, bytes)
#define calloc(count, bytes) own_calloc(count, bytes)
#define free(p) own_free(p)

#endif
