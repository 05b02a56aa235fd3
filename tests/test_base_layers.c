/* The house of ARCHITECTURE.md, checked: who includes whom, and what the shared library shows to the outside. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

/* Bottom first. What a folder includes with quotes lies in itself or before it here. */
static const char *const floors[] = {"base", "log", "engine", "recovery", "backup", "api", "tools"};
#define FLOORS (int)(sizeof floors / sizeof floors[0])

static int floor_of(const char *path) {
    size_t n = strcspn(path, "/");
    for (int i = 0; i < FLOORS; i++) {
        if (path[n] == '/' && strlen(floors[i]) == n && memcmp(floors[i], path, n) == 0)
            return i;
    }
    return -1;
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), e = strlen(end);
    return n >= e && strcmp(s + n - e, end) == 0;
}

/* ---- includes ---- */

/* Calls fn for each #include of each source file in a folder; returns how many files there were. */
typedef void (*include_fn)(int floor, const char *file, bool quoted, const char *what);

static void each_include_of_file(int floor, const char *path, include_fn fn) {
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (getline(&line, &size, f) >= 0) {
        char *p = line;
        while (isspace((unsigned char)*p))
            p++;
        if (*p++ != '#')
            continue;
        while (isspace((unsigned char)*p))
            p++;
        if (strncmp(p, "include", 7) != 0)
            continue;
        p += 7;
        while (isspace((unsigned char)*p))
            p++;
        char open = *p++, *end = strchr(p, open == '"' ? '"' : '>');
        CU_ASSERT_FATAL((open == '"' || open == '<') && end); /* no computed includes: they would hide from this test */
        *end = 0;
        fn(floor, path, open == '"', p);
    }
    free(line);
    fclose(f);
}

static unsigned each_include(int floor, const char *folder, include_fn fn) {
    char path[1024];
    unsigned files = 0;
    snprintf(path, sizeof path, "%s/%s", ESENT_SOURCE_DIR, folder);
    DIR *dir = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!ends_with(entry->d_name, ".c") && !ends_with(entry->d_name, ".h"))
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", ESENT_SOURCE_DIR, folder, entry->d_name);
        each_include_of_file(floor, path, fn);
        files++;
    }
    closedir(dir);
    return files;
}

static void refuse(const char *file, const char *what, const char *why) {
    fprintf(stderr, "%s: includes %s: %s\n", file, what, why);
    CU_FAIL("include");
}

static void check_floor(int floor, const char *file, bool quoted, const char *what) {
    int from = floor_of(what);
    if (!quoted) {
        if (from >= 0)
            refuse(file, what, "our own headers are in quotes");
        return;
    }
    if (from < 0)
        refuse(file, what, "not FOLDER/FILE of a folder of the house");
    else if (from > floor)
        refuse(file, what, "it lies above");
    else if (from < floor && ends_with(what, "_priv.h"))
        refuse(file, what, "private to its folder");
}

static void folders__include_only_what_lies_below(void) {
    for (int i = 0; i < FLOORS; i++)
        CU_ASSERT_NOT_EQUAL(each_include(i, floors[i], check_floor), 0);
}

static void check_public(int floor, const char *file, bool quoted, const char *what) {
    (void)floor;
    if (quoted)
        refuse(file, what, "only the public header and the system's are there for a user");
}

static void header_and_examples__need_nothing_of_the_inside(void) {
    CU_ASSERT_EQUAL(each_include(0, "include", check_public), 1);
    CU_ASSERT_NOT_EQUAL(each_include(0, "examples", check_public), 0);
}

/* ---- exports ---- */

#define NAMES_MAX 1024

struct names {
    unsigned count;
    char *at[NAMES_MAX];
};

static void names_add(struct names *names, const char *name, size_t bytes) {
    CU_ASSERT_FATAL(names->count < NAMES_MAX);
    names->at[names->count++] = strndup(name, bytes);
}

static bool names_has(const struct names *names, const char *name) {
    for (unsigned i = 0; i < names->count; i++) {
        if (strcmp(names->at[i], name) == 0)
            return true;
    }
    return false;
}

static void names_free(struct names *names) {
    while (names->count)
        free(names->at[--names->count]);
}

/* "JET_ERR JET_API JetInit(JET_INSTANCE *pinstance);" */
static void declared_functions(struct names *out) {
    FILE *f = fopen(ESENT_SOURCE_DIR "/include/esent.h", "r");
    char *line = NULL;
    size_t size = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (getline(&line, &size, f) >= 0) {
        const char *at = strstr(line, " JET_API Jet");
        size_t bytes = at ? strcspn(at + 9, "(") : 0;
        if (at && at[9 + bytes] == '(')
            names_add(out, at + 9, bytes);
    }
    free(line);
    fclose(f);
}

/* "00000000000111b0 T JetInit". False: there is no nm, and the test is skipped. */
static bool exported_symbols(const char *library, struct names *out) {
    char command[1200], line[1024];
    snprintf(command, sizeof command, "nm -D --defined-only '%s'", library);
    FILE *f = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        const char *name = strrchr(line, ' ');
        if (name)
            names_add(out, name + 1, strcspn(name + 1, "@"));
    }
    int status = pclose(f);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) { /* what the shell says of a program that is not there */
        test_skip("no nm here");
        return false;
    }
    CU_ASSERT_EQUAL(status, 0);
    return true;
}

static void library__exports_the_functions_of_its_header_and_nothing_else(void) {
    const char *library = ESENT_BINARY_DIR "/lib/libesent.so";
    struct names declared = {.count = 0}, exported = {.count = 0};

    if (access(library, R_OK) != 0) {
        test_skip("libesent.so is not built");
        return;
    }
    if (!exported_symbols(library, &exported))
        return;
    declared_functions(&declared);
    CU_ASSERT_NOT_EQUAL(declared.count, 0);
    for (unsigned i = 0; i < exported.count; i++) {
        if (names_has(&declared, exported.at[i]))
            continue;
        fprintf(stderr, "%s is exported, but is no function of esent.h\n", exported.at[i]);
        CU_FAIL("export");
    }
    for (unsigned i = 0; i < declared.count; i++) {
        if (names_has(&exported, declared.at[i]))
            continue;
        fprintf(stderr, "%s is declared in esent.h, but not exported\n", declared.at[i]);
        CU_FAIL("declaration");
    }
    names_free(&declared);
    names_free(&exported);
}

TEST_MAIN(TEST(folders__include_only_what_lies_below), TEST(header_and_examples__need_nothing_of_the_inside),
          TEST(library__exports_the_functions_of_its_header_and_nothing_else))
