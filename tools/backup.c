/* backup and truncate: an instance is started in its directory, its databases are attached, the engine does the rest;
 * or, for a stream, tar_backup.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/tar.h"

/* ---- databases ---- */

struct paths {
    char **items;
    size_t count;
};

static JET_ERR paths_add(struct paths *paths, const char *path) {
    char absolute[OS_PATH_MAX];
    JET_ERR err = os_path_absolute(absolute, path);
    if (err < JET_errSuccess)
        return err;
    for (size_t i = 0; i < paths->count; i++) {
        if (strcmp(paths->items[i], absolute) == 0)
            return JET_errSuccess;
    }
    char **grown = realloc(paths->items, (paths->count + 1) * sizeof *grown);
    if (!grown)
        return RAISE(JET_errOutOfMemory);
    paths->items = grown;
    paths->items[paths->count] = strdup(absolute);
    return paths->items[paths->count++] ? JET_errSuccess : RAISE(JET_errOutOfMemory);
}

static void paths_free(struct paths *paths) {
    for (size_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
}

struct finder {
    const char *dir;
    struct paths *paths;
};

static JET_ERR add_if_database(void *context, const char *name, enum os_kind kind) {
    struct finder *f = context;
    size_t n = strlen(name);
    char path[OS_PATH_MAX];
    if (kind != OS_FILE || n < 5 || strcasecmp(name + n - 4, ".edb") != 0)
        return JET_errSuccess;
    JET_ERR err = os_path_join(path, f->dir, name);
    return err < JET_errSuccess ? err : paths_add(f->paths, path);
}

/* Those in the directory, and those named. */
static int find_databases(const struct args *args, const struct stream *s, struct paths *paths) {
    struct finder finder = {s->logs.path, paths};
    const char *named;
    unsigned at = 0;
    JET_ERR err = os_list(s->logs.path, add_if_database, &finder);
    while (err >= JET_errSuccess && (named = args_next(args, "db", &at)))
        err = paths_add(paths, named);
    if (err < JET_errSuccess)
        return complain_err(s->logs.path, NULL, err);
    if (paths->count > 0)
        return EXIT_DONE;
    complain(s->logs.path, "holds no database (*.edb); --db names one elsewhere");
    return EXIT_FAILED;
}

static int attach_databases(JET_INSTANCE instance, const struct paths *paths) {
    JET_SESID sesid;
    int code = EXIT_DONE;
    JET_ERR err = JetBeginSession(instance, &sesid, NULL, NULL);
    if (err < JET_errSuccess)
        return complain_err("session", NULL, err);
    for (size_t i = 0; i < paths->count && code == EXIT_DONE; i++) {
        err = JetAttachDatabase(sesid, paths->items[i], 0);
        if (err < JET_errSuccess)
            code = complain_err(paths->items[i], "cannot be attached", err);
    }
    err = JetEndSession(sesid, 0);
    return err < JET_errSuccess ? exit_worse(code, complain_err("session", NULL, err)) : code;
}

/* ---- the work between start and end ---- */

struct job {
    const char *dest; /* NULL: truncate */
    JET_GRBIT grbit;
    struct tar_backup *tar; /* to standard output; else NULL */
};

static int do_backup(const struct stream *s, JET_INSTANCE instance, const struct job *job) {
    int code = EXIT_DONE;
    if ((job->grbit & JET_bitBackupIncremental) && s->circular) {
        complain(s->logs.path, "its log is circular: there are no incremental backups, only full ones");
        return EXIT_FAILED;
    }
    if (job->tar) {
        code = tar_backup(instance, job->tar);
    } else {
        JET_ERR err = JetBackupInstance(instance, job->dest, job->grbit, instance_status);
        if (err < JET_errSuccess)
            code = complain_err(job->dest ? job->dest : s->logs.path, job->dest ? "backup failed" : "truncation failed",
                                err);
    }
    if (code == EXIT_DAMAGE)
        fprintf(stderr, "esentutl: the system log names what is damaged; so does esentutl verify\n");
    return code;
}

static int run_job(const struct args *args, struct stream *s, const struct job *job, struct paths *paths) {
    JET_INSTANCE instance;
    int code = stream_name(s, args, args->operands[0]);
    if (code == EXIT_DONE)
        code = stream_read(s);
    if (code == EXIT_DONE)
        code = find_databases(args, s, paths);
    if (code == EXIT_DONE)
        code = instance_make(s, &instance);
    if (code != EXIT_DONE)
        return code;
    code = instance_start(s, &instance);
    if (code == EXIT_DONE)
        code = attach_databases(instance, paths);
    if (job->tar) {
        job->tar->base = s->logs.base;
        job->tar->databases = paths->items;
        job->tar->database_count = paths->count;
    }
    if (code == EXIT_DONE)
        code = do_backup(s, instance, job);
    return instance_end(s, instance, code);
}

/* ---- backup ---- */

static void print_set(const char *dest) {
    struct set set;
    uint64_t bytes = 0;
    unsigned databases = 0;
    set_init(&set);
    if (set_find(dest, &set) >= JET_errSuccess) {
        for (uint32_t i = 0; i < set.file_count; i++) {
            bytes += set.files[i].sum.bytes;
            databases += !set.files[i].is_log;
        }
        printf("%s backup in %s: %u database%s, log generations %u to %u, %llu bytes\n",
               set.incremental ? "incremental" : "full", set.dir, databases, databases == 1 ? "" : "s", set.low,
               set.high, (unsigned long long)bytes);
    }
    set_done(&set);
}

/* Options that make no sense together. */
static const char *refusal(const struct job *job, const char *manifest) {
    if (!*job->dest)
        return "the destination has no name";
    if (!job->tar)
        return manifest ? "--manifest is about a stream" : NULL;
    if (job->grbit & JET_bitBackupAtomic)
        return "--atomic is about a directory";
    if (job->tar->incremental && !manifest)
        return "an incremental stream continues the stream whose manifest --manifest names";
    if (isatty(STDOUT_FILENO))
        return "a set is not written to a terminal: redirect standard output, or give a directory";
    return NULL;
}

static int run_backup(const struct args *args) {
    struct stream s;
    struct paths paths = {0};
    struct tar_backup tar = {
        .incremental = args_has(args, "incremental"),
        .sha256 = args_has(args, "sha256"),
        .manifest = args_value(args, "manifest"),
    };
    struct job job = {
        .dest = args->operands[1],
        .grbit = (tar.incremental ? JET_bitBackupIncremental : 0) | (tar.sha256 ? JET_bitBackupSha256 : 0) |
                 (args_has(args, "atomic") ? JET_bitBackupAtomic : 0),
        .tar = strcmp(args->operands[1], "-") == 0 ? &tar : NULL,
    };
    const char *why = refusal(&job, tar.manifest);
    int code = EXIT_FAILED;
    if (why)
        complain("backup", "%s", why);
    else
        code = run_job(args, &s, &job, &paths);
    if (code == EXIT_DONE && !job.tar)
        print_set(job.dest);
    paths_free(&paths);
    return code;
}

#define OPTION_DB                                                                                                      \
    { "db", "PATH", "a database elsewhere that belongs to the instance; may be given again" }

static const struct option_def backup_options[] = {
    {"incremental", NULL, "only the log files since the last backup, into its set"},
    {"atomic", NULL, "keep the set that is there until the new one is complete"},
    {"manifest", "FILE", "of a stream: leave its manifest there; with --incremental, continue that which is there"},
    {"sha256", NULL, "the manifest has the SHA-256 of each file too"},
    OPTION_DB,
    OPTION_BASE,
    OPTIONS_END,
};

const struct command command_backup = {
    .name = "backup",
    .operands = "DIR DEST|-",
    .summary = "back up the instance in a directory",
    .details = "DIR holds the log files of an instance that is not running now. It is recovered if need be, its "
               "databases (all\n"
               "*.edb there, and those of --db) are copied to the directory DEST with the log files they need, every "
               "page and\n"
               "log file is verified on the way, and log files that nobody needs any more are deleted.\n\n"
               "DEST - is standard output: the set is written there as a tar stream, which restore - or tar reads. "
               "The backup ends,\n"
               "and log files are deleted, when all of it was written; what follows in the pipe must be seen to "
               "succeed too.",
    .options = backup_options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_backup,
};

/* ---- truncate ---- */

static unsigned count_logs(const struct stream *s, struct log_range *range) {
    *range = (struct log_range){0};
    return log_dir_scan(&s->logs, range) >= JET_errSuccess && range->low ? range->high - range->low + 1 : 0;
}

static int run_truncate(const struct args *args) {
    struct stream s;
    struct paths paths = {0};
    struct job job = {0};
    struct log_range before, after;
    int code = stream_name(&s, args, args->operands[0]);
    unsigned had = code == EXIT_DONE ? count_logs(&s, &before) : 0;
    if (code == EXIT_DONE)
        code = run_job(args, &s, &job, &paths);
    if (code == EXIT_DONE) {
        unsigned has = count_logs(&s, &after);
        printf("closed log files: %u before, %u now\n", had, has);
    }
    paths_free(&paths);
    return code;
}

static const struct option_def truncate_options[] = {OPTION_DB, OPTION_BASE, OPTIONS_END};

const struct command command_truncate = {
    .name = "truncate",
    .operands = "DIR",
    .summary = "delete log files that nobody needs any more",
    .details = "DIR holds the log files of an instance that is not running now. Deleted are those that neither "
               "recovery nor the next\n"
               "incremental backup of any of its databases (all *.edb there, and those of --db) needs.",
    .options = truncate_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_truncate,
};
