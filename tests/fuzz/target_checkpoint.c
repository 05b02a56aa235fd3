/* A checkpoint file, and a start from it. */
#include "tests/fuzz/logs.h"
#include "tools/tool.h"

const enum fuzz_kind fuzz_kind = FUZZ_CHECKPOINT;

void fuzz_run(const uint8_t *bytes, size_t count) {
    struct log_checkpoint checkpoint;
    unsigned copies_bad;
    if (count < FUZZ_CHECKPOINT_BYTES) {
        disk_put(SYSTEM "edb.chk", bytes, count);
        user_works("/d", "/d/data/a.edb", 0, 0);
        return;
    }
    disk_put(SYSTEM "edb.chk", bytes, FUZZ_CHECKPOINT_BYTES);
    JET_ERR err = log_checkpoint_read(SYSTEM "edb.chk", &checkpoint, &copies_bad);
    (void)err;
    user_tool(&command_header, SYSTEM "edb.chk", NULL);
    logs_recover(bytes + FUZZ_CHECKPOINT_BYTES, count - FUZZ_CHECKPOINT_BYTES, bytes);
}
