/* Log files: read, printed, verified, and recovered. They make the databases too, so there is nothing else. */
#include "engine/logrec.h"
#include "tests/fuzz/logs.h"
#include "tools/tool.h"

const enum fuzz_kind fuzz_kind = FUZZ_LOG;

static void read_records(void) {
    struct log_reader_config config = {.dirs = {{.path = "/d/system", .base = "edb"}}, .from = lgpos_make(1, 0)};
    struct log_reader *reader = NULL;
    struct log_record record;
    char text[2000];
    uint64_t records = 0;
    JET_ERR err = log_reader_open(&config, &reader);
    while (err >= JET_errSuccess && (err = log_reader_next(reader, &record)) >= JET_errSuccess) {
        if (record.begin >= record.end || ++records > FUZZ_BYTES_MAX)
            fuzz_die("a log that does not go on");
        logrec_print(record.type, slice(record.data, record.bytes), text, sizeof text);
    }
    log_reader_close(reader);
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    if (logs_put(bytes, count) == 0)
        return;
    read_records();
    user_tool(&command_header, SYSTEM "edb.log", NULL);
    user_tool(&command_verify, SYSTEM "edb.log", NULL);
    logs_recover(bytes, count, NULL);
}
