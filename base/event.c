/* Events go to syslog and to the callback. The source stands in the message: syslog's identity belongs to the program
 * (openlog() is one per process), and a library does not change it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/event.h"

#define EVENT_TEXT_MAX 2048
#define LEVEL_LOW 25 /* from here on warnings and information as well */

static _Thread_local bool in_callback;

bool event_in_callback(void) {
    return in_callback;
}

static bool wanted(const struct event_sink *sink, enum event_severity severity) {
    if (sink->level <= 0)
        return false;
    if (severity == EVENT_ERROR)
        return true;
    return sink->level >= LEVEL_LOW && !(severity == EVENT_INFO && sink->no_information);
}

static int priority(enum event_severity severity) {
    switch (severity) {
    case EVENT_ERROR:
        return LOG_ERR;
    case EVENT_WARNING:
        return LOG_WARNING;
    case EVENT_INFO:
        return LOG_INFO;
    }
    return LOG_ERR;
}

void event_write(const struct event_sink *sink, enum event_id id, enum event_severity severity, const char *format,
                 ...) {
    if (!sink || !wanted(sink, severity))
        return;
    int saved = errno;
    char text[EVENT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    syslog(LOG_DAEMON | priority(severity), "%s: %s%sevent %d: %s", sink->source[0] ? sink->source : "ESENT",
           sink->instance, sink->instance[0] ? ": " : "", (int)id, text);
    if (sink->fn && !in_callback) {
        in_callback = true;
        sink->fn(sink->context, id, severity, text);
        in_callback = false;
    }
    errno = saved;
}
