/* See testlog.h. */
#define _GNU_SOURCE
#include "tests/lib/testlog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/le.h"

struct log_dir testlog_dir(void) {
    struct log_dir dir = {.base = "edb"};
    snprintf(dir.path, sizeof dir.path, "%s", test_dir());
    return dir;
}

struct log_config testlog_config(void) {
    return (struct log_config){.dir = testlog_dir(), .file_bytes = LOG_FILE_BYTES_MIN, .page_size = 4096};
}

struct log *testlog_create(void) {
    struct log *log = NULL;
    struct log_config config = testlog_config();
    CHECK_OK(log_create(&config, &log));
    return log;
}

static void fill(uint8_t *out, uint32_t id, size_t bytes) {
    store32(out, id);
    store32(out + 4, (uint32_t)bytes);
    uint32_t x = id * 2654435761u + (uint32_t)bytes;
    for (size_t i = 8; i < bytes; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (uint8_t)(x >> 24);
    }
}

lgpos_t testlog_append(struct log *log, uint32_t id, size_t bytes) {
    uint8_t *data = malloc(bytes);
    fill(data, id, bytes);
    lgpos_t begin, end;
    struct log_part parts[3] = {{data, bytes / 3}, {NULL, 0}, {data + bytes / 3, bytes - bytes / 3}};
    JET_ERR err = log_append(log, (uint8_t)(LOG_FIRST_USER + id % 100), parts, 3, &begin, &end);
    free(data);
    CHECK_OK(err);
    CU_ASSERT(begin < end);
    return begin;
}

uint32_t testlog_id(const struct log_record *record) {
    if (record->bytes < 8 || load32(record->data + 4) != record->bytes)
        return UINT32_MAX;
    uint32_t id = load32(record->data);
    uint8_t *expected = malloc(record->bytes);
    fill(expected, id, record->bytes);
    bool same = memcmp(expected, record->data, record->bytes) == 0 && record->type == LOG_FIRST_USER + id % 100;
    free(expected);
    return same ? id : UINT32_MAX;
}

JET_ERR testlog_read(lgpos_t from, uint32_t first_id, uint32_t *next_id, lgpos_t *end, struct log_header *last) {
    struct log_reader_config config = {.dirs = {testlog_dir()}, .from = from};
    struct log_reader *reader = NULL;
    struct log_record record;
    lgpos_t before = 0;
    *next_id = first_id;
    JET_ERR err = log_reader_open(&config, &reader);
    while (err >= JET_errSuccess) {
        err = log_reader_next(reader, &record);
        if (err < JET_errSuccess)
            break;
        CU_ASSERT_EQUAL(testlog_id(&record), *next_id);
        CU_ASSERT(record.begin >= before && record.begin < record.end);
        before = record.end;
        ++*next_id;
    }
    if (reader && end)
        *end = log_reader_end(reader);
    if (reader && last)
        *last = *log_reader_header(reader);
    log_reader_close(reader);
    return err;
}

struct log *testlog_continue(lggen_t low, uint32_t first_id, uint32_t *next_id) {
    static struct log_header last;
    lgpos_t end;
    struct log *log = NULL;
    struct log_config config = testlog_config();
    CHECK_ERR(testlog_read(lgpos_make(low, 0), first_id, next_id, &end, &last), JET_errNoCurrentRecord);
    CHECK_OK(log_continue(&config, &last, end, &log));
    return log;
}

JET_ERR testlog_read_all(uint32_t *next_id) {
    return testlog_read(lgpos_make(1, 0), 0, next_id, NULL, NULL);
}

uint8_t *testlog_one_generation(uint32_t count, size_t bytes, enum testlog_flushing flushing, size_t *file_bytes) {
    struct log *log = testlog_create();
    for (uint32_t id = 0; id < count; id++) {
        testlog_append(log, id, bytes);
        if (flushing == FLUSH_EACH)
            CHECK_OK(log_flush(log, log_tip(log)));
    }
    log_close(log);
    return testlog_load(test_path("edb.log"), file_bytes);
}

void testlog_five_generations(void) {
    struct log *log = testlog_create();
    for (uint32_t id = 0; id < TESTLOG_IDS; id++)
        testlog_append(log, id, id % 4 == 3 && id != TESTLOG_IDS - 1 ? LOG_FILE_BYTES_MIN - 3000 : 900);
    CU_ASSERT_EQUAL(log_current_gen(log), TESTLOG_GENS);
    log_close(log);
}

void testlog_rolled(void) {
    struct log *log = testlog_create();
    for (uint32_t id = 0; id < 3; id++)
        testlog_append(log, id, 100);
    CHECK_OK(log_roll(log, NULL));
    log_close(log);
}

uint8_t *testlog_load(const char *path, size_t *bytes) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(n + 1);
    CU_ASSERT_EQUAL(fread(data, 1, n, f), n);
    fclose(f);
    if (bytes)
        *bytes = n;
    return data;
}

/* Over the old bytes: truncating first would make some file systems write the file out each time. */
void testlog_store(const char *path, const void *data, size_t bytes) {
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(pwrite(fd, data, bytes, 0), (ssize_t)bytes);
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)bytes), 0);
    close(fd);
}

void testlog_copy(const char *from, const char *to) {
    size_t bytes;
    uint8_t *data = testlog_load(from, &bytes);
    testlog_store(to, data, bytes);
    free(data);
}
