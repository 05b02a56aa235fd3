/* The checkpoint file: the newer whole copy counts, and no single torn write takes both. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/le.h"
#include "base/os.h"
#include "log/log.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testlog.h"

static const char *chk(void) {
    return test_path("edb.chk");
}

static void write_at(lgpos_t position) {
    struct log_checkpoint *c = calloc(1, sizeof *c);
    c->position = position;
    c->signature = clock_signature();
    c->attach_bytes = 5;
    memcpy(c->attach, "dbid1", 5);
    JET_ERR err = log_checkpoint_write(chk(), c);
    free(c);
    CHECK_OK(err);
}

/* Position that is read, 0 after a failure. */
static lgpos_t read_position(JET_ERR expected, unsigned expected_bad) {
    struct log_checkpoint *c = calloc(1, sizeof *c);
    unsigned bad = 99;
    JET_ERR err = log_checkpoint_read(chk(), c, &bad);
    lgpos_t position = c->position;
    free(c);
    CHECK_ERR(err, expected);
    CU_ASSERT_EQUAL(bad, expected_bad);
    return position;
}

static void damage(size_t offset) {
    size_t bytes;
    uint8_t *data = testlog_load(chk(), &bytes);
    data[offset] ^= 0x10;
    testlog_store(chk(), data, bytes);
    free(data);
}

static void checkpoint_read__returns_what_was_written(void) {
    struct log_checkpoint *in = calloc(1, sizeof *in), *out = calloc(1, sizeof *out);
    in->position = lgpos_make(0x12345, 5 * LOG_SECTOR + 4088);
    in->signature = clock_signature();
    in->attach_bytes = LOG_ATTACH_MAX;
    memset(in->attach, 0x5A, LOG_ATTACH_MAX);
    for (uint64_t sequence = 1; sequence <= 3; sequence++) {
        CHECK_OK(log_checkpoint_write(chk(), in));
        CU_ASSERT_EQUAL(in->sequence, sequence);
        CHECK_OK(log_checkpoint_read(chk(), out, NULL));
        CU_ASSERT_EQUAL(memcmp(in, out, sizeof *in), 0);
    }
    free(in);
    free(out);
}

static void checkpoint_read__says_that_there_is_none(void) {
    read_position(JET_errCheckpointFileNotFound, 2);
}

static void checkpoint_read__takes_the_newer_copy(void) {
    for (uint32_t i = 1; i <= 5; i++) {
        write_at(lgpos_make(i, 4096));
        CU_ASSERT_EQUAL(read_position(JET_errSuccess, 0), lgpos_make(i, 4096));
    }
}

static void checkpoint_read__takes_the_older_copy_when_the_newer_is_bad(void) {
    for (uint32_t newest = 2; newest <= 3; newest++) { /* the newest copy is once the second, once the first */
        for (uint32_t i = 1; i <= newest; i++)
            write_at(lgpos_make(i, 4096));
        damage((newest % 2 == 0 ? LOG_SECTOR : 0) + 20);
        CU_ASSERT_EQUAL(read_position(JET_errSuccess, 1), lgpos_make(newest - 1, 4096));
        write_at(lgpos_make(9, 4096)); /* goes to the bad copy */
        CU_ASSERT_EQUAL(read_position(JET_errSuccess, 0), lgpos_make(9, 4096));
        CHECK_OK(os_remove(chk()));
    }
}

static void checkpoint_write__torn_at_any_byte_leaves_a_checkpoint(void) {
    for (size_t partial = 0; partial < LOG_SECTOR; partial += partial < 100 ? 1 : 97) {
        struct log_checkpoint *c = calloc(1, sizeof *c);
        fault_install();
        write_at(lgpos_make(1, 4096));
        write_at(lgpos_make(2, 4096));
        fault_add((struct fault){.op = FAULT_WRITE, .error = JET_errDiskIO, .partial = partial});
        c->position = lgpos_make(3, 4096);
        CHECK_ERR(log_checkpoint_write(chk(), c), JET_errDiskIO);
        fault_done();
        CHECK_OK(log_checkpoint_read(chk(), c, NULL));
        CU_ASSERT(c->position == lgpos_make(2, 4096) || c->position == lgpos_make(3, 4096));
        CHECK_OK(os_remove(chk()));
        free(c);
    }
}

/* Two attachments have changed places; an XOR counts them alike. */
static void checkpoint_write__torn_between_attachments_leaves_the_one_before(void) {
    struct log_checkpoint *c = calloc(1, sizeof *c);
    c->signature = clock_signature();
    c->attach_bytes = 88;
    memset(c->attach, 'a', 44);
    memset(c->attach + 44, 'b', 44);
    c->position = lgpos_make(1, 4096);
    CHECK_OK(log_checkpoint_write(chk(), c));
    memset(c->attach, 'b', 44);
    memset(c->attach + 44, 'a', 44);
    c->position = lgpos_make(2, 4096);
    fault_install();
    fault_add((struct fault){.op = FAULT_WRITE, .error = JET_errDiskIO, .partial = 512});
    CHECK_ERR(log_checkpoint_write(chk(), c), JET_errDiskIO);
    fault_done();
    free(c);
    CU_ASSERT_EQUAL(read_position(JET_errSuccess, 1), lgpos_make(1, 4096));
}

