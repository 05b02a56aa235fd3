/* See disk_node.h. */
#include "tests/lib/disk_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#include "tests/lib/alloc_own.h"

#define SECTOR 512u

static uint64_t random_state;

void disk_seed(uint64_t seed) {
    random_state = seed;
}

uint64_t disk_draw(uint64_t end) {
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % end;
}

/* ---- bytes ---- */

static void bytes_resize(struct bytes *b, size_t n) {
    if (n > b->room || !b->p) {
        b->room = 2 * n + 16;
        b->p = realloc(b->p, b->room);
    }
    if (n > b->n)
        memset(b->p + b->n, 0, n - b->n);
    b->n = n;
}

void bytes_set(struct bytes *b, const void *from, size_t n) {
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

void entries_set(struct entries *e, const char *name, struct node *node) {
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
        e->items = realloc(e->items, e->room * sizeof *e->items);
    }
    if (i == e->count)
        snprintf(e->items[e->count++].name, DISK_NAME_BYTES, "%s", name);
    e->items[i].node = node;
}

void entries_copy(struct entries *to, const struct entries *from) {
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

struct node *node_new(struct disk_image *image, bool is_dir) {
    struct node *node = calloc(1, sizeof *node);
    node->is_dir = is_dir;
    node->id = ++image->nodes;
    node->next_all = image->all;
    image->all = node;
    return node;
}

static void node_forget_changes(struct node *node) {
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
    node_forget_changes(node);
    free(node->now.p);
    free(node->durable.p);
    free(node->names.items);
    free(node->durable_names.items);
    free(node);
}

void image_clear(struct disk_image *image) {
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

void image_sweep(struct disk_image *image) {
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

static void copy_entries(struct entries *to, const struct entries *from, struct node *const *copies) {
    for (unsigned i = 0; i < from->count; i++)
        entries_set(to, from->items[i].name, copies[from->items[i].node->id]);
}

void image_copy(struct disk_image *to, const struct disk_image *from) {
    struct node **copies = calloc(from->nodes + 1, sizeof(struct node *)), **end = &to->all;
    *to = (struct disk_image){.nodes = from->nodes};
    for (const struct node *node = from->all; node; node = node->next_all) {
        struct node *copy = copies[node->id] = *end = calloc(1, sizeof *copy);
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
            *w_end = malloc(sizeof *w);
            **w_end = *w;
            if (w->data)
                (*w_end)->data = memcpy(malloc(w->n + 1), w->data, w->n);
            (*w_end)->next = NULL;
        }
        struct rename **r_end = &copy->renames;
        for (const struct rename *r = node->renames; r; r = r->next, r_end = &(*r_end)->next) {
            *r_end = malloc(sizeof *r);
            **r_end = *r;
            (*r_end)->node = r->node ? copies[r->node->id] : NULL;
            (*r_end)->next = NULL;
        }
    }
    to->root = copies[from->root->id];
    free(copies);
}

struct node *node_find(const struct disk_image *image, const char *path) {
    struct node *node = image->root;
    char name[DISK_NAME_BYTES];
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

struct node *node_find_parent(const struct disk_image *image, const char *path) {
    char parent[OS_PATH_MAX];
    if (os_path_parent(parent, path) < JET_errSuccess)
        return NULL;
    struct node *node = node_find(image, parent);
    return node && node->is_dir ? node : NULL;
}

/* ---- changes ---- */

void node_write(struct node *node, uint64_t offset, const void *data, size_t n, bool under_way) {
    struct write *w = calloc(1, sizeof *w), **at = &node->writes;
    *w = (struct write){.offset = offset, .n = n, .under_way = under_way};
    if (data) {
        w->data = malloc(n + 1);
        memcpy(w->data, data, n);
    }
    while (*at)
        at = &(*at)->next;
    *at = w;
    if (!under_way)
        bytes_apply(&node->now, w);
    if (disk_tape_on)
        tape_write(node, offset, w->data, n);
}

void node_rename(struct node *dir, const char *name, struct node *node, const char *gone, bool under_way) {
    struct rename *r = calloc(1, sizeof *r), **at = &dir->renames;
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->gone, sizeof r->gone, "%s", gone);
    r->node = node;
    r->under_way = under_way;
    while (*at)
        at = &(*at)->next;
    *at = r;
    if (!under_way)
        entries_apply(&dir->names, r);
    if (disk_tape_on)
        tape_rename(dir, r->name, node, r->gone);
}

void node_make_durable(struct node *node) {
    for (struct write *w = node->writes; w; w = w->next)
        if (!w->under_way)
            bytes_apply(&node->durable, w);
    for (struct rename *r = node->renames; r; r = r->next)
        if (!r->under_way)
            entries_apply(&node->durable_names, r);
    node_forget_changes(node);
    if (disk_tape_on)
        tape_sync(node);
}

/* ---- the loss of power ---- */

void node_drop_under_way(struct node *node) {
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
        if (disk_draw(2))
            bytes_apply(b, &(struct write){.offset = w->offset + at, .n = n, .data = w->data + at});
        at += n;
    }
}

/* A first part of them is kept, as by a file system with a journal, or each by itself, which POSIX allows. */
static void lose_names(struct node *dir, enum disk_manner manner) {
    unsigned count = 0, kept = UINT32_MAX;
    for (struct rename *r = dir->renames; r; r = r->next)
        count++;
    const bool in_order = disk_draw(2) || manner < LOSE_SOME;
    if (manner == LOSE_ALL)
        kept = 0;
    else if (manner != LOSE_NONE && in_order)
        kept = (unsigned)disk_draw(count + 1);
    for (struct rename *r = dir->renames; r && kept > 0; r = r->next, kept--)
        if (in_order || disk_draw(3))
            entries_apply(&dir->durable_names, r);
}

void node_lose(struct node *node, enum disk_manner manner) {
    for (struct write *w = node->writes; w; w = w->next) {
        if (manner == LOSE_ALL || (manner != LOSE_NONE && disk_draw(3) == 0))
            continue;
        if ((w->under_way || manner == TEAR_SOME) && disk_draw(2))
            tear(&node->durable, w);
        else
            bytes_apply(&node->durable, w);
    }
    lose_names(node, manner);
    node_forget_changes(node);
    bytes_set(&node->now, node->durable.p, node->durable.n);
    entries_copy(&node->names, &node->durable_names);
}

void node_lose_writes(struct node *node, bool now) {
    for (struct write *w = node->writes; w; w = w->next)
        if (disk_draw(2))
            tear(&node->durable, w);
    node_forget_changes(node);
    if (now)
        bytes_set(&node->now, node->durable.p, node->durable.n);
}
