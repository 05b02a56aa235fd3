#include "tests/lib/testdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/lib/test.h"

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
    return value ? value : otherwise;
}

/* The test's directory, or a folder in it when another database is there already. */
static void choose_dir(struct testdb *t) {
    char *dir = t->inst.config.log_dir.path;
    snprintf(dir, OS_PATH_MAX, "%s", test_dir());
    for (unsigned n = 2;; n++) {
        struct os_stat st;
        char *path = t->inst.config.system_path;
        CHECK_OK(os_path_join(path, dir, "test.edb"));
        CHECK_OK(os_stat(path, &st));
        if (st.kind == OS_MISSING)
            break;
        snprintf(dir, OS_PATH_MAX, "%s/%u", test_dir(), n);
        CHECK_OK(os_make_dirs(dir));
    }
    snprintf(t->inst.config.system_path, OS_PATH_MAX, "%s", dir);
    memcpy(t->inst.config.log_dir.base, "edb", 4);
}

static void make_log(struct testdb *t) {
    struct log_config config = {
        .file_bytes = 1 << 20, .page_size = t->inst.config.page_size, .circular = true, .events = &t->inst.events};
    config.dir = t->inst.config.log_dir;
    CHECK_OK(log_create(&config, &t->inst.log));
}

static void tree_init(struct tree *tree, struct db *db) {
    tree->db = db;
    tree->fdp = 1;
    tree->objid = 1;
    os_rwlock_init(&tree->latch, OS_RANK_TREE | OS_RANK_MULTI);
    os_mutex_init(&tree->space, OS_RANK_SPACE | OS_RANK_MULTI);
    os_mutex_init(&tree->auto_mutex, OS_RANK_CLEANUP + 5);
}

static void tree_done(struct tree *tree) {
    os_rwlock_done(&tree->latch);
    os_mutex_done(&tree->space);
    os_mutex_done(&tree->auto_mutex);
}

static void attach_pages(struct testdb *t) {
    struct db *db = t->db;
    struct cache_file_config config = {
        .file = db->file, .path = db->path, .page_size = db->page_size, .read_only = db->read_only};
    CHECK_OK(cache_attach(t->inst.cache, &config, &db->pages));
}

static void make_db(struct testdb *t, const char *path) {
    struct db *db = t->db = calloc(1, sizeof *t->db);
    db->inst = &t->inst;
    db->dbid = DB_FIRST_DBID;
    db->page_size = t->inst.config.page_size;
    os_mutex_init(&db->header_mutex, OS_RANK_HEADER);
    os_mutex_init(&db->trees_mutex, OS_RANK_TREES);
    tree_init(&db->root, db);
    db->header = calloc(1, PAGE_SIZE_MAX);
    snprintf(db->path, sizeof db->path, "%s", path);
    t->inst.dbs[DB_FIRST_DBID] = db;
}

static void create_file(struct testdb *t) {
    struct db *db = t->db;
    struct mtr m;
    JET_SIGNATURE signature = clock_signature();
    dbheader_init(db->header, db->page_size, &signature);
    atomic_store(&db->objid_last, 1);
    CHECK_OK(os_open(db->path, OS_WRITE | OS_CREATE, &db->file));
    CHECK_OK(db_grow_file(db, t->options.pages));
    attach_pages(t);
    mtr_begin(&m, db, NULL);
    CHECK_OK(space_create_root(&m, db, t->options.pages));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
}

static struct testdb *make_inst(const struct testdb_options *options, bool with_log) {
    struct testdb *t = calloc(1, sizeof *t);
    t->options = *options;
    t->options.page_size = or_default(options->page_size, 4096);
    t->options.pages = or_default(options->pages, 46);
    t->inst.config.page_size = t->options.page_size;
    t->inst.config.extension_pages = or_default(options->extension_pages, 16);
    t->inst.config.cache_bytes_max = options->cache_bytes ? options->cache_bytes : 64 << 20;
    snprintf(t->inst.config.name, sizeof t->inst.config.name, "testdb");
    os_mutex_init(&t->inst.mutex, OS_RANK_INST);
    atomic_store(&t->inst.state, INST_RUNNING);
    choose_dir(t);
    if (with_log)
        make_log(t);
    struct cache_config cache = {
        .bytes_max = t->inst.config.cache_bytes_max, .log = t->inst.log, .events = &t->inst.events};
    CHECK_OK(cache_new(&cache, &t->inst.cache));
    return t;
}

struct testdb *testdb_new(const struct testdb_options *options) {
    struct testdb *t = make_inst(options, true);
    char path[OS_PATH_MAX];
    CHECK_OK(os_path_join(path, t->inst.config.system_path, "test.edb"));
    make_db(t, path);
    create_file(t);
    return t;
}

