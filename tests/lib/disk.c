/* See disk.h. One lock guards everything. */
#include "tests/lib/disk.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "tests/lib/disk_node.h"

#include "tests/lib/alloc_own.h"

struct os_file {
    struct node *node;
    bool writable, shared;
    char path[OS_PATH_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_image disk;
static unsigned open_files;
static uint64_t power_off_at;
static bool power_off;

/* ---- the loss of power ---- */

void disk_power_off_at(uint64_t change) {
    pthread_mutex_lock(&lock);
    disk_change = 0;
    power_off_at = change;
    pthread_mutex_unlock(&lock);
}

bool disk_power_is_off(void) {
    pthread_mutex_lock(&lock);
    bool off = power_off;
    pthread_mutex_unlock(&lock);
    return off;
}

void disk_power_on(enum disk_loss loss) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0);
    enum disk_manner manner = (enum disk_manner)disk_draw(MANNERS);
    for (struct node *node = disk.all; node; node = node->next_all) {
        if (loss == DISK_KEEPS)
            node_drop_under_way(node);
        else
            node_lose(node, manner);
    }
    image_sweep(&disk);
    power_off = false;
    power_off_at = disk_change = 0;
    pthread_mutex_unlock(&lock);
}

uint64_t disk_changes(void) {
    pthread_mutex_lock(&lock);
    uint64_t n = disk_change;
    pthread_mutex_unlock(&lock);
    return n;
}

/* What every call begins with. */
static JET_ERR meet(const char *what, const char *path) {
    return power_off ? JET_errDiskIO : disk_meet_fault(what, path);
}

/* The same for a call that changes something. *under_way: the power goes off with it. */
static JET_ERR meet_change(const char *what, const char *path, bool *under_way) {
    JET_ERR err = meet(what, path);
    *under_way = false;
    if (err < JET_errSuccess || ++disk_change != power_off_at)
        return err;
    power_off = *under_way = true;
    return JET_errDiskIO;
}

/* ---- the table ---- */

static JET_ERR open_node(const char *path, unsigned flags, struct node **out) {
    struct node *node = node_find(&disk, path), *parent = node_find_parent(&disk, path);
    bool under_way, create = flags & OS_CREATE;
    JET_ERR err = create || (flags & OS_TRUNCATE) ? meet_change("create", path, &under_way) : meet("open", path);
    if (!node && create && parent && (err >= JET_errSuccess || (power_off && under_way)))
        node_rename(parent, os_path_name(path), node_new(&disk, false), "", err < JET_errSuccess);
    if (err < JET_errSuccess)
        return err;
    if (node && create && !(flags & OS_TRUNCATE))
        return JET_errFileAlreadyExists;
    if (!node && !create)
        return JET_errFileNotFound;
    if (!node && !parent)
        return JET_errInvalidPath;
    *out = node ? node : node_find(&disk, path);
    return (*out)->is_dir ? JET_errFileAccessDenied : JET_errSuccess;
}

static JET_ERR lock_node(struct node *node, unsigned flags, struct os_file *file) {
    if (!(flags & OS_LOCK))
        return JET_errSuccess;
    if (node->exclusive || ((flags & OS_WRITE) && node->shared))
        return JET_errFileAccessDenied;
    if (flags & OS_WRITE)
        node->exclusive = file;
    else
        node->shared++;
    file->shared = !(flags & OS_WRITE);
    return JET_errSuccess;
}

