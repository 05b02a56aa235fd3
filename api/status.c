/* What backup, restore and recovery share: paths as they are given, and the callback for progress. */
#include "api/handles.h"

static _Thread_local const struct api_status *innermost; /* of the callbacks that this thread is in */

JET_ERR api_status_call(void *context, JET_SNT snt, uint32_t done, uint32_t total) {
    struct api_status *status = context;
    status->done = done;
    JET_SNPROG progress = {.cbStruct = sizeof progress, .cunitDone = done, .cunitTotal = total};
    status->outer = innermost;
    innermost = status;
    JET_ERR err = status->fn(JET_sesidNil, status->snp, snt, &progress);
    innermost = status->outer;
    return err;
}

bool api_in_status_call(const struct api_inst *inst) {
    for (const struct api_status *s = innermost; s; s = s->outer)
        if (s->inst == inst)
            return true;
    return false;
}

JET_ERR api_path(const char *given, char out[OS_PATH_MAX]) {
    *out = 0;
    return given && *given ? os_path_absolute(out, given) : JET_errSuccess;
}
