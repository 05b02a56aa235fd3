/* Page sums: the kernels against the definition, real pages, and what damage is corrected, reported, or neither. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/le.h"
#include "base/os.h"

#define PAGE_MAX 32768
#define FLAG_BIT 301 /* 0x2000 in the flags at offset 36 */
#define ROUNDS 1000

static const size_t page_sizes[] = {4096, 8192, 16384, 32768};

static void fill_random(char *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 8)
        store64(p + i, test_random());
}

static void flip(char *p, size_t bit) {
    p[bit / 8] ^= (char)(1 << bit % 8);
}

/* The definition, bit by bit. */
static uint64_t sum_by_definition(const char *block, size_t bytes, uint32_t pgno, bool is_header) {
    uint32_t low = 0, high = 0, x = pgno, mask = (uint32_t)(8 * bytes - 1);
    for (size_t i = is_header ? 64 : 0; i < 8 * bytes; i++) {
        if (block[i / 8] >> i % 8 & 1) {
            low ^= (uint32_t)i;
            high ^= ~(uint32_t)i & mask;
            x ^= 1u << i % 32;
        }
    }
    return (uint64_t)(high << 16 | low) << 32 | x;
}

/* ---- kernels ---- */

static void sum__every_kernel_equals_the_definition(void) {
    static const size_t sizes[] = {2048, 4096, 8192};
    static char buffer[8192 + 64];
    bool equal = true;
    for (int round = 0; round < 60; round++) {
        size_t bytes = sizes[round % 3];
        size_t shift = test_random_below(64);
        uint32_t pgno = (uint32_t)test_random();
        bool is_header = test_random() & 1;
        char *block = buffer + shift;
        if (round % 4 == 3) { /* a few bits in nothing show an index that is off by one best */
            memset(block, 0, bytes);
            for (int i = 0; i < 3; i++)
                flip(block, test_random_below(8 * bytes));
        } else {
            fill_random(block, bytes);
        }
        uint64_t want = sum_by_definition(block, bytes, pgno, is_header);
        for (size_t k = 0; k < sum_kernel_count; k++) {
            if (sum_kernels[k].usable() && sum_kernels[k].sum(block, bytes, pgno, is_header) != want) {
                printf("\n    %s differs: %zu bytes, shift %zu, pgno %u, header %d", sum_kernels[k].name, bytes, shift,
                       pgno, is_header);
                equal = false;
            }
        }
    }
    CU_ASSERT(equal);
}

