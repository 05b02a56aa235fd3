/* Every byte of each file of a backup set is changed in turn, and it is cut everywhere: a restore gives all rows, or a
 * documented error, and what it leaves then cannot be attached. P13 P14.
 * ESENT_FLIPS: how many changes of each file (0: all). */
#include <stdio.h>
#include <string.h>

#include "backup/set.h"
#include "tests/lib/disk.h"
#include "tests/lib/flips.h"
#include "tests/lib/smalldb.h"
#include "tests/lib/test.h"

#define AT_FULL 12u
#define TRANSACTIONS 30u

static struct disk_image *make(void) {
    struct smalldb s = {.dir = "/w", .page_size = 4096};
    disk_install(test_random());
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_create(&s));
    for (uint32_t n = 1; n <= TRANSACTIONS; n++) {
        CHECK_OK(smalldb_change(&s, n));
        if (n == AT_FULL)
            CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    }
    CHECK_OK(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
    CHECK_OK(smalldb_stop(&s, 0));
    disk_delete("/w");
    return disk_save();
}

/* docs/faults.md has them. */
static bool is_documented(JET_ERR err) {
    switch (err) {
    case JET_errInvalidBackup:
    case JET_errReadVerifyFailure:
    case JET_errBadBackupDatabaseSize:
    case JET_errLogReadVerifyFailure:
        return true;
    default:
        return false;
    }
}

/* Is there no database, or one that cannot be used? */
static bool is_kept_away(void) {
    struct smalldb s = {.dir = "/r", .page_size = 4096};
    if (!disk_exists("/r/data/a.edb"))
        return true;
    JET_ERR err = smalldb_start(&s);
    if (err >= JET_errSuccess)
        err = smalldb_attach(&s);
    const JET_ERR ended = smalldb_stop(&s, 0);
    (void)ended;
    return err < JET_errSuccess;
}

static enum flip_outcome look(JET_ERR *err) {
    struct smalldb s = {.dir = "/r", .page_size = 4096};
    uint32_t n = 0;
    bool wrong = false;
    const uint64_t digest = disk_digest("/set");
    *err = smalldb_restore(&s, "/set");
    if (disk_digest("/set") != digest || disk_open_files())
        return FLIP_WRONG;
    if (*err < JET_errSuccess)
        return is_documented(*err) && is_kept_away() ? FLIP_ERROR : FLIP_WRONG;
    *err = smalldb_use(&s, &n, &wrong);
    const JET_ERR ended = smalldb_stop(&s, 0);
    return *err >= JET_errSuccess && ended >= JET_errSuccess && !wrong && n == TRANSACTIONS ? FLIP_CORRECT : FLIP_WRONG;
}

static void try_file(const struct disk_image *image, const char *name, uint64_t count) {
    char path[64];
    snprintf(path, sizeof path, "/set/%s", name);
    const struct flips flips = {.what = path, .path = path, .image = image, .look = look, .count = flips_count(count)};
    struct flips_result r = flips_run(&flips);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_WRONG], 0);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_ERROR], r.tried); /* everything is covered by a sum */
}

static void backup_set__any_byte_changed_is_found_by_a_restore(void) {
    struct disk_image *image = make();
    struct set set;
    CHECK_OK(set_read("/set", &set));
    for (uint32_t i = 0; i < set.file_count; i++)
        try_file(image, set.files[i].name, set.files[i].is_log ? 2000 : 8000);
    try_file(image, SET_MANIFEST, 4000);
    set_done(&set);
    disk_image_free(image);
    disk_done();
}

TEST_MAIN(TEST(backup_set__any_byte_changed_is_found_by_a_restore))
