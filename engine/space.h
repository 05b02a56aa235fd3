/* Space: which pages a tree owns (OE) and which of them are free (AE).
 *
 * The database root (pgno 1) owns the whole file. A table starts with one extent whose free pages are bits in its space
 * header, and gets two small B+trees, OE and AE, when that is used up. Extents are keyed by their last page. An AE
 * extent lies inside one OE extent; free neighbours inside it are merged. A space tree that must split takes the page
 * for it from the extent that is being added or from AE itself, never from its parent: so it cannot recurse.
 *
 * All calls are part of the caller's mini-transaction; they lock the spaces they touch (child before parent) until
 * mtr_end. Growth: ese-facts 2.8, 2.9. docs/format-edb.md states what is written. */
#ifndef ESENT_ENGINE_SPACE_H
#define ESENT_ENGINE_SPACE_H

#include "engine/bt.h"

/* One page for tree; made into an empty page of objid and flags. JET_errOutOfDatabaseSpace, JET_errDiskFull. */
MUST_CHECK JET_ERR space_alloc(struct mtr *m, struct tree *tree, uint32_t page_flags, struct page **out);
/* Gives a page of tree back to its AE. The page is marked PAGE_EMPTY by a page_init in this mtr. */
MUST_CHECK JET_ERR space_free(struct mtr *m, struct tree *tree, pgno_t pgno);
/* A new tree of `pages` (>= 1) primary pages in one piece, taken from parent (NULL: database root); its root page is an
 * empty root leaf. Up to SPACE_SINGLE_MAX pages: a single-extent tree; more: OE and AE at once (fdp + 1, fdp + 2). */
#define SPACE_SINGLE_MAX 33u
MUST_CHECK JET_ERR space_create_tree(struct mtr *m, struct db *db, struct tree *parent, objid_t objid, uint32_t type,
                                     uint32_t pages, pgno_t *fdp);
/* Everything the tree owns goes back to parent's AE, in this one mtr. The tree's pages are not touched. */
MUST_CHECK JET_ERR space_free_tree(struct mtr *m, struct tree *tree, struct tree *parent);
/* Formats page 1 with OE and AE (pages 2, 3) over pages 1..page_count of a new file; 4.. are free. */
MUST_CHECK JET_ERR space_create_root(struct mtr *m, struct db *db, uint32_t page_count);
/* Takes the given range out of the root's free space: the fixed places of the catalog in a new database. Creates a
 * multiple-extent tree there: OE = fdp + 1, AE = fdp + 2. */
MUST_CHECK JET_ERR space_create_fixed_tree(struct mtr *m, struct db *db, struct tree *parent, pgno_t fdp,
                                           uint32_t pages, objid_t objid, uint32_t type);
/* Last page that the database root owns. */
MUST_CHECK JET_ERR space_owned_end(struct db *db, pgno_t *last);

/* Every extent of a tree: first the owned ones (available == false), then the available ones, each in order. space_page
 * (may be NULL) sees the pages of OE and AE, and what a file from Windows keeps in their split buffers. For check and
 * JET_DbInfoSpaceOwned. A single-extent tree's root is read: the caller keeps the tree from being deleted. */
typedef void (*space_extent_fn)(void *context, pgno_t first, uint32_t count, bool available);
MUST_CHECK JET_ERR space_extents(struct tree *tree, space_extent_fn fn, bt_visit_fn space_page, void *context);

/* The page accounts of a whole database: each page that a tree owns has exactly one use, in that tree or in one below
 * it. Add every tree in any order (which does bt_check of it; the caller holds its latch), then finish. Nothing may
 * change the database meanwhile. */
struct space_accounts;
MUST_CHECK JET_ERR space_accounts_new(struct db *db, struct space_accounts **out);
MUST_CHECK JET_ERR space_accounts_add(struct space_accounts *accounts, struct tree *tree, bt_report_fn report,
                                      void *context);
void space_accounts_finish(struct space_accounts *accounts, bt_report_fn report, void *context);
void space_accounts_free(struct space_accounts *accounts); /* NULL is ignored */

#endif
