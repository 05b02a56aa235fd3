/* A database for the tests of engine/: an instance with cache and log, and one database ("test.edb") with an empty
 * root, in the directory of the running test; a second one in a folder of its own. No catalog, no sessions, no
 * recovery, no checkpoint: what those tests need, they make.
 *
 *     struct testdb *t = testdb_new(&(struct testdb_options){.page_size = 4096});
 *     struct tree *table = testdb_table(t, 1);
 *     ...
 *     testdb_check(t);
 *     testdb_free(t);
 *
 * Every failure in here is fatal to the test. */
#ifndef ESENT_TESTS_TESTDB_H
#define ESENT_TESTS_TESTDB_H

#include "engine/inst.h"
#include "engine/space.h"

struct testdb_options {
    uint32_t page_size;       /* 0: 4096 */
    uint32_t pages;           /* of the new database; 0: 46 */
    uint32_t extension_pages; /* 0: 16 */
    uint64_t cache_bytes;     /* 0: 64 MiB */
};

struct testdb {
    struct inst inst;
    struct db *db;
    struct testdb_options options;
};

struct testdb *testdb_new(const struct testdb_options *options);
/* An existing file, read-only, in whatever state; no log, no trees but the root. */
struct testdb *testdb_open(const char *path);
/* Writes everything and reads it again: the pages that a test sees afterwards come from the file. */
void testdb_reread(struct testdb *t);
/* A new tree of `pages` primary pages below parent (NULL: the database root). */
struct tree *testdb_tree(struct testdb *t, struct tree *parent, uint32_t type, uint32_t pages);
static inline struct tree *testdb_table(struct testdb *t, uint32_t pages) {
    return testdb_tree(t, NULL, 0, pages);
}
/* Drops a tree made by testdb_tree: its space goes back to its parent. */
void testdb_drop(struct testdb *t, struct tree *tree);
/* bt_check of every tree and the page accounts of the whole database; findings are printed and fail the test. */
void testdb_check(struct testdb *t);
/* Pages that a tree owns / that are free in it. */
uint32_t testdb_owned(struct tree *tree);
uint32_t testdb_available(struct tree *tree);
/* Writes everything and a clean header, so that other programs can read the file; t stays usable. */
void testdb_write(struct testdb *t);
void testdb_free(struct testdb *t); /* NULL is ignored */

#endif
