/* The writer: what is on disk after append, flush, roll, and after each way in which the disk can fail.
 * test-label: threads */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/os.h"
#include "base/thread.h"
#include "log/log_priv.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"
#include "tests/lib/testlog.h"

static bool exists(const char *name) {
    struct os_stat st;
    CHECK_OK(os_stat(test_path(name), &st));
    return st.kind == OS_FILE;
}

static uint32_t read_all(lggen_t low, uint32_t first_id) {
    uint32_t next_id;
    CHECK_ERR(testlog_read(lgpos_make(low, 0), first_id, &next_id, NULL, NULL), JET_errNoCurrentRecord);
    return next_id;
}

/* ---- events ---- */

struct events {
    int ids[32];
    unsigned count;
};

static void note_event(void *context, int id, enum event_severity severity, const char *text) {
    struct events *events = context;
    (void)severity, (void)text;
    if (events->count < 32)
        events->ids[events->count++] = id;
}

static unsigned count_event(const struct events *events, int id) {
    unsigned n = 0;
    for (unsigned i = 0; i < events->count; i++)
        n += events->ids[i] == id;
    return n;
}

/* ---- create ---- */

static void log_create__starts_generation_1_of_a_new_stream(void) {
    struct log *log = testlog_create();
    struct log_header *header = malloc(sizeof *header);
    CHECK_OK(log_header_read(test_path("edb.log"), header));
    CU_ASSERT_EQUAL(header->gen, 1);
    CU_ASSERT_EQUAL(header->file_bytes, LOG_FILE_BYTES_MIN);
    CU_ASSERT_EQUAL(header->page_size, 4096);
    CU_ASSERT_EQUAL(clock_logtime_ms(&header->previous_created), 0);
    JET_LOGTIME created = log_created(log);
    CU_ASSERT_EQUAL(memcmp(&header->created, &created, sizeof created), 0);
    JET_SIGNATURE signature = log_signature(log);
    CU_ASSERT_EQUAL(memcmp(&header->signature, &signature, sizeof signature), 0);
    CU_ASSERT_EQUAL(log_tip(log), lgpos_make(1, LOG_SECTOR));
    CU_ASSERT_EQUAL(log_durable(log), log_tip(log));
    CU_ASSERT_EQUAL(log_current_gen(log), 1);
    CU_ASSERT_EQUAL(log_lowest_gen(log), 1);
    CU_ASSERT(exists("edbres00001.jrs") && exists("edbres00002.jrs"));
    log_close(log);
    free(header);
}

static void log_create__refuses_a_directory_that_holds_a_log(void) {
    struct log_config config = testlog_config();
    struct log *log = testlog_create(), *other = NULL;
    CHECK_OK(log_roll(log, NULL));
    log_close(log);
    CHECK_ERR(log_create(&config, &other), JET_errFileAlreadyExists);
    CHECK_OK(os_remove(test_path("edb.log")));
    CHECK_ERR(log_create(&config, &other), JET_errFileAlreadyExists);
    CHECK_OK(os_remove(test_path("edb00001.log")));
    CHECK_OK(log_create(&config, &other));
    log_close(other);
    testlog_store(test_path("edb.log"), "not a log", 9);
    CHECK_ERR(log_create(&config, &other), JET_errLogFileCorrupt);
}

static void log_create__refuses_a_senseless_configuration(void) {
    struct log *log = NULL;
    struct log_config config = testlog_config();
    config.file_bytes = LOG_FILE_BYTES_MIN + 512;
    CHECK_ERR(log_create(&config, &log), JET_errInvalidParameter);
    config.file_bytes = LOG_FILE_BYTES_MAX + LOG_SECTOR;
    CHECK_ERR(log_create(&config, &log), JET_errInvalidParameter);
    config = testlog_config();
    config.page_size = 5000;
    CHECK_ERR(log_create(&config, &log), JET_errInvalidParameter);
    config = testlog_config();
    strcpy(config.dir.base, "ed");
    CHECK_ERR(log_create(&config, &log), JET_errInvalidParameter);
}

/* ---- append, flush ---- */

static void log_append__records_of_all_sizes_come_back_in_order(void) {
    struct log *log = testlog_create();
    uint32_t id = 0;
    for (; id < 500; id++)
        testlog_append(log, id, 8 + test_random_below(id % 50 == 0 ? 200000 : 900));
    CU_ASSERT(log_current_gen(log) > 3);
    log_close(log);
    CU_ASSERT_EQUAL(read_all(1, 0), id);
}

