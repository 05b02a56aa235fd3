/* The functions for external backup, as a client uses and misuses them: which call may follow which, what it gets
 * otherwise and that the backup goes on, arguments, and what ends a backup from outside. test-label: threads */
#include <pthread.h>
#include <sched.h>

#include "api/handles.h"
#include "tests/lib/fault.h"
#include "tests/lib/testapi.h"
#include "tests/lib/testexternal.h"

/* ---- every call in every state ---- */

enum state { NONE, DATABASES, DATABASE_OPEN, BEFORE_LOGS, LOGS, LOG_OPEN, STATES };

struct client {
    struct script s;
    JET_HANDLE handle; /* open, or closed before, or never given out */
    char log[OS_PATH_MAX];
};

static void reach(struct client *c, enum state state) {
    struct script *s = &c->s;
    c->handle = 4711;
    if (state == NONE)
        return;
    CHECK_OK(JetBeginExternalBackupInstance(s->instance, state == BEFORE_LOGS ? JET_bitBackupIncremental : 0));
    if (state == BEFORE_LOGS || state == DATABASES)
        return;
    c->handle = open_file(s, s->a.path);
    if (state == DATABASE_OPEN)
        return;
    CHECK_OK(JetCloseFileInstance(s->instance, c->handle));
    copy_databases(s, NULL);
    get_list(s, JetGetLogInfoInstance);
    snprintf(c->log, sizeof c->log, "%.4000s", list);
    if (state == LOG_OPEN)
        c->handle = open_file(s, c->log);
}

/* From wherever it is. */
static void complete(struct client *c, enum state state) {
    struct script *s = &c->s;
    const JET_DBINFOMISC4 before = stamps(s, &s->a);
    if (state == NONE)
        CHECK_OK(JetBeginExternalBackupInstance(s->instance, 0));
    if (state == DATABASE_OPEN || state == LOG_OPEN)
        CHECK_OK(JetCloseFileInstance(s->instance, c->handle));
    if (state == NONE || state == DATABASES || state == DATABASE_OPEN)
        copy_databases(s, NULL);
    copy_logs(s, NULL);
    CHECK_OK(JetTruncateLogInstance(s->instance));
    CHECK_OK(JetEndExternalBackupInstance(s->instance));
    const JET_DBINFOMISC4 after = stamps(s, &s->a);
    const JET_BKINFO *noted = state == BEFORE_LOGS ? &after.bkinfoIncPrev : &after.bkinfoFullPrev;
    CU_ASSERT_TRUE(noted->genHigh > before.bkinfoFullPrev.genHigh);
}

