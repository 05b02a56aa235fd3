/* Events: each step of backup, restore and recovery is told, with ESE's number and the facts that a user needs, to the
 * program's callback and to syslog. The severity of every event that a test hears is compared with docs/events.md. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/event.h"
#include "tests/lib/fault.h"
#include "tests/lib/testapi.h"
#include "tests/lib/testevents.h"

#define PAGE 4096u

/* ---- docs/events.md and base/event.h ---- */

#define IDS TESTEVENTS_IDS

static char doc_severity[IDS][32]; /* "": not in the document */
static char enum_name[IDS][64];    /* "": not in the enum */

/* "    EVENT_STOP_BACKUP = 213," */
static void read_enum(void) {
    char *text = testevents_slurp(ESENT_SOURCE_DIR "/base/event.h"), *rest = strstr(text, "enum event_id {"), name[64];
    unsigned id;
    memset(enum_name, 0, sizeof enum_name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rest);
    for (char *line; (line = strsep(&rest, "\n")) && *line != '}';)
        if (sscanf(line, " EVENT_%63[A-Z_] = %u,", name, &id) == 2 && id < IDS)
            snprintf(enum_name[id], sizeof enum_name[id], "%s", name);
    free(text);
}

static void document__lists_the_events_that_the_code_knows(void) {
    unsigned count = 0;
    testevents_read_document(doc_severity);
    read_enum();
    for (unsigned id = 0; id < IDS; id++) {
        count += enum_name[id][0] != 0;
        if (!enum_name[id][0] != !doc_severity[id][0])
            fprintf(stderr, "event %u: %s in docs/events.md, %s in base/event.h\n", id,
                    doc_severity[id][0] ? "listed" : "missing", enum_name[id][0] ? "listed" : "missing");
        CU_ASSERT_EQUAL(!enum_name[id][0], !doc_severity[id][0]);
    }
    CU_ASSERT(count > 40); /* a parser that finds nothing must not pass */
}

static void mark_written(const char *folder, bool written[IDS]) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", ESENT_SOURCE_DIR, folder);
    DIR *d = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".c"))
            continue;
        snprintf(path, sizeof path, "%s/%s/%.200s", ESENT_SOURCE_DIR, folder, e->d_name);
        char *text = testevents_slurp(path), name[64];
        for (const char *at = text; (at = strstr(at, "EVENT_")); at++)
            if (sscanf(at, "EVENT_%63[A-Z_]", name) == 1)
                for (unsigned id = 0; id < IDS; id++)
                    written[id] |= strcmp(enum_name[id], name) == 0;
        free(text);
    }
    closedir(d);
}

static void events__that_are_listed_are_written_somewhere(void) {
    static const char *const folders[] = {"log", "engine", "recovery", "backup", "api"};
    static bool written[IDS];
    read_enum();
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mark_written(folders[i], written);
    for (unsigned id = 0; id < IDS; id++) {
        if (enum_name[id][0] && !written[id])
            fprintf(stderr, "EVENT_%s is never written\n", enum_name[id]);
        CU_ASSERT(!enum_name[id][0] || written[id]);
    }
}

/* ---- what the callback heard ---- */

static struct heard {
    uint32_t id, severity;
    JET_INSTANCE instance;
    char name[32], text[2048];
} heard[512];
static unsigned heard_count, heard_at; /* heard_at: what expect() has not passed yet */
static pthread_mutex_t heard_mutex = PTHREAD_MUTEX_INITIALIZER;

static void hear(const JET_EVENTINFO *event, void *context) {
    (void)context;
    pthread_mutex_lock(&heard_mutex);
    if (heard_count < sizeof heard / sizeof heard[0]) {
        struct heard *h = &heard[heard_count++];
        *h = (struct heard){.id = event->idEvent, .severity = event->severity, .instance = event->instance};
        snprintf(h->name, sizeof h->name, "%s", event->szInstanceName);
        snprintf(h->text, sizeof h->text, "%s", event->szText);
    }
    pthread_mutex_unlock(&heard_mutex);
}

static void hear_nothing_yet(void) {
    heard_count = heard_at = 0;
    testevents_read_document(doc_severity);
}

