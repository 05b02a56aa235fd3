/* Going on after recovery: where a log is taken up again, and the states in which a crash leaves a roll or a record. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "log/format.h"
#include "log/log.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testlog.h"

/* ---- going on ---- */

/* Appends to what is there, rolls, and reads it all again. */
static void check_goes_on(uint32_t expected_ids) {
    uint32_t id;
    struct log *log = testlog_continue(1, 0, &id);
    CU_ASSERT_EQUAL(id, expected_ids);
    testlog_append(log, id++, 500);
    CHECK_OK(log_flush(log, log_tip(log)));
    testlog_append(log, id++, 2 * LOG_FILE_BYTES_MIN);
    log_close(log);
    log = testlog_continue(1, 0, &id);
    CU_ASSERT_EQUAL(id, expected_ids + 2);
    testlog_append(log, id++, 500);
    log_close(log);
    uint32_t next_id;
    CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, id);
}

static void log_continue__goes_on_where_the_last_record_ended(void) {
    testlog_five_generations();
    check_goes_on(TESTLOG_IDS);
}

static void log_continue__goes_on_in_a_generation_without_records(void) {
    struct log *log = testlog_create();
    log_close(log);
    check_goes_on(0);
}

static void log_continue__no_stale_frame_comes_back(void) {
    size_t bytes;
    uint32_t id;
    uint8_t *data = testlog_one_generation(6, LOG_SECTOR - 16, FLUSH_TOGETHER, &bytes); /* each frame one block */
    memset(data + 2 * LOG_SECTOR + 512, 0, 512); /* record 1 is torn; 2 to 5 are whole behind it */
    testlog_store(test_path("edb.log"), data, bytes);
    struct log *log = testlog_continue(1, 0, &id);
    CU_ASSERT_EQUAL(id, 1);
    testlog_append(log, 1, LOG_SECTOR - 16); /* as long as the torn one was */
    log_close(log);
    CHECK_ERR(testlog_read_all(&id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(id, 2);
    free(data);
}

/* What was read may be in the page cache only. */
static void log_continue__syncs_what_it_goes_on_behind(void) {
    uint32_t id;
    struct log *log = testlog_create();
    testlog_append(log, 0, 100);
    log_close(log);
    fault_install();
    fault_add((struct fault){.op = FAULT_SYNC, .name = "edb.log", .error = JET_errDiskIO});
    struct log_config config = testlog_config();
    struct log_header *last = malloc(sizeof *last);
    lgpos_t end;
    CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &id, &end, last), JET_errNoCurrentRecord);
    CHECK_ERR(log_continue(&config, last, end, &log), JET_errDiskIO);
    CHECK_OK(log_continue(&config, last, end, &log));
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edb.log"), 2);
    log_close(log);
    fault_done();
    free(last);
}

static void log_continue__refuses_what_does_not_follow(void) {
    struct log_config config = testlog_config();
    struct log_header *last = malloc(sizeof *last), *changed = malloc(sizeof *changed);
    struct log *log = NULL;
    lgpos_t end;
    uint32_t id;
    testlog_five_generations();
    CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &id, &end, last), JET_errNoCurrentRecord);
    CHECK_ERR(log_continue(&config, last, lgpos_make(6, 4096), &log), JET_errInvalidParameter);
    CHECK_ERR(log_continue(&config, last, lgpos_make(5, 4097), &log), JET_errInvalidParameter);
    CHECK_ERR(log_continue(&config, last, lgpos_make(5, LOG_FILE_BYTES_MIN), &log), JET_errInvalidParameter);
    *changed = *last;
    changed->signature.ulRandom ^= 1;
    CHECK_ERR(log_continue(&config, changed, end, &log), JET_errInvalidLogSequence);
    *changed = *last;
    changed->gen = 4;
    CHECK_ERR(log_continue(&config, changed, lgpos_make(4, 4096), &log), JET_errInvalidLogSequence);
    testlog_copy(test_path("edb.log"), test_path("edb00005.log"));
    CHECK_ERR(log_continue(&config, last, end, &log), JET_errInvalidLogSequence);
    CHECK_OK(os_remove(test_path("edb00005.log")));
    check_goes_on(TESTLOG_IDS);
    free(last);
    free(changed);
}

/* ---- a crash during a roll; the files after each step (P8) ---- */

