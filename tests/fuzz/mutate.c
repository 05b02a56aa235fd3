/* The mutator: a few changes, of bytes and of the fields that the format has, then the checksums. */
#include <stdlib.h>
#include <string.h>

#include "engine/page_priv.h"
#include "log/format.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 65536u /* an input may grow by this much at once */
#define WINDOW 64u

static uint32_t random_state;

void fuzz_draw_from(uint32_t seed) {
    random_state = seed * 2654435761u + 1;
}

uint32_t fuzz_below(uint32_t end) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    if (random_state == 0)
        random_state = 1;
    return end ? random_state % end : 0;
}

struct input {
    uint8_t *bytes;
    size_t count, room; /* room: bytes there are in all */
};

/* ---- bytes ---- */

/* At the edge of something, or not far from what it was. */
static uint32_t odd_number(uint32_t was) {
    static const uint32_t edges[] = {
        0,      1,          2,          3,      4,      7,      16,     25,     0x7f,       0x80,       0xff, 0x100,
        0x1fff, 0x2000,     0x7fff,     0x8000, 0xffff, 4000,   4016,   4055,   4056,       4096,       8192, 32768,
        65536,  0x7fffffff, 0x80000000, 0xfffe, 0xfffc, 0xfff8, 0x4000, 0x6000, 0xfffffffe, 0xffffffff, 5000, 1000};
    switch (fuzz_below(4)) {
    case 0:
        return was + fuzz_below(9) - 4;
    case 1:
        return fuzz_below(64);
    case 2:
        return was ^ 1u << fuzz_below(32);
    default:
        return edges[fuzz_below(sizeof edges / sizeof *edges)];
    }
}

static void change_16(uint8_t *at) {
    store16(at, (uint16_t)odd_number(load16(at)));
}
static void change_32(uint8_t *at) {
    store32(at, odd_number(load32(at)));
}

/* A few bytes somewhere, where there is something if that is found soon. */
static void change_bytes(uint8_t *bytes, size_t count) {
    if (count == 0)
        return;
    size_t at = 0;
    for (int i = 0; i < 8; i++) {
        at = fuzz_below((uint32_t)count);
        if (bytes[at])
            break;
    }
    switch (fuzz_below(4)) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << fuzz_below(8));
        break;
    case 1:
        if (count - at >= 2)
            change_16(bytes + at);
        break;
    case 2:
        if (count - at >= 4)
            change_32(bytes + at);
        break;
    default: {
        const size_t n = count - at < WINDOW ? count - at : WINDOW, most = 1 + fuzz_below((uint32_t)n);
        LLVMFuzzerMutate(bytes + at, most, most);
    }
    }
}

/* Moves, doubles or takes out a piece of the input. */
static void change_order(struct input *in, size_t from, size_t bytes, size_t to) {
    if (from + bytes > in->count || to > in->count)
        return;
    uint8_t *piece = malloc(bytes + 1);
    if (!piece)
        abort();
    memcpy(piece, in->bytes + from, bytes);
    if (fuzz_below(2)) {
        memmove(in->bytes + from, in->bytes + from + bytes, in->count - from - bytes);
        in->count -= bytes;
        to = to > in->count ? in->count : to;
    }
    if (fuzz_below(3) && in->count + bytes <= in->room) {
        memmove(in->bytes + to + bytes, in->bytes + to, in->count - to);
        memcpy(in->bytes + to, piece, bytes);
        in->count += bytes;
    }
    free(piece);
}

/* ---- pages ---- */

static void repair_free(struct page *p) {
    uint32_t room = p->size - page_header_bytes(p->size), used = 4 * tag_count(p), end = 0;
    if (used > room)
        return;
    for (unsigned tag = 0; tag < tag_count(p); tag++) {
        used += tag_length(p, tag);
        if (tag_offset(p, tag) + tag_length(p, tag) > end)
            end = tag_offset(p, tag) + tag_length(p, tag);
    }
    if (used > room)
        return;
    store16(p->b + 28, (uint16_t)(room - used));
    store16(p->b + 32, (uint16_t)end);
}