static void log_append__fills_a_generation_to_any_last_byte(void) {
    struct log *log = testlog_create();
    uint32_t id = 0;
    for (uint32_t left = 8; left <= 80; left++) {
        lgpos_t tip = log_tip(log);
        uint32_t room = LOG_FILE_BYTES_MIN - lgpos_offset(tip);
        testlog_append(log, id++, room - 32 - left);
        testlog_append(log, id++, 8 + left % 7);
        CHECK_OK(log_roll(log, NULL));
    }
    log_close(log);
    CU_ASSERT_EQUAL(read_all(1, 0), id);
}

static void log_append__takes_a_record_without_bytes(void) {
    struct log *log = testlog_create();
    lgpos_t begin, end;
    CHECK_OK(log_append(log, LOG_LAST_USER, NULL, 0, &begin, &end));
    CU_ASSERT_EQUAL(begin, lgpos_make(1, LOG_SECTOR));
    CU_ASSERT_EQUAL(end, lgpos_make(1, LOG_SECTOR + 16));
    log_close(log);

    struct log_reader_config config = {.dirs = {testlog_dir()}, .from = begin};
    struct log_reader *reader = NULL;
    struct log_record record;
    CHECK_OK(log_reader_open(&config, &reader));
    CHECK_OK(log_reader_next(reader, &record));
    CU_ASSERT_EQUAL(record.type, LOG_LAST_USER);
    CU_ASSERT_EQUAL(record.bytes, 0);
    CU_ASSERT_EQUAL(record.end, end);
    CHECK_ERR(log_reader_next(reader, &record), JET_errNoCurrentRecord);
    CHECK_ERR(log_reader_next(reader, &record), JET_errNoCurrentRecord);
    log_reader_close(reader);
}

static void log_append__takes_a_record_larger_than_several_generations(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, 100);
    lgpos_t begin = testlog_append(log, 1, 5 * LOG_FILE_BYTES_MIN);
    testlog_append(log, 2, 100);
    CU_ASSERT_EQUAL(lgpos_gen(begin), 1);
    CU_ASSERT_EQUAL(log_current_gen(log), 6);
    log_close(log);
    CU_ASSERT_EQUAL(read_all(1, 0), 3);
    uint32_t next_id;
    CHECK_ERR(testlog_read(begin, 1, &next_id, NULL, NULL), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(next_id, 3);
    for (lggen_t gen = 2; gen <= 6; gen++) { /* its later pieces are nobody's there */
        CHECK_ERR(testlog_read(lgpos_make(gen, 0), 2, &next_id, NULL, NULL), JET_errNoCurrentRecord);
        CU_ASSERT_EQUAL(next_id, 3);
    }
}

static void log_flush__alone_is_one_write_and_one_sync(void) {
    fault_install();
    struct log *log = testlog_create();
    unsigned writes = fault_calls(FAULT_WRITE, NULL), syncs = fault_calls(FAULT_SYNC, NULL);
    for (uint32_t id = 0; id < 4; id++) { /* within a block, over a border, several blocks */
        testlog_append(log, id, 3000 * (id + 1));
        CHECK_OK(log_flush(log, log_tip(log)));
        CU_ASSERT_EQUAL(log_durable(log), log_tip(log));
    }
    CHECK_OK(log_flush(log, log_tip(log))); /* nothing to do */
    CHECK_OK(log_flush(log, lgpos_make(9, 0)));
    CU_ASSERT_EQUAL(fault_calls(FAULT_WRITE, "edb.log"), 4);
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edb.log"), 4);
    CU_ASSERT(fault_calls(FAULT_WRITE, NULL) >= writes + 4 && fault_calls(FAULT_SYNC, NULL) >= syncs + 4);
    lgpos_t tip = log_tip(log);
    log_abandon(log);
    fault_done();
    CU_ASSERT_EQUAL(read_all(1, 0), 4);
    size_t bytes;
    uint8_t *data = testlog_load(test_path("edb.log"), &bytes); /* behind the end nothing but zeros */
    for (size_t i = lgpos_offset(tip); i < bytes; i++)
        CU_ASSERT_FATAL(data[i] == 0);
    free(data);
}

static void log_flush__writes_more_than_the_staging_area(void) {
    struct log *log = NULL;
    struct log_config config = testlog_config();
    config.file_bytes = 1024 * 1024;
    CHECK_OK(log_create(&config, &log));
    testlog_append(log, 0, 100);
    testlog_append(log, 1, 300000);
    CHECK_OK(log_flush(log, log_tip(log)));
    testlog_append(log, 2, 100 * 1024 - 100);
    CHECK_OK(log_flush(log, log_tip(log)));
    log_abandon(log);
    CU_ASSERT_EQUAL(read_all(1, 0), 3);
}

