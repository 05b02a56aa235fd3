/* The manifest of a backup set: written last, read first. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/set.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "engine/types.h"

#define MANIFEST_BYTES_MAX (64u << 20)
static const char first_line[] = "libesent backup set 1";

void set_init(struct set *set) {
    memset(set, 0, sizeof *set);
}

void set_done(struct set *set) {
    for (uint32_t i = 0; i < set->file_count; i++) {
        free(set->files[i].name);
        free(set->files[i].original);
    }
    free(set->files);
    set_init(set);
}

/* A file name that cannot leave the set's directory. */
static bool name_is_plain(const char *name) {
    return *name && strlen(name) < 256 && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static JET_ERR add(struct set *set, struct set_file file, const char *name, const char *original) {
    JET_ERR err = JET_errSuccess;

    if (set->file_count >= SET_FILES_MAX || !name_is_plain(name) || (original && *original != '/'))
        FAIL(JET_errInvalidBackup);
    if ((set->file_count & (set->file_count - 1)) == 0) {
        struct set_file *grown = realloc(set->files, sizeof *grown * (set->file_count ? set->file_count * 2 : 1));
        if (!grown)
            FAIL(JET_errOutOfMemory);
        set->files = grown;
    }
    file.name = strdup(name);
    file.original = original ? strdup(original) : NULL;
    if (!file.name || (original && !file.original))
        FAIL(JET_errOutOfMemory);
    set->files[set->file_count++] = file;
    return JET_errSuccess;
cleanup:
    free(file.name);
    free(file.original);
    return err;
}

JET_ERR set_add_log(struct set *set, const char *name, const struct file_sum *sum) {
    return add(set, (struct set_file){.is_log = true, .sum = *sum}, name, NULL);
}

JET_ERR set_add_database(struct set *set, const char *name, const char *original, const JET_SIGNATURE *signature,
                         uint32_t page_count, const struct file_sum *sum) {
    return add(set, (struct set_file){.sum = *sum, .signature = *signature, .page_count = page_count}, name, original);
}

/* ---- text ---- */

struct text {
    char *p;
    size_t used, size;
    bool failed;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && t->used + (size_t)n + 1 > t->size) {
        size_t size = (t->used + (size_t)n + 1) * 2;
        char *grown = realloc(t->p, size);
        if (grown) {
            t->p = grown;
            t->size = size;
        } else {
            t->failed = true;
        }
    }
    if (n >= 0 && !t->failed)
        t->used += (size_t)vsnprintf(t->p + t->used, t->size - t->used, format, again);
    va_end(again);
}

static void put_hex(struct text *t, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        put(t, "%02x", ((const uint8_t *)bytes)[i]);
}

static void put_escaped(struct text *t, const char *s) {
    for (; *s; s++)
        put(t, (uint8_t)*s <= ' ' || *s == '%' || *s == 0x7f ? "%%%02X" : "%c", (uint8_t)*s);
}

static JET_ERR format_manifest(const struct set *set, struct text *t) {
    char when[32];
    JET_LOGTIME now = clock_logtime();

    clock_logtime_text(&now, when);
    put(t, "%s\nkind %s\ntime %s\nlog-base %s\nlog-signature ", first_line, set->incremental ? "incremental" : "full",
        when, set->base);
    put_hex(t, &set->signature, sizeof set->signature);
    put(t, "\nlog-low %u\nlog-high %u\npage-size %u\nlog-file-size %u\n", set->low, set->high, set->page_size,
        set->log_file_bytes);
    for (uint32_t i = 0; i < set->file_count; i++) {
        const struct set_file *f = &set->files[i];
        put(t, "%s %08x %" PRIu64 " ", f->is_log ? "log" : "database", f->sum.crc32c, f->sum.bytes);
        if (!f->is_log) {
            put(t, "%u ", f->page_count);
            put_hex(t, &f->signature, sizeof f->signature);
            put(t, " ");
        }
        put_escaped(t, f->name);
        if (!f->is_log) {
            put(t, " ");
            put_escaped(t, f->original);
        }
        put(t, "\n");
    }
    if (t->failed)
        return RAISE(JET_errOutOfMemory);
    put(t, "end %08x\n", crc32c(0, t->p, t->used));
    return t->failed ? RAISE(JET_errOutOfMemory) : JET_errSuccess;
}

