/* Restore, and what a caller says about databases that have been moved. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handles.h"
#include "backup/backup.h"
#include "base/clock.h"

#define EXTERNAL_MAP_MAX 14

/* ---- maps ---- */

static JET_ERR set_entry(struct path_map *map, unsigned i, const JET_RSTMAP *given) {
    JET_ERR err = JET_errSuccess;

    if (!given->szNewDatabaseName || !*given->szNewDatabaseName)
        FAIL(JET_errDatabaseInvalidName);
    CALL(api_path(given->szNewDatabaseName, map[i].to));
    CALL(api_path(given->szDatabaseName, map[i].from));
    for (unsigned k = 0; k < i; k++)
        if (strcmp(map[k].to, map[i].to) == 0 || (*map[i].from && strcmp(map[k].from, map[i].from) == 0))
            FAIL(JET_errInvalidParameter);
cleanup:
    return err;
}

JET_ERR api_map(const JET_RSTMAP *given, int32_t count, struct path_map **out) {
    JET_ERR err = JET_errSuccess;
    struct path_map *map = NULL;

    *out = NULL;
    if (count < 0 || (count > 0 && !given))
        FAIL(JET_errInvalidParameter);
    if (count == 0)
        goto cleanup;
    map = calloc((size_t)count, sizeof *map);
    if (!map)
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < (unsigned)count; i++)
        CALL(set_entry(map, i, &given[i]));
    *out = map;
    map = NULL;
cleanup:
    free(map);
    return err;
}

JET_ERR api_check_rstinfo(const JET_RSTINFO *info) {
    static const JET_LOGTIME no_time;
    const JET_LGPOS *stop = &info->lgposStop;
    bool timed = memcmp(&info->logtimeStop, &no_time, sizeof no_time) != 0;
    if (info->cbStruct != sizeof *info || (timed && clock_logtime_ms(&info->logtimeStop) == 0) ||
        stop->lGeneration < 0 || (uint32_t)stop->lGeneration > LOG_GEN_MAX ||
        (stop->lGeneration == 0 && (stop->isec || stop->ib)))
        return RAISE(JET_errInvalidParameter);
    return JET_errSuccess;
}

/* ---- JetRestoreInstance and its kin ---- */

static JET_ERR restore_with(const struct inst_config *config, const struct event_sink *events, const char *set,
                            const char *dest, const JET_RSTINFO *info) {
    JET_ERR err = JET_errSuccess;
    struct path_map *map = NULL;
    struct api_status status = {.fn = info->pfnStatus, .snp = JET_snpRestore};

    CALL(api_check_rstinfo(info));
    if (info->lgposStop.isec || info->lgposStop.ib) /* a log goes on only from the end of a generation */
        FAIL(JET_errInvalidParameter);
    CALL(api_map(info->rgrstmap, info->crstmap, &map));
    for (int32_t i = 0; i < info->crstmap; i++)
        if (!*map[i].from)
            FAIL(JET_errDatabaseInvalidName);
    struct restore_options options = {
        .set = set,
        .dest = *dest ? dest : NULL,
        .map = map,
        .map_count = (unsigned)info->crstmap,
        .until = (lggen_t)info->lgposStop.lGeneration,
        .until_time = clock_logtime_ms(&info->logtimeStop),
        .status = info->pfnStatus ? api_status_call : NULL,
        .context = &status,
    };
    CALL(restore_run(config, events, &options));
cleanup:
    free(map);
    return err;
}

JET_ERR JetRestoreInstance2(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest, const JET_RSTINFO *prstinfo,
                            JET_GRBIT grbit) {
    static const JET_RSTINFO nothing = {.cbStruct = sizeof nothing};
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    struct inst_config *config = NULL;
    struct event_sink events = {0};
    char set[OS_PATH_MAX], dest[OS_PATH_MAX];

    if (!sz || !*sz)
        return RAISE(JET_errInvalidPath);
    if (grbit)
        return RAISE(JET_errInvalidGrbit);
    CALL(api_path(sz, set));
    CALL(api_path(szDest, dest));
    CALL(api_begin_exclusive(instance, BUSY_RESTORE, &inst));
    if (atomic_load(&inst->running))
        FAIL(JET_errAfterInitialization);
    config = calloc(1, sizeof *config);
    if (!config)
        FAIL(JET_errOutOfMemory);
    api_get_config(inst, config, &events);
    CALL(restore_with(config, &events, set, dest, prstinfo ? prstinfo : &nothing));
cleanup:
    if (inst)
        api_end_exclusive(inst);
    free(config);
    return err;
}

JET_ERR JetRestoreInstance(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn) {
    const JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = pfn};
    return JetRestoreInstance2(instance, sz, szDest, &info, 0);
}

/* An instance for the length of a call, with the engine's parameters and its callback for events. */
struct temporary {
    struct inst_config config;
    struct event_sink events;
    JET_PFNEVENT event_fn;
    void *event_context;
};