struct flusher {
    struct log *log;
    lgpos_t upto;
    JET_ERR err;
    os_thread_t thread;
};

static void *flush_thread(void *arg) {
    struct flusher *f = arg;
    f->err = log_flush(f->log, f->upto);
    return NULL;
}

static void start_flush(struct flusher *f, struct log *log) {
    *f = (struct flusher){.log = log, .upto = log_tip(log)};
    CHECK_OK(os_thread_start(&f->thread, flush_thread, f));
}

static void log_flush__those_who_wait_share_the_next_sync(void) { /* P2 */
    fault_install();
    struct log *log = testlog_create();
    struct flusher f[9];
    fault_gate_close(FAULT_SYNC, "edb.log");
    testlog_append(log, 0, 100);
    start_flush(&f[0], log);
    fault_gate_wait();
    for (uint32_t i = 1; i < 9; i++) { /* appends go on meanwhile */
        testlog_append(log, i, 100);
        start_flush(&f[i], log);
    }
    CU_ASSERT_EQUAL(log_durable(log), lgpos_make(1, LOG_SECTOR));
    fault_gate_open();
    for (uint32_t i = 0; i < 9; i++) {
        os_thread_join(f[i].thread);
        CU_ASSERT_EQUAL(f[i].err, JET_errSuccess);
    }
    CU_ASSERT_EQUAL(log_durable(log), log_tip(log));
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edb.log"), 2);
    log_abandon(log);
    fault_done();
    CU_ASSERT_EQUAL(read_all(1, 0), 9);
}

static void log_abandon__leaves_what_was_flushed(void) {
    struct log *log = testlog_create();
    testlog_append(log, 0, 100);
    testlog_append(log, 1, 100);
    CHECK_OK(log_flush(log, log_tip(log)));
    testlog_append(log, 2, 100);
    log_abandon(log);
    CU_ASSERT_EQUAL(read_all(1, 0), 2);
    log_abandon(NULL);
    log_close(NULL);
}

/* ---- many threads ---- */

#define THREADS 8u
#define PER_THREAD 400u

struct worker {
    struct log *log;
    uint32_t number;
    os_thread_t thread;
};

static void *work(void *arg) {
    struct worker *w = arg;
    lgpos_t before = 0;
    for (uint32_t i = 0; i < PER_THREAD; i++) {
        uint32_t head[2] = {w->number, i};
        uint8_t body[700];
        memset(body, (int)(w->number * 31 + i), sizeof body);
        struct log_part parts[2] = {{head, sizeof head}, {body, (w->number * 131 + i * 17) % sizeof body}};
        lgpos_t begin, end;
        CHECK_OK(log_append(w->log, 5, parts, 2, &begin, &end));
        if (begin < before || end <= begin || log_tip(w->log) < end)
            CHECK_OK(JET_errInternalError);
        before = end;
        if (i % 8 == w->number)
            CHECK_OK(log_flush(w->log, end));
        if (i % 8 == w->number && log_durable(w->log) < end)
            CHECK_OK(JET_errInternalError);
        if (w->number == 0 && i % 100 == 99)
            CHECK_OK(log_roll(w->log, NULL));
        if (w->number == 1)
            log_set_attachments(w->log, head, sizeof head);
    }
    return NULL;
}

static void log_append__threads_keep_their_order(void) {
    struct log *log = testlog_create();
    struct worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.log = log, .number = i};
        CHECK_OK(os_thread_start(&workers[i].thread, work, &workers[i]));
    }
    for (uint32_t i = 0; i < THREADS; i++)
        os_thread_join(workers[i].thread);
    CU_ASSERT(log_current_gen(log) > 10);
    log_close(log);

    uint32_t seen[THREADS] = {0}, total = 0;
    struct log_reader_config config = {.dirs = {testlog_dir()}, .from = lgpos_make(1, 0)};
    struct log_reader *reader = NULL;
    struct log_record record;
    JET_ERR err;
    CHECK_OK(log_reader_open(&config, &reader));
    while ((err = log_reader_next(reader, &record)) >= JET_errSuccess) {
        uint32_t head[2];
        CU_ASSERT_FATAL(record.bytes >= sizeof head);
        memcpy(head, record.data, sizeof head);
        CU_ASSERT_FATAL(head[0] < THREADS);
        CU_ASSERT_EQUAL(head[1], seen[head[0]]++);
        CU_ASSERT_EQUAL(record.bytes, 8 + (head[0] * 131 + head[1] * 17) % 700);
        for (size_t i = 8; i < record.bytes; i++)
            CU_ASSERT_FATAL(record.data[i] == (uint8_t)(head[0] * 31 + head[1]));
        total++;
    }
    log_reader_close(reader);
    CU_ASSERT_EQUAL(err, JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(total, THREADS * PER_THREAD);
}

