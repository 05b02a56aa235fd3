/* See torture.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/set.h"
#include "tests/lib/torture_priv.h"
#include "tools/check.h"

unsigned torture_count(void) {
    return scenario_count;
}

const char *torture_name(unsigned scenario) {
    return scenarios[scenario].name;
}

unsigned torture_find(const char *name) {
    unsigned i = 0;
    while (i < scenario_count && strcmp(scenarios[i].name, name) != 0)
        i++;
    return i;
}

uint64_t torture_draw(uint64_t *random, uint64_t end) {
    uint64_t z = *random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % end;
}

/* ---- playing ---- */

static struct torture *playing;

void torture_note(struct torture *t) {
    const uint64_t now = disk_changes();
    if (t->moment_count > 0 && t->moments[t->moment_count - 1].change == now) /* nothing can be cut between them */
        t->moment_count--;
    if (t->moment_count == t->moment_room) {
        t->moment_room = 2 * t->moment_room + 64;
        t->moments = realloc(t->moments, t->moment_room * sizeof *t->moments);
        if (!t->moments)
            abort();
    }
    t->moments[t->moment_count++] = (struct moment){now, t->world};
}

static void noted(struct script *s) {
    (void)s;
    torture_note(playing);
}

static JET_ERR play(struct torture *t) {
    struct script *s = &t->world.s;
    JET_ERR err = JET_errSuccess;
    script_init(s, t->seed, "/d");
    s->circular = t->scenario->circular;
    s->wide = t->world.only_a = t->scenario->wide;
    disk_install(t->seed);
    steady_set(!t->scenario->threads);
    if (t->scenario->makes_dirs) {
        disk_make_dir("/d");
    } else {
        disk_make_dir("/d/system");
        disk_make_dir("/d/data");
    }
    if (t->scenario->crowd)
        crowd_init(&t->crowd, t->scenario->crowd, s);
    if (t->scenario->prepare)
        err = t->scenario->prepare(t);
    if (err < 0)
        return err;
    playing = t;
    s->noted = noted;
    t->tape = disk_record();
    torture_note(t);
    err = t->scenario->play(t);
    t->changes = disk_changes();
    script_drop(s);
    disk_record_end();
    t->digest = disk_tape_digest(t->tape);
    return err;
}

struct torture *torture_play(unsigned scenario, uint64_t seed) {
    struct torture *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->scenario = &scenarios[scenario];
    t->seed = t->random = seed;
    JET_ERR err = play(t);
    if (err >= JET_errSuccess)
        return t;
    fprintf(stderr, "scenario %s, seed %" PRIu64 ": failed without a fault: %s\n", t->scenario->name, seed,
            err_name(err));
    script_drop(&t->world.s);
    torture_free(t);
    return NULL;
}

void torture_free(struct torture *t) {
    if (!t)
        return;
    disk_done();
    disk_tape_free(t->tape);
    crowd_free(&t->crowd);
    free(t->moments);
    free(t);
}

uint64_t torture_changes(const struct torture *t) {
    return t->changes;
}
uint64_t torture_digest(const struct torture *t) {
    return t->digest;
}

/* ---- what comes back ---- */

static bool file_is_good(const char *path) {
    struct reader *r = NULL;
    struct out out = {0};
    struct page_scan scan = {0};
    if (!disk_exists(path))
        return true;
    JET_ERR err = reader_open(path, &r);
    struct checker c = {.out = &out, .db = r->db};
    if (err >= JET_errSuccess)
        err = check_database(&c, r, &scan);
    bool clean = err >= JET_errSuccess && le32(r->header->state) == JET_dbstateCleanShutdown;
    pages_done(&scan);
    checker_done(&c);
    reader_close(r);
    SUCCEEDS(err);
    HOLDS(clean && c.findings == 0);
    return true;
}

