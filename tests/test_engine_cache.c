/* The page cache: reading and verifying, write-back in the right order (P1, P5, P7), eviction, many threads at once.
 * test-label: threads
 *
 * The tests' pages hold the end of their last log record in place of a dbtime, so that what is written to the file can
 * be compared with how far the log is durable; page's objid counts its changes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/os.h"
#include "base/thread.h"
#include "engine/cache.h"
#include "tests/lib/test.h"

#define SIZE 4096u
#define PAGES 1200u

/* ---- a disk that watches and fails ---- */

static struct cache_file *pages;

static struct {
    struct os_table table;
    const struct os_file *file; /* the database */
    struct log *log;
    pthread_mutex_t mutex;
    bool fail_write, fail_sync;
    bool write_during_sync; /* after what the sync covers was fixed */
    unsigned writes, syncs, pages;
    uint64_t last_offset;
    bool ahead_of_log, ahead_of_header;
    uint32_t written[PAGES + 1], durable[PAGES + 1]; /* changes of a page that are in the file, in the synced file */
} disk;
static _Atomic uint32_t header_gen; /* as told by before_write */

static JET_ERR disk_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    if (file != disk.file)
        return os_posix.write(file, offset, buffer, bytes);
    if (disk.fail_write)
        return JET_errDiskIO;
    lgpos_t durable = disk.log ? log_durable(disk.log) : 0;
    pthread_mutex_lock(&disk.mutex);
    disk.writes++;
    disk.last_offset = offset;
    for (size_t at = 0; at < bytes; at += SIZE) {
        struct page p = {(uint8_t *)(uintptr_t)buffer + at, SIZE};
        pgno_t pgno = (pgno_t)((offset + at) / SIZE) - 1;
        lgpos_t last_change = page_dbtime(&p);
        disk.pages++;
        disk.ahead_of_log = disk.ahead_of_log || last_change > durable;
        disk.ahead_of_header = disk.ahead_of_header || lgpos_gen(last_change) > atomic_load(&header_gen);
        if (pgno <= PAGES)
            disk.written[pgno] = page_objid(&p);
    }
    pthread_mutex_unlock(&disk.mutex);
    return os_posix.write(file, offset, buffer, bytes);
}

static JET_ERR disk_sync(struct os_file *file) {
    static uint32_t before[PAGES + 1];
    if (file != disk.file)
        return os_posix.sync(file);
    if (disk.fail_sync)
        return JET_errDiskIO;
    pthread_mutex_lock(&disk.mutex);
    disk.syncs++;
    memcpy(before, disk.written, sizeof before);
    pthread_mutex_unlock(&disk.mutex);
    JET_ERR err = os_posix.sync(file);
    if (disk.write_during_sync)
        CHECK_OK(cache_write(pages, UINT64_MAX));
    pthread_mutex_lock(&disk.mutex);
    memcpy(disk.durable, before, sizeof before);
    pthread_mutex_unlock(&disk.mutex);
    return err;
}

static JET_ERR before_write(void *context, lggen_t gen) {
    (void)context;
    if (gen > atomic_load(&header_gen))
        atomic_store(&header_gen, gen);
    return JET_errSuccess;
}

/* ---- one cache, one file ---- */

static struct cache *cache;
static struct os_file *file;
static struct log *logfile;
static struct event_sink events;
static unsigned event_count;
static char event_text[512];

static void on_event(void *context, int id, enum event_severity severity, const char *text) {
    (void)context, (void)id, (void)severity;
    event_count++;
    snprintf(event_text, sizeof event_text, "%s", text);
}

