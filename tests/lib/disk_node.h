/* Of disk.c: files and directories are nodes; each has what a reader sees now, what is durable, and between them the
 * list of changes that are not. Nothing here locks. */
#ifndef ESENT_TESTS_DISK_NODE_H
#define ESENT_TESTS_DISK_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DISK_NAME_BYTES 128

struct bytes {
    uint8_t *p;
    size_t n, room;
};
struct entries {
    struct entry {
        char name[DISK_NAME_BYTES];
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
    char name[DISK_NAME_BYTES], gone[DISK_NAME_BYTES];
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

struct disk_image {
    struct node *all, *root;
    unsigned nodes; /* ids given */
};

void bytes_set(struct bytes *b, const void *from, size_t n);
void entries_set(struct entries *e, const char *name, struct node *node); /* node NULL: removes it */
void entries_copy(struct entries *to, const struct entries *from);

struct node *node_new(struct disk_image *image, bool is_dir);
struct node *node_find(const struct disk_image *image, const char *path);
struct node *node_find_parent(const struct disk_image *image, const char *path);
void image_copy(struct disk_image *to, const struct disk_image *from); /* with what is not durable yet */
void image_clear(struct disk_image *image);
void image_sweep(struct disk_image *image); /* frees what has no name any more and is not open */

/* Changes, which go to the tape that is being recorded, too. data NULL: offset is the new size. */
void node_write(struct node *node, uint64_t offset, const void *data, size_t n, bool under_way);
void node_rename(struct node *dir, const char *name, struct node *node, const char *gone, bool under_way);
void node_make_durable(struct node *node);
void node_drop_under_way(struct node *node);

/* The power was off: the node is what the manner leaves of it. */
enum disk_manner { LOSE_ALL, LOSE_NONE, LOSE_SOME, TEAR_SOME, MANNERS };
void node_lose(struct node *node, enum disk_manner manner);

/* A sync failed: of the file's changes some were made, perhaps in part, and no later sync knows of the others. now: a
 * reader sees the same already, as when the pages were dropped from memory. */
void node_lose_writes(struct node *node, bool now);

/* ---- disk_tape.c: see disk_record() in disk.h ---- */

extern struct disk_tape *disk_tape_on; /* that is being recorded, or NULL */
extern uint64_t disk_change;           /* number of the change that is made */
void tape_write(const struct node *node, uint64_t offset, const void *data, size_t n);
void tape_rename(const struct node *dir, const char *name, const struct node *node, const char *gone);
void tape_sync(const struct node *node);
struct disk_tape *tape_new(const struct disk_image *base);
void tape_rewind(struct disk_tape *tape);
void tape_play(struct disk_tape *tape, uint64_t change, struct disk_image *out);
uint64_t disk_hash(uint64_t h, const void *bytes, size_t n);

/* What a call meets; success mostly. */
JET_ERR disk_meet_fault(const char *what, const char *path);
bool disk_fault_loses(void);

void disk_seed(uint64_t seed);
uint64_t disk_draw(uint64_t end);

#endif
