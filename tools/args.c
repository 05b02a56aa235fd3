/* Arguments of one command: operands, and options as --name, --name VALUE or --name=VALUE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

static const struct option_def *find_option(const struct command *command, const char *name, size_t length) {
    for (const struct option_def *def = command->options; def->name; def++) {
        if (strlen(def->name) == length && memcmp(def->name, name, length) == 0)
            return def;
    }
    return NULL;
}

static bool refuse(const struct args *args, const char *what, const char *which) {
    fprintf(stderr, "esentutl: %s: %s%s; see esentutl %s --help\n", args->command->name, what, which,
            args->command->name);
    return false;
}

/* *i is at the option, and on return at the last argument that belongs to it. */
static bool take_option(struct args *args, int argc, char **argv, int *i) {
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    const struct option_def *def = find_option(args->command, name, equals ? (size_t)(equals - name) : strlen(name));
    const char *value = equals ? equals + 1 : NULL;
    if (!def)
        return refuse(args, "unknown option ", argv[*i]);
    if (!def->value && value)
        return refuse(args, "no value belongs to --", def->name);
    if (def->value && !value) {
        if (*i + 1 >= argc)
            return refuse(args, "a value is missing after ", argv[*i]);
        value = argv[++*i];
    }
    args->options[args->option_count++] = (struct args_option){def, value};
    return true;
}

bool args_parse(struct args *args, const struct command *command, int argc, char **argv) {
    bool only_operands = false;
    *args = (struct args){.command = command};
    args->operands = calloc((size_t)argc + 1, sizeof *args->operands);
    args->options = calloc((size_t)argc + 1, sizeof *args->options);
    if (!args->operands || !args->options)
        return refuse(args, "out of memory", "");
    for (int i = 0; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
            args->operands[args->operand_count++] = argv[i];
        else if (argv[i][1] != '-')
            return refuse(args, "unknown option ", argv[i]);
        else if (!take_option(args, argc, argv, &i))
            return false;
    }
    if (args->operand_count < command->operands_min)
        return refuse(args, "something is missing: ", command->operands);
    if (args->operand_count > command->operands_max)
        return refuse(args, "too much: ", args->operands[command->operands_max]);
    return true;
}

void args_done(struct args *args) {
    free(args->operands);
    free(args->options);
}

const char *args_next(const struct args *args, const char *name, unsigned *at) {
    while (*at < args->option_count) {
        const struct args_option *option = &args->options[(*at)++];
        if (strcmp(option->def->name, name) == 0)
            return option->value ? option->value : "";
    }
    return NULL;
}

const char *args_value(const struct args *args, const char *name) {
    const char *last = NULL, *value;
    unsigned at = 0;
    while ((value = args_next(args, name, &at)))
        last = value;
    return last;
}

bool args_has(const struct args *args, const char *name) {
    return args_value(args, name) != NULL;
}
