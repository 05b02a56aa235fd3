/* The reader: where it begins and ends, torn tails, damage, foreign files, backup sets; and one file verified alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/le.h"
#include "base/os.h"
#include "log/format.h"
#include "log/log.h"
#include "tests/lib/test.h"
#include "tests/lib/testlog.h"

static JET_ERR read_from(lgpos_t from, uint32_t first_id, uint32_t *next_id) {
    return testlog_read(from, first_id, next_id, NULL, NULL);
}

/* Seals a changed header again, so that only its contents are wrong. */
static void store_header(const char *path, uint8_t *data, size_t bytes) {
    store32(data, sum_header(data, LOG_SECTOR));
    testlog_store(path, data, bytes);
}

/* ---- positions, names ---- */

static void lgpos__converts_to_jet_and_back(void) {
    JET_LGPOS jet = lgpos_to_jet(lgpos_make(0x1234, 3 * 4096 + 17));
    CU_ASSERT(jet.lGeneration == 0x1234 && jet.isec == 3 && jet.ib == 17);
    CU_ASSERT_EQUAL(lgpos_from_jet(&jet), lgpos_make(0x1234, 3 * 4096 + 17));
    jet.ib = 60000;
    CU_ASSERT_EQUAL(lgpos_from_jet(&jet), lgpos_make(0x1234, 3 * 4096 + 4095));
    CU_ASSERT(lgpos_make(2, 0) > lgpos_make(1, UINT32_MAX));
}

static void log_names__are_those_of_ese(void) {
    struct log_dir dir = {.path = "/logs", .base = "edb"};
    char path[OS_PATH_MAX];
    CHECK_OK(log_path_archive(&dir, 10, path));
    CU_ASSERT_STRING_EQUAL(path, "/logs/edb0000A.log");
    CHECK_OK(log_path_archive(&dir, 0xFFFFF, path));
    CU_ASSERT_STRING_EQUAL(path, "/logs/edbFFFFF.log");
    CHECK_OK(log_path_archive(&dir, 0x100000, path));
    CU_ASSERT_STRING_EQUAL(path, "/logs/edb00100000.log");
    CHECK_OK(log_path_current(&dir, path));
    CU_ASSERT_STRING_EQUAL(path, "/logs/edb.log");

    CU_ASSERT_EQUAL(log_name_gen("edb", "EDB0000A.LOG"), 10);
    CU_ASSERT_EQUAL(log_name_gen("edb", "edb0010000b.log"), 0x10000b);
    static const char *const others[] = {"",
                                         "edb.log",
                                         "edbtmp.log",
                                         "edb0000.log",
                                         "edb000001.log",
                                         "edb0000g.log",
                                         "edb00000.log",
                                         "edx0000A.log",
                                         "edb0000A.chk",
                                         "edb7FFFFFFF.log",
                                         "edbFFFFFFFF.log",
                                         "edb0000A.log.old"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CU_ASSERT_EQUAL(log_name_gen("edb", others[i]), 0);
}

static void log_dir_scan__finds_the_range(void) {
    struct log_dir dir = testlog_dir();
    struct log_range range;
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.low == 0 && range.high == 0 && range.current == 0);
    testlog_five_generations();
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.low == 1 && range.high == 4 && range.current == 5);
    testlog_store(test_path("edb.log"), "junk", 4);
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.low == 1 && range.high == 4 && range.current == 0);
    snprintf(dir.path, sizeof dir.path, "%s/none", test_dir());
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.low == 0 && range.current == 0);
}

/* ---- where reading begins ---- */

