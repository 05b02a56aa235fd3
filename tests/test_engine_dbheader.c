/* The database header: its two copies, what Windows wrote, what JET_DBINFOMISC gets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "engine/dbheader.h"
#include "tests/lib/test.h"

static const uint32_t sizes[] = {4096, 8192, 16384, 32768};

static struct os_file *new_file(uint32_t size, struct dbheader *block) {
    struct os_file *file = NULL;
    JET_SIGNATURE signature = clock_signature();
    CHECK_OK(os_open(test_path("h.edb"), OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CHECK_OK(os_resize(file, 10ull * size));
    dbheader_init(block, size, &signature);
    CHECK_OK(dbheader_write(file, block));
    return file;
}

static void flip(struct os_file *file, uint64_t offset) {
    uint8_t b;
    CHECK_OK(os_read(file, offset, &b, 1));
    b ^= 0x40;
    CHECK_OK(os_write(file, offset, &b, 1));
}

/* A changed dword in both copies, under a good checksum. */
static void patch(struct os_file *file, uint32_t size, size_t at, uint32_t value) {
    uint8_t *block = malloc(size);
    CHECK_OK(os_read(file, 0, block, size));
    store32(block + at, value);
    store32(block, sum_header(block, size));
    CHECK_OK(os_write(file, 0, block, size));
    CHECK_OK(os_write(file, size, block, size));
    free(block);
}

static void dbheader__new_one_is_read_back(void) {
    struct dbheader *block = malloc(PAGE_SIZE_MAX), *back = malloc(PAGE_SIZE_MAX);
    for (unsigned i = 0; i < 4; i++) {
        unsigned bad = 9;
        struct os_file *file = new_file(sizes[i], block);
        memset(back, 0xee, PAGE_SIZE_MAX);
        CHECK_OK(dbheader_read(file, back, &bad));
        CU_ASSERT_EQUAL(bad, 0);
        CU_ASSERT_EQUAL(memcmp(block, back, sizes[i]), 0);
        CU_ASSERT_EQUAL(le32(back->state), JET_dbstateJustCreated);
        CU_ASSERT_EQUAL(le32(back->version), 0x620);
        CU_ASSERT_EQUAL(le32(back->revision), 20);
        CU_ASSERT_EQUAL(le32(back->create_update), 20);
        CU_ASSERT_EQUAL(le32(back->page_size), sizes[i]);
        CHECK_OK(dbheader_read(file, back, NULL));
        os_close(file);
    }
    free(block);
    free(back);
}

static void dbheader_read__takes_the_copy_that_is_good(void) {
    struct dbheader *block = malloc(PAGE_SIZE_MAX), *back = malloc(PAGE_SIZE_MAX);
    for (unsigned i = 0; i < 4; i++) {
        unsigned bad = 9;
        struct os_file *file = new_file(sizes[i], block);
        flip(file, sizes[i] + 300);
        CHECK_OK(dbheader_read(file, back, &bad));
        CU_ASSERT_EQUAL(bad, 2);
        CHECK_OK(dbheader_write(file, back));
        CHECK_OK(dbheader_read(file, back, &bad));
        CU_ASSERT_EQUAL(bad, 0);
        flip(file, 300);
        CHECK_OK(dbheader_read(file, back, &bad));
        CU_ASSERT_EQUAL(bad, 1);
        CU_ASSERT_EQUAL(memcmp(block, back, sizes[i]), 0);
        flip(file, sizes[i] + 300);
        CHECK_ERR(dbheader_read(file, back, &bad), JET_errDatabaseCorrupted);
        os_close(file);
    }
    free(block);
    free(back);
}

