#define _GNU_SOURCE
#include "tests/lib/fulldisk.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/workload.h"

/* ---- the disk ---- */

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "cannot write %s\n", path);
    close(fd);
}

bool full_disk_begin(void) {
    char map[2][40];
    snprintf(map[0], sizeof map[0], "0 %u 1", (unsigned)geteuid());
    snprintf(map[1], sizeof map[1], "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", map[0]);
        write_file("/proc/self/gid_map", map[1]);
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    const char *probe = test_path("probe");
    return mkdir(probe, 0700) == 0 && mount("none", probe, "tmpfs", 0, "size=64k") == 0 && umount(probe) == 0 &&
           rmdir(probe) == 0;
}

static void disk_mount(const char *path) {
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL_FATAL(mount("none", path, "tmpfs", 0, "size=64m"), 0);
}

static void disk_unmount(const char *path) {
    CU_ASSERT_EQUAL_FATAL(umount(path), 0);
    CU_ASSERT_EQUAL_FATAL(rmdir(path), 0);
}

/* From now on there is room for this much beside what is there. */
static void disk_room(const char *path, uint64_t kib) {
    struct statvfs st;
    char size[40];
    CU_ASSERT_EQUAL_FATAL(statvfs(path, &st), 0);
    uint64_t used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize / 1024;
    snprintf(size, sizeof size, "size=%lluk", (unsigned long long)(used + kib));
    CU_ASSERT_EQUAL_FATAL(mount(NULL, path, NULL, MS_REMOUNT, size), 0);
}

/* ---- an instance, one part of which is on the disk ---- */

struct scene {
    char dir[300], disk[320], system[340], log[340], database[340], set[340];
    struct workload_dirs dirs;
    struct ledger *ledger;
    struct model *models;
    uint64_t seed;
    JET_INSTANCE instance;
};

enum part { LOG, DATABASE, SET };

static void scene_begin(struct scene *s, enum part full) {
    memset(s, 0, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "%s", test_path("full"));
    snprintf(s->disk, sizeof s->disk, "%s/disk", s->dir);
    snprintf(s->system, sizeof s->system, "%s/system", s->dir);
    snprintf(s->log, sizeof s->log, "%s/log", full == LOG ? s->disk : s->dir);
    snprintf(s->database, sizeof s->database, "%s/a.edb", full == DATABASE ? s->disk : s->dir);
    snprintf(s->set, sizeof s->set, "%s/set", full == SET ? s->disk : s->dir);
    CU_ASSERT_EQUAL_FATAL(mkdir(s->dir, 0700), 0);
    disk_mount(s->disk);
    s->dirs = (struct workload_dirs){s->system, s->log, s->database};
    s->ledger = ledger_new();
    s->models = calloc(WORKERS, sizeof *s->models);
    s->seed = test_random();
    CHECK_OK(workload_instance(&s->dirs, false, true, &s->instance));
    CHECK_OK(JetInit(&s->instance));
    CHECK_OK(workload_create(s->instance, s->database));
}

static void scene_end(struct scene *s) {
    CHECK_OK(JetTerm(s->instance));
    CU_ASSERT_EQUAL_FATAL(test_check(s->database), 0);
    munmap(s->ledger, sizeof *s->ledger);
    free(s->models);
    disk_unmount(s->disk);
    CU_ASSERT_TRUE_FATAL(test_remove(s->dir));
}

/* full: their errors are expected. */
static void scene_works(struct scene *s, bool full) {
    uint64_t from[WORKERS];
    for (unsigned w = 0; w < WORKERS; w++)
        from[w] = s->models[w].n;
    atomic_store(&s->ledger->error, 0);
    workload_quiet = full;
    workload_start(s->instance, s->database, s->seed, from, s->ledger);
}

static void scene_check(struct scene *s) {
    uint64_t low[WORKERS], high[WORKERS];
    for (unsigned w = 0; w < WORKERS; w++) {
        low[w] = atomic_load(&s->ledger->durable[w]);
        high[w] = atomic_load(&s->ledger->started[w]);
    }
    CU_ASSERT_TRUE_FATAL(workload_check(s->instance, s->database, s->seed, s->models, low, high));
    for (unsigned w = 0; w < WORKERS; w++) {
        atomic_store(&s->ledger->started[w], s->models[w].n);
        atomic_store(&s->ledger->durable[w], s->models[w].n);
    }
}

