/* Names of log files, what is in a log directory, headers from disk, and deletion of old generations. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "log/log_priv.h"

/* ---- names ---- */

static JET_ERR path_of(const struct log_dir *dir, const char *suffix, char *out) {
    char name[32];
    snprintf(name, sizeof name, "%.3s%s", dir->base, suffix);
    return os_path_join(out, dir->path, name);
}

JET_ERR log_path_archive(const struct log_dir *dir, lggen_t gen, char *out) {
    char suffix[16];
    snprintf(suffix, sizeof suffix, gen <= 0xFFFFF ? "%05X.log" : "%08X.log", gen);
    return path_of(dir, suffix, out);
}

JET_ERR log_path_current(const struct log_dir *dir, char *out) {
    return path_of(dir, ".log", out);
}

JET_ERR log_path_temp(const struct log_dir *dir, char *out) {
    return path_of(dir, "tmp.log", out);
}

JET_ERR log_path_reserve(const struct log_dir *dir, unsigned number, char *out) {
    char suffix[24];
    snprintf(suffix, sizeof suffix, "res%05X.jrs", number & 0xFFFFF);
    return path_of(dir, suffix, out);
}

static bool same_text(const char *a, const char *b, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    }
    return true;
}

lggen_t log_name_gen(const char *base, const char *name) {
    size_t length = strlen(name), base_length = strlen(base);
    if (length < base_length + 4 || !same_text(name, base, base_length) || !same_text(name + length - 4, ".log", 4))
        return 0;
    size_t digits = length - base_length - 4;
    if (digits != 5 && digits != 8)
        return 0;
    lggen_t gen = 0;
    for (const char *p = name + base_length; digits > 0; p++, digits--) {
        int c = tolower((unsigned char)*p);
        if (!isxdigit(c))
            return 0;
        gen = gen << 4 | (lggen_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return gen <= LOG_GEN_MAX ? gen : 0;
}

/* ---- headers and existence ---- */

JET_ERR log_header_read(const char *path, struct log_header *out) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    uint8_t block[LOG_SECTOR];
    CALL(os_open(path, OS_READ, &file));
    err = os_read(file, 0, block, sizeof block);
    if (err == JET_errFileIOBeyondEOF)
        FAIL(JET_errLogFileCorrupt);
    CALL(err);
    CALL(log_header_decode(block, out));
cleanup:
    os_close(file);
    return err;
}

void log_report_unreadable(const struct event_sink *events, const char *path, JET_ERR err) {
    if (err == JET_errBadLogVersion)
        event_write(events, EVENT_LOG_BAD_VERSION, EVENT_ERROR, "log file %s is of another format", path);
    else if (err != JET_errOutOfMemory)
        event_write(events, EVENT_LOG_HEADER_READ_ERROR, EVENT_ERROR,
                    "log file %s: its header cannot be read, or is none: error %d (%s)", path, (int)err, err_name(err));
}

JET_ERR log_file_exists(const char *path, bool *out) {
    struct os_stat st;
    JET_ERR err = os_stat(path, &st);
    *out = err >= JET_errSuccess && st.kind != OS_MISSING;
    return err;
}

/* ---- what is in a directory ---- */

struct archive {
    lggen_t gen;
    char name[16];
};

struct archive_list {
    const char *base;
    struct archive *items;
    size_t count, room;
};

static JET_ERR collect_archive(void *context, const char *name, enum os_kind kind) {
    struct archive_list *list = context;
    lggen_t gen = log_name_gen(list->base, name);
    if (gen == 0 || kind != OS_FILE)
        return JET_errSuccess;
    if (list->count == list->room) {
        size_t room = 2 * list->room + 64;
        struct archive *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return RAISE(JET_errOutOfMemory);
        list->items = grown;
        list->room = room;
    }
    struct archive *item = &list->items[list->count++];
    item->gen = gen;
    snprintf(item->name, sizeof item->name, "%s", name); /* 3 + 8 + 4 characters at most */
    return JET_errSuccess;
}

static int compare_archives(const void *a, const void *b) {
    lggen_t left = ((const struct archive *)a)->gen, right = ((const struct archive *)b)->gen;
    return left < right ? -1 : left > right;
}

/* In ascending order. The caller frees list->items, also after a failure. */
static JET_ERR list_archives(const struct log_dir *dir, struct archive_list *list) {
    *list = (struct archive_list){.base = dir->base};
    JET_ERR err = os_list(dir->path, collect_archive, list);
    if (err == JET_errFileNotFound)
        return JET_errSuccess;
    if (err >= JET_errSuccess && list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare_archives);
    return err;
}

/* A roll that a crash cut between its two renames leaves no edb.log, but edbtmp.log complete and with the next
 * generation: that is the current log then. */
static JET_ERR scan_current(const struct log_dir *dir, lggen_t high, lggen_t *out) {
    JET_ERR err = JET_errSuccess;
    bool exists;
    char path[OS_PATH_MAX];
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    *out = 0;
    CALL(log_path_current(dir, path));
    CALL(log_file_exists(path, &exists));
    if (exists) {
        if (log_header_read(path, header) >= JET_errSuccess)
            *out = header->gen;
    } else {
        CALL(log_path_temp(dir, path));
        if (log_header_read(path, header) >= JET_errSuccess && header->gen == high + 1)
            *out = header->gen;
    }
cleanup:
    free(header);
    return err;
}

JET_ERR log_dir_scan(const struct log_dir *dir, struct log_range *out) {
    JET_ERR err = JET_errSuccess;
    struct archive_list list;
    struct log_range range = {0};
    CALL(list_archives(dir, &list));
    if (list.count > 0) {
        range.low = list.items[0].gen;
        range.high = list.items[list.count - 1].gen;
    }
    CALL(scan_current(dir, range.high, &range.current));
    *out = range;
cleanup:
    free(list.items);
    return err;
}

JET_ERR log_find_archive(const struct log_dir *dir, lggen_t gen, char *out) {
    JET_ERR err = JET_errSuccess;
    struct archive_list list = {0};
    bool exists;
    CALL(log_path_archive(dir, gen, out));
    CALL(log_file_exists(out, &exists));
    if (exists)
        goto cleanup;
    CALL(list_archives(dir, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].gen == gen) {
            CALL(os_path_join(out, dir->path, list.items[i].name));
            goto cleanup;
        }
    }
    err = JET_errFileNotFound; /* an answer, not a failure: not raised */
cleanup:
    free(list.items);
    return err;
}