/* The next event with this number, which contains these facts (the last one: NULL), and says what it is. */
static const struct heard *expect(uint32_t id, ...) {
    static const char *const severities[] = {"", "error", "warning", "information"};
    const struct heard *h = NULL;
    va_list facts;
    while (heard_at < heard_count && heard[heard_at].id != id)
        heard_at++;
    if (heard_at == heard_count)
        fprintf(stderr, "event %u was not heard\n", id);
    CU_ASSERT_FATAL(heard_at < heard_count);
    h = &heard[heard_at++];
    va_start(facts, id);
    for (const char *fact; (fact = va_arg(facts, const char *));) {
        if (!strstr(h->text, fact))
            fprintf(stderr, "event %u: \"%s\" does not say %s\n", id, h->text, fact);
        CU_ASSERT(strstr(h->text, fact) != NULL);
    }
    va_end(facts);
    CU_ASSERT_FATAL(h->severity >= JET_EventError && h->severity <= JET_EventInformation);
    CU_ASSERT_PTR_NOT_NULL(strstr(doc_severity[id], severities[h->severity]));
    return h;
}

static bool was_heard(uint32_t id) {
    for (unsigned i = 0; i < heard_count; i++)
        if (heard[i].id == id)
            return true;
    return false;
}

static struct testapi listening(const char *name) {
    struct testapi t = testapi_new(name);
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
    CHECK_OK(JetSetEventCallback(t.inst, hear, NULL));
    return t;
}

static void fill(struct testapi *t, JET_TABLEID table, int32_t first, int32_t last) {
    char text[200];
    CHECK_OK(JetBeginTransaction(t->ses));
    for (int32_t id = first; id <= last; id++) {
        snprintf(text, sizeof text, "row number %d, with some more text so that pages fill", (int)id);
        testapi_put(t, table, id, text);
    }
    CHECK_OK(JetCommitTransaction(t->ses, 0));
}

static const char *number(unsigned long long n) {
    static char ring[8][24];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%llu", n);
    return out;
}

/* ---- instances and databases ---- */

static void instance__tells_its_start_its_databases_and_its_stop(void) {
    hear_nothing_yet();
    struct testapi t = listening("i");
    testapi_run(&t);
    JET_INSTANCE inst = t.inst;
    const struct heard *h = expect(102, NULL);
    CU_ASSERT_EQUAL(h->instance, inst);
    CU_ASSERT_EQUAL(strncmp(h->name, "test", 4), 0); /* testapi_new named it */
    testapi_create(&t, "x.edb");
    expect(326, testapi_path(&t, "x.edb"), NULL);
    CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
    CHECK_OK(JetDetachDatabase(t.ses, NULL));
    expect(327, testapi_path(&t, "x.edb"), NULL);
    testapi_stop(&t);
    h = expect(103, NULL);
    CU_ASSERT_EQUAL(h->instance, inst);
    CU_ASSERT_FALSE(was_heard(104));

    struct testapi again = listening("i");
    CHECK_OK(JetSetSystemParameter(&again.inst, 0, JET_paramLogFilePath, 0, test_path("missing")));
    CHECK_ERR(JetInit(&again.inst), JET_errInvalidLogDirectory);
    expect(104, "JET_errInvalidLogDirectory", NULL);
    CHECK_OK(JetTerm(again.inst));
}

/* ---- backup ---- */

static void backup__tells_each_step_with_files_sizes_and_ranges(void) {
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    fill(&t, table, 1, 2000); /* more than one log file */
    mkdir(test_path("set"), 0777);

    hear_nothing_yet();
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    struct stat copy;
    unsigned first = 0, last = 0, more = 0;
    CU_ASSERT_EQUAL_FATAL(stat(test_path("set/x.edb"), &copy), 0);
    expect(210, test_path("set"), NULL);
    expect(220, testapi_path(&t, "x.edb"), number((unsigned long long)copy.st_size), NULL);
    expect(221, testapi_path(&t, "x.edb"), NULL);
    const struct heard *range = expect(223, NULL);
    const char *digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &first, &last) == 2);
    CU_ASSERT(first >= 1 && last >= first);
    expect(was_heard(224) ? 224 : 225, NULL);
    expect(213, NULL);

    fill(&t, table, 2001, 6000);
    hear_nothing_yet();
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL));
    expect(211, test_path("set"), NULL);
    range = expect(223, number(last + 1), NULL); /* follows the full one */
    digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &first, &more) == 2);
    CU_ASSERT(first == last + 1 && more > last);
    expect(was_heard(224) ? 224 : 225, NULL);
    expect(213, NULL);
    CU_ASSERT_FALSE(was_heard(220));
    testapi_stop(&t);
}

