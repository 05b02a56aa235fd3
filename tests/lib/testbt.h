/* A B+tree beside a model of it: a sorted array that says what must be in the tree, in order. */
#ifndef ESENT_TESTS_TESTBT_H
#define ESENT_TESTS_TESTBT_H

#include "engine/bt_priv.h"
#include "tests/lib/testdb.h"

/* Data is not kept: its bytes follow from its seed. */
struct entry {
    uint8_t *key;
    size_t key_bytes, data_bytes;
    uint64_t seed;
    unsigned flags;
};

struct model {
    struct testdb *t;
    struct tree *tree;
    struct entry *at;
    size_t count, size;
    uint64_t next; /* of ascending keys */
};

/* A database with one empty table. */
struct model model_new(uint32_t page_size);
void model_free(struct model *m);
/* Changes of the tree and of the model; fatal to the test when the tree says anything else than it should. */
void model_insert(struct model *m, struct slice key, size_t data_bytes,
                  unsigned flags); /* a key that is there: expects the refusal */
void model_update(struct model *m, size_t at, size_t data_bytes, unsigned flags);
void model_remove(struct model *m, size_t at);
/* Forwards and backwards, then testdb_check. */
void model_check(struct model *m);

enum key_kind { KEY_ASCENDING, KEY_DESCENDING, KEY_RANDOM, KEY_TEXT, KEY_PREFIXED, KEY_LONG, KEY_MIXED };
enum data_kind { DATA_SMALL, DATA_LARGE, DATA_ANY };
void model_insert_one(struct model *m, enum key_kind keys, enum data_kind data);
void model_change_one(struct model *m, enum key_kind keys, enum data_kind data); /* or insert, or remove */

/* Changes of the tree alone. */
JET_ERR do_insert(struct model *m, struct slice key, struct slice data, unsigned flags);
JET_ERR do_update(struct model *m, struct slice key, const struct slice *data, unsigned flags);
JET_ERR do_remove(struct model *m, struct slice key);

unsigned depth_of(struct tree *tree);
/* A table of 4 KiB pages with the keys 0, 10, 20 .. below end. */
struct model numbers(uint32_t end);
struct slice number_key(uint32_t number, uint8_t *out);
uint32_t number_at(const struct bt_place *place);

#endif
