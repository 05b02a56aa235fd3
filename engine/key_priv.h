/* Between key.c and key_unicode.c. */
#ifndef ESENT_ENGINE_KEY_PRIV_H
#define ESENT_ENGINE_KEY_PRIV_H

#include "engine/key.h"

/* Sort key of UTF-16 text (an odd last byte is ignored), its terminator included. out gets its first `room` bytes at
 * most; *bytes is the length of all of it. JET_errUnicodeNormalizationNotSupported, JET_errUnicodeTranslationFail,
 * JET_errOutOfMemory. */
MUST_CHECK JET_ERR key_unicode_sort_key(uint32_t lcmap_flags, struct slice text, uint8_t *out, size_t room,
                                        size_t *bytes);
#define SORT_KEY_LEVEL_SEPARATOR 0x01 /* ends the base characters; no weight contains it */

#endif
