/* For tests of events: scenes. A scene brings about what an event tells of through the public API, on a disk in memory
 * that is the same before each:
 *
 *     /live      an instance with databases a and b in /live/data, its log in /live/system; CRASHED or STOPPED
 *     /set       a full and an incremental backup of it, made before its last log files
 *     /old       a.edb as the set has it, clean.edb: as of before the full backup
 *     /foreign   another instance
 *
 * The scene returns the error of what it did; the event that it is about must have been heard and contain its fact, and
 * every event must have the severity that docs/events.md says. */
#ifndef ESENT_TESTS_TESTSCENES_H
#define ESENT_TESTS_TESTSCENES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "log/log.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"
#include "tests/lib/testevents.h"

/* In front of libc's: the system's log is not for this. */
void syslog(int priority, const char *format, ...) {
    (void)priority, (void)format;
}

/* ---- the disk ---- */

static struct disk_image *crashed, *stopped; /* how /live ended */
static lggen_t set_low, set_high, own_low, own_high;
static bool wide; /* of the next instance: pages are written while it runs */

static inline const char *log_path(const char *dir, lggen_t gen) {
    static char ring[4][256];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], gen ? "%.200s/edb%05X.log" : "%.200s/edb.log", dir, gen);
    return out;
}
static inline const char *own(lggen_t gen) {
    return log_path("/live/system", gen);
}
static inline const char *in_set(lggen_t gen) {
    return log_path("/set", gen);
}

static inline void instance(struct script *s, const char *dir) {
    script_init(s, 1, dir);
    s->wide = wide;
    CHECK_OK(script_instance(s));
    CHECK_OK(JetSetSystemParameter(&s->instance, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
}

static inline JET_ERR run(struct script *s, const char *dir) {
    instance(s, dir);
    JET_ERR err = JetInit(&s->instance);
    if (err < JET_errSuccess)
        return err;
    s->running = true;
    return JetBeginSession(s->instance, &s->session, NULL, NULL);
}

/* As a clean start of /live; transactions go on with the n-th. */
static inline void run_live(struct script *s, uint32_t n) {
    CHECK_OK(run(s, "/live"));
    CHECK_OK(script_attach(s, &s->a));
    CHECK_OK(script_attach(s, &s->b));
    s->started = s->durable = n;
}

enum { AT_OLD = 6, AT_FULL = 60, AT_SET = 120, AT_END = 280 };

static inline void build_live(void) {
    struct script s;
    struct log_range range;
    struct log_dir live = {.path = "/live/system", .base = "edb"}, set = {.path = "/set", .base = "edb"};

    CHECK_OK(run(&s, "/live"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_create(&s, &s.b));
    CHECK_OK(script_run(&s, AT_OLD));
    CHECK_OK(script_stop(&s, 0));
    disk_copy("/live/data/a.edb", "/old/clean.edb");
    run_live(&s, AT_OLD);
    CHECK_OK(script_run(&s, AT_FULL));
    CHECK_OK(JetBackupInstance(s.instance, "/set", 0, NULL));
    CHECK_OK(script_run(&s, AT_SET));
    CHECK_OK(JetBackupInstance(s.instance, "/set", JET_bitBackupIncremental, NULL));
    disk_copy("/live/data/a.edb", "/old/a.edb");
    CHECK_OK(script_stop(&s, 0));
    run_live(&s, AT_SET); /* recovery of what follows begins here: no checkpoint is due before the end */
    CHECK_OK(script_run(&s, AT_END));
    CHECK_OK(script_stop(&s, JET_bitTermDirty));
    crashed = disk_save();
    CHECK_OK(log_dir_scan(&set, &range));
    set_low = range.low, set_high = range.high;
    CHECK_OK(log_dir_scan(&live, &range));
    own_low = range.low, own_high = range.high;
    CU_ASSERT_FATAL(set_high >= set_low + 2 && own_high >= set_high + 4 && own_low + 1 < set_high);
    CHECK_OK(run(&s, "/live"));
    CHECK_OK(script_stop(&s, 0));
    stopped = disk_save();
}

static inline void build(void) {
    struct script s;
    disk_install(test_random());
    CHECK_OK(JetSetEventCallback(0, testevents_hear, NULL));
    CHECK_OK(run(&s, "/foreign"));
    CHECK_OK(script_create(&s, &s.a));
    CHECK_OK(script_run(&s, AT_END));
    CHECK_OK(script_stop(&s, 0));
    build_live();
}

static inline void take_down(void) {
    disk_image_free(crashed);
    disk_image_free(stopped);
    CHECK_OK(JetSetEventCallback(0, NULL, NULL));
    disk_done();
}

/* Ends it as well as it can, and gives the error of the scene. */
static inline JET_ERR end(struct script *s, JET_ERR err) {
    disk_no_fault();
    script_drop(s);
    return err;
}

/* ---- scenes ---- */

enum from { CRASHED, STOPPED };

struct scene {
    uint32_t id;
    enum from from;
    JET_ERR (*play)(void);
    JET_ERR err;
    const char *fact; /* in the event's text */
};

static inline void print_heard(const struct scene *scene, JET_ERR err) {
    fprintf(stderr, "scene of event %u: %s; heard\n", scene->id, err_name(err));
    for (unsigned i = 0; i < testevents_count(); i++)
        fprintf(stderr, "    %u %s\n", testevents_get(i)->id, testevents_get(i)->text);
}

static inline void play(const struct scene *scene) {
    bool found = false;
    disk_load(scene->from == CRASHED ? crashed : stopped);
    testevents_forget();
    JET_ERR err = scene->play();
    for (unsigned i = 0; i < testevents_count(); i++) {
        const struct testevent *event = testevents_get(i);
        CU_ASSERT_TRUE(testevents_is_documented(event));
        found |= event->id == scene->id && strstr(event->text, scene->fact);
    }
    if (!found || err != scene->err)
        print_heard(scene, err);
    CU_ASSERT_TRUE(found);
    CU_ASSERT_EQUAL(err, scene->err);
    CU_ASSERT_EQUAL_FATAL(disk_open_files(), 0);
}

static inline void play_all(const struct scene *scenes, size_t count) {
    build();
    for (size_t i = 0; i < count; i++)
        play(&scenes[i]);
    take_down();
}
#define PLAY_ALL(scenes) play_all(scenes, sizeof scenes / sizeof scenes[0])

#endif
