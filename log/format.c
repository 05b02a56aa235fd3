/* Encoding, decoding and checking of a generation's header and frames: no I/O. */
#include <assert.h>

#include "base/checksum.h"
#include "log/format.h"

#define TEAR_BYTES 512u /* no disk writes less */

JET_LGPOS lgpos_to_jet(lgpos_t p) {
    uint32_t offset = lgpos_offset(p);
    return (JET_LGPOS){.ib = (uint16_t)(offset % LOG_SECTOR),
                       .isec = (uint16_t)(offset / LOG_SECTOR),
                       .lGeneration = (int32_t)lgpos_gen(p)};
}

lgpos_t lgpos_from_jet(const JET_LGPOS *p) {
    uint32_t ib = p->ib < LOG_SECTOR ? p->ib : LOG_SECTOR - 1;
    return lgpos_make((lggen_t)p->lGeneration, p->isec * LOG_SECTOR + ib);
}

struct disk_lgpos disk_lgpos_from(lgpos_t p) {
    JET_LGPOS jet = lgpos_to_jet(p);
    return (struct disk_lgpos){to_le16(jet.ib), to_le16(jet.isec), to_le32((uint32_t)jet.lGeneration)};
}

lgpos_t disk_lgpos_get(struct disk_lgpos p) {
    JET_LGPOS jet = {.ib = le16(p.ib), .isec = le16(p.isec), .lGeneration = (int32_t)le32(p.gen)};
    return lgpos_from_jet(&jet);
}

/* ---- header ---- */

void log_header_encode(const struct log_header *header, uint8_t *block) {
    assert(header->attach_bytes <= LOG_ATTACH_MAX);
    struct disk_log_header *disk = (struct disk_log_header *)block;
    memset(block, 0, LOG_SECTOR);
    disk->gen = to_le32(header->gen);
    disk->sector_bytes = to_le16(LOG_SECTOR);
    disk->header_sectors = to_le16(1);
    disk->file_sectors = to_le16((uint16_t)(header->file_bytes / LOG_SECTOR));
    disk->page_size = to_le16((uint16_t)header->page_size);
    memcpy(disk->created, &header->created, sizeof disk->created);
    memcpy(disk->previous, &header->previous_created, sizeof disk->previous);
    disk->major = to_le32(LOG_FORMAT_MAJOR);
    disk->minor = to_le32(LOG_FORMAT_MINOR);
    memcpy(disk->signature, &header->signature, sizeof disk->signature);
    disk->attach_bytes = to_le16((uint16_t)header->attach_bytes);
    disk->flags =
        (uint8_t)((header->reserve_used ? LOG_HEADER_RESERVE_USED : 0) | (header->circular ? LOG_HEADER_CIRCULAR : 0));
    disk->checkpoint = disk_lgpos_from(header->checkpoint);
    disk->file_type = LOG_FILE_TYPE;
    memcpy(disk->attach, header->attach, header->attach_bytes);
    disk->checksum = to_le32(sum_header(block, LOG_SECTOR));
}

static bool header_ranges_hold(const struct disk_log_header *disk) {
    uint32_t gen = le32(disk->gen), page_size = le16(disk->page_size), attach_bytes = le16(disk->attach_bytes);
    uint32_t file_bytes = le16(disk->file_sectors) * LOG_SECTOR;
    return gen >= 1 && gen <= LOG_GEN_MAX && le16(disk->sector_bytes) == LOG_SECTOR &&
           le16(disk->header_sectors) == 1 && file_bytes >= LOG_FILE_BYTES_MIN && file_bytes <= LOG_FILE_BYTES_MAX &&
           page_size >= 4096 && page_size <= 32768 && (page_size & (page_size - 1)) == 0 &&
           !log_all_zero(disk->created, sizeof disk->created) && le32(disk->update) == 0 &&
           (disk->flags & ~(LOG_HEADER_RESERVE_USED | LOG_HEADER_CIRCULAR)) == 0 && attach_bytes <= LOG_ATTACH_MAX &&
           le16(disk->checkpoint.ib) < LOG_SECTOR;
}

static bool header_reserved_is_zero(const struct disk_log_header *disk) {
    uint32_t attach_bytes = le16(disk->attach_bytes);
    return log_all_zero(disk->zero1, sizeof disk->zero1) && log_all_zero(disk->zero2, sizeof disk->zero2) &&
           log_all_zero(disk->zero3, sizeof disk->zero3) && log_all_zero(disk->zero4, sizeof disk->zero4) &&
           log_all_zero(disk->attach + attach_bytes, LOG_ATTACH_MAX - attach_bytes);
}

JET_ERR log_header_decode(const uint8_t *block, struct log_header *out) {
    const struct disk_log_header *disk = (const struct disk_log_header *)block;
    if (le32(disk->checksum) != sum_header(block, LOG_SECTOR) || disk->file_type != LOG_FILE_TYPE)
        return RAISE(JET_errLogFileCorrupt);
    if (le32(disk->major) != LOG_FORMAT_MAJOR || le32(disk->minor) != LOG_FORMAT_MINOR)
        return RAISE(JET_errBadLogVersion);
    if (!header_ranges_hold(disk) || !header_reserved_is_zero(disk))
        return RAISE(JET_errLogFileCorrupt);

    *out = (struct log_header){
        .gen = le32(disk->gen),
        .file_bytes = le16(disk->file_sectors) * LOG_SECTOR,
        .page_size = le16(disk->page_size),
        .circular = disk->flags & LOG_HEADER_CIRCULAR,
        .reserve_used = disk->flags & LOG_HEADER_RESERVE_USED,
        .checkpoint = disk_lgpos_get(disk->checkpoint),
        .attach_bytes = le16(disk->attach_bytes),
    };
    memcpy(&out->created, disk->created, sizeof out->created);
    memcpy(&out->previous_created, disk->previous, sizeof out->previous_created);
    memcpy(&out->signature, disk->signature, sizeof out->signature);
    memcpy(out->attach, disk->attach, out->attach_bytes);
    return JET_errSuccess;
}

