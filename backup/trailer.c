#include "backup/trailer.h"

#include "base/checksum.h"

_Static_assert(offsetof(struct disk_trailer, info) == 40, "info");
_Static_assert(offsetof(struct disk_trailer, sign_db) == 64, "sign_db");
_Static_assert(offsetof(struct disk_trailer, gen_min_required) == 120, "gen_min_required");
_Static_assert(offsetof(struct disk_trailer, time_gen_max_committed) == 140, "time_gen_max_committed");
_Static_assert(sizeof(struct disk_trailer) == 148, "disk_trailer");

void trailer_make(void *page, uint32_t page_size, const struct dbheader *header, lggen_t current) {
    struct disk_trailer *t = page;
    memset(page, 0, page_size);
    t->info = header->full_cur;
    t->info.gen_high = to_le32(current);
    t->sign_db = header->sign_db;
    t->sign_log = header->sign_log;
    t->gen_min_required = header->gen_min_required;
    t->gen_max_required = header->gen_max_required;
    t->gen_max_committed = header->gen_max_committed;
    t->time_gen_max_required = t->time_gen_max_committed = header->time_gen_max_create;
    t->checksum = to_le32(sum_header(page, page_size));
}

JET_ERR trailer_check(const void *page, const struct dbheader *header, lggen_t *current) {
    static const uint8_t no_page[sizeof((struct disk_trailer *)0)->page_header];
    const struct disk_trailer *t = page;
    if (le32(t->checksum) != sum_header(page, le32(header->page_size)) ||
        memcmp(t->page_header, no_page, sizeof no_page) != 0 || le32(t->info.gen_high) == 0)
        return RAISE(JET_errBadPatchPage);
    if (memcmp(&t->info.mark, &header->full_cur.mark, sizeof t->info.mark) != 0 ||
        memcmp(&t->info.time, &header->full_cur.time, sizeof t->info.time) != 0 ||
        le32(t->info.gen_low) != le32(header->full_cur.gen_low) ||
        memcmp(&t->sign_db, &header->sign_db, sizeof t->sign_db) != 0 ||
        memcmp(&t->sign_log, &header->sign_log, sizeof t->sign_log) != 0)
        return RAISE(JET_errDatabasePatchFileMismatch);
    *current = le32(t->info.gen_high);
    return JET_errSuccess;
}