/* The content of a tag: the lengths at its head, its key, its data, a child's number at its end. */
static void change_node(struct page *p, unsigned tag) {
    const uint32_t room = p->size - page_header_bytes(p->size), at = tag_offset(p, tag), n = tag_length(p, tag);
    if (n == 0 || at + n > room)
        return;
    uint8_t *node = p->b + page_header_bytes(p->size) + at;
    switch (fuzz_below(5)) {
    case 0:
        if (n >= 4)
            change_16(node + 2 * fuzz_below(2));
        break;
    case 1:
        if (n >= 4)
            store32(node + n - 4, fuzz_below(80));
        break;
    case 2: { /* the head of a record */
        const uint32_t head = n >= 8 ? 4 + load16(node) % 16 : 0;
        if (head + 4 < n)
            change_16(node + head + fuzz_below(n - head - 2 < 24 ? n - head - 2 : 24));
        break;
    }
    default:
        change_bytes(node, n);
    }
}

static void change_page(uint8_t *bytes, uint32_t size) {
    static const uint8_t fields_16[] = {28, 30, 32, 34}, fields_32[] = {8, 12, 16, 20, 24, 36};
    struct page p = {bytes, size};
    const unsigned tags = tag_count(&p);
    if (tags == 0 || 4 * tags > size - page_header_bytes(size)) {
        change_bytes(bytes, size);
        return;
    }
    const unsigned tag = fuzz_below(tags);
    switch (fuzz_below(10)) {
    case 0:
        change_16(bytes + fields_16[fuzz_below(sizeof fields_16)]);
        break;
    case 1:
        change_32(bytes + fields_32[fuzz_below(sizeof fields_32)]);
        break;
    case 2:
        store32(bytes + 36, load32(bytes + 36) ^ 1u << fuzz_below(14));
        break;
    case 3:
        change_16(tag_bytes(&p, tag) + 2 * fuzz_below(2));
        break;
    case 4: /* one node under another's tag */
        memcpy(tag_bytes(&p, tag), tag_bytes(&p, fuzz_below(tags)), 4);
        break;
    case 5: {
        uint8_t swap[4], *other = tag_bytes(&p, fuzz_below(tags));
        memcpy(swap, tag_bytes(&p, tag), 4);
        memmove(tag_bytes(&p, tag), other, 4);
        memcpy(other, swap, 4);
        break;
    }
    default:
        change_node(&p, tag);
    }
    if (fuzz_below(4))
        repair_free(&p);
}

static void change_database(struct input *in) {
    uint32_t size = fuzz_page_size(in->bytes, in->count), pages;
    if (!size)
        size = 4096;
    pages = (uint32_t)(in->count / size);
    if (pages < 3 || fuzz_below(20) == 0) { /* the header */
        change_bytes(in->bytes, in->count < 684 ? in->count : 684);
        if (pages >= 2 && fuzz_below(4))
            memcpy(in->bytes + size, in->bytes, size);
        return;
    }
    uint8_t *page = in->bytes + (size_t)size * (2 + fuzz_below(pages - 2));
    for (int i = 0; i < 8 && load16(page + 34) == 0; i++)
        page = in->bytes + (size_t)size * (2 + fuzz_below(pages - 2));
    switch (fuzz_below(16)) {
    case 0: /* one page in the place of another, as the pointers have it or not */
        memcpy(page, in->bytes + (size_t)size * (2 + fuzz_below(pages - 2)), size);
        break;
    case 1:
        in->count = (size_t)size * (2 + fuzz_below(pages - 1));
        break;
    default:
        change_page(page, size);
    }
}

/* ---- log files ---- */

