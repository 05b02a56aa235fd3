/* What backup, restore and recovery share: paths as they are given, and the callback for progress. */
#include "api/handles.h"

JET_ERR api_status_call(void *context, JET_SNT snt, uint32_t done, uint32_t total) {
    struct api_status *status = context;
    status->done = done;
    JET_SNPROG progress = {.cbStruct = sizeof progress, .cunitDone = done, .cunitTotal = total};
    return status->fn(JET_sesidNil, status->snp, snt, &progress);
}

JET_ERR api_path(const char *given, char out[OS_PATH_MAX]) {
    *out = 0;
    return given && *given ? os_path_absolute(out, given) : JET_errSuccess;
}
