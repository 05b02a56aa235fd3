/* How far a restore goes: --until-generation and --until-time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tools/until.h"

static int read_generation(const char *text, lggen_t *out) {
    char *end;
    unsigned long gen = strtoul(text, &end, 16);
    if (!*text || *end || gen == 0 || gen > LOG_GEN_MAX || text[0] == '-') {
        complain(text, "is no log generation: hexadecimal, as in edb0000A.log");
        return EXIT_FAILED;
    }
    *out = (lggen_t)gen;
    return EXIT_DONE;
}

static int read_time(const char *text, JET_LOGTIME *out) {
    int year, month, day, hour, minute, second, end = 0;
    if (sscanf(text, "%4d-%2d-%2d%*1[ T]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &end) == 6 &&
        end && (!text[end] || strcmp(text + end, "Z") == 0 || strcmp(text + end, " UTC") == 0) && year > 1900 &&
        year < 1900 + 256)
        *out = (JET_LOGTIME){.bSeconds = (char)second,
                             .bMinutes = (char)minute,
                             .bHours = (char)hour,
                             .bDay = (char)day,
                             .bMonth = (char)month,
                             .bYear = (char)(year - 1900),
                             .bFiller1 = 1};
    if (clock_logtime_ms(out))
        return EXIT_DONE;
    complain(text, "is no time: YYYY-MM-DD HH:MM:SS, in UTC");
    return EXIT_FAILED;
}

int until_read(const struct args *args, struct until *out) {
    const char *gen = args_value(args, "until-generation"), *time = args_value(args, "until-time");
    *out = (struct until){0};
    int code = gen ? read_generation(gen, &out->gen) : EXIT_DONE;
    return code == EXIT_DONE && time ? read_time(time, &out->time) : code;
}

static int too_young(const char *what) {
    complain(what, "is younger than the time that was asked for");
    return EXIT_FAILED;
}

int until_within(const struct until *until, const struct log_dir *set, lggen_t low, lggen_t high,
                 const struct log_dir *own, lggen_t *out) {
    JET_ERR err = JET_errSuccess;
    const int64_t when = clock_logtime_ms(&until->time);
    struct log_range range;
    lggen_t last = until->gen, after = 0;

    *out = high;
    if (!last && !when)
        return EXIT_DONE;
    if (last > high) {
        complain(set->path, "ends with log generation %X", high);
        return EXIT_FAILED;
    }
    if (when)
        CALL(log_dir_first_after(set, low, high, when, &after));
    if (when && !after && !last) /* so the log in DIR goes on, as far as it is older */
        CALL(log_dir_first_after(own, high + 1, LOG_GEN_MAX, when, &after));
    if (after == low)
        return too_young(set->path);
    if (after && (!last || after <= last))
        last = after - 1;
    CALL(log_dir_scan(own, &range));
    if (last && (range.high > last || range.current > last)) {
        complain(own->path, "holds log files beyond what is restored: move them away");
        return EXIT_FAILED;
    }
    if (last && last < high)
        *out = last;
cleanup:
    return err < JET_errSuccess ? complain_err(own->path, NULL, err) : EXIT_DONE;
}
