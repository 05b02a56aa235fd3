/* Tags: shared by page.c and page_check.c. */
#ifndef ESENT_ENGINE_PAGE_PRIV_H
#define ESENT_ENGINE_PAGE_PRIV_H

#include "engine/page.h"

#define PAGE_TAG_COUNT_MASK 0xfffu /* above it, newer revisions count reserved tags */
#define PAGE_TAGS_MAX PAGE_TAG_COUNT_MASK
#define NODE_LENGTH_MASK 0x1fffu

static inline bool page_is_small(const struct page *p) {
    return p->size <= 8192;
}
static inline unsigned tag_count(const struct page *p) {
    return load16(p->b + 34) & PAGE_TAG_COUNT_MASK;
}
static inline uint8_t *tag_bytes(const struct page *p, unsigned tag) {
    return p->b + p->size - 4 * ((size_t)tag + 1);
}
/* Bits outside of these masks hold anything on real pages. */
static inline uint32_t tag_mask(const struct page *p) {
    return page_is_small(p) ? 0x1fff : 0x7fff;
}
static inline uint32_t tag_length(const struct page *p, unsigned tag) {
    return load16(tag_bytes(p, tag)) & tag_mask(p);
}
static inline uint32_t tag_offset(const struct page *p, unsigned tag) {
    return load16(tag_bytes(p, tag) + 2) & tag_mask(p);
}

#endif
