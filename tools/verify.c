/* verify: every page of a database, every frame of a log file, both copies of a checkpoint. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "log/log.h"
#include "tools/pages.h"
#include "tools/reader.h"

/* ---- databases ---- */

static void write_finding(struct out *o, const struct page_scan *scan, const struct page_finding *f) {
    char text[256];
    page_finding_text(f, text);
    out_line(o, "page %u at offset %llu: %s", f->pgno, (unsigned long long)page_offset(scan, f->pgno), text);
    out_open_object(o, NULL);
    out_number(o, "page", f->pgno);
    out_number(o, "offset", page_offset(scan, f->pgno));
    out_bool(o, "correctable", f->fault == FAULT_CORRECTABLE);
    out_string(o, "what", text);
    out_close(o);
}

static void write_counts(struct out *o, const struct page_scan *scan) {
    const struct page_counts *own = &scan->owned, *far = &scan->beyond;
    out_open_object(o, "owned");
    out_number(o, "pages", scan->owned_last);
    out_number(o, "good", own->good);
    out_number(o, "never_used", own->blank);
    out_number(o, "correctable", own->correctable);
    out_number(o, "bad", own->bad);
    out_close(o);
    out_open_object(o, "beyond");
    out_number(o, "pages", scan->last > scan->owned_last ? scan->last - scan->owned_last : 0);
    out_number(o, "never_used", far->blank);
    out_number(o, "good", far->good + far->correctable);
    out_number(o, "foreign", far->bad);
    out_close(o);
    out_label(o, "pages the database owns", "%u: %llu good, %llu never used, %llu correctable, %llu bad",
              scan->owned_last, (unsigned long long)own->good, (unsigned long long)own->blank,
              (unsigned long long)own->correctable, (unsigned long long)own->bad);
    if (scan->last > scan->owned_last)
        out_label(o, "pages beyond, not the database's", "%u: %llu never used, %llu pages of old, %llu of foreign data",
                  scan->last - scan->owned_last, (unsigned long long)far->blank,
                  (unsigned long long)(far->good + far->correctable), (unsigned long long)far->bad);
}

/* Of the file as a whole. */
static unsigned write_file_faults(struct out *o, const struct reader *r, pgno_t in_file) {
    unsigned faults = 0;
    out_open_array(o, "faults");
    if (r->copies_bad) {
        const char *which = r->copies_bad & 1 ? "the header is damaged, its shadow copy is good"
                                              : "the header is good, its shadow copy is damaged";
        out_line(o, "%s", which);
        out_string(o, NULL, which);
        faults++;
    }
    if (r->space_err < JET_errSuccess) {
        const char *text = "how much of the file the database owns cannot be read: all pages are taken for its own";
        out_line(o, "%s (%s)", text, err_words(r->space_err));
        out_string(o, NULL, text);
        faults++;
    }
    if (r->owned_last > in_file) {
        char text[128];
        snprintf(text, sizeof text, "the file ends after page %u, but the database owns pages up to %u", in_file,
                 r->owned_last);
        out_line(o, "%s", text);
        out_string(o, NULL, text);
        faults++;
    }
    out_close(o);
    return faults;
}

static int verify_pages(struct out *o, const char *path, struct reader *r) {
    pgno_t in_file = atomic_load(&r->db->file_pages);
    struct page_scan scan = {
        .file = r->db->file,
        .page_size = r->db->page_size,
        .last = in_file,
        .owned_last = r->owned_last && r->owned_last < in_file ? r->owned_last : in_file,
        .dbtime_max = UINT64_MAX,
    };
    JET_ERR err = pages_scan(&scan);
    if (err < JET_errSuccess) {
        complain(path, "%s", err_words(err));
        return EXIT_FAILED;
    }
    out_count(o, "page_size", "page size", scan.page_size);
    write_counts(o, &scan);
    unsigned faults = write_file_faults(o, r, in_file);
    out_open_array(o, "findings");
    for (size_t i = 0; i < scan.finding_count; i++)
        write_finding(o, &scan, &scan.findings[i]);
    out_close(o);
    int code = faults > 0 || scan.finding_count > 0 ? EXIT_DAMAGE : EXIT_DONE;
    pages_done(&scan);
    return code;
}

static int verify_database(struct out *o, const char *path) {
    struct reader *r = NULL;
    JET_ERR err = reader_open(path, &r);
    int code = err < JET_errSuccess ? reader_complain(path, r, err) : verify_pages(o, path, r);
    if (err < JET_errSuccess)
        out_string(o, "error", err_name(err));
    reader_close(r);
    return code;
}

/* ---- log files ---- */

/* Whether the name says that this is a closed generation, and which. */
static lggen_t gen_of_name(const char *path) {
    const char *name = os_path_name(path);
    char base[4] = "";
    memcpy(base, name, strnlen(name, 3));
    return log_name_gen(base, name);
}

