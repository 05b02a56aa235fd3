/* For tests of external backup: an instance with two databases on a disk of disk.h, and a client that copies.
 *
 *     begin(&s);                            /d, 10 transactions
 *     back_up(&s, 0, true, 0, "/backup");   a full backup: databases, log files, truncate, end
 *     end(&s);
 *
 * Steps of it: open_file, copy_file_to, copy_databases, copy_logs, get_list. */
#ifndef ESENT_TESTS_TESTEXTERNAL_H
#define ESENT_TESTS_TESTEXTERNAL_H

#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

#define PAGE 4096u
#define CHUNK (1u << 20)
#define LIST_BYTES 65536u

static _Alignas(4096) uint8_t chunk[CHUNK];
static char list[LIST_BYTES]; /* the last one that was asked for */
static uint32_t list_size;    /* of it, as the call said */

/* ---- an instance with two databases ---- */

static inline void begin_with(struct script *s, bool circular) {
    disk_install(test_random());
    script_init(s, test_random(), "/d");
    s->circular = circular;
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, 10));
}

static inline void begin(struct script *s) {
    begin_with(s, false);
}

static inline void end(struct script *s) {
    CHECK_OK(script_stop(s, 0));
    CU_ASSERT_EQUAL(disk_open_files(), 0);
    disk_done();
}

static inline JET_DBINFOMISC4 stamps(struct script *s, const struct script_db *db) {
    JET_DBINFOMISC4 info;
    CHECK_OK(JetGetDatabaseInfo(s->session, db->dbid, &info, sizeof info, JET_DbInfoMisc));
    return info;
}

static inline bool same_stamps(const JET_DBINFOMISC4 *x, const JET_DBINFOMISC4 *y) {
    return memcmp(&x->bkinfoFullPrev, &y->bkinfoFullPrev, sizeof x->bkinfoFullPrev) == 0 &&
           memcmp(&x->bkinfoIncPrev, &y->bkinfoIncPrev, sizeof x->bkinfoIncPrev) == 0 &&
           memcmp(&x->bkinfoCopyPrev, &y->bkinfoCopyPrev, sizeof x->bkinfoCopyPrev) == 0 &&
           memcmp(&x->bkinfoDiffPrev, &y->bkinfoDiffPrev, sizeof x->bkinfoDiffPrev) == 0;
}

static inline struct log_range logs(void) {
    struct log_dir dir = {.path = "/d/system", .base = "edb"};
    struct log_range range = {0};
    CHECK_OK(log_dir_scan(&dir, &range));
    return range;
}

static inline const char *log_of(lggen_t gen) {
    static char paths[4][OS_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, OS_PATH_MAX, "/d/system/edb%05X.log", (unsigned)gen);
    return path;
}
/* ---- a client ---- */

typedef JET_ERR(JET_API *list_fn)(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

static inline void get_list(struct script *s, list_fn fn) {
    memset(list, 'x', LIST_BYTES);
    CHECK_OK(fn(s->instance, list, LIST_BYTES, &list_size));
    CU_ASSERT_FATAL(list_size >= 2 && list_size <= LIST_BYTES);
    CU_ASSERT(list[list_size - 1] == 0 && list[list_size - 2] == 0);
}

static inline unsigned count_of_list(void) {
    unsigned count = 0;
    for (const char *path = list; *path; path += strlen(path) + 1)
        count++;
    return count;
}

static inline JET_HANDLE open_file(struct script *s, const char *path) {
    JET_HANDLE handle;
    uint32_t low, high;
    CHECK_OK(JetOpenFileInstance(s->instance, path, &handle, &low, &high));
    CU_ASSERT(low > 0 && low % PAGE == 0 && high == 0);
    return handle;
}

/* To the directory, or nowhere. */
static inline JET_ERR copy_file_to(struct script *s, const char *path, const char *dir) {
    char to[OS_PATH_MAX];
    JET_HANDLE handle;
    uint32_t low, high, got;
    JET_ERR err = JetOpenFileInstance(s->instance, path, &handle, &low, &high);
    if (err < JET_errSuccess)
        return err;
    uint8_t *bytes = malloc(low);
    uint32_t at = 0;
    do {
        err = JetReadFileInstance(s->instance, handle, chunk, PAGE * (1 + (uint32_t)test_random_below(64)), &got);
        if (err < JET_errSuccess)
            break;
        CU_ASSERT_FATAL(got <= low - at);
        memcpy(bytes + at, chunk, got);
        at += got;
    } while (got);
    if (err >= JET_errSuccess) {
        CU_ASSERT_EQUAL(at, low);
        CHECK_OK(JetCloseFileInstance(s->instance, handle));
    }
    if (err >= JET_errSuccess && dir) {
        snprintf(to, sizeof to, "%s/%s", dir, os_path_name(path));
        disk_put(to, bytes, low);
    }
    free(bytes);
    return err;
}

static inline void copy_list(struct script *s, list_fn fn, const char *dir) {
    get_list(s, fn);
    for (const char *path = list; *path; path += strlen(path) + 1)
        CHECK_OK(copy_file_to(s, path, dir));
}

static inline void copy_databases(struct script *s, const char *dir) {
    copy_list(s, JetGetAttachInfoInstance, dir);
}
static inline void copy_logs(struct script *s, const char *dir) {
    copy_list(s, JetGetLogInfoInstance, dir);
}

static inline void back_up(struct script *s, JET_GRBIT grbit, bool truncate, JET_GRBIT how, const char *dir) {
    CHECK_OK(JetBeginExternalBackupInstance(s->instance, grbit));
    if (!grbit)
        copy_databases(s, dir);
    copy_logs(s, dir);
    if (truncate)
        CHECK_OK(JetTruncateLogInstance(s->instance));
    CHECK_OK(JetEndExternalBackupInstance2(s->instance, JET_bitBackupEndNormal | how));
}

static inline void full_backup(struct script *s) {
    back_up(s, 0, true, 0, NULL);
}

#endif