/* Pages 1..count are empty leaves; the last is never used (zero). */
static void make_file(const char *path, uint32_t size, pgno_t count) {
    uint8_t *b = calloc(1, size);
    struct page p = {b, size};
    CHECK_OK(os_open(path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CHECK_OK(os_resize(file, ((uint64_t)count + 2) * size));
    for (pgno_t pgno = 1; pgno < count; pgno++) {
        page_init(&p, pgno, 0, PAGE_LEAF);
        page_sum_set(b, size, pgno);
        CHECK_OK(os_write(file, ((uint64_t)pgno + 1) * size, b, size));
    }
    free(b);
}

static void set_up(uint32_t size, pgno_t count, uint64_t bytes_max, bool with_log, bool read_only) {
    memset(&disk, 0, sizeof disk);
    disk.table = os_posix;
    disk.table.write = disk_write;
    disk.table.sync = disk_sync;
    pthread_mutex_init(&disk.mutex, NULL);
    os_install(&disk.table);
    atomic_store(&header_gen, 0);
    event_count = 0;
    events = (struct event_sink){.level = 100, .fn = on_event};
    make_file(test_path("cache.edb"), size, count);
    disk.file = file;
    if (with_log) {
        struct log_config log_config = {.dir = {.base = "edb"}, .file_bytes = 64 * 1024, .page_size = size};
        snprintf(log_config.dir.path, sizeof log_config.dir.path, "%s", test_dir());
        CHECK_OK(log_create(&log_config, &logfile));
        disk.log = logfile;
    }
    struct cache_config config = {.bytes_max = bytes_max, .log = logfile, .events = &events};
    CHECK_OK(cache_new(&config, &cache));
    struct cache_file_config file_config = {
        .file = file, .path = "cache.edb", .page_size = size, .read_only = read_only, .before_write = before_write};
    CHECK_OK(cache_attach(cache, &file_config, &pages));
}

static void tear_down(void) {
    cache_detach(pages);
    CU_ASSERT_EQUAL(cache_resident_bytes(cache), 0);
    cache_free(cache);
    if (logfile)
        log_abandon(logfile);
    logfile = NULL;
    os_close(file);
    os_install(NULL);
    pthread_mutex_destroy(&disk.mutex);
}

/* A logged change as mtr_commit makes it; returns its begin. */
static lgpos_t change_page(struct page_ref *ref) {
    uint32_t count = page_objid(&ref->page) + 1;
    struct log_part part = {&count, sizeof count};
    lgpos_t begin = 0, end = 0;
    cache_mark_dirty(ref, log_tip(logfile));
    CHECK_OK(log_append(logfile, LOG_FIRST_USER, &part, 1, &begin, &end));
    store32(ref->page.b + 24, count);
    page_set_dbtime(&ref->page, end);
    cache_set_change(ref, end);
    cache_image_logged(ref);
    return begin;
}

static lgpos_t change(pgno_t pgno) {
    struct page_ref ref;
    CHECK_OK(cache_latch(pages, pgno, LATCH_EXCLUSIVE, &ref));
    lgpos_t begin = change_page(&ref);
    cache_unlatch(&ref);
    return begin;
}

static bool needs_image(pgno_t pgno) {
    struct page_ref ref;
    CHECK_OK(cache_latch(pages, pgno, LATCH_EXCLUSIVE, &ref));
    bool needs = cache_needs_image(&ref);
    cache_unlatch(&ref);
    return needs;
}

static void damage_byte(uint64_t offset, uint8_t mask) {
    uint8_t b;
    CHECK_OK(os_read(file, offset, &b, 1));
    b ^= mask;
    CHECK_OK(os_posix.write(file, offset, &b, 1));
}

/* ---- reading ---- */

static void cache_latch__names_each_kind_of_bad_page(void) {
    struct page_ref ref;
    set_up(SIZE, 20, 0, false, false);
    CHECK_ERR(cache_latch(pages, 20, LATCH_SHARED, &ref), JET_errPageNotInitialized);
    CU_ASSERT_EQUAL(event_count, 0);
    CU_ASSERT_PTR_NULL(ref.state);

    damage_byte(6 * SIZE + 3000, 0x0f);
    CHECK_ERR(cache_latch(pages, 5, LATCH_SHARED, &ref), JET_errReadVerifyFailure);
    CU_ASSERT_EQUAL(event_count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(event_text, "cache.edb"));
    CU_ASSERT_PTR_NOT_NULL(strstr(event_text, "page 5 at offset 24576"));
    CHECK_ERR(cache_latch(pages, 5, LATCH_EXCLUSIVE, &ref), JET_errReadVerifyFailure);

    CHECK_ERR(cache_latch(pages, 21, LATCH_SHARED, &ref), JET_errFileIOBeyondEOF);
    CHECK_ERR(cache_latch(pages, 0xffffffff, LATCH_SHARED, &ref), JET_errFileIOBeyondEOF);
    CHECK_ERR(cache_latch(pages, 0, LATCH_SHARED, &ref), JET_errDatabaseCorrupted);

    uint8_t b[SIZE];
    CHECK_OK(os_read(file, 8 * SIZE, b, SIZE));
    store16(b + 28, 77); /* free count */
    page_sum_set(b, SIZE, 7);
    CHECK_OK(os_posix.write(file, 8 * SIZE, b, SIZE));
    CHECK_ERR(cache_latch(pages, 7, LATCH_SHARED, &ref), JET_errDatabaseCorrupted);
    CU_ASSERT_PTR_NOT_NULL(strstr(event_text, "wrong free count"));

    CHECK_OK(cache_latch(pages, 8, LATCH_SHARED, &ref));
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_resident_bytes(cache), SIZE);
    tear_down();
}

static void cache_latch__knows_a_page_in_the_wrong_place(void) {
    struct page_ref ref;
    uint8_t *b = malloc(32768);
    set_up(32768, 8, 0, false, false);
    CHECK_OK(os_read(file, 4 * 32768, b, 32768));
    CHECK_OK(os_posix.write(file, 5 * 32768, b, 32768));
    CHECK_ERR(cache_latch(pages, 4, LATCH_SHARED, &ref), JET_errReadPgnoVerifyFailure);
    store32(b + 64, 3);
    page_sum_set(b, 32768, 4);
    store32(b + 64, 3);
    CHECK_OK(os_posix.write(file, 5 * 32768, b, 32768));
    CU_ASSERT_TRUE(cache_latch(pages, 4, LATCH_SHARED, &ref) < JET_errSuccess);
    CU_ASSERT_PTR_NULL(ref.state);
    tear_down();
    free(b);
}

static void cache_latch__corrects_one_flipped_bit_and_writes_it_back(void) {
    struct page_ref ref;
    lgpos_t oldest;
    uint8_t b[SIZE];
    set_up(SIZE, 20, 0, true, false);
    damage_byte(6 * SIZE + 3000, 0x10);
    CHECK_OK(cache_latch(pages, 5, LATCH_SHARED, &ref));
    CU_ASSERT_EQUAL(ref.page.b[3000], 0);
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_file_corrected(pages), 1);
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 1);
    CU_ASSERT_EQUAL(event_count, 1);
    CHECK_OK(cache_sync(pages, &oldest));
    CU_ASSERT_EQUAL(oldest, UINT64_MAX); /* the log is not kept for it */
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 0);
    CHECK_OK(os_read(file, 6 * SIZE, b, SIZE));
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 5, false), PAGE_GOOD);
    tear_down();
}

