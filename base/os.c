/* The seam (one table of functions, os_posix unless a test installs another), and what is built on it: directories
 * with parents, and paths as text. Only os_path_absolute() looks outside, at the working directory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

static const struct os_table *table = &os_posix;

const struct os_table *os_install(const struct os_table *replacement) {
    const struct os_table *before = table;
    table = replacement ? replacement : &os_posix;
    return before;
}

JET_ERR os_open(const char *path, unsigned flags, struct os_file **out) {
    return table->open(path, flags, out);
}

void os_close(struct os_file *file) {
    if (file)
        table->close(file);
}

JET_ERR os_read(struct os_file *file, uint64_t offset, void *buffer, size_t bytes) {
    return table->read(file, offset, buffer, bytes);
}

JET_ERR os_write(struct os_file *file, uint64_t offset, const void *buffer, size_t bytes) {
    return table->write(file, offset, buffer, bytes);
}

JET_ERR os_sync(struct os_file *file) {
    return table->sync(file);
}
JET_ERR os_size(struct os_file *file, uint64_t *bytes) {
    return table->size(file, bytes);
}
JET_ERR os_resize(struct os_file *file, uint64_t bytes) {
    return table->resize(file, bytes);
}
JET_ERR os_rename(const char *from, const char *to) {
    return table->rename(from, to);
}
JET_ERR os_remove(const char *path) {
    return table->remove(path);
}
JET_ERR os_make_dir(const char *path) {
    return table->make_dir(path);
}
JET_ERR os_remove_dir(const char *path) {
    return table->remove_dir(path);
}
JET_ERR os_sync_dir(const char *path) {
    return table->sync_dir(path);
}
JET_ERR os_stat(const char *path, struct os_stat *out) {
    return table->stat(path, out);
}
JET_ERR os_list(const char *path, os_list_fn fn, void *context) {
    return table->list(path, fn, context);
}

/* ---- directories ---- */

/* One level: there already is as good as made, unless it is something else. */
static JET_ERR ensure_dir(const char *path) {
    JET_ERR err = os_make_dir(path);
    if (err >= JET_errSuccess)
        return os_sync_parent(path);
    if (err != JET_errFileAlreadyExists)
        return err;
    struct os_stat st;
    err = os_stat(path, &st);
    if (err < JET_errSuccess)
        return err;
    return st.kind == OS_DIRECTORY ? JET_errSuccess : RAISE(JET_errInvalidPath);
}

JET_ERR os_make_dirs(const char *path) {
    JET_ERR err = JET_errSuccess;
    struct os_stat st;
    char partial[OS_PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial)
        FAIL(JET_errInvalidPath);
    /* Parents may exist where we may not write; so only what is missing is made. */
    CALL(os_stat(path, &st));
    if (st.kind == OS_DIRECTORY)
        return JET_errSuccess;
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
            continue;
        partial[i] = '\0';
        CALL(os_stat(partial, &st));
        if (st.kind != OS_DIRECTORY)
            CALL(ensure_dir(partial));
        partial[i] = path[i];
    }
cleanup:
    return err;
}

struct name_list {
    char *names; /* each with its terminator */
    size_t bytes, room;
};

static JET_ERR collect_file_name(void *context, const char *name, enum os_kind kind) {
    struct name_list *list = context;
    if (kind != OS_FILE)
        return JET_errSuccess;
    size_t need = strlen(name) + 1;
    if (list->bytes + need > list->room) {
        size_t room = 2 * list->room + need;
        char *grown = realloc(list->names, room);
        if (!grown)
            return RAISE(JET_errOutOfMemory);
        list->names = grown;
        list->room = room;
    }
    memcpy(list->names + list->bytes, name, need);
    list->bytes += need;
    return JET_errSuccess;
}

JET_ERR os_remove_tree_files(const char *path) {
    JET_ERR err = JET_errSuccess;
    struct name_list list = {0}; /* first the names: a listing need not survive removals */
    char full[OS_PATH_MAX];
    CALL(os_list(path, collect_file_name, &list));
    for (size_t at = 0; at < list.bytes; at += strlen(list.names + at) + 1) {
        CALL(os_path_join(full, path, list.names + at));
        CALL(os_remove(full));
    }
cleanup:
    free(list.names);
    return err < JET_errSuccess ? err : JET_errSuccess;
}

JET_ERR os_sync_parent(const char *path) {
    char parent[OS_PATH_MAX];
    JET_ERR err = os_path_parent(parent, path);
    return err < JET_errSuccess ? err : os_sync_dir(parent);
}

/* ---- paths ---- */

JET_ERR os_path_join(char *out, const char *dir, const char *name) {
    size_t dir_length = strlen(dir), name_length = strlen(name);
    bool slash = dir_length > 0 && dir[dir_length - 1] != '/';
    if (dir_length + slash + name_length >= OS_PATH_MAX)
        return RAISE(JET_errInvalidPath);
    memmove(out, dir, dir_length);
    if (slash)
        out[dir_length++] = '/';
    memcpy(out + dir_length, name, name_length + 1);
    return JET_errSuccess;
}

/* Appends path's components to out[0..length), an absolute path without trailing slash ("" is the root). */
static JET_ERR append_components(char *out, size_t *length, const char *path) {
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (*length > 0 && out[--*length] != '/')
                ;
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            if (*length + 1 + n >= OS_PATH_MAX)
                return RAISE(JET_errInvalidPath);
            out[(*length)++] = '/';
            memcpy(out + *length, path, n);
            *length += n;
        }
        path += n + (path[n] == '/');
    }
    return JET_errSuccess;
}

JET_ERR os_path_absolute(char *out, const char *path) {
    JET_ERR err = JET_errSuccess;
    char cwd[OS_PATH_MAX], result[OS_PATH_MAX];
    size_t length = 0;
    if (path[0] == '\0')
        FAIL(JET_errInvalidPath);
    if (path[0] != '/') {
        if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/')
            FAIL(JET_errInvalidPath);
        CALL(append_components(result, &length, cwd));
    }
    CALL(append_components(result, &length, path));
    if (length == 0)
        result[length++] = '/';
    memcpy(out, result, length);
    out[length] = '\0';
cleanup:
    return err;
}

JET_ERR os_path_parent(char *out, const char *path) {
    size_t length = strlen(path);
    if (length == 0 || length >= OS_PATH_MAX)
        return RAISE(JET_errInvalidPath);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length == 0) {
        memcpy(out, ".", 2);
        return JET_errSuccess;
    }
    while (length > 1 && path[length - 1] == '/')
        length--;
    memmove(out, path, length);
    out[length] = '\0';
    return JET_errSuccess;
}

const char *os_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
