/* Backup: of an instance to a directory, and file by file for a client that stores it itself. */
#include <stdlib.h>

#include "api/handles.h"
#include "backup/backup.h"
#include "backup/session.h"

/* A backup has errors of its own for an instance that is not there, or not ready yet. */
static JET_ERR enter(JET_INSTANCE instance, unsigned flags, struct api_inst **out) {
    JET_ERR err = api_enter_instance(instance, flags, out);
    return err == JET_errInitInProgress    ? RAISE(JET_errBackupNotAllowedYet)
           : err == JET_errInvalidInstance ? RAISE(JET_errInvalidParameter)
                                           : err;
}

JET_ERR JetBackupInstance(JET_INSTANCE instance, JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    char path[OS_PATH_MAX];

    if (grbit & ~(JET_GRBIT)(JET_bitBackupIncremental | JET_bitBackupAtomic | JET_bitBackupSha256))
        return RAISE(JET_errInvalidGrbit);
    err = api_path(szBackupPath, path);
    if (err < JET_errSuccess)
        return err;
    err = enter(instance, 0, &inst);
    if (err < JET_errSuccess)
        return err;
    struct api_status status = {.fn = pfnStatus, .snp = JET_snpBackup, .inst = inst};
    struct backup_options options = {
        .path = path,
        .stops = atomic_load(&inst->inst->backup_stops),
        .incremental = grbit & JET_bitBackupIncremental,
        .atomic = grbit & JET_bitBackupAtomic,
        .sha256 = grbit & JET_bitBackupSha256,
        .status = pfnStatus ? api_status_call : NULL,
        .context = &status,
    };
    err = backup_run(inst->inst, &options);
    api_leave_instance(inst);
    return err;
}

/* ---- external backup ---- */

JET_ERR JetBeginExternalBackupInstance(JET_INSTANCE instance, JET_GRBIT grbit) {
    struct api_inst *inst = NULL;
    struct backup *backup;

    if (grbit & ~(JET_GRBIT)JET_bitBackupIncremental)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = enter(instance, 0, &inst);
    if (err < JET_errSuccess)
        return err;
    const uint32_t stops = atomic_load(&inst->inst->backup_stops);
    os_mutex_lock(&inst->inst->backup_mutex);
    err = backup_begin(inst->inst, grbit ? BACKUP_INCREMENTAL : BACKUP_FULL, stops, true, "a client", &backup);
    os_mutex_unlock(&inst->inst->backup_mutex);
    api_leave_instance(inst);
    return err;
}

/* One call at a time. On success leave_external() must follow. */
static JET_ERR enter_external(JET_INSTANCE instance, unsigned flags, struct api_inst **inst, struct backup **backup) {
    JET_ERR err = enter(instance, flags, inst);
    if (err < JET_errSuccess)
        return err;
    os_mutex_lock(&(*inst)->inst->backup_mutex);
    err = backup_external((*inst)->inst, backup);
    if (err < JET_errSuccess) {
        os_mutex_unlock(&(*inst)->inst->backup_mutex);
        api_leave_instance(*inst);
    }
    return err;
}

/* What the whole backup needs and cannot have ends it. */
static JET_ERR leave_external(struct api_inst *inst, struct backup *backup, JET_ERR err) {
    if (err < JET_errSuccess && backup_broken(backup))
        backup_end(backup, err);
    os_mutex_unlock(&inst->inst->backup_mutex);
    api_leave_instance(inst);
    return err;
}

