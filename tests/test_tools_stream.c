/* Backup sets as tar streams, as users move them: through pipes between the built program, gzip and tar; cut, flipped,
 * and made by an enemy. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/testapi.h"

#define ESENTUTL ESENT_BINARY_DIR "/bin/esentutl"

enum { DONE = 0, DAMAGE = 1, FAILED = 2 };

/* ---- shell ---- */

static char *read_file(const char *path, size_t *bytes) {
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, 0, SEEK_END);
    *bytes = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*bytes + 1);
    CU_ASSERT_EQUAL_FATAL(fread(text, 1, *bytes, f), *bytes);
    text[*bytes] = '\0';
    fclose(f);
    return text;
}

static void write_file(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static char said[8192]; /* stderr of the last command */

static char *put_args(const char *format, va_list args) {
    static char command[8192];
    int n = snprintf(command, sizeof command, "cd %s || exit 99; esentutl() { " ESENTUTL " \"$@\"; }; ", test_dir());
    vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    return command;
}

/* A line of bash in the directory of the test. Its exit code: of a pipe, that of the last program that failed. */
static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...) {
    char errors[4096];
    va_list args;
    va_start(args, format);
    char *command = put_args(format, args);
    va_end(args);
    snprintf(errors, sizeof errors, "%s/.stderr", test_dir());
    fflush(NULL);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0666), null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execlp("bash", "bash", "-o", "pipefail", "-c", command, (char *)NULL);
        _exit(98);
    }
    int status;
    size_t n;
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    char *text = read_file(errors, &n);
    snprintf(said, sizeof said, "%s", text);
    free(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool says(const char *part) {
    if (strstr(said, part))
        return true;
    fprintf(stderr, "\n    no \"%s\" in: %.600s", part, said);
    return false;
}

/* Its exit code is this one, else what it said is printed. */
static bool gives(int got, int code) {
    if (got != code)
        fprintf(stderr, "\n    exit code %d instead of %d: %.600s", got, code, said);
    return got == code;
}

/* ---- an instance with rows ---- */

static void row_text(int id, char out[64]) {
    snprintf(out, 64, "row %d of the table, some bytes long", id);
}

static void add_rows(struct testapi *t, JET_TABLEID table, int from, int end) {
    char text[64];
    CHECK_OK(JetBeginTransaction(t->ses));
    for (int id = from; id < end; id++) {
        row_text(id, text);
        testapi_put(t, table, id, text);
    }
    CHECK_OK(JetCommitTransaction(t->ses, 0));
}

/* Rows from .. end-1 in database db of the instance in <test_dir>/name; it is closed clean. */
static void write_rows(const char *name, const char *db, int from, int end) {
    struct testapi t = testapi_new(name);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramLogFileSize, 128, NULL));
    testapi_run(&t);
    if (testapi_exists(testapi_path(&t, db))) {
        testapi_attach(&t, db);
        add_rows(&t, testapi_open(&t, "rows"), from, end);
    } else {
        testapi_create(&t, db);
        add_rows(&t, testapi_table(&t, "rows"), from, end);
    }
    testapi_stop(&t);
}

/* The database holds exactly rows 0 .. end-1, as export tells, and is sound. */
static bool has_rows(const char *db, int end) {
    char want[128], text[64];
    size_t n;
    int code = sh("esentutl check %s && esentutl export %s rows >.rows", db, db);
    if (!gives(code, DONE))
        return false;
    char *rows = read_file(test_path(".rows"), &n), *line = rows;
    for (int id = 0; id < end; id++) {
        row_text(id, text);
        int length = snprintf(want, sizeof want, "{\"id\": %d, \"text\": \"%s\"}\n", id, text);
        if (strncmp(line, want, (size_t)length) != 0) {
            fprintf(stderr, "\n    row %d of %d is: %.80s", id, end, line);
            free(rows);
            return false;
        }
        line += length;
    }
    const bool all = *line == '\0';
    if (!all)
        fprintf(stderr, "\n    more than %d rows: %.80s", end, line);
    free(rows);
    return all;
}

/* Nothing of a restore into new and newdb is left. */
static bool left_nothing(void) {
    return gives(sh("test ! -e new && test ! -e newdb && test ! -e evil && test ! -e ../evil && "
                    "! find . -name '*restore.tmp*' | grep . >&2"),
                 DONE);
}

/* No header says that there was a backup, and no log file went. */
static bool no_backup_noted(void) {
    return gives(sh("esentutl header inst/x.edb | tee /dev/stderr | grep 'bkinfoFullPrev) *never' && "
                    "test -e inst/edb00001.log"),
                 DONE);
}

/* ---- the good way ---- */

