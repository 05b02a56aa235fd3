/* backup to a stream: a client of the external backup functions, and of nothing else in the engine, that puts what it
 * reads into a tar archive.
 *
 * The manifest is the last entry: a stream that was cut has none. Only when the archive has been written without an
 * error does the backup end; a broken pipe or a full disk gives it up, and the instance is as if it had not begun. What
 * becomes of the bytes behind the pipe nobody here can know. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/dbheader.h"
#include "tools/tar.h"

static const char out_name[] = "standard output";

struct writer {
    JET_INSTANCE instance;
    const struct tar_backup *options;
    struct archive *archive;
    bool silent;    /* nothing is written any more */
    struct set set; /* as the manifest will have it */
    lggen_t known;  /* incremental: the last generation that the manifest had; else 0 */
    JET_LOGTIME begin;
    struct log_header log; /* of the first log file */
    uint8_t *buffer;       /* TAR_PIECE_BYTES, page aligned */
    struct progress progress;
    uint64_t done, written;
};

void tar_use_utf8(void) {
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        complain("C.UTF-8", "this locale is missing: names that are not ASCII will be refused");
}

/* ---- the archive ---- */

/* Never fails as libarchive sees it: 3.6 loses memory then. Once something went wrong nothing more is written, not even
 * the end of an archive. */
static la_ssize_t write_piece(struct archive *archive, void *context, const void *bytes, size_t n) {
    struct writer *w = context;
    const char *at = bytes;
    (void)archive;
    for (size_t left = n; left > 0 && !w->silent;) {
        ssize_t written = write(STDOUT_FILENO, at, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            complain(out_name, "%s", errno == EPIPE ? "nobody reads it any more (broken pipe)" : strerror(errno));
            w->silent = true;
            break;
        }
        at += written;
        left -= (size_t)written;
    }
    return (la_ssize_t)n;
}

/* What a call of libarchive came to. */
static int archive_result(struct writer *w, bool good) {
    const char *why = archive_error_string(w->archive);
    if (!good && !w->silent)
        complain(out_name, "%s", why ? why : "cannot be written");
    return good && !w->silent ? EXIT_DONE : EXIT_FAILED;
}

static int archive_begin(struct writer *w) {
    w->archive = archive_write_new();
    if (!w->archive)
        return complain_err(out_name, NULL, JET_errOutOfMemory);
    return archive_result(
        w, archive_write_set_format_pax_restricted(w->archive) == ARCHIVE_OK && /* ustar where that will do */
               archive_write_set_format_option(w->archive, "pax", "xattrheader", "SCHILY") == ARCHIVE_OK &&
               archive_write_set_bytes_per_block(w->archive, 0) == ARCHIVE_OK &&
               archive_write_open(w->archive, w, NULL, write_piece, NULL) == ARCHIVE_OK);
}

static int put_entry(struct writer *w, const char *name, uint64_t bytes, const char *original) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return complain_err(out_name, NULL, JET_errOutOfMemory);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, (la_int64_t)bytes);
    archive_entry_set_mtime(entry, time(NULL), 0);
    if (original)
        archive_entry_xattr_add_entry(entry, TAR_ORIGINAL, original, strlen(original));
    int code = archive_result(w, archive_write_header(w->archive, entry) == ARCHIVE_OK);
    archive_entry_free(entry);
    return code;
}

static int put_data(struct writer *w, const void *bytes, size_t n) {
    w->written += n;
    return archive_result(w, archive_write_data(w->archive, bytes, n) == (la_ssize_t)n);
}

/* ---- files ---- */

/* One that is read through the engine, which verifies it. */
struct source {
    const char *path;
    JET_HANDLE handle;
    uint64_t bytes;
    bool skip; /* read, but not put into the archive */
    struct file_sum sum;
    struct dbheader header; /* databases: the first page's */
};

static int complain_source(const struct source *from, JET_ERR err) {
    return complain_err(from->path, "cannot be backed up", err);
}

