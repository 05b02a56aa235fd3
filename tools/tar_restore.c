/* restore from a stream, as a story:
 *
 *   1 take      each entry of the tar archive: a log file goes to DIR/restore.tmp, a database to a temporary name
 * beside the place that it will have; pages are verified as they pass, and everything is summed 2 believe   the
 * manifest, which is the last entry, only if it names exactly what was taken, with the same sums 3 recover   the
 * databases under their temporary names, with JetExternalRestore2 4 rename    them into place
 *
 * Until 4 what was there before is untouched, and what fails takes all that was written here away again. Killed at any
 * point it leaves temporary files, which the next restore replaces. Nothing in a stream is trusted: an entry is a plain
 * file with a plain name, or the restore ends.
 *
 * Archives may follow each other in the stream, a full one and the incremental ones made after it: the last manifest
 * names the files of all. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/trailer.h"
#include "base/checksum.h"
#include "tools/tar.h"

#define TEMPORARY ".restore.tmp" /* behind the name of a database */
#define LOG_DIRECTORY "restore.tmp"
#define LOCK "lock" /* in it: no two restores into one directory */
#define MANIFEST_BYTES_MAX (64u << 20)
#define ENTRY_FILES 3u /* headers and trailer: the pages of a database's copy that are none of its own */

static const char in_name[] = "standard input";

/* An entry that was taken. */
struct item {
    char *name;
    char *path; /* where it is now */
    struct file_sum sum;
    bool named; /* by the manifest */
    /* databases: */
    char *target;
    char *original; /* as the entry says it; NULL: it does not */
    JET_SIGNATURE signature;
    uint32_t page_count;
};

struct reader {
    struct archive *archive;
    bool input_failed; /* it was not the stream's fault */
    bool input_came;
    uint8_t *input, *buffer;
    const struct tar_restore *options;
    char logs[OS_PATH_MAX]; /* DIR/restore.tmp */
    struct os_file *lock;
    char **made; /* directories, in this order */
    uint32_t made_count;
    struct item *items; /* sorted by name when all are there */
    uint32_t item_count;
    uint32_t page_size;      /* of the database that is passing */
    struct dbheader *header; /* its */
    char *manifest;          /* NULL: the last entry is none */
    size_t manifest_bytes;
};

/* ---- directories, which go again if the restore fails ---- */

static JET_ERR make_dirs(struct reader *r, const char *path) {
    JET_ERR err = JET_errSuccess;
    char parent[OS_PATH_MAX];
    struct os_stat st;

    CALL(os_stat(path, &st));
    if (st.kind == OS_DIRECTORY)
        return JET_errSuccess;
    CALL(os_path_parent(parent, path));
    if (strcmp(parent, path) != 0)
        CALL(make_dirs(r, parent));
    char **grown = realloc(r->made, (r->made_count + 1) * sizeof *grown);
    if (!grown)
        FAIL(JET_errOutOfMemory);
    r->made = grown;
    CALL(os_make_dir(path));
    r->made[r->made_count] = strdup(path);
    if (!r->made[r->made_count])
        FAIL(JET_errOutOfMemory);
    r->made_count++;
    CALL(os_sync_parent(path));
cleanup:
    return err;
}

static JET_ERR remove_left_over(void *context, const char *name, enum os_kind kind) {
    const struct reader *r = context;
    char path[OS_PATH_MAX];
    if (kind == OS_DIRECTORY || strcmp(name, LOCK) == 0)
        return JET_errSuccess;
    JET_ERR err = os_path_join(path, r->logs, name);
    return err < JET_errSuccess ? err : os_remove(path);
}

static int begin(struct reader *r) {
    char lock[OS_PATH_MAX];
    JET_ERR err = JET_errSuccess;

    CALL(os_path_join(r->logs, r->options->dir, LOG_DIRECTORY));
    CALL(os_path_join(lock, r->logs, LOCK));
    CALL(make_dirs(r, r->logs));
    err = os_open(lock, OS_WRITE | OS_CREATE | OS_TRUNCATE | OS_LOCK, &r->lock);
    if (err == JET_errFileAccessDenied) {
        complain(r->logs, "cannot be used: another restore has it, or it is not writable");
        return EXIT_FAILED;
    }
    CALL(err);
    CALL(os_list(r->logs, remove_left_over, r));
cleanup:
    return err < JET_errSuccess ? complain_err(r->logs, NULL, err) : EXIT_DONE;
}

