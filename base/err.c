/* Where errors are born, and their names and texts (the table is err_names.c). */
#include <ctype.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/err_names.h"

static bool trace_wanted(void) {
    static atomic_int wanted = -1;
    int w = atomic_load_explicit(&wanted, memory_order_relaxed);
    if (w < 0) {
        const char *value = getenv("ESENT_TRACE");
        w = value && strcmp(value, "1") == 0;
        atomic_store_explicit(&wanted, w, memory_order_relaxed);
    }
    return w;
}

JET_ERR err_raise(JET_ERR err, const char *file, int line) {
    if (trace_wanted())
        fprintf(stderr, "esent: %s:%d: %s (%d)\n", file, line, err_name(err), (int)err);
    return err;
}

static const struct err_entry *find(JET_ERR err) {
    size_t low = 0, end = err_entry_count;
    while (low < end) {
        size_t middle = (low + end) / 2;
        if (err_entries[middle].err == err)
            return &err_entries[middle];
        if (err_entries[middle].err < err)
            low = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

const char *err_name(JET_ERR err) {
    const struct err_entry *entry = find(err);
    return entry ? entry->name : err < 0 ? "unknown error" : "unknown warning";
}

/* "JET_errTableLocked" becomes "table locked"; runs of capitals stay as they are. */
static const char *text_from_name(const char *name) {
    static _Thread_local char text[96];
    size_t length = 0;
    for (const char *p = name + strlen("JET_err"); *p && length + 3 < sizeof text; p++) {
        bool starts_word = isupper((unsigned char)p[0]) && islower((unsigned char)p[1]);
        bool after_lower = length > 0 && islower((unsigned char)p[-1]);
        if (length > 0 && isupper((unsigned char)p[0]) && (starts_word || after_lower))
            text[length++] = ' ';
        text[length++] = (char)(starts_word ? tolower((unsigned char)p[0]) : p[0]);
    }
    text[length] = '\0';
    return text;
}

const char *err_text(JET_ERR err) {
    const struct err_entry *entry = find(err);
    if (!entry)
        return "no error of this number is defined";
    return entry->text ? entry->text : text_from_name(entry->name);
}
