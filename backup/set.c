/* Where a set lives: the directory rules of full backups, and the three names of atomic ones.
 *
 * A crash between any two steps leaves one complete set that set_find() finds:
 *   prepare  new -> old           (only when a complete `new` is there; an `old` that is left is older: it goes first)
 *   copy     into temp            `old` is the set
 *   promote  temp -> new          `new` is the set; then `old` goes */
#include "backup/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"

#define MANIFEST_BYTES_MAX (64u << 20)

static JET_ERR join(char out[OS_PATH_MAX], const char *dir, const char *name) {
    return os_path_join(out, dir, name);
}

static JET_ERR is_directory(const char *path, bool *out) {
    struct os_stat st;
    JET_ERR err = os_stat(path, &st);
    *out = err >= JET_errSuccess && st.kind == OS_DIRECTORY;
    return err;
}

/* Manifest first: without it nothing looks like a set. */
static JET_ERR wipe(const char *path) {
    JET_ERR err = JET_errSuccess;
    char manifest[OS_PATH_MAX];
    struct os_stat st;
    bool there;

    CALL(is_directory(path, &there));
    if (!there)
        return JET_errSuccess;
    CALL(join(manifest, path, SET_MANIFEST));
    CALL(os_stat(manifest, &st));
    if (st.kind != OS_MISSING) {
        CALL(os_remove(manifest));
        CALL(os_sync_dir(path));
    }
    CALL(os_remove_tree_files(path));
    CALL(os_remove_dir(path));
cleanup:
    return err < JET_errSuccess ? RAISE(JET_errDeleteBackupFileFail) : err;
}

static JET_ERR complain_of_entry(void *context, const char *name, enum os_kind kind) {
    (void)context, (void)name, (void)kind;
    return JET_errBackupDirectoryNotEmpty;
}

JET_ERR set_prepare(const char *dir, bool atomic, bool create_paths, char target[OS_PATH_MAX]) {
    JET_ERR err = JET_errSuccess;
    char fresh[OS_PATH_MAX], old[OS_PATH_MAX];
    struct os_stat st;
    bool there;

    CALL(is_directory(dir, &there));
    if (!there && !create_paths)
        FAIL(JET_errInvalidPath);
    if (!there && os_make_dirs(dir) < JET_errSuccess)
        FAIL(JET_errMakeBackupDirectoryFail);
    if (!atomic) {
        CALL(os_list(dir, complain_of_entry, NULL));
        snprintf(target, OS_PATH_MAX, "%s", dir);
        return JET_errSuccess;
    }
    CALL(join(fresh, dir, SET_MANIFEST));
    CALL(os_stat(fresh, &st));
    if (st.kind != OS_MISSING) /* set_find() would go on to find this one */
        FAIL(JET_errBackupDirectoryNotEmpty);
    CALL(join(target, dir, "temp"));
    CALL(join(fresh, dir, "new"));
    CALL(join(old, dir, "old"));
    CALL(wipe(target));
    CALL(is_directory(fresh, &there));
    if (there && BROKEN(set_old_first)) {
        CALL(wipe(fresh));
    } else if (there) {
        CALL(wipe(old));
        CALL(os_rename(fresh, old));
        CALL(os_sync_dir(dir));
    }
    if (os_make_dir(target) < JET_errSuccess)
        FAIL(JET_errMakeBackupDirectoryFail);
cleanup:
    return err;
}

JET_ERR set_promote(const char *dir) {
    JET_ERR err = JET_errSuccess;
    char temp[OS_PATH_MAX], fresh[OS_PATH_MAX], old[OS_PATH_MAX];

    CALL(join(temp, dir, "temp"));
    CALL(join(fresh, dir, "new"));
    CALL(join(old, dir, "old"));
    CALL(os_rename(temp, fresh));
    CALL(os_sync_dir(dir));
    JET_ERR ignored = wipe(old); /* `new` is the set now; what stays of `old` goes with the next backup */
    ignored = os_sync_dir(dir);
    (void)ignored;
cleanup:
    return err;
}

void set_remove(const char *target, bool remove_dir) {
    char manifest[OS_PATH_MAX];
    JET_ERR ignored = join(manifest, target, SET_MANIFEST);
    if (ignored >= JET_errSuccess)
        ignored = os_remove(manifest);
    ignored = os_remove_tree_files(target);
    if (remove_dir)
        ignored = os_remove_dir(target);
    (void)ignored;
}

/* ---- the manifest in its directory ---- */

JET_ERR set_write(const struct set *set) {
    JET_ERR err = JET_errSuccess;
    char *text = NULL;
    size_t bytes;
    struct os_file *file = NULL;
    char path[OS_PATH_MAX], temporary[OS_PATH_MAX];

    CALL(os_path_join(path, set->dir, SET_MANIFEST));
    CALL(os_path_join(temporary, set->dir, SET_MANIFEST_TEMPORARY));
    CALL(set_format(set, &text, &bytes));
    CALL(os_open(temporary, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CALL(os_write(file, 0, text, bytes));
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
    free(text);
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
    text = malloc(st.bytes + 1);
    if (!text)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ, &file));
    CALL(os_read(file, 0, text, st.bytes));
    CALL(set_parse(text, st.bytes, out));
    snprintf(out->dir, sizeof out->dir, "%s", dir);
cleanup:
    os_close(file);
    free(text);
    if (err < JET_errSuccess)
        set_done(out);
    return err;
}

JET_ERR set_find(const char *dir, struct set *out) {
    static const char *const places[] = {NULL, "new", "old"};
    for (unsigned i = 0; i < 3; i++) {
        char path[OS_PATH_MAX];
        JET_ERR err = places[i] ? join(path, dir, places[i]) : JET_errSuccess;
        if (err >= JET_errSuccess)
            err = set_read(places[i] ? path : dir, out);
        if (err != JET_errFileNotFound)
            return err;
    }
    return RAISE(JET_errFileNotFound);
}
