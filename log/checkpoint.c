/* The checkpoint file: two copies of one block, written alternately, so that a torn write takes the older one at most.
 * The valid copy with the higher sequence number counts. */
#include <assert.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "log/log_priv.h"

#define COPIES 2u
#define FILE_BYTES (COPIES * LOG_SECTOR)

struct disk_checkpoint {
    le32_t checksum;                /* 0: sum_header() of the block */
    le64_t zero1;                   /* 4 */
    struct disk_lgpos position;     /* 12 */
    uint8_t signature[28];          /* 20 */
    le32_t major, minor;            /* 48, 52: as in a log header */
    le64_t sequence;                /* 56 */
    le16_t attach_bytes;            /* 64 */
    uint8_t zero2[2];               /* 66 */
    le32_t crc;                     /* 68: crc_of() the block; the checksum misses swapped attachments */
    uint8_t zero3[595];             /* 72 */
    uint8_t file_type;              /* 667: LOG_CHECKPOINT_FILE_TYPE */
    uint8_t zero4[11];              /* 668 */
    uint8_t attach[LOG_ATTACH_MAX]; /* 679 */
    uint8_t zero5[1369];            /* 2727 */
};
_Static_assert(sizeof(struct disk_checkpoint) == LOG_SECTOR, "disk_checkpoint");
_Static_assert(offsetof(struct disk_checkpoint, position) == 12, "position");
_Static_assert(offsetof(struct disk_checkpoint, sequence) == 56, "sequence");
_Static_assert(offsetof(struct disk_checkpoint, file_type) == 667, "file_type");
_Static_assert(offsetof(struct disk_checkpoint, attach) == 679, "attach");
_Static_assert(offsetof(struct disk_checkpoint, crc) == 68, "crc");

/* Of all but the two sums. */
static uint32_t crc_of(const uint8_t *block) {
    static const size_t behind = offsetof(struct disk_checkpoint, zero3);
    return crc32c(crc32c(0, block + 4, offsetof(struct disk_checkpoint, crc) - 4), block + behind, LOG_SECTOR - behind);
}

static void encode(const struct log_checkpoint *checkpoint, uint8_t *block) {
    assert(checkpoint->attach_bytes <= LOG_ATTACH_MAX);
    struct disk_checkpoint *disk = (struct disk_checkpoint *)block;
    memset(block, 0, LOG_SECTOR);
    disk->position = disk_lgpos_from(checkpoint->position);
    memcpy(disk->signature, &checkpoint->signature, sizeof disk->signature);
    disk->major = to_le32(LOG_FORMAT_MAJOR);
    disk->minor = to_le32(LOG_FORMAT_MINOR);
    disk->sequence = to_le64(checkpoint->sequence);
    disk->attach_bytes = to_le16((uint16_t)checkpoint->attach_bytes);
    disk->file_type = LOG_CHECKPOINT_FILE_TYPE;
    memcpy(disk->attach, checkpoint->attach, checkpoint->attach_bytes);
    disk->crc = to_le32(crc_of(block));
    disk->checksum = to_le32(sum_header(block, LOG_SECTOR));
}

static bool decode(const uint8_t *block, struct log_checkpoint *out) {
    const struct disk_checkpoint *disk = (const struct disk_checkpoint *)block;
    uint32_t gen = le32(disk->position.gen), attach_bytes = le16(disk->attach_bytes);
    if (le32(disk->checksum) != sum_header(block, LOG_SECTOR) || le32(disk->crc) != crc_of(block) ||
        disk->file_type != LOG_CHECKPOINT_FILE_TYPE || le32(disk->major) != LOG_FORMAT_MAJOR ||
        le32(disk->minor) != LOG_FORMAT_MINOR || gen == 0 || gen > LOG_GEN_MAX ||
        le16(disk->position.ib) >= LOG_SECTOR || attach_bytes > LOG_ATTACH_MAX || le64(disk->sequence) == UINT64_MAX)
        return false;
    if (!log_all_zero(&disk->zero1, sizeof disk->zero1) || !log_all_zero(disk->zero2, sizeof disk->zero2) ||
        !log_all_zero(disk->zero3, sizeof disk->zero3) || !log_all_zero(disk->zero4, sizeof disk->zero4) ||
        !log_all_zero(disk->zero5, sizeof disk->zero5) ||
        !log_all_zero(disk->attach + attach_bytes, LOG_ATTACH_MAX - attach_bytes))
        return false;
    *out = (struct log_checkpoint){
        .position = disk_lgpos_get(disk->position),
        .attach_bytes = attach_bytes,
        .sequence = le64(disk->sequence),
    };
    memcpy(&out->signature, disk->signature, sizeof out->signature);
    memcpy(out->attach, disk->attach, attach_bytes);
    return true;
}