static void cache_latch__corrects_in_memory_only_when_read_only(void) {
    struct page_ref ref;
    set_up(SIZE, 20, 0, false, true);
    damage_byte(6 * SIZE + 3000, 0x10);
    CHECK_OK(cache_latch(pages, 5, LATCH_SHARED, &ref));
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_file_corrected(pages), 1);
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 0);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CU_ASSERT_EQUAL(disk.writes, 0);
    tear_down();
}

static void cache_latch__all_latched_is_out_of_buffers(void) {
    static struct page_ref refs[600];
    unsigned n = 0;
    JET_ERR err = JET_errSuccess;
    set_up(SIZE, 700, 0, true, false); /* 64 pages of 32 KiB are granted: 512 of ours */
    for (n = 0; n < 600; n++) {
        err = cache_latch(pages, n + 1, n % 2 ? LATCH_SHARED : LATCH_EXCLUSIVE, &refs[n]);
        if (err < JET_errSuccess)
            break;
    }
    CU_ASSERT_EQUAL(err, JET_errOutOfBuffers);
    CU_ASSERT_EQUAL(n, 512);
    cache_unlatch(&refs[100]);
    CHECK_OK(cache_latch(pages, 600, LATCH_SHARED, &refs[n]));
    for (unsigned i = 0; i <= n; i++)
        cache_unlatch(&refs[i]);
    tear_down();
}

/* ---- writing ---- */

