/* The command line as its users meet it: the built program is run, and judged by exit code, output and messages. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/edb_file.h"
#include "tests/lib/test.h"

#ifndef ESENT_BINARY_DIR
#error "the build defines ESENT_BINARY_DIR, where bin/esentutl is built"
#endif
#define ESENTUTL ESENT_BINARY_DIR "/bin/esentutl"

enum { DONE = 0, DAMAGE = 1, FAILED = 2 };

/* ---- running it ---- */

struct result {
    int code;
    char *out, *err;
}; /* out and err stay until the next run */

/* Not from the ring of test_path(): a test may run the program often. */
static const char *own_path(int which) {
    static const char *const names[] = {"", ".stdout", ".stderr", ".other"};
    static char paths[4][4096];
    snprintf(paths[which], sizeof paths[which], "%s/%s", test_dir(), names[which]);
    return paths[which];
}

static char *read_all(const char *path) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(n + 1);
    CU_ASSERT_EQUAL_FATAL(fread(text, 1, n, f), n);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void redirect(const char *path, int to) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(127);
}

static int run_program(char *const argv[], const char *out, const char *err) {
    fflush(NULL);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        redirect(out, STDOUT_FILENO);
        redirect(err, STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status;
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* esentutl with arguments, the last one NULL. */
static struct result run(const char *first, ...) {
    static struct result last;
    char *argv[32] = {ESENTUTL, (char *)first};
    va_list args;
    va_start(args, first);
    for (int i = 2; i < 31 && argv[i - 1]; i++)
        argv[i] = va_arg(args, char *);
    va_end(args);
    free(last.out);
    free(last.err);
    last.code = run_program(argv, own_path(1), own_path(2));
    last.out = read_all(own_path(1));
    last.err = read_all(own_path(2));
    if (last.code == 127)
        fprintf(stderr, "\n    %s is not there: build the target esentutl first", ESENTUTL);
    CU_ASSERT_FATAL(last.code >= 0 && last.code <= 2);
    return last;
}

static bool has(const char *text, const char *part) {
    if (strstr(text, part))
        return true;
    fprintf(stderr, "\n    no \"%s\" in: %.600s", part, text);
    return false;
}

/* The last output is JSON, as python understands it. */
static void check_json(void) {
    char *argv[] = {"python3", "-m", "json.tool", (char *)own_path(1), NULL};
    int code = run_program(argv, "/dev/null", own_path(3));
    if (code == 127)
        test_skip("no python3 here");
    else
        CU_ASSERT_EQUAL(code, 0);
}

/* ---- files ---- */

static void write_at(const char *path, long offset, const void *bytes, size_t n) {
    FILE *f = fopen(path, "r+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, offset, SEEK_SET);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void read_at(const char *path, long offset, void *bytes, size_t n) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, offset, SEEK_SET);
    CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, n, f), n);
    fclose(f);
}

static void flip(const char *path, long offset, uint8_t bits) {
    uint8_t byte;
    read_at(path, offset, &byte, 1);
    byte ^= bits;
    write_at(path, offset, &byte, 1);
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static long page_at(uint32_t pgno) {
    return (long)(pgno + 1) * 4096;
}

/* ---- an instance with rows, made by another process ---- */

enum ending { ENDS_CLEAN, IS_KILLED, STAYS };

#define JET(expr)                                                                                                      \
    do {                                                                                                               \
        JET_ERR jet_err_ = (expr);                                                                                     \
        if (jet_err_ < JET_errSuccess) {                                                                               \
            fprintf(stderr, "\n    %s: %s", #expr, err_name(jet_err_));                                                \
            _exit(3);                                                                                                  \
        }                                                                                                              \
    } while (0)

static void start_instance(const char *dir, bool circular, JET_INSTANCE *instance) {
    JET(JetCreateInstance(instance, "writer"));
    JET(JetSetSystemParameter(instance, 0, JET_paramSystemPath, 0, dir));
    JET(JetSetSystemParameter(instance, 0, JET_paramLogFilePath, 0, dir));
    JET(JetSetSystemParameter(instance, 0, JET_paramLogFileSize, 128, NULL));
    JET(JetSetSystemParameter(instance, 0, JET_paramCircularLog, circular, NULL));
    JET(JetSetSystemParameter(instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    JET(JetSetSystemParameter(instance, 0, JET_paramEventLoggingLevel, 0, NULL));
    JET(JetInit(instance));
}

static void create_table(JET_SESID sesid, JET_DBID dbid) {
    JET_TABLEID table;
    JET_COLUMNID id;
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL};
    JET_COLUMNDEF text = {.cbStruct = sizeof text, .coltyp = JET_coltypLongText, .cp = 1200};
    JET(JetBeginTransaction(sesid));
    JET(JetCreateTable(sesid, dbid, "rows", 0, 100, &table));
    JET(JetAddColumn(sesid, table, "id", &number, NULL, 0, &id));
    JET(JetAddColumn(sesid, table, "text", &text, NULL, 0, &id));
    JET(JetCreateIndex(sesid, table, "primary", JET_bitIndexPrimary, "+id\0", 5, 100));
    JET(JetCloseTable(sesid, table));
    JET(JetCommitTransaction(sesid, 0));
}

/* Row k has the text: a "k", z */
static void insert_row(JET_SESID sesid, JET_TABLEID table, JET_COLUMNID id, JET_COLUMNID text, int k) {
    char narrow[32];
    uint16_t wide[32];
    int n = snprintf(narrow, sizeof narrow, "a \"%d\", z", k);
    for (int i = 0; i < n; i++)
        wide[i] = (uint8_t)narrow[i];
    JET(JetPrepareUpdate(sesid, table, JET_prepInsert));
    JET(JetSetColumn(sesid, table, id, &k, sizeof k, 0, NULL));
    JET(JetSetColumn(sesid, table, text, wide, (uint32_t)(2 * n), 0, NULL));
    JET(JetUpdate(sesid, table, NULL, 0, NULL));
}

static void write_rows(const char *dir, bool circular, int from, int count, JET_INSTANCE *instance) {
    char path[4096];
    JET_SESID sesid;
    JET_DBID dbid;
    JET_TABLEID table;
    JET_COLUMNDEF id, text;
    snprintf(path, sizeof path, "%s/test.edb", dir);
    start_instance(dir, circular, instance);
    JET(JetBeginSession(*instance, &sesid, NULL, NULL));
    if (access(path, F_OK) == 0) {
        JET(JetAttachDatabase(sesid, path, 0));
        JET(JetOpenDatabase(sesid, path, NULL, &dbid, 0));
    } else {
        JET(JetCreateDatabase(sesid, path, NULL, &dbid, 0));
        create_table(sesid, dbid);
    }
    JET(JetOpenTable(sesid, dbid, "rows", NULL, 0, 0, &table));
    JET(JetGetTableColumnInfo(sesid, table, "id", &id, sizeof id, JET_ColInfo));
    JET(JetGetTableColumnInfo(sesid, table, "text", &text, sizeof text, JET_ColInfo));
    for (int k = from; k < from + count; k++) {
        if (k == from)
            JET(JetBeginTransaction(sesid));
        insert_row(sesid, table, id.columnid, text.columnid, k);
    }
    if (count)
        JET(JetCommitTransaction(sesid, 0));
}

/* STAYS: returns the process, whose instance runs until it is killed; else 0. */
static pid_t make_rows(const char *dir, bool circular, int from, int count, enum ending ending) {
    int ready[2];
    char byte;
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    fflush(NULL);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        JET_INSTANCE instance = 0;
        close(ready[0]);
        write_rows(dir, circular, from, count, &instance);
        if (ending == ENDS_CLEAN)
            JET(JetTerm2(instance, JET_bitTermComplete));
        if (ending == ENDS_CLEAN)
            _exit(0);
        if (write(ready[1], "r", 1) != 1)
            _exit(4);
        if (ending == IS_KILLED)
            kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    close(ready[1]);
    CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), ending == ENDS_CLEAN ? 0 : 1);
    close(ready[0]);
    if (ending == STAYS)
        return pid;
    int status;
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_FATAL(ending == IS_KILLED ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

/* The database holds exactly rows 0 .. count - 1, as export tells. */
static void check_rows(const char *path, int count) {
    struct result r = run("export", path, "rows", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    const char *line = r.out;
    for (int k = 0; k < count; k++) {
        char want[128];
        int n = snprintf(want, sizeof want, "{\"id\": %d, \"text\": \"a \\\"%d\\\", z\"}\n", k, k);
        if (strncmp(line, want, (size_t)n) != 0)
            fprintf(stderr, "\n    row %d of %d is: %.80s", k, count, line);
        CU_ASSERT_FATAL(strncmp(line, want, (size_t)n) == 0);
        line += n;
    }
    CU_ASSERT_EQUAL(*line, '\0');
}

/* ---- verify ---- */

static void verify__windows_files_have_no_bad_page_that_is_theirs(void) {
    for (int i = 0; i < EDB_FILES; i++) {
        const char *path = test_windows_file(edb_names[i]);
        if (!path)
            return;
        struct result r = run("verify", "--json", path, NULL);
        CU_ASSERT_EQUAL(r.code, DONE);
        CU_ASSERT(has(r.out, "\"correctable\": 0"));
        CU_ASSERT(has(r.out, "\"bad\": 0"));
        CU_ASSERT(has(r.out, strcmp(edb_names[i], "SRUDB.dat") == 0 ? "\"foreign\": 16" : "\"foreign\": 0"));
        check_json();
    }
}

static void verify__one_flipped_bit_is_correctable_and_two_are_not(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    flip(path, page_at(4) + 1000, 0x10);
    struct result r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "page 4 at offset 20480: a bit is flipped, ECC corrects it"));
    CU_ASSERT(has(r.out, "1 correctable, 0 bad"));
    flip(path, page_at(4) + 2000, 0x01);
    r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "page 4 at offset 20480: the checksum is wrong and ECC cannot correct it"));
    CU_ASSERT(has(r.out, "0 correctable, 1 bad"));
    r = run("check", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "page 4: the checksum is wrong"));
    r = run("export", path, "basic", NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.err, "page 4"));
}

