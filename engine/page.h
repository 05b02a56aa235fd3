/* One page: its header, its tags, its nodes (docs/format-edb.md; ese-facts 2.1-2.10).
 *
 * A page is bytes; struct page is a view of them. Functions that read assume a page that passed page_check() or was
 * made by the functions here. Lines count nodes from 0; tag 0, the external header, is not a line: on a root it is the
 * space header, elsewhere the key prefix that nodes of the page share.
 *
 *     0 checksum 8 dbtime 16 prev 20 next 24 objid 28 free 30 uncommitted-free 32 first-free 34 tag-count 36 flags
 *     [large pages: 40 checksums 1..3, 64 pgno, 68 zero] 40|80 data ... free ... tags, growing down from the end */
#ifndef ESENT_ENGINE_PAGE_H
#define ESENT_ENGINE_PAGE_H

#include "engine/types.h"

struct page {
    uint8_t *b;
    uint32_t size;
};

enum page_flags {
    PAGE_ROOT = 0x1,
    PAGE_LEAF = 0x2,
    PAGE_PARENT_OF_LEAF = 0x4,
    PAGE_EMPTY = 0x8,
    PAGE_SPACE = 0x20,
    PAGE_INDEX = 0x40,
    PAGE_LONG_VALUE = 0x80,
    PAGE_NON_UNIQUE = 0x400,
    PAGE_NEW_RECORD = 0x800,
    PAGE_NEW_SUM = 0x2000,
    PAGE_TYPE_MASK = PAGE_SPACE | PAGE_INDEX | PAGE_LONG_VALUE | PAGE_NON_UNIQUE, /* equal on all pages of a tree */
};
enum node_flags { NODE_VERSION = 1, NODE_DELETED = 2, NODE_COMPRESSED = 4 };

static inline uint32_t page_header_bytes(uint32_t size) {
    return size > 8192 ? 80 : 40;
}
static inline dbtime_t page_dbtime(const struct page *p) {
    return load64(p->b + 8);
}
static inline pgno_t page_prev(const struct page *p) {
    return load32(p->b + 16);
}
static inline pgno_t page_next(const struct page *p) {
    return load32(p->b + 20);
}
static inline objid_t page_objid(const struct page *p) {
    return load32(p->b + 24);
}
static inline uint32_t page_free(const struct page *p) {
    return load16(p->b + 28);
}
static inline uint32_t page_flags(const struct page *p) {
    return load32(p->b + 36);
}
static inline bool page_is_leaf(const struct page *p) {
    return page_flags(p) & PAGE_LEAF;
}
static inline bool page_is_root(const struct page *p) {
    return page_flags(p) & PAGE_ROOT;
}
static inline unsigned page_lines(const struct page *p) {
    return (load16(p->b + 34) & 0xfff) - 1;
}
static inline void page_set_dbtime(struct page *p, dbtime_t t) {
    store64(p->b + 8, t);
}
static inline void page_set_prev(struct page *p, pgno_t n) {
    store32(p->b + 16, n);
}
static inline void page_set_next(struct page *p, pgno_t n) {
    store32(p->b + 20, n);
}
static inline void page_set_flags(struct page *p, uint32_t f) {
    store32(p->b + 36, f);
}

/* Everything that the readers below rely on (2.10): tag count, bounds, no overlap, exact free count, node lengths,
 * flags that exclude each other, keys of at most KEY_BUFFER bytes, a root's external header of 16 or 25 bytes (space
 * root: 0 or 16). Only a page with PAGE_EMPTY may be internal and have no lines. JET_errDatabaseCorrupted; why (may be
 * NULL) gets a static text. Not the checksum. */
MUST_CHECK JET_ERR page_check(const struct page *p, const char **why);

/* An empty page: no lines, tag 0 of 0 bytes, flags | PAGE_NEW_RECORD | PAGE_NEW_SUM, dbtime 0, no siblings. */
void page_init(struct page *p, pgno_t pgno, objid_t objid, uint32_t flags);

struct node {
    uint8_t flags;       /* enum node_flags */
    struct slice prefix; /* into tag 0; key = prefix then suffix */
    struct slice suffix;
    struct slice data;
};
void page_node(const struct page *p, unsigned line, struct node *out);
struct slice page_external_header(const struct page *p);
/* Whole key to out (KEY_BUFFER bytes); returns its length. */
size_t node_key(const struct node *n, uint8_t *out);
int node_compare(const struct node *n, struct slice key);
static inline pgno_t node_child(const struct node *n) {
    return load32(n->data.p);
}

/* First line whose key is >= key (page_lines() if none). exact: it is equal. */
unsigned page_find(const struct page *p, struct slice key, bool *exact);
/* On an internal page: the line to descend to for key: the first whose separator is > key; the last line has none. */
unsigned page_find_child(const struct page *p, struct slice key);

/* Changes. bool: false, and nothing changed, when there is no room. The longest useful prefix is used. Slices must not
 * point into the page that is changed: it may be packed first. */
bool page_insert(struct page *p, unsigned line, unsigned flags, struct slice key, struct slice data);
bool page_replace(struct page *p, unsigned line, struct slice data);
void page_set_node_flags(struct page *p, unsigned line, unsigned flags); /* NODE_COMPRESSED is kept as it is */
void page_delete(struct page *p, unsigned line, unsigned count);
/* Tag 0. On a page with prefixed nodes the new header must start with the old one's used bytes. */
bool page_set_external_header(struct page *p, struct slice header);
/* Would page_insert fit? (key, data lengths; counts the prefix it would use.) */
bool page_fits(const struct page *p, struct slice key, size_t data_bytes);
bool page_replace_fits(const struct page *p, unsigned line, size_t data_bytes);
/* Bytes [*begin, *end) of the page are where page_insert would put the node; of the rest only header and tags change.
 * False: there is no room, or only after the page is packed. */
bool page_insert_place(const struct page *p, struct slice key, size_t data_bytes, uint32_t *begin, uint32_t *end);

/* Largest data a leaf node may have with a key of key_max bytes: any page then holds at least two such nodes' worth of
 * keys and one record (ese-facts 2.11, last line). */
uint32_t page_record_max(uint32_t page_size, uint32_t key_bytes);
static inline uint32_t key_max(uint32_t page_size) {
    return page_size <= 4096 ? 1000 : 2000;
}

/* A page without its free middle, for the log: header, data area up to first-free, tags. */
size_t page_image_bytes(const struct page *p);
void page_image_pack(const struct page *p, uint8_t *out);
/* Rebuilds p (p->size bytes) from an image and checks it. JET_errLogFileCorrupt. */
MUST_CHECK JET_ERR page_image_unpack(struct page *p, struct slice image);

#endif