static JET_ERR call_begin(struct client *c) {
    return JetBeginExternalBackupInstance(c->s.instance, 0);
}
static JET_ERR call_begin_incremental(struct client *c) {
    return JetBeginExternalBackupInstance(c->s.instance, JET_bitBackupIncremental);
}
static JET_ERR call_backup(struct client *c) {
    return JetBackupInstance(c->s.instance, NULL, 0, NULL);
}
static JET_ERR call_list_databases(struct client *c) {
    return JetGetAttachInfoInstance(c->s.instance, NULL, 0, NULL);
}
static JET_ERR call_open_database(struct client *c) {
    JET_HANDLE handle;
    uint32_t low, high;
    return JetOpenFileInstance(c->s.instance, c->s.b.path, &handle, &low, &high);
}
static JET_ERR call_open_log(struct client *c) {
    JET_HANDLE handle;
    uint32_t low, high;
    return JetOpenFileInstance(c->s.instance, *c->log ? c->log : "/d/system/edb00001.log", &handle, &low, &high);
}
static JET_ERR call_read(struct client *c) {
    uint32_t got;
    return JetReadFileInstance(c->s.instance, c->handle, chunk, PAGE, &got);
}
static JET_ERR call_read_wrong_handle(struct client *c) {
    uint32_t got;
    return JetReadFileInstance(c->s.instance, c->handle + 1, chunk, PAGE, &got);
}
static JET_ERR call_close(struct client *c) {
    return JetCloseFileInstance(c->s.instance, c->handle);
}
static JET_ERR call_close_wrong_handle(struct client *c) {
    return JetCloseFileInstance(c->s.instance, c->handle - 1);
}
static JET_ERR call_list_logs(struct client *c) {
    return JetGetLogInfoInstance(c->s.instance, NULL, 0, NULL);
}
static JET_ERR call_list_logs2(struct client *c) {
    JET_LOGINFO info = {.cbSize = sizeof info};
    return JetGetLogInfoInstance2(c->s.instance, NULL, 0, NULL, &info);
}
static JET_ERR call_list_truncatable(struct client *c) {
    return JetGetTruncateLogInfoInstance(c->s.instance, NULL, 0, NULL);
}
static JET_ERR call_truncate(struct client *c) {
    return JetTruncateLogInstance(c->s.instance);
}
static JET_ERR call_end_abort(struct client *c) {
    return JetEndExternalBackupInstance2(c->s.instance, JET_bitBackupEndAbort);
}
static JET_ERR call_end_both(struct client *c) {
    return JetEndExternalBackupInstance2(c->s.instance, JET_bitBackupEndAbort | JET_bitBackupEndNormal);
}
static JET_ERR call_end_neither(struct client *c) {
    return JetEndExternalBackupInstance2(c->s.instance, JET_bitBackupTruncateDone);
}
static JET_ERR call_end_unknown(struct client *c) {
    return JetEndExternalBackupInstance2(c->s.instance, JET_bitBackupEndNormal | 0x400);
}
static JET_ERR call_create(struct client *c) {
    JET_DBID db;
    return JetCreateDatabase(c->s.session, "/d/data/c.edb", NULL, &db, 0);
}
static JET_ERR call_attach(struct client *c) {
    return JetAttachDatabase(c->s.session, "/d/data/c.edb", 0);
}
static JET_ERR call_detach(struct client *c) {
    return JetDetachDatabase(c->s.session, c->s.a.path);
}
static JET_ERR call_term(struct client *c) {
    return JetTerm2(c->s.instance, JET_bitTermAbrupt);
}
static JET_ERR call_term_dirty(struct client *c) {
    return JetTerm2(c->s.instance, JET_bitTermDirty);
}

#define LEGAL 1 /* not tried here: complete() goes this way */
#define BUSY JET_errBackupInProgress
#define NO JET_errNoBackup
#define SEQ JET_errInvalidBackupSequence
#define PARAM JET_errInvalidParameter
#define MEMORY JET_errOutOfMemory

