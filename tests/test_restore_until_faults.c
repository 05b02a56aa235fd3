/* Restores to a generation, which delete log files, and external restores, interrupted at any call or by the loss of
 * power: repeated they end in the same state, and in between no half-restored database can be attached. P13. */
#include <stdio.h>
#include <string.h>

#include "engine/dbheader.h"
#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

enum { AT_FULL = 4, AT_INCREMENT = 9, AT_END = 60 };

struct place {
    struct script live; /* in /live, stopped clean, with log files beyond those of /set */
    lggen_t until;      /* end of the full backup in /set */
    struct disk_image *image;
};

static void place_begin(struct place *p) {
    struct log_dir dir = {.path = "/set", .base = "edb"};
    struct log_range range;
    struct script *s = &p->live;
    disk_install(test_random());
    script_init(s, test_random(), "/live");
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, AT_FULL));
    CHECK_OK(JetBackupInstance(s->instance, "/set", 0, NULL));
    CHECK_OK(log_dir_scan(&dir, &range));
    p->until = range.high;
    CHECK_OK(script_run(s, AT_INCREMENT));
    CHECK_OK(JetBackupInstance(s->instance, "/set", JET_bitBackupIncremental, NULL));
    CHECK_OK(script_run(s, AT_END));
    CHECK_OK(script_stop(s, 0));
    disk_make_dir("/log");
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

/* ---- the two kinds of restore ---- */

static JET_ERR restore_until(struct script *s, lggen_t gen) {
    JET_RSTINFO info = {.cbStruct = sizeof info, .lgposStop.lGeneration = (int32_t)gen};
    JET_ERR err = script_instance(s);
    if (err < JET_errSuccess)
        return err;
    JetSetSystemParameter(&s->instance, 0, JET_paramDeleteOutOfRangeLogs, 1, NULL);
    err = JetRestoreInstance2(s->instance, "/set", NULL, &info, 0);
    JET_ERR ended = JetTerm(s->instance);
    return err < JET_errSuccess ? err : ended;
}

static char a_at[] = "/ext/a.edb", b_at[] = "/ext/b.edb", log_at[] = "/log", set_at[] = "/set";

static void put_files(void) {
    disk_copy("/set/a.edb", a_at);
    disk_copy("/set/b.edb", b_at);
}

static JET_ERR restore_external(void) {
    JET_RSTMAP map[] = {{NULL, a_at}, {NULL, b_at}};
    return JetExternalRestore(log_at, log_at, map, 2, set_at, 0, 0, NULL);
}

static struct script expected(const struct place *p, bool external) {
    struct script s = p->live;
    s.started = s.durable = external ? AT_INCREMENT : AT_FULL;
    if (external) {
        snprintf(s.dir, sizeof s.dir, "/reader");
        memcpy(s.a.path, a_at, sizeof a_at);
        memcpy(s.b.path, b_at, sizeof b_at);
    }
    return s;
}

/* ---- interrupted ---- */

/* What can be attached between is in the end state, unless it is still what was there before. The disk is put back. */
static bool check_between(const struct script *s, uint64_t a_before, uint64_t b_before) {
    bool a_old = disk_digest(s->a.path) == a_before, b_old = disk_digest(s->b.path) == b_before;
    struct disk_image *image = disk_save();
    struct script other = *s;
    snprintf(other.dir, sizeof other.dir, "/between");
    JET_ERR err = script_start(&other);
    if (err >= JET_errSuccess && !a_old)
        err = script_attach(&other, &other.a);
    if (err >= JET_errSuccess && !b_old)
        err = script_attach(&other, &other.b);
    bool good = script_check(&other);
    script_drop(&other);
    disk_load(image);
    disk_image_free(image);
    return good;
}

/* A start of the instance instead of a repetition: refuses, or has one of the two states. */
static bool check_start_between(const struct script *s) {
    struct disk_image *image = disk_save();
    struct script other = *s;
    other.started = AT_END;
    bool good = true;
    if (script_start_all(&other) >= JET_errSuccess)
        good = script_check(&other) && (other.started == AT_FULL || other.started == AT_END);
    script_drop(&other);
    disk_load(image);
    disk_image_free(image);
    return good;
}