JET_ERR set_write(const struct set *set) {
    JET_ERR err = JET_errSuccess;
    struct text text = {0};
    struct os_file *file = NULL;
    char path[OS_PATH_MAX], temporary[OS_PATH_MAX];

    CALL(os_path_join(path, set->dir, SET_MANIFEST));
    CALL(os_path_join(temporary, set->dir, SET_MANIFEST ".tmp"));
    CALL(format_manifest(set, &text));
    CALL(os_open(temporary, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CALL(os_write(file, 0, text.p, text.used));
    CALL(os_sync(file));
    CALL(os_sync_dir(set->dir)); /* the files that the manifest names, before it */
    CALL(os_rename(temporary, path));
    CALL(os_sync_dir(set->dir));
cleanup:
    os_close(file);
    if (err < JET_errSuccess && file) {
        JET_ERR ignored = os_remove(temporary); /* not there if it has its name already */
        (void)ignored;
    }
    free(text.p);
    return err;
}

/* ---- parsing: nothing in a manifest is believed ---- */

static bool get_hex(const char *s, void *out, size_t n) {
    for (size_t i = 0; i < 2 * n; i++) {
        const char *digits = "0123456789abcdef", *at = s[i] ? strchr(digits, s[i]) : NULL;
        if (!at)
            return false;
        uint8_t *byte = (uint8_t *)out + i / 2;
        *byte = (uint8_t)(i % 2 ? *byte | (at - digits) : (at - digits) << 4);
    }
    return true;
}

static bool get_number(const char *s, uint64_t max, uint64_t *out) {
    uint64_t n = 0;
    if (!*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*s - '0');
    }
    *out = n;
    return n <= max;
}

/* In place; false for an escape that is none, or that makes a NUL. */
static bool unescape(char *s) {
    char *to = s;
    for (; *s; s++) {
        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        char hex[3] = {s[1], s[1] ? s[2] : 0, 0}, *end;
        long value = strtol(hex, &end, 16);
        if (end != hex + 2 || value <= 0)
            return false;
        *to++ = (char)value;
        s += 2;
    }
    *to = 0;
    return true;
}

static bool get_crc(const char *s, uint32_t *out) {
    uint8_t b[4];
    if (strlen(s) != 8 || !get_hex(s, b, sizeof b))
        return false;
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

static bool parse_file(struct set *set, bool is_log, char *line, JET_ERR *err) {
    char *save = NULL, *part[6] = {0};
    const unsigned count = is_log ? 3 : 6;
    struct file_sum sum = {0};
    JET_SIGNATURE signature;
    uint64_t pages;

    for (unsigned i = 0; i < count; i++)
        if (!(part[i] = strtok_r(i ? NULL : line, " ", &save)))
            return false;
    if (strtok_r(NULL, " ", &save) || !get_crc(part[0], &sum.crc32c) || !get_number(part[1], INT64_MAX, &sum.bytes) ||
        !unescape(part[count - 1]))
        return false;
    if (is_log) {
        *err = set_add_log(set, part[2], &sum);
        return *err >= JET_errSuccess;
    }
    if (!get_number(part[2], UINT32_MAX, &pages) || strlen(part[3]) != 2 * sizeof signature ||
        !get_hex(part[3], &signature, sizeof signature) || !unescape(part[4]))
        return false;
    *err = set_add_database(set, part[4], part[5], &signature, (uint32_t)pages, &sum);
    return *err >= JET_errSuccess;
}

static bool parse_line(struct set *set, char *line, JET_ERR *err) {
    char *value = strchr(line, ' ');
    uint64_t n;

    if (!value)
        return false;
    *value++ = 0;
    if (strcmp(line, "database") == 0 || strcmp(line, "log") == 0)
        return parse_file(set, line[0] == 'l', value, err);
    if (strcmp(line, "kind") == 0)
        return set->incremental = strcmp(value, "incremental") == 0, true;
    if (strcmp(line, "time") == 0)
        return true;
    if (strcmp(line, "log-base") == 0)
        return strlen(value) == 3 && name_is_plain(value) && memcpy(set->base, value, 4);
    if (strcmp(line, "log-signature") == 0)
        return strlen(value) == 56 && get_hex(value, &set->signature, sizeof set->signature);
    if (!get_number(value, UINT32_MAX, &n))
        return false;
    if (strcmp(line, "log-low") == 0)
        return set->low = (lggen_t)n, n >= 1 && n <= LOG_GEN_MAX;
    if (strcmp(line, "log-high") == 0)
        return set->high = (lggen_t)n, n >= 1 && n <= LOG_GEN_MAX;
    if (strcmp(line, "page-size") == 0)
        return set->page_size = (uint32_t)n, page_size_valid((uint32_t)n);
    if (strcmp(line, "log-file-size") == 0)
        return set->log_file_bytes = (uint32_t)n, n >= 65536 && n % LOG_SECTOR == 0;
    return false;
}

static JET_ERR parse_manifest(struct set *set, char *text, size_t bytes) {
    JET_ERR err = JET_errSuccess;
    uint32_t stated;
    const size_t end_bytes = sizeof "end 01234567\n" - 1;
    char *save = NULL;

    if (bytes < end_bytes + sizeof first_line || strlen(text) != bytes || text[bytes - 1] != '\n')
        FAIL(JET_errInvalidBackup);
    char *end = text + bytes - end_bytes;
    text[bytes - 1] = 0;
    if (memcmp(end, "end ", 4) != 0 || !get_crc(end + 4, &stated) || crc32c(0, text, bytes - end_bytes) != stated)
        FAIL(JET_errInvalidBackup);
    *end = 0;
    char *line = strtok_r(text, "\n", &save);
    if (!line || strcmp(line, first_line) != 0)
        FAIL(JET_errInvalidBackup);
    while ((line = strtok_r(NULL, "\n", &save)))
        if (!parse_line(set, line, &err))
            FAIL(err < JET_errSuccess ? err : JET_errInvalidBackup);
    if (!set->low || set->high < set->low || !set->base[0] || !set->page_size || !set->log_file_bytes)
        FAIL(JET_errInvalidBackup);
cleanup:
    return err;
}

JET_ERR set_read(const char *dir, struct set *out) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    char path[OS_PATH_MAX], *text = NULL;
    struct os_stat st;

    set_init(out);
    CALL(os_path_join(path, dir, SET_MANIFEST));
    CALL(os_stat(path, &st));
    if (st.kind == OS_MISSING)
        FAIL(JET_errFileNotFound);
    if (st.kind != OS_FILE || st.bytes > MANIFEST_BYTES_MAX)
        FAIL(JET_errInvalidBackup);
    text = calloc(1, st.bytes + 1);
    if (!text)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ, &file));
    CALL(os_read(file, 0, text, st.bytes));
    snprintf(out->dir, sizeof out->dir, "%s", dir);
    CALL(parse_manifest(out, text, st.bytes));
cleanup:
    os_close(file);
    free(text);
    if (err < JET_errSuccess)
        set_done(out);
    return err;
}
