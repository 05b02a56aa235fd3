/* Key normalisation (ese-facts 2.15). A segment is a prefix byte and the value in a form whose bytes sort as the values
 * do; a descending segment is complemented as a whole; the concatenation is cut at the index's longest key, wherever
 * that falls. */
#include "engine/key.h"

#include <assert.h>

#include "engine/key_priv.h"

enum { PREFIX_NULL = 0x00, PREFIX_ZERO_LENGTH = 0x40, PREFIX_DATA = 0x7f, PREFIX_NULL_HIGH = 0xc0 };
enum { CHUNK_BYTES = 8, CHUNK_CONTINUES = 9 };
#define LIMIT_BYTE 0xff

size_t coltyp_bytes(JET_COLTYP type) {
    switch (type) {
    case JET_coltypBit:
    case JET_coltypUnsignedByte:
        return 1;
    case JET_coltypShort:
    case JET_coltypUnsignedShort:
        return 2;
    case JET_coltypLong:
    case JET_coltypUnsignedLong:
    case JET_coltypIEEESingle:
        return 4;
    case JET_coltypCurrency:
    case JET_coltypLongLong:
    case JET_coltypUnsignedLongLong:
    case JET_coltypIEEEDouble:
    case JET_coltypDateTime:
        return 8;
    case JET_coltypGUID:
        return 16;
    default:
        return 0;
    }
}

/* Output that stops at `max`. */
struct writer {
    uint8_t *p;
    size_t used, max;
    bool truncated;
};

static void put(struct writer *w, const uint8_t *bytes, size_t n) {
    size_t room = w->max - w->used;
    if (n > room) {
        w->truncated = true;
        n = room;
    }
    if (n)
        memcpy(w->p + w->used, bytes, n);
    w->used += n;
}

static void put_byte(struct writer *w, uint8_t byte) {
    put(w, &byte, 1);
}

static void put_number(struct writer *w, JET_COLTYP type, const uint8_t *value, size_t n) {
    uint8_t key[8];
    for (size_t i = 0; i < n; i++)
        key[i] = value[n - 1 - i];
    switch (type) {
    case JET_coltypShort:
    case JET_coltypLong:
    case JET_coltypCurrency:
    case JET_coltypLongLong:
        key[0] ^= 0x80;
        break;
    case JET_coltypIEEESingle:
    case JET_coltypIEEEDouble:
    case JET_coltypDateTime: /* negative: larger magnitudes first */
        if (key[0] & 0x80)
            for (size_t i = 0; i < n; i++)
                key[i] = (uint8_t)~key[i];
        else
            key[0] |= 0x80;
        break;
    default: /* unsigned */
        break;
    }
    put(w, key, n);
}

static void put_guid(struct writer *w, const uint8_t *value) {
    static const uint8_t order[16] = {10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3};
    uint8_t key[16];
    for (int i = 0; i < 16; i++)
        key[i] = value[order[i]];
    put(w, key, sizeof key);
}

/* Chunks of 8, each followed by the count of bytes used in it, or by 9 when more follow. `open`: the value is only the
 * beginning of one, so its last chunk has no end. */
static void put_binary(struct writer *w, struct slice value, bool open) {
    while (value.n > CHUNK_BYTES && w->used < w->max) {
        put(w, value.p, CHUNK_BYTES);
        put_byte(w, CHUNK_CONTINUES);
        value = slice(value.p + CHUNK_BYTES, value.n - CHUNK_BYTES);
    }
    if (value.n > CHUNK_BYTES) {
        w->truncated = true;
    } else if (open) {
        put(w, value.p, value.n);
    } else {
        uint8_t last[CHUNK_BYTES + 1] = {0};
        memcpy(last, value.p, value.n);
        last[CHUNK_BYTES] = (uint8_t)value.n;
        put(w, last, sizeof last);
    }
}

