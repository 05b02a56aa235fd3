/* An instance: one log, one cache, the databases attached to it, the sessions. */
#ifndef ESENT_ENGINE_INST_H
#define ESENT_ENGINE_INST_H

#include <stdatomic.h>

#include "base/event.h"
#include "base/os.h"
#include "base/thread.h"
#include "engine/db.h"
#include "engine/trx.h"

/* What the parameters say, fixed when the instance starts (api/params.h fills it). */
struct inst_config {
    char name[64];
    struct log_dir log_dir;
    char system_path[OS_PATH_MAX]; /* directory of the checkpoint */
    uint32_t page_size;
    uint32_t log_file_bytes;
    uint64_t cache_bytes_max, versions_bytes_max;
    uint32_t extension_pages; /* JET_paramDbExtensionSize */
    uint32_t sessions_max, cursors_max, open_tables_max;
    uint64_t checkpoint_depth_bytes;
    bool circular, create_paths;
    /* recovery: */
    char alternate_path[OS_PATH_MAX]; /* databases are looked for here; "": where the log has them */
    bool delete_out_of_range, cleanup_mismatched;
};

enum inst_state { INST_RECOVERING = 1, INST_RUNNING, INST_STOPPING };

struct inst {
    struct inst_config config;
    struct event_sink events;
    struct log *log; /* NULL during redo */
    struct cache *cache;
    struct trx_system *trx;
    struct os_file *lock, *log_lock; /* keep other instances out of the directories; log_lock NULL: the same one */
    _Atomic int state;               /* enum inst_state */
    _Atomic int32_t failure;         /* P3: first fatal error; from then on JET_errInstanceUnavailable */
    struct os_mutex mutex;           /* OS_RANK_INST: everything below */
    struct db *dbs[DB_MAX + 1];      /* by dbid; 0 unused */
    bool backup_running;             /* attach and detach are refused meanwhile */
    bool backup_refused;             /* the instance is about to end: none begins any more */
    struct backup *backup;           /* backup/session.h */
    struct os_cond backup_ended;
    struct os_mutex backup_mutex;      /* OS_RANK_BACKUP */
    _Atomic uint32_t backup_stops;     /* a backup whose call came before one of them ends */
    _Atomic uint32_t backup_gen_low;   /* 0: none; else circular logging keeps generations from here */
    _Atomic uint64_t checkpoint;       /* lgpos of the checkpoint file */
    struct checkpointer *checkpointer; /* recovery/checkpoint.h */
};

/* JET_errSuccess, or why nothing may be changed any more: JET_errInstanceUnavailable (or ...DueToFatalLogDiskFull). */
JET_ERR inst_usable(const struct inst *inst);
/* The first caller's error is kept; an event is written. */
void inst_fail(struct inst *inst, JET_ERR err);

#endif
