/* What target_log.c and target_checkpoint.c share: log files put in their places, and recovered. */
#ifndef ESENT_TESTS_FUZZ_LOGS_H
#define ESENT_TESTS_FUZZ_LOGS_H

#include <stdio.h>
#include <string.h>

#include "log/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"

#define SYSTEM "/d/system/"

/* Names of the generations, first to last, that begin with the one the first header says. Returns how many. */
static inline unsigned logs_put(const uint8_t *bytes, size_t count) {
    static uint8_t file[FUZZ_LOG_BYTES];
    const unsigned files = (unsigned)((count + FUZZ_LOG_BYTES - 1) / FUZZ_LOG_BYTES);
    for (unsigned i = 0; i < files && i < 8; i++) {
        const size_t at = (size_t)i * FUZZ_LOG_BYTES, n = count - at < FUZZ_LOG_BYTES ? count - at : FUZZ_LOG_BYTES;
        char path[64] = SYSTEM "edb.log";
        memset(file, 0, sizeof file);
        memcpy(file, bytes + at, n);
        if (i + 1 < files)
            snprintf(path, sizeof path, SYSTEM "edb%05X.log", i + 1);
        disk_put(path, file, sizeof file);
    }
    return files;
}

/* Twice: the second time over what the first one made of the databases, where there is any. */
static inline void logs_recover(const uint8_t *bytes, size_t count, const uint8_t *checkpoint) {
    for (int times = 0; times < 2; times++) {
        disk_delete("/d/system");
        logs_put(bytes, count);
        if (checkpoint)
            disk_put(SYSTEM "edb.chk", checkpoint, FUZZ_CHECKPOINT_BYTES);
        user_works("/d", "/d/data/a.edb", 0, USER_WRITES);
    }
}

#endif
