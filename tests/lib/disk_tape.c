/* See disk.h: what was changed in which order, and the disk as it was before any of it. */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk.h"
#include "tests/lib/disk_node.h"

#include "tests/lib/alloc_own.h"

struct change { /* a write to `node`, a rename in it, or a sync of it */
    struct change *next;
    uint64_t number;
    enum { TAPE_WRITE, TAPE_RENAME, TAPE_SYNC } kind;
    unsigned node, target; /* ids; target 0: none */
    bool target_is_dir;
    uint64_t offset;
    size_t n;
    uint8_t *data;
    char name[DISK_NAME_BYTES], gone[DISK_NAME_BYTES];
};

struct disk_tape {
    struct change *first, **end;
    struct disk_image base, at; /* at: what is before change `next` */
    struct change *next;
};

struct disk_tape *disk_tape_on;
uint64_t disk_change;

/* ---- recording ---- */

static void record(const struct change *change) {
    struct change *c = malloc(sizeof *c);
    *c = *change;
    c->number = disk_change;
    if (change->data) {
        c->data = malloc(c->n + 1);
        memcpy(c->data, change->data, c->n);
    }
    *disk_tape_on->end = c;
    disk_tape_on->end = &c->next;
}

void tape_write(const struct node *node, uint64_t offset, const void *data, size_t n) {
    const struct change c = {
        .kind = TAPE_WRITE, .node = node->id, .offset = offset, .n = n, .data = (uint8_t *)(uintptr_t)data};
    record(&c);
}

void tape_rename(const struct node *dir, const char *name, const struct node *node, const char *gone) {
    struct change c = {.kind = TAPE_RENAME, .node = dir->id};
    c.target = node ? node->id : 0;
    c.target_is_dir = node && node->is_dir;
    memcpy(c.name, name, sizeof c.name);
    memcpy(c.gone, gone, sizeof c.gone);
    record(&c);
}

void tape_sync(const struct node *node) {
    record(&(struct change){.kind = TAPE_SYNC, .node = node->id});
}

struct disk_tape *tape_new(const struct disk_image *base) {
    struct disk_tape *t = calloc(1, sizeof *t);
    image_copy(&t->base, base);
    image_copy(&t->at, base);
    t->end = &t->first;
    return t;
}

void tape_rewind(struct disk_tape *t) {
    t->next = t->first;
}

/* ---- playing ---- */

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
        node_write(node, c->offset, c->data, c->n, under_way);
    else if (c->kind == TAPE_SYNC && !under_way)
        node_make_durable(node);
    if (c->kind != TAPE_RENAME)
        return;
    if (c->target && !(target = node_of(image, c->target))) {
        target = node_new(image, c->target_is_dir);
        target->id = c->target;
        image->nodes = c->target > image->nodes ? c->target : image->nodes;
    }
    node_rename(node, c->name, target, c->gone, under_way);
}

void tape_play(struct disk_tape *t, uint64_t change, struct disk_image *out) {
    if (t->next != t->first && (!t->next || t->next->number > change)) {
        image_clear(&t->at);
        image_copy(&t->at, &t->base);
        t->next = t->first;
    }
    for (; t->next && t->next->number < change; t->next = t->next->next)
        play_change(&t->at, t->next, false);
    image_sweep(&t->at);
    image_clear(out);
    image_copy(out, &t->at);
    for (const struct change *c = t->next; c && c->number == change; c = c->next)
        play_change(out, c, true);
}

uint64_t disk_tape_digest(const struct disk_tape *t) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (const struct change *c = t->first; c; c = c->next) {
        const uint64_t place[] = {c->number, c->kind, c->node, c->target, c->offset, c->n};
        h = disk_hash(h, place, sizeof place);
        h = disk_hash(h, c->name, strlen(c->name));
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
