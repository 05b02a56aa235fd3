/* Writes that succeed, are synced, and are not there, or are in another place. While the instance runs, and after a
 * crash of which the log still knows, no row is ever wrong: it is right, or there is an error. P4 P5.
 * ESENT_LIES: how many of each kind (60). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/disk.h"
#include "tests/lib/disk_lies.h"
#include "tests/lib/smalldb.h"
#include "tests/lib/test.h"

#define PAGE 4096u
#define BEFORE 20u /* transactions before the lie */
#define TRANSACTIONS 30u

enum lie_kind { LOST, MISDIRECTED };
enum seen { RIGHT, OLD, DAMAGED, OTHER, WRONG, SEEN };

static unsigned lies_count(void) {
    const char *text = getenv("ESENT_LIES");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return text ? (unsigned)atoi(text) : 6;
#else
    return text ? (unsigned)atoi(text) : 60;
#endif
}

static struct smalldb wide(void) {
    return (struct smalldb){.dir = "/w", .page_size = PAGE, .wide = true};
}

static struct disk_image *make(void) {
    struct smalldb s = wide();
    disk_install(test_random());
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_create(&s));
    for (uint32_t n = 1; n <= BEFORE; n++)
        CHECK_OK(smalldb_change(&s, n));
    CHECK_OK(smalldb_stop(&s, 0));
    return disk_save();
}

/* ---- what is seen of it ---- */

static enum seen judge(JET_ERR err, bool wrong) {
    if (wrong)
        return WRONG;
    switch (err) {
    case JET_errReadLostFlushVerifyFailure:
    case JET_errDbTimeTooOld:
    case JET_errDbTimeTooNew:
        return OLD;
    case JET_errReadVerifyFailure:
    case JET_errReadPgnoVerifyFailure:
        return DAMAGED;
    default:
        return err >= JET_errSuccess ? RIGHT : OTHER;
    }
}

/* More transactions and, if asked to look, each row and a backup. *n: the last transaction that was acknowledged. */
static enum seen run(struct smalldb *s, bool look, uint32_t *n) {
    bool wrong = false;
    uint32_t found = 0;
    JET_ERR err = JET_errSuccess;
    for (*n = BEFORE; *n < TRANSACTIONS && err >= JET_errSuccess; *n += err >= JET_errSuccess)
        err = smalldb_change(s, *n + 1);
    if (err >= JET_errSuccess && look)
        err = smalldb_read(s, &found, &wrong);
    if (err >= JET_errSuccess && look)
        wrong |= found != *n;
    if (err >= JET_errSuccess && look)
        err = JetBackupInstance(s->instance, "/b", 0, NULL);
    return judge(err, wrong);
}

static enum seen run_again(const char *dir, uint32_t n) {
    struct smalldb s = wide();
    bool wrong = false;
    uint32_t found = n;
    s.dir = dir;
    JET_ERR err = smalldb_use(&s, &found, &wrong);
    const JET_ERR ended = smalldb_stop(&s, 0);
    const enum seen seen = judge(err >= JET_errSuccess ? ended : err, wrong || found != n);
    if (seen == OTHER)
        printf("    started again: %s\n", err_name(err));
    return seen;
}

/* ---- the lies ---- */

static struct { unsigned running[SEEN], again[SEEN], restored[SEEN]; } totals;

static void print(const char *what, const unsigned seen[SEEN]) {
    printf("        %s: %u right, %u old (-1119, -566), %u damaged (-1018), %u other errors, %u wrong\n", what,
           seen[RIGHT], seen[OLD], seen[DAMAGED], seen[OTHER], seen[WRONG]);
}

/* How a lie is told and what follows. */
struct setting {
    enum lie_kind kind;
    JET_GRBIT stop;
    uint32_t depth; /* of the checkpoint */
    bool look;      /* before the stop */
};

