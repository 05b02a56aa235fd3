/* The main job end to end: load, write from two threads, full backup under that load, more writing, incremental
 * backup, a hard kill, the database file destroyed, restore, and the proof that every acknowledged row is there and
 * nothing else. Uses nothing but the public header.
 *
 *     demo DIRECTORY [TEXT-FILE] */
#include <dirent.h>
#include <esent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITERS 2
#define LINE_MOST 400
#define LINES_MOST 200000

/* What the child promised, in memory that its death does not take away. */
struct promises {
    _Atomic uint32_t loaded;                                /* lines of the text that are committed */
    _Atomic uint32_t begun[WRITERS], acknowledged[WRITERS]; /* rows of each writer */
    _Atomic uint32_t at_full, at_incremental;               /* acknowledged when the backups began */
    _Atomic bool done, failed;
};

static char system_dir[512], backup_dir[512], database[512];
static char (*lines)[LINE_MOST + 1];
static uint32_t line_count;

static void check(JET_ERR err, const char *what) {
    if (err >= JET_errSuccess)
        return;
    char text[200] = "";
    JET_API_PTR number = (JET_API_PTR)(int64_t)err;
    JetGetSystemParameter(0, 0, JET_paramErrorToString, &number, text, sizeof text);
    fprintf(stderr, "demo: %s: %d %s\n", what, (int)err, text);
    exit(1);
}
#define CHECK(call) check((call), #call)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double step_began;
static void step(const char *what) {
    step_began = now();
    printf("%-58s", what);
    fflush(stdout);
}
static void done(const char *format, double figure) {
    printf(format, figure);
    printf("  (%.2f s)\n", now() - step_began);
    fflush(stdout);
}

/* ---- the text ---- */

static void read_lines(const char *path) {
    FILE *f = fopen(path, "r");
    if (!f)
        return;
    while (line_count < LINES_MOST && fgets(lines[line_count], LINE_MOST, f)) {
        lines[line_count][strcspn(lines[line_count], "\n")] = 0;
        line_count++;
    }
    fclose(f);
}

/* A file that the user names, or what any machine has: its licences, its word list, its C headers. */
static void collect_text(const char *named) {
    static const char *const places[] = {"/usr/share/common-licenses", "/usr/share/dict", "/usr/include"};
    lines = calloc(LINES_MOST, sizeof *lines);
    if (!lines)
        exit(1);
    if (named) {
        read_lines(named);
        return;
    }
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        DIR *dir = opendir(places[i]);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            char path[700];
            struct stat st;
            snprintf(path, sizeof path, "%s/%s", places[i], entry->d_name);
            if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
                read_lines(path);
        }
        if (dir)
            closedir(dir);
    }
}

/* ---- the database ---- */

static JET_INSTANCE new_instance(void) {
    JET_INSTANCE instance;
    CHECK(JetCreateInstance(&instance, "demo"));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramSystemPath, 0, system_dir));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramLogFilePath, 0, system_dir));
    CHECK(JetSetSystemParameter(&instance, 0, JET_paramLogFileSize, 1024, NULL));
    return instance;
}

static void create_table(JET_SESID session, JET_DBID db, const char *name) {
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof *columns,
         .szColumnName = "number",
         .coltyp = JET_coltypLong,
         .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "line", .coltyp = JET_coltypLongText, .cp = 1252},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+number\0",
                             .cbKey = 9,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = (char *)(uintptr_t)name,
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    CHECK(JetCreateTableColumnIndex(session, db, &table));
    CHECK(JetCloseTable(session, table.tableid));
}

struct cursor {
    JET_SESID session;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID number, line;
};