static void verify__a_page_in_the_wrong_place_is_named(void) {
    uint8_t page[4096];
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    read_at(path, page_at(4), page, sizeof page);
    write_at(path, page_at(7), page, sizeof page);
    struct result r = run("verify", "--json", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "\"page\": 7"));
    CU_ASSERT(has(r.out, "holds what belongs to page 4"));
    check_json();
}

static void verify__one_damaged_copy_of_the_header_is_damage(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    flip(path, 100, 0xff);
    struct result r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "the header is damaged, its shadow copy is good"));
    CU_ASSERT_EQUAL(run("header", path, NULL).code, DAMAGE);
    flip(path, 4096 + 100, 0xff);
    r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.err, "neither copy of the header is good"));
    CU_ASSERT_EQUAL(run("header", path, NULL).code, DAMAGE);
    CU_ASSERT_EQUAL(run("check", path, NULL).code, DAMAGE);
}

static void verify__a_truncated_database_is_damage_wherever_it_ends(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    CU_ASSERT_EQUAL_FATAL(truncate(path, page_at(100) + 512), 0);
    struct result r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "the file ends after page 99, but the database owns pages up to 254"));
    CU_ASSERT_EQUAL(run("check", path, NULL).code, DAMAGE);
    for (long bytes = 5 * 4096; bytes > 0; bytes -= 512) {
        CU_ASSERT_EQUAL_FATAL(truncate(path, bytes), 0);
        CU_ASSERT_EQUAL(run("verify", path, NULL).code, DAMAGE);
        CU_ASSERT_EQUAL(run("check", path, NULL).code, DAMAGE);
    }
    CU_ASSERT_NOT_EQUAL(run("export", path, "basic", NULL).code, DONE);
}

