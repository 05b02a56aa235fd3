/* For the tests of events: what an instance told, and docs/events.md, which says what it may tell.
 *
 *     JetSetEventCallback(instance, testevents_hear, NULL);
 *     testevents_forget();
 *     ...
 *     testevents_expect(210, "/set", NULL);     event 210 was heard, and names /set
 *     testevents_expect(213, NULL);             and later 213 */
#ifndef ESENT_TESTS_TESTEVENTS_H
#define ESENT_TESTS_TESTEVENTS_H

#include <esent.h>
#include <stdbool.h>

#define TESTEVENTS_IDS 1000u

char *testevents_slurp(const char *path); /* the whole file; the caller frees it */

/* "| 213 | STOP_BACKUP_INSTANCE_ID | information | a backup is complete | |": severity[213] is "information". Empty for
 * what is not in the document. */
void testevents_read_document(char severity[TESTEVENTS_IDS][32]);

struct testevent {
    uint32_t id, severity;
    JET_INSTANCE instance;
    char name[32], text[2048]; /* of the instance; of the event */
};

void JET_API testevents_hear(const JET_EVENTINFO *event, void *context); /* from any thread; keeps the first 512 */
void testevents_forget(void);
unsigned testevents_count(void);
const struct testevent *testevents_get(unsigned i);
bool testevents_was_heard(uint32_t id);
/* The document lists it with this severity. */
bool testevents_is_documented(const struct testevent *event);
/* The next event with this number behind the one that was expected last. It must contain these facts (the last one:
 * NULL) and be documented. Fatal to the test if there is none. */
const struct testevent *testevents_expect(uint32_t id, ...);

#endif
