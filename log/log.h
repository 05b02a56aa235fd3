/* The log: a sequence of generation files of fixed size that hold one stream of records.
 *
 *   edb.log          the current generation           edb00001.log ...   closed generations (hex, upper case)
 *   edbtmp.log       the next one, prepared, zeroed   edbres0000N.jrs    reserve for a full disk
 *
 * Every generation starts with a 4 KiB header (log/format.h) and is then a run of frames. A record is one frame, or
 * several when it crosses the end of a generation. A frame is
 *
 *     0   4  CRC-32C over bytes 4..length of the frame, seeded with the CRC of {log signature, generation, offset}
 *     4   4  length of the frame with this header, without the padding that aligns the next frame to 8
 *     8   4  durable: offset in this generation up to which the log was known durable when the frame was made
 *     12  1  record type
 *     13  1  flags: 1 first piece, 2 last piece
 *     14  2  magic 0x4c46
 *     16  .. payload
 *
 * Position is in the CRC, so a stale or foreign frame is never taken for a real one, and a partly filled block may be
 * written again with more frames behind it: the earlier bytes are the same bytes. The last frame of a closed
 * generation is LOG_END. A bad frame ends the log when it is in the last generation and no later valid frame says
 * that it was durable; anything else is JET_errLogFileCorrupt.
 *
 * The log knows nothing of databases. What must stand in each generation's header about them (the attachment list)
 * is a blob that the caller sets. */
#ifndef ESENT_LOG_LOG_H
#define ESENT_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/event.h"

/* Generation in the high 32 bits, byte offset in the file in the low ones; compares as time. 0: none. */
typedef uint64_t lgpos_t;
typedef uint32_t lggen_t; /* 1 .. LOG_GEN_MAX; 0: none */
#define LOG_GEN_MAX 0x7FFFF7FFu

static inline lgpos_t lgpos_make(lggen_t gen, uint32_t offset) {
    return (uint64_t)gen << 32 | offset;
}
static inline lggen_t lgpos_gen(lgpos_t p) {
    return (lggen_t)(p >> 32);
}
static inline uint32_t lgpos_offset(lgpos_t p) {
    return (uint32_t)p;
}
JET_LGPOS lgpos_to_jet(lgpos_t p);          /* isec = offset / 4096, ib = offset % 4096 */
lgpos_t lgpos_from_jet(const JET_LGPOS *p); /* ib >= 4096 is cut to 4095 */

#define LOG_SECTOR 4096u
#define LOG_ATTACH_MAX 2048u /* bytes of the attachment list */
#define LOG_FILE_BYTES_MIN (64u * 1024)
#define LOG_FILE_BYTES_MAX (32u * 1024 * 1024)

enum log_record_type { LOG_END = 1, LOG_FIRST_USER = 2, LOG_LAST_USER = 127 }; /* the others: engine/logrec.h */

/* ---- header of a generation ---- */

struct log_header {
    lggen_t gen;
    uint32_t file_bytes;
    uint32_t page_size;                    /* of the instance */
    JET_LOGTIME created, previous_created; /* previous_created: unset for the first generation of a stream */
    JET_SIGNATURE signature;
    bool circular, reserve_used;
    lgpos_t checkpoint; /* at creation */
    uint32_t attach_bytes;
    uint8_t attach[LOG_ATTACH_MAX];
};

/* Reads and checks a header by its own means: size, checksum, version, ranges. Errors: JET_errFileNotFound,
 * JET_errBadLogVersion, JET_errLogFileCorrupt, JET_errDiskIO. */
MUST_CHECK JET_ERR log_header_read(const char *path, struct log_header *out);
/* The event of a log file that gave this error when its header was read. */
void log_report_unreadable(const struct event_sink *events, const char *path, JET_ERR err);

/* ---- files of a stream ---- */

struct log_dir {
    char path[4096]; /* directory, absolute */
    char base[4];    /* "edb" */
};
/* Name of a generation (archive name), of the current, of the temporary log; out has OS_PATH_MAX bytes. */
MUST_CHECK JET_ERR log_path_archive(const struct log_dir *dir, lggen_t gen, char *out);
MUST_CHECK JET_ERR log_path_current(const struct log_dir *dir, char *out);
/* "EDB0000A.LOG" -> 10; accepts 5 or 8 hex digits, any case; 0 if the name is no archive of this base. */
lggen_t log_name_gen(const char *base, const char *name);
/* archives low..high (0,0: none); current: generation of edb.log, 0: absent or unreadable. Where a crash cut a roll
 * between its two renames, current is that of edbtmp.log. */