/* clang-format off */
static const struct {
    const char *name;
    JET_ERR (*call)(struct client *c);
    JET_ERR expected[STATES];
} calls[] = {
    /*                                                     NONE   DATABASES DATABASE_OPEN BEFORE_LOGS LOGS   LOG_OPEN */
    {"begin",                  call_begin,                {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"begin incremental",      call_begin_incremental,    {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"JetBackupInstance",      call_backup,               {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"list databases",         call_list_databases,       {NO,    0,        0,            SEQ,        0,     0}},
    {"open a database",        call_open_database,        {NO,    LEGAL,    MEMORY,       SEQ,        SEQ,   MEMORY}},
    {"open a log file",        call_open_log,             {NO,    JET_errDatabaseNotFound, MEMORY, SEQ, LEGAL, MEMORY}},
    {"read",                   call_read,                 {NO,    PARAM,    0,            PARAM,      PARAM, 0}},
    {"read a wrong handle",    call_read_wrong_handle,    {NO,    PARAM,    PARAM,        PARAM,      PARAM, PARAM}},
    {"close",                  call_close,                {NO,    PARAM,    LEGAL,        PARAM,      PARAM, LEGAL}},
    {"close a wrong handle",   call_close_wrong_handle,   {NO,    PARAM,    PARAM,        PARAM,      PARAM, PARAM}},
    {"list log files",         call_list_logs,            {NO,    LEGAL,    SEQ,          LEGAL,      0,     SEQ}},
    {"list log files, 2",      call_list_logs2,           {NO,    LEGAL,    SEQ,          LEGAL,      0,     SEQ}},
    {"list what truncate deletes", call_list_truncatable, {NO,    LEGAL,    SEQ,          LEGAL,      0,     SEQ}},
    {"truncate",               call_truncate,             {NO,    SEQ,      SEQ,          SEQ, JET_errLogFileNotCopied, SEQ}},
    {"end, abort",             call_end_abort,            {NO,    LEGAL,    LEGAL,        LEGAL,      LEGAL, LEGAL}},
    {"end, both ways",         call_end_both,             {PARAM, PARAM,    PARAM,        PARAM,      PARAM, PARAM}},
    {"end, no way",            call_end_neither,          {PARAM, PARAM,    PARAM,        PARAM,      PARAM, PARAM}},
    {"end, unknown option",    call_end_unknown,          {PARAM, PARAM,    PARAM,        PARAM,      PARAM, PARAM}},
    {"create a database",      call_create,               {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"attach a database",      call_attach,               {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"detach a database",      call_detach,               {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"JetTerm",                call_term,                 {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
    {"JetTerm2, dirty",        call_term_dirty,           {LEGAL, BUSY,     BUSY,         BUSY,       BUSY,  BUSY}},
};
/* clang-format on */
#define CALLS (sizeof calls / sizeof *calls)

static void illegal_call__gets_its_error_and_the_backup_goes_on(void) {
    struct client c = {.log = ""};
    unsigned tried = 0;
    begin(&c.s);
    full_backup(&c.s);
    for (enum state state = 0; state < STATES; state++)
        for (unsigned i = 0; i < CALLS; i++) {
            if (calls[i].expected[state] == LEGAL)
                continue;
            reach(&c, state);
            JET_ERR err = calls[i].call(&c);
            if (err != calls[i].expected[state])
                printf("\n    %s in state %d: %s", calls[i].name, state, err_name(err));
            CU_ASSERT_EQUAL(err, calls[i].expected[state]);
            complete(&c, state);
            tried++;
        }
    printf("%u calls ", tried);
    end(&c.s);
}

/* Whatever state it is in, and whether a client or JetTerm2 ends it. */
static void stopped_backup__refuses_each_call_but_close_until_it_is_ended(void) {
    struct client c = {.log = ""};
    begin(&c.s);
    full_backup(&c.s);
    const JET_DBINFOMISC4 before = stamps(&c.s, &c.s.a);
    for (enum state state = DATABASES; state < STATES; state++)
        for (int normal = 0; normal < 2; normal++) {
            reach(&c, state);
            CHECK_OK(JetStopBackupInstance(c.s.instance));
            CHECK_OK(JetStopBackupInstance(c.s.instance)); /* again: no difference */
            static JET_ERR (*const refused[])(struct client *) = {
                call_list_databases, call_open_database, call_open_log, call_read,
                call_list_logs,      call_list_logs2,    call_truncate, call_list_truncatable,
            };
            for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
                CHECK_ERR(refused[i](&c), JET_errBackupAbortByServer);
            CHECK_ERR(call_begin(&c), JET_errBackupInProgress);
            CHECK_ERR(call_close(&c), state == DATABASE_OPEN || state == LOG_OPEN ? 0 : JET_errInvalidParameter);
            CHECK_ERR(
                JetEndExternalBackupInstance2(c.s.instance, normal ? JET_bitBackupEndNormal : JET_bitBackupEndAbort),
                normal ? JET_errBackupAbortByServer : JET_errSuccess);
            CHECK_ERR(call_list_databases(&c), JET_errNoBackup);
            const JET_DBINFOMISC4 after = stamps(&c.s, &c.s.a);
            CU_ASSERT_TRUE(same_stamps(&before, &after));
        }
    CHECK_OK(JetStopBackupInstance(c.s.instance)); /* there is none: of the next one nothing is known */
    complete(&c, NONE);
    end(&c.s);
}

static void normal_end__of_what_is_incomplete_is_an_error_and_notes_nothing(void) {
    struct client c = {.log = ""};
    begin(&c.s);
    full_backup(&c.s);
    const JET_DBINFOMISC4 before = stamps(&c.s, &c.s.a);
    for (enum state state = DATABASES; state < STATES; state++) {
        const lggen_t low = logs().low;
        reach(&c, state);
        CHECK_ERR(JetEndExternalBackupInstance(c.s.instance), JET_errInvalidBackupSequence);
        CHECK_ERR(call_close(&c), JET_errNoBackup);
        const JET_DBINFOMISC4 after = stamps(&c.s, &c.s.a);
        CU_ASSERT_TRUE(same_stamps(&before, &after));
        CU_ASSERT_EQUAL(logs().low, low);
    }
    complete(&c, NONE);
    end(&c.s);
}

static void *term_and_stop(void *instance) {
    return (void *)(intptr_t)JetTerm2(*(JET_INSTANCE *)instance, JET_bitTermAbrupt | JET_bitTermStopBackup);
}

static void term__that_stops_backups_ends_one_in_any_state(void) {
    struct client c = {.log = ""};
    begin(&c.s);
    full_backup(&c.s);
    const JET_DBINFOMISC4 before = stamps(&c.s, &c.s.a);
    for (enum state state = NONE; state < STATES; state++)
        for (int thread = 0; thread < 2; thread++) {
            reach(&c, state);
            pthread_t other;
            void *result;
            if (thread) {
                CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, term_and_stop, &c.s.instance), 0);
                pthread_join(other, &result);
            } else {
                result = term_and_stop(&c.s.instance);
            }
            CHECK_OK((JET_ERR)(intptr_t)result);
            CHECK_ERR(call_read(&c), JET_errInvalidParameter); /* there is no such instance any more */
            CU_ASSERT_EQUAL(disk_open_files(), 0);
            CHECK_OK(script_start_all(&c.s));
            CHECK_ERR(call_list_databases(&c), JET_errNoBackup);
            const JET_DBINFOMISC4 after = stamps(&c.s, &c.s.a);
            CU_ASSERT_TRUE(same_stamps(&before, &after));
        }
    CU_ASSERT_TRUE(script_check(&c.s));
    end(&c.s);
}

/* ---- a read that is under way when the backup is stopped ---- */

struct reader {
    struct testapi *t;
    JET_HANDLE handle;
    JET_ERR first, second;
};

static void *read_twice(void *context) {
    struct reader *r = context;
    uint32_t got;
    r->first = JetReadFileInstance(r->t->inst, r->handle, chunk, CHUNK, &got);
    r->second = JetReadFileInstance(r->t->inst, r->handle, chunk, CHUNK, &got);
    return NULL;
}

static void stop_during_a_read(bool term) {
    fault_install();
    struct testapi t = testapi_start("a");
    testapi_create(&t, "x.edb");
    struct reader r = {.t = &t};
    uint32_t low, high;
    pthread_t reader, ender;
    void *result = NULL;
    struct inst *engine = ((struct api_inst *)handle_find(HANDLE_INSTANCE, t.inst, NULL))->inst;

    CHECK_OK(JetBeginExternalBackupInstance(t.inst, 0));
    CHECK_OK(JetOpenFileInstance(t.inst, testapi_path(&t, "x.edb"), &r.handle, &low, &high));
    fault_gate_close(FAULT_READ, "x.edb");
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_twice, &r), 0);
    fault_gate_wait();
    if (term) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&ender, NULL, term_and_stop, &t.inst), 0);
        while (!atomic_load(&engine->backup_stops))
            sched_yield();
    } else {
        CHECK_OK(JetStopBackupInstance(t.inst)); /* does not wait for the read */
    }
    fault_gate_open();
    pthread_join(reader, NULL);
    CHECK_OK(r.first); /* it had begun before */
    if (term) {
        pthread_join(ender, &result);
        CHECK_OK((JET_ERR)(intptr_t)result);
        CU_ASSERT_TRUE(r.second == JET_errBackupAbortByServer || r.second == JET_errNoBackup ||
                       r.second == JET_errTermInProgress || r.second == JET_errNotInitialized ||
                       r.second == JET_errInvalidParameter);
    } else {
        CHECK_ERR(r.second, JET_errBackupAbortByServer);
        CHECK_OK(JetEndExternalBackupInstance2(t.inst, JET_bitBackupEndAbort));
        testapi_stop(&t);
    }
    fault_done();
}

static void stop__does_not_wait_for_a_read(void) {
    stop_during_a_read(false);
}
static void term__waits_for_a_read(void) {
    stop_during_a_read(true);
}

/* ---- arguments ---- */

static void handles__of_other_files_backups_and_instances_open_nothing(void) {
    struct script s, other;
    uint32_t got;
    begin(&s);
    script_init(&other, 1, "/other");
    CHECK_OK(script_start(&other));
    CHECK_OK(script_create(&other, &other.a));
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    JET_HANDLE stale = open_file(&s, s.a.path);
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
    CHECK_OK(JetBeginExternalBackupInstance(other.instance, 0));
    JET_HANDLE foreign = open_file(&other, other.a.path);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    JET_HANDLE closed = open_file(&s, s.a.path); /* the first of its backup, as the others were */
    CHECK_ERR(JetReadFileInstance(s.instance, stale, chunk, PAGE, &got), JET_errInvalidParameter);
    CHECK_ERR(JetCloseFileInstance(s.instance, foreign), JET_errInvalidParameter);
    CHECK_OK(JetCloseFileInstance(s.instance, closed));
    JET_HANDLE handle = open_file(&s, s.a.path);
    const JET_HANDLE wrong[] = {stale, foreign, closed, 0, ~(JET_HANDLE)0};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_ERR(JetReadFileInstance(s.instance, wrong[i], chunk, PAGE, &got), JET_errInvalidParameter);
        CHECK_ERR(JetCloseFileInstance(s.instance, wrong[i]), JET_errInvalidParameter);
    }
    CHECK_OK(JetReadFileInstance(s.instance, handle, chunk, PAGE, &got));
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
    CHECK_OK(JetEndExternalBackupInstance2(other.instance, JET_bitBackupEndAbort));
    CHECK_OK(script_stop(&other, 0));
    end(&s);
}