/* Of the instance's writes to the database, the nth is a lie. False: there are not so many. */
static bool tell(const struct disk_image *image, const struct setting *setting, uint64_t nth) {
    struct smalldb s = wide();
    uint32_t n;
    size_t bytes;
    s.depth = setting->depth;
    disk_load(image);
    disk_get("/w/data/a.edb", &bytes);
    lies_begin();
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_attach(&s));
    if (setting->kind == LOST)
        disk_lose_write("/data/a.edb", 2 * PAGE, nth);
    else
        disk_misdirect("/data/a.edb", 2 * PAGE, nth, (2 + test_random_below(bytes / PAGE - 2)) * PAGE);
    enum seen seen = run(&s, setting->look, &n);
    const bool lied = disk_lied(NULL);
    disk_no_lie();
    totals.running[seen]++;
    const JET_ERR ended = smalldb_stop(&s, setting->stop);
    (void)ended;
    lies_end();
    CU_ASSERT_EQUAL_FATAL(disk_open_files(), 0);
    const enum seen again = run_again("/w", n);
    totals.again[again]++;
    CU_ASSERT(setting->kind != LOST || seen != OLD || again != WRONG); /* once noticed, it stays so */
    if (seen == RIGHT && setting->look) {                              /* there is a backup */
        struct smalldb r = wide();
        r.dir = "/r";
        CHECK_OK(smalldb_restore(&r, "/b"));
        totals.restored[run_again("/r", n)]++;
    }
    return lied;
}

static void play(const char *what, const struct setting *setting) {
    struct disk_image *image = make();
    uint64_t writes = 0;
    const unsigned count = lies_count();
    memset(&totals, 0, sizeof totals);
    while (writes < 8 && tell(image, setting, writes + 1)) /* the first ones, then anywhere */
        writes++;
    for (writes = 16; tell(image, setting, writes); writes *= 2)
        continue;
    for (unsigned i = 0; i < count; i++)
        tell(image, setting, 1 + test_random_below(writes));
    printf("\n    %s\n", what);
    print("while it runs ", totals.running);
    print("started again ", totals.again);
    print("backup        ", totals.restored);
    disk_image_free(image);
    disk_done();
}

static void expect_no_wrong_row(const unsigned seen[SEEN]) {
    unsigned n = 0;
    for (unsigned i = 0; i < SEEN; i++)
        n += seen[i];
    CU_ASSERT_EQUAL(seen[WRONG] + seen[OTHER], 0);
    test_figure("lies of the disk", n, "seen", seen[WRONG] + seen[OTHER], "wrong");
}

static void expect_right_or_errors(void) {
    expect_no_wrong_row(totals.running);
    expect_no_wrong_row(totals.again);
    expect_no_wrong_row(totals.restored);
}

static void lost_write__is_noticed_or_made_good_by_the_log(void) {
    play("a write is lost, then a crash", &(struct setting){LOST, JET_bitTermDirty, 0, true});
    expect_right_or_errors();
    CU_ASSERT(totals.running[OLD] > 0 && totals.again[RIGHT] > 0);
}

static void lost_write__that_was_noticed_is_made_good_after_a_stop(void) {
    play("a write is lost, then a stop", &(struct setting){LOST, 0, 0, true});
    expect_right_or_errors();
    CU_ASSERT(totals.running[OLD] > 0 && totals.again[RIGHT] > 0);
}

static void lost_write__that_was_noticed_and_the_log_does_not_cover_is_damage(void) {
    play("a write is lost, the checkpoint passes, then a crash",
         &(struct setting){LOST, JET_bitTermDirty, 256 << 10, true});
    expect_right_or_errors();
    CU_ASSERT(totals.running[OLD] > 0 && totals.again[DAMAGED] > 0);
}

static void misdirected_write__is_noticed_or_made_good_by_the_log(void) {
    play("a write goes to another page, then a crash", &(struct setting){MISDIRECTED, JET_bitTermDirty, 0, true});
    expect_right_or_errors();
    CU_ASSERT(totals.running[OLD] > 0 && totals.running[DAMAGED] > 0);
}

/* What was not read again before, nobody knows any more after a clean stop: how much that is, docs/faults.md says.
 * While the instance runs no row is wrong all the same. */
