/* Files whose bytes were changed behind good checksums: every table is opened and read, and some are written to.
 * Whatever comes back is an error; nothing may crash, hang or read out of bounds (P14). */
#include "base/checksum.h"
#include "tests/lib/testcat.h"

struct image {
    uint8_t *bytes;
    size_t n;
};

static struct image load(const char *path) {
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fseek(file, 0, SEEK_END), 0);
    struct image image = {.n = (size_t)ftell(file)};
    rewind(file);
    image.bytes = malloc(image.n);
    CU_ASSERT_EQUAL_FATAL(fread(image.bytes, 1, image.n, file), image.n);
    fclose(file);
    return image;
}

static void store(const char *path, const uint8_t *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, n, file), n);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

/* Changes a few bytes of used pages. */
static void damage(uint8_t *bytes, size_t n, uint32_t page_size) {
    uint32_t pages = (uint32_t)(n / page_size) - 2;
    for (uint64_t changes = 1 + test_random_below(4); changes > 0;) {
        uint32_t pgno = 1 + (uint32_t)test_random_below(pages);
        uint8_t *page = bytes + (size_t)(pgno + 1) * page_size;
        if (load64(page) == 0)
            continue;
        size_t used = load16(page + 32) + page_header_bytes(page_size), at;
        if (test_random_below(4) == 0)
            at = page_size - 1 - (size_t)test_random_below(4 * (load16(page + 34) & 0xfff));
        else
            at = 16 + (size_t)test_random_below(used > 16 ? used - 16 : 1);
        if (at >= page_size)
            continue;
        page[at] = test_random_below(2) ? (uint8_t)test_random() : (uint8_t)(page[at] ^ 1u << test_random_below(8));
        page_sum_set(page, page_size, pgno);
        changes--;
    }
}

struct table_names {
    char name[64][65];
    unsigned count;
};
static JET_ERR take_name(void *context, const struct cat_record *table) {
    struct table_names *names = context;
    size_t n = table->name.n < 64 ? table->name.n : 64;
    if (names->count == 64)
        return JET_errSuccess;
    memcpy(names->name[names->count], table->name.p, n);
    names->name[names->count++][n] = 0;
    return JET_errSuccess;
}

static unsigned failures, reads;

static void read_row(struct cursor *c, const struct table_def *def) {
    static uint8_t out[4096];
    for (unsigned i = 0; i < def->column_count; i++) {
        struct retrieve r = {.fid = def->columns[i].fid, .itag = 1, .out = out, .out_bytes = sizeof out};
        failures += cursor_retrieve(c, &r) < JET_errSuccess;
        r.itag = 0;
        failures += cursor_retrieve(c, &r) < JET_errSuccess;
        reads++;
    }
}

static void read_table(struct session *s, struct db *db, const char *name) {
    struct cursor *c;
    const struct table_def *def;
    unsigned rows = 0;

    if (cursor_open(s, db, name, 0, &c) < JET_errSuccess) {
        failures++;
        return;
    }
    JET_ERR err = cursor_move(c, (int32_t)JET_MoveFirst, 0);
    for (; err >= JET_errSuccess && rows < 5000; rows++, err = cursor_move(c, 1, 0))
        if (cursor_table(c, &def) >= JET_errSuccess)
            read_row(c, def);
    failures += err < JET_errSuccess && err != JET_errNoCurrentRecord;
    err = cursor_move(c, JET_MoveLast, 0);
    while (err >= JET_errSuccess && rows-- > 0)
        err = cursor_move(c, -1, 0);
    cursor_close(c);
}

static void write_table(struct session *s, struct db *db, const char *name) {
    struct cursor *c;

    CHECK_OK(trx_begin(s, false));
    if (cursor_open(s, db, name, 0, &c) >= JET_errSuccess) {
        failures += cursor_prepare(c, JET_prepInsert) < JET_errSuccess || cursor_update(c, NULL) < JET_errSuccess;
        if (cursor_move(c, (int32_t)JET_MoveFirst, 0) >= JET_errSuccess)
            failures += cursor_delete(c) < JET_errSuccess;
        cursor_close(c);
    }
    failures += cat_delete_table(s, db, name) < JET_errSuccess;
    failures += trx_rollback(s, true) < JET_errSuccess;
}

static void try_one(const struct image *image, uint32_t page_size, bool write) {
    static uint8_t *copy;
    struct table_names names = {.count = 0};
    struct db *db = NULL;
    struct testcat f = testcat_new(page_size);

    copy = realloc(copy, image->n);
    memcpy(copy, image->bytes, image->n);
    damage(copy, image->n, page_size);
    store(test_path("damaged.edb"), copy, image->n);
    os_mutex_lock(&f.inst->mutex);
    JET_ERR err = db_attach(f.inst, test_path("damaged.edb"), !write, &db);
    os_mutex_unlock(&f.inst->mutex);
    failures += err < JET_errSuccess;
    if (err >= JET_errSuccess) {
        failures += cat_each_table(f.s[0], db, take_name, &names) < JET_errSuccess;
        for (unsigned i = 0; i < names.count; i++)
            read_table(f.s[0], db, names.name[i]);
        for (unsigned i = 0; write && i < names.count; i++)
            write_table(f.s[0], db, names.name[i]);
        os_mutex_lock(&f.inst->mutex);
        db_abandon(db);
        os_mutex_unlock(&f.inst->mutex);
    }
    for (unsigned i = 0; i < TESTCAT_SESSIONS; i++)
        failures += session_end(f.s[i]) < JET_errSuccess;
    trx_system_free(f.inst->trx);
    cache_free(f.inst->cache);
    log_close(f.inst->log);
    os_mutex_done(&f.inst->mutex);
    free(f.inst);
}

static void try_file(const char *name, unsigned rounds, bool write) {
    const char *path = test_windows_file(name);
    if (!path)
        return;
    struct image image = load(path);
    failures = reads = 0;
    for (unsigned i = 0; i < rounds; i++)
        try_one(&image, 4096, write);
    printf("%s: %u rounds, %u values read, %u failures\n", name, rounds, reads, failures);
    CU_ASSERT_TRUE(reads > 0);
    free(image.bytes);
}

static void damaged_values__give_errors(void) {
    try_file("multi.edb", 60, false);
}
static void damaged_text__gives_errors(void) {
    try_file("text.edb", 40, false);
}
static void damaged_defaults__give_errors(void) {
    try_file("default.edb", 40, false);
}
static void damaged_many_tables__give_errors(void) {
    try_file("SRUDB.dat", 20, false);
}
static void damaged_tables__can_be_written_to_or_not(void) {
    try_file("basic.edb", 60, true);
}

TEST_MAIN(TEST(damaged_values__give_errors), TEST(damaged_text__gives_errors), TEST(damaged_defaults__give_errors),
          TEST(damaged_many_tables__give_errors), TEST(damaged_tables__can_be_written_to_or_not))