/* ---- attachments ---- */

static uint32_t attach_bytes_of(const char *name) {
    struct log_header *header = malloc(sizeof *header);
    CHECK_OK(log_header_read(test_path(name), header));
    uint32_t bytes = header->attach_bytes;
    free(header);
    return bytes;
}

/* Whoever reads from the begin of a generation knows the list from its header, and the record that changed it is
 * behind. */
static void log_append_attachments__are_in_exactly_the_headers_behind_the_record(void) {
    static const uint8_t data[100];
    struct log *log = testlog_create();
    lgpos_t begin, end;
    testlog_append(log, 0, LOG_FILE_BYTES_MIN - LOG_SECTOR - 200);
    CU_ASSERT_EQUAL(log_current_gen(log), 1);
    struct log_part long_part = {data, sizeof data}, parts[] = {long_part, long_part, long_part};
    CHECK_OK(log_append_attachments(log, 2, parts, 3, "one", 3, &begin, &end)); /* crosses to 2 */
    CU_ASSERT(lgpos_gen(begin) == 1 && lgpos_gen(end) == 2);
    testlog_append(log, 1, LOG_FILE_BYTES_MIN - LOG_SECTOR - (lgpos_offset(end) - LOG_SECTOR) - 2 * 16);
    CU_ASSERT_EQUAL(lgpos_offset(log_tip(log)), LOG_FILE_BYTES_MIN - 16); /* 2 is full */
    CHECK_OK(log_append_attachments(log, 2, &long_part, 1, "three", 5, &begin, &end));
    CU_ASSERT_EQUAL(lgpos_gen(begin), 3);
    CHECK_OK(log_roll(log, NULL));
    log_close(log);
    CU_ASSERT_EQUAL(attach_bytes_of("edb00001.log"), 0);
    CU_ASSERT_EQUAL(attach_bytes_of("edb00002.log"), 3);
    CU_ASSERT_EQUAL(attach_bytes_of("edb00003.log"), 3);
    CU_ASSERT_EQUAL(attach_bytes_of("edb.log"), 5);
}

/* ---- roll ---- */

static void log_roll__links_the_headers_and_carries_what_was_set(void) {
    struct log *log = testlog_create();
    struct log_header *first = malloc(sizeof *first), *second = malloc(sizeof *second);
    lggen_t gen = 0;
    testlog_append(log, 0, 100);
    log_set_attachments(log, "attached", 8);
    log_set_checkpoint(log, lgpos_make(1, 5008));
    CHECK_OK(log_roll(log, &gen));
    CU_ASSERT_EQUAL(gen, 2);
    CU_ASSERT_EQUAL(log_tip(log), lgpos_make(2, LOG_SECTOR));
    CHECK_OK(log_header_read(test_path("edb00001.log"), first));
    CHECK_OK(log_header_read(test_path("edb.log"), second));
    CU_ASSERT_EQUAL(second->gen, 2);
    CU_ASSERT_EQUAL(memcmp(&second->previous_created, &first->created, 8), 0);
    CU_ASSERT_EQUAL(memcmp(&second->signature, &first->signature, 28), 0);
    CU_ASSERT_EQUAL(first->attach_bytes, 0);
    CU_ASSERT_EQUAL(second->attach_bytes, 8);
    CU_ASSERT_EQUAL(memcmp(second->attach, "attached", 8), 0);
    CU_ASSERT_EQUAL(second->checkpoint, lgpos_make(1, 5008));
    CU_ASSERT_FALSE(second->reserve_used);

    CHECK_OK(log_roll(log, &gen)); /* a generation without records */
    CU_ASSERT_EQUAL(gen, 3);
    testlog_append(log, 1, 100);
    log_close(log);
    CU_ASSERT_EQUAL(read_all(1, 0), 2);
    free(first);
    free(second);
}

struct roller {
    struct log *log;
    lggen_t gen;
    JET_ERR err;
};

