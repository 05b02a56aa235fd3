/* What session.c (the order of things) and stream.c (the bytes of files) share. */
#ifndef ESENT_BACKUP_SESSION_PRIV_H
#define ESENT_BACKUP_SESSION_PRIV_H

#include "backup/session.h"

/* Where a backup stands, and what a client may ask for there. The table of transitions is in session.c. */
enum backup_state { DATABASES, DATABASE_OPEN, BEFORE_LOGS, LOGS, LOG_OPEN, BACKUP_STATES };
enum backup_call {
    CALL_LIST_DATABASES,
    CALL_OPEN_DATABASE,
    CALL_OPEN_LOG,
    CALL_READ,
    CALL_CLOSE,
    CALL_LIST_LOGS,
    CALL_TRUNCATE,
    BACKUP_CALLS
};

/* The file that is open. */
struct stream {
    JET_HANDLE handle;
    uint64_t bytes, at;
    /* a database: */
    struct db *db;
    struct dbheader *header; /* of the copy, a whole page */
    uint32_t page_count;
    /* a log file: */
    lggen_t gen;
    uint8_t *image;
    char path[OS_PATH_MAX];
};

struct backup {
    struct inst *inst;
    enum backup_kind kind;
    enum backup_state state;
    bool external;
    uint32_t stops;          /* inst->backup_stops when its call came */
    char where[OS_PATH_MAX]; /* for events */
    struct disk_bkinfo info; /* begin mark and time; generations: of the log files, once they are known */
    lggen_t low, high;       /* of the log files; high 0: not rolled yet */
    bool *log_read;          /* by generation - low */
    bool database_read[DB_MAX + 1];
    bool truncated;
    bool broken; /* a step failed that the whole backup needs */
    struct stream stream;
};

/* Whether the call may be made now: its error where not, and JET_errBackupAbortByServer when the backup was stopped. */
MUST_CHECK JET_ERR backup_may(const struct backup *s, enum backup_call call);
bool backup_stopped(const struct backup *s);
void stream_close(struct stream *stream);

#endif