static void checkpoint_read__notices_a_flipped_bit_anywhere(void) {
    write_at(lgpos_make(1, 4096));
    size_t bytes;
    uint8_t *data = testlog_load(chk(), &bytes);
    CU_ASSERT_EQUAL(bytes, 2 * LOG_SECTOR);
    for (size_t offset = 0; offset < LOG_SECTOR; offset += 13) {
        data[offset] ^= 1;
        testlog_store(chk(), data, bytes);
        CU_ASSERT_EQUAL(read_position(JET_errSuccess, 1), lgpos_make(1, 4096));
        data[LOG_SECTOR + offset] ^= 0x80;
        testlog_store(chk(), data, bytes);
        read_position(JET_errCheckpointCorrupt, 2);
        data[offset] ^= 1;
        data[LOG_SECTOR + offset] ^= 0x80;
    }
    free(data);
}

static void checkpoint_read__a_file_of_any_length_is_no_trouble(void) {
    write_at(lgpos_make(1, 4096));
    size_t bytes;
    uint8_t *data = testlog_load(chk(), &bytes);
    const size_t used = 679 + 5; /* behind the attachments a copy is zeros, as is what a short file lacks */
    for (size_t n = 0; n < bytes; n += n == 0 ? 1 : 511) {
        testlog_store(chk(), data, n);
        if (n < used)
            read_position(JET_errCheckpointCorrupt, 2);
        else
            CU_ASSERT_EQUAL(read_position(JET_errSuccess, n < LOG_SECTOR + used), lgpos_make(1, 4096));
        write_at(lgpos_make(2, 4096)); /* and it is mended */
        CU_ASSERT_EQUAL(read_position(JET_errSuccess, 0), lgpos_make(2, 4096));
    }
    free(data);
}

/* With a good checksum and values out of range (P14). */
static void checkpoint_read__checks_ranges_and_reserved_bytes(void) {
    static const struct {
        size_t offset;
        uint8_t value;
    } wrong[] = {
        {19, 0x80}, {13, 0x10}, {65, 0xFF}, {667, 3}, {48, 8}, {4, 1}, {300, 1}, {670, 1}, {679 + 100, 1}, {4095, 1},
    };
    write_at(lgpos_make(1, 4096));
    size_t bytes;
    uint8_t *data = testlog_load(chk(), &bytes);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t copy[2 * LOG_SECTOR];
        memcpy(copy, data, sizeof copy);
        for (unsigned c = 0; c < 2; c++) {
            copy[c * LOG_SECTOR + wrong[i].offset] = wrong[i].value;
            store32(copy + c * LOG_SECTOR, sum_header(copy + c * LOG_SECTOR, LOG_SECTOR));
        }
        testlog_store(chk(), copy, sizeof copy);
        read_position(JET_errCheckpointCorrupt, 2);
    }
    free(data);
}

static void checkpoint_write__reports_failures(void) {
    static const enum fault_op ops[] = {FAULT_OPEN, FAULT_WRITE, FAULT_SYNC, FAULT_RESIZE, FAULT_SYNC_DIR};
    struct log_checkpoint *c = calloc(1, sizeof *c);
    c->position = lgpos_make(1, 4096);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        fault_install();
        fault_add((struct fault){.op = ops[i], .error = JET_errDiskIO});
        CHECK_ERR(log_checkpoint_write(chk(), c), JET_errDiskIO);
        fault_done();
        JET_ERR err = os_remove(chk());
        CU_ASSERT(err == JET_errSuccess || err == JET_errFileNotFound);
    }
    free(c);
}

TEST_MAIN(TEST(checkpoint_read__returns_what_was_written), TEST(checkpoint_read__says_that_there_is_none),
          TEST(checkpoint_read__takes_the_newer_copy),
          TEST(checkpoint_read__takes_the_older_copy_when_the_newer_is_bad),
          TEST(checkpoint_write__torn_at_any_byte_leaves_a_checkpoint),
          TEST(checkpoint_write__torn_between_attachments_leaves_the_one_before),
          TEST(checkpoint_read__notices_a_flipped_bit_anywhere),
          TEST(checkpoint_read__a_file_of_any_length_is_no_trouble),
          TEST(checkpoint_read__checks_ranges_and_reserved_bytes), TEST(checkpoint_write__reports_failures))
