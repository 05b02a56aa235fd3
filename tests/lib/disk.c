/* See disk.h. Files and directories are nodes; each has what a reader sees now, what is durable, and between them the
 * list of changes that are not. One lock guards everything. */
#include "tests/lib/disk.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#define NAME_BYTES 128
#define SECTOR 512u

struct bytes {
    uint8_t *p;
    size_t n, room;
};
struct entries {
    struct entry {
        char name[NAME_BYTES];
        struct node *node;
    } * items;
    unsigned count, room;
};

struct write { /* of a file; data NULL: new size */
    struct write *next;
    uint64_t offset;
    size_t n;
    uint8_t *data;
    bool under_way; /* the power went off: it has not succeeded */
};

struct rename { /* of a directory: name becomes node (NULL: is gone), and `gone` goes with it ("": none) */
    struct rename *next;
    char name[NAME_BYTES], gone[NAME_BYTES];
    struct node *node;
    bool under_way;
};

struct node {
    struct node *next_all;
    unsigned id; /* the same in a copy of the image */
    bool is_dir, reached;
    struct bytes now, durable;
    struct write *writes;
    struct entries names, durable_names;
    struct rename *renames;
    unsigned opens;
    struct os_file *exclusive;
    unsigned shared;
};

struct os_file {
    struct node *node;
    bool writable, shared;
    char path[OS_PATH_MAX];
};

struct disk_image {
    struct node *all, *root;
    unsigned nodes; /* ids given */
};

struct change { /* on a tape: a write to `node`, a rename in it, or a sync of it */
    struct change *next;
    uint64_t number;
    enum { TAPE_WRITE, TAPE_RENAME, TAPE_SYNC } kind;
    unsigned node, target; /* ids; target 0: none */
    bool target_is_dir;
    uint64_t offset;
    size_t n;
    uint8_t *data;
    char name[NAME_BYTES], gone[NAME_BYTES];
};

