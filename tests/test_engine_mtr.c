/* Mini-transactions and their records: a failed one leaves no trace; the redo of a committed one on an old copy of its
 * pages gives the same bytes (P4); images where P5 wants them; no damaged record leads redo astray (P14). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/db.h"
#include "engine/inst.h"
#include "engine/mtr.h"
#include "tests/lib/test.h"

#define PAGES 24u /* 1..20 exist, the rest is blank */
#define EXIST 20u

static const uint32_t sizes[] = {4096, 8192, 16384, 32768};
static struct inst *inst;
static struct db *db;
static struct os_file *file;

static void make_file(uint32_t size) {
    uint8_t *b = calloc(1, size);
    struct page p = {b, size};
    CHECK_OK(os_open(test_path("mtr.edb"), OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CHECK_OK(os_resize(file, (PAGES + 2ull) * size));
    for (pgno_t pgno = 1; pgno <= EXIST; pgno++) {
        bool is_root = pgno % 5 == 0;
        page_init(&p, pgno, pgno, PAGE_LEAF | (is_root ? PAGE_ROOT : 0));
        CU_ASSERT_TRUE_FATAL(
            page_set_external_header(&p, is_root ? slice("0123456789abcdef", 16) : slice("prefix", 6)));
        page_sum_set(b, size, pgno);
        CHECK_OK(os_write(file, (pgno + 1ull) * size, b, size));
    }
    free(b);
}

static struct log_config log_config_here(uint32_t size) {
    struct log_config config = {.dir = {.base = "edb"}, .file_bytes = 1024 * 1024, .page_size = size};
    snprintf(config.dir.path, sizeof config.dir.path, "%s", test_dir());
    return config;
}

static void set_up(uint32_t size) {
    static unsigned run;
    char name[16];
    (void)snprintf(name, sizeof name, "log%u", ++run);
    inst = calloc(1, sizeof *inst);
    db = calloc(1, sizeof *db);
    make_file(size);
    struct log_config log_config = log_config_here(size);
    snprintf(log_config.dir.path, sizeof log_config.dir.path, "%s", test_path(name));
    CHECK_OK(os_make_dir(log_config.dir.path));
    CHECK_OK(log_create(&log_config, &inst->log));
    struct cache_config config = {.log = inst->log};
    CHECK_OK(cache_new(&config, &inst->cache));
    struct cache_file_config file_config = {.file = file, .path = "mtr.edb", .page_size = size};
    CHECK_OK(cache_attach(inst->cache, &file_config, &db->pages));
    atomic_store(&inst->state, INST_RUNNING);
    inst->config.log_dir = log_config.dir;
    db->inst = inst;
    db->dbid = 1;
    db->page_size = size;
    db->file = file;
}

static void tear_down(void) {
    cache_detach(db->pages);
    cache_free(inst->cache);
    if (inst->log)
        log_abandon(inst->log);
    os_close(file);
    free(db);
    free(inst);
}

/* ---- random operations ---- */

static struct slice random_slice(uint8_t *out, size_t most) {
    size_t n = 1 + test_random_below(most);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)test_random();
    return slice(out, n);
}

static struct slice random_key(uint8_t out[40]) {
    struct slice s = random_slice(out, 40);
    if (test_random_below(2))
        memcpy(out, "prefix", s.n < 6 ? s.n : 6);
    return s;
}

static JET_ERR random_insert(struct mtr *m, struct page *p) {
    uint8_t key[40], data[400];
    bool exact;
    struct slice k = random_key(key), d = random_slice(data, test_random_below(4) ? 30 : sizeof data);
    unsigned line = page_find(p, k, &exact);
    if (exact || !page_fits(p, k, d.n))
        return JET_errSuccess;
    return mtr_insert(m, p, line, (unsigned)test_random_below(4), k, d);
}

static JET_ERR random_operation(struct mtr *m, struct page *p) {
    uint8_t data[400];
    unsigned lines = page_lines(p), line = lines ? (unsigned)test_random_below(lines) : 0;
    struct slice d = random_slice(data, sizeof data);
    switch (lines ? test_random_below(12) : 0) {
    case 6:
        return page_replace_fits(p, line, d.n) ? mtr_replace(m, p, line, d) : JET_errSuccess;
    case 7:
        return mtr_set_node_flags(m, p, line, (unsigned)test_random_below(4));
    case 8:
        return mtr_delete(m, p, line, 1);
    case 9:
        return mtr_delete(m, p, line, 1 + (unsigned)test_random_below((lines - line + 3) / 4));
    case 10:
        return mtr_set_links(m, p, (pgno_t)test_random_below(100), (pgno_t)test_random_below(100));
    case 11:
        if (!page_is_root(p))
            return mtr_set_page_flags(m, p, page_flags(p) ^ PAGE_INDEX);
        return mtr_set_external_header(m, p, slice(data, (page_free(p) > 9 && test_random_below(2)) ? 25 : 16));
    default:
        return random_insert(m, p);
    }
}

static void random_changes(struct mtr *m, unsigned most_pages) {
    unsigned pages = 1 + (unsigned)test_random_below(most_pages);
    for (unsigned i = 0; i < pages; i++) {
        pgno_t pgno = 1 + (pgno_t)test_random_below(EXIST);
        struct page *p;
        if (test_random_below(12) == 0) {
            pgno += 4;
            CHECK_OK(mtr_new_page(m, pgno, pgno, PAGE_LEAF, &p));
        } else {
            CHECK_OK(mtr_latch(m, pgno, &p));
        }
        CU_ASSERT_EQUAL(mtr_pgno(p), pgno);
        unsigned operations = (unsigned)test_random_below(6);
        for (unsigned n = 0; n < operations; n++)
            CHECK_OK(random_operation(m, p));
    }
}

/* All pages as they are in the cache; blank ones are zero. */
static uint8_t *copy_pages(void) {
    uint8_t *all = calloc(PAGES + 1, db->page_size);
    for (pgno_t pgno = 1; pgno <= PAGES; pgno++) {
        struct page_ref ref;
        JET_ERR err = cache_latch(db->pages, pgno, LATCH_SHARED, &ref);
        if (err == JET_errPageNotInitialized)
            continue;
        CHECK_OK(err);
        memcpy(all + (size_t)pgno * db->page_size, ref.page.b, db->page_size);
        cache_unlatch(&ref);
    }
    return all;
}

/* ---- failure ---- */

static void mtr_end__without_commit_puts_every_page_back(void) {
    for (unsigned i = 0; i < 4; i++) {
        struct mtr m;
        set_up(sizes[i]);
        for (unsigned n = 0; n < 60; n++) {
            uint8_t *before = copy_pages();
            mtr_begin(&m, db, NULL);
            random_changes(&m, 12);
            if (n % 2) {
                mtr_end(&m);
                uint8_t *after = copy_pages();
                CU_ASSERT_EQUAL(memcmp(before, after, (PAGES + 1) * (size_t)sizes[i]), 0);
                free(after);
            } else {
                CHECK_OK(mtr_commit(&m, NULL, NULL));
                mtr_end(&m);
            }
            free(before);
        }
        tear_down();
    }
}

static void mtr_latch__bad_page_leaves_the_rest_usable(void) {
    struct mtr m;
    struct page *p = NULL;
    lgpos_t end = 0;
    set_up(4096);
    mtr_begin(&m, db, NULL);
    CHECK_ERR(mtr_latch(&m, PAGES, &p), JET_errPageNotInitialized);
    CHECK_ERR(mtr_latch(&m, 500, &p), JET_errFileIOBeyondEOF);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)));
    CHECK_OK(mtr_commit(&m, NULL, &end));
    CU_ASSERT_TRUE(end > 0);
    mtr_end(&m);
    tear_down();
}

