/* See fault.h. One lock guards everything; it is not held during a call to os_posix. */
#include "tests/lib/fault.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#define FAULTS_MAX 16
#define COUNTERS_MAX 512
#define NAME_BYTES 64

struct os_file {
    struct os_file *inner; /* of os_posix */
    char path[OS_PATH_MAX];
    struct os_file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct os_file *open_files;
static struct fault faults[FAULTS_MAX];
static unsigned fault_count, hits;
static struct {
    enum fault_op op;
    char name[NAME_BYTES];
    unsigned calls;
} counters[COUNTERS_MAX];
static unsigned counter_count;
static struct {
    bool closed;
    enum fault_op op;
    const char *name;
    unsigned waiting;
} gate;

static bool matches(const char *part, const char *name) {
    return !part || strstr(name, part);
}

static void count_call(enum fault_op op, const char *name) {
    unsigned i = 0;
    while (i < counter_count && (counters[i].op != op || strncmp(counters[i].name, name, NAME_BYTES - 1) != 0))
        i++;
    if (i == counter_count) {
        if (counter_count == COUNTERS_MAX)
            return;
        counters[counter_count++].op = op;
        strncpy(counters[i].name, name, NAME_BYTES - 1);
    }
    counters[i].calls++;
}

static void stand_at_gate(enum fault_op op, const char *name) {
    if (!gate.closed || gate.op != op || !matches(gate.name, name))
        return;
    gate.waiting++;
    pthread_cond_broadcast(&changed);
    while (gate.closed)
        pthread_cond_wait(&changed, &lock);
    gate.waiting--;
}

/* The fault that a call meets, or success; partial may be NULL. */
static JET_ERR meet(enum fault_op op, const char *path, size_t *partial) {
    const char *name = os_path_name(path);
    JET_ERR err = JET_errSuccess;
    pthread_mutex_lock(&lock);
    count_call(op, name);
    stand_at_gate(op, name);
    for (unsigned i = 0; i < fault_count && err >= JET_errSuccess; i++) {
        struct fault *f = &faults[i];
        if (f->op != op || f->error >= JET_errSuccess || !matches(f->name, name))
            continue;
        if (f->nth > 1) {
            f->nth--;
            continue;
        }
        err = f->error;
        hits++;
        if (partial)
            *partial = f->partial;
        if (!f->forever)
            f->error = JET_errSuccess;
    }
    pthread_mutex_unlock(&lock);
    return err;
}

/* A file's path changes under renames by other threads. */
static JET_ERR meet_file(enum fault_op op, struct os_file *file, size_t *partial) {
    char path[OS_PATH_MAX];
    pthread_mutex_lock(&lock);
    memcpy(path, file->path, sizeof path);
    pthread_mutex_unlock(&lock);
    return meet(op, path, partial);
}

/* ---- the table ---- */

static JET_ERR fault_open(const char *path, unsigned flags, struct os_file **out) {
    JET_ERR err = meet(FAULT_OPEN, path, NULL);
    if (err < JET_errSuccess)
        return err;
    struct os_file *file = calloc(1, sizeof *file);
    if (!file || strlen(path) >= sizeof file->path)
        abort();
    strcpy(file->path, path);
    err = os_posix.open(path, flags, &file->inner);
    if (err < JET_errSuccess) {
        free(file);
        return err;
    }
    pthread_mutex_lock(&lock);
    file->next = open_files;
    open_files = file;
    pthread_mutex_unlock(&lock);
    *out = file;
    return err;
}

static void fault_close(struct os_file *file) {
    pthread_mutex_lock(&lock);
    struct os_file **at = &open_files;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    pthread_mutex_unlock(&lock);
    os_posix.close(file->inner);
    free(file);
}

static JET_ERR fault_read(struct os_file *file, uint64_t offset, void *buffer, size_t bytes) {
    JET_ERR err = meet_file(FAULT_READ, file, NULL);
    return err < JET_errSuccess ? err : os_posix.read(file->inner, offset, buffer, bytes);
}

static JET_ERR fault_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    size_t partial = 0;
    JET_ERR err = meet_file(FAULT_WRITE, file, &partial);
    if (err >= JET_errSuccess)
        return os_posix.write(file->inner, offset, buffer, bytes);
    JET_ERR ignored = os_posix.write(file->inner, offset, buffer, partial < bytes ? partial : bytes);
    (void)ignored;
    return err;
}

