/* Memory that is refused when told to. For tests that say
 *
 *     test-wrap: malloc calloc realloc strdup aligned_alloc mmap pthread_create
 *
 * in their first comment: the linker then leads those calls here, from the library and from the test (not from other
 * libraries; files of tests/lib with alloc_own.h are left out).
 *
 *     alloc_fail(7, false);         the 7th call from now on, of any thread, gets nothing
 *     ...
 *     if (alloc_failed()) ...       it did
 *     alloc_no_fault();
 *
 * Thread-safe. */
#ifndef ESENT_TESTS_ALLOC_H
#define ESENT_TESTS_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

void alloc_fail(uint64_t nth, bool forever); /* forever: and all that follow */
void alloc_no_fault(void);
bool alloc_failed(void);    /* since alloc_fail() */
uint64_t alloc_calls(void); /* since alloc_fail() */
void alloc_print(void);     /* the calls that led to the first failure, to stderr */

#endif
