/* What a file is. All three kinds carry a type byte at the same place; where damage may have hit that, other fields and
 * the second copies speak. */
#include <stdio.h>
#include <string.h>

#include "base/le.h"
#include "engine/dbheader.h"
#include "tools/tool.h"

#define TYPE_BYTE 667u
#define HEAD_BYTES (2 * PAGE_SIZE_MAX)
#define HEAD_BYTES_MIN 64u

/* As in log/format.h, which cannot be included beside dbheader.h. */
enum { TYPE_DATABASE = 1, TYPE_LOG = 3, TYPE_CHECKPOINT = 4 };

static bool has_magic(const uint8_t *block) {
    return load32(block + 4) == DB_MAGIC;
}

/* The type byte alone is too little to go by: something else must fit. */
static bool has_type(const uint8_t *head, size_t bytes, uint8_t type) {
    return bytes > TYPE_BYTE && head[TYPE_BYTE] == type;
}

static bool looks_like_database(const uint8_t *head, size_t bytes) {
    if (has_magic(head) || (has_type(head, bytes, TYPE_DATABASE) && load32(head + 8) == DB_VERSION))
        return true;
    for (size_t at = PAGE_SIZE_MIN; at <= PAGE_SIZE_MAX && at + 8 <= bytes; at *= 2) {
        if (has_magic(head + at))
            return true;
    }
    return false;
}

/* Bytes of a sector, sectors of a header; or, as in Windows' files, the version. */
static bool looks_like_log(const uint8_t *head, size_t bytes) {
    bool sectors = load16(head + 8) == LOG_SECTOR && load16(head + 10) == 1 && load32(head + 4) != 0;
    return sectors || (has_type(head, bytes, TYPE_LOG) && (load32(head + 32) == 8 || load32(head + 32) == 1000));
}

static bool looks_like_checkpoint(const uint8_t *head, size_t bytes, uint64_t file_bytes) {
    if (file_bytes == 2 * LOG_SECTOR && has_type(head + LOG_SECTOR, bytes - LOG_SECTOR, TYPE_CHECKPOINT))
        return true;
    return has_type(head, bytes, TYPE_CHECKPOINT);
}

/* bytes: at least HEAD_BYTES_MIN. */
static enum file_kind kind_of(const uint8_t *head, size_t bytes, uint64_t file_bytes) {
    if (looks_like_database(head, bytes))
        return FILE_DATABASE;
    if (looks_like_log(head, bytes))
        return FILE_LOG;
    return looks_like_checkpoint(head, bytes, file_bytes) ? FILE_CHECKPOINT : FILE_UNKNOWN;
}

static bool all_zero(const uint8_t *p, size_t n) {
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void say_unknown(const uint8_t *head, size_t bytes, char why[256]) {
    if (bytes >= LOG_SECTOR && all_zero(head, bytes))
        snprintf(
            why, 256,
            "holds only zeros where a header would be: a log file that was prepared or kept in reserve is like that");
    else
        snprintf(why, 256, "is no database, log file or checkpoint");
}

static int identify_open(struct os_file *file, const char *path, enum file_kind *kind, uint64_t *bytes, char why[256]) {
    static uint8_t head[HEAD_BYTES];
    JET_ERR err = os_size(file, bytes);
    size_t n = *bytes < HEAD_BYTES ? (size_t)*bytes : HEAD_BYTES;
    if (err >= JET_errSuccess && n > 0)
        err = os_read(file, 0, head, n);
    if (err < JET_errSuccess) {
        snprintf(why, 256, "%s", file_open_words(path, err));
        return EXIT_FAILED;
    }
    if (n == 0) {
        snprintf(why, 256, "is empty");
        return EXIT_FAILED;
    }
    *kind = n < HEAD_BYTES_MIN ? FILE_UNKNOWN : kind_of(head, n, *bytes);
    if (*kind != FILE_UNKNOWN)
        return EXIT_DONE;
    say_unknown(head, n, why);
    return EXIT_FAILED;
}

int file_identify(const char *path, enum file_kind *kind, uint64_t *bytes, char why[256]) {
    struct os_file *file = NULL;
    JET_ERR err = os_open(path, OS_READ, &file);
    int code = EXIT_FAILED;
    *kind = FILE_UNKNOWN;
    *bytes = 0;
    if (err < JET_errSuccess)
        snprintf(why, 256, "%s", file_open_words(path, err));
    else
        code = identify_open(file, path, kind, bytes, why);
    os_close(file);
    return code;
}

const char *file_open_words(const char *path, JET_ERR err) {
    struct os_stat st;
    struct os_file *file = NULL;
    if (os_stat(path, &st) >= JET_errSuccess && st.kind == OS_MISSING)
        return "does not exist";
    if (os_stat(path, &st) >= JET_errSuccess && st.kind == OS_DIRECTORY)
        return "is a directory";
    if (err == JET_errFileAccessDenied && os_open(path, OS_READ, &file) >= JET_errSuccess) {
        os_close(file); /* without the lock it can be read */
        return "is in use by a running instance";
    }
    return err_words(err);
}
