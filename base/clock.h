/* Wall time as ESE stamps it, random bytes, and the signatures made of both. */
#ifndef ESENT_BASE_CLOCK_H
#define ESENT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

JET_LOGTIME clock_logtime(void);                             /* now, UTC, with the UTC bit and milliseconds */
int64_t clock_logtime_ms(const JET_LOGTIME *t);              /* Unix milliseconds; 0 if unset or not a time */
void clock_logtime_text(const JET_LOGTIME *t, char out[32]); /* 2026-11-25 03:14:15 UTC, "never", "not a time" */
void clock_random(void *buffer, size_t bytes);
JET_SIGNATURE clock_signature(void); /* random number, now, no computer name */
uint64_t clock_monotonic_ns(void);   /* for measuring only */

#endif