static void arguments__that_cannot_be_are_refused_and_the_backup_goes_on(void) {
    struct client c = {.log = ""};
    JET_HANDLE handle = 0;
    uint32_t low, high, got;
    begin(&c.s);
    const JET_INSTANCE inst = c.s.instance;

    CHECK_ERR(JetBeginExternalBackupInstance(inst, JET_bitBackupAtomic), JET_errInvalidGrbit);
    CHECK_ERR(JetBeginExternalBackupInstance(inst, JET_bitBackupSurrogate), JET_errInvalidGrbit);
    CHECK_ERR(JetBeginExternalBackupInstance(inst + 1, 0), JET_errInvalidParameter);
    CHECK_ERR(JetBeginExternalBackupInstance(inst, JET_bitBackupIncremental), JET_errMissingFullBackup);
    reach(&c, DATABASES);
    CHECK_ERR(JetOpenFileInstance(inst, NULL, &handle, &low, &high), JET_errInvalidParameter);
    CHECK_ERR(JetOpenFileInstance(inst, "", &handle, &low, &high), JET_errInvalidParameter);
    CHECK_ERR(JetOpenFileInstance(inst, c.s.a.path, NULL, &low, &high), JET_errInvalidParameter);
    CHECK_ERR(JetOpenFileInstance(inst, c.s.a.path, &handle, NULL, &high), JET_errInvalidParameter);
    CHECK_ERR(JetOpenFileInstance(inst, c.s.a.path, &handle, &low, NULL), JET_errInvalidParameter);
    CHECK_ERR(JetOpenFileInstance(inst, "/d/data/none.edb", &handle, &low, &high), JET_errDatabaseNotFound);
    CHECK_ERR(JetOpenFileInstance(inst, "/d/data", &handle, &low, &high), JET_errDatabaseNotFound);
    CHECK_ERR(JetOpenFileInstance(inst, "/etc/passwd", &handle, &low, &high), JET_errDatabaseNotFound);
    handle = open_file(&c.s, "/d/data/../data/./a.edb"); /* the same file, said differently */
    CHECK_ERR(JetReadFileInstance(inst, handle, NULL, PAGE, &got), JET_errInvalidParameter);
    CHECK_ERR(JetReadFileInstance(inst, handle, chunk + 512, PAGE, &got), JET_errInvalidParameter);
    CHECK_ERR(JetReadFileInstance(inst, handle, chunk + 1, PAGE, &got), JET_errInvalidParameter);
    CHECK_ERR(JetReadFileInstance(inst, handle, chunk, 0, &got), JET_errInvalidParameter);
    CHECK_ERR(JetReadFileInstance(inst, handle, chunk, PAGE - 1, &got), JET_errInvalidParameter);
    CHECK_ERR(JetReadFileInstance(inst, handle, chunk, PAGE + 512, &got), JET_errInvalidParameter);
    CHECK_OK(JetReadFileInstance(inst, handle, chunk, CHUNK, NULL));
    c.handle = handle;
    complete(&c, DATABASE_OPEN);
    reach(&c, LOG_OPEN);
    CHECK_ERR(JetReadFileInstance(inst, c.handle, chunk, 512, &got), JET_errInvalidParameter);
    complete(&c, LOG_OPEN);
    end(&c.s);
}

