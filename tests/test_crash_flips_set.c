/* Every byte of each file of a backup set is changed in turn, and it is cut everywhere: a restore gives all rows, or a
 * documented error, and what it leaves then cannot be attached. With the manifest, whose sums find everything, and
 * without, as an external restore has it. P13 P14.
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
    case JET_errDatabaseCorrupted: /* from here on: without the manifest */
    case JET_errBadPatchPage:
    case JET_errLogFileCorrupt:
    case JET_errLogCorruptDuringHardRestore:
    case JET_errLogFileSizeMismatch:
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

/* What the restore gave, and what is there then. */
static enum flip_outcome judge(JET_ERR *err, uint64_t digest_before) {
    struct smalldb s = {.dir = "/r", .page_size = 4096};
    uint32_t n = 0;
    bool wrong = false;
    if (disk_digest("/set") != digest_before || disk_open_files())
        return FLIP_WRONG;
    if (*err < JET_errSuccess)
        return is_documented(*err) && is_kept_away() ? FLIP_ERROR : FLIP_WRONG;
    *err = smalldb_use(&s, &n, &wrong);
    const JET_ERR ended = smalldb_stop(&s, 0);
    *err = *err < JET_errSuccess ? *err : ended;
    if (wrong || (*err >= JET_errSuccess && n != TRANSACTIONS) || (*err < JET_errSuccess && !is_documented(*err)))
        return FLIP_WRONG;
    return *err < JET_errSuccess ? FLIP_ERROR : s.corrected ? FLIP_CORRECTED : FLIP_CORRECT;
}

static enum flip_outcome look(JET_ERR *err) {
    struct smalldb s = {.dir = "/r", .page_size = 4096};
    const uint64_t digest = disk_digest("/set");
    *err = smalldb_restore(&s, "/set");
    if (*err < JET_errSuccess && disk_exists("/r/data/a.edb")) /* the whole set is verified first */
        return FLIP_WRONG;
    return judge(err, digest);
}

static enum flip_outcome look_external(JET_ERR *err) {
    JET_RSTMAP map = {.szNewDatabaseName = "/r/data/a.edb"};
    const uint64_t digest = disk_digest("/set");
    disk_copy("/set/a.edb", "/r/data/a.edb");
    *err = JetExternalRestore("/r/system", "/r/system", &map, 1, "/set", 0, 0, NULL);
    return judge(err, digest);
}

static void try_file(const struct disk_image *image, const char *name, bool external, uint64_t count) {
    char path[64], what[96];
    snprintf(path, sizeof path, "/set/%s", name);
    snprintf(what, sizeof what, "%s%s", path, external ? ", external restore" : "");
    const struct flips flips = {.what = what,
                                .path = path,
                                .image = image,
                                .look = external ? look_external : look,
                                .count = flips_count(count)};
    struct flips_result r = flips_run(&flips);
    CU_ASSERT_EQUAL(r.outcomes[FLIP_WRONG], 0);
    CU_ASSERT(external || r.outcomes[FLIP_ERROR] == r.tried); /* everything is covered by a sum */
}

static void play(bool external) {
    struct disk_image *image = make();
    struct set set;
    CHECK_OK(set_read("/set", &set));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramCreatePathIfNotExist, 1, NULL)); /* of an external restore */
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramEventLoggingLevel, JET_EventLoggingDisable, NULL));
    for (uint32_t i = 0; i < set.file_count; i++)
        try_file(image, set.files[i].name, external, set.files[i].is_log ? 1500 : 5000);
    if (!external)
        try_file(image, SET_MANIFEST, false, 2000);
    set_done(&set);
    disk_image_free(image);
    disk_done();
}

static void restore__finds_any_byte_that_is_changed(void) {
    play(false);
}
static void external_restore__any_byte_changed_gives_right_rows_or_an_error(void) {
    play(true);
}

TEST_MAIN(TEST(restore__finds_any_byte_that_is_changed),
          TEST(external_restore__any_byte_changed_gives_right_rows_or_an_error))
