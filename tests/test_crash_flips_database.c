/* Every byte of a database is changed in turn, and it is cut everywhere: right rows, right rows after a correction, or
 * a documented error. P14. ESENT_FLIPS: how many changes of each file (0: all). */
#include <stdio.h>
#include <string.h>

#include "tests/lib/disk.h"
#include "tests/lib/flips.h"
#include "tests/lib/smalldb.h"
#include "tests/lib/test.h"

#define TRANSACTIONS 25u

static uint32_t page_size;

/* ---- what is there ---- */

static struct disk_image *make(JET_GRBIT how) {
    struct smalldb s = {.dir = "/w", .page_size = page_size};
    disk_install(test_random());
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_create(&s));
    for (uint32_t n = 1; n <= TRANSACTIONS; n++) {
        if (how == JET_bitTermDirty && n == 10) { /* the log begins in the middle of its life */
            CHECK_OK(smalldb_stop(&s, 0));
            CHECK_OK(smalldb_start(&s));
            CHECK_OK(smalldb_attach(&s));
        }
        CHECK_OK(smalldb_change(&s, n));
    }
    CHECK_OK(smalldb_stop(&s, how));
    return disk_save();
}

/* ---- what comes of it ---- */

/* docs/faults.md has them. */
static bool is_documented(JET_ERR err) {
    switch (err) {
    case JET_errReadVerifyFailure:
    case JET_errReadPgnoVerifyFailure:
    case JET_errDatabaseCorrupted:
    case JET_errFileIOBeyondEOF:
    case JET_errPageNotInitialized: /* cut, and made as long as the log says */
        return true;
    default:
        return false;
    }
}

/* What was backed up, restored elsewhere. */
static bool restores(void) {
    struct smalldb s = {.dir = "/r", .page_size = page_size};
    uint32_t n = 0;
    bool wrong = false;
    if (smalldb_restore(&s, "/b") < JET_errSuccess)
        return false;
    const JET_ERR err = smalldb_use(&s, &n, &wrong), ended = smalldb_stop(&s, 0);
    return err >= JET_errSuccess && ended >= JET_errSuccess && !wrong && n == TRANSACTIONS;
}

static enum flip_outcome look(JET_ERR *out) {
    static unsigned turn;
    struct smalldb s = {.dir = "/w", .page_size = page_size};
    uint32_t n = TRANSACTIONS;
    bool wrong = false;
    JET_ERR err = smalldb_use(&s, &n, &wrong);
    if (err >= JET_errSuccess)
        err = JetBackupInstance(s.instance, "/b", 0, NULL);
    JET_ERR ended = smalldb_stop(&s, 0);
    *out = err = err < JET_errSuccess ? err : ended;
    if (wrong || n != TRANSACTIONS || disk_open_files() || (err < JET_errSuccess && !is_documented(err)))
        return FLIP_WRONG;
    if (err < JET_errSuccess)
        return FLIP_ERROR;
    if (turn++ % 16 == 0 && !restores())
        return FLIP_WRONG;
    return s.corrected ? FLIP_CORRECTED : FLIP_CORRECT;
}

static void play(const char *what, JET_GRBIT how, uint32_t size, uint64_t count) {
    struct flips flips = {.what = what, .path = "/w/data/a.edb", .look = look, .count = flips_count(count)};
    page_size = size;
    struct disk_image *image = make(how);
    flips.image = image;
    struct flips_result r = flips_run(&flips);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_WRONG], 0);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_TAIL], 0);
    CU_ASSERT(r.outcomes[FLIP_CORRECT] && r.outcomes[FLIP_CORRECTED] && r.outcomes[FLIP_ERROR]);
    disk_image_free(image);
    disk_done();
}

static void clean_database__any_byte_changed_gives_right_rows_or_an_error(void) {
    play("clean database, pages of 4 KiB", 0, 4096, 8000);
}
static void clean_database__of_large_pages_gives_right_rows_or_an_error(void) {
    play("clean database, pages of 32 KiB", 0, 32768, 4000);
}
static void dirty_database__any_byte_changed_gives_right_rows_or_an_error(void) {
    play("database after a crash", JET_bitTermDirty, 4096, 8000);
}

TEST_MAIN(TEST(clean_database__any_byte_changed_gives_right_rows_or_an_error),
          TEST(clean_database__of_large_pages_gives_right_rows_or_an_error),
          TEST(dirty_database__any_byte_changed_gives_right_rows_or_an_error))