static void change_log(uint8_t *bytes, size_t count) {
    uint32_t frames[1024], found = 0;
    if (count < LOG_SECTOR + LOG_FRAME_HEADER || fuzz_below(16) == 0) {
        change_bytes(bytes, count < 800 ? count : 800);
        return;
    }
    for (uint32_t at = LOG_SECTOR; at + LOG_FRAME_HEADER <= count && found < 1024;) {
        const struct disk_frame *f = (const struct disk_frame *)(bytes + at);
        if (le16(f->magic) != LOG_FRAME_MAGIC || le32(f->length) < LOG_FRAME_HEADER || le32(f->length) > count - at)
            break;
        frames[found++] = at;
        at += log_frame_padded(le32(f->length));
    }
    if (found == 0)
        return;
    uint8_t *frame = bytes + frames[fuzz_below(found)];
    const uint32_t length = load32(frame + 4), payload = length - LOG_FRAME_HEADER;
    switch (fuzz_below(12)) {
    case 0:
        change_32(frame + 4 * (1 + fuzz_below(2)));
        break;
    case 1:
        frame[12] = (uint8_t)fuzz_below(14);
        break;
    case 2:
        frame[13] = (uint8_t)fuzz_below(4);
        break;
    case 3: { /* another frame over it, and what followed is cut off or not */
        const uint8_t *other = bytes + frames[fuzz_below(found)];
        if (load32(other + 4) <= count - (size_t)(frame - bytes))
            memmove(frame, other, load32(other + 4));
        break;
    }
    case 4:
        memset(frame, 0, (size_t)(bytes + count - frame));
        break;
    case 5: /* the head of a change, of its undo, of its first page */
    case 6:
        change_bytes(frame + LOG_FRAME_HEADER, payload < 72 ? payload : 72);
        break;
    default:
        change_bytes(frame + LOG_FRAME_HEADER, payload);
    }
}

static void change_logs(uint8_t *bytes, size_t count) {
    const uint32_t files = (uint32_t)((count + FUZZ_LOG_BYTES - 1) / FUZZ_LOG_BYTES);
    const size_t at = (size_t)fuzz_below(files) * FUZZ_LOG_BYTES;
    change_log(bytes + at, count - at < FUZZ_LOG_BYTES ? count - at : FUZZ_LOG_BYTES);
}

static void change_checkpoint(struct input *in) {
    if (in->count > FUZZ_CHECKPOINT_BYTES && fuzz_below(3) == 0)
        change_logs(in->bytes + FUZZ_CHECKPOINT_BYTES, in->count - FUZZ_CHECKPOINT_BYTES);
    else if (in->count >= FUZZ_CHECKPOINT_BYTES)
        change_bytes(in->bytes + 4096u * fuzz_below(2), fuzz_below(2) ? 66 : 850);
    else
        change_bytes(in->bytes, in->count);
}

/* ---- text, tar ---- */

static size_t line_at(const struct input *in, size_t at) {
    while (at > 0 && in->bytes[at - 1] != '\n')
        at--;
    return at;
}

static void change_text(struct input *in) {
    static const char *const words[] = {"0",   "1",  "4294967295", "4294967296", "18446744073709551615",
                                        "-1",  "..", "%2F",        "%00",        "database",
                                        "log", "/",  ".",          "00000001"};
    if (in->count == 0)
        return;
    const size_t at = fuzz_below((uint32_t)in->count), line = line_at(in, at);
    const uint8_t *end = memchr(in->bytes + line, '\n', in->count - line);
    const size_t bytes = end ? (size_t)(end - in->bytes) + 1 - line : in->count - line;
    switch (fuzz_below(3)) {
    case 0:
        change_order(in, line, bytes, line_at(in, fuzz_below((uint32_t)in->count)));
        break;
    case 1: { /* a word */
        const char *word = words[fuzz_below(sizeof words / sizeof *words)];
        size_t from = at, n = strlen(word), to;
        while (from > line && in->bytes[from - 1] != ' ')
            from--;
        for (to = from; to < line + bytes && in->bytes[to] != ' ' && in->bytes[to] != '\n';)
            to++;
        if (in->count + n - (to - from) > in->room)
            return;
        memmove(in->bytes + from + n, in->bytes + to, in->count - to);
        memcpy(in->bytes + from, word, n);
        in->count = in->count + n - (to - from);
        break;
    }
    default:
        change_bytes(in->bytes + line, bytes);
    }
}