static JET_ERR disk_open(const char *path, unsigned flags, struct os_file **out) {
    struct node *node = NULL;
    struct os_file *file = calloc(1, sizeof *file);
    pthread_mutex_lock(&lock);
    JET_ERR err = open_node(path, flags, &node);
    if (err >= JET_errSuccess)
        err = lock_node(node, flags, file);
    if (err >= JET_errSuccess) {
        if ((flags & OS_TRUNCATE) && node->now.n > 0)
            node_write(node, 0, NULL, 0, false);
        snprintf(file->path, sizeof file->path, "%s", path);
        file->node = node;
        file->writable = flags & (OS_WRITE | OS_CREATE | OS_TRUNCATE);
        node->opens++;
        open_files++;
        *out = file;
        file = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(file);
    return err;
}

static void disk_close(struct os_file *file) {
    pthread_mutex_lock(&lock);
    if (file->node->exclusive == file)
        file->node->exclusive = NULL;
    file->node->shared -= file->shared;
    file->node->opens--;
    open_files--;
    pthread_mutex_unlock(&lock);
    free(file);
}

static JET_ERR disk_read(struct os_file *file, uint64_t offset, void *buffer, size_t n) {
    pthread_mutex_lock(&lock);
    JET_ERR err = meet("read", file->path);
    const struct bytes *b = &file->node->now;
    if (err >= JET_errSuccess && (offset > b->n || n > b->n - offset))
        err = JET_errFileIOBeyondEOF;
    if (err >= JET_errSuccess && n > 0)
        memcpy(buffer, b->p + offset, n);
    pthread_mutex_unlock(&lock);
    return err;
}

/* A write (data) or a resize (data NULL: offset is the size). A write that fails may have written a part. */
static JET_ERR change_file(struct os_file *file, const char *what, uint64_t offset, const void *data, size_t n) {
    bool under_way;
    pthread_mutex_lock(&lock);
    assert(file->writable);
    JET_ERR err = meet_change(what, file->path, &under_way);
    size_t part = data && err < JET_errSuccess && !power_off ? disk_draw(n / 512 + 1) * 512 : 0;
    if (part > 0)
        node_write(file->node, offset, data, part, false);
    if (err >= JET_errSuccess || under_way)
        node_write(file->node, offset, data, n, under_way);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_write(struct os_file *file, uint64_t offset, const void *buffer, size_t n) {
    return change_file(file, "write", offset, buffer, n);
}

static JET_ERR disk_resize(struct os_file *file, uint64_t n) {
    return change_file(file, "resize", n, NULL, 0);
}

static JET_ERR disk_sync(struct os_file *file) {
    bool under_way;
    pthread_mutex_lock(&lock);
    JET_ERR err = meet_change("sync", file->path, &under_way);
    if (err >= JET_errSuccess)
        node_make_durable(file->node);
    else if (disk_fault_loses())
        node_lose_writes(file->node, disk_draw(2));
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_size(struct os_file *file, uint64_t *n) {
    pthread_mutex_lock(&lock);
    JET_ERR err = meet("size", file->path);
    *n = file->node->now.n;
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR rename_locked(const char *from, const char *to) {
    bool under_way;
    struct node *node = node_find(&disk, from), *dir = node_find_parent(&disk, from), *target = node_find(&disk, to);
    assert(dir == node_find_parent(&disk, to)); /* nobody needs more */
    JET_ERR err = meet_change("rename", from, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (!node || !dir)
        return JET_errFileNotFound;
    if (target && target->is_dir)
        return JET_errFileAlreadyExists;
    node_rename(dir, os_path_name(to), node, os_path_name(from), under_way);
    return err;
}

static JET_ERR disk_rename(const char *from, const char *to) {
    pthread_mutex_lock(&lock);
    JET_ERR err = rename_locked(from, to);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR remove_locked(const char *path, bool is_dir) {
    bool under_way;
    struct node *node = node_find(&disk, path);
    JET_ERR err = meet_change("remove", path, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (!node || (is_dir && !node->is_dir))
        return JET_errFileNotFound;
    if (node->is_dir != is_dir)
        return JET_errFileAccessDenied;
    if (is_dir && node->names.count > 0)
        return JET_errFileAlreadyExists;
    node_rename(node_find_parent(&disk, path), os_path_name(path), NULL, "", under_way);
    return err;
}

static JET_ERR disk_remove(const char *path) {
    pthread_mutex_lock(&lock);
    JET_ERR err = remove_locked(path, false);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_remove_dir(const char *path) {
    pthread_mutex_lock(&lock);
    JET_ERR err = remove_locked(path, true);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR make_dir_locked(const char *path) {
    bool under_way;
    struct node *parent = node_find_parent(&disk, path);
    JET_ERR err = meet_change("make_dir", path, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (node_find(&disk, path))
        return JET_errFileAlreadyExists;
    if (!parent)
        return JET_errInvalidPath;
    node_rename(parent, os_path_name(path), node_new(&disk, true), "", under_way);
    return err;
}

static JET_ERR disk_make_dir_call(const char *path) {
    pthread_mutex_lock(&lock);
    JET_ERR err = make_dir_locked(path);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_sync_dir(const char *path) {
    bool under_way;
    pthread_mutex_lock(&lock);
    JET_ERR err = meet_change("sync_dir", path, &under_way);
    struct node *node = node_find(&disk, path);
    if (err >= JET_errSuccess && (!node || !node->is_dir))
        err = JET_errFileNotFound;
    if (err >= JET_errSuccess)
        node_make_durable(node);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_stat(const char *path, struct os_stat *out) {
    pthread_mutex_lock(&lock);
    JET_ERR err = meet("stat", path);
    const struct node *node = node_find(&disk, path);
    *out = (struct os_stat){.kind = !node          ? OS_MISSING
                                    : node->is_dir ? OS_DIRECTORY
                                                   : OS_FILE,
                            .bytes = node ? node->now.n : 0,
                            .inode = (uintptr_t)node};
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_list(const char *path, os_list_fn fn, void *context) {
    struct entries copy = {0};
    pthread_mutex_lock(&lock);
    JET_ERR err = meet("list", path);
    const struct node *node = node_find(&disk, path);
    if (err >= JET_errSuccess && (!node || !node->is_dir))
        err = JET_errFileNotFound;
    if (err >= JET_errSuccess)
        entries_copy(&copy, &node->names);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < copy.count && err >= JET_errSuccess; i++)
        err = fn(context, copy.items[i].name, copy.items[i].node->is_dir ? OS_DIRECTORY : OS_FILE);
    free(copy.items);
    return err;
}

static const struct os_table disk_table = {
    .open = disk_open,
    .close = disk_close,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .size = disk_size,
    .resize = disk_resize,
    .rename = disk_rename,
    .remove = disk_remove,
    .make_dir = disk_make_dir_call,
    .remove_dir = disk_remove_dir,
    .sync_dir = disk_sync_dir,
    .stat = disk_stat,
    .list = disk_list,
};

/* ---- for the tests ---- */

void disk_install(uint64_t seed) {
    assert(open_files == 0);
    image_clear(&disk);
    disk.root = node_new(&disk, true);
    disk_seed(seed);
    power_off = false;
    power_off_at = disk_change = 0;
    disk_fault((struct disk_fault){0});
    os_install(&disk_table);
}

void disk_done(void) {
    assert(open_files == 0);
    image_clear(&disk);
    os_install(NULL);
}

unsigned disk_open_files(void) {
    pthread_mutex_lock(&lock);
    unsigned n = open_files;
    pthread_mutex_unlock(&lock);
    return n;
}

bool disk_exists(const char *path) {
    pthread_mutex_lock(&lock);
    bool exists = node_find(&disk, path) != NULL;
    pthread_mutex_unlock(&lock);
    return exists;
}

const uint8_t *disk_get(const char *path, size_t *bytes) {
    pthread_mutex_lock(&lock);
    const struct node *node = node_find(&disk, path);
    if (bytes)
        *bytes = node ? node->now.n : 0;
    const uint8_t *p = node ? node->now.p : NULL;
    pthread_mutex_unlock(&lock);
    return p;
}

static void name_durably(const char *path, struct node *node) {
    struct node *parent = node_find_parent(&disk, path);
    if (!parent)
        abort();
    entries_set(&parent->names, os_path_name(path), node);
    entries_set(&parent->durable_names, os_path_name(path), node);
}

static void make_dirs(const char *path) {
    char parent[OS_PATH_MAX];
    if (node_find(&disk, path))
        return;
    if (os_path_parent(parent, path) < JET_errSuccess)
        abort();
    make_dirs(parent);
    name_durably(path, node_new(&disk, true));
}

void disk_make_dir(const char *path) {
    pthread_mutex_lock(&lock);
    make_dirs(path);
    pthread_mutex_unlock(&lock);
}

void disk_put(const char *path, const void *bytes, size_t count) {
    char parent[OS_PATH_MAX];
    if (os_path_parent(parent, path) < JET_errSuccess)
        abort();
    disk_make_dir(parent);
    pthread_mutex_lock(&lock);
    if (!node_find(&disk, path))
        name_durably(path, node_new(&disk, false));
    struct node *node = node_find(&disk, path);
    node_make_durable(node);
    bytes_set(&node->now, bytes, count);
    bytes_set(&node->durable, bytes, count);
    pthread_mutex_unlock(&lock);
}

/* A changed copy is put in the file's place. */
static void edit(const char *path, size_t offset, unsigned mask, size_t end) {
    size_t n;
    const uint8_t *now = disk_get(path, &n);
    if (!now)
        abort();
    end = end ? end : n;
    uint8_t *copy = calloc(1, (end > n ? end : n) + 1);
    memcpy(copy, now, n);
    copy[offset] ^= (uint8_t)mask;
    disk_put(path, copy, end);
    free(copy);
}

void disk_flip(const char *path, size_t offset, unsigned mask) {
    edit(path, offset, mask, 0);
}

void disk_cut(const char *path, size_t bytes) {
    if (bytes)
        edit(path, 0, 0, bytes);
    else
        disk_put(path, "", 0);
}

void disk_delete(const char *path) {
    pthread_mutex_lock(&lock);
    if (!node_find(&disk, path))
        abort();
    name_durably(path, NULL);
    pthread_mutex_unlock(&lock);
}

void disk_copy(const char *from, const char *to) {
    size_t n;
    const uint8_t *p = disk_get(from, &n);
    if (!p)
        abort();
    uint8_t *copy = malloc(n + 1);
    memcpy(copy, p, n);
    disk_put(to, copy, n);
    free(copy);
}

void disk_move(const char *from, const char *to) {
    disk_copy(from, to);
    disk_delete(from);
}

uint64_t disk_hash(uint64_t h, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t digest(const struct node *node, uint64_t seed) {
    uint64_t sum = disk_hash(seed, node->now.p, node->now.n) | 1;
    for (unsigned i = 0; i < node->names.count; i++) {
        const struct entry *e = &node->names.items[i];
        size_t n = strlen(e->name);
        if (n < 4 || strcmp(e->name + n - 4, ".lck") != 0)
            sum += digest(e->node, disk_hash(seed * 31, e->name, n));
    }
    return sum;
}

uint64_t disk_digest(const char *path) {
    pthread_mutex_lock(&lock);
    const struct node *node = node_find(&disk, path);
    uint64_t sum = node ? digest(node, UINT64_C(14695981039346656037)) : 0;
    pthread_mutex_unlock(&lock);
    return sum;
}

void disk_export(const char *path, const char *real_path) {
    size_t n;
    const uint8_t *p = disk_get(path, &n);
    FILE *file = fopen(real_path, "wb");
    if (!p || !file || fwrite(p, 1, n, file) != n || fclose(file) != 0)
        abort();
}

/* ---- images and tapes ---- */

struct disk_image *disk_save(void) {
    struct disk_image *image = calloc(1, sizeof *image);
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !disk_tape_on);
    image_sweep(&disk);
    image_copy(image, &disk);
    for (struct node *node = image->all; node; node = node->next_all)
        node_make_durable(node);
    image_sweep(image);
    pthread_mutex_unlock(&lock);
    return image;
}

void disk_load(const struct disk_image *image) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !disk_tape_on);
    image_clear(&disk);
    image_copy(&disk, image);
    pthread_mutex_unlock(&lock);
}

void disk_image_free(struct disk_image *image) {
    if (image)
        image_clear(image);
    free(image);
}

struct disk_tape *disk_record(void) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !disk_tape_on);
    image_sweep(&disk);
    struct disk_tape *t = disk_tape_on = tape_new(&disk);
    disk_change = 0;
    pthread_mutex_unlock(&lock);
    return t;
}

void disk_record_end(void) {
    pthread_mutex_lock(&lock);
    tape_rewind(disk_tape_on);
    disk_tape_on = NULL;
    pthread_mutex_unlock(&lock);
}

void disk_play(struct disk_tape *t, uint64_t change) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !disk_tape_on);
    tape_play(t, change, &disk);
    power_off = true;
    pthread_mutex_unlock(&lock);
}
