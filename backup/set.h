/* A backup set: a directory with the databases, the log files, and last of all the manifest.
 *
 *     backup.manifest     text; the set exists once this is durable
 *     NAME.edb ...        databases as they were read (not consistent without the log files)
 *     edb00001.log ...    generations log-low .. log-high
 *
 * docs/format-set.md has the manifest, line by line.
 *
 * With JET_bitBackupAtomic sets live in subdirectories: `temp` while it is made, `new` when it is complete, `old` the
 * one before. Restore takes the directory itself, else `new`, else `old`. */
#ifndef ESENT_BACKUP_SET_H
#define ESENT_BACKUP_SET_H

#include "backup/sum.h"
#include "base/os.h"
#include "log/log.h"

#define SET_MANIFEST "backup.manifest"
#define SET_MANIFEST_TEMPORARY SET_MANIFEST ".tmp" /* while it is written */
#define SET_DATABASES_MAX 255u
#define SET_FILES_MAX 100000u

struct set_file {
    bool is_log;
    struct file_sum sum;
    char *name; /* in the set's directory; no slash */
    /* databases: */
    char *original;          /* absolute path */
    JET_SIGNATURE signature; /* of the database */
    uint32_t page_count;     /* without header, shadow and trailer */
};

struct set {
    char dir[OS_PATH_MAX];
    bool incremental; /* of the backup that wrote the manifest last */
    bool sha256;      /* on request: the manifest has the SHA-256 of itself, and of each file whose sum has one */
    JET_LOGTIME full_begin, full_end;
    JET_LOGTIME incremental_begin, incremental_end; /* of the last one */
    char base[4];
    JET_SIGNATURE signature;
    lggen_t low, high;
    uint32_t page_size, log_file_bytes;
    struct set_file *files; /* databases, then the log files low..high */
    uint32_t file_count;
};

void set_init(struct set *set);
void set_done(struct set *set);
/* Whether a database may have this name in the set: it cannot leave the directory, and no other file has it or will. */
bool set_name_fits(const struct set *set, const char *name);
/* Take copies of name and original. Databases come first. JET_errInvalidBackup: a name that is none or does not fit. */
MUST_CHECK JET_ERR set_add_log(struct set *set, const char *name, const struct file_sum *sum);
MUST_CHECK JET_ERR set_add_database(struct set *set, const char *name, const char *original,
                                    const JET_SIGNATURE *signature, uint32_t page_count, const struct file_sum *sum);
/* The manifest as text, which the caller frees. The end of the backup that writes it is now. */
MUST_CHECK JET_ERR set_format(const struct set *set, char **text, size_t *bytes);
/* Takes what set_format() can have made. JET_errInvalidBackup: anything else. On success out is the caller's to
 * set_done(); its dir is empty. */
MUST_CHECK JET_ERR set_parse(const char *text, size_t bytes, struct set *out);
/* Writes the manifest beside the old one and renames it: durable on return. */
MUST_CHECK JET_ERR set_write(const struct set *set);
/* Reads and checks the manifest of a directory. JET_errFileNotFound; JET_errInvalidBackup. */
MUST_CHECK JET_ERR set_read(const char *dir, struct set *out);
/* The set in dir, dir/new or dir/old. JET_errFileNotFound. */
MUST_CHECK JET_ERR set_find(const char *dir, struct set *out);

/* The directory rules of a full backup (ese-facts 5.8). target: where to write. */
MUST_CHECK JET_ERR set_prepare(const char *dir, bool atomic, bool create_paths, char target[OS_PATH_MAX]);
/* temp becomes new, old goes. */
MUST_CHECK JET_ERR set_promote(const char *dir);
/* After a failure: removes what was written, and the directory itself if it is `temp`. Manifest first. */
void set_remove(const char *target, bool remove_dir);

#endif
