/* A database file from Windows, read whole: enough to walk the leaves of a tree and to build its table definitions.
 * For tests of what lies below the cache. */
#ifndef ESENT_TESTS_EDB_FILE_H
#define ESENT_TESTS_EDB_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/cat.h"
#include "engine/page.h"
#include "tests/lib/test.h"

struct edb_file {
    uint8_t *bytes;
    size_t size;
    uint32_t page_size;
};

static inline void edb_open(struct edb_file *f, const char *path) {
    FILE *in = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    fseek(in, 0, SEEK_END);
    f->size = (size_t)ftell(in);
    rewind(in);
    f->bytes = malloc(f->size);
    CU_ASSERT_EQUAL_FATAL(fread(f->bytes, 1, f->size, in), f->size);
    fclose(in);
    f->page_size = load32(f->bytes + 236);
    CU_ASSERT_FATAL(page_size_valid(f->page_size));
}

static inline void edb_close(struct edb_file *f) {
    free(f->bytes);
}

static inline struct page edb_page(const struct edb_file *f, pgno_t pgno) {
    size_t at = ((size_t)pgno + 1) * f->page_size;
    CU_ASSERT_FATAL(at + f->page_size <= f->size);
    struct page p = {f->bytes + at, f->page_size};
    CHECK_OK(page_check(&p, NULL));
    return p;
}

/* Calls fn for every node of a tree that is not deleted, in key order. Returns how many. */
typedef void (*edb_node_fn)(void *context, struct slice key, struct slice data);
static inline unsigned edb_each(const struct edb_file *f, pgno_t fdp, edb_node_fn fn, void *context) {
    unsigned count = 0;
    struct page p = edb_page(f, fdp);
    struct node node;
    while (!page_is_leaf(&p)) {
        page_node(&p, 0, &node);
        p = edb_page(f, node_child(&node));
    }
    for (;;) {
        for (unsigned line = 0; line < page_lines(&p); line++) {
            uint8_t key[KEY_BUFFER];
            page_node(&p, line, &node);
            if (node.flags & NODE_DELETED)
                continue;
            size_t n = node_key(&node, key);
            fn(context, slice(key, n), node.data);
            count++;
        }
        if (!page_next(&p))
            return count;
        p = edb_page(f, page_next(&p));
    }
}

struct edb_tables {
    struct table_def *defs[64];
    unsigned count;
    /* of the table whose records are being read: */
    const struct edb_file *file;
    struct table_def_builder *builder;
};

static inline void edb_finish_table(struct edb_tables *t) {
    if (t->builder) {
        CU_ASSERT_FATAL(t->count < 64);
        CHECK_OK(table_def_builder_finish(t->builder, &t->defs[t->count++]));
        table_def_builder_free(t->builder);
        t->builder = NULL;
    }
}

static inline void edb_add_record(void *context, struct slice key, struct slice data) {
    struct edb_tables *t = context;
    struct cat_record record;
    (void)key;
    CHECK_OK(cat_record_decode(data, t->file->page_size, &record));
    if (record.type == CAT_TABLE) {
        edb_finish_table(t);
        CHECK_OK(table_def_builder_new(&t->builder));
    }
    CHECK_OK(table_def_builder_add(t->builder, &record));
}

static inline void edb_read_tables(const struct edb_file *f, struct edb_tables *t) {
    *t = (struct edb_tables){.file = f};
    edb_each(f, CAT_FDP, edb_add_record, t);
    edb_finish_table(t);
}

static inline void edb_free_tables(struct edb_tables *t) {
    for (unsigned i = 0; i < t->count; i++)
        table_def_free(t->defs[i]);
}

static const char *const edb_names[] = {"basic.edb", "binary.edb",  "text.edb",  "multi.edb",    "default.edb",
                                        "index.edb", "Current.mdb", "SRUDB.dat", "Catalog1.edb", "large.edb"};
enum { EDB_FILES = sizeof edb_names / sizeof edb_names[0] };

#endif
