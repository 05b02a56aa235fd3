/* The check of a whole database: what its parts share. */
#ifndef ESENT_TOOLS_CHECK_H
#define ESENT_TOOLS_CHECK_H

#include "engine/space.h"
#include "tools/catalog.h"
#include "tools/pages.h"
#include "tools/reader.h"
#include "tools/tool.h"

struct check_stats {
    uint64_t tables, indexes, records, deleted, keys, entries;
    uint64_t keys_unknown;   /* primary keys that cannot be recomputed: another system's sort order */
    uint64_t values_unknown; /* values that this version cannot decode */
};

struct checker {
    struct out *out;
    struct db *db;
    struct space_accounts *accounts;
    const char *tree; /* name of the one being looked at; NULL: the file as a whole */
    uint8_t *claimed; /* a bit per page: root of a tree that was checked */
    uint64_t findings;
    struct check_stats stats;
};

/* pgno 0: of no page; line -1: of no line. */
void check_finding(struct checker *c, pgno_t pgno, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* For bt_check and its like; context is the checker. */
void check_report(void *context, pgno_t pgno, const char *what);
/* Structure and space of one tree. *out NULL: there is no such tree to look into; that was reported. parent NULL: the
 * database root. */
MUST_CHECK JET_ERR check_tree(struct checker *c, const char *name, pgno_t fdp, objid_t objid, uint32_t type,
                              struct tree *parent, struct tree **out);
/* The whole check: what it finds is in c->findings. *scan is released with pages_done() in any case. */
MUST_CHECK JET_ERR check_database(struct checker *c, const struct reader *r, struct page_scan *scan);
void checker_done(struct checker *c);
/* An error that stops the check, against one that is a finding. */
static inline bool is_fatal(JET_ERR err) {
    return err == JET_errOutOfMemory || err == JET_errOutOfBuffers;
}

/* ---- check_catalog.c ---- */

/* Reads the catalog, or its shadow, whose tree is at fdp; reports what cannot be read of it. */
MUST_CHECK JET_ERR check_load_catalog(struct checker *c, pgno_t fdp, objid_t objid, const char *name,
                                      struct cat_rows *rows);
MUST_CHECK JET_ERR check_shadow(struct checker *c, const struct cat_rows *rows);

/* ---- check_table.c ---- */

/* All trees of one table: rows are those of the catalog that have its object number. */
MUST_CHECK JET_ERR check_table(struct checker *c, const struct cat_row *rows, size_t count);

#endif