/* Nothing to delete, and then, when the checkpoint has moved on, something. */
static void truncation__tells_what_it_deletes(void) {
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    hear_nothing_yet();
    CHECK_OK(JetBackupInstance(t.inst, NULL, 0, NULL));
    expect(225, NULL);
    expect(213, NULL);
    fill(&t, table, 1, 4000);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    fill(&t, table, 4001, 8000);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL));
    testapi_stop(&t);

    t = listening("i"); /* from here on the checkpoint is at the end */
    testapi_run(&t);
    testapi_attach(&t, "x.edb");
    unsigned low = 0, high = 0;
    hear_nothing_yet();
    CHECK_OK(JetBackupInstance(t.inst, NULL, 0, NULL));
    const struct heard *range = expect(224, NULL);
    const char *digits = strpbrk(range->text, "0123456789");
    CU_ASSERT_FATAL(digits && sscanf(digits, "%u to %u", &low, &high) == 2);
    char name[32];
    snprintf(name, sizeof name, "edb%05X.log", high);
    CU_ASSERT(low >= 1 && high >= low);
    CU_ASSERT_FALSE(testapi_exists(testapi_path(&t, name)));
    testapi_stop(&t);
}

/* Two bits in each half of the page that holds the text: more than the checksum can correct. */
static unsigned damage_page_with(const char *path, const char *text) {
    static char bytes[8u << 20];
    FILE *f = fopen(path, "r+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    const char *at = memmem(bytes, n, text, strlen(text));
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    long page = (at - bytes) / (long)PAGE * (long)PAGE;
    for (unsigned i = 0; i < 8; i++) {
        long offset = page + 100 + (long)i * 451;
        fseek(f, offset, SEEK_SET);
        fputc(bytes[offset] ^ (1 << i), f);
    }
    fclose(f);
    return (unsigned)(page / (long)PAGE) - 1;
}

static void backup__that_fails_names_the_page_the_file_and_the_error(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    fill(&t, testapi_table(&t, "t"), 1, 1000);
    testapi_stop(&t);
    unsigned pgno = damage_page_with(test_path("i/x.edb"), "row number 500,");
    mkdir(test_path("set"), 0777);

    t = listening("i");
    testapi_run(&t);
    testapi_attach(&t, "x.edb");
    hear_nothing_yet();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, NULL), JET_errReadVerifyFailure);
    expect(474, testapi_path(&t, "x.edb"), number(pgno), number((pgno + 1ull) * PAGE), "JET_errReadVerifyFailure",
           NULL);
    expect(217, testapi_path(&t, "x.edb"), "JET_errReadVerifyFailure", NULL);
    expect(214, "JET_errReadVerifyFailure", NULL);
    CU_ASSERT_FALSE(was_heard(213) || was_heard(219) || was_heard(224));

    hear_nothing_yet();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), JET_bitBackupIncremental, NULL), JET_errMissingFullBackup);
    expect(206, testapi_path(&t, "x.edb"), NULL);
    testapi_stop(&t);
}

static JET_ERR refuse(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    return snt == JET_sntProgress ? JET_errCallbackFailed : JET_errSuccess;
}

static void backup__that_its_callback_ends_says_so(void) {
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    hear_nothing_yet();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, refuse), JET_errCallbackFailed);
    expect(214, "JET_errCallbackFailed", NULL);
    testapi_stop(&t);
}

static JET_INSTANCE to_stop;

static JET_ERR stop_it(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *data) {
    (void)ses, (void)snp, (void)data;
    return snt == JET_sntProgress ? JetStopBackupInstance(to_stop) : JET_errSuccess;
}

static void backup__that_is_stopped_says_by_whom(void) {
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    to_stop = t.inst;
    hear_nothing_yet();
    CHECK_ERR(JetBackupInstance(t.inst, test_path("set"), 0, stop_it), JET_errBackupAbortByServer);
    expect(226, NULL);
    hear_nothing_yet();
    CHECK_OK(JetBeginExternalBackupInstance(t.inst, 0));
    expect(210, NULL);
    CHECK_OK(JetEndExternalBackupInstance2(t.inst, JET_bitBackupEndAbort));
    expect(215, NULL);
    CU_ASSERT_FALSE(was_heard(213) || was_heard(214));
    testapi_stop(&t);
}

