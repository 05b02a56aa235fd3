/* One page against a model: an array of keys and data, in all page sizes; images; the check against damage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/os.h"
#include "engine/page.h"
#include "tests/lib/test.h"

static const uint32_t sizes[] = {4096, 8192, 16384, 32768};

/* ---- model ---- */

struct model_node {
    uint8_t key[64], data[600];
    size_t key_bytes, data_bytes;
    unsigned flags;
};
struct model {
    struct model_node nodes[4096];
    unsigned count;
};

static struct page page_new(uint32_t size, uint32_t flags) {
    struct page p = {malloc(size), size};
    page_init(&p, 77, 9, flags);
    return p;
}

static bool page_is_good(const struct page *p) {
    const char *why;
    if (page_check(p, &why) >= JET_errSuccess)
        return true;
    printf("page_check: %s\n", why);
    return false;
}

static bool nodes_are_equal(const struct page *p, const struct model *m) {
    uint8_t key[KEY_BUFFER];
    if (page_lines(p) != m->count)
        return false;
    for (unsigned i = 0; i < m->count; i++) {
        const struct model_node *want = &m->nodes[i];
        struct node n;
        page_node(p, i, &n);
        if (node_key(&n, key) != want->key_bytes || memcmp(key, want->key, want->key_bytes) != 0)
            return false;
        if (n.data.n != want->data_bytes || memcmp(n.data.p, want->data, want->data_bytes) != 0)
            return false;
        if ((n.flags & ~NODE_COMPRESSED) != want->flags || node_compare(&n, slice(want->key, want->key_bytes)) != 0)
            return false;
    }
    return true;
}

static void random_bytes(uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)test_random();
}

/* Keys that often share a beginning with each other and with the header. */
static void random_key(struct model_node *n) {
    n->key_bytes = test_random_below(40);
    for (size_t i = 0; i < n->key_bytes; i++)
        n->key[i] = i < 12 && test_random_below(8) ? (uint8_t)i : (uint8_t)test_random_below(4);
}

static unsigned model_find(const struct model *m, struct slice key, bool *exact) {
    unsigned i = 0;
    while (i < m->count && slice_compare(slice(m->nodes[i].key, m->nodes[i].key_bytes), key) < 0)
        i++;
    *exact = i < m->count && slice_compare(slice(m->nodes[i].key, m->nodes[i].key_bytes), key) == 0;
    return i;
}

/* ---- steps ---- */

static bool step_insert(struct page *p, struct model *m) {
    struct model_node n = {.flags = (unsigned)test_random_below(4)};
    random_key(&n);
    n.data_bytes = 1 + test_random_below(test_random_below(10) ? 40 : sizeof n.data);
    random_bytes(n.data, n.data_bytes);
    struct slice key = slice(n.key, n.key_bytes), data = slice(n.data, n.data_bytes);
    bool exact, want_exact;
    unsigned line = page_find(p, key, &exact), want = model_find(m, key, &want_exact);
    if (line != want || exact != want_exact)
        return false;
    if (exact)
        return true;
    bool fits = page_fits(p, key, data.n);
    uint32_t free_before = page_free(p);
    if (page_insert(p, line, n.flags, key, data) != fits)
        return false;
    if (!fits)
        return page_free(p) == free_before;
    memmove(&m->nodes[line + 1], &m->nodes[line], (m->count - line) * sizeof n);
    m->nodes[line] = n;
    m->count++;
    return true;
}

static bool step_replace(struct page *p, struct model *m) {
    if (m->count == 0)
        return true;
    unsigned line = (unsigned)test_random_below(m->count);
    uint8_t data[sizeof m->nodes[0].data];
    size_t n = 1 + test_random_below(sizeof data);
    random_bytes(data, n);
    bool fits = page_replace_fits(p, line, n);
    if (page_replace(p, line, slice(data, n)) != fits)
        return false;
    if (fits) {
        memcpy(m->nodes[line].data, data, n);
        m->nodes[line].data_bytes = n;
    }
    return true;
}

static bool step_flags(struct page *p, struct model *m) {
    if (m->count) {
        unsigned line = (unsigned)test_random_below(m->count), flags = (unsigned)test_random_below(4);
        page_set_node_flags(p, line, flags);
        m->nodes[line].flags = flags;
    }
    return true;
}

