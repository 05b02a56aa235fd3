/* The gate for pages from a disk or a log: after it, no reader of page.c can leave the page.
 *
 * What is enforced holds on every initialised page of the Windows files we have (ese-facts 2.10); what varies there
 * (spare tag bits, gaps, where tag 0 lies) is left free. */
#include "engine/page_priv.h"

static unsigned node_flags_of(const struct page *p, unsigned tag, const uint8_t *node) {
    return page_is_small(p) ? load16(tag_bytes(p, tag) + 2) >> 13 : load16(node) >> 13;
}

/* One node of `bytes` bytes; the tag is known to lie in the data area. NULL: good. */
static const char *check_node(const struct page *p, unsigned tag, uint32_t bytes) {
    const uint8_t *b = p->b + page_header_bytes(p->size) + tag_offset(p, tag);
    uint32_t used = 2, prefix = 0;
    if (bytes < used)
        return "node too short";
    unsigned flags = node_flags_of(p, tag, b);
    if (flags & NODE_COMPRESSED) {
        prefix = load16(b) & NODE_LENGTH_MASK;
        used += 2;
        if (page_is_root(p))
            return "prefixed node on a root page";
        if (prefix <= 2 || prefix > tag_length(p, 0))
            return "bad prefix length";
        if (bytes < used)
            return "node too short";
    }
    uint32_t suffix = load16(b + used - 2) & NODE_LENGTH_MASK;
    if (used + suffix >= bytes)
        return "node without data";
    if (prefix + suffix > KEY_BUFFER)
        return "key too long";
    if (page_is_leaf(p))
        return NULL;
    if (bytes - used - suffix != 4)
        return "internal node's data is not a page number";
    return flags & (NODE_VERSION | NODE_DELETED) ? "flagged internal node" : NULL;
}

static const char *check_header(const struct page *p) {
    uint32_t flags = page_flags(p), room = p->size - page_header_bytes(p->size);
    unsigned tags = tag_count(p);
    if (tags == 0 || 4 * tags > room)
        return "bad tag count";
    if (load16(p->b + 32) > room - 4 * tags)
        return "first-free beyond the tags";
    if (page_free(p) > room - 4 * tags || load16(p->b + 30) > page_free(p))
        return "bad free count";
    if ((flags & PAGE_LEAF) && (flags & PAGE_PARENT_OF_LEAF))
        return "leaf and parent of leaf";
    if (!(flags & PAGE_NEW_RECORD) || !(flags & PAGE_NEW_SUM))
        return "old page format";
    if (flags & PAGE_EMPTY)
        return NULL;
    if (!(flags & PAGE_LEAF) && tags == 1)
        return "internal page without nodes";
    if (flags & PAGE_ROOT) {
        uint32_t n = tag_length(p, 0);
        if (flags & PAGE_SPACE ? n != 0 && n != 16 : n != 16 && n != 25)
            return "bad external header of a root";
    }
    return NULL;
}

#define MAP_WORDS (PAGE_SIZE_MAX / 64)

/* Marks bytes [from, from + n) of the data area as used. False: some of them are already. */
static bool map_mark(uint64_t *map, uint32_t from, uint32_t n) {
    uint32_t end = from + n, first = from / 64, last = (end - 1) / 64;
    uint64_t mask = ~0ull << from % 64, used = 0;
    for (uint32_t i = first; i <= last; i++, mask = ~0ull) {
        if (i == last)
            mask &= ~0ull >> (63 - (end - 1) % 64);
        used |= map[i] & mask;
        map[i] |= mask;
    }
    return used == 0;
}

static const char *check_tags(const struct page *p) {
    uint64_t map[MAP_WORDS] = {0};
    unsigned tags = tag_count(p);
    uint32_t used_end = load16(p->b + 32), sum = 0;
    for (unsigned tag = 0; tag < tags; tag++) {
        uint32_t n = tag_length(p, tag);
        if (n == 0 && tag == 0)
            continue;
        if (n == 0)
            return "empty tag";
        if (tag_offset(p, tag) + n > used_end)
            return "tag beyond first-free";
        if (!map_mark(map, tag_offset(p, tag), n))
            return "tags overlap";
        sum += n;
        const char *bad = tag ? check_node(p, tag, n) : NULL;
        if (bad)
            return bad;
    }
    if (page_free(p) != p->size - page_header_bytes(p->size) - 4 * tags - sum)
        return "wrong free count";
    return NULL;
}

JET_ERR page_check(const struct page *p, const char **why) {
    const char *bad = check_header(p);
    if (!bad)
        bad = check_tags(p);
    if (why)
        *why = bad ? bad : "";
    return bad ? RAISE(JET_errDatabaseCorrupted) : JET_errSuccess;
}
