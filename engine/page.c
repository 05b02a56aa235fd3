/* Reading and changing one page. See page.h for the layout; page_check.c is the gate for bytes from a disk.
 *
 * The data area has no order of its own: a new node goes to first-free, a node that grows moves there and leaves a
 * gap, and when the free bytes are enough but not in one piece the area is packed, in tag order. All free counts are
 * exact at all times. Tag n's four bytes are at size - 4 * (n + 1): u16 length, u16 offset from the end of the header;
 * small pages keep the node's flags in the top three bits of the offset, large ones in those of the node's first u16.
 */
#include "engine/page.h"

#include <assert.h>

#include "engine/page_priv.h"

#define PREFIX_USELESS 2u /* a prefix costs two bytes */

static inline uint32_t header_bytes(const struct page *p) {
    return page_header_bytes(p->size);
}
static inline uint8_t *data_area(const struct page *p) {
    return p->b + header_bytes(p);
}
static inline uint32_t first_free(const struct page *p) {
    return load16(p->b + 32);
}
static inline void set_first_free(struct page *p, uint32_t n) {
    store16(p->b + 32, (uint16_t)n);
}

static inline void set_free(struct page *p, uint32_t n) {
    store16(p->b + 28, (uint16_t)n);
    store16(p->b + 30, 0);
}

static inline void set_tag_count(struct page *p, unsigned n) {
    store16(p->b + 34, (uint16_t)((load16(p->b + 34) & ~PAGE_TAG_COUNT_MASK) | n));
}

static inline void tag_set(struct page *p, unsigned tag, uint32_t offset, uint32_t bytes, unsigned flags) {
    uint8_t *t = tag_bytes(p, tag);
    store16(t, (uint16_t)bytes);
    store16(t + 2, (uint16_t)(page_is_small(p) ? offset | flags << 13 : offset));
}

/* Bytes between first-free and the tags. */
static inline uint32_t contiguous(const struct page *p) {
    return p->size - header_bytes(p) - 4 * tag_count(p) - first_free(p);
}

/* Flags that live in the tag; on large pages they move with the node's bytes. */
static inline unsigned tag_flags(const struct page *p, unsigned tag) {
    return page_is_small(p) ? load16(tag_bytes(p, tag) + 2) >> 13 : 0;
}

void page_init(struct page *p, pgno_t pgno, objid_t objid, uint32_t flags) {
    assert(page_size_valid(p->size));
    memset(p->b, 0, p->size);
    store32(p->b + 24, objid);
    page_set_flags(p, flags | PAGE_NEW_RECORD | PAGE_NEW_SUM);
    if (!page_is_small(p))
        store32(p->b + 64, pgno);
    set_tag_count(p, 1);
    set_free(p, p->size - header_bytes(p) - 4);
}

/* ---- reading ---- */

struct slice page_external_header(const struct page *p) {
    uint32_t n = tag_length(p, 0);
    return slice(data_area(p) + (n ? tag_offset(p, 0) : 0), n); /* an empty tag 0 may point anywhere */
}

void page_node(const struct page *p, unsigned line, struct node *out) {
    assert(line < page_lines(p));
    const uint8_t *b = data_area(p) + tag_offset(p, line + 1);
    const uint8_t *end = b + tag_length(p, line + 1);
    out->flags = (uint8_t)(page_is_small(p) ? tag_flags(p, line + 1) : load16(b) >> 13);
    out->prefix = slice(b, 0);
    if (out->flags & NODE_COMPRESSED) {
        out->prefix = slice(data_area(p) + tag_offset(p, 0), load16(b) & NODE_LENGTH_MASK);
        b += 2;
    }
    out->suffix = slice(b + 2, load16(b) & NODE_LENGTH_MASK);
    out->data = slice(out->suffix.p + out->suffix.n, (size_t)(end - (out->suffix.p + out->suffix.n)));
}