static void external_backup__tells_what_its_client_left_out(void) {
    struct testapi t = listening("i");
    JET_HANDLE file;
    uint32_t low, high, got;
    void *buffer = aligned_alloc(4096, 16 * PAGE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    hear_nothing_yet();
    CHECK_OK(JetBeginExternalBackupInstance(t.inst, 0));
    CHECK_OK(JetOpenFileInstance(t.inst, testapi_path(&t, "x.edb"), &file, &low, &high));
    expect(220, testapi_path(&t, "x.edb"), number(low), NULL);
    CHECK_OK(JetReadFileInstance(t.inst, file, buffer, 16 * PAGE, &got));
    CU_ASSERT(got == 16 * PAGE && low > got);
    CHECK_OK(JetCloseFileInstance(t.inst, file));
    expect(222, testapi_path(&t, "x.edb"), number(got), number(low), NULL);
    CHECK_OK(JetGetLogInfoInstance(t.inst, NULL, 0, NULL));
    expect(223, NULL);
    CHECK_ERR(JetTruncateLogInstance(t.inst), JET_errLogFileNotCopied);
    expect(520, NULL);
    CHECK_ERR(JetEndExternalBackupInstance(t.inst), JET_errInvalidBackupSequence);
    expect(214, "JET_errInvalidBackupSequence", NULL);
    CU_ASSERT_FALSE(was_heard(221) || was_heard(213));
    testapi_stop(&t);
    free(buffer);
}

/* ---- restore and recovery ---- */

static void recovery__tells_where_it_begins_each_log_file_and_its_end(void) {
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    fill(&t, testapi_table(&t, "t"), 1, 2000);
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));

    t = listening("i");
    hear_nothing_yet();
    testapi_run(&t);
    expect(102, NULL);
    expect(300, NULL);
    expect(301, testapi_path(&t, "edb"), ".log", NULL);
    expect(302, NULL);
    testapi_attach(&t, "x.edb");
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));

    CU_ASSERT_EQUAL_FATAL(unlink(testapi_path(&t, "edb.log")), 0);
    t = listening("i");
    hear_nothing_yet();
    CHECK_ERR(JetInit(&t.inst), JET_errMissingLogFile);
    expect(450, testapi_path(&t, "edb.log"), NULL);
    expect(104, "JET_errMissingLogFile", NULL);
    CHECK_OK(JetTerm(t.inst));
}

/* A log file of a set; it has only those. */
static const char *log_file_of(const char *dir) {
    static char path[1024];
    *path = 0;
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, "edb", 3) == 0 && strstr(e->d_name, ".log"))
            snprintf(path, sizeof path, "%s/%.200s", dir, e->d_name);
    closedir(d);
    CU_ASSERT_NOT_EQUAL_FATAL(*path, 0);
    return path;
}

static void restore__tells_set_and_place_replay_and_end_and_what_is_missing(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    fill(&t, testapi_table(&t, "t"), 1, 100);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    testapi_stop(&t);

    t = listening("r");
    hear_nothing_yet();
    CHECK_OK(JetRestoreInstance(t.inst, test_path("set"), t.dir, NULL));
    const struct heard *h = expect(204, test_path("set"), t.dir, NULL);
    CU_ASSERT_EQUAL(h->instance, t.inst);
    expect(300, NULL);
    expect(301, ".log", NULL);
    expect(302, NULL);
    expect(205, NULL);
    CU_ASSERT_FALSE(was_heard(454));
    CHECK_OK(JetTerm(t.inst));

    const char *lost = log_file_of(test_path("set"));
    CU_ASSERT_EQUAL_FATAL(unlink(lost), 0);
    t = listening("r2");
    hear_nothing_yet();
    CHECK_ERR(JetRestoreInstance(t.inst, test_path("set"), t.dir, NULL), JET_errMissingRestoreLogFiles);
    expect(204, NULL);
    expect(435, lost, NULL);
    expect(454, test_path("set"), "JET_errMissingRestoreLogFiles", NULL);
    CU_ASSERT_FALSE(was_heard(205));
    CHECK_OK(JetTerm(t.inst));
}

