/* See testevents.h. */
#define _GNU_SOURCE
#include "tests/lib/testevents.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

char *testevents_slurp(const char *path) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_FATAL(getdelim(&text, &size, 0, f) > 0);
    fclose(f);
    return text;
}

void testevents_read_document(char severity[TESTEVENTS_IDS][32]) {
    char *text = testevents_slurp(ESENT_SOURCE_DIR "/docs/events.md"), *rest = text, name[80], word[32];
    unsigned id;
    memset(severity, 0, TESTEVENTS_IDS * sizeof severity[0]);
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (sscanf(line, "| %u | %79[A-Z_0-9] | %31[a-z, ] |", &id, name, word) != 3)
            continue;
        CU_ASSERT_FATAL(id < TESTEVENTS_IDS);
        CU_ASSERT_EQUAL(severity[id][0], 0); /* once */
        memcpy(severity[id], word, sizeof word);
    }
    free(text);
}

/* ---- what was heard ---- */

#define HEARD_MAX 512u

static struct testevent heard[HEARD_MAX];
static unsigned heard_count, heard_at; /* heard_at: what testevents_expect() has not passed yet */
static pthread_mutex_t heard_mutex = PTHREAD_MUTEX_INITIALIZER;

void JET_API testevents_hear(const JET_EVENTINFO *event, void *context) {
    (void)context;
    pthread_mutex_lock(&heard_mutex);
    if (heard_count < HEARD_MAX) {
        struct testevent *h = &heard[heard_count++];
        *h = (struct testevent){.id = event->idEvent, .severity = event->severity, .instance = event->instance};
        snprintf(h->name, sizeof h->name, "%s", event->szInstanceName);
        snprintf(h->text, sizeof h->text, "%s", event->szText);
    }
    pthread_mutex_unlock(&heard_mutex);
}

void testevents_forget(void) {
    heard_count = heard_at = 0;
}

unsigned testevents_count(void) {
    return heard_count;
}

const struct testevent *testevents_get(unsigned i) {
    return &heard[i];
}

bool testevents_was_heard(uint32_t id) {
    for (unsigned i = 0; i < heard_count; i++)
        if (heard[i].id == id)
            return true;
    return false;
}

bool testevents_is_documented(const struct testevent *event) {
    static const char *const severities[] = {"", "error", "warning", "information"};
    static char documented[TESTEVENTS_IDS][32];
    if (!documented[213][0])
        testevents_read_document(documented);
    return event->id < TESTEVENTS_IDS && event->severity >= JET_EventError && event->severity <= JET_EventInformation &&
           strstr(documented[event->id], severities[event->severity]);
}

const struct testevent *testevents_expect(uint32_t id, ...) {
    va_list facts;
    while (heard_at < heard_count && heard[heard_at].id != id)
        heard_at++;
    if (heard_at == heard_count)
        fprintf(stderr, "event %u was not heard\n", id);
    CU_ASSERT_FATAL(heard_at < heard_count);
    const struct testevent *h = &heard[heard_at++];
    va_start(facts, id);
    for (const char *fact; (fact = va_arg(facts, const char *));) {
        if (!strstr(h->text, fact))
            fprintf(stderr, "event %u: \"%s\" does not say %s\n", id, h->text, fact);
        CU_ASSERT(strstr(h->text, fact) != NULL);
    }
    va_end(facts);
    CU_ASSERT_TRUE(testevents_is_documented(h));
    return h;
}