static void change_tar_header(uint8_t *header) {
    static const char *const names[] = {
        "../evil", "/evil",           "a/../../evil", ".",     "..",         "",
        "./x.edb", "backup.manifest", "lock",         "a.edb", "b.edb",      "backup.manifest.tmp",
        "edb.log", "edb00001.log",    "EDB00002.LOG", "\xff",  "restore.tmp"};
    switch (fuzz_below(4)) {
    case 0:
        memset(header, 0, 100);
        strncpy((char *)header, names[fuzz_below(sizeof names / sizeof *names)], 100);
        break;
    case 1: /* a link, device, directory, fifo, pax, GNU long name, sparse file ... */
        header[156] = (uint8_t) "0123456789xgLKSVMD"[fuzz_below(18)];
        break;
    case 2:
        strncpy((char *)header + 157, names[fuzz_below(sizeof names / sizeof *names)], 100);
        break;
    default:
        change_bytes(header, 512);
    }
}

static void change_tar(struct input *in) {
    struct fuzz_entry all[64], *e = all;
    uint32_t count = 0;
    for (all[0] = (struct fuzz_entry){0}; count < 63 && fuzz_tar_next(in->bytes, in->count, &all[count]); count++)
        all[count + 1] = all[count];
    if (count == 0) {
        change_bytes(in->bytes, in->count);
        return;
    }
    e = &all[fuzz_below(count)];
    const size_t n = strlen(e->name), begin = (size_t)(e->header - in->bytes);
    switch (fuzz_below(8)) {
    case 0:
        change_tar_header(e->header);
        break;
    case 1:
        change_order(in, begin, 512 + (e->bytes + 511) / 512 * 512,
                     (size_t)(all[fuzz_below(count)].header - in->bytes));
        break;
    default:
        if (n > 4 && strcmp(e->name + n - 4, ".log") == 0) {
            change_logs(e->content, e->bytes);
        } else if (n > 4 && strcmp(e->name + n - 4, ".edb") == 0) {
            struct input db = {e->content, e->bytes, e->bytes};
            change_database(&db);
        } else if (e->bytes > 0) { /* a manifest or pax header keeps its length */
            change_bytes(e->content, e->bytes);
        }
    }
}

/* ---- the whole ---- */

static void change(enum fuzz_kind kind, struct input *in) {
    switch (fuzz_below(12) ? (int)kind : -1) {
    case FUZZ_PAGE:
        change_page(in->bytes, in->count >= 32768 ? 32768 : in->count >= 8192 ? 8192 : 4096);
        break;
    case FUZZ_DBHEADER:
        change_bytes(in->bytes + (fuzz_below(4) ? 0 : in->count / 2), in->count / 2 < 684 ? in->count / 2 : 684);
        break;
    case FUZZ_LOG:
        change_logs(in->bytes, in->count);
        break;
    case FUZZ_CHECKPOINT:
        change_checkpoint(in);
        break;
    case FUZZ_MANIFEST:
        change_text(in);
        break;
    case FUZZ_TAR:
        change_tar(in);
        break;
    case FUZZ_DB:
        change_database(in);
        break;
    default:
        change_bytes(in->bytes, in->count);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    struct input in;
    fuzz_draw_from(seed);
    if (size == 0 || fuzz_below(16) == 0)
        size = LLVMFuzzerMutate(data, size, max_size);
    in.bytes = fuzz_unpack(data, size, ROOM, &in.count);
    in.room = in.count + ROOM;
    if (fuzz_kind == FUZZ_PAGE && in.count < 4096)
        in.count = 4096;
    for (uint32_t n = 1 + fuzz_below(3) * fuzz_below(3); n > 0; n--)
        change(fuzz_kind, &in);
    if (fuzz_below(16))
        fuzz_seal(fuzz_kind, in.bytes, in.count);
    const size_t packed = fuzz_pack(in.bytes, in.count, data, max_size);
    free(in.bytes);
    return packed > 0 ? packed : size; /* no room: data is what the first part of it has become, an input too */
}
