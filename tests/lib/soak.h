/* The soak of ./dev torture --soak: real files; children with four sessions and backups that are killed with -9 while
 * they work, back up and recover; restores elsewhere; every row compared after each; a disk that is really full.
 * What must not grow over time is measured at equal points: memory, descriptors, files. */
#ifndef ESENT_TESTS_SOAK_H
#define ESENT_TESTS_SOAK_H

/* A test case (test.h): of this many seconds, one round at least. */
void soak(void);
extern double soak_seconds;
/* Afterwards: its figures. A loss ends it: lost is 0 or 1. */
void soak_show(unsigned lost);

#endif