/* ---- the archive ---- */

static la_ssize_t read_input(struct archive *archive, void *context, const void **bytes) {
    struct reader *r = context;
    ssize_t n;
    do
        n = read(STDIN_FILENO, r->input, TAR_PIECE_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        r->input_failed = true;
        archive_set_error(archive, errno, "%s", strerror(errno));
    }
    r->input_came |= n > 0;
    *bytes = r->input;
    return n;
}

static int complain_archive(const struct reader *r, const char *what) {
    const char *why = archive_error_string(r->archive);
    complain(in_name, "%s%s%s", what, why ? ": " : "", why ? why : "");
    return r->input_failed ? EXIT_FAILED : EXIT_DAMAGE;
}

static int nothing_came(void) {
    complain(in_name, "is empty");
    return EXIT_DAMAGE;
}

/* Archives behind each other are one: nothing may follow the last manifest but zeros. */
static int open_archive(struct reader *r) {
    r->archive = archive_read_new();
    if (!r->archive)
        return complain_err(in_name, NULL, JET_errOutOfMemory);
    if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
        archive_read_set_options(r->archive, "tar:read_concatenated_archives") != ARCHIVE_OK ||
        archive_read_open(r->archive, r, NULL, read_input, NULL) != ARCHIVE_OK)
        return !r->input_came && !r->input_failed
                   ? nothing_came()
                   : complain_archive(r, "is no tar stream (what is compressed must be decompressed before)");
    return EXIT_DONE;
}

/* The next bytes of an entry, and no fewer. */
static int read_data(struct reader *r, const char *name, void *buffer, size_t bytes) {
    la_ssize_t n = archive_read_data(r->archive, buffer, bytes);
    if (n == (la_ssize_t)bytes)
        return EXIT_DONE;
    if (n < 0)
        return complain_archive(r, name);
    complain(in_name, "ends within %s", name);
    return EXIT_DAMAGE;
}

static int refuse(const char *name, const char *why) {
    complain(in_name, "%s %s: refused", name, why);
    return EXIT_DAMAGE;
}

/* ---- items ---- */