JET_ERR log_dir_first_after(const struct log_dir *dir, lggen_t low, lggen_t high, int64_t when, lggen_t *out) {
    JET_ERR err = JET_errSuccess;
    struct log_range range;
    char path[OS_PATH_MAX];
    struct log_header *header = malloc(sizeof *header);

    *out = 0;
    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(log_dir_scan(dir, &range));
    lggen_t from = range.low > low ? range.low : low, last = range.high > range.current ? range.high : range.current;
    for (lggen_t gen = from; gen && gen <= high && gen <= last && !*out; gen++) {
        CALL(gen == range.current ? log_path_current(dir, path) : log_path_archive(dir, gen, path));
        if (log_header_read(path, header) >= JET_errSuccess && clock_logtime_ms(&header->created) > when)
            *out = gen;
    }
cleanup:
    free(header);
    return err;
}

/* ---- deletion ---- */

/* Oldest first, so that whatever stops it leaves a stream without gaps (P9). */
JET_ERR log_truncate_dir(const struct log_dir *dir, lggen_t end, uint32_t *count) {
    JET_ERR err = JET_errSuccess;
    struct archive_list list;
    uint32_t removed = 0;
    char path[OS_PATH_MAX];
    CALL(list_archives(dir, &list));
    for (size_t i = 0; i < list.count && list.items[i].gen < end; i++) {
        CALL(os_path_join(path, dir->path, list.items[i].name));
        CALL(os_remove(path));
        removed++;
    }
cleanup:
    if (removed > 0)
        CALL_KEEP_FIRST(os_sync_dir(dir->path));
    free(list.items);
    if (count)
        *count = removed;
    return err;
}

static JET_ERR remove_if_there(const char *path) {
    bool exists;
    JET_ERR err = log_file_exists(path, &exists);
    return err < JET_errSuccess || !exists ? err : os_remove(path);
}

/* edb.log first: whatever stops it leaves a stream that ends earlier, never one with a gap. */
JET_ERR log_dir_cut(const struct log_dir *dir, lggen_t after, lggen_t last, lggen_t keep, uint32_t *count) {
    JET_ERR err = JET_errSuccess;
    struct archive_list list = {0};
    struct log_range range;
    char path[OS_PATH_MAX];
    uint32_t removed = 0;

    CALL(log_dir_scan(dir, &range));
    CALL(list_archives(dir, &list));
    if (range.current && (range.current <= after || range.current > last)) {
        CALL(log_path_current(dir, path));
        CALL(remove_if_there(path));
        CALL(log_path_temp(dir, path)); /* it may be the current one */
        CALL(remove_if_there(path));
        removed++;
    }
    for (size_t i = list.count; i > 0 && list.items[i - 1].gen > keep; i--, removed++) {
        CALL(os_path_join(path, dir->path, list.items[i - 1].name));
        CALL(os_remove(path));
    }
cleanup:
    if (removed > 0)
        CALL_KEEP_FIRST(os_sync_dir(dir->path));
    free(list.items);
    if (count)
        *count = removed;
    return err;
}

JET_ERR log_dir_clear(const struct log_dir *dir) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];

    CALL(log_truncate_dir(dir, LOG_GEN_MAX + 1, NULL));
    CALL(log_path_temp(dir, path));
    CALL(remove_if_there(path));
    CALL(log_path_current(dir, path));
    CALL(remove_if_there(path));
    CALL(os_sync_dir(dir->path));
cleanup:
    return err;
}