/* The first bytes of the list, ended by two NULs, and nothing behind. */
static void check_cut(struct script *s, list_fn fn) {
    static char cut[LIST_BYTES];
    uint32_t actual = 0;
    get_list(s, fn);
    CHECK_OK(fn(s->instance, NULL, 0, &actual));
    CU_ASSERT_EQUAL(actual, list_size);
    CHECK_OK(fn(s->instance, NULL, 77, NULL));
    for (uint32_t max = 0; max <= list_size + 1; max++) {
        memset(cut, 'x', sizeof cut);
        CHECK_OK(fn(s->instance, cut, max, &actual));
        CU_ASSERT_EQUAL(actual, list_size);
        uint32_t same = max >= list_size ? list_size : max < 2 ? 0 : max - 2;
        CU_ASSERT_EQUAL(memcmp(cut, list, same), 0);
        for (uint32_t i = same; i < max && i < list_size; i++)
            CU_ASSERT_EQUAL(cut[i], 0);
        for (uint32_t i = max < list_size ? max : list_size; i < list_size + 2; i++)
            CU_ASSERT_EQUAL(cut[i], 'x');
    }
}

static void lists__are_whole_or_cut_where_the_buffer_ends(void) {
    struct script s;
    begin(&s);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    check_cut(&s, JetGetAttachInfoInstance);
    CU_ASSERT_EQUAL(count_of_list(), 2);
    CU_ASSERT_STRING_EQUAL(list, s.a.path);
    CU_ASSERT_STRING_EQUAL(list + strlen(list) + 1, s.b.path);
    check_cut(&s, JetGetLogInfoInstance);
    check_cut(&s, JetGetTruncateLogInfoInstance);
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
    end(&s);
}