static int log_damage(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int log_damage(struct out *o, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_line(o, "%s", text);
    out_string(o, "damage", text);
    return EXIT_DAMAGE;
}

static int write_log_result(struct out *o, const char *path, const struct log_file_check *check, uint64_t bytes,
                            JET_ERR err) {
    lggen_t named = gen_of_name(path);
    if (err == JET_errBadLogVersion) {
        complain(path, "is a log file of another format than this program's");
        out_string(o, "error", err_name(err));
        return EXIT_FAILED;
    }
    if (err < JET_errSuccess && err != JET_errLogFileCorrupt && err != JET_errLogFileSizeMismatch) {
        complain(path, "%s", file_open_words(path, err));
        out_string(o, "error", err_name(err));
        return EXIT_FAILED;
    }
    if (err == JET_errLogFileSizeMismatch)
        return log_damage(o, "the file has %llu bytes, which is not what its header says", (unsigned long long)bytes);
    if (check->header.gen == 0)
        return log_damage(o, "the header is damaged");
    out_count(o, "generation", "generation", check->header.gen);
    out_count(o, "file_bytes", "bytes", check->header.file_bytes);
    out_count(o, "frames", "good frames", check->frames);
    out_count(o, "used_bytes", "bytes in use", check->bytes_used);
    out_bool(o, "closed", check->ended);
    out_label(o, "state", "%s", check->ended ? "closed" : "open: more may follow");
    if (err == JET_errLogFileCorrupt)
        return log_damage(o, "offset %u: %s", check->bad_offset,
                          check->bad_offset == check->bytes_used || check->bytes_used == 0
                              ? "no good frame, though there has been one"
                              : "the frames do not fit together");
    if (named && named != check->header.gen)
        return log_damage(o, "the name says generation %u", named);
    return EXIT_DONE;
}

static int verify_log(struct out *o, const char *path, uint64_t bytes) {
    struct log_file_check *check = calloc(1, sizeof *check);
    if (!check) {
        complain(path, "%s", err_words(JET_errOutOfMemory));
        return EXIT_FAILED;
    }
    JET_ERR err = log_file_verify(path, gen_of_name(path) != 0, check);
    int code = write_log_result(o, path, check, bytes, err);
    free(check);
    return code;
}

/* ---- checkpoints ---- */

/* A copy whose sum is right and that is not ours is somebody else's. */
static bool checkpoint_is_foreign(const char *path) {
    struct os_file *file = NULL;
    uint8_t block[LOG_SECTOR];
    JET_ERR err = JET_errSuccess;
    CALL(os_open(path, OS_READ, &file));
    CALL(os_read(file, 0, block, sizeof block));
cleanup:
    os_close(file);
    return err >= JET_errSuccess && load32(block) == sum_header(block, sizeof block);
}

static int verify_checkpoint(struct out *o, const char *path) {
    struct log_checkpoint *checkpoint = malloc(sizeof *checkpoint);
    unsigned bad = 0;
    int code = EXIT_DONE;
    JET_ERR err = checkpoint ? log_checkpoint_read(path, checkpoint, &bad) : JET_errOutOfMemory;
    if (err == JET_errCheckpointCorrupt && checkpoint_is_foreign(path)) {
        complain(path, "is a checkpoint of another format than this program's");
        out_string(o, "error", err_name(err));
        code = EXIT_FAILED;
    } else if (err < JET_errSuccess && err != JET_errCheckpointCorrupt) {
        complain(path, "%s", file_open_words(path, err));
        out_string(o, "error", err_name(err));
        code = EXIT_FAILED;
    } else {
        out_number(o, "copies_good", 2 - bad);
        out_number(o, "copies_bad", bad);
        out_label(o, "copies", "%u good, %u bad", 2 - bad, bad);
        code = bad ? EXIT_DAMAGE : EXIT_DONE;
    }
    free(checkpoint);
    return code;
}

/* ---- the command ---- */

static int verify_file(struct out *o, const char *path) {
    static const char *const kinds[] = {"unknown", "database", "log file", "checkpoint"};
    enum file_kind kind;
    uint64_t bytes;
    char why[256];
    int code = file_identify(path, &kind, &bytes, why);

    out_string(o, "file", path);
    if (code != EXIT_DONE) {
        complain(path, "%s", why);
        out_string(o, "error", why);
        return code;
    }
    o->indent = 0;
    out_line(o, "%s: %s", path, kinds[kind]);
    o->indent = 4;
    out_string(o, "type", kinds[kind]);
    switch (kind) {
    case FILE_DATABASE:
        return verify_database(o, path);
    case FILE_LOG:
        return verify_log(o, path, bytes);
    case FILE_CHECKPOINT:
        return verify_checkpoint(o, path);
    case FILE_UNKNOWN:
        break;
    }
    return EXIT_FAILED;
}

static int run_verify(const struct args *args) {
    struct out o;
    int worst = EXIT_DONE;
    out_start(&o, args_has(args, "json"));
    out_open_array(&o, "files");
    for (unsigned i = 0; i < args->operand_count; i++) {
        out_open_object(&o, NULL);
        int code = verify_file(&o, args->operands[i]);
        out_string(&o, "result", code == EXIT_DONE ? "good" : code == EXIT_DAMAGE ? "damaged" : "failed");
        if (code != EXIT_FAILED)
            out_line(&o, "%s", code == EXIT_DONE ? "no damage" : "DAMAGED");
        out_close(&o);
        worst = exit_worse(worst, code);
    }
    out_close(&o);
    out_finish(&o);
    return worst;
}

static const struct option_def options[] = {OPTION_JSON, OPTIONS_END};

const struct command command_verify = {
    .name = "verify",
    .operands = "FILE...",
    .summary = "check every page, frame or copy of files",
    .details =
        "What a file is, is seen from its content. Of a database every page is read and its checksum, page number and\n"
        "structure are checked; a page with one flipped bit is reported as correctable. Pages beyond the space that "
        "the\n"
        "database owns are counted and not judged. Of a log file every frame is checked, of a checkpoint both copies.\n"
        "Nothing is changed.",
    .options = options,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .run = run_verify,
};