static void cache_write__puts_neighbours_into_one_write_in_page_order(void) {
    set_up(SIZE, 300, 0, true, false);
    for (pgno_t pgno = 29; pgno >= 10; pgno--)
        change(pgno);
    change(200);
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 21);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CU_ASSERT_EQUAL(disk.writes, 2);
    CU_ASSERT_EQUAL(disk.pages, 21);
    CU_ASSERT_EQUAL(disk.last_offset, 201 * SIZE);
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 0);
    CU_ASSERT_FALSE(disk.ahead_of_log);
    CU_ASSERT_FALSE(disk.ahead_of_header);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CU_ASSERT_EQUAL(disk.writes, 2);
    tear_down();
}

static void cache_write__leaves_younger_pages(void) {
    lgpos_t oldest;
    set_up(SIZE, 300, 0, true, false);
    change(10);
    lgpos_t limit = log_tip(logfile);
    lgpos_t younger = change(11);
    change(10); /* stays as old as its first change */
    CHECK_OK(cache_write(pages, limit));
    CU_ASSERT_EQUAL(disk.pages, 1);
    CU_ASSERT_EQUAL(disk.written[10], 2);
    CHECK_OK(cache_sync(pages, &oldest));
    CU_ASSERT_TRUE(oldest <= younger && oldest >= limit);
    tear_down();
}

static void cache_sync__bound_covers_what_is_written_but_not_synced(void) {
    lgpos_t oldest;
    set_up(SIZE, 300, 0, true, false);
    lgpos_t first = change(10);
    CHECK_OK(cache_sync(pages, &oldest));
    CU_ASSERT_TRUE(oldest <= first);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    lgpos_t second = change(12);
    CHECK_OK(cache_sync(pages, &oldest));
    CU_ASSERT_TRUE(oldest > first && oldest <= second);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CHECK_OK(cache_sync(pages, &oldest));
    CU_ASSERT_EQUAL(oldest, UINT64_MAX);
    tear_down();
}

static void cache_sync__bound_covers_what_is_written_while_it_syncs(void) {
    lgpos_t oldest;
    set_up(SIZE, 300, 0, true, false);
    for (unsigned i = 0; i < 3; i++) {
        change(10);
        CHECK_OK(cache_write(pages, UINT64_MAX));
        lgpos_t late = change(12);
        disk.write_during_sync = true;
        CHECK_OK(cache_sync(pages, &oldest));
        disk.write_during_sync = false;
        CU_ASSERT_EQUAL(cache_dirty_pages(pages), 0);
        CU_ASSERT_TRUE(oldest <= late);
        CHECK_OK(cache_sync(pages, &oldest));
        CU_ASSERT_EQUAL(oldest, UINT64_MAX);
    }
    tear_down();
}

static void cache_needs_image__once_per_write(void) {
    set_up(SIZE, 300, 0, true, false);
    CU_ASSERT_TRUE(needs_image(10));
    change(10);
    CU_ASSERT_FALSE(needs_image(10));
    change(10);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    CU_ASSERT_TRUE(needs_image(10));
    change(10);
    CU_ASSERT_FALSE(needs_image(10));
    tear_down();
}

static void cache_write__failure_is_for_good_and_keeps_the_pages(void) {
    struct page_ref ref;
    lgpos_t oldest;
    set_up(SIZE, 900, 0, true, false);
    for (pgno_t pgno = 1; pgno < 10; pgno++)
        change(pgno);
    disk.fail_write = true;
    CHECK_ERR(cache_write(pages, UINT64_MAX), JET_errDiskIO);
    CU_ASSERT_EQUAL(event_count, 1);
    disk.fail_write = false;
    CHECK_ERR(cache_write(pages, UINT64_MAX), JET_errDiskIO);
    CHECK_ERR(cache_sync(pages, &oldest), JET_errDiskIO);
    CHECK_ERR(cache_file_failure(pages), JET_errDiskIO);
    CU_ASSERT_EQUAL(disk.writes, 0);
    for (pgno_t pgno = 20; pgno < 900; pgno++) { /* more than fits: they are not evicted */
        CHECK_OK(cache_latch(pages, pgno, LATCH_SHARED, &ref));
        cache_unlatch(&ref);
    }
    for (pgno_t pgno = 1; pgno < 10; pgno++) {
        CHECK_OK(cache_latch(pages, pgno, LATCH_SHARED, &ref));
        CU_ASSERT_EQUAL(page_objid(&ref.page), 1);
        cache_unlatch(&ref);
    }
    tear_down();
}

