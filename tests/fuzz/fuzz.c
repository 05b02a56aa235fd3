/* See fuzz.h: one input, unpacked and run. */
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "tests/lib/disk.h"

#define ZEROS_MIN 8u /* fewer are not worth the two counts */

void fuzz_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "fuzz: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

/* Nobody wants to read there what was found in these files. */
void syslog(int priority, const char *format, ...) {
    (void)priority, (void)format;
}

/* The next count of an input, at most what is there to be counted. */
static size_t take_count(const uint8_t **at, const uint8_t *end, size_t most) {
    if (end - *at < 2) {
        *at = end;
        return 0;
    }
    size_t n = (size_t)(*at)[0] | (size_t)(*at)[1] << 8;
    *at += 2;
    return n < most ? n : most;
}

uint8_t *fuzz_unpack(const uint8_t *data, size_t size, size_t room, size_t *count) {
    const uint8_t *end = data + size;
    uint8_t *out = NULL;
    for (int writes = 0; writes < 2; writes++) {
        const uint8_t *at = data;
        size_t n = 0;
        while (at < end) {
            size_t left = FUZZ_BYTES_MAX - n, bytes = take_count(&at, end, left);
            if (bytes > (size_t)(end - at))
                bytes = (size_t)(end - at);
            if (writes)
                memcpy(out + n, at, bytes);
            at += bytes;
            n += bytes;
            n += take_count(&at, end, FUZZ_BYTES_MAX - n);
        }
        if (!writes)
            out = calloc(1, n + room + 1);
        if (!out)
            abort();
        *count = n;
    }
    return out;
}

static size_t zeros_at(const uint8_t *bytes, size_t count, size_t at) {
    size_t n = at;
    while (n < count && n - at < 0xffff && bytes[n] == 0)
        n++;
    return n - at;
}

size_t fuzz_pack(const uint8_t *bytes, size_t count, uint8_t *out, size_t out_bytes) {
    size_t used = 0;
    for (size_t at = 0; at < count;) {
        size_t n = 0, zeros = 0;
        while (at + n < count && n < 0xffff) {
            zeros = zeros_at(bytes, count, at + n);
            if (zeros >= ZEROS_MIN || at + n + zeros == count)
                break;
            n += zeros + 1;
            zeros = 0;
        }
        if (n > 0xffff) /* too many zeros were taken along */
            n = 0xffff, zeros = 0;
        if (used + n + 4 > out_bytes)
            return 0;
        out[used] = (uint8_t)n, out[used + 1] = (uint8_t)(n >> 8);
        memcpy(out + used + 2, bytes + at, n);
        used += n + 2;
        out[used] = (uint8_t)zeros, out[used + 1] = (uint8_t)(zeros >> 8);
        used += 2;
        at += n + zeros;
    }
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t count;
    uint8_t *bytes = fuzz_unpack(data, size, 0, &count);
    disk_install(1);
    fuzz_run(bytes, count);
    if (disk_open_files() > 0)
        fuzz_die("%u files are still open", disk_open_files());
    disk_done();
    free(bytes);
    return 0;
}