static void mtr_insert__no_room_changes_nothing(void) {
    struct mtr m;
    struct page *p;
    static uint8_t big[5000];
    set_up(4096);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_ERR(mtr_insert(&m, p, 0, 0, slice("k", 1), slice(big, 4050)), JET_errRecordTooBig);
    CHECK_ERR(mtr_insert(&m, p, 0, 0, slice("k", 1), slice(big, sizeof big)), JET_errRecordTooBig);
    CHECK_OK(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)));
    CHECK_ERR(mtr_replace(&m, p, 0, slice(big, 4080)), JET_errRecordTooBig);
    CHECK_ERR(mtr_set_external_header(&m, p, slice(big, sizeof big)), JET_errRecordTooBig);
    CU_ASSERT_EQUAL(page_lines(p), 1);
    CU_ASSERT_TRUE(page_check(p, NULL) >= JET_errSuccess);
    mtr_end(&m);
    tear_down();
}

static void mtr_commit__is_refused_where_nothing_may_change(void) {
    struct mtr m;
    struct page *p;
    set_up(4096);
    uint8_t *before = copy_pages();

    db->read_only = true;
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_ERR(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)), JET_errDatabaseFileReadOnly);
    mtr_end(&m);
    db->read_only = false;

    inst_fail(inst, JET_errLogWriteFail);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)));
    CHECK_OK(mtr_new_page(&m, PAGES, 7, PAGE_LEAF, &p));
    CHECK_ERR(mtr_commit(&m, NULL, NULL), JET_errInstanceUnavailable);
    mtr_end(&m);

    atomic_store(&inst->failure, JET_errSuccess);
    struct log *log = inst->log;
    inst->log = NULL; /* as during redo */
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_delete(&m, p, 0, 0));
    CHECK_OK(mtr_set_links(&m, p, 1, 2));
    CU_ASSERT_TRUE(mtr_commit(&m, NULL, NULL) < JET_errSuccess);
    mtr_end(&m);
    inst->log = log;

    uint8_t *after = copy_pages();
    CU_ASSERT_EQUAL(memcmp(before, after, (PAGES + 1) * 4096), 0);
    free(before);
    free(after);
    tear_down();
}