static void verify__what_is_none_of_these_files_cannot_be_done(void) {
    const struct {
        const char *path, *why;
    } cases[] = {
        {test_path("missing"), "does not exist"},
        {test_dir(), "is a directory"},
        {test_path("empty"), "is empty"},
        {test_path("text"), "is no database, log file or checkpoint"},
    };
    write_file(test_path("empty"), "");
    write_file(test_path("text"),
               "The quick brown fox jumps over the lazy dog, more than once and for more than a few bytes.");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const commands[] = {"verify", "header", "check", "tables"};
        for (size_t k = 0; k < 4; k++) {
            struct result r = run(commands[k], "--json", cases[i].path, NULL);
            CU_ASSERT_EQUAL(r.code, FAILED);
            CU_ASSERT(has(r.err, cases[i].why));
            CU_ASSERT(has(r.err, cases[i].path));
            check_json();
        }
        CU_ASSERT_EQUAL(run("export", cases[i].path, "rows", NULL).code, FAILED);
    }
}

static void verify__the_worst_of_several_files_decides(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    CU_ASSERT_EQUAL(run("verify", path, path, NULL).code, DONE);
    struct result r = run("verify", path, test_path("missing"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.out, "no damage"));
}

static void verify__finds_damage_in_log_files(void) {
    make_rows(test_path("inst"), false, 0, 2000, ENDS_CLEAN);
    const char *closed = test_path("inst/edb00001.log"), *current = test_path("inst/edb.log");
    struct result r =
        run("verify", "--json", closed, current, test_path("inst/edb.chk"), test_path("inst/test.edb"), NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    check_json();
    flip(closed, 50000, 1);
    r = run("verify", closed, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "no good frame"));
    flip(closed, 50000, 1);
    CU_ASSERT_EQUAL(run("verify", closed, NULL).code, DONE);
    CU_ASSERT_EQUAL_FATAL(rename(closed, test_path("inst/edb00009.log")), 0);
    r = run("verify", test_path("inst/edb00009.log"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "the name says generation 9"));
    CU_ASSERT_EQUAL_FATAL(truncate(current, 70000), 0);
    r = run("verify", current, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "the file has 70000 bytes, which is not what its header says"));
    flip(current, 20, 1);
    r = run("verify", current, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "the header is damaged"));
    CU_ASSERT_EQUAL(run("header", current, NULL).code, DAMAGE);
}