/* The first piece has the header, by which a database is known. */
static int begin_entry(struct writer *w, struct source *from, bool is_log, const char *name, uint32_t bytes) {
    if (is_log)
        return from->skip ? EXIT_DONE : put_entry(w, name, from->bytes, NULL);
    if (bytes < sizeof from->header)
        return complain_source(from, JET_errDatabaseCorrupted);
    memcpy(&from->header, w->buffer, sizeof from->header);
    return put_entry(w, name, from->bytes, from->path);
}

static JET_ERR read_piece(struct writer *w, struct source *from, struct summer *summer, uint32_t *bytes) {
    JET_ERR err = JET_errSuccess;
    CALL(JetReadFileInstance(w->instance, from->handle, w->buffer, TAR_PIECE_BYTES, bytes));
    CALL(summer_add(summer, w->buffer, *bytes));
    progress_step(&w->progress, w->done += *bytes);
cleanup:
    return err;
}

static int put_content(struct writer *w, struct source *from, bool is_log, const char *name) {
    struct summer summer = {0};
    uint64_t at = 0;
    uint32_t n = 0;
    int code = EXIT_DONE;
    JET_ERR err = summer_begin(&summer, w->set.sha256);
    while (err >= JET_errSuccess && code == EXIT_DONE && at < from->bytes) {
        err = read_piece(w, from, &summer, &n);
        if (err >= JET_errSuccess && n == 0)
            err = JET_errFileIOBeyondEOF; /* less than was announced */
        if (err >= JET_errSuccess && at == 0)
            code = begin_entry(w, from, is_log, name, n);
        if (err >= JET_errSuccess && code == EXIT_DONE && !from->skip)
            code = put_data(w, w->buffer, n);
        at += n;
    }
    if (err >= JET_errSuccess && code == EXIT_DONE)
        err = summer_end(&summer, &from->sum);
    summer_free(&summer);
    return err < JET_errSuccess ? complain_source(from, err) : code;
}

static int put_file(struct writer *w, struct source *from, bool is_log, const char *name) {
    uint32_t low, high;
    JET_ERR err = JetOpenFileInstance(w->instance, from->path, &from->handle, &low, &high);
    if (err < JET_errSuccess)
        return complain_source(from, err);
    from->bytes = (uint64_t)high << 32 | low;
    int code = put_content(w, from, is_log, name);
    if (code != EXIT_DONE)
        return code;
    err = JetCloseFileInstance(w->instance, from->handle);
    return err < JET_errSuccess ? complain_source(from, err) : EXIT_DONE;
}

/* ---- lists of the engine: paths behind each other, the last one empty ---- */

