/* Instances: made, started, stopped. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handles.h"
#include "backup/backup.h"
#include "base/clock.h"
#include "recovery/recovery.h"

#define VERSION_BUILD 9900u

/* only: that of single-instance mode, which is made in JetInit and so is born busy. */
static JET_ERR new_instance(const char *name, const char *display, bool only, struct api_inst **out) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = calloc(1, sizeof *inst);
    bool locked = false;

    if (!inst)
        return RAISE(JET_errOutOfMemory);
    inst->named = name != NULL;
    inst->only = only;
    atomic_init(&inst->busy, only ? BUSY_INIT : BUSY_NOT);
    snprintf(inst->name, sizeof inst->name, "%s", name ? name : "");
    snprintf(inst->display, sizeof inst->display, "%s", display ? display : inst->name);
    os_mutex_init(&inst->mutex, OS_RANK_API);
    engine_params();
    engine_lock();
    locked = true;
    params_init(&inst->params, engine_params());
    CALL(handle_new(HANDLE_INSTANCE, inst, 0, &inst->handle));
    err = engine_add(inst);
    if (err < JET_errSuccess)
        handle_free(inst->handle);
    CALL(err);
    *out = inst;
    inst = NULL;
cleanup:
    if (locked)
        engine_unlock();
    if (inst)
        os_mutex_done(&inst->mutex);
    free(inst);
    return err;
}

/* The caller has it to itself. */
static void free_instance(struct api_inst *inst) {
    engine_lock();
    engine_remove(inst);
    handle_claim(HANDLE_INSTANCE, inst->handle);
    handle_free(inst->handle);
    engine_unlock();
    os_mutex_done(&inst->mutex);
    free(inst);
}

JET_ERR JetCreateInstance2(JET_INSTANCE *pinstance, const char *szInstanceName, const char *szDisplayName,
                           JET_GRBIT grbit) {
    struct api_inst *inst = NULL;
    if (!pinstance || (szInstanceName && strlen(szInstanceName) >= sizeof inst->name))
        return RAISE(JET_errInvalidParameter);
    if (grbit)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = new_instance(szInstanceName, szDisplayName, false, &inst);
    if (err >= JET_errSuccess)
        *pinstance = inst->handle;
    return err;
}

JET_ERR JetCreateInstance(JET_INSTANCE *pinstance, const char *szInstanceName) {
    return JetCreateInstance2(pinstance, szInstanceName, NULL, 0);
}

JET_ERR api_begin_exclusive(JET_INSTANCE handle, enum busy why, struct api_inst **out) {
    static const JET_ERR refusals[] = {
        [BUSY_NOT] = JET_errInvalidOperation, /* in an event's callback */
        [BUSY_INIT] = JET_errInitInProgress,
        [BUSY_TERM] = JET_errTermInProgress,
        [BUSY_RESTORE] = JET_errRestoreInProgress,
    };
    struct api_inst *inst;
    JET_ERR err = api_claim_instance(handle, &inst);
    if (err < JET_errSuccess)
        return err;
    int busy = BUSY_NOT;
    bool begun = false;
    if (event_in_callback())
        busy = atomic_load(&inst->busy);
    else
        begun = atomic_compare_exchange_strong(&inst->busy, &busy, why);
    handle_release(inst->handle);
    if (!begun)
        return RAISE(refusals[busy]);
    *out = inst;
    return JET_errSuccess;
}

void api_end_exclusive(struct api_inst *inst) {
    atomic_store(&inst->busy, BUSY_NOT);
}

/* The callback does not change while events are written: the instance runs, or a restore does. */
static void call_event(void *context, int id, enum event_severity severity, const char *text) {
    const struct api_inst *inst = context;
    const JET_EVENTINFO info = {
        .cbStruct = sizeof info,
        .idEvent = (uint32_t)id,
        .severity = severity,
        .instance = inst->handle,
        .szInstanceName = inst->display,
        .szText = text,
    };
    inst->params.event_fn(&info, inst->params.event_context);
}

void api_get_config(struct api_inst *inst, struct inst_config *config, struct event_sink *events) {
    engine_lock();
    params_config(&inst->params, config, events);
    engine_unlock();
    snprintf(config->name, sizeof config->name, "%s", inst->display);
    snprintf(events->instance, sizeof events->instance, "%s", inst->display);
    events->fn = inst->params.event_fn ? call_event : NULL;
    events->context = inst;
}

