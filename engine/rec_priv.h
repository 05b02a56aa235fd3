/* The areas of a record, for rec.c and rec_edit.c (ese-facts 2.11):
 *
 *     0 u8 last fixed column   1 u8 last variable column   2 u16 end of fixed data
 *     4 fixed columns, null bitmap | u16 end of each variable column | variable data
 *     | {u16 fid, u16 offset and flags} of each tagged column | tagged data
 *
 * Nothing here trusts the bytes: JET_errDatabaseCorrupted is the only error. */
#ifndef ESENT_ENGINE_REC_PRIV_H
#define ESENT_ENGINE_REC_PRIV_H

#include "engine/rec.h"

enum { REC_HEADER_BYTES = 4, FID_VAR_NONE = 127, FIXED_COLUMNS = 127, TAG_ENTRY_BYTES = 4 };
#define REC_FILL 0x2a /* where a NULL fixed column has its place */
#define REC_OFFSET_MASK 0x7fffu
#define REC_VAR_NULL 0x8000u
#define REC_MULTI_SEPARATED 0x8000u

/* In the offset word of a tagged column on a page of up to 8 KiB; larger pages have REC_TAG_DERIVED only. */
enum { REC_TAG_DERIVED = 0x8000, REC_TAG_HEADER = 0x4000, REC_TAG_NULL = 0x2000 };
/* The header byte of a tagged value. */
enum {
    REC_V_LONG = 0x01,
    REC_V_COMPRESSED = 0x02,
    REC_V_SEPARATED = 0x04,
    REC_V_MULTI = 0x08,
    REC_V_TWO = 0x10,
    REC_V_NULL = 0x20,
    REC_V_ENCRYPTED = 0x40,
    REC_V_UNKNOWN = 0x80,
};

static inline bool rec_small_page(uint32_t page_size) {
    return page_size <= 8192;
}
static inline bool coltyp_is_long(JET_COLTYP type) {
    return type == JET_coltypLongBinary || type == JET_coltypLongText;
}
static inline bool fid_is_fixed(unsigned fid) {
    return fid < FID_VAR_FIRST;
}
static inline bool fid_is_tagged(unsigned fid) {
    return fid >= FID_TAGGED_FIRST;
}
/* Size of a fixed column. */
static inline size_t column_fixed_bytes(const struct column *column) {
    size_t bytes = coltyp_bytes(column->type);
    return bytes ? bytes : column->max_bytes;
}
static inline bool column_size_fits(const struct column *column, size_t n) {
    size_t bytes = coltyp_bytes(column->type);
    return !bytes || n == bytes || (n == 0 && fid_is_tagged(column->fid)); /* ESE lets tagged ones be empty */
}

struct rec_areas {
    struct slice record;
    unsigned fixed_last; /* 0: none */
    unsigned var_last;   /* FID_VAR_NONE: none */
    size_t bitmap;       /* end of the fixed columns */
    size_t var_table, var_data, tagged;
};
MUST_CHECK JET_ERR rec_areas_read(struct slice record, struct rec_areas *out);
static inline bool rec_fixed_is_null(const struct rec_areas *a, unsigned fid) {
    return a->record.p[a->bitmap + (fid - 1) / 8] >> (fid - 1) % 8 & 1;
}
/* fid <= var_last. null: *out is empty. */
MUST_CHECK JET_ERR rec_var_get(const struct rec_areas *a, unsigned fid, bool *null, struct slice *out);

struct rec_tags {
    struct slice area;
    unsigned count;
    bool small;
};
MUST_CHECK JET_ERR rec_tags_read(const struct rec_areas *a, uint32_t page_size, struct rec_tags *out);

/* The value or values of one tagged column. */
struct rec_tag {
    uint16_t fid;
    uint16_t word;    /* flags of the offset word: REC_TAG_* */
    uint8_t header;   /* REC_V_*, REC_V_NULL for either form of NULL */
    struct slice raw; /* as stored, with the header byte */
    struct slice body;
};
/* i < count */
MUST_CHECK JET_ERR rec_tag_at(const struct rec_tags *tags, unsigned i, struct rec_tag *out);
MUST_CHECK JET_ERR rec_tag_count(const struct rec_tag *tag, unsigned *count);
/* 1 <= itag <= count. */
MUST_CHECK JET_ERR rec_tag_value(const struct rec_tag *tag, const struct column *column, unsigned itag,
                                 struct rec_value *out);
/* rec_get of a tagged column once its entry is found. */
MUST_CHECK JET_ERR rec_tag_get(const struct rec_tag *tag, const struct column *column, unsigned itag,
                               struct rec_value *out);

#endif
