/* The bytes of a generation file: its header, and the frames behind it (drawn in log.h; docs/format-log.md).
 *
 * The header stands where ESE's LGFILEHDR has the same things, so that a tool finds generation, times and signature,
 * but under a major version that no ESE has: the records are ours, and ESE must refuse the file. It is written once,
 * before the file has its final name, and never again. */
#ifndef ESENT_LOG_FORMAT_H
#define ESENT_LOG_FORMAT_H

#include "base/le.h"
#include "log/log.h"

/* ---- header ---- */

#define LOG_FORMAT_MAJOR 1000u /* ESE: 8 */
#define LOG_FORMAT_MINOR 1u
#define LOG_FILE_TYPE 3
#define LOG_CHECKPOINT_FILE_TYPE 4
enum { LOG_HEADER_RESERVE_USED = 1, LOG_HEADER_CIRCULAR = 2 };

struct disk_lgpos {
    le16_t ib, isec;
    le32_t gen;
};

struct disk_log_header {
    le32_t checksum;                /* 0: sum_header() of the block */
    le32_t gen;                     /* 4 */
    le16_t sector_bytes;            /* 8: LOG_SECTOR */
    le16_t header_sectors;          /* 10: 1 */
    le16_t file_sectors;            /* 12 */
    le16_t page_size;               /* 14 */
    uint8_t created[8];             /* 16: LOGTIME */
    uint8_t previous[8];            /* 24: LOGTIME */
    le32_t major, minor;            /* 32, 36 */
    le32_t update;                  /* 40: 0 */
    uint8_t signature[28];          /* 44 */
    le16_t attach_bytes;            /* 72 */
    uint8_t zero1[565];             /* 74 */
    uint8_t flags;                  /* 639 */
    struct disk_lgpos checkpoint;   /* 640 */
    uint8_t zero2[19];              /* 648 */
    uint8_t file_type;              /* 667: LOG_FILE_TYPE */
    uint8_t zero3[3];               /* 668 */
    uint8_t attach[LOG_ATTACH_MAX]; /* 671 */
    uint8_t zero4[1377];            /* 2719 */
};

_Static_assert(sizeof(JET_LOGTIME) == 8 && sizeof(JET_SIGNATURE) == 28, "as on disk");
_Static_assert(sizeof(struct disk_lgpos) == 8, "disk_lgpos");
_Static_assert(sizeof(struct disk_log_header) == LOG_SECTOR, "disk_log_header");
_Static_assert(offsetof(struct disk_log_header, signature) == 44, "signature");
_Static_assert(offsetof(struct disk_log_header, flags) == 639, "flags");
_Static_assert(offsetof(struct disk_log_header, checkpoint) == 640, "checkpoint");
_Static_assert(offsetof(struct disk_log_header, file_type) == 667, "file_type");
_Static_assert(offsetof(struct disk_log_header, attach) == 671, "attach");

/* For reserved bytes. */
static inline bool log_all_zero(const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    return count == 0 || (p[0] == 0 && memcmp(p, p + 1, count - 1) == 0);
}

struct disk_lgpos disk_lgpos_from(lgpos_t p);
lgpos_t disk_lgpos_get(struct disk_lgpos p);

/* block: LOG_SECTOR bytes. Decoding checks everything: checksum, version, ranges, reserved bytes. Errors:
 * JET_errBadLogVersion, JET_errLogFileCorrupt. */
void log_header_encode(const struct log_header *header, uint8_t *block);
MUST_CHECK JET_ERR log_header_decode(const uint8_t *block, struct log_header *out);

/* ---- frames ---- */

#define LOG_FRAME_HEADER 16u
#define LOG_FRAME_MAGIC 0x4c46u
enum { LOG_FRAME_FIRST = 1, LOG_FRAME_LAST = 2 };

struct disk_frame {
    le32_t crc;     /* 0 */
    le32_t length;  /* 4 */
    le32_t durable; /* 8 */
    uint8_t type;   /* 12 */
    uint8_t flags;  /* 13 */
    le16_t magic;   /* 14 */
};
_Static_assert(sizeof(struct disk_frame) == LOG_FRAME_HEADER, "disk_frame");

/* Frames start at multiples of 8, the first one behind the header. Room for LOG_END is always kept: other frames end at
 * most here. */
static inline uint32_t log_frames_end(uint32_t file_bytes) {
    return file_bytes - LOG_FRAME_HEADER;
}
static inline uint32_t log_frame_padded(uint32_t length) {
    return (length + 7) & ~7u;
}

/* What the CRCs of a generation start from. */
uint32_t log_frame_seed(const JET_SIGNATURE *signature, lggen_t gen);

/* Completes a frame whose payload already stands at image + offset + LOG_FRAME_HEADER: header, padding, CRC. Returns
 * the offset behind it. */
uint32_t log_frame_seal(uint8_t *image, uint32_t offset, uint32_t seed, uint32_t payload_bytes, uint32_t durable,
                        uint8_t type, uint8_t flags);

struct log_frame {
    uint8_t type, flags;
    uint32_t durable;
    const uint8_t *data;
    uint32_t bytes;
    uint32_t next; /* offset behind it, where the next frame starts */
};

/* image: a whole generation of file_bytes bytes. False unless a valid frame starts at offset (any value). */
bool log_frame_get(const uint8_t *image, uint32_t file_bytes, uint32_t offset, uint32_t seed, struct log_frame *out);

/* The frame at `bad` is not valid. True if a valid frame behind it says that the log was durable beyond `bad`, or
 * stands in the same sector or in one up to which all were written: then something was damaged. Otherwise `bad` is
 * where a crash tore the log off. */
bool log_frames_say_damaged(const uint8_t *image, uint32_t file_bytes, uint32_t bad, uint32_t seed);

#endif