static void loginfo__names_the_generations_of_the_list(void) {
    struct script s;
    begin(&s);
    CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
    for (uint32_t size = 0; size < 2 * sizeof(JET_LOGINFO); size++) {
        JET_LOGINFO info = {.cbSize = size};
        if (size != sizeof info)
            CHECK_ERR(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &info), JET_errInvalidParameter);
    }
    JET_LOGINFO info = {.cbSize = sizeof info}, again = info;
    get_list(&s, JetGetLogInfoInstance); /* rolls */
    CHECK_OK(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &info));
    CHECK_OK(script_run(&s, 40));
    CHECK_OK(JetGetLogInfoInstance2(s.instance, NULL, 0, NULL, &again)); /* what was written since is not in it */
    CU_ASSERT_EQUAL(memcmp(&info, &again, sizeof info), 0);
    CU_ASSERT_STRING_EQUAL(info.szBaseName, "edb");
    CU_ASSERT_EQUAL(info.cbSize, sizeof info);
    CU_ASSERT_EQUAL(info.ulGenHigh - info.ulGenLow + 1, count_of_list());
    CU_ASSERT_STRING_EQUAL(list, log_of(info.ulGenLow));
    CU_ASSERT_TRUE(info.ulGenHigh < logs().current);
    CHECK_OK(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort));
    end(&s);
}