static void mtr_commit__of_nothing_logs_nothing(void) {
    struct mtr m;
    struct page *p;
    lgpos_t begin = 1, end = 1;
    set_up(4096);
    lgpos_t tip = log_tip(inst->log);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_commit(&m, &begin, &end));
    mtr_end(&m);
    CU_ASSERT_EQUAL(begin, 0);
    CU_ASSERT_EQUAL(end, 0);
    CU_ASSERT_EQUAL(log_tip(inst->log), tip);
    tear_down();
}

static void mtr_new_page__of_a_freed_dirty_page_can_be_taken_back(void) {
    struct mtr m;
    struct page *p;
    struct page_ref ref;
    set_up(4096);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_new_page(&m, 3, 3, PAGE_LEAF | PAGE_EMPTY, &p)); /* freed */
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_new_page(&m, 3, 9, PAGE_LEAF, &p));
    CHECK_OK(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)));
    mtr_end(&m);
    CHECK_OK(cache_latch(db->pages, 3, LATCH_SHARED, &ref));
    CU_ASSERT_TRUE(page_flags(&ref.page) & PAGE_EMPTY);
    CU_ASSERT_EQUAL(page_dbtime(&ref.page), 1);
    cache_unlatch(&ref);
    CU_ASSERT_EQUAL(cache_dirty_pages(db->pages), 1);
    tear_down();
}

/* ---- redo ---- */

#define COMMITS 150u

/* Pages after each commit, to compare redo with. */
struct history {
    uint8_t *pages[COMMITS];
    lgpos_t begin[COMMITS];
    unsigned count;
};

static struct log_reader *open_reader(void) {
    struct log_reader *reader = NULL;
    struct log_reader_config config = {.dirs = {inst->config.log_dir}, .from = lgpos_make(1, 0)};
    CHECK_OK(log_flush(inst->log, log_tip(inst->log)));
    CHECK_OK(log_reader_open(&config, &reader));
    return reader;
}

static bool images_are_equal(const struct page *a, const struct page *b) {
    size_t n = page_image_bytes(a);
    uint8_t *x = malloc(n), *y = malloc(n);
    bool equal = page_image_bytes(b) == n;
    if (equal) {
        page_image_pack(a, x);
        page_image_pack(b, y);
        equal = memcmp(x + 8, y + 8, n - 8) == 0;
    }
    free(x);
    free(y);
    return equal;
}

