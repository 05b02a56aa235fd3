/* Writing behind: one thread carries the log to its file while nobody waits for it.
 *
 * Lazy commits and long transactions fill the image without a flush. Left alone, all of it would be written and synced
 * by the roll, with every append held off. So each LOG_BEHIND_BYTES of log this thread is woken and flushes as a commit
 * would. It promises nothing: what it has not written a crash loses, as without it. */
#include <stdlib.h>

#include "log/log_priv.h"

struct log_behind {
    struct log *log; /* outlives this */
    os_thread_t thread;
    /* under lock */
    struct os_mutex lock;
    struct os_cond wake;
    bool wanted, stop;
};

static void *behind_thread(void *arg) {
    struct log_behind *behind = arg;
    os_mutex_lock(&behind->lock);
    while (!behind->stop) {
        if (!behind->wanted) {
            os_cond_wait(&behind->wake, &behind->lock);
            continue;
        }
        behind->wanted = false;
        os_mutex_unlock(&behind->lock);
        JET_ERR err = log_flush(behind->log, log_tip(behind->log));
        (void)err; /* the log is down then, and whoever appends or waits is told */
        os_mutex_lock(&behind->lock);
    }
    os_mutex_unlock(&behind->lock);
    return NULL;
}

JET_ERR log_behind_open(struct log *log, struct log_behind **out) {
    JET_ERR err = JET_errSuccess;
    struct log_behind *behind = calloc(1, sizeof *behind);
    if (!behind)
        return RAISE(JET_errOutOfMemory);
    behind->log = log;
    os_mutex_init(&behind->lock, OS_RANK_LEAF);
    os_cond_init(&behind->wake);
    CALL(os_thread_start(&behind->thread, behind_thread, behind));
    *out = behind;
    return JET_errSuccess;

cleanup:
    os_cond_done(&behind->wake);
    os_mutex_done(&behind->lock);
    free(behind);
    return err;
}

void log_behind_close(struct log_behind *behind) {
    if (!behind)
        return;
    os_mutex_lock(&behind->lock);
    behind->stop = true;
    os_cond_signal(&behind->wake);
    os_mutex_unlock(&behind->lock);
    os_thread_join(behind->thread);
    os_cond_done(&behind->wake);
    os_mutex_done(&behind->lock);
    free(behind);
}

void log_behind_want(struct log_behind *behind) {
    os_mutex_lock(&behind->lock);
    behind->wanted = true;
    os_cond_signal(&behind->wake);
    os_mutex_unlock(&behind->lock);
}
