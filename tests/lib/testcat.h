/* For the tests of catalog and cursors: an instance without recovery, with databases made by db_create or attached as
 * they are.
 *
 *     struct testcat f = testcat_new(4096);
 *     struct db *db = testcat_create(&f, "a.edb");
 *     ...
 *     testcat_check(&f, db);      everything, by bt_check, page accounts and edbcheck.py; db is attached anew
 *     testcat_free(&f);
 */
#ifndef ESENT_TESTS_TESTCAT_H
#define ESENT_TESTS_TESTCAT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cursor.h"
#include "engine/inst.h"
#include "tests/lib/test.h"

#define TESTCAT_SESSIONS 4

struct testcat {
    struct inst *inst;
    struct session *s[TESTCAT_SESSIONS];
};

static inline struct testcat testcat_new(uint32_t page_size) {
    struct testcat f = {.inst = calloc(1, sizeof *f.inst)};
    struct inst *inst = f.inst;
    struct log_config log = {.file_bytes = 1 << 20, .page_size = page_size, .circular = true, .events = &inst->events};

    static unsigned count;
    char name[32];
    snprintf(name, sizeof name, "log%u", ++count);
    snprintf(log.dir.path, sizeof log.dir.path, "%s", test_path(name));
    CHECK_OK(os_make_dir(log.dir.path));
    memcpy(log.dir.base, "edb", 4);
    inst->config = (struct inst_config){.name = "testcat",
                                        .log_dir = log.dir,
                                        .page_size = page_size,
                                        .extension_pages = 16,
                                        .cache_bytes_max = 64 << 20};
    os_mutex_init(&inst->mutex, OS_RANK_INST);
    atomic_store(&inst->state, INST_RUNNING);
    CHECK_OK(log_create(&log, &inst->log));
    struct cache_config cache = {.bytes_max = inst->config.cache_bytes_max, .log = inst->log, .events = &inst->events};
    CHECK_OK(cache_new(&cache, &inst->cache));
    CHECK_OK(trx_system_new(inst, 64 << 20, &inst->trx));
    for (unsigned i = 0; i < TESTCAT_SESSIONS; i++)
        CHECK_OK(session_begin(inst, &f.s[i]));
    return f;
}

static inline struct db *testcat_create(struct testcat *f, const char *name) {
    struct db *db = NULL;
    os_mutex_lock(&f->inst->mutex);
    JET_ERR err = db_create(f->inst, test_path(name), &(struct db_create_options){0}, &db);
    os_mutex_unlock(&f->inst->mutex);
    CHECK_OK(err);
    return db;
}

static inline struct db *testcat_attach(struct testcat *f, const char *path, bool read_only) {
    struct db *db = NULL;
    os_mutex_lock(&f->inst->mutex);
    JET_ERR err = db_attach(f->inst, path, read_only, &db);
    os_mutex_unlock(&f->inst->mutex);
    CHECK_OK(err);
    return db;
}

static inline void testcat_detach(struct testcat *f, struct db *db) {
    os_mutex_lock(&f->inst->mutex);
    JET_ERR err = db_detach(db);
    os_mutex_unlock(&f->inst->mutex);
    CHECK_OK(err);
}

/* No transaction and no cursor is open. */
static inline struct db *testcat_check(struct testcat *f, struct db *db) {
    char path[OS_PATH_MAX];
    memcpy(path, db->path, sizeof path);
    testcat_detach(f, db);
    CU_ASSERT_NOT_EQUAL(test_edbcheck(path), 1);
    return testcat_attach(f, path, false);
}

static inline void testcat_free(struct testcat *f) {
    struct inst *inst = f->inst;
    for (unsigned i = 0; i < TESTCAT_SESSIONS; i++)
        CHECK_OK(session_end(f->s[i]));
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id])
            testcat_detach(f, inst->dbs[id]);
    trx_system_free(inst->trx);
    cache_free(inst->cache);
    log_close(inst->log);
    os_mutex_done(&inst->mutex);
    free(inst);
}

#endif
