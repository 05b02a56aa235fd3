/* What an online backup costs those who write meanwhile: memory, stalls, time.
 *
 * A database of the given size is loaded. Then, in rounds, the same two threads commit for the same time (one waits for
 * the disk with each commit, one never does) while another thread
 *
 *   quiet       does nothing
 *   rolls       rolls the log, again and again: the one thing for which a backup makes writers wait. Each is timed.
 *   copies      copies the database's file with cp and syncs the copy: what the disk does to them with no backup at all
 *   backups     makes full backups
 *
 * Every commit is timed; the longest, the 99.9th and the 99th percentile are printed. Before that, what the first
 * backup adds to the memory in use at most (VmHWM, counted anew when the cache is full and the backup begins); after
 * it, without writers, a backup and cp of the same file in turns. A set is restored at the end and its rows are
 * counted.
 *
 * A child process does the work, so that the directory goes away however it ends. */
#define _GNU_SOURCE
#include <esent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/handles.h"

#define ROW_BYTES 1000
#define BATCH 1000
#define WRITERS 2
#define CACHE_PAGES 8192 /* of 4 KiB: far less than the database */
#define SAMPLES_MAX 4000000

static struct options {
    uint32_t mib, rounds, seconds;
    const char *dir;
} options = {.mib = 128, .rounds = 5, .seconds = 2};

static char live[320], sets[320], set[400], copies[320], database[400];
static JET_INSTANCE instance;
static uint32_t rows;

static void fail(const char *what, long code) {
    fprintf(stderr, "bench_backup: %s: %ld\n", what, code);
    exit(1);
}
static void check(JET_ERR err, const char *what) {
    if (err < JET_errSuccess)
        fail(what, err);
}
#define JET(call) check((call), #call)

