/* The table of parameters and the values in it. IDs, ranges, defaults and scopes are ESE's; what is not in the table is
 * JET_errInvalidParameter. A parameter whose effect is not offered has the range of its one value that asks for
 * nothing. */
#define _GNU_SOURCE
#include "api/params.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define INT_MAX_ 2147483647u
#define ANY UINT64_MAX

#define NUMBER(name, type, scope, when, use, min, max, value)                                                          \
    { JET_param##name, #name, PARAM_##type, PARAM_##scope, PARAM_##when, PARAM_##use, min, max, value, NULL }
#define TEXT(name, type, scope, use, min, max, value)                                                                  \
    { JET_param##name, #name, PARAM_##type, PARAM_##scope, PARAM_BEFORE_INIT, PARAM_##use, min, max, 0, value }
#define COMPUTED(name)                                                                                                 \
    { JET_param##name, #name, PARAM_COMPUTED, PARAM_GLOBAL, PARAM_NEVER, PARAM_USED, 0, 0, 0, NULL }

const struct param_def param_defs[PARAM_COUNT] = {
    TEXT(SystemPath, FOLDER, INSTANCE, USED, 0, 246, "./"),
    TEXT(TempPath, PATH, INSTANCE, STORED, 0, 247, "tmp.edb"),
    TEXT(LogFilePath, FOLDER, INSTANCE, USED, 0, 246, "./"),
    TEXT(BaseName, STRING, INSTANCE, USED, 3, 3, "edb"),
    TEXT(EventSource, STRING, INSTANCE, USED, 0, 259, ""),
    NUMBER(MaxSessions, INTEGER, INSTANCE, BEFORE_INIT, USED, 0, 30000, 16),
    NUMBER(MaxOpenTables, INTEGER, INSTANCE, BEFORE_INIT, USED, 0, INT_MAX_, 300),
    NUMBER(PreferredMaxOpenTables, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 0),
    NUMBER(MaxCursors, INTEGER, INSTANCE, BEFORE_INIT, USED, 0, INT_MAX_, 1024),
    NUMBER(MaxVerPages, INTEGER, INSTANCE, BEFORE_INIT, USED, 1, INT_MAX_, 64),
    NUMBER(MaxTemporaryTables, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 20),
    NUMBER(LogFileSize, INTEGER, INSTANCE, BEFORE_INIT, USED, 64, 32768, 5120),
    NUMBER(LogBuffers, INTEGER, INSTANCE, BEFORE_INIT, STORED, 1, INT_MAX_, 126),
    NUMBER(WaitLogFlush, INTEGER, INSTANCE, ANY_TIME, STORED, 0, INT_MAX_, 0),
    NUMBER(LogCheckpointPeriod, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 1024),
    NUMBER(LogWaitingUserMax, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 3),
    NUMBER(CommitDefault, GRBIT, INSTANCE, ANY_TIME, USED, 0, JET_bitCommitLazyFlush, 0),
    NUMBER(CircularLog, BOOLEAN, INSTANCE, BEFORE_INIT, USED, 0, ANY, 0),
    NUMBER(DbExtensionSize, INTEGER, INSTANCE, ANY_TIME, USED, 1, INT_MAX_, 256),
    NUMBER(PageTempDBMin, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 0),
    NUMBER(PageFragment, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, INT_MAX_, 8),
    NUMBER(CacheSizeMax, INTEGER, GLOBAL, ANY_TIME, USED, 1, ANY, 2000000000),
    NUMBER(CheckpointDepthMax, INTEGER, INSTANCE, ANY_TIME, USED, 0, ANY, 20971520),
    NUMBER(OutstandingIOMax, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, 65536, 1024),
    NUMBER(StartFlushThreshold, INTEGER, GLOBAL, ANY_TIME, STORED, 0, ANY, 20000000),
    NUMBER(StopFlushThreshold, INTEGER, GLOBAL, ANY_TIME, STORED, 0, ANY, 40000000),
    TEXT(Recovery, STRING, INSTANCE, USED, 0, 259, "on"),
    NUMBER(EnableOnlineDefrag, GRBIT, INSTANCE, ANY_TIME, STORED, 0, JET_OnlineDefragAll, JET_OnlineDefragAll),
    NUMBER(CheckFormatWhenOpenFail, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 1),
    NUMBER(EnableIndexChecking, INTEGER, INSTANCE, ANY_TIME, STORED, 0, JET_IndexCheckingMax - 1, JET_IndexCheckingOn),
    NUMBER(EnableTempTableVersioning, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 1),
    NUMBER(IgnoreLogVersion, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, 0, 0),
    NUMBER(DeleteOldLogs, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 0),
    TEXT(EventSourceKey, STRING, INSTANCE, STORED, 0, 259, ""),
    NUMBER(NoInformationEvent, BOOLEAN, INSTANCE, BEFORE_INIT, USED, 0, ANY, 0),
    NUMBER(EventLoggingLevel, INTEGER, INSTANCE, BEFORE_INIT, USED, JET_EventLoggingDisable, JET_EventLoggingLevelMax,
           JET_EventLoggingLevelMax),
    NUMBER(DeleteOutOfRangeLogs, BOOLEAN, INSTANCE, BEFORE_INIT, USED, 0, ANY, 0),
    NUMBER(AccessDeniedRetryPeriod, INTEGER, GLOBAL, ANY_TIME, STORED, 0, ANY, 10000),
    NUMBER(EnableIndexCleanup, BOOLEAN, INSTANCE, ANY_TIME, STORED, 0, ANY, 1),
    NUMBER(CacheSizeMin, INTEGER, GLOBAL, ANY_TIME, STORED, 1, ANY, 1),
    NUMBER(PreferredVerPages, INTEGER, INSTANCE, ANY_TIME, STORED, 1, INT_MAX_, 58),
    NUMBER(DatabasePageSize, POWER_OF_TWO, GLOBAL, BEFORE_INIT, USED, PAGE_SIZE_MIN, PAGE_SIZE_MAX, JET_cbPage),
    NUMBER(DisableCallbacks, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 0),
    NUMBER(BackupChunkSize, INTEGER, INSTANCE, BEFORE_INIT, STORED, 1, INT_MAX_, 16),
    NUMBER(BackupOutstandingReads, INTEGER, INSTANCE, BEFORE_INIT, STORED, 1, INT_MAX_, 8),
    NUMBER(LogFileCreateAsynch, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 1),
    COMPUTED(ErrorToString),
    NUMBER(ZeroDatabaseDuringBackup, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, 0, 0),
    NUMBER(CleanupMismatchedLogFiles, BOOLEAN, INSTANCE, BEFORE_INIT, USED, 0, ANY, 0),
    NUMBER(RecordUpgradeDirtyLevel, INTEGER, GLOBAL, ANY_TIME, STORED, 0, 3, 1),
    NUMBER(GlobalMinVerPages, INTEGER, GLOBAL, BEFORE_INIT, STORED, 1, INT_MAX_, 64),
    NUMBER(ExceptionAction, INTEGER, GLOBAL, ANY_TIME, STORED, 0, ANY, JET_ExceptionFailFast),
    NUMBER(EventLogCache, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, INT_MAX_, 0),
    NUMBER(CreatePathIfNotExist, BOOLEAN, INSTANCE, ANY_TIME, USED, 0, ANY, 0),
    NUMBER(PageHintCacheSize, INTEGER, GLOBAL, ANY_TIME, STORED, 0, INT_MAX_, 262144),
    NUMBER(OneDatabasePerSession, BOOLEAN, INSTANCE, BEFORE_INIT, USED, 0, ANY, 0),
    NUMBER(MaxInstances, INTEGER, GLOBAL, BEFORE_INIT, USED, 1, 1024, 16),
    NUMBER(VersionStoreTaskQueueMax, INTEGER, INSTANCE, ANY_TIME, STORED, 1, 127, 4),
    NUMBER(DisablePerfmon, BOOLEAN, GLOBAL, BEFORE_INIT, STORED, 0, ANY, 0),
    TEXT(AlternateDatabaseRecoveryPath, FOLDER, INSTANCE, USED, 0, 246, ""),
    NUMBER(CachedClosedTables, INTEGER, INSTANCE, ANY_TIME, STORED, 0, INT_MAX_, 64),
    NUMBER(EnableFileCache, BOOLEAN, GLOBAL, BEFORE_INIT, STORED, 0, ANY, 0),
    NUMBER(EnableViewCache, BOOLEAN, GLOBAL, BEFORE_INIT, STORED, 0, ANY, 0),
    NUMBER(VerPageSize, POWER_OF_TWO, GLOBAL, BEFORE_INIT, USED, 1024, 65536, 32768),
    COMPUTED(MaxColtyp),
    COMPUTED(KeyMost),
    NUMBER(CheckpointIOMax, INTEGER, GLOBAL, ANY_TIME, STORED, 8, 1024, 96),
    NUMBER(LegacyFileNames, GRBIT, INSTANCE, BEFORE_INIT, STORED, JET_bitESE98FileNames, JET_bitESE98FileNames,
           JET_bitESE98FileNames),
    NUMBER(IOPriority, GRBIT, INSTANCE, ANY_TIME, STORED, JET_IOPriorityNormal, JET_IOPriorityLow,
           JET_IOPriorityNormal),
    NUMBER(WaypointLatency, INTEGER, INSTANCE, BEFORE_INIT, STORED, 0, 0, 0),
    NUMBER(DisableBlockVerification, BOOLEAN, GLOBAL, BEFORE_INIT, STORED, 0, 0, 0),
    NUMBER(AggressiveLogRollover, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, 0, 0),
    NUMBER(DefragmentSequentialBTrees, BOOLEAN, INSTANCE, BEFORE_INIT, STORED, 0, ANY, 1),
    COMPUTED(LVChunkSizeMost),
    NUMBER(MaxCoalesceReadSize, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, 1073741824, 262144),
    NUMBER(MaxCoalesceWriteSize, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, 1073741824, 393216),
    NUMBER(MaxCoalesceReadGapSize, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, 1073741824, 262144),
    NUMBER(MaxCoalesceWriteGapSize, INTEGER, GLOBAL, BEFORE_INIT, STORED, 0, 1073741824, 393216),
    TEXT(ProcessFriendlyName, STRING, GLOBAL, STORED, 0, JET_cbNameMost, ""),
};

const struct param_def *param_find(unsigned id) {
    for (size_t i = 0; i < PARAM_COUNT; i++)
        if (param_defs[i].id == id)
            return &param_defs[i];
    return NULL;
}

static size_t index_of(const struct param_def *def) {
    return (size_t)(def - param_defs);
}

/* Strings stand in the order of their definitions. */
static size_t string_index(const struct param_def *def) {
    size_t count = 0;
    for (const struct param_def *d = param_defs; d < def; d++)
        count += d->default_text != NULL;
    return count;
}

static const struct params *owner(const struct params *p, const struct param_def *def) {
    return def->scope == PARAM_GLOBAL && p->global ? p->global : p;
}

static bool is_path(const struct param_def *def) {
    return def->type == PARAM_FOLDER || def->type == PARAM_PATH;
}

/* Makes a path absolute; a folder gets its '/' at the end, another path keeps the one it has. "" stays "". */
static JET_ERR complete_path(const struct param_def *def, const char *path, char out[OS_PATH_MAX]) {
    JET_ERR err = JET_errSuccess;
    size_t length = strlen(path), n;
    if (length == 0) {
        out[0] = '\0';
        return JET_errSuccess;
    }
    CALL(os_path_absolute(out, path));
    n = strlen(out);
    if (out[n - 1] != '/' && (def->type == PARAM_FOLDER || path[length - 1] == '/')) {
        if (n + 1 >= OS_PATH_MAX)
            FAIL(JET_errInvalidPath);
        memcpy(out + n, "/", 2);
    }
cleanup:
    return err;
}

static void init_string(const struct param_def *def, char *to, const char *from) {
    char path[OS_PATH_MAX];
    /* What cannot be made absolute (the working directory is gone, or too long) stays relative. */
    if (is_path(def) && complete_path(def, from, path) == JET_errSuccess && strlen(path) < PARAM_STRING_BYTES)
        from = path;
    memcpy(to, from, strlen(from) + 1);
}

void params_init(struct params *p, struct params *global) {
    p->global = global;
    p->event_fn = global ? global->event_fn : NULL;
    p->event_context = global ? global->event_context : NULL;
    for (const struct param_def *def = param_defs; def < param_defs + PARAM_COUNT; def++) {
        size_t i = index_of(def);
        atomic_init(&p->numbers[i], global ? atomic_load(&global->numbers[i]) : def->default_number);
        if (!def->default_text)
            continue;
        size_t s = string_index(def);
        if (global)
            init_string(def, p->strings[s], global->strings[s]);
        else
            memcpy(p->strings[s], def->default_text, strlen(def->default_text) + 1);
    }
}

/* ---- setting ---- */

static bool is_power_of_two(uint64_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

static JET_ERR set_number(struct params *p, const struct param_def *def, uint64_t value) {
    if (def->type == PARAM_BOOLEAN)
        value = value != 0;
    if (value < def->min || value > def->max)
        return RAISE(JET_errInvalidParameter);
    if (def->type == PARAM_POWER_OF_TWO && !is_power_of_two(value))
        return RAISE(JET_errInvalidParameter);
    atomic_store(&p->numbers[index_of(def)], value);
    return JET_errSuccess;
}

/* UTF-16 units of UTF-8. What is no UTF-8 counts at least one for every three bytes too: units bound the bytes. */
static size_t utf16_units(const char *string) {
    size_t units = 0, trailing = 0;
    for (const unsigned char *s = (const unsigned char *)string; *s; s++) {
        bool continues = *s >= 0x80 && *s < 0xc0 && trailing > 0;
        if (continues) {
            trailing--;
            continue;
        }
        units += *s >= 0xf0 ? 2 : 1;
        trailing = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
    }
    return units;
}

/* The base name begins file names, whose rest is ASCII and matched without regard to case. */
static bool is_base_name(const char *s) {
    for (; *s; s++)
        if (!isascii((unsigned char)*s) || !(isalnum((unsigned char)*s) || strchr("_-$#~", *s)))
            return false;
    return true;
}

static bool is_acceptable(const struct param_def *def, const char *string) {
    if (def->id == JET_paramBaseName)
        return is_base_name(string);
    if (def->id == JET_paramRecovery)
        return strcasecmp(string, "on") == 0;
    return true;
}

static JET_ERR set_string(struct params *p, const struct param_def *def, const char *string) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    if (!string)
        FAIL(JET_errInvalidParameter);
    if (is_path(def)) {
        CALL(complete_path(def, *string ? string : def->default_text, path));
        string = path;
    }
    size_t units = utf16_units(string), bytes = strlen(string);
    if (units < def->min || units > def->max || bytes >= PARAM_STRING_BYTES || !is_acceptable(def, string))
        FAIL(JET_errInvalidParameter);
    memcpy(p->strings[string_index(def)], string, bytes + 1);
cleanup:
    return err;
}

JET_ERR params_set(struct params *p, unsigned running, unsigned id, JET_API_PTR value, const char *string) {
    const struct param_def *def = param_find(id);
    if (!def || def->when == PARAM_NEVER)
        return RAISE(JET_errInvalidParameter);
    if (def->scope == PARAM_GLOBAL && p->global)
        p = p->global;
    unsigned frozen_by = def->scope == PARAM_GLOBAL ? PARAMS_ENGINE_RUNS : PARAMS_INSTANCE_RUNS;
    if (def->when == PARAM_BEFORE_INIT && (running & frozen_by))
        return RAISE(JET_errAlreadyInitialized);
    return def->default_text ? set_string(p, def, string) : set_number(p, def, value);
}

/* ---- reading ---- */

static uint64_t computed(const struct params *p, unsigned id) {
    uint64_t page_size = params_int(p, JET_paramDatabasePageSize);
    switch (id) {
    case JET_paramMaxColtyp:
        return JET_coltypMax;
    case JET_paramKeyMost:
        return page_size < 8192 ? JET_cbKeyMost4KBytePage : JET_cbKeyMost8KBytePage;
    case JET_paramLVChunkSizeMost: /* large pages hold four chunks, 16 KiB ones too */
        return page_size == 4096 ? 4014 : page_size == 8192 ? 8110 : page_size == 16384 ? 4050 : 8150;
    default:
        assert(!"a number");
        return 0;
    }
}

uint64_t params_int(const struct params *p, unsigned id) {
    const struct param_def *def = param_find(id);
    assert(def && !def->default_text);
    if (def->type == PARAM_COMPUTED)
        return computed(p, id);
    return atomic_load_explicit(&owner(p, def)->numbers[index_of(def)], memory_order_relaxed);
}

const char *params_str(const struct params *p, unsigned id) {
    const struct param_def *def = param_find(id);
    assert(def && def->default_text);
    return owner(p, def)->strings[string_index(def)];
}

static JET_ERR get_string(const char *from, char *to, size_t bytes) {
    size_t n = strlen(from) + 1;
    if (!to || bytes == 0)
        return RAISE(JET_errInvalidParameter);
    if (n > bytes)
        return RAISE(JET_errBufferTooSmall);
    memcpy(to, from, n);
    return JET_errSuccess;
}

/* "JET_errSuccess,the operation succeeded" */
static JET_ERR error_to_string(const JET_API_PTR *value, char *string, size_t bytes) {
    char text[512];
    if (!value)
        return RAISE(JET_errInvalidParameter);
    JET_ERR number = (JET_ERR)*value;
    bool known = strncmp(err_name(number), "JET_", 4) == 0;
    snprintf(text, sizeof text, "%s,%s", known ? err_name(number) : "Unknown Error",
             known ? err_text(number) : "Unknown Error");
    return get_string(text, string, bytes);
}

JET_ERR params_get(const struct params *p, unsigned id, JET_API_PTR *value, char *string, size_t string_bytes) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    const struct param_def *def = param_find(id);
    if (!def)
        FAIL(JET_errInvalidParameter);
    if (id == JET_paramErrorToString)
        return error_to_string(value, string, string_bytes);
    if (def->default_text) {
        const char *from = params_str(p, id);
        if (is_path(def)) { /* the engine's default is relative until an instance takes it */
            CALL(complete_path(def, from, path));
            from = path;
        }
        return get_string(from, string, string_bytes);
    }
    if (!value)
        FAIL(JET_errInvalidParameter);
    *value = params_int(p, id);
cleanup:
    return err;
}

/* ---- what an instance starts with ---- */

/* The default of CacheSizeMax is more than any machine has: half of its memory is the limit. */
static uint64_t cache_bytes(uint64_t pages, uint32_t page_size) {
    long physical_pages = sysconf(_SC_PHYS_PAGES), physical_size = sysconf(_SC_PAGESIZE);
    uint64_t limit = physical_pages > 0 && physical_size > 0 ? (uint64_t)physical_pages / 2 * (uint64_t)physical_size
                                                             : UINT64_C(256) << 20;
    return pages > limit / page_size ? limit : pages * page_size;
}

static void copy_folder(char *to, size_t bytes, const char *folder) {
    size_t n = strlen(folder);
    snprintf(to, bytes, "%.*s", (int)(n > 1 && folder[n - 1] == '/' ? n - 1 : n), folder);
}

void params_config(const struct params *p, struct inst_config *config, struct event_sink *events) {
    copy_folder(config->log_dir.path, sizeof config->log_dir.path, params_str(p, JET_paramLogFilePath));
    snprintf(config->log_dir.base, sizeof config->log_dir.base, "%s", params_str(p, JET_paramBaseName));
    copy_folder(config->system_path, sizeof config->system_path, params_str(p, JET_paramSystemPath));
    config->page_size = (uint32_t)params_int(p, JET_paramDatabasePageSize);
    config->log_file_bytes = (uint32_t)params_int(p, JET_paramLogFileSize) * 1024;
    config->cache_bytes_max = cache_bytes(params_int(p, JET_paramCacheSizeMax), config->page_size);
    config->versions_bytes_max = params_int(p, JET_paramMaxVerPages) * params_int(p, JET_paramVerPageSize);
    config->extension_pages = (uint32_t)params_int(p, JET_paramDbExtensionSize);
    config->sessions_max = (uint32_t)params_int(p, JET_paramMaxSessions);
    config->cursors_max = (uint32_t)params_int(p, JET_paramMaxCursors);
    config->open_tables_max = (uint32_t)params_int(p, JET_paramMaxOpenTables);
    config->checkpoint_depth_bytes = params_int(p, JET_paramCheckpointDepthMax);
    config->circular = params_int(p, JET_paramCircularLog);
    config->create_paths = params_int(p, JET_paramCreatePathIfNotExist);
    copy_folder(config->alternate_path, sizeof config->alternate_path,
                params_str(p, JET_paramAlternateDatabaseRecoveryPath));
    config->delete_out_of_range = params_int(p, JET_paramDeleteOutOfRangeLogs);
    config->cleanup_mismatched = params_int(p, JET_paramCleanupMismatchedLogFiles);

    snprintf(events->source, sizeof events->source, "%s", params_str(p, JET_paramEventSource));
    events->no_information = params_int(p, JET_paramNoInformationEvent);
    events->level = (int)params_int(p, JET_paramEventLoggingLevel);
}