size_t node_key(const struct node *n, uint8_t *out) {
    assert(n->prefix.n + n->suffix.n <= KEY_BUFFER);
    memcpy(out, n->prefix.p, n->prefix.n);
    memcpy(out + n->prefix.n, n->suffix.p, n->suffix.n);
    return n->prefix.n + n->suffix.n;
}

int node_compare(const struct node *n, struct slice key) {
    if (key.n < n->prefix.n)
        return slice_compare(n->prefix, key);
    if (n->prefix.n == 0)
        return slice_compare(n->suffix, key);
    int c = memcmp(n->prefix.p, key.p, n->prefix.n);
    return c ? c : slice_compare(n->suffix, slice(key.p + n->prefix.n, key.n - n->prefix.n));
}

static size_t common_bytes(struct slice a, struct slice b) {
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

/* A sought key as the nodes of one page are compared with it: what it shares with tag 0 is found once, and of a node
 * only the key is taken apart. */
struct probe {
    struct slice key;
    size_t shared;    /* bytes equal in key and tag 0 */
    int header_order; /* of any node whose prefix goes beyond `shared`, against key */
    const uint8_t *data, *tags;
    uint32_t mask;
    bool small;
};

static struct probe probe_make(const struct page *p, struct slice key) {
    struct probe probe = {.key = key.p ? key : slice("", 0),
                          .data = data_area(p),
                          .tags = p->b + p->size,
                          .mask = tag_mask(p),
                          .small = page_is_small(p)};
    if (page_is_root(p))
        return probe;
    struct slice header = page_external_header(p);
    size_t shared = common_bytes(key, header);
    probe.shared = shared;
    probe.header_order = shared < key.n && shared < header.n && header.p[shared] < key.p[shared] ? -1 : 1;
    return probe;
}

static inline int probe_compare(const struct probe *probe, unsigned line) {
    uint32_t word = load16(probe->tags - 4 * ((size_t)line + 2) + 2);
    const uint8_t *b = probe->data + (word & probe->mask);
    uint32_t first = load16(b);
    if (((probe->small ? word : first) >> 13 & NODE_COMPRESSED) == 0)
        return slice_compare(slice(b + 2, first & NODE_LENGTH_MASK), probe->key);
    size_t prefix = first & NODE_LENGTH_MASK;
    if (prefix > probe->shared)
        return probe->header_order;
    return slice_compare(slice(b + 4, load16(b + 2) & NODE_LENGTH_MASK),
                         slice(probe->key.p + prefix, probe->key.n - prefix));
}

unsigned page_find(const struct page *p, struct slice key, bool *exact) {
    struct probe probe = probe_make(p, key);
    unsigned low = 0, high = page_lines(p);
    *exact = false;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int c = probe_compare(&probe, middle);
        if (c < 0) {
            low = middle + 1;
        } else {
            high = middle;
            *exact = *exact || c == 0;
        }
    }
    return low;
}