static JET_ERR check_log_exists(const struct inst_config *config) {
    struct log_range range;
    JET_ERR err = log_dir_scan(&config->log_dir, &range);
    return err < JET_errSuccess ? err : range.low || range.current ? JET_errSuccess : RAISE(JET_errFileNotFound);
}

/* Without an instance: the one of single-instance mode, which is made now unless it is there. */
static JET_ERR begin_init(JET_INSTANCE instance, struct api_inst **out) {
    if (!api_is_nil(instance))
        return api_begin_exclusive(instance, BUSY_INIT, out);
    if (event_in_callback())
        return RAISE(JET_errInvalidOperation);
    JET_ERR err = new_instance(NULL, NULL, true, out);
    return err == JET_errRunningInOneInstanceMode ? api_begin_exclusive(instance, BUSY_INIT, out) : err;
}

#define INIT_GRBITS                                                                                                    \
    (JET_bitLogStreamMustExist | JET_bitReplayIgnoreMissingDB | JET_bitReplayMissingMapEntryDB |                       \
     JET_bitReplayIgnoreLostLogs | JET_bitRecoveryWithoutUndo | JET_bitTruncateLogsAfterRecovery)

static JET_ERR init_progress(void *context, lggen_t first, lggen_t done, lggen_t last) {
    const struct api_status *status = context;
    uint64_t percent = (uint64_t)(done - first + 1) * 99 / (last - first + 1);
    percent = percent > 99 ? 99 : percent;
    return percent > status->done ? api_status_call(context, JET_sntProgress, (uint32_t)percent, 100) : JET_errSuccess;
}

/* Recovers and starts. status->fn may be NULL. */
static JET_ERR start(struct api_inst *inst, const struct inst_config *config, const struct event_sink *events,
                     const struct recovery_options *options, struct api_status *status) {
    JET_ERR ignored, err = status->fn ? api_status_call(status, JET_sntBegin, 0, 100) : JET_errSuccess;
    if (err >= JET_errSuccess)
        err = inst_start(config, events, options, &inst->inst);
    if (status->fn) {
        ignored = err < JET_errSuccess ? api_status_call(status, JET_sntFail, status->done, 100)
                                       : api_status_call(status, JET_sntComplete, 100, 100);
        (void)ignored;
    }
    return err;
}

/* Before the first log file that was created after the time, if that comes before *stop. */
static JET_ERR stop_at_time(const struct inst_config *config, const JET_LOGTIME *time, lgpos_t *stop) {
    JET_ERR err = JET_errSuccess;
    const int64_t when = clock_logtime_ms(time);
    lggen_t gen = 0;

    if (when)
        CALL(log_dir_first_after(&config->log_dir, 1, LOG_GEN_MAX, when, &gen));
    if (gen && (!*stop || lgpos_make(gen, 0) < *stop))
        *stop = lgpos_make(gen, 0);
cleanup:
    return err;
}

