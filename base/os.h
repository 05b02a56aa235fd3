/* Files and directories: the one seam to the operating system, and so the one place where a test puts a disk that
 * fails or lies.
 *
 * All paths are UTF-8. errno becomes a JET error here and nowhere else:
 *   ENOENT, ENOTDIR    JET_errFileNotFound (JET_errInvalidPath from os_make_dir and from open with OS_CREATE)
 *   EEXIST, ENOTEMPTY  JET_errFileAlreadyExists
 *   EACCES, EPERM, EROFS, EISDIR, ETXTBSY, EBUSY, lock taken,
 *   open of what is no plain file   JET_errFileAccessDenied
 *   ENOSPC, EDQUOT, EFBIG   JET_errDiskFull
 *   EMFILE, ENFILE     JET_errOutOfFileHandles
 *   ENOMEM             JET_errOutOfMemory
 *   ENAMETOOLONG, ELOOP, EINVAL of a path   JET_errInvalidPath
 *   anything else      JET_errDiskIO
 * Every function may be called from any thread; one file may be read and written by many at once. */
#ifndef ESENT_BASE_OS_H
#define ESENT_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define OS_PATH_MAX 4096

struct os_file; /* opaque; each table defines its own */

enum os_open_flags {
    OS_READ = 0,
    OS_WRITE = 1,  /* read and write */
    OS_CREATE = 2, /* create, fail if it exists (with OS_TRUNCATE: replace) */
    OS_TRUNCATE = 4,
    OS_LOCK = 8,        /* exclusive advisory lock (shared without OS_WRITE); taken: JET_errFileAccessDenied */
    OS_DIRECT = 16,     /* bypass the page cache where the file system can; silently buffered where it cannot */
    OS_SEQUENTIAL = 32, /* hint */
};

enum os_kind { OS_MISSING, OS_FILE, OS_DIRECTORY, OS_OTHER };

struct os_stat {
    enum os_kind kind;
    uint64_t bytes;
    uint64_t device, inode; /* which one it is, by whatever name */
};

typedef JET_ERR (*os_list_fn)(void *context, const char *name, enum os_kind kind);

/* The seam. Reads and writes are whole: a short read is JET_errFileIOBeyondEOF, EINTR is retried below this line. */
struct os_table {
    JET_ERR (*open)(const char *path, unsigned flags, struct os_file **out);
    void (*close)(struct os_file *file);
    JET_ERR (*read)(struct os_file *file, uint64_t offset, void *buffer, size_t bytes);
    JET_ERR (*write)(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes);
    JET_ERR (*sync)(struct os_file *file);
    JET_ERR (*size)(struct os_file *file, uint64_t *bytes);
    JET_ERR (*resize)(struct os_file *file, uint64_t bytes); /* grown part reads as zero and has its blocks reserved */
    JET_ERR (*rename)(const char *from, const char *to);     /* replaces `to` */
    JET_ERR (*remove)(const char *path);
    JET_ERR (*make_dir)(const char *path);
    JET_ERR (*remove_dir)(const char *path);
    JET_ERR (*sync_dir)(const char *path);
    JET_ERR (*stat)(const char *path, struct os_stat *out);          /* missing is success with OS_MISSING */
    JET_ERR (*list)(const char *path, os_list_fn fn, void *context); /* without . and ..; any order */
};

extern const struct os_table os_posix;

/* Replaces the table for the whole process, NULL for os_posix, and returns the one before. Only while nothing is open.
 * Tests only. */
const struct os_table *os_install(const struct os_table *table);

MUST_CHECK JET_ERR os_open(const char *path, unsigned flags, struct os_file **out);
void os_close(struct os_file *file); /* NULL is ignored */
MUST_CHECK JET_ERR os_read(struct os_file *file, uint64_t offset, void *buffer, size_t bytes);
MUST_CHECK JET_ERR os_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes);
MUST_CHECK JET_ERR os_sync(struct os_file *file);
MUST_CHECK JET_ERR os_size(struct os_file *file, uint64_t *bytes);
MUST_CHECK JET_ERR os_resize(struct os_file *file, uint64_t bytes);
MUST_CHECK JET_ERR os_rename(const char *from, const char *to);
MUST_CHECK JET_ERR os_remove(const char *path);
MUST_CHECK JET_ERR os_make_dir(const char *path);
MUST_CHECK JET_ERR os_remove_dir(const char *path);
MUST_CHECK JET_ERR os_sync_dir(const char *path);
MUST_CHECK JET_ERR os_stat(const char *path, struct os_stat *out);
MUST_CHECK JET_ERR os_list(const char *path, os_list_fn fn, void *context);

/* Built on the above. */
MUST_CHECK JET_ERR os_make_dirs(const char *path);         /* with parents, durable; existing is success */
MUST_CHECK JET_ERR os_remove_tree_files(const char *path); /* all plain files in path, not recursive */
MUST_CHECK JET_ERR os_sync_parent(const char *path);       /* sync_dir of the directory that holds path */

/* Paths. out has OS_PATH_MAX bytes; too long is JET_errInvalidPath. */
MUST_CHECK JET_ERR os_path_join(char *out, const char *dir, const char *name);
MUST_CHECK JET_ERR os_path_absolute(char *out,
                                    const char *path); /* . and .. resolved by text, links left as they are */
MUST_CHECK JET_ERR os_path_parent(char *out, const char *path);
const char *os_path_name(const char *path); /* after the last slash */

#endif