static void copy_of_a_set__that_is_attached_is_named(void) {
    struct testapi t = testapi_start("i");
    testapi_create(&t, "x.edb");
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    testapi_stop(&t);
    t = listening("j");
    testapi_run(&t);
    hear_nothing_yet();
    CHECK_ERR(JetAttachDatabase(t.ses, test_path("set/x.edb"), 0), JET_errSoftRecoveryOnBackupDatabase);
    expect(619, test_path("set/x.edb"), NULL);
    testapi_stop(&t);
}

/* ---- disks ---- */

static void disk__that_fails_is_named_with_what_could_not_be_done(void) {
    fault_install();
    struct testapi t = listening("i");
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    hear_nothing_yet();
    fault_add((struct fault){.op = FAULT_RESIZE, .name = "x.edb", .forever = true, .error = JET_errDiskFull});
    JET_ERR err = JET_errSuccess;
    CHECK_OK(JetBeginTransaction(t.ses));
    for (int32_t id = 1; id < 100000 && err >= JET_errSuccess; id++)
        err =
            testapi_insert(t.ses, table, id, "until the file has to grow, which is after a few hundred rows of these");
    CHECK_ERR(err, JET_errDiskFull);
    expect(424, testapi_path(&t, "x.edb"), NULL);
    CHECK_OK(JetRollback(t.ses, 0));
    fault_clear();

    hear_nothing_yet();
    fault_add((struct fault){.op = FAULT_WRITE, .name = "edb", .forever = true, .error = JET_errDiskIO});
    CHECK_OK(JetBeginTransaction(t.ses));
    testapi_put(&t, table, 1, "x");
    CHECK_ERR(JetCommitTransaction(t.ses, 0), JET_errLogWriteFail);
    expect(408, t.dir, "JET_errDiskIO", NULL);
    expect(104, "JET_errLogWriteFail", NULL);
    CHECK_ERR(JetTerm(t.inst), JET_errInstanceUnavailable);
    expect(104, number(1090), NULL);
    fault_done();
}

/* ---- the callback ---- */

static void count(const JET_EVENTINFO *event, void *context) {
    CU_ASSERT(event->cbStruct == sizeof *event && event->idEvent > 0);
    ++*(unsigned *)context;
}

static void callback__is_the_instances_or_the_engines_and_set_before_the_start(void) {
    enum { HEIR, OWN, DEAF, LATE, INSTANCES };
    unsigned counts[INSTANCES] = {0};
    struct testapi t[INSTANCES];
    CHECK_OK(JetSetEventCallback(0, count, &counts[HEIR]));
    t[HEIR] = testapi_new("heir");
    t[OWN] = testapi_new("own");
    t[DEAF] = testapi_new("deaf");
    CHECK_OK(JetSetEventCallback(JET_instanceNil, NULL, NULL));
    t[LATE] = testapi_new("late");
    CHECK_OK(JetSetEventCallback(t[OWN].inst, count, &counts[OWN]));
    CHECK_OK(JetSetEventCallback(t[DEAF].inst, NULL, NULL));
    for (unsigned i = 0; i < INSTANCES; i++) {
        unsigned before = counts[HEIR] + counts[OWN], own = counts[i];
        CHECK_OK(JetSetSystemParameter(&t[i].inst, 0, JET_paramEventLoggingLevel, 100, NULL));
        testapi_run(&t[i]);
        CHECK_ERR(JetSetEventCallback(t[i].inst, count, NULL), JET_errAlreadyInitialized);
        testapi_stop(&t[i]);
        CHECK_ERR(JetSetEventCallback(t[i].inst, count, NULL), JET_errInvalidInstance);
        CU_ASSERT_EQUAL(counts[i] > own, i == HEIR || i == OWN);
        CU_ASSERT_EQUAL(counts[HEIR] + counts[OWN] - before, counts[i] - own); /* and nobody else */
    }
}

static unsigned heard_with(uint32_t level, bool no_information) {
    struct testapi t = listening("i");
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramEventLoggingLevel, level, NULL));
    CHECK_OK(JetSetSystemParameter(&t.inst, 0, JET_paramNoInformationEvent, no_information, NULL));
    hear_nothing_yet();
    testapi_run(&t);
    CHECK_ERR(JetAttachDatabase(t.ses, testapi_path(&t, "none.edb"), 0), JET_errFileNotFound);
    mkdir(test_path("none"), 0777);
    CHECK_ERR(JetBackupInstance(t.inst, test_path("none"), 0, refuse), JET_errCallbackFailed);
    testapi_stop(&t);
    return heard_count;
}