unsigned page_find_child(const struct page *p, struct slice key) {
    assert(!page_is_leaf(p) && page_lines(p) > 0);
    struct probe probe = probe_make(p, key);
    unsigned low = 0, high = page_lines(p) - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (probe_compare(&probe, middle) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- changing ---- */

static inline bool is_outside(const struct page *p, struct slice s) {
    return s.n == 0 || s.p + s.n <= p->b || s.p >= p->b + p->size;
}

/* Packs the data area in tag order, but the bytes of tag `last` (none: ~0u) at its end. */
static void compact(struct page *p, unsigned last) {
    uint8_t packed[PAGE_SIZE_MAX];
    uint32_t used = 0;
    unsigned count = tag_count(p);
    for (unsigned i = 0; i < count + (last != ~0u); i++) {
        unsigned tag = i < count ? i : last;
        if (i < count && i == last)
            continue;
        uint32_t n = tag_length(p, tag);
        memcpy(packed + used, data_area(p) + (n ? tag_offset(p, tag) : 0), n);
        tag_set(p, tag, used, n, tag_flags(p, tag));
        used += n;
    }
    memcpy(data_area(p), packed, used);
    set_first_free(p, used);
}

/* Gives a tag `bytes` bytes of which the first min(bytes, old length) are kept. False: no room. */
static bool tag_resize(struct page *p, unsigned tag, uint32_t bytes) {
    uint32_t old = tag_length(p, tag);
    uint32_t offset = old ? tag_offset(p, tag) : first_free(p);
    unsigned flags = tag_flags(p, tag);
    if (bytes > old && bytes - old > page_free(p))
        return false;
    bool at_end = offset + old == first_free(p);
    if (bytes > old && !(at_end && bytes - old <= contiguous(p))) {
        if (bytes > contiguous(p)) {
            compact(p, tag);
            offset = tag_offset(p, tag);
        } else {
            memcpy(data_area(p) + first_free(p), data_area(p) + offset, old);
            offset = first_free(p);
        }
        at_end = true;
    }
    if (at_end)
        set_first_free(p, offset + bytes);
    tag_set(p, tag, bytes ? offset : 0, bytes, flags);
    set_free(p, page_free(p) + old - bytes);
    return true;
}

/* Bytes of key that a new node of the page takes from tag 0. */
static size_t useful_prefix(const struct page *p, struct slice key) {
    if (page_is_root(p))
        return 0;
    size_t n = common_bytes(key, page_external_header(p));
    return n > PREFIX_USELESS ? n : 0;
}

static size_t node_bytes(size_t prefix, size_t key_bytes, size_t data_bytes) {
    return (prefix ? 4 : 2) + (key_bytes - prefix) + data_bytes;
}

static bool has_room(const struct page *p, size_t bytes) {
    return tag_count(p) < PAGE_TAGS_MAX && bytes + 4 <= page_free(p);
}

bool page_fits(const struct page *p, struct slice key, size_t data_bytes) {
    return has_room(p, node_bytes(useful_prefix(p, key), key.n, data_bytes));
}

bool page_insert_place(const struct page *p, struct slice key, size_t data_bytes, uint32_t *begin, uint32_t *end) {
    size_t bytes = node_bytes(useful_prefix(p, key), key.n, data_bytes);
    if (!has_room(p, bytes) || bytes + 4 > contiguous(p))
        return false;
    *begin = header_bytes(p) + first_free(p);
    *end = *begin + (uint32_t)bytes;
    return true;
}

bool page_insert(struct page *p, unsigned line, unsigned flags, struct slice key, struct slice data) {
    unsigned count = tag_count(p), tag = line + 1;
    assert(line <= page_lines(p) && key.n <= KEY_BUFFER && data.n > 0);
    assert(is_outside(p, key) && is_outside(p, data));
    assert(page_is_leaf(p) || (data.n == 4 && !(flags & (NODE_VERSION | NODE_DELETED))));
    size_t prefix = useful_prefix(p, key), bytes = node_bytes(prefix, key.n, data.n);
    if (!has_room(p, bytes))
        return false;
    if (bytes + 4 > contiguous(p))
        compact(p, ~0u);
    flags = (flags & (NODE_VERSION | NODE_DELETED)) | (prefix ? NODE_COMPRESSED : 0);

    memmove(tag_bytes(p, count), tag_bytes(p, count) + 4, 4 * (count - tag));
    set_tag_count(p, count + 1);
    uint32_t offset = first_free(p);
    tag_set(p, tag, offset, (uint32_t)bytes, flags);
    set_first_free(p, offset + (uint32_t)bytes);
    set_free(p, page_free(p) - (uint32_t)bytes - 4);

    uint8_t *b = data_area(p) + offset;
    uint16_t large_flags = page_is_small(p) ? 0 : (uint16_t)(flags << 13);
    if (prefix) {
        store16(b, (uint16_t)prefix | large_flags);
        large_flags = 0;
        b += 2;
    }
    store16(b, (uint16_t)(key.n - prefix) | large_flags);
    if (key.n)
        memcpy(b + 2, key.p + prefix, key.n - prefix);
    memcpy(b + 2 + key.n - prefix, data.p, data.n);
    return true;
}

bool page_replace_fits(const struct page *p, unsigned line, size_t data_bytes) {
    struct node n;
    page_node(p, line, &n);
    return data_bytes <= n.data.n || data_bytes - n.data.n <= page_free(p);
}

bool page_replace(struct page *p, unsigned line, struct slice data) {
    struct node n;
    page_node(p, line, &n);
    assert(data.n > 0 && (page_is_leaf(p) || data.n == 4) && is_outside(p, data));
    uint32_t head = tag_length(p, line + 1) - (uint32_t)n.data.n;
    if (data.n > p->size || !tag_resize(p, line + 1, head + (uint32_t)data.n))
        return false;
    memcpy(data_area(p) + tag_offset(p, line + 1) + head, data.p, data.n);
    return true;
}

void page_set_node_flags(struct page *p, unsigned line, unsigned flags) {
    assert(line < page_lines(p) && page_is_leaf(p));
    uint8_t *word = page_is_small(p) ? tag_bytes(p, line + 1) + 2 : data_area(p) + tag_offset(p, line + 1);
    unsigned old = load16(word) >> 13;
    flags = (flags & (NODE_VERSION | NODE_DELETED)) | (old & NODE_COMPRESSED);
    store16(word, (uint16_t)((load16(word) & 0x1fff) | flags << 13));
}

void page_delete(struct page *p, unsigned line, unsigned count) {
    unsigned tags = tag_count(p), tag = line + 1;
    assert(count <= page_lines(p) && line <= page_lines(p) - count);
    for (unsigned i = tag + count; i-- > tag;)
        tag_resize(p, i, 0);
    memmove(tag_bytes(p, tags - 1 - count), tag_bytes(p, tags - 1), 4 * (tags - tag - count));
    set_tag_count(p, tags - count);
    set_free(p, page_free(p) + 4 * count);
    if (count > 1) /* half of a page has moved: let the image of what stays be small */
        compact(p, ~0u);
}

bool page_set_external_header(struct page *p, struct slice header) {
    assert(is_outside(p, header));
    if (header.n > p->size || !tag_resize(p, 0, (uint32_t)header.n))
        return false;
    if (header.n)
        memcpy(data_area(p) + tag_offset(p, 0), header.p, header.n);
    return true;
}

uint32_t page_record_max(uint32_t page_size, uint32_t key_bytes) {
    uint32_t data_max = page_size - page_header_bytes(page_size) - 8;
    if (page_size > 8192)
        return data_max - 4 - key_bytes;
    return data_max - 2 - (key_bytes + 2 > 255 ? key_bytes + 2 : 255);
}

/* ---- images ---- */

size_t page_image_bytes(const struct page *p) {
    return header_bytes(p) + first_free(p) + 4 * (size_t)tag_count(p);
}

void page_image_pack(const struct page *p, uint8_t *out) {
    size_t front = header_bytes(p) + first_free(p), tags = 4 * (size_t)tag_count(p);
    memcpy(out, p->b, front);
    memcpy(out + front, p->b + p->size - tags, tags);
}

JET_ERR page_image_unpack(struct page *p, struct slice image) {
    JET_ERR err = JET_errSuccess;
    if (image.n < header_bytes(p) + 4 || image.n > p->size)
        FAIL(JET_errLogFileCorrupt);
    size_t tags = 4 * (size_t)(load16(image.p + 34) & PAGE_TAG_COUNT_MASK);
    size_t front = header_bytes(p) + load16(image.p + 32);
    if (front + tags != image.n)
        FAIL(JET_errLogFileCorrupt);
    memcpy(p->b, image.p, front);
    memset(p->b + front, 0, p->size - image.n);
    memcpy(p->b + p->size - tags, image.p + front, tags);
    if (page_check(p, NULL) < JET_errSuccess)
        FAIL(JET_errLogFileCorrupt);
cleanup:
    return err;
}