struct log_range {
    lggen_t low, high;
    lggen_t current;
};
/* Gaps are not noticed here. A missing directory is an empty range. */
MUST_CHECK JET_ERR log_dir_scan(const struct log_dir *dir, struct log_range *out);
/* Of the files from low to high that are there, the current one too: the first that was created after `when` (Unix
 * milliseconds). 0: none. What cannot be read is passed over: whoever replays it will say so. */
MUST_CHECK JET_ERR log_dir_first_after(const struct log_dir *dir, lggen_t low, lggen_t high, int64_t when,
                                       lggen_t *out);
/* Makes generation `last` the end of the stream: deletes archives above `keep`, newest first, and before them the
 * current log unless its generation is above `after` and not above `last`. Durable on return. count may be NULL. */
MUST_CHECK JET_ERR log_dir_cut(const struct log_dir *dir, lggen_t after, lggen_t last, lggen_t keep, uint32_t *count);
/* Deletes every generation, oldest first, the current one last. Durable on return. */
MUST_CHECK JET_ERR log_dir_clear(const struct log_dir *dir);

/* ---- writer ---- */

struct log;

struct log_config {
    struct log_dir dir;
    uint32_t file_bytes; /* multiple of LOG_SECTOR, LOG_FILE_BYTES_MIN .. LOG_FILE_BYTES_MAX; also the size of the
                            buffer, which is the image of one generation */
    uint32_t page_size;
    bool circular;
    const struct event_sink *events; /* may be NULL; must outlive the log; a thread of the log writes to it too */
};

/* Starts a new stream at generation 1 with a new signature; the directory must exist and hold no log of this base:
 * JET_errFileAlreadyExists, or what is wrong with the header of the edb.log that is there. JET_errInvalidParameter. */
MUST_CHECK JET_ERR log_create(const struct log_config *config, struct log **out);
/* Goes on after recovery: `last` and `end` are log_reader_header() and log_reader_end() of a reader that came to the
 * end of the log. `last` is edb.log (or edbtmp.log after a crash between the renames of a roll: it is renamed), or the
 * highest archive, or an archive that is not in the directory; in the latter two cases the next generation is started.
 * If `end` is in an earlier generation, no record ended in the last one, and that begins anew. What lies behind the end
 * in the last file is zeroed and synced first, so that no stale frame can follow a new one. config's file_bytes and
 * page_size hold from the next generation on. JET_errInvalidLogSequence: the directory holds something that does not
 * fit to `last`. */
MUST_CHECK JET_ERR log_continue(const struct log_config *config, const struct log_header *last, lgpos_t end,
                                struct log **out);
/* Flushes (unless failed) and closes. NULL is ignored. */
void log_close(struct log *log);
/* Drops what is not yet flushed and closes: what a crash leaves behind. Tests and JET_bitTermAbrupt. */
void log_abandon(struct log *log);

struct log_part {
    const void *data;
    size_t bytes;
};

/* Appends one record in memory; any size. begin: its position; end: pass it to log_flush. Rolls by itself. Never calls
 * back. Thread-safe, ordered. JET_errLogWriteFail / JET_errLogDiskFull once the log is down (P3: for good). */
MUST_CHECK JET_ERR log_append(struct log *log, uint8_t type, const struct log_part *parts, size_t count, lgpos_t *begin,
                              lgpos_t *end);
/* Returns when everything before `upto` is durable; callers share one write and one sync. */
MUST_CHECK JET_ERR log_flush(struct log *log, lgpos_t upto);
/* End of the last record: the next one starts here or, where it does not fit, later. Monotonic; lock-free, seq_cst. */
lgpos_t log_tip(const struct log *log);
/* Everything before it is durable. May be beyond the tip, while a record is appended that crosses generations. */
lgpos_t log_durable(const struct log *log);
/* Ends the generation that is current at the call (flushes it) and starts the next, unless somebody else does just
 * then. new_gen: the current one afterwards; may be NULL. A generation without any record is rolled too. */
MUST_CHECK JET_ERR log_roll(struct log *log, lggen_t *new_gen);
/* What the headers of later generations will say. */
void log_set_attachments(struct log *log, const void *blob, uint32_t bytes);
/* Both at once: exactly the generations that begin behind the record's begin have the new list. */
MUST_CHECK JET_ERR log_append_attachments(struct log *log, uint8_t type, const struct log_part *parts, size_t count,
                                          const void *blob, uint32_t bytes, lgpos_t *begin, lgpos_t *end);
void log_set_checkpoint(struct log *log, lgpos_t checkpoint);
/* No room for the next generation: a reserve file stands in, and the caller should refuse new updates with
 * JET_errLogDiskFull. Rollbacks and the stop can still be logged while the reserves last (two generations); then the
 * log goes down. Becomes false again by itself once there is space and the reserves are back. */