JET_ERR torture_restore(struct world *w) {
    char data[300];
    snprintf(data, sizeof data, "%s/data", w->s.dir);
    TRY(script_instance(&w->s));
    JET_ERR err = JetRestoreInstance(w->s.instance, w->sets[0].path, w->in_place ? NULL : data, NULL);
    JET_ERR ended = JetTerm(w->s.instance);
    return err < 0 ? err : ended;
}

/* What a database may be whose creation was not acknowledged: not there, begun, or without its table. */
static JET_ERR attach(struct script *s, struct script_db *db) {
    JET_ERR err = script_attach(s, db);
    return !db->durable &&
                   (err == JET_errFileNotFound || err == JET_errDatabaseCorrupted || err == JET_errObjectNotFound)
               ? JET_errSuccess
               : err;
}

static JET_ERR attach_all(const struct torture *t, struct world *w) {
    struct script *s = &w->s;
    if (t->scenario->crowd) {
        TRY(JetAttachDatabase(s->session, s->a.path, 0));
        return JetOpenDatabase(s->session, s->a.path, NULL, &s->a.dbid, 0);
    }
    TRY(attach(s, &s->a));
    return w->only_a ? JET_errSuccess : attach(s, &s->b);
}

static JET_ERR revive(const struct torture *t, struct world *w) {
    if (w->restoring)
        TRY(torture_restore(w));
    TRY(script_start(&w->s));
    return attach_all(t, w);
}

static bool crowd_is_good(struct torture *t, struct world *w, uint64_t *random, uint32_t *found) {
    static struct crowd_state state;
    struct script *s = &w->s;
    HOLDS(crowd_check(&t->crowd, s, &state));
    *found = s->started;
    HOLDS(crowd_goes_on(&t->crowd, s, &state, *random));
    SUCCEEDS(script_stop(s, 0));
    if (torture_draw(random, 4) > 0)
        return true;
    SUCCEEDS(script_start(s));
    SUCCEEDS(attach_all(t, w));
    HOLDS(crowd_is(&t->crowd, s, &state));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

/* Whatever a cut has left there. */
static bool back_up_again(struct world *w, unsigned i) {
    const bool atomic = w->sets[i].atomic;
    if (!atomic)
        snprintf(w->sets[i].path, sizeof w->sets[i].path, "/sets/again");
    w->sets[i].low = w->s.durable;
    SUCCEEDS(JetBackupInstance(w->s.instance, w->sets[i].path, atomic ? JET_bitBackupAtomic : 0, NULL));
    w->sets[i].whole = true;
    return true;
}

static bool script_is_good(struct torture *t, struct world *w, uint64_t *random, uint32_t *found) {
    struct script *s = &w->s;
    HOLDS(script_check(s));
    *found = s->started;
    if (s->a.dbid == JET_dbidNil)
        SUCCEEDS(script_create(s, &s->a));
    if (s->b.dbid == JET_dbidNil && !w->only_a)
        SUCCEEDS(script_create(s, &s->b));
    SUCCEEDS(script_run(s, s->started + 2));
    if (w->set_count > 0 && torture_draw(random, 3) == 0) {
        HOLDS(back_up_again(w, (unsigned)torture_draw(random, w->set_count)));
        *found = s->started;
    }
    SUCCEEDS(script_stop(s, 0));
    if (torture_draw(random, 4) > 0)
        return true;
    SUCCEEDS(script_start(s));
    SUCCEEDS(attach_all(t, w));
    HOLDS(script_check(s));
    SUCCEEDS(script_stop(s, 0));
    return true;
}

/* P10 */
static bool set_is_good(const struct world *w, unsigned i, uint32_t found) {
    struct set set;
    JET_ERR err = set_find(w->sets[i].path, &set);
    set_done(&set);
    if (!w->sets[i].whole && err == JET_errFileNotFound)
        return true;
    SUCCEEDS(err);
    return script_restores(&w->s, w->sets[i].path, w->sets[i].low, found);
}

static bool world_is_good(struct torture *t, struct world *w, uint64_t *random) {
    uint32_t found = 0;
    SUCCEEDS(revive(t, w));
    if (t->scenario->crowd)
        HOLDS(crowd_is_good(t, w, random, &found));
    else
        HOLDS(script_is_good(t, w, random, &found));
    HOLDS(disk_open_files() == 0);
    HOLDS(file_is_good(w->s.a.path) && file_is_good(w->s.b.path));
    if (w->set_count > 0 && torture_draw(random, 2))
        HOLDS(set_is_good(w, (unsigned)torture_draw(random, w->set_count), found));
    return true;
}

/* ---- a cut ---- */

static const struct world *world_at(const struct torture *t, uint64_t cut) {
    size_t low = 0, high = t->moment_count; /* moments[low].change < cut */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (t->moments[middle].change < cut)
            low = middle;
        else
            high = middle;
    }
    return &t->moments[low].world;
}