static bool step_delete(struct page *p, struct model *m) {
    if (m->count == 0)
        return true;
    unsigned line = (unsigned)test_random_below(m->count), count = 1;
    if (test_random_below(20) == 0)
        count += (unsigned)test_random_below(m->count - line);
    page_delete(p, line, count);
    memmove(&m->nodes[line], &m->nodes[line + count], (m->count - line - count) * sizeof m->nodes[0]);
    m->count -= count;
    return true;
}

/* On a page with nodes only appending to the header is allowed. */
static bool step_header(struct page *p, const struct model *m, bool is_root) {
    uint8_t header[64];
    struct slice old = page_external_header(p);
    size_t keep = m->count ? old.n : 0;
    size_t n = is_root ? (test_random_below(2) ? 16 : 25) : keep + test_random_below(41 - keep);
    for (size_t i = 0; i < n; i++)
        header[i] = i < keep ? old.p[i] : (uint8_t)(i < 12 ? i : test_random_below(4));
    if (!page_set_external_header(p, slice(header, n)))
        return n > old.n && n - old.n > page_free(p);
    struct slice now = page_external_header(p);
    return now.n == n && (n == 0 || memcmp(now.p, header, n) == 0);
}

static bool run_model(uint32_t size, bool is_root, unsigned steps) {
    static struct model m;
    struct page p = page_new(size, PAGE_LEAF | (is_root ? PAGE_ROOT : 0));
    m.count = 0;
    bool ok = step_header(&p, &m, is_root);
    bool filling = true;
    for (unsigned i = 0; ok && i < steps; i++) {
        if (test_random_below(200) == 0)
            filling = !filling;
        uint64_t what = test_random_below(100);
        if (what < (filling ? 60 : 20))
            ok = step_insert(&p, &m);
        else if (what < 75)
            ok = step_replace(&p, &m);
        else if (what < 80)
            ok = step_flags(&p, &m);
        else if (what < 98)
            ok = step_delete(&p, &m);
        else
            ok = step_header(&p, &m, is_root);
        ok = ok && page_is_good(&p) && load16(p.b + 30) == 0;
        if (i % 16 == 0)
            ok = ok && nodes_are_equal(&p, &m);
        if (!ok)
            printf("step %u of a %u-byte page (kind %u) failed\n", i, size, (unsigned)what);
    }
    ok = ok && nodes_are_equal(&p, &m);
    free(p.b);
    return ok;
}

static void page_changes__equal_a_model_in_all_page_sizes(void) {
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(run_model(sizes[i], false, 4000));
        CU_ASSERT_TRUE(run_model(sizes[i], true, 4000));
    }
}

/* ---- single behaviours ---- */

static void page_init__makes_an_empty_page_that_checks(void) {
    for (unsigned i = 0; i < 4; i++) {
        struct page p = page_new(sizes[i], PAGE_LEAF | PAGE_INDEX);
        CU_ASSERT_TRUE(page_is_good(&p));
        CU_ASSERT_EQUAL(page_lines(&p), 0);
        CU_ASSERT_EQUAL(page_objid(&p), 9);
        CU_ASSERT_EQUAL(page_flags(&p), 0x2842);
        CU_ASSERT_EQUAL(page_free(&p), sizes[i] - page_header_bytes(sizes[i]) - 4);
        if (sizes[i] > 8192)
            CU_ASSERT_EQUAL(load32(p.b + 64), 77);
        free(p.b);
    }
}

static void page_root__free_count_is_that_of_a_real_one(void) {
    struct page p = page_new(4096, PAGE_LEAF | PAGE_ROOT);
    const uint8_t header[16] = {1};
    CU_ASSERT_TRUE(page_set_external_header(&p, slice(header, 16)));
    CU_ASSERT_EQUAL(page_free(&p), 4036);
    free(p.b);
}

