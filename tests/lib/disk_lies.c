/* See disk_lies.h. Files are those of the table below; only their paths are remembered here. */
#include "tests/lib/disk_lies.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#define FILES_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct os_table *below;
static struct os_table table;
static struct {
    struct os_file *file;
    char path[OS_PATH_MAX];
} files[FILES_MAX];
static struct {
    const char *part;
    uint64_t from, nth, to; /* nth 0: no lie; to UINT64_MAX: lost */
    bool told;
    struct lie lie;
} order;

static void remember(struct os_file *file, const char *path) {
    pthread_mutex_lock(&lock);
    unsigned i = 0;
    while (i < FILES_MAX && files[i].file)
        i++;
    if (i == FILES_MAX)
        abort();
    files[i].file = file;
    snprintf(files[i].path, sizeof files[i].path, "%s", path);
    pthread_mutex_unlock(&lock);
}

static JET_ERR lies_open(const char *path, unsigned flags, struct os_file **out) {
    JET_ERR err = below->open(path, flags, out);
    if (err >= JET_errSuccess)
        remember(*out, path);
    return err;
}

static void lies_close(struct os_file *file) {
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < FILES_MAX; i++)
        if (files[i].file == file)
            files[i].file = NULL;
    pthread_mutex_unlock(&lock);
    below->close(file);
}

static JET_ERR lies_rename(const char *from, const char *to) {
    JET_ERR err = below->rename(from, to);
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < FILES_MAX && err >= JET_errSuccess; i++)
        if (files[i].file && strcmp(files[i].path, from) == 0)
            snprintf(files[i].path, sizeof files[i].path, "%s", to);
    pthread_mutex_unlock(&lock);
    return err;
}

/* True: this write is the one; *offset: where it goes, UINT64_MAX: nowhere. */
static bool is_the_one(const struct os_file *file, uint64_t *offset, size_t bytes) {
    bool found = false;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < FILES_MAX && order.nth > 0; i++) {
        if (files[i].file != file || *offset < order.from || !strstr(files[i].path, order.part) || --order.nth > 0)
            continue;
        order.lie = (struct lie){*offset, bytes};
        order.told = found = true;
        *offset = order.to;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static JET_ERR lies_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    if (is_the_one(file, &offset, bytes) && offset == UINT64_MAX)
        return JET_errSuccess;
    return below->write(file, offset, buffer, bytes);
}

void lies_begin(void) {
    below = os_install(NULL);
    table = *below;
    table.open = lies_open;
    table.close = lies_close;
    table.write = lies_write;
    table.rename = lies_rename;
    os_install(&table);
    disk_no_lie();
}

void lies_end(void) {
    os_install(below);
}

static void set_order(const char *part, uint64_t from, uint64_t nth, uint64_t to) {
    pthread_mutex_lock(&lock);
    order.part = part;
    order.from = from;
    order.nth = nth;
    order.to = to;
    order.told = false;
    pthread_mutex_unlock(&lock);
}

void disk_lose_write(const char *part, uint64_t from, uint64_t nth) {
    set_order(part, from, nth, UINT64_MAX);
}
void disk_misdirect(const char *part, uint64_t from, uint64_t nth, uint64_t to) {
    set_order(part, from, nth, to);
}
void disk_no_lie(void) {
    set_order("", 0, 0, 0);
}

bool disk_lied(struct lie *out) {
    pthread_mutex_lock(&lock);
    bool told = order.told;
    if (out)
        *out = order.lie;
    pthread_mutex_unlock(&lock);
    return told;
}