static struct item *add_item(struct reader *r, const char *name, const char *path) {
    if ((r->item_count & (r->item_count - 1)) == 0) {
        struct item *grown = realloc(r->items, sizeof *grown * (r->item_count ? r->item_count * 2 : 1));
        if (!grown)
            return NULL;
        r->items = grown;
    }
    struct item *item = &r->items[r->item_count];
    *item = (struct item){.name = strdup(name), .path = strdup(path)};
    if (!item->name || !item->path) {
        free(item->name);
        free(item->path);
        return NULL;
    }
    r->item_count++;
    return item;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* ---- 1: the content of an entry ---- */

static int damaged(const struct item *item, const char *what) {
    complain(in_name, "%s: %s", item->name, what);
    return EXIT_DAMAGE;
}

static int see_header(struct reader *r, struct item *item, uint64_t bytes) {
    const struct dbheader *h = (const struct dbheader *)r->buffer;
    const uint32_t page_size = le32(h->page_size);
    if (!page_size_valid(page_size) || bytes % page_size != 0 || bytes <= (uint64_t)ENTRY_FILES * page_size ||
        bytes / page_size > UINT32_MAX || dbheader_check(h, page_size) < JET_errSuccess)
        return damaged(item, "is no database, or its header is damaged");
    memcpy(r->header, h, page_size);
    r->page_size = page_size;
    item->signature = disk_signature_load(&h->sign_db);
    item->page_count = (uint32_t)(bytes / page_size - ENTRY_FILES);
    return EXIT_DONE;
}

/* The page at a place of the copy, counted from the first header on. */
static int see_page(const struct reader *r, const struct item *item, uint8_t *page, uint64_t place) {
    char what[128];
    lggen_t current;
    if (place == 0)
        return EXIT_DONE;
    if (place == 1)
        return memcmp(page, r->header, r->page_size) == 0 ? EXIT_DONE : damaged(item, "its second header is damaged");
    if (place == (uint64_t)item->page_count + 2)
        return trailer_check(page, r->header, &current) >= JET_errSuccess ? EXIT_DONE
                                                                          : damaged(item, "its trailer is damaged");
    const enum page_verdict verdict = page_sum_check(page, r->page_size, (uint32_t)(place - 1), false);
    if (verdict == PAGE_GOOD || verdict == PAGE_BLANK)
        return EXIT_DONE;
    snprintf(what, sizeof what, "page %llu at offset %llu is damaged", (unsigned long long)place - 1,
             (unsigned long long)place * r->page_size);
    return damaged(item, what);
}

static int see_pages(struct reader *r, struct item *item, uint64_t bytes, uint64_t at, size_t n) {
    int code = at == 0 ? see_header(r, item, bytes) : EXIT_DONE;
    for (size_t i = 0; code == EXIT_DONE && i < n; i += r->page_size)
        code = see_page(r, item, r->buffer + i, (at + i) / r->page_size);
    return code;
}

static int take_content(struct reader *r, struct item *item, uint64_t bytes) {
    struct os_file *file = NULL;
    struct summer summer = {0};
    int code = EXIT_DONE;
    JET_ERR err = JET_errSuccess;

    CALL(os_open(item->path, OS_WRITE | OS_CREATE | OS_SEQUENTIAL, &file));
    CALL(summer_begin(&summer, true));
    for (uint64_t at = 0; at < bytes;) {
        const size_t n = bytes - at < TAR_PIECE_BYTES ? (size_t)(bytes - at) : TAR_PIECE_BYTES;
        code = read_data(r, item->name, r->buffer, n);
        if (code == EXIT_DONE && item->target)
            code = see_pages(r, item, bytes, at, n);
        if (code != EXIT_DONE)
            goto cleanup;
        CALL(summer_add(&summer, r->buffer, n));
        CALL(os_write(file, at, r->buffer, n));
        at += n;
    }
    CALL(os_sync(file));
    CALL(summer_end(&summer, &item->sum));
cleanup:
    os_close(file);
    summer_free(&summer);
    return err < JET_errSuccess ? complain_err(item->path, "cannot be written", err) : code;
}

/* ---- 1: where an entry goes ---- */

static int take_log(struct reader *r, const char *name, uint64_t bytes) {
    char path[OS_PATH_MAX];
    struct os_stat st;
    JET_ERR err = JET_errSuccess;

    if (bytes > LOG_FILE_BYTES_MAX)
        return refuse(name, "is too large for a log file");
    CALL(os_path_join(path, r->logs, name));
    CALL(os_stat(path, &st));
    if (st.kind != OS_MISSING)
        return refuse(name, "is there twice");
    struct item *item = add_item(r, name, path);
    if (!item)
        FAIL(JET_errOutOfMemory);
    return take_content(r, item, bytes);
cleanup:
    return complain_err(name, NULL, err);
}

/* The original path of a database, if the entry has one that may be used; in out, which has OS_PATH_MAX bytes. */
static bool get_original(struct archive_entry *entry, char *out) {
    const char *name;
    const void *value;
    size_t n;
    char absolute[OS_PATH_MAX];
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &n) == ARCHIVE_OK) {
        if (!name || strcmp(name, TAR_ORIGINAL) != 0 || n == 0 || n >= OS_PATH_MAX || memchr(value, 0, n))
            continue;
        memcpy(out, value, n);
        out[n] = 0;
        return *out == '/' && os_path_absolute(absolute, out) >= JET_errSuccess && strcmp(absolute, out) == 0;
    }
    return false;
}

static JET_ERR check_free(const struct reader *r, const char *name, const char *target) {
    struct os_file *file = NULL;
    for (uint32_t i = 0; i < r->item_count; i++)
        if (r->items[i].target && (strcmp(r->items[i].name, name) == 0 || strcmp(r->items[i].target, target) == 0))
            return JET_errFileAlreadyExists;
    JET_ERR err = os_open(target, OS_WRITE | OS_LOCK, &file);
    os_close(file);
    return err == JET_errFileNotFound ? JET_errSuccess : err;
}

static JET_ERR remove_if_there(const char *path) {
    JET_ERR err = os_remove(path);
    return err == JET_errFileNotFound ? JET_errSuccess : err;
}

