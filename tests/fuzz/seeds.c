/* fuzz_seeds DIR [FILE.edb...]: writes seeds of each target to DIR/TARGET. Without files: what our engine makes, all
 * that is in corpus/; with files: databases from Windows, whole, their headers, and some of their pages. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/page.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tools/tar.h"

#define SEED 20
#define PAGE_SEEDS 14

const enum fuzz_kind fuzz_kind = FUZZ_PAGE; /* of this program, which mutates nothing */
void fuzz_run(const uint8_t *bytes, size_t count) {
    (void)bytes, (void)count;
}

static const char *directory;

#define MUST(expr)                                                                                                     \
    do {                                                                                                               \
        JET_ERR must_ = (expr);                                                                                        \
        if (must_ < JET_errSuccess)                                                                                    \
            fuzz_die("%s: %s", #expr, err_name(must_));                                                                \
    } while (0)

static void write_seed(const char *target, const char *name, const uint8_t *bytes, size_t count) {
    char path[OS_PATH_MAX];
    uint8_t *packed = malloc(2 * count + 64);
    if (!packed)
        abort();
    const size_t n = fuzz_pack(bytes, count, packed, 2 * count + 64);
    snprintf(path, sizeof path, "%s/%s", directory, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", directory, target, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(packed, 1, n, f) != n || fclose(f) != 0)
        fuzz_die("cannot write %s", path);
    free(packed);
}

static void write_file(const char *target, const char *name, const char *path) {
    size_t count;
    const uint8_t *bytes = disk_get(path, &count);
    if (!bytes)
        fuzz_die("there is no %s", path);
    write_seed(target, name, bytes, count);
}

/* One page of each kind, of each tree, up to PAGE_SEEDS. */
static void write_pages(const char *name, const uint8_t *bytes, size_t count, uint32_t size) {
    uint64_t seen[PAGE_SEEDS];
    unsigned n = 0;
    for (size_t at = 2 * (size_t)size; at + size <= count && n < PAGE_SEEDS; at += size) {
        struct page p = {(uint8_t *)bytes + at, size};
        char numbered[300];
        unsigned k = 0;
        if (load16(p.b + 34) == 0) /* never used */
            continue;
        const uint64_t kind = (uint64_t)page_objid(&p) << 32 | page_flags(&p);
        while (k < n && seen[k] != kind)
            k++;
        if (k < n)
            continue;
        seen[n++] = kind;
        snprintf(numbered, sizeof numbered, "%s-page%u", name, (unsigned)(at / size - 1));
        write_seed("page", numbered, p.b, size);
    }
}

static void write_database(const char *name, const uint8_t *bytes, size_t count) {
    const uint32_t size = fuzz_page_size(bytes, count);
    if (!size)
        fuzz_die("%s is no database", name);
    if (count <= FUZZ_BYTES_MAX)
        write_seed("db", name, bytes, count);
    write_seed("dbheader", name, bytes, 2 * size);
    write_pages(name, bytes, count, size);
}

/* ---- our own ---- */

/* A column of each type, fixed, variable and tagged, with a default and without. */
static void make_types(JET_SESID session, JET_DBID db) {
    static const struct {
        JET_COLTYP type;
        JET_GRBIT grbit;
    } kinds[] = {{JET_coltypLong, JET_bitColumnNotNULL},
                 {JET_coltypBit, 0},
                 {JET_coltypUnsignedByte, 0},
                 {JET_coltypShort, 0},
                 {JET_coltypCurrency, 0},
                 {JET_coltypIEEESingle, 0},
                 {JET_coltypIEEEDouble, 0},
                 {JET_coltypDateTime, 0},
                 {JET_coltypGUID, 0},
                 {JET_coltypText, JET_bitColumnFixed},
                 {JET_coltypText, 0},
                 {JET_coltypBinary, 0},
                 {JET_coltypText, JET_bitColumnTagged | JET_bitColumnMultiValued},
                 {JET_coltypLongText, 0},
                 {JET_coltypLongBinary, JET_bitColumnMultiValued}};
    enum { COLUMNS = sizeof kinds / sizeof *kinds };
    JET_COLUMNCREATE columns[COLUMNS] = {{0}};
    char names[COLUMNS][16];
    for (int i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        columns[i] = (JET_COLUMNCREATE){.cbStruct = sizeof *columns,
                                        .szColumnName = names[i],
                                        .coltyp = kinds[i].type,
                                        .grbit = kinds[i].grbit,
                                        .cp = i % 2 ? 1252 : 1200,
                                        .cbMax = kinds[i].grbit & JET_bitColumnFixed ? 10 : 0};
        if (i == 3) {
            columns[i].pvDefault = "ab";
            columns[i].cbDefault = 2;
        }
    }
    JET_INDEXCREATE index = {.cbStruct = sizeof index,
                             .szIndexName = "primary",
                             .szKey = "+c0\0-c10\0",
                             .cbKey = 10,
                             .grbit = JET_bitIndexPrimary};
    JET_TABLECREATE table = {.cbStruct = sizeof table,
                             .szTableName = "types",
                             .rgcolumncreate = columns,
                             .cColumns = COLUMNS,
                             .rgindexcreate = &index,
                             .cIndexes = 1};
    MUST(JetCreateTableColumnIndex(session, db, &table));
    MUST(JetBeginTransaction(session));
    for (int row = 0; row < 30; row++) {
        static const uint32_t sizes[] = {4, 1, 1, 2, 8, 4, 8, 8, 16, 7, 12, 9, 20, 60, 50};
        MUST(JetPrepareUpdate(session, table.tableid, JET_prepInsert));
        for (int i = 0; i < COLUMNS; i++) {
            uint8_t value[64];
            JET_SETINFO more = {.cbStruct = sizeof more, .itagSequence = 0};
            memset(value, 'a' + i, sizeof value);
            value[0] = (uint8_t)row;
            if (i > 0 && (row + i) % 4 == 0)
                continue;
            MUST(JetSetColumn(session, table.tableid, columns[i].columnid, value, sizes[i], 0, NULL));
            if (kinds[i].grbit & JET_bitColumnMultiValued && row % 3 == 0)
                MUST(JetSetColumn(session, table.tableid, columns[i].columnid, value, 5, 0, &more));
        }
        MUST(JetUpdate(session, table.tableid, NULL, 0, NULL));
    }
    MUST(JetCommitTransaction(session, 0));
    MUST(JetCloseTable(session, table.tableid));
}

/* All generations, each as long as it is. */
static size_t take_logs(uint8_t *out, size_t room) {
    size_t at = 0, n;
    for (unsigned i = 1; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof path, "/d/system/edb%05X.log", i);
        if (!disk_exists(path))
            snprintf(path, sizeof path, "/d/system/edb.log");
        const uint8_t *bytes = disk_get(path, &n);
        if (!bytes || n != FUZZ_LOG_BYTES || at + n > room)
            fuzz_die("%s is not as it should be", path);
        memcpy(out + at, bytes, n);
        at += n;
        if (strcmp(path, "/d/system/edb.log") == 0)
            return at;
    }
    fuzz_die("too many log files");
}

static void write_logs(const char *name, bool with_checkpoint) {
    static uint8_t bytes[FUZZ_CHECKPOINT_BYTES + 8 * FUZZ_LOG_BYTES];
    const size_t n = take_logs(bytes + FUZZ_CHECKPOINT_BYTES, sizeof bytes - FUZZ_CHECKPOINT_BYTES);
    size_t checkpoint_bytes;
    write_seed("log", name, bytes + FUZZ_CHECKPOINT_BYTES, n);
    if (!with_checkpoint)
        return;
    const uint8_t *checkpoint = disk_get("/d/system/edb.chk", &checkpoint_bytes);
    if (!checkpoint || checkpoint_bytes != FUZZ_CHECKPOINT_BYTES)
        fuzz_die("no checkpoint");
    memcpy(bytes, checkpoint, FUZZ_CHECKPOINT_BYTES);
    write_seed("checkpoint", name, bytes, FUZZ_CHECKPOINT_BYTES + n);
}

static void begin(struct script *s, uint32_t transactions) {
    disk_install(SEED);
    script_init(s, SEED, "/d");
    MUST(script_start(s));
    MUST(script_create(s, &s->a));
    MUST(script_run(s, transactions));
}

/* Its log ends as a crash leaves it: in the middle of a transaction. */
static void make_crashed(void) {
    struct script s;
    JET_TABLEID table;
    begin(&s, 6);
    MUST(JetBeginTransaction(s.session));
    MUST(JetCreateTable(s.session, s.a.dbid, "not committed", 0, 0, &table));
    MUST(JetMove(s.session, s.a.table, (int32_t)JET_MoveFirst, 0));
    MUST(JetDelete(s.session, s.a.table));
    MUST(JetCommitTransaction(s.session, JET_bitCommitLazyFlush));
    MUST(JetBeginTransaction(s.session));
    MUST(JetMove(s.session, s.a.table, JET_MoveLast, 0));
    MUST(JetDelete(s.session, s.a.table));
    MUST(script_stop(&s, JET_bitTermDirty));
    write_logs("crashed", true);
    disk_done();
}

static void make_two(void) {
    struct script s;
    begin(&s, 3);
    MUST(script_create(&s, &s.b));
    MUST(script_run(&s, 12));
    MUST(script_detach(&s, &s.b));
    MUST(script_stop(&s, 0));
    write_logs("two-databases", false);
    disk_done();
}

static void make_clean(void) {
    struct script s;
    size_t count;
    begin(&s, 12);
    make_types(s.session, s.a.dbid);
    MUST(script_stop(&s, JET_bitTermComplete));
    write_logs("clean", true);
    const uint8_t *bytes = disk_get("/d/data/a.edb", &count);
    write_database("ours", bytes, count);
    disk_done();
}

static void make_set(void) {
    struct script s;
    static char db[] = "/d/data/a.edb";
    char *const databases[] = {db};
    const struct tar_backup options = {.base = "edb", .databases = databases, .database_count = 1};
    const int out = dup(1), fd = memfd_create("stream", 0);
    begin(&s, 4);
    if (fd < 0 || dup2(fd, 1) < 0 || tar_backup(s.instance, &options) != 0)
        fuzz_die("no stream");
    dup2(out, 1);
    const size_t count = (size_t)lseek(fd, 0, SEEK_END);
    uint8_t *stream = malloc(count);
    if (!stream || pread(fd, stream, count, 0) != (ssize_t)count)
        abort();
    write_seed("tar", "full", stream, count);
    free(stream);
    close(fd);
    MUST(JetBackupInstance(s.instance, "/set", JET_bitBackupSha256, NULL));
    write_file("manifest", "sha256", "/set/backup.manifest");
    MUST(JetBackupInstance(s.instance, "/plain", 0, NULL));
    write_file("manifest", "full", "/plain/backup.manifest");
    MUST(script_run(&s, 6));
    MUST(JetBackupInstance(s.instance, "/plain", JET_bitBackupIncremental, NULL));
    write_file("manifest", "incremental", "/plain/backup.manifest");
    size_t bytes;
    const uint8_t *copy = disk_get("/plain/a.edb", &bytes);
    write_seed("dbheader", "backup", copy, 8192);
    MUST(script_stop(&s, JET_bitTermComplete));
    disk_done();
}

/* ---- files from Windows ---- */

static void add_file(const char *path) {
    const char *name = strrchr(path, '/');
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        fuzz_die("cannot read %s", path);
    const size_t count = (size_t)ftell(f);
    uint8_t *bytes = malloc(count + 1);
    rewind(f);
    if (!bytes || fread(bytes, 1, count, f) != count)
        fuzz_die("cannot read %s", path);
    fclose(f);
    write_database(name ? name + 1 : path, bytes, count);
    free(bytes);
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    directory = argv[1];
    for (int i = 2; i < argc; i++)
        add_file(argv[i]);
    if (argc == 2) {
        make_crashed();
        make_two();
        make_clean();
        make_set();
    }
    return 0;
}
