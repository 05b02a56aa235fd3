/* Start and stop of an instance. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "recovery/recovery.h"

/* The lock file keeps a second instance, of this or another process, out of the system directory. */
static JET_ERR lock_directories(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX], name[16];
    struct os_stat st;

    if (inst->config.create_paths) {
        CALL(os_make_dirs(inst->config.system_path));
        CALL(os_make_dirs(inst->config.log_dir.path));
    }
    CALL(os_stat(inst->config.system_path, &st));
    if (st.kind != OS_DIRECTORY)
        FAIL(JET_errInvalidSystemPath);
    CALL(os_stat(inst->config.log_dir.path, &st));
    if (st.kind != OS_DIRECTORY)
        FAIL(JET_errInvalidLogDirectory);
    snprintf(name, sizeof name, "%s.lck", inst->config.log_dir.base);
    CALL(os_path_join(path, inst->config.system_path, name));
    CALL(os_stat(path, &st));
    err = os_open(path, OS_WRITE | OS_LOCK | (st.kind == OS_MISSING ? OS_CREATE : 0), &inst->lock);
    if (err == JET_errFileAccessDenied)
        err = RAISE(JET_errSystemPathInUse);
    CALL(err);
    if (strcmp(inst->config.system_path, inst->config.log_dir.path) != 0) {
        CALL(os_path_join(path, inst->config.log_dir.path, name));
        CALL(os_stat(path, &st));
        err = os_open(path, OS_WRITE | OS_LOCK | (st.kind == OS_MISSING ? OS_CREATE : 0), &inst->log_lock);
        if (err == JET_errFileAccessDenied)
            err = RAISE(JET_errLogFilePathInUse);
        CALL(err);
    }
cleanup:
    return err;
}

static void inst_free(struct inst *inst) {
    if (!inst)
        return;
    trx_system_free(inst->trx);
    cache_free(inst->cache);
    os_close(inst->lock);
    os_close(inst->log_lock);
    os_cond_done(&inst->backup_ended);
    os_mutex_done(&inst->backup_mutex);
    os_mutex_done(&inst->mutex);
    free(inst);
}

static JET_ERR log_mark(struct inst *inst, uint8_t type) {
    JET_ERR err = JET_errSuccess;
    JET_LOGTIME now = clock_logtime();
    struct log_part part = {&now, sizeof now};
    lgpos_t begin, end;

    CALL(log_append(inst->log, type, &part, 1, &begin, &end));
    CALL(log_flush(inst->log, end));
cleanup:
    return err;
}

JET_ERR inst_start(const struct inst_config *config, const struct event_sink *events,
                   const struct recovery_options *options, struct inst **out) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = calloc(1, sizeof *inst);

    if (!inst)
        return RAISE(JET_errOutOfMemory);
    inst->config = *config;
    inst->events = *events;
    atomic_store(&inst->state, INST_RECOVERING);
    os_mutex_init(&inst->mutex, OS_RANK_INST);
    os_cond_init(&inst->backup_ended);
    os_mutex_init(&inst->backup_mutex, OS_RANK_BACKUP);
    event_write(events, EVENT_START_INSTANCE, EVENT_INFO, "instance %s is starting", config->name);
    CALL(lock_directories(inst));
    struct cache_config cache = {.bytes_max = config->cache_bytes_max, .log = NULL, .events = &inst->events};
    CALL(cache_new(&cache, &inst->cache));
    CALL(trx_system_new(inst, config->versions_bytes_max, &inst->trx));
    CALL(recovery_run(inst, options));
    const JET_ERR warning = err;
    CALL(log_mark(inst, LOGREC_INIT));
    CALL(checkpointer_start(inst));
    atomic_store(&inst->state, INST_RUNNING);
    event_write(events, EVENT_START_INSTANCE_DONE, EVENT_INFO, "instance %s has started", config->name);
    *out = inst;
    inst = NULL;
    err = warning;
cleanup:
    if (inst) {
        event_write(events, EVENT_STOP_INSTANCE_WITH_ERROR, EVENT_ERROR, "instance %s did not start: error %d (%s)",
                    config->name, (int)err, err_name(err));
        inst_abandon(inst);
    }
    return err;
}

static void abandon_databases(struct inst *inst) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id])
            db_abandon(inst->dbs[id]);
}

JET_ERR inst_stop(struct inst *inst) {
    JET_ERR err = JET_errSuccess;

    atomic_store(&inst->state, INST_STOPPING);
    checkpointer_stop(inst);
    os_mutex_lock(&inst->mutex);
    CALL(inst_usable(inst));
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id])
            CALL(db_detach(inst->dbs[id]));
    CALL(log_mark(inst, LOGREC_TERM));
    CALL(checkpoint_update(inst, 0));
cleanup:
    if (err < JET_errSuccess)
        event_write(&inst->events, EVENT_STOP_INSTANCE_WITH_ERROR, EVENT_ERROR, "instance %s stopped: error %d (%s)",
                    inst->config.name, (int)err, err_name(err));
    else
        event_write(&inst->events, EVENT_STOP_INSTANCE, EVENT_INFO, "instance %s stopped", inst->config.name);
    abandon_databases(inst);
    log_close(inst->log);
    os_mutex_unlock(&inst->mutex);
    inst_free(inst);
    return err;
}

void inst_abandon(struct inst *inst) {
    checkpointer_stop(inst);
    abandon_databases(inst);
    if (inst->log)
        log_abandon(inst->log);
    inst_free(inst);
}