/* The workers begin `work` more transactions, and end; every row is looked at. */
static void scene_works_on(struct scene *s, unsigned work) {
    uint64_t target = atomic_load(&s->ledger->started[0]) + work;
    scene_works(s, false);
    while (atomic_load(&s->ledger->started[0]) < target && !atomic_load(&s->ledger->stop))
        usleep(100);
    atomic_store(&s->ledger->stop, true);
    workload_join();
    CU_ASSERT_EQUAL_FATAL(atomic_load(&s->ledger->error), 0);
    scene_check(s);
}

static void scene_restart(struct scene *s) {
    CHECK_OK(workload_instance(&s->dirs, false, true, &s->instance));
    CHECK_OK(JetInit(&s->instance));
    CHECK_OK(workload_attach(s->instance, s->database));
}

/* ---- scenes ---- */

/* There is room: the instance notices within seconds. */
static void scene_goes_on(struct scene *s) {
    for (unsigned tries = 0; tries < 2000; tries++) {
        uint64_t target = atomic_load(&s->ledger->started[0]) + 100;
        scene_check(s);
        scene_works(s, true);
        while (atomic_load(&s->ledger->started[0]) < target && !atomic_load(&s->ledger->stop))
            usleep(100);
        atomic_store(&s->ledger->stop, true);
        workload_join();
        if (atomic_load(&s->ledger->error) != JET_errLogDiskFull)
            break;
        usleep(10000);
    }
    CU_ASSERT_EQUAL_FATAL(atomic_load(&s->ledger->error), 0);
    scene_check(s);
}

void full_disk_log(bool restart) {
    struct scene s;
    scene_begin(&s, LOG);
    disk_room(s.disk, 64 + test_random_below(1024));
    scene_works(&s, true);
    workload_join();
    JET_ERR err = atomic_load(&s.ledger->error);
    CU_ASSERT_TRUE_FATAL(err == JET_errLogDiskFull || err == JET_errInstanceUnavailableDueToFatalLogDiskFull);
    if (!restart) {
        disk_room(s.disk, 32 << 10);
        scene_goes_on(&s);
    } else {
        JetTerm(s.instance); /* says that it failed: judged by what is there afterwards */
        disk_room(s.disk, 32 << 10);
        scene_restart(&s);
        scene_check(&s);
        scene_works_on(&s, 100);
    }
    scene_end(&s);
}

/* Rows of a page each, in transactions of their own, until one fails. */
static JET_ERR hog(JET_SESID session, const char *database, uint32_t *rows) {
    static const uint8_t bytes[3000];
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF def = {.cbStruct = sizeof def, .coltyp = JET_coltypLongBinary};
    JET_ERR err = JET_errSuccess;
    CHECK_OK(JetOpenDatabase(session, database, NULL, &db, 0));
    CHECK_OK(JetCreateTable(session, db, "hog", 1, 80, &table));
    CHECK_OK(JetAddColumn(session, table, "bytes", &def, NULL, 0, &column));
    for (*rows = 0; err >= JET_errSuccess && *rows < 100000; *rows += err >= JET_errSuccess) {
        CHECK_OK(JetBeginTransaction(session));
        CHECK_OK(JetPrepareUpdate(session, table, JET_prepInsert));
        err = JetSetColumn(session, table, column, bytes, sizeof bytes, 0, NULL);
        if (err >= JET_errSuccess)
            err = JetUpdate(session, table, NULL, 0, NULL);
        if (err >= JET_errSuccess)
            err = JetCommitTransaction(session, JET_bitCommitLazyFlush);
        else
            CHECK_OK(JetRollback(session, 0));
    }
    CHECK_OK(JetCommitTransaction(session, JET_bitWaitLastLevel0Commit));
    return err;
}

