/* P14 for files: what an instance finds on its disk is cut, emptied, mixed up, replaced or flipped. JetInit and
 * JetAttachDatabase recover from it without losing anything committed, or refuse with an error that they document; and
 * what is refused is unharmed: with the right file back in its place, everything is there. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/err.h"
#include "base/os.h"
#include "tests/lib/testapi.h"
#include "tests/lib/testlog.h"

#define RECORDS 120
#define FILES_MAX 32

/* ---- sets of files ---- */

struct file {
    char name[32];
    uint8_t *bytes;
    size_t size;
};
struct files {
    struct file file[FILES_MAX];
    unsigned count;
};

static const char *in(const char *dir, const char *name) {
    static char ring[4][512];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", dir, name);
    return out;
}

static struct files load_files(const char *dir) {
    struct files f = {0};
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d)) && f.count < FILES_MAX;) {
        if (e->d_name[0] == '.' || strstr(e->d_name, ".jrs") || strstr(e->d_name, "tmp.log") ||
            strstr(e->d_name, ".lck"))
            continue;
        struct file *file = &f.file[f.count++];
        snprintf(file->name, sizeof file->name, "%.31s", e->d_name);
        file->bytes = testlog_load(in(dir, e->d_name), &file->size);
    }
    closedir(d);
    return f;
}

static void free_files(struct files *f) {
    for (unsigned i = 0; i < f->count; i++)
        free(f->file[i].bytes);
    f->count = 0;
}

static void empty_dir(const char *dir) {
    DIR *d = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            remove(in(dir, e->d_name));
    closedir(d);
}

static void store_files(const struct files *f, const char *dir) {
    empty_dir(dir);
    for (unsigned i = 0; i < f->count; i++)
        testlog_store(in(dir, f->file[i].name), f->file[i].bytes, f->file[i].size);
}

static const struct file *find_file(const struct files *f, const char *name) {
    for (unsigned i = 0; i < f->count; i++)
        if (strcmp(f->file[i].name, name) == 0)
            return &f->file[i];
    CU_FAIL_FATAL("no such file");
    return NULL;
}

static bool same_as(const char *path, const void *bytes, size_t size) {
    size_t now = 0;
    uint8_t *got = testlog_load(path, &now);
    bool same = now == size && memcmp(got, bytes, size) == 0;
    free(got);
    return same;
}

/* No power fails here, and thousands of starts need not wait for a disk. */
static JET_ERR no_sync(struct os_file *file) {
    (void)file;
    return JET_errSuccess;
}
static JET_ERR no_sync_dir(const char *path) {
    (void)path;
    return JET_errSuccess;
}

static void without_syncs(void) {
    static struct os_table table;
    table = os_posix;
    table.sync = no_sync;
    table.sync_dir = no_sync_dir;
    os_install(&table);
}

/* ---- an instance that has been used: RECORDS transactions, each a record ---- */

static const char *dir;

static struct testapi new_instance(void) {
    struct testapi t = testapi_new("i");
    dir = test_path("i");
    return t;
}

static struct files make_files(bool crash) {
    struct testapi t = new_instance();
    char text[201];
    empty_dir(dir);
    memset(text, 'x', 200);
    text[200] = 0;
    testapi_run(&t);
    testapi_create(&t, "x.edb");
    JET_TABLEID table = testapi_table(&t, "t");
    for (int32_t id = 1; id <= RECORDS; id++)
        testapi_put(&t, table, id, text);
    CHECK_OK(JetTerm2(t.inst, crash ? JET_bitTermDirty : JET_bitTermComplete));
    return load_files(dir);
}

static const JET_ERR init_errors[] = {JET_errMissingLogFile,
                                      JET_errRequiredLogFilesMissing,
                                      JET_errInvalidLogSequence,
                                      JET_errLogGenerationMismatch,
                                      JET_errLogFileCorrupt,
                                      JET_errLogFileSizeMismatch,
                                      JET_errBadLogVersion,
                                      JET_errBadLogSignature,
                                      JET_errPageSizeMismatch,
                                      JET_errAttachedDatabaseMismatch,
                                      JET_errBadDbSignature,
                                      JET_errInvalidDatabaseVersion,
                                      JET_errSoftRecoveryOnBackupDatabase,
                                      JET_errDbTimeTooOld,
                                      JET_errDbTimeTooNew,
                                      JET_errFileAccessDenied};