static void *roll_thread(void *arg) {
    struct roller *r = arg;
    r->err = log_roll(r->log, &r->gen);
    return NULL;
}

static void log_roll__both_files_are_whole_before_the_first_rename(void) { /* P8 */
    fault_install();
    struct log *log = testlog_create();
    struct roller roller = {.log = log};
    struct log_file_check *check = malloc(sizeof *check);
    os_thread_t thread;
    testlog_append(log, 0, 100);
    unsigned temp_syncs = fault_calls(FAULT_SYNC, "edbtmp.log"), dir_syncs = fault_calls(FAULT_SYNC_DIR, NULL);
    fault_gate_close(FAULT_RENAME, "edb.log");
    CHECK_OK(os_thread_start(&thread, roll_thread, &roller));
    fault_gate_wait();
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edb.log"), 1);
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edbtmp.log"), temp_syncs + 2); /* the zeros, the header */
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC_DIR, NULL), dir_syncs + 1);      /* its name */
    CHECK_OK(log_file_verify(test_path("edb.log"), true, check));
    CU_ASSERT_EQUAL(check->frames, 1);
    CHECK_OK(log_file_verify(test_path("edbtmp.log"), false, check));
    CU_ASSERT_EQUAL(check->header.gen, 2);
    CU_ASSERT_EQUAL(log_durable(log), lgpos_make(1, LOG_SECTOR + 120 + 16));
    CHECK_OK(log_flush(log, log_tip(log))); /* what is durable already needs no roll */
    unsigned dirs = fault_calls(FAULT_SYNC_DIR, NULL);
    fault_gate_open();
    os_thread_join(thread);
    CHECK_OK(roller.err);
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC_DIR, NULL), dirs + 2); /* after each of the two */
    log_close(log);
    fault_done();
    free(check);
}

static void log_roll__keeps_nobody_waiting_while_the_next_file_is_made(void) { /* P12 */
    fault_install();
    struct log *log = testlog_create();
    struct roller roller = {.log = log};
    os_thread_t thread;
    testlog_append(log, 0, 100);
    fault_gate_close(FAULT_WRITE, "edbtmp.log");
    CHECK_OK(os_thread_start(&thread, roll_thread, &roller));
    fault_gate_wait();
    testlog_append(log, 1, 100);
    CHECK_OK(log_flush(log, log_tip(log)));
    CU_ASSERT_EQUAL(log_current_gen(log), 1);
    fault_gate_open();
    os_thread_join(thread);
    CHECK_OK(roller.err);
    CU_ASSERT_EQUAL(log_current_gen(log), 2);
    log_close(log);
    fault_done();
}

/* The first stands between taking edbtmp.log and giving it its name: the second must leave that file alone. */
static void log_roll__leaves_a_roll_that_is_under_way_its_file(void) {
    fault_install();
    struct log *log = testlog_create();
    struct roller rollers[2] = {{.log = log}, {.log = log}};
    os_thread_t threads[2];
    struct os_stat st;
    testlog_append(log, 0, 100);
    fault_gate_close(FAULT_RENAME, "edb.log");
    CHECK_OK(os_thread_start(&threads[0], roll_thread, &rollers[0]));
    fault_gate_wait();
    const unsigned opens = fault_calls(FAULT_OPEN, "edbtmp.log");
    CHECK_OK(os_thread_start(&threads[1], roll_thread, &rollers[1]));
    for (unsigned i = 0; i < 20000 && fault_calls(FAULT_OPEN, "edbtmp.log") == opens; i++)
        CHECK_OK(os_stat(test_path("edb.log"), &st)); /* a chance to do wrong; right code does not depend on it */
    CU_ASSERT_EQUAL(fault_calls(FAULT_OPEN, "edbtmp.log"), opens);
    fault_gate_open();
    for (unsigned i = 0; i < 2; i++) {
        os_thread_join(threads[i]);
        CHECK_OK(rollers[i].err);
    }
    CU_ASSERT_EQUAL(rollers[0].gen, 2);
    CU_ASSERT_TRUE(log_current_gen(log) <= 3); /* 2 if both were asked for together */
    log_close(log);
    fault_done();
}

static void *append_thread(void *arg) {
    testlog_append(arg, 1, 50000);
    return NULL;
}

static bool is_held(struct log *log) {
    os_mutex_lock(&log->buffer_lock);
    bool held = log->held;
    os_mutex_unlock(&log->buffer_lock);
    return held;
}

