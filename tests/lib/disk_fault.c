/* See disk.h: the call that is to fail. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "tests/lib/disk.h"
#include "tests/lib/disk_node.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_fault fault;
static pthread_t thread;
static uint64_t met;
static char failed[OS_PATH_MAX + 32];

void disk_fault(struct disk_fault f) {
    pthread_mutex_lock(&lock);
    fault = f;
    thread = pthread_self();
    met = 0;
    failed[0] = 0;
    pthread_mutex_unlock(&lock);
}

void disk_fail(uint64_t nth, const char *part, JET_ERR error) {
    disk_fault((struct disk_fault){.nth = nth, .part = part, .error = error});
}

void disk_no_fault(void) {
    pthread_mutex_lock(&lock);
    fault.nth = 0;
    pthread_mutex_unlock(&lock);
}

const char *disk_failed(void) {
    return failed[0] ? failed : NULL;
}

uint64_t disk_fault_calls(void) {
    pthread_mutex_lock(&lock);
    uint64_t n = met;
    pthread_mutex_unlock(&lock);
    return n;
}

/* A read does not fail because the disk is full. */
static bool is_meant(const char *what, const char *path) {
    static const char *const need_room[] = {"create", "write", "resize", "rename", "make_dir", "sync"};
    bool good = !fault.needs_room && (!fault.loses || strcmp(what, "sync") == 0);
    for (unsigned i = 0; fault.needs_room && i < sizeof need_room / sizeof *need_room; i++)
        good |= strcmp(what, need_room[i]) == 0;
    return good && (!fault.part || strstr(path, fault.part)) &&
           (fault.all_threads || pthread_equal(thread, pthread_self()));
}

JET_ERR disk_meet_fault(const char *what, const char *path) {
    JET_ERR err = JET_errSuccess;
    pthread_mutex_lock(&lock);
    if (fault.nth && is_meant(what, path) && (++met == fault.nth || (met > fault.nth && fault.forever))) {
        if (!failed[0])
            snprintf(failed, sizeof failed, "%s %s", what, path);
        err = fault.error;
    }
    pthread_mutex_unlock(&lock);
    return err;
}

bool disk_fault_loses(void) {
    return fault.loses;
}
