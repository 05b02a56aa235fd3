/* The scenarios of torture.h: what is done while the power goes off. */
#include <string.h>

#include "tests/lib/torture_priv.h"

static uint64_t draw(struct torture *t, uint64_t end) {
    return torture_draw(&t->random, end);
}

static JET_ERR checkpoint(struct torture *t) {
    return steady_checkpoint(t->world.s.instance, (uint32_t)draw(t, 4) * (32 << 10));
}

/* Transactions up to n, a checkpoint now and then. */
static JET_ERR run_to(struct torture *t, uint32_t n, unsigned checkpoint_in) {
    struct script *s = &t->world.s;
    while (s->started < n) {
        TRY(script_run(s, s->started + 1));
        if (checkpoint_in && draw(t, checkpoint_in) == 0)
            TRY(checkpoint(t));
    }
    return JET_errSuccess;
}

static JET_ERR start_with_a(struct torture *t) {
    TRY(script_start(&t->world.s));
    return script_create(&t->world.s, &t->world.s.a);
}

static JET_ERR start_with_both(struct torture *t) {
    TRY(start_with_a(t));
    return script_create(&t->world.s, &t->world.s.b);
}

/* After a crash: which of the transactions that were not acknowledged are there is found out. */
static JET_ERR start_again(struct torture *t) {
    TRY(script_start_all(&t->world.s));
    if (!script_check(&t->world.s))
        return JET_errInternalError;
    torture_note(t);
    return JET_errSuccess;
}

/* ---- one session ---- */

static JET_ERR play_logs(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 40, 6));
    return script_stop(&t->world.s, 0);
}

static JET_ERR play_checkpoint(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 25, 1));
    return script_stop(&t->world.s, 0);
}

static JET_ERR play_files(struct torture *t) {
    struct script *s = &t->world.s;
    TRY(start_with_a(t));
    TRY(run_to(t, 5, 4));
    TRY(script_create(s, &s->b));
    TRY(run_to(t, 8, 4));
    TRY(script_detach(s, &s->a));
    TRY(script_attach(s, &s->a));
    TRY(run_to(t, 10, 4));
    TRY(script_detach(s, &s->b));
    TRY(script_detach(s, &s->a));
    TRY(script_attach(s, &s->b));
    TRY(script_attach(s, &s->a));
    TRY(run_to(t, 12, 4));
    TRY(script_stop(s, 0));
    TRY(script_start_all(s));
    TRY(run_to(t, 14, 4));
    return script_stop(s, 0);
}

/* Starts after crashes of the process, and what they do themselves. */
static JET_ERR prepare_crashed(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 16, 8));
    return script_stop(&t->world.s, JET_bitTermDirty);
}

static JET_ERR play_recovery(struct torture *t) {
    struct script *s = &t->world.s;
    for (unsigned i = 0; i < 3; i++) {
        TRY(start_again(t));
        TRY(run_to(t, s->started + 4, 4));
        TRY(script_stop(s, i == 0 ? JET_bitTermDirty : i == 1 ? JET_bitTermAbrupt : 0));
    }
    return JET_errSuccess;
}

/* The database is larger than the cache. */
static JET_ERR prepare_wide(struct torture *t) {
    TRY(start_with_a(t));
    TRY(script_run(&t->world.s, 1));
    return script_stop(&t->world.s, 0);
}

static JET_ERR play_wide(struct torture *t) {
    struct script *s = &t->world.s;
    TRY(script_start(s));
    TRY(script_attach(s, &s->a));
    TRY(run_to(t, s->started + 14, 5));
    return script_stop(s, 0);
}

/* Redo has more to change than the cache holds. */
static JET_ERR prepare_wide_redo(struct torture *t) {
    TRY(start_with_a(t));
    TRY(script_run(&t->world.s, 8));
    return script_stop(&t->world.s, JET_bitTermDirty);
}

static JET_ERR play_wide_redo(struct torture *t) {
    struct script *s = &t->world.s;
    TRY(script_start(s));
    TRY(script_attach(s, &s->a));
    if (!script_check(s))
        return JET_errInternalError;
    torture_note(t);
    TRY(run_to(t, s->started + 4, 2));
    return script_stop(s, 0);
}

/* The checkpointer and the thread that makes log files work beside the session, when they like. */
static JET_ERR play_threads(struct torture *t) {
    t->world.s.depth = 8 << 10;
    TRY(play_files(t));
    TRY(script_start_all(&t->world.s));
    TRY(script_run(&t->world.s, 34));
    return script_stop(&t->world.s, 0);
}

/* ---- backup, truncation, restore ---- */

static struct torture *under_backup;