/* Up to the first NUL, as a C string of the C locale. */
static void put_text(struct writer *w, struct slice value, bool open) {
    for (size_t i = 0; i < value.n && value.p[i]; i++) {
        if (w->used == w->max) {
            w->truncated = true;
            return;
        }
        uint8_t c = value.p[i];
        w->p[w->used++] = c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
    }
    if (!open)
        put_byte(w, 0);
}

static JET_ERR put_unicode(struct writer *w, uint32_t lcmap_flags, struct slice value, bool open) {
    uint8_t *at = w->p + w->used;
    size_t room = w->max - w->used, bytes = 0;
    JET_ERR err = key_unicode_sort_key(lcmap_flags ? lcmap_flags : KEY_LCMAP_DEFAULT, value, at, room, &bytes);
    if (err < JET_errSuccess)
        return err;
    size_t n = bytes < room ? bytes : room;
    if (open) { /* accents and case of what follows are not known, so the base characters are all that is common */
        const uint8_t *end = memchr(at, SORT_KEY_LEVEL_SEPARATOR, n);
        n = end ? (size_t)(end - at) : n;
    } else if (bytes > room) {
        w->truncated = true;
    }
    w->used += n;
    return err;
}

/* A value that is not NULL and not empty. */
static JET_ERR put_value(struct writer *w, const struct key_segment *segment, struct slice value, bool open) {
    size_t bytes = coltyp_bytes(segment->type);
    if (bytes && value.n != bytes)
        return RAISE(JET_errInvalidBufferSize);
    put_byte(w, PREFIX_DATA);
    switch (segment->type) {
    case JET_coltypBit:
        put_byte(w, value.p[0] ? 0xff : 0);
        return JET_errSuccess;
    case JET_coltypGUID:
        put_guid(w, value.p);
        return JET_errSuccess;
    case JET_coltypBinary:
    case JET_coltypLongBinary:
        if (segment->fixed)
            put(w, value.p, value.n);
        else
            put_binary(w, value, open);
        return JET_errSuccess;
    case JET_coltypText:
    case JET_coltypLongText:
        if (segment->code_page == 1200)
            return put_unicode(w, segment->lcmap_flags, value, open);
        put_text(w, value, open);
        return JET_errSuccess;
    default:
        if (!bytes)
            return RAISE(JET_errInvalidColumnType);
        put_number(w, segment->type, value.p, bytes);
        return JET_errSuccess;
    }
}

static bool is_empty(const struct key_segment *segment, struct slice value) {
    bool text = segment->type == JET_coltypText || segment->type == JET_coltypLongText;
    return value.n < (text && segment->code_page == 1200 ? 2 : 1);
}

static JET_ERR append(const struct key_segment *segment, struct slice value, bool open, struct writer *w) {
    size_t start = w->used;
    if (!value.p) {
        put_byte(w, segment->nulls_high ? PREFIX_NULL_HIGH : PREFIX_NULL);
    } else if (is_empty(segment, value)) {
        put_byte(w, PREFIX_ZERO_LENGTH);
    } else {
        JET_ERR err = put_value(w, segment, value, open);
        if (err < JET_errSuccess)
            return err;
    }
    if (segment->descending)
        for (size_t i = start; i < w->used; i++)
            w->p[i] = (uint8_t)~w->p[i];
    return JET_errSuccess;
}

JET_ERR key_append(const struct key_segment *segment, struct slice value, size_t max, uint8_t *out, size_t *used,
                   bool *truncated) {
    assert(max <= KEY_MAX && *used <= max);
    JET_ERR err = JET_errSuccess;
    struct writer w = {out, *used, max, false};
    CALL(append(segment, value, false, &w));
    *used = w.used;
    *truncated |= w.truncated;
cleanup:
    return err;
}

JET_ERR key_append_prefix(const struct key_segment *segment, struct slice value, size_t max, uint8_t *out,
                          size_t *used) {
    assert(max <= KEY_MAX && *used <= max);
    JET_ERR err = JET_errSuccess;
    struct writer w = {out, *used, max, false};
    CALL(append(segment, value, true, &w));
    memset(out + w.used, LIMIT_BYTE, max + 1 - w.used);
    *used = max + 1;
cleanup:
    return err;
}