static void crash_in_roll__before_the_first_rename(void) {
    testlog_rolled();
    CHECK_OK(os_rename(test_path("edb.log"), test_path("edbtmp.log")));
    CHECK_OK(os_rename(test_path("edb00001.log"), test_path("edb.log")));
    check_goes_on(3);
}

static void crash_in_roll__between_the_renames(void) {
    struct log_range range;
    struct log_dir dir = testlog_dir();
    struct log_config config = testlog_config();
    struct log *log = NULL;
    testlog_rolled();
    CHECK_OK(os_rename(test_path("edb.log"), test_path("edbtmp.log")));
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.high == 1 && range.current == 2);
    CHECK_ERR(log_create(&config, &log), JET_errFileAlreadyExists);
    check_goes_on(3);
}

static void crash_in_roll__after_the_second_rename(void) {
    testlog_rolled();
    check_goes_on(3);
}

static void crash_in_roll__of_the_very_first_generation(void) {
    struct log_range range;
    struct log_dir dir = testlog_dir();
    log_close(testlog_create());
    CHECK_OK(os_rename(test_path("edb.log"), test_path("edbtmp.log")));
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.high == 0 && range.current == 1);
    check_goes_on(0);
}

static void crash_in_roll__a_temporary_log_without_a_header_does_not_count(void) {
    testlog_rolled();
    CHECK_OK(os_remove(test_path("edb.log")));
    uint8_t *zeros = calloc(1, LOG_FILE_BYTES_MIN);
    testlog_store(test_path("edbtmp.log"), zeros, LOG_FILE_BYTES_MIN);
    free(zeros);
    check_goes_on(3); /* only archives: the next generation is started */
}

static void crash_in_roll__a_temporary_log_of_another_generation_does_not_count(void) {
    testlog_rolled();
    CHECK_OK(os_remove(test_path("edb.log")));
    testlog_copy(test_path("edb00001.log"), test_path("edbtmp.log"));
    struct log_range range;
    struct log_dir dir = testlog_dir();
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.high == 1 && range.current == 0);
    check_goes_on(3);
}

static void log_continue__closes_a_last_archive_that_is_open(void) {
    testlog_rolled();
    CHECK_OK(os_remove(test_path("edb.log")));
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb00001.log"), &bytes);
    memset(data + LOG_SECTOR + 3 * 120, 0, 16);
    testlog_store(test_path("edb00001.log"), data, bytes);
    free(data);
    check_goes_on(3);
    struct log_file_check *check = malloc(sizeof *check);
    CHECK_OK(log_file_verify(test_path("edb00001.log"), true, check));
    CU_ASSERT_EQUAL(check->frames, 3);
    free(check);
}

static void log_continue__closes_an_archive_across_two_blocks(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, LOG_SECTOR - LOG_FRAME_HEADER - 8); /* LOG_END goes to the last 8 bytes of a block and on */
    CU_ASSERT_EQUAL(lgpos_offset(log_tip(log)), 2 * LOG_SECTOR - 8);
    log_close(log);
    CHECK_OK(os_rename(test_path("edb.log"), test_path("edb00001.log")));
    check_goes_on(1);
}

/* ---- a record that a crash left incomplete ---- */

/* Record 1 begins in generation 1 and ends in 3. */
static void crossing(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, 100);
    testlog_append(log, 1, 2 * LOG_FILE_BYTES_MIN);
    CU_ASSERT_EQUAL(log_current_gen(log), 3);
    log_close(log);
}

static void erase_frames(const char *name) {
    size_t bytes;
    uint8_t *data = testlog_load(test_path(name), &bytes);
    memset(data + LOG_SECTOR, 0, bytes - LOG_SECTOR);
    testlog_store(test_path(name), data, bytes);
    free(data);
}

static void incomplete_record__its_last_piece_is_missing(void) {
    crossing();
    erase_frames("edb.log");
    check_goes_on(1);
}

static void incomplete_record__its_middle_piece_is_missing(void) {
    crossing();
    CHECK_OK(os_rename(test_path("edb00002.log"), test_path("edb.log")));
    erase_frames("edb.log");
    check_goes_on(1);
}

static void incomplete_record__the_current_log_is_missing(void) {
    crossing();
    CHECK_OK(os_remove(test_path("edb.log")));
    check_goes_on(1);
}

