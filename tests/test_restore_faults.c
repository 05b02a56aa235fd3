/* Restores of sets that are damaged in every way, which are refused before anything is written, and restores that are
 * interrupted at any call or by the loss of power, which end in the same state when they are repeated. P11 P13 P14. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/copy.h"
#include "backup/set.h"
#include "engine/dbheader.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

/* ---- sets, and where they are restored to ---- */

enum { IN_SET = 24, AT_CRASH = 30 }; /* transactions */

struct place {
    struct script live;       /* in /live, which crashed after 30 transactions */
    uint32_t committed;       /* of them, acknowledged */
    struct script elsewhere;  /* in /elsewhere: databases that an older restore left, and no log */
    struct disk_image *image; /* /set: two databases, several log files; /foreign: the same of another instance */
};

static void make_set(struct script *s, const char *dir, const char *set) {
    script_init(s, test_random(), dir);
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_create(s, &s->b));
    CHECK_OK(script_run(s, 12));
    CHECK_OK(JetBackupInstance(s->instance, set, 0, NULL));
    CHECK_OK(script_run(s, IN_SET));
    CHECK_OK(JetBackupInstance(s->instance, set, JET_bitBackupIncremental, NULL));
}

static void place_begin(struct place *p) {
    struct script foreign, *s = &p->live;
    disk_install(test_random());
    make_set(&foreign, "/other", "/foreign");
    CHECK_OK(script_stop(&foreign, 0));
    make_set(s, "/live", "/set");
    CHECK_OK(script_run(s, AT_CRASH));
    p->committed = s->durable;
    s->durable = IN_SET; /* what must be there whatever becomes of the log */
    CHECK_OK(script_stop(s, JET_bitTermDirty));
    script_init(&p->elsewhere, s->seed, "/elsewhere");
    p->elsewhere.durable = p->elsewhere.started = IN_SET;
    disk_copy("/other/data/a.edb", "/elsewhere/data/a.edb");
    disk_copy("/other/data/b.edb", "/elsewhere/data/b.edb");
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

static JET_ERR restore_to(struct script *s, const char *dest) {
    JET_ERR err = script_instance(s);
    if (err < JET_errSuccess)
        return err;
    err = JetRestoreInstance(s->instance, "/set", dest, NULL);
    JET_ERR ended = JetTerm(s->instance);
    return err < JET_errSuccess ? err : ended;
}

/* ---- damage ---- */

enum damage { EMPTY, LONGER, GONE, FOREIGN, SWAPPED, DIRECTORY, DAMAGES };

struct names {
    char names[64][64];
    unsigned count;
};

static JET_ERR add_name(void *context, const char *name, enum os_kind kind) {
    struct names *list = context;
    (void)kind;
    if (list->count == 64)
        abort();
    snprintf(list->names[list->count++], 64, "%s", name);
    return JET_errSuccess;
}

static bool is_log(const char *name) {
    return strstr(name, ".log") != NULL;
}
static bool is_manifest(const char *name) {
    return strcmp(name, SET_MANIFEST) == 0;
}

static void swap(const char *a, const char *b) {
    disk_copy(a, "/swap");
    disk_copy(b, a);
    disk_copy("/swap", b);
    disk_delete("/swap");
}

/* The next file of the same kind, round and round. */
static const char *neighbour(const struct names *list, unsigned at) {
    for (unsigned i = 1; i < list->count; i++) {
        const char *name = list->names[(at + i) % list->count];
        if (is_log(name) == is_log(list->names[at]) && !is_manifest(name))
            return name;
    }
    return list->names[at];
}

static void damage_file(const struct names *list, unsigned at, enum damage damage) {
    char path[128], other[128];
    size_t bytes;
    snprintf(path, sizeof path, "/set/%s", list->names[at]);
    disk_get(path, &bytes);
    switch (damage) {
    case EMPTY:
        disk_cut(path, 0);
        break;
    case LONGER:
        disk_cut(path, bytes + 4096);
        break;
    case FOREIGN:
        snprintf(other, sizeof other, "/foreign/%s", list->names[at]);
        disk_copy(disk_exists(other) ? other : "/foreign/a.edb", path);
        break;
    case SWAPPED:
        snprintf(other, sizeof other, "/set/%s", neighbour(list, at));
        swap(path, other);
        break;
    case DIRECTORY:
        disk_delete(path);
        disk_make_dir(path);
        break;
    default:
        disk_delete(path);
    }
}

static bool error_fits(const char *name, enum damage damage, JET_ERR err) {
    bool gone = damage == GONE || damage == DIRECTORY;
    if (is_manifest(name) && damage == FOREIGN)
        return err < JET_errSuccess;
    if (is_manifest(name))
        return err == (damage == GONE ? JET_errFileNotFound : JET_errInvalidBackup);
    if (is_log(name))
        return err == (gone ? JET_errMissingRestoreLogFiles : JET_errLogReadVerifyFailure);
    return err == (gone ? JET_errFileNotFound : JET_errReadVerifyFailure) ||
           (!gone && err == JET_errBadBackupDatabaseSize);
}

/* Refuses, and all is as it was. */
static bool refuses(struct place *p, JET_ERR *err) {
    uint64_t set = disk_digest("/set"), dest = disk_digest("/elsewhere");
    struct script s = p->elsewhere;
    *err = restore_to(&s, "/elsewhere/data");
    HOLDS(*err < JET_errSuccess);
    HOLDS(disk_open_files() == 0);
    HOLDS(disk_digest("/set") == set && disk_digest("/elsewhere") == dest);
    return true;
}

static void damaged_file_of_a_set__is_refused_before_anything_is_written(void) {
    struct place p;
    struct names list = {.count = 0};
    unsigned tried = 0;
    place_begin(&p);
    CHECK_OK(os_list("/set", add_name, &list));
    CU_ASSERT_TRUE_FATAL(list.count >= 6);
    for (unsigned at = 0; at < list.count; at++)
        for (enum damage damage = 0; damage < DAMAGES; damage++) {
            JET_ERR err = JET_errSuccess;
            if (damage == SWAPPED && is_manifest(list.names[at]))
                continue;
            disk_load(p.image);
            damage_file(&list, at, damage);
            bool good = refuses(&p, &err) && error_fits(list.names[at], damage, err);
            if (!good)
                printf("\n    %s damaged in way %d: %s\n", list.names[at], damage, err_name(err));
            CU_ASSERT_TRUE_FATAL(good);
            tried++;
        }
    printf("%u damages ", tried);
    place_end(&p);
}

/* ---- damage under a manifest that agrees with it ---- */

/* As if the set had been made so: the manifest states the sizes and hashes of the files that are there. */
static void seal(struct set *set) {
    for (uint32_t i = 0; i < set->file_count; i++) {
        char path[512];
        struct set_file *file = &set->files[i];
        const uint64_t others = file->sum.bytes / 4096 - file->page_count; /* headers, perhaps a trailer */
        snprintf(path, sizeof path, "%s/%s", "/set", file->name);
        CHECK_OK(copy_file(path, NULL, 0, NULL, false, &file->sum));
        file->page_count = file->is_log ? 0 : (uint32_t)(file->sum.bytes / 4096 - others);
    }
    CHECK_OK(set_write(set));
}

static struct set_file *file_named(struct set *set, const char *name) {
    for (uint32_t i = 0; i < set->file_count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return &set->files[i];
    abort();
}

static void leave_out(struct set *set, const char *name) {
    struct set_file *file = file_named(set, name), *end = set->files + set->file_count--;
    free(file->name);
    free(file->original);
    memmove(file, file + 1, (size_t)(end - file - 1) * sizeof *file);
}

static const char *log_name(lggen_t gen) {
    static char names[4][32];
    static unsigned next;
    char *name = names[next++ % 4];
    snprintf(name, 32, "edb%05X.log", (unsigned)gen);
    return name;
}

static const char *in_set(const char *name) {
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, 64, "/set/%s", name);
    return path;
}

/* Changes the header of a database of the set. */
static void change_header(const char *name, void (*change)(struct dbheader *header)) {
    struct os_file *file;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    CHECK_OK(os_open(in_set(name), OS_WRITE, &file));
    CHECK_OK(dbheader_read(file, header, NULL));
    change(header);
    CHECK_OK(dbheader_write(file, header));
    os_close(file);
    free(header);
}

static void need_more(struct dbheader *header) {
    header->gen_max_required = to_le32(1000);
}

static void forge_log_frame(struct set *set) {
    disk_flip(in_set(log_name(set->low)), 5000, 1);
}
static void forge_log_header(struct set *set) {
    disk_flip(in_set(log_name(set->low)), 600, 1);
}
static void forge_short_log(struct set *set) {
    disk_cut(in_set(log_name(set->high)), 8192);
}
static void forge_foreign_log(struct set *set) {
    char path[64];
    snprintf(path, sizeof path, "/foreign/%s", log_name(set->low));
    disk_copy(path, in_set(log_name(set->low)));
}
static void forge_swapped_logs(struct set *set) {
    swap(in_set(log_name(set->low)), in_set(log_name(set->low + 1)));
}
static void forge_repeated_log(struct set *set) {
    disk_copy(in_set(log_name(set->low)), in_set(log_name(set->low + 1)));
}
static void forge_gap(struct set *set) {
    leave_out(set, log_name(set->low + 1));
    disk_delete(in_set(log_name(set->low + 1)));
}
static void forge_late_begin(struct set *set) {
    leave_out(set, log_name(set->low));
    disk_delete(in_set(log_name(set->low)));
    set->low++;
}
static void forge_early_end(struct set *set) {
    (void)set;
    change_header("b.edb", need_more);
}
static void forge_foreign_database(struct set *set) {
    (void)set;
    disk_copy("/foreign/b.edb", in_set("b.edb"));
}
static void forge_live_database(struct set *set) {
    (void)set;
    disk_copy("/other/data/b.edb", in_set("b.edb"));
}
static void forge_no_database(struct set *set) {
    (void)set;
    disk_put(in_set("b.edb"), "", 0);
    disk_cut(in_set("b.edb"), 8 * 4096);
}
static void forge_page_size(struct set *set) {
    set->page_size = 8192;
}
static void forge_base(struct set *set) {
    memcpy(set->base, "abc", 4);
}

static void sealed_set_whose_files_do_not_belong_together__is_refused_before_anything_is_written(void) {
    static const struct {
        void (*forge)(struct set *set);
        const char *what;
        JET_ERR expected;
    } cases[] = {
        {forge_log_frame, "a damaged log record", JET_errLogCorruptDuringHardRestore},
        {forge_log_header, "a damaged log header", JET_errLogCorruptDuringHardRestore},
        {forge_short_log, "a short log file", JET_errLogFileSizeMismatch},
        {forge_foreign_log, "a log file of another log", JET_errGivenLogFileHasBadSignature},
        {forge_swapped_logs, "swapped log files", JET_errGivenLogFileIsNotContiguous},
        {forge_repeated_log, "a repeated log file", JET_errGivenLogFileIsNotContiguous},
        {forge_gap, "a gap", JET_errInvalidBackup},
        {forge_late_begin, "the first log file left out", JET_errStartingRestoreLogTooHigh},
        {forge_early_end, "log files that end too early", JET_errEndingRestoreLogTooLow},
        {forge_foreign_database, "a backup copy of another database", JET_errGivenLogFileHasBadSignature},
        {forge_live_database, "a database that is no backup copy", JET_errRestoreOfNonBackupDatabase},
        {forge_no_database, "no database", JET_errDatabaseCorrupted},
        {forge_page_size, "another page size", JET_errInvalidBackup},
        {forge_base, "another base name", JET_errInvalidBackup},
    };
    struct place p;
    place_begin(&p);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct set set;
        JET_ERR err;
        disk_load(p.image);
        CHECK_OK(set_read("/set", &set));
        cases[i].forge(&set);
        seal(&set);
        set_done(&set);
        bool good = refuses(&p, &err);
        if (!good || err != cases[i].expected)
            printf("\n    %s: %s\n", cases[i].what, err_name(err));
        CU_ASSERT_TRUE(good);
        CU_ASSERT_EQUAL(err, cases[i].expected);
    }
    place_end(&p);
}