/* Applies one record to `before` (all pages), compares with `after`. */
static void redo_and_compare(const struct log_record *record, uint8_t *before, const uint8_t *after,
                             unsigned counts[2]) {
    struct change change;
    struct change_page part;
    uint32_t size = db->page_size;
    CHECK_OK(change_decode(slice(record->data, record->bytes), &change));
    CU_ASSERT_EQUAL(change.dbid, 1);
    for (unsigned i = 0; i < change.page_count; i++) {
        CHECK_OK(change_next_page(&change.pages, &part));
        struct page p = {before + (size_t)part.pgno * size, size};
        struct page want = {(uint8_t *)(uintptr_t)after + (size_t)part.pgno * size, size};
        if (!part.has_image)
            CU_ASSERT_EQUAL(page_dbtime(&p), part.before);
        CHECK_OK(change_apply(&p, part.pgno, &part, change.dbtime));
        CU_ASSERT_EQUAL(page_dbtime(&p), change.dbtime);
        bool equal = part.has_image ? images_are_equal(&p, &want) : memcmp(p.b + 8, want.b + 8, size - 8) == 0;
        CU_ASSERT_TRUE_FATAL(equal);
        memcpy(p.b, want.b, size);
        counts[part.has_image]++;
    }
    CU_ASSERT_EQUAL(memcmp(before, after, (PAGES + 1) * (size_t)size), 0);
}

static void make_history(struct history *h) {
    struct mtr m;
    for (h->count = 0; h->count < COMMITS; h->count++) {
        mtr_begin(&m, db, NULL);
        random_changes(&m, test_random_below(20) ? 3 : 16);
        CHECK_OK(mtr_commit(&m, &h->begin[h->count], NULL));
        mtr_end(&m);
        h->pages[h->count] = copy_pages();
        if (test_random_below(15) == 0)
            CHECK_OK(cache_write(db->pages, UINT64_MAX));
    }
}

static void redo__of_each_record_gives_the_same_pages(void) {
    static struct history h;
    for (unsigned i = 0; i < 4; i++) {
        struct log_record record;
        unsigned counts[2] = {0}, n = 0;
        set_up(sizes[i]);
        uint8_t *pages = copy_pages();
        make_history(&h);
        struct log_reader *reader = open_reader();
        JET_ERR err;
        while ((err = log_reader_next(reader, &record)) >= JET_errSuccess) {
            while (n < h.count && h.begin[n] == 0)
                n++; /* changed nothing */
            CU_ASSERT_EQUAL_FATAL(record.type, LOGREC_CHANGE);
            CU_ASSERT_EQUAL_FATAL(record.begin, h.begin[n]);
            redo_and_compare(&record, pages, h.pages[n++], counts);
        }
        CHECK_ERR(err, JET_errNoCurrentRecord);
        CU_ASSERT_TRUE(counts[0] > 20 && counts[1] > 20);
        log_reader_close(reader);
        for (unsigned k = 0; k < h.count; k++)
            free(h.pages[k]);
        free(pages);
        tear_down();
    }
}

static bool last_record_has_image(void) {
    struct log_record record;
    struct change change;
    struct change_page part = {0};
    struct log_reader *reader = open_reader();
    while (log_reader_next(reader, &record) >= JET_errSuccess) {
        CHECK_OK(change_decode(slice(record.data, record.bytes), &change));
        CHECK_OK(change_next_page(&change.pages, &part));
    }
    log_reader_close(reader);
    return part.has_image;
}

static void insert_one(const char *key) {
    struct mtr m;
    struct page *p;
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_insert(&m, p, page_lines(p), 0, slice(key, strlen(key)), slice("d", 1)));
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
}

static void mtr_commit__first_change_since_a_write_is_an_image(void) {
    set_up(4096);
    insert_one("a");
    CU_ASSERT_TRUE(last_record_has_image());
    insert_one("b");
    CU_ASSERT_FALSE(last_record_has_image());
    CHECK_OK(cache_write(db->pages, UINT64_MAX));
    insert_one("c");
    CU_ASSERT_TRUE(last_record_has_image());
    tear_down();
}

/* ---- undo ---- */

