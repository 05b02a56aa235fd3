/* See steady.h. The linker puts __wrap_log_next_want in the place of log_next_want (CMakeLists.txt). */
#include "tests/lib/steady.h"

#include <stdatomic.h>

#include "api/handles.h"
#include "recovery/recovery.h"

static atomic_bool steady;

/* log/log_priv.h, which does not go with the engine's headers */
struct log_next;
void log_next_wait(struct log_next *next);
void __real_log_next_want(struct log_next *next);
void __wrap_log_next_want(struct log_next *next);

void __wrap_log_next_want(struct log_next *next) {
    __real_log_next_want(next);
    if (atomic_load(&steady))
        log_next_wait(next);
}

void steady_set(bool on) {
    atomic_store(&steady, on);
}

JET_ERR steady_checkpoint(JET_INSTANCE instance, uint32_t bytes) {
    struct api_inst *api = handle_find(HANDLE_INSTANCE, instance, NULL);
    struct inst *inst = api->inst;
    os_mutex_lock(&inst->mutex);
    lgpos_t tip = log_tip(inst->log);
    const uint32_t size = inst->config.log_file_bytes;
    uint64_t at = (uint64_t)lgpos_gen(tip) * size + lgpos_offset(tip);
    at = at > bytes ? at - bytes : 0;
    JET_ERR err = checkpoint_update(inst, lgpos_make((lggen_t)(at / size), (uint32_t)(at % size)));
    if (err < JET_errSuccess)
        inst_fail(inst, err);
    os_mutex_unlock(&inst->mutex);
    return err;
}
