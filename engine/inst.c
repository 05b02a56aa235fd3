/* The state of an instance as a whole: usable, or failed for good. */
#include "engine/inst.h"

JET_ERR inst_usable(const struct inst *inst) {
    JET_ERR failure = atomic_load(&inst->failure);
    if (failure == JET_errSuccess && inst->log && log_is_down(inst->log))
        failure = log_failure(inst->log);
    if (failure == JET_errSuccess)
        return JET_errSuccess;
    return failure == JET_errLogDiskFull ? JET_errInstanceUnavailableDueToFatalLogDiskFull : JET_errInstanceUnavailable;
}

void inst_fail(struct inst *inst, JET_ERR err) {
    JET_ERR none = JET_errSuccess;
    if (err >= JET_errSuccess || !atomic_compare_exchange_strong(&inst->failure, &none, err))
        return;
    event_write(&inst->events, EVENT_STOP_INSTANCE_WITH_ERROR, EVENT_ERROR,
                "instance %s can make no more changes after error %d (%s); restart it to recover", inst->config.name,
                (int)err, err_name(err));
}

struct db *inst_db(struct inst *inst, uint8_t dbid) {
    return dbid >= DB_FIRST_DBID && dbid <= DB_MAX ? inst->dbs[dbid] : NULL;
}