static void incomplete_record__all_but_its_log_end_is_there(void) {
    crossing();
    CHECK_OK(os_rename(test_path("edb00002.log"), test_path("edb.log")));
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb.log"), &bytes);
    memset(data + bytes - 16, 0, 16);
    testlog_store(test_path("edb.log"), data, bytes);
    free(data);
    check_goes_on(1);
}

static void incomplete_record__a_second_crash_changes_nothing(void) {
    uint32_t id;
    crossing();
    erase_frames("edb.log");
    for (int i = 0; i < 3; i++) {
        log_abandon(testlog_continue(1, 0, &id));
        CU_ASSERT_EQUAL(id, 1);
    }
    struct log *log = testlog_continue(1, 0, &id);
    CHECK_OK(log_roll(log, NULL)); /* a generation with nothing but LOG_END between the pieces and what follows */
    log_close(log);
    check_goes_on(1);
}

/* A generation in between that holds no piece, by damage or by malice: joining what is left would be a wrong record. */
static void incomplete_record__pieces_are_not_joined_over_a_gap(void) {
    uint32_t next_id;
    size_t bytes;
    crossing();
    struct log_header *header = malloc(sizeof *header);
    uint8_t *data = testlog_load(test_path("edb00002.log"), &bytes);
    CHECK_OK(log_header_read(test_path("edb00002.log"), header));
    memset(data + LOG_SECTOR, 0, bytes - LOG_SECTOR);
    log_frame_seal(data, LOG_SECTOR, log_frame_seed(&header->signature, 2), 0, LOG_SECTOR, LOG_END, 3);
    testlog_store(test_path("edb00002.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    CU_ASSERT_EQUAL(next_id, 1);
    free(header);
    free(data);
}

static void log_continue__keeps_the_end_of_a_record_that_began_before_reading(void) {
    uint32_t id;
    crossing();
    struct log *log = testlog_continue(3, 2, &id);
    CU_ASSERT_EQUAL(id, 2);
    log_close(log);
    check_goes_on(2);
}

/* As after a restore: the last generation was read from a backup set. */
static void log_continue__starts_a_generation_after_a_set_that_is_elsewhere(void) {
    struct log_config config = testlog_config();
    struct log_header *last = malloc(sizeof *last);
    struct log *log = NULL;
    lgpos_t end;
    uint32_t id;
    testlog_rolled();
    CHECK_OK(os_remove(test_path("edb.log")));
    CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &id, &end, last), JET_errNoCurrentRecord);
    CHECK_OK(os_make_dir(test_path("set")));
    CHECK_OK(os_rename(test_path("edb00001.log"), test_path("set/edb00001.log")));
    CHECK_OK(log_continue(&config, last, end, &log));
    CU_ASSERT_EQUAL(log_current_gen(log), 2);
    testlog_append(log, id, 100);
    log_close(log);
    CHECK_OK(os_rename(test_path("set/edb00001.log"), test_path("edb00001.log")));
    CHECK_ERR(testlog_read_all(&id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(id, 4);
    free(last);
}

TEST_MAIN(TEST(log_continue__starts_a_generation_after_a_set_that_is_elsewhere),
          TEST(log_continue__goes_on_where_the_last_record_ended),
          TEST(log_continue__goes_on_in_a_generation_without_records), TEST(log_continue__no_stale_frame_comes_back),
          TEST(log_continue__syncs_what_it_goes_on_behind), TEST(log_continue__refuses_what_does_not_follow),
          TEST(crash_in_roll__before_the_first_rename), TEST(crash_in_roll__between_the_renames),
          TEST(crash_in_roll__after_the_second_rename), TEST(crash_in_roll__of_the_very_first_generation),
          TEST(crash_in_roll__a_temporary_log_without_a_header_does_not_count),
          TEST(crash_in_roll__a_temporary_log_of_another_generation_does_not_count),
          TEST(log_continue__closes_a_last_archive_that_is_open),
          TEST(log_continue__closes_an_archive_across_two_blocks), TEST(incomplete_record__its_last_piece_is_missing),
          TEST(incomplete_record__its_middle_piece_is_missing), TEST(incomplete_record__the_current_log_is_missing),
          TEST(incomplete_record__all_but_its_log_end_is_there),
          TEST(incomplete_record__a_second_crash_changes_nothing),
          TEST(incomplete_record__pieces_are_not_joined_over_a_gap),
          TEST(log_continue__keeps_the_end_of_a_record_that_began_before_reading))
