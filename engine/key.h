/* Keys: column values normalised so that memcmp gives the order of the index, as ESE does (ese-facts 2.15).
 *
 * Code page 1252 and binary keys are byte for byte ESE's. Unicode text (code page 1200) is sorted by ICU, see
 * key_sort_id: our order is not that of Windows, so an index says in its catalog record by which rule it is sorted,
 * and one sorted by another rule is never written to (docs/collation.md). */
#ifndef ESENT_ENGINE_KEY_H
#define ESENT_ENGINE_KEY_H

#include "engine/types.h"

struct key_segment {
    JET_COLTYP type;
    uint16_t code_page; /* 1252 or 1200 for text */
    bool descending;
    bool fixed; /* fixed Binary/Text: no chunking */
    bool nulls_high;
    uint32_t lcmap_flags; /* Unicode text; 0: KEY_LCMAP_DEFAULT */
};

/* Bytes of a value of this type if all of its values have one size; 0 for Text, Binary, the long types and what is no
 * type. */
size_t coltyp_bytes(JET_COLTYP type);

/* One value; value.p NULL: the column is NULL; n == 0 with p set: zero length (of any type). Appends to out (KEY_BUFFER
 * bytes, *used so far), cuts at `max` bytes in total and sets *truncated when it did (it is never cleared). Errors:
 * JET_errInvalidBufferSize (a fixed type with another size), JET_errInvalidColumnType, JET_errOutOfMemory,
 * JET_errUnicodeTranslationFail, JET_errUnicodeNormalizationNotSupported; *used is then unchanged. */
MUST_CHECK JET_ERR key_append(const struct key_segment *segment, struct slice value, size_t max, uint8_t *out,
                              size_t *used, bool *truncated);
/* JET_bitStrLimit / JET_bitSubStrLimit / JET_bitPartialColumnEndLimit on the last segment: the normalised prefix of a
 * text or binary value, then 0xff up to max + 1 bytes in total, which is above the key of any continuation. NULL, zero
 * length and other types: the whole segment, then 0xff. */
MUST_CHECK JET_ERR key_append_prefix(const struct key_segment *segment, struct slice value, size_t max, uint8_t *out,
                                     size_t *used);

/* How Unicode keys of this build are sorted: the collator's locale is root with the rules that LCMapFlags name
 * (case-, kana- and width-insensitive by default). Recorded in the index's catalog record: */
#define KEY_LCMAP_DEFAULT 0x00030401u
extern const uint8_t key_sort_id[16];       /* SortID column: a GUID of our own */
uint64_t key_sort_version(void);            /* Version column: ICU collator version and ours */
MUST_CHECK JET_ERR key_unicode_check(void); /* the collator works on this machine */
/* The flags can be honoured; else JET_errUnicodeNormalizationNotSupported is what the user gets. */
bool key_lcmap_supported(uint32_t lcmap_flags);
#define KEY_LOCALE_NAME "en-US"

#endif