static void cache_sync__failure_is_for_good(void) {
    lgpos_t oldest;
    set_up(SIZE, 300, 0, true, false);
    change(10);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    disk.fail_sync = true;
    CHECK_ERR(cache_sync(pages, &oldest), JET_errDiskIO);
    disk.fail_sync = false;
    CHECK_ERR(cache_sync(pages, &oldest), JET_errDiskIO);
    CHECK_ERR(cache_write(pages, UINT64_MAX), JET_errDiskIO);
    tear_down();
}

static void cache_eviction__writes_behind_the_log_and_reads_back(void) {
    struct page_ref ref;
    set_up(SIZE, PAGES, 0, true, false);
    for (unsigned round = 1; round <= 3; round++) {
        for (pgno_t pgno = 1; pgno < PAGES; pgno++)
            change(pgno);
    }
    CU_ASSERT_TRUE(cache_resident_bytes(cache) <= 64 * 32768);
    for (pgno_t pgno = 1; pgno < PAGES; pgno++) {
        CHECK_OK(cache_latch(pages, pgno, LATCH_SHARED, &ref));
        CU_ASSERT_EQUAL(page_objid(&ref.page), 3);
        cache_unlatch(&ref);
    }
    CU_ASSERT_FALSE(disk.ahead_of_log);
    CU_ASSERT_FALSE(disk.ahead_of_header);
    CU_ASSERT_TRUE(disk.writes < disk.pages / 8);
    tear_down();
}

/* ---- new pages ---- */

static void cache_latch_new__unchanged_is_forgotten(void) {
    struct page_ref ref;
    set_up(SIZE, 300, 0, true, false);
    CHECK_OK(cache_latch_new(pages, 5, &ref));
    CU_ASSERT_EQUAL(load32(ref.page.b + 36), 0);
    page_init(&ref.page, 5, 99, PAGE_LEAF);
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_resident_bytes(cache), 0);
    CHECK_OK(cache_latch(pages, 5, LATCH_SHARED, &ref));
    CU_ASSERT_EQUAL(page_objid(&ref.page), 0);
    cache_unlatch(&ref);
    CHECK_ERR(cache_latch(pages, 300, LATCH_SHARED, &ref), JET_errPageNotInitialized);
    tear_down();
}

static void cache_latch_new__changed_is_written(void) {
    struct page_ref ref;
    set_up(SIZE, 300, 0, true, false);
    damage_byte(301 * SIZE + 100, 0xff);
    CHECK_ERR(cache_latch(pages, 300, LATCH_EXCLUSIVE, &ref), JET_errReadVerifyFailure);
    CHECK_OK(cache_latch_new(pages, 300, &ref));
    page_init(&ref.page, 300, 41, PAGE_LEAF);
    change_page(&ref);
    cache_unlatch(&ref);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    cache_detach(pages);
    struct cache_file_config config = {.file = file, .path = "cache.edb", .page_size = SIZE};
    CHECK_OK(cache_attach(cache, &config, &pages));
    CHECK_OK(cache_latch(pages, 300, LATCH_SHARED, &ref));
    CU_ASSERT_EQUAL(page_objid(&ref.page), 42);
    cache_unlatch(&ref);
    tear_down();
}

static void cache_latch_init__keeps_a_dirty_page_that_was_there(void) {
    struct page_ref ref;
    bool resident = false;
    set_up(SIZE, 300, 0, true, false);
    change(5);
    CHECK_OK(cache_latch_init(pages, 5, &ref, &resident));
    CU_ASSERT_TRUE(resident);
    CU_ASSERT_EQUAL(page_objid(&ref.page), 1);
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_dirty_pages(pages), 1);
    CHECK_OK(cache_latch_init(pages, 6, &ref, &resident));
    CU_ASSERT_FALSE(resident);
    cache_discard(&ref);
    CU_ASSERT_EQUAL(cache_resident_bytes(cache), SIZE);
    tear_down();
}

/* ---- copies for a backup ---- */

