/* How far a restore goes: --until-generation and --until-time. */
#ifndef ESENT_TOOLS_UNTIL_H
#define ESENT_TOOLS_UNTIL_H

#include "log/log.h"
#include "tools/tool.h"

struct until {
    lggen_t gen;      /* the last one; 0: any */
    JET_LOGTIME time; /* none that was created later; unset: any */
};
/* EXIT_FAILED with a complaint. */
int until_read(const struct args *args, struct until *out);
/* The last of the log files low to high in `set` that is replayed. Those in `own` are all replayed where they follow,
 * so one that must not be is an error: EXIT_FAILED with a complaint. */
int until_within(const struct until *until, const struct log_dir *set, lggen_t low, lggen_t high,
                 const struct log_dir *own, lggen_t *out);

#define UNTIL_OPTIONS                                                                                                  \
    {"until-generation", "GEN", "replay no log generation behind GEN (hexadecimal, as in the files' names)"}, {        \
        "until-time", "TIME", "replay no log file created after TIME: YYYY-MM-DD HH:MM:SS, UTC"                        \
    }

#endif
