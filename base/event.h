/* Events: what ESE writes to the Windows event log goes to syslog and to a callback, under ESE's numbers.
 *
 * Events are written where things happen, which may be under any of our locks and on any of our threads. So the
 * callback may not do what needs a lock: while it runs, event_in_callback() is true on its thread, and the API refuses
 * to let that thread in (api/handles.c). */
#ifndef ESENT_BASE_EVENT_H
#define ESENT_BASE_EVENT_H

#include <stdbool.h>

enum event_severity { EVENT_ERROR = 1, EVENT_WARNING = 2, EVENT_INFO = 3 };

/* ESE's numbers; docs/events.md has ESE's names, and a test compares it with this list. */
enum event_id {
    EVENT_START_INSTANCE = 102,
    EVENT_STOP_INSTANCE = 103,
    EVENT_STOP_INSTANCE_WITH_ERROR = 104,
    EVENT_START_INSTANCE_DONE = 105,
    EVENT_START_RESTORE = 204,
    EVENT_STOP_RESTORE = 205,
    EVENT_MISS_FULL_BACKUP = 206,
    EVENT_START_FULL_BACKUP = 210,
    EVENT_START_INCREMENTAL_BACKUP = 211,
    EVENT_STOP_BACKUP = 213,
    EVENT_STOP_BACKUP_ERROR = 214,
    EVENT_STOP_BACKUP_BY_CALLER = 215,
    EVENT_BACKUP_ERROR_FOR_ONE_DATABASE = 217,
    EVENT_BACKUP_ERROR_READ_FILE = 218,
    EVENT_BACKUP_ERROR_INFO_UPDATE = 219,
    EVENT_BACKUP_FILE_START = 220,
    EVENT_BACKUP_FILE_STOP_OK = 221,
    EVENT_BACKUP_FILE_STOP_BEFORE_END = 222,
    EVENT_BACKUP_LOG_FILES_START = 223,
    EVENT_BACKUP_TRUNCATE = 224,
    EVENT_BACKUP_NO_TRUNCATE = 225,
    EVENT_STOP_BACKUP_BY_SERVER = 226,
    EVENT_BACKUP_TRUNCATE_MISSING = 227,
    EVENT_START_REDO = 300,
    EVENT_STATUS_REDO = 301,
    EVENT_STOP_REDO = 302,
    EVENT_STOP_REDO_WITHOUT_UNDO = 304,
    EVENT_ATTACH_DATABASE = 326,
    EVENT_DETACH_DATABASE = 327,
    EVENT_PAGE_CORRECTED = 399,
    EVENT_LOG_WRITE_ERROR = 408,
    EVENT_LOG_BAD_VERSION = 411,
    EVENT_LOG_HEADER_READ_ERROR = 412,
    EVENT_NEW_LOG_ERROR = 413,
    EVENT_DISK_FULL = 424,
    EVENT_LOG_DISK_FULL = 429,
    EVENT_BACKUP_TRAILER_MISMATCH = 430,
    EVENT_RESTORE_STARTING_LOG_TOO_HIGH = 431,
    EVENT_RESTORE_ENDING_LOG_TOO_LOW = 432,
    EVENT_RESTORE_LOG_BAD_SIGNATURE = 433,
    EVENT_RESTORE_LOG_NOT_CONTIGUOUS = 434,
    EVENT_RESTORE_LOG_MISSING = 435,
    EVENT_EXISTING_LOG_BAD_SIGNATURE = 436,
    EVENT_EXISTING_LOG_NOT_CONTIGUOUS = 437,
    EVENT_BAD_BACKUP_DATABASE_SIZE = 438,
    EVENT_CURRENT_LOG_MISSING = 450,
    EVENT_REDO_MISSING_LOW_LOG = 452,
    EVENT_REDO_MISSING_HIGH_LOG = 453,
    EVENT_RESTORE_FAILED = 454,
    EVENT_LOG_BAD_SIGNATURE = 457,
    EVENT_LOG_NOT_CONTIGUOUS = 458,
    EVENT_BACKUP_FILE_MISSING = 459,
    EVENT_LOG_CORRUPTION_HARD_RESTORE = 463,
    EVENT_LOG_CORRUPTION_HARD_RECOVERY = 464,
    EVENT_LOG_CORRUPTION_SOFT_RECOVERY = 465,
    EVENT_PAGE_READ_ERROR = 474,
    EVENT_PAGE_NUMBER_MISMATCH = 475,
    EVENT_PAGE_MISSING = 476,
    EVENT_DATABASE_READ_ERROR = 481,
    EVENT_DATABASE_WRITE_ERROR = 482,
    EVENT_ATTACHED_DB_MISMATCH = 494,
    EVENT_DB_MISMATCH_DURING_RECOVERY = 495,
    EVENT_DBTIME_MISMATCH = 516,
    EVENT_LOG_FILE_MISSING = 518,
    EVENT_LOG_RANGE_MISSING = 519,
    EVENT_BACKUP_LOG_NOT_COPIED = 520,
    EVENT_LOST_LOGS_IGNORED = 524,
    EVENT_PAGE_LOST_FLUSH = 530,
    EVENT_ATTACH_TO_BACKUP_SET_DATABASE = 619,
    EVENT_BACKUP_TRAILER_BAD = 645,
};

typedef void (*event_fn)(void *context, int id, enum event_severity severity, const char *text);

struct event_sink {
    char source[800];    /* JET_paramEventSource: syslog's messages begin with it; "ESENT" if empty */
    char instance[64];   /* its name follows in syslog; may be empty */
    bool no_information; /* JET_paramNoInformationEvent */
    int level;           /* JET_paramEventLoggingLevel: 0 none, 1 min .. 100 max; errors only below 25 */
    event_fn fn;         /* may be NULL */
    void *context;
};

/* sink may be NULL: nothing is written. Locks may be held. */
void event_write(const struct event_sink *sink, enum event_id id, enum event_severity severity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool event_in_callback(void); /* this thread is in a callback of ours */

#endif