static const JET_ERR page_errors[] =
    {/* where pages are read */
     JET_errReadVerifyFailure,  JET_errReadPgnoVerifyFailure, JET_errReadLostFlushVerifyFailure,
     JET_errPageNotInitialized, JET_errFileIOBeyondEOF,       JET_errDatabaseCorrupted,
     JET_errBadPageLink,        JET_errNodeCorrupted,         JET_errCatalogCorrupted};
static const JET_ERR attach_errors[] = {JET_errFileNotFound,          JET_errFileAccessDenied,
                                        JET_errDatabaseDirtyShutdown, JET_errInvalidDatabaseVersion,
                                        JET_errPageSizeMismatch,      JET_errDatabaseCorrupted,
                                        JET_errInvalidDatabase,       JET_errSoftRecoveryOnBackupDatabase};
#define AMONG(err, list) among(err, list, sizeof list / sizeof list[0])

static bool among(JET_ERR err, const JET_ERR *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == err)
            return true;
    return false;
}

static unsigned starts, refusals;
static const char *trying = "";

static void undocumented(JET_ERR err) {
    printf("\n    %s: %s is not documented\n", trying, err_name(err));
    CU_ASSERT_EQUAL(err, 0);
}

/* Records 1..n without a gap: n. The error of what could not be read. */
static JET_ERR count_records(struct testapi *t, unsigned *n) {
    JET_TABLEID table;
    *n = 0;
    JET_ERR err = JetAttachDatabase(t->ses, in(dir, "x.edb"), 0);
    if (err < JET_errSuccess) {
        if (!AMONG(err, attach_errors) && !AMONG(err, page_errors))
            undocumented(err);
        return err;
    }
    CHECK_OK(JetOpenDatabase(t->ses, in(dir, "x.edb"), NULL, &t->db, 0));
    err = JetOpenTable(t->ses, t->db, "t", NULL, 0, 0, &table);
    for (; err >= JET_errSuccess; err = JetMove(t->ses, table, JET_MoveNext, 0)) {
        CU_ASSERT_EQUAL(testapi_get_id(t->ses, table), (int32_t)*n + 1);
        ++*n;
    }
    return err == JET_errNoCurrentRecord ? JET_errSuccess : err;
}

/* Starts on the files as they are. UINT_MAX: refused, else how many records there are. */
static unsigned start(JET_ERR *refusal) {
    struct testapi t = new_instance();
    unsigned n = UINT32_MAX;
    *refusal = JetInit(&t.inst);
    if (*refusal >= JET_errSuccess) {
        CHECK_OK(JetBeginSession(t.inst, &t.ses, NULL, NULL));
        *refusal = count_records(&t, &n);
        if (*refusal < JET_errSuccess)
            n = UINT32_MAX;
        starts += *refusal >= JET_errSuccess;
    } else if (!AMONG(*refusal, init_errors) && !AMONG(*refusal, page_errors)) {
        undocumented(*refusal);
    }
    refusals += *refusal < JET_errSuccess;
    CHECK_OK(JetTerm(t.inst));
    return n;
}

/* One file among good ones is another one (bytes NULL: a directory; SIZE_MAX: missing). lossless: what starts has all
 * records; else the last one may be missing. Refused: true. */