static void page_insert__uses_the_prefix_only_where_it_saves(void) {
    for (unsigned i = 0; i < 4; i++) {
        struct page p = page_new(sizes[i], PAGE_LEAF);
        CU_ASSERT_TRUE(page_set_external_header(&p, slice("abcdef", 6)));
        CU_ASSERT_TRUE(page_insert(&p, 0, 0, slice("abX", 3), slice("1", 1)));
        CU_ASSERT_TRUE(page_insert(&p, 1, NODE_DELETED, slice("abcX", 4), slice("2", 1)));
        CU_ASSERT_TRUE(page_insert(&p, 2, 0, slice("abcdefX", 7), slice("3", 1)));
        struct node n;
        page_node(&p, 0, &n);
        CU_ASSERT_EQUAL(n.prefix.n, 0);
        page_node(&p, 1, &n);
        CU_ASSERT_EQUAL(n.prefix.n, 3);
        CU_ASSERT_EQUAL(n.flags, NODE_COMPRESSED | NODE_DELETED);
        page_node(&p, 2, &n);
        CU_ASSERT_EQUAL(n.prefix.n, 6);
        CU_ASSERT_TRUE(page_is_good(&p));
        free(p.b);
    }
}

static void page_insert__packs_a_page_whose_room_is_in_pieces(void) {
    struct page p = page_new(4096, PAGE_LEAF);
    uint8_t key[4], data[100] = {0};
    unsigned count = 0;
    for (store_be32(key, count); page_insert(&p, count, 0, slice(key, 4), slice(data, 96)); store_be32(key, count))
        count++;
    for (unsigned line = count; line-- > 0;) {
        if (line % 2)
            page_delete(&p, line, 1);
    }
    uint8_t big[1500];
    memset(big, 7, sizeof big);
    store_be32(key, 1000);
    CU_ASSERT_TRUE(page_insert(&p, page_lines(&p), 0, slice(key, 4), slice(big, sizeof big)));
    CU_ASSERT_TRUE(page_is_good(&p));
    free(p.b);
}

static void page_insert__stops_at_the_largest_tag_count(void) {
    struct page p = page_new(32768, PAGE_LEAF);
    unsigned count = 0;
    uint8_t key[2];
    for (store_be16(key, 0); page_insert(&p, count, 0, slice(key, 2), slice("d", 1)); store_be16(key, (uint16_t)count))
        count++;
    CU_ASSERT_TRUE(count <= 4094);
    CU_ASSERT_TRUE(page_is_good(&p));
    page_delete(&p, 0, count);
    CU_ASSERT_EQUAL(page_free(&p), 32768 - 80 - 4);
    free(p.b);
}

static void page_find__takes_keys_of_any_kind(void) {
    struct page p = page_new(8192, PAGE_LEAF);
    bool exact;
    CU_ASSERT_TRUE(page_set_external_header(&p, slice("hello", 5)));
    CU_ASSERT_EQUAL(page_find(&p, slice(NULL, 0), &exact), 0);
    CU_ASSERT_FALSE(exact);
    CU_ASSERT_TRUE(page_insert(&p, 0, 0, slice(NULL, 0), slice("d", 1)));
    CU_ASSERT_TRUE(page_insert(&p, 1, 0, slice("hell", 4), slice("d", 1)));
    CU_ASSERT_TRUE(page_insert(&p, 2, 0, slice("hello", 5), slice("d", 1)));
    CU_ASSERT_TRUE(page_insert(&p, 3, 0, slice("help", 4), slice("d", 1)));
    CU_ASSERT_EQUAL(page_find(&p, slice(NULL, 0), &exact), 0);
    CU_ASSERT_TRUE(exact);
    CU_ASSERT_EQUAL(page_find(&p, slice("hel", 3), &exact), 1);
    CU_ASSERT_FALSE(exact);
    CU_ASSERT_EQUAL(page_find(&p, slice("hello", 5), &exact), 2);
    CU_ASSERT_TRUE(exact);
    CU_ASSERT_EQUAL(page_find(&p, slice("hellp", 5), &exact), 3);
    CU_ASSERT_EQUAL(page_find(&p, slice("z", 1), &exact), 4);
    free(p.b);
}

