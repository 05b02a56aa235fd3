/* What the files of esentutl share: arguments, exit codes, output, files.
 *
 * A command is a row of the table in main.c. It gets its arguments parsed, writes what it found to stdout (as text, or
 * with --json as one JSON document), complaints to stderr, and returns an exit code. */
#ifndef ESENT_TOOLS_TOOL_H
#define ESENT_TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/os.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_DAMAGE = 1, /* damage was found */
    EXIT_FAILED = 2, /* it could not be done, and nothing is known about damage */
};
/* Of several files, the highest counts. */
static inline int exit_worse(int a, int b) {
    return a > b ? a : b;
}

/* ---- arguments (args.c) ---- */

struct option_def {
    const char *name;  /* without the two dashes */
    const char *value; /* what stands for it in the help; NULL: a switch */
    const char *help;
};

struct args;
struct command {
    const char *name, *operands;
    const char *summary;              /* one line */
    const char *details;              /* paragraphs; may be NULL */
    const struct option_def *options; /* ends with a name of NULL */
    unsigned operands_min, operands_max;
    int (*run)(const struct args *args);
};

struct args {
    const struct command *command;
    const char **operands;
    unsigned operand_count;
    struct args_option {
        const struct option_def *def;
        const char *value;
    } * options;
    unsigned option_count;
};

#define OPTION_JSON                                                                                                    \
    { "json", NULL, "write one JSON document instead of text" }
#define OPTIONS_END                                                                                                    \
    { NULL, NULL, NULL }

/* argv: what follows the command's name. False: a complaint was written. The strings stay argv's. */
bool args_parse(struct args *args, const struct command *command, int argc, char **argv);
void args_done(struct args *args);
bool args_has(const struct args *args, const char *name);
const char *args_value(const struct args *args, const char *name); /* the last one given; NULL: none */
/* All values of an option in order: *at starts at 0. NULL: no more. */
const char *args_next(const struct args *args, const char *name, unsigned *at);

extern const struct command command_verify, command_header, command_check, command_tables, command_export,
    command_backup, command_verify_set, command_truncate, command_restore, command_recover;

/* ---- output (out.c) ---- */

#define OUT_DEPTH_MAX 8

/* One document. In text what is opened and closed does not show. */
struct out {
    bool json;
    unsigned indent; /* of lines and labels in text: the command's to set */
    unsigned depth;
    bool array[OUT_DEPTH_MAX], filled[OUT_DEPTH_MAX];
};

void out_start(struct out *o, bool json);
void out_finish(struct out *o); /* JSON: closes the document */
/* JSON only. key is NULL inside of an array. */
void out_open_object(struct out *o, const char *key);
void out_open_array(struct out *o, const char *key);
void out_close(struct out *o);
void out_string(struct out *o, const char *key, const char *value);
void out_number(struct out *o, const char *key, uint64_t value);
void out_bool(struct out *o, const char *key, bool value);
void out_null(struct out *o, const char *key);
/* Text only. */
void out_line(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_label(struct out *o, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Both. */
void out_field(struct out *o, const char *key, const char *label, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void out_count(struct out *o, const char *key, const char *label, uint64_t value);

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void json_string(FILE *to, const char *text, size_t bytes);
/* Flushes stdout: EXIT_FAILED with a complaint if something could not be written, else code. */
int out_exit(int code);

/* "esentutl: PATH: ..." to stderr. */
void complain(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The error's name and meaning, for complaints: "JET_errDiskIO (-1022): Disk IO error". A ring of static buffers. */
const char *err_words(JET_ERR err);

/* "esentutl: PATH: what: JET_err..."; returns the exit code that belongs to the error. what may be NULL. */
int complain_err(const char *path, const char *what, JET_ERR err);

/* ---- progress (progress.c): a bar on stderr where that is a terminal ---- */

struct progress {
    const char *what;
    uint64_t total;
    int shown; /* percent; -1: no bar */
};
void progress_start(struct progress *p, const char *what, uint64_t total);
void progress_step(struct progress *p, uint64_t done);
void progress_end(struct progress *p); /* takes the bar away */
void progress_hide(void);              /* before a line is written meanwhile: the bar comes back with the next step */

/* ---- files (file.c) ---- */

enum file_kind { FILE_UNKNOWN, FILE_DATABASE, FILE_LOG, FILE_CHECKPOINT };

/* What a file is, by its content: its type byte, and where that is damaged what else is sure. EXIT_DONE; EXIT_FAILED
 * with the reason in why (it is not there, a directory, empty, of no known kind). */
int file_identify(const char *path, enum file_kind *kind, uint64_t *bytes, char why[256]);
/* In words, for a file that was there a moment ago but cannot be opened. */
const char *file_open_words(const char *path, JET_ERR err);

#endif
