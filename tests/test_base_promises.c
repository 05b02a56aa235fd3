/* docs/promises.md, checked: the promises are those of ARCHITECTURE.md, every test that is named there exists, and what
 * test_crash_breaks can break (base/breaks.h) stands beside the promise that it breaks. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/breaks.h"
#include "tests/lib/test.h"

#define PROMISES 14u

static char *read_file(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", ESENT_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t bytes = 0;
    if (!f || getdelim(&text, &bytes, 0, f) < 0)
        fprintf(stderr, "%s cannot be read\n", path);
    CU_ASSERT_FATAL(f != NULL && text != NULL);
    fclose(f);
    return text;
}

/* Of "- **P5** A torn page ...\n  and so on\n": the text with single spaces. NULL: none. */
static char *promise_text(const char *file, unsigned number) {
    char mark[16], *out, *to;
    snprintf(mark, sizeof mark, "**P%u** ", number);
    const char *from = strstr(file, mark);
    if (!from)
        return NULL;
    from += strlen(mark);
    out = to = malloc(strlen(from) + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    for (; *from && !(*from == '\n' && from[1] != ' '); from++)
        if (!isspace((unsigned char)*from))
            *to++ = *from;
        else if (to > out && to[-1] != ' ')
            *to++ = ' ';
    *to = 0;
    return out;
}

static void promises__are_the_ones_of_the_architecture(void) {
    char *design = read_file("ARCHITECTURE.md"), *page = read_file("docs/promises.md");
    for (unsigned i = 1; i <= PROMISES; i++) {
        char *a = promise_text(design, i), *b = promise_text(page, i);
        CU_ASSERT_TRUE_FATAL(a != NULL && b != NULL);
        if (strcmp(a, b) != 0)
            fprintf(stderr, "P%u: \"%s\" and \"%s\"\n", i, a, b);
        CU_ASSERT_STRING_EQUAL(a, b);
        free(a);
        free(b);
    }
    free(design);
    free(page);
}

/* ---- the rows of the table: | P5 | test | case | or | P5 | broken | name | ---- */

struct row {
    unsigned promise;
    char test[100], name[200];
};

/* The next row from *at on; false: there is none. */
static bool next_row(const char **at, struct row *out) {
    for (const char *p = *at; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (sscanf(p, "| P%u | %99[a-z0-9_] | %199[a-zA-Z0-9_] |", &out->promise, out->test, out->name) == 3) {
            *at = strchr(p, '\n');
            return true;
        }
    return false;
}

static bool case_exists(const struct row *row) {
    char file[200], entry[300];
    snprintf(file, sizeof file, "tests/%s.c", row->test);
    snprintf(entry, sizeof entry, "TEST(%s)", row->name);
    char *text = read_file(file);
    bool found = strstr(text, entry) != NULL;
    free(text);
    return found;
}

static bool break_exists(const struct row *row) {
#define B(name_, promise_, what) || (strcmp(row->name, #name_) == 0 && row->promise == (unsigned)atoi(&#promise_[1]))
    return false BREAKS(B);
#undef B
}

static void promises__name_tests_that_exist(void) {
    char *page = read_file("docs/promises.md");
    unsigned tests[PROMISES + 1] = {0}, breaks = 0, breaks_there = 0;
    const char *at = page;
    struct row row;
    while (next_row(&at, &row)) {
        bool is_break = strcmp(row.test, "broken") == 0;
        bool good = row.promise >= 1 && row.promise <= PROMISES && (is_break ? break_exists(&row) : case_exists(&row));
        if (!good)
            fprintf(stderr, "P%u: there is no %s in %s\n", row.promise, row.name, row.test);
        CU_ASSERT_TRUE(good);
        breaks += is_break;
        if (good && !is_break)
            tests[row.promise]++;
    }
    for (unsigned i = 1; i <= PROMISES; i++)
        CU_ASSERT_TRUE(tests[i] > 0);
#define B(name, promise, what) breaks_there++;
    BREAKS(B)
#undef B
    CU_ASSERT_EQUAL(breaks, breaks_there);
    free(page);
}

TEST_MAIN(TEST(promises__are_the_ones_of_the_architecture), TEST(promises__name_tests_that_exist))