static void page_find_child__goes_right_of_an_equal_separator(void) {
    struct page p = page_new(4096, PAGE_PARENT_OF_LEAF);
    uint8_t child[4];
    const char *separators[] = {"b", "d", ""};
    for (unsigned i = 0; i < 3; i++) {
        store32(child, 100 + i);
        CU_ASSERT_TRUE(page_insert(&p, i, 0, slice(separators[i], strlen(separators[i])), slice(child, 4)));
    }
    CU_ASSERT_TRUE(page_is_good(&p));
    CU_ASSERT_EQUAL(page_find_child(&p, slice("", 0)), 0);
    CU_ASSERT_EQUAL(page_find_child(&p, slice("a", 1)), 0);
    CU_ASSERT_EQUAL(page_find_child(&p, slice("b", 1)), 1);
    CU_ASSERT_EQUAL(page_find_child(&p, slice("c", 1)), 1);
    CU_ASSERT_EQUAL(page_find_child(&p, slice("d", 1)), 2);
    CU_ASSERT_EQUAL(page_find_child(&p, slice("zz", 2)), 2);
    struct node n;
    page_node(&p, 1, &n);
    CU_ASSERT_EQUAL(node_child(&n), 101);
    free(p.b);
}

static void page_record_max__fits_a_page_with_its_key(void) {
    for (unsigned i = 0; i < 4; i++) {
        uint32_t key_bytes = i ? 2000 : 1000;
        struct page p = page_new(sizes[i], PAGE_LEAF);
        uint8_t *bytes = calloc(1, sizes[i]);
        uint32_t most = page_record_max(sizes[i], key_bytes);
        CU_ASSERT_TRUE(page_insert(&p, 0, 0, slice(bytes, key_bytes), slice(bytes, most)));
        CU_ASSERT_TRUE(page_free(&p) < 8);
        free(bytes);
        free(p.b);
    }
    CU_ASSERT_EQUAL(page_record_max(4096, 255), 4048 - 2 - 257);
}

/* ---- images ---- */

static struct page full_page(uint32_t size) {
    struct page p = page_new(size, PAGE_LEAF);
    uint8_t key[8] = "prefix", data[200];
    (void)page_set_external_header(&p, slice(key, 6));
    for (unsigned i = 0; i < 30; i++) {
        key[7] = (uint8_t)i;
        random_bytes(data, sizeof data);
        if (!page_insert(&p, page_lines(&p), i % 3, slice(key, 8), slice(data, 1 + test_random_below(sizeof data))))
            break;
    }
    page_delete(&p, 3, 1);
    return p;
}

static void page_image__gives_the_page_back(void) {
    for (unsigned i = 0; i < 4; i++) {
        struct page p = full_page(sizes[i]), q = {malloc(sizes[i]), sizes[i]};
        size_t n = page_image_bytes(&p);
        uint8_t *image = malloc(n), *again = malloc(n);
        page_image_pack(&p, image);
        memset(q.b, 0xee, q.size);
        CHECK_OK(page_image_unpack(&q, slice(image, n)));
        CU_ASSERT_EQUAL(page_image_bytes(&q), n);
        page_image_pack(&q, again);
        CU_ASSERT_EQUAL(memcmp(image, again, n), 0);
        free(image);
        free(again);
        free(p.b);
        free(q.b);
    }
}

static void page_image__damaged_is_refused_or_a_good_page(void) {
    struct page p = full_page(4096), q = {malloc(4096), 4096};
    size_t n = page_image_bytes(&p);
    uint8_t *image = malloc(n);
    page_image_pack(&p, image);
    CHECK_ERR(page_image_unpack(&q, slice(image, 0)), JET_errLogFileCorrupt);
    CHECK_ERR(page_image_unpack(&q, slice(image, 43)), JET_errLogFileCorrupt);
    CHECK_ERR(page_image_unpack(&q, slice(image, n - 1)), JET_errLogFileCorrupt);
    for (size_t i = 0; i < n; i++) {
        uint8_t old = image[i];
        image[i] = (uint8_t)test_random();
        if (page_image_unpack(&q, slice(image, n)) >= JET_errSuccess)
            CU_ASSERT_TRUE_FATAL(page_check(&q, NULL) >= JET_errSuccess);
        image[i] = old;
    }
    free(image);
    free(p.b);
    free(q.b);
}

/* ---- the gate ---- */

