/* What the tests of the log share: a small log in the test's directory, and records that say what they are. */
#ifndef ESENT_TESTS_TESTLOG_H
#define ESENT_TESTS_TESTLOG_H

#include "log/log.h"
#include "tests/lib/test.h"

struct log_dir testlog_dir(void);       /* base "edb" in test_dir() */
struct log_config testlog_config(void); /* 64 KiB files, no event sink */

struct log *testlog_create(void); /* a new stream, so configured */

/* Record number `id` of `bytes` bytes (>= 8): both numbers, then bytes made from them. Returns its begin. */
lgpos_t testlog_append(struct log *log, uint32_t id, size_t bytes);
/* The id of a record made so; UINT32_MAX for any other. */
uint32_t testlog_id(const struct log_record *record);

/* Reads from `from` to the end; ids must ascend by one from first_id. Returns how the reading ended
 * (JET_errNoCurrentRecord if well). next_id: one past the last. end, last: for log_continue; may be NULL. */
JET_ERR testlog_read(lgpos_t from, uint32_t first_id, uint32_t *next_id, lgpos_t *end, struct log_header *last);
/* Reads all from generation low and goes on there. */
struct log *testlog_continue(lggen_t low, uint32_t first_id, uint32_t *next_id);

/* All from generation 1, ids from 0. */
JET_ERR testlog_read_all(uint32_t *next_id);

/* A log of `count` records of `bytes` bytes in generation 1. Flushed one by one, each says of those before that they
 * are durable; flushed together at the end, none does. Returns edb.log as testlog_load() does. */
enum testlog_flushing { FLUSH_EACH, FLUSH_TOGETHER };
uint8_t *testlog_one_generation(uint32_t count, size_t bytes, enum testlog_flushing flushing, size_t *file_bytes);

/* Five generations, four records begin in each, the last of which crosses to the next. */
#define TESTLOG_GENS 5u
#define TESTLOG_IDS (TESTLOG_GENS * 4)
void testlog_five_generations(void);

/* Three records in edb00001.log, none in edb.log: as a roll leaves them. */
void testlog_rolled(void);

/* Whole files, with plain system calls. *bytes may be NULL. The caller frees. */
uint8_t *testlog_load(const char *path, size_t *bytes);
void testlog_store(const char *path, const void *data, size_t bytes);
void testlog_copy(const char *from, const char *to);

#endif
