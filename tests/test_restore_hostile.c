/* Sets whose every sum is right and whose content is not: headers, trailers and log records with bytes that nobody
 * would write. A restore gives an error or a database, and never more than that; the set stays what it was. P13 P14.
 * ESENT_HOSTILE_ROUNDS: how many (150 of each kind). */
#include <stdio.h>
#include <stdlib.h>

#include "backup/set.h"
#include "base/checksum.h"
#include "log/format.h"
#include "tests/lib/disk.h"
#include "tests/lib/script.h"
#include "tests/lib/test.h"

#define PAGE 4096u

struct place {
    struct script live;
    struct disk_image *image;
};

static void place_begin(struct place *p) {
    struct script *s = &p->live;
    disk_install(test_random());
    script_init(s, test_random(), "/live");
    CHECK_OK(script_start(s));
    CHECK_OK(script_create(s, &s->a));
    CHECK_OK(script_run(s, 10));
    CHECK_OK(JetBackupInstance(s->instance, "/set", 0, NULL));
    CHECK_OK(script_create(s, &s->b)); /* the log makes it */
    CHECK_OK(script_detach(s, &s->b));
    CHECK_OK(script_run(s, 20));
    CHECK_OK(JetBackupInstance(s->instance, "/set", JET_bitBackupIncremental, NULL));
    CHECK_OK(script_stop(s, 0));
    p->image = disk_save();
}

static void place_end(struct place *p) {
    disk_image_free(p->image);
    disk_done();
}

/* The manifest agrees with what the files are now. */
static void agree(void) {
    struct set set;
    CHECK_OK(set_read("/set", &set));
    for (uint32_t i = 0; i < set.file_count; i++) {
        char path[512];
        size_t n;
        snprintf(path, sizeof path, "/set/%s", set.files[i].name);
        const uint8_t *bytes = disk_get(path, &n);
        set.files[i].sum.crc32c = crc32c(0, bytes, n);
    }
    CHECK_OK(set_write(&set));
    set_done(&set);
}

static uint8_t *load(const char *path, size_t *bytes) {
    const uint8_t *now = disk_get(path, bytes);
    uint8_t *copy = malloc(*bytes);
    memcpy(copy, now, *bytes);
    return copy;
}

/* Few bytes, or a whole word that is at the edge of something. */
static void spoil(uint8_t *bytes, size_t count) {
    static const uint32_t edges[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 4096, 65536, 0xffff};
    for (uint64_t n = 1 + test_random_below(3); n; n--) {
        if (count >= 4 && test_random_below(2))
            store32(bytes + test_random_below(count - 3), edges[test_random_below(sizeof edges / sizeof *edges)]);
        else if (count)
            bytes[test_random_below(count)] = (uint8_t)test_random();
    }
}

static void spoil_header(void) {
    size_t bytes;
    uint8_t *db = load("/set/a.edb", &bytes);
    spoil(db + 4, 680);
    store32(db, sum_header(db, PAGE));
    memcpy(db + PAGE, db, PAGE);
    disk_put("/set/a.edb", db, bytes);
    free(db);
}

static void spoil_trailer(void) {
    size_t bytes;
    uint8_t *db = load("/set/a.edb", &bytes), *trailer = db + bytes - PAGE;
    spoil(trailer + 40, 108);
    store32(trailer, sum_header(trailer, PAGE));
    disk_put("/set/a.edb", db, bytes);
    free(db);
}

/* Damage as a disk makes it is found by the CRC; this is what someone wrote. */
static void spoil_records(void) {
    struct log_dir dir = {.path = "/set", .base = "edb"};
    struct log_range range;
    char path[OS_PATH_MAX];
    struct log_header header;
    struct log_frame frame;
    size_t bytes;

    CHECK_OK(log_dir_scan(&dir, &range));
    lggen_t gen = range.low + (lggen_t)test_random_below(range.high - range.low + 1);
    CHECK_OK(log_path_archive(&dir, gen, path));
    uint8_t *image = load(path, &bytes);
    CHECK_OK(log_header_decode(image, &header));
    if (test_random_below(8) == 0) {
        spoil(image + 8, 200);
        store32(image, sum_header(image, LOG_SECTOR));
    }
    const uint32_t seed = log_frame_seed(&header.signature, gen);
    unsigned count = 0;
    for (uint32_t at = LOG_SECTOR; log_frame_get(image, (uint32_t)bytes, at, seed, &frame); at = frame.next)
        count++;
    uint64_t victim = test_random_below(count);
    for (uint32_t at = LOG_SECTOR; log_frame_get(image, (uint32_t)bytes, at, seed, &frame); at = frame.next)
        if (frame.bytes && (victim-- == 0 || test_random_below(count) == 0)) {
            spoil(image + at + LOG_FRAME_HEADER, frame.bytes < 64 || test_random_below(2) ? frame.bytes : 64);
            log_frame_seal(image, at, seed, frame.bytes, frame.durable, frame.type, frame.flags);
        }
    disk_put(path, image, bytes);
    free(image);
}

static void look_at(struct script *s) {
    s->started = 1000;
    JET_ERR err = script_start(s);
    if (err >= JET_errSuccess)
        err = script_attach(s, &s->a);
    if (err >= JET_errSuccess) {
        uint32_t rows = 0;
        for (err = JetMove(s->session, s->a.table, (int32_t)JET_MoveFirst, 0); err >= JET_errSuccess && rows < 10000;
             err = JetMove(s->session, s->a.table, JET_MoveNext, 0))
            rows++;
        CU_ASSERT(rows < 10000);
    }
    script_drop(s);
}

static bool restored(const struct place *p) {
    struct script s;
    const uint64_t digest = disk_digest("/set");
    script_init(&s, p->live.seed, "/new");
    CHECK_OK(script_instance(&s));
    JET_ERR err = JetRestoreInstance(s.instance, "/set", "/new/data", NULL);
    CHECK_OK(JetTerm(s.instance));
    CU_ASSERT_EQUAL(disk_digest("/set"), digest);
    CU_ASSERT_EQUAL(disk_open_files(), 0);
    if (err >= JET_errSuccess) {
        look_at(&s);
    } else if (disk_exists("/new/data/a.edb")) {
        CHECK_OK(script_instance(&s));
        s.running = true;
        JET_ERR started = JetInit(&s.instance);
        if (started >= JET_errSuccess)
            started = JetBeginSession(s.instance, &s.session, NULL, NULL);
        if (started >= JET_errSuccess)
            CU_ASSERT(JetAttachDatabase(s.session, "/new/data/a.edb", 0) < JET_errSuccess); /* half restored */
        script_drop(&s);
    }
    return err >= JET_errSuccess;
}

static void play(void (*spoil_part)(void), const char *what) {
    const char *rounds = getenv("ESENT_HOSTILE_ROUNDS");
    const unsigned count = rounds ? (unsigned)atoi(rounds) : 150;
    unsigned good = 0;
    struct place p;
    place_begin(&p);
    for (unsigned i = 0; i < count && !CU_get_number_of_failures(); i++) {
        disk_load(p.image);
        spoil_part();
        agree();
        good += restored(&p);
    }
    printf("    %s: %u of %u restored\n", what, good, count);
    place_end(&p);
}

static void headers__that_nobody_would_write(void) {
    play(spoil_header, "headers");
}
static void trailers__that_nobody_would_write(void) {
    play(spoil_trailer, "trailers");
}
static void records__that_nobody_would_write(void) {
    play(spoil_records, "records");
}

TEST_MAIN(TEST(headers__that_nobody_would_write), TEST(trailers__that_nobody_would_write),
          TEST(records__that_nobody_would_write))