JET_ERR JetInit3(JET_INSTANCE *pinstance, JET_RSTINFO *prstInfo, JET_GRBIT grbit) {
    static JET_RSTINFO nothing = {.cbStruct = sizeof nothing};
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    struct inst_config *config = NULL;
    struct event_sink events = {0};
    struct path_map *map = NULL;

    const JET_RSTINFO *info = prstInfo ? prstInfo : &nothing;
    if (grbit & ~(JET_GRBIT)INIT_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    CALL(api_check_rstinfo(info));
    CALL(api_map(info->rgrstmap, info->crstmap, &map));
    CALL(begin_init(pinstance ? *pinstance : 0, &inst));
    if (atomic_load(&inst->running))
        FAIL(JET_errAlreadyInitialized);
    config = calloc(1, sizeof *config);
    if (!config)
        FAIL(JET_errOutOfMemory);
    api_get_config(inst, config, &events);
    struct api_status status = {.fn = info->pfnStatus, .snp = JET_snpRestore, .inst = inst};
    struct recovery_options options = {
        .map = map,
        .map_count = (unsigned)info->crstmap,
        .map_only = info->crstmap > 0 && !(grbit & JET_bitReplayMissingMapEntryDB),
        .stop = lgpos_from_jet(&info->lgposStop),
        .no_undo = grbit & JET_bitRecoveryWithoutUndo,
        .ignore_missing_dbs = grbit & JET_bitReplayIgnoreMissingDB,
        .ignore_lost_logs = grbit & JET_bitReplayIgnoreLostLogs,
        .truncate = grbit & JET_bitTruncateLogsAfterRecovery,
        .progress = status.fn ? init_progress : NULL,
        .context = &status,
    };
    CALL(path_map_read(map, options.map_count));
    CALL(stop_at_time(config, &info->logtimeStop, &options.stop));
    if (options.no_undo || options.stop || (grbit & JET_bitLogStreamMustExist))
        CALL(check_log_exists(config));
    CALL(start(inst, config, &events, &options, &status));
    atomic_store(&inst->running, true);
    if (pinstance)
        *pinstance = inst->handle;
cleanup:
    if (inst && inst->only && !atomic_load(&inst->running))
        free_instance(inst);
    else if (inst)
        api_end_exclusive(inst);
    free(config);
    free(map);
    return err;
}

JET_ERR JetInit2(JET_INSTANCE *pinstance, JET_GRBIT grbit) {
    return JetInit3(pinstance, NULL, grbit);
}

JET_ERR JetInit(JET_INSTANCE *pinstance) {
    return JetInit3(pinstance, NULL, 0);
}

/* ---- termination ---- */

static bool in_transaction(struct api_inst *inst) {
    bool found = false;
    os_mutex_lock(&inst->mutex);
    for (struct api_session *s = inst->sessions; s && !found; s = s->next)
        found = atomic_load_explicit(&s->level, memory_order_relaxed) > 0;
    os_mutex_unlock(&inst->mutex);
    return found;
}

static void wait_a_moment(void) {
    struct os_mutex mutex;
    struct os_cond never;

    os_mutex_init(&mutex, OS_RANK_LEAF);
    os_cond_init(&never);
    os_mutex_lock(&mutex);
    os_cond_wait_ms(&never, &mutex, 1);
    os_mutex_unlock(&mutex);
    os_cond_done(&never);
    os_mutex_done(&mutex);
}

/* Nobody enters any more; those who are in finish. */
static void wait_for_calls(struct api_inst *inst) {
    while (atomic_load(&inst->calls) > 0)
        wait_a_moment();
}

/* What is claimed stays; what is not may be gone as soon as the list is unlocked. 0: there is none. */
static JET_SESID first_session(struct api_inst *inst) {
    os_mutex_lock(&inst->mutex);
    JET_SESID sesid = inst->sessions ? inst->sessions->handle : 0;
    os_mutex_unlock(&inst->mutex);
    return sesid;
}

/* Each when its call is over. It may have been JetEndSession, or JetDupSession. */
static JET_ERR end_sessions(struct api_inst *inst) {
    JET_ERR err = JET_errSuccess;
    for (JET_SESID sesid; (sesid = first_session(inst)) != 0;) {
        bool busy;
        struct api_session *session = handle_try_claim(HANDLE_SESSION, sesid, &busy);
        if (session) {
            handle_keep(sesid);
            CALL_KEEP_FIRST(api_session_close(session));
        } else {
            wait_a_moment();
        }
    }
    wait_for_calls(inst); /* those that were about to leave the list when it was empty */
    return err;
}

static JET_ERR stop_running(struct api_inst *inst, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;

    if (api_in_status_call(inst)) /* of a backup, as it runs */
        return RAISE(JET_errBackupInProgress);
    if ((grbit & JET_bitTermComplete) && in_transaction(inst))
        return RAISE(JET_errTooManyActiveUsers);
    err = backup_refuse(inst->inst, grbit & JET_bitTermStopBackup);
    if (err < JET_errSuccess)
        return err;
    atomic_store(&inst->terminating, true);
    backup_wait(inst->inst);
    wait_for_calls(inst);
    CALL_KEEP_FIRST(end_sessions(inst));
    atomic_store(&inst->running, false);
    if (grbit & JET_bitTermDirty)
        inst_abandon(inst->inst);
    else
        CALL_KEEP_FIRST(inst_stop(inst->inst));
    inst->inst = NULL;
    return err;
}

JET_ERR JetTerm2(JET_INSTANCE instance, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    const JET_GRBIT kind = grbit & ~(JET_GRBIT)JET_bitTermStopBackup;

    if (kind != 0 && kind != JET_bitTermComplete && kind != JET_bitTermAbrupt && kind != JET_bitTermDirty)
        return RAISE(JET_errInvalidGrbit);
    CALL(api_begin_exclusive(instance, BUSY_TERM, &inst));
    if (atomic_load(&inst->running)) {
        err = stop_running(inst, kind == 0 ? grbit | JET_bitTermComplete : grbit);
        if (atomic_load(&inst->running)) {
            api_end_exclusive(inst);
            return err;
        }
    }
    free_instance(inst);
cleanup:
    return err;
}

JET_ERR JetTerm(JET_INSTANCE instance) {
    return JetTerm2(instance, JET_bitTermAbrupt);
}

JET_ERR JetStopServiceInstance(JET_INSTANCE instance) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;

    err = api_enter_instance(instance, ENTER_ENDING, &inst);
    if (err < JET_errSuccess)
        return err;
    atomic_store(&inst->stopped, true);
    os_mutex_lock(&inst->inst->mutex);
    err = checkpoint_update(inst->inst, UINT64_MAX);
    os_mutex_unlock(&inst->inst->mutex);
    api_leave_instance(inst);
    return err;
}