/* ---- interrupted ---- */

/* What can be attached between is in the end state, unless it is still what was there before. The disk is put back. */
static bool check_between(const struct script *s, uint64_t a_before, uint64_t b_before) {
    bool a_old = a_before && disk_digest(s->a.path) == a_before, b_old = b_before && disk_digest(s->b.path) == b_before;
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

/* A start instead of a repetition: refuses, or has all. */
static bool check_start_between(const struct script *s) {
    struct disk_image *image = disk_save();
    struct script other = *s;
    bool good = true;
    if (script_start_all(&other) >= JET_errSuccess)
        good = script_check(&other);
    script_drop(&other);
    disk_load(image);
    disk_image_free(image);
    return good;
}

enum interruption { CALL_FAILS, POWER_CUT };

static bool try_interrupted(struct place *p, bool in_place, enum interruption how, uint64_t nth, bool *through) {
    struct script s = in_place ? p->live : p->elsewhere;
    const char *dest = in_place ? NULL : "/elsewhere/data";
    disk_load(p->image);
    uint64_t a = disk_digest(s.a.path), b = disk_digest(s.b.path);
    if (how == CALL_FAILS)
        disk_fail(nth, NULL, nth % 2 ? JET_errDiskIO : JET_errDiskFull);
    else
        disk_power_off_at(nth);
    JET_ERR err = restore_to(&s, dest);
    *through = how == CALL_FAILS ? !disk_failed() : !disk_power_is_off();
    HOLDS(disk_open_files() == 0);
    disk_no_fault();
    if (how == POWER_CUT)
        disk_power_on(DISK_LOSES);
    HOLDS(!*through || err >= JET_errSuccess);
    if (err < JET_errSuccess) {
        HOLDS(check_between(&s, a, b));
        HOLDS(!in_place || check_start_between(&s));
        SUCCEEDS(restore_to(&s, dest));
    }
    if (in_place)
        s.durable = p->committed; /* the log goes on to the last commit */
    SUCCEEDS(script_start_all(&s));
    bool good = script_check(&s);
    script_drop(&s);
    return good;
}

static void interrupt_everywhere(bool in_place, enum interruption how) {
    struct place p;
    uint64_t nth = 0;
    place_begin(&p);
    for (bool through = false; !through;) {
        bool good = try_interrupted(&p, in_place, how, ++nth, &through);
        if (!good)
            printf("\n    interrupted at %llu (%s)\n", (unsigned long long)nth,
                   disk_failed() ? disk_failed() : "power");
        CU_ASSERT_TRUE_FATAL(good);
    }
    printf("%llu points ", (unsigned long long)nth - 1);
    place_end(&p);
}

static void restore_elsewhere__any_call_that_fails_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(false, CALL_FAILS);
}
static void restore_elsewhere__power_cut_at_any_change_and_again_ends_in_the_same_state(void) {
    interrupt_everywhere(false, POWER_CUT);
}
static void restore_in_place__any_call_that_fails_and_again_loses_no_commit(void) {
    interrupt_everywhere(true, CALL_FAILS);
}
static void restore_in_place__power_cut_at_any_change_and_again_loses_no_commit(void) {
    interrupt_everywhere(true, POWER_CUT);
}

