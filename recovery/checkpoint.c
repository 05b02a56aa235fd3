/* The checkpoint: how far back redo must begin.
 *
 * A thread looks at the distance between checkpoint and log tip, writes pages with old changes in page order when it
 * grows, and moves the checkpoint. The order in checkpoint_update is what P7 rests on: first the tip is read, then
 * transactions and pages are asked for their oldest change; whoever publishes a bound after that appends after that
 * tip. The log is durable up to the tip before the file says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"
#include "recovery/recovery.h"

#define POLL_MS 20

struct checkpointer {
    struct os_mutex mutex;
    struct os_cond wake;
    bool stop;
    os_thread_t thread;
    struct inst *inst;
    _Atomic uint64_t attempted; /* tip at the last attempt: an old transaction may hold the checkpoint for long */
};

JET_ERR checkpoint_path(const struct inst_config *config, char *out) {
    char name[16];
    snprintf(name, sizeof name, "%s.chk", config->log_dir.base);
    return os_path_join(out, config->system_path, name);
}

static uint64_t linear(const struct inst *inst, lgpos_t p) {
    return (uint64_t)lgpos_gen(p) * inst->config.log_file_bytes + lgpos_offset(p);
}

static lgpos_t unlinear(const struct inst *inst, uint64_t bytes) {
    return lgpos_make((lggen_t)(bytes / inst->config.log_file_bytes), (uint32_t)(bytes % inst->config.log_file_bytes));
}

uint64_t checkpoint_distance(struct inst *inst) {
    uint64_t tip = linear(inst, log_tip(inst->log)), at = linear(inst, atomic_load(&inst->checkpoint));
    return tip > at ? tip - at : 0;
}

static JET_ERR write_checkpoint_file(struct inst *inst, lgpos_t position) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct log_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);

    if (!checkpoint)
        FAIL(JET_errOutOfMemory);
    checkpoint->position = position;
    checkpoint->signature = log_signature(inst->log);
    checkpoint->attach_bytes = db_attach_list(inst, checkpoint->attach);
    CALL(checkpoint_path(&inst->config, path));
    CALL(log_checkpoint_write(path, checkpoint));
cleanup:
    free(checkpoint);
    return err;
}

/* Each header says from which generation on the log is needed, and how far the counters are of which redo will not
 * read. */
static JET_ERR stamp_required(struct inst *inst, lggen_t gen) {
    JET_ERR err = JET_errSuccess;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = inst->dbs[id];
        if (!db || db->read_only)
            continue;
        os_mutex_lock(&db->header_mutex);
        struct dbheader *h = db->header;
        lggen_t attach = le32(h->lgpos_attach.gen), low = gen > attach ? gen : attach;
        bool moves = le32(h->gen_min_required) < low;
        if (le32(h->state) == JET_dbstateDirtyShutdown &&
            (moves || le64(h->dbtime_dirtied) != atomic_load(&db->dbtime))) {
            if (moves)
                h->gen_min_required = h->gen_min_consistent = to_le32(low);
            if (le32(h->gen_max_required) < low)
                h->gen_max_required = h->gen_max_committed = to_le32(low);
            err = db_write_header(db);
        }
        os_mutex_unlock(&db->header_mutex);
        if (err < JET_errSuccess)
            return err;
    }
    return JET_errSuccess;
}

static JET_ERR truncate_circular(struct inst *inst, lggen_t checkpoint_gen) {
    uint32_t backup_low = atomic_load(&inst->backup_gen_low);
    lggen_t end = backup_low && backup_low < checkpoint_gen && !BROKEN(circular_forgets_backup) ? backup_low : checkpoint_gen;
    return inst->config.circular ? log_truncate(inst->log, end, NULL) : JET_errSuccess;
}