static int take_database_to(struct reader *r, const char *name, const char *target, const char *original,
                            uint64_t bytes) {
    char parent[OS_PATH_MAX], path[OS_PATH_MAX + sizeof TEMPORARY];
    JET_ERR err = check_free(r, name, target);
    if (err == JET_errFileAlreadyExists)
        return refuse(name, "is there twice");
    if (err == JET_errFileAccessDenied) {
        complain(target, "cannot be replaced: it is in use, or no file that may be written");
        return EXIT_FAILED;
    }
    CALL(err);
    CALL(os_path_parent(parent, target));
    CALL(make_dirs(r, parent));
    snprintf(path, sizeof path, "%s" TEMPORARY, target);
    CALL(remove_if_there(path));
    struct item *item = add_item(r, name, path);
    if (!item)
        FAIL(JET_errOutOfMemory);
    item->target = strdup(target);
    item->original = original ? strdup(original) : NULL;
    if (!item->target || (original && !item->original))
        FAIL(JET_errOutOfMemory);
    return take_content(r, item, bytes);
cleanup:
    return complain_err(target, NULL, err);
}

static int take_database(struct reader *r, struct archive_entry *entry, const char *name, uint64_t bytes) {
    char original[OS_PATH_MAX], target[OS_PATH_MAX];
    const bool known = get_original(entry, original);
    if (!r->options->dest && !known) {
        complain(in_name, "%s is no log file, and no database that says where it was (if it is one: --dest)", name);
        return EXIT_DAMAGE;
    }
    JET_ERR err = r->options->dest ? os_path_join(target, r->options->dest, name) : JET_errSuccess;
    if (err < JET_errSuccess)
        return complain_err(r->options->dest, NULL, err);
    return take_database_to(r, name, r->options->dest ? target : original, known ? original : NULL, bytes);
}

static int take_manifest(struct reader *r, uint64_t bytes) {
    if (bytes > MANIFEST_BYTES_MAX)
        return refuse(SET_MANIFEST, "is too large");
    r->manifest = malloc((size_t)bytes + 1);
    if (!r->manifest)
        return complain_err(SET_MANIFEST, NULL, JET_errOutOfMemory);
    r->manifest_bytes = (size_t)bytes;
    return read_data(r, SET_MANIFEST, r->manifest, r->manifest_bytes);
}

/* ---- 1: which entries are taken at all ---- */

/* A log file of whatever base: the manifest will say of which. */
static bool is_log_name(const char *name) {
    char base[4] = "";
    if (strlen(name) < 4)
        return false;
    memcpy(base, name, 3);
    return log_name_gen(base, name) != 0;
}

static bool name_is_plain(const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)name[i] < ' ' || name[i] == '/' || name[i] == 0x7f)
            return false;
    return n > 0 && n < 256 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int take_entry(struct reader *r, struct archive_entry *entry) {
    const char *name = archive_entry_pathname(entry);
    const la_int64_t bytes = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;

    free(r->manifest); /* it was not the last entry, so not the manifest of the whole */
    r->manifest = NULL;
    if (!name || !name_is_plain(name))
        return refuse("an entry", "has a name that is not that of a file in a backup set");
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
        archive_entry_sparse_count(entry) > 0 || bytes < 0)
        return refuse(name, "is no plain file");
    if (strcmp(name, SET_MANIFEST) == 0)
        return take_manifest(r, (uint64_t)bytes);
    if (r->item_count >= SET_FILES_MAX || strcmp(name, SET_MANIFEST_TEMPORARY) == 0 || strcmp(name, LOCK) == 0)
        return refuse(name, "belongs to no backup set");
    return is_log_name(name) ? take_log(r, name, (uint64_t)bytes) : take_database(r, entry, name, (uint64_t)bytes);
}

static int take_entries(struct reader *r) {
    struct archive_entry *entry;
    int code = open_archive(r);
    while (code == EXIT_DONE) {
        const int got = archive_read_next_header(r->archive, &entry);
        if (got == ARCHIVE_EOF)
            return EXIT_DONE;
        code = got == ARCHIVE_OK ? take_entry(r, entry) : complain_archive(r, "the tar stream is damaged");
    }
    return code;
}

/* ---- 2 ---- */

