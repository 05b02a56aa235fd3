/* Private to err.c and err_names.c. */
#ifndef ESENT_BASE_ERR_NAMES_H
#define ESENT_BASE_ERR_NAMES_H

#include <stddef.h>

#include "base/err.h"

struct err_entry {
    JET_ERR err;
    const char *name;
    const char *text; /* NULL: the name says it */
};

extern const struct err_entry err_entries[]; /* ascending */
extern const size_t err_entry_count;

#endif