struct testdb *testdb_open(const char *path) {
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    struct os_file *file;
    uint64_t bytes;
    pgno_t end;
    CHECK_OK(os_open(path, OS_READ, &file));
    CHECK_OK(dbheader_read(file, header, NULL));
    struct testdb *t = make_inst(&(struct testdb_options){.page_size = le32(header->page_size)}, false);
    make_db(t, path);
    memcpy(t->db->header, header, PAGE_SIZE_MAX);
    free(header);
    t->db->file = file;
    t->db->read_only = true;
    CHECK_OK(os_size(file, &bytes));
    atomic_store(&t->db->file_pages, (uint32_t)(bytes / t->db->page_size - 2));
    atomic_store(&t->db->objid_last, le32(t->db->header->objid_last));
    attach_pages(t);
    CHECK_OK(space_owned_end(t->db, &end));
    atomic_store(&t->db->page_count, end);
    return t;
}

static void write_pages(struct testdb *t) {
    lgpos_t oldest;
    CHECK_OK(cache_write(t->db->pages, UINT64_MAX));
    CHECK_OK(cache_sync(t->db->pages, &oldest));
}

void testdb_reread(struct testdb *t) {
    write_pages(t);
    cache_detach(t->db->pages);
    attach_pages(t);
}

void testdb_write(struct testdb *t) {
    write_pages(t);
    dbheader_set_state(t->db->header, JET_dbstateCleanShutdown, 0, NULL);
    os_mutex_lock(&t->db->header_mutex);
    JET_ERR err = db_write_header(t->db);
    os_mutex_unlock(&t->db->header_mutex);
    CHECK_OK(err);
}

/* ---- trees ---- */

struct tree *testdb_tree(struct testdb *t, struct tree *parent, uint32_t type, uint32_t pages) {
    struct mtr m;
    objid_t objid;
    pgno_t fdp;
    struct tree *tree;
    CHECK_OK(db_new_objid(t->db, &objid));
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(space_create_tree(&m, t->db, parent, objid, type, pages, &fdp));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    CHECK_OK(db_tree(t->db, fdp, objid, type, parent ? parent : &t->db->root, &tree));
    return tree;
}

void testdb_drop(struct testdb *t, struct tree *tree) {
    struct mtr m;
    mtr_begin(&m, t->db, NULL);
    CHECK_OK(space_free_tree(&m, tree, tree->parent));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    atomic_store(&tree->deleted, true);
}

/* ---- checking ---- */

static void report(void *context, pgno_t pgno, const char *what) {
    unsigned *findings = context;
    if ((*findings)++ < 20)
        fprintf(stderr, "\n    page %u: %s", pgno, what);
}

/* Parents before children is not asked for: the accounts are closed at the end. */
static void check_one(struct tree *tree, struct space_accounts *accounts, unsigned *findings) {
    if (atomic_load(&tree->deleted) || (tree->parent && atomic_load(&tree->parent->deleted)))
        return;
    CHECK_OK(space_accounts_add(accounts, tree, report, findings));
}

void testdb_check(struct testdb *t) {
    struct space_accounts *accounts;
    unsigned findings = 0;
    CHECK_OK(space_accounts_new(t->db, &accounts));
    check_one(&t->db->root, accounts, &findings);
    for (unsigned i = 0; i < DB_TREE_BUCKETS; i++)
        for (struct tree *tree = t->db->trees[i]; tree; tree = tree->next)
            check_one(tree, accounts, &findings);
    space_accounts_finish(accounts, report, &findings);
    space_accounts_free(accounts);
    CU_ASSERT_EQUAL_FATAL(findings, 0);
}

struct sums {
    uint32_t owned, available;
};

static void add_extent(void *context, pgno_t first, uint32_t count, bool available) {
    struct sums *sums = context;
    (void)first;
    *(available ? &sums->available : &sums->owned) += count;
}

uint32_t testdb_owned(struct tree *tree) {
    struct sums sums = {0, 0};
    CHECK_OK(space_extents(tree, add_extent, NULL, &sums));
    return sums.owned;
}

uint32_t testdb_available(struct tree *tree) {
    struct sums sums = {0, 0};
    CHECK_OK(space_extents(tree, add_extent, NULL, &sums));
    return sums.available;
}

/* ---- the end ---- */

static void free_db(struct db *db) {
    if (db->pages)
        cache_detach(db->pages);
    os_close(db->file);
    for (unsigned i = 0; i < DB_TREE_BUCKETS; i++)
        for (struct tree *tree = db->trees[i], *next; tree; tree = next) {
            next = tree->next;
            tree_done(tree);
            free(tree);
        }
    tree_done(&db->root);
    os_mutex_done(&db->header_mutex);
    os_mutex_done(&db->trees_mutex);
    free(db->header);
    free(db);
}

void testdb_free(struct testdb *t) {
    if (!t)
        return;
    free_db(t->db);
    cache_free(t->inst.cache);
    log_close(t->inst.log);
    os_mutex_done(&t->inst.mutex);
    free(t);
}