bool torture_says = false;

/* Now and then only the process dies. */
static void power_on(uint64_t *random, uint64_t change) {
    const enum disk_loss loss = torture_draw(random, 8) ? DISK_LOSES : DISK_KEEPS;
    if (torture_says)
        printf("    power off at change %" PRIu64 ": %s\n", change,
               loss == DISK_LOSES ? "loses what was not synced" : "keeps everything");
    disk_power_on(loss);
}

/* The power goes off again while it comes back, if that takes so many changes. */
static bool cut_again(struct torture *t, const struct world *at, uint64_t *random) {
    struct world w = *at;
    const uint64_t change = 1 + torture_draw(random, UINT64_C(1) << (1 + torture_draw(random, 8)));
    disk_power_off_at(change);
    JET_ERR err = revive(t, &w);
    const bool off = disk_power_is_off();
    t->nested += off;
    script_drop(&w.s);
    HOLDS(off || err >= JET_errSuccess);
    HOLDS(disk_open_files() == 0);
    power_on(random, change);
    return true;
}

static bool cut_and_check(struct torture *t, struct world *w, uint64_t cut, uint64_t *random) {
    disk_play(t->tape, cut);
    power_on(random, cut);
    for (uint64_t more = torture_draw(random, 3); more > 0; more--)
        HOLDS(cut_again(t, w, random));
    return world_is_good(t, w, random);
}

bool torture_cut(struct torture *t, uint64_t cut, uint64_t draw) {
    uint64_t random = t->seed ^ cut << 20 ^ draw << 48;
    struct world w = *world_at(t, cut);
    w.s.noted = NULL;
    disk_install(torture_draw(&random, UINT64_MAX));
    steady_set(!t->scenario->threads);
    bool good = cut_and_check(t, &w, cut, &random);
    script_drop(&w.s);
    return good;
}

/* ---- all cuts ---- */

static bool cut_all(struct torture *t, uint64_t states, struct torture_counts *counts) {
    const uint64_t cuts = t->changes + 1, places = states < cuts ? states : cuts, draws = states / places;
    uint64_t random = t->seed;
    for (uint64_t i = 0; i < places; i++) { /* one place of each part: of each change, if there are states enough */
        const uint64_t from = i * cuts / places, to = (i + 1) * cuts / places;
        const uint64_t cut = 1 + from + torture_draw(&random, to - from);
        for (uint64_t draw = 0; draw < draws; draw++) {
            counts->states++;
            if (torture_cut(t, cut, draw))
                continue;
            counts->lost++;
            printf("lost: torture --scenario \"%s\" --seed %" PRIu64 " --cut %" PRIu64 " --draw %" PRIu64 "\n",
                   t->scenario->name, t->seed, cut, draw);
            return false;
        }
    }
    return true;
}

bool torture_sweep(unsigned scenario, uint64_t seed, uint64_t states, struct torture_counts *counts) {
    struct torture *t = torture_play(scenario, seed);
    if (!t) {
        counts->lost++;
        printf("lost: torture --scenario \"%s\" --seed %" PRIu64 "\n", torture_name(scenario), seed);
        return false;
    }
    bool good = cut_all(t, states, counts);
    counts->nested += t->nested;
    torture_free(t);
    return good;
}
