/* The database header. What stands where is checked here, once, at compile time. */
#include "engine/dbheader.h"

#include <assert.h>
#include <stdlib.h>

#include "base/breaks.h"
#include "base/checksum.h"

#define FILE_TYPE_DATABASE 1
#define HEADER_BYTES 748u

#define AT(field, offset) _Static_assert(offsetof(struct dbheader, field) == (offset), #field)
_Static_assert(sizeof(struct dbheader) == HEADER_BYTES, "dbheader");
_Static_assert(sizeof(JET_LGPOS) == 8 && sizeof(JET_LOGTIME) == 8 && sizeof(JET_SIGNATURE) == 28 &&
                   sizeof(JET_BKINFO) == 24,
               "public structs are as on disk");
_Static_assert(sizeof(struct disk_lgpos) == 8 && sizeof(struct disk_signature) == 28 &&
                   sizeof(struct disk_bkinfo) == 24,
               "parts of the header");
AT(magic, 4);
AT(version, 8);
AT(attrib, 12);
AT(dbtime_dirtied, 16);
AT(sign_db, 24);
AT(state, 52);
AT(lgpos_consistent, 56);
AT(time_consistent, 64);
AT(time_attach, 72);
AT(lgpos_attach, 80);
AT(time_detach, 88);
AT(lgpos_detach, 96);
AT(dbid, 104);
AT(sign_log, 108);
AT(full_prev, 136);
AT(inc_prev, 160);
AT(full_cur, 184);
AT(db_flags, 208);
AT(objid_last, 212);
AT(os_major, 216);
AT(os_service_pack, 228);
AT(revision, 232);
AT(page_size, 236);
AT(repair_count, 240);
AT(time_repair, 244);
AT(reserved_slv, 252);
AT(dbtime_last_scrub, 280);
AT(time_scrub, 288);
AT(gen_min_required, 296);
AT(gen_max_required, 300);
AT(upgrade, 304);
AT(snapshot_cur, 316);
AT(create_version, 340);
AT(create_update, 344);
AT(time_gen_max_create, 348);
AT(type_full_prev, 356);
AT(type_inc_prev, 360);
AT(repair_count_old, 364);
AT(ecc_fix_success, 368);
AT(time_ecc_fix_success, 372);
AT(ecc_fix_success_old, 380);
AT(ecc_fix_fail, 384);
AT(time_ecc_fix_fail, 388);
AT(ecc_fix_fail_old, 396);
AT(bad_checksum, 400);
AT(time_bad_checksum, 404);
AT(bad_checksum_old, 412);
AT(gen_max_committed, 416);
AT(copy_prev, 420);
AT(diff_prev, 444);
AT(type_copy_prev, 468);
AT(type_diff_prev, 472);
AT(reseed_and_patch, 476);
AT(sort_version, 508);
AT(scan, 516);
AT(gen_recovering, 536);
AT(extend_count, 540);
AT(time_last_extend, 544);
AT(shrink_to_flush_map, 552);
AT(gen_min_consistent, 640);
AT(revision_minor, 644);
AT(diagnostics, 648);
AT(file_type, 667);
AT(rest, 668);
#undef AT

JET_ERR dbheader_check(const void *block, size_t bytes) {
    JET_ERR err = JET_errSuccess;
    const struct dbheader *h = block;
    if (bytes < PAGE_SIZE_MIN || le32(h->magic) != DB_MAGIC)
        FAIL(JET_errDatabaseCorrupted);
    uint32_t page_size = le32(h->page_size);
    if (!page_size_valid(page_size) || page_size > bytes || le32(h->checksum) != sum_header(block, page_size))
        FAIL(JET_errDatabaseCorrupted);
    if (h->file_type != FILE_TYPE_DATABASE)
        FAIL(JET_errDatabaseCorrupted);
    if (le32(h->version) != DB_VERSION || le32(h->revision) > DB_REVISION)
        FAIL(JET_errInvalidDatabaseVersion);
cleanup:
    return err;
}

