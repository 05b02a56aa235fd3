/* Address space: reserved in large pieces, given memory by the kernel page by page when touched. */
#ifndef ESENT_BASE_MEMORY_H
#define ESENT_BASE_MEMORY_H

#include <stddef.h>

#define MEMORY_ALIGN 4096u

/* Zeroed, readable and writable, aligned to MEMORY_ALIGN, without memory behind it yet. NULL: no address space. */
void *memory_reserve(size_t bytes);
void memory_release(void *p, size_t bytes); /* all of a reservation; NULL is ignored */
void memory_discard(void *p, size_t bytes); /* gives the memory back, reads as zero; whole aligned pages */

#endif
