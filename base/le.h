/* Little-endian integers as they stand on disk: alignment 1, no accidental arithmetic; a load is one instruction. */
#ifndef ESENT_BASE_LE_H
#define ESENT_BASE_LE_H

#include <stdint.h>
#include <string.h>

typedef struct {
    uint8_t b[2];
} le16_t;
typedef struct {
    uint8_t b[4];
} le32_t;
typedef struct {
    uint8_t b[8];
} le64_t;

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "loads and stores below are plain copies");

static inline uint16_t load16(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t load32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t load64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void store16(void *p, uint16_t v) {
    memcpy(p, &v, sizeof v);
}
static inline void store32(void *p, uint32_t v) {
    memcpy(p, &v, sizeof v);
}
static inline void store64(void *p, uint64_t v) {
    memcpy(p, &v, sizeof v);
}

static inline uint16_t le16(le16_t v) {
    return load16(v.b);
}
static inline uint32_t le32(le32_t v) {
    return load32(v.b);
}
static inline uint64_t le64(le64_t v) {
    return load64(v.b);
}
static inline le16_t to_le16(uint16_t v) {
    le16_t r;
    store16(r.b, v);
    return r;
}
static inline le32_t to_le32(uint32_t v) {
    le32_t r;
    store32(r.b, v);
    return r;
}
static inline le64_t to_le64(uint64_t v) {
    le64_t r;
    store64(r.b, v);
    return r;
}

/* Big-endian, for keys. */
static inline uint32_t load_be32(const void *p) {
    return __builtin_bswap32(load32(p));
}
static inline uint64_t load_be64(const void *p) {
    return __builtin_bswap64(load64(p));
}
static inline void store_be16(void *p, uint16_t v) {
    store16(p, __builtin_bswap16(v));
}
static inline void store_be32(void *p, uint32_t v) {
    store32(p, __builtin_bswap32(v));
}
static inline void store_be64(void *p, uint64_t v) {
    store64(p, __builtin_bswap64(v));
}

#endif