static void parameters__decide_what_is_heard(void) {
    CU_ASSERT_EQUAL(heard_with(JET_EventLoggingDisable, false), 0);
    CU_ASSERT(heard_with(JET_EventLoggingLevelMin, false) > 0);
    CU_ASSERT_TRUE(was_heard(214)); /* the error */
    CU_ASSERT_FALSE(was_heard(102) || was_heard(210) || was_heard(103));
    CU_ASSERT(heard_with(JET_EventLoggingLevelMax, true) > 0);
    CU_ASSERT_FALSE(was_heard(102) || was_heard(210) || was_heard(103));
    CU_ASSERT(heard_with(JET_EventLoggingLevelMax, false) > 0);
    CU_ASSERT_TRUE(was_heard(102) && was_heard(210) && was_heard(214) && was_heard(103));
}

/* What a callback that does what it must not gets, by event: of a backup, a session, the end, a start, a restore;
 * behind these, of what needs no instance. */
enum { TRIES = 10 };
static struct {
    uint32_t id;
    JET_ERR errs[TRIES];
} tried[256];
static unsigned tried_count;
static JET_SESID tried_session;

static void meddle(const JET_EVENTINFO *event, void *context) {
    JET_INSTANCE inst = event->instance;
    JET_SESID ses;
    char dir[512];
    JET_RSTMAP map = {dir, dir};
    (void)context;
    snprintf(dir, sizeof dir, "%s", test_path("set"));
    if (tried_count == sizeof tried / sizeof tried[0])
        return;
    tried[tried_count].id = event->idEvent;
    JET_ERR errs[TRIES] = {JetBackupInstance(inst, NULL, 0, NULL),
                           JetBeginSession(inst, &ses, NULL, NULL),
                           JetTerm(inst),
                           JetInit(&inst),
                           JetRestoreInstance(inst, test_path("set"), NULL, NULL),
                           JetBeginTransaction(tried_session),
                           JetStopServiceInstance(inst),
                           JetInit(NULL),
                           JetRestore(test_path("set"), NULL),
                           JetExternalRestore(dir, dir, &map, 1, dir, 0, 0, NULL)};
    memcpy(tried[tried_count++].errs, errs, sizeof errs);
}

static const JET_ERR *tried_at(uint32_t id) {
    for (unsigned i = 0; i < tried_count; i++)
        if (tried[i].id == id)
            return tried[i].errs;
    fprintf(stderr, "event %u was not heard\n", id);
    CU_FAIL_FATAL("event");
    return NULL;
}

static void callback__that_calls_the_engine_is_refused_and_blocks_nobody(void) {
    tried_count = 0;
    tried_session = 0;
    struct testapi t = listening("i");
    CHECK_OK(JetSetEventCallback(t.inst, meddle, NULL));
    testapi_run(&t);
    CHECK_OK(JetBeginSession(t.inst, &tried_session, NULL, NULL)); /* idle */
    testapi_create(&t, "x.edb");
    fill(&t, testapi_table(&t, "t"), 1, 2000);
    mkdir(test_path("set"), 0777);
    CHECK_OK(JetBackupInstance(t.inst, test_path("set"), 0, NULL));
    CHECK_OK(JetTerm(t.inst));

    struct testapi r = listening("r");
    CHECK_OK(JetSetEventCallback(r.inst, meddle, NULL));
    CHECK_OK(JetRestoreInstance(r.inst, test_path("set"), r.dir, NULL));
    CHECK_OK(JetTerm(r.inst));

    CU_ASSERT_EQUAL(tried_at(102)[0], JET_errBackupNotAllowedYet);
    CU_ASSERT_EQUAL(tried_at(102)[1], JET_errInitInProgress);
    for (unsigned k = 0; k < TRIES; k++)
        CU_ASSERT_EQUAL(tried_at(210)[k], JET_errInvalidOperation);
    CU_ASSERT_EQUAL(tried_at(326)[5], JET_errInvalidOperation);
    CU_ASSERT_EQUAL(tried_at(103)[0], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[1], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[2], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(103)[3], JET_errTermInProgress);
    CU_ASSERT_EQUAL(tried_at(204)[0], JET_errRestoreInProgress);
    CU_ASSERT_EQUAL(tried_at(204)[4], JET_errRestoreInProgress);
    for (unsigned i = 0; i < tried_count; i++)
        for (unsigned k = 0; k < TRIES; k++)
            CU_ASSERT(tried[i].errs[k] < JET_errSuccess);

    JET_INSTANCE next; /* the thread may enter again */
    CHECK_OK(JetCreateInstance(&next, "next"));
    CHECK_OK(JetTerm(next));
}

