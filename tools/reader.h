/* A database opened for reading, whatever its state: on an instance that has no log, for one thread. */
#ifndef ESENT_TOOLS_READER_H
#define ESENT_TOOLS_READER_H

#include "engine/cat.h"
#include "engine/inst.h"

struct reader {
    struct inst inst;
    struct dbheader *header; /* PAGE_SIZE_MAX bytes; the database's own one stays untouched as well */
    unsigned copies_bad;     /* bit 0 primary, bit 1 shadow */
    struct db *db;           /* page_count: what the database owns, as far as the file has it */
    JET_ERR space_err;       /* why that is not known: page_count is then all of the file */
    pgno_t owned_last;       /* as the space trees say; 0: not known */
    struct session *session; /* reader_begin_session */
};

/* Needs nothing of the file but a header. Errors of dbheader_read and db_open_for_reading; *out is set all the same
 * when the header could be read, for its fields (reader_close it). */
MUST_CHECK JET_ERR reader_open(const char *path, struct reader **out);
/* For cursors: opens the catalog. JET_errDatabaseDirtyShutdown unless the state is clean. */
MUST_CHECK JET_ERR reader_begin_session(struct reader *reader);
/* From now on what the engine finds damaged goes to stderr (and to syslog, as all events do), with its page. */
void reader_show_events(struct reader *reader);
void reader_close(struct reader *reader); /* NULL is ignored */

const char *dbstate_words(uint32_t state);
/* Writes the complaint for a reader_open that failed; returns the exit code. reader may be NULL. */
int reader_complain(const char *path, const struct reader *reader, JET_ERR err);
/* reader_open with its complaints, and what is no database is one; why gets the error in short. *out as reader_open. */
int reader_open_or_complain(const char *path, struct reader **out, char why[256]);

void complain_dirty(const char *path);

/* All nodes of a tree in key order, flag-deleted ones too. Follows the leaves' links, but never more pages than there
 * are: JET_errDatabaseCorrupted. fn's error ends the walk; the slices live until it returns. */
struct walked {
    pgno_t pgno;
    unsigned line;
    bool deleted;
    struct slice key, data;
};
typedef JET_ERR (*walk_fn)(void *context, const struct walked *node);
MUST_CHECK JET_ERR walk_tree(struct tree *tree, walk_fn fn, void *context);

#endif