bool log_disk_full(struct log *log);
bool log_is_down(const struct log *log);    /* failed; nothing will ever be written again */
JET_ERR log_failure(const struct log *log); /* the error that brought it down, or success */
JET_SIGNATURE log_signature(const struct log *log);
JET_LOGTIME log_created(const struct log *log); /* of the current generation */
lggen_t log_current_gen(const struct log *log);
lggen_t log_lowest_gen(struct log *log); /* of the files in the directory; the current one without archives */
/* Deletes archives [lowest, end), oldest first, stops at the first failure (P9). Never the current generation. count:
 * how many, also after a failure; may be NULL. */
MUST_CHECK JET_ERR log_truncate(struct log *log, lggen_t end, uint32_t *count);

/* ---- reader ---- */

struct log_record {
    uint8_t type;
    lgpos_t begin, end;
    const uint8_t *data; /* valid until the next call */
    size_t bytes;
};

struct log_reader;

struct log_reader_config {
    struct log_dir dirs[2]; /* searched in this order for each generation; the second may have path "" */
    lggen_t dirs0_high;     /* generations up to this one must be in dirs[0] (a backup set), and others there do not
                               count (an incremental backup that was cut off left them); 0: no such rule */
    lggen_t last;           /* the log ends with this generation, whatever follows, and where there are two of it, it
                               is the current log; 0: where the files end */
    lgpos_t from;           /* a record's begin; offset 0: the first record of the generation */
    const JET_SIGNATURE *signature; /* NULL: that of the first file */
    const struct event_sink *events;
};

/* Errors: JET_errMissingLogFile (the first generation is not there), header errors, JET_errBadLogSignature,
 * JET_errLogFileCorrupt (also: no run of whole frames leads to `from`). */
MUST_CHECK JET_ERR log_reader_open(const struct log_reader_config *config, struct log_reader **out);
/* 1 record (JET_errSuccess), or JET_errNoCurrentRecord at the end of the log (a torn or missing last record included).
 * Each next generation is the archive, or edb.log if its header says so, or edbtmp.log where edb.log is missing.
 * Errors: JET_errLogFileCorrupt, JET_errMissingLogFile (a gap below a higher generation), JET_errBadLogSignature,
 * JET_errLogGenerationMismatch (an archive with another generation in its header), JET_errInvalidLogSequence
 * (creation-time chain), JET_errLogFileSizeMismatch (not what its header says), JET_errLogCorruptDuringHardRestore
 * (in dirs[0] with dirs0_high). LOG_END is not returned. An error stays: later calls return it again. */
MUST_CHECK JET_ERR log_reader_next(struct log_reader *reader, struct log_record *out);
/* End of the last record that ended: the last one returned, or one that began before `from`; else from. */
lgpos_t log_reader_end(const struct log_reader *reader);
const struct log_header *log_reader_header(const struct log_reader *reader); /* of the file read last */
const char *log_reader_path(const struct log_reader *reader);
void log_reader_close(struct log_reader *reader);

/* Checks one file alone, from its header to its end: every frame. For verify and for backup (P11). closed: it must end
 * with LOG_END. Counts whole frames. JET_errLogFileCorrupt with *bad_offset set. Pieces of a record that crosses
 * generations are fine. */
struct log_file_check {
    struct log_header header;
    uint64_t frames, bytes_used;
    bool ended;
    uint32_t bad_offset;
};
MUST_CHECK JET_ERR log_file_verify(const char *path, bool closed, struct log_file_check *out);
/* The same, and hands out what was verified: header.file_bytes bytes, the caller's to free. image may be NULL. */
MUST_CHECK JET_ERR log_file_load(const char *path, bool closed, struct log_file_check *out, uint8_t **image);

/* ---- checkpoint file: edb.chk, two copies of 4 KiB written alternately, newer sequence number wins ---- */

struct log_checkpoint {
    lgpos_t position;        /* redo starts at this record */
    JET_SIGNATURE signature; /* of the log */
    uint32_t attach_bytes;   /* attachment list as of position */
    uint8_t attach[LOG_ATTACH_MAX];
    uint64_t sequence; /* set by log_checkpoint_write */
};
/* Durable on return. */
MUST_CHECK JET_ERR log_checkpoint_write(const char *path, struct log_checkpoint *checkpoint);
/* JET_errCheckpointFileNotFound, JET_errCheckpointCorrupt (both copies bad). copies_bad: 0..2, may be NULL. */
MUST_CHECK JET_ERR log_checkpoint_read(const char *path, struct log_checkpoint *out, unsigned *copies_bad);

#endif
