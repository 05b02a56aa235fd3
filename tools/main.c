/* esentutl: the table of commands, their help, and ESE's spellings for people who know them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/tool.h"

static const struct command *const commands[] = {
    &command_verify, &command_header,     &command_check,    &command_tables,  &command_export,
    &command_backup, &command_verify_set, &command_truncate, &command_restore, &command_recover,
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* ---- help ---- */

static void print_overview(FILE *to) {
    fprintf(to, "Usage: esentutl COMMAND ...\n\n"
                "Databases of the Extensible Storage Engine, their logs, checkpoints and backups.\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "    %-10s %-28s %s\n", commands[i]->name, commands[i]->operands, commands[i]->summary);
    fprintf(to,
            "\nesentutl COMMAND --help tells more of one. Exit codes: 0 done, 1 damage found, 2 could not be done.\n\n"
            "Also, with / or -, as ESE spells them:\n\n"
            "    /mh FILE, /ml FILE, /mk FILE    header of a database, log file, checkpoint\n"
            "    /k FILE...                      verify\n"
            "    /r BASE [/l LOGDIR] [/s SYSDIR] [/d DBDIR]    recover\n");
}

static void print_help(const struct command *command) {
    printf("Usage: esentutl %s %s\n\n%s\n", command->name, command->operands, command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    printf("\n");
    for (const struct option_def *def = command->options; def->name; def++) {
        char form[64];
        snprintf(form, sizeof form, "--%s%s%s", def->name, def->value ? " " : "", def->value ? def->value : "");
        printf("    %-18s %s\n", form, def->help);
    }
    printf("    %-18s %s\n", "--help", "this text");
    printf("\nExit codes: 0 done, 1 damage found, 2 could not be done.\n");
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* ---- running ---- */

static int run(const struct command *command, int argc, char **argv) {
    struct args args;
    int code = EXIT_FAILED;
    if (asks_for_help(argc, argv)) {
        print_help(command);
        return out_exit(EXIT_DONE);
    }
    if (args_parse(&args, command, argc, argv))
        code = command->run(&args);
    args_done(&args);
    return out_exit(code);
}

/* ---- ESE's spellings ---- */

/* The rest of an argument that is a slash or dash and this letter or word; NULL: it is not. */
static char *ese_option(char *arg, const char *name) {
    size_t n = strlen(name);
    return (arg[0] == '/' || arg[0] == '-') && strncasecmp(arg + 1, name, n) == 0 ? arg + 1 + n : NULL;
}

static bool is_ese_option(char *arg, const char *name) {
    char *rest = ese_option(arg, name);
    return rest && *rest == '\0';
}

/* /r BASE [/l LOGDIR] [/s SYSDIR] [/d DBDIR]; a directory may follow its letter at once, and is "." if there is none.
 */
static int run_ese_recover(int argc, char **argv) {
    enum { LOGS, SYSTEM, DATABASES, BASE, VALUES };
    static const char *const letters[] = {"l", "s", "d"};
    char here[] = ".", *values[VALUES] = {here, NULL, NULL, NULL};
    char system[] = "--system", databases[] = "--databases", base[] = "--base", only_operands[] = "--";
    char *options[] = {NULL, system, databases, base}, *translated[2 * VALUES + 1];
    int count = 0;
    for (int i = 0; i < argc; i++) {
        int which = BASE;
        char *value = NULL;
        for (int k = LOGS; k <= DATABASES && !value; k++) {
            value = ese_option(argv[i], letters[k]);
            which = value ? k : BASE;
        }
        if (which == BASE && (values[BASE] || argv[i][0] == '-')) {
            fprintf(stderr, "esentutl: /r: unknown argument %s; see esentutl --help\n", argv[i]);
            return EXIT_FAILED;
        }
        if (which != BASE && *value == '\0')
            value = i + 1 < argc ? argv[++i] : here;
        values[which] = which == BASE ? argv[i] : value;
    }
    for (int k = SYSTEM; k < VALUES; k++) {
        if (values[k]) {
            translated[count++] = options[k];
            translated[count++] = values[k];
        }
    }
    translated[count++] = only_operands;
    translated[count++] = values[LOGS];
    return run(&command_recover, count, translated);
}

static int run_ese(int argc, char **argv) {
    static const struct {
        const char *name;
        const struct command *command;
    } spellings[] = {
        {"mh", &command_header},
        {"ml", &command_header},
        {"mk", &command_header},
        {"k", &command_verify},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        if (is_ese_option(argv[1], spellings[i].name))
            return run(spellings[i].command, argc - 2, argv + 2);
    }
    if (is_ese_option(argv[1], "r"))
        return run_ese_recover(argc - 2, argv + 2);
    fprintf(stderr, "esentutl: there is no command %s; see esentutl --help\n", argv[1]);
    return EXIT_FAILED;
}

/* Who closed one of the three must not find a database opened in its place, and written to: its use fails instead. */
static void occupy_standard_files(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

int main(int argc, char **argv) {
    occupy_standard_files();
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_FAILED;
    }
    if (asks_for_help(1, argv + 1) || strcmp(argv[1], "help") == 0 || is_ese_option(argv[1], "?")) {
        print_overview(stdout);
        return out_exit(EXIT_DONE);
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0)
            return run(commands[i], argc - 2, argv + 2);
    }
    return run_ese(argc, argv);
}