JET_ERR checkpoint_update(struct inst *inst, lgpos_t write_older_than) {
    JET_ERR err = JET_errSuccess;

    CALL(inst_usable(inst));
    for (unsigned id = DB_FIRST_DBID; write_older_than && id <= DB_MAX; id++)
        if (inst->dbs[id] && !inst->dbs[id]->read_only)
            CALL(cache_write(inst->dbs[id]->pages, write_older_than));
    lgpos_t oldest = log_tip(inst->log);
    lgpos_t bound = BROKEN(checkpoint_ignores_trx) ? oldest : trx_oldest_logged(inst->trx);
    oldest = bound < oldest ? bound : oldest;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id] && !inst->dbs[id]->read_only) {
            CALL(cache_sync(inst->dbs[id]->pages, &bound));
            oldest = bound < oldest && !BROKEN(checkpoint_ignores_pages) ? bound : oldest;
        }
    if (oldest <= atomic_load(&inst->checkpoint))
        goto cleanup;
    /* Not only up to `oldest`: a transaction that is no longer open may owe that to a commit that is not yet durable.
     */
    CALL(log_flush(inst->log, log_tip(inst->log)));
    CALL(stamp_required(inst, lgpos_gen(oldest)));
    CALL(write_checkpoint_file(inst, oldest));
    atomic_store(&inst->checkpoint, oldest);
    log_set_checkpoint(inst->log, oldest);
    CALL(truncate_circular(inst, lgpos_gen(oldest)));
cleanup:
    return err;
}

static bool worth_an_attempt(struct inst *inst, uint64_t allowed) {
    uint64_t tip = linear(inst, log_tip(inst->log));
    return checkpoint_distance(inst) >= allowed && inst_usable(inst) >= JET_errSuccess &&
           tip - atomic_load(&inst->checkpointer->attempted) >= inst->config.checkpoint_depth_bytes / 4;
}

/* With room to spare: everything older than half the allowed depth is written when the depth is three quarters used. */
static void keep_up(struct inst *inst) {
    uint64_t depth = inst->config.checkpoint_depth_bytes;
    uint64_t tip = linear(inst, log_tip(inst->log));
    atomic_store(&inst->checkpointer->attempted, tip);
    JET_ERR err = checkpoint_update(inst, unlinear(inst, tip > depth / 2 ? tip - depth / 2 : 0));
    if (err < JET_errSuccess)
        inst_fail(inst, err);
}

void checkpoint_help(struct inst *inst) {
    uint64_t allowed = 4 * inst->config.checkpoint_depth_bytes;
    if (!worth_an_attempt(inst, allowed))
        return;
    os_mutex_lock(&inst->mutex);
    if (worth_an_attempt(inst, allowed))
        keep_up(inst);
    os_mutex_unlock(&inst->mutex);
}

static void *checkpointer_main(void *arg) {
    struct checkpointer *c = arg;
    struct inst *inst = c->inst;

    os_mutex_lock(&c->mutex);
    while (!c->stop) {
        os_cond_wait_ms(&c->wake, &c->mutex, POLL_MS);
        if (c->stop || !worth_an_attempt(inst, inst->config.checkpoint_depth_bytes / 4 * 3))
            continue;
        os_mutex_unlock(&c->mutex);
        os_mutex_lock(&inst->mutex);
        keep_up(inst);
        os_mutex_unlock(&inst->mutex);
        os_mutex_lock(&c->mutex);
    }
    os_mutex_unlock(&c->mutex);
    return NULL;
}

JET_ERR checkpointer_start(struct inst *inst) {
    JET_ERR err = JET_errSuccess;
    struct checkpointer *c = calloc(1, sizeof *c);

    if (!c)
        FAIL(JET_errOutOfMemory);
    c->inst = inst;
    os_mutex_init(&c->mutex, OS_RANK_API);
    os_cond_init(&c->wake);
    inst->checkpointer = c;
    CALL(os_thread_start(&c->thread, checkpointer_main, c));
cleanup:
    if (err < JET_errSuccess) {
        inst->checkpointer = NULL;
        free(c);
    }
    return err;
}

void checkpointer_stop(struct inst *inst) {
    struct checkpointer *c = inst->checkpointer;
    if (!c)
        return;
    os_mutex_lock(&c->mutex);
    c->stop = true;
    os_cond_signal(&c->wake);
    os_mutex_unlock(&c->mutex);
    os_thread_join(c->thread);
    os_mutex_done(&c->mutex);
    os_cond_done(&c->wake);
    free(c);
    inst->checkpointer = NULL;
}