/* Reads everything that the functions above give of a page. */
static unsigned read_all(const struct page *p) {
    uint8_t key[KEY_BUFFER];
    bool exact;
    unsigned sum = (unsigned)page_external_header(p).n;
    for (unsigned i = 0; i < page_lines(p); i++) {
        struct node n;
        page_node(p, i, &n);
        size_t key_bytes = node_key(&n, key);
        sum += n.data.p[n.data.n - 1];
        sum += page_find(p, slice(key, key_bytes), &exact);
        if (!page_is_leaf(p))
            sum += page_find_child(p, slice(key, key_bytes)) + node_child(&n);
    }
    return sum;
}

static void damage(const struct page *good, struct page *p, size_t at) {
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (unsigned i = 0; i < 4; i++) {
        memcpy(p->b, good->b, p->size);
        p->b[at] = i < 3 ? p->b[at] ^ changes[i] : (uint8_t)test_random();
        if (page_check(p, NULL) >= JET_errSuccess)
            (void)read_all(p);
    }
}

static void page_check__passes_nothing_that_leads_readers_astray(void) {
    for (unsigned i = 0; i < 4; i++) {
        struct page p = full_page(sizes[i]), q = {malloc(sizes[i]), sizes[i]};
        size_t tags = 4 * (size_t)(page_lines(&p) + 1), header = page_header_bytes(sizes[i]);
        for (size_t at = 0; at < header; at++)
            damage(&p, &q, at);
        for (size_t at = sizes[i] - tags; at < sizes[i]; at++)
            damage(&p, &q, at);
        for (unsigned n = 0; n < 3000; n++)
            damage(&p, &q, header + test_random_below(sizes[i] - header));
        for (unsigned n = 0; n < 1000; n++) {
            random_bytes(q.b + 28, 8 + test_random_below(200));
            store32(q.b + 36, (uint32_t)test_random() | PAGE_NEW_RECORD | PAGE_NEW_SUM);
            if (page_check(&q, NULL) >= JET_errSuccess)
                (void)read_all(&q);
        }
        free(p.b);
        free(q.b);
    }
}

static void expect_refused(const struct page *p, const char *expected) {
    const char *why;
    CU_ASSERT_EQUAL(page_check(p, &why), JET_errDatabaseCorrupted);
    CU_ASSERT_STRING_EQUAL(why, expected);
}

static void page_check__names_what_is_wrong(void) {
    struct page p = full_page(4096), q = {malloc(4096), 4096};
#define DAMAGED(change, expected)                                                                                      \
    memcpy(q.b, p.b, 4096);                                                                                            \
    change;                                                                                                            \
    expect_refused(&q, expected)
    uint8_t *tag1 = q.b + 4096 - 8, *tag2 = q.b + 4096 - 12;
    DAMAGED(store16(q.b + 34, 0), "bad tag count");
    DAMAGED(store16(q.b + 34, 4095), "bad tag count");
    DAMAGED(store16(q.b + 32, 4000), "first-free beyond the tags");
    DAMAGED(store16(q.b + 28, (uint16_t)(page_free(&p) - 1)), "wrong free count");
    DAMAGED(store16(q.b + 30, 5000), "bad free count");
    DAMAGED(page_set_flags(&q, page_flags(&p) | PAGE_PARENT_OF_LEAF), "leaf and parent of leaf");
    DAMAGED(page_set_flags(&q, page_flags(&p) & ~(uint32_t)PAGE_NEW_SUM), "old page format");
    DAMAGED(page_set_flags(&q, page_flags(&p) | PAGE_ROOT), "bad external header of a root");
    DAMAGED(page_set_flags(&q, page_flags(&p) & ~(uint32_t)PAGE_LEAF), "internal node's data is not a page number");
    DAMAGED(store16(tag1, 0), "empty tag");
    DAMAGED(store16(tag1 + 2, 0x1ffe), "tag beyond first-free");
    DAMAGED(memcpy(tag1, tag2, 4), "tags overlap");
    free(p.b);
    free(q.b);
    p = page_new(4096, PAGE_PARENT_OF_LEAF);
    expect_refused(&p, "internal page without nodes");
    page_set_flags(&p, page_flags(&p) | PAGE_EMPTY);
    CU_ASSERT_TRUE(page_is_good(&p));
    free(p.b);
}