static JET_ERR give_list(JET_INSTANCE instance, JET_ERR (*list)(struct backup *, struct multi_string *), char *szz,
                         uint32_t max, uint32_t *actual, JET_LOGINFO *info) {
    struct api_inst *inst;
    struct backup *backup;
    struct multi_string strings = {0};

    JET_ERR err = enter_external(instance, 0, &inst, &backup);
    if (err < JET_errSuccess)
        return err;
    err = list(backup, &strings);
    if (err >= JET_errSuccess && info)
        err = backup_logs(backup, 0, &info->ulGenLow, &info->ulGenHigh);
    if (err >= JET_errSuccess && info)
        memcpy(info->szBaseName, inst->inst->config.log_dir.base, sizeof info->szBaseName);
    if (err >= JET_errSuccess) {
        uint32_t n = strings.bytes < max ? (uint32_t)strings.bytes : max;
        if (szz)
            memcpy(szz, strings.text, n);
        if (szz && n < strings.bytes) /* a list all the same */
            memset(szz + (n < 2 ? 0 : n - 2), 0, n < 2 ? n : 2);
        if (actual)
            *actual = (uint32_t)strings.bytes;
    }
    free(strings.text);
    return leave_external(inst, backup, err);
}

JET_ERR JetGetAttachInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual) {
    return give_list(instance, backup_list_databases, szz, cbMax, pcbActual, NULL);
}

JET_ERR JetGetLogInfoInstance2(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual,
                               JET_LOGINFO *pLogInfo) {
    if (pLogInfo && pLogInfo->cbSize != sizeof *pLogInfo)
        return RAISE(JET_errInvalidParameter);
    return give_list(instance, backup_list_logs, szz, cbMax, pcbActual, pLogInfo);
}

JET_ERR JetGetLogInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual) {
    return JetGetLogInfoInstance2(instance, szz, cbMax, pcbActual, NULL);
}

JET_ERR JetGetTruncateLogInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual) {
    return give_list(instance, backup_list_truncatable, szz, cbMax, pcbActual, NULL);
}

JET_ERR JetOpenFileInstance(JET_INSTANCE instance, JET_PCSTR szFileName, JET_HANDLE *phfFile, uint32_t *pulFileSizeLow,
                            uint32_t *pulFileSizeHigh) {
    struct api_inst *inst;
    struct backup *backup;
    char path[OS_PATH_MAX];
    uint64_t bytes = 0;

    if (!szFileName || !*szFileName || !phfFile || !pulFileSizeLow || !pulFileSizeHigh)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_path(szFileName, path);
    if (err < JET_errSuccess)
        return err;
    err = enter_external(instance, 0, &inst, &backup);
    if (err < JET_errSuccess)
        return err;
    err = backup_open(backup, path, phfFile, &bytes);
    if (err >= JET_errSuccess) {
        *pulFileSizeLow = (uint32_t)bytes;
        *pulFileSizeHigh = (uint32_t)(bytes >> 32);
    }
    return leave_external(inst, backup, err);
}

JET_ERR JetReadFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile, void *pv, uint32_t cb, uint32_t *pcb) {
    struct api_inst *inst;
    struct backup *backup;
    uint32_t got = 0;

    JET_ERR err = enter_external(instance, 0, &inst, &backup);
    if (err < JET_errSuccess)
        return err;
    err = backup_read(backup, hfFile, pv, cb, &got);
    if (err >= JET_errSuccess && pcb)
        *pcb = got;
    return leave_external(inst, backup, err);
}

JET_ERR JetCloseFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile) {
    struct api_inst *inst;
    struct backup *backup;

    JET_ERR err = enter_external(instance, ENTER_ENDING, &inst, &backup);
    return err < JET_errSuccess ? err : leave_external(inst, backup, backup_close(backup, hfFile));
}

JET_ERR JetTruncateLogInstance(JET_INSTANCE instance) {
    struct api_inst *inst;
    struct backup *backup;

    JET_ERR err = enter_external(instance, 0, &inst, &backup);
    return err < JET_errSuccess ? err : leave_external(inst, backup, backup_truncate(backup));
}

