/* Compressed values (ese-facts 2.12): byte 0 is scheme << 3 | n. Only readers: what this engine writes is plain.
 *
 *     1, 2  7-bit: a little-endian stream of 7-bit units, each one byte (1) or one UTF-16 unit (2); n + 1 bits of the
 *           last byte are used
 *     3     XPRESS: u16 size, then one stream of Plain LZ77 (MS-XCA)
 *
 * Writing stops at out_bytes, decoding does not, so that a short read still notices bad data. A match refers to what is
 * already written, hence the part that is kept is right on its own. */
#include "engine/rec.h"

enum { SCHEME_7BIT_ASCII = 1, SCHEME_7BIT_UNICODE = 2, SCHEME_XPRESS = 3 };
enum { XPRESS_HEAD_BYTES = 3, FLAG_BITS = 32 };

static JET_ERR decompress_7bit(struct slice in, unsigned unit_bytes, uint8_t *out, size_t out_bytes, size_t *bytes) {
    if (in.n < 2)
        return RAISE(JET_errDecompressionFailed);
    size_t bits = (in.n - 2) * 8 + (in.p[0] & 7) + 1, count = bits / 7;
    if (bits % 7 || in.p[in.n - 1] >> ((in.p[0] & 7) + 1))
        return RAISE(JET_errDecompressionFailed);
    *bytes = count * unit_bytes;
    if (!out)
        return JET_errSuccess;
    for (size_t i = 0; i < count && i * unit_bytes < out_bytes; i++) {
        const uint8_t *at = in.p + 1 + i * 7 / 8;
        unsigned shift = i * 7 % 8, low = at[0] >> shift;
        unsigned unit = (shift > 1 ? low | (unsigned)at[1] << (8 - shift) : low) & 0x7f;
        out[i * unit_bytes] = (uint8_t)unit;
        if (unit_bytes == 2 && i * 2 + 1 < out_bytes)
            out[i * 2 + 1] = 0;
    }
    return JET_errSuccess;
}

/* A reader that gives zeros after the end and remembers that it was asked. */
struct source {
    const uint8_t *at, *end;
    const uint8_t *nibble; /* length byte whose high half is unused; NULL: none */
    bool overrun;
};

static uint32_t next(struct source *s, unsigned n) {
    uint32_t value = 0;
    if ((size_t)(s->end - s->at) < n) {
        s->overrun = true;
        s->at = s->end;
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        value |= (uint32_t)s->at[i] << 8 * i;
    s->at += n;
    return value;
}

static uint64_t match_length(struct source *s, unsigned code) {
    uint64_t length = code;
    if (code < 7)
        return length + 3;
    if (!s->nibble) {
        s->nibble = s->at;
        length = next(s, 1) & 15;
    } else {
        length = *s->nibble >> 4;
        s->nibble = NULL;
    }
    if (length < 15)
        return length + 7 + 3;
    length = next(s, 1);
    if (length < 255)
        return length + 15 + 7 + 3;
    length = next(s, 2);
    if (length == 0)
        length = next(s, 4);
    return length + 3;
}

static JET_ERR decompress_xpress(struct slice in, uint8_t *out, size_t out_bytes, size_t *bytes) {
    if (in.n < XPRESS_HEAD_BYTES)
        return RAISE(JET_errDecompressionFailed);
    size_t size = load16(in.p + 1), done = 0;
    struct source s = {.at = in.p + XPRESS_HEAD_BYTES, .end = in.p + in.n};
    uint32_t flags = 0;
    unsigned left = 0;
    *bytes = size;
    if (!out)
        return JET_errSuccess;
    while (done < size && !s.overrun) {
        if (left == 0) {
            flags = next(&s, 4);
            left = FLAG_BITS;
        }
        left--;
        if (!(flags >> left & 1)) {
            uint8_t literal = (uint8_t)next(&s, 1);
            if (done < out_bytes)
                out[done] = literal;
            done++;
            continue;
        }
        uint32_t match = next(&s, 2);
        size_t distance = (match >> 3) + 1;
        uint64_t length = match_length(&s, match & 7);
        if (s.overrun || distance > done || length > size - done)
            return RAISE(JET_errDecompressionFailed);
        for (size_t end = done + length; done < end; done++) {
            if (done < out_bytes)
                out[done] = out[done - distance];
        }
    }
    /* A compressor that has just filled a flag word may leave the next one behind. */
    bool unused_flags = left == 0 && s.end - s.at == 4;
    if (s.overrun || (s.at != s.end && !unused_flags))
        return RAISE(JET_errDecompressionFailed);
    return JET_errSuccess;
}

JET_ERR rec_decompress(struct slice in, uint8_t *out, size_t out_bytes, size_t *bytes) {
    if (in.n == 0)
        return RAISE(JET_errDecompressionFailed);
    switch (in.p[0] >> 3) {
    case SCHEME_7BIT_ASCII:
        return decompress_7bit(in, 1, out, out_bytes, bytes);
    case SCHEME_7BIT_UNICODE:
        return decompress_7bit(in, 2, out, out_bytes, bytes);
    case SCHEME_XPRESS:
        return decompress_xpress(in, out, out_bytes, bytes);
    default:
        return RAISE(JET_errFeatureNotAvailable);
    }
}