static bool try_other(const struct files *good, const struct file *which, const void *bytes, size_t size,
                      bool lossless) {
    JET_ERR refusal;
    static char what[128];
    char path[512];
    snprintf(path, sizeof path, "%s", in(dir, which->name));
    snprintf(what, sizeof what, "%s, %zd of %zu bytes", which->name, (ssize_t)size, which->size);
    trying = what;
    store_files(good, dir);
    remove(path);
    if (bytes)
        testlog_store(path, bytes, size);
    else if (size != SIZE_MAX)
        mkdir(path, 0777);
    unsigned n = start(&refusal);
    if (n != UINT32_MAX) {
        CU_ASSERT(n == RECORDS || (!lossless && n == RECORDS - 1));
        return false;
    }
    if (bytes && strstr(which->name, ".log"))
        CU_ASSERT(same_as(path, bytes, size));
    remove(path);
    testlog_store(path, which->bytes, which->size);
    JET_ERR first = refusal;
    n = start(&refusal); /* nothing is lost by a refusal */
    if (refusal < JET_errSuccess || n != RECORDS) {
        printf("\n    %s: refused with %s; with the right file back: %s, %d records", trying, err_name(first),
               err_name(refusal), (int)n);
    }
    CU_ASSERT_EQUAL(refusal, JET_errSuccess);
    CU_ASSERT_EQUAL(n, RECORDS);
    return true;
}

/* ---- the tests ---- */

static struct files good, other; /* good: what make_files left */

static void begin(bool crash) {
    free_files(&good);
    free_files(&other);
    starts = refusals = 0;
    without_syncs();
    good = make_files(crash);
}

static void end(void) {
    printf("[%u files, %u starts, %u refusals] ", good.count, starts, refusals);
    free_files(&good);
    free_files(&other);
}

static void cut_every_file(bool crash) {
    begin(crash);
    for (unsigned i = 0; i < good.count; i++)
        for (size_t size = 0; size < good.file[i].size; size += 512)
            try_other(&good, &good.file[i], good.file[i].bytes, size, true);
    CU_ASSERT(refusals > (crash ? 100 : 20));
    end();
}

static void cut__files_of_a_clean_instance_are_refused_or_lose_nothing(void) {
    cut_every_file(false);
}
static void cut__files_after_a_crash_are_refused_or_lose_nothing(void) {
    cut_every_file(true);
}

static void longer__files_are_refused_or_lose_nothing(void) {
    begin(true);
    for (unsigned i = 0; i < good.count; i++) {
        const struct file *f = &good.file[i];
        uint8_t *bytes = calloc(1, f->size + 4096);
        memcpy(bytes, f->bytes, f->size);
        try_other(&good, f, bytes, f->size + 512, true);
        try_other(&good, f, bytes, f->size + 4096, true);
        free(bytes);
    }
    end();
}

static void missing__files_and_directories_in_their_place_are_refused_or_lose_nothing(void) {
    for (int crash = 0; crash < 2; crash++) {
        begin(crash);
        for (unsigned i = 0; i < good.count; i++) {
            const struct file *f = &good.file[i];
            bool is_db = strcmp(f->name, "x.edb") == 0, is_log = strstr(f->name, ".log") != NULL;
            bool missing = try_other(&good, f, NULL, SIZE_MAX, true), directory = try_other(&good, f, NULL, 0, true);
            CU_ASSERT(!is_db || (missing && directory));
            CU_ASSERT(!is_log || !crash || (missing && directory)); /* all generations are required */
        }
        end();
    }
}

/* A bit anywhere. In the last record of the log it looks like a crash before that was written. */
static void flipped__bits_are_refused_or_lose_at_most_what_a_torn_write_would(void) {
    begin(true);
    for (unsigned k = 0; k < 400; k++) {
        const struct file *f = &good.file[k % good.count];
        uint8_t *bytes = malloc(f->size);
        memcpy(bytes, f->bytes, f->size);
        bytes[test_random_below(k & 64 ? 4096 : f->size)] ^= (uint8_t)(1 << test_random_below(8));
        try_other(&good, f, bytes, f->size, false);
        free(bytes);
    }
    end();
}

/* Every log file and the checkpoint stands for every other one. */
static void swapped__generations_are_refused_or_lose_nothing(void) {
    begin(true);
    for (unsigned i = 0; i < good.count; i++)
        for (unsigned j = 0; j < good.count; j++)
            if (i != j)
                try_other(&good, &good.file[i], good.file[j].bytes, good.file[j].size, true);
    end();
}