/* ---- the instance ---- */

static void stopped_service__lets_a_backup_be_given_back_and_nothing_else(void) {
    struct client c = {.log = ""};
    begin(&c.s);
    reach(&c, DATABASE_OPEN);
    CHECK_OK(JetStopServiceInstance(c.s.instance));
    CHECK_ERR(call_read(&c), JET_errClientRequestToStopJetService);
    CHECK_ERR(call_list_databases(&c), JET_errClientRequestToStopJetService);
    CHECK_OK(call_close(&c));
    CHECK_OK(JetStopBackupInstance(c.s.instance));
    CHECK_OK(call_end_abort(&c));
    CHECK_ERR(call_begin(&c), JET_errClientRequestToStopJetService);
    end(&c.s);
}

static void term__that_is_refused_for_a_transaction_leaves_the_backup_alone(void) {
    struct client c = {.log = ""};
    begin(&c.s);
    reach(&c, DATABASE_OPEN);
    CHECK_OK(JetBeginTransaction(c.s.session));
    CHECK_ERR(JetTerm2(c.s.instance, JET_bitTermComplete | JET_bitTermStopBackup), JET_errTooManyActiveUsers);
    CHECK_OK(call_read(&c));
    CHECK_OK(JetCommitTransaction(c.s.session, 0));
    complete(&c, DATABASE_OPEN);
    end(&c.s);
}