JET_ERR JetEndExternalBackupInstance2(JET_INSTANCE instance, JET_GRBIT grbit) {
    const JET_GRBIT how = grbit & (JET_bitBackupEndNormal | JET_bitBackupEndAbort);
    const JET_GRBIT more = grbit & ~how;
    struct api_inst *inst;
    struct backup *backup;

    if (!how || how == (JET_bitBackupEndNormal | JET_bitBackupEndAbort) ||
        more & ~(JET_GRBIT)(JET_bitBackupTruncateDone | JET_bitBackupNoDbHeaderUpdate))
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = enter_external(instance, ENTER_ENDING, &inst, &backup);
    if (err < JET_errSuccess)
        return err;
    if (how == JET_bitBackupEndAbort) {
        backup_abandon(backup);
    } else {
        err = backup_check_complete(backup);
        if (err >= JET_errSuccess && !(more & JET_bitBackupNoDbHeaderUpdate)) {
            JET_ERR ignored =
                backup_stamp(backup, backup_truncated(backup) || (more & JET_bitBackupTruncateDone)); /* it is good */
            (void)ignored;
        }
        backup_end(backup, err);
    }
    os_mutex_unlock(&inst->inst->backup_mutex);
    api_leave_instance(inst);
    return err;
}

JET_ERR JetEndExternalBackupInstance(JET_INSTANCE instance) {
    return JetEndExternalBackupInstance2(instance, JET_bitBackupEndNormal);
}

JET_ERR JetStopBackupInstance(JET_INSTANCE instance) {
    struct api_inst *inst = NULL;
    JET_ERR err = enter(instance, ENTER_ENDING, &inst);
    if (err < JET_errSuccess)
        return err == JET_errNotInitialized ? RAISE(JET_errInvalidParameter) : err;
    backup_stop(inst->inst);
    api_leave_instance(inst);
    return JET_errSuccess;
}

/* ---- single-instance mode ---- */

#define ON_THE_ONE_INSTANCE(call)                                                                                      \
    do {                                                                                                               \
        JET_ERR err = api_need_one_instance();                                                                         \
        return err < JET_errSuccess ? err : (call);                                                                    \
    } while (0)

JET_ERR JetBackup(JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
    ON_THE_ONE_INSTANCE(JetBackupInstance(0, szBackupPath, grbit, pfnStatus));
}

JET_ERR JetBeginExternalBackup(JET_GRBIT grbit) {
    ON_THE_ONE_INSTANCE(JetBeginExternalBackupInstance(0, grbit));
}

JET_ERR JetGetAttachInfo(JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual) {
    ON_THE_ONE_INSTANCE(JetGetAttachInfoInstance(0, szz, cbMax, pcbActual));
}

JET_ERR JetOpenFile(JET_PCSTR szFileName, JET_HANDLE *phfFile, uint32_t *pulFileSizeLow, uint32_t *pulFileSizeHigh) {
    ON_THE_ONE_INSTANCE(JetOpenFileInstance(0, szFileName, phfFile, pulFileSizeLow, pulFileSizeHigh));
}

JET_ERR JetReadFile(JET_HANDLE hfFile, void *pv, uint32_t cb, uint32_t *pcb) {
    ON_THE_ONE_INSTANCE(JetReadFileInstance(0, hfFile, pv, cb, pcb));
}

JET_ERR JetCloseFile(JET_HANDLE hfFile) {
    ON_THE_ONE_INSTANCE(JetCloseFileInstance(0, hfFile));
}

JET_ERR JetGetLogInfo(JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual) {
    ON_THE_ONE_INSTANCE(JetGetLogInfoInstance(0, szz, cbMax, pcbActual));
}

JET_ERR JetTruncateLog(void) {
    ON_THE_ONE_INSTANCE(JetTruncateLogInstance(0));
}

JET_ERR JetEndExternalBackup(void) {
    ON_THE_ONE_INSTANCE(JetEndExternalBackupInstance(0));
}

JET_ERR JetStopBackup(void) {
    ON_THE_ONE_INSTANCE(JetStopBackupInstance(0));
}
