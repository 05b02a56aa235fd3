/* The next generation's file, made ahead of need by one thread.
 *
 * A commit should overwrite blocks that are already there and not make a file longer, so edbtmp.log is filled with
 * zeros to its full size and synced, name included, before a roll takes it. Nothing in it matters until then: whoever
 * finds one left over starts it afresh.
 *
 * Full disk: one of two reserve files, which have had their blocks since the start, becomes edbtmp.log. That is said
 * to the caller (log_next_disk_full), who stops the updates; what remains is for rollbacks and the stop. Every
 * preparation tries the ordinary way first, and while the disk is full the thread tries now and then to make the
 * missing reserves: once they are back the alarm is over. */
#include <stdlib.h>

#include "log/log_priv.h"

#define FILL_BYTES (512u * 1024)
#define RETRY_MS 5000

enum state { IDLE, WANTED, WORKING, READY, FAILED };

struct log_next {
    /* constant */
    const struct log_config *config; /* outlives this */
    os_thread_t thread;
    uint8_t *zeros; /* FILL_BYTES */
    /* under lock */
    struct os_mutex lock;
    struct os_cond changed;
    enum state state;
    bool stop;
    JET_ERR error;        /* of FAILED */
    struct os_file *file; /* of READY */
    bool reserve_used;    /* of READY */
    /* the thread writes, all read */
    atomic_bool disk_full;
};

static void remove_quietly(const char *path) {
    JET_ERR ignored = os_remove(path);
    (void)ignored;
}

/* ---- reserves ---- */

static JET_ERR make_reserve(const struct log_config *config, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    CALL(os_open(path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CALL(os_resize(file, config->file_bytes));
    CALL(os_sync(file));
cleanup:
    os_close(file);
    if (err < JET_errSuccess)
        remove_quietly(path);
    return err;
}

/* Makes the reserves that are missing or of the wrong size. */
static JET_ERR make_reserves(const struct log_config *config) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    bool made = false;
    for (unsigned i = 1; i <= LOG_RESERVE_COUNT; i++) {
        struct os_stat st;
        CALL(log_path_reserve(&config->dir, i, path));
        CALL(os_stat(path, &st));
        if (st.kind == OS_FILE && st.bytes == config->file_bytes)
            continue;
        CALL(make_reserve(config, path));
        made = true;
    }
    if (made)
        CALL(os_sync_dir(config->dir.path));
cleanup:
    return err;
}

/* Renames a reserve of the right size to temp. */
static JET_ERR take_reserve(const struct log_config *config, const char *temp) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    for (unsigned i = LOG_RESERVE_COUNT; i >= 1; i--) {
        struct os_stat st;
        CALL(log_path_reserve(&config->dir, i, path));
        CALL(os_stat(path, &st));
        if (st.kind == OS_FILE && st.bytes == config->file_bytes) {
            CALL(os_rename(path, temp));
            return JET_errSuccess;
        }
    }
    FAIL(JET_errDiskFull);
cleanup:
    return err;
}

/* ---- preparing ---- */

static JET_ERR fill(struct log_next *next, struct os_file *file) {
    JET_ERR err = JET_errSuccess;
    uint32_t file_bytes = next->config->file_bytes, bytes;
    for (uint32_t offset = 0; offset < file_bytes; offset += bytes) {
        bytes = file_bytes - offset < FILL_BYTES ? file_bytes - offset : FILL_BYTES;
        CALL(os_write(file, offset, next->zeros, bytes));
    }
    CALL(os_sync(file));
    CALL(os_sync_dir(next->config->dir.path));
cleanup:
    return err;
}

static JET_ERR prepare_fresh(struct log_next *next, const char *temp, struct os_file **out) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    CALL(os_open(temp, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    CALL(os_resize(file, next->config->file_bytes));
    CALL(fill(next, file));
    *out = file;
cleanup:
    if (err < JET_errSuccess) {
        os_close(file);
        remove_quietly(temp);
    }
    return err;
}

static JET_ERR prepare_reserve(struct log_next *next, const char *temp, struct os_file **out) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    CALL(take_reserve(next->config, temp));
    CALL(os_open(temp, OS_WRITE, &file));
    CALL(fill(next, file));
    *out = file;
cleanup:
    if (err < JET_errSuccess)
        os_close(file);
    return err;
}

static void restore_reserves(struct log_next *next) {
    if (make_reserves(next->config) >= JET_errSuccess)
        atomic_store(&next->disk_full, false);
}

