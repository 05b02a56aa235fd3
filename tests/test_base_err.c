/* Names and texts of errors, time stamps, and who hears of an event. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/event.h"

/* ---- errors ---- */

static void err_name__knows_every_error_of_the_header(void) {
    FILE *header = fopen(ESENT_SOURCE_DIR "/include/esent.h", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    char line[512], name[128];
    unsigned count = 0, wrong = 0;
    while (fgets(line, sizeof line, header)) {
        int value;
        if (sscanf(line, "#define %127s (%d)", name, &value) != 2 &&
            sscanf(line, "#define %127s %d", name, &value) != 2)
            continue;
        if (strncmp(name, "JET_err", 7) != 0 && strncmp(name, "JET_wrn", 7) != 0)
            continue;
        count++;
        if (strcmp(err_name(value), name) != 0 || err_text(value)[0] == '\0') {
            printf("\n    %s (%d) is called %s", name, value, err_name(value));
            wrong++;
        }
    }
    fclose(header);
    CU_ASSERT(count > 400);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void err_text__says_it_in_words(void) {
    CU_ASSERT_STRING_EQUAL(err_name(JET_errSuccess), "JET_errSuccess");
    CU_ASSERT_STRING_EQUAL(err_text(JET_errKeyDuplicate), "key exists already and must be unique");
    CU_ASSERT_STRING_EQUAL(err_text(JET_errTooManySorts), "too many sorts"); /* made of the name */
    CU_ASSERT_STRING_EQUAL(err_text(JET_errLSNotSet), "LS not set");
    CU_ASSERT_STRING_EQUAL(err_text(JET_errOSSnapshotInvalidSnapId), "OS snapshot invalid snap id");
    CU_ASSERT_STRING_EQUAL(err_name(-99999), "unknown error");
    CU_ASSERT_STRING_EQUAL(err_name(99999), "unknown warning");
    CU_ASSERT_PTR_NOT_NULL(err_text(-99999));
}

static JET_ERR closes;

static JET_ERR give(JET_ERR err) {
    return err;
}

static JET_ERR work_then_close(JET_ERR work) {
    JET_ERR err = JET_errSuccess;
    CALL(give(work));
cleanup:
    CALL_KEEP_FIRST(give(closes));
    return err;
}

static void err_idiom__the_first_failure_wins_and_warnings_pass(void) {
    closes = JET_errSuccess;
    CU_ASSERT_EQUAL(work_then_close(JET_errDiskFull), JET_errDiskFull);
    CU_ASSERT_EQUAL(work_then_close(JET_wrnBufferTruncated), JET_wrnBufferTruncated);
    closes = JET_errDiskIO;
    CU_ASSERT_EQUAL(work_then_close(JET_errDiskFull), JET_errDiskFull);
    CU_ASSERT_EQUAL(work_then_close(JET_wrnBufferTruncated), JET_errDiskIO);
}

/* ---- time ---- */

static void clock_logtime__goes_to_milliseconds_and_text(void) {
    /* 2021-03-04 05:06:07.891 UTC; 891 = 6 * 128 + 123 */
    JET_LOGTIME t = {7, 6, 5, 4, 3, 121, (char)(1 | 123 << 1), 6 << 1};
    char text[32];
    CU_ASSERT_EQUAL(clock_logtime_ms(&t), 1614834367891);
    clock_logtime_text(&t, text);
    CU_ASSERT_STRING_EQUAL(text, "2021-03-04 05:06:07 UTC");
    t.bYear = (char)(2030 - 1900); /* does not fit a signed byte */
    t.bFiller1 = 0;
    clock_logtime_text(&t, text);
    CU_ASSERT_STRING_EQUAL(text, "2030-03-04 05:06:07");
}

static void clock_logtime__now_is_between_before_and_after(void) {
    static const JET_LOGTIME unset;
    JET_LOGTIME a = clock_logtime(), b = clock_logtime();
    CU_ASSERT(clock_logtime_ms(&a) > INT64_C(1700000000000));
    CU_ASSERT(clock_logtime_ms(&a) <= clock_logtime_ms(&b));
    CU_ASSERT(a.bFiller1 & 1);
    CU_ASSERT_NOT_EQUAL(memcmp(&a, &unset, sizeof a), 0);
    uint64_t before = clock_monotonic_ns();
    CU_ASSERT(before <= clock_monotonic_ns());
}

static void clock_logtime__what_is_no_time_is_said_so(void) {
    static const JET_LOGTIME bad[] = {
        {60, 0, 0, 1, 1, 100},         {0, 60, 0, 1, 1, 100}, {0, 0, 24, 1, 1, 100},
        {0, 0, 0, 0, 1, 100},          {0, 0, 0, 31, 4, 100}, {0, 0, 0, 29, 2, 101},
        {0, 0, 0, 1, 0, 100},          {0, 0, 0, 1, 13, 100}, {-1, -1, -1, -1, -1, -1, -1, -1},
        {0, 0, 0, 1, 1, 100, -1, 0xE},
    };
    char text[32];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        clock_logtime_text(&bad[i], text);
        CU_ASSERT_STRING_EQUAL(text, "not a time");
        CU_ASSERT_EQUAL(clock_logtime_ms(&bad[i]), 0);
    }
    JET_LOGTIME unset = {0};
    clock_logtime_text(&unset, text);
    CU_ASSERT_STRING_EQUAL(text, "never");
    CU_ASSERT_EQUAL(clock_logtime_ms(&unset), 0);
}

static void clock_signature__no_two_are_alike(void) {
    JET_SIGNATURE a = clock_signature(), b = clock_signature();
    static const char no_name[16];
    CU_ASSERT_NOT_EQUAL(a.ulRandom, 0);
    CU_ASSERT_NOT_EQUAL(a.ulRandom, b.ulRandom);
    CU_ASSERT_EQUAL(memcmp(a.szComputerName, no_name, sizeof no_name), 0);
    CU_ASSERT_NOT_EQUAL(clock_logtime_ms(&a.logtimeCreate), 0);
}

/* ---- events ---- */

struct heard {
    unsigned count;
    int id;
    enum event_severity severity;
    char text[64];
};

static void hear(void *context, int id, enum event_severity severity, const char *text) {
    struct heard *heard = context;
    heard->count++;
    heard->id = id;
    heard->severity = severity;
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

static unsigned heard_of(int level, bool no_information, enum event_severity severity) {
    struct heard heard = {0};
    struct event_sink sink = {.level = level, .no_information = no_information, .fn = hear, .context = &heard};
    event_write(&sink, EVENT_START_INSTANCE, severity, "x");
    return heard.count;
}

static void event_write__reaches_the_callback_with_its_number_and_text(void) {
    struct heard heard = {0};
    struct event_sink sink = {.source = "test", .level = 100, .fn = hear, .context = &heard};
    event_write(&sink, EVENT_PAGE_READ_ERROR, EVENT_ERROR, "page %u of %s", 17u, "a.edb");
    CU_ASSERT(heard.count == 1 && heard.id == 474 && heard.severity == EVENT_ERROR);
    CU_ASSERT_STRING_EQUAL(heard.text, "page 17 of a.edb");
    event_write(NULL, EVENT_PAGE_READ_ERROR, EVENT_ERROR, "nobody listens");
    sink.fn = NULL;
    event_write(&sink, EVENT_PAGE_READ_ERROR, EVENT_ERROR, "syslog only");
}

static void event_write__is_filtered_by_level(void) {
    CU_ASSERT_EQUAL(heard_of(0, false, EVENT_ERROR), 0);
    CU_ASSERT_EQUAL(heard_of(1, false, EVENT_ERROR), 1);
    CU_ASSERT_EQUAL(heard_of(24, false, EVENT_WARNING), 0);
    CU_ASSERT_EQUAL(heard_of(24, false, EVENT_INFO), 0);
    CU_ASSERT_EQUAL(heard_of(25, false, EVENT_WARNING), 1);
    CU_ASSERT_EQUAL(heard_of(25, false, EVENT_INFO), 1);
    CU_ASSERT_EQUAL(heard_of(100, true, EVENT_INFO), 0);
    CU_ASSERT_EQUAL(heard_of(100, true, EVENT_WARNING), 1);
}

TEST_MAIN(TEST(err_name__knows_every_error_of_the_header), TEST(err_text__says_it_in_words),
          TEST(err_idiom__the_first_failure_wins_and_warnings_pass), TEST(clock_logtime__goes_to_milliseconds_and_text),
          TEST(clock_logtime__now_is_between_before_and_after), TEST(clock_logtime__what_is_no_time_is_said_so),
          TEST(clock_signature__no_two_are_alike), TEST(event_write__reaches_the_callback_with_its_number_and_text),
          TEST(event_write__is_filtered_by_level))