/* One copy at offset into out, with zeros behind its page. only_size: its page size, 0: any. */
static JET_ERR read_copy(struct os_file *file, uint64_t offset, uint64_t file_bytes, uint32_t only_size,
                         struct dbheader *out) {
    JET_ERR err = JET_errSuccess;
    uint64_t n = only_size ? only_size : PAGE_SIZE_MAX;
    if (offset + PAGE_SIZE_MIN > file_bytes)
        FAIL(JET_errDatabaseCorrupted);
    n = n < file_bytes - offset ? n : file_bytes - offset;
    CALL(os_read(file, offset, out, n));
    CALL(dbheader_check(out, n));
    uint32_t page_size = le32(out->page_size);
    if ((only_size && page_size != only_size) || 2ull * page_size > file_bytes)
        FAIL(JET_errDatabaseCorrupted);
    memset((uint8_t *)out + page_size, 0, PAGE_SIZE_MAX - page_size);
cleanup:
    return err;
}

static JET_ERR read_shadow(struct os_file *file, uint64_t file_bytes, struct dbheader *out) {
    JET_ERR err = JET_errDatabaseCorrupted;
    for (uint32_t size = PAGE_SIZE_MIN; size <= PAGE_SIZE_MAX && err == JET_errDatabaseCorrupted; size *= 2)
        err = read_copy(file, size, file_bytes, size, out);
    return err;
}

JET_ERR dbheader_read(struct os_file *file, struct dbheader *out, unsigned *copies_bad) {
    JET_ERR err = JET_errSuccess;
    struct dbheader *shadow = NULL;
    unsigned bad = 0;
    uint64_t bytes;
    CALL(os_size(file, &bytes));
    err = read_copy(file, 0, bytes, 0, out);
    if (err == JET_errDatabaseCorrupted) {
        bad = 1;
        err = read_shadow(file, bytes, out);
    } else if (err >= JET_errSuccess && copies_bad) {
        if (!(shadow = malloc(PAGE_SIZE_MAX)))
            FAIL(JET_errOutOfMemory);
        if (read_copy(file, le32(out->page_size), bytes, le32(out->page_size), shadow) < JET_errSuccess)
            bad = 2;
    }
    if (copies_bad && err >= JET_errSuccess)
        *copies_bad = bad;
cleanup:
    free(shadow);
    return err;
}

JET_ERR dbheader_write(struct os_file *file, struct dbheader *block) {
    JET_ERR err = JET_errSuccess;
    uint32_t page_size = le32(block->page_size);
    assert(page_size_valid(page_size));
    block->checksum = to_le32(sum_header(block, page_size));
    CALL(os_write(file, 0, block, page_size));
    if (!BROKEN(header_not_sure) && !BROKEN(database_no_sync))
        CALL(os_sync(file));
    CALL(os_write(file, page_size, block, page_size));
    if (!BROKEN(database_no_sync))
        CALL(os_sync(file));
cleanup:
    return err;
}

void dbheader_init(struct dbheader *block, uint32_t page_size, const JET_SIGNATURE *signature) {
    assert(page_size_valid(page_size));
    memset(block, 0, page_size);
    block->magic = to_le32(DB_MAGIC);
    block->version = block->create_version = to_le32(DB_VERSION);
    block->revision = block->create_update = to_le32(DB_REVISION);
    block->page_size = to_le32(page_size);
    block->file_type = FILE_TYPE_DATABASE;
    block->sort_version = to_le64(UINT64_MAX);
    disk_signature_store(&block->sign_db, signature);
    dbheader_set_state(block, JET_dbstateJustCreated, 0, NULL);
}

void dbheader_set_state(struct dbheader *block, unsigned state, lggen_t gen, const JET_LOGTIME *gen_created) {
    bool dirty = state != JET_dbstateCleanShutdown && state != JET_dbstateJustCreated;
    le32_t stored = to_le32(dirty ? gen : 0);
    block->state = to_le32(state);
    block->gen_min_required = block->gen_max_required = block->gen_max_committed = block->gen_min_consistent = stored;
    memset(&block->time_gen_max_create, 0, sizeof block->time_gen_max_create);
    if (dirty && gen_created)
        disk_logtime_store(&block->time_gen_max_create, gen_created);
}

