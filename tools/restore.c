/* restore and recover. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/set.h"
#include "engine/db.h"
#include "engine/logrec.h"
#include "tools/instance.h"
#include "tools/reader.h"
#include "tools/tar.h"
#include "tools/until.h"

/* The state of a database afterwards, in one line. */
static void print_database(const char *path) {
    struct dbheader *h = calloc(1, PAGE_SIZE_MAX);
    struct os_file *file = NULL;
    if (h && os_open(path, OS_READ, &file) >= JET_errSuccess && dbheader_read(file, h, NULL) >= JET_errSuccess)
        printf("%s: %s\n", path, dbstate_words(le32(h->state)));
    else
        printf("%s: cannot be read\n", path);
    os_close(file);
    free(h);
}

/* ---- restore ---- */

/* How the log of the set was made. */
static int stream_of_set(struct stream *s, const struct set *set, bool base_given) {
    struct log_dir dir = {0};
    char path[OS_PATH_MAX];
    struct log_header *header = malloc(sizeof *header);
    JET_ERR err = JET_errSuccess;

    if (!header)
        FAIL(JET_errOutOfMemory);
    memcpy(dir.base, set->base, sizeof dir.base);
    memcpy(dir.path, set->dir, strlen(set->dir) + 1);
    if (!base_given)
        memcpy(s->logs.base, set->base, sizeof s->logs.base);
    s->page_size = set->page_size;
    s->log_file_bytes = set->log_file_bytes;
    CALL(log_path_archive(&dir, set->high, path));
    CALL(log_header_read(path, header));
    s->circular = header->circular;
cleanup:
    free(header);
    return err < JET_errSuccess ? complain_err(set->dir, "the set's log files cannot be read", err) : EXIT_DONE;
}

static void print_restored(const struct set *set, const char *dest) {
    char path[OS_PATH_MAX];
    for (uint32_t i = 0; i < set->file_count; i++) {
        const struct set_file *file = &set->files[i];
        if (file->is_log)
            continue;
        if (!dest)
            print_database(file->original);
        else if (os_path_join(path, dest, file->name) >= JET_errSuccess)
            print_database(path);
    }
}

static JET_ERR restore(const struct args *args, JET_INSTANCE instance, const JET_RSTINFO *info) {
    JET_ERR err = JET_errSuccess;
    if (args_has(args, "delete-later-logs"))
        CALL(JetSetSystemParameter(&instance, 0, JET_paramDeleteOutOfRangeLogs, 1, NULL));
    CALL(JetRestoreInstance2(instance, args->operands[0], args_value(args, "dest"), info, 0));
cleanup:
    return err;
}

static int restore_set(const struct args *args, const struct set *set) {
    const char *dest = args_value(args, "dest");
    struct stream s;
    JET_INSTANCE instance;
    JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = instance_status};
    struct until until;
    int code = until_read(args, &until);
    info.lgposStop.lGeneration = (int32_t)until.gen;
    info.logtimeStop = until.time;
    if (code == EXIT_DONE)
        code = stream_name(&s, args, args->operands[1]);
    if (code == EXIT_DONE)
        code = stream_of_set(&s, set, args_has(args, "base"));
    if (code == EXIT_DONE)
        code = instance_make(&s, &instance);
    if (code != EXIT_DONE)
        return code;
    JET_ERR err = restore(args, instance, &info);
    if (err == JET_errSystemPathInUse || err == JET_errLogFilePathInUse) {
        complain(s.logs.path, "is in use by a running instance");
        code = EXIT_FAILED;
    } else if (err == JET_errExistingLogFileIsNotContiguous && !args_has(args, "delete-later-logs")) {
        complain(s.logs.path, "holds log files beyond what is restored: move them away, or --delete-later-logs");
        code = EXIT_FAILED;
    } else if (err < JET_errSuccess) {
        code = complain_err(args->operands[0], "restore failed", err);
    }
    code = instance_end(&s, instance, code);
    if (code == EXIT_DONE)
        print_restored(set, dest);
    return code;
}