static JET_ERR fault_sync(struct os_file *file) {
    JET_ERR err = meet_file(FAULT_SYNC, file, NULL);
    return err < JET_errSuccess ? err : os_posix.sync(file->inner);
}

static JET_ERR fault_size(struct os_file *file, uint64_t *bytes) {
    JET_ERR err = meet_file(FAULT_SIZE, file, NULL);
    return err < JET_errSuccess ? err : os_posix.size(file->inner, bytes);
}

static JET_ERR fault_resize(struct os_file *file, uint64_t bytes) {
    JET_ERR err = meet_file(FAULT_RESIZE, file, NULL);
    return err < JET_errSuccess ? err : os_posix.resize(file->inner, bytes);
}

static JET_ERR fault_rename(const char *from, const char *to) {
    JET_ERR err = meet(FAULT_RENAME, from, NULL);
    if (err >= JET_errSuccess)
        err = os_posix.rename(from, to);
    if (err < JET_errSuccess)
        return err;
    pthread_mutex_lock(&lock);
    for (struct os_file *f = open_files; f; f = f->next) {
        if (strcmp(f->path, from) == 0)
            strcpy(f->path, to);
    }
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR fault_remove(const char *path) {
    JET_ERR err = meet(FAULT_REMOVE, path, NULL);
    return err < JET_errSuccess ? err : os_posix.remove(path);
}

static JET_ERR fault_make_dir(const char *path) {
    JET_ERR err = meet(FAULT_MAKE_DIR, path, NULL);
    return err < JET_errSuccess ? err : os_posix.make_dir(path);
}

static JET_ERR fault_remove_dir(const char *path) {
    JET_ERR err = meet(FAULT_REMOVE_DIR, path, NULL);
    return err < JET_errSuccess ? err : os_posix.remove_dir(path);
}

static JET_ERR fault_sync_dir(const char *path) {
    JET_ERR err = meet(FAULT_SYNC_DIR, path, NULL);
    return err < JET_errSuccess ? err : os_posix.sync_dir(path);
}

static JET_ERR fault_stat(const char *path, struct os_stat *out) {
    JET_ERR err = meet(FAULT_STAT, path, NULL);
    return err < JET_errSuccess ? err : os_posix.stat(path, out);
}

static JET_ERR fault_list(const char *path, os_list_fn fn, void *context) {
    JET_ERR err = meet(FAULT_LIST, path, NULL);
    return err < JET_errSuccess ? err : os_posix.list(path, fn, context);
}

static const struct os_table fault_table = {
    .open = fault_open,
    .close = fault_close,
    .read = fault_read,
    .write = fault_write,
    .sync = fault_sync,
    .size = fault_size,
    .resize = fault_resize,
    .rename = fault_rename,
    .remove = fault_remove,
    .make_dir = fault_make_dir,
    .remove_dir = fault_remove_dir,
    .sync_dir = fault_sync_dir,
    .stat = fault_stat,
    .list = fault_list,
};

/* ---- for the tests ---- */

static void forget(void) {
    pthread_mutex_lock(&lock);
    fault_count = counter_count = hits = 0;
    memset(counters, 0, sizeof counters);
    gate.closed = false;
    pthread_mutex_unlock(&lock);
}

void fault_install(void) {
    forget();
    os_install(&fault_table);
}

void fault_done(void) {
    forget();
    os_install(NULL);
}

void fault_add(struct fault fault) {
    pthread_mutex_lock(&lock);
    assert(fault_count < FAULTS_MAX);
    faults[fault_count++] = fault;
    pthread_mutex_unlock(&lock);
}

void fault_clear(void) {
    pthread_mutex_lock(&lock);
    fault_count = 0;
    pthread_mutex_unlock(&lock);
}

unsigned fault_hits(void) {
    pthread_mutex_lock(&lock);
    unsigned n = hits;
    pthread_mutex_unlock(&lock);
    return n;
}

unsigned fault_calls(enum fault_op op, const char *name) {
    unsigned n = 0;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < counter_count; i++) {
        if (counters[i].op == op && matches(name, counters[i].name))
            n += counters[i].calls;
    }
    pthread_mutex_unlock(&lock);
    return n;
}

void fault_gate_close(enum fault_op op, const char *name) {
    pthread_mutex_lock(&lock);
    gate.closed = true;
    gate.op = op;
    gate.name = name;
    pthread_mutex_unlock(&lock);
}

void fault_gate_wait(void) {
    pthread_mutex_lock(&lock);
    while (gate.waiting == 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void fault_gate_open(void) {
    pthread_mutex_lock(&lock);
    gate.closed = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}