static void log_reader__begins_at_any_record(void) {
    struct log *log = testlog_create();
    lgpos_t begins[40];
    for (uint32_t id = 0; id < 40; id++)
        begins[id] = testlog_append(log, id, 8 + test_random_below(20000));
    lgpos_t tip = log_tip(log);
    log_close(log);
    uint32_t next_id;
    for (uint32_t id = 0; id < 40; id++) {
        CHECK_ERR(read_from(begins[id], id, &next_id), JET_errNoCurrentRecord);
        CU_ASSERT_EQUAL(next_id, 40);
    }
    CHECK_ERR(read_from(tip, 40, &next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, 40);
}

static void log_reader__begins_where_a_generation_was_closed(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, 100);
    lgpos_t tip = log_tip(log);
    CHECK_OK(log_roll(log, NULL));
    testlog_append(log, 1, 100);
    log_close(log);
    uint32_t next_id;
    CHECK_ERR(read_from(tip, 1, &next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, 2);
}

static void log_reader__refuses_a_begin_that_is_no_record(void) {
    uint32_t next_id;
    testlog_five_generations();
    CHECK_ERR(read_from(lgpos_make(1, 8), 0, &next_id), JET_errLogFileCorrupt);
    CHECK_ERR(read_from(lgpos_make(1, 4097), 0, &next_id), JET_errLogFileCorrupt);
    CHECK_ERR(read_from(lgpos_make(1, 4104), 0, &next_id), JET_errLogFileCorrupt);
    CHECK_ERR(read_from(lgpos_make(1, 0xFFFFFFF8), 0, &next_id), JET_errLogFileCorrupt);
    CHECK_ERR(read_from(lgpos_make(2, 4096), 0, &next_id), JET_errLogFileCorrupt); /* the rest of a record */
    CHECK_ERR(read_from(lgpos_make(9, 0), 0, &next_id), JET_errMissingLogFile);
}

/* ---- torn and damaged ---- */

static void log_reader__a_last_frame_torn_at_any_byte_ends_the_log(void) {
    size_t bytes;
    uint8_t *data = testlog_one_generation(5, 200, FLUSH_EACH, &bytes);
    uint8_t *torn = malloc(bytes);
    uint32_t begin = LOG_SECTOR + 4 * 216, next_id;
    for (uint32_t cut = begin; cut < begin + 216; cut++) {
        memcpy(torn, data, bytes);
        memset(torn + cut, 0, begin + 216 - cut);
        testlog_store(test_path("edb.log"), torn, bytes);
        lgpos_t end;
        CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &next_id, &end, NULL), JET_errNoCurrentRecord);
        CU_ASSERT_EQUAL(next_id, 4);
        CU_ASSERT_EQUAL(end, lgpos_make(1, begin));
    }
    free(torn);
    free(data);
}

/* Whatever one flipped bit does: the records before it, and never a wrong one (testlog_read checks each). */
static void flip_everywhere(enum testlog_flushing flushing) {
    size_t bytes;
    uint8_t *data = testlog_one_generation(12, 60, flushing, &bytes);
    uint32_t frames_end = LOG_SECTOR + 12 * 80, next_id;
    for (uint32_t offset = 0; offset < frames_end + 64; offset++) {
        uint8_t saved = data[offset];
        data[offset] ^= (uint8_t)(1u << test_random_below(8));
        testlog_store(test_path("edb.log"), data, bytes);
        data[offset] = saved;
        JET_ERR err = testlog_read_all(&next_id);
        if (offset < LOG_SECTOR) {
            CU_ASSERT(err == JET_errLogFileCorrupt && next_id == 0);
        } else if (offset >= frames_end || (offset - LOG_SECTOR) % 80 >= 76) { /* nothing there, or padding */
            CU_ASSERT(err == JET_errNoCurrentRecord && next_id == 12);
        } else {
            uint32_t damaged = (offset - LOG_SECTOR) / 80;
            CU_ASSERT_EQUAL(next_id, damaged);
            CU_ASSERT_EQUAL(err, damaged < 11 ? JET_errLogFileCorrupt : JET_errNoCurrentRecord);
        }
    }
    free(data);
}

static void log_reader__damage_before_an_acknowledged_record_is_corruption(void) {
    flip_everywhere(FLUSH_EACH);
}
static void log_reader__damage_before_a_record_written_with_it_is_corruption(void) {
    flip_everywhere(FLUSH_TOGETHER);
}

