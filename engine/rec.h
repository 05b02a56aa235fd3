/* Records: columns as bytes (ese-facts 2.11), and the table definition that says what they mean. */
#ifndef ESENT_ENGINE_REC_H
#define ESENT_ENGINE_REC_H

#include "engine/key.h"
#include "engine/types.h"

#define FID_FIXED_FIRST 1
#define FID_FIXED_LAST 127
#define FID_VAR_FIRST 128
#define FID_VAR_LAST 255
#define FID_TAGGED_FIRST 256
#define FID_TAGGED_LAST 65248 /* JET_ccolMost */

enum column_flags { /* as in the catalog */
                    COLUMN_NOT_NULL = 0x1,
                    COLUMN_VERSION = 0x2,
                    COLUMN_AUTO_INCREMENT = 0x4,
                    COLUMN_MULTI_VALUED = 0x8,
                    COLUMN_DEFAULT = 0x10,
                    COLUMN_ESCROW = 0x20,
                    COLUMN_FINALIZE = 0x40,
                    COLUMN_USER_DEFAULT = 0x80,
                    COLUMN_COMPRESSED = 0x1000,
                    COLUMN_ENCRYPTED = 0x2000,
};

struct column {
    uint16_t fid; /* = JET_COLUMNID */
    JET_COLTYP type;
    uint32_t flags;
    uint32_t max_bytes; /* 0: no limit (long types) */
    uint16_t code_page;
    uint16_t record_offset; /* fixed columns */
    char name[65];
    struct slice default_value; /* owned by the table definition; p NULL: none, or computed by a callback */
};

#define INDEX_SEGMENTS_MAX 16
struct index_def {
    char name[65];
    objid_t objid;
    pgno_t fdp;
    uint32_t flags; /* enum index_flags */
    uint32_t density;
    uint16_t key_max; /* bytes, 255 by default; <= KEY_MAX */
    unsigned segment_count;
    struct {
        uint16_t fid;
        bool descending, must_be_null;
    } segments[INDEX_SEGMENTS_MAX];
    uint32_t lcmap_flags;
    bool foreign_sort; /* Unicode text sorted by a rule that is not ours, or segments cut short: read only */
};
enum index_flags {
    INDEX_UNIQUE = 0x1,
    INDEX_ALLOW_ALL_NULLS = 0x2,
    INDEX_ALLOW_FIRST_NULL = 0x4,
    INDEX_ALLOW_SOME_NULLS = 0x8,
    INDEX_NO_NULL_SEGMENT = 0x10,
    INDEX_PRIMARY = 0x20,
    INDEX_LOCALE_SET = 0x40,
    INDEX_MULTI_VALUED = 0x80,
    INDEX_LOCALIZED_TEXT = 0x400,
    INDEX_SORT_NULLS_HIGH = 0x800,
    INDEX_TUPLES = 0x1000,
    INDEX_DISALLOW_TRUNCATION = 0x4000,
};

/* A table as the catalog tells it to one session. */
struct table_def {
    char name[65];
    objid_t objid;
    pgno_t fdp;
    uint32_t flags; /* JET_bitTable* as stored */
    uint32_t pages, density;
    struct column *columns; /* by fid, ascending */
    unsigned column_count;
    bool has_primary;
    struct index_def primary;
    unsigned secondary_count; /* indexes that this version cannot maintain: the table is read only if > 0 */
    bool has_long_values;     /* a long-value tree exists */
    bool has_template;        /* derived from a template table, or with callbacks: read only */
    void *memory;             /* one block that owns columns and defaults */
};
void table_def_free(struct table_def *def);
const struct column *table_column(const struct table_def *def, uint32_t fid);             /* NULL: none */
const struct column *table_column_by_name(const struct table_def *def, const char *name); /* ASCII case-insensitive */

/* ---- reading ---- */

/* Header, fixed and variable areas are consistent (what is tagged depends on the page size and is checked as it is
 * read). JET_errDatabaseCorrupted. Readers check what they touch themselves and need not be preceded by this. */
MUST_CHECK JET_ERR rec_check(struct slice record);