static void cache_copy_page__is_verified_and_not_ahead_of_the_log(void) {
    uint8_t b[SIZE];
    struct page p = {b, SIZE};
    set_up(SIZE, 300, 0, true, false);
    change(5);
    CU_ASSERT_TRUE(log_durable(logfile) < log_tip(logfile));
    CHECK_OK(cache_copy_page(pages, 5, b));
    CU_ASSERT_EQUAL(page_objid(&p), 1);
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 5, false), PAGE_GOOD);
    CU_ASSERT_TRUE(log_durable(logfile) >= page_dbtime(&p));
    CHECK_OK(cache_copy_page(pages, 7, b)); /* from the file */
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 7, false), PAGE_GOOD);
    CHECK_OK(cache_copy_page(pages, 300, b));
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 300, false), PAGE_BLANK);
    damage_byte(10 * SIZE + 500, 0x01);
    CHECK_OK(cache_copy_page(pages, 9, b));
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 9, false), PAGE_GOOD);
    CU_ASSERT_EQUAL(cache_file_corrected(pages), 1);
    CHECK_OK(cache_write(pages, UINT64_MAX)); /* mended in the database too */
    CHECK_OK(cache_copy_page(pages, 9, b));
    damage_byte(12 * SIZE + 501, 0xff);
    CHECK_ERR(cache_copy_page(pages, 11, b), JET_errReadVerifyFailure);
    CHECK_ERR(cache_copy_page(pages, 301, b), JET_errFileIOBeyondEOF);
    CHECK_OK(os_read(file, 10 * SIZE, b, SIZE));
    CU_ASSERT_EQUAL(page_sum_check(b, SIZE, 9, false), PAGE_GOOD);
    tear_down();
}

/* ---- many threads ---- */

#define WORKERS 4
#define HISTORY 4096u

static struct {
    _Atomic bool stop;
    _Atomic unsigned wrong;
    _Atomic uint32_t changes[PAGES + 1];    /* of each page; stored under its exclusive latch */
    _Atomic uint64_t begins[PAGES + 1][64]; /* of its changes, a ring */
} shared;

static void work_once(void) {
    struct page_ref ref;
    pgno_t pgno = 1 + (pgno_t)test_random_below(test_random_below(3) ? 40 : PAGES - 1);
    bool exclusive = test_random_below(2);
    JET_ERR err = cache_latch(pages, pgno, exclusive ? LATCH_EXCLUSIVE : LATCH_SHARED, &ref);
    if (err < JET_errSuccess) {
        shared.wrong++;
        return;
    }
    uint32_t count = page_objid(&ref.page);
    if (count != atomic_load(&shared.changes[pgno]) || page_lines(&ref.page) != 0)
        shared.wrong++;
    if (exclusive) {
        uint32_t payload = count;
        struct log_part part = {&payload, sizeof payload};
        lgpos_t begin = 0, end = 0;
        cache_mark_dirty(&ref, log_tip(logfile));
        if (log_append(logfile, LOG_FIRST_USER, &part, 1, &begin, &end) < JET_errSuccess)
            shared.wrong++;
        atomic_store(&shared.begins[pgno][count % 64], begin);
        store32(ref.page.b + 24, count + 1);
        page_set_dbtime(&ref.page, end);
        cache_set_change(&ref, end);
        atomic_store(&shared.changes[pgno], count + 1);
    }
    cache_unlatch(&ref);
}

static void *worker(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 6000; i++)
        work_once();
    return NULL;
}

static void *copier(void *arg) {
    (void)arg;
    uint8_t b[SIZE];
    while (!atomic_load(&shared.stop)) {
        pgno_t pgno = 1 + (pgno_t)test_random_below(PAGES - 1);
        struct page p = {b, SIZE};
        uint32_t before = atomic_load(&shared.changes[pgno]);
        if (cache_copy_page(pages, pgno, b) < JET_errSuccess || page_objid(&p) < before ||
            log_durable(logfile) < page_dbtime(&p))
            shared.wrong++;
    }
    return NULL;
}