/* Linear over GF(2), so all single bits decide every block. */
static void sum__every_single_bit_counts_right_in_every_kernel(void) {
    static char block[8192];
    for (size_t bytes = 2048; bytes <= 8192; bytes *= 2) {
        uint64_t mask = 8 * bytes - 1;
        size_t wrong = 0;
        for (size_t i = 0; i < 8 * bytes; i++) {
            flip(block, i);
            uint64_t want = (~i & mask) << 48 | (uint64_t)i << 32 | UINT64_C(1) << (i & 31);
            for (size_t k = 1; k < sum_kernel_count; k++) {
                if (sum_kernels[k].usable()) {
                    wrong += sum_kernels[k].sum(block, bytes, 0, false) != want;
                    wrong += sum_kernels[k].sum(block, bytes, 7, true) != (i < 64 ? 7 : want ^ 7);
                }
            }
            flip(block, i);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static void sum__a_zero_block_sums_to_its_page_number(void) {
    static const char block[8192];
    for (size_t k = 0; k < sum_kernel_count; k++) {
        if (sum_kernels[k].usable())
            CU_ASSERT_EQUAL(sum_kernels[k].sum(block, sizeof block, 0x12345678, false), 0x12345678);
    }
    CU_ASSERT(sum_kernel_chosen()->usable());
}

/* ---- pages from Windows ---- */

struct windows_file {
    const char *name;
    uint32_t foreign_first, foreign_last; /* pages that are not the database's (shared/edb/README.md) */
};

static void check_windows_file(const struct windows_file *f) {
    static char page[PAGE_MAX], copy[PAGE_MAX];
    const char *path = test_windows_file(f->name);
    if (!path)
        return;
    struct os_file *file;
    uint64_t bytes;
    CHECK_OK(os_open(path, OS_READ, &file));
    CHECK_OK(os_size(file, &bytes));
    CHECK_OK(os_read(file, 0, page, 4096));
    size_t page_bytes = load32(page + 236);
    CU_ASSERT_FATAL(page_bytes >= 4096 && page_bytes <= PAGE_MAX);
    for (uint32_t copy_of_header = 0; copy_of_header < 2; copy_of_header++) {
        CHECK_OK(os_read(file, copy_of_header * page_bytes, page, page_bytes));
        CU_ASSERT_EQUAL(sum_header(page, page_bytes), load32(page));
    }
    unsigned good = 0, bad = 0;
    for (uint64_t at = 2 * page_bytes; at + page_bytes <= bytes; at += page_bytes) {
        uint32_t pgno = (uint32_t)(at / page_bytes) - 1;
        if (pgno >= f->foreign_first && pgno <= f->foreign_last)
            continue;
        CHECK_OK(os_read(file, at, page, page_bytes));
        enum page_verdict verdict = page_sum_check(page, page_bytes, pgno, false);
        if (verdict == PAGE_BLANK)
            continue;
        bad += verdict != PAGE_GOOD;
        good++;
        memcpy(copy, page, page_bytes);
        page_sum_set(copy, page_bytes, pgno);
        bad += memcmp(copy, page, page_bytes) != 0;
        CU_ASSERT_NOT_EQUAL(page_sum_check(page, page_bytes, pgno + 1, true), PAGE_GOOD);
        CU_ASSERT_EQUAL(memcmp(copy, page, page_bytes), 0);
    }
    CU_ASSERT(good > 20);
    CU_ASSERT_EQUAL(bad, 0);
    os_close(file);
}

static void page_sum__every_page_windows_wrote_verifies(void) {
    static const struct windows_file files[] = {
        {"basic.edb"}, {"binary.edb"},          {"text.edb"},    {"multi.edb"},    {"default.edb"}, {"index.edb"},
        {"large.edb"}, {"SRUDB.dat", 143, 158}, {"Current.mdb"}, {"Catalog1.edb"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        check_windows_file(&files[i]);
}

/* ---- damage ---- */

static void make_page(char *page, size_t page_bytes, uint32_t pgno) {
    fill_random(page, page_bytes);
    if (test_random() & 1) /* half of them mostly empty, as real ones are */
        memset(page + 512, 0, page_bytes / 2);
    if (page_bytes > 8192)
        store64(page + 64, pgno);
    page_sum_set(page, page_bytes, pgno);
}

static uint32_t random_pgno(void) {
    return 1 + (uint32_t)test_random_below(0x7FFFFFFE);
}

/* A bit that correction may flip: not in the sum itself, not the flag that says how the page is summed. */
static size_t random_bit(size_t page_bytes) {
    size_t bit;
    do
        bit = 64 + test_random_below(8 * page_bytes - 64);
    while (bit == FLAG_BIT);
    return bit;
}

static void page_sum__each_single_flip_is_corrected_byte_for_byte(void) {
    static char page[PAGE_MAX], damaged[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        size_t page_bytes = page_sizes[s], wrong = 0;
        for (int round = 0; round < ROUNDS; round++) {
            uint32_t pgno = random_pgno();
            size_t bit = random_bit(page_bytes);
            if (page_bytes > 8192 && round % 8 == 0)
                bit = 320 + test_random_below(192); /* in the sums of the other blocks */
            make_page(page, page_bytes, pgno);
            memcpy(damaged, page, page_bytes);
            flip(damaged, bit);
            wrong += page_sum_check(damaged, page_bytes, pgno, false) != PAGE_CORRECTABLE;
            flip(damaged, bit);
            wrong += memcmp(damaged, page, page_bytes) != 0; /* checking changed nothing */
            flip(damaged, bit);
            wrong += page_sum_check(damaged, page_bytes, pgno, true) != PAGE_CORRECTED;
            wrong += memcmp(damaged, page, page_bytes) != 0;
            wrong += page_sum_check(damaged, page_bytes, pgno, true) != PAGE_GOOD;
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* Reported as damage, and left as it is. */
static bool reported(char *damaged, size_t page_bytes, uint32_t pgno) {
    static char before[PAGE_MAX];
    memcpy(before, damaged, page_bytes);
    return page_sum_check(damaged, page_bytes, pgno, true) == PAGE_BAD_SUM && memcmp(before, damaged, page_bytes) == 0;
}

static size_t block_bits(size_t page_bytes) {
    return page_bytes > 8192 ? 2 * page_bytes : 8 * page_bytes;
}

static void page_sum__two_flips_in_a_block_are_reported(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        size_t page_bytes = page_sizes[s], bits = block_bits(page_bytes), missed = 0;
        for (int round = 0; round < ROUNDS; round++) {
            uint32_t pgno = random_pgno();
            make_page(page, page_bytes, pgno);
            size_t a = random_bit(page_bytes), b;
            do
                b = a / bits * bits + test_random_below(bits);
            while (b == a);
            if (round % 4 == 0 && (b & ~(size_t)31) != (a & ~(size_t)31))
                b = (b & ~(size_t)31) | (a & 31); /* same column: the XOR sees nothing */
            flip(page, a);
            flip(page, b);
            missed += !reported(page, page_bytes, pgno);
        }
        CU_ASSERT_EQUAL(missed, 0);
    }
}

static void page_sum__flips_in_different_blocks_are_all_corrected(void) {
    static char page[PAGE_MAX], damaged[PAGE_MAX];
    for (size_t s = 2; s < 4; s++) {
        size_t page_bytes = page_sizes[s], bits = block_bits(page_bytes), wrong = 0;
        for (int round = 0; round < ROUNDS / 4; round++) {
            uint32_t pgno = random_pgno();
            make_page(page, page_bytes, pgno);
            memcpy(damaged, page, page_bytes);
            /* In turn, block 0's flip is in the stored sum of a block that is itself damaged. */
            flip(damaged, round % 2 ? 320 + test_random_below(192) : 512 + test_random_below(bits - 512));
            for (size_t block = 1; block < 4; block++)
                flip(damaged, block * bits + test_random_below(bits));
            wrong += page_sum_check(damaged, page_bytes, pgno, true) != PAGE_CORRECTED;
            wrong += memcmp(damaged, page, page_bytes) != 0;
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* A burst of up to 32 bits hits no column of the XOR twice: nothing but a single bit looks like one. */
static void page_sum__bursts_of_up_to_32_bits_are_reported(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        size_t page_bytes = page_sizes[s], bits = block_bits(page_bytes), missed = 0;
        for (int round = 0; round < ROUNDS; round++) {
            uint32_t pgno = random_pgno();
            make_page(page, page_bytes, pgno);
            size_t length = 2 + test_random_below(31);
            size_t first = test_random_below(8 * page_bytes / bits) * bits + 64 + test_random_below(bits - 64 - length);
            flip(page, first);
            flip(page, first + length - 1);
            for (size_t i = 1; i + 1 < length; i++) {
                if (test_random() & 1)
                    flip(page, first + i);
            }
            missed += !reported(page, page_bytes, pgno);
        }
        CU_ASSERT_EQUAL(missed, 0);
    }
}

/* Long garbage passes as a single bit in one of 2^27 blocks: not in this test's lifetime. */
static void page_sum__overwritten_ranges_are_reported(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        size_t page_bytes = page_sizes[s], missed = 0;
        for (int round = 0; round < ROUNDS; round++) {
            uint32_t pgno = random_pgno();
            make_page(page, page_bytes, pgno);
            size_t length = round % 2 ? 512 : 8 + test_random_below(504) / 8 * 8; /* a torn sector, or a stray write */
            size_t at = (round % 2 ? 512 : 64) + test_random_below(page_bytes - 1024) / 512 * 512;
            fill_random(page + at, length);
            missed += !reported(page, page_bytes, pgno);
        }
        CU_ASSERT_EQUAL(missed, 0);
    }
}

/* The limit of the format, pinned so that nobody counts on more: two flips cancel in a column, the third shows. */
static void page_sum__three_flips_with_two_in_a_column_pass_for_one(void) {
    static char page[4096], damaged[4096];
    make_page(page, sizeof page, 9);
    memcpy(damaged, page, sizeof page);
    flip(damaged, 1000);
    flip(damaged, 1000 + 32 * 5);
    flip(damaged, 7777);
    CU_ASSERT_EQUAL(page_sum_check(damaged, sizeof damaged, 9, true), PAGE_CORRECTED);
    CU_ASSERT_NOT_EQUAL(memcmp(damaged, page, sizeof page), 0);
    flip(damaged, 1000);
    flip(damaged, 1000 + 32 * 5);
    flip(damaged, 7777);
    flip(damaged, 1000 ^ (1000 + 32 * 5) ^ 7777);
    CU_ASSERT_EQUAL(memcmp(damaged, page, sizeof page), 0);
}

static void page_sum__flips_in_the_sum_and_in_the_flag_are_fatal(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        make_page(page, page_sizes[s], 4711);
        size_t missed = 0;
        for (size_t bit = 0; bit <= 64; bit++) {
            size_t at = bit < 64 ? bit : FLAG_BIT;
            flip(page, at);
            missed += !reported(page, page_sizes[s], 4711);
            flip(page, at);
        }
        CU_ASSERT_EQUAL(missed, 0);
    }
}

/* ---- page numbers ---- */

static void page_sum__a_small_page_under_another_number_is_never_corrected(void) {
    static char page[8192];
    for (size_t s = 0; s < 2; s++) {
        make_page(page, page_sizes[s], 1000);
        for (unsigned bit = 0; bit < 32; bit++)
            CU_ASSERT(reported(page, page_sizes[s], 1000 ^ 1u << bit));
        CU_ASSERT(reported(page, page_sizes[s], 77));
    }
}

static void page_sum__a_large_page_names_the_number_it_was_written_for(void) {
    static char page[PAGE_MAX], before[PAGE_MAX];
    for (size_t s = 2; s < 4; s++) {
        size_t page_bytes = page_sizes[s];
        make_page(page, page_bytes, 1000);
        memcpy(before, page, page_bytes);
        for (unsigned bit = 0; bit < 32; bit++)
            CU_ASSERT_EQUAL(page_sum_check(page, page_bytes, 1000 ^ 1u << bit, true), PAGE_BAD_PGNO);
        CU_ASSERT_EQUAL(page_sum_check(page, page_bytes, 999, true), PAGE_BAD_PGNO);
        CU_ASSERT_EQUAL(memcmp(page, before, page_bytes), 0);
        flip(page, 8 * page_bytes - 1); /* damaged as well: no telling */
        CU_ASSERT_EQUAL(page_sum_check(page, page_bytes, 999, true), PAGE_BAD_SUM);
    }
}

static void page_sum__a_zero_page_is_blank_and_one_bit_more_is_damage(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 4; s++) {
        CU_ASSERT_EQUAL(page_sum_check(page, page_sizes[s], 5, true), PAGE_BLANK);
        for (int round = 0; round < 64; round++) {
            size_t bit = test_random_below(8 * page_sizes[s]);
            flip(page, bit);
            CU_ASSERT_EQUAL(page_sum_check(page, page_sizes[s], 5, true), PAGE_BAD_SUM);
            flip(page, bit);
        }
    }
}

/* ---- the old format, and the others ---- */

static void page_sum__pages_of_the_old_format_verify_but_are_not_corrected(void) {
    static char page[PAGE_MAX];
    for (size_t s = 0; s < 2; s++) {
        size_t page_bytes = page_sizes[s];
        fill_random(page, page_bytes);
        store32(page + 36, load32(page + 36) & ~0x2000u);
        store32(page + 4, 321);
        store32(page, sum_header(page, page_bytes));
        CU_ASSERT_EQUAL(page_sum_check(page, page_bytes, 321, true), PAGE_GOOD);
        CU_ASSERT_EQUAL(page_sum_check(page, page_bytes, 322, true), PAGE_BAD_PGNO);
        flip(page, 5000);
        CU_ASSERT(reported(page, page_bytes, 321));
    }
    fill_random(page, 16384);
    store32(page + 36, load32(page + 36) & ~0x2000u);
    store32(page + 4, 321);
    store32(page, sum_header(page, 16384));
    CU_ASSERT(reported(page, 16384, 321));
}

static void sum_header__counts_all_but_the_first_word(void) {
    char block[4096] = {0};
    CU_ASSERT_EQUAL(sum_header(block, sizeof block), 0x89abcdef);
    store32(block, 0x11111111);
    CU_ASSERT_EQUAL(sum_header(block, sizeof block), 0x89abcdef);
    store32(block + 4092, 0xFFFFFFFF);
    CU_ASSERT_EQUAL(sum_header(block, sizeof block), (uint32_t)~0x89abcdef);
}

static void crc32c__is_the_standard_one_and_chains(void) {
    static const char check[] = "123456789";
    CU_ASSERT_EQUAL(crc32c(0, check, 9), 0xE3069283);
    CU_ASSERT_EQUAL(crc32c(0, check, 0), 0);
    for (size_t cut = 0; cut <= 9; cut++)
        CU_ASSERT_EQUAL(crc32c(crc32c(0, check, cut), check + cut, 9 - cut), 0xE3069283);
}

TEST_MAIN(TEST(sum__every_kernel_equals_the_definition), TEST(sum__every_single_bit_counts_right_in_every_kernel),
          TEST(sum__a_zero_block_sums_to_its_page_number), TEST(page_sum__every_page_windows_wrote_verifies),
          TEST(page_sum__each_single_flip_is_corrected_byte_for_byte),
          TEST(page_sum__two_flips_in_a_block_are_reported),
          TEST(page_sum__flips_in_different_blocks_are_all_corrected),
          TEST(page_sum__bursts_of_up_to_32_bits_are_reported), TEST(page_sum__overwritten_ranges_are_reported),
          TEST(page_sum__three_flips_with_two_in_a_column_pass_for_one),
          TEST(page_sum__flips_in_the_sum_and_in_the_flag_are_fatal),
          TEST(page_sum__a_small_page_under_another_number_is_never_corrected),
          TEST(page_sum__a_large_page_names_the_number_it_was_written_for),
          TEST(page_sum__a_zero_page_is_blank_and_one_bit_more_is_damage),
          TEST(page_sum__pages_of_the_old_format_verify_but_are_not_corrected),
          TEST(sum_header__counts_all_but_the_first_word), TEST(crc32c__is_the_standard_one_and_chains))
