/* Every byte of the log files and of the checkpoint is changed in turn, and they are cut everywhere, after a crash and
 * after a clean stop: everything that was committed is there, or a documented error; but for damage to the very last
 * record after a crash, which cannot be told from a torn write. P8 P14.
 * ESENT_FLIPS: how many changes of each file (0: all). */
#include <stdio.h>
#include <string.h>

#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/flips.h"
#include "tests/lib/smalldb.h"
#include "tests/lib/test.h"

#define BEFORE 10u /* transactions before a clean stop */
#define TRANSACTIONS 40u

static bool crashed;

static struct smalldb small(void) {
    return (struct smalldb){.dir = "/w", .page_size = 4096};
}

/* A log of several files. The checkpoint is at the start of the second run. */
static struct disk_image *make(void) {
    struct smalldb s = small();
    disk_install(test_random());
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_create(&s));
    for (uint32_t n = 1; n <= TRANSACTIONS; n++) {
        if (n == BEFORE + 1) {
            CHECK_OK(smalldb_stop(&s, 0));
            CHECK_OK(smalldb_start(&s));
            CHECK_OK(smalldb_attach(&s));
        }
        CHECK_OK(smalldb_change(&s, n));
    }
    CHECK_OK(smalldb_stop(&s, crashed ? JET_bitTermDirty : 0));
    return disk_save();
}

/* docs/faults.md has them. */
static bool is_documented(JET_ERR err) {
    switch (err) {
    case JET_errLogFileCorrupt:
    case JET_errLogFileSizeMismatch:
        return true;
    default:
        return false;
    }
}

static enum flip_outcome look(JET_ERR *err) {
    struct smalldb s = small();
    uint32_t n = TRANSACTIONS;
    bool wrong = false;
    *err = smalldb_use(&s, &n, &wrong);
    const JET_ERR ended = smalldb_stop(&s, 0);
    if (*err >= JET_errSuccess)
        *err = ended;
    if (wrong || disk_open_files())
        return FLIP_WRONG;
    if (*err < JET_errSuccess)
        return is_documented(*err) ? FLIP_ERROR : FLIP_WRONG;
    if (n == TRANSACTIONS)
        return FLIP_CORRECT;
    return crashed && n == TRANSACTIONS - 1 ? FLIP_TAIL : FLIP_WRONG;
}

static struct flips_result try_file(const struct disk_image *image, const char *path, uint64_t count) {
    char what[64];
    snprintf(what, sizeof what, "%s after a %s", strrchr(path, '/') + 1, crashed ? "crash" : "clean stop");
    const struct flips flips = {.what = what, .path = path, .image = image, .look = look, .count = flips_count(count)};
    struct flips_result r = flips_run(&flips);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_WRONG], 0);
    return r;
}

static void play(bool crash) {
    struct log_range range;
    char path[64];
    crashed = crash;
    struct disk_image *image = make();
    const struct log_dir dir = {.path = "/w/system", .base = "edb"};
    CHECK_OK(log_dir_scan(&dir, &range));
    CU_ASSERT(range.current > range.low);
    for (lggen_t gen = range.low; gen <= range.high; gen++) {
        snprintf(path, sizeof path, "/w/system/edb%05X.log", gen);
        struct flips_result r = try_file(image, path, 2000);
        CU_ASSERT_EQUAL(r.outcomes[FLIP_TAIL], 0);
    }
    struct flips_result last = try_file(image, "/w/system/edb.log", 4000);
    CU_ASSERT(last.outcomes[FLIP_TAIL] < 100); /* of one record */
    struct flips_result checkpoint = try_file(image, "/w/system/edb.chk", 4000);
    CU_ASSERT_EQUAL(checkpoint.outcomes[FLIP_CORRECT], checkpoint.tried);
    disk_image_free(image);
    disk_done();
}

static void log_after_a_crash__any_byte_changed_gives_what_was_committed_or_an_error(void) {
    play(true);
}
static void log_after_a_clean_stop__any_byte_changed_gives_everything_or_an_error(void) {
    play(false);
}

TEST_MAIN(TEST(log_after_a_crash__any_byte_changed_gives_what_was_committed_or_an_error),
          TEST(log_after_a_clean_stop__any_byte_changed_gives_everything_or_an_error))