static JET_ERR JET_API work_in_between(JET_SESID session, JET_SNP snp, JET_SNT snt, void *data) {
    (void)session, (void)snp, (void)data;
    struct torture *t = under_backup;
    return snt == JET_sntProgress && draw(t, 4) == 0 ? run_to(t, t->world.s.started + 1, 0) : JET_errSuccess;
}

static JET_ERR back_up(struct torture *t, unsigned set, const char *path, JET_GRBIT grbit) {
    struct world *w = &t->world;
    const uint32_t low = w->s.durable;
    if (set == w->set_count) {
        snprintf(w->sets[set].path, sizeof w->sets[set].path, "%s", path);
        w->sets[set].low = low;
        w->sets[set].atomic = grbit & JET_bitBackupAtomic;
        w->set_count++;
    }
    torture_note(t);
    under_backup = t;
    TRY(JetBackupInstance(w->s.instance, w->sets[set].path, grbit, work_in_between));
    w->sets[set].low = low;
    w->sets[set].whole = true;
    torture_note(t);
    return JET_errSuccess;
}

static JET_ERR play_backup(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 6, 4));
    TRY(back_up(t, 0, "/sets/plain", 0));
    TRY(run_to(t, 12, 4));
    TRY(back_up(t, 1, "/sets/atomic", JET_bitBackupAtomic));
    TRY(run_to(t, 16, 4));
    TRY(back_up(t, 1, "", JET_bitBackupAtomic));
    TRY(run_to(t, 18, 4));
    return script_stop(&t->world.s, 0);
}

static JET_ERR play_incremental(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 4, 4));
    TRY(back_up(t, 0, "/sets/plain", 0));
    TRY(run_to(t, 10, 4));
    TRY(back_up(t, 0, "", JET_bitBackupIncremental));
    TRY(run_to(t, 14, 4));
    TRY(back_up(t, 0, "", JET_bitBackupIncremental));
    TRY(back_up(t, 1, "/sets/atomic", JET_bitBackupAtomic));
    TRY(run_to(t, 18, 4));
    TRY(back_up(t, 1, "", JET_bitBackupAtomic | JET_bitBackupIncremental));
    return script_stop(&t->world.s, 0);
}

static JET_ERR read_files(struct script *s, const char *list) {
    static _Alignas(4096) uint8_t chunk[1 << 20];
    for (const char *path = list; *path; path += strlen(path) + 1) {
        JET_HANDLE handle;
        uint32_t low, high, got;
        TRY(JetOpenFileInstance(s->instance, path, &handle, &low, &high));
        do
            TRY(JetReadFileInstance(s->instance, handle, chunk, sizeof chunk, &got));
        while (got);
        TRY(JetCloseFileInstance(s->instance, handle));
    }
    return JET_errSuccess;
}

/* As a client does it that keeps the bytes elsewhere. */
static JET_ERR truncate_log(struct torture *t, JET_GRBIT grbit) {
    static char list[1 << 16];
    struct script *s = &t->world.s;
    uint32_t bytes;
    TRY(JetBeginExternalBackupInstance(s->instance, grbit));
    if (!grbit) {
        TRY(JetGetAttachInfoInstance(s->instance, list, sizeof list, &bytes));
        TRY(read_files(s, list));
    }
    TRY(run_to(t, s->started + 1, 2));
    TRY(JetGetLogInfoInstance(s->instance, list, sizeof list, &bytes));
    TRY(read_files(s, list));
    TRY(JetTruncateLogInstance(s->instance));
    return JetEndExternalBackupInstance2(s->instance, JET_bitBackupEndNormal);
}

static JET_ERR play_truncation(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 12, 3));
    TRY(truncate_log(t, 0));
    TRY(run_to(t, 22, 3));
    TRY(truncate_log(t, JET_bitBackupIncremental));
    TRY(run_to(t, 24, 3));
    return script_stop(&t->world.s, 0);
}

static JET_ERR prepare_restore(struct torture *t) {
    TRY(start_with_both(t));
    TRY(run_to(t, 8, 4));
    TRY(JetBackupInstance(t->world.s.instance, "/set", 0, NULL));
    TRY(run_to(t, 16, 4));
    t->world.set_count = 1;
    snprintf(t->world.sets[0].path, sizeof t->world.sets[0].path, "/set");
    t->world.sets[0].whole = true;
    t->world.sets[0].low = t->world.s.durable;
    TRY(JetBackupInstance(t->world.s.instance, "/set", JET_bitBackupIncremental, NULL));
    return JET_errSuccess;
}

static JET_ERR restore_and_go_on(struct torture *t) {
    struct world *w = &t->world;
    w->restoring = true;
    torture_note(t);
    TRY(torture_restore(w));
    w->restoring = false;
    torture_note(t);
    TRY(start_again(t));
    TRY(run_to(t, w->s.started + 3, 2));
    return script_stop(&w->s, 0);
}

