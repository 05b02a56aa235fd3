/* The manifest of a backup set as text: what set_format() writes, and nothing else, is what set_parse() takes. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup/set.h"
#include "base/checksum.h"
#include "base/clock.h"
#include "engine/types.h"

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

/* A file name that cannot leave the set's directory, and is not that of the manifest. */
static bool name_is_plain(const char *name) {
    return *name && strlen(name) < 256 && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcmp(name, SET_MANIFEST) != 0 && strcmp(name, SET_MANIFEST_TEMPORARY) != 0;
}

static bool original_is_plain(const char *path) {
    return *path == '/' && strlen(path) < OS_PATH_MAX;
}

static JET_ERR add(struct set *set, struct set_file file, const char *name, const char *original) {
    JET_ERR err = JET_errSuccess;

    if (set->file_count >= SET_FILES_MAX || !name_is_plain(name) || (original && !original_is_plain(original)))
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

bool set_name_fits(const struct set *set, const char *name) {
    if (!name_is_plain(name) || log_name_gen(set->base, name) != 0)
        return false;
    for (uint32_t i = 0; i < set->file_count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return false;
    return true;
}

JET_ERR set_add_database(struct set *set, const char *name, const char *original, const JET_SIGNATURE *signature,
                         uint32_t page_count, const struct file_sum *sum) {
    if (set->file_count >= SET_DATABASES_MAX || !set_name_fits(set, name))
        return RAISE(JET_errInvalidBackup);
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

static void put_time(struct text *t, const char *key, const JET_LOGTIME *time) {
    put(t, "%s %04u-%02u-%02uT%02u:%02u:%02uZ\n", key, 1900u + (uint8_t)time->bYear, (uint8_t)time->bMonth,
        (uint8_t)time->bDay, (uint8_t)time->bHours, (uint8_t)time->bMinutes, (uint8_t)time->bSeconds);
}

static void put_head(struct text *t, const struct set *set) {
    const JET_LOGTIME now = clock_logtime();

    put(t, "%s\nkind %s\n", first_line, set->incremental ? "incremental" : "full");
    put_time(t, "full-begin", &set->full_begin);
    put_time(t, "full-end", set->incremental ? &set->full_end : &now);
    if (set->incremental) {
        put_time(t, "incremental-begin", &set->incremental_begin);
        put_time(t, "incremental-end", &now);
    }
    put(t, "log-base ");
    put_escaped(t, set->base);
    put(t, "\nlog-signature ");
    put_hex(t, &set->signature, sizeof set->signature);
    put(t, "\nlog-low %u\nlog-high %u\npage-size %u\nlog-file-size %u\n", set->low, set->high, set->page_size,
        set->log_file_bytes);
}

static void put_sha256(struct text *t, const struct file_sum *sum, const char *name) {
    put(t, "sha256 ");
    put_hex(t, sum->sha256, sizeof sum->sha256);
    put(t, " ");
    put_escaped(t, name);
    put(t, "\n");
}

static void put_file(struct text *t, const struct set *set, const struct set_file *f) {
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
    if (set->sha256 && f->sum.has_sha256)
        put_sha256(t, &f->sum, f->name);
}

static JET_ERR sum_text(const char *text, size_t bytes, struct file_sum *out) {
    JET_ERR err = JET_errSuccess;
    struct summer summer = {0};

    CALL(summer_begin(&summer, true));
    CALL(summer_add(&summer, text, bytes));
    CALL(summer_end(&summer, out));
cleanup:
    summer_free(&summer);
    return err;
}

JET_ERR set_format(const struct set *set, char **text, size_t *bytes) {
    JET_ERR err = JET_errSuccess;
    struct text t = {0};
    struct file_sum sum;

    put_head(&t, set);
    for (uint32_t i = 0; i < set->file_count; i++)
        put_file(&t, set, &set->files[i]);
    if (set->sha256 && !t.failed) {
        CALL(sum_text(t.p, t.used, &sum));
        put_sha256(&t, &sum, SET_MANIFEST);
    }
    if (!t.failed)
        put(&t, "end %08x\n", crc32c(0, t.p, t.used));
    if (t.failed)
        FAIL(JET_errOutOfMemory);
    *text = t.p;
    *bytes = t.used;
    return JET_errSuccess;
cleanup:
    free(t.p);
    return err;
}

/* ---- parsing: nothing in a manifest is believed ---- */

static bool get_hex(const char *s, void *out, size_t n) {
    if (strlen(s) != 2 * n)
        return false;
    for (size_t i = 0; i < 2 * n; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, s[i]);
        if (!at)
            return false;
        uint8_t *byte = (uint8_t *)out + i / 2;
        *byte = (uint8_t)(i % 2 ? *byte | (at - digits) : (at - digits) << 4);
    }
    return true;
}

static bool get_number(const char *s, uint64_t min, uint64_t max, uint64_t *out) {
    uint64_t n = 0;
    if (!*s || (s[0] == '0' && s[1]))
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*s - '0');
    }
    *out = n;
    return n >= min && n <= max;
}