/* While a roll waits for its file, a record takes that file: the generation has ended, and no second file is made with
 * all others held off. */
static void log_roll__is_done_when_a_record_has_ended_the_generation(void) { /* P12 */
    fault_install();
    struct log *log = testlog_create();
    struct roller roller = {.log = log};
    os_thread_t threads[2];
    testlog_append(log, 0, 12000);
    fault_gate_close(FAULT_WRITE, "edbtmp.log");
    CHECK_OK(os_thread_start(&threads[0], roll_thread, &roller));
    fault_gate_wait();
    CHECK_OK(os_thread_start(&threads[1], append_thread, log));
    while (!is_held(log))
        sched_yield();
    fault_gate_open();
    os_thread_join(threads[1]);
    os_thread_join(threads[0]);
    CHECK_OK(roller.err);
    CU_ASSERT_EQUAL(roller.gen, 2);
    CU_ASSERT_EQUAL(log_current_gen(log), 2);
    testlog_append(log, 2, 100);
    log_close(log);
    fault_done();
    CU_ASSERT_EQUAL(read_all(1, 0), 3);
}

static void log_file_size__may_change_from_one_generation_to_the_next(void) {
    struct log_config config = testlog_config();
    struct log *log = testlog_create();
    struct log_header *last = malloc(sizeof *last);
    lgpos_t end;
    uint32_t id;
    testlog_append(log, 0, 100);
    log_close(log);
    CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &id, &end, last), JET_errNoCurrentRecord);
    config.file_bytes = 256 * 1024;
    CHECK_OK(log_continue(&config, last, end, &log));
    testlog_append(log, 1, 200000);
    testlog_append(log, 2, 200000);
    log_close(log);
    CHECK_OK(log_header_read(test_path("edb.log"), last));
    CU_ASSERT_EQUAL(last->file_bytes, 256 * 1024);
    CHECK_ERR(testlog_read(lgpos_make(1, 0), 0, &id, &end, last), JET_errNoCurrentRecord);
    CU_ASSERT_EQUAL(id, 3);
    config.file_bytes = 64 * 1024;
    CHECK_OK(log_continue(&config, last, end, &log));
    testlog_append(log, 3, 200000);
    log_close(log);
    CU_ASSERT_EQUAL(read_all(1, 0), 4);
    free(last);
}

/* ---- failures (P3) ---- */

static void check_is_down_for_good(struct log *log, JET_ERR failure) {
    lgpos_t begin, end;
    unsigned writes = fault_calls(FAULT_WRITE, "edb.log");
    struct log_part part = {"x", 1};
    CU_ASSERT(log_is_down(log));
    CU_ASSERT_EQUAL(log_failure(log), failure);
    CHECK_ERR(log_append(log, 5, &part, 1, &begin, &end), failure);
    CHECK_ERR(log_roll(log, NULL), failure);
    if (log_durable(log) < log_tip(log))
        CHECK_ERR(log_flush(log, log_tip(log)), failure);
    CHECK_OK(log_flush(log, log_durable(log))); /* what was promised stays promised */
    CU_ASSERT_EQUAL(fault_calls(FAULT_WRITE, "edb.log"), writes);
}

static void fail_a_flush(enum fault_op op) {
    struct events events = {0};
    struct event_sink sink = {.level = 100, .fn = note_event, .context = &events};
    struct log_config config = testlog_config();
    struct log *log = NULL;
    config.events = &sink;
    fault_install();
    CHECK_OK(log_create(&config, &log));
    testlog_append(log, 0, 100);
    CHECK_OK(log_flush(log, log_tip(log)));
    lgpos_t durable = log_durable(log);
    fault_add((struct fault){.op = op, .name = "edb.log", .error = JET_errDiskIO});
    testlog_append(log, 1, 100);
    CHECK_ERR(log_flush(log, log_tip(log)), JET_errLogWriteFail);
    CU_ASSERT_EQUAL(log_durable(log), durable);
    check_is_down_for_good(log, JET_errLogWriteFail);
    CU_ASSERT_EQUAL(count_event(&events, EVENT_LOG_WRITE_ERROR), 1);
    log_close(log);
    CU_ASSERT_EQUAL(fault_hits(), 1);
    fault_done();
    CU_ASSERT(read_all(1, 0) >= 1);
}

static void log_flush__a_failed_write_is_final(void) {
    fail_a_flush(FAULT_WRITE);
}
static void log_flush__a_failed_sync_is_final(void) {
    fail_a_flush(FAULT_SYNC);
}

