/* Backup: of an instance to a directory, and file by file for a client that stores it itself. */
#include "api/handles.h"
#include "backup/backup.h"

JET_ERR JetBackupInstance(JET_INSTANCE instance, JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    char path[OS_PATH_MAX];
    struct api_status status = {pfnStatus, JET_snpBackup};

    if (grbit & ~(JET_GRBIT)(JET_bitBackupIncremental | JET_bitBackupAtomic))
        return RAISE(JET_errInvalidGrbit);
    err = api_path(szBackupPath, path);
    if (err < JET_errSuccess)
        return err;
    err = api_enter_instance(instance, 0, &inst);
    if (err < JET_errSuccess)
        return err;
    struct backup_options options = {
        .path = path,
        .incremental = grbit & JET_bitBackupIncremental,
        .atomic = grbit & JET_bitBackupAtomic,
        .status = pfnStatus ? api_status_call : NULL,
        .context = &status,
    };
    err = backup_run(inst->inst, &options);
    api_leave_instance(inst);
    return err;
}

/* ---- single-instance mode ---- */

JET_ERR JetBackup(JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus) {
    JET_ERR err = api_need_one_instance();
    return err < JET_errSuccess ? err : JetBackupInstance(0, szBackupPath, grbit, pfnStatus);
}
