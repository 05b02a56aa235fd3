/* An instance in a directory, worked with through the public API alone. What the API has to be told (size of pages and
 * log files, circular logging or not) is read from the log that is there. */
#ifndef ESENT_TOOLS_INSTANCE_H
#define ESENT_TOOLS_INSTANCE_H

#include "log/log.h"
#include "tools/tool.h"

/* Where the parts of an instance are, and how its log was made. */
struct stream {
    struct log_dir logs;
    char system[OS_PATH_MAX]; /* directory of the checkpoint */
    uint32_t page_size, log_file_bytes;
    bool circular;
};

/* From --base and --system (where a command has them) and the directory of the log; nothing of its files is read.
 * EXIT_FAILED with a complaint. */
int stream_name(struct stream *s, const struct args *args, const char *dir);
/* The newest log file there says how the log was made. EXIT_FAILED with a complaint if there is none: a log is never
 * begun here. */
int stream_read(struct stream *s);

/* instance NULL: of the engine, for functions that have no instance. */
MUST_CHECK JET_ERR instance_set_parameters(const struct stream *s, JET_INSTANCE *instance);
/* Makes an instance with the parameters of a stream. EXIT_FAILED with a complaint. */
int instance_make(const struct stream *s, JET_INSTANCE *out);
/* Starts it, which recovers what is there. EXIT_DAMAGE, EXIT_FAILED. */
int instance_start(const struct stream *s, JET_INSTANCE *instance);
/* Ends it, started or not, and returns the worse of code and what that gives. */
int instance_end(const struct stream *s, JET_INSTANCE instance, int code);

/* A JET_PFNSTATUS that draws a bar. */
JET_ERR instance_status(JET_SESID sesid, JET_SNP snp, JET_SNT snt, void *progress);

#define OPTION_BASE                                                                                                    \
    { "base", "NAME", "first three letters of the log files' names (edb)" }

#endif
