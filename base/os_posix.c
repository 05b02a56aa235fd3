/* The operating system itself: the table that os.c uses unless a test installs another.
 *
 * Nothing above this file sees errno, a short transfer or EINTR. Locks are flock(): they belong to the open file, so
 * they also hold between two opens inside one process, and the kernel drops them when the process dies. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

struct os_file {
    int fd;
    bool direct; /* opened with O_DIRECT */
};

#define OPEN_MODE 0666 /* less the umask */
#define OFFSET_MAX ((uint64_t)INT64_MAX)

static JET_ERR err_of_errno(int e) {
    switch (e) {
    case ENOENT:
    case ENOTDIR:
        return JET_errFileNotFound;
    case EEXIST:
    case ENOTEMPTY:
        return JET_errFileAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
    case EISDIR:
    case ETXTBSY:
    case EBUSY:
    case EWOULDBLOCK:
        return JET_errFileAccessDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return JET_errDiskFull;
    case EMFILE:
    case ENFILE:
        return JET_errOutOfFileHandles;
    case ENOMEM:
        return JET_errOutOfMemory;
    default:
        return JET_errDiskIO;
    }
}

/* For calls that take a path, where a few numbers speak of the path and not of the disk. */
static JET_ERR err_of_path_errno(int e) {
    if (e == ENAMETOOLONG || e == EINVAL || e == ELOOP)
        return JET_errInvalidPath;
    return err_of_errno(e);
}

/* For calls that create `path`: what is missing then is its directory. */
static JET_ERR err_of_create_errno(int e) {
    if (e == ENOENT || e == ENOTDIR)
        return JET_errInvalidPath;
    return err_of_path_errno(e);
}

