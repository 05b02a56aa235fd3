/* See testevents.h. */
#define _GNU_SOURCE
#include "tests/lib/testevents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

char *testevents_slurp(const char *path) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_FATAL(getdelim(&text, &size, 0, f) > 0);
    fclose(f);
    return text;
}

void testevents_read_document(char severity[TESTEVENTS_IDS][32]) {
    char *text = testevents_slurp(ESENT_SOURCE_DIR "/docs/events.md"), *rest = text, name[80], word[32];
    unsigned id;
    memset(severity, 0, TESTEVENTS_IDS * sizeof severity[0]);
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (sscanf(line, "| %u | %79[A-Z_0-9] | %31[a-z, ] |", &id, name, word) != 3)
            continue;
        CU_ASSERT_FATAL(id < TESTEVENTS_IDS);
        CU_ASSERT_EQUAL(severity[id][0], 0); /* once */
        memcpy(severity[id], word, sizeof word);
    }
    free(text);
}
