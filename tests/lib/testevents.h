/* docs/events.md, as the tests of events read it. */
#ifndef ESENT_TESTS_TESTEVENTS_H
#define ESENT_TESTS_TESTEVENTS_H

#define TESTEVENTS_IDS 1000u

char *testevents_slurp(const char *path); /* the whole file; the caller frees it */

/* "| 213 | STOP_BACKUP_INSTANCE_ID | information | a backup is complete | |": severity[213] is "information". Empty for
 * what is not in the document. */
void testevents_read_document(char severity[TESTEVENTS_IDS][32]);

#endif