static void verify__counts_the_copies_of_a_checkpoint(void) {
    make_rows(test_path("inst"), false, 0, 10, ENDS_CLEAN);
    const char *path = test_path("inst/edb.chk");
    CU_ASSERT(has(run("verify", path, NULL).out, "2 good, 0 bad"));
    flip(path, 4096 + 30, 1);
    struct result r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "1 good, 1 bad"));
    CU_ASSERT_EQUAL(run("header", path, NULL).code, DAMAGE);
    flip(path, 30, 1);
    r = run("verify", path, NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "0 good, 2 bad"));
    CU_ASSERT(has(run("header", path, NULL).err, "neither copy is good"));
}

/* ---- header ---- */

static void header__tells_everything_as_text_and_as_json(void) {
    make_rows(test_path("inst"), true, 0, 10, IS_KILLED);
    const char *db = test_path("inst/test.edb"), *log = test_path("inst/edb.log"), *chk = test_path("inst/edb.chk");
    struct result r = run("header", db, NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "dirty shutdown"));
    CU_ASSERT(has(r.out, "last full backup (bkinfoFullPrev)    never"));
    r = run("header", log, NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "circular logging                     on"));
    CU_ASSERT_EQUAL(run("header", chk, NULL).code, DONE);
    CU_ASSERT(has(run("header", "--records", log, NULL).out, "commit trx"));
    run("header", "--json", db, NULL);
    check_json();
    run("header", "--json", "--records", log, NULL);
    check_json();
    run("header", "--json", chk, NULL);
    check_json();
}

static void ese_spellings__do_the_same(void) {
    make_rows(test_path("inst"), false, 0, 10, IS_KILLED);
    CU_ASSERT(has(run("/mh", test_path("inst/test.edb"), NULL).out, "dirty shutdown"));
    CU_ASSERT(has(run("-ML", test_path("inst/edb.log"), NULL).out, "log signature"));
    CU_ASSERT(has(run("/mk", test_path("inst/edb.chk"), NULL).out, "recovery starts at"));
    struct result r =
        run("/r", "edb", "/l", test_path("inst"), "/s", test_path("inst"), "/d", test_path("elsewhere"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    r = run("/r", "edb", "/l", test_path("inst"), "/s", test_path("inst"), "/d", test_path("inst"), NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "test.edb: clean shutdown"));
    CU_ASSERT(has(run("/k", test_path("inst/test.edb"), NULL).out, "no damage"));
    check_rows(test_path("inst/test.edb"), 10);
}

/* ---- check ---- */

static void check__windows_files_are_clean_but_for_the_one_copied_in_use(void) {
    for (int i = 0; i < EDB_FILES; i++) {
        const char *path = test_windows_file(edb_names[i]);
        if (!path)
            return;
        struct result r = run("check", path, NULL);
        if (strcmp(edb_names[i], "Catalog1.edb") != 0) {
            CU_ASSERT_EQUAL(r.code, DONE);
            CU_ASSERT(has(r.out, "no damage"));
            continue;
        }
        CU_ASSERT_EQUAL(r.code, DAMAGE);
        CU_ASSERT(has(r.out, "page 49: was changed after the header was written"));
        CU_ASSERT(has(r.out, "page 50: was changed after the header was written"));
        CU_ASSERT(has(r.out, "page 51: was changed after the header was written"));
        CU_ASSERT(has(r.out, "the shadow catalog is empty"));
        CU_ASSERT(has(r.out, "index timestampIndex: entry 7f81cecfe5dc74b6e0 has no record: 7f80000097"));
        CU_ASSERT(has(r.out, "DAMAGED: 5 findings"));
        run("check", "--json", path, NULL);
        check_json();
    }
}

static void check__a_dirty_state_is_a_note(void) {
    make_rows(test_path("inst"), false, 0, 100, IS_KILLED);
    struct result r = run("check", test_path("inst/test.edb"), NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "note: the state is: dirty shutdown"));
}

/* ---- tables and export ---- */

/* What edbcheck.py says of tables and their rows. NULL: it is not here. */
static char *edbcheck_tables(const char *path) {
    char script[4096];
    const char *shared = getenv("ESENT_SHARED");
    snprintf(script, sizeof script, "%s/edbcheck/edbcheck.py", shared ? shared : ESENT_SOURCE_DIR "/../shared");
    char *argv[] = {"python3", script, "--tables", (char *)path, NULL};
    if (access(script, R_OK) != 0 || run_program(argv, own_path(3), "/dev/null") != 0)
        return NULL;
    return read_all(own_path(3));
}