struct disk_tape {
    struct change *first, **end;
    struct disk_image base, at; /* at: what is before change `next` */
    struct change *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct disk_image disk;
static unsigned open_files;
static uint64_t random_state, changes, power_off_at;
static bool power_off;
static struct disk_tape *tape; /* that is being recorded */
static struct {
    uint64_t nth;
    const char *part;
    JET_ERR error;
    pthread_t thread;
    char what[OS_PATH_MAX + 32];
} fault;

static uint64_t draw(uint64_t end) {
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % end;
}

static void *need(void *p) {
    if (!p)
        abort();
    return p;
}

/* ---- bytes ---- */

static void bytes_resize(struct bytes *b, size_t n) {
    if (n > b->room || !b->p) {
        b->room = 2 * n + 16;
        b->p = need(realloc(b->p, b->room));
    }
    if (n > b->n)
        memset(b->p + b->n, 0, n - b->n);
    b->n = n;
}

static void bytes_set(struct bytes *b, const void *from, size_t n) {
    bytes_resize(b, n);
    if (n > 0)
        memcpy(b->p, from, n);
}

static void bytes_apply(struct bytes *b, const struct write *w) {
    if (!w->data) {
        bytes_resize(b, w->offset);
        return;
    }
    if (w->offset + w->n > b->n)
        bytes_resize(b, w->offset + w->n);
    memcpy(b->p + w->offset, w->data, w->n);
}

/* ---- entries ---- */

static struct node *entries_find(const struct entries *e, const char *name) {
    for (unsigned i = 0; i < e->count; i++)
        if (strcmp(e->items[i].name, name) == 0)
            return e->items[i].node;
    return NULL;
}

static void entries_set(struct entries *e, const char *name, struct node *node) {
    unsigned i = 0;
    while (i < e->count && strcmp(e->items[i].name, name) != 0)
        i++;
    if (!node) {
        if (i < e->count)
            e->items[i] = e->items[--e->count];
        return;
    }
    if (i == e->room) {
        e->room = 2 * e->room + 8;
        e->items = need(realloc(e->items, e->room * sizeof *e->items));
    }
    if (i == e->count)
        snprintf(e->items[e->count++].name, NAME_BYTES, "%s", name);
    e->items[i].node = node;
}

static void entries_copy(struct entries *to, const struct entries *from) {
    to->count = 0;
    for (unsigned i = 0; i < from->count; i++)
        entries_set(to, from->items[i].name, from->items[i].node);
}

static void entries_apply(struct entries *e, const struct rename *r) {
    entries_set(e, r->name, r->node);
    if (r->gone[0])
        entries_set(e, r->gone, NULL);
}

/* ---- nodes ---- */

static struct node *node_new(struct disk_image *image, bool is_dir) {
    struct node *node = need(calloc(1, sizeof *node));
    node->is_dir = is_dir;
    node->id = ++image->nodes;
    node->next_all = image->all;
    image->all = node;
    return node;
}

static void forget_changes(struct node *node) {
    for (struct write *w = node->writes, *next; w; w = next) {
        next = w->next;
        free(w->data);
        free(w);
    }
    for (struct rename *r = node->renames, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    node->writes = NULL;
    node->renames = NULL;
}

static void node_free(struct node *node) {
    forget_changes(node);
    free(node->now.p);
    free(node->durable.p);
    free(node->names.items);
    free(node->durable_names.items);
    free(node);
}

static void image_clear(struct disk_image *image) {
    for (struct node *node = image->all, *next; node; node = next) {
        next = node->next_all;
        node_free(node);
    }
    *image = (struct disk_image){0};
}

/* What has no name any more, neither now nor after any loss, and is not open. */
static void reach(struct node *node) {
    if (node->reached)
        return;
    node->reached = true;
    for (unsigned i = 0; i < node->names.count; i++)
        reach(node->names.items[i].node);
    for (unsigned i = 0; i < node->durable_names.count; i++)
        reach(node->durable_names.items[i].node);
    for (struct rename *r = node->renames; r; r = r->next)
        if (r->node)
            reach(r->node);
}

static void sweep(struct disk_image *image) {
    for (struct node *node = image->all; node; node = node->next_all)
        node->reached = false;
    reach(image->root);
    for (struct node **at = &image->all; *at;) {
        struct node *node = *at;
        if (node->reached || node->opens) {
            at = &node->next_all;
            continue;
        }
        *at = node->next_all;
        node_free(node);
    }
}

static struct node *find(const char *path) {
    struct node *node = disk.root;
    char name[NAME_BYTES];
    while (node && *path) {
        size_t n = strcspn(path, "/");
        if (n > 0) {
            snprintf(name, sizeof name, "%.*s", (int)n, path);
            node = node->is_dir ? entries_find(&node->names, name) : NULL;
        }
        path += n + (path[n] == '/');
    }
    return node;
}

static struct node *find_parent(const char *path) {
    char parent[OS_PATH_MAX];
    if (os_path_parent(parent, path) < JET_errSuccess)
        return NULL;
    struct node *node = find(parent);
    return node && node->is_dir ? node : NULL;
}

/* ---- changes ---- */

static void record(const struct change *change) {
    struct change *c = need(malloc(sizeof *c));
    *c = *change;
    c->number = changes;
    if (change->data) {
        c->data = need(malloc(c->n + 1));
        memcpy(c->data, change->data, c->n);
    }
    *tape->end = c;
    tape->end = &c->next;
}

static void add_write(struct node *node, uint64_t offset, const void *data, size_t n, bool under_way) {
    struct write *w = need(calloc(1, sizeof *w)), **at = &node->writes;
    *w = (struct write){.offset = offset, .n = n, .under_way = under_way};
    if (data) {
        w->data = need(malloc(n + 1));
        memcpy(w->data, data, n);
    }
    while (*at)
        at = &(*at)->next;
    *at = w;
    if (!under_way)
        bytes_apply(&node->now, w);
    if (tape)
        record(&(struct change){.kind = TAPE_WRITE, .node = node->id, .offset = offset, .n = n, .data = w->data});
}

static void add_rename(struct node *dir, const char *name, struct node *node, const char *gone, bool under_way) {
    struct rename *r = need(calloc(1, sizeof *r)), **at = &dir->renames;
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->gone, sizeof r->gone, "%s", gone);
    r->node = node;
    r->under_way = under_way;
    while (*at)
        at = &(*at)->next;
    *at = r;
    if (!under_way)
        entries_apply(&dir->names, r);
    if (!tape)
        return;
    struct change c = {.kind = TAPE_RENAME, .node = dir->id};
    c.target = node ? node->id : 0;
    c.target_is_dir = node && node->is_dir;
    memcpy(c.name, r->name, sizeof c.name);
    memcpy(c.gone, r->gone, sizeof c.gone);
    record(&c);
}

static void make_durable(struct node *node) {
    for (struct write *w = node->writes; w; w = w->next)
        if (!w->under_way)
            bytes_apply(&node->durable, w);
    for (struct rename *r = node->renames; r; r = r->next)
        if (!r->under_way)
            entries_apply(&node->durable_names, r);
    forget_changes(node);
    if (tape)
        record(&(struct change){.kind = TAPE_SYNC, .node = node->id});
}

/* ---- the loss of power ---- */

static void drop_under_way(struct node *node) {
    for (struct write **at = &node->writes; *at;) {
        struct write *w = *at;
        if (!w->under_way) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        free(w->data);
        free(w);
    }
    for (struct rename **at = &node->renames; *at;) {
        struct rename *r = *at;
        if (!r->under_way) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        free(r);
    }
}

static void tear(struct bytes *b, const struct write *w) {
    for (size_t at = 0; w->data && at < w->n;) {
        size_t n = SECTOR - (w->offset + at) % SECTOR;
        n = n < w->n - at ? n : w->n - at;
        if (draw(2))
            bytes_apply(b, &(struct write){.offset = w->offset + at, .n = n, .data = w->data + at});
        at += n;
    }
}

enum manner { LOSE_ALL, LOSE_NONE, LOSE_SOME, TEAR_SOME, MANNERS };

/* A first part of them is kept, as by a file system with a journal, or each by itself, which POSIX allows. */
static void lose_names(struct node *dir, enum manner manner) {
    unsigned count = 0, kept = UINT32_MAX;
    for (struct rename *r = dir->renames; r; r = r->next)
        count++;
    const bool in_order = draw(2) || manner < LOSE_SOME;
    if (manner == LOSE_ALL)
        kept = 0;
    else if (manner != LOSE_NONE && in_order)
        kept = (unsigned)draw(count + 1);
    for (struct rename *r = dir->renames; r && kept > 0; r = r->next, kept--)
        if (in_order || draw(3))
            entries_apply(&dir->durable_names, r);
}

static void lose(struct node *node, enum manner manner) {
    for (struct write *w = node->writes; w; w = w->next) {
        if (manner == LOSE_ALL || (manner != LOSE_NONE && draw(3) == 0))
            continue;
        if ((w->under_way || manner == TEAR_SOME) && draw(2))
            tear(&node->durable, w);
        else
            bytes_apply(&node->durable, w);
    }
    lose_names(node, manner);
    forget_changes(node);
    bytes_set(&node->now, node->durable.p, node->durable.n);
    entries_copy(&node->names, &node->durable_names);
}

void disk_power_off_at(uint64_t change) {
    pthread_mutex_lock(&lock);
    changes = 0;
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
    enum manner manner = (enum manner)draw(MANNERS);
    for (struct node *node = disk.all; node; node = node->next_all) {
        if (loss == DISK_KEEPS)
            drop_under_way(node);
        else
            lose(node, manner);
    }
    sweep(&disk);
    power_off = false;
    power_off_at = changes = 0;
    pthread_mutex_unlock(&lock);
}

uint64_t disk_changes(void) {
    pthread_mutex_lock(&lock);
    uint64_t n = changes;
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- faults ---- */

void disk_fail(uint64_t nth, const char *part, JET_ERR error) {
    pthread_mutex_lock(&lock);
    fault.nth = nth;
    fault.part = part;
    fault.error = error;
    fault.thread = pthread_self();
    fault.what[0] = 0;
    pthread_mutex_unlock(&lock);
}

void disk_no_fault(void) {
    pthread_mutex_lock(&lock);
    fault.nth = 0;
    pthread_mutex_unlock(&lock);
}

const char *disk_failed(void) {
    return fault.what[0] ? fault.what : NULL;
}

/* What every call begins with. */
static JET_ERR meet(const char *what, const char *path) {
    if (power_off)
        return JET_errDiskIO;
    if (fault.nth == 0 || !pthread_equal(fault.thread, pthread_self()) || (fault.part && !strstr(path, fault.part)) ||
        --fault.nth > 0)
        return JET_errSuccess;
    snprintf(fault.what, sizeof fault.what, "%s %s", what, path);
    return fault.error;
}

/* The same for a call that changes something. *under_way: the power goes off with it. */
static JET_ERR meet_change(const char *what, const char *path, bool *under_way) {
    JET_ERR err = meet(what, path);
    *under_way = false;
    if (err < JET_errSuccess || ++changes != power_off_at)
        return err;
    power_off = *under_way = true;
    return JET_errDiskIO;
}

/* ---- the table ---- */

static JET_ERR open_node(const char *path, unsigned flags, struct node **out) {
    struct node *node = find(path), *parent = find_parent(path);
    bool under_way, create = flags & OS_CREATE;
    JET_ERR err = create || (flags & OS_TRUNCATE) ? meet_change("create", path, &under_way) : meet("open", path);
    if (!node && create && parent && (err >= JET_errSuccess || (power_off && under_way)))
        add_rename(parent, os_path_name(path), node_new(&disk, false), "", err < JET_errSuccess);
    if (err < JET_errSuccess)
        return err;
    if (node && create && !(flags & OS_TRUNCATE))
        return JET_errFileAlreadyExists;
    if (!node && !create)
        return JET_errFileNotFound;
    if (!node && !parent)
        return JET_errInvalidPath;
    *out = node ? node : find(path);
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
    struct os_file *file = need(calloc(1, sizeof *file));
    pthread_mutex_lock(&lock);
    JET_ERR err = open_node(path, flags, &node);
    if (err >= JET_errSuccess)
        err = lock_node(node, flags, file);
    if (err >= JET_errSuccess) {
        if ((flags & OS_TRUNCATE) && node->now.n > 0)
            add_write(node, 0, NULL, 0, false);
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

/* A write (data) or a resize (data NULL: offset is the size). */
static JET_ERR change_file(struct os_file *file, const char *what, uint64_t offset, const void *data, size_t n) {
    bool under_way;
    pthread_mutex_lock(&lock);
    assert(file->writable);
    JET_ERR err = meet_change(what, file->path, &under_way);
    if (err >= JET_errSuccess || under_way)
        add_write(file->node, offset, data, n, under_way);
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
        make_durable(file->node);
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
    struct node *node = find(from), *dir = find_parent(from), *target = find(to);
    assert(dir == find_parent(to)); /* nobody needs more */
    JET_ERR err = meet_change("rename", from, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (!node || !dir)
        return JET_errFileNotFound;
    if (target && target->is_dir)
        return JET_errFileAlreadyExists;
    add_rename(dir, os_path_name(to), node, os_path_name(from), under_way);
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
    struct node *node = find(path);
    JET_ERR err = meet_change("remove", path, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (!node || (is_dir && !node->is_dir))
        return JET_errFileNotFound;
    if (node->is_dir != is_dir)
        return JET_errFileAccessDenied;
    if (is_dir && node->names.count > 0)
        return JET_errFileAlreadyExists;
    add_rename(find_parent(path), os_path_name(path), NULL, "", under_way);
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
    struct node *parent = find_parent(path);
    JET_ERR err = meet_change("make_dir", path, &under_way);
    if (err < JET_errSuccess && !under_way)
        return err;
    if (find(path))
        return JET_errFileAlreadyExists;
    if (!parent)
        return JET_errInvalidPath;
    add_rename(parent, os_path_name(path), node_new(&disk, true), "", under_way);
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
    struct node *node = find(path);
    if (err >= JET_errSuccess && (!node || !node->is_dir))
        err = JET_errFileNotFound;
    if (err >= JET_errSuccess)
        make_durable(node);
    pthread_mutex_unlock(&lock);
    return err;
}

static JET_ERR disk_stat(const char *path, struct os_stat *out) {
    pthread_mutex_lock(&lock);
    JET_ERR err = meet("stat", path);
    const struct node *node = find(path);
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
    const struct node *node = find(path);
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
    random_state = seed;
    power_off = false;
    power_off_at = changes = 0;
    disk_fail(0, NULL, JET_errSuccess);
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
    bool exists = find(path) != NULL;
    pthread_mutex_unlock(&lock);
    return exists;
}

const uint8_t *disk_get(const char *path, size_t *bytes) {
    pthread_mutex_lock(&lock);
    const struct node *node = find(path);
    if (bytes)
        *bytes = node ? node->now.n : 0;
    const uint8_t *p = node ? node->now.p : NULL;
    pthread_mutex_unlock(&lock);
    return p;
}

static void name_durably(const char *path, struct node *node) {
    struct node *parent = find_parent(path);
    if (!parent)
        abort();
    entries_set(&parent->names, os_path_name(path), node);
    entries_set(&parent->durable_names, os_path_name(path), node);
}

static void make_dirs(const char *path) {
    char parent[OS_PATH_MAX];
    if (find(path))
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
    if (!find(path))
        name_durably(path, node_new(&disk, false));
    struct node *node = find(path);
    make_durable(node);
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
    uint8_t *copy = need(calloc(1, (end > n ? end : n) + 1));
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
    if (!find(path))
        abort();
    name_durably(path, NULL);
    pthread_mutex_unlock(&lock);
}

void disk_copy(const char *from, const char *to) {
    size_t n;
    const uint8_t *p = disk_get(from, &n);
    if (!p)
        abort();
    uint8_t *copy = need(malloc(n + 1));
    memcpy(copy, p, n);
    disk_put(to, copy, n);
    free(copy);
}

void disk_move(const char *from, const char *to) {
    disk_copy(from, to);
    disk_delete(from);
}

static uint64_t hash(uint64_t h, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t digest(const struct node *node, uint64_t seed) {
    uint64_t sum = hash(seed, node->now.p, node->now.n) | 1;
    for (unsigned i = 0; i < node->names.count; i++) {
        const struct entry *e = &node->names.items[i];
        size_t n = strlen(e->name);
        if (n < 4 || strcmp(e->name + n - 4, ".lck") != 0)
            sum += digest(e->node, hash(seed * 31, e->name, n));
    }
    return sum;
}

uint64_t disk_digest(const char *path) {
    pthread_mutex_lock(&lock);
    const struct node *node = find(path);
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

static void copy_entries(struct entries *to, const struct entries *from, struct node *const *copies) {
    for (unsigned i = 0; i < from->count; i++)
        entries_set(to, from->items[i].name, copies[from->items[i].node->id]);
}

/* With what is not durable yet. */
static void image_copy(struct disk_image *to, const struct disk_image *from) {
    struct node **copies = need(calloc(from->nodes + 1, sizeof(struct node *))), **end = &to->all;
    *to = (struct disk_image){.nodes = from->nodes};
    for (const struct node *node = from->all; node; node = node->next_all) {
        struct node *copy = copies[node->id] = *end = need(calloc(1, sizeof *copy));
        end = &copy->next_all;
        copy->id = node->id;
        copy->is_dir = node->is_dir;
        bytes_set(&copy->now, node->now.p, node->now.n);
        bytes_set(&copy->durable, node->durable.p, node->durable.n);
    }
    for (const struct node *node = from->all; node; node = node->next_all) {
        struct node *copy = copies[node->id];
        copy_entries(&copy->names, &node->names, copies);
        copy_entries(&copy->durable_names, &node->durable_names, copies);
        struct write **w_end = &copy->writes;
        for (const struct write *w = node->writes; w; w = w->next, w_end = &(*w_end)->next) {
            *w_end = need(malloc(sizeof *w));
            **w_end = *w;
            if (w->data)
                (*w_end)->data = memcpy(need(malloc(w->n + 1)), w->data, w->n);
            (*w_end)->next = NULL;
        }
        struct rename **r_end = &copy->renames;
        for (const struct rename *r = node->renames; r; r = r->next, r_end = &(*r_end)->next) {
            *r_end = need(malloc(sizeof *r));
            **r_end = *r;
            (*r_end)->node = r->node ? copies[r->node->id] : NULL;
            (*r_end)->next = NULL;
        }
    }
    to->root = copies[from->root->id];
    free(copies);
}

struct disk_image *disk_save(void) {
    struct disk_image *image = need(calloc(1, sizeof *image));
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !tape);
    sweep(&disk);
    image_copy(image, &disk);
    for (struct node *node = image->all; node; node = node->next_all)
        make_durable(node);
    sweep(image);
    pthread_mutex_unlock(&lock);
    return image;
}

void disk_load(const struct disk_image *image) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !tape);
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
    struct disk_tape *t = need(calloc(1, sizeof *t));
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !tape);
    sweep(&disk);
    image_copy(&t->base, &disk);
    image_copy(&t->at, &t->base);
    t->end = &t->first;
    changes = 0;
    tape = t;
    pthread_mutex_unlock(&lock);
    return t;
}

void disk_record_end(void) {
    pthread_mutex_lock(&lock);
    tape->next = tape->first;
    tape = NULL;
    pthread_mutex_unlock(&lock);
}

static struct node *node_of(const struct disk_image *image, unsigned id) {
    struct node *node = image->all;
    while (node && node->id != id)
        node = node->next_all;
    return node;
}

static void play_change(struct disk_image *image, const struct change *c, bool under_way) {
    struct node *node = node_of(image, c->node), *target = NULL;
    if (!node) /* it had lost its name and was still open */
        return;
    if (c->kind == TAPE_WRITE)
        add_write(node, c->offset, c->data, c->n, under_way);
    else if (c->kind == TAPE_SYNC && !under_way)
        make_durable(node);
    if (c->kind != TAPE_RENAME)
        return;
    if (c->target && !(target = node_of(image, c->target))) {
        target = node_new(image, c->target_is_dir);
        target->id = c->target;
        image->nodes = c->target > image->nodes ? c->target : image->nodes;
    }
    add_rename(node, c->name, target, c->gone, under_way);
}

void disk_play(struct disk_tape *t, uint64_t change) {
    pthread_mutex_lock(&lock);
    assert(open_files == 0 && !tape);
    if (t->next != t->first && (!t->next || t->next->number > change)) {
        image_clear(&t->at);
        image_copy(&t->at, &t->base);
        t->next = t->first;
    }
    for (; t->next && t->next->number < change; t->next = t->next->next)
        play_change(&t->at, t->next, false);
    sweep(&t->at);
    image_clear(&disk);
    image_copy(&disk, &t->at);
    for (const struct change *c = t->next; c && c->number == change; c = c->next)
        play_change(&disk, c, true);
    power_off = true;
    pthread_mutex_unlock(&lock);
}

uint64_t disk_tape_digest(const struct disk_tape *t) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (const struct change *c = t->first; c; c = c->next) {
        const uint64_t place[] = {c->number, c->kind, c->node, c->target, c->offset, c->n};
        h = hash(h, place, sizeof place);
        h = hash(h, c->name, strlen(c->name));
    }
    return h;
}

void disk_tape_free(struct disk_tape *t) {
    if (!t)
        return;
    for (struct change *c = t->first, *next; c; c = next) {
        next = c->next;
        free(c->data);
        free(c);
    }
    image_clear(&t->base);
    image_clear(&t->at);
    free(t);
}
