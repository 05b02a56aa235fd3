/* docs/events.md lists what the code knows, the code writes what it lists, and each is brought about by a scene of
 * test_api_events_backup.c or test_api_events_recovery.c. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/lib/testevents.h"

#define IDS TESTEVENTS_IDS

static char doc_severity[IDS][32]; /* "": not in the document */
static char enum_name[IDS][64];    /* "": not in the enum */

/* "    EVENT_STOP_BACKUP = 213," */
static void read_enum(void) {
    char *text = testevents_slurp(ESENT_SOURCE_DIR "/base/event.h"), *rest = strstr(text, "enum event_id {"), name[64];
    unsigned id;
    memset(enum_name, 0, sizeof enum_name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
    for (char *line; (line = strsep(&rest, "\n")) && *line != '}';)
        if (sscanf(line, " EVENT_%63[A-Z_] = %u,", name, &id) == 2 && id < IDS)
            snprintf(enum_name[id], sizeof enum_name[id], "%s", name);
    free(text);
}

static void document__lists_the_events_that_the_code_knows(void) {
    unsigned count = 0;
    testevents_read_document(doc_severity);
    read_enum();
    for (unsigned id = 0; id < IDS; id++) {
        count += enum_name[id][0] != 0;
        if (!enum_name[id][0] != !doc_severity[id][0])
            fprintf(stderr, "event %u: %s in docs/events.md, %s in base/event.h\n", id,
                    doc_severity[id][0] ? "listed" : "missing", enum_name[id][0] ? "listed" : "missing");
        CU_ASSERT_EQUAL(!enum_name[id][0], !doc_severity[id][0]);
    }
    CU_ASSERT(count > 40); /* a parser that finds nothing must not pass */
}

static void mark_written(const char *folder, bool written[IDS]) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", ESENT_SOURCE_DIR, folder);
    DIR *d = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".c"))
            continue;
        snprintf(path, sizeof path, "%s/%s/%.200s", ESENT_SOURCE_DIR, folder, e->d_name);
        char *text = testevents_slurp(path), name[64];
        for (const char *at = text; (at = strstr(at, "EVENT_")); at++)
            if (sscanf(at, "EVENT_%63[A-Z_]", name) == 1)
                for (unsigned id = 0; id < IDS; id++)
                    written[id] |= strcmp(enum_name[id], name) == 0;
        free(text);
    }
    closedir(d);
}

static void events__that_are_listed_are_written_somewhere(void) {
    static const char *const folders[] = {"log", "engine", "recovery", "backup", "api"};
    static bool written[IDS];
    read_enum();
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mark_written(folders[i], written);
    for (unsigned id = 0; id < IDS; id++) {
        if (enum_name[id][0] && !written[id])
            fprintf(stderr, "EVENT_%s is never written\n", enum_name[id]);
        CU_ASSERT(!enum_name[id][0] || written[id]);
    }
}

/* "    {213, STOPPED, backup, JET_errSuccess, "/set2"}," */
static void mark_played(const char *file, bool played[IDS]) {
    char path[1024], from[16];
    unsigned id;
    snprintf(path, sizeof path, "%s/tests/%s", ESENT_SOURCE_DIR, file);
    char *text = testevents_slurp(path), *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (sscanf(line, " {%u, %15[A-Z],", &id, from) == 2 && id < IDS)
            played[id] = true;
    free(text);
}

static void events__that_are_listed_have_a_scene_that_is_played(void) {
    static bool played[IDS];
    testevents_read_document(doc_severity);
    mark_played("test_api_events_recovery.c", played);
    mark_played("test_api_events_backup.c", played);
    for (unsigned id = 0; id < IDS; id++) {
        if (doc_severity[id][0] && !played[id])
            fprintf(stderr, "event %u is documented and has no scene\n", id);
        CU_ASSERT(!doc_severity[id][0] || played[id]);
    }
}

TEST_MAIN(TEST(document__lists_the_events_that_the_code_knows), TEST(events__that_are_listed_are_written_somewhere),
          TEST(events__that_are_listed_have_a_scene_that_is_played))