static void open_cursor(JET_INSTANCE instance, const char *table, struct cursor *c) {
    JET_COLUMNDEF def;
    CHECK(JetBeginSession(instance, &c->session, NULL, NULL));
    CHECK(JetOpenDatabase(c->session, database, NULL, &c->db, 0));
    CHECK(JetOpenTable(c->session, c->db, table, NULL, 0, 0, &c->table));
    CHECK(JetGetTableColumnInfo(c->session, c->table, "number", &def, sizeof def, JET_ColInfo));
    c->number = def.columnid;
    CHECK(JetGetTableColumnInfo(c->session, c->table, "line", &def, sizeof def, JET_ColInfo));
    c->line = def.columnid;
}

static void insert(struct cursor *c, int32_t number, const char *line) {
    CHECK(JetPrepareUpdate(c->session, c->table, JET_prepInsert));
    CHECK(JetSetColumn(c->session, c->table, c->number, &number, sizeof number, 0, NULL));
    CHECK(JetSetColumn(c->session, c->table, c->line, *line ? line : NULL, (uint32_t)strlen(line), 0, NULL));
    CHECK(JetUpdate(c->session, c->table, NULL, 0, NULL));
}

/* What row n of a writer says. */
static const char *writers_line(unsigned writer, uint32_t n) {
    return lines[(n * 31 + writer * 17) % line_count];
}

/* ---- the child: writes until it is killed ---- */

struct writer {
    JET_INSTANCE instance;
    struct promises *promises;
    unsigned number;
};

static void *writer_main(void *arg) {
    struct writer *w = arg;
    struct cursor c;
    char table[16];
    snprintf(table, sizeof table, "writer%u", w->number);
    open_cursor(w->instance, table, &c);
    for (uint32_t n = 0;; n++) {
        atomic_store(&w->promises->begun[w->number], n + 1);
        CHECK(JetBeginTransaction(c.session));
        insert(&c, (int32_t)n, writers_line(w->number, n));
        CHECK(JetCommitTransaction(c.session, 0));
        atomic_store(&w->promises->acknowledged[w->number], n + 1);
    }
    return NULL;
}

static void load(JET_INSTANCE instance, struct promises *promises) {
    struct cursor c;
    open_cursor(instance, "text", &c);
    for (uint32_t at = 0; at < line_count;) {
        uint32_t end = at + 1000 < line_count ? at + 1000 : line_count;
        CHECK(JetBeginTransaction(c.session));
        for (; at < end; at++)
            insert(&c, (int32_t)at, lines[at]);
        CHECK(JetCommitTransaction(c.session, end < line_count ? JET_bitCommitLazyFlush : 0));
    }
    atomic_store(&promises->loaded, line_count);
    CHECK(JetEndSession(c.session, 0));
}

static uint32_t acknowledged(const struct promises *p) {
    return atomic_load(&p->acknowledged[0]) + atomic_load(&p->acknowledged[1]);
}

static void let_write(const struct promises *p, uint32_t rows) {
    for (uint32_t target = acknowledged(p) + rows; acknowledged(p) < target;)
        usleep(1000);
}

static void child(struct promises *promises) {
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    JET_SESID session;
    JET_DBID db;
    JET_INSTANCE instance = new_instance();

    step("create a database");
    CHECK(JetInit(&instance));
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetCreateDatabase(session, database, NULL, &db, 0));
    create_table(session, db, "text");
    create_table(session, db, "writer0");
    create_table(session, db, "writer1");
    done("%.0f tables", 3);
    step("load it from text");
    load(instance, promises);
    done("%.0f lines", line_count);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){instance, promises, i};
        pthread_create(&threads[i], NULL, writer_main, &writers[i]);
    }
    step("two threads write, each row a durable commit");
    let_write(promises, 500);
    done("%.0f rows so far", acknowledged(promises));
    step("full backup while they write");
    atomic_store(&promises->at_full, acknowledged(promises));
    CHECK(JetBackupInstance(instance, backup_dir, 0, NULL));
    done("%.0f rows written meanwhile", acknowledged(promises) - atomic_load(&promises->at_full));
    step("they write more");
    let_write(promises, 500);
    done("%.0f rows so far", acknowledged(promises));
    step("incremental backup while they write");
    CHECK(JetBackupInstance(instance, backup_dir, JET_bitBackupIncremental, NULL));
    done("%.0f rows so far", acknowledged(promises));
    step("they write more, past the last backup");
    let_write(promises, 500);
    done("%.0f rows so far", acknowledged(promises));
    atomic_store(&promises->done, true);
    pause();
}

