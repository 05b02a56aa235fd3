/* See smalldb.h. */
#include "tests/lib/smalldb.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/event.h"

#define TEXT_BYTES 3600

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        JET_ERR try_ = (expr);                                                                                         \
        if (try_ < 0)                                                                                                  \
            return try_;                                                                                               \
    } while (0)

void syslog(int priority, const char *format, ...) { /* in front of libc's: the system's log is not for this */
    (void)priority, (void)format;
}

/* ---- the model ---- */

static uint32_t rows_of(const struct smalldb *s) {
    return s->wide ? 700 : 40;
}

/* The j-th row that transaction n changes. */
static int32_t changed(const struct smalldb *s, uint32_t n, uint32_t j) {
    return (int32_t)(1 + (n * 7 + j * 11) % (rows_of(s) - 1));
}

static uint32_t change_count(const struct smalldb *s) {
    return s->wide ? 50 : 3;
}

/* What row id has after n transactions; 0: it is not there. */
static uint32_t value_at(const struct smalldb *s, int32_t id, uint32_t n) {
    if (id <= 0)
        return id == 0 ? n : 0;
    for (uint32_t i = n; i > 0; i--)
        for (uint32_t j = change_count(s); j-- > 0;)
            if (changed(s, i, j) == id)
                return j == 2 && i % 4 == 0 ? 0 : i * 64 + j + 1;
    return 0;
}

static uint32_t text_of(const struct smalldb *s, int32_t id, uint32_t value, char out[TEXT_BYTES]) {
    const uint32_t least = s->wide ? TEXT_BYTES - 200 : 60;
    uint32_t bytes = least + (value * 31 + (uint32_t)id) % 140;
    for (uint32_t i = 0; i < bytes; i++)
        out[i] = (char)('a' + (value + (uint32_t)id * 5 + i * 3) % 26);
    return bytes;
}

/* ---- the instance ---- */

static void JET_API hear(const JET_EVENTINFO *event, void *context) {
    struct smalldb *s = context;
    s->corrected += event->idEvent == EVENT_PAGE_CORRECTED;
    s->lost += event->idEvent == EVENT_PAGE_LOST_FLUSH || event->idEvent == EVENT_DBTIME_MISMATCH;
}

JET_ERR smalldb_instance(struct smalldb *s) {
    static unsigned counter;
    char name[32], path[256];
    snprintf(name, sizeof name, "small%u", counter++);
    snprintf(path, sizeof path, "%s/system", s->dir);
    TRY(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, s->page_size, NULL));
    TRY(JetSetSystemParameter(NULL, 0, JET_paramCacheSizeMax, 1, NULL)); /* the least that is granted */
    TRY(JetCreateInstance(&s->instance, name));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramCreatePathIfNotExist, 1, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramSystemPath, 0, path));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramLogFilePath, 0, path));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramLogFileSize, 64, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramDbExtensionSize, 1, NULL));
    TRY(JetSetSystemParameter(&s->instance, 0, JET_paramEventLoggingLevel, JET_EventLoggingLevelMax, NULL));
    if (s->depth)
        TRY(JetSetSystemParameter(&s->instance, 0, JET_paramCheckpointDepthMax, s->depth, NULL));
    return JetSetEventCallback(s->instance, hear, s);
}

JET_ERR smalldb_start(struct smalldb *s) {
    TRY(smalldb_instance(s));
    s->running = true;
    s->corrected = s->lost = 0;
    TRY(JetInit(&s->instance));
    return JetBeginSession(s->instance, &s->session, NULL, NULL);
}

JET_ERR smalldb_stop(struct smalldb *s, JET_GRBIT grbit) {
    s->running = false;
    return JetTerm2(s->instance, grbit ? grbit : JET_bitTermAbrupt);
}

static const char *path_of(const struct smalldb *s) {
    static char path[256];
    snprintf(path, sizeof path, "%s/data/a.edb", s->dir);
    return path;
}