static void lies__that_the_log_does_not_cover_may_not_be_noticed(void) {
    play("a write is lost, nobody looks, then a clean stop", &(struct setting){LOST, 0, 0, false});
    expect_no_wrong_row(totals.running);
    play("a write goes to another page, nobody looks, then a clean stop", &(struct setting){MISDIRECTED, 0, 0, false});
    expect_no_wrong_row(totals.running);
}

/* ---- log, checkpoint and header, of a small database ---- */

#define SMALL_TRANSACTIONS 12u

/* Of the writes to a file after the start, the nth is a lie; then a crash. False: there are not so many. */
static bool tell_small(const struct disk_image *image, const char *part, enum lie_kind kind, uint64_t nth,
                       unsigned seen[SEEN], unsigned *tails) {
    struct smalldb s = {.dir = "/w", .page_size = PAGE};
    uint32_t found = 0, n = SMALL_TRANSACTIONS;
    bool wrong = false;
    disk_load(image);
    lies_begin();
    if (kind == LOST)
        disk_lose_write(part, 0, nth);
    else
        disk_misdirect(part, 0, nth, test_random_below(2) * PAGE);
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_attach(&s));
    while (n < 2 * SMALL_TRANSACTIONS)
        CHECK_OK(smalldb_change(&s, ++n));
    CHECK_OK(smalldb_stop(&s, JET_bitTermDirty));
    const bool lied = disk_lied(NULL);
    lies_end();
    JET_ERR err = smalldb_use(&s, &found, &wrong);
    const JET_ERR ended = smalldb_stop(&s, 0);
    err = err < JET_errSuccess ? err : ended;
    const bool tail = err >= JET_errSuccess && !wrong && found < n;
    *tails += tail;
    seen[wrong || (err >= JET_errSuccess && found > n) ? WRONG : tail ? OLD : err < JET_errSuccess ? DAMAGED : RIGHT]++;
    if (err < JET_errSuccess)
        printf("        %s, write %llu: %s\n", part, (unsigned long long)nth, err_name(err));
    return lied;
}

static struct disk_image *make_small(void) {
    struct smalldb s = {.dir = "/w", .page_size = PAGE};
    disk_install(test_random());
    CHECK_OK(smalldb_start(&s));
    CHECK_OK(smalldb_create(&s));
    for (uint32_t n = 1; n <= SMALL_TRANSACTIONS; n++)
        CHECK_OK(smalldb_change(&s, n));
    CHECK_OK(smalldb_stop(&s, 0));
    return disk_save();
}

static void play_small(const char *part) {
    struct disk_image *image = make_small();
    unsigned seen[SEEN] = {0}, tails = 0;
    for (enum lie_kind kind = LOST; kind <= MISDIRECTED; kind++)
        for (uint64_t nth = 1; tell_small(image, part, kind, nth, seen, &tails); nth++)
            continue;
    printf("\n    %s: %u right, %u as before the last transactions, %u errors, %u wrong\n", part, seen[RIGHT], tails,
           seen[DAMAGED], seen[WRONG]);
    CU_ASSERT_EQUAL(seen[WRONG], 0);
    disk_image_free(image);
    disk_done();
}

static void log__a_lie_about_any_write(void) {
    play_small("/edb.log");
}
static void checkpoint__a_lie_about_any_write(void) {
    play_small("/edb.chk");
}
static void headers_and_pages__a_lie_about_any_write(void) {
    play_small("/data/a.edb");
}

TEST_MAIN(TEST(log__a_lie_about_any_write), TEST(checkpoint__a_lie_about_any_write),
          TEST(headers_and_pages__a_lie_about_any_write), TEST(lost_write__is_noticed_or_made_good_by_the_log),
          TEST(misdirected_write__is_noticed_or_made_good_by_the_log),
          TEST(lost_write__that_was_noticed_is_made_good_after_a_stop),
          TEST(lost_write__that_was_noticed_and_the_log_does_not_cover_is_damage),
          TEST(lies__that_the_log_does_not_cover_may_not_be_noticed))