/* ---- the proof ---- */

/* Rows 0..n-1 and no other, each with its line; returns n. */
static uint32_t count_and_compare(JET_INSTANCE instance, const char *table, const char *(*line_of)(unsigned, uint32_t),
                                  unsigned writer) {
    struct cursor c;
    char line[LINE_MOST + 1];
    int32_t number;
    uint32_t n = 0, bytes;
    JET_ERR err;

    open_cursor(instance, table, &c);
    for (err = JetMove(c.session, c.table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(c.session, c.table, JET_MoveNext, 0), n++) {
        bytes = 0;
        CHECK(JetRetrieveColumn(c.session, c.table, c.number, &number, sizeof number, NULL, 0, NULL));
        CHECK(JetRetrieveColumn(c.session, c.table, c.line, line, sizeof line, &bytes, 0, NULL));
        const char *want = line_of(writer, n);
        if (number != (int32_t)n || bytes != strlen(want) || memcmp(line, want, bytes) != 0) {
            printf("table %s row %u is wrong\n", table, n);
            exit(1);
        }
    }
    if (err != JET_errNoCurrentRecord)
        CHECK(err);
    CHECK(JetEndSession(c.session, 0));
    return n;
}

static const char *text_line(unsigned writer, uint32_t n) {
    (void)writer;
    return lines[n < line_count ? n : 0];
}

static void prove(const struct promises *p) {
    JET_SESID session;
    JET_INSTANCE instance = new_instance();
    uint32_t total = 0;
    bool good;

    step("compare every row with what was acknowledged");
    CHECK(JetInit(&instance));
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    CHECK(JetAttachDatabase(session, database, 0));
    uint32_t n = count_and_compare(instance, "text", text_line, 0);
    good = n == atomic_load(&p->loaded);
    total += n;
    for (unsigned w = 0; w < WRITERS; w++) {
        char table[16];
        snprintf(table, sizeof table, "writer%u", w);
        n = count_and_compare(instance, table, writers_line, w);
        good &= n >= atomic_load(&p->acknowledged[w]) && n <= atomic_load(&p->begun[w]);
        total += n;
    }
    CHECK(JetTerm(instance));
    done("%.0f rows compared", total);
    printf("%s\n", good ? "every acknowledged row is there, and nothing else" : "ROWS ARE MISSING OR TOO MANY");
    if (!good)
        exit(1);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: demo DIRECTORY [TEXT-FILE]\n");
        return 2;
    }
    snprintf(system_dir, sizeof system_dir, "%s/instance", argv[1]);
    snprintf(backup_dir, sizeof backup_dir, "%s/backup", argv[1]);
    snprintf(database, sizeof database, "%s/instance/demo.edb", argv[1]);
    collect_text(argc > 2 ? argv[2] : NULL);
    if (line_count == 0) {
        fprintf(stderr, "demo: no text to load\n");
        return 2;
    }
    struct promises *promises = mmap(NULL, sizeof *promises, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();
    if (pid == 0) {
        child(promises);
        return 1;
    }
    while (!atomic_load(&promises->done))
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return 1;
        else
            usleep(1000);
    step("kill -9");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    done("%.0f rows acknowledged", acknowledged(promises) + atomic_load(&promises->loaded));
    step("destroy the database file");
    unlink(database);
    done("%.0f file", 1);
    step("restore: backup set, then the instance's own log");
    JET_INSTANCE instance = new_instance();
    CHECK(JetRestoreInstance(instance, backup_dir, NULL, NULL));
    CHECK(JetTerm(instance));
    struct stat st;
    stat(database, &st);
    done("%.1f MiB", (double)st.st_size / (1 << 20));
    prove(promises);
    return 0;
}