static void log_flush__a_failure_reaches_all_who_wait(void) {
    fault_install();
    struct log *log = testlog_create();
    struct flusher f[6];
    fault_gate_close(FAULT_SYNC, "edb.log");
    fault_add((struct fault){.op = FAULT_SYNC, .name = "edb.log", .error = JET_errDiskIO});
    for (uint32_t i = 0; i < 6; i++) {
        testlog_append(log, i, 100);
        start_flush(&f[i], log);
        if (i == 0)
            fault_gate_wait();
    }
    fault_gate_open();
    for (uint32_t i = 0; i < 6; i++) {
        os_thread_join(f[i].thread);
        CU_ASSERT_EQUAL(f[i].err, JET_errLogWriteFail);
    }
    CU_ASSERT_EQUAL(fault_calls(FAULT_SYNC, "edb.log"), 1);
    log_close(log);
    fault_done();
}

/* Wherever the roll fails, the log is down, what was acknowledged is there, and recovery can go on. */
static void log_roll__a_failure_at_any_step_is_final_and_loses_nothing(void) {
    static const struct {
        enum fault_op op;
        const char *name;
    } steps[] = {
        {FAULT_WRITE, "edb.log"},     {FAULT_SYNC, "edb.log"},      {FAULT_OPEN, "edbtmp.log"},
        {FAULT_RESIZE, "edbtmp.log"}, {FAULT_WRITE, "edbtmp.log"},  {FAULT_SYNC, "edbtmp.log"},
        {FAULT_RENAME, "edb.log"},    {FAULT_RENAME, "edbtmp.log"}, {FAULT_SYNC_DIR, NULL},
    };
    for (unsigned nth = 1; nth <= 2; nth++) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            fault_install();
            struct log *log = testlog_create();
            testlog_append(log, 0, 100);
            CHECK_OK(log_flush(log, log_tip(log)));
            testlog_append(log, 1, 100);
            fault_add((struct fault){
                .op = steps[i].op, .name = steps[i].name, .nth = nth, .forever = true, .error = JET_errDiskIO});
            JET_ERR err = log_roll(log, NULL);
            if (err < JET_errSuccess)
                check_is_down_for_good(log, JET_errLogWriteFail);
            CU_ASSERT(err == JET_errSuccess || err == JET_errLogWriteFail);
            CU_ASSERT(nth > 1 || err < JET_errSuccess);
            bool flushed = log_durable(log) >= log_tip(log);
            log_abandon(log);
            fault_done();

            uint32_t id;
            log = testlog_continue(1, 0, &id);
            CU_ASSERT(id >= (flushed ? 2 : 1));
            testlog_append(log, id++, 100);
            CHECK_OK(log_roll(log, NULL));
            testlog_append(log, id++, 100);
            log_close(log);
            CU_ASSERT_EQUAL(read_all(1, 0), id);
            CHECK_OK(os_remove_tree_files(test_dir()));
        }
    }
}

/* ---- full disk ---- */

static void log_disk_full__reserves_carry_two_more_generations(void) {
    struct events events = {0};
    struct event_sink sink = {.level = 100, .fn = note_event, .context = &events};
    struct log_config config = testlog_config();
    struct log_header *header = malloc(sizeof *header);
    struct log *log = NULL;
    uint32_t id = 0;
    config.events = &sink;
    fault_install();
    CHECK_OK(log_create(&config, &log));
    CU_ASSERT_FALSE(log_disk_full(log));
    fault_add((struct fault){.op = FAULT_RESIZE, .forever = true, .error = JET_errDiskFull});
    for (int i = 0; i < 2; i++) {
        testlog_append(log, id++, 100);
        CHECK_OK(log_roll(log, NULL));
        CU_ASSERT(log_disk_full(log));
        CHECK_OK(log_header_read(test_path("edb.log"), header));
        CU_ASSERT(header->reserve_used);
    }
    CU_ASSERT_FALSE(exists("edbres00001.jrs") || exists("edbres00002.jrs"));
    testlog_append(log, id++, 100);
    CHECK_ERR(log_roll(log, NULL), JET_errLogDiskFull);
    CU_ASSERT_EQUAL(log_durable(log) >= log_tip(log), true);
    check_is_down_for_good(log, JET_errLogDiskFull);
    CU_ASSERT_EQUAL(count_event(&events, EVENT_LOG_DISK_FULL), 1);
    CU_ASSERT_EQUAL(count_event(&events, EVENT_NEW_LOG_ERROR), 1);
    log_close(log);
    fault_done();
    CU_ASSERT_EQUAL(read_all(1, 0), id);
    free(header);
}