static void check_file(const char *name, uint32_t size, unsigned *initialised) {
    const char *path = test_windows_file(name);
    struct page p = {malloc(size), size};
    struct os_file *file = NULL;
    uint64_t bytes;
    if (!path)
        return;
    CHECK_OK(os_open(path, OS_READ, &file));
    CHECK_OK(os_size(file, &bytes));
    for (pgno_t pgno = 1; ((uint64_t)pgno + 2) * size <= bytes; pgno++) {
        CHECK_OK(os_read(file, ((uint64_t)pgno + 1) * size, p.b, size));
        enum page_verdict verdict = page_sum_check(p.b, size, pgno, false);
        if (verdict == PAGE_BLANK || (verdict != PAGE_GOOD && strcmp(name, "SRUDB.dat") == 0 && pgno > 142))
            continue;
        CU_ASSERT_EQUAL(verdict, PAGE_GOOD);
        if (!page_is_good(&p))
            printf("%s page %u\n", name, pgno);
        CU_ASSERT_TRUE(page_check(&p, NULL) >= JET_errSuccess);
        (void)read_all(&p);
        ++*initialised;
    }
    os_close(file);
    free(p.b);
}

static void page_check__accepts_every_page_that_windows_wrote(void) {
    static const char *const names[] = {"Catalog1.edb", "Current.mdb", "SRUDB.dat", "basic.edb", "binary.edb",
                                        "default.edb",  "index.edb",   "multi.edb", "text.edb"};
    unsigned initialised = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        check_file(names[i], 4096, &initialised);
    check_file("large.edb", 32768, &initialised);
    printf("%u initialised pages\n", initialised);
}

/* Changing pages of Windows (garbage in spare tag bits, gaps, tag 0 anywhere) keeps them good. */
static void page_changes__keep_pages_of_windows_good(void) {
    const char *path = test_windows_file("Catalog1.edb");
    struct page p = {malloc(4096), 4096};
    struct os_file *file = NULL;
    unsigned changed = 0;
    if (!path)
        return;
    CHECK_OK(os_open(path, OS_READ, &file));
    for (pgno_t pgno = 1; pgno <= 600; pgno++) {
        CHECK_OK(os_read(file, ((uint64_t)pgno + 1) * 4096, p.b, 4096));
        if (page_check(&p, NULL) < JET_errSuccess || !page_is_leaf(&p) || (page_flags(&p) & PAGE_EMPTY))
            continue;
        for (unsigned i = 0; i < 50; i++) {
            uint8_t data[300] = {1};
            size_t n = 1 + test_random_below(sizeof data);
            unsigned line = (unsigned)test_random_below(page_lines(&p) + 1ull);
            if (test_random_below(3) && page_lines(&p))
                (void)page_replace(&p, line % page_lines(&p), slice(data, n));
            else if (test_random_below(2) && page_lines(&p))
                page_delete(&p, line % page_lines(&p), 1);
            else
                (void)page_insert(&p, line, 0, slice(data, n), slice(data, n));
            CU_ASSERT_TRUE_FATAL(page_is_good(&p));
        }
        changed++;
    }
    CU_ASSERT_TRUE(changed > 100);
    os_close(file);
    free(p.b);
}

TEST_MAIN(TEST(page_init__makes_an_empty_page_that_checks), TEST(page_root__free_count_is_that_of_a_real_one),
          TEST(page_changes__equal_a_model_in_all_page_sizes), TEST(page_insert__uses_the_prefix_only_where_it_saves),
          TEST(page_insert__packs_a_page_whose_room_is_in_pieces), TEST(page_insert__stops_at_the_largest_tag_count),
          TEST(page_find__takes_keys_of_any_kind), TEST(page_find_child__goes_right_of_an_equal_separator),
          TEST(page_record_max__fits_a_page_with_its_key), TEST(page_image__gives_the_page_back),
          TEST(page_image__damaged_is_refused_or_a_good_page),
          TEST(page_check__passes_nothing_that_leads_readers_astray), TEST(page_check__names_what_is_wrong),
          TEST(page_check__accepts_every_page_that_windows_wrote), TEST(page_changes__keep_pages_of_windows_good))