static void call_event(void *context, int id, enum event_severity severity, const char *text) {
    const struct temporary *t = context;
    const JET_EVENTINFO info = {
        .cbStruct = sizeof info,
        .idEvent = (uint32_t)id,
        .severity = severity,
        .szInstanceName = t->config.name,
        .szText = text,
    };
    t->event_fn(&info, t->event_context);
}

static struct temporary *temporary_new(void) {
    const struct params *params = engine_params();
    struct temporary *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    engine_lock();
    params_config(params, &t->config, &t->events);
    t->event_fn = params->event_fn;
    t->event_context = params->event_context;
    engine_unlock();
    snprintf(t->config.name, sizeof t->config.name, "Restore");
    snprintf(t->events.instance, sizeof t->events.instance, "Restore");
    t->events.fn = t->event_fn ? call_event : NULL;
    t->events.context = t;
    return t;
}

/* JetRestore has no instance: it wants an engine without any. */
static JET_ERR check_no_instance(void) {
    if (event_in_callback())
        return RAISE(JET_errInvalidOperation);
    engine_params();
    engine_lock();
    JET_ERR err = engine_only()        ? JET_errAfterInitialization
                  : engine_instances() ? JET_errRunningInMultiInstanceMode
                                       : JET_errSuccess;
    engine_unlock();
    return err < JET_errSuccess ? RAISE(err) : err;
}

static JET_ERR check_not_single(void) {
    if (event_in_callback())
        return RAISE(JET_errInvalidOperation);
    engine_params();
    engine_lock();
    bool single = engine_only() != NULL;
    engine_unlock();
    return single ? RAISE(JET_errRunningInOneInstanceMode) : JET_errSuccess;
}

JET_ERR JetRestore2(JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn) {
    JET_ERR err = JET_errSuccess;
    struct temporary *t = NULL;
    char set[OS_PATH_MAX], dest[OS_PATH_MAX], path[OS_PATH_MAX];
    const JET_RSTINFO info = {.cbStruct = sizeof info, .pfnStatus = pfn};

    if (!sz || !*sz)
        return RAISE(JET_errInvalidPath);
    CALL(api_path(sz, set));
    CALL(api_path(szDest, dest));
    CALL(check_no_instance());
    t = temporary_new();
    if (!t)
        FAIL(JET_errOutOfMemory);
    CALL(os_path_absolute(path, *t->config.log_dir.path ? t->config.log_dir.path : "."));
    memcpy(t->config.log_dir.path, path, sizeof t->config.log_dir.path);
    CALL(os_path_absolute(path, *t->config.system_path ? t->config.system_path : "."));
    memcpy(t->config.system_path, path, sizeof t->config.system_path);
    CALL(restore_with(&t->config, &t->events, set, dest, &info));
cleanup:
    free(t);
    return err;
}

JET_ERR JetRestore(JET_PCSTR sz, JET_PFNSTATUS pfn) {
    return JetRestore2(sz, NULL, pfn);
}

/* ---- JetExternalRestore ---- */

struct external {
    const char *checkpoint, *log, *backup_log, *base;
    const char *target_name, *target_log, *target_checkpoint;
    const JET_RSTMAP *map;
    int32_t map_count;
    lggen_t low, high;
    JET_PFNSTATUS pfn;
};

static JET_ERR check_directory(const char *given, char out[OS_PATH_MAX], bool may_be_made) {
    JET_ERR err = JET_errSuccess;
    struct os_stat st;

    if (!given)
        FAIL(JET_errInvalidParameter);
    if (!*given)
        FAIL(JET_errInvalidPath);
    CALL(api_path(given, out));
    CALL(os_stat(out, &st));
    if (st.kind != OS_DIRECTORY && !(st.kind == OS_MISSING && may_be_made))
        FAIL(JET_errInvalidPath);
cleanup:
    return err;
}

/* By name or by the directory of its log; 0: none that runs. */
static JET_INSTANCE find_running(const struct external *x) {
    JET_INSTANCE found = 0;
    char wanted[OS_PATH_MAX], log[OS_PATH_MAX];

    if (x->target_log && api_path(x->target_log, wanted) < JET_errSuccess)
        return 0;
    engine_lock();
    for (struct api_inst *i = engine_instances(); i && !found; i = i->next) {
        const bool is = x->target_name ? i->named && strcmp(i->name, x->target_name) == 0
                                       : api_path(params_str(&i->params, JET_paramLogFilePath), log) >= 0 &&
                                             strcmp(log, wanted) == 0;
        if (is && atomic_load(&i->running))
            found = i->handle;
    }
    engine_unlock();
    return found;
}

/* Rolls its log, so that all of it up to now is in closed files. Circular logging: *out stays as it is, for its files
 * cannot be counted on. */