/* ---- frames ---- */

uint32_t log_frame_seed(const JET_SIGNATURE *signature, lggen_t gen) {
    le32_t disk_gen = to_le32(gen);
    return crc32c(crc32c(0, signature, sizeof *signature), &disk_gen, sizeof disk_gen);
}

static uint32_t frame_crc(const uint8_t *frame, uint32_t length, uint32_t offset, uint32_t seed) {
    le32_t disk_offset = to_le32(offset);
    uint32_t crc = crc32c(seed, &disk_offset, sizeof disk_offset);
    return crc32c(crc, frame + sizeof(le32_t), length - sizeof(le32_t));
}

uint32_t log_frame_seal(uint8_t *image, uint32_t offset, uint32_t seed, uint32_t payload_bytes, uint32_t durable,
                        uint8_t type, uint8_t flags) {
    assert(offset % 8 == 0 && offset >= LOG_SECTOR && durable >= LOG_SECTOR && durable <= offset);
    uint8_t *frame = image + offset;
    uint32_t length = LOG_FRAME_HEADER + payload_bytes;
    struct disk_frame head = {
        .length = to_le32(length),
        .durable = to_le32(durable),
        .type = type,
        .flags = flags,
        .magic = to_le16(LOG_FRAME_MAGIC),
    };
    memcpy(frame, &head, sizeof head);
    store32(frame, frame_crc(frame, length, offset, seed));
    memset(frame + length, 0, log_frame_padded(length) - length);
    return offset + log_frame_padded(length);
}

/* Everything but the CRC. */
static bool frame_is_plausible(const uint8_t *image, uint32_t file_bytes, uint32_t offset, struct disk_frame *head) {
    if (offset % 8 != 0 || offset < LOG_SECTOR || offset > log_frames_end(file_bytes))
        return false;
    memcpy(head, image + offset, sizeof *head);
    uint32_t length = le32(head->length), durable = le32(head->durable);
    if (le16(head->magic) != LOG_FRAME_MAGIC || durable < LOG_SECTOR || durable > offset)
        return false;
    if (head->type == LOG_END)
        return length == LOG_FRAME_HEADER && head->flags == (LOG_FRAME_FIRST | LOG_FRAME_LAST);
    return length >= LOG_FRAME_HEADER && length <= log_frames_end(file_bytes) - offset &&
           head->type >= LOG_FIRST_USER && head->type <= LOG_LAST_USER &&
           (head->flags & ~(LOG_FRAME_FIRST | LOG_FRAME_LAST)) == 0;
}

bool log_frame_get(const uint8_t *image, uint32_t file_bytes, uint32_t offset, uint32_t seed, struct log_frame *out) {
    struct disk_frame head;
    if (!frame_is_plausible(image, file_bytes, offset, &head))
        return false;
    uint32_t length = le32(head.length);
    if (le32(head.crc) != frame_crc(image + offset, length, offset, seed))
        return false;
    *out = (struct log_frame){
        .type = head.type,
        .flags = head.flags,
        .durable = le32(head.durable),
        .data = image + offset + LOG_FRAME_HEADER,
        .bytes = length - LOG_FRAME_HEADER,
        .next = offset + log_frame_padded(length),
    };
    return true;
}

/* Was everything from `bad` to the valid frame at `next` written? A write is torn between sectors: one that holds a
 * byte behind `bad` has all that belongs there, one that was not written is zero. */
static bool written_up_to(const uint8_t *image, uint32_t bad, uint32_t next) {
    for (uint32_t from = bad, to; from < next; from = to) {
        to = (from / TEAR_BYTES + 1) * TEAR_BYTES;
        if (to <= next && log_all_zero(image + from, to - from))
            return false;
    }
    return true;
}

/* Candidates may overlap, so a hostile file could make this quadratic. No honest one comes near the budget: behind a
 * torn frame stand zeros, or frames that do not overlap. */
bool log_frames_say_damaged(const uint8_t *image, uint32_t file_bytes, uint32_t bad, uint32_t seed) {
    uint64_t budget = 16 * (uint64_t)file_bytes;
    uint32_t offset = (bad & ~7u) + 8;
    while (offset < file_bytes) {
        struct disk_frame head;
        struct log_frame frame;
        if (!frame_is_plausible(image, file_bytes, offset, &head)) {
            offset += 8;
            continue;
        }
        if (le32(head.length) > budget)
            return true;
        budget -= le32(head.length);
        if (!log_frame_get(image, file_bytes, offset, seed, &frame)) {
            offset += 8;
            continue;
        }
        if (frame.durable > bad || written_up_to(image, bad, offset))
            return true;
        offset = frame.next;
    }
    return false;
}