/* First what would be wrong with any set, then what is with a database. */
static const char *misfit(const struct set_file *file, const struct item *item) {
    if (!file->is_log != (item->target != NULL))
        return "is not what the manifest says: database or log file";
    if (!file_sum_equal(&file->sum, &item->sum))
        return "is damaged: it is not what the manifest says";
    if (file->is_log)
        return NULL;
    if (item->page_count != file->page_count || /* so the size of pages is another too */
        memcmp(&item->signature, &file->signature, sizeof file->signature) != 0)
        return "is another database than the manifest says";
    return item->original && strcmp(item->original, file->original) != 0 ? "was somewhere else than the manifest says"
                                                                         : NULL;
}

static int check_items(struct reader *r, const struct set *set) {
    for (uint32_t i = 0; i < set->file_count; i++) {
        const struct item key = {.name = set->files[i].name};
        struct item *item = r->item_count ? bsearch(&key, r->items, r->item_count, sizeof *r->items, by_name) : NULL;
        if (!item) {
            complain(in_name, "%s is missing%s", key.name,
                     set->incremental && !set->files[i].is_log ? ": the full backup must come first" : "");
            return EXIT_DAMAGE;
        }
        const char *why = misfit(&set->files[i], item);
        if (why)
            return damaged(item, why);
        item->named = true;
    }
    for (uint32_t i = 0; i < r->item_count; i++)
        if (!r->items[i].named)
            return damaged(&r->items[i], "the manifest does not name it");
    return EXIT_DONE;
}

static int check_manifest(struct reader *r, const char *base, struct set *set) {
    if (!r->manifest) {
        complain(in_name, "the stream does not end with " SET_MANIFEST ": it is cut off, or holds no backup set");
        return EXIT_DAMAGE;
    }
    JET_ERR err = set_parse(r->manifest, r->manifest_bytes, set);
    if (err == JET_errInvalidBackup) {
        complain(in_name, SET_MANIFEST " is damaged, or not one that this program knows");
        return EXIT_DAMAGE;
    }
    if (err < JET_errSuccess)
        return complain_err(in_name, NULL, err);
    if (base && strcmp(base, set->base) != 0) {
        complain(in_name, "the log files of the set begin with %s, not with %s", set->base, base);
        return EXIT_FAILED;
    }
    if (r->item_count)
        qsort(r->items, r->item_count, sizeof *r->items, by_name);
    return check_items(r, set);
}

/* ---- 3 and 4 ---- */

/* The functions of external restore have no instance, and take the parameters of the engine. */
static JET_ERR prepare_engine(const struct reader *r, const struct set *set) {
    JET_ERR err = JET_errSuccess;
    struct stream s = {.page_size = set->page_size, .log_file_bytes = set->log_file_bytes};
    char last[OS_PATH_MAX];
    struct log_dir logs = {0};
    struct log_header *header = malloc(sizeof *header);

    if (!header)
        FAIL(JET_errOutOfMemory);
    memcpy(s.logs.base, set->base, sizeof s.logs.base);
    snprintf(s.logs.path, sizeof s.logs.path, "%s", r->options->dir);
    snprintf(s.system, sizeof s.system, "%s", r->options->dir);
    memcpy(logs.base, set->base, sizeof logs.base);
    snprintf(logs.path, sizeof logs.path, "%s", r->logs);
    CALL(log_path_archive(&logs, set->high, last));
    CALL(log_header_read(last, header));
    s.circular = header->circular;
    CALL(instance_set_parameters(&s, NULL));
cleanup:
    free(header);
    return err;
}

static JET_ERR recover(struct reader *r, const struct set *set, lggen_t high) {
    JET_ERR err = JET_errSuccess;
    JET_LOGINFO info = {.cbSize = sizeof info, .ulGenLow = set->low, .ulGenHigh = high};
    JET_RSTMAP *map = calloc(set->file_count, sizeof *map);
    int32_t count = 0;

    if (!map)
        FAIL(JET_errOutOfMemory);
    for (uint32_t i = 0; i < set->file_count && !set->files[i].is_log; i++) {
        const struct item key = {.name = set->files[i].name};
        const struct item *item = bsearch(&key, r->items, r->item_count, sizeof *r->items, by_name);
        map[count++] = (JET_RSTMAP){.szDatabaseName = set->files[i].original, .szNewDatabaseName = item->path};
    }
    memcpy(info.szBaseName, set->base, sizeof info.szBaseName);
    CALL(prepare_engine(r, set));
    CALL(JetSetSystemParameter(NULL, 0, JET_paramDeleteOutOfRangeLogs, r->options->delete_later_logs, NULL));
    CALL(JetExternalRestore2((char *)r->options->dir, (char *)r->options->dir, map, count, r->logs, &info, NULL, NULL,
                             NULL, instance_status));
cleanup:
    free(map);
    return err;
}

