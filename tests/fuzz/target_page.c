/* A page as it comes from a disk or out of a log: the gate, and behind it everything that reads a page. */
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "engine/cat.h"
#include "engine/page.h"
#include "tests/fuzz/fuzz.h"

#define PGNO 5u

const enum fuzz_kind fuzz_kind = FUZZ_PAGE;

/* A record is any node's data: columns of each type, fixed, variable and tagged, in an index of each. */
static void read_value(struct slice record, uint32_t page_size, const struct column *column) {
    struct rec_value value;
    static uint8_t out[70000];
    size_t bytes;
    for (unsigned itag = 0; itag < 4; itag++) {
        if (rec_get(record, page_size, column, itag, &value) < JET_errSuccess || value.kind == REC_ABSENT)
            return;
        if (value.bytes.p && (value.bytes.p < record.p || value.bytes.p + value.bytes.n > record.p + record.n))
            fuzz_die("a value that is not in its record");
        if (value.kind == REC_COMPRESSED && rec_decompress(value.bytes, NULL, 0, &bytes) >= JET_errSuccess) {
            JET_ERR ignored = rec_decompress(value.bytes, out, bytes < sizeof out ? bytes : sizeof out, &bytes);
            (void)ignored;
        }
    }
}

static JET_ERR see_tagged(void *context, uint16_t fid, unsigned count) {
    (void)context, (void)fid, (void)count;
    return JET_errSuccess;
}

static void change_record(const struct table_def *def, struct slice record, uint32_t page_size) {
    struct rec_edit *edit = NULL;
    static uint8_t out[PAGE_SIZE_MAX];
    uint8_t value[16] = {1};
    size_t bytes;
    if (rec_edit_new(def, page_size, record, &edit) >= JET_errSuccess) {
        JET_ERR err = JET_errSuccess;
        for (unsigned i = 0; i < def->column_count; i += 3)
            err = rec_edit_set(edit, &def->columns[i], 0, slice(value, 4), i % 2);
        err = rec_edit_finish(edit, out, &bytes);
        if (err >= JET_errSuccess && rec_check(slice(out, bytes)) < JET_errSuccess)
            fuzz_die("a record that was made is none");
    }
    rec_edit_free(edit);
}

static void read_record(struct slice record, uint32_t page_size) {
    struct column columns[40] = {{0}};
    struct table_def def = {.columns = columns, .column_count = 40, .has_primary = true};
    struct cat_record row;
    uint8_t key[KEY_BUFFER];
    size_t key_bytes;
    uint16_t at = 4;
    for (unsigned i = 0; i < 40; i++) {
        struct column *c = &columns[i];
        c->fid = (uint16_t)(i < 12 ? 1 + i : i < 20 ? 128 + i - 12 : 256 + i - 20);
        c->type = i < 12 ? (const JET_COLTYP[]){1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16, 17}[i]
                         : (const JET_COLTYP[]){9, 10, 11, 12, 4, 16, 9, 10}[i % 8];
        if (i >= 12 && i < 20)
            c->type = i % 2 ? JET_coltypText : JET_coltypBinary;
        c->flags = i >= 28 ? COLUMN_MULTI_VALUED : 0;
        c->max_bytes = i < 12 ? (const uint32_t[]){1, 1, 2, 4, 8, 4, 8, 8, 4, 8, 16, 2}[i] : 0;
        c->code_page = i % 3 ? 1252 : 1200;
        c->record_offset = at;
        at = (uint16_t)(at + c->max_bytes);
    }
    JET_ERR err = rec_check(record);
    for (unsigned i = 0; i < 40; i++) {
        read_value(record, page_size, &columns[i]);
        struct index_def index = {.key_max = 255, .segment_count = 1, .flags = INDEX_UNIQUE | INDEX_PRIMARY};
        index.segments[0].fid = columns[i].fid;
        err = rec_key(record, page_size, &def, &index, key, &key_bytes);
    }
    err = rec_each_tagged(record, page_size, see_tagged, NULL);
    if (cat_record_decode(record, page_size, &row) >= JET_errSuccess) {
        struct table_def_builder *builder = NULL;
        struct table_def *built = NULL;
        if (table_def_builder_new(&builder) >= JET_errSuccess) {
            err = table_def_builder_add(builder, &row);
            if (err >= JET_errSuccess && table_def_builder_finish(builder, &built) >= JET_errSuccess)
                table_def_free(built);
        }
        table_def_builder_free(builder);
    }
    change_record(&def, record, page_size);
    (void)err;
}

static void must_hold(const struct page *p, const char *after) {
    const char *why;
    if (page_check(p, &why) < JET_errSuccess)
        fuzz_die("%s after %s", why, after);
}

static void read_nodes(const struct page *p) {
    uint8_t key[KEY_BUFFER];
    struct node node;
    bool exact;
    for (unsigned line = 0; line < page_lines(p); line++) {
        page_node(p, line, &node);
        struct slice whole = slice(key, node_key(&node, key));
        page_find(p, whole, &exact);
        if (page_is_leaf(p))
            read_record(node.data, p->size);
        else if (page_find_child(p, whole) >= page_lines(p))
            fuzz_die("no child for a key");
    }
}

static void pack_and_unpack(const struct page *p) {
    uint8_t *image = malloc(page_image_bytes(p));
    struct page again = {aligned_alloc(4096, PAGE_SIZE_MAX), p->size};
    if (!image || !again.b)
        abort();
    page_image_pack(p, image);
    if (page_image_unpack(&again, slice(image, page_image_bytes(p))) < JET_errSuccess)
        fuzz_die("a page's image is none");
    free(image);
    free(again.b);
}

static void change_page(struct page *p) {
    uint8_t copy[300];
    struct node node;
    const unsigned lines = page_lines(p), line = lines / 2;
    bool exact;
    memset(copy, 0x33, sizeof copy);
    if (lines == 0 || !page_is_leaf(p))
        return;
    page_node(p, line, &node);
    const size_t n = node.data.n < sizeof copy ? node.data.n : sizeof copy;
    page_set_node_flags(p, line, NODE_DELETED);
    must_hold(p, "flags");
    if (page_replace(p, line, slice(copy, n / 2 + 1)))
        must_hold(p, "replace");
    const unsigned place = page_find(p, slice(copy, 20), &exact);
    if (!exact && page_insert(p, place, 0, slice(copy, 20), slice(copy, 200)))
        must_hold(p, "insert");
    page_delete(p, line, 1);
    must_hold(p, "delete");
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    const uint32_t size = count >= 32768 ? 32768 : count >= 16384 ? 16384 : count >= 8192 ? 8192 : 4096;
    struct page p = {aligned_alloc(4096, PAGE_SIZE_MAX), size};
    const char *why;
    if (!p.b)
        abort();
    memset(p.b, 0, size);
    memcpy(p.b, bytes, count < size ? count : size);
    page_sum_check(p.b, size, PGNO, true);
    if (page_check(&p, &why) >= JET_errSuccess) {
        pack_and_unpack(&p);
        read_nodes(&p);
        change_page(&p);
    }
    memset(p.b, 0, size);
    JET_ERR err = page_image_unpack(&p, slice(bytes, count));
    if (err >= JET_errSuccess)
        must_hold(&p, "unpacking");
    free(p.b);
}