/* What a checkpoint does; then no change below the bound may be missing from the synced file (P7). */
static void checkpoint(void) {
    lgpos_t tip = log_tip(logfile), oldest = 0;
    uint32_t changes[PAGES + 1];
    if (cache_write(pages, test_random_below(2) ? tip : UINT64_MAX) < JET_errSuccess ||
        cache_sync(pages, &oldest) < JET_errSuccess)
        shared.wrong++;
    for (pgno_t pgno = 1; pgno < PAGES; pgno++)
        changes[pgno] = atomic_load(&shared.changes[pgno]);
    lgpos_t bound = oldest < tip ? oldest : tip;
    pthread_mutex_lock(&disk.mutex);
    for (pgno_t pgno = 1; pgno < PAGES; pgno++) {
        uint32_t missing = disk.durable[pgno]; /* first change that is not durable */
        if (changes[pgno] > missing && changes[pgno] - missing < 60 &&
            atomic_load(&shared.begins[pgno][missing % 64]) < bound)
            shared.wrong++;
    }
    pthread_mutex_unlock(&disk.mutex);
}

static void cache__serves_many_threads_with_little_memory(void) {
    pthread_t threads[WORKERS], copying;
    memset(&shared, 0, sizeof shared);
    set_up(SIZE, PAGES, 0, true, false);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, worker, NULL);
    pthread_create(&copying, NULL, copier, NULL);
    for (unsigned i = 0; i < 30; i++)
        checkpoint();
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    checkpoint();
    atomic_store(&shared.stop, true);
    pthread_join(copying, NULL);
    CU_ASSERT_EQUAL(shared.wrong, 0);
    CU_ASSERT_FALSE(disk.ahead_of_log);
    CU_ASSERT_FALSE(disk.ahead_of_header);
    CHECK_OK(cache_write(pages, UINT64_MAX));
    for (pgno_t pgno = 1; pgno < PAGES; pgno++)
        CU_ASSERT_EQUAL(disk.written[pgno], shared.changes[pgno]);
    printf("%u writes of %u pages ", disk.writes, disk.pages);
    tear_down();
}

/* One page, more threads than cores: waiting for the latch loses nobody. */
static void *contender(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 3000; i++) {
        struct page_ref ref;
        enum latch_mode mode = i % 3 ? LATCH_EXCLUSIVE : LATCH_SHARED;
        if (cache_latch(pages, 1, mode, &ref) < JET_errSuccess)
            shared.wrong++;
        if (mode == LATCH_EXCLUSIVE)
            store32(ref.page.b + 24, page_objid(&ref.page) + 1);
        if (i % 64 == 0)
            sched_yield(); /* while holding, so that others park */
        cache_unlatch(&ref);
    }
    return NULL;
}

static void cache_latch__loses_no_waiter(void) {
    pthread_t threads[8];
    struct page_ref ref;
    memset(&shared, 0, sizeof shared);
    set_up(SIZE, 10, 0, false, false);
    for (unsigned i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, contender, NULL);
    for (unsigned i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK_OK(cache_latch(pages, 1, LATCH_SHARED, &ref));
    CU_ASSERT_EQUAL(page_objid(&ref.page), 8 * 2000);
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(shared.wrong, 0);
    tear_down();
}

TEST_MAIN(TEST(cache_latch__names_each_kind_of_bad_page), TEST(cache_latch__knows_a_page_in_the_wrong_place),
          TEST(cache_latch__corrects_one_flipped_bit_and_writes_it_back),
          TEST(cache_latch__corrects_in_memory_only_when_read_only), TEST(cache_latch__all_latched_is_out_of_buffers),
          TEST(cache_write__puts_neighbours_into_one_write_in_page_order), TEST(cache_write__leaves_younger_pages),
          TEST(cache_sync__bound_covers_what_is_written_but_not_synced),
          TEST(cache_sync__bound_covers_what_is_written_while_it_syncs), TEST(cache_needs_image__once_per_write),
          TEST(cache_write__failure_is_for_good_and_keeps_the_pages), TEST(cache_sync__failure_is_for_good),
          TEST(cache_eviction__writes_behind_the_log_and_reads_back), TEST(cache_latch_new__unchanged_is_forgotten),
          TEST(cache_latch_new__changed_is_written), TEST(cache_latch_init__keeps_a_dirty_page_that_was_there),
          TEST(cache_copy_page__is_verified_and_not_ahead_of_the_log), TEST(cache_latch__loses_no_waiter),
          TEST(cache__serves_many_threads_with_little_memory))