static void shell(const char *command) {
    int status = system(command);
    if (status != 0)
        fail(command, status);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the database ---- */

static JET_INSTANCE make_instance(const char *dir) {
    JET_INSTANCE made;
    JET(JetCreateInstance(&made, dir));
    JET(JetSetSystemParameter(&made, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    JET(JetSetSystemParameter(&made, 0, JET_paramSystemPath, 0, dir));
    JET(JetSetSystemParameter(&made, 0, JET_paramLogFilePath, 0, dir));
    return made;
}

struct session {
    JET_SESID id;
    JET_DBID db;
    JET_TABLEID table;
    JET_COLUMNID key, value;
};

static JET_COLUMNID column(const struct session *s, const char *name) {
    JET_COLUMNDEF def;
    JET(JetGetTableColumnInfo(s->id, s->table, name, &def, sizeof def, JET_ColInfo));
    return def.columnid;
}

static struct session begin_session(JET_INSTANCE of, const char *path) {
    struct session s;
    JET(JetBeginSession(of, &s.id, NULL, NULL));
    JET(JetOpenDatabase(s.id, path, NULL, &s.db, 0));
    JET(JetOpenTable(s.id, s.db, "rows", NULL, 0, 0, &s.table));
    s.key = column(&s, "key");
    s.value = column(&s, "value");
    return s;
}

static void create(void) {
    JET_SESID session;
    JET_DBID db;
    JET_COLUMNCREATE columns[] = {
        {.cbStruct = sizeof *columns, .szColumnName = "key", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypLongBinary},
    };
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+key\0",
                             .cbKey = 6,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "rows",
                             .rgcolumncreate = columns,
                             .cColumns = 2,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    JET(JetBeginSession(instance, &session, NULL, NULL));
    JET(JetCreateDatabase(session, database, NULL, &db, 0));
    JET(JetCreateTableColumnIndex(session, db, &table));
    JET(JetEndSession(session, 0));
}

/* The key's row, which an even seed and an odd one make different. */
static void put(const struct session *s, JET_GRBIT how, int32_t key, uint32_t seed) {
    uint32_t value[ROW_BYTES / 4];
    for (unsigned i = 0; i < ROW_BYTES / 4; i++)
        value[i] = seed = seed * 1664525 + 1013904223;
    JET(JetPrepareUpdate(s->id, s->table, how));
    if (how == JET_prepInsert)
        JET(JetSetColumn(s->id, s->table, s->key, &key, sizeof key, 0, NULL));
    JET(JetSetColumn(s->id, s->table, s->value, value, sizeof value, 0, NULL));
    JET(JetUpdate(s->id, s->table, NULL, 0, NULL));
}

static uint64_t database_bytes(void) {
    struct stat st;
    if (stat(database, &st) != 0)
        fail(database, 0);
    return (uint64_t)st.st_size;
}

static void load(void) {
    instance = make_instance(live);
    JET(JetSetSystemParameter(&instance, 0, JET_paramCacheSizeMax, CACHE_PAGES, NULL));
    JET(JetSetSystemParameter(&instance, 0, JET_paramCircularLog, 1, NULL)); /* or the log would fill the disk */
    JET(JetInit(&instance));
    create();
    struct session s = begin_session(instance, database);
    while (database_bytes() < (uint64_t)options.mib << 20) {
        JET(JetBeginTransaction(s.id));
        for (unsigned i = 0; i < BATCH; i++, rows++)
            put(&s, JET_prepInsert, (int32_t)rows, rows);
        JET(JetCommitTransaction(s.id, JET_bitCommitLazyFlush));
    }
    JET(JetEndSession(s.id, 0));
}

/* ---- who writes ---- */

struct samples {
    float *seconds;
    uint32_t count;
};

struct writer {
    bool durable;
    pthread_t thread;
    struct samples samples; /* of a phase */
};
static struct writer writers[WRITERS] = {{.durable = true}, {.durable = false}};
static _Atomic bool stop;

static void add_sample(struct samples *s, double seconds) {
    if (s->count < SAMPLES_MAX)
        s->seconds[s->count++] = (float)seconds;
}

/* A row a transaction, anywhere in the table, at most 2000 a second: so that a phase measures stalls, not what more
 * work there is to do. Timed: the whole transaction, since any of its calls may be made to wait. */
static void *write_rows(void *arg) {
    struct writer *w = arg;
    struct session s = begin_session(instance, database);
    uint32_t random = w->durable ? 1 : 2;
    const struct timespec pause = {0, 400000};
    while (!atomic_load(&stop)) {
        random = random * 1664525 + 1013904223;
        int32_t key = (int32_t)((uint64_t)random * (rows / WRITERS) >> 32) * WRITERS + !w->durable;
        double since = now();
        JET(JetBeginTransaction(s.id));
        JET(JetMakeKey(s.id, s.table, &key, sizeof key, JET_bitNewKey));
        JET(JetSeek(s.id, s.table, JET_bitSeekEQ));
        put(&s, JET_prepReplace, key, random);
        JET(JetCommitTransaction(s.id, w->durable ? 0 : JET_bitCommitLazyFlush));
        add_sample(&w->samples, now() - since);
        nanosleep(&pause, NULL);
    }
    JET(JetEndSession(s.id, 0));
    return NULL;
}

/* ---- what else goes on ---- */

static void rest(void) {
    const struct timespec pause = {0, 10000000};
    nanosleep(&pause, NULL);
}

static struct samples rolls;

static void roll(void) {
    struct api_inst *inst;
    JET(api_enter_instance(instance, 0, &inst));
    double since = now();
    JET(log_roll(inst->inst->log, NULL));
    add_sample(&rolls, now() - since);
    api_leave_instance(inst);
    rest();
}

/* Each copy and each set is a new one: to delete a file of this size is work for the disk that belongs to neither, and
 * is done when nothing is timed. */
static unsigned made;

static void copy(void) {
    char command[2000];
    snprintf(command, sizeof command, "cp '%s' '%s/%u' && sync '%s/%u'", database, copies, made, copies, made);
    made++;
    shell(command);
}

static void back_up(void) {
    snprintf(set, sizeof set, "%s/%u", sets, made++);
    JET(JetBackupInstance(instance, set, 0, NULL));
}

static void delete_copies(void) {
    char command[2000];
    snprintf(command, sizeof command, "rm -rf '%s' '%s' && mkdir '%s' '%s' && sync '%s'", sets, copies, sets, copies,
             sets);
    shell(command);
}

static const struct phase {
    const char *name;
    void (*step)(void);
} phases[] = {{"quiet", rest}, {"rolls", roll}, {"copies", copy}, {"backups", back_up}};
#define PHASES (sizeof phases / sizeof *phases)

/* ---- stalls ---- */

struct stall {
    double p99, p999, longest; /* milliseconds */
};

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static struct stall summarize(struct samples *s) {
    if (s->count == 0)
        fail("no commit in a phase", 0);
    qsort(s->seconds, s->count, sizeof *s->seconds, by_value);
    uint32_t last = s->count - 1;
    struct stall out = {s->seconds[(uint64_t)last * 99 / 100] * 1e3, s->seconds[(uint64_t)last * 999 / 1000] * 1e3,
                        s->seconds[last] * 1e3};
    s->count = 0;
    return out;
}

static struct stall stalls[PHASES][WRITERS + 1][100]; /* of each round; the last row: the rolls themselves */

static void run_phase(unsigned p, unsigned round) {
    delete_copies();
    atomic_store(&stop, false);
    for (unsigned w = 0; w < WRITERS; w++)
        if (pthread_create(&writers[w].thread, NULL, write_rows, &writers[w]) != 0)
            fail("pthread_create", w);
    const double end = now() + options.seconds;
    do
        phases[p].step();
    while (now() < end);
    atomic_store(&stop, true);
    for (unsigned w = 0; w < WRITERS; w++) {
        pthread_join(writers[w].thread, NULL);
        stalls[p][w][round] = summarize(&writers[w].samples);
    }
    if (phases[p].step == roll)
        stalls[p][WRITERS][round] = summarize(&rolls);
}

static int by_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count) {
    qsort(values, count, sizeof *values, by_double);
    return values[count / 2];
}

/* The median of the rounds, and the longest of them all. */
static void print_stalls(const char *who, const char *phase, const struct stall *of) {
    double p99[100], p999[100], longest[100];
    for (unsigned i = 0; i < options.rounds; i++) {
        p99[i] = of[i].p99;
        p999[i] = of[i].p999;
        longest[i] = of[i].longest;
    }
    double middle = median(longest, options.rounds);
    printf("%-16s %-8s %9.2f %9.2f %9.2f %9.2f\n", who, phase, median(p99, options.rounds),
           median(p999, options.rounds), middle, longest[options.rounds - 1]);
}

static void measure_stalls(void) {
    for (unsigned round = 0; round < options.rounds; round++)
        for (unsigned p = 0; p < PHASES; p++)
            run_phase((p + round) % PHASES, round);
    printf("milliseconds: median of %u rounds of %u s; the last column: the longest of all\n", options.rounds,
           options.seconds);
    printf("%-16s %-8s %9s %9s %9s %9s\n", "", "", "p99", "p99.9", "longest", "of all");
    print_stalls("a log roll", "", stalls[1][WRITERS]);
    for (unsigned w = 0; w < WRITERS; w++)
        for (unsigned p = 0; p < PHASES; p++)
            print_stalls(writers[w].durable ? "durable commit" : "lazy commit", phases[p].name, stalls[p][w]);
}

/* ---- memory and speed ---- */

static uint64_t memory_kib(const char *name) {
    char line[200];
    unsigned long long value = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %llu", &value);
    if (f)
        fclose(f);
    return value;
}

static void count_peak_anew(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f || fputs("5", f) < 0 || fclose(f) != 0)
        fail("/proc/self/clear_refs", 0);
}

/* Of the first backup: what it frees a later one could use again. The loading has filled the cache. */
static void measure_memory(void) {
    delete_copies();
    const uint64_t before = memory_kib("VmRSS");
    count_peak_anew();
    back_up();
    printf("memory in use: %.1f MiB before a backup, at most %.1f MiB more during it\n\n", (double)before / 1024,
           (double)(memory_kib("VmHWM") - before) / 1024);
}

static void measure_speed(void) {
    double ours[100], cps[100], ratios[100], mib = (double)database_bytes() / (1 << 20);
    for (unsigned i = 0; i < options.rounds; i++) {
        delete_copies();
        double since = now();
        back_up();
        ours[i] = mib / (now() - since);
        since = now();
        copy();
        cps[i] = mib / (now() - since);
        ratios[i] = ours[i] / cps[i];
    }
    printf("\nwithout writers, MiB/s: backup %.0f, cp and sync %.0f, ratio %.2f\n", median(ours, options.rounds),
           median(cps, options.rounds), median(ratios, options.rounds));
}

/* ---- the check ---- */

static void restore_and_count(const char *dir) {
    char path[400];
    uint32_t count = 0;
    JET_SESID session;
    JET_INSTANCE restored = make_instance(dir);
    snprintf(path, sizeof path, "%s/bench.edb", dir);
    JET(JetRestoreInstance(restored, set, dir, NULL));
    JET(JetInit(&restored));
    JET(JetBeginSession(restored, &session, NULL, NULL));
    JET(JetAttachDatabase(session, path, 0));
    struct session s = begin_session(restored, path);
    for (JET_ERR err = JetMove(s.id, s.table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess; count++)
        err = JetMove(s.id, s.table, JET_MoveNext, 0);
    if (count != rows)
        fail("rows after the restore", count);
    JET(JetTerm(restored));
}

static int run_all(const char *base) {
    char restored[320];
    snprintf(live, sizeof live, "%s/live", base);
    snprintf(sets, sizeof sets, "%s/sets", base);
    snprintf(copies, sizeof copies, "%s/copies", base);
    snprintf(restored, sizeof restored, "%s/restored", base);
    snprintf(database, sizeof database, "%s/bench.edb", live);
    for (unsigned w = 0; w < WRITERS; w++)
        writers[w].samples.seconds = malloc(SAMPLES_MAX * sizeof *rolls.seconds);
    rolls.seconds = malloc(SAMPLES_MAX * sizeof *rolls.seconds);
    double since = now();
    load();
    printf("a database of %.0f MiB, %u rows, loaded in %.1f s; cache %u MiB\n\n", (double)database_bytes() / (1 << 20),
           (unsigned)rows, now() - since, CACHE_PAGES * 4 / 1024);
    measure_memory();
    measure_stalls();
    measure_speed();
    back_up();
    JET(JetTerm(instance));
    restore_and_count(restored);
    return 0;
}

/* ---- command line ---- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static bool number(const char *text, uint32_t max, uint32_t *out) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return *text && !*end && n >= 1 && n <= max;
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strncmp(name, "--", 2) != 0) {
            if (!number(name, 100000, &options.mib))
                return false;
            continue;
        }
        i++;
        bool good = strcmp(name, "--rounds") == 0    ? number(value, 99, &options.rounds)
                    : strcmp(name, "--seconds") == 0 ? number(value, 600, &options.seconds)
                    : strcmp(name, "--dir") == 0     ? *(options.dir = value) != '\0'
                                                     : false;
        if (!good)
            return false;
    }
    return true;
}

static volatile pid_t child;

static void pass_on(int signal_number) {
    if (child > 0)
        kill(child, signal_number);
}

int main(int argc, char **argv) {
    char base[300];
    int status = 1;
    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: bench_backup [MIB] [--dir DIRECTORY] [--rounds N] [--seconds N]\n"
                "  MIB: size of the database, 128; the directory on the disk to be measured: $TMPDIR or /tmp\n");
        return 2;
    }
    if (!options.dir)
        options.dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    if (snprintf(base, sizeof base, "%s/bench_backup-XXXXXX", options.dir) >= (int)sizeof base || !mkdtemp(base)) {
        perror(options.dir);
        return 1;
    }
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        exit(run_all(base));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        perror("bench_backup");
    if (nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        perror(base);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