static uint32_t count_rows(JET_SESID session, JET_DBID db, const char *name) {
    JET_TABLEID table;
    uint32_t rows = 0;
    CHECK_OK(JetOpenTable(session, db, name, NULL, 0, 0, &table));
    for (JET_ERR err = JetMove(session, table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess;
         err = JetMove(session, table, JET_MoveNext, 0))
        rows++;
    CHECK_OK(JetCloseTable(session, table));
    return rows;
}

void full_disk_database(void) {
    struct scene s;
    JET_SESID session;
    JET_DBID db;
    uint32_t rows;
    scene_begin(&s, DATABASE);
    disk_room(s.disk, 256 + test_random_below(1024));
    CHECK_OK(JetBeginSession(s.instance, &session, NULL, NULL));
    scene_works(&s, true);
    CHECK_ERR(hog(session, s.database, &rows), JET_errDiskFull);
    atomic_store(&s.ledger->stop, true);
    workload_join();
    JET_ERR err = atomic_load(&s.ledger->error);
    CU_ASSERT_TRUE_FATAL(err == JET_errSuccess || err == JET_errDiskFull);
    scene_check(&s);
    disk_room(s.disk, 32 << 10);
    scene_works_on(&s, 100);
    CHECK_OK(JetEndSession(session, 0));
    CHECK_OK(JetTerm(s.instance));
    scene_restart(&s);
    scene_check(&s);
    CHECK_OK(JetBeginSession(s.instance, &session, NULL, NULL));
    CHECK_OK(JetOpenDatabase(session, s.database, NULL, &db, 0));
    CU_ASSERT_EQUAL_FATAL(count_rows(session, db, "hog"), rows);
    CHECK_OK(JetEndSession(session, 0));
    scene_end(&s);
}

/* The set, restored elsewhere, holds at least what is in low. */
static void check_set(struct scene *s, const uint64_t low[WORKERS]) {
    char dir[340], system[360], database[360];
    uint64_t high[WORKERS];
    JET_INSTANCE instance;
    struct model *models = calloc(WORKERS, sizeof *models);
    snprintf(dir, sizeof dir, "%s/restored", s->dir);
    snprintf(system, sizeof system, "%s/system", dir);
    snprintf(database, sizeof database, "%s/a.edb", dir);
    struct workload_dirs dirs = {system, system, database};
    for (unsigned w = 0; w < WORKERS; w++)
        high[w] = atomic_load(&s->ledger->started[w]);
    CHECK_OK(workload_instance(&dirs, false, true, &instance));
    CHECK_OK(JetRestoreInstance(instance, s->set, dir, NULL));
    CHECK_OK(JetInit(&instance));
    CHECK_OK(workload_attach(instance, database));
    CU_ASSERT_TRUE_FATAL(workload_check(instance, database, s->seed, models, low, high));
    CHECK_OK(JetTerm(instance));
    CU_ASSERT_TRUE_FATAL(test_remove(dir));
    free(models);
}

void full_disk_set(void) {
    struct scene s;
    uint64_t low[WORKERS];
    scene_begin(&s, SET);
    scene_works_on(&s, 100);
    for (unsigned w = 0; w < WORKERS; w++)
        low[w] = s.models[w].n;
    CHECK_OK(JetBackupInstance(s.instance, s.set, JET_bitBackupAtomic, NULL));
    disk_room(s.disk, test_random_below(256));
    scene_works(&s, true);
    CHECK_ERR(JetBackupInstance(s.instance, s.set, JET_bitBackupAtomic, NULL), JET_errDiskFull);
    atomic_store(&s.ledger->stop, true);
    workload_join();
    CU_ASSERT_EQUAL_FATAL(atomic_load(&s.ledger->error), 0);
    scene_check(&s);
    check_set(&s, low);
    disk_room(s.disk, 32 << 10);
    for (unsigned w = 0; w < WORKERS; w++)
        low[w] = s.models[w].n;
    CHECK_OK(JetBackupInstance(s.instance, s.set, JET_bitBackupAtomic, NULL));
    check_set(&s, low);
    scene_end(&s);
}
