/* verify-set: everything about a backup set without restoring it. */
#include <stdio.h>
#include <string.h>

#include "backup/verify.h"
#include "base/clock.h"
#include "tools/tool.h"

/* ---- what it is ---- */

static void write_times(struct out *o, const char *key, const char *label, const JET_LOGTIME *begin,
                        const JET_LOGTIME *end) {
    char from[32], to[32];
    clock_logtime_text(begin, from);
    clock_logtime_text(end, to);
    out_open_object(o, key);
    out_string(o, "begin", from);
    out_string(o, "end", to);
    out_close(o);
    out_label(o, label, "%s to %s", from, to);
}

static void write_sha256(struct out *o, const struct file_sum *sum) {
    char hex[2 * SHA256_BYTES + 1];
    if (!sum->has_sha256)
        return;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum->sha256[i]);
    out_string(o, "sha256", hex);
}

static void write_files(struct out *o, const struct set *set) {
    char crc[16];
    out_open_array(o, "files");
    for (uint32_t i = 0; i < set->file_count; i++) {
        const struct set_file *f = &set->files[i];
        snprintf(crc, sizeof crc, "%08x", f->sum.crc32c);
        out_open_object(o, NULL);
        out_string(o, "name", f->name);
        out_string(o, "type", f->is_log ? "log file" : "database");
        out_number(o, "bytes", f->sum.bytes);
        out_string(o, "crc32c", crc);
        write_sha256(o, &f->sum);
        if (!f->is_log) {
            out_number(o, "pages", f->page_count);
            out_string(o, "original", f->original);
            out_label(o, "database", "%s: %u pages, of %s", f->name, f->page_count, f->original);
        }
        out_close(o);
    }
    out_close(o);
}

static uint64_t bytes_of(const struct set *set) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < set->file_count; i++)
        bytes += set->files[i].sum.bytes;
    return bytes;
}

static void write_set(struct out *o, const struct set *set) {
    o->indent = 0;
    out_line(o, "%s: backup set", set->dir);
    o->indent = 4;
    out_string(o, "set", set->dir);
    out_string(o, "kind", set->incremental ? "incremental" : "full");
    write_times(o, "full", "full backup", &set->full_begin, &set->full_end);
    if (set->incremental)
        write_times(o, "incremental", "last incremental backup", &set->incremental_begin, &set->incremental_end);
    out_open_object(o, "log");
    out_string(o, "base", set->base);
    out_number(o, "low", set->low);
    out_number(o, "high", set->high);
    out_number(o, "file_bytes", set->log_file_bytes);
    out_close(o);
    out_label(o, "log generations", "%u to %u (%s)", set->low, set->high, set->base);
    out_count(o, "page_size", "page size", set->page_size);
    write_files(o, set);
    out_count(o, "bytes", "bytes", bytes_of(set));
}

/* ---- whether it is whole ---- */

struct verification {
    struct progress progress;
    uint64_t done;
    char found[2048]; /* what is wrong; empty: nothing */
};

static JET_ERR advance(void *context, uint64_t bytes) {
    struct verification *v = context;
    v->done += bytes;
    progress_step(&v->progress, v->done);
    return JET_errSuccess;
}

static void take_finding(void *context, int id, enum event_severity severity, const char *text) {
    struct verification *v = context;
    (void)id, (void)severity;
    snprintf(v->found, sizeof v->found, "%s", text);
}

static int write_damage(struct out *o, const char *what, JET_ERR err) {
    out_string(o, "error", err_name(err));
    out_string(o, "damage", what);
    out_line(o, "DAMAGED: %s (%s)", what, err_name(err));
    return EXIT_DAMAGE;
}

static int write_failure(struct out *o, const char *what, JET_ERR err) {
    out_string(o, "error", err_name(err));
    complain(what, "%s", err_words(err));
    return EXIT_FAILED;
}

/* An event says that a file of the set is at fault. One that may not be read need not be damaged. */
static int verify(struct out *o, const struct set *set) {
    struct verification v = {.done = 0};
    const struct event_sink events = {.source = "esentutl", .level = 1, .fn = take_finding, .context = &v};
    const struct copy_progress progress = {advance, &v};
    struct log_chain chain;

    progress_start(&v.progress, "verifying", bytes_of(set));
    JET_ERR err = verify_set(set, &events, &progress, &chain);
    progress_end(&v.progress);
    if (err < JET_errSuccess && *v.found && err != JET_errFileAccessDenied)
        return write_damage(o, v.found, err);
    if (err < JET_errSuccess)
        return write_failure(o, *v.found ? v.found : set->dir, err);
    out_line(o, "whole");
    return EXIT_DONE;
}

static int find_and_verify(struct out *o, const char *path) {
    struct set set;
    JET_ERR err = set_find(path, &set);
    int code;
    if (err == JET_errFileNotFound) {
        out_string(o, "error", err_name(err));
        complain(path, "holds no backup set (%s)", SET_MANIFEST);
        return EXIT_FAILED;
    }
    if (err == JET_errInvalidBackup)
        return write_damage(o, "the set's " SET_MANIFEST " is damaged, or not one that this program knows", err);
    if (err < JET_errSuccess)
        return write_failure(o, path, err);
    write_set(o, &set);
    code = verify(o, &set);
    set_done(&set);
    return code;
}

static int run_verify_set(const struct args *args) {
    struct out o;
    out_start(&o, args_has(args, "json"));
    int code = find_and_verify(&o, args->operands[0]);
    out_string(&o, "result", code == EXIT_DONE ? "whole" : code == EXIT_DAMAGE ? "damaged" : "failed");
    out_finish(&o);
    return code;
}

static const struct option_def options[] = {OPTION_JSON, OPTIONS_END};

const struct command command_verify_set = {
    .name = "verify-set",
    .operands = "SET",
    .summary = "check a backup set without restoring it",
    .details =
        "SET is the directory that was given to backup. Everything is read again: the manifest, each file against "
        "it, every\n"
        "page of each database, every record of each log file, and that the log files follow each other and are "
        "those that\n"
        "the databases need. The first thing that is wrong is named, also in the system log. Nothing is changed.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_verify_set,
};