JET_ERR smalldb_create(struct smalldb *s) {
    JET_COLUMNCREATE columns[3] = {
        {.cbStruct = sizeof *columns, .szColumnName = "id", .coltyp = JET_coltypLong, .grbit = JET_bitColumnNotNULL},
        {.cbStruct = sizeof *columns, .szColumnName = "value", .coltyp = JET_coltypUnsignedLong},
        {.cbStruct = sizeof *columns, .szColumnName = "text", .coltyp = JET_coltypLongText, .cp = 1252},
    };
    JET_INDEXCREATE index = {
        .cbStruct = sizeof index, .szIndexName = "primary", .szKey = "+id\0", .cbKey = 5, .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "t",
                             .rgcolumncreate = columns,
                             .cColumns = 3,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    TRY(JetCreateDatabase(s->session, path_of(s), NULL, &s->dbid, 0));
    TRY(JetCreateTableColumnIndex(s->session, s->dbid, &table));
    s->table = table.tableid;
    return smalldb_change(s, 0);
}

JET_ERR smalldb_attach(struct smalldb *s) {
    TRY(JetAttachDatabase(s->session, path_of(s), 0));
    TRY(JetOpenDatabase(s->session, path_of(s), NULL, &s->dbid, 0));
    return JetOpenTable(s->session, s->dbid, "t", NULL, 0, 0, &s->table);
}

/* ---- rows ---- */

enum { ID = 1, VALUE = 2, TEXT = 256 }; /* columns: two fixed ones, the first tagged one */

static JET_ERR put(struct smalldb *s, int32_t id, uint32_t value) {
    char text[TEXT_BYTES];
    uint32_t bytes = text_of(s, id, value, text);
    TRY(JetMakeKey(s->session, s->table, &id, sizeof id, JET_bitNewKey));
    JET_ERR found = JetSeek(s->session, s->table, JET_bitSeekEQ);
    if (found != JET_errRecordNotFound)
        TRY(found);
    if (value == 0 && id != 0)
        return found < 0 ? JET_errSuccess : JetDelete(s->session, s->table);
    TRY(JetPrepareUpdate(s->session, s->table, found < 0 ? JET_prepInsert : JET_prepReplace));
    if (found < 0)
        TRY(JetSetColumn(s->session, s->table, ID, &id, sizeof id, 0, NULL));
    TRY(JetSetColumn(s->session, s->table, VALUE, &value, sizeof value, 0, NULL));
    TRY(JetSetColumn(s->session, s->table, TEXT, text, bytes, 0, NULL));
    return JetUpdate(s->session, s->table, NULL, 0, NULL);
}

JET_ERR smalldb_change(struct smalldb *s, uint32_t n) {
    TRY(JetBeginTransaction(s->session));
    for (uint32_t j = 0; j < change_count(s) && n > 0; j++)
        TRY(put(s, changed(s, n, j), value_at(s, changed(s, n, j), n)));
    TRY(put(s, 0, n));
    return JetCommitTransaction(s->session, 0);
}

/* The current row, of state n. *id: which one it is. */
static JET_ERR judge(struct smalldb *s, uint32_t n, int32_t *id, bool *wrong) {
    uint32_t value, bytes, actual;
    char text[TEXT_BYTES], expected[TEXT_BYTES];
    TRY(JetRetrieveColumn(s->session, s->table, ID, id, sizeof *id, NULL, 0, NULL));
    TRY(JetRetrieveColumn(s->session, s->table, VALUE, &value, sizeof value, NULL, 0, NULL));
    TRY(JetRetrieveColumn(s->session, s->table, TEXT, text, sizeof text, &actual, 0, NULL));
    const uint32_t want = value_at(s, *id, n);
    bytes = text_of(s, *id, want, expected);
    if ((want == 0 && *id != 0) || value != want || actual != bytes || memcmp(text, expected, bytes) != 0)
        *wrong = true;
    return JET_errSuccess;
}

static JET_ERR seek(struct smalldb *s, int32_t id) {
    TRY(JetMakeKey(s->session, s->table, &id, sizeof id, JET_bitNewKey));
    return JetSeek(s->session, s->table, JET_bitSeekEQ);
}

JET_ERR smalldb_read(struct smalldb *s, uint32_t *n, bool *wrong) {
    int32_t id, before = -1;
    unsigned there = 0, rows = 0;
    JET_ERR err = seek(s, 0);
    *wrong = err == JET_errRecordNotFound;
    TRY(err);
    TRY(JetRetrieveColumn(s->session, s->table, VALUE, n, sizeof *n, NULL, 0, NULL));
    if (*n > 10000) {
        *wrong = true;
        return JET_errSuccess;
    }
    for (err = JetMove(s->session, s->table, (int32_t)JET_MoveFirst, 0); err >= 0;
         err = JetMove(s->session, s->table, JET_MoveNext, 0), rows++) {
        TRY(judge(s, *n, &id, wrong));
        *wrong |= id <= before;
        before = id;
    }
    if (err != JET_errNoCurrentRecord)
        return err;
    for (id = 0; id < (int32_t)rows_of(s); id++) {
        const bool expected = id == 0 || value_at(s, id, *n) != 0;
        there += expected;
        err = seek(s, id);
        if (err != JET_errRecordNotFound)
            TRY(err);
        *wrong |= (err >= 0) != expected;
    }
    *wrong |= rows != there;
    return JET_errSuccess;
}

JET_ERR smalldb_use(struct smalldb *s, uint32_t *n, bool *wrong) {
    TRY(smalldb_start(s));
    TRY(smalldb_attach(s));
    return smalldb_read(s, n, wrong);
}

JET_ERR smalldb_restore(struct smalldb *s, const char *set) {
    char data[256];
    snprintf(data, sizeof data, "%s/data", s->dir);
    TRY(smalldb_instance(s));
    JET_ERR err = JetRestoreInstance(s->instance, set, data, NULL), ended = JetTerm(s->instance);
    return err < 0 ? err : ended;
}