static void log_that_fails__ends_the_backup(void) {
    struct script s;
    begin(&s);
    disk_fail(1, "/d/system/", JET_errDiskIO);
    CHECK_ERR(JetBeginExternalBackupInstance(s.instance, 0), JET_errLogWriteFail); /* its record */
    CHECK_ERR(JetGetAttachInfoInstance(s.instance, NULL, 0, NULL), JET_errInstanceUnavailable);
    CHECK_ERR(JetBeginExternalBackupInstance(s.instance, 0), JET_errInstanceUnavailable);
    CHECK_ERR(JetEndExternalBackupInstance(s.instance), JET_errNoBackup);
    script_drop(&s);
    JET_ERR err = JET_errSuccess;
    for (uint64_t nth = 1; err != JET_errLogWriteFail; nth++) { /* first a look at the directory, then the roll */
        CHECK_OK(script_start_all(&s));
        CHECK_OK(JetBeginExternalBackupInstance(s.instance, 0));
        copy_databases(&s, NULL);
        disk_fail(nth, "/d/system/", JET_errDiskIO);
        err = JetGetLogInfoInstance(s.instance, NULL, 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(disk_failed());
        CU_ASSERT_TRUE(err >= JET_errSuccess || err == JET_errLogWriteFail || err == JET_errDiskIO);
        disk_no_fault();
        CHECK_ERR(JetEndExternalBackupInstance2(s.instance, JET_bitBackupEndAbort),
                  err < JET_errSuccess ? JET_errNoBackup : JET_errSuccess);
        script_drop(&s);
    }
    CHECK_OK(script_start_all(&s));
    CU_ASSERT_TRUE(script_check(&s));
    full_backup(&s);
    end(&s);
}

/* ---- single-instance mode ---- */

static void copy_file_of_the_one_instance(const char *path) {
    JET_HANDLE handle;
    uint32_t low, high, got, at = 0;
    CHECK_OK(JetOpenFile(path, &handle, &low, &high));
    do {
        CHECK_OK(JetReadFile(handle, chunk, CHUNK, &got));
        at += got;
    } while (got);
    CU_ASSERT_EQUAL(at, low);
    CHECK_OK(JetCloseFile(handle));
}

static void refused_without_the_one_instance(JET_ERR expected) {
    JET_HANDLE handle = 1;
    uint32_t low, high;
    CHECK_ERR(JetBeginExternalBackup(0), expected);
    CHECK_ERR(JetGetAttachInfo(NULL, 0, NULL), expected);
    CHECK_ERR(JetOpenFile("/d/data/a.edb", &handle, &low, &high), expected);
    CHECK_ERR(JetReadFile(handle, chunk, PAGE, &low), expected);
    CHECK_ERR(JetCloseFile(handle), expected);
    CHECK_ERR(JetGetLogInfo(NULL, 0, NULL), expected);
    CHECK_ERR(JetTruncateLog(), expected);
    CHECK_ERR(JetEndExternalBackup(), expected);
    CHECK_ERR(JetStopBackup(), expected);
}

static void single_instance_mode__has_a_function_without_an_instance_for_each(void) {
    struct script s;
    JET_SESID session;
    JET_DBID db;
    JET_DBINFOMISC4 info;
    begin(&s);
    refused_without_the_one_instance(JET_errRunningInMultiInstanceMode);
    CHECK_OK(script_stop(&s, 0));
    refused_without_the_one_instance(JET_errNotInitialized);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramSystemPath, 0, "/d/system"));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFilePath, 0, "/d/system"));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramLogFileSize, 64, NULL));
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramEventLoggingLevel, 0, NULL));
    CHECK_OK(JetInit(NULL));
    CHECK_OK(JetBeginSession(0, &session, NULL, NULL));
    CHECK_OK(JetAttachDatabase(session, s.a.path, 0));
    CHECK_OK(JetOpenDatabase(session, s.a.path, NULL, &db, 0));
    CHECK_OK(JetBeginExternalBackup(0));
    CHECK_OK(JetGetAttachInfo(list, LIST_BYTES, &list_size));
    CU_ASSERT_STRING_EQUAL(list, s.a.path);
    copy_file_of_the_one_instance(list);
    CHECK_OK(JetGetLogInfo(list, LIST_BYTES, NULL));
    CHECK_ERR(JetTruncateLog(), JET_errLogFileNotCopied);
    for (const char *path = list; *path; path += strlen(path) + 1)
        copy_file_of_the_one_instance(path);
    CHECK_OK(JetTruncateLog());
    CHECK_OK(JetEndExternalBackup());
    CHECK_OK(JetGetDatabaseInfo(session, db, &info, sizeof info, JET_DbInfoMisc));
    CU_ASSERT_TRUE(info.bkinfoFullPrev.genHigh > 0);
    CHECK_OK(JetBeginExternalBackup(JET_bitBackupIncremental));
    CHECK_OK(JetStopBackup());
    CHECK_ERR(JetEndExternalBackup(), JET_errBackupAbortByServer);
    CHECK_OK(JetTerm(0));
    disk_done();
}

TEST_MAIN(TEST(illegal_call__gets_its_error_and_the_backup_goes_on),
          TEST(stopped_backup__refuses_each_call_but_close_until_it_is_ended),
          TEST(normal_end__of_what_is_incomplete_is_an_error_and_notes_nothing),
          TEST(term__that_stops_backups_ends_one_in_any_state), TEST(stop__does_not_wait_for_a_read),
          TEST(term__waits_for_a_read), TEST(handles__of_other_files_backups_and_instances_open_nothing),
          TEST(arguments__that_cannot_be_are_refused_and_the_backup_goes_on),
          TEST(lists__are_whole_or_cut_where_the_buffer_ends), TEST(loginfo__names_the_generations_of_the_list),
          TEST(stopped_service__lets_a_backup_be_given_back_and_nothing_else),
          TEST(term__that_is_refused_for_a_transaction_leaves_the_backup_alone), TEST(log_that_fails__ends_the_backup),
          TEST(single_instance_mode__has_a_function_without_an_instance_for_each))