static void foreign__files_of_another_instance_are_refused_or_lose_nothing(void) {
    for (int crash = 0; crash < 2; crash++) {
        begin(crash);
        other = good;
        good.count = 0;           /* other has them */
        good = make_files(crash); /* the same again: other signatures */
        for (unsigned i = 0; i < good.count; i++)
            for (unsigned j = 0; j < other.count; j++)
                if (crash || strcmp(other.file[j].name, "x.edb") != 0)
                    try_other(&good, &good.file[i], other.file[j].bytes, other.file[j].size, true);
        end();
    }
}

/* An older copy of the database: the log of what lies between is not there. */
static void older__copies_of_a_database_are_not_mistaken_for_it(void) {
    JET_ERR refusal;
    begin(false);
    struct testapi t = new_instance();
    testapi_run(&t);
    testapi_attach(&t, "x.edb");
    CHECK_OK(testapi_replace(t.ses, testapi_open(&t, "t"), 1, "changed"));
    CHECK_OK(JetTerm2(t.inst, JET_bitTermDirty));
    other = load_files(dir);
    const struct file *old = find_file(&good, "x.edb");
    testlog_store(in(dir, "x.edb"), old->bytes, old->size); /* clean, from before the attach that the log knows */
    trying = "older copy";
    CU_ASSERT(start(&refusal) == RECORDS || refusal < JET_errSuccess);
    end();
}

/* ---- headers ---- */

static void seal(uint8_t *header) {
    uint32_t sum = sum_header(header, 4096);
    memcpy(header, &sum, 4);
    memcpy(header + 4096, header, 4096);
}

static JET_ERR attach_with_header(struct testapi *t, const struct file *f, const uint8_t *headers) {
    char path[512];
    snprintf(path, sizeof path, "%s", in(dir, "x.edb"));
    uint8_t *bytes = malloc(f->size);
    memcpy(bytes, f->bytes, f->size);
    memcpy(bytes, headers, 8192);
    testlog_store(path, bytes, f->size);
    JET_ERR err = JetAttachDatabase(t->ses, path, 0);
    CU_ASSERT(err >= JET_errSuccess || same_as(path, bytes, f->size));
    if (err >= JET_errSuccess)
        CHECK_OK(JetDetachDatabase(t->ses, path));
    free(bytes);
    return err;
}

static void header__one_good_copy_is_enough_and_two_bad_ones_are_refused(void) {
    begin(false);
    const struct file *f = find_file(&good, "x.edb");
    struct testapi t = testapi_start("j");
    uint8_t headers[8192];
    for (unsigned at = 0; at < 4096; at += at < 700 ? 3 : 131) {
        memcpy(headers, f->bytes, sizeof headers);
        headers[at] ^= 0x10;
        CHECK_OK(attach_with_header(&t, f, headers));
        headers[4096 + at] ^= 0x10;
        CHECK_ERR(attach_with_header(&t, f, headers), JET_errDatabaseCorrupted);
    }
    testapi_stop(&t);
    end();
}

/* A header with a good checksum whose fields are not what they should be. */
static void header__impossible_values_are_refused_or_harmless(void) {
    begin(false);
    const struct file *f = find_file(&good, "x.edb");
    struct testapi t = testapi_start("j");
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    uint8_t headers[8192];
    unsigned refused = 0;
    for (unsigned at = 4; at < 700; at++) {
        memcpy(headers, f->bytes, sizeof headers);
        headers[at] = values[test_random_below(sizeof values)];
        seal(headers);
        JET_ERR err = attach_with_header(&t, f, headers);
        if (err < JET_errSuccess && !AMONG(err, attach_errors) && !AMONG(err, page_errors))
            undocumented(err);
        refused += err < JET_errSuccess;
    }
    CU_ASSERT(refused > 10);
    static const struct {
        unsigned at;
        uint32_t value;
        JET_ERR err;
    } fields[] = {
        {8, 0x621, JET_errInvalidDatabaseVersion}, {232, 30, JET_errInvalidDatabaseVersion},
        {236, 0, JET_errDatabaseCorrupted},        {52, JET_dbstateDirtyShutdown, JET_errDatabaseDirtyShutdown},
        {52, 77, JET_errDatabaseDirtyShutdown},    {52, JET_dbstateJustCreated, JET_errDatabaseCorrupted}};
    for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        memcpy(headers, f->bytes, sizeof headers);
        memcpy(headers + fields[i].at, &fields[i].value, 4);
        seal(headers);
        CHECK_ERR(attach_with_header(&t, f, headers), fields[i].err);
    }
    testapi_stop(&t);
    end();
}

