/* The trailer of a database's copy: one page behind its last one (ESE's patch header page, ese-facts 5.4). The header
 * of the copy is read first and so can only say where redo begins; the trailer is read last and says how far redo must
 * come, because pages may have been changed until then. */
#ifndef ESENT_BACKUP_TRAILER_H
#define ESENT_BACKUP_TRAILER_H

#include "engine/dbheader.h"

struct disk_trailer {
    le32_t checksum; /* sum_header() of the page */
    uint8_t page_header[36];
    struct disk_bkinfo info; /* 40: mark, time and low generation as in the header's full_cur; the generation that was
                                current when the last page was read: the set's log files must reach it */
    struct disk_signature sign_db, sign_log;                           /* 64, 92 */
    le32_t gen_min_required, gen_max_required, gen_max_committed;      /* 120 */
    struct disk_logtime time_gen_max_required, time_gen_max_committed; /* 132, 140 */
};

/* header: of the copy. page: page_size bytes. */
void trailer_make(void *page, uint32_t page_size, const struct dbheader *header, lggen_t current);
/* JET_errBadPatchPage (not a trailer), JET_errDatabasePatchFileMismatch (that of another copy than header's). current:
 * see trailer_make. */
MUST_CHECK JET_ERR trailer_check(const void *page, const struct dbheader *header, lggen_t *current);

#endif
