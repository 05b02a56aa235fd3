/* The database header: 748 bytes, zero padded to the page size, twice at the front of the file (ese-facts 1). */
#ifndef ESENT_ENGINE_DBHEADER_H
#define ESENT_ENGINE_DBHEADER_H

#include "base/os.h"
#include "engine/types.h"

#define DB_MAGIC 0x89abcdefu
#define DB_VERSION 0x620u
#define DB_REVISION 20u

struct disk_lgpos {
    le16_t ib;
    le16_t isec;
    le32_t gen;
};
struct disk_logtime {
    uint8_t b[8];
};
struct disk_signature {
    le32_t random;
    struct disk_logtime created;
    uint8_t computer[16];
};
struct disk_bkinfo {
    struct disk_lgpos mark;
    struct disk_logtime time;
    le32_t gen_low, gen_high;
};

/* Field names as in ese-facts 1.2, without Hungarian. */
struct dbheader {
    le32_t checksum, magic, version, attrib;
    le64_t dbtime_dirtied;
    struct disk_signature sign_db;
    le32_t state;                       /* 52 */
    struct disk_lgpos lgpos_consistent; /* 56 */
    struct disk_logtime time_consistent, time_attach;
    struct disk_lgpos lgpos_attach; /* 80 */
    struct disk_logtime time_detach;
    struct disk_lgpos lgpos_detach; /* 96 */
    le32_t dbid;
    struct disk_signature sign_log;                   /* 108 */
    struct disk_bkinfo full_prev, inc_prev, full_cur; /* 136 160 184 */
    le32_t db_flags, objid_last;                      /* 208 212 */
    le32_t os_major, os_minor, os_build, os_service_pack;
    le32_t revision, page_size; /* 232 236 */
    le32_t repair_count;
    struct disk_logtime time_repair;
    uint8_t reserved_slv[28];
    le64_t dbtime_last_scrub; /* 280 */
    struct disk_logtime time_scrub;
    le32_t gen_min_required, gen_max_required; /* 296 300 */
    le32_t upgrade[3];
    struct disk_bkinfo snapshot_cur; /* 316 */
    le32_t create_version, create_update;
    struct disk_logtime time_gen_max_create; /* 348 */
    le32_t type_full_prev, type_inc_prev, repair_count_old;
    le32_t ecc_fix_success; /* 368 */
    struct disk_logtime time_ecc_fix_success;
    le32_t ecc_fix_success_old, ecc_fix_fail;
    struct disk_logtime time_ecc_fix_fail;
    le32_t ecc_fix_fail_old, bad_checksum; /* 396 400 */
    struct disk_logtime time_bad_checksum;
    le32_t bad_checksum_old, gen_max_committed; /* 412 416 */
    struct disk_bkinfo copy_prev, diff_prev;
    le32_t type_copy_prev, type_diff_prev;
    uint8_t reseed_and_patch[32]; /* 476 */
    le64_t sort_version;          /* 508 */
    uint8_t scan[20];             /* 516 */
    le32_t gen_recovering;        /* 536 */
    le32_t extend_count;
    struct disk_logtime time_last_extend;
    uint8_t shrink_to_flush_map[88]; /* 552..639 */
    le32_t gen_min_consistent;       /* 640 */
    le32_t revision_minor;           /* 644 */
    uint8_t diagnostics[19];         /* 648..666 */
    uint8_t file_type;               /* 667: 1 */
    uint8_t rest[80];                /* 668..747: written zero by us, kept as read */
};

static inline JET_LGPOS disk_lgpos_load(const struct disk_lgpos *p) {
    JET_LGPOS r;
    memcpy(&r, p, sizeof r);
    return r;
}
static inline lgpos_t disk_lgpos_get(const struct disk_lgpos *p) {
    JET_LGPOS pos = disk_lgpos_load(p);
    return lgpos_from_jet(&pos);
}
static inline void disk_lgpos_store(struct disk_lgpos *p, lgpos_t pos) {
    JET_LGPOS v = lgpos_to_jet(pos);
    memcpy(p, &v, sizeof v);
}
static inline JET_LOGTIME disk_logtime_load(const struct disk_logtime *t) {
    JET_LOGTIME r;
    memcpy(&r, t, sizeof r);
    return r;
}
static inline void disk_logtime_store(struct disk_logtime *t, const JET_LOGTIME *v) {
    memcpy(t, v, sizeof *t);
}
static inline JET_SIGNATURE disk_signature_load(const struct disk_signature *s) {
    JET_SIGNATURE r;
    memcpy(&r, s, sizeof r);
    return r;
}
static inline void disk_signature_store(struct disk_signature *s, const JET_SIGNATURE *v) {
    memcpy(s, v, sizeof *s);
}
static inline JET_BKINFO disk_bkinfo_load(const struct disk_bkinfo *b) {
    JET_BKINFO r;
    memcpy(&r, b, sizeof r);
    return r;
}
static inline void disk_bkinfo_store(struct disk_bkinfo *b, const JET_BKINFO *v) {
    memcpy(b, v, sizeof *b);
}

/* Checksum, magic, version, page size, file type of one copy in memory (bytes >= 4096 read). JET_errDatabaseCorrupted
 * (no header, or more of it than `bytes`), JET_errInvalidDatabaseVersion (version, or revision above 20),
 * JET_errPageSizeMismatch never. */
MUST_CHECK JET_ERR dbheader_check(const void *block, size_t bytes);
/* Reads whichever copy is good (the primary first) into out (PAGE_SIZE_MAX bytes) whatever its page size; tries the
 * page sizes when the primary is bad. copies_bad (may be NULL): bit 0 primary, bit 1 shadow. A file shorter than two
 * headers, or with no good copy: JET_errDatabaseCorrupted. */
MUST_CHECK JET_ERR dbheader_read(struct os_file *file, struct dbheader *out, unsigned *copies_bad);
/* Sets the checksum and writes both copies, primary first, each synced. */
MUST_CHECK JET_ERR dbheader_write(struct os_file *file, struct dbheader *block);
/* A new header in block (page_size bytes): signature, versions, JustCreated; all else zero. */
void dbheader_init(struct dbheader *block, uint32_t page_size, const JET_SIGNATURE *signature);
/* State and the generations together (1.6): 0 for clean. gen_created (may be NULL): when generation gen was. */
void dbheader_set_state(struct dbheader *block, unsigned state, lggen_t gen, const JET_LOGTIME *gen_created);
/* For JetGetDatabaseInfo and JetGetDatabaseFileInfo: the largest JET_DBINFOMISC... that fits in `bytes` (which holds
 * at least JET_DBINFOMISC). */
void dbheader_misc(const struct dbheader *block, void *dbinfomisc, size_t bytes);

#endif
