/* A backup set by itself: every kind of damage is found and named, and of a manifest only what was written is taken.
 * P11 P14. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/trailer.h"
#include "backup/verify.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

enum { PAGE = 4096 };

/* ---- sets ---- */

static void make_set(const char *dir, const char *path) {
    struct script s;
    script_init(&s, test_random(), dir);
    CHECK_OK(script_start(&s));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, 12));
    CHECK_OK(JetBackupInstance(s.instance, path, 0, NULL));
    CHECK_OK(script_run(&s, 24));
    CHECK_OK(JetBackupInstance(s.instance, path, JET_bitBackupIncremental, NULL));
    CHECK_OK(script_stop(&s, 0));
}

static const char *path_in(const struct set *set, const char *name) {
    static char ring[8][512];
    static unsigned next;
    char *path = ring[next++ % 8];
    snprintf(path, 512, "%.64s/%.300s", set->dir, name);
    return path;
}

static struct set_file *file_named(struct set *set, const char *name) {
    for (uint32_t i = 0; i < set->file_count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return &set->files[i];
    abort();
}

static const char *log_name(lggen_t gen) {
    static char ring[4][32];
    static unsigned next;
    char *name = ring[next++ % 4];
    snprintf(name, 32, "edb%05X.log", (unsigned)gen);
    return name;
}

/* The manifest states what is in the files. */
static void seal(struct set *set) {
    for (uint32_t i = 0; i < set->file_count; i++) {
        struct set_file *file = &set->files[i];
        CHECK_OK(copy_view(path_in(set, file->name), NULL, NULL, file->sum.has_sha256, &file->sum));
        if (!file->is_log)
            file->page_count = (uint32_t)(file->sum.bytes / PAGE) - 3;
    }
    CHECK_OK(set_write(set));
}

static uint8_t *read_block(const struct set *set, const char *name, uint64_t at) {
    static uint8_t ring[4][PAGE];
    static unsigned next;
    uint8_t *out = ring[next++ % 4];
    size_t bytes;
    const uint8_t *p = disk_get(path_in(set, name), &bytes);
    CU_ASSERT_FATAL(p && (at + 1) * PAGE <= bytes);
    memcpy(out, p + at * PAGE, PAGE);
    return out;
}

static void write_block(const struct set *set, const char *name, uint64_t at, const void *block) {
    struct os_file *file;
    CHECK_OK(os_open(path_in(set, name), OS_WRITE, &file));
    CHECK_OK(os_write(file, at * PAGE, block, PAGE));
    os_close(file);
}

static uint64_t trailer_at(struct set *set, const char *name) {
    return (uint64_t)file_named(set, name)->page_count + 2;
}

static void write_trailer(struct set *set, const char *name, lggen_t current) {
    uint8_t page[PAGE];
    trailer_make(page, PAGE, (struct dbheader *)(void *)read_block(set, name, 0), current);
    write_block(set, name, trailer_at(set, name), page);
}

static struct disk_image *begin(void) {
    disk_install(test_random());
    make_set("/live", "/set");
    make_set("/other", "/foreign");
    return disk_save();
}

static void end(struct disk_image *image) {
    disk_image_free(image);
    disk_done();
}

/* ---- what is found ---- */

static char found[2048];

static void take(void *context, int id, enum event_severity severity, const char *text) {
    (void)context, (void)id, (void)severity;
    snprintf(found, sizeof found, "%s", text);
}

static const struct event_sink events = {.source = "test", .level = 1, .fn = take};

struct counter {
    uint64_t bytes;
};
static JET_ERR count(void *context, uint64_t bytes) {
    ((struct counter *)context)->bytes += bytes;
    return JET_errSuccess;
}

static JET_ERR verify(const char *dir) {
    struct set set;
    struct log_chain chain;
    *found = 0;
    JET_ERR err = set_find(dir, &set);
    if (err < JET_errSuccess)
        return err;
    err = verify_set(&set, &events, NULL, &chain);
    set_done(&set);
    CU_ASSERT_EQUAL(disk_open_files(), 0);
    return err;
}

static void whole_set__is_read_once_and_its_chain_is_known(void) {
    struct disk_image *image = begin();
    struct counter counter = {0};
    const struct copy_progress progress = {count, &counter};
    struct log_chain chain, again;
    struct set set;
    uint64_t bytes = 0;
    CHECK_OK(set_find("/set", &set));
    CHECK_OK(verify_set(&set, &events, &progress, &chain));
    for (uint32_t i = 0; i < set.file_count; i++)
        bytes += set.files[i].sum.bytes;
    CU_ASSERT_EQUAL(counter.bytes, bytes);
    again = chain;
    memset(&again.last_created, 0, sizeof again.last_created);
    CHECK_OK(verify_chain(&again, &events));
    CU_ASSERT_EQUAL(memcmp(&again.last_created, &chain.last_created, sizeof chain.last_created), 0);
    CU_ASSERT(chain.low == set.low && chain.high == set.high && set.high >= set.low + 2);
    set_done(&set);
    end(image);
}

/* ---- damage ---- */

static void drop_database(struct set *set) {
    disk_delete(path_in(set, "a.edb"));
}
static void drop_log(struct set *set) {
    disk_delete(path_in(set, log_name(set->low + 1)));
}
static void lengthen_database(struct set *set) {
    disk_cut(path_in(set, "a.edb"), file_named(set, "a.edb")->sum.bytes + PAGE);
}
static void lengthen_log(struct set *set) {
    disk_cut(path_in(set, log_name(set->low)), set->log_file_bytes + 1);
}
static void cut_database(struct set *set) {
    disk_cut(path_in(set, "b.edb"), file_named(set, "b.edb")->sum.bytes - 1);
}
static void cut_log(struct set *set) {
    disk_cut(path_in(set, log_name(set->high)), set->log_file_bytes / 2);
}
static void flip_page(struct set *set) {
    disk_flip(path_in(set, "b.edb"), 4 * PAGE + 200, 4); /* which could be corrected */
}
static void break_page(struct set *set) {
    disk_flip(path_in(set, "b.edb"), 4 * PAGE + 200, 0x66);
    disk_flip(path_in(set, "b.edb"), 4 * PAGE + 301, 0x11);
}
static void misplace_page(struct set *set) {
    write_block(set, "b.edb", 4, read_block(set, "b.edb", 2));
}
static void flip_header(struct set *set) {
    disk_flip(path_in(set, "a.edb"), 60, 1);
}
static void flip_second_header(struct set *set) {
    disk_flip(path_in(set, "a.edb"), PAGE + 60, 1);
}
static void flip_trailer(struct set *set) {
    disk_flip(path_in(set, "a.edb"), trailer_at(set, "a.edb") * PAGE + 100, 1);
}
static void zero_trailer(struct set *set) {
    uint8_t zeros[PAGE] = {0};
    write_block(set, "a.edb", trailer_at(set, "a.edb"), zeros);
}
static void lose_trailer(struct set *set) {
    disk_cut(path_in(set, "a.edb"), trailer_at(set, "a.edb") * PAGE);
}
static void cut_trailer(struct set *set) {
    disk_cut(path_in(set, "a.edb"), trailer_at(set, "a.edb") * PAGE + 1000);
}
static void swap_trailers(struct set *set) {
    write_block(set, "a.edb", trailer_at(set, "a.edb"), read_block(set, "b.edb", trailer_at(set, "b.edb")));
}
static void trailer_at_the_end(struct set *set) {
    write_trailer(set, "a.edb", set->high);
}
static void trailer_beyond_the_end(struct set *set) {
    write_trailer(set, "a.edb", set->high + 1);
}
static void flip_log_frame(struct set *set) {
    disk_flip(path_in(set, log_name(set->low)), 5000, 1);
}
static void flip_log_header(struct set *set) {
    disk_flip(path_in(set, log_name(set->high)), 600, 1);
}
static void replace_log(struct set *set) {
    char foreign[64];
    snprintf(foreign, sizeof foreign, "/foreign/%s", log_name(set->low + 1));
    disk_copy(foreign, path_in(set, log_name(set->low + 1)));
}
static void repeat_log(struct set *set) {
    disk_copy(path_in(set, log_name(set->low)), path_in(set, log_name(set->low + 1)));
}
static void swap_databases(struct set *set) {
    disk_move(path_in(set, "a.edb"), "/swap");
    disk_move(path_in(set, "b.edb"), path_in(set, "a.edb"));
    disk_move("/swap", path_in(set, "b.edb"));
}
static void replace_database(struct set *set) {
    disk_copy("/foreign/a.edb", path_in(set, "a.edb"));
}
static void leave_out_first_log(struct set *set) {
    struct set_file *file = file_named(set, log_name(set->low++));
    disk_delete(path_in(set, file->name));
    free(file->name);
    memmove(file, file + 1, (size_t)(set->files + --set->file_count - file) * sizeof *file);
}

static void change_header(struct set *set, void (*change)(struct dbheader *header)) {
    struct dbheader *header = (struct dbheader *)(void *)read_block(set, "a.edb", 0);
    change(header);
    header->checksum = to_le32(sum_header(header, PAGE));
    write_block(set, "a.edb", 0, header);
    write_block(set, "a.edb", 1, header);
}
static void need_later_log(struct dbheader *header) {
    header->gen_max_required = to_le32(1000);
}
static void be_no_copy(struct dbheader *header) {
    header->full_cur.gen_low = to_le32(0);
}
static void be_of_other_pages(struct dbheader *header) {
    header->page_size = to_le32(2 * PAGE);
}
static void require_later_log(struct set *set) {
    change_header(set, need_later_log);
}
static void make_it_live(struct set *set) {
    change_header(set, be_no_copy);
}
static void change_page_size(struct set *set) {
    change_header(set, be_of_other_pages);
}

struct damage {
    void (*damage)(struct set *set);
    JET_ERR expected;
    const char *named; /* part of the event */
};

static void check_damages(const struct damage *cases, size_t count_of_cases, bool sealed) {
    struct disk_image *image = begin();
    for (size_t i = 0; i < count_of_cases; i++) {
        struct set set;
        disk_load(image);
        CHECK_OK(set_read("/set", &set));
        cases[i].damage(&set);
        if (sealed)
            seal(&set);
        set_done(&set);
        uint64_t digest = disk_digest("/");
        JET_ERR err = verify("/set");
        bool good = err == cases[i].expected && (cases[i].named ? strstr(found, cases[i].named) != NULL : !*found);
        if (!good)
            printf("\n    case %zu: %s, \"%s\"\n", i, err_name(err), found);
        CU_ASSERT_TRUE(good);
        CU_ASSERT_EQUAL(disk_digest("/"), digest);
    }
    end(image);
}

static void damaged_file__is_named_with_the_place_of_the_damage(void) {
    static const struct damage cases[] = {
        {drop_database, JET_errFileNotFound, "/set/a.edb of the backup set is missing"},
        {drop_log, JET_errMissingRestoreLogFiles, "/set/edb00002.log of the backup set is missing"},
        {lengthen_database, JET_errBadBackupDatabaseSize, "/set/a.edb of the backup set has"},
        {lengthen_log, JET_errLogReadVerifyFailure, "/set/edb00001.log of the backup set has 65537 bytes"},
        {cut_database, JET_errBadBackupDatabaseSize, "/set/b.edb of the backup set has"},
        {cut_log, JET_errLogReadVerifyFailure, ".log of the backup set has 32768 bytes, should have 65536"},
        {flip_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is damaged"},
        {break_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is damaged"},
        {misplace_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is"},
        {flip_header, JET_errReadVerifyFailure, "the header of /set/a.edb"},
        {flip_second_header, JET_errReadVerifyFailure, "the second header of /set/a.edb"},
        {flip_trailer, JET_errReadVerifyFailure, "the trailer of /set/a.edb is damaged"},
        {swap_trailers, JET_errReadVerifyFailure, "the trailer of /set/a.edb is that of another copy"},
        {flip_log_frame, JET_errLogReadVerifyFailure, "/set/edb00001.log of the backup set is damaged"},
        {flip_log_header, JET_errLogReadVerifyFailure, ".log of the backup set is damaged"},
        {replace_log, JET_errLogReadVerifyFailure, "/set/edb00002.log of the backup set is damaged"},
        {repeat_log, JET_errLogReadVerifyFailure, "/set/edb00002.log of the backup set is damaged"},
    };
    check_damages(cases, sizeof cases / sizeof *cases, false);
}

static void files_that_do_not_belong_together__are_named_though_the_manifest_agrees(void) {
    static const struct damage cases[] = {
        {flip_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is damaged"},
        {break_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is damaged"},
        {misplace_page, JET_errReadVerifyFailure, "page 3 of /set/b.edb at offset 16384 is"},
        {flip_header, JET_errDatabaseCorrupted, "the header of /set/a.edb"},
        {flip_second_header, JET_errDatabaseCorrupted, "the second header of /set/a.edb"},
        {flip_trailer, JET_errBadPatchPage, "the trailer of /set/a.edb is damaged"},
        {zero_trailer, JET_errBadPatchPage, "the trailer of /set/a.edb is damaged"},
        {swap_trailers, JET_errDatabasePatchFileMismatch, "the trailer of /set/a.edb is that of another copy"},
        {trailer_at_the_end, JET_errSuccess, NULL},
        {trailer_beyond_the_end, JET_errEndingRestoreLogTooLow, "/set/a.edb needs log generation"},
        {swap_databases, JET_errBadDbSignature, "/set/a.edb is another database"},
        {replace_database, JET_errGivenLogFileHasBadSignature, "/set/a.edb belongs to another log"},
        {make_it_live, JET_errRestoreOfNonBackupDatabase, "/set/a.edb is not a copy"},
        {change_page_size, JET_errDatabaseCorrupted, "the header of /set/a.edb"},
        {leave_out_first_log, JET_errStartingRestoreLogTooHigh, "/set/a.edb needs log generation 1"},
        {require_later_log, JET_errEndingRestoreLogTooLow, "/set/a.edb needs log generation 1000"},
        {flip_log_frame, JET_errLogCorruptDuringHardRestore, "/set/edb00001.log of the backup set is damaged at off"},
        {flip_log_header, JET_errLogCorruptDuringHardRestore, ".log of the backup set is damaged at offset 0"},
        {cut_log, JET_errLogFileSizeMismatch, ".log of the backup set has not the size"},
        {replace_log, JET_errGivenLogFileHasBadSignature, "/set/edb00002.log is of another log"},
        {repeat_log, JET_errGivenLogFileIsNotContiguous, "/set/edb00002.log does not follow the one before"},
    };
    check_damages(cases, sizeof cases / sizeof *cases, true);
}

static void file_that_cannot_be_read__is_named(void) {
    static const char *const parts[] = {"/set/b.edb", "/set/edb00002.log"};
    struct disk_image *image = begin();
    for (unsigned i = 0; i < 2; i++)
        for (unsigned nth = 1;; nth++) {
            disk_fail(nth, parts[i], nth % 2 ? JET_errDiskIO : JET_errFileAccessDenied);
            JET_ERR err = verify("/set");
            bool failed = disk_failed() != NULL;
            disk_no_fault();
            if (!failed) {
                CU_ASSERT(err == JET_errSuccess && nth > 3);
                break;
            }
            CU_ASSERT_EQUAL(err, nth % 2 ? JET_errDiskIO : JET_errFileAccessDenied);
            CU_ASSERT(strstr(found, parts[i]) && strstr(found, "cannot be read"));
        }
    end(image);
}

/* By itself, as restores do that have no manifest. */
static void needs_of_a_database__include_those_of_its_trailer(void) {
    static const struct damage cases[] = {
        {trailer_at_the_end, JET_errSuccess, NULL},
        {flip_trailer, JET_errBadPatchPage, "the trailer of /set/a.edb is damaged"},
        {zero_trailer, JET_errBadPatchPage, "the trailer of /set/a.edb is damaged"},
        {lose_trailer, JET_errBadPatchPage, "the trailer of /set/a.edb is damaged"},
        {cut_trailer, JET_errBadBackupDatabaseSize, "/set/a.edb has"},
        {swap_trailers, JET_errDatabasePatchFileMismatch, "the trailer of /set/a.edb is that of another copy"},
        {trailer_beyond_the_end, JET_errEndingRestoreLogTooLow, "/set/a.edb needs log generation"},
        {require_later_log, JET_errEndingRestoreLogTooLow, "/set/a.edb needs log generation 1000"},
    };
    struct disk_image *image = begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct set set;
        struct log_chain chain;
        JET_SIGNATURE signature;
        disk_load(image);
        CHECK_OK(set_read("/set", &set));
        cases[i].damage(&set);
        chain = (struct log_chain){.low = set.low, .high = set.high, .signature = set.signature};
        *found = 0;
        CHECK_ERR(verify_needs("/set/a.edb", PAGE, &chain, &events, &signature), cases[i].expected);
        CU_ASSERT_TRUE(cases[i].named ? strstr(found, cases[i].named) != NULL : !*found);
        set_done(&set);
    }
    end(image);
}

/* ---- the manifest ---- */

/* The text of the set's manifest, changed, under a right CRC. */
static JET_ERR parse_sealed(const char *lines) {
    struct set set;
    size_t n = strlen(lines), room = n + 32;
    char *text = malloc(room);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    n += (size_t)snprintf(text + (size_t)snprintf(text, room, "%s", lines), 32, "end %08x\n", crc32c(0, lines, n));
    JET_ERR err = set_parse(text, n, &set);
    free(text);
    if (err < JET_errSuccess)
        return err;
    CHECK_OK(set_format(&set, &text, &n));
    set_done(&set);
    err = set_parse(text, n, &set);
    set_done(&set);
    free(text);
    return err < JET_errSuccess ? JET_errInternalError : err; /* what was taken can be written */
}

/* All lines but the last. */
static char *manifest_lines(bool sha256) {
    struct set set;
    char *text;
    size_t bytes;
    CHECK_OK(set_read("/set", &set));
    set.sha256 = sha256;
    for (uint32_t i = 0; i < set.file_count; i++)
        set.files[i].sum.has_sha256 = sha256;
    seal(&set);
    CHECK_OK(set_format(&set, &text, &bytes));
    set_done(&set);
    text[bytes - strlen("end 01234567\n")] = 0;
    return text;
}

static const char *line_at(const char *text, unsigned n) {
    while (n-- && text)
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    return text && *text ? text : NULL;
}

static size_t line_bytes(const char *line) {
    return (size_t)(strchr(line, '\n') + 1 - line);
}

static char *edited(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *edited(const char *format, ...) {
    static char out[1 << 16];
    va_list args;
    va_start(args, format);
    CU_ASSERT_FATAL(vsnprintf(out, sizeof out, format, args) < (int)sizeof out);
    va_end(args);
    return out;
}

static void check_refused(const char *lines) {
    JET_ERR err = parse_sealed(lines);
    if (err != JET_errInvalidBackup)
        printf("\n    taken (%s):\n%s\n", err_name(err), lines);
    CU_ASSERT_EQUAL(err, JET_errInvalidBackup);
}

static void manifest_line__twice_or_missing_or_in_another_place_is_refused(void) {
    struct disk_image *image = begin();
    char *lines = manifest_lines(false);
    const char *line, *next;
    CHECK_OK(parse_sealed(lines));
    for (unsigned n = 0; (line = line_at(lines, n)); n++) {
        const int before = (int)(line - lines), bytes = (int)line_bytes(line);
        const bool is_database = strncmp(line, "database ", 9) == 0;
        check_refused(edited("%.*s%.*s%s", before, lines, bytes, line, line));
        check_refused(edited("%.*sunknown 1\n%s", before, lines, line));
        check_refused(edited("%.*s\n%s", before, lines, line));
        if (!is_database) /* without one it is the manifest of another set */
            check_refused(edited("%.*s%s", before, lines, line + bytes));
        next = line_at(lines, n + 1);
        if (next && !(is_database && strncmp(next, "database ", 9) == 0)) {
            const int next_bytes = (int)line_bytes(next);
            check_refused(edited("%.*s%.*s%.*s%s", before, lines, next_bytes, next, bytes, line, next + next_bytes));
        }
    }
    check_refused(edited("%.*s", (int)strlen(lines) - 1, lines));
    check_refused("");
    free(lines);
    end(image);
}

/* lines with word `word` of the first line that begins with `key` replaced. */
static char *replace_word(const char *lines, const char *key, unsigned word, const char *value) {
    char start[64];
    snprintf(start, sizeof start, "\n%s ", key);
    const char *at = strstr(lines, start);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    for (at++; word--; at++)
        at = strchr(at, ' ');
    return edited("%.*s%s%s", (int)(at - lines), lines, value, at + strcspn(at, " \n"));
}

static void manifest_value__that_cannot_be_is_refused(void) {
    static const struct {
        const char *key;
        unsigned word;
        const char *values[12];
    } cases[] = {
        {"kind", 1, {"", "Full", "full ", "incremental2"}},
        {"full-begin",
         1,
         {"", "now", "2026-02-30T00:00:00Z", "2026-02-03 04:05:06Z", "2026-02-03T04:05:06", "2026-02-03T24:05:06Z",
          "2026-02-03T04:05:06Zx", "1899-02-03T04:05:06Z", "2156-02-03T04:05:06Z", "2026-2-3T4:5:6Z"}},
        {"incremental-end", 1, {"", "never", "0000-00-00T00:00:00Z"}},
        {"log-base", 1, {"", "ed", "edbx", "e/b", "...", "../", "abc", "%65db2", "e b"}},
        {"log-signature", 1, {"", "00", "zz", "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF01234567"}},
        {"log-low", 1, {"", "0", "2", "-1", "+1", "01", "1x", "99999999999999999999", "4294967297", "2147483648"}},
        {"log-high", 1, {"", "0", "1", "3x", "2147481600", "18446744073709551617"}},
        {"page-size", 1, {"", "0", "512", "2048", "5000", "8192", "65536", "4294971392", "4k"}},
        {"log-file-size", 1, {"", "0", "1", "4096", "65537", "33558528", "4295032832"}},
        {"database", 1, {"", "0", "123456789", "ABCDEF01", "x1234567"}},
        {"database", 2, {"", "0", "-1", "40960", "9223372036854775808", "99999999999999999999999"}},
        {"database", 3, {"", "0", "-1", "1", "4294967295", "4294967296"}},
        {"database", 4, {"", "00", "x"}},
        {"database",
         5,
         {"", ".", "..", "../a.edb", "/a.edb", "x/a.edb", "%2e%2e%2fa.edb", "backup.manifest", "backup.manifest.tmp",
          "b.edb", "edb00001.log", "EDB00FFF.log"}},
        {"database", 5, {"%00", "a%0", "a%zz", "a%+1b", "a%", "a\tb", "a\x7f"}},
        {"database", 6, {"", "a.edb", "../a.edb", "%00", "/a%", "/a b", "/a\rb"}},
        {"log", 1, {"", "0", "x"}},
        {"log", 2, {"", "-1", "1e5", "18446744073709551615"}},
        {"log",
         3,
         {"", "edb00002.log", "edb00000.log", "EDB00001.log", "edb00000001.log", "edb1.log", "../edb00001.log", "a.edb",
          "abc00001.log", "edb00001.log%20", "edb00001.log x"}},
    };
    struct disk_image *image = begin();
    char *lines = manifest_lines(false), name[300] = "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 12 && cases[i].values[k]; k++)
            check_refused(replace_word(lines, cases[i].key, cases[i].word, cases[i].values[k]));
    memset(name, 'n', 255);
    CHECK_OK(parse_sealed(replace_word(lines, "database", 5, name)));
    name[255] = 'n';
    check_refused(replace_word(lines, "database", 5, name));
    char original[OS_PATH_MAX + 1] = "/";
    memset(original + 1, 'o', OS_PATH_MAX - 1);
    check_refused(replace_word(lines, "database", 6, original));
    free(lines);
    end(image);
}

static void manifest_with_sha256__is_refused_when_one_is_wrong_or_has_no_place(void) {
    struct disk_image *image = begin();
    struct set set;
    char *lines = manifest_lines(true);
    CHECK_OK(parse_sealed(lines));
    const char *line;
    for (unsigned n = 0; (line = line_at(lines, n)); n++) {
        const int before = (int)(line - lines), bytes = (int)line_bytes(line);
        check_refused(edited("%.*s%s", before, lines, line + bytes));
        check_refused(edited("%.*s%.*s%s", before, lines, bytes, line, line));
        /* one digit or letter is another, in every line: the last has the SHA-256 of all */
        char *changed = edited("%s", lines);
        changed[before + bytes - 2] ^= 1;
        check_refused(changed);
    }
    free(lines);
    /* The file is another under the same CRC, as far as the manifest knows: its SHA-256 tells. */
    CHECK_OK(set_read("/set", &set));
    CU_ASSERT(set.sha256 && set.files[0].sum.has_sha256);
    struct file_sum sum = file_named(&set, "a.edb")->sum;
    trailer_at_the_end(&set);
    seal(&set);
    CU_ASSERT_EQUAL(verify("/set"), JET_errSuccess);
    memcpy(file_named(&set, "a.edb")->sum.sha256, sum.sha256, sizeof sum.sha256);
    CHECK_OK(set_write(&set));
    CU_ASSERT_EQUAL(verify("/set"), JET_errReadVerifyFailure);
    set_done(&set);
    end(image);
}

/* Whatever is changed under a right CRC: it is refused, or it is a manifest that could have been written. */
static void manifest__changed_at_random_is_refused_or_is_another_manifest(void) {
    static const char *const parts[] = {" ",    "\n",        "%",       "%00", "0",  "9",
                                        "log ", "database ", "sha256 ", "/",   "..", "\xff"};
    struct disk_image *image = begin();
    char *lines = manifest_lines(test_random_below(2)), *changed = malloc(strlen(lines) + 64);
    const size_t bytes = strlen(lines);
    unsigned refused = 0, taken = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(changed);
    for (unsigned i = 0; i < 20000; i++) {
        size_t at = test_random_below(bytes), cut = test_random_below(3) ? 1 : test_random_below(bytes - at);
        const char *part = test_random_below(4) ? parts[test_random_below(12)] : "";
        snprintf(changed, bytes + 64, "%.*s%s%s", (int)at, lines, part, lines + at + cut);
        JET_ERR err = parse_sealed(changed);
        CU_ASSERT_FATAL(err == JET_errInvalidBackup || err == JET_errSuccess);
        refused += err < JET_errSuccess;
        taken += err >= JET_errSuccess;
    }
    CU_ASSERT(refused > 10000 && refused + taken == 20000);
    printf("%u refused ", refused);
    free(changed);
    free(lines);
    end(image);
}

static void name_of_a_database__is_none_that_another_file_has_or_will_have(void) {
    static const char *const unfit[] = {
        "", ".", "..", "a/b", "backup.manifest", "backup.manifest.tmp", "edb00009.log", "EDB0000A.LOG", "x.edb"};
    static const char *const fit[] = {"y.edb", "X.EDB", "...", "edb.log", "abc00001.log", "edb00001.jrs"};
    const JET_SIGNATURE signature = {0};
    const struct file_sum sum = {0};
    struct set set;
    set_init(&set);
    memcpy(set.base, "edb", 4);
    CHECK_OK(set_add_database(&set, "x.edb", "/x.edb", &signature, 1, &sum));
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        CU_ASSERT_FALSE(set_name_fits(&set, unfit[i]));
        CHECK_ERR(set_add_database(&set, unfit[i], "/x.edb", &signature, 1, &sum), JET_errInvalidBackup);
    }
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++)
        CHECK_OK(set_add_database(&set, fit[i], "/x.edb", &signature, 1, &sum));
    set_done(&set);
}

static void manifest__says_what_was_written(void) {
    struct disk_image *image = begin();
    struct set set, again;
    char *text;
    size_t bytes;
    const char *name = "a %\n\x7f\xc3\xa4.edb", *original = "/data base/100%/a\t.edb";
    CHECK_OK(set_read("/set", &set));
    CU_ASSERT(set.incremental && clock_logtime_ms(&set.full_begin) <= clock_logtime_ms(&set.full_end));
    CU_ASSERT(clock_logtime_ms(&set.full_end) <= clock_logtime_ms(&set.incremental_begin));
    CU_ASSERT(clock_logtime_ms(&set.incremental_begin) <= clock_logtime_ms(&set.incremental_end));
    struct set_file *file = file_named(&set, "a.edb");
    free(file->name), free(file->original);
    file->name = strdup(name), file->original = strdup(original);
    CHECK_OK(set_format(&set, &text, &bytes));
    CHECK_OK(set_parse(text, bytes, &again));
    CU_ASSERT_STRING_EQUAL(again.files[0].name, name);
    CU_ASSERT_STRING_EQUAL(again.files[0].original, original);
    CU_ASSERT(!again.sha256 && !again.files[0].sum.has_sha256);
    CU_ASSERT_EQUAL(memcmp(&again.full_begin, &set.full_begin, sizeof set.full_begin), 0);
    CU_ASSERT_EQUAL(memcmp(&again.full_end, &set.full_end, sizeof set.full_end), 0);
    CU_ASSERT_EQUAL(memcmp(&again.signature, &set.signature, sizeof set.signature), 0);
    CU_ASSERT(again.low == set.low && again.high == set.high && again.file_count == set.file_count);
    CU_ASSERT(again.page_size == PAGE && again.log_file_bytes == 65536);
    for (uint32_t i = 0; i < set.file_count; i++)
        CU_ASSERT(file_sum_equal(&again.files[i].sum, &set.files[i].sum) &&
                  again.files[i].page_count == set.files[i].page_count &&
                  memcmp(&again.files[i].signature, &set.files[i].signature, sizeof set.signature) == 0);
    for (size_t cut = 0; cut < bytes; cut++) { /* any shorter text */
        struct set none;
        CU_ASSERT_EQUAL(set_parse(text, cut, &none), JET_errInvalidBackup);
    }
    free(text);
    set_done(&again);
    set_done(&set);
    end(image);
}

TEST_MAIN(TEST(whole_set__is_read_once_and_its_chain_is_known),
          TEST(damaged_file__is_named_with_the_place_of_the_damage),
          TEST(files_that_do_not_belong_together__are_named_though_the_manifest_agrees),
          TEST(file_that_cannot_be_read__is_named), TEST(needs_of_a_database__include_those_of_its_trailer),
          TEST(manifest_line__twice_or_missing_or_in_another_place_is_refused),
          TEST(manifest_value__that_cannot_be_is_refused),
          TEST(manifest_with_sha256__is_refused_when_one_is_wrong_or_has_no_place),
          TEST(manifest__says_what_was_written), TEST(manifest__changed_at_random_is_refused_or_is_another_manifest),
          TEST(name_of_a_database__is_none_that_another_file_has_or_will_have))