static bool undo_is_equal(const struct undo *a, const struct undo *b) {
    return a->op == b->op && a->had_before == b->had_before && a->dbid == b->dbid && a->fdp == b->fdp &&
           a->parent_fdp == b->parent_fdp && a->objid == b->objid && slice_compare(a->key, b->key) == 0 &&
           slice_compare(a->before, b->before) == 0;
}

static void undo__travels_in_the_record(void) {
    struct undo undo = {UNDO_REPLACE, true, 1, 77, 1, 5, slice("key", 3), slice("old data", 8)};
    struct log_record record;
    struct change change;
    struct mtr m;
    struct page *p;
    set_up(4096);
    mtr_begin(&m, db, NULL);
    CHECK_OK(mtr_latch(&m, 1, &p));
    CHECK_OK(mtr_insert(&m, p, 0, 0, slice("k", 1), slice("d", 1)));
    mtr_set_undo(&m, &undo);
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);
    mtr_begin(&m, db, NULL);
    mtr_set_undo(&m, &undo); /* without a page */
    CHECK_OK(mtr_commit(&m, NULL, NULL));
    mtr_end(&m);

    struct log_reader *reader = open_reader();
    for (unsigned pages = 2; pages-- > 0;) {
        CHECK_OK(log_reader_next(reader, &record));
        CHECK_OK(change_decode(slice(record.data, record.bytes), &change));
        CU_ASSERT_EQUAL(change.page_count, pages);
        CU_ASSERT_TRUE(change.has_undo && undo_is_equal(&change.undo, &undo));
    }
    log_reader_close(reader);
    tear_down();
}

static void undo_decode__refuses_what_was_not_encoded(void) {
    struct undo undo = {UNDO_INSERT, false, 1, 77, 1, 5, slice("key", 3), slice(NULL, 0)}, back;
    uint8_t bytes[64];
    size_t n = undo_encoded_bytes(&undo);
    undo_encode(&undo, bytes);
    CHECK_OK(undo_decode(slice(bytes, n), &back));
    CU_ASSERT_TRUE(undo_is_equal(&undo, &back));
    for (size_t cut = 0; cut < n; cut++)
        CHECK_ERR(undo_decode(slice(bytes, cut), &back), JET_errLogFileCorrupt);
    CHECK_ERR(undo_decode(slice(bytes, n + 1), &back), JET_errLogFileCorrupt);
    bytes[0] = 99;
    CHECK_ERR(undo_decode(slice(bytes, n), &back), JET_errLogFileCorrupt);
}

/* ---- damaged records ---- */

/* Decodes and applies whatever the bytes are; what it accepts must be good pages. */
static void apply_anything(struct slice payload, const uint8_t *pages, uint8_t *scratch) {
    struct change change;
    struct change_page part;
    char text[300];
    (void)logrec_print(LOGREC_CHANGE, payload, text, sizeof text);
    CU_ASSERT_TRUE(strlen(text) < sizeof text);
    if (change_decode(payload, &change) < JET_errSuccess)
        return;
    while (change.pages.n && change_next_page(&change.pages, &part) >= JET_errSuccess) {
        struct page p = {scratch, db->page_size};
        if (part.pgno > PAGES)
            continue;
        memcpy(scratch, pages + (size_t)part.pgno * db->page_size, db->page_size);
        if (change_apply(&p, part.pgno, &part, change.dbtime) >= JET_errSuccess)
            CU_ASSERT_TRUE_FATAL(page_check(&p, NULL) >= JET_errSuccess);
    }
}

static void change_apply__survives_any_damage(void) {
    static struct history h;
    struct log_record record;
    for (unsigned i = 0; i < 4; i += 3) {
        set_up(sizes[i]);
        make_history(&h);
        struct log_reader *reader = open_reader();
        uint8_t *bytes = malloc(17 * 40000), *scratch = malloc(sizes[i]);
        for (unsigned n = 0; log_reader_next(reader, &record) >= JET_errSuccess; n++) {
            for (unsigned k = 0; k < 60 && record.bytes <= 17 * 40000; k++) {
                memcpy(bytes, record.data, record.bytes);
                for (unsigned flips = 0; flips <= k % 3; flips++)
                    bytes[test_random_below(test_random_below(2) ? record.bytes
                                                                 : (record.bytes < 120 ? record.bytes : 120))] =
                        (uint8_t)test_random();
                apply_anything(slice(bytes, record.bytes - (k % 10 == 0 ? test_random_below(record.bytes) : 0)),
                               h.pages[n > 0 ? n - 1 : 0], scratch);
            }
        }
        log_reader_close(reader);
        free(bytes);
        free(scratch);
        for (unsigned k = 0; k < h.count; k++)
            free(h.pages[k]);
        tear_down();
    }
}