static JET_ERR prepare_elsewhere(struct torture *t) {
    struct script *s = &t->world.s;
    TRY(prepare_restore(t));
    const uint32_t in_set = s->started;
    TRY(script_stop(s, 0));
    script_init(s, t->seed, "/elsewhere");
    s->a.durable = s->b.durable = true;
    s->durable = s->started = in_set;
    disk_make_dir("/elsewhere/system");
    disk_make_dir("/elsewhere/data");
    return JET_errSuccess;
}

/* The log files since the set are still there: nothing is lost. */
static JET_ERR prepare_in_place(struct torture *t) {
    TRY(prepare_restore(t));
    TRY(run_to(t, 22, 3));
    t->world.in_place = true;
    return script_stop(&t->world.s, JET_bitTermDirty);
}

/* ---- several sessions ---- */

static const struct crowd_style bulk = {
    .sessions = 1, .run = 60, .bytes = 400, .ascending = true, .commits = 20, .rollbacks = 2};
static const struct crowd_style mixed = {
    .sessions = 4, .run = 6, .bytes = 300, .commits = 22, .rollbacks = 10, .nests = 10, .tables = 3, .deletes = 25};
static const struct crowd_style shapes = {
    .sessions = 3, .run = 40, .bytes = 1500, .commits = 25, .rollbacks = 5, .nests = 4, .tables = 20, .deletes = 45};
static const struct crowd_style undone = {
    .sessions = 2, .run = 40, .bytes = 400, .commits = 4, .rollbacks = 14, .nests = 10, .tables = 4, .deletes = 30};

static JET_ERR prepare_crowd(struct torture *t) {
    TRY(script_start(&t->world.s));
    TRY(crowd_create(&t->crowd));
    t->world.only_a = t->world.s.a.durable = true;
    return script_stop(&t->world.s, 0);
}

static JET_ERR crowd_work(struct torture *t, unsigned rounds, unsigned steps) {
    for (unsigned i = 0; i < rounds; i++) {
        TRY(crowd_play(&t->crowd, 1 + (unsigned)draw(t, 2 * steps)));
        TRY(checkpoint(t));
    }
    return JET_errSuccess;
}

static JET_ERR play_crowd(struct torture *t) {
    TRY(script_start(&t->world.s));
    TRY(crowd_enter(&t->crowd));
    TRY(crowd_work(t, 6, t->crowd.style->sessions * 8));
    TRY(crowd_leave(&t->crowd));
    return script_stop(&t->world.s, 0);
}

/* It ends in crashes with transactions open, which the start that follows takes back. */
static JET_ERR play_undo(struct torture *t) {
    struct script *s = &t->world.s;
    for (unsigned i = 0; i < 3; i++) {
        TRY(script_start(s));
        TRY(crowd_enter(&t->crowd));
        TRY(crowd_work(t, 2, 14));
        TRY(JetCommitTransaction(s->session, JET_bitWaitAllLevel0Commit)); /* so that it is known what is left */
        s->durable = s->started;
        torture_note(t);
        TRY(script_stop(s, JET_bitTermDirty));
    }
    return JET_errSuccess;
}

const struct scenario scenarios[] = {
    {"bulk load", prepare_crowd, play_crowd, .crowd = &bulk},
    {"bulk load, circular", prepare_crowd, play_crowd, .crowd = &bulk, .circular = true},
    {"sessions", prepare_crowd, play_crowd, .crowd = &mixed},
    {"splits and merges", prepare_crowd, play_crowd, .crowd = &shapes},
    {"rollback", prepare_crowd, play_crowd, .crowd = &undone},
    {"undo", prepare_crowd, play_undo, .crowd = &undone},
    {"logs", NULL, play_logs},
    {"logs, circular", NULL, play_logs, .circular = true},
    {"files", NULL, play_files, .makes_dirs = true},
    {"checkpoint", NULL, play_checkpoint},
    {"recovery", prepare_crashed, play_recovery},
    {"eviction", prepare_wide, play_wide, .wide = true},
    {"eviction, redo", prepare_wide_redo, play_wide_redo, .wide = true},
    {"backup", NULL, play_backup},
    {"backup, incremental", NULL, play_incremental},
    {"truncation", NULL, play_truncation},
    {"restore elsewhere", prepare_elsewhere, restore_and_go_on},
    {"restore in place", prepare_in_place, restore_and_go_on},
    {"threads", NULL, play_threads, .threads = true},
};
const unsigned scenario_count = sizeof scenarios / sizeof scenarios[0];