static void stream__through_a_pipe_is_restored_where_it_was_and_elsewhere(void) {
    write_rows("inst", "x.edb", 0, 2000);
    CU_ASSERT(gives(sh("esentutl backup inst - | tee full.tar | esentutl restore - new --dest newdb"), DONE));
    CU_ASSERT(says("full backup to standard output: log generations 3 to 3"));
    CU_ASSERT(has_rows("newdb/x.edb", 2000));
    CU_ASSERT(gives(sh("test ! -e new/restore.tmp && test \"$(ls newdb)\" = x.edb"), DONE));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <full.tar"), DONE)); /* once more, over its own log files */
    CU_ASSERT(has_rows("newdb/x.edb", 2000));
    /* The instance's own log files bring it further than the stream. */
    CU_ASSERT(gives(sh("esentutl backup inst - >full.tar"), DONE));
    write_rows("inst", "x.edb", 2000, 3000);
    CU_ASSERT(gives(sh("rm inst/x.edb; esentutl restore - inst <full.tar"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 3000));
    CU_ASSERT(gives(sh("rm -r inst; esentutl restore - inst <full.tar"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 2000));
    write_rows("inst", "x.edb", 2000, 2100); /* and it goes on, and can be brought back with what it logged since */
    CU_ASSERT(gives(sh("rm inst/x.edb; esentutl restore - inst <full.tar"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 2100));
    CU_ASSERT(gives(sh("mkdir set && tar xf full.tar -C set && rm inst/x.edb && esentutl restore set inst"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 2100));
}

static void stream__is_an_ordinary_set_after_tar_x_and_goes_through_gzip(void) {
    write_rows("inst", "x.edb", 0, 2000);
    CU_ASSERT(gives(sh("esentutl backup inst - --sha256 | gzip -1 >set.tar.gz"), DONE));
    CU_ASSERT(gives(sh("gzip -dc set.tar.gz | esentutl restore - new --dest newdb"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 2000));
    CU_ASSERT(gives(sh("mkdir set && tar xzf set.tar.gz -C set"), DONE));
    CU_ASSERT_STRING_EQUAL(said, "");
    CU_ASSERT(gives(sh("esentutl verify-set set"), DONE));
    CU_ASSERT(
        gives(sh("cd set && sed -n 's/^sha256 \\([0-9a-f]*\\) \\(.*b\\|.*g\\)$/\\1  \\2/p' backup.manifest >../sums && "
                 "test $(wc -l <../sums) -gt 1 && sha256sum -c ../sums"),
              DONE));
    CU_ASSERT(gives(sh("esentutl restore set new2 --dest new2"), DONE));
    CU_ASSERT(has_rows("new2/x.edb", 2000));
    CU_ASSERT(gives(sh("esentutl restore - new3 --dest new3 <set.tar.gz"), DAMAGE));
    CU_ASSERT(says("is no tar stream") || says("the tar stream is damaged"));
}

static void stream__holds_several_databases_also_of_one_name(void) {
    write_rows("inst", "x.edb", 0, 200);
    struct testapi t = testapi_start("inst");
    CU_ASSERT_EQUAL_FATAL(mkdir(testapi_path(&t, "far"), 0777), 0);
    testapi_create(&t, "far/x.edb");
    add_rows(&t, testapi_table(&t, "rows"), 0, 300);
    testapi_create(&t, "h\xc3\xa4user.edb");
    add_rows(&t, testapi_table(&t, "rows"), 0, 400);
    testapi_stop(&t);
    CU_ASSERT(gives(sh("LC_ALL=C esentutl backup inst - --db inst/far/x.edb >set.tar"), DONE));
    CU_ASSERT(gives(sh("LC_ALL=C esentutl restore - new --dest newdb <set.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 200));
    CU_ASSERT(has_rows("newdb/2-x.edb", 300));
    CU_ASSERT(has_rows("newdb/h\xc3\xa4user.edb", 400));
    CU_ASSERT(gives(sh("rm -r inst; esentutl restore - inst <set.tar"), DONE)); /* with its directories */
    CU_ASSERT(has_rows("inst/far/x.edb", 300));
    CU_ASSERT(has_rows("inst/h\xc3\xa4user.edb", 400));
}

/* ---- incremental streams ---- */

static void incremental__continues_the_stream_of_its_manifest(void) {
    write_rows("inst", "x.edb", 0, 1000);
    CU_ASSERT(gives(sh("esentutl backup inst - --manifest m >0.tar"), DONE));
    for (int i = 1; i <= 3; i++) {
        write_rows("inst", "x.edb", 1000 * i, 1000 * (i + 1));
        CU_ASSERT(gives(sh("esentutl backup --incremental inst - --manifest m >%d.tar", i), DONE));
        CU_ASSERT(says("incremental backup to standard output"));
    }
    CU_ASSERT(gives(sh("! tar tf 2.tar | grep x.edb && tar tf 2.tar | grep edb0"), DONE));
    CU_ASSERT(gives(sh("cat 0.tar 1.tar 2.tar | esentutl restore - new --dest newdb"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 3000));
    CU_ASSERT(gives(sh("mkdir set; for i in 0 1 2 3; do tar xf $i.tar -C set && esentutl verify-set set || exit; done"),
                    DONE));
    CU_ASSERT(gives(sh("cmp m set/backup.manifest && esentutl restore set new2 --dest new2"), DONE));
    CU_ASSERT(has_rows("new2/x.edb", 4000));
    CU_ASSERT(gives(sh("rm -r new newdb; cat 0.tar 1.tar 3.tar | esentutl restore - new --dest newdb"), DAMAGE));
    CU_ASSERT(says(".log is missing"));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <1.tar"), DAMAGE));
    CU_ASSERT(says("is missing: the full backup must come first") || says(".log is missing"));
    CU_ASSERT(gives(sh("cat 1.tar 0.tar | esentutl restore - new --dest newdb"), DAMAGE));
    CU_ASSERT(left_nothing());
}

static void restore__to_an_earlier_moment(void) {
    write_rows("inst", "x.edb", 0, 1000);
    CU_ASSERT(gives(sh("esentutl backup inst - --manifest m >full.tar && mkdir s && tar xf full.tar -C s"), DONE));
    CU_ASSERT(gives(sh("awk '/^log-high/ {printf \"%%X\\n\", $2}' s/backup.manifest >gen; test -s gen"), DONE));
    write_rows("inst", "x.edb", 1000, 2000);
    CU_ASSERT(
        gives(sh("esentutl backup --incremental inst - --manifest m >more.tar; cat full.tar more.tar >all.tar"), DONE));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb --until-generation $(cat gen) <all.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 1000));
    CU_ASSERT(gives(
        sh("rm -r new newdb; esentutl restore - new --dest newdb --until-time '2100-01-01 00:00:00' <all.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 2000));
    CU_ASSERT(gives(
        sh("rm -r new newdb; esentutl restore - new --dest newdb --until-time 2001-01-01T00:00:00Z <all.tar"), FAILED));
    CU_ASSERT(says("younger"));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb --until-time 2001-13-01T00:00:00Z <all.tar"), FAILED));
    CU_ASSERT(says("is no time"));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb --until-generation FFFF <all.tar"), FAILED));
    CU_ASSERT(says("ends with log generation"));
    CU_ASSERT(left_nothing());
    write_rows("inst", "x.edb", 2000, 3000); /* the log files of the instance go on */
    CU_ASSERT(gives(sh("esentutl restore - inst --until-generation $(cat gen) <all.tar"), FAILED));
    CU_ASSERT(says("beyond what is restored"));
    CU_ASSERT(has_rows("inst/x.edb", 3000));
    CU_ASSERT(gives(sh("esentutl restore - inst <all.tar"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 3000));
    /* Another history in the same directory. */
    CU_ASSERT(gives(sh("mkdir keep && mv inst/edb* keep/ && cp full.tar f && esentutl restore - inst <f"), DONE));
    write_rows("inst", "x.edb", 1000, 1500);
    CU_ASSERT(gives(sh("esentutl restore - inst <all.tar"), FAILED));
    CU_ASSERT(says("--delete-later-logs"));
    CU_ASSERT(has_rows("inst/x.edb", 1500));
    CU_ASSERT(gives(sh("esentutl restore - inst --delete-later-logs <all.tar"), DONE));
    CU_ASSERT(has_rows("inst/x.edb", 2000));
}

static void incremental__of_another_backup_is_refused(void) {
    write_rows("inst", "x.edb", 0, 1000);
    CU_ASSERT(gives(sh("esentutl backup --incremental inst - >i.tar"), FAILED));
    CU_ASSERT(says("--manifest"));
    CU_ASSERT(gives(sh("esentutl backup --incremental inst - --manifest m >i.tar"), FAILED));
    CU_ASSERT(gives(sh("echo nonsense >n; esentutl backup --incremental inst - --manifest n >i.tar"), DAMAGE));
    CU_ASSERT(gives(sh("esentutl backup inst - --manifest m >0.tar && cp m m0"), DONE));
    write_rows("inst", "x.edb", 1000, 1100);
    CU_ASSERT(gives(sh("esentutl backup inst - --incremental --manifest m >1.tar"), DONE));
    CU_ASSERT(gives(sh("esentutl backup inst - --incremental --manifest m0 >i.tar"), FAILED)); /* misses a link */
    CU_ASSERT(says("a full one is needed"));
    CU_ASSERT(gives(sh("esentutl backup inst full"), DONE)); /* begins another chain */
    CU_ASSERT(gives(sh("esentutl backup inst - --incremental --manifest m >i.tar"), FAILED));
    CU_ASSERT(says("a full one is needed"));
    write_rows("inst2", "x.edb", 0, 10);
    CU_ASSERT(gives(sh("esentutl backup inst2 - --manifest m2 >/dev/null"), DONE));
    CU_ASSERT(gives(sh("esentutl backup inst2 - --incremental --manifest m0 >i.tar"), FAILED));
    CU_ASSERT(says("another log"));
    CU_ASSERT(gives(sh("cmp -s m m0"), 1) && gives(sh("! grep -qa 'libesent backup set' i.tar"), DONE));
}

/* The archive was written and its manifest was not: the next one has the same log files to take, and knows them. */
static void incremental__after_one_that_did_not_end_takes_up_what_was_written(void) {
    write_rows("inst", "x.edb", 0, 1000);
    CU_ASSERT(gives(sh("esentutl backup inst - --manifest m >0.tar"), DONE));
    write_rows("inst", "x.edb", 1000, 2000);
    CU_ASSERT(gives(sh("mkdir m.tmp; esentutl backup inst - --incremental --manifest m >1.tar"), FAILED));
    CU_ASSERT(says("the manifest cannot be written"));
    CU_ASSERT(gives(sh("rmdir m.tmp; tar xOf 1.tar backup.manifest >m1"), DONE)); /* it is whole all the same */
    write_rows("inst", "x.edb", 2000, 3000);
    CU_ASSERT(gives(sh("cp -r inst fork; cp m1 mf"), DONE));
    CU_ASSERT(gives(sh("esentutl backup inst - --incremental --manifest m1 >2.tar"), DONE));
    CU_ASSERT(gives(sh("cat 0.tar 1.tar 2.tar | esentutl restore - new --dest newdb"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 3000));
    /* The manifest says more than this instance ever did under those numbers. */
    CU_ASSERT(gives(sh("esentutl backup fork - --incremental --manifest m1 >i.tar"), FAILED));
    CU_ASSERT(says("a full backup is needed") || says("a full one is needed"));
}

/* ---- a backup that fails ---- */

static void backup__that_cannot_be_written_changes_nothing(void) {
    write_rows("inst", "x.edb", 0, 2000);
    CU_ASSERT(gives(sh("esentutl backup inst - >/dev/full"), FAILED));
    CU_ASSERT(says("standard output: No space left on device"));
    CU_ASSERT(no_backup_noted());
    CU_ASSERT(gives(sh("esentutl backup inst - | head -c 100000 >cut; exit ${PIPESTATUS[0]}"), FAILED));
    CU_ASSERT(says("broken pipe"));
    CU_ASSERT(no_backup_noted());
    CU_ASSERT(gives(sh("esentutl backup inst - >&-"), FAILED));
    CU_ASSERT(no_backup_noted());
    CU_ASSERT(gives(sh("esentutl backup inst - >full.tar && test ! -e inst/edb00001.log"), DONE));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <full.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 2000));
}

static void backup__that_finds_damage_ends_the_stream(void) {
    write_rows("inst", "x.edb", 0, 2000);
    /* Somewhere in the middle is a leaf. */
    CU_ASSERT(gives(sh("printf ABCDEFGH | dd of=inst/x.edb bs=1 seek=$((4096 * 40 + 1000)) conv=notrunc"), DONE));
    CU_ASSERT(gives(sh("esentutl backup inst - >bad.tar"), DAMAGE));
    CU_ASSERT(says("x.edb: cannot be backed up: JET_errReadVerifyFailure"));
    CU_ASSERT(no_backup_noted());
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <bad.tar"), DAMAGE));
    CU_ASSERT(says("is empty"));
    CU_ASSERT(left_nothing());
}

/* A terminal as this process's child sees it. */
static int sh_with_terminal(int as, const char *command) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    CU_ASSERT_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    const char *name = ptsname(master);
    int code = as == STDIN_FILENO ? sh("%s <%s", command, name) : sh("%s >%s", command, name);
    close(master);
    return code;
}

static void stream__is_no_matter_for_a_terminal(void) {
    write_rows("inst", "x.edb", 0, 2000);
    CU_ASSERT(gives(sh_with_terminal(STDOUT_FILENO, "esentutl backup inst -"), FAILED));
    CU_ASSERT(says("not written to a terminal"));
    CU_ASSERT(gives(sh_with_terminal(STDIN_FILENO, "esentutl restore - new --dest newdb"), FAILED));
    CU_ASSERT(says("is a terminal"));
    CU_ASSERT(gives(sh("esentutl backup inst - --atomic | cat"), FAILED));
    CU_ASSERT(gives(sh("esentutl backup inst set --manifest m"), FAILED));
    CU_ASSERT(left_nothing() && no_backup_noted());
}

/* ---- a stream taken apart: a tar archive is blocks of 512 bytes ---- */

#define UNITS_MAX 64

struct unit { /* an entry with the extended header before it */
    char *bytes;
    size_t n;
    size_t header; /* offset of its own */
    char name[101];
};

struct parts {
    char *stream;
    size_t bytes;
    struct unit units[UNITS_MAX];
    int count;
};

static size_t blocks(const char *header) {
    return 512 + (strtoul(header + 124, NULL, 8) + 511) / 512 * 512;
}

static void take_apart(const char *path, struct parts *p) {
    *p = (struct parts){0};
    p->stream = read_file(path, &p->bytes);
    for (size_t at = 0; at + 512 <= p->bytes;) {
        if (!p->stream[at]) { /* the end of an archive, perhaps of the first one */
            at += 512;
            continue;
        }
        struct unit *u = &p->units[p->count++];
        CU_ASSERT_FATAL(p->count <= UNITS_MAX);
        u->bytes = p->stream + at;
        if (u->bytes[156] == 'x')
            u->header = blocks(u->bytes);
        u->n = u->header + blocks(u->bytes + u->header);
        memcpy(u->name, u->bytes + u->header, 100);
        at += u->n;
    }
    CU_ASSERT_STRING_EQUAL_FATAL(p->units[p->count - 1].name, "backup.manifest");
}

/* Writes an archive of these units and an end. */
static void put_together(const char *path, struct unit *const *units, int count) {
    static const char end[1024];
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (int i = 0; i < count; i++)
        CU_ASSERT_EQUAL_FATAL(fwrite(units[i]->bytes, 1, units[i]->n, f), units[i]->n);
    CU_ASSERT_EQUAL_FATAL(fwrite(end, 1, sizeof end, f), sizeof end);
    fclose(f);
}

static void sum_header(char *header) {
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (uint8_t)header[i];
    snprintf(header + 148, 8, "%06o", sum);
}

/* A copy of a unit with another name, kind, and target of a link; each as it was if NULL or 0. */
static struct unit forge(const struct unit *from, const char *name, char kind, const char *link) {
    struct unit u = *from;
    u.bytes = malloc(u.n);
    memcpy(u.bytes, from->bytes, u.n);
    char *header = u.bytes + u.header;
    if (name)
        strncpy(header, name, 100); /* all of it, with no NUL behind, is a name too */
    if (kind)
        header[156] = kind;
    if (link)
        strncpy(header + 157, link, 100);
    sum_header(header);
    return u;
}

/* ---- hostile and damaged streams ---- */

/* Refused with this message, wherever databases go, and nothing is left. */
static bool is_refused(const char *stream, const char *message) {
    for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
        int code = sh("esentutl restore - new %s <%s", elsewhere ? "--dest newdb" : "", stream);
        if (!gives(code, DAMAGE) || (message && !says(message)) || !left_nothing())
            return false;
    }
    return gives(sh("cmp inst/x.edb x.before && ls -A inst | cmp - inst.before"), DONE);
}

/* inst with x.edb, the stream set.tar of it, which has several log files, and what must still be after a restore that
 * is refused. */
static void make_stream(struct parts *p) {
    struct unit *all[UNITS_MAX] = {0};
    int count = 0;
    write_rows("inst", "x.edb", 0, 1000);
    CU_ASSERT(gives(sh("esentutl backup inst - --manifest m >0.tar"), DONE));
    write_rows("inst", "x.edb", 1000, 3000);
    CU_ASSERT(gives(sh("esentutl backup inst - --incremental --manifest m >1.tar && cat 0.tar 1.tar >set.tar"), DONE));
    write_rows("inst", "x.edb", 3000, 3100);
    CU_ASSERT_FATAL(gives(sh("cp inst/x.edb x.before; ls -A inst >inst.before; echo precious >sentinel"), DONE));
    take_apart(test_path("set.tar"), p);
    for (int i = 0; i < p->count; i++)
        if (i == p->count - 1 || strcmp(p->units[i].name, "backup.manifest") != 0)
            all[count++] = &p->units[i];
    put_together(test_path("set.tar"), all, count);
    free(p->stream);
    take_apart(test_path("set.tar"), p); /* as one archive */
    CU_ASSERT_FATAL(p->count == count && count > 4);
}

static void restore__refuses_entries_that_are_no_plain_files_of_a_set(void) {
    static const struct {
        const char *name;
        char kind;
        const char *link, *says;
    } forged[] = {
        {"../evil", 0, NULL, "a name that is not that of a file"},
        {"/tmp/evil", 0, NULL, "a name that is not that of a file"},
        {"evil/x.edb", 0, NULL, "a name that is not that of a file"},
        {"..", 0, NULL, "a name that is not that of a file"},
        {"./evil", 0, NULL, "a name that is not that of a file"},
        {"evil\nname", 0, NULL, "a name that is not that of a file"},
        {"\xff\xfe", 0, NULL, NULL},
        {NULL, '1', "sentinel", "is no plain file"},
        {NULL, '2', "../../sentinel", "is no plain file"},
        {NULL, '3', NULL, "is no plain file"},
        {NULL, '4', NULL, "is no plain file"},
        {NULL, '5', NULL, NULL},
        {NULL, '6', NULL, "is no plain file"},
        {"backup.manifest.tmp", 0, NULL, "belongs to no backup set"},
        {"lock", 0, NULL, "belongs to no backup set"},
        {"README", 0, NULL, "README"},
        {"EDB00001.LOG", 0, NULL, "EDB00001.LOG: the manifest does not name it"},
        {"abc00001.log", 0, NULL, "abc00001.log: the manifest does not name it"},
    };
    struct parts p;
    make_stream(&p);
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        struct unit u = forge(&p.units[1], forged[i].name, forged[i].kind, forged[i].link), *all[UNITS_MAX + 1];
        for (int k = 0; k < p.count; k++)
            all[k + 1] = &p.units[k];
        all[0] = &u;
        put_together(test_path("bad.tar"), all, p.count + 1);
        if (!is_refused("bad.tar", forged[i].says))
            CU_FAIL("a forged entry was not refused");
        free(u.bytes);
    }
    CU_ASSERT(gives(sh("grep -qx precious sentinel"), DONE));
    free(p.stream);
}

static void restore__refuses_a_set_that_is_not_whole(void) {
    struct parts p;
    struct unit *all[UNITS_MAX + 1] = {0};
    make_stream(&p);
    const int n = p.count;
    for (int gone = 0; gone < n; gone++) { /* one entry is missing */
        int count = 0;
        for (int k = 0; k < n; k++)
            if (k != gone)
                all[count++] = &p.units[k];
        put_together(test_path("bad.tar"), all, count);
        char message[160];
        snprintf(message, sizeof message, "%s is missing", p.units[gone].name);
        CU_ASSERT(is_refused("bad.tar", gone == n - 1 ? "does not end with backup.manifest" : message));
    }
    for (int twice = 0; twice < n - 1; twice++) { /* one is there twice */
        int count = 0;
        for (int k = 0; k < n; k++) {
            if (k == n - 1)
                all[count++] = &p.units[twice];
            all[count++] = &p.units[k];
        }
        put_together(test_path("bad.tar"), all, count);
        CU_ASSERT(is_refused("bad.tar", "is there twice"));
    }
    for (int k = 0; k < n; k++) /* the manifest comes first */
        all[(k + 1) % n] = &p.units[k];
    put_together(test_path("bad.tar"), all, n);
    CU_ASSERT(is_refused("bad.tar", "does not end with backup.manifest"));
    /* A log file under the name of another. */
    struct unit swapped = forge(&p.units[1], p.units[2].name, 0, NULL);
    for (int k = 0; k < n; k++)
        all[k] = k == 2 ? &swapped : &p.units[k];
    put_together(test_path("bad.tar"), all, n);
    CU_ASSERT(is_refused("bad.tar", ".log: is damaged: it is not what the manifest says"));
    free(swapped.bytes);
    free(p.stream);
}

static void restore__refuses_what_is_cut_or_followed_by_something(void) {
    struct parts p;
    make_stream(&p);
    const size_t manifest_end = (size_t)(p.units[p.count - 1].bytes - p.stream) + 512;
    for (int i = 0; i < 25; i++) {
        size_t n = i < p.count ? (size_t)(p.units[i].bytes - p.stream) : test_random_below(manifest_end);
        write_file(test_path("bad.tar"), p.stream, n);
        if (!is_refused("bad.tar", NULL)) {
            fprintf(stderr, "\n    cut at %zu of %zu", n, p.bytes);
            CU_FAIL("a cut stream was not refused");
        }
    }
    CU_ASSERT(is_refused("/dev/null", "is empty"));
    CU_ASSERT(gives(sh("{ cat set.tar; echo more; } >bad.tar"), DONE));
    CU_ASSERT(is_refused("bad.tar", NULL));
    CU_ASSERT(gives(sh("cat set.tar set.tar >bad.tar"), DONE));
    CU_ASSERT(is_refused("bad.tar", "is there twice"));
    CU_ASSERT(gives(sh("head -c 300000 /dev/urandom >bad.tar"), DONE));
    CU_ASSERT(is_refused("bad.tar", NULL));
    free(p.stream);
}

/* What does not matter (an entry's date has a checksum, the padding of an entry has not) may be restored: then rightly.
 */
static void restore__with_a_flipped_bit_is_refused_or_right(void) {
    struct parts p;
    int refused = 0;
    make_stream(&p);
    for (int i = 0; i < 40; i++) {
        const int unit = (int)test_random_below((uint64_t)p.count);
        size_t at = test_random_below(i % 2 ? 1536 : p.units[unit].n); /* headers are small and matter */
        char *byte = &p.units[unit].bytes[at < p.units[unit].n ? at : 0];
        const char bit = (char)(1 << test_random_below(8));
        *byte ^= bit;
        write_file(test_path("bad.tar"), p.stream, p.bytes);
        int code = sh("esentutl restore - new --dest newdb <bad.tar");
        bool right = code == DONE ? has_rows("newdb/x.edb", 3000) && gives(sh("rm -r new newdb"), DONE)
                                  : gives(code, DAMAGE) && left_nothing();
        if (!right)
            fprintf(stderr, "\n    bit %d at %td", bit, byte - p.stream);
        CU_ASSERT(right);
        refused += code != DONE;
        *byte ^= bit;
    }
    CU_ASSERT(refused > 20);
    /* A page, a log file, the manifest: each is named. */
    static const char *const named[] = {"x.edb: page 6 at offset 28672 is damaged", ".log: is damaged",
                                        "backup.manifest is damaged"};
    for (int i = 0; i < 3; i++) {
        struct unit *u = &p.units[i == 2 ? p.count - 1 : i];
        char *byte = &u->bytes[u->header + 512 + (i == 2 ? 100 : 4096 * 7 + 100)];
        *byte ^= 1;
        write_file(test_path("bad.tar"), p.stream, p.bytes);
        CU_ASSERT(is_refused("bad.tar", named[i]));
        *byte ^= 1;
    }
    free(p.stream);
}

/* ---- what was there ---- */

static void restore__that_fails_leaves_the_old_database(void) {
    write_rows("inst", "x.edb", 0, 500);
    write_rows("other", "y.edb", 0, 300);
    CU_ASSERT(gives(
        sh("esentutl backup inst - >set.tar; cp inst/x.edb x.before; mkdir newdb; cp other/y.edb newdb/x.edb"), DONE));
    /* The log files in DIR are another instance's: nothing is known of that before the stream is whole. */
    CU_ASSERT(gives(sh("esentutl restore - other --dest newdb <set.tar"), FAILED));
    CU_ASSERT(says("JET_errExistingLogFileHasBadSignature"));
    CU_ASSERT(gives(sh("cmp newdb/x.edb other/y.edb && test \"$(ls -A newdb)\" = x.edb && test ! -e other/restore.tmp"),
                    DONE));
    /* A running instance has the database, or the directory. */
    struct testapi t = testapi_start("inst");
    testapi_attach(&t, "x.edb");
    CU_ASSERT(gives(sh("esentutl restore - new <set.tar"), FAILED));
    CU_ASSERT(says("x.edb: cannot be replaced: it is in use"));
    CU_ASSERT(gives(sh("esentutl restore - inst --dest newdb <set.tar"), FAILED));
    CU_ASSERT(says("is in use by a running instance"));
    testapi_stop(&t);
    /* Another restore works in the directory: it has read so much that it has begun. */
    CU_ASSERT(gives(sh("mkfifo fifo; " ESENTUTL " restore - new --dest newdb <fifo & exec 3>fifo; "
                       "head -c 200000 set.tar >&3; esentutl restore - new --dest newdb2 <set.tar; code=$?; "
                       "exec 3>&-; wait; exit $code"),
                    FAILED));
    CU_ASSERT(says("another restore has it"));
    CU_ASSERT(gives(sh("cmp newdb/x.edb other/y.edb && test ! -e new && test ! -e newdb2"), DONE));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <set.tar"), DONE)); /* now it is replaced */
    CU_ASSERT(has_rows("newdb/x.edb", 500));
}

/* All is done but the last step, because a directory has come where the database shall go. The next restore goes over
 * what this one left in the log. */
static void restore__that_fails_at_the_last_step_can_be_done_again(void) {
    struct parts p;
    make_stream(&p);
    CU_ASSERT_FATAL(p.units[0].n > 220000); /* so that all of x.edb has not come, and its place was looked at */
    CU_ASSERT(gives(sh("{ head -c 200000 set.tar; mkdir -p newdb/x.edb/in.the.way; tail -c +200001 set.tar; } | "
                       "esentutl restore - new --dest newdb"),
                    FAILED));
    CU_ASSERT(says("could not be put into place"));
    CU_ASSERT(gives(sh("test \"$(ls -A newdb)\" = x.edb && test ! -e new/restore.tmp && rm -r newdb"), DONE));
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <set.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 3000));
    free(p.stream);
}

/* ---- kills ---- */

/* The restore gets this much of the stream, and is killed while it waits for more. */
static void kill_restore(const struct parts *p, size_t n) {
    int pipe_ends[2], null = open("/dev/null", O_RDWR);
    CU_ASSERT_EQUAL_FATAL(pipe(pipe_ends), 0);
    char dir[600], dest[600];
    snprintf(dir, sizeof dir, "%.500s/new", test_dir());
    snprintf(dest, sizeof dest, "%.500s/newdb", test_dir());
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        dup2(pipe_ends[0], STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(pipe_ends[1]);
        execl(ESENTUTL, ESENTUTL, "restore", "-", dir, "--dest", dest, (char *)NULL);
        _exit(98);
    }
    close(pipe_ends[0]);
    close(null);
    for (size_t at = 0; at < n;) {
        ssize_t written = write(pipe_ends[1], p->stream + at, n - at);
        CU_ASSERT_FATAL(written > 0);
        at += (size_t)written;
    }
    kill(pid, SIGKILL);
    close(pipe_ends[1]);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

static void restore__that_was_killed_is_started_again(void) {
    struct parts p;
    make_stream(&p);
    for (int i = 0; i < 10; i++) {
        kill_restore(&p, i == 9 ? p.bytes : test_random_below(p.bytes));
        if (i % 2)
            continue; /* and killed again */
        CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <set.tar"), DONE));
        CU_ASSERT(has_rows("newdb/x.edb", 3000));
        CU_ASSERT(gives(sh("test ! -e new/restore.tmp && test \"$(ls -A newdb)\" = x.edb && rm -r new newdb"), DONE));
    }
    CU_ASSERT(gives(sh("esentutl restore - new --dest newdb <set.tar"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 3000));
    free(p.stream);
}

static void backup__that_was_killed_gives_a_stream_that_is_refused(void) {
    write_rows("inst", "x.edb", 0, 6000);
    CU_ASSERT_FATAL(gives(sh("test $(stat -c %%s inst/x.edb) -gt 500000"), DONE)); /* more than is read, and a pipe */
    for (int i = 0; i < 5; i++) {
        const unsigned n = 1 + (unsigned)test_random_below(400000);
        /* The reader stops after n bytes, so the writer waits: then it is killed. */
        CU_ASSERT(gives(sh("mkfifo fifo; " ESENTUTL " backup inst - >fifo & "
                           "{ head -c %u >cut; kill -9 $!; cat >>cut; } <fifo; rm fifo; wait $!; "
                           "esentutl restore - new --dest newdb <cut",
                           n),
                        DAMAGE));
        CU_ASSERT(left_nothing());
    }
    CU_ASSERT(no_backup_noted());
    CU_ASSERT(gives(sh("esentutl backup inst - | esentutl restore - new --dest newdb"), DONE));
    CU_ASSERT(has_rows("newdb/x.edb", 6000));
}

TEST_MAIN(TEST(stream__through_a_pipe_is_restored_where_it_was_and_elsewhere),
          TEST(stream__is_an_ordinary_set_after_tar_x_and_goes_through_gzip),
          TEST(stream__holds_several_databases_also_of_one_name),
          TEST(incremental__continues_the_stream_of_its_manifest), TEST(restore__to_an_earlier_moment),
          TEST(incremental__of_another_backup_is_refused),
          TEST(incremental__after_one_that_did_not_end_takes_up_what_was_written),
          TEST(backup__that_cannot_be_written_changes_nothing), TEST(backup__that_finds_damage_ends_the_stream),
          TEST(stream__is_no_matter_for_a_terminal), TEST(restore__refuses_entries_that_are_no_plain_files_of_a_set),
          TEST(restore__refuses_a_set_that_is_not_whole), TEST(restore__refuses_what_is_cut_or_followed_by_something),
          TEST(restore__with_a_flipped_bit_is_refused_or_right), TEST(restore__that_fails_leaves_the_old_database),
          TEST(restore__that_fails_at_the_last_step_can_be_done_again), TEST(restore__that_was_killed_is_started_again),
          TEST(backup__that_was_killed_gives_a_stream_that_is_refused))