/* From standard input. */
static int restore_stream(const struct args *args) {
    const char *dest = args_value(args, "dest");
    char path[OS_PATH_MAX];
    struct stream s;
    struct set set;
    struct tar_restore options = {
        .base = args_value(args, "base"),
        .delete_later_logs = args_has(args, "delete-later-logs"),
    };
    int code = until_read(args, &options.until);
    if (code == EXIT_DONE)
        code = stream_name(&s, args, args->operands[1]);
    if (code == EXIT_DONE && dest && os_path_absolute(path, dest) < JET_errSuccess)
        code = complain_err(dest, NULL, JET_errInvalidPath);
    if (code != EXIT_DONE)
        return code;
    options.dir = s.logs.path;
    options.dest = dest ? path : NULL;
    code = tar_restore(&options, &set);
    if (code == EXIT_DONE)
        print_restored(&set, dest);
    set_done(&set);
    return code;
}

static int run_restore(const struct args *args) {
    struct set set;
    int code;
    if (strcmp(args->operands[0], "-") == 0)
        return restore_stream(args);
    set_init(&set);
    JET_ERR err = set_find(args->operands[0], &set);
    if (err == JET_errFileNotFound) {
        complain(args->operands[0], "holds no backup set (%s)", SET_MANIFEST);
        code = EXIT_FAILED;
    } else if (err == JET_errInvalidBackup) {
        complain(args->operands[0], "the set's %s is damaged", SET_MANIFEST);
        code = EXIT_DAMAGE;
    } else if (err < JET_errSuccess) {
        code = complain_err(args->operands[0], NULL, err);
    } else {
        code = restore_set(args, &set);
    }
    set_done(&set);
    return code;
}

static const struct option_def restore_options[] = {
    {"dest", "DBDIR", "put the databases there, not where they were"},
    UNTIL_OPTIONS,
    {"delete-later-logs", NULL, "delete log files in DIR that do not go on from what is restored"},
    OPTION_BASE,
    OPTIONS_END,
};

const struct command command_restore = {
    .name = "restore",
    .operands = "SET|- DIR",
    .summary = "restore a backup set into a directory",
    .details =
        "SET is the directory that was given to backup. The set is verified, its databases are copied to where "
        "they were or\n"
        "to --dest, and brought up to date with the set's log files and then with those of the instance in DIR, "
        "where they\n"
        "follow without a gap. DIR is made if it is missing. With --until-generation or --until-time the databases "
        "come "
        "to the\n"
        "state of the last commit in that generation, or in the last log file that had been created by then, and the "
        "log goes\n"
        "on from there: log files behind it are in the way unless nothing was committed in them.\n\n"
        "SET - is standard input: a tar stream that backup - wrote, and behind it the incremental ones made after it. "
        "Nothing\n"
        "is replaced before the stream was read to its end and the databases are up to date.",
    .options = restore_options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_restore,
};

/* ---- recover ---- */

/* Databases that recovery may work on: those attached at the checkpoint, and those that records behind it attach. */
#define ATTACHED_MAX 16
struct attached {
    char paths[ATTACHED_MAX][OS_PATH_MAX];
    unsigned count;
};

static void add_attached(struct attached *list, const struct db_attachment *a) {
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->paths[i], a->path) == 0)
            return;
    }
    if (list->count < ATTACHED_MAX)
        memcpy(list->paths[list->count++], a->path, sizeof a->path);
}

static void add_list(struct attached *list, const uint8_t *bytes, uint32_t count) {
    struct slice rest = slice(bytes, count);
    struct db_attachment a;
    while (rest.n > 0 && db_attach_list_next(&rest, &a) >= JET_errSuccess)
        add_attached(list, &a);
}

static void add_records(struct attached *list, struct log_reader *reader) {
    struct log_record record;
    struct db_attachment a;
    uint32_t page_size;
    while (log_reader_next(reader, &record) >= JET_errSuccess) {
        if ((record.type == LOGREC_CREATE_DB || record.type == LOGREC_ATTACH_DB) &&
            db_record_decode(slice(record.data, record.bytes), &a, &page_size) >= JET_errSuccess)
            add_attached(list, &a);
    }
}