/* What there is of the two copies: zero where the file is shorter. */
static JET_ERR read_copies(struct os_file *file, uint8_t *blocks) {
    JET_ERR err = JET_errSuccess;
    uint64_t bytes;
    memset(blocks, 0, FILE_BYTES);
    CALL(os_size(file, &bytes));
    if (bytes > 0)
        CALL(os_read(file, 0, blocks, bytes < FILE_BYTES ? (size_t)bytes : FILE_BYTES));
cleanup:
    return err;
}

/* Which copy counts, or COPIES if none does; copy: room for one. */
static unsigned choose(const uint8_t *blocks, struct log_checkpoint *copy, struct log_checkpoint *out, unsigned *bad) {
    unsigned chosen = COPIES;
    *bad = 0;
    for (unsigned i = 0; i < COPIES; i++) {
        if (!decode(blocks + i * LOG_SECTOR, copy)) {
            ++*bad;
        } else if (chosen == COPIES || copy->sequence > out->sequence) {
            *out = *copy;
            chosen = i;
        }
    }
    return chosen;
}

JET_ERR log_checkpoint_read(const char *path, struct log_checkpoint *out, unsigned *copies_bad) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    uint8_t blocks[FILE_BYTES];
    unsigned bad = COPIES;
    struct log_checkpoint *found = malloc(2 * sizeof *found);
    if (!found)
        FAIL(JET_errOutOfMemory);
    err = os_open(path, OS_READ, &file);
    if (err == JET_errFileNotFound)
        FAIL(JET_errCheckpointFileNotFound);
    CALL(err);
    CALL(read_copies(file, blocks));
    if (choose(blocks, &found[1], &found[0], &bad) == COPIES)
        FAIL(JET_errCheckpointCorrupt);
    *out = found[0];
cleanup:
    if (copies_bad)
        *copies_bad = bad;
    os_close(file);
    free(found);
    return err;
}

/* A new file, or one that has lost both copies, gets both at once: there is nothing in it to lose. */
static JET_ERR write_new(struct os_file *file, const char *path, struct log_checkpoint *checkpoint) {
    JET_ERR err = JET_errSuccess;
    uint8_t blocks[FILE_BYTES];
    checkpoint->sequence = 1;
    encode(checkpoint, blocks);
    memcpy(blocks + LOG_SECTOR, blocks, LOG_SECTOR);
    CALL(os_resize(file, FILE_BYTES));
    CALL(os_write(file, 0, blocks, FILE_BYTES));
    CALL(os_sync(file));
    CALL(os_sync_parent(path));
cleanup:
    return err;
}

static JET_ERR write_next(struct os_file *file, unsigned chosen, uint64_t sequence, struct log_checkpoint *checkpoint) {
    JET_ERR err = JET_errSuccess;
    uint8_t block[LOG_SECTOR];
    checkpoint->sequence = sequence + 1;
    encode(checkpoint, block);
    CALL(os_write(file, (COPIES - 1 - chosen) * LOG_SECTOR, block, sizeof block));
    CALL(os_sync(file));
cleanup:
    return err;
}

JET_ERR log_checkpoint_write(const char *path, struct log_checkpoint *checkpoint) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    uint8_t blocks[FILE_BYTES];
    unsigned bad;
    struct log_checkpoint *found = malloc(2 * sizeof *found);
    if (!found)
        FAIL(JET_errOutOfMemory);
    err = os_open(path, OS_WRITE, &file);
    if (err == JET_errFileNotFound)
        err = os_open(path, OS_WRITE | OS_CREATE, &file);
    CALL(err);
    CALL(read_copies(file, blocks));
    unsigned chosen = choose(blocks, &found[1], &found[0], &bad);
    if (chosen == COPIES)
        CALL(write_new(file, path, checkpoint));
    else
        CALL(write_next(file, chosen, found[0].sequence, checkpoint));
cleanup:
    os_close(file);
    free(found);
    return err;
}