JET_ERR JetStopService(void) {
    JET_ERR err = api_need_one_instance();
    return err < JET_errSuccess ? err : JetStopServiceInstance(0);
}

JET_ERR JetGetVersion(JET_SESID sesid, uint32_t *pwVersion) {
    if (!pwVersion)
        return RAISE(JET_errInvalidParameter);
    struct api_session *session;
    JET_ERR err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    *pwVersion = VERSION_BUILD << 8;
    api_leave_session(session);
    return JET_errSuccess;
}

/* ---- parameters ---- */

/* Whose parameters are meant; NULL: the engine's. Instances are freed with the engine locked, as it is here. */
static JET_ERR param_owner(JET_INSTANCE instance, JET_SESID sesid, struct api_inst **out) {
    *out = engine_only();
    if (sesid != 0 && sesid != JET_sesidNil && !handle_find(HANDLE_SESSION, sesid, &instance))
        return RAISE(JET_errInvalidSesid);
    if (api_is_nil(instance))
        return JET_errSuccess;
    *out = handle_find(HANDLE_INSTANCE, instance, NULL);
    return *out ? JET_errSuccess : RAISE(JET_errInvalidInstance);
}

static bool occupied(struct api_inst *inst) {
    return atomic_load(&inst->running) || atomic_load(&inst->busy) != BUSY_NOT;
}

JET_ERR JetSetSystemParameter(JET_INSTANCE *pinstance, JET_SESID sesid, uint32_t paramid, JET_API_PTR lParam,
                              JET_PCSTR szParam) {
    struct api_inst *inst;
    engine_params();
    engine_lock();
    JET_ERR err = param_owner(pinstance ? *pinstance : 0, sesid, &inst);
    if (err >= JET_errSuccess) {
        bool runs = inst && occupied(inst);
        unsigned running = (runs ? PARAMS_INSTANCE_RUNS : 0) | (engine_running() ? PARAMS_ENGINE_RUNS : 0);
        err = params_set(inst ? &inst->params : engine_params(), running, paramid, lParam, szParam);
    }
    engine_unlock();
    return err;
}

JET_ERR JetGetSystemParameter(JET_INSTANCE instance, JET_SESID sesid, uint32_t paramid, JET_API_PTR *plParam,
                              JET_PSTR szParam, uint32_t cbMax) {
    struct api_inst *inst;
    engine_params();
    engine_lock();
    JET_ERR err = param_owner(instance, sesid, &inst);
    if (err >= JET_errSuccess)
        err = params_get(inst ? &inst->params : engine_params(), paramid, plParam, szParam, cbMax);
    engine_unlock();
    return err;
}

JET_ERR JetSetEventCallback(JET_INSTANCE instance, JET_PFNEVENT pfnEvent, void *pvContext) {
    struct api_inst *inst;
    engine_params();
    engine_lock();
    JET_ERR err = param_owner(instance, 0, &inst);
    if (err >= JET_errSuccess && inst && occupied(inst))
        err = RAISE(JET_errAlreadyInitialized);
    if (err >= JET_errSuccess) {
        struct params *p = inst ? &inst->params : engine_params();
        p->event_fn = pfnEvent;
        p->event_context = pvContext;
    }
    engine_unlock();
    return err;
}