/* As far as it can be told: recovery itself will say what is wrong. */
static void find_attached(const struct stream *s, struct attached *list) {
    struct log_reader_config config = {.dirs[0] = s->logs};
    struct log_reader *reader = NULL;
    struct log_range range;
    struct log_checkpoint *checkpoint = malloc(sizeof *checkpoint);
    char path[OS_PATH_MAX], name[8];

    snprintf(name, sizeof name, "%.3s.chk", s->logs.base);
    if (checkpoint && os_path_join(path, s->system, name) >= JET_errSuccess &&
        log_checkpoint_read(path, checkpoint, NULL) >= JET_errSuccess) {
        config.from = checkpoint->position;
        add_list(list, checkpoint->attach, checkpoint->attach_bytes);
    } else if (log_dir_scan(&s->logs, &range) >= JET_errSuccess) {
        config.from = lgpos_make(range.low ? range.low : range.current, 0);
    }
    if (config.from && log_reader_open(&config, &reader) >= JET_errSuccess) {
        if (lgpos_offset(config.from) == 0)
            add_list(list, log_reader_header(reader)->attach, log_reader_header(reader)->attach_bytes);
        add_records(list, reader);
        log_reader_close(reader);
    }
    free(checkpoint);
}

/* Recovery finds databases where the log says they are. ESE's users may name their directory: then it must be that. */
static int check_places(const struct args *args, const struct attached *list) {
    const char *dir = args_value(args, "databases");
    char absolute[OS_PATH_MAX], parent[OS_PATH_MAX];
    JET_ERR err = JET_errSuccess;
    if (!dir)
        return EXIT_DONE;
    CALL(os_path_absolute(absolute, dir));
    for (unsigned i = 0; i < list->count; i++) {
        CALL(os_path_parent(parent, list->paths[i]));
        if (strcmp(parent, absolute) == 0)
            continue;
        complain(list->paths[i], "is where the log has this database, not in %s: recovery does not look elsewhere",
                 absolute);
        return EXIT_FAILED;
    }
cleanup:
    return err < JET_errSuccess ? complain_err(dir, NULL, err) : EXIT_DONE;
}

static int recover(const struct args *args, struct stream *s, struct attached *list) {
    JET_INSTANCE instance;
    int code = stream_name(s, args, args->operands[0]);
    if (code == EXIT_DONE)
        code = stream_read(s);
    if (code != EXIT_DONE)
        return code;
    find_attached(s, list);
    code = check_places(args, list);
    if (code == EXIT_DONE)
        code = instance_make(s, &instance);
    if (code != EXIT_DONE)
        return code;
    code = instance_start(s, &instance);
    return instance_end(s, instance, code);
}

static int run_recover(const struct args *args) {
    struct stream s;
    struct attached *list = calloc(1, sizeof *list);
    int code = list ? recover(args, &s, list) : complain_err(args->operands[0], NULL, JET_errOutOfMemory);
    if (code == EXIT_DONE)
        printf("%s: recovered\n", s.logs.path);
    for (unsigned i = 0; code == EXIT_DONE && i < list->count; i++)
        print_database(list->paths[i]);
    free(list);
    return code;
}

static const struct option_def recover_options[] = {
    {"system", "SYSDIR", "directory of the checkpoint (DIR)"},
    {"databases", "DBDIR", "refuse if a database is not in this directory"},
    OPTION_BASE,
    OPTIONS_END,
};

const struct command command_recover = {
    .name = "recover",
    .operands = "DIR",
    .summary = "bring databases up to date from their log",
    .details = "DIR holds the log files of an instance that is not running now. Its databases come to the state of the "
               "last commit\n"
               "and are shut down clean. A log is never begun: without one, nothing is done.",
    .options = recover_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_recover,
};
