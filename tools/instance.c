/* The same few calls that any program would make: parameters, JetInit2, work, JetTerm2. */
#include "tools/instance.h"

#include <stdlib.h>
#include <string.h>

/* ---- where and how ---- */

int stream_name(struct stream *s, const struct args *args, const char *dir) {
    const char *base = args_value(args, "base"), *system = args_value(args, "system");
    JET_ERR err = JET_errSuccess;
    *s = (struct stream){.logs.base = "edb"};
    if (base && strlen(base) != 3) {
        complain(base, "a base name has three characters");
        return EXIT_FAILED;
    }
    if (base)
        memcpy(s->logs.base, base, sizeof s->logs.base);
    CALL(os_path_absolute(s->logs.path, dir));
    CALL(os_path_absolute(s->system, system ? system : dir));
cleanup:
    return err < JET_errSuccess ? complain_err(dir, NULL, err) : EXIT_DONE;
}

static JET_ERR newest_header(const struct stream *s, struct log_header *header) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];
    struct log_range range;

    CALL(log_path_current(&s->logs, path));
    if (log_header_read(path, header) >= JET_errSuccess)
        return JET_errSuccess;
    CALL(log_dir_scan(&s->logs, &range));
    if (range.high == 0)
        return JET_errFileNotFound;
    CALL(log_path_archive(&s->logs, range.high, path));
    CALL(log_header_read(path, header));
cleanup:
    return err;
}

int stream_read(struct stream *s) {
    struct os_stat st;
    struct log_header *header = malloc(sizeof *header);
    JET_ERR err = header ? os_stat(s->logs.path, &st) : JET_errOutOfMemory;
    int code = EXIT_FAILED;
    if (err < JET_errSuccess) {
        complain(s->logs.path, "%s", err_words(err));
    } else if (st.kind != OS_DIRECTORY) {
        complain(s->logs.path, "%s", st.kind == OS_MISSING ? "does not exist" : "is no directory");
    } else if ((err = newest_header(s, header)) == JET_errFileNotFound) {
        complain(s->logs.path, "holds no log (%s.log): there is no instance here", s->logs.base);
    } else if (err < JET_errSuccess) {
        code = complain_err(s->logs.path, "its log cannot be read", err);
    } else {
        s->page_size = header->page_size;
        s->log_file_bytes = header->file_bytes;
        s->circular = header->circular;
        code = EXIT_DONE;
    }
    free(header);
    return code;
}

/* ---- the instance ---- */

JET_ERR instance_set_parameters(const struct stream *s, JET_INSTANCE *instance) {
    JET_ERR err = JET_errSuccess;
    const struct {
        unsigned id;
        JET_API_PTR number;
        const char *text;
    } parameters[] = {
        {JET_paramDatabasePageSize, s->page_size, NULL}, {JET_paramLogFileSize, s->log_file_bytes / 1024, NULL},
        {JET_paramCircularLog, s->circular, NULL},       {JET_paramBaseName, 0, s->logs.base},
        {JET_paramLogFilePath, 0, s->logs.path},         {JET_paramSystemPath, 0, s->system},
        {JET_paramEventSource, 0, "esentutl"},           {JET_paramCreatePathIfNotExist, 1, NULL},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
        CALL(JetSetSystemParameter(instance, 0, parameters[i].id, parameters[i].number, parameters[i].text));
cleanup:
    return err;
}

int instance_make(const struct stream *s, JET_INSTANCE *out) {
    JET_ERR err = JET_errSuccess;
    JET_INSTANCE instance = JET_instanceNil;
    /* Of global scope, so before the instance takes it over. */
    CALL(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, s->page_size, NULL));
    CALL(JetCreateInstance2(&instance, "esentutl", "esentutl", 0));
    CALL(instance_set_parameters(s, &instance));
    *out = instance;
    return EXIT_DONE;

cleanup:
    if (instance != JET_instanceNil) {
        JET_ERR ignored = JetTerm(instance);
        (void)ignored;
    }
    return complain_err(s->logs.path, "the instance cannot be set up", err);
}

int instance_start(const struct stream *s, JET_INSTANCE *instance) {
    JET_ERR err = JetInit2(instance, JET_bitLogStreamMustExist);
    if (err >= JET_errSuccess)
        return EXIT_DONE;
    if (err != JET_errSystemPathInUse && err != JET_errLogFilePathInUse)
        return complain_err(s->logs.path, "recovery failed", err);
    complain(s->logs.path, "is in use by a running instance");
    return EXIT_FAILED;
}

int instance_end(const struct stream *s, JET_INSTANCE instance, int code) {
    JET_ERR err = JetTerm2(instance, JET_bitTermComplete);
    return err < JET_errSuccess ? exit_worse(code, complain_err(s->logs.path, "the instance did not end clean", err))
                                : code;
}

/* ---- words ---- */

JET_ERR instance_status(JET_SESID sesid, JET_SNP snp, JET_SNT snt, void *data) {
    static struct progress progress = {.shown = -1};
    const JET_SNPROG *at = data;
    (void)sesid;
    if (snt == JET_sntBegin)
        progress_start(&progress, snp == JET_snpBackup ? "backup" : "restore", at ? at->cunitTotal : 100);
    else if (snt == JET_sntProgress && at)
        progress_step(&progress, at->cunitDone);
    else if (snt == JET_sntComplete || snt == JET_sntFail)
        progress_end(&progress);
    return JET_errSuccess;
}