static JET_ERR ask_target(const struct external *x, JET_INSTANCE handle, struct restore_target *out) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *target;
    const struct inst_config *config;
    lggen_t current;

    err = api_enter_instance(handle, 0, &target);
    if (err < JET_errSuccess)
        return err;
    config = &target->inst->config;
    if (strcmp(config->log_dir.base, x->base) != 0)
        FAIL(JET_errBadRestoreTargetInstance);
    if (config->circular)
        goto cleanup;
    CALL(log_roll(target->inst->log, &current));
    out->log_dir = config->log_dir;
    out->signature = log_signature(target->inst->log);
    out->high = current - 1;
cleanup:
    api_leave_instance(target);
    return err;
}

/* A target that does not run has its databases restored in its own directories. */
static JET_ERR choose_target(struct external *x, struct restore_target *out) {
    if (!x->target_name && !x->target_log)
        return JET_errSuccess;
    const JET_INSTANCE running = find_running(x);
    if (running)
        return ask_target(x, running, out);
    if (!x->target_log)
        return RAISE(JET_errBadRestoreTargetInstance);
    x->log = x->target_log;
    x->checkpoint = x->target_checkpoint;
    return JET_errSuccess;
}

static JET_ERR external_restore(struct external *x) {
    JET_ERR err = JET_errSuccess;
    struct restore_target target = {0};
    struct temporary *t = temporary_new();
    struct path_map *map = NULL;
    struct api_status status = {.fn = x->pfn, .snp = JET_snpRestore};
    char set[OS_PATH_MAX];

    if (!t)
        FAIL(JET_errOutOfMemory);
    CALL(check_not_single());
    if (x->map_count < 1 || x->map_count > EXTERNAL_MAP_MAX || x->low > LOG_GEN_MAX || x->high > LOG_GEN_MAX ||
        (x->high && x->low > x->high))
        FAIL(JET_errInvalidParameter);
    CALL(choose_target(x, &target));
    CALL(check_directory(x->checkpoint, t->config.system_path, t->config.create_paths));
    CALL(check_directory(x->log, t->config.log_dir.path, t->config.create_paths));
    CALL(check_directory(x->backup_log, set, false));
    snprintf(t->config.log_dir.base, sizeof t->config.log_dir.base, "%s", x->base);
    CALL(api_map(x->map, x->map_count, &map));
    struct restore_options options = {
        .set = set,
        .map = map,
        .map_count = (unsigned)x->map_count,
        .external = true,
        .low = x->low,
        .high = x->high,
        .target = target.high ? &target : NULL,
        .status = x->pfn ? api_status_call : NULL,
        .context = &status,
    };
    CALL(restore_run(&t->config, &t->events, &options));
    if (target.high)
        err = JET_wrnTargetInstanceRunning;
cleanup:
    free(map);
    free(t);
    return err;
}

JET_ERR JetExternalRestore(JET_PSTR szCheckpointFilePath, JET_PSTR szLogPath, JET_RSTMAP *rgrstmap, int32_t crstfilemap,
                           JET_PSTR szBackupLogPath, int32_t genLow, int32_t genHigh, JET_PFNSTATUS pfn) {
    struct external x = {
        .checkpoint = szCheckpointFilePath,
        .log = szLogPath,
        .backup_log = szBackupLogPath,
        .base = "edb",
        .map = rgrstmap,
        .map_count = crstfilemap,
        .low = (lggen_t)genLow,
        .high = (lggen_t)genHigh,
        .pfn = pfn,
    };
    return external_restore(&x);
}

JET_ERR JetExternalRestore2(JET_PSTR szCheckpointFilePath, JET_PSTR szLogPath, JET_RSTMAP *rgrstmap,
                            int32_t crstfilemap, JET_PSTR szBackupLogPath, JET_LOGINFO *pLogInfo,
                            JET_PSTR szTargetInstanceName, JET_PSTR szTargetInstanceLogPath,
                            JET_PSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn) {
    if (!pLogInfo || pLogInfo->cbSize != sizeof *pLogInfo ||
        strnlen(pLogInfo->szBaseName, sizeof pLogInfo->szBaseName) != JET_BASE_NAME_LENGTH ||
        memchr(pLogInfo->szBaseName, '/', JET_BASE_NAME_LENGTH) ||
        !szTargetInstanceLogPath != !szTargetInstanceCheckpointPath ||
        (szTargetInstanceName && szTargetInstanceLogPath))
        return RAISE(JET_errInvalidParameter);
    struct external x = {
        .checkpoint = szCheckpointFilePath,
        .log = szLogPath,
        .backup_log = szBackupLogPath,
        .base = pLogInfo->szBaseName,
        .target_name = szTargetInstanceName,
        .target_log = szTargetInstanceLogPath,
        .target_checkpoint = szTargetInstanceCheckpointPath,
        .map = rgrstmap,
        .map_count = crstfilemap,
        .low = pLogInfo->ulGenLow,
        .high = pLogInfo->ulGenHigh,
        .pfn = pfn,
    };
    return external_restore(&x);
}