static void page_size__of_another_kind_is_refused(void) {
    begin(false);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 8192, NULL));
    struct testapi t = testapi_start("8k");
    testapi_create(&t, "x.edb");
    CHECK_ERR(JetAttachDatabase(t.ses, in(dir, "x.edb"), 0), JET_errPageSizeMismatch);
    testapi_stop(&t);
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 4096, NULL));
    t = testapi_start("j");
    CHECK_ERR(JetAttachDatabase(t.ses, test_path("8k/x.edb"), 0), JET_errPageSizeMismatch);
    testapi_stop(&t);
    end();
}

/* ---- files that Windows wrote ---- */

struct seen {
    unsigned tables, records, values, separate;
};

/* Every value of the current record. Values that this library cannot read are counted. */
static void read_record(struct testapi *t, JET_TABLEID table, const uint32_t *columns, unsigned count,
                        struct seen *seen) {
    static uint8_t buffer[64 << 10];
    for (unsigned i = 0; i < count; i++) {
        JET_RETINFO info = {.cbStruct = sizeof info, .itagSequence = 1};
        for (;; info.itagSequence++) {
            uint32_t actual = 0;
            JET_ERR err = JetRetrieveColumn(t->ses, table, columns[i], buffer, sizeof buffer, &actual, 0, &info);
            if (err == JET_errFeatureNotAvailable) {
                seen->separate++;
                continue;
            }
            CHECK_OK(err < JET_errSuccess ? err : JET_errSuccess);
            if (err == JET_wrnColumnNull)
                break;
            seen->values++;
        }
    }
}

static void read_table(struct testapi *t, const char *name, struct seen *seen) {
    JET_TABLEID table;
    JET_COLUMNLIST list;
    static uint32_t columns[JET_ccolMost];
    unsigned count = 0;
    CHECK_OK(JetOpenTable(t->ses, t->db, name, NULL, 0, 0, &table));
    CHECK_OK(JetGetTableColumnInfo(t->ses, table, NULL, &list, sizeof list, JET_ColInfoList));
    for (JET_ERR err = JET_errSuccess; err >= JET_errSuccess && list.cRecord && count < JET_ccolMost;
         err = JetMove(t->ses, list.tableid, JET_MoveNext, 0))
        CHECK_OK(JetRetrieveColumn(t->ses, list.tableid, list.columnidcolumnid, &columns[count++], 4, NULL, 0, NULL));
    CU_ASSERT_EQUAL(count, list.cRecord);
    CHECK_OK(JetCloseTable(t->ses, list.tableid));
    JET_ERR err = JetMove(t->ses, table, (int32_t)JET_MoveFirst, 0);
    for (; err >= JET_errSuccess; err = JetMove(t->ses, table, JET_MoveNext, 0), seen->records++)
        read_record(t, table, columns, count, seen);
    CHECK_ERR(err, JET_errNoCurrentRecord);
    seen->tables++;
    CHECK_OK(JetCloseTable(t->ses, table));
}

static struct seen read_all_tables(struct testapi *t) {
    struct seen seen = {0};
    JET_OBJECTLIST list;
    CHECK_OK(JetGetObjectInfo(t->ses, t->db, JET_objtypTable, NULL, NULL, &list, sizeof list, JET_ObjInfoListNoStats));
    for (JET_ERR err = JET_errSuccess; err >= JET_errSuccess; err = JetMove(t->ses, list.tableid, JET_MoveNext, 0))
        read_table(t, testapi_get(t->ses, list.tableid, list.columnidobjectname), &seen);
    CU_ASSERT_EQUAL(seen.tables, list.cRecord);
    CHECK_OK(JetCloseTable(t->ses, list.tableid));
    return seen;
}

