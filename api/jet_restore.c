/* Restore. */
#include <stdlib.h>

#include "api/handles.h"
#include "backup/backup.h"

JET_ERR JetRestoreInstance(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn) {
    JET_ERR err = JET_errSuccess;
    struct api_inst *inst = NULL;
    struct inst_config *config = NULL;
    struct event_sink events = {0};
    char set[OS_PATH_MAX], dest[OS_PATH_MAX];
    struct api_status status = {pfn, JET_snpRestore};

    if (!sz || !*sz)
        return RAISE(JET_errInvalidPath);
    CALL(api_path(sz, set));
    CALL(api_path(szDest, dest));
    CALL(api_begin_exclusive(instance, BUSY_RESTORE, &inst));
    if (atomic_load(&inst->running))
        FAIL(JET_errAfterInitialization);
    config = calloc(1, sizeof *config);
    if (!config)
        FAIL(JET_errOutOfMemory);
    api_get_config(inst, config, &events);
    struct restore_options options = {
        .set = set,
        .dest = *dest ? dest : NULL,
        .status = pfn ? api_status_call : NULL,
        .context = &status,
    };
    CALL(restore_run(config, &events, &options));
cleanup:
    if (inst)
        api_end_exclusive(inst);
    free(config);
    return err;
}