/* Any sector of what was written at once may be missing. */
static void log_reader__a_torn_write_ends_the_log_where_it_was_torn(void) {
    size_t bytes;
    uint8_t *data = testlog_one_generation(40, 200, FLUSH_TOGETHER, &bytes), *torn = malloc(bytes);
    for (uint32_t sector = LOG_SECTOR; sector < LOG_SECTOR + 40 * 216; sector += 512) {
        uint32_t next_id;
        memcpy(torn, data, bytes);
        memset(torn + sector, 0, 512);
        testlog_store(test_path("edb.log"), torn, bytes);
        CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
        CU_ASSERT_EQUAL(next_id, (sector - LOG_SECTOR) / 216);
    }
    free(torn);
    free(data);
}

static void log_reader__damage_in_a_closed_generation_is_corruption(void) {
    uint32_t next_id;
    size_t bytes;
    testlog_five_generations();
    uint8_t *data = testlog_load(test_path("edb00002.log"), &bytes);
    /* its header, the rest of a record, a record, the LOG_END */
    const uint32_t offsets[] = {100, LOG_SECTOR + 40, LOG_FILE_BYTES_MIN - 16};
    const uint32_t ids[] = {3, 3, 7};
    for (int i = 0; i < 3; i++) {
        data[offsets[i]] ^= 4;
        testlog_store(test_path("edb00002.log"), data, bytes);
        data[offsets[i]] ^= 4;
        CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
        CU_ASSERT_EQUAL(next_id, ids[i]);
    }
    free(data);
}

static void log_reader__random_damage_gives_a_prefix_or_an_error(void) {
    static const char *const names[] = {"edb00001.log", "edb00003.log", "edb.log"};
    testlog_five_generations();
    for (int round = 0; round < 150; round++) {
        const char *path = test_path(names[test_random_below(3)]);
        size_t bytes;
        uint8_t *data = testlog_load(path, &bytes), *damaged = malloc(bytes);
        memcpy(damaged, data, bytes);
        uint32_t start = test_random_below(2) ? LOG_SECTOR : 0;
        for (uint64_t n = 1 + test_random_below(4); n > 0; n--) {
            size_t at = start + test_random_below(bytes - start), run = 1 + test_random_below(64);
            for (size_t i = at; i < at + run && i < bytes; i++)
                damaged[i] = (uint8_t)test_random();
        }
        if (start == 0)
            store_header(path, damaged, bytes);
        else
            testlog_store(path, damaged, bytes);
        uint32_t next_id;
        JET_ERR err = testlog_read_all(&next_id);
        CU_ASSERT(err < JET_errSuccess && next_id <= TESTLOG_IDS);
        CU_ASSERT(err != JET_errNoCurrentRecord || next_id == TESTLOG_IDS || strstr(path, "edb.log"));
        testlog_store(path, data, bytes);
        free(data);
        free(damaged);
    }
    uint32_t next_id;
    CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, TESTLOG_IDS);
}

/* Valid checksums, impossible contents: frames that overlap or claim too much (P14). */
static void log_reader__sealed_nonsense_is_corruption(void) {
    static const struct {
        uint8_t type, flags;
        JET_ERR expected;
    } wrong[] = {
        {5, 0, JET_errLogFileCorrupt}, /* a later piece without a first */
        {5, LOG_FRAME_LAST, JET_errLogFileCorrupt},
        {0, 3, JET_errNoCurrentRecord}, /* no type */
        {200, 3, JET_errNoCurrentRecord},
        {5, 0x83, JET_errNoCurrentRecord},    /* unknown flag */
        {LOG_END, 3, JET_errNoCurrentRecord}, /* with a payload */
    };
    size_t bytes;
    uint8_t *data = testlog_one_generation(1, 60, FLUSH_EACH, &bytes);
    struct log_header *header = malloc(sizeof *header);
    struct log_record record;
    CHECK_OK(log_header_read(test_path("edb.log"), header));
    uint32_t seed = log_frame_seed(&header->signature, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        log_frame_seal(data, LOG_SECTOR + 80, seed, 40, LOG_SECTOR, wrong[i].type, wrong[i].flags);
        testlog_store(test_path("edb.log"), data, bytes);
        struct log_reader_config config = {.dirs = {testlog_dir()}, .from = lgpos_make(1, 0)};
        struct log_reader *reader = NULL;
        CHECK_OK(log_reader_open(&config, &reader));
        CHECK_OK(log_reader_next(reader, &record));
        JET_ERR err = log_reader_next(reader, &record);
        log_reader_close(reader);
        CU_ASSERT_EQUAL(err, wrong[i].expected);
    }
    free(header);
    free(data);
}

