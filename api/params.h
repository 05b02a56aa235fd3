/* The parameters of JetSetSystemParameter: what there is, what each may be, and the values of the engine and of each
 * instance. docs/parameters.md says the same to users.
 *
 * There is one struct params for the engine and one for each instance. An instance starts with the engine's values.
 * Parameters of global scope are the engine's, whichever struct is asked.
 *
 * Numbers may be read at any time. Strings, and all changes, are the caller's to serialise (OS_RANK_API); an instance's
 * strings do not change while it runs. */
#ifndef ESENT_API_PARAMS_H
#define ESENT_API_PARAMS_H

#include "engine/inst.h"

#define PARAM_COUNT 79
#define PARAM_STRINGS 9
#define PARAM_STRING_BYTES 800 /* 259 UTF-16 units are at most 777 bytes */

enum param_type {
    PARAM_INTEGER,
    PARAM_BOOLEAN,
    PARAM_GRBIT,
    PARAM_POWER_OF_TWO,
    PARAM_STRING,
    PARAM_FOLDER,   /* absolute, ends with '/'; "" where that is the default */
    PARAM_PATH,     /* absolute */
    PARAM_COMPUTED, /* read-only; params_get makes it */
};

enum param_scope { PARAM_INSTANCE, PARAM_GLOBAL };
enum param_when { PARAM_ANY_TIME, PARAM_BEFORE_INIT, PARAM_NEVER }; /* JetInit of the instance; global: of any */
enum param_use { PARAM_USED, PARAM_STORED };                        /* stored: accepted because programs set it */

struct param_def {
    unsigned id; /* JET_param... */
    const char *name;
    enum param_type type;
    enum param_scope scope;
    enum param_when when;
    enum param_use use;
    uint64_t min, max; /* of a number; of a string: UTF-16 units, of the absolute form of a path */
    uint64_t default_number;
    const char *default_text; /* NULL: a number */
};

extern const struct param_def param_defs[PARAM_COUNT]; /* by id, ascending */
const struct param_def *param_find(unsigned id);       /* NULL: not supported */

struct params {
    struct params *global; /* NULL in the engine's */
    _Atomic uint64_t numbers[PARAM_COUNT];
    char strings[PARAM_STRINGS][PARAM_STRING_BYTES];
    JET_PFNEVENT event_fn; /* JetSetEventCallback: before JetInit, like a parameter of scope instance */
    void *event_context;
};

/* Defaults (global NULL), or those of an instance that is being made. */
void params_init(struct params *p, struct params *global);

enum params_running {
    PARAMS_INSTANCE_RUNS = 1, /* the instance of p has been through JetInit */
    PARAMS_ENGINE_RUNS = 2,   /* any instance has */
};

/* JetSetSystemParameter. running: enum params_running. JET_errInvalidParameter, JET_errAlreadyInitialized,
 * JET_errInvalidPath; the value is unchanged then. */
MUST_CHECK JET_ERR params_set(struct params *p, unsigned running, unsigned id, JET_API_PTR value, const char *string);
/* JetGetSystemParameter. JET_errInvalidParameter, JET_errBufferTooSmall. */
MUST_CHECK JET_ERR params_get(const struct params *p, unsigned id, JET_API_PTR *value, char *string,
                              size_t string_bytes);

/* Of a parameter that exists and is a number, a string. Paths of an instance are absolute. */
uint64_t params_int(const struct params *p, unsigned id);
const char *params_str(const struct params *p, unsigned id);

/* What an instance starts with, but for config->name; and which of its events go to syslog. */
void params_config(const struct params *p, struct inst_config *config, struct event_sink *events);

#endif