#define MISC(field, from) memcpy(&m.field, &block->from, sizeof m.field)
#define MISC_AT(field, offset) memcpy(&m.field, (const uint8_t *)block + (offset), sizeof m.field)

void dbheader_misc(const struct dbheader *block, void *dbinfomisc, size_t bytes) {
    static const size_t sizes[] = {sizeof(JET_DBINFOMISC7), sizeof(JET_DBINFOMISC6), sizeof(JET_DBINFOMISC5),
                                   sizeof(JET_DBINFOMISC4), sizeof(JET_DBINFOMISC3), sizeof(JET_DBINFOMISC2),
                                   sizeof(JET_DBINFOMISC)};
    JET_DBINFOMISC7 m = {0};
    MISC(ulVersion, version);
    MISC(ulUpdate, revision);
    MISC(signDb, sign_db);
    MISC(dbstate, state);
    MISC(lgposConsistent, lgpos_consistent);
    MISC(logtimeConsistent, time_consistent);
    MISC(logtimeAttach, time_attach);
    MISC(lgposAttach, lgpos_attach);
    MISC(logtimeDetach, time_detach);
    MISC(lgposDetach, lgpos_detach);
    MISC(signLog, sign_log);
    MISC(bkinfoFullPrev, full_prev);
    MISC(bkinfoIncPrev, inc_prev);
    MISC(bkinfoFullCur, full_cur);
    m.fShadowingDisabled = le32(block->db_flags) & 1;
    m.fUpgradeDb = le32(block->db_flags) >> 1 & 1;
    MISC(dwMajorVersion, os_major);
    MISC(dwMinorVersion, os_minor);
    MISC(dwBuildNumber, os_build);
    MISC(lSPNumber, os_service_pack);
    MISC(cbPageSize, page_size);
    MISC(genMinRequired, gen_min_required);
    MISC(genMaxRequired, gen_max_required);
    MISC(logtimeGenMaxCreate, time_gen_max_create);
    MISC(ulRepairCount, repair_count);
    MISC(logtimeRepair, time_repair);
    MISC(ulRepairCountOld, repair_count_old);
    MISC(ulECCFixSuccess, ecc_fix_success);
    MISC(logtimeECCFixSuccess, time_ecc_fix_success);
    MISC(ulECCFixSuccessOld, ecc_fix_success_old);
    MISC(ulECCFixFail, ecc_fix_fail);
    MISC(logtimeECCFixFail, time_ecc_fix_fail);
    MISC(ulECCFixFailOld, ecc_fix_fail_old);
    MISC(ulBadChecksum, bad_checksum);
    MISC(logtimeBadChecksum, time_bad_checksum);
    MISC(ulBadChecksumOld, bad_checksum_old);
    MISC(genCommitted, gen_max_committed);
    MISC(bkinfoCopyPrev, copy_prev);
    MISC(bkinfoDiffPrev, diff_prev);
    MISC_AT(ulIncrementalReseedCount, 476);
    MISC_AT(logtimeIncrementalReseed, 480);
    MISC_AT(ulIncrementalReseedCountOld, 488);
    MISC_AT(ulPagePatchCount, 492);
    MISC_AT(logtimePagePatch, 496);
    MISC_AT(ulPagePatchCountOld, 504);
    MISC_AT(logtimeChecksumPrev, 516);
    MISC_AT(logtimeChecksumStart, 524);
    MISC_AT(cpgDatabaseChecked, 532);
    MISC_AT(logtimeLastReAttach, 564);
    MISC_AT(lgposLastReAttach, 572);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (bytes >= sizes[i]) {
            memcpy(dbinfomisc, &m, sizes[i]);
            return;
        }
    }
}