static bool repeat(const struct place *p, struct script *s, bool external) {
    if (!external) {
        SUCCEEDS(restore_until(s, p->until));
        return true;
    }
    JET_ERR err = restore_external();
    if (err == JET_errRestoreOfNonBackupDatabase) { /* one was finished: its client puts the copies there again */
        put_files();
        err = restore_external();
    }
    SUCCEEDS(err);
    return true;
}

static bool try_interrupted(struct place *p, bool external, bool power, uint64_t nth, bool *through) {
    struct script s = expected(p, external);
    disk_load(p->image);
    if (external)
        put_files();
    uint64_t a = disk_digest(s.a.path), b = disk_digest(s.b.path);
    if (power)
        disk_power_off_at(nth);
    else
        disk_fail(nth, NULL, nth % 2 ? JET_errDiskIO : JET_errDiskFull);
    JET_ERR err = external ? restore_external() : restore_until(&s, p->until);
    *through = power ? !disk_power_is_off() : !disk_failed();
    HOLDS(disk_open_files() == 0);
    disk_no_fault();
    if (power)
        disk_power_on(DISK_LOSES);
    HOLDS(!*through || err >= JET_errSuccess);
    if (err < JET_errSuccess) {
        HOLDS(check_between(&s, external ? 0 : a, external ? 0 : b));
        HOLDS(external || check_start_between(&s));
        HOLDS(repeat(p, &s, external));
    }
    SUCCEEDS(script_start_all(&s));
    bool good = script_check(&s);
    script_drop(&s);
    return good;
}

static void interrupt_everywhere(bool external, bool power) {
    struct place p;
    uint64_t nth = 0;
    place_begin(&p);
    for (bool through = false; !through;) {
        bool good = try_interrupted(&p, external, power, ++nth, &through);
        if (!good)
            printf("\n    interrupted at %llu (%s)\n", (unsigned long long)nth,
                   disk_failed() ? disk_failed() : "power");
        CU_ASSERT_TRUE_FATAL(good);
    }
    printf("%llu points ", (unsigned long long)nth - 1);
    place_end(&p);
}

/* Redo lets a database grow, and a power cut may leave it with any size. */
static void external__can_be_repeated_whatever_size_the_file_was_left_with(void) {
    struct place p;
    size_t bytes, whole;
    bool marked = false;
    place_begin(&p);
    struct script s = expected(&p, true);
    for (uint64_t nth = 1; !marked; nth++) {
        disk_load(p.image);
        put_files();
        disk_power_off_at(nth);
        CU_ASSERT_TRUE_FATAL(restore_external() < JET_errSuccess);
        disk_power_on(DISK_KEEPS);
        const struct dbheader *header = (const struct dbheader *)disk_get(a_at, &bytes);
        marked = le32(header->full_cur.gen_high) != 0;
        disk_get("/set/a.edb", &whole);
        marked = marked && bytes < whole; /* without its trailer */
    }
    disk_cut(a_at, bytes + 512);
    CHECK_OK(restore_external());
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE(script_check(&s));
    script_drop(&s);
    place_end(&p);
}

static void until__any_call_that_fails_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(false, false);
}
static void until__power_cut_at_any_change_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(false, true);
}
static void external__any_call_that_fails_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(true, false);
}
static void external__power_cut_at_any_change_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(true, true);
}

TEST_MAIN(TEST(until__any_call_that_fails_and_again_ends_in_the_same_state),
          TEST(until__power_cut_at_any_change_and_again_ends_in_the_same_state),
          TEST(external__any_call_that_fails_and_again_ends_in_the_same_state),
          TEST(external__can_be_repeated_whatever_size_the_file_was_left_with),
          TEST(external__power_cut_at_any_change_and_again_ends_in_the_same_state))