static size_t count_lines(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Every table of the file: tables, export and edbcheck count the same rows. */
static void compare_row_counts(const char *path, const char *judge) {
    char *listing = strdup(run("tables", path, NULL).out), name[128];
    unsigned long rows, tables = 0;
    for (const char *line = judge; *line; line = strchr(line, '\n') + 1) {
        if (sscanf(line, "table %127[^:]: objid %*u, page %*u, %lu rows", name, &rows) != 2)
            continue;
        char want[192];
        snprintf(want, sizeof want, "%-40s %10lu rows", name, rows);
        CU_ASSERT(has(listing, want));
        struct result r = run("export", path, name, NULL);
        CU_ASSERT_NOT_EQUAL(r.code, FAILED);
        CU_ASSERT_EQUAL(count_lines(r.out), rows);
        tables++;
    }
    CU_ASSERT_EQUAL(count_lines(listing), tables);
    free(listing);
}

static void export__has_as_many_rows_as_the_independent_checker_counts(void) {
    for (int i = 0; i < EDB_FILES; i++) {
        const char *path = test_windows_file(edb_names[i]);
        char *judge = path ? edbcheck_tables(path) : NULL;
        if (!judge) {
            test_skip("no edbcheck.py here");
            return;
        }
        compare_row_counts(path, judge);
        free(judge);
        CU_ASSERT_EQUAL(run("tables", "--json", path, NULL).code, DONE);
        check_json();
    }
}

static void export__writes_values_by_their_types(void) {
    const char *path = test_windows_file("basic.edb");
    if (!path)
        return;
    struct result r = run("export", path, "basic", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "\"DateTime\": \"1999-03-01T00:00:00\""));
    CU_ASSERT(has(r.out, "\"Bit\": true"));
    CU_ASSERT(has(r.out, "\"GUID\": \"3f360af1-6766-46dc-9af2-0dacf295c2a1\""));
    CU_ASSERT(has(r.out, "\"GUID\": null"));
    r = run("export", path, "BASIC", "--format", "csv", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out,
                  "Id,Bit,UnsignedByte,Short,Long,Currency,IEEESingle,IEEEDouble,DateTime,UnsignedLong,LongLong,GUID,"
                  "UnsignedShort\n"));
    CU_ASSERT_EQUAL(count_lines(r.out), 3);
}

static void export__a_value_that_cannot_be_decoded_is_marked(void) {
    const char *path = test_windows_file("binary.edb");
    if (!path)
        return;
    struct result r = run("export", path, "binary", NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "{\"error\": \"JET_errFeatureNotAvailable\"}"));
    CU_ASSERT(has(r.err, "table binary: 1 values could not be decoded"));
    r = run("export", path, "binary", "--format", "csv", NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "#JET_errFeatureNotAvailable"));
}

static void export__csv_quotes_what_needs_it(void) {
    make_rows(test_path("inst"), false, 0, 2, ENDS_CLEAN);
    struct result r = run("export", test_path("inst/test.edb"), "rows", "--format=csv", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT_STRING_EQUAL(r.out, "id,text\n0,\"a \"\"0\"\", z\"\n1,\"a \"\"1\"\", z\"\n");
}

static void export__a_dirty_database_needs_recovery_first(void) {
    make_rows(test_path("inst"), false, 0, 2, IS_KILLED);
    struct result r = run("export", test_path("inst/test.edb"), "rows", NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "needs recovery first"));
    CU_ASSERT_EQUAL(run("tables", test_path("inst/test.edb"), NULL).code, FAILED);
}

static void export__a_table_that_is_not_there_cannot_be_done(void) {
    make_rows(test_path("inst"), false, 0, 2, ENDS_CLEAN);
    struct result r = run("export", test_path("inst/test.edb"), "nothing", NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "has no table nothing"));
    CU_ASSERT_STRING_EQUAL(r.out, "");
}

/* ---- instances ---- */

static void recover__brings_back_what_was_committed_before_a_kill(void) {
    make_rows(test_path("inst"), false, 0, 1500, IS_KILLED);
    struct result r = run("recover", test_path("inst"), NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "test.edb: clean shutdown"));
    check_rows(test_path("inst/test.edb"), 1500);
    CU_ASSERT_EQUAL(run("check", test_path("inst/test.edb"), NULL).code, DONE);
}

