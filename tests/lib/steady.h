/* Runs that can be repeated: with one thread of its own, the same work makes the same changes to the disk in the same
 * order. */
#ifndef ESENT_TESTS_STEADY_H
#define ESENT_TESTS_STEADY_H

#include <stdbool.h>

#include "base/err.h"

/* The next log file is there when it has been asked for: its thread does nothing beside the caller. The checkpointer
 * has nothing to do while the log is shorter than JET_paramCheckpointDepthMax. */
void steady_set(bool steady);
/* What the checkpointer does, now: pages whose oldest change is older than `bytes` of log are written. */
JET_ERR steady_checkpoint(JET_INSTANCE instance, uint32_t bytes);

#endif
