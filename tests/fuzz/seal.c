/* Checksums made right again, so that what lies behind them is reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/page_priv.h"
#include "log/format.h"
#include "tests/fuzz/fuzz.h"

#define HEADER_PAGE_SIZE 236u /* docs/format-edb.md */
#define TAR_BLOCK 512u

void fuzz_seal_page(uint8_t *page, uint32_t page_bytes, uint32_t pgno) {
    if (!log_all_zero(page, page_bytes))
        page_sum_set(page, page_bytes, pgno);
}

uint32_t fuzz_page_size(const uint8_t *bytes, size_t count) {
    uint32_t size = count < HEADER_PAGE_SIZE + 4 ? 0 : load32(bytes + HEADER_PAGE_SIZE);
    return page_size_valid(size) ? size : 0;
}

static void seal_block(uint8_t *bytes, size_t count, size_t at, size_t block) {
    if (at + block <= count)
        store32(bytes + at, sum_header(bytes + at, block));
}

static void seal_database(uint8_t *bytes, size_t count) {
    uint32_t size = fuzz_page_size(bytes, count);
    if (!size)
        size = 4096;
    seal_block(bytes, count, 0, size);
    seal_block(bytes, count, size, size);
    for (size_t at = 2 * (size_t)size; at + size <= count; at += size) {
        uint32_t pgno = (uint32_t)(at / size - 1);
        enum page_verdict verdict = page_sum_check(bytes + at, size, pgno, false);
        if (verdict != PAGE_GOOD && verdict != PAGE_BLANK)
            page_sum_set(bytes + at, size, pgno);
    }
}

/* ---- log ---- */

static void seal_log(uint8_t *image, uint32_t bytes) {
    JET_SIGNATURE signature;
    store32(image, sum_header(image, LOG_SECTOR));
    memcpy(&signature, image + offsetof(struct disk_log_header, signature), sizeof signature);
    const uint32_t seed = log_frame_seed(&signature, load32(image + 4));
    for (uint32_t at = LOG_SECTOR; at + LOG_FRAME_HEADER <= bytes;) {
        const struct disk_frame *f = (const struct disk_frame *)(image + at);
        const uint32_t length = le32(f->length);
        if (le16(f->magic) != LOG_FRAME_MAGIC || length < LOG_FRAME_HEADER || length > bytes - at ||
            log_frame_padded(length) > bytes - at)
            return;
        const le32_t disk_at = to_le32(at); /* not log_frame_seal(), which wants what makes sense */
        store32(image + at, crc32c(crc32c(seed, &disk_at, sizeof disk_at), image + at + 4, length - 4));
        at += log_frame_padded(length);
    }
}

void fuzz_seal_logs(uint8_t *bytes, size_t count) {
    for (size_t at = 0; at + LOG_SECTOR <= count; at += FUZZ_LOG_BYTES)
        seal_log(bytes + at, (uint32_t)(count - at < FUZZ_LOG_BYTES ? (count - at) & ~7u : FUZZ_LOG_BYTES));
}

/* ---- manifest ---- */

/* The last line says the CRC of those before it. */
static void seal_manifest(char *text, size_t count) {
    static const char word[] = "end ";
    for (size_t at = count; at-- > 0;)
        if (count - at >= sizeof word - 1 + 8 && memcmp(text + at, word, sizeof word - 1) == 0 &&
            (at == 0 || text[at - 1] == '\n')) {
            char hex[9];
            snprintf(hex, sizeof hex, "%08x", crc32c(0, text, at));
            memcpy(text + at + sizeof word - 1, hex, 8);
            return;
        }
}

/* ---- tar ---- */

bool fuzz_tar_next(uint8_t *stream, size_t count, struct fuzz_entry *entry) {
    size_t at = 0;
    if (entry->content)
        at = (size_t)(entry->content - stream) + (entry->bytes + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    while (at + TAR_BLOCK <= count && stream[at] == 0)
        at += TAR_BLOCK;
    if (at + TAR_BLOCK > count)
        return false;
    char size[13] = "";
    memcpy(size, stream + at + 124, 12);
    entry->bytes = strtoul(size, NULL, 8);
    entry->header = stream + at;
    entry->content = stream + at + TAR_BLOCK;
    memcpy(entry->name, stream + at, 100);
    entry->name[100] = 0;
    if (entry->bytes > count - at - TAR_BLOCK)
        entry->bytes = count - at - TAR_BLOCK;
    return true;
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* The second word of the line that ends with, or holds as a word, this name. */
static void note_sum(char *manifest, size_t count, const char *name, uint32_t crc) {
    const size_t n = strlen(name);
    for (char *at = manifest, *end = manifest + count; at < end;) {
        char *line_end = memchr(at, '\n', (size_t)(end - at)), *sum = at;
        if (!line_end)
            return;
        while (sum < line_end && *sum != ' ')
            sum++;
        for (char *word = sum + 9; word + 1 + n <= line_end; word++)
            if (*word == ' ' && memcmp(word + 1, name, n) == 0 && (word[1 + n] == ' ' || word[1 + n] == '\n')) {
                char hex[9];
                snprintf(hex, sizeof hex, "%08x", crc);
                memcpy(sum + 1, hex, 8);
                break;
            }
        at = line_end + 1;
    }
}

static void seal_tar_header(uint8_t *header) {
    char text[8];
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += header[i];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(header + 148, text, 7);
}

static void seal_tar(uint8_t *stream, size_t count) {
    struct fuzz_entry manifest = {0}, entry = {0};
    while (fuzz_tar_next(stream, count, &entry)) {
        seal_tar_header(entry.header);
        if (ends_with(entry.name, ".log"))
            fuzz_seal_logs(entry.content, entry.bytes);
        else if (ends_with(entry.name, ".edb"))
            seal_database(entry.content, entry.bytes);
        const uint32_t size = fuzz_page_size(entry.content, entry.bytes);
        if (ends_with(entry.name, ".edb") && size && entry.bytes >= 3 * size) /* its trailer */
            seal_block(entry.content, entry.bytes, entry.bytes - size, size);
        if (strcmp(entry.name, "backup.manifest") == 0)
            manifest = entry;
    }
    if (!manifest.content)
        return;
    for (entry.content = NULL; fuzz_tar_next(stream, count, &entry);)
        note_sum((char *)manifest.content, manifest.bytes, entry.name, crc32c(0, entry.content, entry.bytes));
    seal_manifest((char *)manifest.content, manifest.bytes);
}

void fuzz_seal(enum fuzz_kind kind, uint8_t *bytes, size_t count) {
    switch (kind) {
    case FUZZ_PAGE:
        break; /* target_page.c does it for each page number and size */
    case FUZZ_DBHEADER:
    case FUZZ_DB:
        seal_database(bytes, count);
        break;
    case FUZZ_CHECKPOINT:
        seal_block(bytes, count, 0, LOG_SECTOR);
        seal_block(bytes, count, LOG_SECTOR, LOG_SECTOR);
        if (count > FUZZ_CHECKPOINT_BYTES)
            fuzz_seal_logs(bytes + FUZZ_CHECKPOINT_BYTES, count - FUZZ_CHECKPOINT_BYTES);
        break;
    case FUZZ_LOG:
        fuzz_seal_logs(bytes, count);
        break;
    case FUZZ_MANIFEST:
        seal_manifest((char *)bytes, count);
        break;
    case FUZZ_TAR:
        seal_tar(bytes, count);
        break;
    }
}