static void instance_commands__never_begin_a_log(void) {
    const char *dir = test_path("inst");
    CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0777), 0);
    struct result r = run("recover", dir, NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "holds no log (edb.log)"));
    CU_ASSERT_EQUAL(run("backup", dir, test_path("set"), NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("truncate", dir, NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("recover", test_path("missing"), NULL).code, FAILED);
    CU_ASSERT_EQUAL(rmdir(dir), 0); /* still empty */
    CU_ASSERT_NOT_EQUAL(access(test_path("set"), F_OK), 0);
}

static void instance_commands__leave_a_running_instance_alone(void) {
    pid_t pid = make_rows(test_path("inst"), false, 0, 10, STAYS);
    struct result r = run("recover", test_path("inst"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "is in use by a running instance"));
    CU_ASSERT_EQUAL(run("backup", test_path("inst"), test_path("set"), NULL).code, FAILED);
    r = run("verify", test_path("inst/test.edb"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "is in use by a running instance"));
    CU_ASSERT_EQUAL(run("header", test_path("inst/test.edb"), NULL).code, DONE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CU_ASSERT_EQUAL(run("recover", test_path("inst"), NULL).code, DONE);
    check_rows(test_path("inst/test.edb"), 10);
}

static void backup__full_and_incremental_restore_to_the_place_and_elsewhere(void) {
    const char *inst = test_path("inst"), *db = test_path("inst/test.edb"), *set = test_path("set");
    make_rows(inst, false, 0, 1000, ENDS_CLEAN);
    struct result r = run("backup", inst, set, NULL);
    CU_ASSERT_EQUAL_FATAL(r.code, DONE);
    CU_ASSERT(has(r.out, "full backup in"));
    CU_ASSERT(has(run("header", db, NULL).out, "last full backup (bkinfoFullPrev)    full backup of 20"));
    CU_ASSERT(has(run("header", test_path("set/test.edb"), NULL).out, "This file is part of a backup set"));
    make_rows(inst, false, 1000, 1000, IS_KILLED);
    r = run("backup", "--incremental", inst, set, NULL);
    CU_ASSERT_EQUAL_FATAL(r.code, DONE);
    CU_ASSERT(has(run("header", db, NULL).out, "last incremental (bkinfoIncPrev)     incremental backup of 20"));
    run("header", "--json", db, NULL);
    check_json();
    check_rows(db, 2000);
    CU_ASSERT_EQUAL_FATAL(unlink(db), 0);
    r = run("restore", set, inst, NULL);
    CU_ASSERT_EQUAL_FATAL(r.code, DONE);
    CU_ASSERT(has(r.out, "test.edb: clean shutdown"));
    check_rows(db, 2000);
    r = run("restore", set, test_path("new"), "--dest", test_path("newdb"), NULL);
    CU_ASSERT_EQUAL_FATAL(r.code, DONE);
    check_rows(test_path("newdb/test.edb"), 2000);
    CU_ASSERT_EQUAL(run("check", test_path("newdb/test.edb"), NULL).code, DONE);
}

static void restore__until_a_generation_goes_back_to_a_link_of_the_chain(void) {
    const char *inst = test_path("inst"), *db = test_path("inst/test.edb"), *set = test_path("set");
    char name[64], gen[16];
    unsigned last = 0;
    make_rows(inst, false, 0, 1000, ENDS_CLEAN);
    CU_ASSERT_EQUAL_FATAL(run("backup", inst, set, NULL).code, DONE);
    do
        snprintf(name, sizeof name, "set/edb%05X.log", ++last);
    while (last < 100 && (last == 1 || access(test_path(name), F_OK) == 0));
    snprintf(gen, sizeof gen, "%X", last - 1);
    make_rows(inst, false, 1000, 1000, ENDS_CLEAN);
    CU_ASSERT_EQUAL_FATAL(run("backup", "--incremental", inst, set, NULL).code, DONE);
    struct result r = run("restore", set, inst, "--until-generation", gen, NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "--delete-later-logs"));
    check_rows(db, 2000);
    r = run("restore", set, inst, "--until-generation", gen, "--delete-later-logs", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    check_rows(db, 1000);
    r = run("restore", set, test_path("new"), "--dest", test_path("new"), "--until-generation", "x1", NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    r = run("restore", set, test_path("new"), "--dest", test_path("new"), "--until-time", "2001-01-01 00:00:00", NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    r = run("restore", set, test_path("new"), "--dest", test_path("new"), "--until-time", "2100-01-01 00:00:00", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
}

static void backup__atomic_replaces_the_set_and_others_refuse_to(void) {
    const char *inst = test_path("inst");
    make_rows(inst, false, 0, 100, ENDS_CLEAN);
    CU_ASSERT_EQUAL(run("backup", inst, test_path("plain"), NULL).code, DONE);
    struct result r = run("backup", inst, test_path("plain"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "JET_errBackupDirectoryNotEmpty"));
    CU_ASSERT_EQUAL(run("backup", inst, test_path("atomic"), "--atomic", NULL).code, DONE);
    CU_ASSERT_EQUAL(run("backup", inst, test_path("atomic"), "--atomic", NULL).code, DONE);
    CU_ASSERT_EQUAL(run("restore", test_path("atomic"), test_path("new"), "--dest", test_path("new"), NULL).code, DONE);
    check_rows(test_path("new/test.edb"), 100);
}

static void backup__a_circular_log_allows_no_incremental_one(void) {
    make_rows(test_path("inst"), true, 0, 100, ENDS_CLEAN);
    CU_ASSERT_EQUAL(run("backup", test_path("inst"), test_path("set"), NULL).code, DONE);
    struct result r = run("backup", "--incremental", test_path("inst"), test_path("set"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "its log is circular"));
    CU_ASSERT(has(run("header", test_path("inst/edb.log"), NULL).out, "circular logging                     on"));
}

static void backup__of_a_damaged_page_is_refused(void) {
    make_rows(test_path("inst"), false, 0, 1000, ENDS_CLEAN);
    struct page p = {NULL, 4096};
    uint8_t bytes[4096];
    uint32_t pgno = 100; /* the last one that is in use is a leaf of the table */
    do {
        read_at(test_path("inst/test.edb"), page_at(--pgno), bytes, sizeof bytes);
        p.b = bytes;
    } while (page_objid(&p) == 0 && pgno > 30);
    flip(test_path("inst/test.edb"), page_at(pgno) + 1000, 3);
    struct result r = run("backup", test_path("inst"), test_path("set"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.err, "JET_errReadVerifyFailure"));
    CU_ASSERT_NOT_EQUAL(access(test_path("set/backup.manifest"), F_OK), 0);
}

static void truncate__deletes_what_a_backup_made_needless(void) {
    const char *inst = test_path("inst");
    make_rows(inst, false, 0, 3000, ENDS_CLEAN);
    CU_ASSERT_EQUAL(access(test_path("inst/edb00001.log"), F_OK), 0);
    struct result r =
        run("truncate", inst, NULL); /* never backed up: all are needed for an incremental backup, or none */
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT_EQUAL(run("backup", inst, test_path("set"), NULL).code, DONE);
    CU_ASSERT_EQUAL(run("truncate", inst, NULL).code, DONE);
    CU_ASSERT_NOT_EQUAL(access(test_path("inst/edb00001.log"), F_OK), 0);
    check_rows(test_path("inst/test.edb"), 3000);
    make_rows(inst, false, 3000, 100, ENDS_CLEAN);
    CU_ASSERT_EQUAL(run("backup", "--incremental", inst, test_path("set"), NULL).code, DONE);
}

static void restore__what_is_no_set_or_a_damaged_one(void) {
    make_rows(test_path("inst"), false, 0, 100, ENDS_CLEAN);
    struct result r = run("restore", test_path("inst"), test_path("new"), NULL);
    CU_ASSERT_EQUAL(r.code, FAILED);
    CU_ASSERT(has(r.err, "holds no backup set"));
    CU_ASSERT_EQUAL(run("backup", test_path("inst"), test_path("set"), NULL).code, DONE);
    flip(test_path("set/test.edb"), page_at(5) + 100, 1);
    r = run("restore", test_path("set"), test_path("new"), "--dest", test_path("newdb"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT_NOT_EQUAL(access(test_path("newdb/test.edb"), F_OK), 0);
    flip(test_path("set/backup.manifest"), 60, 1);
    r = run("restore", test_path("set"), test_path("new"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.err, "backup.manifest is damaged"));
}

static void verify_set__says_what_a_set_is_and_that_it_is_whole(void) {
    const char *set = test_path("set");
    make_rows(test_path("inst"), false, 0, 500, ENDS_CLEAN);
    CU_ASSERT_EQUAL_FATAL(run("backup", test_path("inst"), set, NULL).code, DONE);
    struct result r = run("verify-set", set, NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    CU_ASSERT(has(r.out, "full backup                          20") && has(r.out, "test.edb: "));
    CU_ASSERT(has(r.out, "log generations                      1 to ") && has(r.out, "\n    whole\n"));
    make_rows(test_path("inst"), false, 500, 10, ENDS_CLEAN);
    CU_ASSERT_EQUAL_FATAL(run("backup", "--incremental", test_path("inst"), set, NULL).code, DONE);
    CU_ASSERT(has(run("verify-set", set, NULL).out, "last incremental backup              20"));
    r = run("verify-set", set, "--json", NULL);
    CU_ASSERT(r.code == DONE && has(r.out, "\"result\": \"whole\"") && has(r.out, "\"kind\": \"incremental\""));
    check_json();
    CU_ASSERT_EQUAL(run("backup", test_path("inst"), test_path("atomic"), "--atomic", NULL).code, DONE);
    r = run("verify-set", test_path("atomic"), NULL);
    CU_ASSERT(r.code == DONE && has(r.out, "/atomic/new: backup set"));
}

static void verify_set__names_what_is_damaged(void) {
    make_rows(test_path("inst"), false, 0, 100, ENDS_CLEAN);
    CU_ASSERT_EQUAL_FATAL(run("backup", test_path("inst"), test_path("set"), NULL).code, DONE);
    flip(test_path("set/test.edb"), page_at(5) + 100, 1);
    struct result r = run("verify-set", test_path("set"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "DAMAGED: page 5 of ") && has(r.out, "JET_errReadVerifyFailure"));
    r = run("verify-set", "--json", test_path("set"), NULL);
    CU_ASSERT_EQUAL(r.code, DAMAGE);
    CU_ASSERT(has(r.out, "\"damage\": \"page 5 of ") && has(r.out, "\"result\": \"damaged\""));
    check_json();
    flip(test_path("set/test.edb"), page_at(5) + 100, 1);
    CU_ASSERT_EQUAL(run("verify-set", test_path("set"), NULL).code, DONE);
    CU_ASSERT_EQUAL_FATAL(rename(test_path("set/test.edb"), test_path("moved")), 0);
    r = run("verify-set", test_path("set"), NULL);
    CU_ASSERT(r.code == DAMAGE && has(r.out, "/set/test.edb of the backup set is missing"));
    flip(test_path("set/backup.manifest"), 60, 1);
    r = run("verify-set", test_path("set"), NULL);
    CU_ASSERT(r.code == DAMAGE && has(r.out, "backup.manifest is damaged"));
    r = run("verify-set", "--json", test_path("inst"), NULL);
    CU_ASSERT(r.code == FAILED && has(r.err, "holds no backup set") && has(r.out, "\"result\": \"failed\""));
    check_json();
    CU_ASSERT_EQUAL(run("verify-set", NULL).code, FAILED);
}

/* ---- the command line itself ---- */

static void help__is_there_for_every_command(void) {
    static const char *const commands[] = {"verify", "header",     "check",    "tables",  "export",
                                           "backup", "verify-set", "truncate", "restore", "recover"};
    struct result r = run("--help", NULL);
    CU_ASSERT_EQUAL(r.code, DONE);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        r = run(commands[i], "--help", NULL);
        CU_ASSERT_EQUAL(r.code, DONE);
        CU_ASSERT(has(r.out, "Usage: esentutl"));
        CU_ASSERT(has(r.out, commands[i]));
    }
}

static void arguments__that_make_no_sense_cannot_be_done(void) {
    CU_ASSERT_EQUAL(run(NULL, NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("nonsense", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("/zz", "x", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("verify", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("verify", "--nonsense", "x", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("verify", "--json=1", "x", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("header", "a", "b", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("export", "a", "b", "--format", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("export", "a", "b", "--format", "xml", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("recover", ".", "--base", "toolong", NULL).code, FAILED);
    CU_ASSERT_EQUAL(run("backup", ".", "", NULL).code, FAILED);
}

TEST_MAIN(TEST(verify__windows_files_have_no_bad_page_that_is_theirs),
          TEST(verify__one_flipped_bit_is_correctable_and_two_are_not),
          TEST(verify__a_page_in_the_wrong_place_is_named), TEST(verify__one_damaged_copy_of_the_header_is_damage),
          TEST(verify__a_truncated_database_is_damage_wherever_it_ends),
          TEST(verify__what_is_none_of_these_files_cannot_be_done), TEST(verify__the_worst_of_several_files_decides),
          TEST(verify__finds_damage_in_log_files), TEST(verify__counts_the_copies_of_a_checkpoint),
          TEST(header__tells_everything_as_text_and_as_json), TEST(ese_spellings__do_the_same),
          TEST(check__windows_files_are_clean_but_for_the_one_copied_in_use), TEST(check__a_dirty_state_is_a_note),
          TEST(export__has_as_many_rows_as_the_independent_checker_counts), TEST(export__writes_values_by_their_types),
          TEST(export__a_value_that_cannot_be_decoded_is_marked), TEST(export__csv_quotes_what_needs_it),
          TEST(export__a_dirty_database_needs_recovery_first), TEST(export__a_table_that_is_not_there_cannot_be_done),
          TEST(recover__brings_back_what_was_committed_before_a_kill), TEST(instance_commands__never_begin_a_log),
          TEST(instance_commands__leave_a_running_instance_alone),
          TEST(backup__full_and_incremental_restore_to_the_place_and_elsewhere),
          TEST(restore__until_a_generation_goes_back_to_a_link_of_the_chain),
          TEST(backup__atomic_replaces_the_set_and_others_refuse_to),
          TEST(backup__a_circular_log_allows_no_incremental_one), TEST(backup__of_a_damaged_page_is_refused),
          TEST(truncate__deletes_what_a_backup_made_needless), TEST(restore__what_is_no_set_or_a_damaged_one),
          TEST(verify_set__says_what_a_set_is_and_that_it_is_whole), TEST(verify_set__names_what_is_damaged),
          TEST(help__is_there_for_every_command), TEST(arguments__that_make_no_sense_cannot_be_done))