static void windows__databases_are_attached_read_and_detached_clean(void) {
    static const char *const names[] = {"basic.edb", "binary.edb", "text.edb",  "multi.edb",   "default.edb",
                                        "index.edb", "large.edb",  "SRUDB.dat", "Current.mdb", "Catalog1.edb"};
    without_syncs();
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t page_size;
        JET_DBINFOMISC7 misc;
        const char *path = test_windows_file(names[i]);
        if (!path)
            return;
        CHECK_OK(JetGetDatabaseFileInfo(path, &page_size, 4, JET_DbInfoPageSize));
        CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, page_size, NULL));
        struct testapi t = testapi_start("w");
        for (int round = 0; round < 2; round++) { /* read-only, then for writing */
            JET_GRBIT grbit = round == 0 ? JET_bitDbReadOnly : 0;
            CHECK_OK(JetAttachDatabase(t.ses, path, grbit));
            CHECK_OK(JetOpenDatabase(t.ses, path, NULL, &t.db, grbit));
            struct seen seen = read_all_tables(&t);
            CU_ASSERT(seen.tables >= 4 && seen.records > 100 && seen.values > seen.records);
            CHECK_OK(JetCloseDatabase(t.ses, t.db, 0));
            CHECK_OK(JetDetachDatabase(t.ses, path));
        }
        testapi_stop(&t);
        CHECK_OK(JetGetDatabaseFileInfo(path, &misc, sizeof misc, JET_DbInfoMisc));
        CU_ASSERT_EQUAL(misc.dbstate, JET_dbstateCleanShutdown);
        empty_dir(test_path("w"));
        unlink(path);
    }
    CHECK_OK(JetSetSystemParameter(NULL, 0, JET_paramDatabasePageSize, 4096, NULL));
}

static void windows__databases_of_a_newer_revision_are_refused_unchanged(void) {
    char path[512];
    const char *unpacked = test_windows_file("basic.edb");
    if (!unpacked)
        return;
    snprintf(path, sizeof path, "%s", unpacked);
    size_t size;
    uint8_t *bytes = testlog_load(path, &size);
    const uint32_t revision = 30;
    memcpy(bytes + 232, &revision, 4);
    seal(bytes);
    testlog_store(path, bytes, size);
    struct testapi t = testapi_start("w");
    CHECK_ERR(JetAttachDatabase(t.ses, path, 0), JET_errInvalidDatabaseVersion);
    CHECK_ERR(JetAttachDatabase(t.ses, path, JET_bitDbReadOnly), JET_errInvalidDatabaseVersion);
    CU_ASSERT(same_as(path, bytes, size));
    testapi_stop(&t);
    free(bytes);
}

TEST_MAIN(TEST(cut__files_of_a_clean_instance_are_refused_or_lose_nothing),
          TEST(cut__files_after_a_crash_are_refused_or_lose_nothing), TEST(longer__files_are_refused_or_lose_nothing),
          TEST(missing__files_and_directories_in_their_place_are_refused_or_lose_nothing),
          TEST(flipped__bits_are_refused_or_lose_at_most_what_a_torn_write_would),
          TEST(swapped__generations_are_refused_or_lose_nothing),
          TEST(foreign__files_of_another_instance_are_refused_or_lose_nothing),
          TEST(older__copies_of_a_database_are_not_mistaken_for_it),
          TEST(header__one_good_copy_is_enough_and_two_bad_ones_are_refused),
          TEST(header__impossible_values_are_refused_or_harmless), TEST(page_size__of_another_kind_is_refused),
          TEST(windows__databases_are_attached_read_and_detached_clean),
          TEST(windows__databases_of_a_newer_revision_are_refused_unchanged))
