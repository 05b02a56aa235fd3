/* Hostile input. Each target_NAME.c takes bytes that anybody may have written, and does with them what a user does;
 * whatever comes back is fine but a crash, a hang, a leak, a file left open, or fuzz_die().
 *
 *     input  --unpack-->  bytes  --fuzz_run()-->  the library, on the disk in memory of tests/lib/disk.h
 *
 * Inputs are packed, because most bytes of these files are zero: u16 count, that many bytes, u16 count of zeros that
 * follow, and again. Any input unpacks to something. The mutator (mutate.c) unpacks, changes bytes and fields, makes
 * the checksums right again (seal.c), and packs.
 *
 * With clang a target is linked with libFuzzer (./dev fuzz), else with replay.c, a test. */
#ifndef ESENT_TESTS_FUZZ_H
#define ESENT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum fuzz_kind {
    FUZZ_PAGE,       /* one page */
    FUZZ_DBHEADER,   /* a database's first two pages */
    FUZZ_LOG,        /* log files of FUZZ_LOG_BYTES, the last one is edb.log */
    FUZZ_CHECKPOINT, /* edb.chk, then log files */
    FUZZ_MANIFEST,
    FUZZ_TAR, /* a backup set */
    FUZZ_DB,
};
#define FUZZ_LOG_BYTES 65536u
#define FUZZ_CHECKPOINT_BYTES 8192u
#define FUZZ_BYTES_MAX (2u << 20) /* unpacked */

/* ---- target_NAME.c ---- */

extern const enum fuzz_kind fuzz_kind;
void fuzz_run(const uint8_t *bytes, size_t count);

/* ---- fuzz.c ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* The caller frees. room: bytes that stay unused behind the count. */
uint8_t *fuzz_unpack(const uint8_t *data, size_t size, size_t room, size_t *count);
size_t fuzz_pack(const uint8_t *bytes, size_t count, uint8_t *out, size_t out_bytes); /* 0: no room */
void fuzz_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- mutate.c, seal.c ---- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's, or that of replay.c */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Random numbers of one mutation. */
uint32_t fuzz_below(uint32_t end);
void fuzz_draw_from(uint32_t seed);

/* Makes every checksum right, wherever the lengths and magics around it still say where it is. */
void fuzz_seal(enum fuzz_kind kind, uint8_t *bytes, size_t count);
void fuzz_seal_page(uint8_t *page, uint32_t page_bytes, uint32_t pgno);
void fuzz_seal_logs(uint8_t *bytes, size_t count);
/* The page size that a database's header tells; 0: none. */
uint32_t fuzz_page_size(const uint8_t *bytes, size_t count);
/* A tar stream's entries one by one: false at the end. content NULL before the first. */
struct fuzz_entry {
    char name[101];
    uint8_t *header, *content;
    size_t bytes; /* of the content */
};
bool fuzz_tar_next(uint8_t *stream, size_t count, struct fuzz_entry *entry);

/* ---- user.c: what a user does with files on the disk in memory, with /d/system and /d/data/a.edb ---- */

struct command;
/* esentutl's command with up to two operands (NULL: none). */
void user_tool(const struct command *command, const char *a, const char *b);
void user_tools(const char *path); /* header, verify, check, tables, export */
/* An instance in dir, made and not started. page_size 0: 4096. */
JET_ERR user_instance(const char *dir, uint32_t page_size, JET_INSTANCE *out);
/* Each row and column of each table. Dies where there are more rows than any file of ours can hold. */
void user_reads(JET_SESID session, JET_DBID db);
void user_writes(JET_SESID session, JET_DBID db);
/* JetInit, session, attach path, both of the above, detach, JetTerm: as far as it goes. writes: also backs up to it. */
enum { USER_WRITES = 1, USER_BACKS_UP = 2 };
void user_works(const char *dir, const char *path, uint32_t page_size, unsigned what);

#endif
