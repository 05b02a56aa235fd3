/* Keys of records: what index segments ask of a record's columns. */
#include <assert.h>
#include <stdlib.h>

#include "engine/rec_priv.h"

struct key_segment rec_key_segment(const struct table_def *def, const struct index_def *index, unsigned segment) {
    assert(segment < index->segment_count);
    const struct column *column = table_column(def, index->segments[segment].fid);
    assert(column); /* table_def_builder_finish saw to it */
    return (struct key_segment){
        .type = column->type,
        .code_page = column->code_page,
        .descending = index->segments[segment].descending,
        .fixed = fid_is_fixed(column->fid),
        .nulls_high = index->flags & INDEX_SORT_NULLS_HIGH,
        .lcmap_flags = index->lcmap_flags,
    };
}

unsigned rec_key_fixed_bytes(const struct table_def *def, const struct index_def *index) {
    unsigned total = 0;
    for (unsigned i = 0; i < index->segment_count; i++) {
        const struct column *column = table_column(def, index->segments[i].fid);
        unsigned bytes = (unsigned)coltyp_bytes(column->type);
        if (column->type == JET_coltypBinary && fid_is_fixed(column->fid))
            bytes = column->max_bytes;
        if (!bytes)
            return 0;
        total += 1 + bytes;
    }
    return total;
}

/* The value that stands in the key: the first one, decompressed (*own then has to be freed), or the default. */
static JET_ERR key_value(struct slice record, uint32_t page_size, const struct column *column, uint8_t **own,
                         struct slice *out) {
    JET_ERR err = JET_errSuccess;
    struct rec_value v = {0};
    size_t bytes = 0;
    CALL(rec_get(record, page_size, column, 1, &v));
    switch (v.kind) {
    case REC_ABSENT:
        *out = column->default_value;
        break;
    case REC_NULL:
        *out = slice(NULL, 0);
        break;
    case REC_VALUE:
        *out = v.bytes;
        break;
    case REC_COMPRESSED:
        CALL(rec_decompress(v.bytes, NULL, 0, &bytes));
        if (!(*own = malloc(bytes ? bytes : 1)))
            FAIL(JET_errOutOfMemory);
        CALL(rec_decompress(v.bytes, *own, bytes, &bytes));
        *out = slice(*own, bytes);
        break;
    case REC_SEPARATED:
    case REC_ENCRYPTED:
        FAIL(JET_errFeatureNotAvailable);
    }
cleanup:
    return err;
}

JET_ERR rec_key(struct slice record, uint32_t page_size, const struct table_def *def, const struct index_def *index,
                uint8_t *key, size_t *key_bytes) {
    JET_ERR err = JET_errSuccess;
    uint8_t *own = NULL;
    size_t used = 0;
    bool truncated = false;
    assert(index->key_max <= KEY_MAX);
    for (unsigned i = 0; i < index->segment_count; i++) {
        struct key_segment segment = rec_key_segment(def, index, i);
        struct slice value = {0};
        CALL(key_value(record, page_size, table_column(def, index->segments[i].fid), &own, &value));
        if (!value.p && index->flags & INDEX_NO_NULL_SEGMENT)
            FAIL(JET_errNullKeyDisallowed);
        CALL(key_append(&segment, value, index->key_max, key, &used, &truncated));
        free(own);
        own = NULL;
    }
    if (truncated && index->flags & INDEX_DISALLOW_TRUNCATION)
        FAIL(JET_errKeyTruncated);
    *key_bytes = used;
cleanup:
    free(own);
    return err;
}