/* ---- syslog ---- */

static char logged[512][3000];
static int logged_priority[512];
static unsigned logged_count, logs_opened;

/* In front of libc's. */
void syslog(int priority, const char *format, ...) {
    va_list args;
    if (logged_count == sizeof logged / sizeof logged[0])
        return;
    logged_priority[logged_count] = priority;
    va_start(args, format);
    vsnprintf(logged[logged_count++], sizeof logged[0], format, args);
    va_end(args);
}

void openlog(const char *ident, int option, int facility) {
    (void)ident, (void)option, (void)facility;
    logs_opened++;
}

static unsigned find_logged(const char *begin) {
    for (unsigned i = 0; i < logged_count; i++)
        if (strncmp(logged[i], begin, strlen(begin)) == 0)
            return i;
    fprintf(stderr, "syslog was not told \"%s...\"\n", begin);
    CU_FAIL_FATAL("syslog");
    return 0;
}

static void syslog__gets_source_instance_number_and_priority(void) {
    JET_INSTANCE inst;
    struct testapi t = {.ses = JET_sesidNil};
    snprintf(t.dir, sizeof t.dir, "%s", test_path("i"));
    mkdir(t.dir, 0777);
    logged_count = logs_opened = 0;
    CHECK_OK(JetCreateInstance2(&inst, "technical", "till 3", 0));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramLogFilePath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramEventSource, 0, "shop"));
    CHECK_OK(JetInit(&inst));
    mkdir(test_path("set"), 0777);
    CHECK_ERR(JetBackupInstance(inst, test_path("set"), 0, refuse), JET_errCallbackFailed);
    CHECK_OK(JetTerm(inst));
    CU_ASSERT_EQUAL(logged_priority[find_logged("shop: till 3: event 102: ")], LOG_DAEMON | LOG_INFO);
    CU_ASSERT_EQUAL(logged_priority[find_logged("shop: till 3: event 214: ")], LOG_DAEMON | LOG_ERR);

    logged_count = 0;
    CHECK_OK(JetCreateInstance(&inst, NULL));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramSystemPath, 0, t.dir));
    CHECK_OK(JetSetSystemParameter(&inst, 0, JET_paramLogFilePath, 0, t.dir));
    CHECK_OK(JetInit(&inst));
    CHECK_OK(JetTerm(inst));
    find_logged("ESENT: event 103: ");
    CU_ASSERT_EQUAL(logs_opened, 0); /* the identity is the program's */
}

TEST_MAIN(TEST(document__lists_the_events_that_the_code_knows), TEST(events__that_are_listed_are_written_somewhere),
          TEST(instance__tells_its_start_its_databases_and_its_stop),
          TEST(backup__tells_each_step_with_files_sizes_and_ranges), TEST(truncation__tells_what_it_deletes),
          TEST(backup__that_fails_names_the_page_the_file_and_the_error), TEST(backup__that_its_callback_ends_says_so),
          TEST(backup__that_is_stopped_says_by_whom), TEST(external_backup__tells_what_its_client_left_out),
          TEST(recovery__tells_where_it_begins_each_log_file_and_its_end),
          TEST(restore__tells_set_and_place_replay_and_end_and_what_is_missing),
          TEST(copy_of_a_set__that_is_attached_is_named), TEST(disk__that_fails_is_named_with_what_could_not_be_done),
          TEST(callback__is_the_instances_or_the_engines_and_set_before_the_start),
          TEST(parameters__decide_what_is_heard), TEST(callback__that_calls_the_engine_is_refused_and_blocks_nobody),
          TEST(syslog__gets_source_instance_number_and_priority))