static bool get_time(const char *s, JET_LOGTIME *out) {
    static const char form[] = "0000-00-00T00:00:00Z";
    if (!s || strlen(s) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
            return false;
#define TWO(at) ((s[at] - '0') * 10 + s[(at) + 1] - '0')
    const int year = TWO(0) * 100 + TWO(2) - 1900;
    if (year < 0 || year > UINT8_MAX)
        return false;
    *out = (JET_LOGTIME){
        .bSeconds = (char)TWO(17),
        .bMinutes = (char)TWO(14),
        .bHours = (char)TWO(11),
        .bDay = (char)TWO(8),
        .bMonth = (char)TWO(5),
        .bYear = (char)year,
        .bFiller1 = 1,
    };
#undef TWO
    return clock_logtime_ms(out) != 0;
}

static bool get_crc(const char *s, uint32_t *out) {
    uint8_t b[4];
    if (!get_hex(s, b, sizeof b))
        return false;
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

/* In place; false for an escape that is none, or that makes a NUL, and for what should be one. */
static bool unescape(char *s) {
    char *to = s;
    for (; *s; s++) {
        if ((uint8_t)*s <= ' ' || *s == 0x7f)
            return false;
        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        if (!isxdigit((uint8_t)s[1]) || !isxdigit((uint8_t)s[2]))
            return false;
        char hex[3] = {s[1], s[2], 0};
        *to = (char)strtol(hex, NULL, 16);
        if (!*to++)
            return false;
        s += 2;
    }
    *to = 0;
    return true;
}

struct parser {
    const char *text; /* all of it */
    char *copy, *at;  /* of the text without its last line; the line to be read */
};

/* The rest of the line that is to be read, if it begins with this word; NULL: it does not. */
static char *take(struct parser *p, const char *key) {
    const size_t n = strlen(key);
    char *line = p->at, *end = strchr(line, '\n');
    if (!end || strncmp(line, key, n) != 0 || line[n] != ' ')
        return NULL;
    *end = 0;
    p->at = end + 1;
    return line + n + 1;
}

static bool take_number(struct parser *p, const char *key, uint64_t min, uint64_t max, uint32_t *out) {
    const char *value = take(p, key);
    uint64_t n;
    if (!value || !get_number(value, min, max, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool parse_head(struct parser *p, struct set *set) {
    const size_t first = sizeof first_line - 1;
    if (strncmp(p->at, first_line, first) != 0 || p->at[first] != '\n')
        return false;
    p->at += first + 1;
    const char *kind = take(p, "kind");
    if (!kind)
        return false;
    set->incremental = strcmp(kind, "incremental") == 0;
    if ((!set->incremental && strcmp(kind, "full") != 0) || !get_time(take(p, "full-begin"), &set->full_begin) ||
        !get_time(take(p, "full-end"), &set->full_end))
        return false;
    if (set->incremental && (!get_time(take(p, "incremental-begin"), &set->incremental_begin) ||
                             !get_time(take(p, "incremental-end"), &set->incremental_end)))
        return false;
    char *base = take(p, "log-base");
    if (!base || !unescape(base) || strlen(base) != 3 || !name_is_plain(base))
        return false;
    memcpy(set->base, base, sizeof set->base);
    const char *signature = take(p, "log-signature");
    return signature && get_hex(signature, &set->signature, sizeof set->signature) &&
           take_number(p, "log-low", 1, LOG_GEN_MAX, &set->low) &&
           take_number(p, "log-high", set->low, LOG_GEN_MAX, &set->high) &&
           take_number(p, "page-size", PAGE_SIZE_MIN, PAGE_SIZE_MAX, &set->page_size) &&
           page_size_valid(set->page_size) &&
           take_number(p, "log-file-size", LOG_FILE_BYTES_MIN, LOG_FILE_BYTES_MAX, &set->log_file_bytes) &&
           set->log_file_bytes % LOG_SECTOR == 0;
}

/* Cuts a line at its blanks; false: it has another number of words. */
static bool split(char *line, char *word[], unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        word[i] = line;
        line = strchr(line, ' ');
        if (!line != (i == count - 1))
            return false;
        if (line)
            *line++ = 0;
    }
    return true;
}

static JET_ERR parse_file(struct set *set, bool is_log, char *line) {
    char *word[6];
    const unsigned count = is_log ? 3 : 6;
    struct file_sum sum = {0};
    JET_SIGNATURE signature;
    uint64_t pages;

    if (!split(line, word, count) || !get_crc(word[0], &sum.crc32c) || !get_number(word[1], 0, INT64_MAX, &sum.bytes) ||
        !unescape(word[count - 1]))
        return RAISE(JET_errInvalidBackup);
    if (is_log)
        return set_add_log(set, word[2], &sum);
    if (!get_number(word[2], 1, UINT32_MAX, &pages) || !get_hex(word[3], &signature, sizeof signature) ||
        !unescape(word[4]))
        return RAISE(JET_errInvalidBackup);
    return set_add_database(set, word[4], word[5], &signature, (uint32_t)pages, &sum);
}

/* Of the file in the line before, or, as the last one, of all lines before. */
static JET_ERR parse_sha256(const struct parser *p, struct set *set, size_t offset, char *line) {
    JET_ERR err = JET_errSuccess;
    char *word[2];
    uint8_t sha256[SHA256_BYTES];
    struct file_sum own;

    if (!split(line, word, 2) || !get_hex(word[0], sha256, sizeof sha256) || !unescape(word[1]))
        FAIL(JET_errInvalidBackup);
    if (strcmp(word[1], SET_MANIFEST) == 0) {
        CALL(sum_text(p->text, offset, &own));
        if (memcmp(own.sha256, sha256, sizeof sha256) != 0)
            FAIL(JET_errInvalidBackup);
        set->sha256 = true;
        return JET_errSuccess;
    }
    struct set_file *file = set->file_count ? &set->files[set->file_count - 1] : NULL;
    if (!file || file->sum.has_sha256 || strcmp(file->name, word[1]) != 0)
        FAIL(JET_errInvalidBackup);
    file->sum.has_sha256 = true;
    memcpy(file->sum.sha256, sha256, sizeof sha256);
cleanup:
    return err;
}

static JET_ERR parse_files(struct parser *p, struct set *set) {
    JET_ERR err = JET_errSuccess;
    char *line;

    while (*p->at && !set->sha256) {
        const size_t offset = (size_t)(p->at - p->copy);
        if ((line = take(p, "database")))
            CALL(parse_file(set, false, line));
        else if ((line = take(p, "log")))
            CALL(parse_file(set, true, line));
        else if ((line = take(p, "sha256")))
            CALL(parse_sha256(p, set, offset, line));
        else
            FAIL(JET_errInvalidBackup);
    }
    if (*p->at)
        FAIL(JET_errInvalidBackup);
cleanup:
    return err;
}

/* Two headers, the pages, the trailer. */
static bool size_fits(const struct set *set, const struct set_file *database) {
    return database->sum.bytes == ((uint64_t)database->page_count + 3) * set->page_size;
}

/* Databases, then the log files low..high, each under the name of its generation. */
static JET_ERR check_files(const struct set *set) {
    JET_ERR err = JET_errSuccess;
    struct log_dir dir = {.path = "/"};
    char path[OS_PATH_MAX];
    uint32_t at = 0;

    memcpy(dir.base, set->base, sizeof dir.base);
    for (; at < set->file_count && !set->files[at].is_log; at++)
        if (!size_fits(set, &set->files[at]))
            FAIL(JET_errInvalidBackup);
    if (set->file_count - at != set->high - set->low + 1)
        FAIL(JET_errInvalidBackup);
    for (lggen_t gen = set->low; at < set->file_count; at++, gen++) {
        CALL(log_path_archive(&dir, gen, path));
        if (!set->files[at].is_log || strcmp(set->files[at].name, os_path_name(path)) != 0)
            FAIL(JET_errInvalidBackup);
    }
    for (at = 0; at < set->file_count; at++)
        if (set->files[at].sum.has_sha256 && !set->sha256)
            FAIL(JET_errInvalidBackup);
cleanup:
    return err;
}

JET_ERR set_parse(const char *text, size_t bytes, struct set *out) {
    JET_ERR err = JET_errSuccess;
    static const char end_line[] = "end 01234567\n";
    const size_t end_bytes = sizeof end_line - 1;
    struct parser p = {.text = text};
    char crc[9] = "";
    uint32_t stated;

    set_init(out);
    if (bytes < end_bytes || memchr(text, 0, bytes))
        FAIL(JET_errInvalidBackup);
    const size_t lines = bytes - end_bytes;
    memcpy(crc, text + lines + 4, 8);
    if (memcmp(text + lines, "end ", 4) != 0 || text[bytes - 1] != '\n' || !get_crc(crc, &stated) ||
        crc32c(0, text, lines) != stated)
        FAIL(JET_errInvalidBackup);
    p.copy = p.at = strndup(text, lines);
    if (!p.copy)
        FAIL(JET_errOutOfMemory);
    if (!parse_head(&p, out))
        FAIL(JET_errInvalidBackup);
    CALL(parse_files(&p, out));
    CALL(check_files(out));
cleanup:
    free(p.copy);
    if (err < JET_errSuccess)
        set_done(out);
    return err;
}