static JET_ERR prepare(struct log_next *next, struct os_file **file, bool *reserve_used) {
    JET_ERR err = JET_errSuccess;
    char temp[OS_PATH_MAX];
    *reserve_used = false;
    CALL(log_path_temp(&next->config->dir, temp));
    err = prepare_fresh(next, temp, file);
    if (err == JET_errDiskFull) {
        if (!atomic_exchange(&next->disk_full, true))
            event_write(next->config->events, EVENT_LOG_DISK_FULL, EVENT_ERROR,
                        "the disk of the log directory %s is full: a reserve log file is used, updates are refused",
                        next->config->dir.path);
        *reserve_used = true;
        CALL(prepare_reserve(next, temp, file));
    } else if (err >= JET_errSuccess && atomic_load(&next->disk_full)) {
        restore_reserves(next);
    }
cleanup:
    return err;
}

static bool idle(const struct log_next *next) {
    return !next->stop && next->state != WANTED;
}

static void *prepare_thread(void *arg) {
    struct log_next *next = arg;
    os_mutex_lock(&next->lock);
    for (;;) {
        while (idle(next) && !atomic_load(&next->disk_full))
            os_cond_wait(&next->changed, &next->lock);
        if (idle(next) && !os_cond_wait_ms(&next->changed, &next->lock, RETRY_MS)) {
            os_mutex_unlock(&next->lock);
            restore_reserves(next);
            os_mutex_lock(&next->lock);
        }
        if (next->stop)
            break;
        if (next->state != WANTED)
            continue;

        next->state = WORKING;
        os_mutex_unlock(&next->lock);
        struct os_file *file = NULL;
        bool reserve_used;
        JET_ERR err = prepare(next, &file, &reserve_used);
        os_mutex_lock(&next->lock);
        next->file = file;
        next->reserve_used = reserve_used;
        next->error = err == JET_errDiskFull ? JET_errLogDiskFull : err;
        next->state = err < JET_errSuccess ? FAILED : READY;
        os_cond_broadcast(&next->changed);
    }
    os_mutex_unlock(&next->lock);
    return NULL;
}

/* ---- for the writer ---- */

JET_ERR log_next_open(const struct log_config *config, struct log_next **out) {
    struct log_next *next = calloc(1, sizeof *next);
    if (!next)
        return RAISE(JET_errOutOfMemory);
    next->config = config;
    os_mutex_init(&next->lock, OS_RANK_LEAF);
    os_cond_init(&next->changed);

    JET_ERR err = make_reserves(config);
    if (err == JET_errDiskFull) {
        atomic_store(&next->disk_full, true);
        event_write(config->events, EVENT_LOG_DISK_FULL, EVENT_ERROR,
                    "the disk of the log directory %s has no room for the reserve log files: updates are refused",
                    config->dir.path);
        err = JET_errSuccess;
    }
    CALL(err);
    next->zeros = calloc(1, FILL_BYTES);
    if (!next->zeros)
        FAIL(JET_errOutOfMemory);
    CALL(os_thread_start(&next->thread, prepare_thread, next));
    *out = next;
    return JET_errSuccess;

cleanup:
    os_cond_done(&next->changed);
    os_mutex_done(&next->lock);
    free(next->zeros);
    free(next);
    return err;
}

void log_next_close(struct log_next *next) {
    if (!next)
        return;
    os_mutex_lock(&next->lock);
    next->stop = true;
    os_cond_broadcast(&next->changed);
    os_mutex_unlock(&next->lock);
    os_thread_join(next->thread);
    os_close(next->file);
    os_cond_done(&next->changed);
    os_mutex_done(&next->lock);
    free(next->zeros);
    free(next);
}

void log_next_want(struct log_next *next) {
    os_mutex_lock(&next->lock);
    if (next->state == IDLE) {
        next->state = WANTED;
        os_cond_broadcast(&next->changed);
    }
    os_mutex_unlock(&next->lock);
}

static void wait_while_preparing(struct log_next *next) {
    while (next->state == WANTED || next->state == WORKING)
        os_cond_wait(&next->changed, &next->lock);
}

void log_next_wait(struct log_next *next) {
    os_mutex_lock(&next->lock);
    wait_while_preparing(next);
    os_mutex_unlock(&next->lock);
}

/* An earlier failure is tried again here: there may be space by now. */
JET_ERR log_next_take(struct log_next *next, struct os_file **file, bool *reserve_used) {
    JET_ERR err = JET_errSuccess;
    os_mutex_lock(&next->lock);
    if (next->state == IDLE || next->state == FAILED) {
        next->state = WANTED;
        os_cond_broadcast(&next->changed);
    }
    wait_while_preparing(next);
    if (next->state == READY) {
        *file = next->file;
        *reserve_used = next->reserve_used;
        next->file = NULL;
        next->state = IDLE;
    } else {
        err = next->error;
    }
    os_mutex_unlock(&next->lock);
    return err;
}

bool log_next_disk_full(struct log_next *next) {
    return atomic_load(&next->disk_full);
}