static JET_ERR rename_databases(struct reader *r) {
    JET_ERR err = JET_errSuccess;
    for (uint32_t i = 0; i < r->item_count; i++) {
        if (!r->items[i].target)
            continue;
        CALL(os_rename(r->items[i].path, r->items[i].target));
        CALL(os_sync_parent(r->items[i].target));
    }
cleanup:
    return err;
}

static int bring_to_life(struct reader *r, const struct set *set) {
    struct log_dir logs = {0}, own = {0};
    lggen_t high;
    memcpy(logs.base, set->base, sizeof logs.base);
    memcpy(own.base, set->base, sizeof own.base);
    snprintf(logs.path, sizeof logs.path, "%s", r->logs);
    snprintf(own.path, sizeof own.path, "%s", r->options->dir);
    const int code = until_within(&r->options->until, &logs, set->low, set->high, &own, &high);
    if (code != EXIT_DONE)
        return code;
    JET_ERR err = recover(r, set, high);
    if (err == JET_errSystemPathInUse || err == JET_errLogFilePathInUse) {
        complain(r->options->dir, "is in use by a running instance");
        return EXIT_FAILED;
    }
    if (err == JET_errExistingLogFileIsNotContiguous && !r->options->delete_later_logs) {
        complain(r->options->dir, "holds log files beyond what is restored: move them away, or --delete-later-logs");
        return EXIT_FAILED;
    }
    if (err < JET_errSuccess)
        return complain_err(r->options->dir, "restore failed", err);
    err = rename_databases(r);
    return err < JET_errSuccess ? complain_err(r->options->dir, "the databases could not be put into place", err)
                                : EXIT_DONE;
}

/* ---- the whole ---- */

/* What is temporary goes, and after a failure the directories that were made for it. */
static void clean_up(struct reader *r, int code) {
    for (uint32_t i = 0; i < r->item_count; i++) {
        struct item *item = &r->items[i];
        JET_ERR ignored = os_remove(item->path); /* not there if it has its final name, or was never made */
        (void)ignored;
        free(item->name);
        free(item->path);
        free(item->target);
        free(item->original);
    }
    if (r->lock) {
        JET_ERR ignored = os_remove_tree_files(r->logs);
        ignored = os_remove_dir(r->logs);
        (void)ignored;
    }
    os_close(r->lock);
    while (r->made_count > 0) {
        char *path = r->made[--r->made_count];
        JET_ERR ignored = code != EXIT_DONE ? os_remove_dir(path) : JET_errSuccess; /* only if it is empty */
        (void)ignored;
        free(path);
    }
    free(r->made);
    free(r->items);
    free(r->manifest);
    free(r->header);
    free(r->buffer);
    free(r->input);
}

int tar_restore(const struct tar_restore *options, struct set *set) {
    struct reader r = {.options = options};
    int code = EXIT_FAILED;

    set_init(set);
    if (isatty(STDIN_FILENO)) {
        complain(in_name, "is a terminal: a set is read from a pipe or a file");
        return EXIT_FAILED;
    }
    tar_use_utf8();
    r.input = malloc(TAR_PIECE_BYTES);
    r.buffer = aligned_alloc(4096, TAR_PIECE_BYTES);
    r.header = calloc(1, PAGE_SIZE_MAX);
    code = r.input && r.buffer && r.header ? begin(&r) : complain_err(in_name, NULL, JET_errOutOfMemory);
    if (code == EXIT_DONE)
        code = take_entries(&r);
    archive_read_free(r.archive);
    if (code == EXIT_DONE)
        code = check_manifest(&r, options->base, set);
    if (code == EXIT_DONE)
        code = bring_to_life(&r, set);
    clean_up(&r, code);
    return code;
}