enum rec_value_kind {
    REC_ABSENT, /* not in the record: the column's default_value applies, or NULL where there is none. Who asks
                 * (cursor, rec_key) applies it: rec_get does not. */
    REC_NULL,
    REC_VALUE,      /* slice into the record */
    REC_COMPRESSED, /* slice into the record, still compressed: rec_decompress */
    REC_SEPARATED,  /* a long value id; not readable yet: JET_errFeatureNotAvailable to the user */
    REC_ENCRYPTED,
};
/* bytes.p is set for all kinds but REC_ABSENT and REC_NULL, also when bytes.n is 0. count: values of the column in the
 * record (0: absent or NULL; more than 1: multi-valued). */
struct rec_value {
    enum rec_value_kind kind;
    struct slice bytes;
    unsigned count;
};
/* itag: 0 or 1 = first value of a multi-valued column; above count: REC_ABSENT with count. JET_errDatabaseCorrupted. */
MUST_CHECK JET_ERR rec_get(struct slice record, uint32_t page_size, const struct column *column, unsigned itag,
                           struct rec_value *out);
/* The fids of the tagged columns present, in order; count 0: an explicit NULL. fn's error ends the walk. */
MUST_CHECK JET_ERR rec_each_tagged(struct slice record, uint32_t page_size,
                                   JET_ERR (*fn)(void *context, uint16_t fid, unsigned count), void *context);
/* *bytes: size after decompression, read from the head of the data. With out not NULL also writes the first out_bytes
 * of them and checks all of the data. Schemes 7-bit ASCII, 7-bit Unicode, XPRESS; others JET_errFeatureNotAvailable;
 * bad data JET_errDecompressionFailed. */
MUST_CHECK JET_ERR rec_decompress(struct slice in, uint8_t *out, size_t out_bytes, size_t *bytes);

/* ---- writing: an update in progress ---- */

struct rec_edit; /* a set of column values over a base record */
/* base.p NULL: a new record with defaults of fixed and variable columns. def must outlive the edit. */
MUST_CHECK JET_ERR rec_edit_new(const struct table_def *def, uint32_t page_size, struct slice base,
                                struct rec_edit **out);
void rec_edit_free(struct rec_edit *edit);
/* value.p NULL: NULL; for a fixed column also zero length. Any Bit but 0 becomes 0xff. Fixed Text/Binary are padded.
 * itag 0: append a value; 1..: replace that one, or append if there are fewer (NULL: remove it); single-valued columns
 * take itag 0 and 1, both replace. revert: back to the default.
 * JET_errInvalidBufferSize (a fixed type with another size; an over-long fixed or variable column), JET_errColumnTooBig
 * (an over-long tagged column), JET_errMultiValuedColumnMustBeTagged (itag > 1 of a column that is not tagged),
 * JET_errBadItagSequence (itag > 1 of a tagged single-valued one), JET_errFeatureNotAvailable (would drop a separated
 * or touch an encrypted value). After a failure the edit is as before. */
MUST_CHECK JET_ERR rec_edit_set(struct rec_edit *edit, const struct column *column, unsigned itag, struct slice value,
                                bool revert);
/* As rec_get; bytes live until the next set. */
MUST_CHECK JET_ERR rec_edit_get(const struct rec_edit *edit, const struct column *column, unsigned itag,
                                struct rec_value *out);
/* Builds the record into out (page_size bytes): *bytes. JET_errNullInvalid (a NOT NULL column), JET_errRecordTooBig. */
MUST_CHECK JET_ERR rec_edit_finish(const struct rec_edit *edit, uint8_t *out, size_t *bytes);
/* rec_edit_set was called for it. */
bool rec_edit_changed(const struct rec_edit *edit, const struct column *column);

/* ---- keys of records ---- */

/* Normalised key of a record under an index; defaults stand for absent columns. JET_errNullKeyDisallowed,
 * JET_errKeyTruncated (with INDEX_DISALLOW_TRUNCATION; else the key is cut), JET_errFeatureNotAvailable (a value that
 * cannot be read). key: KEY_BUFFER bytes. */
MUST_CHECK JET_ERR rec_key(struct slice record, uint32_t page_size, const struct table_def *def,
                           const struct index_def *index, uint8_t *key, size_t *key_bytes);
struct key_segment rec_key_segment(const struct table_def *def, const struct index_def *index, unsigned segment);
/* Most bytes a key of these columns can have, if all have a fixed size (5, 14, 22 ...; fixed Binary counts, Text does
 * not), else 0. */
unsigned rec_key_fixed_bytes(const struct table_def *def, const struct index_def *index);

#endif
