/* What the files of log/ share. */
#ifndef ESENT_LOG_LOG_PRIV_H
#define ESENT_LOG_LOG_PRIV_H

#include <stdatomic.h>

#include "base/os.h"
#include "base/thread.h"
#include "log/format.h"
#include "log/log.h"

/* ---- names and files (files.c) ---- */

#define LOG_RESERVE_COUNT 2u

MUST_CHECK JET_ERR log_path_temp(const struct log_dir *dir, char *out);                     /* edbtmp.log */
MUST_CHECK JET_ERR log_path_reserve(const struct log_dir *dir, unsigned number, char *out); /* 1 .. */
/* The archive of a generation under its canonical name or, files having come from Windows, any other spelling of it.
 * JET_errFileNotFound. */
MUST_CHECK JET_ERR log_find_archive(const struct log_dir *dir, lggen_t gen, char *out);
/* JET_errSuccess with an empty *out only where the file is missing. */
MUST_CHECK JET_ERR log_file_exists(const char *path, bool *out);
MUST_CHECK JET_ERR log_truncate_dir(const struct log_dir *dir, lggen_t end, uint32_t *count);

/* ---- one generation in memory (image.c) ---- */

struct log_image {
    struct log_header header;
    uint8_t *bytes; /* header.file_bytes of them, the header included */
    size_t room;
    uint32_t seed; /* of its frames */
};
/* Replaces what the image held; on failure its bytes are undefined and its header is as it was. JET_errFileNotFound,
 * JET_errLogFileSizeMismatch (the file's size is not what its header says), header errors. */
MUST_CHECK JET_ERR log_image_load(struct log_image *image, const char *path);
void log_image_done(struct log_image *image);

/* ---- the next generation's file (next.c) ---- */

struct log_next;
MUST_CHECK JET_ERR log_next_open(const struct log_config *config, struct log_next **out);
void log_next_close(struct log_next *next); /* NULL is ignored */
/* Starts preparing and returns; takes only a leaf lock. Not while a roll is under way: edbtmp.log is still its file. */
void log_next_want(struct log_next *next);
void log_next_wait(struct log_next *next); /* while it is being prepared; a failure is log_next_take's to tell */
/* Waits for edbtmp.log: config.file_bytes zero bytes, durable, as is its name. The caller owns *file. Only after a
 * failure or once per generation. JET_errLogDiskFull once the reserves are used up. */
MUST_CHECK JET_ERR log_next_take(struct log_next *next, struct os_file **file, bool *reserve_used);
bool log_next_disk_full(struct log_next *next);

/* ---- the writer's state (writer.c; made and ended by open.c) ---- */

#define LOG_STAGE_BYTES (64u * 1024) /* a flush up to this size is one write */

struct log {
    /* constant */
    struct log_config config;
    JET_SIGNATURE signature;
    struct log_next *next;
    /* under buffer_lock; header and image also read by whoever holds `held` and leads */
    struct os_mutex buffer_lock;
    struct os_cond room;
    bool held;
    uint8_t *image;
    uint32_t fill, seed;
    struct log_header header; /* of the current generation; attachments: what the next one will say */
    bool next_wanted;
    /* under flush_lock */
    struct os_mutex flush_lock;
    struct os_cond flushed;
    bool flushing;
    /* the leader's */
    struct os_file *file;
    uint32_t written; /* everything before it is in the file and synced */
    uint8_t *stage;   /* LOG_STAGE_BYTES and a block */
    /* written under buffer_lock (tip, gen, created) or by the leader; read by all */
    _Atomic lgpos_t tip, durable, checkpoint;
    _Atomic lggen_t gen;
    _Atomic uint64_t created;
    _Atomic JET_ERR failure;
};

/* The functions below are for a leader, with appends held off.
 *
 * Starts the generation after log->header: file, header, names. rename_current: edb.log becomes an archive first. */
MUST_CHECK JET_ERR log_start_generation(struct log *log, bool rename_current);
/* Points the writer to a generation: its file is `file` (owned from now on), its next record starts at `fill`, and
 * everything before that is durable. */
void log_enter_generation(struct log *log, const struct log_header *header, struct os_file *file, uint32_t fill);

#endif
