/* ESE's time stamp is eight bytes: second, minute, hour, day, month (1-12), year - 1900, then bit 0: UTC, bits 1-7:
 * low 7 bits of the milliseconds; bit 0: reserved, bits 1-3: their high 3 bits. All zero: unset. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"

_Static_assert(sizeof(JET_LOGTIME) == 8, "JET_LOGTIME stands on disk as it is");
_Static_assert(sizeof(JET_SIGNATURE) == 28, "JET_SIGNATURE stands on disk as it is");

JET_LOGTIME clock_logtime(void) {
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    unsigned ms = (unsigned)(now.tv_nsec / 1000000);
    return (JET_LOGTIME){
        .bSeconds = (char)(tm.tm_sec > 59 ? 59 : tm.tm_sec),
        .bMinutes = (char)tm.tm_min,
        .bHours = (char)tm.tm_hour,
        .bDay = (char)tm.tm_mday,
        .bMonth = (char)(tm.tm_mon + 1),
        .bYear = (char)tm.tm_year,
        .bFiller1 = (char)(1 | (ms & 0x7F) << 1),
        .bFiller2 = (char)(ms >> 7 << 1),
    };
}

/* False if unset or not a date; seconds are since 1970, UTC. */
static bool parse(const JET_LOGTIME *t, int64_t *seconds, unsigned *ms) {
    struct tm tm = {
        .tm_sec = (unsigned char)t->bSeconds,
        .tm_min = (unsigned char)t->bMinutes,
        .tm_hour = (unsigned char)t->bHours,
        .tm_mday = (unsigned char)t->bDay,
        .tm_mon = (unsigned char)t->bMonth - 1,
        .tm_year = (unsigned char)t->bYear,
    };
    struct tm normal = tm;
    time_t when = timegm(&normal);
    /* timegm() turns February 30 into March 2: a time that is not one does not come back as it went in. */
    if (normal.tm_sec != tm.tm_sec || normal.tm_min != tm.tm_min || normal.tm_hour != tm.tm_hour ||
        normal.tm_mday != tm.tm_mday || normal.tm_mon != tm.tm_mon || normal.tm_year != tm.tm_year)
        return false;
    *seconds = when;
    *ms = (unsigned char)t->bFiller1 >> 1 | ((unsigned char)t->bFiller2 >> 1 & 7u) << 7;
    return *ms < 1000;
}

int64_t clock_logtime_ms(const JET_LOGTIME *t) {
    int64_t seconds;
    unsigned ms;
    return parse(t, &seconds, &ms) ? seconds * 1000 + ms : 0;
}

void clock_logtime_text(const JET_LOGTIME *t, char out[32]) {
    int64_t seconds;
    unsigned ms;
    if (!parse(t, &seconds, &ms)) {
        static const JET_LOGTIME unset;
        snprintf(out, 32, "%s", memcmp(t, &unset, sizeof unset) == 0 ? "never" : "not a time");
        return;
    }
    snprintf(out, 32, "%04d-%02d-%02d %02d:%02d:%02d%s", 1900 + (unsigned char)t->bYear, (unsigned char)t->bMonth,
             (unsigned char)t->bDay, (unsigned char)t->bHours, (unsigned char)t->bMinutes, (unsigned char)t->bSeconds,
             t->bFiller1 & 1 ? " UTC" : "");
}

void clock_random(void *buffer, size_t bytes) {
    for (char *p = buffer; bytes > 0;) {
        ssize_t n = getrandom(p, bytes, 0);
        if (n < 0 && errno != EINTR) {
            fprintf(stderr, "esent: getrandom: %s\n", strerror(errno));
            abort(); /* a signature that is not unique would let foreign logs pass */
        }
        if (n > 0) {
            p += n;
            bytes -= (size_t)n;
        }
    }
}

JET_SIGNATURE clock_signature(void) {
    JET_SIGNATURE signature = {.logtimeCreate = clock_logtime()};
    while (signature.ulRandom == 0)
        clock_random(&signature.ulRandom, sizeof signature.ulRandom);
    return signature;
}

uint64_t clock_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