static int open_retry(const char *path, int how) {
    int fd;
    do
        fd = open(path, how | O_CLOEXEC, OPEN_MODE);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int open_how(unsigned flags) {
    int how = O_NOCTTY | O_NONBLOCK; /* a FIFO must not hang the caller; regular files ignore it */
    how |= flags & (OS_WRITE | OS_CREATE | OS_TRUNCATE) ? O_RDWR : O_RDONLY;
    if (flags & OS_CREATE)
        how |= flags & OS_TRUNCATE ? O_CREAT : O_CREAT | O_EXCL;
    if (flags & OS_DIRECT)
        how |= O_DIRECT;
    return how;
}

static JET_ERR posix_open(const char *path, unsigned flags, struct os_file **out) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct stat st;

    int how = open_how(flags);
    int fd = open_retry(path, how);
    if (fd < 0 && errno == EINVAL && (how & O_DIRECT)) {
        how &= ~O_DIRECT;
        if (flags & OS_CREATE)
            how &= ~O_EXCL; /* the refused open may have left the file it created; it was not there before */
        fd = open_retry(path, how);
    }
    if (fd < 0 && errno == ENXIO) /* socket, or FIFO nobody reads */
        FAIL(JET_errFileAccessDenied);
    if (fd < 0)
        FAIL(flags & OS_CREATE ? err_of_create_errno(errno) : err_of_path_errno(errno));

    if (fstat(fd, &st) != 0)
        FAIL(err_of_errno(errno));
    if (!S_ISREG(st.st_mode))
        FAIL(JET_errFileAccessDenied);
    if ((flags & OS_LOCK) && flock(fd, (flags & OS_WRITE ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
        FAIL(err_of_errno(errno));
    /* Only now, so that a file someone else has locked keeps its bytes. */
    if ((flags & OS_TRUNCATE) && ftruncate(fd, 0) != 0)
        FAIL(err_of_errno(errno));
    if (flags & OS_SEQUENTIAL)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);

    file = malloc(sizeof *file);
    if (!file)
        FAIL(JET_errOutOfMemory);
    file->fd = fd;
    file->direct = (how & O_DIRECT) != 0;
    fd = -1;
    *out = file;

cleanup:
    if (fd >= 0)
        close(fd);
    return err;
}

static void posix_close(struct os_file *file) {
    close(file->fd);
    free(file);
}

/* Some file systems accept O_DIRECT at open and refuse it (or its alignment, or the tail of a file) at a transfer.
 * Then the file is buffered for good. Once per transfer: another thread may be the one that cleared the flag. */
static bool fall_back_to_buffered(const struct os_file *file, int e, bool *tried) {
    if (e != EINVAL || !file->direct || *tried)
        return false;
    *tried = true;
    int how = fcntl(file->fd, F_GETFL);
    return how >= 0 && fcntl(file->fd, F_SETFL, how & ~O_DIRECT) == 0;
}

static JET_ERR posix_read(struct os_file *file, uint64_t offset, void *buffer, size_t bytes) {
    if (offset > OFFSET_MAX || bytes > OFFSET_MAX - offset)
        return RAISE(JET_errFileIOBeyondEOF);
    bool tried = false;
    for (char *p = buffer; bytes > 0;) {
        ssize_t n = pread(file->fd, p, bytes, (off_t)offset);
        if (n == 0)
            return RAISE(JET_errFileIOBeyondEOF);
        if (n < 0) {
            if (errno == EINTR || fall_back_to_buffered(file, errno, &tried))
                continue;
            return RAISE(err_of_errno(errno));
        }
        p += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return JET_errSuccess;
}

static JET_ERR posix_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    if (offset > OFFSET_MAX || bytes > OFFSET_MAX - offset)
        return RAISE(JET_errDiskFull);
    bool tried = false;
    for (const char *p = buffer; bytes > 0;) {
        ssize_t n = pwrite(file->fd, p, bytes, (off_t)offset);
        if (n <= 0) {
            if (n < 0 && (errno == EINTR || fall_back_to_buffered(file, errno, &tried)))
                continue;
            return RAISE(n == 0 ? JET_errDiskIO : err_of_errno(errno));
        }
        p += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return JET_errSuccess;
}

/* fdatasync also writes the size when a reader needs it to find the data. */
static JET_ERR posix_sync(struct os_file *file) {
    while (fdatasync(file->fd) != 0) {
        if (errno != EINTR)
            return RAISE(err_of_errno(errno));
    }
    return JET_errSuccess;
}

static JET_ERR posix_size(struct os_file *file, uint64_t *bytes) {
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return RAISE(err_of_errno(errno));
    *bytes = (uint64_t)st.st_size;
    return JET_errSuccess;
}

static JET_ERR set_size(int fd, uint64_t bytes) {
    while (ftruncate(fd, (off_t)bytes) != 0) {
        if (errno != EINTR)
            return RAISE(err_of_errno(errno));
    }
    return JET_errSuccess;
}

static JET_ERR posix_resize(struct os_file *file, uint64_t bytes) {
    if (bytes > OFFSET_MAX)
        return RAISE(JET_errDiskFull);
    uint64_t old_bytes;
    JET_ERR err = posix_size(file, &old_bytes);
    if (err < JET_errSuccess)
        return err;
    if (bytes <= old_bytes)
        return set_size(file->fd, bytes);

    /* Not posix_fallocate: where the file system cannot, that one writes into every block. */
    int rc;
    do
        rc = fallocate(file->fd, 0, (off_t)old_bytes, (off_t)(bytes - old_bytes));
    while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return JET_errSuccess;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return set_size(file->fd, bytes);
    err = RAISE(err_of_errno(errno));
    (void)!ftruncate(file->fd, (off_t)old_bytes); /* part of it may have been allocated */
    return err;
}

static JET_ERR posix_rename(const char *from, const char *to) {
    return rename(from, to) == 0 ? JET_errSuccess : RAISE(err_of_path_errno(errno));
}

static JET_ERR posix_remove(const char *path) {
    return unlink(path) == 0 ? JET_errSuccess : RAISE(err_of_path_errno(errno));
}

static JET_ERR posix_make_dir(const char *path) {
    return mkdir(path, 0777) == 0 ? JET_errSuccess : RAISE(err_of_create_errno(errno));
}

static JET_ERR posix_remove_dir(const char *path) {
    return rmdir(path) == 0 ? JET_errSuccess : RAISE(err_of_path_errno(errno));
}

static JET_ERR posix_sync_dir(const char *path) {
    int fd = open_retry(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return RAISE(err_of_path_errno(errno));
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    /* EINVAL: a file system that has nothing to sync in a directory. */
    JET_ERR err = rc == 0 || errno == EINVAL ? JET_errSuccess : RAISE(err_of_errno(errno));
    close(fd);
    return err;
}

static enum os_kind kind_of_mode(mode_t mode) {
    return S_ISREG(mode) ? OS_FILE : S_ISDIR(mode) ? OS_DIRECTORY : OS_OTHER;
}

static JET_ERR posix_stat(const char *path, struct os_stat *out) {
    struct stat st;
    if (stat(path, &st) == 0) {
        *out = (struct os_stat){
            .kind = kind_of_mode(st.st_mode), .bytes = (uint64_t)st.st_size, .device = st.st_dev, .inode = st.st_ino};
        return JET_errSuccess;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return RAISE(err_of_path_errno(errno));
    *out = (struct os_stat){.kind = OS_MISSING};
    return JET_errSuccess;
}

static enum os_kind kind_of_entry(DIR *dir, const struct dirent *entry) {
    struct stat st;
    if (entry->d_type == DT_REG)
        return OS_FILE;
    if (entry->d_type == DT_DIR)
        return OS_DIRECTORY;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return OS_OTHER;
    return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 ? kind_of_mode(st.st_mode) : OS_OTHER;
}

static JET_ERR posix_list(const char *path, os_list_fn fn, void *context) {
    JET_ERR err = JET_errSuccess;
    DIR *dir = opendir(path);
    if (!dir)
        return RAISE(err_of_path_errno(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno != 0)
                err = RAISE(err_of_errno(errno));
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        err = fn(context, entry->d_name, kind_of_entry(dir, entry));
        if (err < JET_errSuccess)
            break;
    }
    closedir(dir);
    return err;
}

const struct os_table os_posix = {
    .open = posix_open,
    .close = posix_close,
    .read = posix_read,
    .write = posix_write,
    .sync = posix_sync,
    .size = posix_size,
    .resize = posix_resize,
    .rename = posix_rename,
    .remove = posix_remove,
    .make_dir = posix_make_dir,
    .remove_dir = posix_remove_dir,
    .sync_dir = posix_sync_dir,
    .stat = posix_stat,
    .list = posix_list,
};