/* ---- printers ---- */

static void logrec_print__has_a_line_for_every_type(void) {
    char text[200], whole[200];
    uint8_t path[38 + 5] = {1, 0, 0, 0, 0, 0x10};
    uint8_t backup[28] = {1, 1, 2};
    store16(path + 36, 5);
    memcpy(path + 38, "/x/y/", 5);
    store32(backup + 20, 3);
    store32(backup + 24, 9);
    const struct {
        uint8_t type;
        struct slice payload;
        const char *want;
    } rows[] = {
        {LOGREC_COMMIT, slice("\7\0\0\0\0\0\0\0", 8), "commit trx 7"},
        {LOGREC_ROLLBACK, slice("\7\0\0\0\0\0\0\0", 8), "rollback trx 7"},
        {LOGREC_CREATE_DB, slice(path, sizeof path), "create db 1 page size 4096 signature 00000000 path /x/y/"},
        {LOGREC_ATTACH_DB, slice(path, sizeof path), "attach db 1 page size 4096 signature 00000000 path /x/y/"},
        {LOGREC_DETACH_DB, slice("\3", 1), "detach db 3"},
        {LOGREC_BACKUP, slice(backup, 28), "backup begin full db 2 generations 3 to 9"},
        {LOGREC_INIT, slice("\0\0\0\0\0\0\0\0", 8), "init never"},
        {LOGREC_TERM, slice("\0\0\0\0\0\0\0\0", 8), "term never"},
        {LOGREC_COMMIT, slice("\7", 1), " DAMAGED (type 3, 1 bytes)"},
        {LOGREC_CREATE_DB, slice(path, 20), " DAMAGED (type 5, 20 bytes)"},
        {99, slice("", 0), "type 99 DAMAGED (type 99, 0 bytes)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int n = logrec_print(rows[i].type, rows[i].payload, whole, sizeof whole);
        CU_ASSERT_STRING_EQUAL(whole, rows[i].want);
        CU_ASSERT_EQUAL((size_t)n, strlen(rows[i].want));
        CU_ASSERT_EQUAL(logrec_print(rows[i].type, rows[i].payload, text, 6), n);
        CU_ASSERT_EQUAL(strlen(text), 5);
        CU_ASSERT_EQUAL(logrec_print(rows[i].type, rows[i].payload, NULL, 0), n);
    }
}

static void logrec_print__tells_a_change(void) {
    struct log_record record;
    char text[400];
    set_up(4096);
    insert_one("a");
    insert_one("b");
    struct log_reader *reader = open_reader();
    CHECK_OK(log_reader_next(reader, &record));
    CHECK_OK(log_reader_next(reader, &record));
    logrec_print(record.type, slice(record.data, record.bytes), text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "change db 1 dbtime 2 trx 0 | page 1 (1) insert line 1 key 62 data 1 bytes");
    log_reader_close(reader);
    tear_down();
}

TEST_MAIN(TEST(mtr_end__without_commit_puts_every_page_back), TEST(mtr_latch__bad_page_leaves_the_rest_usable),
          TEST(mtr_insert__no_room_changes_nothing), TEST(mtr_commit__is_refused_where_nothing_may_change),
          TEST(mtr_commit__of_nothing_logs_nothing), TEST(mtr_new_page__of_a_freed_dirty_page_can_be_taken_back),
          TEST(redo__of_each_record_gives_the_same_pages), TEST(mtr_commit__first_change_since_a_write_is_an_image),
          TEST(undo__travels_in_the_record), TEST(undo_decode__refuses_what_was_not_encoded),
          TEST(change_apply__survives_any_damage), TEST(logrec_print__has_a_line_for_every_type),
          TEST(logrec_print__tells_a_change))