/* ---- the callback ---- */

static struct {
    unsigned calls, fails_at;
    JET_SNT last;
} callback;

static JET_ERR JET_API count_and_fail(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)data;
    callback.calls++;
    callback.last = snt;
    return snp == JET_snpRestore && callback.calls != callback.fails_at ? JET_errSuccess : JET_errCallbackFailed;
}

static bool try_callback(struct place *p, unsigned call, bool *through) {
    struct script s = p->elsewhere;
    disk_load(p->image);
    uint64_t a = disk_digest(s.a.path), b = disk_digest(s.b.path);
    memset(&callback, 0, sizeof callback);
    callback.fails_at = call;
    SUCCEEDS(script_instance(&s));
    JET_ERR err = JetRestoreInstance(s.instance, "/set", "/elsewhere/data", count_and_fail);
    SUCCEEDS(JetTerm(s.instance));
    *through = err >= JET_errSuccess;
    HOLDS(*through ? callback.last == JET_sntComplete && callback.calls == call
                   : err == JET_errCallbackFailed && callback.last == JET_sntFail);
    if (!*through) {
        HOLDS(check_between(&s, a, b));
        SUCCEEDS(restore_to(&s, "/elsewhere/data"));
    }
    SUCCEEDS(script_start_all(&s));
    bool good = script_check(&s);
    script_drop(&s);
    return good;
}

static void callback__that_fails_at_any_step_ends_the_restore_which_can_be_repeated(void) {
    struct place p;
    unsigned call = 0;
    place_begin(&p);
    for (bool through = false; !through;) {
        bool good = try_callback(&p, ++call, &through);
        if (!good)
            printf("\n    call %u\n", call);
        CU_ASSERT_TRUE_FATAL(good);
    }
    CU_ASSERT_TRUE(call > 10);
    place_end(&p);
}

TEST_MAIN(TEST(damaged_file_of_a_set__is_refused_before_anything_is_written),
          TEST(sealed_set_whose_files_do_not_belong_together__is_refused_before_anything_is_written),
          TEST(restore_elsewhere__any_call_that_fails_and_again_ends_in_the_same_state),
          TEST(restore_elsewhere__power_cut_at_any_change_and_again_ends_in_the_same_state),
          TEST(restore_in_place__any_call_that_fails_and_again_loses_no_commit),
          TEST(restore_in_place__power_cut_at_any_change_and_again_loses_no_commit),
          TEST(callback__that_fails_at_any_step_ends_the_restore_which_can_be_repeated))