static void dbheader_read__no_header_is_corrupted(void) {
    struct dbheader *back = malloc(PAGE_SIZE_MAX);
    static const uint64_t lengths[] = {0, 1, 4095, 4096, 8191, 8192, 100000};
    struct os_file *file = NULL;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        CHECK_OK(os_open(test_path("none.edb"), OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
        CHECK_OK(os_resize(file, lengths[i]));
        CHECK_ERR(dbheader_read(file, back, NULL), JET_errDatabaseCorrupted);
        os_close(file);
    }
    free(back);
}

static void dbheader_read__file_cut_to_one_header_is_corrupted(void) {
    struct dbheader *block = malloc(PAGE_SIZE_MAX);
    struct os_file *file = new_file(8192, block);
    CHECK_OK(os_resize(file, 2 * 8192 - 1));
    CHECK_ERR(dbheader_read(file, block, NULL), JET_errDatabaseCorrupted);
    os_close(file);
    free(block);
}

static void dbheader_read__names_what_it_cannot_take(void) {
    struct dbheader *block = malloc(PAGE_SIZE_MAX);
    struct os_file *file = new_file(4096, block);
    static const struct {
        size_t at;
        uint32_t value, good;
        JET_ERR err;
    } rows[] = {
        {8, 0x621, 0x620, JET_errInvalidDatabaseVersion},  {232, 21, 20, JET_errInvalidDatabaseVersion},
        {232, 300, 20, JET_errInvalidDatabaseVersion},     {4, 0x12345678, DB_MAGIC, JET_errDatabaseCorrupted},
        {236, 0, 4096, JET_errDatabaseCorrupted},          {236, 5000, 4096, JET_errDatabaseCorrupted},
        {236, 0xffffffff, 4096, JET_errDatabaseCorrupted},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        patch(file, 4096, rows[i].at, rows[i].value);
        CHECK_ERR(dbheader_read(file, block, NULL), rows[i].err);
        patch(file, 4096, rows[i].at, rows[i].good);
        CHECK_OK(dbheader_read(file, block, NULL));
    }
    os_close(file);
    free(block);
}

static void dbheader_check__takes_no_damage_for_a_header(void) {
    uint8_t *block = malloc(PAGE_SIZE_MAX);
    JET_SIGNATURE signature = clock_signature();
    dbheader_init((struct dbheader *)(void *)block, 4096, &signature);
    store32(block, sum_header(block, 4096));
    CHECK_OK(dbheader_check(block, 4096));
    CHECK_ERR(dbheader_check(block, 4095), JET_errDatabaseCorrupted);
    for (size_t at = 0; at < 4096; at++) {
        uint8_t old = block[at];
        block[at] ^= (uint8_t)(1 + test_random_below(255));
        CU_ASSERT_TRUE(dbheader_check(block, 4096) < JET_errSuccess);
        block[at] = old;
    }
    free(block);
}

static void dbheader_set_state__moves_the_generations_along(void) {
    struct dbheader *h = malloc(PAGE_SIZE_MAX);
    JET_SIGNATURE signature = clock_signature();
    JET_LOGTIME now = clock_logtime(), stored;
    dbheader_init(h, 4096, &signature);
    dbheader_set_state(h, JET_dbstateDirtyShutdown, 17, &now);
    CU_ASSERT_EQUAL(le32(h->gen_min_required), 17);
    CU_ASSERT_EQUAL(le32(h->gen_max_required), 17);
    CU_ASSERT_EQUAL(le32(h->gen_max_committed), 17);
    CU_ASSERT_EQUAL(le32(h->gen_min_consistent), 17);
    stored = disk_logtime_load(&h->time_gen_max_create);
    CU_ASSERT_EQUAL(memcmp(&stored, &now, 8), 0);
    dbheader_set_state(h, JET_dbstateCleanShutdown, 0, NULL);
    CU_ASSERT_EQUAL(le32(h->state), 3);
    CU_ASSERT_EQUAL(le32(h->gen_min_required), 0);
    CU_ASSERT_EQUAL(le32(h->gen_max_committed), 0);
    stored = disk_logtime_load(&h->time_gen_max_create);
    CU_ASSERT_EQUAL(clock_logtime_ms(&stored), 0);
    free(h);
}

static void dbheader_misc__fills_the_struct_that_fits(void) {
    struct dbheader *h = malloc(PAGE_SIZE_MAX);
    JET_SIGNATURE signature = clock_signature();
    JET_DBINFOMISC7 m;
    dbheader_init(h, 8192, &signature);
    dbheader_set_state(h, JET_dbstateDirtyShutdown, 5, NULL);
    h->db_flags = to_le32(2);
    h->ecc_fix_success = to_le32(3);
    disk_lgpos_store(&h->lgpos_attach, lgpos_make(5, 3 * 4096 + 40));
    h->full_prev.gen_high = to_le32(4);
    store32((uint8_t *)h + 572, 0x00020001);
    CU_ASSERT_EQUAL(disk_lgpos_get(&h->lgpos_attach), lgpos_make(5, 3 * 4096 + 40));
    memset(&m, 0xee, sizeof m);
    dbheader_misc(h, &m, sizeof m);
    CU_ASSERT_EQUAL(m.ulVersion, 0x620);
    CU_ASSERT_EQUAL(m.ulUpdate, 20);
    CU_ASSERT_EQUAL(memcmp(&m.signDb, &signature, 28), 0);
    CU_ASSERT_EQUAL(m.dbstate, JET_dbstateDirtyShutdown);
    CU_ASSERT_EQUAL(m.lgposAttach.lGeneration, 5);
    CU_ASSERT_EQUAL(m.lgposAttach.isec, 3);
    CU_ASSERT_EQUAL(m.lgposAttach.ib, 40);
    CU_ASSERT_EQUAL(m.bkinfoFullPrev.genHigh, 4);
    CU_ASSERT_EQUAL(m.fShadowingDisabled, 0);
    CU_ASSERT_EQUAL(m.fUpgradeDb, 1);
    CU_ASSERT_EQUAL(m.cbPageSize, 8192);
    CU_ASSERT_EQUAL(m.genMaxRequired, 5);
    CU_ASSERT_EQUAL(m.ulECCFixSuccess, 3);
    CU_ASSERT_EQUAL(m.genCommitted, 5);
    CU_ASSERT_EQUAL(m.lgposLastReAttach.ib, 1);

    memset(&m, 0xee, sizeof m);
    dbheader_misc(h, &m, sizeof(JET_DBINFOMISC4) + 3);
    CU_ASSERT_EQUAL(m.genCommitted, 5);
    CU_ASSERT_EQUAL(((uint8_t *)&m)[sizeof(JET_DBINFOMISC4)], 0xee);
    free(h);
}

static void dbheader__reads_and_rewrites_what_windows_wrote(void) {
    static const char *const names[] = {"Catalog1.edb", "Current.mdb", "SRUDB.dat", "basic.edb", "binary.edb",
                                        "default.edb",  "index.edb",   "large.edb", "multi.edb", "text.edb"};
    struct dbheader *h = malloc(PAGE_SIZE_MAX), *again = malloc(PAGE_SIZE_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = test_windows_file(names[i]);
        struct os_file *file = NULL;
        unsigned bad = 9;
        if (!path)
            break;
        CHECK_OK(os_open(path, OS_WRITE, &file));
        CHECK_OK(dbheader_read(file, h, &bad));
        CU_ASSERT_EQUAL(bad, 0);
        CU_ASSERT_EQUAL(le32(h->page_size), strcmp(names[i], "large.edb") == 0 ? 32768 : 4096);
        CU_ASSERT_EQUAL(le32(h->revision), 20);
        CU_ASSERT_TRUE(le32(h->objid_last) > 0);
        CHECK_OK(dbheader_write(file, h));
        CHECK_OK(dbheader_read(file, again, &bad));
        CU_ASSERT_EQUAL(memcmp(h, again, PAGE_SIZE_MAX), 0);
        flip(file, 20);
        CHECK_OK(dbheader_read(file, again, &bad));
        CU_ASSERT_EQUAL(bad, 1);
        CU_ASSERT_EQUAL(memcmp(h, again, PAGE_SIZE_MAX), 0);
        os_close(file);
    }
    free(h);
    free(again);
}

TEST_MAIN(TEST(dbheader__new_one_is_read_back), TEST(dbheader_read__takes_the_copy_that_is_good),
          TEST(dbheader_read__no_header_is_corrupted), TEST(dbheader_read__file_cut_to_one_header_is_corrupted),
          TEST(dbheader_read__names_what_it_cannot_take), TEST(dbheader_check__takes_no_damage_for_a_header),
          TEST(dbheader_set_state__moves_the_generations_along), TEST(dbheader_misc__fills_the_struct_that_fits),
          TEST(dbheader__reads_and_rewrites_what_windows_wrote))
