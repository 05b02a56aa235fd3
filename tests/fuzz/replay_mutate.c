/* In the place of libFuzzer's. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    for (uint32_t n = 1 + fuzz_below(3); n > 0; n--) {
        const size_t at = size ? fuzz_below((uint32_t)size) : 0, more = 1 + fuzz_below(8);
        if (size == 0 || (fuzz_below(8) == 0 && size + more <= max_size)) {
            memmove(data + at + more, data + at, size - at);
            size += more;
            for (size_t i = 0; i < more; i++)
                data[at + i] = (uint8_t)fuzz_below(256);
        } else if (fuzz_below(8) == 0 && size > more + at) {
            memmove(data + at, data + at + more, size - at - more);
            size -= more;
        } else {
            data[at] = fuzz_below(2) ? (uint8_t)fuzz_below(256) : data[at] ^ (uint8_t)(1u << fuzz_below(8));
        }
    }
    return size;
}