static void log_disk_full__ends_when_there_is_space_again(void) {
    fault_install();
    struct log *log = testlog_create();
    fault_add((struct fault){.op = FAULT_RESIZE, .forever = true, .error = JET_errDiskFull});
    CHECK_OK(log_roll(log, NULL));
    CU_ASSERT(log_disk_full(log));
    fault_clear();
    CHECK_OK(log_roll(log, NULL));
    CU_ASSERT_FALSE(log_disk_full(log));
    CU_ASSERT(exists("edbres00001.jrs") && exists("edbres00002.jrs"));
    log_close(log);
    fault_done();
}

static void log_create__without_room_for_reserves_says_so(void) {
    fault_install();
    struct log_config config = testlog_config();
    struct log *log = NULL;
    fault_add((struct fault){.op = FAULT_RESIZE, .name = ".jrs", .forever = true, .error = JET_errDiskFull});
    CHECK_OK(log_create(&config, &log));
    CU_ASSERT(log_disk_full(log));
    log_close(log);
    fault_done();
}

/* ---- truncate (P9) ---- */

static void log_truncate__deletes_the_oldest_first_and_stops_at_a_failure(void) {
    fault_install();
    struct log *log = testlog_create();
    uint32_t count = 99;
    for (uint32_t id = 0; id < 6; id++) {
        testlog_append(log, id, 100);
        CHECK_OK(log_roll(log, NULL));
    }
    CU_ASSERT_EQUAL(log_lowest_gen(log), 1);
    CHECK_OK(log_truncate(log, 3, &count));
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT_EQUAL(log_lowest_gen(log), 3);
    CU_ASSERT(!exists("edb00002.log") && exists("edb00003.log"));
    CHECK_OK(log_truncate(log, 3, &count));
    CU_ASSERT_EQUAL(count, 0);

    fault_add((struct fault){.op = FAULT_REMOVE, .name = "edb00004", .error = JET_errFileAccessDenied});
    CHECK_ERR(log_truncate(log, 6, &count), JET_errFileAccessDenied);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT(!exists("edb00003.log") && exists("edb00004.log") && exists("edb00005.log"));
    CHECK_OK(log_truncate(log, LOG_GEN_MAX, NULL));
    CU_ASSERT(!exists("edb00006.log") && exists("edb.log"));
    CU_ASSERT_EQUAL(log_lowest_gen(log), 7);
    testlog_append(log, 6, 100);
    log_close(log);
    fault_done();
    CU_ASSERT_EQUAL(read_all(7, 6), 7);
}

TEST_MAIN(TEST(log_create__starts_generation_1_of_a_new_stream), TEST(log_create__refuses_a_directory_that_holds_a_log),
          TEST(log_create__refuses_a_senseless_configuration),
          TEST(log_append__records_of_all_sizes_come_back_in_order),
          TEST(log_append__fills_a_generation_to_any_last_byte), TEST(log_append__takes_a_record_without_bytes),
          TEST(log_append__takes_a_record_larger_than_several_generations),
          TEST(log_flush__alone_is_one_write_and_one_sync), TEST(log_flush__writes_more_than_the_staging_area),
          TEST(log_flush__those_who_wait_share_the_next_sync), TEST(log_abandon__leaves_what_was_flushed),
          TEST(log_append__threads_keep_their_order),
          TEST(log_append_attachments__are_in_exactly_the_headers_behind_the_record),
          TEST(log_roll__links_the_headers_and_carries_what_was_set),
          TEST(log_roll__both_files_are_whole_before_the_first_rename),
          TEST(log_file_size__may_change_from_one_generation_to_the_next), TEST(log_flush__a_failed_write_is_final),
          TEST(log_flush__a_failed_sync_is_final), TEST(log_flush__a_failure_reaches_all_who_wait),
          TEST(log_roll__keeps_nobody_waiting_while_the_next_file_is_made),
          TEST(log_roll__leaves_a_roll_that_is_under_way_its_file),
          TEST(log_roll__is_done_when_a_record_has_ended_the_generation),
          TEST(log_roll__a_failure_at_any_step_is_final_and_loses_nothing),
          TEST(log_disk_full__reserves_carry_two_more_generations), TEST(log_disk_full__ends_when_there_is_space_again),
          TEST(log_create__without_room_for_reserves_says_so),
          TEST(log_truncate__deletes_the_oldest_first_and_stops_at_a_failure))