typedef JET_ERR(JET_API *list_fn)(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

static JET_ERR get_list(const struct writer *w, list_fn list, char **out) {
    JET_ERR err = JET_errSuccess;
    uint32_t bytes;
    char *paths = NULL;
    CALL(list(w->instance, NULL, 0, &bytes));
    paths = calloc(1, (size_t)bytes + 2);
    if (!paths)
        FAIL(JET_errOutOfMemory);
    CALL(list(w->instance, paths, bytes, &bytes));
    *out = paths;
    return JET_errSuccess;
cleanup:
    free(paths);
    return err;
}

/* ---- databases ---- */

static int put_database(struct writer *w, const char *path) {
    struct source from = {.path = path};
    char name[256];
    snprintf(name, sizeof name, "%s", os_path_name(path));
    for (unsigned n = 2; !set_name_fits(&w->set, name); n++)
        snprintf(name, sizeof name, "%u-%.200s", n, os_path_name(path));
    int code = put_file(w, &from, false, name);
    if (code != EXIT_DONE)
        return code;
    const JET_SIGNATURE signature = disk_signature_load(&from.header.sign_db);
    w->set.page_size = le32(from.header.page_size);
    w->set.full_begin = disk_logtime_load(&from.header.full_cur.time);
    const uint64_t pages = page_size_valid(w->set.page_size) ? from.bytes / w->set.page_size : 0;
    JET_ERR err = pages <= 3 || pages - 3 > UINT32_MAX
                      ? JET_errDatabaseCorrupted
                      : set_add_database(&w->set, name, path, &signature, (uint32_t)(pages - 3), &from.sum);
    return err < JET_errSuccess ? complain_source(&from, err) : EXIT_DONE;
}

static int put_databases(struct writer *w) {
    char *paths = NULL;
    int code = EXIT_DONE;
    JET_ERR err = get_list(w, JetGetAttachInfoInstance, &paths);
    if (err < JET_errSuccess)
        return complain_err("databases", NULL, err);
    for (const char *path = paths; *path && code == EXIT_DONE; path += strlen(path) + 1)
        code = put_database(w, path);
    free(paths);
    return code;
}

/* ---- the manifest that an incremental stream continues ---- */

static int read_manifest(struct writer *w) {
    const char *path = w->options->manifest;
    struct os_file *file = NULL;
    char *text = NULL;
    uint64_t bytes;
    JET_ERR err = JET_errSuccess;
    CALL(os_open(path, OS_READ, &file));
    CALL(os_size(file, &bytes));
    text = malloc(bytes + 1);
    if (!text)
        FAIL(JET_errOutOfMemory);
    CALL(os_read(file, 0, text, bytes));
    err = set_parse(text, bytes, &w->set);
cleanup:
    os_close(file);
    free(text);
    if (err == JET_errInvalidBackup) {
        complain(path, "is no manifest of a backup set, or a damaged one");
        return EXIT_DAMAGE;
    }
    return err < JET_errSuccess ? complain_err(path, "the manifest that is to be continued", err) : EXIT_DONE;
}

static int write_manifest(const char *path, const char *text, size_t bytes) {
    char temporary[OS_PATH_MAX];
    struct os_file *file = NULL;
    JET_ERR err = JET_errSuccess;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        FAIL(JET_errInvalidPath);
    CALL(os_open(temporary, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CALL(os_write(file, 0, text, bytes));
    CALL(os_sync(file));
    CALL(os_rename(temporary, path));
    CALL(os_sync_parent(path));
cleanup:
    os_close(file);
    return err < JET_errSuccess ? complain_err(path, "the manifest cannot be written", err) : EXIT_DONE;
}

static const struct set_file *find_database(const struct set *set, const struct dbheader *header) {
    for (uint32_t i = 0; i < set->file_count; i++)
        if (!set->files[i].is_log && memcmp(&set->files[i].signature, &header->sign_db, sizeof header->sign_db) == 0)
            return &set->files[i];
    return NULL;
}

static bool within(const struct disk_logtime *time, const JET_LOGTIME *begin, const JET_LOGTIME *end) {
    const JET_LOGTIME at = disk_logtime_load(time);
    const int64_t s = clock_logtime_ms(&at) / 1000; /* the manifest has whole seconds */
    return s >= clock_logtime_ms(begin) / 1000 && s <= clock_logtime_ms(end) / 1000;
}

/* The last backups of a database, as its header notes them, are those of the manifest. Generation numbers alone do not
 * tell: an instance that was restored goes on with the same ones. ended: the backup that wrote the manifest was noted.
 */
static bool notes_fit(const struct set *set, const struct dbheader *header, bool ended) {
    if (!within(&header->full_prev.time, &set->full_begin, &set->full_begin))
        return false;
    return !ended || !set->incremental ||
           within(&header->inc_prev.time, &set->incremental_begin, &set->incremental_end);
}

static int check_database(const struct writer *w, const char *path, bool ended) {
    struct os_file *file = NULL;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    int code = EXIT_FAILED;
    JET_ERR err = header ? os_open(path, OS_READ, &file) : JET_errOutOfMemory;
    if (err >= JET_errSuccess)
        err = dbheader_read(file, header, NULL);
    if (err < JET_errSuccess)
        code = complain_err(path, NULL, err);
    else if (!find_database(&w->set, header))
        complain(path, "is not in the backup that %s describes: a full one is needed", w->options->manifest);
    else if (!notes_fit(&w->set, header, ended))
        complain(path, "its last backup is not that which %s describes: a full one is needed", w->options->manifest);
    else
        code = EXIT_DONE;
    os_close(file);
    free(header);
    return code;
}

/* low: where this backup begins. At the end of the manifest's log files; or before, if the last backup was written but
 * did not end: then those that are known are compared, and that is proof enough. */
static int check_continues(struct writer *w, lggen_t low) {
    int code = EXIT_DONE;
    const lggen_t known = w->set.high;
    if (memcmp(&w->log.signature, &w->set.signature, sizeof w->log.signature) != 0 ||
        strcmp(w->options->base, w->set.base) != 0) {
        complain(w->options->manifest, "describes a backup of another log");
        return EXIT_FAILED;
    }
    if (low > known + 1 || low < w->set.low) {
        complain(w->options->manifest, "ends with log generation %u, this backup begins with %u: a full one is needed",
                 known, low);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < w->options->database_count && code == EXIT_DONE; i++)
        code = check_database(w, w->options->databases[i], low > known);
    w->known = known;
    w->set.incremental = true;
    w->set.incremental_begin = w->begin;
    return code;
}

/* ---- log files ---- */

static int check_known(const struct writer *w, lggen_t gen, const struct source *from) {
    const struct set *set = &w->set;
    const struct set_file *file = &set->files[set->file_count - (set->high - gen) - 1];
    if (file_sum_equal(&file->sum, &from->sum))
        return EXIT_DONE;
    complain(from->path, "is not the log file that %s describes: a full backup is needed", w->options->manifest);
    return EXIT_FAILED;
}

static int put_log(struct writer *w, lggen_t gen, const char *path) {
    struct source from = {.path = path, .skip = gen <= w->known};
    int code = put_file(w, &from, true, os_path_name(path));
    if (code != EXIT_DONE)
        return code;
    if (from.skip)
        return check_known(w, gen, &from);
    JET_ERR err = set_add_log(&w->set, os_path_name(path), &from.sum);
    return err < JET_errSuccess ? complain_source(&from, err) : EXIT_DONE;
}

static int begin_logs(struct writer *w, const char *first, const JET_LOGINFO *info) {
    JET_ERR err = log_header_read(first, &w->log);
    if (err < JET_errSuccess)
        return complain_err(first, NULL, err);
    if (w->options->incremental)
        return check_continues(w, info->ulGenLow);
    w->set.signature = w->log.signature;
    w->set.page_size = w->log.page_size;
    w->set.log_file_bytes = w->log.file_bytes;
    w->set.low = info->ulGenLow;
    return EXIT_DONE;
}

static int put_logs(struct writer *w) {
    JET_LOGINFO info = {.cbSize = sizeof info};
    char *paths = NULL;
    JET_ERR err = get_list(w, JetGetLogInfoInstance, &paths);
    if (err >= JET_errSuccess)
        err = JetGetLogInfoInstance2(w->instance, NULL, 0, NULL, &info);
    int code = err < JET_errSuccess ? complain_err("log files", NULL, err) : begin_logs(w, paths, &info);
    const char *path = paths;
    for (lggen_t gen = info.ulGenLow; code == EXIT_DONE && gen <= info.ulGenHigh && *path; gen++) {
        code = put_log(w, gen, path);
        path += strlen(path) + 1;
        w->set.high = gen > w->known ? gen : w->set.high;
    }
    free(paths);
    return code;
}

/* ---- the end ---- */

static int flush(struct writer *w) {
    int code = archive_result(w, archive_write_close(w->archive) == ARCHIVE_OK);
    if (code != EXIT_DONE)
        return code;
    if (fsync(STDOUT_FILENO) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) { /* not for pipes */
        complain(out_name, "%s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int put_manifest(struct writer *w) {
    char *text = NULL;
    size_t bytes;
    JET_ERR err = set_format(&w->set, &text, &bytes);
    if (err < JET_errSuccess)
        return complain_err(out_name, "the manifest cannot be made", err);
    int code = put_entry(w, SET_MANIFEST, bytes, NULL);
    if (code == EXIT_DONE)
        code = put_data(w, text, bytes);
    if (code == EXIT_DONE)
        code = flush(w);
    if (code == EXIT_DONE && w->options->manifest)
        code = write_manifest(w->options->manifest, text, bytes);
    free(text);
    return code;
}

/* It is written: what cannot be deleted now is deleted next time. */
static int end(struct writer *w) {
    JET_ERR err = JetTruncateLogInstance(w->instance);
    if (err < JET_errSuccess)
        complain_err(out_name, "the backup is good, but log files could not be deleted", err);
    err = JetEndExternalBackupInstance2(w->instance, JET_bitBackupEndNormal | JET_bitBackupTruncateDone);
    return err < JET_errSuccess ? complain_err(out_name, "the backup could not be ended", err) : EXIT_DONE;
}

static void say_done(const struct writer *w) {
    const struct set *set = &w->set;
    fprintf(stderr, "%s backup to %s: log generations %u to %u, %llu bytes\n",
            w->options->incremental ? "incremental" : "full", out_name, w->known ? w->known + 1 : set->low, set->high,
            (unsigned long long)w->written);
}

/* ---- the story ---- */

static int write_stream(struct writer *w) {
    int code = archive_begin(w);
    if (code == EXIT_DONE && !w->options->incremental)
        code = put_databases(w);
    if (code == EXIT_DONE)
        code = put_logs(w);
    if (code == EXIT_DONE)
        code = put_manifest(w);
    progress_end(&w->progress);
    if (code == EXIT_DONE)
        return end(w);
    w->silent = true; /* it shall look cut off, as it is */
    JET_ERR ignored = JetEndExternalBackupInstance2(w->instance, JET_bitBackupEndAbort);
    (void)ignored; /* it has ended by itself */
    return code;
}

static int begin(struct writer *w) {
    const struct tar_backup *options = w->options;
    uint64_t total = 0;
    set_init(&w->set);
    memcpy(w->set.base, options->base, sizeof w->set.base);
    const int code = options->incremental ? read_manifest(w) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    w->set.sha256 |= options->sha256;
    for (size_t i = 0; i < options->database_count; i++) {
        struct os_stat st;
        total += !options->incremental && os_stat(options->databases[i], &st) >= JET_errSuccess ? st.bytes : 0;
    }
    progress_start(&w->progress, "backup", total);
    w->begin = clock_logtime();
    JET_ERR err = JetBeginExternalBackupInstance(w->instance, options->incremental ? JET_bitBackupIncremental : 0);
    return err < JET_errSuccess ? complain_err(out_name, "backup failed", err) : EXIT_DONE;
}

int tar_backup(JET_INSTANCE instance, const struct tar_backup *options) {
    struct writer *w = calloc(1, sizeof *w);
    int code = EXIT_FAILED;
    if (w)
        w->buffer = aligned_alloc(4096, TAR_PIECE_BYTES);
    if (!w || !w->buffer) {
        free(w);
        return complain_err(out_name, NULL, JET_errOutOfMemory);
    }
    w->instance = instance;
    w->options = options;
    tar_use_utf8();
    signal(SIGPIPE, SIG_IGN); /* an error like any other */
    code = begin(w);
    if (code == EXIT_DONE)
        code = write_stream(w);
    progress_end(&w->progress);
    if (code == EXIT_DONE)
        say_done(w);
    archive_write_free(w->archive); /* NULL is ignored */
    set_done(&w->set);
    free(w->buffer);
    free(w);
    return code;
}