static void log_reader__a_piece_without_log_end_behind_it_is_corruption(void) {
    size_t bytes;
    uint32_t next_id;
    uint8_t *data = testlog_one_generation(2, 60, FLUSH_EACH, &bytes);
    struct log_header *header = malloc(sizeof *header);
    CHECK_OK(log_header_read(test_path("edb.log"), header));
    uint32_t seed = log_frame_seed(&header->signature, 1);
    log_frame_seal(data, LOG_SECTOR, seed, 60, LOG_SECTOR, LOG_FIRST_USER, LOG_FRAME_FIRST);
    testlog_store(test_path("edb.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    free(header);
    free(data);
}

/* Position, generation and stream are in the CRC. */
static void log_reader__a_frame_counts_only_where_it_was_written(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, 60);
    testlog_append(log, 1, 60);
    CHECK_OK(log_roll(log, NULL));
    testlog_append(log, 2, 60);
    testlog_append(log, 3, 60);
    log_close(log);
    size_t bytes;
    uint32_t next_id;
    uint8_t *old = testlog_load(test_path("edb00001.log"), &bytes), *data = testlog_load(test_path("edb.log"), &bytes);
    memcpy(data + LOG_SECTOR + 160, data + LOG_SECTOR, 80); /* from elsewhere in the file */
    testlog_store(test_path("edb.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, 4);
    memcpy(data + LOG_SECTOR + 80, old + LOG_SECTOR + 80, 80); /* from the same place in another generation */
    testlog_store(test_path("edb.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, 3);
    free(old);
    free(data);
}

/* Every 8 bytes something that looks like a frame up to the end of the file: the search behind a torn frame must end
 * anyway. */
static void log_reader__overlapping_candidates_do_not_take_forever(void) {
    struct log *log = NULL;
    struct log_config config = testlog_config();
    config.file_bytes = 4 * 1024 * 1024;
    CHECK_OK(log_create(&config, &log));
    log_close(log);
    size_t bytes;
    uint32_t next_id;
    uint8_t *data = testlog_load(test_path("edb.log"), &bytes);
    for (uint32_t offset = LOG_SECTOR + 8; offset + 32 <= bytes; offset += 16) {
        store32(data + offset + 4, (uint32_t)(bytes - 32 - offset));
        store32(data + offset + 8, offset - 8);
        store32(data + offset + 12, LOG_FRAME_MAGIC << 16 | 3 << 8 | 5);
    }
    testlog_store(test_path("edb.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    free(data);
}

/* ---- foreign, missing, reordered ---- */

static void log_reader__a_gap_is_named(void) {
    uint32_t next_id;
    testlog_five_generations();
    CHECK_OK(os_rename(test_path("edb00003.log"), test_path("elsewhere")));
    CHECK_ERR(testlog_read_all(&next_id), JET_errMissingLogFile);
    CU_ASSERT_EQUAL(next_id, 7);
    CHECK_OK(os_rename(test_path("elsewhere"), test_path("edb00003.log")));
    CHECK_OK(os_remove(test_path("edb00004.log"))); /* only edb.log is behind it */
    CHECK_ERR(testlog_read_all(&next_id), JET_errMissingLogFile);
    CHECK_ERR(read_from(lgpos_make(4, 0), 16, &next_id), JET_errMissingLogFile);
}

static void log_reader__a_file_under_another_number_is_named(void) {
    uint32_t next_id;
    testlog_five_generations();
    CHECK_OK(os_rename(test_path("edb00002.log"), test_path("x")));
    CHECK_OK(os_rename(test_path("edb00003.log"), test_path("edb00002.log")));
    CHECK_OK(os_rename(test_path("x"), test_path("edb00003.log")));
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogGenerationMismatch);
    CU_ASSERT_EQUAL(next_id, 3);
}

static void log_reader__a_file_of_another_stream_is_named(void) {
    uint32_t next_id;
    testlog_five_generations();
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb00002.log"), &bytes);
    uint8_t *other = malloc(bytes);
    memcpy(other, data, bytes);
    other[offsetof(struct disk_log_header, signature)] ^= 1;
    store_header(test_path("edb00002.log"), other, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errBadLogSignature);

    memcpy(other, data, bytes); /* the same stream, but it went another way since: its predecessor is another */
    other[offsetof(struct disk_log_header, previous)] ^= 1;
    store_header(test_path("edb00002.log"), other, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errInvalidLogSequence);

    memcpy(other, data, bytes);
    store32(other + offsetof(struct disk_log_header, major), 8); /* ESE's own */
    store_header(test_path("edb00002.log"), other, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errBadLogVersion);

    testlog_store(test_path("edb00002.log"), data, bytes);
    JET_SIGNATURE expected = {.ulRandom = 4711};
    struct log_reader_config config = {.dirs = {testlog_dir()}, .from = lgpos_make(1, 0), .signature = &expected};
    struct log_reader *reader = NULL;
    CHECK_ERR(log_reader_open(&config, &reader), JET_errBadLogSignature);
    free(data);
    free(other);
}

static void log_reader__a_file_of_the_wrong_size_is_named(void) {
    uint32_t next_id;
    testlog_five_generations();
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb00002.log"), &bytes);
    testlog_store(test_path("edb00002.log"), data, bytes - LOG_SECTOR);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileSizeMismatch);
    testlog_store(test_path("edb00002.log"), data, bytes + 1);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileSizeMismatch);
    testlog_store(test_path("edb00002.log"), data, 100);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    free(data);
}

/* It had a valid header before it had its name. */
static void log_reader__an_unreadable_current_log_is_corruption(void) {
    uint32_t next_id;
    testlog_five_generations();
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb.log"), &bytes);
    data[5] ^= 1;
    testlog_store(test_path("edb.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    CU_ASSERT_EQUAL(next_id, 15);
    data = (free(data), testlog_load(test_path("edb00004.log"), &bytes));
    memset(data + LOG_SECTOR, 0, 64); /* nor is the archive before it the torn end of anything */
    testlog_store(test_path("edb00004.log"), data, bytes);
    CHECK_ERR(testlog_read_all(&next_id), JET_errLogFileCorrupt);
    free(data);
}

static void log_header__checks_ranges_and_reserved_bytes(void) {
    static const struct {
        size_t offset;
        uint8_t value;
    } wrong[] = {
        {7, 0x80}, {8, 1},          {10, 2},   {13, 0xFF}, {12, 1},     {14, 1},     {15, 0},
        {40, 1},   {73, 0xFF},      {74, 1},   {200, 1},   {639, 0x80}, {641, 0x20}, {650, 1},
        {669, 1},  {671 + 2000, 1}, {2719, 1}, {4095, 1},  {667, 4},
    };
    size_t bytes;
    uint8_t *data = testlog_one_generation(1, 60, FLUSH_EACH, &bytes);
    struct log_header *header = malloc(sizeof *header);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t *copy = malloc(bytes);
        memcpy(copy, data, bytes);
        copy[wrong[i].offset] = wrong[i].value;
        if (wrong[i].offset == 12)
            copy[13] = 0;
        store_header(test_path("edb.log"), copy, bytes);
        CHECK_ERR(log_header_read(test_path("edb.log"), header), JET_errLogFileCorrupt);
        free(copy);
    }
    CHECK_ERR(log_header_read(test_path("none"), header), JET_errFileNotFound);
    free(header);
    free(data);
}

/* ---- spelled otherwise, and in two directories ---- */

static void log_reader__finds_archives_in_any_spelling(void) {
    uint32_t next_id;
    testlog_five_generations();
    CHECK_OK(os_rename(test_path("edb00002.log"), test_path("EDB00002.LOG")));
    CHECK_OK(os_rename(test_path("edb00003.log"), test_path("edb00000003.log")));
    CHECK_ERR(testlog_read_all(&next_id), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, TESTLOG_IDS);
}

static void move_to_set(const char *name) {
    char to[64];
    snprintf(to, sizeof to, "set/%s", name);
    CHECK_OK(os_rename(test_path(name), test_path(to)));
}

static JET_ERR read_set(lggen_t high, uint32_t *count, struct log_header *last) {
    struct log_reader_config config = {
        .dirs = {testlog_dir(), testlog_dir()}, .dirs0_high = high, .from = lgpos_make(1, 0)};
    struct log_reader *reader = NULL;
    struct log_record record;
    *count = 0;
    strcat(config.dirs[0].path, "/set");
    JET_ERR err = log_reader_open(&config, &reader);
    while (err >= JET_errSuccess && (err = log_reader_next(reader, &record)) >= JET_errSuccess)
        CU_ASSERT_EQUAL(testlog_id(&record), (*count)++);
    if (reader && last)
        *last = *log_reader_header(reader);
    log_reader_close(reader);
    return err;
}

static void log_reader__goes_from_a_backup_set_to_the_logs_of_the_instance(void) {
    uint32_t count;
    size_t bytes;
    testlog_five_generations();
    CHECK_OK(os_make_dir(test_path("set")));
    move_to_set("edb00001.log");
    move_to_set("edb00002.log");
    CHECK_ERR(read_set(2, &count, NULL), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(count, TESTLOG_IDS);

    testlog_copy(test_path("edb00003.log"), test_path("set/edb00003.log"));
    CHECK_ERR(read_set(4, &count, NULL), JET_errMissingLogFile); /* 4 must be in the set */
    CU_ASSERT_EQUAL(count, 11);

    uint8_t *data = testlog_load(test_path("set/edb00003.log"), &bytes);
    data[LOG_SECTOR + 4] ^= 1;
    testlog_store(test_path("set/edb00003.log"), data, bytes);
    CHECK_ERR(read_set(3, &count, NULL), JET_errLogCorruptDuringHardRestore);
    CU_ASSERT_EQUAL(count, 7);
    data[9] ^= 1;
    testlog_store(test_path("set/edb00003.log"), data, bytes);
    CHECK_ERR(read_set(3, &count, NULL), JET_errLogCorruptDuringHardRestore);
    free(data);
}

static void log_reader__a_set_ends_with_a_closed_generation(void) {
    uint32_t count;
    testlog_five_generations();
    CHECK_OK(os_make_dir(test_path("set")));
    CHECK_OK(os_rename(test_path("edb.log"), test_path("set/edb00005.log"))); /* it is open: no LOG_END */
    for (lggen_t gen = 1; gen <= 4; gen++) {
        char name[32];
        snprintf(name, sizeof name, "edb%05X.log", gen);
        move_to_set(name);
    }
    CHECK_ERR(read_set(5, &count, NULL), JET_errLogCorruptDuringHardRestore);
    CU_ASSERT_EQUAL(count, TESTLOG_IDS);
}

/* ---- one file alone ---- */

static void log_file_verify__accepts_every_file_of_a_log(void) {
    struct log_file_check *check = malloc(sizeof *check);
    uint64_t frames = 0;
    testlog_five_generations();
    for (lggen_t gen = 1; gen <= TESTLOG_GENS; gen++) {
        char name[32];
        snprintf(name, sizeof name, gen < TESTLOG_GENS ? "edb%05X.log" : "edb.log", gen);
        CHECK_OK(log_file_verify(test_path(name), gen < TESTLOG_GENS, check));
        CU_ASSERT_EQUAL(check->header.gen, gen);
        CU_ASSERT_EQUAL(check->ended, gen < TESTLOG_GENS);
        frames += check->frames;
    }
    CU_ASSERT_EQUAL(frames, TESTLOG_IDS + TESTLOG_GENS - 1);
    CHECK_ERR(log_file_verify(test_path("edb.log"), true, check), JET_errLogFileCorrupt);
    CU_ASSERT_EQUAL(check->bad_offset, check->bytes_used);
    CHECK_ERR(log_file_verify(test_path("none"), true, check), JET_errFileNotFound);
    free(check);
}

static void log_file_verify__notices_a_flipped_bit_in_any_frame(void) { /* P11 */
    struct log_file_check *check = malloc(sizeof *check);
    size_t bytes;
    testlog_rolled();
    uint8_t *data = testlog_load(test_path("edb00001.log"), &bytes);
    for (uint32_t offset = 0; offset < LOG_SECTOR + 3 * 120 + 16; offset++) {
        if (offset >= LOG_SECTOR && (offset - LOG_SECTOR) % 120 >= 116 && offset < LOG_SECTOR + 3 * 120)
            continue; /* padding */
        data[offset] ^= 0x20;
        testlog_store(test_path("edb00001.log"), data, bytes);
        data[offset] ^= 0x20;
        CHECK_ERR(log_file_verify(test_path("edb00001.log"), true, check), JET_errLogFileCorrupt);
        if (offset >= LOG_SECTOR)
            CU_ASSERT_EQUAL(check->bad_offset, LOG_SECTOR + (offset - LOG_SECTOR) / 120 * 120);
    }
    free(data);
    free(check);
}

TEST_MAIN(TEST(lgpos__converts_to_jet_and_back), TEST(log_names__are_those_of_ese), TEST(log_dir_scan__finds_the_range),
          TEST(log_reader__begins_at_any_record), TEST(log_reader__begins_where_a_generation_was_closed),
          TEST(log_reader__refuses_a_begin_that_is_no_record),
          TEST(log_reader__a_last_frame_torn_at_any_byte_ends_the_log),
          TEST(log_reader__damage_before_an_acknowledged_record_is_corruption),
          TEST(log_reader__damage_before_a_record_written_with_it_is_corruption),
          TEST(log_reader__a_torn_write_ends_the_log_where_it_was_torn),
          TEST(log_reader__damage_in_a_closed_generation_is_corruption),
          TEST(log_reader__random_damage_gives_a_prefix_or_an_error), TEST(log_reader__sealed_nonsense_is_corruption),
          TEST(log_reader__a_piece_without_log_end_behind_it_is_corruption),
          TEST(log_reader__a_frame_counts_only_where_it_was_written),
          TEST(log_reader__overlapping_candidates_do_not_take_forever), TEST(log_reader__a_gap_is_named),
          TEST(log_reader__a_file_under_another_number_is_named), TEST(log_reader__a_file_of_another_stream_is_named),
          TEST(log_reader__a_file_of_the_wrong_size_is_named),
          TEST(log_reader__an_unreadable_current_log_is_corruption), TEST(log_header__checks_ranges_and_reserved_bytes),
          TEST(log_reader__finds_archives_in_any_spelling),
          TEST(log_reader__goes_from_a_backup_set_to_the_logs_of_the_instance),
          TEST(log_reader__a_set_ends_with_a_closed_generation), TEST(log_file_verify__accepts_every_file_of_a_log),
          TEST(log_file_verify__notices_a_flipped_bit_in_any_frame))
